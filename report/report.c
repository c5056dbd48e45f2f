/* SPDX-License-Identifier: MIT
 *
 * report.c - see report.h.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causes.h"
#include "message.h"
#include "text.h"
#include "verdict.h"

const char *const phase_names[PHASE_COUNT] = {"healthy", "degraded", "after", "outage", "unknown"};
const char *const status_names[STATUS_COUNT] = {"pass",           "warn",  "fail",  "not_assessed",
                                                "not_applicable", "error", "waived"};

bool report_is_primary(enum role role)
{
	return role == ROLE_MASTER || role == ROLE_ON;
}

enum phase report_phase(const struct ledger *ledger, uint64_t primaries, uint16_t circumstance)
{
	const struct ledger_circumstance *c;

	if (circumstance >= ledger->n_circumstances)
		return PHASE_UNKNOWN;
	c = &ledger->circumstances[circumstance];
	if (c->healthy & primaries)
		return PHASE_HEALTHY;
	if (c->degraded & primaries)
		return PHASE_DEGRADED;
	if (c->returned & primaries)
		return PHASE_AFTER;
	return c->silent & primaries ? PHASE_OUTAGE : PHASE_UNKNOWN;
}

/* ---- accounts ---- */

static void tally_add(struct tally *to, const struct tally *from)
{
	to->frames += from->frames;
	to->l2_bytes += from->l2_bytes;
	to->ip_bytes += from->ip_bytes;
	to->payload_bytes += from->payload_bytes;
}

static void count_carrying(struct account *account, const struct ledger_cell *cell, bool backup,
                           enum phase phase)
{
	account->carrying += cell->sum.ip_bytes;
	if (cell->traffic == TRAFFIC_FALLBACK)
		account->fallback += cell->sum.ip_bytes;
	else if (cell->traffic == TRAFFIC_PLAIN)
		account->plain += cell->sum.ip_bytes;
	if (cell->traffic != TRAFFIC_MPTCP)
		return;
	if (cell->kind == KIND_PAYLOAD)
		account->unique += cell->sum.payload_bytes;
	if (!backup)
		return;
	tally_add(&account->phases[phase], &cell->sum);
	if (cell->kind == KIND_PAYLOAD)
		account->first_seen[phase] += cell->sum.payload_bytes;
}

static void count_standby(struct account *account, const struct ledger_cell *cell)
{
	account->standby += cell->sum.ip_bytes;
	if (cell->traffic != TRAFFIC_MPTCP)
		return;
	if (cell->kind == KIND_ACK)
		account->acks += cell->sum.ip_bytes;
	if (cell->kind == KIND_HANDSHAKE || cell->kind == KIND_SIGNAL ||
	    cell->kind == KIND_TEARDOWN || cell->kind == KIND_RESET)
		account->signalling += cell->sum.ip_bytes;
}

static void account_cell(struct account *account, const struct report *report,
                         const struct ledger_cell *cell, bool backup)
{
	enum phase phase = report_phase(report->ledger, report->primaries, cell->circumstance);

	tally_add(&account->kinds[cell->direction][cell->kind], &cell->sum);
	tally_add(&account->total, &cell->sum);
	if (cell->kind == KIND_DUPLICATE) {
		account->duplicate += cell->sum.ip_bytes;
		return;
	}
	if (cell->traffic == TRAFFIC_MPTCP)
		tally_add(&account->mptcp, &cell->sum);
	if (cell->traffic == TRAFFIC_LOCAL) {
		account->local += cell->sum.ip_bytes;
		return;
	}
	account->billed += cell->sum.ip_bytes;
	if (cell->kind < KIND_CARRYING)
		count_carrying(account, cell, backup, phase);
	else
		count_standby(account, cell);
	causes_count(account, report, cell, backup);
}

static bool account_wan(const struct report *report, struct report_wan *wan)
{
	bool backup = wan->role.role == ROLE_BACKUP;
	size_t n = wan->ledger->n_cells, room = n + causes_more(wan->ledger);

	wan->whole.causes = calloc(room, sizeof(struct cause));
	wan->shared.causes = calloc(room, sizeof(struct cause));
	if (!wan->whole.causes || !wan->shared.causes)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct ledger_cell *cell = &wan->ledger->cells[i];

		if (cell->direction >= DIR_COUNT || cell->kind >= KIND_COUNT ||
		    cell->traffic >= TRAFFIC_COUNT)
			continue;
		account_cell(&wan->whole, report, cell, backup);
		if (cell->shared && report->window)
			account_cell(&wan->shared, report, cell, backup);
	}
	causes_finish(report, wan, &wan->whole, true);
	causes_finish(report, wan, &wan->shared, false);
	return true;
}

/* ---- the whole ---- */

#define FILE_NAME_SHORT 40

/* The WAN's only file, or NULL: what the user typed is the best name to confirm a role with, unless
 * it is long. */
static const char *only_file(const struct ledger *ledger, size_t wan)
{
	const char *name = NULL;

	for (size_t i = 0; i < ledger->n_files; i++) {
		if (ledger->files[i].wan != wan)
			continue;
		if (name)
			return NULL;
		name = ledger->files[i].name;
	}
	return name && strlen(name) <= FILE_NAME_SHORT ? name : NULL;
}

/* "--backup b.pcap", to be pasted into a shell. Of a name too long for that only
 * the option is told. */
static void confirm_with(char *out, size_t size, const char *file, const char *wan)
{
	char whole[400], word[300];

	if (file && strstr(file, "\xef\xbf\xbd"))
		file = NULL; /* bytes of the path that are no UTF-8 are not known here */
	snprintf(whole, sizeof(whole), "%s=backup", wan);
	if (!text_shell(word, sizeof(word), file ? file : whole))
		snprintf(word, sizeof(word), "%s", file ? "FILE" : "WAN=backup");
	snprintf(out, size, file ? "--backup %s" : "--role %s", word);
}

/* "assuming b.pcap is the backup: 412 of 412 joins say so; confirm with --backup b.pcap" */
static void assume_one(struct report *report, size_t i)
{
	const struct wan_role *role = &report->wans[i].role;
	const char *file = only_file(report->ledger, i);
	char name[200], confirm[400], says[TEXT_SHORT], of[TEXT_SHORT], sign[40];

	text_safe(name, sizeof(name), file ? file : report->wans[i].name, 60);
	confirm_with(confirm, sizeof(confirm), file, report->wans[i].name);
	message_say(sign, sizeof(sign), role->sign, (const char *const[]){NULL});
	MORE_IN(report->assumption, assuming, name, text_count(says, role->says),
	        text_count(of, role->of), sign, confirm);
}

static void tell_assumption(struct report *report)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct wan_role *role = &report->wans[i].role;

		if (role->role != ROLE_BACKUP || role->source != FROM_ASSUMED)
			continue;
		if (report->assumed)
			MORE_IN(report->assumption, semicolon);
		report->assumed = true;
		assume_one(report, i);
	}
}

const char *report_say_extent(const struct report *report, char *out, size_t size)
{
	return report->options.from_ns || report->options.to_ns ? SAY(out, size, window)
	                                                        : SAY(out, size, whole_capture);
}

static void widen(uint64_t *first_ns, uint64_t *last_ns, uint64_t from_ns, uint64_t to_ns)
{
	*first_ns = *first_ns < from_ns ? *first_ns : from_ns;
	*last_ns = *last_ns > to_ns ? *last_ns : to_ns;
}

/* What the recorder told of reaches over a window on both sides: it tells of whole files. */
bool report_extent(const struct report_wan *wan, uint64_t *first_ns, uint64_t *last_ns)
{
	const struct ledger_wan *ledger = wan->ledger;
	const struct coverage *coverage = &wan->coverage;

	*first_ns = UINT64_MAX;
	*last_ns = 0;
	if (ledger->n_buckets) {
		*first_ns = ledger->buckets[0].first_ns;
		*last_ns = ledger->buckets[ledger->n_buckets - 1].last_ns;
	}
	if (coverage->recorded && coverage->from_ns < wan->to_ns &&
	    coverage->to_ns > wan->from_ns) {
		widen(first_ns, last_ns, coverage->from_ns, coverage->to_ns);
		*first_ns = *first_ns > wan->from_ns ? *first_ns : wan->from_ns;
		*last_ns = *last_ns < wan->to_ns ? *last_ns : wan->to_ns;
	}
	return *first_ns <= *last_ns;
}

/* A merged ledger's shared time reaches over those of its parts, so ledgers of captures that never
 * ran together still name one. Did the WANs that count have a moment in common? */
static bool ran_together(const struct report *report)
{
	uint64_t start = 0, end = UINT64_MAX;

	for (size_t i = 0; i < report->n_wans; i++) {
		uint64_t first, last;

		if (report->wans[i].role.role == ROLE_OFF ||
		    !report_extent(&report->wans[i], &first, &last))
			continue;
		if (first > start)
			start = first;
		if (last < end)
			end = last;
	}
	return start <= end;
}

static enum report_failure fill(struct report *report, char *message, size_t size)
{
	struct wan_role roles[LEDGER_WANS_MAX];
	enum policy_answer answer =
		policy_resolve(report->policy, report->ledger, roles, message, size);

	if (answer != POLICY_FINE)
		return answer == POLICY_UNKNOWN_FLAG ? REPORT_UNKNOWN_FLAG : REPORT_UNKNOWN_CONFIG;
	report->wans = calloc(report->ledger->n_wans + 1, sizeof(*report->wans));
	if (!report->wans)
		return REPORT_NO_MEMORY;
	report->n_wans = report->ledger->n_wans;
	for (size_t i = 0; i < report->n_wans; i++) {
		report->wans[i] = (struct report_wan){
			.name = report->ledger->wans[i].name,
			.ledger = &report->ledger->wans[i],
			.role = roles[i],
		};
		report->wans[i].expected = policy_expected(report->policy, &report->ledger->wans[i],
		                                           &report->wans[i].matched);
		policy_limits_of(report->policy, report->wans[i].name, report->wans[i].expected,
		                 report->wans[i].limits);
		report->wans[i].plan = expect_plan_of(&report->policy->expect,
		                                      report->wans[i].expected, roles[i].role);
		if (report_is_primary(roles[i].role))
			report->primaries |= UINT64_C(1) << i;
		report->wans[i].from_ns = report->options.from_ns;
		report->wans[i].to_ns = report->options.to_ns ? report->options.to_ns : UINT64_MAX;
		if (!coverage_fill(&report->wans[i].coverage, report->wans[i].ledger,
		                   report->window ? report->start_ns : UINT64_MAX, report->end_ns))
			return REPORT_NO_MEMORY;
	}
	report->window = report->window && ran_together(report);
	causes_find_vps(report);
	for (size_t i = 0; i < report->n_wans; i++)
		if (!account_wan(report, &report->wans[i]))
			return REPORT_NO_MEMORY;
	tell_assumption(report);
	return verdict_judge(report) ? REPORT_FINE : REPORT_NO_MEMORY;
}

enum report_failure report_build(struct report *report, const struct ledger *ledger,
                                 const struct policy *policy, const struct report_options *options,
                                 char *message, size_t size)
{
	enum report_failure failure;

	memset(report, 0, sizeof(*report));
	report->ledger = ledger;
	report->policy = policy;
	report->options = *options;
	report->window = ledger->shared_known && ledger->shared_end_ns >= ledger->shared_start_ns;
	if (report->window) {
		report->start_ns = ledger->shared_start_ns;
		report->end_ns = ledger->shared_end_ns;
	}
	failure = fill(report, message, size);
	if (failure == REPORT_NO_MEMORY)
		snprintf(message, size, "out of memory");
	if (failure != REPORT_FINE)
		report_release(report);
	return failure;
}

void report_release(struct report *report)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		free(report->wans[i].whole.causes);
		free(report->wans[i].shared.causes);
		coverage_release(&report->wans[i].coverage);
	}
	free(report->wans);
	free(report->findings);
	memset(report, 0, sizeof(*report));
}
