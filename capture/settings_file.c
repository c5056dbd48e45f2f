/* SPDX-License-Identifier: MIT
 *
 * settings_file.c - the configuration file, through inih. See settings_inside.h.
 */
#include "settings_inside.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST 65536 /* bytes of a configuration file */

static bool begin_section(struct reading *r, char *section)
{
	static const char prefix[] = "interface";
	size_t n = sizeof(prefix) - 1;

	r->key = NULL;
	r->interface = NULL;
	r->keys = 0;
	r->in_section = true;
	if (strcmp(section, "captured") == 0)
		return true;
	if (strncmp(section, prefix, n) == 0 && (section[n] == ' ' || section[n] == '\0')) {
		section += n;
		section += strspn(section, " ");
		r->interface = reading_add_interface(r, section);
		return r->interface != NULL;
	}
	return reading_refuse(r,
	                      "unknown section [%s]: there are [captured] and [interface PATTERN]",
	                      reading_show(section).text);
}

/* inih tells of a section only with its first key, and cuts its name; [interface eth1] alone says
 * enough. */
static bool look_for_section(struct reading *r, const char *line)
{
	size_t n = strcspn(line, ";#\n"), end = n;
	char section[128];

	if (line[0] != '[')
		return true;
	while (end > 0 && strchr(" \t", line[end - 1]))
		end--;
	if (line[end - 1] != ']') /* the last one: a glob may hold some */
		return reading_refuse(r, "is no [section]");
	if (end > sizeof(section))
		return reading_refuse(r, "no section has so long a name");
	memcpy(section, line + 1, end - 2);
	section[end - 2] = '\0';
	return begin_section(r, section);
}

/* Does the line begin with a key of ours and "="? */
static bool is_assignment(const char *line)
{
	size_t n = strcspn(line, " \t=");
	char name[32];

	if (n >= sizeof(name) || line[n + strspn(line + n, " \t")] != '=')
		return false;
	memcpy(name, line, n);
	name[n] = '\0';
	if (settings_is_interface_key(name))
		return true;
	settings_swap(name, '_', '-');
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (strcmp(settings_rows[i].name, name) == 0)
			return true;
	return false;
}

/* Takes the line that begins at r->at; *length without its end (LF or CR LF). */
static const char *take_line(struct reading *r, size_t *length)
{
	const char *line = r->at;
	const char *newline = memchr(line, '\n', (size_t)(r->end - line));
	const char *stop = newline ? newline : r->end;

	r->at = newline ? newline + 1 : r->end;
	*length = (size_t)(stop - line);
	if (*length && line[*length - 1] == '\r')
		--*length;
	return line;
}

/*
 * The next line for inih. It would cut long lines in two, and take indented ones for more of the
 * value above: that is so for filters only, others may be indented as people like.
 */
static char *next_line(char *line, int room, void *stream)
{
	struct reading *r = stream;
	const char *text;
	size_t n, indent;

	if (r->at == r->end || r->message[0])
		return NULL;
	r->line++;
	r->key = NULL;
	text = take_line(r, &n);
	if (n + 2 > (size_t)room) {
		reading_refuse(r, "the line is longer than %d bytes%s", room - 2,
		               ": a filter may go on in the next line, behind a space");
		return NULL;
	}
	memcpy(line, text, n);
	memcpy(line + n, "\n", 2);
	indent = strspn(line, " \t");
	if (strchr(";#\n", line[indent]))
		return line;
	r->continued = r->filter && indent && !is_assignment(line + indent);
	if (r->continued) { /* inih cuts comments off behind keys only */
		for (char *c = line + indent; *c; c++)
			if (*c == ';' && isspace((unsigned char)c[-1]))
				strcpy(c, "\n");
		return line;
	}
	memmove(line, line + indent, n + 2 - indent);
	unsigned here = r->line;
	if (!reading_end_filter(r))
		return NULL;
	r->line = here;
	r->key = NULL;
	return look_for_section(r, line) ? line : NULL;
}

static bool unknown_key(struct reading *r, const char *name)
{
	char near[32];
	const char *word = nearest_option(name, true);

	snprintf(near, sizeof(near), "%s", word ? word : "");
	settings_swap(near, '-', '_');
	return reading_refuse(r, "unknown key%s%s%s",
	                      word ? ", did you mean \"" : "; mptcp-captured --help lists all",
	                      near, word ? "\"?" : "");
}

static bool load_option(struct reading *r, const char *key, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", key);
	settings_swap(name, '_', '-');
	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		if (strcmp(settings_rows[i].name, name) != 0)
			continue;
		if (settings_rows[i].unit == UNIT_INTERFACE)
			return reading_refuse(r, "write a section [interface %s] instead",
			                      reading_show(value).text);
		if (settings_rows[i].flag_only)
			return reading_refuse(r, "is a flag only: --%s", settings_rows[i].name);
		if (r->said[i])
			return reading_refuse(r, "is said twice");
		return reading_set(r, &settings_rows[i], value);
	}
	if (settings_is_interface_key(key))
		return reading_refuse(r, "belongs into a section [interface PATTERN]");
	return unknown_key(r, name);
}

/* inih's callback: 1 good, 0 bad. */
static int load_key(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;

	(void)section;
	if (r->message[0])
		return 0;
	r->key = key;
	if (r->continued)
		return reading_more_filter(r, value);
	if (!r->in_section)
		return reading_refuse(r, "stands before any section: write [captured] above it");
	if (r->interface)
		return reading_set_key(r, r->interface, key, value);
	return load_option(r, key, value);
}

static bool parse_file(struct reading *r, const char *text, size_t length)
{
	const char *nul = memchr(text, '\0', length);
	int bad;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	r->at = text;
	r->end = text + length;
	if (nul) {
		for (r->line = 1; text < nul; text++)
			r->line += *text == '\n';
		return reading_refuse(r, "holds a NUL byte: this is no text");
	}
	bad = ini_parse_stream(next_line, r, load_key, r);
	r->key = NULL;
	if (bad < 0)
		return reading_refuse(r, "out of memory");
	if (bad > 0 && !r->message[0]) {
		r->line = (unsigned)bad;
		return reading_refuse(r, "is neither [section] nor key = value");
	}
	return !r->message[0] && reading_end_filter(r);
}

bool reading_load(struct reading *r, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_MOST + 1);
	size_t length = 0;
	bool good = false;

	r->file = path;
	r->line = 0;
	if (file && text)
		length = fread(text, 1, FILE_MOST + 1, file);
	if (!text)
		reading_refuse(r, "out of memory");
	else if (!file || ferror(file))
		reading_refuse(r, "cannot be read: %s", strerror(errno));
	else if (length > FILE_MOST)
		reading_refuse(r, "is longer than %d bytes: this is no configuration", FILE_MOST);
	else
		good = parse_file(r, text, length);
	if (file)
		fclose(file);
	free(text);
	r->settings->bad_file = !good;
	r->file = NULL;
	r->key = NULL;
	return good;
}
