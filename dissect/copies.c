/* SPDX-License-Identifier: MIT */
#include "copies.h"

#include <stdlib.h>

/* Direct-mapped and small enough to stay in a cache: packets of a flow have consecutive ids, so its
 * last packets lie side by side. */
enum { ENTRIES = 8192 };
#define SAME_TTL_NS (UINT64_C(1000000))
#define OTHER_TTL_NS (UINT64_C(100) * 1000000)

struct entry {
	uint64_t print;
	uint64_t ts_ns;
	uint32_t file;
	uint16_t wan;
	uint8_t ttl;
};

struct copies {
	uint64_t seed;
	struct entry entries[ENTRIES];
};

struct copies *copies_new(uint64_t seed)
{
	struct copies *c = calloc(1, sizeof(*c));

	if (c)
		c->seed = seed;
	return c;
}

void copies_free(struct copies *copies)
{
	free(copies);
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* What two copies of one packet have in common. */
static inline uint64_t print_of(const struct copies *copies, uint64_t flow_hash, uint32_t seq, uint32_t ack,
				uint64_t times, uint16_t ip_id, uint8_t flags, uint32_t ip_bytes)
{
	uint64_t lengths = (uint64_t)ip_id << 48 | (uint64_t)flags << 40 | ip_bytes;

	return mix(((uint64_t)seq << 32 | ack) ^ copies->seed, times ^ flow_hash ^ lengths << 1 ^ lengths >> 40);
}

static inline struct entry *entry_of(struct copies *copies, uint64_t flow_hash, uint16_t ip_id)
{
	return &copies->entries[(flow_hash + ip_id) % ENTRIES];
}

void copies_keep(struct copies *copies, const struct frame *f, uint32_t wan, uint64_t flow_hash, uint32_t seq,
		 uint32_t ack, uint64_t times, uint16_t ip_id, uint8_t flags, uint32_t ip_bytes, uint8_t ttl)
{
	uint64_t print = print_of(copies, flow_hash, seq, ack, times, ip_id, flags, ip_bytes);

	*entry_of(copies, flow_hash, ip_id) = (struct entry){print, f->ts_ns, f->file, (uint16_t)wan, ttl};
}

bool copies_seen(struct copies *copies, const struct frame *f, uint32_t wan, const struct segment *s,
		 const struct options *o, uint64_t flow_hash, uint32_t *first_wan)
{
	if (s->family != 4 || s->ip_id == 0)
		return false;
	uint64_t times = o->has_timestamps ? (uint64_t)o->tsval << 32 | o->tsecr : 0;
	uint64_t print = print_of(copies, flow_hash, s->seq, s->ack, times, s->ip_id, s->flags, s->ip_bytes);
	struct entry *e = entry_of(copies, flow_hash, s->ip_id);
	bool same = e->print == print && (e->wan == wan || e->file == f->file);
	if (same && f->ts_ns >= e->ts_ns &&
	    f->ts_ns - e->ts_ns <= (e->ttl == s->ttl ? SAME_TTL_NS : OTHER_TTL_NS)) {
		*first_wan = e->wan;
		return true;
	}
	*e = (struct entry){print, f->ts_ns, f->file, (uint16_t)wan, s->ttl};
	return false;
}
