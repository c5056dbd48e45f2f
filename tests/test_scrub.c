/* SPDX-License-Identifier: MIT
 *
 * test_scrub.c - disguised addresses, and frames that are scrubbed, against what they must keep.
 *
 * Oracles: the definition of prefix preservation, RFC 1071 sums over whole packets, digest.h (whose
 * own oracle are kernels), and frames made byte by byte.
 */
#include "../dissect/digest.h"
#include "../dissect/option.h"
#include "../dissect/scrub.h"
#include "craft.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <stdlib.h>

void suite_scrub(void);

static const uint8_t SECRET[DISGUISE_SECRET] = {7, 7, 7};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned shared_bits(const uint8_t *a, const uint8_t *b, unsigned most)
{
	unsigned n = 0;

	while (n < most && (a[n / 8] >> (7 - n % 8) & 1) == (b[n / 8] >> (7 - n % 8) & 1))
		n++;
	return n;
}

/* ---- addresses ---- */

/* Two addresses share as many first bits afterwards as before: so none become one, either. */
static void test_prefixes(void)
{
	struct disguise *d = disguise_new(SECRET);
	static const uint8_t firsts[] = {0x20, 0xff, 0xfe, 10, 192, 100, 172, 127};
	uint64_t state = 88172645463325252u;
	unsigned different = 0;

	for (unsigned round = 0; round < 4000; round++) {
		unsigned n = round % 2 ? 16 : 4;
		uint8_t a[16], b[16], x[16], y[16];
		for (unsigned i = 0; i < 16; i++)
			a[i] = (uint8_t)random_next(&state);
		if (round % 3 == 0)
			a[0] = firsts[random_next(&state) % sizeof(firsts)];
		memcpy(b, a, sizeof(b));
		unsigned bit = (unsigned)(random_next(&state) % (n * 8));
		b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		memcpy(x, a, sizeof(x));
		memcpy(y, b, sizeof(y));
		disguise_address(d, n == 4 ? 4 : 6, x);
		disguise_address(d, n == 4 ? 4 : 6, y);
		CU_ASSERT_EQUAL(shared_bits(x, y, n * 8), bit);
		different += memcmp(a, x, n) != 0;
	}
	CU_ASSERT(different > 3000); /* a third of them begin as a range of its own */
	disguise_free(d);
}

/* Any two, not only those that differ in one bit: IPv4 in IPv6 is where prefixes meet. */
static void test_pairs(void)
{
	static const char *const addresses[] = {"2001:db8::1",
	                                        "2001:db8::2",
	                                        "2002:c000:201::5",
	                                        "2002:c000:201::6",
	                                        "2002:c633:6401::1",
	                                        "::ffff:192.0.2.1",
	                                        "::ffff:192.0.2.9",
	                                        "64:ff9b::192.0.2.1",
	                                        "fe80::1:2:3:4",
	                                        "fe80::1:2:3:5",
	                                        "fd00:1:2::3",
	                                        "ff02::1:ff00:1",
	                                        "ff02::1:ff12:3456",
	                                        "ff02::fb",
	                                        "::1",
	                                        "::",
	                                        "2a00::",
	                                        "3fff:ffff::1"};
	const size_t n = sizeof(addresses) / sizeof(*addresses);
	struct disguise *d = disguise_new(SECRET);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			uint8_t a[16], b[16], x[16], y[16];
			inet_pton(AF_INET6, addresses[i], a);
			inet_pton(AF_INET6, addresses[k], b);
			memcpy(x, a, 16);
			memcpy(y, b, 16);
			disguise_address(d, 6, x);
			disguise_address(d, 6, y);
			CU_ASSERT_EQUAL(shared_bits(a, b, 128), shared_bits(x, y, 128));
		}
	disguise_free(d);
}

/* What an address means to everybody: `bits` of it stay, all of them when it is fixed. */
static void test_ranges(void)
{
	static const struct {
		const char *address;
		unsigned bits;
		bool fixed;
	} rows[] = {
		{"10.1.2.3", 8, false},
		{"172.31.9.9", 12, false},
		{"192.168.100.1", 16, false},
		{"100.99.1.1", 10, false},
		{"169.254.3.4", 16, false},
		{"127.0.0.53", 32, true},
		{"224.0.0.251", 32, true},
		{"239.255.255.250", 32, true},
		{"255.255.255.255", 32, true},
		{"0.0.0.0", 32, true},
		{"fe80::1234:5678:9", 64, false},
		{"fd12:3456:789a::1", 7, false},
		{"2a00:1450::1", 3, false},
		{"ff02::1", 128, true},
		{"ff05::1:3", 112, false},
		{"ff02::1:ffaa:bbcc", 104, false},
		{"ff3e:40:2a00::1", 16, false},
		{"::1", 128, true},
		{"::", 128, true},
	};
	struct disguise *d = disguise_new(SECRET);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool six = strchr(rows[i].address, ':');
		uint8_t was[16] = {0}, is[16] = {0};
		inet_pton(six ? AF_INET6 : AF_INET, rows[i].address, was);
		memcpy(is, was, sizeof(is));
		disguise_address(d, six ? 6 : 4, is);
		unsigned same = shared_bits(was, is, six ? 128 : 32);
		CU_ASSERT(same >= rows[i].bits);
		CU_ASSERT(rows[i].fixed || same < (six ? 128u : 32u));
	}
	disguise_free(d);
}

/* IPv4 inside IPv6 is the same host: its disguise is, too. */
static void test_embedded(void)
{
	struct disguise *d = disguise_new(SECRET);
	uint8_t host[4] = {203, 0, 113, 77}, mapped[16], sixth[16];

	inet_pton(AF_INET6, "::ffff:203.0.113.77", mapped);
	inet_pton(AF_INET6, "2002:cb00:714d::1", sixth);
	disguise_address(d, 4, host);
	disguise_address(d, 6, mapped);
	disguise_address(d, 6, sixth);
	CU_ASSERT(memcmp(mapped + 12, host, 4) == 0);
	CU_ASSERT(memcmp(sixth + 2, host, 4) == 0);
	disguise_free(d);
}

static void test_secrets(void)
{
	static const uint8_t other[DISGUISE_SECRET] = {7, 7, 8};
	struct disguise *a = disguise_new(SECRET), *b = disguise_new(SECRET),
			*c = disguise_new(other);
	uint8_t x[4] = {8, 8, 8, 8}, y[4] = {8, 8, 8, 8}, z[4] = {8, 8, 8, 8};
	uint8_t key[8] = {1}, p[8], q[8];

	disguise_address(a, 4, x);
	disguise_address(b, 4, y);
	disguise_address(c, 4, z);
	CU_ASSERT(memcmp(x, y, 4) == 0);
	CU_ASSERT(memcmp(x, z, 4) != 0);
	disguise_bytes(a, "key", key, 8, p);
	disguise_bytes(a, "hmac", key, 8, q);
	CU_ASSERT(memcmp(p, q, 8) != 0); /* kinds are apart */
	disguise_free(a);
	disguise_free(b);
	disguise_free(c);
}

static void test_macs(void)
{
	static const struct {
		uint8_t mac[6];
		bool same;
	} rows[] = {
		{{0x00, 0x1b, 0x21, 1, 2, 3}, false},          {{0x02, 0x1b, 0x21, 1, 2, 3}, false},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true},  {{0}, true},
		{{0x01, 0x00, 0x5e, 0, 0, 0xfb}, true},        {{0x33, 0x33, 0, 0, 0, 1}, true},
		{{0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc}, false},
	};
	struct disguise *d = disguise_new(SECRET);
	uint8_t group[16];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t is[6];
		memcpy(is, rows[i].mac, 6);
		disguise_mac(d, is);
		CU_ASSERT_EQUAL(memcmp(is, rows[i].mac, 6) == 0, rows[i].same);
		CU_ASSERT_EQUAL(is[0] & 3, rows[i].mac[0] & 3);
	}
	/* of neighbour discovery: hardware address and IPv6 address tell the same */
	uint8_t mac[6] = {0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc};
	inet_pton(AF_INET6, "ff02::1:ffaa:bbcc", group);
	disguise_mac(d, mac);
	disguise_address(d, 6, group);
	CU_ASSERT(memcmp(mac + 2, group + 12, 4) == 0);
	disguise_free(d);
}

/* ---- frames ---- */

struct world {
	struct kin *kin;
	struct scrub *scrub;
};

static struct world world_new(void)
{
	struct world w = {.kin = kin_new()};

	CU_ASSERT_EQUAL_FATAL(kin_seal(w.kin), KIN_FINE);
	w.scrub = scrub_new(SECRET, w.kin);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.scrub);
	return w;
}

static void world_free(struct world *w)
{
	scrub_free(w->scrub);
	kin_free(w->kin);
}

static uint16_t sum_of(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A datagram of UDP in IPv4, its sums right. */
static uint32_t udp_packet(uint8_t *at, const char *payload, uint32_t length)
{
	const uint8_t head[20] = {0x45, 0,    0,   (uint8_t)(28 + length),
	                          0x12, 0x34, 0,   0,
	                          64,   17,   0,   0,
	                          198,  51,   100, 7,
	                          203,  0,    113, 9};
	uint16_t sum;

	memcpy(at, head, sizeof(head));
	sum = (uint16_t)~sum_of(0, at, 20);
	at[10] = (uint8_t)(sum >> 8);
	at[11] = (uint8_t)sum;
	const uint8_t udp[8] = {0x9c, 0x40, 0, 53, 0, (uint8_t)(8 + length), 0, 0};
	memcpy(at + 20, udp, sizeof(udp));
	memcpy(at + 28, payload, length);
	sum = (uint16_t)~sum_of(17u + 8 + length + sum_of(0, at + 12, 8), at + 20, 8 + length);
	at[26] = (uint8_t)(sum >> 8);
	at[27] = (uint8_t)sum;
	return 28 + length;
}

static uint32_t scrubbed(struct world *w, uint8_t *bytes, uint32_t n)
{
	const struct frame frame = {
		.data = bytes, .caplen = n, .wire_len = n, .linktype = LINK_RAW};

	return scrub_frame(w->scrub, &frame, bytes);
}

/* The sum of what stays, with zeros for what is gone, is right; and tells nothing of two bytes. */
static void test_checksums(void)
{
	struct world w = world_new();
	uint8_t a[64] = {0}, b[64] = {0};

	uint32_t n = udp_packet(a, "hi", 2);
	udp_packet(b, "no", 2);
	CU_ASSERT_EQUAL(scrubbed(&w, a, n), 28);
	CU_ASSERT_EQUAL(scrubbed(&w, b, n), 28);
	CU_ASSERT(memcmp(a, b, 28) == 0);
	CU_ASSERT_EQUAL(sum_of(0, a, 20), 0xffff);
	memset(a + 28, 0, 2);
	CU_ASSERT_EQUAL(sum_of(17u + 10 + sum_of(0, a + 12, 8), a + 20, 10), 0xffff);
	/* none was sent */
	udp_packet(a, "hi", 2);
	a[26] = a[27] = 0;
	scrubbed(&w, a, n);
	CU_ASSERT(a[26] == 0 && a[27] == 0);
	/* a wrong one of IP stays wrong, by how much is not told */
	for (unsigned by = 1; by < 256; by *= 3) {
		udp_packet(a, "hi", 2);
		a[11] ^= (uint8_t)by;
		scrubbed(&w, a, n);
		CU_ASSERT(sum_of(0, a, 20) != 0xffff);
		CU_ASSERT(by == 1 || memcmp(a, b, 20) == 0);
		memcpy(b, a, 20);
	}
	world_free(&w);
}

/* What a checksum says of bytes that went, or of addresses that a network card was to add up, does
 * not stand in it afterwards: captions in tcpdump's words. */
static void test_sums_that_tell(void)
{
	static const struct {
		uint8_t proto, more, length, at; /* more: fragments follow; at: of the checksum */
		uint32_t caplen, kept;
		uint8_t transport[24];
	} rows[] = {
		/* 198.51.100.7.40000 > 203.0.113.9.443: Flags [.], cksum incorrect */
		{6, 0, 20, 16, 40, 40, {0x9c, 0x40, 1, 0xbb, [12] = 0x50, 0x10}},
		/* 198.51.100.7.40000 > 203.0.113.9.443: [bad hdr length 60 - too long, > 24] */
		{6, 0, 24, 16, 44, 40, {0x9c, 0x40, 1, 0xbb, [12] = 0xf0, 0x10}},
		/* 198.51.100.7.40000 > 203.0.113.9.443: [bad hdr length 8 - too short, < 20] */
		{6, 0, 24, 16, 44, 40, {0x9c, 0x40, 1, 0xbb, [12] = 0x20, 0x10}},
		/* (flags [+]) 198.51.100.7.40000 > 203.0.113.9.53: UDP, the header alone */
		{17, 0x20, 8, 6, 28, 28, {0x9c, 0x40, 0, 53, 0, 100}},
		/* 198.51.100.7 > 203.0.113.9: ICMP echo request, [|icmp] */
		{1, 0, 64, 2, 24, 22, {8}},
		{1, 0, 64, 2, 26, 22, {8}},
	};
	struct world w = world_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t packets[2][64] = {{0}};
		for (unsigned k = 0; k < 2; k++) {
			uint8_t *at = packets[k];
			udp_packet(at, "", 0);
			at[3] = (uint8_t)(20 + rows[i].length);
			at[6] = rows[i].more;
			at[9] = rows[i].proto;
			at[10] = at[11] = 0;
			memcpy(at + 20, rows[i].transport, sizeof(rows[i].transport));
			at[20 + rows[i].at] = (uint8_t)(0x5a + k);
			const struct frame frame = {.data = at,
			                            .caplen = rows[i].caplen,
			                            .wire_len = 20u + rows[i].length,
			                            .linktype = LINK_RAW};
			CU_ASSERT_EQUAL(scrub_frame(w.scrub, &frame, at), rows[i].kept);
		}
		CU_ASSERT(memcmp(packets[0], packets[1], rows[i].kept) == 0);
	}
	world_free(&w);
}

/* Record route, RFC 791: addresses in an option. */
static void test_ip_options(void)
{
	struct world w = world_new();
	uint8_t a[64] = {0x46, 0,  0,   24, 0,   0, 0,   0, 64, 47, 0, 0,
	                 198,  51, 100, 7,  203, 0, 113, 9, 7,  3,  4, 9};
	uint16_t sum = (uint16_t)~sum_of(0, a, 24);

	a[10] = (uint8_t)(sum >> 8);
	a[11] = (uint8_t)sum;
	CU_ASSERT_EQUAL(scrubbed(&w, a, 24), 24);
	CU_ASSERT(memcmp(a + 20, "\1\1\1\1", 4) == 0);
	CU_ASSERT_EQUAL(sum_of(0, a, 24), 0xffff);
	world_free(&w);
}

/* What says it is IP and is not, or not enough of it to be read: its version and length stay, and
 * as many bytes as tell a reader the same. */
static void test_no_ip(void)
{
	static const struct {
		uint16_t type;
		uint8_t first, kept, same;
	} rows[] = {
		{0x0800, 0x00, 20, 1}, /* IP0 */
		{0x0800, 0x41, 20, 4}, /* IP (hlen 4) */
		{0x86dd, 0x40, 40, 1}, /* IP6, version error: 4 != 6 */
	};
	struct world w = world_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t a[80] = {[12] = (uint8_t)(rows[i].type >> 8), (uint8_t)rows[i].type};
		memset(a + 14, 's', sizeof(a) - 14);
		a[14] = rows[i].first;
		const struct frame frame = {
			.data = a, .caplen = 80, .wire_len = 80, .linktype = LINK_ETHERNET};
		CU_ASSERT_EQUAL(scrub_frame(w.scrub, &frame, a), 14u + rows[i].kept);
		CU_ASSERT_EQUAL(a[14], rows[i].first);
		for (unsigned k = 1; k < rows[i].kept; k++)
			CU_ASSERT_EQUAL(a[14 + k], k < rows[i].same ? 's' : 0);
	}
	world_free(&w);
}

/* 198.51.100.7 > 203.0.113.9: IP in a Linux cooked frame, whose reserved and unused bytes tell
 * nothing. */
static void test_cooked(void)
{
	struct world w = world_new();
	uint8_t a[60] = {0x08, 0, 's', 'e', 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 7, 'c', 'r'};
	const struct frame frame = {.data = a, .caplen = 60, .wire_len = 60, .linktype = LINK_SLL2};

	udp_packet(a + 20, "secret", 6);
	CU_ASSERT_EQUAL(scrub_frame(w.scrub, &frame, a), 48);
	CU_ASSERT(memcmp(a, "\x08\0\0\0\0\0\0\3\0\1\0\6", 12) == 0);
	CU_ASSERT(a[18] == 0 && a[19] == 0);
	world_free(&w);
}

/* An echo's number stays, of an error what stood behind it goes: the packet it quotes. */
static void test_icmp(void)
{
	struct world w = world_new();
	uint8_t echo[40] = {0x45, 0, 0,   40, 0, 0, 0, 0, 64, 1, 0, 0, 198, 51,  100, 7,
	                    203,  0, 113, 9,  8, 0, 0, 0, 1,  2, 3, 4, 's', 'e', 'c', 'r'};
	uint8_t redirect[56] = {0x45, 0,   0, 56,  0, 0, 0, 0, 64, 1,   0, 0, 198, 51,  100,
	                        7,    203, 0, 113, 9, 5, 1, 0, 0,  192, 0, 2, 254, 0x45};

	CU_ASSERT_EQUAL(scrubbed(&w, echo, 40), 28);
	CU_ASSERT(memcmp(echo + 24, "\1\2\3\4", 4) == 0);
	CU_ASSERT_EQUAL(scrubbed(&w, redirect, 56), 28);
	CU_ASSERT(memcmp(redirect + 24, "\0\0\0\0", 4) == 0);
	world_free(&w);
}

/* What nobody reads in a TCP header is wiped; what everybody does stays. */
static void test_tcp_options(void)
{
	static const uint8_t options[40] = {2,   4,  5,   0xb4, 4,   2,   3,   3,   7,   1,
	                                    8,   10, 0,   0,    0,   9,   0,   0,   0,   8,
	                                    34,  10, 's', 'e',  'c', 'r', 'e', 't', '!', '!',
	                                    254, 6,  'k', 'e',  'y', '?', 0,   'x', 'y', 'z'};
	static const uint8_t want[40] = {2, 4, 5, 0xb4, 4,  2,  3, 3, 7, 1, 8, 10, 0, 0, 0,   9,
	                                 0, 0, 0, 8,    34, 10, 0, 0, 0, 0, 0, 0,  0, 0, 254, 6};
	struct world w = world_new();
	uint8_t a[90] = {0x45, 0,   0, 90,   0,    0, 0,    0, 64, 6, 0, 0, 198, 51, 100, 7,    203,
	                 0,    113, 9, 0x9c, 0x40, 1, 0xbb, 0, 0,  0, 1, 0, 0,   0,  2,   0xf0, 2};

	memcpy(a + 40, options, sizeof(options));
	memcpy(a + 80, "GET /home ", 10);
	CU_ASSERT_EQUAL(scrubbed(&w, a, 90), 80);
	CU_ASSERT(memcmp(a + 40, want, sizeof(want)) == 0);
	CU_ASSERT(memcmp(a + 24, "\0\0\0\1\0\0\0\2", 8) == 0);
	world_free(&w);
}

/* An option of another length than its kind has is something else, which nobody reads. */
static void test_lengths_that_lie(void)
{
	static const uint8_t rows[][40] = {
		{2, 12, 5, 0xb4, 's', 'e', 'c', 'r', 'e', 't', 's', '!'},
		{3, 12, 7, 's', 'e', 'c', 'r', 'e', 't', 's', '!', '!', '!'},
		{4, 12, 's', 'e', 'c', 'r', 'e', 't', 's', '!', '!', '!'},
		{5, 11, 's', 'e', 'c', 'r', 'e', 't', 's', '!', '!'},
		{8, 12, 's', 'e', 'c', 'r', 'e', 't', 's', '!', '!', '!'},
		{30, 12, 0x51, 3, 's', 'e', 'c', 'r', 'e', 't', 's', '!'}, /* MP_PRIO */
		{30, 12, 0x80, 1, 's', 'e', 'c', 'r', 'e', 't', 's', '!'}, /* MP_TCPRST */
		{30, 12, 0xf0, 1, 's', 'e', 'c', 'r', 'e', 't', 's', '!'},
	};
	struct world w = world_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t a[52] = {0x45, 0, 0, 52, 0, 0, 0, 0, 64, 6, 0, 0, [32] = 0x80, 0x10};
		memcpy(a + 40, rows[i], 12);
		CU_ASSERT_EQUAL(scrubbed(&w, a, 52), 52);
		CU_ASSERT(memcmp(a + 40, rows[i], 2) == 0); /* kind and length are told */
		CU_ASSERT(memcmp(a + 44, "\0\0\0\0\0\0\0", 7) == 0);
	}
	world_free(&w);
}

/* ---- MPTCP ---- */

struct tcp {
	bool back; /* from the server */
	uint8_t flags;
	struct craft_options options;
};

static uint32_t tcp_packet(uint8_t *at, const struct tcp *t)
{
	const uint8_t ends[2][4] = {{198, 51, 100, 7}, {203, 0, 113, 9}};
	uint8_t n = (uint8_t)((t->options.len + 3) / 4 * 4);

	memset(at, 0, 100);
	at[0] = 0x45;
	at[3] = (uint8_t)(40 + n);
	at[8] = 64;
	at[9] = 6;
	memcpy(at + 12, ends[t->back], 4);
	memcpy(at + 16, ends[!t->back], 4);
	at[20] = t->back ? 1 : 0x9c;
	at[21] = t->back ? 0xbb : 0x40;
	at[22] = t->back ? 0x9c : 1;
	at[23] = t->back ? 0x40 : 0xbb;
	at[32] = (uint8_t)((20 + n) / 4 << 4);
	at[33] = t->flags;
	memcpy(at + 40, t->options.bytes, t->options.len);
	return 40u + n;
}

static const uint8_t KEYS[2][8] = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 8, 7, 6, 5, 4, 3, 2}};
static const uint32_t NONCES[2] = {0x11223344, 0x55667788};

/* A subflow that joined, as the tracker would leave it. */
static struct world world_joined(int version)
{
	struct world w = {.kin = kin_new()};
	struct subflow sf = {.mptcp = true, .first_ns = 1, .last_ns = 9};
	struct connection c = {.version = (int8_t)version};
	uint8_t packet[100];
	struct segment s;
	struct tcp t = {.flags = 2};
	const struct frame frame = {
		.data = packet, .caplen = 40, .wire_len = 40, .linktype = LINK_RAW};

	tcp_packet(packet, &t);
	decode_frame(&frame, &s);
	sf.low_opens = track_flow_key(&sf.key, &s);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(c.key[i], KEYS[i], 8);
		c.has_key[i] = true;
		sf.nonce[i] = NONCES[i];
		sf.nonce_known[i] = true;
		c.stream[i] = (struct data_stream){
			.dsn = 0x0102030405060000u, .has_dsn = true, .wide = true};
		kin_note_key(w.kin, version, KEYS[i]);
	}
	kin_note(w.kin, &sf, &c);
	CU_ASSERT_EQUAL_FATAL(kin_seal(w.kin), KIN_FINE);
	w.scrub = scrub_new(SECRET, w.kin);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.scrub);
	return w;
}

/* The keys that stand for KEYS. */
static void other_keys(struct world *w, uint8_t keys[2][8])
{
	for (unsigned i = 0; i < 2; i++)
		disguise_bytes(scrub_disguise(w->scrub), "key", KEYS[i], 8, keys[i]);
}

static struct options read_back(struct world *w, const struct tcp *t, uint8_t packet[100])
{
	struct segment s;
	struct options o;
	uint32_t n = tcp_packet(packet, t), kept = scrubbed(w, packet, n);
	const struct frame frame = {
		.data = packet, .caplen = kept, .wire_len = n, .linktype = LINK_RAW};

	CU_ASSERT_EQUAL(kept, n);
	decode_frame(&frame, &s);
	CU_ASSERT_EQUAL_FATAL(s.result, DECODE_TCP);
	options_read(&o, &s);
	CU_ASSERT(!o.malformed && !o.cut);
	return o;
}

static void test_capable(int version)
{
	struct world w = world_joined(version);
	uint8_t keys[2][8], packet[100];
	struct tcp t = {.flags = 0x10};
	struct craft body = {0};

	other_keys(&w, keys);
	craft_be(&body, 0x81, 1);
	craft_bytes(&body, KEYS, 16);
	craft_mptcp(&t.options, MP_CAPABLE, (unsigned)version, &body);
	struct options o = read_back(&w, &t, packet);
	CU_ASSERT_EQUAL(o.capable.keys, 2);
	CU_ASSERT(memcmp(o.capable.key[0], keys[0], 8) == 0);
	CU_ASSERT(memcmp(o.capable.key[1], keys[1], 8) == 0);
	CU_ASSERT(memcmp(keys[0], KEYS[0], 8) != 0);

	/* a join to the server's token, and one to a token whose key nobody saw */
	t = (struct tcp){.flags = 2};
	body = (struct craft){0};
	craft_be(&body, 3, 1);
	craft_be(&body, digest_token(version, KEYS[1]), 4);
	craft_be(&body, NONCES[0], 4);
	craft_mptcp(&t.options, MP_JOIN, 1, &body);
	o = read_back(&w, &t, packet);
	CU_ASSERT(o.join.backup && o.join.id == 3);
	CU_ASSERT_EQUAL(o.join.token, digest_token(version, keys[1]));
	CU_ASSERT_EQUAL(o.join.nonce, NONCES[0]);
	memcpy(t.options.bytes + 4, "\xde\xad\xbe\xef", 4);
	o = read_back(&w, &t, packet);
	CU_ASSERT(o.join.token != 0xdeadbeef && o.join.token != digest_token(version, keys[1]));
	world_free(&w);
}

/* Right stays right, wrong stays wrong; both ways, both lengths. */
static void test_hmac(int version)
{
	struct world w = world_joined(version);
	uint8_t keys[2][8], packet[100], hmac[DIGEST_JOIN_MAX], want[DIGEST_JOIN_MAX];

	other_keys(&w, keys);
	for (unsigned back = 0; back < 2; back++) {
		struct tcp t = {.back = back, .flags = back ? 0x12 : 0x10};
		struct craft body = {0};
		digest_join(version, KEYS[back], KEYS[!back], NONCES[back], NONCES[!back], hmac);
		digest_join(version, keys[back], keys[!back], NONCES[back], NONCES[!back], want);
		craft_be(&body, 0, 1);
		craft_bytes(&body, hmac, back ? 8 : 20);
		if (back)
			craft_be(&body, NONCES[1], 4);
		craft_mptcp(&t.options, MP_JOIN, 0, &body);
		struct options o = read_back(&w, &t, packet);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o.join.hmac);
		CU_ASSERT(memcmp(o.join.hmac, want, back ? 8 : 20) == 0);
		t.options.bytes[6] ^= 1;
		o = read_back(&w, &t, packet);
		CU_ASSERT(memcmp(o.join.hmac, want, back ? 8 : 20) != 0);
		CU_ASSERT(memcmp(o.join.hmac, t.options.bytes + 4, back ? 8 : 20) != 0);
	}
	world_free(&w);
}

/* DSNs and DATA_ACKs move with the first DSN of their stream, in 32 and in 64 bits; the sum of a
 * bare DATA_FIN with them. */
static void test_dss(int version)
{
	struct world w = world_joined(version);
	uint8_t keys[2][8], packet[100];
	uint64_t shift[2], dsn = 0x0102030405060708u;

	other_keys(&w, keys);
	for (unsigned i = 0; i < 2; i++)
		shift[i] = digest_idsn(version, keys[i]) - digest_idsn(version, KEYS[i]);
	for (unsigned wide = 0; wide < 2; wide++) {
		struct tcp t = {.flags = 0x10};
		struct craft body = {0};
		uint8_t header[14];
		craft_be(&body, wide ? 0x1f : 0x15, 1);
		craft_be(&body, 77, wide ? 8 : 4);
		craft_be(&body, dsn, wide ? 8 : 4);
		craft_be(&body, 0, 4);
		craft_be(&body, 1, 2);
		for (unsigned i = 0; i < 8; i++)
			header[i] = (uint8_t)(dsn >> (56 - 8 * i));
		memcpy(header + 8, "\0\0\0\0\0\1", 6);
		craft_be(&body, (uint16_t)~sum_of(0, header, 14), 2);
		craft_mptcp(&t.options, MP_DSS, 0, &body);
		struct options o = read_back(&w, &t, packet);
		uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
		CU_ASSERT_EQUAL(o.dss.ack, (77 + shift[1]) & mask);
		CU_ASSERT_EQUAL(o.dss.dsn, (dsn + shift[0]) & mask);
		for (unsigned i = 0; i < 8; i++)
			header[i] = (uint8_t)((dsn + shift[0]) >> (56 - 8 * i));
		CU_ASSERT_EQUAL(sum_of(o.dss.csum, header, 14), 0xffff);
	}
	world_free(&w);
}

static void test_the_rest(int version)
{
	struct world w = world_joined(version);
	uint8_t keys[2][8], packet[100], addr[4] = {192, 0, 2, 1}, hmac[8], want[8];
	struct tcp t = {.flags = 0x14};
	struct craft body = {0};

	other_keys(&w, keys);
	craft_be(&body, 0, 1);
	craft_bytes(&body, KEYS[1], 8);
	craft_mptcp(&t.options, MP_FASTCLOSE, 0, &body);
	body = (struct craft){0};
	craft_be(&body, 0, 1);
	craft_be(&body, 5, 8);
	craft_mptcp(&t.options, MP_FAIL, 0, &body);
	struct options o = read_back(&w, &t, packet);
	CU_ASSERT(memcmp(o.fastclose_key, keys[1], 8) == 0);
	CU_ASSERT_EQUAL(o.fail_dsn,
	                5 + digest_idsn(version, keys[1]) - digest_idsn(version, KEYS[1]));

	/* RFC 8684 section 3.4.1 */
	t = (struct tcp){.flags = 0x10};
	body = (struct craft){0};
	digest_add_addr(KEYS[0], KEYS[1], 4, addr, 4, 0, hmac);
	craft_be(&body, 4, 1);
	craft_bytes(&body, addr, 4);
	craft_bytes(&body, hmac, 8);
	craft_mptcp(&t.options, MP_ADD_ADDR, 0, &body);
	o = read_back(&w, &t, packet);
	disguise_address(scrub_disguise(w.scrub), 4, addr);
	digest_add_addr(keys[0], keys[1], 4, addr, 4, 0, want);
	CU_ASSERT_EQUAL_FATAL(o.n_add, 1);
	CU_ASSERT(memcmp(o.add[0].addr, addr, 4) == 0);
	CU_ASSERT(memcmp(o.add[0].hmac, want, 8) == 0);
	world_free(&w);
}

static void test_mptcp(void)
{
	for (int version = 0; version < 2; version++) {
		test_capable(version);
		test_hmac(version);
		test_dss(version);
		test_the_rest(version);
	}
}

/* Of several subflows that had the same ports, the last that had begun. */
static void test_kin(void)
{
	struct kin *kin = kin_new();
	struct subflow sf = {.mptcp = true};
	struct connection c = {.version = 1};
	uint8_t packet[100];
	struct segment s;
	struct tcp t = {.flags = 2};
	const struct frame frame = {
		.data = packet, .caplen = 40, .wire_len = 40, .linktype = LINK_RAW};
	unsigned dir;

	tcp_packet(packet, &t);
	decode_frame(&frame, &s);
	sf.low_opens = track_flow_key(&sf.key, &s);
	for (uint64_t begin = 300; begin >= 100; begin -= 100) {
		sf.first_ns = begin;
		sf.nonce[0] = (uint32_t)begin;
		kin_note(kin, &sf, &c);
	}
	sf.mptcp = false;
	sf.first_ns = 150;
	kin_note(kin, &sf, &c); /* plain TCP is nobody's kin */
	CU_ASSERT_EQUAL_FATAL(kin_seal(kin), KIN_FINE);
	static const uint32_t rows[][2] = {
		{50, 100}, {100, 100}, {199, 100}, {200, 200}, {9999, 300}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct kin_subflow *found = kin_find(kin, &s, rows[i][0], &dir);
		CU_ASSERT_PTR_NOT_NULL_FATAL(found);
		CU_ASSERT_EQUAL(found->nonce[0], rows[i][1]);
		CU_ASSERT_EQUAL(dir, 0);
	}
	CU_ASSERT_PTR_NULL(kin_token(kin, 1));
	kin_free(kin);
}

void suite_scrub(void)
{
	CU_pSuite s = CU_add_suite("scrub", NULL, NULL);

	CU_add_test(s, "prefixes", test_prefixes);
	CU_add_test(s, "pairs", test_pairs);
	CU_add_test(s, "ranges", test_ranges);
	CU_add_test(s, "embedded", test_embedded);
	CU_add_test(s, "secrets", test_secrets);
	CU_add_test(s, "macs", test_macs);
	CU_add_test(s, "checksums", test_checksums);
	CU_add_test(s, "sums that tell", test_sums_that_tell);
	CU_add_test(s, "ip options", test_ip_options);
	CU_add_test(s, "no ip", test_no_ip);
	CU_add_test(s, "cooked", test_cooked);
	CU_add_test(s, "icmp", test_icmp);
	CU_add_test(s, "tcp options", test_tcp_options);
	CU_add_test(s, "lengths that lie", test_lengths_that_lie);
	CU_add_test(s, "mptcp", test_mptcp);
	CU_add_test(s, "kin", test_kin);
}
