/* SPDX-License-Identifier: MIT
 *
 * html_connections.c - the largest connections, their subflows as bars over time.
 */
#include "html_page.h"

#include <string.h>

#include "../dissect/ledger.h"
#include "chart.h"
#include "notable.h"
#include "text.h"

#define TOP            8
#define SHOWN_SUBFLOWS 8 /* of one connection */
#define NAMES_MAX      64

struct ranked {
	const json_t *connection;
	uint64_t bytes; /* on the backups; without one, on all WANs */
};

static bool on_backup(const struct telling_page *page, const char *name)
{
	const json_t *wans = json_object_get(page->report, "wans");

	for (size_t i = 0; i < json_array_size(wans) && i < NAMES_MAX; i++)
		if (strcmp(stored_text(json_array_get(wans, i), "name"), name) == 0)
			return html_is_backup(json_array_get(wans, i));
	return false;
}

static bool any_backup(const struct telling_page *page)
{
	const json_t *wans = json_object_get(page->report, "wans");

	for (size_t i = 0; i < json_array_size(wans); i++)
		if (html_is_backup(json_array_get(wans, i)))
			return true;
	return false;
}

static uint64_t subflow_bytes(const json_t *subflow)
{
	const char *key;
	json_t *tally;
	uint64_t sum = 0;

	json_object_foreach(json_object_get(subflow, "kinds"), key, tally) sum +=
		stored_number(tally, "ip_bytes");
	return sum;
}

static uint64_t rank_of(const struct telling_page *page, const json_t *connection, bool backups)
{
	const json_t *subflows = json_object_get(connection, "subflows");
	uint64_t sum = 0;

	for (size_t i = 0; i < json_array_size(subflows); i++) {
		const json_t *subflow = json_array_get(subflows, i);

		if (!backups || on_backup(page, stored_text(subflow, "wan")))
			sum += subflow_bytes(subflow);
	}
	return sum;
}

/* The largest first; of equal ones the first listed. Returns how many. */
static size_t find_top(const struct telling_page *page, struct ranked top[TOP], bool backups)
{
	const json_t *connections = json_object_get(page->report, "connections");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(connections); i++) {
		struct ranked one = {json_array_get(connections, i), 0};
		size_t at;

		one.bytes = rank_of(page, one.connection, backups);
		if (one.bytes == 0 || (n == TOP && one.bytes <= top[n - 1].bytes))
			continue;
		at = n < TOP ? n++ : n - 1;
		for (; at > 0 && one.bytes > top[at - 1].bytes; at--)
			top[at] = top[at - 1];
		top[at] = one;
	}
	return n;
}

/* ---- the timeline ---- */

static void tick(struct chart_row *row, uint64_t at_ns, enum chart_tick what)
{
	if (at_ns >= row->from_ns && at_ns <= row->to_ns &&
	    row->n_ticks < sizeof(row->ticks) / sizeof(*row->ticks)) {
		row->ticks[row->n_ticks].at_ns = at_ns;
		row->ticks[row->n_ticks++].tick = what;
	}
}

/* The flag was said again after the join: by MP_PRIO. */
static void tick_flag(struct chart_row *row, uint64_t at_ns)
{
	if (at_ns > row->from_ns + 1000000000u)
		tick(row, at_ns, CHART_PRIO);
}

static void tick_failovers(const struct telling_page *page, const json_t *connection,
                           const char *wan, struct chart_row *row)
{
	const json_t *rows = json_object_get(page->report, "interruptions");
	const char *id = stored_text(connection, "id");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *one = json_array_get(rows, i);

		if (strcmp(stored_text(one, "kind"), "failover") == 0 &&
		    strcmp(stored_text(one, "connection"), id) == 0 &&
		    strcmp(stored_text(one, "to"), wan) == 0)
			tick(row, stored_time(one, "until"), CHART_FAILOVER);
	}
}

static size_t read_rows(const struct telling_page *page, const json_t *connection,
                        struct chart_row rows[SHOWN_SUBFLOWS])
{
	const json_t *subflows = json_object_get(connection, "subflows");
	size_t n = 0;

	for (; n < json_array_size(subflows) && n < SHOWN_SUBFLOWS; n++) {
		const json_t *subflow = json_array_get(subflows, n);
		struct chart_row *row = &rows[n];

		memset(row, 0, sizeof(*row));
		row->from_ns = stored_time(subflow, "start");
		row->to_ns = stored_time(subflow, "end");
		row->backup = on_backup(page, stored_text(subflow, "wan"));
		if (!stored_true(subflow, "initial"))
			tick(row, row->from_ns, CHART_JOIN);
		tick_flag(row, stored_time(subflow, "backup_flag_client_at"));
		tick_flag(row, stored_time(subflow, "backup_flag_server_at"));
		tick_failovers(page, connection, stored_text(subflow, "wan"), row);
	}
	return n;
}

static void timeline(struct telling_page *page, const json_t *connection, uint64_t start_ns,
                     uint64_t end_ns)
{
	struct html *h = &page->h;
	struct chart_row rows[SHOWN_SUBFLOWS];
	size_t n = read_rows(page, connection, rows);
	char name[STORED_NAME], title[STORED_NAME + 100], desc[200], count[TEXT_SHORT];

	stored_name(name, connection, "client", 60);
	SAY_IN(title, page_timeline_title, name);
	SAY_IN(desc, page_timeline_desc, text_count(count, n));
	H(h, "<div class=line><div class=who>");
	for (size_t i = 0; i < n; i++) {
		H(h, "<span>");
		h_short(h,
		        stored_text(json_array_get(json_object_get(connection, "subflows"), i),
		                    "wan"),
		        16);
		H(h, "</span>");
	}
	H(h, "</div>");
	chart_rows(h, rows, n, start_ns, end_ns, title, desc);
	H(h, "</div>");
}

static void legend(struct html *h)
{
	char role[80];

	H(h, "<ul class=legend><li><i class=main></i>");
	h_message(h, SAY_IN(role, page_role_master));
	H(h, "<li><i class=spare></i>");
	h_message(h, SAY_IN(role, page_role_backup));
	H(h, "<li><i class=\"t join\"></i>");
	H_SAY(h, page_tick_join);
	H(h, "<li><i class=\"t prio\"></i>");
	H_SAY(h, page_tick_prio);
	H(h, "<li><i class=\"t moved\"></i>");
	H_SAY(h, page_tick_failover);
	H(h, "</ul>");
}

/* ---- the table ---- */

static void subflow_row(struct html *h, const json_t *connection, const json_t *subflow, bool first)
{
	H(h, "<tr><th scope=row>");
	if (first) {
		h_short(h, stored_text(connection, "server"), 60);
		if (stored_has(connection, "app")) {
			H(h, " <small>");
			h_short(h, stored_text(connection, "app"), 40);
			H(h, "</small>");
		}
	} else {
		H(h, "<span class=x>〃</span>");
	}
	H(h, "<td><span class=wan>");
	h_short(h, stored_text(subflow, "wan"), 40);
	H(h, "</span><td>");
	h_short(h, stored_text(subflow, "client"), 60);
	html_cell_bytes(h, subflow_bytes(subflow));
	H(h, "<td>");
	if (stored_time(subflow, "start"))
		h_moment(h, stored_time(subflow, "start"));
	H(h, "<td>");
	if (stored_time(subflow, "end"))
		h_moment(h, stored_time(subflow, "end"));
}

static void table(struct html *h, const struct ranked *top, size_t n)
{
	char caption[100];

	html_table(h, SAY_IN(caption, page_connections_table));
	html_head(h, MESSAGE_page_connection);
	html_head(h, MESSAGE_page_line);
	html_head(h, MESSAGE_page_client);
	html_head_num(h, MESSAGE_page_ip_bytes);
	html_head(h, MESSAGE_page_from);
	html_head(h, MESSAGE_page_until);
	H(h, "<tbody>");
	for (size_t i = 0; i < n; i++) {
		const json_t *subflows = json_object_get(top[i].connection, "subflows");

		for (size_t k = 0; k < json_array_size(subflows) && k < SHOWN_SUBFLOWS; k++)
			subflow_row(h, top[i].connection, json_array_get(subflows, k), k == 0);
	}
	html_table_end(h);
}

/* ---- those in sums ---- */

static uint64_t carrying_bytes(const json_t *row)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < KIND_CARRYING; k++)
		sum += stored_number(stored_in(row, "kinds", kind_names[k]), "ip_bytes");
	return sum;
}

static void rest_class(struct html *h, const json_t *class)
{
	static const enum message words[CONNECTION_CLASS_COUNT] = {
		MESSAGE_page_rest_mptcp, MESSAGE_page_rest_fallback, MESSAGE_page_rest_plain,
		MESSAGE_page_rest_orphan};
	size_t which =
		stored_choice(class, "class", connection_class_names, CONNECTION_CLASS_COUNT);

	if (which < CONNECTION_CLASS_COUNT)
		h_say(h, words[which], (const char *const[]){NULL});
	else
		h_short(h, stored_text(class, "class"), 40);
}

static void rest_row(struct html *h, const json_t *class, const json_t *wan)
{
	H(h, "<tr><th scope=row>");
	rest_class(h, class);
	H(h, "<td><span class=wan>");
	h_short(h, stored_text(wan, "wan"), 40);
	H(h, "</span>");
	html_cell_num(h, stored_number(wan, "connections"));
	html_cell_num(h, stored_number(wan, "subflows"));
	html_cell_bytes(h, subflow_bytes(wan));
	html_cell_bytes(h, carrying_bytes(wan));
}

/* Those that the ledger itself had let go. */
static void small_row(struct html *h, const json_t *small)
{
	const json_t *wans = json_object_get(small, "wans");
	uint64_t bytes = 0;

	for (size_t i = 0; i < json_array_size(wans); i++)
		bytes += stored_number(json_array_get(wans, i), "ip_bytes");
	H(h, "<tr><th scope=row>");
	H_SAY(h, page_rest_small);
	H(h, "<td>");
	html_cell_num(h, stored_number(small, "connections"));
	html_cell_num(h, stored_number(small, "subflows"));
	html_cell_bytes(h, bytes);
	H(h, "<td>");
}

static void rest_table(struct telling_page *page)
{
	const json_t *classes = stored_in(page->report, "connections_in_sums", "classes"),
		     *small = stored_in(page->report, "coverage", "connections_summed_only");
	struct html *h = &page->h;
	char caption[100];

	if (json_array_size(classes) == 0)
		return;
	html_table(h, SAY_IN(caption, page_rest_table));
	html_head(h, MESSAGE_page_rest_class);
	html_head(h, MESSAGE_page_line);
	html_head_num(h, MESSAGE_page_rest_connections);
	html_head_num(h, MESSAGE_page_rest_subflows);
	html_head_num(h, MESSAGE_page_ip_bytes);
	html_head_num(h, MESSAGE_page_rest_data);
	H(h, "<tbody>");
	for (size_t i = 0; i < json_array_size(classes) && i < CONNECTION_CLASS_COUNT; i++) {
		const json_t *wans = json_object_get(json_array_get(classes, i), "wans");

		for (size_t k = 0; k < json_array_size(wans) && k < NAMES_MAX; k++)
			rest_row(h, json_array_get(classes, i), json_array_get(wans, k));
	}
	if (stored_number(small, "connections") > 0)
		small_row(h, small);
	html_table_end(h);
}

/* ---- the section ---- */

static void lead(struct telling_page *page, size_t n)
{
	uint64_t listed = json_array_size(json_object_get(page->report, "connections")),
		 all = listed +
	               stored_number(json_object_get(page->report, "connections_in_sums"),
	                             "connections") +
	               stored_number(stored_in(page->report, "coverage", "connections_summed_only"),
	                             "connections");
	struct html *h = &page->h;
	char some[TEXT_SHORT], each[TEXT_SHORT], of[TEXT_SHORT];

	text_count(some, n);
	text_count(of, all);
	if (all > listed)
		H_SAY(h, page_connections_sums, some, of, text_count(each, listed));
	else
		H_SAY(h, page_connections_lead, some, of);
}

void html_connections(struct telling_page *page)
{
	struct html *h = &page->h;
	struct ranked top[TOP];
	bool backups = any_backup(page);
	size_t n = find_top(page, top, backups);
	uint64_t start = UINT64_MAX, end = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t from = stored_time(top[i].connection, "start"),
			 to = stored_time(top[i].connection, "end");

		start = from && from < start ? from : start;
		end = to > end ? to : end;
	}
	H(h, "<section id=connections><h2>");
	if (backups)
		H_SAY(h, page_connections);
	else
		H_SAY(h, page_connections_any);
	H(h, "</h2><p class=lead>");
	lead(page, n);
	legend(h);
	for (size_t i = 0; i < n; i++)
		timeline(page, top[i].connection, start, end);
	if (start < end) {
		H(h, "<div class=\"axis lines\"><span>");
		h_moment(h, start);
		H(h, "</span><span>");
		h_moment(h, end);
		H(h, "</span></div>");
	}
	H(h, "<details><summary>");
	H_SAY(h, page_connections_table);
	H(h, "</summary>");
	table(h, top, n);
	rest_table(page);
	H(h, "</details></section>");
}
