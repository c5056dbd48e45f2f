/* SPDX-License-Identifier: MIT
 *
 * test_spool.c - the ring of files: names, limits against a model, repair of every cut, clocks that
 * jump, disks that are full, and deaths in the middle of writing.
 *
 * Real directories and real file systems; the oracle of what a file holds is the number in each
 * frame, that of the limits is what stat() says.
 */
#include "spool_lab.h"

void suite_spool(void);

/* ---- names ---- */

static void test_names(void)
{
	static const struct {
		const char *wan, *want;
	} wans[] = {
		{"wwan0", "wwan0"},
		{"eth1.35", "eth1.35"},
		{"a-b", "a-b"},
		{"", NULL},
		{"..", "%2E."},
		{"-rf", "%2Drf"},
		{"../../etc/x", "%2E.%2F..%2Fetc%2Fx"},
		{"a b\n\xff%", "a%20b%0A%FF%25"},
	};
	char wan[SPOOL_WAN], many[200], text[SPOOL_NAME];
	struct spool_name name = {.wan = "x", .boot = "0123abcd", .sequence = 7, .packed = true};

	for (size_t i = 0; i < sizeof(wans) / sizeof(*wans); i++) {
		CU_ASSERT_EQUAL(spool_name_wan(wan, wans[i].wan), wans[i].want != NULL);
		if (wans[i].want)
			CU_ASSERT_STRING_EQUAL(wan, wans[i].want);
	}
	memset(many, 'x', sizeof(many));
	many[199] = '\0';
	CU_ASSERT_FALSE(spool_name_wan(wan, many));

	name.real_s = 951782400 + 86399; /* 2000-02-29 */
	CU_ASSERT(spool_name_build(text, &name));
	CU_ASSERT_STRING_EQUAL(text, "x-0123abcd-00000007-20000229T235959Z.pcapng.zst");
	name.real_s = 253402300799; /* the last that has a name */
	CU_ASSERT(spool_name_build(text, &name));
	CU_ASSERT_STRING_EQUAL(text, "x-0123abcd-00000007-99991231T235959Z.pcapng.zst");
	name.real_s++;
	CU_ASSERT_FALSE(spool_name_build(text, &name));
	name.real_s = 0;
	name.sequence = 100000000;
	CU_ASSERT_FALSE(spool_name_build(text, &name));
}

/* Each day of 130 years there and back, against the C library. */
static void test_days(void)
{
	struct spool_name name = {.wan = "x", .boot = "0123abcd"}, back;
	char text[SPOOL_NAME], day[32];
	unsigned wrong = 0;

	for (uint64_t s = 0; s < 130 * 366 * 86400ull; s += 86400 + 3607) {
		time_t at = (time_t)s;
		struct tm tm;
		name.real_s = s;
		spool_name_build(text, &name);
		strftime(day, sizeof(day), "%Y%m%dT%H%M%SZ", gmtime_r(&at, &tm));
		wrong += strstr(text, day) == NULL;
		wrong += !spool_name_parse(&back, text) || back.real_s != s;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void test_strange_names(void)
{
	static const char good[] = "a-01234567-00000001-20260101T000000Z-01234567-00000002-"
				   "20260102T030405Z.pcapng.zst.part";
	static const char *const bad[] = {
		"",
		".part",
		"a.pcapng",
		"-01234567-00000001-20260101T000000Z.pcapng",
		".a-01234567-00000001-20260101T000000Z.pcapng",
		"a-01234567-00000001-20260231T000000Z.pcapng", /* no such day */
		"a-01234567-00000001-20260101T240000Z.pcapng",
		"a-01234567-00000001-20260101T000060Z.pcapng",
		"a-01234567-00000001-20261301T000000Z.pcapng",
		"a-0123456g-00000001-20260101T000000Z.pcapng",
		"a-0123456A-00000001-20260101T000000Z.pcapng",
		"a-01234567-0000001-20260101T000000Z.pcapng",
		"a-01234567-00000001-20260101T000000Z.pcap",
		"a-01234567-00000001-20260101T000000Z.part.pcapng",
		"a b-01234567-00000001-20260101T000000Z.pcapng",
		"a/b-01234567-00000001-20260101T000000Z.pcapng",
	};
	char text[sizeof(good)], again[SPOOL_NAME];
	struct spool_name name;

	CU_ASSERT(spool_name_parse(&name, good));
	CU_ASSERT_STRING_EQUAL(name.wan, "a-01234567-00000001-20260101T000000Z");
	CU_ASSERT(name.sequence == 2 && name.packed && name.part);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(spool_name_parse(&name, bad[i]));
	/* whatever byte is in whatever place: refused, or exactly what build gives */
	for (unsigned n = 0; n < (sizeof(good) - 1) * 256; n++) {
		memcpy(text, good, sizeof(good));
		text[n / 256] = (char)(n % 256);
		if (spool_name_parse(&name, text) &&
		    (!spool_name_build(again, &name) || strcmp(again, text)))
			CU_FAIL("a name that is not the one that was built");
	}
}

/* ---- the life of a file ---- */

static void test_life(void)
{
	struct lab lab;
	char part[SPOOL_NAME] = "a-0123abcd-00000001-20231114T221320Z.pcapng.part";
	struct stat st;

	lab_init(&lab);
	CU_ASSERT_PTR_NULL(spool_open(spooled_open(lab.path), &lab.limits, SPOOLED_BOOT,
	                              &lab.clock.clock, &lab.found, &lab.error));
	CU_ASSERT_EQUAL(lab.error, -EWOULDBLOCK);

	struct spool_file *file = lab_create(&lab, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(exists(lab.path, part));
	int dir = spooled_open(lab.path);
	CU_ASSERT_EQUAL(fstatat(dir, part, &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0640 & ~(umask(022) | 022));
	CU_ASSERT_EQUAL(spool_append(lab.spool, file, lab.head, lab.n_head), 0);
	CU_ASSERT_EQUAL(spool_append(lab.spool, file, lab.head, SPOOL_APPEND + 1), -EINVAL);
	CU_ASSERT_EQUAL(spool_complete(lab.spool, file), 0);
	CU_ASSERT_FALSE(exists(lab.path, part));
	part[strlen(part) - 5] = '\0';
	CU_ASSERT(exists(lab.path, part));

	/* the same number, or a lower one, is refused; so is what has no name */
	CU_ASSERT_PTR_NULL(spool_create(lab.spool, "a", 1, lab.clock.real + SECOND, &lab.error));
	CU_ASSERT_EQUAL(lab.error, -EEXIST);
	CU_ASSERT_PTR_NULL(spool_create(lab.spool, "", 1, lab.clock.real, &lab.error));
	CU_ASSERT_EQUAL(lab.error, -EINVAL);
	CU_ASSERT_PTR_NULL(spool_create(lab.spool, "a", 100000000, lab.clock.real, &lab.error));
	CU_ASSERT_EQUAL(lab.error, -EOVERFLOW);
	/* without a byte: removed */
	file = lab_create(&lab, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(spool_complete(lab.spool, file), 0);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 1);
	close(dir);
	lab_release(&lab);
}

/* Each WAN counts for itself, over restarts, each number once. */
static void test_sequence(void)
{
	struct lab lab;

	lab_init(&lab);
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, "a"), 1);
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, "a"), 2);
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, "b"), 1);
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, ""), 0);
	put_file(lab.path, "a-ffffffff-00000041-19700101T000000Z.pcapng", "x", 1);
	put_file(lab.path, "a-00000000-00000007-20991231T000000Z.pcapng", "x", 1);
	put_file(lab.path, "a-00000000-00000043-20991231T000000Z.pcap", "x", 1);
	put_file(lab.path, "c-00000000-99999999-20991231T000000Z.pcapng", "x", 1);
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, "a"), 42);
	CU_ASSERT_PTR_NULL(lab_create(&lab, "c"));
	CU_ASSERT_EQUAL(lab.error, -EOVERFLOW);
	CU_ASSERT_EQUAL(lab.found.files, 3);
	lab_release(&lab);
}

/* ---- limits ---- */

static uint32_t dice(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#define WANS 3

/* Complete files in the order of their completion, by name. */
struct model {
	char names[4096][SPOOL_NAME];
	size_t first, n;
};

static void model_add(struct model *model, unsigned wan, uint64_t sequence, uint64_t real)
{
	struct spool_name name = {.boot = SPOOLED_BOOT, .sequence = (uint32_t)sequence};

	name.wan[0] = (char)('a' + wan);
	name.real_s = real / SECOND;
	spool_name_build(model->names[model->n++], &name);
}

/* The files that are gone must be the oldest ones. */
static void model_check(struct model *model, const char *path, const struct spool_limits *limits,
                        unsigned open)
{
	struct spooled_sum sum = spooled_list(path);

	while (model->first < model->n && !exists(path, model->names[model->first]))
		model->first++;
	CU_ASSERT_EQUAL(sum.files - sum.parts, model->n - model->first);
	CU_ASSERT_EQUAL(sum.parts, open);
	if (limits->max_bytes)
		CU_ASSERT(sum.bytes <= limits->max_bytes);
	if (limits->max_files)
		CU_ASSERT(sum.files <= limits->max_files);
}

struct play {
	struct lab lab;
	struct model model;
	struct spool_file *open[WANS];
	uint64_t sequence[WANS], real[WANS];
	uint32_t seed;
	unsigned refused;
};

static void play_begin(struct play *play, unsigned wan)
{
	const char name[2] = {(char)('a' + wan), '\0'};

	play->sequence[wan] = spool_sequence(play->lab.spool, name);
	play->real[wan] = play->lab.clock.real;
	play->open[wan] = spool_create(play->lab.spool, name, play->sequence[wan], play->real[wan],
	                               &play->lab.error);
	if (!play->open[wan]) {
		CU_ASSERT_EQUAL(play->lab.error, -ENOSPC);
		CU_ASSERT_EQUAL(spooled_list(play->lab.path).files,
		                spooled_list(play->lab.path).parts);
		play->refused++;
	}
}

static void play_step(struct play *play)
{
	static uint8_t bytes[4000];
	unsigned wan = dice(&play->seed) % WANS, what = dice(&play->seed) % 8;
	struct spool_file *file = play->open[wan];

	play->lab.clock.mono += SECOND;
	/* a wall clock as bad as can be */
	play->lab.clock.real = SPOOLED_T0 + (uint64_t)(dice(&play->seed) % 100000) * SECOND;
	if (!file) {
		play_begin(play, wan);
	} else if (what == 0) {
		bool empty = spool_file_bytes(file) == 0;
		CU_ASSERT_EQUAL(spool_complete(play->lab.spool, file), 0);
		if (!empty)
			model_add(&play->model, wan, play->sequence[wan], play->real[wan]);
		play->open[wan] = NULL;
	} else {
		uint64_t before = spool_file_bytes(file);
		size_t n = 1 + dice(&play->seed) % sizeof(bytes);
		int error = spool_append(play->lab.spool, file, bytes, n);
		CU_ASSERT(error == 0 || error == -ENOSPC);
		CU_ASSERT_EQUAL(spool_file_bytes(file), error ? before : before + n);
		play->refused += error != 0;
		if (error) /* then nothing was left to delete */
			CU_ASSERT_EQUAL(spooled_list(play->lab.path).files,
			                spooled_list(play->lab.path).parts);
	}
}

static void play(uint32_t seed, struct spool_limits limits)
{
	struct play *play = calloc(1, sizeof(*play));
	unsigned open;

	CU_ASSERT_PTR_NOT_NULL_FATAL(play);
	lab_init(&play->lab);
	play->seed = seed;
	spool_set_limits(play->lab.spool, &limits);
	play->lab.limits = limits;
	for (unsigned i = 0; i < 600; i++) {
		play_step(play);
		open = 0;
		for (unsigned k = 0; k < WANS; k++)
			open += play->open[k] != NULL;
		model_check(&play->model, play->lab.path, &limits, open);
	}
	CU_ASSERT(play->model.first > 0);
	struct spool_usage usage;
	struct spooled_sum sum = spooled_list(play->lab.path);
	spool_usage(play->lab.spool, &usage);
	CU_ASSERT(usage.files == sum.files && usage.bytes == sum.bytes);
	CU_ASSERT_EQUAL(usage.expired_files, play->model.first);
	lab_release(&play->lab);
	free(play);
}

static void test_limits(void)
{
	play(1, (struct spool_limits){.max_bytes = 60000});
	play(2, (struct spool_limits){.max_files = 7});
	play(3, (struct spool_limits){.max_bytes = 9000, .max_files = 5});
	play(4, (struct spool_limits){.max_files = 2});
}

/* A file at the start counts by its sequence, whatever time it was stamped with. */
static void test_ring_rebuilt(void)
{
	static const struct {
		const char *name;
		int64_t mtime_s; /* from now */
	} files[] = {
		{"a-00000000-00000001-20231114T221320Z.pcapng", -500},
		{"a-00000000-00000002-20431114T221320Z.pcapng", 20 * 365 * 86400}, /* ahead */
		{"a-00000000-00000003-20231114T221320Z.pcapng", -300},
		{"a-11111111-00000004-19700101T000001Z.pcapng", -1700000000}, /* no clock */
		{"b-00000000-00000001-20231114T221320Z.pcapng", -400},
		{"a-11111111-00000005-20231114T221320Z.pcapng", -100},
	};
	static const char *const gone_in_order[] = {"a-00000000-00000001", "b-00000000-00000001",
	                                            "a-00000000-00000002", "a-00000000-00000003",
	                                            "a-11111111-00000004", "a-11111111-00000005"};
	struct lab lab;

	lab_init(&lab);
	int dir = spooled_open(lab.path);
	for (size_t i = 0; i < 6; i++) {
		put_file(lab.path, files[i].name, "x", 1);
		time_t at = (time_t)((int64_t)(SPOOLED_T0 / SECOND) + files[i].mtime_s);
		const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
		CU_ASSERT_EQUAL(utimensat(dir, files[i].name, times, 0), 0);
	}
	lab_reopen(&lab);
	for (uint64_t left = 6; left-- > 1;) {
		spool_set_limits(lab.spool, &(struct spool_limits){.max_files = left});
		CU_ASSERT_EQUAL(spooled_list(lab.path).files, left);
		for (size_t i = 0; i < 6; i++) {
			const char *want = gone_in_order[5 - left];
			if (!strncmp(files[i].name, want, strlen(want)))
				CU_ASSERT_FALSE(exists(lab.path, files[i].name));
		}
	}
	close(dir);
	lab_release(&lab);
}

/* ---- clocks ---- */

static void test_clock_steps(void)
{
	static const int64_t steps[] = {
		20ll * 365 * 86400, -3600, 1, -1, -20ll * 365 * 86400, -1, 1, 3600, 0, 0};
	struct lab lab;
	uint64_t n = 0;

	lab_init(&lab);
	lab.limits.max_age_ns = 1000 * SECOND;
	spool_set_limits(lab.spool, &lab.limits);
	for (unsigned i = 0; i < 200; i++) {
		lab.clock.real += (uint64_t)(steps[i % 10] * (int64_t)SECOND);
		lab.clock.mono += SECOND;
		CU_ASSERT(lab_file(&lab, "a"));
		CU_ASSERT_EQUAL(spooled_list(lab.path).files, ++n);
	}
	/* names in order are sequences in order: the oldest goes first, by the time that passed */
	lab.clock.mono += 900 * SECOND;
	spool_expire(lab.spool);
	struct spooled_sum sum = spooled_list(lab.path);
	CU_ASSERT_EQUAL(sum.files, 101);
	CU_ASSERT(strstr(sum.first, "-00000100-") != NULL);
	/* a restart with a clock 20 years ahead, and one an hour behind, lose nothing */
	lab.clock.real += 20ull * 365 * 86400 * SECOND;
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 101);
	lab.clock.real = 5 * SECOND;
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 101);
	CU_ASSERT(lab_file(&lab, "a"));
	CU_ASSERT_EQUAL(spool_sequence(lab.spool, "a"), 202);
	lab.clock.mono += 1001 * SECOND;
	spool_expire(lab.spool);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 0);
	lab_release(&lab);
}

/* Files that lie there keep the age they have, where that is known. */
static void test_age_at_start(void)
{
	struct lab lab;
	struct timespec now;

	lab_init(&lab);
	CU_ASSERT(lab_file(&lab, "a"));
	clock_gettime(CLOCK_REALTIME, &now);
	lab.clock.real = (uint64_t)now.tv_sec * SECOND + 500 * SECOND;
	lab.limits.max_age_ns = 800 * SECOND;
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 1);
	lab.clock.mono += 200 * SECOND;
	spool_expire(lab.spool);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 1);
	lab.clock.mono += 200 * SECOND;
	spool_expire(lab.spool);
	CU_ASSERT_EQUAL(spooled_list(lab.path).files, 0);
	lab_release(&lab);
}

/* ---- a full disk ---- */

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
			fflush(stdout);                                                            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* Every file in the directory can be read to its end, and its frames follow each other. */
static bool is_readable(void *context, int dir, const char *name)
{
	struct spooled_contents contents = spooled_read(dir, name);
	uint64_t *frames = context;
	bool good = contents.whole && contents.in_order;

	*frames += contents.frames;
	spooled_release(&contents);
	return good;
}

static int append_frames(struct lab *lab, struct spool_file *file, uint64_t *next, unsigned n)
{
	static uint8_t bytes[512 * SPOOLED_FRAME];
	size_t used = 0;

	for (unsigned i = 0; i < n; i++)
		used += spooled_frame(bytes + used, *next + i);
	int error = spool_append(lab->spool, file, bytes, used);
	*next += error ? 0 : n;
	return error;
}

static int full_disk(const char *path)
{
	static struct lab lab;
	struct spool_file *file;
	uint64_t next = 0, frames = 0;

	if (!spooled_mount(path, "2m"))
		return SPOOLED_SKIP;
	snprintf(lab.path, sizeof(lab.path), "%s", path);
	spooled_clock_init(&lab.clock);
	lab.n_head = spooled_head(lab.head);
	CHECK(lab_open(&lab));
	/* the ring gives way to itself: five times the disk */
	for (unsigned i = 0; i < 40; i++) {
		CHECK((file = lab_create(&lab, "a")));
		CHECK(spool_append(lab.spool, file, lab.head, lab.n_head) == 0);
		for (unsigned k = 0; k < 5; k++)
			CHECK(append_frames(&lab, file, &next, 512) == 0);
		CHECK(spool_complete(lab.spool, file) == 0);
	}
	/* one file that has no end: all others go, then it is as long as the disk, and whole */
	CHECK((file = lab_create(&lab, "a")));
	CHECK(spool_append(lab.spool, file, lab.head, lab.n_head) == 0);
	uint64_t first = next;
	int error;
	while ((error = append_frames(&lab, file, &next, 511)) == 0)
		continue;
	CHECK(error == -ENOSPC);
	CHECK(spooled_list(path).files == 1);
	CHECK(spool_file_bytes(file) == spooled_list(path).bytes);
	CHECK(spool_complete(lab.spool, file) == 0);
	CHECK(spooled_each(path, is_readable, &frames));
	CHECK(frames == next - first);
	/* complete: now it may go, for a file of another WAN */
	CHECK((file = lab_create(&lab, "b")));
	CHECK(append_frames(&lab, file, &next, 512) == 0);
	CHECK(spooled_list(path).files == 1);
	return 0;
}

static int keep_free(const char *path)
{
	static struct lab lab = {.limits = {.keep_free = 1 << 20}};
	struct spool_file *file;
	struct statvfs vfs;
	uint64_t next = 0;

	if (!spooled_mount(path, "4m"))
		return SPOOLED_SKIP;
	snprintf(lab.path, sizeof(lab.path), "%s", path);
	spooled_clock_init(&lab.clock);
	CHECK(lab_open(&lab));
	for (unsigned i = 0; i < 60; i++) {
		CHECK((file = lab_create(&lab, "a")));
		for (unsigned k = 0; k < 4; k++) {
			CHECK(append_frames(&lab, file, &next, 512) == 0);
			CHECK(statvfs(path, &vfs) == 0);
			CHECK(vfs.f_bavail * vfs.f_frsize >= 1 << 20);
		}
		CHECK(spool_complete(lab.spool, file) == 0);
	}
	CHECK(spooled_list(path).files >= 12); /* not more was deleted than had to be */
	/* somebody else takes the space: what is too much goes, and then we stop */
	CHECK((file = lab_create(&lab, "a")));
	char hog[80];
	snprintf(hog, sizeof(hog), "%s/hog", path);
	int hole = open(hog, O_WRONLY | O_CREAT, 0600);
	CHECK(hole >= 0 && fallocate(hole, 0, 0, 900 << 10) == 0);
	spool_expire(lab.spool);
	CHECK(statvfs(path, &vfs) == 0);
	CHECK(vfs.f_bavail * vfs.f_frsize >= 1 << 20);
	while (append_frames(&lab, file, &next, 512) == 0)
		continue;
	CHECK(spooled_list(path).files == 1);
	close(hole);
	return 0;
}

static void in_child(const char *name, int (*run)(const char *path))
{
	char path[64];
	int dir = spooled_directory(path), code;

	CU_ASSERT_FATAL(dir >= 0);
	close(dir);
	code = spooled_fork(run, path);
	if (code == SPOOLED_SKIP)
		printf("skip spool/%s: may not mount a file system\n", name);
	else
		CU_ASSERT_EQUAL(code, 0);
	spooled_remove(path);
}

static void test_full_disk(void)
{
	in_child("a full disk", full_disk);
}

static void test_keep_free(void)
{
	in_child("keep free", keep_free);
}

/* ---- deaths ---- */

/* What the child says before it dies: frames of which spool_append() returned. */
struct diary {
	volatile uint64_t appended;
};

static void write_for_ever(const char *path, struct diary *diary, uint32_t level)
{
	static struct lab lab;
	uint64_t next = 0;
	uint32_t seed = (uint32_t)getpid();

	snprintf(lab.path, sizeof(lab.path), "%s", path);
	lab.limits = (struct spool_limits){.max_bytes = 200000, .zstd_level = level};
	spooled_clock_init(&lab.clock);
	lab.n_head = spooled_head(lab.head);
	if (!lab_open(&lab))
		_exit(1);
	for (;;) {
		struct spool_file *file = lab_create(&lab, "a");
		if (!file || spool_append(lab.spool, file, lab.head, lab.n_head))
			_exit(2);
		for (unsigned k = 0; k < 8; k++) {
			if (append_frames(&lab, file, &next, 1 + dice(&seed) % 64))
				_exit(3);
			diary->appended = next;
		}
		if (spool_complete(lab.spool, file))
			_exit(4);
	}
}

/* All files together, in the order of their names: one row of frames without a hole. */
struct row {
	uint64_t first, next;
	bool begun, unbroken;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct row read_row(const char *path)
{
	struct row row = {.unbroken = true};
	struct dirent **names;
	int n = scandir(path, &names, NULL, by_name), dir = spooled_open(path);

	for (int i = 0; i < n; i++) {
		struct spool_name name;
		if (spool_name_parse(&name, names[i]->d_name)) {
			struct spooled_contents contents = spooled_read(dir, names[i]->d_name);
			row.unbroken &= contents.whole && contents.in_order;
			if (contents.frames && !row.begun)
				row.first = contents.first;
			else if (contents.frames)
				row.unbroken &= contents.first == row.next;
			row.begun |= contents.frames > 0;
			if (contents.frames)
				row.next = contents.last + 1;
			spooled_release(&contents);
		}
		free(names[i]);
	}
	free(names);
	close(dir);
	return row;
}

static void die_once(const char *path, struct diary *diary, uint32_t *seed, uint32_t level)
{
	struct lab lab = {.limits = {.max_bytes = 200000}};
	uint64_t until = 1 + dice(seed) % 3000;

	diary->appended = 0;
	pid_t child = fork();
	if (child == 0) {
		write_for_ever(path, diary, level);
		_exit(0);
	}
	while (diary->appended < until && waitpid(child, NULL, WNOHANG) == 0)
		sched_yield();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	uint64_t appended = diary->appended;

	CU_ASSERT(spooled_list(path).bytes <= 200000);
	snprintf(lab.path, sizeof(lab.path), "%s", path);
	spooled_clock_init(&lab.clock);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab_open(&lab));
	CU_ASSERT(spooled_list(path).bytes <= 200000);
	CU_ASSERT_EQUAL(spooled_list(path).parts, 0);
	struct row row = read_row(path);
	CU_ASSERT(row.unbroken);
	CU_ASSERT(row.next >= appended);
	spool_set_limits(lab.spool, &(struct spool_limits){.max_bytes = 1});
	CU_ASSERT_EQUAL(spooled_list(path).files, 0);
	spool_close(lab.spool);
}

static void test_kill(void)
{
	struct diary *diary = mmap(NULL, sizeof(*diary), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char path[64];
	uint32_t seed = 7;

	CU_ASSERT_FATAL(diary != MAP_FAILED);
	close(spooled_directory(path));
	fflush(stdout);
	for (unsigned i = 0; i < 50; i++)
		die_once(path, diary, &seed, i % 2);
	spooled_remove(path);
	munmap(diary, sizeof(*diary));
}

/* ---- packed ---- */

static void test_packed(void)
{
	struct spooled_contents contents;
	struct lab lab;
	uint64_t next = 0;

	lab_init(&lab);
	spool_set_limits(lab.spool, &(struct spool_limits){.zstd_level = 3});
	struct spool_file *file = lab_create(&lab, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	/* a change of the level is for the next file */
	spool_set_limits(lab.spool, &(struct spool_limits){.zstd_level = 0});
	CU_ASSERT_EQUAL(spool_append(lab.spool, file, lab.head, lab.n_head), 0);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(append_frames(&lab, file, &next, 512), 0);
	CU_ASSERT(spool_file_bytes(file) < next * SPOOLED_FRAME / 4);
	CU_ASSERT_EQUAL(spool_complete(lab.spool, file), 0);
	contents = contents_of(lab.path, "a-0123abcd-00000001-20231114T221320Z.pcapng.zst");
	CU_ASSERT(contents.whole && contents.in_order && contents.frames == next);
	spooled_release(&contents);
	lab_release(&lab);
}

void suite_spool(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"names", test_names},
		{"days", test_days},
		{"strange names", test_strange_names},
		{"the life of a file", test_life},
		{"sequence numbers", test_sequence},
		{"limits against a model", test_limits},
		{"the ring of a new start", test_ring_rebuilt},
		{"clocks that jump", test_clock_steps},
		{"age at the start", test_age_at_start},
		{"a full disk", test_full_disk},
		{"keep free", test_keep_free},
		{"killed while it writes", test_kill},
		{"packed", test_packed},
	};
	CU_pSuite suite = CU_add_suite("spool", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
