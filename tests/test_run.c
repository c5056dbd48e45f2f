/* SPDX-License-Identifier: MIT
 *
 * test_run.c - what scheduled passes remember: totals that only grow, and what is told of findings.
 */
#include "../report/run.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "../report/stored.h"

void suite_run(void);

#define NS   UINT64_C(1000000000)
#define HOUR (3600 * NS)
#define DAY  (24 * HOUR)
#define T0   (UINT64_C(1700000000) * NS)

static json_t *report_of(const char *role, const char *status, int bytes)
{
	return json_pack("{s:s, s:[{s:s, s:s, s:{s:{s:i, s:i}}}], s:[{s:s, s:s, s:s, s:s}]}",
	                 "verdict", status, "wans", "name", "wan2", "role", role, "up", "payload",
	                 "frames", 1, "ip_bytes", bytes, "findings", "rule", "A3", "wan", "wan2",
	                 "status", status, "text", "words");
}

static void pass(json_t *memory, const char *role, const char *status, uint64_t at)
{
	json_t *report = report_of(role, status, 100);

	CU_ASSERT_TRUE(run_count(memory, report, at));
	CU_ASSERT_TRUE(run_look(memory, report, at + HOUR, "file.json"));
	CU_ASSERT_PTR_NOT_NULL(json_object_get(report, "totals"));
	json_decref(report);
}

/* The change that is told, "" when there is none; it is delivered. */
static void expect(json_t *memory, const char *change)
{
	json_t *notice = run_notice(memory, LANGUAGE_EN, T0, false);
	const json_t *row = json_array_get(json_object_get(notice, "changes"), 0);

	CU_ASSERT_STRING_EQUAL(stored_text(row, "change"), change);
	CU_ASSERT_EQUAL(json_is_null(notice), !*change);
	json_decref(notice);
	CU_ASSERT_TRUE(run_told(memory, T0));
}

static void test_changes(void)
{
	json_t *memory = run_new();
	static const struct {
		const char *status, *change;
	} hours[] = {
		{"pass", ""},           {"not_assessed", ""},   {"warn", "new"},
		{"warn", ""},           {"not_assessed", ""}, /* nobody saw that it was resolved */
		{"fail", "worsened"},   {"error", ""},          {"warn", "improved"},
		{"waived", "resolved"}, {"not_applicable", ""}, {"fail", "new"},
		{"no such status", ""}, {"pass", "resolved"},
	};

	for (size_t i = 0; i < sizeof(hours) / sizeof(*hours); i++) {
		pass(memory, "backup", hours[i].status, T0 + i * HOUR);
		expect(memory, hours[i].change);
	}
	CU_ASSERT_EQUAL(json_object_size(json_object_get(memory, "findings")), 0);
	json_decref(memory);
}

static void test_undelivered(void)
{
	json_t *memory = run_new();

	pass(memory, "backup", "fail", T0);
	pass(memory, "backup", "pass", T0 + HOUR);
	expect(memory, "passing");
	expect(memory, "");
	pass(memory, "backup", "warn", T0 + 2 * HOUR);
	expect(memory, "new");
	for (uint64_t i = 3; i <= 7 * 24 + 3; i++)
		pass(memory, "backup", "not_assessed", T0 + i * HOUR);
	expect(memory, "not_seen");
	expect(memory, "");
	json_decref(memory);
}

static void test_overdue(void)
{
	json_t *memory = run_new();

	CU_ASSERT_TRUE(run_overdue(memory, false, T0));
	expect(memory, "");
	CU_ASSERT_TRUE(run_overdue(memory, true, T0));
	expect(memory, "new");
	CU_ASSERT_TRUE(run_overdue(memory, true, 0));
	expect(memory, "");
	CU_ASSERT_TRUE(run_overdue(memory, false, T0));
	expect(memory, "resolved");
	json_decref(memory);
}

/* Another role is another row: neither goes backwards. */
static void test_totals(void)
{
	json_t *memory = run_new(), *wans, *row;

	pass(memory, "backup", "pass", T0);
	pass(memory, "master", "pass", T0 + HOUR);
	pass(memory, "backup", "pass", T0 + 2 * HOUR);
	wans = json_object_get(json_object_get(memory, "totals"), "wans");
	CU_ASSERT_EQUAL_FATAL(json_array_size(wans), 2);
	row = stored_in(json_array_get(wans, 0), "up", "payload");
	CU_ASSERT_EQUAL(stored_number(row, "ip_bytes"), 200);
	CU_ASSERT_EQUAL(stored_number(row, "frames"), 2);
	row = stored_in(json_array_get(wans, 1), "up", "payload");
	CU_ASSERT_EQUAL(stored_number(row, "ip_bytes"), 100);
	CU_ASSERT_EQUAL(stored_time(json_object_get(memory, "totals"), "since"), T0);
	json_decref(memory);
}

static void test_hostile(void)
{
	static const char *const texts[] = {
		"{}",
		"{\"wans\": 7, \"findings\": {}}",
		"{\"wans\": [1, null, {}], \"findings\": [1, null, {}, {\"status\": \"fail\"}]}",
		"{\"wans\": [{\"name\": 1, \"up\": {\"payload\": {\"ip_bytes\": -5}}, \"down\": "
	        "[]}]}",
		"{\"wans\": [{\"up\": {\"payload\": {\"ip_bytes\": 9223372036854775807}}}]}",
	};
	json_t *memory = run_new();

	for (size_t i = 0; i < 3 * sizeof(texts) / sizeof(*texts); i++) {
		json_t *report = json_loads(texts[i % 5], 0, NULL), *notice;

		CU_ASSERT_TRUE(run_count(memory, report, T0));
		CU_ASSERT_TRUE(run_look(memory, report, T0 + i * DAY, "x"));
		notice = run_notice(memory, LANGUAGE_ZH, T0, true);
		CU_ASSERT_PTR_NOT_NULL(notice);
		json_decref(notice);
		json_decref(report);
	}
	CU_ASSERT_TRUE(run_accepts(memory));
	CU_ASSERT_FALSE(run_accepts(NULL));
	json_decref(memory);
}

void suite_run(void)
{
	CU_pSuite suite = CU_add_suite("run", NULL, NULL);

	CU_ADD_TEST(suite, test_changes);
	CU_ADD_TEST(suite, test_undelivered);
	CU_ADD_TEST(suite, test_overdue);
	CU_ADD_TEST(suite, test_totals);
	CU_ADD_TEST(suite, test_hostile);
}
