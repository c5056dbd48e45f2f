/* SPDX-License-Identifier: MIT
 *
 * coverage.c - see coverage.h.
 */
#include "coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

/* Ending one file and beginning the next takes less. */
#define HOLE_NS 1000000000u
/* Shorter gaps are those of a recorder that has just been started: in the JSON only. */
#define TOLD_NS 1000000000u

static void push(struct coverage *coverage, enum span_state state, uint64_t from_ns, uint64_t to_ns,
                 uint64_t lost)
{
	struct coverage_gap *last = coverage->n_gaps ? &coverage->gaps[coverage->n_gaps - 1] : NULL;

	if (to_ns <= from_ns)
		return;
	if (last && last->state == state && last->to_ns == from_ns) {
		last->to_ns = to_ns;
		last->lost_frames += lost;
		return;
	}
	coverage->gaps[coverage->n_gaps++] = (struct coverage_gap){from_ns, to_ns, lost, state};
}

/* The gaps that have a name. Where two overlap, the one that began first goes on. */
static void push_named(struct coverage *coverage, const struct ledger_record *record)
{
	uint64_t reach = 0;

	for (size_t i = 0; i < record->n_spans; i++) {
		const struct ledger_span *span = &record->spans[i];

		if (span->state == SPAN_COVERED)
			continue;
		push(coverage, (enum span_state)span->state,
		     span->from_ns > reach ? span->from_ns : reach, span->to_ns, span->lost_frames);
		if (span->to_ns > reach)
			reach = span->to_ns;
	}
}

/* What nothing is told of, from `from_ns` to `to_ns`. */
static void push_holes(struct coverage *coverage, const struct ledger_record *record,
                       uint64_t from_ns, uint64_t to_ns)
{
	uint64_t reach = from_ns;

	for (size_t i = 0; i < record->n_spans; i++) {
		const struct ledger_span *span = &record->spans[i];

		if (span->from_ns > reach + HOLE_NS)
			push(coverage, SPAN_STOPPED, reach, span->from_ns, 0);
		if (span->to_ns > reach)
			reach = span->to_ns;
	}
	if (to_ns > reach + HOLE_NS)
		push(coverage, SPAN_STOPPED, reach, to_ns, 0);
}

static int gap_order(const void *a, const void *b)
{
	const struct coverage_gap *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static uint64_t within(const struct coverage_gap *gap, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from = gap->from_ns > start_ns ? gap->from_ns : start_ns;
	uint64_t to = gap->to_ns < end_ns ? gap->to_ns : end_ns;

	return to > from ? to - from : 0;
}

static void count_judged(struct coverage *coverage, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t left = end_ns - start_ns;

	for (size_t i = 0; i < coverage->n_gaps; i++) {
		uint64_t part = within(&coverage->gaps[i], start_ns, end_ns);

		coverage->judged_ns[coverage->gaps[i].state] += part;
		left -= part < left ? part : left;
	}
	coverage->judged_ns[SPAN_COVERED] = left;
}

bool coverage_fill(struct coverage *coverage, const struct ledger_wan *wan, uint64_t start_ns,
                   uint64_t end_ns)
{
	const struct ledger_record *record = wan->record;

	*coverage = (struct coverage){.until_ns = UINT64_MAX};
	if (!record || record->n_spans == 0)
		return true;
	coverage->gaps = calloc(2 * record->n_spans + 2, sizeof(*coverage->gaps));
	if (!coverage->gaps)
		return false;
	coverage->recorded = true;
	coverage->from_ns = record->spans[0].from_ns;
	for (size_t i = 0; i < record->n_spans; i++)
		if (record->spans[i].to_ns > coverage->to_ns)
			coverage->to_ns = record->spans[i].to_ns;
	if (record->n_spans == LEDGER_SPANS_MAX)
		coverage->until_ns = record->spans[LEDGER_SPANS_MAX - 1].from_ns;
	push_named(coverage, record);
	push_holes(coverage, record, start_ns < coverage->from_ns ? start_ns : coverage->from_ns,
	           end_ns);
	if (coverage->n_gaps > 1)
		qsort(coverage->gaps, coverage->n_gaps, sizeof(*coverage->gaps), gap_order);
	if (start_ns <= end_ns)
		count_judged(coverage, start_ns, end_ns);
	return true;
}

void coverage_release(struct coverage *coverage)
{
	free(coverage->gaps);
	*coverage = (struct coverage){0};
}

static const enum message states[SPAN_COUNT] = {
	[SPAN_COVERED] = MESSAGE_state_covered, [SPAN_ABSENT] = MESSAGE_state_absent,
	[SPAN_DOWN] = MESSAGE_state_down,       [SPAN_SUSPENDED] = MESSAGE_state_suspended,
	[SPAN_STOPPED] = MESSAGE_state_stopped,
};

bool coverage_say(const struct coverage *coverage, enum span_state state, uint64_t start_ns,
                  uint64_t end_ns, char *out, size_t size)
{
	const struct coverage_gap *longest = NULL;
	uint64_t sum = 0;
	unsigned times = 0;
	char length[TEXT_SHORT], span[MESSAGE_TIME], name[40], count[TEXT_SHORT];

	out[0] = '\0';
	for (size_t i = 0; i < coverage->n_gaps; i++) {
		const struct coverage_gap *gap = &coverage->gaps[i];
		uint64_t part = gap->state == state ? within(gap, start_ns, end_ns) : 0;

		if (part < TOLD_NS)
			continue;
		sum += part;
		times++;
		if (!longest || part > within(longest, start_ns, end_ns))
			longest = gap;
	}
	if (!longest)
		return false;
	message_span(span, longest->from_ns > start_ns ? longest->from_ns : start_ns,
	             longest->to_ns < end_ns ? longest->to_ns : end_ns);
	text_duration(length, sum);
	message_say(name, sizeof(name), states[state], (const char *const[]){NULL});
	if (times == 1)
		SAY(out, size, span_once, name, length, span);
	else
		SAY(out, size, span_several, name, text_count(count, times), length, span);
	return true;
}

static const struct {
	const char *code;
	enum message message; /* MESSAGE_COUNT: it makes no number wrong */
	bool refuted;         /* by a complete capture */
} warnings[] = {
	{"hw_offload", MESSAGE_warning_hw_offload, true},
	{"stacked", MESSAGE_warning_stacked, false},
	{"bridge_port", MESSAGE_warning_bridge_port, false},
	{"super_frames", MESSAGE_COUNT, false},    /* dissect reads them for what they are */
	{"no_link_headers", MESSAGE_COUNT, false}, /* so does it such devices */
};

bool coverage_warning(const char *code, bool complete, char *out, size_t size)
{
	enum message message = MESSAGE_warning_unknown;

	for (size_t i = 0; i < sizeof(warnings) / sizeof(*warnings); i++)
		if (strcmp(warnings[i].code, code) == 0)
			message = complete && warnings[i].refuted ? MESSAGE_COUNT
			                                          : warnings[i].message;
	out[0] = '\0';
	if (message != MESSAGE_COUNT)
		message_say(out, size, message, (const char *const[]){NULL});
	return out[0] != '\0';
}
