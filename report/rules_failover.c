/* SPDX-License-Identifier: MIT
 *
 * rules_failover.c - the rules about what happens when a primary goes out: A10 to A13 and A25 (see
 * verdict.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "verdict.h"

#define NS     1000000000u
#define DAY_NS (UINT64_C(86400) * NS)

static double limit_of(const struct report *report, int wan, enum limit limit)
{
	return report->wans[wan].limits[limit];
}

static double seconds(uint64_t ns)
{
	return (double)ns / NS;
}

/* "0.223 s"; longer ones as all durations are written. */
static const char *duration(char out[TEXT_SHORT], uint64_t ns)
{
	if (ns >= 10 * (uint64_t)NS)
		return text_duration(out, ns);
	snprintf(out, TEXT_SHORT, "%.3f s", seconds(ns));
	return out;
}

/* One of this kind, of a primary, that happened while all captures ran: a capture that ends looks
 * like a WAN that falls silent. */
static bool judged(const struct report *report, const struct ledger_interruption *row,
                   enum interruption kind)
{
	return report->window && row->kind == kind && row->wan < report->n_wans &&
	       report->primaries >> row->wan & 1 && row->from_ns >= report->start_ns &&
	       row->to_ns <= report->end_ns;
}

static bool to_backup(const struct report *report, const struct ledger_interruption *row)
{
	return row->to < report->n_wans && report->wans[row->to].role.role == ROLE_BACKUP;
}

/* A failover that began before the window may end in it: its data after the primary's answer are
 * the failback's there, too. */
static bool reaches(const struct report *report, const struct ledger_interruption *row)
{
	uint64_t until = row->heard_ns > row->last_ns ? row->heard_ns : row->last_ns;

	return report->window && row->kind == INTERRUPTION_FAILOVER && row->wan < report->n_wans &&
	       report->primaries >> row->wan & 1 && row->to_ns <= report->end_ns &&
	       until >= report->start_ns;
}

bool verdict_failback_seen(const struct report *report)
{
	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];

		if (reaches(report, row) && to_backup(report, row) && row->heard_ns)
			return true;
	}
	return false;
}

/* Of the interruptions that led to a backup: how many, and the worst by a measure. */
struct worst {
	const struct ledger_interruption *row; /* NULL = none */
	uint64_t ns;
	size_t n;
};

/* A WAN that had to open its connections itself, when it was back, had no help of any backup. */
static bool concerns(const struct ledger_interruption *row, size_t wan)
{
	return row->to == wan || (row->kind == INTERRUPTION_OPENING && row->to == row->wan);
}

static struct worst worst_of(const struct report *report, size_t wan, enum interruption kind,
                             uint64_t (*by)(const struct ledger_interruption *row))
{
	struct worst worst = {0};

	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];

		if (!judged(report, row, kind) || !concerns(row, wan))
			continue;
		worst.n++;
		if (!worst.row || by(row) > worst.ns)
			worst = (struct worst){row, by(row), worst.n};
	}
	return worst;
}

/* ---- the frame of all these rules ---- */

/* One finding per backup; `judge` fills it. */
bool verdict_each_backup(struct report *report, const struct rule *rule,
                         void (*judge)(const struct report *report, struct finding *finding,
                                       const char *name))
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;
		char name[100];

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (report->window)
			judge(report, finding, name);
		else
			SAY_IN(finding->text, no_shared_time);
	}
	return true;
}

/* Warn above one limit, fail above the other; the limit told is the one that decided. */
static void set_against(const struct report *report, struct finding *finding, uint64_t ns,
                        enum limit warn, enum limit fail)
{
	bool fails = seconds(ns) > limit_of(report, finding->wan, fail);

	verdict_observe(finding, "seconds", ns, NS);
	verdict_limit(report, finding, fails ? fail : warn);
	finding->status = fails                                                ? STATUS_FAIL
	                  : seconds(ns) > limit_of(report, finding->wan, warn) ? STATUS_WARN
	                                                                       : STATUS_PASS;
}

static void nothing_seen(struct finding *finding, const char *name, enum message message)
{
	finding->status = STATUS_NOT_APPLICABLE;
	message_say(finding->text, sizeof(finding->text), message,
	            (const char *const[]){name, NULL});
}

static const char *primary_name(const struct report *report, const struct ledger_interruption *row,
                                char *out, size_t size)
{
	return text_safe(out, size, report->wans[row->wan].name, 32);
}

#define SEVERAL 60

/* ", the longest of 3", as a message. */
static const char *of_several(char out[SEVERAL], const struct worst *worst, enum message message)
{
	char count[TEXT_SHORT];

	out[0] = '\0';
	if (worst->n > 1)
		message_say(out, SEVERAL, message,
		            (const char *const[]){text_count(count, worst->n), NULL});
	return out;
}

/* How long, and whether that was the worst of several. */
static void brief_say(struct finding *finding, const char *length, const char *several)
{
	snprintf(finding->brief, sizeof(finding->brief), "%s%s", length, several);
}

/* ---- A10: failover of connections that were there ---- */

static void failover_judge(const struct report *report, struct finding *finding, const char *name)
{
	struct worst worst =
		worst_of(report, (size_t)finding->wan, INTERRUPTION_FAILOVER, interruption_gap_ns);
	char from[100], gap[TEXT_SHORT], when[MESSAGE_TIME], several[SEVERAL], limit[TEXT_SHORT];

	if (!worst.row) {
		nothing_seen(finding, name, MESSAGE_failover_none);
		return;
	}
	set_against(report, finding, worst.ns, LIMIT_FAILOVER_WARN, LIMIT_FAILOVER_FAIL);
	verdict_part(finding, "failovers", worst.n, 0);
	duration(gap, worst.ns);
	message_say(finding->text, sizeof(finding->text),
	            worst.row->direction == DIR_UP ? MESSAGE_failover_sent
	                                           : MESSAGE_failover_received,
	            (const char *const[]){primary_name(report, worst.row, from, sizeof(from)), name,
	                                  gap, message_time(when, worst.row->from_ns),
	                                  of_several(several, &worst, MESSAGE_longest_of_n),
	                                  text_figure(limit, finding->limit), NULL});
	brief_say(finding, gap, several);
	verdict_show_place(finding, &worst.row->frame, MESSAGE_shows_first_new_data_on_the_backup);
}

bool rule_failover(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, failover_judge);
}

/* ---- A11: new connections ---- */

static void opening_judge(const struct report *report, struct finding *finding, const char *name)
{
	struct worst worst =
		worst_of(report, (size_t)finding->wan, INTERRUPTION_OPENING, interruption_gap_ns);
	char from[100], gap[TEXT_SHORT], when[MESSAGE_TIME], several[SEVERAL], limit[TEXT_SHORT];

	if (!worst.row) {
		nothing_seen(finding, name, MESSAGE_opening_none);
		return;
	}
	set_against(report, finding, worst.ns, LIMIT_OPENING_WARN, LIMIT_OPENING_FAIL);
	verdict_part(finding, "openings", worst.n, 0);
	duration(gap, worst.ns);
	primary_name(report, worst.row, from, sizeof(from));
	message_time(when, worst.row->from_ns);
	of_several(several, &worst, MESSAGE_longest_of_n);
	text_figure(limit, finding->limit);
	brief_say(finding, gap, several);
	if (worst.row->to == worst.row->wan) {
		if (worst.row->open && finding->status == STATUS_PASS)
			finding->status = STATUS_NOT_ASSESSED; /* it may have taken longer */
		message_say(finding->text, sizeof(finding->text),
		            worst.row->open ? MESSAGE_opening_to_end : MESSAGE_opening_again,
		            (const char *const[]){from, when, name, gap, several, limit, NULL});
		verdict_show_place(finding, &worst.row->frame,
		                   MESSAGE_shows_first_connection_opened_again);
		return;
	}
	SAY_IN(finding->text, opening_elsewhere, from, when, name, gap, several, limit);
	verdict_show_place(finding, &worst.row->frame,
	                   MESSAGE_shows_first_connection_opened_elsewhere);
}

bool rule_opening(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, opening_judge);
}

/* ---- A12: failback ---- */

static uint64_t outage_ns(const struct ledger_interruption *row)
{
	return row->heard_ns > row->from_ns ? row->heard_ns - row->from_ns : 0;
}

static double longer(double limit, uint64_t ns)
{
	return limit > seconds(ns) ? limit : seconds(ns);
}

/*
 * A connection that never went back has no lag to measure, only what it had until its end: when
 * that is longer than the primary was out, and not just a moment, it stayed for good. A capture
 * that ends before the connection does proves that only by the limit for all.
 */
static enum status failback_status(const struct report *report,
                                   const struct ledger_interruption *row)
{
	double lag = seconds(interruption_lag_ns(row));
	uint64_t out = outage_ns(row);

	if (lag > longer(limit_of(report, (int)row->to, LIMIT_FAILBACK_FAIL), out) ||
	    (row->open && row->ended &&
	     lag > longer(limit_of(report, (int)row->to, LIMIT_FAILBACK_NEVER), out)))
		return STATUS_FAIL;
	return lag > limit_of(report, (int)row->to, LIMIT_FAILBACK_WARN) ? STATUS_WARN
	                                                                 : STATUS_PASS;
}

/* The worst verdict first, then the longest lag; rows whose primary never answered say nothing. */
static struct worst worst_failback(const struct report *report, size_t wan)
{
	static const int rank[STATUS_COUNT] = {[STATUS_WARN] = 1, [STATUS_FAIL] = 2};
	struct worst worst = {0};
	int worst_rank = -1;

	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];

		if (!reaches(report, row) || row->to != wan || !row->heard_ns ||
		    row->heard_ns > report->end_ns)
			continue;
		uint64_t lag = interruption_lag_ns(row);
		int status = rank[failback_status(report, row)];
		worst.n++;
		if (status < worst_rank || (status == worst_rank && lag <= worst.ns))
			continue;
		worst_rank = status;
		worst.row = row;
		worst.ns = lag;
	}
	return worst;
}

static void failback_say(const struct report *report, struct finding *finding, const char *name,
                         const struct worst *worst)
{
	const struct ledger_interruption *row = worst->row;
	char from[100], lag[TEXT_SHORT], out[TEXT_SHORT], when[MESSAGE_TIME], several[SEVERAL],
		limit[TEXT_SHORT], never[40] = "";

	primary_name(report, row, from, sizeof(from));
	text_duration(out, outage_ns(row));
	duration(lag, worst->ns);
	message_time(when, row->heard_ns);
	of_several(several, worst, MESSAGE_worst_of_n);
	text_figure(limit, finding->limit);
	if (row->open && worst->ns > 0)
		message_say(
			finding->text, sizeof(finding->text),
			row->ended ? MESSAGE_failback_never : MESSAGE_failback_not_yet,
			(const char *const[]){from, when, out, name, lag, several, limit, NULL});
	else if (worst->ns == 0)
		SAY_IN(finding->text, failback_at_once, from, when, out, several);
	else
		SAY_IN(finding->text, failback_after, from, when, out, name, lag, several, limit);
	if (row->open && worst->ns > 0)
		SAY_IN(never, and_never_back);
	snprintf(finding->brief, sizeof(finding->brief), "%s%s%s", lag, never, several);
}

/* It went on when a capture ended: what was seen of it is the least that it took. */
static bool goes_on(const struct report *report, const struct ledger_interruption *row)
{
	return row->last_ns + NS >= report->end_ns &&
	       (row->back_ns == 0 || row->back_ns > report->end_ns);
}

static void failback_judge(const struct report *report, struct finding *finding, const char *name)
{
	struct worst any =
		worst_of(report, (size_t)finding->wan, INTERRUPTION_FAILOVER, interruption_lag_ns);
	struct worst worst = worst_failback(report, (size_t)finding->wan);

	if (!any.row && !worst.row) {
		nothing_seen(finding, name, MESSAGE_failover_none);
		return;
	}
	if (!worst.row) {
		SAY_IN(finding->text, failback_no_answer, name);
		return;
	}
	verdict_observe(finding, "seconds", worst.ns, NS);
	finding->status = failback_status(report, worst.row);
	verdict_limit(report, finding,
	              finding->status != STATUS_FAIL        ? LIMIT_FAILBACK_WARN
	              : worst.row->open && worst.row->ended ? LIMIT_FAILBACK_NEVER
	                                                    : LIMIT_FAILBACK_FAIL);
	if (finding->status == STATUS_FAIL)
		finding->limit = longer(finding->limit, outage_ns(worst.row));
	verdict_part(finding, "failbacks", worst.n, 0);
	verdict_part(finding, "outage_ns", outage_ns(worst.row), 0);
	failback_say(report, finding, name, &worst);
	if (finding->status == STATUS_PASS && worst.ns > 0 && goes_on(report, worst.row)) {
		finding->status = STATUS_NOT_ASSESSED;
		SAY_IN(finding->text, failback_goes_on, name);
	}
	verdict_show_place(finding, &worst.row->frame, MESSAGE_shows_where_the_failover_began);
}

bool rule_failback(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, failback_judge);
}

/* ---- A13: all WANs stall ---- */

/* The longest of those that all captures show to their end: where one of them ends before, what it
 * does not show looks like a stall. `beyond`: there are such. */
static struct worst worst_stall(const struct report *report, size_t wan, bool *beyond)
{
	struct worst worst = {0};

	*beyond = false;
	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];
		bool whole = row->stall_to_ns <= report->end_ns;
		uint64_t ns = whole ? interruption_stall_ns(row) : 0;

		if (!judged(report, row, INTERRUPTION_FAILOVER) || !concerns(row, wan))
			continue;
		*beyond |= !whole;
		worst.n++;
		if (!worst.row || ns > worst.ns)
			worst = (struct worst){row, ns, worst.n};
	}
	return worst;
}

static void stall_judge(const struct report *report, struct finding *finding, const char *name)
{
	bool beyond;
	struct worst worst = worst_stall(report, (size_t)finding->wan, &beyond);
	char from[100], stall[TEXT_SHORT], when[MESSAGE_TIME], several[SEVERAL], limit[TEXT_SHORT];

	if (!verdict_failback_seen(report) || !worst.row) {
		nothing_seen(finding, name, MESSAGE_stall_nothing);
		return;
	}
	set_against(report, finding, worst.ns, LIMIT_STALL_WARN, LIMIT_STALL_FAIL);
	if (beyond && finding->status == STATUS_PASS) {
		finding->status = STATUS_NOT_ASSESSED;
		SAY_IN(finding->text, stall_beyond, name);
		return;
	}
	if (worst.ns == 0) {
		SAY_IN(finding->text, stall_none, name);
		SAY_IN(finding->brief, none);
		return;
	}
	duration(stall, worst.ns);
	SAY_IN(finding->text, stalled, primary_name(report, worst.row, from, sizeof(from)), name,
	       stall, message_time(when, worst.row->stall_from_ns),
	       of_several(several, &worst, MESSAGE_longest_of_n),
	       text_figure(limit, finding->limit));
	brief_say(finding, stall, several);
	verdict_show_place(finding, &worst.row->frame, MESSAGE_shows_where_the_failover_began);
}

bool rule_stall(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, stall_judge);
}

/* ---- A25: outages of primaries ---- */

struct stretch {
	uint64_t from_ns, to_ns;
};

static int stretch_order(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static void stretch_add(const struct report *report, struct stretch *list, size_t *n,
                        uint64_t from_ns, uint64_t to_ns)
{
	uint64_t from = from_ns > report->start_ns ? from_ns : report->start_ns;
	uint64_t to = to_ns < report->end_ns ? to_ns : report->end_ns;

	if (from < to)
		list[(*n)++] = (struct stretch){from, to};
}

/* What packets and the recorder's marks say, each once: marks begin and end a little beside. */
static size_t stretch_join(struct stretch *list, size_t n)
{
	size_t out = 0;

	qsort(list, n, sizeof(*list), stretch_order);
	for (size_t i = 1; i < n; i++) {
		if (list[i].from_ns > list[out].to_ns + NS)
			list[++out] = list[i];
		else if (list[i].to_ns > list[out].to_ns)
			list[out].to_ns = list[i].to_ns;
	}
	return n ? out + 1 : 0;
}

/* The outages of a WAN in the judged time; from malloc, NULL when out of memory. */
static struct stretch *outages_of(const struct report *report, size_t wan, size_t *n)
{
	const struct ledger *ledger = report->ledger;
	const struct ledger_record *record = report->wans[wan].ledger->record;
	size_t spans = record ? record->n_spans : 0;
	struct stretch *list = malloc((ledger->n_interruptions + spans + 1) * sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < ledger->n_interruptions; i++)
		if (ledger->interruptions[i].kind == INTERRUPTION_OUTAGE &&
		    ledger->interruptions[i].wan == wan)
			stretch_add(report, list, n, ledger->interruptions[i].from_ns,
			            ledger->interruptions[i].to_ns);
	for (size_t i = 0; list && i < spans; i++)
		if (record->spans[i].state == SPAN_ABSENT || record->spans[i].state == SPAN_DOWN)
			stretch_add(report, list, n, record->spans[i].from_ns,
			            record->spans[i].to_ns);
	if (list)
		*n = stretch_join(list, *n);
	return list;
}

/* Was it questions alone, pings and the like, that told of it? */
static bool by_questions(const struct report *report, const struct ledger_interruption *row)
{
	return row->kind == INTERRUPTION_OUTAGE && row->frame.file < report->ledger->n_files;
}

/* How many of a WAN's outages only unanswered questions show; the first of them is evidence. */
static size_t outages_asked(const struct report *report, struct finding *finding)
{
	size_t n = 0;

	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];

		if (!judged(report, row, INTERRUPTION_OUTAGE) ||
		    row->wan != (uint32_t)finding->wan || !by_questions(report, row))
			continue;
		if (n++ == 0)
			verdict_show_place(finding, &row->frame,
			                   MESSAGE_shows_first_ping_or_the_like_without_an_answer);
	}
	return n;
}

#define TOLD 3

/* "wan1 was out 2 times, 34 s together: 20.1 s from 2026-...; 14 s from 2026-..." */
static void outages_say(const struct report *report, struct finding *finding, const char *name,
                        const struct stretch *list, size_t n, uint64_t sum_ns)
{
	char length[TEXT_SHORT], when[MESSAGE_TIME], sum[TEXT_SHORT], count[TEXT_SHORT],
		limit[TEXT_SHORT], list_text[900] = "";
	size_t asked;

	for (size_t i = 0; i < n && i < TOLD; i++) {
		if (i > 0)
			MORE_IN(list_text, comma);
		text_duration(length, list[i].to_ns - list[i].from_ns);
		message_more(
			list_text, sizeof(list_text),
			list[i].to_ns == report->end_ns ? MESSAGE_out_to_end : MESSAGE_out_from,
			(const char *const[]){length, message_time(when, list[i].from_ns), NULL});
	}
	if (n > TOLD)
		MORE_IN(list_text, and_more);
	text_count(count, n);
	text_duration(sum, sum_ns);
	SAY_IN(finding->text, outages_list, name, count, sum, list_text,
	       text_figure(limit, finding->limit));
	SAY_IN(finding->brief, outages_brief, count, sum);
	asked = outages_asked(report, finding);
	if (!asked)
		return;
	verdict_part(finding, "by_unanswered_pings", asked, n);
	if (asked < n)
		MORE_IN(finding->text, asked_some);
	else
		MORE_IN(finding->text, asked_all);
}

static bool outages_judge(const struct report *report, struct finding *finding, const char *name)
{
	uint64_t length = report->end_ns - report->start_ns, sum_ns = 0;
	double days = length > DAY_NS ? (double)length / (double)DAY_NS : 1;
	size_t n;
	struct stretch *list = outages_of(report, (size_t)finding->wan, &n);

	if (!list)
		return false;
	for (size_t i = 0; i < n; i++)
		sum_ns += list[i].to_ns - list[i].from_ns;
	verdict_limit(report, finding, LIMIT_OUTAGES);
	finding->unit = "per_day";
	finding->observed = true;
	finding->value = (double)n / days;
	finding->numerator = n;
	verdict_part(finding, "outage_ns", sum_ns, 0);
	finding->status = finding->value > finding->limit ? STATUS_WARN : STATUS_PASS;
	if (n == 0) {
		SAY_IN(finding->text, outages_none, name);
		SAY_IN(finding->brief, none);
	} else {
		outages_say(report, finding, name, list, n, sum_ns);
	}
	free(list);
	return true;
}

bool rule_outages(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;
		char name[100];

		if (!(report->primaries >> i & 1))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (!report->window)
			SAY_IN(finding->text, no_shared_time);
		else if (!outages_judge(report, finding, name))
			return false;
	}
	return true;
}

/* ---- all of them, for whoever prints ---- */

static void say_failover(const struct ledger_interruption *row, const char *from, const char *to,
                         char *out, size_t size)
{
	char gap[TEXT_SHORT], when[MESSAGE_TIME], away[TEXT_SHORT], lag[TEXT_SHORT],
		stall[TEXT_SHORT];

	duration(gap, interruption_gap_ns(row));
	message_time(when, row->from_ns);
	text_duration(away, outage_ns(row));
	duration(lag, interruption_lag_ns(row));
	duration(stall, interruption_stall_ns(row));
	if (row->direction == DIR_UP)
		SAY(out, size, moved_sent, from, to, gap, when);
	else
		SAY(out, size, moved_received, from, to, gap, when);
	if (!row->heard_ns)
		message_more(out, size, MESSAGE_never_answered, (const char *const[]){from, NULL});
	else if (interruption_lag_ns(row) == 0)
		message_more(out, size, MESSAGE_answered_and_back,
		             (const char *const[]){from, away, NULL});
	else
		message_more(out, size,
		             row->open ? MESSAGE_answered_still_away : MESSAGE_answered_then_back,
		             (const char *const[]){from, away, lag, NULL});
	if (row->stall_to_ns)
		message_more(out, size, MESSAGE_nothing_passed, (const char *const[]){stall, NULL});
}

bool verdict_say_interruption(const struct report *report, size_t index, char *out, size_t size)
{
	const struct ledger_interruption *row = &report->ledger->interruptions[index];
	char from[100], to[100] = "", gap[TEXT_SHORT], when[MESSAGE_TIME], end[80] = "";

	if (!judged(report, row, (enum interruption)row->kind))
		return false;
	primary_name(report, row, from, sizeof(from));
	if (row->to < report->n_wans)
		text_safe(to, sizeof(to), report->wans[row->to].name, 32);
	duration(gap, interruption_gap_ns(row));
	message_time(when, row->from_ns);
	if (row->open)
		SAY_IN(end, to_the_end);
	if (row->kind == INTERRUPTION_OUTAGE) {
		if (by_questions(report, row))
			MORE_IN(end, by_unanswered);
		SAY(out, size, was_out, from, gap, when, end);
	} else if (row->kind == INTERRUPTION_OPENING && row->to == row->wan)
		SAY(out, size, openings_failed, from, when, gap, end);
	else if (row->kind == INTERRUPTION_OPENING)
		SAY(out, size, opening_moved, from, to, when, gap);
	else
		say_failover(row, from, to, out, size);
	return true;
}
