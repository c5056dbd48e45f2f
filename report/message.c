/* SPDX-License-Identifier: MIT
 *
 * message.c - see message.h.
 */
#include "message.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

/* Control characters: text_safe() lets none through. */
#define MARK_CASE '\1'
#define MARK_PART '\2'
#define MARK_END  '\3'

#define NS UINT64_C(1000000000)

const char *const language_names[LANGUAGE_COUNT] = {"en", "zh-CN"};

static const struct {
	const char *id;
	const char *words[LANGUAGE_COUNT];
} messages[MESSAGE_COUNT] = {
#define MESSAGE(id, en, zh) {#id, {en, zh}},
#include "message.def"
#undef MESSAGE
};

bool language_find(const char *name, enum language *language)
{
	if (strcasecmp(name, "C") == 0 || strcasecmp(name, "POSIX") == 0) {
		*language = LANGUAGE_EN;
		return true;
	}
	for (size_t i = 0; i < LANGUAGE_COUNT; i++)
		if (strncasecmp(name, language_names[i], 2) == 0 &&
		    (name[2] == '\0' || strchr("-_.@", name[2]))) {
			*language = (enum language)i;
			return true;
		}
	return false;
}

const char *message_id(enum message message)
{
	return messages[message].id;
}

const char *message_template(enum message message, enum language language)
{
	return messages[message].words[language];
}

static bool find_case(const char *id, size_t length, enum message *message)
{
	for (size_t i = 0; i < MESSAGE_COUNT; i++)
		if (strncmp(messages[i].id, id, length) == 0 && messages[i].id[length] == '\0') {
			*message = (enum message)i;
			return true;
		}
	return false;
}

/* ---- writing ---- */

/* A text that grows to the end of its buffer. */
struct sink {
	char *out;
	size_t size, used;
};

static void add(struct sink *sink, const char *text, size_t length)
{
	size_t room = sink->size - 1 - sink->used;

	if (length > room)
		length = room;
	memcpy(sink->out + sink->used, text, length);
	sink->used += length;
	sink->out[sink->used] = '\0';
}

static void add_mark(struct sink *sink, char mark)
{
	add(sink, &mark, 1);
}

const char *message_more(char *out, size_t size, enum message message, const char *const *parts)
{
	struct sink sink = {out, size, strlen(out)};
	size_t n = 0;

	add_mark(&sink, MARK_CASE);
	add(&sink, message_id(message), strlen(message_id(message)));
	for (; parts[n]; n++) {
		assert(n < MESSAGE_PARTS);
		add_mark(&sink, MARK_PART);
		add(&sink, parts[n], strlen(parts[n]));
	}
	add_mark(&sink, MARK_END);
	return out;
}

const char *message_say(char *out, size_t size, enum message message, const char *const *parts)
{
	for (size_t i = 0; parts[i]; i++) /* no part lies in what is written over */
		assert((uintptr_t)parts[i] < (uintptr_t)out ||
		       (uintptr_t)parts[i] >= (uintptr_t)out + size);
	out[0] = '\0';
	return message_more(out, size, message, parts);
}

const char *message_time(char out[MESSAGE_TIME], uint64_t ns)
{
	char text[TEXT_SHORT];

	return SAY(out, MESSAGE_TIME, time, text_time(text, ns, 9));
}

const char *message_span(char out[MESSAGE_TIME], uint64_t from_ns, uint64_t to_ns)
{
	char from[TEXT_SHORT], to[TEXT_SHORT];

	return SAY(out, MESSAGE_TIME, span, text_time(from, from_ns, 9), text_time(to, to_ns, 9));
}

/* ---- reading ---- */

/* A piece of a message: a run of plain text, or a case with its parts. */
struct piece {
	bool is_case;
	const char *text; /* of a run, or the id */
	size_t length;
	struct {
		const char *text;
		size_t length;
	} parts[MESSAGE_PARTS];
	size_t n_parts;
};

/* The end of what begins at `at`: its MARK_PART or MARK_END at the same level, or `end`. */
static const char *skip_part(const char *at, const char *end)
{
	unsigned depth = 0;

	for (; at < end; at++) {
		if (*at == MARK_CASE)
			depth++;
		else if (depth == 0 && (*at == MARK_PART || *at == MARK_END))
			return at;
		else if (*at == MARK_END)
			depth--;
	}
	return end;
}

/* The next piece; false at the end. A message that was cut ends its open cases there. */
static bool next_piece(const char **at, const char *end, struct piece *piece)
{
	const char *p = *at, *stop;

	if (p >= end)
		return false;
	memset(piece, 0, sizeof(*piece));
	piece->is_case = *p == MARK_CASE;
	if (!piece->is_case) {
		piece->text = p;
		while (p < end && *p != MARK_CASE)
			p++;
		piece->length = (size_t)(p - piece->text);
		*at = p;
		return true;
	}
	stop = skip_part(++p, end);
	piece->text = p;
	piece->length = (size_t)(stop - p);
	while (stop < end && *stop == MARK_PART) {
		p = stop + 1;
		stop = skip_part(p, end);
		if (piece->n_parts < MESSAGE_PARTS) {
			piece->parts[piece->n_parts].text = p;
			piece->parts[piece->n_parts++].length = (size_t)(stop - p);
		}
	}
	*at = stop < end ? stop + 1 : end;
	return true;
}

/* ---- words ---- */

static void put_words(struct sink *sink, const char *text, size_t length, const struct telling *how,
                      unsigned depth);
static void put_case(struct sink *sink, const struct piece *piece, const struct telling *how,
                     unsigned depth);

static bool is_one(const struct piece *piece, size_t part)
{
	return part < piece->n_parts && piece->parts[part].length == 1 &&
	       piece->parts[part].text[0] == '1';
}

/* "{1}" or "{1|one|many}" at `at`, which points behind the brace; returns what follows it. */
static const char *put_place(struct sink *sink, const char *at, const struct piece *piece,
                             const struct telling *how, unsigned depth)
{
	size_t part = (size_t)(at[0] - '1');
	const char *end = strchr(at, '}'), *one, *many;

	if (at[1] == '}') {
		if (part < piece->n_parts)
			put_words(sink, piece->parts[part].text, piece->parts[part].length, how,
			          depth + 1);
		return end + 1;
	}
	one = at + 2;
	many = strchr(one, '|');
	if (is_one(piece, part))
		add(sink, one, (size_t)(many - one));
	else
		add(sink, many + 1, (size_t)(end - many - 1));
	return end + 1;
}

/* "2026-03-29 03:00:00 CEST"; false when part `part` is no time. */
static bool local_text(const struct piece *piece, size_t part, const struct telling *how,
                       char out[MESSAGE_TIME])
{
	char text[TEXT_SHORT];
	struct zone utc;
	uint64_t ns;

	if (part >= piece->n_parts || piece->parts[part].length >= sizeof(text))
		return false;
	memcpy(text, piece->parts[part].text, piece->parts[part].length);
	text[piece->parts[part].length] = '\0';
	if (!text_parse_time(text, &ns))
		return false;
	zone_utc(&utc);
	zone_text(how->zone ? how->zone : &utc, (int64_t)(ns / NS), out, MESSAGE_TIME);
	return true;
}

/* The day and the zone of a span are told once when both ends have the same. */
static void put_time(struct sink *sink, const struct piece *piece, const struct telling *how,
                     bool span)
{
	char from[MESSAGE_TIME], to[MESSAGE_TIME];
	const char *end = to;
	struct piece both = {.is_case = true, .n_parts = 2};

	if (!local_text(piece, 0, how, from) || (span && !local_text(piece, 1, how, to)))
		return;
	if (!span) {
		add(sink, from, strlen(from));
		return;
	}
	if (strcmp(from + strlen("2026-01-01 00:00:00"), to + strlen("2026-01-01 00:00:00")) == 0)
		from[strlen("2026-01-01 00:00:00")] = '\0';
	if (strncmp(from, to, strlen("2026-01-01 ")) == 0)
		end += strlen("2026-01-01 ");
	both.text = message_id(MESSAGE_to);
	both.length = strlen(both.text);
	both.parts[0].text = from;
	both.parts[0].length = strlen(from);
	both.parts[1].text = end;
	both.parts[1].length = strlen(end);
	put_case(sink, &both, how, 0);
}

static bool is_ideograph(const char *at)
{
	return (unsigned char)*at >= 0xe4 && (unsigned char)*at <= 0xe9;
}

/* A template has a blank beside places that mostly hold figures and names: beside a Chinese word
 * there is none. `start` is where the last of what was put begins. */
static void close_before(struct sink *sink, size_t start)
{
	if (start < 4 || sink->out[start - 1] != ' ' || !is_ideograph(sink->out + start - 4) ||
	    !is_ideograph(sink->out + start))
		return;
	memmove(sink->out + start - 1, sink->out + start, sink->used - start + 1);
	sink->used--;
}

static bool ends_in_ideograph(const struct sink *sink)
{
	return sink->used >= 3 && is_ideograph(sink->out + sink->used - 3);
}

static void put_case(struct sink *sink, const struct piece *piece, const struct telling *how,
                     unsigned depth)
{
	enum message message;
	size_t run = 0, start;
	const char *at;

	if (!find_case(piece->text, piece->length, &message))
		return;
	if (message == MESSAGE_time || message == MESSAGE_span) {
		put_time(sink, piece, how, message == MESSAGE_span);
		return;
	}
	at = message_template(message, how->language);
	while (*at) {
		run = strcspn(at, "{");
		add(sink, at, run);
		at += run;
		if (*at != '{')
			break;
		start = sink->used;
		at = put_place(sink, at + 1, piece, how, depth);
		if (run > 1)
			close_before(sink, start);
		if (at[0] == ' ' && is_ideograph(at + 1) && ends_in_ideograph(sink))
			at++;
	}
}

static void put_words(struct sink *sink, const char *text, size_t length, const struct telling *how,
                      unsigned depth)
{
	const char *at = text, *end = text + length;
	struct piece piece;

	while (depth < MESSAGE_DEPTH && next_piece(&at, end, &piece)) {
		if (piece.is_case)
			put_case(sink, &piece, how, depth);
		else
			add(sink, piece.text, piece.length);
	}
}

/* Chinese punctuation is as wide as a character and takes no blank behind it. */
static void close_gaps(char *text)
{
	static const char *const wide[] = {"。", "，", "；", "：", "）", "、"};
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool gap = false;

		for (size_t i = 0; *from == ' ' && i < sizeof(wide) / sizeof(*wide); i++)
			gap = gap || (to - text >= 3 && memcmp(to - 3, wide[i], 3) == 0);
		if (!gap)
			*to++ = *from;
	}
	*to = '\0';
}

/* A text cut within a character loses the rest of it. */
static void trim_cut(char *text)
{
	size_t length = strlen(text), back = 0;

	while (back < 3 && back < length && ((unsigned char)text[length - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < length) {
		unsigned char lead = (unsigned char)text[length - 1 - back];
		size_t needs = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;

		if (back < needs)
			text[length - 1 - back] = '\0';
	}
}

const char *message_words(char *out, size_t size, const char *message, const struct telling *how)
{
	struct sink sink = {out, size, 0};

	out[0] = '\0';
	put_words(&sink, message, strlen(message), how, 0);
	trim_cut(out);
	if (how->language == LANGUAGE_ZH)
		close_gaps(out);
	return out;
}

/* ---- JSON ---- */

static json_t *text_json(const char *text, size_t length, unsigned depth);

static json_t *run_json(const char *text, size_t length)
{
	char *copy = strndup(text, length), *valid = copy ? text_utf8(copy) : NULL;
	json_t *json = valid ? json_string(valid) : NULL;

	free(copy);
	free(valid);
	return json;
}

static json_t *case_json(const struct piece *piece, unsigned depth)
{
	json_t *json = json_object(), *with = json_array();
	bool whole = json && with &&
	             json_object_set_new(json, "say", run_json(piece->text, piece->length)) == 0;

	for (size_t i = 0; whole && i < piece->n_parts; i++)
		whole = json_array_append_new(with, text_json(piece->parts[i].text,
		                                              piece->parts[i].length, depth + 1)) ==
		        0;
	if (!whole || json_object_set(json, "with", with) != 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(with);
	return json;
}

/* One piece stands alone, several in an array. */
static json_t *text_json(const char *text, size_t length, unsigned depth)
{
	const char *at = text, *end = text + length;
	json_t *array = depth < MESSAGE_DEPTH ? json_array() : json_string(""), *only;
	struct piece piece;

	if (!array || json_is_string(array))
		return array;
	while (next_piece(&at, end, &piece))
		if (json_array_append_new(
			    array, piece.is_case ? case_json(&piece, depth)
						 : run_json(piece.text, piece.length)) != 0) {
			json_decref(array);
			return NULL;
		}
	if (json_array_size(array) > 1)
		return array;
	only = json_array_size(array) ? json_incref(json_array_get(array, 0)) : json_string("");
	json_decref(array);
	return only;
}

json_t *message_json(const char *message)
{
	return text_json(message, strlen(message), 0);
}

static bool from_json(struct sink *sink, const json_t *json, unsigned depth);

static bool run_from_json(struct sink *sink, const json_t *json)
{
	for (const char *at = json_string_value(json); *at; at++)
		if ((unsigned char)*at > MARK_END)
			add(sink, at, 1);
	return true;
}

static bool case_from_json(struct sink *sink, const json_t *json, unsigned depth)
{
	const char *id = json_string_value(json_object_get(json, "say"));
	const json_t *with = json_object_get(json, "with");
	enum message message;

	if (!id || !find_case(id, strlen(id), &message) || !json_is_array(with) ||
	    json_array_size(with) > MESSAGE_PARTS)
		return false;
	add_mark(sink, MARK_CASE);
	add(sink, id, strlen(id));
	for (size_t i = 0; i < json_array_size(with); i++) {
		add_mark(sink, MARK_PART);
		if (!from_json(sink, json_array_get(with, i), depth + 1))
			return false;
	}
	add_mark(sink, MARK_END);
	return true;
}

static bool from_json(struct sink *sink, const json_t *json, unsigned depth)
{
	if (depth >= MESSAGE_DEPTH)
		return false;
	if (json_is_string(json))
		return run_from_json(sink, json);
	if (json_is_object(json))
		return case_from_json(sink, json, depth);
	for (size_t i = 0; json_is_array(json) && i < json_array_size(json); i++)
		if (!from_json(sink, json_array_get(json, i), depth + 1))
			return false;
	return json_is_array(json);
}

bool message_from_json(char *out, size_t size, const json_t *json)
{
	struct sink sink = {out, size, 0};

	out[0] = '\0';
	return from_json(&sink, json, 0);
}
