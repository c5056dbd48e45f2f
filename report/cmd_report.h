/* SPDX-License-Identifier: MIT
 *
 * cmd_report.h - from what was read to a report: for the subcommands that make one.
 */
#ifndef REPORT_CMD_REPORT_H
#define REPORT_CMD_REPORT_H

#include "cmd_intake.h"
#include "report.h"

/* Judge the ledger as the intake's options say. 0 or an exit code, already explained; then nothing
 * needs releasing. */
int report_of(const struct intake *intake, const struct ledger *ledger, struct report *report);

/* The exit code that says it. */
int report_exit(enum status verdict);

#endif
