/* SPDX-License-Identifier: MIT
 *
 * unit.c - runs the CUnit suites: all, or those whose names are given.
 *
 * Prints "ok SUITE/TEST" or "not ok SUITE/TEST" for each test, after the assertions that did not
 * hold. Exit 1 when one failed.
 */
#include <CUnit/Basic.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

/* A row per tests/test_<name>.c; each defines suite_<name>(), which registers a suite of that name.
 */
/* clang-format off */
#define SUITES(X) \
	X(capture) \
	X(progress) \
	X(merging) \
	X(ledger) \
	X(report) \
	X(policy) \
	X(coverage) \
	X(flaws) \
	X(appid) \
	X(digest) \
	X(decode) \
	X(option) \
	X(seqset) \
	X(classify) \
	X(health) \
	X(inquiry) \
	X(course) \
	X(failover) \
	X(standby) \
	X(pipeline) \
	X(state) \
	X(quality) \
	X(recording) \
	X(tail) \
	X(watch) \
	X(pcapng) \
	X(spool) \
	X(repair) \
	X(writer) \
	X(settings) \
	X(snap) \
	X(live) \
	X(keeper) \
	X(devices) \
	X(sandbox) \
	X(control) \
	X(zone) \
	X(uci) \
	X(plan) \
	X(site) \
	X(names) \
	X(peers) \
	X(causes) \
	X(explain) \
	X(message) \
	X(words) \
	X(follow) \
	X(html) \
	X(keep) \
	X(thin) \
	X(scrub) \
	X(sites) \
	X(output) \
	X(history) \
	X(run)
/* clang-format on */

#define X(name) void suite_##name(void);
SUITES(X)
#undef X

static const struct {
	const char *name;
	void (*add)(void);
} suites[] = {
#define X(name) {#name, suite_##name},
	SUITES(X)
#undef X
};

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return argc < 2;
}

/* A line per test; of a test that failed also each assertion that did not hold. */
static void print_test(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	for (CU_pFailureRecord f = failure; f; f = f->pNext)
		printf("%s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
		       f->strCondition ? f->strCondition : "?");
	printf("%s %s/%s\n", failure ? "not ok" : "ok", suite->pName, test->pName);
}

int main(int argc, char **argv)
{
	unsigned failed, passed;

	if (CU_initialize_registry() != CUE_SUCCESS) {
		fprintf(stderr, "unit: CUnit: %s\n", CU_get_error_msg());
		return 1;
	}
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (wanted(suites[i].name, argc, argv))
			suites[i].add();
	CU_set_test_complete_handler(print_test);
	CU_run_all_tests();
	failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	passed = CU_get_number_of_successes();
	printf("# unit: %u assertions held, %u failed\n", passed, failed);
	CU_cleanup_registry();
	return failed > 0 || passed == 0;
}
