/* SPDX-License-Identifier: MIT
 *
 * rules_plan.h - a data plan in the rules: its billing period and its share of a day.
 */
#ifndef REPORT_RULES_PLAN_H
#define REPORT_RULES_PLAN_H

#include "report.h"

/* The billing period that holds a moment, by the site's clocks. */
void plan_period(const struct report *report, const struct expect_plan *plan, uint64_t ns,
                 uint64_t *from_ns, uint64_t *to_ns);

/* What a WAN's plan allows in a day of the period that holds the end of the judged time; 0 = no
 * plan is known. */
double plan_per_day(const struct report *report, size_t wan);

/* "18.6 GiB" where the carrier counts so, else "20.0 GB". Returns out. */
#define PLAN_TEXT 40
const char *plan_bytes(char out[PLAN_TEXT], uint64_t bytes, bool binary);

/* The next multiple of what the carrier rounds up to. */
uint64_t plan_rounded(const struct expect_plan *plan, uint64_t bytes);

#endif
