/* SPDX-License-Identifier: MIT
 *
 * page.h - a page of 80 columns of a stored report: headings, wrapped lines, how a verdict looks.
 *
 * Writes messages in the page's language; names of others are made safe (text_safe) before they
 * come here. A Chinese character takes two columns and may begin a line, a mark may not.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report.h"
#include "stored.h"
#include "text.h"

/* Both borrowed. Write errors stay in the stream. */
struct page {
	const json_t *report;
	FILE *out;
	bool colour;
	struct telling telling;
};

struct page_look {
	enum message word;
	const char *mark, *colour;
};

extern const struct page_look page_looks[STATUS_COUNT];

/* The status a finding or a report names; not_assessed when it is none we know. */
enum status page_status(const json_t *o, const char *key);

/* `colour`, or nothing on a page without. */
const char *page_paint(const struct page *page, const char *colour);

/* A line between empty ones and its text, a message. */
void page_heading(const struct page *page, const char *message);

/* A message in words, each line indented; a word longer than a line stands alone. */
void page_tell(const struct page *page, const char *message, unsigned indent);

/* The same; when it `hangs`, the first line stands behind what is already there. */
void page_tell_behind(const struct page *page, const char *message, unsigned indent, bool hangs);

/* A message on the line that is there. */
void page_put(const struct page *page, const char *message);
#define PAGE_PUT(page, id, ...) page_put(page, SAY((char[1200]){0}, 1200, id, ##__VA_ARGS__))

/* Plain words wrapped, for whoever has no page. */
void page_wrap(FILE *out, const char *words, unsigned indent, bool hangs);

/* A path made safe, its end rather than its beginning; returns `out`. */
const char *page_path(char *out, size_t size, const char *path, unsigned columns);

/* Words of a message, filled up with spaces to `columns`: behind them, or before them. */
void page_pad(const struct page *page, const char *message, unsigned columns);
void page_pad_left(const struct page *page, const char *message, unsigned columns);

/* A moment by the site's clocks to the microsecond: "2026-01-01 14:02:01.001000 CET". Returns out.
 */
const char *page_moment(const struct page *page, char out[MESSAGE_TIME], uint64_t ns);

/* The time between two members of an object that are times. */
const char *page_span(char out[MESSAGE_TIME], const json_t *o, const char *from, const char *to);

/* A count, an amount of bytes, a share of such members, as texts. Return out. */
const char *page_count(char out[TEXT_SHORT], const json_t *o, const char *key);
const char *page_bytes(char out[TEXT_SHORT], const json_t *o, const char *key);

#endif
