/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_cursor.c - see cmd_follow_cursor.h.
 */
#include "cmd_follow_cursor.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of a cursor and of a series, in the order in which they are written. */
#define AT(type, member)                                                                           \
	{                                                                                          \
#member, offsetof(struct type, member)                                             \
	}
struct number_row {
	const char *name;
	size_t at;
};

static const struct number_row cursor_rows[] = {
	AT(follow_cursor, until_ns),    AT(follow_cursor, hour_ns),    AT(follow_cursor, shared_ns),
	AT(follow_cursor, late_frames), AT(follow_cursor, lost_files), AT(follow_cursor, turn),
};

static const struct number_row series_rows[] = {
	AT(follow_series, sequence),    AT(follow_series, handed),    AT(follow_series, consumed),
	AT(follow_series, begin_ns),    AT(follow_series, end_ns),    AT(follow_series, told_ns),
	AT(follow_series, lost_kernel), AT(follow_series, lost_disk), AT(follow_series, lost_gaps),
};

static const struct number_row flag_rows[] = {
	AT(follow_series, founding), AT(follow_series, bounds),   AT(follow_series, drops_known),
	AT(follow_series, ended),    AT(follow_series, counting),
};

static const struct number_row counted_rows[] = {
	AT(counted, sequence),          AT(counted, first.at_ns),
	AT(counted, first.ifindex),     AT(counted, first.frames),
	AT(counted, first.bytes),       AT(counted, first.dropped),
	AT(counted, settled.at_ns),     AT(counted, settled.ifindex),
	AT(counted, settled.frames),    AT(counted, settled.bytes),
	AT(counted, settled.dropped),   AT(counted, latest.at_ns),
	AT(counted, latest.ifindex),    AT(counted, latest.frames),
	AT(counted, latest.bytes),      AT(counted, latest.dropped),
	AT(counted, before.frames),     AT(counted, before.bytes),
	AT(counted, to_settled.frames), AT(counted, to_settled.bytes),
	AT(counted, to_latest.frames),  AT(counted, to_latest.bytes),
	AT(counted, beyond.frames),     AT(counted, beyond.bytes),
	AT(counted, dropped),
};

static const struct number_row counted_flags[] = {
	AT(counted, opens),
	AT(counted, closes),
	AT(counted, whole),
	AT(counted, final),
};
#define ROWS(table) (sizeof(table) / sizeof(*(table)))

void cursor_init(struct follow_cursor *cursor)
{
	memset(cursor, 0, sizeof(*cursor));
}

void cursor_release(struct follow_cursor *cursor)
{
	free(cursor->origin);
	free(cursor->spool);
	cursor_init(cursor);
}

struct follow_series *cursor_series(struct follow_cursor *cursor, const char *key)
{
	for (size_t i = 0; i < cursor->n; i++)
		if (strcmp(cursor->series[i].key, key) == 0)
			return &cursor->series[i];
	if (cursor->n == FOLLOW_SERIES_MAX || strlen(key) >= SPOOL_WAN)
		return NULL;
	struct follow_series *series = &cursor->series[cursor->n++];
	*series = (struct follow_series){.sequence = -1, .handed = -1};
	memcpy(series->key, key, strlen(key));
	return series;
}

/* ---- numbers ---- */

/* Times and sums are below 2^63 (capture/savefile.h); what a hostile file claims is cut to that. */
static bool put_numbers(json_t *object, const void *from, const struct number_row *rows, size_t n)
{
	bool good = object != NULL;

	for (size_t i = 0; good && i < n; i++) {
		int64_t value;

		memcpy(&value, (const char *)from + rows[i].at, sizeof(value));
		if (value < -1)
			value = INT64_MAX;
		good = json_object_set_new(object, rows[i].name, json_integer(value)) == 0;
	}
	return good;
}

static bool put_flags(json_t *object, const void *from, const struct number_row *rows, size_t n)
{
	bool good = object != NULL;

	for (size_t i = 0; good && i < n; i++)
		good = json_object_set_new(object, rows[i].name,
		                           json_boolean(*((const bool *)from + rows[i].at))) == 0;
	return good;
}

static bool take_numbers(const json_t *object, void *into, const struct number_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(object, rows[i].name);
		int64_t number = json_integer_value(value);

		if (!json_is_integer(value) || number < -1)
			return false;
		memcpy((char *)into + rows[i].at, &number, sizeof(number));
	}
	return true;
}

static bool take_flags(const json_t *object, void *into, const struct number_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(object, rows[i].name);

		if (!json_is_boolean(value))
			return false;
		*((bool *)into + rows[i].at) = json_is_true(value);
	}
	return true;
}

/* ---- a series ---- */

static json_t *gaps_json(const struct follow_series *series)
{
	json_t *array = json_array();

	for (unsigned i = 0; array && i < STATE_COUNT; i++) {
		json_array_append_new(array, json_integer((json_int_t)series->gap_from_ns[i]));
		json_array_append_new(array, json_integer((json_int_t)series->gap_to_ns[i]));
	}
	return array;
}

static bool take_gaps(struct follow_series *series, const json_t *array)
{
	if (json_array_size(array) != 2 * STATE_COUNT)
		return false;
	for (unsigned i = 0; i < STATE_COUNT; i++) {
		json_int_t from = json_integer_value(json_array_get(array, 2 * i));
		json_int_t to = json_integer_value(json_array_get(array, 2 * i + 1));

		if (from < 0 || to < 0)
			return false;
		series->gap_from_ns[i] = (uint64_t)from;
		series->gap_to_ns[i] = (uint64_t)to;
	}
	return true;
}

static json_t *counted_json(const struct counted *counted)
{
	json_t *row = json_object();

	if (put_numbers(row, counted, counted_rows, ROWS(counted_rows)) &&
	    put_flags(row, counted, counted_flags, ROWS(counted_flags)) &&
	    json_object_set_new(row, "boot", json_string(counted->boot)) == 0)
		return row;
	json_decref(row);
	return NULL;
}

static bool take_counted(struct counted *counted, const json_t *row)
{
	const char *boot = json_string_value(json_object_get(row, "boot"));

	if (!boot || strlen(boot) >= sizeof(counted->boot) ||
	    !take_numbers(row, counted, counted_rows, ROWS(counted_rows)) ||
	    !take_flags(row, counted, counted_flags, ROWS(counted_flags)))
		return false;
	memcpy(counted->boot, boot, strlen(boot) + 1);
	return true;
}

static json_t *series_json(const struct follow_series *series)
{
	json_t *row = json_object();

	if (put_numbers(row, series, series_rows, ROWS(series_rows)) &&
	    put_flags(row, series, flag_rows, ROWS(flag_rows)) &&
	    json_object_set_new(row, "key", json_string(series->key)) == 0 &&
	    json_object_set_new(row, "gaps", gaps_json(series)) == 0 &&
	    (!series->counting ||
	     json_object_set_new(row, "counted", counted_json(&series->counted)) == 0))
		return row;
	json_decref(row);
	return NULL;
}

static bool take_series(struct follow_cursor *cursor, const json_t *row)
{
	const char *key = json_string_value(json_object_get(row, "key"));
	struct follow_series *series = key && key[0] ? cursor_series(cursor, key) : NULL;

	return series && take_numbers(row, series, series_rows, ROWS(series_rows)) &&
	       take_flags(row, series, flag_rows, ROWS(flag_rows)) &&
	       take_gaps(series, json_object_get(row, "gaps")) &&
	       (!series->counting ||
	        take_counted(&series->counted, json_object_get(row, "counted")));
}

/* ---- the whole ---- */

json_t *cursor_json(const struct follow_cursor *cursor)
{
	json_t *object = json_object(), *series = json_array();
	bool good = put_numbers(object, cursor, cursor_rows, ROWS(cursor_rows)) && series;

	for (size_t i = 0; good && i < cursor->n; i++)
		good = json_array_append_new(series, series_json(&cursor->series[i])) == 0;
	good = good && json_object_set(object, "series", series) == 0 &&
	       json_object_set_new(object, "origin",
	                           json_string(cursor->origin ? cursor->origin : "")) == 0 &&
	       json_object_set_new(object, "spool",
	                           json_string(cursor->spool ? cursor->spool : "")) == 0;
	json_decref(series);
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

bool cursor_load(struct follow_cursor *cursor, const json_t *json)
{
	const json_t *series = json_object_get(json, "series");
	const char *origin = json_string_value(json_object_get(json, "origin"));
	const char *spool = json_string_value(json_object_get(json, "spool"));

	if (!take_numbers(json, cursor, cursor_rows, ROWS(cursor_rows)) || !origin || !spool ||
	    !json_is_array(series) || json_array_size(series) > FOLLOW_SERIES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(series); i++)
		if (!take_series(cursor, json_array_get(series, i)))
			return false;
	cursor->origin = strdup(origin);
	cursor->spool = strdup(spool);
	return cursor->origin && cursor->spool;
}
