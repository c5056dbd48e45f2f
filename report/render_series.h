/* SPDX-License-Identifier: MIT
 *
 * render_series.h - what a page or a dashboard draws, as members of the report's JSON: plain
 * integers.
 *
 * Pure functions of the report; NULL when out of memory.
 */
#ifndef REPORT_RENDER_SERIES_H
#define REPORT_RENDER_SERIES_H

#include <jansson.h>

#include "report.h"

/* At most this many steps; each is one bucket of the ledger, or as many as it takes. */
#define SERIES_POINTS_MAX 1440

/* Per WAN the ledger's buckets as columns on one time axis; null without a frame. */
json_t *render_series(const struct report *report);

/* The billed bytes of the judged time for a day and 30 days; null for less than an hour. */
json_t *render_projection(const struct report *report, const struct report_wan *wan);

/* A backup's bytes against what the counted traffic can cost (expected.h). */
json_t *render_cost(const struct report *report, const struct report_wan *wan);

#endif
