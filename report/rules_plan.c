/* SPDX-License-Identifier: MIT
 *
 * rules_plan.c - the rules that set bytes against a plan, an expectation and a bill: A26, E1, E2
 * (see verdict.h).
 */
#include "rules_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expected.h"
#include "message.h"
#include "text.h"
#include "verdict.h"

#define NS    1000000000u
#define DAY_S 86400.0

static double limit_of(const struct report *report, size_t wan, enum limit limit)
{
	return report->wans[wan].limits[limit];
}

static bool filtered(const struct report *report, size_t wan)
{
	return report->options.filter || report->wans[wan].ledger->filtered;
}

static uint64_t whole(double bytes)
{
	if (bytes <= 0)
		return 0;
	return bytes < 1e18 ? (uint64_t)(bytes + 0.5) : UINT64_C(1000000000000000000);
}

/* ---- the plan ---- */

void plan_period(const struct report *report, const struct expect_plan *plan, uint64_t ns,
                 uint64_t *from_ns, uint64_t *to_ns)
{
	int64_t moment = (int64_t)(ns / NS), from, to;
	int day = report->options.billing_day ? report->options.billing_day
	          : plan && plan->billing_day ? (int)plan->billing_day
	                                      : 1;
	struct zone utc;
	const struct zone *zone = report->options.zone;

	zone_utc(&utc);
	from = zone_period(zone ? zone : &utc, moment, day, 0);
	to = zone_period(zone ? zone : &utc, moment, day, 1);
	*from_ns = from > 0 ? (uint64_t)from * NS : 0;
	*to_ns = to > 0 ? (uint64_t)to * NS : 0;
}

double plan_per_day(const struct report *report, size_t wan)
{
	const struct expect_plan *plan = report->wans[wan].plan;
	uint64_t from, to;

	if (!plan || plan->quota_bytes == 0 || !report->window)
		return 0;
	plan_period(report, plan, report->end_ns, &from, &to);
	return (double)plan->quota_bytes * DAY_S / ((double)(to - from) / NS);
}

const char *plan_bytes(char out[PLAN_TEXT], uint64_t bytes, bool binary)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (!binary)
		return text_bytes(out, bytes);
	for (; value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(*units); value /= 1024)
		unit++;
	snprintf(out, PLAN_TEXT, "%.*f %s",
	         unit == 0       ? 0
	         : value < 9.995 ? 2
	         : value < 99.95 ? 1
	                         : 0,
	         value, units[unit]);
	return out;
}

uint64_t plan_rounded(const struct expect_plan *plan, uint64_t bytes)
{
	uint64_t step = plan ? plan->granularity_bytes : 0;

	if (step == 0 || bytes % step == 0 || bytes > UINT64_MAX - step)
		return bytes;
	return bytes + step - bytes % step;
}

/* ---- A26 ---- */

struct projection {
	enum direction way; /* DIR_UNKNOWN = both */
	uint64_t used, quota;
	double projected;
};

static uint64_t billed_way(const struct report *report, size_t wan, enum direction way)
{
	const struct ledger_wan *w = report->wans[wan].ledger;
	uint64_t sum = 0;

	for (size_t i = 0; i < w->n_cells; i++)
		if (w->cells[i].shared && w->cells[i].direction == way &&
		    w->cells[i].traffic != TRAFFIC_LOCAL && w->cells[i].kind != KIND_DUPLICATE)
			sum += w->cells[i].sum.ip_bytes;
	return sum;
}

/* The quota that the period comes nearest to: of all, of what goes up, of what comes down. */
static struct projection project(const struct report *report, size_t wan, double periods)
{
	const struct expect_plan *plan = report->wans[wan].plan;
	const struct projection ways[] = {
		{DIR_UNKNOWN, report->wans[wan].shared.billed, plan->quota_bytes, 0},
		{DIR_UP, billed_way(report, wan, DIR_UP), plan->up_bytes, 0},
		{DIR_DOWN, billed_way(report, wan, DIR_DOWN), plan->down_bytes, 0},
	};
	struct projection nearest = {0};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct projection one = ways[i];

		if (one.quota == 0)
			continue;
		one.projected = (double)plan_rounded(plan, whole((double)one.used * periods));
		if (nearest.quota == 0 ||
		    one.projected * (double)nearest.quota > nearest.projected * (double)one.quota)
			nearest = one;
	}
	return nearest;
}

/* ", for 19.90 EUR", ", 2.30 GB more than the plan: 8.05 EUR beside the 19.90 of its price", or "".
 */
static void say_price(char *out, size_t size, const struct expect_plan *plan,
                      const struct projection *p)
{
	double more = p->projected - (double)p->quota, unit = plan->binary ? 1 << 30 : 1e9;
	double cost = more / unit * plan->price_per_gb;
	char over[PLAN_TEXT], currency[80], price[TEXT_SHORT], beside[TEXT_SHORT];

	out[0] = '\0';
	text_safe(currency, sizeof(currency), plan->currency, 8);
	snprintf(beside, sizeof(beside), "%.2f", plan->price);
	snprintf(price, sizeof(price), "%.2f", cost);
	if (more <= 0) {
		if (plan->price > 0)
			SAY(out, size, for_price, beside, currency);
		return;
	}
	plan_bytes(over, whole(more), plan->binary);
	if (cost < 0.005)
		SAY(out, size, over_plan, over);
	else if (plan->price > 0)
		SAY(out, size, over_plan_beside, over, price, currency, beside);
	else
		SAY(out, size, over_plan_cost, over, price, currency);
}

static void projection_judge(const struct report *report, struct finding *finding)
{
	size_t wan = (size_t)finding->wan;
	const struct expect_plan *plan = report->wans[wan].plan;
	double seconds = (double)(report->end_ns - report->start_ns) / NS, periods;
	bool enough = seconds >= limit_of(report, wan, LIMIT_BUDGET_WINDOW);
	char name[100], used[PLAN_TEXT], all[PLAN_TEXT], quota[PLAN_TEXT], length[TEXT_SHORT],
		percent[TEXT_SHORT], price[260], from_text[60], to_text[60], amount[80];
	uint64_t from, to;
	struct zone utc;
	struct projection p;

	zone_utc(&utc);
	plan_period(report, plan, report->end_ns, &from, &to);
	periods = enough ? (double)(to - from) / NS / seconds : 1;
	p = project(report, wan, periods);
	verdict_observe(finding, "ratio", whole(p.projected), p.quota);
	verdict_limit(report, finding, LIMIT_PLAN_WARN);
	if (finding->value > limit_of(report, wan, LIMIT_PLAN_FAIL) &&
	    (seconds >= DAY_S || !enough)) {
		finding->status = STATUS_FAIL;
		verdict_limit(report, finding, LIMIT_PLAN_FAIL);
	} else if (finding->value > limit_of(report, wan, LIMIT_PLAN_WARN)) {
		finding->status = STATUS_WARN;
	} else if (enough && filtered(report, wan)) {
		finding->blinded = true;
	} else if (enough) {
		finding->status = STATUS_PASS;
	}
	say_price(price, sizeof(price), plan, &p);
	zone_text(report->options.zone ? report->options.zone : &utc, (int64_t)(from / NS),
	          from_text, sizeof(from_text));
	zone_text(report->options.zone ? report->options.zone : &utc, (int64_t)(to / NS), to_text,
	          sizeof(to_text));
	text_safe(name, sizeof(name), report->wans[wan].name, 32);
	plan_bytes(used, p.used, plan->binary);
	plan_bytes(all, whole(p.projected), plan->binary);
	plan_bytes(quota, p.quota, plan->binary);
	text_duration(length, report->end_ns - report->start_ns);
	text_percent(percent, whole(p.projected), p.quota);
	from_text[10] = to_text[10] = '\0'; /* the days */
	if (p.way == DIR_UP)
		SAY_IN(amount, amount_up, used);
	else if (p.way == DIR_DOWN)
		SAY_IN(amount, amount_down, used);
	else
		snprintf(amount, sizeof(amount), "%s", used);
	if (seconds < DAY_S)
		MORE_IN(price, day_says_more);
	SAY_IN(finding->brief, amount_of, all, quota, percent);
	if (enough)
		SAY_IN(finding->text, period_comes_to, name, amount, length, from_text, to_text,
		       all, quota, percent, price);
	else
		SAY_IN(finding->text, period_too_short, name, amount, quota, length);
	verdict_part(finding, "used_bytes", p.used, 0);
	verdict_part(finding, "period_seconds", (to - from) / NS, 0);
}

bool rule_projection(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct expect_plan *plan = report->wans[i].plan;
		struct finding *finding;

		if (!plan || (plan->quota_bytes | plan->up_bytes | plan->down_bytes) == 0)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (report->window && report->end_ns > report->start_ns)
			projection_judge(report, finding);
		else
			SAY_IN(finding->text, no_shared_time);
	}
	return true;
}

/* ---- E1 ---- */

static void expected_tell(const struct report *report, struct finding *finding,
                          const struct expected_cost *cost)
{
	char name[100], counts[600], expected[TEXT_SHORT], seen[TEXT_SHORT], beyond[TEXT_SHORT],
		words[60], most[100] = "", hides[40] = "";

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	expected_say(cost, counts, sizeof(counts));
	text_bytes(expected, cost->expected);
	text_bytes(seen, cost->seen);
	text_bytes(beyond, cost->unexplained);
	if (cost->worst < EXPECTED_PARTS)
		SAY_IN(most, most_of_it, expected_say_beyond(cost->worst, words, sizeof(words)));
	if (filtered(report, (size_t)finding->wan))
		SAY_IN(hides, filter_hides_rest);
	SAY_IN(finding->text, expected_is, name, expected, counts, seen, beyond, most, hides);
	SAY_IN(finding->brief, expected_brief, expected, seen, beyond);
}

static void expected_judge(const struct report *report, struct finding *finding)
{
	size_t wan = (size_t)finding->wan;
	struct expected_cost cost;

	expected_make(&cost, report, wan);
	verdict_observe(finding, "bytes", cost.unexplained, 0);
	finding->observed = true;
	finding->value = (double)cost.unexplained;
	verdict_limit(report, finding, LIMIT_UNEXPLAINED_BYTES);
	for (size_t i = 0; i < EXPECTED_PARTS; i++)
		if (cost.rows[i].seen > 0)
			verdict_part(finding, expected_names[i], cost.rows[i].seen, 0);
	verdict_part(finding, "expected", cost.expected, 0);
	verdict_part(finding, "seen", cost.seen, 0);
	verdict_part(finding, "unexplained", cost.unexplained, cost.expected);
	expected_tell(report, finding, &cost);
	finding->blinded = filtered(report, wan);
	if (finding->blinded)
		return;
	finding->status =
		(double)cost.unexplained > limit_of(report, wan, LIMIT_UNEXPLAINED_BYTES) &&
				(double)cost.unexplained >
					limit_of(report, wan, LIMIT_UNEXPLAINED_SHARE) *
						(double)cost.expected
			? STATUS_WARN
			: STATUS_PASS;
}

bool rule_expected(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		expected_judge(report, finding);
	}
	return true;
}

/* ---- E2 ---- */

struct bill {
	uint64_t billed, seen, gaps, drops, rounding;
	uint64_t gap_ns, all_ns;
	int64_t rest; /* billed beyond all of it; negative: billed less */
};

/* Time of the window in which nobody recorded. Outside of what is told, nothing is known. */
static uint64_t unrecorded(const struct report *report, const struct report_wan *wan,
                           uint64_t *all_ns)
{
	uint64_t first, last, from = report->options.from_ns, to = report->options.to_ns, gap = 0;

	*all_ns = 0;
	if (!report_extent(wan, &first, &last)) {
		*all_ns = from && to ? to - from : 0;
		return *all_ns;
	}
	from = from ? from : first;
	to = to ? to : last;
	if (to <= from)
		return 0;
	*all_ns = to - from;
	gap += first > from ? (first < to ? first : to) - from : 0;
	gap += last < to ? to - (last > from ? last : from) : 0;
	for (size_t i = 0; i < wan->coverage.n_gaps; i++) {
		const struct coverage_gap *g = &wan->coverage.gaps[i];
		uint64_t begin = g->from_ns > from ? g->from_ns : from;
		uint64_t end = g->to_ns < to ? g->to_ns : to;

		begin = begin > first ? begin : first;
		end = end < last ? end : last;
		if (coverage_is_blind(g->state) && end > begin)
			gap += end - begin;
	}
	return gap < *all_ns ? gap : *all_ns;
}

static struct bill bill_make(const struct report *report, size_t index)
{
	const struct report_wan *wan = &report->wans[index];
	const struct tally *total = &wan->whole.total;
	struct bill bill = {.billed = report->options.billed_bytes, .seen = wan->whole.billed};
	uint64_t known, sum;

	bill.gap_ns = unrecorded(report, wan, &bill.all_ns);
	known = bill.all_ns - bill.gap_ns;
	if (known > 0)
		bill.gaps = whole((double)bill.seen * ((double)bill.gap_ns / (double)known));
	if (total->frames > 0)
		bill.drops = whole((double)wan->ledger->counters.dropped_frames *
		                   ((double)total->ip_bytes / (double)total->frames));
	sum = bill.seen + bill.gaps + bill.drops;
	bill.rounding = plan_rounded(wan->plan, sum) - sum;
	bill.rest = (int64_t)bill.billed - (int64_t)(sum + bill.rounding);
	return bill;
}

/* A carrier's GB may be 7.4 % larger than one thinks. */
static const char *unit_hint(const struct bill *bill, char out[40])
{
	double explained = (double)bill->billed - (double)bill->rest;
	double as_binary = (double)bill->billed * 1.073741824;
	double as_decimal = (double)bill->billed / 1.073741824;

	if (explained > 0.985 * as_binary && explained < 1.015 * as_binary)
		return SAY(out, 40, gb_is_gib);
	if (explained > 0.985 * as_decimal && explained < 1.015 * as_decimal)
		return SAY(out, 40, gib_is_gb);
	return "";
}

static void bill_tell(const struct report *report, struct finding *finding, const struct bill *bill)
{
	bool binary = report->options.billed_binary;
	char name[100], billed[PLAN_TEXT], seen[PLAN_TEXT], gaps[PLAN_TEXT], drops[PLAN_TEXT],
		rounding[PLAN_TEXT], rest[PLAN_TEXT], length[TEXT_SHORT], all[TEXT_SHORT],
		percent[TEXT_SHORT], missing[200], beyond[120], hint[40];
	uint64_t apart = bill->rest < 0 ? (uint64_t)-bill->rest : (uint64_t)bill->rest;

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	plan_bytes(gaps, bill->gaps, binary);
	plan_bytes(drops, bill->drops, binary);
	plan_bytes(rounding, bill->rounding, binary);
	plan_bytes(billed, bill->billed, binary);
	plan_bytes(seen, bill->seen, binary);
	plan_bytes(rest, apart, binary);
	text_percent(percent, apart, bill->billed);
	SAY_IN(missing, not_recorded_of, gaps, text_duration(length, bill->gap_ns),
	       text_duration(all, bill->all_ns));
	if (bill->rest < 0)
		SAY_IN(beyond, billed_less_by, rest, percent);
	else
		SAY_IN(beyond, unexplained_of, rest, percent);
	SAY_IN(finding->text, bill_is, name, billed, seen, missing, drops, rounding, beyond,
	       finding->value > finding->limit ? unit_hint(bill, hint) : "");
	SAY_IN(finding->brief, bill_brief, billed, seen, rest);
}

static void bill_judge(const struct report *report, struct finding *finding)
{
	size_t wan = (size_t)finding->wan;
	struct bill bill = bill_make(report, wan);
	uint64_t apart = bill.rest < 0 ? (uint64_t)-bill.rest : (uint64_t)bill.rest;

	verdict_observe(finding, "ratio", apart, bill.billed);
	verdict_limit(report, finding, LIMIT_BILL_SHARE);
	verdict_part(finding, "billed", bill.billed, 0);
	verdict_part(finding, "seen", bill.seen, bill.billed);
	verdict_part(finding, "not_recorded_estimated", bill.gaps, bill.billed);
	verdict_part(finding, "dropped_estimated", bill.drops, bill.billed);
	verdict_part(finding, "rounding", bill.rounding, bill.billed);
	verdict_part(finding, bill.rest < 0 ? "billed_less" : "unexplained", apart, bill.billed);
	verdict_part(finding, "not_recorded_seconds", bill.gap_ns / NS, bill.all_ns / NS);
	bill_tell(report, finding, &bill);
	finding->blinded = filtered(report, wan) || (bill.gap_ns * 2 > bill.all_ns && bill.all_ns);
	if (finding->blinded || bill.all_ns == 0)
		return; /* most of it would be an estimate */
	finding->status = finding->value > finding->limit ? STATUS_WARN : STATUS_PASS;
}

/* Whose bill it is: the WAN named, else the only backup. -1: nobody's. */
static int billed_wan(const struct report *report)
{
	int found = -1;

	for (size_t i = 0; i < report->n_wans; i++) {
		if (report->options.billed_wan &&
		    strcmp(report->wans[i].name, report->options.billed_wan) == 0)
			return (int)i;
		if (report->options.billed_wan || report->wans[i].role.role != ROLE_BACKUP)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	if (found < 0 && !report->options.billed_wan && report->n_wans == 1)
		found = 0;
	return found;
}

bool rule_bill(struct report *report, const struct rule *rule)
{
	struct finding *finding;
	int wan = billed_wan(report);

	if (report->options.billed_bytes == 0)
		return true;
	finding = verdict_add(report, rule, wan);
	if (!finding)
		return false;
	if (wan >= 0)
		bill_judge(report, finding);
	else
		SAY_IN(finding->text, whose_bill);
	return true;
}
