/* SPDX-License-Identifier: MIT
 *
 * counted.c - see counted.h.
 */
#include "counted.h"

#include <stdlib.h>
#include <string.h>

/* No ring holds a frame back for so long. */
#define LATE_NS 1000000000ull

static void sum_add(struct counted_sum *into, const struct counted_sum *from)
{
	into->frames += from->frames;
	into->bytes += from->bytes;
}

static void sum_move(struct counted_sum *into, struct counted_sum *from)
{
	sum_add(into, from);
	*from = (struct counted_sum){0};
}

bool counted_note(struct counted *c, const struct counted_note *note)
{
	if (c->first.at_ns == 0) {
		/* what came before stood there already */
		sum_move(&c->before, &c->beyond);
		c->first = c->settled = c->latest = *note;
		return true;
	}
	if (note->ifindex != c->first.ifindex || note->at_ns < c->latest.at_ns ||
	    note->frames < c->latest.frames || note->bytes < c->latest.bytes ||
	    note->dropped < c->latest.dropped)
		return false;
	if (note->at_ns - c->latest.at_ns >= LATE_NS) {
		sum_move(&c->to_settled, &c->to_latest);
		c->settled = c->latest;
	}
	sum_move(&c->to_latest, &c->beyond);
	c->latest = *note;
	return true;
}

bool counted_keep(struct counted_list *list, const struct counted *counted)
{
	if (counted->first.at_ns == 0)
		return true;
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 8;
		struct counted *rows = realloc(list->rows, cap * sizeof(*rows));

		if (!rows)
			return false;
		list->rows = rows;
		list->cap = cap;
	}
	list->rows[list->n++] = *counted;
	return true;
}

static int by_sequence(const void *one, const void *other)
{
	const struct counted *a = one, *b = other;
	int order = strncmp(a->boot, b->boot, sizeof(a->boot));

	if (order != 0)
		return order;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	return (a->first.at_ns > b->first.at_ns) - (a->first.at_ns < b->first.at_ns);
}

/* Does `b` go on where `a` ended, in the next file? */
static bool goes_on(const struct counted *a, const struct counted *b)
{
	return a->boot[0] && strncmp(a->boot, b->boot, sizeof(a->boot)) == 0 && a->closes &&
	       a->whole && !a->final && b->opens && b->sequence == a->sequence + 1 &&
	       b->first.ifindex == a->latest.ifindex && b->first.frames >= a->latest.frames &&
	       b->first.bytes >= a->latest.bytes;
}

bool counted_join(struct counted *into, const struct counted *next)
{
	struct counted_sum settled = into->to_settled;
	uint64_t dropped = into->dropped;

	if (!goes_on(into, next))
		return false;
	sum_add(&settled, &into->to_latest);
	sum_add(&settled, &into->beyond);
	sum_add(&settled, &next->before);
	sum_add(&settled, &next->to_settled);
	into->sequence = next->sequence;
	into->closes = next->closes;
	into->whole = next->whole;
	into->final = next->final;
	into->settled = next->settled;
	into->latest = next->latest;
	into->to_settled = settled;
	into->to_latest = next->to_latest;
	into->beyond = next->beyond;
	/* each file counts its drops from its own beginning */
	into->settled.dropped += dropped;
	into->latest.dropped += dropped;
	into->dropped += next->dropped;
	return true;
}

/* A sum stays one whatever a file claims. */
static void grow(uint64_t *sum, uint64_t more)
{
	*sum = more > INT64_MAX - *sum ? INT64_MAX : *sum + more;
}

/* One stretch, of the files from `first` to `last`. */
static void fold_stretch(const struct counted *first, const struct counted *last,
                         struct frame_recording *recording)
{
	const struct counted_note *end = last->final ? &last->latest : &last->settled;
	struct counted_sum sum = {0};
	uint64_t dropped = end->dropped - (first == last ? first->first.dropped : 0);

	for (const struct counted *c = first; c <= last; c++) {
		if (c != first)
			sum_add(&sum, &c->before);
		sum_add(&sum, &c->to_settled);
		if (c != last || last->final)
			sum_add(&sum, &c->to_latest);
		if (c == last)
			break;
		sum_add(&sum, &c->beyond);
		dropped += c->dropped - (c == first ? first->first.dropped : 0);
	}
	if (first == last && end->at_ns == first->first.at_ns)
		return; /* one note only */
	grow(&recording->kernel_frames, end->frames - first->first.frames);
	grow(&recording->kernel_bytes, end->bytes - first->first.bytes);
	grow(&recording->counted_frames, sum.frames);
	grow(&recording->counted_bytes, sum.bytes);
	grow(&recording->counted_dropped, dropped);
	recording->counted_spans++;
}

void counted_fold(struct counted_list *list, struct frame_recording *recording)
{
	if (list->n > 1)
		qsort(list->rows, list->n, sizeof(*list->rows), by_sequence);
	for (size_t i = 0, k; i < list->n; i = k) {
		for (k = i + 1; k < list->n && goes_on(&list->rows[k - 1], &list->rows[k]); k++)
			;
		fold_stretch(&list->rows[i], &list->rows[k - 1], recording);
	}
	free(list->rows);
	*list = (struct counted_list){0};
}
