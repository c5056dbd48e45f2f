/* SPDX-License-Identifier: MIT
 *
 * test_recording.c - spools of our recorder through a source: names, clocks, what is covered, lost
 * and counted.
 *
 * Files are made with the recorder's own blocks (pcapng.h) and notes (quality.h), so that what one
 * side writes is what the other reads. Times are seconds of the story; the stamp of each is true.
 */
#include "../capture/pcapng.h"
#include "../capture/quality.h"
#include "../capture/source.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void suite_recording(void);

#define NS     1000000000ull
#define T0     (1700000000 * NS)
#define BOOTED (T0 - 1000 * NS)
#define HOUR   3600

/* ---- a file in the making ---- */

struct tape {
	uint8_t bytes[65536];
	size_t n;
	uint32_t interfaces, ifindex;
	uint64_t start_s, stored, dropped;
	int64_t behind_s; /* its clock is so much behind the true one */
	const char *boot;
	uint64_t sequence;
};

static uint64_t stamp(const struct tape *t, uint64_t s)
{
	return T0 + s * NS - (uint64_t)t->behind_s * NS;
}

static uint8_t *room(struct tape *t)
{
	if (t->n + PCAPNG_BLOCK_MAX > sizeof(t->bytes))
		abort();
	return t->bytes + t->n;
}

static struct tape *tape_new(uint64_t start_s, uint64_t sequence)
{
	struct tape *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->start_s = start_s;
	t->sequence = sequence;
	t->boot = "0123abcd";
	t->n = pcapng_section(room(t), "machine", "Linux", "mptcp-captured");
	return t;
}

static void describe(struct tape *t, const char *wan, const char *role, uint32_t ifindex,
                     const char *warning)
{
	struct quality_line line, other;
	struct pcapng_interface block = {.name = "eth7", .linktype = LINK_ETHERNET, .n_notes = 1};

	quality_begin(&line, QUALITY_INTERFACE);
	quality_word(&line, "wan", wan);
	if (role)
		quality_word(&line, "role", role);
	quality_word(&line, "boot", t->boot);
	quality_number(&line, "seq", t->sequence);
	quality_signed(&line, "offset_ns", (int64_t)BOOTED - t->behind_s * (int64_t)NS);
	quality_number(&line, "ifindex", ifindex);
	block.notes[0] = line.text;
	if (warning) {
		quality_begin(&other, QUALITY_WARNING);
		quality_word(&other, "code", warning);
		quality_word(&other, "about", "eth7");
		block.notes[block.n_notes++] = other.text;
	}
	t->ifindex = ifindex;
	t->n += pcapng_interface(room(t), &block);
	t->interfaces++;
}

static void tape_frame(struct tape *t, uint64_t s, uint64_t ns)
{
	static const uint8_t data[60] = {1};

	t->n += pcapng_packet(room(t), t->interfaces - 1, stamp(t, s) + ns, data, sizeof(data), 100,
	                      MARK_IN, 0);
	t->stored++;
}

#define NO_COUNTERS UINT64_MAX

/* At `s` the kernel had counted so many frames, of 100 bytes each. */
static void statistics(struct tape *t, uint64_t s, uint64_t kernel, const char *const *notes)
{
	struct quality_line line;
	struct pcapng_statistics block = {
		.interface = t->interfaces - 1,
		.at_ns = stamp(t, s),
		.start_ns = stamp(t, t->start_s),
		.end_ns = stamp(t, s),
		.received = t->stored + t->dropped,
		.dropped_kernel = t->dropped,
	};

	if (kernel != NO_COUNTERS) {
		quality_begin(&line, QUALITY_COUNTERS);
		quality_number(&line, "at_ns", stamp(t, s));
		quality_number(&line, "ifindex", t->ifindex);
		quality_number(&line, "rx_frames", kernel);
		quality_number(&line, "rx_bytes", kernel * 100);
		quality_number(&line, "tx_frames", 0);
		quality_number(&line, "tx_bytes", 0);
		block.notes[block.n_notes++] = line.text;
	}
	for (; notes && *notes; notes++)
		block.notes[block.n_notes++] = *notes;
	t->n += pcapng_statistics(room(t), &block);
}

#define NOTES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define END        "mptcp-captured/1 end reason=stop"

static const char *gap_note(const struct tape *t, const char *state, uint64_t from_s, uint64_t to_s,
                            uint64_t lost)
{
	static struct quality_line lines[4];
	static unsigned turn;
	struct quality_line *line = &lines[turn++ % 4];

	quality_begin(line, QUALITY_GAP);
	quality_word(line, "state", state);
	quality_number(line, "from_ns", stamp(t, from_s));
	if (to_s)
		quality_number(line, "to_ns", stamp(t, to_s));
	if (lost)
		quality_number(line, "lost", lost);
	return line->text;
}

/* ---- a spool ---- */

struct spool {
	char path[64];
	char *names[600];
	unsigned n;
};

static void enter(struct spool *spool)
{
	*spool = (struct spool){.path = "/tmp/test_recording.XXXXXX"};
	if (!mkdtemp(spool->path))
		abort();
}

static char *place(struct spool *spool, const char *name)
{
	char **path = &spool->names[spool->n++];

	if (asprintf(path, "%s/%s", spool->path, name) < 0)
		abort();
	return *path;
}

static const char *store_as(struct spool *spool, struct tape *t, const char *name)
{
	const char *path = place(spool, name);
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(t->bytes, t->n, 1, file) != 1 || fclose(file))
		abort();
	free(t);
	return path;
}

static const char *store(struct spool *spool, struct tape *t, const char *wan)
{
	char name[128];

	snprintf(name, sizeof(name), "%s-%s-%08" PRIu64 "-20260101T000000Z.pcapng", wan, t->boot,
	         t->sequence);
	return store_as(spool, t, name);
}

static void leave(struct spool *spool)
{
	while (spool->n > 0) {
		unlink(spool->names[--spool->n]);
		free(spool->names[spool->n]);
	}
	CU_ASSERT_EQUAL(rmdir(spool->path), 0);
}

struct reading {
	struct source *source;
	struct source_error error;
	struct frame frames[1024]; /* data is not kept */
	size_t n;
};

static void read_as(struct reading *r, const struct source_spec *specs, size_t n)
{
	struct frame frame;

	r->n = 0;
	r->source = source_open(specs, n, NULL, &r->error);
	CU_ASSERT_PTR_NOT_NULL(r->source);
	while (r->source && source_next(r->source, &frame))
		r->frames[r->n++ % 1024] = frame;
}

static void read_spool(struct reading *r, const struct spool *spool)
{
	struct source_spec spec = {.path = spool->path};

	read_as(r, &spec, 1);
}

static const struct frame_wan *wan(const struct reading *r, const char *name)
{
	static const struct frame_recording nothing;
	static const struct frame_wan none = {.name = "(none)", .recording = &nothing};
	size_t n;
	const struct frame_wan *wans = source_wans(r->source, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(wans[i].name, name) == 0 && wans[i].recording)
			return &wans[i];
	CU_FAIL("no such WAN, or it is not our recorder's");
	return &none;
}

static size_t count_wans(const struct reading *r)
{
	size_t n;

	source_wans(r->source, &n);
	return n;
}

static bool span_is(const struct frame_span *span, uint64_t from_s, uint64_t to_s)
{
	return span->from_ns == T0 + from_s * NS && span->to_ns == T0 + to_s * NS;
}

static bool window_is(const struct reading *r, uint64_t from_s, uint64_t to_s)
{
	uint64_t from, to;

	return source_window(r->source, &from, &to) && from == T0 + from_s * NS &&
	       to == T0 + to_s * NS;
}

/* ---- who ---- */

/* A modem that came back is described again: one WAN, by the name its recorder gives it; and by
 * the user's, when he gives one. */
static void test_one_wan(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);
	struct source_spec spec = {.wan = "lte"};

	enter(&spool);
	describe(t, "wan2", "backup", 5, NULL);
	tape_frame(t, 1, 0);
	describe(t, "wan2", "backup", 9, "hw_offload");
	tape_frame(t, 2, 0);
	statistics(t, 10, NO_COUNTERS, NOTES(END));
	spec.path = store(&spool, t, "wan2");
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL(r.n, 2);
	const struct frame_recording *said = wan(&r, "wan2")->recording;
	CU_ASSERT_EQUAL(said->files, 1);
	CU_ASSERT_EQUAL(said->n_roles, 1);
	CU_ASSERT_STRING_EQUAL(said->roles[0], "backup");
	CU_ASSERT_EQUAL(said->n_warnings, 1);
	CU_ASSERT_STRING_EQUAL(said->warnings[0].code, "hw_offload");
	source_close(r.source);
	read_as(&r, &spec, 1);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL(wan(&r, "lte")->recording->n_warnings, 1);
	source_close(r.source);
	leave(&spool);
}

/* Names and roles of strangers: no control characters, no more than a bounded number. */
static void test_hostile_words(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);
	char role[200];

	enter(&spool);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(role, sizeof(role), "role%u\x1b[2J%0100u", i, i);
		describe(t, "wan\x1b[31m1", role, i, role);
	}
	statistics(t, 10, NO_COUNTERS, NOTES(END));
	store(&spool, t, "x");
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	const struct frame_recording *said = wan(&r, "wan?[31m1")->recording;
	CU_ASSERT_EQUAL(said->n_roles, FRAME_ROLES);
	for (unsigned i = 0; i < said->n_roles; i++)
		CU_ASSERT(strlen(said->roles[i]) < FRAME_WORD && !strchr(said->roles[i], '\x1b'));
	CU_ASSERT(said->n_warnings > 0 && said->n_warnings <= FRAME_WARNINGS);
	source_close(r.source);
	leave(&spool);
}

/* ---- when ---- */

/* Until the third file the clock was an hour behind: all is put on the last clock of that boot;
 * another boot keeps its own. */
static void test_clock_set(void)
{
	struct spool spool;
	struct reading r;

	enter(&spool);
	for (unsigned i = 0; i < 4; i++) {
		struct tape *t = tape_new(100 * i, i + 1);

		t->behind_s = i < 2 ? HOUR : i == 3 ? 7 : 0;
		t->boot = i == 3 ? "99999999" : "0123abcd";
		describe(t, "wan1", NULL, 4, NULL);
		if (i == 2) {
			char note[100];

			snprintf(note, sizeof(note),
			         "mptcp-captured/1 step at_ns=%" PRIu64 " by_ns=3600000000000",
			         stamp(t, 200));
			statistics(t, 200, NO_COUNTERS, NOTES(note));
		}
		tape_frame(t, 100 * i + 50, 0);
		statistics(t, 100 * i + 100, NO_COUNTERS, NOTES(END));
		store(&spool, t, "wan1");
	}
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(r.frames[i].ts_ns, T0 + (100 * i + 50) * NS);
	CU_ASSERT_EQUAL(r.frames[3].ts_ns, T0 + (350 - 7) * NS);
	const struct frame_recording *said = wan(&r, "wan1")->recording;
	CU_ASSERT_EQUAL(said->n_steps, 1);
	CU_ASSERT_EQUAL(said->step_notes, 1);
	CU_ASSERT_EQUAL(said->steps[0].at_ns, T0 + 200 * NS);
	CU_ASSERT_EQUAL(said->steps[0].by_ns, HOUR * (int64_t)NS);
	CU_ASSERT_EQUAL(said->n_covers, 1);
	CU_ASSERT_TRUE(span_is(&said->covers[0], 0, 393));
	size_t n;
	const struct frame_file *files = source_files(r.source, &n);
	CU_ASSERT_EQUAL(files[0].shift_ns, HOUR * (int64_t)NS);
	CU_ASSERT_EQUAL(files[2].shift_ns, 0);
	source_close(r.source);
	leave(&spool);
}

/* A clock that nobody set begins with the same time at each boot: the boots come one after the
 * other, of all WANs. */
static void test_boots_of_one_time(void)
{
	static const char *const wans[] = {"wan1", "wan2"};
	struct spool spool;
	struct reading r;
	size_t n;

	enter(&spool);
	for (unsigned boot = 0; boot < 2; boot++) {
		for (unsigned w = 0; w < 2; w++) {
			struct tape *t = tape_new(0, boot + 1);

			t->boot = boot ? "00000000" : "ffffffff";
			describe(t, wans[w], NULL, 4, NULL);
			tape_frame(t, boot ? 1 : 5, w);
			tape_frame(t, 100, w);
			statistics(t, 200, NO_COUNTERS, NOTES(END));
			store(&spool, t, wans[w]);
		}
	}
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(strstr(source_files(r.source, &n)[r.frames[i].file].name,
		                       "ffffffff") != NULL,
		                i < 4);
	source_close(r.source);
	leave(&spool);
}

/* Frames or not, a recorder that was there covers its time; the series is one stretch. */
static void test_covered_time(void)
{
	struct spool spool;
	struct reading r;

	enter(&spool);
	for (unsigned i = 0; i < 3; i++) {
		struct tape *one = tape_new(100 * i, i + 1), *other = tape_new(100 * i, i + 1);

		describe(one, "wan1", NULL, 4, NULL);
		statistics(one, 100 * i + 1, NO_COUNTERS, NULL);
		tape_frame(one, 100 * i + 30, 0);
		tape_frame(one, 100 * i + 60, 0);
		statistics(one, 100 * i + 100, NO_COUNTERS, NOTES(END));
		store(&spool, one, "wan1");
		describe(other, "wan2", NULL, 5, NULL);
		statistics(other, 100 * i + 100, NO_COUNTERS, NOTES(END));
		store(&spool, other, "wan2");
	}
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL(r.n, 6);
	for (size_t i = 0; i < r.n; i++)
		CU_ASSERT_TRUE(r.frames[i].shared);
	CU_ASSERT_TRUE(window_is(&r, 0, 300));
	CU_ASSERT_EQUAL(wan(&r, "wan2")->recording->n_covers, 1);
	CU_ASSERT_TRUE(span_is(&wan(&r, "wan2")->recording->covers[0], 0, 300));
	size_t n;
	const struct frame_file *files = source_files(r.source, &n);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_STRING_EQUAL(files[i].message, ""); /* empty is no flaw */
	source_close(r.source);
	leave(&spool);
}

/* dumpcap's statistics tell when it was started; only its frames bound what it captured. */
static void test_statistics_of_others(void)
{
	struct spool spool;
	struct reading r;
	struct pcapng_interface interface = {.name = "eth0", .linktype = LINK_ETHERNET};

	enter(&spool);
	for (unsigned i = 0; i < 2; i++) {
		struct tape *t = tape_new(0, i);

		t->n += pcapng_interface(room(t), &interface);
		t->interfaces = 1;
		tape_frame(t, 10 + i, 0);
		tape_frame(t, 20 + i, 0);
		statistics(t, 100, NO_COUNTERS, NULL);
		store_as(&spool, t, i ? "b.pcapng" : "a.pcapng");
	}
	struct source_spec specs[] = {{.path = spool.names[0], .wan = "a"},
	                              {.path = spool.names[1], .wan = "b"}};
	read_as(&r, specs, 2);
	CU_ASSERT_TRUE(window_is(&r, 11, 20));
	source_close(r.source);
	leave(&spool);
}

/* What is told again and again, and longer each time, is one gap; a hole is where nothing is told.
 */
static void test_gaps(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);

	enter(&spool);
	describe(t, "wan2", NULL, 5, NULL);
	statistics(t, 60, NO_COUNTERS, NOTES(gap_note(t, "down", 50, 0, 0)));
	statistics(t, 100, NO_COUNTERS, NOTES(gap_note(t, "down", 50, 0, 0), END));
	store(&spool, t, "wan2");
	t = tape_new(100, 2);
	describe(t, "wan2", NULL, 5, NULL);
	statistics(t, 130, NO_COUNTERS,
	           NOTES(gap_note(t, "down", 50, 120, 0), gap_note(t, "absent", 120, 125, 0)));
	statistics(t, 170, NO_COUNTERS, NOTES(gap_note(t, "suspended", 140, 150, 7)));
	statistics(t, 180, NO_COUNTERS,
	           NOTES(gap_note(t, "suspended", 140, 150, 7),
	                 gap_note(t, "suspended", 150, 160, 2),
	                 gap_note(t, "asleep", 160, 170, 0)));
	store(&spool, t, "wan2");
	read_spool(&r, &spool);
	const struct frame_wan *row = wan(&r, "wan2");
	const struct frame_recording *said = row->recording;
	CU_ASSERT_EQUAL_FATAL(said->n_gaps, 3);
	CU_ASSERT_TRUE(span_is(&said->gaps[0], 50, 120) && said->gaps[0].state == STATE_DOWN);
	CU_ASSERT_TRUE(span_is(&said->gaps[1], 120, 125) && said->gaps[1].state == STATE_ABSENT);
	CU_ASSERT_TRUE(span_is(&said->gaps[2], 140, 160) && said->gaps[2].lost == 9);
	CU_ASSERT_EQUAL(row->dropped, 9);
	CU_ASSERT_EQUAL(said->unfinished, 1); /* the second lacks its end */
	source_close(r.source);
	leave(&spool);
}

/* More gaps than a list holds: the earliest stay, the others are in the sums. */
static void test_many_gaps(void)
{
	enum { N = FRAME_SPANS_MAX + 200, PER_FILE = 100 };
	struct spool spool;
	struct reading r;

	enter(&spool);
	for (unsigned i = 0; i < N; i += PER_FILE) {
		struct tape *t = tape_new(10 * i, i);

		describe(t, "wan2", NULL, 5, NULL);
		for (unsigned k = i; k < i + PER_FILE && k < N; k++)
			statistics(t, 10 * k + 5, NO_COUNTERS,
			           NOTES(gap_note(t, "down", 10 * k, 10 * k + 2, 0)));
		store(&spool, t, "wan2");
	}
	read_spool(&r, &spool);
	const struct frame_recording *said = wan(&r, "wan2")->recording;
	CU_ASSERT_EQUAL(said->n_gaps, FRAME_SPANS_MAX);
	CU_ASSERT_EQUAL(said->more_gaps[STATE_DOWN], N - FRAME_SPANS_MAX);
	CU_ASSERT_EQUAL(said->more_gaps_ns[STATE_DOWN], (N - FRAME_SPANS_MAX) * 2 * NS);
	CU_ASSERT_TRUE(span_is(&said->gaps[FRAME_SPANS_MAX - 1], 10 * (FRAME_SPANS_MAX - 1),
	                       10 * (FRAME_SPANS_MAX - 1) + 2));
	source_close(r.source);
	leave(&spool);
}

/* ---- how many ---- */

/* A later block of the WAN replaces an earlier one, also when it was described anew meanwhile. */
static void test_losses(void)
{
	struct spool spool;
	struct reading r;

	enter(&spool);
	for (unsigned i = 0; i < 2; i++) {
		struct tape *t = tape_new(100 * i, i + 1);

		describe(t, "wan1", NULL, 4, NULL);
		tape_frame(t, 100 * i + 1, 0);
		t->dropped = 3;
		statistics(t, 100 * i + 10, NO_COUNTERS, NULL);
		describe(t, "wan1", NULL, 4, NULL);
		t->dropped = 5;
		statistics(t, 100 * i + 100, NO_COUNTERS, NOTES(END));
		store(&spool, t, "wan1");
	}
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL(wan(&r, "wan1")->dropped, 10);
	CU_ASSERT_TRUE(wan(&r, "wan1")->drops_known);
	source_close(r.source);
	leave(&spool);
}

/* From the first note of the kernel's counters to the last: a frame that stands behind a note but
 * passed before counts before; another device begins anew. */
static void test_counters(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);

	enter(&spool);
	describe(t, "wan1", NULL, 4, NULL);
	tape_frame(t, 1, 0); /* before the first note */
	statistics(t, 10, 1001, NULL);
	tape_frame(t, 9, 0); /* was on its way when the note was written */
	tape_frame(t, 11, 0);
	tape_frame(t, 12, 0);
	statistics(t, 60, 1005, NULL);
	tape_frame(t, 59, 0); /* so was this one */
	tape_frame(t, 61, 0);
	t->dropped = 1;
	statistics(t, 100, 1008, NULL);
	tape_frame(t, 99, 0);  /* late once more: the kernel had counted it */
	tape_frame(t, 101, 0); /* after the last note of this device */
	describe(t, "wan1", NULL, 8, NULL);
	statistics(t, 110, 3000, NULL);
	tape_frame(t, 111, 0);
	statistics(t, 120, 3001, NOTES(END));
	store(&spool, t, "wan1");
	read_spool(&r, &spool);
	const struct frame_recording *said = wan(&r, "wan1")->recording;
	CU_ASSERT_EQUAL(said->kernel_frames, 7 + 1);
	CU_ASSERT_EQUAL(said->kernel_bytes, 800);
	CU_ASSERT_EQUAL(said->counted_frames, 5 + 1);
	CU_ASSERT_EQUAL(said->counted_bytes, 600);
	CU_ASSERT_EQUAL(said->counted_dropped, 1);
	CU_ASSERT_EQUAL(said->counted_spans, 2);
	source_close(r.source);
	leave(&spool);
}

#define ROTATE "mptcp-captured/1 end reason=rotate"

/* Under load frames of one file's time stand in the next: files that follow one another are one
 * stretch. Its end is sure where the recorder stopped; else the last note may count frames that are
 * not there yet. */
static void check_stretch(const char *end, uint64_t sequence, bool other_device, uint64_t kernel,
                          uint64_t counted, uint64_t spans)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);

	enter(&spool);
	describe(t, "wan1", NULL, 4, NULL);
	statistics(t, 10, 1000, NULL);
	tape_frame(t, 11, 0);
	statistics(t, 60, 1002, NULL);
	tape_frame(t, 61, 0);
	t->dropped = 1;
	statistics(t, 100, 1006, NOTES(ROTATE)); /* of these, two were dropped or are late */
	t->dropped = 2;
	statistics(t, 100, NO_COUNTERS, NOTES(ROTATE));
	store(&spool, t, "wan1");
	t = tape_new(100, sequence);
	describe(t, "wan1", NULL, other_device ? 5 : 4, NULL);
	tape_frame(t, 99, 0);
	statistics(t, 100, 1006, NULL);
	tape_frame(t, 99, 5);
	tape_frame(t, 101, 0);
	statistics(t, 160, 1007, NULL);
	statistics(t, 200, 1009, end ? NOTES(end) : NULL);
	store(&spool, t, "wan1");
	read_spool(&r, &spool);
	const struct frame_recording *said = wan(&r, "wan1")->recording;
	CU_ASSERT_EQUAL(said->kernel_frames, kernel);
	CU_ASSERT_EQUAL(said->counted_frames + said->counted_dropped, counted);
	CU_ASSERT_EQUAL(said->counted_spans, spans);
	source_close(r.source);
	leave(&spool);
}

static void test_counters_across_files(void)
{
	/* 1000 at 10 s to 1007 at 160 s: all of them, though two files hold them */
	check_stretch(NULL, 2, false, 7, 7, 1);
	check_stretch(ROTATE, 2, false, 7, 7, 1);
	/* stopped: what the last note counted and nobody has is missing */
	check_stretch(END, 2, false, 9, 7, 1);
	/* a file lacks, or it is another device: two stretches, the first ends at 60 s */
	check_stretch(NULL, 3, false, 2 + 1, 1 + 1, 2);
	check_stretch(NULL, 2, true, 2 + 1, 1 + 1, 2);
}

/* ---- while it is written ---- */

/* The last block of a file that is being written may be cut anywhere: no flaw. */
static void test_growing(void)
{
	static const char name[] = "wan1-0123abcd-00000001-20260101T000000Z.pcapng.part";
	struct tape *whole = tape_new(0, 1);
	struct reading r;
	size_t n;

	describe(whole, "wan1", NULL, 4, NULL);
	statistics(whole, 1, NO_COUNTERS, NULL);
	tape_frame(whole, 2, 0);
	size_t sure = whole->n;
	tape_frame(whole, 3, 0);
	tape_frame(whole, 4, 0);
	for (size_t length = sure; length <= whole->n; length++) {
		struct spool spool;
		struct tape *t = malloc(sizeof(*t));

		if (!t)
			abort();
		memcpy(t, whole, sizeof(*t));
		t->n = length;
		enter(&spool);
		store_as(&spool, t, name);
		read_spool(&r, &spool);
		CU_ASSERT(r.n >= 1 && r.n <= 3);
		const struct frame_file *file = &source_files(r.source, &n)[0];
		CU_ASSERT_TRUE(file->growing && file->state == FILE_OK && file->recorded);
		CU_ASSERT_EQUAL(wan(&r, "wan1")->recording->unfinished, 1);
		CU_ASSERT_TRUE(window_is(&r, 0, 1 + r.n));
		source_close(r.source);
		leave(&spool);
	}
	free(whole);
}

/* It may be completed, and lose its ending, between the look into the directory and its turn. */
static void test_completed_meanwhile(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);
	char *part;

	enter(&spool);
	describe(t, "wan1", NULL, 4, NULL);
	tape_frame(t, 2, 0);
	statistics(t, 10, NO_COUNTERS, NOTES(END));
	const char *path = store(&spool, t, "wan1");
	if (asprintf(&part, "%s.part", path) < 0)
		abort();
	read_as(&r, &(struct source_spec){.path = part}, 1);
	size_t n;
	CU_ASSERT_EQUAL(r.n, 1);
	CU_ASSERT_FALSE(source_files(r.source, &n)[0].growing);
	source_close(r.source);
	free(part);
	leave(&spool);
}

/* A series of hundreds of files is read with a handful open at a time. */
static void test_many_files(void)
{
	enum { N = 500 };
	struct rlimit before, few = {.rlim_cur = 40};
	struct spool spool;
	struct reading r;

	enter(&spool);
	for (unsigned i = 0; i < N; i++) {
		struct tape *t = tape_new(10 * i, i + 1);

		describe(t, i % 2 ? "wan1" : "wan2", NULL, 4, NULL);
		tape_frame(t, 10 * i, 5);
		statistics(t, 10 * i + 20, NO_COUNTERS, NOTES(END));
		store(&spool, t, i % 2 ? "wan1" : "wan2");
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	read_spool(&r, &spool);
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(r.n, N);
	for (size_t i = 0; i < r.n; i++)
		CU_ASSERT_EQUAL(r.frames[i].ts_ns, T0 + 10 * i * NS + 5);
	CU_ASSERT_EQUAL(wan(&r, "wan1")->recording->n_covers, 1);
	CU_ASSERT_EQUAL(wan(&r, "wan1")->recording->missing, N / 2 - 1);
	source_close(r.source);
	leave(&spool);
}

/* ---- frames ---- */

/* The recorder knows the size of the segments in a super-frame; other comments say nothing. */
static void test_segment_size(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);
	static const uint8_t data[60];

	enter(&spool);
	describe(t, "wan1", NULL, 4, NULL);
	for (unsigned i = 0; i < 3; i++)
		t->n += pcapng_packet(room(t), 0, stamp(t, i), data, 60, 14000, MARK_OUT,
		                      i == 0   ? 1448
		                      : i == 1 ? 65535
		                               : 0);
	store(&spool, t, "wan1");
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL_FATAL(r.n, 3);
	CU_ASSERT_EQUAL(r.frames[0].segment_size, 1448);
	CU_ASSERT_EQUAL(r.frames[1].segment_size, 65535);
	CU_ASSERT_EQUAL(r.frames[2].segment_size, 0);
	CU_ASSERT_EQUAL(r.frames[0].mark, MARK_OUT);
	source_close(r.source);
	leave(&spool);
}

/* A stream goes on when the clock is set: its frames stay in order, by the clock it began with. */
static void test_stream_across_a_step(void)
{
	struct spool spool;
	struct reading r;
	struct tape *t = tape_new(0, 1);

	enter(&spool);
	t->behind_s = HOUR;
	describe(t, "wan1", NULL, 4, NULL);
	statistics(t, 1, 100, NULL);
	tape_frame(t, 10, 0);
	t->behind_s = 0;
	describe(t, "wan1", NULL, 4, NULL);
	statistics(t, 20, 101, NULL);
	tape_frame(t, 30, 0);
	statistics(t, 40, 102, NOTES(END));
	store_as(&spool, t, "stream.pcapng");
	read_spool(&r, &spool);
	CU_ASSERT_EQUAL_FATAL(r.n, 2);
	CU_ASSERT_EQUAL(r.frames[1].ts_ns - r.frames[0].ts_ns, 20 * NS);
	const struct frame_recording *said = wan(&r, "wan1")->recording;
	CU_ASSERT_EQUAL(said->n_covers, 1);
	CU_ASSERT_EQUAL(said->covers[0].to_ns - said->covers[0].from_ns, 40 * NS);
	CU_ASSERT_EQUAL(said->kernel_frames, 1); /* none is compared across the step */
	CU_ASSERT_EQUAL(said->counted_frames, 1);
	source_close(r.source);
	leave(&spool);
}

void suite_recording(void)
{
	CU_pSuite suite = CU_add_suite("recording", NULL, NULL);

	CU_ADD_TEST(suite, test_one_wan);
	CU_ADD_TEST(suite, test_hostile_words);
	CU_ADD_TEST(suite, test_clock_set);
	CU_ADD_TEST(suite, test_boots_of_one_time);
	CU_ADD_TEST(suite, test_covered_time);
	CU_ADD_TEST(suite, test_statistics_of_others);
	CU_ADD_TEST(suite, test_gaps);
	CU_ADD_TEST(suite, test_many_gaps);
	CU_ADD_TEST(suite, test_losses);
	CU_ADD_TEST(suite, test_counters);
	CU_ADD_TEST(suite, test_counters_across_files);
	CU_ADD_TEST(suite, test_growing);
	CU_ADD_TEST(suite, test_completed_meanwhile);
	CU_ADD_TEST(suite, test_many_files);
	CU_ADD_TEST(suite, test_segment_size);
	CU_ADD_TEST(suite, test_stream_across_a_step);
}
