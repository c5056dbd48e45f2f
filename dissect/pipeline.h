/* SPDX-License-Identifier: MIT
 *
 * pipeline.h - frames in, a ledger out: the whole of dissect on one page.
 *
 * Has no clock (frame.ts_ns is its time), prints nothing, opens nothing but nDPI at the first flow
 * that needs it. Memory is bounded by the options; what was given up is counted in the ledger.
 */
#ifndef DISSECT_PIPELINE_H
#define DISSECT_PIPELINE_H

#include "../capture/frame.h"
#include "ledger.h"
#include "sighting.h"

struct kin;
struct pipeline;

struct pipeline_options {
	size_t max_subflows; /* 0 = 65,536; live subflows kept at once */
	uint64_t seed;       /* of the hash tables; 0 = taken from the system */
	bool no_ndpi;        /* label by tables only */
	const char *origin;  /* what else decides which frames come, and when (a filter): a state
	                        goes on with the same only; NULL = nothing */
	bool long_way;       /* no short cuts for the commonest segments: the same ledger, slower */

	/* Called once per frame when it is settled, or NULL. `describe` fills the texts of the
	 * sighting. */
	void (*settled)(void *context, const struct sighting *sighting);
	void *context;
	bool describe;

	struct kin *kin; /* kin.h: each MPTCP subflow is noted there when it leaves; NULL = nowhere */
};

/* NULL when out of memory. The ledger is the caller's and must outlive the pipeline. */
struct pipeline *pipeline_new(struct ledger *ledger, const struct pipeline_options *options);

/* Learn from a first frame of a WAN which addresses are its own; accounts nothing. */
void pipeline_survey(struct pipeline *pipeline, const struct frame_wan *wan,
                     const struct frame *frame);

/* Account one frame. `wan` and `file` are the source's rows for frame->wan and frame->file. */
void pipeline_feed(struct pipeline *pipeline, const struct frame_wan *wan,
                   const struct frame_file *file, const struct frame *frame);

/*
 * The window that is judged begins here: everything counted so far is forgotten, all that is known
 * of connections, subflows and WANs is kept. `wans` tells what the captures had lost until then.
 * Frames that still wait for their mapping are not counted when it comes. False when memory ran
 * out: the sums are of no use then.
 */
bool pipeline_begin(struct pipeline *pipeline, const struct frame_wan *wans, size_t n_wans);

/* What is open at this moment on each WAN of the ledger: MPTCP subflows that were set up and not
 * closed, those of them that either end asked to be backup, and frames that wait for their mapping
 * or their answer: they are in no sum yet. */
struct pipeline_wan {
	uint64_t open, backup, waiting;
};
void pipeline_look(const struct pipeline *pipeline, struct pipeline_wan wans[LEDGER_WANS_MAX]);

/* Settle what is pending, fold all connections into the ledger, note WANs and files. */
void pipeline_finish(struct pipeline *pipeline, const struct frame_wan *wans, size_t n_wans,
                     const struct frame_file *files, size_t n_files);

/*
 * Instead of pipeline_finish(): the capture goes on in another piece. Notes WANs and files, and
 * writes what is open to `state`: connections and subflows with all that was counted of them,
 * frames that wait. The ledger has none of that; it holds what is settled, so that the ledgers of
 * all pieces add up to that of the whole, once the last piece was finished. A pipeline_finish()
 * without WANs and files may follow, for a ledger to look at and not to add up. 0 or -errno.
 */
int pipeline_suspend(struct pipeline *pipeline, const struct frame_wan *wans, size_t n_wans,
                     const struct frame_file *files, size_t n_files, FILE *state);

/*
 * Beside pipeline_finish(), at any moment before it, and without changing anything: write what is
 * known of connections, subflows and WANs, for an audit of a later window. All frames before
 * `cut_ns` are in it (0 = it ends with whole captures, each at a time of its own). What was counted
 * is not to be added to anything: whoever resumes begins with pipeline_begin(). 0 or -errno.
 */
int pipeline_checkpoint(struct pipeline *pipeline, uint64_t cut_ns, FILE *state);

/*
 * Instead of pipeline_new(): go on where the pipeline that wrote `state` ended. The ledger must be
 * empty; it gets the WANs, applications and circumstances met so far. NULL when the state is
 * foreign, damaged, of another format or made with other options: the message goes on after the
 * file's name. Frames that waited over the cut are told when they settle, if the pipeline before
 * told frames.
 *
 * What is not carried over: flows that nDPI has not decided on yet, which are looked at anew, and
 * what it remembers of hosts: law 3 may not hold for labels that come from it, though those it gave
 * to a flow stay. And packets that lie more than half a second behind the last one: they are not
 * known as copies.
 */
struct pipeline *pipeline_resume(struct ledger *ledger, const struct pipeline_options *options,
                                 FILE *state, char *message, size_t size);

/* What the state says that was resumed; all zero when there was none. */
struct pipeline_origin {
	bool resumed;
	bool checkpoint;  /* written by pipeline_checkpoint(): not for sums */
	uint64_t cut_ns;  /* of a checkpoint */
	uint64_t last_ns; /* time of the last frame in it */
};
struct pipeline_origin pipeline_origin(const struct pipeline *pipeline);

void pipeline_free(struct pipeline *pipeline);

#endif
