/* SPDX-License-Identifier: MIT
 *
 * render_json_parts.h - the large members of a report's JSON, for render_json.c. Pure functions of
 * the report; `w` notices what is lost when memory runs out.
 */
#ifndef REPORT_RENDER_JSON_PARTS_H
#define REPORT_RENDER_JSON_PARTS_H

#include "members.h"
#include "report.h"

/* What was read, and how well: files, WANs, what a recorder says of them. */
json_t *render_json_coverage(struct members *w, const struct report *report);

/* Connections: those told one by one, and beside them the sums of the others (notable.h). */
void render_json_connections(struct members *w, json_t *o, const struct report *report);

/* Sums; and sums by kind, those that occur. */
json_t *render_json_tally(struct members *w, const struct tally *tally);
json_t *render_json_kinds(struct members *w, const struct tally kinds[KIND_COUNT]);

#endif
