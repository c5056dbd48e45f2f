/* SPDX-License-Identifier: MIT
 *
 * sites.h - the server's end: one interface holds the WANs of one router or of many. Whose is a
 * frame?
 *
 * Turns what an operator knows (networks and address IDs of WANs) and the frames as they pass into
 * a place each: a site (a router) and one of its WANs. Counts nothing but what could not be told,
 * and judges nothing. Nobody's frames have a place too, so none is lost.
 *
 * What tells, the first that does:
 *  1. an address in a network that the operator gave; the longest prefix counts;
 *  2. of a subflow, whose connection it is (the token of its MP_JOIN, which the keys of MP_CAPABLE
 *     or an earlier join tied to a site), and the address ID that the router's side sent in that
 *     join (RFC 8684 section 3.2). The subflow that opened the connection never says an ID; it has
 *     ID 0, so `id:0` names the WAN over which connections are opened;
 *  3. an address that subflows told so far were seen to have, as long as they were of one WAN of
 *     one site only and the last of them opened within SITES_FRESH_NS;
 *  4. with rows of one site only, whose the frame is; of which WAN stays untold.
 *
 * Address IDs are what the router's kernel says they are. Measured on Linux 6.18: an endpoint's ID
 * is its number; it is the next free number when the endpoint is made again, as OpenMPTCProuter's
 * scripts do when a link returns, and numbers begin anew after a flush. A join that names another
 * WAN than its address had before, or than its network tells, is counted in `contradicted`.
 */
#ifndef DISSECT_SITES_H
#define DISSECT_SITES_H

#include "decode.h"

#define SITES_MAX      4096
#define SITES_WANS_MAX 63 /* of a site; its ledger holds one more, for what is untold */
#define SITES_FRESH_NS (UINT64_C(600) * 1000000000)

/* By what a WAN is told. */
struct sites_sign {
	bool is_id;
	uint8_t id;
	uint8_t family, bits; /* 4 or 6; of the prefix */
	uint8_t addr[16];     /* bits behind the prefix are 0 */
};

/* "192.0.2.17", "2001:db8::/56", "id:2". False: it is neither. */
bool sites_read_sign(const char *text, struct sites_sign *sign);

/* One sign of one WAN. A site has any name, with several of them each another one. */
struct sites_row {
	const char *site, *wan;
	struct sites_sign sign;
};

/* Why a frame has no WAN. */
enum untold {
	UNTOLD_NOT,
	UNTOLD_OPENING, /* of a subflow that opened its connection: it said no address ID */
	UNTOLD_JOINED,  /* joined with an ID that no row names, or a connection nobody knows */
	UNTOLD_MIDWAY,  /* of a subflow whose start was not seen */
	UNTOLD_PLAIN,   /* TCP without MPTCP */
	UNTOLD_OTHER,   /* not TCP */
	UNTOLD_COUNT
};

struct sites_tally {
	uint64_t untold[UNTOLD_COUNT]; /* frames */
	uint64_t contradicted;         /* joins */
};

struct sites_place {
	uint32_t site; /* sites_count() = nobody's */
	uint32_t wan;  /* sites_wans() of it = untold */
	uint8_t mark;  /* enum frame_mark as the router sees it, or turned round from the capture's
	                */
	uint8_t untold;
};

struct sites;

struct sites_options {
	size_t max_flows; /* 0 = 65,536: subflows that no network tells, and connections */
	uint64_t seed;    /* of the hash tables */
};

/* NULL and a sentence in `message` when rows contradict each other, are too many, or memory lacks.
 */
struct sites *sites_new(const struct sites_row *rows, size_t n, const struct sites_options *options,
                        char *message, size_t size);
void sites_free(struct sites *sites);

/* In the order the rows named them. Names live as long as `sites`. */
size_t sites_count(const struct sites *sites);
const char *sites_name(const struct sites *sites, size_t site);
size_t sites_wans(const struct sites *sites, size_t site);
const char *sites_wan(const struct sites *sites, size_t site, size_t wan);

/* Any WAN of this site, or of any site, is told by an address ID. */
bool sites_by_id(const struct sites *sites, size_t site);
bool sites_any_id(const struct sites *sites);

/* The place of the next frame. False when memory ran out: the place is then nobody's. */
bool sites_place(struct sites *sites, const struct frame *frame, struct sites_place *place);

/* What was counted since the last sites_begin(); `site` may be sites_count(). */
const struct sites_tally *sites_tally(const struct sites *sites, size_t site);
void sites_begin(struct sites *sites);

#endif
