/* SPDX-License-Identifier: MIT
 *
 * rules_backup.c - the rules about what a backup carried: A1, A2, A3, A5, A16 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "rules_plan.h"
#include "causes.h"
#include "text.h"
#include "verdict.h"

#define NS    1000000000u
#define DAY_S 86400.0

static const char bad_primary_why[] =
	"Loss or delay on the primary is what this data plan pays for: repair the primary.";

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
	uint64_t after;                   /* set apart: A12 tells how long it took */
	uint64_t degraded;                /* part of payload: the primary was bad */
	uint64_t primary;
};

static struct share share_of(const struct report *report, size_t wan)
{
	const struct account *account = &report->wans[wan].shared;
	const struct tally *outage = &account->phases[PHASE_OUTAGE];
	const struct tally *after = &account->phases[PHASE_AFTER];
	struct share share = {.outage = outage->ip_bytes, .primary = primary_bytes(report, false)};
	uint64_t carried = 0, apart = outage->frames;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		carried += account->phases[i].frames;
	if (verdict_failback_seen(report)) {
		share.after = after->ip_bytes;
		apart += after->frames;
	}
	if (carried > 0)
		share.outage_acks =
			(uint64_t)((double)account->acks * ((double)apart / (double)carried));
	if (share.outage_acks > account->acks)
		share.outage_acks = account->acks;
	share.payload = account->carrying - outage->ip_bytes - share.after;
	share.degraded = account->phases[PHASE_DEGRADED].ip_bytes;
	share.standby = account->standby - share.outage_acks;
	share.total = share.payload + share.standby;
	return share;
}

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
	const char *words;
	uint64_t bytes;
	bool ours; /* subflows beside a healthy primary: the flag or the scheduler is why */
};

static struct way way_of(const struct report *report, size_t wan, bool bad_primary)
{
	static const char *const words[PHASE_COUNT] = {
		[PHASE_HEALTHY] = "while a primary was healthy",
		[PHASE_DEGRADED] = "while the primary was bad",
		[PHASE_AFTER] = "after the primary had come back",
		[PHASE_UNKNOWN] = "on connections with no primary in sight",
	};
	const struct account *account = &report->wans[wan].shared;
	struct way way = {"by plain TCP, past MPTCP", account->plain, false};

	if (account->fallback > way.bytes)
		way = (struct way){"by connections that fell back to plain TCP", account->fallback,
		                   false};
	for (size_t i = 0; i < PHASE_COUNT; i++)
		if (words[i] && (i == PHASE_DEGRADED) == bad_primary &&
		    !(i == PHASE_AFTER && verdict_failback_seen(report)) &&
		    account->phases[i].ip_bytes > way.bytes)
			way = (struct way){words[i], account->phases[i].ip_bytes,
			                   i == PHASE_HEALTHY};
	return way;
}

/* Why a backup carries data beside a healthy primary, as far as the wire tells. */
static const char *flag_words(const struct ledger_wan *wan)
{
	const struct ledger_event *e = wan->events;

	if (e[EVENT_PRIO_UP_NORMAL].count > 0)
		return "; MP_PRIO took its backup flag away (see A6)";
	if (e[EVENT_JOIN_UP_NORMAL].count > e[EVENT_JOIN_UP_BACKUP].count)
		return "; its joins do not carry the backup flag (see A6)";
	if (e[EVENT_JOIN_UP_BACKUP].count > 0)
		return "; its joins carry the backup flag, so the scheduler ignores it";
	return "; nothing on the wire made it a backup";
}

/* ", 4.48 MB of it while a primary was healthy", or "". */
static const char *way_say(const struct report *report, const struct finding *finding,
                           uint64_t payload, char *out, size_t size)
{
	size_t wan = (size_t)finding->wan;
	struct way way = way_of(report, wan, finding->status == STATUS_WARN);
	char some[TEXT_SHORT];

	out[0] = '\0';
	if (payload > 0 && way.bytes > 0)
		snprintf(out, size, ", %s of it %s%s",
		         way.bytes >= payload ? "all" : text_bytes(some, way.bytes), way.words,
		         way.ours && finding->status == STATUS_FAIL
		                 ? flag_words(report->wans[wan].ledger)
		                 : "");
	return out;
}

/* "wan2 carried 0.51 % of the primary's bytes as user payload (105 kB of 20.4 MB; limit 1 %)" */
static int carried_say(const struct report *report, const struct finding *finding,
                       const struct share *share, char *out, size_t size)
{
	bool all = limit_of(report, finding->wan, LIMIT_SHARE_OF) > 0;
	uint64_t bytes = all ? share->total : share->payload;
	char name[100], percent[TEXT_SHORT], some[TEXT_SHORT], of[TEXT_SHORT], way[200];

	return snprintf(out, size,
	                "%s carried %s of the primary's bytes as %s (%s of %s; limit %g %%)%s",
	                text_safe(name, sizeof(name), report->wans[finding->wan].name, 32),
	                text_percent(percent, bytes, share->primary),
	                all ? "traffic of any kind" : "user payload", text_bytes(some, bytes),
	                text_bytes(of, share->primary),
	                100 * limit_of(report, finding->wan, LIMIT_PAYLOAD_SHARE),
	                way_say(report, finding, share->payload, way, sizeof(way)));
}

/* What keeping it ready cost, of what, and for how many connections when those are the reason. */
static void ready_say(const struct report *report, const struct finding *finding,
                      const struct share *share, char *out, size_t size)
{
	const struct report_wan *wan = &report->wans[finding->wan];
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct cause *cause = standby_cause(&wan->shared, share->outage_acks);
	const char *label = cause ? strchr(cause->id, ':') : NULL;
	char s[TEXT_SHORT], some[TEXT_SHORT], count[TEXT_SHORT], each[TEXT_SHORT], safe[60],
		joins[120] = "";

	if (c->standby_connections > 1 && cause && strcmp(cause->id, "standby") == 0)
		snprintf(joins, sizeof(joins), ": %s connections, %s each",
		         text_count(count, c->standby_connections),
		         text_bytes(each, c->standby_ip_bytes / c->standby_connections));
	if (label)
		snprintf(joins, sizeof(joins), ": %s",
		         text_safe(safe, sizeof(safe), label + 1, 30));
	snprintf(out, size, "keeping it ready cost %s%s (%s%s%s%s)",
	         text_percent(s, share->standby, share->primary),
	         finding->status == STATUS_WARN ? " of the primary's bytes" : "",
	         text_bytes(some, share->standby), cause ? ", most of it " : "",
	         cause ? cause_words(cause->id) : "", joins);
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
		late[TEXT_SHORT], carried[400], ready[300], apart[120] = "";
	char *to = finding->text;
	size_t size = sizeof(finding->text);

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	carried_say(report, finding, share, carried, sizeof(carried));
	ready_say(report, finding, share, ready, sizeof(ready));
	text_bytes(some, share->payload);
	if (share->outage > 0 || share->after > 0)
		snprintf(apart, sizeof(apart), " In outages of the primary%s it carried %s more.",
		         share->after > 0 ? ", and until data went back (A12)," : "",
		         text_bytes(out, share->outage + share->after));
	snprintf(finding->brief, sizeof(finding->brief), "%s payload (%s of %s)",
	         text_percent(least, share->payload, share->primary), some,
	         text_bytes(late, share->primary));
	switch (which) {
	case SHARE_SMALL:
		snprintf(to, size,
		         "The primaries carried too little to judge a share (%s, at least %s are "
		         "needed); %s carried %s of user payload and %s to be kept ready.%s",
		         text_bytes(late, share->primary),
		         text_bytes(least,
		                    (uint64_t)limit_of(report, finding->wan, LIMIT_PRIMARY_MIN)),
		         name, some, text_bytes(standby, share->standby), apart);
		return;
	case SHARE_BAD_PRIMARY:
		finding->why = bad_primary_why;
		snprintf(to, size, "The primary is bad, and its backup had to help: %s.%s", carried,
		         apart);
		return;
	case SHARE_STANDBY:
		snprintf(to, size, "%s %s, but %s; limit %g %%.%s", name,
		         share->payload == 0 ? "carried no user payload"
		                             : "stayed within its share of user payload",
		         ready, 100 * limit_of(report, finding->wan, LIMIT_STANDBY_SHARE), apart);
		return;
	case SHARE_HIDDEN:
		snprintf(to, size, "A filter hides frames; of what it let through, %s; %s.%s",
		         carried, ready, apart);
		return;
	case SHARE_OVER:
		snprintf(to, size, "%s.%s", carried, apart);
		return;
	default:
		snprintf(to, size, "%s; %s.%s", carried, ready, apart);
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
	if (filtered(report, (size_t)finding->wan))
		return SHARE_HIDDEN;
	finding->status = STATUS_PASS;
	return SHARE_FINE;
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
		bool all = limit_of(report, (int)i, LIMIT_SHARE_OF) > 0;
		struct finding *finding;
		struct share share;

		if (!is_backup(report, i))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (nothing_to_compare(report, finding)) {
			char use[300];

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
		             primary_bytes(report, true));
		verdict_part(finding, "outage_payload", share.outage, 0);
		verdict_part(finding, "after_payload", share.after, 0);
		verdict_part(finding, "outage_acks_estimated", share.outage_acks, 0);
		verdict_part(finding, "degraded_payload", share.degraded, 0);
		share_say(report, finding, &share, share_judge(report, finding, &share));
		if (finding->status == STATUS_FAIL)
			verdict_show_cells(report, finding, show_payload,
			                   "user payload on the backup");
		else if (finding->why == bad_primary_why)
			verdict_show_cells(report, finding, show_degraded,
			                   "user payload while the primary was bad");
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
		snprintf(finding->brief, sizeof(finding->brief), "%s a day",
		         text_bytes(a_day,
		                    day < 1e18 ? (uint64_t)day : UINT64_C(1000000000000000000)));
	if (enough)
		snprintf(finding->text, sizeof(finding->text),
		         "%s used %s of billed traffic in %s, that is %s a day (limit %s a day)%s.",
		         name, used, length,
		         text_bytes(a_day,
		                    day < 1e18 ? (uint64_t)day : UINT64_C(1000000000000000000)),
		         limit,
		         filtered(report, wan) ? "; only of what the filter let through" : "");
	else
		snprintf(finding->text, sizeof(finding->text), "%s used %s in %s: %s %s a day.",
		         name, used, length,
		         finding->status == STATUS_NOT_ASSESSED
		                 ? "too short to project to the limit of"
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
		more[TEXT_SHORT];
	char *to = finding->text;
	size_t size = sizeof(finding->text);

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	text_percent(percent, seen[PHASE_HEALTHY], all);
	snprintf(carried, sizeof(carried),
	         "%s carried %s of new user data (%s of %s) while a primary was healthy", name,
	         text_bytes(some, seen[PHASE_HEALTHY]), percent, text_bytes(of, all));
	snprintf(finding->brief, sizeof(finding->brief), "%s (%s of %s)", percent, some, of);
	if (healthy_exceeded(report, finding, seen[PHASE_HEALTHY], all, allowance)) {
		finding->status = STATUS_FAIL;
		snprintf(to, size, "%s%s.", carried, flag_words(report->wans[finding->wan].ledger));
		verdict_show_cells(report, finding, show_healthy,
		                   "new data while a primary was healthy");
	} else if (healthy_exceeded(report, finding, seen[PHASE_UNKNOWN], all, allowance)) {
		snprintf(to, size,
		         "%s, and %s on connections with no primary subflow in sight: nobody can "
		         "say whether those were allowed.",
		         carried, text_bytes(more, seen[PHASE_UNKNOWN]));
		verdict_show_cells(report, finding, show_unknown,
		                   "new data, no primary subflow in sight");
	} else if (healthy_exceeded(report, finding, seen[PHASE_DEGRADED], all, allowance)) {
		finding->status = STATUS_WARN;
		finding->why = bad_primary_why;
		snprintf(to, size,
		         "The primary is bad: %s carried %s of new user data for it (%s of %s)%s.",
		         name, text_bytes(some, seen[PHASE_DEGRADED]),
		         text_percent(percent, seen[PHASE_DEGRADED], all), of,
		         seen[PHASE_HEALTHY] == 0 ? ", none while it was healthy" : "");
		verdict_show_cells(report, finding, show_degraded,
		                   "new data while the primary was bad");
	} else {
		finding->status = STATUS_PASS;
		snprintf(to, size, "%s%s%s%s.", carried, switched ? "; " : "",
		         switched ? text_bytes(more, seen[PHASE_OUTAGE] + seen[PHASE_AFTER]) : "",
		         switched ? " in an outage or just after one" : "");
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
		                  limit_of(report, (int)index, LIMIT_REDUNDANT_SHARE));
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
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		snprintf(finding->brief, sizeof(finding->brief), "%s",
		         sum.copies > 0 ? text_duration(length, sum.ns) : "none");
		if (sum.copies == 0) {
			snprintf(finding->text, sizeof(finding->text),
			         "%s carried no redundant copies.", name);
			continue;
		}
		snprintf(finding->text, sizeof(finding->text),
		         "%s: redundant copies are %s (%s) of its payload, above %g %% of it for "
		         "%s.",
		         name, text_percent(percent, sum.copies, sum.payload),
		         text_bytes(some, sum.copies),
		         100 * limit_of(report, finding->wan, LIMIT_REDUNDANT_SHARE),
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
		char name[100], each[TEXT_SHORT], percent[TEXT_SHORT], count[TEXT_SHORT],
			share[120] = "";
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
		high = (double)primary >= limit_of(report, finding->wan, LIMIT_PRIMARY_MIN) &&
		       primary > 0 && finding->value > finding->limit && account->carrying == 0;
		finding->status = high ? STATUS_WARN : STATUS_PASS;
		text_count(count, c->standby_connections);
		text_bytes(each, c->standby_ip_bytes / c->standby_connections);
		if (primary > 0)
			snprintf(share, sizeof(share),
			         "; joins and closes are %s of the primary's bytes%s",
			         text_percent(percent, account->signalling, primary),
			         high ? ": many short connections, not a fault" : "");
		snprintf(finding->text, sizeof(finding->text),
		         "%s: connections held in reserve: %s, at %s each (%s)%s.", name, count,
		         each, report_extent_words(report), share);
		snprintf(finding->brief, sizeof(finding->brief), "%s%s%s connection%s, %s each%s",
		         primary > 0 ? percent : "", primary > 0 ? " (" : "", count,
		         c->standby_connections == 1 ? "" : "s", each, primary > 0 ? ")" : "");
		if (high)
			verdict_show_cells(report, finding, show_signalling, "joins and closes");
	}
	return true;
}
