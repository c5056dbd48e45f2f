/* SPDX-License-Identifier: MIT
 *
 * spool.c - see spool.h.
 *
 * Every file that is ours is a struct kept, open or complete. The complete ones are a queue, the
 * oldest first; what is completed joins at its end, so that age and order agree. Real time plays no
 * part in it, except once: at the start it tells how old the files are that lie there.
 */
#include "spool_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

#define NS_PER_S 1000000000ull
/* Some file systems give deleted bytes back with their next commit only. */
#define CREDIT_NS (30 * NS_PER_S)

/* ---- sequence numbers ---- */

struct series *spool_add_series(struct spool *spool, const char *wan, uint64_t highest)
{
	struct series *series = calloc(1, sizeof(*series));

	if (!series)
		return NULL;
	memcpy(series->wan, wan, strlen(wan) + 1);
	series->highest = highest;
	series->next = spool->series;
	return spool->series = series;
}

/* With the lock held; NULL when out of memory. */
static struct series *series_of(struct spool *spool, const char *wan)
{
	struct series *series = spool->series;

	while (series && strcmp(series->wan, wan) != 0)
		series = series->next;
	return series ? series : spool_add_series(spool, wan, 0);
}

/* A file has this number. 0, -ENOMEM, or -EEXIST when a file has it or a higher one. */
static int series_take(struct spool *spool, const char *wan, uint64_t sequence)
{
	int error = -ENOMEM;

	pthread_mutex_lock(&spool->lock);
	struct series *series = series_of(spool, wan);
	if (series)
		error = sequence > series->highest ? 0 : -EEXIST;
	if (!error)
		series->highest = sequence;
	pthread_mutex_unlock(&spool->lock);
	return error;
}

uint64_t spool_sequence(struct spool *spool, const char *wan)
{
	char name[SPOOL_WAN];
	uint64_t next = 0;

	if (!spool_name_wan(name, wan))
		return 0;
	pthread_mutex_lock(&spool->lock);
	struct series *series = series_of(spool, name);
	if (series) {
		next = 1 + (series->given > series->highest ? series->given : series->highest);
		series->given = next;
	}
	pthread_mutex_unlock(&spool->lock);
	return next;
}

/* ---- deleting ---- */

static uint64_t bytes_free(const struct spool *spool)
{
	struct statvfs vfs;

	if (fstatvfs(spool->dir, &vfs) != 0)
		return UINT64_MAX; /* whoever cannot say does not limit us */
	uint64_t block = vfs.f_frsize ? vfs.f_frsize : 1;
	uint64_t usable = vfs.f_bavail < UINT64_MAX / block ? vfs.f_bavail * block : UINT64_MAX;
	return usable > block ? usable - block : 0; /* what is written begins a block, maybe */
}

/* A deleted file whose bytes do not show as free yet is on credit: else the whole ring would go. */
static int delete_file(struct spool *spool, const struct kept *kept, const char *name)
{
	if (!spool->limits.keep_free)
		return unlinkat(spool->dir, name, 0) ? -errno : 0;
	uint64_t before = bytes_free(spool), now = clock_mono(spool->clock);
	if (unlinkat(spool->dir, name, 0) != 0)
		return -errno;
	uint64_t after = bytes_free(spool), risen = after > before ? after - before : 0;
	if (spool->credit_until_ns < now)
		spool->credit_bytes = 0;
	if (risen < kept->bytes) {
		spool->credit_bytes += kept->bytes - risen;
		spool->credit_until_ns = now + CREDIT_NS;
	}
	return 0;
}

static void forget(struct spool *spool, struct kept *kept)
{
	spool->usage.files--;
	spool->usage.bytes -= kept->bytes;
	free(kept);
}

/* Delete the file that *link points at. False when it could not be: it is held from then on. */
static bool drop(struct spool *spool, struct kept **link)
{
	struct kept *kept = *link;
	char name[SPOOL_NAME];

	int error = spool_name_build(name, &kept->name) ? delete_file(spool, kept, name) : -EINVAL;
	if (error && error != -ENOENT) {
		kept->held = true;
		return false;
	}
	if (!error) {
		spool->usage.expired_files++;
		spool->usage.expired_bytes += kept->bytes;
	}
	*link = kept->next;
	if (spool->end == &kept->next)
		spool->end = link;
	forget(spool, kept);
	return true;
}

static struct kept **oldest(struct spool *spool)
{
	struct kept **link = &spool->oldest;

	while (*link && (*link)->held)
		link = &(*link)->next;
	return link;
}

static bool drop_oldest(struct spool *spool)
{
	for (struct kept **link; *(link = oldest(spool));)
		if (drop(spool, link))
			return true;
	return false;
}

static bool too_old(const struct spool *spool, const struct kept *kept)
{
	int64_t age = (int64_t)clock_mono(spool->clock) - kept->stamp_ns;

	return spool->limits.max_age_ns && age > 0 && (uint64_t)age > spool->limits.max_age_ns;
}

static void drop_aged(struct spool *spool)
{
	for (struct kept **link; *(link = oldest(spool)) && too_old(spool, *link);)
		drop(spool, link);
}

static bool disk_short(const struct spool *spool, uint64_t bytes)
{
	uint64_t credit = 0;

	if (!spool->limits.keep_free)
		return false;
	if (clock_mono(spool->clock) <= spool->credit_until_ns)
		credit = spool->credit_bytes;
	uint64_t usable = bytes_free(spool);
	usable = usable < UINT64_MAX - credit ? usable + credit : UINT64_MAX;
	return usable < bytes || usable - bytes < spool->limits.keep_free;
}

/* Whether so much more would break a limit. */
static bool lacks_room(const struct spool *spool, uint64_t files, uint64_t bytes)
{
	const struct spool_limits *limits = &spool->limits;

	return (limits->max_files && spool->usage.files + files > limits->max_files) ||
	       (limits->max_bytes && spool->usage.bytes + bytes > limits->max_bytes) ||
	       disk_short(spool, bytes);
}

int spool_make_room(struct spool *spool, uint64_t files, uint64_t bytes)
{
	drop_aged(spool);
	while (lacks_room(spool, files, bytes))
		if (!drop_oldest(spool))
			return -ENOSPC;
	return 0;
}

void spool_expire(struct spool *spool)
{
	spool_make_room(spool, 0, 0);
}

void spool_set_limits(struct spool *spool, const struct spool_limits *limits)
{
	spool->limits = *limits;
	spool_expire(spool);
}

void spool_usage(const struct spool *spool, struct spool_usage *usage)
{
	*usage = spool->usage;
}

/* ---- writing ---- */

int spool_cut(int fd, uint64_t bytes)
{
	while (ftruncate(fd, (off_t)bytes) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static bool is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

/* All of it, deleting for it when the disk is full; what was written in vain stays for spool_cut().
 */
int spool_write_at(struct spool *spool, int fd, const uint8_t *bytes, size_t length,
                   uint64_t offset)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = pwrite(fd, bytes + done, length - done, (off_t)(offset + done));
		int error = n > 0 ? 0 : n < 0 ? -errno : -EIO;
		if (n > 0)
			done += (size_t)n;
		else if (error != -EINTR && !(is_full(error) && drop_oldest(spool)))
			return error;
	}
	return 0;
}

void spool_resize(struct spool *spool, struct kept *kept, uint64_t bytes)
{
	spool->usage.bytes = spool->usage.bytes - kept->bytes + bytes;
	kept->bytes = bytes;
}

static int append(struct spool *spool, struct spool_file *file, const uint8_t *bytes, size_t length)
{
	int error = spool_make_room(spool, 0, length);

	if (error)
		return error;
	error = spool_write_at(spool, file->fd, bytes, length, file->bytes);
	if (error) {
		file->torn = spool_cut(file->fd, file->bytes) != 0;
		return error;
	}
	file->bytes += length;
	spool_resize(spool, file->kept, file->bytes);
	return 0;
}

/* Each append is a frame of zstd of its own, with a checksum: whatever was appended can be read
 * back, whatever happened behind it. */
static int pack(struct spool *spool, uint32_t level, const uint8_t *bytes, size_t *length)
{
	if (!spool->zstd)
		spool->zstd = ZSTD_createCCtx();
	if (!spool->packed)
		spool->packed = malloc(ZSTD_compressBound(SPOOL_APPEND));
	if (!spool->zstd || !spool->packed)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(spool->zstd, ZSTD_c_compressionLevel, (int)level);
	ZSTD_CCtx_setParameter(spool->zstd, ZSTD_c_checksumFlag, 1);
	size_t n = ZSTD_compress2(spool->zstd, spool->packed, ZSTD_compressBound(SPOOL_APPEND),
	                          bytes, *length);
	if (ZSTD_isError(n))
		return -ENOMEM;
	*length = n;
	return 0;
}

int spool_append(struct spool *spool, struct spool_file *file, const uint8_t *bytes, size_t length)
{
	if (length > SPOOL_APPEND)
		return -EINVAL;
	if (file->torn && spool_cut(file->fd, file->bytes) != 0)
		return -EIO;
	file->torn = false;
	if (!file->zstd_level)
		return append(spool, file, bytes, length);
	int error = pack(spool, file->zstd_level, bytes, &length);
	return error ? error : append(spool, file, spool->packed, length);
}

uint64_t spool_file_bytes(const struct spool_file *file)
{
	return file->bytes;
}

static int name_file(struct spool *spool, const char *wan, uint64_t sequence, uint64_t real_ns,
                     struct spool_name *name)
{
	*name = (struct spool_name){
		.sequence = (uint32_t)sequence,
		.real_s = real_ns / NS_PER_S,
		.packed = spool->limits.zstd_level > 0,
		.part = true,
	};
	if (sequence > SPOOL_SEQUENCE_MAX)
		return -EOVERFLOW;
	memcpy(name->boot, spool->boot, sizeof(name->boot));
	return spool_name_wan(name->wan, wan) ? 0 : -EINVAL;
}

/* The file itself; its descriptor or -errno. */
static int make_file(struct spool *spool, const struct spool_name *name)
{
	char text[SPOOL_NAME];
	int fd;

	if (!spool_name_build(text, name))
		return -EINVAL;
	int error = spool_make_room(spool, 1, 0);
	if (error)
		return error;
	do {
		fd = openat(spool->dir, text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		            0640);
	} while (fd < 0 && (errno == EINTR || (is_full(-errno) && drop_oldest(spool))));
	return fd < 0 ? -errno : fd;
}

struct spool_file *spool_create(struct spool *spool, const char *wan, uint64_t sequence,
                                uint64_t real_ns, int *error)
{
	struct spool_file *file = calloc(1, sizeof(*file));
	struct kept *kept = calloc(1, sizeof(*kept));

	*error = file && kept ? 0 : -ENOMEM;
	if (!*error)
		*error = name_file(spool, wan, sequence, real_ns, &kept->name);
	if (!*error)
		*error = series_take(spool, kept->name.wan, sequence);
	int fd = *error ? *error : make_file(spool, &kept->name);
	if (fd < 0) {
		*error = fd;
		free(file);
		free(kept);
		return NULL;
	}
	*file = (struct spool_file){.kept = kept,
	                            .fd = fd,
	                            .zstd_level = spool->limits.zstd_level,
	                            .next = spool->open};
	spool->open = file;
	spool->usage.files++;
	return file;
}

/* ---- completing ---- */

/* Nothing is ever overwritten. A file system without RENAME_NOREPLACE is asked twice: nobody else
 * makes such names while the lock is ours. */
static int rename_file(struct spool *spool, const char *from, const char *to)
{
	struct stat st;

	if (renameat2(spool->dir, from, spool->dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (fstatat(spool->dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat2(spool->dir, from, spool->dir, to, 0) ? -errno : 0;
}

/* On the disk, then under its final name, then the name on the disk. */
int spool_settle(struct spool *spool, struct kept *kept, int fd)
{
	struct spool_name name = kept->name;
	char from[SPOOL_NAME], to[SPOOL_NAME];

	name.part = false;
	if (!spool_name_build(from, &kept->name) || !spool_name_build(to, &name))
		return -EINVAL;
	if (fdatasync(fd) != 0)
		return -errno;
	int error = rename_file(spool, from, to);
	if (error)
		return error;
	kept->name = name;
	return fsync(spool->dir) ? -errno : 0;
}

void spool_enqueue(struct spool *spool, struct kept *kept)
{
	kept->next = NULL;
	*spool->end = kept;
	spool->end = &kept->next;
}

static void unlist(struct spool *spool, const struct spool_file *file)
{
	struct spool_file **link = &spool->open;

	while (*link != file)
		link = &(*link)->next;
	*link = file->next;
}

/* A file with nothing in it. */
int spool_remove_file(struct spool *spool, struct kept *kept)
{
	char name[SPOOL_NAME];

	if (spool_name_build(name, &kept->name) && unlinkat(spool->dir, name, 0) != 0 &&
	    errno != ENOENT) {
		int error = -errno;
		spool_enqueue(spool, kept);
		return error;
	}
	forget(spool, kept);
	return 0;
}

int spool_complete(struct spool *spool, struct spool_file *file)
{
	struct kept *kept = file->kept;
	int error = file->torn ? spool_cut(file->fd, file->bytes) : 0;

	unlist(spool, file);
	kept->stamp_ns = (int64_t)clock_mono(spool->clock);
	if (file->bytes == 0) {
		error = spool_remove_file(spool, kept);
	} else {
		if (!error)
			error = spool_settle(spool, kept, file->fd);
		spool_enqueue(spool, kept);
	}
	close(file->fd);
	free(file);
	return error;
}

/* ---- the directory ---- */

static struct spool *take_directory(int dir, const struct spool_limits *limits,
                                    const char *boot_id8, const struct clock *clock, int *error)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool) {
		*error = -ENOMEM;
		close(dir);
		return NULL;
	}
	spool->dir = dir;
	snprintf(spool->boot, sizeof(spool->boot), "%s", boot_id8);
	spool->limits = *limits;
	spool->clock = clock;
	spool->end = &spool->oldest;
	pthread_mutex_init(&spool->lock, NULL);
	*error = flock(dir, LOCK_EX | LOCK_NB) ? -errno : 0;
	return spool;
}

struct spool *spool_open(int dir, const struct spool_limits *limits, const char *boot_id8,
                         const struct clock *clock, struct spool_found *found, int *error)
{
	struct spool *spool = take_directory(dir, limits, boot_id8, clock, error);

	*found = (struct spool_found){0};
	if (!spool)
		return NULL;
	if (!*error)
		*error = spool_rebuild(spool);
	if (*error) {
		spool_close(spool);
		return NULL;
	}
	spool_expire(spool);
	spool_repair_all(spool, found);
	found->files = spool->usage.files;
	found->bytes = spool->usage.bytes;
	return spool;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	for (struct spool_file *file = spool->open, *next; file; file = next) {
		next = file->next;
		close(file->fd);
		free(file->kept);
		free(file);
	}
	for (struct kept *kept = spool->oldest, *next; kept; kept = next) {
		next = kept->next;
		free(kept);
	}
	for (struct series *series = spool->series, *next; series; series = next) {
		next = series->next;
		free(series);
	}
	pthread_mutex_destroy(&spool->lock);
	ZSTD_freeCCtx(spool->zstd);
	free(spool->packed);
	close(spool->dir);
	free(spool);
}
