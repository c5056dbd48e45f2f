/* SPDX-License-Identifier: MIT
 *
 * rules_link.c - the rules about links and captures: A6, A23, A27, A29 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "verdict.h"

#define NS 1000000000u

static double limit_of(const struct report *report, size_t wan, enum limit limit)
{
	return report->wans[wan].limits[limit];
}

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
	char from[160];

	if (role->source != FROM_UCI && role->source != FROM_CONFIG)
		snprintf(out, size, "%s", role_names[role->role]);
	else
		snprintf(out, size, "%s (%s)", role_names[role->role],
		         text_safe(from, sizeof(from), role->from, 80));
	return out;
}

static void role_judge(struct finding *finding, const struct signs *signs, const char *name,
                       const struct wan_role *wan_role)
{
	char role[200];
	uint64_t joins = signs->agree->count + signs->against->count;
	char against[TEXT_SHORT], of[TEXT_SHORT], when[TEXT_SHORT] = "";
	bool backup = wan_role->role == ROLE_BACKUP;
	const char *asks = backup ? "lack the backup flag" : "carry the backup flag";
	const struct ledger_event *change =
		signs->prio_against->count ? signs->prio_against : signs->prio_agree;

	role_said(role, sizeof(role), wan_role);
	text_count(against, signs->against->count);
	text_count(of, joins);
	if (change->count && change->first.count)
		text_moment(when, change->first.frames[0].ts_ns);
	if (signs->prio_against->count > 0 ||
	    (signs->prio_agree->count > 0 && signs->against->count > 0)) {
		finding->status = STATUS_WARN;
		snprintf(finding->text, sizeof(finding->text),
		         "%s is configured as %s; MP_PRIO changed its role%s%s, so it was not that "
		         "all the time.",
		         name, role, when[0] ? " at " : "", when);
		verdict_show_event(finding, change, "MP_PRIO");
	} else if (signs->against->count > 0 && signs->agree->count > 0) {
		finding->status = STATUS_WARN;
		snprintf(finding->text, sizeof(finding->text),
		         "%s is configured as %s, but %s of its %s joins %s: its role changed, or "
		         "its endpoints differ.",
		         name, role, against, of, asks);
		verdict_show_event(finding, signs->against, "join that says otherwise");
	} else if (signs->against->count > 0) {
		finding->status = STATUS_FAIL;
		snprintf(finding->text, sizeof(finding->text),
		         "%s is configured as %s, but its joins (%s) %s and no MP_PRIO follows: "
		         "the kernel treats it as %s.",
		         name, role, of, asks, backup ? "a normal WAN" : "a backup");
		verdict_show_event(finding, signs->against, "join that says otherwise");
	} else {
		finding->status = STATUS_PASS;
		snprintf(finding->text, sizeof(finding->text),
		         "%s is %s on the wire too (joins: %s, MP_PRIO: %llu).", name, role, of,
		         (unsigned long long)signs->prio_agree->count);
		snprintf(finding->brief, sizeof(finding->brief), "as configured (%s join%s)", of,
		         joins == 1 ? "" : "s");
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
		snprintf(finding->text, sizeof(finding->text),
		         "The role of %s was read from the wire, so the wire cannot check it.",
		         name);
	} else if (seen == 0) {
		if (wan->role.role != ROLE_BACKUP)
			finding->status = STATUS_NOT_APPLICABLE;
		snprintf(finding->text, sizeof(finding->text),
		         "No join and no MP_PRIO from %s's side was seen: nothing says its role.",
		         name);
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

/* What lost it most often, in words. */
static const char *stripped_cause(const struct ledger_event *e)
{
	static const struct {
		enum event event;
		const char *words;
	} causes[] = {
		{EVENT_CAPABLE_PLAIN, ": the answer came without MP_CAPABLE, so the server or a "
	                              "box on the way does not do "
	                              "MPTCP"},
		{EVENT_CAPABLE_VERSION, ": the two ends speak different versions of MPTCP (kernel "
	                                "5.4 is v0, 5.15 and later "
	                                "v1)"},
		{EVENT_CAPABLE_STRIPPED_LATER, ": it was taken away after the handshake"},
		{EVENT_JOIN_PLAIN,
	         ": joins were answered without MP_JOIN, so a box on this WAN strips MPTCP"},
	};
	const char *words = "";
	uint64_t most = 0;

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (e[causes[i].event].count <= most)
			continue;
		most = e[causes[i].event].count;
		words = causes[i].words;
	}
	return words;
}

bool rule_stripped(struct report *report, const struct rule *rule)
{
	static const struct {
		enum event event;
		const char *note;
	} bad[] = {
		{EVENT_CAPABLE_PLAIN, "answered without MP_CAPABLE"},
		{EVENT_CAPABLE_VERSION, "answered with another MPTCP version"},
		{EVENT_CAPABLE_STRIPPED_LATER, "MPTCP lost after the handshake"},
		{EVENT_JOIN_PLAIN, "join answered without MP_JOIN"},
	};

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_event *e = report->wans[i].ledger->events;
		uint64_t opened = e[EVENT_CAPABLE_SYN].count + e[EVENT_JOIN_SYN].count, lost = 0;
		struct finding *finding = verdict_add(report, rule, (int)i);
		char name[100], percent[TEXT_SHORT], extent[40];

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
			snprintf(finding->text, sizeof(finding->text), "No MPTCP handshake on %s.",
			         name);
			continue;
		}
		finding->status = finding->value > finding->limit ? STATUS_FAIL : STATUS_PASS;
		snprintf(finding->text, sizeof(finding->text),
		         "%s: MPTCP was lost on %llu of %llu handshakes (%s, %s)%s.", name,
		         (unsigned long long)lost, (unsigned long long)opened,
		         text_percent(percent, lost, opened),
		         report_say_extent(report, extent, sizeof(extent)),
		         stripped_cause(e));
		snprintf(finding->brief, sizeof(finding->brief), "%llu of %llu handshakes",
		         (unsigned long long)lost, (unsigned long long)opened);
		for (size_t k = 0; lost > 0 && k < sizeof(bad) / sizeof(*bad); k++)
			verdict_show_event(finding, &e[bad[k].event], bad[k].note);
	}
	return true;
}

/* ---- A27 ---- */

/* A frame or two out of order by microseconds are in most captures of several queues; a ledger
 * counts such steps without their size, so only many of them say that the clock is not to be
 * trusted. */
#define BACKWARDS_FEW   10
#define BACKWARDS_SHARE 0.01

/* What is missing from a WAN's capture, in frames except where it says bytes. */
struct flaws {
	size_t wan;
	uint64_t frames, payload; /* seen */
	uint64_t drops, unread, cut, backwards, unmapped;
	uint64_t evicted, subflows; /* lost mappings show as unmapped bytes */
	size_t damaged;             /* files with a message */
	const char *message;        /* of the first of them */

	/* what the recorder says: time without anybody watching, of the judged time; frames the
	 * kernel counted beside those seen or counted as dropped in the same time */
	uint64_t blind_ns, judged_ns;
	bool compared;
	uint64_t kernel, accounted, missing;
};

static struct flaws flaws_of(const struct report *report, size_t index)
{
	const struct report_wan *wan = &report->wans[index];
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct ledger_event *e = wan->ledger->events;
	struct flaws flaws = {
		.wan = index,
		.frames = wan->whole.total.frames,
		.payload = wan->whole.total.payload_bytes,
		.drops = c->dropped_frames,
		/* a cut header cuts its options too: both events of one frame are one frame */
		.cut = e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                       ? e[EVENT_HEADER_CUT].count
	                       : e[EVENT_OPTION_CUT].count,
		.backwards = e[EVENT_BACKWARDS].count,
		.evicted = c->subflows_evicted,
		.subflows = c->subflows_evicted + c->initial_subflows + c->joined_subflows,
		.unmapped = c->unmapped_bytes + c->pending_evicted_bytes,
		.judged_ns = report->end_ns - report->start_ns,
		.kernel = c->kernel_frames,
		.accounted = c->kernel_seen_frames + c->kernel_seen_dropped,
	};
	/* A super-frame is one frame here and several there; of filtered ones nobody knows. */
	flaws.compared =
		c->kernel_spans > 0 && !wan->ledger->filtered && e[EVENT_SUPER_FRAME].count == 0;
	/* a frame that is just passing is counted on one side of a note and stamped on the other */
	if (flaws.compared && flaws.kernel > flaws.accounted + 2 * c->kernel_spans)
		flaws.missing = flaws.kernel - flaws.accounted;
	for (unsigned s = 0; s < SPAN_COUNT; s++)
		flaws.blind_ns += coverage_is_blind(s) ? wan->coverage.judged_ns[s] : 0;

	for (size_t d = 0; d < DIR_COUNT; d++)
		flaws.unread += wan->whole.kinds[d][KIND_UNREAD].frames;
	for (size_t i = 0; i < report->ledger->n_files; i++) {
		if (report->ledger->files[i].wan != index || !report->ledger->files[i].message)
			continue;
		if (!flaws.damaged++)
			flaws.message = report->ledger->files[i].message;
	}
	return flaws;
}

/* "wan1: nothing was recorded for 12 s of the judged 1 h: suspended 12 s, ... (disk full)." */
static void blind_told(const struct report *report, const struct coverage *coverage,
                       const struct flaws *flaws, const char *name, char *text, size_t size)
{
	char a[TEXT_SHORT], b[TEXT_SHORT], stopped[300], suspended[300];

	coverage_say(coverage, SPAN_STOPPED, report->start_ns, report->end_ns, stopped,
	             sizeof(stopped));
	coverage_say(coverage, SPAN_SUSPENDED, report->start_ns, report->end_ns, suspended,
	             sizeof(suspended));
	snprintf(text, size,
	         "%s: nothing was recorded for %s of the judged %s (%s%s%s%s); what passed then is "
	         "not known.",
	         name, text_duration(a, flaws->blind_ns), text_duration(b, flaws->judged_ns),
	         stopped, stopped[0] && suspended[0] ? "; " : "", suspended,
	         suspended[0] ? ", the disk took nothing" : "");
}

static bool recorder_told(const struct report *report, const struct coverage *coverage,
                          const struct flaws *flaws, const char *name, char *text, size_t size)
{
	double limit = limit_of(report, flaws->wan, LIMIT_LOSS_SHARE);
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT];

	if ((double)flaws->blind_ns > limit * (double)flaws->judged_ns) {
		blind_told(report, coverage, flaws, name, text, size);
		return true;
	}
	if ((double)flaws->missing > limit * (double)flaws->kernel) {
		snprintf(text, size,
		         "%s: the device carried %s frames by the kernel's count, the capture saw "
		         "%s of them: %s passed beside it (hardware offload?).",
		         name, text_count(a, flaws->kernel), text_count(b, flaws->accounted),
		         text_count(c, flaws->missing));
		return true;
	}
	return false;
}

/* The flaw that matters first, as a sentence, or false when the capture is whole enough. */
static bool flaw_told(const struct report *report, const struct flaws *flaws, const char *name,
                      char *text, size_t size)
{
	double some = limit_of(report, flaws->wan, LIMIT_LOSS_SHARE) * (double)flaws->frames;
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], message[260];

	if ((double)flaws->drops >
	    limit_of(report, flaws->wan, LIMIT_LOSS_SHARE) * (double)(flaws->frames + flaws->drops))
		snprintf(text, size, "%s: the capture lost %s of %s frames.", name,
		         text_count(a, flaws->drops), text_count(b, flaws->frames + flaws->drops));
	else if (flaws->damaged)
		snprintf(text, size, "%s: %s.", name,
		         text_safe(message, sizeof(message), flaws->message, 200));
	else if ((double)flaws->unread > some)
		snprintf(text, size, "%s: %s of %s frames could not be read.", name,
		         text_count(a, flaws->unread), text_count(b, flaws->frames));
	else if ((double)flaws->unmapped >
	         limit_of(report, flaws->wan, LIMIT_LOSS_SHARE) * (double)flaws->payload)
		snprintf(text, size,
		         "%s: %s of %s of payload have no mapping, headers are cut in %s frames%s.",
		         name, text_bytes(b, flaws->unmapped), text_bytes(c, flaws->payload),
		         text_count(a, flaws->cut),
		         flaws->cut ? "; capture with a snaplen of 160" : "");
	else if (flaws->backwards > BACKWARDS_FEW &&
	         (double)flaws->backwards > BACKWARDS_SHARE * (double)flaws->frames)
		snprintf(text, size, "%s: time goes backwards %s times in %s frames.", name,
		         text_count(a, flaws->backwards), text_count(b, flaws->frames));
	else if ((double)flaws->evicted >
	         limit_of(report, flaws->wan, LIMIT_LOSS_SHARE) * (double)flaws->subflows)
		snprintf(text, size, "%s: %s of %s subflows were given up to bound memory.", name,
		         text_count(a, flaws->evicted), text_count(b, flaws->subflows));
	else
		return false;
	return true;
}

/* " Its recorder warns: stacked (eth0): ..." behind the sentence. False: there is nothing to warn
 * of. */
static bool warnings_told(const struct report_wan *wan, bool complete, char *text, size_t size)
{
	const struct ledger_record *record = wan->ledger->record;
	size_t used = strlen(text);
	bool told = false;

	for (unsigned i = 0; record && i < record->n_warnings && used < size; i++) {
		const struct ledger_warning *warning = &record->warnings[i];
		char words[60];
		int n;

		if (!coverage_warning(warning->code, complete, words, sizeof(words)))
			continue;
		n = snprintf(text + used, size - used, "%s %s%s%s%s: %s",
		             told ? ";" : " Its recorder warns:", warning->code,
		             warning->about[0] ? " (" : "", warning->about,
		             warning->about[0] ? ")" : "", words);
		used += n > 0 ? (size_t)n : 0;
		told = true;
	}
	if (told && used + 1 < size)
		snprintf(text + used, size - used, ".");
	return told;
}

/* What the recorder could not prevent, behind the sentence. */
static void repairs_told(const struct ledger_wan *wan, char *text, size_t size)
{
	const struct ledger_counters *c = &wan->counters;
	size_t used = strlen(text);
	char a[TEXT_SHORT];

	if (c->repaired_files && used < size)
		used += (size_t)snprintf(
			text + used, size - used,
			" %s file%s cut off and repaired: what was lost at the end is not known.",
			text_count(a, c->repaired_files),
			c->repaired_files == 1 ? " was" : "s were");
	if (c->missing_files && used < size)
		snprintf(text + used, size - used, " %s file%s of the series lack%s.",
		         text_count(a, c->missing_files), c->missing_files == 1 ? "" : "s",
		         c->missing_files == 1 ? "s" : "");
}

static bool skew_told(const struct report_wan *row, const char *name, char *text, size_t size)
{
	char skew[TEXT_SHORT];

	if ((double)row->ledger->skew_ns / NS <= row->limits[LIMIT_SKEW])
		return false;
	snprintf(text, size,
	         "%s: its clock and that of another capture differ by at least %s; correct it with "
	         "--shift %s=SECONDS.",
	         name, text_duration(skew, row->ledger->skew_ns), name);
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
	char a[TEXT_SHORT], b[TEXT_SHORT], proof[128] = "";
	uint64_t seen = flaws->accounted < flaws->kernel ? flaws->accounted : flaws->kernel;

	finding->status = STATUS_PASS;
	if (flaws->compared) {
		snprintf(proof, sizeof(proof), "complete: %s of %s frames the kernel counted",
		         text_count(a, seen), text_count(b, flaws->kernel));
		snprintf(finding->brief, sizeof(finding->brief), "%.*s",
		         (int)sizeof(finding->brief) - 1, proof);
	} else {
		snprintf(finding->brief, sizeof(finding->brief), "%s",
		         wan->ledger->drops_known ? "whole" : "whole (drops not known)");
	}
	snprintf(finding->text, sizeof(finding->text), "%s: nothing missing was found%s%s%s.", name,
	         wan->ledger->drops_known ? "" : "; the file format does not record drops",
	         proof[0] ? "; " : "", proof);
}

static void whole_judge(const struct report *report, struct finding *finding)
{
	const struct report_wan *row = &report->wans[finding->wan];
	const struct ledger_wan *wan = row->ledger;
	struct flaws flaws = flaws_of(report, (size_t)finding->wan);
	char name[100], *text = finding->text;
	size_t size = sizeof(finding->text);

	text_safe(name, sizeof(name), row->name, 32);
	verdict_observe(finding, "ratio", flaws.drops + flaws.unread, flaws.frames + flaws.drops);
	verdict_limit(report, finding, LIMIT_LOSS_SHARE);
	whole_parts(finding, row, &flaws);
	if (flaws.frames == 0 && !row->coverage.recorded) {
		snprintf(text, size, "%s: the capture holds no frame.", name);
	} else if (flaw_told(report, &flaws, name, text, size)) {
		verdict_show_event(finding, &wan->events[EVENT_HEADER_CUT], "cut TCP header");
		verdict_show_event(finding, &wan->events[EVENT_OPTION_CUT], "cut option");
		verdict_show_event(finding, &wan->events[EVENT_BACKWARDS], "time goes backwards");
	} else if (skew_told(row, name, text, size)) {
		verdict_show_event(finding, &wan->events[EVENT_SKEW],
		                   "seen before its cause on another WAN");
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
		snprintf(finding->text, sizeof(finding->text),
		         "%s was not recorded in the judged time (%s).", name, length);
		return true;
	}
	finding->status = STATUS_WARN;
	verdict_observe(finding, "seconds", gone, NS);
	verdict_limit(report, finding, LIMIT_SILENCE);
	snprintf(finding->text, sizeof(finding->text),
	         "%s was %s in the whole judged time (%s): there was no backup, and nothing shows "
	         "that it would have worked.",
	         name,
	         ns[SPAN_DOWN] == 0     ? "absent"
	         : ns[SPAN_ABSENT] == 0 ? "down"
	                                : "absent or down",
	         length);
	return true;
}

/* "; it was absent 39 min, ..., and down 2 times, ..." behind the longest silence. */
static void gaps_told(const struct report *report, const struct coverage *coverage, char *text,
                      size_t size)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED,
	                                         SPAN_STOPPED};
	char some[200];
	size_t used = strlen(text);
	bool told = false;

	for (size_t i = 0; i < sizeof(states) / sizeof(*states) && used < size; i++) {
		int n;

		if (!coverage_say(coverage, states[i], report->start_ns, report->end_ns, some,
		                  sizeof(some)))
			continue;
		n = snprintf(text + used, size - used, "%s%s", told ? "; " : " Not counted: ", some);
		used += n > 0 ? (size_t)n : 0;
		told = true;
	}
	if (told && used + 1 < size)
		snprintf(text + used, size - used, ".");
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
		snprintf(note, size, "; but it had more gaps than are listed, perhaps there");
	} else if (finding->value > limit) {
		bool certain = traffic_was_certain(report, (uint32_t)finding->wan, silence);

		finding->status = certain ? STATUS_FAIL : STATUS_WARN;
		snprintf(note, size, "%s", certain ? "; pings or keepalives were due" : "");
	} else if (!silence->heard) {
		snprintf(note, size, "; not one frame in this short time");
	} else if (width > limit) {
		snprintf(note, size, "; the ledger's buckets are too wide to see shorter ones");
	} else if (report->options.filter || row->ledger->filtered) {
		snprintf(note, size, "; a filter hides frames");
	} else if ((double)outlived / NS > limit) {
		snprintf(note, size,
		         "; but a primary's capture goes on for %s without it: it was silent, or "
		         "its recording stopped",
		         text_duration(length, outlived));
	} else {
		finding->status = STATUS_PASS;
		if ((double)(report->end_ns - report->start_ns) / NS < limit)
			snprintf(note, size, "; the time is shorter than the limit");
	}
}

static void silence_judge(const struct report *report, struct finding *finding)
{
	const struct report_wan *row = &report->wans[finding->wan];
	struct silence silence = silence_of(report, row);
	char name[100], length[TEXT_SHORT], window[TEXT_SHORT], since[TEXT_SHORT], note[160] = "";

	if (silence_moot(report, finding))
		return;
	verdict_observe(finding, "seconds", silence.to_ns - silence.from_ns, NS);
	verdict_limit(report, finding, LIMIT_SILENCE);
	silence_grade(report, finding, &silence, note, sizeof(note));
	snprintf(finding->brief, sizeof(finding->brief), "longest %s of %s",
	         text_duration(length, silence.to_ns - silence.from_ns),
	         text_duration(window, report->end_ns - report->start_ns));
	snprintf(finding->text, sizeof(finding->text),
	         "%s: longest silence %s, from %s (limit %g s, judged time %s)%s.",
	         text_safe(name, sizeof(name), row->name, 32),
	         text_duration(length, silence.to_ns - silence.from_ns),
	         text_moment(since, silence.from_ns), finding->limit,
	         text_duration(window, report->end_ns - report->start_ns), note);
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
			snprintf(finding->text, sizeof(finding->text),
			         "The captures share no time.");
	}
	return true;
}
