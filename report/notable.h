/* SPDX-License-Identifier: MIT
 *
 * notable.h - which connections a report tells one by one, and what all others come to.
 *
 * A day has ten thousand connections and people look at a dozen. Told one by one are the largest of
 * each backup and of all, those that an interruption or a finding names; the others are exact sums
 * per class, WAN and kind, so that with those told everything adds up. Judgements are made before,
 * of all of them.
 */
#ifndef REPORT_NOTABLE_H
#define REPORT_NOTABLE_H

#include "report.h"

/* So many of each backup and of all WANs; enough for every list that a renderer makes of them. */
#define NOTABLE_CONNECTIONS 200

/* Set told[i] for each connection of the ledger that is told; told has room for n_connections and
 * is all false. Who fits into report->options.connections is told whatever it was: a small capture
 * is told whole. False when out of memory. */
bool notable_choose(const struct report *report, bool *told);

enum connection_class {
	CONNECTION_MPTCP,
	CONNECTION_FALLBACK, /* offered MPTCP and went on as plain TCP */
	CONNECTION_PLAIN,    /* TCP that never offered it */
	CONNECTION_ORPHAN,   /* MPTCP subflows whose connection nobody knows */
	CONNECTION_CLASS_COUNT
};
extern const char *const connection_class_names[CONNECTION_CLASS_COUNT];

struct remainder_wan {
	uint64_t connections, subflows; /* connections: with a subflow there */
	struct tally kinds[KIND_COUNT];
	uint64_t phases[PHASE_COUNT]; /* IP bytes of carrying frames */
};

struct remainder {
	uint64_t connections, subflows;
	uint64_t unique_bytes[2]; /* as in struct ledger_connection */
	uint64_t first_ns, last_ns;
	struct remainder_wan *wans; /* owned; report->n_wans, and one for WANs nobody knows */
};

/* What those that are not told come to, by class. On failure, out of memory, false and nothing
 * needs releasing. */
bool remainder_fill(struct remainder classes[CONNECTION_CLASS_COUNT], const struct report *report,
                    const bool *told);
void remainder_release(struct remainder classes[CONNECTION_CLASS_COUNT]);

#endif
