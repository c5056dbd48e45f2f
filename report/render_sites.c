/* SPDX-License-Identifier: MIT
 *
 * render_sites.c - see render_sites.h.
 */
#include "render_sites.h"

#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "text.h"

#define NAME_COLUMNS 20
#define MORE         " .."

static const unsigned badness[STATUS_COUNT] = {
	[STATUS_FAIL] = 3, [STATUS_WARN] = 2, [STATUS_NOT_ASSESSED] = 1};

/* ---- summaries ---- */

static void add_rule(struct site_summary *summary, const char *rule)
{
	size_t used = strlen(summary->rules), n = strlen(rule);
	const char *at = strstr(summary->rules, rule);

	for (; at; at = strstr(at + 1, rule))
		if ((at == summary->rules || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			return;
	if (used + n + sizeof(MORE) < sizeof(summary->rules))
		snprintf(summary->rules + used, sizeof(summary->rules) - used, "%s%s",
		         used ? " " : "", rule);
	else if (!strstr(summary->rules, MORE))
		memcpy(summary->rules + used, MORE, sizeof(MORE));
}

void site_summarise(struct site_summary *summary, const char *name, const struct report *report)
{
	*summary = (struct site_summary){.name = name, .verdict = report->verdict};
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct report_wan *wan = &report->wans[i];

		if (wan->role.role == ROLE_BACKUP)
			summary->backup += wan->shared.billed;
		else if (report_is_primary(wan->role.role))
			summary->primary += wan->shared.billed;
	}
	for (size_t i = 0; report->verdict != STATUS_PASS && i < report->n_findings; i++)
		if (report->findings[i].status == report->verdict)
			add_rule(summary, report->findings[i].rule);
}

static int order(const void *one, const void *two)
{
	const struct site_summary *a = one, *b = two;

	if (badness[a->verdict] != badness[b->verdict])
		return badness[a->verdict] < badness[b->verdict] ? 1 : -1;
	if (a->backup != b->backup)
		return a->backup < b->backup ? 1 : -1;
	return strcmp(a->name, b->name);
}

void site_summaries_sort(struct site_summary *rows, size_t n)
{
	qsort(rows, n, sizeof(*rows), order);
}

enum status site_summaries_worst(const struct site_summary *rows, size_t n)
{
	enum status worst = STATUS_PASS;

	for (size_t i = 0; i < n; i++)
		if (badness[rows[i].verdict] > badness[worst])
			worst = rows[i].verdict;
	return worst;
}

/* ---- the overview ---- */

static void print_counts(const struct page *page, const struct site_summary *rows, size_t n)
{
	static const struct {
		enum status status;
		const char *word;
	} words[] = {{STATUS_FAIL, "fail"},
	             {STATUS_WARN, "warn"},
	             {STATUS_NOT_ASSESSED, "not assessed"},
	             {STATUS_PASS, "pass"}};
	const char *between = ": ";
	char number[TEXT_SHORT];

	fprintf(page->out, "%s site%s, worst first", text_count(number, n), n == 1 ? "" : "s");
	for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++) {
		size_t many = 0;

		for (size_t i = 0; i < n; i++)
			many += rows[i].verdict == words[w].status;
		if (many)
			fprintf(page->out, "%s%s %s", between, text_count(number, many),
			        words[w].word);
		if (many)
			between = ", ";
	}
	fputs("\n\n", page->out);
}

static void print_row(const struct page *page, const struct site_summary *row)
{
	const struct page_look *look = &page_looks[row->verdict];
	char word[40], name[200], backup[TEXT_SHORT], primary[TEXT_SHORT];

	message_say(word, sizeof(word), look->word, (const char *const[]){NULL});
	fprintf(page->out, "  %s", page_paint(page, look->colour));
	page_pad(page, word, 14);
	fputs(page_paint(page, "\033[0m"), page->out);
	page_pad(page, text_safe(name, sizeof(name), row->name, NAME_COLUMNS), NAME_COLUMNS);
	fprintf(page->out, " %10s %10s%s%s\n", text_bytes(backup, row->backup),
	        text_bytes(primary, row->primary), *row->rules ? "  " : "", row->rules);
}

/* Whose were these? Named, so that nobody takes them for nothing. */
static void print_nobody(const struct page *page, const struct ledger *nobody)
{
	static const struct {
		size_t at;
		const char *words;
	} reasons[] = {
#define REASON(name, words) {offsetof(struct ledger_counters, untold_##name##_frames), words}
		REASON(opening,
	               "of subflows that opened a connection from an address nobody named"),
		REASON(joined, "of subflows that joined a connection of no known site"),
		REASON(midway, "of subflows whose start was not seen"),
		REASON(plain, "of TCP without MPTCP"),
		REASON(other, "of other traffic"),
#undef REASON
	};
	struct tally sum = {0};
	char text[600], frames[TEXT_SHORT], bytes[TEXT_SHORT];
	size_t used;

	for (size_t i = 0; i < nobody->n_wans; i++) {
		struct tally one = ledger_sum(&nobody->wans[i], -1, -1, -1, -1);
		sum.frames += one.frames;
		sum.ip_bytes += one.ip_bytes;
	}
	used = (size_t)snprintf(text, sizeof(text),
	                        "unknown: %s frames (%s) of no site that could be told",
	                        text_count(frames, sum.frames), text_bytes(bytes, sum.ip_bytes));
	for (size_t r = 0; r < sizeof(reasons) / sizeof(*reasons); r++) {
		uint64_t count = 0;

		for (size_t i = 0; i < nobody->n_wans; i++)
			count += *(const uint64_t *)(const void *)((const char *)&nobody->wans[i]
			                                                   .counters +
			                                           reasons[r].at);
		if (count && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "; %s %s",
			                         text_count(frames, count), reasons[r].words);
	}
	fputc('\n', page->out);
	page_wrap(page->out, text, 2, false);
}

void render_sites(const struct site_summary *rows, size_t n, const struct ledger *nobody, FILE *out,
                  bool colour)
{
	struct page page = {NULL, out, colour, {LANGUAGE_EN, NULL}};

	print_counts(&page, rows, n);
	fprintf(out, "  %-13s %-*s %10s %10s  %s\n", "verdict", NAME_COLUMNS, "site", "backups",
	        "primaries", "decided by");
	for (size_t i = 0; i < n; i++)
		print_row(&page, &rows[i]);
	if (nobody)
		print_nobody(&page, nobody);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].text)
			continue;
		fputc('\n', out);
		for (unsigned k = 0; k < 79; k++)
			fputc('=', out);
		fprintf(out, "\n\n%s", rows[i].text);
	}
}
