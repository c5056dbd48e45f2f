/* SPDX-License-Identifier: MIT
 *
 * source.c - all inputs behind one source_next(): merging by time, the survey, the shared window.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_flaw.h"
#include "source_inside.h"

/* ---- merging ---- */

/* Is `a` to come before `b`? Time, then WAN name, then the order of a WAN's files, which is by time
 * too. */
static bool ties_before(const struct source *source, const struct input *a, const struct input *b)
{
	const struct frame_wan *wans = source->roster.wans;
	int order = 0;

	if (a->head.frame.wan != b->head.frame.wan)
		order = strcmp(wans[a->head.frame.wan].name, wans[b->head.frame.wan].name);
	if (order != 0)
		return order < 0;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns;
	order = strcmp(a->path, b->path);
	return order ? order < 0 : a->index < b->index;
}

static bool comes_before(const struct source *source, const struct input *a, const struct input *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch;
	if (a->head.frame.ts_ns != b->head.frame.ts_ns)
		return a->head.frame.ts_ns < b->head.frame.ts_ns;
	return ties_before(source, a, b);
}

void source_sift_down(struct source *source, size_t at)
{
	struct input **heap = source->heap;
	struct input *moving = heap[at];

	for (size_t child; (child = 2 * at + 1) < source->n_heap; at = child) {
		if (child + 1 < source->n_heap &&
		    comes_before(source, heap[child + 1], heap[child]))
			child++;
		if (!comes_before(source, heap[child], moving))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moving;
}

/* The first input of the heap has no more frames: its capture may end with it. */
static void retire_first(struct source *source)
{
	const struct input *input = source->heap[0];
	struct capture *capture = &source->captures[input->capture];

	if (input->row->last_ns > capture->last_ns)
		capture->last_ns = input->row->last_ns;
	if (input->row->to_ns > capture->last_ns) /* our recorder's: it heard nothing more */
		capture->last_ns = input->row->to_ns;
	if (--capture->files_left == 0 && capture->bounds && capture->last_ns < source->end_ns)
		source->end_ns = capture->last_ns;
	source->heap[0] = source->heap[--source->n_heap];
	if (source->n_heap)
		source_sift_down(source, 0);
}

/* A file whose turn has come is opened again. What went wrong with it since then stands in its row.
 */
void source_wake_first(struct source *source)
{
	struct source_error error = {0};
	struct input *input = source->heap[0];
	uint32_t wan = input->row->wan;

	if (input_open(input, &source->env, &error) != SOURCE_FINE) {
		*input->row = (struct frame_file){.name = input->path, .wan = wan};
		file_flaw_note(input->row, FILE_UNREADABLE, FILE_FLAW_GONE, 0, false);
		input->has_head = false;
	}
	if (input->has_head) {
		source_sift_down(source, 0);
		return;
	}
	input_close(input);
	retire_first(source);
}

/* What was lent with the frame before is given back. */
static void end_loan(struct source *source)
{
	if (source->lender) {
		source->lender->held = UINT64_MAX;
		if (source->lender_spent)
			input_close(source->lender);
	}
	source->lender = NULL;
	source->lender_spent = false;
}

static bool is_shared(const struct source *source, uint64_t ts_ns)
{
	return source->alone || (ts_ns >= source->start_ns && ts_ns <= source->end_ns);
}

static bool merged_next(struct source *source, struct frame *frame)
{
	end_loan(source);
	while (source->n_heap && !source->heap[0]->open)
		source_wake_first(source);
	if (source->n_heap == 0) {
		roster_fold(&source->roster);
		return false;
	}

	struct input *input = source->heap[0];
	uint64_t offset = input->head.offset;
	*frame = input->head.frame;
	input->held = offset;
	source->lender = input;
	if (input_advance(input, &source->env)) {
		source_sift_down(source, 0);
	} else {
		source->lender_spent = true;
		retire_first(source);
	}
	if (source->roster.out_of_memory)
		input_flaw(input, FILE_UNREADABLE, FILE_FLAW_WANS_UNTOLD);
	frame->data = input_data(input, offset);
	frame->shared = is_shared(source, frame->ts_ns);
	return true;
}

/* One file, one WAN, nothing to compare with: from the record header straight into the caller's
 * frame. */
static bool solo_next(struct source *source, struct frame *frame)
{
	struct input *input = source->solo;
	struct window *window = &input->window;
	size_t at = (size_t)(input->position - window->start);
	uint64_t ts_ns;
	uint32_t caplen, wire_len;

	if (input->has_head || !savefile_plain(&input->savefile, window->bytes + at,
	                                       window->length - at, &ts_ns, &caplen, &wire_len)) {
		bool got = input->open && (input->has_head || input_advance(input, &source->env));
		input->has_head = false;
		if (!got)
			return false;
		*frame = input->head.frame;
		frame->data = input_data(input, input->head.offset);
		frame->shared = true;
		return true;
	}
	/* A map's bytes come from memory, which is what reading costs: ask early for what comes
	 * later. */
	for (unsigned line = 0; line < 3; line++)
		__builtin_prefetch(window->bytes + at + 2048 + line * 64);
	input->position += 16ull + caplen;
	input_count_plain(input, ts_ns, wire_len);
	*frame = (struct frame){
		.ts_ns = ts_ns,
		.number = input->number,
		.data = window->bytes + at + 16,
		.caplen = caplen,
		.wire_len = wire_len,
		.wan = input->row->wan,
		.linktype = input->savefile.interfaces[0].linktype,
		.shared = true,
		.backwards = input->backwards,
	};
	return true;
}

bool source_next(struct source *source, struct frame *frame)
{
	return source->solo ? solo_next(source, frame) : merged_next(source, frame);
}

/* ---- survey ---- */

/* Frames of a file looked at for each one wanted, when it holds several WANs and some are rare. */
#define SURVEY_DEPTH 64

struct survey {
	size_t most;
	size_t *shown; /* per WAN */
	void (*show)(void *context, const struct frame *frame);
	void *context;
};

static void survey_input(struct source *source, const struct input *input, struct survey *survey)
{
	struct input peek;
	struct frame_file row = {0};
	struct input_env env = {.roster = &source->roster};
	bool more = input_peek(input, &peek, &row, &env);

	for (size_t n = 0; more && n < survey->most * SURVEY_DEPTH; n++) {
		struct frame frame = peek.head.frame;
		frame.data = input_data(&peek, peek.head.offset);
		if (survey->shown[frame.wan] < survey->most) {
			survey->shown[frame.wan]++;
			survey->show(survey->context, &frame);
		} else if (!peek.several) {
			break;
		}
		more = input_advance(&peek, &env);
	}
	input_close(&peek);
}

void source_survey(struct source *source, size_t most,
                   void (*show)(void *context, const struct frame *frame), void *context)
{
	/* a survey may meet WANs that are new, but not more than the roster lets in */
	size_t rows = source->roster.n + ROSTER_FOUND_MAX + 2;
	struct survey survey = {most, calloc(rows, sizeof(size_t)), show, context};

	for (size_t i = 0; survey.shown && i < source->n_order; i++) {
		const struct input *input = source->order[i];
		if (input->several || survey.shown[input->row->wan] < most)
			survey_input(source, input, &survey);
	}
	free(survey.shown);
}

/* ---- tables ---- */

uint64_t source_complete(const struct source *source)
{
	return source->end_ns;
}

const struct frame_wan *source_wans(const struct source *source, size_t *count)
{
	*count = source->roster.n;
	return source->roster.wans;
}

const struct frame_file *source_files(const struct source *source, size_t *count)
{
	*count = source->inputs.n;
	return source->files;
}

/* The latest frame of each capture so far: those that ended are in end_ns already. */
static uint64_t earliest_last(const struct source *source)
{
	uint64_t end = source->end_ns;

	for (size_t c = 0; c < source->n_captures; c++) {
		const struct capture *capture = &source->captures[c];
		uint64_t last = capture->last_ns;
		if (!capture->bounds || capture->files_left == 0)
			continue;
		for (size_t i = 0; i < source->n_order; i++) {
			const struct input *input = source->order[i];
			if (input->capture == c && input->row->frames && input->row->last_ns > last)
				last = input->row->last_ns;
			if (input->capture == c && input->row->to_ns > last)
				last = input->row->to_ns;
		}
		if (last < end)
			end = last;
	}
	return end;
}

bool source_window(const struct source *source, uint64_t *start_ns, uint64_t *end_ns)
{
	if (source->n_captures == 0)
		return false;
	*start_ns = source->start_ns;
	*end_ns = earliest_last(source);
	if (source->alone && source->n_order == 1)
		*start_ns = source->order[0]->row->first_ns;
	/* only now is it known since when the recorder was there */
	for (size_t i = 0; source->alone && i < source->inputs.n; i++)
		if (source->files[i].from_ns && source->files[i].from_ns < *start_ns)
			*start_ns = source->files[i].from_ns;
	return *end_ns != UINT64_MAX && *start_ns <= *end_ns;
}
