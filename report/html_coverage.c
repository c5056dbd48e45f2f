/* SPDX-License-Identifier: MIT
 *
 * html_coverage.c - what was looked at and what is missing from it, what was expected, and how to
 * read the page.
 */
#include "html_page.h"

#include <string.h>

#include "label.h"
#include "text.h"

#define SHOWN_FILES 40
#define SHOWN_ROWS  64

/* ---- what was looked at ---- */

static void moment_cell(struct html *h, const json_t *o, const char *key)
{
	H(h, "<td>");
	if (stored_time(o, key))
		h_moment(h, stored_time(o, key));
}

static void file_row(struct html *h, const json_t *file)
{
	char text[700];

	H(h, "<tr><th scope=row>");
	h_short(h, stored_text(file, "name"), 100);
	H(h, "<td><span class=wan>");
	h_short(h, stored_text(file, "wan"), 40);
	H(h, "</span>");
	html_cell_num(h, stored_number(file, "frames"));
	html_cell_bytes(h, stored_number(file, "wire_bytes"));
	moment_cell(h, file, "first");
	moment_cell(h, file, "last");
	H(h, "<td>");
	if (stored_has(file, "message"))
		h_message(h, stored_message(text, sizeof(text), file, "message"));
	else
		H_SAY(h, page_read_whole);
	if (stored_has(file, "sha256")) {
		H(h, "<br><span class=digest>");
		h_message(h, stored_digest(text, sizeof(text), file));
		H(h, "</span>");
	}
}

static void files_table(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *files = stored_in(page->report, "coverage", "files");
	size_t n = json_array_size(files), i = 0;
	char caption[100];

	html_table(h, SAY_IN(caption, page_files_table));
	html_head(h, MESSAGE_page_file);
	html_head(h, MESSAGE_page_line);
	html_head_num(h, MESSAGE_page_frames);
	html_head_num(h, MESSAGE_page_wire_bytes);
	html_head(h, MESSAGE_page_first_seen);
	html_head(h, MESSAGE_page_last_seen);
	html_head(h, MESSAGE_page_remark);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_FILES && h_room(h); i++)
		file_row(h, json_array_get(files, i));
	html_table_end(h);
	html_more(h, n - i);
}

static void gaps_cell(struct html *h, const json_t *recording)
{
	static const char *const states[] = {"absent", "down", "suspended", "stopped"};
	static const enum message words[] = {MESSAGE_state_absent, MESSAGE_state_down,
	                                     MESSAGE_state_suspended, MESSAGE_state_stopped};
	const json_t *gaps = json_object_get(recording, "gaps");
	size_t n = json_array_size(gaps), i = 0;
	char state[60], count[TEXT_SHORT];

	H(h, "<td>");
	for (; i < n && i < 4; i++) {
		const json_t *gap = json_array_get(gaps, i);
		size_t which = stored_choice(gap, "state", states, 4);

		if (which == 4)
			continue;
		message_say(state, sizeof(state), words[which], (const char *const[]){NULL});
		H(h, "<div>");
		h_message(h, state);
		H(h, " ");
		h_span(h, stored_time(gap, "from"), stored_time(gap, "to"));
		H(h, "</div>");
	}
	if (n > i)
		H_SAY(h, page_more_rows, text_count(count, n - i));
}

static void lost_row(struct html *h, const json_t *wan)
{
	H(h, "<tr><th scope=row><span class=wan>");
	h_short(h, stored_text(wan, "wan"), 40);
	H(h, "</span>");
	moment_cell(h, wan, "first");
	moment_cell(h, wan, "last");
	H(h, "<td class=n>");
	if (stored_has(wan, "dropped_frames"))
		h_num(h, stored_number(wan, "dropped_frames"));
	else
		H_SAY(h, page_not_known);
	html_cell_num(h, stored_number(wan, "cut_frames"));
	gaps_cell(h, json_object_get(wan, "recording"));
}

static void lost_table(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wans = stored_in(page->report, "coverage", "wans");
	size_t n = json_array_size(wans), i = 0;
	char caption[100];

	html_table(h, SAY_IN(caption, page_lost_table));
	html_head(h, MESSAGE_page_line);
	html_head(h, MESSAGE_page_first_seen);
	html_head(h, MESSAGE_page_last_seen);
	html_head_num(h, MESSAGE_page_dropped);
	html_head_num(h, MESSAGE_page_cut_frames);
	html_head(h, MESSAGE_page_gaps);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_ROWS && h_room(h); i++)
		lost_row(h, json_array_get(wans, i));
	html_table_end(h);
	html_more(h, n - i);
}

void html_coverage(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *coverage = json_object_get(page->report, "coverage");
	const json_t *window = json_object_get(page->report, "window");
	uint64_t start = stored_time(window, "start"), end = stored_time(window, "end");
	char span[MESSAGE_TIME], time[TEXT_SHORT], filter[STORED_NAME], clocks[80];

	H(h, "<section id=coverage><h2>");
	H_SAY(h, page_coverage);
	H(h, "</h2>");
	if (start && end >= start) {
		H(h, "<p class=lead>");
		H_SAY(h, page_judged_time, message_span(span, start, end),
		      h_duration_text(time, end - start),
		      stored_clocks(page->report, h->how.zone, clocks, sizeof(clocks)));
	}
	if (stored_has(coverage, "filter")) {
		H(h, "<p class=note>");
		H_SAY(h, page_filtered_note, stored_name(filter, coverage, "filter", 200));
	}
	files_table(page);
	lost_table(page);
	H(h, "</section>");
}

/* ---- what was expected ---- */

static void plan_cell(struct html *h, const json_t *plan)
{
	H(h, "<td class=n>");
	if (stored_number(plan, "quota_bytes"))
		h_bytes(h, stored_number(plan, "quota_bytes"));
}

static void told_row(struct html *h, const json_t *wan)
{
	char role[LABEL_SIZE];

	H(h, "<tr><th scope=row><span class=wan>");
	h_short(h, stored_text(wan, "name"), 40);
	H(h, "</span><td>");
	h_message(h, label_role(role, stored_text(wan, "role")));
	H(h, "<td>");
	if (stored_has(wan, "role_from")) {
		H(h, "<code>");
		h_short(h, stored_text(wan, "role_from"), 80);
		H(h, "</code>");
	}
	plan_cell(h, json_object_get(wan, "plan"));
	H(h, "<td>");
	if (stored_has(wan, "captured_as"))
		h_short(h, stored_text(wan, "captured_as"), 40);
	else
		H_SAY(h, page_no_capture);
}

static void told_table(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wans = stored_in(page->report, "expected", "wans");
	size_t n = json_array_size(wans), i = 0;
	char caption[100];

	if (n == 0) {
		H(h, "<p>");
		H_SAY(h, page_expected_none);
		return;
	}
	html_table(h, SAY_IN(caption, page_told_table));
	html_head(h, MESSAGE_page_line);
	html_head(h, MESSAGE_page_role);
	html_head(h, MESSAGE_page_said_by);
	html_head_num(h, MESSAGE_page_plan);
	html_head(h, MESSAGE_page_captured_as);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_ROWS && h_room(h); i++)
		told_row(h, json_array_get(wans, i));
	html_table_end(h);
	html_more(h, n - i);
}

static void cost_row(struct html *h, const json_t *part, const char *seen_key, const char *is_key)
{
	uint64_t seen = stored_number(part, seen_key), is = stored_number(part, is_key);

	html_cell_bytes(h, seen);
	html_cell_bytes(h, is);
	html_cell_bytes(h, seen > is ? seen - is : 0);
	H(h, "<td class=n>");
	if (stored_number(part, "count"))
		h_num(h, stored_number(part, "count"));
}

static void cost_table(struct html *h, const json_t *wan)
{
	static const struct {
		const char *key;
		enum message words;
	} parts[] = {
		{"subflows", MESSAGE_page_cost_subflows},
		{"keepalives", MESSAGE_page_cost_keepalives},
		{"acks", MESSAGE_page_cost_acks},
		{"tracker", MESSAGE_page_cost_tracker},
		{"checks", MESSAGE_page_cost_checks},
		{"tunnels", MESSAGE_page_cost_tunnels},
		{"outage", MESSAGE_page_cost_outage},
		{"data", MESSAGE_page_cost_data},
		{"other", MESSAGE_page_cost_other},
	};
	const json_t *cost = json_object_get(wan, "cost");
	char name[STORED_NAME], caption[STORED_NAME + 100];

	if (!json_is_object(cost))
		return;
	html_table(h, SAY_IN(caption, page_cost_table, stored_name(name, wan, "name", 40)));
	html_head(h, MESSAGE_page_cost_part);
	html_head_num(h, MESSAGE_page_cost_seen);
	html_head_num(h, MESSAGE_page_cost_expected);
	html_head_num(h, MESSAGE_page_cost_unexplained);
	html_head_num(h, MESSAGE_page_count);
	H(h, "<tbody>");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const json_t *part = json_object_get(json_object_get(cost, "parts"), parts[i].key);

		if (!json_is_object(part))
			continue;
		H(h, "<tr><th scope=row>");
		h_say(h, parts[i].words, (const char *const[]){NULL});
		cost_row(h, part, "seen_bytes", "expected_bytes");
	}
	H(h, "<tr class=sum><th scope=row>");
	H_SAY(h, page_all);
	html_cell_bytes(h, stored_number(cost, "seen_bytes"));
	html_cell_bytes(h, stored_number(cost, "expected_bytes"));
	html_cell_bytes(h, stored_number(cost, "unexplained_bytes"));
	H(h, "<td>");
	html_table_end(h);
}

static void site_fact(struct html *h, enum message words, const char *text)
{
	if (!*text)
		return;
	H(h, "<div><dt>");
	h_say(h, words, (const char *const[]){NULL});
	H(h, "<dd>");
	h_short(h, text, 80);
	H(h, "</div>");
}

/* What was told of the site as a whole. */
static void site_facts(struct telling_page *page)
{
	static const struct {
		const char *key;
		enum message words;
	} rows[] = {
		{"profile", MESSAGE_page_site_profile},
		{"time_zone", MESSAGE_page_site_zone},
		{"scheduler", MESSAGE_page_site_scheduler},
		{"kernel", MESSAGE_page_site_kernel},
	};
	struct html *h = &page->h;
	uint64_t quota = stored_number(stored_in(page->report, "expected", "plan"), "quota_bytes");
	char plan[TEXT_SHORT];

	H(h, "<dl class=site>");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		site_fact(h, rows[i].words,
		          stored_text(stored_in(page->report, "expected", rows[i].key), "value"));
	site_fact(h, MESSAGE_page_site_plan, quota ? text_bytes(plan, quota) : "");
	H(h, "</dl>");
}

/* What was read and could not be used. */
static void notes_list(struct html *h, const json_t *expected)
{
	size_t n = json_array_size(json_object_get(expected, "notes"));
	char note[1000];

	if (n == 0)
		return;
	H(h, "<p class=note>");
	H_SAY(h, page_notes);
	H(h, "</p><ul>");
	for (size_t i = 0; i < n && i < SHOWN_ROWS && h_room(h); i++) {
		H(h, "<li>");
		h_message(h, stored_message_at(note, sizeof(note), expected, "notes", i));
	}
	H(h, "</ul>");
	if (n > SHOWN_ROWS)
		html_more(h, n - SHOWN_ROWS);
}

void html_expected(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wans = json_object_get(page->report, "wans");

	H(h, "<section id=expected><h2>");
	H_SAY(h, page_expected);
	H(h, "</h2>");
	if (json_is_object(json_object_get(page->report, "expected")))
		site_facts(page);
	told_table(page);
	notes_list(h, json_object_get(page->report, "expected"));
	for (size_t i = 0; i < json_array_size(wans) && i < SHOWN_ROWS && h_room(h); i++)
		cost_table(h, json_array_get(wans, i));
	H(h, "</section>");
}

/* ---- how to read the page ---- */

static void symbols(struct html *h)
{
	static const struct {
		enum status status;
		enum message means;
	} rows[] = {
		{STATUS_PASS, MESSAGE_page_means_pass},
		{STATUS_WARN, MESSAGE_page_means_warn},
		{STATUS_FAIL, MESSAGE_page_means_fail},
		{STATUS_NOT_ASSESSED, MESSAGE_page_means_not_assessed},
	};

	H(h, "<h3>");
	H_SAY(h, page_symbols);
	H(h, "</h3><ul class=symbols>");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		H(h, "<li>");
		html_status(h, rows[i].status);
		H(h, " ");
		h_say(h, rows[i].means, (const char *const[]){NULL});
	}
	H(h, "</ul>");
}

static void glossary(struct html *h)
{
	static const enum message rows[][2] = {
		{MESSAGE_page_word_backup, MESSAGE_page_word_backup_is},
		{MESSAGE_page_word_connection, MESSAGE_page_word_connection_is},
		{MESSAGE_page_word_standby, MESSAGE_page_word_standby_is},
		{MESSAGE_page_word_outage, MESSAGE_page_word_outage_is},
	};

	H(h, "<h3>");
	H_SAY(h, page_words);
	H(h, "</h3><dl class=words>");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		H(h, "<div><dt>");
		h_say(h, rows[i][0], (const char *const[]){NULL});
		H(h, "<dd>");
		h_say(h, rows[i][1], (const char *const[]){NULL});
		H(h, "</div>");
	}
	H(h, "</dl>");
}

static void limit_row(struct html *h, const char *key, const json_t *limit)
{
	static const char *const sources[] = {"assumed", "flag", "config", "uci", "capture"};
	static const enum message words[] = {MESSAGE_page_source_assumed, MESSAGE_page_source_flag,
	                                     MESSAGE_page_source_config, MESSAGE_page_source_uci,
	                                     MESSAGE_page_source_capture};
	size_t source = stored_choice(limit, "source", sources, 5);
	const char *unit = stored_text(limit, "unit");

	H(h, "<tr><th scope=row><code>");
	h_short(h, key, 60);
	H(h, "</code><td class=n>");
	html_value(h, stored_real(limit, "value"), unit);
	H(h, "<td>");
	if (source < 5)
		h_say(h, words[source], (const char *const[]){NULL});
}

static void limits_table(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *limits = json_object_get(page->report, "limits");
	const char *key;
	json_t *limit;
	size_t told = 0;
	char caption[100];

	H(h, "<details><summary>");
	H_SAY(h, page_limits_table);
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_limits_table));
	html_head(h, MESSAGE_page_limit_name);
	html_head_num(h, MESSAGE_page_value);
	html_head(h, MESSAGE_page_set_by);
	H(h, "<tbody>");
	json_object_foreach((json_t *)limits, key, limit)
	{
		if (told++ >= 100)
			break;
		limit_row(h, key, limit);
	}
	html_table_end(h);
	H(h, "</details>");
}

void html_method(struct telling_page *page)
{
	struct html *h = &page->h;

	H(h, "<section id=method><h2>");
	H_SAY(h, page_method);
	H(h, "</h2><p class=lead>");
	H_SAY(h, page_method_is);
	symbols(h);
	glossary(h);
	limits_table(page);
	H(h, "</section>");
}
