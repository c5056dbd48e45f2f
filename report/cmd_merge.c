/* SPDX-License-Identifier: MIT
 *
 * cmd_merge.c - mptcp-audit merge: ledgers in, their sum out.
 */
#include <stdio.h>

#include "cmd_intake.h"
#include "command.h"

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit merge A.json B.json... [-o FILE]\n"
	      "Add ledgers that mptcp-audit dissect wrote. The order does not matter.\n\n"
	      "  -o, --output FILE   where the sum goes (standard output)\n",
	      stdout);
	return EXIT_PASS;
}

static int add(struct ledger *sum, const char *path)
{
	struct ledger one;
	int code;

	ledger_init(&one);
	code = intake_load(path, &one);
	if (code == 0 && !ledger_take(sum, &one))
		code = command_complain(EXIT_BAD_DATA,
		                        "%s: cannot be added: more than %d WANs, or out of memory",
		                        path, LEDGER_WANS_MAX);
	ledger_release(&one);
	return code;
}

int cmd_merge(int argc, char **argv)
{
	const char *path = NULL;
	struct ledger sum;
	int option, code = 0;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option != 'o')
			return intake_bad_option(argv, options, option);
		path = optarg;
	}
	if (optind == argc)
		return command_complain(EXIT_USAGE, "merge: no ledger named (--help says how)");
	ledger_init(&sum);
	for (int i = optind; i < argc && code == 0; i++)
		code = add(&sum, argv[i]);
	if (code == 0)
		code = intake_save(&sum, path);
	ledger_release(&sum);
	return code;
}
