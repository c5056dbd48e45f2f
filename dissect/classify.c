/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bytes.h"
#include "classify_inside.h"

#define POSITION_BASE (UINT64_C(1) << 32) /* so that bytes before the first one have a position */
#define ACK_JUMP_MAX                                                                               \
	(UINT64_C(1) << 30) /* an ack farther ahead than any window is not believed                \
	                     */

/* ---- mappings ---- */

/* Bytes of payload that a DSS maps: its length without the DATA_FIN. */
static uint32_t mapped_len(const struct dss *d)
{
	return d->flags & DSS_FIN && d->len > 0 ? d->len - 1u : d->len;
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
	mapping_keep(h, &m);
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
		classify_mapped(l);
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
	classify_payload(l);
	out->kind = zero_probe
	                    ? KIND_ZERO_WINDOW_PROBE
	                    : classify_most_of(out->payload,
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
			classify_payload(&l);
	} else {
		look_ordinary(&l);
	}
	learn(&l);
	if (out->infinite)
		sf->fallback = sf->infinite = c->fallback = true;
}
