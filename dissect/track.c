/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "track_inside.h"

enum {
	CREDIT_NEW = 0, /* a stranger's first frame; what comes again stays longer */
	CREDIT_IDLE = 1,
	CREDIT_ESTABLISHED = 3,
};
#define LINGER_NS                                                                                  \
	(75 * UINT64_C(1000000000)) /* a closed subflow may still repeat its last words            \
	                             */
#define BUDGET_EXTENTS (2u << 20)   /* 48 MiB of DSN extents over all connections */

/* ---- hashing ---- */

static inline uint64_t key_hash(const struct flow_key *k, const uint64_t seed[2])
{
	uint64_t h = track_mix(k->addr[0] ^ seed[0], k->addr[2] ^ seed[1]);

	if (k->family == 6)
		h = track_mix(h ^ k->addr[1], k->addr[3] ^ seed[0]);
	return track_mix(h ^ k->ports ^ (uint64_t)k->family << 32,
	                 seed[1] ^ UINT64_C(0x9e3779b97f4a7c15));
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

bool track_flow_key(struct flow_key *key, const struct segment *segment)
{
	return key_make(key, segment);
}

uint64_t track_flow_hash(const struct flow_key *key, const uint64_t seed[2])
{
	return key_hash(key, seed);
}

/* ---- pools ---- */

struct subflow *track_at(struct track *t, uint32_t i)
{
	return i == NO_INDEX ? &t->spare : &t->subflows[i / TRACK_CHUNK][i % TRACK_CHUNK];
}

void track_each(struct track *t, void (*look)(void *context, const struct subflow *subflow),
                void *context)
{
	for (uint32_t i = 0; i < t->high_subflow; i++) {
		const struct subflow *sf = track_at(t, i);
		if (sf->in_use)
			look(context, sf);
	}
}

struct connection *track_connection(struct track *t, const struct subflow *sf)
{
	return track_connection_at(t, sf->connection);
}

struct dsn_budget *track_budget(struct track *t)
{
	return &t->budget;
}

size_t track_most(const struct track *t)
{
	return t->max_subflows;
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
		*found = &t->subflows[index / TRACK_CHUNK][index % TRACK_CHUNK];
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

struct connection *track_place_connection(struct track *t)
{
	uint32_t i = t->high_connection;

	if (i / TRACK_CHUNK >= t->n_connection_chunks) {
		t->connections[i / TRACK_CHUNK] = malloc(TRACK_CHUNK * sizeof(struct connection));
		if (!t->connections[i / TRACK_CHUNK])
			return NULL;
		t->n_connection_chunks++;
	}
	t->high_connection++;
	connection_reset(track_connection_at(t, i), i);
	return track_connection_at(t, i);
}

static struct connection *connection_new(struct track *t)
{
	uint32_t i = t->free_connection;
	struct connection *c;

	if (i != NO_INDEX) {
		c = track_connection_at(t, i);
		t->free_connection = c->subflows;
		connection_reset(c, i);
		return c;
	}
	c = track_place_connection(t);
	if (c)
		return c;
	connection_reset(&t->spare_connection, NO_INDEX);
	return &t->spare_connection;
}

void track_free_connection(struct track *t, struct connection *c)
{
	track_token_remove(t, c, 0);
	track_token_remove(t, c, 1);
	track_near_remove(t, c);
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

	while (slot < TRACK_SOMEBODY && c->slots & 1u << slot)
		slot++;
	c->slots |= 1u << slot;
	sf->slot = (uint8_t)slot;
}

void track_adopt(struct track *t, struct connection *c, struct subflow *sf)
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
	if (sf->slot < TRACK_SOMEBODY && c->n_subflows > 0) {
		dsnmap_forget(&c->stream[0].map, sf->slot, TRACK_SOMEBODY);
		dsnmap_forget(&c->stream[1].map, sf->slot, TRACK_SOMEBODY);
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
		track_free_connection(t, c);
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

/* The hand comes by soon: in a flood all it finds has long left the caches. First what it looks at,
 * then all of what it will let go. */
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

/* With each new subflow the hand looks at two others and lets go what was closed long ago. A full
 * table needs no help: evict_one() lets go whatever is closed. */
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

struct subflow *track_place_subflow(struct track *t, uint32_t i)
{
	if (!t->subflows[i / TRACK_CHUNK])
		t->subflows[i / TRACK_CHUNK] = malloc(TRACK_CHUNK * sizeof(struct subflow));
	if (!t->subflows[i / TRACK_CHUNK])
		return NULL;
	struct subflow *sf = track_at(t, i);
	memset(sf, 0, offsetof(struct subflow, tally));
	sf->index = i;
	return sf;
}

static struct subflow *subflow_take(struct track *t)
{
	if (t->free_subflow == NO_INDEX && t->high_subflow == t->max_subflows)
		evict_one(t);
	uint32_t i = t->free_subflow;
	if (i != NO_INDEX)
		t->free_subflow = track_at(t, i)->next;
	else
		i = t->high_subflow;
	struct subflow *sf = track_place_subflow(t, i);
	if (sf && i == t->high_subflow)
		t->high_subflow++;
	return sf;
}

static bool slots_ready(struct track *t)
{
	return (t->used_slots + 1) * 2 <= t->n_slots || slots_grow(t) ||
	       t->used_slots + 1 < t->n_slots;
}

bool track_place_key(struct track *t, struct subflow *sf)
{
	struct subflow *other;

	if (!slots_ready(t))
		return false;
	sf->hash = key_hash(&sf->key, t->seed);
	struct slot *slot = slot_of(t, sf->hash, &sf->key, &other);
	if (other)
		return false;
	*slot = (struct slot){(uint32_t)sf->hash, sf->index + 1};
	t->used_slots++;
	return true;
}

static void subflow_begin(struct track *t, struct subflow *sf, uint64_t ts_ns)
{
	struct connection *c = connection_new(t);

	sf->in_use = true;
	sf->first_ns = sf->last_ns = ts_ns;
	sf->backup[0] = sf->backup[1] = -1;
	sf->confidence = CONF_ORPHAN;
	sf->state = SUBFLOW_ESTABLISHED; /* unless a SYN says otherwise */
	track_adopt(t, c, sf);
}

/* The end that most likely opened a subflow whose SYN was not seen: the one with the higher port.
 */
static bool low_likely_opens(const struct flow_key *k)
{
	return k->ports >> 16 >= (k->ports & 0xffff);
}

static uint64_t connection_id(const struct subflow *sf, uint32_t seq)
{
	const struct flow_key *k = &sf->key;
	uint64_t h = track_mix(k->addr[0] ^ UINT64_C(0xa0761d6478bd642f),
	                       k->addr[2] ^ UINT64_C(0xe7037ed1a0b428db));

	h = track_mix(h ^ k->addr[1], k->addr[3] ^ UINT64_C(0x8ebc6af09c88c6e3));
	h = track_mix(h ^ k->ports, UINT64_C(0x589965cc75374cc3) ^ seq);
	return track_mix(h ^ sf->first_ns, UINT64_C(0x1d8e4e27c47d124f));
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
	if (!slots_ready(t))
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
	uint32_t be[4] = {htonl((uint32_t)(a[0] >> 32)), htonl((uint32_t)a[0]),
	                  htonl((uint32_t)(a[1] >> 32)), htonl((uint32_t)a[1])};
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
	t->seed[0] = track_mix(seed, UINT64_C(0x9e3779b97f4a7c15)) | 1;
	t->seed[1] =
		track_mix(seed ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3)) | 1;
	t->sink = *sink;
	t->max_subflows = (uint32_t)max_subflows;
	t->free_subflow = t->free_connection = NO_INDEX;
	t->budget.max = BUDGET_EXTENTS;
	for (t->n_buckets = 16; t->n_buckets < TRACK_BUCKETS_MAX && t->n_buckets < 2 * max_subflows;)
		t->n_buckets *= 2;
	memset(t->tokens, 0xff, t->n_buckets * sizeof(t->tokens[0]));
	memset(t->near_lows, 0xff, sizeof(t->near_lows));
	for (unsigned dir = 0; dir < 2; dir++)
		memset(t->near_highs[dir], 0xff, t->n_buckets * sizeof(t->near_highs[dir][0]));
	size_t chunks = max_subflows / TRACK_CHUNK + 2;
	t->subflows = calloc(chunks, sizeof(*t->subflows));
	t->connections = calloc(chunks, sizeof(*t->connections));
	t->n_subflow_chunks = chunks;
	if (!t->subflows || !t->connections || !slots_grow(t)) {
		track_free(t);
		return NULL;
	}
	return t;
}

void track_leave_spare(struct track *t)
{
	if (t->spare.in_use)
		subflow_leave(t, &t->spare);
}

void track_drain(struct track *t)
{
	for (uint32_t i = 0; i < t->high_subflow; i++) {
		struct subflow *sf = track_at(t, i);
		if (sf->in_use)
			subflow_free(t, sf);
		if (i % TRACK_CHUNK == TRACK_CHUNK - 1) { /* their rows need the room */
			free(t->subflows[i / TRACK_CHUNK]);
			t->subflows[i / TRACK_CHUNK] = NULL;
		}
	}
	t->high_subflow = t->hand = 0;
	t->free_subflow = NO_INDEX;
	track_leave_spare(t);
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
