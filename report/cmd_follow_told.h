/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_told.h - what a recording says of itself, told once over all pieces.
 *
 * Gaps, and the time that is covered, are cut where a piece ends; what is counted per file counts
 * when the file is over. A file that is read again says all of it once more: the cursor knows what
 * was told. Used by the subcommands only.
 */
#ifndef REPORT_CMD_FOLLOW_TOLD_H
#define REPORT_CMD_FOLLOW_TOLD_H

#include "../capture/roster.h"
#include "../dissect/ledger.h"
#include "cmd_follow_cursor.h"

/* What is told of a WAN in one piece. */
struct follow_told {
	struct frame_recording record;    /* its lists are owned */
	bool recorded;                    /* there is something in it */
	uint64_t dropped;                 /* more frames lost */
	uint64_t again[STATE_COUNT];      /* gaps that were counted in an earlier piece */
	uint64_t lacking_us[STATE_COUNT]; /* microseconds that cutting them has rounded away */
	bool out_of_memory;
};

void told_begin(struct follow_told *told);
void told_release(struct follow_told *told);

/* The file goes on behind `cut_ns`: tell what lies before. `from_ns`: its beginning. */
void told_part(struct follow_told *told, struct follow_series *series,
               const struct frame_recording *record, uint64_t from_ns, uint64_t cut_ns);

/* The file is over: tell the rest of it. `wan` is its row in its own roster, `file` its row. */
void told_end(struct follow_told *told, struct follow_series *series, const struct roster *roster,
              uint32_t wan, const struct frame_file *file);

/* So many files are gone. */
void told_missing(struct follow_told *told, uint64_t files);

/* The ledger counted each part of a gap as one: put that right. */
void told_mend(const struct follow_told *told, struct ledger_wan *wan);

#endif
