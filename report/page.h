/* SPDX-License-Identifier: MIT
 *
 * page.h - a page of 80 columns: headings, wrapped lines, spans of time, and how a verdict looks.
 *
 * Writes what it is given; names of others are made safe (text_safe) before they come here.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message.h"
#include "report.h"

/* Both borrowed. Write errors stay in the stream. */
struct page {
	const struct report *report;
	FILE *out;
	bool colour;
	struct telling telling;
};

struct page_look {
	const char *word, *mark, *colour;
};

extern const struct page_look page_looks[STATUS_COUNT];

/* `colour`, or nothing on a page without. */
const char *page_paint(const struct page *page, const char *colour);

void page_heading(const struct page *page, const char *text);

/* Words of `text`, each line indented; a word longer than a line stands alone. */
void page_wrap(const struct page *page, const char *text, unsigned indent);

/* The same; when it `hangs`, the first line stands behind what is already there. */
void page_wrap_behind(const struct page *page, const char *text, unsigned indent, bool hangs);

/* A message in words, wrapped. */
void page_tell(const struct page *page, const char *message, unsigned indent);

/* A path made safe, its end rather than its beginning; returns `out`. */
const char *page_path(char *out, size_t size, const char *path, unsigned columns);

/* `text`, filled up with spaces to `columns`. */
void page_pad(const struct page *page, const char *text, unsigned columns);

/* "2026-01-02 15:04:05 to 15:04:45", with the day twice when it is not the same: as text, or on the
 * page. */
void page_span(char *out, size_t size, uint64_t from_ns, uint64_t to_ns);
void page_print_span(const struct page *page, uint64_t from_ns, uint64_t to_ns);

#endif
