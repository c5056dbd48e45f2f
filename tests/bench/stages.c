/* SPDX-License-Identifier: MIT
 *
 * stages.c - the pipeline up to one stage over captures, and what that took.
 *
 * stages STAGE FRAMES FILE...
 *
 * Reads at most FRAMES frames (0 = all) and prints one line: frames, wall_ns and cpu_ns of the loop
 * and its end, and subflows evicted.
 *
 * STAGE is read, decode, options, track (all of it, the long way), whole, or touch or touch64: a
 * bare loop that finds each TCP frame's 4-tuple in a hash table, or puts it in, and touches its
 * entry, which is as large as what the tracker keeps of a subflow (touch) or one cache line
 * (touch64). That table forgets nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../capture/source.h"
#include "../../dissect/bytes.h"
#include "../../dissect/option.h"
#include "../../dissect/pipeline.h"
#include "../../dissect/track.h"

struct run {
	struct source *source;
	uint64_t most, frames, evicted;
	uint64_t sum; /* of what was read, so that reading is not left out */
};

static bool next(struct run *run, struct frame *frame)
{
	if ((run->most && run->frames == run->most) || !source_next(run->source, frame))
		return false;
	run->frames++;
	return true;
}

/* ---- stages ---- */

static void stage_read(struct run *run)
{
	struct frame frame;

	while (next(run, &frame))
		run->sum += frame.caplen;
}

static void stage_decode(struct run *run)
{
	struct frame frame;
	struct segment segment;

	while (next(run, &frame)) {
		decode_frame(&frame, &segment);
		run->sum += segment.payload_len;
	}
}

static void stage_options(struct run *run)
{
	struct frame frame;
	struct segment segment;
	struct options options;

	while (next(run, &frame)) {
		decode_frame(&frame, &segment);
		if (segment.result != DECODE_TCP)
			continue;
		options_read(&options, &segment);
		run->sum += options.subtypes;
	}
}

static void show(void *context, const struct frame *frame)
{
	void **both = context;
	size_t n;

	pipeline_survey(both[0], &source_wans(both[1], &n)[frame->wan], frame);
}

static void dissect(struct run *run, bool long_way)
{
	struct pipeline_options options = {.long_way = long_way};
	struct ledger ledger;
	struct frame frame;
	size_t n_wans, n_files;

	ledger_init(&ledger);
	struct pipeline *pipeline = pipeline_new(&ledger, &options);
	if (!pipeline)
		exit(70);
	source_survey(run->source, 256, show, (void *[]){pipeline, run->source});
	while (next(run, &frame))
		pipeline_feed(pipeline, &source_wans(run->source, &n_wans)[frame.wan],
		              &source_files(run->source, &n_files)[frame.file], &frame);
	const struct frame_wan *wans = source_wans(run->source, &n_wans);
	const struct frame_file *files = source_files(run->source, &n_files);
	pipeline_finish(pipeline, wans, n_wans, files, n_files);
	for (size_t i = 0; i < ledger.n_wans; i++)
		run->evicted += ledger.wans[i].counters.subflows_evicted;
	pipeline_free(pipeline);
	ledger_release(&ledger);
}

static void stage_track(struct run *run)
{
	dissect(run, true);
}

static void stage_whole(struct run *run)
{
	dissect(run, false);
}

/* ---- the bare loop ---- */

struct table {
	size_t size; /* of an entry */
	size_t slots, used;
	uint32_t *places; /* index of the entry + 1 */
	char **chunks;    /* of CHUNK entries, never moved */
};
enum { CHUNK = 256, CHUNKS_MAX = 1 << 16 };

/* What an entry begins with. */
struct entry {
	uint64_t addrs;
	uint32_t ports;
	uint32_t frames;
	uint64_t last_ns;
};

static struct entry *entry_at(const struct table *t, uint32_t i)
{
	return (struct entry *)(void *)(t->chunks[i / CHUNK] + i % CHUNK * t->size);
}

static size_t home(uint64_t addrs, uint32_t ports)
{
	__uint128_t p = (__uint128_t)(addrs ^ UINT64_C(0x9e3779b97f4a7c15)) *
	                (ports ^ UINT64_C(0xd6e8feb86659fd93));

	return (size_t)((uint64_t)p ^ (uint64_t)(p >> 64));
}

static void *checked(void *memory)
{
	if (!memory)
		exit(70);
	return memory;
}

static void table_grow(struct table *t)
{
	free(t->places);
	t->slots = t->slots ? t->slots * 2 : 1024;
	t->places = checked(calloc(t->slots, sizeof(*t->places)));
	for (uint32_t n = 0; n < t->used; n++) {
		const struct entry *e = entry_at(t, n);
		size_t i = home(e->addrs, e->ports) & (t->slots - 1);
		while (t->places[i])
			i = (i + 1) & (t->slots - 1);
		t->places[i] = n + 1;
	}
}

static struct entry *table_find(struct table *t, uint64_t addrs, uint32_t ports)
{
	size_t i = home(addrs, ports) & (t->slots - 1);

	for (; t->places[i]; i = (i + 1) & (t->slots - 1)) {
		struct entry *e = entry_at(t, t->places[i] - 1);
		if (e->addrs == addrs && e->ports == ports)
			return e;
	}
	if (t->used % CHUNK == 0 && t->used / CHUNK == CHUNKS_MAX)
		exit(70);
	if (t->used % CHUNK == 0)
		t->chunks[t->used / CHUNK] = checked(malloc(CHUNK * t->size));
	struct entry *e = entry_at(t, (uint32_t)t->used++);
	memset(e, 0, t->size);
	e->addrs = addrs;
	e->ports = ports;
	t->places[i] = (uint32_t)t->used;
	if (t->used * 2 > t->slots)
		table_grow(t);
	return e;
}

static void touch(struct run *run, size_t size)
{
	struct table t = {.size = size, .chunks = checked(calloc(CHUNKS_MAX, sizeof(*t.chunks)))};
	struct segment s;
	struct frame frame;

	table_grow(&t);
	while (next(run, &frame)) {
		decode_frame(&frame, &s);
		if (s.result != DECODE_TCP || s.family != 4)
			continue;
		uint64_t src = be32(s.src), dst = be32(s.dst);
		bool low = src < dst || (src == dst && s.sport <= s.dport);
		struct entry *e = table_find(&t, low ? src << 32 | dst : dst << 32 | src,
		                             low ? (uint32_t)s.sport << 16 | s.dport
		                                 : (uint32_t)s.dport << 16 | s.sport);
		e->frames++;
		e->last_ns = frame.ts_ns;
	}
	for (size_t i = 0; i * CHUNK < t.used; i++)
		free(t.chunks[i]);
	free(t.chunks);
	free(t.places);
}

static void stage_touch(struct run *run)
{
	touch(run, sizeof(struct subflow));
}

static void stage_touch64(struct run *run)
{
	touch(run, 64);
}

/* ---- in and out ---- */

static const struct {
	const char *name;
	void (*run)(struct run *run);
} stages[] = {
	{"read", stage_read},       {"decode", stage_decode}, {"options", stage_options},
	{"track", stage_track},     {"whole", stage_whole},   {"touch", stage_touch},
	{"touch64", stage_touch64},
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct source *open_source(char **paths, int n)
{
	struct source_spec *specs = checked(calloc((size_t)n, sizeof(*specs)));
	struct source_options none = {0};
	struct source_error error;

	for (int i = 0; i < n; i++)
		specs[i].path = paths[i];
	struct source *source = source_open(specs, (size_t)n, &none, &error);
	free(specs);
	if (!source)
		fprintf(stderr, "stages: %s\n", error.message);
	return source;
}

int main(int argc, char **argv)
{
	size_t stage = 0, n = sizeof(stages) / sizeof(stages[0]);

	while (argc > 3 && stage < n && strcmp(stages[stage].name, argv[1]) != 0)
		stage++;
	if (argc < 4 || stage == n) {
		fprintf(stderr, "usage: stages STAGE FRAMES FILE...\n");
		return 64;
	}
	struct run run = {.most = strtoull(argv[2], NULL, 10)};
	run.source = open_source(argv + 3, argc - 3);
	if (!run.source)
		return 66;
	uint64_t wall = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	stages[stage].run(&run);
	wall = clock_ns(CLOCK_MONOTONIC) - wall;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	source_close(run.source);
	printf("frames=%llu wall_ns=%llu cpu_ns=%llu evicted=%llu sum=%llu\n",
	       (unsigned long long)run.frames, (unsigned long long)wall, (unsigned long long)cpu,
	       (unsigned long long)run.evicted, (unsigned long long)run.sum);
	return 0;
}
