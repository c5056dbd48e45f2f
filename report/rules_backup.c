/* SPDX-License-Identifier: MIT
 *
 * rules_backup.c - the rules about what a backup carried: A1, A2, A3, A5, A16 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "rules_plan.h"
#include "causes.h"
#include "message.h"
#include "share.h"
#include "text.h"
#include "verdict.h"

#define NS    1000000000u
#define DAY_S 86400.0

static double limit_of(const struct report *report, int wan, enum limit limit)
{
	return report->wans[wan].limits[limit];
}

static bool is_backup(const struct report *report, size_t wan)
{
	return report->wans[wan].role.role == ROLE_BACKUP;
}

static bool filtered(const struct report *report, size_t wan)
{
	return report->options.filter || report->wans[wan].ledger->filtered;
}

/* First-seen payload of subflows on all WANs in the judged time. */
static uint64_t unique_bytes(const struct report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		sum += report->wans[i].shared.unique;
	return sum;
}

/* ---- A1 ---- */

static bool show_payload(const struct report *report, const struct ledger_cell *cell)
{
	enum phase phase = report_phase(report->ledger, report->primaries, cell->circumstance);
	bool apart =
		phase == PHASE_OUTAGE || (phase == PHASE_AFTER && verdict_failback_seen(report));

	return cell->kind < KIND_CARRYING && cell->traffic != TRAFFIC_LOCAL &&
	       cell->sum.frames > 0 && (cell->traffic != TRAFFIC_MPTCP || !apart);
}

static bool first_seen_in(const struct report *report, const struct ledger_cell *cell,
                          enum phase phase)
{
	return cell->kind == KIND_PAYLOAD && cell->traffic == TRAFFIC_MPTCP &&
	       cell->sum.payload_bytes > 0 &&
	       report_phase(report->ledger, report->primaries, cell->circumstance) == phase;
}

static bool show_degraded(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_DEGRADED);
}

/* The largest cause that is not user data: what a standby share is made of. The ACKs of an outage
 * are set apart, as its data are. */
static const struct cause *standby_cause(const struct account *account, uint64_t outage_acks)
{
	const struct cause *most = NULL;
	uint64_t bytes = 0;

	for (size_t i = 0; i < account->n_causes; i++) {
		const struct cause *cause = &account->causes[i];
		uint64_t some = cause->ip_bytes;

		if (!causes_is_standby(cause->id))
			continue;
		if (strcmp(cause->id, "ack") == 0)
			some -= outage_acks < some ? outage_acks : some;
		if (some <= bytes)
			continue;
		most = cause;
		bytes = some;
	}
	return most;
}

/* The largest way user payload took to the backup; outages are set apart, and a bad primary is
 * named only when it is what the finding is about. */
struct way {
	enum message words;
	uint64_t bytes;
	bool ours; /* subflows beside a healthy primary: the flag or the scheduler is why */
};

static struct way way_of(const struct report *report, size_t wan, bool bad_primary)
{
	static const struct {
		enum phase phase;
		enum message words;
	} ways[] = {
		{PHASE_HEALTHY, MESSAGE_way_healthy},
		{PHASE_DEGRADED, MESSAGE_way_degraded},
		{PHASE_AFTER, MESSAGE_way_after},
		{PHASE_UNKNOWN, MESSAGE_way_unknown},
	};
	const struct account *account = &report->wans[wan].shared;
	struct way way = {MESSAGE_way_plain, account->plain, false};

	if (account->fallback > way.bytes)
		way = (struct way){MESSAGE_way_fallback, account->fallback, false};
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		enum phase phase = ways[i].phase;

		if ((phase == PHASE_DEGRADED) == bad_primary &&
		    !(phase == PHASE_AFTER && verdict_failback_seen(report)) &&
		    account->phases[phase].ip_bytes > way.bytes)
			way = (struct way){ways[i].words, account->phases[phase].ip_bytes,
			                   phase == PHASE_HEALTHY};
	}
	return way;
}

/* Why a backup carries data beside a healthy primary, as far as the wire tells. */
static const char *flag_say(const struct ledger_wan *wan, char *out, size_t size)
{
	const struct ledger_event *e = wan->events;

	if (e[EVENT_PRIO_UP_NORMAL].count > 0)
		return SAY(out, size, flag_prio);
	if (e[EVENT_JOIN_UP_NORMAL].count > e[EVENT_JOIN_UP_BACKUP].count)
		return SAY(out, size, flag_missing);
	if (e[EVENT_JOIN_UP_BACKUP].count > 0)
		return SAY(out, size, flag_ignored);
	return SAY(out, size, flag_never);
}

/* ", 4.48 MB of it while a primary was healthy", or "". */
static const char *way_say(const struct report *report, const struct finding *finding,
                           uint64_t payload, char *out, size_t size)
{
	size_t wan = (size_t)finding->wan;
	struct way way = way_of(report, wan, finding->status == STATUS_WARN);
	char some[TEXT_SHORT], words[40], flag[40] = "";

	out[0] = '\0';
	if (payload == 0 || way.bytes == 0)
		return out;
	if (way.ours && finding->status == STATUS_FAIL)
		flag_say(report->wans[wan].ledger, flag, sizeof(flag));
	message_say(words, sizeof(words), way.words, (const char *const[]){NULL});
	if (way.bytes >= payload)
		return SAY(out, size, way_all, words, flag);
	return SAY(out, size, way_some, text_bytes(some, way.bytes), words, flag);
}

/* "wan2 carried 0.51 % of the primary's bytes as user payload (105 kB of 20.4 MB; limit 1 %)" */
static void carried_say(const struct report *report, const struct finding *finding,
                        const struct share *share, char *out, size_t size)
{
	bool all = limit_of(report, finding->wan, LIMIT_SHARE_OF) > 0;
	uint64_t bytes = all ? share->total : share->payload;
	char name[100], percent[TEXT_SHORT], some[TEXT_SHORT], of[TEXT_SHORT], way[200],
		limit[TEXT_SHORT], what[40];

	if (all)
		SAY_IN(what, any_traffic);
	else
		SAY_IN(what, user_payload);
	SAY(out, size, share_carried,
	    text_safe(name, sizeof(name), report->wans[finding->wan].name, 32),
	    text_percent(percent, bytes, share->primary), what, text_bytes(some, bytes),
	    text_bytes(of, share->primary),
	    text_limit(limit, limit_of(report, finding->wan, LIMIT_PAYLOAD_SHARE)),
	    way_say(report, finding, share->payload, way, sizeof(way)));
}

/* What keeping it ready cost, of what, and for how many connections when those are the reason. */
static void ready_say(const struct report *report, const struct finding *finding,
                      const struct share *share, char *out, size_t size)
{
	const struct report_wan *wan = &report->wans[finding->wan];
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct cause *cause = standby_cause(&wan->shared, share->outage_acks);
	char s[TEXT_SHORT], some[TEXT_SHORT], count[TEXT_SHORT], each[40], words[240] = "",
									   most[400] = "";

	if (cause)
		cause_say(cause->id, words, sizeof(words));
	if (cause && c->standby_connections > 1 && strcmp(cause->id, "standby") == 0)
		MORE_IN(words, ready_connections, text_count(count, c->standby_connections),
		        share_each(wan->ledger, each, sizeof(each)));
	if (cause)
		SAY_IN(most, most_of_it, words);
	text_percent(s, share->standby, share->primary);
	text_bytes(some, share->standby);
	if (finding->status == STATUS_WARN)
		SAY(out, size, ready_cost_of, s, some, most);
	else
		SAY(out, size, ready_cost, s, some, most);
}

enum share_case {
	SHARE_FINE,
	SHARE_SMALL,
	SHARE_OVER,
	SHARE_BAD_PRIMARY,
	SHARE_STANDBY,
	SHARE_HIDDEN
};

static void share_say(const struct report *report, struct finding *finding,
                      const struct share *share, enum share_case which)
{
	char name[100], out[TEXT_SHORT], some[TEXT_SHORT], least[TEXT_SHORT], standby[TEXT_SHORT],
		late[TEXT_SHORT], percent[TEXT_SHORT], limit[TEXT_SHORT], carried[500], ready[600],
		apart[120] = "";

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	carried_say(report, finding, share, carried, sizeof(carried));
	ready_say(report, finding, share, ready, sizeof(ready));
	text_bytes(some, share->payload);
	text_bytes(out, share->outage + share->after);
	text_bytes(late, share->primary);
	text_limit(limit, limit_of(report, finding->wan, LIMIT_STANDBY_SHARE));
	if (share->after > 0)
		SAY_IN(apart, apart_after, out);
	else if (share->outage > 0)
		SAY_IN(apart, apart_outage, out);
	SAY_IN(finding->brief, share_brief, text_percent(percent, share->payload, share->primary),
	       some, late);
	switch (which) {
	case SHARE_SMALL:
		text_bytes(least, (uint64_t)limit_of(report, finding->wan, LIMIT_PRIMARY_MIN));
		SAY_IN(finding->text, share_small, late, least, name, some,
		       text_bytes(standby, share->standby), apart);
		return;
	case SHARE_BAD_PRIMARY:
		finding->why = MESSAGE_why_bad_primary;
		SAY_IN(finding->text, share_bad_primary, carried, apart);
		return;
	case SHARE_STANDBY:
		if (share->payload == 0)
			SAY_IN(finding->text, share_standby_only, name, ready, limit, apart);
		else
			SAY_IN(finding->text, share_standby, name, ready, limit, apart);
		return;
	case SHARE_HIDDEN:
		SAY_IN(finding->text, share_filtered, carried, ready, apart);
		return;
	case SHARE_OVER:
		SAY_IN(finding->text, share_over, carried, apart);
		return;
	default:
		SAY_IN(finding->text, share_fine, carried, ready, apart);
	}
}

/* What went over while the primary was bad is not the backup's fault: A3 warns of it, and so does
 * this. */
static enum share_case share_judge(const struct report *report, struct finding *finding,
                                   const struct share *share)
{
	bool all = limit_of(report, finding->wan, LIMIT_SHARE_OF) > 0;
	double limit = limit_of(report, finding->wan, LIMIT_PAYLOAD_SHARE) * (double)share->primary;
	double standby =
		limit_of(report, finding->wan, LIMIT_STANDBY_SHARE) * (double)share->primary;
	uint64_t judged = all ? share->total : share->payload;

	if ((double)share->primary < limit_of(report, finding->wan, LIMIT_PRIMARY_MIN) ||
	    share->primary == 0)
		return SHARE_SMALL;
	if ((double)(judged - share->degraded) > limit) {
		finding->status = STATUS_FAIL;
		return SHARE_OVER;
	}
	if ((double)judged > limit) {
		finding->status = STATUS_WARN;
		return SHARE_BAD_PRIMARY;
	}
	if ((double)share->standby > standby) {
		finding->status = STATUS_WARN;
		return SHARE_STANDBY;
	}
	if (filtered(report, (size_t)finding->wan)) {
		finding->blinded = true;
		return SHARE_HIDDEN;
	}
	finding->status = STATUS_PASS;
	return SHARE_FINE;
}

/* Without a window or a primary nothing can be set against anything. Says so; true when that is the
 * case. */
static bool nothing_to_compare(const struct report *report, struct finding *finding)
{
	if (!report->window)
		SAY_IN(finding->text, no_shared_time);
	else if (report->primaries == 0)
		SAY_IN(finding->text, no_primary);
	else
		return false;
	return true;
}

bool rule_share(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		bool all = limit_of(report, (int)i, LIMIT_SHARE_OF) > 0;
		struct finding *finding;
		struct share share;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (nothing_to_compare(report, finding)) {
			char use[600];

			/* without a share the bytes and their cause are still an answer */
			verdict_say_use(report, (int)i, use, sizeof(use));
			snprintf(finding->text + strlen(finding->text),
			         sizeof(finding->text) - strlen(finding->text), "%s%s",
			         use[0] ? " " : "", use);
			continue;
		}
		share = share_of(report, i);
		verdict_observe(finding, "ratio", all ? share.total : share.payload, share.primary);
		verdict_limit(report, finding, LIMIT_PAYLOAD_SHARE);
		verdict_part(finding, "payload", share.payload, share.primary);
		verdict_part(finding, "standby", share.standby, share.primary);
		verdict_part(finding, "total", share.total, share.primary);
		verdict_part(finding, "mptcp", report->wans[i].shared.mptcp.ip_bytes,
		             share_primary_mptcp(report));
		verdict_part(finding, "outage_payload", share.outage, 0);
		verdict_part(finding, "after_payload", share.after, 0);
		verdict_part(finding, "outage_acks_estimated", share.outage_acks, 0);
		verdict_part(finding, "degraded_payload", share.degraded, 0);
		share_say(report, finding, &share, share_judge(report, finding, &share));
		if (finding->status == STATUS_FAIL)
			verdict_show_cells(report, finding, show_payload,
			                   MESSAGE_shows_user_payload_on_the_backup);
		else if (finding->why == MESSAGE_why_bad_primary)
			verdict_show_cells(report, finding, show_degraded,
			                   MESSAGE_shows_user_payload_while_the_primary_was_bad);
	}
	return true;
}

/* ---- A2 ---- */

static bool show_billed(const struct report *report, const struct ledger_cell *cell)
{
	(void)report;
	return cell->traffic != TRAFFIC_LOCAL && cell->kind != KIND_DUPLICATE &&
	       cell->sum.frames > 0;
}

/* The highest budget that `bytes` in a day exceed; the limit is then the one told. */
static enum status budget_status(const struct report *report, struct finding *finding, double bytes)
{
	double told = limit_of(report, finding->wan, LIMIT_PLAN);
	double plan = told > 0 ? told : plan_per_day(report, (size_t)finding->wan);

	if (plan > 0 && bytes > plan) {
		verdict_limit(report, finding, LIMIT_PLAN);
		finding->limit = plan;
		if (told <= 0)
			finding->limit_key = "plan";
		return STATUS_FAIL;
	}
	if (bytes > limit_of(report, finding->wan, LIMIT_BUDGET_HIGH)) {
		verdict_limit(report, finding, LIMIT_BUDGET_HIGH);
		return STATUS_WARN;
	}
	verdict_limit(report, finding, LIMIT_BUDGET_WARN);
	return bytes > limit_of(report, finding->wan, LIMIT_BUDGET_WARN) ? STATUS_WARN
	                                                                 : STATUS_PASS;
}

static void budget_judge(struct report *report, struct finding *finding)
{
	size_t wan = (size_t)finding->wan;
	uint64_t bytes = report->wans[wan].shared.billed;
	double seconds = (double)(report->end_ns - report->start_ns) / NS;
	bool enough = seconds >= limit_of(report, finding->wan, LIMIT_BUDGET_WINDOW);
	/* a window of more than a day holds a day that used at least the average */
	double day = enough || seconds > DAY_S ? (double)bytes * DAY_S / (double)(uint64_t)seconds
	                                       : (double)bytes;
	char name[100], used[TEXT_SHORT], length[TEXT_SHORT], limit[TEXT_SHORT], a_day[TEXT_SHORT],
		hidden[40] = "";

	finding->unit = enough ? "bytes_per_day" : "bytes";
	finding->observed = true;
	finding->value = day;
	finding->numerator = bytes;
	finding->denominator = (uint64_t)seconds;
	finding->status = budget_status(report, finding, day);
	if (finding->status == STATUS_PASS && (!enough || filtered(report, wan))) {
		finding->status = STATUS_NOT_ASSESSED;
		finding->blinded = enough;
	}
	text_safe(name, sizeof(name), report->wans[wan].name, 32);
	text_bytes(used, bytes);
	text_duration(length, report->end_ns - report->start_ns);
	text_bytes(limit, (uint64_t)finding->limit);
	text_bytes(a_day, enough ? share_a_day(report, bytes) : bytes);
	if (enough) {
		if (filtered(report, wan))
			SAY_IN(hidden, only_filtered);
		SAY_IN(finding->brief, a_day, a_day);
		SAY_IN(finding->text, budget_day, name, used, length, a_day, limit, hidden);
	} else if (finding->status == STATUS_NOT_ASSESSED) {
		SAY_IN(finding->text, budget_short, name, used, length, limit);
	} else {
		SAY_IN(finding->text, budget_exceeded, name, used, length, limit);
	}
	if (finding->status == STATUS_FAIL || finding->status == STATUS_WARN)
		verdict_show_cells(report, finding, show_billed,
		                   MESSAGE_shows_billed_traffic_on_the_backup);
}

bool rule_budget(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (report->window)
			budget_judge(report, finding);
		else
			SAY_IN(finding->text, no_shared_time);
	}
	return true;
}

/* ---- A3 ---- */

static bool show_healthy(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_HEALTHY);
}

static bool show_unknown(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_UNKNOWN);
}

static bool healthy_exceeded(const struct report *report, const struct finding *finding,
                             uint64_t bytes, uint64_t all, double allowance)
{
	return (double)bytes > limit_of(report, finding->wan, LIMIT_HEALTHY_BYTES) ||
	       ((double)bytes > limit_of(report, finding->wan, LIMIT_HEALTHY_SHARE) * (double)all &&
	        (double)bytes > allowance);
}

static void healthy_judge(struct report *report, struct finding *finding)
{
	const uint64_t *seen = report->wans[finding->wan].shared.first_seen;
	uint64_t all = unique_bytes(report);
	bool switched = seen[PHASE_OUTAGE] > 0 || seen[PHASE_AFTER] > 0;
	double allowance = switched ? limit_of(report, finding->wan, LIMIT_SWITCH_BYTES) : 0;
	char name[100], some[TEXT_SHORT], of[TEXT_SHORT], percent[TEXT_SHORT], carried[300],
		more[TEXT_SHORT], flag[40], healthy[40] = "";

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	text_percent(percent, seen[PHASE_HEALTHY], all);
	SAY_IN(carried, healthy_carried, name, text_bytes(some, seen[PHASE_HEALTHY]), percent,
	       text_bytes(of, all));
	SAY_IN(finding->brief, share_of_bytes, percent, some, of);
	if (healthy_exceeded(report, finding, seen[PHASE_HEALTHY], all, allowance)) {
		finding->status = STATUS_FAIL;
		SAY_IN(finding->text, healthy_fail, carried,
		       flag_say(report->wans[finding->wan].ledger, flag, sizeof(flag)));
		verdict_show_cells(report, finding, show_healthy,
		                   MESSAGE_shows_new_data_while_a_primary_was_healthy);
	} else if (healthy_exceeded(report, finding, seen[PHASE_UNKNOWN], all, allowance)) {
		SAY_IN(finding->text, healthy_unknown, carried,
		       text_bytes(more, seen[PHASE_UNKNOWN]));
		verdict_show_cells(report, finding, show_unknown,
		                   MESSAGE_shows_new_data_no_primary_subflow_in_sight);
	} else if (healthy_exceeded(report, finding, seen[PHASE_DEGRADED], all, allowance)) {
		finding->status = STATUS_WARN;
		finding->why = MESSAGE_why_bad_primary;
		if (seen[PHASE_HEALTHY] == 0)
			SAY_IN(healthy, none_while_healthy);
		SAY_IN(finding->text, healthy_bad_primary, name,
		       text_bytes(some, seen[PHASE_DEGRADED]),
		       text_percent(percent, seen[PHASE_DEGRADED], all), of, healthy);
		verdict_show_cells(report, finding, show_degraded,
		                   MESSAGE_shows_new_data_while_the_primary_was_bad);
	} else {
		finding->status = STATUS_PASS;
		if (switched)
			SAY_IN(finding->text, healthy_switched, carried,
			       text_bytes(more, seen[PHASE_OUTAGE] + seen[PHASE_AFTER]));
		else
			SAY_IN(finding->text, healthy_fine, carried);
	}
}

bool rule_healthy(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const uint64_t *seen = report->wans[i].shared.first_seen;
		uint64_t all = unique_bytes(report);
		struct finding *finding;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (nothing_to_compare(report, finding))
			continue;
		if (all == 0) {
			finding->status = STATUS_NOT_APPLICABLE;
			SAY_IN(finding->text, healthy_no_data);
			continue;
		}
		verdict_observe(finding, "ratio", seen[PHASE_HEALTHY], all);
		verdict_limit(report, finding, LIMIT_HEALTHY_SHARE);
		for (size_t k = 0; k < PHASE_COUNT; k++)
			verdict_part(finding, phase_names[k], seen[k], all);
		healthy_judge(report, finding);
	}
	return true;
}

/* ---- A5 ---- */

static bool show_redundant(const struct report *report, const struct ledger_cell *cell)
{
	(void)report;
	return cell->kind == KIND_REDUNDANT && cell->sum.payload_bytes > 0;
}

struct redundancy {
	uint64_t copies, payload; /* payload bytes in the judged time */
	uint64_t ns;              /* in buckets above the share */
};

static void redundancy_bucket(struct redundancy *sum, const struct ledger_bucket *bucket,
                              uint32_t width_s, double share)
{
	uint64_t copies = 0, all = 0;

	for (size_t d = 0; d < DIR_COUNT; d++) {
		for (size_t k = 0; k < KIND_CARRYING; k++)
			all += bucket->kinds[d][k].payload_bytes;
		copies += bucket->kinds[d][KIND_REDUNDANT].payload_bytes;
	}
	sum->copies += copies;
	sum->payload += all;
	if (copies == 0 || (double)copies <= share * (double)all)
		return;
	/* a wide bucket counts only as far as its frames reach */
	sum->ns += width_s <= 1 ? NS : bucket->last_ns - bucket->first_ns;
}

static struct redundancy redundancy_of(const struct report *report, size_t index)
{
	const struct ledger_wan *wan = report->wans[index].ledger;
	struct redundancy sum = {0};

	for (size_t i = 0; i < wan->n_buckets; i++) {
		const struct ledger_bucket *bucket = &wan->buckets[i];

		if (bucket->last_ns < report->start_ns || bucket->first_ns > report->end_ns ||
		    bucket->last_ns < bucket->first_ns)
			continue;
		redundancy_bucket(&sum, bucket, ledger_widths_s[report->ledger->width],
		                  limit_of(report, (int)index, LIMIT_REDUNDANT_SHARE));
	}
	return sum;
}

bool rule_redundant(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		char name[100], some[TEXT_SHORT], percent[TEXT_SHORT], length[TEXT_SHORT],
			share[TEXT_SHORT];
		struct redundancy sum;
		struct finding *finding;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (!report->window) {
			SAY_IN(finding->text, no_shared_time);
			continue;
		}
		sum = redundancy_of(report, i);
		verdict_observe(finding, "seconds", sum.ns, NS);
		verdict_limit(report, finding, LIMIT_REDUNDANT_SECONDS);
		verdict_part(finding, "redundant", sum.copies, sum.payload);
		finding->status = finding->value > finding->limit ? STATUS_FAIL : STATUS_PASS;
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (sum.copies == 0) {
			SAY_IN(finding->brief, none);
			SAY_IN(finding->text, redundant_none, name);
			continue;
		}
		text_duration(length, sum.ns);
		snprintf(finding->brief, sizeof(finding->brief), "%s", length);
		SAY_IN(finding->text, redundant_copies, name,
		       text_percent(percent, sum.copies, sum.payload), text_bytes(some, sum.copies),
		       text_limit(share, limit_of(report, finding->wan, LIMIT_REDUNDANT_SHARE)),
		       length);
		if (finding->status == STATUS_FAIL)
			verdict_show_cells(report, finding, show_redundant,
			                   MESSAGE_shows_copy_of_data_seen_on_another_wan);
	}
	return true;
}

/* ---- A16 ---- */

static bool show_signalling(const struct report *report, const struct ledger_cell *cell)
{
	(void)report;
	return cell->traffic == TRAFFIC_MPTCP && cell->sum.frames > 0 &&
	       (cell->kind == KIND_HANDSHAKE || cell->kind == KIND_TEARDOWN);
}

bool rule_signalling(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct account *account = &report->wans[i].shared;
		const struct ledger_counters *c = &report->wans[i].ledger->counters;
		char name[100], each[40], percent[TEXT_SHORT], count[TEXT_SHORT], extent[40],
			share[120] = "";
		char least[TEXT_SHORT];
		struct finding *finding;
		uint64_t primary = share_primary(report);
		bool above, few, high;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		verdict_limit(report, finding, LIMIT_SIGNALLING_SHARE);
		verdict_observe(finding, "ratio", account->signalling, primary);
		verdict_part(finding, "opening_bytes_per_connection", c->standby_opening_ip_bytes,
		             c->standby_connections);
		verdict_part(finding, "standby_bytes_per_connection", c->standby_ip_bytes,
		             c->standby_connections);
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (c->standby_connections == 0) {
			finding->status = STATUS_NOT_APPLICABLE;
			SAY_IN(finding->text, reserve_none, name);
			continue;
		}
		above = primary > 0 && finding->value > finding->limit && account->carrying == 0;
		few = (double)primary < limit_of(report, finding->wan, LIMIT_PRIMARY_MIN);
		high = above && !few;
		finding->status = high ? STATUS_WARN : above ? STATUS_NOT_ASSESSED : STATUS_PASS;
		text_count(count, c->standby_connections);
		share_each(report->wans[i].ledger, each, sizeof(each));
		if (above && few) {
			SAY_IN(finding->text, reserve_opening_small, name, count, each,
			       report_say_extent(report, extent, sizeof(extent)),
			       text_bytes(percent, primary),
			       text_bytes(least, (uint64_t)limit_of(report, finding->wan,
			                                            LIMIT_PRIMARY_MIN)));
			continue;
		}
		text_percent(percent, account->signalling, primary);
		if (high)
			SAY_IN(share, reserve_high, percent);
		else if (primary > 0)
			SAY_IN(share, reserve_share, percent);
		SAY_IN(finding->text, reserve_opening, name, count, each,
		       report_say_extent(report, extent, sizeof(extent)), share);
		if (primary > 0)
			SAY_IN(finding->brief, reserve_brief_share, count, each, percent);
		else
			SAY_IN(finding->brief, reserve_brief, count, each);
		if (high)
			verdict_show_cells(report, finding, show_signalling,
			                   MESSAGE_shows_joins_and_closes);
	}
	return true;
}
