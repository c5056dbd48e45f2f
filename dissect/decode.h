/* SPDX-License-Identifier: MIT
 *
 * decode.h - one frame in, its link, IP and TCP headers out.
 *
 * Reads headers only: no options, no state, no allocation. Lengths come from the IP header, never
 * from the captured length. Pointers in a segment are borrowed from the frame.
 */
#ifndef DISSECT_DECODE_H
#define DISSECT_DECODE_H

#include "../capture/frame.h"

enum decode_result {
	DECODE_TCP, /* all fixed TCP header fields are valid; options may be cut, see options_cut */
	DECODE_OTHER,     /* read to its end, and it is not TCP, or a later fragment */
	DECODE_CUT,       /* captured length ends before the kind could be told */
	DECODE_MALFORMED, /* a length field contradicts another */
	DECODE_UNKNOWN_LINK,
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct segment {
	enum decode_result result;

	/* link */
	uint16_t ethertype; /* innermost; PPP protocols are told as the EtherType they stand for, or
	                       0 */
	uint16_t ppp_proto; /* PPP protocol number when it is not IP, else 0 */
	const uint8_t
		*link; /* first byte behind the last link header, and what was captured of it */
	uint32_t link_cap;

	/* IP; family 0 = none */
	uint8_t family;
	uint8_t proto; /* of the innermost header that was reached */
	uint8_t tos;
	uint8_t ttl;
	uint16_t ip_id;           /* IPv4 only */
	bool fragment;            /* any fragment */
	bool later_fragment;      /* not the first */
	const uint8_t *src, *dst; /* 4 or 16 bytes */
	uint32_t ip_bytes;        /* whole IP packet */

	/* transport */
	const uint8_t *transport; /* header of proto, captured part */
	uint32_t transport_cap;
	uint32_t transport_len; /* by the IP header */
	uint16_t sport, dport;  /* TCP, UDP */

	/* TCP */
	uint8_t flags;
	uint16_t window;
	uint32_t seq, ack;
	const uint8_t *options;
	uint8_t options_len; /* as captured */
	bool options_cut;    /* the TCP header is longer than what was captured */
	uint32_t payload_len;
	const uint8_t *payload; /* captured part */
	uint32_t payload_cap;
};

void decode_frame(const struct frame *frame, struct segment *segment);

#endif
