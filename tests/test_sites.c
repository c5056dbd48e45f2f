/* SPDX-License-Identifier: MIT
 *
 * test_sites.c - whose is a frame on a server's interface: networks, joins, address IDs, addresses
 * met, and what nothing tells.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dissect/digest.h"
#include "../dissect/recent.h"
#include "../dissect/sites.h"
#include "craft.h"
#include "guard.h"

void suite_sites(void);

enum { SYN = 2, ACK = 16, SERVER = 200, PORT = 5000 };
#define NS UINT64_C(1000000000)
static const uint8_t key_a[8] = "server-a", key_b[8] = "server-b";

/* ---- frames ---- */

struct bench {
	struct sites *sites;
	struct sites_place place;
	uint64_t now_ns;
	uint8_t mark;
};

static void send(struct bench *b, const struct craft_tcp *t)
{
	struct craft c = {.len = 0};

	craft_segment(&c, t);
	struct frame frame = {.ts_ns = b->now_ns,
	                      .data = c.bytes,
	                      .caplen = c.len,
	                      .wire_len = c.len,
	                      .linktype = LINK_RAW,
	                      .mark = b->mark};
	CU_ASSERT_TRUE(sites_place(b->sites, &frame, &b->place));
	b->now_ns += NS / 1000;
}

static struct craft_tcp from_router(uint8_t address, uint16_t port, uint8_t flags)
{
	return (struct craft_tcp){.family = 4,
	                          .src = address,
	                          .dst = SERVER,
	                          .sport = port,
	                          .dport = PORT,
	                          .flags = flags};
}

static struct craft_tcp to_router(uint8_t address, uint16_t port, uint8_t flags)
{
	return (struct craft_tcp){.family = 4,
	                          .src = SERVER,
	                          .dst = address,
	                          .sport = PORT,
	                          .dport = port,
	                          .flags = flags};
}

/* MP_CAPABLE of version 1: SYN without a key, or SYN/ACK with the server's. */
static void capable(struct craft_tcp *t, const uint8_t *key)
{
	struct craft body = {.len = 0};

	craft_be(&body, 0x01, 1);
	if (key)
		craft_bytes(&body, key, 8);
	craft_mptcp(&t->options, 0, 1, &body);
}

static void join_syn(struct craft_tcp *t, uint8_t id, uint32_t token)
{
	struct craft body = {.len = 0};

	craft_be(&body, id, 1);
	craft_be(&body, token, 4);
	craft_be(&body, 0x12345678, 4);
	craft_mptcp(&t->options, 1, 0, &body);
}

static void join_answer(struct craft_tcp *t, uint8_t id)
{
	struct craft body = {.len = 0};

	craft_be(&body, id, 1);
	craft_fill(&body, 0x55, 12);
	craft_mptcp(&t->options, 1, 0, &body);
}

/* S, then S. with the server's key. */
static void opens(struct bench *b, uint8_t address, uint16_t port, const uint8_t key[8])
{
	struct craft_tcp syn = from_router(address, port, SYN),
			 answer = to_router(address, port, SYN | ACK);

	capable(&syn, NULL);
	capable(&answer, key);
	send(b, &syn);
	send(b, &answer);
}

static void joins(struct bench *b, uint8_t address, uint16_t port, uint8_t id, const uint8_t key[8])
{
	struct craft_tcp syn = from_router(address, port, SYN);

	join_syn(&syn, id, digest_token(1, key));
	send(b, &syn);
}

static void says(struct bench *b, uint8_t address, uint16_t port)
{
	struct craft_tcp t = from_router(address, port, ACK);

	t.payload_len = 10;
	send(b, &t);
}

/* "SITE/WAN", "SITE/-" untold, "-" nobody's. */
static const char *where(const struct bench *b)
{
	static char text[200];
	uint32_t site = b->place.site, wan = b->place.wan;

	if (site == sites_count(b->sites))
		return "-";
	snprintf(text, sizeof(text), "%s/%s", sites_name(b->sites, site),
	         wan == sites_wans(b->sites, site) ? "-" : sites_wan(b->sites, site, wan));
	return text;
}

#define AT(bench, expected) CU_ASSERT_STRING_EQUAL(where(bench), expected)

/* Rows as "SITE WAN SIGN". */
static struct sites *sites_of(const char *const (*words)[3], size_t n, char *message, size_t size)
{
	struct sites_row rows[16];

	for (size_t i = 0; i < n; i++) {
		rows[i].site = words[i][0];
		rows[i].wan = words[i][1];
		CU_ASSERT_TRUE_FATAL(sites_read_sign(words[i][2], &rows[i].sign));
	}
	return sites_new(rows, n, &(struct sites_options){.seed = 7}, message, size);
}

static struct bench bench_of(const char *const (*words)[3], size_t n)
{
	char message[300] = "";
	struct bench b = {.sites = sites_of(words, n, message, sizeof(message)), .now_ns = NS};

	CU_ASSERT_PTR_NOT_NULL_FATAL(b.sites);
	return b;
}
#define BENCH(words) bench_of(words, sizeof(words) / sizeof(*words))

static uint64_t untold(const struct bench *b, size_t site, enum untold reason)
{
	return sites_tally(b->sites, site)->untold[reason];
}

/* ---- what the operator says ---- */

static void test_signs(void)
{
	static const char *const wrong[] = {"",        "192.0.2.1/33", "192.0.2.1/", "192.0.2",
	                                    "a.b.c.d", "::1/129",      "1.2.3.4/+8", "1.2.3.4/8x",
	                                    "id:",     "id:256",       "id:-1",      "id:1x",
	                                    "id: 1",   "host evil"};
	struct sites_sign sign;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CU_ASSERT_FALSE(sites_read_sign(wrong[i], &sign));
	CU_ASSERT_TRUE(sites_read_sign("192.0.2.200/25", &sign));
	CU_ASSERT_EQUAL(sign.addr[3], 128);
	CU_ASSERT_EQUAL(sign.bits, 25);
	CU_ASSERT_TRUE(sites_read_sign("id:255", &sign));
	CU_ASSERT_TRUE(sign.is_id && sign.id == 255);
	CU_ASSERT_TRUE(sites_read_sign("::/0", &sign));
	CU_ASSERT_EQUAL(sign.bits, 0);
}

static void test_rows_that_contradict(void)
{
	static const char *const twice[][3] = {{"a", "w1", "192.0.2.1"},
	                                       {"b", "w1", "192.0.2.1/32"}};
	static const char *const ids[][3] = {{"a", "w1", "id:1"}, {"a", "w2", "id:1"}};
	static const char *const fine[][3] = {{"a", "w1", "id:1"},
	                                      {"b", "w2", "id:1"},
	                                      {"a", "w1", "id:1"},
	                                      {"a", "w1", "192.0.2.1"},
	                                      {"a", "w1", "192.0.2.1"}};
	char message[300] = "";

	CU_ASSERT_PTR_NULL(sites_of(twice, 2, message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(message, "the same network is told of two WANs: a w1 and b w1");
	CU_ASSERT_PTR_NULL(sites_of(ids, 2, message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(message, "address ID 1 is told of two WANs of a: w1 and w2");
	struct sites *sites = sites_of(fine, 5, message, sizeof(message));
	CU_ASSERT_EQUAL(sites_count(sites), 2);
	sites_free(sites);
}

/* ---- networks ---- */

/* The longest prefix counts, at either end; nothing else is anybody's. */
static void test_networks(void)
{
	static const char *const rows[][3] = {{"", "wide", "192.0.2.0/26"},
	                                      {"", "one", "192.0.2.7"},
	                                      {"", "six", "2001:db8::7/128"}};
	static const struct {
		uint8_t family, src, dst, mark;
		const char *at;
	} cases[] = {
		{4, 7, 9, MARK_OUT, "/one"},    {4, 9, 7, MARK_IN, "/one"},
		{4, 63, 99, MARK_OUT, "/wide"}, {4, 64, 3, MARK_IN, "/wide"},
		{4, 64, 99, MARK_NONE, "-"},    {6, 7, 1, MARK_OUT, "/six"},
		{6, 1, 7, MARK_IN, "/six"},     {6, 1, 8, MARK_NONE, "-"},
	};
	struct bench b = BENCH(rows);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct craft_tcp t = {
			.family = cases[i].family, .src = cases[i].src, .dst = cases[i].dst};

		send(&b, &t);
		AT(&b, cases[i].at);
		CU_ASSERT_EQUAL(b.place.mark, cases[i].mark);
	}
	sites_free(b.sites);
}

/* ARP tells its addresses, too; a link type nobody reads tells nothing. */
static void test_arp(void)
{
	static const char *const rows[][3] = {{"", "w1", "192.0.2.1"}};
	struct bench b = BENCH(rows);
	struct craft c = {.len = 0};

	craft_ethernet(&c, 0x0806);
	craft_be(&c, UINT64_C(0x0001080006040001), 8);
	craft_be(&c, 0x020000000001, 6);
	craft_be(&c, 0xc0000209, 4);
	craft_be(&c, 0, 6);
	craft_be(&c, 0xc0000201, 4);
	struct frame frame = {
		.data = c.bytes, .caplen = c.len, .wire_len = c.len, .linktype = LINK_ETHERNET};
	sites_place(b.sites, &frame, &b.place);
	AT(&b, "/w1");
	CU_ASSERT_EQUAL(b.place.mark, MARK_IN);
	frame.linktype = 147;
	sites_place(b.sites, &frame, &b.place);
	AT(&b, "-");
	sites_free(b.sites);
}

/* ---- address IDs of one router ---- */

static const char *const by_id[][3] = {
	{"", "fibre", "id:0"}, {"", "fibre", "id:1"}, {"", "lte", "id:2"}};

static void test_ids(void)
{
	struct bench b = BENCH(by_id);

	opens(&b, 11, 1000, key_a); /* fibre */
	AT(&b, "/fibre");
	CU_ASSERT_EQUAL(b.place.mark, MARK_IN);
	joins(&b, 12, 1001, 2, key_a);
	AT(&b, "/lte");
	CU_ASSERT_EQUAL(b.place.mark, MARK_OUT);
	says(&b, 12, 1001);
	AT(&b, "/lte");
	says(&b, 11, 1000);
	AT(&b, "/fibre");
	joins(&b, 11, 1002, 1, key_a); /* the fibre returned */
	AT(&b, "/fibre");
	CU_ASSERT_EQUAL(sites_tally(b.sites, 0)->contradicted, 0);
	sites_free(b.sites);
}

/* What cannot be told has no WAN, and a reason. */
static void test_untold(void)
{
	static const char *const rows[][3] = {{"", "fibre", "id:1"}, {"", "lte", "id:2"}};
	struct bench b = BENCH(rows);
	struct craft_tcp t = from_router(12, 1003, ACK);
	struct craft body = {.len = 0};

	opens(&b, 11, 1000, key_a); /* no id:0 */
	AT(&b, "/-");
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_OPENING), 2);
	joins(&b, 12, 1001, 3, key_a); /* an ID of nobody */
	AT(&b, "/-");
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_JOINED), 1);
	says(&b, 13, 1002); /* no start, no option */
	AT(&b, "/-");
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_PLAIN), 1);
	craft_be(&body, 0x01, 1);
	craft_be(&body, 5, 4);
	craft_mptcp(&t.options, 2, 0, &body); /* no start, a DSS */
	send(&b, &t);
	AT(&b, "/-");
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_MIDWAY), 1);
	t = from_router(14, 53, 0);
	t.proto = 17;
	send(&b, &t);
	AT(&b, "/-");
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_OTHER), 1);
	sites_begin(b.sites);
	CU_ASSERT_EQUAL(untold(&b, 0, UNTOLD_OTHER), 0);
	sites_free(b.sites);
}

/* An address that subflows of one WAN had tells pings, later openings and subflows met midway. */
static void test_addresses_met(void)
{
	struct bench b = BENCH(by_id);
	struct craft_tcp ping = from_router(12, 0, 0);

	ping.proto = 1;
	opens(&b, 11, 1000, key_a);
	send(&b, &ping);
	AT(&b, "/-");
	joins(&b, 12, 1001, 2, key_a);
	send(&b, &ping);
	AT(&b, "/lte");
	says(&b, 12, 4444);
	AT(&b, "/lte");
	opens(&b, 12, 1002, key_b); /* the fibre is out: id:0 is not the fibre now */
	AT(&b, "/lte");
	b.now_ns += SITES_FRESH_NS;
	send(&b, &ping);
	AT(&b, "/-");
	CU_ASSERT_EQUAL(sites_tally(b.sites, 0)->contradicted, 0);
	sites_free(b.sites);
}

/* Numbers that were given anew are noticed by an address that changes its WAN. */
static void test_contradiction(void)
{
	struct bench b = BENCH(by_id);

	opens(&b, 11, 1000, key_a);
	joins(&b, 12, 1001, 2, key_a);
	joins(&b, 12, 1002, 1, key_a);
	AT(&b, "/fibre");
	CU_ASSERT_EQUAL(sites_tally(b.sites, 0)->contradicted, 1);
	says(&b, 12, 4444); /* of several WANs: it tells none */
	AT(&b, "/-");
	sites_free(b.sites);
	b = BENCH(by_id);
	opens(&b, 12, 1000, key_a); /* over lte: id:0 says fibre */
	AT(&b, "/fibre");
	joins(&b, 12, 1001, 2, key_a);
	AT(&b, "/lte");
	CU_ASSERT_EQUAL(sites_tally(b.sites, 0)->contradicted, 1);
	sites_free(b.sites);
}

/* The server joins to an address it was told: the ID stands in the answer. */
static void test_server_joins(void)
{
	struct bench b = BENCH(by_id);
	struct craft_tcp syn = to_router(12, 1001, SYN), answer = from_router(12, 1001, SYN | ACK);

	opens(&b, 11, 1000, key_a);
	join_syn(&syn, 9, 0x11111111);
	join_answer(&answer, 2);
	send(&b, &syn);
	AT(&b, "/-");
	send(&b, &answer);
	AT(&b, "/lte");
	CU_ASSERT_EQUAL(b.place.mark, MARK_OUT);
	says(&b, 12, 1001);
	AT(&b, "/lte");
	sites_free(b.sites);
}

/* ---- several routers ---- */

static const char *const two[][3] = {{"a", "fibre", "192.0.2.1"},
                                     {"a", "lte", "id:2"},
                                     {"b", "fibre", "192.0.2.2"},
                                     {"b", "lte", "id:2"}};

/* One public address, two customers: the token tells. */
static void test_tokens(void)
{
	struct bench b = BENCH(two);

	opens(&b, 1, 1000, key_a);
	opens(&b, 2, 1000, key_b);
	joins(&b, 50, 1001, 2, key_a);
	AT(&b, "a/lte");
	joins(&b, 50, 1002, 2, key_b);
	AT(&b, "b/lte");
	says(&b, 50, 1001);
	AT(&b, "a/lte");
	says(&b, 50, 1002);
	AT(&b, "b/lte");
	joins(&b, 51, 1003, 5, key_b); /* the site is known, the WAN is not */
	AT(&b, "b/-");
	says(&b, 50, 7777); /* the address was of two sites */
	AT(&b, "-");
	CU_ASSERT_EQUAL(sites_tally(b.sites, 0)->contradicted, 0);
	CU_ASSERT_EQUAL(sites_tally(b.sites, 1)->contradicted, 0);
	sites_free(b.sites);
}

/* Opened from an address nobody knows: whose it is shows with the first join from one that is. */
static void test_adoption(void)
{
	struct bench b = BENCH(two);

	opens(&b, 60, 1000, key_a);
	AT(&b, "-");
	CU_ASSERT_EQUAL(untold(&b, 2, UNTOLD_OPENING), 2);
	joins(&b, 61, 1001, 2, key_a);
	AT(&b, "-");
	joins(&b, 2, 1002, 1, key_a);
	AT(&b, "b/fibre");
	says(&b, 60, 1000);
	AT(&b, "b/-");
	says(&b, 61, 1001);
	AT(&b, "b/lte");
	CU_ASSERT_EQUAL(untold(&b, 1, UNTOLD_OPENING), 1);
	sites_free(b.sites);
}

/* ---- hostile ---- */

static void test_prefixes(void)
{
	struct bench b = BENCH(two);
	struct craft_tcp syn = from_router(70, 1000, SYN);
	struct guard guard = guard_new();
	struct craft c = {.len = 0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(guard.end);
	join_syn(&syn, 2, 1);
	craft_segment(&c, &syn);
	for (uint32_t n = 0; n <= c.len; n++) {
		struct frame frame = {.data = guard_put(&guard, c.bytes, n),
		                      .caplen = n,
		                      .wire_len = c.len,
		                      .linktype = LINK_RAW};

		CU_ASSERT_TRUE(sites_place(b.sites, &frame, &b.place));
		AT(&b, "-");
	}
	guard_free(&guard);
	sites_free(b.sites);
}

/* A flood of connections makes room by giving up what was silent for the longest time. */
static void test_recent(void)
{
	struct recent *recent = recent_new(100, sizeof(uint64_t), 3);
	struct recent_key first = {.words = {~0u}};

	*(uint64_t *)recent_put(recent, &first) = 42;
	for (uint64_t i = 0; i < 1000; i++) {
		struct recent_key key = {.words = {i}};
		uint64_t *value = recent_put(recent, &key);

		CU_ASSERT_EQUAL_FATAL(*value, 0);
		*value = i + 1;
		value = recent_find(recent, &first);
		CU_ASSERT_TRUE_FATAL(value && *value == 42);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		struct recent_key key = {.words = {i}};
		const uint64_t *value = recent_find(recent, &key);

		CU_ASSERT_EQUAL(value != NULL, i >= 901);
		CU_ASSERT_TRUE(!value || *value == i + 1);
	}
	recent_free(recent);
}

void suite_sites(void)
{
	CU_pSuite suite = CU_add_suite("sites", NULL, NULL);

	CU_ADD_TEST(suite, test_signs);
	CU_ADD_TEST(suite, test_rows_that_contradict);
	CU_ADD_TEST(suite, test_networks);
	CU_ADD_TEST(suite, test_arp);
	CU_ADD_TEST(suite, test_ids);
	CU_ADD_TEST(suite, test_untold);
	CU_ADD_TEST(suite, test_addresses_met);
	CU_ADD_TEST(suite, test_contradiction);
	CU_ADD_TEST(suite, test_server_joins);
	CU_ADD_TEST(suite, test_tokens);
	CU_ADD_TEST(suite, test_adoption);
	CU_ADD_TEST(suite, test_prefixes);
	CU_ADD_TEST(suite, test_recent);
}
