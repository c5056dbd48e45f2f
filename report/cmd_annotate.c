/* SPDX-License-Identifier: MIT
 *
 * cmd_annotate.c - mptcp-audit annotate: captures in, one pcapng with a comment per frame out.
 *
 * Reads the captures twice: what a frame is, is known only when those behind it were read. Between
 * the two ways a file without a name holds a row per frame, so memory does not grow with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/pcapng.h"
#include "../capture/savefile.h"
#include "../capture/source.h"
#include "../dissect/sighting.h"
#include "cmd_captures.h"
#include "cmd_intake.h"
#include "command.h"
#include "output.h"
#include "report.h"
#include "text.h"

#define INTERFACES_MAX 1024
#define COMMENT        1
#define COMMENT_MAX    700 /* a file's name may be long */
#define NAME_MAX_SHOWN 400
#define PACKET_HEAD    28

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	{"output", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

/* What the first way found out of a frame. All zero: nothing. */
struct row {
	uint64_t connection, dsn, number;
	uint32_t subflow;
	uint16_t wan, circumstance, app;
	uint8_t kind, direction;
	bool known, has_connection, has_dsn, unused[5];
};

/* Rows by the order of their frames, in a file without a name. */
struct rows {
	FILE *file;
	uint64_t next; /* where its position is */
	bool failed;
};

struct annotating {
	struct intake *intake;
	const char *path; /* borrowed from argv */
	struct ledger ledger;
	struct rows rows;
	uint64_t primaries, backups; /* bit per WAN of the ledger */

	/* writing */
	struct output output;
	struct source *source;
	struct {
		uint32_t wan, source_wan;
		uint16_t linktype;
	} interfaces[INTERFACES_MAX];
	uint32_t n_interfaces;
	uint8_t *block; /* owned */
	uint64_t frames;
};

/* ---- rows ---- */

/* Beside the output: there is room for the captures, so there is for this. */
static bool rows_open(struct rows *rows, const char *path)
{
	const char *slash = path && strcmp(path, "-") != 0 ? strrchr(path, '/') : NULL;
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

	free(folder);
	rows->file = fd >= 0 ? fdopen(fd, "w+") : tmpfile();
	if (!rows->file && fd >= 0)
		close(fd);
	return rows->file;
}

static void rows_seek(struct rows *rows, uint64_t at)
{
	if (rows->next != at && fseeko(rows->file, (off_t)(at * sizeof(struct row)), SEEK_SET) != 0)
		rows->failed = true;
	rows->next = at + 1;
}

static void settled(void *context, const struct sighting *s)
{
	struct rows *rows = context;
	struct row row = {
		.connection = s->connection[0] ? strtoull(s->connection, NULL, 16) : 0,
		.dsn = s->dsn,
		.number = s->entry.number,
		.subflow = s->subflow,
		.wan = (uint16_t)s->entry.wan,
		.circumstance = s->entry.circumstance,
		.app = s->entry.app,
		.kind = s->entry.kind,
		.direction = s->entry.direction,
		.known = true,
		.has_connection = s->connection[0] != '\0',
		.has_dsn = s->has_dsn,
	};

	rows_seek(rows, s->order);
	rows->failed |= fwrite(&row, sizeof(row), 1, rows->file) != 1;
}

/* The rows in order; behind the last one nothing is known. False: the captures are no longer what
 * they were. */
static bool rows_next(struct rows *rows, const struct frame *frame, struct row *row)
{
	if (fread(row, sizeof(*row), 1, rows->file) != 1)
		*row = (struct row){0};
	return !row->known || row->number == frame->number;
}

/* ---- the comment ---- */

/* A name as one word, in which nothing looks like another word: what a filter must not find there
 * is written as %XX. */
static void put_name(char *out, size_t size, const char *name)
{
	size_t n = 0;

	for (const unsigned char *c = (const unsigned char *)name; *c && n + 4 < size; c++) {
		bool plain = *c > ' ' && *c < 0x7f && !strchr("=%\"\\", *c);

		n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", *c);
	}
	out[n] = '\0';
}

/* How the primaries were, of what passed on a backup. */
static const char *while_words(const struct annotating *a, const struct row *row)
{
	static const char *const words[PHASE_COUNT] = {
		[PHASE_HEALTHY] = " while-primary-healthy",
		[PHASE_DEGRADED] = " while-primary-degraded",
		[PHASE_AFTER] = " while-primary-back",
		[PHASE_OUTAGE] = " while-primary-out",
		[PHASE_UNKNOWN] = " while-primary-unknown",
	};

	if (row->kind >= KIND_CARRYING || row->wan >= LEDGER_WANS_MAX ||
	    !(a->backups >> row->wan & 1))
		return "";
	return words[report_phase(&a->ledger, a->primaries, row->circumstance)];
}

__attribute__((format(printf, 3, 4))) static void more(char *out, size_t *length,
                                                       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(out + *length, COMMENT_MAX - *length, format, arguments);
	va_end(arguments);
	if (n > 0)
		*length +=
			(size_t)n < COMMENT_MAX - *length ? (size_t)n : COMMENT_MAX - 1 - *length;
}

static size_t comment_of(const struct annotating *a, const struct row *row,
                         const struct frame *frame, const char *file, char out[COMMENT_MAX])
{
	bool known = row->known && row->kind < KIND_COUNT && row->direction < DIR_COUNT;
	char name[NAME_MAX_SHOWN];
	size_t n = 0;

	put_name(name, sizeof(name), file);
	more(out, &n, "kind=%s dir=%s", kind_names[known ? row->kind : KIND_UNREAD],
	     direction_names[known ? row->direction : DIR_UNKNOWN]);
	if (row->has_connection)
		more(out, &n, " conn=%016" PRIx64 " subflow=%" PRIu32, row->connection,
		     row->subflow);
	if (row->has_dsn)
		more(out, &n, " dsn=%" PRIu64, row->dsn);
	if (row->app && row->app < a->ledger.n_apps) {
		char app[64];

		put_name(app, sizeof(app), a->ledger.apps[row->app]);
		more(out, &n, " app=%s", app);
	}
	more(out, &n, "%s frame=%" PRIu64 " file=%s", known ? while_words(a, row) : "",
	     frame->number, name);
	return n;
}

/* ---- writing ---- */

/* A comment before the end of a block that pcapng_packet() wrote; returns its new size. */
static size_t add_comment(uint8_t *block, size_t size, uint32_t caplen, const char *text,
                          size_t length)
{
	static const uint32_t zero;
	bool had_options = size > PACKET_HEAD + ((caplen + 3u) & ~3u) + 4;
	uint8_t *end = block + size - (had_options ? 8 : 4);
	const uint16_t head[2] = {COMMENT, (uint16_t)length};

	memcpy(end, head, sizeof(head));
	memcpy(end + 4, text, length);
	end += 4 + length;
	for (; length % 4; length++)
		*end++ = 0;
	memcpy(end, &zero, sizeof(zero));
	uint32_t grown = (uint32_t)(end + 8 - block);
	memcpy(end + 4, &grown, sizeof(grown));
	memcpy(block + 4, &grown, sizeof(grown));
	return grown;
}

static bool put(struct annotating *a, size_t size)
{
	return fwrite(a->block, 1, size, a->output.file) == size;
}

static bool put_interface(struct annotating *a, const struct row *row, const struct frame *frame)
{
	static const uint8_t whole[FRAME_WAN_ADDRS] = {32, 32, 32, 32};
	size_t n;
	const struct frame_wan *wan = &source_wans(a->source, &n)[frame->wan];
	const char *name = row->known && row->wan < a->ledger.n_wans ? a->ledger.wans[row->wan].name
	                                                             : wan->name;
	struct pcapng_interface interface = {
		.name = name,
		.own = wan->own,
		.prefix = whole,
		.n_own = wan->n_own,
		.linktype = frame->linktype,
		.filter = wan->filtered ? "not told" : NULL,
	};

	if (a->n_interfaces == INTERFACES_MAX)
		return false;
	a->interfaces[a->n_interfaces].wan = row->known ? row->wan : UINT32_MAX;
	a->interfaces[a->n_interfaces].source_wan = frame->wan;
	a->interfaces[a->n_interfaces++].linktype = frame->linktype;
	return put(a, pcapng_interface(a->block, &interface));
}

/* A WAN is an interface; one whose captures are of several link types is several of one name. */
static bool find_interface(struct annotating *a, const struct row *row, const struct frame *frame,
                           uint32_t *interface)
{
	uint32_t wan = row->known ? row->wan : UINT32_MAX;

	for (*interface = 0; *interface < a->n_interfaces; ++*interface)
		if (a->interfaces[*interface].wan == wan &&
		    a->interfaces[*interface].source_wan == frame->wan &&
		    a->interfaces[*interface].linktype == frame->linktype)
			return true;
	return put_interface(a, row, frame);
}

static bool put_frame(struct annotating *a, const struct row *row, const struct frame *frame)
{
	char comment[COMMENT_MAX];
	size_t n, length = comment_of(a, row, frame, source_files(a->source, &n)[frame->file].name,
	                              comment);
	uint32_t interface;

	if (!find_interface(a, row, frame, &interface))
		return false;
	size_t size = pcapng_packet(a->block, interface, frame->ts_ns, frame->data, frame->caplen,
	                            frame->wire_len, frame->mark, frame->segment_size);
	a->frames++;
	return put(a, add_comment(a->block, size, frame->caplen, comment, length));
}

static int write_frames(struct annotating *a)
{
	struct frame frame;
	struct row row;

	rewind(a->rows.file);
	if (!put(a, pcapng_section(a->block, NULL, NULL, "mptcp-audit")))
		return EXIT_CANNOT_WRITE;
	while (source_next(a->source, &frame)) {
		if (!rows_next(&a->rows, &frame, &row))
			return command_complain(EXIT_BAD_DATA,
			                        "the captures changed while they were read: copy "
			                        "them first");
		if (!put_frame(a, &row, &frame))
			return EXIT_CANNOT_WRITE;
	}
	return 0;
}

static int complain_output(const struct annotating *a, enum exit_code code, int error)
{
	return command_complain(code, "-o %s: %s", a->path, strerror(error));
}

static int write_output(struct annotating *a)
{
	int error = output_open(&a->output, a->path), code = 0;

	if (error)
		return complain_output(a, EXIT_CANNOT_CREATE, -error);
	a->block = malloc(pcapng_packet_size(SAVEFILE_FRAME_MAX) + PCAPNG_BLOCK_MAX + COMMENT_MAX);
	if (!a->block)
		code = command_complain(EXIT_INTERNAL, "out of memory");
	if (code == 0)
		code = write_frames(a);
	int failed = errno;
	error = output_close(&a->output, code == 0);
	free(a->block);
	if (code == EXIT_CANNOT_WRITE)
		return complain_output(a, EXIT_CANNOT_WRITE, failed);
	if (code == 0 && error)
		return complain_output(a, EXIT_CANNOT_WRITE, -error);
	return code;
}

/* ---- the first way ---- */

static int find_roles(struct annotating *a)
{
	struct wan_role roles[LEDGER_WANS_MAX];
	char message[600];
	enum policy_answer answer =
		policy_resolve(&a->intake->policy, &a->ledger, roles, message, sizeof(message));

	if (answer != POLICY_FINE)
		return command_complain(answer == POLICY_UNKNOWN_FLAG ? EXIT_USAGE : EXIT_CONFIG,
		                        "%s", message);
	for (size_t i = 0; i < a->ledger.n_wans; i++) {
		if (roles[i].role == ROLE_MASTER || roles[i].role == ROLE_ON)
			a->primaries |= UINT64_C(1) << i;
		else if (roles[i].role == ROLE_BACKUP)
			a->backups |= UINT64_C(1) << i;
	}
	return 0;
}

static int annotate(struct annotating *a)
{
	int code;

	if (!rows_open(&a->rows, a->path))
		return command_complain(EXIT_CANNOT_CREATE, "a temporary file: %s",
		                        strerror(errno));
	code = intake_read(a->intake, &a->ledger, settled, &a->rows);
	if (code == 0 && (fflush(a->rows.file) != 0 || a->rows.failed))
		code = command_complain(EXIT_CANNOT_WRITE, "a temporary file: %s", strerror(errno));
	if (code == 0)
		code = find_roles(a);
	if (code == 0)
		a->source = captures_open(a->intake, 0, &code);
	if (code == 0)
		code = write_output(a);
	source_close(a->source);
	if (code == 0 && strcmp(a->path, "-") != 0) {
		char count[TEXT_SHORT], path[300];

		printf("%s: %s frames; in Wireshark: frame.comment contains \"kind=payload \"\n",
		       text_safe(path, sizeof(path), a->path, 200), text_count(count, a->frames));
	}
	return code;
}

/* ---- the subcommand ---- */

static int help(void)
{
	fputs("Usage: mptcp-audit annotate -o FILE [OPTION]... [NAME=]FILE...\n"
	      "All captures as one pcapng, frames as they are, WANs as interfaces, and a comment "
	      "per\n"
	      "frame that says what it is. Wireshark's filter finds them, with a space behind the "
	      "word:\n"
	      "  frame.comment contains \"kind=payload \"\n"
	      "  frame.comment contains \"while-primary-healthy\"\n"
	      "Words: kind= dir= conn= subflow= dsn= app= frame= file=, as in packets; of user "
	      "data "
	      "on\n"
	      "a backup while-primary-healthy, -degraded, -out, -back (it answers again) or "
	      "-unknown.\n\n"
	      "  -o, --output FILE   where it goes; - is standard output\n",
	      stdout);
	fputs(intake_help, stdout);
	return EXIT_PASS;
}

static int check_inputs(const struct annotating *a)
{
	for (size_t i = 0; i < a->intake->n_inputs; i++) {
		if (a->intake->inputs[i].ledger)
			return command_complain(EXIT_BAD_DATA, "%s: a ledger holds sums, no frames",
			                        a->intake->inputs[i].path);
		if (strcmp(a->intake->inputs[i].path, "-") == 0)
			return command_complain(EXIT_USAGE,
			                        "annotate reads each capture twice: save it first");
	}
	return 0;
}

static int parse(struct annotating *a, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":f:ho:", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == 'o')
			a->path = optarg;
		code = option == 'o' ? 0 : intake_option(a->intake, option, optarg);
		if (code != 0)
			return code;
	}
	if (!a->path)
		return command_complain(EXIT_USAGE, "annotate needs -o FILE: where does it go?");
	code = intake_words(a->intake, argc, argv, optind);
	return code ? code : check_inputs(a);
}

int cmd_annotate(int argc, char **argv)
{
	struct annotating *a = calloc(1, sizeof(*a));
	struct intake intake;
	bool helped = false;
	int code;

	if (!a)
		return command_complain(EXIT_INTERNAL, "out of memory");
	intake_init(&intake);
	ledger_init(&a->ledger);
	a->intake = &intake;
	code = parse(a, argc, argv, &helped);
	if (code == 0 && !helped)
		code = annotate(a);
	if (a->rows.file)
		fclose(a->rows.file);
	ledger_release(&a->ledger);
	intake_release(&intake);
	free(a);
	return code;
}
