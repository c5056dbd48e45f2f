/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_told.c - see cmd_follow_told.h.
 */
#include "cmd_follow_told.h"

#include <stdlib.h>
#include <string.h>

void told_begin(struct follow_told *told)
{
	struct frame_recording *r = &told->record;
	struct frame_span *covers = r->covers, *gaps = r->gaps;
	size_t cap_covers = r->cap_covers, cap_gaps = r->cap_gaps;

	memset(told, 0, sizeof(*told));
	r->covers = covers;
	r->gaps = gaps;
	r->cap_covers = cap_covers;
	r->cap_gaps = cap_gaps;
}

void told_release(struct follow_told *told)
{
	free(told->record.covers);
	free(told->record.gaps);
	memset(told, 0, sizeof(*told));
}

static void add_span(struct follow_told *told, struct frame_span **spans, size_t *n, size_t *cap,
                     const struct frame_span *span)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		struct frame_span *rows = realloc(*spans, more * sizeof(*rows));

		if (!rows) {
			told->out_of_memory = true;
			return;
		}
		*spans = rows;
		*cap = more;
	}
	size_t at = (*n)++;
	for (; at > 0 && (*spans)[at - 1].from_ns > span->from_ns; at--)
		(*spans)[at] = (*spans)[at - 1];
	(*spans)[at] = *span;
	told->recorded = true;
}

/* ---- time that is covered ---- */

static void add_cover(struct follow_told *told, struct follow_series *series, uint64_t from_ns,
                      uint64_t to_ns)
{
	struct frame_recording *r = &told->record;
	struct frame_span *last = r->n_covers ? &r->covers[r->n_covers - 1] : NULL;
	uint64_t from = from_ns > series->told_ns ? from_ns : series->told_ns;

	if (to_ns <= from)
		return;
	if (last && last->to_ns == from)
		last->to_ns = to_ns;
	else
		add_span(told, &r->covers, &r->n_covers, &r->cap_covers,
		         &(struct frame_span){.from_ns = from, .to_ns = to_ns});
	series->told_ns = to_ns;
}

/* ---- gaps ---- */

/* What rounding to microseconds takes from a gap that is told in parts. */
static uint64_t rounded_away(uint64_t begin_ns, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t whole = (to_ns - begin_ns) / 1000 - (from_ns - begin_ns) / 1000;

	return whole - (to_ns - from_ns) / 1000;
}

/* Of a gap the part that is new and lies before the cut. Those of one state come in their order. */
static void add_gap(struct follow_told *told, struct follow_series *series,
                    const struct frame_span *gap, uint64_t cut_ns)
{
	struct frame_recording *r = &told->record;
	struct frame_span part = *gap;
	uint64_t *begun = &series->gap_from_ns[gap->state], *to = &series->gap_to_ns[gap->state];
	bool again = *begun == gap->from_ns && *to > gap->from_ns;

	if (gap->from_ns >= cut_ns || (*to && gap->to_ns <= *to))
		return;
	if (gap->to_ns > cut_ns) {
		part.to_ns = cut_ns;
		part.lost = 0; /* told with its end */
	}
	if (again)
		part.from_ns = *to;
	if (part.to_ns < part.from_ns || (again && part.to_ns == part.from_ns))
		return;
	told->again[gap->state] += again;
	if (again)
		told->lacking_us[gap->state] +=
			rounded_away(gap->from_ns, part.from_ns, part.to_ns);
	add_span(told, &r->gaps, &r->n_gaps, &r->cap_gaps, &part);
	*begun = gap->from_ns;
	*to = part.to_ns;
}

void told_part(struct follow_told *told, struct follow_series *series,
               const struct frame_recording *record, uint64_t from_ns, uint64_t cut_ns)
{
	for (size_t i = 0; record && i < record->n_gaps; i++)
		add_gap(told, series, &record->gaps[i], cut_ns);
	if (record && from_ns)
		add_cover(told, series, from_ns, cut_ns);
}

/* ---- the end of a file ---- */

static void add_warning(struct frame_recording *r, const struct frame_warning *warning)
{
	for (unsigned i = 0; i < r->n_warnings; i++) {
		if (strcmp(r->warnings[i].code, warning->code) != 0 ||
		    strcmp(r->warnings[i].about, warning->about) != 0)
			continue;
		r->warnings[i].count += warning->count;
		return;
	}
	if (r->n_warnings < FRAME_WARNINGS)
		r->warnings[r->n_warnings++] = *warning;
}

static void add_word(char (*words)[FRAME_WORD], unsigned *n, const char *word)
{
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(words[i], word) == 0)
			return;
	if (*n < FRAME_ROLES)
		memcpy(words[(*n)++], word, FRAME_WORD);
}

static void add_words(struct frame_recording *r, const struct frame_recording *from)
{
	for (unsigned i = 0; i < from->n_warnings; i++)
		add_warning(r, &from->warnings[i]);
	for (unsigned i = 0; i < from->n_roles; i++)
		add_word(r->roles, &r->n_roles, from->roles[i]);
	for (unsigned i = 0; i < from->n_devices; i++)
		add_word(r->devices, &r->n_devices, from->devices[i]);
}

/* The kernel's counters of one stretch, as they are added up when it is alone. */
static void fold_one(const struct counted *counted, struct frame_recording *sums)
{
	struct counted_list list = {0};

	*sums = (struct frame_recording){0};
	if (counted_keep(&list, counted))
		counted_fold(&list, sums);
}

/* What `after` has more than `before`. */
static void add_counted(struct frame_recording *r, const struct frame_recording *after,
                        const struct frame_recording *before)
{
	r->kernel_frames += after->kernel_frames - before->kernel_frames;
	r->kernel_bytes += after->kernel_bytes - before->kernel_bytes;
	r->counted_frames += after->counted_frames - before->counted_frames;
	r->counted_bytes += after->counted_bytes - before->counted_bytes;
	r->counted_dropped += after->counted_dropped - before->counted_dropped;
	r->counted_spans += after->counted_spans - before->counted_spans;
}

/* A stretch that goes on counts for what it has become, less what it counted for before. */
static void take_counted(struct follow_told *told, struct follow_series *series,
                         const struct counted *counted)
{
	struct frame_recording before = {0}, after;
	struct counted was = series->counted;

	if (series->counting && counted_join(&series->counted, counted))
		fold_one(&was, &before);
	else
		series->counted = *counted;
	series->counting = true;
	fold_one(&series->counted, &after);
	add_counted(&told->record, &after, &before);
}

static uint64_t lost_of(const struct follow_series *series)
{
	return series->lost_kernel +
	       (series->lost_disk > series->lost_gaps ? series->lost_disk : series->lost_gaps);
}

static void take_losses(struct follow_told *told, struct follow_series *series,
                        const struct roster *roster, uint32_t wan)
{
	const struct roster_extra *extra = &roster->extras[wan];
	uint64_t before = lost_of(series), others = extra->of_earlier + extra->of_session;

	series->lost_kernel += extra->by_kernel;
	if (extra->recording) {
		series->lost_disk += extra->recording->lost_on_disk;
		series->lost_gaps += extra->recording->lost_in_gaps;
	}
	told->dropped += lost_of(series) - before;
	if (!extra->recording) /* another program's file: its own word */
		told->dropped += others > extra->between ? others : extra->between;
	series->drops_known |= roster->wans[wan].drops_known;
}

void told_end(struct follow_told *told, struct follow_series *series, const struct roster *roster,
              uint32_t wan, const struct frame_file *file)
{
	const struct frame_recording *from = roster->wans[wan].recording;
	const struct counted_list *kernel = &roster->extras[wan].counted;
	struct frame_recording *r = &told->record;

	take_losses(told, series, roster, wan);
	if (!from)
		return;
	told->recorded = true;
	told_part(told, series, from, 0, UINT64_MAX);
	if (file->from_ns)
		add_cover(told, series, file->from_ns, file->to_ns);
	r->files += from->files;
	r->repaired += from->repaired;
	r->unfinished += from->unfinished;
	r->step_notes += from->step_notes;
	for (unsigned i = 0; i < STATE_COUNT; i++) {
		r->more_gaps[i] += from->more_gaps[i];
		r->more_gaps_ns[i] += from->more_gaps_ns[i];
	}
	add_words(r, from);
	for (size_t i = 0; i < kernel->n; i++)
		take_counted(told, series, &kernel->rows[i]);
}

void told_missing(struct follow_told *told, uint64_t files)
{
	told->recorded = true;
	told->record.missing += files;
}

/* ---- the ledger ---- */

void told_mend(const struct follow_told *told, struct ledger_wan *wan)
{
	struct ledger_counters *n = &wan->counters;
	struct {
		enum quality_state state;
		uint64_t *gaps, *us;
	} rows[] = {
		{STATE_ABSENT, &n->gaps_absent, &n->gaps_absent_us},
		{STATE_DOWN, &n->gaps_down, &n->gaps_down_us},
		{STATE_SUSPENDED, &n->gaps_suspended, &n->gaps_suspended_us},
		{STATE_STOPPED, &n->gaps_stopped, &n->gaps_stopped_us},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		*rows[i].gaps -= told->again[rows[i].state];
		*rows[i].us += told->lacking_us[rows[i].state];
	}
}
