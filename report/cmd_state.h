/* SPDX-License-Identifier: MIT
 *
 * cmd_state.h - --state FILE: a dissection that goes on where another one ended.
 *
 * The file is read when it exists, and replaced by a whole new one when all else is done; until
 * then the old one stands. Used by the subcommands only.
 */
#ifndef REPORT_CMD_STATE_H
#define REPORT_CMD_STATE_H

#include "../dissect/pipeline.h"
#include "cmd_intake.h"

/* The lines of --help about it. */
extern const char state_help[];

/* A row for a getopt_long() table; intake_option() takes it. */
#define STATE_LONG_OPTION                                                                          \
	{                                                                                          \
		"state", required_argument, NULL, OPTION_STATE                                     \
	}

/*
 * Two kinds of state: what `dissect` leaves holds the sums of what is open, for ledgers that add up
 * (intake->adds_up). What an audit leaves knows connections and holds no sums; an audit goes on
 * from either, counts only what it reads itself, and never replaces the first kind.
 */

/* What decides which frames come, of which WAN, and when, in words: pipeline_options.origin. Owned
 * by the caller; NULL = out of memory. */
char *state_origin(const struct intake *intake);

/* What the options say about it that does not fit together: 0 or an exit code, already explained.
 */
int state_check(const struct intake *intake, size_t n_captures);

/* A new pipeline, or the one that the state goes on with; `sums`: with all it counted. NULL: *code
 * is why, already explained. */
struct pipeline *state_begin(const struct intake *intake, bool sums, struct ledger *ledger,
                             const struct pipeline_options *options, int *code);

/* Is a new state to be left by an audit? */
bool state_is_kept(const struct intake *intake, const struct pipeline *pipeline);

/* An audit's state of this moment (pipeline_checkpoint) beside the old one. 0 or an exit code,
 * already explained. */
int state_keep(struct intake *intake, struct pipeline *pipeline, uint64_t cut_ns);

/* A dissection's, instead of pipeline_finish(): beside the old one. `wans` and `files` as there. 0
 * or an exit code, already explained. */
int state_end(struct intake *intake, struct pipeline *pipeline, const struct frame_wan *wans,
              size_t n_wans, const struct frame_file *files, size_t n_files);

/* The new state in place of the old one, when there is one. 0 or an exit code, already explained.
 */
int state_commit(struct intake *intake);

/* No trace of it, when it was not committed. */
void state_abandon(struct intake *intake);

#endif
