/* SPDX-License-Identifier: MIT
 *
 * test_coverage.c - A27 and A29: what a capture lacks, what our recorder says of it, and silence.
 */
#include "reported.h"

void suite_coverage(void);

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
	CU_ASSERT_PTR_NOT_NULL(in_english(story->report.sentence,
	                                  "wan2 was absent in the whole judged "
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

void suite_coverage(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
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
	};
	CU_pSuite suite = CU_add_suite("coverage", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
