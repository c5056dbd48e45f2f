/* SPDX-License-Identifier: MIT
 *
 * file_flaw.c - see file_flaw.h.
 */
#include "file_flaw.h"

#include <inttypes.h>
#include <stdio.h>

const char *const file_flaw_names[FILE_FLAW_COUNT] = {[FILE_FLAWLESS] = "",
#define X(id, name, what, advice) name,
                                                      FILE_FLAWS(X)
#undef X
};

static const struct {
	const char *what, *advice;
} words[FILE_FLAW_COUNT] = {[FILE_FLAWLESS] = {"", ""},
#define X(id, name, what, advice) {what, advice},
                            FILE_FLAWS(X)
#undef X
};

const char *file_flaw_what(enum file_flaw flaw)
{
	return words[flaw].what;
}

void file_flaw_note(struct frame_file *row, enum frame_file_state state, enum file_flaw flaw,
                    uint64_t offset, bool unpacked)
{
	row->state = state;
	row->flaw = flaw;
	row->offset = offset;
	row->unpacked = unpacked;
	if (flaw == FILE_FLAW_GONE) /* nobody knows where */
		snprintf(row->message, sizeof(row->message), "%s: %s", words[flaw].what,
		         words[flaw].advice);
	else
		snprintf(row->message, sizeof(row->message), "%s at byte %" PRIu64 "%s: %s",
		         words[flaw].what, offset, unpacked ? " (unpacked)" : "",
		         words[flaw].advice);
}
