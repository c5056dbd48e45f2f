/* SPDX-License-Identifier: MIT
 *
 * render_use.c - see render_sections.h: what used a WAN.
 */
#include "render_sections.h"

#include <string.h>

#include "causes.h"
#include "text.h"

#define TOP_CAUSES      12
#define TOP_CONNECTIONS 3

/* Is it on the day on which the capture of all WANs began? */
static bool same_day(const struct report *report, uint64_t ns)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->wans[i].ledger->first_ns && report->wans[i].ledger->first_ns < first)
			first = report->wans[i].ledger->first_ns;
	return first / 86400000000000u == ns / 86400000000000u;
}

/* "  12.00 %  1.20 MB  keepalives and their answers, every 15 s x 40 subflows (14:02:03 to
 * 15:01:00)" */
static void print_cause(const struct page *page, const struct cause *cause, uint64_t all)
{
	char percent[TEXT_SHORT], some[TEXT_SHORT], words[300], detail[200], span[80] = "",
									     line[700];
	char message[240];

	if (cause->first_ns && cause->last_ns)
		page_span(span, sizeof(span), cause->first_ns, cause->last_ns);
	if (span[0] && same_day(page->report, cause->first_ns) && strlen(span) < 32)
		memmove(span, span + 11, strlen(span + 11) + 1); /* the day stands under Coverage */
	message_words(words, sizeof(words), cause_say(cause->id, message, sizeof(message)),
	              &page->telling);
	message_words(detail, sizeof(detail), cause->detail, &page->telling);
	snprintf(line, sizeof(line), "%s%s%s%s%s%s", words, detail[0] ? ", " : "", detail,
	         span[0] ? " (" : "", span, span[0] ? ")" : "");
	fprintf(page->out, "  %10s  %9s  ", text_percent(percent, cause->ip_bytes, all),
	        text_bytes(some, cause->ip_bytes));
	page_wrap_behind(page, line, 25, true);
}

static void print_causes(const struct page *page, const struct account *account)
{
	uint64_t rest = 0;
	char some[TEXT_SHORT];

	for (size_t i = 0; i < account->n_causes; i++) {
		if (i < TOP_CAUSES)
			print_cause(page, &account->causes[i], account->billed);
		else
			rest += account->causes[i].ip_bytes;
	}
	if (account->n_causes > TOP_CAUSES) {
		char percent[TEXT_SHORT];

		fprintf(page->out, "  %10s  %9s  %zu more, in the JSON\n",
		        text_percent(percent, rest, account->billed), text_bytes(some, rest),
		        account->n_causes - TOP_CAUSES);
	}
	if (account->local > 0)
		fprintf(page->out, "  %10s  %9s  local, not billed\n", "",
		        text_bytes(some, account->local));
	if (account->duplicate > 0)
		fprintf(page->out, "  %10s  %9s  the capture's own copies, not counted\n", "",
		        text_bytes(some, account->duplicate));
}

static void print_connection(const struct page *page, const struct connection_on_wan *on,
                             bool backup)
{
	const struct ledger_connection *c = on->connection;
	char peer[120], sum[TEXT_SHORT], some[TEXT_SHORT];
	const char *sign = "", *port = strrchr(c->client, ':');

	fputs("    ", page->out);
	page_pad(page,
	         text_safe(peer, sizeof(peer), c->server[0] ? c->server : "peer not known", 34),
	         20);
	fprintf(page->out, " %9s  ", text_bytes(sum, on->sum.ip_bytes));
	page_print_span(page, c->first_ns, c->last_ns);
	if (port && text_width(peer) <= 20) /* else the line is full */
		fprintf(page->out, ", port %s", port + 1);
	fputc('\n', page->out);
	if (!backup || on->carrying_ip == 0)
		return;
	if (c->version < 0 || c->fallback) {
		fprintf(page->out, "      user data: %s, over %s\n",
		        text_bytes(some, on->carrying_ip),
		        c->fallback ? "plain TCP after a fallback" : "plain TCP");
		return;
	}
	fputs("      user data: ", page->out);
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		if (on->phases[i] == 0)
			continue;
		fprintf(page->out, "%s%s %s", sign, phase_names[i],
		        text_bytes(some, on->phases[i]));
		sign = ", ";
	}
	if (!sign[0])
		fprintf(page->out, "%s", text_bytes(some, on->carrying_ip));
	fputc('\n', page->out);
}

static void print_use(const struct page *page, size_t index)
{
	const struct report *report = page->report;
	const struct report_wan *wan = &report->wans[index];
	struct connection_on_wan top[TOP_CONNECTIONS];
	size_t others, n;
	char name[100], line[200], some[TEXT_SHORT], extent[40], words[60];

	snprintf(line, sizeof(line), "What used %s%s: %s billed, %s",
	         text_safe(name, sizeof(name), wan->name, 32),
	         wan->role.role == ROLE_BACKUP ? " (backup)" : "",
	         text_bytes(some, wan->whole.billed),
	         message_words(words, sizeof(words),
	                       report_say_extent(report, extent, sizeof(extent)), &page->telling));
	page_heading(page, line);
	print_causes(page, &wan->whole);
	n = report_top(report, index, top, TOP_CONNECTIONS, &others);
	if (n == 0)
		return;
	fputs("  Largest connections on it (IP bytes, UTC):\n", page->out);
	for (size_t i = 0; i < n; i++)
		print_connection(page, &top[i], wan->role.role == ROLE_BACKUP);
	if (others > 0)
		fprintf(page->out, "    %zu more in the JSON\n", others);
	if (report->ledger->rest.connections > 0)
		fprintf(page->out, "    %llu more in sums only\n",
		        (unsigned long long)report->ledger->rest.connections);
	if (report->ledger->rest.subflows > report->ledger->rest.connections)
		fprintf(page->out, "    %llu subflows in sums only\n",
		        (unsigned long long)report->ledger->rest.subflows);
}

/* Backups; without any, each WAN: then the causes are all there is to tell. */
void render_uses(const struct page *page)
{
	bool backup = false;

	for (size_t i = 0; i < page->report->n_wans; i++)
		backup = backup || page->report->wans[i].role.role == ROLE_BACKUP;
	for (size_t i = 0; i < page->report->n_wans; i++)
		if (!backup || page->report->wans[i].role.role == ROLE_BACKUP)
			print_use(page, i);
}
