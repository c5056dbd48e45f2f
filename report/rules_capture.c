/* SPDX-License-Identifier: MIT
 *
 * rules_capture.c - the rules about what was captured, and what was not: A27, A29 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "file_flaws.h"
#include "flaws.h"
#include "message.h"
#include "text.h"
#include "thinned.h"
#include "verdict.h"

#define NS 1000000000u

/* ---- A27 ---- */

/* "wan1: nothing was recorded for 12 s of the judged 1 h: suspended 12 s, ... (disk full)." */
static void blind_told(const struct report *report, const struct coverage *coverage,
                       const struct flaws *flaws, const char *name, char *text, size_t size)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], stopped[700], suspended[300];

	coverage_say(coverage, SPAN_STOPPED, report->start_ns, report->end_ns, stopped,
	             sizeof(stopped));
	coverage_say(coverage, SPAN_SUSPENDED, report->start_ns, report->end_ns, suspended,
	             sizeof(suspended));
	if (stopped[0] && suspended[0])
		message_more(stopped, sizeof(stopped), MESSAGE_semicolon,
		             (const char *const[]){NULL});
	strncat(stopped, suspended, sizeof(stopped) - strlen(stopped) - 1);
	if (suspended[0])
		MORE_IN(stopped, disk_full);
	SAY(text, size, blind, name, text_duration(a, flaws->blind_ns),
	    text_duration(b, flaws->judged_ns), stopped);
}

static bool recorder_told(const struct report *report, const struct coverage *coverage,
                          const struct flaws *flaws, const char *name, char *text, size_t size)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT];

	if (flaws_matter(report, flaws, FLAW_BLIND)) {
		blind_told(report, coverage, flaws, name, text, size);
		return true;
	}
	if (flaws_matter(report, flaws, FLAW_MISSING)) {
		SAY(text, size, kernel_counted, name, text_count(a, flaws->kernel),
		    text_count(b, flaws->accounted), text_count(c, flaws->missing));
		return true;
	}
	return false;
}

/* The flaw that matters first, as a sentence, or false when the capture is whole enough. */
static bool flaw_told(const struct report *report, const struct flaws *flaws, const char *name,
                      char *text, size_t size)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], message[FILE_FLAW_TEXT], snaplen[40] = "";

	if (flaws->cut)
		SAY_IN(snaplen, take_160);
	if (flaws_matter(report, flaws, FLAW_DROPS))
		SAY(text, size, flaw_drops, name, text_count(a, flaws->drops),
		    text_count(b, flaws->frames + flaws->drops));
	else if (flaws_matter(report, flaws, FLAW_FILE))
		SAY(text, size, flaw_file, name, file_flaw_say(message, flaws->first_damaged));
	else if (flaws_matter(report, flaws, FLAW_UNREAD))
		SAY(text, size, flaw_unread, name, text_count(a, flaws->unread),
		    text_count(b, flaws->frames));
	else if (flaws_matter(report, flaws, FLAW_UNMAPPED))
		SAY(text, size, flaw_unmapped, name, text_bytes(b, flaws->unmapped),
		    text_bytes(c, flaws->payload), text_count(a, flaws->cut), snaplen);
	else if (flaws_matter(report, flaws, FLAW_BACKWARDS))
		SAY(text, size, flaw_backwards, name, text_count(a, flaws->backwards),
		    text_count(b, flaws->frames));
	else if (flaws_matter(report, flaws, FLAW_EVICTED))
		SAY(text, size, flaw_evicted, name, text_count(a, flaws->evicted),
		    text_count(b, flaws->subflows));
	else
		return false;
	return true;
}

/* " Its recorder warns: stacked (eth0): ..." behind the sentence. False: there is nothing to warn
 * of. */
static bool warnings_told(const struct report_wan *wan, bool complete, char *text, size_t size)
{
	const struct ledger_record *record = wan->ledger->record;
	char list[500] = "";

	for (unsigned i = 0; record && i < record->n_warnings; i++) {
		const struct ledger_warning *warning = &record->warnings[i];
		char words[60], what[2 * LEDGER_WORD + 40];

		if (!coverage_warning(warning->code, complete, words, sizeof(words)))
			continue;
		if (list[0])
			MORE_IN(list, semicolon);
		if (warning->about[0])
			SAY_IN(what, in_brackets, warning->code, warning->about);
		else
			snprintf(what, sizeof(what), "%s", warning->code);
		MORE_IN(list, label_colon, what, words);
	}
	if (list[0])
		message_more(text, size, MESSAGE_recorder_warns, (const char *const[]){list, NULL});
	return list[0] != '\0';
}

/* What the recorder could not prevent, behind the sentence. */
static void repairs_told(const struct ledger_wan *wan, char *text, size_t size)
{
	const struct ledger_counters *c = &wan->counters;
	char count[TEXT_SHORT];

	if (c->repaired_files)
		message_more(text, size, MESSAGE_repaired,
		             (const char *const[]){text_count(count, c->repaired_files), NULL});
	if (c->missing_files)
		message_more(text, size, MESSAGE_missing_files,
		             (const char *const[]){text_count(count, c->missing_files), NULL});
}

static bool skew_told(const struct report_wan *row, const char *name, char *text, size_t size)
{
	char skew[TEXT_SHORT];

	if ((double)row->ledger->skew_ns / NS <= row->limits[LIMIT_SKEW])
		return false;
	SAY(text, size, skewed, name, text_duration(skew, row->ledger->skew_ns));
	return true;
}

static void whole_parts(struct finding *finding, const struct report_wan *wan,
                        const struct flaws *flaws)
{
	verdict_part(finding, "dropped_frames", flaws->drops, 0);
	verdict_part(finding, "unread_frames", flaws->unread, 0);
	verdict_part(finding, "cut_headers", flaws->cut, 0);
	verdict_part(finding, "unmapped_bytes", flaws->unmapped, 0);
	verdict_part(finding, "backwards", flaws->backwards, 0);
	verdict_part(finding, "evicted", flaws->evicted, 0);
	verdict_part(finding, "damaged_files", flaws->damaged, 0);
	if (!wan->coverage.recorded)
		return;
	verdict_part(finding, "blind_ns", flaws->blind_ns, 0);
	verdict_part(finding, "repaired_files", wan->ledger->counters.repaired_files, 0);
	if (flaws->compared && flaws->kernel)
		verdict_part(finding, "of_kernel_frames", flaws->accounted, flaws->kernel);
}

static void whole_passes(struct finding *finding, const struct report_wan *wan,
                         const struct flaws *flaws, const char *name)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], drops[40] = "", proof[128] = "";
	uint64_t seen = flaws->accounted < flaws->kernel ? flaws->accounted : flaws->kernel;

	finding->status = STATUS_PASS;
	text_count(a, seen);
	text_count(b, flaws->kernel);
	if (flaws->compared) {
		SAY_IN(proof, and_complete_of, a, b);
		SAY_IN(finding->brief, complete_of, a, b);
	} else if (wan->ledger->drops_known) {
		SAY_IN(finding->brief, whole);
	} else {
		SAY_IN(finding->brief, whole_drops_unknown);
	}
	if (!wan->ledger->drops_known)
		SAY_IN(drops, drops_unknown);
	SAY_IN(finding->text, nothing_missing, name, drops, proof);
}

static void whole_judge(const struct report *report, struct finding *finding)
{
	const struct report_wan *row = &report->wans[finding->wan];
	const struct ledger_wan *wan = row->ledger;
	struct flaws flaws = flaws_of(report, (size_t)finding->wan);
	char name[100], some[200], *text = finding->text;
	size_t size = sizeof(finding->text);

	text_safe(name, sizeof(name), row->name, 32);
	verdict_observe(finding, "ratio", flaws.drops + flaws.unread, flaws.frames + flaws.drops);
	verdict_limit(report, finding, LIMIT_LOSS_SHARE);
	whole_parts(finding, row, &flaws);
	if (flaws.frames == 0 && !row->coverage.recorded) {
		SAY(text, size, no_frame, name);
	} else if (thinned_words(wan, some, sizeof(some))) {
		SAY(text, size, thinned_no_whole, name, some);
	} else if (flaw_told(report, &flaws, name, text, size)) {
		verdict_show_event(finding, &wan->events[EVENT_HEADER_CUT],
		                   MESSAGE_shows_cut_tcp_header);
		verdict_show_event(finding, &wan->events[EVENT_OPTION_CUT],
		                   MESSAGE_shows_cut_option);
		verdict_show_event(finding, &wan->events[EVENT_BACKWARDS],
		                   MESSAGE_shows_time_goes_backwards);
	} else if (skew_told(row, name, text, size)) {
		verdict_show_event(finding, &wan->events[EVENT_SKEW],
		                   MESSAGE_shows_seen_before_its_cause_on_another_wan);
	} else if (!recorder_told(report, &row->coverage, &flaws, name, text, size)) {
		whole_passes(finding, row, &flaws, name);
	}
	if (warnings_told(row, flaws.compared && !flaws.missing, text, size) &&
	    finding->status == STATUS_PASS)
		finding->status = STATUS_WARN;
	repairs_told(wan, text, size);
}

bool rule_whole(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;

		if (report->wans[i].role.role == ROLE_OFF)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		whole_judge(report, finding);
	}
	return true;
}

/* ---- A29 ---- */

struct silence {
	uint64_t from_ns, to_ns;
	bool heard; /* at least one frame in the judged time */
};

static void silence_keep(struct silence *longest, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns > from_ns && to_ns - from_ns > longest->to_ns - longest->from_ns) {
		longest->from_ns = from_ns;
		longest->to_ns = to_ns;
	}
}

/* A WAN that was absent, down or not recorded was not silent: only what lies between such gaps
 * counts. */
static void silence_try(const struct coverage *coverage, struct silence *longest, uint64_t from_ns,
                        uint64_t to_ns)
{
	for (size_t i = 0; i < coverage->n_gaps; i++) {
		const struct coverage_gap *gap = &coverage->gaps[i];

		if (gap->to_ns <= from_ns || gap->from_ns >= to_ns)
			continue;
		silence_keep(longest, from_ns, gap->from_ns);
		from_ns = gap->to_ns;
	}
	silence_keep(longest, from_ns, to_ns);
}

/* Buckets are in order and do not overlap; silence inside one is shorter than its width. */
static struct silence silence_of(const struct report *report, const struct report_wan *row)
{
	const struct ledger_wan *wan = row->ledger;
	struct silence longest = {report->start_ns, report->start_ns, false};
	uint64_t last = report->start_ns;

	for (size_t i = 0; i < wan->n_buckets; i++) {
		const struct ledger_bucket *bucket = &wan->buckets[i];

		if (bucket->last_ns < report->start_ns || bucket->first_ns > report->end_ns)
			continue;
		longest.heard = true;
		silence_try(&row->coverage, &longest, last, bucket->first_ns);
		if (bucket->last_ns > last)
			last = bucket->last_ns;
	}
	silence_try(&row->coverage, &longest, last, report->end_ns);
	return longest;
}

static bool heard_within(const struct ledger_wan *wan, uint64_t from_ns, uint64_t to_ns)
{
	for (size_t i = 0; i < wan->n_buckets; i++) {
		const struct ledger_bucket *bucket = &wan->buckets[i];

		if ((bucket->first_ns > from_ns && bucket->first_ns < to_ns) ||
		    (bucket->last_ns > from_ns && bucket->last_ns < to_ns))
			return true;
	}
	return false;
}

static bool tracker_pinged(const struct report *report, const struct ledger_wan *wan)
{
	for (size_t i = 0; i < wan->n_cells; i++) {
		uint16_t app = wan->cells[i].app;

		if (app < report->ledger->n_apps &&
		    strcmp(report->ledger->apps[app], "icmp-tracker") == 0 &&
		    wan->cells[i].sum.frames > 0)
			return true;
	}
	return false;
}

static bool keepalive_across(const struct report *report, uint32_t wan,
                             const struct silence *silence)
{
	const struct ledger *ledger = report->ledger;

	for (size_t i = 0; i < ledger->n_connections; i++) {
		for (size_t k = 0; k < ledger->connections[i].n_subflows; k++) {
			const struct ledger_subflow *subflow = &ledger->connections[i].subflows[k];

			if (subflow->wan == wan && subflow->kinds[KIND_KEEPALIVE].frames > 1 &&
			    subflow->first_ns <= silence->from_ns &&
			    subflow->last_ns >= silence->to_ns)
				return true;
		}
	}
	return false;
}

static bool traffic_was_certain(const struct report *report, uint32_t wan,
                                const struct silence *silence)
{
	bool others = false;

	for (size_t i = 0; i < report->n_wans; i++)
		others = others || (i != wan && heard_within(report->wans[i].ledger,
		                                             silence->from_ns, silence->to_ns));
	return others && silence->heard &&
	       (tracker_pinged(report, report->wans[wan].ledger) ||
	        keepalive_across(report, wan, silence));
}

/* For how long the primaries' captures go on before this WAN's first moment and after its last one.
 * The judged time ends there, so such a silence is not in it; a capture cannot say whether the WAN
 * was silent or its recording had stopped, unless it is our recorder's. */
static uint64_t outlived_ns(const struct report *report, const struct report_wan *wan)
{
	uint64_t most = 0, first, last, own_first, own_last;

	if (!report_extent(wan, &own_first, &own_last))
		return 0;
	for (size_t i = 0; i < report->n_wans; i++) {
		if (!(report->primaries >> i & 1) ||
		    !report_extent(&report->wans[i], &first, &last))
			continue;
		if (own_first > first && own_first - first > most)
			most = own_first - first;
		if (last > own_last && last - own_last > most)
			most = last - own_last;
	}
	return most;
}

/* The WAN was hardly there, or hardly watched. False: it was. */
static bool silence_moot(const struct report *report, struct finding *finding)
{
	const struct report_wan *wan = &report->wans[finding->wan];
	const uint64_t *ns = wan->coverage.judged_ns;
	uint64_t gone = ns[SPAN_ABSENT] + ns[SPAN_DOWN];
	uint64_t judged = report->end_ns - report->start_ns;
	char name[100], length[TEXT_SHORT];

	if (!wan->coverage.recorded || ns[SPAN_COVERED] >= NS || judged < NS)
		return false;
	text_safe(name, sizeof(name), wan->name, 32);
	text_duration(length, judged);
	if (gone < judged - gone) {
		finding->blinded = true;
		SAY_IN(finding->text, not_recorded, name, length);
		return true;
	}
	finding->status = STATUS_WARN;
	verdict_observe(finding, "seconds", gone, NS);
	verdict_limit(report, finding, LIMIT_SILENCE);
	if (ns[SPAN_DOWN] == 0)
		SAY_IN(finding->text, was_absent, name, length);
	else if (ns[SPAN_ABSENT] == 0)
		SAY_IN(finding->text, was_down, name, length);
	else
		SAY_IN(finding->text, was_gone, name, length);
	return true;
}

/* "; it was absent 39 min, ..., and down 2 times, ..." behind the longest silence. */
static void gaps_told(const struct report *report, const struct coverage *coverage, char *text,
                      size_t size)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED,
	                                         SPAN_STOPPED};
	char some[300], list[900] = "";

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!coverage_say(coverage, states[i], report->start_ns, report->end_ns, some,
		                  sizeof(some)))
			continue;
		if (list[0])
			MORE_IN(list, semicolon);
		strncat(list, some, sizeof(list) - strlen(list) - 1);
	}
	if (list[0])
		message_more(text, size, MESSAGE_not_counted, (const char *const[]){list, NULL});
}

/* The longest silence is judged; what keeps it from passing stands in `note`. */
static void silence_grade(const struct report *report, struct finding *finding,
                          const struct silence *silence, char *note, size_t size)
{
	const struct report_wan *row = &report->wans[finding->wan];
	double limit = finding->limit, width = ledger_widths_s[report->ledger->width];
	uint64_t outlived = outlived_ns(report, row);
	char length[TEXT_SHORT];

	if (finding->value > limit && silence->to_ns > row->coverage.until_ns) {
		finding->blinded = true;
		SAY(note, size, more_gaps);
	} else if (finding->value > limit) {
		bool certain = traffic_was_certain(report, (uint32_t)finding->wan, silence);

		finding->status = certain ? STATUS_FAIL : STATUS_WARN;
		if (certain)
			SAY(note, size, pings_due);
	} else if (!silence->heard) {
		SAY(note, size, not_one_frame);
	} else if (width > limit) {
		SAY(note, size, buckets_too_wide);
	} else if (report->options.filter || row->ledger->filtered) {
		finding->blinded = true;
		SAY(note, size, filter_hides);
	} else if ((double)outlived / NS > limit) {
		SAY(note, size, outlived, text_duration(length, outlived));
	} else {
		finding->status = STATUS_PASS;
		if ((double)(report->end_ns - report->start_ns) / NS < limit)
			SAY(note, size, shorter_than_limit);
	}
}

static void silence_judge(const struct report *report, struct finding *finding)
{
	const struct report_wan *row = &report->wans[finding->wan];
	struct silence silence = silence_of(report, row);
	char name[100], length[TEXT_SHORT], window[TEXT_SHORT], since[MESSAGE_TIME],
		limit[TEXT_SHORT], note[160] = "";

	if (silence_moot(report, finding))
		return;
	verdict_observe(finding, "seconds", silence.to_ns - silence.from_ns, NS);
	verdict_limit(report, finding, LIMIT_SILENCE);
	silence_grade(report, finding, &silence, note, sizeof(note));
	text_duration(length, silence.to_ns - silence.from_ns);
	text_duration(window, report->end_ns - report->start_ns);
	SAY_IN(finding->brief, longest_of, length, window);
	SAY_IN(finding->text, longest_silence, text_safe(name, sizeof(name), row->name, 32), length,
	       message_time(since, silence.from_ns), text_figure(limit, finding->limit), window,
	       note);
	gaps_told(report, &row->coverage, finding->text, sizeof(finding->text));
}

bool rule_silence(struct report *report, const struct rule *rule)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		struct finding *finding;

		if (report->wans[i].role.role != ROLE_BACKUP)
			continue;
		finding = verdict_add(report, rule, (int)i);
		if (!finding)
			return false;
		if (report->window)
			silence_judge(report, finding);
		else
			SAY_IN(finding->text, no_shared_time);
	}
	return true;
}
