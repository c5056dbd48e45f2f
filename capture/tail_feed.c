/* SPDX-License-Identifier: MIT
 *
 * tail_feed.c - one capture that grows: bytes in, the frame ahead out, and what its notes say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail_inside.h"
#include "file_flaw.h"

void feed_open(struct tail *tail, struct feed *feed, int fd, bool pipe)
{
	growing_open(&feed->growing, fd, pipe);
	feed->open = feed->started = true;
	feed->begun = feed->dry = feed->complete = feed->successor = false;
	feed->number = feed->last_ns = feed->free_offset = 0;
	feed->n_marks = 0;
	feed_mark(tail, feed, clock_mono(tail->clock));
}

void feed_close(struct feed *feed)
{
	growing_close(&feed->growing);
	free(feed->savefile.interfaces);
	free(feed->dropped);
	feed->savefile = (struct savefile){0};
	feed->dropped = NULL;
	feed->open = feed->begun = false;
}

/* Note how large the file is now, and let go what was there one lateness ago. */
void feed_mark(struct tail *tail, struct feed *feed, uint64_t now_ns)
{
	uint64_t size = feed->open ? growing_size(&feed->growing) : 0;
	unsigned done = 0;

	while (done < feed->n_marks && feed->marks[done].mono_ns + tail->lateness_ns <= now_ns)
		feed->free_offset = feed->marks[done++].offset;
	feed->n_marks -= done;
	memmove(feed->marks, feed->marks + done, feed->n_marks * sizeof(*feed->marks));
	if (feed->n_marks && feed->marks[feed->n_marks - 1].offset >= size)
		return;
	if (feed->n_marks == TAIL_MARKS) /* looked at very often: the last one waits longer */
		feed->n_marks--;
	feed->marks[feed->n_marks++] = (struct tail_mark){size, now_ns};
}

/* ---- notes ---- */

/* Call `take` for each of our comments in an interface or statistics block. */
static void each_note(struct tail *tail, struct feed *feed, struct savefile_record *record,
                      void (*take)(struct tail *, struct feed *, uint32_t interface,
                                   enum quality_name, const char *, size_t))
{
	const char *text;
	size_t length;
	enum quality_name name;

	while (savefile_comment(&feed->savefile, record, &text, &length))
		if (quality_parse(text, length, &name))
			take(tail, feed, record->interface, name, text, length);
}

static void note_warning(struct tail *tail, uint32_t wan, const char *text, size_t length)
{
	char code[48], about[64];
	const char *meaning = NULL;

	if (!quality_get(text, length, "code", code, sizeof(code)))
		return;
	if (!quality_get(text, length, "about", about, sizeof(about)))
		about[0] = '\0';
	for (size_t i = 0; i < quality_n_warnings; i++)
		if (strcmp(quality_warnings[i].code, code) == 0)
			meaning = quality_warnings[i].meaning;
	struct tail_note *note = tail_note(tail, NOTE_WARNING, wan);
	snprintf(note->text, sizeof(note->text), "%s%s%s", about, about[0] ? ": " : "",
	         meaning ? meaning : code);
}

/* Notes in an interface description. */
static void take_described(struct tail *tail, struct feed *feed, uint32_t interface,
                           enum quality_name name, const char *text, size_t length)
{
	struct savefile_interface *row = &feed->savefile.interfaces[interface];
	char wan[SAVEFILE_NAME];
	uint64_t number;

	if (name == QUALITY_WARNING)
		note_warning(tail, row->wan, text, length);
	if (name != QUALITY_INTERFACE)
		return;
	if (quality_get(text, length, "wan", wan, sizeof(wan)) && wan[0])
		row->wan = tail_find_wan(tail, wan);
	struct tail_wan *said = &tail->notes_of[row->wan];
	said->ended = false;
	quality_get(text, length, "role", said->role, sizeof(said->role));
	quality_get(text, length, "device", said->device, sizeof(said->device));
	quality_get(text, length, "boot", said->boot, sizeof(said->boot));
	said->ifindex = quality_get_number(text, length, "ifindex", &number) ? (uint32_t)number : 0;
}

static void take_gap(struct tail *tail, uint32_t wan, const char *text, size_t length)
{
	struct tail_note *note = tail_note(tail, NOTE_GAP, wan);
	char state[16] = "";

	quality_get(text, length, "state", state, sizeof(state));
	note->state = STATE_ABSENT;
	for (int i = 0; i < STATE_COUNT; i++)
		if (strcmp(quality_states[i], state) == 0)
			note->state = (enum quality_state)i;
	quality_get_number(text, length, "from_ns", &note->from_ns);
	quality_get_number(text, length, "to_ns", &note->to_ns);
	quality_get_number(text, length, "lost", &note->count);
}

/* Notes in a statistics block. */
static void take_stated(struct tail *tail, struct feed *feed, uint32_t interface,
                        enum quality_name name, const char *text, size_t length)
{
	uint32_t wan = feed->savefile.interfaces[interface].wan;
	struct tail_note *note;

	switch (name) {
	case QUALITY_GAP:
		take_gap(tail, wan, text, length);
		break;
	case QUALITY_STEP:
		note = tail_note(tail, NOTE_STEP, wan);
		quality_get_number(text, length, "at_ns", &note->from_ns);
		quality_get_signed(text, length, "by_ns", &note->by_ns);
		break;
	case QUALITY_WARNING:
		note_warning(tail, wan, text, length);
		break;
	case QUALITY_END:
		note = tail_note(tail, NOTE_END, wan);
		if (!quality_get(text, length, "reason", note->text, sizeof(note->text)))
			note->text[0] = '\0';
		tail->notes_of[wan].ended = strcmp(note->text, "stop") == 0;
		break;
	default:
		break;
	}
}

static void take_interface(struct tail *tail, struct feed *feed, struct savefile_record *record)
{
	struct savefile_interface *row = &feed->savefile.interfaces[record->interface];

	feed->dropped[record->interface] = 0;
	row->wan = TAIL_WANS_MAX;
	if (feed->key[0])
		row->wan = tail_find_wan(tail, feed->key);
	each_note(tail, feed, record, take_described);
	if (row->wan == TAIL_WANS_MAX)
		row->wan = tail_find_wan(tail, row->name[0] ? row->name : "(unnamed)");
	struct frame_wan *wan = &tail->wans[row->wan];
	wan->n_own = row->n_own;
	memcpy(wan->own, row->own, sizeof(wan->own));
	wan->filtered |= row->filtered;
	tail->files[feed->row].wan = row->wan;
	if (row->snaplen > tail->files[feed->row].snaplen)
		tail->files[feed->row].snaplen = row->snaplen;
	struct tail_note *note = tail_note(tail, NOTE_BEGIN, row->wan);
	snprintf(note->text, sizeof(note->text), "%s", row->name);
}

static void take_statistics(struct tail *tail, struct feed *feed, struct savefile_record *record)
{
	struct frame_wan *wan = &tail->wans[feed->savefile.interfaces[record->interface].wan];
	uint64_t *before = &feed->dropped[record->interface];
	uint64_t dropped = record->dropped_kernel + record->dropped_own;

	wan->drops_known |= record->drops_known;
	if (dropped >= record->dropped_own && dropped > *before) {
		wan->dropped += dropped - *before;
		tail_note(tail, NOTE_DROPS, (uint32_t)(wan - tail->wans))->count =
			dropped - *before;
		*before = dropped;
	}
	each_note(tail, feed, record, take_stated);
}

/* ---- frames ---- */

static void take_frame(struct tail *tail, struct feed *feed, const struct savefile_record *record)
{
	struct frame_file *row = &tail->files[feed->row];
	const struct savefile_interface *interface = &feed->savefile.interfaces[record->interface];

	feed->head = (struct frame){
		.ts_ns = record->ts_ns,
		.number = ++feed->number,
		.data = record->data,
		.caplen = record->caplen,
		.wire_len = record->wire_len,
		.wan = interface->wan,
		.file = feed->row,
		.linktype = interface->linktype,
		.segment_size = record->segment_size,
		.mark = record->mark,
		.shared = record->ts_ns >= tail->shared_ns,
		.backwards = record->ts_ns < feed->last_ns,
	};
	feed->has_head = true;
	feed->head_size = record->size;
	feed->head_at =
		feed->growing.packed
			? feed->growing.offset
			: feed->growing.offset - growing_length(&feed->growing) + record->size;
	feed->last_ns = record->ts_ns;
	if (record->ts_ns > feed->shown_ns)
		feed->shown_ns = record->ts_ns;
	row->frames++;
	row->wire_bytes += record->wire_len;
	row->backwards += feed->head.backwards;
	if (record->ts_ns > row->last_ns)
		row->last_ns = record->ts_ns;
	if (row->frames == 1 || record->ts_ns < row->first_ns)
		row->first_ns = record->ts_ns;
}

/* The file is of no use any further; the next one may be. */
static bool give_up(struct tail *tail, struct feed *feed, enum frame_file_state state,
                    const char *why)
{
	struct frame_file *row = &tail->files[feed->row];
	struct tail_note *note = tail_note(tail, NOTE_FLAW, row->wan);

	row->state = state;
	snprintf(row->message, sizeof(row->message), "%s; reading stopped there", why);
	snprintf(note->text, sizeof(note->text), "%s: %s", row->name, why);
	feed_close(feed);
	feed->complete = true;
	return false;
}

/*
 * Nothing more lies in the file now. Half a block is read again when more is there: who repairs a
 * file cuts it off and writes other bytes in its place. True when reading goes on in the next file.
 */
static bool pause_reading(struct tail *tail, struct feed *feed)
{
	bool half = growing_length(&feed->growing) > 0;

	feed->dry = true;
	if (!tail->live && half)
		growing_again(&feed->growing);
	if (tail->live || !(feed->complete || feed->successor))
		return false;
	if (half)
		give_up(tail, feed, FILE_CUT, "it ends inside a block");
	return tail_spool_turn(tail, feed);
}

static bool fill(struct tail *tail, struct feed *feed, size_t need)
{
	switch (growing_fill(&feed->growing, need)) {
	case GROWING_READY:
		return true;
	case GROWING_NOTHING:
		return pause_reading(tail, feed);
	case GROWING_CLOSED:
		feed_close(feed);
		return false;
	case GROWING_CORRUPT:
		return give_up(tail, feed, FILE_DAMAGED, "its packed bytes make no sense");
	case GROWING_MEMORY:
		return give_up(tail, feed, FILE_UNREADABLE, "out of memory");
	default:
		return give_up(tail, feed, FILE_UNREADABLE, "it cannot be read");
	}
}

static bool more_interfaces(struct tail *tail, struct feed *feed)
{
	struct savefile *savefile = &feed->savefile;
	uint32_t room = savefile->cap_interfaces ? savefile->cap_interfaces * 2 : 4;
	struct savefile_interface *grown = realloc(savefile->interfaces, room * sizeof(*grown));
	uint64_t *dropped = grown ? realloc(feed->dropped, room * sizeof(*dropped)) : NULL;

	if (grown)
		savefile->interfaces = grown;
	if (!dropped)
		return give_up(tail, feed, FILE_UNREADABLE, "out of memory");
	feed->dropped = dropped;
	savefile->cap_interfaces = room;
	return true;
}

static bool begin(struct tail *tail, struct feed *feed)
{
	if (growing_length(&feed->growing) == 0)
		return fill(tail, feed, 12);
	if (!feed->savefile.interfaces && !more_interfaces(tail, feed))
		return false;
	struct savefile_interface *interfaces = feed->savefile.interfaces;
	uint32_t room = feed->savefile.cap_interfaces;
	int head = savefile_begin(&feed->savefile, growing_bytes(&feed->growing),
	                          growing_length(&feed->growing), interfaces, room);
	if (head == -2) {
		/* what is kept must not be lost while the first bytes are waited for */
		feed->savefile.interfaces = interfaces;
		feed->savefile.cap_interfaces = room;
		return fill(tail, feed, growing_length(&feed->growing) + 1);
	}
	if (head < 0 || !feed->savefile.ng) {
		feed->savefile.interfaces = interfaces;
		return give_up(tail, feed, FILE_DAMAGED, "it is no pcapng file");
	}
	growing_use(&feed->growing, (size_t)head);
	feed->begun = true;
	return true;
}

/* One block. False: nothing now, or a frame is ahead. */
static bool step(struct tail *tail, struct feed *feed)
{
	struct savefile_record record;
	const uint8_t *block = growing_bytes(&feed->growing);
	enum savefile_item item =
		savefile_next(&feed->savefile, block, growing_length(&feed->growing), &record);

	switch (item) {
	case SAVEFILE_FRAME:
		take_frame(tail, feed, &record);
		return false;
	case SAVEFILE_MORE:
		return fill(tail, feed, (size_t)record.size);
	case SAVEFILE_ROOM:
		return more_interfaces(tail, feed);
	case SAVEFILE_DAMAGED:
	case SAVEFILE_GLUED:
		return give_up(tail, feed, FILE_DAMAGED,
		               item == SAVEFILE_DAMAGED ? file_flaw_what(record.fault)
		                                        : "another file begins inside it");
	case SAVEFILE_INTERFACE:
		take_interface(tail, feed, &record);
		break;
	case SAVEFILE_STATISTICS:
		take_statistics(tail, feed, &record);
		break;
	case SAVEFILE_SKIP:
		break;
	}
	growing_use(&feed->growing, (size_t)record.size);
	return true;
}

bool feed_advance(struct tail *tail, struct feed *feed)
{
	while (!feed->has_head && !feed->dry) {
		if (!feed->open) {
			if (tail->live || !tail_spool_turn(tail, feed))
				return false;
			continue;
		}
		if (!(feed->begun ? step(tail, feed) : begin(tail, feed)) && !feed->has_head)
			return false;
	}
	return feed->has_head;
}
