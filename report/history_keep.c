/* SPDX-License-Identifier: MIT
 *
 * history_keep.c - old windows are added up by hours, days and months. See history.h.
 */
#include "history.h"

#include <stdlib.h>

#define NS   INT64_C(1000000000)
#define HOUR (3600 * NS)
#define DAY  (24 * HOUR)

/* How long a tier keeps its windows as they are. */
static const int64_t keeps[TIER_COUNT] = {
	[TIER_FIVE_MINUTES] = 48 * HOUR,
	[TIER_HOUR] = 30 * DAY,
	[TIER_DAY] = 400 * DAY,
	[TIER_MONTH] = INT64_MAX,
};

/* A window that is old enough. */
struct old {
	int64_t id, from_ns;
	bool counts; /* no longer one of the next tier has its time */
};

static int64_t number(struct database *db, const char *sql, int64_t of)
{
	sqlite3_stmt *statement = database_ask(db, sql);
	int64_t n;

	database_bind(statement, "i", of);
	n = database_row(db, statement) ? sqlite3_column_int64(statement, 0) : 0;
	database_done(statement);
	return n;
}

/* All of a window into another one. */
static void pour(struct database *db, int64_t from, int64_t into)
{
	database_do(db,
	            "INSERT INTO amount SELECT ?2, wan, what, amount FROM amount WHERE audit = ?1"
	            " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
	            "ii", from, into);
	database_do(
		db,
		"INSERT INTO finding SELECT ?2, rule, wan, rank, value, bound, unit, text, passed,"
		" warned, failed, unassessed FROM finding WHERE audit = ?1"
		" ON CONFLICT DO UPDATE SET"
		" value = iif(excluded.rank >= rank, excluded.value, value),"
		" bound = iif(excluded.rank >= rank, excluded.bound, bound),"
		" unit = iif(excluded.rank >= rank, excluded.unit, unit),"
		" text = iif(excluded.rank >= rank, excluded.text, text),"
		" rank = max(rank, excluded.rank), passed = passed + excluded.passed,"
		" warned = warned + excluded.warned, failed = failed + excluded.failed,"
		" unassessed = unassessed + excluded.unassessed",
		"ii", from, into);
	database_do(db,
	            "UPDATE audit SET from_ns = min(audit.from_ns, o.from_ns),"
	            " to_ns = max(audit.to_ns, o.to_ns), judged_ns = audit.judged_ns + o.judged_ns,"
	            " generated_ns = max(audit.generated_ns, o.generated_ns),"
	            " audits = audit.audits + o.audits, passed = audit.passed + o.passed,"
	            " warned = audit.warned + o.warned, failed = audit.failed + o.failed,"
	            " unassessed = audit.unassessed + o.unassessed,"
	            " sentence = iif(o.rank >= audit.rank, o.sentence, audit.sentence),"
	            " message = iif(o.rank >= audit.rank, o.message, audit.message),"
	            " rank = max(audit.rank, o.rank)"
	            " FROM audit AS o WHERE o.id = ?1 AND audit.id = ?2",
	            "ii", from, into);
	history_forget(db, from);
}

/* Windows of a tier that end before `limit`, by their beginning. */
static struct old *find_old(struct database *db, int64_t site, enum history_tier tier,
                            int64_t limit, size_t *count)
{
	sqlite3_stmt *statement = database_ask(
		db, "SELECT id, from_ns, held > ?2 + 1 FROM audit WHERE site = ?1 AND tier = ?2"
		    " AND to_ns <= ?3 ORDER BY from_ns, id");
	struct old *rows = NULL;
	size_t room = 0;

	*count = 0;
	database_bind(statement, "iii", site, (int64_t)tier, limit);
	while (database_row(db, statement)) {
		if (*count == room) {
			struct old *more =
				realloc(rows, (room = room ? room * 2 : 64) * sizeof(*rows));

			if (!more) {
				db->failure = DATABASE_NO_MEMORY;
				break;
			}
			rows = more;
		}
		rows[*count].id = sqlite3_column_int64(statement, 0);
		rows[*count].from_ns = sqlite3_column_int64(statement, 1);
		rows[(*count)++].counts = sqlite3_column_int64(statement, 2) != 0;
	}
	database_done(statement);
	return rows;
}

/* The window of the next tier that sums up a step, made of the first that comes. */
static int64_t find_sum(struct database *db, int64_t site, enum history_tier tier, int64_t from_ns,
                        int64_t to_ns)
{
	sqlite3_stmt *statement =
		database_ask(db, "SELECT id FROM audit WHERE site = ? AND tier = ? AND audits > 1"
	                         " AND from_ns >= ? AND from_ns < ? ORDER BY from_ns LIMIT 1");
	int64_t id;

	database_bind(statement, "iiii", site, (int64_t)tier, from_ns, to_ns);
	id = database_row(db, statement) ? sqlite3_column_int64(statement, 0) : 0;
	database_done(statement);
	return id;
}

/* One tier of a site: only steps that are old as a whole, so that what is added up does not overlap
 * what still stands alone. */
static void retain_tier(struct database *db, int64_t site, enum history_tier tier, int64_t newest)
{
	enum history_tier next = tier + 1;
	int64_t limit = newest - keeps[tier], begin = 0, end = INT64_MIN, into = 0;
	struct zone zone;
	size_t count;
	struct old *rows = find_old(db, site, tier, limit, &count);

	history_zone(db, site, &zone);
	for (size_t i = 0; i < count && db->failure == DATABASE_FINE; i++) {
		if (rows[i].from_ns >= end) {
			history_step(&zone, next, rows[i].from_ns, &begin, &end);
			into = end <= limit ? find_sum(db, site, next, begin, end) : 0;
		}
		if (end > limit)
			continue;
		if (!rows[i].counts) {
			history_forget(db, rows[i].id);
		} else if (into) {
			pour(db, rows[i].id, into);
		} else {
			into = rows[i].id;
			database_do(db, "UPDATE audit SET tier = ? WHERE id = ?", "ii",
			            (int64_t)next, into);
		}
	}
	if (count > 0)
		history_settle_overlaps(db, site, rows[0].from_ns, end);
	free(rows);
}

static void retain_site(struct database *db, int64_t site)
{
	int64_t newest = number(db, "SELECT max(to_ns) FROM audit WHERE site = ?", site);

	for (enum history_tier tier = 0; tier < TIER_MONTH; tier++)
		retain_tier(db, site, tier, newest);
	/* Days that were counted have no coarser tier: they are marks of days. */
	database_do(
		db,
		"DELETE FROM counted WHERE wan IN (SELECT id FROM wan WHERE site = ?1) AND to_ns <"
		" (SELECT max(c.to_ns) FROM counted AS c JOIN wan ON c.wan = wan.id"
		" WHERE wan.site = ?1) - ?2",
		"ii", site, keeps[TIER_DAY]);
}

bool history_retain(struct database *db)
{
	int64_t site = 0;

	while ((site = number(db, "SELECT min(id) FROM site WHERE id > ?", site)) > 0)
		retain_site(db, site);
	return db->failure == DATABASE_FINE;
}
