/* SPDX-License-Identifier: MIT
 *
 * coverage.c - see coverage.h.
 */
#include "coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* "2026-01-01 14:02:00 to 14:41:00": the day of the end only when it is another. */
static void say_span(char *out, size_t size, uint64_t from_ns, uint64_t to_ns)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];

	text_moment(a, from_ns);
	text_moment(b, to_ns);
	snprintf(out, size, "%.19s to %.19s", a, strncmp(a, b, 10) == 0 ? b + 11 : b);
	if (strncmp(a, b, 10) == 0)
		out[19 + 4 + 8] = '\0'; /* without the zone */
}

bool coverage_say(const struct coverage *coverage, enum span_state state, uint64_t start_ns,
                  uint64_t end_ns, char *out, size_t size)
{
	const struct coverage_gap *longest = NULL;
	uint64_t sum = 0;
	unsigned times = 0;
	char length[TEXT_SHORT], span[80];

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
	say_span(span, sizeof(span), longest->from_ns > start_ns ? longest->from_ns : start_ns,
	         longest->to_ns < end_ns ? longest->to_ns : end_ns);
	text_duration(length, sum);
	if (times == 1)
		snprintf(out, size, "%s %s, %s", span_names[state], length, span);
	else
		snprintf(out, size, "%s %u times, %s in all, the longest %s", span_names[state],
		         times, length, span);
	return true;
}

static const struct {
	const char *code, *words;
	bool refuted; /* by a complete capture */
} warnings[] = {
	{"hw_offload", "its device can carry packets past the kernel and the capture", true},
	{"stacked", "it lies on another recorded device, so its packets are there twice", false},
	{"bridge_port", "it is a port of a recorded bridge, so its packets are there twice", false},
	{"super_frames", NULL, false},    /* dissect reads them for what they are */
	{"no_link_headers", NULL, false}, /* so does it such devices */
};

const char *coverage_warning(const char *code, bool complete)
{
	for (size_t i = 0; i < sizeof(warnings) / sizeof(*warnings); i++)
		if (strcmp(warnings[i].code, code) == 0)
			return complete && warnings[i].refuted ? NULL : warnings[i].words;
	return "its recorder warns of something this program does not know";
}
