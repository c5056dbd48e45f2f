/* SPDX-License-Identifier: MIT
 *
 * cmd_progress.h - a line on the terminal while much is read: how far it is, and how fast.
 *
 * Drawn on standard error when that is a terminal which can erase a line (not TERM=dumb), from the
 * second second on, a few times a second; erased at the end. In a pipe or a log nothing is written.
 * The caller asks every PROGRESS_FRAMES frames: nothing is done for a single one, and no signal or
 * timer is used.
 */
#ifndef REPORT_CMD_PROGRESS_H
#define REPORT_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

struct source;

#define PROGRESS_FRAMES 8192

struct progress {
	bool terminal, shown;
	enum language language;
	uint64_t start_ns, drawn_ns; /* of a clock that nobody sets */
	uint64_t frames;
};

void progress_begin(struct progress *progress, enum language language);

/* PROGRESS_FRAMES more were read. */
void progress_step(struct progress *progress, const struct source *source);

/* Erase what was drawn. */
void progress_end(struct progress *progress);

/* The words: `read` of `size` bytes (0 = nobody knows) and frames, in `ns`. Returns out. */
const char *progress_words(char *out, size_t out_size, enum language language, uint64_t read,
                           uint64_t size, uint64_t frames, uint64_t ns);

#endif
