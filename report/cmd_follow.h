/* SPDX-License-Identifier: MIT
 *
 * cmd_follow.h - following a spool: passes over what has been closed since, each of which ends in a
 * store (cmd_store.h) that knows it.
 *
 * A pass reads up to where all WANs are known, in pieces that end at each full hour of the site's
 * clocks. Until a piece is committed the store is as it was before it; when writing fails the
 * reader goes back to what the store knows, and tries again. Used by the subcommands only.
 */
#ifndef REPORT_CMD_FOLLOW_H
#define REPORT_CMD_FOLLOW_H

#include "../dissect/pipeline.h"
#include "cmd_follow_read.h"
#include "cmd_keep.h"
#include "cmd_store.h"

struct follow {
	struct intake intake; /* options; no inputs */
	const char *spool, *path;
	bool once, remove;
	unsigned every_h; /* hours of a piece's window */
	struct store_keeping keeping;
	bool keeps; /* packets, within a budget */
	uint64_t budget;

	struct store store;
	struct store_current *current; /* owned; what is committed, or will be next */
	struct follow_reader reader;
	bool reading;

	/* the piece that is read */
	struct pipeline *pipeline;
	struct ledger piece;
	uint64_t piece_ns; /* its begin */

	struct keep *keep;         /* owned; NULL = no packets are kept */
	struct keep_shift *shifts; /* owned */
	int packets;               /* their directory; -1 = none */

	int signals; /* signalfd; -1 = none */
	bool stopping;
	uint64_t frames, files, passes; /* of this run */
	int trouble;                    /* -errno of the last pass; 0 = none */
};

/*
 * One pass. 0, or an exit code that ends it all, already explained. follow->trouble tells that
 * nothing could be stored now. */
int follow_pass(struct follow *follow);

/* The reader goes back to what the store knows. 0 or an exit code, already explained. */
int follow_reload(struct follow *follow);

/* Where packets are kept, when they are. 0 or an exit code, already explained. */
int follow_open_packets(struct follow *follow);

/*
 * What becomes of files after a commit: all up to series->sequence of each WAN are counted and
 * stored. What is worth keeping of them is kept (cmd_keep.h), by the ledger of the running hour and
 * the one before; then they may go. The newest file of each WAN stays, so that the recorder's
 * numbers go on. A run that is killed in between does it again.
 */
void follow_hand_over(struct follow *follow);

#endif
