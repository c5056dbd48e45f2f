/* SPDX-License-Identifier: MIT
 *
 * recordings.c - see recordings.h.
 */
#include "recordings.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* When a file began, on the clock that nobody sets. */
static int64_t began_boot_ns(const struct input *input)
{
	uint64_t real = input->recording.began_ns;
	int64_t boot;

	if (input->has_head && (real == 0 || input->first_ns < real))
		real = input->first_ns;
	return __builtin_sub_overflow((int64_t)real, input->recording.offset_ns, &boot) ? INT64_MIN
	                                                                                : boot;
}

static bool has_clock(const struct input *input)
{
	return input->recording.told && input->recording.boot[0];
}

/* By boot, and in it from the latest beginning on. */
static int by_boot(const void *one, const void *other)
{
	const struct input *a = *(const struct input *const *)one;
	const struct input *b = *(const struct input *const *)other;
	int order = strcmp(a->recording.boot, b->recording.boot);
	int64_t began_a = began_boot_ns(a), began_b = began_boot_ns(b);

	if (order != 0)
		return order;
	if (began_a != began_b)
		return began_a > began_b ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* Of one WAN, in the order of its numbers. */
static int by_sequence(const void *one, const void *other)
{
	const struct input *a = *(const struct input *const *)one;
	const struct input *b = *(const struct input *const *)other;

	if (a->row->wan != b->row->wan)
		return a->row->wan < b->row->wan ? -1 : 1;
	if (a->recording.sequence != b->recording.sequence)
		return a->recording.sequence < b->recording.sequence ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void set_clock(struct input *input, const struct input *newest)
{
	int64_t shift;

	if (__builtin_sub_overflow(newest->recording.offset_ns, input->recording.offset_ns,
	                           &shift) ||
	    (shift <= CLOCK_STEP_NS && shift >= -CLOCK_STEP_NS) || shift > INT64_MAX / 2 ||
	    shift < -(INT64_MAX / 2))
		return;
	input->clock_shift_ns = shift;
	if (input->has_head) {
		input->first_ns = recording_shifted(input->first_ns, shift);
		input->head.frame.ts_ns = recording_shifted(input->head.frame.ts_ns, shift);
	}
}

/* The clock of a router without a battery is set when it has found the Internet: what it stamped
 * before is moved. All files of a boot by the clock of the one that began last. */
static void set_clocks(struct input **recorded, size_t n)
{
	qsort(recorded, n, sizeof(*recorded), by_boot);
	for (size_t i = 0, newest = 0; i < n; i++) {
		if (strcmp(recorded[i]->recording.boot, recorded[newest]->recording.boot) != 0)
			newest = i;
		if (recorded[i]->seekable)
			set_clock(recorded[i], recorded[newest]);
	}
}

/* How the files of a WAN follow one another: what lacks, and where the clock was set. */
static void tell_sequence(struct roster *roster, const struct input *before,
                          const struct input *after)
{
	uint32_t wan = after->row->wan;
	struct frame_recording *recording = roster_recording(roster, wan);
	uint64_t step = after->recording.sequence - before->recording.sequence;
	int64_t by_ns = after->recording.offset_ns - before->recording.offset_ns;

	if (recording && step > 1 && step < UINT32_MAX && !before->place && !after->place)
		recording->missing += step - 1;
	if (before->clock_shift_ns == after->clock_shift_ns ||
	    strcmp(before->recording.boot, after->recording.boot) != 0)
		return;
	uint64_t at = after->recording.began_ns;
	if (after->has_head)
		at = after->first_ns;
	else
		at = recording_shifted(at, after->clock_shift_ns);
	roster_step(roster, wan, at, by_ns);
}

/* A clock that was never set in a boot may name times that another boot has named already. Then
 * all of a boot is read before the next: `epoch` is its place. */
static void order_boots(struct input **recorded, size_t n)
{
	bool confused = false;
	uint32_t epoch = 0;

	for (size_t i = 1; i < n; i++)
		confused |=
			recorded[i]->row->wan == recorded[i - 1]->row->wan &&
			recorded[i]->has_head && recorded[i - 1]->has_head &&
			recorded[i]->first_ns < recorded[i - 1]->first_ns &&
			strcmp(recorded[i]->recording.boot, recorded[i - 1]->recording.boot) != 0;
	if (!confused)
		return;
	for (size_t i = 0; i < n; i++) {
		/* a boot that an earlier WAN has met keeps its place */
		for (size_t k = i; k-- > 0 && recorded[i]->epoch == 0;)
			if (strcmp(recorded[k]->recording.boot, recorded[i]->recording.boot) == 0)
				recorded[i]->epoch = recorded[k]->epoch;
		if (recorded[i]->epoch == 0)
			recorded[i]->epoch = ++epoch;
	}
}

/* Frames of a WAN come in the order of its files but for what two processors took at once. */
#define ORDER_NS 1000000000ull

static bool same_series(const struct input *a, const struct input *b)
{
	return a->row->wan == b->row->wan && strcmp(a->recording.boot, b->recording.boot) == 0;
}

static bool begins_after(const struct input *input, uint64_t ns)
{
	return input->has_head && !input->several && input->first_ns >= ns &&
	       input->first_ns - ns >= ORDER_NS;
}

static bool begins_before(const struct input *input, uint64_t ns)
{
	return input->has_head && !input->several && input->first_ns <= ns &&
	       ns - input->first_ns >= ORDER_NS;
}

static void set_aside(struct input *input, enum input_place place)
{
	if (input->several)
		return;
	input->place = place;
	input->row->outside = true;
	input->row->first_ns = input->row->last_ns = input->has_head ? input->first_ns : 0;
}

/* A file ends where the next of its series begins. So what follows one that begins behind the time
 * asked for lies behind it, and what precedes one that begins before that time lies before it. */
static void set_places(struct input **recorded, size_t n, uint64_t since_ns, uint64_t until_ns)
{
	const struct input *mark = NULL;

	for (size_t i = 0; until_ns && i < n; i++) {
		if (mark && same_series(mark, recorded[i]))
			set_aside(recorded[i], INPUT_BEHIND);
		else
			mark = begins_after(recorded[i], until_ns) ? recorded[i] : NULL;
	}
	mark = NULL;
	for (size_t i = n; since_ns && i-- > 0;) {
		if (mark && same_series(mark, recorded[i]))
			set_aside(recorded[i], INPUT_BEFORE);
		else
			mark = begins_before(recorded[i], since_ns) ? recorded[i] : NULL;
	}
}

bool recordings_settle(struct inputs *inputs, struct roster *roster, uint64_t since_ns,
                       uint64_t until_ns)
{
	struct input **recorded = calloc(inputs->n + 1, sizeof(*recorded));
	size_t n = 0;

	if (!recorded)
		return false;
	for (size_t i = 0; i < inputs->n; i++)
		if (has_clock(&inputs->list[i]))
			recorded[n++] = &inputs->list[i];
	set_clocks(recorded, n);
	qsort(recorded, n, sizeof(*recorded), by_sequence);
	set_places(recorded, n, since_ns, until_ns);
	for (size_t i = 1; i < n; i++)
		if (recorded[i]->row->wan == recorded[i - 1]->row->wan && !recorded[i]->several)
			tell_sequence(roster, recorded[i - 1], recorded[i]);
	order_boots(recorded, n);
	free(recorded);
	return true;
}
