/* SPDX-License-Identifier: MIT
 *
 * coverage.h - when a WAN was recorded, and when not and why, from what its recorder said.
 *
 * Of captures by other programs nothing is known but their frames.
 */
#ifndef REPORT_COVERAGE_H
#define REPORT_COVERAGE_H

#include "../dissect/ledger.h"

/* Nobody watched, or what was seen found no place: nothing is known of that time. */
static inline bool coverage_is_blind(unsigned state)
{
	return state == SPAN_SUSPENDED || state == SPAN_STOPPED;
}

struct coverage_gap {
	uint64_t from_ns, to_ns, lost_frames;
	enum span_state state; /* never SPAN_COVERED */
};

struct coverage {
	bool recorded;           /* our recorder told of this WAN */
	uint64_t from_ns, to_ns; /* first and last moment it told of */
	uint64_t until_ns;       /* more gaps than a ledger lists: nothing later is known of them */
	struct coverage_gap *gaps; /* owned; in order, none touches another */
	size_t n_gaps;
	uint64_t judged_ns[SPAN_COUNT]; /* how the judged time adds up */
};

/* The gaps from the earlier of `start_ns` and all that is told to the later of `end_ns`; between
 * two stretches that are told of, the recorder was stopped. Nothing is judged when `start_ns` lies
 * behind `end_ns`. False: out of memory. */
bool coverage_fill(struct coverage *coverage, const struct ledger_wan *wan, uint64_t start_ns,
                   uint64_t end_ns);
void coverage_release(struct coverage *coverage);

/* As a message: "absent 39 min, 2026-01-01 14:02:00 to 14:41:00" or, of several, "absent 3 times, 41 min in all,
 * longest ...": the gaps of one state of a second and longer, within these times. False: none. */
bool coverage_say(const struct coverage *coverage, enum span_state state, uint64_t start_ns,
                  uint64_t end_ns, char *out, size_t size);

/* What a warning of the recorder means for an audit, as a message. False: it makes no number wrong.
 * `complete`: the kernel's counters prove that nothing passed by the capture. */
bool coverage_warning(const char *code, bool complete, char *out, size_t size);

#endif
