/* SPDX-License-Identifier: MIT
 *
 * render_coverage.c - see render_sections.h: what was read, and how well.
 */
#include "render_sections.h"

#include <string.h>

#define NS 1000000000.0

static uint64_t ns_of(double seconds)
{
	return seconds > 0 && seconds < 9e9 ? (uint64_t)(seconds * NS + 0.5) : 0;
}

static void print_file(const struct page *page, const json_t *file)
{
	char name[STORED_NAME], path[300], wan[STORED_NAME], count[TEXT_SHORT], span[MESSAGE_TIME],
		line[900], text[STORED_NAME * 4];

	stored_name(name, file, "name", 390);
	stored_name(wan, file, "wan", 20);
	fputs("  ", page->out);
	page_pad(page, page_path(path, sizeof(path), name, 36), 24);
	PAGE_PUT(page, text_file_frames, wan[0] ? wan : "-", page_count(count, file, "frames"));
	fputc('\n', page->out);
	if (stored_number(file, "frames") > 0) {
		snprintf(line, sizeof(line), "%s", page_span(span, file, "first", "last"));
		if (stored_has(file, "snaplen")) {
			snprintf(count, sizeof(count), "%llu",
			         (unsigned long long)stored_number(file, "snaplen"));
			MORE_IN(line, text_and_snaplen, count);
		}
		page_tell(page, line, 6);
	}
	if (stored_has(file, "sha256"))
		page_tell(page, stored_digest(line, sizeof(line), file), 6);
	if (stored_has(file, "message"))
		page_tell(page, stored_message(text, sizeof(text), file, "message"), 6);
}

/* ---- a WAN: a sentence that grows ---- */

#define LINE 4000

/* One more case with a count in it, unless that is 0. */
static void more_count(char *line, uint64_t count, enum message message)
{
	char text[TEXT_SHORT];

	if (count > 0)
		message_more(line, LINE, message,
		             (const char *const[]){text_count(text, count), NULL});
}

static void more_number(char *line, const json_t *o, const char *key, enum message message)
{
	more_count(line, stored_number(o, key), message);
}

/* "3 recorded files, 2026-01-01 00:00:00 to 01:00:00 UTC, 12,345 frames, 0 dropped" */
static void more_recorded(const struct page *page, char *line, const json_t *coverage,
                          const json_t *wan)
{
	const json_t *recording = json_object_get(coverage, "recording");
	const json_t *window = json_object_get(page->report, "window");
	bool part = stored_has(window, "asked_from") || stored_has(window, "asked_to");
	char files[TEXT_SHORT], frames[TEXT_SHORT], dropped[TEXT_SHORT], span[MESSAGE_TIME];

	message_more(line, LINE, part ? MESSAGE_text_recorded_window : MESSAGE_text_recorded,
	             (const char *const[]){page_count(files, recording, "files"),
	                                   page_span(span, recording, "from", "to"),
	                                   page_count(frames, wan, "frames"),
	                                   page_count(dropped, coverage, "dropped_frames"), NULL});
	more_number(line, recording, "unfinished_files", MESSAGE_text_unfinished);
	more_number(line, recording, "repaired_files", MESSAGE_text_repaired);
	more_number(line, recording, "missing_files", MESSAGE_text_missing);
}

static void more_kernel(char *line, const json_t *kernel)
{
	uint64_t frames = stored_number(kernel, "frames");
	uint64_t seen =
		stored_number(kernel, "captured_frames") + stored_number(kernel, "dropped_frames");
	char a[TEXT_SHORT], b[TEXT_SHORT];

	if (!kernel || json_is_null(kernel))
		return;
	text_count(b, frames);
	if (seen >= frames)
		message_more(line, LINE, MESSAGE_text_kernel_all, (const char *const[]){b, NULL});
	else
		message_more(line, LINE, MESSAGE_text_kernel_some,
		             (const char *const[]){text_count(a, seen), b, NULL});
}

static void more_warnings(char *line, const json_t *warnings)
{
	char list[1200] = "", code[STORED_NAME], about[STORED_NAME];
	const json_t *warning;
	size_t i;

	json_array_foreach(warnings, i, warning)
	{
		if (!coverage_warning(stored_text(warning, "code"), false, code, sizeof(code)))
			continue; /* it makes no number wrong */
		if (list[0])
			MORE_IN(list, comma);
		stored_name(code, warning, "code", 40);
		if (stored_name(about, warning, "about", 40)[0])
			MORE_IN(list, in_brackets, code, about);
		else
			strncat(list, code, sizeof(list) - strlen(list) - 1);
	}
	if (list[0])
		message_more(line, LINE, MESSAGE_text_recorder_warned,
		             (const char *const[]){list, NULL});
}

/* What the kernel counted, the gaps, the warnings, the clock. */
static void more_quality(char *line, const json_t *recording)
{
	char text[600];
	const json_t *gap;
	size_t i;

	more_kernel(line, json_object_get(recording, "kernel"));
	json_array_foreach(json_object_get(recording, "gaps_told"), i, gap)
	{
		message_more(line, LINE, MESSAGE_semicolon, (const char *const[]){NULL});
		strncat(line, stored_message(text, sizeof(text), gap, "words"),
		        LINE - strlen(line) - 1);
	}
	more_warnings(line, json_object_get(recording, "warnings"));
	if (json_array_size(json_object_get(recording, "clock_set")) == 0)
		more_number(line, recording, "clock_steps", MESSAGE_text_clock_steps);
}

static void print_wan(const struct page *page, const json_t *coverage, const json_t *wan)
{
	char name[STORED_NAME], text[TEXT_SHORT], thinned[500], line[LINE] = "";
	bool recorded = stored_has(coverage, "recording");

	SAY_IN(line, text_rule_colon, stored_name(name, coverage, "wan", 20));
	strcat(line, " ");
	if (recorded)
		more_recorded(page, line, coverage, wan);
	else if (stored_has(coverage, "dropped_frames"))
		MORE_IN(line, text_dropped, page_count(text, coverage, "dropped_frames"));
	else
		MORE_IN(line, text_drops_unknown);
	more_number(line, coverage, "cut_frames", MESSAGE_text_cut);
	more_number(line, coverage, "backwards", MESSAGE_text_backwards);
	more_number(line, coverage, "super_frames", MESSAGE_text_super_frames);
	if (ns_of(stored_real(coverage, "skew_seconds")) > 0)
		MORE_IN(line, text_skew,
		        text_duration(text, ns_of(stored_real(coverage, "skew_seconds"))));
	if (stored_true(coverage, "filtered"))
		MORE_IN(line, text_filtered);
	if (stored_message(thinned, sizeof(thinned), coverage, "thinned")[0])
		MORE_IN(line, text_and_detail, thinned);
	if (recorded)
		more_quality(line, json_object_get(coverage, "recording"));
	page_tell(page, line, 2);
}

/* ---- the clock ---- */

#define TOP_STEPS  3
#define STEP_NEAR  2000000000u /* of one step, as two WANs tell it: each by its own file */
#define STEP_ALIKE 0.2         /* seconds */

static bool same_step(const json_t *a, const json_t *b)
{
	uint64_t x = stored_time(a, "at"), y = stored_time(b, "at");
	double size = stored_real(a, "by_seconds") - stored_real(b, "by_seconds");

	return (x > y ? x - y : y - x) <= STEP_NEAR && size <= STEP_ALIKE && size >= -STEP_ALIKE;
}

static const json_t *steps_of(const json_t *wans, size_t wan)
{
	return json_object_get(json_object_get(json_array_get(wans, wan), "recording"),
	                       "clock_set");
}

static bool step_told(const json_t *wans, size_t wan, const json_t *step)
{
	for (size_t i = 0; i < wan; i++) {
		const json_t *steps = steps_of(wans, i), *other;
		size_t k;

		json_array_foreach(steps, k, other) if (same_step(other, step)) return true;
	}
	return false;
}

static void print_step(const struct page *page, const json_t *step)
{
	double by = stored_real(step, "by_seconds");
	uint64_t ms = ns_of(by < 0 ? -by : by) / 1000000;
	char line[300], moment[MESSAGE_TIME], whole[TEXT_SHORT], seconds[TEXT_SHORT + 20];

	snprintf(seconds, sizeof(seconds), "%c%s.%llu s", by < 0 ? '-' : '+',
	         text_count(whole, ms / 1000), (unsigned long long)(ms % 1000 / 100));
	page_tell(page,
	          SAY_IN(line, text_clock_set, seconds,
	                 message_time(moment, stored_time(step, "at"))),
	          2);
}

/* A router has one clock: each step once, whichever WANs tell of it. */
static void print_steps(const struct page *page, const json_t *wans)
{
	char line[200], count[TEXT_SHORT];
	size_t told = 0;

	for (size_t i = 0; i < json_array_size(wans); i++) {
		const json_t *steps = steps_of(wans, i), *step;
		size_t k;

		json_array_foreach(steps, k, step) if (!step_told(wans, i, step) &&
		                                       told++ < TOP_STEPS) print_step(page, step);
	}
	if (told > TOP_STEPS)
		page_tell(page, SAY_IN(line, text_clock_more, text_count(count, told - TOP_STEPS)),
		          2);
}

/* ---- the time ---- */

/* The window that was asked for, by the site's clocks. */
static void print_window(const struct page *page, const json_t *window)
{
	uint64_t from = stored_time(window, "asked_from"), to = stored_time(window, "asked_to");
	char line[400], a[MESSAGE_TIME], b[MESSAGE_TIME], length[TEXT_SHORT];

	if (!from && !to)
		return;
	from ? message_time(a, from) : SAY_IN(a, text_first_frame);
	to ? message_time(b, to) : SAY_IN(b, text_last_frame);
	SAY_IN(line, text_window, a, b);
	if (from && to)
		MORE_IN(line, text_in_brackets, text_duration(length, to - from));
	page_tell(page, line, 2);
}

static void print_judged(const struct page *page, const json_t *window)
{
	char line[300], span[MESSAGE_TIME], length[TEXT_SHORT], clocks[80];

	if (stored_has(window, "start") && stored_has(window, "end"))
		SAY_IN(line, text_judged, page_span(span, window, "start", "end"),
		       text_duration(length,
		                     stored_time(window, "end") - stored_time(window, "start")),
		       stored_clocks(page->report, page->telling.zone, clocks, sizeof(clocks)));
	else
		SAY_IN(line, text_judged_nothing);
	page_tell(page, line, 2);
}

void render_coverage(const struct page *page)
{
	const json_t *coverage = json_object_get(page->report, "coverage");
	const json_t *wans = json_object_get(coverage, "wans"), *row;
	const json_t *window = json_object_get(page->report, "window");
	char line[600], text[STORED_NAME];
	size_t i;

	page_heading(page, SAY_IN(line, text_coverage));
	json_array_foreach(json_object_get(coverage, "files"), i,
	                   row) if (!stored_has(row, "recording") || stored_has(row, "message"))
		print_file(page, row);
	json_array_foreach(wans, i, row)
		print_wan(page, row, json_array_get(json_object_get(page->report, "wans"), i));
	print_steps(page, wans);
	print_window(page, window);
	print_judged(page, window);
	if (stored_has(coverage, "filter"))
		page_tell(page,
		          SAY_IN(line, text_filter, stored_name(text, coverage, "filter", 30)), 2);
	if (stored_number(coverage, "frames_of_further_wans") > 0)
		page_tell(page,
		          SAY_IN(line, text_further_wans,
		                 page_count(text, coverage, "frames_of_further_wans")),
		          2);
}
