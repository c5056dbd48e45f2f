/* SPDX-License-Identifier: MIT
 *
 * render_findings.c - see render_sections.h: what the rules say.
 */
#include "render_sections.h"

#include <string.h>

#include "explain.h"
#include "text.h"

/* The frames of one file that prove one thing: where, since when, and what to paste into
 * Wireshark. */
static size_t print_proof(const struct page *page, const struct finding *finding, size_t from)
{
	const struct ledger *ledger = page->report->ledger;
	const struct finding_frame *first = &finding->frames[from];
	size_t n = 1;
	char safe[160], when[TEXT_SHORT];

	while (from + n < finding->n_frames && finding->frames[from + n].file == first->file &&
	       finding->frames[from + n].note == first->note)
		n++;
	fprintf(page->out, "         %s: %s\n",
	        page_path(safe, sizeof(safe),
	                  first->file < ledger->n_files ? ledger->files[first->file].name : "-",
	                  30),
	        first->note);
	fprintf(page->out, "           frame.number %s", n == 1 ? "== " : "in {");
	for (size_t i = 0; i < n; i++)
		fprintf(page->out, "%s%llu", i ? ", " : "",
		        (unsigned long long)finding->frames[from + i].number);
	fprintf(page->out, "%s  %s\n", n == 1 ? "" : "}", text_time(when, first->ts_ns, 6));
	return n;
}

static void print_evidence(const struct page *page, const struct finding *finding)
{
	for (size_t i = 0; i < finding->n_frames;)
		i += print_proof(page, finding, i);
}

static const char *number_text(char out[TEXT_SHORT], double value, const char *unit)
{
	char text[TEXT_SHORT];

	if (strcmp(unit, "ratio") == 0)
		snprintf(out, TEXT_SHORT, "%.4g %%", value * 100);
	else if (strcmp(unit, "seconds") == 0)
		snprintf(out, TEXT_SHORT, "%.3g s", value);
	else if (strcmp(unit, "per_day") == 0)
		snprintf(out, TEXT_SHORT, "%.3g a day", value);
	else if (strcmp(unit, "count") == 0)
		snprintf(out, TEXT_SHORT, "%.4g", value);
	else
		snprintf(out, TEXT_SHORT, "%.24s%s",
		         text_bytes(text, value < 1e18 ? (uint64_t)value : 0),
		         strcmp(unit, "bytes_per_day") == 0 ? "/day" : "");
	return out;
}

static void print_observed(const struct page *page, const struct finding *finding)
{
	char a[TEXT_SHORT], b[TEXT_SHORT];

	/* below its limit, the number is not the reason */
	if (!finding->observed || (finding->limited && finding->value <= finding->limit))
		return;
	fputs("         observed ", page->out);
	fputs(number_text(a, finding->value, finding->unit), page->out);
	if (strcmp(finding->unit, "ratio") == 0)
		fprintf(page->out, " = %s / %s", text_count(a, finding->numerator),
		        text_count(b, finding->denominator));
	if (finding->limited) {
		fprintf(page->out, ", limit %s", number_text(a, finding->limit, finding->unit));
	}
	if (finding->limit_key)
		fprintf(page->out, " (%s)", finding->limit_key);
	fputc('\n', page->out);
}

static void print_mark(const struct page *page, enum status status, const char *rule)
{
	fprintf(page->out, "  %s%s %-4s%s ", page_paint(page, page_looks[status].colour),
	        page_looks[status].mark, rule, page_paint(page, "\033[0m"));
}

/* What to do about a failure, in a line; the page of the check says more. */
static void print_fix(const struct page *page, const struct finding *finding)
{
	const struct explain_row *row = explain_find(finding->rule);
	char line[200];

	if (!row || finding->status != STATUS_FAIL)
		return;
	snprintf(line, sizeof(line), "Fix: %s (mptcp-audit explain %s)",
	         row->brief ? row->brief : "no setting fixes this", finding->rule);
	page_wrap(page, line, 9);
}

/* A failure or a warning: all there is to know about it. */
static void print_finding(const struct page *page, const struct finding *finding)
{
	char name[100] = "";

	print_mark(page, finding->status, finding->rule);
	if (finding->wan >= 0)
		text_safe(name, sizeof(name), page->report->wans[finding->wan].name, 20);
	fprintf(page->out, "%s%s%s: %s\n", name, name[0] ? ", " : "",
	        message_template(finding->title, page->telling.language),
	        page_looks[finding->status].word);
	page_tell(page, finding->text, 9);
	print_observed(page, finding);
	page_wrap(page, message_template(finding->why, page->telling.language), 9);
	print_fix(page, finding);
	print_evidence(page, finding);
}

/* What could not be assessed: why, once for all rules with the same reason. */
static void print_unassessed(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct finding *finding = &report->findings[index];
	const char *last = finding->rule;
	char line[6000], words[5000];
	size_t used = 0;

	for (size_t i = 0; i < index; i++)
		if (report->findings[i].status == finding->status &&
		    strcmp(report->findings[i].text, finding->text) == 0)
			return;
	for (size_t i = index; i < report->n_findings && used < 60; i++) {
		const struct finding *other = &report->findings[i];

		if (other->status != finding->status || other->rule == last ||
		    strcmp(other->text, finding->text) != 0)
			continue;
		last = other->rule;
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
		                         used ? ", " : "and ", last);
	}
	snprintf(line + used, sizeof(line) - used, "%s%s", used ? ": " : "",
	         message_words(words, sizeof(words), finding->text, &page->telling));
	print_mark(page, finding->status, finding->rule);
	page_wrap_behind(page, line, 9, true);
	print_evidence(page, finding);
}

/* What passed: a line for each rule, with a few words for each WAN. */
static void print_passed(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct finding *finding = &report->findings[index];
	char line[2000], name[100], limit[TEXT_SHORT], brief[260];
	size_t used;

	for (size_t i = 0; i < index; i++)
		if (report->findings[i].status == finding->status &&
		    report->findings[i].rule == finding->rule)
			return;
	used = (size_t)snprintf(line, sizeof(line),
	                        "%s:", message_template(finding->title, page->telling.language));
	for (size_t i = index; i < report->n_findings && used + 260 < sizeof(line); i++) {
		const struct finding *other = &report->findings[i];

		if (other->status != finding->status || other->rule != finding->rule)
			continue;
		text_safe(name, sizeof(name), other->wan < 0 ? "" : report->wans[other->wan].name,
		          20);
		used += (size_t)snprintf(
			line + used, sizeof(line) - used, "%s %s %s", i == index ? "" : ",", name,
			message_words(brief, sizeof(brief), other->brief, &page->telling));
	}
	if (finding->limit_key && finding->unit)
		snprintf(line + used, sizeof(line) - used, "; limit %s",
		         number_text(limit, finding->limit, finding->unit));
	print_mark(page, finding->status, finding->rule);
	page_wrap_behind(page, line, 9, true);
}

void render_findings(const struct page *page)
{
	static const enum status told[] = {STATUS_FAIL, STATUS_ERROR, STATUS_WARN, STATUS_WAIVED};
	const struct report *report = page->report;
	size_t quiet = 0;

	page_heading(page, "Findings (x fail, ! warn, ? not assessed, + pass)");
	for (size_t s = 0; s < sizeof(told) / sizeof(*told); s++)
		for (size_t i = 0; i < report->n_findings; i++)
			if (report->findings[i].status == told[s])
				print_finding(page, &report->findings[i]);
	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].status == STATUS_NOT_ASSESSED)
			print_unassessed(page, i);
	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].status == STATUS_PASS)
			print_passed(page, i);
	for (size_t i = 0; i < report->n_findings; i++)
		quiet += report->findings[i].status == STATUS_NOT_APPLICABLE;
	if (quiet > 0)
		fprintf(page->out, "  - %zu not applicable; every sentence and number: --json\n",
		        quiet);
}
