/* SPDX-License-Identifier: MIT
 *
 * render_expect.h - what was expected, and who said so: for the JSON report and for the text.
 */
#ifndef REPORT_RENDER_EXPECT_H
#define REPORT_RENDER_EXPECT_H

#include <jansson.h>

#include "report.h"

/* NULL: out of memory. */
json_t *render_expected(const struct report *report);

/* A plan, or null. NULL: out of memory. */
json_t *render_plan(const struct expect_plan *plan);

/* The lines of the text, one each call from *step = 0; false: there are no more. None when nothing
 * was told but on the command line. */
bool render_expected_line(const struct report *report, unsigned *step, char *line, size_t size);

#endif
