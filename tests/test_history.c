/* SPDX-License-Identifier: MIT
 *
 * test_history.c - reports become rows, rows are added up, and nothing is counted twice or lost.
 * Oracle: the windows as they were made here, added up again by the C library's calendar.
 */
#include "../report/history.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../report/filed.h"
#include "../report/vnstat.h"

void suite_history(void);

#define NS   INT64_C(1000000000)
#define HOUR 3600
#define DAY  86400
#define BASE INT64_C(1735689600) /* 2025-01-01 00:00:00 UTC */

static void text_of(char out[40], int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* A report of a window: `bytes` of user data on wan2, ten times as much on wan1. */
static json_t *make(const char *site, int64_t from, int64_t to, long bytes, const char *verdict,
                    int generated)
{
	char start[40], end[40], made[40];
	json_t *report, *findings;

	text_of(start, from);
	text_of(end, to);
	text_of(made, to + generated);
	report = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:i}, s:[{s:s, s:s, s:i,"
		" s:{s:{s:i}, s:{s:i}}}, {s:s, s:s, s:i, s:{s:{s:i}, s:{s:i}}, s:{s:{s:i}}}]}",
		"schema", "mptcp-audit.report/1.2", "site", site, "verdict", verdict, "sentence",
		"As it was.", "generated", made, "window", "start", start, "end", end, "asked_from",
		start, "asked_to", end, "seconds", (int)(to - from), "wans", "name", "wan1", "role",
		"master", "billed_ip_bytes", (int)bytes * 10, "kinds", "payload", "ip_bytes",
		(int)bytes * 9, "ack", "ip_bytes", (int)bytes, "name", "wan2", "role", "backup",
		"billed_ip_bytes", (int)bytes, "kinds", "payload", "ip_bytes", (int)bytes / 2,
		"reset", "ip_bytes", (int)(bytes - bytes / 2), "up", "ack", "ip_bytes", 7);
	findings = json_array();
	for (int i = 1; i <= 30; i++) {
		char rule[8];

		snprintf(rule, sizeof(rule), "A%d", i);
		json_array_append_new(
			findings,
			json_pack("{s:s, s:s, s:s, s:s, s:{s:f, s:i, s:i, s:s}, s:f}", "rule", rule,
		                  "wan", "wan2", "status", i == 1 ? verdict : "pass", "text",
		                  "wan2 carried what a finding says in one or two sentences.",
		                  "observed", "value", 0.5, "numerator", (int)bytes, "denominator",
		                  (int)bytes * 10, "unit", "ratio", "limit", 0.01));
	}
	json_object_set_new(report, "findings", findings);
	return report;
}

struct place {
	char folder[64], path[96];
	struct database db;
};

static void begin(struct place *place)
{
	strcpy(place->folder, "/tmp/mptcp-audit-history.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/history.db", place->folder);
	CU_ASSERT_TRUE_FATAL(database_open(&place->db, place->path, &history_kind, true));
	CU_ASSERT_TRUE(database_begin(&place->db));
}

static void end(struct place *place)
{
	CU_ASSERT_EQUAL(place->db.failure, DATABASE_FINE);
	if (*place->db.message)
		printf("\n\t%s\n", place->db.message);
	database_close(&place->db);
	unlink(place->path);
	rmdir(place->folder);
}

static enum history_added put(struct place *place, json_t *report)
{
	enum history_added added = history_add(&place->db, report, NULL);

	json_decref(report);
	return added;
}

/* The points of a WAN. */
static json_t *points(json_t *trend, const char *name)
{
	json_t *wan;
	size_t i;

	json_array_foreach(json_object_get(trend, "wans"), i,
	                   wan) if (strcmp(filed_text(wan, "wan"), name) ==
	                            0) return json_object_get(wan, "points");
	return NULL;
}

static uint64_t total(struct place *place, enum history_tier by, const char *wan, const char *what)
{
	struct history_ask ask = {.by = by};
	json_t *trend = history_trend(&place->db, &ask), *point;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(points(trend, wan), i, point) sum +=
		stored_number(json_object_get(point, "sums"), what);
	json_decref(trend);
	return sum;
}

static void test_one(void)
{
	struct history_ask ask = {.by = TIER_HOUR};
	struct place place;
	json_t *trend, *point, *list;

	begin(&place);
	CU_ASSERT_EQUAL(put(&place, make("home", BASE, BASE + HOUR, 1000, "warn", 5)),
	                HISTORY_ADDED);
	CU_ASSERT_EQUAL(put(&place, make("home", BASE, BASE + HOUR, 900, "pass", 4)),
	                HISTORY_KNOWN);
	CU_ASSERT_EQUAL(put(&place, make("home", BASE, BASE + HOUR, 900, "pass", 6)),
	                HISTORY_REPLACED);
	CU_ASSERT_EQUAL(put(&place, make("away", BASE, BASE + HOUR, 10, "fail", 4)), HISTORY_ADDED);
	ask.site = "home";
	trend = history_trend(&place.db, &ask);
	point = json_array_get(points(trend, "wan2"), 0);
	CU_ASSERT_EQUAL(json_array_size(points(trend, "wan2")), 1);
	CU_ASSERT_STRING_EQUAL(filed_text(point, "start"), "2025-01-01T00:00:00Z");
	CU_ASSERT_STRING_EQUAL(filed_text(point, "verdict"), "pass");
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "billed"), 900);
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "payload"), 450);
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "signalling"), 450);
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "up"), 7);
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "share_primary"), 9000);
	json_decref(trend);
	ask.site = NULL;
	ask.last = 1;
	list = history_list(&place.db, &ask);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(list, "audits")), 1);
	CU_ASSERT_EQUAL(stored_number(list, "more"), 1);
	json_decref(list);
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

/* The hours of a day and the day itself: by hours the hours count, by days the day does. */
static void test_overlaps(void)
{
	struct place place;

	begin(&place);
	for (int i = 0; i < 24; i++)
		put(&place, make("s", BASE + i * HOUR, BASE + (i + 1) * HOUR, 100, "pass", 1));
	put(&place, make("s", BASE, BASE + DAY, 5000, "pass", 1));
	CU_ASSERT_EQUAL(total(&place, TIER_HOUR, "wan2", "billed"), 2400);
	CU_ASSERT_EQUAL(total(&place, TIER_DAY, "wan2", "billed"), 5000);
	CU_ASSERT_EQUAL(total(&place, TIER_MONTH, "wan2", "billed"), 5000);
	/* Half an hour on: the same length as an hour that is there; the later one counts. */
	put(&place, make("s", BASE + 1800, BASE + 1800 + HOUR, 7, "pass", 1));
	CU_ASSERT_EQUAL(total(&place, TIER_HOUR, "wan2", "billed"), 2400 - 200 + 7);
	CU_ASSERT_EQUAL(total(&place, TIER_DAY, "wan2", "billed"), 5000);
	/* A week has no place among days, and is told. */
	put(&place, make("s", BASE - 7 * DAY, BASE, 1, "pass", 1));
	CU_ASSERT_EQUAL(total(&place, TIER_DAY, "wan2", "billed"), 5000);
	CU_ASSERT_EQUAL(total(&place, TIER_MONTH, "wan2", "billed"), 5001);
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

/* 500 days: days, then hours for the last 40, then five minutes for the last 3. */
static void test_a_year(void)
{
	uint64_t by_month[24] = {0}, all = 0, last_day = 0;
	struct history_ask ask = {.by = TIER_MONTH};
	struct place place;
	json_t *trend, *point;
	struct stat st;
	size_t i, months = 0;
	int64_t t = BASE, stop = BASE + 500 * DAY;
	unsigned n = 1;

	begin(&place);
	while (t < stop) {
		int64_t step = t < stop - 40 * DAY ? DAY : t < stop - 3 * DAY ? HOUR : 300;
		long bytes = 1000 + (long)(n * 7919 % 4000);
		time_t now = (time_t)t;
		struct tm tm;

		gmtime_r(&now, &tm);
		by_month[(tm.tm_year - 125) * 12 + tm.tm_mon] += (uint64_t)bytes;
		all += (uint64_t)bytes;
		last_day += t >= stop - DAY ? (uint64_t)bytes : 0;
		put(&place, make("s", t, t + step, bytes, n % 50 ? "pass" : "warn", 1));
		if (n++ % 400 == 0)
			history_retain(&place.db);
		t += step;
	}
	CU_ASSERT_TRUE(history_retain(&place.db));
	CU_ASSERT_EQUAL(total(&place, TIER_MONTH, "wan2", "billed"), all);
	CU_ASSERT_EQUAL(total(&place, TIER_MONTH, "wan1", "ack"), all);
	trend = history_trend(&place.db, &ask);
	json_array_foreach(points(trend, "wan2"), i, point)
	{
		while (months < 24 && by_month[months] == 0)
			months++;
		CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "billed"),
		                by_month[months]);
		months++;
	}
	CU_ASSERT_EQUAL(i, 17);
	json_decref(trend);
	ask.by = TIER_DAY;
	trend = history_trend(&place.db, &ask);
	i = json_array_size(points(trend, "wan2"));
	CU_ASSERT(i >= 400 && i < 435);
	point = json_array_get(points(trend, "wan2"), i - 1);
	CU_ASSERT_EQUAL(stored_number(json_object_get(point, "sums"), "billed"), last_day);
	CU_ASSERT_EQUAL(stored_number(point, "audits"), 288);
	json_decref(trend);
	/* Five minutes of two days, and of the hour that is not old as a whole. */
	ask.by = TIER_FIVE_MINUTES;
	trend = history_trend(&place.db, &ask);
	i = json_array_size(points(trend, "wan2"));
	CU_ASSERT(i >= 576 && i < 590);
	json_decref(trend);
	CU_ASSERT_TRUE(database_commit(&place.db));
	CU_ASSERT_TRUE(stat(place.path, &st) == 0 && st.st_size < 50 << 20);
	/* What is added up already takes no report of its time. */
	CU_ASSERT_TRUE(database_begin(&place.db));
	CU_ASSERT_EQUAL(put(&place, make("s", BASE + DAY, BASE + 2 * DAY - 1, 1, "pass", 1)),
	                HISTORY_SUMMED);
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

/* Days of a site are those of its clocks, also where the clocks change. */
static void test_zone(void)
{
	int64_t change = 1774724400; /* 2026-03-28 20:00 CET; the 29th has 23 hours */
	struct history_ask ask = {.by = TIER_DAY};
	struct place place;
	json_t *report, *trend;

	begin(&place);
	for (int i = 0; i < 60; i++) {
		report = make("s", change + i * HOUR, change + (i + 1) * HOUR, 100, "pass", 1);
		json_object_set_new(
			report, "expected",
			json_pack("{s:{s:s}}", "time_zone", "value", "CET-1CEST,M3.5.0,M10.5.0/3"));
		put(&place, report);
	}
	trend = history_trend(&place.db, &ask);
	CU_ASSERT_STRING_EQUAL(filed_text(json_array_get(points(trend, "wan2"), 1), "start"),
	                       "2026-03-28T23:00:00Z");
	CU_ASSERT_EQUAL(stored_number(json_array_get(points(trend, "wan2"), 1), "audits"), 23);
	CU_ASSERT_EQUAL(stored_number(json_array_get(points(trend, "wan2"), 2), "audits"), 24);
	json_decref(trend);
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

/* Out and in again is the same; compact loses words and no number. */
static void test_copy(void)
{
	struct place place, other;
	json_t *out, *again;

	begin(&place);
	for (int i = 0; i < 100; i++)
		put(&place, make("s", BASE + i * HOUR, BASE + (i + 1) * HOUR, 100 + i,
		                 i % 9 ? "pass" : "fail", 1));
	history_retain(&place.db);
	out = history_export(&place.db, false, SIZE_MAX);
	begin(&other);
	CU_ASSERT_EQUAL(history_import(&other.db, out),
	                (long)json_array_size(json_object_get(
				json_array_get(json_object_get(out, "sites"), 0), "audits")));
	CU_ASSERT_EQUAL(history_import(&other.db, out), 0);
	again = history_export(&other.db, false, SIZE_MAX);
	CU_ASSERT(json_equal(out, again));
	json_decref(again);
	again = history_export(&place.db, true, 3);
	CU_ASSERT_EQUAL(stored_number(again, "left_out"), 97);
	CU_ASSERT_EQUAL(history_import(&other.db, again), 0);
	json_decref(again);
	again = json_pack("{s:s}", "schema", "something.else/1.0");
	CU_ASSERT_EQUAL(history_import(&other.db, again), -1);
	json_decref(again);
	json_decref(out);
	CU_ASSERT_TRUE(database_commit(&place.db) && database_commit(&other.db));
	end(&place);
	end(&other);
}

/* ---- what interfaces counted ---- */

static bool count_rows(void *context, const struct vnstat_day *day)
{
	uint64_t *sum = context;

	*sum += day->rx + day->tx + (uint64_t)day->day;
	return true;
}

static void test_vnstat(void)
{
	static const char two[] =
		"{\"vnstatversion\":\"2.10\",\"jsonversion\":\"2\",\"interfaces\":[{\"name\":"
	        "\"wwan0\","
		"\"alias\":\"lte\",\"traffic\":{\"day\":[{\"id\":1,\"date\":{\"year\":2026,"
	        "\"month\":1,"
		"\"day\":2},\"rx\":100,\"tx\":20},{\"date\":{\"year\":2026,\"month\":1,\"day\":32},"
		"\"rx\":1,\"tx\":1},{\"date\":{\"year\":2026,\"month\":1,\"day\":3},\"rx\":-1,"
	        "\"tx\":1}"
		"]}}]}";
	static const char one[] =
		"{\"vnstatversion\":\"1.18\",\"jsonversion\":\"1\",\"interfaces\":[{\"id\":"
	        "\"wwan0\","
		"\"traffic\":{\"days\":[{\"id\":0,\"date\":{\"year\":2026,\"month\":1,\"day\":2},"
		"\"rx\":100,\"tx\":20}]}}]}";
	json_t *json = json_loads(two, 0, NULL);
	uint64_t sum = 0;

	CU_ASSERT_TRUE(vnstat_is(json));
	CU_ASSERT_EQUAL(vnstat_days(json, count_rows, &sum), 2);
	CU_ASSERT_EQUAL(sum, 122);
	json_decref(json);
	json = json_loads(one, 0, NULL);
	sum = 0;
	CU_ASSERT_EQUAL(vnstat_days(json, count_rows, &sum), 0);
	CU_ASSERT_EQUAL(sum, 120 * 1024 + 2);
	json_object_set_new(json, "jsonversion", json_string("3"));
	CU_ASSERT_FALSE(vnstat_is(json));
	json_decref(json);
}

static void test_marks(void)
{
	struct history_ask ask = {.by = TIER_DAY, .wan = "wan2"};
	struct place place;
	json_t *report, *trend, *days;
	int64_t wan;

	begin(&place);
	report = make("s", BASE, BASE + DAY, 100, "pass", 1);
	json_object_set_new(json_array_get(json_object_get(report, "wans"), 1), "l2_bytes",
	                    json_integer(30000000));
	json_object_set_new(
		report, "expected",
		json_pack("{s:[{s:s, s:[s]}]}", "wans", "captured_as", "wan2", "devices", "wwan0"));
	put(&place, report);
	wan = history_find_wan(&place.db, NULL, "wwan0");
	CU_ASSERT(wan > 0 && wan == history_find_wan(&place.db, "s", "wan2"));
	CU_ASSERT_EQUAL(history_find_wan(&place.db, NULL, "eth9"), 0);
	history_count_day(&place.db, wan, 2024, 12, 31, 5000000, 1);    /* idle */
	history_count_day(&place.db, wan, 2025, 1, 1, 31000000, 0);     /* explained */
	history_count_day(&place.db, wan, 2025, 1, 2, 900000000, 1000); /* nobody recorded */
	trend = history_trend(&place.db, &ask);
	days = points(trend, "wan2");
	CU_ASSERT_EQUAL(json_array_size(days), 3);
	CU_ASSERT_FALSE(json_is_true(json_object_get(json_array_get(days, 0), "marked")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(days, 0), "verdict")));
	CU_ASSERT_FALSE(json_is_true(json_object_get(json_array_get(days, 1), "marked")));
	CU_ASSERT_EQUAL(stored_number(json_array_get(days, 1), "unexplained_bytes"), 1000000);
	CU_ASSERT_TRUE(json_is_true(json_object_get(json_array_get(days, 2), "marked")));
	json_decref(trend);
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

/* ---- files that are none of ours ---- */

static enum database_failure opened(const char *path, bool write)
{
	struct database db;

	if (database_open(&db, path, &history_kind, write)) {
		database_close(&db);
		return DATABASE_FINE;
	}
	CU_ASSERT(*db.message != '\0');
	return db.failure;
}

static void spoil(const char *path, long at, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "r+");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fseek(file, at, SEEK_SET);
	fwrite(bytes, 1, length, file);
	fclose(file);
}

static void test_refusals(void)
{
	struct place place;
	sqlite3 *other;
	char path[128];

	begin(&place);
	put(&place, make("s", BASE, BASE + HOUR, 100, "pass", 1));
	CU_ASSERT_TRUE(database_commit(&place.db));
	snprintf(path, sizeof(path), "%s/other.db", place.folder);
	CU_ASSERT_EQUAL(opened(path, false), DATABASE_MISSING);
	CU_ASSERT_EQUAL(opened(place.folder, true), DATABASE_FOREIGN);
	CU_ASSERT_EQUAL(sqlite3_open(path, &other), SQLITE_OK);
	sqlite3_exec(other, "CREATE TABLE song(name)", NULL, NULL, NULL);
	sqlite3_close(other);
	CU_ASSERT_EQUAL(opened(path, true), DATABASE_FOREIGN);
	spoil(path, 0, "This is a text, long enough to be read", 38);
	CU_ASSERT_EQUAL(opened(path, true), DATABASE_FOREIGN);
	unlink(path);
	database_close(&place.db);
	CU_ASSERT_EQUAL(opened(place.path, false), DATABASE_FINE);
	spoil(place.path, 63, "\x07", 1); /* the low byte of the user version */
	CU_ASSERT_EQUAL(opened(place.path, true), DATABASE_NEWER);
	spoil(place.path, 63, "\x01", 1);
	CU_ASSERT_EQUAL(opened(place.path, true), DATABASE_FINE);
	for (long page = 1; page < 8; page++)
		spoil(place.path, page * 4096, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	CU_ASSERT_EQUAL(opened(place.path, true), DATABASE_DAMAGED);
	unlink(place.path);
	rmdir(place.folder);
	CU_ASSERT_TRUE(database_is_flash(0x24051905, false));  /* UBIFS */
	CU_ASSERT_TRUE(database_is_flash(0x794c7630, true));   /* OpenWrt's overlay */
	CU_ASSERT_FALSE(database_is_flash(0x794c7630, false)); /* a container's */
	CU_ASSERT_FALSE(database_is_flash(0x01021994, true));  /* tmpfs */
}

/* ---- hostile reports ---- */

static unsigned dice(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % sides;
}

static json_t *odd_value(unsigned *seed)
{
	switch (dice(seed, 8)) {
	case 0:
		return json_integer(INT64_MAX);
	case 1:
		return json_integer(-1);
	case 2:
		return json_string("2026-01-01T00:00:00Z");
	case 3:
		return json_string("\xe2\x80\xae"
		                   "evil\x1b[31m\x01"
		                   "case\x03");
	case 4:
		return json_array();
	case 5:
		return json_object();
	case 6:
		return json_real(1e308);
	default:
		return json_null();
	}
}

/* Change or take away something, anywhere. */
static void mutate(json_t *json, unsigned *seed)
{
	size_t size = json_is_object(json) ? json_object_size(json) : json_array_size(json);
	size_t at = size ? dice(seed, (unsigned)size) : 0;
	const char *key;
	json_t *value;

	if (json_is_array(json) && size > 0) {
		if (dice(seed, 3) == 0)
			json_array_set_new(json, at, odd_value(seed));
		else
			mutate(json_array_get(json, at), seed);
		return;
	}
	json_object_foreach(json, key, value)
	{
		if (at-- > 0)
			continue;
		if (dice(seed, 3) == 0)
			json_object_set_new(json, key, odd_value(seed));
		else
			mutate(value, seed);
		return;
	}
}

static void test_hostile(void)
{
	unsigned seed = 42, taken = 0;
	struct place place;
	char why[400];

	begin(&place);
	for (int i = 0; i < 1500; i++) {
		json_t *report = make("s", BASE + i * 300, BASE + (i + 1) * 300, 100, "pass", 1),
		       *out;

		for (unsigned n = dice(&seed, 6); n > 0; n--)
			mutate(report, &seed);
		if (filed_check(report, why, sizeof(why)) == FILED_FINE)
			taken += history_add(&place.db, report, NULL) == HISTORY_ADDED;
		json_decref(report);
		if (i % 500 == 0) {
			history_retain(&place.db);
			out = history_export(&place.db, false, 50);
			mutate(out, &seed);
			history_import(&place.db, out);
			json_decref(out);
		}
		CU_ASSERT_EQUAL_FATAL(place.db.failure, DATABASE_FINE);
	}
	CU_ASSERT(taken > 500 && taken < 1500);
	CU_ASSERT_TRUE(history_retain(&place.db));
	CU_ASSERT_TRUE(database_commit(&place.db));
	end(&place);
}

void suite_history(void)
{
	CU_pSuite suite = CU_add_suite("history", NULL, NULL);

	CU_add_test(suite, "one", test_one);
	CU_add_test(suite, "overlaps", test_overlaps);
	CU_add_test(suite, "a year", test_a_year);
	CU_add_test(suite, "zone", test_zone);
	CU_add_test(suite, "copy", test_copy);
	CU_add_test(suite, "vnstat", test_vnstat);
	CU_add_test(suite, "marks", test_marks);
	CU_add_test(suite, "refusals", test_refusals);
	CU_add_test(suite, "hostile", test_hostile);
}
