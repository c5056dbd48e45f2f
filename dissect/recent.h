/* SPDX-License-Identifier: MIT
 *
 * recent.h - a bounded table of what was met lately: when it is full, what was not asked for the
 * longest time makes room.
 *
 * Keys come from strangers, so the hash is seeded. Values are of one size, zero when new.
 */
#ifndef DISSECT_RECENT_H
#define DISSECT_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_WORDS 5
struct recent_key {
	uint64_t words[RECENT_WORDS];
};

struct recent;

/* At most `most` entries of `value_size` bytes. NULL: out of memory. */
struct recent *recent_new(size_t most, size_t value_size, uint64_t seed);
void recent_free(struct recent *recent);

/* The value of a key, which is the newest from now on; NULL when it is not there. Good until the
 * next recent_put(). */
void *recent_find(struct recent *recent, const struct recent_key *key);

/* The same, made when it is not there. NULL: out of memory. */
void *recent_put(struct recent *recent, const struct recent_key *key);

#endif
