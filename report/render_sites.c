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
		enum message words;
	} words[] = {{STATUS_FAIL, MESSAGE_sites_fail},
	             {STATUS_WARN, MESSAGE_sites_warn},
	             {STATUS_NOT_ASSESSED, MESSAGE_sites_not_assessed},
	             {STATUS_PASS, MESSAGE_sites_pass}};
	char number[TEXT_SHORT], counts[400] = "", head[100];

	SAY_IN(head, sites_head, text_count(number, n));
	for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++) {
		size_t many = 0;

		for (size_t i = 0; i < n; i++)
			many += rows[i].verdict == words[w].status;
		if (many == 0)
			continue;
		if (counts[0])
			MORE_IN(counts, comma);
		message_more(counts, sizeof(counts), words[w].words,
		             (const char *const[]){text_count(number, many), NULL});
	}
	if (counts[0])
		PAGE_PUT(page, label_colon, head, counts);
	else
		page_put(page, head);
	fputs("\n\n", page->out);
}

static void print_heads(const struct page *page)
{
	char text[60];

	fputs("  ", page->out);
	page_pad(page, SAY_IN(text, sites_verdict), 14);
	page_pad(page, SAY_IN(text, sites_site), NAME_COLUMNS + 1);
	page_pad_left(page, SAY_IN(text, sites_backups), 10);
	fputc(' ', page->out);
	page_pad_left(page, SAY_IN(text, sites_primaries), 10);
	fputs("  ", page->out);
	page_put(page, SAY_IN(text, sites_decided_by));
	fputc('\n', page->out);
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
		enum message words;
	} reasons[] = {
#define REASON(name)                                                                               \
	{offsetof(struct ledger_counters, untold_##name##_frames), MESSAGE_sites_##name}
		REASON(opening), REASON(joined), REASON(midway), REASON(plain), REASON(other),
#undef REASON
	};
	struct tally sum = {0};
	char text[800], frames[TEXT_SHORT], bytes[TEXT_SHORT];

	for (size_t i = 0; i < nobody->n_wans; i++) {
		struct tally one = ledger_sum(&nobody->wans[i], -1, -1, -1, -1);
		sum.frames += one.frames;
		sum.ip_bytes += one.ip_bytes;
	}
	SAY_IN(text, sites_unknown, text_count(frames, sum.frames),
	       text_bytes(bytes, sum.ip_bytes));
	for (size_t r = 0; r < sizeof(reasons) / sizeof(*reasons); r++) {
		uint64_t count = 0;

		for (size_t i = 0; i < nobody->n_wans; i++)
			count += *(const uint64_t *)(const void *)((const char *)&nobody->wans[i]
			                                                   .counters +
			                                           reasons[r].at);
		if (count == 0)
			continue;
		MORE_IN(text, semicolon);
		message_more(text, sizeof(text), reasons[r].words,
		             (const char *const[]){text_count(frames, count), NULL});
	}
	fputc('\n', page->out);
	page_tell(page, text, 2);
}

void render_sites(const struct site_summary *rows, size_t n, const struct ledger *nobody, FILE *out,
                  bool colour, enum language language)
{
	struct page page = {NULL, out, colour, {language, NULL}};

	print_counts(&page, rows, n);
	print_heads(&page);
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
