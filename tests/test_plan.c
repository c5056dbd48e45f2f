/* SPDX-License-Identifier: MIT
 *
 * test_plan.c - bytes set against an expectation (E1), a plan (A26, A2) and a bill (E2), and
 * amounts as people write them. Ledgers are built by hand: what must come out is added up beside
 * them.
 */
#include "../report/expected.h"
#include "../report/quantity.h"
#include "../report/report.h"
#include "../report/rules_plan.h"
#include "../report/verdict.h"
#include "english.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_plan(void);

#define S  UINT64_C(1000000000)
#define T0 (UINT64_C(1774738800) * S) /* 2026-03-29 00:00 CET: a day of 23 hours */
#define GB UINT64_C(1000000000)

struct site {
	struct ledger ledger;
	struct policy policy;
	struct report report;
	struct report_options options;
	struct zone zone;
	bool built;
};

/* wan1 master, wan2 backup, all of `seconds` judged. */
static struct site *site_new(uint64_t seconds)
{
	struct site *site = calloc(1, sizeof(*site));
	char message[300];

	if (!site)
		abort();
	ledger_init(&site->ledger);
	policy_init(&site->policy);
	ledger_wan(&site->ledger, "wan1");
	ledger_wan(&site->ledger, "wan2");
	ledger_file(&site->ledger, "wan2.pcap", 1);
	site->ledger.shared_known = true;
	site->ledger.shared_start_ns = T0;
	site->ledger.shared_end_ns = T0 + seconds * S;
	CU_ASSERT_TRUE(zone_parse(&site->zone, "CET-1CEST,M3.5.0,M10.5.0/3"));
	site->options = (struct report_options){.version = "test", .zone = &site->zone};
	policy_add_role(&site->policy, "wan1", SUBJECT_ANY, "master", FROM_FLAG, message, 300);
	policy_add_role(&site->policy, "wan2", SUBJECT_ANY, "backup", FROM_FLAG, message, 300);
	return site;
}

static void site_free(struct site *site)
{
	if (site->built)
		report_release(&site->report);
	policy_release(&site->policy);
	ledger_release(&site->ledger);
	free(site);
}

/* `n` frames of `bytes` each on the backup, evenly from T0 over `seconds`. */
static void put(struct site *site, int kind, int traffic, const char *app, uint32_t bytes,
                uint64_t n, uint64_t seconds, int direction)
{
	for (uint64_t i = 0; i < n; i++) {
		struct ledger_entry entry = {
			.wan = 1,
			.ts_ns = T0 + (n > 1 ? seconds * S / (n - 1) * i : 0),
			.number = i + 1,
			.l2_bytes = bytes + 14,
			.ip_bytes = bytes,
			.direction = (uint8_t)direction,
			.kind = (uint8_t)kind,
			.traffic = (uint8_t)traffic,
			.shared = true,
			.app = ledger_app(&site->ledger, app),
		};

		if (kind < KIND_CARRYING)
			entry.payload[kind] = bytes - 52;
		ledger_count(&site->ledger, &entry);
	}
}

static void joins(struct site *site, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		ledger_note(&site->ledger, 1, EVENT_JOIN_SYN, T0, 0, i + 1);
}

/* A subflow of an MPTCP connection on the backup that lasts `seconds`. */
static void subflow(struct site *site, unsigned number, uint64_t seconds)
{
	struct ledger_connection c = {.version = 1, .first_ns = T0, .last_ns = T0 + seconds * S};

	snprintf(c.id, sizeof(c.id), "%016x", number);
	c.subflows = calloc(1, sizeof(*c.subflows));
	c.n_subflows = c.cap_subflows = 1;
	c.subflows[0] =
		(struct ledger_subflow){.wan = 1, .first_ns = T0, .last_ns = T0 + seconds * S};
	ledger_take_connection(&site->ledger, &c);
}

static const struct finding *judge(struct site *site, const char *rule)
{
	char message[300];

	if (site->built)
		report_release(&site->report);
	site->built = report_build(&site->report, &site->ledger, &site->policy, &site->options,
	                           message, sizeof(message)) == REPORT_FINE;
	CU_ASSERT_TRUE_FATAL(site->built);
	for (size_t i = 0; i < site->report.n_findings; i++)
		if (strcmp(site->report.findings[i].rule, rule) == 0 &&
		    site->report.findings[i].wan == 1)
			return &site->report.findings[i];
	return NULL;
}

static bool says(const struct finding *finding, const char *text)
{
	bool said = finding && in_english(finding->text, text);

	if (finding && !said)
		printf("\"%s\" is not in: %s\n", text, finding->text);
	return said;
}

/* ---- E1 ---- */

/* An hour of a healthy backup: 500 connections, 15 s keepalives, a tracker cycle in 4.5 s. */
static void healthy_hour(struct site *site)
{
	joins(site, 500);
	put(site, KIND_HANDSHAKE, TRAFFIC_MPTCP, "", 72, 2000, 3600, DIR_UP);
	put(site, KIND_TEARDOWN, TRAFFIC_MPTCP, "", 68, 4000, 3600, DIR_UP);
	subflow(site, 1, 3600);
	put(site, KIND_KEEPALIVE, TRAFFIC_MPTCP, "", 64, 240, 3600, DIR_UP);
	put(site, KIND_KEEPALIVE_ACK, TRAFFIC_MPTCP, "", 64, 240, 3600, DIR_DOWN);
	put(site, KIND_OTHER, TRAFFIC_OTHER, "icmp-tracker", 84, 3200, 3600, DIR_UP);
	put(site, KIND_OTHER, TRAFFIC_PLAIN, "omr-api", 1000, 40, 3600, DIR_UP);
	put(site, KIND_OTHER, TRAFFIC_LOCAL, "arp", 0, 100, 3600, DIR_UP);
}

static void test_a_healthy_hour_is_explained(void)
{
	struct site *site = site_new(3600);
	const uint64_t sum = 2000 * 72 + 4000 * 68 + 480 * 64 + 3200 * 84 + 40000;
	const struct finding *finding;
	struct expected_cost cost;

	healthy_hour(site);
	finding = judge(site, "E1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	expected_make(&cost, &site->report, 1);
	CU_ASSERT_EQUAL(cost.seen, sum);
	CU_ASSERT_EQUAL(cost.seen, site->report.wans[1].whole.billed);
	CU_ASSERT_EQUAL(cost.expected, sum);
	CU_ASSERT_EQUAL(cost.unexplained, 0);
	CU_ASSERT_EQUAL(finding->status, STATUS_PASS);
	CU_ASSERT_TRUE(says(finding, "500 subflows, 240 keepalives, one in 15 s"));
	CU_ASSERT_TRUE(says(finding, "3,200 tracker pings"));
	CU_ASSERT_TRUE(says(finding, "expected 756 kB for your traffic"));
	CU_ASSERT_TRUE(says(finding, "seen 756 kB, unexplained 0 B."));
	site_free(site);
}

/* Each kind of excess is found, by its own name and to its own size. */
static void test_each_excess_has_its_name(void)
{
	static const struct {
		int kind, traffic;
		const char *app;
		enum expected_part part;
	} cases[] = {
		{KIND_PAYLOAD, TRAFFIC_MPTCP, "", EXPECTED_DATA},
		{KIND_REDUNDANT, TRAFFIC_MPTCP, "", EXPECTED_DATA},
		{KIND_HANDSHAKE, TRAFFIC_MPTCP, "", EXPECTED_SUBFLOWS},
		{KIND_ACK, TRAFFIC_MPTCP, "", EXPECTED_ACKS},
		{KIND_KEEPALIVE, TRAFFIC_MPTCP, "", EXPECTED_KEEPALIVES},
		{KIND_OTHER, TRAFFIC_OTHER, "icmp-tracker", EXPECTED_TRACKER},
		{KIND_OTHER, TRAFFIC_PLAIN, "omr-api", EXPECTED_CHECKS},
		{KIND_OTHER, TRAFFIC_OTHER, "mlvpn", EXPECTED_TUNNELS},
		{KIND_OTHER, TRAFFIC_OTHER, "dns", EXPECTED_OTHER},
		{KIND_PAYLOAD, TRAFFIC_FALLBACK, "", EXPECTED_OTHER},
		{KIND_UNREAD, TRAFFIC_OTHER, "", EXPECTED_OTHER},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct site *site = site_new(3600);
		const struct finding *finding;
		struct expected_cost cost;
		char beyond[60];

		healthy_hour(site);
		put(site, cases[i].kind, cases[i].traffic, cases[i].app, 1000, 4000, 3600,
		    DIR_DOWN);
		finding = judge(site, "E1");
		CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
		expected_make(&cost, &site->report, 1);
		CU_ASSERT_EQUAL(cost.worst, cases[i].part);
		CU_ASSERT_EQUAL(cost.expected + cost.unexplained, cost.seen);
		CU_ASSERT_EQUAL(cost.seen, site->report.wans[1].whole.billed);
		CU_ASSERT_TRUE(cost.unexplained > 2000000 && cost.unexplained <= 4000000);
		CU_ASSERT_EQUAL(finding->status, STATUS_WARN);
		expected_say_beyond(cases[i].part, beyond, sizeof(beyond));
		CU_ASSERT_PTR_NOT_NULL(strstr(finding->text, beyond));
		site_free(site);
	}
}

/* Both limits must be passed; what a filter hides is not judged. */
static void test_limits_of_the_unexplained(void)
{
	struct site *site = site_new(3600);
	const struct finding *finding;

	healthy_hour(site);
	put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", 1000, 1000, 3600, DIR_UP); /* 1 MB: the limit */
	CU_ASSERT_EQUAL(judge(site, "E1")->status, STATUS_PASS);
	put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", 100, 1, 3600, DIR_UP);
	CU_ASSERT_EQUAL(judge(site, "E1")->status, STATUS_WARN);
	site->policy.limits[LIMIT_UNEXPLAINED_SHARE] = 1; /* of 756 kB */
	CU_ASSERT_EQUAL(judge(site, "E1")->status, STATUS_WARN);
	put(site, KIND_HANDSHAKE, TRAFFIC_MPTCP, "", 72, 5000, 3600, DIR_UP);
	joins(site, 5000); /* 360 kB more that are explained */
	CU_ASSERT_EQUAL(judge(site, "E1")->status, STATUS_PASS);
	site->options.filter = "tcp";
	finding = judge(site, "E1");
	CU_ASSERT_EQUAL(finding->status, STATUS_NOT_ASSESSED);
	CU_ASSERT_TRUE(says(finding, "a filter hides the rest"));
	site_free(site);
}

/* ---- A26, A2 ---- */

/* Billing day 5: the period that holds 2026-03-29 is 31 days less an hour. */
static void test_projection(void)
{
	static const struct {
		uint64_t seconds, bytes, quota;
		enum status status;
		const char *text;
	} cases[] = {
		/* 23 h of 100 MB, 743 h in all: 3.23 GB */
		{82800, 100000000, 5 * GB, STATUS_PASS,
	         "2026-03-05 to 2026-04-05 comes to 3.23 GB"},
		{82800, 100000000, 4 * GB, STATUS_WARN, "3.23 GB of 4.00 GB (80.76 %)"},
		{82800, 100000000, 3 * GB, STATUS_WARN, "a day's window says more"},
		{165600, 200000000, 3 * GB, STATUS_FAIL, "230 MB more than the plan"},
		{600, 1000000, 3 * GB, STATUS_NOT_ASSESSED, "too short to project"},
		{600, 4 * GB, 3 * GB, STATUS_FAIL, "4.00 GB of a plan of 3.00 GB"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct site *site = site_new(cases[i].seconds);
		const struct finding *finding;

		site->policy.expect.plan = (struct expect_plan){
			.told.from = "test", .quota_bytes = cases[i].quota, .billing_day = 5};
		put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", (uint32_t)(cases[i].bytes / 1000), 1000,
		    cases[i].seconds, DIR_UP);
		finding = judge(site, "A26");
		CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
		CU_ASSERT_EQUAL(finding->status, cases[i].status);
		CU_ASSERT_TRUE(says(finding, cases[i].text));
		site_free(site);
	}
}

static void test_plans(void)
{
	struct site *site = site_new(165600); /* two days of 23 and 24 hours, nearly */
	struct expect_plan *plan = &site->policy.expect.plan;
	const struct finding *finding;

	put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", 200000, 1000, 165600, DIR_UP);
	CU_ASSERT_PTR_NULL(judge(site, "A26")); /* no plan, no word of one */
	*plan = (struct expect_plan){.told.from = "test",
	                             .quota_bytes = 3u << 30,
	                             .billing_day = 5,
	                             .binary = true,
	                             .granularity_bytes = 1 << 30,
	                             .price_per_gb = 2.5,
	                             .currency = "EUR"};
	/* 3.23 GB are 3.01 GiB, rounded up to 4: one more than the plan */
	CU_ASSERT_TRUE(says(judge(site, "A26"), "comes to 4.00 GiB of 3.00 GiB"));
	CU_ASSERT_TRUE(says(judge(site, "A26"), "1.00 GiB more than the plan: 2.50 EUR"));
	CU_ASSERT_TRUE(says(judge(site, "A26"), "2.50 EUR."));
	plan->price = 19.9;
	CU_ASSERT_TRUE(says(judge(site, "A26"), "2.50 EUR beside the 19.90 of its price."));
	/* its share of a day: 3 GiB in 743 h are 104 MB; 200 MB in 46 h are 104.3 */
	finding = judge(site, "A2");
	CU_ASSERT_EQUAL(finding->status, STATUS_FAIL);
	CU_ASSERT_STRING_EQUAL(finding->limit_key, "plan");
	plan->quota_bytes = 4u * GB;
	CU_ASSERT_EQUAL(judge(site, "A2")->status, STATUS_WARN);
	*plan = (struct expect_plan){.told.from = "test",
	                             .quota_bytes = 100 * GB,
	                             .up_bytes = 3 * GB,
	                             .down_bytes = 3 * GB};
	finding = judge(site, "A26"); /* the quota that is nearest */
	CU_ASSERT_EQUAL(finding->status, STATUS_FAIL);
	CU_ASSERT_TRUE(says(finding, "200 MB up in"));
	site->options.billing_day = 29; /* a flag wins */
	CU_ASSERT_TRUE(says(judge(site, "A26"), "2026-03-29 to 2026-04-29"));
	site_free(site);
}

/* ---- E2 ---- */

static void test_bill(void)
{
	struct site *site = site_new(36000);
	const struct finding *finding;

	put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", 1000000, 900, 36000, DIR_UP);
	CU_ASSERT_PTR_NULL(judge(site, "E2"));
	site->options.billed_bytes = 900000000;
	finding = judge(site, "E2");
	CU_ASSERT_EQUAL(finding->status, STATUS_PASS);
	CU_ASSERT_TRUE(says(finding, "seen 900 MB, not recorded 0 B"));
	CU_ASSERT_TRUE(says(finding, "unexplained 0 B (0.00 %)"));

	/* asked of 12 hours, 10 of them recorded: two more at the same rate */
	site->options.from_ns = T0 - 3600 * S;
	site->options.to_ns = T0 + 39600 * S;
	site->options.billed_bytes = 1080000000;
	finding = judge(site, "E2");
	CU_ASSERT_TRUE(says(finding, "not recorded 180 MB (2 h 0 min of 12 h 0 min"));
	CU_ASSERT_EQUAL(finding->numerator, 0);

	/* frames that were lost, of the size of the others; the next 100 MB */
	site->ledger.wans[1].counters.dropped_frames = 10;
	site->policy.expect.plan =
		(struct expect_plan){.told.from = "test", .granularity_bytes = 100000000};
	site->options.billed_bytes = 1300000000;
	finding = judge(site, "E2");
	CU_ASSERT_TRUE(says(finding, "lost while capturing 10.0 MB, rounding 10.0 MB"));
	CU_ASSERT_TRUE(says(finding, "unexplained 200 MB (15.38 %)"));
	CU_ASSERT_EQUAL(finding->status, STATUS_WARN);
	CU_ASSERT_EQUAL(finding->numerator, 200000000);
	site->options.billed_bytes = 600000000;
	CU_ASSERT_TRUE(says(judge(site, "E2"), "billed less by 500 MB (83.33 %)"));

	/* "20 GB" that are GiB */
	site->policy.expect.plan = (struct expect_plan){0};
	site->ledger.wans[1].counters.dropped_frames = 0;
	site->options.billed_bytes = (uint64_t)(1080000000 / 1.073741824);
	CU_ASSERT_TRUE(says(judge(site, "E2"), "it fits if the carrier's GB is a GiB"));

	/* more guessed than known */
	site->options.to_ns = T0 + 360000 * S;
	CU_ASSERT_EQUAL(judge(site, "E2")->status, STATUS_NOT_ASSESSED);
	site->options.billed_wan = "wan1";
	CU_ASSERT_PTR_NULL(judge(site, "E2"));
	site_free(site);
}

/* Time in which nobody recorded is a gap; time in which the link was away is not. */
static void test_bill_and_the_recorder(void)
{
	static const struct ledger_span spans[] = {
		{.from_ns = T0, .to_ns = T0 + 3600 * S, .state = SPAN_COVERED},
		{.from_ns = T0 + 3600 * S, .to_ns = T0 + 7200 * S, .state = SPAN_ABSENT},
		{.from_ns = T0 + 7200 * S, .to_ns = T0 + 10800 * S, .state = SPAN_STOPPED},
		{.from_ns = T0 + 10800 * S, .to_ns = T0 + 14400 * S, .state = SPAN_COVERED},
	};
	struct site *site = site_new(14400);
	const struct finding *finding;

	put(site, KIND_OTHER, TRAFFIC_OTHER, "dns", 1000000, 300, 14400, DIR_UP);
	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		ledger_add_span(&site->ledger.wans[1], &spans[i]);
	site->options.billed_bytes = 400000000;
	finding = judge(site, "E2");
	CU_ASSERT_TRUE(says(finding, "not recorded 100 MB (60 min 0 s of 4 h 0 min"));
	CU_ASSERT_EQUAL(finding->status, STATUS_PASS);
	site_free(site);
}

/* ---- amounts ---- */

static void test_amounts(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
		bool binary;
	} good[] = {
		{"0", 0, false},           {"20GB", 20 * GB, false},
		{"20 GB", 20 * GB, false}, {"1.5k", 1500, false},
		{"1GiB", 1u << 30, true},  {"18.6 GiB", UINT64_C(19971597926), true},
		{".5MB", 500000, false},   {"1TiB", UINT64_C(1) << 40, true},
	};
	static const char *const bad[] = {"",    "GB",    "-1",     "1e30",  "0x10", "nan",
	                                  "inf", "20GBs", "20 G B", "1,5GB", "20gb", "1e300GB"};
	double seconds;
	uint64_t bytes;
	bool binary;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CU_ASSERT_TRUE(quantity_bytes(good[i].text, &bytes, &binary));
		CU_ASSERT_EQUAL(bytes, good[i].bytes);
		CU_ASSERT_EQUAL(binary, good[i].binary);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(quantity_bytes(bad[i], &bytes, NULL));
	CU_ASSERT_TRUE(quantity_seconds("15s", &seconds) && seconds == 15);
	CU_ASSERT_TRUE(quantity_seconds("2h", &seconds) && seconds == 7200);
	CU_ASSERT_TRUE(quantity_seconds("500ms", &seconds) && seconds == 0.5);
	CU_ASSERT_FALSE(quantity_seconds("0", &seconds));
	CU_ASSERT_FALSE(quantity_seconds("2 weeks", &seconds));
	CU_ASSERT_FALSE(quantity_seconds("9999d", &seconds));
}

void suite_plan(void)
{
	CU_pSuite s = CU_add_suite("plan", NULL, NULL);

	CU_add_test(s, "a healthy hour is explained", test_a_healthy_hour_is_explained);
	CU_add_test(s, "each excess has its name", test_each_excess_has_its_name);
	CU_add_test(s, "limits of the unexplained", test_limits_of_the_unexplained);
	CU_add_test(s, "a billing period at this rate", test_projection);
	CU_add_test(s, "plans: GiB, rounding, directions, price", test_plans);
	CU_add_test(s, "the carrier's bill", test_bill);
	CU_add_test(s, "a bill and what was not recorded", test_bill_and_the_recorder);
	CU_add_test(s, "amounts as people write them", test_amounts);
}
