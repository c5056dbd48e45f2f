/* SPDX-License-Identifier: MIT
 *
 * render.h - a report in, text or JSON out. Pure functions of the report: no clock, no files, no
 * environment.
 */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include <jansson.h>
#include <stdio.h>

#include "report.h"

/* For a terminal of 80 columns or more. Write errors stay in the stream: ask ferror(). */
void render_text(const struct report *report, FILE *out, bool colour);

/* Schema "mptcp-audit.report/1.3" (report.schema.json beside this file). NULL when out of memory.
 */
json_t *render_json(const struct report *report);

#endif
