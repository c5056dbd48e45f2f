/* SPDX-License-Identifier: MIT
 *
 * diff.h - two stored reports of one site, into what became better and what worse.
 *
 * A finding is its rule and WAN; of several the worst counts. A WAN is that of the same name, else
 * that which the configuration calls the same. Amounts of windows of different length are compared
 * by rate. A finding that warned or failed and is no longer assessed, or no longer there, is
 * "unseen" and not resolved: silence is not health.
 *
 * Within the same status a finding is worse when its number moved away from its limit by half or
 * more, and better when it came closer by a third or more; smaller moves are noise.
 *
 * A pure function of both; they may be of any version 1.x.
 */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

#include <jansson.h>
#include <stdio.h>

#include "message.h"

enum change {
	CHANGE_NEW,
	CHANGE_WORSENED,
	CHANGE_UNSEEN,
	CHANGE_UNCHANGED,
	CHANGE_IMPROVED,
	CHANGE_RESOLVED,
	CHANGE_COUNT
};
extern const char *const change_names[CHANGE_COUNT]; /* "new", "worsened", ... */

/* Whether both are of one site, as far as they tell. */
bool diff_same_site(const json_t *old, const json_t *new);

/*
 * {"schema": "mptcp-audit.diff/1.0", "site", "old", "new" (window, verdict, sentence of each),
 * "findings": [{change, rule, wan, old, new}], "counts": {change: n}, "backups": [{wan, numbers:
 * {name: {old, new: {amount, per_day}}}}]}. Findings that were never bad are not listed. NULL when
 * out of memory.
 */
json_t *diff_json(const json_t *old, const json_t *new);

/* How many findings changed in a way. */
size_t diff_count(const json_t *diff, enum change change);

/* The same for people. Write errors stay in the stream. */
void diff_print(const json_t *diff, enum language language, FILE *out);

#endif
