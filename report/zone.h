/* SPDX-License-Identifier: MIT
 *
 * zone.h - the site's time zone: where its days, hours and billing periods begin.
 *
 * Reads POSIX TZ strings ("CET-1CEST,M3.5.0,M10.5.0/3"), as OpenWrt keeps them in system.timezone.
 * Knows no zone names and opens no zone files: the router whose captures are judged is elsewhere,
 * and the machine that judges may have none. Without rules ("EST5EDT") the C library's default is
 * taken: the second Sunday of March to the first of November. The C library's zone is not asked.
 */
#ifndef REPORT_ZONE_H
#define REPORT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_day { ZONE_MONTH_WEEK_DAY, ZONE_JULIAN, ZONE_ZERO_BASED };

/* When the clocks change, in a year. */
struct zone_rule {
	enum zone_day form;
	int month, week, day; /* week 5 = the last; day: of the week, or of the year */
	int seconds;          /* after that day's midnight, by the clock before the change */
};

struct zone {
	char name[12], summer_name[12]; /* "CET", "CEST" */
	int offset, summer_offset;      /* seconds east of Greenwich */
	bool summer;                    /* the clocks change at all */
	struct zone_rule from, to;
};

/* A moment by the site's clocks. */
struct zone_moment {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second;
	int offset;       /* seconds east of Greenwich */
	const char *name; /* borrowed from the zone */
};

/* False: not a POSIX TZ string. */
bool zone_parse(struct zone *zone, const char *text);
void zone_utc(struct zone *zone);

void zone_local(const struct zone *zone, int64_t utc_s, struct zone_moment *moment);

/* The first moment, in UTC, at which the clocks show this or later on that day; a time that the
 * clocks skip is the moment of the change, one they show twice is the first. Months and days beyond
 * their range carry over. */
int64_t zone_moment_utc(const struct zone *zone, int64_t year, int64_t month, int64_t day,
                        int second_of_day);

/* The beginning of the hour, the day that holds a moment, and of the billing period, which begins
 * on the day `billing_day` (1..31) of a month, or on the month's last where it is shorter. `plus`
 * goes that many hours, days, periods on from there. */
int64_t zone_hour(const struct zone *zone, int64_t utc_s, int plus);
int64_t zone_day(const struct zone *zone, int64_t utc_s, int plus);
int64_t zone_period(const struct zone *zone, int64_t utc_s, int billing_day, int plus);

/* "2026-03-29 03:00:00 CEST". Returns out. */
const char *zone_text(const struct zone *zone, int64_t utc_s, char *out, size_t size);

/*
 * A time as people give it: RFC 3339 or seconds since 1970 as text_parse_time() reads them, or by
 * the site's clocks: "2026-03-29", "2026-03-29 14:00", "2026-03-29T14:00:05". False: none of them.
 */
bool zone_parse_time(const struct zone *zone, const char *text, uint64_t *ns);

#endif
