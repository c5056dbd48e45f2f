/* SPDX-License-Identifier: MIT
 *
 * option.h - the TCP options of one segment, MPTCP v0 (RFC 6824) and v1 (RFC 8684) included.
 *
 * Stateless: reads what stands there. Cut (the capture ended), malformed (a length lies) and
 * unknown are three answers. A cut option is read as far as it goes. Pointers are borrowed from the
 * frame.
 */
#ifndef DISSECT_OPTION_H
#define DISSECT_OPTION_H

#include "decode.h"

enum mptcp_subtype {
	MP_CAPABLE,
	MP_JOIN,
	MP_DSS,
	MP_ADD_ADDR,
	MP_REMOVE_ADDR,
	MP_PRIO,
	MP_FAIL,
	MP_FASTCLOSE,
	MP_TCPRST,
	MP_SUBTYPES
};

/* DSS flags as on the wire, RFC 8684 section 3.3 */
enum { DSS_ACK = 0x01, DSS_ACK64 = 0x02, DSS_MAP = 0x04, DSS_MAP64 = 0x08, DSS_FIN = 0x10 };

/* Fields that were captured; a member is valid when its bit in `has` is set. */
enum dss_has {
	DSS_HAS_ACK = 1,
	DSS_HAS_DSN = 2,
	DSS_HAS_SSN = 4,
	DSS_HAS_LEN = 8,
	DSS_HAS_CSUM = 16
};
#define DSS_HAS_MAPPING (DSS_HAS_DSN | DSS_HAS_SSN | DSS_HAS_LEN)

struct dss {
	uint8_t flags;
	uint8_t has;
	uint16_t len; /* data-level length, DATA_FIN included */
	uint16_t csum;
	uint32_t ssn;
	uint64_t ack, dsn; /* 64 bits with DSS_ACK64 / DSS_MAP64, else the low 32 */
};

struct mp_capable {
	uint8_t version;
	uint8_t flags; /* 0x80 checksum, 0x20 no join to id 0, 0x01 HMAC */
	uint8_t keys;  /* 0, 1 (the sender's), 2 (the sender's, then the receiver's) */
	bool has_len;  /* data-level length follows: a mapping that starts at SSN 1 */
	bool has_csum;
	uint16_t len;
	uint16_t csum;
	const uint8_t *key[2]; /* 8 bytes each */
};

struct mp_join {
	uint8_t len; /* 12 SYN, 16 SYN/ACK, 24 ACK */
	bool backup; /* SYN and SYN/ACK only */
	uint8_t id;
	uint32_t token;      /* SYN only */
	uint32_t nonce;      /* SYN and SYN/ACK */
	const uint8_t *hmac; /* 8 bytes in a SYN/ACK, 20 in an ACK */
};

struct add_addr {
	uint8_t family; /* 4 or 6 */
	bool echo;
	uint8_t id;
	bool has_port;
	uint16_t port;
	const uint8_t *addr; /* 4 or 16 bytes */
	const uint8_t *hmac; /* 8 bytes, v1 without echo; else NULL */
};
#define OPTION_ADDRS 2 /* more in one segment do not fit into 40 bytes with an HMAC */

struct options {
	uint16_t subtypes; /* bit per enum mptcp_subtype that was read */
	bool any_mptcp;    /* at least one option of kind 30, known or not */
	bool cut;          /* the TCP header ends behind what was captured */
	bool cut_inside;   /* ... inside an option */
	bool malformed;
	uint8_t unknown; /* MPTCP options of unknown subtype */
	bool has_timestamps;
	bool has_window_scale;
	uint8_t window_scale;
	uint16_t mss; /* 0 = not told */
	uint32_t tsval, tsecr;

	struct dss dss;
	struct mp_capable capable;
	struct mp_join join;
	struct add_addr add[OPTION_ADDRS];
	uint8_t n_add;
	const uint8_t *removed; /* address ids */
	uint8_t n_removed;
	bool prio_backup, prio_has_id;
	uint8_t prio_id;
	uint64_t fail_dsn;
	const uint8_t *fastclose_key; /* 8 bytes */
	uint8_t rst_flags, rst_reason;
};

static inline bool options_have(const struct options *o, enum mptcp_subtype subtype)
{
	return o->subtypes >> subtype & 1;
}

/* Read all options of a TCP segment. Members of subtypes that are not there are undefined. */
void options_read(struct options *options, const struct segment *segment);

#endif
