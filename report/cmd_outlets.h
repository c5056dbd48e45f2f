/* SPDX-License-Identifier: MIT
 *
 * cmd_outlets.h - frames of a server's interface, each into the dissection of its site.
 *
 * With --wan there is one outlet, whose ledger holds the WANs that were named and the rest beside
 * them; with --sites there is one per site, and a last one for what is of none. Each has trackers
 * of its own, so no connection crosses from one into another. A site that is met with its first
 * frame gets its dissection then.
 */
#ifndef REPORT_CMD_OUTLETS_H
#define REPORT_CMD_OUTLETS_H

#include "../capture/source.h"
#include "../dissect/pipeline.h"
#include "../dissect/sites.h"
#include "cmd_intake.h"

/* The WAN for what nothing told. */
#define OUTLETS_UNTOLD "unknown"

struct outlets;

/* The outlets that `intake` asks for; NULL with *code 0 when it asks for none. `pipeline` is the
 * caller's, for the one outlet of --wan; with --sites it is not used, and the ledgers are those of
 * the intake. NULL and an exit code, already explained, otherwise. */
struct outlets *outlets_open(struct intake *intake, struct pipeline *pipeline,
                             struct ledger *ledger, const struct pipeline_options *options,
                             int *code);

/* One frame of the source. */
void outlets_feed(struct outlets *outlets, const struct source *source, const struct frame *frame);

/* As pipeline_begin(), of all; `source` tells what was lost until then, NULL = nothing. False: out
 * of memory. */
bool outlets_begin(struct outlets *outlets, const struct source *source);

/* The WANs of the only outlet, as pipeline_finish() and pipeline_suspend() want them, with what
 * their interfaces lost. */
const struct frame_wan *outlets_wans(struct outlets *outlets, const struct source *source,
                                     size_t *n);

/* The files, each with a WAN of the outlet: `n` of them as the source has. NULL: out of memory. */
const struct frame_file *outlets_files(struct outlets *outlets, const struct source *source,
                                       size_t *n);

/* After the only outlet was finished: what could not be told goes into its ledger. */
void outlets_tally(struct outlets *outlets);

/* Finish all sites. False: out of memory, then or before. */
bool outlets_finish(struct outlets *outlets, const struct source *source);

void outlets_close(struct outlets *outlets);

#endif
