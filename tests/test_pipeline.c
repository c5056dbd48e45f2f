/* SPDX-License-Identifier: MIT
 *
 * test_pipeline.c - the laws over whole captures: the short way equals the long way, kinds add up,
 * the order of files does not matter, bounded tables stay bounded.
 *
 * Runs over fixtures/ and, when it is there, over the captures in MPTCP_AUDIT_SHARED (default
 * ../shared).
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/source.h"
#include "../dissect/pipeline.h"
#include "folders.h"

void suite_pipeline(void);

static void show(void *context, const struct frame *frame)
{
	void **both = context;
	size_t n;

	pipeline_survey(both[0], &source_wans(both[1], &n)[frame->wan], frame);
}

/* Frames in [from, to); those before are read for what they tell. */
struct cut {
	uint64_t from_ns, to_ns;
};

/* Each frame but capture duplicates and unread ones is in exactly one row of the peers, under its
 * traffic and app. */
static void check_peers(const struct ledger *ledger)
{
	for (size_t w = 0; w < ledger->n_wans; w++) {
		const struct ledger_wan *wan = &ledger->wans[w];
		uint64_t frames[TRAFFIC_COUNT][LEDGER_APPS_MAX] = {{0}}, bytes = 0, payload = 0;

		for (size_t i = 0; i < wan->n_cells; i++) {
			const struct ledger_cell *c = &wan->cells[i];

			if (c->kind == KIND_DUPLICATE || c->kind == KIND_UNREAD)
				continue;
			frames[c->traffic][c->app] += c->sum.frames;
			bytes += c->sum.ip_bytes;
			payload += c->sum.payload_bytes;
		}
		for (size_t i = 0; wan->peers && i < wan->peers->n_rows; i++) {
			const struct ledger_peer *row = &wan->peers->rows[i];

			for (int d = 0; d < DIR_COUNT; d++) {
				frames[row->key.traffic][row->key.app] -= row->sum[d].frames;
				bytes -= row->sum[d].ip_bytes;
				payload -= row->sum[d].payload_bytes;
			}
		}
		for (unsigned t = 0; t < TRAFFIC_COUNT; t++)
			for (unsigned a = 0; a < LEDGER_APPS_MAX; a++)
				CU_ASSERT_EQUAL(frames[t][a], 0);
		CU_ASSERT_EQUAL(bytes, 0);
		CU_ASSERT_EQUAL(payload, 0);
	}
}

/* Dissect the captures, in reverse order of names when asked, into a saved ledger. */
static char *ledger_of(const struct captures *c, bool reverse,
                       const struct pipeline_options *options, uint64_t *frames)
{
	struct source_spec specs[FILES_MAX];
	struct source_options none = {0};
	struct source_error error;
	struct ledger ledger;
	struct frame frame;
	char sentence[256];
	char *text = NULL;
	size_t n_wans, n_files, size;

	for (size_t i = 0; i < c->n; i++)
		specs[i] = (struct source_spec){.path = c->paths[reverse ? c->n - 1 - i : i]};
	struct source *source = source_open(specs, c->n, &none, &error);
	if (!source)
		return NULL;
	ledger_init(&ledger);
	struct pipeline *pipeline = pipeline_new(&ledger, options);
	source_survey(source, 1000, show, (void *[]){pipeline, source});
	*frames = 0;
	while (source_next(source, &frame)) {
		pipeline_feed(pipeline, &source_wans(source, &n_wans)[frame.wan],
		              &source_files(source, &n_files)[frame.file], &frame);
		++*frames;
	}
	const struct frame_wan *wans = source_wans(source, &n_wans);
	const struct frame_file *files = source_files(source, &n_files);
	pipeline_finish(pipeline, wans, n_wans, files, n_files);
	CU_ASSERT_PTR_NULL(ledger_check(&ledger, sentence, sizeof(sentence)));
	uint64_t counted = ledger.frames_over_wans;
	for (size_t w = 0; w < ledger.n_wans; w++)
		counted += ledger_sum(&ledger.wans[w], -1, -1, -1, -1).frames;
	CU_ASSERT_EQUAL(counted, *frames);
	check_peers(&ledger);
	FILE *out = open_memstream(&text, &size);
	CU_ASSERT_EQUAL(ledger_save(&ledger, out), 0);
	fclose(out);
	pipeline_free(pipeline);
	ledger_release(&ledger);
	source_close(source);
	return text;
}

static void short_way(const struct captures *c, const char *folder)
{
	struct pipeline_options lazy = {.seed = 7}, plain = {.seed = 7, .long_way = true};
	uint64_t n, m;
	char *a = ledger_of(c, false, &lazy, &n), *b = ledger_of(c, false, &plain, &m);
	bool equal = (!a && !b) || (a && b && strcmp(a, b) == 0);

	if (!equal)
		printf("%s: the short way gives another ledger\n", folder);
	CU_ASSERT(equal);
	free(a);
	free(b);
}

static void test_short_way_equals_long_way(void)
{
	over_all(short_way);
}

static void any_order(const struct captures *c, const char *folder)
{
	struct pipeline_options one = {.seed = 7}, other = {.seed = 99};
	uint64_t n, m;
	char *a = ledger_of(c, false, &one, &n), *b = ledger_of(c, true, &other, &m);
	bool equal = (!a && !b) || (a && b && strcmp(a, b) == 0);

	if (!equal)
		printf("%s: another order of files, another ledger\n", folder);
	CU_ASSERT(equal);
	free(a);
	free(b);
}

static void test_order_of_files(void)
{
	over_all(any_order);
}

/* ---- windows ---- */

static bool window_open(struct source *source, struct ledger *ledger, const struct cut *cut)
{
	struct pipeline_options options = {.seed = 7};
	struct pipeline *pipeline = pipeline_new(ledger, &options);
	size_t n_wans, n_files;
	struct frame frame;
	char sentence[256];
	bool begun = false;

	source_survey(source, 1000, show, (void *[]){pipeline, source});
	while (source_next(source, &frame)) {
		const struct frame_wan *wans = source_wans(source, &n_wans);

		if (!begun && frame.ts_ns >= cut->from_ns)
			begun = pipeline_begin(pipeline, wans, n_wans);
		if (begun && (frame.ts_ns < cut->from_ns || frame.ts_ns >= cut->to_ns))
			continue;
		pipeline_feed(pipeline, &wans[frame.wan],
		              &source_files(source, &n_files)[frame.file], &frame);
	}
	const struct frame_wan *wans = source_wans(source, &n_wans);
	pipeline_finish(pipeline, wans, n_wans, source_files(source, &n_files), n_files);
	CU_ASSERT_PTR_NULL(ledger_check(ledger, sentence, sizeof(sentence)));
	pipeline_free(pipeline);
	return begun;
}

static struct tally window_sum(const struct captures *c, const struct cut *cut, int kind,
                               struct tally *connections)
{
	struct source_spec specs[FILES_MAX];
	struct source_options none = {0};
	struct source_error error;
	struct tally sum = {0};
	struct ledger ledger;

	for (size_t i = 0; i < c->n; i++)
		specs[i] = (struct source_spec){.path = c->paths[i]};
	struct source *source = source_open(specs, c->n, &none, &error);
	if (!source)
		return sum;
	ledger_init(&ledger);
	window_open(source, &ledger, cut);
	for (size_t w = 0; w < ledger.n_wans; w++) {
		struct tally one = ledger_sum(&ledger.wans[w], -1, -1, kind, -1);

		sum.frames += one.frames;
		sum.l2_bytes += one.l2_bytes;
		sum.payload_bytes += one.payload_bytes;
		connections->frames += ledger.rest.wans[w].frames;
	}
	for (size_t i = 0; i < ledger.n_connections; i++)
		for (size_t s = 0; s < ledger.connections[i].n_subflows; s++)
			for (int k = 0; k < KIND_COUNT; k++)
				connections->frames +=
					ledger.connections[i].subflows[s].kinds[k].frames;
	ledger_release(&ledger);
	source_close(source);
	return sum;
}

/* Times of all frames; NULL = they go back in time, or are few. */
static uint64_t *times_of(const struct captures *c, size_t *n)
{
	struct source_spec specs[FILES_MAX];
	struct source_options none = {0};
	struct source_error error;
	size_t room = 1024;
	uint64_t *times = malloc(room * sizeof(*times)), last = 0;
	struct frame frame;

	for (size_t i = 0; i < c->n; i++)
		specs[i] = (struct source_spec){.path = c->paths[i]};
	struct source *source = source_open(specs, c->n, &none, &error);
	for (*n = 0; source && times && source_next(source, &frame); last = frame.ts_ns) {
		if (*n == room)
			times = realloc(times, (room *= 2) * sizeof(*times));
		if (!times || frame.ts_ns < last)
			break;
		times[(*n)++] = frame.ts_ns;
	}
	bool ordered = source && !source_next(source, &frame);
	source_close(source);
	if (ordered && *n >= 10)
		return times;
	free(times);
	return NULL;
}

/* Two windows add up to the whole: frames, bytes, and what connections hold of them. */
static bool cut_at(const struct captures *c, uint64_t at, const struct tally *all,
                   const struct tally *of_whole)
{
	struct cut before = {0, at}, after = {at, UINT64_MAX};
	struct tally of_parts = {0};
	struct tally one = window_sum(c, &before, -1, &of_parts);
	struct tally two = window_sum(c, &after, -1, &of_parts);

	return all->frames == one.frames + two.frames &&
	       all->l2_bytes == one.l2_bytes + two.l2_bytes && of_whole->frames == of_parts.frames;
}

/* The state of the first half was kept: mappings, keys, what was seen before. Only payload that
 * waits for its mapping when the first window ends is counted without it. */
static bool payload_adds_up(const struct captures *c, uint64_t at)
{
	struct cut whole = {0, UINT64_MAX}, before = {0, at}, after = {at, UINT64_MAX};
	struct tally rest = {0};
	uint64_t all = window_sum(c, &whole, KIND_PAYLOAD, &rest).payload_bytes;
	uint64_t halves = window_sum(c, &before, KIND_PAYLOAD, &rest).payload_bytes +
	                  window_sum(c, &after, KIND_PAYLOAD, &rest).payload_bytes;

	return all <= halves + all / 1000 && halves <= all + all / 1000;
}

/* Small captures are cut at every border, large ones in the middle. */
static void windows_add_up(const struct captures *c, const char *folder)
{
	struct cut whole = {0, UINT64_MAX};
	struct tally of_whole = {0};
	size_t n;
	uint64_t *times = times_of(c, &n);

	if (!times)
		return;
	struct tally all = window_sum(c, &whole, -1, &of_whole);
	size_t step = n <= 120 ? 1 : n / 2;
	bool equal = payload_adds_up(c, times[n / 2]);
	for (size_t i = step; i < n && equal; i += step)
		equal = cut_at(c, times[i], &all, &of_whole);
	if (!equal)
		printf("%s: two windows do not add up to the whole\n", folder);
	CU_ASSERT(equal);
	free(times);
}

static void test_windows_add_up(void)
{
	over_all(windows_add_up);
}

void suite_pipeline(void)
{
	CU_pSuite suite = CU_add_suite("pipeline", NULL, NULL);

	CU_ADD_TEST(suite, test_short_way_equals_long_way);
	CU_ADD_TEST(suite, test_order_of_files);
	CU_ADD_TEST(suite, test_windows_add_up);
}
