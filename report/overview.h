/* SPDX-License-Identifier: MIT
 *
 * overview.h - many stored reports, into one line each, worst first.
 *
 * The overview is JSON ("mptcp-audit.index/1.0"): {files, reports: [{file, page, site, verdict,
 * sentence, messages, window, billed_bytes, wan, payload_share}], older, broken: [{file, why,
 * messages}]}. `wan` and `payload_share` are those of the backup with the largest share of user
 * data; `billed_bytes` is the sum of all backups. Renderers are pure functions of it.
 */
#ifndef REPORT_OVERVIEW_H
#define REPORT_OVERVIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "message.h"

/* NULL when out of memory. */
json_t *overview_new(void);

/* A report, from `file`, with the page that lies beside it (NULL: none). */
void overview_add(json_t *overview, const json_t *report, const char *file, const char *page);

/* A file that is none; why, as a message. */
void overview_add_broken(json_t *overview, const char *file, const char *why);

/* All are there: sort, worst first; without `all`, of each site that has a name only the newest
 * report stays, and `older` counts the others. */
void overview_finish(json_t *overview, bool all);

/* For format.render (formats.h). */
bool overview_text(const json_t *overview, enum language language, FILE *out);
bool overview_html(const json_t *overview, enum language language, FILE *out);

#endif
