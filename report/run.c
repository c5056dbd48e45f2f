/* SPDX-License-Identifier: MIT
 *
 * run.c - see run.h.
 */
#include "run.h"

#include <stdio.h>
#include <string.h>

#include "report.h"
#include "stored.h"
#include "text.h"

#define SCHEMA  "mptcp-audit.run/1.0"
#define NOTICE  "mptcp-audit.notice/1.0"
#define OVERDUE "input"

/* ---- JSON ---- */

static bool set(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static json_t *moment(uint64_t ns)
{
	char text[TEXT_SHORT];

	return ns ? json_string(text_time(text, ns, 9)) : json_null();
}

static json_t *number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* A member that is an object, made if need be; borrowed. NULL: out of memory. */
static json_t *inside(json_t *o, const char *key)
{
	json_t *found = json_object_get(o, key);

	if (json_is_object(found))
		return found;
	return set(o, key, json_object()) ? json_object_get(o, key) : NULL;
}

json_t *run_new(void)
{
	json_t *memory = json_object();

	if (memory && set(memory, "schema", json_string(SCHEMA)) &&
	    set(memory, "findings", json_object()))
		return memory;
	json_decref(memory);
	return NULL;
}

bool run_accepts(const json_t *memory)
{
	return strcmp(stored_text(memory, "schema"), SCHEMA) == 0 &&
	       json_is_object(json_object_get(memory, "findings"));
}

uint64_t run_time(const json_t *memory, const char *key)
{
	return stored_time(memory, key);
}

bool run_set_time(json_t *memory, const char *key, uint64_t ns)
{
	return set(memory, key, moment(ns));
}

/* ---- totals ---- */

/* The row of a WAN in a role: another role is another row, so that each of them only grows. */
static json_t *row_of(json_t *wans, const json_t *wan)
{
	const char *name = stored_text(wan, "name"), *role = stored_text(wan, "role");
	json_t *row;
	size_t i;

	json_array_foreach(wans, i, row)
	{
		if (strcmp(stored_text(row, "name"), name) == 0 &&
		    strcmp(stored_text(row, "role"), role) == 0)
			return row;
	}
	row = json_object();
	if (!row || !set(row, "name", json_string(name)) ||
	    !set(row, "role", *role ? json_string(role) : json_null()) ||
	    json_array_append(wans, row) != 0) {
		json_decref(row);
		return NULL;
	}
	json_decref(row); /* the array's now */
	return row;
}

static bool add_tally(json_t *kinds, const char *kind, const json_t *tally)
{
	static const char *const keys[] = {"frames", "l2_bytes", "ip_bytes", "payload_bytes"};
	json_t *sum = inside(kinds, kind);

	for (size_t i = 0; sum && i < sizeof(keys) / sizeof(*keys); i++) {
		uint64_t have = stored_number(sum, keys[i]), more = stored_number(tally, keys[i]);

		if (!set(sum, keys[i], number(have > UINT64_MAX - more ? UINT64_MAX : have + more)))
			return false;
	}
	return sum != NULL;
}

static bool add_wan(json_t *wans, const json_t *wan)
{
	json_t *row = row_of(wans, wan);

	for (size_t d = 0; row && d < DIR_COUNT; d++) {
		json_t *kinds = json_object_get(wan, direction_names[d]), *to, *tally;
		const char *kind;

		to = inside(row, direction_names[d]);
		if (!to)
			return false;
		json_object_foreach(kinds, kind, tally)
		{
			if (!add_tally(to, kind, tally))
				return false;
		}
	}
	return row != NULL;
}

bool run_count(json_t *memory, json_t *report, uint64_t from_ns)
{
	json_t *totals = inside(memory, "totals"), *wans, *wan;
	size_t i;

	if (!totals || (!stored_has(totals, "since") && !set(totals, "since", moment(from_ns))))
		return false;
	if (!json_is_array(json_object_get(totals, "wans")) && !set(totals, "wans", json_array()))
		return false;
	wans = json_object_get(totals, "wans");
	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		if (!add_wan(wans, wan))
			return false;
	}
	return set(report, "totals", json_deep_copy(totals));
}

/* ---- findings ---- */

static const char *const level_names[] = {"pass", "warn", "fail"};

static int level_of(const json_t *finding)
{
	switch (stored_choice(finding, "status", status_names, STATUS_COUNT)) {
	case STATUS_PASS:
	case STATUS_NOT_APPLICABLE:
	case STATUS_WAIVED:
		return 0;
	case STATUS_WARN:
		return 1;
	case STATUS_FAIL:
		return 2;
	default:
		return -1;
	}
}

static int level(const json_t *row, const char *key)
{
	uint64_t value = stored_number(row, key);

	return value > 2 ? 2 : (int)value;
}

/* The window's own rows: of several findings of a rule and WAN the worst. */
static bool gather(json_t *seen, const json_t *report)
{
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		char key[1000];
		int has = level_of(finding);
		int length = snprintf(key, sizeof(key), "%s %s", stored_text(finding, "rule"),
		                      stored_text(finding, "wan"));
		const json_t *other = json_object_get(seen, key);

		if (has < 0 || length >= (int)sizeof(key) || (other && level_of(other) >= has))
			continue;
		if (json_object_set(seen, key, finding) != 0)
			return false;
	}
	return true;
}

static bool take_finding(json_t *findings, const char *key, const json_t *finding, uint64_t to_ns,
                         const char *file)
{
	static const char *const kept[] = {"rule", "wan", "text", "messages"};
	json_t *row;
	int now = level_of(finding);

	if (!json_object_get(findings, key) && now == 0)
		return true; /* that all is well with it is no news */
	if (!json_object_get(findings, key) && json_object_size(findings) >= RUN_FINDINGS)
		return true;
	row = inside(findings, key);
	if (!row)
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *value = json_object_get(finding, kept[i]);

		if (value && json_object_set(row, kept[i], value) != 0)
			return false;
	}
	json_object_del(row, "unseen");
	if (now > level(row, "worst") &&
	    (!set(row, "worst", json_integer(now)) || !set(row, "worst_in", json_string(file))))
		return false;
	return set(row, "now", json_integer(now)) && set(row, "seen", moment(to_ns));
}

/* What nobody saw for long is let go. */
static bool forget(json_t *findings, uint64_t to_ns)
{
	const char *key;
	json_t *row;

	json_object_foreach(findings, key, row)
	{
		uint64_t seen = stored_time(row, "seen");

		if (level(row, "now") == 0 || !seen || seen + RUN_FORGET_NS >= to_ns)
			continue;
		if (!set(row, "now", json_integer(0)) || !set(row, "unseen", json_true()))
			return false;
	}
	return true;
}

static bool keep_last(json_t *memory, const json_t *report, const char *file)
{
	static const char *const kept[] = {"site", "verdict", "sentence", "messages", "window"};
	json_t *last = json_object();

	if (!last || !set(memory, "last", last))
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *value = json_object_get(report, kept[i]);

		if (value && json_object_set(last, kept[i], value) != 0)
			return false;
	}
	return set(last, "file", json_string(file));
}

bool run_look(json_t *memory, const json_t *report, uint64_t to_ns, const char *file)
{
	json_t *findings = inside(memory, "findings"), *seen = json_object(), *finding;
	bool good = findings && seen && gather(seen, report);
	const char *key;

	json_object_foreach(seen, key, finding)
	{
		good = good && take_finding(findings, key, finding, to_ns, file);
	}
	json_decref(seen);
	return good && forget(findings, to_ns) && keep_last(memory, report, file);
}

bool run_overdue(json_t *memory, bool overdue, uint64_t known_ns)
{
	json_t *findings = inside(memory, "findings"), *row = json_object_get(findings, OVERDUE);
	json_t *messages;
	char text[400], when[MESSAGE_TIME], words[400];

	if (!overdue && !row)
		return findings != NULL;
	if (!overdue)
		SAY_IN(text, input_goes_on);
	else if (known_ns)
		SAY_IN(text, input_ended, message_time(when, known_ns));
	else
		SAY_IN(text, input_missing);
	row = inside(findings, OVERDUE);
	messages = row ? inside(row, "messages") : NULL;
	return messages && set(messages, "text", message_json(text)) &&
	       set(row, "text",
	           json_string(message_words(words, sizeof(words), text,
	                                     &(struct telling){LANGUAGE_EN, NULL}))) &&
	       set(row, "now", json_integer(overdue)) &&
	       (!overdue || set(row, "worst", json_integer(1)));
}

/* ---- notices ---- */

/* NULL: there is nothing to tell of it. */
static const char *change_of(const json_t *row)
{
	int told = level(row, "told"), now = level(row, "now"), worst = level(row, "worst");

	if (now > told)
		return told ? "worsened" : "new";
	if (now < told && stored_true(row, "unseen"))
		return "not_seen";
	if (now < told)
		return now ? "improved" : "resolved";
	return worst > now ? "passing" : NULL;
}

static json_t *words_of(const json_t *o, const char *key, const struct telling *how)
{
	char message[6000], words[8000];

	return json_string(message_words(words, sizeof(words),
	                                 stored_message(message, sizeof(message), o, key), how));
}

static json_t *copy_or_null(const json_t *o, const char *key)
{
	json_t *value = json_object_get(o, key);

	return value ? json_deep_copy(value) : json_null();
}

static bool add_row(json_t *array, const json_t *row, const char *change, const struct telling *how)
{
	json_t *o = json_object();
	bool passing = change && strcmp(change, "passing") == 0;

	if (!o || json_array_append_new(array, o) != 0)
		return false;
	if (change && (!set(o, "change", json_string(change)) ||
	               !set(o, "was", json_string(level_names[level(row, "told")]))))
		return false;
	if (stored_has(row, "worst_in") &&
	    !set(o, "worst_report", json_string(stored_text(row, "worst_in"))))
		return false;
	return set(o, "rule", copy_or_null(row, "rule")) &&
	       set(o, "wan", copy_or_null(row, "wan")) &&
	       set(o, "status", json_string(level_names[level(row, "now")])) &&
	       (!passing || set(o, "worst", json_string(level_names[level(row, "worst")]))) &&
	       set(o, "text", words_of(row, "text", how));
}

static bool put_rows(json_t *notice, const json_t *memory, const struct telling *how, bool *changed)
{
	json_t *changes = json_array(), *standing = json_array(), *row;
	const char *key;
	bool good = set(notice, "changes", changes) && set(notice, "standing", standing);

	json_object_foreach(json_object_get(memory, "findings"), key, row)
	{
		const char *change = change_of(row);

		*changed = *changed || change;
		if (change)
			good = good && add_row(changes, row, change, how);
		else if (level(row, "now") > 0)
			good = good && add_row(standing, row, NULL, how);
	}
	return good;
}

json_t *run_notice(const json_t *memory, enum language language, uint64_t now_ns, bool heartbeat)
{
	const json_t *last = json_object_get(memory, "last");
	struct zone zone;
	const struct telling how = {language, &zone};
	json_t *notice = json_object();
	bool changed = false, good;

	stored_zone(last, &zone);
	good = notice && set(notice, "schema", json_string(NOTICE)) &&
	       set(notice, "generated", moment(now_ns)) &&
	       set(notice, "site", copy_or_null(last, "site")) &&
	       set(notice, "verdict", copy_or_null(last, "verdict")) &&
	       set(notice, "sentence", words_of(last, "sentence", &how)) &&
	       set(notice, "window", copy_or_null(last, "window")) &&
	       set(notice, "report", copy_or_null(last, "file")) &&
	       put_rows(notice, memory, &how, &changed) &&
	       set(notice, "reason", json_string(changed ? "change" : "heartbeat"));
	if (good && (changed || heartbeat))
		return notice;
	json_decref(notice);
	return good ? json_null() : NULL;
}

bool run_told(json_t *memory, uint64_t now_ns)
{
	json_t *findings = json_object_get(memory, "findings"), *row;
	const char *key;
	void *next;

	json_object_foreach_safe(findings, next, key, row)
	{
		int now = level(row, "now");

		if (now == 0) {
			json_object_del(findings, key);
			continue;
		}
		if (!set(row, "told", json_integer(now)) || !set(row, "worst", json_integer(now)))
			return false;
		json_object_del(row, "worst_in");
	}
	return run_set_time(memory, "told_at", now_ns);
}
