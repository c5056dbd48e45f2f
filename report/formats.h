/* SPDX-License-Identifier: MIT
 *
 * formats.h - a report's JSON in, a form of it for people or machines out: the table of renderers.
 *
 * Each is a pure function of the JSON and the language: no clock, no files, no environment. The
 * JSON may come from a stranger and from an older or newer 1.x: members may be missing or of
 * another type, what is there is shown.
 */
#ifndef REPORT_FORMATS_H
#define REPORT_FORMATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "message.h"

struct format {
	const char *name;   /* of --format */
	const char *suffix; /* of a file that gets it: ".html" */
	const char *words;  /* for --help */
	/* False: out of memory. Write errors stay in the stream: ask ferror(). */
	bool (*render)(const json_t *report, enum language language, FILE *out);
};
extern const struct format formats[]; /* the first one is the default */
extern const size_t n_formats;

/* NULL: there is none of this name; no file of this name gets one. */
const struct format *format_find(const char *name);
const struct format *format_of_file(const char *path);

bool render_html(const json_t *report, enum language language, FILE *out);
/* 80 columns; with colours for a terminal. */
bool render_text(const json_t *report, enum language language, FILE *out);
bool render_markdown(const json_t *report, enum language language, FILE *out);
bool render_metrics(const json_t *report, enum language language, FILE *out);
bool render_ndjson(const json_t *report, enum language language, FILE *out);
bool render_terminal(const json_t *report, enum language language, FILE *out);

/* Does this program understand it? False: `message` says why not. */
bool format_accepts(const json_t *report, char *message, size_t size);

#endif
