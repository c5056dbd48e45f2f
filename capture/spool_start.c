/* SPDX-License-Identifier: MIT
 *
 * spool_start.c - what a spool finds when it is opened: the ring rebuilt from the directory, and
 * what an earlier run left unfinished.
 */
#include "spool_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
/* A file that claims to be older was stamped by a clock that was wrong: its age is not known. */
#define PLAUSIBLE_AGE_NS (365 * 86400 * NS_PER_S)

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
			if (!spool_add_series(spool, files[i]->name.wan, files[i]->name.sequence))
				return -ENOMEM;
		} else if (files[i]->stamp_ns > after->stamp_ns) {
			files[i]->stamp_ns = after->stamp_ns;
		}
	}
	qsort(files, heap->n, sizeof(*files), by_age);
	return 0;
}

int spool_rebuild(struct spool *spool)
{
	struct heap heap = {0};
	int error = scan(spool, &heap);

	if (!error)
		error = order(spool, &heap);
	for (size_t i = 0; i < heap.n; i++) {
		spool_enqueue(spool, heap.files[i]);
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
	int error = spool_cut(fd, size);

	if (error)
		return error;
	spool_resize(spool, kept, size);
	if (repair->n_tail && spool_make_room(spool, 0, repair->n_tail) == 0 &&
	    spool_write_at(spool, fd, repair->tail, repair->n_tail, size) == 0)
		spool_resize(spool, kept, size + repair->n_tail);
	else
		spool_cut(fd, size);
	return spool_settle(spool, kept, fd);
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
			spool_enqueue(spool, kept);
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
		spool_enqueue(spool, kept);
	}
}

/* What cannot be repaired stays as it is, a .part of the ring that grows old as others do. */
void spool_repair_all(struct spool *spool, struct spool_found *found)
{
	struct kept *left = take_unfinished(spool), **link = &left;

	while (*link) {
		struct kept *kept = *link;
		if (!repair_file(spool, kept, found)) {
			link = &kept->next;
			continue;
		}
		*link = kept->next;
		found->removed += spool_remove_file(spool, kept) == 0;
	}
	merge(spool, left);
}
