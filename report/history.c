/* SPDX-License-Identifier: MIT
 *
 * history.c - a report becomes rows. See history.h.
 */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filed.h"
#include "text.h"

#define NS               INT64_C(1000000000)
#define NEVER            9 /* audit.held: no longer window has its time */
#define NAME_MAX_COLUMNS 80

const char *const history_tier_names[TIER_COUNT] = {"5min", "hour", "day", "month"};

const char *const history_what_names[WHAT_COUNT] = {
	"frames",        "wire",     "up",       "down",          "billed",
	"local",         "carrying", "standby",  "healthy",       "degraded",
	"after",         "outage",   "unknown",  "share_payload", "share_standby",
	"share_primary", "payload",  "repeated", "keepalive",     "ack",
	"signalling",    "other",    "unread",
};

/*
 * Times are nanoseconds since 1970. audit.held is the finest tier of a longer window that has this
 * one's time. audit.audits > 1: several were added up. The ranks are those of filed_rank().
 */
const struct database_kind history_kind = {
	.name = "a history of mptcp-audit",
	.id = 0x4d504148, /* "MPAH" */
	.version = 1,
	.schema =
		"CREATE TABLE site(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
		" zone TEXT NOT NULL DEFAULT '');"
		"CREATE TABLE wan(id INTEGER PRIMARY KEY, site INTEGER NOT NULL REFERENCES "
		"site(id),"
		" name TEXT NOT NULL, role TEXT NOT NULL DEFAULT '', devices TEXT NOT NULL DEFAULT "
		"'[]',"
		" UNIQUE(site, name));"
		"CREATE TABLE audit(id INTEGER PRIMARY KEY, site INTEGER NOT NULL REFERENCES "
		"site(id),"
		" tier INTEGER NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL,"
		" judged_ns INTEGER NOT NULL, generated_ns INTEGER NOT NULL, held INTEGER NOT NULL,"
		" audits INTEGER NOT NULL, rank INTEGER NOT NULL, passed INTEGER NOT NULL,"
		" warned INTEGER NOT NULL, failed INTEGER NOT NULL, unassessed INTEGER NOT NULL,"
		" sentence TEXT NOT NULL, message TEXT);"
		"CREATE INDEX audit_end ON audit(site, to_ns);"
		"CREATE TABLE amount(audit INTEGER NOT NULL, wan INTEGER NOT NULL, what INTEGER "
		"NOT NULL,"
		" amount INTEGER NOT NULL, PRIMARY KEY(audit, wan, what)) WITHOUT ROWID;"
		"CREATE TABLE finding(audit INTEGER NOT NULL, rule TEXT NOT NULL, wan INTEGER NOT "
		"NULL,"
		" rank INTEGER NOT NULL, value REAL, bound REAL, unit TEXT, text TEXT,"
		" passed INTEGER NOT NULL, warned INTEGER NOT NULL, failed INTEGER NOT NULL,"
		" unassessed INTEGER NOT NULL, PRIMARY KEY(audit, rule, wan)) WITHOUT ROWID;"
		"CREATE TABLE counted(wan INTEGER NOT NULL, from_ns INTEGER NOT NULL,"
		" to_ns INTEGER NOT NULL, rx INTEGER NOT NULL, tx INTEGER NOT NULL,"
		" PRIMARY KEY(wan, from_ns)) WITHOUT ROWID;"};

/* ---- names ---- */

/* The id that a query gives for a name; 0: none. */
static int64_t find(struct database *db, const char *sql, int64_t of, const char *name)
{
	sqlite3_stmt *statement = database_ask(db, sql);
	int64_t id;

	database_bind(statement, "is", of, name);
	id = database_row(db, statement) ? sqlite3_column_int64(statement, 0) : 0;
	database_done(statement);
	return id;
}

int64_t history_site(struct database *db, const char *name)
{
	static const char sql[] = "SELECT id FROM site WHERE ?1 = 0 AND name = ?2";
	int64_t id = find(db, sql, 0, name);

	if (id == 0 && database_do(db, "INSERT INTO site(name) VALUES(?)", "s", name))
		id = sqlite3_last_insert_rowid(db->handle);
	return id;
}

int64_t history_wan(struct database *db, int64_t site, const char *name)
{
	static const char sql[] = "SELECT id FROM wan WHERE site = ? AND name = ?";
	int64_t id = find(db, sql, site, name);

	if (id == 0 &&
	    database_do(db, "INSERT INTO wan(site, name) VALUES(?, ?)", "is", site, name))
		id = sqlite3_last_insert_rowid(db->handle);
	return id;
}

void history_zone(struct database *db, int64_t site, struct zone *zone)
{
	sqlite3_stmt *statement = database_ask(db, "SELECT zone FROM site WHERE id = ?");
	const char *text = NULL;

	database_bind(statement, "i", site);
	if (database_row(db, statement))
		text = (const char *)sqlite3_column_text(statement, 0);
	if (!text || !zone_parse(zone, text))
		zone_utc(zone);
	database_done(statement);
}

void history_step(const struct zone *zone, enum history_tier tier, int64_t ns, int64_t *from_ns,
                  int64_t *to_ns)
{
	int64_t s = ns / NS, from, to;

	switch (tier) {
	case TIER_FIVE_MINUTES:
		from = s - s % 300;
		to = from + 300;
		break;
	case TIER_HOUR:
		from = zone_hour(zone, s, 0);
		to = zone_hour(zone, s, 1);
		break;
	case TIER_DAY:
		from = zone_day(zone, s, 0);
		to = zone_day(zone, s, 1);
		break;
	default:
		from = zone_period(zone, s, 1, 0);
		to = zone_period(zone, s, 1, 1);
	}
	*from_ns = from * NS;
	*to_ns = to * NS;
}

/* A day may have 25 hours. */
static enum history_tier tier_of(int64_t from_ns, int64_t to_ns)
{
	int64_t length = to_ns - from_ns;

	return length <= 300 * NS     ? TIER_FIVE_MINUTES
	       : length <= 3600 * NS  ? TIER_HOUR
	       : length <= 90000 * NS ? TIER_DAY
	                              : TIER_MONTH;
}

json_t *history_moment(int64_t ns)
{
	char text[TEXT_SHORT];

	return json_string(text_time(text, ns < 0 ? 0 : (uint64_t)ns, ns % NS ? 9 : 0));
}

/* ---- overlaps ---- */

bool history_settle_overlaps(struct database *db, int64_t site, int64_t from_ns, int64_t to_ns)
{
	return database_do(
		db,
		"UPDATE audit AS a SET held = (SELECT coalesce(min(b.tier), 9) FROM audit AS b"
		" WHERE b.site = a.site AND b.id <> a.id AND b.to_ns > a.from_ns AND b.from_ns < "
		"a.to_ns"
		" AND (b.to_ns - b.from_ns > a.to_ns - a.from_ns"
		"  OR (b.to_ns - b.from_ns = a.to_ns - a.from_ns AND b.id > a.id))"
		" AND min(a.to_ns, b.to_ns) - max(a.from_ns, b.from_ns) > (a.to_ns - a.from_ns) / "
		"100)"
		" WHERE site = ? AND to_ns > ? AND from_ns < ?",
		"iii", site, from_ns, to_ns);
}

/* Whether what was added up already, and is at least as long, has this time. */
static bool is_summed(struct database *db, int64_t site, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *statement = database_ask(
		db, "SELECT 1 FROM audit WHERE site = ?1 AND to_ns > ?2 AND from_ns < ?3"
		    " AND audits > 1 AND to_ns - from_ns >= ?3 - ?2"
		    " AND min(to_ns, ?3) - max(from_ns, ?2) > (?3 - ?2) / 100");
	bool summed;

	database_bind(statement, "iii", site, from_ns, to_ns);
	summed = database_row(db, statement);
	database_done(statement);
	return summed;
}

/* ---- one report ---- */

struct adding {
	struct database *db;
	const json_t *report;
	int64_t site, audit;
	sqlite3_stmt *amount, *finding;
};

void history_forget(struct database *db, int64_t audit)
{
	database_do(db, "DELETE FROM amount WHERE audit = ?", "i", audit);
	database_do(db, "DELETE FROM finding WHERE audit = ?", "i", audit);
	database_do(db, "DELETE FROM audit WHERE id = ?", "i", audit);
}

/* A name as we keep it: it has no control characters and a bounded length. */
static const char *name_of(char out[NAME_MAX_COLUMNS * 8], const char *name)
{
	return text_safe(out, NAME_MAX_COLUMNS * 8, name ? name : "", NAME_MAX_COLUMNS);
}

static const struct {
	const char *kind;
	enum history_what what;
} classes[] = {
	{"payload", WHAT_PAYLOAD},
	{"retransmission", WHAT_REPEATED},
	{"reinjection", WHAT_REPEATED},
	{"redundant", WHAT_REPEATED},
	{"keepalive", WHAT_KEEPALIVE},
	{"keepalive_ack", WHAT_KEEPALIVE},
	{"zero_window_probe", WHAT_KEEPALIVE},
	{"ack", WHAT_ACK},
	{"handshake", WHAT_SIGNALLING},
	{"signal", WHAT_SIGNALLING},
	{"teardown", WHAT_SIGNALLING},
	{"reset", WHAT_SIGNALLING},
	{"duplicate", WHAT_UNREAD},
	{"unread", WHAT_UNREAD},
};

/* Kinds that are not known here (of a newer report) are "other", as that one is. */
static enum history_what class_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strcmp(kind, classes[i].kind) == 0)
			return classes[i].what;
	return WHAT_OTHER;
}

/* Sums of what strangers wrote stay below what SQLite can hold, added up as often as you like. */
static void add(uint64_t sums[WHAT_COUNT], enum history_what what, uint64_t bytes)
{
	const uint64_t most = UINT64_C(1) << 52;

	sums[what] += bytes < most ? bytes : most;
	if (sums[what] > most)
		sums[what] = most;
}

static uint64_t all_kinds(const json_t *kinds)
{
	uint64_t sum[WHAT_COUNT] = {0};
	const char *kind;
	json_t *tally;

	json_object_foreach((json_t *)kinds, kind, tally)
		add(sum, WHAT_OTHER, stored_number(tally, "ip_bytes"));
	return sum[WHAT_OTHER];
}

static void sum_wan(const json_t *wan, uint64_t sums[WHAT_COUNT])
{
	static const struct {
		const char *key;
		enum history_what what;
	} members[] = {
		{"frames", WHAT_FRAMES},
		{"l2_bytes", WHAT_WIRE},
		{"billed_ip_bytes", WHAT_BILLED},
		{"local_ip_bytes", WHAT_LOCAL},
		{"carrying_ip_bytes", WHAT_CARRYING},
		{"standby_ip_bytes", WHAT_STANDBY},
	};
	static const struct {
		const char *key;
		enum history_what what;
	} phases[] = {
		{"healthy", WHAT_HEALTHY}, {"degraded", WHAT_DEGRADED}, {"after", WHAT_AFTER},
		{"outage", WHAT_OUTAGE},   {"unknown", WHAT_UNKNOWN},
	};
	const char *kind;
	json_t *tally;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		add(sums, members[i].what, stored_number(wan, members[i].key));
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		add(sums, phases[i].what,
		    stored_number(json_object_get(json_object_get(wan, "phases"), phases[i].key),
		                  "ip_bytes"));
	add(sums, WHAT_UP, all_kinds(json_object_get(wan, "up")));
	add(sums, WHAT_DOWN, all_kinds(json_object_get(wan, "down")));
	json_object_foreach(json_object_get(wan, "kinds"), kind, tally)
		add(sums, class_of(kind), stored_number(tally, "ip_bytes"));
}

/* A1's numbers, whether it judged them or not. */
static void sum_shares(const json_t *report, const char *wan, uint64_t sums[WHAT_COUNT])
{
	const json_t *finding, *observed;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		const char *rule = filed_text(finding, "rule"), *of = filed_text(finding, "wan");

		if (!rule || !of || strcmp(rule, "A1") != 0 || strcmp(of, wan) != 0)
			continue;
		observed = json_object_get(finding, "observed");
		add(sums, WHAT_SHARE_PAYLOAD, stored_number(observed, "numerator"));
		add(sums, WHAT_SHARE_PRIMARY, stored_number(observed, "denominator"));
		add(sums, WHAT_SHARE_STANDBY,
		    stored_number(json_object_get(json_object_get(observed, "parts"), "standby"),
		                  "numerator"));
		return;
	}
}

/* The devices that were told of a WAN, as JSON. */
static char *devices_of(const json_t *report, const char *wan)
{
	const json_t *row, *devices = NULL;
	char *text;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(report, "expected"), "wans"), i, row)
	{
		const char *as = filed_text(row, "captured_as");

		if (as && strcmp(as, wan) == 0)
			devices = json_object_get(row, "devices");
	}
	text = json_is_array(devices) && json_array_size(devices) > 0 &&
	                       json_array_size(devices) <= 16
	               ? json_dumps(devices, JSON_COMPACT)
	               : NULL;
	return text;
}

static void add_wan(struct adding *a, const json_t *wan)
{
	char name[NAME_MAX_COLUMNS * 8];
	const char *given = filed_text(wan, "name"), *role = filed_text(wan, "role");
	uint64_t sums[WHAT_COUNT] = {0};
	char *devices;
	int64_t id;

	if (!given)
		return;
	devices = devices_of(a->report, given);
	id = history_wan(a->db, a->site, name_of(name, given));
	sum_wan(wan, sums);
	sum_shares(a->report, given, sums);
	for (size_t i = 0; i < WHAT_COUNT; i++)
		if (sums[i] > 0) {
			database_bind(a->amount, "iiii", a->audit, id, (int64_t)i,
			              (int64_t)sums[i]);
			database_run(a->db, a->amount);
		}
	/* As the newest report has it. */
	database_do(a->db,
	            "UPDATE wan SET role = ?, devices = coalesce(?, devices) WHERE id = ?"
	            " AND NOT EXISTS(SELECT 1 FROM audit, amount WHERE audit.site = wan.site"
	            " AND amount.audit = audit.id AND amount.wan = wan.id AND audit.to_ns >"
	            " (SELECT to_ns FROM audit WHERE id = ?))",
	            "ssii", role ? role : "", devices, id, a->audit);
	free(devices);
}

static void add_finding(struct adding *a, const json_t *finding)
{
	const json_t *observed = json_object_get(finding, "observed"),
		     *value = json_object_get(observed, "value"),
		     *limit = json_object_get(finding, "limit");
	const char *rule = filed_text(finding, "rule"), *wan = filed_text(finding, "wan"),
		   *text = filed_text(finding, "text");
	enum status status = filed_status(filed_text(finding, "status"));
	bool says = status != STATUS_PASS && status != STATUS_NOT_APPLICABLE;
	char name[NAME_MAX_COLUMNS * 8], unit[40], words[1500], id[16];

	if (!rule)
		return;
	text_safe(unit, sizeof(unit),
	          filed_text(observed, "unit") ? filed_text(observed, "unit") : "", 16);
	database_bind(a->finding, "isiiddssiiii", a->audit, text_safe(id, sizeof(id), rule, 8),
	              wan ? history_wan(a->db, a->site, name_of(name, wan)) : INT64_C(0),
	              (int64_t)filed_rank(status), json_number_value(value),
	              json_number_value(limit), unit,
	              says && text ? text_safe(words, sizeof(words), text, 1400) : NULL,
	              (int64_t)(status == STATUS_PASS), (int64_t)(status == STATUS_WARN),
	              (int64_t)(status == STATUS_FAIL || status == STATUS_ERROR),
	              (int64_t)(status == STATUS_NOT_ASSESSED));
	database_run(a->db, a->finding);
}

static int64_t add_audit(struct adding *a, int64_t from_ns, int64_t to_ns, int64_t generated_ns)
{
	enum status verdict = filed_status(filed_text(a->report, "verdict"));
	json_t *message = json_object_get(json_object_get(a->report, "messages"), "sentence");
	char *dumped = message ? json_dumps(message, JSON_COMPACT) : NULL, sentence[5000];
	bool fine;

	fine = database_do(
		a->db,
		"INSERT INTO audit(site, tier, from_ns, to_ns, judged_ns, generated_ns, held,"
		" audits, rank, passed, warned, failed, unassessed, sentence, message)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
		"iiiiiiiiiiiiss", a->site, (int64_t)tier_of(from_ns, to_ns), from_ns, to_ns,
		filed_judged(a->report), generated_ns, (int64_t)NEVER, (int64_t)filed_rank(verdict),
		(int64_t)(verdict == STATUS_PASS), (int64_t)(verdict == STATUS_WARN),
		(int64_t)(verdict == STATUS_FAIL), (int64_t)(verdict == STATUS_NOT_ASSESSED),
		text_safe(sentence, sizeof(sentence), filed_text(a->report, "sentence"), 4600),
		dumped && strlen(dumped) < 16000 ? dumped : NULL);
	free(dumped);
	return fine ? sqlite3_last_insert_rowid(a->db->handle) : 0;
}

/* What the report was judged by, or what was told of the site. */
static void note_zone(struct adding *a)
{
	const char *zone = filed_text(json_object_get(a->report, "window"), "time_zone");
	struct zone parsed;

	if (!zone || !*zone)
		zone = filed_text(
			json_object_get(json_object_get(a->report, "expected"), "time_zone"),
			"value");
	if (zone && zone_parse(&parsed, zone))
		database_do(a->db, "UPDATE site SET zone = ? WHERE id = ?", "si", zone, a->site);
}

/* The same window again: the newer report stays. Its id goes to *old. */
static bool is_known(struct database *db, int64_t site, int64_t from_ns, int64_t to_ns,
                     int64_t generated_ns, int64_t *old)
{
	sqlite3_stmt *statement = database_ask(
		db,
		"SELECT id, generated_ns FROM audit WHERE site = ? AND from_ns = ? AND to_ns = ?"
		" AND audits = 1");
	bool known = false;

	*old = 0;
	database_bind(statement, "iii", site, from_ns, to_ns);
	if (database_row(db, statement)) {
		*old = sqlite3_column_int64(statement, 0);
		known = sqlite3_column_int64(statement, 1) >= generated_ns;
	}
	database_done(statement);
	return known;
}

static bool add_rows(struct adding *a)
{
	const json_t *row;
	size_t i;

	a->amount = database_ask(a->db, "INSERT OR REPLACE INTO amount VALUES(?, ?, ?, ?)");
	/* Of several findings of a rule about a WAN the worst stays. */
	a->finding = database_ask(
		a->db,
		"INSERT INTO finding VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET rank = excluded.rank, value = excluded.value,"
		" bound = excluded.bound, unit = excluded.unit, text = excluded.text,"
		" passed = excluded.passed, warned = excluded.warned, failed = excluded.failed,"
		" unassessed = excluded.unassessed WHERE excluded.rank > rank");
	json_array_foreach(json_object_get(a->report, "wans"), i, row) add_wan(a, row);
	json_array_foreach(json_object_get(a->report, "findings"), i, row) add_finding(a, row);
	database_done(a->amount);
	database_done(a->finding);
	return a->db->failure == DATABASE_FINE;
}

enum history_added history_add(struct database *db, const json_t *report, const char *site)
{
	struct adding a = {.db = db, .report = report};
	char name[NAME_MAX_COLUMNS * 8];
	int64_t from_ns, to_ns, generated_ns = 0, old;

	if (!filed_extent(report, &from_ns, &to_ns))
		return HISTORY_NO_TIME;
	filed_time(report, "generated", &generated_ns);
	a.site = history_site(db, name_of(name, site ? site : filed_text(report, "site")));
	if (is_known(db, a.site, from_ns, to_ns, generated_ns, &old))
		return HISTORY_KNOWN;
	if (is_summed(db, a.site, from_ns, to_ns))
		return db->failure == DATABASE_FINE ? HISTORY_SUMMED : HISTORY_FAILED;
	if (old)
		history_forget(db, old);
	a.audit = add_audit(&a, from_ns, to_ns, generated_ns);
	note_zone(&a);
	if (!add_rows(&a) || !history_settle_overlaps(db, a.site, from_ns, to_ns))
		return HISTORY_FAILED;
	return old ? HISTORY_REPLACED : HISTORY_ADDED;
}
