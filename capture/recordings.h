/* SPDX-License-Identifier: MIT
 *
 * recordings.h - the files of our recorder among the inputs: their clocks, and their order.
 *
 * Knows what each file says of itself (recording.h) before any is read.
 */
#ifndef CAPTURE_RECORDINGS_H
#define CAPTURE_RECORDINGS_H

#include "inputs.h"

/* All inputs are primed: each recording's times are moved to the clock of the file of its boot that
 * began last, files that lie wholly outside [since_ns, until_ns) are set aside (input->place; 0 =
 * not bounded), what the numbers of the others lack and where their clock was set is told to the
 * roster, and boots whose times are confused are given their order (input->epoch). False: out of
 * memory. */
bool recordings_settle(struct inputs *inputs, struct roster *roster, uint64_t since_ns,
                       uint64_t until_ns);

#endif
