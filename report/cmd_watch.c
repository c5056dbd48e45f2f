/* SPDX-License-Identifier: MIT
 *
 * cmd_watch.c - mptcp-audit watch: what each WAN carries at this moment, on a terminal or as plain
 * lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../dissect/pipeline.h"
#include "cmd_intake.h"
#include "cmd_live.h"
#include "command.h"
#include "render_watch.h"
#include "screen.h"
#include "text.h"

#define NS 1000000000ull
/* Frames between two looks at the clock. */
#define BATCH 4096
/* Subflows kept: a router has hundreds; what is let go is said by the report, not here. */
#define SUBFLOWS_MAX 16384
#define GAP_LEAST_NS (NS / 10)

enum { OPTION_DURATION = OPTION_OWN, OPTION_COUNT, OPTION_INTERVAL, OPTION_PLAIN };

static const struct option options[] = {
	{"interface", required_argument, NULL, 'i'},
	{"filter", required_argument, NULL, 'f'},
	{"role", required_argument, NULL, OPTION_ROLE},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"uci", required_argument, NULL, OPTION_UCI},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"interval", required_argument, NULL, OPTION_INTERVAL},
	{"plain", no_argument, NULL, OPTION_PLAIN},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct watching {
	/* what the operator wants */
	struct intake intake; /* roles and limits; no inputs */
	struct live live;
	const char *spool;
	bool plain;
	uint64_t interval_ns, duration_ns, count; /* 0 = for ever */

	/* what is seen */
	struct ledger ledger;
	struct pipeline *pipeline;
	struct watch *watch;           /* owned */
	uint32_t of[TAIL_WANS_MAX];    /* the ledger's index of each of the tail's WANs */
	size_t n_wans;                 /* of the tail's, that are known so far */
	uint64_t (*seen)[EVENT_COUNT]; /* owned; per WAN of the ledger: events told so far */

	/* how it is shown */
	struct screen screen;
	bool stopping;
	uint64_t next_mono, end_mono, ticks;
	uint64_t told_events; /* of those that plain lines have shown */
};

/* ---- from the tail into the sums ---- */

static void settled(void *context, const struct sighting *sighting)
{
	struct watching *w = context;

	watch_count(w->watch, &sighting->entry);
}

/* The rows of WANs, with what is known of them by now. */
static void look_at_wans(struct watching *w)
{
	size_t n;
	const struct frame_wan *wans = tail_wans(w->live.tail, &n);

	for (; w->n_wans < n; w->n_wans++)
		w->of[w->n_wans] = ledger_wan(&w->ledger, wans[w->n_wans].name);
	for (uint32_t i = 0; i < n; i++) {
		struct watch_wan *row = watch_wan(w->watch, w->of[i], wans[i].name,
		                                  tail_wan(w->live.tail, i)->role);
		if (!row)
			continue;
		row->dropped = wans[i].dropped;
		row->drops_known = wans[i].drops_known;
	}
}

static void say(struct watching *w, const struct tail_note *note, enum watch_level level,
                const char *text)
{
	uint32_t wan = note->wan < w->n_wans ? w->of[note->wan] : WATCH_NO_WAN;

	watch_event(w->watch, note->to_ns ? note->to_ns : live_now(), wan, level,
	            note->word == NOTE_DROPS || note->word == NOTE_PASSED ? note->count : 1, text);
}

static void say_gap(struct watching *w, const struct tail_note *note)
{
	static const char *const words[STATE_COUNT] = {
		[STATE_ABSENT] = "the device was absent",
		[STATE_DOWN] = "the device was down",
		[STATE_SUSPENDED] = "the recorder could not write",
		[STATE_STOPPED] = "the recorder did not run",
	};
	char text[WATCH_TEXT], time[TEXT_SHORT], lost[TEXT_SHORT];
	uint64_t length = note->to_ns > note->from_ns ? note->to_ns - note->from_ns : 0;

	if (length < GAP_LEAST_NS && note->count == 0)
		return; /* opening takes a moment, too */
	snprintf(text, sizeof(text), "%s for %s", words[note->state], text_duration(time, length));
	if (note->count)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s frames lost",
		         text_count(lost, note->count));
	say(w, note, LEVEL_WARN, text);
}

static void take_note(struct watching *w, const struct tail_note *note)
{
	char text[WATCH_TEXT], number[TEXT_SHORT];

	look_at_wans(w);
	/* that our own recorder ends when we do is no news */
	if (w->stopping && w->live.devices &&
	    (note->word == NOTE_MESSAGE || note->word == NOTE_END))
		return;
	switch (note->word) {
	case NOTE_MESSAGE:
		say(w, note, LEVEL_PLAIN, note->text);
		break;
	case NOTE_WARNING:
		say(w, note, LEVEL_WARN, note->text);
		break;
	case NOTE_FLAW:
		say(w, note, LEVEL_BAD, note->text);
		break;
	case NOTE_GAP:
		say_gap(w, note);
		break;
	case NOTE_DROPS:
		say(w, note, LEVEL_BAD, "frame lost: the recorder could not keep up");
		break;
	case NOTE_PASSED:
		say(w, note, LEVEL_WARN, "file of the spool gone before it was read");
		break;
	case NOTE_STEP:
		snprintf(text, sizeof(text), "the clock was set %s by %s",
		         note->by_ns < 0 ? "back" : "forward",
		         text_duration(number, note->by_ns < 0 ? 0 - (uint64_t)note->by_ns
		                                               : (uint64_t)note->by_ns));
		say(w, note, LEVEL_WARN, text);
		break;
	case NOTE_END:
		if (strcmp(note->text, "stop") == 0)
			say(w, note, LEVEL_WARN, "the recorder stopped");
		break;
	case NOTE_BEGIN:
		break;
	}
}

/* Up to BATCH frames. False when nothing more comes now. */
static bool take_some(struct watching *w, bool *ended)
{
	struct frame frame;
	struct tail_note note;
	size_t n;

	for (unsigned i = 0; i < BATCH; i++) {
		switch (tail_next(w->live.tail, &frame, &note)) {
		case TAIL_FRAME:
			if (frame.wan >= w->n_wans)
				look_at_wans(w);
			pipeline_feed(w->pipeline, &tail_wans(w->live.tail, &n)[frame.wan],
			              &tail_files(w->live.tail, &n)[frame.file], &frame);
			break;
		case TAIL_NOTE:
			take_note(w, &note);
			break;
		case TAIL_NOTHING:
			return false;
		case TAIL_END:
			*ended = true;
			return false;
		}
	}
	return true;
}

/* ---- a look ---- */

/* Events of dissect that people want to hear of, as they are counted. */
static const struct {
	enum event event;
	enum watch_level level;
	const char *text;
} told[] = {
	{EVENT_JOIN_ESTABLISHED, LEVEL_PLAIN, "subflow joined"},
	{EVENT_JOIN_UP_BACKUP, LEVEL_PLAIN, "join asks to be backup"},
	{EVENT_JOIN_PLAIN, LEVEL_WARN, "join answered without MPTCP"},
	{EVENT_JOIN_REFUSED, LEVEL_WARN, "join refused"},
	{EVENT_CAPABLE_PLAIN, LEVEL_WARN, "connection answered without MPTCP"},
	{EVENT_PRIO_UP_BACKUP, LEVEL_PLAIN, "MP_PRIO from here: backup"},
	{EVENT_PRIO_UP_NORMAL, LEVEL_WARN, "MP_PRIO from here: not backup any more"},
	{EVENT_PRIO_DOWN_BACKUP, LEVEL_PLAIN, "MP_PRIO from the far side: backup"},
	{EVENT_PRIO_DOWN_NORMAL, LEVEL_WARN, "MP_PRIO from the far side: not backup any more"},
	{EVENT_MP_FAIL, LEVEL_WARN, "MP_FAIL: a checksum did not match"},
	{EVENT_INFINITE_MAPPING, LEVEL_WARN, "connection fell back to TCP"},
};

static void look_at_events(struct watching *w, uint64_t now_ns)
{
	for (uint32_t i = 0; i < w->ledger.n_wans && i < LEDGER_WANS_MAX; i++) {
		for (size_t k = 0; k < sizeof(told) / sizeof(*told); k++) {
			uint64_t count = w->ledger.wans[i].events[told[k].event].count;
			uint64_t *seen = &w->seen[i][told[k].event];
			if (count > *seen)
				watch_event(w->watch, now_ns, i, told[k].level, count - *seen,
				            told[k].text);
			*seen = count;
		}
	}
}

static bool read_word(const char *path, char *word, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, word, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	word[n] = '\0';
	return true;
}

/* This host's device, if it is this host that records: its boot id tells. */
static enum watch_state device_state(const struct watching *w, const struct tail_wan *said)
{
	char path[96], word[64];

	if (said->ended)
		return WATCH_STOPPED;
	if (!said->device[0] || strpbrk(said->device, "/.") || strlen(said->boot) != 8)
		return WATCH_UNKNOWN;
	if (!w->live.devices &&
	    (!read_word("/proc/sys/kernel/random/boot_id", word, sizeof(word)) ||
	     strncmp(word, said->boot, 8) != 0))
		return WATCH_UNKNOWN;
	snprintf(path, sizeof(path), "/sys/class/net/%s", said->device);
	if (access(path, F_OK) != 0)
		return WATCH_ABSENT;
	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", said->device);
	return read_word(path, word, sizeof(word)) && word[0] == '1' ? WATCH_UP : WATCH_DOWN;
}

static void look_at_now(struct watching *w, uint64_t now_ns)
{
	struct pipeline_wan open[LEDGER_WANS_MAX];
	bool ended = !w->live.devices && w->n_wans > 0;

	pipeline_look(w->pipeline, open);
	for (uint32_t i = 0; i < w->n_wans; i++) {
		struct watch_wan *row =
			w->of[i] < LEDGER_WANS_MAX ? &w->watch->wans[w->of[i]] : NULL;
		const struct tail_wan *said = tail_wan(w->live.tail, i);
		ended &= said->ended;
		if (!row)
			continue;
		row->open = open[w->of[i]].open;
		row->backup = open[w->of[i]].backup;
		row->waiting = open[w->of[i]].waiting;
		row->state = device_state(w, said);
		/* what is heard is up, whatever another network namespace says */
		if (row->heard_ns + (w->watch->lag_s + 2) * NS > now_ns && !said->ended)
			row->state = WATCH_UP;
	}
	w->watch->ended = ended;
}

static void look(struct watching *w)
{
	uint64_t now_ns = live_now();

	look_at_wans(w);
	look_at_events(w, now_ns);
	look_at_now(w, now_ns);
	watch_tick(w->watch, now_ns);
}

/* ---- showing ---- */

static int draw(const struct watching *w)
{
	struct render_screen screen = {.colour = !getenv("NO_COLOR") || !*getenv("NO_COLOR"),
	                               .utf8 = screen_utf8()};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	bool written;

	if (!out)
		return command_complain(EXIT_INTERNAL, "out of memory");
	screen_size(&w->screen, &screen.columns, &screen.rows);
	render_watch_screen(w->watch, &screen, out);
	written = fclose(out) == 0 && screen_write(&w->screen, text, length);
	free(text);
	return written ? 0 : EXIT_CANNOT_WRITE;
}

/* Events that were not told yet. Those that repeat are told once. */
static void tell_events(struct watching *w)
{
	const struct watch *watch = w->watch;

	for (size_t i = 0; i < watch->n_events; i++) {
		const struct watch_event *event =
			&watch->events[(watch->first_event + i) % WATCH_EVENTS];
		if (event->number > w->told_events)
			render_watch_event(watch, event, stdout);
	}
	w->told_events = watch->event_numbers;
}

static int show(struct watching *w)
{
	look(w);
	w->ticks++;
	if (w->screen.open)
		return draw(w);
	tell_events(w);
	render_watch_lines(w->watch, stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_CANNOT_WRITE;
}

/* ---- the loop ---- */

static void stop(struct watching *w)
{
	w->stopping = true;
	tail_stop(w->live.tail);
}

/* Ctrl-Z: the shell gets its terminal back until it lets us go on. */
static void suspend(struct watching *w)
{
	bool had = w->screen.open;

	screen_close(&w->screen);
	kill(getpid(), SIGSTOP);
	if (had)
		screen_open(&w->screen, STDIN_FILENO, STDOUT_FILENO);
	w->next_mono = 0;
}

static void heed_signals(struct watching *w)
{
	int number;

	while ((number = live_signal(&w->live)) != 0) {
		if (number == SIGTSTP)
			suspend(w);
		else if (number == SIGWINCH)
			w->next_mono = 0;
		else
			stop(w);
	}
}

static void heed_keys(struct watching *w)
{
	for (int key; (key = screen_key(&w->screen)) != 0;)
		if (key == 'q' || key == 'Q')
			stop(w);
}

static int milliseconds_until(const struct watching *w, uint64_t now)
{
	uint64_t next = w->next_mono;

	if (w->end_mono && w->end_mono < next)
		next = w->end_mono;
	return next > now ? (int)((next - now) / 1000000 + 1) : 0;
}

static int go(struct watching *w)
{
	uint64_t now = live_mono();
	bool ended = false;
	int code = 0;

	w->next_mono = now + (w->screen.open ? 0 : w->interval_ns);
	w->end_mono = w->duration_ns ? now + w->duration_ns : 0;
	while (code == 0 && !ended) {
		bool more = take_some(w, &ended);
		heed_signals(w);
		heed_keys(w);
		now = live_mono();
		if (w->end_mono && now >= w->end_mono && !w->stopping)
			stop(w);
		if (now >= w->next_mono && !w->stopping) {
			code = show(w);
			w->next_mono = now + w->interval_ns;
			if (w->count && w->ticks >= w->count)
				stop(w);
		}
		if (!more && !ended)
			live_wait(&w->live, w->screen.keys ? STDIN_FILENO : -1,
			          milliseconds_until(w, now));
	}
	return code;
}

static void finish(struct watching *w)
{
	size_t n_wans, n_files;
	const struct frame_wan *wans = tail_wans(w->live.tail, &n_wans);
	const struct frame_file *files = tail_files(w->live.tail, &n_files);

	pipeline_finish(w->pipeline, wans, n_wans, files, n_files);
	look(w);
}

static int show_and_end(struct watching *w)
{
	int code;

	if (!w->plain)
		screen_open(&w->screen, STDIN_FILENO, STDOUT_FILENO);
	bool screen = w->screen.open;
	code = go(w);
	finish(w);
	screen_close(&w->screen);
	if (!screen && code == 0) {
		tell_events(w);
		render_watch_totals(w->watch, stdout);
	} else if (code == 0) {
		render_watch_summary(w->watch, stdout);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		code = EXIT_CANNOT_WRITE;
	return code ? code : live_ended(&w->live);
}

/* ---- the subcommand ---- */

static int help(void)
{
	fputs("Usage: mptcp-audit watch -i DEVICE=ROLE [-i DEVICE=ROLE]... [-f FILTER]\n"
	      "       mptcp-audit watch SPOOL [--role WAN=ROLE]...\n"
	      "What each WAN carries at this moment: is the backup quiet? The first form captures\n"
	      "live (needs CAP_NET_RAW, and gives it up); the second reads what mptcp-captured\n"
	      "writes into the directory SPOOL, from its newest files on, without privileges.\n"
	      "On a terminal a screen, q or Ctrl-C ends; elsewhere a line per WAN and interval.\n\n"
	      "  -i, --interface DEVICE[=ROLE]   as of mptcp-captured: name or glob; role master,\n"
	      "                      on, backup, off; may be repeated\n"
	      "  -f, --filter EXPR   only frames libpcap's filter EXPR lets through (with -i)\n"
	      "  --role WAN=ROLE     the role of a WAN; goes before what the capture says\n"
	      "  --limit KEY=VALUE   a limit, as of report: payload_share\n"
	      "  --config FILE       roles and limits, as of report\n"
	      "  --uci DIR|FILE      what the router was told, as of report\n"
	      "  --interval SEC      time between two looks (default 1)\n"
	      "  --duration SEC      end after so long\n"
	      "  --count N           end after N looks\n"
	      "  --plain             lines, on a terminal too\n",
	      stdout);
	return EXIT_PASS;
}

static int take_seconds(const char *option, const char *word, double least, uint64_t *ns)
{
	char *end;
	double seconds = strtod(word, &end);

	if (end == word || *end || !isfinite(seconds) || seconds < least || seconds > 1e8)
		return command_complain(EXIT_USAGE, "%s takes seconds, %g or more, not \"%s\"",
		                        option, least, word);
	*ns = (uint64_t)(seconds * (double)NS);
	return 0;
}

static int take_number(const char *option, const char *word, uint64_t *number)
{
	char *end;

	*number = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || *number == 0)
		return command_complain(EXIT_USAGE, "%s takes a number, not \"%s\"", option, word);
	return 0;
}

static int take(struct watching *w, int option, char **argv)
{
	switch (option) {
	case 'i':
		return live_interface(&w->live, optarg);
	case OPTION_DURATION:
		return take_seconds("--duration", optarg, 0.1, &w->duration_ns);
	case OPTION_INTERVAL:
		return take_seconds("--interval", optarg, 0.1, &w->interval_ns);
	case OPTION_COUNT:
		return take_number("--count", optarg, &w->count);
	case OPTION_PLAIN:
		w->plain = true;
		return 0;
	case '?':
	case ':':
		return intake_bad_option(argv, options, option);
	default:
		return intake_option(&w->intake, option, optarg);
	}
}

static int parse(struct watching *w, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":f:hi:", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		code = take(w, option, argv);
		if (code != 0)
			return code;
	}
	intake_expect(&w->intake);
	if (optind + 1 < argc || (optind < argc) == (w->live.interfaces > 0))
		return command_complain(
			EXIT_USAGE,
			"name either interfaces (-i wan1=master -i wwan0=backup) or one "
			"spool directory");
	w->spool = optind < argc ? argv[optind] : NULL;
	if (w->spool && w->intake.filter)
		return command_complain(EXIT_USAGE,
		                        "-f goes with -i: a spool holds what its recorder let in");
	return 0;
}

/* What is watched, for the top line. */
static void name_input(struct watching *w)
{
	char *to = w->watch->input;
	size_t size = sizeof(w->watch->input), used = 0;

	if (w->spool) {
		snprintf(to, size, "%s", w->spool);
		return;
	}
	for (int i = 1; i + 1 < w->live.n_words && used < size; i++)
		if (strcmp(w->live.words[i], "-i") == 0)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? " " : "",
			                         w->live.words[i + 1]);
}

static int open_all(struct watching *w)
{
	struct pipeline_options pipeline = {
		.settled = settled, .context = w, .max_subflows = SUBFLOWS_MAX};
	int code;

	w->watch = calloc(1, sizeof(*w->watch));
	w->seen = calloc(LEDGER_WANS_MAX, sizeof(*w->seen));
	w->pipeline = pipeline_new(&w->ledger, &pipeline);
	if (!w->watch || !w->seen || !w->pipeline)
		return command_complain(EXIT_INTERNAL, "out of memory");
	code = w->spool ? live_open_spool(&w->live, w->spool)
	                : live_open_devices(&w->live, w->intake.filter);
	watch_init(w->watch, &w->intake.policy, &w->ledger, live_now(), w->spool ? 3 : 1);
	name_input(w);
	return code;
}

int cmd_watch(int argc, char **argv)
{
	struct watching *w = calloc(1, sizeof(*w));
	bool helped = false;
	int code;

	if (!w)
		return command_complain(EXIT_INTERNAL, "out of memory");
	w->interval_ns = NS;
	intake_init(&w->intake);
	live_init(&w->live);
	ledger_init(&w->ledger);
	code = parse(w, argc, argv, &helped);
	if (code == 0 && !helped) {
		signal(SIGPIPE, SIG_IGN); /* the terminal is put back before we end */
		code = open_all(w);
		if (code == 0)
			code = show_and_end(w);
	}
	pipeline_free(w->pipeline);
	ledger_release(&w->ledger);
	live_release(&w->live);
	intake_release(&w->intake);
	free(w->watch);
	free(w->seen);
	free(w);
	return code;
}
