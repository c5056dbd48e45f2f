/* SPDX-License-Identifier: MIT
 *
 * test_course.c - outages, failovers, failbacks, stalls and openings, as stories of frames.
 *
 * Each story keeps its own clock; what must come out are the moments that it noted itself, by the
 * words of ledger.h under "interruptions". All of them are told the short way too (story.h).
 */
#include "story.h"

#include <stdarg.h>

void suite_course(void);

struct tale {
	struct story story;
	uint32_t ssn[FLOWS][2], dsn[2]; /* next ones */
	size_t n;
	struct line lines[FRAMES];
	char texts[FRAMES][160];
};

__attribute__((format(printf, 3, 4))) static uint64_t tell(struct tale *t, enum kind kind,
                                                           const char *format, ...)
{
	va_list words;

	CU_ASSERT_FATAL(t->n < FRAMES);
	va_start(words, format);
	vsnprintf(t->texts[t->n], sizeof(t->texts[t->n]), format, words);
	va_end(words);
	t->lines[t->n] = (struct line){.text = t->texts[t->n], .kind = kind};
	shoot(&t->story, &t->lines[t->n]);
	t->n++;
	return t->story.now_ns;
}

/* New bytes of connection 0; returns when they passed. */
static uint64_t data(struct tale *t, const char *when, char flow, char way)
{
	unsigned d = way == '<', f = (unsigned)(flow - 'a');
	uint32_t at = t->ssn[f][d];

	t->ssn[f][d] += 100;
	t->dsn[d] += 100;
	return tell(t, KIND_PAYLOAD,
	            "%s %c%c . seq %u:%u ack %u dss ack %u seq %u subseq %u len 100", when, flow,
	            way, at, at + 100, t->ssn[f][!d], t->dsn[!d], t->dsn[d] - 100, at);
}

static uint64_t answer(struct tale *t, const char *when, char flow, char way)
{
	unsigned d = way == '<', f = (unsigned)(flow - 'a');

	return tell(t, KIND_ACK, "%s %c%c . seq %u ack %u dss ack %u", when, flow, way,
	            t->ssn[f][d], t->ssn[f][!d], t->dsn[!d]);
}

static uint64_t keepalive(struct tale *t, const char *when, char flow, char way, bool answers)
{
	unsigned d = way == '<', f = (unsigned)(flow - 'a');

	return tell(t, answers ? KIND_KEEPALIVE_ACK : KIND_KEEPALIVE,
	            "%s %c%c . seq %u ack %u dss ack %u", when, flow, way, t->ssn[f][d] - !answers,
	            t->ssn[f][!d], t->dsn[!d]);
}

static struct tale *begin(void)
{
	static const struct line opening[] = {OPEN_A, JOIN_B, END};
	struct tale *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	story_begin(&t->story, 1);
	for (unsigned f = 0; f < FLOWS; f++)
		t->ssn[f][0] = t->ssn[f][1] = 1;
	t->dsn[0] = t->dsn[1] = 1;
	shoot_all(&t->story, opening);
	return t;
}

static void end(struct tale *t)
{
	story_end(&t->story);
	free(t);
}

/* n downloads or uploads at this pace, each answered at once; returns when the last one passed. */
static uint64_t flows(struct tale *t, unsigned n, const char *pace, char flow, char way)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < n; i++) {
		last = data(t, pace, flow, way);
		answer(t, "+1ms", flow, way == '<' ? '>' : '<');
	}
	return last;
}

/* The only row of a kind, or NULL; a second one is an error. */
static const struct ledger_interruption *only(const struct tale *t, enum interruption kind)
{
	const struct ledger_interruption *row = NULL;

	for (size_t i = 0; i < t->story.ledger.n_interruptions; i++)
		if (t->story.ledger.interruptions[i].kind == kind) {
			CU_ASSERT_PTR_NULL(row);
			row = &t->story.ledger.interruptions[i];
		}
	return row;
}

/* Main falls silent, spare takes over after 300 ms, main is heard, and data go back to it. */
static void test_there_and_back(void)
{
	struct tale *t = begin();
	uint64_t from = flows(t, 30, "+20ms", 'a', '<'), to = data(t, "+300ms", 'b', '<');

	answer(t, "+1ms", 'b', '>');
	keepalive(t, "+1s", 'a', '>', false);
	flows(t, 30, "+100ms", 'b', '<');
	uint64_t heard = keepalive(t, "+10ms", 'a', '<', true);
	uint64_t last = flows(t, 5, "+20ms", 'b', '<');
	uint64_t back = data(t, "+20ms", 'a', '<');
	flows(t, 20, "+20ms", 'a', '<');
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_FAILOVER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->wan, 0);
	CU_ASSERT_EQUAL(row->to, 1);
	CU_ASSERT_EQUAL(row->direction, DIR_DOWN);
	CU_ASSERT_EQUAL(row->from_ns, from);
	CU_ASSERT_EQUAL(row->to_ns, to);
	CU_ASSERT_EQUAL(row->heard_ns, heard);
	CU_ASSERT_EQUAL(row->last_ns, last);
	CU_ASSERT_EQUAL(row->back_ns, back);
	CU_ASSERT_EQUAL(row->stall_to_ns, 0);
	CU_ASSERT_FALSE(row->open || row->ended);
	CU_ASSERT_EQUAL(row->frame.ts_ns, to);
	CU_ASSERT_EQUAL(row->frame.file, 1);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.failovers, 1);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.failovers_us, (to - from) / 1000);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.failbacks_us, (last - heard) / 1000);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.failbacks_missing, 0);

	row = only(t, INTERRUPTION_OUTAGE); /* the last thing heard of main is its last data */
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->wan, 0);
	CU_ASSERT_EQUAL(row->from_ns, from);
	CU_ASSERT_EQUAL(row->to_ns, heard);
	CU_ASSERT_FALSE(row->open);
	end(t);
}

/* Uploads: what waits is known, from the last answer on. */
static void test_upload(void)
{
	struct tale *t = begin();

	flows(t, 30, "+20ms", 'a', '>');
	uint64_t answered = t->story.now_ns;
	uint64_t asked = data(t, "+20ms", 'a', '>');
	data(t, "+20ms", 'a', '>');
	uint64_t to = data(t, "+400ms", 'b', '>');
	answer(t, "+1ms", 'b', '<');
	flows(t, 30, "+100ms", 'b', '>');
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_FAILOVER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->direction, DIR_UP);
	CU_ASSERT_EQUAL(row->from_ns, asked); /* the first that nothing answered */
	CU_ASSERT_EQUAL(row->to_ns, to);
	CU_ASSERT_EQUAL(row->heard_ns, 0);
	CU_ASSERT_TRUE(row->open);
	row = only(t, INTERRUPTION_OUTAGE); /* to the end of the story */
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->from_ns, answered);
	CU_ASSERT_EQUAL(row->to_ns, t->story.now_ns);
	CU_ASSERT_TRUE(row->open);
	end(t);
}

/* Main answers again, but the connection stays on spare until its DATA_FIN. */
static void test_never_back(void)
{
	struct tale *t = begin();
	uint64_t last = 0;

	flows(t, 30, "+20ms", 'a', '<');
	flows(t, 10, "+250ms", 'b', '<');
	keepalive(t, "+100ms", 'a', '>', false);
	uint64_t heard = keepalive(t, "+20ms", 'a', '<', true);
	last = flows(t, 60, "+500ms", 'b', '<');
	tell(t, KIND_TEARDOWN, "b< . seq %u ack %u dss fin ack %u seq %u subseq 0 len 1",
	     t->ssn[1][1], t->ssn[1][0], t->dsn[0], t->dsn[1]);
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_FAILOVER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->heard_ns, heard);
	CU_ASSERT_EQUAL(row->back_ns, 0);
	CU_ASSERT_EQUAL(row->last_ns, last);
	CU_ASSERT_TRUE(row->open && row->ended);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.failbacks_missing, 1);
	end(t);
}

/* Main answers, the far end takes it for good, and nothing passes anywhere for 12 s. */
static void stall_story(bool asked)
{
	struct tale *t = begin();

	flows(t, 30, "+20ms", 'a', '<');
	data(t, "+300ms", 'b', '<');
	flows(t, 30, "+100ms", 'b', '<');
	keepalive(t, "+10ms", 'a', '>', false);
	keepalive(t, "+20ms", 'a', '<', true);
	uint64_t last = data(t, "+20ms", 'b', '<');
	if (asked) /* the user was idle, and asks for more just before */
		last = data(t, "+11s", 'b', '>');
	uint64_t resumed = data(t, asked ? "+1s" : "+12s", 'a', '<');
	flows(t, 5, "+20ms", 'a', '<');
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_FAILOVER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->stall_from_ns, asked ? 0 : last);
	CU_ASSERT_EQUAL(row->stall_to_ns, asked ? 0 : resumed);
	CU_ASSERT_EQUAL(row->back_ns, resumed);
	CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.stalls, !asked);
	end(t);
}

static void test_stall(void)
{
	stall_story(false);
	stall_story(true);
}

/* A user who was idle while main went away did not wait: his request moved at once. */
static void test_idle_user(void)
{
	struct tale *t = begin();

	flows(t, 30, "+20ms", 'a', '<');
	keepalive(t, "+15s", 'a', '>', false);
	keepalive(t, "+15s", 'a', '>', false);
	uint64_t asked = data(t, "+60s", 'b', '>');
	data(t, "+50ms", 'b', '<');
	flows(t, 30, "+100ms", 'b', '<');
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_FAILOVER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->direction, DIR_DOWN);
	CU_ASSERT_EQUAL(row->from_ns, asked);
	CU_ASSERT_EQUAL(interruption_gap_ns(row), 50000000);
	end(t);
}

/* Two WANs in use, a leak to one of them, a pause of both: no interruption. */
static void test_both_in_use(void)
{
	struct tale *t = begin();

	for (int i = 0; i < 20; i++) {
		flows(t, 1, "+20ms", 'a', '<');
		flows(t, 1, "+20ms", 'b', '<');
	}
	flows(t, 20, "+20ms", 'a', '<');
	flows(t, 1, "+2s", 'b', '<');
	flows(t, 5, "+20ms", 'a', '<');
	flows(t, 5, "+20ms", 'b', '<');
	flows(t, 5, "+20ms", 'a', '<');
	story_play(&t->story);
	CU_ASSERT_EQUAL(t->story.ledger.n_interruptions, 0);
	end(t);
}

/* None opens elsewhere: main itself answers a later SYN, after an outage or though it lives. */
static void opening_here_story(bool main_lives)
{
	struct tale *t = begin();
	uint64_t lost = tell(t, KIND_HANDSHAKE, "e> S seq 0 capable");

	if (main_lives)
		flows(t, 1, "+2s", 'a', '<');
	tell(t, KIND_HANDSHAKE, "+12s e> S seq 0 capable");
	uint64_t answered = tell(t, KIND_HANDSHAKE, "e< S. seq 0 ack 1 capable");
	tell(t, KIND_HANDSHAKE, "e> . seq 1 ack 1 capable");
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_OPENING);
	CU_ASSERT_EQUAL(row == NULL, main_lives);
	if (row) {
		CU_ASSERT_EQUAL(row->wan, 0);
		CU_ASSERT_EQUAL(row->to, 0);
		CU_ASSERT_EQUAL(row->from_ns, lost);
		CU_ASSERT_EQUAL(row->to_ns, answered);
		CU_ASSERT_FALSE(row->open);
	}
	end(t);
}

static void test_opening_here(void)
{
	opening_here_story(false);
	opening_here_story(true);
}

/* A SYN that main does not answer; the same connection opens over spare, so many s later. */
static void opening_story(const char *later, uint64_t seconds, bool main_lives)
{
	struct tale *t = begin();
	uint64_t lost = tell(t, KIND_HANDSHAKE, "e> S seq 0 capable");

	tell(t, KIND_HANDSHAKE, "+1s e> S seq 0 capable");
	if (main_lives)
		flows(t, 1, "+2s", 'a', '<');
	tell(t, KIND_HANDSHAKE, "%s f> S seq 0 capable", later);
	uint64_t answered = tell(t, KIND_HANDSHAKE, "f< S. seq 0 ack 1 capable");
	tell(t, KIND_HANDSHAKE, "f> . seq 1 ack 1 capable");
	story_play(&t->story);

	const struct ledger_interruption *row = only(t, INTERRUPTION_OPENING);
	CU_ASSERT_EQUAL(row != NULL, seconds > 0);
	if (row) {
		CU_ASSERT_EQUAL(row->wan, 0);
		CU_ASSERT_EQUAL(row->to, 1);
		CU_ASSERT_EQUAL(row->from_ns, lost);
		CU_ASSERT_EQUAL(row->to_ns, answered);
		CU_ASSERT_EQUAL(interruption_gap_ns(row) / 1000000000, seconds);
		CU_ASSERT_EQUAL(t->story.ledger.wans[0].counters.openings, 1);
	}
	end(t);
}

static void test_opening(void)
{
	opening_story("+20s", 21, false);
	opening_story("+20s", 0, true); /* the far end did not want to answer */
	opening_story("+20ms", 1, false);
}

/* Spare is used for the first time in so many seconds; what comes back, if anything. */
static void idle_story(const char *later, char way, const char *back, enum event want)
{
	struct tale *t = begin();

	flows(t, 2, "+20ms", 'b', '>');
	flows(t, 2, "+20ms", 'a', '>');
	data(t, later, 'b', way);
	if (back)
		tell(t, KIND_RESET, "b< %s seq %u ack %u", back, t->ssn[1][1], t->ssn[1][0]);
	else if (want == EVENT_IDLE_ANSWERED)
		flows(t, 3, "+100ms", 'b', way);
	story_play(&t->story);

	const struct ledger_event *e = t->story.ledger.wans[1].events;
	CU_ASSERT_EQUAL(e[EVENT_IDLE_USED].count, want != EVENT_COUNT);
	CU_ASSERT_EQUAL(e[EVENT_IDLE_ANSWERED].count, want == EVENT_IDLE_ANSWERED);
	CU_ASSERT_EQUAL(e[EVENT_IDLE_RESET].count, want == EVENT_IDLE_RESET);
	end(t);
}

static void test_long_idle(void)
{
	idle_story("+299s", '>', NULL, EVENT_COUNT);
	idle_story("+301s", '>', NULL, EVENT_IDLE_ANSWERED);
	idle_story("+301s", '<', NULL, EVENT_IDLE_ANSWERED);
	idle_story("+301s", '>', "R.", EVENT_IDLE_RESET);
	idle_story("+301s", '>', NULL, EVENT_IDLE_USED); /* nothing comes back */
}

/* One WAN alone: nothing but the pause itself takes such data off the short way. */
static void test_long_idle_on_one_wan(void)
{
	static const struct line opening[] = {
		{"b> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"b< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"b> . seq 1 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"d> S seq 0 addr 2 backup join", KIND_HANDSHAKE, {0}},
		{"d< S. seq 0 ack 1 join", KIND_HANDSHAKE, {0}},
		{"d> . seq 1 ack 1 join", KIND_HANDSHAKE, {0}},
		{"d< . seq 1 ack 1 dss ack 1", KIND_HANDSHAKE, {0}},
		END};
	struct tale *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	story_begin(&t->story, 1);
	for (unsigned f = 0; f < FLOWS; f++)
		t->ssn[f][0] = t->ssn[f][1] = 1;
	t->dsn[0] = t->dsn[1] = 1;
	shoot_all(&t->story, opening);
	flows(t, 3, "+20ms", 'd', '<');
	flows(t, 20, "+20ms", 'd', '>');
	data(t, "+301s", 'd', '>');
	answer(t, "+20ms", 'd', '<');
	flows(t, 5, "+20ms", 'd', '>');
	story_play(&t->story);

	for (size_t w = 0; w < t->story.ledger.n_wans; w++) {
		const struct ledger_event *e = t->story.ledger.wans[w].events;
		bool spare = !strcmp(t->story.ledger.wans[w].name, "spare");
		CU_ASSERT_EQUAL(e[EVENT_IDLE_USED].count, spare);
		CU_ASSERT_EQUAL(e[EVENT_IDLE_ANSWERED].count, spare);
	}
	end(t);
}

/* Rows beyond the limit: the longest of each measure stay, in whatever order ledgers are merged. */
static void put_rows(struct ledger *ledger, unsigned from, unsigned step)
{
	ledger_init(ledger);
	ledger_wan(ledger, "b");
	ledger_wan(ledger, "a");
	for (unsigned i = from; i < 3000; i += step)
		ledger_interrupted(ledger, &(struct ledger_interruption){
						   .kind = INTERRUPTION_FAILOVER,
						   .wan = i & 1,
						   .to = !(i & 1),
						   .id = i,
						   .from_ns = 1000,
						   .to_ns = 1000 + i * 37 % 3001,
						   .heard_ns = 5000,
						   .last_ns = 5000 + i * 101 % 3001,
						   .stall_from_ns = 1,
						   .stall_to_ns = 1 + i * 1009 % 3001,
						   .frame = {.file = LEDGER_FILES_MAX},
					   });
}

static char *saved(const struct ledger *ledger)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_EQUAL(ledger_save(ledger, out), 0);
	fclose(out);
	return text;
}

static void test_worst_ones_stay(void)
{
	struct ledger whole, parts[3], joined, again;
	char message[200];

	put_rows(&whole, 0, 1);
	ledger_init(&joined);
	for (unsigned i = 0; i < 3; i++)
		put_rows(&parts[i], i, 3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(ledger_merge(&joined, &parts[2 - i]));
	char *one = saved(&whole), *two = saved(&joined);
	CU_ASSERT_STRING_EQUAL(one, two);
	FILE *in = fmemopen(one, strlen(one), "r");
	CU_ASSERT_TRUE(ledger_load(&again, in, message, sizeof(message)));
	fclose(in);
	char *three = saved(&again);
	CU_ASSERT_STRING_EQUAL(one, three);
	CU_ASSERT_EQUAL(again.n_interruptions, 3 * LEDGER_INTERRUPTIONS_EACH);
	CU_ASSERT_EQUAL(again.wans[0].counters.failovers + again.wans[1].counters.failovers, 3000);
	free(one);
	free(two);
	free(three);
	ledger_release(&whole);
	ledger_release(&joined);
	ledger_release(&again);
	for (unsigned i = 0; i < 3; i++)
		ledger_release(&parts[i]);
}

void suite_course(void)
{
	CU_pSuite suite = CU_add_suite("course", NULL, NULL);

	CU_add_test(suite, "there_and_back", test_there_and_back);
	CU_add_test(suite, "upload", test_upload);
	CU_add_test(suite, "never_back", test_never_back);
	CU_add_test(suite, "stall", test_stall);
	CU_add_test(suite, "idle_user", test_idle_user);
	CU_add_test(suite, "both_in_use", test_both_in_use);
	CU_add_test(suite, "opening", test_opening);
	CU_add_test(suite, "long_idle", test_long_idle);
	CU_add_test(suite, "long_idle_on_one_wan", test_long_idle_on_one_wan);
	CU_add_test(suite, "opening_here", test_opening_here);
	CU_add_test(suite, "worst_ones_stay", test_worst_ones_stay);
}
