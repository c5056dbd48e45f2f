/* SPDX-License-Identifier: MIT
 *
 * sighting.h - what dissect knows about one frame once it is settled: its place and its kind.
 *
 * Made by the tracker and the classifier, read by the ledger and by whoever prints frames.
 * Nearly all frames settle at once; one whose mapping is still to come settles later.
 */
#ifndef DISSECT_SIGHTING_H
#define DISSECT_SIGHTING_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"

#define SIGHTING_TEXT 160

struct sighting {
	struct ledger_entry
		entry;        /* WAN (ledger's index), time, file, number, lengths, kind, split */
	uint64_t order;       /* 0-based count of frames fed before this one */
	uint32_t payload_len; /* by IP lengths */

	/* TCP; proto is "tcp", "udp", "icmp", "arp", ... otherwise; static text */
	const char *proto;
	char src[54], dst[54]; /* only filled when the pipeline describes frames */
	bool tcp;
	uint8_t tcp_flags; /* FIN 1 SYN 2 RST 4 PSH 8 ACK 16 */
	uint32_t seq, ack;
	uint32_t window;

	char connection[17]; /* "" = none; ledger_connection.id */
	uint32_t subflow;    /* 0-based in its connection, in order of appearance */
	bool has_dsn;
	uint64_t dsn;                /* of its first payload byte */
	const char *app;             /* label or "" */
	char options[SIGHTING_TEXT]; /* MPTCP options in words, only when described */
};

#endif
