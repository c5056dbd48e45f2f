/* SPDX-License-Identifier: MIT */
#include "classify.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "state.h"

#define POSITION_BASE (UINT64_C(1) << 32) /* so that bytes before the first one have a position */
#define ACK_JUMP_MAX                                                                               \
	(UINT64_C(1) << 30)    /* an ack farther ahead than any window is not believed             \
	                        */
#define RED_SAMPLE (64u << 10) /* R11.4: first-seen bytes before copies count as a habit */

/* All that one segment is looked at with. `h` is its side, `p` the peer's. */
struct look {
	struct classifier *classifier;
	struct subflow *sf;
	struct connection *c;
	struct data_stream *own, *peers;
	unsigned dir;
	struct half *h, *p;
	const struct segment *s;
	const struct options *o;
	uint64_t ts_ns;
	uint64_t pos;      /* of the first payload byte, or of SYN */
	uint64_t ack;      /* position acknowledged; valid with TCP_ACK */
	uint64_t data_ack; /* valid with has_data_ack */
	bool has_data_ack;
	bool dss;     /* a DSS is there */
	bool mapping; /* with a whole, non-empty mapping */
	struct classification *out;
};

/* ---- mappings ---- */

/* Bytes of payload that a DSS maps: its length without the DATA_FIN. */
static uint32_t mapped_len(const struct dss *d)
{
	return d->flags & DSS_FIN && d->len > 0 ? d->len - 1u : d->len;
}

/* All bytes of it were seen: whatever comes of them again is a retransmission, with or without it.
 * Bytes of frames that wait were seen too, and still need theirs. */
static bool mapping_passed(const struct half *h, const struct mapping *m)
{
	struct seqrange gap;

	return !h->pending && !m->raw && !m->infinite &&
	       !seqset_gap(&h->bytes, m->seq, m->seq + m->len, &gap);
}

/* A full ring gets twice the room; its oldest entry lies at at_maps. */
static bool mappings_grow(struct half *h)
{
	unsigned cap = h->cap_maps ? h->cap_maps * 2u : MAPPINGS_FIRST;
	struct mapping *maps = malloc(cap * sizeof(*maps));

	if (!maps)
		return false;
	for (unsigned i = 0; i < h->n_maps; i++)
		maps[i] = h->maps[(h->at_maps + i) & (h->cap_maps - 1u)];
	free(h->maps);
	h->maps = maps;
	h->at_maps = h->n_maps;
	h->cap_maps = (uint8_t)cap;
	return true;
}

/* Is there a place for one more, be it the oldest one's? */
static bool mappings_ready(struct half *h)
{
	if (h->n_maps < h->cap_maps || h->cap_maps == MAPPINGS_MAX)
		return true;
	if (h->cap_maps && mapping_passed(h, &h->maps[h->at_maps]))
		return true;
	return mappings_grow(h) || h->cap_maps;
}

void classify_keep_mapping(struct half *h, const struct mapping *m)
{
	if ((h->map.len || h->map.infinite) && mappings_ready(h)) {
		h->maps[h->at_maps] = h->map;
		h->at_maps = (uint8_t)((h->at_maps + 1u) & (h->cap_maps - 1u));
		h->n_maps = (uint8_t)(h->n_maps < h->cap_maps ? h->n_maps + 1 : h->cap_maps);
	}
	h->map = *m;
}

static bool mapping_covers(const struct mapping *m, uint64_t at)
{
	return !m->raw && at >= m->seq && (m->infinite || at < m->seq + m->len);
}

/* The mapping of the byte at `at`, newest first. */
static const struct mapping *mapping_at(const struct half *h, uint64_t at)
{
	if (mapping_covers(&h->map, at))
		return &h->map;
	for (unsigned i = 1; i <= h->n_maps; i++) {
		const struct mapping *m = &h->maps[(h->at_maps - i) & (h->cap_maps - 1u)];
		if (mapping_covers(m, at))
			return m;
	}
	return NULL;
}

/* The ISN is known at last: mappings that only had an SSN get their place. */
static void mappings_place(struct half *h)
{
	for (unsigned i = 0; i <= h->n_maps; i++) {
		struct mapping *m =
			i == 0 ? &h->map : &h->maps[(h->at_maps - i) & (h->cap_maps - 1u)];
		if (!m->raw)
			continue;
		m->seq = seq_unwrap((uint32_t)h->isn + (uint32_t)m->seq, h->nxt);
		m->raw = false;
	}
}

/* Mid-capture: only a frame that starts a mapping tells the ISN. */
static void infer_isn(struct look *l, uint32_t ssn, uint32_t len)
{
	struct half *h = l->h;
	uint32_t bytes = l->s->payload_len;

	if (bytes == 0 || ssn == 0)
		return;
	bool starts = len == bytes;
	if (h->prev_ssn_known && ssn != h->prev_ssn && l->pos == h->prev_end)
		starts = true;
	h->prev_ssn = ssn;
	h->prev_ssn_known = true;
	h->prev_end = l->pos + bytes;
	if (!starts)
		return;
	h->isn = l->pos - ssn;
	h->isn_known = true;
	mappings_place(h);
}

static void take_mapping(struct look *l, uint32_t ssn, uint64_t dsn, uint32_t len, bool infinite)
{
	struct half *h = l->h;
	struct mapping m = {.seq = ssn, .dsn = dsn, .len = len, .raw = true, .infinite = infinite};

	if (!h->isn_known)
		infer_isn(l, ssn, len);
	if (h->isn_known) {
		m.seq = seq_unwrap((uint32_t)h->isn + ssn, l->pos);
		m.raw = false;
	}
	if (m.seq == h->map.seq && m.dsn == h->map.dsn && m.len == h->map.len &&
	    m.raw == h->map.raw)
		return;
	classify_keep_mapping(h, &m);
}

static void take_dss_mapping(struct look *l)
{
	const struct dss *d = &l->o->dss;

	if (!(d->flags & DSS_MAP) || (d->has & DSS_HAS_MAPPING) != DSS_HAS_MAPPING)
		return;
	uint64_t dsn = track_dsn(l->own, d->dsn, d->flags & DSS_MAP64);
	if (d->len == 0) { /* RFC 8684 section 3.7: from here on, plain TCP with accounting */
		l->out->infinite = !l->sf->fallback;
		take_mapping(l, d->ssn, dsn, 0, true);
	} else if (mapped_len(d) > 0) {
		l->mapping = true;
		take_mapping(l, d->ssn, dsn, mapped_len(d), false);
	}
	if (d->flags & DSS_MAP64)
		l->own->wide = true;
}

/* v1: MP_CAPABLE with data is a mapping from SSN 1 on, at the start of the data. */
static void take_capable_mapping(struct look *l)
{
	const struct mp_capable *m = &l->o->capable;

	if (!m->has_len || m->len == 0 || l->s->flags & TCP_SYN ||
	    !l->c->has_key[l->dir ^ l->sf->flip])
		return;
	if (!l->h->isn_known)
		return;
	l->mapping = true;
	if (l->h->map.len == 0 && l->own->has_dsn && l->own->fresh == 0)
		take_mapping(l, 1, l->own->dsn, m->len, false);
}

/* ---- DSS checksums, RFC 8684 section 3.3.1 ---- */

static uint64_t sum_bytes(uint64_t sum, const uint8_t *p, uint32_t n, bool odd)
{
	uint32_t i = 0;

	if (odd && n > 0)
		sum += p[i++];
	for (; i + 1 < n; i += 2)
		sum += be16(p + i);
	if (i < n)
		sum += (uint64_t)p[i] << 8;
	return sum;
}

static uint64_t sum_header(uint64_t dsn, uint32_t ssn, uint16_t len, uint16_t csum)
{
	return (dsn >> 48) + (dsn >> 32 & 0xffff) + (dsn >> 16 & 0xffff) + (dsn & 0xffff) +
	       (ssn >> 16) + (ssn & 0xffff) + len + csum;
}

static bool sum_is_good(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* Does this segment begin a mapping with a checksum? */
static void checksum_begin(struct look *l)
{
	const struct dss *d = &l->o->dss;
	const struct mp_capable *m = &l->o->capable;
	struct checksum_run *run = &l->h->checksum;
	uint64_t sum;

	if (l->dss && d->has & DSS_HAS_CSUM)
		sum = sum_header(track_dsn(l->own, d->dsn, d->flags & DSS_MAP64), d->ssn, d->len,
		                 d->csum);
	else if (options_have(l->o, MP_CAPABLE) && m->has_csum)
		sum = sum_header(l->h->map.dsn, 1, m->len, m->csum);
	else
		return;
	if (!l->mapping || l->h->map.raw || l->h->map.seq != l->pos || !l->own->wide)
		return;
	*run = (struct checksum_run){.end = l->pos + l->h->map.len, .next = l->pos, .sum = sum};
}

/* A bare DATA_FIN maps its one DSN and no byte: the checksum is over the header alone. */
static void checksum_data_fin(struct look *l)
{
	const struct dss *d = &l->o->dss;

	if (!l->own->wide || !(d->flags & DSS_FIN) || !(d->has & DSS_HAS_CSUM) || d->len != 1)
		return;
	bool good = sum_is_good(sum_header(track_dsn(l->own, d->dsn, d->flags & DSS_MAP64), d->ssn,
	                                   d->len, d->csum));
	l->out->checksum_good = good;
	l->out->checksum_bad = !good;
}

static void checksum_feed(struct look *l)
{
	struct checksum_run *run = &l->h->checksum;
	const struct segment *s = l->s;

	if (s->payload_len == 0)
		return;
	if (l->mapping)
		checksum_begin(l);
	if (run->end == 0)
		return;
	if (l->pos != run->next || s->payload_cap < s->payload_len ||
	    l->pos + s->payload_len > run->end) {
		run->end = 0; /* not all of it in one piece: not verified */
		return;
	}
	run->sum = sum_bytes(run->sum, s->payload, s->payload_len, run->odd);
	run->odd ^= s->payload_len & 1;
	run->next += s->payload_len;
	if (run->next < run->end)
		return;
	run->end = 0;
	if (sum_is_good(run->sum))
		l->out->checksum_good = true;
	else
		l->out->checksum_bad = true;
}

/* ---- payload, rule R11 ---- */

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

static void carry_payload(struct look *l)
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
static enum kind most_of(const uint32_t payload[KIND_CARRYING], uint32_t pending)
{
	enum kind best = KIND_PAYLOAD;

	for (unsigned k = 1; k < KIND_CARRYING; k++) {
		uint32_t bytes = payload[best] + (best == KIND_PAYLOAD ? pending : 0);
		if (payload[k] > bytes)
			best = (enum kind)k;
	}
	return best;
}

/* ---- pending frames ---- */

static void settle_first_ack(struct look *l)
{
	struct half *p = l->p;
	struct pending **link = &p->pending;

	while (*link && (*link)->reason != PENDING_FIRST_ACK)
		link = &(*link)->next;
	if (!*link || !(l->s->flags & TCP_ACK))
		return;
	struct pending *first = *link;
	*link = first->next;
	p->n_pending--;
	struct classification late = {.kind = (enum kind)first->entry.kind};
	if ((uint32_t)(first->start + 1) == l->s->ack && p->nxt == first->start) {
		late.kind = KIND_KEEPALIVE;
		p->nxt++;
		p->probes++;
	}
	l->classifier->settle(l->classifier->context, l->sf, first, &late);
}

static void settle_mapped(struct look *l)
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
		late.kind = p->entry.kind < KIND_CARRYING ? most_of(late.payload, 0)
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
		late->kind = most_of(late->payload, 0);
}

/* ---- frames without payload, rules R4 to R10 ---- */

static bool is_pure(const struct segment *s)
{
	return !(s->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

/* No MPTCP option but a DSS without DATA_FIN and without a mapping. */
static bool is_bare_ack(const struct look *l)
{
	if (!is_pure(l->s) || l->s->payload_len || !(l->s->flags & TCP_ACK))
		return false;
	if (l->o->subtypes & ~(1u << MP_DSS))
		return false;
	return !l->dss || !(l->o->dss.flags & (DSS_FIN | DSS_MAP));
}

static bool nothing_outstanding(const struct look *l)
{
	return l->p->acked && l->p->ack >= l->h->nxt;
}

static bool is_established(const struct look *l)
{
	return l->sf->state >= SUBFLOW_ESTABLISHED;
}

static bool is_data_fin(const struct look *l)
{
	return l->dss && l->o->dss.flags & DSS_FIN;
}

static bool is_handshake(struct look *l)
{
	if (options_have(l->o, MP_CAPABLE))
		return true;
	if (options_have(l->o, MP_JOIN) && l->o->join.len == 24) {
		l->h->join_ack = true;
		return true;
	}
	return l->p->join_ack && is_bare_ack(l);
}

static bool is_zero_window_probe(const struct look *l)
{
	if (!is_pure(l->s) || !is_established(l) || !l->p->zero_window || !l->h->seen)
		return false;
	if (l->s->payload_len == 0)
		return l->pos + 1 == l->h->nxt;
	return l->s->payload_len == 1 && (l->pos + 1 == l->h->nxt || l->pos == l->h->nxt);
}

static bool is_keepalive(const struct look *l)
{
	struct seqrange gap;

	if (!is_pure(l->s) || !is_established(l) || !l->h->seen || l->pos + 1 != l->h->nxt ||
	    !nothing_outstanding(l))
		return false;
	if (l->s->payload_len == 0)
		return true;
	return l->s->payload_len == 1 && !(l->s->flags & TCP_PSH) && !l->mapping &&
	       !seqset_gap(&l->h->bytes, l->pos, l->pos + 1, &gap);
}

static bool is_signal(const struct look *l)
{
	return l->o->subtypes & (1u << MP_ADD_ADDR | 1u << MP_REMOVE_ADDR | 1u << MP_PRIO |
	                         1u << MP_FAIL | 1u << MP_FASTCLOSE);
}

static bool answers_fin(const struct look *l)
{
	return l->p->fin_open && l->ack > l->p->fin;
}

static bool answers_data_fin(const struct look *l)
{
	return l->p->data_fin_open && l->has_data_ack &&
	       (int64_t)(l->data_ack - l->p->data_fin) > 0;
}

/* FIN, DATA_FIN, or the ACK that answers one of them. */
static bool is_teardown(const struct look *l)
{
	return l->s->flags & TCP_FIN || is_data_fin(l) || answers_fin(l) || answers_data_fin(l);
}

/* A FIN or DATA_FIN that acknowledges is no answer yet: Linux sends the bare one too. A frame that
 * was both is answered by the first that answers either. */
static void close_answered(struct look *l)
{
	struct half *p = l->p;
	bool fin = answers_fin(l), data_fin = answers_data_fin(l);

	if (l->s->flags & TCP_FIN || is_data_fin(l) || !(fin || data_fin))
		return;
	p->fin_open &= !fin && !p->fin_pair;
	p->data_fin_open &= !data_fin && !p->fin_pair;
	p->fin_pair = false;
}

static bool answers_keepalive(const struct look *l)
{
	if (l->p->probes == 0)
		return false;
	/* mid-capture: the first word of this side showed that the peer's first was a keepalive */
	return l->ack == (l->h->acked ? l->h->ack : l->p->nxt);
}

static enum ack_reason ack_reason(const struct look *l)
{
	if (l->p->zero_probes > 0 && l->h->acked && l->ack == l->h->ack)
		return ACK_PROBE_ANSWER;
	if (!l->h->acked || l->ack > l->h->ack)
		return ACK_ADVANCED;
	if (l->has_data_ack && (!l->peers->has_ack || (int64_t)(l->data_ack - l->h->data_ack) > 0))
		return ACK_DATA_ONLY;
	return l->s->window != l->h->window ? ACK_WINDOW : ACK_DUPLICATE;
}

static enum kind bare_kind(struct look *l)
{
	if (is_handshake(l))
		return KIND_HANDSHAKE;
	if (is_zero_window_probe(l))
		return KIND_ZERO_WINDOW_PROBE;
	if (is_keepalive(l))
		return KIND_KEEPALIVE;
	if (is_signal(l))
		return KIND_SIGNAL;
	if (is_teardown(l)) {
		l->out->answered = is_data_fin(l) && answers_keepalive(l);
		return KIND_TEARDOWN;
	}
	if (is_bare_ack(l) && answers_keepalive(l)) {
		l->out->answered = true;
		return KIND_KEEPALIVE_ACK;
	}
	l->out->ack = ack_reason(l);
	return KIND_ACK;
}

/* Mid-capture: the first word of a side may be a keepalive; only the answer to it tells. */
static bool may_be_first_keepalive(const struct look *l)
{
	return !l->h->spoke && !l->h->seen && l->s->payload_len == 0 && is_bare_ack(l) &&
	       is_established(l) && l->out->kind == KIND_ACK;
}

/* ---- state ---- */

static void learn_ack(struct look *l)
{
	struct half *h = l->h, *p = l->p;

	if (!(l->s->flags & TCP_ACK))
		return;
	if (!p->seen) { /* mid-capture: what this side acknowledges is where the peer stands */
		p->nxt = l->ack;
		p->seen = true;
	}
	if (l->ack > p->nxt && l->ack - p->nxt < ACK_JUMP_MAX)
		p->nxt = l->ack;
	if (l->ack > p->nxt)
		return;
	if (!h->acked || l->ack > h->ack) {
		l->out->advanced = true;
		h->ack = l->ack;
		h->acked = true;
	}
}

static void learn_data_ack(struct look *l)
{
	struct data_stream *s = l->peers;

	if (!l->has_data_ack)
		return;
	if (l->h->data_ack == 0 || (int64_t)(l->data_ack - l->h->data_ack) > 0)
		l->h->data_ack = l->data_ack;
	if (!s->has_ack || (int64_t)(l->data_ack - s->ack) > 0) {
		s->ack = l->data_ack;
		s->has_ack = true;
		s->ack_wide |= (l->o->dss.flags & DSS_ACK64) != 0;
		if (s->has_dsn && s->fresh && (int64_t)(s->ack - s->dsn) > 1 && !s->ack_ahead_ns)
			s->ack_ahead_ns = l->ts_ns;
	}
}

static void learn_sequence(struct look *l)
{
	struct half *h = l->h;
	const struct segment *s = l->s;
	uint64_t end = l->pos + s->payload_len + (s->flags & TCP_SYN ? 1 : 0) +
	               (s->flags & TCP_FIN ? 1 : 0);

	if (s->flags & TCP_FIN) {
		h->fin_seen = true;
		h->fin = end - 1;
		h->fin_open = true;
	}
	if (is_data_fin(l)) {
		const struct dss *d = &l->o->dss;
		bool len_known = d->has & DSS_HAS_LEN;
		/* a bare DATA_FIN maps one byte; its length may have been cut off the capture */
		h->data_fin_open = d->has & DSS_HAS_DSN && (len_known || s->payload_len == 0);
		if (d->has & DSS_HAS_DSN)
			h->data_fin = track_dsn(l->own, d->dsn, d->flags & DSS_MAP64) +
			              (len_known && d->len > 0 ? d->len - 1u : 0);
		h->fin_pair = h->data_fin_open && s->flags & TCP_FIN;
	}
	if (!h->seen || end > h->nxt) {
		h->nxt = end;
		h->seen = true;
	}
}

static void learn_state(struct look *l)
{
	struct subflow *sf = l->sf;
	const struct segment *s = l->s;

	if (s->flags & TCP_SYN) {
		if (s->flags & TCP_ACK && sf->state < SUBFLOW_SYNACK)
			sf->state = SUBFLOW_SYNACK;
		else if (!(s->flags & TCP_ACK) && !l->p->spoke && !l->h->spoke && !l->p->syn)
			sf->state = SUBFLOW_SYN;
		return;
	}
	if (sf->state < SUBFLOW_ESTABLISHED && l->dir == 0 && s->flags & TCP_ACK) {
		sf->state = SUBFLOW_ESTABLISHED;
		l->out->established = true;
	}
	l->h->spoke = true;
	if (l->h->fin_seen && l->p->fin_seen)
		sf->state = SUBFLOW_CLOSED;
}

static void learn(struct look *l)
{
	struct half *h = l->h;

	close_answered(l);
	learn_ack(l);
	learn_data_ack(l);
	learn_sequence(l);
	learn_state(l);
	h->zero_window = l->s->window == 0;
	h->window = l->s->window;
	if (l->dss)
		h->dss_seen = true;
	if (l->out->answered)
		l->p->probes--;
	if (l->out->ack == ACK_PROBE_ANSWER)
		l->p->zero_probes--;
	else if (l->out->advanced) /* the byte of a probe was accepted: that is an answer too */
		l->p->zero_probes = 0;
	if (l->out->kind == KIND_KEEPALIVE && h->probes < UINT8_MAX)
		h->probes++;
	if (l->out->kind == KIND_ZERO_WINDOW_PROBE && h->zero_probes < UINT8_MAX)
		h->zero_probes++;
	if (is_pure(l->s) && !options_have(l->o, MP_JOIN))
		l->p->join_ack = false;
}

/* ---- SYN, RST, fallback ---- */

static void look_syn(struct look *l)
{
	struct half *h = l->h;

	l->out->kind = KIND_HANDSHAKE;
	l->out->new_syn = !h->syn;
	if (h->isn_known && h->isn != l->pos && h->syn)
		return; /* a second ISN in an answer: keep the first */
	h->isn = l->pos;
	h->isn_known = h->syn = true;
	if (l->o->mss)
		l->sf->mss = l->o->mss;
}

static void look_rst(struct look *l)
{
	l->out->kind = KIND_RESET;
	l->sf->state = SUBFLOW_CLOSED;
	l->sf->reset = true;
}

/* RFC 8684 section 3.7: what shows on the wire that MPTCP is not spoken here. */
static bool falls_back(const struct look *l)
{
	const struct subflow *sf = l->sf;
	const struct segment *s = l->s;

	if (!sf->mptcp || sf->fallback || l->o->cut || s->flags & TCP_RST)
		return false;
	if (s->flags & TCP_SYN) /* the answer without the option, or of another version */
		return s->flags & TCP_ACK && sf->offered && !sf->join &&
		       (!options_have(l->o, MP_CAPABLE) || l->c->version != l->o->capable.version);
	if (sf->join || l->o->any_mptcp || l->h->dss_seen || !sf->initial || !l->h->syn)
		return false;
	bool third_ack = l->dir == 0 && sf->state == SUBFLOW_SYNACK;
	bool first_data = s->payload_len > 0 && l->h->bytes.last.end == l->h->bytes.last.start &&
	                  l->h->map.len == 0;
	return third_ack || first_data;
}

static uint64_t position_of(const struct half *h, uint32_t number)
{
	return h->seen ? seq_unwrap(number, h->nxt) : POSITION_BASE + number;
}

static void look_at(struct look *l)
{
	const struct options *o = l->o;

	l->h = &l->sf->half[l->dir];
	l->p = &l->sf->half[!l->dir];
	l->own = &l->c->stream[l->dir ^ l->sf->flip];
	l->peers = &l->c->stream[!(l->dir ^ l->sf->flip)];
	l->pos = position_of(l->h, l->s->seq);
	l->ack = position_of(l->p, l->s->ack);
	l->dss = options_have(o, MP_DSS);
	if (l->dss && o->dss.has & DSS_HAS_ACK) {
		l->has_data_ack = true;
		l->data_ack = track_dsn(l->peers, o->dss.ack, o->dss.flags & DSS_ACK64);
	}
}

static void look_ordinary(struct look *l)
{
	struct classification *out = l->out;

	if (l->dss)
		take_dss_mapping(l);
	if (options_have(l->o, MP_CAPABLE))
		take_capable_mapping(l);
	if (l->h->pending && l->h->isn_known)
		settle_mapped(l);
	if (l->s->payload_len == 0) {
		if (l->dss)
			checksum_data_fin(l);
		out->kind = bare_kind(l);
		if (may_be_first_keepalive(l)) {
			out->wait = true;
			out->reason = PENDING_FIRST_ACK;
			out->start = out->end = l->pos;
		}
		return;
	}
	bool zero_probe = is_zero_window_probe(l), keepalive = !zero_probe && is_keepalive(l);
	out->out_of_order = l->h->spoke && l->h->seen && l->pos != l->h->nxt;
	if (l->c->checksum || l->h->checksum.end)
		checksum_feed(l);
	if (keepalive) { /* its byte carries nothing: tcptrace is wrong to call it a retransmission
		          */
		out->kind = KIND_KEEPALIVE;
		return;
	}
	carry_payload(l);
	out->kind = zero_probe ? KIND_ZERO_WINDOW_PROBE
	                       : most_of(out->payload,
	                                 out->wait ? (uint32_t)(out->end - out->start) : 0);
}

void classify(struct classifier *classifier, struct subflow *sf, struct connection *c, unsigned dir,
              const struct segment *s, const struct options *o, uint64_t ts_ns,
              struct classification *out)
{
	struct look l = {
		.classifier = classifier,
		.sf = sf,
		.c = c,
		.dir = dir,
		.s = s,
		.o = o,
		.ts_ns = ts_ns,
		.out = out,
	};

	*out = (struct classification){.kind = KIND_ACK};
	look_at(&l);
	if (l.p->pending && l.p->n_pending)
		settle_first_ack(&l);
	if (falls_back(&l)) {
		sf->fallback = c->fallback = out->fell_back = true;
	}
	if (s->flags & TCP_RST) {
		look_rst(&l);
		return;
	}
	if (s->flags & TCP_SYN) {
		look_syn(&l);
		if (s->payload_len > 0)
			carry_payload(&l);
	} else {
		look_ordinary(&l);
	}
	learn(&l);
	if (out->infinite)
		sf->fallback = sf->infinite = c->fallback = true;
}

/* ---- state ---- */

/* Close to where the newer one, `above`, begins. */
static void save_mapping(const struct mapping *m, const struct mapping *above,
                         struct state_out *out)
{
	state_put(out, (uint64_t)m->len << 2 | (unsigned)m->raw << 1 | m->infinite);
	state_put_near(out, m->seq, above->seq - m->len);
	state_put_near(out, m->dsn, above->dsn - m->len);
}

static struct mapping load_mapping(const struct mapping *above, struct state_in *in)
{
	uint64_t word = state_take(in, (UINT64_C(1) << 34) - 1);
	struct mapping m = {
		.len = (uint32_t)(word >> 2), .raw = word >> 1 & 1, .infinite = word & 1};

	m.seq = state_take_near(in, above->seq - m.len);
	m.dsn = state_take_near(in, above->dsn - m.len);
	return m;
}

/* The one before `m` when segments of one length take turns on the same subflows; `above` is the
 * newer one. */
static struct mapping next_step(const struct mapping *above, const struct mapping *m)
{
	struct mapping next = *m;

	next.seq -= above->seq - m->seq;
	next.dsn -= above->dsn - m->dsn;
	return next;
}

static bool mapping_equal(const struct mapping *a, const struct mapping *b)
{
	return a->seq == b->seq && a->dsn == b->dsn && a->len == b->len && a->raw == b->raw &&
	       a->infinite == b->infinite;
}

/* The i-th newest, from 0 on. */
static const struct mapping *mapping_number(const struct half *h, unsigned i)
{
	return i == 0 ? &h->map : &h->maps[(h->at_maps - i) & (h->cap_maps - 1u)];
}

/* How many behind the i-th newest go on in its steps? */
static unsigned mappings_alike(const struct half *h, unsigned i)
{
	unsigned n = 0;

	for (; i + n < h->n_maps; n++) {
		struct mapping next =
			next_step(mapping_number(h, i + n - 1), mapping_number(h, i + n));

		if (!mapping_equal(&next, mapping_number(h, i + n + 1)))
			break;
	}
	return n;
}

/* All of them, also those whose bytes have passed: what is sent again is told with its DSN. */
void classify_save_mappings(const struct half *h, uint64_t dsn, struct state_out *out)
{
	save_mapping(&h->map, &(struct mapping){.seq = h->nxt, .dsn = dsn}, out);
	state_put(out, h->cap_maps);
	if (h->cap_maps == 0)
		return;
	state_put(out, h->n_maps);
	for (unsigned i = 1; i <= h->n_maps; i++) {
		unsigned alike = mappings_alike(h, i);

		save_mapping(mapping_number(h, i), mapping_number(h, i - 1), out);
		state_put(out, alike);
		i += alike;
	}
}

/* From the newest to the oldest, which is the first of the ring. */
static void load_ring(struct half *h, size_t n, struct state_in *in)
{
	struct mapping above = h->map, m;

	for (size_t i = n; i > 0 && !in->damaged;) {
		m = load_mapping(&above, in);
		h->maps[--i] = m;
		for (uint64_t alike = state_take(in, i); alike > 0; alike--) {
			struct mapping next = next_step(&above, &m);

			above = m;
			h->maps[--i] = m = next;
		}
		above = m;
	}
}

void classify_load_mappings(struct half *h, uint64_t dsn, struct state_in *in)
{
	h->map = load_mapping(&(struct mapping){.seq = h->nxt, .dsn = dsn}, in);
	unsigned cap = (unsigned)state_take(in, MAPPINGS_MAX);
	size_t n = cap ? (size_t)state_take(in, cap) : 0;

	if (cap == 0 || in->damaged)
		return;
	if (cap < MAPPINGS_FIRST || cap & (cap - 1)) {
		state_refuse(in);
		return;
	}
	h->maps = calloc(cap, sizeof(*h->maps));
	if (!h->maps) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	load_ring(h, n, in);
	h->cap_maps = (uint8_t)cap;
	h->n_maps = (uint8_t)n;
	h->at_maps = (uint8_t)(n & (cap - 1));
}
