/* SPDX-License-Identifier: MIT
 *
 * rules_server.c - A27 of a capture that a server made: what could not be told apart there.
 *
 * Frames of subflows without a WAN may be of any WAN of the site, its backups included, so they
 * count like frames that were not captured. What is no MPTCP, from addresses that no subflow of the
 * site had, is the server's own more often than not: it is told, and decides nothing.
 */
#include "text.h"
#include "verdict.h"

static uint64_t site_frames(const struct report *report)
{
	uint64_t frames = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		frames += report->wans[i].whole.total.frames;
	return frames;
}

static uint64_t subflow_frames(const struct ledger_counters *n)
{
	return n->untold_opening_frames + n->untold_joined_frames + n->untold_midway_frames +
	       n->untold_elsewhere_frames;
}

/* Each reason with its frames: a list of messages. */
static void list_reasons(const struct ledger_counters *n, char *text, size_t size)
{
	const struct {
		uint64_t frames;
		enum message say;
	} reasons[] = {
		{n->untold_opening_frames, MESSAGE_untold_opening},
		{n->untold_joined_frames, MESSAGE_untold_joined},
		{n->untold_midway_frames, MESSAGE_untold_midway},
		{n->untold_elsewhere_frames, MESSAGE_untold_elsewhere},
		{n->untold_plain_frames, MESSAGE_untold_plain},
		{n->untold_other_frames, MESSAGE_untold_other},
	};
	char number[TEXT_SHORT];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].frames == 0)
			continue;
		if (text[0])
			message_more(text, size, MESSAGE_comma, (const char *const[]){NULL});
		message_more(text, size, reasons[i].say,
		             (const char *const[]){text_count(number, reasons[i].frames), NULL});
	}
}

static void say(struct finding *finding, const char *wan, const struct ledger_counters *n,
                uint64_t subflows, uint64_t all)
{
	char reasons[700], share[TEXT_SHORT], number[TEXT_SHORT], name[100];

	list_reasons(n, reasons, sizeof(reasons));
	SAY_IN(finding->text, untold_subflows, text_percent(share, subflows, all));
	if (reasons[0])
		MORE_IN(finding->text, untold_frames, text_safe(name, sizeof(name), wan, 32),
		        reasons);
	if (finding->status == STATUS_NOT_ASSESSED && subflows)
		MORE_IN(finding->text, untold_advice);
	if (n->contradicted_joins)
		MORE_IN(finding->text, untold_contradicted,
		        text_count(number, n->contradicted_joins));
}

bool rule_untold(struct report *report, const struct rule *rule)
{
	uint64_t all = site_frames(report);

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_counters *n = &report->wans[i].ledger->counters;
		uint64_t subflows = subflow_frames(n);
		struct finding *finding;

		if (subflows + n->untold_plain_frames + n->untold_other_frames +
		            n->contradicted_joins ==
		    0)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (n->untold_elsewhere_frames)
			all += n->untold_elsewhere_frames;
		verdict_observe(finding, "ratio", subflows, all);
		verdict_limit(report, finding, LIMIT_LOSS_SHARE);
		verdict_part(finding, "contradicted_joins", n->contradicted_joins, 0);
		verdict_part(finding, "untold_subflow_frames", subflows, 0);
		verdict_part(finding, "untold_other_frames",
		             n->untold_plain_frames + n->untold_other_frames, 0);
		finding->status = n->contradicted_joins || finding->value > finding->limit
		                          ? STATUS_NOT_ASSESSED
		                          : STATUS_PASS;
		say(finding, report->wans[i].name, n, subflows, all);
		SAY_IN(finding->brief, untold_brief);
	}
	return true;
}
