/* SPDX-License-Identifier: MIT
 *
 * verdict.c - see verdict.h.
 */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const struct rule verdict_rules[] = {
	{"A1", "Share of the backup",
         "A backup is there to be ready; what it carries is billed by the byte.", rule_share},
	{"A2", "Budget of the backup", "A mobile plan ends at a number of bytes, not at a share.",
         rule_budget},
	{"A3", "User data while the primary was healthy",
         "New data on a backup beside a healthy primary means the role is ignored or traffic did "
         "not return.",
         rule_healthy},
	{"A4", "Repairs over the backup",
         "Data sent a second time over the backup means that the primary loses or stalls.",
         rule_reinjection},
	{"A5", "Redundant copies",
         "A redundant scheduler sends everything on each WAN, backups included.", rule_redundant},
	{"A5", "Copies on the primaries",
         "Whether a byte is wanted twice is for the operator to say: by the profile.", rule_copies},
	{"A6", "Role on the wire",
         "The kernel acts on what is on the wire, not on what was configured.", rule_role},
	{"A6", "Roles over time",
         "What a WAN is judged by should be what it was for when it was recorded.",
         rule_role_over_time},
	{"A6", "Settings of the roles", "A setting can undo all roles before a frame is sent.",
         rule_configured},
	{"A7", "Leak in the sending direction",
         "Kernels of two ages read the backup flag differently: one sends where the other may not.",
         rule_uplink},
	{"A8", "Connections opened over the backup",
         "The subflow that opens a connection has no backup flag: data stay on it.", rule_initial},
	{"A9", "Standby readiness",
         "Only a connection that holds a subflow on the backup can fail over to it.", rule_ready},
	{"A10", "Failover of connections",
         "From the primary's last data to the first on the backup, everything waits.",
         rule_failover},
	{"A11", "Failover of new connections",
         "New connections find the backup only when the router moves its route.", rule_opening},
	{"A12", "Failback", "What stays on the backup after the primary answers again is billed.",
         rule_failback},
	{"A13", "Stall of all WANs",
         "While data are bound to a WAN that does not answer, no WAN carries them.", rule_stall},
	{"A14", "Dead standby", "A path that NAT forgot looks ready until it is needed.",
         rule_dead},
	{"A15", "Keepalives", "Each idle subflow is kept alive for ever, on every backup.",
         rule_keepalive},
	{"A16", "Opening and closing of subflows",
         "Each MPTCP connection costs a join and a close on every backup; many short ones add up.",
         rule_signalling},
	{"A17", "Cost of the tracker", "The tracker asks each WAN for ever whether it is there.",
         rule_tracker},
	{"A18", "Cost of the proxy's health check",
         "Each check is a connection, and each connection a join and a close on every backup.",
         rule_proxy_check},
	{"A19", "Speed tests and bulk transfers", "A speed test uses up the plan that it measures.",
         rule_bulk},
	{"A20", "Reconnects to the server",
         "A router that cannot talk to its server tries for ever, with a TLS handshake each time.",
         rule_reconnect},
	{"A21", "Traffic past the VPS",
         "What does not go to the VPS is not bonded, and no role keeps it off the backup.",
         rule_strangers},
	{"A22", "VPN on the backup",
         "A VPN that bonds by itself does not know which WAN is a backup.", rule_vpn},
	{"A23", "MPTCP stripped or refused",
         "A connection whose MPTCP is lost stays on one WAN: no bonding, no failover.",
         rule_stripped},
	{"A23", "Kernels of both ends", "Versions 0 and 1 of MPTCP do not understand each other.",
         rule_kernels},
	{"A24", "Local and billed traffic", "What never leaves the access link costs nothing.",
         rule_local},
	{"A25", "Outages", "Each outage of a primary is paid for on the backup.", rule_outages},
	{"A26", "Billing period at this rate", "A plan that ends before its month costs more.",
         rule_projection},
	{"A27", "Wholeness of the capture", "What was not captured cannot be judged.", rule_whole},
	{"A27", "Captures of all WANs", "A WAN that nobody captured is not a silent one.",
         rule_captured},
	{"A28", "MPTCP behind the router",
         "MPTCP of the LAN inside MPTCP of the router opens subflows that nobody needs.",
         rule_inner},
	{"A29", "Silence on the backup",
         "A backup nothing is heard of may be dead when it is needed.", rule_silence},
	{"A30", "Redundancy in one direction",
         "Each end has a scheduler of its own; copies one way alone help one way alone.",
         rule_one_sided},
	{"E1", "Expected against seen",
         "What the counted traffic does not explain used the plan for something else.",
         rule_expected},
	{"E2", "The carrier's bill", "The carrier counts more than these captures can see.",
         rule_bill},
};
const size_t verdict_n_rules = sizeof(verdict_rules) / sizeof(*verdict_rules);

/* ---- for the rules ---- */

struct finding *verdict_add(struct report *report, const struct rule *rule, int wan)
{
	struct finding *finding;

	if (report->n_findings == report->cap_findings) {
		size_t cap = report->cap_findings ? report->cap_findings * 2 : 32;
		struct finding *grown = realloc(report->findings, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		report->findings = grown;
		report->cap_findings = cap;
	}
	finding = &report->findings[report->n_findings++];
	memset(finding, 0, sizeof(*finding));
	finding->rule = rule->id;
	finding->title = rule->title;
	finding->why = rule->why;
	finding->status = STATUS_NOT_ASSESSED;
	finding->wan = wan;
	return finding;
}

void verdict_observe(struct finding *finding, const char *unit, uint64_t numerator,
                     uint64_t denominator)
{
	finding->unit = unit;
	finding->numerator = numerator;
	finding->denominator = denominator;
	finding->observed = denominator > 0;
	finding->value = denominator > 0 ? (double)numerator / (double)denominator : 0;
}

void verdict_limit(const struct report *report, struct finding *finding, enum limit limit)
{
	finding->limited = true;
	finding->limit = finding->wan < 0 ? report->policy->limits[limit]
	                                  : report->wans[finding->wan].limits[limit];
	finding->limit_key = limit_rows[limit].key;
}

void verdict_part(struct finding *finding, const char *name, uint64_t numerator,
                  uint64_t denominator)
{
	if (finding->n_parts < FINDING_PARTS)
		finding->parts[finding->n_parts++] = (struct part){name, numerator, denominator};
}

/* Keep the earliest, in order. */
static void show_frame(struct finding *finding, const struct evidence_frame *frame,
                       const char *note)
{
	size_t at = finding->n_frames;

	while (at > 0 && finding->frames[at - 1].ts_ns > frame->ts_ns)
		at--;
	if (at == FINDING_FRAMES)
		return;
	if (finding->n_frames < FINDING_FRAMES)
		finding->n_frames++;
	for (size_t i = finding->n_frames - 1; i > at; i--)
		finding->frames[i] = finding->frames[i - 1];
	finding->frames[at] =
		(struct finding_frame){frame->ts_ns, frame->number, frame->file, note};
}

static void show_evidence(struct finding *finding, const struct evidence *evidence,
                          const char *note)
{
	for (uint32_t i = 0; i < evidence->count && i < EVIDENCE_FRAMES; i++)
		show_frame(finding, &evidence->frames[i], note);
}

void verdict_show_cells(const struct report *report, struct finding *finding,
                        bool (*match)(const struct report *report, const struct ledger_cell *cell),
                        const char *note)
{
	const struct ledger_wan *wan = report->wans[finding->wan].ledger;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].shared && match(report, &wan->cells[i]))
			show_evidence(finding, &wan->cells[i].first, note);
}

void verdict_show_event(struct finding *finding, const struct ledger_event *event, const char *note)
{
	show_evidence(finding, &event->first, note);
}

void verdict_show_place(struct finding *finding, const struct evidence_frame *frame,
                        const char *note)
{
	if (frame->file < LEDGER_FILES_MAX)
		show_frame(finding, frame, note);
}

/* ---- all together ---- */

static bool clears(const struct report *report, const char *rule, int wan)
{
	bool seen = false;

	for (size_t i = 0; i < report->n_findings; i++) {
		const struct finding *finding = &report->findings[i];

		if (strcmp(finding->rule, rule) != 0 ||
		    (finding->wan >= 0 && wan >= 0 && finding->wan != wan))
			continue;
		seen = true;
		if (finding->status != STATUS_PASS && finding->status != STATUS_NOT_APPLICABLE &&
		    finding->status != STATUS_WAIVED)
			return false;
	}
	return seen;
}

static bool passes(const struct report *report, const char *rule, int wan)
{
	for (size_t i = 0; i < report->n_findings; i++) {
		const struct finding *finding = &report->findings[i];

		if (strcmp(finding->rule, rule) == 0 && finding->wan == wan &&
		    finding->status == STATUS_PASS)
			return true;
	}
	return false;
}

static bool may_pass(const struct report *report)
{
	bool backup = false;

	for (size_t i = 0; i < report->n_wans; i++) {
		int wan = (int)i;

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		backup = true;
		if (!passes(report, "A1", wan) && !passes(report, "A2", wan))
			return false;
		if (!clears(report, "A3", wan) || !clears(report, "A29", wan))
			return false;
	}
	return backup && clears(report, "A27", -1);
}

enum status verdict_overall(const struct report *report)
{
	bool warned = false;

	for (size_t i = 0; i < report->n_findings; i++) {
		if (report->findings[i].status == STATUS_FAIL)
			return STATUS_FAIL;
		warned = warned || report->findings[i].status == STATUS_WARN;
	}
	if (warned)
		return STATUS_WARN;
	if (!may_pass(report))
		return STATUS_NOT_ASSESSED;
	return report->assumed ? STATUS_WARN : STATUS_PASS;
}

/* ---- the sentence ---- */

static const struct finding *find(const struct report *report, const char *rule, enum status status)
{
	for (size_t i = 0; i < report->n_findings; i++)
		if ((!rule || strcmp(report->findings[i].rule, rule) == 0) &&
		    report->findings[i].status == status)
			return &report->findings[i];
	return NULL;
}

/* The share of the backup that carried most speaks for all. */
static const struct finding *find_share(const struct report *report)
{
	const struct finding *most = NULL;

	for (size_t i = 0; i < report->n_findings; i++) {
		const struct finding *finding = &report->findings[i];

		if (strcmp(finding->rule, "A1") == 0 && finding->observed &&
		    finding->status != STATUS_NOT_ASSESSED &&
		    (!most || finding->value > most->value))
			most = finding;
	}
	return most;
}

/* What the verdict rests on; NULL for a pass. */
static const struct finding *find_reason(const struct report *report)
{
	static const char *const needed[] = {"A27", "A1", "A3", "A29", NULL};

	if (report->verdict == STATUS_FAIL || report->verdict == STATUS_WARN)
		return find(report, NULL, report->verdict);
	for (size_t i = 0;
	     report->verdict == STATUS_NOT_ASSESSED && i < sizeof(needed) / sizeof(*needed); i++) {
		const struct finding *finding = find(report, needed[i], STATUS_NOT_ASSESSED);

		if (finding)
			return finding;
	}
	return NULL;
}

#define NAMED_MAX 3

/* "If wan2 is your backup: ", or with more of them "If wan2 is your backup and wan3 too: ". */
static void opening(const struct report *report, char *out, size_t size)
{
	size_t named = 0;
	int n = 0;

	out[0] = '\0';
	for (size_t i = 0; report->assumed && i < report->n_wans && named < NAMED_MAX; i++) {
		char name[100];

		if (report->wans[i].role.role != ROLE_BACKUP ||
		    report->wans[i].role.source != FROM_ASSUMED)
			continue;
		text_safe(name, sizeof(name), report->wans[i].name, 24);
		n += named++ == 0 ? snprintf(out, size, "If %s is your backup", name)
		                  : snprintf(out + n, size - (size_t)n, " and %s too", name);
	}
	if (n > 0)
		snprintf(out + n, size - (size_t)n, ": ");
}

static size_t count_backups(const struct report *report)
{
	size_t backups = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		backups += report->wans[i].role.role == ROLE_BACKUP;
	return backups;
}

static void say_window(const struct report *report, char *out, size_t size)
{
	char length[TEXT_SHORT], since[TEXT_SHORT];

	if (!report->window) {
		out[0] = '\0';
		return;
	}
	snprintf(out, size, " Judged: %s since %s.",
	         text_duration(length, report->end_ns - report->start_ns),
	         text_moment(since, report->start_ns));
}

void verdict_say_use(const struct report *report, int index, char *out, size_t size)
{
	const struct report_wan *wan = &report->wans[index];
	const struct account *account = &wan->whole;
	const struct cause *cause = account->causes;
	char name[100], some[TEXT_SHORT], percent[TEXT_SHORT], app[60] = "";

	out[0] = '\0';
	if (account->n_causes == 0 || account->billed == 0)
		return;
	if (strchr(cause->id, ':'))
		text_safe(app, sizeof(app), strchr(cause->id, ':'), 30);
	snprintf(out, size, "%s used %s in the %s, %s of it %s%s%s.",
	         text_safe(name, sizeof(name), wan->name, 32), text_bytes(some, account->billed),
	         report_extent_words(report),
	         text_percent(percent, cause->ip_bytes, account->billed), cause_words(cause->id),
	         app[0] ? ": " : "", app[0] ? app + 1 : "");
}

static void say_no_backup(struct report *report)
{
	char use[300];

	if (report->n_wans == 1) {
		verdict_say_use(report, 0, use, sizeof(use));
		snprintf(report->sentence, sizeof(report->sentence),
		         "%s%sOne WAN and no backup named: there is no share to judge. Name a "
		         "backup with --backup FILE and its primary with --master FILE.",
		         use, use[0] ? " " : "");
	} else {
		snprintf(report->sentence, sizeof(report->sentence),
		         "None of the %zu WANs is a backup, and none of their frames says so; name "
		         "it with --backup FILE.",
		         report->n_wans);
	}
}

/* What a pass means: kept alive, or more than that but within the limits; what an outage took is
 * said beside it. */
static void say_fine(const struct report *report, const struct finding *share, bool led, char *out,
                     size_t size)
{
	bool several = count_backups(report) > 1, kept = !share || share->numerator == 0;
	bool outage = false;

	for (size_t i = 0; i < report->n_wans; i++)
		outage = outage || report->wans[i].shared.phases[PHASE_OUTAGE].ip_bytes > 0;
	snprintf(out, size, "%s %s%s: ",
	         led ? (several ? "they" : "it") : (several ? "The backups" : "The backup"),
	         kept ? (several ? "were only kept alive" : "was only kept alive")
	              : "stayed within the limits",
	         outage ? ", but for outages of the primary" : "");
}

/* " The same goes for wan3.": other WANs of the same finding. */
static void say_others(const struct report *report, const struct finding *reason, char *out,
                       size_t size)
{
	size_t used = 0;
	unsigned named = 0;

	out[0] = '\0';
	for (size_t i = 0; i < report->n_findings && named < NAMED_MAX; i++) {
		const struct finding *other = &report->findings[i];
		char name[100];

		if (other == reason || other->status != reason->status || other->wan < 0 ||
		    strcmp(other->rule, reason->rule) != 0 ||
		    strcmp(other->text, reason->text) == 0)
			continue;
		used += (size_t)snprintf(
			out + used, size - used, "%s%s", named++ ? ", " : " The same goes for ",
			text_safe(name, sizeof(name), report->wans[other->wan].name, 24));
	}
	if (named > 0)
		snprintf(out + used, size - used, ".");
}

/* The reason for the verdict, the share when it is not the reason, and the time judged. */
static void tell(struct report *report)
{
	const struct finding *share = find_share(report), *reason = find_reason(report);
	char lead[400], window[150], why[200] = "", others[400] = "", also[1040] = "";

	opening(report, lead, sizeof(lead));
	say_window(report, window, sizeof(window));
	if (!reason) {
		say_fine(report, share, lead[0] != '\0', why, sizeof(why));
		reason = share;
	} else {
		say_others(report, reason, others, sizeof(others));
		if (report->verdict == STATUS_NOT_ASSESSED)
			snprintf(why, sizeof(why), "%s",
			         lead[0] ? "not assessed: " : "Not assessed: ");
		if (share && share != reason && share->status == STATUS_PASS)
			snprintf(also, sizeof(also), " %s", share->text);
	}
	snprintf(report->sentence, sizeof(report->sentence), "%s%s%s%s%s%s", lead, why,
	         reason ? reason->text : "the limits were kept.", others, also, window);
}

bool verdict_judge(struct report *report)
{
	for (size_t i = 0; i < verdict_n_rules; i++)
		if (!verdict_rules[i].judge(report, &verdict_rules[i]))
			return false;
	report->verdict = verdict_overall(report);
	if (count_backups(report) > 0 || report->verdict == STATUS_FAIL ||
	    report->verdict == STATUS_WARN)
		tell(report);
	else
		say_no_backup(report);
	return true;
}
