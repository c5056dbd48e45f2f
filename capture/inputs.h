/* SPDX-License-Identifier: MIT
 *
 * inputs.h - from the user's arguments to a list of capture files, each with the name its WAN has
 * if nothing inside the file names it.
 */
#ifndef CAPTURE_INPUTS_H
#define CAPTURE_INPUTS_H

#include "input.h"

struct inputs {
	struct input *list;
	size_t n, cap;
};

/* Expand directories, refuse what is given twice, name all. On failure *error is filled; release
 * anyway. */
enum source_failure inputs_collect(struct inputs *inputs, const struct source_spec *specs,
                                   size_t n_specs, struct source_error *error);
void inputs_release(struct inputs *inputs);

#endif
