/* SPDX-License-Identifier: MIT
 *
 * ledger_interruption.c - outages and switches: the worst of them as rows, all of them as sums.
 *
 * A row stays when it is among the first LEDGER_INTERRUPTIONS_EACH of its kind by its gap, its lag
 * or its stall. The first rows of two lists together are among the first of each, so merging stays
 * associative and commutative however often rows are let go.
 */
#include "ledger_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const interruption_names[INTERRUPTION_COUNT] = {"outage", "failover", "opening"};

/* ---- order ---- */

static int number_order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int wan_order(const struct ledger *ledger, uint32_t a, uint32_t b)
{
	const char *left = a < ledger->n_wans ? ledger->wans[a].name : "";
	const char *right = b < ledger->n_wans ? ledger->wans[b].name : "";

	return strcmp(left, right);
}

/* By names, so that it does not depend on the places of WANs and files in their tables. */
static int row_order(const void *left, const void *right, void *context)
{
	const struct ledger_interruption *a = left, *b = right;
	const struct ledger *ledger = context;
	const uint64_t l[] = {a->from_ns,     a->to_ns,      a->kind,         a->id,
	                      a->direction,   a->open,       a->ended,        a->heard_ns,
	                      a->back_ns,     a->last_ns,    a->frame.number, a->stall_from_ns,
	                      a->stall_to_ns, a->frame.ts_ns};
	const uint64_t r[] = {b->from_ns,     b->to_ns,      b->kind,         b->id,
	                      b->direction,   b->open,       b->ended,        b->heard_ns,
	                      b->back_ns,     b->last_ns,    b->frame.number, b->stall_from_ns,
	                      b->stall_to_ns, b->frame.ts_ns};

	for (size_t i = 0; i < sizeof(l) / sizeof(l[0]); i++)
		if (l[i] != r[i])
			return number_order(l[i], r[i]);
	int order = wan_order(ledger, a->wan, b->wan);
	return order ? order : wan_order(ledger, a->to, b->to);
}

static int worst_first(const void *left, const void *right, void *context,
                       uint64_t (*measure)(const struct ledger_interruption *row))
{
	const struct ledger_interruption *a = left, *b = right;
	int order = number_order(a->kind, b->kind);

	if (!order)
		order = number_order(measure(b), measure(a));
	return order ? order : row_order(left, right, context);
}

static int gap_order(const void *left, const void *right, void *context)
{
	return worst_first(left, right, context, interruption_gap_ns);
}

static int lag_order(const void *left, const void *right, void *context)
{
	return worst_first(left, right, context, interruption_lag_ns);
}

static int stall_order(const void *left, const void *right, void *context)
{
	return worst_first(left, right, context, interruption_stall_ns);
}

/* ---- the list ---- */

/* Move those of [from, n) that are first of their kind by this order to the front. */
static size_t choose(struct ledger *ledger, size_t from,
                     int (*order)(const void *left, const void *right, void *context))
{
	struct ledger_interruption *rows = ledger->interruptions;
	size_t chosen[INTERRUPTION_COUNT] = {0}, to = from;

	qsort_r(rows + from, ledger->n_interruptions - from, sizeof(*rows), order, ledger);
	for (size_t i = from; i < ledger->n_interruptions; i++) {
		if (chosen[rows[i].kind]++ >= LEDGER_INTERRUPTIONS_EACH)
			continue;
		struct ledger_interruption row = rows[i];
		rows[i] = rows[to];
		rows[to++] = row;
	}
	return to;
}

/*
 * Each measure chooses among those that the ones before left: it may so keep more than its own
 * first ones, never fewer, and which they are does not depend on how often this was done.
 */
static void let_go(struct ledger *ledger)
{
	size_t kept = choose(ledger, 0, gap_order);

	kept = choose(ledger, kept, lag_order);
	ledger->n_interruptions = choose(ledger, kept, stall_order);
}

void ledger_keep_interruption(struct ledger *ledger, const struct ledger_interruption *row)
{
	if (ledger->n_interruptions >= 2 * LEDGER_INTERRUPTIONS_MAX)
		let_go(ledger);
	if (!ledger_grow((void **)&ledger->interruptions, &ledger->cap_interruptions,
	                 ledger->n_interruptions, sizeof(*row)))
		return;
	ledger->interruptions[ledger->n_interruptions++] = *row;
}

void ledger_sort_interruptions(struct ledger *ledger)
{
	if (ledger->n_interruptions == 0)
		return;
	let_go(ledger);
	qsort_r(ledger->interruptions, ledger->n_interruptions, sizeof(*ledger->interruptions),
	        row_order, ledger);
}

/* ---- the sums ---- */

static void count(uint64_t *number, uint64_t *us, uint64_t ns)
{
	*number = sum_add(*number, 1);
	*us = sum_add(*us, ns / 1000);
}

static void count_failover(struct ledger_counters *n, const struct ledger_interruption *row)
{
	count(&n->failovers, &n->failovers_us, interruption_gap_ns(row));
	if (row->heard_ns)
		count(&n->failbacks, &n->failbacks_us, interruption_lag_ns(row));
	if (row->heard_ns && !row->back_ns)
		n->failbacks_missing = sum_add(n->failbacks_missing, 1);
	if (row->stall_to_ns)
		count(&n->stalls, &n->stalls_us, interruption_stall_ns(row));
}

void ledger_interrupted(struct ledger *ledger, const struct ledger_interruption *row)
{
	struct ledger_counters *n;

	if (row->wan >= ledger->n_wans)
		return;
	n = &ledger->wans[row->wan].counters;
	if (row->kind == INTERRUPTION_OUTAGE)
		count(&n->outages, &n->outages_us, interruption_gap_ns(row));
	else if (row->kind == INTERRUPTION_OPENING)
		count(&n->openings, &n->openings_us, interruption_gap_ns(row));
	else
		count_failover(n, row);
	ledger_keep_interruption(ledger, row);
}

/* ---- saving ---- */

static json_t *name_json(const struct ledger *ledger, uint32_t wan)
{
	return wan < ledger->n_wans ? json_string(ledger->wans[wan].name) : json_null();
}

static json_t *number_json(uint64_t number)
{
	return json_integer((json_int_t)(number > LEDGER_SUM_MAX ? LEDGER_SUM_MAX : number));
}

static json_t *frame_json(const struct evidence_frame *frame)
{
	if (frame->file >= LEDGER_FILES_MAX)
		return json_null();
	return json_pack("[IIi]", (json_int_t)frame->ts_ns, (json_int_t)frame->number,
	                 (int)frame->file);
}

json_t *ledger_interruption_json(const struct ledger *ledger, size_t index)
{
	const struct ledger_interruption *i = &ledger->interruptions[index];
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, i->id);
	return json_pack("{ss so so ss ss sb sb so so so so so so so so}", "kind",
	                 interruption_names[i->kind], "wan", name_json(ledger, i->wan), "to",
	                 name_json(ledger, i->to), "id", id, "direction",
	                 direction_names[i->direction], "open", i->open, "ended", i->ended,
	                 "from_ns", number_json(i->from_ns), "to_ns", number_json(i->to_ns),
	                 "heard_ns", number_json(i->heard_ns), "back_ns", number_json(i->back_ns),
	                 "last_ns", number_json(i->last_ns), "stall_from_ns",
	                 number_json(i->stall_from_ns), "stall_to_ns", number_json(i->stall_to_ns),
	                 "frame", frame_json(&i->frame));
}

/* ---- loading: the row may come from anybody ---- */

static bool load_word(const json_t *row, const char *key, const char *const *words, unsigned n,
                      uint8_t *place)
{
	const char *word = json_string_value(json_object_get(row, key));

	for (unsigned i = 0; word && i < n; i++)
		if (!strcmp(word, words[i])) {
			*place = (uint8_t)i;
			return true;
		}
	return false;
}

static bool load_name(const struct ledger *ledger, const json_t *row, const char *key,
                      uint32_t *wan)
{
	const json_t *value = json_object_get(row, key);
	const char *name = json_string_value(value);

	*wan = LEDGER_WANS_MAX;
	for (uint32_t i = 0; name && i < ledger->n_wans; i++)
		if (!strcmp(ledger->wans[i].name, name))
			*wan = i;
	return json_is_null(value) || *wan < LEDGER_WANS_MAX;
}

static bool load_id(const json_t *row, uint64_t *id)
{
	const char *text = json_string_value(json_object_get(row, "id"));

	if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*id = strtoull(text, NULL, 16);
	return true;
}

static bool load_times(const json_t *row, struct ledger_interruption *i)
{
	const struct {
		const char *key;
		uint64_t *ns;
	} times[] = {
		{"from_ns", &i->from_ns},         {"to_ns", &i->to_ns},
		{"heard_ns", &i->heard_ns},       {"back_ns", &i->back_ns},
		{"last_ns", &i->last_ns},         {"stall_from_ns", &i->stall_from_ns},
		{"stall_to_ns", &i->stall_to_ns},
	};

	for (size_t t = 0; t < sizeof(times) / sizeof(times[0]); t++) {
		const json_t *value = json_object_get(row, times[t].key);

		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return false;
		*times[t].ns = (uint64_t)json_integer_value(value);
	}
	return i->from_ns <= i->to_ns && i->stall_from_ns <= i->stall_to_ns;
}

static bool load_frame(const struct ledger *ledger, const json_t *row, struct evidence_frame *frame)
{
	const json_t *value = json_object_get(row, "frame");
	json_int_t numbers[3] = {0};

	frame->file = LEDGER_FILES_MAX;
	if (json_is_null(value))
		return true;
	for (size_t i = 0; i < 3; i++) {
		numbers[i] = json_integer_value(json_array_get(value, i));
		if (!json_is_integer(json_array_get(value, i)) || numbers[i] < 0)
			return false;
	}
	if ((uint64_t)numbers[2] >= ledger->n_files)
		return false;
	*frame = (struct evidence_frame){(uint64_t)numbers[0], (uint64_t)numbers[1],
	                                 (uint32_t)numbers[2]};
	return json_array_size(value) == 3;
}

const char *ledger_load_interruption(struct ledger *ledger, const json_t *row)
{
	const json_t *open = json_object_get(row, "open"), *ended = json_object_get(row, "ended");
	struct ledger_interruption i = {.open = json_is_true(open), .ended = json_is_true(ended)};

	if (!load_word(row, "kind", interruption_names, INTERRUPTION_COUNT, &i.kind) ||
	    !load_word(row, "direction", direction_names, DIR_COUNT, &i.direction) ||
	    !json_is_boolean(open) || !json_is_boolean(ended))
		return "\"kind\", \"direction\", \"open\" or \"ended\" is not what it may be";
	if (!load_name(ledger, row, "wan", &i.wan) || !load_name(ledger, row, "to", &i.to) ||
	    i.wan == LEDGER_WANS_MAX || !load_id(row, &i.id))
		return "\"wan\", \"to\" or \"id\" is not what it may be";
	if (!load_times(row, &i))
		return "its times must be whole numbers, each end behind its start";
	if (!load_frame(ledger, row, &i.frame))
		return "\"frame\" must be null or [ts_ns, number, file]";
	ledger_keep_interruption(ledger, &i);
	return NULL;
}
