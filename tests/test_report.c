/* SPDX-License-Identifier: MIT
 *
 * test_report.c - policy, rules at their limits, the overall verdict, role proposals, and hostile
 * names.
 *
 * Ledgers are built by hand: the numbers a rule must find are those the test put in.
 */
#include "../report/formats.h"
#include "reported.h"

void suite_report(void);

/* ---- text ---- */

static void test_text_numbers(void)
{
	char out[TEXT_SHORT];
	uint64_t ns;

	CU_ASSERT_STRING_EQUAL(text_bytes(out, 836), "836 B");
	CU_ASSERT_STRING_EQUAL(text_bytes(out, 1000), "1.00 kB");
	CU_ASSERT_STRING_EQUAL(text_bytes(out, 12345678), "12.3 MB");
	CU_ASSERT_STRING_EQUAL(text_bytes(out, 999600), "1.00 MB");
	CU_ASSERT_STRING_EQUAL(text_count(out, 1234567), "1,234,567");
	CU_ASSERT_STRING_EQUAL(text_count(out, 12), "12");
	CU_ASSERT_STRING_EQUAL(text_percent(out, 1, 100), "1.00 %");
	CU_ASSERT_STRING_EQUAL(text_percent(out, 1, 0), "-");
	CU_ASSERT_STRING_EQUAL(text_time(out, T0 + 123456789, 6), "2023-11-14T22:13:20.123456Z");
	CU_ASSERT_STRING_EQUAL(text_moment(out, T0), "2023-11-14 22:13:20 UTC");
	CU_ASSERT_TRUE(text_parse_time("2023-11-14T22:13:20Z", &ns) && ns == T0);
	CU_ASSERT_TRUE(text_parse_time("2023-11-14T23:13:20.5+01:00", &ns) && ns == T0 + S / 2);
	CU_ASSERT_TRUE(text_parse_time("1700000000", &ns) && ns == T0);
	CU_ASSERT_FALSE(text_parse_time("yesterday", &ns));
	CU_ASSERT_FALSE(text_parse_time("2023-11-14T22:13:20", &ns));
}

static void test_text_hostile(void)
{
	static const struct {
		const char *in, *out;
		unsigned columns;
	} rows[] = {
		{"wan1", "wan1", 10},
		{"a\033[2Jb", "a<U+001B>[2Jb", 40}, /* escape: clear screen */
		{"a\xe2\x80\xae"
	         "b",
	         "a<U+202E>b", 40},                             /* right-to-left override */
		{"a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd", 40}, /* not UTF-8 */
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", 40},   /* overlong slash */
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 40}, /* surrogate */
		{"\xc2\x9b"
	         "31m",
	         "<U+009B>31m", 40}, /* C1 control sequence */
		{"abcdefghij", "abcde...", 8},
	};
	char out[100];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_STRING_EQUAL(text_safe(out, sizeof(out), rows[i].in, rows[i].columns),
		                       rows[i].out);
	/* every size, every prefix: always terminated, never beyond */
	for (size_t size = 1; size < 20; size++) {
		memset(out, 'x', sizeof(out));
		text_safe(out, size,
		          "ab\033\xe2\x80\xae\xff"
		          "cdefghijklm",
		          40);
		CU_ASSERT_TRUE(strlen(out) < size);
		CU_ASSERT_EQUAL(out[size], 'x');
	}
}

static void test_text_nearest(void)
{
	static const char *const words[] = {"report", "dissect", "merge", "packets"};

	CU_ASSERT_STRING_EQUAL(text_nearest("reprot", words, 4), "report");
	CU_ASSERT_STRING_EQUAL(text_nearest("disect", words, 4), "dissect");
	CU_ASSERT_PTR_NULL(text_nearest("xyz", words, 4));
}

/* ---- proposals ---- */

static void note(struct story *story, uint32_t wan, enum event event, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		ledger_note(&story->ledger, wan, event, T0 + (i + 1) * S, wan, i + 1);
}

static void test_proposal(void)
{
	struct story *story = story_new();

	note(story, 0, EVENT_CAPABLE_SYN, 412);
	note(story, 1, EVENT_JOIN_UP_BACKUP, 412);
	note(story, 1, EVENT_JOIN_DOWN_NORMAL, 412);
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_pulse(story, 1);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.role, ROLE_MASTER);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[1].role.source, FROM_ASSUMED);
	CU_ASSERT(is_english(story->report.assumption,
	                     "assuming wan2.pcap is the backup: 412 of 412 joins say so; confirm "
	                     "with --backup wan2.pcap"));
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence, "Taking wan2 for your backup. "));
	/* all rules pass, but what was only assumed never does */
	CHECK(story, "A1", 1, STATUS_PASS);
	CHECK(story, "A6", 1, STATUS_NOT_APPLICABLE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_WARN);
	/* confirmed, it passes */
	story_role(story, "wan2", "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_PASS);
	story_free(story);
}

static void test_proposal_by_prio(void)
{
	struct story *story = story_new();

	note(story, 1, EVENT_CAPABLE_SYN, 5); /* opened over the backup, then told so by MP_PRIO */
	note(story, 1, EVENT_PRIO_UP_BACKUP, 5);
	note(story, 0, EVENT_JOIN_UP_NORMAL, 5);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.role, ROLE_ON);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	story_free(story);
}

static void test_no_signs(void)
{
	struct story *story = story_new();

	put(story, 0, 1, KIND_OTHER, TRAFFIC_OTHER, 0, 5000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.role, ROLE_NONE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_NOT_ASSESSED);
	CU_ASSERT_EQUAL(story->report.wans[0].whole.n_causes, 1);
	story_free(story);
}

/* ---- A1 ---- */

static void test_share_limit(void)
{
	struct story *story = story_cast();

	/* exactly 1 % of 10 MB passes, a byte more does not */
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_PLAIN, 0, 100000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_PASS);
	CU_ASSERT_EQUAL(finding(story, "A1", 1)->numerator, 100000);
	CU_ASSERT_EQUAL(finding(story, "A1", 1)->denominator, 10 * MB);
	put(story, 1, 1, KIND_RETRANSMISSION, TRAFFIC_PLAIN, 0, 1);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_FAIL);
	CU_ASSERT_TRUE(finding(story, "A1", 1)->n_frames > 0);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_FAIL);
	story_free(story);
}

static void test_share_standby(void)
{
	struct story *story = story_good();

	/* 1 % of 10 MB and 704 B of pulses is 100,007.04; wan2 has pulses of its own */
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 100007 - 11 * 64);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_PASS);
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 1);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_WARN);
	story_free(story);
}

static void test_share_leaves_out(void)
{
	struct story *story = story_good();
	uint16_t outage = circumstance(story, 0, 0, 1, 0);

	/* local traffic, capture duplicates and an outage of the primary are no share */
	put(story, 1, 2, KIND_OTHER, TRAFFIC_LOCAL, 0, 5 * MB);
	put(story, 1, 2, KIND_DUPLICATE, TRAFFIC_MPTCP, 0, 5 * MB);
	put(story, 1, 3, KIND_PAYLOAD, TRAFFIC_MPTCP, outage, 5 * MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_PASS);
	CU_ASSERT_EQUAL(finding(story, "A1", 1)->numerator, 0);
	CU_ASSERT_EQUAL(story->report.wans[1].shared.phases[PHASE_OUTAGE].ip_bytes, 5 * MB);
	CHECK(story, "A3", 1, STATUS_PASS);
	story_free(story);
}

static void test_share_bad_primary(void)
{
	struct story *story = story_good();
	uint16_t bad = circumstance(story, 0, 1, 0, 0);

	/* what the primary could not carry warns of the primary; the backup's own excess fails */
	put(story, 1, 3, KIND_PAYLOAD, TRAFFIC_MPTCP, bad, 5 * MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_WARN);
	CHECK(story, "A3", 1, STATUS_WARN);
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence, "The primary is bad"));
	put(story, 1, 3, KIND_PAYLOAD, TRAFFIC_PLAIN, 0, MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_FAIL);
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence, "plain TCP"));
	story_free(story);
}

static void test_share_small_primary(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, MB - 1);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_PLAIN, 0, 500000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_NOT_ASSESSED);
	CU_ASSERT_EQUAL(finding(story, "A1", 1)->numerator, 500000);
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 1);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_FAIL);
	story_free(story);
}

static void test_share_of_all(void)
{
	struct story *story = story_good();

	put(story, 1, 1, KIND_OTHER, TRAFFIC_OTHER, 0, 200000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_WARN);
	CU_ASSERT_TRUE(policy_set_limit(&story->policy, "share_of=all", FROM_FLAG, story->message,
	                                sizeof(story->message)));
	expect(story, "A1", STATUS_FAIL, STATUS_FAIL);
}

/* ---- A2 ---- */

static void test_budget(void)
{
	struct story *story = story_good();

	expect(story, "A2", STATUS_NOT_ASSESSED,
	       STATUS_PASS); /* ten minutes say nothing about a day */
	story = story_good();
	put(story, 0, 2, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, (uint64_t)3000 * MB);
	put(story, 1, 1, KIND_OTHER, TRAFFIC_OTHER, 0, 20 * MB);
	expect(story, "A2", STATUS_WARN,
	       STATUS_WARN); /* but more than a day's 20 MB in them does */
	story = story_good();
	CU_ASSERT_TRUE(policy_set_limit(&story->policy, "plan_bytes_per_day=500", FROM_FLAG,
	                                story->message, sizeof(story->message)));
	expect(story, "A2", STATUS_FAIL, STATUS_FAIL); /* 704 B of pulses */
	/* an hour is projected: 20 MB / 24 passes, a little more warns */
	story = story_good();
	story->ledger.shared_end_ns = T0 + 3600 * S;
	for (uint64_t second = 660; second <= 3600; second += 60)
		put(story, 1, second, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
	put(story, 0, 2, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 200 * MB);
	put(story, 1, 1, KIND_OTHER, TRAFFIC_OTHER, 0, 833333 - 61 * 64);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A2", 1, STATUS_PASS);
	put(story, 1, 1, KIND_OTHER, TRAFFIC_OTHER, 0, 1);
	expect(story, "A2", STATUS_WARN, STATUS_WARN);
}

/* ---- A3 ---- */

static void test_healthy_share(void)
{
	struct story *story = story_cast();
	uint16_t healthy = circumstance(story, 1, 0, 0, 0);

	/* 0.1 % of all first-seen bytes: 9 990 000 + 9 990 + 10 = 10 MB */
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 9990000);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, healthy, 9990);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A3", 1, STATUS_PASS);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, healthy, 20);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A3", 1, STATUS_FAIL);
	CU_ASSERT_EQUAL(finding(story, "A3", 1)->numerator, 10010);
	/* a switch was seen: the few KB that cross over are allowed */
	put(story, 1, 2, KIND_PAYLOAD, TRAFFIC_MPTCP, circumstance(story, 0, 0, 1, 0), 3000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A3", 1, STATUS_PASS);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, healthy, 64000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A3", 1, STATUS_FAIL);
	story_free(story);
}

static void test_healthy_bytes(void)
{
	struct story *story = story_cast();
	uint16_t healthy = circumstance(story, 1, 0, 0, 0);

	/* far below the share, but 1 MB is 1 MB */
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, (uint64_t)5000 * MB);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, healthy, MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A3", 1, STATUS_PASS);
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, healthy, 1);
	expect(story, "A3", STATUS_FAIL, STATUS_FAIL);
}

static void test_healthy_other_phases(void)
{
	struct story *story = story_good();

	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, circumstance(story, 0, 1, 0, 0), 50000);
	expect(story, "A3", STATUS_WARN, STATUS_WARN); /* the primary is bad */
	story = story_good();
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 50000);
	expect(story, "A3", STATUS_NOT_ASSESSED,
	       STATUS_NOT_ASSESSED); /* no primary subflow in sight */
	story = story_good();
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, circumstance(story, 0, 0, 0, 1), 50000);
	expect(story, "A3", STATUS_PASS, STATUS_PASS); /* it has not returned yet */
	/* another backup's health is nobody's business */
	story = story_good();
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, circumstance(story, 2, 0, 1, 0), 50000);
	expect(story, "A3", STATUS_PASS, STATUS_PASS);
}

/* ---- A5 ---- */

static void test_redundant(void)
{
	for (uint64_t seconds = 10; seconds <= 11; seconds++) {
		struct story *story = story_good();
		uint16_t outage = circumstance(story, 0, 0, 1, 0);

		for (uint64_t i = 0; i < seconds; i++) {
			put(story, 1, i, KIND_REDUNDANT, TRAFFIC_MPTCP, outage, 300);
			put(story, 1, i, KIND_PAYLOAD, TRAFFIC_MPTCP, outage, 1000);
		}
		expect(story, "A5", seconds > 10 ? STATUS_FAIL : STATUS_PASS,
		       seconds > 10 ? STATUS_FAIL : STATUS_PASS);
	}
}

static void test_redundant_share(void)
{
	struct story *story = story_good();
	uint16_t outage = circumstance(story, 0, 0, 1, 0);

	for (uint64_t i = 0; i < 60; i++) { /* exactly 20 % for a minute */
		put(story, 1, i, KIND_REDUNDANT, TRAFFIC_MPTCP, outage, 200);
		put(story, 1, i, KIND_PAYLOAD, TRAFFIC_MPTCP, outage, 800);
	}
	expect(story, "A5", STATUS_PASS, STATUS_PASS);
}

/* ---- A6 ---- */

static void test_role_on_wire(void)
{
	struct story *story = story_good();

	note(story, 1, EVENT_JOIN_UP_BACKUP, 3);
	note(story, 1, EVENT_JOIN_DOWN_NORMAL, 3); /* today's server answers so */
	expect(story, "A6", STATUS_PASS, STATUS_PASS);
	story = story_good();
	note(story, 1, EVENT_JOIN_UP_NORMAL, 3);
	expect(story, "A6", STATUS_FAIL, STATUS_FAIL);
	story = story_good();
	note(story, 1, EVENT_JOIN_UP_NORMAL, 3);
	note(story, 1, EVENT_PRIO_UP_BACKUP, 3);
	expect(story, "A6", STATUS_WARN, STATUS_WARN);
	story = story_good();
	note(story, 1, EVENT_CAPABLE_SYN, 3); /* opened over the backup, MP_PRIO follows */
	note(story, 1, EVENT_PRIO_UP_BACKUP, 3);
	expect(story, "A6", STATUS_PASS, STATUS_PASS);
	expect(story_good(), "A6", STATUS_NOT_ASSESSED,
	       STATUS_PASS); /* no joins: nothing says its role */
	story = story_good();
	note(story, 0, EVENT_JOIN_UP_BACKUP, 3);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A6", 0, STATUS_FAIL); /* a master whose joins ask for backup */
	story_free(story);
}

/* ---- A16, A23 ---- */

static void test_signalling(void)
{
	struct story *story = story_good();

	story->ledger.wans[1].counters.standby_connections = 120;
	story->ledger.wans[1].counters.standby_opening_ip_bytes = 120 * 836;
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 120 * 836);
	expect(story, "A16", STATUS_WARN, STATUS_WARN);
	story = story_good();
	story->ledger.wans[1].counters.standby_connections = 100;
	story->ledger.wans[1].counters.standby_opening_ip_bytes = 100 * 836;
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 100 * 836);
	expect(story, "A16", STATUS_PASS, STATUS_PASS);
	story = story_good(); /* above the limit, of primaries too quiet for a share: no pass */
	story->ledger.wans[1].counters.standby_connections = 120;
	story->ledger.wans[1].counters.standby_opening_ip_bytes = 120 * 836;
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 120 * 836);
	story->policy.limits[LIMIT_PRIMARY_MIN] = 1e12;
	expect(story, "A16", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
	expect(story_good(), "A16", STATUS_NOT_APPLICABLE, STATUS_PASS);
}

static void test_stripped(void)
{
	struct story *story = story_good();

	note(story, 1, EVENT_JOIN_SYN, 100);
	note(story, 1, EVENT_JOIN_PLAIN, 5);
	expect(story, "A23", STATUS_PASS, STATUS_PASS);
	story = story_good();
	note(story, 1, EVENT_JOIN_SYN, 100);
	note(story, 1, EVENT_JOIN_PLAIN, 6);
	expect(story, "A23", STATUS_FAIL, STATUS_FAIL);
	expect(story_good(), "A23", STATUS_NOT_APPLICABLE, STATUS_PASS);
}

/* ---- the whole ---- */

static void test_filter_cannot_pass(void)
{
	struct story *story = story_good();

	story->filter = "tcp";
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_NOT_ASSESSED);
	CHECK(story, "A29", 1, STATUS_NOT_ASSESSED);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_NOT_ASSESSED);
	story_free(story);
}

static void test_no_overlap(void)
{
	struct story *story = story_good();

	story->ledger.shared_known = false;
	expect(story, "A1", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
}

static void test_two_backups(void)
{
	struct story *story = story_good();

	/* each backup is judged by itself: the second is silent and has no join */
	ledger_wan(&story->ledger, "wan3");
	story_role(story, "wan3", "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A1", 1, STATUS_PASS);
	CHECK(story, "A29", 2, STATUS_WARN);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_WARN);
	story_free(story);
}

/* Each row: the statuses of A1, A2, A3, A27, A29 and of some other rule; what they say together. */
static void test_overall(void)
{
	static const char *const rules[] = {"A1", "A2", "A3", "A27", "A29", "A5"};
	enum {
		P = STATUS_PASS,
		W = STATUS_WARN,
		F = STATUS_FAIL,
		N = STATUS_NOT_ASSESSED,
		X = STATUS_NOT_APPLICABLE
	};
	static const struct {
		int statuses[6], overall;
	} rows[] = {
		{{P, P, P, P, P, P}, P}, {{P, N, P, P, P, N}, P},
		{{N, P, P, P, P, P}, P}, {{N, N, P, P, P, P}, N},
		{{P, N, N, P, P, P}, N}, {{P, N, X, P, X, P}, P},
		{{P, N, P, N, P, P}, N}, {{P, N, P, P, N, P}, N},
		{{P, N, P, P, P, W}, W}, {{N, N, N, N, N, W}, W},
		{{N, N, N, N, N, F}, F}, {{W, F, W, W, W, W}, F},
		{{X, X, P, P, P, P}, N}, {{P, P, P, P, P, STATUS_ERROR}, P},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct story *story = story_good();

		CU_ASSERT_EQUAL_FATAL(story_build(story), REPORT_FINE);
		for (size_t k = 0; k < story->report.n_findings; k++)
			story->report.findings[k].status = STATUS_PASS;
		for (size_t k = 0; k < 6; k++)
			for (size_t n = 0; n < story->report.n_findings; n++)
				if (strcmp(story->report.findings[n].rule, rules[k]) == 0)
					story->report.findings[n].status =
						(enum status)rows[i].statuses[k];
		CU_ASSERT_EQUAL(verdict_overall(&story->report), (enum status)rows[i].overall);
		story_free(story);
	}
}

static void test_causes_add_up(void)
{
	struct story *story = story_good();
	uint64_t sum = 0;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
			put(story, 1, 7, kind, traffic, 0,
			    (uint64_t)(1000 + 37 * kind + 11 * traffic));
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	for (size_t i = 0; i < story->report.wans[1].whole.n_causes; i++)
		sum += story->report.wans[1].whole.causes[i].ip_bytes;
	CU_ASSERT_EQUAL(sum, story->report.wans[1].whole.billed);
	CU_ASSERT_EQUAL(story->report.wans[1].whole.billed + story->report.wans[1].whole.local +
	                        story->report.wans[1].whole.duplicate,
	                story->report.wans[1].whole.total.ip_bytes);
	CU_ASSERT_EQUAL(story->report.wans[1].whole.carrying + story->report.wans[1].whole.standby,
	                story->report.wans[1].whole.billed);
	story_free(story);
}

/* ---- what is printed ---- */

static char *printed(const struct story *story)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	json_t *json = render_json(&story->report);

	CU_ASSERT(render_text(json, LANGUAGE_EN, file));
	json_decref(json);
	fclose(file);
	return text;
}

static void check_lines(const char *text)
{
	char line[2000];

	while (*text) {
		size_t length = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		CU_ASSERT_TRUE(text_width(line) <= 80);
		if (text_width(line) > 80)
			puts(line);
		text += length + (text[length] == '\n');
	}
}

static void test_text_fits(void)
{
	struct story *story = story_good();
	char *text;

	put(story, 1, 2, KIND_PAYLOAD, TRAFFIC_MPTCP, circumstance(story, 1, 0, 0, 0), 2 * MB);
	note(story, 1, EVENT_JOIN_UP_NORMAL, 3);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	text = printed(story);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "FAIL"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "frame.number == 3"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "does not record"));
	check_lines(text);
	free(text);
	story_free(story);
}

static void test_hostile_names(void)
{
	struct story *story = story_new();
	char *text;
	json_t *json;

	ledger_wan(&story->ledger, "\033]0;owned\a\xe2\x80\xae"
	                           "evil-name-that-is-very-long-indeed-and-longer-still");
	ledger_file(&story->ledger, "../\033[31mfile\n.pcap", 2);
	story_role(story, "wan1", "master");
	story_role(story, story->ledger.wans[2].name, "backup");
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put(story, 2, 1, KIND_PAYLOAD, TRAFFIC_PLAIN,
	    ledger_app(&story->ledger, "sni\033[0m\xe2\x80\xae"), MB);
	story->policy.site = strdup("si\033te\xff");
	CU_ASSERT_EQUAL_FATAL(story_build(story), REPORT_FINE);
	text = printed(story);
	for (const char *p = text; *p; p++)
		CU_ASSERT_FALSE((unsigned char)*p < 0x20 && *p != '\n');
	CU_ASSERT_PTR_NULL(strstr(text, "\xe2\x80\xae"));
	check_lines(text);
	free(text);
	json = render_json(&story->report);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "site")),
	                       "si\033te\xef\xbf\xbd");
	json_decref(json);
	story_free(story);
}

static void test_json_names(void)
{
	static const char *const top[] = {"schema", "tool", "site",        "verdict",  "sentence",
	                                  "window", "wans", "connections", "findings", "coverage"};
	struct story *story = story_good();
	json_t *json, *wan;

	CU_ASSERT_EQUAL_FATAL(story_build(story), REPORT_FINE);
	json = render_json(&story->report);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	for (size_t i = 0; i < sizeof(top) / sizeof(*top); i++)
		CU_ASSERT_PTR_NOT_NULL(json_object_get(json, top[i]));
	wan = json_array_get(json_object_get(json, "wans"), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(
				json_object_get(json_object_get(wan, "kinds"), "payload"),
				"payload_bytes")),
	                10 * MB);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(wan, "kinds"), "reset"));
	json_decref(json);
	story_free(story);
}

void suite_report(void)
{
	static const struct {
		const char *name;
		CU_TestFunc run;
	} tests[] = {
		{"numbers and times", test_text_numbers},
		{"hostile strings", test_text_hostile},
		{"typos", test_text_nearest},
		{"roles proposed from joins", test_proposal},
		{"roles proposed from MP_PRIO", test_proposal_by_prio},
		{"no signs, no roles", test_no_signs},
		{"A1 at its limit", test_share_limit},
		{"A1 standby", test_share_standby},
		{"A1 leaves out", test_share_leaves_out},
		{"share beside a bad primary", test_share_bad_primary},
		{"A1 small primary", test_share_small_primary},
		{"A1 of all", test_share_of_all},
		{"A2", test_budget},
		{"A3 share", test_healthy_share},
		{"A3 bytes", test_healthy_bytes},
		{"A3 other phases", test_healthy_other_phases},
		{"A5 seconds", test_redundant},
		{"A5 share", test_redundant_share},
		{"A6", test_role_on_wire},
		{"A16", test_signalling},
		{"A23", test_stripped},
		{"a filter cannot pass", test_filter_cannot_pass},
		{"no shared time", test_no_overlap},
		{"two backups", test_two_backups},
		{"overall verdict", test_overall},
		{"causes add up", test_causes_add_up},
		{"text fits a terminal", test_text_fits},
		{"hostile names", test_hostile_names},
		{"JSON names", test_json_names},
	};
	CU_pSuite suite = CU_add_suite("report", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
