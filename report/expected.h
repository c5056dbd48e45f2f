/* SPDX-License-Identifier: MIT
 *
 * expected.h - what a backup should have carried for the traffic that was counted, and what of its
 * bytes that does not explain.
 *
 * Each part holds what was seen and the most that its counts can cost by the constants of
 * estimate.h: subflows times what opening and closing one costs, subflow-time times the fastest
 * cadence of keepalives in use, ... A part explains what was seen up to that, never more; user data
 * are explained by an outage of the primaries, and by nothing else. So expected + unexplained =
 * seen, and the sum does not swing with cadences and kernels, as an average would. Over all that
 * was counted (the whole capture or the window), because subflows and events are counted so.
 */
#ifndef REPORT_EXPECTED_H
#define REPORT_EXPECTED_H

#include "report.h"

enum expected_part {
	EXPECTED_SUBFLOWS,   /* opening and closing: joins, closes, resets, signals */
	EXPECTED_KEEPALIVES, /* probes and their answers */
	EXPECTED_ACKS,       /* ACKs of subflows */
	EXPECTED_TRACKER,    /* omr-tracker's pings */
	EXPECTED_CHECKS,     /* questions to the server's API: public address, path */
	EXPECTED_TUNNELS,    /* keepalives of VPNs beside MPTCP */
	EXPECTED_OUTAGE,     /* user data while the primaries were silent */
	EXPECTED_DATA,       /* user data at any other time: nothing explains it */
	EXPECTED_OTHER,      /* everything else: nothing explains it */
	EXPECTED_PARTS
};
extern const char *const expected_names[EXPECTED_PARTS]; /* "subflows", "keepalives", ... */

struct expected_row {
	uint64_t seen, most; /* IP bytes; `most`: what the counts can cost */
	uint64_t count;      /* subflows, probes, pings; 0 = not counted */
};

struct expected_cost {
	struct expected_row rows[EXPECTED_PARTS];
	uint64_t seen, expected, unexplained; /* expected + unexplained = seen = billed */
	uint64_t subflow_ns; /* how long subflows lasted on it, all together; of those kept whole */
	enum expected_part worst; /* what explains least of its bytes; EXPECTED_PARTS = all is */
};

void expected_make(struct expected_cost *cost, const struct report *report, size_t wan);

/* "8,412 subflows opened and closed, 12,300 keepalives (one in 15 s for each subflow), ...": the
 * parts that were seen, as a message. Returns out. */
const char *expected_say(const struct expected_cost *cost, char *out, size_t size);

/* What is not explained, as a message: "user data while no outage called for it". Returns out. */
const char *expected_say_beyond(enum expected_part part, char *out, size_t size);

#endif
