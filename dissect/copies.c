/* SPDX-License-Identifier: MIT */
#include "copies.h"

#include <stdlib.h>

#include "state.h"

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

/* ---- state ---- */

enum { MARK_COPIES = 'D' };
enum { REF_NONE, REF_TIME };

static const struct state_field fields[] = {
	STATE_FIELD(copies_packet, ts_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(copies_packet, flow_hash, REF_NONE, UINT64_MAX),
	STATE_FIELD(copies_packet, times, REF_NONE, UINT64_MAX),
	STATE_FIELD(copies_packet, seq, REF_NONE, UINT32_MAX),
	STATE_FIELD(copies_packet, ack, REF_NONE, UINT32_MAX),
	STATE_FIELD(copies_packet, ip_bytes, REF_NONE, UINT32_MAX),
	STATE_FIELD(copies_packet, file, REF_NONE, UINT32_MAX),
	STATE_FIELD(copies_packet, wan, REF_NONE, UINT16_MAX),
	STATE_FIELD(copies_packet, ip_id, REF_NONE, UINT16_MAX),
	STATE_FIELD(copies_packet, ttl, REF_NONE, UINT8_MAX),
	STATE_FIELD(copies_packet, flags, REF_NONE, UINT8_MAX),
};

static bool kept(const struct copies_packet *p, uint64_t seen_ns)
{
	return p->ip_id && p->ts_ns + COPIES_KEPT_NS >= seen_ns;
}

void copies_save(const struct copies *copies, struct state_out *out, uint64_t seen_ns,
                 uint32_t (*number)(void *context, uint32_t file), void *context)
{
	const uint64_t refs[] = {[REF_TIME] = seen_ns};
	uint32_t n = 0;

	for (uint32_t i = 0; i < COPIES_ENTRIES; i++)
		n += kept(&copies->packets[i], seen_ns);
	state_put_mark(out, MARK_COPIES);
	state_put(out, n);
	for (uint32_t i = 0; i < COPIES_ENTRIES; i++) {
		struct copies_packet packet = copies->packets[i];

		if (!kept(&packet, seen_ns))
			continue;
		packet.file = number(context, packet.file);
		state_put_fields(out, &packet, fields, STATE_ROWS(fields), refs);
	}
}

void copies_load(struct copies *copies, struct state_in *in, uint64_t seen_ns, size_t n_wans,
                 uint32_t (*number)(void *context, uint32_t file), void *context)
{
	const uint64_t refs[] = {[REF_TIME] = seen_ns};

	state_take_mark(in, MARK_COPIES);
	for (size_t n = state_take_count(in, COPIES_ENTRIES); n > 0 && !in->damaged; n--) {
		struct copies_packet packet = {0};

		state_take_fields(in, &packet, fields, STATE_ROWS(fields), refs);
		if (packet.wan >= n_wans)
			state_refuse(in);
		packet.file = number(context, packet.file);
		copies_keep(copies, packet);
	}
}

void copies_rename(struct copies *copies, uint32_t file, uint32_t now)
{
	for (uint32_t i = 0; i < COPIES_ENTRIES; i++)
		if (copies->packets[i].file == file)
			copies->packets[i].file = now;
}
