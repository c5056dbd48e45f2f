/* SPDX-License-Identifier: MIT
 *
 * test_output.c - a file is there whole or not at all, also when power is lost at any moment.
 *
 * What a loss of power leaves depends on the order in which bytes and names reach the disk, so
 * fsync() and rename() of this program are ours: they do what they do, and write down when.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../report/output.h"

void suite_output(void);

/* The one place that both can reach; NULL while nobody listens. */
static char *journal;

static void write_down(const char *what)
{
	if (journal)
		strcat(journal, what);
}

int fsync(int fd)
{
	struct stat st;

	write_down(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "directory " : "file ");
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	write_down("rename ");
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static char *folder_of(char *path)
{
	strcpy(path, "/tmp/output-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
	return path;
}

static bool holds(const char *path, const char *text)
{
	char found[64] = "";
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	size_t n = fread(found, 1, sizeof(found) - 1, file);
	fclose(file);
	return n == strlen(text) && strcmp(found, text) == 0;
}

static int put(const char *path, const char *text, bool keep)
{
	struct output output;
	int error = output_open(&output, path);

	if (error)
		return error;
	fputs(text, output.file);
	return output_close(&output, keep);
}

static void test_bytes_before_name(void)
{
	char folder[32], path[64], order[256] = "";

	snprintf(path, sizeof(path), "%s/state", folder_of(folder));
	journal = order;
	CU_ASSERT_EQUAL(put(path, "old", true), 0);
	CU_ASSERT_EQUAL(put(path, "new", true), 0);
	CU_ASSERT_STRING_EQUAL(order, "file rename directory file rename directory ");
	CU_ASSERT(holds(path, "new"));
	order[0] = '\0';
	CU_ASSERT_EQUAL(put(path, "worse", false), 0);
	journal = NULL;
	CU_ASSERT_STRING_EQUAL(order, "");
	CU_ASSERT(holds(path, "new"));
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(rmdir(folder), 0); /* nothing else was left in it */
}

/* The rename fails, as something else took the place: what was there stays, nothing lies about. */
static void test_no_place(void)
{
	char folder[32], path[64];
	struct output output;

	snprintf(path, sizeof(path), "%s/state", folder_of(folder));
	CU_ASSERT_EQUAL(output_open(&output, path), 0);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	CU_ASSERT_EQUAL(output_close(&output, true), -EISDIR);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	CU_ASSERT_EQUAL(rmdir(folder), 0);
	snprintf(path, sizeof(path), "%s/away/state", folder);
	CU_ASSERT_EQUAL(put(path, "", true), -ENOENT);
}

/* A device is written as it is, and a full one is told. */
static void test_device(void)
{
	char order[64] = "";

	journal = order;
	CU_ASSERT_EQUAL(put("/dev/null", "text", true), 0);
	CU_ASSERT_EQUAL(put("/dev/full", "text", true), -ENOSPC);
	journal = NULL;
	CU_ASSERT_STRING_EQUAL(order, "");
}

void suite_output(void)
{
	CU_pSuite suite = CU_add_suite("output", NULL, NULL);

	CU_ADD_TEST(suite, test_bytes_before_name);
	CU_ADD_TEST(suite, test_no_place);
	CU_ADD_TEST(suite, test_device);
}
