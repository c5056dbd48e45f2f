/* SPDX-License-Identifier: MIT
 *
 * track_inside.h - what the four files of the tracker share and nobody else sees: tables of
 * subflows and connections (track.c), the indices that find connections (track_index.c), who is who
 * (track_identity.c), all of it as bytes (track_state.c).
 */
#ifndef DISSECT_TRACK_INSIDE_H
#define DISSECT_TRACK_INSIDE_H

#include "track.h"

enum {
	TRACK_CHUNK = 256,      /* subflows, connections per allocation */
	TRACK_BUCKETS_MAX = 1 << 17,
	TRACK_LOWS = 512,
	TRACK_SOMEBODY = DSN_SLOTS - 1, /* the slot that stands for all that have none */
};

struct slot {
	uint32_t tag; /* lower half of the hash: its place, and enough more to look at few others */
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

	/* Of a small tracker only the first buckets are in use, and the rest takes no memory: there
	 * are many trackers behind a server. */
	uint32_t n_buckets; /* of the first and the last; a power of two */
	uint32_t tokens[TRACK_BUCKETS_MAX];
	uint32_t near_lows[2][TRACK_LOWS], near_highs[2][TRACK_BUCKETS_MAX];
	struct dsn_budget budget;
	struct subflow *latest;
	struct subflow spare; /* stands in when memory is out; never found again */
	struct connection spare_connection;
};

static inline uint64_t track_mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline struct connection *track_connection_at(struct track *t, uint32_t i)
{
	return i == NO_INDEX ? &t->spare_connection
	                     : &t->connections[i / TRACK_CHUNK][i % TRACK_CHUNK];
}

/* track.c: the subflow belongs to the connection from now on; the connection has no subflow any
 * more. */
void track_adopt(struct track *track, struct connection *connection, struct subflow *subflow);
void track_free_connection(struct track *track, struct connection *connection);

/* Make place for subflow `index`, or the next connection, as they are before their birth; NULL when
 * there is no memory. */
struct subflow *track_place_subflow(struct track *track, uint32_t index);
struct connection *track_place_connection(struct track *track);

/* Into the table of 4-tuples. False: it is there already, or no memory. */
bool track_place_key(struct track *track, struct subflow *subflow);

/* track_index.c: connections by token ... */
void track_token_add(struct track *track, struct connection *connection, unsigned side,
                     uint32_t token);
void track_token_remove(struct track *track, struct connection *connection, unsigned side);

/* The newest live connection that knows this token; *side says whose it is. */
struct connection *track_token_find(struct track *track, uint32_t token, unsigned *side);

/* ... and by where their streams are (classification section 2, rule 4). */
void track_near_update(struct track *track, struct connection *connection, unsigned dir);
void track_near_remove(struct track *track, struct connection *connection);

/* Both indices, for state.h: of one connection, and the order in which tokens are found. */
void track_near_save(const struct connection *connection, struct state_out *out);
void track_near_load(struct track *track, struct connection *connection, struct state_in *in);
void track_tokens_save(struct track *track, struct state_out *out);
void track_tokens_load(struct track *track, struct state_in *in);

/* The one other live connection whose streams are where this one's are; NULL when there is none, or
 * more than one. */
struct connection *track_near_find(struct track *track, const struct connection *connection);

#endif
