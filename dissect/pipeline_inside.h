/* SPDX-License-Identifier: MIT
 *
 * pipeline_inside.h - what the files of the pipeline share and nobody else sees: the way of a frame
 * (pipeline.c) and where it ends or waits (pipeline_settle.c), WANs and files with what was
 * recorded of them (pipeline_sources.c), all of it as bytes (pipeline_state.c).
 */
#ifndef DISSECT_PIPELINE_INSIDE_H
#define DISSECT_PIPELINE_INSIDE_H

#include "appid.h"
#include "classify.h"
#include "connections.h"
#include "copies.h"
#include "course.h"
#include "express.h"
#include "health.h"
#include "inquiry.h"
#include "pipeline.h"
#include "side.h"

/* A file of an earlier piece that what was carried over still speaks of. It has a number of its
 * own, above OLD_FILE, until this piece's ledger needs it or meets it. */
#define OLD_FILE (UINT32_C(1) << 31)
struct old_file {
	char *name;   /* owned */
	uint32_t wan; /* ledger's index, as in the next */
	uint32_t now; /* NO_INDEX = not there */
};

struct pipeline {
	struct ledger *ledger;
	struct pipeline_options options;
	char *origin; /* owned; "" = nothing */
	struct track *track;
	struct classifier classifier;
	struct hearing hearing;
	struct inquiries inquiries;
	struct courses courses;
	struct sides *sides;
	struct copies *copies;
	struct appid *appid;
	struct connections *connections;
	struct express *express; /* NULL: all take the long way */

	uint32_t *wans,
		*files; /* from the source's indices to the ledger's; NO_INDEX = not asked yet */
	size_t n_wans, n_files;
	uint32_t frame_wan, frame_file; /* the source's indices of the frame before ... */
	uint32_t wan_now, file_now;     /* ... and the ledger's */
	uint64_t order;
	uint64_t lost[LEDGER_WANS_MAX]; /* frames the captures had lost before it */
	bool deciding;                  /* the survey is still open */

	uint64_t seen_ns;     /* time of the frame before */
	struct old_file *old; /* owned; files of earlier pieces, see OLD_FILE */
	size_t n_old;
	uint32_t old_wans; /* the ledger's WANs that a state brought along */
	uint64_t
		reach_ns[LEDGER_WANS_MAX]; /* up to where the recorder's word goes without a hole */
	bool suspended;                    /* what is open was saved: it is no one's any more */
	struct pipeline_origin resumed;    /* the state that it goes on with */
};

/* One TCP frame on its way through the stages. */
struct passage {
	const struct frame *frame;
	struct segment segment;
	struct options tcp;
	struct subflow *subflow;
	struct connection *connection;
	struct flow_tally *tally;
	unsigned dir;
	struct classification class;
	struct ledger_entry entry;
	bool copy;
	uint32_t first_wan; /* of the packet that it is a copy of */
	struct track_identity identity;
};

/* ---- pipeline_sources.c ---- */

/* The ledger's index of the source's WAN or file `at`; LEDGER_WANS_MAX, LEDGER_FILES_MAX when there
 * is no place for it. A file stands with the first of its WANs by name. */
uint32_t pipeline_wan_index(struct pipeline *pipeline, uint32_t at, const struct frame_wan *wan);
uint32_t pipeline_file_index(struct pipeline *pipeline, uint32_t at, const struct frame_file *file,
                             uint32_t wan);

/* Finish without letting go what is open: note WANs and files, close runs. */
void pipeline_note_sources(struct pipeline *pipeline, const struct frame_wan *wans, size_t n_wans,
                           const struct frame_file *files, size_t n_files);

/* ---- pipeline_settle.c ---- */

/* The entry is final: count it wherever it counts. */
void pipeline_settle(struct pipeline *pipeline, struct subflow *subflow, struct flow_tally *tally,
                     const struct ledger_entry *entry, const struct classification *class);

/* Tell the frame to whoever asked for frames. */
void pipeline_tell(struct pipeline *pipeline, const struct passage *passage);

/* Keep the frame until its mapping, or the answer to it, has passed. False when there is no memory.
 */
bool pipeline_keep_waiting(struct pipeline *pipeline, const struct passage *passage);

/* A frame that waited is settled; or it has waited in vain, or lives on in a state. Both take it
 * over; `context` is the pipeline. */
void pipeline_settle_late(void *context, struct subflow *subflow, struct pending *pending,
                          const struct classification *late);
void pipeline_give_up(void *context, struct subflow *subflow, struct pending *pending);

/* The frames of a subflow that wait, for state.h. `number` turns files into what is saved and back.
 */
struct state_in;
struct state_out;
void pipeline_save_waiting(const struct subflow *subflow, struct state_out *out,
                           uint32_t (*number)(void *context, uint32_t file), void *context);
void pipeline_load_waiting(const struct pipeline *pipeline, struct subflow *subflow,
                           struct state_in *in, uint32_t (*number)(void *context, uint32_t file),
                           void *context);

/* ---- pipeline_state.c ---- */

/* The ledger's index of a file that may be an old one. */
uint32_t pipeline_old_file(struct pipeline *pipeline, uint32_t file);

/* This file of the ledger is new to it: is it one of the old ones? */
void pipeline_meet_file(struct pipeline *pipeline, uint32_t file);

#endif
