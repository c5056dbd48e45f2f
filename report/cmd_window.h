/* SPDX-License-Identifier: MIT
 *
 * cmd_window.h - which time is judged: --from, --to, --window, in the site's time zone.
 *
 * --window speaks of whole hours and days of the site's clocks: the last ones that ended before
 * now, or those that begin at --from. A day is as long as it is there, 23 and 25 hours included.
 * --window period is the billing period that runs now, up to now.
 */
#ifndef REPORT_CMD_WINDOW_H
#define REPORT_CMD_WINDOW_H

#include "cmd_intake.h"

enum window_option {
	OPTION_FROM = 1200,
	OPTION_TO,
	OPTION_WINDOW,
	OPTION_ZONE,
	OPTION_BILLING_DAY,
	OPTION_BILLED,
};

/* clang-format off */
#define WINDOW_LONG_OPTIONS                                                                      \
	{"from", required_argument, NULL, OPTION_FROM}, {"to", required_argument, NULL, OPTION_TO},     \
	{"window", required_argument, NULL, OPTION_WINDOW}, {"zone", required_argument, NULL, OPTION_ZONE}, \
	{"billing-day", required_argument, NULL, OPTION_BILLING_DAY}
/* clang-format on */

/* The lines of --help about them. */
extern const char window_help[];

/* As intake_option(): -1 not one of ours, 0 taken, else an exit code, already explained. */
int window_option(struct window_ask *ask, int option, const char *argument);

/* All options are read: fill intake->from_ns, to_ns, now_ns and zone. 0 or an exit code, already
 * explained. */
int window_settle(struct intake *intake);

#endif
