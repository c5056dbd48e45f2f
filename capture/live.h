/* SPDX-License-Identifier: MIT
 *
 * live.h - frames of a device, as they pass: an open capture, read without privileges.
 *
 * Opening needs privileges and is done by live_prepare(), in the keeper; what it made travels as
 * file descriptors, and live_attach() turns them into a struct live in the process that records.
 * Two backends (live_ring.c: AF_PACKET with a mapped TPACKET_V3 ring; live_pcap.c: libpcap in a
 * process of its own that hands its frames over through a pipe), told apart by one table.
 *
 * Neither prints. Never promiscuous, never changes a setting of the system.
 */
#ifndef CAPTURE_LIVE_H
#define CAPTURE_LIVE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum live_backend { LIVE_RING, LIVE_PCAP, LIVE_BACKENDS };
extern const char *const live_backend_names[LIVE_BACKENDS]; /* "ring", "pcap" */

#define LIVE_FILTER 1024
#define LIVE_FDS    2

/* What the one who opens must know. Plain data: it crosses a socket. */
struct live_request {
	char device[IFNAMSIZ];
	char filter[LIVE_FILTER]; /* libpcap filter language, "" = all frames */
	uint32_t keep;            /* bytes of each frame: KEEP_HEADERS, 0 = whole, else that many */
	uint32_t ring_bytes;      /* 64 KiB .. 1 GiB */
	uint32_t retire_ms;       /* the longest a frame waits in a ring block that is not full */
	uint8_t backend;          /* enum live_backend; LIVE_BACKENDS = the first that can */
};
/* Link, IP and TCP headers with all options, no TCP payload; 160 bytes of anything else. */
#define KEEP_HEADERS UINT32_MAX

/* What it found. */
struct live_prepared {
	char device[IFNAMSIZ];
	uint32_t ifindex;
	uint32_t ring_bytes;  /* what became of the request: whole blocks, at least two */
	uint32_t block_bytes; /* of which the ring consists; 0 = not a ring */
	uint16_t linktype;    /* enum frame_link */
	uint8_t backend;
	uint8_t n_fds;
	int fds[LIVE_FDS]; /* owned by whoever holds the struct */
};

/*
 * Open a device: socket, filter (locked), ring, bound. The ring can open a device that is down;
 * what comes once it is up is there. 0 or -errno: -ENODEV it does not exist, -ENETDOWN libpcap
 * wants it up, -EPERM, -EINVAL the filter does not compile for its link type; one sentence in
 * `message`.
 */
int live_prepare(const struct live_request *request, struct live_prepared *prepared, char *message,
                 size_t size);
/* Stop what arrives without closing: everything that came before can still be read, the last of it
 * after retire_ms at most. Needs no privilege. */
void live_quiet(const struct live_prepared *prepared);
void live_dispose(struct live_prepared *prepared);

struct live;

/* Takes over the descriptors. NULL and errno when memory or mapping fail. */
struct live *live_attach(const struct live_prepared *prepared);
/* Unmaps and closes. */
void live_close(struct live *live);

/* A frame, borrowed until live_take(). */
struct live_frame {
	const uint8_t *data;
	uint64_t ts_ns; /* CLOCK_REALTIME, when the kernel saw it */
	uint32_t caplen, wire_len;
	uint16_t segment_size; /* gso_size of a super-frame, else 0 */
	uint8_t mark;          /* enum frame_mark */
};

/* The next frame that is there, or NULL: nothing now. The same until live_take(). */
const struct live_frame *live_head(struct live *live);
void live_take(struct live *live);

/* To poll for reading. */
int live_fd(const struct live *live);
/* Why the descriptor woke us without a frame: 0, -ENETDOWN (the device was set down, and may come
 * back on the same capture; said once), -ENODEV (it is gone; close), -EPIPE (the process that read
 * it for us is gone; close), or another -errno. The descriptor does not wake when a device goes
 * that was down before: to be asked as well when rtnetlink tells of that. */
int live_trouble(struct live *live);

/* Frames since live_prepare(), 64 bits wide: received = delivered to the reader + dropped, once
 * live_head() is NULL and the capture is quiet. The kernel counts in 32 bits: to be asked before
 * four billion frames have passed. */
struct live_counts {
	uint64_t received;
	uint64_t dropped; /* the ring was full */
};
void live_count(struct live *live, struct live_counts *counts);

#endif
