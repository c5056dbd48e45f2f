/* SPDX-License-Identifier: MIT
 *
 * tail_inside.h - what the files of the tail share and nobody else sees: the reader (tail.c), one
 * capture that grows (tail_feed.c), the directory (tail_spool.c), the recorder behind a pipe
 * (tail_live.c).
 */
#ifndef CAPTURE_TAIL_INSIDE_H
#define CAPTURE_TAIL_INSIDE_H

#include <sys/types.h>

#include "growing.h"
#include "savefile.h"
#include "spool_name.h"
#include "tail.h"

#define TAIL_NOTES 64  /* that wait for the caller; more are left out */
#define TAIL_MARKS 16  /* sizes a file had, and when */
#define TAIL_LINE  512 /* of the recorder's standard error */
#define TAIL_LOOK_NS                                                                               \
	200000000ull /* how often files are looked at that tell nothing by themselves */

/* One WAN's series of files, or the pipe. */
struct feed {
	/* identity: of a series */
	char key[SPOOL_WAN];   /* the WAN as in file names; "" = a pipe */
	int64_t sequence;      /* of the open file, or the last one; -1 = none yet */
	int64_t next;          /* of the one that follows, when next_name tells it */
	uint64_t next_ns;      /* when that one was begun, as its name says */
	char name[SPOOL_NAME]; /* of the open file, without .part */
	char next_name[SPOOL_NAME];
	bool newest;       /* was there at the start: begins with its newest file */
	bool started;      /* a file was open once */
	bool complete;     /* the open file is not .part any more, or not there */
	bool successor;    /* ... or the next one exists: at its end it is done */
	bool there, lower; /* the listing shows it, and others before it */
	uint32_t row;      /* of the open file */

	/* reading */
	bool open, begun, dry; /* dry: nothing more until it is looked at again */
	struct growing growing;
	struct savefile savefile;
	uint64_t *dropped; /* owned; per interface, as its last statistics block said */
	uint64_t number, last_ns;

	/* the frame ahead: its data lie at the start of the window */
	bool has_head;
	struct frame head;
	uint64_t head_size, head_at; /* bytes of its record; behind which byte of the file */
	uint64_t shown_ns;           /* latest time of any of its frames */

	/* how long which bytes have been there */
	struct tail_mark {
		uint64_t offset, mono_ns;
	} marks[TAIL_MARKS];
	unsigned n_marks;
	uint64_t free_offset; /* bytes below need not wait any more */
};

struct tail {
	const struct clock *clock;
	uint64_t lateness_ns, look_ns; /* look_ns: when it was looked last, monotonic */
	int epoll;
	bool stopping, ended, live;

	struct feed *feeds[TAIL_WANS_MAX]; /* owned */
	size_t n_feeds;
	uint64_t shared_ns;  /* when the last of the first files began */
	struct feed *lender; /* whose head the caller borrows */
	uint64_t left_ns;    /* latest time that left */
	unsigned since_look;

	struct frame_wan *wans; /* owned, TAIL_WANS_MAX rows + 1 that stands for all further ones */
	struct tail_wan *notes_of;
	size_t n_wans;
	struct frame_file *files; /* owned */
	size_t n_files, cap_files;

	struct tail_note notes[TAIL_NOTES];
	size_t first_note, n_notes;

	/* a spool */
	int directory, inotify; /* -1 = none */
	char path[256];
	bool changed, listed, crowded;

	/* a recorder of ours */
	int errors; /* its standard error */
	pid_t child;
	int status; /* -1 = it runs */
	bool reaped;
	uint64_t stop_ns;
	char line[TAIL_LINE];
	size_t line_length;
};

/* tail.c */
struct tail *tail_new(const struct tail_options *options, int *error);
struct feed *tail_add_feed(struct tail *tail);
/* A note to fill in: valid until the next. */
struct tail_note *tail_note(struct tail *tail, enum tail_word word, uint32_t wan);
uint32_t tail_find_wan(struct tail *tail, const char *name);
/* A row for a file; `name` is copied. */
uint32_t tail_add_file(struct tail *tail, const struct feed *feed, const char *name);

/* tail_feed.c: read until a frame is ahead. False: nothing now, or at the end (feed->open false).
 */
bool feed_advance(struct tail *tail, struct feed *feed);
void feed_open(struct tail *tail, struct feed *feed, int fd, bool pipe);
void feed_close(struct feed *feed);
void feed_mark(struct tail *tail, struct feed *feed, uint64_t now_ns);

/* tail_spool.c: what changed in the directory; open what comes next. */
void tail_spool_look(struct tail *tail);
/* The feed is at the end of its file: go on to the next one, when there is. */
bool tail_spool_turn(struct tail *tail, struct feed *feed);

/* tail_live.c */
void tail_live_look(struct tail *tail);
void tail_live_stop(struct tail *tail);
void tail_live_end(struct tail *tail);

#endif
