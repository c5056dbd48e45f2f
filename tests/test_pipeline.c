/* SPDX-License-Identifier: MIT
 *
 * test_pipeline.c - the laws over whole captures: the short way equals the long way, kinds add up,
 * the order of files does not matter, bounded tables stay bounded.
 *
 * Runs over fixtures/ and, when it is there, over the captures in MPTCP_AUDIT_SHARED (default
 * ../shared).
 */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../capture/source.h"
#include "../dissect/pipeline.h"

void suite_pipeline(void);

enum { FILES_MAX = 16, PATH_LEN = 512 };

struct captures {
	char paths[FILES_MAX][PATH_LEN];
	size_t n;
};

static bool is_capture(const char *name)
{
	return strstr(name, ".pcap") || strstr(name, ".dmp") || strstr(name, ".cap");
}

static void captures_of(struct captures *c, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	c->n = 0;
	while (dir && (entry = readdir(dir)) && c->n < FILES_MAX)
		if (is_capture(entry->d_name) && !strstr(entry->d_name, ".long") &&
		    !strstr(entry->d_name, ".out"))
			snprintf(c->paths[c->n++], PATH_LEN, "%s/%s", folder, entry->d_name);
	if (dir)
		closedir(dir);
}

static void show(void *context, const struct frame *frame)
{
	void **both = context;
	size_t n;

	pipeline_survey(both[0], &source_wans(both[1], &n)[frame->wan], frame);
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
	FILE *out = open_memstream(&text, &size);
	CU_ASSERT_EQUAL(ledger_save(&ledger, out), 0);
	fclose(out);
	pipeline_free(pipeline);
	ledger_release(&ledger);
	source_close(source);
	return text;
}

/* ---- every folder with captures ---- */

struct walk {
	void (*each)(const struct captures *captures, const char *folder);
	size_t folders;
};

static void walk_folder(struct walk *walk, const char *folder)
{
	struct captures captures;
	struct dirent *entry;
	DIR *dir = opendir(folder);

	captures_of(&captures, folder);
	if (captures.n) {
		walk->folders++;
		walk->each(&captures, folder);
	}
	while (dir && (entry = readdir(dir))) {
		char path[PATH_LEN];
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			walk_folder(walk, path);
	}
	if (dir)
		closedir(dir);
}

static void over_all(void (*each)(const struct captures *, const char *))
{
	struct walk walk = {.each = each};
	char shared[PATH_LEN];
	const char *root = getenv("MPTCP_AUDIT_SHARED");

	walk_folder(&walk, "fixtures");
	CU_ASSERT(walk.folders >= 10);
	snprintf(shared, sizeof(shared), "%s/captures", root ? root : "../shared");
	walk_folder(&walk, shared);
	printf("# pipeline: %zu folders of captures\n", walk.folders);
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

void suite_pipeline(void)
{
	CU_pSuite suite = CU_add_suite("pipeline", NULL, NULL);

	CU_ADD_TEST(suite, test_short_way_equals_long_way);
	CU_ADD_TEST(suite, test_order_of_files);
}
