/* SPDX-License-Identifier: MIT */
#include "copies.h"

#include <stdlib.h>

#define SAME_TTL_NS  (UINT64_C(1000000))
#define OTHER_TTL_NS (UINT64_C(100) * 1000000)

struct copies *copies_new(void)
{
	return calloc(1, sizeof(struct copies));
}

void copies_free(struct copies *copies)
{
	free(copies);
}

bool copies_seen(struct copies *copies, const struct copies_packet *p, uint32_t *first_wan)
{
	const struct copies_packet *e = copies_place(copies, p->flow_hash, p->ip_id);

	if (p->ip_id == 0)
		return false;
	bool same = e->seq == p->seq && e->ack == p->ack && e->times == p->times &&
	            e->flow_hash == p->flow_hash && e->ip_id == p->ip_id &&
	            e->ip_bytes == p->ip_bytes && e->flags == p->flags &&
	            (e->wan == p->wan || e->file == p->file);
	if (same && p->ts_ns >= e->ts_ns &&
	    p->ts_ns - e->ts_ns <= (e->ttl == p->ttl ? SAME_TTL_NS : OTHER_TTL_NS)) {
		*first_wan = e->wan;
		return true;
	}
	copies_keep(copies, *p);
	return false;
}
