/* SPDX-License-Identifier: MIT
 *
 * tail.h - captures that still grow in, frames of several WANs out, in time order.
 *
 * Two makers, one reader: a spool that the recorder is writing (no privileges but reading), or a
 * recorder of our own behind a pipe (the child keeps CAP_NET_RAW, the caller gives up all it has).
 * The counterpart of source.h for what has no end yet. Never prints, knows no TCP, needs no pcap;
 * memory is bounded: one window per WAN, tables with limits.
 *
 * Order: a frame leaves when every WAN has shown a later one, or when its bytes have been there for
 * the lateness bound. What comes later still comes out, marked `backwards`. So a spool and a later
 * reading of its files (source.h) give the same frames in the same order as long as the bound is
 * longer than the recorder's --flush.
 */
#ifndef CAPTURE_TAIL_H
#define CAPTURE_TAIL_H

#include "clock.h"
#include "frame.h"
#include "quality.h"

#define TAIL_LATENESS_NS 300000000ull
#define TAIL_WANS_MAX    64   /* WANs at once; a spool's further ones are not read, and said so */
#define TAIL_FILES_MAX   4096 /* rows of files; the files of a WAN behind that share its last row */

struct settings;
struct tail;

struct tail_options {
	uint64_t lateness_ns;      /* 0 = TAIL_LATENESS_NS */
	const struct clock *clock; /* NULL = clock_system; only its monotonic time is asked */
};

/*
 * Read a spool from its newest files on: the newest file of each WAN from its beginning, complete
 * or .part, then what follows by sequence number; WANs that come later from their first file.
 * frame.shared: since the last of those first files was begun. A directory without captures is
 * fine: they may come. NULL and -errno in *error.
 */
struct tail *tail_spool(const char *directory, const struct tail_options *options, int *error);

/*
 * Fork a recorder and read what it writes to its standard output. `record` is record_run(); its
 * settings say what, its output must be "-". The child has the caller's privileges, standard input
 * from /dev/null and its standard error read by us. The caller has none any more when this returns:
 * when it was root it is the user nobody; no capabilities, no new privileges. NULL and -errno.
 */
struct tail *tail_live(struct settings *settings, int argc, char **argv,
                       int (*record)(struct settings *settings, int argc, char **argv),
                       const struct tail_options *options, int *error);

void tail_close(struct tail *tail);

/* Ask for the end: a recorder of ours finishes, what it has still comes; a spool is read to what it
 * holds now, and no frame waits for others any more. TAIL_END follows. */
void tail_stop(struct tail *tail);

/* How our recorder ended: an enum record_exit, 128 + n for signal n, -1 = not yet or a spool. */
int tail_status(const struct tail *tail);

/* ---- reading ---- */

/* What captures say beside frames. */
enum tail_word {
	NOTE_MESSAGE, /* a line that our recorder wrote to its standard error: text */
	NOTE_BEGIN,   /* a file or an interface begins: text is its name */
	NOTE_GAP,     /* state, from_ns, to_ns, count = frames lost */
	NOTE_DROPS,   /* count more frames were lost */
	NOTE_STEP,    /* the clock jumped at from_ns, by_ns */
	NOTE_WARNING, /* text: what makes the numbers wrong (quality_warnings) */
	NOTE_PASSED,  /* count files were gone before they could be read */
	NOTE_FLAW,    /* text: a file could not be read any further */
	NOTE_END,     /* the recording of this WAN ended: text is the reason */
};
#define TAIL_NO_WAN UINT32_MAX

struct tail_note {
	enum tail_word word;
	uint32_t wan; /* index into tail_wans(), TAIL_NO_WAN = of none */
	enum quality_state state;
	uint64_t from_ns, to_ns, count;
	int64_t by_ns;
	char text[300]; /* any bytes: a stranger's */
};

enum tail_item {
	TAIL_FRAME,
	TAIL_NOTE,
	TAIL_NOTHING, /* not now: wait for tail_fd(), at most tail_patience_ms() */
	TAIL_END,     /* nothing will come any more */
};

/* `frame` or `note` is filled, as the answer says. frame->data is borrowed until the next call. */
enum tail_item tail_next(struct tail *tail, struct frame *frame, struct tail_note *note);

int tail_fd(const struct tail *tail);
int tail_patience_ms(const struct tail *tail);

/* As source_wans() and source_files(): indices keep their meaning, rows are valid until the next
 * tail_next(). */
const struct frame_wan *tail_wans(const struct tail *tail, size_t *count);
const struct frame_file *tail_files(const struct tail *tail, size_t *count);

/* What the recorder's notes say of a WAN. Texts are NUL-terminated, any bytes; "" = not told. */
struct tail_wan {
	char role[16];
	char device[32];
	char boot[16];    /* of the host that recorded, its first eight digits */
	uint32_t ifindex; /* 0 = not told */
	bool ended;       /* its last file says that the recorder stopped */
};
const struct tail_wan *tail_wan(const struct tail *tail, uint32_t wan);

#endif
