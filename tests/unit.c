/* SPDX-License-Identifier: MIT
 *
 * unit.c - runs the CUnit suites: all, or those whose names are given.
 *
 * Prints each failing assertion and at the end "N passed, N failed" (assertions). Exit 1 when one
 * failed.
 */
#include <CUnit/Basic.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

/* A row per tests/test_<name>.c; each defines suite_<name>(), which registers a suite of that name.
 */
#define SUITES(X) X(capture) X(ledger) X(report) X(appid) X(digest)

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

static void print_failures(void)
{
	for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
		printf("%s:%u: %s/%s: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
		       f->pSuite && f->pSuite->pName ? f->pSuite->pName : "?",
		       f->pTest && f->pTest->pName ? f->pTest->pName : "?",
		       f->strCondition ? f->strCondition : "?");
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
	CU_run_all_tests();
	print_failures();
	failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	passed = CU_get_number_of_successes();
	printf("%u passed, %u failed\n", passed, failed);
	CU_cleanup_registry();
	return failed > 0 || passed == 0;
}
