/* SPDX-License-Identifier: MIT
 *
 * pcapng.h - blocks of a pcapng file, written into memory. Source: draft-ietf-opsawg-pcapng.
 *
 * Never allocates, never does input or output. All in this machine's byte order.
 */
#ifndef CAPTURE_PCAPNG_H
#define CAPTURE_PCAPNG_H

#include <stdint.h>
#include <string.h>

#include "frame.h"

/* The most that a section header, an interface description or a statistics block takes. */
#define PCAPNG_BLOCK_MAX 8192
#define PCAPNG_NOTES     6

/* What the interface description says. Texts may be NULL; notes are comments (quality.h). */
struct pcapng_interface {
	const char *name, *description, *filter, *hardware, *os;
	const struct ipaddr *own;
	const uint8_t *prefix;
	unsigned n_own;
	const uint8_t *mac; /* 6 bytes, or NULL */
	uint64_t speed_bits;
	uint32_t snaplen; /* 0 = whole frames */
	uint16_t linktype;
	const char *notes[PCAPNG_NOTES];
	unsigned n_notes;
};

struct pcapng_statistics {
	uint32_t interface;
	uint64_t at_ns, start_ns, end_ns;
	uint64_t received, dropped_kernel, dropped_own, delivered;
	const char *notes[PCAPNG_NOTES];
	unsigned n_notes;
};

/* Each returns the bytes written into `at`, which must have room for PCAPNG_BLOCK_MAX. */
size_t pcapng_section(uint8_t *at, const char *hardware, const char *os, const char *application);
size_t pcapng_interface(uint8_t *at, const struct pcapng_interface *interface);
size_t pcapng_statistics(uint8_t *at, const struct pcapng_statistics *statistics);

/* The most a frame of `caplen` bytes takes. */
static inline size_t pcapng_packet_size(uint32_t caplen)
{
	return 28 + ((caplen + 3u) & ~3u) + 8 + 28 + 4 + 4;
}

/* An enhanced packet block: direction in epb_flags; the segment size of a super-frame, when not 0,
 * as the comment "segment_size=N". */
size_t pcapng_packet(uint8_t *at, uint32_t interface, uint64_t ts_ns, const uint8_t *data,
                     uint32_t caplen, uint32_t wire_len, uint8_t mark, uint16_t segment_size);

#endif
