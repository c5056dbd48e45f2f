/* SPDX-License-Identifier: MIT */
#include "connections.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

enum {
	CHUNK = 128,     /* tallies per allocation: those of subflows seen on a second WAN */
	ROWS_MAX = 1024, /* subflow rows of one connection; of more only the sums are kept */
};

struct chunk {
	struct chunk *next;
	struct flow_tally tallies[CHUNK];
};

struct connections {
	struct chunk *chunks;
	struct flow_tally *free;
	struct ledger_connection *rows; /* by the tracker's index of the connection */
	size_t n_rows;
};

struct connections *connections_new(void)
{
	return calloc(1, sizeof(struct connections));
}

void connections_free(struct connections *cs)
{
	if (!cs)
		return;
	while (cs->chunks) {
		struct chunk *chunk = cs->chunks;
		cs->chunks = chunk->next;
		free(chunk);
	}
	for (size_t i = 0; i < cs->n_rows; i++)
		free(cs->rows[i].subflows);
	free(cs->rows);
	free(cs);
}

/* ---- tallies ---- */

static struct flow_tally *tally_take(struct connections *cs)
{
	if (!cs->free) {
		struct chunk *chunk = malloc(sizeof(*chunk));
		if (!chunk)
			return NULL;
		chunk->next = cs->chunks;
		cs->chunks = chunk;
		for (int i = CHUNK - 1; i >= 0; i--) {
			chunk->tallies[i].next = cs->free;
			cs->free = &chunk->tallies[i];
		}
	}
	struct flow_tally *t = cs->free;
	cs->free = t->next;
	return t;
}

static void tally_put(struct connections *cs, struct flow_tally *t)
{
	t->next = cs->free;
	cs->free = t;
}

struct flow_tally *connections_tally_slow(struct connections *cs, struct subflow *sf, uint32_t wan)
{
	struct flow_tally **link = &sf->tallies, *t;

	while (*link && (*link)->wan != wan)
		link = &(*link)->next;
	t = *link;
	if (!sf->tallies)
		sf->home = wan;
	if (t) {
		*link = t->next;
	} else {
		t = sf->tallies ? tally_take(cs) : &sf->tally;
		if (!t)
			return NULL;
		/* sums need no clearing: `used` says what is valid */
		t->wan = wan;
		t->used = 0;
		t->more = NULL;
		t->n_shares = 0;
		t->direction[0] = t->direction[1] = DIR_UNKNOWN;
		t->circumstance = 0;
		t->circumstance_until_ns = 0;
		t->peer = 0;
		t->peer_end = 2;
		t->first_ns = t->last_ns = 0;
	}
	t->next = sf->tallies;
	sf->tallies = t;
	return t;
}

/* The sum of a kind that is used. */
static struct tally *sum_of(const struct flow_tally *t, unsigned kind)
{
	unsigned at = t->place[kind];

	return at < TALLY_SUMS ? (struct tally *)&t->sums[at] : &t->more[at - TALLY_SUMS];
}

/* The sum of a kind, begun when it is new. NULL when memory ran out. */
static struct tally *kind_of(struct flow_tally *t, unsigned kind)
{
	if (t->used & 1u << kind)
		return sum_of(t, kind);
	unsigned at = (unsigned)__builtin_popcount(t->used);
	if (at >= TALLY_SUMS && !t->more)
		t->more = malloc((KIND_COUNT - TALLY_SUMS) * sizeof(*t->more));
	if (at >= TALLY_SUMS && !t->more)
		return NULL;
	t->used |= (uint16_t)(1u << kind);
	t->place[kind] = (uint8_t)at;
	struct tally *sum = sum_of(t, kind);
	*sum = (struct tally){0};
	return sum;
}

static void add(struct tally *to, const struct tally *sum)
{
	to->frames += sum->frames;
	to->l2_bytes += sum->l2_bytes;
	to->ip_bytes += sum->ip_bytes;
	to->payload_bytes += sum->payload_bytes;
}

/* Carrying frames under one circumstance. What does not fit goes to "nothing known". */
static void share(struct flow_tally *t, uint16_t circumstance, const struct tally *sum)
{
	unsigned i = 0;

	while (i < t->n_shares && t->shares[i].circumstance != circumstance)
		i++;
	if (i == LEDGER_SHARES) {
		i = LEDGER_SHARES - 1;
		t->shares[i].circumstance = 0;
	} else if (i == t->n_shares) {
		t->shares[i] = (struct ledger_subflow_share){.circumstance = circumstance};
		t->n_shares++;
	}
	add(&t->shares[i].sum, sum);
}

static void stretch(struct flow_tally *t, uint64_t first_ns, uint64_t last_ns)
{
	if (!t->first_ns || first_ns < t->first_ns)
		t->first_ns = first_ns;
	if (last_ns > t->last_ns)
		t->last_ns = last_ns;
}

void connections_count(struct flow_tally *t, const struct ledger_entry *e)
{
	struct tally *sum = kind_of(t, e->kind);
	uint32_t carried = e->payload[0] + e->payload[1] + e->payload[2] + e->payload[3];

	if (!sum)
		return;
	sum->frames++;
	sum->l2_bytes += e->l2_bytes;
	sum->ip_bytes += e->ip_bytes;
	stretch(t, e->ts_ns, e->ts_ns);
	if (!carried)
		return;
	for (unsigned k = 0; k < KIND_CARRYING; k++)
		if (e->payload[k] && (sum = kind_of(t, k)))
			sum->payload_bytes += e->payload[k];
	if (e->kind < KIND_CARRYING)
		share(t, e->circumstance, &(struct tally){1, e->l2_bytes, e->ip_bytes, carried});
}

void connections_count_run(struct flow_tally *t, const struct ledger_run *run)
{
	struct tally *sum = run->sum.frames ? kind_of(t, run->key.kind) : NULL;

	if (!sum)
		return;
	add(sum, &run->sum);
	stretch(t, run->first_ns, run->last_ns);
	if (run->key.kind < KIND_CARRYING)
		share(t, run->key.circumstance, &run->sum);
}

/* ---- rows ---- */

static struct ledger_connection *row_of(struct connections *cs, uint32_t index)
{
	if (index == NO_INDEX)
		return NULL;
	if (index >= cs->n_rows) {
		size_t n = cs->n_rows ? cs->n_rows * 2 : 64;
		while (n <= index)
			n *= 2;
		struct ledger_connection *rows = realloc(cs->rows, n * sizeof(*rows));
		if (!rows)
			return NULL;
		memset(rows + cs->n_rows, 0, (n - cs->n_rows) * sizeof(*rows));
		cs->rows = rows;
		cs->n_rows = n;
	}
	return &cs->rows[index];
}

static struct ledger_subflow *subflow_row(struct ledger_connection *row)
{
	if (row->n_subflows == row->cap_subflows) {
		size_t cap = row->cap_subflows ? row->cap_subflows * 2 : 1;
		struct ledger_subflow *subflows =
			cap <= ROWS_MAX ? realloc(row->subflows, cap * sizeof(*subflows)) : NULL;
		if (!subflows)
			return NULL;
		row->subflows = subflows;
		row->cap_subflows = cap;
	}
	struct ledger_subflow *s = &row->subflows[row->n_subflows++];
	memset(s, 0, sizeof(*s));
	return s;
}

/* Which re-use of its 4-tuple in this connection is it? */
static uint32_t reuse_of(const struct ledger_connection *row, const struct ledger_subflow *s)
{
	uint32_t reuse = 0;

	for (size_t i = 0; i + 1 < row->n_subflows; i++) {
		const struct ledger_subflow *o = &row->subflows[i];
		if (o->wan == s->wan && strcmp(o->client, s->client) == 0 &&
		    strcmp(o->server, s->server) == 0 && o->reuse >= reuse)
			reuse = o->reuse + 1;
	}
	return reuse;
}

/* What fell back or never offered MPTCP is plain TCP, however well its keys are known. */
static enum confidence confidence_of(const struct subflow *sf)
{
	if (sf->mptcp)
		return sf->fallback && !sf->infinite ? CONF_PLAIN : (enum confidence)sf->confidence;
	return sf->opener_known ? CONF_PLAIN : CONF_ORPHAN;
}

static void fill_row(struct ledger *ledger, struct ledger_subflow *s, const struct subflow *sf,
                     const struct flow_tally *t)
{
	s->wan = t->wan;
	track_endpoint(sf, 0, s->client);
	track_endpoint(sf, 1, s->server);
	s->initial = sf->initial;
	s->backup_client = sf->backup[0];
	s->backup_server = sf->backup[1];
	s->backup_client_ns = sf->backup_ns[0];
	s->backup_server_ns = sf->backup_ns[1];
	s->confidence = (uint8_t)confidence_of(sf);
	s->established = sf->established || !sf->opener_known;
	s->first_ns = t->first_ns;
	s->last_ns = t->last_ns;
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (t->used & 1u << k)
			s->kinds[k] = *sum_of(t, k);
	for (unsigned i = 0; i < t->n_shares; i++)
		ledger_share(ledger, s, t->shares[i].circumstance, &t->shares[i].sum);
}

static bool opens_or_closes(unsigned kind)
{
	return kind == KIND_HANDSHAKE || kind == KIND_SIGNAL || kind == KIND_TEARDOWN ||
	       kind == KIND_RESET;
}

static void add_standby(struct ledger *ledger, uint32_t wan, uint64_t ip_bytes,
                        uint64_t opening_ip_bytes)
{
	struct ledger_counters *c = &ledger->wans[wan].counters;

	c->standby_connections++;
	c->standby_ip_bytes += ip_bytes;
	c->standby_opening_ip_bytes += opening_ip_bytes;
}

static void count_wan(struct ledger *ledger, const struct subflow *sf, const struct flow_tally *t)
{
	struct ledger_counters *n = &ledger->wans[t->wan].counters;
	uint64_t *const by_confidence[CONF_COUNT] = {
		[CONF_KEY] = &n->confidence_key_l2_bytes,
		[CONF_TOKEN] = &n->confidence_token_l2_bytes,
		[CONF_DSN] = &n->confidence_dsn_l2_bytes,
		[CONF_PLAIN] = &n->confidence_plain_l2_bytes,
		[CONF_ORPHAN] = &n->confidence_orphan_l2_bytes,
	};

	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (t->used & 1u << k)
			*by_confidence[confidence_of(sf)] += sum_of(t, k)->l2_bytes;
	n->initial_subflows += sf->initial;
	n->joined_subflows += sf->join;
	n->subflows_evicted += sf->evicted;
}

static bool ever_mptcp(const struct connection *c)
{
	return c->version >= 0 || c->confidence <= CONF_DSN;
}

/* A flood has one subflow in each connection and none that matters: no texts and rows for those. */
static bool pass_by(struct ledger *ledger, struct subflow *sf, const struct connection *c)
{
	struct flow_tally *t = sf->tallies;
	struct tally sum = {0}, opening = {0};

	if (c->numbered != 1 || !t || t->next || !t->used || t->wan >= LEDGER_WANS_MAX)
		return false;
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (t->used & 1u << k) {
			add(&sum, sum_of(t, k));
			if (opens_or_closes(k))
				add(&opening, sum_of(t, k));
		}
	if (!ledger_pass_connection(ledger, c->id, t->wan, &sum))
		return false;
	count_wan(ledger, sf, t);
	bool carried = t->used & 1u << KIND_PAYLOAD && sum_of(t, KIND_PAYLOAD)->payload_bytes;
	if (ever_mptcp(c) && !sf->initial && !carried)
		add_standby(ledger, t->wan, sum.ip_bytes, opening.ip_bytes);
	free(t->more);
	sf->tallies = NULL;
	return true;
}

/* A row too many for its connection: its sums are among those that were not kept. */
static void count_rest(struct ledger *ledger, const struct flow_tally *t)
{
	ledger->rest.subflows++;
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (t->used & 1u << k)
			add(&ledger->rest.wans[t->wan], sum_of(t, k));
}

void connections_leave(struct connections *cs, struct ledger *ledger, struct subflow *sf,
                       struct connection *c)
{
	if (pass_by(ledger, sf, c))
		return;
	struct ledger_connection *row = row_of(cs, c->index);
	c->has_row = row != NULL;

	while (sf->tallies) {
		struct flow_tally *t = sf->tallies;
		sf->tallies = t->next;
		if (t->used && t->wan < LEDGER_WANS_MAX) {
			struct ledger_subflow *s = row ? subflow_row(row) : NULL;
			if (s) {
				fill_row(ledger, s, sf, t);
				s->reuse = reuse_of(row, s);
			} else {
				count_rest(ledger, t);
			}
			count_wan(ledger, sf, t);
		}
		free(t->more);
		if (t != &sf->tally)
			tally_put(cs, t);
	}
	if (!row || row->first_ns)
		return;
	row->first_ns = sf->first_ns;
	row->app = sf->app;
}

void connections_forget_subflow(struct subflow *sf)
{
	for (struct flow_tally *t = sf->tallies; t; t = t->next) {
		t->used = 0;
		t->n_shares = 0;
		t->first_ns = t->last_ns = 0;
	}
}

void connections_forget_rows(struct connections *cs)
{
	for (size_t i = 0; i < cs->n_rows; i++) {
		free(cs->rows[i].subflows);
		cs->rows[i] = (struct ledger_connection){0};
	}
}

/* Standby: joined on this WAN, and not one first-seen byte on it. */
static void count_standby(struct ledger *ledger, const struct ledger_connection *row)
{
	uint64_t payload[LEDGER_WANS_MAX] = {0}, ip[LEDGER_WANS_MAX] = {0},
		 opening[LEDGER_WANS_MAX] = {0}, joined = 0, opened = 0;

	for (size_t i = 0; i < row->n_subflows; i++) {
		const struct ledger_subflow *s = &row->subflows[i];
		*(s->initial ? &opened : &joined) |= UINT64_C(1) << s->wan;
		payload[s->wan] += s->kinds[KIND_PAYLOAD].payload_bytes;
		for (unsigned k = 0; k < KIND_COUNT; k++) {
			ip[s->wan] += s->kinds[k].ip_bytes;
			opening[s->wan] += opens_or_closes(k) ? s->kinds[k].ip_bytes : 0;
		}
	}
	for (unsigned w = 0; w < ledger->n_wans; w++) {
		if (!(joined & ~opened & UINT64_C(1) << w) || payload[w])
			continue;
		add_standby(ledger, w, ip[w], opening[w]);
	}
}

/* The row's ends are those of the subflow that opened it, or of the first one seen. */
static void name_ends(struct ledger_connection *row)
{
	const struct ledger_subflow *first = &row->subflows[0];

	for (size_t i = 1; i < row->n_subflows; i++) {
		const struct ledger_subflow *s = &row->subflows[i];
		if (s->initial != first->initial ? s->initial : s->first_ns < first->first_ns)
			first = s;
	}
	memcpy(row->client, first->client, sizeof(row->client));
	memcpy(row->server, first->server, sizeof(row->server));
}

void connections_close(struct connections *cs, struct ledger *ledger, const struct connection *c)
{
	struct ledger_connection *row = c->has_row ? row_of(cs, c->index) : NULL;

	if (!row || row->n_subflows == 0)
		return;
	snprintf(row->id, sizeof(row->id), "%016" PRIx64, c->id);
	row->version = c->version;
	row->fallback = c->fallback;
	row->confidence = CONF_ORPHAN;
	row->unique_bytes[0] = c->stream[0].unique_bytes;
	row->unique_bytes[1] = c->stream[1].unique_bytes;
	row->first_ns = UINT64_MAX;
	row->last_ns = 0;
	for (size_t i = 0; i < row->n_subflows; i++) {
		if (row->subflows[i].first_ns < row->first_ns)
			row->first_ns = row->subflows[i].first_ns;
		if (row->subflows[i].last_ns > row->last_ns)
			row->last_ns = row->subflows[i].last_ns;
		if (row->subflows[i].confidence < row->confidence)
			row->confidence = row->subflows[i].confidence;
	}
	name_ends(row);
	if (ever_mptcp(c))
		count_standby(ledger, row);
	ledger_take_connection(ledger, row);
	memset(row, 0, sizeof(*row));
}

/* ---- state ---- */

enum { MARK_TALLIES = 'F', MARK_ROWS = 'R' };

void connections_drop(struct connections *cs, struct subflow *sf)
{
	while (sf->tallies) {
		struct flow_tally *t = sf->tallies;
		sf->tallies = t->next;
		free(t->more);
		if (t != &sf->tally)
			tally_put(cs, t);
	}
}

/* IP bytes are mostly those of the frames without their Ethernet headers. */
static void save_sum(const struct tally *sum, struct state_out *out)
{
	state_put(out, sum->frames);
	state_put(out, sum->l2_bytes);
	state_put_near(out, sum->ip_bytes, sum->l2_bytes - 14 * sum->frames);
	state_put(out, sum->payload_bytes);
}

#define SUM_MOST (UINT64_C(1) << 60) /* as in a ledger that is loaded */

static void load_sum(struct tally *sum, struct state_in *in)
{
	sum->frames = state_take(in, SUM_MOST);
	sum->l2_bytes = state_take(in, SUM_MOST);
	sum->ip_bytes = state_take_near(in, sum->l2_bytes - 14 * sum->frames);
	sum->payload_bytes = state_take(in, SUM_MOST);
	if (sum->ip_bytes > SUM_MOST)
		state_refuse(in);
}

static void save_share(const struct ledger_subflow_share *share, struct state_out *out)
{
	state_put(out, share->circumstance);
	save_sum(&share->sum, out);
}

/* An index below `n`; 0 always is one. */
static uint16_t load_index(struct state_in *in, size_t n)
{
	return (uint16_t)state_take(in, n ? n - 1 : 0);
}

static void load_share(struct ledger_subflow_share *share, size_t n_circumstances,
                       struct state_in *in)
{
	share->circumstance = load_index(in, n_circumstances);
	load_sum(&share->sum, in);
}

static void save_tally(const struct flow_tally *t, uint64_t seen_ns, struct state_out *out)
{
	state_put(out, t->wan);
	state_put(out, t->used);
	state_put(out, t->n_shares);
	state_put(out, (uint64_t)t->direction[0] * DIR_COUNT + t->direction[1]);
	state_put(out, t->peer_end);
	state_put(out, t->circumstance);
	state_put_near(out, t->circumstance_until_ns, seen_ns);
	state_put_near(out, t->first_ns, seen_ns);
	state_put_near(out, t->last_ns, seen_ns);
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (t->used & 1u << k)
			save_sum(sum_of(t, k), out);
	for (unsigned i = 0; i < t->n_shares; i++)
		save_share(&t->shares[i], out);
}

struct loading {
	struct connections *connections;
	const struct connections_bounds *bounds;
	struct state_in *in;
};

static void load_sums(struct flow_tally *t, uint16_t used, struct state_in *in)
{
	for (unsigned k = 0; k < KIND_COUNT; k++) {
		struct tally *sum = used & 1u << k ? kind_of(t, k) : NULL;

		if (sum)
			load_sum(sum, in);
		else if (used & 1u << k)
			state_refuse(in);
	}
}

static void load_tally(const struct loading *l, struct subflow *sf)
{
	struct state_in *in = l->in;
	uint32_t wan = (uint32_t)state_take(in, LEDGER_WANS_MAX - 1), home = sf->home;

	if (in->damaged || wan >= l->bounds->wans) {
		state_refuse(in);
		return;
	}
	for (const struct flow_tally *t = sf->tallies; t; t = t->next)
		if (t->wan == wan)
			state_refuse(in);
	struct flow_tally *t = connections_tally_slow(l->connections, sf, wan);
	sf->home = home;
	if (!t) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	uint16_t used = (uint16_t)state_take(in, (1u << KIND_COUNT) - 1);
	uint8_t shares = (uint8_t)state_take(in, LEDGER_SHARES);
	unsigned directions = (unsigned)state_take(in, DIR_COUNT * DIR_COUNT - 1);
	t->direction[0] = (uint8_t)(directions / DIR_COUNT);
	t->direction[1] = (uint8_t)(directions % DIR_COUNT);
	t->peer_end = (uint8_t)state_take(in, 2);
	t->circumstance = load_index(in, l->bounds->circumstances);
	t->circumstance_until_ns = state_take_near(in, sf->last_ns);
	t->first_ns = state_take_near(in, sf->last_ns);
	t->last_ns = state_take_near(in, sf->last_ns);
	load_sums(t, used, in);
	for (unsigned i = 0; i < shares; i++)
		load_share(&t->shares[i], l->bounds->circumstances, in);
	t->n_shares = shares;
}

/* From the last to the first: each one that is loaded becomes the first. */
static void save_tallies(const struct flow_tally *t, uint64_t seen_ns, struct state_out *out)
{
	if (!t)
		return;
	save_tallies(t->next, seen_ns, out);
	save_tally(t, seen_ns, out);
}

static void save_flow(void *context, struct subflow *sf)
{
	unsigned n = 0;

	for (const struct flow_tally *t = sf->tallies; t; t = t->next)
		n++;
	state_put(context, n);
	save_tallies(sf->tallies, sf->last_ns, context);
}

static void load_flow(void *context, struct subflow *sf)
{
	const struct loading *l = context;
	size_t n = state_take_count(l->in, LEDGER_WANS_MAX);

	if (sf->app && sf->app >= l->bounds->apps)
		state_refuse(l->in);
	if (sf->home >= l->bounds->wans)
		state_refuse(l->in);
	while (n-- > 0 && !l->in->damaged)
		load_tally(l, sf);
}

/* ---- rows ---- */

enum { ROW_NONE, ROW_TIME };

static const struct state_field row_fields[] = {
	STATE_FIELD(ledger_subflow, wan, ROW_NONE, LEDGER_WANS_MAX - 1),
	STATE_FIELD(ledger_subflow, reuse, ROW_NONE, UINT32_MAX),
	STATE_FIELD(ledger_subflow, confidence, ROW_NONE, CONF_COUNT - 1),
	STATE_FIELD(ledger_subflow, backup_client_ns, ROW_TIME, UINT64_MAX),
	STATE_FIELD(ledger_subflow, backup_server_ns, ROW_TIME, UINT64_MAX),
	STATE_FIELD(ledger_subflow, first_ns, ROW_TIME, UINT64_MAX),
	STATE_FIELD(ledger_subflow, last_ns, ROW_TIME, UINT64_MAX),
};

static const uint16_t row_flags[] = {
	offsetof(struct ledger_subflow, initial),
	offsetof(struct ledger_subflow, established),
};

static void save_row(const struct ledger_subflow *s, uint64_t seen_ns, struct state_out *out)
{
	const uint64_t refs[] = {[ROW_TIME] = seen_ns};
	unsigned used = 0;

	state_put_fields(out, s, row_fields, STATE_ROWS(row_fields), refs);
	state_put_flags(out, s, row_flags, STATE_ROWS(row_flags));
	state_put(out, (uint64_t)((s->backup_client + 1) * 3 + s->backup_server + 1));
	state_put_text(out, s->client);
	state_put_text(out, s->server);
	for (unsigned k = 0; k < KIND_COUNT; k++)
		used |= (unsigned)(s->kinds[k].frames || s->kinds[k].payload_bytes) << k;
	state_put(out, used);
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (used & 1u << k)
			save_sum(&s->kinds[k], out);
	state_put(out, s->n_shares);
	for (unsigned i = 0; i < s->n_shares; i++)
		save_share(&s->shares[i], out);
}

static void load_row(const struct loading *l, struct ledger_subflow *s, uint64_t seen_ns)
{
	const uint64_t refs[] = {[ROW_TIME] = seen_ns};
	struct state_in *in = l->in;

	state_take_fields(in, s, row_fields, STATE_ROWS(row_fields), refs);
	state_take_flags(in, s, row_flags, STATE_ROWS(row_flags));
	unsigned backup = (unsigned)state_take(in, 8);
	s->backup_client = (int8_t)((int)(backup / 3) - 1);
	s->backup_server = (int8_t)((int)(backup % 3) - 1);
	state_take_text(in, s->client, sizeof(s->client));
	state_take_text(in, s->server, sizeof(s->server));
	unsigned used = (unsigned)state_take(in, (1u << KIND_COUNT) - 1);
	for (unsigned k = 0; k < KIND_COUNT; k++)
		if (used & 1u << k)
			load_sum(&s->kinds[k], in);
	unsigned shares = (unsigned)state_take(in, LEDGER_SHARES);
	for (unsigned i = 0; i < shares; i++)
		load_share(&s->shares[i], l->bounds->circumstances, in);
	s->n_shares = shares;
	if (s->wan >= l->bounds->wans)
		state_refuse(in);
}

struct saving {
	struct connections *connections;
	struct state_out *out;
};

static void save_rows(void *context, struct connection *c)
{
	const struct saving *s = context;
	const struct ledger_connection *row = c->has_row ? row_of(s->connections, c->index) : NULL;

	state_put(s->out, row ? row->n_subflows + 1 : 0);
	if (!row)
		return;
	state_put(s->out, row->app);
	state_put_near(s->out, row->first_ns, c->first_ns);
	for (size_t i = 0; i < row->n_subflows; i++)
		save_row(&row->subflows[i], c->first_ns, s->out);
}

static void load_rows(void *context, struct connection *c)
{
	const struct loading *l = context;
	size_t n = state_take_count(l->in, ROWS_MAX + 1);
	struct ledger_connection *row = n ? row_of(l->connections, c->index) : NULL;

	if (!row)
		return;
	c->has_row = true;
	row->app = load_index(l->in, l->bounds->apps);
	row->first_ns = state_take_near(l->in, c->first_ns);
	while (--n > 0 && !l->in->damaged) {
		struct ledger_subflow *s = subflow_row(row);

		if (s)
			load_row(l, s, c->first_ns);
		else
			state_refuse(l->in);
	}
}

void connections_save(struct connections *cs, struct track *track, struct state_out *out)
{
	state_put_mark(out, MARK_TALLIES);
	track_walk(track, save_flow, out);
	state_put_mark(out, MARK_ROWS);
	track_walk_connections(track, save_rows, &(struct saving){cs, out});
}

void connections_load(struct connections *cs, struct track *track,
                      const struct connections_bounds *bounds, struct state_in *in)
{
	struct loading l = {cs, bounds, in};

	state_take_mark(in, MARK_TALLIES);
	track_walk(track, load_flow, &l);
	state_take_mark(in, MARK_ROWS);
	track_walk_connections(track, load_rows, &l);
}
