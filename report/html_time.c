/* SPDX-License-Identifier: MIT
 *
 * html_time.c - what happened when: a chart per WAN on one time axis, and the outages.
 */
#include "html_page.h"

#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "text.h"

#define NS                 UINT64_C(1000000000)
#define POINTS_MAX         1440
#define SPANS_MAX          512 /* shaded in one chart */
#define SHOWN_WANS         12
#define TABLE_ROWS         24
#define SHOWN_INTERRUPTION 40

/* The report's series, read and bounded. */
struct axis {
	const json_t *wans;
	uint64_t start_ns, step_ns;
	size_t points;
};

static bool read_axis(const struct telling_page *page, struct axis *axis)
{
	const json_t *series = json_object_get(page->report, "series");
	uint64_t step = stored_number(series, "step_seconds"),
		 points = stored_number(series, "points");

	axis->wans = json_object_get(series, "wans");
	axis->start_ns = stored_time(series, "start");
	if (!axis->start_ns || step == 0 || step > 400u * 86400 || points == 0 ||
	    points > POINTS_MAX)
		return false;
	axis->step_ns = step * NS;
	axis->points = (size_t)points;
	return json_array_size(axis->wans) > 0;
}

static void read_column(const json_t *columns, const char *key, uint64_t *values, size_t points)
{
	const json_t *array = json_object_get(columns, key);

	for (size_t i = 0; i < points; i++) {
		json_int_t value = json_integer_value(json_array_get(array, i));

		/* sums of two stay within 64 bits */
		values[i] = value > 0 ? (uint64_t)value : 0;
	}
}

/* ---- user data of a backup by how its primaries were: what matters most first ---- */

static const struct {
	enum message words;
	const char *key;
	const char *mark; /* in the legend */
} parts[CHART_PARTS] = {
	{MESSAGE_page_part_healthy, "healthy", "<li><i class=p0></i>"},
	{MESSAGE_page_part_degraded, "degraded", "<li><i class=p1></i>"},
	{MESSAGE_page_part_after, "after", "<li><i class=p2></i>"},
	{MESSAGE_page_part_outage, "outage", "<li><i class=p3></i>"},
};

/* `values` has room for all of them. An older report has none. */
static void read_parts(struct chart_series *s, const json_t *columns, uint64_t *values)
{
	const json_t *phases = json_object_get(columns, "phases");

	for (unsigned i = 0; i < CHART_PARTS; i++, values += POINTS_MAX) {
		if (!json_is_array(json_object_get(phases, parts[i].key)))
			continue;
		read_column(phases, parts[i].key, values, s->points);
		s->parts[i] = values;
	}
}

static bool any_has_part(const struct axis *axis, unsigned part)
{
	for (size_t i = 0; i < json_array_size(axis->wans); i++)
		if (stored_in(json_array_get(axis->wans, i), "phases", parts[part].key))
			return true;
	return false;
}

/* ---- what is shaded ---- */

struct spans {
	struct chart_span rows[SPANS_MAX];
	size_t n;
	bool any_gap, any_outage;
};

static void shade(struct spans *spans, uint64_t from_ns, uint64_t to_ns, bool gap)
{
	if (spans->n == SPANS_MAX || to_ns <= from_ns)
		return;
	spans->rows[spans->n++] = (struct chart_span){from_ns, to_ns, gap};
	spans->any_gap = spans->any_gap || gap;
	spans->any_outage = spans->any_outage || !gap;
}

static const json_t *wan_named(const json_t *rows, const char *key, const char *name)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(stored_text(json_array_get(rows, i), key), name) == 0)
			return json_array_get(rows, i);
	return NULL;
}

/* Of a primary its own outages, of a backup those of all primaries. */
static void shade_outages(const struct telling_page *page, const json_t *wan, struct spans *spans)
{
	const json_t *rows = json_object_get(page->report, "interruptions");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const json_t *of = wan_named(json_object_get(page->report, "wans"), "name",
		                             stored_text(row, "wan"));

		if (strcmp(stored_text(row, "kind"), "outage") == 0 && of && html_is_primary(of) &&
		    (of == wan || html_is_backup(wan)))
			shade(spans, stored_time(row, "from"), stored_time(row, "until"), false);
	}
}

static void shade_gaps(const struct telling_page *page, const struct axis *axis, const json_t *wan,
                       struct spans *spans)
{
	const json_t *coverage = wan_named(stored_in(page->report, "coverage", "wans"), "wan",
	                                   stored_text(wan, "name"));
	const json_t *recording = json_object_get(coverage, "recording"),
		     *gaps = json_object_get(recording, "gaps");
	uint64_t from = stored_time(recording, "from"), to = stored_time(recording, "to");

	if (!from)
		from = stored_time(wan, "first");
	if (!to)
		to = stored_time(wan, "last");
	/* a column that was begun, or not filled to its end, is no gap */
	if (from > axis->step_ns)
		shade(spans, axis->start_ns, from - from % axis->step_ns, true);
	if (to)
		shade(spans, to + axis->step_ns, axis->start_ns + axis->points * axis->step_ns,
		      true);
	for (size_t i = 0; i < json_array_size(gaps); i++)
		shade(spans, stored_time(json_array_get(gaps, i), "from"),
		      stored_time(json_array_get(gaps, i), "to"), true);
}

/* ---- the table behind a chart ---- */

static void table_row(struct html *h, const struct chart_series *s, size_t from, size_t to)
{
	uint64_t carrying = 0, standby = 0, most = 0, part[CHART_PARTS] = {0};

	for (size_t i = from; i < to; i++) {
		for (unsigned p = 0; p < CHART_PARTS; p++)
			part[p] += s->parts[p] ? s->parts[p][i] : 0;
		carrying += s->carrying[i];
		standby += s->standby[i];
		if (s->carrying[i] + s->standby[i] > most)
			most = s->carrying[i] + s->standby[i];
	}
	H(h, "<tr><th scope=row>");
	h_moment(h, s->start_ns + from * s->step_ns);
	html_cell_bytes(h, carrying);
	html_cell_bytes(h, standby);
	html_cell_bytes(h, most);
	for (unsigned p = 0; p < CHART_PARTS; p++)
		if (s->parts[p])
			html_cell_bytes(h, part[p]);
}

static void chart_table(struct html *h, const struct chart_series *s, const char *name)
{
	size_t each = (s->points + TABLE_ROWS - 1) / TABLE_ROWS;
	char caption[STORED_NAME + 100];

	H(h, "<details><summary>");
	H_SAY(h, page_table_of, name);
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_table_of, name));
	html_head(h, MESSAGE_page_from);
	html_head_num(h, MESSAGE_page_user_data_column);
	html_head_num(h, MESSAGE_page_standby_column);
	html_head_num(h, MESSAGE_page_busiest_column);
	for (unsigned p = 0; p < CHART_PARTS; p++)
		if (s->parts[p])
			html_head_num(h, parts[p].words);
	H(h, "<tbody>");
	for (size_t i = 0; i < s->points; i += each)
		table_row(h, s, i, i + each < s->points ? i + each : s->points);
	html_table_end(h);
	H(h, "</details>");
}

/* ---- a chart ---- */

static void caption_of(struct html *h, const json_t *wan, const char *name,
                       const struct chart_series *s)
{
	char role[200], top[TEXT_SHORT], step[TEXT_SHORT];

	H(h, "<figcaption><b>");
	h_message(h, name);
	H(h, "</b> <span class=role>");
	h_message(h, html_role(wan, role, sizeof(role)));
	H(h, "</span> <span class=top>");
	H_SAY(h, page_busiest, h_duration_text(step, s->step_ns), text_bytes(top, chart_top(s)));
	H(h, "</span></figcaption>");
}

static void draw_wan(struct telling_page *page, const struct axis *axis, const json_t *columns,
                     uint64_t *values)
{
	struct html *h = &page->h;
	const json_t *wan = wan_named(json_object_get(page->report, "wans"), "name",
	                              stored_text(columns, "wan"));
	struct spans *spans = calloc(1, sizeof(*spans));
	struct chart_series s = {.start_ns = axis->start_ns,
	                         .step_ns = axis->step_ns,
	                         .points = axis->points,
	                         .carrying = values,
	                         .standby = values + POINTS_MAX};
	char name[STORED_NAME], title[STORED_NAME + 100], desc[300], time[MESSAGE_TIME],
		top[TEXT_SHORT];

	read_column(columns, "carrying_ip_bytes", values, axis->points);
	read_column(columns, "standby_ip_bytes", values + POINTS_MAX, axis->points);
	read_parts(&s, columns, values + 2 * POINTS_MAX);
	if (spans) {
		shade_outages(page, wan, spans);
		shade_gaps(page, axis, wan, spans);
		s.spans = spans->rows;
		s.n_spans = spans->n;
	}
	stored_name(name, columns, "wan", 40);
	message_span(time, axis->start_ns, axis->start_ns + axis->points * axis->step_ns);
	SAY_IN(title, page_chart_title, name);
	SAY_IN(desc, page_chart_desc, time, text_bytes(top, chart_top(&s)));
	H(h, "<figure class=chart>");
	caption_of(h, wan, name, &s);
	chart_series(h, &s, title, desc);
	H(h, "<div class=axis>");
	for (unsigned i = 0; i <= 2; i++) {
		H(h, "<span>");
		h_moment(h, axis->start_ns + axis->points * axis->step_ns * i / 2);
		H(h, "</span>");
	}
	H(h, "</div>");
	chart_table(h, &s, name);
	H(h, "</figure>");
	free(spans);
}

static void legend(struct html *h, const struct axis *axis, bool grouped)
{
	H(h, "<ul class=legend><li><i class=carry></i>");
	H_SAY(h, page_user_data);
	for (unsigned i = 0; i < CHART_PARTS; i++) {
		if (!any_has_part(axis, i))
			continue;
		h_markup(h, parts[i].mark);
		h_say(h, parts[i].words, (const char *const[]){NULL});
	}
	H(h, "<li><i class=standby></i>");
	H_SAY(h, page_standby);
	if (grouped) {
		H(h, "<li><i class=most></i>");
		H_SAY(h, page_column_range);
	}
	H(h, "<li><i class=out></i>");
	H_SAY(h, page_outage_shade);
	H(h, "<li><i class=gap></i>");
	H_SAY(h, page_gap_shade);
	H(h, "</ul>");
}

static void charts(struct telling_page *page)
{
	struct html *h = &page->h;
	struct axis axis;
	uint64_t *values;
	size_t n, i = 0;
	char step[TEXT_SHORT];

	if (!read_axis(page, &axis))
		return;
	values = calloc((2 + CHART_PARTS) * POINTS_MAX, sizeof(*values));
	if (!values)
		return;
	H(h, "<p class=lead>");
	H_SAY(h, page_over_time_lead,
	      h_duration_text(step,
	                      axis.step_ns * ((axis.points + CHART_COLUMNS - 1) / CHART_COLUMNS)));
	legend(h, &axis, axis.points > CHART_COLUMNS);
	n = json_array_size(axis.wans);
	for (; i < n && i < SHOWN_WANS && h_room(h); i++)
		draw_wan(page, &axis, json_array_get(axis.wans, i), values);
	html_more(h, n - i);
	free(values);
}

/* ---- interruptions ---- */

static void seconds_cell(struct html *h, const json_t *row, const char *key)
{
	double seconds = stored_real(row, key);

	H(h, "<td class=n>");
	if (stored_has(row, key) && seconds >= 0 && seconds < 9e9)
		h_duration(h, (uint64_t)(seconds * 1e9));
}

static void interruption_row(struct html *h, const json_t *row)
{
	static const char *const kinds[] = {"outage", "failover", "opening"};
	static const enum message words[] = {MESSAGE_page_event_outage, MESSAGE_page_event_failover,
	                                     MESSAGE_page_event_opening};
	size_t kind = stored_choice(row, "kind", kinds, 3);
	double seconds = stored_real(row, "seconds");
	char time[TEXT_SHORT];

	H(h, "<tr><th scope=row>");
	h_moment(h, stored_time(row, "from"));
	H(h, "<td>");
	if (kind < 3)
		h_say(h, words[kind], (const char *const[]){NULL});
	H(h, "<td><span class=wan>");
	h_short(h, stored_text(row, "wan"), 40);
	H(h, "</span><td class=n>");
	h_duration_text(time, seconds > 0 && seconds < 9e9 ? (uint64_t)(seconds * 1e9) : 0);
	if (stored_true(row, "lasts"))
		H_SAY(h, page_to_the_end, time);
	else
		h_text(h, time);
	H(h, "<td>");
	h_short(h, stored_text(row, "to"), 40);
	seconds_cell(h, row, "failback_seconds");
	seconds_cell(h, row, "stall_seconds");
}

static void interruptions(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *rows = json_object_get(page->report, "interruptions");
	size_t n = json_array_size(rows), i = 0;
	char caption[100];

	H(h, "<h3>");
	H_SAY(h, page_interruptions);
	H(h, "</h3>");
	if (n == 0) {
		H(h, "<p>");
		H_SAY(h, page_interruptions_none);
		return;
	}
	html_table(h, SAY_IN(caption, page_interruptions));
	html_head(h, MESSAGE_page_from);
	html_head(h, MESSAGE_page_event);
	html_head(h, MESSAGE_page_line);
	html_head_num(h, MESSAGE_page_lasted);
	html_head(h, MESSAGE_page_went_to);
	html_head_num(h, MESSAGE_page_back_after);
	html_head_num(h, MESSAGE_page_stall);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_INTERRUPTION && h_room(h); i++)
		interruption_row(h, json_array_get(rows, i));
	html_table_end(h);
	html_more(h, n - i);
}

void html_over_time(struct telling_page *page)
{
	struct html *h = &page->h;

	H(h, "<section id=time><h2>");
	H_SAY(h, page_over_time);
	H(h, "</h2>");
	charts(page);
	interruptions(page);
	H(h, "</section>");
}
