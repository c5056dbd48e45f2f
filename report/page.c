/* SPDX-License-Identifier: MIT
 *
 * page.c - see page.h.
 */
#include "page.h"

#include <string.h>

#include "text.h"

#define COLUMNS 79

const struct page_look page_looks[STATUS_COUNT] = {
	[STATUS_PASS] = {"PASS", "+", "\033[32m"},
	[STATUS_WARN] = {"WARN", "!", "\033[33m"},
	[STATUS_FAIL] = {"FAIL", "x", "\033[31m"},
	[STATUS_NOT_ASSESSED] = {"NOT ASSESSED", "?", "\033[36m"},
	[STATUS_NOT_APPLICABLE] = {"not applicable", "-", "\033[2m"},
	[STATUS_ERROR] = {"ERROR", "x", "\033[31m"},
	[STATUS_WAIVED] = {"waived", "-", "\033[2m"},
};

const char *page_paint(const struct page *page, const char *colour)
{
	return page->colour ? colour : "";
}

void page_heading(const struct page *page, const char *text)
{
	fprintf(page->out, "\n%s%s%s\n", page_paint(page, "\033[1m"), text,
	        page_paint(page, "\033[0m"));
}

/* Length of the word at `text`; a number and the unit behind it are one. */
static size_t word_length(const char *text)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "%", "s", "min", "h", "d"};
	size_t length = strcspn(text, " ");
	const char *next = text + length + 1;

	if (length == 0 || text[length] == '\0' || text[length - 1] < '0' || text[length - 1] > '9')
		return length;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strcspn(next, " ,;.:)") == strlen(units[i]) &&
		    strncmp(next, units[i], strlen(units[i])) == 0)
			return length + 1 + strcspn(next, " ");
	return length;
}

/* Words of `text`, each line indented, the first one too unless it `hangs` behind what is already
 * there; a word longer than a line stands alone. */
void page_wrap_behind(const struct page *page, const char *text, unsigned indent, bool hangs)
{
	unsigned column = indent;
	bool begun = false;

	while (*text) {
		size_t length = word_length(text);
		char word[256];
		unsigned wide;

		snprintf(word, sizeof(word), "%.*s", (int)(length < 255 ? length : 255), text);
		wide = text_width(word);
		if (begun && column + 1 + wide > COLUMNS) {
			fputc('\n', page->out);
			begun = hangs = false;
			column = indent;
		}
		if (!begun)
			fprintf(page->out, "%*s", (int)(hangs ? 0 : indent), "");
		else
			column += (unsigned)fprintf(page->out, " ");
		fputs(word, page->out);
		column += wide;
		begun = true;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', page->out);
}

void page_wrap(const struct page *page, const char *text, unsigned indent)
{
	page_wrap_behind(page, text, indent, false);
}

void page_tell(const struct page *page, const char *message, unsigned indent)
{
	char words[6000];

	page_wrap(page, message_words(words, sizeof(words), message, &page->telling), indent);
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

/* printf's %-*s counts bytes; names may hold longer characters. */
void page_pad(const struct page *page, const char *text, unsigned columns)
{
	unsigned wide = text_width(text);

	fprintf(page->out, "%s%*s", text, (int)(wide < columns ? columns - wide : 0), "");
}

/* "2026-01-02 15:04:05 to 15:04:45", with the day twice when it is not the same. */
void page_span(char *out, size_t size, uint64_t from_ns, uint64_t to_ns)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];

	text_moment(a, from_ns);
	text_moment(b, to_ns);
	snprintf(out, size, "%.19s to %.*s", a, (int)(strncmp(a, b, 10) == 0 ? 8 : 19),
	         strncmp(a, b, 10) == 0 && strlen(b) > 19 ? b + 11 : b);
}

void page_print_span(const struct page *page, uint64_t from_ns, uint64_t to_ns)
{
	char span[80];

	page_span(span, sizeof(span), from_ns, to_ns);
	fputs(span, page->out);
}
