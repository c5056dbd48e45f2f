/* SPDX-License-Identifier: MIT */
#include "track.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "digest.h"

enum {
	CHUNK = 256,		/* subflows, connections per allocation */
	TOKEN_BUCKETS = 1 << 17,
	NEAR_LOWS = 512,
	NEAR_HIGHS = 1 << 17,
	NEAR_STEPS = 256,	/* candidates looked at before a position counts as ambiguous */
	CREDIT_NEW = 0,		/* a stranger's first frame; what comes again stays longer */
	CREDIT_IDLE = 1,
	CREDIT_ESTABLISHED = 3,
	SOMEBODY = DSN_SLOTS - 1,
};
#define LINGER_NS (75 * UINT64_C(1000000000)) /* a closed subflow may still repeat its last words */
#define BUDGET_EXTENTS (2u << 20)	      /* 48 MiB of DSN extents over all connections */
#define POSITION_BASE (UINT64_C(1) << 32)     /* so that bytes before the first one have a position */
#define NEAR_WIDE (UINT64_C(1) << 31)
#define NEAR_NARROW (1 << 24)

struct slot {
	uint32_t tag;	  /* lower half of the hash: its place, and enough more to look at few others */
	uint32_t subflow; /* index + 1; 0 = free */
};

struct track {
	uint64_t seed[2];
	struct track_sink sink;

	struct slot *slots; /* open addressing, at most half full */
	size_t n_slots, used_slots;

	struct subflow **subflows; /* chunks, NULL until needed */
	size_t n_subflow_chunks;
	uint32_t max_subflows, high_subflow, hand;
	uint32_t free_subflow; /* list through .next */
	struct connection **connections;
	size_t n_connection_chunks;
	uint32_t high_connection, free_connection;

	uint32_t tokens[TOKEN_BUCKETS];
	uint32_t near_lows[2][NEAR_LOWS], near_highs[2][NEAR_HIGHS];
	struct dsn_budget budget;
	struct subflow *latest;
	struct subflow spare; /* stands in when memory is out; never found again */
	struct connection spare_connection;
};

/* ---- hashing ---- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t key_hash(const struct flow_key *k, const uint64_t seed[2])
{
	uint64_t h = mix(k->addr[0] ^ seed[0], k->addr[2] ^ seed[1]);

	if (k->family == 6)
		h = mix(h ^ k->addr[1], k->addr[3] ^ seed[0]);
	return mix(h ^ k->ports ^ (uint64_t)k->family << 32, seed[1] ^ UINT64_C(0x9e3779b97f4a7c15));
}

static inline bool key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return a->addr[0] == b->addr[0] && a->addr[2] == b->addr[2] && a->ports == b->ports &&
	       a->family == b->family && a->addr[1] == b->addr[1] && a->addr[3] == b->addr[3];
}

/* Put the ends in canonical order. Returns true when the segment's source is the low end. */
static inline bool key_make(struct flow_key *k, const struct segment *s)
{
	uint64_t src[2], dst[2];

	if (s->family == 4) {
		src[0] = be32(s->src);
		dst[0] = be32(s->dst);
		src[1] = dst[1] = 0;
	} else {
		src[0] = be64(s->src);
		src[1] = be64(s->src + 8);
		dst[0] = be64(s->dst);
		dst[1] = be64(s->dst + 8);
	}
	k->family = s->family;
	bool low = src[0] != dst[0]   ? src[0] < dst[0]
		   : src[1] != dst[1] ? src[1] < dst[1]
				      : s->sport <= s->dport;
	const uint64_t *a = low ? src : dst, *b = low ? dst : src;
	k->addr[0] = a[0];
	k->addr[1] = a[1];
	k->addr[2] = b[0];
	k->addr[3] = b[1];
	k->ports = low ? (uint32_t)s->sport << 16 | s->dport : (uint32_t)s->dport << 16 | s->sport;
	return low;
}

/* ---- pools ---- */

struct subflow *track_at(struct track *t, uint32_t i)
{
	return i == NO_INDEX ? &t->spare : &t->subflows[i / CHUNK][i % CHUNK];
}

static struct connection *connection_at(struct track *t, uint32_t i)
{
	return i == NO_INDEX ? &t->spare_connection : &t->connections[i / CHUNK][i % CHUNK];
}

struct connection *track_connection(struct track *t, const struct subflow *sf)
{
	return connection_at(t, sf->connection);
}

struct dsn_budget *track_budget(struct track *t)
{
	return &t->budget;
}

/* ---- table of 4-tuples ---- */

static struct slot *slot_of(const struct track *t, uint64_t hash, const struct flow_key *key,
			    struct subflow **found)
{
	size_t mask = t->n_slots - 1;
	uint32_t tag = (uint32_t)hash;

	for (size_t i = tag & mask;; i = (i + 1) & mask) {
		struct slot *s = &t->slots[i];
		*found = NULL;
		if (!s->subflow)
			return s;
		if (s->tag != tag)
			continue;
		uint32_t index = s->subflow - 1;
		*found = &t->subflows[index / CHUNK][index % CHUNK];
		if (key_equal(&(*found)->key, key))
			return s;
	}
}

static bool slots_grow(struct track *t)
{
	size_t n = t->n_slots ? t->n_slots * 2 : 1024;
	struct slot *old = t->slots, *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < t->n_slots; i++) {
		if (!old[i].subflow)
			continue;
		size_t at = old[i].tag & (n - 1);
		while (slots[at].subflow)
			at = (at + 1) & (n - 1);
		slots[at] = old[i];
	}
	free(old);
	t->slots = slots;
	t->n_slots = n;
	return true;
}

/* Take an entry out and close the hole, so that no search stops too early. */
static void slot_remove(struct track *t, const struct subflow *sf)
{
	size_t mask = t->n_slots - 1, hole = (uint32_t)sf->hash & mask;

	while (t->slots[hole].subflow != sf->index + 1)
		hole = (hole + 1) & mask;
	for (size_t i = (hole + 1) & mask; t->slots[i].subflow; i = (i + 1) & mask) {
		size_t home = t->slots[i].tag & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct slot){0};
	t->used_slots--;
}

/* ---- tokens ---- */

static uint32_t *token_head(struct track *t, uint32_t token)
{
	return &t->tokens[mix(token ^ t->seed[0], t->seed[1] | 1) % TOKEN_BUCKETS];
}

static struct chain_link *token_link(struct track *t, uint32_t number)
{
	return &connection_at(t, number / 2)->by_token[number % 2];
}

static void token_add(struct track *t, struct connection *c, unsigned side, uint32_t token)
{
	uint32_t *head = token_head(t, token);

	c->has_token[side] = true;
	c->token[side] = token;
	c->by_token[side] = (struct chain_link){*head, NO_INDEX};
	if (*head != NO_INDEX)
		token_link(t, *head)->prev = c->index * 2 + side;
	*head = c->index * 2 + side;
}

static void token_remove(struct track *t, struct connection *c, unsigned side)
{
	if (!c->has_token[side])
		return;
	const struct chain_link *link = &c->by_token[side];
	if (link->prev == NO_INDEX)
		*token_head(t, c->token[side]) = link->next;
	else
		token_link(t, link->prev)->next = link->next;
	if (link->next != NO_INDEX)
		token_link(t, link->next)->prev = link->prev;
	c->has_token[side] = false;
}

/* The newest live connection that knows this token; *side says whose it is. */
static struct connection *token_find(struct track *t, uint32_t token, unsigned *side)
{
	for (uint32_t link = *token_head(t, token); link != NO_INDEX;) {
		struct connection *c = connection_at(t, link / 2);
		*side = link % 2;
		if (c->token[*side] == token && c->live)
			return c;
		link = c->by_token[*side].next;
	}
	return NULL;
}

/* ---- position index: connections by where their streams are ---- */

/* A stream's position: its highest DSN or, before any, the highest DATA_ACK for it. */
static bool position(const struct data_stream *s, uint64_t *at, bool *wide)
{
	*at = s->has_dsn ? s->dsn : s->ack;
	*wide = s->has_dsn ? s->wide : s->ack_wide;
	return s->has_dsn || s->has_ack;
}

/* Buckets by the lower 32 bits come twice: first for streams of which no more is known, then for the others. */
static uint32_t near_low(uint64_t at, bool wide)
{
	return (uint32_t)at >> 24 | (wide ? 256 : 0);
}

static uint32_t near_high(const struct track *t, uint64_t at)
{
	return (uint32_t)(mix((at >> 32) ^ t->seed[0], t->seed[1] | 1) % NEAR_HIGHS);
}

static uint32_t *near_head(struct track *t, unsigned chain, uint32_t bucket)
{
	return chain % 2 ? &t->near_highs[chain / 2][bucket] : &t->near_lows[chain / 2][bucket];
}

static void near_unlink(struct track *t, struct connection *c, unsigned chain)
{
	const struct chain_link *link = &c->near[chain];

	if (c->near_bucket[chain] == NO_INDEX)
		return;
	if (link->prev == NO_INDEX)
		*near_head(t, chain, c->near_bucket[chain]) = link->next;
	else
		connection_at(t, link->prev)->near[chain].next = link->next;
	if (link->next != NO_INDEX)
		connection_at(t, link->next)->near[chain].prev = link->prev;
	c->near_bucket[chain] = NO_INDEX;
}

static void near_link(struct track *t, struct connection *c, unsigned chain, uint32_t bucket)
{
	if (c->near_bucket[chain] == bucket)
		return;
	near_unlink(t, c, chain);
	uint32_t *head = near_head(t, chain, bucket);
	c->near_bucket[chain] = bucket;
	c->near[chain] = (struct chain_link){*head, NO_INDEX};
	if (*head != NO_INDEX)
		connection_at(t, *head)->near[chain].prev = c->index;
	*head = c->index;
}

static void near_update(struct track *t, struct connection *c, unsigned dir)
{
	uint64_t at;
	bool wide;

	if (c->index == NO_INDEX || !position(&c->stream[dir], &at, &wide))
		return;
	uint64_t mark = (at >> 24) * 2 + wide + 1;
	if (c->near_mark[dir] == mark)
		return;
	c->near_mark[dir] = mark;
	near_link(t, c, 2 * dir, near_low(at, wide));
	if (wide)
		near_link(t, c, 2 * dir + 1, near_high(t, at));
}

static bool positions_agree(const struct data_stream *a, const struct data_stream *b, bool *compared)
{
	uint64_t at_a, at_b;
	bool wide_a, wide_b;

	if (!position(a, &at_a, &wide_a) || !position(b, &at_b, &wide_b))
		return true;
	*compared = true;
	if (wide_a && wide_b) {
		int64_t d = (int64_t)(at_a - at_b);
		return d < (int64_t)NEAR_WIDE && d > -(int64_t)NEAR_WIDE;
	}
	int32_t d = (int32_t)((uint32_t)at_a - (uint32_t)at_b);
	return d < NEAR_NARROW && d > -NEAR_NARROW;
}

static bool streams_agree(const struct connection *a, const struct connection *b)
{
	bool compared = false;

	return positions_agree(&a->stream[0], &b->stream[0], &compared) &&
	       positions_agree(&a->stream[1], &b->stream[1], &compared) && compared;
}

struct near_search {
	const struct connection *of;
	struct connection *found;
	int steps;
};

/* Look through a chain. False when the answer is "ambiguous". */
static bool near_look(struct track *t, struct near_search *search, unsigned chain, uint32_t bucket)
{
	for (uint32_t i = *near_head(t, chain, bucket); i != NO_INDEX;) {
		struct connection *other = connection_at(t, i);
		i = other->near[chain].next;
		if (++search->steps > NEAR_STEPS)
			return false;
		if (other == search->of || other == search->found || !other->live ||
		    !streams_agree(search->of, other))
			continue;
		if (search->found)
			return false;
		search->found = other;
	}
	return true;
}

static bool near_look_low(struct track *t, struct near_search *search, unsigned dir, uint64_t at, bool wide)
{
	for (int around = -1; around <= 1; around++)
		if (!near_look(t, search, 2 * dir, near_low(at + (uint64_t)around * NEAR_NARROW, wide)))
			return false;
	return true;
}

static bool near_look_high(struct track *t, struct near_search *search, unsigned dir, uint64_t at)
{
	/* a bucket is twice as wide as the distance: what is near lies in two of them */
	uint32_t from = near_high(t, at - NEAR_WIDE), to = near_high(t, at + NEAR_WIDE);

	return near_look(t, search, 2 * dir + 1, from) &&
	       (from == to || near_look(t, search, 2 * dir + 1, to));
}

/* A wide position belongs to a connection with wide ones, or else to one of which only the lower halves are known. */
static bool near_look_around(struct track *t, struct near_search *search, unsigned dir, uint64_t at, bool wide)
{
	if (wide && !near_look_high(t, search, dir, at))
		return false;
	if (wide && search->found)
		return true;
	return near_look_low(t, search, dir, at, false) && (wide || near_look_low(t, search, dir, at, true));
}

/* The one other live connection whose streams are where c's are; NULL when there is none or more than one. */
static struct connection *near_find(struct track *t, const struct connection *c)
{
	struct near_search search = {.of = c};

	for (unsigned dir = 0; dir < 2; dir++) {
		uint64_t at;
		bool wide;
		if (position(&c->stream[dir], &at, &wide) && !near_look_around(t, &search, dir, at, wide))
			return NULL;
	}
	return search.found;
}

/* ---- connections ---- */

static void connection_reset(struct connection *c, uint32_t index)
{
	*c = (struct connection){
		.index = index,
		.in_use = true,
		.live = true,
		.version = -1,
		.confidence = CONF_ORPHAN,
		.subflows = NO_INDEX,
		.near_bucket = {NO_INDEX, NO_INDEX, NO_INDEX, NO_INDEX},
	};
}

static struct connection *connection_new(struct track *t)
{
	uint32_t i = t->free_connection;

	if (i != NO_INDEX) {
		struct connection *c = connection_at(t, i);
		t->free_connection = c->subflows;
		connection_reset(c, i);
		return c;
	}
	i = t->high_connection;
	if (i / CHUNK >= t->n_connection_chunks) {
		t->connections[i / CHUNK] = malloc(CHUNK * sizeof(struct connection));
		if (!t->connections[i / CHUNK]) {
			connection_reset(&t->spare_connection, NO_INDEX);
			return &t->spare_connection;
		}
		t->n_connection_chunks++;
	}
	t->high_connection++;
	connection_reset(connection_at(t, i), i);
	return connection_at(t, i);
}

static void connection_free(struct track *t, struct connection *c)
{
	token_remove(t, c, 0);
	token_remove(t, c, 1);
	for (unsigned chain = 0; chain < 4; chain++)
		near_unlink(t, c, chain);
	dsnmap_release(&c->stream[0].map, &t->budget);
	dsnmap_release(&c->stream[1].map, &t->budget);
	c->in_use = c->live = false;
	if (c->index == NO_INDEX)
		return;
	c->subflows = t->free_connection;
	t->free_connection = c->index;
}

/* A slot in the DSN maps. When all are taken, the last one stands for everybody else. */
static void slot_take(struct connection *c, struct subflow *sf)
{
	unsigned slot = 0;

	while (slot < SOMEBODY && c->slots & 1u << slot)
		slot++;
	c->slots |= 1u << slot;
	sf->slot = (uint8_t)slot;
}

static void connection_add(struct track *t, struct connection *c, struct subflow *sf)
{
	sf->connection = c->index;
	sf->next = c->subflows;
	sf->prev = NO_INDEX;
	if (sf->next != NO_INDEX)
		track_at(t, sf->next)->prev = sf->index;
	c->subflows = sf->index;
	c->n_subflows++;
	sf->number = c->numbered++;
	slot_take(c, sf);
	if (c->first_ns == 0 || sf->first_ns < c->first_ns)
		c->first_ns = sf->first_ns;
}

static void connection_remove(struct track *t, struct connection *c, struct subflow *sf)
{
	if (sf->index == NO_INDEX)
		return; /* the spare one stands in no list */
	if (sf->prev != NO_INDEX)
		track_at(t, sf->prev)->next = sf->next;
	else
		c->subflows = sf->next;
	if (sf->next != NO_INDEX)
		track_at(t, sf->next)->prev = sf->prev;
	c->n_subflows--;
	if (sf->slot < SOMEBODY && c->n_subflows > 0) {
		dsnmap_forget(&c->stream[0].map, sf->slot, SOMEBODY);
		dsnmap_forget(&c->stream[1].map, sf->slot, SOMEBODY);
		c->slots &= ~(1u << sf->slot);
	}
}

/* ---- subflows: birth and death ---- */

static void half_release(struct half *h)
{
	seqset_release(&h->bytes);
	free(h->maps);
}

static void subflow_leave(struct track *t, struct subflow *sf)
{
	struct connection *c = track_connection(t, sf);

	for (unsigned d = 0; d < 2; d++) {
		while (sf->half[d].pending) {
			struct pending *p = sf->half[d].pending;
			sf->half[d].pending = p->next;
			t->sink.settle(t->sink.context, sf, p);
		}
	}
	t->sink.leave(t->sink.context, sf, c);
	half_release(&sf->half[0]);
	half_release(&sf->half[1]);
	connection_remove(t, c, sf);
	if (c->n_subflows == 0) {
		t->sink.leave_connection(t->sink.context, c);
		connection_free(t, c);
	}
	sf->in_use = false;
	if (t->latest == sf)
		t->latest = NULL;
}

static void subflow_free(struct track *t, struct subflow *sf)
{
	slot_remove(t, sf);
	subflow_leave(t, sf);
	sf->next = t->free_subflow;
	t->free_subflow = sf->index;
}

static void prefetch(const void *at, size_t size)
{
	for (size_t line = 0; line < size; line += 64)
		__builtin_prefetch((const char *)at + line, 1);
}

/* The hand comes by soon: in a flood all it finds has long left the caches. First what it looks at, then all of
 * what it will let go. */
static void look_ahead(struct track *t)
{
	if (t->hand + 8 >= t->high_subflow)
		return;
	prefetch(track_at(t, t->hand + 8), 64);
	struct subflow *sf = track_at(t, t->hand + 4);
	if (sf->credit > 0)
		return;
	prefetch(sf, sizeof(*sf));
	prefetch(track_connection(t, sf), sizeof(struct connection));
}

/* Second chance: what was touched since the hand came by last stays. */
static void evict_one(struct track *t)
{
	for (;;) {
		struct subflow *sf = track_at(t, t->hand);
		look_ahead(t);
		t->hand = t->hand + 1 == t->high_subflow ? 0 : t->hand + 1;
		if (!sf->in_use)
			continue;
		if (sf->credit > 0 && sf->state != SUBFLOW_CLOSED) {
			sf->credit--;
			continue;
		}
		sf->evicted = sf->state != SUBFLOW_CLOSED;
		subflow_free(t, sf);
		return;
	}
}

/* With each new subflow the hand looks at two others and lets go what was closed long ago. A full table needs no
 * help: evict_one() lets go whatever is closed. */
static void reap(struct track *t, uint64_t now_ns)
{
	if (t->free_subflow == NO_INDEX && t->high_subflow == t->max_subflows)
		return;
	for (int i = 0; i < 2 && t->high_subflow; i++) {
		t->hand = t->hand + 1 >= t->high_subflow ? 0 : t->hand + 1;
		struct subflow *sf = track_at(t, t->hand);
		if (sf->in_use && sf->state == SUBFLOW_CLOSED && now_ns > sf->last_ns + LINGER_NS)
			subflow_free(t, sf);
	}
}

static struct subflow *subflow_take(struct track *t)
{
	if (t->free_subflow == NO_INDEX && t->high_subflow == t->max_subflows)
		evict_one(t);
	uint32_t i = t->free_subflow;
	if (i != NO_INDEX) {
		t->free_subflow = track_at(t, i)->next;
	} else {
		i = t->high_subflow;
		if (!t->subflows[i / CHUNK])
			t->subflows[i / CHUNK] = malloc(CHUNK * sizeof(struct subflow));
		if (!t->subflows[i / CHUNK])
			return NULL;
		t->high_subflow++;
	}
	struct subflow *sf = track_at(t, i);
	memset(sf, 0, offsetof(struct subflow, tally));
	sf->index = i;
	return sf;
}

static void subflow_begin(struct track *t, struct subflow *sf, uint64_t ts_ns)
{
	struct connection *c = connection_new(t);

	sf->in_use = true;
	sf->first_ns = sf->last_ns = ts_ns;
	sf->backup[0] = sf->backup[1] = -1;
	sf->confidence = CONF_ORPHAN;
	sf->state = SUBFLOW_ESTABLISHED; /* unless a SYN says otherwise */
	connection_add(t, c, sf);
}

/* The end that most likely opened a subflow whose SYN was not seen: the one with the higher port. */
static bool low_likely_opens(const struct flow_key *k)
{
	return k->ports >> 16 >= (k->ports & 0xffff);
}

static uint64_t connection_id(const struct subflow *sf, uint32_t seq)
{
	const struct flow_key *k = &sf->key;
	uint64_t h = mix(k->addr[0] ^ UINT64_C(0xa0761d6478bd642f), k->addr[2] ^ UINT64_C(0xe7037ed1a0b428db));

	h = mix(h ^ k->addr[1], k->addr[3] ^ UINT64_C(0x8ebc6af09c88c6e3));
	h = mix(h ^ k->ports, UINT64_C(0x589965cc75374cc3) ^ seq);
	return mix(h ^ sf->first_ns, UINT64_C(0x1d8e4e27c47d124f));
}

static bool opens_anew(const struct subflow *sf, const struct segment *s, const struct options *o,
		       unsigned dir)
{
	const struct half *h = &sf->half[dir];

	if ((s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if (!h->isn_known)
		return h->seen || sf->half[!dir].seen;
	if ((uint32_t)h->isn != s->seq)
		return true;
	return options_have(o, MP_JOIN) && o->join.len == 12 && sf->nonce_known[dir] &&
	       sf->nonce[dir] != o->join.nonce;
}

static struct subflow *subflow_new(struct track *t, const struct flow_key *key, uint64_t hash,
				   const struct segment *s, bool from_low, uint64_t ts_ns)
{
	if ((t->used_slots + 1) * 2 > t->n_slots && !slots_grow(t) && t->used_slots + 1 >= t->n_slots)
		return NULL;
	reap(t, ts_ns);
	struct subflow *sf = subflow_take(t), *none;
	if (!sf)
		return NULL;
	sf->key = *key;
	sf->hash = hash;
	*slot_of(t, hash, key, &none) = (struct slot){(uint32_t)hash, sf->index + 1};
	t->used_slots++;
	subflow_begin(t, sf, ts_ns);
	sf->opener_known = s->flags & TCP_SYN;
	if (sf->opener_known)
		sf->low_opens = s->flags & TCP_ACK ? !from_low : from_low;
	else
		sf->low_opens = low_likely_opens(key);
	struct connection *c = track_connection(t, sf);
	c->id = connection_id(sf, s->flags & TCP_ACK ? 0 : s->seq);
	return sf;
}

/* No memory: one subflow that everything without a place shares. */
static struct subflow *spare(struct track *t, uint64_t ts_ns)
{
	if (!t->spare.in_use) {
		t->spare.index = t->spare.connection = NO_INDEX;
		connection_reset(&t->spare_connection, NO_INDEX);
		t->spare.in_use = true;
		t->spare.first_ns = ts_ns;
		t->spare.confidence = CONF_ORPHAN;
		t->spare.state = SUBFLOW_ESTABLISHED;
	}
	t->spare.evicted = true;
	return &t->spare;
}

struct subflow *track_subflow(struct track *t, const struct segment *s, const struct options *o,
			      uint64_t ts_ns, unsigned *dir, bool *fresh)
{
	struct flow_key key;
	bool from_low = key_make(&key, s);
	struct subflow *sf = t->latest;

	*fresh = false;
	if (!sf || !key_equal(&sf->key, &key)) {
		uint64_t hash = key_hash(&key, t->seed);
		slot_of(t, hash, &key, &sf);
		if (!sf) {
			*fresh = true;
			sf = subflow_new(t, &key, hash, s, from_low, ts_ns);
		}
		if (!sf)
			sf = spare(t, ts_ns);
		t->latest = sf;
	}
	*dir = from_low == sf->low_opens ? 0 : 1;
	if (s->flags & TCP_SYN && opens_anew(sf, s, o, *dir)) {
		uint64_t hash = sf->hash;
		subflow_free(t, sf);
		sf = subflow_new(t, &key, hash, s, from_low, ts_ns);
		if (!sf)
			sf = spare(t, ts_ns);
		t->latest = sf;
		*dir = 0;
		*fresh = true;
	}
	if (ts_ns > sf->last_ns)
		sf->last_ns = ts_ns;
	sf->credit = *fresh                             ? CREDIT_NEW
		     : sf->state == SUBFLOW_ESTABLISHED ? CREDIT_ESTABLISHED
							: CREDIT_IDLE;
	return sf;
}

/* ---- identity ---- */

uint64_t track_dsn(const struct data_stream *s, uint64_t number, bool wide)
{
	if (wide)
		return number;
	if (s->has_dsn)
		return seq_unwrap((uint32_t)number, s->dsn);
	return s->has_ack ? seq_unwrap((uint32_t)number, s->ack) : number;
}

static void confide(struct connection *c, struct subflow *sf, enum confidence confidence)
{
	sf->confidence = (uint8_t)confidence;
	sf->bound = true;
	if (confidence < c->confidence)
		c->confidence = (uint8_t)confidence;
}

/* The key of one side gives its token and the start of its data. */
static void learn_key(struct track *t, struct connection *c, unsigned side, const uint8_t key[8])
{
	struct data_stream *s = &c->stream[side];

	if (c->has_key[side])
		return;
	memcpy(c->key[side], key, 8);
	c->has_key[side] = true;
	token_remove(t, c, side);
	token_add(t, c, side, digest_token(c->version, key));
	uint64_t first = digest_idsn(c->version, key) + 1;
	if (!s->has_dsn) {
		s->dsn = first;
		s->has_dsn = s->wide = true;
	} else if (!s->wide) {
		/* what was seen so far had only its lower half: the map moves up */
		uint64_t lift = seq_unwrap((uint32_t)s->dsn, first) - s->dsn;
		for (uint32_t i = 0; i < s->map.n; i++) {
			s->map.extents[i].start += lift;
			s->map.extents[i].end += lift;
		}
		s->dsn += lift;
		if (s->has_ack)
			s->ack = seq_unwrap((uint32_t)s->ack, s->dsn);
		s->wide = true;
	}
	near_update(t, c, side);
}

static void stream_unite(struct track *t, struct data_stream *into, const struct data_stream *from,
			 const uint8_t slot_of_old[DSN_SLOTS])
{
	for (uint32_t i = 0; i < from->map.n; i++) {
		const struct dsn_extent *e = &from->map.extents[i];
		uint64_t start = from->wide ? e->start : track_dsn(into, e->start, false);
		for (unsigned slot = 0; slot < DSN_SLOTS; slot++)
			if (e->carriers & 1u << slot)
				dsnmap_carry(&into->map, &t->budget, start, start + (e->end - e->start),
					     slot_of_old[slot], e->first_ds);
	}
	if (from->has_dsn) {
		uint64_t at = from->wide ? from->dsn : track_dsn(into, from->dsn, false);
		if (!into->has_dsn || (int64_t)(at - into->dsn) > 0)
			into->dsn = at;
		into->wide |= from->wide;
		into->has_dsn = true;
	}
	if (from->has_ack && !into->has_ack) {
		into->ack = from->ack_wide ? from->ack : track_dsn(into, from->ack, false);
		into->ack_wide = from->ack_wide;
		into->has_ack = true;
	}
	into->fresh += from->fresh;
	into->copies += from->copies;
	into->unique_bytes += from->unique_bytes;
}

/* `gone` is the same connection as `c`: move all it has. `flip`: its opener is c's accepter. */
static void connection_unite(struct track *t, struct connection *c, struct connection *gone, bool flip)
{
	uint8_t slots[DSN_SLOTS];

	memset(slots, SOMEBODY, sizeof(slots));
	while (gone->subflows != NO_INDEX) {
		struct subflow *sf = track_at(t, gone->subflows);
		unsigned old = sf->slot;
		gone->subflows = sf->next;
		connection_add(t, c, sf);
		sf->flip ^= flip;
		sf->rides = false;
		slots[old] = sf->slot;
	}
	for (unsigned d = 0; d < 2; d++) {
		unsigned to = flip ? !d : d;
		stream_unite(t, &c->stream[to], &gone->stream[d], slots);
		if (gone->has_token[d] && !c->has_token[to])
			token_add(t, c, to, gone->token[d]);
		if (gone->has_key[d])
			learn_key(t, c, to, gone->key[d]);
		near_update(t, c, to);
	}
	if (c->version < 0)
		c->version = gone->version;
	if (gone->confidence < c->confidence)
		c->confidence = gone->confidence;
	c->fallback |= gone->fallback;
	gone->n_subflows = 0;
	if (gone->has_row) /* subflows that left before: their rows must not wait for the next one of this index */
		t->sink.leave_connection(t->sink.context, gone);
	connection_free(t, gone);
}

/* Join the subflow to `c`, taking along whatever connection of its own it had. */
static struct connection *move_to(struct track *t, struct connection *c, struct subflow *sf, bool flip)
{
	struct connection *own = track_connection(t, sf);

	if (own == c || c->index == NO_INDEX || own->index == NO_INDEX)
		return own;
	connection_unite(t, c, own, flip);
	return c;
}

/* A connection that was only known by this token (joins came first) is this one. */
static void adopt_by_token(struct track *t, struct connection *c, unsigned side, uint32_t token,
			   uint64_t ts_ns, struct track_identity *identity)
{
	unsigned other_side;
	struct connection *partial = token_find(t, token, &other_side);

	if (!partial || partial == c || partial->has_key[0] || partial->has_key[1])
		return;
	identity->united = true;
	if (ts_ns > partial->first_ns)
		identity->skew_ns = ts_ns - partial->first_ns;
	for (uint32_t i = partial->subflows; i != NO_INDEX; i = track_at(t, i)->next)
		track_at(t, i)->confidence = CONF_KEY;
	connection_unite(t, c, partial, side != other_side);
}

static void take_key(struct track *t, struct connection *c, unsigned side, const uint8_t *key,
		     uint64_t ts_ns, struct track_identity *identity)
{
	if (c->has_key[side])
		return;
	adopt_by_token(t, c, side, digest_token(c->version, key), ts_ns, identity);
	learn_key(t, c, side, key);
}

static void identify_capable(struct track *t, struct subflow *sf, unsigned dir, const struct segment *s,
			     const struct options *o, uint64_t ts_ns, struct track_identity *identity)
{
	const struct mp_capable *m = &o->capable;
	struct connection *c = track_connection(t, sf);

	if (sf->join || c->fallback)
		return;
	bool answer = (s->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	if (s->flags & TCP_SYN && !answer) {
		c->version = (int8_t)m->version;
		sf->offered = sf->initial = true;
	} else if (answer) {
		sf->initial = true;
		if (c->version >= 0 && c->version != m->version)
			return; /* a version was offered and another chosen: classify says fallback */
		c->version = (int8_t)m->version;
	} else if (c->version < 0) {
		c->version = (int8_t)m->version;
		sf->initial = true;
	}
	if (c->version > 1)
		return;
	c->opener_known |= sf->opener_known;
	c->checksum |= (m->flags & 0x80) != 0;
	if (m->keys > 0)
		take_key(t, c, dir, m->key[0], ts_ns, identity);
	if (m->keys > 1)
		take_key(t, c, !dir, m->key[1], ts_ns, identity);
	confide(c, sf, CONF_KEY);
}

static void identify_join(struct track *t, struct subflow *sf, unsigned dir, const struct segment *s,
			  const struct options *o, uint64_t ts_ns)
{
	const struct mp_join *j = &o->join;

	sf->join = true;
	if (j->len == 12 && (s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		sf->offered = true;
		if (sf->nonce_known[dir])
			return; /* the same SYN again */
		sf->nonce[dir] = j->nonce;
		sf->nonce_known[dir] = true;
		unsigned side;
		struct connection *c = token_find(t, j->token, &side);
		if (c && c->index != NO_INDEX) {
			c = move_to(t, c, sf, side == 0);
			confide(c, sf, c->has_key[side] ? CONF_KEY : CONF_TOKEN);
		} else {
			c = track_connection(t, sf);
			if (c->index != NO_INDEX)
				token_add(t, c, 1, j->token);
			confide(c, sf, CONF_TOKEN);
			sf->bound = false; /* its first mapping may yet tell which one it is */
		}
		c->opener_known |= sf->opener_known;
		if (ts_ns < c->first_ns)
			c->first_ns = ts_ns;
	} else if (j->len == 16) {
		sf->nonce[dir] = j->nonce;
		sf->nonce_known[dir] = true;
	}
}

/* Does anything in this segment place the streams? Then move their positions. Returns false when not. */
static bool place_streams(struct connection *c, const struct subflow *sf, unsigned dir,
			  const struct options *o)
{
	const struct dss *d = &o->dss;
	struct data_stream *own = &c->stream[dir ^ sf->flip], *peer = &c->stream[!(dir ^ sf->flip)];
	bool placed = false;

	if (d->has & DSS_HAS_DSN) {
		uint64_t at = track_dsn(own, d->dsn, d->flags & DSS_MAP64);
		if (!own->has_dsn || (int64_t)(at - own->dsn) > 0)
			own->dsn = at;
		own->wide |= (d->flags & DSS_MAP64) != 0;
		own->has_dsn = placed = true;
	}
	if (d->has & DSS_HAS_ACK) {
		uint64_t at = track_dsn(peer, d->ack, d->flags & DSS_ACK64);
		if (!peer->has_ack || (int64_t)(at - peer->ack) > 0)
			peer->ack = at;
		peer->ack_wide |= (d->flags & DSS_ACK64) != 0;
		peer->has_ack = true;
		placed |= (d->flags & DSS_ACK64) != 0;
	}
	return placed;
}

/* Rule 4: no handshake was seen. The streams' positions tell, or a new connection begins. */
static void identify_dss(struct track *t, struct subflow *sf, unsigned dir, const struct options *o,
			 struct track_identity *identity)
{
	struct connection *c = track_connection(t, sf);

	if (c->index == NO_INDEX)
		return;
	bool placed = place_streams(c, sf, dir, o);
	struct connection *other = near_find(t, c);
	if (other && !(sf->join && other->has_key[0] && other->has_key[1])) {
		enum confidence confidence = sf->join ? CONF_TOKEN : CONF_DSN;
		/* the older one keeps its name */
		if (other->n_subflows == 1 && c->first_ns < other->first_ns) {
			connection_unite(t, c, other, false);
		} else {
			connection_unite(t, other, c, false);
			c = other;
		}
		identity->united = true;
		confide(c, sf, confidence);
	} else if (placed) {
		confide(c, sf, sf->join ? CONF_TOKEN : CONF_DSN);
		near_update(t, c, 0);
		near_update(t, c, 1);
	}
}

static void identify_fastclose(struct track *t, struct subflow *sf, unsigned dir, const struct options *o)
{
	struct connection *c = track_connection(t, sf);

	if (sf->bound || c->version < 0)
		return;
	unsigned side;
	struct connection *known = token_find(t, digest_token(c->version, o->fastclose_key), &side);
	if (known && known != c && known->index != NO_INDEX) {
		c = move_to(t, known, sf, side == dir);
		confide(c, sf, CONF_KEY);
	}
}

void track_identify(struct track *t, struct subflow *sf, unsigned dir, const struct segment *s,
		    const struct options *o, uint64_t ts_ns, struct track_identity *identity)
{
	*identity = (struct track_identity){0};
	sf->mptcp = true;
	if (options_have(o, MP_CAPABLE))
		identify_capable(t, sf, dir, s, o, ts_ns, identity);
	if (options_have(o, MP_JOIN))
		identify_join(t, sf, dir, s, o, ts_ns);
	if (options_have(o, MP_FASTCLOSE))
		identify_fastclose(t, sf, dir, o);
	if (!sf->bound && options_have(o, MP_DSS))
		identify_dss(t, sf, dir, o, identity);
}

/* ---- texts ---- */

static char *put_decimal(char *to, unsigned number)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*to++ = digits[--n];
	return to;
}

/* By hand: printf takes longer than all else a short subflow costs. */
static void put_ipv4(char *to, uint32_t address, unsigned port)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		to = put_decimal(to, address >> shift & 0xff);
		*to++ = shift ? '.' : ':';
	}
	*put_decimal(to, port) = '\0';
}

void track_endpoint(const struct subflow *sf, unsigned end, char text[54])
{
	bool low = sf->low_opens == (end == 0);
	const uint64_t *a = low ? &sf->key.addr[0] : &sf->key.addr[2];
	unsigned port = low ? sf->key.ports >> 16 : sf->key.ports & 0xffff;
	char host[INET6_ADDRSTRLEN] = "?";

	if (sf->key.family == 4) {
		put_ipv4(text, (uint32_t)a[0], port);
		return;
	}
	uint32_t be[4] = {htonl((uint32_t)(a[0] >> 32)), htonl((uint32_t)a[0]), htonl((uint32_t)(a[1] >> 32)),
			  htonl((uint32_t)a[1])};
	inet_ntop(AF_INET6, be, host, sizeof(host));
	snprintf(text, 54, "[%s]:%u", host, port);
}

/* ---- life ---- */

struct track *track_new(size_t max_subflows, uint64_t seed, const struct track_sink *sink)
{
	struct track *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (max_subflows < 16)
		max_subflows = 16;
	if (max_subflows > 1u << 24)
		max_subflows = 1u << 24;
	t->seed[0] = mix(seed, UINT64_C(0x9e3779b97f4a7c15)) | 1;
	t->seed[1] = mix(seed ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3)) | 1;
	t->sink = *sink;
	t->max_subflows = (uint32_t)max_subflows;
	t->free_subflow = t->free_connection = NO_INDEX;
	t->budget.max = BUDGET_EXTENTS;
	memset(t->tokens, 0xff, sizeof(t->tokens));
	memset(t->near_lows, 0xff, sizeof(t->near_lows));
	memset(t->near_highs, 0xff, sizeof(t->near_highs));
	size_t chunks = max_subflows / CHUNK + 2;
	t->subflows = calloc(chunks, sizeof(*t->subflows));
	t->connections = calloc(chunks, sizeof(*t->connections));
	t->n_subflow_chunks = chunks;
	if (!t->subflows || !t->connections || !slots_grow(t)) {
		track_free(t);
		return NULL;
	}
	return t;
}

void track_drain(struct track *t)
{
	for (uint32_t i = 0; i < t->high_subflow; i++) {
		struct subflow *sf = track_at(t, i);
		if (sf->in_use)
			subflow_free(t, sf);
		if (i % CHUNK == CHUNK - 1) { /* their rows need the room */
			free(t->subflows[i / CHUNK]);
			t->subflows[i / CHUNK] = NULL;
		}
	}
	t->high_subflow = t->hand = 0;
	t->free_subflow = NO_INDEX;
	if (t->spare.in_use)
		subflow_leave(t, &t->spare);
}

void track_free(struct track *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->subflows && i < t->n_subflow_chunks; i++)
		free(t->subflows[i]);
	for (size_t i = 0; i < t->n_connection_chunks; i++)
		free(t->connections[i]);
	free(t->subflows);
	free(t->connections);
	free(t->slots);
	free(t);
}
