/* SPDX-License-Identifier: MIT
 *
 * rewrite.h - one capture in, the same capture with other frames and other names out.
 *
 * A pcap stays a pcap, a pcapng a pcapng, with the same frames at the same times and numbers. What
 * is not known to be harmless is not written: of a pcap no time zone, of a pcapng only blocks,
 * options and notes of these lists,
 *
 *   section      byte order
 *   interface    link type, length kept, name, addresses, resolution and offset of times, speed;
 *                that there was a filter, not which; notes of quality.h
 *   frame        time (of one without: that of the frame before it), lengths, direction, frames
 * lost before it, size of segments, its note statistics   all numbers, notes
 *
 * and of notes the keys of a list; names in all of them go through the hand. What is left out:
 * comments of people, operating systems, hardware, names of hosts, secrets of TLS, custom blocks.
 * Where the file was cut, damaged, or another began in it, the new one ends alike, so that it is
 * known by it.
 *
 * Hostile input gives -EBADMSG or ends early (`flaw`), in bounded memory; knows no TCP, prints
 * nothing. The same input and hand give the same bytes.
 */
#ifndef CAPTURE_REWRITE_H
#define CAPTURE_REWRITE_H

#include "frame.h"

enum rewrite_name { REWRITE_WAN, REWRITE_DEVICE, REWRITE_FILE, REWRITE_BOOT };

/* Who says what stands there instead. */
struct rewrite_hand {
	/* Change the frame's bytes in place (frame->data == data; ts_ns, number, caplen, wire_len,
	 * linktype, mark are set), return how many of them are kept. */
	uint32_t (*frame)(void *context, const struct frame *frame, uint8_t *data);
	void (*address)(void *context, struct ipaddr *address);
	void (*mac)(void *context, uint8_t mac[6]);
	/* Static or the context's until the next call; NULL = say nothing. */
	const char *(*name)(void *context, enum rewrite_name what, const char *name);
	void *context;
};

struct rewrite_output {
	int dir;          /* where to write */
	const char *part; /* the name while it is written; one that lies there is replaced */
	const char *name; /* the name when it is complete, likewise */
	int zstd_level;   /* 0 = not packed */
};

struct rewrite_result {
	uint64_t frames;
	uint64_t bytes;   /* of the new file */
	const char *flaw; /* "cut", "damaged", "glued": how the file ended; or NULL */
	bool unwritten;   /* an error is of the new file, not of the one that was read */
};

/* Read the capture behind `fd` (taken over) and write the other one: synced, then renamed, then the
 * directory synced. 0 or -errno, and nothing is left of it: -EBADMSG it is no capture. */
int rewrite_file(int fd, const struct rewrite_hand *hand, const struct rewrite_output *output,
                 struct rewrite_result *result);

#endif
