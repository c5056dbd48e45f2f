/* SPDX-License-Identifier: MIT
 *
 * cmd_keep.h - what is kept of the packets of a pass, in a directory, within a budget.
 *
 * The directory holds a file for each capture of which something is kept, by the capture's name
 * (packed ones of gzip, and pcaps, become NAME.pcapng). keep.h says what is worth keeping and what
 * goes first, capture/thin.h what is in the files. Files that were not written here are neither
 * counted nor touched: where one has the name of a capture, nothing is kept of that one (-EEXIST).
 */
#ifndef REPORT_CMD_KEEP_H
#define REPORT_CMD_KEEP_H

#include <stdint.h>

#include "keep.h"

/* How the times of a WAN were shifted for the report. */
struct keep_shift {
	const char *wan;
	int64_t ns;
};

struct keep_options {
	uint64_t budget;                 /* bytes of all files together; 0 = any */
	uint64_t around_ns;              /* before and behind each event; 0 = KEEP_AROUND_NS */
	const struct keep_shift *shifts; /* borrowed until keep_close() */
	size_t n_shifts;
};

struct keep;

/* `dir` is borrowed and locked (flock) until keep_close(), so it should be one of its own, such as
 * "packets" in a store. What a killed run left half-written is removed. NULL and -errno:
 * -EWOULDBLOCK somebody else keeps files there. */
struct keep *keep_open(int dir, const struct keep_options *options, int *error);
void keep_close(struct keep *keep);

/*
 * The files of a pass were read into `report` (its ledger names each of them by its path or by the
 * last part of it); they are names in `spool_dir`, or any path with AT_FDCWD. Keeps of each what is
 * worth it, then makes room: when this returns, everything that is kept is on the disk, complete
 * and within the budget, and the captures may go. Until then a file is either as before or
 * complete. On the way there is one file more, the one that is being written.
 *
 * Idempotent: whenever it was killed, doing the same again leaves the same files, byte for byte.
 * Neither the ledger nor the report is changed, and nothing that was kept flows back into them.
 *
 * 0 or -errno of the first trouble; the other files were seen to: of one that could not be read, or
 * for which the disk had no room, nothing is kept. keep_trouble() has the words.
 */
int keep_pass(struct keep *keep, int spool_dir, const char *const *files, size_t n,
              const struct report *report);

/* One sentence about the last -errno, or "". */
const char *keep_trouble(const struct keep *keep);

struct keep_usage {
	uint64_t files, bytes;      /* what lies there */
	uint64_t tiers[KEEP_TIERS]; /* of the files, by what is kept of them */
	uint64_t frames, kept;      /* of the captures of this run */
	uint64_t reduced, dropped;  /* files made smaller, and given up, for the budget */
};
void keep_look(const struct keep *keep, struct keep_usage *usage);

#endif
