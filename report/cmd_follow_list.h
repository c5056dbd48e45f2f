/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_list.h - the directory of a reader (cmd_follow_read.h): for the files of the reader.
 */
#ifndef REPORT_CMD_FOLLOW_LIST_H
#define REPORT_CMD_FOLLOW_LIST_H

#include "cmd_follow_read.h"

/* A recorder that goes on begins its next file within so long. */
#define LIST_GRACE_NS 5000000000ull

/* A run for the cursor's next series. */
void list_add_run(struct follow_reader *reader);

/* Will its recorder bring more? */
bool list_lives(const struct follow_reader *reader, const struct follow_run *run);

#endif
