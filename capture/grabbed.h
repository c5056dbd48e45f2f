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

#include "inputs.h"

/* All inputs are primed: tell the roster of those that a grab.txt in their directory names, and
 * those how many frames they hold (input->promised). Files that our recorder wrote speak for
 * themselves. False: out of memory. */
bool grabbed_tell(struct inputs *inputs, struct roster *roster);

#endif
