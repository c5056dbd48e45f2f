/* SPDX-License-Identifier: MIT
 *
 * verdict.c - see verdict.h.
 */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "sentence.h"
#include "text.h"
#include "thinned.h"
#include "unseen.h"

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

bool verdict_judge(struct report *report)
{
	for (size_t i = 0; i < verdict_n_rules; i++)
		if (!verdict_rules[i].judge(report, &verdict_rules[i]))
			return false;
	thinned_temper(report);
	report->verdict = verdict_overall(report);
	unseen_tell(report);
	sentence_tell(report);
	return true;
}
