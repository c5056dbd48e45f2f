/* SPDX-License-Identifier: MIT
 *
 * cmd_diff.c - mptcp-audit diff OLD.json NEW.json: what became better, and what worse.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "cmd_write.h"
#include "command.h"
#include "diff.h"
#include "filed.h"
#include "output.h"

static const struct option options[] = {
	{"json", required_argument, NULL, OPTION_JSON},
	{"lang", required_argument, NULL, OPTION_LANG},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit diff OLD.json NEW.json [OPTION]...\n"
	      "What two reports of one site say differently: findings that are new, worsened, "
	      "unseen,\n"
	      "unchanged, improved or resolved, and the bytes a day of each backup.\n\n"
	      "  --json FILE|-       the same as JSON (- instead of the text)\n"
	      "  --lang LANGUAGE     en (default) or zh-CN\n"
	      "  -h, --help\n\n"
	      "Exit: 0 nothing is worse, 1 something is new or worsened, 3 nothing is, but what "
	      "was bad\n"
	      "could not be judged again, 64 and above: errors\n",
	      stdout);
	return EXIT_PASS;
}

static json_t *load(const char *path, enum language language, int *code)
{
	const struct telling how = {.language = language};
	enum filed_failure failure;
	char why[400], words[600];
	json_t *report = filed_load(path, &failure, why, sizeof(why));

	if (!report)
		*code = command_complain(
			failure == FILED_UNREADABLE ? EXIT_NO_INPUT : EXIT_BAD_DATA, "%s: %s", path,
			message_words(words, sizeof(words), why, &how));
	return report;
}

static int tell(const json_t *diff, const char *json, enum language language)
{
	int code = json ? write_json(diff, json) : 0;

	if (code == 0 && !(json && strcmp(json, "-") == 0)) {
		diff_print(diff, language, stdout);
		if (fflush(stdout) != 0 && errno != EPIPE)
			code = command_complain(EXIT_CANNOT_WRITE, "standard output: %s",
			                        strerror(errno));
	}
	if (code)
		return code;
	if (diff_count(diff, CHANGE_NEW) + diff_count(diff, CHANGE_WORSENED) > 0)
		return EXIT_WARN;
	return diff_count(diff, CHANGE_UNSEEN) > 0 ? EXIT_NOT_ASSESSED : EXIT_PASS;
}

static int compare(char **paths, const char *json, enum language language)
{
	int code = 0;
	json_t *old = load(paths[0], language, &code);
	json_t *new = old ? load(paths[1], language, &code) : NULL, *diff;

	if (new && !diff_same_site(old, new))
		code = command_complain(
			EXIT_BAD_DATA, "%s is of the site \"%s\", %s of \"%s\": nothing to compare",
			paths[0], filed_text(old, "site"), paths[1], filed_text(new, "site"));
	if (new &&code == 0) {
		diff = diff_json(old, new);
		code = diff ? tell(diff, json, language)
		            : command_complain(EXIT_INTERNAL, "out of memory");
		json_decref(diff);
	}
	json_decref(old);
	json_decref(new);
	return code;
}

int cmd_diff(int argc, char **argv)
{
	enum language language = LANGUAGE_EN;
	const char *json = NULL;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == OPTION_JSON)
			json = optarg;
		else if (!render_language(optarg, &language))
			return EXIT_USAGE;
	}
	if (argc - optind != 2)
		return command_complain(EXIT_USAGE,
		                        "diff: an old and a new report (--help says how)");
	return compare(argv + optind, json, language);
}
