/* SPDX-License-Identifier: MIT
 *
 * roster.h - the table of WANs a source has met, with what their captures say about losses.
 */
#ifndef CAPTURE_ROSTER_H
#define CAPTURE_ROSTER_H

#include "counted.h"
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
		uint64_t of_session, of_earlier;   /* frames lost, by statistics blocks */
		uint64_t between;                  /* frames lost, by the frames' own counts */
		uint64_t by_kernel;                /* frames lost, by those of our recorder */
		struct frame_recording *recording; /* owned; NULL = not our recorder's */
		struct counted_list counted;       /* owned */
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

/* ---- what our recorder says (recording.h) ---- */

/* The sums of a WAN, made if need be. NULL: no memory, noted. */
struct frame_recording *roster_recording(struct roster *roster, uint32_t wan);

/* So many more were lost: by the kernel, and by the recorder on the way to the disk. */
void roster_lost_more(struct roster *roster, uint32_t wan, uint64_t by_kernel, uint64_t on_disk);

/* The kernel's counters in one of its files; when all are read, all are added up. */
void roster_counted(struct roster *roster, uint32_t wan, const struct counted *counted);
void roster_fold(struct roster *roster);

/* The recorder was there. What is told again, or goes on within a second, is one stretch. */
void roster_cover(struct roster *roster, uint32_t wan, uint64_t from_ns, uint64_t to_ns);

/* It was, but had nothing to record from, or nowhere to put it. `closed`: it is over; else it may
 * be told again, longer. Frames lost in it count as lost. */
void roster_gap(struct roster *roster, uint32_t wan, const struct frame_span *gap, bool closed);

void roster_role(struct roster *roster, uint32_t wan, const char *role);
void roster_device(struct roster *roster, uint32_t wan, const char *device);
void roster_warn(struct roster *roster, uint32_t wan, const struct frame_warning *warning);
/* The clock was set before `at_ns`, as the files of the WAN show; then, that it was at `at_ns`, as
 * a note of one of them says. */
void roster_step(struct roster *roster, uint32_t wan, uint64_t at_ns, int64_t by_ns);
void roster_step_note(struct roster *roster, uint32_t wan, uint64_t at_ns, int64_t by_ns);

/* Words of strangers, in place: cut to `size`, what is no character becomes '?'. */
void roster_clean(char *word, size_t size);

void roster_own(struct roster *roster, uint32_t wan, const struct ipaddr *own, unsigned n_own);

#endif
