/* SPDX-License-Identifier: MIT
 *
 * seqset.h - ranges of sequence space: which bytes were seen, and who carried them first.
 *
 * Positions are 64 bits and never wrap: the tracker unwraps 32-bit numbers before they come here.
 * Both sets are sorted arrays. In-order traffic keeps them at one range, and adding at the end
 * costs a few instructions. Memory is bounded: past its limit a set joins its lowest ranges, and
 * says so.
 */
#ifndef DISSECT_SEQSET_H
#define DISSECT_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Distance of two 32-bit sequence numbers, RFC 9293 section 3.4. */
static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* The 64-bit position nearest to `near` whose low 32 bits are `low`. */
static inline uint64_t seq_unwrap(uint32_t low, uint64_t near)
{
	return near + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)near);
}

struct seqrange {
	uint64_t start, end; /* [start, end) */
};

/* ---- bytes seen on one direction of a subflow ---- */

#define SEQSET_MAX 1024 /* ranges; more are joined from the lowest on */

struct seqset {
	struct seqrange last;   /* the highest range: nearly always the only one */
	struct seqrange *lower; /* owned; sorted, all below `last` */
	uint32_t n_lower, cap_lower;
};

void seqset_release(struct seqset *set);

/* The first part of [from, end) that is not in the set. False when there is none. */
bool seqset_gap(const struct seqset *set, uint64_t from, uint64_t end, struct seqrange *gap);

void seqset_add_slow(struct seqset *set, uint64_t start, uint64_t end);

static inline void seqset_add(struct seqset *set, uint64_t start, uint64_t end)
{
	if (start == set->last.end && set->last.start != set->last.end)
		set->last.end = end;
	else
		seqset_add_slow(set, start, end);
}

/* ---- data sequence numbers of one direction of a connection, with their carriers ---- */

/* How long a copy counts as sent together with the first (classification rule R11.4). */
#define DSN_RECENT_DS 100u /* tenths of a second */
#define DSN_SLOTS     31   /* carriers told apart at once; see dsnmap_forget() */
#define DSN_COLLAPSED (1u << 31)

struct dsn_extent {
	uint64_t start, end;
	uint32_t carriers; /* bit per subflow slot; DSN_COLLAPSED: joined to bound memory */
	uint32_t first_ds; /* tenths of a second since the capture's epoch; first seen */
};

/* Shared by all maps of a tracker, so that memory is bounded for any input. */
struct dsn_budget {
	size_t used, max; /* extents */
};

struct dsnmap {
	struct dsn_extent *extents; /* owned */
	uint32_t n, cap;
};

/* How the bytes of one range split. */
struct dsn_split {
	uint64_t fresh;     /* never carried before */
	uint64_t own;       /* this subflow carried them before */
	uint64_t recent;    /* another subflow did, at most 10 s ago */
	uint64_t old;       /* another subflow did, longer ago */
	uint64_t collapsed; /* of own, recent and old: judged against joined extents */
};

void dsnmap_release(struct dsnmap *map, struct dsn_budget *budget);

/* Subflow `slot` (0..DSN_SLOTS-1) carries [start, end) at `now_ds`. An end below the start lies
 * behind 2^64; the one byte at 2^64 - 1 then always counts as fresh. */
struct dsn_split dsnmap_carry_slow(struct dsnmap *map, struct dsn_budget *budget, uint64_t start,
                                   uint64_t end, unsigned slot, uint32_t now_ds);

static inline struct dsn_split dsnmap_carry(struct dsnmap *map, struct dsn_budget *budget,
                                            uint64_t start, uint64_t end, unsigned slot,
                                            uint32_t now_ds)
{
	struct dsn_extent *last = map->n ? &map->extents[map->n - 1] : NULL;

	if (last && start == last->end && start < end && last->carriers == 1u << slot &&
	    last->first_ds == now_ds) {
		last->end = end;
		return (struct dsn_split){.fresh = end - start};
	}
	return dsnmap_carry_slow(map, budget, start, end, slot, now_ds);
}

static inline bool dsnmap_ends_at(const struct dsnmap *map, uint64_t dsn)
{
	return map->n && map->extents[map->n - 1].end == dsn;
}

/* dsnmap_carry() of bytes that follow the highest extent, which is there. */
static inline void dsnmap_append(struct dsnmap *map, struct dsn_budget *budget, uint64_t bytes,
                                 unsigned slot, uint32_t now_ds)
{
	struct dsn_extent *last = &map->extents[map->n - 1];

	if (last->carriers == 1u << slot && last->first_ds == now_ds)
		last->end += bytes;
	else
		dsnmap_carry_slow(map, budget, last->end, last->end + bytes, slot, now_ds);
}

/* The subflow of `slot` is gone and the slot will be used again: what it carried was carried by
 * somebody else from now on. */
void dsnmap_forget(struct dsnmap *map, unsigned slot, unsigned somebody);

/* What is known of all positions is known of those `lift` above them, modulo 2^64. */
void dsnmap_lift(struct dsnmap *map, struct dsn_budget *budget, uint64_t lift);

/* ---- state.h; what is taken goes into an empty set. `near` is a position in it or close to it.
 * ---- */

struct state_in;
struct state_out;
void seqset_save(const struct seqset *set, struct state_out *out, uint64_t near);
void seqset_load(struct seqset *set, struct state_in *in, uint64_t near);
void dsnmap_save(const struct dsnmap *map, struct state_out *out, uint64_t near);
void dsnmap_load(struct dsnmap *map, struct dsn_budget *budget, struct state_in *in, uint64_t near);

#endif
