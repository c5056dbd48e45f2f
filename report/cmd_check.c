/* SPDX-License-Identifier: MIT
 *
 * cmd_check.c - mptcp-audit check: one line and an exit code, as Nagios' plugins have them.
 *
 * Whatever goes wrong is UNKNOWN (3) with a line on standard output: who asks reads nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "cmd_report.h"
#include "cmd_window.h"
#include "command.h"
#include "render.h"
#include "run_settings.h"
#include "stored.h"
#include "text.h"

#define NS UINT64_C(1000000000)

enum state { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN };
static const char *const state_names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

struct check {
	struct intake intake;
	const char *config; /* borrowed; NULL = not told */
	uint64_t max_age_s; /* 0 = any */
	bool idle_ok;
};

enum { OPTION_MAX_AGE = OPTION_OWN, OPTION_IDLE_OK };

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	WINDOW_LONG_OPTIONS,
	{"lang", required_argument, NULL, OPTION_LANG},
	{"max-age", required_argument, NULL, OPTION_MAX_AGE},
	{"idle-ok", no_argument, NULL, OPTION_IDLE_OK},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit check [OPTION]... [REPORT-DIR|REPORT.json]\n"
	      "       mptcp-audit check [OPTION]... [NAME=]FILE...\n"
	      "One line for Nagios and its kin: MPTCP OK - sentence | figures. Of the directory "
	      "that\n"
	      "run writes reports to, of one report (report --json), or of captures, spools, "
	      "stores\n"
	      "and ledgers, which are audited for it. Without a word: what --config tells run.\n\n"
	      "  --max-age TIME      a report made, or judged time that ended, longer ago than "
	      "that\n"
	      "                      is UNKNOWN: 90s, 5min, 2h, 7d\n"
	      "  --idle-ok           not assessed because nothing ran (at night) is OK\n"
	      "  --lang LANGUAGE     of the sentence: en (default) or zh-CN\n",
	      stdout);
	fputs(window_help, stdout);
	fputs(intake_help, stdout);
	fputs("\nExit: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: not assessed, and every error\n",
	      stdout);
	return STATE_OK;
}

/* ---- the line ---- */

/* One line; what stands behind a '|' is figures. */
static void one_line(char *text)
{
	for (; *text; text++)
		*text = *text == '|' ? '/' : *text == '\n' ? ' ' : *text;
}

static int say(enum state state, const char *text)
{
	char line[8000];

	snprintf(line, sizeof(line), "%s", text);
	one_line(line);
	printf("MPTCP %s - %s", state_names[state], line);
	return (int)state;
}

static int say_error(const char *text)
{
	say(STATE_UNKNOWN, text);
	putchar('\n');
	return STATE_UNKNOWN;
}

/* 'wan2 share': a quote is doubled, an equals sign would end it. */
static void label(const json_t *wan, const char *key, const char *what)
{
	char safe[STORED_NAME];

	fputs(" '", stdout);
	for (const char *at = stored_name(safe, wan, key, 60); *at; at++) {
		if (*at == '\'')
			putchar('\'');
		putchar(*at == '=' || *at == '|' ? '_' : *at);
	}
	printf(" %s'=", what);
}

static void put_figures(const json_t *report, uint64_t age_s, uint64_t max_age_s)
{
	const json_t *wan, *finding;
	size_t i;

	printf(" | age=%llus;;", (unsigned long long)age_s);
	if (max_age_s)
		printf("%llu", (unsigned long long)max_age_s);
	fputs(";0", stdout);
	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		label(wan, "name", "billed");
		printf("%lluB;;;0", (unsigned long long)stored_number(wan, "billed_ip_bytes"));
	}
	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		const json_t *observed = json_object_get(finding, "observed");

		if (strcmp(stored_text(finding, "rule"), "A1") != 0 ||
		    !stored_has(observed, "value") || !stored_has(finding, "limit"))
			continue;
		label(finding, "wan", "payload");
		printf("%.6g%%;;%.6g;0", stored_real(observed, "value") * 100,
		       stored_real(finding, "limit") * 100);
	}
}

/* ---- judging a report ---- */

/*
 * Nothing ran: the capture is whole (A27), there is a backup, and still nothing could be assessed.
 * Then it is for want of traffic, and of nothing else.
 */
static bool is_idle(const json_t *report)
{
	const json_t *finding, *wan;
	bool whole = false, backup = false;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		const char *status = stored_text(finding, "status");

		if (strcmp(stored_text(finding, "rule"), "A27") != 0)
			continue;
		if (strcmp(status, "pass") != 0 && strcmp(status, "not_applicable") != 0)
			return false;
		whole = true;
	}
	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		backup = backup || strcmp(stored_text(wan, "role"), "backup") == 0;
	}
	return whole && backup;
}

static enum state state_of(const struct check *check, const json_t *report)
{
	switch (stored_choice(report, "verdict", status_names, STATUS_COUNT)) {
	case STATUS_PASS:
		return STATE_OK;
	case STATUS_WARN:
		return STATE_WARNING;
	case STATUS_FAIL:
		return STATE_CRITICAL;
	case STATUS_NOT_ASSESSED:
		return check->idle_ok && is_idle(report) ? STATE_OK : STATE_UNKNOWN;
	default:
		return STATE_UNKNOWN;
	}
}

/* Of the judged time's end, or where there is none, of the report. */
static uint64_t age_of(const struct check *check, const json_t *report)
{
	const json_t *window = json_object_get(report, "window");
	uint64_t at = stored_time(window, "end"), now = check->intake.now_ns;

	if (stored_time(window, "asked_to"))
		at = stored_time(window, "asked_to");
	if (!at)
		at = stored_time(report, "generated");
	return now > at ? (now - at) / NS : 0;
}

static int judge(const struct check *check, const json_t *report)
{
	char message[6000], words[7000], old[7500], for_long[TEXT_SHORT];
	struct zone zone;
	const struct telling how = {check->intake.language, &zone};
	uint64_t age_s = age_of(check, report);
	bool stale = check->max_age_s && age_s > check->max_age_s;
	int state;

	stored_zone(report, &zone);
	stored_message(message, sizeof(message), report, "sentence");
	message_words(words, sizeof(words), message, &how);
	if (stale) {
		SAY_IN(message, report_is_old, text_duration(for_long, age_s * NS));
		message_words(old, sizeof(old) - sizeof(words), message, &how);
		strcat(old, " ");
		strcat(old, words);
	}
	state = say(stale ? STATE_UNKNOWN : state_of(check, report), stale ? old : words);
	put_figures(report, age_s, check->max_age_s);
	putchar('\n');
	return state;
}

/* ---- where the report comes from ---- */

/* A report that is stored: the file, or latest.json of a directory. NULL: it is none. */
static char *report_file(const char *path)
{
	struct stat st;
	char *file;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return strdup(path);
	if (asprintf(&file, "%s/latest.json", path) < 0)
		return NULL;
	if (access(file, F_OK) == 0)
		return file;
	free(file);
	return NULL;
}

/* The report in it, or NULL when it holds something else. */
static json_t *stored_report(const char *path)
{
	char message[300], *file = report_file(path);
	json_t *report = file ? json_load_file(file, JSON_REJECT_DUPLICATES, NULL) : NULL;

	free(file);
	if (report && json_object_get(report, "schema") &&
	    format_accepts(report, message, sizeof(message)))
		return report;
	json_decref(report);
	return NULL;
}

static int audit(struct check *check)
{
	struct ledger ledger;
	struct report report;
	json_t *json = NULL;
	int code;

	ledger_init(&ledger);
	code = intake_read(&check->intake, &ledger, NULL, NULL);
	if (code == 0)
		code = report_of(&check->intake, &ledger, &report);
	if (code == 0) {
		json = render_json(&report);
		report_release(&report);
		code = json ? judge(check, json) : command_complain(EXIT_INTERNAL, "out of memory");
	}
	json_decref(json);
	ledger_release(&ledger);
	return code;
}

/* What [run] of the configuration says: its reports. */
static char *configured(const struct check *check)
{
	FILE *file = check->config ? fopen(check->config, "re") : NULL;
	struct run_settings settings;
	char message[700], *reports = NULL;

	run_settings_init(&settings);
	if (file && run_settings_load(&settings, file, check->config, message, sizeof(message)) &&
	    settings.reports)
		reports = strdup(settings.reports);
	if (file)
		fclose(file);
	run_settings_release(&settings);
	return reports;
}

static int look(struct check *check, int argc, char **argv)
{
	char *reports = optind == argc ? configured(check) : NULL;
	const char *path = optind + 1 == argc ? argv[optind] : reports;
	json_t *report = path && check->intake.n_inputs == 0 ? stored_report(path) : NULL;
	int code;

	if (report)
		code = judge(check, report);
	else if (reports)
		code = command_complain(EXIT_NO_INPUT,
		                        "%s: no report yet, or not readable: does "
		                        "mptcp-audit run write there?",
		                        reports);
	else if (optind == argc && check->intake.n_inputs == 0)
		code = command_complain(EXIT_USAGE, "check what? Name the directory of run's "
		                                    "reports, a report, or captures (--help)");
	else if ((code = intake_words(&check->intake, argc, argv, optind)) == 0 &&
	         (code = window_settle(&check->intake)) == 0)
		code = audit(check);
	json_decref(report);
	free(reports);
	return code;
}

/* ---- options and errors ---- */

static int take_age(struct check *check, const char *value)
{
	struct run_settings settings;
	char message[300];
	bool taken;

	run_settings_init(&settings);
	taken = run_settings_take(&settings, "patience", value, message, sizeof(message));
	check->max_age_s = settings.patience_s;
	run_settings_release(&settings);
	return taken ? 0
	             : command_complain(EXIT_USAGE,
	                                "--max-age takes a time such as 90s, 5min, 2h or 7d, not "
	                                "\"%s\"",
	                                value);
}

static int read_options(struct check *check, int argc, char **argv, bool *helped)
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
		if (option == OPTION_CONFIG)
			check->config = optarg;
		if (option == OPTION_MAX_AGE) {
			code = take_age(check, optarg);
		} else if (option == OPTION_IDLE_OK) {
			check->idle_ok = true;
			code = 0;
		} else if (option == OPTION_LANG) {
			code = render_language(optarg, &check->intake.language) ? 0 : EXIT_USAGE;
		} else {
			code = window_option(&check->intake.ask, option, optarg);
			if (code < 0)
				code = intake_option(&check->intake, option, optarg);
		}
		if (code != 0)
			return code;
	}
	return 0;
}

/* Complaints go to a file until the end. Its first line is what is told; -1: they stay on standard
 * error. */
static int catch_complaints(int *before)
{
	int fd = memfd_create("complaints", MFD_CLOEXEC);

	*before = fd >= 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	if (*before >= 0)
		dup2(fd, STDERR_FILENO);
	return fd;
}

static void first_complaint(int fd, char *line, size_t size)
{
	ssize_t n = fd >= 0 ? pread(fd, line, size - 1, 0) : 0;
	static const char ours[] = "mptcp-audit: ";

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, ours, sizeof(ours) - 1) == 0)
		memmove(line, line + sizeof(ours) - 1, strlen(line) - sizeof(ours) + 2);
	if (!*line)
		snprintf(line, size, "an error that told no reason");
}

int cmd_check(int argc, char **argv)
{
	struct check check = {0};
	char line[1500];
	bool helped = false;
	int before = -1, caught, code;

	intake_init(&check.intake);
	caught = catch_complaints(&before);
	code = read_options(&check, argc, argv, &helped);
	if (check.intake.now_ns == 0)
		check.intake.now_ns = (uint64_t)time(NULL) * NS;
	if (code == 0 && !helped)
		code = look(&check, argc, argv);
	fflush(stderr);
	if (before >= 0)
		dup2(before, STDERR_FILENO);
	if (code > STATE_UNKNOWN) {
		first_complaint(caught, line, sizeof(line));
		code = say_error(line);
	}
	intake_release(&check.intake);
	if (caught >= 0)
		close(caught);
	if (before >= 0)
		close(before);
	return code;
}
