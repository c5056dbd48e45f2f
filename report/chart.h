/* SPDX-License-Identifier: MIT
 *
 * chart.h - drawings of a page: inline SVG without text, so that they may be stretched to any
 * width; what they say stands in HTML around them and in a table behind each.
 *
 * Coordinates are integers of a plane CHART_WIDE wide. A burst is never hidden: a column that holds
 * several values shows the least and the most of them, and what is not zero is seen.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "html.h"

#define CHART_WIDE    720
#define CHART_COLUMNS 360 /* at most: a phone shows each */

/* Time that is shaded. */
struct chart_span {
	uint64_t from_ns, to_ns;
	bool gap; /* hatched: nobody recorded; else the outage of a primary */
};

/* Two values per step, one upon the other. Parts of what is carried have a pattern of their own
 * each (".p0", ".p1", ...) and stand one upon the other, the first, which matters most, at the
 * bottom, where it is always seen. */
#define CHART_PARTS 4
struct chart_series {
	uint64_t start_ns, step_ns;
	size_t points;
	const uint64_t *carrying, *standby;
	const uint64_t *parts[CHART_PARTS]; /* NULL: none of it */
	const struct chart_span *spans;
	size_t n_spans;
};

/* The most of one step: the top of the scale. */
uint64_t chart_top(const struct chart_series *series);

/* An <svg>; title and desc are messages. */
void chart_series(struct html *h, const struct chart_series *series, const char *title,
                  const char *desc);

/* Shares of a whole as one bar: each value in the colour of its class ("k0", "k1", ...). */
void chart_bar(struct html *h, const uint64_t *values, const unsigned *colours, size_t n,
               const char *title, const char *desc);

/* ---- a timeline: rows of bars with ticks ---- */

enum chart_tick { CHART_JOIN, CHART_PRIO, CHART_FAILOVER, CHART_TICKS };

struct chart_row {
	uint64_t from_ns, to_ns;
	bool backup;
	struct {
		uint64_t at_ns;
		enum chart_tick tick;
	} ticks[8];
	size_t n_ticks;
};

#define CHART_ROW 16 /* high */
void chart_rows(struct html *h, const struct chart_row *rows, size_t n, uint64_t start_ns,
                uint64_t end_ns, const char *title, const char *desc);

#endif
