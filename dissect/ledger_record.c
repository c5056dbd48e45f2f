/* SPDX-License-Identifier: MIT
 *
 * ledger_record.c - what the recorder says of a WAN, kept in lists that add up in any order.
 *
 * Each list is ordered and keeps its first rows: the first rows of two lists together are among the
 * first rows of each, so merging stays associative and commutative however much is left out.
 */
#include "ledger_inside.h"

#include <stdlib.h>
#include <string.h>

const char *const span_names[SPAN_COUNT] = {
	[SPAN_COVERED] = "covered",     [SPAN_ABSENT] = "absent",   [SPAN_DOWN] = "down",
	[SPAN_SUSPENDED] = "suspended", [SPAN_STOPPED] = "stopped",
};

void ledger_record_free(struct ledger_record *record)
{
	if (record)
		free(record->spans);
	free(record);
}

static struct ledger_record *record_of(struct ledger_wan *wan)
{
	if (!wan->record)
		wan->record = calloc(1, sizeof(*wan->record));
	return wan->record;
}

static int number_order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* ---- spans ---- */

static int span_order(const struct ledger_span *a, const struct ledger_span *b)
{
	int order = number_order(a->from_ns, b->from_ns);

	if (!order)
		order = number_order(a->state, b->state);
	if (!order)
		order = number_order(a->to_ns, b->to_ns);
	return order ? order : number_order(a->lost_frames, b->lost_frames);
}

void ledger_add_span(struct ledger_wan *wan, const struct ledger_span *span)
{
	struct ledger_record *r = record_of(wan);
	size_t low = 0, high = r ? r->n_spans : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_order(&r->spans[middle], span) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!r || low == LEDGER_SPANS_MAX ||
	    !ledger_grow((void **)&r->spans, &r->cap_spans, r->n_spans, sizeof(*r->spans)))
		return;
	if (r->n_spans == LEDGER_SPANS_MAX)
		r->n_spans--;
	memmove(&r->spans[low + 1], &r->spans[low], (r->n_spans - low) * sizeof(*r->spans));
	r->spans[low] = *span;
	r->n_spans++;
}

/* ---- steps ---- */

static int step_order(const struct ledger_step *a, const struct ledger_step *b)
{
	int order = number_order(a->at_ns, b->at_ns);

	return order ? order : (a->by_ns > b->by_ns) - (a->by_ns < b->by_ns);
}

void ledger_add_step(struct ledger_wan *wan, const struct ledger_step *step)
{
	struct ledger_record *r = record_of(wan);
	unsigned place = r ? r->n_steps : 0;

	while (place > 0 && step_order(step, &r->steps[place - 1]) < 0)
		place--;
	if (!r || place == LEDGER_STEPS_MAX)
		return;
	if (r->n_steps < LEDGER_STEPS_MAX)
		r->n_steps++;
	memmove(&r->steps[place + 1], &r->steps[place],
	        (r->n_steps - place - 1) * sizeof(r->steps[0]));
	r->steps[place] = *step;
}

/* ---- words ---- */

/* The whole array is written, so that rows compare and copy as they are. */
static void take_word(char out[LEDGER_WORD], const char *word)
{
	size_t length = strnlen(word, LEDGER_WORD - 1);

	memset(out, 0, LEDGER_WORD);
	for (size_t i = 0; i < length; i++)
		out[i] = word[i] > 0x20 && word[i] < 0x7f ? word[i] : '?';
}

static int warning_order(const struct ledger_warning *a, const struct ledger_warning *b)
{
	int order = strcmp(a->code, b->code);

	return order ? order : strcmp(a->about, b->about);
}

void ledger_add_warning(struct ledger_wan *wan, const struct ledger_warning *warning)
{
	struct ledger_record *r = record_of(wan);
	struct ledger_warning row = {.count = warning->count};
	unsigned place = 0;

	take_word(row.code, warning->code);
	take_word(row.about, warning->about);
	while (r && place < r->n_warnings && warning_order(&r->warnings[place], &row) < 0)
		place++;
	if (r && place < r->n_warnings && warning_order(&r->warnings[place], &row) == 0) {
		r->warnings[place].count = sum_add(r->warnings[place].count, row.count);
		return;
	}
	if (!r || place == LEDGER_WARNINGS_MAX)
		return;
	if (r->n_warnings < LEDGER_WARNINGS_MAX)
		r->n_warnings++;
	memmove(&r->warnings[place + 1], &r->warnings[place],
	        (r->n_warnings - place - 1) * sizeof(row));
	r->warnings[place] = row;
}

void ledger_add_role(struct ledger_wan *wan, const char *role)
{
	struct ledger_record *r = record_of(wan);
	char word[LEDGER_WORD];
	unsigned place = 0;

	take_word(word, role);
	while (r && place < r->n_roles && strcmp(r->roles[place], word) < 0)
		place++;
	if (!r || place == LEDGER_ROLES_MAX ||
	    (place < r->n_roles && strcmp(r->roles[place], word) == 0))
		return;
	if (r->n_roles < LEDGER_ROLES_MAX)
		r->n_roles++;
	memmove(r->roles[place + 1], r->roles[place], (r->n_roles - place - 1) * sizeof(word));
	memcpy(r->roles[place], word, sizeof(word));
}

/* ---- merging ---- */

void ledger_record_merge(struct ledger_wan *into, const struct ledger_record *from)
{
	for (size_t i = 0; i < from->n_spans; i++)
		ledger_add_span(into, &from->spans[i]);
	for (unsigned i = 0; i < from->n_steps; i++)
		ledger_add_step(into, &from->steps[i]);
	for (unsigned i = 0; i < from->n_warnings; i++)
		ledger_add_warning(into, &from->warnings[i]);
	for (unsigned i = 0; i < from->n_roles; i++)
		ledger_add_role(into, from->roles[i]);
}
