/* SPDX-License-Identifier: MIT
 *
 * source.c - all inputs behind one source_next(): opening, merging by time, the shared window.
 */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "inputs.h"

/* What was captured in one go: the files of one WAN, or of one recording of several interfaces. */
struct capture {
	char *key; /* owned */
	bool bounds;
	bool recorded;     /* the statistics of our recorder say what it covers */
	size_t files_left; /* with frames still to come */
	uint64_t first_ns, last_ns;
	struct input *earliest; /* of its files with frames */
};

struct source {
	struct inputs inputs;
	struct frame_file *files;
	struct roster roster;
	struct source_shift *shifts; /* owned copies */
	size_t n_shifts;
	struct input_env env;
	size_t n_splits; /* rows of the roster that are split from others: the first */

	struct capture *captures;
	size_t n_captures;
	bool alone;        /* one capture: all time is shared */
	uint64_t start_ns; /* latest first frame of those that bound */
	uint64_t end_ns;   /* earliest last frame so far known; UINT64_MAX = of none yet */

	/* merging: a heap of the inputs that have frames, by the time of the frame ahead */
	struct input **order; /* by first frame; all inputs with frames */
	struct input **heap;
	size_t n_order, n_heap;
	struct input *lender; /* whose bytes the caller borrows */
	bool lender_spent;
	struct input *solo; /* the only input, when it needs no merging */
};

/* ---- merging ---- */

/* Is `a` to come before `b`? Time, then WAN name, then the order of a WAN's files, which is by time
 * too. */
static bool ties_before(const struct source *source, const struct input *a, const struct input *b)
{
	const struct frame_wan *wans = source->roster.wans;
	int order = 0;

	if (a->head.frame.wan != b->head.frame.wan)
		order = strcmp(wans[a->head.frame.wan].name, wans[b->head.frame.wan].name);
	if (order != 0)
		return order < 0;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns;
	order = strcmp(a->path, b->path);
	return order ? order < 0 : a->index < b->index;
}

static bool comes_before(const struct source *source, const struct input *a, const struct input *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch;
	if (a->head.frame.ts_ns != b->head.frame.ts_ns)
		return a->head.frame.ts_ns < b->head.frame.ts_ns;
	return ties_before(source, a, b);
}

static void sift_down(struct source *source, size_t at)
{
	struct input **heap = source->heap;
	struct input *moving = heap[at];

	for (size_t child; (child = 2 * at + 1) < source->n_heap; at = child) {
		if (child + 1 < source->n_heap &&
		    comes_before(source, heap[child + 1], heap[child]))
			child++;
		if (!comes_before(source, heap[child], moving))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moving;
}

/* The first input of the heap has no more frames: its capture may end with it. */
static void retire_first(struct source *source)
{
	const struct input *input = source->heap[0];
	struct capture *capture = &source->captures[input->capture];

	if (input->row->last_ns > capture->last_ns)
		capture->last_ns = input->row->last_ns;
	if (input->row->to_ns > capture->last_ns) /* our recorder's: it heard nothing more */
		capture->last_ns = input->row->to_ns;
	if (--capture->files_left == 0 && capture->bounds && capture->last_ns < source->end_ns)
		source->end_ns = capture->last_ns;
	source->heap[0] = source->heap[--source->n_heap];
	if (source->n_heap)
		sift_down(source, 0);
}

/* A file whose turn has come is opened again. What went wrong with it since then stands in its row.
 */
static void wake_first(struct source *source)
{
	struct source_error error = {0};
	struct input *input = source->heap[0];
	uint32_t wan = input->row->wan;

	if (input_open(input, &source->env, &error) != SOURCE_FINE) {
		*input->row = (struct frame_file){.name = input->path, .wan = wan};
		input->row->state = FILE_UNREADABLE;
		snprintf(input->row->message, sizeof(input->row->message),
		         "could be opened at first, but not when its frames were due: was it "
		         "deleted, as by the ring of a recorder? Run again");
		input->has_head = false;
	}
	if (input->has_head) {
		sift_down(source, 0);
		return;
	}
	input_close(input);
	retire_first(source);
}

/* What was lent with the frame before is given back. */
static void end_loan(struct source *source)
{
	if (source->lender) {
		source->lender->held = UINT64_MAX;
		if (source->lender_spent)
			input_close(source->lender);
	}
	source->lender = NULL;
	source->lender_spent = false;
}

static bool is_shared(const struct source *source, uint64_t ts_ns)
{
	return source->alone || (ts_ns >= source->start_ns && ts_ns <= source->end_ns);
}

/* What an interface lost may be of any WAN that was split from it. */
static void share_losses(struct source *source)
{
	struct frame_wan *wans = source->roster.wans, sum = {.drops_known = true};

	for (size_t i = source->n_splits; source->n_splits && i < source->roster.n; i++) {
		sum.dropped += wans[i].dropped;
		sum.drops_known &= wans[i].drops_known;
		sum.filtered |= wans[i].filtered;
	}
	for (size_t i = 0; i < source->n_splits; i++) {
		wans[i].dropped = sum.dropped;
		wans[i].drops_known = sum.drops_known && source->roster.n > source->n_splits;
		wans[i].filtered |= sum.filtered;
	}
}

static bool merged_next(struct source *source, struct frame *frame)
{
	end_loan(source);
	while (source->n_heap && !source->heap[0]->open)
		wake_first(source);
	if (source->n_heap == 0) {
		share_losses(source);
		roster_fold(&source->roster);
		return false;
	}

	struct input *input = source->heap[0];
	uint64_t offset = input->head.offset;
	*frame = input->head.frame;
	input->held = offset;
	source->lender = input;
	if (input_advance(input, &source->env)) {
		sift_down(source, 0);
	} else {
		source->lender_spent = true;
		retire_first(source);
	}
	if (source->roster.out_of_memory)
		input_flaw(input, FILE_UNREADABLE, "out of memory", "its WANs are not told apart");
	frame->data = input_data(input, offset);
	frame->shared = is_shared(source, frame->ts_ns);
	return true;
}

/* One file, one WAN, nothing to compare with: from the record header straight into the caller's
 * frame. */
static bool solo_next(struct source *source, struct frame *frame)
{
	struct input *input = source->solo;
	struct window *window = &input->window;
	size_t at = (size_t)(input->position - window->start);
	uint64_t ts_ns;
	uint32_t caplen, wire_len;

	if (input->has_head || !savefile_plain(&input->savefile, window->bytes + at,
	                                       window->length - at, &ts_ns, &caplen, &wire_len)) {
		bool got = input->open && (input->has_head || input_advance(input, &source->env));
		input->has_head = false;
		if (!got)
			return false;
		*frame = input->head.frame;
		frame->data = input_data(input, input->head.offset);
		frame->shared = true;
		return true;
	}
	/* A map's bytes come from memory, which is what reading costs: ask early for what comes
	 * later. */
	for (unsigned line = 0; line < 3; line++)
		__builtin_prefetch(window->bytes + at + 2048 + line * 64);
	input->position += 16ull + caplen;
	input_count_plain(input, ts_ns, wire_len);
	*frame = (struct frame){
		.ts_ns = ts_ns,
		.number = input->number,
		.data = window->bytes + at + 16,
		.caplen = caplen,
		.wire_len = wire_len,
		.wan = input->row->wan,
		.linktype = input->savefile.interfaces[0].linktype,
		.shared = true,
		.backwards = input->backwards,
	};
	return true;
}

bool source_next(struct source *source, struct frame *frame)
{
	return source->solo ? solo_next(source, frame) : merged_next(source, frame);
}

/* ---- survey ---- */

/* Frames of a file looked at for each one wanted, when it holds several WANs and some are rare. */
#define SURVEY_DEPTH 64

struct survey {
	size_t most;
	size_t *shown; /* per WAN */
	void (*show)(void *context, const struct frame *frame);
	void *context;
};

static void survey_input(struct source *source, const struct input *input, struct survey *survey)
{
	struct input peek;
	struct frame_file row = {0};
	struct input_env env = {.roster = &source->roster, .split = source->env.split};
	bool more = input_peek(input, &peek, &row, &env);

	for (size_t n = 0; more && n < survey->most * SURVEY_DEPTH; n++) {
		struct frame frame = peek.head.frame;
		frame.data = input_data(&peek, peek.head.offset);
		if (survey->shown[frame.wan] < survey->most) {
			survey->shown[frame.wan]++;
			survey->show(survey->context, &frame);
		} else if (!peek.several) {
			break;
		}
		more = input_advance(&peek, &env);
	}
	input_close(&peek);
}

void source_survey(struct source *source, size_t most,
                   void (*show)(void *context, const struct frame *frame), void *context)
{
	/* a survey may meet WANs that are new, but not more than the roster lets in */
	size_t rows = source->roster.n + ROSTER_FOUND_MAX + 2;
	struct survey survey = {most, calloc(rows, sizeof(size_t)), show, context};

	for (size_t i = 0; survey.shown && i < source->n_order; i++) {
		const struct input *input = source->order[i];
		if (input->several || survey.shown[input->row->wan] < most)
			survey_input(source, input, &survey);
	}
	free(survey.shown);
}

/* ---- tables ---- */

const struct frame_wan *source_wans(const struct source *source, size_t *count)
{
	*count = source->roster.n;
	return source->roster.wans;
}

const struct frame_file *source_files(const struct source *source, size_t *count)
{
	*count = source->inputs.n;
	return source->files;
}

/* The latest frame of each capture so far: those that ended are in end_ns already. */
static uint64_t earliest_last(const struct source *source)
{
	uint64_t end = source->end_ns;

	for (size_t c = 0; c < source->n_captures; c++) {
		const struct capture *capture = &source->captures[c];
		uint64_t last = capture->last_ns;
		if (!capture->bounds || capture->files_left == 0)
			continue;
		for (size_t i = 0; i < source->n_order; i++) {
			const struct input *input = source->order[i];
			if (input->capture == c && input->row->frames && input->row->last_ns > last)
				last = input->row->last_ns;
			if (input->capture == c && input->row->to_ns > last)
				last = input->row->to_ns;
		}
		if (last < end)
			end = last;
	}
	return end;
}

bool source_window(const struct source *source, uint64_t *start_ns, uint64_t *end_ns)
{
	if (source->n_captures == 0)
		return false;
	*start_ns = source->start_ns;
	*end_ns = earliest_last(source);
	if (source->alone && source->n_order == 1)
		*start_ns = source->order[0]->row->first_ns;
	/* only now is it known since when the recorder was there */
	for (size_t i = 0; source->alone && i < source->inputs.n; i++)
		if (source->files[i].from_ns && source->files[i].from_ns < *start_ns)
			*start_ns = source->files[i].from_ns;
	return *end_ns != UINT64_MAX && *start_ns <= *end_ns;
}

/* ---- opening ---- */

static bool say(struct source_error *error, enum source_failure failure, const char *text)
{
	error->failure = failure;
	snprintf(error->message, sizeof(error->message), "%s", text);
	return false;
}

static bool out_of_memory(struct source_error *error)
{
	return say(error, SOURCE_NO_MEMORY, "out of memory");
}

static bool copy_splits(struct source *source, const struct source_options *options,
                        struct source_error *error)
{
	error->failure = SOURCE_BAD_FILTER;
	source->env.split = split_new(options->splits, options->n_splits, error->message,
	                              sizeof(error->message));
	if (!source->env.split)
		return false;
	for (size_t i = 0; i < options->n_splits; i++) {
		uint32_t wan = roster_wan(&source->roster, options->splits[i].wan, false);

		source->roster.wans[wan].bounds = true;
		split_set_wan(source->env.split, i, wan);
	}
	source->n_splits = source->roster.n; /* they are the first rows */
	return !source->roster.out_of_memory || out_of_memory(error);
}

static bool copy_options(struct source *source, const struct source_options *options,
                         struct source_error *error)
{
	if (!roster_init(&source->roster))
		return out_of_memory(error);
	source->env.roster = &source->roster;
	if (!options)
		return true;
	source->shifts = calloc(options->n_shifts + 1, sizeof(*source->shifts));
	if (!source->shifts)
		return out_of_memory(error);
	for (size_t i = 0; i < options->n_shifts; i++) {
		source->shifts[i].ns = options->shifts[i].ns;
		source->shifts[i].wan = strdup(options->shifts[i].wan);
		if (!source->shifts[i].wan)
			return out_of_memory(error);
		source->n_shifts++;
	}
	source->roster.shifts = source->shifts;
	source->roster.n_shifts = source->n_shifts;
	if (options->n_splits && !copy_splits(source, options, error))
		return false;
	if (options->filter) {
		source->roster.filtered = true;
		source->env.filter = filter_new(options->filter);
		if (!source->env.filter)
			return out_of_memory(error);
	}
	return true;
}

static bool filter_fits(struct source *source, const struct input *input,
                        struct source_error *error)
{
	char words[256];

	for (uint32_t i = 0; source->env.filter && i < input->savefile.n_interfaces; i++) {
		uint16_t link = input->savefile.interfaces[i].linktype;
		if (!input_reads_link(link) ||
		    filter_prepare(source->env.filter, link, words, sizeof(words)))
			continue;
		error->failure = SOURCE_BAD_FILTER;
		snprintf(error->message, sizeof(error->message),
		         "the filter does not fit link type %u of %s: %s; see pcap-filter(7)", link,
		         input->path, words);
		return false;
	}
	return true;
}

/*
 * Read the first frame, filtered or not: when the file begins, and which WANs it names. Pipes stay
 * open, and are read with the filter at once, because they can be read once only.
 */
static enum source_failure prime(struct source *source, struct input *input,
                                 struct source_error *error)
{
	struct input_env all = {.roster = &source->roster};
	bool pipe = strcmp(input->path, "-") == 0 || !input_is_regular(input);
	enum source_failure failure;

	input->peeking = !pipe;
	failure = input_open(input, pipe ? &source->env : &all, error);
	if (failure != SOURCE_FINE)
		return failure;
	if (!filter_fits(source, input, error))
		return SOURCE_BAD_FILTER;
	if (pipe)
		return SOURCE_FINE;
	input->peeking = false;
	input_park(input);
	return SOURCE_FINE;
}

/* What lay in a directory may be no capture; and a recorder's ring may have deleted it meanwhile.
 */
static bool may_lack(const struct input *input, enum source_failure failure)
{
	return !input->explicit_path && (failure == SOURCE_NOT_CAPTURE ||
	                                 (failure == SOURCE_NO_INPUT && !input_is_regular(input)));
}

/* Prime all. What a directory holds beside captures is left out; the list is closed up. */
static bool prime_all(struct source *source, struct source_error *error)
{
	struct inputs *inputs = &source->inputs;
	size_t kept = 0, n = inputs->n;

	source->files = calloc(n, sizeof(*source->files));
	if (!source->files)
		return out_of_memory(error);
	for (size_t i = 0; i < n; i++) {
		struct input *input = &inputs->list[i];
		input->index = (uint32_t)kept;
		input->row = &source->files[kept];
		input->row->name = input->path;
		enum source_failure failure = prime(source, input, error);
		if (may_lack(input, failure)) {
			input_release(input);
			source->files[kept] = (struct frame_file){0};
			*input = (struct input){.window = {.fd = -1, .packing = ""}};
			continue;
		}
		if (failure != SOURCE_FINE)
			return false;
		if (kept != i) {
			inputs->list[kept] = *input;
			*input = (struct input){.window = {.fd = -1, .packing = ""}};
		}
		kept++;
	}
	inputs->n = kept;
	return true;
}

static bool each_spec_has_captures(const struct source *source, const struct source_spec *specs,
                                   size_t n_specs, struct source_error *error)
{
	size_t at = 0;

	for (size_t i = 0; i < n_specs; i++) {
		if (at >= source->inputs.n || source->inputs.list[at].spec != i) {
			error->failure = SOURCE_NO_INPUT;
			snprintf(error->message, sizeof(error->message),
			         "%s: a directory without captures; give one that holds some",
			         specs[i].path);
			return false;
		}
		while (at < source->inputs.n && source->inputs.list[at].spec == i)
			at++;
	}
	return true;
}

/* ---- recordings: their clocks, their order ---- */

/* When a file began, on the clock that nobody sets. */
static int64_t began_boot_ns(const struct input *input)
{
	uint64_t real = input->recording.began_ns;
	int64_t boot;

	if (input->has_head && (real == 0 || input->first_ns < real))
		real = input->first_ns;
	return __builtin_sub_overflow((int64_t)real, input->recording.offset_ns, &boot) ? INT64_MIN
	                                                                                : boot;
}

static bool has_clock(const struct input *input)
{
	return input->recording.told && input->recording.boot[0];
}

/* By boot, and in it from the latest beginning on. */
static int by_boot(const void *one, const void *other)
{
	const struct input *a = *(const struct input *const *)one;
	const struct input *b = *(const struct input *const *)other;
	int order = strcmp(a->recording.boot, b->recording.boot);
	int64_t began_a = began_boot_ns(a), began_b = began_boot_ns(b);

	if (order != 0)
		return order;
	if (began_a != began_b)
		return began_a > began_b ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* Of one WAN, in the order of its numbers. */
static int by_sequence(const void *one, const void *other)
{
	const struct input *a = *(const struct input *const *)one;
	const struct input *b = *(const struct input *const *)other;

	if (a->row->wan != b->row->wan)
		return a->row->wan < b->row->wan ? -1 : 1;
	if (a->recording.sequence != b->recording.sequence)
		return a->recording.sequence < b->recording.sequence ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void set_clock(struct input *input, const struct input *newest)
{
	int64_t shift;

	if (__builtin_sub_overflow(newest->recording.offset_ns, input->recording.offset_ns,
	                           &shift) ||
	    (shift <= CLOCK_STEP_NS && shift >= -CLOCK_STEP_NS) || shift > INT64_MAX / 2 ||
	    shift < -(INT64_MAX / 2))
		return;
	input->clock_shift_ns = shift;
	if (input->has_head) {
		input->first_ns = recording_shifted(input->first_ns, shift);
		input->head.frame.ts_ns = recording_shifted(input->head.frame.ts_ns, shift);
	}
}

/* The clock of a router without a battery is set when it has found the Internet: what it stamped
 * before is moved. All files of a boot by the clock of the one that began last. */
static void set_clocks(struct input **recorded, size_t n)
{
	qsort(recorded, n, sizeof(*recorded), by_boot);
	for (size_t i = 0, newest = 0; i < n; i++) {
		if (strcmp(recorded[i]->recording.boot, recorded[newest]->recording.boot) != 0)
			newest = i;
		if (recorded[i]->seekable)
			set_clock(recorded[i], recorded[newest]);
	}
}

/* How the files of a WAN follow one another: what lacks, and where the clock was set. */
static void tell_sequence(struct source *source, const struct input *before,
                          const struct input *after)
{
	uint32_t wan = after->row->wan;
	struct frame_recording *recording = roster_recording(&source->roster, wan);
	uint64_t step = after->recording.sequence - before->recording.sequence;
	int64_t by_ns = after->recording.offset_ns - before->recording.offset_ns;

	if (recording && step > 1 && step < UINT32_MAX)
		recording->missing += step - 1;
	if (before->clock_shift_ns == after->clock_shift_ns ||
	    strcmp(before->recording.boot, after->recording.boot) != 0)
		return;
	uint64_t at = after->recording.began_ns;
	if (after->has_head)
		at = after->first_ns;
	else
		at = recording_shifted(at, after->clock_shift_ns);
	roster_step(&source->roster, wan, at, by_ns);
}

/* A clock that was never set in a boot may name times that another boot has named already. Then
 * all of a boot is read before the next: `epoch` is its place. */
static void order_boots(struct input **recorded, size_t n)
{
	bool confused = false;
	uint32_t epoch = 0;

	for (size_t i = 1; i < n; i++)
		confused |=
			recorded[i]->row->wan == recorded[i - 1]->row->wan &&
			recorded[i]->has_head && recorded[i - 1]->has_head &&
			recorded[i]->first_ns < recorded[i - 1]->first_ns &&
			strcmp(recorded[i]->recording.boot, recorded[i - 1]->recording.boot) != 0;
	if (!confused)
		return;
	for (size_t i = 0; i < n; i++) {
		/* a boot that an earlier WAN has met keeps its place */
		for (size_t k = i; k-- > 0 && recorded[i]->epoch == 0;)
			if (strcmp(recorded[k]->recording.boot, recorded[i]->recording.boot) == 0)
				recorded[i]->epoch = recorded[k]->epoch;
		if (recorded[i]->epoch == 0)
			recorded[i]->epoch = ++epoch;
	}
}

static bool settle_recordings(struct source *source)
{
	struct inputs *inputs = &source->inputs;
	struct input **recorded = calloc(inputs->n + 1, sizeof(*recorded));
	size_t n = 0;

	if (!recorded)
		return false;
	for (size_t i = 0; i < inputs->n; i++)
		if (has_clock(&inputs->list[i]))
			recorded[n++] = &inputs->list[i];
	set_clocks(recorded, n);
	qsort(recorded, n, sizeof(*recorded), by_sequence);
	for (size_t i = 1; i < n; i++)
		if (recorded[i]->row->wan == recorded[i - 1]->row->wan && !recorded[i]->several)
			tell_sequence(source, recorded[i - 1], recorded[i]);
	order_boots(recorded, n);
	free(recorded);
	return true;
}

/* What holds no frame is not read later: its blocks count now. */
static bool count_empty(struct source *source, struct source_error *error)
{
	struct input_env all = {.roster = &source->roster};

	for (size_t i = 0; i < source->inputs.n; i++) {
		struct input *input = &source->inputs.list[i];
		if (input->has_head || input->open)
			continue;
		uint32_t wan = input->row->wan;
		enum source_failure failure = input_open(input, &all, error);
		if (!input->has_head) /* else it grew since, and is read on from here */
			input_close(input);
		if (failure == SOURCE_FINE)
			continue;
		if (!may_lack(input, failure))
			return false;
		input->row->wan = wan;
		*error = (struct source_error){.failure = SOURCE_FINE};
	}
	return true;
}

/* ---- captures ---- */

static struct capture *capture_of(struct source *source, const struct input *input)
{
	char key[1024];
	const char *wan = source->roster.wans[input->row->wan].name;

	snprintf(key, sizeof(key), "%s", input->several ? input->base : wan);
	for (size_t i = 0; i < source->n_captures; i++)
		if (strcmp(source->captures[i].key, key) == 0)
			return &source->captures[i];
	struct capture *capture = &source->captures[source->n_captures];
	*capture = (struct capture){.key = strdup(key), .first_ns = UINT64_MAX};
	if (capture->key)
		source->n_captures++;
	return capture->key ? capture : NULL;
}

/* What its recorder says is off needs no word of the operator. */
static bool is_aside(const struct source *source, const struct input *input)
{
	const struct frame_recording *recording = source->roster.wans[input->row->wan].recording;

	return input->aside || (!input->several && recording && recording->n_roles == 1 &&
	                        strcmp(recording->roles[0], "off") == 0);
}

/* A file belongs to a capture when it has frames, or when our recorder says what it covers. */
static bool group_input(struct source *source, struct input *input)
{
	const struct frame_file *row = input->row;
	struct capture *capture = capture_of(source, input);

	if (!capture)
		return false;
	input->capture = (uint32_t)(capture - source->captures);
	capture->bounds |= !is_aside(source, input);
	capture->recorded |= input->recording.told;
	if (row->from_ns && row->from_ns < capture->first_ns)
		capture->first_ns = row->from_ns;
	if (row->to_ns > capture->last_ns)
		capture->last_ns = row->to_ns;
	if (!input->has_head)
		return true;
	capture->files_left++;
	if (input->first_ns < capture->first_ns)
		capture->first_ns = input->first_ns;
	if (!capture->earliest || input->first_ns < capture->earliest->first_ns)
		capture->earliest = input;
	return true;
}

static bool group_captures(struct source *source)
{
	source->captures = calloc(source->inputs.n + 1, sizeof(*source->captures));
	if (!source->captures)
		return false;
	for (size_t i = 0; i < source->inputs.n; i++) {
		struct input *input = &source->inputs.list[i];
		if ((input->has_head || input->row->from_ns) && !group_input(source, input))
			return false;
	}
	return true;
}

/* Since when the recorder was there stands in the first statistics block, which may come after the
 * first frame. dumpcap's blocks say when it was started and stopped, too, but not that it captured
 * all the time in between: only frames bound its captures. */
static void find_beginning(struct source *source, struct capture *capture)
{
	struct input peek;
	struct frame_file row = {0};
	struct input_env env = {.roster = &source->roster};
	const struct input *input = capture->earliest;
	bool more;

	if (!capture->recorded || !input || !input->recording.told)
		return;
	more = input_peek(input, &peek, &row, &env);
	while (more && peek.recording.began_ns == 0)
		more = input_advance(&peek, &env);
	if (peek.recording.began_ns) {
		uint64_t from =
			recording_shifted(peek.recording.began_ns, input_shift(&peek, &env));
		if (from < capture->first_ns)
			capture->first_ns = from;
	}
	input_close(&peek);
}

/* When all are set aside, or none is, all bound. */
static void open_window(struct source *source)
{
	size_t bounding = 0;

	source->end_ns = UINT64_MAX;
	source->alone = source->n_captures <= 1;
	for (size_t i = 0; i < source->n_captures; i++)
		bounding += source->captures[i].bounds;
	for (size_t i = 0; i < source->n_captures; i++) {
		struct capture *capture = &source->captures[i];
		capture->bounds |= bounding == 0;
		if (!capture->bounds)
			continue;
		if (!source->alone)
			find_beginning(source, capture);
		if (capture->first_ns > source->start_ns)
			source->start_ns = capture->first_ns;
		if (capture->files_left == 0 && capture->last_ns < source->end_ns)
			source->end_ns = capture->last_ns;
	}
}

static int by_first(const void *one, const void *other)
{
	const struct input *a = *(const struct input *const *)one;
	const struct input *b = *(const struct input *const *)other;

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return strcmp(a->path, b->path);
}

static bool build_heap(struct source *source)
{
	size_t n = source->inputs.n;

	source->order = calloc(n + 1, sizeof(*source->order));
	source->heap = calloc(n + 1, sizeof(*source->heap));
	if (!source->order || !source->heap)
		return false;
	for (size_t i = 0; i < n; i++)
		if (source->inputs.list[i].has_head)
			source->order[source->n_order++] = &source->inputs.list[i];
	qsort(source->order, source->n_order, sizeof(*source->order), by_first);
	memcpy(source->heap, source->order, source->n_order * sizeof(*source->heap));
	source->n_heap = source->n_order;
	for (size_t i = source->n_heap / 2; i-- > 0;)
		sift_down(source, i);
	return true;
}

/* One pcap of one WAN, read whole, without a mark to look for in each frame: the common case made
 * fast. */
static void try_solo(struct source *source)
{
	if (source->inputs.n != 1 || source->n_order != 1 || source->env.filter ||
	    source->env.split)
		return;
	struct input *input = source->order[0];
	if (!input->open)
		wake_first(source);
	if (!input->has_head || !savefile_is_plain(&input->savefile) || input->several ||
	    input->head.frame.linktype == LINK_SLL ||
	    !input_reads_link(input->head.frame.linktype) ||
	    source->roster.extras[input->row->wan].shift_ns)
		return;
	source->solo = input;
}

static bool open_all(struct source *source, const struct source_spec *specs, size_t n_specs,
                     const struct source_options *options, struct source_error *error)
{
	char words[256];

	if (!copy_options(source, options, error) ||
	    inputs_collect(&source->inputs, specs, n_specs, error) != SOURCE_FINE ||
	    !prime_all(source, error) || !each_spec_has_captures(source, specs, n_specs, error))
		return false;
	if (!settle_recordings(source))
		return out_of_memory(error);
	if (!count_empty(source, error))
		return false;
	if (!group_captures(source) || !build_heap(source) || source->roster.out_of_memory)
		return out_of_memory(error);
	if (source->n_order == 0 && source->env.filter &&
	    !filter_prepare(source->env.filter, LINK_ETHERNET, words, sizeof(words)))
		return say(error, SOURCE_BAD_FILTER, words);
	open_window(source);
	try_solo(source);
	return true;
}

struct source *source_open(const struct source_spec *specs, size_t n_specs,
                           const struct source_options *options, struct source_error *error)
{
	struct source *source = calloc(1, sizeof(*source));

	*error = (struct source_error){.failure = SOURCE_FINE};
	if (!source)
		out_of_memory(error);
	if (source && open_all(source, specs, n_specs, options, error))
		return source;
	source_close(source);
	return NULL;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	inputs_release(&source->inputs);
	for (size_t i = 0; i < source->n_captures; i++)
		free(source->captures[i].key);
	for (size_t i = 0; i < source->n_shifts; i++)
		free((char *)source->shifts[i].wan);
	filter_free(source->env.filter);
	split_free(source->env.split);
	roster_release(&source->roster);
	free(source->captures);
	free(source->shifts);
	free(source->order);
	free(source->heap);
	free(source->files);
	free(source);
}
