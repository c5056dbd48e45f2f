/* SPDX-License-Identifier: MIT
 *
 * test_follow.c - what follow is made of: packed files, the kernel's counters over files, gaps told
 * in parts, ledgers made smaller, a cursor written and read. Oracle: the same told at once.
 */
#include "../capture/counted.h"
#include "../report/cmd_follow_cursor.h"
#include "../report/cmd_follow_told.h"
#include "../report/cmd_packed.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_follow(void);

#define S UINT64_C(1000000000)

/* ---- packed files ---- */

static void test_packed(void)
{
	char path[] = "/tmp/packed-XXXXXX", file[64], *bytes;
	int dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
	struct stat st;
	size_t n;

	/* written twice: the second one is there, and nothing beside it */
	CU_ASSERT_FATAL(dir >= 0);
	CU_ASSERT_EQUAL(packed_write(dir, "a", "first", 5), 0);
	CU_ASSERT_EQUAL(packed_write(dir, "a", " {second", 8), 0);
	CU_ASSERT_EQUAL(fstatat(dir, "a.part", &st, 0), -1);
	CU_ASSERT_EQUAL(packed_read(openat(dir, "a", O_RDONLY), &bytes, &n), 0);
	CU_ASSERT_EQUAL(n, 8);
	CU_ASSERT_STRING_EQUAL(bytes, " {second");
	free(bytes);
	CU_ASSERT_EQUAL(packed_first(openat(dir, "a", O_RDONLY)), '{');

	/* one byte of it changed: damaged, not another text */
	CU_ASSERT_EQUAL(fstatat(dir, "a", &st, 0), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		int fd = openat(dir, "a", O_RDWR);
		unsigned char byte = 0;

		CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
		byte ^= 0x40;
		CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		int error = packed_read(openat(dir, "a", O_RDONLY), &bytes, &n);
		CU_ASSERT_TRUE(error != 0 || n != 8 || memcmp(bytes, " {second", 8) != 0);
		if (error == 0)
			free(bytes);
		byte ^= 0x40;
		fd = openat(dir, "a", O_RDWR);
		CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}

	/* no room: the old one stays */
	CU_ASSERT_EQUAL(symlinkat("/dev/full", dir, "b.part"), 0);
	CU_ASSERT_TRUE(packed_write(dir, "b", "x", 1) < 0);
	snprintf(file, sizeof(file), "%s/a", path);
	unlink(file);
	unlinkat(dir, "b.part", 0);
	close(dir);
	rmdir(path);
}

/* ---- the kernel's counters ---- */

static struct counted stretch(uint64_t sequence, uint64_t at_s, uint64_t frames, uint64_t seen,
                              uint64_t late, uint64_t dropped)
{
	struct counted c = {
		.boot = "0123abcd", .sequence = sequence, .closes = true, .whole = true};
	struct counted_note first = {at_s * S, 4, frames, frames * 100, 0};
	struct counted_note last = {(at_s + 60) * S, 4, frames + seen + dropped,
	                            (frames + seen + dropped) * 100, dropped};

	c.opens = true;
	counted_note(&c, &first);
	for (uint64_t i = 0; i < seen - late; i++)
		counted_frame(&c, (at_s + 30) * S, 100);
	counted_note(&c, &last);
	for (uint64_t i = 0; i < late; i++) /* it comes behind the note that counts it */
		counted_frame(&c, (at_s + 60) * S - 1, 100);
	c.dropped = dropped;
	return c;
}

static void fold(const struct counted *rows, size_t n, struct frame_recording *sums)
{
	struct counted_list list = {0};

	*sums = (struct frame_recording){0};
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(counted_keep(&list, &rows[i]));
	counted_fold(&list, sums);
}

/* Four files, the third of which is missing: joined one by one, they count as they do together. */
static void test_counted(void)
{
	const struct counted rows[] = {
		stretch(1, 100, 1000, 5, 1, 0),
		stretch(2, 160, 1005, 7, 2, 3),
		stretch(4, 400, 2000, 4, 0, 0),
		stretch(5, 460, 2004, 9, 1, 2),
	};
	struct frame_recording whole, before = {0}, after, sum = {0};
	struct counted open = rows[0];

	fold(rows, 4, &whole);
	fold(&open, 1, &sum);
	for (size_t i = 1; i < 4; i++) {
		struct counted was = open;
		bool joined = counted_join(&open, &rows[i]);

		CU_ASSERT_EQUAL(joined, i != 2);
		if (!joined)
			open = rows[i];
		fold(&was, joined ? 1 : 0, &before);
		fold(&open, 1, &after);
		sum.kernel_frames += after.kernel_frames - before.kernel_frames;
		sum.kernel_bytes += after.kernel_bytes - before.kernel_bytes;
		sum.counted_frames += after.counted_frames - before.counted_frames;
		sum.counted_bytes += after.counted_bytes - before.counted_bytes;
		sum.counted_dropped += after.counted_dropped - before.counted_dropped;
		sum.counted_spans += after.counted_spans - before.counted_spans;
	}
	CU_ASSERT_TRUE(whole.counted_frames > 0 && whole.counted_spans == 2);
	CU_ASSERT_EQUAL(sum.kernel_frames, whole.kernel_frames);
	CU_ASSERT_EQUAL(sum.kernel_bytes, whole.kernel_bytes);
	CU_ASSERT_EQUAL(sum.counted_frames, whole.counted_frames);
	CU_ASSERT_EQUAL(sum.counted_bytes, whole.counted_bytes);
	CU_ASSERT_EQUAL(sum.counted_dropped, whole.counted_dropped);
	CU_ASSERT_EQUAL(sum.counted_spans, whole.counted_spans);
}

/* ---- gaps in parts ---- */

static uint64_t length_of(const struct frame_span *spans, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += spans[i].to_ns - spans[i].from_ns;
	return sum;
}

/* A file with two gaps, the second over two cuts, and read again from its beginning each time. */
static void test_gaps(void)
{
	struct frame_span gaps[] = {
		{.from_ns = 110 * S, .to_ns = 120 * S, .lost = 2, .state = STATE_DOWN},
		{.from_ns = 150 * S + 1, .to_ns = 250 * S + 7, .lost = 5, .state = STATE_DOWN},
		{.from_ns = 260 * S, .to_ns = 260 * S, .lost = 1, .state = STATE_SUSPENDED},
	};
	const struct frame_recording file = {.gaps = gaps, .n_gaps = 3};
	static const uint64_t cuts[] = {130 * S, 160 * S + 500, 200 * S + 999, 300 * S};
	struct follow_series series = {.sequence = -1};
	uint64_t down = 0, covered = 0, lost = 0, counted = 0, us = 0, parts = 0;

	for (size_t i = 0; i < 4; i++) {
		struct follow_told told = {0};

		told_begin(&told);
		for (unsigned twice = 0; twice < 2; twice++)
			told_part(&told, &series, &file, 100 * S, cuts[i]);
		for (size_t k = 0; k < told.record.n_gaps; k++) {
			const struct frame_span *gap = &told.record.gaps[k];

			lost += gap->lost;
			counted++;
			us += (gap->to_ns - gap->from_ns) / 1000;
		}
		down += length_of(told.record.gaps, told.record.n_gaps);
		covered += length_of(told.record.covers, told.record.n_covers);
		counted -= told.again[STATE_DOWN];
		us += told.lacking_us[STATE_DOWN];
		parts += told.record.n_gaps;
		told_release(&told);
	}
	CU_ASSERT_EQUAL(parts, 5);
	CU_ASSERT_EQUAL(counted, 3);
	CU_ASSERT_EQUAL(lost, 8);
	CU_ASSERT_EQUAL(down, length_of(gaps, 3));
	CU_ASSERT_EQUAL(us, 10000000 + 100000000);
	CU_ASSERT_EQUAL(covered, 200 * S);
	CU_ASSERT_EQUAL(series.told_ns, 300 * S);
}

/* ---- the cursor ---- */

static void test_cursor(void)
{
	struct follow_cursor *one = calloc(1, sizeof(*one)), *other = calloc(1, sizeof(*other));
	struct follow_series *series;
	char text[SPOOL_WAN + 2];
	json_t *json, *again;

	CU_ASSERT_FATAL(one && other);
	cursor_init(one);
	cursor_init(other);
	one->until_ns = INT64_MAX;
	one->hour_ns = 7;
	one->turn = 2;
	one->origin = strdup("filter tcp; ");
	one->spool = strdup("/tmp/spool");
	series = cursor_series(one, "wan1");
	series->sequence = 99999999;
	series->counting = true;
	series->bounds = true;
	series->counted = stretch(3, 100, 1000, 5, 1, 2);
	series->gap_to_ns[STATE_STOPPED] = 12;
	series->lost_kernel = UINT64_MAX; /* what a hostile file claims is a number all the same */
	CU_ASSERT_PTR_EQUAL(cursor_series(one, "wan1"), series);
	json = cursor_json(one);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT_TRUE(cursor_load(other, json));
	again = cursor_json(other);
	CU_ASSERT_TRUE(json_equal(json, again));
	CU_ASSERT_EQUAL(other->series[0].counted.first.frames, 1000);
	CU_ASSERT_STRING_EQUAL(other->series[0].counted.boot, "0123abcd");
	cursor_release(other);

	/* whatever lacks, or is of another type: no cursor */
	const char *key;
	json_t *value;
	void *next;
	json_object_foreach_safe(again, next, key, value)
	{
		json_t *spoilt = json_deep_copy(json);

		json_object_del(spoilt, key);
		CU_ASSERT_FALSE(cursor_load(other, spoilt));
		cursor_release(other);
		json_object_set_new(spoilt, key, json_null());
		CU_ASSERT_FALSE(cursor_load(other, spoilt));
		cursor_release(other);
		json_decref(spoilt);
	}

	/* no more WANs than there is room for, no longer names */
	for (int i = 0; one->n < FOLLOW_SERIES_MAX; i++) {
		snprintf(text, sizeof(text), "x%d", i);
		CU_ASSERT_PTR_NOT_NULL(cursor_series(one, text));
	}
	CU_ASSERT_PTR_NULL(cursor_series(one, "more"));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	one->n = 1;
	CU_ASSERT_PTR_NULL(cursor_series(one, text));
	json_decref(json);
	json_decref(again);
	cursor_release(one);
	free(one);
	free(other);
}

/* ---- smaller ledgers ---- */

static void test_condense(void)
{
	struct ledger ledger;
	char problem[300];

	ledger_init(&ledger);
	uint32_t wan = ledger_wan(&ledger, "wan1");
	uint32_t spoken = ledger_file(&ledger, "b", wan), silent = ledger_file(&ledger, "a", wan);
	uint32_t flawed = ledger_file(&ledger, "c", wan);
	ledger.files[flawed].message = strdup("cut");
	ledger_count(&ledger, &(struct ledger_entry){.wan = wan,
	                                             .ts_ns = 1000 * S,
	                                             .number = 1,
	                                             .file = spoken,
	                                             .l2_bytes = 60,
	                                             .kind = KIND_OTHER,
	                                             .traffic = TRAFFIC_OTHER});
	CU_ASSERT_EQUAL(silent, 1);
	for (uint64_t at = 0; at < 3; at++) {
		ledger_add_span(&ledger.wans[wan],
		                &(struct ledger_span){at * 10, at * 10 + 10, at, 0});
		ledger_add_span(&ledger.wans[wan],
		                &(struct ledger_span){at * 20, at * 20 + 10, 0, SPAN_DOWN});
	}
	for (unsigned i = 0; i < 5; i++) {
		struct ledger_connection row = {.first_ns = i + 1};

		snprintf(row.id, sizeof(row.id), "%016u", i);
		row.subflows = calloc(1, sizeof(*row.subflows));
		row.n_subflows = row.cap_subflows = 1;
		row.subflows[0].kinds[KIND_PAYLOAD] = (struct tally){1, 100 + i, 100 + i, 50};
		ledger_take_connection(&ledger, &row);
	}
	CU_ASSERT_TRUE(ledger_condense(&ledger, &(struct ledger_bounds){300, 2, true}));
	CU_ASSERT_EQUAL(ledger_widths_s[ledger.width], 300);
	CU_ASSERT_EQUAL(ledger.wans[wan].buckets[0].start_s, 900);

	/* the largest stay, the others are in the rest */
	CU_ASSERT_EQUAL(ledger.n_connections, 2);
	CU_ASSERT_EQUAL(ledger.rest.connections, 3);
	CU_ASSERT_EQUAL(ledger.rest.wans[wan].l2_bytes, 100 + 101 + 102);

	/* three stretches that touch are one; those that do not stay */
	CU_ASSERT_EQUAL(ledger.wans[wan].record->n_spans, 4);
	CU_ASSERT_EQUAL(ledger.wans[wan].record->spans[0].to_ns, 30);
	CU_ASSERT_EQUAL(ledger.wans[wan].record->spans[0].lost_frames, 3);

	/* the file of the evidence and the one with a flaw */
	CU_ASSERT_EQUAL(ledger.n_files, 2);
	CU_ASSERT_STRING_EQUAL(ledger.files[ledger.wans[wan].cells[0].first.frames[0].file].name,
	                       "b");
	CU_ASSERT_EQUAL(ledger_file(&ledger, "c", wan), 1);
	CU_ASSERT_EQUAL(ledger_file(&ledger, "a", wan), 2);
	CU_ASSERT_PTR_NULL(ledger_check(&ledger, problem, sizeof(problem)));
	CU_ASSERT_TRUE(ledger_sort(&ledger));
	CU_ASSERT_PTR_NULL(ledger_check(&ledger, problem, sizeof(problem)));
	ledger_release(&ledger);
}

void suite_follow(void)
{
	CU_pSuite suite = CU_add_suite("follow", NULL, NULL);

	CU_add_test(suite, "a file is the old one or the new one, and damage is seen", test_packed);
	CU_add_test(suite, "the kernel's counters, file by file", test_counted);
	CU_add_test(suite, "gaps and covered time, told once over cuts", test_gaps);
	CU_add_test(suite, "a cursor comes back as it was", test_cursor);
	CU_add_test(suite, "a condensed ledger has the same sums", test_condense);
}
