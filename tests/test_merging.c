/* SPDX-License-Identifier: MIT
 *
 * test_merging.c - which WAN a file is, several files in one order of time, shifts, filters and
 * and totals of real captures.
 */
#include "captured.h"

void suite_merging(void);

/* ---- names ---- */

static void test_names(void)
{
	static const struct {
		const char *path, *stem, *directory;
	} rows[] = {
		{"wan1.pcap", "wan1", "."},
		{"a/b/wan1.pcapng", "wan1", "a/b"},
		{"wan1.pcap.gz", "wan1", "."},
		{"wan1.dmp.zst", "wan1", "."},
		{"wan1.pcap0", "wan1", "."},
		{"wan1.pcap07", "wan1", "."},
		{"wan1.pcap12.gz", "wan1", "."},
		{"wan1.pcap.3", "wan1", "."},
		{"wan1-20260101T000000.pcapng", "wan1", "."},
		{"wan1-20260101T000000Z.pcapng", "wan1", "."},
		{"wan1_2026-01-01_00:00:00.pcap", "wan1", "."},
		{"wan1_00001_20260101120000.pcapng", "wan1", "."},
		{"wan1_20260101120000_00001.pcapng", "wan1", "."},
		{"wan1-1767225600.pcap", "wan1", "."},
		{"wan1.pcap-20260101.gz", "wan1", "."},
		{"spool/wan1/20260101T000000.pcapng", "wan1", "spool"},
		{"wan1", "wan1", "."},
		{"wan12", "wan12", "."},
		{"wan_1.pcap", "wan_1", "."},
		{"192.168.1.1.pcap", "192.168.1.1", "."},
		{"lte-19216801.pcap", "lte-19216801", "."},
		{"wan1-20260101.pcap", "wan1", "."},
		{"wan1-2026-01-01.dmp", "wan1", "."},
		{"iperf-mptcp-0-0.pcap", "iperf-mptcp-0-0", "."},
		{"eth0.835.pcap", "eth0.835", "."},
		{".pcap", ".pcap", "."},
		{"/wan1.pcap", "wan1", "."},
		/* our recorder's */
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng", "wan1", "."},
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng.zst", "wan1", "."},
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng.part", "wan1", "."},
		{"s/wan1-0123abcd-00000007-20260101T000000Z.pcapng.zst.part", "wan1", "s"},
		{"pppoe-wan-0123abcd-00000007-19700101T000000Z.pcapng", "pppoe-wan", "."},
		{"a-20260101-12345678-00000007-20260101T000000Z.pcapng", "a-20260101", "."},
		{"wan1-0123abcx-00000007-20260101T000000Z.pcapng", "wan1-0123abcx-00000007", "."},
		{"wan1.pcap.part", "wan1", "."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *stem, *directory;
		CU_ASSERT_TRUE_FATAL(names_split(rows[i].path, &stem, &directory));
		CU_ASSERT_STRING_EQUAL(stem, rows[i].stem);
		CU_ASSERT_STRING_EQUAL(directory, rows[i].directory);
		if (strcmp(stem, rows[i].stem) != 0)
			printf("names: %s gave %s\n", rows[i].path, stem);
		free(stem);
		free(directory);
	}
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 1), "c");
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 2), "b/c");
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 9), "a/b/c");
}

/* One name in two directories: two WANs, told apart. */
static void test_same_name(void)
{
	const int two[] = {0, 1, -1};
	struct room room;
	struct reading r;
	const char *paths[2], *tail;

	enter(&room);
	CU_ASSERT_EQUAL(mkdir(place(&room, "north"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(place(&room, "south"), 0700), 0);
	paths[0] = store(&room, "north/wan1.pcap", pcap_at(two));
	paths[1] = store(&room, "south/wan1.pcap", pcap_at(two));
	read_paths(&r, paths, 2);
	CU_ASSERT_EQUAL(count_wans(&r), 2);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "north/wan1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "south/wan1");
	tail = strrchr(file(&r, 1)->name, '/');
	CU_ASSERT_STRING_EQUAL(tail, "/wan1.pcap");
	source_close(r.source);
	leave(&room);
}

/* ---- merging ---- */

/* A ring out of order, its border 20 ms wrong, given as a directory with a text beside. */
static void test_ring(void)
{
	const int late[] = {100, 110, 120, -1}, early[] = {0, 90, 115, -1}, last[] = {118, 200, -1};
	const unsigned files[] = {0, 0, 1, 1, 0, 2, 1, 2};
	struct room room;
	struct reading r;

	enter(&room);
	store(&room, "w.pcap0", pcap_at(late));
	store(&room, "w.pcap1", pcap_at(last));
	store(&room, "w.pcap2", pcap_at(early));
	write_file(&room, "notes.txt", "hello\n", 6);
	read_paths(&r, (const char *[]){room.path}, 1);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0; i < 8; i++) {
		const char *name = file(&r, r.frames[i].file)->name;
		static const char *const ends[] = {"2", "0", "1"};
		CU_ASSERT_STRING_EQUAL(name + strlen(name) - 1, ends[files[i]]);
		CU_ASSERT(i == 0 || r.frames[i].ts_ns >= r.frames[i - 1].ts_ns);
		CU_ASSERT_TRUE(r.frames[i].shared);
	}
	source_close(r.source);
	leave(&room);
}

/* The clock steps back within a file: its frames keep their order, the step is marked and counted.
 */
static void test_backwards(void)
{
	const int ms[] = {0, 500, 200, 600, -1};
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "w.pcap", pcap_at(ms))}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	CU_ASSERT_FALSE(r.frames[1].backwards);
	CU_ASSERT_TRUE(r.frames[2].backwards);
	CU_ASSERT_EQUAL(r.frames[2].number, 3);
	CU_ASSERT_FALSE(r.frames[3].backwards);
	CU_ASSERT_EQUAL(file(&r, 0)->backwards, 1);
	CU_ASSERT_EQUAL(file(&r, 0)->first_ns, T0 * NS);
	CU_ASSERT_EQUAL(file(&r, 0)->last_ns, T0 * NS + 600000000);
	source_close(r.source);
	leave(&room);
}

/* Shared is what all bounding captures cover: the latest first to the earliest last frame. */
static void test_shared(void)
{
	const int a[] = {0, 100, 200, 300, -1}, b[] = {100, 250, -1}, aside[] = {150, 160, -1};
	struct room room;
	struct reading r;
	struct source_spec specs[3];
	const bool shared[] = {false, true, true, true, true, true, true, false};
	uint64_t start, end;

	enter(&room);
	specs[0] = (struct source_spec){.path = store(&room, "a.pcap", pcap_at(a))};
	specs[1] = (struct source_spec){.path = store(&room, "b.pcap", pcap_at(b))};
	specs[2] =
		(struct source_spec){.path = store(&room, "c.pcap", pcap_at(aside)), .aside = true};
	read_specs(&r, specs, 3, NULL);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(r.frames[i].shared, shared[i]);
	CU_ASSERT_TRUE(source_window(r.source, &start, &end));
	CU_ASSERT_EQUAL(start, T0 * NS + 100000000);
	CU_ASSERT_EQUAL(end, T0 * NS + 250000000);
	CU_ASSERT_TRUE(wan(&r, 0)->bounds);
	CU_ASSERT_FALSE(wan(&r, 2)->bounds);
	source_close(r.source);
	leave(&room);
}

static void test_no_overlap(void)
{
	const int a[] = {0, 100, -1}, b[] = {200, 250, -1};
	struct room room;
	struct reading r;
	uint64_t start, end;
	const char *paths[2];

	enter(&room);
	paths[0] = store(&room, "a.pcap", pcap_at(a));
	paths[1] = store(&room, "b.pcap", pcap_at(b));
	read_paths(&r, paths, 2);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_FALSE(r.frames[i].shared);
	CU_ASSERT_FALSE(source_window(r.source, &start, &end));
	source_close(r.source);
	leave(&room);
}

/* The same frames as a file per WAN, in both orders, and as one pcapng: one order of frames. Many
 * ties. */
static void test_one_order(void)
{
	const int a[] = {0, 5, 5, 9, -1}, b[] = {0, 5, 7, 9, -1};
	const char *expected = "A1 B1 A2 A3 B2 B3 A4 B4";
	struct build both = {0};
	struct room room;
	struct reading r;
	const char *paths[2], *swapped[2];
	char text[256];

	enter(&room);
	paths[0] = swapped[1] = store(&room, "A.pcap", pcap_at(a));
	paths[1] = swapped[0] = store(&room, "B.pcap", pcap_at(b));
	read_paths(&r, paths, 2);
	order_text(&r, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, expected);
	source_close(r.source);
	read_paths(&r, swapped, 2);
	order_text(&r, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, expected);
	source_close(r.source);

	section(&both);
	interface(&both, LINK_ETHERNET, "B");
	interface(&both, LINK_ETHERNET, "A");
	for (unsigned k = 0, i = 0, j = 0; k < 8; k++) {
		bool first = j == 4 || (i < 4 && a[i] < b[j]); /* ties: the wrong one first */
		int ms = first ? a[i] : b[j];
		packet(&both, first, T0 * 1000000ull + (uint64_t)ms * 1000, first ? i++ : j++);
	}
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", both)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0, at = 0; i < 8; i++, at += 3) {
		CU_ASSERT_EQUAL(wan_of_frame(&r, i)[0], expected[at]);
		CU_ASSERT_EQUAL(r.first_byte[i] + '1', expected[at + 1]);
	}
	source_close(r.source);
	leave(&room);
}

/* tcpdump -i any: a WAN per interface index; packet type 4 went out, 0 came in. */
static void test_any(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_SLL2);
	for (unsigned k = 0; k < 4; k++) {
		uint8_t data[20] = {
			8, 0, 0, 0, 0, 0, 0, (uint8_t)(2 + k % 2), 0, 1, (uint8_t)(k < 2 ? 4 : 0)};
		put32(&b, T0);
		put32(&b, k);
		put32(&b, 20);
		put32(&b, 20);
		put(&b, data, 20);
	}
	enter(&room);
	read_specs(&r, &(struct source_spec){.path = store(&room, "x.pcap", b), .wan = "lab"}, 1,
	           NULL);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 0), "lab#2");
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 3), "lab#3");
	CU_ASSERT_EQUAL(r.frames[0].mark, MARK_OUT);
	CU_ASSERT_EQUAL(r.frames[2].mark, MARK_IN);
	source_close(r.source);
	leave(&room);
}

/* NAME= before the file's own names, for one interface and for several. */
static void test_given_names(void)
{
	struct room room;
	struct reading r;
	struct build one = {0};
	struct source_spec specs[2];

	section(&one);
	interface(&one, LINK_ETHERNET, "eth1");
	packet(&one, 0, T0 * 1000000ull, 0);
	enter(&room);
	specs[0] = (struct source_spec){store(&room, "x.pcapng", full_pcapng(false)), "lab", false};
	specs[1] = (struct source_spec){store(&room, "y.pcapng", one), "uplink", false};
	read_specs(&r, specs, 2, NULL);
	CU_ASSERT_EQUAL(count_wans(&r), 4);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "lab#eth1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "lab#wwan0");
	CU_ASSERT_STRING_EQUAL(wan(&r, 2)->name, "lab#2");
	CU_ASSERT_STRING_EQUAL(wan(&r, 3)->name, "uplink");
	source_close(r.source);
	leave(&room);
}

static void test_shift(void)
{
	const int ms[] = {0, 1, -1};
	const struct source_shift shift = {"w", -2500000000};
	const struct source_options options = {.shifts = &shift, .n_shifts = 1};
	struct room room;
	struct reading r;

	enter(&room);
	read_specs(&r, &(struct source_spec){.path = store(&room, "w.pcap", pcap_at(ms))}, 1,
	           &options);
	CU_ASSERT_EQUAL_FATAL(r.n, 2);
	CU_ASSERT_EQUAL(r.frames[0].ts_ns, T0 * NS - 2500000000);
	CU_ASSERT_EQUAL(file(&r, 0)->last_ns, T0 * NS - 2499000000);
	source_close(r.source);
	leave(&room);
}

/* Frame k has k in each byte: "ether[0] = 2" is the third. Numbers stay those of the file. */
static void test_filter(void)
{
	const int ms[] = {0, 1, 2, 3, -1};
	struct room room;
	struct reading r;
	struct source_spec spec;
	uint64_t start, end;

	enter(&room);
	spec = (struct source_spec){.path = store(&room, "w.pcap", pcap_at(ms))};
	read_specs(&r, &spec, 1, &(struct source_options){.filter = "ether[0] = 2"});
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_EQUAL(r.frames[0].number, 3);
	CU_ASSERT_TRUE(wan(&r, 0)->filtered);
	CU_ASSERT_EQUAL(file(&r, 0)->frames, 4);
	CU_ASSERT_TRUE(source_window(r.source, &start, &end));
	CU_ASSERT_EQUAL(end - start, 3000000);
	source_close(r.source);
	read_specs(&r, &spec, 1, &(struct source_options){.filter = "tcp prot 3"});
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_BAD_FILTER);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "syntax"));
	leave(&room);
}

static void count_shown(void *context, const struct frame *frame)
{
	size_t *shown = context;

	CU_ASSERT_EQUAL(frame->data[0], frame->number - 1);
	CU_ASSERT_FALSE(frame->shared);
	shown[frame->wan]++;
}

/* A survey shows the first frames of each WAN and moves nothing. */
static void test_survey(void)
{
	const int a[] = {0, 1, 2, 3, -1}, b[] = {0, 1, -1};
	struct room room;
	struct source_error error;
	struct source_spec specs[2];
	struct source *source;
	struct frame frame;
	size_t shown[2] = {0}, frames = 0, n;

	enter(&room);
	specs[0] = (struct source_spec){.path = store(&room, "a.pcap", pcap_at(a))};
	specs[1] = (struct source_spec){.path = store(&room, "b.pcap", pcap_at(b))};
	source = source_open(specs, 2, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	source_survey(source, 3, count_shown, shown);
	CU_ASSERT_EQUAL(shown[0], 3);
	CU_ASSERT_EQUAL(shown[1], 2);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(frames, 6);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].frames, 4);
	source_close(source);
	leave(&room);
}

/* A pipe: what is surveyed is read again, all frames come. */
static void test_pipe(void)
{
	const int ms[] = {0, 1, 2, -1};
	struct build b = pcap_at(ms);
	struct source_error error;
	struct source_spec spec = {.path = "-"};
	struct source *source;
	struct frame frame;
	int ends[2], input = dup(STDIN_FILENO);
	size_t shown[2] = {0}, frames = 0, n;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], b.bytes, b.n), (ssize_t)b.n);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	source = source_open(&spec, 1, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	source_survey(source, 9, count_shown, shown);
	CU_ASSERT_EQUAL(shown[0], 3);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(frames, 3);
	CU_ASSERT_STRING_EQUAL(source_wans(source, &n)[0].name, "stdin");
	source_close(source);
	dup2(input, STDIN_FILENO);
	close(input);
	free(b.bytes);
}

/* ---- real captures ---- */

static bool capinfos_totals(const char *path, unsigned long *frames, unsigned long *bytes)
{
	char command[1024], line[1024], *at;
	FILE *pipe;
	bool good;

	snprintf(command, sizeof(command), "capinfos -T -r -m -Q -M -c -d '%s' 2>/dev/null", path);
	pipe = popen(command, "r");
	good = pipe && fgets(line, sizeof(line), pipe) && (at = strstr(line, "\",\"")) != NULL &&
	       sscanf(at, "\",\"%lu\",\"%lu\"", frames, bytes) == 2;
	if (pipe)
		pclose(pipe);
	return good;
}

/* Frames and bytes on the wire equal capinfos's, file by file. */
static void compare_totals(const char *path, unsigned *compared)
{
	unsigned long frames, bytes;
	uint64_t ours[2] = {0};
	struct source_error error;
	struct frame frame;
	struct source *source = source_open(&(struct source_spec){.path = path}, 1, NULL, &error);

	CU_ASSERT_PTR_NOT_NULL(source);
	while (source && source_next(source, &frame)) {
		ours[0]++;
		ours[1] += frame.wire_len;
	}
	source_close(source);
	if (!source || !capinfos_totals(path, &frames, &bytes))
		return;
	CU_ASSERT_EQUAL(ours[0], frames);
	CU_ASSERT_EQUAL(ours[1], bytes);
	++*compared;
}

static void test_real_totals(void)
{
	const char *shared = getenv("MPTCP_AUDIT_SHARED");
	char command[600], line[600];
	unsigned compared = 0;
	FILE *list;

	snprintf(command, sizeof(command),
	         "command -v capinfos >/dev/null && find '%s/captures' -type f \\( -name '*.pcap' "
	         "-o "
	         "-name '*.pcapng' -o -name '*.pcap.gz' -o -name '*.dmp.gz' \\) 2>/dev/null | sort",
	         shared ? shared : "../shared");
	list = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		compare_totals(line, &compared);
	}
	pclose(list);
	if (compared)
		printf("capture: totals of %u captures compared with capinfos\n", compared);
	else
		printf("capture: SKIPPED totals of real captures: no capinfos, or none in %s\n",
		       shared ? shared : "../shared");
}

void suite_merging(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"names", test_names},
		{"one name in two directories", test_same_name},
		{"ring", test_ring},
		{"time going backwards", test_backwards},
		{"shared time", test_shared},
		{"no overlap", test_no_overlap},
		{"law 4: one order of frames", test_one_order},
		{"SLL2", test_any},
		{"given names", test_given_names},
		{"shift", test_shift},
		{"filter", test_filter},
		{"survey", test_survey},
		{"pipe", test_pipe},
		{"real captures against capinfos", test_real_totals},
	};
	CU_pSuite suite = CU_add_suite("merging", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
