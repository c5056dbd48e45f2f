/* SPDX-License-Identifier: MIT
 *
 * savefile.h - bytes of a pcap or pcapng file in, one record at a time out.
 *
 * Works on a window of bytes that the caller owns, so that a memory map and a stream are read by
 * the same code. Never prints, allocates, reads a clock or looks outside the window. Sources of
 * facts: the pcap and pcapng Internet-Drafts (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng),
 * pcap-savefile(5).
 */
#ifndef CAPTURE_SAVEFILE_H
#define CAPTURE_SAVEFILE_H

#include <string.h>

#include "frame.h"

/* No link delivers larger frames to a capture: libpcap's own limit. A larger length is damage. */
#define SAVEFILE_FRAME_MAX 262144u
/* A larger pcapng block is damage: the limit that Wireshark has, too. */
#define SAVEFILE_BLOCK_MAX      16777216u
#define SAVEFILE_INTERFACES_MAX 4096u
#define SAVEFILE_NAME           64
/* Times are cut to 0..INT64_MAX, so that differences of two fit in an int64_t. */
#define SAVEFILE_TIME_MAX ((uint64_t)INT64_MAX)

/* An interface of the file. A pcap has one, without name. */
struct savefile_interface {
	char name[SAVEFILE_NAME]; /* valid UTF-8 without control characters, "" = not told */
	struct ipaddr own[FRAME_WAN_ADDRS];
	unsigned n_own;
	uint32_t snaplen; /* 0 = not told */
	uint32_t wan;     /* the caller's; SAVEFILE_NO_WAN when new */
	uint32_t told;    /* the caller's; 0 when new */
	uint16_t linktype;
	bool filtered; /* the interface was captured with a filter */
	bool thinned;  /* the caller's: some of its frames were left out later (thin.h) */

	/* time: ticks * multiplier, or ticks / divisor, or ticks / 2^shift seconds; then + offset_s
	 */
	uint8_t time_form;
	uint8_t shift;
	uint64_t factor;
	int64_t offset_s;
};
#define SAVEFILE_NO_WAN UINT32_MAX

struct savefile {
	bool ng;               /* pcapng */
	bool swapped;          /* written in the other byte order */
	bool crossed_lengths;  /* pcap older than 2.4: captured and original length trade places */
	uint8_t record_header; /* pcap: 16, or 24 in Kuznetzov's form */
	uint32_t tick_ns;      /* pcap: 1000 or 1 */
	uint64_t last_ns;      /* time of the last frame, for blocks that tell none */
	struct savefile_interface *interfaces; /* borrowed from the caller */
	uint32_t n_interfaces, cap_interfaces;
};

enum savefile_item {
	SAVEFILE_FRAME,
	SAVEFILE_INTERFACE,  /* interfaces[record.interface] is new */
	SAVEFILE_STATISTICS, /* record.interface and what its statistics say */
	SAVEFILE_SKIP,       /* nothing for the caller */
	SAVEFILE_MORE,       /* the window must hold record.size bytes; nothing was used */
	SAVEFILE_ROOM,       /* the interface table must hold one more; nothing was used */
	SAVEFILE_DAMAGED,    /* record.fault says what */
	SAVEFILE_GLUED,      /* a second file begins here */
};

struct savefile_record {
	uint64_t size; /* bytes of the file this record takes */
	uint64_t ts_ns;
	const uint8_t *data; /* inside the window */
	uint32_t caplen, wire_len;
	uint32_t interface;
	uint32_t drops;        /* frames lost just before this one */
	uint16_t segment_size; /* of a super-frame's wire segments, 0 = not told */
	uint8_t mark;          /* enum frame_mark */
	enum file_flaw fault;  /* of SAVEFILE_DAMAGED */

	/* statistics: frames lost since `session` began, as its time stands in the file (0 = not
	 * told); by the kernel, and by who wrote the file; when it was told, and the time it
	 * covers (0 = not told) */
	bool drops_known;
	uint64_t session, dropped_kernel, dropped_own;
	uint64_t at_ns, start_ns, end_ns;

	/* interfaces and statistics: their options, for savefile_comment() */
	const uint8_t *options, *options_end;
};

/*
 * Recognise a file by its first bytes. Returns the bytes of the file header to pass over (0 for
 * pcapng, whose header is a block), -1 when this is no capture, -2 when more bytes are needed to
 * tell. `interfaces` must hold `room` >= 1 entries and stays the caller's; it may be replaced later
 * by a larger copy.
 */
int savefile_begin(struct savefile *savefile, const uint8_t *bytes, size_t length,
                   struct savefile_interface *interfaces, uint32_t room);

/* The record at the start of the window. */
enum savefile_item savefile_next(struct savefile *savefile, const uint8_t *bytes, size_t length,
                                 struct savefile_record *record);

/* An option of a pcapng block; the value is borrowed from the window. */
struct savefile_option {
	uint16_t code, length;
	const uint8_t *value;
};

/* Take the next option from [*at, end). False at the end of the list or where it makes no sense. */
bool savefile_option(const struct savefile *savefile, const uint8_t **at, const uint8_t *end,
                     struct savefile_option *option);

/* What the blocks of an interface would tell this time as: the opposite of a record's ts_ns, to the
 * resolution it has. */
uint64_t savefile_ticks(const struct savefile_interface *interface, uint64_t ns);

/* The next comment of an interface or statistics block, without a NUL at its end; borrowed from the
 * window. Starts at record.options and moves them on. False when there are no more. */
bool savefile_comment(const struct savefile *savefile, struct savefile_record *record,
                      const char **text, size_t *length);

static inline uint32_t savefile_u32(const struct savefile *savefile, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return savefile->swapped ? __builtin_bswap32(value) : value;
}

/*
 * The ordinary record of an ordinary pcap in this machine's byte order, inline for speed: the same
 * answer as savefile_next() where it returns true; false means "ask savefile_next()".
 */
static inline bool savefile_plain(const struct savefile *savefile, const uint8_t *bytes,
                                  size_t length, uint64_t *ts_ns, uint32_t *caplen,
                                  uint32_t *wire_len)
{
	if (length < 16)
		return false;
	uint32_t words[4];
	memcpy(words, bytes, sizeof(words));
	*caplen = words[2];
	if (*caplen - 1 >= SAVEFILE_FRAME_MAX || length - 16 < *caplen)
		return false;
	*ts_ns = words[0] * 1000000000ull + (uint64_t)words[1] * savefile->tick_ns;
	*wire_len = words[3];
	return true;
}

/* Whether savefile_plain() applies to this file at all. */
static inline bool savefile_is_plain(const struct savefile *savefile)
{
	return !savefile->ng && !savefile->swapped && savefile->record_header == 16 &&
	       !savefile->crossed_lengths;
}

#endif
