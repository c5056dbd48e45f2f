/* SPDX-License-Identifier: MIT
 *
 * test_tail.c - captures that grow: files written piece by piece while they are read, renamed,
 * rotated, expired, repaired; several WANs in time order; a recorder behind a pipe.
 *
 * What must come out is what was put in. Time is a clock of the test's, so nothing waits.
 */
#include "../capture/tail.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "../capture/pcapng.h"

void suite_tail(void);

#define T0 1700000000000000000ull /* 2023-11-14T22:13:20Z, as the names of the files say */
#define MS 1000000ull

/* ---- a spool of the test's ---- */

struct bench {
	char path[64];
	uint64_t mono;
	struct clock clock;
	struct tail *tail;
};

static uint64_t bench_mono(void *context)
{
	return ((struct bench *)context)->mono;
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){.path = "/tmp/test-tail.XXXXXX", .mono = 1000 * MS};
	b->clock = (struct clock){bench_mono, bench_mono, b};
	if (!mkdtemp(b->path))
		abort();
}

static void bench_open(struct bench *b)
{
	struct tail_options options = {.clock = &b->clock};
	int error;

	b->tail = tail_spool(b->path, &options, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->tail);
}

static void bench_release(struct bench *b)
{
	DIR *directory = opendir(b->path);
	const struct dirent *row;

	tail_close(b->tail);
	while (directory && (row = readdir(directory)))
		unlinkat(dirfd(directory), row->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(b->path);
}

static const char *file_path(const struct bench *b, const char *wan, unsigned sequence,
                             const char *end, char path[160])
{
	snprintf(path, 160, "%s/%s-0123abcd-%08u-20231114T221320Z.pcapng%s", b->path, wan, sequence,
	         end);
	return path;
}

static void append(const struct bench *b, const char *wan, unsigned sequence, const char *end,
                   const void *bytes, size_t length)
{
	char path[160];
	int fd = open(file_path(b, wan, sequence, end, path), O_WRONLY | O_CREAT | O_APPEND, 0640);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	close(fd);
}

static void complete(const struct bench *b, const char *wan, unsigned sequence)
{
	char from[160], to[160];

	if (rename(file_path(b, wan, sequence, ".part", from),
	           file_path(b, wan, sequence, "", to)) != 0)
		abort();
}

/* ---- blocks ---- */

static uint8_t room[65536];

static size_t head(uint8_t *at, const char *wan, const char *role)
{
	struct quality_line line;
	struct pcapng_interface interface = {
		.name = "eth7", .linktype = LINK_ETHERNET, .n_notes = 1};
	size_t n = pcapng_section(at, NULL, NULL, "test");

	quality_begin(&line, QUALITY_INTERFACE);
	quality_word(&line, "wan", wan);
	quality_word(&line, "role", role);
	quality_word(&line, "device", "eth7");
	quality_word(&line, "boot", "0123abcd");
	quality_number(&line, "ifindex", 7);
	interface.notes[0] = line.text;
	return n + pcapng_interface(at + n, &interface);
}

static size_t frame(uint8_t *at, uint64_t ms, uint8_t byte)
{
	uint8_t data[60];

	memset(data, byte, sizeof(data));
	return pcapng_packet(at, 0, T0 + ms * MS, data, sizeof(data), 1000u + byte, MARK_OUT, 0);
}

static void begin_file(const struct bench *b, const char *wan, unsigned sequence)
{
	append(b, wan, sequence, ".part", room, head(room, wan, "backup"));
}

static void add_frame(const struct bench *b, const char *wan, unsigned sequence, uint64_t ms,
                      uint8_t byte)
{
	append(b, wan, sequence, ".part", room, frame(room, ms, byte));
}

/* ---- reading ---- */

/* All frames that come now, as "a1 b2 ": first letter of the WAN, first byte of the data. Notes are
 * counted by word. */
struct got {
	char text[4096];
	unsigned frames, backwards, notes[NOTE_END + 1];
	struct tail_note last[NOTE_END + 1];
	enum tail_item end;
};

static void pull(struct bench *b, struct got *got)
{
	struct frame f;
	struct tail_note note;
	size_t used = 0, n;

	memset(got, 0, sizeof(*got));
	while ((got->end = tail_next(b->tail, &f, &note)) == TAIL_FRAME || got->end == TAIL_NOTE) {
		if (got->end == TAIL_NOTE) {
			got->notes[note.word]++;
			got->last[note.word] = note;
			continue;
		}
		CU_ASSERT_EQUAL(f.caplen, 60);
		CU_ASSERT_EQUAL(f.data[59], f.data[0]);
		CU_ASSERT_EQUAL(f.wire_len, 1000u + f.data[0]);
		CU_ASSERT_EQUAL(f.mark, MARK_OUT);
		CU_ASSERT(f.shared);
		got->frames++;
		got->backwards += f.backwards;
		if (used + 8 < sizeof(got->text))
			used += (size_t)snprintf(got->text + used, sizeof(got->text) - used,
			                         "%c%u ", tail_wans(b->tail, &n)[f.wan].name[0],
			                         f.data[0]);
	}
}

/* "A file grows byte by byte: each frame comes once, as soon as its last byte is there" */
static void test_bytes(void)
{
	uint8_t bytes[4096];
	struct bench b;
	struct got got;
	size_t n, ends[4], n_files;
	unsigned seen = 0;

	bench_init(&b);
	bench_open(&b);
	n = head(bytes, "a", "backup");
	for (uint8_t i = 0; i < 4; i++)
		ends[i] = n += frame(bytes + n, i, i);
	for (size_t at = 0; at < n; at++) {
		append(&b, "a", 1, ".part", bytes + at, 1);
		pull(&b, &got);
		b.mono += 500 * MS;
		CU_ASSERT_EQUAL(got.end, TAIL_NOTHING);
		CU_ASSERT_EQUAL(got.frames, seen < 4 && at + 1 == ends[seen]);
		seen += got.frames;
	}
	CU_ASSERT_EQUAL(seen, 4);
	CU_ASSERT_STRING_EQUAL(tail_wan(b.tail, 0)->role, "backup");
	CU_ASSERT_STRING_EQUAL(tail_wan(b.tail, 0)->device, "eth7");
	CU_ASSERT_STRING_EQUAL(tail_wan(b.tail, 0)->boot, "0123abcd");
	CU_ASSERT_EQUAL(tail_wan(b.tail, 0)->ifindex, 7);
	CU_ASSERT_EQUAL(tail_files(b.tail, &n_files)[0].frames, 4);
	CU_ASSERT_EQUAL(tail_files(b.tail, &n_files)[0].wire_bytes, 4006);
	tail_stop(b.tail);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.end, TAIL_END);
	bench_release(&b);
}

/* "It begins with the newest file of each WAN, and follows the numbers from there" */
static void test_rotation(void)
{
	struct bench b;
	struct got got;

	bench_init(&b);
	begin_file(&b, "a", 7);
	add_frame(&b, "a", 7, 1, 1);
	complete(&b, "a", 7);
	begin_file(&b, "a", 8);
	add_frame(&b, "a", 8, 2, 2);
	append(&b, "unrelated", 1, ".txt", "x", 1);
	for (unsigned sequence = 3; sequence < 6; sequence++) {
		begin_file(&b, "b", sequence);
		add_frame(&b, "b", sequence, sequence, (uint8_t)sequence);
		complete(&b, "b", sequence);
	}
	bench_open(&b);
	pull(&b, &got);
	b.mono += 301 * MS;
	CU_ASSERT_STRING_EQUAL(got.text, "a2 ");
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "b5 ");
	add_frame(&b, "a", 8, 3, 3);
	complete(&b, "a", 8);
	begin_file(&b, "a", 9);
	add_frame(&b, "a", 9, 4, 4);
	complete(&b, "a", 9);
	begin_file(&b, "a", 10);
	add_frame(&b, "a", 10, 5, 5);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a3 a4 a5 ");
	/* two that nobody could read are said */
	complete(&b, "a", 10);
	begin_file(&b, "a", 13);
	add_frame(&b, "a", 13, 6, 6);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.frames, 0);
	CU_ASSERT_EQUAL(got.notes[NOTE_PASSED], 1);
	CU_ASSERT_EQUAL(got.last[NOTE_PASSED].count, 2);
	b.mono += 301 * MS;
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a6 ");
	bench_release(&b);
}

/* "Frames of two WANs leave by time when the other has shown a later one" */
static void test_order(void)
{
	struct bench b;
	struct got got;

	bench_init(&b);
	begin_file(&b, "a", 1);
	begin_file(&b, "b", 1);
	bench_open(&b);
	add_frame(&b, "a", 1, 10, 1);
	add_frame(&b, "a", 1, 30, 3);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "");
	add_frame(&b, "b", 1, 20, 2);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a1 b2 ");
	/* nothing of b: the bound lets it go */
	b.mono += 299 * MS;
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "");
	b.mono += 2 * MS;
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a3 ");
	/* what comes later still comes, and says so */
	add_frame(&b, "b", 1, 25, 4);
	add_frame(&b, "a", 1, 40, 5);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "b4 ");
	CU_ASSERT_EQUAL(got.backwards, 1);
	tail_stop(b.tail);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a5 ");
	CU_ASSERT_EQUAL(got.end, TAIL_END);
	bench_release(&b);
}

/* "Many frames of one WAN wait for the bound together, not one after the other" */
static void test_backlog(void)
{
	struct bench b;
	struct got got;

	bench_init(&b);
	begin_file(&b, "a", 1);
	begin_file(&b, "b", 1);
	for (unsigned i = 0; i < 3000; i++)
		add_frame(&b, "a", 1, i, 1);
	bench_open(&b);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.frames, 0);
	b.mono += 301 * MS;
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.frames, 3000);
	bench_release(&b);
}

static void append_packed(const struct bench *b, const uint8_t *bytes, size_t n)
{
	uint8_t packed[8192];
	size_t size = ZSTD_compress(packed, sizeof(packed), bytes, n, 1);

	/* in two pieces, as a reader may meet it */
	append(b, "a", 1, ".zst.part", packed, size / 2);
	append(b, "a", 1, ".zst.part", packed + size / 2, size - size / 2);
}

/* "A packed file grows by frames of zstd" */
static void test_packed(void)
{
	struct bench b;
	struct got got;
	size_t n;

	bench_init(&b);
	bench_open(&b);
	n = head(room, "a", "backup");
	n += frame(room + n, 1, 1);
	append_packed(&b, room, n);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a1 ");
	n = frame(room, 2, 2);
	n += frame(room + n, 3, 3);
	append_packed(&b, room, n);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a2 a3 ");
	append(&b, "a", 1, ".zst.part", "not zstd", 8);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.notes[NOTE_FLAW], 1);
	bench_release(&b);
}

/* "A repair cuts off half a block, and other bytes come where it was" */
static void test_repair(void)
{
	struct bench b;
	struct got got;
	struct stat st;
	char path[160];
	size_t n;

	bench_init(&b);
	begin_file(&b, "a", 1);
	add_frame(&b, "a", 1, 1, 1);
	bench_open(&b);
	stat(file_path(&b, "a", 1, ".part", path), &st);
	n = frame(room, 2, 2);
	append(&b, "a", 1, ".part", room, n / 2);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a1 ");
	if (truncate(path, st.st_size) != 0)
		abort();
	add_frame(&b, "a", 1, 3, 3);
	complete(&b, "a", 1);
	begin_file(&b, "a", 2);
	add_frame(&b, "a", 2, 4, 4);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a3 a4 ");
	CU_ASSERT_EQUAL(got.notes[NOTE_FLAW], 0);
	bench_release(&b);
}

/* "Bytes that are no capture: said once, and the next file is read" */
static void test_damage(void)
{
	struct bench b;
	struct got got;

	bench_init(&b);
	append(&b, "a", 1, ".part", "this is no capture at all", 25);
	begin_file(&b, "b", 1);
	append(&b, "b", 1, ".part", "\7\0\0\0\3\0\0\0\0\0\0\0", 12);
	bench_open(&b);
	pull(&b, &got);
	pull(&b, &got);
	begin_file(&b, "a", 2);
	add_frame(&b, "a", 2, 1, 1);
	b.mono += 301 * MS;
	pull(&b, &got);
	b.mono += 301 * MS;
	tail_stop(b.tail);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.end, TAIL_END);
	bench_release(&b);
}

/* "Losses, gaps, steps and the end are told; what a later block repeats is told once" */
static void test_notes(void)
{
	struct pcapng_statistics statistics = {.received = 10, .dropped_kernel = 3, .n_notes = 2};
	struct quality_line gap, step, end;
	struct bench b;
	struct got got;
	size_t n;

	bench_init(&b);
	begin_file(&b, "a", 1);
	quality_begin(&gap, QUALITY_GAP);
	quality_word(&gap, "state", "down");
	quality_number(&gap, "from_ns", T0);
	quality_number(&gap, "to_ns", T0 + 5000 * MS);
	quality_begin(&step, QUALITY_STEP);
	quality_number(&step, "at_ns", T0);
	quality_signed(&step, "by_ns", -5);
	quality_begin(&end, QUALITY_END);
	quality_word(&end, "reason", "stop");
	statistics.notes[0] = gap.text;
	statistics.notes[1] = step.text;
	append(&b, "a", 1, ".part", room, pcapng_statistics(room, &statistics));
	bench_open(&b);
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.last[NOTE_DROPS].count, 3);
	CU_ASSERT_EQUAL(got.last[NOTE_GAP].state, STATE_DOWN);
	CU_ASSERT_EQUAL(got.last[NOTE_GAP].to_ns - got.last[NOTE_GAP].from_ns, 5000 * MS);
	CU_ASSERT_EQUAL(got.last[NOTE_STEP].by_ns, -5);
	statistics.dropped_own = 4;
	statistics.n_notes = 1;
	statistics.notes[0] = end.text;
	append(&b, "a", 1, ".part", room, pcapng_statistics(room, &statistics));
	pull(&b, &got);
	CU_ASSERT_EQUAL(got.last[NOTE_DROPS].count, 4);
	CU_ASSERT_STRING_EQUAL(got.last[NOTE_END].text, "stop");
	CU_ASSERT(tail_wan(b.tail, 0)->ended);
	CU_ASSERT_EQUAL(tail_wans(b.tail, &n)[0].dropped, 7);
	CU_ASSERT(tail_wans(b.tail, &n)[0].drops_known);
	bench_release(&b);
}

/* "The spool was cleared and its numbers began anew" */
static void test_cleared(void)
{
	struct bench b;
	struct got got;
	char path[160];

	bench_init(&b);
	begin_file(&b, "a", 9);
	add_frame(&b, "a", 9, 1, 1);
	bench_open(&b);
	pull(&b, &got);
	unlink(file_path(&b, "a", 9, ".part", path));
	begin_file(&b, "a", 1);
	add_frame(&b, "a", 1, 2, 2);
	pull(&b, &got);
	CU_ASSERT_STRING_EQUAL(got.text, "a2 ");
	bench_release(&b);
}

/* A file of all that the recorder writes. */
static size_t whole_file(uint8_t *at)
{
	struct pcapng_statistics statistics = {.received = 10, .dropped_kernel = 3, .n_notes = 2};
	struct quality_line gap, end;
	size_t n = head(at, "a", "backup");

	for (uint8_t i = 0; i < 5; i++)
		n += frame(at + n, i, i);
	quality_begin(&gap, QUALITY_GAP);
	quality_word(&gap, "state", "down");
	quality_number(&gap, "from_ns", T0);
	quality_begin(&end, QUALITY_END);
	quality_word(&end, "reason", "stop");
	statistics.notes[0] = gap.text;
	statistics.notes[1] = end.text;
	return n + pcapng_statistics(at + n, &statistics);
}

/* Read all there is, every byte of it. Returns what tail_next() answered at last. */
static enum tail_item read_all(struct bench *b)
{
	volatile unsigned sum = 0;
	struct frame f;
	struct tail_note note;
	enum tail_item item;
	size_t n;

	while ((item = tail_next(b->tail, &f, &note)) == TAIL_FRAME || item == TAIL_NOTE)
		for (uint32_t i = 0; item == TAIL_FRAME && i < f.caplen; i++)
			sum += f.data[i] + (unsigned)tail_wans(b->tail, &n)[f.wan].name[0];
	(void)sum;
	return item;
}

/* "Any bytes in: it ends, and what it lends can be read" */
static void test_hostile(void)
{
	static uint8_t good[8192], bad[8192];
	size_t n = whole_file(good);
	uint32_t seed = 1;

	for (unsigned round = 0; round < 1500; round++) {
		struct bench b;

		memcpy(bad, good, n);
		for (unsigned i = 0; i < 1 + round % 5; i++) {
			seed = seed * 1664525u + 1013904223u;
			bad[(seed >> 8) % n] ^= (uint8_t)(1u << (seed >> 28) % 8);
		}
		bench_init(&b);
		bench_open(&b);
		append(&b, "a", 1, ".part", bad, n / 2);
		CU_ASSERT_EQUAL(read_all(&b), TAIL_NOTHING);
		append(&b, "a", 1, ".part", bad + n / 2, n - n / 2);
		read_all(&b);
		tail_stop(b.tail);
		CU_ASSERT_EQUAL(read_all(&b), TAIL_END);
		bench_release(&b);
	}
}

/* ---- a recorder behind a pipe ---- */

struct settings {
	int answer;
};

static int pretend(struct settings *settings, int argc, char **argv)
{
	size_t n = head(room, "a", "master");

	(void)argc;
	(void)argv;
	n += frame(room + n, 1, 1);
	n += frame(room + n, 2, 2);
	dprintf(2, "mptcp-captured: eth7: recording\nhalf a line");
	if (write(1, room, n) != (ssize_t)n)
		return 70;
	if (settings->answer < 0)
		kill(getpid(), SIGKILL);
	if (settings->answer == 99)
		pause();
	return settings->answer;
}

static void wait_for(struct bench *b)
{
	struct pollfd poll_fd = {.fd = tail_fd(b->tail), .events = POLLIN};

	poll(&poll_fd, 1, 20);
}

static bool powerless(void)
{
	int fd = open("/proc/self/status", O_RDONLY);
	char text[8192];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (n < 0)
		return false;
	close(fd);
	text[n] = '\0';
	return geteuid() != 0 && strstr(text, "CapEff:\t0000000000000000") &&
	       strstr(text, "CapPrm:\t0000000000000000") && strstr(text, "NoNewPrivs:\t1");
}

/* In a process of its own, because it gives up what the test runs with. Returns what is wrong. */
static int live(int answer, int expected)
{
	struct bench b = {.mono = 1000 * MS};
	struct tail_options options = {.clock = &clock_system};
	struct settings settings = {.answer = answer};
	struct got got, all = {0};
	int error;

	b.tail = tail_live(&settings, 0, NULL, pretend, &options, &error);
	if (!b.tail)
		return 1;
	for (unsigned i = 0; i < 500; i++) {
		pull(&b, &got);
		all.frames += got.frames;
		all.notes[NOTE_MESSAGE] += got.notes[NOTE_MESSAGE];
		if (got.end == TAIL_END)
			break;
		if (all.frames == 2 && answer == 99)
			tail_stop(b.tail);
		wait_for(&b);
	}
	int wrong = got.end != TAIL_END               ? 2
	            : all.frames != 2                 ? 3
	            : all.notes[NOTE_MESSAGE] != 2    ? 4
	            : tail_status(b.tail) != expected ? 5
	            : !powerless()                    ? 6
	                                              : 0;
	tail_close(b.tail);
	return wrong;
}

static int live_apart(int answer, int expected)
{
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(live(answer, expected));
	waitpid(child, &status, 0);
	return status;
}

/* "A recorder that ends by itself, one that crashes, one that is asked to end" */
static void test_live(void)
{
	if (geteuid() != 0) {
		printf("skip tail/live: needs root, to see it given up\n");
		return;
	}
	CU_ASSERT_EQUAL(live_apart(0, 0), 0);
	CU_ASSERT_EQUAL(live_apart(77, 77), 0);
	CU_ASSERT_EQUAL(live_apart(-1, 128 + SIGKILL), 0);
}

void suite_tail(void)
{
	CU_pSuite suite = CU_add_suite("tail", NULL, NULL);

	CU_add_test(suite, "bytes", test_bytes);
	CU_add_test(suite, "rotation", test_rotation);
	CU_add_test(suite, "order", test_order);
	CU_add_test(suite, "backlog", test_backlog);
	CU_add_test(suite, "packed", test_packed);
	CU_add_test(suite, "repair", test_repair);
	CU_add_test(suite, "damage", test_damage);
	CU_add_test(suite, "notes", test_notes);
	CU_add_test(suite, "cleared", test_cleared);
	CU_add_test(suite, "hostile", test_hostile);
	CU_add_test(suite, "live", test_live);
}
