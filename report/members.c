/* SPDX-License-Identifier: MIT
 *
 * members.c - see members.h.
 */
#include "members.h"

#include <stdlib.h>

#include "text.h"

void members_put(struct members *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		w->whole = false;
}

void members_push(struct members *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		w->whole = false;
}

json_t *value_text(const char *text)
{
	char *valid = text_utf8(text);
	json_t *value = valid ? json_string(valid) : NULL;

	free(valid);
	return value;
}

json_t *value_text_or_null(const char *text)
{
	return text && text[0] ? value_text(text) : json_null();
}

/* A message: its English words under `key`, for who reads no messages, and itself under the same
 * key of `messages`, for who tells it in another language. */
void members_message(struct members *w, json_t *o, json_t *messages, const char *key,
                     const char *message)
{
	const struct telling english = {.language = LANGUAGE_EN};
	char words[6000];

	members_put(w, o, key,
	            value_text_or_null(message_words(words, sizeof(words), message, &english)));
	if (message[0])
		members_put(w, messages, key, message_json(message));
}

void members_case(struct members *w, json_t *o, json_t *messages, const char *key,
                  enum message message)
{
	char text[80];

	members_message(w, o, messages, key,
	                message_say(text, sizeof(text), message, (const char *const[]){NULL}));
}

json_t *value_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *value_moment(uint64_t ns)
{
	char text[TEXT_SHORT];

	return ns ? json_string(text_time(text, ns, 9)) : json_null();
}

json_t *value_ratio(uint64_t numerator, uint64_t denominator)
{
	return denominator ? json_real((double)numerator / (double)denominator) : json_null();
}
