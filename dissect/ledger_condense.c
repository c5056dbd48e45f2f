/* SPDX-License-Identifier: MIT
 *
 * ledger_condense.c - a ledger made smaller for a long time in a store: its sums stay exact, what
 * it lists one by one gets shorter.
 */
#include "ledger_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- stretches of the recorder that touch ---- */

/* The last one of `state` that was written, of those before `out`. Stretches of one state are few
 * between two others, so it is near. */
static struct ledger_span *last_of(struct ledger_span *spans, size_t out, uint8_t state)
{
	while (out-- > 0)
		if (spans[out].state == state)
			return &spans[out];
	return NULL;
}

/* A cut leaves two stretches that touch to the nanosecond; nothing else is joined. A full list does
 * not say what comes after it, so it stays. */
static void join_spans(struct ledger_record *record)
{
	size_t out = 0;

	if (!record || record->n_spans == LEDGER_SPANS_MAX)
		return;
	for (size_t i = 0; i < record->n_spans; i++) {
		struct ledger_span span = record->spans[i];
		struct ledger_span *last = last_of(record->spans, out, span.state);

		if (last && last->to_ns == span.from_ns) {
			last->to_ns = span.to_ns;
			last->lost_frames = sum_add(last->lost_frames, span.lost_frames);
		} else {
			record->spans[out++] = span;
		}
	}
	record->n_spans = out;
}

/* ---- files nobody speaks of ---- */

struct named {
	bool *files;
	size_t n;
};

static void name_file(struct named *named, uint32_t file)
{
	if (file < named->n)
		named->files[file] = true;
}

static void name_evidence(struct named *named, const struct evidence *first)
{
	for (uint32_t i = 0; i < first->count; i++)
		name_file(named, first->frames[i].file);
}

static void find_named(const struct ledger *ledger, struct named *named)
{
	for (size_t w = 0; w < ledger->n_wans; w++) {
		const struct ledger_wan *wan = &ledger->wans[w];

		for (size_t i = 0; i < wan->n_cells; i++)
			name_evidence(named, &wan->cells[i].first);
		for (int e = 0; e < EVENT_COUNT; e++)
			name_evidence(named, &wan->events[e].first);
		for (size_t i = 0; wan->peers && i < wan->peers->n_rows; i++)
			name_evidence(named, &wan->peers->rows[i].first);
	}
	for (size_t i = 0; i < ledger->n_interruptions; i++)
		name_file(named, ledger->interruptions[i].frame.file);
	for (size_t i = 0; i < ledger->n_files; i++)
		named->files[i] |= ledger->files[i].message != NULL;
}

static void number_evidence(struct evidence *first, const uint32_t *places, size_t n)
{
	for (uint32_t i = 0; i < first->count; i++)
		if (first->frames[i].file < n)
			first->frames[i].file = places[first->frames[i].file];
}

static void number_all(struct ledger *ledger, const uint32_t *places, size_t n)
{
	for (size_t w = 0; w < ledger->n_wans; w++) {
		struct ledger_wan *wan = &ledger->wans[w];

		for (size_t i = 0; i < wan->n_cells; i++)
			number_evidence(&wan->cells[i].first, places, n);
		for (int e = 0; e < EVENT_COUNT; e++)
			number_evidence(&wan->events[e].first, places, n);
		for (size_t i = 0; wan->peers && i < wan->peers->n_rows; i++)
			number_evidence(&wan->peers->rows[i].first, places, n);
	}
	for (size_t i = 0; i < ledger->n_interruptions; i++) {
		uint32_t *file = &ledger->interruptions[i].frame.file;

		if (*file < n)
			*file = places[*file];
	}
}

/* Close the table up. files_by_name goes with it: names keep their order. */
static void close_up(struct ledger *ledger, const struct named *named, uint32_t *places)
{
	uint32_t kept = 0;
	size_t by_name = 0;

	for (size_t i = 0; i < ledger->n_files; i++) {
		places[i] = named->files[i] ? kept : LEDGER_FILES_MAX;
		if (!named->files[i]) {
			free(ledger->files[i].name);
			free(ledger->files[i].message);
			continue;
		}
		ledger->files[kept++] = ledger->files[i];
	}
	for (size_t i = 0; i < ledger->n_files; i++)
		if (places[ledger->files_by_name[i]] < LEDGER_FILES_MAX)
			ledger->files_by_name[by_name++] = places[ledger->files_by_name[i]];
	number_all(ledger, places, ledger->n_files);
	ledger->n_files = kept;
}

static bool forget_files(struct ledger *ledger)
{
	struct named named = {calloc(ledger->n_files + 1, sizeof(bool)), ledger->n_files};
	uint32_t *places = calloc(ledger->n_files + 1, sizeof(*places));
	bool good = named.files && places;

	if (good) {
		find_named(ledger, &named);
		close_up(ledger, &named, places);
	}
	free(named.files);
	free(places);
	return good;
}

bool ledger_condense(struct ledger *ledger, const struct ledger_bounds *bounds)
{
	uint32_t width = 0;

	while (width + 1 < LEDGER_WIDTHS && ledger_widths_s[width] < bounds->width_s)
		width++;
	ledger_coarsen(ledger, width);
	for (size_t w = 0; w < ledger->n_wans; w++)
		join_spans(ledger->wans[w].record);
	ledger_bound_connections(ledger, bounds->connections);
	return !bounds->forget_files || forget_files(ledger);
}
