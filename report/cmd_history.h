/* SPDX-License-Identifier: MIT
 *
 * cmd_history.h - a history's file for the subcommands: where it lies by default, opened or
 * refused in words on standard error.
 */
#ifndef REPORT_CMD_HISTORY_H
#define REPORT_CMD_HISTORY_H

#include <jansson.h>

#include "history.h"

/* Where a history lies when nobody says: /var/lib/mptcp-audit/history.db for root, else below
 * $XDG_STATE_HOME or ~/.local/state. False: it does not fit, or there is no home. */
bool history_default_path(char *out, size_t size);

/* Open it; `path` NULL is the default, whose folders are made when it is written. 0 or an exit
 * code, already explained. */
int history_open(struct database *db, const char *path, bool write);

/* db->failure as an exit code, explained. */
int history_failed(const struct database *db, const char *path);

/* The trend that a report carries: of its own site, the newest 62 days. NULL, with *code set: it
 * failed. */
json_t *history_of_report(const json_t *report, const char *path, int *code);

#endif
