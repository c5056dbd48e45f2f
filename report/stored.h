/* SPDX-License-Identifier: MIT
 *
 * stored.h - a report's JSON read without trust: members that are missing, or of another type, are
 * empty.
 *
 * So that a renderer shows what an older, newer or broken report holds and never asks twice.
 */
#ifndef REPORT_STORED_H
#define REPORT_STORED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

/* A member's text, "" when there is none; borrowed. */
const char *stored_text(const json_t *o, const char *key);
/* A number, 0 when there is none or it is negative; and whether there is one. */
uint64_t stored_number(const json_t *o, const char *key);
double stored_real(const json_t *o, const char *key);
bool stored_has(const json_t *o, const char *key);
bool stored_true(const json_t *o, const char *key);
/* Nanoseconds since 1970, 0 when there is none. */
uint64_t stored_time(const json_t *o, const char *key);

/* A member of the report that is a message: the message when this program knows its cases, else
 * its English words; "" when there is none. Returns out. */
const char *stored_message(char *out, size_t size, const json_t *o, const char *key);

/* The same of row `i` of an array of texts, whose cases are an array under the same key. */
const char *stored_message_at(char *out, size_t size, const json_t *o, const char *key, size_t i);

/* Members on a path of two: stored_in(o, "shared", "kinds"). NULL when there is none. */
json_t *stored_in(const json_t *o, const char *one, const char *two);

/* One of `words`; `count` when it is none of them. */
size_t stored_choice(const json_t *o, const char *key, const char *const *words, size_t count);

/* A text of others made fit to be a part of a message; at most `columns` characters. Returns out.
 */
#define STORED_NAME 400
const char *stored_name(char out[STORED_NAME], const json_t *o, const char *key, unsigned columns);

/* A message: "SHA-256 ..." of a row of coverage.files that has one. Returns out. */
const char *stored_digest(char *out, size_t size, const json_t *file);

/* The site's clocks; UTC when the report does not say, or says what is no time zone. */
void stored_zone(const json_t *report, struct zone *zone);

/* How far the site's clocks are from UTC in the judged time, to stand behind its times: a message
 * ", UTC+01:00", or "" where they show UTC. Returns out. */
const char *stored_clocks(const json_t *report, const struct zone *zone, char *out, size_t size);

#endif
