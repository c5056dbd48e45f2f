/* SPDX-License-Identifier: MIT
 *
 * cmd_run.h - one scheduled pass: closed windows in, reports, metrics and notices out.
 *
 *     SITE-FROM.json, .html, ...   the report of a window (UTC, as 20260131T120000Z)
 *     latest.json, ...             links to those of the last window
 *     run.state                    what run.h remembers
 *     run.lock                     held by the pass that runs
 *     tracker-TO.state             of captures: what is known of connections at the end of the last
 *                                  window (cmd_state.h), so that the next one need not read what
 *                                  lies before it
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

/* ---- a window (cmd_run_window.c); 0 or an exit code, already explained ---- */

struct intake;

/* What the configuration says of the site. */
int run_site(const struct run *run, struct intake *intake);

/* A moment as it stands in names of files: 20260131T120000Z. */
#define RUN_STAMP 32
void run_stamp(uint64_t at_ns, char out[RUN_STAMP]);

/* The report of a window: its verdict's exit code, and *json is the caller's; or an error. A state
 * that does not fit is said, thrown away and done without. */
int run_read_window(const struct run *run, uint64_t from_ns, uint64_t to_ns, json_t **json);

/* The state at this moment is not needed any more. And: is `name` that of a state which `until` has
 * left behind, or of a window that was not done? */
void run_drop_state(const struct run *run, uint64_t at_ns);
bool run_is_past_state(const char *name, uint64_t until_ns);

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
