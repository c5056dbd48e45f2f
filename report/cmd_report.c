/* SPDX-License-Identifier: MIT
 *
 * cmd_report.c - mptcp-audit report: captures or ledgers in, the verdict out.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "anonymize.h"
#include "cmd_digest.h"
#include "cmd_history.h"
#include "cmd_intake.h"
#include "cmd_outlets.h"
#include "cmd_render.h"
#include "cmd_report.h"
#include "cmd_sites.h"
#include "cmd_state.h"
#include "cmd_window.h"
#include "cmd_write.h"
#include "command.h"
#include "output.h"
#include "render.h"
#include "render_sites.h"
#include "report.h"
#include "text.h"

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	WINDOW_LONG_OPTIONS,
	STATE_LONG_OPTION,
	DIGEST_LONG_OPTION,
	{"sites", required_argument, NULL, OPTION_SITES},
	{"json", required_argument, NULL, OPTION_JSON},
	{"html", required_argument, NULL, OPTION_HTML},
	{"lang", required_argument, NULL, OPTION_LANG},
	{"billed", required_argument, NULL, OPTION_BILLED},
	{"history", required_argument, NULL, OPTION_HISTORY},
	{"anonymize", no_argument, NULL, OPTION_ANONYMIZE},
	{"connections", required_argument, NULL, OPTION_CONNECTIONS},
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
	fputs(digest_help, stdout);
	fputs(sites_help, stdout);
	fputs("  --billed [WAN=]BYTES  what the carrier bills for this time: set against what was "
	      "seen\n",
	      stdout);
	fputs("  --json FILE|-       the report as JSON (- instead of the text); with --sites a\n"
	      "                      line each, in their order\n"
	      "  --html FILE         the report as a page for a browser\n"
	      "  --lang LANGUAGE     of the text and the page: en (default) or zh-CN\n",
	      stdout);
	fputs("  --history FILE      what earlier audits said of this site (mptcp-audit history), "
	      "day by\n"
	      "                      day, is in the JSON too\n",
	      stdout);
	fputs("  --connections N|all how many connections are told one by one: the N largest of "
	      "each\n"
	      "                      backup and of all (200), and those that a finding or an "
	      "outage\n"
	      "                      names; the others are sums in the JSON\n",
	      stdout);
	fputs("  --anonymize         without what tells whose it is: WANs are wan-a, wan-b ..., "
	      "sites, files,\n"
	      "                      addresses and devices numbers; figures stay\n",
	      stdout);
	intake_print_limits();
	fputs("\nExit: 0 pass, 1 warn, 2 fail, 3 not assessed, 64 and above: errors\n", stdout);
	return EXIT_PASS;
}

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static int write_text(const json_t *json, enum language language)
{
	if (!(wants_colour() ? render_terminal : render_text)(json, language, stdout))
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (fflush(stdout) != 0 || ferror(stdout))
		return write_failed("standard output", errno ? -errno : -EIO);
	return 0;
}

/* What earlier audits said, beside what this one says. */
static int add_trend(json_t *json, const struct intake *intake)
{
	json_t *trend;
	int code = 0;

	if (!intake->history)
		return 0;
	trend = history_of_report(json, intake->history, &code);
	if (trend && json_object_set_new(json, "trend", trend) != 0)
		return command_complain(EXIT_INTERNAL, "out of memory");
	return code;
}

/* All forms that were asked for, of the one JSON. */
static int write_all(const struct report *report, const struct intake *intake)
{
	json_t *json = render_json(report);
	int code = 0;

	if (!json)
		return command_complain(EXIT_INTERNAL, "out of memory");
	code = add_trend(json, intake);
	if (code == 0 && intake->anonymize && !anonymize_report(json))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	if (code == 0 && intake->json)
		code = write_json(json, intake->json);
	if (code == 0 && intake->html)
		code = render_to(json, format_find("html"), intake->language, "--html",
		                 intake->html);
	if (code == 0 && !(intake->json && strcmp(intake->json, "-") == 0))
		code = write_text(json, intake->language);
	json_decref(json);
	return code;
}

int report_exit(enum status verdict)
{
	return verdict == STATUS_PASS   ? EXIT_PASS
	       : verdict == STATUS_WARN ? EXIT_WARN
	       : verdict == STATUS_FAIL ? EXIT_FAIL
	                                : EXIT_NOT_ASSESSED;
}

int report_of(const struct intake *intake, const struct ledger *ledger, struct report *report)
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
		.connections = intake->connections,
	};
	char message[700];

	switch (report_build(report, ledger, &intake->policy, &how, message, sizeof(message))) {
	case REPORT_FINE:
		return 0;
	case REPORT_UNKNOWN_FLAG:
		return command_complain(EXIT_USAGE, "%s", message);
	case REPORT_UNKNOWN_CONFIG:
		return command_complain(EXIT_CONFIG, "%s", message);
	default:
		return command_complain(EXIT_INTERNAL, "%s", message);
	}
}

/* A WAN of the captures, or one that was expected and is away. */
static bool is_wan(const struct intake *intake, const struct ledger *ledger, const char *name)
{
	const struct expect *expect = &intake->policy.expect;

	for (size_t i = 0; i < ledger->n_wans; i++)
		if (fnmatch(name, ledger->wans[i].name, 0) == 0)
			return true;
	for (unsigned i = 0; i < expect->n_wans; i++)
		if (fnmatch(name, expect->wans[i].name, 0) == 0)
			return true;
	return ledger->n_wans == 0;
}

static int no_such_wan(const char *option, const char *name, const struct ledger *ledger)
{
	char safe[80], wan[60], all[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < ledger->n_wans; i++) {
		text_safe(wan, sizeof(wan), ledger->wans[i].name, 20);
		if (used + strlen(wan) + 3 < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
			                         used ? ", " : "", wan);
	}
	text_safe(safe, sizeof(safe), name, 40);
	return command_complain(EXIT_USAGE, "%s %s: no such WAN; the WANs are %s", option, safe,
	                        all);
}

/* An option for a WAN that is not there would do nothing, and nobody would know. */
static int check_names(const struct intake *intake, const struct ledger *ledger)
{
	const struct policy *policy = &intake->policy;

	for (size_t i = 0; i < policy->n_wan_limits; i++)
		if (policy->wan_limits[i].source == FROM_FLAG &&
		    !is_wan(intake, ledger, policy->wan_limits[i].wan))
			return no_such_wan("--limit", policy->wan_limits[i].wan, ledger);
	for (size_t i = 0; i < intake->n_shifts; i++)
		if (!is_wan(intake, ledger, intake->shifts[i].wan))
			return no_such_wan("--shift", intake->shifts[i].wan, ledger);
	if (intake->billed_wan && !is_wan(intake, ledger, intake->billed_wan))
		return no_such_wan("--billed", intake->billed_wan, ledger);
	return 0;
}

static int tell(const struct intake *intake, const struct ledger *ledger)
{
	struct report report;
	int code = check_names(intake, ledger);

	if (code == 0)
		code = report_of(intake, ledger, &report);
	if (code != 0)
		return code;
	code = write_all(&report, intake);
	if (code == 0)
		code = report_exit(report.verdict);
	report_release(&report);
	return code;
}

/* 0 or an exit code, already explained. */
static int read_connections(const char *word, size_t *connections)
{
	char *end = NULL;
	bool all = strcmp(word, "all") == 0;

	*connections = all ? SIZE_MAX : strtoull(word, &end, 10);
	if (all || (*word >= '0' && *word <= '9' && *end == '\0' && *connections > 0))
		return 0;
	return command_complain(EXIT_USAGE,
	                        "--connections takes a number from 1 or all, not \"%s\"", word);
}

/* `again`: for one of several sites; the list of them is known. */
static int parse(struct intake *intake, int argc, char **argv, bool *helped, bool again)
{
	int option, code;

	opterr = 0;
	optind = 0;
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
		if (option == OPTION_HISTORY) {
			intake->history = optarg;
			continue;
		}
		if (option == OPTION_ANONYMIZE) {
			intake->anonymize = true;
			continue;
		}
		if (option == OPTION_CONNECTIONS) {
			code = read_connections(optarg, &intake->connections);
			if (code != 0)
				return code;
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
		if (again && option == OPTION_SITES)
			continue;
		code = window_option(&intake->ask, option, optarg);
		if (code < 0)
			code = intake_option(intake, option, optarg);
		if (code != 0)
			return code;
	}
	code = intake_words(intake, argc, argv, optind);
	if (code == 0 && intake->sites && intake->history)
		return command_complain(EXIT_USAGE, "--history is of one site, --sites of several");
	if (code == 0 && intake->sites && intake->anonymize)
		return command_complain(EXIT_USAGE,
		                        "--anonymize is of one site, --sites of several");
	if (code == 0 && intake->sites && intake->html)
		return command_complain(EXIT_USAGE, "--html is of one site: --sites with --json "
		                                    "writes a report a line, render makes a page "
		                                    "of one");
	return code ? code : window_settle(intake);
}

/* ---- several sites ---- */

struct site_pages {
	struct site_summary *rows; /* owned, as are their texts */
	size_t n;
	FILE *json; /* NULL: not wanted */
	bool text, colour;
	enum language language;
};

/* One line each, so that a reader needs no more than one of them at a time. */
static bool write_line(const json_t *json, FILE *out)
{
	return json_dumpf(json, out, JSON_SORT_KEYS | JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
}

static char *page_text(const struct site_pages *pages, const json_t *json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	(pages->colour ? render_terminal : render_text)(json, pages->language, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int page_of(struct site_pages *pages, const struct intake *intake, const char *name,
                   const struct ledger *ledger)
{
	struct site_summary *row = &pages->rows[pages->n];
	struct report report;
	json_t *json;
	int code = report_of(intake, ledger, &report);

	if (code != 0)
		return code;
	site_summarise(row, name, &report);
	json = render_json(&report);
	if (json && pages->text)
		row->text = page_text(pages, json);
	if (!json || (pages->text && !row->text))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	if (code == 0 && pages->json && !write_line(json, pages->json))
		code = write_failed(intake->json, errno ? -errno : -EIO);
	json_decref(json);
	report_release(&report);
	pages->n++;
	return code;
}

/* Each site is judged by what the options say of all and the list of it. */
static int judge_site(struct site_pages *pages, const struct intake *all, size_t at, int argc,
                      char **argv)
{
	const struct site_list *list = all->sites;
	bool nobody = at + 1 == list->n_ledgers, helped = false;
	const char *name = nobody ? OUTLETS_UNTOLD : site_list_name(list, at);
	struct intake own;
	int code;

	intake_init(&own);
	code = parse(&own, argc, argv, &helped, true);
	own.now_ns = all->now_ns;
	own.from_ns = all->from_ns;
	own.to_ns = all->to_ns;
	if (code == 0)
		code = site_list_expect(list, name, &own.policy);
	if (code == 0 && nobody && !policy_add_only(&own.policy, ""))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	if (code == 0)
		code = page_of(pages, &own, name, list->ledgers[at]);
	intake_release(&own);
	return code;
}

/* What is nobody's has a line in the JSON and a sentence below the overview, but no verdict. */
static int judge_sites(struct site_pages *pages, const struct intake *all, int argc, char **argv)
{
	const struct site_list *list = all->sites;
	size_t n = list->n_ledgers - 1;
	bool nobody = list->ledgers[n]->n_wans > 0;
	int code = 0;

	for (size_t i = 0; i < n && code == 0; i++)
		code = judge_site(pages, all, i, argc, argv);
	if (code == 0 && nobody)
		code = judge_site(pages, all, n, argc, argv);
	if (code != 0)
		return code;
	pages->n -= nobody;
	if (nobody)
		free(pages->rows[pages->n].text);
	code = report_exit(site_summaries_worst(pages->rows, pages->n));
	if (!pages->text)
		return code;
	site_summaries_sort(pages->rows, pages->n);
	render_sites(pages->rows, pages->n, nobody ? list->ledgers[n] : NULL, stdout,
	             pages->colour, pages->language);
	if (fflush(stdout) != 0 || ferror(stdout))
		return write_failed("standard output", errno ? -errno : -EIO);
	return code;
}

static int tell_sites(const struct intake *intake, int argc, char **argv)
{
	bool alone = intake->json && strcmp(intake->json, "-") == 0;
	struct site_pages pages = {
		.text = !alone, .colour = wants_colour(), .language = intake->language};
	struct output output = {0};
	int code = 0, error = 0;

	pages.rows = calloc(intake->sites->n_ledgers, sizeof(*pages.rows));
	if (!pages.rows)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (intake->json)
		error = output_open(&output, intake->json);
	if (error != 0)
		code = command_complain(EXIT_CANNOT_CREATE, "--json %s: %s", intake->json,
		                        strerror(-error));
	pages.json = output.file;
	if (code == 0)
		code = judge_sites(&pages, intake, argc, argv);
	if (output.file)
		error = output_close(&output, code <= EXIT_NOT_ASSESSED);
	if (code <= EXIT_NOT_ASSESSED && error != 0)
		code = write_failed(intake->json, error);
	for (size_t i = 0; i < pages.n; i++)
		free(pages.rows[i].text);
	free(pages.rows);
	return code;
}

int cmd_report(int argc, char **argv)
{
	struct intake intake;
	struct ledger ledger;
	bool helped = false;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	code = parse(&intake, argc, argv, &helped, false);
	if (code == 0 && !helped)
		code = intake_read(&intake, &ledger, NULL, NULL);
	if (code == 0 && !helped)
		code = intake.sites ? tell_sites(&intake, argc, argv) : tell(&intake, &ledger);
	if (!helped && code <= EXIT_NOT_ASSESSED) {
		int failed = state_commit(&intake);
		code = failed ? failed : code;
	}
	ledger_release(&ledger);
	intake_release(&intake);
	return code;
}
