/* SPDX-License-Identifier: MIT
 *
 * look.c - see look.h.
 */
#include "look.h"

#include "message.h"
#include "text.h"

double look_limit(const struct look *look, enum limit limit)
{
	return look->wan->limits[limit];
}

static bool filtered(const struct look *look)
{
	return look->report->options.filter || look->wan->ledger->filtered;
}

static void look_at(struct look *look, const struct report *report, struct finding *finding)
{
	uint64_t first, last;

	*look = (struct look){
		.report = report, .finding = finding, .wan = &report->wans[finding->wan]};
	text_safe(look->name, sizeof(look->name), look->wan->name, 32);
	if (report_extent(look->wan, &first, &last))
		look->hours = (double)(last - first) / 1e9 / 3600;
	look->enough = look->hours * 3600 >= look->wan->limits[LIMIT_BUDGET_WINDOW];
}

bool look_each_backup(struct report *report, const struct rule *rule,
                      void (*judge)(struct look *look))
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;
		struct look look;

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		look_at(&look, report, finding);
		judge(&look);
	}
	return true;
}

void look_say_too_short(struct look *look)
{
	char length[TEXT_SHORT];

	SAY_IN(look->finding->text, seen_too_short, look->name,
	       text_duration(length, (uint64_t)(look->hours * 3600e9)));
}

void look_say_no_peers(struct look *look)
{
	SAY_IN(look->finding->text, no_peers, look->name);
}

enum status look_clean(const struct look *look)
{
	look->finding->blinded = filtered(look);
	return look->finding->blinded ? STATUS_NOT_ASSESSED : STATUS_PASS;
}

void look_show_peer(struct look *look, const struct ledger_peer *row, enum message note)
{
	struct ledger_event event = {.count = 1, .first = row->first};

	verdict_show_event(look->finding, &event, note);
}

uint64_t look_rounded(double value)
{
	return value < 1e18 ? (uint64_t)(value + 0.5) : UINT64_C(1000000000000000000);
}
