/* SPDX-License-Identifier: MIT
 *
 * html_trend.c - what earlier audits said of the backups, day by day: the same drawing as over
 * time, with a column per step. A step without an audit is hatched, not zero.
 */
#include "html_page.h"

#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "text.h"

#define NS         UINT64_C(1000000000)
#define STEPS_MAX  CHART_COLUMNS
#define SHOWN_WANS 6

struct trend {
	uint64_t values[2][STEPS_MAX]; /* carrying, standby */
	bool audited[STEPS_MAX];
	struct chart_span gaps[STEPS_MAX];
	size_t n_gaps;
	struct chart_series series;
};

/* A step's length: days and months are not all as long, so a point lies in the nearest step. */
static uint64_t step_of(const json_t *trend)
{
	static const char *const names[] = {"5min", "hour", "day", "month"};
	static const uint64_t seconds[] = {300, 3600, 86400, 2629746, 0};

	return seconds[stored_choice(trend, "by", names, 4)] * NS;
}

static void read_points(struct trend *t, const json_t *points)
{
	struct chart_series *s = &t->series;

	for (size_t i = 0; i < json_array_size(points); i++) {
		const json_t *point = json_array_get(points, i),
			     *sums = json_object_get(point, "sums");
		uint64_t start = stored_time(point, "start"), at;

		if (start < s->start_ns)
			continue;
		at = (start - s->start_ns + s->step_ns / 2) / s->step_ns;
		if (at >= STEPS_MAX || stored_number(point, "audits") == 0)
			continue;
		t->audited[at] = true;
		t->values[0][at] = stored_number(sums, "carrying");
		t->values[1][at] = stored_number(sums, "standby");
		s->points = at + 1 > s->points ? (size_t)at + 1 : s->points;
	}
}

/* False: there is nothing to draw. */
static bool read_trend(struct trend *t, const json_t *points, uint64_t step_ns)
{
	struct chart_series *s = &t->series;

	memset(t, 0, sizeof(*t));
	s->step_ns = step_ns;
	s->start_ns = stored_time(json_array_get(points, 0), "start");
	s->carrying = t->values[0];
	s->standby = t->values[1];
	s->spans = t->gaps;
	if (!s->start_ns || !step_ns)
		return false;
	read_points(t, points);
	for (size_t i = 0; i < s->points; i++)
		if (!t->audited[i])
			t->gaps[t->n_gaps++] = (struct chart_span){
				s->start_ns + i * step_ns, s->start_ns + (i + 1) * step_ns, true};
	s->n_spans = t->n_gaps;
	return s->points > 1;
}

static void point_row(struct html *h, const json_t *point)
{
	const json_t *sums = json_object_get(point, "sums");
	enum status verdict =
		(enum status)stored_choice(point, "verdict", status_names, STATUS_COUNT);

	H(h, "<tr><th scope=row>");
	h_moment(h, stored_time(point, "start"));
	H(h, "<td>");
	if (stored_has(point, "verdict"))
		html_status(h, verdict);
	html_cell_bytes(h, stored_number(sums, "carrying"));
	html_cell_bytes(h, stored_number(sums, "standby"));
}

static void trend_table(struct html *h, const json_t *points, const char *name)
{
	size_t n = json_array_size(points), i = n > 62 ? n - 62 : 0;
	char caption[STORED_NAME + 100];

	H(h, "<details><summary>");
	H_SAY(h, page_table_of, name);
	H(h, "</summary>");
	html_table(h, SAY_IN(caption, page_trend_table, name));
	html_head(h, MESSAGE_page_from);
	html_head(h, MESSAGE_page_status);
	html_head_num(h, MESSAGE_page_user_data_column);
	html_head_num(h, MESSAGE_page_standby_column);
	H(h, "<tbody>");
	for (; i < n && h_room(h); i++)
		point_row(h, json_array_get(points, i));
	html_table_end(h);
	H(h, "</details>");
}

static void draw(struct html *h, const struct trend *t, const json_t *wan)
{
	const struct chart_series *s = &t->series;
	uint64_t end = s->start_ns + s->points * s->step_ns;
	char name[STORED_NAME], title[STORED_NAME + 100], desc[300], time[MESSAGE_TIME],
		top[TEXT_SHORT], role[200];

	stored_name(name, wan, "wan", 40);
	SAY_IN(title, page_trend_table, name);
	SAY_IN(desc, page_chart_desc, message_span(time, s->start_ns, end),
	       text_bytes(top, chart_top(s)));
	H(h, "<figure class=chart><figcaption><b>");
	h_message(h, name);
	H(h, "</b> <span class=role>");
	h_message(h, html_role(wan, role, sizeof(role)));
	H(h, "</span> <span class=top>");
	H_SAY(h, page_trend_most, top);
	H(h, "</span></figcaption>");
	chart_series(h, s, title, desc);
	H(h, "<div class=axis><span>");
	h_moment(h, s->start_ns);
	H(h, "</span><span></span><span>");
	h_moment(h, end);
	H(h, "</span></div>");
	trend_table(h, json_object_get(wan, "points"), name);
	H(h, "</figure>");
}

void html_trend(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *trend = json_object_get(page->report, "trend"),
		     *wans = json_object_get(trend, "wans");
	struct trend *t = malloc(sizeof(*t));
	size_t told = 0;

	for (size_t i = 0; t && i < json_array_size(wans) && told < SHOWN_WANS && h_room(h); i++) {
		const json_t *wan = json_array_get(wans, i);

		if (!html_is_backup(wan) ||
		    !read_trend(t, json_object_get(wan, "points"), step_of(trend)))
			continue;
		if (told++ == 0) {
			H(h, "<section id=trend><h2>");
			H_SAY(h, page_trend);
			H(h, "</h2><p class=lead>");
			H_SAY(h, page_trend_lead);
		}
		draw(h, t, wan);
	}
	if (told)
		H(h, "</section>");
	free(t);
}
