/* SPDX-License-Identifier: MIT
 *
 * spool_name.c - see spool_name.h.
 */
#include "spool_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_S      86400u
#define YEAR_9999  253402300800ull /* the first second that has no four-digit year */
#define TAIL       35              /* -xxxxxxxx-dddddddd-YYYYMMDDTHHMMSSZ */
#define TIME_WIDTH 16

static const char type[] = ".pcapng", packing[] = ".zst", unfinished[] = ".part";

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_+:@.-", c));
}

bool spool_name_wan(char wan[SPOOL_WAN], const char *name)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t used = 0;

	for (const char *at = name; *at; at++) {
		bool leads = at == name && (*at == '.' || *at == '-');
		if (used + 4 > SPOOL_WAN)
			return false;
		if (is_plain(*at) && !leads) {
			wan[used++] = *at;
			continue;
		}
		wan[used++] = '%';
		wan[used++] = hex[(uint8_t)*at >> 4];
		wan[used++] = hex[(uint8_t)*at & 15];
	}
	wan[used] = '\0';
	return used > 0;
}

/* Years are counted from March, so that the leap day is the last one; 400 of them repeat. */
static void put_time(char out[TIME_WIDTH + 1], uint64_t s)
{
	uint64_t days = s / DAY_S + 719468; /* since 0000-03-01 */
	unsigned era = (unsigned)(days / 146097), day = (unsigned)(days % 146097);
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned left = day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * left + 2) / 153, of_day = (unsigned)(s % DAY_S);

	snprintf(out, TIME_WIDTH + 1, "%04u%02u%02uT%02u%02u%02uZ",
	         (era * 400 + year + (month >= 10)) % 10000,
	         (month < 10 ? month + 3 : month - 9) % 100,
	         (left - (153 * month + 2) / 5 + 1) % 100, of_day / 3600 % 100, of_day / 60 % 60,
	         of_day % 60);
}

static bool is_hex(const char *text, size_t n)
{
	return strspn(text, "0123456789abcdef") >= n;
}

static bool take_digits(const char **at, unsigned n, uint64_t *value)
{
	*value = 0;
	for (; n; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (uint64_t)(**at - '0');
	}
	return true;
}

/* The way back. Nonsense such as a 31st of June comes out as another day: parse compares. */
static bool take_time(const char *text, uint64_t *s)
{
	uint64_t year, month, day, hour, minute, second;

	if (!take_digits(&text, 4, &year) || !take_digits(&text, 2, &month) ||
	    !take_digits(&text, 2, &day) || *text++ != 'T' || !take_digits(&text, 2, &hour) ||
	    !take_digits(&text, 2, &minute) || !take_digits(&text, 2, &second) || *text != 'Z' ||
	    year < 1970 || month < 1 || month > 12 || day < 1)
		return false;
	year -= month <= 2;
	month = month > 2 ? month - 3 : month + 9;
	uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 +
	                day - 1 - 719468;
	*s = days * DAY_S + hour * 3600 + minute * 60 + second;
	return true;
}

bool spool_name_build(char out[SPOOL_NAME], const struct spool_name *name)
{
	char time[TIME_WIDTH + 1];

	if (name->sequence > SPOOL_SEQUENCE_MAX || name->real_s >= YEAR_9999 || !name->wan[0] ||
	    strlen(name->boot) != 8 || !is_hex(name->boot, 8))
		return false;
	put_time(time, name->real_s);
	int n = snprintf(out, SPOOL_NAME, "%s-%s-%08" PRIu32 "-%s%s%s%s", name->wan, name->boot,
	                 name->sequence, time, type, name->packed ? packing : "",
	                 name->part ? unfinished : "");
	return n > 0 && n < SPOOL_NAME;
}

/* Takes an ending off; false when it is not there. */
static bool take_ending(const char *text, size_t *length, const char *ending)
{
	size_t n = strlen(ending);

	if (*length < n || memcmp(text + *length - n, ending, n) != 0)
		return false;
	*length -= n;
	return true;
}

static bool is_wan(const char *wan)
{
	if (*wan == '.' || *wan == '-')
		return false;
	for (; *wan; wan++)
		if (!is_plain(*wan) && *wan != '%')
			return false;
	return true;
}

bool spool_name_parse(struct spool_name *name, const char *text)
{
	size_t length = strlen(text);
	char again[SPOOL_NAME];
	uint64_t sequence;

	*name = (struct spool_name){0};
	name->part = take_ending(text, &length, unfinished);
	name->packed = take_ending(text, &length, packing);
	if (!take_ending(text, &length, type) || length <= TAIL || length - TAIL >= SPOOL_WAN)
		return false;
	memcpy(name->wan, text, length - TAIL);
	memcpy(name->boot, text + length - TAIL + 1, 8);
	const char *digits = text + length - TAIL + 10;
	if (!is_wan(name->wan) || !take_digits(&digits, 8, &sequence) ||
	    !take_time(text + length - TIME_WIDTH, &name->real_s))
		return false;
	name->sequence = (uint32_t)sequence;
	return spool_name_build(again, name) && strcmp(again, text) == 0;
}
