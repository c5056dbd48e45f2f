/* SPDX-License-Identifier: MIT
 *
 * test_appid.c - labels of frames that are no MPTCP. The bytes are raw IP or Ethernet, captioned in
 * tcpdump's words.
 *
 * The oracle of a label is the assigned number (IANA) or OpenMPTCProuter's port table.
 */
#include "../dissect/appid.h"
#include "../dissect/state.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_appid(void);

static struct appid_answer label_frame(struct appid *appid, uint16_t linktype, const uint8_t *data,
                                       size_t length)
{
	uint8_t *exact = malloc(length + 1); /* the sanitizer sees each byte read behind the end */
	struct frame frame = {.ts_ns = 1700000000000000000ull,
	                      .number = 1,
	                      .data = exact + 1,
	                      .caplen = (uint32_t)length,
	                      .wire_len = (uint32_t)length,
	                      .linktype = linktype};
	struct appid_answer answer = {.label = ""};
	struct segment segment;

	memcpy(exact + 1, data, length);
	decode_frame(&frame, &segment);
	if (segment.result == DECODE_OTHER || segment.result == DECODE_TCP)
		appid_label(appid, &frame, &segment, &answer);
	free(exact);
	return answer;
}

/* An IPv4 packet: addresses and what follows the header. Returns its length. */
static size_t ipv4(uint8_t *out, uint8_t proto, uint8_t tos, const uint8_t src[4],
                   const uint8_t dst[4], const void *body, size_t size)
{
	const uint8_t head[] = {
		0x45, tos,  (uint8_t)((20 + size) >> 8), (uint8_t)(20 + size), 0, 0, 0, 0,
		64,   proto};

	memcpy(out, head, sizeof(head));
	memset(out + 10, 0, 2);
	memcpy(out + 12, src, 4);
	memcpy(out + 16, dst, 4);
	memcpy(out + 20, body, size);
	return 20 + size;
}

static const uint8_t wan[4] = {192, 168, 8, 100}, vps[4] = {203, 0, 113, 10};
static const uint8_t gateway[4] = {192, 168, 8, 1}, everyone[4] = {255, 255, 255, 255};

static void expect(struct appid *appid, uint8_t proto, uint8_t tos, const uint8_t *dst,
                   const void *body, size_t size, const char *label, bool local)
{
	uint8_t packet[256];
	size_t length = ipv4(packet, proto, tos, wan, dst, body, size);
	struct appid_answer answer = label_frame(appid, LINK_RAW, packet, length);

	if (strcmp(answer.label, label))
		printf("%s instead of %s\n", answer.label, label);
	CU_ASSERT_STRING_EQUAL(answer.label, label);
	CU_ASSERT_EQUAL(answer.local, local);
}

static void expect_ports(struct appid *appid, uint8_t proto, uint16_t sport, uint16_t dport,
                         const char *label)
{
	uint8_t body[28] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8),
	                    (uint8_t)dport};

	if (proto == 17)
		body[5] = sizeof(body);
	else
		body[12] = 0x50;
	expect(appid, proto, 0, vps, body, sizeof(body), label, false);
}

static void test_numbers_of_ip(void)
{
	struct appid *appid = appid_new(true);
	const uint8_t echo[8] = {8}, reply[8] = {0}, unreachable[8] = {3, 1};

	/* IP (tos 0xb8, proto ICMP) 192.168.8.100 > 203.0.113.10: ICMP echo request */
	expect(appid, 1, 0xb8, vps, echo, 8, "icmp-tracker", false);
	/* ... to the modem: the tracker's gateway ping is not billed */
	expect(appid, 1, 0xb8, gateway, echo, 8, "icmp-tracker", true);
	/* IP (tos 0x0) ICMP echo request, echo reply */
	expect(appid, 1, 0, vps, echo, 8, "icmp-echo", false);
	expect(appid, 1, 0, vps, reply, 8, "icmp-echo", false);
	/* ICMP host 203.0.113.10 unreachable */
	expect(appid, 1, 0xc0, vps, unreachable, 8, "icmp", false);
	/* ESP, GRE, SCTP, a number nobody knows */
	expect(appid, 50, 0, vps, echo, 8, "ipsec-esp", false);
	expect(appid, 47, 0, vps, echo, 8, "gre", false);
	expect(appid, 132, 0, vps, echo, 8, "sctp", false);
	expect(appid, 200, 0, vps, echo, 8, "ip-proto-200", false);
	/* igmp query to 224.0.0.1 */
	expect(appid, 2, 0, (const uint8_t[]){224, 0, 0, 1}, echo, 8, "igmp", true);
	appid_free(appid);
}

static void test_ports(void)
{
	static const struct {
		uint8_t proto;
		uint16_t sport, dport;
		const char *label;
	} rows[] = {
		{17, 40000, 53, "dns"},
		{17, 53, 40000, "dns"},
		{17, 123, 123, "ntp"},
		{6, 40000, 443, "https"},
		{17, 443, 40000, "quic"},
		{6, 40000, 80, "http"},
		{6, 65222, 40000, "ssh"},
		{6, 40000, 65500, "omr-api"},
		{17, 40000, 65001, "glorytun"},
		{17, 40000, 65201, "mlvpn"},
		{17, 65208, 65208, "mlvpn"},
		{17, 40000, 65251, "ubond"},
		{6, 40000, 65251, "xray"},
		{17, 40000, 65311, "wireguard"},
		{17, 40000, 65301, "openvpn"},
		{17, 40000, 65355, "openvpn"},
		{6, 40000, 65400, "iperf3"},
		{17, 40000, 65443, "mqvpn"},
		{6, 40000, 65101, "shadowsocks"},
		{6, 40000, 65280, "shadowsocks"},
		{6, 40000, 65231, "v2ray"},
		{6, 40000, 65248, "xray"},
		{6, 40000, 65401, "dsvpn"},
		{17, 40000, 40001, "udp"},
		{6, 40000, 40001, "tcp"},
		{17, 40000, 65209, "udp"},
	};
	struct appid *appid = appid_new(true);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_ports(appid, rows[i].proto, rows[i].sport, rows[i].dport, rows[i].label);
		expect_ports(appid, rows[i].proto, rows[i].dport, rows[i].sport, rows[i].label);
	}
	CU_ASSERT_STRING_EQUAL(appid_service(appid, 6, 50000, 65101), "shadowsocks");
	CU_ASSERT_PTR_NULL(appid_service(appid, 6, 50000, 50001));
	CU_ASSERT_PTR_NULL(appid_service(appid, 1, 53, 53));
	appid_free(appid);
}

static void test_local(void)
{
	struct appid *appid = appid_new(true);
	/* 192.168.8.100.68 > 255.255.255.255.67: BOOTP/DHCP; and a renewal to the carrier's server
	 */
	const uint8_t dhcp[12] = {0, 68, 0, 67, 0, 12};
	/* 192.168.8.100.40000 > 224.0.0.251.5353 */
	const uint8_t mdns[12] = {0x9c, 0x40, 0x14, 0xe9, 0, 12};
	/* 192.168.8.100.40000 > 192.168.8.1.80: the modem's own page */
	const uint8_t http[20] = {0x9c, 0x40, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50};
	/* the carrier's gateway in 10.0.0.0/8 is billed */
	const uint8_t echo[8] = {8};

	expect(appid, 17, 0, everyone, dhcp, 12, "dhcp", true);
	expect(appid, 17, 0, vps, dhcp, 12, "dhcp", true);
	expect(appid, 17, 0, (const uint8_t[]){224, 0, 0, 251}, mdns, 12, "mdns", true);
	expect(appid, 6, 0, gateway, http, 20, "http", true);
	expect(appid, 1, 0, (const uint8_t[]){10, 0, 0, 1}, echo, 8, "icmp-echo", false);
	expect(appid, 1, 0, (const uint8_t[]){192, 168, 9, 1}, echo, 8, "icmp-echo", false);
	expect(appid, 1, 0, (const uint8_t[]){169, 254, 9, 1}, echo, 8, "icmp-echo", true);
	appid_free(appid);
}

static void test_ipv6(void)
{
	struct appid *appid = appid_new(true);
	uint8_t packet[48] = {0x60, 0, 0, 0, 0, 8, 58, 255, 0x20, 0x01, 0x0d, 0xb8};
	struct appid_answer answer;

	memcpy(packet + 24, packet + 8, 4);
	packet[39] = 1;
	packet[40] = 135; /* 2001:db8:: > 2001:db8::1: ICMP6, neighbor solicitation */
	answer = label_frame(appid, LINK_RAW, packet, sizeof(packet));
	CU_ASSERT_STRING_EQUAL(answer.label, "nd");
	CU_ASSERT_TRUE(answer.local);
	packet[40] = 128; /* ICMP6, echo request */
	answer = label_frame(appid, LINK_RAW, packet, sizeof(packet));
	CU_ASSERT_STRING_EQUAL(answer.label, "icmp-echo");
	CU_ASSERT_FALSE(answer.local);
	packet[40] = 143; /* multicast listener report v2, > ff02::16 */
	packet[24] = 0xff;
	packet[25] = 0x02;
	answer = label_frame(appid, LINK_RAW, packet, sizeof(packet));
	CU_ASSERT_STRING_EQUAL(answer.label, "icmp6");
	CU_ASSERT_TRUE(answer.local);
	appid_free(appid);
}

static void test_link(void)
{
	static const struct {
		uint8_t type[2], first[10];
		const char *label;
	} rows[] = {
		{{0x08, 0x06}, {0, 1, 8, 0}, "arp"},
		{{0x88, 0xcc}, {2, 7}, "lldp"},
		{{0x88, 0x63}, {0x11, 0x09}, "pppoe-discovery"},
		{{0x88, 0x64}, {0x11, 0, 0, 1, 0, 4, 0xc0, 0x21, 9}, "lcp"},
		{{0x88, 0x64}, {0x11, 0, 0, 1, 0, 4, 0x80, 0x21, 1}, "ipcp"},
		{{0x88, 0x64}, {0x11, 0, 0, 1, 0, 4, 0xc0, 0x99, 1}, "ethertype-8864"},
		{{0x00, 0x26}, {0x42, 0x42, 3}, "stp"},
		{{0x00, 0x26}, {0xf0, 0xf0, 3}, "llc"},
		{{0x88, 0xb5}, {1}, "ethertype-88b5"},
	};
	struct appid *appid = appid_new(true);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
		struct appid_answer answer;

		memcpy(frame + 12, rows[i].type, 2);
		memcpy(frame + 14, rows[i].first, 10);
		answer = label_frame(appid, LINK_ETHERNET, frame, sizeof(frame));
		CU_ASSERT_STRING_EQUAL(answer.label, rows[i].label);
		CU_ASSERT_TRUE(answer.local);
	}
	appid_free(appid);
}

static void test_many_ethertypes(void)
{
	struct appid *appid = appid_new(true);
	uint8_t frame[60] = {0};

	for (unsigned type = 0xa000; type < 0xa100; type++) {
		struct appid_answer answer;

		frame[12] = (uint8_t)(type >> 8);
		frame[13] = (uint8_t)type;
		answer = label_frame(appid, LINK_ETHERNET, frame, sizeof(frame));
		CU_ASSERT_EQUAL(strncmp(answer.label, "ethertype-", 10), 0);
	}
	appid_free(appid);
}

/* 192.168.8.100.40000 > 203.0.113.10.40001: UDP, a ping of BitTorrent's hash table (BEP 5) */
static void test_engine_names_a_flow(void)
{
	static const char datagram[] = "\x9c\x40\x9c\x41\0\x40\0\0"
				       "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
	struct appid *appid = appid_new(false), *tables = appid_new(true);
	struct appid_engine *engine = appid_engine_new();
	uint8_t packet[128];
	size_t length = ipv4(packet, 17, 0, wan, vps, datagram, sizeof(datagram) - 1);
	const char *first = label_frame(appid, LINK_RAW, packet, length).label;
	const char *later = label_frame(appid, LINK_RAW, packet, length).label;

	CU_ASSERT_STRING_EQUAL(label_frame(tables, LINK_RAW, packet, length).label, "udp");
	CU_ASSERT_STRING_EQUAL(first, engine ? "bittorrent" : "udp");
	CU_ASSERT_PTR_EQUAL(first, later);
	if (engine)
		appid_engine_free(engine);
	appid_free(appid);
	appid_free(tables);
}

/* The labels of one dissection go on in the next. */
static struct appid *carried_over(struct appid *appid)
{
	struct state_out out = {0};
	struct appid *next = appid_new(false);

	appid_save(appid, &out);
	struct state_in in = {.bytes = bytes_of(out.data, out.n)};
	appid_load(next, &in);
	CU_ASSERT(!in.damaged && bytes_left(&in.bytes) == 0);
	for (size_t n = 0; n < out.n; n++) { /* cut short: refused, never read past its end */
		struct appid *other = appid_new(false);
		struct state_in part = {.bytes = bytes_of(out.data, n)};

		appid_load(other, &part);
		CU_ASSERT(part.damaged);
		appid_free(other);
	}
	state_out_release(&out);
	appid_free(appid);
	return next;
}

/* Of three flows one is named by its first packet, one by none of its first eight, one by its
 * second. Over a cut the first keeps its name, which no later packet would tell; the last is looked
 * at anew. */
static void test_engine_over_a_cut(void)
{
	static const char ping[] = "\x9c\x40\x9c\x41\0\x40\0\0"
				   "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
	static const uint8_t dull[48] = {0x9c, 0x40, 0x9c, 0x41, 0, 48, 0, 0, 'd', 'u', 'l', 'l'};
	static const uint8_t mute[4] = {198, 51, 100, 7}, late[4] = {198, 51, 100, 8};
	struct appid_engine *engine = appid_engine_new();
	const char *name = engine ? "bittorrent" : "udp";
	struct appid *appid = appid_new(false);

	for (int i = 0; i < 9; i++)
		expect(appid, 17, 0, mute, dull, sizeof(dull), "udp", false);
	expect(appid, 17, 0, late, dull, sizeof(dull), "udp", false);
	/* last: of a port that spoke BitTorrent nDPI expects more of it */
	expect(appid, 17, 0, vps, ping, sizeof(ping) - 1, name, false);
	appid = carried_over(carried_over(appid));
	expect(appid, 17, 0, vps, dull, sizeof(dull), name, false);
	/* nine packets were enough: nobody looks any more, here as there */
	expect(appid, 17, 0, mute, ping, sizeof(ping) - 1, "udp", false);
	expect(appid, 17, 0, late, ping, sizeof(ping) - 1, name, false);
	if (engine)
		appid_engine_free(engine);
	appid_free(appid);
}

/* Which unknown numbers have a label of their own, and which have none left, is the same after a
 * cut. */
static void test_ethertypes_over_a_cut(void)
{
	struct appid *appid = appid_new(true);
	uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	for (unsigned type = 0; type < 70; type++) {
		frame[12] = 0x70;
		frame[13] = (uint8_t)type;
		if (type == 40)
			appid = carried_over(appid);
		const char *label = label_frame(appid, LINK_ETHERNET, frame, sizeof(frame)).label;
		CU_ASSERT_EQUAL(strcmp(label, "ethertype-other") == 0, type >= 64);
	}
	appid_free(appid);
}

/* Packets of random bytes with true and false lengths, of more flows than are kept. */
static void test_engine_survives(void)
{
	struct appid *appid = appid_new(false);
	uint64_t r = 88172645463325252ull;

	for (int i = 0; i < 6000; i++) {
		uint8_t packet[300];
		size_t size = sizeof(packet);

		for (size_t k = 0; k < size; k++) {
			r ^= r << 13, r ^= r >> 7, r ^= r << 17;
			packet[k] = (uint8_t)r;
		}
		size = 20 + r % (size - 20);
		packet[0] = i % 3 ? 0x45 : 0x60;
		packet[9] = i % 2 ? 17 : 6;
		packet[6] = i % 3 ? 0 : packet[9];
		packet[7] = 0;
		if (i % 5) {
			packet[2] = (uint8_t)(size >> 8);
			packet[3] = (uint8_t)size;
			packet[4] = 0;
			packet[5] = (uint8_t)(size - 40);
		}
		CU_ASSERT_PTR_NOT_NULL(label_frame(appid, LINK_RAW, packet, size).label);
	}
	appid_free(appid);
}

void suite_appid(void)
{
	CU_pSuite suite = CU_add_suite("appid", NULL, NULL);

	CU_ADD_TEST(suite, test_numbers_of_ip);
	CU_ADD_TEST(suite, test_ports);
	CU_ADD_TEST(suite, test_local);
	CU_ADD_TEST(suite, test_ipv6);
	CU_ADD_TEST(suite, test_link);
	CU_ADD_TEST(suite, test_many_ethertypes);
	CU_ADD_TEST(suite, test_engine_names_a_flow);
	CU_ADD_TEST(suite, test_engine_survives);
	CU_ADD_TEST(suite, test_engine_over_a_cut);
	CU_ADD_TEST(suite, test_ethertypes_over_a_cut);
}
