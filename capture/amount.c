/* SPDX-License-Identifier: MIT
 *
 * amount.c - see amount.h.
 */
#include "amount.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const amount_forms[AMOUNT_UNITS] = {
	[AMOUNT_NUMBER] = "a whole number",
	[AMOUNT_BYTES] = "a size such as 65536, 512K, 16M or 1G",
	[AMOUNT_TIME] = "a time such as 500ms, 30s, 5m, 12h or 7d (alone: seconds)",
};

/* The first suffix of a unit with a factor is the one that is written. Larger factors first. */
static const struct {
	enum amount_unit unit;
	const char *suffix;
	uint64_t factor;
} suffixes[] = {
	{AMOUNT_NUMBER, "", 1},
	{AMOUNT_BYTES, "T", 1ull << 40},
	{AMOUNT_BYTES, "TB", 1ull << 40},
	{AMOUNT_BYTES, "TiB", 1ull << 40},
	{AMOUNT_BYTES, "G", 1ull << 30},
	{AMOUNT_BYTES, "GB", 1ull << 30},
	{AMOUNT_BYTES, "GiB", 1ull << 30},
	{AMOUNT_BYTES, "M", 1ull << 20},
	{AMOUNT_BYTES, "MB", 1ull << 20},
	{AMOUNT_BYTES, "MiB", 1ull << 20},
	{AMOUNT_BYTES, "K", 1ull << 10},
	{AMOUNT_BYTES, "KB", 1ull << 10},
	{AMOUNT_BYTES, "KiB", 1ull << 10},
	{AMOUNT_BYTES, "", 1},
	{AMOUNT_BYTES, "B", 1},
	{AMOUNT_TIME, "d", 86400000000000ull},
	{AMOUNT_TIME, "h", 3600000000000ull},
	{AMOUNT_TIME, "m", 60000000000ull},
	{AMOUNT_TIME, "s", 1000000000ull},
	{AMOUNT_TIME, "", 1000000000ull},
	{AMOUNT_TIME, "ms", 1000000ull},
	{AMOUNT_TIME, "us", 1000ull},
	{AMOUNT_TIME, "ns", 1ull},
};
#define N_SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

static uint64_t factor_of(enum amount_unit unit, const char *suffix)
{
	for (size_t i = 0; i < N_SUFFIXES; i++)
		if (suffixes[i].unit == unit && strcasecmp(suffixes[i].suffix, suffix) == 0)
			return suffixes[i].factor;
	return 0;
}

/* Digits up to the first other byte; false when there is none, or too many for 64 bits. */
static bool take_digits(const char **text, uint64_t *value)
{
	const char *at = *text;

	for (*value = 0; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (unsigned)(*at - '0'), value))
			return false;
	if (at == *text)
		return false;
	*text = at;
	return true;
}

/* The digits behind the point, as so many of `scale` parts. Nine digits are enough for anybody. */
static bool take_fraction(const char **text, uint64_t *parts, uint64_t *scale)
{
	const char *begin = *text;

	if (!take_digits(text, parts) || *text - begin > 9)
		return false;
	for (*scale = 1; begin < *text; begin++)
		*scale *= 10;
	return true;
}

bool amount_parse(enum amount_unit unit, const char *text, uint64_t *value)
{
	uint64_t whole, parts = 0, scale = 1, factor;

	if (!take_digits(&text, &whole))
		return false;
	if (unit != AMOUNT_NUMBER && *text == '.') {
		text++;
		if (!take_fraction(&text, &parts, &scale))
			return false;
	}
	while (*text == ' ')
		text++;
	factor = factor_of(unit, text);
	if (factor == 0 || __builtin_mul_overflow(whole, factor, &whole))
		return false;
	/* parts < scale <= 10^9: the second product stays below factor + 10^18 */
	parts = parts * (factor / scale) + parts * (factor % scale) / scale;
	return !__builtin_add_overflow(whole, parts, value);
}

void amount_format(enum amount_unit unit, uint64_t value, char *text, size_t size)
{
	for (size_t i = 0; i < N_SUFFIXES; i++) {
		if (suffixes[i].unit != unit || value % suffixes[i].factor != 0)
			continue;
		/* nothing is 0 of the smallest, which needs no suffix: "0" */
		snprintf(text, size, "%" PRIu64 "%s", value / suffixes[i].factor,
		         value ? suffixes[i].suffix : "");
		return;
	}
}
