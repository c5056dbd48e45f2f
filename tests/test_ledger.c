/* SPDX-License-Identifier: MIT
 *
 * test_ledger.c - counting, law 1 (conservation), law 2 (merge), the bounds, and hostile JSON.
 *
 * Two ledgers are equal when they save to the same bytes. The oracle of the counting tests is a
 * list of entries summed the plain way; that of the merge tests is algebra.
 */
#include "../dissect/ledger.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_ledger(void);

#define T0 1700000000000000000ull
#define S  1000000000ull

/* ---- tools ---- */

/* xorshift64*: the same tests on each run */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ull;
}

static unsigned below(uint64_t *state, unsigned limit)
{
	return (unsigned)(next_random(state) >> 33) % limit;
}

static struct ledger *new_ledger(void)
{
	struct ledger *ledger = malloc(sizeof(*ledger));

	if (!ledger)
		abort();
	ledger_init(ledger);
	return ledger;
}

static void free_ledger(struct ledger *ledger)
{
	ledger_release(ledger);
	free(ledger);
}

/* What a ledger saves to; free() it. */
static char *saved(const struct ledger *ledger)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	CU_ASSERT_EQUAL(ledger_save(ledger, file), 0);
	fclose(file);
	return text;
}

static bool load_text(struct ledger *ledger, const char *text, char *message, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool loaded = ledger_load(ledger, file, message, size);

	fclose(file);
	return loaded;
}

static bool same(const struct ledger *a, const struct ledger *b)
{
	char *left = saved(a), *right = saved(b);
	bool equal = !strcmp(left, right);

	if (!equal) {
		size_t i = 0;

		while (left[i] == right[i])
			i++;
		i = i > 60 ? i - 60 : 0;
		printf("differ:\n  %.160s\n  %.160s\n", left + i, right + i);
	}
	free(left);
	free(right);
	return equal;
}

static void merge_into(struct ledger *into, const struct ledger *from)
{
	CU_ASSERT_TRUE(ledger_merge(into, from));
}

static struct ledger *merged(const struct ledger *a, const struct ledger *b)
{
	struct ledger *sum = new_ledger();

	merge_into(sum, a);
	merge_into(sum, b);
	return sum;
}

/* ---- random ledgers ---- */

static const char *const wan_pool[] = {"wan1", "lte", "wwan0", "a\xff", "дом", "pppoe-wan2"};
static const char *const app_pool[] = {"", "dns", "icmp-tracker", "arp", "quic", "wireguard"};
static const char *const file_pool[] = {"wan1.pcap", "b.pcap", "ring/lte.pcap0",
                                        "x\xc0\xaf.pcapng"};

/* An event that lands in a ledger: a frame, a note, or a connection. Made once, played into any
 * ledger. */
struct act {
	enum { ACT_FRAME, ACT_NOTE, ACT_CONNECTION } what;
	unsigned wan, file, app, event, other_wan;
	unsigned state; /* of other_wan, 4 bits */
	struct ledger_entry entry;
	unsigned id, first_s, n_subflows;
	uint64_t seed;
};

static struct act random_act(uint64_t *r, uint64_t span_s)
{
	struct act act = {
		.wan = below(r, 2) ? 0 : below(r, 6), .file = below(r, 4), .app = below(r, 6)};

	act.what = below(r, 100) < 80 ? ACT_FRAME : below(r, 2) ? ACT_NOTE : ACT_CONNECTION;
	act.event = below(r, EVENT_COUNT);
	act.other_wan = below(r, 6);
	act.state = 1u << below(r, 4);
	act.entry.ts_ns = T0 + next_random(r) % (span_s * S);
	if (below(r, 4) == 0)
		act.entry.ts_ns = T0 + below(r, 5); /* ties */
	act.entry.number = below(r, 1000) + 1;
	act.entry.l2_bytes = below(r, 65536);
	act.entry.ip_bytes = below(r, 65536);
	act.entry.direction = (uint8_t)below(r, DIR_COUNT);
	act.entry.kind = (uint8_t)below(r, KIND_COUNT);
	act.entry.traffic = (uint8_t)below(r, TRAFFIC_COUNT);
	act.entry.shared = below(r, 2);
	for (unsigned k = 0; k < KIND_CARRYING; k++)
		act.entry.payload[k] = below(r, 2) ? below(r, 1500) : 0;
	act.id = below(r, 12);
	act.n_subflows = 1 + below(r, 4);
	act.seed = next_random(r) | 1;
	return act;
}

static uint16_t state_of(struct ledger *ledger, unsigned other_wan, unsigned state)
{
	uint64_t bit = 1ull << ledger_wan(ledger, wan_pool[other_wan]);
	struct ledger_circumstance masks = {
		.healthy = state & 1 ? bit : 0,
		.degraded = state & 2 ? bit : 0,
		.silent = state & 4 ? bit : 0,
		.returned = state & 8 ? bit : 0,
	};

	return ledger_circumstance(ledger, &masks);
}

static void random_subflow(struct ledger *ledger, struct ledger_subflow *subflow, uint64_t *r)
{
	subflow->wan = ledger_wan(ledger, wan_pool[below(r, 6)]);
	snprintf(subflow->client, sizeof(subflow->client), "192.0.2.%u:%u", below(r, 3),
	         below(r, 2));
	snprintf(subflow->server, sizeof(subflow->server), "203.0.113.1:443");
	subflow->reuse = below(r, 2);
	subflow->initial = below(r, 2);
	subflow->backup_client = (int8_t)((int)below(r, 3) - 1);
	subflow->backup_client_ns = subflow->backup_client < 0 ? 0 : T0 + below(r, 2);
	subflow->backup_server = -1;
	subflow->confidence = (uint8_t)below(r, CONF_COUNT);
	subflow->established = below(r, 2);
	subflow->first_ns = T0 + below(r, 1000);
	subflow->last_ns = T0 + 2000 + below(r, 1000);
	for (int i = 0; i < 4; i++)
		subflow->kinds[below(r, KIND_COUNT)] = (struct tally){
			below(r, 100), below(r, 100000), below(r, 100000), below(r, 100000)};
	for (int i = 0; i < 6; i++)
		ledger_share(ledger, subflow, state_of(ledger, below(r, 6), below(r, 16)),
		             &(struct tally){1, below(r, 1500), below(r, 1500), below(r, 1500)});
}

static void play_connection(struct ledger *ledger, const struct act *act)
{
	uint64_t r = act->seed;
	struct ledger_connection connection = {.version = (int8_t)((int)below(&r, 3) - 1)};

	snprintf(connection.id, sizeof(connection.id), "%016x", act->id);
	connection.fallback = below(&r, 2);
	connection.confidence = (uint8_t)below(&r, CONF_COUNT);
	connection.app = ledger_app(ledger, app_pool[act->app]);
	snprintf(connection.client, sizeof(connection.client), "192.0.2.1:%u", below(&r, 4));
	connection.first_ns = T0 + below(&r, 1000);
	connection.last_ns = T0 + 5000;
	connection.unique_bytes[0] = below(&r, 1000000);
	connection.subflows = calloc(act->n_subflows, sizeof(*connection.subflows));
	connection.n_subflows = connection.cap_subflows = act->n_subflows;
	for (unsigned i = 0; i < act->n_subflows; i++)
		random_subflow(ledger, &connection.subflows[i], &r);
	ledger_take_connection(ledger, &connection);
	CU_ASSERT_PTR_NULL(connection.subflows);
}

static void play(struct ledger *ledger, const struct act *act)
{
	struct ledger_entry entry = act->entry;
	uint32_t wan = ledger_wan(ledger, wan_pool[act->wan]);
	uint32_t file = ledger_file(ledger, file_pool[act->file], wan);

	if (act->seed % 16 < 2)
		ledger_file_digest(&ledger->files[file],
		                   (const uint8_t[LEDGER_SHA256]){(uint8_t)(act->seed % 16)});
	/* Which WAN a file belongs to must not hang on which frame came first. */
	ledger->files[file].wan = ledger_wan(ledger, wan_pool[act->file]);
	if (act->what == ACT_NOTE) {
		ledger_note(ledger, wan, act->event, entry.ts_ns, file, entry.number);
		ledger->wans[wan].counters.standby_connections++;
	} else if (act->what == ACT_CONNECTION) {
		play_connection(ledger, act);
	} else {
		entry.wan = wan;
		entry.file = file;
		entry.app = ledger_app(ledger, app_pool[act->app]);
		entry.circumstance = state_of(ledger, act->other_wan, act->state);
		ledger_count(ledger, &entry);
		ledger->files[file].frames++;
	}
}

static struct act *random_acts(uint64_t *r, size_t count, uint64_t span_s)
{
	struct act *acts = calloc(count, sizeof(*acts));

	for (size_t i = 0; i < count; i++)
		acts[i] = random_act(r, span_s);
	return acts;
}

static struct ledger *played(const struct act *acts, size_t from, size_t to)
{
	struct ledger *ledger = new_ledger();

	for (size_t i = from; i < to; i++)
		play(ledger, &acts[i]);
	return ledger;
}

/* Spans that stay at 1 s, and that need each of the wider widths up to years. */
static const uint64_t spans_s[] = {5, 900, 4000, 50000, 400000, 20000000, 200000000};
#define SPANS (sizeof(spans_s) / sizeof(spans_s[0]))

/* What our recorder said: now and then more than the lists hold. */
static void decorate_record(struct ledger_wan *wan, uint64_t *r)
{
	static const char *const words[] = {"master", "backup", "stacked", "hw_offload",  "a b\xff",
	                                    "off",    "on",     "none",    "super_frames"};
	unsigned n = below(r, 30) ? below(r, 20) : LEDGER_SPANS_MAX + below(r, 100);

	for (unsigned i = 0; i < n; i++) {
		uint64_t from = T0 + below(r, 5000) * S;

		ledger_add_span(wan, &(struct ledger_span){.from_ns = from,
		                                           .to_ns = from + below(r, 3) * S,
		                                           .lost_frames = below(r, 3),
		                                           .state = (uint8_t)below(r, SPAN_COUNT)});
	}
	for (unsigned i = 0; i < below(r, 100); i++)
		ledger_add_step(
			wan, &(struct ledger_step){T0 + below(r, 100), (int64_t)below(r, 9) - 4});
	for (unsigned i = 0; i < n % 40; i++) {
		struct ledger_warning warning = {.count = below(r, 5)};

		snprintf(warning.code, sizeof(warning.code), "%s", words[below(r, 9)]);
		snprintf(warning.about, sizeof(warning.about), "eth%u", below(r, 4));
		ledger_add_warning(wan, &warning);
		ledger_add_role(wan, words[below(r, 9)]);
	}
	wan->counters.gaps_down_us += n;
	wan->counters.kernel_frames += below(r, 1000);
}

/* What is not counted per frame: words of WANs and files, the window, the rest. */
static void decorate(struct ledger *ledger, uint64_t *r)
{
	ledger->shared_known = below(r, 2);
	if (ledger->shared_known) {
		ledger->shared_start_ns = T0 + below(r, 100);
		ledger->shared_end_ns = T0 + 100 + below(r, 100);
	}
	ledger->frames_over_wans = below(r, 3);
	ledger->rest.connections = below(r, 10);
	for (size_t i = 0; i < ledger->n_wans; i++) {
		struct ledger_wan *wan = &ledger->wans[i];

		wan->filtered = below(r, 2);
		wan->drops_known = below(r, 2);
		wan->skew_ns = below(r, 100);
		for (unsigned k = 0; k < below(r, LEDGER_ADDRS + 1); k++)
			snprintf(wan->own[wan->n_own++].text, sizeof(wan->own[0].text),
			         "10.0.%u.%u", k, below(r, 256));
		ledger->rest.wans[i].ip_bytes = below(r, 10000);
		if (below(r, 2))
			decorate_record(wan, r);
	}
	for (size_t i = 0; i < ledger->n_files; i++) {
		struct ledger_file *file = &ledger->files[i];

		file->first_ns = file->frames ? T0 + below(r, 100) : 0;
		file->last_ns = file->frames ? T0 + 100 + below(r, 100) : 0;
		file->snaplen = below(r, 300);
		if (below(r, 2))
			file->message = strdup(below(r, 2) ? "ends inside a record" : "bad \xff");
		if (below(r, 2))
			continue;
		file->recorded = true;
		file->growing = below(r, 2);
		file->repaired = below(r, 2);
		file->from_ns = below(r, 4) ? T0 + below(r, 100) : 0;
		file->to_ns = T0 + 100 + below(r, 100);
		file->shift_ns = (int64_t)below(r, 9) - 4;
	}
}

static struct ledger *random_ledger(uint64_t *r)
{
	size_t count = below(r, 20) ? 1 + below(r, 120) : 4000; /* the latter needs wider buckets */
	struct act *acts = random_acts(r, count, spans_s[below(r, SPANS)]);
	struct ledger *ledger = played(acts, 0, count);

	decorate(ledger, r);
	free(acts);
	return ledger;
}

/* ---- counting ---- */

static void test_counts_add_up(void)
{
	uint64_t r = 1;
	char text[300];

	for (size_t s = 0; s < SPANS; s++) {
		struct tally plain = {0}, held = {0};
		struct act *acts = random_acts(&r, 3000, spans_s[s]);
		struct ledger *ledger = played(acts, 0, 3000);

		for (size_t i = 0; i < 3000; i++) {
			if (acts[i].what != ACT_FRAME)
				continue;
			plain.frames++;
			plain.l2_bytes += acts[i].entry.l2_bytes;
			plain.ip_bytes += acts[i].entry.ip_bytes;
			for (int k = 0; k < KIND_CARRYING; k++)
				plain.payload_bytes += acts[i].entry.payload[k];
		}
		for (size_t w = 0; w < ledger->n_wans; w++) {
			struct tally sum = ledger_sum(&ledger->wans[w], -1, -1, -1, -1);

			held.frames += sum.frames;
			held.l2_bytes += sum.l2_bytes;
			held.ip_bytes += sum.ip_bytes;
			held.payload_bytes += sum.payload_bytes;
			CU_ASSERT(ledger->wans[w].n_buckets <= LEDGER_BUCKETS_MAX);
		}
		CU_ASSERT_EQUAL(memcmp(&plain, &held, sizeof(plain)), 0);
		CU_ASSERT_PTR_NULL(ledger_check(ledger, text, sizeof(text)));
		free(acts);
		free_ledger(ledger);
	}
}

/* Frames of few cells in the order of time, with ties and steps back: what the fast path is made
 * for. Fed backwards they all go the slow way, which must end in the same ledger. */
static void test_fast_path_equals_slow(void)
{
	enum { N = 20000 };
	struct ledger *forth = new_ledger(), *back = new_ledger();
	struct act *acts = calloc(N, sizeof(*acts));
	uint64_t r = 2, ts_ns = T0;

	for (unsigned i = 0; i < N; i++) {
		unsigned pace = i < 40 ? 0 : below(&r, 20);

		acts[i] = random_act(&r, 1);
		acts[i].what = ACT_FRAME;
		acts[i].wan = below(&r, 2);
		acts[i].app = below(&r, 10) ? 0 : 1;
		acts[i].other_wan = 2;
		acts[i].state = below(&r, 10) ? 0 : 1;
		acts[i].entry.kind = below(&r, 2) ? KIND_PAYLOAD : KIND_ACK;
		acts[i].entry.traffic = below(&r, 20) ? TRAFFIC_MPTCP : TRAFFIC_PLAIN;
		acts[i].entry.direction = DIR_UP;
		acts[i].entry.shared = i > N / 2;
		memset(acts[i].entry.payload, 0, sizeof(acts[i].entry.payload));
		if (acts[i].entry.kind == KIND_PAYLOAD)
			acts[i].entry.payload[below(&r, 20) ? 0 : 1] = 1400;
		ts_ns += pace > 10 ? below(&r, 200000000) : 0;
		acts[i].entry.ts_ns = ts_ns - (pace == 5 ? below(&r, 50000000) : 0);
	}
	for (unsigned i = 0; i < N; i++) {
		play(forth, &acts[i]);
		play(back, &acts[N - 1 - i]);
	}
	CU_ASSERT_TRUE(same(forth, back));
	free(acts);
	free_ledger(forth);
	free_ledger(back);
}

static void test_check_finds_a_missing_byte(void)
{
	uint64_t r = 3;
	struct ledger *ledger = random_ledger(&r);
	char text[300];

	ledger->wans[0].buckets[0].kinds[0][0].ip_bytes++;
	CU_ASSERT_PTR_NOT_NULL(ledger_check(ledger, text, sizeof(text)));
	free_ledger(ledger);
}

/* A frame of 1000 payload bytes, 700 of them sent before. */
static void test_split_payload(void)
{
	struct ledger *ledger = new_ledger();
	struct ledger_entry entry = {.wan = ledger_wan(ledger, "lte"),
	                             .ts_ns = T0,
	                             .number = 7,
	                             .file = ledger_file(ledger, "lte.pcap", 0),
	                             .l2_bytes = 1066,
	                             .ip_bytes = 1052,
	                             .payload = {300, 700, 0, 0},
	                             .kind = KIND_RETRANSMISSION};
	struct tally t;

	ledger_count(ledger, &entry);
	t = ledger_sum(&ledger->wans[0], -1, -1, KIND_RETRANSMISSION, -1);
	CU_ASSERT(t.frames == 1 && t.l2_bytes == 1066 && t.ip_bytes == 1052 &&
	          t.payload_bytes == 700);
	t = ledger_sum(&ledger->wans[0], -1, -1, KIND_PAYLOAD, -1);
	CU_ASSERT(t.frames == 0 && t.l2_bytes == 0 && t.ip_bytes == 0 && t.payload_bytes == 300);
	CU_ASSERT_EQUAL(ledger->wans[0].cells[1].first.frames[0].number, 7);
	free_ledger(ledger);
}

static void test_evidence_is_the_earliest(void)
{
	static const uint64_t order[] = {9, 3, 7, 1, 3, 5, 8};
	struct ledger *ledger = new_ledger();
	const struct evidence *first;
	uint32_t wan = ledger_wan(ledger, "lte"), file = ledger_file(ledger, "lte.pcap", wan);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		ledger_note(ledger, wan, EVENT_JOIN_SYN, T0 + order[i], file, order[i]);
	first = &ledger->wans[wan].events[EVENT_JOIN_SYN].first;
	CU_ASSERT_EQUAL(ledger->wans[wan].events[EVENT_JOIN_SYN].count, 7);
	CU_ASSERT_EQUAL(first->count, 3);
	CU_ASSERT_EQUAL(first->frames[0].number, 1);
	CU_ASSERT_EQUAL(first->frames[1].number, 3);
	CU_ASSERT_EQUAL(first->frames[2].number, 5);
	free_ledger(ledger);
}

static void test_extreme_times(void)
{
	static const uint64_t times[] = {0, 1, T0, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
	struct ledger *ledger = new_ledger(), *back = new_ledger();
	uint32_t wan = ledger_wan(ledger, "w"), file = ledger_file(ledger, "f", wan);
	char text[300];
	char *json;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		for (uint64_t day = 0; day < 300; day++) {
			struct ledger_entry entry = {.wan = wan, .file = file, .l2_bytes = 60};

			entry.ts_ns = times[i] - (times[i] > T0 ? day * 400 * 86400 * S : 0);
			entry.kind = KIND_OTHER;
			ledger_count(ledger, &entry);
		}
	}
	CU_ASSERT_PTR_NULL(ledger_check(ledger, text, sizeof(text)));
	CU_ASSERT_EQUAL(ledger_sum(&ledger->wans[0], -1, -1, -1, -1).frames, 1800);
	json = saved(ledger);
	CU_ASSERT_TRUE(load_text(back, json, text, sizeof(text)));
	CU_ASSERT_TRUE(same(ledger, back));
	free(json);
	free_ledger(ledger);
	free_ledger(back);
}

/* ---- law 2 ---- */

static void test_merge_commutes(void)
{
	uint64_t r = 11;

	for (int i = 0; i < 60; i++) {
		struct ledger *a = random_ledger(&r), *b = random_ledger(&r);
		struct ledger *ab = merged(a, b), *ba = merged(b, a);

		CU_ASSERT_TRUE(same(ab, ba));
		free_ledger(a);
		free_ledger(b);
		free_ledger(ab);
		free_ledger(ba);
	}
}

static void test_merge_associates(void)
{
	uint64_t r = 12;

	for (int i = 0; i < 60; i++) {
		struct ledger *a = random_ledger(&r), *b = random_ledger(&r),
			      *c = random_ledger(&r);
		struct ledger *ab = merged(a, b), *bc = merged(b, c);
		struct ledger *left = merged(ab, c), *right = merged(a, bc);

		CU_ASSERT_TRUE(same(left, right));
		free_ledger(a);
		free_ledger(b);
		free_ledger(c);
		free_ledger(ab);
		free_ledger(bc);
		free_ledger(left);
		free_ledger(right);
	}
}

static void test_empty_is_zero(void)
{
	uint64_t r = 13;

	for (int i = 0; i < 30; i++) {
		struct ledger *a = random_ledger(&r), *zero = new_ledger();
		struct ledger *left = merged(zero, a), *right = merged(a, zero);

		CU_ASSERT_TRUE(same(a, left));
		CU_ASSERT_TRUE(same(a, right));
		free_ledger(a);
		free_ledger(zero);
		free_ledger(left);
		free_ledger(right);
	}
}

static void test_merge_leaves_its_source(void)
{
	uint64_t r = 14;
	struct ledger *a = random_ledger(&r), *b = random_ledger(&r);
	char *before = saved(b), *after;

	merge_into(a, b);
	after = saved(b);
	CU_ASSERT_STRING_EQUAL(before, after);
	free(before);
	free(after);
	free_ledger(a);
	free_ledger(b);
}

/* The same acts in one ledger, in cut pieces merged in any order, and in reverse order: all the
 * same. */
static void test_cut_pieces_add_up(void)
{
	uint64_t r = 15;

	for (int i = 0; i < 40; i++) {
		size_t n = 2 + below(&r, 200), cut = below(&r, (unsigned)n);
		struct act *acts = random_acts(&r, n, spans_s[below(&r, SPANS)]);
		struct ledger *whole = played(acts, 0, n), *backwards = new_ledger();
		struct ledger *first = played(acts, 0, cut), *second = played(acts, cut, n);
		struct ledger *sum = merged(second, first);

		for (size_t k = n; k-- > 0;)
			play(backwards, &acts[k]);
		CU_ASSERT_TRUE(same(whole, sum));
		CU_ASSERT_TRUE(same(whole, backwards));
		free(acts);
		free_ledger(whole);
		free_ledger(backwards);
		free_ledger(first);
		free_ledger(second);
		free_ledger(sum);
	}
}

static void test_sort_changes_nothing_but_order(void)
{
	uint64_t r = 16;

	for (int i = 0; i < 30; i++) {
		struct ledger *a = random_ledger(&r);
		char *before = saved(a), *after;
		char text[300];

		CU_ASSERT_TRUE(ledger_sort(a));
		CU_ASSERT_PTR_NULL(ledger_check(a, text, sizeof(text)));
		for (size_t w = 1; w < a->n_wans; w++)
			CU_ASSERT(strcmp(a->wans[w - 1].name, a->wans[w].name) < 0);
		after = saved(a);
		CU_ASSERT_STRING_EQUAL(before, after);
		free(before);
		free(after);
		free_ledger(a);
	}
}

static void test_save_load_save(void)
{
	uint64_t r = 17;

	for (int i = 0; i < 60; i++) {
		struct ledger *a = random_ledger(&r), *back = new_ledger();
		char *text = saved(a);
		char message[300] = "";

		CU_ASSERT_TRUE(load_text(back, text, message, sizeof(message)));
		if (message[0])
			printf("%s\n", message);
		CU_ASSERT_TRUE(same(a, back));
		free(text);
		free_ledger(a);
		free_ledger(back);
	}
}

/* ---- bounds ---- */

static void test_too_many_wans(void)
{
	struct ledger *a = new_ledger(), *b = new_ledger();
	struct ledger_entry entry = {.kind = KIND_OTHER, .l2_bytes = 60};
	char name[20];

	for (int i = 0; i < LEDGER_WANS_MAX; i++) {
		snprintf(name, sizeof(name), "wan%d", i);
		CU_ASSERT_EQUAL(ledger_wan(a, name), (uint32_t)i);
	}
	entry.wan = ledger_wan(a, "one more");
	CU_ASSERT_EQUAL(entry.wan, LEDGER_WANS_MAX);
	ledger_count(a, &entry);
	ledger_note(a, entry.wan, EVENT_JOIN_SYN, T0, 0, 1);
	CU_ASSERT_EQUAL(a->frames_over_wans, 1);
	ledger_wan(b, "yet another");
	CU_ASSERT_FALSE(ledger_merge(a, b));
	free_ledger(a);
	free_ledger(b);
}

/* Label and circumstance tables full: the frames stay counted, under "not known". */
static void test_full_tables_keep_the_sums(void)
{
	struct ledger *ledger = new_ledger();
	uint32_t wan = ledger_wan(ledger, "w");
	char text[300];

	for (unsigned i = 0; i < 40000; i++) {
		struct ledger_entry entry = {.wan = wan, .ts_ns = T0 + i, .l2_bytes = 60};
		char label[20];

		snprintf(label, sizeof(label), "app-%u", i % 400);
		entry.app = ledger_app(ledger, label);
		entry.circumstance = ledger_circumstance(
			ledger, &(struct ledger_circumstance){.healthy = i % 997});
		ledger_count(ledger, &entry);
	}
	CU_ASSERT_EQUAL(ledger->n_apps, LEDGER_APPS_MAX);
	CU_ASSERT_EQUAL(ledger->n_circumstances, LEDGER_CIRCUMSTANCES_MAX);
	CU_ASSERT(ledger->wans[wan].n_cells <= LEDGER_CELLS_MAX + 1);
	CU_ASSERT_EQUAL(ledger_sum(&ledger->wans[wan], -1, -1, -1, -1).frames, 40000);
	CU_ASSERT_PTR_NULL(ledger_check(ledger, text, sizeof(text)));
	free_ledger(ledger);
}

/* IP bytes under a circumstance, by the buckets and by the cells. */
static void under(const struct ledger_wan *wan, uint16_t circumstance, uint64_t *buckets,
                  uint64_t *cells)
{
	*buckets = *cells = 0;
	for (size_t i = 0; i < wan->n_buckets; i++)
		for (unsigned s = 0; s < wan->buckets[i].n_shares; s++)
			if (wan->buckets[i].shares[s].circumstance == circumstance)
				*buckets += wan->buckets[i].shares[s].ip_bytes;
	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].circumstance == circumstance &&
		    wan->cells[i].traffic == TRAFFIC_MPTCP && wan->cells[i].kind < KIND_CARRYING)
			*cells += wan->cells[i].sum.ip_bytes;
}

/* How its WANs were is told of each bucket, over all widths; of more ways than fit the first stay.
 */
static void test_buckets_know_circumstances(void)
{
	for (unsigned states = 3; states <= 15; states += 12) {
		struct ledger *ledger = new_ledger();
		uint32_t wan = ledger_wan(ledger, "lte");
		uint64_t r = 7, buckets, cells;
		unsigned known = 0;

		for (unsigned i = 0; i < 100000; i++) {
			unsigned state = below(&r, states + 1);
			struct ledger_entry entry = {
				.wan = wan,
				.ts_ns = T0 + below(&r, 400000) * S,
				.ip_bytes = 40 + below(&r, 1400),
				.kind = (uint8_t)below(&r, KIND_CARRYING + 1),
				.traffic = (uint8_t)below(&r, 2),
				.circumstance = state ? state_of(ledger, 0, state) : 0,
			};

			ledger_count(ledger, &entry);
		}
		for (uint16_t c = 0; c < ledger->n_circumstances; c++) {
			under(&ledger->wans[wan], c, &buckets, &cells);
			CU_ASSERT(c == 0 ? buckets == 0 : buckets == cells || buckets == 0);
			known += buckets > 0;
		}
		CU_ASSERT(ledger->width > 1);
		CU_ASSERT_EQUAL(known,
		                states < LEDGER_BUCKET_SHARES ? states : LEDGER_BUCKET_SHARES);
		free_ledger(ledger);
	}
}

static void take_small(struct ledger *ledger, unsigned id, uint64_t primary, uint64_t backup)
{
	struct ledger_connection connection = {.n_subflows = 2, .cap_subflows = 2};

	connection.subflows = calloc(2, sizeof(*connection.subflows));
	snprintf(connection.id, sizeof(connection.id), "%016x", id);
	connection.subflows[0].wan = ledger_wan(ledger, "primary");
	connection.subflows[0].kinds[KIND_PAYLOAD] = (struct tally){1, primary, primary, primary};
	connection.subflows[1].wan = ledger_wan(ledger, "backup");
	connection.subflows[1].kinds[KIND_ACK] = (struct tally){1, backup, backup, 0};
	ledger_take_connection(ledger, &connection);
}

/* 30,000 connections in two orders: the same 10,000 stay, and together with the rest all are there.
 */
static void test_most_important_connections_stay(void)
{
	enum { N = 30000 };
	struct ledger *up = new_ledger(), *down = new_ledger();
	uint64_t backup = 0;

	for (unsigned i = 0; i < N; i++) {
		unsigned j = N - 1 - i;

		/* the more on the backup, the less in all; three of each rank but for their id */
		take_small(up, i, 10000000 - 100 * (i / 3), i / 3);
		take_small(down, j, 10000000 - 100 * (j / 3), j / 3);
	}
	CU_ASSERT(up->n_connections <= LEDGER_CONNECTIONS_MAX + LEDGER_CONNECTIONS_MAX / 4);
	CU_ASSERT_TRUE(same(up, down));
	CU_ASSERT_TRUE(ledger_sort(up));
	CU_ASSERT_EQUAL(up->n_connections, LEDGER_CONNECTIONS_MAX);
	CU_ASSERT_EQUAL(up->rest.connections, N - LEDGER_CONNECTIONS_MAX);
	for (size_t i = 0; i < up->n_connections; i++)
		for (size_t s = 0; s < up->connections[i].n_subflows; s++)
			backup += up->connections[i].subflows[s].kinds[KIND_ACK].ip_bytes;
	CU_ASSERT_EQUAL(backup + up->rest.wans[0].ip_bytes,
	                3 * ((uint64_t)N / 3) * (N / 3 - 1) / 2);
	CU_ASSERT_STRING_EQUAL(up->wans[0].name, "backup");
	/* ids 20001 and up, and of the rank below them the first id */
	CU_ASSERT_EQUAL(strtoul(up->connections[0].id, NULL, 16), 19998);
	CU_ASSERT_EQUAL(strtoul(up->connections[1].id, NULL, 16), 20001);
	free_ledger(up);
	free_ledger(down);
}

/* ---- hostile JSON ---- */

/* A small ledger in which each part is there once. */
static char *sample(void)
{
	struct ledger *ledger = new_ledger();
	char *text;

	take_small(ledger, 0xabc, 1000, 10);
	ledger->wans[0].n_own = 1;
	strcpy(ledger->wans[0].own[0].text, "192.0.2.1");
	ledger_count(ledger, &(struct ledger_entry){.ts_ns = T0,
	                                            .number = 1,
	                                            .file = ledger_file(ledger, "f.pcap", 0),
	                                            .l2_bytes = 66,
	                                            .ip_bytes = 52,
	                                            .kind = KIND_PAYLOAD,
	                                            .app = ledger_app(ledger, "dns"),
	                                            .circumstance = state_of(ledger, 1, 1)});
	ledger_note(ledger, 0, EVENT_JOIN_SYN, T0, 0, 1);
	ledger->wans[0].counters.header_bytes = 52;
	ledger->files[0].recorded = true;
	ledger->files[0].shift_ns = -5;
	ledger_file_digest(&ledger->files[0], (const uint8_t[LEDGER_SHA256]){0xa5});
	ledger->files[0].message = strdup("ends inside a record");
	strcpy(ledger->files[0].flaw, "cut_record");
	ledger->files[0].flaw_at = 6576;
	ledger_add_span(&ledger->wans[0], &(struct ledger_span){T0, T0 + S, 3, SPAN_DOWN});
	ledger_add_step(&ledger->wans[0], &(struct ledger_step){T0, -7});
	ledger_add_warning(&ledger->wans[0], &(struct ledger_warning){"stacked", "eth0", 2});
	ledger_add_role(&ledger->wans[0], "backup");
	text = saved(ledger);
	free_ledger(ledger);
	return text;
}

/* `text` with the first `from` turned into `to`; free() it. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *found = strstr(text, from);
	char *out = NULL;

	CU_ASSERT_PTR_NOT_NULL(found);
	if (!found ||
	    asprintf(&out, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)) < 0)
		abort();
	return out;
}

/* The one connection of sample(), and the same as ledgers of 1.1 had it. */
#define ROW                                                                                        \
	"[\"0000000000000abc\",\"\",\"\",\"\",0,0,0,0,[[0,null,0,0,[7,1,10,10,0],null,false,0,"    \
	"null,0,"                                                                                  \
	"null,null,false],[2,null,0,0,[0,1,1000,1000,1000],null,false,0,null,0,null,null,false]]," \
	"0]"
#define OLD_SUBFLOW(wan, kind, sum)                                                                \
	"{\"wan\":\"" wan "\",\"client\":\"\",\"server\":\"\",\"reuse\":0,\"initial\":false,"      \
	"\"backup_client\":0,\"backup_server\":0,\"backup_client_ns\":0,\"backup_server_ns\":0,"   \
	"\"confidence\":\"key\",\"established\":false,\"first_ns\":0,\"last_ns\":0,\"kinds\":{"    \
	"\"" kind "\":[" sum "]},\"shares\":[]}"
#define OLD_ROW                                                                                    \
	"{\"id\":\"0000000000000abc\",\"version\":0,\"fallback\":false,\"confidence\":\"key\","    \
	"\"app\":\"\",\"client\":\"\",\"server\":\"\",\"first_ns\":0,\"last_ns\":0,\"unique_"      \
	"bytes\":[0,0],"                                                                           \
	"\"subflows\":[" OLD_SUBFLOW("backup", "ack", "1,10,10,0") "," OLD_SUBFLOW(                \
		"primary", "payload", "1,1000,1000,1000") "]}"

/* sample() as a program of 1.1 wrote it. */
static char *old_sample(void)
{
	char *text = sample(), *row = replaced(text, ROW, OLD_ROW),
	     *old = replaced(row, "ledger/2.0", "ledger/1.1");

	free(text);
	free(row);
	return old;
}

struct refused {
	const char *from, *to, *says;
};

static void refuses(const char *text, const struct refused *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ledger *ledger = new_ledger();
		char *bad = replaced(text, rows[i].from, rows[i].to);
		char message[300] = "";

		CU_ASSERT_FALSE(load_text(ledger, bad, message, sizeof(message)));
		if (!strstr(message, rows[i].says))
			printf("%s -> %s: %s\n", rows[i].from, rows[i].to, message);
		CU_ASSERT_PTR_NOT_NULL(strstr(message, rows[i].says));
		free(bad);
		free_ledger(ledger);
	}
}

static void test_load_refuses(void)
{
	static const struct refused rows[] = {
		{"ledger/2.0", "ledger/3.0", "schema"},
		{"ledger/2.0", "ledger/2.x", "schema"},
		{"\"schema\":", "\"sch-ma\":", "schema"},
		{"ledger/2.0", "ledger/2.", "schema"},
		{"ledger/2.0", "ledger/", "schema"},
		{"ledger/2.0", "ledger/20", "schema"},
		{"[\"down\",1700000000000000000,1700000001000000000,3]",
	         "[\"asleep\",1700000000000000000,1700000001000000000,3]", "must be [state"},
		{"1700000001000000000,3]", "1600000001000000000,3]", "must be [state"},
		{"1700000001000000000,3]", "1700000001000000000]", "must be [state"},
		{"1700000001000000000,3]", "1700000001000000000,9223372036854775807]", "must be"},
		{"[1700000000000000000,-7]", "[-1,-7]", "must be [at_ns"},
		{"[1700000000000000000,-7]", "[1700000000000000000,\"7\"]", "must be [at_ns"},
		{"\"stacked\"", "7", "must be [code"},
		{"\"stacked\"", "\"a code of forty characters or more than that\"",
	         "must be [code"},
		{"\"roles\":[\"backup\"]", "\"roles\":[1]", "words"},
		{"\"roles\":[\"backup\"]", "\"roles\":7", "array"},
		{"\"shift_ns\":-5", "\"shift_ns\":null", "shift_ns"},
		{"\"what\":\"cut_record\"", "\"what\":\"cut record\"", "name itself"},
		{"\"what\":\"cut_record\"", "\"what\":null", "name itself"},
		{"\"at\":6576", "\"at\":-1", "at"},
		{"\"unpacked\":false", "\"unpacked\":1", "unpacked"},
		{"\"growing\":false", "\"growing\":0", "growing"},
		{"\"a5000", "\"A5000", "sha256"},
		{"\"a5000", "\"a500", "sha256"},
		{"\"sha256\":\"", "\"sha256\":7,\"x\":\"", "sha256"},
		{"\"width_s\":1", "\"width_s\":7", "width_s"},
		{"\"width_s\":1", "\"width_s\":\"1\"", "width_s"},
		{"\"name\":\"lte\"", "\"name\":\"backup\"", "came before"},
		{"\"name\":\"lte\"", "\"name\":null", "name"},
		{"\"shared\":false", "\"shared\":0", "shared"},
		{"\"direction\":\"up\"", "\"direction\":\"left\"", "left"},
		{"\"kind\":\"payload\"", "\"kind\":\"mystery\"", "mystery"},
		{"\"kind\":\"payload\"", "\"kind\":\"ack\"", "carrying"},
		{"\"circumstance\":1", "\"circumstance\":2", "circumstance"},
		{"\"circumstance\":1", "\"circumstance\":-1", "circumstance"},
		{"[1,66,52,0]", "[1,67,52,0]", "sums do not agree"},
		{"[1,66,52,0]", "[1,66,52]", "four numbers"},
		{"[1,66,52,0]", "[1,66.5,52,0]", "whole number"},
		{"[1,66,52,0]", "[1,9223372036854775807,52,0]", "impossibly large"},
		{"[1,66,52,0]", "[1,9223372036854775808,52,0]", "not JSON"},
		{"[[1,52]]", "[[1,53]]", "more bytes than carried"},
		{"[[1,52]]", "[[0,52]]", "each once"},
		{"[[1,52]]", "[[2,52]]", "each once"},
		{"[[1,52]]", "[[1,-52]]", "each once"},
		{"[[1,52]]", "[[1,26],[1,26]]", "each once"},
		{"[[1,52]]", "52", "not a list"},
		{"[[1,52]]", "[[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1]]", "too long"},
		{"[1700000000000000000,0,1]", "[1700000000000000000,1,1]", "there are 1"},
		{"[1700000000000000000,0,1]", "[1700000000000000000,0]", "must be"},
		{"\"start_s\":1700000000", "\"start_s\":1700000001", "do not lie"},
		{"\"buckets\":[{",
	         "\"buckets\":[{\"start_s\":1700000000,\"first_ns\":1700000000000000000,"
	         "\"last_ns\":1700000000000000000},{",
	         "order of time"},
		{"\"header_bytes\":52", "\"header_bytes\":-1", "header_bytes"},
		{"\"join_syn\":{", "\"joined\":{", "joined"},
		{"\"192.0.2.1\"", "\"<script>\"", "addresses"},
		{"\"subflows\":0", "\"subflows\":[]", "subflows"},
		{"\"schema\"", "\"schema\":1,\"schema\"", "not JSON"},
		{"\"f.pcap\"", "\"f\\u0000.pcap\"", "not JSON"},
		{"\"wans\":[", "\"wan\":[", "array"},
	};
	char *text = sample();

	refuses(text, rows, sizeof(rows) / sizeof(rows[0]));
	free(text);
}

static void test_load_refuses_rows(void)
{
	static const struct refused rows[] = {
		{"\"0000000000000abc\"", "\"abc\"", "connections[0]: \"id\" must be 16 hex"},
		{"\"0000000000000abc\"", "\"0000000000000<b>\"", "hexadecimal"},
		{"abc\",\"\",\"\"", "abc\",null,\"\"", "\"app\" must be"},
		{"abc\",\"\",\"\"", "abc\",\"\",\"<b>\"", "\"client\" is not"},
		{"abc\",\"\",\"\"", "abc\",\"\",null", "\"client\" must be"},
		{"\"\",0,0,0,0,[[", "\"\",-1,0,0,0,[[", "\"first_ns\" must be"},
		{"\"\",0,0,0,0,[[", "\"\",0,-1,0,0,[[", "\"lasts_ns\" must lead"},
		{"\"\",0,0,0,0,[[", "\"\",1,9223372036854775807,0,0,[[", "\"lasts_ns\" must lead"},
		{"\"\",0,0,0,0,[[", "\"\",0,0,0,1.5,[[", "unique_bytes_to_opener"},
		{ROW, "[\"0000000000000abc\",\"\",\"\",\"\",0,0,0,0,7]",
	         "\"subflows\" must be an array"},
		{"false]],0]", "false]],9]", "\"version\" must be -1"},
		{"false]],0]", "false]],0,0]", "\"fallback\" must be true"},
		{"false]],0]", "false]],0,true,\"lock\"]", "lock"},
		{"false]],0]", "false]],0,true,7]", "\"confidence\" must be"},
		{"[[0,null,0,0", "[7,[0,null,0,0", "\"subflows\" must hold rows"},
		{"[[0,null,0,0", "[[9,null,0,0", "\"wan\" must be a place"},
		{"[[0,null,0,0", "[[\"backup\",null,0,0", "\"wan\" must be"},
		{"[[0,null,0,0", "[[0,7,0,0", "\"client\" must be"},
		{"[[0,null,0,0", "[[0,\"<b>\",0,0", "\"client\" is not"},
		{"[[0,null,0,0", "[[0,null,-1,0", "\"starts_after_ns\" must lead"},
		{"[[0,null,0,0", "[[0,null,0,\"\"", "\"lasts_ns\" must lead"},
		{"[7,1,10,10,0]", "[7,1,10,10]", "four numbers"},
		{"[7,1,10,10,0]", "[99,1,10,10,0]", "none of the columns"},
		{"[7,1,10,10,0]", "[\"ack\",1,10,10,0]", "\"kinds\" must be"},
		{"[7,1,10,10,0]", "[7,1,10,10,-1]", "\"kinds\" must be"},
		{"[7,1,10,10,0]", "[7,1,1,1,0,7,1,1,1,0]", "one twice"},
		{"1000],null,", "1000],2,", "circumstance"},
		{"1000],null,", "1000],\"all\",", "\"shares\" must hold"},
		{"1000],null,", "1000],[0,1,1,1],", "\"shares\" must hold"},
		{"1000],null,", "1000],[0,1,1,1,1,0,1,1,1,1],", "circumstance twice"},
		{"1000],null,false,0,null,0,null,null,false", "1000]", "\"shares\" must hold"},
		{"null,false,0,null,0", "null,0,0,null,0", "\"initial\" must be true"},
		{"null,false,0,null,0", "null,false,2,null,0", "\"backup_client\" must be -1"},
		{"null,false,0,null,0", "null,false,0,-1,0", "\"backup_client_after_ns\" must"},
		{"null,null,false]", "null,7,false]", "\"server\" must be"},
		{"null,null,false]", "null,null,1]", "\"established\" must be true"},
		{"null,null,false]", "null,null,false,4294967296]", "\"reuse\" is too large"},
		{"null,null,false]", "null,null,false,0,\"plane\"]", "plane"},
		{"\"kinds\":[\"payload\"", "\"kinds\":[\"payroll\"", "payroll"},
		{"\"kinds\":[\"payload\"", "\"kinds\":[7", "must hold kinds"},
		{"\"kinds\":[\"payload\"", "\"kinds\":7,\"later\":[\"payload\"", "at most"},
		{"\"columns\":", "\"later\":", "none of the columns"},
		{ROW, ROW ",\n" ROW, "there twice"},
		{ROW, "7", "connections[0]"},
		{ROW, ROW ",", "not JSON"},
		{ROW, ROW ",\n", "not JSON"},
		{ROW, ROW " " ROW, "not JSON"},
		{ROW, ROW ",\n[1", "not JSON"},
		{ROW, "[7}", "not JSON"},
	};
	static const struct refused old[] = {
		{"\"id\":\"0000000000000abc\"", "\"id\":\"abc\"", "hexadecimal"},
		{"\"id\":\"0000000000000abc\"", "\"id\":\"0000000000000<b>\"", "hexadecimal"},
		{"\"backup_client\":0", "\"backup_client\":2", "-1, 0 or 1"},
		{"\"version\":0", "\"version\":9", "-1, 0 or 1"},
		{"\"wan\":\"backup\"", "\"wan\":\"nowhere\"", "WAN"},
		{OLD_ROW, OLD_ROW ",\n" ROW, "there twice"},
	};
	char *text = sample(), *before = old_sample();

	refuses(text, rows, sizeof(rows) / sizeof(rows[0]));
	refuses(before, old, sizeof(old) / sizeof(old[0]));
	free(text);
	free(before);
}

/* Rows of 1.1, two rows to a line, the table inside another one: what loads is the same however
 * lines are broken. */
static void test_load_rows_of_any_form(void)
{
	static const struct refused forms[] = {
		{ROW, OLD_ROW, ""},
		{"\"connections\":[\n", "\"connections\":[", ""},
		{"\"connections\":[\n", "\"connections\": [\n\n", ""},
		{"0,0,0,0,[[0", "0,0,\n0,0,[[0", ""},
		{ROW, ROW "\n", ""},
		{"null,null,false]],0]", "null,null,false,0,null,\"later\"]],0,false,null,[]]", ""},
		{"1000],null,", "1000],[],", ""},
		{"null,null,false]", "null,\"\",false]", ""},
		{"false]],0]", "false]],0,false,\"key\"]", ""},
		{"\"width_s\"", "\"later\":{\n\"connections\":[\n[7]]},\"width_s\"", ""},
	};
	char *text = sample();

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct ledger *a = new_ledger(), *b = new_ledger();
		char *other = replaced(text, forms[i].from, forms[i].to), message[300] = "";

		CU_ASSERT_TRUE(load_text(a, text, message, sizeof(message)));
		CU_ASSERT_TRUE(load_text(b, other, message, sizeof(message)));
		if (message[0])
			printf("%s: %s\n", forms[i].to, message);
		CU_ASSERT_TRUE(same(a, b));
		CU_ASSERT_EQUAL(b->n_connections, 1);
		free(other);
		free_ledger(a);
		free_ledger(b);
	}
	free(text);
}

/* Each prefix, and each byte turned into another: never a crash, and what loads keeps law 1. */
static void test_load_damaged(void)
{
	char *text = sample();
	size_t length = strlen(text);
	char message[300];

	for (size_t i = 1; i + 2 < length; i++) {
		struct ledger *ledger = new_ledger();
		char kept = text[i];

		text[i] = '\0';
		CU_ASSERT_FALSE(load_text(ledger, text, message, sizeof(message)));
		text[i] = (char)(kept == '1' ? '9' : '1');
		if (load_text(ledger, text, message, sizeof(message)))
			CU_ASSERT_PTR_NULL(ledger_check(ledger, message, sizeof(message)));
		text[i] = kept;
		free_ledger(ledger);
	}
	free(text);
}

/* Ledgers of the program before our recorder lack what it says; those of later ones say more. */
static void test_load_other_minors(void)
{
	struct ledger *ledger = new_ledger(), *again = new_ledger(), *older = new_ledger();
	char *text = sample(), *old = replaced(text, "ledger/2.0", "ledger/1.0"), *more;
	char message[300] = "";

	CU_ASSERT_TRUE(load_text(ledger, old, message, sizeof(message)));
	CU_ASSERT_EQUAL(ledger->wans[ledger_wan(ledger, "primary")].record->n_spans, 1);
	free(old);
	old = replaced(text, "\"record\":", "\"later\":");
	more = replaced(old, "ledger/2.0", "ledger/2.42");
	CU_ASSERT_TRUE(load_text(again, more, message, sizeof(message)));
	CU_ASSERT_PTR_NULL(again->wans[ledger_wan(again, "primary")].record);
	CU_ASSERT_STRING_EQUAL(again->files[0].flaw, "cut_record");
	CU_ASSERT_EQUAL(again->files[0].flaw_at, 6576);
	free(more);
	free(old);
	/* an older one has the message alone */
	old = replaced(text, "\"flaw\":", "\"later\":");
	CU_ASSERT_TRUE(load_text(older, old, message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(older->files[0].flaw, "");
	CU_ASSERT_PTR_NOT_NULL(older->files[0].message);
	free(old);
	free(text);
	free_ledger(ledger);
	free_ledger(older);
	free_ledger(again);
}

/* The first rows stay, in whatever order they came. */
static void test_full_records_keep_the_first(void)
{
	enum { N = LEDGER_SPANS_MAX + 500 };
	struct ledger *up = new_ledger(), *down = new_ledger();
	struct ledger_wan *one = &up->wans[ledger_wan(up, "wan")];
	struct ledger_wan *other = &down->wans[ledger_wan(down, "wan")];

	for (unsigned i = 0; i < N; i++) {
		struct ledger_span early = {T0 + i * S, T0 + i * S + 1, i, SPAN_ABSENT};
		struct ledger_span late = {T0 + (N - 1 - i) * S, T0 + (N - 1 - i) * S + 1,
		                           N - 1 - i, SPAN_ABSENT};

		ledger_add_span(one, &early);
		ledger_add_span(other, &late);
		ledger_add_step(one, &(struct ledger_step){T0 + i, i});
		ledger_add_step(other, &(struct ledger_step){T0 + N - 1 - i, N - 1 - i});
	}
	CU_ASSERT_EQUAL(one->record->n_spans, LEDGER_SPANS_MAX);
	CU_ASSERT_EQUAL(one->record->spans[LEDGER_SPANS_MAX - 1].lost_frames, LEDGER_SPANS_MAX - 1);
	CU_ASSERT_EQUAL(one->record->n_steps, LEDGER_STEPS_MAX);
	CU_ASSERT_TRUE(same(up, down));
	free_ledger(up);
	free_ledger(down);
}

void suite_ledger(void)
{
	CU_pSuite suite = CU_add_suite("ledger", NULL, NULL);

	CU_ADD_TEST(suite, test_counts_add_up);
	CU_ADD_TEST(suite, test_fast_path_equals_slow);
	CU_ADD_TEST(suite, test_check_finds_a_missing_byte);
	CU_ADD_TEST(suite, test_split_payload);
	CU_ADD_TEST(suite, test_evidence_is_the_earliest);
	CU_ADD_TEST(suite, test_extreme_times);
	CU_ADD_TEST(suite, test_merge_commutes);
	CU_ADD_TEST(suite, test_merge_associates);
	CU_ADD_TEST(suite, test_empty_is_zero);
	CU_ADD_TEST(suite, test_merge_leaves_its_source);
	CU_ADD_TEST(suite, test_cut_pieces_add_up);
	CU_ADD_TEST(suite, test_sort_changes_nothing_but_order);
	CU_ADD_TEST(suite, test_save_load_save);
	CU_ADD_TEST(suite, test_too_many_wans);
	CU_ADD_TEST(suite, test_full_tables_keep_the_sums);
	CU_ADD_TEST(suite, test_buckets_know_circumstances);
	CU_ADD_TEST(suite, test_most_important_connections_stay);
	CU_ADD_TEST(suite, test_load_refuses);
	CU_add_test(suite, "rows of connections that are none are refused", test_load_refuses_rows);
	CU_add_test(suite, "rows of connections load however lines are broken",
	            test_load_rows_of_any_form);
	CU_ADD_TEST(suite, test_load_damaged);
	CU_ADD_TEST(suite, test_load_other_minors);
	CU_ADD_TEST(suite, test_full_records_keep_the_first);
}
