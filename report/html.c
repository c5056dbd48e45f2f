/* SPDX-License-Identifier: MIT
 *
 * html.c - see html.h.
 */
#include "html.h"

#include <string.h>

#include "text.h"

#define NS UINT64_C(1000000000)

static void put(struct html *h, const char *text, size_t length)
{
	fwrite(text, 1, length, h->out);
	h->bytes += length;
}

void h_markup(struct html *h, const char *markup)
{
	put(h, markup, strlen(markup));
}

static const char *entity(uint32_t code)
{
	return code == '&'    ? "&amp;"
	       : code == '<'  ? "&lt;"
	       : code == '>'  ? "&gt;"
	       : code == '"'  ? "&quot;"
	       : code == '\'' ? "&#39;"
	                      : NULL;
}

/* "U+202E", as code where there is markup. */
static void put_number(struct html *h, uint32_t code, bool markup)
{
	char text[16];

	snprintf(text, sizeof(text), "U+%04X", (unsigned)code);
	if (markup)
		H(h, "<code>");
	h_markup(h, text);
	if (markup)
		H(h, "</code>");
}

/* text_safe() has been here: "<U+202E>" is a character it found. Its length, or 0. */
static size_t marked(const char *text, uint32_t *code)
{
	size_t n = 3;

	if (strncmp(text, "<U+", 3) != 0)
		return 0;
	*code = 0;
	for (; strchr("0123456789ABCDEF", text[n]) && text[n] && n < 10; n++)
		*code = *code << 4 | (uint32_t)(text[n] < 'A' ? text[n] - '0' : text[n] - 'A' + 10);
	return n >= 7 && text[n] == '>' && text_hides(*code) ? n + 1 : 0;
}

/* The next character; returns its length. */
static size_t put_character(struct html *h, const char *text, bool markup)
{
	uint32_t code;
	size_t length = marked(text, &code);

	if (length) {
		put_number(h, code, markup);
		return length;
	}
	length = text_next(text, &code);
	if (length == 0) {
		put(h, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (entity(code))
		h_markup(h, entity(code));
	else if (text_hides(code))
		put_number(h, code, markup);
	else
		put(h, text, length);
	return length;
}

void h_text(struct html *h, const char *text)
{
	while (*text)
		text += put_character(h, text, true);
}

void h_short(struct html *h, const char *text, unsigned columns)
{
	for (; *text && columns; columns--)
		text += put_character(h, text, true);
	if (*text)
		H(h, "…");
}

void h_attr(struct html *h, const char *name, const char *value)
{
	H(h, " ");
	h_markup(h, name);
	H(h, "=\"");
	while (*value)
		value += put_character(h, value, false);
	H(h, "\"");
}

/* ---- figures ---- */

void h_num(struct html *h, uint64_t number)
{
	char text[TEXT_SHORT];

	h_markup(h, text_count(text, number));
}

void h_digits(struct html *h, uint64_t number)
{
	char text[TEXT_SHORT];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	h_markup(h, text);
}

void h_tenths(struct html *h, uint64_t tenths)
{
	h_digits(h, tenths / 10);
	if (tenths % 10) {
		H(h, ".");
		h_digits(h, tenths % 10);
	}
}

void h_bytes(struct html *h, uint64_t bytes)
{
	char text[TEXT_SHORT];

	h_markup(h, text_bytes(text, bytes));
}

void h_exact(struct html *h, uint64_t bytes)
{
	h_bytes(h, bytes);
	if (bytes < 1000)
		return;
	H(h, " <span class=x>");
	h_num(h, bytes);
	H(h, " B</span>");
}

void h_share(struct html *h, uint64_t part, uint64_t of)
{
	char text[TEXT_SHORT];

	h_markup(h, text_percent(text, part, of));
}

void h_real(struct html *h, double value)
{
	char text[TEXT_SHORT];

	if (value >= 0 && value < 9e18 && value == (double)(uint64_t)value) {
		h_num(h, (uint64_t)value);
		return;
	}
	snprintf(text, sizeof(text), "%.5g", value);
	h_markup(h, text);
}

/* ---- times ---- */

void h_moment(struct html *h, uint64_t ns)
{
	char message[MESSAGE_TIME], text[TEXT_SHORT];

	H(h, "<time");
	h_attr(h, "datetime", text_time(text, ns, 3));
	H(h, ">");
	h_message(h, message_time(message, ns));
	H(h, "</time>");
}

void h_span(struct html *h, uint64_t from_ns, uint64_t to_ns)
{
	char message[MESSAGE_TIME];

	h_message(h, message_span(message, from_ns, to_ns));
}

const char *h_duration_text(char out[H_DURATION], uint64_t ns)
{
	static const char *const nothing[] = {" 0 s", " 0 min", " 0 h"};
	size_t length = strlen(text_duration(out, ns));

	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++) {
		size_t tail = strlen(nothing[i]);

		if (length > tail && strcmp(out + length - tail, nothing[i]) == 0)
			out[length - tail] = '\0';
	}
	return out;
}

void h_duration(struct html *h, uint64_t ns)
{
	char text[H_DURATION];

	h_text(h, h_duration_text(text, ns));
}

/* ---- words ---- */

void h_message(struct html *h, const char *message)
{
	char words[6000];

	h_text(h, message_words(words, sizeof(words), message, &h->how));
}

void h_say(struct html *h, enum message message, const char *const *parts)
{
	char text[2000];

	h_message(h, message_say(text, sizeof(text), message, parts));
}
