/* SPDX-License-Identifier: MIT
 *
 * history_copy.c - a history as JSON and back, and what interfaces counted. See history.h.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "filed.h"
#include "text.h"

#define NS     INT64_C(1000000000)
#define SCHEMA "mptcp-audit.history/1."

/* ---- out ---- */

static json_t *text_json(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? json_string(text) : json_null();
}

static json_t *integer(sqlite3_stmt *row, int column)
{
	return json_integer(sqlite3_column_int64(row, column));
}

/* {WAN: {what: n}} */
static json_t *amounts_json(struct database *db, int64_t audit)
{
	sqlite3_stmt *rows =
		database_ask(db, "SELECT wan.name, what, amount FROM amount JOIN wan ON"
	                         " wan.id = amount.wan WHERE audit = ?");
	json_t *o = json_object();

	database_bind(rows, "i", audit);
	while (database_row(db, rows)) {
		const char *wan = (const char *)sqlite3_column_text(rows, 0);
		int64_t what = sqlite3_column_int64(rows, 1);
		json_t *sums = wan ? json_object_get(o, wan) : NULL;

		if (!wan || what < 0 || what >= WHAT_COUNT)
			continue;
		if (!sums && json_object_set_new(o, wan, sums = json_object()) != 0)
			break;
		json_object_set_new(sums, history_what_names[what], integer(rows, 2));
	}
	database_done(rows);
	return o;
}

static json_t *finding_json(sqlite3_stmt *row, bool compact)
{
	json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:[o, o, o, o]}", "rule",
	                      text_json(row, 0), "wan", text_json(row, 1), "status",
	                      status_names[filed_ranked((unsigned)sqlite3_column_int64(row, 2))],
	                      "value", json_real(sqlite3_column_double(row, 3)), "limit",
	                      json_real(sqlite3_column_double(row, 4)), "unit", text_json(row, 5),
	                      "counts", integer(row, 7), integer(row, 8), integer(row, 9),
	                      integer(row, 10));

	if (o && !compact)
		json_object_set_new(o, "text", text_json(row, 6));
	return o;
}

static json_t *findings_json(struct database *db, int64_t audit, bool compact)
{
	sqlite3_stmt *rows = database_ask(
		db, "SELECT rule, wan.name, rank, value, bound, unit, text, passed, warned, failed,"
		    " unassessed FROM finding LEFT JOIN wan ON wan.id = finding.wan WHERE audit = ?"
		    " AND rank >= ? ORDER BY rule, wan.name");
	json_t *array = json_array();

	database_bind(rows, "ii", audit, compact ? (int64_t)filed_rank(STATUS_WARN) : INT64_C(0));
	while (database_row(db, rows))
		json_array_append_new(array, finding_json(rows, compact));
	database_done(rows);
	return array;
}

static json_t *audit_json(struct database *db, sqlite3_stmt *row, bool compact)
{
	int64_t id = sqlite3_column_int64(row, 0);
	json_t *o = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:[o, o, o, o], s:o, s:o, s:o}", "tier",
		integer(row, 1), "from_ns", integer(row, 2), "to_ns", integer(row, 3), "judged_ns",
		integer(row, 4), "generated_ns", integer(row, 5), "audits", integer(row, 6),
		"verdict", status_names[filed_ranked((unsigned)sqlite3_column_int64(row, 7))],
		"counts", integer(row, 8), integer(row, 9), integer(row, 10), integer(row, 11),
		"amounts", amounts_json(db, id), "findings", findings_json(db, id, compact),
		"sentence", compact ? json_string("") : text_json(row, 12));

	if (o && !compact && sqlite3_column_text(row, 13)) {
		json_t *message = json_loads((const char *)sqlite3_column_text(row, 13), 0, NULL);

		if (message)
			json_object_set_new(o, "message", message);
	}
	return o;
}

/* The rows of a query with one number as its parameter. */
static json_t *rows_json(struct database *db, const char *sql, int64_t of,
                         json_t *(*row_json)(sqlite3_stmt *row))
{
	sqlite3_stmt *rows = database_ask(db, sql);
	json_t *array = json_array();

	database_bind(rows, "i", of);
	while (database_row(db, rows))
		json_array_append_new(array, row_json(rows));
	database_done(rows);
	return array;
}

static json_t *wan_json(sqlite3_stmt *row)
{
	json_t *devices = json_loads((const char *)sqlite3_column_text(row, 2), 0, NULL);

	return json_pack("{s:o, s:o, s:o}", "name", text_json(row, 0), "role", text_json(row, 1),
	                 "devices", devices ? devices : json_array());
}

static json_t *counted_json(sqlite3_stmt *row)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "wan", text_json(row, 0), "from_ns",
	                 integer(row, 1), "to_ns", integer(row, 2), "rx", integer(row, 3), "tx",
	                 integer(row, 4));
}

static json_t *site_json(struct database *db, sqlite3_stmt *row)
{
	int64_t id = sqlite3_column_int64(row, 0);

	return json_pack(
		"{s:o, s:o, s:o, s:[], s:o}", "name", text_json(row, 1), "zone", text_json(row, 2),
		"wans",
		rows_json(db, "SELECT name, role, devices FROM wan WHERE site = ? ORDER BY name",
	                  id, wan_json),
		"audits", "counted",
		rows_json(
			db,
			"SELECT wan.name, from_ns, to_ns, rx, tx FROM counted JOIN wan ON wan.id ="
			" counted.wan WHERE wan.site = ? ORDER BY wan.name, from_ns",
			id, counted_json));
}

/* The object of a site in `sites`, whose ids stand in the order of `sites`. */
static json_t *sites_json(struct database *db)
{
	sqlite3_stmt *rows = database_ask(db, "SELECT id, name, zone FROM site ORDER BY id");
	json_t *array = json_array();

	while (database_row(db, rows))
		json_array_append_new(array, site_json(db, rows));
	database_done(rows);
	return array;
}

json_t *history_export(struct database *db, bool compact, size_t windows)
{
	sqlite3_stmt *rows = database_ask(
		db,
		"SELECT a.id, tier, from_ns, to_ns, judged_ns, generated_ns, audits, rank, passed,"
		" warned, failed, unassessed, sentence, message,"
		" (SELECT count(*) FROM site WHERE site.id < a.site) FROM audit AS a"
		" ORDER BY tier DESC, to_ns DESC, a.id DESC");
	json_t *sites = sites_json(db);
	json_int_t left = 0;
	size_t n = 0;

	while (database_row(db, rows)) {
		json_t *site = json_array_get(sites, (size_t)sqlite3_column_int64(rows, 14));

		if (n++ < windows)
			json_array_append_new(json_object_get(site, "audits"),
			                      audit_json(db, rows, compact));
		else
			left++;
	}
	database_done(rows);
	if (db->failure == DATABASE_FINE)
		return json_pack("{s:s, s:o, s:I}", "schema", "mptcp-audit.history/1.0", "sites",
		                 sites, "left_out", left);
	json_decref(sites);
	return NULL;
}

/* ---- in ---- */

static int64_t natural(const json_t *o, const char *key, int64_t most)
{
	uint64_t n = stored_number(o, key);

	return n > (uint64_t)most ? most : (int64_t)n;
}

static int64_t count_at(const json_t *o, size_t index)
{
	const json_t *n = json_array_get(json_object_get(o, "counts"), index);

	return json_is_integer(n) && json_integer_value(n) > 0 && json_integer_value(n) < 1 << 30
	               ? json_integer_value(n)
	               : 0;
}

#define NAME_SIZE 640

static const char *name_in(char out[NAME_SIZE], const json_t *o, const char *key)
{
	const char *name = filed_text(o, key);

	return text_safe(out, NAME_SIZE, name ? name : "", 80);
}

static void take_amounts(struct database *db, int64_t site, int64_t audit, const json_t *amounts)
{
	const char *wan;
	json_t *sums;

	json_object_foreach((json_t *)amounts, wan, sums)
	{
		char name[NAME_SIZE];
		int64_t id = history_wan(db, site, text_safe(name, sizeof(name), wan, 80));

		for (size_t i = 0; i < WHAT_COUNT; i++) {
			int64_t n = natural(sums, history_what_names[i], INT64_C(1) << 52);

			if (n > 0)
				database_do(db, "INSERT OR REPLACE INTO amount VALUES(?, ?, ?, ?)",
				            "iiii", audit, id, (int64_t)i, n);
		}
	}
}

static void take_finding(struct database *db, int64_t site, int64_t audit, const json_t *o)
{
	char rule[16], unit[40], text[1500], name[NAME_SIZE];
	const char *said = filed_text(o, "text"), *given = filed_text(o, "unit");

	if (!filed_text(o, "rule"))
		return;
	text_safe(rule, sizeof(rule), filed_text(o, "rule"), 8);
	database_do(db, "INSERT OR IGNORE INTO finding VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	            "isiiddssiiii", audit, rule,
	            filed_text(o, "wan") ? history_wan(db, site, name_in(name, o, "wan"))
	                                 : INT64_C(0),
	            (int64_t)filed_rank(filed_status(filed_text(o, "status"))),
	            json_number_value(json_object_get(o, "value")),
	            json_number_value(json_object_get(o, "limit")),
	            text_safe(unit, sizeof(unit), given ? given : "", 16),
	            said ? text_safe(text, sizeof(text), said, 1400) : NULL, count_at(o, 0),
	            count_at(o, 1), count_at(o, 2), count_at(o, 3));
}

/* The id of the new row, 0 when the window is there already or has no length. */
static int64_t take_audit_row(struct database *db, int64_t site, const json_t *o)
{
	int64_t from = natural(o, "from_ns", INT64_MAX / 2),
		to = natural(o, "to_ns", INT64_MAX / 2), tier = natural(o, "tier", TIER_MONTH);
	char *message = json_dumps(json_object_get(o, "message"), JSON_COMPACT | JSON_ENCODE_ANY);
	char sentence[5000];
	const char *said = filed_text(o, "sentence");
	int64_t audits = natural(o, "audits", 1 << 30);
	bool fine;

	fine = to > from &&
	       database_do(
		       db,
		       "INSERT INTO audit(site, tier, from_ns, to_ns, judged_ns, generated_ns, "
		       "held,"
		       " audits, rank, passed, warned, failed, unassessed, sentence, message)"
		       " SELECT ?1, ?2, ?3, ?4, ?5, ?6, 9, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
		       " WHERE NOT EXISTS(SELECT 1 FROM audit WHERE site = ?1 AND from_ns = ?3 AND"
		       " to_ns = ?4)",
		       "iiiiiiiiiiiiss", site, tier, from, to,
		       natural(o, "judged_ns", INT64_C(4000000000) * NS),
		       natural(o, "generated_ns", INT64_MAX / 2), audits ? audits : 1,
		       (int64_t)filed_rank(filed_status(filed_text(o, "verdict"))), count_at(o, 0),
		       count_at(o, 1), count_at(o, 2), count_at(o, 3),
		       text_safe(sentence, sizeof(sentence), said ? said : "", 4600), message);
	free(message);
	return fine && sqlite3_changes(db->handle) > 0 ? sqlite3_last_insert_rowid(db->handle) : 0;
}

static void take_wan(struct database *db, int64_t site, const json_t *o)
{
	const json_t *devices = json_object_get(o, "devices");
	char name[NAME_SIZE], role[NAME_SIZE], *dumped;
	int64_t id;

	if (!filed_text(o, "name"))
		return;
	id = history_wan(db, site, name_in(name, o, "name"));
	dumped = json_is_array(devices) ? json_dumps(devices, JSON_COMPACT) : NULL;
	database_do(db,
	            "UPDATE wan SET role = ?, devices = coalesce(?, devices) WHERE id = ? AND role "
	            "= ''",
	            "ssi", name_in(role, o, "role"), dumped, id);
	free(dumped);
}

static void take_counted(struct database *db, int64_t site, const json_t *o)
{
	const int64_t most = INT64_C(1) << 50;
	char name[NAME_SIZE];
	int64_t from = natural(o, "from_ns", INT64_MAX / 2),
		to = natural(o, "to_ns", INT64_MAX / 2);

	if (!filed_text(o, "wan") || from >= to)
		return;
	database_do(db, "INSERT OR IGNORE INTO counted VALUES(?, ?, ?, ?, ?)", "iiiii",
	            history_wan(db, site, name_in(name, o, "wan")), from, to,
	            natural(o, "rx", most), natural(o, "tx", most));
}

static long take_site(struct database *db, const json_t *o)
{
	char name[NAME_SIZE];
	const char *zone = filed_text(o, "zone");
	int64_t site = history_site(db, name_in(name, o, "name"));
	struct zone parsed;
	const json_t *row;
	long taken = 0;
	size_t i;

	if (zone && zone_parse(&parsed, zone))
		database_do(db, "UPDATE site SET zone = ? WHERE id = ? AND zone = ''", "si", zone,
		            site);
	json_array_foreach(json_object_get(o, "wans"), i, row) take_wan(db, site, row);
	json_array_foreach(json_object_get(o, "counted"), i, row) take_counted(db, site, row);
	json_array_foreach(json_object_get(o, "audits"), i, row)
	{
		int64_t audit = take_audit_row(db, site, row);
		const json_t *finding;
		size_t j;

		if (audit == 0)
			continue;
		take_amounts(db, site, audit, json_object_get(row, "amounts"));
		json_array_foreach(json_object_get(row, "findings"), j, finding)
			take_finding(db, site, audit, finding);
		taken++;
	}
	history_settle_overlaps(db, site, INT64_MIN, INT64_MAX);
	return taken;
}

long history_import(struct database *db, const json_t *json)
{
	const char *schema = filed_text(json, "schema");
	const json_t *site;
	long taken = 0;
	size_t i;

	if (!schema || strncmp(schema, SCHEMA, strlen(SCHEMA)) != 0)
		return -1;
	json_array_foreach(json_object_get(json, "sites"), i, site) taken += take_site(db, site);
	return db->failure == DATABASE_FINE ? taken : -1;
}

/* ---- what interfaces counted ---- */

int64_t history_find_wan(struct database *db, const char *site, const char *name)
{
	sqlite3_stmt *rows = database_ask(
		db, "SELECT wan.id FROM wan JOIN site ON site.id = wan.site WHERE"
		    " ((?1 IS NULL AND (SELECT count(*) FROM site) = 1) OR site.name = ?1) AND "
		    "(wan.name"
		    " = ?2 OR EXISTS(SELECT 1 FROM json_each(wan.devices) WHERE value = ?2))"
		    " ORDER BY wan.name <> ?2, wan.id");
	int64_t id;

	database_bind(rows, "ss", site, name);
	id = database_row(db, rows) ? sqlite3_column_int64(rows, 0) : 0;
	database_done(rows);
	return id;
}

bool history_count_day(struct database *db, int64_t wan, int year, int month, int day, uint64_t rx,
                       uint64_t tx)
{
	sqlite3_stmt *row = database_ask(db, "SELECT site FROM wan WHERE id = ?");
	struct zone zone;
	int64_t site;

	database_bind(row, "i", wan);
	site = database_row(db, row) ? sqlite3_column_int64(row, 0) : 0;
	database_done(row);
	history_zone(db, site, &zone);
	return database_do(db, "INSERT OR REPLACE INTO counted VALUES(?, ?, ?, ?, ?)", "iiiii", wan,
	                   zone_moment_utc(&zone, year, month, day, 0) * NS,
	                   zone_moment_utc(&zone, year, month, day + 1, 0) * NS, (int64_t)rx,
	                   (int64_t)tx);
}
