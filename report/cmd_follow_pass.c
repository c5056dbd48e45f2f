/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_pass.c - see cmd_follow.h: pieces, hours, commits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd_follow.h"
#include "command.h"

#define NS UINT64_C(1000000000)
/* Frames between two looks for a signal. */
#define BATCH 65536
/* Hours with nothing in them are passed over one by one up to so many. */
#define EMPTY_HOURS 48
/* The clock was set back: what comes lies so far before what is counted. */
#define BACK_NS (3600 * NS)
/* Connections that an hour's ledger lists one by one: twice what a busy household opens. */
#define HOUR_CONNECTIONS 1000

/* ---- hours ---- */

static const struct zone *zone_of(const struct follow *f)
{
	return &f->intake.zone;
}

static uint64_t hour_of(const struct follow *f, uint64_t ns, int plus)
{
	int64_t hour = zone_hour(zone_of(f), (int64_t)(ns / NS), plus);

	return hour > 0 ? (uint64_t)hour * NS : 0;
}

static bool is_cut(const struct follow *f, uint64_t ns)
{
	struct zone_moment moment;

	zone_local(zone_of(f), (int64_t)(ns / NS), &moment);
	return (unsigned)moment.hour % f->every_h == 0;
}

/* The window that holds a moment begins here ... */
static uint64_t window_from(const struct follow *f, uint64_t ns)
{
	uint64_t at = hour_of(f, ns, 0);

	for (unsigned i = 0; i < 24 && !is_cut(f, at); i++)
		at = hour_of(f, at, -1);
	return at;
}

/* ... and ends here. */
static uint64_t window_to(const struct follow *f, uint64_t ns)
{
	uint64_t at = hour_of(f, ns, 1);

	for (unsigned i = 0; i < 24 && !is_cut(f, at); i++)
		at = hour_of(f, at, 1);
	return at;
}

/* ---- pieces ---- */

static void survey(void *context, const struct frame_wan *wan, const struct frame *frame)
{
	pipeline_survey(context, wan, frame);
}

/* False: already explained. */
static bool begin_piece(struct follow *f)
{
	struct store_current *c = f->current;
	struct pipeline_options options = {.origin = c->cursor.origin};
	char message[300] = "out of memory";

	ledger_init(&f->piece);
	f->piece_ns = c->state ? c->cursor.until_ns : 0;
	if (!c->state) {
		f->pipeline = pipeline_new(&f->piece, &options);
		if (f->pipeline)
			reader_survey(&f->reader, survey, f->pipeline);
	} else {
		FILE *in = fmemopen(c->state, c->state_bytes, "r");

		f->pipeline =
			in ? pipeline_resume(&f->piece, &options, in, message, sizeof(message))
			   : NULL;
		if (in)
			fclose(in);
	}
	if (!f->pipeline)
		command_complain(EXIT_INTERNAL, "%s: the state %s", f->path, message);
	return f->pipeline != NULL;
}

static void drop_piece(struct follow *f)
{
	if (!f->pipeline)
		return;
	pipeline_free(f->pipeline);
	f->pipeline = NULL;
	ledger_release(&f->piece);
}

/* What is shared by all WANs, of this piece. */
static void share_piece(struct follow *f, uint64_t until_ns)
{
	const struct follow_cursor *cursor = &f->current->cursor;
	struct ledger *piece = &f->piece;
	uint64_t start = f->piece_ns > cursor->shared_ns ? f->piece_ns : cursor->shared_ns;
	uint64_t end = until_ns < f->reader.shared_end_ns ? until_ns : f->reader.shared_end_ns;

	piece->shared_known = start && start <= end;
	piece->shared_start_ns = piece->shared_known ? start : 0;
	piece->shared_end_ns = piece->shared_known ? end : 0;
}

static int suspend(struct follow *f, char **state, size_t *n)
{
	FILE *out = open_memstream(state, n);
	int error;

	if (!out)
		return -ENOMEM;
	error = pipeline_suspend(f->pipeline, f->reader.wans, f->reader.n_wans, f->reader.files,
	                         f->reader.n_files, out);
	if (fclose(out) != 0 && error == 0)
		error = -ENOMEM;
	return error;
}

/* All before `until_ns` has been read: into the sums of the running hour with it. 0 or -errno. */
static int end_piece(struct follow *f, uint64_t until_ns)
{
	struct store_current *c = f->current;
	char *state = NULL;
	size_t n = 0;
	int error;

	reader_tell(&f->reader, until_ns);
	error = f->reader.out_of_memory ? -ENOMEM : suspend(f, &state, &n);
	pipeline_free(f->pipeline);
	f->pipeline = NULL;
	if (error == 0) {
		reader_mend(&f->reader, &f->piece);
		share_piece(f, until_ns);
		if (!ledger_merge(&c->hour, &f->piece))
			error = -ENOMEM;
	}
	ledger_release(&f->piece);
	reader_begin(&f->reader);
	if (error != 0) {
		free(state);
		return error;
	}
	free(c->state);
	c->state = state;
	c->state_bytes = n;
	if (until_ns > c->cursor.until_ns)
		c->cursor.until_ns = until_ns;
	return 0;
}

/* ---- hours in the store ---- */

static bool is_empty(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_wans; i++) {
		const struct ledger_wan *wan = &ledger->wans[i];

		if (wan->n_buckets ||
		    (wan->record && (wan->record->n_spans || wan->record->n_steps)))
			return false;
	}
	return ledger->n_connections == 0 && ledger->n_interruptions == 0 &&
	       ledger->rest.connections == 0;
}

/* The running hour is over at `to_ns`. 0 or -errno. */
static int end_hour(struct follow *f, uint64_t to_ns)
{
	const struct ledger_bounds bounds = {.connections = HOUR_CONNECTIONS};
	struct store_current *c = f->current;
	struct follow_cursor *cursor = &c->cursor;
	int error = 0;

	if (!is_empty(&c->hour)) {
		if (!ledger_condense(&c->hour, &bounds))
			return -ENOMEM;
		error = store_put(&f->store, STORE_HOUR, (int64_t)(cursor->hour_ns / NS),
		                  (int64_t)(to_ns / NS), cursor->turn, &c->hour);
	}
	if (error != 0)
		return error;
	ledger_release(&c->hour);
	ledger_init(&c->hour);
	cursor->hour_ns = to_ns;
	/* a WAN whose recorder is gone is expected no more */
	for (size_t i = 0; i < cursor->n; i++)
		if (f->reader.shared_end_ns != UINT64_MAX && cursor->series[i].end_ns < to_ns &&
		    !f->reader.runs[i].now && !f->reader.runs[i].ending && !f->reader.runs[i].part)
			cursor->series[i].bounds = false;
	return 0;
}

static int commit(struct follow *f)
{
	int error = store_commit(&f->store, f->current);

	f->passes += error == 0;
	return error;
}

/* ---- a pass ---- */

static bool told_to_stop(struct follow *f)
{
	struct signalfd_siginfo signal;

	if (f->signals >= 0 && read(f->signals, &signal, sizeof(signal)) == sizeof(signal))
		f->stopping = true;
	return f->stopping;
}

/* The clock was set back by more than may be late: hours repeat, under names of their own. */
static int turn_back(struct follow *f, uint64_t next_ns)
{
	struct follow_cursor *cursor = &f->current->cursor;
	uint64_t end = (cursor->until_ns + NS - 1) / NS * NS;
	int error;

	command_complain(EXIT_PASS,
	                 "%s: the clock was set back: times before those that are "
	                 "counted follow; they are kept beside them",
	                 f->spool);
	error = end_hour(f, end > cursor->hour_ns ? end : cursor->hour_ns + NS);
	if (error != 0)
		return error;
	cursor->turn++;
	cursor->until_ns = next_ns;
	cursor->hour_ns = window_from(f, next_ns);
	if (cursor->shared_ns > next_ns)
		cursor->shared_ns = next_ns;
	for (size_t i = 0; i < cursor->n; i++) {
		struct follow_series *series = &cursor->series[i];

		series->end_ns = series->end_ns > next_ns ? next_ns : series->end_ns;
		series->told_ns = series->told_ns > next_ns ? next_ns : series->told_ns;
	}
	return 0;
}

/* What comes next is hours away: those in between are empty. */
static void pass_over_hours(struct follow *f)
{
	uint64_t *hour = &f->current->cursor.hour_ns, next = reader_ahead(&f->reader);

	if (next != UINT64_MAX && next > *hour + EMPTY_HOURS * 3600 * NS)
		*hour = window_from(f, next);
}

/* An hour is full: it is stored, and committed. 0 or -errno. */
static int cut_hour(struct follow *f, uint64_t cut_ns)
{
	int error = end_piece(f, cut_ns);

	if (error == 0)
		error = end_hour(f, cut_ns);
	pass_over_hours(f);
	if (error == 0)
		error = commit(f);
	if (error == 0)
		follow_hand_over(f);
	return error;
}

/* Read on until all is read or the hour is over. */
static enum reader_item read_some(struct follow *f, uint64_t cut_ns)
{
	struct follow_reader *reader = &f->reader;
	struct frame frame;
	enum reader_item item = READER_FRAME;

	for (unsigned i = 0; i < BATCH; i++) {
		item = reader_next(reader, cut_ns, &frame);
		if (item != READER_FRAME || reader->out_of_memory)
			return item;
		pipeline_feed(f->pipeline, &reader->wans[frame.wan], &reader->files[frame.file],
		              &frame);
		f->frames++;
	}
	return item;
}

/* The last piece: up to where all is known, or where it was stopped. */
static int end_pass(struct follow *f, enum reader_item item)
{
	uint64_t until = item == READER_DRY ? reader_known(&f->reader) : reader_ahead(&f->reader);
	uint64_t before = f->current->cursor.until_ns;
	int error = end_piece(f, until > before && until != UINT64_MAX ? until : before);

	return error ? error : commit(f);
}

static int read_pieces(struct follow *f)
{
	int error = 0;

	while (error == 0) {
		uint64_t cut = window_to(f, f->current->cursor.hour_ns);
		enum reader_item item = READER_FRAME;

		if (!begin_piece(f))
			return -EINVAL;
		while (item == READER_FRAME && !f->reader.out_of_memory && !told_to_stop(f))
			item = read_some(f, cut);
		if (item != READER_CUT || f->reader.out_of_memory)
			return end_pass(f, item);
		error = cut_hour(f, cut);
	}
	return error;
}

static void tell_late(struct follow *f)
{
	if (f->reader.late_frames == 0)
		return;
	f->current->cursor.late_frames += f->reader.late_frames;
	command_complain(EXIT_PASS,
	                 "%s: %" PRIu64
	                 " frames turned up when their time was counted already; they "
	                 "count with the hour in which they came",
	                 f->spool, f->reader.late_frames);
	f->reader.late_frames = 0;
}

static int explain(struct follow *f, int error)
{
	f->trouble = error;
	drop_piece(f);
	if (error == -ENOMEM || error == -EINVAL)
		return command_complain(EXIT_INTERNAL, "%s",
		                        error == -ENOMEM ? "out of memory" : "cannot go on");
	command_complain(EXIT_PASS, "%s: %s; the store is as it was, and it is tried again",
	                 f->path, strerror(-error));
	return follow_reload(f);
}

/* Something may leave, or a file's end has come. */
static bool anything_new(struct follow *f)
{
	struct frame frame;

	reader_next(&f->reader, 1, &frame);
	return reader_ahead(&f->reader) != UINT64_MAX &&
	       reader_ahead(&f->reader) <= f->reader.most_ns;
}

int follow_pass(struct follow *f)
{
	struct follow_cursor *cursor = &f->current->cursor;
	uint64_t next;
	int error = 0;

	f->trouble = 0;
	if (!reader_look(&f->reader))
		return 0;
	if (!anything_new(f))
		return 0;
	next = reader_ahead(&f->reader);
	if (cursor->hour_ns == 0) {
		cursor->until_ns = next;
		cursor->hour_ns = window_from(f, next);
	} else if (reader_set_back(&f->reader, BACK_NS)) {
		error = turn_back(f, next);
	}
	pass_over_hours(f);
	if (error == 0)
		error = read_pieces(f);
	if (error != 0)
		return explain(f, error);
	tell_late(f);
	error = store_tidy(&f->store, zone_of(f), &f->keeping, cursor);
	if (error != 0)
		command_complain(EXIT_PASS, "%s: %s; hours stay hours for now", f->path,
		                 strerror(-error));
	follow_hand_over(f);
	return 0;
}

int follow_reload(struct follow *f)
{
	int error;

	if (f->reading)
		reader_close(&f->reader);
	f->reading = false;
	store_current_release(f->current);
	error = store_load(f->store.directory, f->current);
	if (error != 0)
		return command_complain(EXIT_BAD_DATA, "%s/current: %s", f->path, strerror(-error));
	f->reading = true;
	int code = reader_open(&f->reader, f->spool, &f->intake, &f->current->cursor);
	f->reader.once = f->once;
	return code;
}
