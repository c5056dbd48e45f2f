/* SPDX-License-Identifier: MIT
 *
 * recent.c - see recent.h.
 */
#include "recent.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 64 };
#define NONE UINT32_MAX

struct entry {
	struct recent_key key;
	uint32_t chain;        /* next of the same bucket */
	uint32_t newer, older; /* by use */
};

struct recent {
	size_t most, value_size;
	uint64_t seed;
	struct entry *entries; /* owned; n in use of cap */
	uint8_t *values;       /* owned, alike */
	uint32_t *buckets;     /* owned; cap of them, a power of two */
	size_t n, cap;
	uint32_t newest, oldest;
};

static uint32_t bucket_of(const struct recent *r, const struct recent_key *key)
{
	uint64_t h = r->seed;

	for (unsigned i = 0; i < RECENT_WORDS; i++) {
		h = (h ^ key->words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)(h >> 20) & (uint32_t)(r->cap - 1);
}

struct recent *recent_new(size_t most, size_t value_size, uint64_t seed)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->most = most < NONE ? most : NONE - 1;
	r->value_size = value_size;
	r->seed = seed;
	r->newest = r->oldest = NONE;
	return r;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	free(r->entries);
	free(r->values);
	free(r->buckets);
	free(r);
}

static void hang(struct recent *r, uint32_t at)
{
	uint32_t *bucket = &r->buckets[bucket_of(r, &r->entries[at].key)];

	r->entries[at].chain = *bucket;
	*bucket = at;
}

static void unhang(struct recent *r, uint32_t at)
{
	uint32_t *link = &r->buckets[bucket_of(r, &r->entries[at].key)];

	while (*link != at)
		link = &r->entries[*link].chain;
	*link = r->entries[at].chain;
}

static void unlink_use(struct recent *r, uint32_t at)
{
	const struct entry *e = &r->entries[at];

	if (e->newer == NONE)
		r->newest = e->older;
	else
		r->entries[e->newer].older = e->older;
	if (e->older == NONE)
		r->oldest = e->newer;
	else
		r->entries[e->older].newer = e->newer;
}

static void make_newest(struct recent *r, uint32_t at)
{
	struct entry *e = &r->entries[at];

	e->newer = NONE;
	e->older = r->newest;
	if (r->newest != NONE)
		r->entries[r->newest].newer = at;
	r->newest = at;
	if (r->oldest == NONE)
		r->oldest = at;
}

static bool grow(struct recent *r)
{
	size_t cap = r->cap ? r->cap * 2 : FIRST;
	struct entry *entries = realloc(r->entries, cap * sizeof(*entries));

	if (entries)
		r->entries = entries;
	uint8_t *values = realloc(r->values, cap * r->value_size);
	if (values)
		r->values = values;
	uint32_t *buckets = malloc(cap * sizeof(*buckets));
	if (!entries || !values || !buckets) {
		free(buckets);
		return false;
	}
	memset(buckets, 0xff, cap * sizeof(*buckets));
	free(r->buckets);
	r->buckets = buckets;
	r->cap = cap;
	for (uint32_t i = 0; i < r->n; i++)
		hang(r, i);
	return true;
}

void *recent_find(struct recent *r, const struct recent_key *key)
{
	if (r->n == 0)
		return NULL;
	uint32_t at = r->buckets[bucket_of(r, key)];

	while (at != NONE && memcmp(&r->entries[at].key, key, sizeof(*key)) != 0)
		at = r->entries[at].chain;
	if (at == NONE)
		return NULL;
	if (at != r->newest) {
		unlink_use(r, at);
		make_newest(r, at);
	}
	return r->values + at * r->value_size;
}

void *recent_put(struct recent *r, const struct recent_key *key)
{
	void *value = recent_find(r, key);
	uint32_t at;

	if (value)
		return value;
	if (r->n == r->most) {
		at = r->oldest;
		unhang(r, at);
		unlink_use(r, at);
	} else {
		if (r->n == r->cap && !grow(r))
			return NULL;
		at = (uint32_t)r->n++;
	}
	r->entries[at].key = *key;
	hang(r, at);
	make_newest(r, at);
	value = r->values + at * r->value_size;
	memset(value, 0, r->value_size);
	return value;
}
