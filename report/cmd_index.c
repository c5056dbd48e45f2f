/* SPDX-License-Identifier: MIT
 *
 * cmd_index.c - mptcp-audit index DIR: a folder of stored reports, a line each, worst first.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "command.h"
#include "filed.h"
#include "overview.h"

#define PATH_SIZE 4096

static const struct option options[] = {
	{"output", required_argument, NULL, 'o'},
	{"json", required_argument, NULL, OPTION_JSON},
	{"lang", required_argument, NULL, OPTION_LANG},
	{"all", no_argument, NULL, OPTION_OWN},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit index DIRECTORY [OPTION]...\n"
	      "The reports (*.json) of a folder, a line each, worst first: of each site the "
	      "newest.\n"
	      "What is no report is listed, and keeps nothing else out.\n\n"
	      "  -o, --output FILE   a page for a browser, with links to the pages (NAME.html "
	      "beside\n"
	      "                      NAME.json) when it lies in that folder too\n"
	      "  --json FILE|-       the same as JSON (- instead of the text)\n"
	      "  --all               all reports of a site\n"
	      "  --lang LANGUAGE     en (default) or zh-CN\n"
	      "  -h, --help\n\n"
	      "Exit: 0, whatever the reports say; 64 and above: errors\n",
	      stdout);
	return EXIT_PASS;
}

static bool render_json_text(const json_t *json, enum language language, FILE *out)
{
	(void)language;
	return json_dumpf(json, out, JSON_SORT_KEYS | JSON_INDENT(1)) == 0 &&
	       fputc('\n', out) != EOF;
}

static const struct format as_json = {"json", ".json", "", render_json_text};
static const struct format as_html = {"html", ".html", "", overview_html};
static const struct format as_text = {"text", ".txt", "", overview_text};

/* Is the page written into the folder itself? */
static bool lies_in(const char *path, const char *folder)
{
	char *copy = path ? strdup(path) : NULL;
	struct stat a, b;
	bool same = copy && stat(dirname(copy), &a) == 0 && stat(folder, &b) == 0 &&
	            a.st_dev == b.st_dev && a.st_ino == b.st_ino;

	free(copy);
	return same;
}

static int is_json(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".json") == 0;
}

static void add_file(json_t *overview, const char *folder, const char *name, bool links)
{
	char path[PATH_SIZE], why[600], page[NAME_MAX + 8];
	enum filed_failure failure;
	struct stat st;
	json_t *report;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return; /* a pipe would keep us waiting */
	report = filed_load(path, &failure, why, sizeof(why));
	if (!report) {
		overview_add_broken(overview, name, why);
		return;
	}
	snprintf(page, sizeof(page), "%.*s.html", (int)(strlen(name) - 5), name);
	snprintf(path, sizeof(path), "%s/%s", folder, page);
	overview_add(overview, report, name, links && stat(path, &st) == 0 ? page : NULL);
	json_decref(report);
}

static int scan(json_t *overview, const char *folder, bool links)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_json, alphasort);

	if (n < 0)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		add_file(overview, folder, names[i]->d_name, links);
		free(names[i]);
	}
	free(names);
	return 0;
}

struct asked {
	const char *folder, *page, *json;
	enum language language;
	bool all;
};

static int tell(const json_t *overview, const struct asked *asked)
{
	int code = 0;

	if (asked->page)
		code = render_to(overview, &as_html, asked->language, "--output", asked->page);
	if (code == 0 && asked->json)
		code = render_to(overview, &as_json, asked->language, "--json", asked->json);
	if (code == 0 && !asked->page && !asked->json)
		code = render_to(overview, &as_text, asked->language, "", NULL);
	return code;
}

static int run(const struct asked *asked)
{
	json_t *overview = overview_new();
	bool links = !asked->page || lies_in(asked->page, asked->folder);
	int code = overview ? scan(overview, asked->folder, links)
	                    : command_complain(EXIT_INTERNAL, "out of memory");

	if (code == 0) {
		overview_finish(overview, asked->all);
		code = tell(overview, asked);
	}
	json_decref(overview);
	return code;
}

int cmd_index(int argc, char **argv)
{
	struct asked asked = {0};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":ho:", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == 'o')
			asked.page = optarg;
		else if (option == OPTION_JSON)
			asked.json = optarg;
		else if (option == OPTION_OWN)
			asked.all = true;
		else if (!render_language(optarg, &asked.language))
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return command_complain(EXIT_USAGE, "index: one folder (--help says how)");
	asked.folder = argv[optind];
	return run(&asked);
}
