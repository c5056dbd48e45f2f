/* SPDX-License-Identifier: MIT
 *
 * ledger_read.c - the bytes of a ledger's JSON, a connection at a time.
 *
 * Ten thousand connections as one tree of JSON values take ten times the room of their text, and as
 * long to free as to read. ledger_save.c writes a line for each, so each line is given to jansson
 * by itself, and the text around them as one document with a mark in their place. Where that mark
 * does not turn up as the only row of the table, or a line is no JSON, the text is read as one
 * tree: what is told of a flaw does not depend on how lines are broken.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_values.h"

/* A full ledger of eight WANs is about 10 MB; jansson needs some ten times a hostile file's size.
 */
#define FILE_MAX_BYTES (128u << 20)

struct part {
	const char *bytes;
	size_t length;
};

/* ---- finding the rows ---- */

struct rows {
	struct part before, all, after; /* all: one to a line, ',' between them */
	size_t n;
};

/* The last row ends where its JSON does, and not at the end of its line. */
static bool end_rows(struct rows *rows, const char *last, const char *end)
{
	json_error_t error;
	json_t *row = json_loadb(last, (size_t)(end - last),
	                         JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);

	if (!row)
		return false;
	json_decref(row);
	rows->all.length = (size_t)(last - rows->all.bytes) + (size_t)error.position;
	rows->after.bytes = last + error.position;
	rows->after.length = (size_t)(end - rows->after.bytes);
	return true;
}

static const char *line_end(const char *line, const char *end)
{
	const char *newline = memchr(line, '\n', (size_t)(end - line));

	return newline ? newline : end;
}

static bool find_rows(const char *bytes, size_t length, struct rows *rows)
{
	static const char opening[] = "\n\"connections\":[\n";
	const char *end = bytes + length,
		   *line = memmem(bytes, length, opening, sizeof(opening) - 1);

	if (!line)
		return false;
	line += sizeof(opening) - 1;
	*rows = (struct rows){.before = {bytes, (size_t)(line - bytes)}, .all = {line, 0}, .n = 1};
	for (;; rows->n++) {
		const char *newline = line_end(line, end);

		if (newline == end || newline[-1] != ',')
			return end_rows(rows, line, end);
		line = newline + 1;
	}
}

/* ---- reading what is around them ---- */

static const char mark[] = "\"rows\"";

struct supply {
	struct part parts[3];
	size_t at;
};

static size_t supply_bytes(void *buffer, size_t size, void *context)
{
	struct supply *supply = context;
	struct part *part = &supply->parts[supply->at];

	while (part->length == 0 && supply->at < 2)
		part = &supply->parts[++supply->at];
	if (size > part->length)
		size = part->length;
	memcpy(buffer, part->bytes, size);
	part->bytes += size;
	part->length -= size;
	return size;
}

/* The whole without the rows; NULL when they are not what they looked like. */
static json_t *read_around(const struct rows *rows)
{
	struct supply supply = {{rows->before, {mark, sizeof(mark) - 1}, rows->after}, 0};
	json_t *root = json_load_callback(supply_bytes, &supply, JSON_REJECT_DUPLICATES, NULL);
	json_t *table = json_object_get(root, "connections");
	const char *text = json_string_value(json_array_get(table, 0));

	if (json_array_size(table) == 1 && text && strcmp(text, "rows") == 0 &&
	    json_array_clear(table) == 0)
		return root;
	json_decref(root);
	return NULL;
}

/* ---- loading ---- */

enum answer { LOADED, REFUSED, NOT_BY_LINES };

static enum answer load_row(struct loading *loading, const char *line, size_t length, size_t index)
{
	json_t *row = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	bool loaded;

	if (!row)
		return NOT_BY_LINES;
	loaded = ledger_load_connection(loading, row, index);
	json_decref(row);
	return loaded ? LOADED : REFUSED;
}

static enum answer load_rows(struct loading *loading, const struct rows *rows)
{
	const char *line = rows->all.bytes, *end = line + rows->all.length;
	enum answer answer = LOADED;

	for (size_t i = 0; answer == LOADED && i < rows->n; i++) {
		const char *newline = line_end(line, end);
		size_t comma = i + 1 < rows->n;

		answer = load_row(loading, line, (size_t)(newline - line) - comma, i);
		line = newline + comma;
	}
	return answer;
}

static enum answer load_by_lines(struct loading *loading, const char *bytes, size_t length)
{
	struct rows rows;
	enum answer answer;
	json_t *root;

	if (!find_rows(bytes, length, &rows) || rows.n > LEDGER_CONNECTIONS_MAX)
		return NOT_BY_LINES;
	root = read_around(&rows);
	if (!root)
		return NOT_BY_LINES;
	answer = ledger_load_tables(loading, root) ? LOADED : REFUSED;
	json_decref(root);
	if (answer == LOADED)
		answer = load_rows(loading, &rows);
	if (answer == LOADED && !ledger_load_end(loading))
		answer = REFUSED;
	return answer;
}

static bool load_whole(struct loading *loading, const char *bytes, size_t length)
{
	json_error_t error;
	json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	bool loaded;

	if (!root) {
		snprintf(loading->message, loading->size, "line %d: not JSON: %s", error.line,
		         error.text);
		return false;
	}
	loaded = ledger_load_tables(loading, root) && ledger_load_end(loading);
	json_decref(root);
	return loaded;
}

static bool too_large(char *message, size_t size)
{
	snprintf(message, size, "larger than %u MiB: not a ledger of this program",
	         FILE_MAX_BYTES >> 20);
	return false;
}

bool ledger_load_bytes(struct ledger *ledger, const char *bytes, size_t length, char *message,
                       size_t size)
{
	struct loading loading = {.ledger = ledger, .message = message, .size = size};
	enum answer answer;

	ledger_init(ledger);
	if (length > FILE_MAX_BYTES)
		return too_large(message, size);
	answer = load_by_lines(&loading, bytes, length);
	if (answer == LOADED)
		return true;
	ledger_release(ledger);
	if (answer == REFUSED)
		return false;
	loading = (struct loading){.ledger = ledger, .message = message, .size = size};
	if (load_whole(&loading, bytes, length))
		return true;
	ledger_release(ledger);
	return false;
}

/* All of it; the caller frees *bytes, whatever comes out. */
static bool read_all(FILE *file, char **bytes, size_t *length, char *message, size_t size)
{
	size_t room = 0, got;

	*length = 0;
	for (*bytes = NULL;; *length += got) {
		if (*length == room) {
			char *more;

			room = room ? 2 * room : 1u << 16;
			more = realloc(*bytes, room);
			if (!more) {
				snprintf(message, size, "out of memory");
				return false;
			}
			*bytes = more;
		}
		got = fread(*bytes + *length, 1, room - *length, file);
		if (got == 0)
			break;
		if (*length + got > FILE_MAX_BYTES)
			return too_large(message, size);
	}
	if (ferror(file))
		snprintf(message, size, "cannot be read");
	return !ferror(file);
}

bool ledger_load(struct ledger *ledger, FILE *file, char *message, size_t size)
{
	char *bytes;
	size_t length;
	bool loaded = false;

	ledger_init(ledger);
	if (read_all(file, &bytes, &length, message, size))
		loaded = ledger_load_bytes(ledger, bytes, length, message, size);
	free(bytes);
	return loaded;
}
