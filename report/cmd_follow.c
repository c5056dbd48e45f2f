/* SPDX-License-Identifier: MIT
 *
 * cmd_follow.c - mptcp-audit follow: a spool's files into a store, for as long as it runs.
 */
#include "cmd_follow.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../capture/clock.h"
#include "../capture/notify.h"
#include "cmd_state.h"
#include "cmd_window.h"
#include "command.h"
#include "quantity.h"

/* Looked at so often at the latest, and not more often than that. */
#define LOOK_MS  5000
#define PAUSE_MS 1000

enum {
	OPTION_STORE = OPTION_OWN,
	OPTION_EVERY,
	OPTION_ONCE,
	OPTION_REMOVE,
	OPTION_KEEP_HOURS,
	OPTION_KEEP_DAYS,
	OPTION_KEEP_PACKETS
};

static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	{"zone", required_argument, NULL, OPTION_ZONE},
	{"store", required_argument, NULL, OPTION_STORE},
	{"every", required_argument, NULL, OPTION_EVERY},
	{"once", no_argument, NULL, OPTION_ONCE},
	{"remove", no_argument, NULL, OPTION_REMOVE},
	{"keep-hours", required_argument, NULL, OPTION_KEEP_HOURS},
	{"keep-days", required_argument, NULL, OPTION_KEEP_DAYS},
	{"keep-packets", required_argument, NULL, OPTION_KEEP_PACKETS},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit follow SPOOL --store DIR [OPTION]...\n"
	      "Count what the recorder writes into its spool, file by file, for as long as it\n"
	      "runs: the sums of each hour go into the store, and the packets need not be kept.\n"
	      "mptcp-audit report DIR reports it, now or for any window of whole hours.\n\n"
	      "  --store DIR         where the sums go; made if need be, one follower at a time\n"
	      "  --every Nh          how long a window is that the store can be asked for: 1h, or\n"
	      "                      2, 3, 4, 6, 8, 12 or 24 of the site's hours\n"
	      "  --zone TZ           the site's clocks, as POSIX writes them: "
	      "CET-1CEST,M3.5.0,M10.5.0/3\n"
	      "  --keep-hours N      hours older than that become days of 5-minute sums (48)\n"
	      "  --keep-days N       days older than that become months (400)\n"
	      "  --keep-packets BYTES   keep what proves something in DIR/packets, within so "
	      "much:\n"
	      "                      frames behind findings, minutes around events, backups whole\n"
	      "  --remove            take files away once they are counted, but for the newest of\n"
	      "                      each WAN (else the recorder's ring does)\n"
	      "  --once              one pass over what lies there, and end\n\n",
	      stdout);
	fputs(intake_help, stdout);
	intake_print_limits();
	return EXIT_PASS;
}

/* ---- options ---- */

static int take_number(const char *option, const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && *value >= 1 &&
	    *value <= most)
		return 0;
	return command_complain(EXIT_USAGE, "%s takes a number from 1 to %" PRIu64 ", not \"%s\"",
	                        option, most, text);
}

static int take_every(struct follow *f, const char *text)
{
	char *end;
	unsigned long hours = strtoul(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && strcmp(end, "h") == 0 && hours >= 1 &&
	    hours <= 24 && 24 % hours == 0) {
		f->every_h = (unsigned)hours;
		return 0;
	}
	return command_complain(
		EXIT_USAGE, "--every takes 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h, not \"%s\"", text);
}

static int take_option(struct follow *f, int option, const char *argument)
{
	uint64_t number = 0;
	bool binary;
	int code;

	switch (option) {
	case OPTION_STORE:
		f->path = argument;
		return 0;
	case OPTION_EVERY:
		return take_every(f, argument);
	case OPTION_ONCE:
		f->once = true;
		return 0;
	case OPTION_REMOVE:
		f->remove = true;
		return 0;
	case OPTION_KEEP_HOURS:
		code = take_number("--keep-hours", argument, 1000000, &number);
		f->keeping.hours_s = number * 3600;
		return code;
	case OPTION_KEEP_DAYS:
		code = take_number("--keep-days", argument, 100000, &number);
		f->keeping.days_s = number * 86400;
		return code;
	case OPTION_WAN:
		return command_complain(EXIT_USAGE,
		                        "follow reads what a router recorded of its own WANs; "
		                        "--wan is for a server's captures (report, dissect)");
	case OPTION_KEEP_PACKETS:
		f->keeps = true;
		if (quantity_bytes(argument, &f->budget, &binary) && f->budget > 0)
			return 0;
		return command_complain(EXIT_USAGE,
		                        "--keep-packets takes an amount such as 500MB, not \"%s\"",
		                        argument);
	default:
		code = window_option(&f->intake.ask, option, argument);
		return code < 0 ? intake_option(&f->intake, option, argument) : code;
	}
}

static int take_words(struct follow *f, int argc, char **argv)
{
	intake_expect(&f->intake);
	if (optind + 1 < argc || f->intake.n_inputs > 0)
		return command_complain(EXIT_USAGE, "follow takes one spool (--help says how)");
	if (optind == argc)
		return command_complain(EXIT_USAGE, "no spool named (--help says how)");
	if (!f->path)
		return command_complain(EXIT_USAGE, "follow needs --store DIR, where its sums go");
	f->spool = argv[optind];
	return window_settle(&f->intake);
}

static int parse(struct follow *f, int argc, char **argv, bool *helped)
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
		code = take_option(f, option, optarg);
		if (code != 0)
			return code;
	}
	return take_words(f, argc, argv);
}

/* ---- the store and this run ---- */

/* Another filter makes other sums: they do not go into one store. */
static int check_origin(struct follow *f)
{
	struct follow_cursor *cursor = &f->current->cursor;
	char *origin = state_origin(&f->intake);
	int code = 0;

	if (!origin)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (cursor->hour_ns && cursor->origin && strcmp(cursor->origin, origin) != 0)
		code = command_complain(EXIT_USAGE,
		                        "%s was made with another filter, other --wan or other "
		                        "shifts of time: name another store",
		                        f->path);
	free(cursor->origin);
	free(cursor->spool);
	cursor->origin = origin;
	cursor->spool = strdup(f->spool);
	return code;
}

static int open_all(struct follow *f)
{
	int code = store_open(&f->store, f->path, f->current);

	if (code == 0)
		code = check_origin(f);
	if (code == 0)
		code = follow_open_packets(f);
	if (code != 0)
		return code;
	f->reading = true;
	code = reader_open(&f->reader, f->spool, &f->intake, &f->current->cursor);
	f->reader.once = f->once;
	return code;
}

static void tell_end(const struct follow *f)
{
	char text[80];
	uint64_t until = f->current->cursor.until_ns;

	if (until == 0)
		printf("nothing to follow yet in %s\n", f->spool);
	else
		printf("%s: counted up to %s; %" PRIu64 " frames in this run\n", f->spool,
		       zone_text(&f->intake.zone, (int64_t)(until / UINT64_C(1000000000)), text,
		                 sizeof(text)),
		       f->frames);
}

/* ---- a service ---- */

static int take_signals(struct follow *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return f->signals >= 0 ? 0
	                       : command_complain(EXIT_INTERNAL, "signals: %s", strerror(errno));
}

/* Until the spool changes, a signal comes, or it is time to look anyway. */
static void wait_for_news(struct follow *f, int watch)
{
	struct pollfd fds[] = {{.fd = f->signals, .events = POLLIN},
	                       {.fd = watch, .events = POLLIN}};
	struct signalfd_siginfo signal;
	char events[4096];

	if (poll(fds, 1, PAUSE_MS) == 0)
		poll(fds, 2, LOOK_MS);
	while (watch >= 0 && read(watch, events, sizeof(events)) > 0)
		;
	if (read(f->signals, &signal, sizeof(signal)) == sizeof(signal))
		f->stopping = true;
}

static int watch_spool(const char *path)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch >= 0 && inotify_add_watch(watch, path, IN_CREATE | IN_MOVED_TO) < 0) {
		close(watch); /* looking now and then is enough */
		watch = -1;
	}
	return watch;
}

static int serve(struct follow *f)
{
	int watch = watch_spool(f->spool), code = 0;
	struct notify notify;

	notify_open(&notify);
	notify_say(&notify, "READY=1");
	while (code == 0 && !f->stopping) {
		code = follow_pass(f);
		notify_say(&notify, "WATCHDOG=1");
		if (code == 0 && !f->stopping)
			wait_for_news(f, watch);
	}
	notify_say(&notify, "STOPPING=1");
	notify_close(&notify);
	if (watch >= 0)
		close(watch);
	return code;
}

static int run(struct follow *f)
{
	int code = take_signals(f);

	if (code == 0)
		code = open_all(f);
	if (code != 0)
		return code;
	code = f->once ? follow_pass(f) : serve(f);
	if (code == 0 && f->trouble)
		code = EXIT_CANNOT_WRITE;
	if (code == 0)
		tell_end(f);
	return code;
}

int cmd_follow(int argc, char **argv)
{
	struct follow *f = calloc(1, sizeof(*f));
	bool helped = false;
	int code;

	if (f)
		f->current = malloc(sizeof(*f->current));
	if (!f || !f->current) {
		free(f);
		return command_complain(EXIT_INTERNAL, "out of memory");
	}
	f->signals = f->store.directory = f->packets = -1;
	f->every_h = 1;
	f->keeping = (struct store_keeping){STORE_HOURS_S, STORE_DAYS_S};
	intake_init(&f->intake);
	store_current_init(f->current);
	code = parse(f, argc, argv, &helped);
	if (code == 0 && !helped)
		code = run(f);
	if (f->reading)
		reader_close(&f->reader);
	keep_close(f->keep);
	free(f->shifts);
	if (f->packets >= 0)
		close(f->packets);
	store_close(&f->store);
	store_current_release(f->current);
	intake_release(&f->intake);
	if (f->signals >= 0)
		close(f->signals);
	free(f->current);
	free(f);
	return code;
}
