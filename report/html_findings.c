/* SPDX-License-Identifier: MIT
 *
 * html_findings.c - what the rules say, failures first; every number of every check behind it.
 */
#include "html_page.h"

#include <string.h>

#include "explain.h"
#include "figure.h"
#include "text.h"

#define SHOWN_FINDINGS 80  /* at length */
#define SHOWN_ROWS     400 /* of a table */

static const json_t *findings_of(const struct telling_page *page)
{
	return json_object_get(page->report, "findings");
}

static void wan_badge(struct html *h, const json_t *finding)
{
	char name[STORED_NAME];

	if (!stored_has(finding, "wan"))
		return;
	H(h, " <span class=wan>");
	h_text(h, stored_name(name, finding, "wan", 40));
	H(h, "</span>");
}

static void message_of(struct html *h, const json_t *o, const char *key)
{
	char text[6000];

	h_message(h, stored_message(text, sizeof(text), o, key));
}

/* ---- the number and its limit ---- */

/* "Observed 12 % (3 of 25), limit 1 % (payload_share)" */
static void observed_line(struct html *h, const json_t *finding)
{
	const json_t *observed = json_object_get(finding, "observed");
	const char *unit = stored_text(observed, "unit");
	char value[FIGURE_SAY], part[TEXT_SHORT], of[TEXT_SHORT];

	if (!stored_has(observed, "value"))
		return;
	H(h, "<p class=obs>");
	figure_say(value, stored_real(observed, "value"), unit);
	if (strcmp(unit, "ratio") == 0)
		H_SAY(h, page_observed_of, value,
		      text_count(part, stored_number(observed, "numerator")),
		      text_count(of, stored_number(observed, "denominator")));
	else
		H_SAY(h, page_observed, value);
	if (stored_has(finding, "limit")) {
		H(h, " · ");
		H_SAY(h, page_limit_is, figure_say(value, stored_real(finding, "limit"), unit));
	}
	if (stored_has(finding, "limit_key")) {
		H(h, " <code>");
		h_short(h, stored_text(finding, "limit_key"), 60);
		H(h, "</code>");
	}
}

/* ---- what to do ---- */

static void fix_block(struct html *h, const json_t *finding)
{
	const struct explain_row *row = explain_find(stored_text(finding, "rule"));
	const struct explain_words *words;

	if (!row)
		return;
	words = &row->words[h->how.language];
	H(h, "<details class=fix><summary>");
	H_SAY(h, page_fix);
	H(h, "</summary><p>");
	h_text(h, words->fix);
	if (row->uci) {
		H(h, "<p>");
		H_SAY(h, page_router_lines);
		H(h, "<pre tabindex=0>");
		for (const char *at = row->uci; *at;) {
			size_t line = strcspn(at, "\n");
			char copy[200];

			snprintf(copy, sizeof(copy), "%.*s", (int)line, at);
			h_text(h, copy);
			H(h, "\n");
			at += line + (at[line] == '\n');
		}
		H(h, "</pre>");
	}
	if (row->role) {
		H(h, "<p>");
		h_text(h, explain_roles[h->how.language]);
	}
	H(h, "<p><b>");
	H_SAY(h, page_verify);
	H(h, "</b> ");
	h_text(h, words->verify);
	H(h, "</details>");
}

/* ---- what shows it ---- */

static void evidence_row(struct html *h, const json_t *frame)
{
	H(h, "<tr><td>");
	h_short(h, stored_text(frame, "file"), 80);
	H(h, "<td><code>");
	h_short(h, stored_text(frame, "filter"), 80);
	H(h, "</code><td>");
	if (stored_time(frame, "time"))
		h_moment(h, stored_time(frame, "time"));
	H(h, "<td>");
	message_of(h, frame, "note");
}

static void evidence_block(struct html *h, const json_t *finding)
{
	const json_t *frames = json_object_get(finding, "evidence");
	size_t n = json_array_size(frames), i = 0;
	char count[TEXT_SHORT], caption[80];

	if (n == 0)
		return;
	H(h, "<details><summary>");
	H_SAY(h, page_evidence, text_count(count, n));
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_evidence_caption));
	html_head(h, MESSAGE_page_file);
	html_head(h, MESSAGE_page_filter);
	html_head(h, MESSAGE_page_when);
	html_head(h, MESSAGE_page_shows);
	H(h, "<tbody>");
	for (; i < n && i < 12 && h_room(h); i++)
		evidence_row(h, json_array_get(frames, i));
	html_table_end(h);
	html_more(h, n - i);
	H(h, "</details>");
}

/* ---- at length: what failed or warns ---- */

static void open_finding(struct html *h, enum status status, size_t index)
{
	if (status == STATUS_WARN)
		H(h, "<article class=\"finding warn\" id=f");
	else if (status == STATUS_WAIVED)
		H(h, "<article class=finding id=f");
	else
		H(h, "<article class=\"finding fail\" id=f");
	h_digits(h, index);
	H(h, ">");
}

static void finding_article(struct html *h, const json_t *finding, size_t index)
{
	const char *rule = stored_text(finding, "rule");

	open_finding(h, html_status_of(finding), index);
	H(h, "<h3>");
	message_of(h, finding, "title");
	wan_badge(h, finding);
	H(h, " <span class=rule>");
	h_short(h, rule, 8);
	H(h, "</span></h3><p class=status>");
	html_status(h, html_status_of(finding));
	H(h, "<p>");
	message_of(h, finding, "text");
	observed_line(h, finding);
	H(h, "<p class=why><b>");
	H_SAY(h, page_why);
	H(h, "</b> ");
	message_of(h, finding, "why");
	fix_block(h, finding);
	evidence_block(h, finding);
	H(h, "</article>");
}

/* ---- in rows: the others ---- */

static void row_start(struct html *h, const json_t *finding)
{
	H(h, "<tr><th scope=row>");
	message_of(h, finding, "title");
	H(h, " <span class=rule>");
	h_short(h, stored_text(finding, "rule"), 8);
	H(h, "</span><td>");
	if (stored_has(finding, "wan")) {
		H(h, "<span class=wan>");
		h_short(h, stored_text(finding, "wan"), 40);
		H(h, "</span>");
	}
	H(h, "<td>");
}

static size_t count_of(const struct telling_page *page, enum status status)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(findings_of(page)); i++)
		n += html_status_of(json_array_get(findings_of(page), i)) == status;
	return n;
}

static void limit_cell(struct html *h, const json_t *finding)
{
	H(h, "<td class=n>");
	if (stored_has(finding, "limit"))
		html_value(h, stored_real(finding, "limit"),
		           stored_text(json_object_get(finding, "observed"), "unit"));
}

static void rows_of(struct telling_page *page, enum status status)
{
	struct html *h = &page->h;
	size_t told = 0;

	for (size_t i = 0; i < json_array_size(findings_of(page)); i++) {
		const json_t *finding = json_array_get(findings_of(page), i);

		if (html_status_of(finding) != status || told >= SHOWN_ROWS || !h_room(h))
			continue;
		told++;
		row_start(h, finding);
		message_of(h, finding,
		           status == STATUS_PASS && stored_has(finding, "brief") ? "brief"
		                                                                 : "text");
		if (status == STATUS_PASS)
			limit_cell(h, finding);
	}
}

static void group(struct telling_page *page, enum status status, enum message caption,
                  enum message column)
{
	struct html *h = &page->h;
	char text[100];

	if (count_of(page, status) == 0)
		return;
	if (status == STATUS_PASS) {
		H(h, "<details><summary>");
		html_status(h, status);
		H(h, " ");
		h_num(h, count_of(page, status));
		H(h, "</summary>");
	} else {
		H(h, "<h3 class=group>");
		html_status(h, status);
		H(h, "</h3>");
	}
	html_table(h, message_say(text, sizeof(text), caption, (const char *const[]){NULL}));
	html_head(h, MESSAGE_page_check);
	html_head(h, MESSAGE_page_line);
	html_head(h, column);
	if (status == STATUS_PASS)
		html_head_num(h, MESSAGE_page_limit);
	H(h, "<tbody>");
	rows_of(page, status);
	html_table_end(h);
	if (count_of(page, status) > SHOWN_ROWS)
		html_more(h, count_of(page, status) - SHOWN_ROWS);
	if (status == STATUS_PASS)
		H(h, "</details>");
}

static void not_applicable(struct telling_page *page)
{
	struct html *h = &page->h;
	size_t n = count_of(page, STATUS_NOT_APPLICABLE);
	char count[TEXT_SHORT], caption[100];

	if (n == 0)
		return;
	H(h, "<details><summary>");
	H_SAY(h, page_not_applicable, text_count(count, n));
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_not_applicable, count));
	html_head(h, MESSAGE_page_check);
	html_head(h, MESSAGE_page_line);
	html_head(h, MESSAGE_page_reason);
	H(h, "<tbody>");
	rows_of(page, STATUS_NOT_APPLICABLE);
	html_table_end(h);
	html_more(h, n > SHOWN_ROWS ? n - SHOWN_ROWS : 0);
	H(h, "</details>");
}

/* ---- every number ---- */

static void parts_cell(struct html *h, const json_t *parts)
{
	const char *key;
	json_t *part;
	size_t told = 0;

	H(h, "<td class=parts>");
	json_object_foreach((json_t *)parts, key, part)
	{
		if (told++ >= 16)
			break;
		H(h, "<span><code>");
		h_short(h, key, 60);
		H(h, "</code> ");
		if (json_is_object(part)) {
			h_num(h, stored_number(part, "numerator"));
			H(h, " / ");
			h_num(h, stored_number(part, "denominator"));
		} else {
			h_real(h, json_number_value(part));
		}
		H(h, "</span> ");
	}
}

static void number_row(struct html *h, const json_t *finding)
{
	const json_t *observed = json_object_get(finding, "observed");

	H(h, "<tr><th scope=row>");
	h_short(h, stored_text(finding, "rule"), 8);
	wan_badge(h, finding);
	H(h, "<td>");
	html_status(h, html_status_of(finding));
	H(h, "<td class=n>");
	if (stored_has(observed, "value"))
		html_value(h, stored_real(observed, "value"), stored_text(observed, "unit"));
	H(h, "<td class=n>");
	if (stored_has(observed, "numerator"))
		h_num(h, stored_number(observed, "numerator"));
	H(h, "<td class=n>");
	if (stored_has(observed, "denominator"))
		h_num(h, stored_number(observed, "denominator"));
	limit_cell(h, finding);
	parts_cell(h, json_object_get(observed, "parts"));
}

static void all_numbers(struct telling_page *page)
{
	struct html *h = &page->h;
	size_t n = json_array_size(findings_of(page)), i = 0;
	char caption[100];

	H(h, "<details><summary>");
	H_SAY(h, page_all_numbers);
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_all_numbers));
	html_head(h, MESSAGE_page_check);
	html_head(h, MESSAGE_page_status);
	html_head_num(h, MESSAGE_page_value);
	html_head_num(h, MESSAGE_page_observed_column);
	html_head_num(h, MESSAGE_page_of);
	html_head_num(h, MESSAGE_page_limit);
	html_head(h, MESSAGE_page_parts);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_ROWS && h_room(h); i++)
		number_row(h, json_array_get(findings_of(page), i));
	html_table_end(h);
	html_more(h, n - i);
	H(h, "</details>");
}

/* ---- the section ---- */

static void counts_line(struct telling_page *page)
{
	struct html *h = &page->h;

	H(h, "<ul class=counts>");
	for (size_t s = 0; s < STATUS_COUNT; s++) {
		size_t n = count_of(page, (enum status)s);

		if (n == 0)
			continue;
		H(h, "<li>");
		html_status(h, (enum status)s);
		H(h, " <b>");
		h_num(h, n);
		H(h, "</b>");
	}
	H(h, "</ul>");
}

void html_findings(struct telling_page *page)
{
	static const enum status told[] = {STATUS_FAIL, STATUS_ERROR, STATUS_WARN, STATUS_WAIVED};
	struct html *h = &page->h;
	size_t shown = 0, left_out = 0;

	H(h, "<section id=findings><h2>");
	H_SAY(h, page_findings);
	H(h, "</h2>");
	counts_line(page);
	for (size_t s = 0; s < sizeof(told) / sizeof(*told); s++)
		for (size_t i = 0; i < json_array_size(findings_of(page)); i++) {
			const json_t *finding = json_array_get(findings_of(page), i);

			if (html_status_of(finding) != told[s])
				continue;
			if (shown < SHOWN_FINDINGS && h_room(h)) {
				finding_article(h, finding, i);
				shown++;
			} else {
				left_out++;
			}
		}
	html_more(h, left_out);
	group(page, STATUS_NOT_ASSESSED, MESSAGE_page_not_judged, MESSAGE_page_reason);
	group(page, STATUS_PASS, MESSAGE_page_passed, MESSAGE_page_result);
	not_applicable(page);
	all_numbers(page);
	H(h, "</section>");
}
