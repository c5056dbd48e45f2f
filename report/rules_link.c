/* SPDX-License-Identifier: MIT
 *
 * rules_link.c - the rules about what both ends agree on: A6, A23 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "label.h"
#include "message.h"
#include "text.h"
#include "verdict.h"

/* ---- A6 ---- */

/* What the WAN's own side asked for, read as agreement with the configured role or not. */
struct signs {
	const struct ledger_event *agree, *against;           /* B bits of joins */
	const struct ledger_event *prio_agree, *prio_against; /* MP_PRIO */
};

static struct signs signs_of(const struct ledger_wan *wan, bool backup)
{
	const struct ledger_event *e = wan->events;

	return (struct signs){
		.agree = &e[backup ? EVENT_JOIN_UP_BACKUP : EVENT_JOIN_UP_NORMAL],
		.against = &e[backup ? EVENT_JOIN_UP_NORMAL : EVENT_JOIN_UP_BACKUP],
		.prio_agree = &e[backup ? EVENT_PRIO_UP_BACKUP : EVENT_PRIO_UP_NORMAL],
		.prio_against = &e[backup ? EVENT_PRIO_UP_NORMAL : EVENT_PRIO_UP_BACKUP],
	};
}

/* "backup (network.wan2.multipath)": UCI and files are named, so that their line is found. */
static const char *role_said(char *out, size_t size, const struct wan_role *role)
{
	char from[160], label[LABEL_SIZE];

	label_role(label, role_names[role->role]);
	if (role->source != FROM_UCI && role->source != FROM_CONFIG) {
		snprintf(out, size, "%s", label);
		return out;
	}
	return SAY(out, size, in_brackets, label, text_safe(from, sizeof(from), role->from, 80));
}

static void role_judge(struct finding *finding, const struct signs *signs, const char *name,
                       const struct wan_role *wan_role)
{
	char role[300];
	uint64_t joins = signs->agree->count + signs->against->count;
	char against[TEXT_SHORT], of[TEXT_SHORT], when[MESSAGE_TIME] = "", prio[TEXT_SHORT];
	bool backup = wan_role->role == ROLE_BACKUP;
	const struct ledger_event *change =
		signs->prio_against->count ? signs->prio_against : signs->prio_agree;

	role_said(role, sizeof(role), wan_role);
	text_count(against, signs->against->count);
	text_count(of, joins);
	if (change->count && change->first.count)
		message_time(when, change->first.frames[0].ts_ns);
	if (signs->prio_against->count > 0 ||
	    (signs->prio_agree->count > 0 && signs->against->count > 0)) {
		finding->status = STATUS_WARN;
		if (when[0])
			SAY_IN(finding->text, role_prio_at, name, role, when);
		else
			SAY_IN(finding->text, role_prio, name, role);
		verdict_show_event(finding, change, MESSAGE_shows_mp_prio);
	} else if (signs->against->count > 0 && signs->agree->count > 0) {
		finding->status = STATUS_WARN;
		if (backup)
			SAY_IN(finding->text, role_some_lack, name, role, against, of);
		else
			SAY_IN(finding->text, role_some_carry, name, role, against, of);
		verdict_show_event(finding, signs->against, MESSAGE_shows_join_that_says_otherwise);
	} else if (signs->against->count > 0) {
		finding->status = STATUS_FAIL;
		if (backup)
			SAY_IN(finding->text, role_all_lack, name, role, of);
		else
			SAY_IN(finding->text, role_all_carry, name, role, of);
		verdict_show_event(finding, signs->against, MESSAGE_shows_join_that_says_otherwise);
	} else {
		finding->status = STATUS_PASS;
		SAY_IN(finding->text, role_agrees, name, role, of,
		       text_count(prio, signs->prio_agree->count));
		SAY_IN(finding->brief, role_brief, of);
	}
}

static void role_of_wan(const struct report *report, struct finding *finding)
{
	const struct report_wan *wan = &report->wans[finding->wan];
	struct signs signs = signs_of(wan->ledger, wan->role.role == ROLE_BACKUP);
	uint64_t seen = signs.agree->count + signs.against->count + signs.prio_agree->count +
	                signs.prio_against->count;
	char name[100];

	text_safe(name, sizeof(name), wan->name, 32);
	if (wan->role.source == FROM_ASSUMED) {
		finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, role_from_wire, name);
	} else if (seen == 0) {
		if (wan->role.role != ROLE_BACKUP)
			finding->status = STATUS_NOT_APPLICABLE;
		SAY_IN(finding->text, role_unseen, name);
	} else {
		verdict_observe(finding, "ratio", signs.against->count,
		                signs.agree->count + signs.against->count);
		verdict_part(finding, "mp_prio_agree", signs.prio_agree->count, 0);
		verdict_part(finding, "mp_prio_against", signs.prio_against->count, 0);
		finding->limited = true;
		role_judge(finding, &signs, name, &wan->role);
	}
}

bool rule_role(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		enum role role = report->wans[i].role.role;
		struct finding *finding;

		if (role == ROLE_NONE || role == ROLE_OFF)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		role_of_wan(report, finding);
	}
	return true;
}

/* ---- A23 ---- */

/* What lost it most often, as a message. */
static const char *stripped_cause(const struct ledger_event *e, char *out, size_t size)
{
	static const struct {
		enum event event;
		enum message message;
	} causes[] = {
		{EVENT_CAPABLE_PLAIN, MESSAGE_stripped_answer},
		{EVENT_CAPABLE_VERSION, MESSAGE_stripped_version},
		{EVENT_CAPABLE_STRIPPED_LATER, MESSAGE_stripped_later},
		{EVENT_JOIN_PLAIN, MESSAGE_stripped_joins},
	};
	uint64_t most = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (e[causes[i].event].count <= most)
			continue;
		most = e[causes[i].event].count;
		message_say(out, size, causes[i].message, (const char *const[]){NULL});
	}
	return out;
}

bool rule_stripped(struct report *report, const struct rule *rule)
{
	static const struct {
		enum event event;
		enum message note;
	} bad[] = {
		{EVENT_CAPABLE_PLAIN, MESSAGE_shows_answered_without_mp_capable},
		{EVENT_CAPABLE_VERSION, MESSAGE_shows_answered_with_another_mptcp_version},
		{EVENT_CAPABLE_STRIPPED_LATER, MESSAGE_shows_mptcp_lost_after_the_handshake},
		{EVENT_JOIN_PLAIN, MESSAGE_shows_join_answered_without_mp_join},
	};

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_event *e = report->wans[i].ledger->events;
		uint64_t opened = e[EVENT_CAPABLE_SYN].count + e[EVENT_JOIN_SYN].count, lost = 0;
		struct finding *finding;
		char name[100], percent[TEXT_SHORT], extent[40], cause[40], some[TEXT_SHORT],
			of[TEXT_SHORT];

		if (verdict_is_inner(report, &report->wans[i]))
			continue; /* its hosts ask whom they like: A28 */
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
			lost += e[bad[k].event].count;
			verdict_part(finding, event_names[bad[k].event], e[bad[k].event].count, 0);
		}
		if (opened < lost)
			opened = lost;
		verdict_observe(finding, "ratio", lost, opened);
		verdict_limit(report, finding, LIMIT_STRIPPED_SHARE);
		text_safe(name, sizeof(name), report->wans[i].name, 32);
		if (opened == 0) {
			finding->status = STATUS_NOT_APPLICABLE;
			SAY_IN(finding->text, handshakes_none, name);
			continue;
		}
		finding->status = finding->value > finding->limit ? STATUS_FAIL : STATUS_PASS;
		text_count(some, lost);
		text_count(of, opened);
		SAY_IN(finding->text, stripped_of, name, some, of,
		       text_percent(percent, lost, opened),
		       report_say_extent(report, extent, sizeof(extent)),
		       stripped_cause(e, cause, sizeof(cause)));
		SAY_IN(finding->brief, handshakes_of, some, of);
		for (size_t k = 0; lost > 0 && k < sizeof(bad) / sizeof(*bad); k++)
			verdict_show_event(finding, &e[bad[k].event], bad[k].note);
	}
	return true;
}
