/* SPDX-License-Identifier: MIT
 *
 * members.h - members of a report's JSON: texts of others made valid UTF-8, counts, times in
 * RFC 3339, ratios, messages beside their English words.
 *
 * jansson's json_object_set_new() takes its value even when it fails, so nothing leaks when memory
 * runs out; a lost member is noticed by `whole`.
 */
#ifndef REPORT_MEMBERS_H
#define REPORT_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "message.h"

/* One object being filled; `whole` turns false when something could not be stored. */
struct members {
	bool whole;
};

/* Take `value` over. */
void members_put(struct members *w, json_t *object, const char *key, json_t *value);
void members_push(struct members *w, json_t *array, json_t *value);

/* A message: its English words under `key`, for who reads no messages, and itself under the same
 * key of `messages`, for who tells it in another language. */
void members_message(struct members *w, json_t *o, json_t *messages, const char *key,
                     const char *message);
void members_case(struct members *w, json_t *o, json_t *messages, const char *key,
                  enum message message);

/* New values; NULL when out of memory. "" and NULL are null of the second; so are a time of 0 and a
 * ratio to nothing. A count stops at INT64_MAX. */
json_t *value_text(const char *text);
json_t *value_text_or_null(const char *text);
json_t *value_count(uint64_t n);
json_t *value_moment(uint64_t ns);
json_t *value_ratio(uint64_t numerator, uint64_t denominator);

#endif
