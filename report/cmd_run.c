/* SPDX-License-Identifier: MIT
 *
 * cmd_run.c - mptcp-audit run: see cmd_run.h.
 */
#include "cmd_run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd_intake.h"
#include "cmd_store.h"
#include "cmd_window.h"
#include "command.h"
#include "run.h"
#include "stored.h"
#include "text.h"

#define NS UINT64_C(1000000000)

static int help(void)
{
	fputs("Usage: mptcp-audit run --config FILE [OPTION]...\n"
	      "One scheduled pass: a report of each hour or day that ended since the last one, a\n"
	      "notice when something changed. Begin it by a timer or by cron.\n\n"
	      "  --config FILE       the site, and in its section [run] what is read and where it\n"
	      "                      is told, as mptcp-audit(1) says\n"
	      "  --from TIME         where the very first pass begins (else: the last window)\n"
	      "  --dry-run           only say what would be done\n"
	      "  --now TIME          take this for the time it is (RFC 3339)\n"
	      "  -h, --help\n\n"
	      "Exit: the worst of the windows: 0 pass, 1 warn, 2 fail, 3 not assessed (also: the\n"
	      "input does not go on); 64 and above: errors\n",
	      stdout);
	return EXIT_PASS;
}

/* ---- what the site says ---- */

/* What needs no quoting in a shell. */
static bool is_plain(uint32_t code)
{
	return (code > 0x7f && !text_hides(code)) || (code >= '0' && code <= '9') ||
	       (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '.' ||
	       code == '_' || code == '-';
}

/* A name that can stand in that of a file. */
static void take_site(struct run *run, const char *name)
{
	size_t used = 0, n;
	uint32_t code;

	for (; name && *name && used + 8 < sizeof(run->site); name += n) {
		n = text_next(name, &code);
		if (n == 0 || !is_plain(code)) {
			run->site[used++] = '-';
			n = n ? n : 1;
			continue;
		}
		memcpy(run->site + used, name, n);
		used += n;
	}
	if (run->site[0] == '.')
		run->site[0] = '-';
	if (used == 0)
		memcpy(run->site, "site", 5);
}

static int load_settings(struct run *run)
{
	FILE *file = fopen(run->config, "re");
	char message[700];
	bool loaded;

	if (!file)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT,
		                        "--config %s: %s", run->config, strerror(errno));
	loaded = run_settings_load(&run->set, file, run->config, message, sizeof(message));
	fclose(file);
	if (!loaded)
		return command_complain(EXIT_CONFIG, "%s", message);
	if (run->set.input && run->set.reports)
		return 0;
	return command_complain(EXIT_CONFIG,
	                        "%s: [run] needs input = a store, a spool or a directory of "
	                        "captures, and reports = a directory",
	                        run->config);
}

static int load_site(struct run *run)
{
	struct intake intake;
	int code;

	intake_init(&intake);
	code = run_site(run, &intake);
	intake_expect(&intake);
	if (code == 0)
		code = window_settle(&intake);
	run->now_ns = intake.now_ns;
	run->zone = intake.zone;
	take_site(run, intake.policy.site);
	intake_release(&intake);
	return code;
}

/* ---- which windows ---- */

struct known {
	uint64_t to_ns; /* the input is complete up to here; 0 = it holds nothing */
	struct store_list list;
};

/* All before the running sums is whole and will not change; what is open would count here and again
 * where it ends, so there must be something behind. */
static uint64_t whole_until(const struct follow_cursor *cursor)
{
	bool behind = cursor->until_ns > cursor->hour_ns;

	return behind || cursor->hour_ns == 0 ? cursor->hour_ns : cursor->hour_ns - 1;
}

static int read_store(const struct run *run, struct known *known)
{
	struct store_current *current = malloc(sizeof(*current));
	int directory = open(run->set.input, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (!current || directory < 0) {
		error = current ? -errno : -ENOMEM;
	} else {
		store_current_init(current);
		error = store_load(directory, current);
		if (error == 0)
			store_list(directory, &current->cursor, &known->list, &error);
		known->to_ns = whole_until(&current->cursor);
		store_current_release(current);
	}
	if (directory >= 0)
		close(directory);
	free(current);
	if (error == 0)
		return 0;
	if (error == -EBADMSG)
		return command_complain(EXIT_NO_INPUT,
		                        "%s/current: is damaged: put a copy of it back, or follow "
		                        "into a new directory",
		                        run->set.input);
	return command_complain(EXIT_NO_INPUT, "%s: %s", run->set.input, strerror(-error));
}

static int look_at_input(const struct run *run, struct known *known)
{
	uint64_t settled = run->now_ns - run->set.settle_s * NS;

	if (store_is(run->set.input))
		return read_store(run, known);
	if (access(run->set.input, R_OK) != 0)
		return command_complain(errno == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "%s: %s",
		                        run->set.input, strerror(errno));
	known->to_ns = run->now_ns > run->set.settle_s * NS ? settled : 0;
	return 0;
}

static uint64_t boundary(const struct run *run, uint64_t ns, int plus)
{
	int64_t at = (int64_t)(ns / NS);

	at = run->set.days ? zone_day(&run->zone, at, plus) : zone_hour(&run->zone, at, plus);
	return at > 0 ? (uint64_t)at * NS : 0;
}

/* Where the next window begins: at the end of the last one; the first pass takes the last that is
 * closed. 0: nothing is known. */
static uint64_t next_from(const struct run *run, const struct known *known)
{
	uint64_t until = run_time(run->memory, "until");

	if (until)
		return until;
	if (run->first_ns)
		return run->first_ns;
	return known->to_ns ? boundary(run, known->to_ns, -1) : 0;
}

/*
 * A store makes days of hours after a while: a window cannot take a part of one. One that would
 * begin within is past telling: it begins behind. One that would end within becomes longer.
 */
static uint64_t fit(const struct known *known, uint64_t ns)
{
	for (size_t i = 0; i < known->list.n; i++) {
		uint64_t from = (uint64_t)known->list.rows[i].from_s * NS;
		uint64_t to = (uint64_t)known->list.rows[i].to_s * NS;

		if (ns > from && ns < to)
			ns = to;
	}
	return ns;
}

/* ---- one window ---- */

static void window_name(const struct run *run, uint64_t from_ns, char *out, size_t size)
{
	char stamp[RUN_STAMP];

	run_stamp(from_ns, stamp);
	snprintf(out, size, "%s-%s", run->site, stamp);
}

/* Everything of the window, then the memory: what is not in there is done again, from the state
 * that the window began with. */
static int keep_window(struct run *run, json_t *report, uint64_t from_ns, uint64_t to_ns,
                       const char *name)
{
	char file[320];
	int code;

	snprintf(file, sizeof(file), "%s.json", name);
	if (!run_count(run->memory, report, from_ns) ||
	    !run_look(run->memory, report, to_ns, file) ||
	    !run_set_time(run->memory, "until", to_ns))
		return command_complain(EXIT_INTERNAL, "out of memory");
	code = run_write(run, report, name);
	if (code == 0)
		code = run_save(run);
	if (code == 0)
		run_drop_state(run, from_ns);
	return code;
}

static void tell_window(const struct run *run, const json_t *report, const char *name)
{
	char message[6000], words[8000];
	const struct telling how = {run->set.language, &run->zone};

	stored_message(message, sizeof(message), report, "sentence");
	printf("%s: %s: %s\n", name, stored_text(report, "verdict"),
	       message_words(words, sizeof(words), message, &how));
	fflush(stdout);
}

/* A verdict or an error. */
static int do_window(struct run *run, uint64_t from_ns, uint64_t to_ns)
{
	char name[300], to[TEXT_SHORT];
	json_t *report;
	int verdict, code;

	window_name(run, from_ns, name, sizeof(name));
	if (run->dry) {
		printf("would audit %s to %s: %s/%s.json\n", run->set.input,
		       text_time(to, to_ns, 0), run->set.reports, name);
		return EXIT_PASS;
	}
	verdict = run_read_window(run, from_ns, to_ns, &report);
	if (verdict > EXIT_NOT_ASSESSED)
		return verdict;
	code = keep_window(run, report, from_ns, to_ns, name);
	if (code == 0)
		tell_window(run, report, name);
	json_decref(report);
	return code ? code : verdict;
}

/* fail > warn > not assessed > pass; an error ends it all. */
static int worse(int a, int b)
{
	static const int badness[] = {0, 2, 3, 1};

	if (a > EXIT_NOT_ASSESSED || b > EXIT_NOT_ASSESSED)
		return a > b ? a : b;
	return badness[a] >= badness[b] ? a : b;
}

/* All closed windows; *next_ns is where the first that is not closed begins. */
static int do_windows(struct run *run, const struct known *known, uint64_t *next_ns)
{
	uint64_t closed = known->to_ns < run->now_ns ? known->to_ns : run->now_ns, from, to, at;
	int worst = EXIT_PASS;

	for (from = next_from(run, known); from; from = to) {
		char text[TEXT_SHORT];

		at = from;
		from = fit(known, at);
		to = fit(known, boundary(run, from, 1));
		*next_ns = at;
		if (to > closed)
			break;
		if (from != at)
			command_complain(EXIT_PASS,
			                 "%s has no hours of the time before %s any more: it is in "
			                 "no report and no total",
			                 run->set.input, text_time(text, from, 0));
		worst = worse(worst, do_window(run, from, to));
		if (worst > EXIT_NOT_ASSESSED)
			return worst;
	}
	return worst;
}

/* ---- the pass ---- */

/* Silence is told too. */
static int judge_input(struct run *run, uint64_t known_ns, uint64_t next_ns, int code)
{
	uint64_t since = run_time(run->memory, "until") ? next_ns : known_ns, end;
	bool overdue;

	end = since ? boundary(run, since, 1) : 0;
	overdue = run->set.patience_s && (end == 0 || end + run->set.patience_s * NS < run->now_ns);
	if (!run_overdue(run->memory, overdue, known_ns))
		return command_complain(EXIT_INTERNAL, "out of memory");
	return overdue ? worse(code, EXIT_NOT_ASSESSED) : code;
}

static int pass(struct run *run)
{
	struct known known = {0};
	uint64_t next_ns = run_time(run->memory, "until");
	int code = look_at_input(run, &known), told;

	if (code == 0)
		code = do_windows(run, &known, &next_ns);
	store_list_release(&known.list);
	if (code == EXIT_INTERNAL)
		return code; /* the memory may be half of this and half of that */
	if (code > EXIT_NOT_ASSESSED) {
		/* what the window left in memory is not done: back to what is */
		told = run->dry ? 0 : run_load(run);
		if (told != 0)
			return told;
	}
	code = judge_input(run, known.to_ns, next_ns, code);
	told = run_deliver(run);
	if (!run->dry)
		run_tidy(run);
	return code > EXIT_NOT_ASSESSED || told == 0 ? code : told;
}

/* ---- options ---- */

enum { OPTION_DRY = OPTION_OWN };

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"from", required_argument, NULL, OPTION_FROM},
	{"now", required_argument, NULL, OPTION_NOW},
	{"dry-run", no_argument, NULL, OPTION_DRY},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int take_time(const char *option, const char *text, uint64_t *ns)
{
	if (text_parse_time(text, ns) && *ns > 0)
		return 0;
	return command_complain(EXIT_USAGE,
	                        "%s takes a time such as 2026-01-31T12:00:00Z, not \"%s\"", option,
	                        text);
}

static int read_options(struct run *run, int argc, char **argv, bool *helped)
{
	int option, code = 0;

	opterr = 0;
	while (code == 0 && (option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		if (option == OPTION_CONFIG)
			run->config = optarg;
		else if (option == OPTION_FROM)
			code = take_time("--from", optarg, &run->first_ns);
		else if (option == OPTION_NOW)
			code = take_time("--now", optarg, &run->now_ns);
		else if (option == OPTION_DRY)
			run->dry = true;
		else
			return intake_bad_option(argv, options, option);
	}
	if (code == 0 && (optind < argc || !run->config))
		return command_complain(EXIT_USAGE,
		                        "run takes --config FILE, and what it reads and "
		                        "writes from there (--help says more)");
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct run run = {.directory = -1, .lock = -1};
	bool helped = false;
	int code;

	run_settings_init(&run.set);
	code = read_options(&run, argc, argv, &helped);
	if (code == 0 && !helped)
		code = load_settings(&run);
	if (code == 0 && !helped)
		code = load_site(&run);
	if (code == 0 && !helped)
		code = run_open(&run);
	if (code == 0 && !helped)
		code = run_load(&run);
	if (code == 0 && !helped)
		code = pass(&run);
	json_decref(run.memory);
	if (run.lock >= 0)
		close(run.lock);
	if (run.directory >= 0)
		close(run.directory);
	run_settings_release(&run.set);
	return code;
}
