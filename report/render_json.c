/* SPDX-License-Identifier: MIT
 *
 * render_json.c - see render.h. Bytes are integers, ratios 0..1, times RFC 3339 in UTC, words
 * lower_snake.
 */
#include "render.h"
#include "render_expect.h"
#include "render_json_parts.h"
#include "render_series.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "verdict.h"

static bool is_zero(const struct tally *tally)
{
	return !(tally->frames | tally->l2_bytes | tally->ip_bytes | tally->payload_bytes);
}

json_t *render_json_tally(struct members *w, const struct tally *tally)
{
	json_t *o = json_object();

	members_put(w, o, "frames", value_count(tally->frames));
	members_put(w, o, "l2_bytes", value_count(tally->l2_bytes));
	members_put(w, o, "ip_bytes", value_count(tally->ip_bytes));
	members_put(w, o, "payload_bytes", value_count(tally->payload_bytes));
	return o;
}

/* Kinds that occur. */
json_t *render_json_kinds(struct members *w, const struct tally kinds[KIND_COUNT])
{
	json_t *o = json_object();

	for (size_t k = 0; k < KIND_COUNT; k++)
		if (!is_zero(&kinds[k]))
			members_put(w, o, kind_names[k], render_json_tally(w, &kinds[k]));
	return o;
}

static void sum_directions(struct tally out[KIND_COUNT], const struct account *account)
{
	memset(out, 0, sizeof(*out) * KIND_COUNT);
	for (size_t d = 0; d < DIR_COUNT; d++) {
		for (size_t k = 0; k < KIND_COUNT; k++) {
			const struct tally *from = &account->kinds[d][k];

			out[k].frames += from->frames;
			out[k].l2_bytes += from->l2_bytes;
			out[k].ip_bytes += from->ip_bytes;
			out[k].payload_bytes += from->payload_bytes;
		}
	}
}

/* [{"file": ..., "frame": ...}, ...] */
static json_t *render_first(struct members *w, const struct ledger *ledger,
                            const struct evidence *first)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < first->count && i < EVIDENCE_FRAMES; i++) {
		const struct evidence_frame *frame = &first->frames[i];
		json_t *o = json_object();

		members_put(w, o, "file",
		            frame->file < ledger->n_files
		                    ? value_text(ledger->files[frame->file].name)
		                    : json_null());
		members_put(w, o, "frame", value_count(frame->number));
		members_push(w, array, o);
	}
	return array;
}

static json_t *render_causes(struct members *w, const struct ledger *ledger,
                             const struct account *account)
{
	json_t *array = json_array();

	for (size_t i = 0; i < account->n_causes; i++) {
		json_t *o = json_object(), *messages = json_object();
		char say[240];

		members_put(w, o, "id", value_text(account->causes[i].id));
		members_put(w, o, "frames", value_count(account->causes[i].frames));
		members_put(w, o, "ip_bytes", value_count(account->causes[i].ip_bytes));
		members_put(w, o, "ratio",
		            value_ratio(account->causes[i].ip_bytes, account->billed));
		members_message(w, o, messages, "words",
		                cause_say(account->causes[i].id, say, sizeof(say)));
		members_message(w, o, messages, "detail", account->causes[i].detail);
		members_put(w, o, "messages", messages);
		members_put(w, o, "first", value_moment(account->causes[i].first_ns));
		members_put(w, o, "last", value_moment(account->causes[i].last_ns));
		members_put(w, o, "frames_that_show",
		            render_first(w, ledger, &account->causes[i].first));
		members_push(w, array, o);
	}
	return array;
}

static json_t *render_phases(struct members *w, const struct account *account)
{
	json_t *o = json_object();

	for (size_t i = 0; i < PHASE_COUNT; i++) {
		json_t *phase = json_object();

		members_put(w, phase, "frames", value_count(account->phases[i].frames));
		members_put(w, phase, "ip_bytes", value_count(account->phases[i].ip_bytes));
		members_put(w, phase, "first_seen_bytes", value_count(account->first_seen[i]));
		members_put(w, o, phase_names[i], phase);
	}
	return o;
}

/* The members that the whole capture and the judged time have in common. */
static void put_account(struct members *w, json_t *o, const struct ledger *ledger,
                        const struct account *account, bool backup)
{
	struct tally kinds[KIND_COUNT];

	sum_directions(kinds, account);
	members_put(w, o, "frames", value_count(account->total.frames));
	members_put(w, o, "l2_bytes", value_count(account->total.l2_bytes));
	members_put(w, o, "ip_bytes", value_count(account->total.ip_bytes));
	members_put(w, o, "payload_bytes", value_count(account->total.payload_bytes));
	members_put(w, o, "billed_ip_bytes", value_count(account->billed));
	members_put(w, o, "local_ip_bytes", value_count(account->local));
	members_put(w, o, "duplicate_ip_bytes", value_count(account->duplicate));
	members_put(w, o, "carrying_ip_bytes", value_count(account->carrying));
	members_put(w, o, "standby_ip_bytes", value_count(account->standby));
	members_put(w, o, "kinds", render_json_kinds(w, kinds));
	for (size_t d = 0; d < DIR_COUNT; d++)
		members_put(w, o, direction_names[d], render_json_kinds(w, account->kinds[d]));
	members_put(w, o, "causes", render_causes(w, ledger, account));
	if (backup)
		members_put(w, o, "phases", render_phases(w, account));
}

static json_t *render_apps(struct members *w, const struct ledger *ledger,
                           const struct ledger_wan *wan)
{
	uint64_t frames[LEDGER_APPS_MAX] = {0}, bytes[LEDGER_APPS_MAX] = {0};
	json_t *o = json_object();

	for (size_t i = 0; i < wan->n_cells; i++) {
		if (wan->cells[i].app >= LEDGER_APPS_MAX)
			continue;
		frames[wan->cells[i].app] += wan->cells[i].sum.frames;
		bytes[wan->cells[i].app] += wan->cells[i].sum.ip_bytes;
	}
	for (size_t i = 1; i < ledger->n_apps && i < LEDGER_APPS_MAX; i++) {
		json_t *app;
		char *key;

		if (frames[i] == 0 && bytes[i] == 0)
			continue;
		app = json_object();
		members_put(w, app, "frames", value_count(frames[i]));
		members_put(w, app, "ip_bytes", value_count(bytes[i]));
		key = text_utf8(ledger->apps[i]);
		if (key)
			members_put(w, o, key, app);
		else
			json_decref(app);
		w->whole = w->whole && key;
		free(key);
	}
	return o;
}

static json_t *render_events(struct members *w, const struct ledger_wan *wan)
{
	json_t *o = json_object();

	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (wan->events[i].count > 0)
			members_put(w, o, event_names[i], value_count(wan->events[i].count));
	return o;
}

static json_t *render_counters(struct members *w, const struct ledger_counters *counters)
{
	json_t *o = json_object();

#define X(name)                                                                                    \
	if (counters->name > 0)                                                                    \
		members_put(w, o, #name, value_count(counters->name));
	LEDGER_COUNTERS(X)
#undef X
	return o;
}

static json_t *render_addresses(struct members *w, const struct ledger_wan *wan)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < wan->n_own && i < LEDGER_ADDRS; i++)
		members_push(w, array, value_text(wan->own[i].text));
	return array;
}

static json_t *render_role_why(struct members *w, const struct wan_role *role)
{
	json_t *o, *messages;

	if (role->of == 0)
		return json_null();
	o = json_object();
	messages = json_object();
	members_put(w, o, "says", value_count(role->says));
	members_put(w, o, "of", value_count(role->of));
	members_case(w, o, messages, "sign", role->sign);
	members_put(w, o, "messages", messages);
	return o;
}

/* Limits of this WAN that are not those of all. */
static json_t *render_own_limits(struct members *w, const struct report *report,
                                 const struct report_wan *wan)
{
	json_t *o = json_object();

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (wan->limits[i] != report->policy->limits[i])
			members_put(w, o, limit_rows[i].key, json_real(wan->limits[i]));
	return o;
}

static json_t *render_wan(struct members *w, const struct report *report,
                          const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	bool backup = wan->role.role == ROLE_BACKUP;
	json_t *o = json_object(), *flags = json_object(), *shared = json_object();

	members_put(w, o, "name", value_text(wan->name));
	members_put(w, o, "role",
	            wan->role.role == ROLE_NONE ? json_null()
	                                        : value_text(role_names[wan->role.role]));
	members_put(w, o, "role_source", value_text(role_source_names[wan->role.source]));
	members_put(w, o, "role_from", value_text_or_null(wan->role.from));
	members_put(w, o, "role_evidence", render_role_why(w, &wan->role));
	members_put(w, o, "expected",
	            wan->expected ? value_text(wan->expected->name) : json_null());
	members_put(w, o, "plan", render_plan(wan->plan));
	members_put(w, o, "own_limits", render_own_limits(w, report, wan));
	members_put(w, o, "addresses", render_addresses(w, wan->ledger));
	members_put(w, o, "first", value_moment(wan->ledger->first_ns));
	members_put(w, o, "last", value_moment(wan->ledger->last_ns));
	put_account(w, o, report->ledger, &wan->whole, backup);
	members_put(w, flags, "tcp_fallback", value_count(c->tcp_fallback_bytes));
	members_put(w, flags, "plain_tcp", value_count(c->plain_tcp_bytes));
	members_put(w, flags, "unmapped", value_count(c->unmapped_bytes));
	members_put(w, o, "payload_flags", flags);
	members_put(w, o, "apps", render_apps(w, report->ledger, wan->ledger));
	members_put(w, o, "events", render_events(w, wan->ledger));
	members_put(w, o, "counters", render_counters(w, c));
	members_put(w, o, "projection", render_projection(report, wan));
	members_put(w, o, "cost", backup ? render_cost(report, wan) : json_null());
	put_account(w, shared, report->ledger, &wan->shared, backup);
	members_put(w, o, "shared", shared);
	return o;
}

/* ---- interruptions ---- */

static json_t *wan_name(const struct report *report, uint32_t wan)
{
	return wan < report->n_wans ? value_text(report->wans[wan].name) : json_null();
}

static json_t *seconds_of(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static json_t *render_interruption(struct members *w, const struct report *report, size_t index)
{
	const struct ledger_interruption *row = &report->ledger->interruptions[index];
	json_t *o = json_object(), *messages = json_object();
	char id[17], sentence[800] = "";

	verdict_say_interruption(report, index, sentence, sizeof(sentence));
	members_message(w, o, messages, "words", sentence);
	members_put(w, o, "messages", messages);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)row->id);
	members_put(w, o, "kind", value_text(interruption_names[row->kind]));
	members_put(w, o, "wan", wan_name(report, row->wan));
	members_put(w, o, "to", wan_name(report, row->to));
	members_put(w, o, "connection", row->id ? value_text(id) : json_null());
	members_put(w, o, "direction", value_text(direction_names[row->direction]));
	members_put(w, o, "from", value_moment(row->from_ns));
	members_put(w, o, "until", value_moment(row->to_ns));
	members_put(w, o, "seconds", seconds_of(interruption_gap_ns(row)));
	members_put(w, o, "heard", value_moment(row->heard_ns));
	members_put(w, o, "back", value_moment(row->back_ns));
	members_put(w, o, "failback_seconds",
	            row->heard_ns ? seconds_of(interruption_lag_ns(row)) : json_null());
	members_put(w, o, "stall_seconds",
	            row->stall_to_ns ? seconds_of(interruption_stall_ns(row)) : json_null());
	members_put(w, o, "lasts", json_boolean(row->open));
	return o;
}

/* ---- findings ---- */

static json_t *render_observed(struct members *w, const struct finding *finding)
{
	json_t *o = json_object(), *parts = json_object();

	members_put(w, o, "value", finding->observed ? json_real(finding->value) : json_null());
	members_put(w, o, "numerator",
	            finding->unit ? value_count(finding->numerator) : json_null());
	members_put(w, o, "denominator",
	            finding->unit ? value_count(finding->denominator) : json_null());
	members_put(w, o, "unit", finding->unit ? value_text(finding->unit) : json_null());
	for (size_t i = 0; i < finding->n_parts; i++) {
		const struct part *part = &finding->parts[i];
		json_t *p;

		if (part->denominator == 0) {
			members_put(w, parts, part->name, value_count(part->numerator));
			continue;
		}
		p = json_object();
		members_put(w, p, "numerator", value_count(part->numerator));
		members_put(w, p, "denominator", value_count(part->denominator));
		members_put(w, p, "value", value_ratio(part->numerator, part->denominator));
		members_put(w, parts, part->name, p);
	}
	members_put(w, o, "parts", parts);
	return o;
}

static json_t *render_evidence(struct members *w, const struct report *report,
                               const struct finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->n_frames; i++) {
		const struct finding_frame *frame = &finding->frames[i];
		json_t *o = json_object(), *messages = json_object();
		char filter[64];

		snprintf(filter, sizeof(filter), "frame.number == %llu",
		         (unsigned long long)frame->number);
		members_put(w, o, "file",
		            frame->file < report->ledger->n_files
		                    ? value_text(report->ledger->files[frame->file].name)
		                    : json_null());
		members_put(w, o, "frame", value_count(frame->number));
		members_put(w, o, "time", value_moment(frame->ts_ns));
		members_put(w, o, "filter", value_text(filter));
		members_case(w, o, messages, "note", frame->note);
		members_put(w, o, "messages", messages);
		members_push(w, array, o);
	}
	return array;
}

static json_t *render_finding(struct members *w, const struct report *report,
                              const struct finding *finding)
{
	json_t *o = json_object(), *messages = json_object();

	members_put(w, o, "rule", value_text(finding->rule));
	members_case(w, o, messages, "title", finding->title);
	members_put(w, o, "status", value_text(status_names[finding->status]));
	members_put(w, o, "wan",
	            finding->wan < 0 ? json_null() : value_text(report->wans[finding->wan].name));
	members_put(w, o, "observed", render_observed(w, finding));
	members_put(w, o, "limit", finding->limited ? json_real(finding->limit) : json_null());
	members_put(w, o, "limit_key",
	            finding->limit_key ? value_text(finding->limit_key) : json_null());
	members_message(w, o, messages, "text", finding->text);
	members_message(w, o, messages, "brief", finding->brief);
	members_case(w, o, messages, "why", finding->why);
	members_put(w, o, "messages", messages);
	members_put(w, o, "evidence", render_evidence(w, report, finding));
	if (finding->connection)
		members_put(w, o, "connection", value_text(finding->connection->id));
	return o;
}

/* ---- the frame around it ---- */

static json_t *render_window(struct members *w, const struct report *report)
{
	json_t *o = json_object();
	char text[TEXT_SHORT];

	members_put(w, o, "start",
	            report->window ? json_string(text_time(text, report->start_ns, 9))
	                           : json_null());
	members_put(w, o, "end",
	            report->window ? json_string(text_time(text, report->end_ns, 9)) : json_null());
	members_put(w, o, "seconds", json_real((double)(report->end_ns - report->start_ns) / 1e9));
	members_put(w, o, "asked_from", value_moment(report->options.from_ns));
	members_put(w, o, "asked_to", value_moment(report->options.to_ns));
	members_put(w, o, "time_zone", value_text_or_null(report->options.zone_text));
	return o;
}

static json_t *render_limits(struct members *w, const struct policy *policy)
{
	json_t *o = json_object();

	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		json_t *limit = json_object();

		members_put(w, limit, "value", json_real(policy->limits[i]));
		members_put(w, limit, "unit", value_text(unit_names[limit_rows[i].unit]));
		members_put(w, limit, "source",
		            value_text(role_source_names[policy->limit_sources[i]]));
		members_put(w, o, limit_rows[i].key, limit);
	}
	return o;
}

static void put_arrays(struct members *w, json_t *o, const struct report *report)
{
	json_t *wans = json_array(), *findings = json_array(), *interruptions = json_array();

	for (size_t i = 0; i < report->n_wans; i++)
		members_push(w, wans, render_wan(w, report, &report->wans[i]));
	for (size_t i = 0; i < report->n_findings; i++)
		members_push(w, findings, render_finding(w, report, &report->findings[i]));
	members_put(w, o, "wans", wans);
	render_json_connections(w, o, report);
	for (size_t i = 0; i < report->ledger->n_interruptions; i++)
		members_push(w, interruptions, render_interruption(w, report, i));
	members_put(w, o, "interruptions", interruptions);
	members_put(w, o, "findings", findings);
}

json_t *render_json(const struct report *report)
{
	struct members w = {.whole = true};
	json_t *o = json_object(), *tool = json_object(), *messages = json_object();

	members_put(&w, tool, "name", value_text("mptcp-audit"));
	members_put(&w, tool, "version", value_text(report->options.version));
	members_put(&w, o, "schema", value_text("mptcp-audit.report/1.10"));
	members_put(&w, o, "tool", tool);
	members_put(&w, o, "generated", value_moment(report->options.generated_ns));
	members_put(&w, o, "site", value_text_or_null(report->policy->site));
	members_put(&w, o, "verdict", value_text(status_names[report->verdict]));
	members_message(&w, o, messages, "sentence", report->sentence);
	members_message(&w, o, messages, "assumption", report->assumption);
	members_message(&w, o, messages, "unseen", report->unseen);
	members_put(&w, o, "messages", messages);
	members_put(&w, o, "expected", render_expected(report));
	members_put(&w, o, "window", render_window(&w, report));
	put_arrays(&w, o, report);
	members_put(&w, o, "series", render_series(report));
	members_put(&w, o, "coverage", render_json_coverage(&w, report));
	members_put(&w, o, "limits", render_limits(&w, report->policy));
	if (w.whole)
		return o;
	json_decref(o);
	return NULL;
}
