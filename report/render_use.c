/* SPDX-License-Identifier: MIT
 *
 * render_use.c - see render_sections.h: what used a WAN.
 */
#include "render_sections.h"

#include <string.h>

#define TOP_CAUSES      12
#define TOP_CONNECTIONS 3

static const json_t *wans_of(const struct page *page)
{
	return json_object_get(page->report, "wans");
}

/* ---- times ---- */

/* The day on which the captures began, by the site's clocks: "2026-01-02". */
static void first_day(const struct page *page, char day[MESSAGE_TIME])
{
	uint64_t first = UINT64_MAX;
	char message[MESSAGE_TIME];
	const json_t *wan;
	size_t i;

	json_array_foreach(wans_of(page), i, wan)
	{
		uint64_t ns = stored_time(wan, "first");

		if (ns && ns < first)
			first = ns;
	}
	message_words(day, MESSAGE_TIME, message_time(message, first == UINT64_MAX ? 0 : first),
	              &page->telling);
	day[10] = '\0';
}

/* "2026-01-02 15:04:05 to 15:04:45"; the zone stands elsewhere. */
static void bare_span(const struct page *page, const json_t *o, const char *from, const char *to,
                      char out[MESSAGE_TIME])
{
	char message[MESSAGE_TIME], *zone;

	message_words(out, MESSAGE_TIME, page_span(message, o, from, to), &page->telling);
	zone = strrchr(out, ' ');
	if (zone)
		*zone = '\0';
}

/* ---- causes ---- */

/* "  12.00 %  1.20 MB  keepalives and their answers, every 15 s x 40 subflows (14:02:03 to
 * 15:01:00)": the day stands under Coverage. */
static void print_cause(const struct page *page, const json_t *cause, uint64_t all, const char *day)
{
	char percent[TEXT_SHORT], some[TEXT_SHORT], words[600], detail[400],
		span[MESSAGE_TIME] = "", line[1200];
	const char *times = span;

	if (stored_has(cause, "first") && stored_has(cause, "last"))
		bare_span(page, cause, "first", "last", span);
	if (span[0] && strncmp(span, day, 10) == 0 && !strchr(span + 10, '-'))
		times = span + 11;
	snprintf(line, sizeof(line), "%s", stored_message(words, sizeof(words), cause, "words"));
	if (stored_message(detail, sizeof(detail), cause, "detail")[0])
		MORE_IN(line, text_and_detail, detail);
	if (span[0])
		MORE_IN(line, text_in_brackets, times);
	fprintf(page->out, "  %10s  %9s  ",
	        text_percent(percent, stored_number(cause, "ip_bytes"), all),
	        page_bytes(some, cause, "ip_bytes"));
	page_tell_behind(page, line, 25, true);
}

static void print_amount(const struct page *page, uint64_t bytes, enum message message)
{
	char some[TEXT_SHORT], text[60];

	if (bytes == 0)
		return;
	fprintf(page->out, "  %10s  %9s  ", "", text_bytes(some, bytes));
	page_tell_behind(page,
	                 message_say(text, sizeof(text), message, (const char *const[]){NULL}), 25,
	                 true);
}

static void print_causes(const struct page *page, const json_t *wan)
{
	const json_t *causes = json_object_get(wan, "causes"), *cause;
	uint64_t billed = stored_number(wan, "billed_ip_bytes"), rest = 0;
	char some[TEXT_SHORT], percent[TEXT_SHORT], count[TEXT_SHORT], line[100], day[MESSAGE_TIME];
	size_t i;

	first_day(page, day);
	json_array_foreach(causes, i, cause)
	{
		if (i < TOP_CAUSES)
			print_cause(page, cause, billed, day);
		else
			rest += stored_number(cause, "ip_bytes");
	}
	if (json_array_size(causes) > TOP_CAUSES) {
		fprintf(page->out, "  %10s  %9s  ", text_percent(percent, rest, billed),
		        text_bytes(some, rest));
		text_count(count, json_array_size(causes) - TOP_CAUSES);
		page_tell_behind(page, SAY_IN(line, text_more_in_json, count), 25, true);
	}
	print_amount(page, stored_number(wan, "local_ip_bytes"), MESSAGE_text_local);
	print_amount(page, stored_number(wan, "duplicate_ip_bytes"), MESSAGE_text_copies);
}

/* ---- connections ---- */

struct on_wan {
	const json_t *connection;
	uint64_t ip_bytes, carrying, phases[PHASE_COUNT];
};

static bool connection_on(const json_t *connection, const char *wan, struct on_wan *on)
{
	const json_t *subflow, *kind;
	const char *key;
	bool seen = false;
	size_t i;

	*on = (struct on_wan){.connection = connection};
	json_array_foreach(json_object_get(connection, "subflows"), i, subflow)
	{
		if (strcmp(stored_text(subflow, "wan"), wan) != 0)
			continue;
		seen = true;
		json_object_foreach(json_object_get(subflow, "kinds"), key, kind) on->ip_bytes +=
			stored_number(kind, "ip_bytes");
		for (size_t k = 0; k < KIND_CARRYING; k++)
			on->carrying += stored_number(stored_in(subflow, "kinds", kind_names[k]),
			                              "ip_bytes");
		for (size_t k = 0; k < PHASE_COUNT; k++)
			on->phases[k] +=
				stored_number(json_object_get(subflow, "phases"), phase_names[k]);
	}
	return seen;
}

static bool larger(const struct on_wan *a, const struct on_wan *b)
{
	if (a->carrying != b->carrying)
		return a->carrying > b->carrying;
	if (a->ip_bytes != b->ip_bytes)
		return a->ip_bytes > b->ip_bytes;
	return strcmp(stored_text(a->connection, "id"), stored_text(b->connection, "id")) < 0;
}

/* The largest on a WAN, largest first. Returns how many; *others gets how many more the JSON tells
 * one by one. */
static size_t top_of(const struct page *page, const char *wan, struct on_wan top[TOP_CONNECTIONS],
                     size_t *others)
{
	const json_t *connection;
	size_t seen = 0, n = 0, i;

	json_array_foreach(json_object_get(page->report, "connections"), i, connection)
	{
		struct on_wan on;
		size_t at;

		if (!connection_on(connection, wan, &on))
			continue;
		seen++;
		if (n == TOP_CONNECTIONS && !larger(&on, &top[n - 1]))
			continue;
		at = n < TOP_CONNECTIONS ? n++ : n - 1;
		for (; at > 0 && larger(&on, &top[at - 1]); at--)
			top[at] = top[at - 1];
		top[at] = on;
	}
	*others = seen - n;
	return n;
}

/* Without a version it may be MPTCP all the same, known by its joins only: the handshake passed
 * where nobody captured. Old reports do not say how it was known. */
static bool is_plain(const json_t *connection)
{
	if (stored_has(connection, "confidence"))
		return strcmp(stored_text(connection, "confidence"), "plain") == 0;
	return !stored_has(connection, "version");
}

static void print_user_data(const struct page *page, const struct on_wan *on)
{
	static const enum message words[PHASE_COUNT] = {
		MESSAGE_page_while_healthy, MESSAGE_page_while_degraded, MESSAGE_page_while_after,
		MESSAGE_page_while_outage, MESSAGE_page_while_unknown};
	const json_t *c = on->connection;
	char line[900], list[800] = "", some[TEXT_SHORT], phase[80];

	text_bytes(some, on->carrying);
	if (stored_true(c, "fallback"))
		SAY_IN(line, text_data_fallback, some);
	else if (is_plain(c))
		SAY_IN(line, text_data_plain, some);
	else {
		for (size_t i = 0; i < PHASE_COUNT; i++) {
			if (on->phases[i] == 0)
				continue;
			if (list[0])
				MORE_IN(list, comma);
			message_say(phase, sizeof(phase), words[i], (const char *const[]){NULL});
			MORE_IN(list, text_data_while, text_bytes(some, on->phases[i]), phase);
		}
		SAY_IN(line, text_data, list[0] ? list : text_bytes(some, on->carrying));
	}
	page_tell(page, line, 6);
}

static void print_connection(const struct page *page, const struct on_wan *on, bool backup)
{
	const json_t *c = on->connection;
	char peer[STORED_NAME], client[STORED_NAME], sum[TEXT_SHORT], span[MESSAGE_TIME], line[60];
	const char *port;

	stored_name(peer, c, "server", 34);
	stored_name(client, c, "client", 60);
	port = strrchr(client, ':');
	fputs("    ", page->out);
	page_pad(page, peer[0] ? peer : SAY_IN(line, text_no_peer), 20);
	bare_span(page, c, "start", "end", span);
	fprintf(page->out, " %9s  %s", text_bytes(sum, on->ip_bytes), span);
	if (port && text_width(peer) <= 20) /* else the line is full */
		PAGE_PUT(page, text_and_port, port + 1);
	fputc('\n', page->out);
	if (backup && on->carrying > 0)
		print_user_data(page, on);
}

/* How many connections on a WAN the report tells as sums only. */
static uint64_t in_sums(const struct page *page, const char *name)
{
	const json_t *class, *wan;
	uint64_t sum = 0;
	size_t i, k;

	json_array_foreach(stored_in(page->report, "connections_in_sums", "classes"), i, class)
	{
		json_array_foreach(json_object_get(class, "wans"), k, wan)
		{
			if (strcmp(stored_text(wan, "wan"), name) == 0)
				sum += stored_number(wan, "connections");
		}
	}
	return sum;
}

static void print_rest(const struct page *page, const char *wan, size_t others)
{
	const json_t *rest = stored_in(page->report, "coverage", "connections_summed_only");
	uint64_t connections = stored_number(rest, "connections"),
		 subflows = stored_number(rest, "subflows"), sums = in_sums(page, wan);
	char line[200], count[TEXT_SHORT];

	if (others > 0)
		page_tell(page, SAY_IN(line, text_more_in_the_json, text_count(count, others)), 4);
	if (sums > 0)
		page_tell(page, SAY_IN(line, text_more_as_sums, text_count(count, sums)), 4);
	if (connections > 0)
		page_tell(page, SAY_IN(line, text_more_in_sums, text_count(count, connections)), 4);
	if (subflows > connections)
		page_tell(page, SAY_IN(line, text_subflows_in_sums, text_count(count, subflows)),
		          4);
}

/* The name of the site's time: "UTC", "CET". */
static void zone_name(const struct page *page, uint64_t ns, char out[MESSAGE_TIME])
{
	char message[MESSAGE_TIME], words[MESSAGE_TIME], *name;

	name = strrchr(
		message_words(words, sizeof(words), message_time(message, ns), &page->telling),
		' ');
	snprintf(out, MESSAGE_TIME, "%s", name ? name + 1 : "");
}

static void print_use(const struct page *page, const json_t *wan)
{
	bool backup = strcmp(stored_text(wan, "role"), "backup") == 0;
	struct on_wan top[TOP_CONNECTIONS];
	char name[STORED_NAME], line[900], some[TEXT_SHORT], extent[RENDER_EXTENT],
		zone[MESSAGE_TIME];
	size_t others, n;

	stored_name(name, wan, "name", 32);
	page_bytes(some, wan, "billed_ip_bytes");
	render_extent(page, extent);
	page_heading(page, backup ? SAY_IN(line, text_used_backup, name, some, extent)
	                          : SAY_IN(line, text_used, name, some, extent));
	print_causes(page, wan);
	n = top_of(page, stored_text(wan, "name"), top, &others);
	if (n == 0)
		return;
	zone_name(page, stored_time(top[0].connection, "start"), zone);
	page_tell(page, SAY_IN(line, text_largest, zone), 2);
	for (size_t i = 0; i < n; i++)
		print_connection(page, &top[i], backup);
	print_rest(page, stored_text(wan, "name"), others);
}

/* Backups; without any, each WAN: then the causes are all there is to tell. */
void render_uses(const struct page *page)
{
	bool any = false;
	const json_t *wan;
	size_t i;

	json_array_foreach(wans_of(page), i, wan) any =
		any || strcmp(stored_text(wan, "role"), "backup") == 0;
	json_array_foreach(wans_of(page), i,
	                   wan) if (!any || strcmp(stored_text(wan, "role"), "backup") == 0)
		print_use(page, wan);
}
