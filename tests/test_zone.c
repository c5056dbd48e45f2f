/* SPDX-License-Identifier: MIT
 *
 * test_zone.c - the site's clocks. Oracle: the C library's own reading of the same TZ string, every
 * half hour of 45 years and around each change; days and periods are found again by walking.
 */
#include "../report/zone.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guard.h"

void suite_zone(void);

#define FROM 788918400  /* 1995-01-01 */
#define TO   2208988800 /* 2040-01-01 */

static const char *const zones[] = {
	"UTC0",
	"CET-1CEST,M3.5.0,M10.5.0/3",
	"CST-8",
	"EST5EDT,M3.2.0,M11.1.0",
	"GMT0BST,M3.5.0/1,M10.5.0",
	"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", /* half an hour of summer */
	"IST-1GMT0,M10.5.0,M3.5.0/1",           /* summer is the normal time */
	"<-03>3<-02>,M10.3.0/0,M2.3.0/0",       /* changes at midnight */
	"AEST-10AEDT,M10.1.0,M4.1.0/3",         /* south of the equator */
	"<+0545>-5:45",
	"NZST-12NZDT,M9.5.0,M4.1.0/3",
	"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", /* before midnight */
	"EET-2EEST,M3.5.4/24,M10.5.5/1",   /* after midnight */
	"XXX3YYY,J60/1,J300/4",
	"XXX3YYY,59/1,300/4",
};
#define N_ZONES (sizeof(zones) / sizeof(*zones))

static void set(const char *text)
{
	setenv("TZ", text, 1);
	tzset();
}

static bool same(const struct zone *zone, time_t t)
{
	struct zone_moment m;
	struct tm tm;

	localtime_r(&t, &tm);
	zone_local(zone, t, &m);
	return m.year == tm.tm_year + 1900 && m.month == tm.tm_mon + 1 && m.day == tm.tm_mday &&
	       m.hour == tm.tm_hour && m.minute == tm.tm_min && m.second == tm.tm_sec &&
	       m.offset == tm.tm_gmtoff && strcmp(m.name, tm.tm_zone) == 0;
}

static void test_as_the_c_library(void)
{
	for (size_t i = 0; i < N_ZONES; i++) {
		unsigned long wrong = 0, changes = 0;
		struct zone zone;
		long last = 0;

		CU_ASSERT_TRUE_FATAL(zone_parse(&zone, zones[i]));
		set(zones[i]);
		for (time_t t = FROM; t < TO; t += 1800) {
			struct tm tm;

			localtime_r(&t, &tm);
			wrong += !same(&zone, t);
			if (t > FROM && tm.tm_gmtoff != last) {
				changes++;
				for (time_t near = t - 1801; near <= t + 1; near += 60)
					wrong += !same(&zone, near) || !same(&zone, near + 59);
			}
			last = tm.tm_gmtoff;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT_EQUAL(changes, zone.summer ? 90 : 0);
	}
	set("UTC0");
}

/* Without rules the C library may read a file of past ones, so it is no oracle here. */
static void test_without_rules(void)
{
	struct zone bare, told;
	unsigned long wrong = 0;

	CU_ASSERT_TRUE(zone_parse(&bare, "EST5EDT") && zone_parse(&told, "EST5EDT,M3.2.0,M11.1.0"));
	for (int64_t t = FROM; t < TO; t += 1800) {
		struct zone_moment a, b;

		zone_local(&bare, t, &a);
		zone_local(&told, t, &b);
		wrong += a.offset != b.offset;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* A day begins at the first quarter of an hour whose date was not yet there. */
static void test_days(void)
{
	for (size_t i = 0; i < N_ZONES; i++) {
		unsigned long wrong = 0, hours23 = 0, hours25 = 0;
		long latest = 0;
		int64_t begun = 0;
		struct zone zone;

		CU_ASSERT_TRUE_FATAL(zone_parse(&zone, zones[i]));
		set(zones[i]);
		for (time_t t = FROM; t < FROM + 20 * 31557600; t += 900) {
			struct tm tm;
			long date;

			localtime_r(&t, &tm);
			date = tm.tm_year * 10000L + tm.tm_mon * 100 + tm.tm_mday;
			if (date <= latest)
				continue;
			if (begun) {
				wrong += zone_day(&zone, begun, 0) != begun;
				wrong += zone_day(&zone, begun, 1) != t;
				wrong += zone_day(&zone, (begun + t) / 2, 0) != begun;
				wrong += zone_day(&zone, t, -1) != begun;
				hours23 += t - begun == 23 * 3600;
				hours25 += t - begun == 25 * 3600;
			}
			begun = latest ? t : 0;
			latest = date;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		if (i == 1) {
			CU_ASSERT_EQUAL(hours23, 20);
			CU_ASSERT_EQUAL(hours25, 20);
		}
	}
	set("UTC0");
}

static int64_t at(const struct zone *zone, const char *text)
{
	uint64_t ns = 0;

	CU_ASSERT_TRUE(zone_parse_time(zone, text, &ns));
	return (int64_t)(ns / 1000000000u);
}

/* Billing day 31: the last day of a month that has fewer; the beginning of the period is in it. */
static void test_periods(void)
{
	static const struct {
		const char *now;
		int day;
		const char *begin, *end;
	} cases[] = {
		{"2026-03-15 12:00", 1, "2026-03-01", "2026-04-01"},
		{"2026-03-15 12:00", 20, "2026-02-20", "2026-03-20"},
		{"2026-03-20 00:00", 20, "2026-03-20", "2026-04-20"},
		{"2026-03-19 23:59:59", 20, "2026-02-20", "2026-03-20"},
		{"2026-03-15 12:00", 31, "2026-02-28", "2026-03-31"},
		{"2028-03-15 12:00", 30, "2028-02-29", "2028-03-30"},
		{"2026-01-05 12:00", 15, "2025-12-15", "2026-01-15"},
		{"2025-12-31 12:00", 31, "2025-12-31", "2026-01-31"},
	};
	struct zone zone;

	CU_ASSERT_TRUE(zone_parse(&zone, zones[1]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t now = at(&zone, cases[i].now);

		CU_ASSERT_EQUAL(zone_period(&zone, now, cases[i].day, 0),
		                at(&zone, cases[i].begin));
		CU_ASSERT_EQUAL(zone_period(&zone, now, cases[i].day, 1), at(&zone, cases[i].end));
		CU_ASSERT_EQUAL(zone_period(&zone, at(&zone, cases[i].end), cases[i].day, -1),
		                at(&zone, cases[i].begin));
	}
}

/* What the clocks skip is the moment of the change; what they show twice is the first. */
static void test_times_as_given(void)
{
	struct zone zone;
	uint64_t ns;
	char text[60];

	CU_ASSERT_TRUE(zone_parse(&zone, zones[1]));
	CU_ASSERT_EQUAL(at(&zone, "2026-03-29 02:30"), 1774746000); /* 01:00 UTC */
	CU_ASSERT_EQUAL(at(&zone, "2026-10-25 02:30"), 1792888200); /* 00:30 UTC */
	CU_ASSERT_EQUAL(at(&zone, "2026-03-29"), 1774738800);       /* 23:00 UTC the day before */
	CU_ASSERT_EQUAL(at(&zone, "2026-03-29T00:00:00Z"), 1774742400);
	CU_ASSERT_EQUAL(at(&zone, "1774742400"), 1774742400);
	CU_ASSERT_STRING_EQUAL(zone_text(&zone, 1774746000, text, sizeof(text)),
	                       "2026-03-29 03:00:00 CEST");
	CU_ASSERT_EQUAL(zone_hour(&zone, 1774746000 + 61, 0), 1774746000);
	CU_ASSERT_EQUAL(zone_hour(&zone, 1774746000 + 61, -1), 1774746000 - 3600);
	CU_ASSERT_FALSE(zone_parse_time(&zone, "2026-02-29", &ns));
	CU_ASSERT_FALSE(zone_parse_time(&zone, "2026-02-28 25:00", &ns));
	CU_ASSERT_FALSE(zone_parse_time(&zone, "yesterday", &ns));
	CU_ASSERT_FALSE(zone_parse_time(&zone, "", &ns));
}

static void test_what_is_no_zone(void)
{
	static const char *const wrong[] = {
		"",
		"C",
		"CET",
		"CE-1",
		"Europe/Berlin",
		"CET-1CEST,",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,J0,J1",
		"CET-1CEST,J366,J1",
		"CET-1CEST,366,1",
		"CET-25",
		"CET-1:60",
		"<CET-1",
		"CET-1CEST,M3.5.0,M10.5.0/168",
		"CET-1CEST,M3.5.0,M10.5.0x",
		":CET-1",
		"AVERYLONGNAMEOFAZONE-1",
		"CET-99999999999999999999",
	};
	struct guard guard = guard_new();
	struct zone zone;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CU_ASSERT_FALSE(zone_parse(&zone, wrong[i]));
	for (size_t i = 0; i < N_ZONES; i++) { /* every prefix, against the end of a page */
		for (size_t n = 0; n <= strlen(zones[i]); n++) {
			char text[64];

			memcpy(text, zones[i], n);
			text[n] = '\0';
			zone_parse(&zone, (const char *)guard_put(&guard, (const uint8_t *)text,
			                                          (uint32_t)n + 1));
		}
	}
	guard_free(&guard);
}

void suite_zone(void)
{
	CU_pSuite s = CU_add_suite("zone", NULL, NULL);

	CU_add_test(s, "as the C library reads it", test_as_the_c_library);
	CU_add_test(s, "a zone without rules", test_without_rules);
	CU_add_test(s, "days of 23, 24 and 25 hours", test_days);
	CU_add_test(s, "billing periods", test_periods);
	CU_add_test(s, "times as people give them", test_times_as_given);
	CU_add_test(s, "what is no zone", test_what_is_no_zone);
}
