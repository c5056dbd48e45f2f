/* SPDX-License-Identifier: MIT
 *
 * cmd_run_window.c - the report of one window of a scheduled pass (cmd_run.h).
 *
 * Captures are told by what lies before them, too: whose connection a subflow is may have been said
 * days ago. So that not all of it is read anew for each window, the tracker's state at the end of a
 * window is kept beside the reports, in a file that is named by that moment. Which of these files
 * is the one to go on from is said by run.state alone (`until`): a pass that is killed anywhere
 * begins again from the state it had begun from, and what it wrote for the end of its window is
 * written once more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_report.h"
#include "cmd_run.h"
#include "cmd_state.h"
#include "cmd_store.h"
#include "cmd_window.h"
#include "command.h"
#include "render.h"

#define NS      UINT64_C(1000000000)
#define TRACKER "tracker-"
#define SUFFIX  ".state"

int run_site(const struct run *run, struct intake *intake)
{
	int code = intake_option(intake, OPTION_CONFIG, run->config);

	if (code == 0 && run->set.uci)
		code = intake_option(intake, OPTION_UCI, run->set.uci);
	intake->now_ns = run->now_ns;
	return code;
}

void run_stamp(uint64_t at_ns, char out[RUN_STAMP])
{
	time_t at = (time_t)(at_ns / NS);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(out, RUN_STAMP, "%Y%m%dT%H%M%SZ", &tm);
}

/* ---- the tracker's state ---- */

static void state_name(uint64_t at_ns, char out[sizeof(TRACKER SUFFIX) + RUN_STAMP])
{
	char stamp[RUN_STAMP];

	run_stamp(at_ns, stamp);
	snprintf(out, sizeof(TRACKER SUFFIX) + RUN_STAMP, TRACKER "%s" SUFFIX, stamp);
}

/* Owned by the caller. */
static char *state_path(const struct run *run, uint64_t at_ns)
{
	char name[sizeof(TRACKER SUFFIX) + RUN_STAMP], *path;

	state_name(at_ns, name);
	if (asprintf(&path, "%s/%s", run->set.reports, name) >= 0)
		return path;
	command_complain(EXIT_INTERNAL, "out of memory");
	return NULL;
}

/* Unfinished ones too: those have six characters more behind a dot (output.h). */
bool run_is_past_state(const char *name, uint64_t until_ns)
{
	char now[sizeof(TRACKER SUFFIX) + RUN_STAMP];
	size_t prefix = strlen(TRACKER), stamp;

	if (strncmp(name, TRACKER, prefix) != 0)
		return false;
	stamp = strspn(name + prefix, "0123456789TZ");
	name += prefix + stamp;
	if (stamp != 16 || strncmp(name, SUFFIX, strlen(SUFFIX)) != 0)
		return false;
	if (strlen(name) == strlen(SUFFIX) + 7 && name[strlen(SUFFIX)] == '.')
		return true;
	state_name(until_ns, now);
	return strcmp(name, SUFFIX) == 0 && strcmp(name - stamp - prefix, now) != 0;
}

void run_drop_state(const struct run *run, uint64_t at_ns)
{
	char name[sizeof(TRACKER SUFFIX) + RUN_STAMP];

	state_name(at_ns, name);
	unlinkat(run->directory, name, 0);
}

/* ---- the report ---- */

/* From the state in `from`, if there is one, to the one in `to`; NULL: without. */
static int audit(const struct run *run, uint64_t from_ns, uint64_t to_ns, const char *from,
                 const char *to, json_t **json)
{
	char *words[] = {run->set.input};
	struct intake intake;
	struct ledger ledger;
	struct report report;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	code = run_site(run, &intake);
	if (code == 0)
		code = intake_words(&intake, 1, words, 0);
	if (code == 0)
		code = window_settle(&intake);
	intake.from_ns = from_ns;
	intake.to_ns = to_ns;
	intake.state = from;
	intake.state_next = to;
	intake.digests = true;
	intake.settled = true; /* that is what `settle` waits for */
	if (code == 0)
		code = intake_read(&intake, &ledger, NULL, NULL);
	if (code == 0)
		code = report_of(&intake, &ledger, &report);
	if (code == 0) {
		*json = render_json(&report);
		code = *json ? state_commit(&intake) : EXIT_PASS;
		code = code ? code : report_exit(report.verdict);
		report_release(&report);
	}
	ledger_release(&ledger);
	intake_release(&intake);
	if (code <= EXIT_NOT_ASSESSED && !*json)
		return command_complain(EXIT_INTERNAL, "out of memory");
	return code;
}

/* A state of another spool, of another version of this program, from before the recorder's clock
 * was set, or damaged: it only saves time. */
static bool may_be_the_state(int code)
{
	return code == EXIT_BAD_DATA || code == EXIT_USAGE || code == EXIT_NO_INPUT ||
	       code == EXIT_DENIED;
}

static int audit_captures(const struct run *run, uint64_t from_ns, uint64_t to_ns, json_t **json)
{
	char *from = state_path(run, from_ns), *to = state_path(run, to_ns);
	bool had = from && access(from, F_OK) == 0;
	int code = from && to ? audit(run, from_ns, to_ns, from, to, json) : EXIT_INTERNAL;

	if (had && may_be_the_state(code)) {
		command_complain(EXIT_PASS,
		                 "%s: thrown away; the window is read anew, from the beginning of "
		                 "the captures",
		                 from);
		run_drop_state(run, from_ns);
		code = audit(run, from_ns, to_ns, from, to, json);
	}
	free(from);
	free(to);
	return code;
}

int run_read_window(const struct run *run, uint64_t from_ns, uint64_t to_ns, json_t **json)
{
	*json = NULL;
	if (store_is(run->set.input))
		return audit(run, from_ns, to_ns, NULL, NULL, json);
	return audit_captures(run, from_ns, to_ns, json);
}
