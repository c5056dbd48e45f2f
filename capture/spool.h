/* SPDX-License-Identifier: MIT
 *
 * spool.h - a directory of capture files: names, ring, repair, and what happens when it is full.
 *
 * Files are named <wan>-<boot id, 8 hex digits>-<sequence, 8 digits>-<UTC>.pcapng; the order of a
 * WAN's files is that of their sequence numbers, whatever the clock said. A file that is being
 * written ends in .part; it is created O_EXCL|O_NOFOLLOW 0640, and renamed when it is complete and
 * on the disk. Works in a directory descriptor only. One thread at a time.
 */
#ifndef CAPTURE_SPOOL_H
#define CAPTURE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

struct spool_limits {
	uint64_t max_bytes;  /* of all files; 0 = any */
	uint64_t max_files;  /* 0 = any */
	uint64_t max_age_ns; /* since its last change, by the monotonic clock while we run; 0 = any
	                      */
	uint64_t keep_free;  /* bytes to leave on the file system */
	uint32_t zstd_level; /* 0 = not compressed */
};

struct spool;
struct spool_file; /* one that is being written */

/* What a start found, for the log. */
struct spool_found {
	uint64_t files, bytes;
	uint64_t repaired;  /* .part files of an earlier run, made whole */
	uint64_t cut_bytes; /* what had to be cut off their ends */
	uint64_t removed;   /* .part files with nothing to save */
};

/*
 * Take over a directory: lock it, rebuild the ring from what lies there, repair what an earlier run
 * left unfinished (cut at the last whole block, a `repaired` note behind it, renamed). Takes `dir`
 * over. NULL and -errno in *error: -EWOULDBLOCK another recorder writes here.
 */
struct spool *spool_open(int dir, const struct spool_limits *limits, const char *boot_id8,
                         const struct clock *clock, struct spool_found *found, int *error);
void spool_close(struct spool *spool);
void spool_set_limits(struct spool *spool, const struct spool_limits *limits);

/* The next sequence number of a WAN: one more than any file of it, ever, that lies here. */
uint64_t spool_sequence(struct spool *spool, const char *wan);

/* Begin a file. NULL and -errno. Makes room first, as below. */
struct spool_file *spool_create(struct spool *spool, const char *wan, uint64_t sequence,
                                uint64_t real_ns, int *error);

/*
 * Append whole blocks: all of `bytes` or none. Deletes the oldest complete files, as many as
 * needed, to keep the limits and when the disk is full. When nothing is left to delete: cut back to
 * what was there before, -ENOSPC. Other -errno as the system gives; the file is then as before.
 */
int spool_append(struct spool *spool, struct spool_file *file, const uint8_t *bytes, size_t length);

/* Complete: on the disk, renamed, part of the ring. Takes the file over. 0 or -errno (it stays a
 * .part that the next start repairs). */
int spool_complete(struct spool *spool, struct spool_file *file);

/* Delete what is too old or too much, without writing. */
void spool_expire(struct spool *spool);

struct spool_usage {
	uint64_t files, bytes; /* complete ones and open ones */
	uint64_t expired_files, expired_bytes;
};
void spool_usage(const struct spool *spool, struct spool_usage *usage);

#endif
