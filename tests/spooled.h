/* SPDX-License-Identifier: MIT
 *
 * spooled.h - recordings for the tests of the spool and the writer: directories, heads, frames that
 * know their number, and what a file holds when it is read back with the project's own reader.
 */
#ifndef TESTS_SPOOLED_H
#define TESTS_SPOOLED_H

#include "../capture/clock.h"
#include "../capture/pcapng.h"
#include "../capture/quality.h"
#include "../capture/savefile.h"
#include "../capture/spool.h"
#include "../capture/spool_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#define SPOOLED_T0   1700000000000000000ull
#define SPOOLED_BOOT "0123abcd"
#define SPOOLED_HEAD (2 * PCAPNG_BLOCK_MAX)
enum { SPOOLED_PAYLOAD = 60, SPOOLED_FRAME = 28 + 60 + 8 + 4 + 4 };

/* ---- clocks that tests turn ---- */

struct spooled_clock {
	uint64_t real, mono;
	struct clock clock;
};

static inline uint64_t spooled_real(void *context)
{
	return ((struct spooled_clock *)context)->real;
}

static inline uint64_t spooled_mono(void *context)
{
	return ((struct spooled_clock *)context)->mono;
}

static inline void spooled_clock_init(struct spooled_clock *clock)
{
	*clock = (struct spooled_clock){
		SPOOLED_T0, 1000000000000ull, {spooled_real, spooled_mono, clock}};
}

/* ---- directories ---- */

static inline int spooled_open(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int spooled_directory(char path[64])
{
	snprintf(path, 64, "/tmp/spooled-XXXXXX");
	return mkdtemp(path) ? spooled_open(path) : -1;
}

/* Calls `each` for every name, with the directory; true when all were good. */
static inline bool spooled_each(const char *path,
                                bool (*each)(void *context, int dir, const char *name),
                                void *context)
{
	DIR *dir = opendir(path);
	bool good = dir != NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			good &= each(context, dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	return good;
}

static inline bool spooled_unlink(void *context, int dir, const char *name)
{
	(void)context;
	return unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0;
}

static inline void spooled_remove(const char *path)
{
	spooled_each(path, spooled_unlink, NULL);
	rmdir(path);
}

struct spooled_sum {
	uint64_t files, parts, bytes;
	char first[NAME_MAX + 1]; /* by name */
};

static inline bool spooled_add(void *context, int dir, const char *name)
{
	struct spooled_sum *sum = context;
	struct spool_name parsed;
	struct stat st;

	if (!spool_name_parse(&parsed, name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode))
		return true;
	sum->files++;
	sum->parts += parsed.part;
	sum->bytes += (uint64_t)st.st_size;
	if (!sum->first[0] || strcmp(name, sum->first) < 0)
		snprintf(sum->first, sizeof(sum->first), "%s", name);
	return true;
}

/* What lies there, by the directory itself. */
static inline struct spooled_sum spooled_list(const char *path)
{
	struct spooled_sum sum = {0};

	spooled_each(path, spooled_add, &sum);
	return sum;
}

/* ---- recordings ---- */

static inline size_t spooled_head(uint8_t *at)
{
	const struct pcapng_interface interface = {.name = "wan1", .linktype = LINK_ETHERNET};
	size_t n = pcapng_section(at, NULL, NULL, "test");

	return n + pcapng_interface(at + n, &interface);
}

/* Frame `number`: its first bytes are its number. */
static inline size_t spooled_frame(uint8_t *at, uint64_t number)
{
	uint8_t data[SPOOLED_PAYLOAD];

	memset(data, (int)number, sizeof(data));
	memcpy(data, &number, sizeof(number));
	return pcapng_packet(at, 0, SPOOLED_T0 + number, data, sizeof(data), 1500, MARK_IN, 0);
}

/* ---- what a file holds ---- */

struct spooled_contents {
	uint64_t frames, first, last; /* numbers of frames */
	bool in_order;                /* each number is one more than the one before */
	bool whole;                   /* the reader met nothing but whole blocks */
	unsigned interfaces, statistics, repaired, ends;
	uint64_t cut_bytes;      /* of the `repaired` note */
	uint64_t dropped;        /* of the last statistics */
	const uint8_t *last_isb; /* inside `bytes` */
	uint8_t *bytes;          /* unpacked */
	size_t n;
};

static inline void spooled_comments(struct spooled_contents *contents, const uint8_t *block,
                                    size_t size)
{
	uint16_t head[2];
	enum quality_name name;

	for (size_t at = 20; at + 8 <= size; at += 4 + ((head[1] + 3u) & ~3u)) {
		memcpy(head, block + at, sizeof(head));
		const char *text = (const char *)block + at + 4;
		if (head[0] != 1 || !quality_parse(text, head[1], &name))
			continue;
		contents->ends += name == QUALITY_END;
		if (name == QUALITY_REPAIRED &&
		    quality_get_number(text, head[1], "cut_bytes", &contents->cut_bytes))
			contents->repaired++;
	}
}

static inline void spooled_take(struct spooled_contents *contents, enum savefile_item item,
                                const struct savefile_record *record, const uint8_t *block)
{
	uint64_t number;
	uint32_t type;

	memcpy(&type, block, sizeof(type));
	contents->interfaces += item == SAVEFILE_INTERFACE;
	if (type == 5) {
		contents->statistics++;
		contents->last_isb = block;
		spooled_comments(contents, block, record->size);
	}
	if (item != SAVEFILE_FRAME || record->caplen < sizeof(number))
		return;
	memcpy(&number, record->data, sizeof(number));
	if (contents->frames++ == 0)
		contents->first = number;
	else
		contents->in_order &= number == contents->last + 1;
	contents->last = number;
}

static inline void spooled_walk(struct spooled_contents *contents)
{
	struct savefile_interface interfaces[64];
	struct savefile savefile;
	struct savefile_record record;
	size_t at = 0;

	contents->in_order = true;
	if (savefile_begin(&savefile, contents->bytes, contents->n, interfaces, 64) != 0)
		return;
	while (at < contents->n) {
		enum savefile_item item =
			savefile_next(&savefile, contents->bytes + at, contents->n - at, &record);
		if (item > SAVEFILE_SKIP)
			return;
		spooled_take(contents, item, &record, contents->bytes + at);
		at += record.size;
	}
	contents->whole = true;
}

static inline uint8_t *spooled_slurp(int dir, const char *name, size_t *n)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes = NULL;

	*n = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && (bytes = malloc((size_t)st.st_size + 1)))
		for (ssize_t got; (got = read(fd, bytes + *n, (size_t)st.st_size - *n)) > 0;)
			*n += (size_t)got;
	if (fd >= 0)
		close(fd);
	return bytes;
}

/* All frames of zstd; false when one does not unpack. */
static inline bool spooled_unpack(struct spooled_contents *contents)
{
	uint8_t *packed = contents->bytes, *all = NULL;
	size_t n = 0, size;

	for (size_t at = 0; at < contents->n; at += size) {
		size = ZSTD_findFrameCompressedSize(packed + at, contents->n - at);
		unsigned long long room = ZSTD_getFrameContentSize(packed + at, contents->n - at);
		if (ZSTD_isError(size) || room > SPOOL_APPEND)
			break;
		all = realloc(all, n + room + 1);
		size_t got = all ? ZSTD_decompress(all + n, room, packed + at, size) : 0;
		if (!all || ZSTD_isError(got))
			break;
		n += got;
		if (at + size == contents->n)
			size = contents->n - at;
	}
	free(packed);
	contents->bytes = all;
	contents->n = n;
	return all != NULL;
}

static inline struct spooled_contents spooled_read(int dir, const char *name)
{
	struct spooled_contents contents = {0};
	struct spool_name parsed;

	contents.bytes = spooled_slurp(dir, name, &contents.n);
	if (spool_name_parse(&parsed, name) && parsed.packed && !spooled_unpack(&contents))
		return contents;
	if (contents.bytes)
		spooled_walk(&contents);
	return contents;
}

static inline void spooled_release(struct spooled_contents *contents)
{
	free(contents->bytes);
}

/* ---- children ---- */

/* A file system of its own, seen by this process alone. False where that is not allowed. */
static inline bool spooled_mount(const char *path, const char *size)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%s", size);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("spooled", path, "tmpfs", 0, options) == 0;
}

#define SPOOLED_SKIP 77

/* Run in a child, so that mounts and deaths stay there. Its exit code, -1 when it died or hung. */
static inline int spooled_fork(int (*run)(const char *path), const char *path)
{
	int status;

	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm(60);
		_exit(run(path));
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#endif
