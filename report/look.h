/* SPDX-License-Identifier: MIT
 *
 * look.h - one backup under a rule: what all rules about its bytes ask, over its whole capture.
 *
 * What is a rate needs an hour of capture (the limit budget_window_seconds), unless the limit is
 * exceeded in less.
 */
#ifndef REPORT_LOOK_H
#define REPORT_LOOK_H

#include "verdict.h"

/* All borrowed from the report. */
struct look {
	const struct report *report;
	const struct report_wan *wan;
	struct finding *finding;
	char name[100]; /* safe to print */
	double hours;   /* of its capture */
	bool enough;    /* to speak of an hour or a day */
};

/* One finding per backup, filled by `judge`. False when out of memory. */
bool look_each_backup(struct report *report, const struct rule *rule,
                      void (*judge)(struct look *look));

double look_limit(const struct look *look, enum limit limit);

/* Pass, unless frames were hidden. */
enum status look_clean(const struct look *look);

/* The same words for all rules, so that the report tells them once. */
void look_say_too_short(struct look *look);
void look_say_no_peers(struct look *look);

void look_show_peer(struct look *look, const struct ledger_peer *row, enum message note);

/* To the nearest whole number, within what a counter holds. */
uint64_t look_rounded(double value);

#endif
