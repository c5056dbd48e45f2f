/* SPDX-License-Identifier: MIT
 *
 * html_page.h - the sections of the page, each a function of the stored report: used by
 * render_html.c only.
 */
#ifndef REPORT_HTML_PAGE_H
#define REPORT_HTML_PAGE_H

#include <jansson.h>

#include "html.h"
#include "report.h"
#include "stored.h"

/* A report being told. */
struct telling_page {
	struct html h;
	const json_t *report;
};

/* The style of the page; static text. */
extern const char html_style[];

/* ---- what several sections say ---- */

/* The symbol and word of a status, in its colour. */
void html_status(struct html *h, enum status status);
enum status html_status_of(const json_t *finding);

/* A number of a finding in its unit: "1.2 MB", "0.12 %", "3.4 s". As text. */
void html_value(struct html *h, double value, const char *unit);

/* A WAN's name, its role in words as a message; the WAN of this name. */
const char *html_role(const json_t *wan, char *out, size_t size);
bool html_is_backup(const json_t *wan);

/* A row of a card: words and an amount; what is not good is coloured. */
void html_fact(struct html *h, enum message words, uint64_t bytes, bool good);

/* The carrier's bill set against what was seen; nothing when none was given. */
void html_bill(struct html *h, const json_t *report);

/* What it comes to, in a headline: a message. */
void html_say_bill(const json_t *report, char *out, size_t size);
bool html_is_primary(const json_t *wan);

/* A table's start with its caption (a message) and its end; a cell of a header. It may be scrolled
 * sideways where it is too wide. */
void html_table(struct html *h, const char *caption);
void html_table_end(struct html *h);
void html_head(struct html *h, enum message words);
void html_head_num(struct html *h, enum message words);

/* "<p>K more in the JSON", unless K is 0. */
void html_more(struct html *h, size_t left_out);

/* A cell, right-aligned. */
void html_cell_num(struct html *h, uint64_t number);
void html_cell_bytes(struct html *h, uint64_t bytes);

/* ---- the sections ---- */

void html_answers(struct telling_page *page);   /* html_answers.c: the verdict and four answers */
void html_findings(struct telling_page *page);  /* html_findings.c */
void html_over_time(struct telling_page *page); /* html_time.c: charts, interruptions */
void html_trend(
	struct telling_page *page); /* html_trend.c: earlier audits, when the report has them */
void html_connections(struct telling_page *page);
void html_carried(struct telling_page *page);  /* html_use.c: kinds and causes of each WAN */
void html_coverage(struct telling_page *page); /* html_coverage.c: files, what is missing */
void html_expected(struct telling_page *page);
void html_method(struct telling_page *page);

#endif
