/* SPDX-License-Identifier: MIT
 *
 * render_json.c - see render.h. Bytes are integers, ratios 0..1, times RFC 3339 in UTC, words
 * lower_snake.
 *
 * jansson's json_object_set_new() takes its value even when it fails, so nothing leaks when memory
 * runs out; a lost member is noticed by the count of failures.
 */
#include "render.h"
#include "render_expect.h"
#include "render_series.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "thinned.h"
#include "verdict.h"

/* One object being filled; `whole` turns false when something could not be stored. */
struct writer {
	bool whole;
};

static void put(struct writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		w->whole = false;
}

static void push(struct writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		w->whole = false;
}

static json_t *string(const char *text)
{
	char *valid = text_utf8(text);
	json_t *value = valid ? json_string(valid) : NULL;

	free(valid);
	return value;
}

static json_t *string_or_null(const char *text)
{
	return text && text[0] ? string(text) : json_null();
}

/* A message: its English words under `key`, for who reads no messages, and itself under the same
 * key of `messages`, for who tells it in another language. */
static void put_message(struct writer *w, json_t *o, json_t *messages, const char *key,
                        const char *message)
{
	const struct telling english = {.language = LANGUAGE_EN};
	char words[6000];

	put(w, o, key, string_or_null(message_words(words, sizeof(words), message, &english)));
	if (message[0])
		put(w, messages, key, message_json(message));
}

static void put_case(struct writer *w, json_t *o, json_t *messages, const char *key,
                     enum message message)
{
	char text[80];

	put_message(w, o, messages, key,
	            message_say(text, sizeof(text), message, (const char *const[]){NULL}));
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *moment(uint64_t ns)
{
	char text[TEXT_SHORT];

	return ns ? json_string(text_time(text, ns, 9)) : json_null();
}

static json_t *ratio(uint64_t numerator, uint64_t denominator)
{
	return denominator ? json_real((double)numerator / (double)denominator) : json_null();
}

static bool is_zero(const struct tally *tally)
{
	return !(tally->frames | tally->l2_bytes | tally->ip_bytes | tally->payload_bytes);
}

static json_t *render_tally(struct writer *w, const struct tally *tally)
{
	json_t *o = json_object();

	put(w, o, "frames", number(tally->frames));
	put(w, o, "l2_bytes", number(tally->l2_bytes));
	put(w, o, "ip_bytes", number(tally->ip_bytes));
	put(w, o, "payload_bytes", number(tally->payload_bytes));
	return o;
}

/* Kinds that occur. */
static json_t *render_kinds(struct writer *w, const struct tally kinds[KIND_COUNT])
{
	json_t *o = json_object();

	for (size_t k = 0; k < KIND_COUNT; k++)
		if (!is_zero(&kinds[k]))
			put(w, o, kind_names[k], render_tally(w, &kinds[k]));
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
static json_t *render_first(struct writer *w, const struct ledger *ledger,
                            const struct evidence *first)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < first->count && i < EVIDENCE_FRAMES; i++) {
		const struct evidence_frame *frame = &first->frames[i];
		json_t *o = json_object();

		put(w, o, "file",
		    frame->file < ledger->n_files ? string(ledger->files[frame->file].name)
		                                  : json_null());
		put(w, o, "frame", number(frame->number));
		push(w, array, o);
	}
	return array;
}

static json_t *render_causes(struct writer *w, const struct ledger *ledger,
                             const struct account *account)
{
	json_t *array = json_array();

	for (size_t i = 0; i < account->n_causes; i++) {
		json_t *o = json_object(), *messages = json_object();
		char say[240];

		put(w, o, "id", string(account->causes[i].id));
		put(w, o, "frames", number(account->causes[i].frames));
		put(w, o, "ip_bytes", number(account->causes[i].ip_bytes));
		put(w, o, "ratio", ratio(account->causes[i].ip_bytes, account->billed));
		put_message(w, o, messages, "words",
		            cause_say(account->causes[i].id, say, sizeof(say)));
		put_message(w, o, messages, "detail", account->causes[i].detail);
		put(w, o, "messages", messages);
		put(w, o, "first", moment(account->causes[i].first_ns));
		put(w, o, "last", moment(account->causes[i].last_ns));
		put(w, o, "frames_that_show", render_first(w, ledger, &account->causes[i].first));
		push(w, array, o);
	}
	return array;
}

static json_t *render_phases(struct writer *w, const struct account *account)
{
	json_t *o = json_object();

	for (size_t i = 0; i < PHASE_COUNT; i++) {
		json_t *phase = json_object();

		put(w, phase, "frames", number(account->phases[i].frames));
		put(w, phase, "ip_bytes", number(account->phases[i].ip_bytes));
		put(w, phase, "first_seen_bytes", number(account->first_seen[i]));
		put(w, o, phase_names[i], phase);
	}
	return o;
}

/* The members that the whole capture and the judged time have in common. */
static void put_account(struct writer *w, json_t *o, const struct ledger *ledger,
                        const struct account *account, bool backup)
{
	struct tally kinds[KIND_COUNT];

	sum_directions(kinds, account);
	put(w, o, "frames", number(account->total.frames));
	put(w, o, "l2_bytes", number(account->total.l2_bytes));
	put(w, o, "ip_bytes", number(account->total.ip_bytes));
	put(w, o, "payload_bytes", number(account->total.payload_bytes));
	put(w, o, "billed_ip_bytes", number(account->billed));
	put(w, o, "local_ip_bytes", number(account->local));
	put(w, o, "duplicate_ip_bytes", number(account->duplicate));
	put(w, o, "carrying_ip_bytes", number(account->carrying));
	put(w, o, "standby_ip_bytes", number(account->standby));
	put(w, o, "kinds", render_kinds(w, kinds));
	for (size_t d = 0; d < DIR_COUNT; d++)
		put(w, o, direction_names[d], render_kinds(w, account->kinds[d]));
	put(w, o, "causes", render_causes(w, ledger, account));
	if (backup)
		put(w, o, "phases", render_phases(w, account));
}

static json_t *render_apps(struct writer *w, const struct ledger *ledger,
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
		put(w, app, "frames", number(frames[i]));
		put(w, app, "ip_bytes", number(bytes[i]));
		key = text_utf8(ledger->apps[i]);
		if (key)
			put(w, o, key, app);
		else
			json_decref(app);
		w->whole = w->whole && key;
		free(key);
	}
	return o;
}

static json_t *render_events(struct writer *w, const struct ledger_wan *wan)
{
	json_t *o = json_object();

	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (wan->events[i].count > 0)
			put(w, o, event_names[i], number(wan->events[i].count));
	return o;
}

static json_t *render_counters(struct writer *w, const struct ledger_counters *counters)
{
	json_t *o = json_object();

#define X(name)                                                                                    \
	if (counters->name > 0)                                                                    \
		put(w, o, #name, number(counters->name));
	LEDGER_COUNTERS(X)
#undef X
	return o;
}

static json_t *render_addresses(struct writer *w, const struct ledger_wan *wan)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < wan->n_own && i < LEDGER_ADDRS; i++)
		push(w, array, string(wan->own[i].text));
	return array;
}

static json_t *render_role_why(struct writer *w, const struct wan_role *role)
{
	json_t *o, *messages;

	if (role->of == 0)
		return json_null();
	o = json_object();
	messages = json_object();
	put(w, o, "says", number(role->says));
	put(w, o, "of", number(role->of));
	put_case(w, o, messages, "sign", role->sign);
	put(w, o, "messages", messages);
	return o;
}

/* Limits of this WAN that are not those of all. */
static json_t *render_own_limits(struct writer *w, const struct report *report,
                                 const struct report_wan *wan)
{
	json_t *o = json_object();

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (wan->limits[i] != report->policy->limits[i])
			put(w, o, limit_rows[i].key, json_real(wan->limits[i]));
	return o;
}

static json_t *render_wan(struct writer *w, const struct report *report,
                          const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	bool backup = wan->role.role == ROLE_BACKUP;
	json_t *o = json_object(), *flags = json_object(), *shared = json_object();

	put(w, o, "name", string(wan->name));
	put(w, o, "role",
	    wan->role.role == ROLE_NONE ? json_null() : string(role_names[wan->role.role]));
	put(w, o, "role_source", string(role_source_names[wan->role.source]));
	put(w, o, "role_from", string_or_null(wan->role.from));
	put(w, o, "role_evidence", render_role_why(w, &wan->role));
	put(w, o, "expected", wan->expected ? string(wan->expected->name) : json_null());
	put(w, o, "plan", render_plan(wan->plan));
	put(w, o, "own_limits", render_own_limits(w, report, wan));
	put(w, o, "addresses", render_addresses(w, wan->ledger));
	put(w, o, "first", moment(wan->ledger->first_ns));
	put(w, o, "last", moment(wan->ledger->last_ns));
	put_account(w, o, report->ledger, &wan->whole, backup);
	put(w, flags, "tcp_fallback", number(c->tcp_fallback_bytes));
	put(w, flags, "plain_tcp", number(c->plain_tcp_bytes));
	put(w, flags, "unmapped", number(c->unmapped_bytes));
	put(w, o, "payload_flags", flags);
	put(w, o, "apps", render_apps(w, report->ledger, wan->ledger));
	put(w, o, "events", render_events(w, wan->ledger));
	put(w, o, "counters", render_counters(w, c));
	put(w, o, "projection", render_projection(report, wan));
	put(w, o, "cost", backup ? render_cost(report, wan) : json_null());
	put_account(w, shared, report->ledger, &wan->shared, backup);
	put(w, o, "shared", shared);
	return o;
}

/* ---- connections ---- */

static json_t *flag(int8_t value)
{
	return value < 0 ? json_null() : json_boolean(value);
}

static json_t *render_subflow_phases(struct writer *w, const struct report *report,
                                     const struct ledger_subflow *subflow)
{
	uint64_t bytes[PHASE_COUNT] = {0};
	json_t *o = json_object();

	for (unsigned i = 0; i < subflow->n_shares && i < LEDGER_SHARES; i++)
		bytes[report_phase(report->ledger, report->primaries,
		                   subflow->shares[i].circumstance)] +=
			subflow->shares[i].sum.ip_bytes;
	for (size_t i = 0; i < PHASE_COUNT; i++)
		if (bytes[i] > 0)
			put(w, o, phase_names[i], number(bytes[i]));
	return o;
}

static json_t *render_subflow(struct writer *w, const struct report *report,
                              const struct ledger_subflow *subflow)
{
	json_t *o = json_object();
	bool known = subflow->wan < report->n_wans;

	put(w, o, "wan", known ? string(report->wans[subflow->wan].name) : json_null());
	put(w, o, "client", string_or_null(subflow->client));
	put(w, o, "server", string_or_null(subflow->server));
	put(w, o, "initial", json_boolean(subflow->initial));
	put(w, o, "established", json_boolean(subflow->established));
	put(w, o, "backup_flag_client", flag(subflow->backup_client));
	put(w, o, "backup_flag_server", flag(subflow->backup_server));
	put(w, o, "backup_flag_client_at", moment(subflow->backup_client_ns));
	put(w, o, "backup_flag_server_at", moment(subflow->backup_server_ns));
	put(w, o, "confidence",
	    subflow->confidence < CONF_COUNT ? string(confidence_names[subflow->confidence])
	                                     : json_null());
	put(w, o, "start", moment(subflow->first_ns));
	put(w, o, "end", moment(subflow->last_ns));
	put(w, o, "kinds", render_kinds(w, subflow->kinds));
	if (known && report->wans[subflow->wan].role.role == ROLE_BACKUP)
		put(w, o, "phases", render_subflow_phases(w, report, subflow));
	return o;
}

static json_t *render_connection(struct writer *w, const struct report *report,
                                 const struct ledger_connection *connection)
{
	json_t *o = json_object(), *subflows = json_array();
	bool labelled = connection->app > 0 && connection->app < report->ledger->n_apps;

	put(w, o, "id", string(connection->id));
	put(w, o, "version",
	    connection->version < 0 ? json_null() : json_integer(connection->version));
	put(w, o, "client", string_or_null(connection->client));
	put(w, o, "server", string_or_null(connection->server));
	put(w, o, "start", moment(connection->first_ns));
	put(w, o, "end", moment(connection->last_ns));
	put(w, o, "fallback", json_boolean(connection->fallback));
	put(w, o, "confidence",
	    connection->confidence < CONF_COUNT ? string(confidence_names[connection->confidence])
	                                        : json_null());
	put(w, o, "app", labelled ? string(report->ledger->apps[connection->app]) : json_null());
	put(w, o, "unique_bytes_from_client", number(connection->unique_bytes[0]));
	put(w, o, "unique_bytes_to_client", number(connection->unique_bytes[1]));
	for (size_t i = 0; i < connection->n_subflows; i++)
		push(w, subflows, render_subflow(w, report, &connection->subflows[i]));
	put(w, o, "subflows", subflows);
	return o;
}

/* ---- interruptions ---- */

static json_t *wan_name(const struct report *report, uint32_t wan)
{
	return wan < report->n_wans ? string(report->wans[wan].name) : json_null();
}

static json_t *seconds_of(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static json_t *render_interruption(struct writer *w, const struct report *report, size_t index)
{
	const struct ledger_interruption *row = &report->ledger->interruptions[index];
	json_t *o = json_object(), *messages = json_object();
	char id[17], sentence[800] = "";

	verdict_say_interruption(report, index, sentence, sizeof(sentence));
	put_message(w, o, messages, "words", sentence);
	put(w, o, "messages", messages);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)row->id);
	put(w, o, "kind", string(interruption_names[row->kind]));
	put(w, o, "wan", wan_name(report, row->wan));
	put(w, o, "to", wan_name(report, row->to));
	put(w, o, "connection", row->id ? string(id) : json_null());
	put(w, o, "direction", string(direction_names[row->direction]));
	put(w, o, "from", moment(row->from_ns));
	put(w, o, "until", moment(row->to_ns));
	put(w, o, "seconds", seconds_of(interruption_gap_ns(row)));
	put(w, o, "heard", moment(row->heard_ns));
	put(w, o, "back", moment(row->back_ns));
	put(w, o, "failback_seconds",
	    row->heard_ns ? seconds_of(interruption_lag_ns(row)) : json_null());
	put(w, o, "stall_seconds",
	    row->stall_to_ns ? seconds_of(interruption_stall_ns(row)) : json_null());
	put(w, o, "lasts", json_boolean(row->open));
	return o;
}

/* ---- findings ---- */

static json_t *render_observed(struct writer *w, const struct finding *finding)
{
	json_t *o = json_object(), *parts = json_object();

	put(w, o, "value", finding->observed ? json_real(finding->value) : json_null());
	put(w, o, "numerator", finding->unit ? number(finding->numerator) : json_null());
	put(w, o, "denominator", finding->unit ? number(finding->denominator) : json_null());
	put(w, o, "unit", finding->unit ? string(finding->unit) : json_null());
	for (size_t i = 0; i < finding->n_parts; i++) {
		const struct part *part = &finding->parts[i];
		json_t *p;

		if (part->denominator == 0) {
			put(w, parts, part->name, number(part->numerator));
			continue;
		}
		p = json_object();
		put(w, p, "numerator", number(part->numerator));
		put(w, p, "denominator", number(part->denominator));
		put(w, p, "value", ratio(part->numerator, part->denominator));
		put(w, parts, part->name, p);
	}
	put(w, o, "parts", parts);
	return o;
}

static json_t *render_evidence(struct writer *w, const struct report *report,
                               const struct finding *finding)
{
	json_t *array = json_array();

	for (size_t i = 0; i < finding->n_frames; i++) {
		const struct finding_frame *frame = &finding->frames[i];
		json_t *o = json_object(), *messages = json_object();
		char filter[64];

		snprintf(filter, sizeof(filter), "frame.number == %llu",
		         (unsigned long long)frame->number);
		put(w, o, "file",
		    frame->file < report->ledger->n_files
		            ? string(report->ledger->files[frame->file].name)
		            : json_null());
		put(w, o, "frame", number(frame->number));
		put(w, o, "time", moment(frame->ts_ns));
		put(w, o, "filter", string(filter));
		put_case(w, o, messages, "note", frame->note);
		put(w, o, "messages", messages);
		push(w, array, o);
	}
	return array;
}

static json_t *render_finding(struct writer *w, const struct report *report,
                              const struct finding *finding)
{
	json_t *o = json_object(), *messages = json_object();

	put(w, o, "rule", string(finding->rule));
	put_case(w, o, messages, "title", finding->title);
	put(w, o, "status", string(status_names[finding->status]));
	put(w, o, "wan", finding->wan < 0 ? json_null() : string(report->wans[finding->wan].name));
	put(w, o, "observed", render_observed(w, finding));
	put(w, o, "limit", finding->limited ? json_real(finding->limit) : json_null());
	put(w, o, "limit_key", finding->limit_key ? string(finding->limit_key) : json_null());
	put_message(w, o, messages, "text", finding->text);
	put_message(w, o, messages, "brief", finding->brief);
	put_case(w, o, messages, "why", finding->why);
	put(w, o, "messages", messages);
	put(w, o, "evidence", render_evidence(w, report, finding));
	return o;
}

/* ---- the frame around it ---- */

static json_t *render_window(struct writer *w, const struct report *report)
{
	json_t *o = json_object();
	char text[TEXT_SHORT];

	put(w, o, "start",
	    report->window ? json_string(text_time(text, report->start_ns, 9)) : json_null());
	put(w, o, "end",
	    report->window ? json_string(text_time(text, report->end_ns, 9)) : json_null());
	put(w, o, "seconds", json_real((double)(report->end_ns - report->start_ns) / 1e9));
	put(w, o, "asked_from", moment(report->options.from_ns));
	put(w, o, "asked_to", moment(report->options.to_ns));
	put(w, o, "time_zone", string_or_null(report->options.zone_text));
	return o;
}

static json_t *render_file_recording(struct writer *w, const struct ledger_file *file)
{
	json_t *o = json_object();

	put(w, o, "from", moment(file->from_ns));
	put(w, o, "to", moment(file->to_ns));
	put(w, o, "moved_seconds", json_real((double)file->shift_ns / 1e9));
	put(w, o, "being_written", json_boolean(file->growing));
	put(w, o, "repaired", json_boolean(file->repaired));
	return o;
}

static json_t *render_file(struct writer *w, const struct report *report,
                           const struct ledger_file *file)
{
	json_t *o = json_object();

	put(w, o, "name", string(file->name));
	put(w, o, "wan",
	    file->wan < report->n_wans ? string(report->wans[file->wan].name) : json_null());
	put(w, o, "frames", number(file->frames));
	put(w, o, "wire_bytes", number(file->wire_bytes));
	put(w, o, "first", moment(file->first_ns));
	put(w, o, "last", moment(file->last_ns));
	put(w, o, "snaplen", file->snaplen ? number(file->snaplen) : json_null());
	put(w, o, "message", string_or_null(file->message));
	put(w, o, "recording", file->recorded ? render_file_recording(w, file) : json_null());
	return o;
}

/* ---- what the recorder says ---- */

static json_t *render_gaps(struct writer *w, const struct coverage *coverage)
{
	json_t *array = json_array();

	for (size_t i = 0; i < coverage->n_gaps; i++) {
		const struct coverage_gap *gap = &coverage->gaps[i];
		json_t *o = json_object();

		put(w, o, "state", string(span_names[gap->state]));
		put(w, o, "from", moment(gap->from_ns));
		put(w, o, "to", moment(gap->to_ns));
		put(w, o, "seconds", json_real((double)(gap->to_ns - gap->from_ns) / 1e9));
		put(w, o, "lost_frames", number(gap->lost_frames));
		push(w, array, o);
	}
	return array;
}

/* Each state's gaps in a few words. */
static json_t *render_gaps_told(struct writer *w, const struct coverage *coverage)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED,
	                                         SPAN_STOPPED};
	json_t *array = json_array();
	char some[300];

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		json_t *o, *messages;

		if (!coverage_say(coverage, states[i], 0, UINT64_MAX, some, sizeof(some)))
			continue;
		o = json_object();
		messages = json_object();
		put(w, o, "state", string(span_names[states[i]]));
		put_message(w, o, messages, "words", some);
		put(w, o, "messages", messages);
		push(w, array, o);
	}
	return array;
}

/* How the judged time adds up, by state. */
static json_t *render_judged(struct writer *w, const struct coverage *coverage)
{
	json_t *o = json_object();

	for (size_t i = 0; i < SPAN_COUNT; i++)
		put(w, o, span_names[i], json_real((double)coverage->judged_ns[i] / 1e9));
	return o;
}

static json_t *render_kernel(struct writer *w, const struct ledger_counters *c)
{
	json_t *o;

	if (!c->kernel_spans)
		return json_null();
	o = json_object();
	put(w, o, "frames", number(c->kernel_frames));
	put(w, o, "bytes", number(c->kernel_bytes));
	put(w, o, "captured_frames", number(c->kernel_seen_frames));
	put(w, o, "captured_bytes", number(c->kernel_seen_bytes));
	put(w, o, "dropped_frames", number(c->kernel_seen_dropped));
	return o;
}

static json_t *render_steps(struct writer *w, const struct ledger_record *record)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < record->n_steps; i++) {
		json_t *o = json_object();

		put(w, o, "at", moment(record->steps[i].at_ns));
		put(w, o, "by_seconds", json_real((double)record->steps[i].by_ns / 1e9));
		push(w, array, o);
	}
	return array;
}

static json_t *render_warnings(struct writer *w, const struct ledger_record *record)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < record->n_warnings; i++) {
		json_t *o = json_object();

		put(w, o, "code", string(record->warnings[i].code));
		put(w, o, "about", string_or_null(record->warnings[i].about));
		put(w, o, "count", number(record->warnings[i].count));
		push(w, array, o);
	}
	return array;
}

static json_t *render_recording(struct writer *w, const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	json_t *o;

	if (!wan->coverage.recorded)
		return json_null();
	o = json_object();
	put(w, o, "from", moment(wan->coverage.from_ns));
	put(w, o, "to", moment(wan->coverage.to_ns));
	put(w, o, "files", number(c->recorded_files));
	put(w, o, "repaired_files", number(c->repaired_files));
	put(w, o, "unfinished_files", number(c->unfinished_files));
	put(w, o, "missing_files", number(c->missing_files));
	put(w, o, "gaps", render_gaps(w, &wan->coverage));
	put(w, o, "gaps_told", render_gaps_told(w, &wan->coverage));
	put(w, o, "gaps_listed_until",
	    wan->coverage.until_ns == UINT64_MAX ? json_null() : moment(wan->coverage.until_ns));
	put(w, o, "judged_seconds", render_judged(w, &wan->coverage));
	put(w, o, "kernel", render_kernel(w, c));
	put(w, o, "clock_steps", number(c->clock_steps));
	put(w, o, "clock_set", render_steps(w, wan->ledger->record));
	put(w, o, "warnings", render_warnings(w, wan->ledger->record));
	return o;
}

static json_t *render_wan_coverage(struct writer *w, const struct report_wan *wan)
{
	const struct ledger_event *e = wan->ledger->events;
	uint64_t frames = wan->whole.total.frames, dropped = wan->ledger->counters.dropped_frames;
	json_t *o = json_object(), *messages;
	char some[300] = "";

	put(w, o, "wan", string(wan->name));
	put(w, o, "first", moment(wan->ledger->first_ns));
	put(w, o, "last", moment(wan->ledger->last_ns));
	put(w, o, "drops_known", json_boolean(wan->ledger->drops_known));
	put(w, o, "dropped_frames",
	    wan->ledger->drops_known || dropped ? number(dropped) : json_null());
	put(w, o, "dropped_ratio",
	    wan->ledger->drops_known || dropped ? ratio(dropped, frames + dropped) : json_null());
	put(w, o, "cut_frames",
	    number(e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                   ? e[EVENT_HEADER_CUT].count
	                   : e[EVENT_OPTION_CUT].count));
	put(w, o, "backwards", number(e[EVENT_BACKWARDS].count));
	put(w, o, "super_frames", number(e[EVENT_SUPER_FRAME].count));
	put(w, o, "skew_seconds", json_real((double)wan->ledger->skew_ns / 1e9));
	put(w, o, "filtered", json_boolean(wan->ledger->filtered));
	if (wan->ledger->counters.thinned_files) {
		put(w, o, "thinned_files", number(wan->ledger->counters.thinned_files));
		put(w, o, "thinned_frames", number(wan->ledger->counters.thinned_frames));
		put(w, o, "thinned_bytes", number(wan->ledger->counters.thinned_bytes));
	}
	messages = json_object();
	thinned_words(wan->ledger, some, sizeof(some));
	put_message(w, o, messages, "thinned", some);
	put(w, o, "messages", messages);
	put(w, o, "recording", render_recording(w, wan));
	return o;
}

static json_t *render_coverage(struct writer *w, const struct report *report)
{
	const struct ledger *ledger = report->ledger;
	json_t *o = json_object(), *files = json_array(), *wans = json_array(),
	       *rest = json_object();

	for (size_t i = 0; i < ledger->n_files; i++)
		push(w, files, render_file(w, report, &ledger->files[i]));
	for (size_t i = 0; i < report->n_wans; i++)
		push(w, wans, render_wan_coverage(w, &report->wans[i]));
	put(w, rest, "connections", number(ledger->rest.connections));
	put(w, rest, "subflows", number(ledger->rest.subflows));
	put(w, o, "files", files);
	put(w, o, "wans", wans);
	put(w, o, "connections_summed_only", rest);
	put(w, o, "frames_of_further_wans", number(ledger->frames_over_wans));
	put(w, o, "filter", report->options.filter ? string(report->options.filter) : json_null());
	put(w, o, "bucket_seconds", number(ledger_widths_s[ledger->width]));
	return o;
}

static json_t *render_limits(struct writer *w, const struct policy *policy)
{
	json_t *o = json_object();

	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		json_t *limit = json_object();

		put(w, limit, "value", json_real(policy->limits[i]));
		put(w, limit, "unit", string(unit_names[limit_rows[i].unit]));
		put(w, limit, "source", string(role_source_names[policy->limit_sources[i]]));
		put(w, o, limit_rows[i].key, limit);
	}
	return o;
}

static void put_arrays(struct writer *w, json_t *o, const struct report *report)
{
	json_t *wans = json_array(), *connections = json_array(), *findings = json_array(),
	       *interruptions = json_array();

	for (size_t i = 0; i < report->n_wans; i++)
		push(w, wans, render_wan(w, report, &report->wans[i]));
	for (size_t i = 0; i < report->ledger->n_connections; i++)
		push(w, connections, render_connection(w, report, &report->ledger->connections[i]));
	for (size_t i = 0; i < report->n_findings; i++)
		push(w, findings, render_finding(w, report, &report->findings[i]));
	put(w, o, "wans", wans);
	put(w, o, "connections", connections);
	for (size_t i = 0; i < report->ledger->n_interruptions; i++)
		push(w, interruptions, render_interruption(w, report, i));
	put(w, o, "interruptions", interruptions);
	put(w, o, "findings", findings);
}

json_t *render_json(const struct report *report)
{
	struct writer w = {.whole = true};
	json_t *o = json_object(), *tool = json_object(), *messages = json_object();

	put(&w, tool, "name", string("mptcp-audit"));
	put(&w, tool, "version", string(report->options.version));
	put(&w, o, "schema", string("mptcp-audit.report/1.4"));
	put(&w, o, "tool", tool);
	put(&w, o, "generated", moment(report->options.generated_ns));
	put(&w, o, "site", string_or_null(report->policy->site));
	put(&w, o, "verdict", string(status_names[report->verdict]));
	put_message(&w, o, messages, "sentence", report->sentence);
	put_message(&w, o, messages, "assumption", report->assumption);
	put(&w, o, "messages", messages);
	put(&w, o, "expected", render_expected(report));
	put(&w, o, "window", render_window(&w, report));
	put_arrays(&w, o, report);
	put(&w, o, "series", render_series(report));
	put(&w, o, "coverage", render_coverage(&w, report));
	put(&w, o, "limits", render_limits(&w, report->policy));
	if (w.whole)
		return o;
	json_decref(o);
	return NULL;
}
