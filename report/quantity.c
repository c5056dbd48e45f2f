/* SPDX-License-Identifier: MIT
 *
 * quantity.c - see quantity.h.
 */
#include "quantity.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 1e18
#define YEAR_S    (366.0 * 86400)

struct unit {
	const char *suffix;
	double factor;
};

static const struct unit byte_units[] = {
	{"", 1},       {"B", 1},         {"k", 1e3},       {"kB", 1e3},
	{"K", 1e3},    {"KB", 1e3},      {"M", 1e6},       {"MB", 1e6},
	{"G", 1e9},    {"GB", 1e9},      {"T", 1e12},      {"TB", 1e12},
	{"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1099511627776.0},
};

static const struct unit time_units[] = {
	{"", 1}, {"ms", 0.001}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400},
};

/* strtod() also reads "inf", "nan" and hexadecimals: an amount begins with a digit or a point. */
static const struct unit *read_amount(const char *text, const struct unit *units, size_t n,
                                      double *value)
{
	char *end;

	if ((!isdigit((unsigned char)*text) && *text != '.') || strpbrk(text, "xX"))
		return NULL;
	*value = strtod(text, &end);
	if (end == text)
		return NULL;
	end += strspn(end, " ");
	for (size_t i = 0; i < n; i++)
		if (strcmp(units[i].suffix, end) == 0)
			return &units[i];
	return NULL;
}

bool quantity_bytes(const char *text, uint64_t *bytes, bool *binary)
{
	double value;
	const struct unit *unit =
		read_amount(text, byte_units, sizeof(byte_units) / sizeof(*byte_units), &value);

	if (!unit || value * unit->factor > BYTES_MAX)
		return false;
	*bytes = (uint64_t)(value * unit->factor + 0.5);
	if (binary)
		*binary = strchr(unit->suffix, 'i') != NULL;
	return true;
}

bool quantity_seconds(const char *text, double *seconds)
{
	const struct unit *unit =
		read_amount(text, time_units, sizeof(time_units) / sizeof(*time_units), seconds);

	if (!unit)
		return false;
	*seconds *= unit->factor;
	return *seconds > 0 && *seconds <= YEAR_S;
}
