/* SPDX-License-Identifier: MIT
 *
 * clock.h - what time it is, for the recorder: real time names and stamps, monotonic time decides.
 *
 * A struct, so that tests may bring a clock of their own. Readers of captures never ask one.
 */
#ifndef CAPTURE_CLOCK_H
#define CAPTURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Both in ns. `real` is CLOCK_REALTIME and may jump; `mono` is CLOCK_BOOTTIME and never does. */
struct clock {
	uint64_t (*real)(void *context);
	uint64_t (*mono)(void *context);
	void *context;
};

extern const struct clock clock_system;

static inline uint64_t clock_real(const struct clock *clock)
{
	return clock->real(clock->context);
}

static inline uint64_t clock_mono(const struct clock *clock)
{
	return clock->mono(clock->context);
}

/* How far real time runs ahead of monotonic time. It changes by slewing, a little, and by steps. */
int64_t clock_offset(const struct clock *clock);

/* Smaller changes of the offset between two looks are slewing, not a step. */
#define CLOCK_STEP_NS 200000000

#endif
