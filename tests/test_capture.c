/* SPDX-License-Identifier: MIT
 *
 * test_capture.c - savefiles byte by byte, then whole sources: grouping, merging, the shared time,
 * bad input.
 *
 * Files are built here, field by field, from the pcap and pcapng drafts: the oracle of what must
 * come out is what was put in. The oracle of the totals over real captures is capinfos.
 */
#include "captured.h"

void suite_capture(void);

/* ---- the forms of a pcap ---- */

static void check_form(uint32_t magic, bool big, uint64_t tick_ns, bool kuznetzov)
{
	struct build b = {.big = big};
	struct room room;
	struct reading r;

	pcap_header(&b, magic, 128, LINK_ETHERNET);
	if (magic == 0x1c0001ab || magic == 0x1c0001ac)
		put32(&b, 0);
	for (unsigned k = 0; k < 3; k++) {
		put32(&b, T0 + k);
		put32(&b, 7 * k);
		put32(&b, frame_length(k));
		put32(&b, frame_length(k) + 1000);
		if (kuznetzov)
			put(&b, "\0\0\0\3\0\0\4", 8);
		put_data(&b, k);
	}
	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 3);
	CU_ASSERT_EQUAL(r.frames[2].ts_ns, (T0 + 2) * NS + 14 * tick_ns);
	CU_ASSERT_EQUAL(r.frames[2].caplen, 62);
	CU_ASSERT_EQUAL(r.frames[2].wire_len, 1062);
	CU_ASSERT_EQUAL(r.frames[2].number, 3);
	CU_ASSERT_EQUAL(r.first_byte[2], 2);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_OK);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "a");
	source_close(r.source);
	leave(&room);
}

static void test_pcap_forms(void)
{
	for (int big = 0; big < 2; big++) {
		check_form(0xa1b2c3d4, big, 1000, false);
		check_form(0xa1b23c4d, big, 1, false);
		check_form(0xa1b2cd34, big, 1000, true);
		check_form(0x1c0001ab, big, 1000, false);
		check_form(0x1c0001ac, big, 1, false);
	}
}

/* ---- pcapng ---- */

static void check_pcapng(bool big)
{
	struct build b = full_pcapng(big);
	struct room room;
	struct reading r;

	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 5);
	CU_ASSERT_EQUAL(count_wans(&r), 3);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "eth1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "wwan0");
	CU_ASSERT_STRING_EQUAL(wan(&r, 2)->name, "x#2");
	CU_ASSERT_EQUAL(wan(&r, 0)->n_own, 2);
	CU_ASSERT_EQUAL(wan(&r, 0)->own[0].family, 4);
	CU_ASSERT_EQUAL(wan(&r, 0)->own[1].bytes[15], 1);
	CU_ASSERT_EQUAL(wan(&r, 0)->dropped, 5);
	CU_ASSERT_EQUAL(wan(&r, 1)->dropped, 9);
	CU_ASSERT_FALSE(wan(&r, 2)->drops_known);
	CU_ASSERT_EQUAL(r.frames[0].mark, MARK_OUT);
	CU_ASSERT_EQUAL(r.frames[1].mark, MARK_IN);
	CU_ASSERT_EQUAL(r.frames[1].ts_ns, (T0 + 1) * NS + 7);
	CU_ASSERT_EQUAL(r.frames[1].linktype, LINK_RAW);
	CU_ASSERT_EQUAL(r.frames[2].ts_ns, (T0 + 2) * NS + NS / 2);
	CU_ASSERT_EQUAL(r.frames[2].number + r.frames[3].number, 7); /* one instant, by WAN */
	CU_ASSERT_EQUAL(r.frames[4].ts_ns, (T0 + 3) * NS);
	CU_ASSERT_EQUAL(r.frames[4].number, 5);
	CU_ASSERT_TRUE(r.frames[4].shared);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_OK);
	CU_ASSERT_EQUAL(file(&r, 0)->snaplen, 128);
	source_close(r.source);
	leave(&room);
}

static void test_pcapng(void)
{
	check_pcapng(false);
	check_pcapng(true);
}

/* A big-endian section after a little-endian one, as cat leaves them, with its own interfaces. */
static void test_sections(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	section(&b);
	interface(&b, LINK_ETHERNET, "eth1");
	packet(&b, 0, T0 * 1000000ull, 0);
	b.big = true;
	section(&b);
	interface(&b, LINK_PPP, "ppp0");
	packet(&b, 0, (T0 + 1) * 1000000ull, 1);
	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 2);
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 1), "ppp0");
	CU_ASSERT_EQUAL(r.frames[1].linktype, LINK_PPP);
	source_close(r.source);
	leave(&room);
}

/* Names are a stranger's: control characters and broken UTF-8 become '?', good UTF-8 stays. */
static void test_hostile_name(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	section(&b);
	interface(&b, LINK_ETHERNET, "e\033[\377\303\244\355\240\200x");
	packet(&b, 0, T0 * 1000000ull, 0);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "e?[?\303\244???x");
	source_close(r.source);
	leave(&room);
}

/* The losses of a ring's files are told since the recording began: equal starts do not add up. */
static void test_losses(void)
{
	struct room room;
	struct reading r;
	const char *paths[3];

	enter(&room);
	for (unsigned i = 0; i < 3; i++) {
		static const uint64_t starts[] = {7, 7, 8}, losses[] = {10, 15, 4};
		char name[64];
		struct build b = {0};
		section(&b);
		interface(&b, LINK_ETHERNET, "eth1");
		packet(&b, 0, (T0 + i) * 1000000ull, 0);
		statistics(&b, 0, starts[i], losses[i]);
		snprintf(name, sizeof(name), "x_%05u_2026010112000%u.pcapng", i, i);
		paths[i] = store(&room, name, b);
	}
	read_paths(&r, paths, 3);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL(wan(&r, 0)->dropped, 19);
	source_close(r.source);
	leave(&room);
}

/* ---- bad input ---- */

static void check_flaw(struct build b, enum frame_file_state state, uint64_t offset, size_t frames)
{
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.source);
	CU_ASSERT_EQUAL(r.n, frames);
	CU_ASSERT_EQUAL(file(&r, 0)->state, state);
	CU_ASSERT_EQUAL(file(&r, 0)->offset, offset);
	CU_ASSERT_NOT_EQUAL(file(&r, 0)->message[0], '\0');
	CU_ASSERT_NOT_EQUAL(file(&r, 0)->flaw, FILE_FLAWLESS);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "a");
	source_close(r.source);
	leave(&room);
}

static void test_flaws(void)
{
	const int two[] = {0, 1, -1}, none[] = {-1};
	struct build b = pcap_at(two), other = pcap_at(two);
	size_t whole = b.n;

	b.n -= 1;
	check_flaw(b, FILE_CUT, 24 + 76, 1);
	check_flaw(pcap_at(none), FILE_EMPTY, 24, 0);
	b = pcap_at(two);
	put(&b, other.bytes, other.n);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two); /* and the second in the other byte order */
	b.big = true;
	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two);
	section(&b);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two);
	put32(&b, T0);
	put32(&b, 0);
	put32(&b, 262145);
	put32(&b, 262145);
	check_flaw(b, FILE_DAMAGED, whole, 2);
	free(other.bytes);
}

static void test_pcapng_flaws(void)
{
	struct build b = {0};
	size_t at;

	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	packet(&b, 0, T0, 1);
	b.bytes[b.n - 4] ^= 4;
	check_flaw(b, FILE_DAMAGED, at, 1);

	b = (struct build){0};
	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	packet(&b, 1, T0, 1); /* of an interface that is not there */
	check_flaw(b, FILE_DAMAGED, at, 1);

	b = (struct build){0};
	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	check_flaw(b, FILE_CONCATENATED, at, 1);
}

static void check_refused(const char *name, const void *bytes, size_t n, const char *word)
{
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){write_file(&room, name, bytes, n)}, 1);
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NOT_CAPTURE);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, word));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, name));
	leave(&room);
}

static void test_strangers(void)
{
	struct reading r;
	struct room room;

	check_refused("a.zip", "PK\003\004rest of it", 14, "zip");
	check_refused("a.txt", "12:00:01 IP 192.0.2.1 > 192.0.2.2\n", 34, "text");
	check_refused("a.pcap", "", 0, "empty");
	check_refused("b.pcap", "\324\303\262\241\2\0\4\0", 8, "header");
	check_refused("c.pcap", "\1\2\3\4\5\6\7\10", 8, "unknown");
	check_refused("d.pcap.gz", "\037\213\010\0\0\0\0\0\0\3\1\0", 12, "gzip");
	read_paths(&r, (const char *[]){"/nowhere/at/all.pcap"}, 1);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NO_INPUT);
	enter(&room);
	write_file(&room, "notes.txt", "hello\n", 6);
	read_paths(&r, (const char *[]){room.path}, 1);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NO_INPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "without captures"));
	leave(&room);
}

static void test_same_file_twice(void)
{
	const int two[] = {0, 1, -1};
	struct room room;
	struct reading r;
	const char *path;

	enter(&room);
	path = store(&room, "a.pcap", pcap_at(two));
	read_paths(&r, (const char *[]){path, path}, 2);
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "same file"));
	leave(&room);
}

static void test_unknown_link(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	pcap_header(&b, 0xa1b2c3d4, 128, 147);
	pcap_frame(&b, T0, 0, 0);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_EQUAL(r.frames[0].linktype, 147);
	CU_ASSERT_EQUAL(file(&r, 0)->unknown_link, 1);
	source_close(r.source);
	leave(&room);
}

/* ---- packing ---- */

static struct build gzip(const struct build *plain, size_t from, size_t to)
{
	struct build out = {0};
	z_stream z = {.next_in = plain->bytes + from, .avail_in = (uInt)(to - from)};

	out.cap = plain->n + 1024;
	out.bytes = malloc(out.cap);
	if (!out.bytes || deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_out = out.bytes;
	z.avail_out = (uInt)out.cap;
	CU_ASSERT_EQUAL(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.n = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct build zstd(const struct build *plain)
{
	struct build out = {.cap = ZSTD_compressBound(plain->n)};

	out.bytes = malloc(out.cap);
	if (!out.bytes)
		abort();
	out.n = ZSTD_compress(out.bytes, out.cap, plain->bytes, plain->n, 1);
	return out;
}

/* 3 MB: mapped when plain, several buffers when packed. */
static struct build long_pcap(unsigned frames)
{
	struct build b = {0};

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	for (unsigned k = 0; k < frames; k++)
		pcap_frame(&b, T0 + k / 1000, k % 1000 * 1000, k);
	return b;
}

#define LONG_FRAMES 30000u

/* All frames of long_pcap, in order, each with its data. */
static void check_long(const char *path, const char *wan_name)
{
	struct source_error error;
	struct source_spec spec = {.path = path};
	struct source *source = source_open(&spec, 1, NULL, &error);
	struct frame frame;
	unsigned k = 0, wrong = 0;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (; source_next(source, &frame); k++)
		wrong += frame.caplen != frame_length(k) || frame.number != k + 1 ||
		         frame.data[0] != (uint8_t)k ||
		         frame.data[frame.caplen - 1] != (uint8_t)k ||
		         frame.ts_ns != T0 * NS + k * 1000000ull || !frame.shared;
	CU_ASSERT_EQUAL(k, LONG_FRAMES);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].state, FILE_OK);
	CU_ASSERT_STRING_EQUAL(source_wans(source, &n)[0].name, wan_name);
	source_close(source);
}

static void test_packing(void)
{
	struct build b = long_pcap(LONG_FRAMES), one = gzip(&b, 0, 1000000);
	struct build two = gzip(&b, 1000000, b.n);
	struct room room;

	enter(&room);
	check_long(store(&room, "a.pcap.zst", zstd(&b)), "a");
	check_long(store(&room, "named_otherwise", gzip(&b, 0, b.n)), "named_otherwise");
	put(&one, two.bytes, two.n); /* two members, as cat leaves them */
	check_long(store(&room, "b.pcap.gz", one), "b");
	check_long(store(&room, "c.pcap", b), "c");
	free(two.bytes);
	leave(&room);
}

static void test_packing_cut(void)
{
	struct build b = long_pcap(LONG_FRAMES), packed = gzip(&b, 0, b.n);
	struct room room;
	struct reading r;

	packed.n /= 2;
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap.gz", packed)}, 1);
	CU_ASSERT(r.n > 1000 && r.n < LONG_FRAMES);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_CUT);
	source_close(r.source);
	packed = gzip(&b, 0, b.n);
	memset(packed.bytes + packed.n / 2, 0x55, 64);
	read_paths(&r, (const char *[]){store(&room, "b.pcap.gz", packed)}, 1);
	CU_ASSERT(r.n > 1000 && r.n < LONG_FRAMES);
	CU_ASSERT(file(&r, 0)->state == FILE_DAMAGED || file(&r, 0)->state == FILE_CUT);
	source_close(r.source);
	free(b.bytes);
	leave(&room);
}

/* Each frame's bytes, while frames of the same instant are put in order and other files read on. */
static void check_held(const char *const *paths, size_t n_paths, unsigned expected)
{
	struct source_error error;
	struct source_spec specs[2] = {{.path = paths[0]}, {.path = paths[n_paths - 1]}};
	struct source *source = source_open(specs, n_paths, NULL, &error);
	struct frame frame, before = {0};
	unsigned frames = 0, wrong = 0, untidy = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (; source_next(source, &frame); frames++) {
		unsigned k = (unsigned)frame.number - 1;
		wrong += frame.caplen != frame_length(k);
		for (uint32_t i = 0; i < frame.caplen; i++)
			wrong += frame.data[i] != (uint8_t)k;
		untidy += frame.ts_ns < before.ts_ns;
		untidy += frame.ts_ns == before.ts_ns && frame.file == before.file &&
		          frame.wan > before.wan; /* wan 0 is "b", wan 1 "a" */
		before = frame;
	}
	CU_ASSERT_EQUAL(frames, expected);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(untidy, 0);
	source_close(source);
}

static void test_held_bytes(void)
{
	struct build b = {0}, packed;
	struct room room;
	const char *paths[2];

	section(&b);
	interface(&b, LINK_ETHERNET, "b");
	interface(&b, LINK_ETHERNET, "a");
	for (unsigned k = 0; k < LONG_FRAMES; k++)
		packet(&b, k % 3 == 1, T0 * 1000000ull + k / 5, k);
	packed = gzip(&b, 0, b.n);
	enter(&room);
	paths[0] = store(&room, "packed.pcapng", packed);
	paths[1] = store(&room, "z.pcap.zst", zstd(&b));
	check_held(paths, 2, 2 * LONG_FRAMES);
	check_held(paths, 1, LONG_FRAMES);
	paths[0] = store(&room, "plain.pcapng", b);
	check_held(paths, 1, LONG_FRAMES);
	check_held(paths, 2, 2 * LONG_FRAMES);
	leave(&room);
}

/* tcpdump -W cuts its oldest file to nothing while it is being audited: the reading ends, not the
 * program. */
static void test_shrinking(void)
{
	struct source_error error;
	struct room room;
	struct source_spec spec;
	struct source *source;
	struct frame frame;
	unsigned frames = 0;
	size_t n;

	enter(&room);
	spec = (struct source_spec){.path = store(&room, "a.pcap", long_pcap(LONG_FRAMES))};
	source = source_open(&spec, 1, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	while (frames < 100 && source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(truncate(spec.path, 2 << 20), 0);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT(frames > 100 && frames < LONG_FRAMES);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].state, FILE_CUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(source_files(source, &n)[0].message, "shorter"));
	source_close(source);
	leave(&room);
}

void suite_capture(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"pcap: each magic, both byte orders", test_pcap_forms},
		{"pcapng: blocks and options", test_pcapng},
		{"pcapng: sections of two byte orders", test_sections},
		{"pcapng: hostile interface name", test_hostile_name},
		{"pcapng: losses of a ring", test_losses},
		{"pcap: cut, empty, glued, damaged", test_flaws},
		{"pcapng: damaged and glued", test_pcapng_flaws},
		{"no captures", test_strangers},
		{"the same file twice", test_same_file_twice},
		{"unknown link type", test_unknown_link},
		{"gzip, zstd and maps alike", test_packing},
		{"gzip cut and damaged", test_packing_cut},
		{"bytes of frames that are held", test_held_bytes},
		{"a mapped file that shrinks", test_shrinking},
	};
	CU_pSuite suite = CU_add_suite("capture", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
