/* SPDX-License-Identifier: MIT
 *
 * rules_link.c - the rules about links and captures: A6, A23, A27, A29 (see verdict.h).
 */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "verdict.h"

#define NS 1000000000u

static double limit_of(const struct report *report, enum limit limit)
{
	return report->policy->limits[limit];
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

static void role_judge(struct finding *finding, const struct signs *signs, const char *name,
                       const char *role)
{
	uint64_t joins = signs->agree->count + signs->against->count;
	char against[TEXT_SHORT], of[TEXT_SHORT], when[TEXT_SHORT] = "";
	bool backup = strcmp(role, role_names[ROLE_BACKUP]) == 0;
	const char *asks = backup ? "lack the backup flag" : "carry the backup flag";
	const struct ledger_event *change =
		signs->prio_against->count ? signs->prio_against : signs->prio_agree;

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
		role_judge(finding, &signs, name, role_names[wan->role.role]);
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
		char name[100], percent[TEXT_SHORT];

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
		         "%s: MPTCP was lost on %llu of %llu handshakes (%s, whole capture)%s.",
		         name, (unsigned long long)lost, (unsigned long long)opened,
		         text_percent(percent, lost, opened), stripped_cause(e));
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
	uint64_t frames, payload; /* seen */
	uint64_t drops, unread, cut, backwards, unmapped;
	uint64_t evicted, subflows; /* lost mappings show as unmapped bytes */
	size_t damaged;             /* files with a message */
	const char *message;        /* of the first of them */
};

static struct flaws flaws_of(const struct report *report, size_t index)
{
	const struct report_wan *wan = &report->wans[index];
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct ledger_event *e = wan->ledger->events;
	struct flaws flaws = {
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
	};

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

/* The flaw that matters first, as a sentence, or false when the capture is whole enough. */
static bool flaw_told(const struct report *report, const struct flaws *flaws, const char *name,
                      char *text, size_t size)
{
	double some = limit_of(report, LIMIT_LOSS_SHARE) * (double)flaws->frames;
	char a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], message[260];

	if ((double)flaws->drops >
	    limit_of(report, LIMIT_LOSS_SHARE) * (double)(flaws->frames + flaws->drops))
		snprintf(text, size, "%s: the capture lost %s of %s frames.", name,
		         text_count(a, flaws->drops), text_count(b, flaws->frames + flaws->drops));
	else if (flaws->damaged)
		snprintf(text, size, "%s: %s.", name,
		         text_safe(message, sizeof(message), flaws->message, 200));
	else if ((double)flaws->unread > some)
		snprintf(text, size, "%s: %s of %s frames could not be read.", name,
		         text_count(a, flaws->unread), text_count(b, flaws->frames));
	else if ((double)flaws->unmapped >
	         limit_of(report, LIMIT_LOSS_SHARE) * (double)flaws->payload)
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
	         limit_of(report, LIMIT_LOSS_SHARE) * (double)flaws->subflows)
		snprintf(text, size, "%s: %s of %s subflows were given up to bound memory.", name,
		         text_count(a, flaws->evicted), text_count(b, flaws->subflows));
	else
		return false;
	return true;
}

static bool skew_told(const struct report *report, const struct ledger_wan *wan, const char *name,
                      char *text, size_t size)
{
	char skew[TEXT_SHORT];

	if ((double)wan->skew_ns / NS <= limit_of(report, LIMIT_SKEW))
		return false;
	snprintf(text, size,
	         "%s: its clock and that of another capture differ by at least %s; correct it with "
	         "--shift %s=SECONDS.",
	         name, text_duration(skew, wan->skew_ns), name);
	return true;
}

static void whole_judge(const struct report *report, struct finding *finding)
{
	const struct ledger_wan *wan = report->wans[finding->wan].ledger;
	struct flaws flaws = flaws_of(report, (size_t)finding->wan);
	char name[100];

	text_safe(name, sizeof(name), report->wans[finding->wan].name, 32);
	verdict_observe(finding, "ratio", flaws.drops + flaws.unread, flaws.frames + flaws.drops);
	verdict_limit(report, finding, LIMIT_LOSS_SHARE);
	verdict_part(finding, "dropped_frames", flaws.drops, 0);
	verdict_part(finding, "unread_frames", flaws.unread, 0);
	verdict_part(finding, "cut_headers", flaws.cut, 0);
	verdict_part(finding, "unmapped_bytes", flaws.unmapped, 0);
	verdict_part(finding, "backwards", flaws.backwards, 0);
	verdict_part(finding, "evicted", flaws.evicted, 0);
	verdict_part(finding, "damaged_files", flaws.damaged, 0);
	if (flaws.frames == 0) {
		snprintf(finding->text, sizeof(finding->text), "%s: the capture holds no frame.",
		         name);
	} else if (flaw_told(report, &flaws, name, finding->text, sizeof(finding->text))) {
		verdict_show_event(finding, &wan->events[EVENT_HEADER_CUT], "cut TCP header");
		verdict_show_event(finding, &wan->events[EVENT_OPTION_CUT], "cut option");
		verdict_show_event(finding, &wan->events[EVENT_BACKWARDS], "time goes backwards");
	} else if (skew_told(report, wan, name, finding->text, sizeof(finding->text))) {
		verdict_show_event(finding, &wan->events[EVENT_SKEW],
		                   "seen before its cause on another WAN");
	} else {
		finding->status = STATUS_PASS;
		snprintf(finding->brief, sizeof(finding->brief), "%s",
		         wan->drops_known ? "whole" : "whole (drops not known)");
		snprintf(finding->text, sizeof(finding->text), "%s: nothing missing was found%s.",
		         name, wan->drops_known ? "" : "; the file format does not record drops");
	}
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

static void silence_try(struct silence *longest, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns > from_ns && to_ns - from_ns > longest->to_ns - longest->from_ns) {
		longest->from_ns = from_ns;
		longest->to_ns = to_ns;
	}
}

/* Buckets are in order and do not overlap; silence inside one is shorter than its width. */
static struct silence silence_of(const struct report *report, const struct ledger_wan *wan)
{
	struct silence longest = {report->start_ns, report->start_ns, false};
	uint64_t last = report->start_ns;

	for (size_t i = 0; i < wan->n_buckets; i++) {
		const struct ledger_bucket *bucket = &wan->buckets[i];

		if (bucket->last_ns < report->start_ns || bucket->first_ns > report->end_ns)
			continue;
		longest.heard = true;
		silence_try(&longest, last, bucket->first_ns);
		if (bucket->last_ns > last)
			last = bucket->last_ns;
	}
	silence_try(&longest, last, report->end_ns);
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

/* For how long the primaries' captures go on before this WAN's first frame and after its last one.
 * The judged time ends there, so such a silence is not in it; a capture cannot say whether the WAN
 * was silent or its recording had stopped. */
static uint64_t outlived_ns(const struct report *report, const struct ledger_wan *wan)
{
	uint64_t most = 0;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_wan *other = report->wans[i].ledger;

		if (!(report->primaries >> i & 1) || other->n_buckets == 0 || wan->n_buckets == 0)
			continue;
		if (wan->buckets[0].first_ns > other->buckets[0].first_ns &&
		    wan->buckets[0].first_ns - other->buckets[0].first_ns > most)
			most = wan->buckets[0].first_ns - other->buckets[0].first_ns;
		if (other->buckets[other->n_buckets - 1].last_ns >
		            wan->buckets[wan->n_buckets - 1].last_ns &&
		    other->buckets[other->n_buckets - 1].last_ns -
		                    wan->buckets[wan->n_buckets - 1].last_ns >
		            most)
			most = other->buckets[other->n_buckets - 1].last_ns -
			       wan->buckets[wan->n_buckets - 1].last_ns;
	}
	return most;
}

static void silence_judge(const struct report *report, struct finding *finding)
{
	uint32_t wan = (uint32_t)finding->wan;
	const struct ledger_wan *row = report->wans[wan].ledger;
	struct silence silence = silence_of(report, row);
	double limit = limit_of(report, LIMIT_SILENCE),
	       width = ledger_widths_s[report->ledger->width];
	uint64_t outlived = outlived_ns(report, row);
	char name[100], length[TEXT_SHORT], window[TEXT_SHORT], since[TEXT_SHORT], note[160] = "";

	verdict_observe(finding, "seconds", silence.to_ns - silence.from_ns, NS);
	verdict_limit(report, finding, LIMIT_SILENCE);
	if (finding->value > limit) {
		bool certain = traffic_was_certain(report, wan, &silence);

		finding->status = certain ? STATUS_FAIL : STATUS_WARN;
		snprintf(note, sizeof(note), "%s", certain ? "; pings or keepalives were due" : "");
	} else if (!silence.heard) {
		snprintf(note, sizeof(note), "; not one frame in this short time");
	} else if (width > limit) {
		snprintf(note, sizeof(note),
		         "; the ledger's buckets are too wide to see shorter ones");
	} else if (report->options.filter || row->filtered) {
		snprintf(note, sizeof(note), "; a filter hides frames");
	} else if ((double)outlived / NS > limit) {
		snprintf(note, sizeof(note),
		         "; but a primary's capture goes on for %s without it: it was silent, or "
		         "its recording stopped",
		         text_duration(length, outlived));
	} else {
		finding->status = STATUS_PASS;
		if ((double)(report->end_ns - report->start_ns) / NS < limit)
			snprintf(note, sizeof(note), "; the time is shorter than the limit");
	}
	snprintf(finding->brief, sizeof(finding->brief), "longest %s of %s",
	         text_duration(length, silence.to_ns - silence.from_ns),
	         text_duration(window, report->end_ns - report->start_ns));
	snprintf(finding->text, sizeof(finding->text),
	         "%s: longest silence %s, from %s (limit %g s, judged time %s)%s.",
	         text_safe(name, sizeof(name), report->wans[wan].name, 32),
	         text_duration(length, silence.to_ns - silence.from_ns),
	         text_moment(since, silence.from_ns), limit,
	         text_duration(window, report->end_ns - report->start_ns), note);
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
