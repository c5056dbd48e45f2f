/* SPDX-License-Identifier: MIT
 *
 * handshake.h - the events of a subflow's life: openings, joins, priorities, failures, and whether
 * their HMACs hold.
 *
 * Turns one classified segment into ledger events and into the words the two ends said about
 * backup.
 */
#ifndef DISSECT_HANDSHAKE_H
#define DISSECT_HANDSHAKE_H

#include "classify.h"

/* Most segments have nothing to note: ask this first. */
static inline bool handshake_matters(const struct subflow *sf, const struct segment *s,
                                     const struct options *o, const struct classification *c)
{
	return s->flags & (TCP_SYN | TCP_RST) || o->subtypes & ~(1u << MP_DSS) || o->cut ||
	       o->malformed || o->unknown || c->fell_back || c->infinite || c->established ||
	       c->checksum_good || c->checksum_bad || c->ack_before_data_ns || !sf->in_use;
}

/* `entry` is the frame's, with its WAN, time, place and direction. */
void handshake_note(struct track *track, struct ledger *ledger, const struct ledger_entry *entry,
                    struct subflow *subflow, struct connection *connection, unsigned dir,
                    const struct segment *segment, const struct options *options,
                    const struct classification *result, uint64_t skew_ns);

#endif
