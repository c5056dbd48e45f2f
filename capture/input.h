/* SPDX-License-Identifier: MIT
 *
 * input.h - one capture file: opened when its time comes, read frame by frame, one frame ahead.
 *
 * Puts a window, a savefile parser, the roster and the filter together: gives frames their WAN,
 * mark and number, and keeps the file's row (struct frame_file) true.
 */
#ifndef CAPTURE_INPUT_H
#define CAPTURE_INPUT_H

#include "filter.h"
#include "frame.h"
#include "recording.h"
#include "roster.h"
#include "savefile.h"
#include "window.h"

/* Frames of one instant that a file of several WANs holds are put in the order of the WANs' names,
 * so that one such file and a file per WAN come out alike. More than this many at once keep the
 * file's order. */
#define INPUT_TIES 64

/* Where a file lies to the time that is asked for: outside it is not read. */
enum input_place { INPUT_ASKED, INPUT_BEFORE, INPUT_BEHIND };

struct input_frame {
	struct frame frame;
	uint64_t offset; /* of its data in the decompressed file */
};
struct input_ties;
struct input_links;

struct input {
	/* identity */
	const char *path; /* owned; "-" = standard input */
	char *base;       /* owned; the WAN's name if content names none; NAME= */
	bool named;       /* base was given by the user */
	bool aside;
	bool explicit_path; /* named by the user, not found in a directory */
	uint32_t spec;      /* index of the argument it comes from */
	uint32_t index;     /* of its row in the source's files */
	uint32_t capture;   /* index of what it bounds */
	uint32_t epoch;     /* read before all inputs of higher ones: a boot of the recorder */
	enum input_place place;
	uint64_t promised;      /* frames that who captured it says it holds; 0 = not told */
	struct frame_file *row; /* borrowed from the source */

	/* reading */
	bool open, seekable, peeking; /* peeking: not for the sums */
	bool several;                 /* frames of more than one WAN may come */
	uint32_t settled;             /* interfaces of the section that have their WAN */
	struct window window;
	struct savefile savefile;
	uint64_t position;
	uint64_t disk_bytes; /* of the file as it lay there when it was opened; 0 = no file */
	uint64_t number;
	uint64_t raw_ns;            /* of the last frame, before shifts */
	struct recording recording; /* what it says of itself; its identity stays when closed */
	int64_t clock_shift_ns;     /* of a recording whose clock was set later */
	bool backwards; /* it lies before the one before it: set by input_count_plain() */
	uint32_t thinned_wan; /* of which it was noted last that frames were left out */
	uint64_t held;  /* offset that must stay in the window: what the caller borrows */

	/* the frame ahead */
	bool has_head;
	struct input_frame head;
	uint64_t first_ns; /* of the file, filtered frames included */

	struct input_ties *ties;
	struct input_links *links;
};

struct input_env {
	struct roster *roster;
	struct filter *filter; /* NULL = all frames */
};

/*
 * Open the file and read its first frame into head, if it has one. SOURCE_FINE, or what is wrong
 * with it (and *error filled); a flaw behind the file header is noted in the row and is no failure.
 */
enum source_failure input_open(struct input *input, const struct input_env *env,
                               struct source_error *error);

/* Close it again until input_open(); the row starts anew. Not for pipes. Head keeps time and WAN
 * only. */
void input_park(struct input *input);

/*
 * Make `peek` a second reader of the same file that starts at its beginning, counts into `row` and
 * leaves this one untouched: of a pipe it sees what the buffer holds. False when there is nothing
 * to see. input_close() it.
 */
bool input_peek(const struct input *input, struct input *peek, struct frame_file *row,
                const struct input_env *env);

/* Give up the file; the row stays. */
void input_close(struct input *input);
void input_release(struct input *input);

/* Read the next frame into head. False at the end: the row is final. Frees what lies before `held`.
 */
bool input_advance(struct input *input, const struct input_env *env);

/* Count a frame of a file without shift that was read past input_advance(); not the first. */
static inline void input_count_plain(struct input *input, uint64_t ts_ns, uint32_t wire_len)
{
	struct frame_file *row = input->row;

	input->number++;
	input->backwards = ts_ns < input->raw_ns;
	input->raw_ns = ts_ns;
	row->frames++;
	row->wire_bytes += wire_len;
	if (ts_ns > row->last_ns)
		row->last_ns = ts_ns;
	if (input->backwards) {
		row->backwards++;
		if (ts_ns < row->first_ns)
			row->first_ns = ts_ns;
	}
}

/* What is added to the times of the file's first WAN. */
int64_t input_shift(const struct input *input, const struct input_env *env);

/* Can the file be read again? */
bool input_is_regular(const struct input *input);

/* The data of a frame that is held. */
static inline const uint8_t *input_data(const struct input *input, uint64_t offset)
{
	return window_at(&input->window, offset);
}

/* Does this project read frames of this link type? */
bool input_reads_link(uint16_t linktype);

/* Note a flaw of the file in its row. */
void input_flaw(struct input *input, enum frame_file_state state, enum file_flaw flaw);

#endif
