/* SPDX-License-Identifier: MIT
 *
 * pipeline_sources.c - the source's WANs and files as the ledger has them, and what the recorder
 * said of them: what it lost, where it did not run, which files it left unfinished.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline_inside.h"

/* ---- indices ---- */

static uint32_t *grow_map(uint32_t **map, size_t *n, uint32_t at)
{
	if (at < *n)
		return &(*map)[at];
	size_t more = *n ? *n * 2 : 16;
	while (more <= at)
		more *= 2;
	uint32_t *grown = realloc(*map, more * sizeof(**map));
	if (!grown)
		return NULL;
	memset(grown + *n, 0xff, (more - *n) * sizeof(*grown));
	*map = grown;
	*n = more;
	return &grown[at];
}

uint32_t pipeline_wan_index(struct pipeline *p, uint32_t at, const struct frame_wan *wan)
{
	uint32_t *place = grow_map(&p->wans, &p->n_wans, at);

	if (!place)
		return LEDGER_WANS_MAX;
	if (*place == NO_INDEX)
		*place = ledger_wan(p->ledger, wan->name);
	return *place;
}

/* A file of several WANs stands with the first of them by name, whichever had the first frame: as
 * when ledgers are merged. */
static void settle_file_wan(struct ledger *ledger, uint32_t file, uint32_t wan)
{
	if (file >= ledger->n_files || wan >= ledger->n_wans || ledger->files[file].wan == wan)
		return;
	struct ledger_file *f = &ledger->files[file];
	if (f->wan >= ledger->n_wans ||
	    strcmp(ledger->wans[wan].name, ledger->wans[f->wan].name) < 0)
		f->wan = wan;
}

static uint32_t file_index(struct pipeline *p, uint32_t at, const struct frame_file *file,
                           uint32_t wan)
{
	uint32_t *place = grow_map(&p->files, &p->n_files, at);

	if (!place)
		return LEDGER_FILES_MAX;
	if (*place != NO_INDEX)
		return *place;
	*place = ledger_file(p->ledger, file->name, wan);
	if (p->n_old)
		pipeline_meet_file(p, *place);
	return *place;
}

uint32_t pipeline_file_index(struct pipeline *p, uint32_t at, const struct frame_file *file,
                             uint32_t wan)
{
	uint32_t index = file_index(p, at, file, wan);

	settle_file_wan(p->ledger, index, wan);
	return index;
}

/* ---- what the recorder says ---- */

/* Holes shorter than this are the time it takes to close a file and open the next. */
#define HOLE_NS 1000000000ull

static void count_gap(struct ledger_counters *n, enum span_state state, uint64_t gaps, uint64_t ns)
{
	static const struct {
		size_t gaps, us;
	} places[SPAN_COUNT] = {
#define PLACE(state)                                                                               \
	{offsetof(struct ledger_counters, gaps_##state),                                           \
	 offsetof(struct ledger_counters, gaps_##state##_us)}
		[SPAN_ABSENT] = PLACE(absent),
		[SPAN_DOWN] = PLACE(down),
		[SPAN_SUSPENDED] = PLACE(suspended),
		[SPAN_STOPPED] = PLACE(stopped),
#undef PLACE
	};

	*(uint64_t *)(void *)((char *)n + places[state].gaps) += gaps;
	*(uint64_t *)(void *)((char *)n + places[state].us) += ns / 1000;
}

static void add_span(struct ledger_wan *w, enum span_state state, const struct frame_span *from)
{
	struct ledger_span span = {from->from_ns, from->to_ns, from->lost, (uint8_t)state};

	ledger_add_span(w, &span);
	if (state != SPAN_COVERED)
		count_gap(&w->counters, state, 1, from->to_ns - from->from_ns);
}

static const uint8_t gap_states[STATE_COUNT] = {
	[STATE_ABSENT] = SPAN_ABSENT,
	[STATE_DOWN] = SPAN_DOWN,
	[STATE_SUSPENDED] = SPAN_SUSPENDED,
	[STATE_STOPPED] = SPAN_STOPPED,
};

/* A gap that has a name and begins where the record ends takes the record on. */
static uint64_t reach_over(uint64_t reach, const struct frame_span *named)
{
	return reach && named->from_ns <= reach + HOLE_NS && named->to_ns > reach ? named->to_ns
	                                                                          : reach;
}

/* Between two stretches that are covered, and in no gap that has a name, the recorder did not run.
 * `reach`: how far an earlier piece of the record went, 0 = there is none. Returns how far it goes
 * now. */
static uint64_t add_holes(struct ledger_wan *w, const struct frame_recording *recording,
                          uint64_t reach)
{
	size_t gap = 0;

	for (size_t i = 0; i < recording->n_covers; i++) {
		const struct frame_span *cover = &recording->covers[i];

		for (; gap < recording->n_gaps && recording->gaps[gap].from_ns <= cover->from_ns;
		     gap++)
			reach = reach_over(reach, &recording->gaps[gap]);
		if (reach && cover->from_ns > reach + HOLE_NS)
			add_span(w, SPAN_STOPPED,
			         &(struct frame_span){.from_ns = reach, .to_ns = cover->from_ns});
		if (cover->to_ns > reach)
			reach = cover->to_ns;
	}
	for (; gap < recording->n_gaps; gap++)
		reach = reach_over(reach, &recording->gaps[gap]);
	return reach;
}

static uint64_t finish_recording(struct ledger_wan *w, const struct frame_recording *recording,
                                 uint64_t reach_ns)
{
	struct ledger_counters *n = &w->counters;

	n->recorded_files += recording->files;
	n->repaired_files += recording->repaired;
	n->unfinished_files += recording->unfinished;
	n->missing_files += recording->missing;
	n->clock_steps += recording->step_notes;
	n->kernel_frames += recording->kernel_frames;
	n->kernel_bytes += recording->kernel_bytes;
	n->kernel_seen_frames += recording->counted_frames;
	n->kernel_seen_bytes += recording->counted_bytes;
	n->kernel_seen_dropped += recording->counted_dropped;
	n->kernel_spans += recording->counted_spans;
	for (size_t i = 0; i < recording->n_covers; i++)
		add_span(w, SPAN_COVERED, &recording->covers[i]);
	for (size_t i = 0; i < recording->n_gaps; i++)
		add_span(w, gap_states[recording->gaps[i].state], &recording->gaps[i]);
	for (unsigned i = 0; i < STATE_COUNT; i++)
		count_gap(n, gap_states[i], recording->more_gaps[i], recording->more_gaps_ns[i]);
	reach_ns = add_holes(w, recording, reach_ns);
	for (unsigned i = 0; i < recording->n_steps; i++)
		ledger_add_step(w, &(struct ledger_step){recording->steps[i].at_ns,
		                                         recording->steps[i].by_ns});
	for (unsigned i = 0; i < recording->n_warnings; i++) {
		const struct frame_warning *from = &recording->warnings[i];
		struct ledger_warning warning = {.count = from->count};

		memcpy(warning.code, from->code, sizeof(warning.code));
		memcpy(warning.about, from->about, sizeof(warning.about));
		ledger_add_warning(w, &warning);
	}
	for (unsigned i = 0; i < recording->n_roles; i++)
		ledger_add_role(w, recording->roles[i]);
	for (unsigned i = 0; i < recording->n_devices; i++)
		ledger_add_device(w, recording->devices[i]);
	return reach_ns;
}

static void finish_wan(struct pipeline *p, uint32_t index, const struct frame_wan *wan)
{
	char mac[18];

	if (index >= LEDGER_WANS_MAX)
		return;
	struct ledger_wan *w = &p->ledger->wans[index];
	w->filtered |= wan->filtered;
	w->drops_known |= wan->drops_known;
	w->counters.dropped_frames +=
		wan->dropped > p->lost[index] ? wan->dropped - p->lost[index] : 0;
	w->counters.thinned_files += wan->thinned_files;
	w->counters.thinned_frames += wan->thinned_frames;
	w->counters.thinned_bytes += wan->thinned_bytes;
	w->n_own = sides_own(p->sides, index, w->own);
	if (sides_mac(p->sides, index, mac))
		ledger_add_mac(w, mac);
	if (wan->recording)
		p->reach_ns[index] = finish_recording(w, wan->recording, p->reach_ns[index]);
}

static void note_flaw(struct ledger_file *f, const struct frame_file *file)
{
	f->message = strdup(file->message);
	snprintf(f->flaw, sizeof(f->flaw), "%s", file_flaw_names[file->flaw]);
	f->flaw_at = file->offset;
	f->flaw_unpacked = file->unpacked;
}

static void finish_file(struct pipeline *p, uint32_t index, const struct frame_file *file)
{
	if (index >= p->ledger->n_files)
		return;
	struct ledger_file *f = &p->ledger->files[index];
	f->frames += file->frames;
	f->wire_bytes += file->wire_bytes;
	f->first_ns = file->first_ns;
	f->last_ns = file->last_ns;
	f->snaplen = file->snaplen;
	f->recorded = file->recorded;
	f->growing = file->growing;
	f->repaired = file->repaired;
	f->from_ns = file->from_ns;
	f->to_ns = file->to_ns;
	f->shift_ns = file->shift_ns;
	if (file->state != FILE_OK && file->message[0] && !f->message)
		note_flaw(f, file);
}

/* A WAN that only a state knows of lost no frames here that anybody would have to tell of: it must
 * not say "not known" for the pieces that have it. */
static void note_old_wans(struct pipeline *p, const struct frame_wan *wans, size_t n_wans)
{
	uint64_t here = 0;

	for (uint32_t i = 0; i < n_wans; i++) {
		uint32_t index = pipeline_wan_index(p, i, &wans[i]);
		if (index < LEDGER_WANS_MAX)
			here |= UINT64_C(1) << index;
	}
	for (uint32_t i = 0; i < p->old_wans; i++)
		if (!(here >> i & 1))
			p->ledger->wans[i].drops_known = true;
}

void pipeline_note_sources(struct pipeline *p, const struct frame_wan *wans, size_t n_wans,
                           const struct frame_file *files, size_t n_files)
{
	for (uint32_t i = 0; i < n_wans; i++)
		finish_wan(p, pipeline_wan_index(p, i, &wans[i]), &wans[i]);
	for (uint32_t i = 0; i < n_files; i++) {
		if (files[i].outside)
			continue;
		uint32_t wan = pipeline_wan_index(p, files[i].wan, &wans[files[i].wan]);

		finish_file(p, pipeline_file_index(p, i, &files[i], wan), &files[i]);
	}
	note_old_wans(p, wans, n_wans);
}
