/* SPDX-License-Identifier: MIT
 *
 * fuzz_source.c - any bytes as a capture file through a whole source: packing, parsing, naming,
 * merging.
 *
 * The input is cut in two files of one audit at the first 0xfe 0xed byte pair, if it has one.
 * Checked: bytes can be read as far as caplen says, WANs and files are in their tables, numbers of
 * a file rise, the merge goes back in time only within a file, rows add up to the frames, and a
 * second reading gives the same.
 */
#include "../../capture/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

struct story {
	uint64_t frames, wire_bytes, sum;
	uint64_t last_ns, last_number[2];
	size_t surveyed;
};

static void take(struct story *story, const struct source *source, const struct frame *frame)
{
	size_t n_wans, n_files;

	source_wans(source, &n_wans);
	source_files(source, &n_files);
	MUST(frame->wan < n_wans && frame->file < n_files && frame->file < 2);
	MUST(frame->number > 0 && frame->ts_ns <= INT64_MAX && frame->mark <= MARK_OUT);
	MUST(frame->ts_ns >= story->last_ns || n_files > 1 || n_wans > 1 || frame->backwards);
	story->last_ns = frame->ts_ns;
	story->last_number[frame->file] = frame->number;
	story->frames++;
	story->wire_bytes += frame->wire_len;
	for (uint32_t i = 0; i < frame->caplen; i++)
		story->sum = (story->sum ^ frame->data[i]) * 1099511628211u;
	story->sum += frame->ts_ns * 31 + frame->wan * 7 + frame->shared;
}

static void show(void *context, const struct frame *frame)
{
	struct story *story = context;

	for (uint32_t i = 0; i < frame->caplen; i++)
		story->surveyed += frame->data[i] & 1;
}

static void check_spans(const struct frame_span *spans, size_t n)
{
	MUST(n <= FRAME_SPANS_MAX);
	for (size_t i = 0; i < n; i++) {
		MUST(spans[i].from_ns <= spans[i].to_ns && spans[i].to_ns <= INT64_MAX);
		MUST(spans[i].state < STATE_COUNT);
		MUST(i == 0 || spans[i].from_ns >= spans[i - 1].from_ns);
		for (size_t k = 0; k < i; k++)
			MUST(spans[k].state != spans[i].state || spans[k].to_ns < spans[i].from_ns);
	}
}

/* What our recorder said, or seems to have said. */
static void check_recordings(const struct source *source)
{
	size_t n;
	const struct frame_wan *wans = source_wans(source, &n);

	for (size_t i = 0; i < n; i++) {
		const struct frame_recording *r = wans[i].recording;
		if (!r)
			continue;
		check_spans(r->covers, r->n_covers);
		check_spans(r->gaps, r->n_gaps);
		MUST(r->n_roles <= FRAME_ROLES && r->n_warnings <= FRAME_WARNINGS);
		MUST(r->n_steps <= FRAME_STEPS && r->counted_frames < 1u << 30);
		for (unsigned k = 1; k < r->n_roles; k++)
			MUST(strcmp(r->roles[k - 1], r->roles[k]) < 0);
	}
}

static void check_rows(const struct source *source, const struct story *story)
{
	size_t n;
	uint64_t frames = 0, wire_bytes = 0, start, end;
	const struct frame_file *files = source_files(source, &n);

	for (size_t i = 0; i < n; i++) {
		size_t n_wans;
		source_wans(source, &n_wans);
		MUST(files[i].wan < n_wans && files[i].first_ns <= files[i].last_ns);
		MUST((files[i].state == FILE_OK) == (files[i].message[0] == '\0'));
		frames += files[i].frames;
		wire_bytes += files[i].wire_bytes;
	}
	MUST(frames == story->frames && wire_bytes == story->wire_bytes);
	if (source_window(source, &start, &end))
		MUST(start <= end);
}

static bool read_all(const struct source_spec *specs, size_t n, bool survey, struct story *story)
{
	struct source_error error;
	struct frame frame;
	struct source *source = source_open(specs, n, NULL, &error);

	*story = (struct story){0};
	if (!source) {
		MUST(error.failure != SOURCE_FINE && error.message[0]);
		return false;
	}
	if (survey)
		source_survey(source, 5, show, story);
	while (source_next(source, &frame))
		take(story, source, &frame);
	MUST(!source_next(source, &frame));
	check_rows(source, story);
	check_recordings(source);
	source_close(source);
	return true;
}

static int memory_file(const uint8_t *data, size_t size, char *path, size_t room)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, room, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t cut[2] = {0xfe, 0xed};
	const uint8_t *at = memmem(data, size, cut, sizeof(cut));
	size_t first = at ? (size_t)(at - data) : size;
	char paths[2][64];
	int fds[2] = {memory_file(data, first, paths[0], sizeof(paths[0])), -1};
	struct source_spec specs[2] = {{.path = paths[0]}, {.path = paths[1]}};
	struct story one, two;

	if (at)
		fds[1] = memory_file(at + 2, size - first - 2, paths[1], sizeof(paths[1]));
	bool good = read_all(specs, at ? 2 : 1, false, &one);
	/* The survey may meet WANs in another order: only what does not depend on it must be the
	 * same. */
	if (good) {
		MUST(read_all(specs, at ? 2 : 1, true, &two));
		MUST(one.frames == two.frames && one.wire_bytes == two.wire_bytes);
	}
	close(fds[0]);
	if (at)
		close(fds[1]);
	return 0;
}
