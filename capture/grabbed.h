/* SPDX-License-Identifier: MIT
 *
 * grabbed.h - what mptcp-grab wrote beside its captures (grab.txt): the role and the device of each
 * WAN, whether its filter hid frames, and how many of them tcpdump or the router lost.
 *
 * A pcap says none of this itself. The words are a router's: lengths, numbers and characters are
 * checked, and what does not hold is not told. A record of another format, or too long for one of
 * mptcp-grab's, is passed over.
 */
#ifndef CAPTURE_GRABBED_H
#define CAPTURE_GRABBED_H

#include <stdio.h>

#include "inputs.h"
#include "rewrite.h"

/* All inputs are primed: tell the roster of those that a grab.txt in their directory names, and
 * those how many frames they hold (input->promised). Files that our recorder wrote speak for
 * themselves. False: out of memory. */
bool grabbed_tell(struct inputs *inputs, struct roster *roster);

/* What the grab.txt beside the capture at `path` says of it, as that of the same frames in a file
 * called `as`: what an audit takes from it, devices called by the hand; that there was a filter,
 * not which. Nothing when it says nothing. The first lines in `out` are those that make it a
 * record. False: out of memory. */
bool grabbed_retell(const char *path, const char *as, const struct rewrite_hand *hand, FILE *out);

#endif
