/* SPDX-License-Identifier: MIT
 *
 * cmd_packets.c - mptcp-audit packets: a line per frame as tcpdump would, and what dissect made of
 * it.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../dissect/pipeline.h"
#include "../dissect/sighting.h"
#include "cmd_intake.h"
#include "cmd_live.h"
#include "command.h"
#include "text.h"

/* A frame that waits for its mapping settles later than its neighbours; at most this many wait for
 * it. */
#define HELD_MAX 8192
/* Live, the frames behind one that waits do so no longer than this: it comes when it is settled. */
#define HELD_NS 1000000000ull
/* Frames between two looks at signals. */
#define BATCH 256

enum { OPTION_JSON_LINES = OPTION_OWN };

/* getopt wants one table; here --json takes no value. */
static const struct option options[] = {
	INTAKE_LONG_OPTIONS,
	{"count", required_argument, NULL, 'c'},
	{"interface", required_argument, NULL, 'i'},
	{"read", required_argument, NULL, 'r'},
	{"kind", required_argument, NULL, 'k'},
	{"json", no_argument, NULL, OPTION_JSON_LINES},
	{NULL, 0, NULL, 0},
};

/* Frames settle out of order now and then; they leave in order: a heap of the smallest order first.
 */
struct queue {
	struct sighting *slots; /* owned, HELD_MAX */
	uint32_t *heap;         /* owned; indices into slots */
	uint32_t *free_slots;   /* owned */
	size_t n, n_free;
	uint64_t next; /* order of the frame that may leave */
};

struct printer {
	const struct ledger *ledger;
	struct queue queue;
	const char *wan; /* --wan, or NULL */
	int kind;        /* --kind, or -1 */
	uint64_t left;   /* -c, UINT64_MAX = all */
	bool json;
	bool failed;
	bool *done; /* set when no further frame is wanted */
};

/* ---- one frame ---- */

static const char *file_name(const struct printer *printer, const struct sighting *s)
{
	return s->entry.file < printer->ledger->n_files ? printer->ledger->files[s->entry.file].name
	                                                : "-";
}

static const char *wan_name(const struct printer *printer, const struct sighting *s)
{
	return s->entry.wan < printer->ledger->n_wans ? printer->ledger->wans[s->entry.wan].name
	                                              : "-";
}

static const char *kind_name(const struct sighting *s)
{
	return s->entry.kind < KIND_COUNT ? kind_names[s->entry.kind] : "unread";
}

static const char *direction_name(const struct sighting *s)
{
	return s->entry.direction < DIR_UNKNOWN ? direction_names[s->entry.direction] : NULL;
}

/* As tcpdump writes them: SYN and ACK are "S.". */
static void flag_letters(char out[8], uint8_t flags)
{
	static const struct {
		uint8_t bit;
		char letter;
	} table[] = {{1, 'F'}, {2, 'S'}, {4, 'R'}, {8, 'P'}, {16, '.'}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (flags & table[i].bit)
			out[n++] = table[i].letter;
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
}

static void print_tcp(const struct sighting *s)
{
	char flags[8], options_text[SIGHTING_TEXT * 3];

	flag_letters(flags, s->tcp_flags);
	printf(" [%s] seq %u", flags, s->seq);
	if (s->payload_len > 0)
		printf(":%u", s->seq + s->payload_len);
	if (s->tcp_flags & 16)
		printf(" ack %u", s->ack);
	printf(" win %u", s->window);
	if (s->options[0])
		printf(" <%s>",
		       text_safe(options_text, sizeof(options_text), s->options, SIGHTING_TEXT));
}

static void print_line(const struct printer *printer, const struct sighting *s)
{
	char when[TEXT_SHORT], wan[120], app[120];
	const char *direction = direction_name(s);

	printf("%s %s %s %s", text_time(when, s->entry.ts_ns, 6),
	       text_safe(wan, sizeof(wan), wan_name(printer, s), 32), direction ? direction : "?",
	       s->proto ? s->proto : "-");
	if (s->src[0] || s->dst[0])
		printf(" %s > %s", s->src, s->dst);
	if (s->tcp)
		print_tcp(s);
	printf(" len %u : %s", s->payload_len, kind_name(s));
	if (s->connection[0])
		printf(" conn %s/%u", s->connection, s->subflow);
	if (s->has_dsn)
		printf(" dsn %llu", (unsigned long long)s->dsn);
	if (s->app && s->app[0])
		printf(" app %s", text_safe(app, sizeof(app), s->app, 32));
	putchar('\n');
}

static json_t *text_value(const char *text)
{
	char *valid = text_utf8(text);
	json_t *value = valid ? json_string(valid) : NULL;

	free(valid);
	return value;
}

static json_t *frame_object(const struct printer *printer, const struct sighting *s)
{
	const struct ledger_entry *e = &s->entry;
	const char *direction = direction_name(s);
	char when[TEXT_SHORT];
	json_t *bytes =
		json_pack("{s:I,s:I,s:I,s:I}", "payload", (json_int_t)e->payload[KIND_PAYLOAD],
	                  "retransmission", (json_int_t)e->payload[KIND_RETRANSMISSION],
	                  "reinjection", (json_int_t)e->payload[KIND_REINJECTION], "redundant",
	                  (json_int_t)e->payload[KIND_REDUNDANT]);

	/* "o" takes over what it is given; a NULL makes the whole NULL */
	return json_pack(
		"{s:o,s:o,s:I,s:s,s:s,s:s?,s:o,s:o,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:s?,s:s?}", "wan",
		text_value(wan_name(printer, s)), "file", text_value(file_name(printer, s)),
		"frame", (json_int_t)e->number, "ts", text_time(when, e->ts_ns, 9), "proto",
		s->proto ? s->proto : "unknown", "dir", direction, "conn",
		s->connection[0] ? text_value(s->connection) : json_null(), "subflow",
		s->connection[0] ? json_integer(s->subflow) : json_null(), "kind", kind_name(s),
		"l2_len", (json_int_t)e->l2_bytes, "ip_len", (json_int_t)e->ip_bytes, "payload_len",
		(json_int_t)s->payload_len, "bytes", bytes, "dsn",
		s->has_dsn ? json_sprintf("%llu", (unsigned long long)s->dsn) : json_null(), "app",
		s->app && s->app[0] ? text_value(s->app) : json_null(), "src",
		s->src[0] ? s->src : NULL, "dst", s->dst[0] ? s->dst : NULL);
}

static void print_object(struct printer *printer, const struct sighting *s)
{
	json_t *object = frame_object(printer, s);

	if (!object || json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS) != 0)
		printer->failed = true;
	else
		putchar('\n');
	json_decref(object);
}

static void print_frame(struct printer *printer, const struct sighting *s)
{
	if (printer->left == 0 || (printer->kind >= 0 && s->entry.kind != printer->kind) ||
	    (printer->wan && strcmp(printer->wan, wan_name(printer, s)) != 0))
		return;
	if (printer->json)
		print_object(printer, s);
	else
		print_line(printer, s);
	*printer->done = --printer->left == 0 || printer->failed;
}

/* ---- the hold-back queue ---- */

static bool queue_init(struct queue *queue)
{
	queue->slots = malloc(HELD_MAX * sizeof(*queue->slots));
	queue->heap = malloc(HELD_MAX * sizeof(*queue->heap));
	queue->free_slots = malloc(HELD_MAX * sizeof(*queue->free_slots));
	queue->n = queue->n_free = 0;
	queue->next = 0;
	if (!queue->slots || !queue->heap || !queue->free_slots)
		return false;
	for (uint32_t i = 0; i < HELD_MAX; i++)
		queue->free_slots[queue->n_free++] = i;
	return true;
}

static void queue_release(struct queue *queue)
{
	free(queue->slots);
	free(queue->heap);
	free(queue->free_slots);
}

static bool earlier(const struct queue *queue, size_t a, size_t b)
{
	return queue->slots[queue->heap[a]].order < queue->slots[queue->heap[b]].order;
}

static void swap(struct queue *queue, size_t a, size_t b)
{
	uint32_t kept = queue->heap[a];

	queue->heap[a] = queue->heap[b];
	queue->heap[b] = kept;
}

static void queue_push(struct queue *queue, const struct sighting *s)
{
	uint32_t slot = queue->free_slots[--queue->n_free];
	size_t at = queue->n++;

	queue->slots[slot] = *s;
	queue->heap[at] = slot;
	for (; at > 0 && earlier(queue, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(queue, at, (at - 1) / 2);
}

/* The earliest; valid until the next push. */
static const struct sighting *queue_pop(struct queue *queue)
{
	uint32_t slot = queue->heap[0];
	size_t at = 0;

	queue->heap[0] = queue->heap[--queue->n];
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < queue->n; child++)
			if (earlier(queue, child, least))
				least = child;
		if (least == at)
			break;
		swap(queue, at, least);
		at = least;
	}
	queue->free_slots[queue->n_free++] = slot;
	return &queue->slots[slot];
}

static void leave(struct printer *printer)
{
	const struct sighting *s = queue_pop(&printer->queue);

	if (s->order >= printer->queue.next)
		printer->queue.next = s->order + 1;
	print_frame(printer, s);
}

static void settled(void *context, const struct sighting *s)
{
	struct printer *printer = context;
	struct queue *queue = &printer->queue;

	if (printer->left == 0)
		return;
	if (s->order == queue->next && queue->n == 0) {
		queue->next++;
		print_frame(printer, s);
		return;
	}
	if (queue->n == HELD_MAX)
		leave(printer);
	queue_push(queue, s);
	while (queue->n > 0 && queue->slots[queue->heap[0]].order <= queue->next)
		leave(printer);
}

/* ---- live ---- */

struct looking {
	struct intake *intake;
	struct printer *printer;
	struct ledger *ledger;
	struct live live;
	struct pipeline *pipeline;
	bool stopping;
	uint64_t held_mono, held_order; /* since when the queue waits for this one */
};

/* One frame that waits does not hold up the others for ever. */
static void lose_patience(struct looking *l)
{
	struct queue *queue = &l->printer->queue;
	uint64_t now = live_mono();

	if (queue->n == 0 || queue->next != l->held_order) {
		l->held_order = queue->next;
		l->held_mono = now;
		return;
	}
	if (now - l->held_mono < HELD_NS)
		return;
	queue->next = queue->slots[queue->heap[0]].order;
	while (queue->n > 0 && queue->slots[queue->heap[0]].order <= queue->next)
		leave(l->printer);
}

static void stop(struct looking *l)
{
	if (!l->stopping)
		tail_stop(l->live.tail);
	l->stopping = true;
}

/* Up to BATCH frames. False when nothing more comes now. */
static bool look_some(struct looking *l, bool *ended)
{
	struct frame frame;
	struct tail_note note;
	size_t n;

	for (unsigned i = 0; i < BATCH; i++) {
		switch (tail_next(l->live.tail, &frame, &note)) {
		case TAIL_FRAME:
			if (!l->intake->done)
				pipeline_feed(l->pipeline, &tail_wans(l->live.tail, &n)[frame.wan],
				              &tail_files(l->live.tail, &n)[frame.file], &frame);
			break;
		case TAIL_NOTE:
			if (note.word == NOTE_MESSAGE && !l->stopping)
				command_complain(EXIT_PASS, "%s", note.text);
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

static void heed_signals(struct looking *l)
{
	for (int number; (number = live_signal(&l->live)) != 0;) {
		if (number == SIGTSTP)
			kill(getpid(), SIGSTOP);
		else if (number != SIGWINCH)
			stop(l);
	}
}

static void look(struct looking *l)
{
	bool ended = false;

	while (!ended) {
		bool more = look_some(l, &ended);
		heed_signals(l);
		lose_patience(l);
		if (!more && fflush(stdout) != 0)
			l->printer->failed = l->intake->done = true;
		if (l->intake->done)
			stop(l);
		if (!more && !ended)
			live_wait(&l->live, -1, l->printer->queue.n ? 100 : 1000);
	}
}

static void summarise_wan(const struct frame_wan *wan, const char *role,
                          const struct ledger_wan *sums)
{
	char name[160], frames[TEXT_SHORT], bytes[TEXT_SHORT], user[TEXT_SHORT], rest[TEXT_SHORT];
	uint64_t all = ledger_sum(sums, -1, -1, -1, -1).ip_bytes, carrying = 0;

	for (int kind = 0; kind < KIND_CARRYING; kind++)
		carrying += ledger_sum(sums, -1, -1, kind, -1).ip_bytes;
	fprintf(stderr, "%s%s%s: %s frames, %s: payload %s, standby %s; ",
	        text_safe(name, sizeof(name), wan->name, 32), role[0] ? ", " : "", role,
	        text_count(frames, ledger_sum(sums, -1, -1, -1, -1).frames), text_bytes(bytes, all),
	        text_bytes(user, carrying), text_bytes(rest, all - carrying));
	if (wan->drops_known)
		fprintf(stderr, "%s dropped by the kernel\n", text_count(frames, wan->dropped));
	else
		fputs("drops not known\n", stderr);
}

/* As tcpdump does: what came, and what did not. */
static void summarise(const struct looking *l)
{
	char time[TEXT_SHORT], role[32];
	size_t n;
	const struct frame_wan *wans = tail_wans(l->live.tail, &n);

	fprintf(stderr, "\nmptcp-audit: headers captured for %s%s%s\n",
	        text_duration(time, live_now() - l->live.started_ns),
	        l->intake->filter ? ", filter: " : "", l->intake->filter ? l->intake->filter : "");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = ledger_wan(l->ledger, wans[i].name);

		text_safe(role, sizeof(role), tail_wan(l->live.tail, i)->role, 10);
		if (at < LEDGER_WANS_MAX)
			summarise_wan(&wans[i], role, &l->ledger->wans[at]);
	}
}

static int run_live(struct looking *l)
{
	struct pipeline_options describing = {
		.settled = settled, .context = l->printer, .describe = true};
	const struct frame_wan *wans;
	const struct frame_file *files;
	size_t n_wans, n_files;

	l->pipeline = pipeline_new(l->ledger, &describing);
	if (!l->pipeline)
		return command_complain(EXIT_INTERNAL, "out of memory");
	int code = live_open_devices(&l->live, l->intake->filter);
	if (code != 0)
		return code;
	look(l);
	wans = tail_wans(l->live.tail, &n_wans);
	files = tail_files(l->live.tail, &n_files);
	pipeline_finish(l->pipeline, wans, n_wans, files, n_files);
	while (l->printer->queue.n > 0)
		leave(l->printer);
	if (fflush(stdout) != 0 || ferror(stdout) || l->printer->failed)
		return EXIT_CANNOT_WRITE;
	summarise(l);
	return live_ended(&l->live);
}

/* ---- the subcommand ---- */

static int help(void)
{
	fputs("Usage: mptcp-audit packets [-r] [NAME=]FILE... [-n] [-c N] [--kind K] [--wan W] "
	      "[--json]\n"
	      "       mptcp-audit packets -i DEVICE[=ROLE] [-i DEVICE[=ROLE]]... [-f FILTER] ...\n"
	      "A line per frame: time, WAN, direction, protocol, addresses, TCP, MPTCP options, "
	      "kind,\n"
	      "connection/subflow, DSN.\n\n"
	      "  -i, --interface DEVICE[=ROLE]  capture live, as mptcp-captured does: headers "
	      "only; needs\n"
	      "                      CAP_NET_RAW and gives it up; Ctrl-C ends with a summary. A "
	      "frame\n"
	      "                      that waits for its mapping is shown when it has come\n"
	      "  -c, --count N       stop after N frames\n"
	      "  -n                  numbers only (always so; taken for tcpdump's sake)\n"
	      "  --kind KIND         only frames of this kind\n"
	      "  --wan WAN           only frames of this WAN\n"
	      "  --json              one JSON object per frame\n",
	      stdout);
	fputs(intake_help, stdout);
	return EXIT_PASS;
}

static int take_kind(struct printer *printer, const char *word)
{
	const char *near;

	for (int i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kind_names[i], word) == 0) {
			printer->kind = i;
			return 0;
		}
	}
	near = text_nearest(word, kind_names, KIND_COUNT);
	return command_complain(EXIT_USAGE, "unknown kind \"%s\"%s%s%s", word,
	                        near ? ", did you mean \"" : "", near ? near : "",
	                        near ? "\"?" : "");
}

static int take_count(struct printer *printer, const char *word)
{
	char *end;

	printer->left = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || printer->left == 0)
		return command_complain(EXIT_USAGE, "-c takes a number of frames, not \"%s\"",
		                        word);
	return 0;
}

static int take(struct looking *l, int option, char **argv)
{
	struct intake *intake = l->intake;
	struct printer *printer = l->printer;

	switch (option) {
	case 'i':
		return live_interface(&l->live, optarg);
	case 'c':
		return take_count(printer, optarg);
	case 'k':
		return take_kind(printer, optarg);
	case OPTION_WAN:
		if (strchr(optarg, '='))
			return intake_option(intake, option, optarg);
		printer->wan = optarg;
		return 0;
	case 'n':
		return 0;
	case 'r':
		return intake_words(intake, 1, (char *[]){optarg}, 0);
	case OPTION_JSON_LINES:
		printer->json = true;
		return 0;
	case '?':
	case ':':
		return intake_bad_option(argv, options, option);
	default:
		return intake_option(intake, option, optarg);
	}
}

static int take_inputs(struct looking *l, int argc, char **argv)
{
	struct intake *intake = l->intake;
	int code;

	if (l->live.interfaces > 0) {
		if (optind < argc || intake->n_inputs > 0)
			return command_complain(EXIT_USAGE,
			                        "-i captures live: files do not go with it");
		return 0;
	}
	code = intake_words(intake, argc, argv, optind);
	for (size_t i = 0; code == 0 && i < intake->n_inputs; i++)
		if (intake->inputs[i].ledger)
			return command_complain(EXIT_BAD_DATA, "%s: a ledger holds sums, no frames",
			                        intake->inputs[i].path);
	return code;
}

static int parse(struct looking *l, int argc, char **argv, bool *helped)
{
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:f:hi:nr:", options, NULL)) != -1) {
		if (option == 'h') {
			*helped = true;
			return help();
		}
		code = take(l, option, argv);
		if (code != 0)
			return code;
	}
	return take_inputs(l, argc, argv);
}

/* A WAN that no frame was of is a typing error; when reading stopped early, nobody knows. */
static bool wan_known(const struct printer *printer)
{
	if (!printer->wan || printer->left == 0)
		return true;
	for (size_t i = 0; i < printer->ledger->n_wans; i++)
		if (strcmp(printer->ledger->wans[i].name, printer->wan) == 0)
			return true;
	return false;
}

static int run(struct intake *intake, struct printer *printer, struct ledger *ledger)
{
	int code = intake_read(intake, ledger, settled, printer);

	while (printer->queue.n > 0)
		leave(printer);
	if (code == 0 && !wan_known(printer))
		code = command_complain(EXIT_USAGE, "--wan %s: no frame is of a WAN called so",
		                        printer->wan);
	if (fflush(stdout) != 0 || ferror(stdout) || printer->failed)
		return EXIT_CANNOT_WRITE;
	return code;
}

int cmd_packets(int argc, char **argv)
{
	struct printer printer = {.kind = -1, .left = UINT64_MAX};
	struct intake intake;
	struct ledger ledger;
	struct looking l = {.intake = &intake, .printer = &printer, .ledger = &ledger};
	bool helped = false;
	int code;

	intake_init(&intake);
	ledger_init(&ledger);
	live_init(&l.live);
	printer.ledger = &ledger;
	printer.done = &intake.done;
	code = parse(&l, argc, argv, &helped);
	if (code == 0 && !helped && !queue_init(&printer.queue))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	else if (code == 0 && !helped)
		code = l.live.interfaces > 0 ? run_live(&l) : run(&intake, &printer, &ledger);
	pipeline_free(l.pipeline);
	queue_release(&printer.queue);
	ledger_release(&ledger);
	live_release(&l.live);
	intake_release(&intake);
	return code;
}
