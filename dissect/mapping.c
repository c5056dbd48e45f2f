/* SPDX-License-Identifier: MIT */
#include "mapping.h"

#include <stdlib.h>

#include "state.h"

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

void mapping_keep(struct half *h, const struct mapping *m)
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
const struct mapping *mapping_at(const struct half *h, uint64_t at)
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
void mappings_place(struct half *h)
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
void mappings_save(const struct half *h, uint64_t dsn, struct state_out *out)
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

void mappings_load(struct half *h, uint64_t dsn, struct state_in *in)
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
