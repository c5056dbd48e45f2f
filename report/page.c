/* SPDX-License-Identifier: MIT
 *
 * page.c - see page.h.
 */
#include "page.h"

#include <string.h>

#define COLUMNS   79
#define WORDS_MAX 8000

const struct page_look page_looks[STATUS_COUNT] = {
	[STATUS_PASS] = {MESSAGE_text_pass, "+", "\033[32m"},
	[STATUS_WARN] = {MESSAGE_text_warn, "!", "\033[33m"},
	[STATUS_FAIL] = {MESSAGE_text_fail, "x", "\033[31m"},
	[STATUS_NOT_ASSESSED] = {MESSAGE_text_not_assessed, "?", "\033[36m"},
	[STATUS_NOT_APPLICABLE] = {MESSAGE_text_not_applicable, "-", "\033[2m"},
	[STATUS_ERROR] = {MESSAGE_text_error, "x", "\033[31m"},
	[STATUS_WAIVED] = {MESSAGE_text_waived, "-", "\033[2m"},
};

enum status page_status(const json_t *o, const char *key)
{
	size_t status = stored_choice(o, key, status_names, STATUS_COUNT);

	return status < STATUS_COUNT ? (enum status)status : STATUS_NOT_ASSESSED;
}

const char *page_paint(const struct page *page, const char *colour)
{
	return page->colour ? colour : "";
}

void page_heading(const struct page *page, const char *message)
{
	fprintf(page->out, "\n%s", page_paint(page, "\033[1m"));
	page_put(page, message);
	fprintf(page->out, "%s\n", page_paint(page, "\033[0m"));
}

/* ---- lines ---- */

/* Bytes of the character at `text`, and the columns it takes. */
static size_t character(const char *text, unsigned *columns)
{
	uint32_t code;
	size_t length = text_next(text, &code);

	*columns = length ? text_columns(code) : 1;
	return length ? length : 1;
}

/* Does a mark stand here that must not begin a line? */
static bool closes(const char *text)
{
	static const char *const marks[] = {"，", "。", "、", "；", "：", "）", "”"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strncmp(text, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* Does a mark stand here that must not end one? */
static bool opens(const char *text)
{
	return strncmp(text, "（", strlen("（")) == 0 || strncmp(text, "“", strlen("“")) == 0;
}

/* Does a unit stand here, behind its number and a blank? */
static bool is_unit(const char *text)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "%", "s", "min", "h", "d"};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t length = strlen(units[i]);

		if (strncmp(text, units[i], length) == 0 &&
		    (strchr(" ,;.:)", text[length]) || (unsigned char)text[length] >= 0x80))
			return true;
	}
	return false;
}

/* What must stay together: a wide character, or a word up to the next blank or wide one; the marks
 * behind it, and the unit behind a number. */
static size_t piece(const char *text, unsigned *columns)
{
	unsigned next;
	size_t length = character(text, columns), more;
	bool word = *columns == 1, open = opens(text);

	for (; text[length]; length += more) {
		bool figure = text[length - 1] >= '0' && text[length - 1] <= '9';

		more = character(text + length, &next);
		if (text[length] == ' ' && !(figure && is_unit(text + length + 1)))
			break;
		if (!open && (next == 2 ? !closes(text + length) : !word))
			break;
		word = next == 1 && (word || open);
		open = opens(text + length);
		*columns += next;
	}
	return length;
}

void page_wrap(FILE *out, const char *words, unsigned indent, bool hangs)
{
	unsigned column = indent, columns;
	bool begun = false, space = false;

	while (*words) {
		size_t length;

		if (*words == ' ') {
			space = begun;
			words++;
			continue;
		}
		length = piece(words, &columns);
		if (begun && column + space + columns > COLUMNS) {
			fputc('\n', out);
			column = indent;
			begun = hangs = space = false;
		}
		if (!begun)
			fprintf(out, "%*s", (int)(hangs ? 0 : indent), "");
		fprintf(out, "%s%.*s", space ? " " : "", (int)length, words);
		column += columns + space;
		begun = true;
		space = false;
		words += length;
	}
	fputc('\n', out);
}

void page_tell_behind(const struct page *page, const char *message, unsigned indent, bool hangs)
{
	char words[WORDS_MAX];

	page_wrap(page->out, message_words(words, sizeof(words), message, &page->telling), indent,
	          hangs);
}

void page_tell(const struct page *page, const char *message, unsigned indent)
{
	page_tell_behind(page, message, indent, false);
}

void page_put(const struct page *page, const char *message)
{
	char words[WORDS_MAX];

	fputs(message_words(words, sizeof(words), message, &page->telling), page->out);
}

/* The end of a long path says more than its beginning. */
const char *page_path(char *out, size_t size, const char *path, unsigned columns)
{
	const char *tail = path, *slash;
	char short_path[512];

	if (strlen(path) <= columns)
		return text_safe(out, size, path, columns);
	while (strlen(tail) + 4 > columns && (slash = strchr(tail, '/')) && slash[1])
		tail = slash + 1;
	snprintf(short_path, sizeof(short_path), "%s%s", tail > path ? ".../" : "", tail);
	return text_safe(out, size, short_path, columns);
}

/* printf's %-*s counts bytes. */
void page_pad(const struct page *page, const char *message, unsigned columns)
{
	char words[WORDS_MAX];
	unsigned wide = text_width(message_words(words, sizeof(words), message, &page->telling));

	fprintf(page->out, "%s%*s", words, (int)(wide < columns ? columns - wide : 0), "");
}

void page_pad_left(const struct page *page, const char *message, unsigned columns)
{
	char words[WORDS_MAX];
	unsigned wide = text_width(message_words(words, sizeof(words), message, &page->telling));

	fprintf(page->out, "%*s%s", (int)(wide < columns ? columns - wide : 0), "", words);
}

const char *page_moment(const struct page *page, char out[MESSAGE_TIME], uint64_t ns)
{
	char text[MESSAGE_TIME], *name;
	struct zone utc;

	zone_utc(&utc);
	zone_text(page->telling.zone ? page->telling.zone : &utc, (int64_t)(ns / 1000000000u), text,
	          sizeof(text));
	name = strrchr(text, ' ');
	snprintf(out, MESSAGE_TIME, "%.*s.%06u%s", (int)(name ? name - text : 0), text,
	         (unsigned)(ns % 1000000000u / 1000), name ? name : "");
	return out;
}

const char *page_span(char out[MESSAGE_TIME], const json_t *o, const char *from, const char *to)
{
	return message_span(out, stored_time(o, from), stored_time(o, to));
}

const char *page_count(char out[TEXT_SHORT], const json_t *o, const char *key)
{
	return text_count(out, stored_number(o, key));
}

const char *page_bytes(char out[TEXT_SHORT], const json_t *o, const char *key)
{
	return text_bytes(out, stored_number(o, key));
}
