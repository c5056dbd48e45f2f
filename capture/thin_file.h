/* SPDX-License-Identifier: MIT
 *
 * thin_file.h - a file that is written beside its place, plain or packed, and complete or not
 * there.
 *
 * Bytes go through a buffer; the first error is kept and told at the end.
 */
#ifndef CAPTURE_THIN_FILE_H
#define CAPTURE_THIN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thin_write;

/* Create `part` in the directory (O_EXCL|O_NOFOLLOW, 0640); one that lies there, left by a run that
 * was killed, is removed first. More than `most` bytes are -EFBIG; 0 = any. The name is borrowed.
 * NULL and -errno. */
struct thin_write *thin_write_open(int dir, const char *part, uint64_t most, int zstd_level,
                                   int *error);
void thin_write_put(struct thin_write *file, const void *bytes, size_t length);
int thin_write_error(const struct thin_write *file);

/* Complete: everything on the disk, changed last at `last_ns`, under its name, and
 * the name on the disk. 0 or -errno, and nothing is left of it. *bytes gets its size.
 * Frees. */
int thin_write_complete(struct thin_write *file, const char *name, uint64_t last_ns,
                        uint64_t *bytes);
/* Leave nothing of it. Frees. */
void thin_write_abandon(struct thin_write *file);

#endif
