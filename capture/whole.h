/* SPDX-License-Identifier: MIT
 *
 * whole.h - a file that is written beside its place, plain or packed, and complete or not
 * there.
 *
 * Bytes go through a buffer; the first error is kept and told at the end.
 */
#ifndef CAPTURE_WHOLE_H
#define CAPTURE_WHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct whole;

/* Create `part` in the directory (O_EXCL|O_NOFOLLOW, 0640); one that lies there, left by a run that
 * was killed, is removed first. More than `most` bytes are -EFBIG; 0 = any. The name is borrowed.
 * NULL and -errno. */
struct whole *whole_open(int dir, const char *part, uint64_t most, int zstd_level, int *error);
void whole_put(struct whole *file, const void *bytes, size_t length);
int whole_error(const struct whole *file);

/* Complete: everything on the disk, changed last at `last_ns`, under its name, and
 * the name on the disk. 0 or -errno, and nothing is left of it. *bytes gets its size.
 * Frees. */
int whole_complete(struct whole *file, const char *name, uint64_t last_ns, uint64_t *bytes);
/* Leave nothing of it. Frees. */
void whole_abandon(struct whole *file);

#endif
