/* SPDX-License-Identifier: MIT
 *
 * test_causes.c - what bytes were used for, and the rules about it (rules_traffic.c), each passing
 * and failing.
 *
 * Ledgers are built by hand: the causes must add up to what the test put in, to the byte.
 */
#include "../report/causes.h"
#include "../report/report.h"
#include "english.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void suite_causes(void);

#define T0 UINT64_C(1700000000000000000)
#define S  UINT64_C(1000000000)
#define H  3600u

struct story {
	struct ledger ledger;
	struct policy policy;
	struct report report;
	bool built;
	char message[700];
};

/* `seconds` of wan1 (master) and wan2 (backup); 20 MB of MPTCP with 203.0.113.10 on wan1. */
static struct story *story_new(uint64_t seconds)
{
	struct story *s = calloc(1, sizeof(*s));

	ledger_init(&s->ledger);
	policy_init(&s->policy);
	ledger_wan(&s->ledger, "wan1");
	ledger_wan(&s->ledger, "wan2");
	ledger_file(&s->ledger, "wan1.pcap", 0);
	ledger_file(&s->ledger, "wan2.pcap", 1);
	s->ledger.shared_known = true;
	s->ledger.shared_start_ns = T0;
	s->ledger.shared_end_ns = T0 + seconds * S;
	policy_add_role(&s->policy, "wan1", SUBJECT_ANY, "master", FROM_FLAG, s->message,
	                sizeof(s->message));
	policy_add_role(&s->policy, "wan2", SUBJECT_ANY, "backup", FROM_FLAG, s->message,
	                sizeof(s->message));
	return s;
}

struct frame {
	uint32_t wan;
	double second;
	const char *peer, *app;
	enum kind kind;
	enum traffic traffic;
	enum direction direction;
	uint32_t bytes;
	bool opens;
};

static void put(struct story *s, const struct frame *f)
{
	struct ledger_entry e = {
		.wan = f->wan,
		.ts_ns = T0 + (uint64_t)(f->second * 1e9),
		.number = 1 + (uint64_t)f->second,
		.file = f->wan,
		.l2_bytes = f->bytes + 14,
		.ip_bytes = f->bytes,
		.direction = (uint8_t)f->direction,
		.kind = (uint8_t)f->kind,
		.traffic = (uint8_t)f->traffic,
		.shared = true,
		.app = f->app ? ledger_app(&s->ledger, f->app) : 0,
	};
	struct ledger_peer_key key = {.family = 4, .traffic = e.traffic, .app = e.app};
	struct ledger_wan *wan = &s->ledger.wans[f->wan];
	uint32_t at;

	if (f->kind < KIND_CARRYING)
		e.payload[f->kind] = f->bytes;
	inet_pton(AF_INET, f->peer, key.addr);
	ledger_count(&s->ledger, &e);
	at = ledger_peer(&s->ledger, wan, &key);
	ledger_peer_count(&s->ledger, &wan->peers->rows[at], &e);
	wan->peers->rows[at].opened += f->opens;
}

#define VPS "203.0.113.10"

/* Frames of one sort every `step` seconds up to `until`. */
static void put_each(struct story *s, const struct frame *like, double step, double until)
{
	for (double t = like->second; t <= until; t += step) {
		struct frame f = *like;

		f.second = t;
		put(s, &f);
	}
}

static struct story *story_hours(unsigned hours)
{
	struct story *s = story_new(hours * H);

	for (int i = 0; i < 400; i++)
		put(s, &(struct frame){0, 1 + i, VPS, NULL, KIND_PAYLOAD, TRAFFIC_MPTCP, DIR_DOWN,
		                       50000, false});
	put(s,
	    &(struct frame){0, hours * H, VPS, NULL, KIND_ACK, TRAFFIC_MPTCP, DIR_UP, 52, false});
	put(s, &(struct frame){1, 0, VPS, NULL, KIND_HANDSHAKE, TRAFFIC_MPTCP, DIR_UP, 72, false});
	put_each(s,
	         &(struct frame){1, 1, VPS, NULL, KIND_KEEPALIVE, TRAFFIC_MPTCP, DIR_UP, 64, false},
	         60, hours * H);
	put(s,
	    &(struct frame){1, hours * H, VPS, NULL, KIND_ACK, TRAFFIC_MPTCP, DIR_UP, 52, false});
	return s;
}

static void build(struct story *s)
{
	struct report_options options = {.generated_ns = T0, .version = "test"};

	CU_ASSERT_EQUAL_FATAL(report_build(&s->report, &s->ledger, &s->policy, &options, s->message,
	                                   sizeof(s->message)),
	                      REPORT_FINE);
	s->built = true;
}

static void story_free(struct story *s)
{
	if (s->built)
		report_release(&s->report);
	policy_release(&s->policy);
	ledger_release(&s->ledger);
	free(s);
}

static const struct finding *finding(const struct story *s, const char *rule, int wan)
{
	for (size_t i = 0; i < s->report.n_findings; i++)
		if (strcmp(s->report.findings[i].rule, rule) == 0 &&
		    (wan < 0 || s->report.findings[i].wan == wan))
			return &s->report.findings[i];
	return NULL;
}

static const struct cause *cause(const struct story *s, const char *id)
{
	const struct account *account = &s->report.wans[1].whole;

	for (size_t i = 0; i < account->n_causes; i++)
		if (strcmp(account->causes[i].id, id) == 0)
			return &account->causes[i];
	return NULL;
}

/* Build; wan2's finding must be this and say that; free. */
static void expect(struct story *s, const char *rule, enum status status, const char *says)
{
	const struct finding *f;
	uint64_t sum = 0;

	build(s);
	f = finding(s, rule, 1);
	if (!f)
		f = finding(s, rule, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	if (f->status != status || !in_english(f->text, says))
		printf("%s is %s, not %s: %s\n", rule, status_names[f->status], status_names[status], says);
	CU_ASSERT_STRING_EQUAL(status_names[f->status], status_names[status]);
	CU_ASSERT_PTR_NOT_NULL(in_english(f->text, says));
	for (size_t i = 0; i < s->report.wans[1].whole.n_causes; i++)
		sum += s->report.wans[1].whole.causes[i].ip_bytes;
	CU_ASSERT_EQUAL(sum, s->report.wans[1].whole.billed);
	story_free(s);
}

/* ---- causes ---- */

static void test_names(void)
{
	struct story *s = story_hours(2);
	const struct cause *c;
	uint64_t sum = 0;

	put_each(s,
	         &(struct frame){1, 2, VPS, "icmp-tracker", KIND_OTHER, TRAFFIC_OTHER, DIR_UP, 84,
	                         false},
	         5, 600);
	put_each(s,
	         &(struct frame){1, 3, "192.0.2.53", "dns", KIND_OTHER, TRAFFIC_OTHER, DIR_UP, 60,
	                         false},
	         50, 600);
	put_each(s,
	         &(struct frame){1, 4, "198.51.100.7", "https", KIND_PAYLOAD, TRAFFIC_PLAIN,
	                         DIR_DOWN, 1400, false},
	         10, 100);
	put_each(s,
	         &(struct frame){1, 0, "198.51.100.9", "ssh", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_UP,
	                         1400, false},
	         100, 2 * H);
	put_each(s,
	         &(struct frame){1, 5, VPS, "iperf3", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN, 1400,
	                         false},
	         1, 20);
	put_each(s,
	         &(struct frame){1, 6, "192.168.8.1", "icmp-tracker", KIND_OTHER, TRAFFIC_LOCAL,
	                         DIR_UP, 84, false},
	         5, 100);
	build(s);
	for (size_t i = 0; i < s->report.wans[1].whole.n_causes; i++)
		sum += s->report.wans[1].whole.causes[i].ip_bytes;
	CU_ASSERT_EQUAL(sum, s->report.wans[1].whole.billed);
	CU_ASSERT_EQUAL(s->report.wans[1].whole.local, 19 * 84);
	CU_ASSERT_PTR_NOT_NULL(c = cause(s, "tracker_ping"));
	CU_ASSERT_EQUAL(c->ip_bytes, 120 * 84);
	CU_ASSERT_PTR_NOT_NULL(c = cause(s, "dns"));
	CU_ASSERT_EQUAL(c->first_ns, T0 + 3 * S);
	CU_ASSERT_EQUAL(c->last_ns, T0 + 553 * S);
	CU_ASSERT_PTR_NOT_NULL(c = cause(s, "leak:198.51.100.7 https"));
	CU_ASSERT_EQUAL(c->ip_bytes, 10 * 1400);
	CU_ASSERT_EQUAL(c->first_ns, T0 + 4 * S);
	CU_ASSERT_EQUAL(c->last_ns, T0 + 94 * S);
	CU_ASSERT_EQUAL(c->first.count, 3);
	CU_ASSERT_PTR_NOT_NULL(c = cause(s, "own_transfer"));
	CU_ASSERT_EQUAL(c->ip_bytes, 73 * 1400);
	CU_ASSERT_PTR_NOT_NULL(c = cause(s, "speed_test"));
	CU_ASSERT_EQUAL(c->ip_bytes, 16 * 1400);
	CU_ASSERT_PTR_NULL(cause(s, "plain_tcp:https"));
	story_free(s);
}

/* 40 subflows whose keepalives come every 15 s. */
static void test_keepalive_rhythm(void)
{
	struct story *s = story_new(2 * H);
	const struct cause *c;

	for (int flow = 0; flow < 40; flow++)
		put_each(s,
		         &(struct frame){1, flow * 0.3, VPS, NULL, KIND_KEEPALIVE, TRAFFIC_MPTCP,
		                         DIR_UP, 64, false},
		         15, 2 * H);
	s->ledger.wans[1].peers->cadence[CADENCE_KEEPALIVE][4] = 40 * 480;
	build(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c = cause(s, "keepalive"));
	CU_ASSERT_TRUE(is_english(c->detail, "every 15 s x 40 subflows"));
	story_free(s);
}

/* A short connection with a standby subflow on wan2 that costs 836 bytes. */
static void put_connection(struct story *s, unsigned n, double second, uint64_t bytes)
{
	struct ledger_connection c = {.version = 1, .first_ns = T0 + (uint64_t)(second * 1e9)};
	struct ledger_subflow *rows = calloc(2, sizeof(*rows));

	snprintf(c.id, sizeof(c.id), "%016x", n + 1);
	snprintf(c.client, sizeof(c.client), "192.0.2.2:%u", 30000 + n);
	snprintf(c.server, sizeof(c.server), VPS ":65101");
	c.last_ns = c.first_ns + S / 5;
	c.unique_bytes[0] = 300;
	c.unique_bytes[1] = bytes - 300;
	for (uint32_t w = 0; w < 2; w++) {
		rows[w].wan = w;
		memcpy(rows[w].client, c.client, sizeof(c.client));
		memcpy(rows[w].server, c.server, sizeof(c.server));
		rows[w].initial = w == 0;
		rows[w].first_ns = c.first_ns;
		rows[w].last_ns = c.last_ns;
	}
	rows[0].kinds[KIND_PAYLOAD] = (struct tally){2, bytes + 132, bytes + 104, bytes};
	rows[1].kinds[KIND_HANDSHAKE] = (struct tally){4, 344, 288, 0};
	rows[1].kinds[KIND_TEARDOWN] = (struct tally){8, 660, 548, 0};
	c.subflows = rows;
	c.n_subflows = c.cap_subflows = 2;
	ledger_take_connection(&s->ledger, &c);
	put(s, &(struct frame){1, second, VPS, NULL, KIND_HANDSHAKE, TRAFFIC_MPTCP, DIR_UP, 72,
	                       false});
	for (int i = 0; i < 3; i++)
		put(s, &(struct frame){1, second, VPS, NULL, KIND_HANDSHAKE, TRAFFIC_MPTCP,
		                       DIR_DOWN, 72, false});
	for (int i = 0; i < 8; i++)
		put(s, &(struct frame){1, second, VPS, NULL, KIND_TEARDOWN, TRAFFIC_MPTCP, DIR_UP,
		                       i ? 68 : 72, false});
}

static void test_proxy_check(void)
{
	struct story *s = story_hours(1);
	uint64_t r = 5;

	for (unsigned i = 0; i < 360; i++) { /* the check, now and then 20 bytes longer */
		put_connection(s, i, i * 10 + (i % 3) * 0.2, 900 + (i % 7 == 0 ? 20 : 0));
	}
	for (unsigned i = 0; i < 50; i++) { /* people: any size, any time */
		r = r * UINT64_C(6364136223846793005) + 1;
		put_connection(s, 1000 + i, (double)(r >> 40) / (1 << 24) * 3500,
		               2000 + (r >> 33) % 9000);
	}
	build(s);
	const struct cause *c = cause(s, "proxy_check");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->ip_bytes, 360 * 836);
	CU_ASSERT_TRUE(is_english(c->detail, "every 10 s, 360 connections"));
	c = cause(s, "standby");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(c->ip_bytes, 50 * 836 + 72);
	s->built = false;
	report_release(&s->report);
	expect(s, "A18", STATUS_PASS, "every 10 s) cost 301 kB on wan2, 836 B each");
}

static void test_no_proxy_check(void)
{
	struct story *s = story_hours(1);
	double at = 0;

	for (unsigned i = 0; i < 60; i++) /* one size, no rhythm */
		put_connection(s, i, at += 5 + (i * i * 7) % 90, 900);
	expect(s, "A18", STATUS_NOT_APPLICABLE, "even rhythm");
}

/* ---- rules ---- */

static void test_a4(void)
{
	struct story *s = story_hours(1);

	put_each(s,
	         &(struct frame){1, 9, VPS, NULL, KIND_REINJECTION, TRAFFIC_MPTCP, DIR_DOWN, 1000,
	                         false},
	         1, 100);
	expect(s, "A4", STATUS_PASS, "carried 92.0 kB again");
	s = story_hours(1);
	put_each(s,
	         &(struct frame){1, 9, VPS, NULL, KIND_REINJECTION, TRAFFIC_MPTCP, DIR_DOWN, 1000,
	                         false},
	         1, 309);
	expect(s, "A4", STATUS_WARN, "301 kB again");
	s = story_new(600);
	put(s, &(struct frame){1, 9, VPS, NULL, KIND_ACK, TRAFFIC_MPTCP, DIR_DOWN, 52, false});
	expect(s, "A4", STATUS_NOT_ASSESSED, "No user data");
}

static void test_a15(void)
{
	struct story *s = story_hours(2);

	expect(s, "A15", STATUS_PASS, "an hour (limit 1.00 MB)");
	s = story_hours(2);
	put_each(s,
	         &(struct frame){1, 1, VPS, NULL, KIND_KEEPALIVE_ACK, TRAFFIC_MPTCP, DIR_DOWN, 64,
	                         false},
	         0.2, 2 * H);
	expect(s, "A15", STATUS_WARN, "an hour (limit 1.00 MB)");
	s = story_new(6 * H);
	for (unsigned part = 0; part < 6; part++)
		put_each(s,
		         &(struct frame){1, part * H + 1, VPS, NULL, KIND_KEEPALIVE, TRAFFIC_MPTCP,
		                         DIR_UP, 64, false},
		         60.0 / (part + 1), part * H + H - 1);
	expect(s, "A15", STATUS_WARN, "pile up");
	s = story_new(600);
	put_each(s,
	         &(struct frame){1, 1, VPS, NULL, KIND_KEEPALIVE, TRAFFIC_MPTCP, DIR_UP, 64, false},
	         10, 600);
	expect(s, "A15", STATUS_NOT_ASSESSED, "too short");
	s = story_new(600);
	put(s, &(struct frame){1, 1, VPS, NULL, KIND_ACK, TRAFFIC_MPTCP, DIR_UP, 52, false});
	expect(s, "A15", STATUS_NOT_APPLICABLE, "No keepalive");
}

/* Two pings and their answers each 5 s, of `bytes` each. */
static struct story *pinged(uint32_t bytes)
{
	struct story *s = story_hours(1);

	for (unsigned i = 0; i < 4; i++)
		put_each(s,
		         &(struct frame){1, i, VPS, "icmp-tracker", KIND_OTHER, TRAFFIC_OTHER,
		                         i % 2 ? DIR_DOWN : DIR_UP, bytes, false},
		         5, H - 2);
	s->ledger.wans[1].peers->cadence[CADENCE_TRACKER][0] = 720;
	s->ledger.wans[1].peers->cadence[CADENCE_TRACKER][2] = 719;
	return s;
}

static void test_a17(void)
{
	expect(pinged(84), "A17", STATUS_PASS,
	       "a go each 5 s; pings of that rhythm explain 242 kB");
	expect(pinged(200), "A17", STATUS_WARN, "explain 242 kB");
	expect(pinged(1400 + 600), "A17", STATUS_FAIL, "an hour");
	struct story *s = story_hours(1);
	expect(s, "A17", STATUS_NOT_APPLICABLE, "No tracker");
	/* httping: a TLS connection to the API each 5 s */
	s = story_hours(1);
	put_each(s,
	         &(struct frame){1, 1, VPS, "omr-api", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN, 8000,
	                         true},
	         5, H);
	expect(s, "A17", STATUS_FAIL, "are TLS connections to port 65500");
}

static void test_a19(void)
{
	struct story *s = story_hours(1);

	put_each(s,
	         &(struct frame){1, 100, VPS, "iperf3", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN,
	                         50000, false},
	         0.5, 120);
	expect(s, "A19", STATUS_WARN,
	       "a speed test (iperf3), 2023-11-14 22:15:00 to 22:15:20 "
	       "UTC");
	s = story_hours(48); /* a status check an hour for two days: no burst, though it adds up */
	put_each(s,
	         &(struct frame){1, 100, VPS, "omr-api", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN,
	                         30000, true},
	         H, 48 * H);
	expect(s, "A19", STATUS_PASS, "1.44 MB");
}

static void test_a20(void)
{
	struct story *s = story_hours(2);

	put_each(s,
	         &(struct frame){1, 1, VPS, "omr-api", KIND_HANDSHAKE, TRAFFIC_PLAIN, DIR_UP, 60,
	                         true},
	         100, 2 * H);
	expect(s, "A20", STATUS_FAIL, "72 connections");
	s = story_hours(2);
	put_each(s,
	         &(struct frame){1, 1, VPS, "omr-api", KIND_HANDSHAKE, TRAFFIC_PLAIN, DIR_UP, 60,
	                         true},
	         600, 2 * H);
	expect(s, "A20", STATUS_PASS, "12 connections");
	s = story_hours(2);
	put_each(s,
	         &(struct frame){1, 1, VPS, "omr-api", KIND_HANDSHAKE, TRAFFIC_PLAIN, DIR_UP, 60,
	                         true},
	         600, 2 * H);
	put_each(s,
	         &(struct frame){1, 300, "203.0.113.11", "omr-api", KIND_HANDSHAKE, TRAFFIC_PLAIN,
	                         DIR_UP, 60, true},
	         600, 2 * H);
	expect(s, "A20", STATUS_FAIL, "back and forth");
	s = story_new(600);
	put(s, &(struct frame){1, 1, VPS, NULL, KIND_ACK, TRAFFIC_MPTCP, DIR_UP, 52, false});
	expect(s, "A20", STATUS_NOT_ASSESSED, "too short");
}

static void test_a21(void)
{
	struct story *s = story_hours(24);

	put_each(s,
	         &(struct frame){1, 1, VPS, "https", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN, 50000,
	                         false},
	         1, 100);
	expect(s, "A21", STATUS_PASS, "exchanged 0 B with hosts other than the VPS");
	s = story_hours(24);
	put_each(s,
	         &(struct frame){1, 1, "198.51.100.7", "https", KIND_PAYLOAD, TRAFFIC_PLAIN,
	                         DIR_DOWN, 5000, false},
	         100, 4000);
	expect(s, "A21", STATUS_WARN, "a day: 198.51.100.7 (https) 200 kB");
	s = story_new(600); /* too short for a day, and yet too much */
	put_each(s,
	         &(struct frame){1, 1, "198.51.100.7", "https", KIND_PAYLOAD, TRAFFIC_PLAIN,
	                         DIR_DOWN, 50000, false},
	         1, 300);
	put(s,
	    &(struct frame){0, 1, VPS, NULL, KIND_PAYLOAD, TRAFFIC_MPTCP, DIR_DOWN, 9000, false});
	expect(s, "A21", STATUS_FAIL, "15.0 MB with hosts other than the VPS: 198.51.100.7");
	s = story_new(600);
	put(s, &(struct frame){1, 1, "198.51.100.7", "https", KIND_PAYLOAD, TRAFFIC_PLAIN, DIR_DOWN,
	                       900, false});
	expect(s, "A21", STATUS_NOT_ASSESSED, "No server of MPTCP");
}

static void test_a22(void)
{
	struct story *s = story_hours(1);

	expect(s, "A22", STATUS_PASS, "No VPN");
	s = story_hours(1);
	put_each(s,
	         &(struct frame){1, 1, VPS, "wireguard", KIND_OTHER, TRAFFIC_OTHER, DIR_UP, 60,
	                         false},
	         25, H);
	expect(s, "A22", STATUS_WARN, "keeps the tunnel alive");
	s = story_hours(1);
	put_each(
		s,
		&(struct frame){1, 1, VPS, "mlvpn", KIND_OTHER, TRAFFIC_OTHER, DIR_UP, 1400, false},
		1, 100);
	expect(s, "A22", STATUS_FAIL, "as if it were a primary");
	s = story_hours(1); /* somebody's own tunnel to elsewhere: A21's */
	put_each(s,
	         &(struct frame){1, 1, "198.51.100.7", "wireguard", KIND_OTHER, TRAFFIC_OTHER,
	                         DIR_UP, 1400, false},
	         1, 100);
	expect(s, "A22", STATUS_PASS, "No VPN");
}

static void test_a24_a28(void)
{
	struct story *s = story_hours(1);

	expect(s, "A24", STATUS_NOT_APPLICABLE, "No local");
	s = story_hours(1);
	put(s, &(struct frame){1, 6, "192.168.8.1", "icmp-tracker", KIND_OTHER, TRAFFIC_LOCAL,
	                       DIR_UP, 84, false});
	expect(s, "A24", STATUS_PASS, "84 B of IP traffic on wan2 never left");
	expect(story_hours(1), "A28", STATUS_NOT_APPLICABLE, "No capture of the LAN");
	for (int syn = 0; syn < 3; syn++) {
		s = story_hours(1);
		uint32_t lan = ledger_wan(&s->ledger, "br-lan");
		policy_add_role(&s->policy, "br-lan", SUBJECT_ANY, "off", FROM_FLAG, s->message,
		                sizeof(s->message));
		if (syn == 1)
			ledger_note(&s->ledger, lan, EVENT_CAPABLE_SYN, T0 + S, 0, 5);
		if (syn == 2) /* opened before the capture */
			put(s, &(struct frame){lan, 1, VPS, "", KIND_ACK, TRAFFIC_MPTCP, DIR_UP, 60,
		                               false});
		build(s);
		const struct finding *f = finding(s, "A28", (int)lan);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(f->status, syn ? STATUS_WARN : STATUS_PASS);
		story_free(s);
	}
}

/* The site's own word about its servers wins over what is common. */
static void test_vps_told(void)
{
	struct story *s = story_hours(24);
	struct expect_server *server = expect_server(&s->policy.expect, "vps");

	CU_ASSERT_TRUE(network_parse(&server->addresses[0], "198.51.100.7"));
	server->n_addresses = 1;
	put_each(s,
	         &(struct frame){1, 1, "198.51.100.7", "https", KIND_PAYLOAD, TRAFFIC_PLAIN,
	                         DIR_DOWN, 5000, false},
	         100, 4000);
	expect(s, "A21", STATUS_PASS, "exchanged 0 B");
}

void suite_causes(void)
{
	CU_pSuite suite = CU_add_suite("causes", NULL, NULL);

	CU_ADD_TEST(suite, test_names);
	CU_ADD_TEST(suite, test_keepalive_rhythm);
	CU_ADD_TEST(suite, test_proxy_check);
	CU_ADD_TEST(suite, test_no_proxy_check);
	CU_ADD_TEST(suite, test_a4);
	CU_ADD_TEST(suite, test_a15);
	CU_ADD_TEST(suite, test_a17);
	CU_ADD_TEST(suite, test_a19);
	CU_ADD_TEST(suite, test_a20);
	CU_ADD_TEST(suite, test_a21);
	CU_ADD_TEST(suite, test_a22);
	CU_ADD_TEST(suite, test_a24_a28);
	CU_ADD_TEST(suite, test_vps_told);
}
