/* SPDX-License-Identifier: MIT
 *
 * test_keep.c - what is worth keeping of a report's packets, and what goes first.
 */
#include "../report/keep.h"

#include <CUnit/CUnit.h>
#include <string.h>

void suite_keep(void);

#define NS UINT64_C(1000000000)
#define T0 (1767225600 * NS)

/* What goes first: whole files, then carrying frames, events, evidence; the oldest first within. */
static void test_order(void)
{
	const struct keep_entry entries[] = {
		{.name = "d", .age_ns = 1, .tier = KEEP_EVIDENCE},
		{.name = "c", .age_ns = 1, .tier = KEEP_EVENTS},
		{.name = "b2", .age_ns = 3, .tier = KEEP_CARRYING},
		{.name = "b1", .age_ns = 2, .tier = KEEP_CARRYING},
		{.name = "a3", .age_ns = 9, .tier = KEEP_WHOLE},
		{.name = "a2", .age_ns = 8, .tier = KEEP_WHOLE},
		{.name = "a1", .age_ns = 8, .tier = KEEP_WHOLE},
	};
	static const char *const order[] = {"a1", "a2", "a3", "b1", "b2", "c", "d"};
	struct keep_entry left[7];
	size_t n = 7;

	memcpy(left, entries, sizeof(left));
	for (size_t i = 0; i < 7; i++) {
		size_t first = keep_first(left, n);

		CU_ASSERT_TRUE_FATAL(first < n);
		CU_ASSERT_STRING_EQUAL(left[first].name, order[i]);
		left[first] = left[--n];
	}
	CU_ASSERT_EQUAL(keep_first(left, 0), 0);
}

/* Each step keeps less, and the last one nothing. */
static void test_below(void)
{
	enum keep_tier tier = KEEP_WHOLE;
	unsigned steps = 0;

	while (tier != KEEP_TIERS && steps < 10) {
		enum keep_tier next = keep_below(tier);

		CU_ASSERT_TRUE(next < tier || next == KEEP_TIERS);
		tier = next;
		steps++;
	}
	CU_ASSERT_EQUAL(steps, 4);
}

/* ---- a plan ---- */

struct site {
	struct ledger ledger;
	struct report report;
	struct report_wan wans[2];
	struct finding findings[2];
	struct coverage_gap gap;
};

/* wan1 in files 0 and 1, wan2, the backup, in file 2. */
static void site_init(struct site *site)
{
	memset(site, 0, sizeof(*site));
	ledger_init(&site->ledger);
	ledger_wan(&site->ledger, "wan1");
	ledger_wan(&site->ledger, "wan2");
	ledger_file(&site->ledger, "a", 0);
	ledger_file(&site->ledger, "b", 0);
	ledger_file(&site->ledger, "c", 1);
	site->wans[0] = (struct report_wan){.name = "wan1", .ledger = &site->ledger.wans[0]};
	site->wans[1] = (struct report_wan){.name = "wan2", .ledger = &site->ledger.wans[1]};
	site->wans[0].role.role = ROLE_MASTER;
	site->wans[1].role.role = ROLE_BACKUP;
	site->report = (struct report){.ledger = &site->ledger,
	                               .wans = site->wans,
	                               .n_wans = 2,
	                               .findings = site->findings};
}

static void same_numbers(const struct keep_file *file, const uint64_t *numbers, size_t n)
{
	CU_ASSERT_EQUAL_FATAL(file->n_numbers, n);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(file->numbers[i], numbers[i]);
}

/* Frames 9, 4, 9 and 2 of a file are evidence of a cell, an event and a finding: 2, 4, 9 are kept;
 * a file or number that does not exist is passed over. */
static void test_evidence(void)
{
	struct site site;
	struct keep_plan plan;
	const struct ledger_entry entry = {
		.ts_ns = T0, .number = 9, .kind = KIND_ACK, .l2_bytes = 60};

	site_init(&site);
	ledger_count(&site.ledger, &entry);
	ledger_note(&site.ledger, 0, EVENT_MP_FAIL, T0, 0, 4);
	ledger_note(&site.ledger, 0, EVENT_MP_FAIL, T0, 0, 9);
	ledger_note(&site.ledger, 1, EVENT_TCPRST, T0, LEDGER_FILES_MAX, 7);
	ledger_note(&site.ledger, 1, EVENT_TCPRST, T0, 2, 0);
	site.findings[0] = (struct finding){.rule = "A1",
	                                    .status = STATUS_FAIL,
	                                    .frames = {{T0, 2, 0, MESSAGE_none}, {T0, 5, 77, MESSAGE_none}},
	                                    .n_frames = 2};
	site.report.n_findings = 1;
	CU_ASSERT_TRUE_FATAL(keep_plan(&plan, &site.report, KEEP_AROUND_NS));
	same_numbers(&plan.files[0], (const uint64_t[]){2, 4, 9}, 3);
	same_numbers(&plan.files[1], NULL, 0);
	same_numbers(&plan.files[2], NULL, 0);
	CU_ASSERT_TRUE(!plan.files[0].whole && !plan.files[1].whole && plan.files[2].whole);
	CU_ASSERT_EQUAL(plan.n_spans, 0);
	keep_plan_release(&plan);
	ledger_release(&site.ledger);
}

/* A failover from second 600 to 601, heard at 1200; a gap from 1300 on; MP_PRIO at 5000; a warning
 * of A6 at 9000 and one of A1, which is no event: minutes around each, those that touch are one. */
static void test_events(void)
{
	struct site site;
	struct keep_plan plan;
	struct ledger_interruption row = {.kind = INTERRUPTION_FAILOVER,
	                                  .wan = 0,
	                                  .to = 1,
	                                  .from_ns = T0 + 600 * NS,
	                                  .to_ns = T0 + 601 * NS,
	                                  .heard_ns = T0 + 1200 * NS,
	                                  .frame = {.file = LEDGER_FILES_MAX}};
	static const uint64_t want[][2] = {
		{480, 721}, {1080, 1420}, {1880, 2120}, {4880, 5120}, {8880, 9120}};

	site_init(&site);
	ledger_interrupted(&site.ledger, &row);
	ledger_note(&site.ledger, 1, EVENT_PRIO_DOWN_BACKUP, T0 + 5000 * NS, 2, 1);
	site.gap = (struct coverage_gap){
		.from_ns = T0 + 1300 * NS, .to_ns = T0 + 2000 * NS, .state = SPAN_DOWN};
	site.wans[1].coverage = (struct coverage){.gaps = &site.gap, .n_gaps = 1};
	site.findings[0] = (struct finding){.rule = "A6",
	                                    .status = STATUS_WARN,
	                                    .frames = {{T0 + 9000 * NS, 2, 0, MESSAGE_none}},
	                                    .n_frames = 1};
	site.findings[1] = (struct finding){.rule = "A1",
	                                    .status = STATUS_FAIL,
	                                    .frames = {{T0 + 20000 * NS, 3, 0, MESSAGE_none}},
	                                    .n_frames = 1};
	site.report.n_findings = 2;
	CU_ASSERT_TRUE_FATAL(keep_plan(&plan, &site.report, KEEP_AROUND_NS));
	CU_ASSERT_EQUAL_FATAL(plan.n_spans, sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < plan.n_spans; i++) {
		CU_ASSERT_EQUAL(plan.spans[i].from_ns, T0 + want[i][0] * NS);
		CU_ASSERT_EQUAL(plan.spans[i].to_ns, T0 + want[i][1] * NS);
	}
	keep_plan_release(&plan);
	ledger_release(&site.ledger);
}

/* One capture of all WANs is told as wan1's: it is the backup's, too, as its evidence shows; so are
 * the other files of the same capture. */
static void test_shared_file(void)
{
	struct site site;
	struct keep_plan plan;
	const struct ledger_entry entry = {.wan = 1, .ts_ns = T0, .number = 9, .kind = KIND_ACK};

	site_init(&site);
	site.ledger.files[2].wan = 0;
	ledger_count(&site.ledger, &entry);
	CU_ASSERT_TRUE_FATAL(keep_plan(&plan, &site.report, KEEP_AROUND_NS));
	for (size_t i = 0; i < plan.n_files; i++)
		CU_ASSERT_TRUE(plan.files[i].whole);
	keep_plan_release(&plan);
	ledger_release(&site.ledger);
}

void suite_keep(void)
{
	CU_pSuite suite = CU_add_suite("keep", NULL, NULL);

	CU_add_test(suite, "what goes first", test_order);
	CU_add_test(suite, "each step keeps less", test_below);
	CU_add_test(suite, "evidence", test_evidence);
	CU_add_test(suite, "minutes around events", test_events);
	CU_add_test(suite, "one file of several WANs", test_shared_file);
}
