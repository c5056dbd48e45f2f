/* SPDX-License-Identifier: MIT
 *
 * rules_traffic.c - the rules about what a backup's bytes were: A4, A15, A24, A28 (see verdict.h).
 *
 * All but A4 look at the whole capture of a WAN, as its rhythms have no other time.
 */
#include <stdio.h>
#include <string.h>

#include "causes.h"
#include "look.h"
#include "message.h"
#include "text.h"

/* ---- A4 ---- */

static bool reinjected(const struct report *report, const struct ledger_cell *cell)
{
	enum phase phase = report_phase(report->ledger, report->primaries, cell->circumstance);

	return cell->kind == KIND_REINJECTION && cell->traffic == TRAFFIC_MPTCP &&
	       cell->sum.payload_bytes > 0 && phase != PHASE_OUTAGE && phase != PHASE_AFTER;
}

static void reinjection_judge(struct look *look)
{
	const struct ledger_wan *wan = look->wan->ledger;
	struct finding *f = look->finding;
	uint64_t bytes = 0, apart = 0, all = 0;
	char some[TEXT_SHORT], of[TEXT_SHORT], percent[TEXT_SHORT], more[TEXT_SHORT],
		limit[TEXT_SHORT], outages[80] = "";

	for (size_t i = 0; i < look->report->n_wans; i++)
		all += look->report->wans[i].shared.unique;
	for (size_t i = 0; i < wan->n_cells; i++) {
		const struct ledger_cell *cell = &wan->cells[i];

		if (!cell->shared || cell->kind != KIND_REINJECTION)
			continue;
		*(reinjected(look->report, cell) ? &bytes : &apart) += cell->sum.payload_bytes;
	}
	if (!look->report->window || all == 0) {
		if (look->report->window)
			SAY_IN(f->text, no_user_data);
		else
			SAY_IN(f->text, no_shared_time);
		return;
	}
	verdict_observe(f, "ratio", bytes, all);
	verdict_limit(look->report, f, LIMIT_REINJECTION_SHARE);
	verdict_part(f, "in_outages", apart, 0);
	text_percent(percent, bytes, all);
	SAY_IN(f->brief, share_of_bytes, percent, text_bytes(some, bytes), text_bytes(of, all));
	if (apart)
		SAY_IN(outages, reinjected_in_outages, text_bytes(more, apart));
	SAY_IN(f->text, reinjected, look->name, some, percent, of, text_limit(limit, f->limit),
	       outages);
	if (f->value > f->limit && (double)bytes > look_limit(look, LIMIT_SWITCH_BYTES)) {
		f->status = STATUS_WARN;
		verdict_show_cells(look->report, f, reinjected,
		                   MESSAGE_shows_sent_again_on_the_backup);
	} else {
		f->status = look_clean(look);
	}
}

bool rule_reinjection(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, reinjection_judge);
}

/* ---- A15 ---- */

#define GROWTH_PARTS 6

static uint64_t bucket_keepalives(const struct ledger_bucket *bucket)
{
	uint64_t frames = 0;

	for (int d = 0; d < DIR_COUNT; d++)
		frames += bucket->kinds[d][KIND_KEEPALIVE].frames;
	return frames;
}

/* Does each sixth of the capture have more keepalives than the one before, and the last twice those
 * of the first? Idle subflows then pile up. */
static bool keepalives_grow(const struct look *look, uint64_t parts[GROWTH_PARTS])
{
	const struct ledger_wan *wan = look->wan->ledger;
	uint64_t span = wan->last_ns - wan->first_ns + 1;

	memset(parts, 0, GROWTH_PARTS * sizeof(*parts));
	for (size_t i = 0; i < wan->n_buckets; i++) {
		uint64_t middle = wan->buckets[i].first_ns / 2 + wan->buckets[i].last_ns / 2;
		size_t part =
			(size_t)((double)(middle - wan->first_ns) * GROWTH_PARTS / (double)span);

		parts[part < GROWTH_PARTS ? part : GROWTH_PARTS - 1] +=
			bucket_keepalives(&wan->buckets[i]);
	}
	for (size_t i = 1; i < GROWTH_PARTS; i++)
		if (parts[i] <= parts[i - 1])
			return false;
	return parts[0] > 0 && parts[GROWTH_PARTS - 1] >= 2 * parts[0];
}

static void rhythm_say(const struct look *look, char *out, size_t size)
{
	uint64_t of_it, all, subflows;
	uint32_t seconds;
	char every[TEXT_SHORT], count[TEXT_SHORT];

	out[0] = '\0';
	if (!causes_rhythm(look->wan->ledger, CADENCE_KEEPALIVE, 0, &seconds, &of_it, &all) ||
	    !seconds || of_it * 2 <= all)
		return;
	subflows = causes_idle_subflows(look->wan, seconds);
	text_count(every, seconds);
	if (subflows > 1)
		SAY(out, size, mostly_every_each, every, text_count(count, subflows));
	else
		SAY(out, size, mostly_every, every);
}

static void keepalive_judge(struct look *look)
{
	struct finding *f = look->finding;
	uint64_t bytes = 0, frames = 0, parts[GROWTH_PARTS];
	char rhythm[120], first[TEXT_SHORT], some[TEXT_SHORT], hour[TEXT_SHORT], count[TEXT_SHORT],
		most[TEXT_SHORT];

	for (int d = 0; d < DIR_COUNT; d++) {
		bytes += look->wan->whole.kinds[d][KIND_KEEPALIVE].ip_bytes +
		         look->wan->whole.kinds[d][KIND_KEEPALIVE_ACK].ip_bytes;
		frames += look->wan->whole.kinds[d][KIND_KEEPALIVE].frames;
	}
	if (frames == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		SAY_IN(f->text, keepalives_none, look->name);
		return;
	}
	rhythm_say(look, rhythm, sizeof(rhythm));
	if (!look->enough && (double)bytes <= look_limit(look, LIMIT_KEEPALIVE_BYTES)) {
		look_say_too_short(look);
		verdict_part(f, "keepalives", frames, 0);
		verdict_part(f, "ip_bytes", bytes, 0);
		return;
	}
	double an_hour = (double)bytes / (look->hours > 1 ? look->hours : 1);
	verdict_observe(f, "bytes", look_rounded(an_hour), 1);
	verdict_limit(look->report, f, LIMIT_KEEPALIVE_BYTES);
	SAY_IN(f->brief, an_hour_rhythm, text_bytes(hour, look_rounded(an_hour)), rhythm);
	if (keepalives_grow(look, parts)) {
		f->status = STATUS_WARN;
		SAY_IN(f->text, keepalives_grow, look->name, text_count(first, parts[0]),
		       text_count(count, parts[GROWTH_PARTS - 1]), hour, rhythm);
		return;
	}
	f->status = an_hour > f->limit ? STATUS_WARN : look_clean(look);
	SAY_IN(f->text, keepalives_took, text_count(count, frames), rhythm, text_bytes(some, bytes),
	       look->name, hour, text_bytes(most, look_rounded(f->limit)));
}

bool rule_keepalive(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, keepalive_judge);
}

/* ---- A24 ---- */

static void local_judge(struct look *look)
{
	const struct account *account = &look->wan->whole;
	struct finding *f = look->finding;
	char local[TEXT_SHORT], billed[TEXT_SHORT], count[TEXT_SHORT];
	uint64_t frames = 0;

	for (size_t i = 0; i < look->wan->ledger->n_cells; i++)
		if (look->wan->ledger->cells[i].traffic == TRAFFIC_LOCAL)
			frames += look->wan->ledger->cells[i].sum.frames;
	if (frames == 0) {
		f->status = STATUS_NOT_APPLICABLE;
		SAY_IN(f->text, local_none, look->name);
		return;
	}
	f->status = STATUS_PASS;
	verdict_observe(f, "ratio", account->local, account->local + account->billed);
	verdict_part(f, "local_frames", frames, 0);
	SAY_IN(f->brief, local_brief, text_bytes(local, account->local),
	       text_bytes(billed, account->billed));
	SAY_IN(f->text, local_is, local, look->name, text_count(count, frames), billed);
}

bool rule_local(struct report *report, const struct rule *rule)
{
	return look_each_backup(report, rule, local_judge);
}

/* ---- A28 ---- */

static bool inner_name(const char *name)
{
	static const char *const names[] = {"lan", "br-lan", "omrvpn", "tun0", "omr6in4"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool verdict_is_inner(const struct report *report, const struct report_wan *wan)
{
	const struct ledger_words *devices = &wan->ledger->devices;

	if (inner_name(wan->name))
		return true;
	for (unsigned i = 0; i < devices->n; i++)
		if (inner_name(devices->rows[i]))
			return true;
	for (unsigned i = 0; i < wan->ledger->n_own; i++)
		if (expect_is_lan(&report->policy->expect, wan->ledger->own[i].text))
			return true;
	return false;
}

static bool speaks_mptcp(const struct report *report, const struct ledger_cell *cell)
{
	(void)report;
	return cell->traffic == TRAFFIC_MPTCP && cell->kind != KIND_DUPLICATE;
}

/* Frames of subflows, whether their opening was seen or not. */
static uint64_t mptcp_frames(const struct report *report, const struct ledger_wan *wan)
{
	uint64_t frames = 0;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (speaks_mptcp(report, &wan->cells[i]))
			frames += wan->cells[i].sum.frames;
	return frames;
}

bool rule_inner(struct report *report, const struct rule *rule)
{
	bool any = false;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct report_wan *wan = &report->wans[i];
		const struct ledger_event *e = wan->ledger->events;
		uint64_t syns = e[EVENT_CAPABLE_SYN].count + e[EVENT_JOIN_SYN].count;
		uint64_t frames = mptcp_frames(report, wan->ledger);
		struct finding *f;
		char name[100], count[TEXT_SHORT];

		if (!verdict_is_inner(report, wan))
			continue;
		f = verdict_add(report, rule, (int)i);
		if (!f)
			return false;
		any = true;
		text_safe(name, sizeof(name), wan->name, 32);
		verdict_observe(f, "count", syns, 1);
		verdict_part(f, "mptcp_frames", frames, 0);
		f->blinded = report->options.filter || wan->ledger->filtered;
		f->status = syns || frames ? STATUS_WARN
		            : f->blinded   ? STATUS_NOT_ASSESSED
		                           : STATUS_PASS;
		SAY_IN(f->brief, none);
		text_count(count, syns);
		if (syns)
			SAY_IN(f->text, inner_asked, count, name);
		else if (frames)
			SAY_IN(f->text, inner_running, text_count(count, frames), name);
		else
			SAY_IN(f->text, inner_none, name);
		verdict_show_event(f, &e[EVENT_CAPABLE_SYN], MESSAGE_shows_asks_for_mptcp);
		verdict_show_event(f, &e[EVENT_JOIN_SYN],
		                   MESSAGE_shows_joins_a_connection_of_mptcp);
		if (!syns && frames)
			verdict_show_cells(report, f, speaks_mptcp, MESSAGE_shows_carries_mptcp);
	}
	if (!any) {
		struct finding *f = verdict_add(report, rule, -1);

		if (!f)
			return false;
		f->status = STATUS_NOT_APPLICABLE;
		SAY_IN(f->text, inner_no_capture);
	}
	return true;
}
