/* SPDX-License-Identifier: MIT
 *
 * rules_expect.c - what the configuration alone makes certain, beside what was seen (see
 * verdict.h): WANs without a capture (A27), schedulers that ignore the backup flag (A6), ends that
 * speak different versions (A23), copies on the primaries (A5) by profile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "label.h"
#include "message.h"
#include "text.h"
#include "verdict.h"

/* Copies of less first-seen payload than this say nothing of a scheduler (classification, R11). */
#define COPIES_MIN 65536

/* ---- A27: who is missing ---- */

static bool is_captured(const struct report *report, const struct expect_wan *expected)
{
	for (size_t i = 0; i < report->n_wans; i++)
		if (report->wans[i].expected == expected)
			return true;
	return false;
}

bool rule_captured(struct report *report, const struct rule *rule)
{
	const struct expect *expect = &report->policy->expect;

	for (unsigned i = 0; i < expect->n_wans; i++) {
		const struct expect_wan *wan = &expect->wans[i];
		struct finding *finding;
		char name[100], from[160], label[LABEL_SIZE];

		if (wan->role == ROLE_NONE || wan->role == ROLE_OFF || is_captured(report, wan))
			continue;
		finding = verdict_add(report, rule, -1);
		if (!finding)
			return false;
		SAY_IN(finding->text, not_captured, text_safe(name, sizeof(name), wan->name, 32),
		       label_role(label, role_names[wan->role]),
		       text_safe(from, sizeof(from), wan->role_told.from, 80));
	}
	return true;
}

/* ---- A6: what the configuration itself gives away ---- */

/* Their source never looks at subflow->backup (feeds, mptcp-bpf-*); all others do (domain, 2). */
static const char *const ignoring[] = {"bpf_red", "bpf_rr", "bpf_first", "bpf_minrtt"};

static bool ignores_backup(const char *scheduler)
{
	for (size_t i = 0; i < sizeof(ignoring) / sizeof(*ignoring); i++) {
		const char *at = strstr(scheduler, ignoring[i]);
		char behind = at ? at[strlen(ignoring[i])] : 'x';

		if (behind == '\0' || behind == '.')
			return true;
	}
	return false;
}

static bool has_backup(const struct report *report)
{
	for (size_t i = 0; i < report->n_wans; i++)
		if (report->wans[i].role.role == ROLE_BACKUP)
			return true;
	return false;
}

bool rule_configured(struct report *report, const struct rule *rule)
{
	const struct expect *expect = &report->policy->expect;
	const struct expect_word *scheduler = &expect->scheduler, *mptcp = &expect->mptcp;
	bool off = strcmp(mptcp->text, "disable") == 0;
	char word[100], from[160];
	struct finding *finding;

	if (!has_backup(report) || !(off || ignores_backup(scheduler->text)))
		return true;
	finding = verdict_add(report, rule, -1);
	if (!finding)
		return false;
	finding->status = STATUS_WARN;
	if (off)
		SAY_IN(finding->text, mptcp_disabled,
		       text_safe(from, sizeof(from), mptcp->told.from, 80));
	else
		SAY_IN(finding->text, scheduler_ignores,
		       text_safe(word, sizeof(word), scheduler->text, 40),
		       text_safe(from, sizeof(from), scheduler->told.from, 80));
	return true;
}

/* "master, on" */
static void recorded_roles(const struct ledger_record *record, char *out, size_t size)
{
	char word[LABEL_SIZE];

	out[0] = '\0';
	for (unsigned i = 0; i < record->n_roles; i++) {
		if (i > 0)
			message_more(out, size, MESSAGE_then_or_before,
			             (const char *const[]){NULL});
		strncat(out, label_role(word, record->roles[i]), size - strlen(out) - 1);
	}
}

/* A recording tells the role of its time, UCI that of the moment when it was copied. */
static bool role_differs(const struct report_wan *wan)
{
	const struct ledger_record *record = wan->ledger->record;

	if (!record || record->n_roles == 0 || wan->role.role == ROLE_NONE)
		return false;
	return record->n_roles > 1 ||
	       ((wan->role.source == FROM_UCI || wan->role.source == FROM_CONFIG) &&
	        strcmp(record->roles[0], role_names[wan->role.role]) != 0);
}

bool rule_role_over_time(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct report_wan *wan = &report->wans[i];
		struct finding *finding;
		char name[100], roles[300], from[160], label[LABEL_SIZE];

		if (!role_differs(wan))
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		finding->status = STATUS_WARN;
		recorded_roles(wan->ledger->record, roles, sizeof(roles));
		if (wan->role.from[0])
			text_safe(from, sizeof(from), wan->role.from, 80);
		else
			SAY_IN(from, by_its_frames);
		SAY_IN(finding->text, role_changed, text_safe(name, sizeof(name), wan->name, 32),
		       roles, label_role(label, role_names[wan->role.role]), from);
	}
	return true;
}

/* ---- A23: versions of MPTCP ---- */

/* Linux speaks version 1 since 5.6; OpenMPTCProuter's 5.4 is that of multipath-tcp.org: version 0.
 * -1: not a kernel's number. */
static int mptcp_version(const char *kernel)
{
	unsigned major, minor;

	if (sscanf(kernel, "%u.%u", &major, &minor) != 2)
		return -1;
	return major > 5 || (major == 5 && minor >= 6);
}

bool rule_kernels(struct report *report, const struct rule *rule)
{
	const struct expect *expect = &report->policy->expect;
	int own = mptcp_version(expect->kernel.text);

	for (unsigned i = 0; i < expect->n_servers && own >= 0; i++) {
		const struct expect_server *server = &expect->servers[i];
		int other = mptcp_version(server->kernel);
		char name[100], here[100], there[100];
		struct finding *finding;

		if (server->off || other < 0 || other == own)
			continue;
		finding = verdict_add(report, rule, -1);
		if (!finding)
			return false;
		finding->status = STATUS_WARN;
		SAY_IN(finding->text, kernels_differ,
		       text_safe(here, sizeof(here), expect->kernel.text, 24), own ? "1" : "0",
		       text_safe(name, sizeof(name), server->name, 32),
		       text_safe(there, sizeof(there), server->kernel, 24), other ? "1" : "0");
	}
	return true;
}

/* ---- A7: kernels on both sides of the backup fix ---- */

/*
 * Does this kernel heed the backup that was asked for, whatever the answer's flag says? Linux
 * b6a66e521a20: 6.11, and 6.10.4 and 6.6.45 of the stable ones. 1, 0, or -1: its number does not
 * tell (5.15 and 6.1 got it in some stable release; "6.6" names no release at all).
 */
static int heeds_request(const char *kernel)
{
	unsigned major, minor, patch;
	int n = sscanf(kernel, "%u.%u.%u", &major, &minor, &patch);

	if (n < 2 || mptcp_version(kernel) != 1)
		return -1;
	if (major != 6)
		return major > 6 ? 1 : minor == 15 ? -1 : 0;
	if (minor > 10)
		return 1;
	if (minor == 1 || (n < 3 && (minor == 6 || minor == 10)))
		return -1;
	return (minor == 6 && patch >= 45) || (minor == 10 && patch >= 4);
}

bool rule_backup_fix(struct report *report, const struct rule *rule)
{
	const struct expect *expect = &report->policy->expect;

	for (unsigned i = 0; i < expect->n_servers && has_backup(report); i++) {
		const struct expect_server *server = &expect->servers[i];
		char name[100], here[100], there[100];
		struct finding *finding;

		/* the other way round nothing leaks: an old server mirrors the flag */
		if (server->off || heeds_request(expect->kernel.text) != 0 ||
		    heeds_request(server->kernel) != 1)
			continue;
		finding = verdict_add(report, rule, -1);
		if (!finding)
			return false;
		finding->status = STATUS_WARN;
		SAY_IN(finding->text, kernels_backup_fix,
		       text_safe(here, sizeof(here), expect->kernel.text, 24),
		       text_safe(name, sizeof(name), server->name, 32),
		       text_safe(there, sizeof(there), server->kernel, 24));
	}
	return true;
}

/* ---- A5: copies on the primaries ---- */

/* Payload bytes of a kind on all primaries, in the judged time; *plan is of the first that has a
 * price. */
static uint64_t primary_payload(const struct report *report, enum kind kind)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		for (size_t d = 0; report->primaries >> i & 1 && d < DIR_COUNT; d++)
			sum += report->wans[i].shared.kinds[d][kind].payload_bytes;
	return sum;
}

/* What the copies on each primary cost, by its own plan. */
static double copies_price(const struct report *report, const char **currency)
{
	double price = 0;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct expect_plan *plan = report->wans[i].plan;

		if (!(report->primaries >> i & 1) || !plan || plan->price_per_gb <= 0)
			continue;
		for (size_t d = 0; d < DIR_COUNT; d++)
			price += plan->price_per_gb / (plan->binary ? 1073741824.0 : 1e9) *
			         (double)report->wans[i]
			                 .shared.kinds[d][KIND_REDUNDANT]
			                 .payload_bytes;
		*currency = plan->currency;
	}
	return price;
}

static void copies_judge(const struct report *report, struct finding *finding, uint64_t copies,
                         uint64_t all)
{
	bool wanted = report->policy->expect.profile == PROFILE_RELIABILITY;
	bool many = finding->value > finding->limit;
	char share[TEXT_SHORT], bytes[TEXT_SHORT], cost[160] = "", safe[80], amount[TEXT_SHORT];
	const char *currency = "";
	double price = copies_price(report, &currency);

	snprintf(amount, sizeof(amount), "%.2f", price);
	if (price > 0)
		SAY_IN(cost, copies_cost, amount, text_safe(safe, sizeof(safe), currency, 8));
	text_percent(share, copies, all);
	text_bytes(bytes, copies);
	finding->status = many == wanted ? STATUS_PASS : STATUS_WARN;
	if (many && wanted)
		SAY_IN(finding->text, copies_wanted, share, bytes, cost);
	else if (many)
		SAY_IN(finding->text, copies_unwanted, share, bytes, cost);
	else
		SAY_IN(finding->text, copies_missing, share, bytes);
	SAY_IN(finding->brief, copies_brief, share);
}

/* Without a second primary, and without copies where none are wanted, there is nothing to say. */
bool rule_copies(struct report *report, const struct rule *rule)
{
	uint64_t copies = primary_payload(report, KIND_REDUNDANT);
	uint64_t first = primary_payload(report, KIND_PAYLOAD);
	bool wanted = report->policy->expect.profile == PROFILE_RELIABILITY;
	struct finding *finding;

	if (!report->window ||
	    (!wanted && (first < COPIES_MIN ||
	                 (double)copies <= report->policy->limits[LIMIT_REDUNDANT_SHARE] *
	                                           (double)(copies + first))))
		return true;
	finding = verdict_add(report, rule, -1);
	if (!finding)
		return false;
	verdict_observe(finding, "ratio", copies, copies + first);
	verdict_limit(report, finding, LIMIT_REDUNDANT_SHARE);
	if (first < COPIES_MIN)
		SAY_IN(finding->text, copies_too_little);
	else if (!(report->primaries & (report->primaries - 1)))
		SAY_IN(finding->text, copies_one_primary);
	else
		copies_judge(report, finding, copies, copies + first);
	return true;
}
