/* SPDX-License-Identifier: MIT
 *
 * source_open.c - from arguments to inputs that stand in order of time, each with its WAN and its
 * capture.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grabbed.h"
#include "recordings.h"
#include "source_inside.h"

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

/* What holds no frame is not read later: its blocks count now. */
static bool count_empty(struct source *source, struct source_error *error)
{
	struct input_env all = {.roster = &source->roster};

	for (size_t i = 0; i < source->inputs.n; i++) {
		struct input *input = &source->inputs.list[i];
		if (input->has_head || input->open || input->place)
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
	if (input->place == INPUT_BEHIND && input->first_ns > capture->last_ns)
		capture->last_ns = input->first_ns;
	capture->files_left += input->place != INPUT_BEFORE;
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
	for (size_t i = 0; i < source->n_order; i++)
		if (source->order[i]->place == INPUT_ASKED)
			source->heap[source->n_heap++] = source->order[i];
	for (size_t i = source->n_heap / 2; i-- > 0;)
		source_sift_down(source, i);
	return true;
}

/* One pcap of one WAN, read whole, without a mark to look for in each frame: the common case made
 * fast. */
static void try_solo(struct source *source)
{
	if (source->inputs.n != 1 || source->n_order != 1 || source->env.filter)
		return;
	struct input *input = source->order[0];
	if (!input->open)
		source_wake_first(source);
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
	if (!recordings_settle(&source->inputs, &source->roster, options ? options->since_ns : 0,
	                       options ? options->until_ns : 0))
		return out_of_memory(error);
	if (!grabbed_tell(&source->inputs, &source->roster))
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
	roster_release(&source->roster);
	free(source->captures);
	free(source->shifts);
	free(source->order);
	free(source->heap);
	free(source->files);
	free(source);
}
