/* SPDX-License-Identifier: MIT
 *
 * split.h - one interface of a server holds the traffic of many WANs: whose is a frame?
 *
 * On a VPS all WANs of a router, or of several, arrive at one interface. Which is which only their
 * addresses tell. Asks libpcap ("net 192.0.2.0/24"), so that every link type is read alike.
 */
#ifndef CAPTURE_SPLIT_H
#define CAPTURE_SPLIT_H

#include "frame.h"

/* Frames to or from `network` (ADDRESS/LEN) are of this WAN, seen from the other side. */
struct source_split {
	const char *wan, *network;
};

struct split;

/* Rows are copied. NULL and one sentence in `message` when one is no network (ADDRESS or
 * ADDRESS/LEN) or memory lacks. */
struct split *split_new(const struct source_split *rows, size_t n, char *message, size_t size);
void split_free(struct split *split);

/* The row whose network the frame comes from or goes to; the first that fits; -1 = none. */
int split_find(struct split *split, const struct frame *frame);

/* The number that the caller gave to the WAN of a row. */
void split_set_wan(struct split *split, size_t row, uint32_t wan);
uint32_t split_wan(const struct split *split, int row);

#endif
