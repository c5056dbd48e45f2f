/* SPDX-License-Identifier: MIT
 *
 * test_classify.c - the accounting rules, row by row, as small stories of frames (story.h).
 *
 * Each line has the kind that the rule named above it asks for: the oracle of a line is the rule,
 * not this program.
 */
#include "story.h"

void suite_classify(void);

/* ---- R1 to R4 ---- */

static void test_r1_duplicate(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"+0ms a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_DUPLICATE,
	         {0}},
		/* routed once: within 100 ms and another TTL */
		{"+40ms a> P. seq 1:101 ack 1 id 900 ttl 63 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_DUPLICATE,
	         {0}},
		/* the same TTL 40 ms later, or another id, is a retransmission */
		{"+40ms a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		{"+0ms a> P. seq 1:101 ack 1 id 901 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		END,
	};

	whole_story(1, lines);
}

static void test_r2_reset(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a< R. seq 1 ack 101 tcprst", KIND_RESET, {0}},
		{"a> R seq 101", KIND_RESET, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_TCPRST), 1);
	story_end(&s);
}

static void test_r3_syn(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"+1000ms a> S seq 0 capable",
	         KIND_HANDSHAKE,
	         {0}}, /* again, the same ISN: one opening */
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"+200ms a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1 capable", KIND_HANDSHAKE, {0}},
		END,
	};
	/* Fast Open: payload in the SYN stands before SSN 1 */
	static const struct line fast_open[] = {
		{"c> S seq 0:50 capable", KIND_HANDSHAKE, {50}},
		{"c< S. seq 0 ack 51 capable", KIND_HANDSHAKE, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	shoot_all(&s, fast_open);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_SYN), 2);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_ANSWERED), 2);
	story_end(&s);
}

static void test_r4_joins(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		/* the fourth ACK was one: what follows is none */
		{"b< . seq 1 ack 1 win 600 dss ack 1", KIND_ACK, {0}},
		END,
	};

	for (int version = 0; version < 2; version++) {
		struct story s;
		story_begin(&s, version);
		shoot_all(&s, lines);
		story_play(&s);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_SYN), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_ANSWERED), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_ESTABLISHED), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_GOOD), 2);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_BAD), 0);
		CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_JOIN_UP_BACKUP), 1);
		CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_JOIN_DOWN_NORMAL), 1);
		CU_ASSERT_EQUAL(s.ledger.n_connections, 1);
		story_end(&s);
	}
}

static void test_r4_bad_hmac(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"b> S seq 0 addr 2 join", KIND_HANDSHAKE, {0}},
		{"b< S. seq 0 ack 1 join bad", KIND_HANDSHAKE, {0}},
		{"b> R seq 1", KIND_RESET, {0}},
		{"a< . seq 1 ack 1 addr 9 add-addr", KIND_SIGNAL, {0}},
		{"a< . seq 1 ack 1 addr 9 bad add-addr", KIND_SIGNAL, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_BAD), 2);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_GOOD), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_REFUSED), 1);
	story_end(&s);
}

/* ---- R5, R6, R9: the same bits, told apart by the peer's window ---- */

static void test_r5_zero_window(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a< . seq 1 ack 101 win 0 dss ack 101", KIND_ACK, {0}},
		{"+200ms a> . seq 100 ack 1 dss ack 1", KIND_ZERO_WINDOW_PROBE, {0}},
		{"a< . seq 1 ack 101 win 0 dss ack 101", KIND_ACK, {0}},
		/* other stacks put a byte in: a new one that is accepted, then one already seen */
		{"+400ms a> . seq 101:102 ack 1 dss ack 1 seq 101 subseq 101 len 1",
	         KIND_ZERO_WINDOW_PROBE,
	         {1}},
		{"a< . seq 1 ack 102 win 0 dss ack 102", KIND_ACK, {0}},
		{"+400ms a> . seq 101:102 ack 1", KIND_ZERO_WINDOW_PROBE, {0, 1}},
		{"a< . seq 1 ack 102 win 0 dss ack 102", KIND_ACK, {0}},
		{"a< . seq 1 ack 102 win 500 dss ack 102", KIND_ACK, {0}},
		/* the window is open again: the same bits are a keepalive now */
		{"+60s a> . seq 101 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_KEEPALIVE_ACK, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_probe_answer_frames), 2);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_window_frames), 2); /* to 0, and to 500 again */
	CU_ASSERT_EQUAL(COUNTER(&s, keepalives_answered), 1);
	story_end(&s);
}

static void test_r6_r9_keepalive(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		/* seq may be the ISN on a subflow that never carried */
		{"+10s b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 1 ack 1 dss ack 101",
	         KIND_KEEPALIVE_ACK,
	         {0}},                                           /* the DATA_ACK may have moved */
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}}, /* one answer per probe */
		{"+10s b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"+1000ms b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}},
		/* a byte that was seen, without PSH and mapping; with PSH it is a retransmission */
		{"+10s a> . seq 100:101 ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"+10s a> P. seq 100:101 ack 1", KIND_RETRANSMISSION, {0, 1}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},
		/* something is outstanding: no keepalive */
		{"a> P. seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 200 ack 1 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

static void test_r6_mid_capture(void)
{
	static const struct line lines[] = {
		/* the first word of a side, acknowledged with seq+1: it was a keepalive */
		{"b> . seq 700 ack 300 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 300 ack 701 dss ack 1", KIND_KEEPALIVE_ACK, {0}},
		{"+10s b> . seq 700 ack 300 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 300 ack 701 dss ack 1", KIND_KEEPALIVE_ACK, {0}},
		/* acknowledged with its own seq: it was an ACK */
		{"e> . seq 900 ack 400 dss ack 1", KIND_ACK, {0}},
		{"e< . seq 400 ack 900 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

static void test_before_established(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"b> S seq 0 join", KIND_HANDSHAKE, {0}},
		{"b> . seq 0 ack 0 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

/* ---- R7, R8 ---- */

static void test_r7_signals(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		{"a< . seq 1 ack 101 addr 3 add-addr", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 addr 3 rem-addr", KIND_SIGNAL, {0}},
		{"b> . seq 1 ack 1 prio", KIND_SIGNAL, {0}},
		/* with an address id it speaks for a subflow on the other WAN */
		{"a> . seq 101 ack 1 addr 2 backup prio", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 fail", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 unknown", KIND_ACK, {0}},
		{"a> . seq 101 ack 1 fast-close", KIND_SIGNAL, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_PRIO_UP_NORMAL), 1);
	CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_PRIO_UP_BACKUP), 1);
	CU_ASSERT_EQUAL(wan_event(&s, "main", EVENT_PRIO_UP_BACKUP), 0);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_MP_FAIL), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_FASTCLOSE), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_OPTION_UNKNOWN), 1);
	for (size_t i = 0; i < s.ledger.connections[0].n_subflows; i++)
		if (!s.ledger.connections[0].subflows[i].initial)
			CU_ASSERT_EQUAL(s.ledger.connections[0].subflows[i].backup_client, 1);
	story_end(&s);
}

static void test_r8_teardown(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		/* DATA_FIN alone: SSN 0, DLL 1, one DSN, no payload; repeated on the backup until
	           acked */
		{"a> . seq 101 ack 1 dss fin ack 1 seq 101 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"b> . seq 1 ack 1 dss fin ack 1 seq 101 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_ACK, {0}},
		{"a> F. seq 101 ack 1 dss ack 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_ACK, {0}}, /* one answer each */
		{"a< F. seq 1 ack 102 dss ack 102", KIND_TEARDOWN, {0}},
		{"a> . seq 102 ack 2", KIND_TEARDOWN, {0}},
		END,
	};
	/* With payload DLL is payload + 1: all bytes are payload, and none is left without a
	 * mapping */
	static const struct line with_payload[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 dss fin ack 1 seq 1 subseq 1 len 101", KIND_PAYLOAD, {100}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_TEARDOWN, {0}},
		/* the DATA_FIN mapped no byte */
		{"a> . seq 101:102 ack 1 dss ack 1", KIND_PAYLOAD, {1}},
		END,
	};
	/* an answer to a keepalive that carries DATA_FIN: the probe is answered by it */
	static const struct line as_answer[] = {
		OPEN_A,
		DATA_A,
		{"+60s a> . seq 100 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 101 dss fin ack 101 seq 1 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},
		END,
	};
	struct story s;

	whole_story(1, lines);
	story_begin(&s, 1);
	shoot_all(&s, with_payload);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 1);
	story_end(&s);
	whole_story(1, as_answer);
}

/* ---- R10 ---- */

static void test_r10_acks(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		{"a> P. seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},         /* advanced */
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}},           /* only the DATA_ACK */
		{"a< . seq 1 ack 101 win 700 dss ack 101", KIND_ACK, {0}}, /* window */
		{"a< . seq 1 ack 101 win 700 dss ack 101", KIND_ACK, {0}}, /* duplicate */
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_advanced_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_data_only_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_window_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_duplicate_frames), 1);
	story_end(&s);
}

/* ---- R11: mappings ---- */

static void test_mapping_longer_than_segment(void)
{
	static const struct line lines[] = {
		OPEN_A,
		/* TSO: each segment repeats it */
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 300", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 1 subseq 1 len 300", KIND_PAYLOAD, {100}},
		/* only the first has it */
		{"a> P. seq 201:301 ack 1", KIND_PAYLOAD, {100}},
		/* a segment over the seam of two mappings */
		{"a> . seq 301:351 ack 1 dss ack 1 seq 301 subseq 301 len 100", KIND_PAYLOAD, {50}},
		{"a> . seq 401:451 ack 1 dss ack 1 seq 401 subseq 401 len 50", KIND_PAYLOAD, {50}},
		{"a> . seq 351:451 ack 1", KIND_PAYLOAD, {50, 50}},
		END,
	};
	/* v1: MP_CAPABLE with data, its mapping covers what follows */
	static const struct line capable[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 capable mapped 300", KIND_PAYLOAD, {100}},
		{"a> P. seq 101:301 ack 1", KIND_PAYLOAD, {200}},
		{"a< . seq 1 ack 301 dss ack 301", KIND_ACK, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 450);
	story_end(&s);
	story_begin(&s, 1);
	shoot_all(&s, capable);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 300);
	story_end(&s);
}

static void test_bytes_before_their_mapping(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> . seq 201:301 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 200",
	         KIND_PAYLOAD,
	         {100}},
		/* never mapped */
		{"a> . seq 301:401 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, late_map_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), 0);
	story_end(&s);
}

/* Half of what waits is mapped, and then so much else that the tables of mappings are full: it is
 * still known when the mapping of the other half comes. */
static void test_half_mapped_bytes(void)
{
#define MORE(from, to)                                                                             \
	{                                                                                          \
		"a> . seq " #from ":" #to " ack 1 dss ack 1 seq " #from " subseq " #from           \
		" len 100",                                                                        \
			KIND_PAYLOAD,                                                              \
		{                                                                                  \
			100                                                                        \
		}                                                                                  \
	}
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> . seq 101:201 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		{"a> . seq 201 ack 1 dss ack 1 seq 151 subseq 151 len 50", KIND_ACK, {0}},
		MORE(201, 301),
		MORE(301, 401),
		MORE(401, 501),
		MORE(501, 601),
		MORE(601, 701),
		MORE(701, 801),
		MORE(801, 901),
		MORE(901, 1001),
		MORE(1001, 1101),
		MORE(1101, 1201),
		{"a> . seq 1201 ack 1 dss ack 1 seq 101 subseq 101 len 50", KIND_ACK, {0}},
		END,
	};
#undef MORE
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, late_map_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 1200);
	story_end(&s);
}

/* Bytes of the time before a window whose mapping passes in it: known then, and not counted. */
static void test_bytes_before_a_window(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> . seq 201:301 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 200",
	         KIND_PAYLOAD,
	         {100}},
		END,
	};
	struct pipeline_options options = {.seed = 7};
	struct ledger ledger;
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	ledger_init(&ledger);
	struct pipeline *p = pipeline_new(&ledger, &options);
	for (size_t i = 0; i < s.n; i++) {
		if (i + 1 == s.n)
			CU_ASSERT_TRUE(pipeline_begin(p, wans, WANS));
		pipeline_feed(p, &wans[s.shots[i].frame.wan], &files[s.shots[i].frame.file],
		              &s.shots[i].frame);
	}
	pipeline_finish(p, wans, WANS, files, WANS);
	struct tally sum = ledger_sum(&ledger.wans[0], -1, -1, -1, -1);
	CU_ASSERT_EQUAL(sum.frames, 1);
	CU_ASSERT_EQUAL(sum.payload_bytes, 100);
	CU_ASSERT_EQUAL(ledger.wans[0].counters.late_map_bytes, 0);
	CU_ASSERT_EQUAL(ledger.wans[0].counters.unmapped_bytes, 0);
	CU_ASSERT_EQUAL(ledger.n_connections, 1);
	CU_ASSERT_EQUAL(ledger.connections[0].subflows[0].kinds[KIND_PAYLOAD].frames, 1);
	pipeline_free(p);
	ledger_release(&ledger);
	story_end(&s);
}

/* A cut option is read as far as it goes; bytes whose mapping was cut are unmapped, never fallback.
 */
static void test_cut_mapping(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"a> . seq 1:101 ack 1 cut 70 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 101:201 ack 1 cut 84 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), 0);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HEADER_CUT), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_OPTION_CUT), 1);
	story_end(&s);
}

/* ---- R11: who carried it first ---- */

static void test_r11_copies(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* other bytes of the subflow, the same DSNs */
		{"a> . seq 101:201 ack 1 dss ack 1 seq 1 subseq 101 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* on the backup: below 64 KiB it is no habit yet */
		{"b> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_REINJECTION,
	         {0, 0, 100}},
		{"b> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* first seen on the backup is payload, whatever its flag says; a tie is the first
	           in the list */
		{"b> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 201:301 ack 1 dss ack 1 seq 151 subseq 201 len 100",
	         KIND_PAYLOAD,
	         {50, 0, 50}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, same_subflow_dsn_bytes), 100);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 250);
	story_end(&s);
}

/* R11.4: `first` bytes are seen on a, then `copies` of their last bytes on b, then 100 more that
 * are judged. */
static void copies_story(uint32_t first, uint32_t copies, const char *wait, enum kind kind)
{
	static const struct line opening[] = {
		OPEN_A, JOIN_B, {"a< . seq 1 ack 1 dss ack 1", KIND_ACK, {0}}, END};
	static char texts[FRAMES][160];
	static struct line lines[FRAMES];
	struct story s;
	size_t n = 0;

	for (uint32_t at = 0, len; at < first; at += len, n++) {
		len = first - at < 1000 ? first - at : 1000;
		snprintf(texts[n], sizeof(texts[n]),
		         "+1ms a> . seq %u:%u ack 1 dss ack 1 seq %u subseq %u len %u", at + 1,
		         at + len + 1, at + 1, at + 1, len);
		lines[n] = (struct line){texts[n], KIND_PAYLOAD, {len}};
	}
	for (uint32_t at = 0, len; at < copies; at += len, n++) {
		len = copies - at < 1000 ? copies - at : 1000;
		bool last = at + len == copies;
		snprintf(texts[n], sizeof(texts[n]),
		         "%s b> . seq %u:%u ack 1 dss ack 1 seq %u subseq %u len %u",
		         at ? "+1ms" : wait, at + 1, at + len + 1, at + 1, at + 1, len);
		lines[n] = (struct line){texts[n], last ? kind : KIND_REINJECTION, {0}};
	}
	lines[n] = (struct line)END;
	story_begin(&s, 0);
	shoot_all(&s, opening);
	shoot_all(&s, lines);
	story_play(&s);
	story_end(&s);
}

static void test_r11_redundant_borders(void)
{
	copies_story(65536, 16384, "+1ms", KIND_REDUNDANT);       /* 64 KiB, 25 % */
	copies_story(65536, 16383, "+1ms", KIND_REINJECTION);     /* 25 % but for a byte */
	copies_story(65535, 16384, "+1ms", KIND_REINJECTION);     /* 64 KiB but for a byte */
	copies_story(65536, 16384, "+9000ms", KIND_REDUNDANT);    /* younger than 10 s */
	copies_story(65536, 16384, "+10300ms", KIND_REINJECTION); /* older */
}

/* ---- fallback ---- */

/* Tell the story and compare what fell back, what was never MPTCP, and what was never mapped. */
static void fallback_story(const struct line *lines, uint64_t fallback, uint64_t plain,
                           enum event event, uint64_t times)
{
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), fallback);
	CU_ASSERT_EQUAL(COUNTER(&s, plain_tcp_bytes), plain);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(event_count(&s, event), times);
	CU_ASSERT_EQUAL(s.ledger.connections[0].fallback, fallback > 0);
	story_end(&s);
}

static void test_fallback_forms(void)
{
	static const struct line answer[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		{"a> P. seq 1:101 ack 1", KIND_RETRANSMISSION, {0, 100}},
		END,
	};
	static const struct line third_ack[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line first_data[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line infinite[] = {
		OPEN_A,
		DATA_A,
		{"a> P. seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 0", KIND_PAYLOAD, {100}},
		{"a> P. seq 201:301 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line version[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 version 0 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line never_offered[] = {
		{"a> S seq 0", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};

	fallback_story(answer, 100, 0, EVENT_CAPABLE_PLAIN, 1);
	fallback_story(third_ack, 100, 0, EVENT_CAPABLE_STRIPPED_LATER, 1);
	fallback_story(first_data, 100, 0, EVENT_CAPABLE_STRIPPED_LATER, 1);
	fallback_story(infinite, 200, 0, EVENT_INFINITE_MAPPING, 1);
	fallback_story(version, 100, 0, EVENT_CAPABLE_VERSION, 1);
	fallback_story(never_offered, 0, 100, EVENT_PLAIN_SYN, 1);
}

/* ---- wraps ---- */

/* TCP numbers cross 2^32 in the middle of the data, at other places on each subflow. */
static void wrap_story(const char *form)
{
	static const struct line opening[] = {OPEN_A, JOIN_B, END};
	static char texts[16][160];
	static struct line lines[18];
	struct story s;
	uint32_t at = 1;

	for (int i = 0; i < 8; i++, at += 1000) {
		snprintf(texts[i], sizeof(texts[i]),
		         "a> . seq %u:%u ack 1 dss ack 1 %s %u subseq %u len 1000", at, at + 1000,
		         form, at, at);
		lines[i] = (struct line){texts[i], KIND_PAYLOAD, {1000}};
	}
	for (int i = 8; i < 16; i++) { /* all of it once more, on the backup */
		at = (uint32_t)(i - 8) * 1000 + 1;
		snprintf(texts[i], sizeof(texts[i]),
		         "b> . seq %u:%u ack 1 dss ack 1 %s %u subseq %u len 1000", at, at + 1000,
		         form, at, at);
		lines[i] = (struct line){texts[i], KIND_REINJECTION, {0, 0, 1000}};
	}
	lines[16] = (struct line)END;
	story_begin(&s, 0);
	s.isn[0][0] = 0xffffffffu - 3500;
	s.isn[1][0] = 0xffffffffu - 1500;
	shoot_all(&s, opening);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 8000);
	story_end(&s);
}

static void test_wraps(void)
{
	wrap_story("seq");
	wrap_story("seq32");
}

/* A handshake nobody saw: numbers are where the story puts them, here across 2^32 and across 2^64.
 */
static void mid_wrap_story(const char *form, uint64_t first)
{
	static char texts[8][160];
	static struct line lines[9];
	struct story s;

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(texts[i], sizeof(texts[i]),
		         "+200ms a> . seq %u:%u ack 1 dss ack32 1 %s %u subseq %u len 1000",
		         i * 1000 + 1, i * 1000 + 1001, form, i * 1000 + 1, i * 1000 + 1);
		lines[i] = (struct line){texts[i], KIND_PAYLOAD, {1000}};
	}
	lines[8] = (struct line)END;
	story_begin(&s, 0);
	s.idsn_shift = first - dsn_of(&s, 0, 0, 0);
	shoot_all(&s, lines);
	shoot_all(&s,
	          (struct line[]){
			  {"a> . seq 4001:5001 ack 1 dss ack32 1", KIND_RETRANSMISSION, {0, 1000}},
			  END});
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 8000);
	story_end(&s);
}

static void test_wraps_mid_capture(void)
{
	mid_wrap_story("seq32", 0xffffffffu - 3500);
	mid_wrap_story("seq", UINT64_C(0x1ffffffff) - 3500);
	mid_wrap_story("seq", UINT64_MAX - 3500);
}

/* ---- identity ---- */

static void test_port_reuse(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> F. seq 101 ack 1", KIND_TEARDOWN, {0}},
		{"a< F. seq 1 ack 102", KIND_TEARDOWN, {0}},
		{"a> . seq 102 ack 2", KIND_TEARDOWN, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	s.isn[0][0] += 77777;
	s.isn[0][1] += 77777;
	s.now_ns += UINT64_C(1000000000);
	shoot_all(&s, lines); /* the same ports, another ISN, and the token once more */
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[s.n - 1].connection);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_SYN), 2);
	story_end(&s);
}

/* The newest live connection with a token is meant. */
static void test_token_reuse(void)
{
	static const struct line first[] = {OPEN_A, DATA_A, END};
	static const struct line join[] = {JOIN_B, END};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, first);
	s.ports = 10;
	s.now_ns += UINT64_C(100000000000);
	shoot_all(&s, first); /* other ports, the same key */
	size_t second = s.n - 1;
	shoot_all(&s, join);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	CU_ASSERT_STRING_EQUAL(s.shots[s.n - 1].connection, s.shots[second].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[s.n - 1].connection, s.shots[0].connection);
	story_end(&s);
}

/* Joins were captured by a clock that is ahead: the connection is one when its keys come. */
static void test_partial_united_by_keys(void)
{
	static const struct line lines[] = {
		JOIN_B,
		{"b> . seq 1:101 ack 1 dss ack 1 seq 101 subseq 1 len 100", KIND_PAYLOAD, {100}},
		OPEN_A,
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_REINJECTION,
	         {0, 0, 100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 1);
	CU_ASSERT_EQUAL(s.ledger.connections[0].n_subflows, 2);
	CU_ASSERT_EQUAL(s.ledger.connections[0].confidence, CONF_KEY);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_SKEW), 1);
	/* from the JOIN's SYN to the SYN/ACK with the key: 6 frames of 20 ms */
	CU_ASSERT(s.ledger.wans[0].skew_ns == 120000000 || s.ledger.wans[1].skew_ns == 120000000);
	story_end(&s);
}

/* Rule 4: no handshake was seen, the streams' positions tell. */
static void test_dsn_adjacency(void)
{
	static const struct line one[] = {
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"e> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"b> . seq 1:101 ack 1 dss ack 1 seq 101 subseq 1 len 100", KIND_PAYLOAD, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, one);
	story_play(&s);
	CU_ASSERT_STRING_EQUAL(s.shots[0].connection, s.shots[2].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[1].connection);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	story_end(&s);
}

/* Two candidates are none: nobody is accused on a guess. v0 sends 32 bits only, so two connections
 * may lie within 2^24 of each other, told apart by the other direction until a third one says
 * nothing about it. */
static void test_dsn_adjacency_of_two(void)
{
	static const struct line two[] = {
		{"a> . seq 1:101 ack 1 dss ack32 1 seq32 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"a< . seq 1:101 ack 101 dss ack32 101 seq32 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"b< . seq 1:101 ack 1 dss ack32 900 seq32 20000001 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"b> . seq 1:101 ack 101 dss ack32 20000101 seq32 901 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"c> . seq 1:101 ack 1 dss seq32 501 subseq 1 len 100", KIND_PAYLOAD, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 0);
	shoot_all(&s, two);
	story_play(&s);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[2].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[4].connection, s.shots[0].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[4].connection, s.shots[2].connection);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 3);
	story_end(&s);
}

/* ---- DSS checksums ---- */

static void test_checksums(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100 csum good",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 101:202 ack 1 dss ack 1 seq 101 subseq 101 len 101 csum good",
	         KIND_PAYLOAD,
	         {101}},
		{"a> . seq 202:302 ack 1 dss ack 1 seq 202 subseq 202 len 100 csum bad",
	         KIND_PAYLOAD,
	         {100}},
		/* a mapping in three segments, cut at odd places */
		{"a> . seq 302:335 ack 1 dss ack 1 seq 302 subseq 302 len 100 csum good",
	         KIND_PAYLOAD,
	         {33}},
		{"a> . seq 335:340 ack 1", KIND_PAYLOAD, {5}},
		{"a> . seq 340:402 ack 1", KIND_PAYLOAD, {62}},
		END,
	};
	struct story s;

	for (int version = 0; version < 2; version++) {
		story_begin(&s, version);
		for (const struct line *line = lines; line->text; line++) {
			shoot(&s, line);
			/* the checksum bit of MP_CAPABLE: first byte behind version, at 14 + 20 +
			 * 20 + 3 */
			if (strstr(line->text, "capable"))
				s.shots[s.n - 1].craft.bytes[57] |= 0x80;
		}
		story_play(&s);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_CHECKSUM_GOOD), 3);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_CHECKSUM_BAD), 1);
		story_end(&s);
	}
}

void suite_classify(void)
{
	CU_pSuite suite = CU_add_suite("classify", NULL, NULL);

	CU_ADD_TEST(suite, test_r1_duplicate);
	CU_ADD_TEST(suite, test_r2_reset);
	CU_ADD_TEST(suite, test_r3_syn);
	CU_ADD_TEST(suite, test_r4_joins);
	CU_ADD_TEST(suite, test_r4_bad_hmac);
	CU_ADD_TEST(suite, test_r5_zero_window);
	CU_ADD_TEST(suite, test_r6_r9_keepalive);
	CU_ADD_TEST(suite, test_r6_mid_capture);
	CU_ADD_TEST(suite, test_before_established);
	CU_ADD_TEST(suite, test_r7_signals);
	CU_ADD_TEST(suite, test_r8_teardown);
	CU_ADD_TEST(suite, test_r10_acks);
	CU_ADD_TEST(suite, test_mapping_longer_than_segment);
	CU_ADD_TEST(suite, test_bytes_before_their_mapping);
	CU_ADD_TEST(suite, test_half_mapped_bytes);
	CU_ADD_TEST(suite, test_bytes_before_a_window);
	CU_ADD_TEST(suite, test_cut_mapping);
	CU_ADD_TEST(suite, test_r11_copies);
	CU_ADD_TEST(suite, test_r11_redundant_borders);
	CU_ADD_TEST(suite, test_fallback_forms);
	CU_ADD_TEST(suite, test_wraps);
	CU_ADD_TEST(suite, test_wraps_mid_capture);
	CU_ADD_TEST(suite, test_port_reuse);
	CU_ADD_TEST(suite, test_token_reuse);
	CU_ADD_TEST(suite, test_partial_united_by_keys);
	CU_ADD_TEST(suite, test_dsn_adjacency);
	CU_ADD_TEST(suite, test_dsn_adjacency_of_two);
	CU_ADD_TEST(suite, test_checksums);
}
