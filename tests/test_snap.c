/* SPDX-License-Identifier: MIT
 *
 * test_snap.c - what the kernel filter keeps: never a byte of a TCP payload, and all headers.
 *
 * Packets are made by a builder that knows where it put the payload; a plain reader in C, without
 * the limits of a kernel filter, finds it in packets that were damaged afterwards. The programs run
 * in libpcap's interpreter, and in the kernel: a filter on a Unix datagram socket cuts what passes.
 */
#include <CUnit/CUnit.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../capture/frame.h"
#include "../capture/live.h"
#include "../capture/snap.h"
#include "craft.h"

void suite_snap(void);

enum { ROUNDS = 20000, NOWHERE = CRAFT_ROOM };

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)((*seed >> 11) % below);
}

/* ---- the builder ---- */

struct packet {
	struct craft c;
	uint64_t *seed;
	uint32_t payload; /* where it begins, NOWHERE = there is none */
	unsigned depth;   /* IP headers */
	unsigned chain;   /* extension headers of the outermost */
	unsigned tags;
	bool fancy; /* the payload is in a wrapping that is cut short, not taken apart */
};

static bool chance(struct packet *p, unsigned percent)
{
	return draw(p->seed, 100) < percent;
}

static void noise(struct packet *p, uint32_t n)
{
	while (n--)
		craft_be(&p->c, draw(p->seed, 256), 1);
}

static void put_payload(struct packet *p)
{
	if (p->payload == NOWHERE)
		p->payload = p->c.len;
	noise(p, 1 + draw(p->seed, 80));
}

static void put_tcp(struct packet *p)
{
	unsigned words = chance(p, 5) ? draw(p->seed, 5) : 5 + draw(p->seed, 11);

	noise(p, 12);
	craft_be(&p->c, words << 4 | draw(p->seed, 16), 1);
	noise(p, 7 + (words > 5 ? 4 * (words - 5) : 0));
	put_payload(p);
}

static void put_ip(struct packet *p);
static void put_type(struct packet *p, bool only_ip);

static void put_gre(struct packet *p)
{
	unsigned flags = draw(p->seed, 8); /* checksum, -, key, sequence */
	bool six = chance(p, 40);

	craft_be(&p->c, (flags & 4) << 13 | (flags & 2) << 12 | (flags & 1) << 12, 2);
	craft_be(&p->c, six ? 0x86dd : 0x0800, 2);
	noise(p, 4 * ((flags >> 2 & 1) + (flags >> 1 & 1) + (flags & 1)));
	put_ip(p);
}

static void put_udp(struct packet *p)
{
	static const uint16_t ports[] = {4789, 8472, 2152, 5555, 6635, 53, 443};
	uint16_t port = ports[draw(p->seed, 7)];
	bool swapped = chance(p, 50);

	craft_be(&p->c, swapped ? port : 50000, 2);
	craft_be(&p->c, swapped ? 50000 : port, 2);
	noise(p, 4);
	if (port < 1000) {
		noise(p, 300);
		return;
	}
	p->fancy = true;
	if (port == 5555) {
		put_ip(p);
	} else if (port == 6635) {
		craft_be(&p->c, 0x100, 3);
		craft_be(&p->c, 64, 1);
		put_ip(p);
	} else if (port == 2152) {
		craft_be(&p->c, 0x30ff, 2);
		noise(p, 6);
		put_ip(p);
	} else {
		noise(p, 8 + 12);
		put_type(p, true);
	}
}

static void put_transport(struct packet *p, unsigned protocol)
{
	static const uint8_t errors4[] = {3, 4, 5, 11, 12}, errors6[] = {1, 2, 3, 4, 127};

	p->fancy = p->fancy || protocol != 6;
	switch (protocol) {
	case 6:
		put_tcp(p);
		break;
	case 17:
		put_udp(p);
		break;
	case 4:
	case 41:
		put_ip(p);
		break;
	case 47:
		put_gre(p);
		break;
	case 1:
	case 58:
		craft_be(&p->c,
		         protocol == 1 ? errors4[draw(p->seed, 5)] : errors6[draw(p->seed, 5)], 1);
		noise(p, 7);
		put_ip(p);
		break;
	case 50:
		noise(p, 8);
		put_tcp(p);
		break;
	default:
		noise(p, 300);
	}
}

static unsigned choose_protocol(struct packet *p)
{
	static const uint8_t inner[] = {4, 41, 47, 1, 58, 17, 50, 132};

	if (p->depth > 3 || chance(p, 60))
		return 6;
	return inner[draw(p->seed, 8)];
}

/* The rest of a chain from `number` on; false when it ended in a later fragment. */
static bool put_chain(struct packet *p, const uint8_t *numbers, unsigned n, unsigned last)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned next = i + 1 < n ? numbers[i + 1] : last;
		unsigned units = draw(p->seed, 4);

		craft_be(&p->c, next, 1);
		if (numbers[i] == 44) {
			bool later = chance(p, 30);
			craft_be(&p->c, 0, 1);
			craft_be(&p->c, later ? (1 + draw(p->seed, 100)) << 3 | 1 : 1, 2);
			noise(p, 4);
			if (later)
				return false;
		} else if (numbers[i] == 51) {
			craft_be(&p->c, units + 1, 1);
			noise(p, 4 * (units + 3) - 2);
		} else {
			craft_be(&p->c, units, 1);
			noise(p, 8 * (units + 1) - 2);
		}
	}
	return true;
}

static void put_ip6(struct packet *p, unsigned protocol)
{
	static const uint8_t kinds[] = {0, 43, 44, 51, 60, 135};
	uint8_t numbers[9];
	unsigned n = chance(p, 50) ? 0 : draw(p->seed, 9);

	for (unsigned i = 0; i < n; i++)
		numbers[i] = kinds[draw(p->seed, 6)];
	if (p->depth == 1)
		p->chain = n;
	craft_be(&p->c, 0x60000000 | draw(p->seed, 0x10000), 4);
	noise(p, 2);
	craft_be(&p->c, n ? numbers[0] : protocol, 1);
	noise(p, 33);
	if (put_chain(p, numbers, n, protocol))
		put_transport(p, protocol);
	else
		put_payload(p);
}

static void put_ip4(struct packet *p, unsigned protocol)
{
	unsigned options = chance(p, 30) ? draw(p->seed, 11) : 0;
	bool ah = chance(p, 5), later = chance(p, 10);

	craft_be(&p->c, 0x45 + options, 1);
	noise(p, 5);
	craft_be(&p->c, later ? 0x2000 | (1 + draw(p->seed, 8191)) : draw(p->seed, 2) << 13, 2);
	noise(p, 1);
	craft_be(&p->c, ah ? 51 : protocol, 1);
	noise(p, 10 + 4 * options);
	if (later) {
		put_payload(p);
		return;
	}
	if (ah)
		put_chain(p, (const uint8_t[]){51}, 1, protocol);
	put_transport(p, protocol);
}

static void put_ip(struct packet *p)
{
	p->depth++;
	if (chance(p, 50))
		put_ip4(p, choose_protocol(p));
	else
		put_ip6(p, choose_protocol(p));
}

static void put_ppp(struct packet *p)
{
	unsigned compressed = chance(p, 20) ? 1 : 2;

	if (chance(p, 10)) { /* a login: the password is as secret as a payload */
		craft_be(&p->c, 0xc023, 2);
		noise(p, 4);
		p->fancy = true;
		put_payload(p);
		return;
	}
	craft_be(&p->c, chance(p, 50) ? 0x21 : 0x57, compressed);
	put_ip(p);
}

/* An Ethernet type and what it announces, after the addresses. */
static void put_type(struct packet *p, bool only_ip)
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x9100, 0x9200};

	while (chance(p, 20)) {
		if (p->depth == 0)
			p->tags++;
		if (chance(p, 20)) {
			noise(p, 0);
			craft_be(&p->c, 300, 2);
			craft_be(&p->c, 0xaaaa03000000, 6);
			continue;
		}
		craft_be(&p->c, tags[draw(p->seed, 4)], 2);
		noise(p, 2);
	}
	if (!only_ip && chance(p, 20)) {
		craft_be(&p->c, 0x8864, 2);
		craft_be(&p->c, 0x1100, 2);
		noise(p, 4);
		put_ppp(p);
	} else if (!only_ip && chance(p, 5)) {
		p->fancy = true;
		craft_be(&p->c, 0x8847, 2);
		craft_be(&p->c, 0x0000, 3); /* not the last label */
		craft_be(&p->c, 64, 1);
		craft_be(&p->c, 0x0001, 3);
		craft_be(&p->c, 64, 1);
		put_ip(p);
	} else {
		craft_be(&p->c, chance(p, 50) ? 0x0800 : 0x86dd, 2);
		put_ip(p);
	}
}

static void build(struct packet *p, uint64_t *seed, uint16_t linktype)
{
	*p = (struct packet){.seed = seed, .payload = NOWHERE};
	switch (linktype) {
	case LINK_ETHERNET:
		noise(p, 12);
		put_type(p, false);
		break;
	case LINK_SLL:
		noise(p, 14);
		put_type(p, false);
		break;
	case LINK_SLL2:
		craft_be(&p->c, 0x0800, 2);
		noise(p, 18);
		put_ip(p);
		break;
	case LINK_PPP:
		if (chance(p, 50))
			craft_be(&p->c, 0xff03, 2);
		put_ppp(p);
		break;
	case LINK_PPP_ETHER:
		noise(p, 6);
		put_ppp(p);
		break;
	case LINK_NULL:
	case LINK_LOOP:
		noise(p, 4);
		put_ip(p);
		break;
	default:
		put_ip(p);
	}
}

/* ---- the plain reader: where does the payload begin? `n` when nowhere ---- */

struct reading {
	const uint8_t *b;
	uint32_t n;
};

static uint32_t be(const struct reading *r, uint32_t at, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value = value << 8 | (at + i < r->n ? r->b[at + i] : 0);
	return value;
}

static uint32_t read_ip(const struct reading *r, uint32_t at);
static uint32_t read_type(const struct reading *r, uint32_t type, uint32_t at);

static uint32_t read_tcp(const struct reading *r, uint32_t at)
{
	uint32_t header = be(r, at + 12, 1) / 16 * 4;

	return at + (header < 20 ? 20 : header);
}

static uint32_t read_labels(const struct reading *r, uint32_t at)
{
	while (at + 4 <= r->n && !(be(r, at + 2, 1) & 1))
		at += 4;
	return read_ip(r, at + 4);
}

static uint32_t read_udp(const struct reading *r, uint32_t at)
{
	for (unsigned side = 0; side < 4; side += 2)
		switch (be(r, at + side, 2)) {
		case 4789:
		case 8472:
			return read_type(r, be(r, at + 8 + 8 + 12, 2), at + 8 + 8 + 14);
		case 2152:
			return read_ip(r, at + 8 + 8);
		case 5555:
			return read_ip(r, at + 8);
		case 6635:
			return read_labels(r, at + 8);
		}
	return r->n;
}

static uint32_t read_gre(const struct reading *r, uint32_t at)
{
	uint32_t flags = be(r, at, 1);

	return read_type(r, be(r, at + 2, 2),
	                 at + 4 + 4 * ((flags >> 7 & 1) + (flags >> 5 & 1) + (flags >> 4 & 1)));
}

static uint32_t read_protocol(const struct reading *r, uint32_t protocol, uint32_t at)
{
	if (at >= r->n)
		return r->n;
	switch (protocol) {
	case 6:
		return read_tcp(r, at);
	case 17:
		return read_udp(r, at);
	case 4:
	case 41:
		return read_ip(r, at);
	case 47:
		return read_gre(r, at);
	case 50:
		return read_tcp(r, at + 8); /* not encrypted */
	case 1:
		return strchr("\3\4\5\13\14", (int)be(r, at, 1)) && be(r, at, 1)
		               ? read_ip(r, at + 8)
		               : r->n;
	case 58:
		return be(r, at, 1) < 128 ? read_ip(r, at + 8) : r->n;
	case 51:
		return read_protocol(r, be(r, at, 1), at + 4 * (be(r, at + 1, 1) + 2));
	case 44:
		if (at + 4 > r->n)
			return r->n;
		return be(r, at + 2, 2) >> 3 ? at + 8 : read_protocol(r, be(r, at, 1), at + 8);
	case 0:
	case 43:
	case 60:
	case 135:
	case 139:
	case 140:
		return read_protocol(r, be(r, at, 1), at + 8 * (be(r, at + 1, 1) + 1));
	}
	return r->n;
}

static uint32_t read_ip(const struct reading *r, uint32_t at)
{
	uint32_t header = be(r, at, 1) % 16 * 4;

	if (be(r, at, 1) >> 4 == 6 && at + 40 <= r->n)
		return read_protocol(r, be(r, at + 6, 1), at + 40);
	if (be(r, at, 1) >> 4 != 4 || header < 20 || at + 20 > r->n)
		return r->n;
	if (be(r, at + 6, 2) & 0x1fff)
		return at + header;
	return read_protocol(r, be(r, at + 9, 1), at + header);
}

static uint32_t read_ppp(const struct reading *r, uint32_t at)
{
	uint32_t short_number = be(r, at, 1), number = be(r, at, 2);

	if (short_number & 1)
		return short_number == 0x21 || short_number == 0x57 ? read_ip(r, at + 1) : r->n;
	if (number == 0xc023)
		return at + 6;
	return number == 0x21 || number == 0x57 ? read_ip(r, at + 2) : r->n;
}

static uint32_t read_type(const struct reading *r, uint32_t type, uint32_t at)
{
	if (at >= r->n)
		return r->n;
	if (type < 0x600)
		return be(r, at, 2) == 0xaaaa ? read_type(r, be(r, at + 6, 2), at + 8) : r->n;
	switch (type) {
	case 0x0800:
	case 0x86dd:
		return read_ip(r, at);
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200:
		return read_type(r, be(r, at + 2, 2), at + 4);
	case 0x8847:
	case 0x8848:
		return read_labels(r, at);
	case 0x8864:
		return read_ppp(r, at + 6);
	}
	return r->n;
}

static uint32_t payload_begins(const uint8_t *bytes, uint32_t n, uint16_t linktype)
{
	const struct reading r = {bytes, n};
	uint32_t at;

	switch (linktype) {
	case LINK_ETHERNET:
		at = read_type(&r, be(&r, 12, 2), 14);
		break;
	case LINK_SLL:
		at = read_type(&r, be(&r, 14, 2), 16);
		break;
	case LINK_SLL2:
		at = read_type(&r, be(&r, 0, 2), 20);
		break;
	case LINK_PPP:
		at = read_ppp(&r, be(&r, 0, 2) == 0xff03 ? 2 : 0);
		break;
	case LINK_PPP_ETHER:
		at = read_ppp(&r, 6);
		break;
	case LINK_NULL:
	case LINK_LOOP:
		at = read_ip(&r, 4);
		break;
	default:
		at = read_ip(&r, 0);
	}
	return at < n ? at : n;
}

/* ---- the tests ---- */

static const uint16_t linktypes[] = {LINK_ETHERNET, LINK_RAW,       LINK_IPV4, LINK_NULL, LINK_LOOP,
                                     LINK_PPP,      LINK_PPP_ETHER, LINK_SLL,  LINK_SLL2};
enum { LINKS = sizeof(linktypes) / sizeof(linktypes[0]) };

static struct bpf_program compiled(const char *filter, uint16_t linktype, uint32_t keep)
{
	struct bpf_program program = {0};
	char message[256] = "";

	if (!snap_compile(&program, filter, linktype, keep, message, sizeof(message)))
		CU_FAIL_FATAL("does not compile");
	return program;
}

/* At most the frame. 0 would be a frame lost. */
static uint32_t kept(const struct bpf_program *program, const uint8_t *bytes, uint32_t n)
{
	uint32_t keep = bpf_filter(program->bf_insns, bytes, n, n);

	return keep < n ? keep : n;
}

/* The first that does not hold is shown, with what it takes to see it again. */
static bool holds(bool good, const char *what, const uint8_t *bytes, uint32_t n, uint32_t keep,
                  uint32_t payload, uint16_t linktype)
{
	if (good)
		return true;
	printf("snap: %s: link %u, %u bytes, kept %u, payload at %u:", what, linktype, n, keep,
	       payload);
	for (uint32_t i = 0; i < n; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
	CU_FAIL("a frame is not kept as it should be");
	return false;
}

/* Built frames: builder, reader and filter agree; TCP that is not wrapped is kept exactly. */
static void test_built(void)
{
	uint64_t seed = 20260101;
	bool good = true;
	unsigned exact = 0;

	for (unsigned k = 0; k < LINKS; k++) {
		struct bpf_program program = compiled("", linktypes[k], KEEP_HEADERS);
		for (unsigned round = 0; good && round < ROUNDS; round++) {
			struct packet p;
			build(&p, &seed, linktypes[k]);
			uint32_t n = p.c.len, keep = kept(&program, p.c.bytes, n);
			uint32_t at = payload_begins(p.c.bytes, n, linktypes[k]);
			uint32_t payload = p.payload < n ? p.payload : n;
			if (p.fancy || p.chain > 6 || p.tags > 3) {
				good = holds(keep > 0 && keep <= payload, "wrapped", p.c.bytes, n,
				             keep, payload, linktypes[k]);
				continue;
			}
			good = holds(at == payload, "reader and builder", p.c.bytes, n, keep, at,
			             linktypes[k]) &&
			       holds(keep == payload, "plain", p.c.bytes, n, keep, payload,
			             linktypes[k]);
			exact++;
		}
		snap_release(&program);
	}
	CU_ASSERT(exact > LINKS * ROUNDS / 4);
}

/* Damaged and cut frames: never a byte of what can be read as payload, and none is turned away. */
static void test_damaged(void)
{
	uint64_t seed = 7;
	bool good = true;

	for (unsigned k = 0; k < LINKS; k++) {
		struct bpf_program program = compiled("", linktypes[k], KEEP_HEADERS);
		for (unsigned round = 0; good && round < ROUNDS; round++) {
			struct packet p;
			build(&p, &seed, linktypes[k]);
			for (unsigned i = draw(&seed, 6); i > 0; i--)
				p.c.bytes[draw(&seed, p.c.len < 90 ? p.c.len : 90)] =
					(uint8_t)draw(&seed, 256);
			uint32_t n = 1 + draw(&seed, p.c.len);
			uint32_t keep = kept(&program, p.c.bytes, n);
			uint32_t at = payload_begins(p.c.bytes, n, linktypes[k]);
			good = holds(keep > 0 && keep <= at, "damaged", p.c.bytes, n, keep, at,
			             linktypes[k]);
		}
		snap_release(&program);
	}
}

/* Each prefix of frames with everything in them. */
static void test_prefixes(void)
{
	uint64_t seed = 99;
	bool good = true;

	for (unsigned k = 0; k < LINKS; k++) {
		struct bpf_program program = compiled("", linktypes[k], KEEP_HEADERS);
		for (unsigned round = 0; good && round < 50; round++) {
			struct packet p;
			build(&p, &seed, linktypes[k]);
			for (uint32_t n = 1; good && n <= p.c.len; n++) {
				uint32_t keep = kept(&program, p.c.bytes, n);
				uint32_t at = payload_begins(p.c.bytes, n, linktypes[k]);
				good = holds(keep > 0 && keep <= at, "prefix", p.c.bytes, n, keep,
				             at, linktypes[k]);
			}
		}
		snap_release(&program);
	}
}

/* Ethernet, IPv4 with one option, TCP with timestamps: 14 + 24 + 32, whatever follows. */
static void put_special(struct craft *c, uint16_t type)
{
	c->len = 0;
	craft_fill(c, 2, 12);
	craft_be(c, type, 2);
}

static void put_plain4(struct craft *c, unsigned protocol, unsigned fragment)
{
	craft_be(c, 0x4500, 2);
	craft_be(c, 1500, 2);
	craft_be(c, fragment, 4);
	craft_be(c, 64 << 8 | protocol, 2);
	craft_fill(c, 10, 10);
}

static uint32_t kept_of(const struct bpf_program *program, struct craft *c)
{
	craft_fill(c, 0xee, 1500 - c->len);
	return kept(program, c->bytes, c->len);
}

/* The cases by name, each with the length that its header says. */
static void test_special(void)
{
	struct bpf_program program = compiled("", LINK_ETHERNET, KEEP_HEADERS);
	struct craft c;

	/* ARP: as long as it is, up to 160 */
	put_special(&c, 0x0806);
	CU_ASSERT_EQUAL(kept_of(&program, &c), SNAP_OTHER);
	/* IPv4 UDP port 53 */
	put_special(&c, 0x0800);
	put_plain4(&c, 17, 0);
	craft_be(&c, 0xc0000035, 4);
	CU_ASSERT_EQUAL(kept_of(&program, &c), SNAP_OTHER);
	/* IPv4 ICMP echo request */
	put_special(&c, 0x0800);
	put_plain4(&c, 1, 0);
	craft_be(&c, 0x0800, 2);
	CU_ASSERT_EQUAL(kept_of(&program, &c), SNAP_OTHER);
	/* IPv4 ICMP unreachable, quotes IPv4 TCP */
	put_special(&c, 0x0800);
	put_plain4(&c, 1, 0);
	craft_be(&c, 0x0301, 2);
	craft_fill(&c, 0, 6);
	put_plain4(&c, 6, 0);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 20 + 8 + 20 + 20);
	/* IPv4 ICMP time exceeded in reassembly, quotes a later fragment */
	put_special(&c, 0x0800);
	put_plain4(&c, 1, 0);
	craft_be(&c, 0x0b01, 2);
	craft_fill(&c, 0, 6);
	put_plain4(&c, 6, 0x2005);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 20 + 8 + 20);
	/* IPv4, TCP, fragment at 40 */
	put_special(&c, 0x0800);
	put_plain4(&c, 6, 0x2005);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 20);
	/* 6in4: the inner header */
	put_special(&c, 0x0800);
	put_plain4(&c, 41, 0);
	craft_be(&c, 0x60000000, 4);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 20 + 40);
	/* IPv6 ICMPv6 packet too big, quotes IPv6 TCP */
	put_special(&c, 0x86dd);
	craft_be(&c, 0x60000000, 4);
	craft_be(&c, 0x04003a40, 4);
	craft_fill(&c, 0x20, 32);
	craft_be(&c, 0x0200, 2);
	craft_fill(&c, 0, 6);
	craft_be(&c, 0x60000000, 4);
	craft_be(&c, 0x04000640, 4);
	craft_fill(&c, 0x20, 32);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 40 + 8 + 40 + 20);
	/* PPPoE session, LCP echo; and PAP, whose password goes */
	put_special(&c, 0x8864);
	craft_be(&c, 0x110000010400, 6);
	craft_be(&c, 0xc021, 2);
	CU_ASSERT_EQUAL(kept_of(&program, &c), SNAP_OTHER);
	put_special(&c, 0x8864);
	craft_be(&c, 0x110000010400, 6);
	craft_be(&c, 0xc023, 2);
	CU_ASSERT_EQUAL(kept_of(&program, &c), 14 + 6 + 2 + 4);
	snap_release(&program);
	/* a link type that nobody reads */
	program = compiled("", 105, KEEP_HEADERS);
	put_special(&c, 0x0800);
	CU_ASSERT_EQUAL(kept_of(&program, &c), SNAP_UNREAD);
	snap_release(&program);
}

/* keep = N and keep = 0, with and without a filter. */
static void test_lengths(void)
{
	static const struct {
		uint32_t keep, expected;
	} rows[] = {{0, 1500}, {96, 96}, {1, 1}, {1499, 1499}, {1500, 1500}, {4000000000u, 1500}};
	static const char *const filters[] = {"", "ip and tcp", "not port 22"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < 3; k++) {
			struct bpf_program program =
				compiled(filters[k], LINK_ETHERNET, rows[i].keep);
			struct craft c;
			put_special(&c, 0x0800);
			put_plain4(&c, 6, 0);
			CU_ASSERT_EQUAL(kept_of(&program, &c), rows[i].expected);
			snap_release(&program);
		}
}

/* Which frames pass is what libpcap says of the filter alone, also when it returns far away. */
static void test_filters(void)
{
	static char many[2000] = "tcp port 1";
	const char *filters[] = {"tcp",
	                         "not tcp",
	                         "udp or icmp6 or arp",
	                         "port 53 or vlan",
	                         many,
	                         "ip[0] & 0xf > 5 and tcp[12] & 0xf0 > 0x50",
	                         "ip6 protochain 6"};
	uint64_t seed = 5;

	for (unsigned port = 2; port < 120; port++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), " or %u", port);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAP_MAX);
		struct bpf_program plain, program;
		unsigned passed = 0;
		char message[256];

		CU_ASSERT_EQUAL_FATAL(
			pcap_compile(dead, &plain, filters[i], 1, PCAP_NETMASK_UNKNOWN), 0);
		if (!snap_compile(&program, filters[i], LINK_ETHERNET, KEEP_HEADERS, message,
		                  sizeof(message)))
			CU_FAIL_FATAL("does not compile");
		for (unsigned round = 0; round < 2000; round++) {
			struct packet p;
			build(&p, &seed, LINK_ETHERNET);
			bool pass = bpf_filter(plain.bf_insns, p.c.bytes, p.c.len, p.c.len) != 0;
			uint32_t keep = kept(&program, p.c.bytes, p.c.len);
			CU_ASSERT_EQUAL(pass, keep > 0);
			CU_ASSERT(keep <= p.payload);
			passed += pass;
		}
		CU_ASSERT(i == 4 || passed > 0);
		pcap_freecode(&plain);
		snap_release(&program);
		pcap_close(dead);
	}
}

static void test_bad_filters(void)
{
	static char long_filter[1 << 16] = "ether proto 2000";
	struct bpf_program program;
	char message[256] = "";

	CU_ASSERT_FALSE(snap_compile(&program, "tcp prot 3", LINK_ETHERNET, KEEP_HEADERS, message,
	                             sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "syntax"));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "tcp prot 3"));
	for (unsigned i = 0; i < 3600; i++)
		snprintf(long_filter + strlen(long_filter),
		         sizeof(long_filter) - strlen(long_filter), " or %u", 2001 + i);
	CU_ASSERT_FALSE(snap_compile(&program, long_filter, LINK_ETHERNET, KEEP_HEADERS, message,
	                             sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "too long"));
}

/* ---- in the kernel ---- */

/* A pair of Unix datagram sockets: what goes in at one end is filtered on its way to the other. */
static bool filtered_pair(int *pair, const struct bpf_program *program)
{
	const int room = 1 << 20;
	struct sock_fprog kernel = {(unsigned short)program->bf_len,
	                            (struct sock_filter *)(void *)program->bf_insns};

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair))
		return false;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) == 0;
}

/* The kernel's machine takes the programs, and keeps what libpcap's says it should. */
static void test_kernel(void)
{
	uint64_t seed = 31337;
	unsigned compared = 0;

	for (unsigned k = 0; k < LINKS; k++) {
		struct bpf_program program =
			compiled(k % 2 ? "" : "greater 60", linktypes[k], KEEP_HEADERS);
		int pair[2];
		bool good = filtered_pair(pair, &program);

		CU_ASSERT_TRUE_FATAL(good);
		for (unsigned round = 0; good && round < 3000; round++) {
			struct packet p;
			uint8_t through[CRAFT_ROOM];
			build(&p, &seed, linktypes[k]);
			uint32_t n = 1 + draw(&seed, p.c.len);
			uint32_t keep = kept(&program, p.c.bytes, n);
			ssize_t sent = send(pair[0], p.c.bytes, n, 0);
			CU_ASSERT_EQUAL(sent, n);
			ssize_t got = recv(pair[1], through, sizeof(through), 0);
			good = holds(got == (keep ? (ssize_t)keep : -1) &&
			                     (!keep || !memcmp(through, p.c.bytes, keep)),
			             "kernel", p.c.bytes, n, (uint32_t)got, keep, linktypes[k]);
			compared++;
		}
		close(pair[0]);
		close(pair[1]);
		snap_release(&program);
	}
	printf("snap: %u frames cut alike by the kernel and by libpcap\n", compared);
}

void suite_snap(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"built frames", test_built},      {"damaged frames", test_damaged},
		{"each prefix", test_prefixes},    {"special frames", test_special},
		{"lengths", test_lengths},         {"filters", test_filters},
		{"bad filters", test_bad_filters}, {"the kernel's machine", test_kernel},
	};
	CU_pSuite suite = CU_add_suite("snap", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
