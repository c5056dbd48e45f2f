/* SPDX-License-Identifier: MIT
 *
 * cmd_render.c - mptcp-audit render REPORT.json: a stored report as a page, in either language.
 */
#include "cmd_render.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cmd_intake.h"
#include "command.h"
#include "output.h"

static void usage(void)
{
	fputs("mptcp-audit render [OPTION]... REPORT.json|-\n\n"
	      "  A stored report (mptcp-audit report --json) in another form:\n"
	      "  mptcp-audit render report.json -o report.html --lang zh-CN\n\n"
	      "  -o, --output FILE  write here instead of standard output\n"
	      "  --format FORMAT    without it the name of FILE decides, else html:\n",
	      stdout);
	for (size_t i = 0; i < n_formats; i++)
		printf("                       %-8s %s\n", formats[i].name, formats[i].words);
	fputs("  --lang LANGUAGE    en (default) or zh-CN\n"
	      "  -h, --help\n",
	      stdout);
}

static const struct option long_options[] = {
	{"output", required_argument, NULL, 'o'},
	{"format", required_argument, NULL, OPTION_OWN},
	{"lang", required_argument, NULL, OPTION_OWN + 1},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

bool render_language(const char *name, enum language *language)
{
	if (language_find(name, language))
		return true;
	command_complain(EXIT_USAGE, "--lang: \"%s\" is not spoken here, en and zh-CN are", name);
	return false;
}

int render_to(const json_t *report, const struct format *format, enum language language,
              const char *option, const char *path)
{
	const char *where = path ? path : "standard output";
	struct output output;
	bool rendered;
	int error = output_open(&output, path);

	if (error != 0)
		return command_complain(EXIT_CANNOT_CREATE, "%s %s: %s", option, where,
		                        strerror(-error));
	rendered = format->render(report, language, output.file);
	error = output_close(&output, rendered);
	if (!rendered)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (error == -EPIPE)
		return EXIT_CANNOT_WRITE; /* the reader has left: quiet */
	return error == 0 ? 0
	                  : command_complain(EXIT_CANNOT_WRITE, "%s: %s", where, strerror(-error));
}

/* NULL after a complaint; *code says which. */
static json_t *load(const char *path, int *code)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	json_error_t error;
	char message[400];
	json_t *report;

	if (!file) {
		*code = command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                         path, strerror(errno));
		return NULL;
	}
	report = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (!standard)
		fclose(file);
	if (!report) {
		*code = command_complain(EXIT_BAD_DATA, "%s, line %d: not JSON: %s", path,
		                         error.line, error.text);
		return NULL;
	}
	if (format_accepts(report, message, sizeof(message)))
		return report;
	*code = command_complain(EXIT_BAD_DATA, "%s: %s", path, message);
	json_decref(report);
	return NULL;
}

static int unknown_format(const char *name)
{
	char list[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < n_formats && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
		                         formats[i].name);
	return command_complain(EXIT_USAGE, "--format: \"%s\" is none of %s", name, list);
}

struct wish {
	const char *input, *output;
	const struct format *format;
	enum language language;
	bool helped;
};

static int read_options(struct wish *wish, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			wish->helped = true;
			usage();
			return 0;
		}
		if (option == 'o') {
			wish->output = optarg;
		} else if (option == OPTION_OWN) {
			wish->format = format_find(optarg);
			if (!wish->format)
				return unknown_format(optarg);
		} else if (option == OPTION_OWN + 1) {
			if (!render_language(optarg, &wish->language))
				return EXIT_USAGE;
		} else {
			return intake_bad_option(argv, long_options, option);
		}
	}
	if (argc - optind != 1)
		return command_complain(EXIT_USAGE, "render takes one report; "
		                                    "mptcp-audit render --help says more");
	wish->input = argv[optind];
	return 0;
}

int cmd_render(int argc, char **argv)
{
	struct wish wish = {.language = LANGUAGE_EN};
	int code = read_options(&wish, argc, argv);
	json_t *report;

	if (code != 0 || wish.helped)
		return code;
	if (!wish.format && wish.output)
		wish.format = format_of_file(wish.output);
	if (!wish.format)
		wish.format = &formats[0];
	report = load(wish.input, &code);
	if (!report)
		return code;
	code = render_to(report, wish.format, wish.language, "-o", wish.output);
	json_decref(report);
	return code;
}
