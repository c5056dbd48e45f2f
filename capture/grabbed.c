/* SPDX-License-Identifier: MIT
 *
 * grabbed.c - see grabbed.h.
 */
#include "grabbed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_NAME "grab.txt"
#define RECORD_MOST 65536 /* bytes: some fifty WANs */
#define FORMAT      "mptcp-grab/1"
#define WORD        64

/* The record of one directory. */
struct record {
	char *directory; /* owned; NULL = none was looked for yet */
	char text[RECORD_MOST + 1];
};

/* A WAN's lines begin with its name and a dot. */
struct grabbed {
	const char *text;
	char wan[WORD];
};

/* ---- the file ---- */

static size_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		while (used < size &&
		       ((n = read(fd, text + used, size - used)) > 0 || (n < 0 && errno == EINTR)))
			used += n > 0 ? (size_t)n : 0;
	close(fd);
	return used < size ? used : 0; /* one that fills it is too long */
}

/* Its value: from behind the '=' to the end of the line. NULL: no such line. */
static const char *value_of(const char *text, const char *key, size_t *length)
{
	size_t n = strlen(key);

	for (const char *line = text; *line; line += *line == '\n') {
		size_t whole = strcspn(line, "\n");

		if (whole > n && line[n] == '=' && strncmp(line, key, n) == 0) {
			*length = whole - n - 1;
			return line + n + 1;
		}
		line += whole;
	}
	return NULL;
}

static bool is_record(const char *text)
{
	size_t length;
	const char *format = value_of(text, "format", &length);

	return format && length == strlen(FORMAT) && strncmp(format, FORMAT, length) == 0;
}

/* The record beside the input; "" when there is none. NULL: out of memory. */
static const char *record_beside(struct record *record, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(""),
	     *file = NULL;

	if (directory && record->directory && strcmp(directory, record->directory) == 0) {
		free(directory);
		return record->text;
	}
	if (!directory || asprintf(&file, "%s" RECORD_NAME, directory) < 0) {
		free(directory);
		return NULL;
	}
	free(record->directory);
	record->directory = directory;
	record->text[read_text(file, record->text, RECORD_MOST)] = '\0';
	if (!is_record(record->text))
		record->text[0] = '\0';
	free(file);
	return record->text;
}

/* ---- the lines of one WAN ---- */

static const char *wan_value(const struct grabbed *grabbed, const char *key, size_t *length)
{
	char name[2 * WORD];

	snprintf(name, sizeof(name), "%s.%s", grabbed->wan, key);
	return value_of(grabbed->text, name, length);
}

/* "" when it is not told, or too long. */
static void wan_word(const struct grabbed *grabbed, const char *key, char word[WORD])
{
	size_t length = 0;
	const char *value = wan_value(grabbed, key, &length);

	if (!value || length >= WORD)
		length = 0;
	memcpy(word, value ? value : "", length);
	word[length] = '\0';
}

static bool wan_number(const struct grabbed *grabbed, const char *key, uint64_t *number)
{
	size_t length = 0;
	const char *value = wan_value(grabbed, key, &length);

	*number = 0;
	if (!value || length == 0 || length > 18 || strspn(value, "0123456789") < length)
		return false;
	for (size_t i = 0; i < length; i++)
		*number = *number * 10 + (uint64_t)(value[i] - '0');
	return true;
}

/* Is it this file, or that file packed later? */
static bool names_file(const char *value, size_t length, const char *file)
{
	return length > 0 && strncmp(file, value, length) == 0 &&
	       (file[length] == '\0' || strcmp(file + length, ".gz") == 0 ||
	        strcmp(file + length, ".zst") == 0);
}

/* Which WAN's is the file? */
static bool find_wan(struct grabbed *grabbed, const char *file)
{
	static const char key[] = ".file=";

	for (const char *line = grabbed->text; *line; line += *line == '\n') {
		size_t whole = strcspn(line, "\n"), name = strcspn(line, ".=\n");
		const char *dot = line + name;

		/* names may hold dots: the last one before the key counts */
		while (name < whole && *dot == '.' && strncmp(dot, key, sizeof(key) - 1) != 0) {
			name += 1 + strcspn(dot + 1, ".=\n");
			dot = line + name;
		}
		if (name > 0 && name < WORD && strncmp(dot, key, sizeof(key) - 1) == 0 &&
		    names_file(dot + sizeof(key) - 1, whole - name - (sizeof(key) - 1), file)) {
			memcpy(grabbed->wan, line, name);
			grabbed->wan[name] = '\0';
			return true;
		}
		line += whole;
	}
	return false;
}

/* ---- what they say ---- */

/* Frames that the kernel counted between two moments at which the recording went on. */
static uint64_t counted_inside(const struct grabbed *grabbed)
{
	uint64_t first[2], last[2];

	if (!wan_number(grabbed, "first.rx_frames", &first[0]) ||
	    !wan_number(grabbed, "first.tx_frames", &first[1]) ||
	    !wan_number(grabbed, "last.rx_frames", &last[0]) ||
	    !wan_number(grabbed, "last.tx_frames", &last[1]) || last[0] < first[0] ||
	    last[1] < first[1])
		return 0;
	return last[0] - first[0] + last[1] - first[1];
}

/* Only a recording that ended as it should knows what it lost. What passed by tcpdump (hardware
 * offload) is lost like what it dropped; mptcp-grab says which of the two it was, and that frames
 * which the router joins (GRO) are no loss. Frames that the interface dropped nobody received. */
static bool lost_frames(const struct grabbed *grabbed, uint64_t *lost)
{
	static const char *const ended[] = {"yes", "ssh", "joined", "loss"};
	char complete[WORD];
	uint64_t captured, inside = counted_inside(grabbed);
	bool well = false, loss;

	wan_word(grabbed, "complete", complete);
	loss = strcmp(complete, "loss") == 0;
	for (size_t i = 0; i < sizeof(ended) / sizeof(*ended); i++)
		well = well || strcmp(complete, ended[i]) == 0;
	if (!well || !wan_number(grabbed, "dropped_by_kernel", lost) ||
	    !wan_number(grabbed, "captured", &captured))
		return false;
	if (loss && inside > captured && inside - captured > *lost)
		*lost = inside - captured;
	return true;
}

/* The filter leaves out mptcp-grab's own connection: on another device it hides nothing. */
static bool hides(const struct grabbed *grabbed, const char *device)
{
	size_t length = 0, own_length = 0;
	const char *filter = wan_value(grabbed, "filter", &length);
	const char *own = value_of(grabbed->text, "ssh_device", &own_length);

	return filter && length > 0 &&
	       (!own || own_length == 0 ||
	        (own_length == strlen(device) && strncmp(own, device, own_length) == 0));
}

static void tell_input(const struct grabbed *grabbed, struct input *input, struct roster *roster)
{
	uint32_t wan = input->row->wan;
	char role[WORD], device[WORD];
	uint64_t lost;

	wan_word(grabbed, "role", role);
	wan_word(grabbed, "device", device);
	if (role[0])
		roster_role(roster, wan, role);
	if (device[0])
		roster_device(roster, wan, device);
	wan_number(grabbed, "captured", &input->promised);
	if (lost_frames(grabbed, &lost))
		roster_lost(roster, wan, input->index + 1, lost);
	roster->wans[wan].filtered |= hides(grabbed, device);
}

bool grabbed_tell(struct inputs *inputs, struct roster *roster)
{
	struct record *record = calloc(1, sizeof(*record));
	bool good = record != NULL;

	for (size_t i = 0; good && i < inputs->n; i++) {
		struct input *input = &inputs->list[i];
		const char *slash = strrchr(input->path, '/');
		struct grabbed grabbed;

		if (input->recording.told || input->several || strcmp(input->path, "-") == 0)
			continue;
		grabbed.text = record_beside(record, input->path);
		good = grabbed.text != NULL;
		if (good && find_wan(&grabbed, slash ? slash + 1 : input->path))
			tell_input(&grabbed, input, roster);
	}
	if (record)
		free(record->directory);
	free(record);
	return good && !roster->out_of_memory;
}

/* ---- for another one ---- */

/* Words of ours and numbers; names have none of their own here. */
static void retell_word(const struct grabbed *grabbed, const char *key, const char *as, FILE *out)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	char word[WORD];

	wan_word(grabbed, key, word);
	if (word[0] && word[strspn(word, harmless)] == '\0')
		fprintf(out, "%s.%s=%s\n", as, key, word);
}

static void retell(const struct grabbed *grabbed, const char *as, const struct rewrite_hand *hand,
                   FILE *out)
{
	static const char *const keys[] = {
		"role",
		"complete",
		"captured",
		"dropped_by_kernel",
		"first.rx_frames",
		"first.tx_frames",
		"last.rx_frames",
		"last.tx_frames",
	};
	char device[WORD];

	if (ftell(out) == 0)
		fprintf(out, "format=" FORMAT "\n");
	fprintf(out, "%s.file=%s\n", as, as);
	wan_word(grabbed, "device", device);
	if (device[0])
		fprintf(out, "%s.device=%s\n", as,
		        hand->name(hand->context, REWRITE_DEVICE, device));
	if (hides(grabbed, device))
		fprintf(out, "%s.filter=not told\n", as);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		retell_word(grabbed, keys[i], as, out);
}

bool grabbed_retell(const char *path, const char *as, const struct rewrite_hand *hand, FILE *out)
{
	struct record *record = calloc(1, sizeof(*record));
	const char *slash = strrchr(path, '/');
	struct grabbed grabbed = {.text = record ? record_beside(record, path) : NULL};
	bool good = grabbed.text != NULL;

	if (good && strlen(as) < WORD && find_wan(&grabbed, slash ? slash + 1 : path))
		retell(&grabbed, as, hand, out);
	if (record)
		free(record->directory);
	free(record);
	return good && !ferror(out);
}
