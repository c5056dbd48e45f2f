/* SPDX-License-Identifier: MIT
 *
 * snap.c - see snap.h.
 *
 * The user's program decides; where it accepts, it jumps to ours, which returns a length. In ours a
 * load behind the end of the frame would reject it (that is what the kernel does), so each load
 * stands behind a comparison with the length. Classic BPF has no loops: walks are written out, and
 * end at a place from where nothing that follows can be payload.
 */
#include "snap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "live.h"

enum {
	INSNS_MAX = 4096, /* the kernel's BPF_MAXINSNS */
	OWN_MAX = 1024,   /* of them ours */
	LABELS = 192,
	ETHER_TAGS = 3,  /* VLAN tags in the frame, or one LLC/SNAP header instead of one */
	CHAIN_STEPS = 6, /* extension headers before the transport */
	SLOT = 0,        /* the scratch word that we use */
};

enum { IP_LEAST = 20, IP6_HEADER = 40, TCP_LEAST = 20, LATER_FRAGMENT = 0x1fff };

/* ---- a small assembler: jumps go to labels, all of them forward ---- */

struct code {
	struct bpf_insn insns[OWN_MAX];
	uint8_t jt[OWN_MAX], jf[OWN_MAX]; /* labels, NEXT = fall through */
	uint16_t at[LABELS];              /* where a label was placed */
	unsigned n, labels;
	bool broken; /* too long, or a jump too far */
};
enum { NEXT = 0 };

static uint8_t label(struct code *c)
{
	if (c->labels + 1 >= LABELS) {
		c->broken = true;
		return NEXT;
	}
	return (uint8_t)++c->labels;
}

static void place(struct code *c, uint8_t label)
{
	c->at[label] = (uint16_t)c->n;
}

static void branch(struct code *c, unsigned op, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (c->n == OWN_MAX) {
		c->broken = true;
		return;
	}
	c->jt[c->n] = jt;
	c->jf[c->n] = jf;
	c->insns[c->n++] = (struct bpf_insn){.code = (uint16_t)op, .k = k};
}

static void op(struct code *c, unsigned op, uint32_t k)
{
	branch(c, op, k, NEXT, NEXT);
}

static void jump(struct code *c, uint8_t to)
{
	branch(c, BPF_JMP | BPF_JA, 0, to, NEXT);
}

static void jump_if(struct code *c, uint32_t equal, uint8_t to)
{
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, equal, to, NEXT);
}

static void resolve(struct code *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		unsigned t = c->jt[i] ? c->at[c->jt[i]] - i - 1u : 0;
		unsigned f = c->jf[i] ? c->at[c->jf[i]] - i - 1u : 0;
		if (c->insns[i].code == (BPF_JMP | BPF_JA)) {
			c->insns[i].k = t;
			continue;
		}
		c->broken = c->broken || t > 255 || f > 255;
		c->insns[i].jt = (uint8_t)t;
		c->insns[i].jf = (uint8_t)f;
	}
}

/* ---- words of our programs; X is the offset of the header at hand, A what was loaded ---- */

static void load_byte(struct code *c, uint32_t at)
{
	op(c, BPF_LD | BPF_B | BPF_IND, at);
}

static void load_half(struct code *c, uint32_t at)
{
	op(c, BPF_LD | BPF_H | BPF_IND, at);
}

static void keep_constant(struct code *c, uint32_t bytes)
{
	op(c, BPF_RET | BPF_K, bytes);
}

/* Keep up to `bytes` behind X. */
static void keep_from_here(struct code *c, uint32_t bytes)
{
	op(c, BPF_MISC | BPF_TXA, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, bytes);
	op(c, BPF_RET | BPF_A, 0);
}

/* Go on when `bytes` are there behind X, else to `cut`. That the frame has IP_LEAST bytes is known
 * from the start; more must be compared first, for the difference must not be negative. */
static void need(struct code *c, uint32_t bytes, uint8_t cut)
{
	op(c, BPF_LD | BPF_W | BPF_LEN, 0);
	if (bytes > IP_LEAST)
		branch(c, BPF_JMP | BPF_JGE | BPF_K, bytes, NEXT, cut);
	op(c, BPF_ALU | BPF_SUB | BPF_K, bytes);
	branch(c, BPF_JMP | BPF_JGE | BPF_X, 0, NEXT, cut);
}

static void advance(struct code *c, uint32_t bytes)
{
	op(c, BPF_MISC | BPF_TXA, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, bytes);
	op(c, BPF_MISC | BPF_TAX, 0);
}

/* ---- TCP, and what may hold it ---- */

static void tcp(struct code *c)
{
	uint8_t cut = label(c), sound = label(c);

	need(c, 13, cut);
	load_byte(c, 12);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	op(c, BPF_ALU | BPF_RSH | BPF_K, 2);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, TCP_LEAST, sound, NEXT);
	op(c, BPF_LD | BPF_IMM, TCP_LEAST);
	place(c, sound);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(c, BPF_RET | BPF_A, 0);
	place(c, cut);
	keep_from_here(c, TCP_LEAST);
}

/*
 * ICMP errors quote: of the quoted packet its IP header and 20 bytes, none when it is a later
 * fragment. What cannot be read as IPv4: 20 bytes, the least an IP header takes.
 */
static void icmp(struct code *c, uint8_t other)
{
	static const uint8_t errors[] = {3, 4, 5, 11, 12};
	enum { QUOTE = 8 };
	uint8_t error = label(c), plain = label(c), later = label(c);

	need(c, 1, other);
	load_byte(c, 0);
	for (size_t i = 0; i < sizeof(errors); i++)
		jump_if(c, errors[i], error);
	jump(c, other);

	place(c, error);
	need(c, QUOTE + IP_LEAST, plain);
	load_byte(c, QUOTE);
	op(c, BPF_ALU | BPF_SUB | BPF_K, 0x40); /* version 4, and 5 to 15 words */
	op(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	branch(c, BPF_JMP | BPF_JGT | BPF_K, 60, plain, NEXT);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, IP_LEAST, NEXT, plain);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(c, BPF_ALU | BPF_ADD | BPF_K, QUOTE);
	op(c, BPF_ST, SLOT);
	load_half(c, QUOTE + 6);
	op(c, BPF_LDX | BPF_MEM, SLOT);
	branch(c, BPF_JMP | BPF_JSET | BPF_K, LATER_FRAGMENT, later, NEXT);
	keep_from_here(c, TCP_LEAST);
	place(c, later);
	keep_from_here(c, 0);
	place(c, plain);
	keep_from_here(c, QUOTE + IP_LEAST);
}

/* The same; of a quoted packet that is not plainly TCP, UDP or ICMPv6, 8 bytes behind its header:
 * a fragment header takes as many, and payload may follow. A redirect quotes in an option. */
static void icmp6(struct code *c, uint8_t other)
{
	enum { FIRST_INFORMATION = 128, REDIRECT = 137, REDIRECT_FIXED = 40, QUOTE = 8 };
	static const uint8_t known[] = {6, 17, 58};
	uint8_t information = label(c), plain = label(c), usual = label(c), redirect = label(c);

	need(c, 1, other);
	load_byte(c, 0);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, FIRST_INFORMATION, information, NEXT);
	need(c, QUOTE + IP_LEAST, plain);
	load_byte(c, QUOTE);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, 0x60, NEXT, plain);
	load_byte(c, QUOTE + 6);
	for (size_t i = 0; i < sizeof(known); i++)
		jump_if(c, known[i], usual);
	keep_from_here(c, QUOTE + IP6_HEADER + 8);
	place(c, usual);
	keep_from_here(c, QUOTE + IP6_HEADER + TCP_LEAST);
	place(c, plain);
	keep_from_here(c, QUOTE + IP_LEAST);
	place(c, information);
	jump_if(c, REDIRECT, redirect);
	keep_constant(c, SNAP_OTHER);
	place(c, redirect);
	keep_from_here(c, REDIRECT_FIXED);
}

/* UDP that carries IP or Ethernet: its header, and as much as an inner IPv4 header takes at least.
 */
static void udp(struct code *c, uint8_t other)
{
	/* L2TP, GTP-U, Teredo, VXLAN (assigned, Linux), GUE, GENEVE, MPLS, FOU, GRE */
	static const uint16_t tunnels[] = {1701, 2152, 3544, 4789, 8472,
	                                   6080, 6081, 6635, 5555, 4754};
	uint8_t tunnel = label(c);

	need(c, 4, other);
	for (uint32_t port = 0; port < 4; port += 2) {
		load_half(c, port);
		for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++)
			jump_if(c, tunnels[i], tunnel);
	}
	keep_constant(c, SNAP_OTHER);
	place(c, tunnel);
	keep_from_here(c, 8 + IP_LEAST);
}

/*
 * Protocols that carry packets: what is kept behind the IP header, at most up to the place where
 * payload could begin at the earliest (an inner IPv4 header of a later fragment has 20 bytes).
 */
static const struct {
	uint8_t protocol, keep;
} carriers[] = {
	{47, 24}, /* GRE */
	{50, 8},  /* ESP, which may not encrypt */
	{55, 8},  /* minimal encapsulation, RFC 2004 */
	{94, 20},
	{97, 16}, /* EtherIP */
	{98, 20},
	{103, 24}, /* PIM registers */
	{108, 4},  /* IPComp */
	{115, 8},  /* L2TPv3 */
	{137, 24}, /* MPLS */
	/* Extension headers behind the last step of the walk: of a fragment, payload follows. */
	{0, 8},
	{43, 8},
	{44, 8},
	{51, 8},
	{60, 8},
	{135, 8},
	{139, 8},
	{140, 8},
};

/* An IPv6 header has 40 bytes; IPv4, and what is not sound, is kept as above. */
static void ip_in_ip(struct code *c, uint8_t other)
{
	uint8_t six = label(c);

	need(c, 1, other);
	load_byte(c, 0);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	jump_if(c, 0x60, six);
	keep_from_here(c, IP_LEAST);
	place(c, six);
	keep_from_here(c, IP6_HEADER);
}

/* A = protocol, X = its header. */
static void transport(struct code *c)
{
	uint8_t is_udp = label(c), is_icmp = label(c), is_icmp6 = label(c), other = label(c);
	uint8_t is_ip = label(c);

	jump_if(c, 4, is_ip);
	jump_if(c, 41, is_ip);
	jump_if(c, 17, is_udp);
	jump_if(c, 1, is_icmp);
	jump_if(c, 58, is_icmp6);
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		uint8_t no = label(c);
		branch(c, BPF_JMP | BPF_JEQ | BPF_K, carriers[i].protocol, NEXT, no);
		keep_from_here(c, carriers[i].keep);
		place(c, no);
	}
	jump(c, other);
	place(c, is_ip);
	ip_in_ip(c, other);
	place(c, is_udp);
	udp(c, other);
	place(c, is_icmp);
	icmp(c, other);
	place(c, is_icmp6);
	icmp6(c, other);
	place(c, other);
	keep_constant(c, SNAP_OTHER);
}

/* One extension header: A = its number, X = where it begins; then the same of the next. */
static void chain_step(struct code *c, uint8_t is_tcp, uint8_t end, uint8_t cut)
{
	static const uint8_t plain[] = {0, 43, 60, 135, 139, 140}; /* length in units of 8 */
	uint8_t option = label(c), fragment = label(c), ah = label(c), next = label(c);
	uint8_t later = label(c);

	jump_if(c, 6, is_tcp);
	for (size_t i = 0; i < sizeof(plain); i++)
		jump_if(c, plain[i], option);
	jump_if(c, 44, fragment);
	jump_if(c, 51, ah);
	jump(c, end);

	place(c, fragment);
	need(c, 8, cut);
	load_half(c, 2);
	branch(c, BPF_JMP | BPF_JSET | BPF_K, 0xfff8, later, NEXT);
	op(c, BPF_LD | BPF_IMM, 8);
	jump(c, next);
	place(c, later);
	keep_from_here(c, 8);

	place(c, ah);
	need(c, 8, cut);
	load_byte(c, 1);
	op(c, BPF_ALU | BPF_ADD | BPF_K, 2);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	jump(c, next);

	place(c, option);
	need(c, 8, cut);
	load_byte(c, 1);
	op(c, BPF_ALU | BPF_ADD | BPF_K, 1);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 3);

	place(c, next);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(c, BPF_ST, SLOT);
	load_byte(c, 0);
	op(c, BPF_LDX | BPF_MEM, SLOT);
}

/* X = an IPv4 header: to A = protocol, X = behind it. */
static void ipv4(struct code *c, uint8_t unsound)
{
	uint8_t first = label(c);

	load_byte(c, 0);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0x0f);
	op(c, BPF_ALU | BPF_LSH | BPF_K, 2);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, IP_LEAST, NEXT, unsound);
	op(c, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(c, BPF_ST, SLOT);
	load_half(c, 6);
	branch(c, BPF_JMP | BPF_JSET | BPF_K, LATER_FRAGMENT, NEXT, first);
	op(c, BPF_LD | BPF_MEM, SLOT);
	op(c, BPF_RET | BPF_A, 0);
	place(c, first);
	load_byte(c, 9);
	op(c, BPF_LDX | BPF_MEM, SLOT);
}

static void ipv6(struct code *c, uint8_t cut)
{
	need(c, IP6_HEADER, cut);
	load_byte(c, 6);
	op(c, BPF_ST, SLOT);
	advance(c, IP6_HEADER);
	op(c, BPF_LD | BPF_MEM, SLOT);
}

/* X = the IP header. Which version is told by its first byte, as all readers do it. */
static void ip(struct code *c)
{
	uint8_t four = label(c), chain = label(c), unsound = label(c), cut = label(c);
	uint8_t is_tcp = label(c), end = label(c), chain_cut = label(c);

	need(c, IP_LEAST, cut);
	load_byte(c, 0);
	op(c, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	jump_if(c, 0x40, four);
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, 0x60, NEXT, unsound);
	ipv6(c, cut);
	jump(c, chain);
	place(c, four);
	ipv4(c, unsound);
	jump(c, chain);
	place(c, unsound);
	keep_from_here(c, IP_LEAST);
	place(c, cut);
	keep_constant(c, SNAP_OTHER);

	place(c, chain);
	for (unsigned i = 0; i < CHAIN_STEPS; i++)
		chain_step(c, is_tcp, end, chain_cut);
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, 6, is_tcp, NEXT);
	jump(c, end);
	place(c, chain_cut);
	keep_constant(c, SNAP_OTHER);
	place(c, is_tcp);
	tcp(c);
	place(c, end);
	transport(c);
}

/* ---- links ---- */

/* X = where the PPP protocol number stands (RFC 1661), 2 bytes or, compressed, an odd one. Numbers
 * below 0x8000 carry data; logins show their kind, not the password. */
static void ppp(struct code *c, uint8_t is_ip)
{
	static const uint16_t logins[] = {0xc023, 0xc027, 0xc223, 0xc227};
	uint8_t odd = label(c), full = label(c), one = label(c), login = label(c);
	uint8_t control = label(c);

	load_byte(c, 0);
	branch(c, BPF_JMP | BPF_JSET | BPF_K, 1, odd, NEXT);
	load_half(c, 0);
	jump_if(c, 0x0021, full);
	jump_if(c, 0x0057, full);
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
		jump_if(c, logins[i], login);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, 0x8000, control, NEXT);
	keep_from_here(c, 2);
	place(c, control);
	keep_constant(c, SNAP_OTHER);
	place(c, login);
	keep_from_here(c, 6);
	place(c, odd);
	jump_if(c, 0x21, one);
	jump_if(c, 0x57, one);
	keep_from_here(c, 1);
	place(c, one);
	advance(c, 1);
	jump(c, is_ip);
	place(c, full);
	advance(c, 2);
	jump(c, is_ip);
}

struct ether_labels {
	uint8_t ip, pppoe, holder, end, cut;
};

/* A VLAN tag, or an LLC/SNAP header (RFC 1042), before the next type. */
static void ether_step(struct code *c, const struct ether_labels *to)
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100, 0x9200};
	uint8_t tag = label(c), next = label(c);

	jump_if(c, 0x0800, to->ip);
	jump_if(c, 0x86dd, to->ip);
	jump_if(c, 0x8864, to->pppoe);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		jump_if(c, tags[i], tag);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, 0x600, to->end, NEXT);
	need(c, 10, to->cut);
	load_half(c, 2);
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, 0xaaaa, NEXT, to->holder);
	advance(c, 8);
	jump(c, next);
	place(c, tag);
	need(c, 6, to->cut);
	advance(c, 4);
	place(c, next);
	load_half(c, 0);
}

/* A = an Ethernet type, X = where it stands, 2 bytes before what it announces. */
static void ether_types(struct code *c)
{
	/* MPLS, MACsec, PBB, TRILL, B.A.T.M.A.N., NSH, TEB; a tag too many. Kept of what they
	 * hold: 4 bytes of their own, 12 of a PPPoE login, which is the shortest secret. */
	static const uint16_t holders[] = {0x8847, 0x8848, 0x88e5, 0x88e7, 0x22f3, 0x4305,
	                                   0x894f, 0x6558, 0x8100, 0x88a8, 0x9100, 0x9200};
	const struct ether_labels to = {label(c), label(c), label(c), label(c), label(c)};
	uint8_t is_ip = label(c), pppoe_cut = label(c);

	for (unsigned i = 0; i < ETHER_TAGS; i++)
		ether_step(c, &to);
	jump_if(c, 0x0800, to.ip);
	jump_if(c, 0x86dd, to.ip);
	jump_if(c, 0x8864, to.pppoe);

	place(c, to.end);
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
		jump_if(c, holders[i], to.holder);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, 0x600, NEXT, to.holder);
	place(c, to.cut);
	keep_constant(c, SNAP_OTHER);
	place(c, to.holder);
	keep_from_here(c, 2 + 4 + 12);

	place(c, to.pppoe);
	need(c, 10, pppoe_cut);
	advance(c, 8);
	ppp(c, is_ip);
	place(c, pppoe_cut);
	keep_constant(c, SNAP_OTHER);
	place(c, to.ip);
	advance(c, 2);
	place(c, is_ip);
	ip(c);
}

static void start(struct code *c, uint32_t least, uint32_t brief, uint32_t x)
{
	uint8_t enough = label(c);

	op(c, BPF_LD | BPF_W | BPF_LEN, 0);
	branch(c, BPF_JMP | BPF_JGE | BPF_K, least, enough, NEXT);
	keep_constant(c, brief);
	place(c, enough);
	op(c, BPF_LDX | BPF_IMM, x);
}

static void link_ether(struct code *c, uint32_t at)
{
	op(c, BPF_LD | BPF_H | BPF_ABS, at);
	ether_types(c);
}

static void link_ip(struct code *c, uint32_t at)
{
	(void)at;
	ip(c);
}

/* Address and control are there or not (RFC 1662). */
static void link_ppp(struct code *c, uint32_t at)
{
	uint8_t number = label(c), is_ip = label(c);

	op(c, BPF_LD | BPF_H | BPF_ABS, at);
	branch(c, BPF_JMP | BPF_JEQ | BPF_K, 0xff03, NEXT, number);
	advance(c, 2);
	place(c, number);
	ppp(c, is_ip);
	place(c, is_ip);
	ip(c);
}

static void link_pppoe(struct code *c, uint32_t at)
{
	uint8_t is_ip = label(c);

	(void)at;
	ppp(c, is_ip);
	place(c, is_ip);
	ip(c);
}

/* `at` is where the type stands, for those that have one; `x` the header at hand then: in SLL2
 * the type is not next to its packet. */
static const struct link {
	void (*emit)(struct code *c, uint32_t at);
	uint32_t least; /* a shorter frame holds no IP packet */
	uint32_t brief; /* kept of a shorter one: it may hold a login */
	uint32_t x, at;
	uint16_t linktype;
} links[] = {
	{link_ether, 14 + IP_LEAST, 14 + 12, 12, 12, LINK_ETHERNET},
	{link_ip, IP_LEAST, SNAP_OTHER, 0, 0, LINK_RAW},
	{link_ip, IP_LEAST, SNAP_OTHER, 0, 0, LINK_IPV4},
	{link_ip, IP_LEAST, SNAP_OTHER, 0, 0, LINK_IPV6},
	{link_ip, 4 + IP_LEAST, SNAP_OTHER, 4, 0, LINK_NULL},
	{link_ip, 4 + IP_LEAST, SNAP_OTHER, 4, 0, LINK_LOOP},
	{link_ppp, 1 + IP_LEAST, 6, 0, 0, LINK_PPP},
	{link_pppoe, 7 + IP_LEAST, 6 + 6, 6, 0, LINK_PPP_ETHER},
	{link_ether, 16 + IP_LEAST, 16 + 12, 14, 14, LINK_SLL},
	{link_ether, 20 + IP_LEAST, 20 + 12, 18, 0, LINK_SLL2},
};

static void headers(struct code *c, uint16_t linktype)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (links[i].linktype != linktype)
			continue;
		start(c, links[i].least, links[i].brief, links[i].x);
		links[i].emit(c, links[i].at);
		return;
	}
	keep_constant(c, SNAP_UNREAD);
}

/* ---- the user's program, then ours ---- */

static bool say(char *message, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool say(char *message, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, size, format, arguments);
	va_end(arguments);
	return false;
}

/* libpcap compiles for a DLT of this system; of those we meet only raw IP has another number in
 * files. */
static bool compile_user(struct bpf_program *program, const char *filter, uint16_t linktype,
                         char *message, size_t size)
{
	pcap_t *dead = pcap_open_dead(linktype == LINK_RAW ? DLT_RAW : linktype, SNAP_MAX);
	bool good;

	if (!dead)
		return say(message, size, "out of memory");
	good = pcap_compile(dead, program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!good)
		say(message, size, "%s, in filter \"%s\"", pcap_geterr(dead), filter);
	pcap_close(dead);
	return good;
}

/* Where the user's program accepts, go to ours behind it. */
static bool join(struct bpf_program *program, const struct bpf_program *user,
                 const struct code *own)
{
	struct bpf_insn *insns = calloc(user->bf_len + own->n, sizeof(*insns));

	if (!insns)
		return false;
	memcpy(insns, user->bf_insns, user->bf_len * sizeof(*insns));
	memcpy(insns + user->bf_len, own->insns, own->n * sizeof(*insns));
	for (uint32_t i = 0; i < user->bf_len; i++)
		if (BPF_CLASS(insns[i].code) == BPF_RET && insns[i].k != 0)
			insns[i] = (struct bpf_insn){.code = BPF_JMP | BPF_JA,
			                             .k = user->bf_len - i - 1};
	program->bf_insns = insns;
	program->bf_len = user->bf_len + own->n;
	return true;
}

static bool build(struct bpf_program *program, const struct bpf_program *user, struct code *own,
                  uint16_t linktype, uint32_t keep, char *message, size_t size)
{
	if (keep == KEEP_HEADERS)
		headers(own, linktype);
	else
		keep_constant(own, keep == 0 || keep > SNAP_MAX ? SNAP_MAX : keep);
	resolve(own);
	if (own->broken || user->bf_len + own->n > INSNS_MAX)
		return say(message, size, "the filter is too long for the kernel: %u instructions",
		           user->bf_len + own->n);
	return join(program, user, own) || say(message, size, "out of memory");
}

bool snap_compile(struct bpf_program *program, const char *filter, uint16_t linktype, uint32_t keep,
                  char *message, size_t size)
{
	struct code *own = calloc(1, sizeof(*own));
	struct bpf_program user = {0};
	bool good;

	if (!own)
		return say(message, size, "out of memory");
	good = compile_user(&user, filter, linktype, message, size);
	if (good) {
		good = build(program, &user, own, linktype, keep, message, size);
		pcap_freecode(&user);
	}
	free(own);
	return good;
}

void snap_release(struct bpf_program *program)
{
	free(program->bf_insns);
	*program = (struct bpf_program){0};
}
