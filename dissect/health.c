/* SPDX-License-Identifier: MIT */
#include "health.h"

#include "state.h"

/* ---- what is kept per segment ---- */

void health_window_move(struct half *h, uint64_t ts_ns)
{
	if (ts_ns < h->window_ns + HEALTH_LOSS_WINDOW_NS)
		return;
	bool adjacent = ts_ns < h->window_ns + 2 * HEALTH_LOSS_WINDOW_NS;
	h->segments[1] = adjacent ? h->segments[0] : 0;
	h->bad[1] = adjacent ? h->bad[0] : 0;
	h->segments[0] = h->bad[0] = 0;
	h->window_ns = ts_ns;
}

static void measure_rtt(struct subflow *sf, uint64_t sample_ns)
{
	sf->rtt_ns = sf->rtt_ns ? sf->rtt_ns - sf->rtt_ns / 8 + sample_ns / 8 : sample_ns;
}

/* The peer `p` of the side that just spoke: is anything of it still unanswered? */
static void hear_answer(struct subflow *sf, const struct half *h, struct half *p, bool advanced,
                        uint64_t ts_ns)
{
	if (!p->unanswered_ns)
		return;
	if (!h->acked || h->ack >= p->nxt) {
		if (ts_ns > p->unanswered_ns)
			measure_rtt(sf, ts_ns - p->unanswered_ns);
		p->unanswered_ns = 0;
	} else if (advanced) {
		p->unanswered_ns = ts_ns; /* progress: the clock starts again */
	}
}

static inline void pass(struct subflow *sf, struct half *h, struct half *p, bool asks,
                        bool advanced, uint64_t ts_ns, bool inbound)
{
	hear_answer(sf, h, p, advanced, ts_ns);
	if (asks && !h->unanswered_ns)
		h->unanswered_ns = ts_ns;
	h->last_ns = ts_ns;
	if (!inbound)
		return;
	sf->heard_ns = ts_ns;
	if (p->doubtful) {
		/* the far end lives: what we sent twice was lost on the way to it */
		p->bad[0] += sf->silent ? 0 : p->doubtful;
		p->doubtful = 0;
	}
	if (sf->silent) {
		sf->silent = false;
		sf->returned = true;
	}
}

static void carry(struct subflow *sf, struct half *h, uint64_t ts_ns)
{
	h->carried_ns = ts_ns;
	sf->returned = false;
}

void health_pass(struct subflow *sf, struct half *h, struct half *p, bool carries, bool advanced,
                 uint64_t ts_ns, bool inbound)
{
	pass(sf, h, p, carries, advanced, ts_ns, inbound);
	if (!carries)
		return;
	h->segments[0]++;
	carry(sf, h, ts_ns);
}

void health_update(struct subflow *sf, unsigned dir, const struct segment *s,
                   const struct classification *result, uint64_t ts_ns, bool inbound)
{
	struct half *h = &sf->half[dir];
	bool asks = s->payload_len > 0 || s->flags & (TCP_SYN | TCP_FIN) ||
	            result->kind == KIND_KEEPALIVE || result->kind == KIND_ZERO_WINDOW_PROBE;

	pass(sf, h, &sf->half[!dir], asks, result->advanced, ts_ns, inbound);
	if (s->payload_len == 0 || result->kind == KIND_KEEPALIVE)
		return;
	health_window_move(h, ts_ns);
	h->segments[0]++;
	/* what v0's redundant scheduler sends twice on one subflow is its habit, not loss */
	if (result->payload[KIND_RETRANSMISSION] > result->same_subflow_dsn || result->out_of_order)
		++*(inbound ? &h->bad[0] : &h->doubtful);
	if (result->payload[KIND_PAYLOAD]) {
		carry(sf, h, ts_ns);
		sf->carried = true;
	}
}

/* ---- what is judged from it ---- */

enum health { HEALTH_UNKNOWN, HEALTH_SILENT, HEALTH_RETURNED, HEALTH_DEGRADED, HEALTH_GOOD };

static bool lossy(const struct half *h, uint64_t ts_ns)
{
	if (ts_ns > h->window_ns + 2 * HEALTH_LOSS_WINDOW_NS)
		return false;
	uint64_t segments = (uint64_t)h->segments[0] + h->segments[1];
	uint64_t bad = (uint64_t)h->bad[0] + h->bad[1];
	return segments >= HEALTH_LOSS_SEGMENTS && bad * 100 >= segments * HEALTH_LOSS_PERCENT;
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* Payload segments of the last 5 to 10 s. */
static uint64_t recent_segments(const struct half *h, uint64_t ts_ns)
{
	if (ts_ns > h->window_ns + 2 * HEALTH_LOSS_WINDOW_NS)
		return 0;
	return (uint64_t)h->segments[0] + h->segments[1];
}

/* How long an answer may take. */
static uint64_t patience_of(const struct subflow *sf)
{
	return 2 * sf->rtt_ns > HEALTH_FLOOR_NS ? 2 * sf->rtt_ns : HEALTH_FLOOR_NS;
}

/*
 * Data of the connection pass on `carrier` now. Is this subflow unanswered, or did it carry until
 * it fell silent? That our own side repeats itself meanwhile is no sound of it. Silence alone says
 * nothing of one that carried less than the carrier: a scheduler that likes the other one better
 * looks the same. Nor does it of one that has just returned.
 */
static bool fell_silent(const struct subflow *sf, const struct subflow *carrier, uint64_t ts_ns)
{
	uint64_t patience = patience_of(sf);

	for (unsigned d = 0; d < 2; d++) {
		const struct half *h = &sf->half[d], *p = &sf->half[!d];
		const struct half *now = &carrier->half[d ^ sf->flip ^ carrier->flip];
		if (h->unanswered_ns && since(h->unanswered_ns, ts_ns) > patience)
			return true;
		if (!sf->returned && h->carried_ns &&
		    since(h->carried_ns, ts_ns) < HEALTH_HEARD_NS &&
		    since(h->last_ns, ts_ns) > patience &&
		    (p->doubtful || since(p->last_ns, ts_ns) > patience) &&
		    recent_segments(h, ts_ns) >= recent_segments(now, ts_ns))
			return true;
	}
	return false;
}

/* What our own side sends is no sign of life. */
static bool heard_lately(const struct subflow *sf, uint64_t ts_ns)
{
	return sf->heard_ns && since(sf->heard_ns, ts_ns) <= HEALTH_HEARD_NS;
}

static enum health judge(struct subflow *sf, const struct subflow *carrier, uint64_t ts_ns)
{
	/* a subflow that ended in an outage does not end the outage: the next one on its WAN will
	 */
	if (sf->state == SUBFLOW_CLOSED)
		return sf->silent || sf->returned || (sf->reset && sf->carried) ? HEALTH_SILENT
		                                                                : HEALTH_UNKNOWN;
	if (sf->state != SUBFLOW_ESTABLISHED)
		return HEALTH_UNKNOWN;
	/* loss makes answers late: as long as it is heard, it is bad and not gone */
	if (heard_lately(sf, ts_ns) && (lossy(&sf->half[0], ts_ns) || lossy(&sf->half[1], ts_ns)))
		return HEALTH_DEGRADED;
	if (sf->silent || fell_silent(sf, carrier, ts_ns)) {
		sf->silent = true;
		return HEALTH_SILENT;
	}
	if (sf->returned)
		return HEALTH_RETURNED;
	return heard_lately(sf, ts_ns) ? HEALTH_GOOD : HEALTH_UNKNOWN;
}

/* ---- WANs on which the connection has nothing ---- */

#define HABIT_HALF_NS (60 * UINT64_C(1000000000))

static uint64_t habit(const struct hearing *hearing, uint32_t wan, uint64_t ts_ns)
{
	uint64_t halvings = since(hearing->gap_at_ns[wan], ts_ns) / HABIT_HALF_NS;

	return halvings < 64 ? hearing->gap_ns[wan] >> halvings : 0;
}

bool health_tell_outage(struct hearing *hearing, uint32_t wan, uint64_t until_ns, bool open)
{
	const struct vain *vain = &hearing->vain[wan];
	struct ledger_interruption row = {
		.kind = INTERRUPTION_OUTAGE,
		.direction = DIR_DOWN,
		.open = open,
		.wan = wan,
		.to = LEDGER_WANS_MAX,
		.from_ns = hearing->last_ns[wan],
		.to_ns = until_ns,
		.frame = {.file = LEDGER_FILES_MAX},
	};

	if (!health_data_in_vain(hearing, wan, until_ns)) {
		/* once the questions have ceased, nobody knows how long it lasted */
		bool ceased = until_ns > vain->last_ns + HEALTH_ASKED_NS;

		if (!vain->proved || vain->first_ns <= hearing->last_ns[wan])
			return false;
		row.from_ns = vain->first_ns;
		row.to_ns = ceased ? vain->last_ns : until_ns;
		row.open = open && !ceased;
		row.frame = vain->frame;
	}
	if (row.to_ns > row.from_ns)
		ledger_interrupted(hearing->ledger, &row);
	return true;
}

/* ---- questions ---- */

static bool another_heard(const struct hearing *hearing, uint32_t wan, uint64_t since_ns)
{
	for (uint32_t at = 0; at < hearing->ledger->n_wans; at++)
		if (at != wan && hearing->last_ns[at] > since_ns)
			return true;
	return false;
}

void health_ask(struct hearing *hearing, const struct ledger_entry *e, uint32_t host)
{
	struct vain *vain = &hearing->vain[e->wan];

	if (!vain->n || vain->first_ns <= hearing->last_ns[e->wan] ||
	    e->ts_ns > vain->last_ns + HEALTH_ASKED_NS) {
		/* after a long rest it begins anew: what was proved by then is told first */
		if (!health_data_in_vain(hearing, e->wan, e->ts_ns))
			health_tell_outage(hearing, e->wan, e->ts_ns, false);
		*vain = (struct vain){
			.first_ns = e->ts_ns,
			.last_ns = e->ts_ns,
			.n = 1,
			.host = (uint8_t)host,
			.frame = {e->ts_ns, e->number, e->file},
		};
		return;
	}
	if (vain->n >= HEALTH_VAIN && since(vain->first_ns, e->ts_ns) > HEALTH_HEARD_NS &&
	    (host != vain->host || another_heard(hearing, e->wan, vain->first_ns)))
		vain->proved = true;
	vain->last_ns = e->ts_ns > vain->last_ns ? e->ts_ns : vain->last_ns;
	vain->n += vain->n < UINT32_MAX;
}

void health_hear_after_gap(struct hearing *hearing, uint32_t wan, uint64_t ts_ns)
{
	uint64_t gap = since(hearing->last_ns[wan], ts_ns);

	if (ts_ns <= hearing->last_ns[wan])
		return; /* files of one WAN may overlap by a little */
	if (hearing->last_ns[wan] && gap > habit(hearing, wan, ts_ns)) {
		hearing->gap_ns[wan] = gap;
		hearing->gap_at_ns[wan] = ts_ns;
	}
	if (health_tell_outage(hearing, wan, ts_ns, false))
		hearing->back_ns[wan] = ts_ns;
	hearing->last_ns[wan] = ts_ns;
}

static bool wan_is_silent(const struct hearing *hearing, uint32_t wan, uint64_t ts_ns)
{
	uint64_t quiet = since(hearing->last_ns[wan], ts_ns);

	return hearing->last_ns[wan] && quiet > HEALTH_HEARD_NS &&
	       quiet / 3 > habit(hearing, wan, ts_ns);
}

/* A subflow is silent on a quiet WAN. The WAN is out when our side asked for something since it was
 * heard last: data that just stopped to flow may flow elsewhere by choice. */
static bool asked_in_vain(const struct hearing *hearing, const struct subflow *sf, uint64_t ts_ns)
{
	uint64_t heard_ns = hearing->last_ns[sf->home];

	for (unsigned d = 0; heard_ns && d < 2; d++) {
		const struct half *h = &sf->half[d];
		if (h->last_ns > sf->heard_ns && h->unanswered_ns >= heard_ns &&
		    since(h->unanswered_ns, ts_ns) > patience_of(sf))
			return true;
	}
	return false;
}

/* When new data passed on it last, either way. */
static uint64_t carried_ns(const struct subflow *sf)
{
	return sf->half[0].carried_ns > sf->half[1].carried_ns ? sf->half[0].carried_ns
	                                                       : sf->half[1].carried_ns;
}

static bool wan_is_out(const struct hearing *hearing, uint32_t wan, uint64_t ts_ns)
{
	return health_data_in_vain(hearing, wan, ts_ns) ||
	       health_asked_in_vain(hearing, wan, ts_ns);
}

/* Kernels hold 8 subflows at once; a crowd of joins is looked at no farther than this, newest
 * first. */
#define SUBFLOWS_MOST 64

/* By subflows: the best health on each WAN. Returns the WANs that have one. */
static uint64_t by_subflows(struct track *track, struct hearing *hearing,
                            const struct connection *c, const struct subflow *carrier, uint32_t wan,
                            uint64_t ts_ns, struct ledger_circumstance *masks)
{
	uint64_t *const into[] = {NULL, &masks->silent, &masks->returned, &masks->degraded,
	                          &masks->healthy};
	uint8_t best[LEDGER_WANS_MAX] = {0};
	uint64_t wans = 0;

	unsigned looked = 0;
	for (uint32_t i = c->subflows; i != NO_INDEX && looked++ < SUBFLOWS_MOST;
	     i = track_at(track, i)->next) {
		struct subflow *sf = track_at(track, i);
		if (!sf->tallies || sf->home == wan || sf->home >= LEDGER_WANS_MAX)
			continue;
		if (sf->state == SUBFLOW_ESTABLISHED &&
		    health_asked_in_vain(hearing, sf->home, ts_ns))
			sf->silent = true; /* it idles on a WAN that is out */
		enum health health = judge(sf, carrier, ts_ns);
		if (sf->silent && asked_in_vain(hearing, sf, ts_ns))
			hearing->out_ns[sf->home] = ts_ns;
		/* pings or others show that the WAN is back, which this subflow has not used */
		if (health == HEALTH_SILENT && hearing->back_ns[sf->home] > carried_ns(sf) &&
		    !wan_is_out(hearing, sf->home, ts_ns))
			health = HEALTH_RETURNED;
		wans |= UINT64_C(1) << sf->home;
		if (health > best[sf->home])
			best[sf->home] = (uint8_t)health;
	}
	uint64_t left = wans;
	for (uint32_t at = 0; left; at++, left >>= 1)
		if (left & 1 && into[best[at]])
			*into[best[at]] |= UINT64_C(1) << at;
	return wans;
}

void health_circumstance(struct track *track, struct hearing *hearing, struct connection *c,
                         const struct subflow *carrier, uint32_t wan, uint32_t n_wans,
                         uint64_t ts_ns, struct ledger_circumstance *masks)
{
	*masks = (struct ledger_circumstance){0};
	uint64_t present = by_subflows(track, hearing, c, carrier, wan, ts_ns, masks);
	for (uint32_t at = 0; at < n_wans; at++) {
		uint64_t bit = UINT64_C(1) << at;
		if (at == wan || present & bit)
			continue;
		if (wan_is_silent(hearing, at, ts_ns)) {
			c->missed |= bit;
			masks->silent |= bit;
			hearing->out_ns[at] = ts_ns;
		} else if (health_asked_in_vain(hearing, at, ts_ns)) {
			c->missed |= bit;
			masks->silent |= bit;
		} else if (c->missed & bit) {
			masks->returned |= bit;
		}
	}
}

/* ---- state ---- */

enum { MARK_HEARING = 'H' };

static const struct state_field vain_fields[] = {
	STATE_FIELD(vain, first_ns, 1, UINT64_MAX),
	STATE_FIELD(vain, last_ns, 1, UINT64_MAX),
	STATE_FIELD(vain, n, 0, UINT32_MAX),
	STATE_FIELD(vain, host, 0, UINT8_MAX),
	STATE_FIELD(vain, frame.ts_ns, 1, UINT64_MAX),
	STATE_FIELD(vain, frame.number, 0, UINT64_MAX),
	STATE_FIELD(vain, frame.file, 0, UINT32_MAX),
};
static const uint16_t vain_flags[] = {offsetof(struct vain, proved)};

/* Questions that were answered are none in vain any more. */
static void save_vain(const struct hearing *hearing, size_t wan, struct state_out *out,
                      uint64_t seen_ns, uint32_t (*number)(void *context, uint32_t file),
                      void *context)
{
	const uint64_t refs[] = {0, seen_ns};
	struct vain vain = hearing->vain[wan];
	bool open = vain.n && vain.first_ns > hearing->last_ns[wan];

	state_put(out, open);
	if (!open)
		return;
	vain.frame.file = number(context, vain.frame.file);
	state_put_fields(out, &vain, vain_fields, STATE_ROWS(vain_fields), refs);
	state_put_flags(out, &vain, vain_flags, STATE_ROWS(vain_flags));
}

static void load_vain(struct vain *vain, struct state_in *in, uint64_t seen_ns,
                      uint32_t (*number)(void *context, uint32_t file), void *context)
{
	const uint64_t refs[] = {0, seen_ns};

	if (!state_take(in, 1))
		return;
	state_take_fields(in, vain, vain_fields, STATE_ROWS(vain_fields), refs);
	state_take_flags(in, vain, vain_flags, STATE_ROWS(vain_flags));
	if (vain->first_ns > vain->last_ns)
		state_refuse(in);
	vain->frame.file = number(context, vain->frame.file);
}

void health_save(const struct hearing *hearing, size_t n_wans, struct state_out *out,
                 uint64_t seen_ns, uint32_t (*number)(void *context, uint32_t file), void *context)
{
	state_put_mark(out, MARK_HEARING);
	for (size_t i = 0; i < n_wans; i++) {
		state_put_near(out, hearing->last_ns[i], seen_ns);
		state_put_near(out, hearing->out_ns[i], seen_ns);
		state_put_near(out, hearing->left_ns[i], seen_ns);
		state_put_near(out, hearing->back_ns[i], seen_ns);
		state_put(out, hearing->gap_ns[i]);
		state_put_near(out, hearing->gap_at_ns[i], seen_ns);
		save_vain(hearing, i, out, seen_ns, number, context);
	}
}

void health_load(struct hearing *hearing, size_t n_wans, struct state_in *in, uint64_t seen_ns,
                 uint32_t (*number)(void *context, uint32_t file), void *context)
{
	state_take_mark(in, MARK_HEARING);
	for (size_t i = 0; i < n_wans && !in->damaged; i++) {
		hearing->last_ns[i] = state_take_near(in, seen_ns);
		hearing->out_ns[i] = state_take_near(in, seen_ns);
		hearing->left_ns[i] = state_take_near(in, seen_ns);
		hearing->back_ns[i] = state_take_near(in, seen_ns);
		hearing->gap_ns[i] = state_take(in, UINT64_MAX);
		hearing->gap_at_ns[i] = state_take_near(in, seen_ns);
		load_vain(&hearing->vain[i], in, seen_ns, number, context);
	}
}
