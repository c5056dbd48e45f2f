/* SPDX-License-Identifier: MIT
 *
 * diff.c - see diff.h.
 */
#include "diff.h"

#include <math.h>
#include <string.h>

#include "filed.h"
#include "report.h"
#include "stored_share.h"

#define WORSE  1.5
#define BETTER (2.0 / 3)

const char *const change_names[CHANGE_COUNT] = {"new",       "worsened", "unseen",
                                                "unchanged", "improved", "resolved"};

/* ---- whose is whose ---- */

bool diff_same_site(const json_t *old, const json_t *new)
{
	const char *a = filed_text(old, "site"), *b = filed_text(new, "site");

	return !a || !b || strcmp(a, b) == 0;
}

static bool same(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static const json_t *find_wan(const json_t *report, const char *key, const char *name)
{
	const json_t *wan;
	size_t i;

	json_array_foreach(json_object_get(report, "wans"), i,
	                   wan) if (name && same(filed_text(wan, key), name)) return wan;
	return NULL;
}

/* What `from` calls `name` is called in `to`; the name itself when nothing says otherwise. */
static const char *twin(const json_t *from, const json_t *to, const char *name)
{
	const json_t *wan = find_wan(from, "name", name), *other;

	if (!wan || find_wan(to, "name", name))
		return name;
	other = find_wan(to, "expected", filed_text(wan, "expected"));
	return other ? filed_text(other, "name") : name;
}

/* ---- findings ---- */

static enum status status_of(const json_t *finding)
{
	return filed_status(filed_text(finding, "status"));
}

/* The worst finding of a rule about a WAN; NULL: there is none. */
static const json_t *find_finding(const json_t *report, const char *rule, const char *wan)
{
	const json_t *finding, *worst = NULL;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i,
	                   finding) if (same(filed_text(finding, "rule"), rule) &&
	                                same(filed_text(finding, "wan"), wan) &&
	                                (!worst || filed_rank(status_of(finding)) >
	                                                   filed_rank(status_of(worst)))) worst =
		finding;
	return worst;
}

static bool is_bad(const json_t *finding)
{
	return finding && filed_rank(status_of(finding)) >= filed_rank(STATUS_WARN);
}

static bool is_seen(const json_t *finding)
{
	return finding && status_of(finding) != STATUS_NOT_ASSESSED;
}

static double days_of(const json_t *report)
{
	return (double)filed_judged(report) / 86400e9;
}

/* What grows with the window, by day. */
static bool is_amount(const json_t *finding)
{
	const char *unit = filed_text(json_object_get(finding, "observed"), "unit");

	return unit && (strcmp(unit, "bytes") == 0 || strcmp(unit, "count") == 0);
}

static bool number_of(const json_t *finding, double days, double *number)
{
	const json_t *value = json_object_get(json_object_get(finding, "observed"), "value");

	*number = json_number_value(value);
	if (is_amount(finding))
		*number = days > 0 ? *number / days : NAN;
	return json_is_number(value) && isfinite(*number) && *number > 0;
}

/* Both are bad in the same way: did the number move? Which way is worse, the limit tells. */
static enum change moved(const json_t *old, double old_days, const json_t *new, double new_days)
{
	double a, b, limit = json_number_value(json_object_get(new, "limit")), factor,
		     value = json_number_value(
			     json_object_get(json_object_get(new, "observed"), "value"));

	if (!number_of(old, old_days, &a) || !number_of(new, new_days, &b) || value == limit ||
	    !json_is_number(json_object_get(new, "limit")))
		return CHANGE_UNCHANGED;
	factor = value > limit ? b / a : a / b;
	return factor >= WORSE    ? CHANGE_WORSENED
	       : factor <= BETTER ? CHANGE_IMPROVED
	                          : CHANGE_UNCHANGED;
}

/* False: neither was bad. */
static bool change_of(const json_t *old, double old_days, const json_t *new, double new_days,
                      enum change *change)
{
	if (!is_bad(old) && !is_bad(new))
		return false;
	if (!is_bad(old))
		*change = CHANGE_NEW;
	else if (!is_seen(new))
		*change = CHANGE_UNSEEN;
	else if (!is_bad(new))
		*change = CHANGE_RESOLVED;
	else if (filed_rank(status_of(old)) != filed_rank(status_of(new)))
		*change = filed_rank(status_of(old)) < filed_rank(status_of(new)) ? CHANGE_WORSENED
		                                                                  : CHANGE_IMPROVED;
	else
		*change = moved(old, old_days, new, new_days);
	return true;
}

/* What both renderers need of a finding. */
static json_t *side_json(const json_t *finding)
{
	static const char *const keys[] = {"title", "status", "observed",
	                                   "limit", "text",   "messages"};
	json_t *o = finding ? json_object() : json_null();

	for (size_t i = 0; finding && i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *member = json_object_get(finding, keys[i]);

		if (member)
			json_object_set(o, keys[i], member);
	}
	return o;
}

static void add_change(json_t *changes[CHANGE_COUNT], enum change change, const char *rule,
                       const char *wan, const json_t *old, const json_t *new)
{
	json_array_append_new(changes[change],
	                      json_pack("{s:s, s:s, s:s?, s:o, s:o}", "change",
	                                change_names[change], "rule", rule, "wan", wan, "old",
	                                side_json(old), "new", side_json(new)));
}

/* Is it the first of its rule and WAN? */
static bool is_first(const json_t *report, size_t index, const char *rule, const char *wan)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i,
	                   finding) if (same(filed_text(finding, "rule"), rule) &&
	                                same(filed_text(finding, "wan"), wan)) return i == index;
	return true;
}

static void add_findings(json_t *changes[CHANGE_COUNT], const json_t *old, const json_t *new)
{
	double old_days = days_of(old), new_days = days_of(new);
	const json_t *row;
	enum change change;
	size_t i;

	json_array_foreach(json_object_get(new, "findings"), i, row)
	{
		const char *rule = filed_text(row, "rule"), *wan = filed_text(row, "wan");
		const json_t *now, *before;

		if (!rule || !is_first(new, i, rule, wan))
			continue;
		now = find_finding(new, rule, wan);
		before = find_finding(old, rule, twin(new, old, wan));
		if (change_of(before, old_days, now, new_days, &change))
			add_change(changes, change, rule, wan, before, now);
	}
	/* What the new report does not speak of at all. */
	json_array_foreach(json_object_get(old, "findings"), i, row)
	{
		const char *rule = filed_text(row, "rule"), *wan = filed_text(row, "wan");
		const json_t *before;

		if (!rule || !is_first(old, i, rule, wan) ||
		    find_finding(new, rule, twin(old, new, wan)))
			continue;
		before = find_finding(old, rule, wan);
		if (change_of(before, old_days, NULL, new_days, &change))
			add_change(changes, change, rule, wan, before, NULL);
	}
}

/* ---- numbers of backups ---- */

static const struct {
	const char *name, *key, *inner; /* inner: a member of "phases" */
} numbers[] = {
	{"billed", "billed_ip_bytes", NULL},   {"user_data", "carrying_ip_bytes", NULL},
	{"standby", "standby_ip_bytes", NULL}, {"in_outages", "phases", "outage"},
	{"healthy", "phases", "healthy"},
};

static json_t *amount_json(const json_t *report, const json_t *wan, size_t number)
{
	/* The time that is judged, where the report tells it apart. */
	const json_t *account = json_object_get(wan, "shared");
	const json_t *of = json_is_object(account) ? account : wan;
	double days = days_of(report);
	uint64_t bytes;

	if (!wan || !json_object_get(of, numbers[number].key))
		return json_null();
	if (strcmp(numbers[number].name, "standby") == 0)
		bytes = stored_share_of(report, wan).standby;
	else
		bytes = numbers[number].inner
		                ? stored_number(
					  json_object_get(json_object_get(of, numbers[number].key),
		                                          numbers[number].inner),
					  "ip_bytes")
		                : stored_number(of, numbers[number].key);
	return json_pack("{s:I, s:o}", "bytes", (json_int_t)bytes, "per_day",
	                 days > 0 ? json_real((double)bytes / days) : json_null());
}

static json_t *share_json(const json_t *report, const char *wan)
{
	const json_t *finding = find_finding(report, "A1", wan),
		     *observed = json_object_get(finding, "observed");

	if (!stored_number(observed, "denominator"))
		return json_null();
	return json_pack("{s:I, s:I}", "numerator",
	                 (json_int_t)stored_number(observed, "numerator"), "denominator",
	                 (json_int_t)stored_number(observed, "denominator"));
}

static json_t *backup_json(const json_t *old, const json_t *new, const json_t *wan)
{
	const char *name = filed_text(wan, "name"), *before = twin(new, old, name);
	json_t *rows = json_object();

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_set_new(rows, numbers[i].name,
		                    json_pack("{s:o, s:o}", "old",
		                              amount_json(old, find_wan(old, "name", before), i),
		                              "new", amount_json(new, wan, i)));
	return json_pack("{s:s, s:o, s:{s:o, s:o}}", "wan", name, "numbers", rows, "payload_share",
	                 "old", share_json(old, before), "new", share_json(new, name));
}

/* ---- the whole ---- */

static json_t *report_json(const json_t *report)
{
	json_t *o = json_object(), *messages;
	static const char *const keys[] = {"window", "verdict", "sentence", "generated"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_object_set(o, keys[i], json_object_get(report, keys[i]));
	messages = json_object_get(json_object_get(report, "messages"), "sentence");
	if (messages)
		json_object_set_new(o, "messages", json_pack("{s:O}", "sentence", messages));
	return o;
}

json_t *diff_json(const json_t *old, const json_t *new)
{
	json_t *changes[CHANGE_COUNT], *counts = json_object(), *all = json_array(),
				       *backups = json_array();
	const char *site =
		filed_text(new, "site") ? filed_text(new, "site") : filed_text(old, "site");
	const json_t *wan;
	size_t i;

	for (i = 0; i < CHANGE_COUNT; i++)
		changes[i] = json_array();
	add_findings(changes, old, new);
	for (i = 0; i < CHANGE_COUNT; i++) {
		json_object_set_new(counts, change_names[i],
		                    json_integer((json_int_t)json_array_size(changes[i])));
		json_array_extend(all, changes[i]);
		json_decref(changes[i]);
	}
	json_array_foreach(json_object_get(new, "wans"), i, wan)
	{
		const char *role = filed_text(wan, "role");

		if (filed_text(wan, "name") && role && strcmp(role, "backup") == 0)
			json_array_append_new(backups, backup_json(old, new, wan));
	}
	return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:o}", "schema", "mptcp-audit.diff/1.0",
	                 "site", site, "old", report_json(old), "new", report_json(new), "findings",
	                 all, "counts", counts, "backups", backups);
}

size_t diff_count(const json_t *diff, enum change change)
{
	return (size_t)stored_number(json_object_get(diff, "counts"), change_names[change]);
}
