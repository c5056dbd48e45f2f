/* SPDX-License-Identifier: MIT
 *
 * render.h - a report in, JSON out: a pure function of the report. All other forms are made of the
 * JSON (formats.h).
 */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include <jansson.h>

#include "report.h"

/* Schema "mptcp-audit.report/1.7" (report.schema.json beside this file). NULL when out of memory.
 */
json_t *render_json(const struct report *report);

/* The same for the text alone, never stored: of its connections only the RENDER_BRIEF largest of
 * each WAN, and in `connections_of` how many each WAN has. All of them as JSON are several times as
 * large as the ledger that holds them. */
#define RENDER_BRIEF 3
json_t *render_json_brief(const struct report *report);

#endif
