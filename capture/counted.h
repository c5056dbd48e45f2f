/* SPDX-License-Identifier: MIT
 *
 * counted.h - what the kernel counted on a device, beside what the capture holds of the same time.
 *
 * A note of the kernel's counters stands in a file while frames that it counts are still on their
 * way there: they come behind the note, or in the next file. So frames are sorted by their stamps,
 * files that follow one another are one stretch, and a stretch whose recording goes on where we
 * cannot see it ends a note early.
 */
#ifndef CAPTURE_COUNTED_H
#define CAPTURE_COUNTED_H

#include "frame.h"

struct counted_note {
	uint64_t at_ns; /* by the clock that stamps the frames */
	uint64_t ifindex, frames, bytes;
	uint64_t dropped; /* by us and by the ring, since the file began */
};

struct counted_sum {
	uint64_t frames, bytes;
};

/* From the first to the latest note of one device and one clock in one file. */
struct counted {
	char boot[FRAME_WORD];
	uint64_t sequence; /* of the file */
	bool opens;        /* no other stretch of the file comes before this */
	bool closes;       /* nor after it */
	bool whole;        /* the last block of the file is there */
	bool final;        /* all frames up to the latest note are in this file */

	struct counted_note first, settled, latest;
	struct counted_sum before, to_settled, to_latest, beyond; /* by the stamps of the frames */
	uint64_t dropped;                                         /* at the end of the file */
};

struct counted_list {
	struct counted *rows;
	size_t n, cap;
};

/* A note. False: it does not go on from those before (another device, another clock). */
bool counted_note(struct counted *counted, const struct counted_note *note);

/* A frame, by its own stamp. */
static inline void counted_frame(struct counted *c, uint64_t ts_ns, uint32_t wire_len)
{
	struct counted_sum *sum = &c->beyond;

	if (ts_ns <= c->first.at_ns)
		sum = &c->before;
	else if (ts_ns <= c->settled.at_ns)
		sum = &c->to_settled;
	else if (ts_ns <= c->latest.at_ns)
		sum = &c->to_latest;
	sum->frames++;
	sum->bytes += wire_len;
}

/* Keep a stretch that has a note. False: no memory. */
bool counted_keep(struct counted_list *list, const struct counted *counted);

/* `next` goes on where `into` ended, in the next file: both become one stretch, as counted_fold()
 * takes them for one. False: it does not, and nothing has changed. */
bool counted_join(struct counted *into, const struct counted *next);

/* Add all of them up, in the order of their files, into the counters of `recording`. */
void counted_fold(struct counted_list *list, struct frame_recording *recording);

#endif
