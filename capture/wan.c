/* SPDX-License-Identifier: MIT
 *
 * wan.c - a WAN's books: what its captures dropped, and the notes that wait for its next
 * statistics block.
 */
#include <string.h>

#include "record_inside.h"

uint64_t wan_dropped(struct wan *wan)
{
	if (wan->live)
		live_count(wan->live, &wan->counts);
	return wan->earlier_dropped + wan->counts.dropped;
}

void wan_note(struct wan *wan, const struct quality_line *line)
{
	/* More notes than one block holds come when memory is short: the latest words count. */
	if (wan->n_notes == WAN_NOTES) {
		memmove(&wan->notes[0], &wan->notes[1], sizeof(wan->notes[0]) * (WAN_NOTES - 1));
		wan->n_notes--;
	}
	wan->notes[wan->n_notes++] = *line;
	wan->due = true;
}
