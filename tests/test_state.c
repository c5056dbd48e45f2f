/* SPDX-License-Identifier: MIT
 *
 * test_state.c - law 3: a capture dissected in pieces, the state carried over in a file, gives the
 * ledger of the whole.
 *
 * Runs over fixtures/ and, when it is there, over the captures in MPTCP_AUDIT_SHARED (default
 * ../shared): cut at random, small ones at every border between two packets. All pieces come from
 * one source, so that the marks of the time that all captures share are those of the whole: files
 * that are read one by one have each their own. What the source says of files and of the recorder
 * goes to the last piece; that holes of the record are found over a cut has a test of its own.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/source.h"
#include "../dissect/pipeline.h"
#include "../dissect/state.h"
#include "folders.h"

void suite_state(void);

enum {
	CUTS_MAX = 8,
	SMALL = 400, /* frames; such captures are cut at every border */
	ROUNDS = 2,  /* of random cuts of larger ones */
	LARGE = 60000,
};

static void show(void *context, const struct frame *frame)
{
	void **both = context;
	size_t n;

	pipeline_survey(both[0], &source_wans(both[1], &n)[frame->wan], frame);
}

static struct source *source_of(const struct captures *c)
{
	struct source_spec specs[FILES_MAX];
	struct source_options none = {0};
	struct source_error error;

	for (size_t i = 0; i < c->n; i++)
		specs[i] = (struct source_spec){.path = c->paths[i]};
	return source_open(specs, c->n, &none, &error);
}

static char *text_of(struct ledger *ledger)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_EQUAL(ledger_save(ledger, out), 0);
	fclose(out);
	return text;
}

/* ---- a dissection in pieces ---- */

struct pieces {
	const struct pipeline_options *options;
	struct source *source;
	struct pipeline *pipeline;
	struct ledger ledger; /* of this piece */
	struct ledger sum;    /* of all pieces before */
	uint64_t frames;
	size_t largest_state;
};

/* WANs as a piece knows them that is not the last: what the capture lost is told at the end. */
static struct frame_wan *wans_before_end(const struct source *source, size_t *n)
{
	const struct frame_wan *wans = source_wans(source, n);
	struct frame_wan *rows = calloc(*n + 1, sizeof(*rows));

	memcpy(rows, wans, *n * sizeof(*rows));
	for (size_t i = 0; i < *n; i++) {
		rows[i].dropped = 0;
		rows[i].drops_known = true;
		rows[i].recording = NULL;
	}
	return rows;
}

static void add_up(struct pieces *p)
{
	char sentence[256];

	CU_ASSERT_PTR_NULL(ledger_check(&p->ledger, sentence, sizeof(sentence)));
	CU_ASSERT(ledger_sort(&p->ledger));
	CU_ASSERT(ledger_merge(&p->sum, &p->ledger));
	ledger_release(&p->ledger);
}

/* The piece ends, another begins. The state is written twice: what was taken in says the same. */
static void cut(struct pieces *p)
{
	char *state = NULL, message[200] = "";
	size_t size, n;
	struct frame_wan *wans = wans_before_end(p->source, &n);
	FILE *file = open_memstream(&state, &size);

	CU_ASSERT_EQUAL(pipeline_suspend(p->pipeline, wans, n, NULL, 0, file), 0);
	fclose(file);
	free(wans);
	pipeline_free(p->pipeline);
	add_up(p);
	ledger_init(&p->ledger);
	file = fmemopen(state, size, "r");
	p->pipeline = pipeline_resume(&p->ledger, p->options, file, message, sizeof(message));
	fclose(file);
	if (!p->pipeline)
		printf("a state of ours %s\n", message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->pipeline);
	if (size > p->largest_state)
		p->largest_state = size;
	free(state);
	if (p->frames == 0)
		source_survey(p->source, 1000, show, (void *[]){p->pipeline, p->source});
}

/* Cut before the frames of these numbers (ascending). The saved ledger, or NULL. */
static char *ledger_of(const struct captures *c, const struct pipeline_options *options,
                       const uint64_t *cuts, size_t n_cuts, uint64_t *frames)
{
	struct pieces p = {.options = options, .source = source_of(c)};
	struct frame frame;
	size_t at = 0, n_wans, n_files;

	if (!p.source)
		return NULL;
	ledger_init(&p.ledger);
	ledger_init(&p.sum);
	p.pipeline = pipeline_new(&p.ledger, options);
	source_survey(p.source, 1000, show, (void *[]){p.pipeline, p.source});
	while (source_next(p.source, &frame)) {
		for (; at < n_cuts && cuts[at] == p.frames; at++)
			cut(&p);
		pipeline_feed(p.pipeline, &source_wans(p.source, &n_wans)[frame.wan],
		              &source_files(p.source, &n_files)[frame.file], &frame);
		p.frames++;
	}
	for (; at < n_cuts; at++)
		cut(&p);
	const struct frame_wan *wans = source_wans(p.source, &n_wans);
	pipeline_finish(p.pipeline, wans, n_wans, source_files(p.source, &n_files), n_files);
	pipeline_free(p.pipeline);
	add_up(&p);
	char *text = text_of(&p.sum);
	ledger_release(&p.sum);
	source_close(p.source);
	if (frames)
		*frames = p.frames;
	return text;
}

static bool same(const char *whole, const struct captures *c,
                 const struct pipeline_options *options, const uint64_t *cuts, size_t n)
{
	char *sum = ledger_of(c, options, cuts, n, NULL);
	bool equal = whole && sum && strcmp(whole, sum) == 0;

	free(sum);
	return equal;
}

/* A generator of our own, so that a failure comes again. */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int by_number(const void *a, const void *b)
{
	uint64_t l = *(const uint64_t *)a, r = *(const uint64_t *)b;

	return (l > r) - (l < r);
}

static void random_cuts(const struct captures *c, const char *folder)
{
	static const struct pipeline_options options = {.seed = 7, .no_ndpi = true};
	uint64_t frames = 0, cuts[CUTS_MAX], seed = 88172645463325252ull;
	char *whole = ledger_of(c, &options, NULL, 0, &frames);

	for (int round = 0; whole && round < ROUNDS && frames <= LARGE; round++) {
		for (size_t i = 0; i < CUTS_MAX; i++)
			cuts[i] = next_random(&seed) % (frames + 1);
		qsort(cuts, CUTS_MAX, sizeof(cuts[0]), by_number);
		bool equal = same(whole, c, &options, cuts, CUTS_MAX);
		if (!equal)
			printf("%s: pieces do not add up to the whole, round %d\n", folder, round);
		CU_ASSERT(equal);
	}
	free(whole);
}

static void test_random_cuts(void)
{
	over_all(random_cuts);
}

static void every_border(const struct captures *c, const char *folder)
{
	static const struct pipeline_options options = {.seed = 7, .no_ndpi = true};
	uint64_t frames = 0;
	char *whole = ledger_of(c, &options, NULL, 0, &frames);

	for (uint64_t at = 0; whole && frames <= SMALL && at <= frames; at++) {
		bool equal = same(whole, c, &options, &at, 1);

		if (!equal)
			printf("%s: cut before frame %llu, another ledger\n", folder,
			       (unsigned long long)at + 1);
		CU_ASSERT(equal);
		if (!equal)
			break;
	}
	free(whole);
}

static void test_every_border(void)
{
	over_all(every_border);
}

/* ---- the bytes ---- */

static const struct pipeline_options plain = {.seed = 7, .no_ndpi = true};

/* The state in the middle of a fixture: two WANs, frames that wait, copies. */
static char *middle_of(const char *folder, size_t *size)
{
	struct captures captures;
	struct ledger ledger;
	struct frame frame;
	char *state = NULL;
	size_t n;

	captures_of(&captures, folder);
	struct source *source = source_of(&captures);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	ledger_init(&ledger);
	struct pipeline *pipeline = pipeline_new(&ledger, &plain);
	for (unsigned i = 0; i < 60 && source_next(source, &frame); i++)
		pipeline_feed(pipeline, &source_wans(source, &n)[frame.wan],
		              &source_files(source, &n)[frame.file], &frame);
	FILE *file = open_memstream(&state, size);
	const struct frame_wan *wans = source_wans(source, &n);
	CU_ASSERT_EQUAL(pipeline_suspend(pipeline, wans, n, NULL, 0, file), 0);
	fclose(file);
	pipeline_free(pipeline);
	ledger_release(&ledger);
	source_close(source);
	return state;
}

/* Taken in from `bytes`, and given out again: NULL when it was refused. */
static char *again(const char *bytes, size_t n, size_t *size, char message[200])
{
	FILE *file = fmemopen((void *)(uintptr_t)bytes, n, "r");
	struct ledger ledger;
	char *state = NULL;

	ledger_init(&ledger);
	struct pipeline *pipeline = pipeline_resume(&ledger, &plain, file, message, 200);
	fclose(file);
	if (!pipeline)
		return NULL;
	file = open_memstream(&state, size);
	CU_ASSERT_EQUAL(pipeline_suspend(pipeline, NULL, 0, NULL, 0, file), 0);
	fclose(file);
	pipeline_free(pipeline);
	ledger_release(&ledger);
	return state;
}

/* A header that holds before these bytes. */
static char *wrapped(const char *payload, size_t n, size_t *size)
{
	struct state_out out = {0};
	char *text = NULL;
	FILE *file = open_memstream(&text, size);

	state_put_bytes(&out, payload, n);
	CU_ASSERT_EQUAL(state_write(&out, file), 0);
	fclose(file);
	state_out_release(&out);
	return text;
}

static const char *const folders[] = {"fixtures/backup-idle", "fixtures/ipv6",
                                      "fixtures/time-backwards", "fixtures/duplicates"};

static void test_same_bytes(void)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char message[200] = "", *state, *other;
		size_t n, m = 0;

		state = middle_of(folders[i], &n);
		other = again(state, n, &m, message);
		CU_ASSERT(other && n == m && memcmp(state, other, n) == 0);
		free(state);
		free(other);
	}
}

enum { HEADER_BYTES = 24 };

/* A payload cut short is refused at any length, whatever the header says of it. */
static void test_every_prefix(void)
{
	size_t n, size, m;
	char message[200], *state = middle_of(folders[0], &n);

	for (size_t len = 0; len + HEADER_BYTES < n; len++) {
		char *part = wrapped(state + HEADER_BYTES, len, &size);

		CU_ASSERT_PTR_NULL(again(part, size, &m, message));
		CU_ASSERT(strncmp(message, "is damaged", 10) == 0);
		free(part);
	}
	free(state);
}

/* What a spoilt byte becomes is refused, or a state that is whole: it goes out and comes in again.
 */
static void test_every_byte(void)
{
	size_t n, size, m, k;
	char message[200], *state = middle_of(folders[0], &n);

	for (size_t at = HEADER_BYTES; at < n; at++)
		for (int by = 1; by < 256; by = by * 3 + 1) {
			char *spoilt, *taken, *more;

			state[at] ^= (char)by;
			spoilt = wrapped(state + HEADER_BYTES, n - HEADER_BYTES, &size);
			state[at] ^= (char)by;
			taken = again(spoilt, size, &m, message);
			more = taken ? again(taken, m, &k, message) : NULL;
			CU_ASSERT(!taken || (more && m == k && memcmp(taken, more, m) == 0));
			free(spoilt);
			free(taken);
			free(more);
		}
	free(state);
}

/* Numbers at the ends of their range, far from and close to what they are measured by. */
static void test_numbers(void)
{
	static const uint64_t numbers[] = {0,
	                                   1,
	                                   2,
	                                   127,
	                                   128,
	                                   UINT32_MAX,
	                                   INT64_MAX,
	                                   (uint64_t)INT64_MAX + 1,
	                                   UINT64_MAX - 1,
	                                   UINT64_MAX};
	const size_t count = sizeof(numbers) / sizeof(numbers[0]);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			struct state_out out = {0};

			state_put_near(&out, numbers[i], numbers[k]);
			state_put(&out, numbers[i]);
			struct state_in in = {.bytes = bytes_of(out.data, out.n)};
			CU_ASSERT_EQUAL(state_take_near(&in, numbers[k]), numbers[i]);
			CU_ASSERT_EQUAL(state_take(&in, UINT64_MAX), numbers[i]);
			CU_ASSERT(!in.damaged && bytes_left(&in.bytes) == 0);
			CU_ASSERT_EQUAL(state_take(&in, 1), 0);
			CU_ASSERT(in.damaged);
			state_out_release(&out);
		}
}

void suite_state(void)
{
	CU_pSuite suite = CU_add_suite("state", NULL, NULL);

	CU_ADD_TEST(suite, test_numbers);
	CU_ADD_TEST(suite, test_same_bytes);
	CU_ADD_TEST(suite, test_every_prefix);
	CU_ADD_TEST(suite, test_every_byte);
	CU_ADD_TEST(suite, test_random_cuts);
	CU_ADD_TEST(suite, test_every_border);
}
