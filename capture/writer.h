/* SPDX-License-Identifier: MIT
 *
 * writer.h - from the thread that reads frames to the thread that writes files.
 *
 * All memory is taken at the start: a pool of blocks, filled by one thread, written by the other.
 * The filling side never waits, allocates or touches a file; when the pool is empty it is told so
 * and leaves the frames where they are, in the kernel's ring, which counts what it must drop.
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

struct writer;

/*
 * Into a spool (taken over), or with `spool` NULL one stream into `fd` (taken over), a file or a
 * pipe. `pool_bytes` is all that waits for the disk. Starts the thread, with all signals blocked.
 * NULL and -errno in *error.
 */
struct writer *writer_new(struct spool *spool, int fd, size_t pool_bytes, int *error);
/* Wait until all that was handed over is written, or lost, and counted. */
void writer_drain(struct writer *writer);
/* Write what is pending, complete all files, end the thread. */
void writer_free(struct writer *writer);

/* The next sequence number of a WAN's files (spool_sequence, and what was begun since); 0 without a
 * spool. For a series that begins; it counts on by itself then. */
uint64_t writer_sequence(struct writer *writer, const char *wan);

/* ---- the filling side; `stream` is 0..WRITER_STREAMS - 1 ---- */

/* Begin a file of a stream: what is put next is its head (section, interfaces). A head is kept, so
 * that the file can begin anew after the disk was full. */
bool writer_begin(struct writer *writer, unsigned stream, const char *wan, uint64_t sequence,
                  uint64_t real_ns);
/* Room for `need` bytes (<= WRITER_BLOCK) of whole pcapng blocks at the end of the stream; NULL
 * when the pool is empty: leave the frame where it is, try again when writer_fd() is readable. */
uint8_t *writer_room(struct writer *writer, unsigned stream, size_t need);
/* So many bytes of it were filled, with so many frames. */
void writer_put(struct writer *writer, unsigned stream, size_t bytes, unsigned frames);
/* Hand over what was put so far. */
void writer_flush(struct writer *writer, unsigned stream);
/* The file ends behind what was put. */
void writer_end(struct writer *writer, unsigned stream);
/* Delete files that are too old; new limits. */
void writer_tend(struct writer *writer, const struct spool_limits *limits);

/* Becomes readable when blocks came back after the pool was empty, or a stream's state changed. */
int writer_fd(const struct writer *writer);
void writer_acknowledge(struct writer *writer);

/* How a stream fares; written by the thread, read by anyone. */
struct writer_state {
	bool suspended;      /* the last write failed: frames are counted, not stored */
	bool wants_begin;    /* it would try again: the filling side ends and begins a file */
	int error;           /* why: -ENOSPC, ... */
	uint64_t stored;     /* frames written */
	uint64_t lost;       /* frames that could not be written */
	uint64_t file_bytes; /* of the file that is open */
	uint64_t files;      /* completed */
};
void writer_look(const struct writer *writer, unsigned stream, struct writer_state *state);
void writer_usage(const struct writer *writer, struct spool_usage *usage);

#endif
