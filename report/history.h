/* SPDX-License-Identifier: MIT
 *
 * history.h - what earlier audits said: reports in, lists and trends out, in one SQLite file.
 *
 * Fed from the JSON of stored reports and from nothing else. Each report is a row with its window,
 * verdict and sentence, its findings, and sums per WAN (enum history_what). Time is kept in tiers:
 * a window of up to five minutes for 48 hours, of up to an hour for 30 days, of up to a day for 400
 * days, longer ones for ever; older windows are added up by the hours, days and months of the
 * site's clocks. Sums stay exact: nothing in a history is an average. Of several findings of a rule
 * the worst stays, with how often each status was.
 *
 * Age is counted from the newest window of the site, so a history has no clock and a site that fell
 * silent keeps what it said last.
 *
 * Windows may overlap (hours, and the day that holds them). In a sum of hours, days or months a
 * window does not count when a longer one of that size or smaller has its time: no byte counts
 * twice. Windows that touch by less than a hundredth of their length do not overlap.
 *
 * Sites are told apart by their name; reports without one are of one site without a name.
 */
#ifndef REPORT_HISTORY_H
#define REPORT_HISTORY_H

#include <jansson.h>

#include "database.h"
#include "zone.h"

enum history_tier { TIER_FIVE_MINUTES, TIER_HOUR, TIER_DAY, TIER_MONTH, TIER_COUNT };
extern const char *const history_tier_names[TIER_COUNT]; /* "5min", "hour", "day", "month" */

/* What is summed per WAN and window. All but the first two and the shares are bytes at IP level. */
enum history_what {
	WHAT_FRAMES,
	WHAT_WIRE, /* bytes at link level, as an interface's counters have them */
	WHAT_UP,
	WHAT_DOWN,
	WHAT_BILLED,
	WHAT_LOCAL,
	WHAT_CARRYING, /* frames with user payload; carrying + standby = billed */
	WHAT_STANDBY,
	WHAT_HEALTHY, /* carrying frames of subflows on a backup, by how its primaries were */
	WHAT_DEGRADED,
	WHAT_AFTER,
	WHAT_OUTAGE,
	WHAT_UNKNOWN,
	WHAT_SHARE_PAYLOAD, /* of a backup: A1's shares are these two over the third */
	WHAT_SHARE_STANDBY,
	WHAT_SHARE_PRIMARY,
	WHAT_PAYLOAD, /* classes of kinds: they add up to all bytes of the WAN */
	WHAT_REPEATED,
	WHAT_KEEPALIVE,
	WHAT_ACK,
	WHAT_SIGNALLING,
	WHAT_OTHER,
	WHAT_UNREAD,
	WHAT_COUNT
};
extern const char *const history_what_names[WHAT_COUNT]; /* "frames", ..., "unread" */
#define WHAT_FIRST_CLASS WHAT_PAYLOAD

extern const struct database_kind history_kind;

/* ---- writing: between database_begin() and database_commit() ---- */

enum history_added {
	HISTORY_ADDED,
	HISTORY_REPLACED, /* an older report of the same window */
	HISTORY_KNOWN,    /* this report, or a newer one of the same window, is there */
	HISTORY_SUMMED,   /* its time is added up already: left out */
	HISTORY_NO_TIME,  /* without a frame and a window: left out */
	HISTORY_FAILED    /* db->failure says why */
};

/* Add a report (one that filed_check() takes). `site` names it; NULL = by its own name. */
enum history_added history_add(struct database *db, const json_t *report, const char *site);

/* Add up what is older than its tier keeps. */
bool history_retain(struct database *db);

/* ---- reading ---- */

struct history_ask {
	const char *site, *wan; /* NULL = all */
	enum history_tier by;   /* of a trend */
	unsigned last;          /* at most that many, the newest; 0 = all */
};

/*
 * The audits, newest first: {"schema": "mptcp-audit.audits/1.0", "audits": [...], "more": n}. NULL:
 * it failed, or out of memory.
 */
json_t *history_list(struct database *db, const struct history_ask *ask);

/*
 * The sums by hours, days or months of each site's clocks, oldest first. Members: schema
 * ("mptcp-audit.trend/1.0"), by, and wans, an array of {site, time_zone, wan, role, points}. A
 * point has start, end, seconds (judged), audits, verdict, sums (those that are not 0), shares; a time without audits has
 * no point. Days for which a counter was imported have counted_bytes, unexplained_bytes and marked.
 * `longer` counts the windows that are longer than the steps asked for and are in none of them.
 */
json_t *history_trend(struct database *db, const struct history_ask *ask);

/*
 * All of it as JSON ("mptcp-audit.history/1.0"), the coarsest and newest windows first. `compact`:
 * without sentences and findings of what passed. At most `windows` of them; `left_out` counts the
 * others. NULL: it failed, or out of memory.
 */
json_t *history_export(struct database *db, bool compact, size_t windows);

/* Take such an export in: windows that are there already stay as they are. Negative: it failed, or
 * (-1 with db->failure fine) it is none; else how many windows came. */
long history_import(struct database *db, const json_t *json);

/* ---- bytes that an interface counted (vnstat.h) ---- */

/* A backup that counters saw carrying this much in a day more than the packets explain is busy. The
 * same as A2's budget of a day. */
#define HISTORY_BUSY_BYTES 20000000

/* The WAN that a device is: of that name, or one whose reports told the device. 0: none. The first
 * match of the site (NULL: of the only site). */
int64_t history_find_wan(struct database *db, const char *site, const char *name);

/* The bytes a WAN counted on a day of its site's clocks; what is there already is replaced. */
bool history_count_day(struct database *db, int64_t wan, int year, int month, int day, uint64_t rx,
                       uint64_t tx);

/* ---- for the files beside this one ---- */

/* The zone of a site by its id; UTC when it told none. */
void history_zone(struct database *db, int64_t site, struct zone *zone);

/* The step of a tier that holds a moment: [*from_ns, *to_ns). */
void history_step(const struct zone *zone, enum history_tier tier, int64_t ns, int64_t *from_ns,
                  int64_t *to_ns);

/* Work out anew which longer windows have the time of those of a site that overlap [from, to). */
bool history_settle_overlaps(struct database *db, int64_t site, int64_t from_ns, int64_t to_ns);

/* A window with all its rows. */
void history_forget(struct database *db, int64_t audit);

/* The ids of a site and a WAN by their names, which are made when they are missing. */
int64_t history_site(struct database *db, const char *name);
int64_t history_wan(struct database *db, int64_t site, const char *name);

/* As a moment of the JSON; NULL when out of memory. */
json_t *history_moment(int64_t ns);

#endif
