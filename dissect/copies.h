/* SPDX-License-Identifier: MIT
 *
 * copies.h - has the capture already shown this very packet?
 *
 * A bridge and its port, or two stacked devices under `any`, show one packet twice. Only IPv4 packets with an
 * IP id can be told from honest repetition: same addresses, ports, id, seq, ack, time stamps and length
 * within 1 ms, or within 100 ms when the TTL differs (measured: 258 RSTs with id 0 in one capture repeat honestly).
 */
#ifndef DISSECT_COPIES_H
#define DISSECT_COPIES_H

#include "option.h"

struct copies;

struct copies *copies_new(uint64_t seed);
void copies_free(struct copies *copies);

/* Is this a copy? Then *first_wan is where the first one was. Copies count within a WAN, and between
 * the interfaces of one capture file. */
bool copies_seen(struct copies *copies, const struct frame *frame, uint32_t wan, const struct segment *segment,
		 const struct options *options, uint64_t flow_hash, uint32_t *first_wan);

/* The parts of copies_seen() for a packet that cannot be a copy: it is only remembered. */
void copies_keep(struct copies *copies, const struct frame *frame, uint32_t wan, uint64_t flow_hash, uint32_t seq,
		 uint32_t ack, uint64_t times, uint16_t ip_id, uint8_t flags, uint32_t ip_bytes, uint8_t ttl);

#endif
