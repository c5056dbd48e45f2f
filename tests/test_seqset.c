/* SPDX-License-Identifier: MIT
 *
 * test_seqset.c - both sets against the plainest thing that can be right: an array with one entry
 * per byte.
 */
#include "../dissect/seqset.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

void suite_seqset(void);

enum { SPACE = 4096, ROUNDS = 60 };

/* Seeded, so that a failure comes back (Marsaglia's xorshift). */
static uint32_t next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

/* ---- numbers ---- */

static void test_before_and_unwrap(void)
{
	/* RFC 9293 section 3.4: numbers are compared modulo 2^32 */
	CU_ASSERT(seq_before(1, 2));
	CU_ASSERT(!seq_before(2, 2));
	CU_ASSERT(seq_before(0xffffffff, 0));
	CU_ASSERT(seq_before(0xfffffff0, 0x10));
	CU_ASSERT(!seq_before(0x10, 0xfffffff0));
	CU_ASSERT_EQUAL(seq_unwrap(5, 0x1fffffff0u), 0x200000005u);
	CU_ASSERT_EQUAL(seq_unwrap(0xfffffff0, 0x200000005u), 0x1fffffff0u);
	CU_ASSERT_EQUAL(seq_unwrap(7, 0x300000007u), 0x300000007u);
	uint32_t state = 11;
	for (int i = 0; i < 10000; i++) { /* any distance below 2^31 comes back */
		uint64_t near = (uint64_t)next(&state) << 32 | next(&state);
		int32_t step = (int32_t)next(&state);
		if (step != INT32_MIN)
			CU_ASSERT_EQUAL_FATAL(
				seq_unwrap((uint32_t)(near + (uint64_t)(int64_t)step), near),
				near + (uint64_t)(int64_t)step);
	}
}

/* ---- struct seqset ---- */

static bool ranges_sorted(const struct seqset *s)
{
	for (uint32_t i = 0; i < s->n_lower; i++) {
		uint64_t above = i + 1 < s->n_lower ? s->lower[i + 1].start : s->last.start;
		if (s->lower[i].start >= s->lower[i].end || s->lower[i].end >= above)
			return false;
	}
	return s->n_lower <= SEQSET_MAX;
}

/* All gaps of [from, end), asked for one after the other, against the array. */
static bool gaps_agree(const struct seqset *s, const bool *has, uint64_t base, uint32_t from,
                       uint32_t end)
{
	struct seqrange gap;
	uint32_t at = from;

	while (seqset_gap(s, base + at, base + end, &gap)) {
		uint32_t start = (uint32_t)(gap.start - base), stop = (uint32_t)(gap.end - base);
		if (gap.start < base + at || stop > end || start >= stop)
			return false;
		for (uint32_t i = at; i < stop; i++)
			if (has[i] != (i < start))
				return false;
		at = stop;
	}
	while (at < end)
		if (!has[at++])
			return false;
	return true;
}

static void seqset_story(uint64_t base, uint32_t seed, uint32_t longest)
{
	struct seqset s = {0};
	bool has[SPACE] = {false};

	for (int i = 0; i < 300; i++) {
		uint32_t start = next(&seed) % SPACE, len = next(&seed) % longest;
		if (i % 3 == 0 && s.last.end) /* what is nearly all there is: the next bytes */
			start = (uint32_t)(s.last.end - base) % SPACE;
		uint32_t end = start + len < SPACE ? start + len : SPACE;
		CU_ASSERT_FATAL(gaps_agree(&s, has, base, start, end));
		seqset_add(&s, base + start, base + end);
		memset(has + start, true, end - start);
		CU_ASSERT_FATAL(ranges_sorted(&s));
	}
	CU_ASSERT(gaps_agree(&s, has, base, 0, SPACE));
	seqset_release(&s);
}

static void test_seqset_random(void)
{
	static const uint64_t bases[] = {0, 1, 0xfffff800u, UINT64_C(1) << 32, UINT64_MAX - SPACE};

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (uint32_t round = 1; round <= ROUNDS; round++)
			seqset_story(bases[b], round * 7919, round % 2 ? 12 : 400);
}

/* Past its limit the set may only forget holes, and the lowest ones: what was seen stays seen. */
static void test_seqset_bounded(void)
{
	struct seqset s = {0};
	struct seqrange gap;
	const uint32_t n = SEQSET_MAX * 3;

	for (uint32_t i = 0; i < n; i++)
		seqset_add(&s, 10 * (uint64_t)i, 10 * (uint64_t)i + 5);
	CU_ASSERT(ranges_sorted(&s));
	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_FALSE(seqset_gap(&s, 10 * (uint64_t)i, 10 * (uint64_t)i + 5, &gap));
	for (uint32_t i = n - SEQSET_MAX / 2; i + 1 < n; i++) {
		CU_ASSERT_FATAL(seqset_gap(&s, 10 * (uint64_t)i, 10 * (uint64_t)i + 10, &gap));
		CU_ASSERT(gap.start == 10 * (uint64_t)i + 5 && gap.end == 10 * (uint64_t)i + 10);
	}
	CU_ASSERT_FALSE(
		seqset_gap(&s, 0, 10 * SEQSET_MAX, &gap)); /* the lowest holes were given up */
	/* full, and still a range may come in anywhere */
	for (uint32_t i = n - 1; i > 3; i -= 3)
		seqset_add(&s, 10 * (uint64_t)i - 4, 10 * (uint64_t)i - 2);
	CU_ASSERT(ranges_sorted(&s));
	seqset_release(&s);
}

/* ---- struct dsnmap ---- */

struct byte {
	bool carried;
	uint32_t carriers, first_ds;
};

static bool extents_sorted(const struct dsnmap *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->extents[i].start >= m->extents[i].end ||
		    (i + 1 < m->n && m->extents[i].end > m->extents[i + 1].start))
			return false;
	return m->n <= m->cap;
}

/* R11.2 to R11.4 of the rules, one byte at a time. */
static struct dsn_split split_bytes(struct byte *bytes, uint32_t start, uint32_t end, unsigned slot,
                                    uint32_t now_ds)
{
	struct dsn_split sum = {0};

	for (struct byte *b = bytes + start; b < bytes + end; b++) {
		if (!b->carried)
			*b = (struct byte){.carried = true, .first_ds = now_ds};
		else if (b->carriers & 1u << slot) {
			sum.own++;
			continue;
		} else {
			*(now_ds - b->first_ds > 100 ? &sum.old : &sum.recent) += 1;
			b->carriers |= 1u << slot;
			continue;
		}
		sum.fresh++;
		b->carriers = 1u << slot;
	}
	return sum;
}

static void forget_bytes(struct byte *bytes, unsigned slot, unsigned somebody)
{
	for (uint32_t i = 0; i < SPACE; i++)
		if (bytes[i].carriers & 1u << slot)
			bytes[i].carriers = (bytes[i].carriers & ~(1u << slot)) | 1u << somebody;
}

static void dsnmap_story(uint64_t base, uint32_t seed, uint32_t longest, unsigned slots)
{
	struct dsn_budget budget = {.max = 1 << 20};
	struct dsnmap m = {0};
	struct byte bytes[SPACE] = {{false, 0, 0}};
	uint32_t now_ds = 0, front = 0;

	for (int i = 0; i < 600; i++) {
		unsigned slot = next(&seed) % slots;
		uint32_t start = next(&seed) % 3 ? front : next(&seed) % SPACE;
		uint32_t end = start + next(&seed) % longest;
		end = end < SPACE ? end : SPACE;
		now_ds += next(&seed) % 8 == 0 ? next(&seed) % 60 : 0;
		if (next(&seed) % 50 == 0) {
			dsnmap_forget(&m, slot, DSN_SLOTS - 1);
			forget_bytes(bytes, slot, DSN_SLOTS - 1);
		}
		struct dsn_split want = split_bytes(bytes, start, end, slot, now_ds);
		struct dsn_split got =
			dsnmap_carry(&m, &budget, base + start, base + end, slot, now_ds);
		CU_ASSERT_FATAL(got.fresh == want.fresh && got.own == want.own);
		CU_ASSERT_FATAL(got.recent == want.recent && got.old == want.old &&
		                got.collapsed == 0);
		CU_ASSERT_FATAL(extents_sorted(&m) && budget.used == m.cap);
		if (end > front)
			front = end < SPACE ? end : 0;
	}
	dsnmap_release(&m, &budget);
	CU_ASSERT_EQUAL(budget.used, 0);
}

static void test_dsnmap_random(void)
{
	static const uint64_t bases[] = {0, 0xfffff800u, UINT64_MAX - SPACE};

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (uint32_t round = 1; round <= ROUNDS; round++)
			dsnmap_story(bases[b], round * 104729, round % 2 ? 9 : 300, 2 + round % 5);
}

/* At exactly 10.0 s a copy is recent, a tenth later it is old (R11.4). */
static void test_dsnmap_ten_seconds(void)
{
	struct dsn_budget budget = {.max = 1 << 20};
	struct dsnmap m = {0};

	dsnmap_carry(&m, &budget, 1000, 2000, 0, 50);
	struct dsn_split at = dsnmap_carry(&m, &budget, 1000, 1500, 1, 150);
	struct dsn_split later = dsnmap_carry(&m, &budget, 1000, 2000, 2, 151);
	CU_ASSERT(at.recent == 500 && at.old == 0);
	CU_ASSERT(later.recent == 0 && later.old == 1000);
	dsnmap_release(&m, &budget);
}

/* DSNs start anywhere (RFC 8684 section 3.1), so a range may reach over 2^64. No byte is lost
 * there. */
static void test_dsnmap_wrap(void)
{
	struct dsn_budget budget = {.max = 1 << 20};
	struct dsnmap m = {0};
	const uint64_t start = UINT64_MAX - 99; /* 100 bytes below the wrap */

	struct dsn_split before = dsnmap_carry(&m, &budget, start - 100, start, 0, 1);
	struct dsn_split over = dsnmap_carry(&m, &budget, start, start + 300, 0, 1);
	struct dsn_split again = dsnmap_carry(&m, &budget, start, start + 300, 1, 2);
	CU_ASSERT(before.fresh == 100 && over.fresh == 300);
	CU_ASSERT(again.recent == 299 && again.fresh == 1);
	CU_ASSERT(extents_sorted(&m));
	dsnmap_release(&m, &budget);
}

/* Whose bytes are these? By asking for each one, on a copy. */
static unsigned known_of(const struct dsnmap *m, uint64_t start, uint64_t bytes, unsigned slot)
{
	unsigned known = 0;

	for (uint64_t at = start; at != start + bytes; at++)
		for (uint32_t i = 0; i < m->n; i++)
			known += at >= m->extents[i].start && at < m->extents[i].end &&
			         m->extents[i].carriers & 1u << slot;
	return known;
}

/* A map of which only the lower halves were known moves to where the key says it is, and that may
 * be over 2^64. It stays in order, as dsnmap_save() needs it, and knows the same bytes there. */
static void test_dsnmap_lift(void)
{
	for (uint64_t over = 0; over <= 500; over += 10) {
		struct dsn_budget budget = {.max = 1 << 20};
		struct dsnmap m = {0};
		const uint64_t lift = over - 500; /* the map's end comes to lie at `over` */

		dsnmap_carry(&m, &budget, 0, 100, 0, 1);
		dsnmap_carry(&m, &budget, 150, 300, 1, 2);
		dsnmap_carry(&m, &budget, 300, 400, 0, 3);
		dsnmap_carry(&m, &budget, 470, 500, 2, 4);
		dsnmap_lift(&m, &budget, lift);
		CU_ASSERT(extents_sorted(&m) && budget.used == m.cap);
		/* the one byte that comes to lie at 2^64 - 1 is not known any more */
		unsigned lost = 499 - (unsigned)over;
		bool by_0 = lost < 100 || (lost >= 300 && lost < 400);
		bool by_1 = lost >= 150 && lost < 300;
		bool by_2 = lost >= 470 && lost < 500;
		CU_ASSERT_EQUAL(known_of(&m, lift, 500, 0), 200u - by_0);
		CU_ASSERT_EQUAL(known_of(&m, lift, 500, 1), 150u - by_1);
		CU_ASSERT_EQUAL(known_of(&m, lift, 500, 2), 30u - by_2);
		dsnmap_release(&m, &budget);
	}
}

/* Whatever is given up for memory, no byte is lost or counted twice, and what is collapsed says so.
 */
static void test_dsnmap_budget(void)
{
	struct dsn_budget budget = {.max = 256};
	struct dsnmap maps[4] = {{0}};
	uint32_t seed = 77;
	uint64_t collapsed = 0;

	for (uint32_t i = 0; i < 40000; i++) {
		struct dsnmap *m = &maps[next(&seed) % 4];
		uint64_t start = (uint64_t)(next(&seed) % 200000) * 3, len = 1 + next(&seed) % 40;
		struct dsn_split s = dsnmap_carry(m, &budget, start, start + len,
		                                  next(&seed) % DSN_SLOTS, i / 50);
		CU_ASSERT_FATAL(s.fresh + s.own + s.recent + s.old == len);
		CU_ASSERT_FATAL(s.collapsed <= s.own + s.recent + s.old);
		CU_ASSERT_FATAL(extents_sorted(m));
		collapsed += s.collapsed;
	}
	CU_ASSERT(collapsed > 0);
	/* a map may always have 64, so that a full budget starves nobody */
	CU_ASSERT(budget.used <= budget.max + 4 * 64);
	for (int i = 0; i < 4; i++)
		dsnmap_release(&maps[i], &budget);
	CU_ASSERT_EQUAL(budget.used, 0);
}

void suite_seqset(void)
{
	CU_pSuite suite = CU_add_suite("seqset", NULL, NULL);

	CU_ADD_TEST(suite, test_before_and_unwrap);
	CU_ADD_TEST(suite, test_seqset_random);
	CU_ADD_TEST(suite, test_seqset_bounded);
	CU_ADD_TEST(suite, test_dsnmap_random);
	CU_ADD_TEST(suite, test_dsnmap_ten_seconds);
	CU_ADD_TEST(suite, test_dsnmap_wrap);
	CU_ADD_TEST(suite, test_dsnmap_lift);
	CU_ADD_TEST(suite, test_dsnmap_budget);
}
