/* SPDX-License-Identifier: MIT
 *
 * rules_standby.c - the rules about whether a backup is held ready and left alone as its flags say:
 * A7, A8, A9, A14 and A30 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "verdict.h"

#define NS UINT64_C(1000000000)
/* The tracker of a router wants several answers of a WAN that was out before its route returns: the
 * five of OpenMPTCProuter take about half a minute. */
#define ROUTE_NS (60 * NS)
#define YOUNG_NS (2 * NS) /* a connection so short may close before its joins are through */

static double limit_of(const struct report *report, int wan, enum limit limit)
{
	return report->wans[wan].limits[limit];
}

/* User payload of a direction that would hold copies if its scheduler made any. */
#define ENOUGH UINT64_C(1000000)

/* The subflow that opened the connection, on the WAN where it did: its packets may have left by
 * another one later. NULL: its opening was not seen, was not answered, or it is not MPTCP. */
static const struct ledger_subflow *opener_of(const struct ledger_connection *c)
{
	const struct ledger_subflow *first = NULL;

	if (c->version < 0 || c->fallback || c->confidence != CONF_KEY)
		return NULL;
	for (size_t i = 0; i < c->n_subflows; i++)
		if (c->subflows[i].initial && (!first || c->subflows[i].first_ns < first->first_ns))
			first = &c->subflows[i];
	return first && first->established ? first : NULL;
}

static bool on_primary(const struct report *report, uint32_t wan)
{
	return wan < report->n_wans && report->primaries >> wan & 1;
}

/* ---- A7 ---- */

/* First-seen payload of subflows in one direction of a backup while a primary was healthy. */
static uint64_t beside_healthy(const struct report *report, int wan, enum direction direction)
{
	const struct ledger_wan *w = report->wans[wan].ledger;
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_cells; i++) {
		const struct ledger_cell *cell = &w->cells[i];

		if (cell->shared && cell->kind == KIND_PAYLOAD && cell->traffic == TRAFFIC_MPTCP &&
		    cell->direction == direction &&
		    report_phase(report->ledger, report->primaries, cell->circumstance) ==
		            PHASE_HEALTHY)
			sum += cell->sum.payload_bytes;
	}
	return sum;
}

static bool show_uplink(const struct report *report, const struct ledger_cell *cell)
{
	return cell->kind == KIND_PAYLOAD && cell->traffic == TRAFFIC_MPTCP &&
	       cell->direction == DIR_UP && cell->sum.payload_bytes > 0 &&
	       report_phase(report->ledger, report->primaries, cell->circumstance) == PHASE_HEALTHY;
}

/* More than A3 allows, of what all WANs carried. */
static bool leaks(const struct report *report, int wan, uint64_t bytes)
{
	const struct account *account = &report->wans[wan].shared;
	bool switched = account->first_seen[PHASE_OUTAGE] || account->first_seen[PHASE_AFTER];
	uint64_t all = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		all += report->wans[i].shared.unique;
	return (double)bytes > limit_of(report, wan, LIMIT_HEALTHY_BYTES) ||
	       ((double)bytes > limit_of(report, wan, LIMIT_HEALTHY_SHARE) * (double)all &&
	        (double)bytes > (switched ? limit_of(report, wan, LIMIT_SWITCH_BYTES) : 0));
}

static void uplink_judge(const struct report *report, struct finding *finding, const char *name)
{
	const struct ledger_event *e = report->wans[finding->wan].ledger->events;
	uint64_t asked = e[EVENT_JOIN_UP_BACKUP].count, plain = e[EVENT_JOIN_DOWN_NORMAL].count;
	uint64_t up = beside_healthy(report, finding->wan, DIR_UP);
	uint64_t down = beside_healthy(report, finding->wan, DIR_DOWN);
	char some[TEXT_SHORT], n[TEXT_SHORT];

	if (asked == 0 || plain == 0) {
		finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, uplink_no_join, name);
		return;
	}
	finding->unit = "bytes";
	finding->observed = true;
	finding->value = (double)up;
	finding->numerator = up;
	verdict_part(finding, "downlink", down, 0);
	verdict_part(finding, "answered_without_flag", plain, 0);
	/* data both ways beside a healthy primary are a scheduler's doing, and A3's business */
	if (leaks(report, finding->wan, up) && !leaks(report, finding->wan, down)) {
		finding->status = STATUS_FAIL;
		SAY_IN(finding->text, uplink_leak, name, text_bytes(some, up));
		verdict_show_cells(report, finding, show_uplink,
		                   MESSAGE_shows_sent_beside_a_healthy_primary);
		verdict_show_event(finding, &e[EVENT_JOIN_DOWN_NORMAL],
		                   MESSAGE_shows_answered_without_the_flag);
		return;
	}
	finding->status = STATUS_PASS;
	SAY_IN(finding->text, uplink_fine, name, text_count(n, plain));
	SAY_IN(finding->brief, none);
}

bool rule_uplink(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, uplink_judge);
}

/* ---- A8 ---- */

/* A primary was out, or its route may not have returned: new connections open where they can. */
static bool route_is_away(const struct report *report, uint64_t ns)
{
	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];
		uint64_t end = row->kind == INTERRUPTION_FAILOVER ? row->heard_ns : row->to_ns;

		if (on_primary(report, row->wan) && row->from_ns <= ns &&
		    (end == 0 || row->open || ns <= end + ROUTE_NS))
			return true;
	}
	return false;
}

static bool passes_traffic(const struct report *report, uint64_t ns)
{
	uint64_t width = ledger_widths_s[report->ledger->width] * NS;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_wan *wan = report->wans[i].ledger;

		for (size_t b = 0; on_primary(report, (uint32_t)i) && b < wan->n_buckets; b++)
			if (wan->buckets[b].start_s * NS <= ns &&
			    ns < wan->buckets[b].start_s * NS + width)
				return true;
	}
	return false;
}

struct openings {
	uint64_t seen, with, without; /* connections; on this backup, with and without MP_PRIO */
	const struct ledger_connection *first; /* without, else with */
};

static struct openings openings_on(const struct report *report, uint32_t wan)
{
	struct openings sum = {0};

	for (size_t i = 0; i < report->ledger->n_connections; i++) {
		const struct ledger_connection *c = &report->ledger->connections[i];
		const struct ledger_subflow *s = opener_of(c);

		if (!s)
			continue;
		sum.seen++;
		if (s->wan != wan || route_is_away(report, s->first_ns) ||
		    !passes_traffic(report, s->first_ns))
			continue;
		bool prio = s->backup_client == 1 || s->backup_server == 1;
		if (!sum.first || (!prio && sum.without == 0))
			sum.first = c;
		sum.with += prio;
		sum.without += !prio;
	}
	return sum;
}

static void initial_judge(const struct report *report, struct finding *finding, const char *name)
{
	struct openings sum = openings_on(report, (uint32_t)finding->wan);
	char count[TEXT_SHORT], when[MESSAGE_TIME];

	if (report->primaries == 0 || sum.seen == 0) {
		finding->status = sum.seen ? STATUS_NOT_ASSESSED : STATUS_NOT_APPLICABLE;
		if (sum.seen)
			SAY_IN(finding->text, opened_no_primary, name);
		else
			SAY_IN(finding->text, opened_none, name);
		return;
	}
	verdict_observe(finding, "ratio", sum.with + sum.without, sum.seen);
	verdict_part(finding, "without_mp_prio", sum.without, sum.seen);
	if (!sum.first) {
		finding->status = STATUS_PASS;
		SAY_IN(finding->text, opened_fine, name, text_count(count, sum.seen));
		SAY_IN(finding->brief, opened_brief, count);
		return;
	}
	finding->status = sum.without ? STATUS_FAIL : STATUS_WARN;
	finding->connection = sum.first;
	message_time(when, sum.first->first_ns);
	if (sum.without)
		SAY_IN(finding->text, opened_without_prio, name, text_count(count, sum.without),
		       when);
	else
		SAY_IN(finding->text, opened_with_prio, name, text_count(count, sum.with), when);
	verdict_show_event(finding, &report->wans[finding->wan].ledger->events[EVENT_CAPABLE_SYN],
	                   MESSAGE_shows_opened_over_the_backup);
}

bool rule_initial(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, initial_judge);
}

/* ---- A9 ---- */

static bool is_ready(const struct ledger_connection *c, uint32_t wan)
{
	for (size_t i = 0; i < c->n_subflows; i++)
		if (c->subflows[i].wan == wan && c->subflows[i].established)
			return true;
	return false;
}

static void ready_judge(const struct report *report, struct finding *finding, const char *name)
{
	uint64_t ready = 0, all = 0, since_ns = report->wans[finding->wan].ledger->first_ns;
	char percent[TEXT_SHORT], some[TEXT_SHORT], of[TEXT_SHORT], least[TEXT_SHORT],
		others[40] = "";

	for (size_t i = 0; i < report->ledger->n_connections; i++) {
		const struct ledger_connection *c = &report->ledger->connections[i];
		const struct ledger_subflow *s = opener_of(c);

		if (!s || !on_primary(report, s->wan) || c->last_ns - c->first_ns <= YOUNG_NS)
			continue;
		bool held = is_ready(c, (uint32_t)finding->wan);
		if (!held && since_ns > c->first_ns + YOUNG_NS)
			continue; /* its join may have passed before the backup was captured */
		all++;
		ready += held;
	}
	if (all == 0) {
		finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, ready_nothing, name);
		return;
	}
	verdict_observe(finding, "ratio", ready, all);
	bool few = finding->value < limit_of(report, finding->wan, LIMIT_READY_FAIL);
	verdict_limit(report, finding, few ? LIMIT_READY_FAIL : LIMIT_READY_WARN);
	/* the ledger keeps those whole that have bytes aside from their busiest WAN: ready ones */
	if (report->ledger->rest.connections > 0) {
		SAY_IN(finding->text, ready_only_sums,
		       text_count(some, report->ledger->rest.connections), name);
		return;
	}
	finding->status = few ? STATUS_FAIL
	                  : finding->value < limit_of(report, finding->wan, LIMIT_READY_WARN)
	                          ? STATUS_WARN
	                          : STATUS_PASS;
	if (finding->status != STATUS_PASS)
		SAY_IN(others, ready_others);
	SAY_IN(finding->text, ready_share, text_percent(percent, ready, all), name,
	       text_count(some, ready), text_count(of, all),
	       text_limit(least, limit_of(report, finding->wan, LIMIT_READY_WARN)), others);
	SAY_IN(finding->brief, n_of_connections, some, of);
	if (finding->status != STATUS_PASS)
		verdict_show_event(finding,
		                   &report->wans[finding->wan].ledger->events[EVENT_JOIN_PLAIN],
		                   MESSAGE_shows_join_answered_without_mptcp);
}

bool rule_ready(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, ready_judge);
}

/* ---- A14 ---- */

/* Is one of the frames that show it within an outage of a primary, when the backup was needed? */
static bool when_needed(const struct report *report, const struct ledger_event *event)
{
	for (uint32_t f = 0; f < event->first.count; f++)
		for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
			const struct ledger_interruption *row = &report->ledger->interruptions[i];

			if (on_primary(report, row->wan) && row->kind == INTERRUPTION_OUTAGE &&
			    event->first.frames[f].ts_ns >= row->from_ns &&
			    event->first.frames[f].ts_ns <= row->to_ns)
				return true;
		}
	return false;
}

static void dead_judge(const struct report *report, struct finding *finding, const char *name)
{
	const struct ledger_event *e = report->wans[finding->wan].ledger->events;
	uint64_t used = e[EVENT_IDLE_USED].count, answered = e[EVENT_IDLE_ANSWERED].count;
	uint64_t reset = e[EVENT_IDLE_RESET].count, dead = used > answered ? used - answered : 0;
	char some[TEXT_SHORT], of[TEXT_SHORT], resets[TEXT_SHORT], idle[TEXT_SHORT],
		needed[40] = "";

	text_count(idle, LEDGER_IDLE_S);

	if (used == 0) {
		finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, idle_none, name, idle);
		return;
	}
	verdict_observe(finding, "ratio", dead, used);
	verdict_part(finding, "reset", reset, used);
	text_count(some, dead);
	text_count(of, used);
	SAY_IN(finding->brief, idle_dead_of, some, of);
	if (dead == 0) {
		finding->status = STATUS_PASS;
		SAY_IN(finding->text, idle_answered, name, idle, of);
		return;
	}
	finding->status = when_needed(report, &e[EVENT_IDLE_USED]) ? STATUS_FAIL : STATUS_WARN;
	if (finding->status == STATUS_FAIL)
		SAY_IN(needed, in_outage);
	SAY_IN(finding->text, idle_dead, some, of, name, idle, text_count(resets, reset), needed);
	verdict_show_event(finding, &e[EVENT_IDLE_USED], MESSAGE_shows_used_after_a_long_silence);
	verdict_show_event(finding, &e[EVENT_IDLE_RESET], MESSAGE_shows_reset);
}

bool rule_dead(struct report *report, const struct rule *rule)
{
	return verdict_each_backup(report, rule, dead_judge);
}

/* ---- A30 ---- */

/* No fault of itself: it tells which end runs the redundant scheduler. */
bool rule_one_sided(struct report *report, const struct rule *rule)
{
	uint64_t copies[DIR_COUNT] = {0}, fresh[DIR_COUNT] = {0};
	struct finding *finding = verdict_add(report, rule, -1);
	char up[TEXT_SHORT], down[TEXT_SHORT], only[40] = "";

	if (!finding)
		return false;
	for (size_t i = 0; i < report->n_wans; i++)
		for (size_t d = 0; d < DIR_COUNT; d++) {
			const struct tally *kinds = report->wans[i].shared.kinds[d];
			copies[d] += kinds[KIND_REDUNDANT].payload_bytes;
			fresh[d] += kinds[KIND_PAYLOAD].payload_bytes;
		}
	if (copies[DIR_UP] + copies[DIR_DOWN] == 0) {
		finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, copies_none);
		return true;
	}
	finding->status = STATUS_PASS;
	verdict_observe(finding, "ratio", copies[DIR_UP], copies[DIR_UP] + copies[DIR_DOWN]);
	text_bytes(up, copies[DIR_UP]);
	text_bytes(down, copies[DIR_DOWN]);
	if (copies[DIR_DOWN] == 0 && fresh[DIR_DOWN] >= ENOUGH)
		SAY_IN(only, copies_router_only);
	else if (copies[DIR_UP] == 0 && fresh[DIR_UP] >= ENOUGH)
		SAY_IN(only, copies_server_only);
	SAY_IN(finding->text, copies_both_ways, up, down, only);
	SAY_IN(finding->brief, sent_received, up, down);
	return true;
}
