/* SPDX-License-Identifier: MIT
 *
 * explain.h - a page about each check: why it matters, how to repair what it finds, how to see that
 * it is repaired.
 *
 * Static texts, a row per check and a column per language. Titles are those of the table of rules
 * (verdict.h), so that a page is called what its findings are called.
 */
#ifndef REPORT_EXPLAIN_H
#define REPORT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "message.h"

struct explain_words {
	const char *why, *fix, *verify;
	const char *source; /* issues, kernel commits, measurements */
};

struct explain_row {
	const char *id;
	const char *severity; /* what it can come to: status names */
	const char *brief;    /* the repair in a line, English; NULL = no setting repairs this */
	const char *uci;      /* lines for the router, or NULL */
	bool role;            /* the repair is a role: LuCI's words for roles are told as well */
	struct explain_words words[LANGUAGE_COUNT];
};
extern const struct explain_row explain_rows[];
extern const size_t explain_n_rows;

/* Where LuCI hides the roles, and what it calls them. */
extern const char *const explain_roles[LANGUAGE_COUNT];

/* The row of a check, NULL when there is none. */
const struct explain_row *explain_find(const char *id);

/* The title of a check: its first rule's. */
const char *explain_title(const struct explain_row *row, enum language language);

/* The page of one check; the list of all. */
void explain_page(const struct explain_row *row, enum language language, FILE *out);
void explain_list(enum language language, FILE *out);

#endif
