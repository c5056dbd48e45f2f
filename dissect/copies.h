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
#include <stddef.h>
#include <stdint.h>

/* Direct-mapped and small enough to stay in a cache: packets of a flow have consecutive ids, so its
 * last packets lie side by side. */
#define COPIES_ENTRIES 8192

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

struct copies {
	struct copies_packet packets[COPIES_ENTRIES];
};

/* The packets that a later one can still be a copy of, for state.h: those of the last
 * COPIES_KEPT_NS before `seen_ns` and after it. `number` turns files into what is saved and back.
 */
#define COPIES_KEPT_NS UINT64_C(500000000)
struct state_in;
struct state_out;
void copies_save(const struct copies *copies, struct state_out *out, uint64_t seen_ns,
                 uint32_t (*number)(void *context, uint32_t file), void *context);
void copies_load(struct copies *copies, struct state_in *in, uint64_t seen_ns, size_t n_wans,
                 uint32_t (*number)(void *context, uint32_t file), void *context);

/* The file that was known by one number is known by another. */
void copies_rename(struct copies *copies, uint32_t file, uint32_t now);

static inline struct copies_packet *copies_place(struct copies *copies, uint64_t flow_hash,
                                                 uint16_t ip_id)
{
	return &copies->packets[(flow_hash + ip_id) % COPIES_ENTRIES];
}

/* Remember a packet that cannot be a copy; member by member, as it comes from registers. */
static inline void copies_keep(struct copies *copies, struct copies_packet packet)
{
	struct copies_packet *p = copies_place(copies, packet.flow_hash, packet.ip_id);

	p->ts_ns = packet.ts_ns;
	p->flow_hash = packet.flow_hash;
	p->times = packet.times;
	p->seq = packet.seq;
	p->ack = packet.ack;
	p->ip_bytes = packet.ip_bytes;
	p->file = packet.file;
	p->wan = packet.wan;
	p->ip_id = packet.ip_id;
	p->ttl = packet.ttl;
	p->flags = packet.flags;
}

#endif
