/* SPDX-License-Identifier: MIT
 *
 * cmd_report.c - mptcp-audit report: captures or ledgers in, the verdict out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "cmd_state.h"
#include "cmd_window.h"
#include "command.h"
#include "output.h"
#include "render.h"
#include "report.h"

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	WINDOW_LONG_OPTIONS,
	STATE_LONG_OPTION,
	{"json", required_argument, NULL, OPTION_JSON},
	{"html", required_argument, NULL, OPTION_HTML},
	{"lang", required_argument, NULL, OPTION_LANG},
	{"billed", required_argument, NULL, OPTION_BILLED},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit report [OPTION]... [NAME=]FILE...\n"
	      "What each WAN carried, what used the backup, and whether that was right.\n\n",
	      stdout);
	fputs(intake_help, stdout);
	fputs(window_help, stdout);
	fputs(state_help, stdout);
	fputs("  --billed [WAN=]BYTES  what the carrier bills for this time: set against what was "
	      "seen\n",
	      stdout);
	fputs("  --json FILE|-       the report as JSON (- instead of the text)\n"
	      "  --html FILE         the report as a page for a browser\n"
	      "  --lang LANGUAGE     of that page: en (default) or zh-CN\n",
	      stdout);
	intake_print_limits();
	fputs("\nExit: 0 pass, 1 warn, 2 fail, 3 not assessed, 64 and above: errors\n", stdout);
	return EXIT_PASS;
}

static int write_failed(const char *path, int error)
{
	if (error == -EPIPE)
		return EXIT_CANNOT_WRITE; /* the reader has left: quiet */
	return command_complain(EXIT_CANNOT_WRITE, "%s: %s", path, strerror(-error));
}

static int write_json(const struct report *report, const char *path)
{
	json_t *json = render_json(report);
	struct output output;
	bool dumped;
	int error, why;

	if (!json)
		return command_complain(EXIT_INTERNAL, "out of memory");
	error = output_open(&output, path);
	if (error != 0) {
		json_decref(json);
		return command_complain(EXIT_CANNOT_CREATE, "--json %s: %s", path,
		                        strerror(-error));
	}
	errno = 0;
	dumped = json_dumpf(json, output.file, JSON_SORT_KEYS | JSON_INDENT(1)) == 0 &&
	         fputc('\n', output.file) != EOF;
	why = errno ? -errno : -EIO;
	json_decref(json);
	error = output_close(&output, dumped);
	if (!dumped)
		error = why; /* the first error is the one told */
	return error == 0 ? 0 : write_failed(path, error);
}

static int write_html(const struct report *report, const struct intake *intake)
{
	json_t *json = render_json(report);
	int code;

	if (!json)
		return command_complain(EXIT_INTERNAL, "out of memory");
	code = render_to(json, format_find("html"), intake->language, "--html", intake->html);
	json_decref(json);
	return code;
}

static int write_text(const struct report *report)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
	bool colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal &&
	              strcmp(terminal, "dumb") != 0;

	render_text(report, stdout, colour);
	if (fflush(stdout) != 0 || ferror(stdout))
		return write_failed("standard output", errno ? -errno : -EIO);
	return 0;
}

static int exit_of(enum status verdict)
{
	return verdict == STATUS_PASS   ? EXIT_PASS
	       : verdict == STATUS_WARN ? EXIT_WARN
	       : verdict == STATUS_FAIL ? EXIT_FAIL
	                                : EXIT_NOT_ASSESSED;
}

static int tell(const struct intake *intake, const struct ledger *ledger)
{
	struct report_options how = {
		.generated_ns = intake->now_ns,
		.version = MPTCP_AUDIT_VERSION,
		.filter = intake->filter,
		.from_ns = intake->from_ns,
		.to_ns = intake->to_ns,
		.zone = &intake->zone,
		.zone_text = intake->ask.zone ? intake->ask.zone : intake->policy.expect.zone.text,
		.billing_day = intake->ask.billing_day,
		.billed_wan = intake->billed_wan,
		.billed_bytes = intake->billed_bytes,
		.billed_binary = intake->billed_binary,
	};
	struct report report;
	char message[700];
	int code = 0;

	switch (report_build(&report, ledger, &intake->policy, &how, message, sizeof(message))) {
	case REPORT_FINE:
		break;
	case REPORT_UNKNOWN_FLAG:
		return command_complain(EXIT_USAGE, "%s", message);
	case REPORT_UNKNOWN_CONFIG:
		return command_complain(EXIT_CONFIG, "%s", message);
	default:
		return command_complain(EXIT_INTERNAL, "%s", message);
	}
	if (intake->json)
		code = write_json(&report, intake->json);
	if (code == 0 && intake->html)
		code = write_html(&report, intake);
	if (code == 0 && !(intake->json && strcmp(intake->json, "-") == 0))
		code = write_text(&report);
	if (code == 0)
		code = exit_of(report.verdict);
	report_release(&report);
	return code;
}

static int parse(struct intake *intake, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":f:h", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == OPTION_JSON) {
			intake->json = optarg;
			continue;
		}
		if (option == OPTION_HTML) {
			intake->html = optarg;
			continue;
		}
		if (option == OPTION_LANG) {
			if (!render_language(optarg, &intake->language))
				return EXIT_USAGE;
			continue;
		}
		code = window_option(&intake->ask, option, optarg);
		if (code < 0)
			code = intake_option(intake, option, optarg);
		if (code != 0)
			return code;
	}
	code = intake_words(intake, argc, argv, optind);
	return code ? code : window_settle(intake);
}

int cmd_report(int argc, char **argv)
{
	struct intake intake;
	struct ledger ledger;
	bool helped = false;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	code = parse(&intake, argc, argv, &helped);
	if (code == 0 && !helped)
		code = intake_read(&intake, &ledger, NULL, NULL);
	if (code == 0 && !helped)
		code = tell(&intake, &ledger);
	if (!helped && code <= EXIT_NOT_ASSESSED) {
		int failed = state_commit(&intake);
		code = failed ? failed : code;
	}
	ledger_release(&ledger);
	intake_release(&intake);
	return code;
}
