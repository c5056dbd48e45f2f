/* SPDX-License-Identifier: MIT
 *
 * clock.c - see clock.h.
 */
#include "clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t ask(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t system_real(void *context)
{
	(void)context;
	return ask(CLOCK_REALTIME);
}

static uint64_t system_mono(void *context)
{
	(void)context;
	return ask(CLOCK_BOOTTIME);
}

const struct clock clock_system = {system_real, system_mono, NULL};

int64_t clock_offset(const struct clock *clock)
{
	/* Whoever is interrupted between the two looks sees a small change: far below a step. */
	uint64_t mono = clock_mono(clock);

	return (int64_t)(clock_real(clock) - mono);
}
