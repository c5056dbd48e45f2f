/* SPDX-License-Identifier: MIT */
#include "kin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "digest.h"

#define ROOM_FIRST 256

struct kin {
	uint64_t seed[2];
	struct kin_subflow *subflows;
	struct kin_key *keys;
	size_t n_subflows, cap_subflows, n_keys, cap_keys;
	enum kin_answer trouble;
};

struct kin *kin_new(void)
{
	struct kin *kin = calloc(1, sizeof(*kin));

	if (kin && getrandom(kin->seed, sizeof(kin->seed), GRND_NONBLOCK) != sizeof(kin->seed))
		kin->seed[0] = (uint64_t)(uintptr_t)kin; /* early boot: as in pipeline.c */
	if (kin)
		kin->seed[0] |= 1;
	return kin;
}

void kin_free(struct kin *kin)
{
	if (!kin)
		return;
	free(kin->subflows);
	free(kin->keys);
	free(kin);
}

/* Room for one more; NULL and the trouble noted when there is none. */
static void *more(struct kin *kin, void *rows, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return rows;
	size_t wanted = *cap ? *cap * 2 : ROOM_FIRST;
	void *larger = wanted > KIN_MOST ? NULL : realloc(rows, wanted * size);

	if (!larger) {
		kin->trouble = wanted > KIN_MOST ? KIN_TOO_MANY : KIN_NO_MEMORY;
		return NULL;
	}
	*cap = wanted;
	return larger;
}

/* ---- noting ---- */

void kin_note_key(struct kin *kin, int version, const uint8_t key[8])
{
	int first = version == 1 ? 1 : 0, last = version == 0 ? 0 : 1;

	for (int v = first; v <= last && version <= 1; v++) {
		struct kin_key *rows =
			more(kin, kin->keys, kin->n_keys, &kin->cap_keys, sizeof(*rows));

		if (!rows)
			return;
		kin->keys = rows;
		struct kin_key *row = &rows[kin->n_keys++];
		*row = (struct kin_key){.version = (int8_t)v, .token = digest_token(v, key)};
		memcpy(row->key, key, sizeof(row->key));
	}
}

void kin_note(struct kin *kin, const struct subflow *sf, const struct connection *c)
{
	struct kin_subflow *rows;

	if (!sf->mptcp)
		return;
	rows = more(kin, kin->subflows, kin->n_subflows, &kin->cap_subflows, sizeof(*rows));
	if (!rows)
		return;
	kin->subflows = rows;
	struct kin_subflow *row = &rows[kin->n_subflows++];
	*row = (struct kin_subflow){
		.hash = track_flow_hash(&sf->key, kin->seed),
		.first_ns = sf->first_ns,
		.last_ns = sf->last_ns,
		.version = c->version <= 1 ? c->version : -1,
		.low_opens = sf->low_opens,
		.flip = sf->flip,
	};
	for (unsigned i = 0; i < 2; i++) {
		row->dsn[i] = c->stream[i].dsn;
		row->wide[i] = c->stream[i].has_dsn && c->stream[i].wide;
		row->has_key[i] = c->has_key[i];
		memcpy(row->key[i], c->key[i], sizeof(row->key[i]));
		row->nonce[i] = sf->nonce[i];
		row->has_nonce[i] = sf->nonce_known[i];
	}
}

/* ---- finding ---- */

static int order_subflows(const void *one, const void *other)
{
	const struct kin_subflow *a = one, *b = other;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->first_ns < b->first_ns ? -1 : a->first_ns > b->first_ns;
}

static int order_keys(const void *one, const void *other)
{
	const struct kin_key *a = one, *b = other;

	if (a->token != b->token)
		return a->token < b->token ? -1 : 1;
	return a->version != b->version ? a->version - b->version
	                                : memcmp(a->key, b->key, sizeof(a->key));
}

enum kin_answer kin_seal(struct kin *kin)
{
	if (kin->n_subflows)
		qsort(kin->subflows, kin->n_subflows, sizeof(*kin->subflows), order_subflows);
	if (kin->n_keys)
		qsort(kin->keys, kin->n_keys, sizeof(*kin->keys), order_keys);
	return kin->trouble;
}

void kin_each(struct kin *kin, void (*visit)(void *, struct kin_subflow *), void *context)
{
	for (size_t i = 0; i < kin->n_subflows; i++)
		visit(context, &kin->subflows[i]);
}

/* The first that does not lie before (hash, ts_ns + 1): the one wanted is the one before it. */
static size_t behind(const struct kin *kin, uint64_t hash, uint64_t ts_ns)
{
	size_t low = 0, high = kin->n_subflows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct kin_subflow *row = &kin->subflows[middle];

		if (row->hash < hash || (row->hash == hash && row->first_ns <= ts_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct kin_subflow *kin_find(const struct kin *kin, const struct segment *segment,
                                   uint64_t ts_ns, unsigned *dir)
{
	struct flow_key key;
	bool from_low = track_flow_key(&key, segment);
	uint64_t hash = track_flow_hash(&key, kin->seed);
	size_t at = behind(kin, hash, ts_ns);

	if (at > 0 && kin->subflows[at - 1].hash == hash)
		at--;
	else if (at == kin->n_subflows || kin->subflows[at].hash != hash)
		return NULL;
	*dir = from_low == kin->subflows[at].low_opens ? 0 : 1;
	return &kin->subflows[at];
}

const struct kin_key *kin_token(const struct kin *kin, uint32_t token)
{
	size_t low = 0, high = kin->n_keys;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kin->keys[middle].token < token)
			low = middle + 1;
		else
			high = middle;
	}
	return low < kin->n_keys && kin->keys[low].token == token ? &kin->keys[low] : NULL;
}
