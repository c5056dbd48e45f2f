/* SPDX-License-Identifier: MIT
 *
 * render_series.c - see render_series.h. As in render_json.c, what could not be stored is counted,
 * so that nothing leaks and nothing is lost unnoticed.
 */
#include "render_series.h"

#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "expected.h"
#include "share.h"
#include "text.h"

#define NS UINT64_C(1000000000)

/* `o`, or NULL when a part of it is missing. */
static json_t *whole(json_t *o, bool good)
{
	if (good)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- columns on one axis ---- */

struct axis {
	uint64_t start_s, step_s, bucket_s;
	size_t points;
};

struct columns {
	uint64_t carrying[SERIES_POINTS_MAX];
	uint64_t standby[SERIES_POINTS_MAX];
	uint64_t peak[SERIES_POINTS_MAX];
	uint64_t phases[PHASE_COUNT][SERIES_POINTS_MAX]; /* of a backup; parts of carrying */
	bool any[PHASE_COUNT];
};

/* Steps people read easily, in seconds. */
static const uint64_t steps[] = {1,    2,    5,     10,    30,    60,    120,    300,     600,
                                 1800, 3600, 10800, 21600, 43200, 86400, 604800, 31536000};

/* Does the time from `first` to `last` fit in steps of so many seconds? If so, they are taken. */
static bool fits(struct axis *axis, uint64_t first, uint64_t last, uint64_t step_s)
{
	uint64_t start = first - first % step_s, points = (last - start) / step_s + 1;

	if (step_s % axis->bucket_s != 0 || points > SERIES_POINTS_MAX)
		return false;
	axis->step_s = step_s;
	axis->start_s = start;
	axis->points = (size_t)points;
	return true;
}

/* From the first bucket of any WAN to the last; false: there is none. */
static bool find_axis(const struct report *report, struct axis *axis)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_wan *wan = report->wans[i].ledger;

		if (wan->n_buckets == 0)
			continue;
		if (wan->buckets[0].start_s < first)
			first = wan->buckets[0].start_s;
		if (wan->buckets[wan->n_buckets - 1].start_s > last)
			last = wan->buckets[wan->n_buckets - 1].start_s;
	}
	if (first > last)
		return false;
	axis->bucket_s = ledger_widths_s[report->ledger->width];
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (fits(axis, first, last, steps[i]))
			return true;
	/* times of a broken clock: centuries apart */
	return fits(axis, first, last,
	            axis->bucket_s *
	                    ((last - first) / axis->bucket_s / (SERIES_POINTS_MAX - 2) + 1));
}

static void count_bucket(struct columns *columns, size_t at, const struct ledger_bucket *bucket)
{
	uint64_t carrying = 0, standby = 0;

	for (size_t d = 0; d < DIR_COUNT; d++)
		for (size_t k = 0; k < KIND_COUNT; k++) {
			if (k < KIND_CARRYING)
				carrying += bucket->kinds[d][k].ip_bytes;
			else if (k != KIND_DUPLICATE)
				standby += bucket->kinds[d][k].ip_bytes;
		}
	columns->carrying[at] += carrying;
	columns->standby[at] += standby;
	if (carrying + standby > columns->peak[at])
		columns->peak[at] = carrying + standby;
}

/* What of it passed beside a healthy primary, in an outage, and so on. */
static void count_phases(struct columns *columns, size_t at, const struct report *report,
                         const struct ledger_bucket *bucket)
{
	for (unsigned i = 0; i < bucket->n_shares; i++) {
		enum phase phase = report_phase(report->ledger, report->primaries,
		                                bucket->shares[i].circumstance);

		columns->phases[phase][at] += bucket->shares[i].ip_bytes;
		columns->any[phase] = true;
	}
}

static bool put_column(json_t *o, const char *key, const uint64_t *values, size_t points)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < points; i++)
		good = json_array_append_new(array, value_count(values[i])) == 0;
	return !json_object_set_new(o, key, array) && good;
}

/* Only those that are not zero throughout. What is in none of them is unknown, or past MPTCP. */
static bool put_phases(json_t *o, const struct columns *columns, size_t points)
{
	json_t *phases = json_object();
	bool good = true;

	for (unsigned i = 0; good && i < PHASE_UNKNOWN; i++)
		if (columns->any[i])
			good = put_column(phases, phase_names[i], columns->phases[i], points);
	return !json_object_set_new(o, "phases", phases) && good;
}

static json_t *wan_columns(const struct report *report, const struct report_wan *wan,
                           const struct axis *axis, struct columns *columns)
{
	bool backup = wan->role.role == ROLE_BACKUP;
	char *name = text_utf8(wan->name);
	json_t *o = json_object();
	bool good;

	memset(columns, 0, sizeof(*columns));
	for (size_t i = 0; i < wan->ledger->n_buckets; i++) {
		const struct ledger_bucket *bucket = &wan->ledger->buckets[i];
		size_t at = (size_t)((bucket->start_s - axis->start_s) / axis->step_s);

		count_bucket(columns, at, bucket);
		if (backup)
			count_phases(columns, at, report, bucket);
	}
	good = name && !json_object_set_new(o, "wan", json_string(name)) &&
	       put_column(o, "carrying_ip_bytes", columns->carrying, axis->points) &&
	       put_column(o, "standby_ip_bytes", columns->standby, axis->points);
	if (axis->step_s > axis->bucket_s)
		good = good && put_column(o, "peak_ip_bytes", columns->peak, axis->points);
	if (backup)
		good = good && put_phases(o, columns, axis->points);
	free(name);
	return whole(o, good);
}

json_t *render_series(const struct report *report)
{
	struct columns *columns;
	struct axis axis;
	json_t *o, *wans;
	char text[TEXT_SHORT];
	bool good;

	if (!find_axis(report, &axis))
		return json_null();
	columns = malloc(sizeof(*columns));
	o = json_object();
	wans = json_array();
	good = columns && o && wans;
	for (size_t i = 0; good && i < report->n_wans; i++)
		good = !json_array_append_new(
			wans, wan_columns(report, &report->wans[i], &axis, columns));
	good = !json_object_set_new(o, "wans", wans) && good;
	good = good &&
	       !json_object_set_new(o, "start",
	                            json_string(text_time(text, axis.start_s * NS, 0))) &&
	       !json_object_set_new(o, "step_seconds", value_count(axis.step_s)) &&
	       !json_object_set_new(o, "bucket_seconds", value_count(axis.bucket_s)) &&
	       !json_object_set_new(o, "points", value_count(axis.points));
	free(columns);
	return whole(o, good);
}

/* ---- numbers ---- */

json_t *render_projection(const struct report *report, const struct report_wan *wan)
{
	uint64_t seconds = (report->end_ns - report->start_ns) / NS;
	const struct account *shared = &wan->shared;
	struct share share = share_of(report, (size_t)(wan - report->wans));
	json_t *o;
	bool good;

	if (!report->window || seconds == 0 || (double)seconds < wan->limits[LIMIT_BUDGET_WINDOW])
		return json_null();
	o = json_object();
	good = !json_object_set_new(o, "seconds", value_count(seconds)) &&
	       !json_object_set_new(o, "bytes_per_day",
	                            value_count(share_a_day(report, shared->billed))) &&
	       !json_object_set_new(o, "bytes_per_month",
	                            value_count(share_a_month(report, shared->billed))) &&
	       !json_object_set_new(o, "standby_bytes_per_month",
	                            value_count(share_a_month(report, share.standby)));
	return whole(o, good);
}

static bool put_part(json_t *parts, const char *name, const struct expected_row *row)
{
	json_t *o = json_object();
	bool good =
		!json_object_set_new(o, "seen_bytes", value_count(row->seen)) &&
		!json_object_set_new(o, "expected_bytes",
	                             value_count(row->seen < row->most ? row->seen : row->most)) &&
		!json_object_set_new(o, "count", value_count(row->count));

	return !json_object_set_new(parts, name, o) && good;
}

json_t *render_cost(const struct report *report, const struct report_wan *wan)
{
	json_t *o = json_object(), *parts = json_object();
	struct expected_cost cost;
	bool good = true;

	expected_make(&cost, report, (size_t)(wan - report->wans));
	for (size_t i = 0; good && i < EXPECTED_PARTS; i++)
		if (cost.rows[i].seen)
			good = put_part(parts, expected_names[i], &cost.rows[i]);
	good = !json_object_set_new(o, "parts", parts) && good;
	good = good && !json_object_set_new(o, "seen_bytes", value_count(cost.seen)) &&
	       !json_object_set_new(o, "expected_bytes", value_count(cost.expected)) &&
	       !json_object_set_new(o, "unexplained_bytes", value_count(cost.unexplained));
	return whole(o, good);
}
