/* SPDX-License-Identifier: MIT
 *
 * spool.c - see spool.h.
 *
 * Every file that is ours is a struct kept, open or complete. The complete ones are a queue, the
 * oldest first; what is completed joins at its end, so that age and order agree. Real time plays no
 * part in it, except once: at the start it tells how old the files are that lie there.
 */
#include "spool.h"

#include "spool_name.h"

#include <dirent.h>
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
/* A file that claims to be older was stamped by a clock that was wrong: its age is not known. */
#define PLAUSIBLE_AGE_NS (365 * 86400 * NS_PER_S)
/* Some file systems give deleted bytes back with their next commit only. */
#define CREDIT_NS (30 * NS_PER_S)

struct kept {
	struct kept *next;
	int64_t stamp_ns; /* monotonic time of its last change; before the start it may be < 0 */
	uint64_t bytes;
	bool held; /* must not be deleted now, or could not be */
	struct spool_name name;
};

/* Who had which sequence numbers. */
struct series {
	struct series *next;
	uint64_t highest; /* that a file has */
	uint64_t given;   /* that spool_sequence() gave out */
	char wan[SPOOL_WAN];
};

struct spool_file {
	struct kept *kept;
	int fd;
	uint64_t bytes; /* whole appends; what lies behind must be cut off */
	bool torn;      /* and could not be, last time */
	uint32_t zstd_level;
	struct spool_file *next;
};

struct spool {
	int dir;
	char boot[9];
	struct spool_limits limits;
	const struct clock *clock;

	struct kept *oldest, **end;
	struct spool_file *open;
	struct spool_usage usage;
	uint64_t credit_bytes, credit_until_ns;

	pthread_mutex_t lock; /* of `series` alone */
	struct series *series;

	ZSTD_CCtx *zstd;
	uint8_t *packed;
};

/* ---- sequence numbers ---- */

static struct series *series_add(struct spool *spool, const char *wan, uint64_t highest)
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
	return series ? series : series_add(spool, wan, 0);
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

static int make_room(struct spool *spool, uint64_t files, uint64_t bytes)
{
	drop_aged(spool);
	while (lacks_room(spool, files, bytes))
		if (!drop_oldest(spool))
			return -ENOSPC;
	return 0;
}

void spool_expire(struct spool *spool)
{
	make_room(spool, 0, 0);
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

static int cut(int fd, uint64_t bytes)
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

/* All of it, deleting for it when the disk is full; what was written in vain stays for cut(). */
static int write_at(struct spool *spool, int fd, const uint8_t *bytes, size_t length,
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

static void resize(struct spool *spool, struct kept *kept, uint64_t bytes)
{
	spool->usage.bytes = spool->usage.bytes - kept->bytes + bytes;
	kept->bytes = bytes;
}

static int append(struct spool *spool, struct spool_file *file, const uint8_t *bytes, size_t length)
{
	int error = make_room(spool, 0, length);

	if (error)
		return error;
	error = write_at(spool, file->fd, bytes, length, file->bytes);
	if (error) {
		file->torn = cut(file->fd, file->bytes) != 0;
		return error;
	}
	file->bytes += length;
	resize(spool, file->kept, file->bytes);
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
	if (file->torn && cut(file->fd, file->bytes) != 0)
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
	int error = make_room(spool, 1, 0);
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
static int settle(struct spool *spool, struct kept *kept, int fd)
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

static void enqueue(struct spool *spool, struct kept *kept)
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
static int remove_file(struct spool *spool, struct kept *kept)
{
	char name[SPOOL_NAME];

	if (spool_name_build(name, &kept->name) && unlinkat(spool->dir, name, 0) != 0 &&
	    errno != ENOENT) {
		int error = -errno;
		enqueue(spool, kept);
		return error;
	}
	forget(spool, kept);
	return 0;
}

int spool_complete(struct spool *spool, struct spool_file *file)
{
	struct kept *kept = file->kept;
	int error = file->torn ? cut(file->fd, file->bytes) : 0;

	unlist(spool, file);
	kept->stamp_ns = (int64_t)clock_mono(spool->clock);
	if (file->bytes == 0) {
		error = remove_file(spool, kept);
	} else {
		if (!error)
			error = settle(spool, kept, file->fd);
		enqueue(spool, kept);
	}
	close(file->fd);
	free(file);
	return error;
}

/* ---- what lies there at the start ---- */

struct heap {
	struct kept **files;
	size_t n, room;
};

static bool heap_add(struct heap *heap, const struct kept *kept)
{
	if (heap->n == heap->room) {
		size_t room = heap->room ? heap->room * 2 : 64;
		struct kept **files = realloc(heap->files, room * sizeof(*files));
		if (!files)
			return false;
		heap->files = files;
		heap->room = room;
	}
	struct kept *copy = malloc(sizeof(*copy));
	if (!copy)
		return false;
	*copy = *kept;
	heap->files[heap->n++] = copy;
	return true;
}

static int64_t stamp_of(const struct spool *spool, const struct stat *st)
{
	int64_t now = (int64_t)clock_mono(spool->clock);
	uint64_t real = clock_real(spool->clock), changed;

	if (st->st_mtim.tv_sec < 0 || (uint64_t)st->st_mtim.tv_sec > real / NS_PER_S)
		return now;
	changed = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
	if (changed > real || real - changed > PLAUSIBLE_AGE_NS)
		return now;
	return now - (int64_t)(real - changed);
}

static int look_at(struct spool *spool, struct heap *heap, const char *text)
{
	struct kept kept = {0};
	struct stat st;

	if (!spool_name_parse(&kept.name, text))
		return 0;
	if (fstatat(spool->dir, text, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return 0;
	kept.bytes = (uint64_t)st.st_size;
	kept.stamp_ns = stamp_of(spool, &st);
	return heap_add(heap, &kept) ? 0 : -ENOMEM;
}

/* A descriptor of its own: it has a place in the directory of its own. */
static int scan(struct spool *spool, struct heap *heap)
{
	int fd = openat(spool->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	for (struct dirent *entry; !error && (errno = 0, entry = readdir(dir));)
		error = look_at(spool, heap, entry->d_name);
	if (!error && errno)
		error = -errno;
	closedir(dir);
	return error;
}

static int by_sequence(const void *left, const void *right)
{
	const struct kept *a = *(struct kept *const *)left, *b = *(struct kept *const *)right;
	int order = strcmp(a->name.wan, b->name.wan);

	if (order)
		return order;
	return (a->name.sequence > b->name.sequence) - (a->name.sequence < b->name.sequence);
}

static int by_age(const void *left, const void *right)
{
	const struct kept *a = *(struct kept *const *)left, *b = *(struct kept *const *)right;

	if (a->stamp_ns != b->stamp_ns)
		return a->stamp_ns < b->stamp_ns ? -1 : 1;
	return by_sequence(left, right);
}

static bool same_wan(const struct kept *a, const struct kept *b)
{
	return strcmp(a->name.wan, b->name.wan) == 0;
}

/*
 * Within a WAN the sequence is the order, and nothing is younger than the file after it, whatever
 * the clocks of its time said; with that made true, age orders the files of all WANs.
 */
static int order(struct spool *spool, struct heap *heap)
{
	struct kept **files = heap->files, *after = NULL;

	if (heap->n == 0)
		return 0;
	qsort(files, heap->n, sizeof(*files), by_sequence);
	for (size_t i = heap->n; i-- > 0; after = files[i]) {
		if (!after || !same_wan(files[i], after)) {
			if (!series_add(spool, files[i]->name.wan, files[i]->name.sequence))
				return -ENOMEM;
		} else if (files[i]->stamp_ns > after->stamp_ns) {
			files[i]->stamp_ns = after->stamp_ns;
		}
	}
	qsort(files, heap->n, sizeof(*files), by_age);
	return 0;
}

static int rebuild(struct spool *spool)
{
	struct heap heap = {0};
	int error = scan(spool, &heap);

	if (!error)
		error = order(spool, &heap);
	for (size_t i = 0; i < heap.n; i++) {
		enqueue(spool, heap.files[i]);
		spool->usage.files++;
		spool->usage.bytes += heap.files[i]->bytes;
	}
	free(heap.files);
	return error;
}

/* ---- what an earlier run left unfinished ---- */

/* Cut it, say so behind it, give it its name. The note is left out when there is no room for it. */
static int mend(struct spool *spool, struct kept *kept, int fd, const struct repair *repair)
{
	uint64_t size = repair->keep;
	int error = cut(fd, size);

	if (error)
		return error;
	resize(spool, kept, size);
	if (repair->n_tail && make_room(spool, 0, repair->n_tail) == 0 &&
	    write_at(spool, fd, repair->tail, repair->n_tail, size) == 0)
		resize(spool, kept, size + repair->n_tail);
	else
		cut(fd, size);
	return settle(spool, kept, fd);
}

/* A descriptor of the file, when it is one that nobody else has a name for. */
static int open_left(struct spool *spool, const struct kept *kept)
{
	char name[SPOOL_NAME];
	struct stat st;

	if (!spool_name_build(name, &kept->name))
		return -EINVAL;
	int fd = openat(spool->dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1)
		return fd;
	close(fd);
	return -EINVAL;
}

/* True when nothing of the file could be saved. */
static bool repair_file(struct spool *spool, struct kept *kept, struct spool_found *found)
{
	uint64_t size = kept->bytes, began_ns = kept->name.real_s * NS_PER_S;
	struct repair repair;
	int fd = open_left(spool, kept);

	if (fd < 0)
		return false;
	int error = repair_examine(fd, size, kept->name.packed, began_ns, &repair);
	bool nothing = !error && repair.keep == 0;
	if (!error && !nothing && mend(spool, kept, fd, &repair) == 0) {
		found->repaired++;
		found->cut_bytes += size - repair.keep;
	}
	repair_release(&repair);
	close(fd);
	return nothing;
}

/* Take the files of the ring out of it that are unfinished, in their order. */
static struct kept *take_unfinished(struct spool *spool)
{
	struct kept *all = spool->oldest, *left = NULL, **end = &left;

	spool->oldest = NULL;
	spool->end = &spool->oldest;
	for (struct kept *kept = all, *next; kept; kept = next) {
		next = kept->next;
		if (!kept->name.part) {
			enqueue(spool, kept);
			continue;
		}
		kept->next = NULL;
		*end = kept;
		end = &kept->next;
	}
	return left;
}

/* Put files, in their order, back where they belong. */
static void merge(struct spool *spool, struct kept *left)
{
	struct kept *ring = spool->oldest;

	spool->oldest = NULL;
	spool->end = &spool->oldest;
	while (ring || left) {
		struct kept **from = !ring || (left && by_age(&left, &ring) < 0) ? &left : &ring;
		struct kept *kept = *from;
		*from = kept->next;
		enqueue(spool, kept);
	}
}

/* What cannot be repaired stays as it is, a .part of the ring that grows old as others do. */
static void repair_all(struct spool *spool, struct spool_found *found)
{
	struct kept *left = take_unfinished(spool), **link = &left;

	while (*link) {
		struct kept *kept = *link;
		if (!repair_file(spool, kept, found)) {
			link = &kept->next;
			continue;
		}
		*link = kept->next;
		found->removed += remove_file(spool, kept) == 0;
	}
	merge(spool, left);
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
		*error = rebuild(spool);
	if (*error) {
		spool_close(spool);
		return NULL;
	}
	spool_expire(spool);
	repair_all(spool, found);
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
