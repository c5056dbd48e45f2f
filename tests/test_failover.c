/* SPDX-License-Identifier: MIT
 *
 * test_failover.c - A10 to A13 and A25 at their limits, and what A1 leaves to A12.
 *
 * Ledgers are built by hand: the moments a rule must find are those the test put in. The limits are
 * the defaults that the domain gives: 2 and 20 s, 10 and 30 s, 30 and 120 s, 2 and 10 s, 4 a day.
 */
#include "reported.h"

#include <stdio.h>

void suite_failover(void);

/* wan1 master, wan2 backup, an hour shared. */
static struct story *begin(void)
{
	struct story *t = story_cast();

	t->ledger.shared_end_ns = T0 + 3600 * S;
	return t;
}

/* A row that began 100 s into the hour. */
static struct ledger_interruption row_of(enum interruption kind, uint64_t gap_ns)
{
	return (struct ledger_interruption){
		.kind = (uint8_t)kind,
		.direction = DIR_DOWN,
		.wan = 0,
		.to = kind == INTERRUPTION_OUTAGE ? LEDGER_WANS_MAX : 1,
		.from_ns = T0 + 100 * S,
		.to_ns = T0 + 100 * S + gap_ns,
		.frame = {T0 + 100 * S + gap_ns, 7, 0},
	};
}

/* One row, one rule, one answer. */
static void expect_row(const struct ledger_interruption *row, const char *rule, enum status status,
                       double value)
{
	struct story *t = begin();

	ledger_interrupted(&t->ledger, row);
	CU_ASSERT_EQUAL_FATAL(story_build(t), REPORT_FINE);
	const struct finding *f = finding(t, rule, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	if (f->status != status)
		printf("%s is %s, should be %s: %s\n", rule, status_names[f->status],
		       status_names[status], f->text);
	CU_ASSERT_EQUAL(f->status, status);
	if (status <= STATUS_FAIL) {
		CU_ASSERT_TRUE(f->observed);
		CU_ASSERT_DOUBLE_EQUAL(f->value, value, 1e-9);
	}
	if (status == STATUS_WARN || status == STATUS_FAIL)
		CU_ASSERT_EQUAL(f->n_frames > 0, strcmp(rule, "A25") != 0);
	story_free(t);
}

static void expect_gap(enum interruption kind, const char *rule, double gap, enum status status)
{
	struct ledger_interruption row = row_of(kind, (uint64_t)(gap * 1e9));

	expect_row(&row, rule, status, gap);
}

static void test_gaps(void)
{
	expect_gap(INTERRUPTION_FAILOVER, "A10", 0.25, STATUS_PASS);
	expect_gap(INTERRUPTION_FAILOVER, "A10", 2, STATUS_PASS);
	expect_gap(INTERRUPTION_FAILOVER, "A10", 2.5, STATUS_WARN);
	expect_gap(INTERRUPTION_FAILOVER, "A10", 20, STATUS_WARN);
	expect_gap(INTERRUPTION_FAILOVER, "A10", 21, STATUS_FAIL);
	expect_gap(INTERRUPTION_OPENING, "A10", 21, STATUS_NOT_APPLICABLE);
	expect_gap(INTERRUPTION_OPENING, "A11", 9, STATUS_PASS);
	expect_gap(INTERRUPTION_OPENING, "A11", 21, STATUS_WARN);
	expect_gap(INTERRUPTION_OPENING, "A11", 31, STATUS_FAIL);
	expect_gap(INTERRUPTION_FAILOVER, "A11", 31, STATUS_NOT_APPLICABLE);
}

/* No backup took new connections: the primary did, when it was back, or nobody up to the end. */
static void test_opening_here(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_OPENING, 9 * S);

	row.to = row.wan;
	expect_row(&row, "A11", STATUS_PASS, 9);
	row = row_of(INTERRUPTION_OPENING, 31 * S);
	row.to = row.wan;
	expect_row(&row, "A11", STATUS_FAIL, 31);
	row = row_of(INTERRUPTION_OPENING, 9 * S);
	row.to = row.wan;
	row.open = true;
	expect_row(&row, "A11", STATUS_NOT_ASSESSED, 9); /* it may take longer than the capture */
}

/* What is no failover of a primary to a backup while all captures ran. */
static void test_not_judged(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, 60 * S);

	row.wan = 1;
	row.to = 0;
	expect_row(&row, "A10", STATUS_NOT_APPLICABLE, 0);
	row = row_of(INTERRUPTION_FAILOVER, 60 * S);
	row.to_ns = T0 + 3601 * S;
	expect_row(&row, "A10", STATUS_NOT_APPLICABLE, 0);
	row.from_ns = T0 - S;
	row.to_ns = T0 + 100 * S;
	expect_row(&row, "A10", STATUS_NOT_APPLICABLE, 0);
}

/* The primary was out for `out` s; data stayed for `lag` s more. */
static void expect_lag(double out, double lag, bool open, bool ended, enum status status)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S / 4);

	row.heard_ns = row.from_ns + (uint64_t)(out * 1e9);
	row.last_ns = row.heard_ns + (uint64_t)(lag * 1e9);
	row.back_ns = open ? 0 : row.last_ns;
	row.open = open;
	row.ended = ended;
	expect_row(&row, "A12", status, lag);
}

static void test_failback(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S / 4);

	expect_row(&row, "A12", STATUS_NOT_ASSESSED, 0); /* the primary never answered again */
	expect_lag(20, 10, false, true, STATUS_PASS);
	expect_lag(60, 45, false, true, STATUS_WARN);
	expect_lag(60, 121, false, true, STATUS_FAIL);
	expect_lag(200, 121, false, true, STATUS_WARN); /* not longer than the outage */
	expect_lag(200, 201, false, true, STATUS_FAIL);
	/* a failback that never came: until the connection ended, or only the capture */
	expect_lag(20, 29, true, true, STATUS_FAIL);
	expect_lag(20, 19, true, true, STATUS_PASS);
	expect_lag(2, 9, true, true, STATUS_PASS);
	expect_lag(2, 11, true, true, STATUS_FAIL);
	expect_lag(60, 32, true, false, STATUS_WARN);
	expect_lag(60, 121, true, false, STATUS_FAIL);
}

static void expect_stall(double stall, enum status status)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S / 4);

	row.heard_ns = row.last_ns = row.from_ns + 20 * S;
	row.back_ns = row.heard_ns + (uint64_t)(stall * 1e9);
	row.stall_from_ns = stall > 0 ? row.heard_ns : 0;
	row.stall_to_ns = stall > 0 ? row.back_ns : 0;
	expect_row(&row, "A13", status, stall);
}

static void test_stall(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S / 4);

	expect_row(&row, "A13", STATUS_NOT_APPLICABLE, 0);
	expect_stall(0, STATUS_PASS);
	expect_stall(2, STATUS_PASS);
	expect_stall(3.3, STATUS_WARN);
	expect_stall(26.6, STATUS_FAIL);
}

/* Outages by packets, and the recorder's marks of the same and of another one. */
static void expect_outages(unsigned by_packets, unsigned by_marks, double value, enum status status)
{
	struct story *t = begin();

	for (unsigned i = 0; i < by_packets; i++) {
		struct ledger_interruption row = row_of(INTERRUPTION_OUTAGE, 20 * S);
		row.from_ns += i * 100 * S;
		row.to_ns += i * 100 * S;
		ledger_interrupted(&t->ledger, &row);
	}
	for (unsigned i = 0; i < by_marks; i++)
		ledger_add_span(&t->ledger.wans[0],
		                &(struct ledger_span){.from_ns = T0 + (101 + 100 * i) * S,
		                                      .to_ns = T0 + (125 + 100 * i) * S,
		                                      .state = SPAN_DOWN});
	CU_ASSERT_EQUAL_FATAL(story_build(t), REPORT_FINE);
	const struct finding *f = finding(t, "A25", -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->status, status);
	CU_ASSERT_DOUBLE_EQUAL(f->value, value, 1e-9);
	story_free(t);
}

static void test_outages(void)
{
	expect_outages(0, 0, 0, STATUS_PASS);
	expect_outages(4, 0, 4, STATUS_PASS);
	expect_outages(4, 4, 4, STATUS_PASS); /* the same ones */
	expect_outages(1, 2, 2, STATUS_PASS);
	expect_outages(5, 0, 5, STATUS_WARN);
	expect_outages(2, 5, 5, STATUS_WARN);
}

/* 100 MB on the master; on the backup 3 MB after its return, and `healthy` bytes beside it. */
static void expect_share(bool measured, uint32_t healthy, enum status status, uint64_t judged)
{
	struct story *t = begin();
	uint16_t after =
		ledger_circumstance(&t->ledger, &(struct ledger_circumstance){.returned = 1});
	uint16_t fine =
		ledger_circumstance(&t->ledger, &(struct ledger_circumstance){.healthy = 1});
	struct ledger_entry entry = {
		.ts_ns = T0 + S, .direction = DIR_DOWN, .kind = KIND_PAYLOAD, .shared = true};
	const struct {
		uint32_t wan, bytes;
		uint16_t circumstance;
	} cells[] = {{0, 100 * MB, 0}, {1, 3 * MB, after}, {1, healthy, fine}};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		entry.wan = cells[i].wan;
		entry.l2_bytes = entry.ip_bytes = entry.payload[0] = cells[i].bytes;
		entry.circumstance = cells[i].circumstance;
		ledger_count(&t->ledger, &entry);
	}
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S / 4);
	row.heard_ns = measured ? row.from_ns + 20 * S : 0;
	row.last_ns = row.from_ns + 25 * S;
	row.back_ns = measured ? row.last_ns : 0;
	ledger_interrupted(&t->ledger, &row);
	CU_ASSERT_EQUAL_FATAL(story_build(t), REPORT_FINE);
	const struct finding *f = finding(t, "A1", -1);
	CU_ASSERT_EQUAL(f->status, status);
	CU_ASSERT_EQUAL(f->numerator, judged);
	story_free(t);
}

static void test_share_leaves_it_to_failback(void)
{
	expect_share(true, 0, STATUS_PASS, 0);
	expect_share(false, 0, STATUS_FAIL, 3 * MB); /* nobody measured it: it counts */
	expect_share(true, 2 * MB, STATUS_FAIL, 2 * MB);
}

/* A capture that ends before the others makes what it does not show look like a stall, or like a
 * quick failback: neither is told as one. */
static void test_captures_that_end(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S);

	row.heard_ns = T0 + 200 * S;
	row.last_ns = row.back_ns = T0 + 201 * S;
	row.stall_from_ns = T0 + 3590 * S;
	row.stall_to_ns = T0 + 3599 * S;
	expect_row(&row, "A13", STATUS_WARN, 9);
	row.stall_to_ns = T0 + 3700 * S;
	expect_row(&row, "A13", STATUS_NOT_ASSESSED, 0);

	row.stall_from_ns = row.stall_to_ns = 0;
	row.heard_ns = T0 + 3590 * S;
	row.last_ns = T0 + 3592 * S;
	row.back_ns = 0;
	expect_row(&row, "A12", STATUS_PASS, 2);
	row.last_ns = T0 + 3600 * S;
	row.back_ns = T0 + 3620 * S;
	expect_row(&row, "A12", STATUS_NOT_ASSESSED, 0);
	row.heard_ns = T0 + 3610 * S;
	expect_row(&row, "A12", STATUS_NOT_ASSESSED, 0);
}

/* The hour after the one in which a failover began has its failback. */
static void test_windows_that_begin_later(void)
{
	struct ledger_interruption row = row_of(INTERRUPTION_FAILOVER, S);

	row.from_ns = T0 - 100 * S;
	row.to_ns = T0 - 99 * S;
	row.heard_ns = T0 + 10 * S;
	row.last_ns = T0 + 50 * S;
	row.back_ns = T0 + 51 * S;
	expect_row(&row, "A12", STATUS_WARN, 40);
	row.heard_ns = T0 - 60 * S;
	row.last_ns = row.back_ns = T0 - 20 * S; /* over before the window */
	expect_row(&row, "A12", STATUS_NOT_APPLICABLE, 0);
}

void suite_failover(void)
{
	CU_pSuite suite = CU_add_suite("failover", NULL, NULL);

	CU_add_test(suite, "gaps", test_gaps);
	CU_add_test(suite, "opening_here", test_opening_here);
	CU_add_test(suite, "not_judged", test_not_judged);
	CU_add_test(suite, "failback", test_failback);
	CU_add_test(suite, "stall", test_stall);
	CU_add_test(suite, "outages", test_outages);
	CU_add_test(suite, "share_leaves_it_to_failback", test_share_leaves_it_to_failback);
	CU_add_test(suite, "captures that end", test_captures_that_end);
	CU_add_test(suite, "windows that begin later", test_windows_that_begin_later);
}
