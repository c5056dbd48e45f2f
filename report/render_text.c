/* SPDX-License-Identifier: MIT
 *
 * render_text.c - see render.h. Eighty columns; names of others pass text_safe() first.
 */
#include "render.h"

#include <string.h>

#include "render_expect.h"
#include "render_sections.h"
#include "text.h"
#include "verdict.h"

/* ---- the sentence ---- */

static void print_head(const struct page *page)
{
	const struct report *report = page->report;
	enum status verdict = report->verdict;
	char when[TEXT_SHORT], site[100];

	fprintf(page->out, "%s%s%s", page_paint(page, "\033[1m"),
	        page_paint(page, page_looks[verdict].colour), page_looks[verdict].word);
	fprintf(page->out, "%s  mptcp-audit %s", page_paint(page, "\033[0m"),
	        report->options.version);
	if (report->policy->site)
		fprintf(page->out, "  %s", text_safe(site, sizeof(site), report->policy->site, 24));
	if (report->options.generated_ns)
		fprintf(page->out, "  %s", text_moment(when, report->options.generated_ns));
	fputs("\n\n", page->out);
	page_tell(page, report->sentence, 0);
	if (report->assumption[0]) {
		fputc('\n', page->out);
		page_tell(page, report->assumption, 0);
	}
}

/* ---- the WANs ---- */

static uint64_t primary_sum(const struct report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->primaries >> i & 1)
			sum += report->wans[i].shared.billed;
	return sum;
}

static void print_kinds(const struct page *page, const struct account *account)
{
	char line[400] = "", some[TEXT_SHORT];
	size_t used = 0;

	for (size_t k = 0; k < KIND_COUNT; k++) {
		uint64_t bytes = 0;
		int n;

		for (size_t d = 0; d < DIR_COUNT; d++) {
			bytes += account->kinds[d][k].ip_bytes;
		}
		if (bytes == 0)
			continue;
		n = snprintf(line + used, sizeof(line) - used, "%s%s %s", used ? ", " : "",
		             kind_names[k], text_bytes(some, bytes));
		if (n < 0 || (size_t)n >= sizeof(line) - used)
			break;
		used += (size_t)n;
	}
	if (used)
		page_wrap(page, line, 4);
}

static void print_wan(const struct page *page, const struct report_wan *wan, uint64_t primary)
{
	const struct account *shared = &wan->shared;
	uint64_t outage = shared->phases[PHASE_OUTAGE].ip_bytes;
	bool backup = wan->role.role == ROLE_BACKUP;
	char name[100], role[40], total[TEXT_SHORT], billed[TEXT_SHORT], a[TEXT_SHORT],
		b[TEXT_SHORT], c[TEXT_SHORT];

	snprintf(role, sizeof(role), "%s%s", role_names[wan->role.role],
	         wan->role.source == FROM_ASSUMED && wan->role.role != ROLE_NONE ? "?" : "");
	fputs("  ", page->out);
	page_pad(page, text_safe(name, sizeof(name), wan->name, 16), 16);
	fprintf(page->out, " %-8s %9s %9s %9s %9s %9s\n", role,
	        text_bytes(total, wan->whole.total.ip_bytes), text_bytes(billed, wan->whole.billed),
	        backup ? text_percent(a, shared->carrying - outage, primary) : "-",
	        backup ? text_percent(b, outage, primary) : "-",
	        backup ? text_percent(c, shared->standby, primary) : "-");
	print_kinds(page, &wan->whole);
}

/* Whose role nobody had to name again. */
static void print_roles_from(const struct page *page, enum role_source source, const char *words)
{
	const struct report *report = page->report;
	char line[600] = "", name[100];
	size_t used = 0;

	for (size_t i = 0; i < report->n_wans && used + 140 < sizeof(line); i++)
		if (report->wans[i].role.source == source)
			used += (size_t)snprintf(
				line + used, sizeof(line) - used, "%s%s", used ? ", " : "",
				text_safe(name, sizeof(name), report->wans[i].name, 20));
	if (!used)
		return;
	snprintf(line + used, sizeof(line) - used, ": role as %s", words);
	page_wrap(page, line, 2);
}

static void print_wans(const struct page *page)
{
	const struct report *report = page->report;
	bool assumed = false;
	char line[100], extent[40], words[60];

	snprintf(line, sizeof(line),
	         "WANs (bytes at IP level, %s; shares: of the primary, judged time)",
	         message_words(words, sizeof(words),
	                       report_say_extent(report, extent, sizeof(extent)), &page->telling));
	page_heading(page, line);
	fprintf(page->out, "  %-16s %-8s %9s %9s %9s %9s %9s\n", "WAN", "role", "bytes", "billed",
	        "payload", "in outage", "standby");
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct wan_role *role = &report->wans[i].role;

		print_wan(page, &report->wans[i], primary_sum(report));
		assumed = assumed || (role->source == FROM_ASSUMED && role->role != ROLE_NONE);
	}
	print_roles_from(page, FROM_UCI, "UCI says");
	print_roles_from(page, FROM_CAPTURE, "the recording says");
	if (assumed)
		fputs("  ? = this role was assumed from what the WAN's own frames say\n",
		      page->out);
}

/* ---- what was expected ---- */

static void print_expected(const struct page *page)
{
	bool headed = false;
	unsigned step = 0;
	char line[900];

	while (render_expected_line(page->report, &step, line, sizeof(line))) {
		if (!headed)
			page_heading(page, "Expected");
		headed = true;
		page_wrap(page, line, 2);
	}
}

/* ---- outages and failovers of primaries ---- */

#define TOP_INTERRUPTIONS 8

static void print_interruptions(const struct page *page)
{
	char sentence[800];
	size_t told = 0;

	for (size_t i = 0; i < page->report->ledger->n_interruptions; i++) {
		if (!verdict_say_interruption(page->report, i, sentence, sizeof(sentence)))
			continue;
		if (told == 0)
			page_heading(page,
			             "Outages of the primaries, and where their traffic went");
		if (told++ < TOP_INTERRUPTIONS)
			page_tell(page, sentence, 2);
	}
	if (told > TOP_INTERRUPTIONS)
		fprintf(page->out, "  %zu more, in the JSON\n", told - TOP_INTERRUPTIONS);
}

void render_text(const struct report *report, FILE *out, bool colour)
{
	struct page page = {report, out, colour, {LANGUAGE_EN, report->options.zone}};

	print_head(&page);
	print_wans(&page);
	print_expected(&page);
	render_uses(&page);
	print_interruptions(&page);
	render_findings(&page);
	render_coverage(&page);
}
