/* SPDX-License-Identifier: MIT
 *
 * message.h - a sentence as a case with its parts; words of a language are put in at the very end.
 *
 * A message is a string in which cases stand between marks: SAY() writes a case and its parts, a
 * part being text again, with cases in it or not. Figures, units (SI) and names are the same in all
 * languages and stand there as they are. Messages are cut, copied, compared and put one behind
 * another as strings are. In a report's JSON a message is a tree (message_json), so that a stored
 * report can be told in another language.
 *
 * The cases and their words are rows of message.def: a further language is a column.
 *
 * Pure functions of their arguments; text of others must have passed text_safe() before it becomes
 * a part: that leaves no mark in it.
 */
#ifndef REPORT_MESSAGE_H
#define REPORT_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

enum language { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_COUNT };
extern const char *const language_names[LANGUAGE_COUNT]; /* "en", "zh-CN" */

/* "zh", "zh_CN.UTF-8", "zh-Hans", "en_US", "C". False: not spoken here. */
bool language_find(const char *name, enum language *language);

enum message {
#define MESSAGE(id, en, zh) MESSAGE_##id,
#include "message.def"
#undef MESSAGE
	MESSAGE_COUNT
};

/* The id of a case as JSON has it, and its words with places for its parts: "{1}", or
 * "{1|file|files}" for the word that goes with the figure in part 1. Static text. */
const char *message_id(enum message message);
const char *message_template(enum message message, enum language language);

#define MESSAGE_PARTS 9  /* of a case */
#define MESSAGE_DEPTH 10 /* of cases in parts */

/*
 * Write a case with its parts (NULL ends them) to out, or behind what is there. What does not fit
 * is cut; message_words() copes. Returns out.
 */
const char *message_say(char *out, size_t size, enum message message, const char *const *parts);
const char *message_more(char *out, size_t size, enum message message, const char *const *parts);

/* SAY(buffer, size, id, parts...): message_say() for literal lists. SAY_IN, MORE_IN: for arrays. */
#define SAY(out, size, id, ...)                                                                    \
	message_say(out, size, MESSAGE_##id, (const char *const[]){"", ##__VA_ARGS__, NULL} + 1)
#define SAY_IN(array, id, ...) SAY(array, sizeof(array), id, ##__VA_ARGS__)
#define MORE_IN(array, id, ...)                                                                    \
	message_more(array, sizeof(array), MESSAGE_##id,                                           \
	             (const char *const[]){"", ##__VA_ARGS__, NULL} + 1)

/* A moment, and a time from one to another: by the site's clocks when they are put in words, with
 * the day of the end only when it is another one. Return out. */
#define MESSAGE_TIME 100 /* size that is enough for either */
const char *message_time(char out[MESSAGE_TIME], uint64_t ns);
const char *message_span(char out[MESSAGE_TIME], uint64_t from_ns, uint64_t to_ns);

/* How a message is put in words. */
struct telling {
	enum language language;
	const struct zone *zone; /* borrowed; NULL = UTC */
};

/* A message in words. Always terminated. Returns out. */
const char *message_words(char *out, size_t size, const char *message, const struct telling *how);

/* A case without parts in words: a heading, a label. Static text. */
#define WORDS(id, language) message_template(MESSAGE_##id, language)

/*
 * As JSON: a string, {"say": id, "with": [parts]}, or an array of such; NULL when out of memory.
 * And back: false when it is none of these, or names a case that does not exist here (a newer
 * report): the caller then takes the English words that stand beside it.
 */
json_t *message_json(const char *message);
bool message_from_json(char *out, size_t size, const json_t *json);

#endif
