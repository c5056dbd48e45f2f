/* SPDX-License-Identifier: MIT
 *
 * test_writer.c - from one thread to the other: nothing is lost on the way, and what the disk
 * refuses is counted to the frame.
 *
 * Real threads, pipes, files and full disks. Tests wait for what they want to see, not for time.
 */
#include "../capture/writer.h"
#include "spooled.h"

#include <CUnit/CUnit.h>
#include <poll.h>
#include <signal.h>

void suite_writer(void);

#define PATIENCE_MS 10000

/* One stream's story: what was put, and where its frames' numbers stand. */
struct story {
	struct writer *writer;
	unsigned stream;
	char wan[16];
	uint64_t sequence;
	uint64_t put; /* frames; the next one's number */
};

static bool wait_for(const struct writer *writer)
{
	struct pollfd pollfd = {.fd = writer_fd(writer), .events = POLLIN};

	return poll(&pollfd, 1, PATIENCE_MS) == 1;
}

/* Begin a file with its head; waits for a block when there is none. */
static bool story_begin(struct story *story)
{
	uint8_t *room;

	story->sequence++;
	while (!writer_begin(story->writer, story->stream, story->wan, story->sequence,
	                     SPOOLED_T0)) {
		if (!wait_for(story->writer))
			return false;
		writer_acknowledge(story->writer);
	}
	room = writer_room(story->writer, story->stream, SPOOLED_HEAD);
	if (room)
		writer_put(story->writer, story->stream, spooled_head(room), 0);
	return room != NULL;
}

/* One frame, if there is room. */
static bool story_put(struct story *story)
{
	uint8_t *room = writer_room(story->writer, story->stream, pcapng_packet_size(60));

	if (!room)
		return false;
	writer_put(story->writer, story->stream, spooled_frame(room, story->put), 1);
	story->put++;
	return true;
}

/* So many frames, waiting for room. */
static bool story_run(struct story *story, unsigned frames)
{
	while (frames) {
		if (story_put(story)) {
			frames--;
			continue;
		}
		if (!wait_for(story->writer))
			return false;
		writer_acknowledge(story->writer);
	}
	return true;
}

static struct writer_state look(const struct story *story)
{
	struct writer_state state;

	writer_look(story->writer, story->stream, &state);
	return state;
}

static struct spool *new_spool(const char *path, const struct spool_limits *limits, int *error)
{
	struct spool_found found;

	return spool_open(spooled_open(path), limits, SPOOLED_BOOT, &clock_system, &found, error);
}

static struct writer *new_writer(const char *path, const struct spool_limits *limits, size_t pool)
{
	int error = 0;
	struct spool *spool = new_spool(path, limits, &error);
	struct writer *writer = spool ? writer_new(spool, -1, pool, &error) : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	return writer;
}

/* ---- into the spool ---- */

struct reading {
	uint64_t frames[8]; /* by WAN, a b c ... */
	unsigned files, bad;
};

static bool read_one(void *context, int dir, const char *name)
{
	struct reading *reading = context;
	struct spool_name parsed;

	if (!spool_name_parse(&parsed, name))
		return true;
	struct spooled_contents contents = spooled_read(dir, name);
	reading->files++;
	reading->bad += !contents.whole || !contents.in_order || contents.interfaces != 1;
	reading->frames[parsed.wan[0] - 'a'] += contents.frames;
	spooled_release(&contents);
	return !parsed.part;
}

/* Three streams at their own pace, files of their own length: every frame arrives. */
static void streams(uint32_t zstd_level)
{
	struct spool_limits limits = {.zstd_level = zstd_level};
	struct reading reading = {0};
	struct spool_usage usage;
	char path[64];

	close(spooled_directory(path));
	struct writer *writer = new_writer(path, &limits, 8 * WRITER_BLOCK);
	struct story stories[3] = {{writer, 0, "a", 0, 0},
	                           {writer, 7, "b", 0, 0},
	                           {writer, WRITER_STREAMS - 1, "c", 0, 0}};
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < 3; i++) {
			if (round % (i + 2) == 0) {
				writer_end(writer, stories[i].stream);
				CU_ASSERT(story_begin(&stories[i]));
			}
			CU_ASSERT(story_run(&stories[i], 1 + 997 * i + round));
			if (round % 3 == i)
				writer_flush(writer, stories[i].stream);
		}
		writer_tend(writer, NULL);
	}
	writer_finish(writer);
	CU_ASSERT(spooled_each(path, read_one, &reading));
	CU_ASSERT_EQUAL(reading.bad, 0);
	CU_ASSERT_EQUAL(reading.files, 15 + 10 + 8);
	for (unsigned i = 0; i < 3; i++) {
		struct writer_state state = look(&stories[i]);
		CU_ASSERT_EQUAL(state.stored, stories[i].put);
		CU_ASSERT_EQUAL(reading.frames[i], stories[i].put);
		CU_ASSERT_EQUAL(state.files, stories[i].sequence);
		CU_ASSERT(!state.lost && !state.suspended && !state.error && !state.unfinished);
	}
	writer_usage(writer, &usage);
	CU_ASSERT_EQUAL(usage.files, reading.files);
	CU_ASSERT_EQUAL(usage.bytes, spooled_list(path).bytes);
	writer_free(writer);
	spooled_remove(path);
}

static void test_streams(void)
{
	streams(0);
	streams(1);
}

/* More streams than blocks, all partly filled: one is handed over to make room for another. */
static void test_few_blocks(void)
{
	struct story stories[7];
	struct reading reading = {0};
	char path[64];

	close(spooled_directory(path));
	struct writer *writer = new_writer(path, &(struct spool_limits){0}, 0);
	for (unsigned i = 0; i < 7; i++) {
		stories[i] = (struct story){writer, i, {(char)('a' + i)}, 0, 0};
		CU_ASSERT(story_begin(&stories[i]));
	}
	for (unsigned round = 0; round < 50; round++)
		for (unsigned i = 0; i < 7; i++)
			CU_ASSERT(story_run(&stories[i], 10));
	writer_finish(writer);
	CU_ASSERT(spooled_each(path, read_one, &reading));
	CU_ASSERT_EQUAL(reading.bad, 0);
	for (unsigned i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(reading.frames[i], 500);
	writer_free(writer);
	spooled_remove(path);
}

/* A stream that ended takes nothing; what is put before a begin is lost, and counted so. */
static void test_without_file(void)
{
	char path[64];

	close(spooled_directory(path));
	struct writer *writer = new_writer(path, &(struct spool_limits){0}, 0);
	struct story story = {writer, 3, "a", 0, 0};
	CU_ASSERT(story_run(&story, 10));
	writer_flush(writer, 3);
	CU_ASSERT(story_begin(&story));
	CU_ASSERT(story_run(&story, 5));
	writer_end(writer, 3);
	writer_end(writer, 3);
	writer_finish(writer);
	CU_ASSERT(look(&story).stored == 5 && look(&story).lost == 10);
	CU_ASSERT_EQUAL(look(&story).files, 1);
	writer_free(writer);
	spooled_remove(path);
}

static void test_new_limits(void)
{
	struct spool_limits limits = {.max_files = 2};
	struct spool_usage usage;
	char path[64];

	close(spooled_directory(path));
	struct writer *writer = new_writer(path, &(struct spool_limits){0}, 0);
	struct story story = {writer, 0, "a", 0, 0};
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT(story_begin(&story));
	writer_end(writer, 0);
	writer_tend(writer, &limits);
	writer_finish(writer);
	writer_usage(writer, &usage);
	CU_ASSERT(usage.files == 2 && usage.expired_files == 7);
	CU_ASSERT_EQUAL(spooled_list(path).files, 2);
	writer_free(writer);
	spooled_remove(path);
}

/* ---- into a descriptor ---- */

/* What a slow reader of a pipe got. */
struct reader {
	int fd;
	uint8_t *bytes;
	size_t n;
};

static bool reader_take(struct reader *reader)
{
	uint8_t *bytes = realloc(reader->bytes, reader->n + 65536);

	if (!bytes)
		return false;
	reader->bytes = bytes;
	ssize_t n = read(reader->fd, bytes + reader->n, 65536);
	reader->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Nobody reads until the pool is empty; then all is read, and no byte is missing. */
static void test_stalled_pipe(void)
{
	struct spooled_contents contents = {0};
	int pipes[2], error;
	unsigned stalls = 0;

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	struct writer *writer = writer_new(NULL, pipes[1], 6 * WRITER_BLOCK, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	struct story story = {writer, 0, "a", 0, 0};
	struct reader reader = {.fd = pipes[0]};
	CU_ASSERT(story_begin(&story));
	while (stalls < 3) {
		if (story_put(&story))
			continue;
		stalls++;
		CU_ASSERT_PTR_NULL(writer_room(writer, 0, 100));
		while (poll(&(struct pollfd){.fd = writer_fd(writer), .events = POLLIN}, 1, 0) == 0)
			CU_ASSERT_FATAL(reader_take(&reader));
		writer_acknowledge(writer);
	}
	CU_ASSERT(story.put >= 3 * WRITER_BLOCK / SPOOLED_FRAME);
	writer_flush(writer, 0);
	/* the last bytes may be read before they are counted as stored: then there is none to wait for */
	while (look(&story).stored < story.put)
		if (poll(&(struct pollfd){.fd = pipes[0], .events = POLLIN}, 1, 1) > 0)
			CU_ASSERT_FATAL(reader_take(&reader));
	writer_free(writer);
	while (reader_take(&reader))
		continue;
	contents.bytes = reader.bytes;
	contents.n = reader.n;
	spooled_walk(&contents);
	CU_ASSERT(contents.whole && contents.in_order && contents.frames == story.put);
	free(reader.bytes);
	close(pipes[0]);
}

static void test_broken_pipe(void)
{
	int pipes[2], error;
	uint8_t some[4096];

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	struct writer *writer = writer_new(NULL, pipes[1], 0, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
	struct story story = {writer, 0, "a", 0, 0};
	CU_ASSERT(story_begin(&story));
	CU_ASSERT(story_run(&story, 1000));
	writer_flush(writer, 0);
	CU_ASSERT(read(pipes[0], some, sizeof(some)) > 0);
	close(pipes[0]);
	CU_ASSERT(story_run(&story, 5000));
	while (!look(&story).suspended) {
		writer_flush(writer, 0);
		CU_ASSERT_FATAL(wait_for(writer));
		writer_acknowledge(writer);
	}
	CU_ASSERT_EQUAL(look(&story).error, -EPIPE);
	CU_ASSERT(story_run(&story, 5000));
	CU_ASSERT_FALSE(look(&story).wants_begin);
	writer_finish(writer);
	CU_ASSERT_EQUAL(look(&story).stored + look(&story).lost, story.put);
	CU_ASSERT(look(&story).lost >= 5000);
	writer_free(writer);
}

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("test_writer.c:%d: %s\n", __LINE__, #condition);                    \
			fflush(stdout);                                                            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* A file on a disk of 1 MB: it ends behind a whole block, and what is missing is counted. */
static int full_file(const char *path)
{
	char name[80];
	int error;

	if (!spooled_mount(path, "1m"))
		return SPOOLED_SKIP;
	snprintf(name, sizeof(name), "%s/out.pcapng", path);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	struct writer *writer = writer_new(NULL, fd, 0, &error);
	CHECK(writer);
	struct story story = {writer, 0, "a", 0, 0};
	CHECK(story_begin(&story) && story_run(&story, 30000));
	writer_finish(writer);
	struct writer_state state = look(&story);
	CHECK(state.suspended && state.error == -ENOSPC && state.files == 0);
	CHECK(state.stored > 5000 && state.stored + state.lost == story.put);
	writer_free(writer);
	int dir = spooled_open(path);
	struct spooled_contents contents = spooled_read(dir, "out.pcapng");
	CHECK(contents.whole && contents.in_order && contents.frames == state.stored);
	return 0;
}

/* ---- a full disk under a spool ---- */

static bool hog(const char *path, off_t bytes)
{
	char name[80];

	snprintf(name, sizeof(name), "%s/hog", path);
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	bool good = fd >= 0 && ftruncate(fd, 0) == 0 && fallocate(fd, 0, 0, bytes) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

/* Wait until the stream asks for a new file. */
static bool wait_wanted(const struct story *story)
{
	while (!look(story).wants_begin) {
		if (!wait_for(story->writer))
			return false;
		writer_acknowledge(story->writer);
	}
	return true;
}

/* Put on until the stream is as we want to see it; ask for a new file when it wants one. */
static bool put_until(struct story *story, bool suspended)
{
	for (unsigned tries = 0; tries < 200; tries++) {
		struct writer_state state = look(story);
		if (state.suspended == suspended && state.lost > 0)
			return true;
		if (state.wants_begin) {
			writer_end(story->writer, story->stream);
			if (!story_begin(story))
				return false;
		} else if (state.suspended && tries && !wait_for(story->writer)) {
			return false;
		}
		writer_acknowledge(story->writer);
		if (!story_run(story, 500))
			return false;
		writer_flush(story->writer, story->stream);
	}
	return false;
}

static bool equation(const struct story *story)
{
	struct writer_state state = look(story);

	return state.stored + state.lost == story->put;
}

static int full_disk(const char *path)
{
	struct spool_limits limits = {.keep_free = 512 << 10};
	struct reading reading = {0};
	int error;

	if (!spooled_mount(path, "2m"))
		return SPOOLED_SKIP;
	struct spool *spool = new_spool(path, &limits, &error);
	struct writer *writer = spool ? writer_new(spool, -1, 0, &error) : NULL;
	CHECK(writer);
	struct story a = {writer, 0, "a", 0, 0}, b = {writer, 1, "b", 0, 0};
	CHECK(story_begin(&a) && story_begin(&b));
	CHECK(story_run(&a, 1000) && story_run(&b, 500));
	/* somebody else fills the disk: the one is suspended, then the other, and no attempt helps
	 */
	writer_flush(writer, 0);
	while (look(&a).stored < 1000)
		CHECK(sched_yield() == 0);
	CHECK(hog(path, 1580 << 10));
	CHECK(put_until(&a, true) && put_until(&b, true));
	CHECK(look(&a).error == -ENOSPC);
	uint64_t stored = look(&a).stored;
	CHECK(wait_wanted(&a));
	writer_end(writer, 0);
	CHECK(story_begin(&a));
	CHECK(!look(&a).wants_begin);
	CHECK(story_run(&a, 100));
	writer_flush(writer, 0);
	CHECK(wait_wanted(&a));
	CHECK(look(&a).stored == stored && look(&a).suspended);
	/* he goes: both go on by themselves */
	CHECK(hog(path, 4096));
	CHECK(put_until(&a, false) && put_until(&b, false));
	uint64_t lost = look(&a).lost;
	CHECK(story_run(&a, 2000) && story_run(&b, 10));
	writer_finish(writer);
	CHECK(look(&a).lost == lost);
	CHECK(equation(&a) && equation(&b));
	CHECK(!look(&a).suspended && !look(&b).suspended);
	CHECK(look(&a).unfinished == 0 && look(&b).unfinished == 0);
	CHECK(spooled_each(path, read_one, &reading) && reading.bad == 0);
	CHECK(reading.frames[0] >= 2000 && reading.frames[0] <= look(&a).stored);
	writer_free(writer);
	return 0;
}

/* Five times the disk goes through it in two streams: the ring gives way, nothing is lost. */
static int small_disk(const char *path)
{
	struct reading reading = {0};
	int error;

	if (!spooled_mount(path, "2m"))
		return SPOOLED_SKIP;
	struct spool *spool = new_spool(path, &(struct spool_limits){0}, &error);
	struct writer *writer = spool ? writer_new(spool, -1, 0, &error) : NULL;
	CHECK(writer);
	struct story a = {writer, 0, "a", 0, 0}, b = {writer, 1, "b", 0, 0};
	for (unsigned i = 0; i < 50; i++) {
		CHECK(story_begin(&a) && story_begin(&b));
		CHECK(story_run(&a, 1500) && story_run(&b, 500));
	}
	writer_finish(writer);
	CHECK(look(&a).stored == a.put && look(&b).stored == b.put);
	CHECK(spooled_each(path, read_one, &reading) && reading.bad == 0);
	CHECK(reading.frames[0] >= 1500 && reading.frames[1] >= 500);
	writer_free(writer);
	return 0;
}

/* One file without an end on a full disk, again and again: every frame is in a file or counted. */
static int endless(const char *path)
{
	int error;

	if (!spooled_mount(path, "1m"))
		return SPOOLED_SKIP;
	struct spool *spool = new_spool(path, &(struct spool_limits){0}, &error);
	struct writer *writer = spool ? writer_new(spool, -1, 0, &error) : NULL;
	CHECK(writer);
	struct story a = {writer, 0, "a", 0, 0};
	CHECK(story_begin(&a));
	CHECK(put_until(&a, true));
	CHECK(put_until(&a, false));
	writer_finish(writer);
	CHECK(equation(&a) && look(&a).lost > 0 && look(&a).stored > 5000);
	writer_free(writer);
	struct reading reading = {0};
	CHECK(spooled_each(path, read_one, &reading) && reading.bad == 0);
	return 0;
}

static void in_child(const char *name, int (*run)(const char *path))
{
	char path[64];
	int dir = spooled_directory(path);

	CU_ASSERT_FATAL(dir >= 0);
	close(dir);
	int code = spooled_fork(run, path);
	if (code == SPOOLED_SKIP)
		printf("skip writer/%s: may not mount a file system\n", name);
	else
		CU_ASSERT_EQUAL(code, 0);
	spooled_remove(path);
}

static void test_full_file(void)
{
	in_child("a file on a full disk", full_file);
}

static void test_full_disk(void)
{
	in_child("a spool on a full disk", full_disk);
}

static void test_small_disk(void)
{
	in_child("a small disk", small_disk);
}

static void test_endless(void)
{
	in_child("a file as large as the disk", endless);
}

void suite_writer(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"three streams", test_streams},
		{"more streams than blocks", test_few_blocks},
		{"without a file", test_without_file},
		{"new limits", test_new_limits},
		{"a pipe that stalls", test_stalled_pipe},
		{"a pipe that breaks", test_broken_pipe},
		{"a file on a full disk", test_full_file},
		{"a spool on a full disk", test_full_disk},
		{"a small disk", test_small_disk},
		{"a file as large as the disk", test_endless},
	};
	CU_pSuite suite = CU_add_suite("writer", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
