/* SPDX-License-Identifier: MIT
 *
 * command.h - the subcommands of mptcp-audit and the exit codes they share.
 */
#ifndef REPORT_COMMAND_H
#define REPORT_COMMAND_H

/* 0..3 are verdicts; the others are those of sysexits.h, so that a script can tell them apart. */
enum exit_code {
	EXIT_PASS = 0,
	EXIT_WARN = 1,
	EXIT_FAIL = 2,
	EXIT_NOT_ASSESSED = 3,
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_NO_INPUT = 66,
	EXIT_INTERNAL = 70,
	EXIT_CANNOT_CREATE = 73,
	EXIT_CANNOT_WRITE = 74,
	EXIT_DENIED = 77,
	EXIT_CONFIG = 78,
};

/* argv[0] is the subcommand's own name. Returns an enum exit_code. */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int cmd_report(int argc, char **argv);
int cmd_dissect(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_packets(int argc, char **argv);
int cmd_annotate(int argc, char **argv);
int cmd_scrub(int argc, char **argv);
int cmd_thin(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_render(int argc, char **argv);
int cmd_estimate(int argc, char **argv);
int cmd_follow(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_index(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);

/* "mptcp-audit: ..." on standard error, made safe for a terminal. Returns `code`. */
__attribute__((format(printf, 2, 3))) int command_complain(enum exit_code code, const char *format,
                                                           ...);

#endif
