/* SPDX-License-Identifier: MIT
 *
 * writer.h - from the thread that reads frames to the thread that writes files.
 *
 * All memory is taken at the start: a pool of blocks, filled by one thread, written by the other.
 * The filling side never waits, allocates or touches a file; when the pool is empty it is told so
 * and leaves the frames where they are, in the kernel's ring, which counts what it must drop.
 *
 * For every stream, at any time after writer_finish(): stored + lost == the frames that were put.
 */
#ifndef CAPTURE_WRITER_H
#define CAPTURE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"
#include "spool.h"

#define WRITER_BLOCK   (128 * 1024)
#define WRITER_STREAMS SETTINGS_INTERFACES
#define WRITER_WAN     SETTINGS_NAME
/* The least and the most blocks of a pool. */
#define WRITER_BLOCKS_MIN 4
#define WRITER_BLOCKS_MAX 8192

struct writer;

/*
 * Into a spool (taken over), or with `spool` NULL one stream into `fd` (taken over), a file or a
 * pipe. `pool_bytes` is all that waits for the disk; one block for each stream and some more is
 * wise. Starts the thread, with all signals blocked. NULL and -errno in *error; then spool and fd
 * are still the caller's.
 */
struct writer *writer_new(struct spool *spool, int fd, size_t pool_bytes, int *error);
/* Write what is pending, complete all files, end the thread. States can still be looked at. A pipe
 * that nobody reads is given up after WRITER_PATIENCE_S without progress. */
void writer_finish(struct writer *writer);
#define WRITER_PATIENCE_S 5
/* The same where it was not done yet; closes the spool or descriptor. NULL is welcome. */
void writer_free(struct writer *writer);

/* The number of a WAN's next file (spool_sequence); 0 without a spool. Each is given out once. */
uint64_t writer_sequence(struct writer *writer, const char *wan);

/* ---- the filling side; `stream` is 0..WRITER_STREAMS - 1 ---- */

/*
 * Begin a file of a stream: what is put next is its head (section, interfaces). `wan` is shorter
 * than WRITER_WAN. Ends the one before. False when the pool is empty: try again when writer_fd() is
 * readable. Into a descriptor all that is begun goes one behind the other.
 */
bool writer_begin(struct writer *writer, unsigned stream, const char *wan, uint64_t sequence,
                  uint64_t real_ns);
/* Room for `need` bytes (<= WRITER_BLOCK) of whole pcapng blocks at the end of the stream, between
 * writer_begin() and writer_end(); NULL when the pool is empty: leave the frame where it is, try
 * again when writer_fd() is readable. */
uint8_t *writer_room(struct writer *writer, unsigned stream, size_t need);
/* So many bytes of it were filled, with so many frames. What is put without writer_room() between
 * is not allowed. */
void writer_put(struct writer *writer, unsigned stream, size_t bytes, unsigned frames);
/* Hand over what was put so far. */
void writer_flush(struct writer *writer, unsigned stream);
/* The file ends behind what was put: it is completed. Nothing to do when none was begun. */
void writer_end(struct writer *writer, unsigned stream);
/* Delete files that are too old; new limits, or NULL for those it has. */
void writer_tend(struct writer *writer, const struct spool_limits *limits);

/* Becomes readable when blocks came back after the pool was empty, or a stream's state changed. */
int writer_fd(const struct writer *writer);
void writer_acknowledge(struct writer *writer);

/*
 * How a stream fares; for any thread. When the disk fails, the file is completed with what it has,
 * and frames are counted as lost until a file can be begun: about once a second `wants_begin` asks
 * the filling side for writer_end() and writer_begin(). Into a descriptor nothing begins anew.
 */
struct writer_state {
	bool suspended;      /* the last write failed: frames are counted, not stored */
	bool wants_begin;    /* it would try again: the filling side ends and begins a file */
	int error;           /* why: -ENOSPC, ...; of the last trouble, 0 = there was none */
	uint64_t stored;     /* frames written */
	uint64_t lost;       /* frames that could not be written */
	uint64_t file_bytes; /* of the file that is open, as it lies on the disk */
	uint64_t files;      /* completed */
	uint64_t unfinished; /* files that could not be completed: a .part for the next start */
};
void writer_look(const struct writer *writer, unsigned stream, struct writer_state *state);
void writer_usage(const struct writer *writer, struct spool_usage *usage);

#endif
