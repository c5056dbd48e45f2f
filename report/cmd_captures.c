/* SPDX-License-Identifier: MIT
 *
 * cmd_captures.c - see cmd_captures.h.
 */
#include "cmd_captures.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../capture/source.h"
#include "../dissect/pipeline.h"
#include "cmd_digest.h"
#include "cmd_outlets.h"
#include "cmd_progress.h"
#include "cmd_sites.h"
#include "cmd_state.h"
#include "command.h"

/* Enough first frames of a WAN to meet its own address in both roles of a handshake. */
#define SURVEY_FRAMES 256
#define NS            1000000000u

static int failure_code(enum source_failure failure)
{
	static const enum exit_code codes[] = {
		[SOURCE_FINE] = EXIT_INTERNAL,        [SOURCE_NO_INPUT] = EXIT_NO_INPUT,
		[SOURCE_NOT_CAPTURE] = EXIT_BAD_DATA, [SOURCE_DENIED] = EXIT_DENIED,
		[SOURCE_BAD_FILTER] = EXIT_USAGE,     [SOURCE_NO_MEMORY] = EXIT_INTERNAL,
	};

	return (int)((size_t)failure < sizeof(codes) / sizeof(*codes) ? codes[failure]
	                                                              : EXIT_INTERNAL);
}

struct source *captures_open(const struct intake *intake, uint64_t since_ns, int *code)
{
	struct source_spec *specs = calloc(intake->n_inputs, sizeof(*specs));
	struct source_shift *shifts = calloc(intake->n_shifts + 1, sizeof(*shifts));
	struct source_options options = {.filter = intake->filter,
	                                 .shifts = shifts,
	                                 .n_shifts = intake->n_shifts,
	                                 .since_ns = since_ns,
	                                 .until_ns = intake->to_ns};
	struct source_error error = {SOURCE_NO_MEMORY, "out of memory"};
	struct source *source = NULL;
	size_t n = 0;

	if (specs && shifts) {
		for (size_t i = 0; i < intake->n_inputs; i++)
			if (!intake->inputs[i].ledger)
				specs[n++] = (struct source_spec){intake->inputs[i].path,
				                                  intake->inputs[i].wan,
				                                  intake->inputs[i].aside};
		for (size_t i = 0; i < intake->n_shifts; i++)
			shifts[i] =
				(struct source_shift){intake->shifts[i].wan, intake->shifts[i].ns};
		source = source_open(specs, n, &options, &error);
	}
	free(specs);
	free(shifts);
	if (!source)
		*code = command_complain((enum exit_code)failure_code(error.failure), "%s",
		                         error.message);
	return source;
}

struct surveying {
	struct pipeline *pipeline;
	const struct source *source;
};

static void survey(void *context, const struct frame *frame)
{
	const struct surveying *s = context;
	size_t n;
	const struct frame_wan *wans = source_wans(s->source, &n);

	if (frame->wan < n)
		pipeline_survey(s->pipeline, &wans[frame->wan], frame);
}

/* Where frames go: into one dissection, or, on a server, each into that of its site. */
struct sink {
	struct pipeline *pipeline; /* NULL: the outlets have their own */
	struct outlets *outlets;   /* NULL: a frame is of its interface's WAN */
	bool tells;                /* each frame is told on standard output while others are read */
};

/*
 * The time that is judged, and the state that it goes on from: frames that the state knows are
 * passed over, frames before the window are read for what they tell of connections, those behind it
 * are left out.
 */
struct cutting {
	struct intake *intake;
	struct source *source;
	const struct sink *sink;
	uint64_t since_ns;      /* the state knows all before; 0 = none does */
	uint64_t not_before_ns; /* a frame before it lies in the state already */
	uint64_t from_ns, to_ns;
	bool on, begun;
	bool keeps; /* a state is to be left, of the end of what was asked for */
	bool settled; /* nothing lacks before the end of it, whoever is still writing */
	int code;   /* not 0: reading stops, and why was explained */
};

static void cutting_begin(struct cutting *cutting, bool captures)
{
	size_t n;
	const struct frame_wan *wans = source_wans(cutting->source, &n);

	cutting->begun = true;
	if (cutting->sink->outlets
	            ? !outlets_begin(cutting->sink->outlets, captures ? cutting->source : NULL)
	            : !pipeline_begin(cutting->sink->pipeline, wans, captures ? n : 0))
		cutting->code = command_complain(EXIT_INTERNAL, "out of memory");
}

static void cutting_init(struct cutting *cutting, struct intake *intake, struct source *source,
                         const struct sink *sink)
{
	struct pipeline *pipeline = sink->pipeline;
	struct pipeline_origin origin = {0};
	bool window = intake->from_ns || intake->to_ns;

	if (pipeline)
		origin = pipeline_origin(pipeline);
	*cutting = (struct cutting){
		.intake = intake,
		.source = source,
		.sink = sink,
		.since_ns = origin.cut_ns,
		.from_ns = intake->from_ns,
		.to_ns = intake->to_ns ? intake->to_ns : UINT64_MAX,
		.on = window || (origin.resumed && !intake->adds_up),
		.keeps = window && pipeline && state_is_kept(intake, pipeline),
		.settled = intake->settled,
	};
	if (window && origin.resumed && !origin.cut_ns)
		cutting->not_before_ns = origin.last_ns;
	if (cutting->on && !cutting->from_ns && !cutting->since_ns)
		cutting_begin(cutting, false);
}

/* The state of the moment from which on frames lack, or are not asked for. */
static void cutting_keep(struct cutting *cutting, uint64_t until_ns)
{
	uint64_t cut = until_ns < cutting->to_ns ? until_ns + 1 : cutting->to_ns;

	cutting->keeps = false;
	if (cut < cutting->since_ns)
		cut = cutting->since_ns;
	cutting->code = state_keep(cutting->intake, cutting->sink->pipeline, cut);
}

static bool overlaps(struct cutting *cutting, const struct frame *frame)
{
	char ends[80];
	size_t n;
	uint64_t until = cutting->not_before_ns;

	cutting->not_before_ns = 0;
	if (frame->ts_ns >= until)
		return false;
	cutting->code = command_complain(
		EXIT_BAD_DATA,
		"%s begins before the end of --state %s (%s), which does not say what of it is "
		"known "
		"there: give the captures since then",
		source_files(cutting->source, &n)[frame->file].name, cutting->intake->state,
		zone_text(&cutting->intake->zone, (int64_t)(until / NS), ends, sizeof(ends)));
	return true;
}

/* Up to where nothing lacks of what was read. */
static uint64_t complete_ns(const struct cutting *cutting)
{
	return cutting->settled ? cutting->to_ns : source_complete(cutting->source);
}

/* What a recorder is still writing may lack its last seconds, and tells another story when it is
 * read again: unless those have passed long ago, the window ends with the first frame of such a
 * file. */
static bool cutting_admits(struct cutting *cutting, const struct frame *frame)
{
	uint64_t ts_ns = frame->ts_ns;
	size_t n;

	if (ts_ns < cutting->since_ns || overlaps(cutting, frame))
		return false;
	if (!cutting->settled && ts_ns < cutting->to_ns &&
	    source_files(cutting->source, &n)[frame->file].growing)
		cutting->to_ns = ts_ns;
	if (cutting->keeps && (ts_ns >= cutting->to_ns || ts_ns > complete_ns(cutting)))
		cutting_keep(cutting, complete_ns(cutting));
	if (!cutting->begun && ts_ns >= cutting->from_ns)
		cutting_begin(cutting, true);
	return !cutting->begun || (ts_ns >= cutting->from_ns && ts_ns < cutting->to_ns);
}

/* All frames are read. */
static void cutting_end(struct cutting *cutting)
{
	uint64_t start, end;

	if (cutting->keeps && source_window(cutting->source, &start, &end))
		cutting_keep(cutting, cutting->settled ? cutting->to_ns : end);
	if (cutting->on && !cutting->begun) /* all frames lie before it */
		cutting_begin(cutting, true);
}

/* Up to PROGRESS_FRAMES frames; false when there are no more. */
static bool run_some(const struct intake *intake, struct source *source, const struct sink *sink,
                     struct cutting *cutting)
{
	struct frame frame;
	size_t n;

	for (unsigned i = 0; i < PROGRESS_FRAMES; i++) {
		if (intake->done || cutting->code || !source_next(source, &frame))
			return false;
		if (cutting->on && !cutting_admits(cutting, &frame))
			continue;
		if (sink->outlets)
			outlets_feed(sink->outlets, source, &frame);
		else
			pipeline_feed(sink->pipeline, &source_wans(source, &n)[frame.wan],
			              &source_files(source, &n)[frame.file], &frame);
	}
	return true;
}

/* The end of the capture, or of this piece of it. */
static int end_source(struct intake *intake, struct source *source, const struct sink *sink)
{
	size_t n_wans, n_files;
	const struct frame_wan *wans = sink->outlets ? outlets_wans(sink->outlets, source, &n_wans)
	                                             : source_wans(source, &n_wans);
	const struct frame_file *files = sink->outlets
	                                         ? outlets_files(sink->outlets, source, &n_files)
	                                         : source_files(source, &n_files);
	bool window = intake->from_ns || intake->to_ns;
	int code = 0;

	if (intake->state && intake->adds_up)
		return state_end(intake, sink->pipeline, wans, n_wans, files, n_files);
	if (!window && state_is_kept(intake, sink->pipeline))
		code = state_keep(intake, sink->pipeline, 0);
	pipeline_finish(sink->pipeline, wans, n_wans, files, n_files);
	if (sink->outlets)
		outlets_tally(sink->outlets);
	return code;
}

static int end_sites(struct source *source, const struct sink *sink)
{
	return outlets_finish(sink->outlets, source)
	               ? 0
	               : command_complain(EXIT_INTERNAL, "out of memory");
}

/* Was the recorder's clock set after the state ended? Then its times are not those of the captures.
 */
static bool clock_set_since(const struct source *source, uint64_t since_ns)
{
	size_t n;
	const struct frame_wan *wans = source_wans(source, &n);

	for (size_t i = 0; i < n; i++) {
		const struct frame_recording *r = wans[i].recording;

		for (unsigned k = 0; r && k < r->n_steps; k++) {
			uint64_t back = r->steps[k].by_ns < 0 ? -(uint64_t)r->steps[k].by_ns : 0;

			if (r->steps[k].at_ns > since_ns || back > since_ns - r->steps[k].at_ns)
				return true;
		}
	}
	return false;
}

static int check_clock(const struct intake *intake, const struct source *source,
                       const struct pipeline *pipeline)
{
	uint64_t since_ns = pipeline_origin(pipeline).cut_ns;

	if (!since_ns || !clock_set_since(source, since_ns))
		return 0;
	return command_complain(EXIT_BAD_DATA,
	                        "--state %s: the recorder's clock was set after it ended, so the "
	                        "times in it and those of the captures are not the same: begin "
	                        "with a new one",
	                        intake->state);
}

/* 0 or an exit code, already explained. */
static int run_source(struct intake *intake, struct source *source, const struct sink *sink,
                      struct cutting *cutting)
{
	struct progress progress;
	struct surveying surveying = {sink->pipeline, source};

	progress_begin(&progress, intake->language);
	if (sink->tells && isatty(STDOUT_FILENO))
		progress.terminal = false; /* that is progress enough, and has the terminal */
	if (!sink->outlets) /* on a server what tells the WAN tells the side, too */
		source_survey(source, SURVEY_FRAMES, survey, &surveying);
	cutting_init(cutting, intake, source, sink);
	while (run_some(intake, source, sink, cutting))
		progress_step(&progress, source);
	progress_end(&progress);
	if (cutting->code == 0)
		cutting_end(cutting);
	if (cutting->code)
		return cutting->code;
	return sink->pipeline ? end_source(intake, source, sink) : end_sites(source, sink);
}

/* The time all captures share, inside the window. */
static void share_window(struct ledger *ledger, const struct source *source,
                         const struct cutting *cutting)
{
	ledger->shared_known =
		source_window(source, &ledger->shared_start_ns, &ledger->shared_end_ns);
	if (!cutting->on || !ledger->shared_known)
		return;
	if (ledger->shared_start_ns < cutting->from_ns)
		ledger->shared_start_ns = cutting->from_ns;
	if (ledger->shared_end_ns > cutting->to_ns)
		ledger->shared_end_ns = cutting->to_ns;
	ledger->shared_known = ledger->shared_start_ns <= ledger->shared_end_ns;
	if (!ledger->shared_known)
		ledger->shared_start_ns = ledger->shared_end_ns = 0;
}

/* A window beside the captures is told as one: its report would only say that nothing is known. */
static void tell_empty(const struct intake *intake, const struct source *source,
                       const struct ledger *ledger)
{
	uint64_t first = UINT64_MAX, last = 0;
	char from[80], to[80];
	size_t n;
	const struct frame_file *files = source_files(source, &n);

	for (size_t i = 0; i < ledger->n_wans; i++)
		if (ledger->wans[i].n_buckets > 0)
			return;
	for (size_t i = 0; i < n; i++) {
		if (files[i].frames == 0 && !files[i].outside)
			continue;
		first = files[i].first_ns < first ? files[i].first_ns : first;
		last = files[i].last_ns > last ? files[i].last_ns : last;
	}
	if (first <= last)
		command_complain(
			EXIT_PASS,
			"no frame passed in this window; the captures reach from %s to %s",
			zone_text(&intake->zone, (int64_t)(first / NS), from, sizeof(from)),
			zone_text(&intake->zone, (int64_t)(last / NS), to, sizeof(to)));
}

/* What was wrong with a file is said here too: a script that keeps only stderr should see it. */
static void tell_files(const struct source *source)
{
	size_t n;
	const struct frame_file *files = source_files(source, &n);

	for (size_t i = 0; i < n; i++)
		if (files[i].message[0])
			command_complain(EXIT_PASS, "%s: %s", files[i].name, files[i].message);
}

/* What is said once of all that was read. */
static void tell_source(const struct intake *intake, const struct source *source,
                        struct ledger *ledger, const struct cutting *cutting)
{
	size_t n = intake->sites ? intake->sites->n_ledgers : 1;

	for (size_t i = 0; i < n; i++)
		share_window(intake->sites ? intake->sites->ledgers[i] : ledger, source, cutting);
	if (cutting->on && !intake->sites)
		tell_empty(intake, source, ledger);
	tell_files(source);
}

static int open_sink(struct sink *sink, struct intake *intake, struct ledger *ledger,
                     const struct pipeline_options *options)
{
	int code = 0;

	*sink = (struct sink){0};
	if (!intake->sites)
		sink->pipeline = state_begin(intake, intake->adds_up, ledger, options, &code);
	if (code == 0)
		sink->outlets = outlets_open(intake, sink->pipeline, ledger, options, &code);
	return code;
}

int captures_read(struct intake *intake, struct ledger *ledger,
                  void (*settled)(void *, const struct sighting *), void *context)
{
	struct pipeline_options options = {
		.settled = settled, .context = context, .describe = settled != NULL, .kin = intake->kin};
	struct sink sink;
	struct cutting cutting;
	struct source *source = NULL;
	int code = open_sink(&sink, intake, ledger, &options);

	sink.tells = settled != NULL;
	if (code == 0)
		source = captures_open(intake,
		                       sink.pipeline ? pipeline_origin(sink.pipeline).cut_ns : 0,
		                       &code);
	if (code == 0 && sink.pipeline)
		code = check_clock(intake, source, sink.pipeline);
	if (code == 0)
		code = run_source(intake, source, &sink, &cutting);
	if (code == 0) {
		tell_source(intake, source, ledger, &cutting);
		digest_files(intake, source, ledger);
	}
	outlets_close(sink.outlets);
	pipeline_free(sink.pipeline);
	source_close(source);
	return code;
}
