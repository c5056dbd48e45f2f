/* SPDX-License-Identifier: MIT
 *
 * verdict.c - see verdict.h.
 */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "thinned.h"

const struct rule verdict_rules[] = {
	{"A1", MESSAGE_title_share, MESSAGE_why_share, rule_share},
	{"A2", MESSAGE_title_budget, MESSAGE_why_budget, rule_budget},
	{"A3", MESSAGE_title_healthy, MESSAGE_why_healthy, rule_healthy},
	{"A4", MESSAGE_title_reinjection, MESSAGE_why_reinjection, rule_reinjection},
	{"A5", MESSAGE_title_redundant, MESSAGE_why_redundant, rule_redundant},
	{"A5", MESSAGE_title_copies, MESSAGE_why_copies, rule_copies},
	{"A6", MESSAGE_title_role, MESSAGE_why_role, rule_role},
	{"A6", MESSAGE_title_role_over_time, MESSAGE_why_role_over_time, rule_role_over_time},
	{"A6", MESSAGE_title_configured, MESSAGE_why_configured, rule_configured},
	{"A7", MESSAGE_title_uplink, MESSAGE_why_uplink, rule_uplink},
	{"A7", MESSAGE_title_backup_fix, MESSAGE_why_backup_fix, rule_backup_fix},
	{"A8", MESSAGE_title_initial, MESSAGE_why_initial, rule_initial},
	{"A9", MESSAGE_title_ready, MESSAGE_why_ready, rule_ready},
	{"A10", MESSAGE_title_failover, MESSAGE_why_failover, rule_failover},
	{"A11", MESSAGE_title_opening, MESSAGE_why_opening, rule_opening},
	{"A12", MESSAGE_title_failback, MESSAGE_why_failback, rule_failback},
	{"A13", MESSAGE_title_stall, MESSAGE_why_stall, rule_stall},
	{"A14", MESSAGE_title_dead, MESSAGE_why_dead, rule_dead},
	{"A15", MESSAGE_title_keepalive, MESSAGE_why_keepalive, rule_keepalive},
	{"A16", MESSAGE_title_signalling, MESSAGE_why_signalling, rule_signalling},
	{"A17", MESSAGE_title_tracker, MESSAGE_why_tracker, rule_tracker},
	{"A18", MESSAGE_title_proxy_check, MESSAGE_why_proxy_check, rule_proxy_check},
	{"A19", MESSAGE_title_bulk, MESSAGE_why_bulk, rule_bulk},
	{"A20", MESSAGE_title_reconnect, MESSAGE_why_reconnect, rule_reconnect},
	{"A21", MESSAGE_title_strangers, MESSAGE_why_strangers, rule_strangers},
	{"A22", MESSAGE_title_vpn, MESSAGE_why_vpn, rule_vpn},
	{"A23", MESSAGE_title_stripped, MESSAGE_why_stripped, rule_stripped},
	{"A23", MESSAGE_title_kernels, MESSAGE_why_kernels, rule_kernels},
	{"A24", MESSAGE_title_local, MESSAGE_why_local, rule_local},
	{"A25", MESSAGE_title_outages, MESSAGE_why_outages, rule_outages},
	{"A26", MESSAGE_title_projection, MESSAGE_why_projection, rule_projection},
	{"A27", MESSAGE_title_whole, MESSAGE_why_whole, rule_whole},
	{"A27", MESSAGE_title_untold, MESSAGE_why_untold, rule_untold},
	{"A27", MESSAGE_title_captured, MESSAGE_why_captured, rule_captured},
	{"A28", MESSAGE_title_inner, MESSAGE_why_inner, rule_inner},
	{"A29", MESSAGE_title_silence, MESSAGE_why_silence, rule_silence},
	{"A30", MESSAGE_title_one_sided, MESSAGE_why_one_sided, rule_one_sided},
	{"E1", MESSAGE_title_expected, MESSAGE_why_expected, rule_expected},
	{"E2", MESSAGE_title_bill, MESSAGE_why_bill, rule_bill},
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
                       enum message note)
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
                          enum message note)
{
	for (uint32_t i = 0; i < evidence->count && i < EVIDENCE_FRAMES; i++)
		show_frame(finding, &evidence->frames[i], note);
}

void verdict_show_cells(const struct report *report, struct finding *finding,
                        bool (*match)(const struct report *report, const struct ledger_cell *cell),
                        enum message note)
{
	const struct ledger_wan *wan = report->wans[finding->wan].ledger;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].shared && match(report, &wan->cells[i]))
			show_evidence(finding, &wan->cells[i].first, note);
}

void verdict_show_event(struct finding *finding, const struct ledger_event *event,
                        enum message note)
{
	show_evidence(finding, &event->first, note);
}

void verdict_show_place(struct finding *finding, const struct evidence_frame *frame,
                        enum message note)
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
	char names[NAMED_MAX][100];
	size_t named = 0;

	out[0] = '\0';
	for (size_t i = 0; report->assumed && i < report->n_wans && named < NAMED_MAX; i++)
		if (report->wans[i].role.role == ROLE_BACKUP &&
		    report->wans[i].role.source == FROM_ASSUMED)
			text_safe(names[named++], sizeof(names[0]), report->wans[i].name, 24);
	if (named == 1)
		SAY(out, size, if_backup, names[0]);
	else if (named == 2)
		SAY(out, size, if_backups, names[0], names[1]);
	else if (named == NAMED_MAX)
		SAY(out, size, if_more_backups, names[0], names[1], names[2]);
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
	char length[TEXT_SHORT], since[MESSAGE_TIME];

	out[0] = '\0';
	if (report->window)
		SAY(out, size, judged_since,
		    text_duration(length, report->end_ns - report->start_ns),
		    message_time(since, report->start_ns));
}

void verdict_say_use(const struct report *report, int index, char *out, size_t size)
{
	const struct report_wan *wan = &report->wans[index];
	const struct account *account = &wan->whole;
	const struct cause *cause = account->causes;
	char name[100], some[TEXT_SHORT], percent[TEXT_SHORT], extent[60], words[200];

	out[0] = '\0';
	if (account->n_causes == 0 || account->billed == 0)
		return;
	SAY(out, size, used_most, text_safe(name, sizeof(name), wan->name, 32),
	    text_bytes(some, account->billed), report_say_extent(report, extent, sizeof(extent)),
	    text_percent(percent, cause->ip_bytes, account->billed),
	    cause_say(cause->id, words, sizeof(words)));
}

static void say_no_backup(struct report *report)
{
	char use[600] = "", count[TEXT_SHORT];

	if (report->n_wans == 1) {
		verdict_say_use(report, 0, use, sizeof(use) - 1);
		if (use[0])
			strcat(use, " ");
		SAY_IN(report->sentence, one_wan_no_backup, use);
	} else {
		SAY_IN(report->sentence, no_backup_named, text_count(count, report->n_wans));
	}
}

/* What a pass means: kept alive, or more than that but within the limits; what an outage took is
 * said beside it. */
static void say_fine(const struct report *report, const struct finding *share, bool led, char *out,
                     size_t size)
{
	/* by: kept alive only, several backups, behind an opening */
	static const enum message subjects[2][2][2] = {
		{{MESSAGE_the_backup, MESSAGE_it}, {MESSAGE_the_backups, MESSAGE_they}},
		{{MESSAGE_the_backup_was, MESSAGE_it_was},
	         {MESSAGE_the_backups_were, MESSAGE_they_were}},
	};
	bool several = count_backups(report) > 1, kept = !share || share->numerator == 0;
	char subject[60], but[60] = "";
	bool outage = false;

	for (size_t i = 0; i < report->n_wans; i++)
		outage = outage || report->wans[i].shared.phases[PHASE_OUTAGE].ip_bytes > 0;
	if (outage)
		SAY_IN(but, but_for_outages);
	message_say(subject, sizeof(subject), subjects[kept][several][led],
	            (const char *const[]){NULL});
	if (kept)
		SAY(out, size, fine_kept_alive, subject, but);
	else
		SAY(out, size, fine_within_limits, subject, but);
}

/* " The same goes for wan3.": other WANs of the same finding. */
static void say_others(const struct report *report, const struct finding *reason, char *out,
                       size_t size)
{
	char names[400] = "", name[100];
	unsigned named = 0;

	out[0] = '\0';
	for (size_t i = 0; i < report->n_findings && named < NAMED_MAX; i++) {
		const struct finding *other = &report->findings[i];

		if (other == reason || other->status != reason->status || other->wan < 0 ||
		    strcmp(other->rule, reason->rule) != 0 ||
		    strcmp(other->text, reason->text) == 0)
			continue;
		if (named++)
			MORE_IN(names, comma);
		text_safe(name, sizeof(name), report->wans[other->wan].name, 24);
		strncat(names, name, sizeof(names) - strlen(names) - 1);
	}
	if (named > 0)
		SAY(out, size, same_goes_for, names);
}

/* The reason for the verdict, the share when it is not the reason, and the time judged. */
static void tell(struct report *report)
{
	const struct finding *share = find_share(report), *reason = find_reason(report);
	char lead[400], window[200], why[200] = "", others[500] = "", kept[40];
	const char *also = "";

	opening(report, lead, sizeof(lead));
	say_window(report, window, sizeof(window));
	if (!reason) {
		say_fine(report, share, lead[0] != '\0', why, sizeof(why));
		reason = share;
	} else {
		say_others(report, reason, others, sizeof(others));
		if (report->verdict == STATUS_NOT_ASSESSED && lead[0])
			SAY_IN(why, not_assessed_led);
		else if (report->verdict == STATUS_NOT_ASSESSED)
			SAY_IN(why, not_assessed_lead);
		if (share && share != reason && share->status == STATUS_PASS)
			also = share->text;
	}
	snprintf(report->sentence, sizeof(report->sentence), "%s%s%s%s%s%s%s", lead, why,
	         reason ? reason->text : SAY_IN(kept, limits_kept), others, also[0] ? " " : "",
	         also, window);
}

bool verdict_judge(struct report *report)
{
	for (size_t i = 0; i < verdict_n_rules; i++)
		if (!verdict_rules[i].judge(report, &verdict_rules[i]))
			return false;
	thinned_temper(report);
	report->verdict = verdict_overall(report);
	if (count_backups(report) > 0 || report->verdict == STATUS_FAIL ||
	    report->verdict == STATUS_WARN)
		tell(report);
	else
		say_no_backup(report);
	return true;
}
