/* SPDX-License-Identifier: MIT
 *
 * rules_backup.c - the rules about what a backup carried: A1, A2, A3, A5, A16 (see verdict.h).
 */
#include <stdio.h>

#include "text.h"
#include "verdict.h"

#define NS    1000000000u
#define DAY_S 86400.0

static double limit_of(const struct report *report, enum limit limit)
{
	return report->policy->limits[limit];
}

static bool is_backup(const struct report *report, size_t wan)
{
	return report->wans[wan].role.role == ROLE_BACKUP;
}

static bool filtered(const struct report *report, size_t wan)
{
	return report->options.filter || report->wans[wan].ledger->filtered;
}

/* Billed bytes of all primaries in the judged time. */
static uint64_t primary_bytes(const struct report *report, bool mptcp_only)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->primaries >> i & 1)
			sum += mptcp_only ? report->wans[i].shared.mptcp.ip_bytes
			                  : report->wans[i].shared.billed;
	return sum;
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

struct share {
	uint64_t payload, standby, total; /* judged */
	uint64_t outage, outage_acks;     /* set apart */
	uint64_t primary;
};

static struct share share_of(const struct report *report, size_t wan)
{
	const struct account *account = &report->wans[wan].shared;
	const struct tally *outage = &account->phases[PHASE_OUTAGE];
	struct share share = {.outage = outage->ip_bytes, .primary = primary_bytes(report, false)};
	uint64_t carried = 0;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		carried += account->phases[i].frames;
	if (carried > 0)
		share.outage_acks = (uint64_t)((double)account->acks *
		                               ((double)outage->frames / (double)carried));
	if (share.outage_acks > account->acks)
		share.outage_acks = account->acks;
	share.payload = account->carrying - outage->ip_bytes;
	share.standby = account->standby - share.outage_acks;
	share.total = share.payload + share.standby;
	return share;
}

static bool show_payload(const struct report *report, const struct ledger_cell *cell)
{
	return cell->kind < KIND_CARRYING && cell->traffic != TRAFFIC_LOCAL &&
	       cell->sum.frames > 0 &&
	       (cell->traffic != TRAFFIC_MPTCP || report_phase(report->ledger, report->primaries,
	                                                       cell->circumstance) != PHASE_OUTAGE);
}

/* The largest cause that is not user data: what a standby share is made of. */
static const struct cause *standby_cause(const struct account *account)
{
	for (size_t i = 0; i < account->n_causes; i++) {
		const char *id = account->causes[i].id;

		if (*id == 'k' || *id == 'a' || *id == 's' || *id == 't' || *id == 'o' ||
		    *id == 'z')
			return &account->causes[i];
	}
	return NULL;
}

static void share_say(const struct report *report, struct finding *finding,
                      const struct share *share, const char *verb)
{
	const struct cause *cause = standby_cause(&report->wans[finding->wan].shared);
	char name[100], p[TEXT_SHORT], s[TEXT_SHORT], pb[TEXT_SHORT], sb[TEXT_SHORT],
		all[TEXT_SHORT];
	const struct tally *after = &report->wans[finding->wan].shared.phases[PHASE_AFTER];
	char out[TEXT_SHORT], late[TEXT_SHORT], apart[200] = "", back[120] = "";

	if (share->outage > 0)
		snprintf(apart, sizeof(apart), "; %s more in outages of the primary, set apart",
		         text_bytes(out, share->outage));
	if (after->ip_bytes > 0)
		snprintf(back, sizeof(back), ", %s of it after the primary had come back",
		         text_bytes(late, after->ip_bytes));
	snprintf(finding->text, sizeof(finding->text),
	         "%s%s: user payload %s (%s of %s%s), standby %s (%s, most of it %s)%s%s.",
	         text_safe(name, sizeof(name), report->wans[finding->wan].name, 32), verb,
	         text_percent(p, share->payload, share->primary), text_bytes(pb, share->payload),
	         text_bytes(all, share->primary), back,
	         text_percent(s, share->standby, share->primary), text_bytes(sb, share->standby),
	         cause ? cause_words(cause->id) : "nothing", apart,
	         filtered(report, (size_t)finding->wan) ? "; only of what the filter let through"
	                                                : "");
}

static void share_judge(const struct report *report, struct finding *finding,
                        const struct share *share)
{
	bool all = limit_of(report, LIMIT_SHARE_OF) > 0;
	double limit = limit_of(report, LIMIT_PAYLOAD_SHARE) * (double)share->primary;
	double standby = limit_of(report, LIMIT_STANDBY_SHARE) * (double)share->primary;
	const char *verb = "";

	if ((double)share->primary < limit_of(report, LIMIT_PRIMARY_MIN) || share->primary == 0) {
		verb = ", too little on the primaries to judge a share";
	} else if ((double)(all ? share->total : share->payload) > limit) {
		finding->status = STATUS_FAIL;
	} else if ((double)share->standby > standby) {
		finding->status = STATUS_WARN;
		verb = ", user payload is fine but standby is high";
	} else if (filtered(report, (size_t)finding->wan)) {
		verb = ", a filter hides frames";
	} else {
		finding->status = STATUS_PASS;
	}
	share_say(report, finding, share, verb);
}

/* Without a window or a primary nothing can be set against anything. Says so; true when that is the
 * case. */
static bool nothing_to_compare(const struct report *report, struct finding *finding)
{
	if (!report->window)
		snprintf(finding->text, sizeof(finding->text), "The captures share no time.");
	else if (report->primaries == 0)
		snprintf(finding->text, sizeof(finding->text),
		         "No capture of a primary was given: there is nothing to compare with.");
	else
		return false;
	return true;
}

bool rule_share(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		bool all = limit_of(report, LIMIT_SHARE_OF) > 0;
		struct finding *finding;
		struct share share;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (nothing_to_compare(report, finding))
			continue;
		share = share_of(report, i);
		verdict_observe(finding, "ratio", all ? share.total : share.payload, share.primary);
		verdict_limit(report, finding, LIMIT_PAYLOAD_SHARE);
		verdict_part(finding, "payload", share.payload, share.primary);
		verdict_part(finding, "standby", share.standby, share.primary);
		verdict_part(finding, "total", share.total, share.primary);
		verdict_part(finding, "mptcp", report->wans[i].shared.mptcp.ip_bytes,
		             primary_bytes(report, true));
		verdict_part(finding, "outage_payload", share.outage, 0);
		verdict_part(finding, "outage_acks_estimated", share.outage_acks, 0);
		share_judge(report, finding, &share);
		if (finding->status == STATUS_FAIL)
			verdict_show_cells(report, finding, show_payload,
			                   "user payload on the backup");
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
	double plan = limit_of(report, LIMIT_PLAN);

	if (plan > 0 && bytes > plan) {
		verdict_limit(report, finding, LIMIT_PLAN);
		return STATUS_FAIL;
	}
	if (bytes > limit_of(report, LIMIT_BUDGET_HIGH)) {
		verdict_limit(report, finding, LIMIT_BUDGET_HIGH);
		return STATUS_WARN;
	}
	verdict_limit(report, finding, LIMIT_BUDGET_WARN);
	return bytes > limit_of(report, LIMIT_BUDGET_WARN) ? STATUS_WARN : STATUS_PASS;
}

static void budget_judge(struct report *report, struct finding *finding)
{
	size_t wan = (size_t)finding->wan;
	uint64_t bytes = report->wans[wan].shared.billed;
	double seconds = (double)(report->end_ns - report->start_ns) / NS;
	bool enough = seconds >= limit_of(report, LIMIT_BUDGET_WINDOW);
	/* a window of more than a day holds a day that used at least the average */
	double day = enough || seconds > DAY_S ? (double)bytes * DAY_S / seconds : (double)bytes;
	char name[100], used[TEXT_SHORT], length[TEXT_SHORT], limit[TEXT_SHORT], a_day[TEXT_SHORT];

	finding->unit = enough ? "bytes_per_day" : "bytes";
	finding->observed = true;
	finding->value = day;
	finding->numerator = bytes;
	finding->denominator = (uint64_t)seconds;
	finding->status = budget_status(report, finding, day);
	if (finding->status == STATUS_PASS && (!enough || filtered(report, wan)))
		finding->status = STATUS_NOT_ASSESSED;
	text_safe(name, sizeof(name), report->wans[wan].name, 32);
	text_bytes(used, bytes);
	text_duration(length, report->end_ns - report->start_ns);
	text_bytes(limit, (uint64_t)finding->limit);
	if (enough)
		snprintf(finding->text, sizeof(finding->text),
		         "%s used %s of billed traffic in %s, that is %s a day (limit %s a day)%s.",
		         name, used, length,
		         text_bytes(a_day,
		                    day < 1e18 ? (uint64_t)day : UINT64_C(1000000000000000000)),
		         limit,
		         filtered(report, wan) ? "; only of what the filter let through" : "");
	else
		snprintf(finding->text, sizeof(finding->text),
		         "%s used %s of billed traffic in %s: %s %s a day.", name, used, length,
		         finding->status == STATUS_NOT_ASSESSED
		                 ? "too short a time to project to the limit of"
		                 : "already more than the limit of",
		         limit);
	if (finding->status == STATUS_FAIL || finding->status == STATUS_WARN)
		verdict_show_cells(report, finding, show_billed, "billed traffic on the backup");
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
			snprintf(finding->text, sizeof(finding->text),
			         "The captures share no time.");
	}
	return true;
}

/* ---- A3 ---- */

static bool first_seen_in(const struct report *report, const struct ledger_cell *cell,
                          enum phase phase)
{
	return cell->kind == KIND_PAYLOAD && cell->traffic == TRAFFIC_MPTCP &&
	       cell->sum.payload_bytes > 0 &&
	       report_phase(report->ledger, report->primaries, cell->circumstance) == phase;
}

static bool show_healthy(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_HEALTHY);
}

static bool show_degraded(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_DEGRADED);
}

static bool show_unknown(const struct report *report, const struct ledger_cell *cell)
{
	return first_seen_in(report, cell, PHASE_UNKNOWN);
}

static bool healthy_exceeded(const struct report *report, uint64_t bytes, uint64_t all,
                             double allowance)
{
	return (double)bytes > limit_of(report, LIMIT_HEALTHY_BYTES) ||
	       ((double)bytes > limit_of(report, LIMIT_HEALTHY_SHARE) * (double)all &&
	        (double)bytes > allowance);
}

static void healthy_judge(struct report *report, struct finding *finding)
{
	const uint64_t *seen = report->wans[finding->wan].shared.first_seen;
	uint64_t all = unique_bytes(report);
	bool switched = seen[PHASE_OUTAGE] > 0 || seen[PHASE_AFTER] > 0;
	double allowance = switched ? limit_of(report, LIMIT_SWITCH_BYTES) : 0;
	char name[100], some[TEXT_SHORT], of[TEXT_SHORT], more[TEXT_SHORT], percent[TEXT_SHORT],
		rest[160] = "";

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	text_bytes(some, seen[PHASE_HEALTHY]);
	text_bytes(of, all);
	text_percent(percent, seen[PHASE_HEALTHY], all);
	if (healthy_exceeded(report, seen[PHASE_HEALTHY], all, allowance)) {
		finding->status = STATUS_FAIL;
		verdict_show_cells(report, finding, show_healthy,
		                   "new data while a primary was healthy");
	} else if (healthy_exceeded(report, seen[PHASE_UNKNOWN], all, allowance)) {
		snprintf(rest, sizeof(rest),
		         "; %s more of connections with no primary subflow in sight: nobody can "
		         "say whether it "
		         "was allowed",
		         text_bytes(more, seen[PHASE_UNKNOWN]));
		verdict_show_cells(report, finding, show_unknown,
		                   "new data, no primary subflow in sight");
	} else if (healthy_exceeded(report, seen[PHASE_DEGRADED], all, allowance)) {
		finding->status = STATUS_WARN;
		snprintf(rest, sizeof(rest), "; %s more while the primary was bad",
		         text_bytes(more, seen[PHASE_DEGRADED]));
		verdict_show_cells(report, finding, show_degraded,
		                   "new data while the primary was bad");
	} else {
		finding->status = STATUS_PASS;
		if (switched)
			snprintf(rest, sizeof(rest), "; %s in an outage or just after one",
			         text_bytes(more, seen[PHASE_OUTAGE] + seen[PHASE_AFTER]));
	}
	snprintf(finding->text, sizeof(finding->text),
	         "%s carried %s of new user data (%s of %s) while a primary was healthy%s.", name,
	         some, percent, of, rest);
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
			snprintf(finding->text, sizeof(finding->text),
			         "No MPTCP user data on any WAN in the judged time.");
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
		                  limit_of(report, LIMIT_REDUNDANT_SHARE));
	}
	return sum;
}

bool rule_redundant(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		char name[100], some[TEXT_SHORT], percent[TEXT_SHORT], length[TEXT_SHORT];
		struct redundancy sum;
		struct finding *finding;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (!report->window) {
			snprintf(finding->text, sizeof(finding->text),
			         "The captures share no time.");
			continue;
		}
		sum = redundancy_of(report, i);
		verdict_observe(finding, "seconds", sum.ns, NS);
		verdict_limit(report, finding, LIMIT_REDUNDANT_SECONDS);
		verdict_part(finding, "redundant", sum.copies, sum.payload);
		finding->status = finding->value > finding->limit ? STATUS_FAIL : STATUS_PASS;
		snprintf(finding->text, sizeof(finding->text),
		         "%s: redundant copies are %s (%s) of its payload, above %g %% of it for "
		         "%s.",
		         text_safe(name, sizeof(name), report->wans[i].name, 32),
		         text_percent(percent, sum.copies, sum.payload),
		         text_bytes(some, sum.copies),
		         100 * limit_of(report, LIMIT_REDUNDANT_SHARE),
		         text_duration(length, sum.ns));
		if (finding->status == STATUS_FAIL)
			verdict_show_cells(report, finding, show_redundant,
			                   "copy of data seen on another WAN");
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
		char name[100], each[TEXT_SHORT], percent[TEXT_SHORT], count[TEXT_SHORT];
		struct finding *finding;
		uint64_t primary = primary_bytes(report, false);
		bool high;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		verdict_limit(report, finding, LIMIT_SIGNALLING_SHARE);
		verdict_observe(finding, "ratio", account->signalling, primary);
		verdict_part(finding, "standby_bytes_per_connection", c->standby_ip_bytes,
		             c->standby_connections);
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (c->standby_connections == 0) {
			finding->status = STATUS_NOT_APPLICABLE;
			snprintf(finding->text, sizeof(finding->text),
			         "%s held no subflow in reserve.", name);
			continue;
		}
		high = (double)primary >= limit_of(report, LIMIT_PRIMARY_MIN) && primary > 0 &&
		       finding->value > finding->limit && account->carrying == 0;
		finding->status = high ? STATUS_WARN : STATUS_PASS;
		snprintf(finding->text, sizeof(finding->text),
		         "%s: connections held in reserve: %s, at %s each (whole capture); joins "
		         "and closes are %s of the primary's bytes%s.",
		         name, text_count(count, c->standby_connections),
		         text_bytes(each, c->standby_ip_bytes / c->standby_connections),
		         text_percent(percent, account->signalling, primary),
		         high ? ": many short connections, not a fault" : "");
		if (high)
			verdict_show_cells(report, finding, show_signalling, "joins and closes");
	}
	return true;
}
