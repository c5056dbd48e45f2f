/* SPDX-License-Identifier: MIT
 *
 * stored.c - see stored.h.
 */
#include "stored.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

const char *stored_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

uint64_t stored_number(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);
	double real;

	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
	real = json_number_value(value);
	return real > 0 && real < 9.2e18 ? (uint64_t)real : 0;
}

double stored_real(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

bool stored_has(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return value && !json_is_null(value);
}

bool stored_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

uint64_t stored_time(const json_t *o, const char *key)
{
	uint64_t ns;

	return text_parse_time(stored_text(o, key), &ns) ? ns : 0;
}

const char *stored_message(char *out, size_t size, const json_t *o, const char *key)
{
	const json_t *tree = json_object_get(json_object_get(o, "messages"), key);

	if (!tree || !message_from_json(out, size, tree))
		text_safe(out, size, stored_text(o, key), 6000);
	return out;
}

const char *stored_message_at(char *out, size_t size, const json_t *o, const char *key, size_t i)
{
	const json_t *tree = json_array_get(stored_in(o, "messages", key), i);
	const char *text = json_string_value(json_array_get(json_object_get(o, key), i));

	if (!tree || !message_from_json(out, size, tree))
		text_safe(out, size, text ? text : "", 200);
	return out;
}

json_t *stored_in(const json_t *o, const char *one, const char *two)
{
	return json_object_get(json_object_get(o, one), two);
}

size_t stored_choice(const json_t *o, const char *key, const char *const *words, size_t count)
{
	const char *text = stored_text(o, key);

	for (size_t i = 0; i < count; i++)
		if (words[i] && strcmp(words[i], text) == 0)
			return i;
	return count;
}

const char *stored_name(char out[STORED_NAME], const json_t *o, const char *key, unsigned columns)
{
	return text_safe(out, STORED_NAME, stored_text(o, key), columns);
}

const char *stored_digest(char *out, size_t size, const json_t *file)
{
	char digits[STORED_NAME];

	if (strcmp(stored_text(file, "sha256"), "several") == 0)
		return message_say(out, size, MESSAGE_file_several, (const char *const[]){NULL});
	return message_say(out, size, MESSAGE_file_sha256,
	                   (const char *const[]){stored_name(digits, file, "sha256", 64), NULL});
}

void stored_zone(const json_t *report, struct zone *zone)
{
	const char *told = stored_text(json_object_get(report, "window"), "time_zone");

	if (!*told)
		told = stored_text(stored_in(report, "expected", "time_zone"), "value");
	if (!*told || !zone_parse(zone, told))
		zone_utc(zone);
}

/* "UTC+01:00" */
static void put_offset(char *out, size_t size, const struct zone *zone, uint64_t ns)
{
	struct zone_moment moment;
	unsigned minutes;

	zone_local(zone, (int64_t)(ns / 1000000000u), &moment);
	minutes = (unsigned)(moment.offset < 0 ? -moment.offset : moment.offset) / 60;
	snprintf(out, size, "UTC%c%02u:%02u", moment.offset < 0 ? '-' : '+', minutes / 60,
	         minutes % 60);
}

const char *stored_clocks(const json_t *report, const struct zone *zone, char *out, size_t size)
{
	const json_t *window = json_object_get(report, "window");
	char from[TEXT_SHORT], to[TEXT_SHORT];

	out[0] = '\0';
	put_offset(from, sizeof(from), zone, stored_time(window, "start"));
	put_offset(to, sizeof(to), zone, stored_time(window, "end"));
	if (strcmp(from, to) != 0)
		return SAY(out, size, clocks_changed, from, to);
	return strcmp(from, "UTC+00:00") == 0 ? out : SAY(out, size, clocks, from);
}
