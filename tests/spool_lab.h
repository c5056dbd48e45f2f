/* SPDX-License-Identifier: MIT
 *
 * spool_lab.h - a spool in a directory of its own, with a clock of its own.
 */
#ifndef TESTS_SPOOL_LAB_H
#define TESTS_SPOOL_LAB_H

#include "spooled.h"

#include <CUnit/CUnit.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>

#define SECOND 1000000000ull

/* A spool in a directory of its own, with a clock of its own. */
struct lab {
	char path[64];
	struct spooled_clock clock;
	struct spool_limits limits;
	struct spool_found found;
	struct spool *spool;
	uint8_t head[SPOOLED_HEAD];
	size_t n_head;
	int error;
};

static inline struct spool *lab_open(struct lab *lab)
{
	lab->spool = spool_open(spooled_open(lab->path), &lab->limits, SPOOLED_BOOT,
	                        &lab->clock.clock, &lab->found, &lab->error);
	return lab->spool;
}

static inline void lab_init(struct lab *lab)
{
	*lab = (struct lab){0};
	close(spooled_directory(lab->path));
	spooled_clock_init(&lab->clock);
	lab->n_head = spooled_head(lab->head);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab_open(lab));
}

static inline void lab_reopen(struct lab *lab)
{
	spool_close(lab->spool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab_open(lab));
}

static inline void lab_release(struct lab *lab)
{
	spool_close(lab->spool);
	spooled_remove(lab->path);
}

static inline struct spool_file *lab_create(struct lab *lab, const char *wan)
{
	return spool_create(lab->spool, wan, spool_sequence(lab->spool, wan), lab->clock.real,
	                    &lab->error);
}

/* A complete file of `bytes` bytes, more or less; false when it could not be. */
static inline bool lab_file(struct lab *lab, const char *wan)
{
	struct spool_file *file = lab_create(lab, wan);

	return file && spool_append(lab->spool, file, lab->head, lab->n_head) == 0 &&
	       spool_complete(lab->spool, file) == 0;
}

static inline void put_file(const char *path, const char *name, const void *bytes, size_t n)
{
	int dir = spooled_open(path);
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	close(dir);
}

static inline bool exists(const char *path, const char *name)
{
	int dir = spooled_open(path);
	struct stat st;
	bool there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	close(dir);
	return there;
}

static inline struct spooled_contents contents_of(const char *path, const char *name)
{
	int dir = spooled_open(path);
	struct spooled_contents contents = spooled_read(dir, name);

	close(dir);
	return contents;
}

#endif
