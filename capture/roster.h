/* SPDX-License-Identifier: MIT
 *
 * roster.h - the table of WANs a source has met, with what their captures say about losses.
 */
#ifndef CAPTURE_ROSTER_H
#define CAPTURE_ROSTER_H

#include "frame.h"
#include "source.h"

/* WANs that only the content of files names are bounded: what comes later shares one row. */
#define ROSTER_FOUND_MAX 1024
#define ROSTER_OVERFLOW  "(more)"

struct roster {
	struct frame_wan *wans;
	struct roster_extra {
		int64_t shift_ns;
		uint64_t session; /* the recording whose losses are in `of_session` */
		uint64_t of_session, of_earlier; /* frames lost, by statistics blocks */
		uint64_t between;                /* frames lost, by the frames' own counts */
	} * extras;
	size_t n, cap, found;
	uint32_t *slots;                   /* hash of names: index + 1; a power of two, 4 per row */
	const struct source_shift *shifts; /* borrowed */
	size_t n_shifts;
	bool filtered; /* of each new row */
	bool out_of_memory;
};

/* Room for the first WANs. False when out of memory. The caller sets shifts and filtered. */
bool roster_init(struct roster *roster);
void roster_release(struct roster *roster);

/* Find or add by name. `found` says that content names it, not the user. On lack of memory: row 0,
 * and noted. */
uint32_t roster_wan(struct roster *roster, const char *name, bool found);

/* A recording that began at `session` says how many frames it lost so far; a later word of it
 * replaces this. */
void roster_lost(struct roster *roster, uint32_t wan, uint64_t session, uint64_t dropped);
/* So many frames were lost just before one. The larger of both accounts is believed. */
void roster_lost_between(struct roster *roster, uint32_t wan, uint32_t dropped);

void roster_own(struct roster *roster, uint32_t wan, const struct ipaddr *own, unsigned n_own);

#endif
