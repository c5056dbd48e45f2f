/* SPDX-License-Identifier: MIT
 *
 * render_coverage.c - see render_sections.h: what was read, and how well.
 */
#include "render_sections.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"
#include "thinned.h"

static void print_file(const struct page *page, const struct ledger_file *file)
{
	const struct report *report = page->report;
	char name[160], wan[100], count[TEXT_SHORT], safe[400];

	fputs("  ", page->out);
	page_pad(page, page_path(name, sizeof(name), file->name, 36), 24);
	fprintf(page->out, " -> %s: %s frames",
	        text_safe(wan, sizeof(wan),
	                  file->wan < report->n_wans ? report->wans[file->wan].name : "-", 20),
	        text_count(count, file->frames));
	fputc('\n', page->out);
	if (file->frames > 0) {
		fputs("      ", page->out);
		page_print_span(page, file->first_ns, file->last_ns);
		fputs(" UTC", page->out);
		if (file->snaplen)
			fprintf(page->out, ", snaplen %u", file->snaplen);
		fputc('\n', page->out);
	}
	if (file->message)
		page_wrap(page, text_safe(safe, sizeof(safe), file->message, 300), 6);
}

/* A line that grows; what does not fit is left out. */
struct line {
	char text[1600];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void more(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(line->text) - line->used)
		line->used += (size_t)n;
	else
		line->text[line->used] = '\0';
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "3 recorded files, 2026-01-01 00:00:00 to 01:00:00 UTC, 12,345 frames, 0 dropped" */
static void more_recorded(struct line *line, const struct report_wan *wan)
{
	const struct ledger_counters *c = &wan->ledger->counters;
	char a[TEXT_SHORT], b[TEXT_SHORT], count[TEXT_SHORT];
	bool same_day;

	text_moment(a, wan->coverage.from_ns);
	text_moment(b, wan->coverage.to_ns);
	same_day = strncmp(a, b, 10) == 0;
	more(line, "%s recorded file%s, ", text_count(count, c->recorded_files),
	     plural(c->recorded_files));
	more(line, "%.19s to %s, ", a, same_day ? b + 11 : b);
	more(line, "%s frames%s, ", text_count(count, wan->whole.total.frames),
	     wan->from_ns || wan->to_ns != UINT64_MAX ? " in the window" : "");
	more(line, "%s dropped", text_count(count, c->dropped_frames));
	if (c->unfinished_files)
		more(line, ", %s file%s being written or cut off",
		     text_count(count, c->unfinished_files), plural(c->unfinished_files));
	if (c->repaired_files)
		more(line, ", %s repaired", text_count(count, c->repaired_files));
	if (c->missing_files)
		more(line, ", %s missing", text_count(count, c->missing_files));
}

/* What the kernel counted, the gaps, the warnings, the clock. */
static void more_quality(struct line *line, const struct report_wan *wan,
                         const struct telling *telling)
{
	static const enum span_state states[] = {SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED,
	                                         SPAN_STOPPED};
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct ledger_record *record = wan->ledger->record;
	char a[TEXT_SHORT], b[TEXT_SHORT], some[300], words[300];
	uint64_t seen = c->kernel_seen_frames + c->kernel_seen_dropped;

	if (c->kernel_spans && seen >= c->kernel_frames)
		more(line, "; all %s frames the kernel counted", text_count(a, c->kernel_frames));
	else if (c->kernel_spans)
		more(line, "; %s of %s frames the kernel counted", text_count(a, seen),
		     text_count(b, c->kernel_frames));
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (coverage_say(&wan->coverage, states[i], 0, UINT64_MAX, some, sizeof(some)))
			more(line, "; %s", message_words(words, sizeof(words), some, telling));
	for (unsigned i = 0, told = 0; i < record->n_warnings; i++) {
		const struct ledger_warning *warning = &record->warnings[i];

		if (coverage_warning(warning->code, false, some, sizeof(some)))
			more(line, "%s%s%s%s%s",
			     told++ ? ", " : "; its recorder warned: ", warning->code,
			     warning->about[0] ? " (" : "", warning->about,
			     warning->about[0] ? ")" : "");
	}
	if (c->clock_steps && !record->n_steps)
		more(line, "; the clock was set %s time%s, its times are by the first",
		     text_count(a, c->clock_steps), plural(c->clock_steps));
}

static void print_gaps(const struct page *page, const struct report_wan *wan)
{
	const struct ledger_event *e = wan->ledger->events;
	uint64_t cut = e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                       ? e[EVENT_HEADER_CUT].count
	                       : e[EVENT_OPTION_CUT].count;
	char name[100], text[TEXT_SHORT], some[200], words[200];
	struct line line = {.used = 0};

	more(&line, "%s: ", text_safe(name, sizeof(name), wan->name, 20));
	if (wan->coverage.recorded)
		more_recorded(&line, wan);
	else if (wan->ledger->drops_known || wan->ledger->counters.dropped_frames)
		more(&line, "%s frames dropped while capturing",
		     text_count(text, wan->ledger->counters.dropped_frames));
	else
		more(&line, "drops not known (pcap does not record them)");
	if (cut > 0)
		more(&line, ", %s headers or options cut", text_count(text, cut));
	if (e[EVENT_BACKWARDS].count > 0)
		more(&line, ", %s step%s back in time", text_count(text, e[EVENT_BACKWARDS].count),
		     plural(e[EVENT_BACKWARDS].count));
	if (e[EVENT_SUPER_FRAME].count > 0)
		more(&line, ", %s super-frames (offload)",
		     text_count(text, e[EVENT_SUPER_FRAME].count));
	if (wan->ledger->skew_ns > 0)
		more(&line, ", clock off by %s or more", text_duration(text, wan->ledger->skew_ns));
	if (wan->ledger->filtered)
		more(&line, ", filtered");
	if (thinned_words(wan->ledger, some, sizeof(some)))
		more(&line, ", %s", message_words(words, sizeof(words), some, &page->telling));
	if (wan->coverage.recorded)
		more_quality(&line, wan, &page->telling);
	page_wrap(page, line.text, 2);
}

/* ---- the clock ---- */

#define TOP_STEPS  3
#define STEP_NEAR  2000000000u /* of one step, as two WANs tell it: each by its own file */
#define STEP_ALIKE 200000000

static bool same_step(const struct ledger_step *a, const struct ledger_step *b)
{
	uint64_t apart = a->at_ns > b->at_ns ? a->at_ns - b->at_ns : b->at_ns - a->at_ns;
	int64_t size;

	return apart <= STEP_NEAR && !__builtin_sub_overflow(a->by_ns, b->by_ns, &size) &&
	       size <= STEP_ALIKE && size >= -STEP_ALIKE;
}

static bool step_told(const struct report *report, size_t wan, const struct ledger_step *step)
{
	for (size_t i = 0; i < wan; i++) {
		const struct ledger_record *record = report->wans[i].ledger->record;

		for (unsigned k = 0; record && k < record->n_steps; k++)
			if (same_step(&record->steps[k], step))
				return true;
	}
	return false;
}

static void print_step(const struct page *page, const struct ledger_step *step)
{
	char line[200], moment[TEXT_SHORT], whole[TEXT_SHORT];
	uint64_t ms = (step->by_ns < 0 ? -(uint64_t)step->by_ns : (uint64_t)step->by_ns) / 1000000;

	snprintf(line, sizeof(line),
	         "the clock was set by %c%s.%llu s at %s: times before it were moved",
	         step->by_ns < 0 ? '-' : '+', text_count(whole, ms / 1000),
	         (unsigned long long)(ms % 1000 / 100), text_moment(moment, step->at_ns));
	page_wrap(page, line, 2);
}

/* A router has one clock: each step once, whichever WANs tell of it. */
static void print_steps(const struct page *page)
{
	const struct report *report = page->report;
	unsigned told = 0, untold = 0;

	for (size_t i = 0; i < report->n_wans; i++) {
		const struct ledger_record *record = report->wans[i].ledger->record;

		for (unsigned k = 0; record && k < record->n_steps; k++) {
			if (step_told(report, i, &record->steps[k]))
				continue;
			if (told < TOP_STEPS)
				print_step(page, &record->steps[k]);
			else
				untold++;
			told++;
		}
	}
	if (untold)
		fprintf(page->out, "  the clock was set %u more time%s, in the JSON\n", untold,
		        plural(untold));
}

/* The window that was asked for, by the site's clocks. */
static void print_window(const struct page *page)
{
	const struct report_options *how = &page->report->options;
	char from[60] = "the first frame", to[60] = "the last frame", length[TEXT_SHORT];
	struct zone utc;

	if (!how->from_ns && !how->to_ns)
		return;
	zone_utc(&utc);
	if (how->from_ns)
		zone_text(how->zone ? how->zone : &utc, (int64_t)(how->from_ns / 1000000000u), from,
		          sizeof(from));
	if (how->to_ns)
		zone_text(how->zone ? how->zone : &utc, (int64_t)(how->to_ns / 1000000000u), to,
		          sizeof(to));
	fprintf(page->out, "  window: %s to %s", from, to);
	if (how->from_ns && how->to_ns)
		fprintf(page->out, " (%s)", text_duration(length, how->to_ns - how->from_ns));
	fputc('\n', page->out);
}

void render_coverage(const struct page *page)
{
	const struct report *report = page->report;
	char filter[200], length[TEXT_SHORT];

	page_heading(page, "Coverage");
	for (size_t i = 0; i < report->ledger->n_files; i++)
		if (!report->ledger->files[i].recorded || report->ledger->files[i].message)
			print_file(page, &report->ledger->files[i]);
	for (size_t i = 0; i < report->n_wans; i++)
		print_gaps(page, &report->wans[i]);
	print_steps(page);
	print_window(page);
	if (report->window) {
		fputs("  judged: ", page->out);
		page_print_span(page, report->start_ns, report->end_ns);
		fprintf(page->out, " UTC (%s)\n",
		        text_duration(length, report->end_ns - report->start_ns));
	} else {
		fputs("  judged: nothing, the captures share no time\n", page->out);
	}
	if (report->options.filter)
		fprintf(page->out, "  filter: %s (such an audit cannot pass A1, A2, A29)\n",
		        text_safe(filter, sizeof(filter), report->options.filter, 30));
	if (report->ledger->frames_over_wans > 0)
		fprintf(page->out, "  %llu frames of further WANs were not told apart\n",
		        (unsigned long long)report->ledger->frames_over_wans);
}
