/* SPDX-License-Identifier: MIT
 *
 * history_trend.c - what a history says: its audits as a list, its sums by steps of time. See
 * history.h.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "filed.h"

#define NS UINT64_C(1000000000)

static const char *text_of(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

static json_t *site_json(const char *name)
{
	return *name ? json_string(name) : json_null();
}

static const char *rank_name(int64_t rank)
{
	return status_names[filed_ranked(rank < 0 ? 0 : (unsigned)rank)];
}

/* What SQLite holds may have been changed by hand: never negative. */
static uint64_t count_of(sqlite3_stmt *statement, int column)
{
	int64_t n = sqlite3_column_int64(statement, column);

	return n < 0 ? 0 : (uint64_t)n;
}

static json_t *seconds_json(uint64_t ns)
{
	return json_real((double)ns / (double)NS);
}

/* ---- the list ---- */

static json_t *audit_json(sqlite3_stmt *row)
{
	json_t *messages = json_object(), *message = json_loads(text_of(row, 8), 0, NULL), *o;

	if (message)
		json_object_set_new(messages, "sentence", message);
	o = json_pack(
		"{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:I, s:s}", "site", site_json(text_of(row, 0)),
		"start", history_moment(sqlite3_column_int64(row, 1)), "end",
		history_moment(sqlite3_column_int64(row, 2)), "seconds",
		seconds_json(count_of(row, 3)), "verdict", rank_name(sqlite3_column_int64(row, 4)),
		"sentence", text_of(row, 7), "messages", messages, "audits",
		(json_int_t)count_of(row, 5), "tier",
		history_tier_names[count_of(row, 6) < TIER_COUNT ? count_of(row, 6) : TIER_MONTH]);
	return o;
}

json_t *history_list(struct database *db, const struct history_ask *ask)
{
	sqlite3_stmt *rows = database_ask(
		db,
		"SELECT site.name, from_ns, to_ns, judged_ns, rank, audits, tier, sentence, message"
		" FROM audit JOIN site ON site.id = audit.site WHERE ?1 IS NULL OR site.name = ?1"
		" ORDER BY to_ns DESC, site.name, from_ns");
	json_t *audits = json_array(), *o;
	json_int_t more = 0;

	database_bind(rows, "s", ask->site);
	while (audits && database_row(db, rows)) {
		if (ask->last && json_array_size(audits) >= ask->last)
			more++;
		else if (json_array_append_new(audits, audit_json(rows)) != 0)
			db->failure = DATABASE_NO_MEMORY;
	}
	database_done(rows);
	o = json_pack("{s:s, s:o, s:I}", "schema", "mptcp-audit.audits/1.0", "audits", audits,
	              "more", more);
	if (db->failure == DATABASE_FINE)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- the trend of a WAN ---- */

struct point {
	int64_t from_ns, to_ns;
	uint64_t judged_ns, audits, sums[WHAT_COUNT];
	int64_t rank; /* the worst; -1 = no audit */
	uint64_t counted;
	bool has_counted;
};

struct trend {
	struct point *points; /* owned; by time */
	size_t count, room;
	uint64_t longer;
};

static struct point *append(struct database *db, struct trend *trend, int64_t from_ns,
                            int64_t to_ns)
{
	struct point *point;

	if (trend->count == trend->room) {
		size_t room = trend->room ? trend->room * 2 : 64;
		struct point *more = realloc(trend->points, room * sizeof(*more));

		if (!more) {
			db->failure = DATABASE_NO_MEMORY;
			return NULL;
		}
		trend->points = more;
		trend->room = room;
	}
	point = &trend->points[trend->count++];
	memset(point, 0, sizeof(*point));
	point->from_ns = from_ns;
	point->to_ns = to_ns;
	point->rank = -1;
	return point;
}

static void add_amounts(struct database *db, sqlite3_stmt *amounts, int64_t audit, int64_t wan,
                        struct point *point)
{
	database_bind(amounts, "ii", audit, wan);
	while (database_row(db, amounts)) {
		uint64_t what = count_of(amounts, 0);

		if (what < WHAT_COUNT)
			point->sums[what] += count_of(amounts, 1);
	}
	sqlite3_reset(amounts);
}

/* The audits that saw frames of the WAN. */
static void add_audits(struct database *db, int64_t site, int64_t wan, const struct zone *zone,
                       enum history_tier by, struct trend *trend)
{
	sqlite3_stmt *audits = database_ask(
		db,
		"SELECT id, from_ns, judged_ns, audits, rank, tier <= ?2 FROM audit AS a WHERE site"
		" = ?1 AND (held > ?2 OR tier > ?2) AND EXISTS(SELECT 1 FROM amount WHERE audit ="
		" a.id AND wan = ?3) ORDER BY from_ns, id");
	sqlite3_stmt *amounts =
		database_ask(db, "SELECT what, amount FROM amount WHERE audit = ? AND wan = ?");
	int64_t begin = 0, end = INT64_MIN;
	struct point *point = NULL;

	database_bind(audits, "iii", site, (int64_t)by, wan);
	while (database_row(db, audits)) {
		int64_t from = sqlite3_column_int64(audits, 1);

		if (!sqlite3_column_int64(audits, 5)) {
			trend->longer++;
			continue;
		}
		if (!point || from >= end) {
			history_step(zone, by, from, &begin, &end);
			point = append(db, trend, begin, end);
		}
		if (!point)
			break;
		point->judged_ns += count_of(audits, 2);
		point->audits += count_of(audits, 3);
		if (sqlite3_column_int64(audits, 4) > point->rank)
			point->rank = sqlite3_column_int64(audits, 4);
		add_amounts(db, amounts, sqlite3_column_int64(audits, 0), wan, point);
	}
	database_done(audits);
	database_done(amounts);
}

static int by_time(const void *a, const void *b)
{
	const struct point *p = a, *q = b;

	return (p->from_ns > q->from_ns) - (p->from_ns < q->from_ns);
}

static struct point *find_point(struct trend *trend, size_t count, int64_t from_ns)
{
	const struct point key = {.from_ns = from_ns};

	return count ? bsearch(&key, trend->points, count, sizeof(key), by_time) : NULL;
}

/* The days that an interface counted. */
static void add_counted(struct database *db, int64_t wan, struct trend *trend)
{
	sqlite3_stmt *days = database_ask(
		db, "SELECT from_ns, to_ns, rx, tx FROM counted WHERE wan = ? ORDER BY from_ns");
	size_t audited = trend->count;

	database_bind(days, "i", wan);
	while (database_row(db, days)) {
		int64_t from = sqlite3_column_int64(days, 0);
		struct point *point = find_point(trend, audited, from);

		if (!point)
			point = append(db, trend, from, sqlite3_column_int64(days, 1));
		if (!point)
			break;
		point->has_counted = true;
		point->counted = count_of(days, 2) + count_of(days, 3);
	}
	database_done(days);
	if (trend->count > 1)
		qsort(trend->points, trend->count, sizeof(*trend->points), by_time);
}

/* ---- as JSON ---- */

static json_t *share_json(uint64_t numerator, uint64_t denominator)
{
	if (denominator == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:f}", "numerator", (json_int_t)numerator, "denominator",
	                 (json_int_t)denominator, "value", (double)numerator / (double)denominator);
}

static json_t *point_json(const struct point *point, bool backup)
{
	json_t *sums = json_object(), *o;
	uint64_t seen = point->sums[WHAT_WIRE],
		 unexplained = point->counted > seen ? point->counted - seen : 0;

	for (size_t i = 0; i < WHAT_COUNT; i++)
		if (point->sums[i] > 0)
			json_object_set_new(sums, history_what_names[i],
			                    json_integer((json_int_t)point->sums[i]));
	o = json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:{s:o, s:o}}", "start",
	              history_moment(point->from_ns), "end", history_moment(point->to_ns),
	              "seconds", seconds_json(point->judged_ns), "audits",
	              (json_int_t)point->audits, "verdict",
	              point->rank < 0 ? json_null() : json_string(rank_name(point->rank)), "sums",
	              sums, "shares", "payload",
	              share_json(point->sums[WHAT_SHARE_PAYLOAD], point->sums[WHAT_SHARE_PRIMARY]),
	              "standby",
	              share_json(point->sums[WHAT_SHARE_STANDBY], point->sums[WHAT_SHARE_PRIMARY]));
	if (o && point->has_counted) {
		json_object_set_new(o, "counted_bytes", json_integer((json_int_t)point->counted));
		json_object_set_new(o, "unexplained_bytes", json_integer((json_int_t)unexplained));
		json_object_set_new(o, "marked",
		                    json_boolean(backup && unexplained > HISTORY_BUSY_BYTES));
	}
	return o;
}

/* A WAN that no report gave a role may be a backup. */
static json_t *trend_json(const struct trend *trend, sqlite3_stmt *wan, unsigned last)
{
	const char *role = text_of(wan, 3);
	bool backup = *role == '\0' || strcmp(role, "backup") == 0;
	json_t *points = json_array();
	size_t first = last && trend->count > last ? trend->count - last : 0;

	for (size_t i = first; i < trend->count; i++)
		json_array_append_new(points, point_json(&trend->points[i], backup));
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:I}", "site", site_json(text_of(wan, 4)),
	                 "time_zone", text_of(wan, 5), "wan", text_of(wan, 2), "role",
	                 *role ? json_string(role) : json_null(), "points", points, "longer",
	                 (json_int_t)trend->longer);
}

json_t *history_trend(struct database *db, const struct history_ask *ask)
{
	sqlite3_stmt *wans = database_ask(
		db, "SELECT wan.id, wan.site, wan.name, wan.role, site.name, site.zone FROM wan "
	            "JOIN site ON"
		    " site.id = wan.site WHERE (?1 IS NULL OR site.name = ?1) AND (?2 IS NULL OR"
		    " wan.name = ?2) ORDER BY site.name, wan.name");
	json_t *array = json_array();

	database_bind(wans, "ss", ask->site, ask->wan);
	while (array && database_row(db, wans)) {
		struct trend trend = {0};
		struct zone zone;

		history_zone(db, sqlite3_column_int64(wans, 1), &zone);
		add_audits(db, sqlite3_column_int64(wans, 1), sqlite3_column_int64(wans, 0), &zone,
		           ask->by, &trend);
		if (ask->by == TIER_DAY)
			add_counted(db, sqlite3_column_int64(wans, 0), &trend);
		if (trend.count > 0 || trend.longer > 0)
			json_array_append_new(array, trend_json(&trend, wans, ask->last));
		free(trend.points);
	}
	database_done(wans);
	if (db->failure == DATABASE_FINE)
		return json_pack("{s:s, s:s, s:o}", "schema", "mptcp-audit.trend/1.0", "by",
		                 history_tier_names[ask->by], "wans", array);
	json_decref(array);
	return NULL;
}
