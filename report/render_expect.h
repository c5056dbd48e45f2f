/* SPDX-License-Identifier: MIT
 *
 * render_expect.h - what was expected, and who said so, as JSON; its text is a section of
 * render_sections.h.
 */
#ifndef REPORT_RENDER_EXPECT_H
#define REPORT_RENDER_EXPECT_H

#include <jansson.h>

#include "report.h"

/* NULL: out of memory. */
json_t *render_expected(const struct report *report);

/* A plan, or null. NULL: out of memory. */
json_t *render_plan(const struct expect_plan *plan);

#endif
