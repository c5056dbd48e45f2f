/* SPDX-License-Identifier: MIT
 *
 * cmd_dissect.c - mptcp-audit dissect: captures in, a ledger as JSON out.
 */
#include <stdio.h>
#include <string.h>

#include "cmd_intake.h"
#include "cmd_sites.h"
#include "cmd_digest.h"
#include "cmd_state.h"
#include "cmd_window.h"
#include "command.h"

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	WINDOW_LONG_OPTIONS,
	STATE_LONG_OPTION,
	DIGEST_LONG_OPTION,
	{"output", required_argument, NULL, 'o'},
	{"sites", required_argument, NULL, OPTION_SITES},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit dissect [-o FILE] [OPTION]... [NAME=]FILE...\n"
	      "Count what captures hold; the ledger can be merged and reported later.\n\n"
	      "  -o, --output FILE   where the ledger goes (standard output); with --sites the\n"
	      "                      directory that gets a ledger SITE.json each\n",
	      stdout);
	fputs(intake_help, stdout);
	fputs(window_help, stdout);
	fputs(state_help, stdout);
	fputs(digest_help, stdout);
	fputs(sites_help, stdout);
	return EXIT_PASS;
}

static int parse(struct intake *intake, const char **path, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":f:ho:", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == 'o') {
			*path = optarg;
			continue;
		}
		code = window_option(&intake->ask, option, optarg);
		if (code < 0)
			code = intake_option(intake, option, optarg);
		if (code != 0)
			return code;
	}
	code = intake_words(intake, argc, argv, optind);
	if (code == 0 && intake->sites && (!*path || strcmp(*path, "-") == 0))
		return command_complain(EXIT_USAGE, "--sites makes a ledger for each: -o names a "
		                                    "directory for them");
	return code ? code : window_settle(intake);
}

int cmd_dissect(int argc, char **argv)
{
	struct intake intake;
	struct ledger ledger;
	const char *path = NULL;
	bool helped = false;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	intake.adds_up = true;
	code = parse(&intake, &path, argc, argv, &helped);
	if (code == 0 && !helped)
		code = intake_read(&intake, &ledger, NULL, NULL);
	if (code == 0 && !helped)
		code = intake.sites ? site_list_save(intake.sites, path)
		                    : intake_save(&ledger, path);
	if (code == 0 && !helped)
		code = state_commit(&intake);
	ledger_release(&ledger);
	intake_release(&intake);
	return code;
}
