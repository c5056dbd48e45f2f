/* SPDX-License-Identifier: MIT
 *
 * source_inside.h - what the two files of the source share and nobody else sees: opening
 * (source_open.c), and reading in order of time (source.c).
 */
#ifndef CAPTURE_SOURCE_INSIDE_H
#define CAPTURE_SOURCE_INSIDE_H

#include "inputs.h"
#include "source.h"

/* What was captured in one go: the files of one WAN, or of one recording of several interfaces. */
struct capture {
	char *key; /* owned */
	bool bounds;
	bool recorded;     /* the statistics of our recorder say what it covers */
	size_t files_left; /* with frames still to come */
	uint64_t first_ns, last_ns;
	struct input *earliest; /* of its files with frames */
};

struct source {
	struct inputs inputs;
	struct frame_file *files;
	struct roster roster;
	struct source_shift *shifts; /* owned copies */
	size_t n_shifts;
	struct input_env env;

	struct capture *captures;
	size_t n_captures;
	bool alone;        /* one capture: all time is shared */
	uint64_t start_ns; /* latest first frame of those that bound */
	uint64_t end_ns;   /* earliest last frame so far known; UINT64_MAX = of none yet */

	/* merging: a heap of the inputs that have frames, by the time of the frame ahead */
	struct input **order; /* by first frame; all inputs with frames */
	struct input **heap;
	size_t n_order, n_heap;
	struct input *lender; /* whose bytes the caller borrows */
	bool lender_spent;
	struct input *solo; /* the only input, when it needs no merging */
};

/* The place `at` of the heap may hold what belongs further down. */
void source_sift_down(struct source *source, size_t at);

/* The first of the heap is opened again, or leaves the heap when it cannot be. */
void source_wake_first(struct source *source);

#endif
