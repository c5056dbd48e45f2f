/* SPDX-License-Identifier: MIT
 *
 * test_health.c - how the WAN "main" was while "spare" carried the connection's data, as stories.
 *
 * Each frame that carries on spare says what main was then: its oracle is what ledger.h says under
 * struct ledger_circumstance and health.h above its functions, in the round numbers given there.
 * The masks are asked three times: of the frame, of the cells of spare, of its subflows' shares.
 * Where the rule does not know up from down, the story is told both ways.
 */
#include "story.h"

#include <stdarg.h>

void suite_health(void);

enum main_was { UNKNOWN, HEALTHY, DEGRADED, SILENT, RETURNED, STATES, UNASKED };

static const char *const state_names[STATES] = {"unknown", "healthy", "degraded", "silent",
                                                "returned"};

struct tale {
	struct story story;
	char way;                              /* '>' or '<': where the data go */
	uint32_t ssn[FLOWS][2], dsn[FLOWS][2]; /* next ones; the DSN of a connection at its first
	                                          flow */
	size_t n;
	struct line lines[FRAMES];
	char texts[FRAMES][160];
	enum main_was main[FRAMES];
};

/* ---- telling ---- */

static uint32_t *dsn(struct tale *t, char flow, char way)
{
	static const char first[] = "aaaaeegg";

	return &t->dsn[first[flow - 'a'] - 'a'][way == '<'];
}

static uint32_t *ssn(struct tale *t, char flow, char way)
{
	return &t->ssn[flow - 'a'][way == '<'];
}

static char back(char way)
{
	return way == '>' ? '<' : '>';
}

__attribute__((format(printf, 4, 5))) static void tell(struct tale *t, enum kind kind,
                                                       enum main_was main, const char *format, ...)
{
	va_list words;

	CU_ASSERT_FATAL(t->n < FRAMES);
	va_start(words, format);
	vsnprintf(t->texts[t->n], sizeof(t->texts[t->n]), format, words);
	va_end(words);
	t->lines[t->n] = (struct line){.text = t->texts[t->n], .kind = kind};
	t->main[t->n] = main;
	shoot(&t->story, &t->lines[t->n]);
	t->n++;
}

/* A SYN with MP_CAPABLE, or with MP_JOIN, and what follows until both ends are sure. */
static void opens(struct tale *t, const char *when, char flow)
{
	tell(t, KIND_HANDSHAKE, UNASKED, "%s %c> S seq 0 capable", when, flow);
	tell(t, KIND_HANDSHAKE, UNASKED, "%c< S. seq 0 ack 1 capable", flow);
	tell(t, KIND_HANDSHAKE, UNASKED, "%c> . seq 1 ack 1 capable", flow);
}

static void join_starts(struct tale *t, const char *when, char flow)
{
	tell(t, KIND_HANDSHAKE, UNASKED, "%s %c> S seq 0 addr 2 join", when, flow);
	tell(t, KIND_HANDSHAKE, UNASKED, "%c< S. seq 0 ack 1 join", flow);
}

static void join_ends(struct tale *t, char flow)
{
	tell(t, KIND_HANDSHAKE, UNASKED, "%c> . seq 1 ack 1 join", flow);
	tell(t, KIND_HANDSHAKE, UNASKED, "%c< . seq 1 ack 1 dss ack %u", flow, *dsn(t, flow, '>'));
}

/* `len` bytes under a mapping of their own, at an SSN and a DSN. */
static void segment(struct tale *t, const char *when, char flow, uint32_t at, uint32_t data,
                    uint32_t len, enum kind kind, enum main_was main)
{
	char to = back(t->way);

	tell(t, kind, main, "%s %c%c . seq %u:%u ack %u dss ack %u seq %u subseq %u len %u", when,
	     flow, t->way, at, at + len, *ssn(t, flow, to), *dsn(t, flow, to), data, at, len);
}

/* The next bytes of the connection; `main` says how main is while spare carries them. */
static void sends(struct tale *t, const char *when, char flow, uint32_t len, enum main_was main)
{
	uint32_t *at = ssn(t, flow, t->way), *data = dsn(t, flow, t->way);

	segment(t, when, flow, *at, *data, len, KIND_PAYLOAD, main);
	*at += len;
	*data += len;
}

/* The last `len` bytes once more, under the same SSN. */
static void repeats(struct tale *t, const char *when, char flow, uint32_t len, enum main_was main)
{
	segment(t, when, flow, *ssn(t, flow, t->way) - len, *dsn(t, flow, t->way) - len, len,
	        KIND_RETRANSMISSION, main);
}

static void answer(struct tale *t, const char *when, char flow, enum kind kind)
{
	char to = back(t->way);

	tell(t, kind, UNASKED, "%s %c%c . seq %u ack %u dss ack %u", when, flow, to,
	     *ssn(t, flow, to), *ssn(t, flow, t->way), *dsn(t, flow, t->way));
}

/* Main, and only main, carries n segments; each is answered. */
static void main_works(struct tale *t, unsigned n, const char *round_trip)
{
	for (unsigned i = 0; i < n; i++) {
		sends(t, "+20ms", 'a', 100, UNASKED);
		answer(t, round_trip, 'a', KIND_ACK);
	}
}

static void keepalive(struct tale *t, const char *when, char flow)
{
	tell(t, KIND_KEEPALIVE, UNASKED, "%s %c> . seq %u ack %u dss ack %u", when, flow,
	     *ssn(t, flow, '>') - 1, *ssn(t, flow, '<'), *dsn(t, flow, '<'));
}

static void keepalive_answer(struct tale *t, const char *when, char flow)
{
	tell(t, KIND_KEEPALIVE_ACK, UNASKED, "%s %c< . seq %u ack %u dss ack %u", when, flow,
	     *ssn(t, flow, '<'), *ssn(t, flow, '>'), *dsn(t, flow, '>'));
}

static struct tale *tale_begin(int version, char way)
{
	struct tale *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	story_begin(&t->story, version);
	t->way = way;
	for (unsigned f = 0; f < FLOWS; f++)
		for (unsigned d = 0; d < 2; d++)
			t->ssn[f][d] = t->dsn[f][d] = 1;
	return t;
}

/* Most begin like this: opened over main, joined over spare. */
static struct tale *two_wans(int version, char way)
{
	struct tale *t = tale_begin(version, way);

	opens(t, "+20ms", 'a');
	join_starts(t, "+20ms", 'b');
	join_ends(t, 'b');
	return t;
}

/* ---- what comes out ---- */

/* STATES when it says anything that no story asks for. */
static enum main_was state_of(const struct ledger_circumstance *masks)
{
	static const struct ledger_circumstance forms[STATES] = {
		[HEALTHY] = {.healthy = 1},
		[DEGRADED] = {.degraded = 1},
		[SILENT] = {.silent = 1},
		[RETURNED] = {.returned = 1},
	};
	unsigned state = 0;

	/* main is the WAN seen first, and the first by name: bit 0, sorted or not */
	while (state < STATES && memcmp(masks, &forms[state], sizeof(*masks)) != 0)
		state++;
	return (enum main_was)state;
}

static enum main_was state_at(const struct ledger *ledger, uint16_t circumstance)
{
	static const struct ledger_circumstance none;

	return state_of(circumstance ? &ledger->circumstances[circumstance] : &none);
}

static void compare_frames(const struct tale *t, uint64_t wanted[STATES + 1])
{
	for (size_t i = 0; i < t->n; i++) {
		const struct shot *shot = &t->story.shots[i];
		if (t->main[i] == UNASKED)
			continue;
		enum main_was state = state_of(&shot->others);
		if (state != t->main[i])
			printf("%s\n\tmain is %s, want %s\n", shot->line->text,
			       state < STATES ? state_names[state] : "something else",
			       state_names[t->main[i]]);
		CU_ASSERT_EQUAL(state, t->main[i]);
		for (unsigned k = 0; k < KIND_CARRYING; k++)
			wanted[t->main[i]] += shot->split[k];
	}
}

static void add_cells(const struct ledger *ledger, uint64_t sums[STATES + 1])
{
	const struct ledger_wan *spare = &ledger->wans[1];

	CU_ASSERT_STRING_EQUAL_FATAL(spare->name, "spare");
	for (size_t i = 0; i < spare->n_cells; i++)
		if (spare->cells[i].kind < KIND_CARRYING)
			sums[state_at(ledger, spare->cells[i].circumstance)] +=
				spare->cells[i].sum.payload_bytes;
}

static void add_shares(const struct ledger *ledger, uint64_t sums[STATES + 1])
{
	for (size_t c = 0; c < ledger->n_connections; c++)
		for (size_t i = 0; i < ledger->connections[c].n_subflows; i++) {
			const struct ledger_subflow *sf = &ledger->connections[c].subflows[i];
			for (unsigned n = 0; sf->wan == 1 && n < sf->n_shares; n++)
				sums[state_at(ledger, sf->shares[n].circumstance)] +=
					sf->shares[n].sum.payload_bytes;
		}
}

static void tale_end(struct tale *t)
{
	uint64_t wanted[STATES + 1] = {0}, cells[STATES + 1] = {0}, shares[STATES + 1] = {0};

	story_play(&t->story);
	compare_frames(t, wanted);
	add_cells(&t->story.ledger, cells);
	add_shares(&t->story.ledger, shares);
	for (unsigned state = 0; state <= STATES; state++) {
		CU_ASSERT_EQUAL(cells[state], wanted[state]);
		CU_ASSERT_EQUAL(shares[state], wanted[state]);
	}
	story_end(&t->story);
	free(t);
}

static void both_ways(void (*story)(char way))
{
	story('>');
	story('<');
}

/* ---- healthy ---- */

static void healthy_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 5, "+20ms");
	sends(t, "+20ms", 'b', 100, HEALTHY);
	for (int i = 0; i < 10; i++) { /* both at once */
		main_works(t, 1, "+20ms");
		sends(t, "+20ms", 'b', 100, HEALTHY);
	}
	sends(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+150ms", 'b', 100, HEALTHY); /* unanswered, but not for 200 ms */
	tale_end(t);
}

static void test_healthy(void)
{
	both_ways(healthy_story);
}

/* The carrier pauses: silent is only who is quiet at both ends. */
static void pause_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 5, "+20ms");
	answer(t, "+220ms", 'a', KIND_ACK); /* the sender is quiet, its peer is not */
	sends(t, "+20ms", 'b', 100, HEALTHY);
	answer(t, "+20ms", 'b', KIND_ACK);
	sends(t, "+180ms", 'a', 100, UNASKED); /* the peer is quiet, the sender is not */
	sends(t, "+20ms", 'b', 100, HEALTHY);
	tale_end(t);
}

static void test_pause(void)
{
	both_ways(pause_story);
}

/* Heard within 5 s is alive, even when it carries nothing; later nobody knows. */
static void heard_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 1, "+20ms");
	answer(t, "+20ms", 'b', KIND_ACK);
	sends(t, "+60s", 'b', 100, UNKNOWN);
	keepalive(t, "+100ms", 'a');
	keepalive_answer(t, "+20ms", 'a');
	sends(t, "+100ms", 'b', 100, HEALTHY);
	sends(t, "+4800ms", 'b', 100, HEALTHY);
	sends(t, "+200ms", 'b', 100, UNKNOWN);
	tell(t, KIND_ACK, UNASKED, "a< . seq %u ack %u win 600 dss ack %u", *ssn(t, 'a', '<'),
	     *ssn(t, 'a', '>'), *dsn(t, 'a', '>')); /* the far side, unasked */
	sends(t, "+60ms", 'b', 100, HEALTHY);
	tale_end(t);
}

static void test_heard(void)
{
	both_ways(heard_story);
}

/* What waits is measured by the round trip: 600 ms by satellite. */
static void round_trip_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 5, "+600ms");
	sends(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+500ms", 'b', 100, HEALTHY);
	sends(t, "+1500ms", 'b', 100, SILENT);
	tale_end(t);
}

static void test_round_trip(void)
{
	both_ways(round_trip_story);
}

/* The scheduler likes spare better: main carries a little, and then nothing, and is well. */
static void preferred_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 2, "+20ms");
	for (int i = 0; i < 5; i++)
		sends(t, "+20ms", 'b', 100, HEALTHY);
	answer(t, "+20ms", 'b', KIND_ACK);
	for (int i = 0; i < 8; i++) /* up to 4.3 s after main was heard */
		sends(t, "+500ms", 'b', 100, HEALTHY);
	tale_end(t);
}

static void test_preferred(void)
{
	both_ways(preferred_story);
}

/* What our own side sends is no sign of life: the way up is dead, and goes on being tried. */
static void test_dead_upload(void)
{
	static const char *const tries[] = {"+200ms", "+400ms", "+800ms", "+1600ms", "+3200ms"};
	struct tale *t = two_wans(1, '>');

	main_works(t, 30, "+20ms");
	sends(t, "+20ms", 'a', 100, UNASKED);
	for (unsigned i = 0; i < 5; i++)
		repeats(t, tries[i], 'a', 100, UNASKED);
	sends(t, "+1800ms", 'b', 100, SILENT);
	tale_end(t);
}

/* Once heard again, main stays returned: its quiet from before the outage is told already. */
static void stays_returned_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 10, "+20ms");
	sends(t, "+300ms", 'b', 100, SILENT);
	tell(t, KIND_ACK, UNASKED, "+20ms a< . seq %u ack %u win 600 dss ack %u", *ssn(t, 'a', '<'),
	     *ssn(t, 'a', '>'), *dsn(t, 'a', '>'));
	sends(t, "+60ms", 'b', 100, RETURNED);
	sends(t, "+300ms", 'b', 100, RETURNED);
	tale_end(t);
}

static void test_stays_returned(void)
{
	both_ways(stays_returned_story);
}

/* ---- degraded ---- */

enum trouble { REPEATED, MISSING };

/* Of `segments` on main, `bad` are repeated or leave a hole; then spare carries. */
static void lossy_story(char way, unsigned segments, unsigned bad, enum trouble trouble,
                        enum main_was main)
{
	struct tale *t = two_wans(1, way);
	unsigned repeated = trouble == REPEATED ? bad : 0;

	for (unsigned i = 0; i < segments - repeated; i++) {
		if (trouble == MISSING && i > 0 && i <= bad) {
			*ssn(t, 'a', way) += 100;
			*dsn(t, 'a', way) += 100;
		}
		sends(t, "+20ms", 'a', 100, UNASKED);
		if (i < repeated)
			repeats(t, "+40ms", 'a', 100, UNASKED);
	}
	answer(t, "+20ms", 'a', KIND_ACK);
	sends(t, "+20ms", 'b', 100, main);
	tale_end(t);
}

static void lossy_borders(char way)
{
	lossy_story(way, 20, 1, REPEATED, DEGRADED); /* 20 segments, 5 % */
	lossy_story(way, 40, 2, REPEATED, DEGRADED);
	lossy_story(way, 19, 3, REPEATED, HEALTHY); /* too few to say */
	lossy_story(way, 21, 1, REPEATED, HEALTHY); /* 4.8 % */
	lossy_story(way, 20, 1, MISSING, DEGRADED);
	lossy_story(way, 21, 1, MISSING, HEALTHY);
}

static void test_lossy(void)
{
	both_ways(lossy_borders);
}

/* Loss makes answers late: while main is heard it is not silent, later it is; and it is forgiven.
 */
static void late_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 17, "+20ms");
	for (int i = 0; i < 4; i++)
		repeats(t, "+20ms", 'a', 100, UNASKED);
	answer(t, "+20ms", 'a', KIND_ACK);
	sends(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+400ms", 'b', 100, DEGRADED);
	answer(t, "+20ms", 'a', KIND_ACK);
	for (int i = 0; i < 48; i++) { /* 12 s without a flaw */
		sends(t, "+230ms", 'a', 100, UNASKED);
		answer(t, "+20ms", 'a', KIND_ACK);
	}
	sends(t, "+60ms", 'b', 100, HEALTHY);
	for (int i = 0; i < 8; i++)
		repeats(t, "+20ms", 'a', 100, UNASKED);
	answer(t, "+20ms", 'a', KIND_ACK);
	sends(t, "+20ms", 'b', 100, DEGRADED);
	keepalive(t, "+60s", 'a'); /* of long ago */
	keepalive_answer(t, "+20ms", 'a');
	sends(t, "+20ms", 'b', 100, HEALTHY);
	main_works(t, 19, "+20ms");
	repeats(t, "+20ms", 'a', 100, UNASKED);
	answer(t, "+20ms", 'a', KIND_ACK);
	sends(t, "+20ms", 'b', 100, DEGRADED);
	sends(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+6000ms", 'b', 100, SILENT);
	tale_end(t);
}

static void test_late(void)
{
	both_ways(late_story);
}

/* RFC 6824 lets a scheduler send the same DSNs again under new SSNs: a habit, not loss. */
static void habit_story(char way)
{
	struct tale *t = two_wans(0, way);

	for (int i = 0; i < 20; i++) {
		sends(t, "+20ms", 'a', 100, UNASKED);
		uint32_t *at = ssn(t, 'a', way);
		segment(t, "+1ms", 'a', *at, *dsn(t, 'a', way) - 100, 100, KIND_RETRANSMISSION,
		        UNASKED);
		*at += 100;
		answer(t, "+20ms", 'a', KIND_ACK);
	}
	sends(t, "+20ms", 'b', 100, HEALTHY);
	repeats(t, "+20ms", 'a', 100, UNASKED); /* the same SSNs are loss in v0, too: 3 of 43 */
	repeats(t, "+20ms", 'a', 100, UNASKED);
	repeats(t, "+20ms", 'a', 100, UNASKED);
	answer(t, "+20ms", 'a', KIND_ACK); /* what we repeat is known to be loss when we hear */
	sends(t, "+40ms", 'b', 100, DEGRADED);
	tale_end(t);
}

static void test_v0_habit(void)
{
	both_ways(habit_story);
}

/* ---- silent, returned ---- */

/* Main carried and was heard no more; everything it sent was answered. */
static struct tale *outage(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 5, "+20ms");
	sends(t, "+150ms", 'b', 100, HEALTHY);
	sends(t, "+100ms", 'b', 100, SILENT);
	sends(t, "+100ms", 'b', 100, SILENT);
	answer(t, "+20ms", 'b', KIND_ACK);
	sends(t, "+6s", 'b', 100, SILENT);
	return t;
}

static void silent_story(char way)
{
	struct tale *t = outage(way);

	for (int i = 0; i < 5; i++)
		sends(t, "+20ms", 'b', 100, SILENT);
	answer(t, "+20ms", 'b', KIND_ACK);
	sends(t, "+60s", 'b', 100, SILENT);
	tale_end(t);
}

static void test_silent(void)
{
	both_ways(silent_story);
}

/* Main was not the carrier, but what it sent waits: spare repeats it, then goes on. */
static void unanswered_story(char way)
{
	struct tale *t = two_wans(1, way);

	main_works(t, 1, "+20ms");
	for (int i = 0; i < 5; i++)
		sends(t, "+20ms", 'b', 100, HEALTHY);
	sends(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+150ms", 'b', 100, HEALTHY);
	uint32_t *at = ssn(t, 'b', way);
	segment(t, "+100ms", 'b', *at, *dsn(t, 'b', way) - 200, 100, KIND_REINJECTION, SILENT);
	*at += 100;
	sends(t, "+20ms", 'b', 100, SILENT);
	sends(t, "+10s", 'b', 100, SILENT);
	tale_end(t);
}

static void test_unanswered(void)
{
	both_ways(unanswered_story);
}

/* Something always waits while a bulk runs: silent is when the answers stop getting on. */
static void bulk_story(char way)
{
	struct tale *t = two_wans(1, way);
	char to = back(way);

	for (int i = 0; i < 20; i++) {
		sends(t, "+30ms", 'a', 100, UNASKED);
		if (i > 0)
			tell(t, KIND_ACK, UNASKED, "a%c . seq %u ack %u dss ack %u", to,
			     *ssn(t, 'a', to), *ssn(t, 'a', way) - 100, *dsn(t, 'a', way) - 100);
		if (i > 15)
			sends(t, "+1ms", 'b', 100, HEALTHY);
	}
	sends(t, "+250ms", 'b', 100, SILENT);
	tale_end(t);
}

static void test_bulk(void)
{
	both_ways(bulk_story);
}

/* The same where nearly all frames go the short way: the last one of a burst waits. */
static void burst_story(char way)
{
	struct tale *t = two_wans(1, way);

	for (int i = 0; i < 20; i++) {
		sends(t, "+1ms", 'a', 100, UNASKED);
		answer(t, "+1ms", 'a', KIND_ACK);
	}
	for (int i = 0; i < 30; i++)
		sends(t, "+2ms", 'b', 100, HEALTHY);
	answer(t, "+2ms", 'b', KIND_ACK);
	for (int i = 0; i < 5; i++) {
		sends(t, "+1ms", 'a', 100, UNASKED);
		answer(t, "+1ms", 'a', KIND_ACK);
	}
	sends(t, "+1ms", 'a', 100, UNASKED);
	sends(t, "+150ms", 'b', 100, HEALTHY);
	sends(t, "+100ms", 'b', 100, SILENT);
	tale_end(t);
}

static void test_burst(void)
{
	both_ways(burst_story);
}

static void test_unanswered_keepalive(void)
{
	struct tale *t = two_wans(1, '>');

	main_works(t, 1, "+20ms");
	keepalive(t, "+60s", 'a');
	sends(t, "+300ms", 'b', 100, SILENT);
	sends(t, "+10s", 'b', 100, SILENT);
	keepalive(t, "+20s", 'a');
	sends(t, "+100ms", 'b', 100, SILENT);
	keepalive_answer(t, "+20ms", 'a');
	sends(t, "+60ms", 'b', 100, RETURNED);
	tale_end(t);
}

/* What our side shouts into the dark is no return; an answer is; new data end it. */
static void test_returned(void)
{
	struct tale *t = outage('>');

	repeats(t, "+20ms", 'a', 100, UNASKED);
	sends(t, "+100ms", 'b', 100, SILENT);
	tell(t, KIND_ACK, UNASKED, "a< . seq 1 ack %u dss ack %u", *ssn(t, 'a', '>'),
	     *dsn(t, 'a', '>'));
	sends(t, "+60ms", 'b', 100, RETURNED);
	sends(t, "+300ms", 'b', 100, RETURNED);
	main_works(t, 1, "+20ms");
	sends(t, "+60ms", 'b', 100, HEALTHY);
	tale_end(t);
}

static void test_returned_with_data(void)
{
	struct tale *t = outage('<');

	sends(t, "+20ms", 'a', 100, UNASKED);
	answer(t, "+20ms", 'a', KIND_ACK);
	sends(t, "+60ms", 'b', 100, HEALTHY);
	tale_end(t);
}

/* ---- subflows that end ---- */

/* The outage outlives its subflow, until the WAN has another one. */
static void another_one(struct tale *t, enum main_was answered)
{
	sends(t, "+100ms", 'b', 100, SILENT);
	join_starts(t, "+20ms", 'c'); /* and main answers */
	sends(t, "+60ms", 'b', 100, answered);
	join_ends(t, 'c');
	sends(t, "+20ms", 'c', 100, UNASKED);
	answer(t, "+20ms", 'c', KIND_ACK);
	sends(t, "+60ms", 'b', 100, HEALTHY);
	tale_end(t);
}

static void reset_story(char way)
{
	struct tale *t = outage(way);

	tell(t, KIND_RESET, UNASKED, "a> R seq %u", *ssn(t, 'a', '>'));
	another_one(t, RETURNED);
	/* reset before spare carried anything */
	t = two_wans(1, way);
	main_works(t, 3, "+20ms");
	sends(t, "+20ms", 'a', 100, UNASKED);
	tell(t, KIND_RESET, UNASKED, "+3s a> R seq %u", *ssn(t, 'a', '>'));
	another_one(t, SILENT); /* nothing had shown an outage of main by then */
	/* it never carried, but its silence showed */
	t = two_wans(1, way);
	keepalive(t, "+60s", 'a');
	sends(t, "+300ms", 'b', 100, SILENT);
	tell(t, KIND_RESET, UNASKED, "+3s a> R seq %u", *ssn(t, 'a', '>'));
	another_one(t, RETURNED);
}

static void test_reset(void)
{
	both_ways(reset_story);
}

/* In good order: main is left, not out. */
static void test_closed(void)
{
	struct tale *t = two_wans(1, '>');

	main_works(t, 5, "+20ms");
	tell(t, KIND_TEARDOWN, UNASKED, "a> F. seq 501 ack 1");
	tell(t, KIND_TEARDOWN, UNASKED, "a< F. seq 1 ack 502");
	tell(t, KIND_TEARDOWN, UNASKED, "a> . seq 502 ack 2");
	sends(t, "+100ms", 'b', 100, UNKNOWN);
	sends(t, "+1s", 'b', 100, UNKNOWN);
	tale_end(t);
}

/* ---- no subflow on main: its own silence tells, against its habit ---- */

/* Another connection's traffic on main, heard each `gap`. */
static struct tale *others_on_main(const char *gap)
{
	struct tale *t = tale_begin(1, '>');

	opens(t, "+20ms", 'e');
	for (int i = 0; i < 5; i++) {
		sends(t, gap, 'e', 100, UNASKED);
		answer(t, "+20ms", 'e', KIND_ACK);
	}
	return t;
}

static void test_opened_on_spare(void)
{
	struct tale *t = others_on_main("+1980ms"); /* a habit of 2 s */

	opens(t, "+20ms", 'b');
	sends(t, "+5500ms", 'b', 100, UNKNOWN); /* longer than 5 s, not than three times 2 s */
	sends(t, "+700ms", 'b', 100, SILENT);
	sends(t, "+60s", 'b', 100, SILENT);
	sends(t, "+20ms", 'e', 100, UNASKED);
	sends(t, "+60ms", 'b', 100, SILENT); /* our side alone */
	answer(t, "+20ms", 'e', KIND_ACK);
	sends(t, "+60ms", 'b', 100, RETURNED);
	sends(t, "+8s", 'b', 100, RETURNED); /* main's habit is longer now */
	tale_end(t);
}

static void test_opened_on_spare_busy(void)
{
	struct tale *t = others_on_main("+100ms"); /* no habit to speak of */

	opens(t, "+20ms", 'b');
	sends(t, "+4800ms", 'b', 100, UNKNOWN);
	sends(t, "+300ms", 'b', 100, SILENT);
	tale_end(t);
}

/* A gap of 20 s, and three minutes later a habit of 4 s: 13 s are long now. */
static void test_habit_forgotten(void)
{
	struct tale *t = others_on_main("+100ms");

	sends(t, "+20s", 'e', 100, UNASKED);
	answer(t, "+20ms", 'e', KIND_ACK);
	for (int i = 0; i < 45; i++) {
		sends(t, "+3980ms", 'e', 100, UNASKED);
		answer(t, "+20ms", 'e', KIND_ACK);
	}
	opens(t, "+20ms", 'b');
	sends(t, "+11s", 'b', 100, UNKNOWN);
	sends(t, "+2s", 'b', 100, SILENT);
	tale_end(t);
}

/* Opened while main was well: nothing is said about it. */
static void test_opened_on_spare_in_peace(void)
{
	struct tale *t = others_on_main("+100ms");

	opens(t, "+20ms", 'b');
	sends(t, "+20ms", 'b', 100, UNKNOWN);
	sends(t, "+20ms", 'e', 100, UNASKED);
	answer(t, "+20ms", 'e', KIND_ACK);
	sends(t, "+100ms", 'b', 100, UNKNOWN);
	tale_end(t);
}

void suite_health(void)
{
	CU_pSuite suite = CU_add_suite("health", NULL, NULL);

	CU_ADD_TEST(suite, test_healthy);
	CU_ADD_TEST(suite, test_pause);
	CU_ADD_TEST(suite, test_heard);
	CU_ADD_TEST(suite, test_round_trip);
	CU_ADD_TEST(suite, test_preferred);
	CU_ADD_TEST(suite, test_dead_upload);
	CU_ADD_TEST(suite, test_stays_returned);
	CU_ADD_TEST(suite, test_lossy);
	CU_ADD_TEST(suite, test_late);
	CU_ADD_TEST(suite, test_v0_habit);
	CU_ADD_TEST(suite, test_silent);
	CU_ADD_TEST(suite, test_unanswered);
	CU_ADD_TEST(suite, test_bulk);
	CU_ADD_TEST(suite, test_burst);
	CU_ADD_TEST(suite, test_unanswered_keepalive);
	CU_ADD_TEST(suite, test_returned);
	CU_ADD_TEST(suite, test_returned_with_data);
	CU_ADD_TEST(suite, test_reset);
	CU_ADD_TEST(suite, test_closed);
	CU_ADD_TEST(suite, test_opened_on_spare);
	CU_ADD_TEST(suite, test_opened_on_spare_busy);
	CU_ADD_TEST(suite, test_habit_forgotten);
	CU_ADD_TEST(suite, test_opened_on_spare_in_peace);
}
