/* SPDX-License-Identifier: MIT */
#include "side.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

enum {
	CANDIDATES = 64,
	PEERS = 64,
	NEARLY_ALL_PERCENT = 90,
	MAC_LEN = 6,
};

struct candidate {
	struct ipaddr addr;
	uint32_t frames;
	bool opener;       /* of MPTCP */
	bool plain_opener; /* of TCP */
	bool has_mac;
	uint8_t mac[MAC_LEN];
};

struct side {
	struct candidate candidates[CANDIDATES];
	unsigned n_candidates;
	uint32_t frames;
	struct ipaddr told[FRAME_WAN_ADDRS]; /* in the interface block */
	unsigned n_told;
	struct ipaddr own[LEDGER_ADDRS];
	unsigned n_own;
	bool has_mac;
	uint8_t mac[MAC_LEN];
	bool decided;
};

struct sides {
	struct side wans[LEDGER_WANS_MAX];
	struct ipaddr peers[PEERS]; /* of openers of MPTCP */
	unsigned n_peers;
};

static struct ipaddr addr_of(uint8_t family, const uint8_t *bytes)
{
	struct ipaddr a = {.family = family};

	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return a;
}

static bool addr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool addr_among(const struct ipaddr *list, unsigned n, const struct ipaddr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (addr_equal(&list[i], a))
			return true;
	return false;
}

/* Addresses that can be one side of a WAN: not multicast, link-local, broadcast or unspecified. */
static bool addr_is_side(const struct ipaddr *a)
{
	static const uint8_t zero[16];
	const uint8_t *b = a->bytes;

	if (memcmp(b, zero, sizeof(zero)) == 0)
		return false;
	if (a->family == 4)
		return b[0] < 224 && !(b[0] == 169 && b[1] == 254) && b[0] != 127;
	return b[0] != 0xff && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

static void own_add(struct side *s, const struct ipaddr *a)
{
	if (s->n_own < LEDGER_ADDRS && !addr_among(s->own, s->n_own, a))
		s->own[s->n_own++] = *a;
}

static void peer_add(struct sides *sides, const struct ipaddr *a)
{
	if (sides->n_peers < PEERS && !addr_among(sides->peers, sides->n_peers, a))
		sides->peers[sides->n_peers++] = *a;
}

static struct candidate *candidate_of(struct side *s, const struct ipaddr *a)
{
	for (unsigned i = 0; i < s->n_candidates; i++)
		if (addr_equal(&s->candidates[i].addr, a))
			return &s->candidates[i];
	if (s->n_candidates == CANDIDATES)
		return NULL;
	struct candidate *c = &s->candidates[s->n_candidates++];
	*c = (struct candidate){.addr = *a};
	return c;
}

static bool has_macs(const struct frame *f)
{
	return f->linktype == LINK_ETHERNET && f->caplen >= 2 * MAC_LEN;
}

static void see(struct side *s, const struct ipaddr *a, const struct frame *f, bool source)
{
	struct candidate *c = candidate_of(s, a);

	if (!c)
		return;
	c->frames++;
	if (has_macs(f)) {
		memcpy(c->mac, f->data + (source ? MAC_LEN : 0), MAC_LEN);
		c->has_mac = true;
	}
}

void sides_survey(struct sides *sides, uint32_t wan, const struct frame_wan *source,
                  const struct frame *f, const struct segment *s, bool mptcp_syn)
{
	struct side *side = &sides->wans[wan];

	for (unsigned i = 0; i < source->n_own && i < FRAME_WAN_ADDRS; i++)
		if (!addr_among(side->told, side->n_told, &source->own[i]) &&
		    side->n_told < FRAME_WAN_ADDRS)
			side->told[side->n_told++] = source->own[i];
	if (s->family == 0)
		return;
	struct ipaddr src = addr_of(s->family, s->src), dst = addr_of(s->family, s->dst);
	if (!addr_is_side(&src) || !addr_is_side(&dst))
		return;
	side->frames++;
	see(side, &src, f, true);
	see(side, &dst, f, false);
	if (s->result != DECODE_TCP || !(s->flags & TCP_SYN))
		return;
	bool answer = s->flags & TCP_ACK;
	const struct ipaddr *opener = answer ? &dst : &src;
	struct candidate *c = candidate_of(side, opener);
	if (!c)
		return;
	if (mptcp_syn) {
		c->opener = true;
		peer_add(sides, answer ? &src : &dst);
	} else {
		c->plain_opener = true;
	}
}

/* ---- the rules, in their order; each returns whether it told ---- */

static bool by_opener(const struct sides *sides, struct side *s)
{
	(void)sides;
	for (unsigned i = 0; i < s->n_candidates; i++)
		if (s->candidates[i].opener)
			own_add(s, &s->candidates[i].addr);
	return s->n_own > 0;
}

static bool by_interface_block(const struct sides *sides, struct side *s)
{
	(void)sides;
	for (unsigned i = 0; i < s->n_told; i++)
		own_add(s, &s->told[i]);
	return s->n_own > 0;
}

static bool by_known_peer(const struct sides *sides, struct side *s)
{
	const struct candidate *best = NULL;
	bool peer_here = false;

	for (unsigned i = 0; i < s->n_candidates; i++) {
		const struct candidate *c = &s->candidates[i];
		if (addr_among(sides->peers, sides->n_peers, &c->addr))
			peer_here = true;
		else if (!best || c->frames > best->frames)
			best = c;
	}
	if (peer_here && best)
		own_add(s, &best->addr);
	return s->n_own > 0;
}

static bool by_plain_opener(const struct sides *sides, struct side *s)
{
	const struct candidate *best = NULL;

	(void)sides;
	for (unsigned i = 0; i < s->n_candidates; i++)
		if (s->candidates[i].plain_opener &&
		    (!best || s->candidates[i].frames > best->frames))
			best = &s->candidates[i];
	if (best)
		own_add(s, &best->addr);
	return s->n_own > 0;
}

static bool is_common(const struct side *s, const struct candidate *c)
{
	return (uint64_t)c->frames * 100 >= (uint64_t)s->frames * NEARLY_ALL_PERCENT;
}

static bool common_elsewhere(const struct sides *sides, const struct side *but,
                             const struct ipaddr *a)
{
	for (unsigned w = 0; w < LEDGER_WANS_MAX; w++) {
		const struct side *s = &sides->wans[w];
		for (unsigned i = 0; s != but && i < s->n_candidates; i++)
			if (addr_equal(&s->candidates[i].addr, a) &&
			    is_common(s, &s->candidates[i]))
				return true;
	}
	return false;
}

static bool by_common_address(const struct sides *sides, struct side *s)
{
	const struct candidate *only = NULL;

	for (unsigned i = 0; i < s->n_candidates; i++) {
		const struct candidate *c = &s->candidates[i];
		if (!is_common(s, c) || common_elsewhere(sides, s, &c->addr))
			continue;
		if (only)
			return false;
		only = c;
	}
	if (only)
		own_add(s, &only->addr);
	return only;
}

static bool (*const rules[])(const struct sides *, struct side *) = {
	by_opener, by_interface_block, by_known_peer, by_plain_opener, by_common_address,
};

static void find_mac(struct side *s)
{
	const struct candidate *best = NULL;

	for (unsigned i = 0; i < s->n_candidates; i++) {
		const struct candidate *c = &s->candidates[i];
		if (c->has_mac && addr_among(s->own, s->n_own, &c->addr) &&
		    (!best || c->frames > best->frames))
			best = c;
	}
	if (!best)
		return;
	memcpy(s->mac, best->mac, MAC_LEN);
	s->has_mac = true;
}

void sides_decide(struct sides *sides)
{
	for (unsigned w = 0; w < LEDGER_WANS_MAX; w++) {
		struct side *s = &sides->wans[w];
		if (s->decided)
			continue;
		s->decided = true;
		for (unsigned r = 0; r < sizeof(rules) / sizeof(rules[0]) && s->n_own == 0; r++)
			rules[r](sides, s);
		find_mac(s);
	}
}

void sides_opener(struct sides *sides, uint32_t wan, const struct frame *f,
                  const struct segment *seg)
{
	struct side *s = &sides->wans[wan];
	bool answer = seg->flags & TCP_ACK;
	struct ipaddr opener = addr_of(seg->family, answer ? seg->dst : seg->src);
	struct ipaddr peer = addr_of(seg->family, answer ? seg->src : seg->dst);

	/* on a server many routers open: the first that is not a known peer tells the side */
	if (addr_among(sides->peers, sides->n_peers, &opener))
		return;
	peer_add(sides, &peer);
	own_add(s, &opener);
	if (!s->has_mac && has_macs(f)) {
		memcpy(s->mac, f->data + (answer ? 0 : MAC_LEN), MAC_LEN);
		s->has_mac = true;
	}
}

int sides_source_is_own(const struct sides *sides, uint32_t wan, const struct segment *seg)
{
	const struct side *s = &sides->wans[wan];

	if (seg->family == 0 || s->n_own == 0)
		return 0;
	struct ipaddr src = addr_of(seg->family, seg->src), dst = addr_of(seg->family, seg->dst);
	return addr_among(s->own, s->n_own, &src) - addr_among(s->own, s->n_own, &dst);
}

static enum direction by_mac(const struct side *s, const struct frame *f)
{
	if (!s->has_mac || !has_macs(f))
		return DIR_UNKNOWN;
	bool from = memcmp(f->data + MAC_LEN, s->mac, MAC_LEN) == 0;
	bool to = memcmp(f->data, s->mac, MAC_LEN) == 0;
	if (from != to)
		return from ? DIR_UP : DIR_DOWN;
	return !from && f->data[0] & 1 ? DIR_DOWN : DIR_UNKNOWN; /* a group address, not from us */
}

enum direction sides_direction(const struct sides *sides, uint32_t wan, const struct frame *f,
                               const struct segment *seg)
{
	if (f->mark != MARK_NONE)
		return f->mark == MARK_OUT ? DIR_UP : DIR_DOWN;
	enum direction direction = by_mac(&sides->wans[wan], f);
	if (direction != DIR_UNKNOWN)
		return direction;
	int own = sides_source_is_own(sides, wan, seg);
	return own == 0 ? DIR_UNKNOWN : own > 0 ? DIR_UP : DIR_DOWN;
}

unsigned sides_own(const struct sides *sides, uint32_t wan, struct ledger_addr own[LEDGER_ADDRS])
{
	const struct side *s = &sides->wans[wan];

	for (unsigned i = 0; i < s->n_own; i++)
		inet_ntop(s->own[i].family == 4 ? AF_INET : AF_INET6, s->own[i].bytes, own[i].text,
		          sizeof(own[i].text));
	return s->n_own;
}

bool sides_mac(const struct sides *sides, uint32_t wan, char out[18])
{
	const struct side *s = &sides->wans[wan];
	const uint8_t *m = s->mac;

	if (s->has_mac)
		snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		         m[5]);
	return s->has_mac;
}

struct sides *sides_new(void)
{
	return calloc(1, sizeof(struct sides));
}

void sides_free(struct sides *sides)
{
	free(sides);
}

/* ---- state ---- */

enum { MARK_SIDES = 'W' };

static void save_addr(const struct ipaddr *a, struct state_out *out)
{
	state_put(out, a->family);
	state_put_bytes(out, a->bytes, a->family == 4 ? 4 : 16);
}

static struct ipaddr load_addr(struct state_in *in)
{
	struct ipaddr a = {.family = (uint8_t)state_take(in, 6)};

	if (a.family != 4 && a.family != 6)
		state_refuse(in);
	state_take_bytes(in, a.bytes, a.family == 4 ? 4 : 16);
	return a;
}

void sides_save(const struct sides *sides, size_t n_wans, struct state_out *out)
{
	state_put_mark(out, MARK_SIDES);
	state_put(out, sides->n_peers);
	for (unsigned i = 0; i < sides->n_peers; i++)
		save_addr(&sides->peers[i], out);
	for (size_t w = 0; w < n_wans; w++) {
		const struct side *s = &sides->wans[w];

		state_put(out, s->n_own);
		for (unsigned i = 0; i < s->n_own; i++)
			save_addr(&s->own[i], out);
		state_put(out, (unsigned)s->decided << 1 | s->has_mac);
		if (s->has_mac)
			state_put_bytes(out, s->mac, MAC_LEN);
	}
}

void sides_load(struct sides *sides, size_t n_wans, struct state_in *in)
{
	state_take_mark(in, MARK_SIDES);
	sides->n_peers = (unsigned)state_take_count(in, PEERS);
	for (unsigned i = 0; i < sides->n_peers; i++)
		sides->peers[i] = load_addr(in);
	for (size_t w = 0; w < n_wans; w++) {
		struct side *s = &sides->wans[w];

		s->n_own = (unsigned)state_take_count(in, LEDGER_ADDRS);
		for (unsigned i = 0; i < s->n_own; i++)
			s->own[i] = load_addr(in);
		uint64_t word = state_take(in, 3);
		s->decided = word >> 1;
		s->has_mac = word & 1;
		if (s->has_mac)
			state_take_bytes(in, s->mac, MAC_LEN);
	}
}
