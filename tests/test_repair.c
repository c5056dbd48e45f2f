/* SPDX-License-Identifier: MIT
 *
 * test_repair.c - what a killed recorder left, repaired: cut and damaged at every byte, packed,
 * hostile.
 */
#include "spool_lab.h"

void suite_repair(void);

/* ---- repair ---- */

/* Blocks of a recording; borders[i] is where block i ends. */
struct recording {
	uint8_t bytes[2 * PCAPNG_BLOCK_MAX];
	size_t n, borders[16];
	unsigned n_borders;
	uint64_t frames[16]; /* up to that border */
};

static void recording_add(struct recording *recording, size_t bytes, bool frame)
{
	unsigned i = recording->n_borders++;

	recording->n += bytes;
	recording->borders[i] = recording->n;
	recording->frames[i] = (i ? recording->frames[i - 1] : 0) + frame;
}

static size_t put_counts(uint8_t *at, const char *note)
{
	const struct pcapng_statistics statistics = {
		.at_ns = SPOOLED_T0 + 50,
		.start_ns = SPOOLED_T0 - 70,
		.end_ns = SPOOLED_T0 + 50,
		.received = 13,
		.dropped_kernel = 7,
		.dropped_own = 3,
		.delivered = 3,
		.notes = {note},
		.n_notes = note ? 1 : 0,
	};
	return pcapng_statistics(at, &statistics);
}

/* Head, 3 frames, statistics, 2 frames. */
static void recording_init(struct recording *recording)
{
	*recording = (struct recording){0};
	uint8_t *at = recording->bytes;
	recording_add(recording, spooled_head(at), false);
	for (unsigned k = 0; k < 3; k++)
		recording_add(recording, spooled_frame(at + recording->n, k), true);
	recording_add(recording, put_counts(at + recording->n, NULL), false);
	for (unsigned k = 3; k < 5; k++)
		recording_add(recording, spooled_frame(at + recording->n, k), true);
}

/* The last border at or before `n`; -1 when there is none. */
static int border_before(const struct recording *recording, size_t n)
{
	int i = (int)recording->n_borders - 1;

	while (i >= 0 && recording->borders[i] > n)
		i--;
	return i;
}

static uint64_t isb_u64(const uint8_t *isb, uint16_t code)
{
	uint16_t head[2];
	uint64_t value = UINT64_MAX;

	for (size_t at = 20;; at += 4 + ((head[1] + 3u) & ~3u)) {
		memcpy(head, isb + at, 4);
		if (head[0] == code)
			memcpy(&value, isb + at + 4, 8);
		if (head[0] == 0 || head[0] == code)
			return value;
	}
}

static uint64_t isb_time(const uint8_t *isb, uint16_t code)
{
	uint64_t halves = isb_u64(isb, code);

	return halves << 32 | halves >> 32; /* little-endian machines; see check_repaired() */
}

static bool little_endian(void)
{
	const uint16_t one = 1;

	return *(const uint8_t *)&one == 1;
}

/* What a repaired file says of itself after a cut at border `i`. */
static void check_repaired(const struct recording *recording, int i,
                           const struct spooled_contents *contents, uint64_t cut)
{
	bool counted = i >= 4; /* the statistics are in it */
	uint64_t frames = recording->frames[i], drops = counted ? 10 : 0;

	CU_ASSERT(contents->whole && contents->in_order);
	CU_ASSERT_EQUAL(contents->frames, frames);
	CU_ASSERT_EQUAL(contents->repaired, 1);
	CU_ASSERT_EQUAL(contents->cut_bytes, cut);
	CU_ASSERT_PTR_NOT_NULL_FATAL(contents->last_isb);
	CU_ASSERT_EQUAL(isb_u64(contents->last_isb, 4), frames + drops);
	CU_ASSERT_EQUAL(isb_u64(contents->last_isb, 5), counted ? 3 : 0);
	CU_ASSERT_EQUAL(isb_u64(contents->last_isb, 7), counted ? 7 : 0);
	CU_ASSERT_EQUAL(isb_u64(contents->last_isb, 8), frames);
	if (!little_endian())
		return;
	uint64_t start = counted ? SPOOLED_T0 - 70 : SPOOLED_T0;
	CU_ASSERT_EQUAL(isb_time(contents->last_isb, 2), start);
	uint64_t end = counted ? SPOOLED_T0 + 50 : frames ? SPOOLED_T0 + frames - 1 : start;
	CU_ASSERT_EQUAL(isb_time(contents->last_isb, 3), end);
}

#define LEFT "a-00000000-00000005-20231114T221320Z.pcapng"

/* A leftover with these bytes; after a start, what has become of it. */
static bool repair(struct lab *lab, const char *name, const void *bytes, size_t n,
                   struct spooled_contents *contents)
{
	char part[SPOOL_NAME];

	snprintf(part, sizeof(part), "%s.part", name);
	put_file(lab->path, part, bytes, n);
	lab_reopen(lab);
	CU_ASSERT_FALSE(exists(lab->path, part));
	CU_ASSERT_EQUAL(lab->found.files, spooled_list(lab->path).files);
	CU_ASSERT_EQUAL(lab->found.bytes, spooled_list(lab->path).bytes);
	if (!exists(lab->path, name))
		return false;
	*contents = contents_of(lab->path, name);
	int dir = spooled_open(lab->path);
	CU_ASSERT_EQUAL(unlinkat(dir, name, 0), 0);
	close(dir);
	return true;
}

static void test_cut_everywhere(void)
{
	struct recording recording;
	struct spooled_contents contents;
	struct lab lab;

	lab_init(&lab);
	recording_init(&recording);
	for (size_t n = 0; n <= recording.n; n++) {
		int i = border_before(&recording, n);
		bool kept = repair(&lab, LEFT, recording.bytes, n, &contents);
		CU_ASSERT_EQUAL(kept, i >= 0);
		CU_ASSERT_EQUAL(lab.found.removed, i < 0);
		CU_ASSERT_EQUAL(lab.found.repaired, i >= 0);
		if (!kept || i < 0)
			continue;
		uint64_t cut = n - recording.borders[i];
		CU_ASSERT_EQUAL(lab.found.cut_bytes, cut);
		check_repaired(&recording, i, &contents, cut);
		spooled_release(&contents);
	}
	lab_release(&lab);
}

/* The same packed, a frame of zstd for each block. */
static void test_cut_packed(void)
{
	struct recording recording, packed = {0};
	struct spooled_contents contents;
	struct lab lab;
	size_t from = 0;

	lab_init(&lab);
	recording_init(&recording);
	for (unsigned i = 0; i < recording.n_borders; i++) {
		size_t n = ZSTD_compress(packed.bytes + packed.n, sizeof(packed.bytes) - packed.n,
		                         recording.bytes + from, recording.borders[i] - from, 1);
		from = recording.borders[i];
		recording_add(&packed, n, i != 0 && i != 4);
	}
	for (size_t n = 0; n <= packed.n; n++) {
		int i = border_before(&packed, n);
		bool kept = repair(&lab, LEFT ".zst", packed.bytes, n, &contents);
		CU_ASSERT_EQUAL(kept, i >= 0);
		if (!kept || i < 0)
			continue;
		check_repaired(&packed, i, &contents, n - packed.borders[i]);
		spooled_release(&contents);
	}
	lab_release(&lab);
}

/* What power loss leaves: zeros, or noise, behind or instead of what was written. */
static void test_damage_everywhere(void)
{
	struct recording recording, hurt;
	struct spooled_contents contents;
	struct lab lab;

	lab_init(&lab);
	recording_init(&recording);
	for (size_t n = 0; n < recording.n; n++) {
		hurt = recording;
		memset(hurt.bytes + n, 0, recording.n - n);
		int i = border_before(&recording, n);
		if (repair(&lab, LEFT, hurt.bytes, recording.n + 5000, &contents)) {
			CU_ASSERT(contents.whole);
			CU_ASSERT(contents.frames >= recording.frames[i < 0 ? 0 : i]);
			spooled_release(&contents);
		}
		hurt.bytes[n] = (uint8_t)~recording.bytes[n];
		memcpy(hurt.bytes + n + 1, recording.bytes + n + 1, recording.n - n - 1);
		if (repair(&lab, LEFT, hurt.bytes, recording.n, &contents)) {
			CU_ASSERT(contents.whole);
			spooled_release(&contents);
		}
	}
	lab_release(&lab);
}

/* Its end was on the disk, only its name was not: nothing is added. */
static void test_complete_leftover(void)
{
	struct recording recording;
	struct spooled_contents contents;
	struct lab lab;

	lab_init(&lab);
	recording_init(&recording);
	size_t n = recording.n +
	           put_counts(recording.bytes + recording.n, QUALITY_TAG "end reason=stop");
	CU_ASSERT_FATAL(repair(&lab, LEFT, recording.bytes, n, &contents));
	CU_ASSERT(contents.n == n && memcmp(contents.bytes, recording.bytes, n) == 0);
	CU_ASSERT(contents.ends == 1 && contents.repaired == 0);
	spooled_release(&contents);
	lab_release(&lab);
}

/* What stands behind an end takes it back; and a second section is none of ours. */
static void test_behind_the_end(void)
{
	static const char end[] = QUALITY_TAG "end reason=stop";
	struct recording recording;
	struct spooled_contents contents;
	struct lab lab;

	lab_init(&lab);
	for (unsigned what = 0; what < 3; what++) {
		recording_init(&recording);
		uint8_t *at = recording.bytes;
		size_t n = recording.n, before;
		n += put_counts(at + n, end);
		before = n;
		if (what == 0)
			n += spooled_frame(at + n, 5);
		else if (what == 1)
			n += put_counts(at + n, NULL);
		else
			n += spooled_head(at + n);
		CU_ASSERT_FATAL(repair(&lab, LEFT, at, n, &contents));
		CU_ASSERT(contents.whole && contents.repaired == 1 && contents.interfaces == 1);
		CU_ASSERT_EQUAL(contents.frames, what == 0 ? 6 : 5);
		CU_ASSERT_EQUAL(contents.cut_bytes, what == 2 ? n - before : 0);
		spooled_release(&contents);
	}
	lab_release(&lab);
}

/* No room for the note under the limit: cut and completed without it. */
static void test_no_room_for_note(void)
{
	struct recording recording;
	struct spooled_contents contents;
	struct lab lab;

	lab_init(&lab);
	recording_init(&recording);
	lab.limits.max_bytes = recording.borders[3] + 50;
	CU_ASSERT_FATAL(repair(&lab, LEFT, recording.bytes, lab.limits.max_bytes, &contents));
	CU_ASSERT(contents.whole && contents.frames == 3 && contents.statistics == 0);
	CU_ASSERT_EQUAL(lab.found.bytes, recording.borders[3]);
	spooled_release(&contents);
	lab_release(&lab);
}

static void test_hostile_leftovers(void)
{
	static const char victim[] = "do not touch";
	char inside[160];
	struct recording recording;
	struct lab lab;

	lab_init(&lab);
	recording_init(&recording);
	put_file(lab.path, "victim", victim, sizeof(victim));
	put_file(lab.path, "notes.part", "", 0);
	put_file(lab.path, "a-00000000-00000001-20260101T000000Z.pcap.part", "", 0);
	int dir = spooled_open(lab.path);
	symlinkat("victim", dir, "a-00000000-00000002-20260101T000000Z.pcapng.part");
	mkdirat(dir, "a-00000000-00000003-20260101T000000Z.pcapng.part", 0700);
	mkdirat(dir, "a-00000000-00000004-20260101T000000Z.pcapng", 0700);
	mkfifoat(dir, "a-00000000-00000005-20260101T000000Z.pcapng.part", 0600);
	linkat(dir, "victim", dir, "a-00000000-00000006-20260101T000000Z.pcapng.part", 0);
	/* in the name's place lies another file already: both stay */
	put_file(lab.path, "b-00000000-00000001-20260101T000000Z.pcapng", victim, 3);
	put_file(lab.path, "b-00000000-00000001-20260101T000000Z.pcapng.part", recording.bytes,
	         recording.n);
	/* a file of 4 TiB, most of it a hole */
	put_file(lab.path, "c-00000000-00000001-20260101T000000Z.pcapng.part", recording.bytes,
	         recording.n);
	snprintf(inside, sizeof(inside), "%s/c-00000000-00000001-20260101T000000Z.pcapng.part",
	         lab.path);
	CU_ASSERT_EQUAL(truncate(inside, 4ll << 40), 0);
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(lab.found.repaired, 1);
	CU_ASSERT_EQUAL(lab.found.removed, 0);
	CU_ASSERT_EQUAL(lab.found.cut_bytes, (4ull << 40) - recording.n);

	/* everything goes that may go; the rest of them is not ours */
	spool_set_limits(lab.spool, &(struct spool_limits){.max_bytes = 1});
	CU_ASSERT_FALSE(exists(lab.path, "b-00000000-00000001-20260101T000000Z.pcapng"));
	CU_ASSERT_FALSE(exists(lab.path, "b-00000000-00000001-20260101T000000Z.pcapng.part"));
	CU_ASSERT(exists(lab.path, "a-00000000-00000002-20260101T000000Z.pcapng.part"));
	CU_ASSERT(exists(lab.path, "a-00000000-00000003-20260101T000000Z.pcapng.part"));
	CU_ASSERT(exists(lab.path, "a-00000000-00000004-20260101T000000Z.pcapng"));
	CU_ASSERT(exists(lab.path, "a-00000000-00000005-20260101T000000Z.pcapng.part"));
	CU_ASSERT(exists(lab.path, "a-00000000-00000001-20260101T000000Z.pcap.part"));
	CU_ASSERT(exists(lab.path, "notes.part"));
	size_t n;
	uint8_t *bytes = spooled_slurp(dir, "victim", &n);
	CU_ASSERT(n == sizeof(victim) && memcmp(bytes, victim, n) == 0);
	free(bytes);
	close(dir);
	lab_release(&lab);
}

void suite_repair(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"a leftover cut at every byte", test_cut_everywhere},
		{"the same packed", test_cut_packed},
		{"a leftover damaged at every byte", test_damage_everywhere},
		{"a leftover that was complete", test_complete_leftover},
		{"a leftover with more behind its end", test_behind_the_end},
		{"a leftover without room for a note", test_no_room_for_note},
		{"hostile leftovers", test_hostile_leftovers},
	};
	CU_pSuite suite = CU_add_suite("repair", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
