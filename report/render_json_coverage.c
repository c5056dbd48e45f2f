/* SPDX-License-Identifier: MIT
 *
 * render_json_coverage.c - see render_json_parts.h: files, and what the recorder says.
 */
#include "file_flaws.h"
#include "render_json_parts.h"

#include "text.h"
#include "thinned.h"

static json_t *render_file_recording(struct members *w, const struct ledger_file *file)
{
	json_t *o = json_object();

	members_put(w, o, "from", value_moment(file->from_ns));
	members_put(w, o, "to", value_moment(file->to_ns));
	members_put(w, o, "moved_seconds", json_real((double)file->shift_ns / 1e9));
	members_put(w, o, "being_written", json_boolean(file->growing));
	members_put(w, o, "repaired", json_boolean(file->repaired));
	return o;
}

/* What is wrong with it: English words and, where it is one that has words here, its cases. */
static void render_file_flaw(struct members *w, json_t *o, const struct ledger_file *file)
{
	char flaw[FILE_FLAW_TEXT];
	json_t *messages;

	if (!file->message) {
		members_put(w, o, "message", json_null());
		return;
	}
	messages = json_object();
	members_message(w, o, messages, "message", file_flaw_say(flaw, file));
	members_put(w, o, "messages", messages);
}

static json_t *render_file(struct members *w, const struct report *report,
                           const struct ledger_file *file)
{
	json_t *o = json_object();
	char digits[2 * LEDGER_SHA256 + 1];
	const char *sha256 = ledger_digest_text(file, digits);

	members_put(w, o, "name", value_text(file->name));
	members_put(w, o, "wan",
	            file->wan < report->n_wans ? value_text(report->wans[file->wan].name)
	                                       : json_null());
	members_put(w, o, "frames", value_count(file->frames));
	members_put(w, o, "wire_bytes", value_count(file->wire_bytes));
	members_put(w, o, "first", value_moment(file->first_ns));
	members_put(w, o, "last", value_moment(file->last_ns));
	members_put(w, o, "sha256", sha256 ? value_text(sha256) : json_null());
	members_put(w, o, "snaplen", file->snaplen ? value_count(file->snaplen) : json_null());
	render_file_flaw(w, o, file);
	members_put(w, o, "recording",
	            file->recorded ? render_file_recording(w, file) : json_null());
	return o;
}

/* ---- what the recorder says ---- */

static json_t *render_gaps(struct members *w, const struct coverage *coverage)
{
	json_t *array = json_array();

	for (size_t i = 0; i < coverage->n_gaps; i++) {
		const struct coverage_gap *gap = &coverage->gaps[i];
		json_t *o = json_object();

		members_put(w, o, "state", value_text(span_names[gap->state]));
		members_put(w, o, "from", value_moment(gap->from_ns));
		members_put(w, o, "to", value_moment(gap->to_ns));
		members_put(w, o, "seconds", json_real((double)(gap->to_ns - gap->from_ns) / 1e9));
		members_put(w, o, "lost_frames", value_count(gap->lost_frames));
		members_push(w, array, o);
	}
	return array;
}

/* Each state's gaps in a few words. */
static json_t *render_gaps_told(struct members *w, const struct coverage *coverage)
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
		members_put(w, o, "state", value_text(span_names[states[i]]));
		members_message(w, o, messages, "words", some);
		members_put(w, o, "messages", messages);
		members_push(w, array, o);
	}
	return array;
}

/* How the judged time adds up, by state. */
static json_t *render_judged(struct members *w, const struct coverage *coverage)
{
	json_t *o = json_object();

	for (size_t i = 0; i < SPAN_COUNT; i++)
		members_put(w, o, span_names[i], json_real((double)coverage->judged_ns[i] / 1e9));
	return o;
}

static json_t *render_kernel(struct members *w, const struct ledger_counters *c)
{
	json_t *o;

	if (!c->kernel_spans)
		return json_null();
	o = json_object();
	members_put(w, o, "frames", value_count(c->kernel_frames));
	members_put(w, o, "bytes", value_count(c->kernel_bytes));
	members_put(w, o, "captured_frames", value_count(c->kernel_seen_frames));
	members_put(w, o, "captured_bytes", value_count(c->kernel_seen_bytes));
	members_put(w, o, "dropped_frames", value_count(c->kernel_seen_dropped));
	return o;
}

static json_t *render_steps(struct members *w, const struct ledger_record *record)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < record->n_steps; i++) {
		json_t *o = json_object();

		members_put(w, o, "at", value_moment(record->steps[i].at_ns));
		members_put(w, o, "by_seconds", json_real((double)record->steps[i].by_ns / 1e9));
		members_push(w, array, o);
	}
	return array;
}

static json_t *render_warnings(struct members *w, const struct ledger_record *record)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < record->n_warnings; i++) {
		json_t *o = json_object();

		members_put(w, o, "code", value_text(record->warnings[i].code));
		members_put(w, o, "about", value_text_or_null(record->warnings[i].about));
		members_put(w, o, "count", value_count(record->warnings[i].count));
		members_push(w, array, o);
	}
	return array;
}

static json_t *render_recording(struct members *w, const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	json_t *o;

	if (!wan->coverage.recorded)
		return json_null();
	o = json_object();
	members_put(w, o, "from", value_moment(wan->coverage.from_ns));
	members_put(w, o, "to", value_moment(wan->coverage.to_ns));
	members_put(w, o, "files", value_count(c->recorded_files));
	members_put(w, o, "repaired_files", value_count(c->repaired_files));
	members_put(w, o, "unfinished_files", value_count(c->unfinished_files));
	members_put(w, o, "missing_files", value_count(c->missing_files));
	members_put(w, o, "gaps", render_gaps(w, &wan->coverage));
	members_put(w, o, "gaps_told", render_gaps_told(w, &wan->coverage));
	members_put(w, o, "gaps_listed_until",
	            wan->coverage.until_ns == UINT64_MAX ? json_null()
	                                                 : value_moment(wan->coverage.until_ns));
	members_put(w, o, "judged_seconds", render_judged(w, &wan->coverage));
	members_put(w, o, "kernel", render_kernel(w, c));
	members_put(w, o, "clock_steps", value_count(c->clock_steps));
	members_put(w, o, "clock_set", render_steps(w, wan->ledger->record));
	members_put(w, o, "warnings", render_warnings(w, wan->ledger->record));
	return o;
}

static json_t *render_wan_coverage(struct members *w, const struct report_wan *wan)
{
	const struct ledger_event *e = wan->ledger->events;
	uint64_t frames = wan->whole.total.frames, dropped = wan->ledger->counters.dropped_frames;
	json_t *o = json_object(), *messages;
	char some[300] = "";

	members_put(w, o, "wan", value_text(wan->name));
	members_put(w, o, "first", value_moment(wan->ledger->first_ns));
	members_put(w, o, "last", value_moment(wan->ledger->last_ns));
	members_put(w, o, "drops_known", json_boolean(wan->ledger->drops_known));
	members_put(w, o, "dropped_frames",
	            wan->ledger->drops_known || dropped ? value_count(dropped) : json_null());
	members_put(w, o, "dropped_ratio",
	            wan->ledger->drops_known || dropped ? value_ratio(dropped, frames + dropped)
	                                                : json_null());
	members_put(w, o, "cut_frames",
	            value_count(e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                                ? e[EVENT_HEADER_CUT].count
	                                : e[EVENT_OPTION_CUT].count));
	members_put(w, o, "backwards", value_count(e[EVENT_BACKWARDS].count));
	members_put(w, o, "super_frames", value_count(e[EVENT_SUPER_FRAME].count));
	members_put(w, o, "skew_seconds", json_real((double)wan->ledger->skew_ns / 1e9));
	members_put(w, o, "filtered", json_boolean(wan->ledger->filtered));
	if (wan->ledger->counters.thinned_files) {
		members_put(w, o, "thinned_files",
		            value_count(wan->ledger->counters.thinned_files));
		members_put(w, o, "thinned_frames",
		            value_count(wan->ledger->counters.thinned_frames));
		members_put(w, o, "thinned_bytes",
		            value_count(wan->ledger->counters.thinned_bytes));
	}
	messages = json_object();
	thinned_words(wan->ledger, some, sizeof(some));
	members_message(w, o, messages, "thinned", some);
	members_put(w, o, "messages", messages);
	members_put(w, o, "recording", render_recording(w, wan));
	return o;
}

/* What connections that the ledger itself holds as sums only carried on each WAN. */
static json_t *render_rest_of_wans(struct members *w, const struct report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct tally *sum = &report->ledger->rest.wans[i];
		json_t *o;

		if (sum->frames == 0)
			continue;
		o = render_json_tally(w, sum);
		members_put(w, o, "wan", value_text(report->wans[i].name));
		members_push(w, array, o);
	}
	return array;
}

json_t *render_json_coverage(struct members *w, const struct report *report)
{
	const struct ledger *ledger = report->ledger;
	json_t *o = json_object(), *files = json_array(), *wans = json_array(),
	       *rest = json_object();

	for (size_t i = 0; i < ledger->n_files; i++)
		members_push(w, files, render_file(w, report, &ledger->files[i]));
	for (size_t i = 0; i < report->n_wans; i++)
		members_push(w, wans, render_wan_coverage(w, &report->wans[i]));
	members_put(w, rest, "connections", value_count(ledger->rest.connections));
	members_put(w, rest, "subflows", value_count(ledger->rest.subflows));
	members_put(w, rest, "wans", render_rest_of_wans(w, report));
	members_put(w, o, "files", files);
	members_put(w, o, "wans", wans);
	members_put(w, o, "connections_summed_only", rest);
	members_put(w, o, "frames_of_further_wans", value_count(ledger->frames_over_wans));
	members_put(w, o, "filter",
	            report->options.filter ? value_text(report->options.filter) : json_null());
	members_put(w, o, "bucket_seconds", value_count(ledger_widths_s[ledger->width]));
	return o;
}
