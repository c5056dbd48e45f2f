/* SPDX-License-Identifier: MIT
 *
 * sentence.c - see sentence.h.
 */
#include "sentence.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "share.h"
#include "text.h"
#include "unseen.h"
#include "verdict.h"

static const struct finding *find(const struct report *report, const char *rule, enum status status)
{
	for (size_t i = 0; i < report->n_findings; i++)
		if (strcmp(report->findings[i].rule, rule) == 0 &&
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

/* The bill, when it was asked about. */
static const struct finding *find_bill(const struct report *report)
{
	for (size_t i = 0; i < report->n_findings; i++)
		if (strcmp(report->findings[i].rule, "E2") == 0)
			return &report->findings[i];
	return NULL;
}

/* What was not seen, and the bill, stand before the sentence already. */
static bool is_told(const struct report *report, const struct finding *finding)
{
	if (finding == find_bill(report))
		return true;
	return finding->status == STATUS_NOT_ASSESSED && strcmp(finding->rule, "A27") == 0 &&
	       finding->wan >= 0 && unseen_of(report, (size_t)finding->wan);
}

/* What the verdict rests on; NULL for a pass, or where only what was not seen is in its way. */
static const struct finding *find_reason(const struct report *report)
{
	static const char *const needed[] = {"A27", "A1", "A3", "A29"};

	for (size_t i = 0; i < report->n_findings &&
	                   (report->verdict == STATUS_FAIL || report->verdict == STATUS_WARN);
	     i++)
		if (report->findings[i].status == report->verdict &&
		    !is_told(report, &report->findings[i]))
			return &report->findings[i];
	for (size_t i = 0;
	     report->verdict == STATUS_NOT_ASSESSED && i < sizeof(needed) / sizeof(*needed); i++)
		for (size_t k = 0; k < report->n_findings; k++) {
			const struct finding *finding = &report->findings[k];

			if (finding->status == STATUS_NOT_ASSESSED &&
			    strcmp(finding->rule, needed[i]) == 0 && !is_told(report, finding))
				return finding;
		}
	return NULL;
}

#define NAMED_MAX 3

/* "Taking wan2 for your backup. ", or with more of them "Taking wan2 and wan3 for your backups. ".
 */
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

static void say_no_backup(struct report *report, const char *first)
{
	char use[600] = "", count[TEXT_SHORT];

	snprintf(report->sentence, sizeof(report->sentence), "%s", first);
	if (report->n_wans == 0) {
		MORE_IN(report->sentence, nothing_captured);
	} else if (report->n_wans == 1) {
		verdict_say_use(report, 0, use, sizeof(use) - 1);
		if (use[0])
			strcat(use, " ");
		MORE_IN(report->sentence, one_wan_no_backup, use);
	} else {
		MORE_IN(report->sentence, no_backup_named, text_count(count, report->n_wans));
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

/* ---- a backup by itself ---- */

/* What a sentence about the only backup rests on. */
struct plain {
	const struct report *report;
	const struct report_wan *backup;
	const struct finding *share, *reason; /* either may be NULL */
	const struct finding *counted;        /* A1 of it, assessed or not; NULL = none */
	char name[100], primary[100];         /* "" : there are several primaries */
	uint64_t carried;                     /* by the primaries */
};

static uint64_t part_of(const struct finding *finding, const char *name)
{
	for (size_t i = 0; finding && i < finding->n_parts; i++)
		if (strcmp(finding->parts[i].name, name) == 0)
			return finding->parts[i].numerator;
	return 0;
}

static bool plain_make(struct plain *plain, const struct report *report,
                       const struct finding *share, const struct finding *reason)
{
	size_t primaries = 0;

	*plain = (struct plain){.report = report, .share = share, .reason = reason};
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct report_wan *wan = &report->wans[i];

		if (wan->role.role == ROLE_BACKUP)
			plain->backup = wan;
		if (!(report->primaries >> i & 1))
			continue;
		plain->carried += wan->shared.billed;
		text_safe(plain->primary, sizeof(plain->primary), wan->name, 32);
		primaries++;
	}
	if (primaries > 1)
		plain->primary[0] = '\0';
	for (size_t i = 0; i < report->n_findings && !plain->counted; i++)
		if (strcmp(report->findings[i].rule, "A1") == 0)
			plain->counted = &report->findings[i];
	if (plain->backup)
		text_safe(plain->name, sizeof(plain->name), plain->backup->name, 32);
	return report->window && primaries > 0 && count_backups(report) == 1;
}

/* "eth1's 5.80 GB", "the primaries' 5.80 GB" */
static const char *say_primary_bytes(const struct plain *plain, char *out, size_t size)
{
	char some[TEXT_SHORT];

	text_bytes(some, plain->carried);
	return plain->primary[0] ? SAY(out, size, of_wan, plain->primary, some)
	                         : SAY(out, size, of_primaries, some);
}

static const char *say_primary(const struct plain *plain, char *out, size_t size)
{
	if (!plain->primary[0])
		return SAY(out, size, the_primaries);
	snprintf(out, size, "%s", plain->primary);
	return out;
}

/* " About 370 MB a month.", when there was an hour to tell it from. */
static void say_month(const struct plain *plain, char *out, size_t size)
{
	double seconds = (double)(plain->report->end_ns - plain->report->start_ns) / 1e9;
	char some[TEXT_SHORT];

	out[0] = '\0';
	if (seconds >= plain->backup->limits[LIMIT_BUDGET_WINDOW])
		SAY(out, size, about_a_month,
		    text_bytes(some, share_a_month(plain->report, plain->backup->shared.billed)));
}

/* "wwan0 (backup) carried 12.3 MB in 24 h, 0.21 % of eth1's 5.8 GB; none of it user data (limit 1
 * %). About 370 MB a month." */
static bool say_healthy(const struct plain *plain, char *out, size_t size)
{
	uint64_t payload = part_of(plain->share, "payload"), billed = plain->backup->shared.billed;
	char some[TEXT_SHORT], length[TEXT_SHORT], percent[TEXT_SHORT], of[160], data[80],
		limit[TEXT_SHORT], month[80], user[TEXT_SHORT];

	if (plain->reason || !plain->share || part_of(plain->share, "outage_payload") ||
	    part_of(plain->share, "after_payload"))
		return false;
	text_limit(limit, plain->share->limit);
	if (payload == 0)
		SAY_IN(data, none_user_data, limit);
	else
		SAY_IN(data, some_user_data, text_bytes(user, payload), limit);
	say_month(plain, month, sizeof(month));
	SAY(out, size, plain_healthy, plain->name, text_bytes(some, billed),
	    text_duration(length, plain->report->end_ns - plain->report->start_ns),
	    text_percent(percent, billed, plain->carried), say_primary_bytes(plain, of, sizeof(of)),
	    data, month);
	return true;
}

/* Do the connections held in reserve, counted over the whole capture, come to so many bytes of the
 * judged time? Then it is they, and the product of the sentence holds. */
static bool come_to(const struct ledger_counters *c, uint64_t bytes)
{
	double opening = (double)c->standby_opening_ip_bytes;

	return c->standby_connections > 1 && opening > 0.95 * (double)bytes &&
	       opening < 1.05 * (double)bytes;
}

/* What stands by costs by cause, the readiness of connections first: "8,412 connections x 836 B
 * kept the backup ready (7.0 MB), tracker pings 5.1 MB". */
static void say_costs(const struct plain *plain, char *out, size_t size)
{
	const struct account *account = &plain->backup->shared;
	const struct ledger_counters *c = &plain->backup->ledger->counters;
	char some[TEXT_SHORT], count[TEXT_SHORT], each[40], words[240];
	size_t told = 0;

	out[0] = '\0';
	for (size_t i = 0; i < account->n_causes && told < NAMED_MAX; i++) {
		const struct cause *cause = &account->causes[i];

		if (told++)
			message_more(out, size, MESSAGE_comma, (const char *const[]){NULL});
		text_bytes(some, cause->ip_bytes);
		if (strcmp(cause->id, "standby") == 0 && come_to(c, cause->ip_bytes))
			message_more(out, size, MESSAGE_kept_ready,
			             (const char *const[]){
					     text_count(count, c->standby_connections),
					     share_each(plain->backup->ledger, each, sizeof(each)),
					     some, NULL});
		else
			message_more(
				out, size, MESSAGE_cause_bytes,
				(const char *const[]){cause_say(cause->id, words, sizeof(words)),
			                              some, NULL});
	}
}

/* "Not leaking. 3.4 % of eth1's 370 MB, 0 bytes of user data: 8,412 connections x 836 B ..." */
static bool say_not_leaking(const struct plain *plain, char *out, size_t size)
{
	char percent[TEXT_SHORT], of[160], costs[900];

	if (!plain->reason || plain->reason != plain->share ||
	    plain->reason->status != STATUS_WARN || plain->reason->why == MESSAGE_why_bad_primary ||
	    part_of(plain->share, "payload") || part_of(plain->share, "outage_payload") ||
	    part_of(plain->share, "after_payload"))
		return false;
	say_costs(plain, costs, sizeof(costs));
	SAY(out, size, not_leaking,
	    text_percent(percent, plain->backup->shared.billed, plain->carried),
	    say_primary_bytes(plain, of, sizeof(of)), costs);
	return true;
}

/* "A share says nothing here: eth1 carried 31 MB. Judged by budget: 12.1 MB a day (limit ...)." */
static bool say_by_budget(const struct plain *plain, char *out, size_t size)
{
	const struct finding *budget = find(plain->report, "A2", STATUS_PASS);
	char primary[160], some[TEXT_SHORT], day[TEXT_SHORT], limit[TEXT_SHORT];

	if (plain->reason || plain->share || !budget || part_of(plain->counted, "outage_payload"))
		return false;
	SAY(out, size, by_budget, say_primary(plain, primary, sizeof(primary)),
	    text_bytes(some, plain->carried), text_bytes(day, (uint64_t)(budget->value + 0.5)),
	    text_bytes(limit, (uint64_t)budget->limit));
	return true;
}

/* How many outages of primaries were judged, and the first of them: " (14:02 to 14:41, ...)". */
static size_t say_outage_spans(const struct plain *plain, char *out, size_t size)
{
	const struct report *report = plain->report;
	char span[MESSAGE_TIME];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < report->ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &report->ledger->interruptions[i];

		if (row->kind != INTERRUPTION_OUTAGE || row->wan >= report->n_wans ||
		    !(report->primaries >> row->wan & 1) || row->from_ns < report->start_ns ||
		    row->to_ns > report->end_ns || n++ >= NAMED_MAX)
			continue;
		if (out[0])
			message_more(out, size, MESSAGE_comma, (const char *const[]){NULL});
		strncat(out, message_span(span, row->from_ns, row->to_ns), size - strlen(out) - 1);
	}
	if (n > NAMED_MAX)
		message_more(out, size, MESSAGE_and_more, (const char *const[]){NULL});
	return n;
}

/* "3.10 GB, of which 2.87 GB in 2 outages of eth1 (...): its job. 212 MB came after eth1 was back:
 * that is the finding. About 30 MB are ACKs of these data. The rest, 18 MB, is standby." */
static bool say_outage_day(const struct plain *plain, char *out, size_t size)
{
	uint64_t outage = part_of(plain->counted, "outage_payload"),
		 after = part_of(plain->counted, "after_payload"),
		 payload = part_of(plain->counted, "payload");
	uint64_t acks = part_of(plain->counted, "outage_acks_estimated"),
		 rest = payload + part_of(plain->counted, "standby");
	bool late = plain->reason && strcmp(plain->reason->rule, "A12") == 0;
	char all[TEXT_SHORT], some[TEXT_SHORT], count[TEXT_SHORT], primary[160], spans[500],
		user[TEXT_SHORT];
	size_t n;

	if (outage == 0 || (plain->reason && !late))
		return false;
	say_primary(plain, primary, sizeof(primary));
	text_bytes(all, plain->backup->shared.billed);
	text_bytes(some, outage);
	n = say_outage_spans(plain, spans, sizeof(spans));
	if (n > 0)
		SAY(out, size, outage_day, plain->name, all, some, text_count(count, n), primary,
		    spans);
	else
		SAY(out, size, outage_some_time, plain->name, all, some, primary);
	if (after > 0)
		message_more(out, size, late ? MESSAGE_came_late : MESSAGE_came_after,
		             (const char *const[]){text_bytes(some, after), primary, NULL});
	if (acks > 0)
		message_more(out, size, MESSAGE_acks_of_these,
		             (const char *const[]){text_bytes(some, acks), NULL});
	text_bytes(some, rest);
	if (payload == 0)
		message_more(out, size, MESSAGE_rest_standby, (const char *const[]){some, NULL});
	else
		message_more(out, size, MESSAGE_rest_data,
		             (const char *const[]){some, text_bytes(user, payload), NULL});
	return true;
}

static bool say_plain(const struct report *report, const struct finding *share,
                      const struct finding *reason, char *out, size_t size)
{
	static bool (*const cases[])(const struct plain *plain, char *out, size_t size) = {
		say_healthy, say_not_leaking, say_by_budget, say_outage_day};
	struct plain plain;

	if (!plain_make(&plain, report, share, reason))
		return false;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (cases[i](&plain, out, size))
			return true;
	return false;
}

/* ---- all together ---- */

static void append(char *out, size_t size, const char *message)
{
	strncat(out, message, size - strlen(out) - 1);
}

/* Only what was not seen forbids a verdict: the rest is told as far as it goes. */
static void say_part(const struct finding *share, char *out, size_t size)
{
	char lead[40];

	SAY_IN(lead, not_assessed_lead);
	if (share && share->status == STATUS_PASS)
		SAY(out, size, part_fine_share, lead, share->text);
	else
		SAY(out, size, part_fine, lead);
}

/* The reason for the verdict, and the share when it is not the reason. */
static void say_reason(const struct report *report, const struct finding *share,
                       const struct finding *reason, bool led, char *out, size_t size)
{
	char why[200] = "", others[500] = "", kept[40];
	const char *also = "";

	if (!reason && report->verdict == STATUS_NOT_ASSESSED) {
		say_part(share, out, size);
		return;
	}
	if (!reason && !share && find_bill(report)) {
		reason = find(report, "A1", STATUS_NOT_ASSESSED); /* only the bill is known */
		if (reason)
			SAY_IN(why, not_assessed_lead);
	} else if (!reason) {
		say_fine(report, share, led, why, sizeof(why));
		reason = share;
	} else {
		say_others(report, reason, others, sizeof(others));
		if (report->verdict == STATUS_NOT_ASSESSED)
			SAY_IN(why, not_assessed_lead);
		if (share && share != reason && share->status == STATUS_PASS)
			also = share->text;
	}
	snprintf(out, size, "%s", why);
	append(out, size, reason ? reason->text : SAY_IN(kept, limits_kept));
	append(out, size, others);
	append(out, size, also[0] ? " " : "");
	append(out, size, also);
}

static void tell(struct report *report, const char *first)
{
	const struct finding *share = find_share(report), *reason = find_reason(report);
	char lead[400], window[200], what[2400], more[1500] = "";

	opening(report, lead, sizeof(lead));
	say_window(report, window, sizeof(window));
	if (!say_plain(report, share, reason, what, sizeof(what)))
		say_reason(report, share, reason, lead[0] != '\0', what, sizeof(what));
	else if (reason && reason != share)
		snprintf(more, sizeof(more), " %s", reason->text);
	snprintf(report->sentence, sizeof(report->sentence), "%s%s%s%s%s", first, lead, what, more,
	         window);
}

void sentence_tell(struct report *report)
{
	const struct finding *bill = find_bill(report);
	char first[sizeof(report->unseen) + sizeof(bill->text) + 40];

	snprintf(first, sizeof(first), "%s", report->unseen);
	if (bill)
		MORE_IN(first, bill_first, bill->text);
	if (count_backups(report) > 0 || report->verdict == STATUS_FAIL ||
	    report->verdict == STATUS_WARN)
		tell(report, first);
	else
		say_no_backup(report, first);
}
