/* SPDX-License-Identifier: MIT
 *
 * history_text.h - lists and trends of a history (history.h), as JSON in, text for a terminal or
 * CSV out.
 *
 * Pure functions of that JSON. Write errors stay in the stream.
 */
#ifndef REPORT_HISTORY_TEXT_H
#define REPORT_HISTORY_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "message.h"
#include "report.h"

/* The word of a status in a language; static text. */
const char *status_word(enum status status, enum language language);

/* `text` and spaces up to `columns`; Chinese characters take two. `right`: the spaces come first.
 */
void text_column(FILE *out, const char *text, unsigned columns, bool right);

void history_print_list(const json_t *list, enum language language, FILE *out);

/* `kind` (a name of history_what_names, NULL = none) is shown beside the usual ones. */
void history_print_trend(const json_t *trend, const char *kind, enum language language, FILE *out);

/* Its marked days, a line each. */
void history_print_marks(const json_t *trend, enum language language, FILE *out);

/* A row per WAN and step, with a heading of English names. */
void history_print_csv(const json_t *trend, FILE *out);

#endif
