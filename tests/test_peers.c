/* SPDX-License-Identifier: MIT
 *
 * test_peers.c - with whom a WAN spoke: exact sums, bounded rows, merging as algebra, hostile JSON.
 */
#include "../dissect/ledger.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_peers(void);

#define T0 UINT64_C(1700000000000000000)

static uint32_t below(uint64_t *r, uint32_t n)
{
	*r = *r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*r >> 33) % n;
}

static struct ledger *new_ledger(void)
{
	struct ledger *ledger = malloc(sizeof(*ledger));

	ledger_init(ledger);
	ledger_wan(ledger, "wan1");
	ledger_file(ledger, "wan1.pcap", 0);
	return ledger;
}

static void free_ledger(struct ledger *ledger)
{
	ledger_release(ledger);
	free(ledger);
}

/* A frame with 10.x.y.z, all of it drawn from `seed`; `hosts` of them may occur. */
static void play(struct ledger *ledger, uint64_t seed, uint32_t hosts)
{
	static const char *const apps[] = {"dns", "https", "icmp-tracker"};
	uint64_t r = seed;
	uint32_t host = below(&r, hosts);
	struct ledger_entry e = {
		.ts_ns = T0 + below(&r, 1000) * UINT64_C(1000000000),
		.number = 1 + seed % 100000,
		.l2_bytes = 114 + below(&r, 500),
		.direction = (uint8_t)below(&r, 3),
		.kind = KIND_OTHER,
		.traffic = TRAFFIC_OTHER,
		.app = ledger_app(ledger, apps[below(&r, 3)]),
	};
	struct ledger_peer_key key = {.family = 4, .traffic = e.traffic, .app = e.app};

	e.ip_bytes = e.l2_bytes - 14;
	key.addr[0] = 10;
	key.addr[1] = (uint8_t)(host >> 16);
	key.addr[2] = (uint8_t)(host >> 8);
	key.addr[3] = (uint8_t)host;
	ledger_count(ledger, &e);
	uint32_t at = ledger_peer(ledger, &ledger->wans[0], &key);
	CU_ASSERT_FATAL(at != LEDGER_NO_PEER);
	ledger_peer_count(ledger, &ledger->wans[0].peers->rows[at], &e);
	ledger->wans[0].peers->cadence[CADENCE_TRACKER][below(&r, CADENCE_CLASSES)]++;
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

static bool load_text(struct ledger *ledger, const char *text, char *message, size_t size)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool good = ledger_load(ledger, in, message, size);

	fclose(in);
	return good;
}

static void same(const struct ledger *a, const struct ledger *b)
{
	char *one = saved(a), *two = saved(b);

	CU_ASSERT_STRING_EQUAL(one, two);
	free(one);
	free(two);
}

/* The same frames in one ledger, in pieces merged in both orders, and backwards. Few hosts, just
 * more than fit, far more. */
static void test_pieces_add_up(void)
{
	static const uint32_t hosts[] = {5, 1000, 3000, 70000, 16000000};

	for (size_t h = 0; h < sizeof(hosts) / sizeof(*hosts); h++) {
		struct ledger *whole = new_ledger(), *back = new_ledger(), *parts[3];
		struct ledger *left = new_ledger(), *right = new_ledger(), *bc = new_ledger();

		for (int i = 0; i < 3; i++)
			parts[i] = new_ledger();
		for (uint64_t i = 0; i < 6000; i++) {
			play(whole, i * 77, hosts[h]);
			play(parts[i * 7 / 3 % 3], i * 77, hosts[h]);
		}
		for (uint64_t i = 6000; i-- > 0;)
			play(back, i * 77, hosts[h]);
		CU_ASSERT_TRUE(whole->wans[0].peers->n_rows <= LEDGER_PEERS_MAX);
		for (int i = 0; i < 3; i++)
			CU_ASSERT_TRUE(ledger_merge(left, parts[i]));
		CU_ASSERT_TRUE(ledger_merge(bc, parts[2]) && ledger_merge(bc, parts[1]));
		CU_ASSERT_TRUE(ledger_merge(right, bc) && ledger_merge(right, parts[0]));
		same(whole, back);
		same(whole, left);
		same(whole, right);
		for (int i = 0; i < 3; i++)
			free_ledger(parts[i]);
		free_ledger(whole);
		free_ledger(back);
		free_ledger(left);
		free_ledger(right);
		free_ledger(bc);
	}
}

/* Sums stay exact whatever the width: the rows of a cut table hold all bytes. */
static void test_cut_addresses(void)
{
	struct ledger *a = new_ledger();
	uint64_t frames = 0;

	for (uint64_t i = 0; i < 5000; i++)
		play(a, i * 13, 200000);
	CU_ASSERT_TRUE(a->wans[0].peers->width > 0);
	for (size_t i = 0; i < a->wans[0].peers->n_rows; i++)
		for (int d = 0; d < DIR_COUNT; d++)
			frames += a->wans[0].peers->rows[i].sum[d].frames;
	CU_ASSERT_EQUAL(frames, 5000);
	CU_ASSERT_EQUAL(a->wans[0].peers->rows[0].key.addr[3], 0);
	free_ledger(a);
}

static void test_save_load_save(void)
{
	struct ledger *a = new_ledger(), *back = malloc(sizeof(*back));
	char message[300] = "", *text;

	for (uint64_t i = 0; i < 500; i++)
		play(a, i, 90);
	text = saved(a);
	CU_ASSERT_TRUE_FATAL(load_text(back, text, message, sizeof(message)));
	same(a, back);
	free(text);
	free_ledger(a);
	free_ledger(back);
}

/* ---- what strangers may write ---- */

/* One byte of the peers is another one: refused, or a ledger that saves and loads. */
static void test_hostile(void)
{
	struct ledger *a = new_ledger();
	uint64_t r = 4;
	char *text, message[300];
	size_t from, length;

	for (uint64_t i = 0; i < 40; i++)
		play(a, i, 9);
	text = saved(a);
	from = (size_t)(strstr(text, "\"peers\"") - text);
	length = strlen(text) - from;
	for (int i = 0; i < 4000; i++) {
		size_t at = from + below(&r, (uint32_t)length);
		char was = text[at];
		struct ledger *back = malloc(sizeof(*back));

		text[at] = "0123456789-\"[]{},:nax. "[below(&r, 23)];
		if (load_text(back, text, message, sizeof(message))) {
			char check[300];

			CU_ASSERT_PTR_NULL(ledger_check(back, check, sizeof(check)));
			free_ledger(back);
		} else {
			free(back);
		}
		text[at] = was;
	}
	free(text);
	free_ledger(a);
}

static void refused(const char *text, const char *find, const char *instead, const char *says)
{
	const char *at = strstr(text, find);
	char *other = malloc(strlen(text) + strlen(instead) + 1), message[300] = "";
	struct ledger *back = malloc(sizeof(*back));

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	sprintf(other, "%.*s%s%s", (int)(at - text), text, instead, at + strlen(find));
	CU_ASSERT_FALSE(load_text(back, other, message, sizeof(message)));
	if (!strstr(message, says))
		printf("\"%s\" does not say \"%s\"\n", message, says);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, says));
	free(back);
	free(other);
}

static void test_refusals(void)
{
	struct ledger *a = new_ledger();
	char *text;

	play(a, 1, 1);
	text = saved(a);
	refused(text, "\"width\":0", "\"width\":9", "width");
	refused(text, "\"address\":\"10.0.0.0\"", "\"address\":\"10.0.0.x\"", "peers.rows[0]");
	refused(text, "\"address\":\"10.0.0.0\"", "\"address\":17", "peers.rows[0]");
	refused(text, "\"first_ns\":17", "\"first_ns\":-17", "first_ns");
	/* more than the cells hold */
	refused(text, "\"rows\":[",
	        "\"rows\":[{\"traffic\":\"other\",\"app\":\"\",\"address\":null,"
	        "\"up\":[9,900,900,0],\"first_ns\":1,\"last_ns\":2,\"first\":[]},",
	        "more than its cells");
	free(text);
	free_ledger(a);
}

/* An older ledger has none, and adds to one that has. */
static void test_older_ledgers(void)
{
	struct ledger *a = new_ledger(), *old = new_ledger(), *back = malloc(sizeof(*back));
	struct ledger_entry e = {.ts_ns = T0, .l2_bytes = 60, .kind = KIND_OTHER};
	char *text, message[300];

	play(a, 1, 1);
	ledger_count(old, &e);
	text = saved(old);
	CU_ASSERT_PTR_NULL(strstr(text, "peers"));
	CU_ASSERT_TRUE_FATAL(load_text(back, text, message, sizeof(message)));
	CU_ASSERT_TRUE(ledger_merge(a, back));
	CU_ASSERT_EQUAL(a->wans[0].peers->n_rows, 1);
	CU_ASSERT_PTR_NULL(ledger_check(a, message, sizeof(message)));
	free(text);
	free_ledger(a);
	free_ledger(old);
	free_ledger(back);
}

/* ---- rhythm ---- */

static void test_classes(void)
{
	static const struct {
		double seconds;
		uint32_t class;
	} rows[] = {{0.2, 1},   {1, 1},     {1.49, 1},   {1.5, 2},   {2, 2},   {5.1, 5},
	            {14.9, 15}, {15.2, 15}, {19.7, 20},  {40.3, 40}, {45, 45}, {59, 60},
	            {300, 300}, {900, 600}, {1199, 600}, {1200, 0},  {1e6, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_EQUAL(
			cadence_seconds[ledger_cadence_class((uint64_t)(rows[i].seconds * 1e9))],
			rows[i].class);
	CU_ASSERT_EQUAL(cadence_seconds[ledger_cadence_class(UINT64_MAX / 4)], 0);
}

void suite_peers(void)
{
	CU_pSuite suite = CU_add_suite("peers", NULL, NULL);

	CU_ADD_TEST(suite, test_pieces_add_up);
	CU_ADD_TEST(suite, test_cut_addresses);
	CU_ADD_TEST(suite, test_save_load_save);
	CU_ADD_TEST(suite, test_hostile);
	CU_ADD_TEST(suite, test_refusals);
	CU_ADD_TEST(suite, test_older_ledgers);
	CU_ADD_TEST(suite, test_classes);
}
