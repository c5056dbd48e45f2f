/* SPDX-License-Identifier: MIT
 *
 * source.h - savefiles in, frames of several WANs out, merged in time order.
 *
 * A source owns its files, their mappings and buffers, and the tables of WANs and files.
 * It never prints, never exits, never looks an interface up on the host that reads.
 */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "frame.h"

struct source;

/* One argument of the user: a file, a directory of captures, or "-" for standard input. */
struct source_spec {
	const char *path;
	const char *wan; /* the name given as NAME=path, or NULL: derived as design says */
	bool aside;      /* does not bound the shared time (role off) */
};

/* A correction of one WAN's clock, as the user gave it: added to each of its times. */
struct source_shift {
	const char *wan;
	int64_t ns;
};

struct source_options {
	const char *filter; /* libpcap filter language, NULL = all frames */
	const struct source_shift *shifts;
	size_t n_shifts;

	/* frames of [since_ns, until_ns) are asked for; until_ns 0 = to the end. Files of our
	 * recorder that lie wholly outside are not read (their rows say so); other frames of that
	 * time may come all the same. */
	uint64_t since_ns, until_ns;
};

enum source_failure {
	SOURCE_FINE,
	SOURCE_NO_INPUT,    /* cannot open, not found, directory without captures -> exit 66 */
	SOURCE_NOT_CAPTURE, /* a zip, a text, an empty file -> exit 65 */
	SOURCE_DENIED,      /* permission -> exit 77 */
	SOURCE_BAD_FILTER,  /* the filter does not compile -> exit 64 */
	SOURCE_NO_MEMORY,   /* -> exit 70 */
};

struct source_error {
	enum source_failure failure;
	char message[512]; /* what, where (file, offset), what to do */
};

/*
 * Open all inputs, group them into WANs (see source_wans) and read each one's first frame.
 * Returns NULL and fills *error when one input cannot be used at all. The strings of specs and
 * options are copied.
 */
struct source *source_open(const struct source_spec *specs, size_t n_specs,
                           const struct source_options *options, struct source_error *error);

/*
 * Show up to `most` first frames of each WAN without moving the source, in file order.
 * For learning which address is the WAN's own before the first frame is accounted.
 * frame.shared is false in these, and a filter hides none. Standard input shows only what one
 * buffer holds.
 */
void source_survey(struct source *source, size_t most,
                   void (*show)(void *context, const struct frame *frame), void *context);

/*
 * The next frame in time order (ties: WAN name, then frame number). Returns false at the end of all
 * inputs. A damaged file ends early: its state and message stand in source_files().
 */
bool source_next(struct source *source, struct frame *frame);

/* WANs and files seen so far; the WAN table may grow while a multi-interface file is read.
 * An index never changes its meaning. Valid until the next source_next(). */
const struct frame_wan *source_wans(const struct source *source, size_t *count);
const struct frame_file *source_files(const struct source *source, size_t *count);

/* The shared time so far: from the latest first to the earliest last frame, in ns. Final only after
 * source_next() returned false. A capture is the series of one WAN's files, or of files that hold
 * several WANs; one without frames bounds nothing. Returns false when the captures do not overlap.
 */
bool source_window(const struct source *source, uint64_t *start_ns, uint64_t *end_ns);

/* Up to here, this moment included, nothing lacks of what has been returned so far: where the first
 * capture that bounds the shared time came to its end. UINT64_MAX while none has. */
uint64_t source_complete(const struct source *source);

/*
 * How much of the inputs' bytes, as they lie on disk, has been read: for a progress line, not for
 * sums. *size is 0 when an input is no file, as a pipe: nobody knows how long that is.
 */
void source_progress(const struct source *source, uint64_t *read, uint64_t *size);

void source_close(struct source *source);

#endif
