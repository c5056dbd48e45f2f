/* SPDX-License-Identifier: MIT
 *
 * cmd_keep_frames.h - what of a file is worth keeping that a ledger does not name by its number:
 * the handshakes of connections whose frames are evidence, and frames that carry something.
 *
 * A ledger knows when each subflow of the larger connections began, not by which frames. So the
 * files are looked at first: the frames that are evidence tell connections, and those tell where
 * all of their subflows began, on whatever WAN.
 */
#ifndef REPORT_CMD_KEEP_FRAMES_H
#define REPORT_CMD_KEEP_FRAMES_H

#include "../capture/thin.h"
#include "../dissect/ledger.h"

/* The two ends of a TCP connection, the smaller first. */
struct keep_ends {
	uint8_t family;
	uint8_t addr[2][16];
	uint16_t port[2];
};

struct keep_handshake {
	uint64_t from_ns;
	struct keep_ends ends;
	unsigned behind; /* frames without SYN that were kept */
};
#define KEEP_HANDSHAKES_MAX 1024
#define KEEP_ENDS_MAX       65536

struct keep_frames {
	struct keep_ends *ends; /* owned; of frames that are evidence */
	size_t n_ends, cap_ends;
	struct keep_handshake *handshakes; /* owned; by from_ns */
	size_t n_handshakes;
	uint64_t quiet_from_ns, quiet_to_ns; /* no handshake is there */
	bool carrying;                       /* carrying frames are wanted */
	bool out_of_memory;
};

void keep_frames_release(struct keep_frames *frames);

/* For struct thin_list, with a struct keep_frames as context: remember whose the evidence is ... */
unsigned keep_frames_collect(void *context, const struct frame *frame, unsigned reasons);
/* ... when all files were seen, find the handshakes (false: no memory) ... */
bool keep_frames_settle(struct keep_frames *frames, const struct ledger *ledger);
/* ... before each file begin anew, and name what belongs to it. */
void keep_frames_begin(struct keep_frames *frames, bool carrying);
unsigned keep_frames_look(void *context, const struct frame *frame, unsigned reasons);

#endif
