/* SPDX-License-Identifier: MIT
 *
 * tail.c - see tail.h: what is ahead in all feeds, and which frame may leave.
 */
#include "tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "names.h"
#include "tail_inside.h"

/* While frames come one after the other, files are looked at after so many. */
#define LOOK_FRAMES 512

/* ---- tables ---- */

struct tail_note *tail_note(struct tail *tail, enum tail_word word, uint32_t wan)
{
	/* the newest place is written over when all are taken: what came first explains most */
	if (tail->n_notes < TAIL_NOTES)
		tail->n_notes++;
	struct tail_note *note = &tail->notes[(tail->first_note + tail->n_notes - 1) % TAIL_NOTES];

	memset(note, 0, sizeof(*note));
	note->word = word;
	note->wan = wan;
	return note;
}

uint32_t tail_find_wan(struct tail *tail, const char *name)
{
	char clean[SAVEFILE_NAME];

	snprintf(clean, sizeof(clean), "%s", name);
	names_clean(clean);
	for (uint32_t i = 0; i < tail->n_wans; i++)
		if (strcmp(tail->wans[i].name, clean) == 0)
			return i;
	char *copy = tail->n_wans < TAIL_WANS_MAX ? strdup(clean) : NULL;
	if (!copy)
		return TAIL_WANS_MAX;
	tail->wans[tail->n_wans] = (struct frame_wan){.name = copy, .bounds = true};
	return (uint32_t)tail->n_wans++;
}

static bool more_files(struct tail *tail)
{
	size_t room = tail->cap_files ? tail->cap_files * 2 : 16;
	struct frame_file *grown;

	if (tail->n_files < tail->cap_files)
		return true;
	if (tail->n_files >= TAIL_FILES_MAX)
		return false;
	grown = realloc(tail->files, room * sizeof(*grown));
	if (!grown)
		return false;
	tail->files = grown;
	tail->cap_files = room;
	return true;
}

uint32_t tail_add_file(struct tail *tail, const struct feed *feed, const char *name)
{
	char *copy = more_files(tail) ? strdup(name) : NULL;

	if (!copy) /* row 0 is there from the start */
		return feed->started ? feed->row : 0;
	tail->files[tail->n_files] = (struct frame_file){.name = copy};
	return (uint32_t)tail->n_files++;
}

struct feed *tail_add_feed(struct tail *tail)
{
	struct feed *feed = tail->n_feeds < TAIL_WANS_MAX ? calloc(1, sizeof(*feed)) : NULL;

	if (!feed)
		return NULL;
	feed->growing.fd = -1;
	feed->sequence = -1;
	tail->feeds[tail->n_feeds++] = feed;
	return feed;
}

const struct frame_wan *tail_wans(const struct tail *tail, size_t *count)
{
	*count = tail->n_wans;
	return tail->wans;
}

const struct frame_file *tail_files(const struct tail *tail, size_t *count)
{
	*count = tail->n_files;
	return tail->files;
}

const struct tail_wan *tail_wan(const struct tail *tail, uint32_t wan)
{
	return &tail->notes_of[wan < TAIL_WANS_MAX ? wan : TAIL_WANS_MAX];
}

/* ---- order ---- */

/* As source.c orders: by time, then name of the WAN, then number. */
static bool before(const struct tail *tail, const struct feed *a, const struct feed *b)
{
	if (a->head.ts_ns != b->head.ts_ns)
		return a->head.ts_ns < b->head.ts_ns;
	int names = strcmp(tail->wans[a->head.wan].name, tail->wans[b->head.wan].name);
	return names != 0 ? names < 0 : a->head.number < b->head.number;
}

static struct feed *earliest(struct tail *tail)
{
	struct feed *first = NULL;

	for (size_t i = 0; i < tail->n_feeds; i++) {
		struct feed *feed = tail->feeds[i];
		if (feed_advance(tail, feed) && (!first || before(tail, feed, first)))
			first = feed;
	}
	return first;
}

/* May it leave, or could an earlier one still come? */
static bool may_leave(const struct tail *tail, const struct feed *first)
{
	if (tail->stopping || first->head_at <= first->free_offset)
		return true;
	for (size_t i = 0; i < tail->n_feeds; i++) {
		const struct feed *other = tail->feeds[i];
		if (other != first && !other->has_head && other->shown_ns < first->head.ts_ns)
			return false;
	}
	return true;
}

static void lend(struct tail *tail, struct feed *feed, struct frame *frame)
{
	*frame = feed->head;
	frame->backwards |= frame->ts_ns < tail->left_ns;
	if (frame->ts_ns > tail->left_ns)
		tail->left_ns = frame->ts_ns;
	tail->lender = feed;
	tail->since_look++;
}

static void end_loan(struct tail *tail)
{
	if (!tail->lender)
		return;
	growing_use(&tail->lender->growing, (size_t)tail->lender->head_size);
	tail->lender->has_head = false;
	tail->lender = NULL;
}

/* ---- looking ---- */

static void look(struct tail *tail)
{
	uint64_t now = clock_mono(tail->clock);

	tail->since_look = 0;
	tail->look_ns = now;
	if (tail->live)
		tail_live_look(tail);
	if (tail->stopping && !tail->live)
		return; /* what lay there when it was stopped, and no more */
	if (!tail->live)
		tail_spool_look(tail);
	for (size_t i = 0; i < tail->n_feeds; i++) {
		tail->feeds[i]->dry = false;
		feed_mark(tail, tail->feeds[i], now);
	}
}

static bool take_note(struct tail *tail, struct tail_note *note)
{
	if (tail->n_notes == 0)
		return false;
	*note = tail->notes[tail->first_note];
	tail->first_note = (tail->first_note + 1) % TAIL_NOTES;
	tail->n_notes--;
	return true;
}

static bool at_end(const struct tail *tail)
{
	if (tail->live)
		return tail->reaped && !tail->feeds[0]->open;
	return tail->stopping;
}

enum tail_item tail_next(struct tail *tail, struct frame *frame, struct tail_note *note)
{
	bool looked = tail->since_look >= LOOK_FRAMES;

	end_loan(tail);
	if (looked)
		look(tail);
	for (;;) {
		if (take_note(tail, note))
			return TAIL_NOTE;
		struct feed *first = earliest(tail);
		if (tail->n_notes > 0)
			continue;
		if (first && may_leave(tail, first)) {
			lend(tail, first, frame);
			return TAIL_FRAME;
		}
		if (!first && at_end(tail))
			return TAIL_END;
		if (looked)
			return TAIL_NOTHING;
		look(tail);
		looked = true;
	}
}

void tail_stop(struct tail *tail)
{
	if (tail->stopping)
		return;
	end_loan(tail);
	if (tail->live)
		tail_live_stop(tail);
	else
		look(tail);
	tail->stopping = true;
	tail->stop_ns = clock_mono(tail->clock);
}

/* ---- life ---- */

int tail_fd(const struct tail *tail)
{
	return tail->epoll;
}

int tail_patience_ms(const struct tail *tail)
{
	if (tail->stopping)
		return 20;
	if (tail->live)
		return 1000;
	for (size_t i = 0; i < tail->n_feeds; i++)
		if (tail->feeds[i]->has_head)
			return 50;
	return (int)(TAIL_LOOK_NS / 1000000);
}

int tail_status(const struct tail *tail)
{
	return tail->status;
}

struct tail *tail_new(const struct tail_options *options, int *error)
{
	struct tail *tail = calloc(1, sizeof(*tail));

	*error = -ENOMEM;
	if (!tail)
		return NULL;
	tail->clock = options && options->clock ? options->clock : &clock_system;
	tail->lateness_ns =
		options && options->lateness_ns ? options->lateness_ns : TAIL_LATENESS_NS;
	tail->directory = tail->inotify = tail->errors = -1;
	tail->status = -1;
	tail->wans = calloc(TAIL_WANS_MAX + 1, sizeof(*tail->wans));
	tail->notes_of = calloc(TAIL_WANS_MAX + 1, sizeof(*tail->notes_of));
	tail->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (tail->wans)
		tail->wans[TAIL_WANS_MAX].name = "(more)";
	if (tail->wans && tail->notes_of && tail->epoll >= 0 && more_files(tail))
		return tail;
	if (tail->epoll < 0)
		*error = -errno;
	tail_close(tail);
	return NULL;
}

void tail_close(struct tail *tail)
{
	if (!tail)
		return;
	for (size_t i = 0; i < tail->n_feeds; i++) {
		feed_close(tail->feeds[i]);
		free(tail->feeds[i]);
	}
	tail_live_end(tail);
	for (size_t i = 0; i < tail->n_wans; i++)
		free((char *)tail->wans[i].name);
	for (size_t i = 0; i < tail->n_files; i++)
		free((char *)tail->files[i].name);
	if (tail->directory >= 0)
		close(tail->directory);
	if (tail->inotify >= 0)
		close(tail->inotify);
	if (tail->epoll >= 0)
		close(tail->epoll);
	free(tail->wans);
	free(tail->notes_of);
	free(tail->files);
	free(tail);
}
