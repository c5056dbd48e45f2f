/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_files.c - the files that a reader has open: one per WAN, and its account of what they
 * hold.
 */
#include "cmd_follow_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/names.h"
#include "cmd_follow_list.h"
#include "command.h"

/* Enough first frames of a WAN to meet its own address in both roles of a handshake. */
#define SURVEY_FRAMES 256
/* Since when the recorder was there stands in the first statistics block, which comes early. */
#define BEGIN_FRAMES 4096
#define WANS_MAX     1024 /* those that only the content of files names share the last row */

/* ---- WANs ---- */

static uint32_t add_wan(struct follow_reader *reader, const char *name)
{
	if (reader->n_wans == WANS_MAX)
		return WANS_MAX - 1;
	if (reader->n_wans == reader->cap_wans) {
		size_t more = reader->cap_wans ? reader->cap_wans * 2 : 16;
		struct frame_wan *wans = realloc(reader->wans, more * sizeof(*wans));

		if (!wans)
			goto no_memory;
		reader->wans = wans;
		reader->cap_wans = more;
	}
	reader->wans[reader->n_wans] = (struct frame_wan){.name = strdup(name), .bounds = true};
	if (!reader->wans[reader->n_wans].name)
		goto no_memory;
	return (uint32_t)reader->n_wans++;
no_memory:
	reader->out_of_memory = true;
	return 0;
}

static void learn_own(struct frame_wan *wan, const struct frame_wan *from)
{
	for (unsigned i = 0; i < from->n_own && wan->n_own < FRAME_WAN_ADDRS; i++) {
		unsigned k = 0;
		while (k < wan->n_own &&
		       memcmp(&wan->own[k], &from->own[i], sizeof(wan->own[k])) != 0)
			k++;
		if (k == wan->n_own)
			wan->own[wan->n_own++] = from->own[i];
	}
	wan->filtered |= from->filtered;
}

/* A run has a row of its own: its record is told there. Others are found by name. */
static uint32_t find_wan(struct follow_reader *reader, const char *name)
{
	for (uint32_t i = 0; i < reader->n_wans; i++)
		if (strcmp(reader->wans[i].name, name) == 0)
			return i;
	return add_wan(reader, name);
}

/* From a row of the file's roster to one of the reader. */
static uint32_t map_wan(struct follow_reader *reader, const struct follow_run *run,
                        struct follow_reading *reading, uint32_t row)
{
	if (row >= reading->n_wans) {
		size_t n = reading->roster.n > row ? reading->roster.n : row + 1u;
		uint32_t *wans = realloc(reading->wans, n * sizeof(*wans));

		if (!wans) {
			reader->out_of_memory = true;
			return 0;
		}
		for (size_t i = reading->n_wans; i < n; i++)
			wans[i] = FOLLOW_NONE;
		reading->wans = wans;
		reading->n_wans = n;
	}
	if (reading->wans[row] == FOLLOW_NONE) {
		const struct frame_wan *wan = &reading->roster.wans[row];

		reading->wans[row] = row == reading->row.wan && run->wan != FOLLOW_NONE
		                             ? run->wan
		                             : find_wan(reader, wan->name);
		learn_own(&reader->wans[reading->wans[row]], wan);
	}
	return reading->wans[row];
}

uint32_t files_wan(const struct follow_run *run)
{
	return run->now->wans[run->now->input.head.frame.wan];
}

/* ---- rows of files ---- */

uint32_t files_row(struct follow_reader *reader, struct follow_reading *reading)
{
	if (reading->file != FOLLOW_NONE)
		return reading->file;
	if (reader->n_files == reader->cap_files) {
		size_t more = reader->cap_files ? reader->cap_files * 2 : 16;
		struct frame_file *files = realloc(reader->files, more * sizeof(*files));

		if (!files) {
			reader->out_of_memory = true;
			return 0;
		}
		reader->files = files;
		reader->cap_files = more;
	}
	reader->files[reader->n_files] = (struct frame_file){
		.name = strdup(reading->input.path), .wan = reading->wans[reading->row.wan]};
	reader->out_of_memory |= !reader->files[reader->n_files].name;
	reading->file = (uint32_t)reader->n_files++;
	return reading->file;
}

/* ---- opening ---- */

void files_close(struct follow_reading *reading)
{
	if (!reading)
		return;
	input_release(&reading->input);
	roster_release(&reading->roster);
	free(reading->wans);
	free(reading);
}

static void begin_roster(const struct follow_reader *reader, struct roster *roster)
{
	roster->shifts = reader->shift_rows;
	roster->n_shifts = reader->n_shifts;
	roster->filtered = reader->filter != NULL;
}

static struct follow_reading *new_reading(const struct follow_reader *reader,
                                          const struct follow_wait *wait)
{
	struct follow_reading *r = calloc(1, sizeof(*r));
	char *path = NULL, *stem = NULL, *directory = NULL;

	if (r && asprintf(&path, "%s/%s", reader->path, wait->name) < 0)
		path = NULL;
	if (!r || !path || !names_split(path, &stem, &directory) || !roster_init(&r->roster)) {
		free(path);
		free(stem);
		free(directory);
		free(r);
		return NULL;
	}
	free(directory);
	names_clean(stem);
	memcpy(r->name, wait->name, sizeof(r->name));
	r->sequence = wait->sequence;
	r->file = FOLLOW_NONE;
	r->row.name = path;
	r->input = (struct input){.path = path,
	                          .base = stem,
	                          .explicit_path = true,
	                          .row = &r->row,
	                          .window = {.fd = -1, .packing = ""}};
	begin_roster(reader, &r->roster);
	return r;
}

static struct input_env env_of(const struct follow_reader *reader, struct follow_reading *reading)
{
	return (struct input_env){.roster = &reading->roster, .filter = reader->filter};
}

/* One file of many must not stop a service: it is told, and passed over. */
static void pass_over(struct follow_reader *reader, struct follow_run *run,
                      const struct follow_wait *wait, const struct source_error *error)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", reader->path, wait->name);
	if (access(path, F_OK) != 0) { /* the ring was faster; the next file's number tells */
		command_complain(EXIT_PASS, "%s is gone before it was read", path);
	} else {
		command_complain(EXIT_PASS, "%s; it is passed over", error->message);
		told_missing(&run->told, 1);
		run->series->sequence = wait->sequence;
		run->series->consumed = 0;
	}
	reader->cursor->lost_files++;
}

static void look_for_missing(struct follow_run *run, int64_t sequence)
{
	int64_t last = run->ending ? run->ending->sequence : run->series->sequence;

	if (last >= 0 && sequence > last + 1)
		told_missing(&run->told, (uint64_t)(sequence - last - 1));
}

/* The first file of a WAN says since when it is recorded: shared time does not begin before. */
static void find_begin(struct follow_reader *reader, struct follow_run *run)
{
	struct follow_series *series = run->series;
	const struct follow_reading *now = run->now ? run->now : run->ending;
	struct follow_cursor *cursor = reader->cursor;
	uint64_t begin = now->input.has_head ? now->input.first_ns : now->row.from_ns;
	struct input peek;
	struct frame_file row = {0};
	struct roster roster;

	if (!roster_init(&roster))
		return;
	struct input_env env = {.roster = &roster};
	bool more = now->input.has_head && input_peek(&now->input, &peek, &row, &env);
	for (unsigned i = 0; more && peek.recording.began_ns == 0 && i < BEGIN_FRAMES; i++)
		more = input_advance(&peek, &env);
	if (now->input.has_head) {
		if (peek.recording.began_ns && peek.recording.began_ns < begin)
			begin = peek.recording.began_ns;
		input_close(&peek);
	}
	roster_release(&roster);
	series->begin_ns = begin ? begin : 1;
	if (series->founding && series->bounds && begin > cursor->shared_ns &&
	    begin >= cursor->until_ns)
		cursor->shared_ns = begin;
}

static bool is_off(const struct follow_reading *reading)
{
	const struct frame_recording *r = reading->roster.wans[reading->row.wan].recording;

	return r && r->n_roles == 1 && strcmp(r->roles[0], "off") == 0;
}

/* Its frames are out: what is left of it is its end. */
static void become_ending(struct follow_reader *reader, struct follow_run *run,
                          struct follow_reading *reading)
{
	uint64_t last = reading->row.last_ns;

	for (size_t i = 0; i < reading->input.recording.n_wans; i++)
		reading->stopped |= reading->input.recording.wans[i].stopped;
	input_close(&reading->input);
	if (run->ending)
		files_end(reader, run);
	if (reading->row.to_ns > last)
		last = reading->row.to_ns;
	reading->last_ns = last ? last : run->series->end_ns;
	run->ending = reading;
	if (run->now == reading)
		run->now = NULL;
	reader->leader = NULL;
}

/* Pass over what an earlier run has counted. */
static void skip_consumed(const struct follow_reader *reader, const struct follow_run *run,
                          struct follow_reading *reading)
{
	struct input_env env = env_of(reader, reading);
	uint64_t consumed = run->ending ? 0 : run->series->consumed;

	while (reading->input.has_head && reading->input.head.frame.number <= consumed)
		input_advance(&reading->input, &env);
}

static void meet(struct follow_reader *reader, struct follow_run *run,
                 struct follow_reading *reading)
{
	if (run->wan == FOLLOW_NONE)
		run->wan = add_wan(reader, reading->roster.wans[reading->row.wan].name);
	map_wan(reader, run, reading, reading->row.wan);
	run->series->bounds = !is_off(reading);
	look_for_missing(run, reading->sequence);
}

static void open_next(struct follow_reader *reader, struct follow_run *run)
{
	const struct follow_wait *wait = &run->waiting[run->at_waiting++];
	struct follow_reading *reading = new_reading(reader, wait);
	struct source_error error = {0};

	if (!reading) {
		reader->out_of_memory = true;
		return;
	}
	struct input_env env = env_of(reader, reading);
	if (input_open(&reading->input, &env, &error) != SOURCE_FINE) {
		pass_over(reader, run, wait, &error);
		files_close(reading);
		return;
	}
	meet(reader, run, reading);
	if (reading->input.has_head)
		run->now = reading;
	else
		become_ending(reader, run, reading);
	if (run->series->begin_ns == 0)
		find_begin(reader, run);
	skip_consumed(reader, run, reading);
	if (run->now && !run->now->input.has_head)
		become_ending(reader, run, reading);
	else if (run->now)
		map_wan(reader, run, run->now, run->now->input.head.frame.wan);
}

void files_open_all(struct follow_reader *reader)
{
	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];

		while (!run->now && run->at_waiting < run->n_waiting && !reader->out_of_memory)
			open_next(reader, run);
	}
}

bool files_advance(struct follow_reader *reader, struct follow_run *run)
{
	struct follow_reading *now = run->now;
	struct input_env env = env_of(reader, now);

	if (!input_advance(&now->input, &env)) {
		become_ending(reader, run, now);
		return false;
	}
	reader->out_of_memory |= now->roster.out_of_memory;
	if (now->input.head.frame.wan >= now->n_wans ||
	    now->wans[now->input.head.frame.wan] == FOLLOW_NONE)
		map_wan(reader, run, now, now->input.head.frame.wan);
	return true;
}

/* ---- the end of a file ---- */

static void end_row(struct follow_reader *reader, struct follow_reading *reading)
{
	uint32_t file = files_row(reader, reading);
	struct frame_file *row = &reader->files[file];
	const char *name = row->name;
	uint32_t wan = row->wan;

	*row = reading->row;
	row->name = name;
	row->wan = wan;
	if (row->message[0])
		command_complain(EXIT_PASS, "%s: %s", row->name, row->message);
}

void files_end(struct follow_reader *reader, struct follow_run *run)
{
	struct follow_reading *reading = run->ending;
	struct follow_series *series = run->series;

	told_end(&run->told, series, &reading->roster, reading->row.wan, &reading->row);
	end_row(reader, reading);
	series->sequence = reading->sequence;
	series->consumed = 0;
	series->ended = reading->stopped;
	if (reading->last_ns > series->end_ns)
		series->end_ns = reading->last_ns;
	run->ending = NULL;
	files_close(reading);
}

/* ---- surveying, telling ---- */

/* One file's first frames. Returns how many were shown. */
static size_t survey_file(struct follow_reader *reader, struct follow_run *run,
                          const struct follow_wait *wait, size_t most,
                          void (*show)(void *, const struct frame_wan *, const struct frame *),
                          void *context)
{
	struct follow_reading *reading = new_reading(reader, wait);
	struct source_error error = {0};
	struct input_env env = {0};
	size_t shown = 0;

	if (!reading)
		return most;
	env.roster = &reading->roster;
	reading->input.peeking = true;
	bool more =
		input_open(&reading->input, &env, &error) == SOURCE_FINE && reading->input.has_head;
	for (; more && shown < most; shown++) {
		struct frame frame = reading->input.head.frame;
		uint32_t row = frame.wan;

		if (run->wan == FOLLOW_NONE)
			run->wan = add_wan(reader, reading->roster.wans[reading->row.wan].name);
		frame.wan = map_wan(reader, run, reading, row);
		frame.data = input_data(&reading->input, reading->input.head.offset);
		show(context, &reader->wans[frame.wan], &frame);
		more = input_advance(&reading->input, &env);
	}
	files_close(reading);
	return shown;
}

void reader_survey(struct follow_reader *reader,
                   void (*show)(void *context, const struct frame_wan *wan,
                                const struct frame *frame),
                   void *context)
{
	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];
		size_t shown = 0;

		for (size_t k = 0; k < run->n_waiting && shown < SURVEY_FRAMES; k++)
			shown += survey_file(reader, run, &run->waiting[k], SURVEY_FRAMES - shown,
			                     show, context);
	}
}

static void tell_run(struct follow_reader *reader, struct follow_run *run, uint64_t cut_ns)
{
	struct follow_reading *both[] = {run->ending, run->now};

	for (size_t i = 0; i < 2; i++) {
		const struct follow_reading *r = both[i];

		if (r && r->row.from_ns && r->row.from_ns < cut_ns)
			told_part(&run->told, run->series, r->roster.wans[r->row.wan].recording,
			          r->row.from_ns,
			          r->input.open || r->last_ns > cut_ns ? cut_ns : r->last_ns);
	}
	reader->out_of_memory |= run->told.out_of_memory;
	if (run->wan == FOLLOW_NONE)
		return;
	struct frame_wan *wan = &reader->wans[run->wan];
	wan->dropped += run->told.dropped;
	wan->drops_known = run->series->drops_known || run->series->end_ns == 0;
	wan->recording = run->told.recorded ? &run->told.record : NULL;
}

void reader_tell(struct follow_reader *reader, uint64_t cut_ns)
{
	for (size_t i = 0; i < reader->n_runs; i++)
		tell_run(reader, &reader->runs[i], cut_ns);
}

void reader_mend(const struct follow_reader *reader, struct ledger *ledger)
{
	for (size_t i = 0; i < reader->n_runs; i++) {
		const struct follow_run *run = &reader->runs[i];

		for (size_t w = 0; run->wan != FOLLOW_NONE && w < ledger->n_wans; w++)
			if (strcmp(ledger->wans[w].name, reader->wans[run->wan].name) == 0)
				told_mend(&run->told, &ledger->wans[w]);
	}
}

void reader_begin(struct follow_reader *reader)
{
	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];

		told_begin(&run->told);
		if (run->now)
			run->now->file = FOLLOW_NONE;
		if (run->ending)
			run->ending->file = FOLLOW_NONE;
	}
	for (size_t i = 0; i < reader->n_wans; i++) {
		reader->wans[i].dropped = 0;
		reader->wans[i].recording = NULL;
	}
	for (size_t i = 0; i < reader->n_files; i++)
		free((char *)reader->files[i].name);
	reader->n_files = 0;
}

/* ---- life ---- */

static int open_options(struct follow_reader *reader, const struct intake *intake)
{
	char message[300];

	reader->n_shifts = intake->n_shifts;
	reader->shift_rows = calloc(intake->n_shifts + 1, sizeof(*reader->shift_rows));
	if (!reader->shift_rows)
		return command_complain(EXIT_INTERNAL, "out of memory");
	for (size_t i = 0; i < intake->n_shifts; i++)
		reader->shift_rows[i] =
			(struct source_shift){intake->shifts[i].wan, intake->shifts[i].ns};
	if (intake->filter) {
		reader->filter = filter_new(intake->filter);
		if (!reader->filter)
			return command_complain(EXIT_INTERNAL, "out of memory");
		if (!filter_prepare(reader->filter, LINK_ETHERNET, message, sizeof(message)))
			return command_complain(EXIT_USAGE, "the filter: %s", message);
	}
	return 0;
}

int reader_open(struct follow_reader *reader, const char *path, const struct intake *intake,
                struct follow_cursor *cursor)
{
	memset(reader, 0, sizeof(*reader));
	reader->cursor = cursor;
	reader->shared_end_ns = UINT64_MAX;
	reader->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (reader->directory < 0)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        path, strerror(errno));
	reader->path = strdup(path);
	if (!reader->path)
		return command_complain(EXIT_INTERNAL, "out of memory");
	for (size_t end = strlen(reader->path); end > 1 && reader->path[end - 1] == '/';)
		reader->path[--end] = '\0';
	for (size_t i = 0; i < cursor->n; i++)
		list_add_run(reader);
	return open_options(reader, intake);
}

void reader_close(struct follow_reader *reader)
{
	if (reader->cursor)
		reader_begin(reader);
	for (size_t i = 0; i < reader->n_runs; i++) {
		files_close(reader->runs[i].now);
		files_close(reader->runs[i].ending);
		free(reader->runs[i].waiting);
		told_release(&reader->runs[i].told);
	}
	for (size_t i = 0; i < reader->n_wans; i++)
		free((char *)reader->wans[i].name);
	if (reader->cursor && reader->directory >= 0)
		close(reader->directory);
	filter_free(reader->filter);
	free(reader->shift_rows);
	free(reader->wans);
	free(reader->files);
	free(reader->path);
	memset(reader, 0, sizeof(*reader));
}
