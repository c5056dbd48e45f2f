/* SPDX-License-Identifier: MIT */
#include "copies.h"

#include <stdlib.h>

/* Direct-mapped and small enough to stay in a cache: packets of a flow have consecutive ids, so its
 * last packets lie side by side. */
enum { ENTRIES = 8192 };
#define SAME_TTL_NS  (UINT64_C(1000000))
#define OTHER_TTL_NS (UINT64_C(100) * 1000000)

/* What two copies of one packet have in common, and when and where it was seen. */
struct entry {
	uint64_t numbers; /* seq and ack */
	uint64_t times;   /* the time stamp option */
	uint64_t flow;    /* hash of its subflow, with IP id and length worked in */
	uint64_t ts_ns;
	uint32_t file;
	uint16_t wan;
	uint8_t ttl;
	uint8_t flags;
};

struct copies {
	struct entry entries[ENTRIES];
};

struct copies *copies_new(void)
{
	return calloc(1, sizeof(struct copies));
}

void copies_free(struct copies *copies)
{
	free(copies);
}

static inline uint64_t flow_of(uint64_t flow_hash, uint16_t ip_id, uint32_t ip_bytes)
{
	return flow_hash ^ ((uint64_t)ip_bytes << 16 | ip_id);
}

static inline struct entry *entry_of(struct copies *copies, uint64_t flow_hash, uint16_t ip_id)
{
	return &copies->entries[(flow_hash + ip_id) % ENTRIES];
}

void copies_keep(struct copies *copies, const struct copies_packet *p)
{
	struct entry *e = entry_of(copies, p->flow_hash, p->ip_id);

	e->numbers = (uint64_t)p->seq << 32 | p->ack;
	e->times = p->times;
	e->flow = flow_of(p->flow_hash, p->ip_id, p->ip_bytes);
	e->ts_ns = p->ts_ns;
	e->file = p->file;
	e->wan = p->wan;
	e->ttl = p->ttl;
	e->flags = p->flags;
}

bool copies_seen(struct copies *copies, const struct copies_packet *p, uint32_t *first_wan)
{
	const struct entry *e = entry_of(copies, p->flow_hash, p->ip_id);

	if (p->ip_id == 0)
		return false;
	bool same = e->numbers == ((uint64_t)p->seq << 32 | p->ack) && e->times == p->times &&
	            e->flow == flow_of(p->flow_hash, p->ip_id, p->ip_bytes) &&
	            e->flags == p->flags && (e->wan == p->wan || e->file == p->file);
	if (same && p->ts_ns >= e->ts_ns &&
	    p->ts_ns - e->ts_ns <= (e->ttl == p->ttl ? SAME_TTL_NS : OTHER_TTL_NS)) {
		*first_wan = e->wan;
		return true;
	}
	copies_keep(copies, p);
	return false;
}
