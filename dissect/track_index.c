/* SPDX-License-Identifier: MIT */
#include "state.h"
#include "track_inside.h"

enum { NEAR_STEPS = 256 }; /* candidates looked at before a position counts as ambiguous */
#define NEAR_WIDE   (UINT64_C(1) << 31)
#define NEAR_NARROW (1 << 24)

/* ---- tokens ---- */

static uint32_t *token_head(struct track *t, uint32_t token)
{
	return &t->tokens[track_mix(token ^ t->seed[0], t->seed[1] | 1) & (t->n_buckets - 1)];
}

static struct chain_link *token_link(struct track *t, uint32_t number)
{
	return &track_connection_at(t, number / 2)->by_token[number % 2];
}

void track_token_remove(struct track *t, struct connection *c, unsigned side)
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

void track_token_add(struct track *t, struct connection *c, unsigned side, uint32_t token)
{
	uint32_t *head = token_head(t, token);

	/* A join may name another token than one before it: a link is in one chain only. */
	track_token_remove(t, c, side);
	c->has_token[side] = true;
	c->token[side] = token;
	c->by_token[side] = (struct chain_link){*head, NO_INDEX};
	if (*head != NO_INDEX)
		token_link(t, *head)->prev = c->index * 2 + side;
	*head = c->index * 2 + side;
}

struct connection *track_token_find(struct track *t, uint32_t token, unsigned *side)
{
	for (uint32_t link = *token_head(t, token); link != NO_INDEX;) {
		struct connection *c = track_connection_at(t, link / 2);
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

/* Buckets by the lower 32 bits come twice: first for streams of which no more is known, then for
 * the others. */
static uint32_t near_low(uint64_t at, bool wide)
{
	return (uint32_t)at >> 24 | (wide ? 256 : 0);
}

static uint32_t near_high(const struct track *t, uint64_t at)
{
	return (uint32_t)(track_mix((at >> 32) ^ t->seed[0], t->seed[1] | 1) & (t->n_buckets - 1));
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
		track_connection_at(t, link->prev)->near[chain].next = link->next;
	if (link->next != NO_INDEX)
		track_connection_at(t, link->next)->near[chain].prev = link->prev;
	c->near_bucket[chain] = NO_INDEX;
}

void track_near_remove(struct track *t, struct connection *c)
{
	for (unsigned chain = 0; chain < 4; chain++)
		near_unlink(t, c, chain);
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
		track_connection_at(t, *head)->near[chain].prev = c->index;
	*head = c->index;
}

void track_near_update(struct track *t, struct connection *c, unsigned dir)
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

void track_moved(struct track *t, struct connection *c)
{
	track_near_update(t, c, 0);
	track_near_update(t, c, 1);
}

static bool positions_agree(const struct data_stream *a, const struct data_stream *b,
                            bool *compared)
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
		struct connection *other = track_connection_at(t, i);
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

static bool near_look_low(struct track *t, struct near_search *search, unsigned dir, uint64_t at,
                          bool wide)
{
	for (int around = -1; around <= 1; around++)
		if (!near_look(t, search, 2 * dir,
		               near_low(at + (uint64_t)around * NEAR_NARROW, wide)))
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

/* A wide position belongs to a connection with wide ones, or else to one of which only the lower
 * halves are known. */
static bool near_look_around(struct track *t, struct near_search *search, unsigned dir, uint64_t at,
                             bool wide)
{
	if (wide && !near_look_high(t, search, dir, at))
		return false;
	if (wide && search->found)
		return true;
	return near_look_low(t, search, dir, at, false) &&
	       (wide || near_look_low(t, search, dir, at, true));
}

struct connection *track_near_find(struct track *t, const struct connection *c)
{
	struct near_search search = {.of = c};

	for (unsigned dir = 0; dir < 2; dir++) {
		uint64_t at;
		bool wide;
		if (position(&c->stream[dir], &at, &wide) &&
		    !near_look_around(t, &search, dir, at, wide))
			return NULL;
	}
	return search.found;
}

/* ---- state ---- */

/* The mark that track_near_update() would leave now; mostly it is there already. */
static uint64_t near_mark(const struct data_stream *s)
{
	uint64_t at;
	bool wide;

	return position(s, &at, &wide) ? (at >> 24) * 2 + wide + 1 : 0;
}

void track_near_save(const struct connection *c, struct state_out *out)
{
	for (unsigned dir = 0; dir < 2; dir++)
		state_put_near(out, c->near_mark[dir], near_mark(&c->stream[dir]));
	for (unsigned chain = 0; chain < 4; chain++)
		state_put(out, c->near_bucket[chain] == NO_INDEX ? 0 : c->near_bucket[chain] + 1u);
}

void track_near_load(struct track *t, struct connection *c, struct state_in *in)
{
	for (unsigned dir = 0; dir < 2; dir++)
		c->near_mark[dir] = state_take_near(in, near_mark(&c->stream[dir]));
	for (unsigned chain = 0; chain < 4; chain++) {
		uint64_t place = state_take(in, chain % 2 ? t->n_buckets : TRACK_LOWS);

		if (place)
			near_link(t, c, chain, (uint32_t)place - 1);
	}
}

static uint32_t chain_end(struct track *t, uint32_t number)
{
	while (token_link(t, number)->next != NO_INDEX)
		number = token_link(t, number)->next;
	return number;
}

/* Of two connections with one token the newer is found, so they come back in the order in which
 * they came. */
void track_tokens_save(struct track *t, struct state_out *out)
{
	for (uint32_t bucket = 0; bucket < t->n_buckets; bucket++) {
		if (t->tokens[bucket] == NO_INDEX)
			continue;
		for (uint32_t i = chain_end(t, t->tokens[bucket]); i != NO_INDEX;
		     i = token_link(t, i)->prev)
			state_put(out, i);
	}
}

void track_tokens_load(struct track *t, struct state_in *in)
{
	size_t left = 0;

	for (uint32_t i = 0; i < t->high_connection; i++)
		left += (size_t)track_connection_at(t, i)->has_token[0] +
		        track_connection_at(t, i)->has_token[1];
	/* `prev` of its own number says: not in a chain yet */
	for (uint32_t i = 0; i < 2 * t->high_connection; i++)
		*token_link(t, i) = (struct chain_link){NO_INDEX, i};
	while (left-- > 0 && !in->damaged) {
		uint64_t number = state_take(in, UINT32_MAX);
		struct connection *c = number / 2 < t->high_connection
		                               ? track_connection_at(t, (uint32_t)number / 2)
		                               : NULL;
		unsigned side = number % 2;

		if (!c || !c->has_token[side] || c->by_token[side].prev != number)
			state_refuse(in);
		else
			track_token_add(t, c, side, c->token[side]);
	}
}
