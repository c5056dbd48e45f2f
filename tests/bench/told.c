/* SPDX-License-Identifier: MIT
 *
 * told.c - what the parts of telling a ledger cost: reading it, judging, the JSON as values and as
 * text, the text, the page.
 *
 * told LEDGER
 *
 * Prints "part=NAME cpu_us=N" for each, in their order. wan1 is the master, wan3 the backup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../report/cmd_intake.h"
#include "../../report/cmd_report.h"
#include "../../report/formats.h"
#include "../../report/render.h"
#include "../../report/report.h"

static void lap(const char *part)
{
	static struct timespec before;
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	if (part)
		printf("part=%s cpu_us=%lld\n", part,
		       (long long)(now.tv_sec - before.tv_sec) * 1000000 +
		               (now.tv_nsec - before.tv_nsec) / 1000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
}

static int tell(const struct intake *intake, const struct ledger *ledger, FILE *out)
{
	struct report report;
	json_t *json;
	int code = report_of(intake, ledger, &report);

	if (code != 0)
		return code;
	lap("judge");
	json = render_json(&report);
	lap("values");
	if (json && json_dumpf(json, out, JSON_SORT_KEYS | JSON_INDENT(1)) == 0)
		lap("json");
	if (json && format_find("text")->render(json, 0, out))
		lap("text");
	if (json && format_find("html")->render(json, 0, out))
		lap("page");
	report_release(&report);
	json_decref(json);
	return json ? 0 : 70;
}

int main(int argc, char **argv)
{
	FILE *out = fopen("/dev/null", "w");
	struct intake intake;
	struct ledger ledger;
	int code;

	if (argc != 2 || !out) {
		fprintf(stderr, "usage: told LEDGER\n");
		return 64;
	}
	intake_init(&intake);
	intake.now_ns = UINT64_C(1767312000000000000);
	intake_option(&intake, OPTION_ROLE, "wan1=master");
	intake_option(&intake, OPTION_ROLE, "wan2=on");
	intake_option(&intake, OPTION_ROLE, "wan3=backup");
	intake_expect(&intake);
	ledger_init(&ledger);
	lap(NULL);
	code = intake_load(argv[1], &ledger);
	lap("load");
	if (code == 0)
		code = tell(&intake, &ledger, out);
	ledger_release(&ledger);
	intake_release(&intake);
	fclose(out);
	return code;
}
