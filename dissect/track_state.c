/* SPDX-License-Identifier: MIT
 *
 * track_state.c - the tracker as bytes, and back.
 *
 * Subflows come back to the places they had, so that the hand that lets old ones go passes them in
 * the same order. Lists and hash tables are built anew from what is checked.
 */
#include <stdlib.h>
#include <string.h>

#include "mapping.h"
#include "state.h"
#include "track_inside.h"

enum { MARK_TRACK = 'T', MARK_CONNECTION = 'C', MARK_TOKENS = 'K' };

/* What numbers are close to. */
enum { REF_NONE, REF_TIME, REF_NXT, REF_PEERS_NXT, REF_DSN, REF_PEERS_DSN, REF_COUNT };

/* ---- tables ---- */

static const struct state_field half_fields[] = {
	STATE_FIELD(half, ack, REF_PEERS_NXT, UINT64_MAX),
	STATE_FIELD(half, data_ack, REF_PEERS_DSN, UINT64_MAX),
	STATE_FIELD(half, last_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(half, carried_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(half, unanswered_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(half, window_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(half, probe_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(half, segments[0], REF_NONE, UINT32_MAX),
	STATE_FIELD(half, segments[1], REF_NONE, UINT32_MAX),
	STATE_FIELD(half, bad[0], REF_NONE, UINT32_MAX),
	STATE_FIELD(half, bad[1], REF_NONE, UINT32_MAX),
	STATE_FIELD(half, doubtful, REF_NONE, UINT32_MAX),
	STATE_FIELD(half, probes, REF_NONE, UINT8_MAX),
	STATE_FIELD(half, zero_probes, REF_NONE, UINT8_MAX),
	STATE_FIELD(half, window, REF_NONE, UINT16_MAX),
	STATE_FIELD(half, prev_ssn, REF_NONE, UINT32_MAX),
	STATE_FIELD(half, prev_end, REF_NXT, UINT64_MAX),
	STATE_FIELD(half, isn, REF_NXT, UINT64_MAX),
	STATE_FIELD(half, fin, REF_NXT, UINT64_MAX),
	STATE_FIELD(half, data_fin, REF_DSN, UINT64_MAX),
	STATE_FIELD(half, checksum.end, REF_NXT, UINT64_MAX),
	STATE_FIELD(half, checksum.next, REF_NXT, UINT64_MAX),
	STATE_FIELD(half, checksum.sum, REF_NONE, UINT64_MAX),
};

#define FLAG(type, member) offsetof(struct type, member)

static const uint16_t half_flags[] = {
	FLAG(half, seen),           FLAG(half, acked),
	FLAG(half, isn_known),      FLAG(half, syn),
	FLAG(half, fin_seen),       FLAG(half, zero_window),
	FLAG(half, join_ack),       FLAG(half, fin_open),
	FLAG(half, data_fin_open),  FLAG(half, fin_pair),
	FLAG(half, dss_seen),       FLAG(half, spoke),
	FLAG(half, prev_ssn_known), FLAG(half, checksum.odd),
};

static const struct state_field subflow_fields[] = {
	STATE_FIELD(subflow, last_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(subflow, first_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(subflow, heard_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(subflow, backup_ns[0], REF_TIME, UINT64_MAX),
	STATE_FIELD(subflow, backup_ns[1], REF_TIME, UINT64_MAX),
	STATE_FIELD(subflow, rtt_ns, REF_NONE, UINT64_MAX),
	STATE_FIELD(subflow, state, REF_NONE, SUBFLOW_CLOSED),
	STATE_FIELD(subflow, credit, REF_NONE, UINT8_MAX),
	STATE_FIELD(subflow, slot, REF_NONE, DSN_SLOTS - 1),
	STATE_FIELD(subflow, confidence, REF_NONE, CONF_COUNT - 1),
	STATE_FIELD(subflow, address_id[0], REF_NONE, UINT8_MAX),
	STATE_FIELD(subflow, address_id[1], REF_NONE, UINT8_MAX),
	STATE_FIELD(subflow, app, REF_NONE, LEDGER_APPS_MAX - 1),
	STATE_FIELD(subflow, mss, REF_NONE, UINT16_MAX),
	STATE_FIELD(subflow, nonce[0], REF_NONE, UINT32_MAX),
	STATE_FIELD(subflow, nonce[1], REF_NONE, UINT32_MAX),
	STATE_FIELD(subflow, number, REF_NONE, UINT32_MAX),
	STATE_FIELD(subflow, home, REF_NONE, LEDGER_WANS_MAX),
};

/* `rides` and `seats` are the short way's, which learns them anew. */
static const uint16_t subflow_flags[] = {
	FLAG(subflow, low_opens),
	FLAG(subflow, opener_known),
	FLAG(subflow, join),
	FLAG(subflow, initial),
	FLAG(subflow, mptcp),
	FLAG(subflow, local),
	FLAG(subflow, fallback),
	FLAG(subflow, infinite),
	FLAG(subflow, offered),
	FLAG(subflow, flip),
	FLAG(subflow, bound),
	FLAG(subflow, established),
	FLAG(subflow, reset),
	FLAG(subflow, refused),
	FLAG(subflow, evicted),
	FLAG(subflow, returned),
	FLAG(subflow, silent),
	FLAG(subflow, woken),
	FLAG(subflow, carried),
	FLAG(subflow, address_known[0]),
	FLAG(subflow, address_known[1]),
	FLAG(subflow, nonce_known[0]),
	FLAG(subflow, nonce_known[1]),
	FLAG(subflow, serviced),
};

static const struct state_field connection_fields[] = {
	STATE_FIELD(connection, first_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(connection, last_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(connection, confidence, REF_NONE, CONF_COUNT - 1),
	STATE_FIELD(connection, missed, REF_NONE, UINT64_MAX),
	STATE_FIELD(connection, slots, REF_NONE, (UINT64_C(1) << DSN_SLOTS) - 1),
	STATE_FIELD(connection, numbered, REF_NONE, UINT32_MAX),
};

static const uint16_t connection_flags[] = {
	FLAG(connection, live),         FLAG(connection, opener_known),
	FLAG(connection, fallback),     FLAG(connection, checksum),
	FLAG(connection, has_key[0]),   FLAG(connection, has_key[1]),
	FLAG(connection, has_token[0]), FLAG(connection, has_token[1]),
};

/* `dsn` goes before: the others are close to it. */
static const struct state_field stream_fields[] = {
	STATE_FIELD(data_stream, ack, REF_DSN, UINT64_MAX),
	STATE_FIELD(data_stream, ack_ahead_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(data_stream, fresh, REF_NONE, UINT64_MAX),
	STATE_FIELD(data_stream, copies, REF_NONE, UINT64_MAX),
	STATE_FIELD(data_stream, unique_bytes, REF_NONE, UINT64_MAX),
};

static const uint16_t stream_flags[] = {
	FLAG(data_stream, has_dsn),
	FLAG(data_stream, has_ack),
	FLAG(data_stream, wide),
	FLAG(data_stream, ack_wide),
};

/* ---- saving ---- */

/* What numbers of a half are told as distances from: the same when it is put and when it is taken.
 */
static void half_refs(const struct subflow *sf, const struct connection *c, unsigned dir,
                      const uint64_t *times, uint64_t refs[REF_COUNT])
{
	memset(refs, 0, REF_COUNT * sizeof(*refs));
	refs[REF_TIME] = times[REF_TIME];
	refs[REF_NXT] = sf->half[dir].nxt;
	refs[REF_PEERS_NXT] = sf->half[!dir].nxt;
	refs[REF_DSN] = c->stream[dir ^ sf->flip].dsn;
	refs[REF_PEERS_DSN] = c->stream[!(dir ^ sf->flip)].dsn;
}

static void save_half(const struct subflow *sf, const struct connection *c, unsigned dir,
                      const uint64_t *times, struct state_out *out)
{
	const struct half *h = &sf->half[dir];
	uint64_t refs[REF_COUNT];

	half_refs(sf, c, dir, times, refs);
	state_put_flags(out, h, half_flags, STATE_ROWS(half_flags));
	state_put_fields(out, h, half_fields, STATE_ROWS(half_fields), refs);
	seqset_save(&h->bytes, out, h->nxt);
	mappings_save(h, refs[REF_DSN], out);
}

static void save_key(const struct flow_key *k, struct state_out *out)
{
	state_put(out, k->family == 6);
	state_put(out, k->ports);
	for (unsigned i = 0; i < 4; i++)
		if (k->family == 6)
			state_put_bytes(out, &(uint64_t){__builtin_bswap64(k->addr[i])}, 8);
		else if (i % 2 == 0)
			state_put(out, k->addr[i]);
}

static void save_subflow(const struct subflow *sf, const struct connection *c, uint64_t seen_ns,
                         struct state_out *out)
{
	const uint64_t seen[REF_COUNT] = {[REF_TIME] = seen_ns};
	const uint64_t last[REF_COUNT] = {[REF_TIME] = sf->last_ns};

	state_put(out, sf->index);
	save_key(&sf->key, out);
	state_put_flags(out, sf, subflow_flags, STATE_ROWS(subflow_flags));
	state_put_fields(out, sf, subflow_fields, 1, seen);
	state_put_fields(out, sf, subflow_fields + 1, STATE_ROWS(subflow_fields) - 1, last);
	state_put(out, (uint64_t)((sf->backup[0] + 1) * 3 + sf->backup[1] + 1));
	state_put(out, sf->half[0].nxt);
	state_put(out, sf->half[1].nxt);
	save_half(sf, c, 0, last, out);
	save_half(sf, c, 1, last, out);
}

static void save_stream(const struct data_stream *s, const uint64_t *times, struct state_out *out)
{
	const uint64_t refs[REF_COUNT] = {[REF_TIME] = times[REF_TIME], [REF_DSN] = s->dsn};

	state_put_flags(out, s, stream_flags, STATE_ROWS(stream_flags));
	state_put(out, s->dsn);
	state_put_fields(out, s, stream_fields, STATE_ROWS(stream_fields), refs);
	dsnmap_save(&s->map, out, s->dsn);
}

static void save_connection(struct track *t, const struct connection *c, uint64_t seen_ns,
                            struct state_out *out)
{
	const uint64_t times[REF_COUNT] = {[REF_TIME] = seen_ns};

	state_put_mark(out, MARK_CONNECTION);
	state_put(out, c->index);
	state_put(out, c->id);
	state_put(out, (uint64_t)(c->version + 1));
	state_put_flags(out, c, connection_flags, STATE_ROWS(connection_flags));
	state_put_fields(out, c, connection_fields, STATE_ROWS(connection_fields), times);
	for (unsigned side = 0; side < 2; side++) {
		if (c->has_key[side])
			state_put_bytes(out, c->key[side], sizeof(c->key[side]));
		if (c->has_token[side])
			state_put(out, c->token[side]);
		save_stream(&c->stream[side], times, out);
	}
	track_near_save(c, out);
	state_put(out, c->n_subflows);
	for (uint32_t i = c->subflows; i != NO_INDEX; i = track_at(t, i)->next)
		save_subflow(track_at(t, i), c, seen_ns, out);
}

void track_save(struct track *t, struct state_out *out, uint64_t seen_ns)
{
	uint32_t used = 0, before = 0;

	for (uint32_t i = 0; i < t->high_connection; i++)
		used += track_connection_at(t, i)->in_use;
	state_put_mark(out, MARK_TRACK);
	for (int i = 0; i < 2; i++)
		state_put(out, t->seed[i]);
	state_put(out, t->high_subflow);
	state_put(out, t->hand);
	state_put(out, t->high_connection);
	state_put(out, used);
	for (uint32_t i = 0; i < t->high_connection; i++)
		if (track_connection_at(t, i)->in_use)
			save_connection(t, track_connection_at(t, i), seen_ns, out);
	for (uint32_t i = t->free_subflow; i != NO_INDEX; i = track_at(t, i)->next) {
		state_put_near(out, i + UINT64_C(1), before);
		before = i;
	}
	state_put_mark(out, MARK_TOKENS);
	track_tokens_save(t, out);
}

/* ---- loading ---- */

static void load_half(struct subflow *sf, const struct connection *c, unsigned dir,
                      const uint64_t *times, struct state_in *in)
{
	struct half *h = &sf->half[dir];
	uint64_t refs[REF_COUNT];

	half_refs(sf, c, dir, times, refs);
	state_take_flags(in, h, half_flags, STATE_ROWS(half_flags));
	state_take_fields(in, h, half_fields, STATE_ROWS(half_fields), refs);
	seqset_load(&h->bytes, in, h->nxt);
	mappings_load(h, refs[REF_DSN], in);
}

static void load_key(struct flow_key *k, struct state_in *in)
{
	k->family = state_take(in, 1) ? 6 : 4;
	k->ports = (uint32_t)state_take(in, UINT32_MAX);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t bytes[8];

		if (k->family == 6) {
			state_take_bytes(in, bytes, sizeof(bytes));
			k->addr[i] = be64(bytes);
		} else {
			k->addr[i] = i % 2 == 0 ? state_take(in, UINT32_MAX) : 0;
		}
	}
}

static void load_members(struct subflow *sf, const struct connection *c, uint64_t seen_ns,
                         struct state_in *in)
{
	const uint64_t seen[REF_COUNT] = {[REF_TIME] = seen_ns};
	uint64_t last[REF_COUNT] = {0};

	state_take_flags(in, sf, subflow_flags, STATE_ROWS(subflow_flags));
	state_take_fields(in, sf, subflow_fields, 1, seen);
	last[REF_TIME] = sf->last_ns;
	state_take_fields(in, sf, subflow_fields + 1, STATE_ROWS(subflow_fields) - 1, last);
	unsigned backup = (unsigned)state_take(in, 8);
	sf->backup[0] = (int8_t)((int)(backup / 3) - 1);
	sf->backup[1] = (int8_t)((int)(backup % 3) - 1);
	sf->half[0].nxt = state_take(in, UINT64_MAX);
	sf->half[1].nxt = state_take(in, UINT64_MAX);
	load_half(sf, c, 0, last, in);
	load_half(sf, c, 1, last, in);
}

/* Behind the others of its connection: they were saved in the order of the list. */
static void append(struct connection *c, struct subflow *sf, struct subflow *last)
{
	sf->in_use = true;
	sf->connection = c->index;
	sf->next = NO_INDEX;
	sf->prev = last ? last->index : NO_INDEX;
	if (last)
		last->next = sf->index;
	else
		c->subflows = sf->index;
	c->n_subflows++;
}

/* The subflow, or NULL: then the state is damaged and nothing of it is left. */
static struct subflow *load_subflow(struct track *t, struct connection *c, struct subflow *last,
                                    uint64_t seen_ns, struct state_in *in)
{
	uint64_t index = state_take(in, t->high_subflow ? t->high_subflow - 1 : 0);
	struct subflow *sf;

	if (in->damaged || index >= t->high_subflow || track_at(t, (uint32_t)index)->in_use) {
		state_refuse(in);
		return NULL;
	}
	sf = track_at(t, (uint32_t)index);
	load_key(&sf->key, in);
	load_members(sf, c, seen_ns, in);
	if (in->damaged || !track_place_key(t, sf)) {
		state_refuse(in);
		for (unsigned dir = 0; dir < 2; dir++) {
			seqset_release(&sf->half[dir].bytes);
			free(sf->half[dir].maps);
		}
		return NULL;
	}
	append(c, sf, last);
	return sf;
}

static void load_stream(struct track *t, struct data_stream *s, const uint64_t *times,
                        struct state_in *in)
{
	uint64_t refs[REF_COUNT] = {[REF_TIME] = times[REF_TIME]};

	state_take_flags(in, s, stream_flags, STATE_ROWS(stream_flags));
	s->dsn = refs[REF_DSN] = state_take(in, UINT64_MAX);
	state_take_fields(in, s, stream_fields, STATE_ROWS(stream_fields), refs);
	dsnmap_load(&s->map, &t->budget, in, s->dsn);
}

static void load_about(struct track *t, struct connection *c, uint64_t seen_ns, struct state_in *in)
{
	const uint64_t times[REF_COUNT] = {[REF_TIME] = seen_ns};

	c->id = state_take(in, UINT64_MAX);
	c->version = (int8_t)((int)state_take(in, 16) - 1); /* four bits on the wire */
	state_take_flags(in, c, connection_flags, STATE_ROWS(connection_flags));
	state_take_fields(in, c, connection_fields, STATE_ROWS(connection_fields), times);
	for (unsigned side = 0; side < 2; side++) {
		if (c->has_key[side])
			state_take_bytes(in, c->key[side], sizeof(c->key[side]));
		if (c->has_token[side])
			c->token[side] = (uint32_t)state_take(in, UINT32_MAX);
		load_stream(t, &c->stream[side], times, in);
	}
}

/* Returns false when nothing of it is left. */
static bool load_connection(struct track *t, uint64_t seen_ns, struct state_in *in)
{
	state_take_mark(in, MARK_CONNECTION);
	uint64_t index = state_take(in, UINT32_MAX);
	if (in->damaged || index >= t->high_connection ||
	    track_connection_at(t, (uint32_t)index)->in_use) {
		state_refuse(in);
		return false;
	}
	struct connection *c = track_connection_at(t, (uint32_t)index);
	load_about(t, c, seen_ns, in);
	track_near_load(t, c, in);
	size_t n = state_take_count(in, t->high_subflow);
	struct subflow *last = NULL;
	for (size_t i = 0; i < n && !in->damaged; i++)
		last = load_subflow(t, c, last, seen_ns, in);
	c->in_use = c->n_subflows > 0;
	if (c->in_use)
		return !in->damaged;
	state_refuse(in);
	track_near_remove(t, c);
	dsnmap_release(&c->stream[0].map, &t->budget);
	dsnmap_release(&c->stream[1].map, &t->budget);
	return false;
}

/* All places, free until somebody sits there. */
static bool load_places(struct track *t, uint32_t subflows, uint32_t connections)
{
	for (uint32_t i = 0; i < subflows; i++)
		if (!track_place_subflow(t, i))
			return false;
	t->high_subflow = subflows;
	for (uint32_t i = 0; i < connections; i++) {
		struct connection *c = track_place_connection(t);
		if (!c)
			return false;
		c->in_use = false;
	}
	return true;
}

static void load_free(struct track *t, struct state_in *in)
{
	uint32_t *link = &t->free_subflow, before = 0;

	for (uint32_t left = t->high_subflow - (uint32_t)t->used_slots; left > 0; left--) {
		uint64_t index = state_take_near(in, before) - 1;
		struct subflow *sf = index < t->high_subflow ? track_at(t, (uint32_t)index) : NULL;

		if (in->damaged || !sf || sf->in_use || sf->prev) {
			state_refuse(in);
			break;
		}
		*link = before = (uint32_t)index;
		sf->prev = 1; /* it is in the list already */
		link = &sf->next;
		*link = NO_INDEX;
	}
	for (uint32_t i = t->high_connection; i-- > 0;) {
		struct connection *c = track_connection_at(t, i);
		if (c->in_use)
			continue;
		c->subflows = t->free_connection;
		t->free_connection = i;
	}
}

void track_load(struct track *t, struct state_in *in, uint64_t seen_ns)
{
	state_take_mark(in, MARK_TRACK);
	for (int i = 0; i < 2; i++)
		t->seed[i] = state_take(in, UINT64_MAX);
	size_t subflows = state_take_count(in, t->max_subflows);
	uint32_t hand = (uint32_t)state_take(in, subflows ? subflows - 1 : 0);
	/* one more than subflows lives while the newest looks for its own */
	uint32_t connections = (uint32_t)state_take(in, (uint64_t)t->max_subflows + 1);
	size_t used = state_take_count(in, connections);

	if (in->damaged)
		return;
	if (!load_places(t, (uint32_t)subflows, connections)) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	t->hand = hand;
	while (used-- > 0 && load_connection(t, seen_ns, in))
		;
	load_free(t, in);
	state_take_mark(in, MARK_TOKENS);
	track_tokens_load(t, in);
}

/* ---- visits ---- */

void track_walk(struct track *t, void (*visit)(void *context, struct subflow *subflow),
                void *context)
{
	for (uint32_t i = 0; i < t->high_subflow; i++)
		if (track_at(t, i)->in_use)
			visit(context, track_at(t, i));
}

void track_walk_connections(struct track *t,
                            void (*visit)(void *context, struct connection *connection),
                            void *context)
{
	for (uint32_t i = 0; i < t->high_connection; i++)
		if (track_connection_at(t, i)->in_use)
			visit(context, track_connection_at(t, i));
}
