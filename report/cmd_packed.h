/* SPDX-License-Identifier: MIT
 *
 * cmd_packed.h - whole files, packed or not: read into memory, and replaced by a new one.
 *
 * Used by the subcommands only.
 */
#ifndef REPORT_CMD_PACKED_H
#define REPORT_CMD_PACKED_H

#include <stdbool.h>
#include <stddef.h>

/* What is larger unpacked is none of ours. */
#define PACKED_MOST ((size_t)1 << 30)

/* All bytes behind `fd`, which is taken over: plain, gzip or zstd, told by the first of them. One
 * more byte, 0, follows them. 0, *bytes to be freed; or -errno: -EBADMSG the packing is damaged,
 * -EFBIG more than PACKED_MOST. */
int packed_read(int fd, char **bytes, size_t *length);

/* The first byte behind `fd` (taken over), unpacked, that is no white space; -1 = there is none. */
int packed_first(int fd);

/*
 * Replace `name` in the directory `dir` by these bytes, packed with zstd and with a checksum: it is
 * the old file or the whole new one whenever the power goes, and the new one when this returns. 0
 * or -errno: the old file is as it was, and nothing lies beside it.
 */
int packed_write(int dir, const char *name, const void *bytes, size_t length);

#endif
