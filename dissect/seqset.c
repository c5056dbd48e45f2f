/* SPDX-License-Identifier: MIT */
#include "seqset.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"

/* ---- struct seqset ---- */

void seqset_release(struct seqset *set)
{
	free(set->lower);
	*set = (struct seqset){0};
}

/* Index of the first lower range whose end is behind `at`. */
static uint32_t lower_behind(const struct seqset *set, uint64_t at)
{
	uint32_t lo = 0, hi = set->n_lower;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (set->lower[mid].end > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

bool seqset_gap(const struct seqset *set, uint64_t from, uint64_t end, struct seqrange *gap)
{
	uint32_t i = from < set->last.start ? lower_behind(set, from) : set->n_lower;

	for (; from < end && i <= set->n_lower; i++) {
		const struct seqrange *r = i < set->n_lower ? &set->lower[i] : &set->last;
		if (r->end <= from)
			continue;
		if (r->start > from) {
			*gap = (struct seqrange){from, r->start < end ? r->start : end};
			return true;
		}
		from = r->end;
	}
	*gap = (struct seqrange){from, end};
	return from < end;
}

/* Make room for one more lower range. When there is none, join the two lowest. */
static void lower_reserve(struct seqset *set)
{
	if (set->n_lower < set->cap_lower)
		return;
	uint32_t cap = set->cap_lower ? set->cap_lower * 2 : 4;
	struct seqrange *lower = NULL;
	if (cap <= SEQSET_MAX)
		lower = realloc(set->lower, cap * sizeof(*lower));
	if (lower) {
		set->lower = lower;
		set->cap_lower = cap;
	} else if (set->n_lower >= 2) {
		set->lower[1].start = set->lower[0].start;
		memmove(set->lower, set->lower + 1, --set->n_lower * sizeof(*set->lower));
	} else if (set->n_lower == 1) { /* out of memory with next to nothing held */
		set->last.start = set->lower[0].start;
		set->n_lower = 0;
	} else {
		set->last.start = set->last.end;
	}
}

static void lower_insert(struct seqset *set, uint32_t at, struct seqrange range)
{
	memmove(set->lower + at + 1, set->lower + at, (set->n_lower - at) * sizeof(*set->lower));
	set->lower[at] = range;
	set->n_lower++;
}

/* Add a range that ends before the highest range begins. */
static void lower_add(struct seqset *set, uint64_t start, uint64_t end)
{
	uint32_t from = start ? lower_behind(set, start - 1) : 0;
	uint32_t to = from;

	while (to < set->n_lower && set->lower[to].start <= end) {
		if (set->lower[to].start < start)
			start = set->lower[to].start;
		if (set->lower[to].end > end)
			end = set->lower[to].end;
		to++;
	}
	if (to > from) {
		set->lower[from] = (struct seqrange){start, end};
		memmove(set->lower + from + 1, set->lower + to,
		        (set->n_lower - to) * sizeof(*set->lower));
		set->n_lower -= to - from - 1;
		return;
	}
	lower_reserve(set);
	if (set->cap_lower > set->n_lower)
		lower_insert(set, start ? lower_behind(set, start - 1) : 0,
		             (struct seqrange){start, end});
}

void seqset_add_slow(struct seqset *set, uint64_t start, uint64_t end)
{
	struct seqrange *last = &set->last;

	if (start >= end)
		return;
	if (last->start == last->end) {
		*last = (struct seqrange){start, end};
		return;
	}
	if (end < last->start) {
		lower_add(set, start, end);
		return;
	}
	if (start > last->end) {
		lower_reserve(set);
		if (set->cap_lower > set->n_lower)
			set->lower[set->n_lower++] = *last;
		*last = (struct seqrange){start, end};
		return;
	}
	if (start < last->start)
		last->start = start;
	if (end > last->end)
		last->end = end;
	while (set->n_lower && set->lower[set->n_lower - 1].end >= last->start) {
		uint64_t low = set->lower[--set->n_lower].start;
		if (low < last->start)
			last->start = low;
	}
}

/* ---- struct dsnmap ---- */

enum { EXTENTS_FIRST = 4, EXTENTS_MAX = 16384 };

void dsnmap_release(struct dsnmap *map, struct dsn_budget *budget)
{
	budget->used -= map->cap;
	free(map->extents);
	*map = (struct dsnmap){0};
}

static uint32_t extent_behind(const struct dsnmap *map, uint64_t at)
{
	uint32_t lo = 0, hi = map->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (map->extents[mid].end > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool is_old(const struct dsn_extent *e, uint32_t now_ds)
{
	return now_ds - e->first_ds > DSN_RECENT_DS && (int32_t)(now_ds - e->first_ds) > 0;
}

/* Join neighbours that can no longer be told apart by any question: same carriers, both old. */
static void join_old(struct dsnmap *map, uint32_t now_ds)
{
	uint32_t out = 0;

	for (uint32_t i = 1; i < map->n; i++) {
		struct dsn_extent *a = &map->extents[out], *b = &map->extents[i];
		if (a->end == b->start && a->carriers == b->carriers &&
		    (a->first_ds == b->first_ds || (is_old(a, now_ds) && is_old(b, now_ds))))
			a->end = b->end;
		else
			map->extents[++out] = *b;
	}
	if (map->n)
		map->n = out + 1;
}

/* Join the lower half into one extent, whatever it holds. */
static void collapse(struct dsnmap *map)
{
	uint32_t half = map->n / 2;
	uint32_t carriers = DSN_COLLAPSED;

	if (half < 2)
		return;
	for (uint32_t i = 0; i < half; i++)
		carriers |= map->extents[i].carriers;
	map->extents[0].end = map->extents[half - 1].end;
	map->extents[0].carriers = carriers;
	memmove(map->extents + 1, map->extents + half, (map->n - half) * sizeof(*map->extents));
	map->n -= half - 1;
}

static bool grow(struct dsnmap *map, struct dsn_budget *budget)
{
	uint32_t cap = map->cap ? map->cap * 2 : EXTENTS_FIRST;

	if (cap > EXTENTS_MAX || (cap > 64 && budget->used + cap - map->cap > budget->max))
		return false;
	struct dsn_extent *extents = realloc(map->extents, cap * sizeof(*extents));
	if (!extents)
		return false;
	budget->used += cap - map->cap;
	map->extents = extents;
	map->cap = cap;
	return true;
}

/* Room for `more` extents. False only when there is no memory at all. */
static bool reserve(struct dsnmap *map, struct dsn_budget *budget, uint32_t more, uint32_t now_ds)
{
	if (map->n + more <= map->cap)
		return true;
	join_old(map, now_ds);
	if (map->n + more <= map->cap / 4 * 3)
		return true;
	while (map->n + more > map->cap) {
		if (grow(map, budget))
			continue;
		uint32_t before = map->n;
		collapse(map);
		if (map->n == before)
			return false;
	}
	return true;
}

static void insert(struct dsnmap *map, uint32_t at, struct dsn_extent extent)
{
	memmove(map->extents + at + 1, map->extents + at, (map->n - at) * sizeof(*map->extents));
	map->extents[at] = extent;
	map->n++;
}

/* Cut the extent at index i so that one begins at `at`. Returns the index of that one. */
static uint32_t split(struct dsnmap *map, uint32_t i, uint64_t at)
{
	struct dsn_extent upper = map->extents[i];

	if (at <= upper.start)
		return i;
	upper.start = at;
	map->extents[i].end = at;
	insert(map, i + 1, upper);
	return i + 1;
}

static void count_known(struct dsn_split *sum, const struct dsn_extent *e, uint64_t bytes,
                        unsigned slot, uint32_t now_ds)
{
	if (e->carriers & 1u << slot)
		sum->own += bytes;
	else if (is_old(e, now_ds))
		sum->old += bytes;
	else
		sum->recent += bytes;
	if (e->carriers & DSN_COLLAPSED)
		sum->collapsed += bytes;
}

/* Mark the known part [start, end) of extent i; needs room for two more extents. Returns the next
 * index. */
static uint32_t mark(struct dsnmap *map, uint32_t i, uint64_t start, uint64_t end, unsigned slot)
{
	if (map->extents[i].carriers & 1u << slot)
		return i + 1;
	i = split(map, i, start);
	if (end < map->extents[i].end)
		split(map, i, end);
	map->extents[i].carriers |= 1u << slot;
	if (i > 0) { /* copies follow each other: keep them one extent */
		struct dsn_extent *a = &map->extents[i - 1], *b = &map->extents[i];
		if (a->end == b->start && a->carriers == b->carriers &&
		    a->first_ds == b->first_ds) {
			a->end = b->end;
			memmove(b, b + 1, (map->n - i - 1) * sizeof(*b));
			map->n--;
			return i;
		}
	}
	return i + 1;
}

struct dsn_split dsnmap_carry_slow(struct dsnmap *map, struct dsn_budget *budget, uint64_t start,
                                   uint64_t end, unsigned slot, uint32_t now_ds)
{
	struct dsn_split sum = {0};

	if (end < start) { /* IDSNs are random: the range goes on at 0 */
		struct dsn_split low = dsnmap_carry_slow(map, budget, 0, end, slot, now_ds);
		sum = dsnmap_carry_slow(map, budget, start, UINT64_MAX, slot, now_ds);
		sum.fresh += low.fresh + 1;
		sum.own += low.own;
		sum.recent += low.recent;
		sum.old += low.old;
		sum.collapsed += low.collapsed;
		return sum;
	}
	while (start < end) {
		if (!reserve(map, budget, 3, now_ds)) {
			sum.fresh += end - start;
			break;
		}
		uint32_t i = extent_behind(map, start);
		if (i == map->n || map->extents[i].start > start) { /* never carried */
			uint64_t stop = i == map->n || map->extents[i].start > end
			                        ? end
			                        : map->extents[i].start;
			struct dsn_extent *below = i ? &map->extents[i - 1] : NULL;
			sum.fresh += stop - start;
			if (below && below->end == start && below->carriers == 1u << slot &&
			    below->first_ds == now_ds)
				below->end = stop;
			else
				insert(map, i,
				       (struct dsn_extent){start, stop, 1u << slot, now_ds});
			start = stop;
		} else {
			uint64_t stop = map->extents[i].end < end ? map->extents[i].end : end;
			count_known(&sum, &map->extents[i], stop - start, slot, now_ds);
			mark(map, i, start, stop, slot);
			start = stop;
		}
	}
	return sum;
}

void dsnmap_forget(struct dsnmap *map, unsigned slot, unsigned somebody)
{
	for (uint32_t i = 0; i < map->n; i++) {
		struct dsn_extent *e = &map->extents[i];
		if (e->carriers & 1u << slot)
			e->carriers = (e->carriers & ~(1u << slot)) | 1u << somebody;
	}
}

static void reverse(struct dsn_extent *from, struct dsn_extent *end)
{
	while (from < end) {
		struct dsn_extent e = *from;

		*from++ = *--end;
		*end = e;
	}
}

/* The first `n` extents go behind the others. */
static void rotate(struct dsnmap *map, uint32_t n)
{
	reverse(map->extents, map->extents + n);
	reverse(map->extents + n, map->extents + map->n);
	reverse(map->extents, map->extents + map->n);
}

void dsnmap_lift(struct dsnmap *map, struct dsn_budget *budget, uint64_t lift)
{
	struct dsn_extent low = {0};
	uint32_t n = 0; /* that stay below 2^64 */

	/* one of them may be cut in two; how old they are is not known here, so all are young */
	if (lift == 0 || map->n == 0 || !reserve(map, budget, 1, 0))
		return;
	for (uint32_t i = 0; i < map->n; i++) {
		struct dsn_extent *e = &map->extents[i];

		e->start += lift;
		e->end += lift;
		n += e->start >= lift;
		if (e->end > e->start)
			continue;
		low = *e;
		low.start = 0;
		e->end = UINT64_MAX;
	}
	if (n && map->extents[n - 1].start == UINT64_MAX) { /* that byte is never known */
		memmove(map->extents + n - 1, map->extents + n,
		        (map->n - n) * sizeof(*map->extents));
		map->n--;
		n--;
	}
	rotate(map, n);
	if (low.end)
		insert(map, 0, low);
}

/* ---- state ---- */

void seqset_save(const struct seqset *set, struct state_out *out, uint64_t near)
{
	state_put(out, set->n_lower);
	state_put(out, set->last.end - set->last.start);
	state_put_near(out, set->last.end, near);
	for (uint32_t i = set->n_lower; i-- > 0;) {
		uint64_t above = i + 1 < set->n_lower ? set->lower[i + 1].start : set->last.start;

		state_put(out, above - set->lower[i].end);
		state_put(out, set->lower[i].end - set->lower[i].start);
	}
}

/* Downwards from the highest: what is taken cannot but be in order, as long as nothing passes 0. */
void seqset_load(struct seqset *set, struct state_in *in, uint64_t near)
{
	size_t n = state_take_count(in, SEQSET_MAX);
	uint64_t bytes = state_take(in, UINT64_MAX), end = state_take_near(in, near);
	uint32_t cap = 4;

	*set = (struct seqset){0};
	if (bytes > end || (bytes == 0 && n > 0)) {
		state_refuse(in);
		return;
	}
	set->last = (struct seqrange){end - bytes, end};
	if (n == 0)
		return;
	while (cap < n)
		cap *= 2;
	set->lower = malloc(cap * sizeof(*set->lower));
	if (!set->lower) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	set->cap_lower = cap;
	set->n_lower = (uint32_t)n;
	uint64_t above = set->last.start;
	for (size_t i = n; i-- > 0;) {
		uint64_t hole = state_take(in, above), upper = above - hole;
		uint64_t lower = upper - state_take(in, upper);

		if (hole == 0 || lower == upper)
			state_refuse(in);
		set->lower[i] = (struct seqrange){lower, upper};
		above = lower;
	}
}

void dsnmap_save(const struct dsnmap *map, struct state_out *out, uint64_t near)
{
	uint64_t at = near;
	uint32_t ds = 0;

	state_put(out, map->n);
	state_put(out, map->cap);
	for (uint32_t i = 0; i < map->n; i++) {
		const struct dsn_extent *e = &map->extents[i];

		if (i == 0)
			state_put_near(out, e->start, at);
		else
			state_put(out, e->start - at);
		state_put(out, e->end - e->start);
		state_put(out, e->carriers);
		state_put_near(out, e->first_ds, ds);
		at = e->end;
		ds = e->first_ds;
	}
}

static bool extents_room(struct dsnmap *map, struct dsn_budget *budget, size_t n, uint32_t cap)
{
	uint32_t power = EXTENTS_FIRST;

	while (power < cap)
		power *= 2;
	if (cap == 0)
		return n == 0;
	if (power != cap || n > cap || (cap > 64 && budget->used + cap > budget->max))
		return false;
	map->extents = malloc(cap * sizeof(*map->extents));
	if (!map->extents)
		return false;
	map->cap = cap;
	budget->used += cap;
	return true;
}

void dsnmap_load(struct dsnmap *map, struct dsn_budget *budget, struct state_in *in, uint64_t near)
{
	size_t n = state_take_count(in, EXTENTS_MAX);
	uint32_t cap = (uint32_t)state_take(in, EXTENTS_MAX), ds = 0;
	uint64_t at = near;

	*map = (struct dsnmap){0};
	if (in->damaged || !extents_room(map, budget, n, cap)) {
		state_refuse(in);
		return;
	}
	for (size_t i = 0; i < n && !in->damaged; i++) {
		uint64_t start =
			i == 0 ? state_take_near(in, at) : at + state_take(in, UINT64_MAX - at);
		uint64_t end = start + state_take(in, UINT64_MAX - start);
		uint32_t carriers = (uint32_t)state_take(in, DSN_COLLAPSED | (DSN_COLLAPSED - 1));
		uint64_t first_ds = state_take_near(in, ds);

		if (start >= end || first_ds > UINT32_MAX)
			state_refuse(in);
		ds = (uint32_t)first_ds;
		map->extents[map->n++] = (struct dsn_extent){start, end, carriers, ds};
		at = end;
	}
}
