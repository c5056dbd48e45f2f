/* SPDX-License-Identifier: MIT
 *
 * test_thin.c - captures with fewer frames: what our own reader finds in them against what it finds
 * in the original, in both byte orders, for each kind of block, cut at each byte, thinned again.
 */
#include "../capture/quality.h"
#include "../capture/savefile.h"
#include "../capture/thin.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_thin(void);

#define NS       UINT64_C(1000000000)
#define T0       (1767225600 * NS)
#define FRAMES   32
#define EVIDENCE (1u << THIN_EVIDENCE)

/* ---- a capture, a field at a time ---- */

struct build {
	uint8_t bytes[8192];
	size_t n, block;
	bool big;
};

static void put(struct build *b, const void *bytes, size_t n)
{
	memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
	while (b->n % 4)
		b->bytes[b->n++] = 0;
}

static void put32(struct build *b, uint32_t value)
{
	value = b->big ? __builtin_bswap32(value) : value;
	put(b, &value, 4);
}

static void put_pair(struct build *b, uint16_t first, uint16_t second)
{
	const uint16_t pair[2] = {b->big ? __builtin_bswap16(first) : first,
	                          b->big ? __builtin_bswap16(second) : second};

	put(b, pair, 4);
}

static void put_option(struct build *b, uint16_t code, const void *value, uint16_t length)
{
	put_pair(b, code, length);
	put(b, value, length);
}

static void begin(struct build *b, uint32_t type)
{
	b->block = b->n;
	put32(b, type);
	put32(b, 0);
}

static void end(struct build *b)
{
	uint32_t size = (uint32_t)(b->n + 4 - b->block);
	size_t n = b->n;

	put32(b, size);
	b->n = b->block + 4;
	put32(b, size);
	b->n = n + 4;
}

static void section(struct build *b, bool big)
{
	b->big = big;
	begin(b, 0x0a0d0d0a);
	put32(b, 0x1a2b3c4d);
	put_pair(b, 1, 0);
	put32(b, 0); /* a length, which thinning makes wrong */
	put32(b, 12345);
	end(b);
}

static void interface(struct build *b, uint8_t resolution, const char *comment)
{
	begin(b, 1);
	put_pair(b, LINK_ETHERNET, 0);
	put32(b, 96);
	put_option(b, 2, "eth1", 4);
	put_option(b, 9, &resolution, 1);
	if (comment)
		put_option(b, 1, comment, (uint16_t)strlen(comment));
	put32(b, 0);
	end(b);
}

static void data(struct build *b, unsigned seed, size_t n)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(seed * 31 + i);
	put(b, bytes, n);
}

/* With everything that an enhanced block may say; or obsolete, with drops. */
static void packet(struct build *b, uint32_t type, uint32_t interface_id, uint64_t ticks,
                   unsigned seed, bool options)
{
	const uint32_t flags = b->big ? __builtin_bswap32(2) : 2;
	uint32_t n = 20 + seed % 5;

	begin(b, type);
	if (type == 2)
		put_pair(b, (uint16_t)interface_id, (uint16_t)seed);
	else
		put32(b, interface_id);
	put32(b, (uint32_t)(ticks >> 32));
	put32(b, (uint32_t)ticks);
	put32(b, n);
	put32(b, n + 1000);
	data(b, seed, n);
	if (options) {
		put_option(b, 2, &flags, 4);
		put_option(b, 1, "segment_size=1448", 17);
		put32(b, 0);
	}
	end(b);
}

static void simple(struct build *b, unsigned seed, uint32_t wire)
{
	begin(b, 3);
	put32(b, wire);
	data(b, seed, wire < 96 ? wire : 96);
	end(b);
}

static void statistics(struct build *b, uint32_t interface_id, uint64_t ticks, const char *comment)
{
	begin(b, 5);
	put32(b, interface_id);
	put32(b, (uint32_t)(ticks >> 32));
	put32(b, (uint32_t)ticks);
	put_option(b, 1, comment, (uint16_t)strlen(comment));
	put32(b, 0);
	end(b);
}

/* Two sections, of both byte orders; frames at T0, a second apart: 1 to 7 and 8 to 10. */
static void capture(struct build *b, bool big)
{
	*b = (struct build){0};
	section(b, big);
	interface(b, 9, "mptcp-captured/1 interface wan=w1 offset_ns=0");
	interface(b, 6, "somebody's");
	packet(b, 6, 0, T0, 1, true);
	packet(b, 6, 1, (T0 + NS) / 1000, 2, false);
	packet(b, 2, 1, (T0 + 2 * NS) / 1000, 3, true);
	statistics(b, 0, T0 + 2 * NS, "mptcp-captured/1 end reason=stop");
	packet(b, 6, 0, T0 + 3 * NS, 4, false);
	simple(b, 5, 200);
	packet(b, 2, 0, T0 + 5 * NS, 6, false);
	packet(b, 6, 1, (T0 + 6 * NS) / 1000, 7, true);
	section(b, !big);
	interface(b, 9, NULL);
	packet(b, 6, 0, T0 + 7 * NS, 8, true);
	simple(b, 9, 60);
	packet(b, 6, 0, T0 + 9 * NS, 10, false);
}

/* ---- what a reader sees ---- */

struct seen {
	uint64_t ts_ns, number; /* number: by the note, else by place */
	uint32_t interface, caplen, wire, drops;
	uint16_t segment_size;
	uint8_t mark, data[256];
	bool noted;
};

struct story {
	struct seen frames[FRAMES];
	unsigned n, interfaces, statistics, kept_notes;
	uint64_t left_frames, left_bytes;
	char flaw[16];
	enum savefile_item last;
};

static void take_note(struct story *story, const char *text, size_t length)
{
	enum quality_name name;
	uint64_t frames = 0, bytes = 0;

	if (!quality_parse(text, length, &name))
		return;
	story->kept_notes += name == QUALITY_KEPT;
	if (name != QUALITY_THINNED)
		return;
	quality_get_number(text, length, "frames", &frames);
	quality_get_number(text, length, "bytes", &bytes);
	quality_get(text, length, "flaw", story->flaw, sizeof(story->flaw));
	story->left_frames += frames;
	story->left_bytes += bytes;
}

static void take_frame(struct story *story, const struct savefile *savefile, const uint8_t *block,
                       const struct savefile_record *record)
{
	struct seen *seen = &story->frames[story->n++];
	struct savefile_record options = {
		.options = block + 28 + ((record->caplen + 3) & ~3u),
		.options_end = block + record->size - 4,
	};
	enum quality_name name;
	const char *text;
	size_t length;

	*seen = (struct seen){record->ts_ns,
	                      story->n,
	                      record->interface,
	                      record->caplen,
	                      record->wire_len,
	                      record->drops,
	                      record->segment_size,
	                      record->mark,
	                      {0},
	                      false};
	memcpy(seen->data, record->data, record->caplen);
	if (!savefile->ng || savefile_u32(savefile, block) == 3)
		return;
	while (savefile_comment(savefile, &options, &text, &length))
		if (quality_parse(text, length, &name) && name == QUALITY_FRAME)
			seen->noted = quality_get_number(text, length, "number", &seen->number);
}

static void read_story(struct story *story, const uint8_t *bytes, size_t n)
{
	struct savefile_interface interfaces[8];
	struct savefile savefile;
	struct savefile_record record;
	size_t at;

	*story = (struct story){.last = SAVEFILE_MORE};
	int header = savefile_begin(&savefile, bytes, n, interfaces, 8);
	if (header < 0)
		return;
	for (at = (size_t)header; at < n; at += record.size) {
		const char *text;
		size_t length;

		story->last = savefile_next(&savefile, bytes + at, n - at, &record);
		if (story->last == SAVEFILE_FRAME && story->n < FRAMES)
			take_frame(story, &savefile, bytes + at, &record);
		story->interfaces += story->last == SAVEFILE_INTERFACE;
		story->statistics += story->last == SAVEFILE_STATISTICS;
		if (story->last == SAVEFILE_INTERFACE || story->last == SAVEFILE_STATISTICS)
			while (savefile_comment(&savefile, &record, &text, &length))
				take_note(story, text, length);
		if (story->last >= SAVEFILE_MORE)
			return;
	}
}

static bool same_frame(const struct seen *a, const struct seen *b)
{
	return a->ts_ns == b->ts_ns && a->interface == b->interface && a->caplen == b->caplen &&
	       a->wire == b->wire && a->drops == b->drops && a->mark == b->mark &&
	       a->segment_size == b->segment_size && memcmp(a->data, b->data, a->caplen) == 0;
}

/* ---- a directory to write in ---- */

struct place {
	char path[64];
	int dir;
};

static void place_init(struct place *place)
{
	strcpy(place->path, "/tmp/test_thin.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place->path));
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY);
}

static void place_end(struct place *place)
{
	unlinkat(place->dir, "part", 0);
	unlinkat(place->dir, "out", 0);
	close(place->dir);
	CU_ASSERT_EQUAL(rmdir(place->path), 0);
}

static int input(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, n), (ssize_t)n);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int thin(const struct place *place, const uint8_t *bytes, size_t n,
                const struct thin_list *list, uint64_t most, struct thin_result *result)
{
	const struct thin_output output = {
		.dir = place->dir, .part = "part", .name = "out", .file = "w1.pcap", .most = most};

	return thin_file(input(bytes, n), list, &output, result);
}

/* What was written; its bytes, 0 when there is no file. */
static size_t output(const struct place *place, uint8_t *bytes, size_t size, struct story *story)
{
	int fd = openat(place->dir, "out", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, size);

	if (fd >= 0)
		close(fd);
	read_story(story, bytes, n < 0 ? 0 : (size_t)n);
	return n < 0 ? 0 : (size_t)n;
}

/* ---- tests ---- */

static const uint64_t numbers[] = {1, 3, 5, 9, 77};
static const struct thin_span spans[] = {{T0 + 3 * NS, T0 + 3 * NS}, {T0 + 6 * NS, T0 + 7 * NS}};

static struct thin_list a_list(enum thin_reason as)
{
	return (struct thin_list){
		.as = as, .numbers = numbers, .n_numbers = 5, .spans = spans, .n_spans = 2};
}

/* Every frame that is kept is the one of its number, and nothing of it is missing. */
static void check_kept(const struct story *story, const struct story *original,
                       const uint64_t *want, unsigned n)
{
	uint64_t left_bytes = 0;

	CU_ASSERT_EQUAL_FATAL(story->n, n);
	for (unsigned i = 0; i < n; i++) {
		const struct seen *frame = &story->frames[i];

		CU_ASSERT_EQUAL_FATAL(frame->number, want[i]);
		CU_ASSERT_TRUE(same_frame(frame, &original->frames[want[i] - 1]));
		left_bytes -= frame->wire;
	}
	for (unsigned i = 0; i < original->n; i++)
		left_bytes += original->frames[i].wire;
	CU_ASSERT_EQUAL(story->left_frames, original->n - n);
	CU_ASSERT_EQUAL(story->left_bytes, left_bytes);
	CU_ASSERT_EQUAL(story->interfaces, original->interfaces);
	CU_ASSERT_EQUAL(story->kept_notes, original->interfaces);
}

/* Evidence 1, 3, 5, 9 (77 is none); events in seconds 3, 6 and 7: frames 4, 5, 7, 8. Frame 5 is a
 * simple block, which has the time of the one before. */
static void check_order(bool big)
{
	static const uint64_t evidence[] = {1, 3, 5, 9}, events[] = {1, 3, 4, 5, 7, 8, 9};
	struct build b;
	struct place place;
	struct story original, story;
	struct thin_result result;
	uint8_t bytes[8192], again[8192];

	capture(&b, big);
	read_story(&original, b.bytes, b.n);
	CU_ASSERT_EQUAL_FATAL(original.n, 10);
	place_init(&place);
	struct thin_list list = a_list(THIN_EVIDENCE);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
	CU_ASSERT_EQUAL(output(&place, bytes, sizeof(bytes), &story), result.bytes);
	check_kept(&story, &original, evidence, 4);
	CU_ASSERT_TRUE(result.frames == 10 && result.kept == 4 && !result.flaw);
	CU_ASSERT_EQUAL(result.last_ns, T0 + 9 * NS);

	list = a_list(THIN_EVENTS);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
	size_t n = output(&place, bytes, sizeof(bytes), &story);
	check_kept(&story, &original, events, 7);

	/* again, by what the notes say */
	list = (struct thin_list){.as = THIN_EVIDENCE};
	CU_ASSERT_EQUAL(thin(&place, bytes, n, &list, 0, &result), 0);
	output(&place, again, sizeof(again), &story);
	check_kept(&story, &original, evidence, 4);
	place_end(&place);
}

static void test_orders(void)
{
	check_order(false);
	check_order(true);
}

/* Kept whole: every byte of a frame's block that needs no note, and thinned from there. */
static void test_whole(void)
{
	static const uint64_t evidence[] = {1, 3, 5, 9};
	struct build b;
	struct place place;
	struct story original, story;
	struct thin_result result;
	struct thin_list list = a_list(THIN_WHOLE);
	enum thin_reason as;
	uint8_t bytes[8192];

	capture(&b, false);
	read_story(&original, b.bytes, b.n);
	place_init(&place);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
	size_t n = output(&place, bytes, sizeof(bytes), &story);
	CU_ASSERT_EQUAL(story.n, 10);
	for (unsigned i = 0; i < story.n; i++) {
		CU_ASSERT_TRUE(same_frame(&story.frames[i], &original.frames[i]));
		CU_ASSERT_EQUAL(story.frames[i].number, i + 1);
	}
	CU_ASSERT_TRUE(!story.frames[1].noted && story.frames[3].noted);
	CU_ASSERT_EQUAL(story.left_frames, 0);
	CU_ASSERT_TRUE(thin_look(input(bytes, n), &as) && as == THIN_WHOLE);

	list = (struct thin_list){.as = THIN_EVIDENCE};
	CU_ASSERT_EQUAL(thin(&place, bytes, n, &list, 0, &result), 0);
	n = output(&place, bytes, sizeof(bytes), &story);
	check_kept(&story, &original, evidence, 4);
	CU_ASSERT_TRUE(thin_look(input(bytes, n), &as) && as == THIN_EVIDENCE);
	CU_ASSERT_FALSE(thin_look(input(b.bytes, b.n), &as));
	place_end(&place);
}

/* A pcap, of microseconds and of nanoseconds, in both orders: a pcapng of the same frames. */
static void test_pcap(void)
{
	static const uint64_t evidence[] = {1, 3};
	static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d};

	for (unsigned i = 0; i < 4; i++) {
		struct build b = {.big = i % 2};
		struct place place;
		struct story original, story;
		struct thin_result result;
		uint8_t bytes[8192];

		put32(&b, magics[i / 2]);
		put_pair(&b, 2, 4);
		for (unsigned k = 0; k < 4; k++)
			put32(&b, k == 2 ? 65535 : k == 3 ? LINK_ETHERNET : 0);
		for (unsigned k = 0; k < 4; k++) {
			put32(&b, 1767225600 + k);
			put32(&b, 123456);
			put32(&b, 20);
			put32(&b, 1500);
			data(&b, k, 20);
		}
		read_story(&original, b.bytes, b.n);
		original.interfaces = 1;
		CU_ASSERT_EQUAL_FATAL(original.n, 4);
		place_init(&place);
		struct thin_list list = a_list(THIN_EVIDENCE);
		CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
		output(&place, bytes, sizeof(bytes), &story);
		check_kept(&story, &original, evidence, 2);
		place_end(&place);
	}
}

/* Cut at each byte: what is there is kept, and what is not is told; never anything unreadable. */
static void test_prefixes(void)
{
	struct build b;
	struct place place;
	uint8_t bytes[8192];

	capture(&b, true);
	place_init(&place);
	for (size_t n = 0; n <= b.n; n++) {
		struct thin_list list = a_list(n % 2 ? THIN_WHOLE : THIN_EVENTS);
		struct story original, story;
		struct thin_result result;

		read_story(&original, b.bytes, n);
		unlinkat(place.dir, "out", 0);
		int error = thin(&place, b.bytes, n, &list, 0, &result);
		size_t size = output(&place, bytes, sizeof(bytes), &story);
		if (n < 12) {
			CU_ASSERT_TRUE((error == -EBADMSG || error == 0) && size == 0);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(error, 0);
		CU_ASSERT_EQUAL(result.bytes, size);
		if (size == 0)
			continue;
		bool cut = original.last == SAVEFILE_MORE;
		CU_ASSERT_TRUE(story.last < SAVEFILE_MORE);
		CU_ASSERT_EQUAL(story.n + story.left_frames, original.n);
		CU_ASSERT_EQUAL(cut, result.flaw != NULL);
		CU_ASSERT_TRUE(!cut || strcmp(story.flaw, "cut") == 0 || story.kept_notes == 0 ||
		               original.interfaces == 2);
	}
	place_end(&place);
}

/* One byte too few is too few, and leaves nothing; what a killed run left is no hindrance, and
 * where a link points is not written to. */
static void test_most(void)
{
	struct build b;
	struct place place;
	struct thin_list list = a_list(THIN_EVENTS);
	struct thin_result result;
	struct stat st;

	capture(&b, false);
	place_init(&place);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
	uint64_t size = result.bytes;
	unlinkat(place.dir, "out", 0);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, size - 1, &result), -EFBIG);
	CU_ASSERT_EQUAL(fstatat(place.dir, "out", &st, 0), -1);
	CU_ASSERT_EQUAL(fstatat(place.dir, "part", &st, 0), -1);
	CU_ASSERT_EQUAL(symlinkat("elsewhere", place.dir, "part"), 0);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, size, &result), 0);
	CU_ASSERT_EQUAL(fstatat(place.dir, "elsewhere", &st, 0), -1);
	CU_ASSERT_EQUAL(fstatat(place.dir, "out", &st, AT_SYMLINK_NOFOLLOW), 0);
	CU_ASSERT_TRUE(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0640);
	CU_ASSERT_EQUAL((uint64_t)st.st_size, size);
	CU_ASSERT_EQUAL((uint64_t)st.st_mtim.tv_sec, (T0 + 9 * NS) / NS);
	place_end(&place);
}

/* More reasons: only frames that are asked about, and not at all behind `until`. */
static unsigned look(void *context, const struct frame *frame, unsigned reasons)
{
	uint64_t *asked = context;

	(*asked)++;
	return frame->number == 2 && !reasons ? EVIDENCE : 0;
}

static void test_look(void)
{
	static const uint64_t want[] = {1, 2, 3, 5, 9};
	struct build b;
	struct place place;
	struct story original, story;
	struct thin_result result;
	uint64_t asked = 0;
	struct thin_list list = a_list(THIN_EVIDENCE);
	uint8_t bytes[8192];

	list.look = look;
	list.context = &asked;
	capture(&b, false);
	read_story(&original, b.bytes, b.n);
	place_init(&place);
	CU_ASSERT_EQUAL(thin(&place, b.bytes, b.n, &list, 0, &result), 0);
	output(&place, bytes, sizeof(bytes), &story);
	check_kept(&story, &original, want, 5);
	CU_ASSERT_EQUAL(asked, 10);
	list.until = 3;
	CU_ASSERT_EQUAL(thin_file(input(b.bytes, b.n), &list, NULL, &result), 0);
	CU_ASSERT_EQUAL(asked, 13);
	place_end(&place);
}

void suite_thin(void)
{
	CU_pSuite suite = CU_add_suite("thin", NULL, NULL);

	CU_add_test(suite, "both byte orders, all blocks, twice", test_orders);
	CU_add_test(suite, "kept whole", test_whole);
	CU_add_test(suite, "a pcap", test_pcap);
	CU_add_test(suite, "cut at each byte", test_prefixes);
	CU_add_test(suite, "the most it may have", test_most);
	CU_add_test(suite, "more reasons", test_look);
}
