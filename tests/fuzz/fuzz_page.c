/* SPDX-License-Identifier: MIT
 *
 * fuzz_page.c - any JSON as a stored report. The page must be whole, no larger than a page may be,
 * valid UTF-8 without control characters, and hold no tag but those the writer has literals of:
 * nothing of the report became markup.
 *
 * Input: the JSON; a page in each language.
 */
#include "../../report/formats.h"
#include "../../report/text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGE_MAX 1000000
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static bool known_tag(const char *tag, size_t length)
{
	static const char *const tags[] = {
		"html", "head",   "meta",    "title",   "style", "body",   "a",          "header",
		"main", "footer", "section", "article", "div",   "span",   "p",          "b",
		"i",    "br",     "small",   "code",    "pre",   "h1",     "h2",         "h3",
		"ul",   "ol",     "li",      "dl",      "dt",    "dd",     "details",    "summary",
		"time", "table",  "caption", "thead",   "tbody", "tr",     "th",         "td",
		"svg",  "desc",   "pattern", "path",    "rect",  "figure", "figcaption",
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (strlen(tags[i]) == length && memcmp(tags[i], tag, length) == 0)
			return true;
	return false;
}

static void check_tags(const char *page)
{
	const char *at = page + strlen("<!doctype html>\n");

	while ((at = strchr(at, '<'))) {
		at += at[1] == '/' ? 2 : 1;
		MUST(known_tag(at, strcspn(at, " >")));
	}
}

static void check_characters(const char *page)
{
	uint32_t code;

	for (const char *at = page; *at;) {
		size_t length = text_next(at, &code);

		MUST(length > 0);
		MUST(!text_hides(code) || code == '\n');
		at += length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *report = json_loadb((const char *)data, size, 0, NULL);

	if (!report)
		return 0;
	for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
		char *page = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&page, &length);

		MUST(out && render_html(report, language, out));
		fclose(out);
		MUST(length < PAGE_MAX && strlen(page) == length);
		check_tags(page);
		check_characters(page);
		free(page);
	}
	json_decref(report);
	return 0;
}
