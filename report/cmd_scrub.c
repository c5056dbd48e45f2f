/* SPDX-License-Identifier: MIT
 *
 * cmd_scrub.c - mptcp-audit scrub: captures in, captures out that may be given away: the same
 * audit, without payload, addresses, keys and names.
 *
 * Reads the captures twice: whose keys and DSNs a frame has may be known behind it, or from another
 * WAN, only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../capture/grabbed.h"
#include "../capture/names.h"
#include "../capture/rewrite.h"
#include "../capture/whole.h"
#include "../dissect/kin.h"
#include "../dissect/scrub.h"
#include "cmd_intake.h"
#include "cmd_scrub_names.h"
#include "command.h"
#include "text.h"

#define PART       ".scrub.part"
#define RECORD     "grab.txt"
#define KEY_LEAST  16
#define KEY_MOST   4096
#define ZSTD_LEVEL 3
#define FILE_NAME  (SCRUB_NAME + 64)

enum { OPTION_KEY = OPTION_OWN, OPTION_NAMES };

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"output", required_argument, NULL, 'o'},
	{"key", required_argument, NULL, OPTION_KEY},
	{"names", no_argument, NULL, OPTION_NAMES},
	{NULL, 0, NULL, 0},
};

struct scrubbing {
	const char *output, *key; /* borrowed from argv */
	bool names;

	struct intake *intake;
	struct ledger ledger;
	struct kin *kin;
	struct scrub *scrub;
	struct scrub_names called;
	const struct ledger_file *file; /* that is written */
	char boot[2 * DISGUISE_SECRET + 1];
	int dir;

	FILE *record; /* a grab.txt in the making: into the two below, both owned */
	char *record_text;
	size_t record_length;
};

static int help(void)
{
	fputs("Usage: mptcp-audit scrub -o DIR [--key FILE] [--names] [NAME=]FILE...\n"
	      "Captures that may be given away, of the same audit but for names: payload is cut "
	      "off,\n"
	      "addresses become others with the same prefixes, MPTCP keys become others and "
	      "tokens,\n"
	      "DSNs and HMACs follow them. Ports, times, sizes and sequence numbers stay.\n"
	      "Name all WANs at once: their connections belong together.\n\n"
	      "  -o, --output DIR  where a capture for each goes; made if need be, else empty\n"
	      "  --key FILE        the secret that decides what becomes what, made if it is not "
	      "there:\n"
	      "                    with it a host is the same in later captures, too\n"
	      "  --names           WANs, devices and files are called what they were\n\n"
	      "Exit: 0 written, 64 and above: errors\n",
	      stdout);
	return EXIT_PASS;
}

/* ---- the secret ---- */

static int key_trouble(const struct scrubbing *s, enum exit_code code, const char *why)
{
	return command_complain(code, "--key %s: %s", s->key, why);
}

static int make_key(const struct scrubbing *s, uint8_t secret[DISGUISE_SECRET])
{
	char text[2 * DISGUISE_SECRET + 1];
	int fd = open(s->key, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return key_trouble(s, EXIT_CANNOT_CREATE, strerror(errno));
	for (unsigned i = 0; i < DISGUISE_SECRET; i++)
		snprintf(text + 2 * i, 3, "%02x", secret[i]);
	text[2 * DISGUISE_SECRET] = '\n';
	ssize_t n = write(fd, text, sizeof(text));
	int error = n < 0 || fsync(fd) != 0 ? errno : n < (ssize_t)sizeof(text) ? ENOSPC : 0;
	if (close(fd) != 0 && !error)
		error = errno;
	if (error) {
		unlink(s->key);
		return key_trouble(s, EXIT_CANNOT_WRITE, strerror(error));
	}
	disguise_secret(text, sizeof(text), secret);
	return 0;
}

static int read_key(const struct scrubbing *s, uint8_t secret[DISGUISE_SECRET])
{
	char text[KEY_MOST + 1];
	int fd = s->key ? open(s->key, O_RDONLY | O_CLOEXEC) : -1;
	size_t length = 0;
	ssize_t n = 0;

	if (fd < 0 && s->key && errno != ENOENT)
		return key_trouble(s, EXIT_NO_INPUT, strerror(errno));
	if (fd < 0) {
		if (getrandom(secret, DISGUISE_SECRET, 0) != DISGUISE_SECRET)
			return command_complain(EXIT_INTERNAL, "no random numbers");
		return s->key ? make_key(s, secret) : 0;
	}
	while (length < sizeof(text) && (n = read(fd, text + length, sizeof(text) - length)) > 0)
		length += (size_t)n;
	close(fd);
	if (n < 0)
		return key_trouble(s, EXIT_NO_INPUT, strerror(errno));
	if (length < KEY_LEAST || length > KEY_MOST)
		return key_trouble(s, EXIT_USAGE, "a secret has 16 to 4096 bytes");
	disguise_secret(text, length, secret);
	explicit_bzero(text, sizeof(text));
	return 0;
}

/* ---- the hand ---- */

static uint32_t take_frame(void *context, const struct frame *frame, uint8_t *data)
{
	struct scrubbing *s = context;

	return scrub_frame(s->scrub, frame, data);
}

static void take_address(void *context, struct ipaddr *address)
{
	struct scrubbing *s = context;

	disguise_address(scrub_disguise(s->scrub), address->family, address->bytes);
}

static void take_mac(void *context, uint8_t mac[6])
{
	struct scrubbing *s = context;

	disguise_mac(scrub_disguise(s->scrub), mac);
}

/* Files of one boot of the recorder stay that. */
static const char *call_boot(struct scrubbing *s, const char *name)
{
	uint8_t in[DISGUISE_SECRET] = {0}, out[DISGUISE_SECRET];
	size_t n = strlen(name);

	memcpy(in, name, n < sizeof(in) ? n : sizeof(in));
	disguise_bytes(scrub_disguise(s->scrub), "boot", in, sizeof(in), out);
	for (unsigned i = 0; i < 4; i++)
		snprintf(s->boot + 2 * i, 3, "%02x", out[i]);
	return s->boot;
}

/* An interface of whose name no WAN is has its WAN from the file's name, or had no frame. */
static const char *call_wan(struct scrubbing *s, const char *name)
{
	const char *wan = scrub_names_wan(&s->called, name);

	if (wan)
		return wan;
	return strcmp(name, "any") == 0 ? "any" : scrub_names_stem(&s->called, &s->ledger, s->file);
}

static const char *take_name(void *context, enum rewrite_name what, const char *name)
{
	struct scrubbing *s = context;

	switch (what) {
	case REWRITE_WAN:
		return call_wan(s, name);
	case REWRITE_BOOT:
		return call_boot(s, name);
	case REWRITE_FILE:
		return scrub_names_file(&s->called, name);
	default:
		return scrub_names_device(&s->called, name);
	}
}

/* ---- the files ---- */

static bool holds(const char *name, const char *part)
{
	return strcasestr(name, part) != NULL;
}

/* "wan-a.pcap", "wan-a.pcap.2": as a log's rotation calls them, which names no other WAN. */
static void name_file(struct scrubbing *s, char out[FILE_NAME])
{
	const char *base = strrchr(s->file->name, '/');
	char number[16] = "";

	base = base ? base + 1 : s->file->name;
	const char *stem = scrub_names_stem(&s->called, &s->ledger, s->file);
	unsigned before = scrub_names_count(&s->called, stem);
	if (before)
		snprintf(number, sizeof(number), ".%u", before + 1);
	snprintf(out, FILE_NAME, "%s.%s%s%s%s", stem, holds(base, ".pcapng") ? "pcapng" : "pcap",
	         number, holds(base, ".zst") ? ".zst" : "", base + names_complete(base));
}

/* It was read a moment ago; a ledger tells names in UTF-8. */
static int complain_open(const char *name)
{
	if (errno == ENOENT)
		return command_complain(EXIT_NO_INPUT,
		                        "%s: is gone, or its name is not UTF-8: rename it", name);
	return command_complain(EXIT_NO_INPUT, "%s: %s", name, strerror(errno));
}

static int complain_file(const struct scrubbing *s, const char *to, int error, bool unwritten)
{
	const char *from = s->file->name;

	if (error == -ENOMEM)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (unwritten)
		return command_complain(EXIT_CANNOT_WRITE,
		                        "-o %s: %s: %s: what lies there is not all of it",
		                        s->output, to, strerror(-error));
	if (error == -EBADMSG)
		return command_complain(EXIT_BAD_DATA, "%s: is no capture", from);
	return command_complain(EXIT_NO_INPUT, "%s: %s", from, strerror(-error));
}

static int scrub_one(struct scrubbing *s, size_t index)
{
	const struct rewrite_hand hand = {take_frame, take_address, take_mac, take_name, s};
	const struct ledger_file *file = &s->ledger.files[index];
	char name[FILE_NAME], count[TEXT_SHORT], from[300], to[300];
	struct rewrite_result result;
	int fd = open(file->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return complain_open(file->name);
	s->file = file;
	name_file(s, name);
	const struct rewrite_output output = {
		.dir = s->dir,
		.part = PART,
		.name = name,
		.zstd_level = strstr(name, ".zst") ? ZSTD_LEVEL : 0,
	};
	int error = rewrite_file(fd, &hand, &output, &result);
	if (error)
		return complain_file(s, name, error, result.unwritten);
	if (!grabbed_retell(file->name, name, &hand, s->record))
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (result.frames != file->frames)
		return command_complain(EXIT_BAD_DATA,
		                        "%s: changed while it was read: copy it first", file->name);
	printf("%s -> %s: %s frames%s%s\n", text_safe(from, sizeof(from), file->name, 200),
	       text_safe(to, sizeof(to), name, 200), text_count(count, result.frames),
	       result.flaw ? "; ends as it did: " : "", result.flaw ? result.flaw : "");
	return 0;
}

/* What lay beside the captures and says what they do not: roles, and what was lost. */
static int write_record(struct scrubbing *s)
{
	uint64_t bytes, last_ns = 0;
	struct whole *file;
	int error = 0;

	if (fflush(s->record) != 0)
		return command_complain(EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < s->ledger.n_files; i++)
		if (s->ledger.files[i].last_ns > last_ns)
			last_ns = s->ledger.files[i].last_ns;
	file = s->record_length ? whole_open(s->dir, PART, 0, 0, &error) : NULL;
	if (file) {
		whole_put(file, s->record_text, s->record_length);
		error = whole_complete(file, RECORD, last_ns, &bytes);
	}
	if (error)
		return command_complain(EXIT_CANNOT_WRITE, "-o %s: " RECORD ": %s", s->output,
		                        strerror(-error));
	return 0;
}

/* ---- the directory ---- */

static bool is_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool empty = true;

	if (!list && fd >= 0)
		close(fd);
	while (list && empty && (entry = readdir(list)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		        strcmp(entry->d_name, PART) == 0;
	if (list)
		closedir(list);
	return list && empty;
}

/* The secret would be given away with the captures. */
static bool holds_key(const struct scrubbing *s)
{
	struct stat here, there;
	char *copy = s->key ? strdup(s->key) : NULL;
	bool same = copy && fstat(s->dir, &here) == 0 && stat(dirname(copy), &there) == 0 &&
	            here.st_dev == there.st_dev && here.st_ino == there.st_ino;

	free(copy);
	return same;
}

/* What lies there may be the captures themselves, or of another secret. */
static int open_output(struct scrubbing *s)
{
	if (mkdir(s->output, 0777) != 0 && errno != EEXIST)
		return command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", s->output,
		                        strerror(errno));
	s->dir = open(s->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", s->output,
		                        strerror(errno));
	if (holds_key(s))
		return key_trouble(
			s, EXIT_USAGE,
			"leads back to the addresses, and would lie beside the captures: "
			"keep it elsewhere");
	if (!is_empty(s->dir))
		return command_complain(EXIT_CANNOT_CREATE,
		                        "-o %s: is not empty: name another directory", s->output);
	return 0;
}

/* ---- the whole ---- */

static int learn(struct scrubbing *s)
{
	uint8_t secret[DISGUISE_SECRET];
	int code = read_key(s, secret);

	s->kin = code == 0 ? kin_new() : NULL;
	s->intake->kin = s->kin;
	if (code == 0 && s->kin)
		code = intake_read(s->intake, &s->ledger, NULL, NULL);
	if (code != 0)
		return code;
	enum kin_answer answer = s->kin ? kin_seal(s->kin) : KIN_NO_MEMORY;
	if (answer == KIN_TOO_MANY)
		return command_complain(EXIT_BAD_DATA,
		                        "more than %u MPTCP subflows, or keys of them: scrub fewer "
		                        "captures at once, with --key",
		                        KIN_MOST);
	if (s->ledger.n_files == LEDGER_FILES_MAX)
		return command_complain(EXIT_BAD_DATA,
		                        "%u captures or more: scrub fewer at once, with --key",
		                        LEDGER_FILES_MAX);
	if (answer == KIN_FINE)
		s->scrub = scrub_new(secret, s->kin);
	explicit_bzero(secret, sizeof(secret));
	if (!s->scrub || !scrub_names_init(&s->called, &s->ledger, s->names))
		return command_complain(EXIT_INTERNAL, "out of memory");
	return 0;
}

static int scrub(struct scrubbing *s)
{
	int code = open_output(s);

	s->record = open_memstream(&s->record_text, &s->record_length);
	if (!s->record)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (code == 0)
		code = learn(s);
	for (size_t i = 0; code == 0 && i < s->ledger.n_files; i++)
		code = scrub_one(s, i);
	return code ? code : write_record(s);
}

/* ---- the subcommand ---- */

static int check_inputs(const struct intake *intake)
{
	for (size_t i = 0; i < intake->n_inputs; i++) {
		if (intake->inputs[i].ledger)
			return command_complain(EXIT_BAD_DATA,
			                        "%s: a ledger holds sums, no frames; for reports "
			                        "there is --anonymize",
			                        intake->inputs[i].path);
		if (strcmp(intake->inputs[i].path, "-") == 0)
			return command_complain(EXIT_USAGE,
			                        "scrub reads each capture twice: save it first");
	}
	return 0;
}

static int parse(struct scrubbing *s, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			*helped = true;
			return help();
		case 'o':
			s->output = optarg;
			break;
		case OPTION_KEY:
			s->key = optarg;
			break;
		case OPTION_NAMES:
			s->names = true;
			break;
		default:
			return intake_bad_option(argv, options, option);
		}
	}
	if (!s->output)
		return command_complain(EXIT_USAGE, "scrub needs -o DIR: where does it go?");
	code = intake_words(s->intake, argc, argv, optind);
	return code ? code : check_inputs(s->intake);
}

int cmd_scrub(int argc, char **argv)
{
	struct scrubbing *s = calloc(1, sizeof(*s));
	struct intake intake;
	bool helped = false;
	int code;

	if (!s)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake_init(&intake);
	ledger_init(&s->ledger);
	s->intake = &intake;
	s->dir = -1;
	code = parse(s, argc, argv, &helped);
	if (code == 0 && !helped)
		code = scrub(s);
	if (s->dir >= 0)
		close(s->dir);
	if (s->record)
		fclose(s->record);
	free(s->record_text);
	scrub_free(s->scrub);
	kin_free(s->kin);
	scrub_names_release(&s->called);
	ledger_release(&s->ledger);
	intake_release(&intake);
	free(s);
	return code;
}
