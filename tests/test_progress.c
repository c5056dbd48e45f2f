/* SPDX-License-Identifier: MIT
 *
 * test_progress.c - how far a reading is: bytes of files as they lie on disk, and its words.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../capture/source.h"
#include "../report/cmd_progress.h"

void suite_progress(void);

/* Three empty frames of 60 bytes behind the header of a pcap. */
static size_t write_capture(char *path)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	uint32_t record[4] = {0, 0, 60, 60};
	unsigned char frame[60] = {0};
	FILE *file = fdopen(mkstemp(path), "wb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t i = 0; i < 3; i++) {
		record[0] = 1700000000 + i;
		fwrite(record, sizeof(record), 1, file);
		fwrite(frame, sizeof(frame), 1, file);
	}
	fclose(file);
	return sizeof(header) + 3 * (sizeof(record) + sizeof(frame));
}

/* tcpdump -r: 3 frames. What was read grows from frame to frame up to the file's size. */
static void test_source(void)
{
	char path[] = "/tmp/mptcp-audit-progress.XXXXXX";
	size_t bytes = write_capture(path);
	struct source_spec spec = {.path = path};
	struct source_options options = {0};
	struct source_error error;
	struct source *source = source_open(&spec, 1, &options, &error);
	uint64_t read, size, before = 0;
	struct frame frame;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (unsigned i = 0; source_next(source, &frame); i++) {
		source_progress(source, &read, &size);
		CU_ASSERT_EQUAL(size, bytes);
		CU_ASSERT(read >= before && read <= size);
		CU_ASSERT(i < 2 || read > before || read == size);
		before = read;
	}
	source_progress(source, &read, &size);
	CU_ASSERT_EQUAL(read, bytes);
	CU_ASSERT_EQUAL(size, bytes);
	source_close(source);
	unlink(path);
}

static void test_words(void)
{
	const uint64_t ns = 2 * UINT64_C(1000000000);
	char out[400];

	CU_ASSERT_STRING_EQUAL(
		progress_words(out, sizeof(out), LANGUAGE_EN, 500000000, 2000000000, 1234567, ns),
		"read 500 MB of 2.00 GB (25 %), 1,234,567 frames, 250 MB/s");
	CU_ASSERT_STRING_EQUAL(
		progress_words(out, sizeof(out), LANGUAGE_EN, 500000000, 0, 8192, ns),
		"read 500 MB, 8,192 frames, 250 MB/s");
	CU_ASSERT_STRING_EQUAL(
		progress_words(out, sizeof(out), LANGUAGE_ZH, 500000000, 2000000000, 1234567, ns),
		"已读取 500 MB，共 2.00 GB（25 %），1,234,567 帧，每秒 250 MB");
	progress_words(out, sizeof(out), LANGUAGE_EN, 0, 0, 0, 0); /* no division by zero */
}

void suite_progress(void)
{
	CU_pSuite suite = CU_add_suite("progress", NULL, NULL);

	CU_ADD_TEST(suite, test_source);
	CU_ADD_TEST(suite, test_words);
}
