/* SPDX-License-Identifier: MIT
 *
 * cmd_run.h - one scheduled pass: closed windows in, reports, metrics and notices out.
 *
 *     SITE-FROM.json, .html, ...   the report of a window (UTC, as 20260131T120000Z)
 *     latest.json, ...             links to those of the last window
 *     run.state                    what run.h remembers
 *     run.lock                     held by the pass that runs
 *
 * run.state is replaced when all of a window is written, and it alone says what is done: a pass
 * that was killed is made whole by the next one, which writes the same files again from the same
 * sums. A notice is taken off when its hook ended well, so it is told at least once. Used by the
 * subcommands only; speaks on standard error.
 */
#ifndef REPORT_CMD_RUN_H
#define REPORT_CMD_RUN_H

#include <jansson.h>

#include "run_settings.h"
#include "zone.h"

struct run {
	const char *config; /* borrowed; NULL = not told */
	struct run_settings set;
	uint64_t now_ns, first_ns; /* first: where the first pass begins; 0 = not told */
	bool dry;

	struct zone zone;
	char site[200]; /* for names of files */
	int directory;  /* of the reports; -1 = not there yet */
	int lock;       /* -1 = not held */
	json_t *memory; /* owned */
};

/* ---- files (cmd_run_files.c); 0 or an exit code, already explained ---- */

/* The directory of the reports and its lock; a dry run makes and holds nothing. */
int run_open(struct run *run);

/* Read run.state; without one it is new. And write it. */
int run_load(struct run *run);
int run_save(const struct run *run);

/* The window into the history, the history's trend into the report; then all forms of the report
 * and the links. `name` without suffix. */
int run_write(const struct run *run, json_t *report, const char *name);

/* What killed passes left, and reports that are older than they are kept. Reports that go are
 * written to standard output. */
void run_tidy(const struct run *run);

/* ---- notices (cmd_run_notice.c) ---- */

/* Tell what changed by the hook. 0 or an exit code, already explained. */
int run_deliver(struct run *run);

#endif
