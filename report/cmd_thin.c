/* SPDX-License-Identifier: MIT
 *
 * cmd_thin.c - mptcp-audit thin: captures in, the part of them that matters out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_keep.h"
#include "cmd_window.h"
#include "command.h"
#include "quantity.h"
#include "text.h"

#define NS_PER_MINUTE (60 * UINT64_C(1000000000))
#define AROUND_MAX    1440

enum { OPTION_BUDGET = OPTION_OWN, OPTION_AROUND };

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	{"output", required_argument, NULL, 'o'},
	{"budget", required_argument, NULL, OPTION_BUDGET},
	{"around", required_argument, NULL, OPTION_AROUND},
	{NULL, 0, NULL, 0},
};

struct thin_ask {
	const char *output; /* borrowed from argv */
	uint64_t budget;    /* 0 = any */
	uint64_t around_ns;
};

/* The captures to thin: paths, each owned. */
struct paths {
	char **list;
	size_t n, cap;
};

static int help(void)
{
	fputs("Usage: mptcp-audit thin -o DIR [OPTION]... [LEDGER.json]... [NAME=]FILE...\n"
	      "Audits captures and keeps of them what matters: backups whole, minutes around\n"
	      "outages, failovers, gaps and changes of roles, and the frames that the audit "
	      "names,\n"
	      "with the handshakes of their connections. A ledger made of them saves the audit.\n\n"
	      "  -o, --output DIR    where a pcapng for each capture goes; made if need be\n"
	      "  --budget BYTES      at most so much in DIR; what goes first, the oldest first:\n"
	      "                      backups but for what carries data, minutes, evidence\n"
	      "  --around MIN        minutes before and behind each event (2)\n",
	      stdout);
	fputs(intake_help, stdout);
	fputs("\nExit: 0 kept, 64 and above: errors\n", stdout);
	return EXIT_PASS;
}

/* ---- options ---- */

static int take_around(struct thin_ask *ask, const char *argument)
{
	char *end;
	double minutes = strtod(argument, &end);

	if (*end || end == argument || !(minutes > 0) || minutes > AROUND_MAX)
		return command_complain(EXIT_USAGE,
		                        "--around takes minutes, more than 0 and at most %d",
		                        AROUND_MAX);
	ask->around_ns = (uint64_t)(minutes * NS_PER_MINUTE);
	return 0;
}

/* -1: none of ours */
static int own_option(struct thin_ask *ask, int option, const char *argument)
{
	switch (option) {
	case 'o':
		ask->output = argument;
		return 0;
	case OPTION_AROUND:
		return take_around(ask, argument);
	case OPTION_BUDGET:
		if (quantity_bytes(argument, &ask->budget, NULL) && ask->budget > 0)
			return 0;
		return command_complain(EXIT_USAGE, "--budget takes bytes, for example 64MB");
	default:
		return -1;
	}
}

static int parse(struct intake *intake, struct thin_ask *ask, int argc, char **argv, bool *helped)
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
		code = own_option(ask, option, optarg);
		if (code < 0)
			code = intake_option(intake, option, optarg);
		if (code != 0)
			return code;
	}
	if (!ask->output)
		return command_complain(EXIT_USAGE, "thin needs -o DIR: where does it go?");
	code = intake_words(intake, argc, argv, optind);
	return code ? code : window_settle(intake);
}

/* ---- which files ---- */

static bool add_path(struct paths *paths, char *path)
{
	if (path && paths->n == paths->cap) {
		size_t cap = paths->cap ? paths->cap * 2 : 16;
		char **list = realloc(paths->list, cap * sizeof(*list));

		if (list) {
			paths->list = list;
			paths->cap = cap;
		}
	}
	if (!path || paths->n == paths->cap) {
		free(path);
		return false;
	}
	paths->list[paths->n++] = path;
	return true;
}

static void release_paths(struct paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->list[i]);
	free(paths->list);
}

/* A file, or the files of a directory that the ledger knows. */
static bool add_input(struct paths *paths, const char *path, const struct ledger *ledger)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return add_path(paths, strdup(path));
	for (size_t i = 0; i < ledger->n_files; i++) {
		const char *slash = strrchr(ledger->files[i].name, '/');
		char *inside;

		if (asprintf(&inside, "%s/%s", path, slash ? slash + 1 : ledger->files[i].name) < 0)
			return false;
		if (access(inside, F_OK) != 0)
			free(inside);
		else if (!add_path(paths, inside))
			return false;
	}
	return true;
}

static void ledgers_first(struct intake *intake, size_t *n_ledgers)
{
	*n_ledgers = 0;
	for (size_t i = 0; i < intake->n_inputs; i++) {
		struct intake_input input = intake->inputs[i];

		if (!input.ledger)
			continue;
		intake->inputs[i] = intake->inputs[*n_ledgers];
		intake->inputs[(*n_ledgers)++] = input;
	}
}

/* The ledger of all inputs: of those that are ledgers, else of the captures. */
static int read_inputs(struct intake *intake, struct ledger *ledger, struct paths *paths)
{
	size_t n = intake->n_inputs, n_ledgers;
	bool good = true;
	int code;

	for (size_t i = 0; i < n; i++)
		if (strcmp(intake->inputs[i].path, "-") == 0)
			return command_complain(EXIT_USAGE,
			                        "thin reads each capture twice: save it first");
	ledgers_first(intake, &n_ledgers);
	if (n_ledgers == n && n > 0)
		return command_complain(EXIT_USAGE, "no capture; name those the ledger is of");
	intake->n_inputs = n_ledgers ? n_ledgers : n;
	code = intake_read(intake, ledger, NULL, NULL);
	intake->n_inputs = n;
	for (size_t i = 0; code == 0 && good && n_ledgers == 0 && i < ledger->n_files; i++)
		good = add_path(paths, strdup(ledger->files[i].name));
	for (size_t i = n_ledgers; code == 0 && good && n_ledgers > 0 && i < n; i++)
		good = add_input(paths, intake->inputs[i].path, ledger);
	return good ? code : command_complain(EXIT_INTERNAL, "out of memory");
}

/* ---- what is kept ---- */

static void say(const struct keep *keep, const struct thin_ask *ask, size_t files)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], size[TEXT_SHORT], path[300];
	struct keep_usage usage;
	bool told = false;

	keep_look(keep, &usage);
	text_count(a, usage.kept);
	text_count(b, usage.frames);
	text_bytes(size, usage.bytes);
	printf("%s: %s of %s frames of %zu capture%s\n",
	       text_safe(path, sizeof(path), ask->output, 200), a, b, files, files == 1 ? "" : "s");
	printf("%llu file%s, %s", (unsigned long long)usage.files, usage.files == 1 ? "" : "s",
	       size);
	for (unsigned i = KEEP_TIERS; i-- > 0;) {
		if (usage.tiers[i] == 0)
			continue;
		printf("%s%llu %s", told ? ", " : ": ", (unsigned long long)usage.tiers[i],
		       keep_tiers[i]);
		told = true;
	}
	if (usage.reduced || usage.dropped)
		printf("; for the budget %llu made smaller, %llu given up",
		       (unsigned long long)usage.reduced, (unsigned long long)usage.dropped);
	putchar('\n');
}

static int keep_into(int dir, const struct thin_ask *ask, const struct intake *intake,
                     const struct paths *paths, const struct report *report)
{
	struct keep_shift *shifts = calloc(intake->n_shifts + 1, sizeof(*shifts));
	struct keep_options how = {.budget = ask->budget,
	                           .around_ns = ask->around_ns,
	                           .shifts = shifts,
	                           .n_shifts = shifts ? intake->n_shifts : 0};
	struct keep *keep;
	int error;

	for (size_t i = 0; i < how.n_shifts; i++)
		shifts[i] = (struct keep_shift){intake->shifts[i].wan, intake->shifts[i].ns};
	keep = keep_open(dir, &how, &error);
	if (!keep) {
		free(shifts);
		return command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", ask->output,
		                        error == -EWOULDBLOCK ? "somebody else keeps packets there"
		                                              : strerror(-error));
	}
	error = keep_pass(keep, AT_FDCWD, (const char *const *)paths->list, paths->n, report);
	if (error)
		command_complain(EXIT_PASS, "%s", keep_trouble(keep));
	say(keep, ask, paths->n);
	keep_close(keep);
	free(shifts);
	return error == 0 ? EXIT_PASS : error == -ENOMEM ? EXIT_INTERNAL : EXIT_CANNOT_WRITE;
}

static int open_output(const char *path, int *dir)
{
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", path, strerror(errno));
	*dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir >= 0)
		return 0;
	return command_complain(EXIT_CANNOT_CREATE, "-o %s: %s", path, strerror(errno));
}

static int thin(const struct thin_ask *ask, const struct intake *intake,
                const struct ledger *ledger, const struct paths *paths)
{
	struct report_options how = {.version = MPTCP_AUDIT_VERSION, .zone = &intake->zone};
	struct report report;
	char message[700];
	int dir = -1, code;

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
	code = open_output(ask->output, &dir);
	if (code == 0) {
		code = keep_into(dir, ask, intake, paths, &report);
		close(dir);
	}
	report_release(&report);
	return code;
}

int cmd_thin(int argc, char **argv)
{
	struct thin_ask ask = {.around_ns = KEEP_AROUND_NS};
	struct paths paths = {0};
	struct intake intake;
	struct ledger ledger;
	bool helped = false;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	code = parse(&intake, &ask, argc, argv, &helped);
	if (code == 0 && !helped)
		code = read_inputs(&intake, &ledger, &paths);
	if (code == 0 && !helped)
		code = thin(&ask, &intake, &ledger, &paths);
	release_paths(&paths);
	ledger_release(&ledger);
	intake_release(&intake);
	return code;
}
