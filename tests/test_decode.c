/* SPDX-License-Identifier: MIT
 *
 * test_decode.c - one TCP segment under every link type and IP header this project reads.
 *
 * Oracles: the layouts named at each row, and tcpdump run on the same bytes, which must find the
 * same segment. Every prefix of every packet lies flush against a guard page.
 */
#include "../dissect/option.h"
#include "craft.h"
#include "guard.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void suite_decode(void);

enum { PAYLOAD = 10 };

/* What stands before the TCP header, and the same in one piece with it. */
struct row {
	const char *what;
	uint16_t link;
	uint8_t family;
	const char *link_header;
	uint8_t link_len;
	const char *extensions; /* IPv6: between the fixed header and TCP; the first one's number is
	                           next[0] */
	uint8_t extensions_len;
	uint8_t first;
};

#define MACS     "\2\0\0\0\0\2\2\0\0\0\0\1"
#define V4       "\x08\x00"
#define V6       "\x86\xdd"
#define BYTES(s) s, sizeof(s) - 1
#define NONE     NULL, 0, 0

static const struct row rows[] = {
	{"Ethernet", LINK_ETHERNET, 4, BYTES(MACS V4), NONE},
	{"Ethernet, IPv6", LINK_ETHERNET, 6, BYTES(MACS V6), NONE},
	{"802.1Q", LINK_ETHERNET, 4, BYTES(MACS "\x81\0\0\5" V4), NONE},
	{"802.1ad over 802.1Q", LINK_ETHERNET, 6, BYTES(MACS "\x88\xa8\0\5\x81\0\0\6" V6), NONE},
	/* RFC 2516: version and type 1, code 0, session, length; then PPP (RFC 1661) */
	{"PPPoE", LINK_ETHERNET, 4, BYTES(MACS "\x88\x64\x11\0\0\1\0\x34\0\x21"), NONE},
	{"PPPoE in 802.1Q, IPv6", LINK_ETHERNET, 6,
         BYTES(MACS "\x81\0\0\7\x88\x64\x11\0\0\1\0\x48\0\x57"), NONE},
	{"PPPoE, no Ethernet", LINK_PPP_ETHER, 4, BYTES("\x11\0\0\1\0\x34\0\x21"), NONE},
	/* RFC 1662: address and control, RFC 1661 6.5: the protocol compressed to one byte */
	{"PPP with address and control", LINK_PPP, 4, BYTES("\xff\3\0\x21"), NONE},
	{"PPP without", LINK_PPP, 6, BYTES("\0\x57"), NONE},
	{"PPP, protocol compressed", LINK_PPP, 4, BYTES("\x21"), NONE},
	{"raw", LINK_RAW, 4, BYTES(""), NONE},
	{"raw, IPv6", LINK_RAW, 6, BYTES(""), NONE},
	{"IPv4 alone", LINK_IPV4, 4, BYTES(""), NONE},
	{"IPv6 alone", LINK_IPV6, 6, BYTES(""), NONE},
	{"null, little-endian", LINK_NULL, 4, BYTES("\2\0\0\0"), NONE},
	{"null, IPv6 as macOS numbers it", LINK_NULL, 6, BYTES("\x1e\0\0\0"), NONE},
	{"loop", LINK_LOOP, 4, BYTES("\0\0\0\2"), NONE},
	{"cooked", LINK_SLL, 4, BYTES("\0\4\0\1\0\6\2\0\0\0\0\1\0\0" V4), NONE},
	{"cooked, version 2", LINK_SLL2, 6, BYTES(V6 "\0\0\0\0\0\2\0\1\4\6\2\0\0\0\0\1\0\0"), NONE},
	/* RFC 8200 section 4: next header, length in 8 bytes but the first 8 */
	{"hop by hop", LINK_RAW, 6, BYTES(""), BYTES("\x06\0\1\4\0\0\0\0"), 0},
	{"destination options, 16 bytes", LINK_RAW, 6, BYTES(""),
         BYTES("\x06\1\1\x0c\0\0\0\0\0\0\0\0\0\0\0\0"), 60},
	{"hop by hop, then the first fragment", LINK_RAW, 6, BYTES(""),
         BYTES("\x2c\0\1\4\0\0\0\0"
               "\x06\0\0\1\0\0\0\7"),
         0},
	/* RFC 4302 section 2: length in 4 bytes but the first 8 */
	{"authentication header", LINK_RAW, 6, BYTES(""),
         BYTES("\x06\4\0\0\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"), 51},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct craft_tcp segment = {.src = 1,
                                         .dst = 2,
                                         .sport = 40000,
                                         .dport = 443,
                                         .seq = 77,
                                         .ack = 88,
                                         .flags = TCP_ACK | TCP_PSH,
                                         .window = 500,
                                         .payload_len = PAYLOAD};

/* The packet of a row; *ip says where IP starts. */
static void build(const struct row *row, struct craft *c, uint32_t *ip)
{
	struct craft_tcp t = segment;
	struct craft whole = {.len = 0};
	uint32_t header = row->family == 4 ? 20 : 40;

	t.family = row->family;
	craft_segment(&whole, &t);
	c->len = 0;
	craft_bytes(c, row->link_header, row->link_len);
	*ip = c->len;
	craft_bytes(c, whole.bytes, header);
	craft_bytes(c, row->extensions, row->extensions_len);
	craft_bytes(c, whole.bytes + header, whole.len - header);
	if (row->extensions_len) {
		c->bytes[*ip + 5] = (uint8_t)(c->bytes[*ip + 5] + row->extensions_len);
		c->bytes[*ip + 6] = row->first;
	}
}

static void decode(const uint8_t *data, uint32_t caplen, uint32_t wire_len, uint16_t link,
                   struct segment *s)
{
	struct frame f = {.data = data, .caplen = caplen, .wire_len = wire_len, .linktype = link};

	decode_frame(&f, s);
}

static bool is_the_segment(const struct segment *s, const struct row *row)
{
	return s->result == DECODE_TCP && s->family == row->family && s->sport == 40000 &&
	       s->dport == 443 && s->seq == 77 && s->ack == 88 && s->flags == (TCP_ACK | TCP_PSH) &&
	       s->window == 500 && s->payload_len == PAYLOAD &&
	       s->src[row->family == 4 ? 3 : 15] == 1 && s->dst[row->family == 4 ? 3 : 15] == 2 &&
	       !s->options_cut && !s->later_fragment;
}

static void test_every_link_and_header(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct craft c;
		struct segment s;
		uint32_t ip;
		build(&rows[i], &c, &ip);
		decode(c.bytes, c.len, c.len, rows[i].link, &s);
		bool good = is_the_segment(&s, &rows[i]) && s.ip_bytes == c.len - ip &&
		            s.payload_cap == PAYLOAD;
		if (!good)
			printf("%s: result %d\n", rows[i].what, s.result);
		CU_ASSERT(good);
		/* lengths are those of the IP header: Ethernet's padding is none of it */
		craft_fill(&c, 0, 6);
		decode(c.bytes, c.len, c.len, rows[i].link, &s);
		CU_ASSERT(is_the_segment(&s, &rows[i]) && s.payload_cap == PAYLOAD);
	}
}

/* Cut anywhere before the fixed TCP header ends: cut. Behind: the segment, with what was captured.
 */
static void test_every_prefix(void)
{
	struct guard guard = guard_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(guard.end);
	for (size_t i = 0; i < ROWS; i++) {
		struct craft c;
		struct segment s;
		struct options o;
		uint32_t ip;
		build(&rows[i], &c, &ip);
		for (uint32_t n = 0; n <= c.len; n++) {
			decode(guard_put(&guard, c.bytes, n), n, c.len, rows[i].link, &s);
			bool enough = n + PAYLOAD >= c.len;
			if (s.result != (enough ? DECODE_TCP : DECODE_CUT))
				printf("%s: %u of %u bytes give %d\n", rows[i].what, n, c.len,
				       s.result);
			CU_ASSERT_EQUAL(s.result, enough ? DECODE_TCP : DECODE_CUT);
			if (!enough || s.result != DECODE_TCP)
				continue;
			options_read(&o, &s);
			CU_ASSERT(is_the_segment(&s, &rows[i]) &&
			          s.payload_cap == PAYLOAD - (c.len - n));
		}
	}
	guard_free(&guard);
}

/* ---- the same bytes through tcpdump ---- */

static bool tcpdump_finds(const struct row *row)
{
	uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, row->link}, ip;
	char path[] = "/tmp/mptcp-audit-decode-XXXXXX", command[128], text[4096];
	struct craft c;

	build(row, &c, &ip);
	uint32_t record[4] = {1700000000, 0, c.len, c.len};
	int fd = mkstemp(path);
	bool written = fd >= 0 && write(fd, header, sizeof(header)) == sizeof(header) &&
	               write(fd, record, sizeof(record)) == sizeof(record) &&
	               write(fd, c.bytes, c.len) == c.len;
	snprintf(command, sizeof(command), "tcpdump -n -v -r %s 2>/dev/null", path);
	FILE *tcpdump = popen(command, "r");
	size_t n = tcpdump ? fread(text, 1, sizeof(text) - 1, tcpdump) : 0;
	text[n] = '\0';
	if (tcpdump)
		pclose(tcpdump);
	close(fd);
	unlink(path);
	const char *ends = row->family == 4      ? "192.0.2.1.40000 > 192.0.2.2.443"
	                   : row->extensions_len ? "2001:db8::1 > 2001:db8::2"
	                                         : "2001:db8::1.40000 > 2001:db8::2.443";
	bool found = written && strstr(text, ends) && strstr(text, "Flags [P.]") &&
	             strstr(text, "seq 77:87, ack 88, win 500, length 10") &&
	             (!row->extensions_len || strstr(text, " 40000 > 443: "));
	if (!found)
		printf("%s\n\ttcpdump: %s\n", row->what, text);
	return found;
}

static void test_tcpdump_agrees(void)
{
	for (size_t i = 0; i < ROWS; i++)
		CU_ASSERT(tcpdump_finds(&rows[i]));
}

/* ---- fragments and lies: one byte of a good packet says something else ---- */

static void test_fragments_and_lies(void)
{
	static const struct {
		const char *what;
		uint8_t family;
		uint8_t at, value;
		enum decode_result result;
	} lies[] = {
		{"RFC 791: a later fragment has no TCP header", 4, 7, 8, DECODE_OTHER},
		{"the first fragment has one", 4, 6, 0x20, DECODE_TCP},
		{"header length 16", 4, 0, 0x44, DECODE_MALFORMED},
		{"header length 60 of a 50 byte packet", 4, 0, 0x4f, DECODE_MALFORMED},
		{"version 5 behind the EtherType of 4", 4, 0, 0x55, DECODE_MALFORMED},
		{"total length 19", 4, 3, 19, DECODE_MALFORMED},
		{"total length leaves no room for TCP", 4, 3, 39, DECODE_MALFORMED},
		{"total length 0: the frame's, as super-frames say it", 4, 3, 0, DECODE_TCP},
		{"UDP", 4, 9, 17, DECODE_OTHER},
		{"TCP data offset 4", 4, 32, 0x40, DECODE_MALFORMED},
		{"TCP data offset 15 of 30 bytes", 4, 32, 0xf0, DECODE_MALFORMED},
		{"version 4 behind the EtherType of 6", 6, 0, 0x40, DECODE_MALFORMED},
		{"payload length 0: the frame's", 6, 5, 0, DECODE_TCP},
		{"payload length 19", 6, 5, 19, DECODE_MALFORMED},
		{"an extension header longer than the packet", 6, 6, 60, DECODE_MALFORMED},
		{"no next header", 6, 6, 59, DECODE_OTHER},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct craft c;
		struct segment s;
		uint32_t ip;
		build(&rows[lies[i].family == 4 ? 0 : 1], &c, &ip);
		c.bytes[ip + lies[i].at] = lies[i].value;
		decode(c.bytes, c.len, c.len, LINK_ETHERNET, &s);
		if (s.result != lies[i].result)
			printf("%s: result %d\n", lies[i].what, s.result);
		CU_ASSERT_EQUAL(s.result, lies[i].result);
		if (s.result == DECODE_TCP)
			CU_ASSERT(s.payload_len == PAYLOAD && s.ip_bytes == c.len - ip);
	}
}

static void test_links_that_are_not_ip(void)
{
	static const char arp[] = MACS "\x08\x06\0\1";
	static const char lcp[] = MACS "\x88\x64\x11\0\0\1\0\4\xc0\x21\1\1";
	struct segment s;

	decode((const uint8_t *)arp, sizeof(arp) - 1, 60, LINK_ETHERNET, &s);
	CU_ASSERT(s.result == DECODE_OTHER && s.family == 0 && s.ethertype == 0x0806);
	decode((const uint8_t *)lcp, sizeof(lcp) - 1, 60, LINK_ETHERNET, &s);
	CU_ASSERT(s.result == DECODE_OTHER && s.family == 0 && s.ppp_proto == 0xc021);
	decode((const uint8_t *)arp, sizeof(arp) - 1, 60, 147, &s);
	CU_ASSERT_EQUAL(s.result, DECODE_UNKNOWN_LINK);
}

void suite_decode(void)
{
	CU_pSuite suite = CU_add_suite("decode", NULL, NULL);

	CU_ADD_TEST(suite, test_every_link_and_header);
	CU_ADD_TEST(suite, test_every_prefix);
	CU_ADD_TEST(suite, test_tcpdump_agrees);
	CU_ADD_TEST(suite, test_fragments_and_lies);
	CU_ADD_TEST(suite, test_links_that_are_not_ip);
}
