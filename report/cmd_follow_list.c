/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_list.c - which files of a spool are closed, whose they are, and which are new.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/clock.h"
#include "cmd_follow_list.h"
#include "command.h"
#include "text.h"

/* More files of one WAN than this wait for the next look. */
#define WAITING_MAX 65536
#define NS          1000000000ull

static struct follow_run *run_of(struct follow_reader *reader, const char *key)
{
	struct follow_cursor *cursor = reader->cursor;
	size_t before = cursor->n;
	struct follow_series *series = cursor_series(cursor, key);

	if (!series) {
		if (!reader->crowded)
			command_complain(EXIT_PASS,
			                 "more than %d WANs in the spool: %s and others are not "
			                 "followed",
			                 FOLLOW_SERIES_MAX, key);
		reader->crowded = true;
		return NULL;
	}
	if (cursor->n > before) {
		series->founding = cursor->hour_ns == 0;
		list_add_run(reader);
	}
	return &reader->runs[series - cursor->series];
}

void list_add_run(struct follow_reader *reader)
{
	struct follow_run *run = &reader->runs[reader->n_runs];

	*run = (struct follow_run){.series = &reader->cursor->series[reader->n_runs],
	                           .wan = FOLLOW_NONE};
	reader->n_runs++;
}

/* What was listed before and not yet opened is listed again. */
static void forget(struct follow_reader *reader)
{
	for (size_t i = 0; i < reader->n_runs; i++) {
		struct follow_run *run = &reader->runs[i];

		run->n_waiting = run->at_waiting = 0;
		run->part = false;
	}
}

static void add(struct follow_reader *reader, struct follow_run *run, const struct spool_name *name,
                const char *text)
{
	if (run->n_waiting == run->cap_waiting) {
		size_t more = run->cap_waiting ? run->cap_waiting * 2 : 16;
		struct follow_wait *rows = realloc(run->waiting, more * sizeof(*rows));

		if (!rows) {
			reader->out_of_memory = true;
			return;
		}
		run->waiting = rows;
		run->cap_waiting = more;
	}
	struct follow_wait *row = &run->waiting[run->n_waiting++];
	row->sequence = (int64_t)name->sequence;
	memcpy(row->name, text, strlen(text) + 1);
}

static int by_sequence(const void *one, const void *other)
{
	const struct follow_wait *a = one, *b = other;

	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Somebody cleared the spool: its numbers begin anew. */
static void see_anew(struct follow_run *run, int64_t highest)
{
	if (run->now || run->ending || highest < 0 || highest >= run->series->sequence)
		return;
	run->series->sequence = run->series->handed = -1;
	run->series->consumed = 0;
}

/* Leave what is consumed, and what is being read, out. */
static void close_up(struct follow_run *run)
{
	int64_t after = run->series->sequence;
	size_t kept = 0;

	if (run->ending)
		after = run->ending->sequence;
	if (run->now)
		after = run->now->sequence;
	if (run->n_waiting > 1)
		qsort(run->waiting, run->n_waiting, sizeof(*run->waiting), by_sequence);
	for (size_t i = 0; i < run->n_waiting && kept < WAITING_MAX; i++)
		if (run->waiting[i].sequence > after)
			run->waiting[kept++] = run->waiting[i];
	run->n_waiting = kept;
}

/* A file just closed and the next not begun yet: a moment in which no .part lies there. */
static void see_part(struct follow_run *run, bool part)
{
	run->part = part;
	if (part)
		run->missed_mono = 0;
	else if (!run->missed_mono)
		run->missed_mono = clock_mono(&clock_system);
}

struct seen {
	bool part;
	int64_t highest;
};

/* Whose WAN is in it, and whether it is closed, its name does not say. Told once. */
static void see_stranger(struct follow_reader *reader, const char *text)
{
	char safe[120];

	if (reader->stranger || !strstr(text, ".pcap"))
		return;
	reader->stranger = true;
	command_complain(
		EXIT_PASS,
		"%s: %s and files like it are not followed, as mptcp-captured gave them no "
		"name; mptcp-audit report and dissect read them",
		reader->path, text_safe(safe, sizeof(safe), text, 60));
}

static void see(struct follow_reader *reader, struct seen seen[FOLLOW_SERIES_MAX], const char *text)
{
	struct spool_name name;
	bool ours = spool_name_parse(&name, text);
	struct follow_run *run = ours ? run_of(reader, name.wan) : NULL;

	if (!ours)
		see_stranger(reader, text);
	if (!run)
		return;
	struct seen *row = &seen[run - reader->runs];
	if ((int64_t)name.sequence + 1 > row->highest)
		row->highest = (int64_t)name.sequence + 1;
	if (name.part) {
		row->part = true;
		run->part_ns = name.real_s * NS;
	} else {
		add(reader, run, &name, text);
	}
}

static bool read_all(struct follow_reader *reader, DIR *directory)
{
	struct seen seen[FOLLOW_SERIES_MAX] = {{0}};
	const struct dirent *row;

	forget(reader);
	errno = 0;
	while ((row = readdir(directory)))
		see(reader, seen, row->d_name);
	for (size_t i = 0; i < reader->n_runs; i++) {
		see_anew(&reader->runs[i], seen[i].highest - 1);
		close_up(&reader->runs[i]);
		see_part(&reader->runs[i], seen[i].part);
	}
	return errno == 0 && !reader->out_of_memory;
}

bool reader_look(struct follow_reader *reader)
{
	int fd = openat(reader->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	bool good = directory && read_all(reader, directory);

	if (!good)
		command_complain(EXIT_PASS, "%s: %s", reader->path,
		                 reader->out_of_memory ? "out of memory" : strerror(errno));
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	return good;
}

bool list_lives(const struct follow_reader *reader, const struct follow_run *run)
{
	if (run->part)
		return true;
	return !reader->once && !run->series->ended && run->missed_mono &&
	       clock_mono(&clock_system) - run->missed_mono < LIST_GRACE_NS;
}
