/* SPDX-License-Identifier: MIT
 *
 * spool_repair.h - what of an unfinished file can be kept, and what must be said behind it.
 *
 * Reads only. The file may hold any bytes: memory stays below 4 MiB, and what is kept is what our
 * own reader (savefile.h) reads without complaint.
 */
#ifndef CAPTURE_SPOOL_REPAIR_H
#define CAPTURE_SPOOL_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that one spool_append() writes, and so the most that a frame of zstd unpacks to. */
#define SPOOL_APPEND (1024 * 1024)

struct repair {
	uint64_t keep; /* bytes of the file up to its last whole block; 0 = nothing to save */
	uint8_t *tail; /* what belongs behind them: statistics with a `repaired` note */
	size_t n_tail; /* 0 when the file was complete */
};

/* Examine a file of `size` bytes (`packed`: frames of zstd, each of whole blocks) that began at
 * `began_ns`. 0 or -errno: -EINVAL when it was not written by this kind of machine. */
int repair_examine(int fd, uint64_t size, bool packed, uint64_t began_ns, struct repair *repair);
void repair_release(struct repair *repair);

#endif
