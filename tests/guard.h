/* SPDX-License-Identifier: MIT
 *
 * guard.h - bytes whose end is the end of readable memory: reading one more is a crash, not a
 * surprise.
 */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { GUARD_ROOM = 4096 };

struct guard {
	uint8_t *end;
};

/* end is NULL when there is no memory. */
static inline struct guard guard_new(void)
{
	uint8_t *map = mmap(NULL, 2 * GUARD_ROOM, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + GUARD_ROOM, GUARD_ROOM, PROT_NONE))
		return (struct guard){NULL};
	return (struct guard){map + GUARD_ROOM};
}

/* The bytes once more, flush against the guard. Good until the next call. */
static inline const uint8_t *guard_put(const struct guard *guard, const uint8_t *bytes, uint32_t n)
{
	return memcpy(guard->end - n, bytes, n);
}

static inline void guard_free(struct guard *guard)
{
	munmap(guard->end - GUARD_ROOM, 2 * GUARD_ROOM);
}

#endif
