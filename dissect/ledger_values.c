/* SPDX-License-Identifier: MIT
 *
 * ledger_values.c - see ledger_values.h.
 */
#include "ledger_values.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* All counters of a file together stay below this, so that no sum over them can overflow. */
#define COUNTERS_TOTAL (1ull << 60)

bool loading_refuse(struct loading *loading, const char *format, ...)
{
	va_list arguments;
	int length = snprintf(loading->message, loading->size, "%s: ", loading->where);

	va_start(arguments, format);
	if (length >= 0 && (size_t)length < loading->size)
		vsnprintf(loading->message + length, loading->size - (size_t)length, format,
		          arguments);
	va_end(arguments);
	return false;
}

void loading_at(struct loading *loading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(loading->where, sizeof(loading->where), format, arguments);
	va_end(arguments);
}

/* ---- small values ---- */

bool loading_get_number(struct loading *loading, const json_t *value, const char *key,
                        uint64_t *number)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return loading_refuse(loading, "\"%s\" must be a whole number, zero or more", key);
	*number = (uint64_t)json_integer_value(value);
	return true;
}

bool loading_number(struct loading *loading, const json_t *row, const char *key, uint64_t *number)
{
	return loading_get_number(loading, json_object_get(row, key), key, number);
}

bool loading_u32(struct loading *loading, const json_t *row, const char *key, uint32_t *number)
{
	uint64_t wide = 0;

	if (!loading_number(loading, row, key, &wide))
		return false;
	if (wide > UINT32_MAX)
		return loading_refuse(loading, "\"%s\" is too large", key);
	*number = (uint32_t)wide;
	return true;
}

bool loading_get_count(struct loading *loading, const json_t *value, const char *key,
                       uint64_t *number)
{
	if (!loading_get_number(loading, value, key, number))
		return false;
	if (*number >= COUNTERS_TOTAL - loading->total)
		return loading_refuse(
			loading, "\"%s\" makes the counters of this file impossibly large", key);
	loading->total += *number;
	return true;
}

bool loading_count(struct loading *loading, const json_t *row, const char *key, uint64_t *number)
{
	return loading_get_count(loading, json_object_get(row, key), key, number);
}

bool loading_flag(struct loading *loading, const json_t *row, const char *key, bool *flag)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_boolean(value))
		return loading_refuse(loading, "\"%s\" must be true or false", key);
	*flag = json_is_true(value);
	return true;
}

/* -1, 0 or 1 */
bool loading_get_sign(struct loading *loading, const json_t *value, const char *key, int8_t *sign)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < -1 || number > 1)
		return loading_refuse(loading, "\"%s\" must be -1, 0 or 1", key);
	*sign = (int8_t)number;
	return true;
}

bool loading_sign(struct loading *loading, const json_t *row, const char *key, int8_t *sign)
{
	return loading_get_sign(loading, json_object_get(row, key), key, sign);
}

bool loading_name(struct loading *loading, const json_t *row, const char *key, const char **name)
{
	*name = json_string_value(json_object_get(row, key));
	return *name || loading_refuse(loading, "\"%s\" must be a text", key);
}

bool loading_find_word(struct loading *loading, const char *key, const char *word,
                       const char *const *words, unsigned count, uint8_t *place)
{
	for (unsigned i = 0; i < count; i++) {
		if (!strcmp(words[i], word)) {
			*place = (uint8_t)i;
			return true;
		}
	}
	return loading_refuse(loading, "\"%s\" does not know the word \"%.40s\"", key, word);
}

bool loading_word(struct loading *loading, const json_t *row, const char *key,
                  const char *const *words, unsigned count, uint8_t *place)
{
	const char *word;

	return loading_name(loading, row, key, &word) &&
	       loading_find_word(loading, key, word, words, count, place);
}

/* Addresses and ports: what inet_ntop and a port can hold, so they are harmless wherever they are
 * printed. */
bool loading_get_address(struct loading *loading, const char *key, const char *from, char *text,
                         size_t size)
{
	static const char allowed[] = "0123456789abcdefABCDEF.:[]";

	if (strlen(from) >= size || from[strspn(from, allowed)])
		return loading_refuse(loading, "\"%s\" is not an address", key);
	memset(text, 0, size);
	memcpy(text, from, strlen(from));
	return true;
}

bool loading_address(struct loading *loading, const json_t *row, const char *key, char *text,
                     size_t size)
{
	const char *from;

	return loading_name(loading, row, key, &from) &&
	       loading_get_address(loading, key, from, text, size);
}

bool loading_get_tally(struct loading *loading, const json_t *value, const char *key,
                       struct tally *tally)
{
	uint64_t *const members[] = {&tally->frames, &tally->l2_bytes, &tally->ip_bytes,
	                             &tally->payload_bytes};

	if (json_array_size(value) != 4)
		return loading_refuse(loading, "\"%s\" must hold four numbers", key);
	for (size_t i = 0; i < 4; i++)
		if (!loading_get_count(loading, json_array_get(value, i), key, members[i]))
			return false;
	return true;
}

bool loading_tally(struct loading *loading, const json_t *row, const char *key, struct tally *tally)
{
	return loading_get_tally(loading, json_object_get(row, key), key, tally);
}

bool loading_kinds(struct loading *loading, const json_t *kinds, struct tally *tallies)
{
	const char *name;
	json_t *value;
	uint8_t kind = 0;

	if (!json_is_object(kinds))
		return loading_refuse(loading, "the kinds are missing");
	json_object_foreach((json_t *)kinds, name, value)
	{
		if (!loading_find_word(loading, "kinds", name, kind_names, KIND_COUNT, &kind) ||
		    !loading_get_tally(loading, value, name, &tallies[kind]))
			return false;
	}
	return true;
}

bool loading_evidence(struct loading *loading, const json_t *row, struct evidence *first)
{
	const json_t *array = json_object_get(row, "first");
	size_t count = json_array_size(array);

	if (!json_is_array(array) || count > EVIDENCE_FRAMES)
		return loading_refuse(loading, "\"first\" must be an array of at most %d frames",
		                      EVIDENCE_FRAMES);
	for (size_t i = 0; i < count; i++) {
		const json_t *frame = json_array_get(array, i);
		uint64_t ts_ns = 0, file = 0, number = 0;

		if (json_array_size(frame) != 3 ||
		    !loading_get_number(loading, json_array_get(frame, 0), "first", &ts_ns) ||
		    !loading_get_number(loading, json_array_get(frame, 1), "first", &file) ||
		    !loading_get_number(loading, json_array_get(frame, 2), "first", &number))
			return loading_refuse(loading,
			                      "a frame in \"first\" must be [ts_ns, file, number]");
		if (file >= loading->ledger->n_files)
			return loading_refuse(loading,
			                      "\"first\" names file %" PRIu64 ", there are %zu",
			                      file, loading->ledger->n_files);
		ledger_show(loading->ledger, first,
		            &(struct evidence_frame){ts_ns, number, (uint32_t)file});
	}
	return first->count == count || loading_refuse(loading, "\"first\" holds a frame twice");
}

bool loading_table(struct loading *loading, const json_t *row, const char *key, size_t limit,
                   const json_t **table)
{
	*table = json_object_get(row, key);
	if (!json_is_array(*table))
		return loading_refuse(loading, "\"%s\" must be an array", key);
	if (json_array_size(*table) > limit)
		return loading_refuse(loading, "\"%s\" has %zu rows, at most %zu are possible", key,
		                      json_array_size(*table), limit);
	return true;
}

/* null, or the name of a WAN in the table */
bool loading_wan(struct loading *loading, const json_t *row, uint32_t *wan)
{
	const json_t *value = json_object_get(row, "wan");
	const struct ledger *ledger = loading->ledger;

	*wan = LEDGER_WANS_MAX;
	if (json_is_null(value))
		return true;
	for (uint32_t i = 0; json_is_string(value) && i < ledger->n_wans; i++)
		if (!strcmp(ledger->wans[i].name, json_string_value(value)))
			*wan = i;
	return *wan < LEDGER_WANS_MAX ||
	       loading_refuse(loading, "\"wan\" must name a WAN of this file");
}

bool loading_get_app(struct loading *loading, const char *label, uint16_t *app)
{
	*app = ledger_app(loading->ledger, label);
	return !*label || *app || loading_refuse(loading, "more than %d apps", LEDGER_APPS_MAX - 1);
}

bool loading_app(struct loading *loading, const json_t *row, uint16_t *app)
{
	const char *label;

	return loading_name(loading, row, "app", &label) && loading_get_app(loading, label, app);
}

bool loading_circumstance(struct loading *loading, const json_t *row, uint16_t *circumstance)
{
	uint64_t number = 0;

	if (!loading_number(loading, row, "circumstance", &number))
		return false;
	if (number && number >= loading->ledger->n_circumstances)
		return loading_refuse(loading, "\"circumstance\" is not in the table");
	*circumstance = (uint16_t)number;
	return true;
}
