/* SPDX-License-Identifier: MIT
 *
 * test_report.c - policy, rules at their limits, the overall verdict, role proposals, and hostile
 * names.
 *
 * Ledgers are built by hand: the numbers a rule must find are those the test put in.
 */
#include "../report/formats.h"
#include "../report/render.h"
#include "../report/report.h"
#include "../report/text.h"
#include "../report/verdict.h"
#include "english.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_report(void);

#define T0 UINT64_C(1700000000000000000)
#define S  UINT64_C(1000000000)
#define MB 1000000u

/* ---- a ledger and its report ---- */

struct story {
	struct ledger ledger;
	struct policy policy;
	struct report report;
	const char *filter;
	bool built;
	char message[700];
};

/* wan1 and wan2, 600 s shared. */
static struct story *story_new(void)
{
	struct story *story = calloc(1, sizeof(*story));

	if (!story)
		abort();
	ledger_init(&story->ledger);
	policy_init(&story->policy);
	ledger_wan(&story->ledger, "wan1");
	ledger_wan(&story->ledger, "wan2");
	ledger_file(&story->ledger, "wan1.pcap", 0);
	ledger_file(&story->ledger, "wan2.pcap", 1);
	story->ledger.shared_known = true;
	story->ledger.shared_start_ns = T0;
	story->ledger.shared_end_ns = T0 + 600 * S;
	return story;
}

static void story_role(struct story *story, const char *who, const char *role)
{
	CU_ASSERT_TRUE(policy_add_role(&story->policy, who, SUBJECT_ANY, role, FROM_FLAG,
	                               story->message, sizeof(story->message)));
}

/* The usual cast: wan1 master, wan2 backup. */
static struct story *story_cast(void)
{
	struct story *story = story_new();

	story_role(story, "wan1", "master");
	story_role(story, "wan2", "backup");
	return story;
}

static enum report_failure story_build(struct story *story)
{
	struct report_options options = {
		.generated_ns = T0, .version = "test", .filter = story->filter};
	enum report_failure failure;

	if (story->built)
		report_release(&story->report);
	failure = report_build(&story->report, &story->ledger, &story->policy, &options,
	                       story->message, sizeof(story->message));
	story->built = failure == REPORT_FINE;
	return failure;
}

static void story_free(struct story *story)
{
	if (story->built)
		report_release(&story->report);
	policy_release(&story->policy);
	ledger_release(&story->ledger);
	free(story);
}

/* Bytes of one kind as frames of at most 50 kB, all at one second; ip_bytes in sum is `bytes`
 * exactly. */
static void put(struct story *story, uint32_t wan, uint64_t second, int kind, int traffic,
                uint16_t circumstance, uint64_t bytes)
{
	while (bytes > 0) {
		uint32_t piece = bytes > 50000 ? 50000 : (uint32_t)bytes;
		struct ledger_entry entry = {
			.wan = wan,
			.ts_ns = T0 + second * S,
			.number = 1 + second,
			.file = wan,
			.l2_bytes = piece + 14,
			.ip_bytes = piece,
			.direction = DIR_DOWN,
			.kind = (uint8_t)kind,
			.traffic = (uint8_t)traffic,
			.shared = true,
			.circumstance = circumstance,
		};

		if (kind < KIND_CARRYING)
			entry.payload[kind] = piece;
		ledger_count(&story->ledger, &entry);
		bytes -= piece;
	}
}

/* A keepalive each minute keeps A29 quiet. */
static void put_pulse(struct story *story, uint32_t wan)
{
	for (uint64_t second = 0; second <= 600; second += 60)
		put(story, wan, second, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
}

/* 10 MB on the primary, a living backup: passes. */
static struct story *story_good(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_pulse(story, 1);
	return story;
}

static uint16_t circumstance(struct story *story, uint64_t healthy, uint64_t degraded,
                             uint64_t silent, uint64_t returned)
{
	struct ledger_circumstance masks = {healthy, degraded, silent, returned};

	return ledger_circumstance(&story->ledger, &masks);
}

static const struct finding *finding(const struct story *story, const char *rule, int wan)
{
	for (size_t i = 0; i < story->report.n_findings; i++)
		if (strcmp(story->report.findings[i].rule, rule) == 0 &&
		    (wan < 0 || story->report.findings[i].wan == wan))
			return &story->report.findings[i];
	return NULL;
}

static enum status status(const struct story *story, const char *rule, int wan)
{
	const struct finding *found = finding(story, rule, wan);

	return found ? found->status : STATUS_COUNT;
}

#define CHECK(story, rule, wan, expected)                                                          \
	CU_ASSERT_STRING_EQUAL(status(story, rule, wan) < STATUS_COUNT                             \
	                               ? status_names[status(story, rule, wan)]                    \
	                               : "no finding",                                             \
	                       status_names[expected])

/* Build, look at one rule of wan2 and at the whole, free. */
static void expect(struct story *story, const char *rule, enum status of_rule, enum status overall)
{
	CU_ASSERT_EQUAL_FATAL(story_build(story), REPORT_FINE);
	CHECK(story, rule, 1, of_rule);
	CU_ASSERT_STRING_EQUAL(status_names[story->report.verdict], status_names[overall]);
	story_free(story);
}

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

/* ---- policy ---- */

static void test_limits(void)
{
	struct policy policy;
	char message[300];

	policy_init(&policy);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=2%", FROM_CONFIG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PAYLOAD_SHARE], 0.02, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=0.03", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=0.04", FROM_CONFIG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PAYLOAD_SHARE], 0.03, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "plan_bytes_per_day=1.5GB", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PLAN], 1.5e9, 1);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "silence_seconds=10min", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_SILENCE], 600, 1e-9);
	CU_ASSERT_TRUE(
		policy_set_limit(&policy, "share_of=all", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_SHARE_OF], 1, 0);
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "share_of=pay", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(policy_set_limit(&policy, "payload_share=nan", FROM_FLAG, message,
	                                 sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "payload_share=2", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(policy_set_limit(&policy, "payload_share=1kg", FROM_FLAG, message,
	                                 sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "payload_share", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "paylod_share=1%", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "did you mean \"payload_share\""));
	policy_release(&policy);
}

static bool load_ini(struct policy *policy, const char *text, char *message, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool loaded = policy_load(policy, file, "site.ini", message, size);

	fclose(file);
	return loaded;
}

static void test_config(void)
{
	struct story *story = story_new();
	char message[600];

	CU_ASSERT_TRUE(load_ini(
		&story->policy,
		"; ours\n[site]\nname = hut\n[roles]\nwan1 = master\n2001:db8::/32 = backup\n"
		"[limits]\npayload_share = 5%\n",
		message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(story->policy.site, "hut");
	CU_ASSERT_EQUAL(story->policy.n_roles, 2);
	CU_ASSERT_STRING_EQUAL(story->policy.roles[1].who, "2001:db8::/32");
	strcpy(story->ledger.wans[1].own[0].text, "2001:db8::7");
	story->ledger.wans[1].n_own = 1;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[1].role.source, FROM_CONFIG);
	/* a flag wins */
	story_role(story, "wan2", "on");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_ON);
	CU_ASSERT_FALSE(
		load_ini(&story->policy, "[limits]\n\nbogus = 1\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "site.ini:3:"));
	CU_ASSERT_FALSE(load_ini(&story->policy, "[role]\nwan1 = on\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "[roles]"));
	CU_ASSERT_FALSE(
		load_ini(&story->policy, "[roles]\nwan1 = backpu\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "\"backup\""));
	story_free(story);
}

static void test_unknown_wan(void)
{
	struct story *story = story_new();

	story_role(story, "wan3x", "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_UNKNOWN_FLAG);
	story_free(story);
	story = story_new();
	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wna2", SUBJECT_ANY, "backup", FROM_CONFIG,
	                               story->message, sizeof(story->message)));
	CU_ASSERT_EQUAL(story_build(story), REPORT_UNKNOWN_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(story->message, "did you mean \"wan2\""));
	story_free(story);
}

static void test_role_by_file(void)
{
	struct story *story = story_new();

	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wan2.pcap", SUBJECT_FILE, "backup",
	                               FROM_FLAG, story->message, sizeof(story->message)));
	story_role(story, "wan1.pcap#wan1", "master");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.role, ROLE_MASTER);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	story_free(story);
}

static void test_role_of_interfaces(void)
{
	struct story *story = story_new();

	/* wan3=any.pcap with two interfaces */
	ledger_wan(&story->ledger, "wan3#2");
	ledger_wan(&story->ledger, "wan3#3");
	ledger_wan(&story->ledger, "wan33");
	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wan3", SUBJECT_WAN, "backup", FROM_FLAG,
	                               story->message, sizeof(story->message)));
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[2].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[3].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[4].role.role, ROLE_ON);
	story_free(story);
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
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence, "If wan2 is your backup"));
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
	story->ledger.wans[1].counters.standby_ip_bytes = 120 * 836;
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 120 * 836);
	expect(story, "A16", STATUS_WARN, STATUS_WARN);
	story = story_good();
	story->ledger.wans[1].counters.standby_connections = 100;
	story->ledger.wans[1].counters.standby_ip_bytes = 100 * 836;
	put(story, 1, 1, KIND_HANDSHAKE, TRAFFIC_MPTCP, 0, 100 * 836);
	expect(story, "A16", STATUS_PASS, STATUS_PASS);
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

/* ---- A27 ---- */

static void test_whole(void)
{
	struct story *story = story_good();
	uint64_t frames = ledger_sum(&story->ledger.wans[0], -1, -1, -1, -1).frames;

	/* 0.1 % of the frames offered is the last that passes: d / (f + d) */
	CU_ASSERT_TRUE(frames < 999);
	for (unsigned i = 0; frames < 999; i++, frames++)
		put(story, 0, 5, KIND_ACK, TRAFFIC_MPTCP, 0, 52);
	story->ledger.wans[0].counters.dropped_frames = 1;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_PASS);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_PASS);
	story->ledger.wans[0].counters.dropped_frames = 2;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_NOT_ASSESSED);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_NOT_ASSESSED);
	/* loss blocks a pass, never a proven fail */
	put(story, 1, 1, KIND_PAYLOAD, TRAFFIC_PLAIN, 0, MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_FAIL);
	story_free(story);
}

static void test_damaged(void)
{
	struct story *story = story_good();

	story->ledger.files[1].message = strdup("wan2.pcap: ends inside a record at 4711");
	expect(story, "A27", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
	story = story_good();
	story->ledger.wans[1].skew_ns = 2 * S;
	expect(story, "A27", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
	story = story_good();
	put(story, 1, 1, KIND_UNREAD, TRAFFIC_OTHER, 0, 60);
	expect(story, "A27", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
}

/* ---- what our recorder says ---- */

static void put_span(struct story *story, uint32_t wan, enum span_state state, uint64_t from_ms,
                     uint64_t to_ms)
{
	ledger_add_span(&story->ledger.wans[wan],
	                &(struct ledger_span){T0 + from_ms * (S / 1000), T0 + to_ms * (S / 1000), 0,
	                                      (uint8_t)state});
}

/* As story_good(), recorded by our recorder from the first to the last second. */
static struct story *story_recorded(void)
{
	struct story *story = story_good();

	for (uint32_t wan = 0; wan < 2; wan++) {
		put_span(story, wan, SPAN_COVERED, 0, 600000);
		story->ledger.wans[wan].counters.recorded_files = 1;
		story->ledger.wans[wan].drops_known = true;
	}
	return story;
}

static void kernel_says(struct story *story, uint32_t wan, uint64_t counted, uint64_t seen,
                        uint64_t dropped)
{
	struct ledger_counters *c = &story->ledger.wans[wan].counters;

	c->kernel_frames = counted;
	c->kernel_seen_frames = seen;
	c->kernel_seen_dropped = dropped;
	c->kernel_spans = 1;
}

/* 0.1 % of the judged 600 s is the last that passes; time without a device is known, not lost. */
static void test_blind_time(void)
{
	static const struct {
		enum span_state state;
		uint64_t ms;
		enum status of_rule;
	} rows[] = {
		{SPAN_STOPPED, 600, STATUS_PASS},    {SPAN_STOPPED, 601, STATUS_NOT_ASSESSED},
		{SPAN_SUSPENDED, 600, STATUS_PASS},  {SPAN_SUSPENDED, 601, STATUS_NOT_ASSESSED},
		{SPAN_ABSENT, 200000, STATUS_PASS},  {SPAN_DOWN, 200000, STATUS_PASS},
		{SPAN_COVERED, 200000, STATUS_PASS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct story *story = story_recorded();

		put_span(story, 1, rows[i].state, 1000, 1000 + rows[i].ms);
		expect(story, "A27", rows[i].of_rule, rows[i].of_rule);
	}
}

/* Between two recordings nobody watched, unless a gap says why there was nothing to record. */
static void test_holes(void)
{
	struct story *story = story_good();

	put_span(story, 1, SPAN_COVERED, 0, 200000);
	put_span(story, 1, SPAN_COVERED, 201000, 300000); /* within a second: goes on */
	put_span(story, 1, SPAN_COVERED, 300000, 600000);
	expect(story, "A27", STATUS_PASS, STATUS_PASS);
	story = story_good();
	put_span(story, 1, SPAN_COVERED, 0, 200000);
	put_span(story, 1, SPAN_COVERED, 240000, 600000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 1, STATUS_NOT_ASSESSED);
	CU_ASSERT_PTR_NOT_NULL(in_english(finding(story, "A27", 1)->text, "for 40 s of"));
	CU_ASSERT_EQUAL(story->report.wans[1].coverage.judged_ns[SPAN_STOPPED], 40 * S);
	CU_ASSERT_EQUAL(story->report.wans[1].coverage.judged_ns[SPAN_COVERED], 560 * S);
	put_span(story, 1, SPAN_ABSENT, 190000, 240000);
	expect(story, "A27", STATUS_PASS, STATUS_PASS);
	/* and what lies before the first of them, or behind the last, of the judged time */
	story = story_good();
	put_span(story, 1, SPAN_COVERED, 20000, 590000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].coverage.judged_ns[SPAN_STOPPED], 30 * S);
	story_free(story);
}

/* Captures that share no time: gaps are told, none is judged, none begins in 1970. */
static void test_gaps_without_judged_time(void)
{
	struct story *story = story_recorded();

	story->ledger.shared_known = false;
	put_span(story, 1, SPAN_ABSENT, 100000, 200000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].coverage.n_gaps, 1);
	CU_ASSERT_EQUAL(story->report.wans[1].coverage.judged_ns[SPAN_ABSENT], 0);
	CHECK(story, "A27", 1, STATUS_PASS);
	CHECK(story, "A29", 1, STATUS_NOT_ASSESSED);
	story_free(story);
}

/* What overlaps is counted once: the judged time adds up. */
static void test_gaps_add_up(void)
{
	struct story *story = story_recorded();
	const struct coverage *coverage;
	uint64_t sum = 0;

	put_span(story, 1, SPAN_ABSENT, 100000, 200000);
	put_span(story, 1, SPAN_DOWN, 150000, 250000);
	put_span(story, 1, SPAN_DOWN, 250000, 260000);
	put_span(story, 1, SPAN_STOPPED, 120000, 130000);
	put_span(story, 1, SPAN_SUSPENDED, 590000, 700000);
	put_span(story, 1, SPAN_ABSENT, 800000, 900000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	coverage = &story->report.wans[1].coverage;
	for (unsigned i = 0; i < SPAN_COUNT; i++)
		sum += coverage->judged_ns[i];
	CU_ASSERT_EQUAL(sum, 600 * S);
	CU_ASSERT_EQUAL(coverage->judged_ns[SPAN_ABSENT], 100 * S);
	CU_ASSERT_EQUAL(coverage->judged_ns[SPAN_DOWN], 60 * S);
	CU_ASSERT_EQUAL(coverage->judged_ns[SPAN_STOPPED], 0);
	CU_ASSERT_EQUAL(coverage->judged_ns[SPAN_SUSPENDED], 10 * S);
	for (size_t i = 1; i < coverage->n_gaps; i++)
		CU_ASSERT(coverage->gaps[i].from_ns >= coverage->gaps[i - 1].to_ns);
	CU_ASSERT_EQUAL(coverage->n_gaps, 5);
	story_free(story);
}

/* More was carried than was seen or is known to be dropped: it went past the capture. */
static void test_kernel_counters(void)
{
	struct story *story = story_recorded();

	kernel_says(story, 0, 10000, 9990, 0); /* 0.1 % */
	kernel_says(story, 1, 12, 10, 0);      /* two that were just passing */
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_PASS);
	CU_ASSERT_PTR_NOT_NULL(in_english(finding(story, "A27", 0)->brief, "9,990 of 10,000"));
	kernel_says(story, 0, 10000, 9989, 0);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_NOT_ASSESSED);
	CU_ASSERT_PTR_NOT_NULL(in_english(finding(story, "A27", 0)->text, "11 passed beside it"));
	kernel_says(story, 0, 10000, 9989, 1); /* it is known where that one is */
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_PASS);
	/* of filtered frames and of super-frames the counters say nothing */
	kernel_says(story, 0, 10000, 5, 0);
	story->ledger.wans[0].filtered = true;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_PASS);
	story->ledger.wans[0].filtered = false;
	ledger_note(&story->ledger, 0, EVENT_SUPER_FRAME, T0, 0, 1);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 0, STATUS_PASS);
	story_free(story);
}

static void test_recorder_warns(void)
{
	static const struct {
		const char *code;
		bool complete;
		enum status of_rule;
	} rows[] = {
		{"stacked", true, STATUS_WARN},       {"bridge_port", true, STATUS_WARN},
		{"hw_offload", false, STATUS_WARN},   {"hw_offload", true, STATUS_PASS},
		{"super_frames", false, STATUS_PASS}, {"no_link_headers", false, STATUS_PASS},
		{"moonlight", true, STATUS_WARN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct story *story = story_recorded();
		struct ledger_warning warning = {.about = "eth1", .count = 1};

		snprintf(warning.code, sizeof(warning.code), "%s", rows[i].code);
		ledger_add_warning(&story->ledger.wans[1], &warning);
		if (rows[i].complete)
			kernel_says(story, 1, 100, 100, 0);
		CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
		CU_ASSERT_EQUAL(in_english(finding(story, "A27", 1)->text, "(eth1)") != NULL,
		                rows[i].of_rule == STATUS_WARN);
		expect(story, "A27", rows[i].of_rule, rows[i].of_rule);
	}
}

static void test_repaired_is_told(void)
{
	struct story *story = story_recorded();

	story->ledger.wans[1].counters.repaired_files = 2;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 1, STATUS_PASS);
	CU_ASSERT_PTR_NOT_NULL(in_english(finding(story, "A27", 1)->text, "2 files were cut off"));
	story_free(story);
}

/* No frame at all: a capture that says nothing, or a recorder that was there and heard nothing. */
static void test_no_frame(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 1, STATUS_NOT_ASSESSED);
	put_span(story, 1, SPAN_COVERED, 0, 600000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A27", 1, STATUS_PASS);
	expect(story, "A29", STATUS_WARN, STATUS_WARN);
}

/* The time without a device is no silence; what is left on either side is. */
static void test_absence_is_no_silence(void)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_STOPPED,
	                                         SPAN_SUSPENDED};

	for (size_t i = 0; i < 4; i++) {
		for (uint64_t shorter = 0; shorter <= 1; shorter++) {
			struct story *story = story_cast();

			put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
			put_pulse(story, 0);
			put(story, 1, 0, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
			put_span(story, 1, SPAN_COVERED, 0, 600000);
			put_span(story, 1, states[i], 1000, 300000 - 1000 * shorter);
			CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
			CHECK(story, "A29", 1, shorter ? STATUS_WARN : STATUS_PASS);
			CU_ASSERT_PTR_NOT_NULL(
				in_english(finding(story, "A29", 1)->text, span_names[states[i]]));
			story_free(story);
		}
	}
}

/* It was not there at all; or nobody knows whether it was. */
static void test_absent_all_the_time(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_span(story, 1, SPAN_COVERED, 0, 600000);
	put_span(story, 1, SPAN_ABSENT, 0, 600000);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence, "wan2 was absent in the whole judged "
	                                                      "time (10 min 0 s): there was no "
	                                                      "backup"));
	expect(story, "A29", STATUS_WARN, STATUS_WARN);
	story = story_cast();
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_span(story, 1, SPAN_COVERED, 0, 600000);
	put_span(story, 1, SPAN_SUSPENDED, 0, 600000);
	expect(story, "A29", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
}

/* A clean pass without a word of the operator: he told the recorder. */
static void test_recorded_roles(void)
{
	struct story *story = story_new();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_pulse(story, 1);
	ledger_add_role(&story->ledger.wans[0], "master");
	ledger_add_role(&story->ledger.wans[1], "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[1].role.source, FROM_CAPTURE);
	CU_ASSERT_EQUAL(story->report.verdict, STATUS_PASS);
	/* a word of the operator wins */
	story_role(story, "wan2", "on");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_ON);
	CU_ASSERT_EQUAL(story->report.wans[1].role.source, FROM_FLAG);
	/* two recordings of two minds, and words that are no role, say nothing */
	ledger_add_role(&story->ledger.wans[0], "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.source, FROM_ASSUMED);
	story_free(story);
	story = story_new();
	ledger_add_role(&story->ledger.wans[0], "captain");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.source, FROM_ASSUMED);
	story_free(story);
}

/* More gaps than are listed: what looks like silence behind the last of them is perhaps another. */
static void test_more_gaps_than_listed(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put(story, 1, 0, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
	put_span(story, 1, SPAN_COVERED, 0, 600000);
	for (uint64_t i = 0; i < LEDGER_SPANS_MAX; i++)
		put_span(story, 1, SPAN_DOWN, i * 100, i * 100 + 50);
	expect(story, "A29", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
}

/* ---- A29 ---- */

static void test_silence(void)
{
	for (uint64_t gap = 300; gap <= 301; gap++) {
		struct story *story = story_cast();

		put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
		put_pulse(story, 0);
		put(story, 1, 100, KIND_ACK, TRAFFIC_MPTCP, 0, 52);
		put(story, 1, 100 + gap, KIND_ACK, TRAFFIC_MPTCP, 0, 52);
		expect(story, "A29", gap > 300 ? STATUS_WARN : STATUS_PASS,
		       gap > 300 ? STATUS_WARN : STATUS_PASS);
	}
}

static void test_silence_edges(void)
{
	struct story *story = story_cast();

	/* no frame at all: from the start of the window to its end */
	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CHECK(story, "A29", 1, STATUS_WARN);
	CU_ASSERT_DOUBLE_EQUAL(finding(story, "A29", 1)->value, 600, 1e-9);
	/* a short window without a frame never passes */
	story->ledger.shared_end_ns = T0 + 100 * S;
	expect(story, "A29", STATUS_NOT_ASSESSED, STATUS_NOT_ASSESSED);
}

/* The judged time ends with the backup's last frame, so what came after is no silence in it. */
static void test_silence_outlived(void)
{
	for (uint64_t last = 300; last >= 240; last -= 60) {
		struct story *story = story_cast();

		put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
		put_pulse(story, 0);
		for (uint64_t second = 0; second <= last; second += 60)
			put(story, 1, second, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
		story->ledger.shared_end_ns = T0 + last * S;
		CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
		CHECK(story, "A29", 1, last < 300 ? STATUS_NOT_ASSESSED : STATUS_PASS);
		story_free(story);
	}
}

static void test_silence_certain(void)
{
	struct story *story = story_cast();
	uint16_t tracker = ledger_app(&story->ledger, "icmp-tracker");
	struct ledger_entry ping = {.wan = 1,
	                            .ts_ns = T0,
	                            .number = 1,
	                            .file = 1,
	                            .l2_bytes = 98,
	                            .ip_bytes = 84,
	                            .direction = DIR_UP,
	                            .kind = KIND_OTHER,
	                            .traffic = TRAFFIC_OTHER,
	                            .shared = true,
	                            .app = tracker};

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	ledger_count(&story->ledger, &ping);
	expect(story, "A29", STATUS_FAIL, STATUS_FAIL);
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
		{"limits", test_limits},
		{"config", test_config},
		{"unknown WAN", test_unknown_wan},
		{"role by file", test_role_by_file},
		{"role of an input with several WANs", test_role_of_interfaces},
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
		{"A27 drops", test_whole},
		{"A27 damage", test_damaged},
		{"A27 time nobody watched", test_blind_time},
		{"A27 holes", test_holes},
		{"gaps add up", test_gaps_add_up},
		{"gaps without judged time", test_gaps_without_judged_time},
		{"A27 the kernel's counters", test_kernel_counters},
		{"A27 warnings of the recorder", test_recorder_warns},
		{"A27 repaired files", test_repaired_is_told},
		{"A27 no frame", test_no_frame},
		{"A29 absence", test_absence_is_no_silence},
		{"A29 absent all the time", test_absent_all_the_time},
		{"A29 too many gaps", test_more_gaps_than_listed},
		{"roles of the recording", test_recorded_roles},
		{"A29 at its limit", test_silence},
		{"A29 edges", test_silence_edges},
		{"A29 outlived by the primary", test_silence_outlived},
		{"A29 certain", test_silence_certain},
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
