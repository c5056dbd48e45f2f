/* SPDX-License-Identifier: MIT
 *
 * unseen.c - see unseen.h.
 */
#include "unseen.h"

#include <stdio.h>
#include <string.h>

#include "flaws.h"
#include "message.h"
#include "text.h"
#include "thinned.h"

#define NS         UINT64_C(1000000000)
#define NAMED_MAX  3 /* WANs by name */
#define CHECKS_MAX 6 /* checks by their ids */
#define FACTS_ROOM 900

/* ---- of a WAN ---- */

struct sight {
	const struct report *report;
	const struct report_wan *wan;
	const struct ledger_counters *counters;
	struct flaws flaws;
};

static bool say_nothing(const struct sight *sight, char *out, size_t size)
{
	if (sight->flaws.frames > 0 || sight->wan->coverage.recorded)
		return false;
	SAY(out, size, unseen_nothing);
	return true;
}

static bool say_thinned(const struct sight *sight, char *out, size_t size)
{
	return thinned_words(sight->wan->ledger, out, size) != NULL;
}

static bool say_drops(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!flaws_matter(sight->report, flaws, FLAW_DROPS))
		return false;
	SAY(out, size, unseen_drops, text_count(a, flaws->drops),
	    text_count(b, flaws->frames + flaws->drops));
	return true;
}

static bool say_missing(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!flaws_matter(sight->report, flaws, FLAW_MISSING))
		return false;
	SAY(out, size, unseen_missing, text_count(a, flaws->missing), text_count(b, flaws->kernel));
	return true;
}

/* From where a file breaks off to the WAN's next file, or else to the last moment of another WAN,
 * when it does not go on. 0: nothing tells. */
static uint64_t behind(const struct report *report, const struct ledger_file *file, bool *goes_on)
{
	uint64_t next = UINT64_MAX, last = 0, first_ns, last_ns;

	for (size_t i = 0; i < report->ledger->n_files; i++) {
		const struct ledger_file *other = &report->ledger->files[i];

		if (other != file && other->wan == file->wan && other->first_ns > file->last_ns &&
		    other->first_ns < next)
			next = other->first_ns;
	}
	for (size_t i = 0; next == UINT64_MAX && i < report->n_wans; i++)
		if (report->wans[i].role.role != ROLE_OFF &&
		    report_extent(&report->wans[i], &first_ns, &last_ns) && last_ns > last)
			last = last_ns;
	*goes_on = next != UINT64_MAX;
	if (*goes_on)
		last = next;
	return file->last_ns && last > file->last_ns ? last - file->last_ns : 0;
}

static bool say_files(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	const struct ledger_file *file = flaws->first_damaged;
	char at[MESSAGE_TIME], count[TEXT_SHORT], of[TEXT_SHORT], length[TEXT_SHORT], lost[80];
	uint64_t ns;
	bool goes_on;

	if (!flaws_matter(sight->report, flaws, FLAW_FILE))
		return false;
	ns = behind(sight->report, file, &goes_on);
	if (flaws->damaged == 1 && ns >= NS && goes_on)
		SAY_IN(lost, unseen_until_next, text_duration(length, ns));
	else if (flaws->damaged == 1 && ns >= NS)
		SAY_IN(lost, unseen_others_go_on, text_duration(length, ns));
	else
		SAY_IN(lost, unseen_how_much);
	if (flaws->damaged > 1 || file->last_ns == 0)
		SAY(out, size, unseen_files, text_count(count, flaws->damaged),
		    text_count(of, flaws->files), lost);
	else
		SAY(out, size, unseen_file, message_time(at, file->last_ns), lost);
	return true;
}

static bool say_unread(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!flaws_matter(sight->report, flaws, FLAW_UNREAD))
		return false;
	SAY(out, size, unseen_unread, text_count(a, flaws->unread), text_count(b, flaws->frames));
	return true;
}

static bool say_unmapped(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], cut[60] = "";

	if (!flaws_matter(sight->report, flaws, FLAW_UNMAPPED))
		return false;
	if (flaws->cut)
		SAY_IN(cut, unseen_cut, text_count(c, flaws->cut));
	SAY(out, size, unseen_unmapped, text_bytes(a, flaws->unmapped),
	    text_bytes(b, flaws->payload), cut);
	return true;
}

static bool say_evicted(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!flaws_matter(sight->report, flaws, FLAW_EVICTED))
		return false;
	SAY(out, size, unseen_evicted, text_count(a, flaws->evicted),
	    text_count(b, flaws->subflows));
	return true;
}

static bool say_blind(const struct sight *sight, char *out, size_t size)
{
	const struct flaws *flaws = &sight->flaws;
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!flaws_matter(sight->report, flaws, FLAW_BLIND))
		return false;
	SAY(out, size, unseen_blind, text_duration(a, flaws->blind_ns),
	    text_duration(b, flaws->judged_ns));
	return true;
}

static bool say_repaired(const struct sight *sight, char *out, size_t size)
{
	char count[TEXT_SHORT];

	if (!sight->counters->repaired_files)
		return false;
	SAY(out, size, unseen_repaired, text_count(count, sight->counters->repaired_files));
	return true;
}

static bool say_series(const struct sight *sight, char *out, size_t size)
{
	char count[TEXT_SHORT];

	if (!sight->counters->missing_files)
		return false;
	SAY(out, size, unseen_series, text_count(count, sight->counters->missing_files));
	return true;
}

/* A file still being written, or cut off, matters when it ends before the time that was asked for
 * does. */
static bool say_unfinished(const struct sight *sight, char *out, size_t size)
{
	const struct ledger *ledger = sight->report->ledger;
	char at[MESSAGE_TIME];

	for (size_t i = 0; i < ledger->n_files; i++) {
		const struct ledger_file *file = &ledger->files[i];
		uint64_t until = file->to_ns > file->last_ns ? file->to_ns : file->last_ns;

		if (file->wan != sight->flaws.wan || !file->growing || !until ||
		    until >= sight->wan->to_ns)
			continue;
		SAY(out, size, unseen_unfinished, message_time(at, until));
		return true;
	}
	return false;
}

static bool say_filtered(const struct sight *sight, char *out, size_t size)
{
	if (!sight->report->options.filter && !sight->wan->ledger->filtered)
		return false;
	SAY(out, size, unseen_filtered);
	return true;
}

/* "3 of 72 frames lost, 40 s of 16 min 40 s not recorded"; false: all of it was seen. */
static bool say_facts(const struct report *report, size_t wan, char *out, size_t size)
{
	static bool (*const facts[])(const struct sight *sight, char *out, size_t size) = {
		say_nothing, say_thinned,    say_drops,    say_missing, say_files,
		say_unread,  say_unmapped,   say_evicted,  say_blind,   say_repaired,
		say_series,  say_unfinished, say_filtered,
	};
	struct sight sight = {report, &report->wans[wan], &report->wans[wan].ledger->counters,
	                      flaws_of(report, wan)};
	char fact[300];

	out[0] = '\0';
	if (sight.wan->role.role == ROLE_OFF)
		return false;
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		if (!facts[i](&sight, fact, sizeof(fact)))
			continue;
		if (out[0])
			message_more(out, size, MESSAGE_comma, (const char *const[]){NULL});
		strncat(out, fact, size - strlen(out) - 1);
	}
	return out[0] != '\0';
}

bool unseen_of(const struct report *report, size_t wan)
{
	char facts[FACTS_ROOM];

	return say_facts(report, wan, facts, sizeof(facts));
}

/* ---- of all of them ---- */

/* Not assessed for what was not seen: the wholeness itself, and what a rule says of its own. */
static bool is_blinded(const struct report *report, const struct finding *finding)
{
	if (finding->status != STATUS_NOT_ASSESSED)
		return false;
	return finding->blinded || (strcmp(finding->rule, "A27") == 0 && finding->wan >= 0 &&
	                            unseen_of(report, (size_t)finding->wan));
}

static bool is_told(const struct report *report, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(report->findings[i].rule, report->findings[index].rule) == 0 &&
		    is_blinded(report, &report->findings[i]))
			return true;
	return false;
}

/* "; so 2 checks could not be made (A27, A29)", or "". */
static void say_checks(const struct report *report, char *out, size_t size)
{
	char ids[100] = "", count[TEXT_SHORT];
	size_t n = 0;

	for (size_t i = 0; i < report->n_findings; i++) {
		if (!is_blinded(report, &report->findings[i]) || is_told(report, i) ||
		    n++ >= CHECKS_MAX)
			continue;
		if (ids[0])
			MORE_IN(ids, comma);
		strncat(ids, report->findings[i].rule, sizeof(ids) - strlen(ids) - 1);
	}
	out[0] = '\0';
	if (n > CHECKS_MAX)
		MORE_IN(ids, and_more);
	if (n > 0)
		SAY(out, size, unseen_checks, text_count(count, n), ids);
}

void unseen_tell(struct report *report)
{
	char list[3 * FACTS_ROOM] = "", name[100], facts[FACTS_ROOM], checks[200];
	size_t told = 0;

	report->unseen[0] = '\0';
	for (size_t i = 0; i < report->n_wans; i++) {
		if (!say_facts(report, i, facts, sizeof(facts)) || told++ >= NAMED_MAX)
			continue;
		if (list[0])
			MORE_IN(list, semicolon);
		MORE_IN(list, label_colon, text_safe(name, sizeof(name), report->wans[i].name, 24),
		        facts);
	}
	if (told == 0)
		return;
	if (told > NAMED_MAX)
		MORE_IN(list, and_more);
	say_checks(report, checks, sizeof(checks));
	SAY_IN(report->unseen, not_all_seen, list, checks);
}
