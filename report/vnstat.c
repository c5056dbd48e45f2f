/* SPDX-License-Identifier: MIT
 *
 * vnstat.c - see vnstat.h.
 */
#include "vnstat.h"

#include <string.h>

#include "filed.h"

/* More than any link carries in a day; beyond it a counter has jumped (vnstat's issue 69). */
#define MOST_BYTES (UINT64_C(1) << 50)

static int version_of(const json_t *json)
{
	const char *text = filed_text(json, "jsonversion");

	return !filed_text(json, "vnstatversion") || !text ? 0
	       : strcmp(text, "1") == 0                    ? 1
	       : strcmp(text, "2") == 0                    ? 2
	                                                   : 0;
}

bool vnstat_is(const json_t *json)
{
	return version_of(json) != 0 && json_is_array(json_object_get(json, "interfaces"));
}

static bool take_bytes(const json_t *row, const char *key, uint64_t unit, uint64_t *bytes)
{
	const json_t *member = json_object_get(row, key);

	if (!json_is_integer(member) || json_integer_value(member) < 0 ||
	    (uint64_t)json_integer_value(member) > MOST_BYTES / unit)
		return false;
	*bytes = (uint64_t)json_integer_value(member) * unit;
	return true;
}

static bool take_part(const json_t *date, const char *key, int least, int most, int *part)
{
	const json_t *member = json_object_get(date, key);

	if (!json_is_integer(member) || json_integer_value(member) < least ||
	    json_integer_value(member) > most)
		return false;
	*part = (int)json_integer_value(member);
	return true;
}

static bool parse_day(const json_t *row, uint64_t unit, struct vnstat_day *day)
{
	const json_t *date = json_object_get(row, "date");

	return take_part(date, "year", 1990, 2200, &day->year) &&
	       take_part(date, "month", 1, 12, &day->month) &&
	       take_part(date, "day", 1, 31, &day->day) && take_bytes(row, "rx", unit, &day->rx) &&
	       take_bytes(row, "tx", unit, &day->tx);
}

size_t vnstat_days(const json_t *json, bool (*take)(void *context, const struct vnstat_day *day),
                   void *context)
{
	bool old = version_of(json) == 1;
	const json_t *interface, *row;
	size_t i, j, odd = 0;

	json_array_foreach(json_object_get(json, "interfaces"), i, interface)
	{
		const char *alias = filed_text(interface, old ? "nick" : "alias");
		struct vnstat_day day = {.interface = filed_text(interface, old ? "id" : "name"),
		                         .alias = alias ? alias : ""};

		json_array_foreach(json_object_get(json_object_get(interface, "traffic"),
		                                   old ? "days" : "day"),
		                   j, row)
		{
			if (!day.interface || !parse_day(row, old ? 1024 : 1, &day))
				odd++;
			else if (!take(context, &day))
				return odd;
		}
	}
	return odd;
}
