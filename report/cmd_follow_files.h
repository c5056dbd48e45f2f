/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_files.h - the files that a reader (cmd_follow_read.h) has open: for its own files.
 */
#ifndef REPORT_CMD_FOLLOW_FILES_H
#define REPORT_CMD_FOLLOW_FILES_H

#include "cmd_follow_read.h"

/* Each run without a frame ahead gets its next file that has one. */
void files_open_all(struct follow_reader *reader);

/* The next frame of the run's file. False: it has none, or another WAN's. */
bool files_advance(struct follow_reader *reader, struct follow_run *run);

/* The end of a run's file has come: tell what it said, and count it as consumed. */
void files_end(struct follow_reader *reader, struct follow_run *run);

void files_close(struct follow_reading *reading);

/* The reader's WAN of the frame ahead, and its row for a file in this piece. */
uint32_t files_wan(const struct follow_run *run);
uint32_t files_row(struct follow_reader *reader, struct follow_reading *reading);

#endif
