/* SPDX-License-Identifier: MIT
 *
 * render_sites.h - many sites behind one server: which are worst, then each on its own page.
 *
 * A pure function of what it gets, like render.h.
 */
#ifndef REPORT_RENDER_SITES_H
#define REPORT_RENDER_SITES_H

#include <stdbool.h>
#include <stdio.h>

#include "report.h"

/* What an overview says of a site. */
struct site_summary {
	const char *name; /* borrowed */
	enum status verdict;
	uint64_t backup, primary; /* billed IP bytes in the judged time */
	char rules[20];           /* the first of those that decided the verdict: "A1 A3" */
	char *text;               /* owned; its page, NULL = none is wanted */
};

/* Fill all but the text; `name` lives longer. */
void site_summarise(struct site_summary *summary, const char *name, const struct report *report);

/* Worst first: fail, warn, not assessed, pass; among equals by bytes of backups, then by name. */
void site_summaries_sort(struct site_summary *rows, size_t n);

/* fail > warn > not assessed > pass, as within one report. Pass when there are none. */
enum status site_summaries_worst(const struct site_summary *rows, size_t n);

/* Frames that no site could be told of, by reason, as their ledger has them; NULL = none. */
void render_sites(const struct site_summary *rows, size_t n, const struct ledger *nobody, FILE *out,
                  bool colour, enum language language);

#endif
