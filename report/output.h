/* SPDX-License-Identifier: MIT
 *
 * output.h - a file that appears whole or not at all.
 *
 * A plain file is written beside its place, brought to the disk and renamed when complete, and so
 * is its name: after a loss of power there is the old file or the new one, and what was kept
 * because the new one was not yet there may go. What is no plain file (a pipe, a device) and
 * standard output are written as they are. Used by the subcommands only.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *file;       /* write here; closed by output_close() */
	const char *path; /* borrowed; NULL for standard output */
	char *temporary;  /* owned; NULL when written in place */
};

/* `path` NULL or "-" is standard output. 0 or -errno. */
int output_open(struct output *output, const char *path);

/* Keep what was written, or (keep false) leave no trace of it. 0 or -errno of the first failed
 * write. */
int output_close(struct output *output, bool keep);

#endif
