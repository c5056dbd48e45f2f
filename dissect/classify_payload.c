/* SPDX-License-Identifier: MIT
 *
 * classify_payload.c - rule R11: which bytes of a segment are new, and who carried them before; and
 * the same for bytes that had to wait for their mapping.
 */
#include <string.h>

#include "classify_inside.h"

#define RED_SAMPLE (64u << 10) /* R11.4: first-seen bytes before copies count as a habit */

static void stream_advance(struct data_stream *s, uint64_t end)
{
	if (!s->has_dsn || (int64_t)(end - s->dsn) > 0)
		s->dsn = end;
	s->has_dsn = true;
}

/* R11.4: are copies on another subflow this stream's habit? */
static bool is_redundant(const struct data_stream *s)
{
	return s->fresh >= RED_SAMPLE && s->copies * 4 >= s->fresh;
}

static void carry_dsn(struct classifier *k, const struct subflow *sf, struct data_stream *s,
                      uint64_t dsn, uint64_t len, uint64_t ts_ns, struct classification *out)
{
	struct dsn_split split = dsnmap_carry(&s->map, k->budget, dsn, dsn + len, sf->slot,
	                                      classify_now_ds(k, ts_ns));
	uint64_t copies = split.recent + split.old;

	stream_advance(s, dsn + len);
	s->fresh += split.fresh;
	s->copies += copies;
	s->unique_bytes += split.fresh;
	out->payload[KIND_PAYLOAD] += (uint32_t)split.fresh;
	out->payload[KIND_RETRANSMISSION] += (uint32_t)split.own;
	out->same_subflow_dsn += (uint32_t)split.own;
	out->collapsed += (uint32_t)split.collapsed;
	if (copies == 0)
		return;
	bool redundant = is_redundant(s);
	out->payload[redundant ? KIND_REDUNDANT : KIND_REINJECTION] += (uint32_t)split.recent;
	out->payload[KIND_REINJECTION] += (uint32_t)split.old;
}

/* Bytes not seen before on this subflow. Returns false when no mapping covers *start, which then is
 * where the unmapped rest begins. */
static bool carry_mapped(struct classifier *k, const struct subflow *sf, const struct half *h,
                         struct data_stream *stream, uint64_t *start, uint64_t end, uint64_t ts_ns,
                         struct classification *out)
{
	while (*start < end) {
		const struct mapping *m = mapping_at(h, *start);
		if (!m)
			return false;
		uint64_t stop = m->infinite || m->seq + m->len > end ? end : m->seq + m->len;
		uint64_t dsn = m->dsn + (*start - m->seq);
		if (!out->has_dsn) {
			out->has_dsn = true;
			out->dsn = dsn;
		}
		carry_dsn(k, sf, stream, dsn, stop - *start, ts_ns, out);
		*start = stop;
	}
	return true;
}

/* TCP without MPTCP: only the subflow's own bytes matter. */
static bool is_plain(const struct subflow *sf)
{
	return !sf->mptcp || (sf->fallback && !sf->infinite);
}

static void carry_gap(struct look *l, uint64_t start, uint64_t end)
{
	struct classification *out = l->out;

	if (is_plain(l->sf) || l->s->flags & TCP_SYN) {
		out->payload[KIND_PAYLOAD] += (uint32_t)(end - start);
		l->own->unique_bytes += end - start;
		if (!is_plain(l->sf)) /* Fast Open: before SSN 1, no mapping can cover it */
			out->unmapped += (uint32_t)(end - start);
		return;
	}
	if (carry_mapped(l->classifier, l->sf, l->h, l->own, &start, end, l->ts_ns, out))
		return;
	if (l->o->cut || out->wait) { /* its mapping was not captured: nothing to wait for */
		out->payload[KIND_PAYLOAD] += (uint32_t)(end - start);
		out->unmapped += (uint32_t)(end - start);
		return;
	}
	out->wait = true;
	out->reason = PENDING_MAP;
	out->start = start;
	out->end = end;
}

/* Say which DSN a frame begins at, also when all its bytes were seen before. */
static void tell_dsn(struct look *l)
{
	const struct mapping *m = mapping_at(l->h, l->pos);

	if (!m)
		return;
	l->out->has_dsn = true;
	l->out->dsn = m->dsn + (l->pos - m->seq);
}

void classify_payload(struct look *l)
{
	uint64_t start = l->pos + (l->s->flags & TCP_SYN ? 1 : 0), end = start + l->s->payload_len;
	uint64_t from = start, fresh = 0;
	struct seqrange gap;

	if (!is_plain(l->sf))
		tell_dsn(l);
	while (seqset_gap(&l->h->bytes, from, end, &gap)) {
		carry_gap(l, gap.start, gap.end);
		fresh += gap.end - gap.start;
		from = gap.end;
	}
	seqset_add(&l->h->bytes, start, end);
	l->out->payload[KIND_RETRANSMISSION] += (uint32_t)(end - start - fresh);
	classify_halve(l->own);
	if (l->own->ack_ahead_ns && l->out->payload[KIND_PAYLOAD] && l->out->has_dsn &&
	    (int64_t)(l->own->ack - l->out->dsn) > 0) {
		l->out->ack_before_data_ns =
			l->ts_ns > l->own->ack_ahead_ns ? l->ts_ns - l->own->ack_ahead_ns : 0;
		l->own->ack_ahead_ns = 0;
	}
}

/* The kind of a carrying frame is that of most of its bytes; a tie goes to the first in the list.
 */
enum kind classify_most_of(const uint32_t payload[KIND_CARRYING], uint32_t pending)
{
	enum kind best = KIND_PAYLOAD;

	for (unsigned k = 1; k < KIND_CARRYING; k++) {
		uint32_t bytes = payload[best] + (best == KIND_PAYLOAD ? pending : 0);
		if (payload[k] > bytes)
			best = (enum kind)k;
	}
	return best;
}

void classify_mapped(struct look *l)
{
	struct pending **link = &l->h->pending;

	while (*link) {
		struct pending *p = *link;
		struct classification late = {0};
		uint64_t start = p->start;
		if (p->reason != PENDING_MAP || !mapping_at(l->h, start)) {
			link = &p->next;
			continue;
		}
		if (!carry_mapped(l->classifier, l->sf, l->h, l->own, &start, p->end,
		                  p->entry.ts_ns, &late)) {
			late.payload[KIND_PAYLOAD] += (uint32_t)(p->end - start);
			late.unmapped = (uint32_t)(p->end - start);
		}
		for (unsigned k = 0; k < KIND_CARRYING; k++)
			late.payload[k] += p->entry.payload[k];
		late.kind = p->entry.kind < KIND_CARRYING ? classify_most_of(late.payload, 0)
		                                          : (enum kind)p->entry.kind;
		*link = p->next;
		l->h->n_pending--;
		l->classifier->settle(l->classifier->context, l->sf, p, &late);
	}
}

void classify_give_up(const struct pending *p, struct classification *late)
{
	*late = (struct classification){.kind = (enum kind)p->entry.kind};
	if (p->reason != PENDING_MAP)
		return;
	memcpy(late->payload, p->entry.payload, sizeof(late->payload));
	late->payload[KIND_PAYLOAD] += (uint32_t)(p->end - p->start);
	late->unmapped = (uint32_t)(p->end - p->start);
	if (p->entry.kind < KIND_CARRYING)
		late->kind = classify_most_of(late->payload, 0);
}
