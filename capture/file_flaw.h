/* SPDX-License-Identifier: MIT
 *
 * file_flaw.h - notes in the row of a file what is wrong with it (frame.h has the list).
 */
#ifndef CAPTURE_FILE_FLAW_H
#define CAPTURE_FILE_FLAW_H

#include "frame.h"

/* What is wrong, in a log's words without the place. Static text. */
const char *file_flaw_what(enum file_flaw flaw);

/* Fill state, flaw, offset, unpacked and message of a row. */
void file_flaw_note(struct frame_file *row, enum frame_file_state state, enum file_flaw flaw,
                    uint64_t offset, bool unpacked);

#endif
