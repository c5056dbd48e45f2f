/* SPDX-License-Identifier: MIT
 *
 * copies.h - has the capture already shown this very packet?
 *
 * A bridge and its port, or two stacked devices under `any`, show one packet twice. Only IPv4
 * packets with an IP id can be told from honest repetition: same addresses, ports, id, seq, ack,
 * time stamps and length within 1 ms, or within 100 ms when the TTL differs (measured: 258 RSTs
 * with id 0 in one capture repeat honestly).
 */
#ifndef DISSECT_COPIES_H
#define DISSECT_COPIES_H

#include <stdbool.h>
#include <stdint.h>

struct copies;

struct copies *copies_new(void);
void copies_free(struct copies *copies);

/* A TCP packet in an IPv4 packet; ip_id 0 (and IPv6) is never a copy. */
struct copies_packet {
	uint64_t ts_ns;
	uint64_t flow_hash; /* seeded, of its subflow */
	uint64_t times;     /* time stamp option, both halves; 0 = none */
	uint32_t seq, ack;
	uint32_t ip_bytes;
	uint32_t file;
	uint16_t wan;
	uint16_t ip_id;
	uint8_t ttl, flags;
};

/* Is this a copy? Then *first_wan is where the first one was. Copies count within a WAN, and
 * between the interfaces of one capture file. */
bool copies_seen(struct copies *copies, const struct copies_packet *packet, uint32_t *first_wan);

/* Remember a packet that cannot be a copy. */
void copies_keep(struct copies *copies, const struct copies_packet *packet);

#endif
