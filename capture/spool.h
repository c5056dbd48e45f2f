/* SPDX-License-Identifier: MIT
 *
 * spool.h - a directory of capture files: names, ring, repair, and what happens when it is full.
 *
 * Files are named <wan>-<boot id, 8 hex digits>-<sequence, 8 digits>-<UTC>.pcapng; the order of a
 * WAN's files is that of their sequence numbers, whatever the clock said. A file that is being
 * written ends in .part; it is created O_EXCL|O_NOFOLLOW 0640, and renamed when it is complete and
 * on the disk. See spool_name.h. Files with other names, and what is no regular file, are never
 * touched. Works in a directory descriptor only. One thread at a time, but for spool_sequence().
 */
#ifndef CAPTURE_SPOOL_H
#define CAPTURE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "spool_repair.h" /* SPOOL_APPEND */

struct spool_limits {
	uint64_t max_bytes;  /* of all files, those that are being written too; 0 = any */
	uint64_t max_files;  /* the same; 0 = any */
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
 * left unfinished (cut at the last whole block, a `repaired` note behind it, renamed). `dir` is
 * from open(O_RDONLY | O_DIRECTORY) and taken over; the lock is flock() on it, so that nothing has
 * to be written for it and a process that dies gives it back. `clock` is borrowed until
 * spool_close(). NULL and -errno in *error: -EWOULDBLOCK another recorder writes here.
 */
struct spool *spool_open(int dir, const struct spool_limits *limits, const char *boot_id8,
                         const struct clock *clock, struct spool_found *found, int *error);
void spool_close(struct spool *spool);
void spool_set_limits(struct spool *spool, const struct spool_limits *limits);

/* The next sequence number of a WAN, larger than that of any file of it that lies here. Each is
 * given out once. For any thread. 0 when there is none (no memory, no name for a WAN). */
uint64_t spool_sequence(struct spool *spool, const char *wan);

/* Begin a file. NULL and -errno: -EEXIST the WAN has a file of this sequence or a later one,
 * -EOVERFLOW it is above 99999999. Makes room first, as below. */
struct spool_file *spool_create(struct spool *spool, const char *wan, uint64_t sequence,
                                uint64_t real_ns, int *error);

/*
 * Append whole blocks, at most SPOOL_APPEND bytes: all of them or none. Deletes the oldest complete
 * files, as many as needed, to keep the limits and when the disk is full. When nothing is left to
 * delete: cut back to what was there before, -ENOSPC. Other -errno as the system gives; the file is
 * then as before.
 */
int spool_append(struct spool *spool, struct spool_file *file, const uint8_t *bytes, size_t length);

/* What the file has on the disk. */
uint64_t spool_file_bytes(const struct spool_file *file);

/* Complete: on the disk, renamed, part of the ring. Takes the file over. 0 or -errno (it stays a
 * .part, part of the ring too, that the next start repairs). A file without a byte is removed. */
int spool_complete(struct spool *spool, struct spool_file *file);

/* Delete what is too old or too much, without writing. */
void spool_expire(struct spool *spool);

struct spool_usage {
	uint64_t files, bytes; /* complete ones and open ones */
	uint64_t expired_files, expired_bytes;
};
void spool_usage(const struct spool *spool, struct spool_usage *usage);

#endif
