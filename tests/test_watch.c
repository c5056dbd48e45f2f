/* SPDX-License-Identifier: MIT
 *
 * test_watch.c - what a person at a terminal is told: kinds add up, the headline tells quiet from
 * leak from failover, events stay few and in order, a screen keeps to its size.
 */
#include "../report/render_watch.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_watch(void);

#define NS  1000000000ull
#define NOW (1700000000 * NS)

enum { MASTER, BACKUP };

struct bench {
	struct policy policy;
	struct ledger ledger;
	struct watch *watch;
};

static void bench_init(struct bench *b)
{
	policy_init(&b->policy);
	ledger_init(&b->ledger);
	b->watch = malloc(sizeof(*b->watch));
	if (!b->watch)
		abort();
	watch_init(b->watch, &b->policy, &b->ledger, NOW, 1);
	watch_wan(b->watch, ledger_wan(&b->ledger, "m"), "m", "master");
	watch_wan(b->watch, ledger_wan(&b->ledger, "b"), "b", "backup");
}

static void bench_release(struct bench *b)
{
	free(b->watch);
	ledger_release(&b->ledger);
	policy_release(&b->policy);
}

/* A frame `at` seconds after the start; `bytes` of user data when it carries. */
static void count(struct bench *b, uint32_t wan, double at, enum kind kind, uint32_t bytes,
                  uint16_t circumstance)
{
	struct ledger_entry e = {.wan = wan, .kind = (uint8_t)kind, .shared = true};

	e.ts_ns = NOW + (uint64_t)(at * (double)NS);
	e.l2_bytes = bytes + 66;
	e.ip_bytes = bytes + 52;
	e.circumstance = circumstance;
	if (kind < KIND_CARRYING)
		e.payload[kind] = bytes;
	watch_count(b->watch, &e);
}

static const char *headline(struct bench *b, double at, enum watch_level *level)
{
	static struct watch_headline said;

	watch_tick(b->watch, NOW + (uint64_t)(at * (double)NS));
	watch_headline(b->watch, &said);
	*level = said.level;
	return said.text;
}

/* "Each kind is in one group, and the groups add up to the total" */
static void test_kinds(void)
{
	struct bench b;
	struct tally total, sum = {0};

	bench_init(&b);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		count(&b, MASTER, 1, (enum kind)kind, 100u << kind, 0);
	total = watch_total(&b.watch->wans[MASTER]);
	for (int g = 0; g < GROUP_COUNT; g++) {
		struct tally group = watch_group(&b.watch->wans[MASTER], (enum watch_group)g);
		sum.frames += group.frames;
		sum.ip_bytes += group.ip_bytes;
		sum.payload_bytes += group.payload_bytes;
	}
	CU_ASSERT_EQUAL(total.frames, KIND_COUNT);
	CU_ASSERT_EQUAL(sum.frames, total.frames);
	CU_ASSERT_EQUAL(sum.ip_bytes, total.ip_bytes);
	CU_ASSERT_EQUAL(sum.payload_bytes, 100 + 200 + 400 + 800);
	CU_ASSERT_EQUAL(watch_group(&b.watch->wans[MASTER], GROUP_USER).payload_bytes, 1500);
	bench_release(&b);
}

/* "Quiet with keepalives; a little; a leak; quiet again a minute later" */
static void test_leak(void)
{
	enum watch_level level;
	struct bench b;

	bench_init(&b);
	CU_ASSERT_STRING_EQUAL(headline(&b, 0, &level), "nothing heard yet");
	for (int i = 0; i < 10; i++)
		count(&b, MASTER, i, KIND_PAYLOAD, 10000, 0);
	count(&b, BACKUP, 5, KIND_KEEPALIVE, 0, 0);
	CU_ASSERT_STRING_EQUAL(headline(&b, 10, &level),
	                       "backup quiet: 0 B of user data on b in the last 10 s");
	CU_ASSERT_EQUAL(level, LEVEL_GOOD);
	count(&b, BACKUP, 10, KIND_PAYLOAD, 900, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(headline(&b, 11, &level), "backup nearly quiet: 900 B on b"));
	CU_ASSERT_EQUAL(level, LEVEL_WARN);
	count(&b, BACKUP, 12, KIND_PAYLOAD, 200, 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(headline(&b, 13, &level), "BACKUP CARRIES USER DATA: 1.10 kB"));
	CU_ASSERT_EQUAL(level, LEVEL_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(headline(&b, 80, &level), "backup quiet"));
	bench_release(&b);
}

/* "The primary of the connection is silent: a failover, and no share of the limit" */
static void test_failover(void)
{
	struct ledger_circumstance silent = {.silent = 1u << MASTER};
	enum watch_level level;
	struct bench b;

	bench_init(&b);
	uint16_t outage = ledger_circumstance(&b.ledger, &silent);
	count(&b, MASTER, 1, KIND_PAYLOAD, 10000, 0);
	count(&b, BACKUP, 3, KIND_PAYLOAD, 50000, outage);
	CU_ASSERT_PTR_NOT_NULL(strstr(headline(&b, 4, &level), "FAILOVER: b carries user data"));
	CU_ASSERT_EQUAL(level, LEVEL_BAD);
	CU_ASSERT_EQUAL(b.watch->wans[BACKUP].carrying, 0);
	count(&b, MASTER, 5, KIND_PAYLOAD, 10000, 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(headline(&b, 20, &level), "after a failover: b carried 50.0 kB"));
	CU_ASSERT_EQUAL(level, LEVEL_WARN);
	CU_ASSERT_EQUAL(b.watch->n_events, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.watch->events[0].text, "user data begins"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.watch->events[1].text, "user data ended: 50.0 kB"));
	bench_release(&b);
}

/* "A flag goes before the configuration, that before UCI, that before what the capture says" */
static void test_roles(void)
{
	struct expect_wan *expected;
	char message[200];
	struct bench b;

	bench_init(&b);
	expected = expect_wan(&b.policy.expect, "lte");
	expected->role = ROLE_BACKUP;
	expected->role_told.source = FROM_UCI;
	expected->n_devices = 1;
	snprintf(expected->devices[0], EXPECT_WORD, "m");
	CU_ASSERT_EQUAL(watch_wan(b.watch, MASTER, "m", "on")->role, ROLE_BACKUP);
	expected->role = ROLE_NONE;
	CU_ASSERT_EQUAL(watch_wan(b.watch, MASTER, "m", "on")->role, ROLE_ON);
	policy_add_role(&b.policy, "m", SUBJECT_ANY, "off", FROM_CONFIG, message, sizeof(message));
	CU_ASSERT_EQUAL(watch_wan(b.watch, MASTER, "m", "on")->role, ROLE_OFF);
	policy_add_role(&b.policy, "m", SUBJECT_ANY, "backup", FROM_FLAG, message, sizeof(message));
	CU_ASSERT_EQUAL(watch_wan(b.watch, MASTER, "m", "on")->role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(watch_wan(b.watch, BACKUP, "b", "\033[2J")->role, ROLE_NONE);
	CU_ASSERT_PTR_NULL(watch_wan(b.watch, LEDGER_WANS_MAX, "x", ""));
	bench_release(&b);
}

/* "The same within a minute is counted; at most WATCH_EVENTS are kept, by time" */
static void test_events(void)
{
	struct bench b;
	char text[32];

	bench_init(&b);
	watch_event(b.watch, NOW, BACKUP, LEVEL_PLAIN, 2, "join");
	watch_event(b.watch, NOW + 30 * NS, BACKUP, LEVEL_PLAIN, 3, "join");
	CU_ASSERT_EQUAL(b.watch->n_events, 1);
	CU_ASSERT_EQUAL(b.watch->events[0].count, 5);
	watch_event(b.watch, NOW + 29 * NS, MASTER, LEVEL_PLAIN, 1, "late");
	CU_ASSERT_STRING_EQUAL(b.watch->events[0].text, "late");
	watch_event(b.watch, NOW + 100 * NS, BACKUP, LEVEL_PLAIN, 1, "join");
	CU_ASSERT_EQUAL(b.watch->n_events, 3);
	for (unsigned i = 0; i < 3 * WATCH_EVENTS; i++) {
		snprintf(text, sizeof(text), "event %u", i);
		watch_event(b.watch, NOW + (200 + i) * NS, MASTER, LEVEL_PLAIN, 1, text);
	}
	CU_ASSERT_EQUAL(b.watch->n_events, WATCH_EVENTS);
	CU_ASSERT_STRING_EQUAL(b.watch->events[b.watch->first_event].text, "event 128");
	bench_release(&b);
}

/* "Rates are of whole seconds; frames that come very late or from elsewhere do no harm" */
static void test_rate(void)
{
	struct bench b;
	uint64_t up, down;

	bench_init(&b);
	for (int second = 0; second < 5; second++)
		count(&b, MASTER, second + 0.5, KIND_PAYLOAD, 248, 0);
	watch_tick(b.watch, NOW + 5 * NS);
	watch_rate(b.watch, &b.watch->wans[MASTER], &up, &down);
	CU_ASSERT_EQUAL(up, 300);
	CU_ASSERT_EQUAL(down, 0);
	count(&b, MASTER, -500, KIND_PAYLOAD, 248, 0);
	count(&b, MASTER, -1700000000.0, KIND_PAYLOAD, 248, 0);
	count(&b, 63, 1, KIND_PAYLOAD, 248, 0);
	watch_rate(b.watch, &b.watch->wans[MASTER], &up, &down);
	CU_ASSERT_EQUAL(up, 300);
	CU_ASSERT_EQUAL(watch_total(&b.watch->wans[MASTER]).frames, 7);
	bench_release(&b);
}

/* Characters of the longest line, and how many lines; escapes take no room. */
static void measure(const char *text, size_t *columns, size_t *lines)
{
	size_t column = 0;

	*columns = 0;
	*lines = 1;
	for (const char *p = text; *p; p++) {
		if (*p == '\033') {
			p += strcspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
		} else if (*p == '\n') {
			++*lines;
			column = 0;
		} else if (*p != '\r' && (*p & 0xc0) != 0x80 && ++column > *columns) {
			*columns = column;
		}
	}
}

/* "Whatever the size of the terminal and the names: never more than fits" */
static void test_size(void)
{
	static const char evil[] = "\033[2J\n\xff long name of a WAN that says it all \xe2\x80\xae";
	struct bench b;

	bench_init(&b);
	for (uint32_t i = 0; i < 9; i++)
		watch_wan(b.watch, i, i & 1 ? evil : "w", i & 2 ? "backup" : "");
	watch_event(b.watch, NOW, 1, LEVEL_BAD, 7, evil);
	count(&b, 2, 1, KIND_PAYLOAD, 4000000000u, 0);
	for (unsigned rows = 1; rows < 45; rows++) {
		for (unsigned columns = 1; columns < 140; columns += 3) {
			struct render_screen screen = {columns, rows, rows & 1, rows & 2};
			size_t length, wide, lines;
			char *text = NULL;
			FILE *out = open_memstream(&text, &length);

			render_watch_screen(b.watch, &screen, out);
			fclose(out);
			measure(text, &wide, &lines);
			CU_ASSERT(wide <= columns);
			CU_ASSERT_EQUAL(lines, rows);
			CU_ASSERT_PTR_NULL(strstr(text, "\033[2J"));
			free(text);
		}
	}
	bench_release(&b);
}

void suite_watch(void)
{
	CU_pSuite suite = CU_add_suite("watch", NULL, NULL);

	CU_add_test(suite, "kinds", test_kinds);
	CU_add_test(suite, "leak", test_leak);
	CU_add_test(suite, "failover", test_failover);
	CU_add_test(suite, "roles", test_roles);
	CU_add_test(suite, "events", test_events);
	CU_add_test(suite, "rate", test_rate);
	CU_add_test(suite, "size", test_size);
}
