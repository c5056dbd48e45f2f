/* SPDX-License-Identifier: MIT
 *
 * cmd_explain.c - mptcp-audit explain [CHECK...]: what a check means and what to do about it.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd_intake.h"
#include "command.h"
#include "explain.h"
#include "output.h"
#include "text.h"

static void usage(void)
{
	fputs("mptcp-audit explain [--lang en|zh] [CHECK...]\n\n"
	      "  What a check means, how to repair what it finds, and how to see that it is\n"
	      "  repaired: mptcp-audit explain A13. Without a check: the list of all.\n\n"
	      "  --lang LANGUAGE   en (default) or zh\n"
	      "  -h, --help\n",
	      stdout);
}

static const struct option long_options[] = {
	{"lang", required_argument, NULL, OPTION_OWN},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* The row of "a13" as well as "A13"; else complain. */
static const struct explain_row *find(const char *word)
{
	const char *ids[64], *near;
	const struct explain_row *row;
	char id[16];
	size_t n = 0;

	snprintf(id, sizeof(id), "%s", word);
	id[0] = (char)toupper((unsigned char)id[0]);
	row = strlen(word) < sizeof(id) ? explain_find(id) : NULL;
	if (row)
		return row;
	for (; n < explain_n_rows && n < sizeof(ids) / sizeof(*ids); n++)
		ids[n] = explain_rows[n].id;
	near = text_nearest(id, ids, n);
	if (near)
		command_complain(EXIT_USAGE, "there is no check \"%s\", did you mean \"%s\"?", word,
		                 near);
	else
		command_complain(EXIT_USAGE,
		                 "there is no check \"%s\"; mptcp-audit explain lists all", word);
	return NULL;
}

int cmd_explain(int argc, char **argv)
{
	enum language language = LANGUAGE_EN;
	int result;

	opterr = 0;
	while ((result = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (result == 'h') {
			usage();
			return EXIT_PASS;
		}
		if (result != OPTION_OWN)
			return intake_bad_option(argv, long_options, result);
		if (!language_find(optarg, &language))
			return command_complain(EXIT_USAGE,
			                        "--lang: \"%s\" is not spoken here, en and zh are",
			                        optarg);
	}
	for (int i = optind; i < argc; i++)
		if (!find(argv[i]))
			return EXIT_USAGE;
	if (optind == argc)
		explain_list(language, stdout);
	for (int i = optind; i < argc; i++) {
		if (i > optind)
			fputs("\n\n", stdout);
		explain_page(find(argv[i]), language, stdout);
	}
	return fflush(stdout) == 0 && !ferror(stdout)
	               ? EXIT_PASS
	               : command_complain(EXIT_CANNOT_WRITE, "standard output cannot be written");
}
