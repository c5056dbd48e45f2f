/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_read.c - see cmd_follow_read.h: which frame comes next, and which file is over.
 */
#include "cmd_follow_read.h"

#include <stdlib.h>
#include <string.h>

#include "cmd_follow_files.h"
#include "cmd_follow_list.h"

/* ---- what is ahead ---- */

static uint64_t frame_ahead(const struct follow_run *run)
{
	return run->now ? run->now->input.head.frame.ts_ns : UINT64_MAX;
}

static uint64_t ahead(const struct follow_run *run)
{
	uint64_t frame = frame_ahead(run);

	return run->ending && run->ending->last_ns < frame ? run->ending->last_ns : frame;
}

/* It has no frame, and its recorder is still writing: up to where is it known? */
static uint64_t known_of(const struct follow_run *run)
{
	const struct follow_series *s = run->series;

	if (run->ending)
		return run->ending->last_ns;
	return s->end_ns || !run->part ? s->end_ns : run->part_ns;
}

static bool exhausted(const struct follow_run *run)
{
	return !run->now;
}

static uint64_t horizon(const struct follow_reader *reader)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < reader->n_runs; i++) {
		const struct follow_run *run = &reader->runs[i];

		if (exhausted(run) && list_lives(reader, run) && known_of(run) < least)
			least = known_of(run);
	}
	return least;
}

uint64_t reader_ahead(const struct follow_reader *reader)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < reader->n_runs; i++)
		if (ahead(&reader->runs[i]) < least)
			least = ahead(&reader->runs[i]);
	return least;
}

bool reader_set_back(const struct follow_reader *reader, uint64_t by_ns)
{
	uint64_t until = reader->cursor->until_ns;
	bool back = false;

	for (size_t i = 0; i < reader->n_runs; i++) {
		uint64_t next = ahead(&reader->runs[i]), end = reader->runs[i].series->end_ns;

		if (next != UINT64_MAX && next + by_ns >= until)
			return false;
		back |= next != UINT64_MAX && next + by_ns < end;
	}
	return back;
}

uint64_t reader_known(const struct follow_reader *reader)
{
	uint64_t least = horizon(reader), latest = 0;

	if (least != UINT64_MAX)
		return least;
	for (size_t i = 0; i < reader->n_runs; i++)
		if (reader->runs[i].series->end_ns > latest)
			latest = reader->runs[i].series->end_ns;
	return latest;
}

/* A WAN whose recorder is gone ended somewhere: what comes later is shared by all no more. */
static void find_shared_end(struct follow_reader *reader)
{
	uint64_t end = UINT64_MAX;

	for (size_t i = 0; i < reader->n_runs; i++) {
		const struct follow_run *run = &reader->runs[i];
		uint64_t last = run->ending ? run->ending->last_ns : run->series->end_ns;

		if (run->series->bounds && exhausted(run) && last && last < end &&
		    !list_lives(reader, run))
			end = last;
	}
	reader->shared_end_ns = end;
}

/* ---- who is next ---- */

/* Of frames of one instant those of the WAN come first whose name does, as in capture/source.c. */
static bool before(const struct follow_reader *reader, const struct follow_run *a,
                   const struct follow_run *b)
{
	uint64_t ns_a = frame_ahead(a), ns_b = frame_ahead(b);

	if (ns_a != ns_b || ns_a == UINT64_MAX)
		return ns_a < ns_b;
	return strcmp(reader->wans[files_wan(a)].name, reader->wans[files_wan(b)].name) < 0;
}

/* The earliest frame leads, until another one is earlier or a file's end comes. */
static struct follow_run *find_leader(struct follow_reader *reader)
{
	struct follow_run *first = NULL;

	reader->bound_ns = reader->most_ns;
	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];

		if (run->now && (!first || before(reader, run, first)))
			first = run;
		if (run->ending && run->ending->last_ns < reader->bound_ns)
			reader->bound_ns = run->ending->last_ns;
	}
	reader->leads_ns = reader->bound_ns;
	for (size_t i = 0; i < reader->n_runs; i++)
		if (&reader->runs[i] != first && frame_ahead(&reader->runs[i]) < reader->leads_ns)
			reader->leads_ns = frame_ahead(&reader->runs[i]);
	return first;
}

/* Files whose end has come. False: none. */
static bool end_files(struct follow_reader *reader, uint64_t cut_ns)
{
	uint64_t next = reader_ahead(reader);
	bool any = false;

	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];
		uint64_t end = run->ending ? run->ending->last_ns : UINT64_MAX;

		if (end > next || end == UINT64_MAX || end > horizon(reader) || end >= cut_ns)
			continue;
		files_end(reader, run);
		any = true;
	}
	return any;
}

/* Open what is to be opened, end what is over, and see how far that goes. */
static void settle(struct follow_reader *reader, uint64_t cut_ns)
{
	files_open_all(reader);
	while (end_files(reader, cut_ns))
		files_open_all(reader);
	find_shared_end(reader);
	reader->most_ns = horizon(reader);
}

/* The caller is done with its frame. */
static void end_loan(struct follow_reader *reader)
{
	struct follow_run *run = reader->lender;

	reader->lender = NULL;
	if (run && !files_advance(reader, run))
		reader->leader = NULL;
}

static bool is_shared(const struct follow_reader *reader, uint64_t ts_ns)
{
	return reader->n_runs == 1 ||
	       (ts_ns >= reader->cursor->shared_ns && ts_ns <= reader->shared_end_ns);
}

static enum reader_item lend(struct follow_reader *reader, struct follow_run *run,
                             struct frame *frame)
{
	struct follow_reading *now = run->now;

	if (run->ending) /* a cursor speaks of one file at a time */
		files_end(reader, run);
	*frame = now->input.head.frame;
	frame->data = input_data(&now->input, now->input.head.offset);
	frame->wan = files_wan(run);
	frame->file = files_row(reader, now);
	frame->shared = is_shared(reader, frame->ts_ns);
	reader->late_frames += frame->ts_ns < reader->cursor->until_ns;
	if (frame->number > run->series->consumed)
		run->series->consumed = frame->number;
	reader->lender = run;
	return READER_FRAME;
}

static bool may_leave(const struct follow_reader *reader, uint64_t cut_ns)
{
	uint64_t ns = reader->leader ? frame_ahead(reader->leader) : UINT64_MAX;

	return ns < reader->bound_ns && ns < cut_ns;
}

enum reader_item reader_next(struct follow_reader *reader, uint64_t cut_ns, struct frame *frame)
{
	end_loan(reader);
	if (reader->leader && frame_ahead(reader->leader) < reader->leads_ns &&
	    frame_ahead(reader->leader) < cut_ns)
		return lend(reader, reader->leader, frame);
	if (reader->leader)
		reader->leader = find_leader(reader);
	if (!may_leave(reader, cut_ns)) {
		settle(reader, cut_ns);
		reader->leader = find_leader(reader);
	}
	if (may_leave(reader, cut_ns))
		return lend(reader, reader->leader, frame);
	reader->leader = NULL;
	uint64_t next = reader_ahead(reader);
	return next != UINT64_MAX && next >= cut_ns && reader->most_ns >= cut_ns ? READER_CUT
	                                                                         : READER_DRY;
}
