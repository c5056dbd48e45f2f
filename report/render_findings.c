/* SPDX-License-Identifier: MIT
 *
 * render_findings.c - see render_sections.h: what the rules say.
 */
#include "render_sections.h"

#include <string.h>

#include "explain.h"
#include "figure.h"

#define FINDING_TEXT 3000

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return strcmp(stored_text(a, key), stored_text(b, key)) == 0;
}

/* ---- evidence ---- */

/* The frames of one file that prove one thing: where, since when, and what to paste into
 * Wireshark. Returns how many. */
static size_t print_proof(const struct page *page, const json_t *frames, size_t from)
{
	const json_t *first = json_array_get(frames, from), *next;
	char safe[200], path[STORED_NAME], when[MESSAGE_TIME], note[400];
	size_t n = 1;

	while ((next = json_array_get(frames, from + n)) && same(first, next, "file") &&
	       same(first, next, "note"))
		n++;
	stored_name(path, first, "file", 390);
	fprintf(page->out,
	        "         %s: ", page_path(safe, sizeof(safe), path[0] ? path : "-", 30));
	page_put(page, stored_message(note, sizeof(note), first, "note"));
	fprintf(page->out, "\n           frame.number %s", n == 1 ? "== " : "in {");
	for (size_t i = 0; i < n; i++)
		fprintf(page->out, "%s%llu", i ? ", " : "",
		        (unsigned long long)stored_number(json_array_get(frames, from + i),
		                                          "frame"));
	fprintf(page->out, "%s  %s\n", n == 1 ? "" : "}",
	        page_moment(page, when, stored_time(first, "time")));
	return n;
}

static void print_evidence(const struct page *page, const json_t *finding)
{
	const json_t *frames = json_object_get(finding, "evidence");

	for (size_t i = 0; i < json_array_size(frames);)
		i += print_proof(page, frames, i);
}

/* ---- numbers ---- */

static void print_observed(const struct page *page, const json_t *finding)
{
	const json_t *observed = json_object_get(finding, "observed");
	const char *unit = stored_text(observed, "unit");
	double value = stored_real(observed, "value"), limit = stored_real(finding, "limit");
	char line[400], a[FIGURE_SAY], b[TEXT_SHORT], c[TEXT_SHORT];

	/* below its limit, the number is not the reason */
	if (!stored_has(observed, "value") || (stored_has(finding, "limit") && value <= limit))
		return;
	figure_say(a, value, unit);
	if (strcmp(unit, "ratio") == 0)
		SAY_IN(line, text_observed_of, a, page_count(b, observed, "numerator"),
		       page_count(c, observed, "denominator"));
	else
		SAY_IN(line, text_observed, a);
	if (stored_has(finding, "limit"))
		MORE_IN(line, text_comma_limit, figure_say(a, limit, unit));
	fputs("         ", page->out);
	page_put(page, line);
	if (stored_has(finding, "limit_key"))
		fprintf(page->out, " (%s)",
		        stored_name((char[STORED_NAME]){0}, finding, "limit_key", 60));
	fputc('\n', page->out);
}

/* ---- findings ---- */

static void print_mark(const struct page *page, const json_t *finding)
{
	enum status status = page_status(finding, "status");
	char rule[STORED_NAME];

	fprintf(page->out, "  %s%s %-4s%s ", page_paint(page, page_looks[status].colour),
	        page_looks[status].mark, stored_name(rule, finding, "rule", 8),
	        page_paint(page, "\033[0m"));
}

/* What to do about a failure: in English a line, as the page of the check says more. */
static void print_fix(const struct page *page, const json_t *finding)
{
	const struct explain_row *row = explain_find(stored_text(finding, "rule"));
	char line[1200], nothing[60];

	if (!row || page_status(finding, "status") != STATUS_FAIL)
		return;
	SAY_IN(nothing, text_no_fix);
	if (page->telling.language != LANGUAGE_EN)
		SAY_IN(line, text_fix, row->words[page->telling.language].fix, row->id);
	else
		SAY_IN(line, text_fix, row->brief ? row->brief : nothing, row->id);
	page_tell(page, line, 9);
}

/* A failure or a warning: all there is to know about it. */
static void print_finding(const struct page *page, const json_t *finding)
{
	char name[STORED_NAME], text[FINDING_TEXT];

	print_mark(page, finding);
	stored_name(name, finding, "wan", 20);
	if (name[0]) {
		fputs(name, page->out);
		PAGE_PUT(page, comma);
	}
	page_put(page, stored_message(text, sizeof(text), finding, "title"));
	PAGE_PUT(page, text_colon);
	page_put(page,
	         message_say(text, sizeof(text), page_looks[page_status(finding, "status")].word,
	                     (const char *const[]){NULL}));
	fputc('\n', page->out);
	page_tell(page, stored_message(text, sizeof(text), finding, "text"), 9);
	print_observed(page, finding);
	page_tell(page, stored_message(text, sizeof(text), finding, "why"), 9);
	print_fix(page, finding);
	print_evidence(page, finding);
}

static bool told_before(const json_t *findings, size_t index, const char *key)
{
	const json_t *finding = json_array_get(findings, index);

	for (size_t i = 0; i < index; i++) {
		const json_t *other = json_array_get(findings, i);

		if (same(other, finding, "status") && same(other, finding, key))
			return true;
	}
	return false;
}

/* What could not be assessed: why, once for all rules with the same reason. */
static void print_unassessed(const struct page *page, const json_t *findings, size_t index)
{
	const json_t *finding = json_array_get(findings, index), *other;
	const char *last = stored_text(finding, "rule");
	char text[FINDING_TEXT], line[FINDING_TEXT + 400], rules[300] = "", rule[STORED_NAME];

	if (told_before(findings, index, "text"))
		return;
	for (size_t i = index; (other = json_array_get(findings, i)) && strlen(rules) < 200; i++) {
		if (!same(other, finding, "status") ||
		    strcmp(stored_text(other, "rule"), last) == 0 || !same(other, finding, "text"))
			continue;
		last = stored_text(other, "rule");
		if (rules[0])
			MORE_IN(rules, comma);
		strncat(rules, stored_name(rule, other, "rule", 8), 40);
	}
	stored_message(text, sizeof(text), finding, "text");
	if (rules[0])
		SAY_IN(line, text_and_rules, rules, text);
	else
		snprintf(line, sizeof(line), "%s", text);
	print_mark(page, finding);
	page_tell_behind(page, line, 9, true);
	print_evidence(page, finding);
}

/* What passed: a line for each rule, with a few words for each WAN. */
static void print_passed(const struct page *page, const json_t *findings, size_t index)
{
	const json_t *finding = json_array_get(findings, index), *other;
	const char *unit = stored_text(json_object_get(finding, "observed"), "unit");
	char line[6000], text[FINDING_TEXT], name[STORED_NAME], limit[FIGURE_SAY];
	bool first = true;

	if (told_before(findings, index, "rule"))
		return;
	stored_message(text, sizeof(text), finding, "title");
	SAY_IN(line, text_rule_colon, text);
	for (size_t i = index; (other = json_array_get(findings, i)); i++) {
		if (!same(other, finding, "status") || !same(other, finding, "rule") ||
		    strlen(line) + 1000 > sizeof(line))
			continue;
		if (!first)
			MORE_IN(line, comma);
		first = false;
		MORE_IN(line, text_wan_brief, stored_name(name, other, "wan", 20),
		        stored_message(text, sizeof(text), other, "brief"));
	}
	if (stored_has(finding, "limit_key") && unit[0])
		MORE_IN(line, text_then_limit,
		        figure_say(limit, stored_real(finding, "limit"), unit));
	print_mark(page, finding);
	page_tell_behind(page, line, 9, true);
}

void render_findings(const struct page *page)
{
	static const enum status told[] = {STATUS_FAIL, STATUS_ERROR, STATUS_WARN, STATUS_WAIVED};
	const json_t *findings = json_object_get(page->report, "findings"), *finding;
	char line[200], count[TEXT_SHORT];
	size_t quiet = 0, i;

	page_heading(page, SAY_IN(line, text_findings));
	for (size_t s = 0; s < sizeof(told) / sizeof(*told); s++)
		json_array_foreach(findings, i, finding) if (page_status(finding, "status") ==
		                                             told[s]) print_finding(page, finding);
	json_array_foreach(findings, i,
	                   finding) if (page_status(finding, "status") == STATUS_NOT_ASSESSED)
		print_unassessed(page, findings, i);
	json_array_foreach(findings, i, finding) if (page_status(finding, "status") == STATUS_PASS)
		print_passed(page, findings, i);
	json_array_foreach(findings, i, finding) quiet +=
		page_status(finding, "status") == STATUS_NOT_APPLICABLE;
	if (quiet > 0)
		page_tell(page, SAY_IN(line, text_quiet, text_count(count, quiet)), 2);
}
