/* SPDX-License-Identifier: MIT
 *
 * pipeline_settle.c - the end of a frame's way: into the ledger and its flow's tallies, or on hold
 * until its mapping, or the answer to it, has passed.
 */
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "peers.h"
#include "pipeline_inside.h"
#include "state.h"

/* ---- settling: the entry is final ---- */

static void count_extras(struct ledger_counters *n, const struct ledger_entry *e,
                         const struct subflow *sf, const struct classification *class)
{
	static const size_t ack_counters[] = {
		[ACK_ADVANCED] = offsetof(struct ledger_counters, ack_advanced_frames),
		[ACK_DATA_ONLY] = offsetof(struct ledger_counters, ack_data_only_frames),
		[ACK_WINDOW] = offsetof(struct ledger_counters, ack_window_frames),
		[ACK_DUPLICATE] = offsetof(struct ledger_counters, ack_duplicate_frames),
		[ACK_PROBE_ANSWER] = offsetof(struct ledger_counters, ack_probe_answer_frames),
	};

	if (class->kind == KIND_ACK && class->ack != ACK_NONE)
		++*(uint64_t *)(void *)((char *)n + ack_counters[class->ack]);
	n->keepalives_answered += class->answered;
	uint32_t fresh = e->payload[KIND_PAYLOAD];
	if (fresh) {
		if (!sf->mptcp)
			n->plain_tcp_bytes += fresh;
		else if (sf->fallback)
			n->tcp_fallback_bytes += fresh;
		else
			n->unmapped_bytes += class->unmapped;
	}
	n->same_subflow_dsn_bytes += class->same_subflow_dsn;
	n->dsn_collapsed_bytes += class->collapsed;
	if (e->kind < KIND_CARRYING)
		n->header_bytes += e->ip_bytes -
		                   (e->payload[0] + e->payload[1] + e->payload[2] + e->payload[3]);
}

void pipeline_settle(struct pipeline *p, struct subflow *sf, struct flow_tally *tally,
                     const struct ledger_entry *e, const struct classification *class)
{
	ledger_count(p->ledger, e);
	if (e->wan < LEDGER_WANS_MAX)
		count_extras(&p->ledger->wans[e->wan].counters, e, sf, class);
	connections_count(tally, e);
	peers_count(p->ledger, sf, tally, e);
}

/* A frame that waited is settled. */
void pipeline_settle_late(void *context, struct subflow *sf, struct pending *pending,
                          const struct classification *late)
{
	struct pipeline *p = context;
	struct ledger_entry *e = &pending->entry;
	struct flow_tally *tally = connections_tally(p->connections, sf, e->wan);

	e->file = pipeline_old_file(p, e->file);
	e->kind = (uint8_t)late->kind;
	memcpy(e->payload, late->payload, sizeof(e->payload));
	if (pending->forgotten)
		tally = NULL;
	else if (e->wan < LEDGER_WANS_MAX && pending->reason == PENDING_MAP)
		p->ledger->wans[e->wan].counters.late_map_bytes +=
			pending->end - pending->start - late->unmapped;
	if (tally)
		pipeline_settle(p, sf, tally, e, late);
	if (pending->sighting) {
		describe_settled(pending->sighting, e, late);
		p->options.settled(p->options.context, pending->sighting);
		free(pending->sighting);
	}
	free(pending);
}

void pipeline_give_up(void *context, struct subflow *sf, struct pending *pending)
{
	struct pipeline *p = context;
	struct classification late;

	if (p->suspended) { /* it lives on in the state */
		free(pending->sighting);
		free(pending);
		return;
	}
	classify_give_up(pending, &late);
	pipeline_settle_late(context, sf, pending, &late);
}

/* ---- telling ---- */

static void tell(struct pipeline *p, const struct passage *a, struct sighting *s)
{
	describe_frame(s, a->frame, &a->segment, &a->entry, p->order - 1, p->options.describe);
	if (a->entry.app < p->ledger->n_apps)
		s->app = p->ledger->apps[a->entry.app];
	if (!a->subflow)
		return;
	describe_subflow(s, a->subflow, a->connection, &a->class);
	if (p->options.describe)
		describe_options(&a->segment, s->options, sizeof(s->options));
}

void pipeline_tell(struct pipeline *p, const struct passage *a)
{
	struct sighting s;

	if (!p->options.settled)
		return;
	tell(p, a, &s);
	p->options.settled(p->options.context, &s);
}

static void evict_oldest(struct pipeline *p, struct subflow *sf, struct half *h)
{
	struct pending *oldest = h->pending;

	h->pending = oldest->next;
	h->n_pending--;
	if (oldest->entry.wan < LEDGER_WANS_MAX)
		p->ledger->wans[oldest->entry.wan].counters.pending_evicted_bytes +=
			oldest->end - oldest->start;
	pipeline_give_up(p, sf, oldest);
}

/* Keep the frame until its mapping, or the answer to it, has passed. False when there is no memory.
 */
bool pipeline_keep_waiting(struct pipeline *p, const struct passage *a)
{
	struct half *h = &a->subflow->half[a->dir];
	struct pending *waiting = malloc(sizeof(*waiting));

	if (!waiting)
		return false;
	if (h->n_pending == PENDING_MAX)
		evict_oldest(p, a->subflow, h);
	*waiting = (struct pending){
		.reason = a->class.reason,
		.start = a->class.start,
		.end = a->class.end,
		.entry = a->entry,
	};
	if (p->options.settled) {
		waiting->sighting = malloc(sizeof(*waiting->sighting));
		if (waiting->sighting)
			tell(p, a, waiting->sighting);
	}
	struct pending **link = &h->pending;
	while (*link)
		link = &(*link)->next;
	*link = waiting;
	h->n_pending++;
	return true;
}

/* ---- state ---- */

enum { REF_NONE, REF_TIME };

static const struct state_field entry_fields[] = {
	STATE_FIELD(ledger_entry, ts_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_entry, number, REF_NONE, UINT64_MAX),
	STATE_FIELD(ledger_entry, wan, REF_NONE, LEDGER_WANS_MAX - 1),
	STATE_FIELD(ledger_entry, file, REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, l2_bytes, REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, ip_bytes, REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, payload[0], REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, payload[1], REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, payload[2], REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, payload[3], REF_NONE, UINT32_MAX),
	STATE_FIELD(ledger_entry, direction, REF_NONE, DIR_COUNT - 1),
	STATE_FIELD(ledger_entry, kind, REF_NONE, KIND_COUNT - 1),
	STATE_FIELD(ledger_entry, traffic, REF_NONE, TRAFFIC_COUNT - 1),
	STATE_FIELD(ledger_entry, app, REF_NONE, LEDGER_APPS_MAX - 1),
	STATE_FIELD(ledger_entry, circumstance, REF_NONE, LEDGER_CIRCUMSTANCES_MAX - 1),
};

static const uint16_t entry_flags[] = {offsetof(struct ledger_entry, shared)};

/* What waits is TCP: its words are those of the frame, but for the label, which the ledger has. */
static const struct state_field sighting_fields[] = {
	STATE_FIELD(sighting, order, REF_NONE, UINT64_MAX),
	STATE_FIELD(sighting, payload_len, REF_NONE, UINT32_MAX),
	STATE_FIELD(sighting, tcp_flags, REF_NONE, UINT8_MAX),
	STATE_FIELD(sighting, seq, REF_NONE, UINT32_MAX),
	STATE_FIELD(sighting, ack, REF_NONE, UINT32_MAX),
	STATE_FIELD(sighting, window, REF_NONE, UINT32_MAX),
	STATE_FIELD(sighting, subflow, REF_NONE, UINT32_MAX),
};

static void save_sighting(const struct sighting *t, struct state_out *out)
{
	state_put_fields(out, t, sighting_fields, STATE_ROWS(sighting_fields), NULL);
	state_put_text(out, t->src);
	state_put_text(out, t->dst);
	state_put_text(out, t->connection);
	state_put_text(out, t->options);
}

static void load_sighting(struct sighting *t, const struct ledger *ledger,
                          const struct ledger_entry *e, struct state_in *in)
{
	*t = (struct sighting){.entry = *e, .proto = "tcp", .tcp = true, .app = ""};
	state_take_fields(in, t, sighting_fields, STATE_ROWS(sighting_fields), NULL);
	state_take_text(in, t->src, sizeof(t->src));
	state_take_text(in, t->dst, sizeof(t->dst));
	state_take_text(in, t->connection, sizeof(t->connection));
	state_take_text(in, t->options, sizeof(t->options));
	if (e->app < ledger->n_apps)
		t->app = ledger->apps[e->app];
}

static const uint16_t pending_flags[] = {offsetof(struct pending, forgotten)};

void pipeline_save_waiting(const struct subflow *sf, struct state_out *out,
                           uint32_t (*number)(void *context, uint32_t file), void *context)
{
	const uint64_t refs[] = {[REF_TIME] = sf->last_ns};

	for (unsigned dir = 0; dir < 2; dir++) {
		const struct half *h = &sf->half[dir];

		state_put(out, h->n_pending);
		for (const struct pending *w = h->pending; w; w = w->next) {
			struct ledger_entry entry = w->entry;

			entry.file = number(context, entry.file);
			state_put(out, w->reason);
			state_put_flags(out, w, pending_flags, STATE_ROWS(pending_flags));
			state_put_near(out, w->start, h->nxt);
			state_put_near(out, w->end, h->nxt);
			state_put_fields(out, &entry, entry_fields, STATE_ROWS(entry_fields), refs);
			state_put_flags(out, &entry, entry_flags, STATE_ROWS(entry_flags));
			state_put(out, w->sighting != NULL);
			if (w->sighting)
				save_sighting(w->sighting, out);
		}
	}
}

static bool entry_fits(const struct ledger *ledger, const struct ledger_entry *e)
{
	return e->wan < ledger->n_wans && (!e->app || e->app < ledger->n_apps) &&
	       (!e->circumstance || e->circumstance < ledger->n_circumstances);
}

/* Told only when frames are told now, too. False when there is no memory. */
static bool take_sighting(const struct pipeline *p, struct pending *w, struct state_in *in)
{
	struct sighting t;

	load_sighting(&t, p->ledger, &w->entry, in);
	if (!p->options.settled)
		return true;
	w->sighting = malloc(sizeof(t));
	if (w->sighting)
		*w->sighting = t;
	return w->sighting;
}

/* NULL when the state is damaged. */
static struct pending *take_waiting(const struct pipeline *p, const struct half *h,
                                    uint64_t last_ns, struct state_in *in,
                                    uint32_t (*number)(void *context, uint32_t file), void *context)
{
	const uint64_t refs[] = {[REF_TIME] = last_ns};
	struct pending w = {.reason = (enum pending_reason)state_take(in, PENDING_FIRST_ACK)};

	state_take_flags(in, &w, pending_flags, STATE_ROWS(pending_flags));
	w.start = state_take_near(in, h->nxt);
	w.end = state_take_near(in, h->nxt);
	state_take_fields(in, &w.entry, entry_fields, STATE_ROWS(entry_fields), refs);
	state_take_flags(in, &w.entry, entry_flags, STATE_ROWS(entry_flags));
	w.entry.file = number(context, w.entry.file);
	if (w.start > w.end || w.end - w.start > UINT32_MAX || !entry_fits(p->ledger, &w.entry))
		state_refuse(in);
	if (state_take(in, 1) && !take_sighting(p, &w, in))
		state_refuse(in);
	struct pending *waiting = in->damaged ? NULL : malloc(sizeof(*waiting));
	if (waiting) {
		*waiting = w;
		return waiting;
	}
	free(w.sighting);
	state_refuse(in);
	return NULL;
}

void pipeline_load_waiting(const struct pipeline *p, struct subflow *sf, struct state_in *in,
                           uint32_t (*number)(void *context, uint32_t file), void *context)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		struct half *h = &sf->half[dir];
		struct pending **link = &h->pending;

		for (size_t n = state_take_count(in, PENDING_MAX); n > 0; n--) {
			*link = take_waiting(p, h, sf->last_ns, in, number, context);
			if (!*link)
				break;
			link = &(*link)->next;
			h->n_pending++;
		}
	}
}
