/* SPDX-License-Identifier: MIT
 *
 * render.h - a report in, JSON out: a pure function of the report. All other forms are made of the
 * JSON (formats.h).
 */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include <jansson.h>

#include "report.h"

/* Schema "mptcp-audit.report/1.10" (report.schema.json beside this file). NULL when out of memory.
 */
json_t *render_json(const struct report *report);

#endif
