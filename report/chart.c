/* SPDX-License-Identifier: MIT
 *
 * chart.c - see chart.h.
 */
#include "chart.h"

#include <string.h>

#define HIGH   120
#define BAR    20
#define TENTHS 10

/* Where a moment stands on the axis, in tenths. */
static uint64_t place(uint64_t ns, uint64_t start_ns, uint64_t wide_ns)
{
	double x;

	if (ns <= start_ns || wide_ns == 0)
		return 0;
	x = (double)(ns - start_ns) / (double)wide_ns * (CHART_WIDE * TENTHS);
	return x < CHART_WIDE * TENTHS ? (uint64_t)x : CHART_WIDE * TENTHS;
}

static void open_svg(struct html *h, uint64_t high, const char *class, const char *title,
                     const char *desc)
{
	unsigned id = h->ids++;

	H(h, "<svg");
	h_attr(h, "class", class);
	H(h, " role=img viewBox=\"0 0 720 ");
	h_digits(h, high);
	H(h, "\" height=");
	h_digits(h, high);
	H(h, " preserveAspectRatio=none aria-labelledby=\"t");
	h_digits(h, id);
	H(h, " d");
	h_digits(h, id);
	H(h, "\"><title id=t");
	h_digits(h, id);
	H(h, ">");
	h_message(h, title);
	H(h, "</title><desc id=d");
	h_digits(h, id);
	H(h, ">");
	h_message(h, desc);
	H(h, "</desc>");
}

static void rect(struct html *h, uint64_t x_tenths, uint64_t y, uint64_t wide_tenths, uint64_t high)
{
	H(h, " x=\"");
	h_tenths(h, x_tenths);
	H(h, "\" y=\"");
	h_digits(h, y);
	H(h, "\" width=\"");
	h_tenths(h, wide_tenths);
	H(h, "\" height=\"");
	h_digits(h, high);
	H(h, "\"/>");
}

/* ---- series ---- */

uint64_t chart_top(const struct chart_series *series)
{
	uint64_t top = 0;

	for (size_t i = 0; i < series->points; i++)
		if (series->carrying[i] + series->standby[i] > top)
			top = series->carrying[i] + series->standby[i];
	return top;
}

/* Height of a value, in tenths: what is not zero is at least one and a half units high. */
static uint64_t high_of(uint64_t value, uint64_t top)
{
	double y = top ? (double)value / (double)top * (HIGH * TENTHS) : 0;

	return value == 0 ? 0 : y < 15 ? 15 : y < HIGH * TENTHS ? (uint64_t)y : HIGH * TENTHS;
}

/* What a column of several steps shows. */
struct column {
	uint64_t carrying; /* of the step with most of it */
	uint64_t least, most;
	uint64_t parts[CHART_PARTS]; /* the most of a part and those below it */
};

static struct column column_of(const struct chart_series *s, size_t from, size_t to)
{
	struct column c = {0, UINT64_MAX, 0, {0}};

	for (size_t i = from; i < to; i++) {
		uint64_t sum = s->carrying[i] + s->standby[i], part = 0;

		for (unsigned p = 0; p < CHART_PARTS; p++) {
			part += s->parts[p] ? s->parts[p][i] : 0;
			c.parts[p] = part > c.parts[p] ? part : c.parts[p];
		}

		c.carrying = s->carrying[i] > c.carrying ? s->carrying[i] : c.carrying;
		c.most = sum > c.most ? sum : c.most;
		c.least = sum < c.least ? sum : c.least;
	}
	return c;
}

enum layer { LAYER_MOST, LAYER_LEAST, LAYER_CARRYING, LAYER_PARTS };

static uint64_t layer_of(const struct column *c, unsigned layer)
{
	if (layer >= LAYER_PARTS)
		return c->parts[layer - LAYER_PARTS];
	return layer == LAYER_MOST ? c->most : layer == LAYER_LEAST ? c->least : c->carrying;
}

/* One path of columns: "M x,HIGH V y H x2 ..." from the left to the right. */
static void draw_layer(struct html *h, const struct chart_series *s, unsigned layer, uint64_t top)
{
	size_t each = (s->points + CHART_COLUMNS - 1) / CHART_COLUMNS;
	uint64_t last = 0;

	H(h, "M0 120");
	for (size_t i = 0; i < s->points; i += each) {
		size_t to = i + each < s->points ? i + each : s->points;
		struct column c = column_of(s, i, to);
		uint64_t high = high_of(layer_of(&c, layer), top);

		if (high != last) {
			H(h, "H");
			h_tenths(h, i * CHART_WIDE * TENTHS / s->points);
			H(h, "V");
			h_tenths(h, HIGH * TENTHS - high);
		}
		last = high;
	}
	H(h, "H720V120z\"/>");
}

static void draw_span(struct html *h, const struct chart_series *s, const struct chart_span *span)
{
	uint64_t wide = s->step_ns * s->points;
	uint64_t from = place(span->from_ns, s->start_ns, wide),
		 to = place(span->to_ns, s->start_ns, wide);

	if (span->to_ns <= s->start_ns || from >= CHART_WIDE * TENTHS)
		return;
	if (span->gap)
		H(h, "<rect class=gap");
	else
		H(h, "<rect class=out");
	if (span->gap) {
		H(h, " fill=\"url(#g");
		h_digits(h, h->ids);
		H(h, ")\"");
	}
	rect(h, from, 0, to > from + TENTHS ? to - from : TENTHS, HIGH);
}

/* Told apart without their colours: stripes to the left, dots, stripes that lie, and plain. */
static const char *const part_patterns[CHART_PARTS] = {
	" width=6 height=6 patternUnits=userSpaceOnUse patternTransform=\"rotate(-45)\">"
	"<rect class=p0 width=6 height=6 /><path class=cut d=\"M0 0V6\"/></pattern>",
	" width=6 height=6 patternUnits=userSpaceOnUse>"
	"<rect class=p1 width=6 height=6 /><path class=cut d=\"M2 3h2\"/></pattern>",
	" width=6 height=6 patternUnits=userSpaceOnUse>"
	"<rect class=p2 width=6 height=6 /><path class=cut d=\"M0 3H6\"/></pattern>",
	" width=6 height=6 patternUnits=userSpaceOnUse>"
	"<rect class=p3 width=6 height=6 /></pattern>",
};

/* From the top down, so that each covers all above it but its own part. */
static void draw_parts(struct html *h, const struct chart_series *s, uint64_t top)
{
	for (unsigned p = CHART_PARTS; p-- > 0;) {
		if (!s->parts[p])
			continue;
		H(h, "<pattern id=p");
		h_digits(h, p);
		H(h, "g");
		h_digits(h, h->ids);
		h_markup(h, part_patterns[p]);
		H(h, "<path fill=\"url(#p");
		h_digits(h, p);
		H(h, "g");
		h_digits(h, h->ids);
		H(h, ")\" d=\"");
		draw_layer(h, s, LAYER_PARTS + p, top);
	}
}

void chart_series(struct html *h, const struct chart_series *series, const char *title,
                  const char *desc)
{
	uint64_t top = chart_top(series);
	bool grouped = series->points > CHART_COLUMNS;

	open_svg(h, HIGH, "plot", title, desc);
	H(h, "<pattern id=g");
	h_digits(h, h->ids);
	H(h, " width=6 height=6 patternUnits=userSpaceOnUse patternTransform=\"rotate(45)\">"
	     "<path class=hatch d=\"M0 0V6\"/></pattern>");
	for (size_t i = 0; i < series->n_spans; i++)
		draw_span(h, series, &series->spans[i]);
	if (grouped) {
		H(h, "<path class=most d=\"");
		draw_layer(h, series, LAYER_MOST, top);
	}
	H(h, "<path class=standby d=\"");
	draw_layer(h, series, grouped ? LAYER_LEAST : LAYER_MOST, top);
	H(h, "<path class=carry d=\"");
	draw_layer(h, series, LAYER_CARRYING, top);
	draw_parts(h, series, top);
	H(h, "</svg>");
	h->ids++;
}

/* ---- a bar ---- */

void chart_bar(struct html *h, const uint64_t *values, const unsigned *colours, size_t n,
               const char *title, const char *desc)
{
	uint64_t sum = 0, done = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	open_svg(h, BAR, "bar", title, desc);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = place(done, 0, sum), to = place(done + values[i], 0, sum);

		done += values[i];
		if (values[i] == 0)
			continue;
		H(h, "<rect class=k");
		h_digits(h, colours[i]);
		/* what is there is seen, if thin */
		rect(h, from, 0, to > from + 2 * TENTHS ? to - from : 2 * TENTHS, BAR);
	}
	H(h, "</svg>");
}

/* ---- rows ---- */

static void draw_tick(struct html *h, uint64_t at, size_t row, enum chart_tick tick)
{
	static const char *const starts[CHART_TICKS] = {
		"<path class=join d=\"M", "<path class=prio d=\"M", "<path class=moved d=\"M"};

	h_markup(h, starts[tick]);
	h_tenths(h, at > 10 ? at : 10);
	H(h, " ");
	h_digits(h, row * CHART_ROW);
	H(h, "v16\"/>");
}

void chart_rows(struct html *h, const struct chart_row *rows, size_t n, uint64_t start_ns,
                uint64_t end_ns, const char *title, const char *desc)
{
	uint64_t wide = end_ns > start_ns ? end_ns - start_ns : 1;

	open_svg(h, n * CHART_ROW, "rows", title, desc);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = place(rows[i].from_ns, start_ns, wide),
			 to = place(rows[i].to_ns, start_ns, wide);

		if (rows[i].backup)
			H(h, "<rect class=spare");
		else
			H(h, "<rect class=main");
		rect(h, from, i * CHART_ROW + 4, to > from + 2 * TENTHS ? to - from : 2 * TENTHS,
		     CHART_ROW - 8);
		for (size_t t = 0; t < rows[i].n_ticks; t++)
			draw_tick(h, place(rows[i].ticks[t].at_ns, start_ns, wide), i,
			          rows[i].ticks[t].tick);
	}
	H(h, "</svg>");
}
