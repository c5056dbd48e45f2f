/* SPDX-License-Identifier: MIT
 *
 * file_flaws.h - what is wrong with a capture file, as a message.
 *
 * A ledger names the flaw and its place; one of an older or newer program has an English sentence
 * for what has no words here.
 */
#ifndef REPORT_FILE_FLAWS_H
#define REPORT_FILE_FLAWS_H

#include <stddef.h>

#include "../dissect/ledger.h"

#define FILE_FLAW_TEXT 400 /* size that is enough */

/* What file->message says, as a message; file->message must not be NULL. Returns out. */
const char *file_flaw_say(char out[FILE_FLAW_TEXT], const struct ledger_file *file);

#endif
