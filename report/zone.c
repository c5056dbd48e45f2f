/* SPDX-License-Identifier: MIT
 *
 * zone.c - see zone.h. The grammar is that of POSIX.1-2017, 8.3 "TZ", with hours up to 167 in rules
 * as RFC 8536 allows them.
 */
#include "zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

#define NS     1000000000u
#define HOUR_S 3600
#define DAY_S  86400

/* ---- days ---- */

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; months carry over. Counts
 * years from March, so that the leap day is a year's last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t months = year * 12 + month - 3, y, m, era, of_era;

	y = months >= 0 ? months / 12 : -((11 - months) / 12);
	m = months - y * 12;
	era = (y >= 0 ? y : y - 399) / 400;
	of_era = y - era * 400;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

static int64_t floor_day(int64_t seconds)
{
	return (seconds >= 0 ? seconds : seconds - (DAY_S - 1)) / DAY_S;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int64_t month)
{
	return (int)(days_of(year, month + 1, 1) - days_of(year, month, 1));
}

/* ---- reading the string ---- */

static bool read_name(const char **p, char name[12])
{
	bool quoted = **p == '<';
	size_t n = 0;

	*p += quoted;
	while (isalpha((unsigned char)**p) ||
	       (quoted && (isdigit((unsigned char)**p) || **p == '+' || **p == '-'))) {
		if (n + 1 >= 12)
			return false;
		name[n++] = *(*p)++;
	}
	name[n] = '\0';
	if (quoted && *(*p)++ != '>')
		return false;
	return n >= 3;
}

static bool read_number(const char **p, int most, int *value)
{
	if (!isdigit((unsigned char)**p))
		return false;
	for (*value = 0; isdigit((unsigned char)**p); ++*p) {
		*value = *value * 10 + (**p - '0');
		if (*value > most)
			return false;
	}
	return true;
}

/* [+-]hh[:mm[:ss]] */
static bool read_clock(const char **p, int most_hours, int *seconds)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes = 0, rest = 0;

	*p += **p == '-' || **p == '+';
	if (!read_number(p, most_hours, &hours))
		return false;
	if (**p == ':') {
		++*p;
		if (!read_number(p, 59, &minutes))
			return false;
		if (**p == ':') {
			++*p;
			if (!read_number(p, 59, &rest))
				return false;
		}
	}
	*seconds = sign * (hours * HOUR_S + minutes * 60 + rest);
	return true;
}

static bool read_week_day(const char **p, struct zone_rule *rule)
{
	rule->form = ZONE_MONTH_WEEK_DAY;
	++*p;
	if (!read_number(p, 12, &rule->month) || rule->month < 1 || *(*p)++ != '.')
		return false;
	if (!read_number(p, 5, &rule->week) || rule->week < 1 || *(*p)++ != '.')
		return false;
	return read_number(p, 6, &rule->day);
}

/* ",M3.5.0/2", ",J60", ",59/-1" */
static bool read_rule(const char **p, struct zone_rule *rule)
{
	*rule = (struct zone_rule){.seconds = 2 * HOUR_S};
	if (*(*p)++ != ',')
		return false;
	if (**p == 'M') {
		if (!read_week_day(p, rule))
			return false;
	} else if (**p == 'J') {
		++*p;
		rule->form = ZONE_JULIAN;
		if (!read_number(p, 365, &rule->day) || rule->day < 1)
			return false;
	} else {
		rule->form = ZONE_ZERO_BASED;
		if (!read_number(p, 365, &rule->day))
			return false;
	}
	if (**p != '/')
		return true;
	++*p;
	return read_clock(p, 167, &rule->seconds);
}

bool zone_parse(struct zone *zone, const char *text)
{
	const char *p = text, *rules;
	int west;

	memset(zone, 0, sizeof(*zone));
	if (!read_name(&p, zone->name) || !read_clock(&p, 24, &west))
		return false;
	zone->offset = -west;
	if (*p == '\0')
		return true;
	zone->summer = true;
	if (!read_name(&p, zone->summer_name))
		return false;
	zone->summer_offset = zone->offset + HOUR_S;
	if (*p && *p != ',') {
		if (!read_clock(&p, 24, &west))
			return false;
		zone->summer_offset = -west;
	}
	rules = *p ? p : ",M3.2.0,M11.1.0";
	return read_rule(&rules, &zone->from) && read_rule(&rules, &zone->to) && *rules == '\0';
}

void zone_utc(struct zone *zone)
{
	memset(zone, 0, sizeof(*zone));
	strcpy(zone->name, "UTC");
}

/* ---- changes of the clock ---- */

static int64_t rule_day(const struct zone_rule *rule, int64_t year)
{
	int64_t first, weekday, day;

	if (rule->form == ZONE_ZERO_BASED)
		return days_of(year, 1, 1) + rule->day;
	if (rule->form == ZONE_JULIAN) /* February 29 is never counted */
		return days_of(year, 1, 1) + rule->day - 1 + (is_leap(year) && rule->day >= 60);
	first = days_of(year, rule->month, 1);
	weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	day = (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
	while (day >= month_days(year, rule->month))
		day -= 7;
	return first + day;
}

static int64_t change(const struct zone_rule *rule, int64_t year, int offset_before)
{
	return rule_day(rule, year) * DAY_S + rule->seconds - offset_before;
}

static bool is_summer(const struct zone *zone, int64_t utc_s)
{
	int64_t year, from, to;
	int month, day;

	if (!zone->summer)
		return false;
	date_of(floor_day(utc_s + zone->offset), &year, &month, &day);
	from = change(&zone->from, year, zone->offset);
	to = change(&zone->to, year, zone->summer_offset);
	if (from < to)
		return utc_s >= from && utc_s < to;
	return !(utc_s >= to && utc_s < from); /* south of the equator */
}

void zone_local(const struct zone *zone, int64_t utc_s, struct zone_moment *moment)
{
	bool summer = is_summer(zone, utc_s);
	int64_t local = utc_s + (summer ? zone->summer_offset : zone->offset);
	int64_t days = floor_day(local);
	int second = (int)(local - days * DAY_S);

	moment->offset = summer ? zone->summer_offset : zone->offset;
	moment->name = summer ? zone->summer_name : zone->name;
	date_of(days, &moment->year, &moment->month, &moment->day);
	moment->hour = second / HOUR_S;
	moment->minute = second / 60 % 60;
	moment->second = second % 60;
}

static int64_t local_seconds(const struct zone *zone, int64_t utc_s)
{
	return utc_s + (is_summer(zone, utc_s) ? zone->summer_offset : zone->offset);
}

/* ---- from the site's clocks to UTC ---- */

int64_t zone_moment_utc(const struct zone *zone, int64_t year, int64_t month, int64_t day,
                        int second_of_day)
{
	int64_t wanted = days_of(year, month, day) * DAY_S + second_of_day, best = INT64_MAX;
	int64_t candidates[6] = {wanted - zone->offset, wanted - zone->offset};
	size_t n = 2;

	if (zone->summer) {
		int64_t civil;
		int m, d;

		date_of(floor_day(wanted), &civil, &m, &d);
		candidates[1] = wanted - zone->summer_offset;
		candidates[n++] = change(&zone->from, civil, zone->offset);
		candidates[n++] = change(&zone->to, civil, zone->summer_offset);
	}
	/* a change counts only where it jumps over the time wanted */
	for (size_t i = 0; i < n; i++)
		if (local_seconds(zone, candidates[i]) >= wanted && candidates[i] < best &&
		    (i < 2 || local_seconds(zone, candidates[i] - 1) < wanted))
			best = candidates[i];
	return best;
}

int64_t zone_hour(const struct zone *zone, int64_t utc_s, int plus)
{
	int64_t local = local_seconds(zone, utc_s);
	int64_t into = (local % HOUR_S + HOUR_S) % HOUR_S;

	/* hours are as long as they are: a day of 25 has two from 02:00 to 03:00 */
	return utc_s - into + (int64_t)plus * HOUR_S;
}

int64_t zone_day(const struct zone *zone, int64_t utc_s, int plus)
{
	struct zone_moment moment;

	zone_local(zone, utc_s, &moment);
	return zone_moment_utc(zone, moment.year, moment.month, moment.day + plus, 0);
}

static int64_t period_of(const struct zone *zone, int64_t year, int64_t month, int billing_day)
{
	int last = month_days(year, month);

	return zone_moment_utc(zone, year, month, billing_day < last ? billing_day : last, 0);
}

int64_t zone_period(const struct zone *zone, int64_t utc_s, int billing_day, int plus)
{
	struct zone_moment moment;
	int64_t begun;

	zone_local(zone, utc_s, &moment);
	begun = period_of(zone, moment.year, moment.month, billing_day);
	return period_of(zone, moment.year, moment.month + (begun > utc_s ? -1 : 0) + plus,
	                 billing_day);
}

/* ---- words ---- */

const char *zone_text(const struct zone *zone, int64_t utc_s, char *out, size_t size)
{
	struct zone_moment m;

	zone_local(zone, utc_s, &m);
	snprintf(out, size, "%04lld-%02d-%02d %02d:%02d:%02d %s", (long long)m.year, m.month, m.day,
	         m.hour, m.minute, m.second, m.name);
	return out;
}

bool zone_parse_time(const struct zone *zone, const char *text, uint64_t *ns)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
	                                    "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	if (text_parse_time(text, ns))
		return true;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = {0};
		const char *rest = strptime(text, forms[i], &tm);
		int64_t seconds;

		if (!rest || *rest || tm.tm_mday > month_days(tm.tm_year + 1900, tm.tm_mon + 1))
			continue;
		seconds = zone_moment_utc(zone, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		                          tm.tm_hour * HOUR_S + tm.tm_min * 60 + tm.tm_sec);
		if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS - 1)
			return false;
		*ns = (uint64_t)seconds * NS;
		return true;
	}
	return false;
}
