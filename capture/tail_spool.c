/* SPDX-License-Identifier: MIT
 *
 * tail_spool.c - a directory that a recorder writes into: which file of which WAN comes next.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool_name.h"
#include "tail_inside.h"

#define WATCHED (IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MODIFY)

/* ---- the directory ---- */

static struct feed *find_feed(struct tail *tail, const char *key)
{
	struct feed *feed;

	for (size_t i = 0; i < tail->n_feeds; i++)
		if (strcmp(tail->feeds[i]->key, key) == 0)
			return tail->feeds[i];
	feed = tail_add_feed(tail);
	if (feed) {
		memcpy(feed->key, key, sizeof(feed->key));
		feed->newest = !tail->listed;
	}
	if (!feed && !tail->crowded) {
		struct tail_note *note = tail_note(tail, NOTE_FLAW, TAIL_NO_WAN);
		snprintf(note->text, sizeof(note->text),
		         "more than %d WANs in the spool: %.100s and others are not shown",
		         TAIL_WANS_MAX, key);
		tail->crowded = true;
	}
	return feed;
}

/* At first the newest file; then the oldest of those that follow. */
static void offer(struct feed *feed, struct spool_name *entry)
{
	int64_t sequence = (int64_t)entry->sequence;

	if (feed->started && sequence == feed->sequence) {
		feed->complete = !entry->part;
		feed->there = true;
	}
	feed->lower |= sequence < feed->sequence;
	if (sequence <= feed->sequence)
		return;
	if (feed->next_name[0] && (feed->newest ? sequence < feed->next : sequence > feed->next))
		return;
	feed->next = sequence;
	feed->next_ns = entry->real_s * 1000000000ull;
	entry->part = false;
	spool_name_build(feed->next_name, entry);
}

static void list_once(struct tail *tail, DIR *directory)
{
	const struct dirent *row;

	for (size_t i = 0; i < tail->n_feeds; i++) {
		struct feed *feed = tail->feeds[i];
		feed->next_name[0] = '\0';
		feed->complete = true; /* unless its .part is met */
		feed->there = feed->lower = false;
	}
	rewinddir(directory);
	while ((row = readdir(directory))) {
		struct spool_name entry;
		struct feed *feed =
			spool_name_parse(&entry, row->d_name) ? find_feed(tail, entry.wan) : NULL;
		if (feed)
			offer(feed, &entry);
	}
}

/* Somebody cleared the spool: its numbers begin anew. */
static bool begin_anew(struct tail *tail)
{
	bool any = false;

	for (size_t i = 0; i < tail->n_feeds; i++) {
		struct feed *feed = tail->feeds[i];
		if (feed->next_name[0] || feed->there || !feed->lower)
			continue;
		feed->sequence = -1;
		any = true;
	}
	return any;
}

static void list(struct tail *tail)
{
	int fd = openat(tail->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	list_once(tail, directory);
	if (begin_anew(tail))
		list_once(tail, directory);
	closedir(directory);
	for (size_t i = 0; i < tail->n_feeds; i++)
		tail->feeds[i]->successor = tail->feeds[i]->next_name[0] != '\0';
	for (size_t i = 0; !tail->listed && i < tail->n_feeds; i++)
		if (tail->feeds[i]->next_ns > tail->shared_ns)
			tail->shared_ns = tail->feeds[i]->next_ns;
	tail->listed = true;
	tail->changed = false;
}

/* What inotify has to say; without it, the directory is listed at each look. */
static void hear(struct tail *tail)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got;

	if (tail->inotify < 0)
		tail->changed = true;
	while (tail->inotify >= 0 && (got = read(tail->inotify, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < got;) {
			struct inotify_event event;
			memcpy(&event, events + at, sizeof(event));
			tail->changed |= event.mask != IN_MODIFY;
			at += (ssize_t)sizeof(event) + (ssize_t)event.len;
		}
	}
}

void tail_spool_look(struct tail *tail)
{
	hear(tail);
	if (tail->changed || !tail->listed)
		list(tail);
}

static int open_entry(const struct tail *tail, const char *name)
{
	static const char *const ends[] = {".part", "", ".part"};
	int fd = -1;

	/* it may be renamed between two tries */
	for (size_t i = 0; fd < 0 && i < sizeof(ends) / sizeof(*ends); i++) {
		char path[SPOOL_NAME + 8];
		snprintf(path, sizeof(path), "%s%s", name, ends[i]);
		fd = openat(tail->directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	struct stat st;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	}
	return fd;
}

static void say_passed(struct tail *tail, const struct feed *feed)
{
	if (feed->sequence < 0 || feed->next <= feed->sequence + 1)
		return;
	struct tail_note *note = tail_note(tail, NOTE_PASSED, tail_find_wan(tail, feed->key));
	note->count = (uint64_t)(feed->next - feed->sequence - 1);
}

static void say_closed(struct tail *tail, const struct feed *feed, int error)
{
	struct tail_note *note = tail_note(tail, NOTE_FLAW, tail_find_wan(tail, feed->key));

	snprintf(note->text, sizeof(note->text), "%s: %s", feed->next_name, strerror(error));
}

bool tail_spool_turn(struct tail *tail, struct feed *feed)
{
	if (!feed->next_name[0])
		return false;
	int fd = open_entry(tail, feed->next_name), error = errno;

	if (fd < 0 && error == ENOENT) { /* it expired meanwhile: what is there now? */
		feed->next_name[0] = '\0';
		tail->changed = true;
		feed->dry = true;
		return false;
	}
	say_passed(tail, feed);
	if (fd < 0)
		say_closed(tail, feed, error);
	feed_close(feed);
	feed->newest = false;
	feed->sequence = feed->next;
	memcpy(feed->name, feed->next_name, sizeof(feed->name));
	if (fd >= 0) {
		char name[sizeof(tail->path) + SPOOL_NAME + 2];
		snprintf(name, sizeof(name), "%s/%s", tail->path, feed->name);
		feed->row = tail_add_file(tail, feed, name);
		feed_open(tail, feed, fd, false);
	}
	feed->started = true;
	list(tail);
	return fd >= 0;
}

/* ---- life ---- */

static bool watch(struct tail *tail, const char *directory)
{
	struct epoll_event event = {.events = EPOLLIN};

	tail->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tail->inotify < 0)
		return true; /* too many watchers on this host: looking now and then is enough */
	if (inotify_add_watch(tail->inotify, directory, WATCHED) < 0) {
		close(tail->inotify);
		tail->inotify = -1;
		return true;
	}
	return epoll_ctl(tail->epoll, EPOLL_CTL_ADD, tail->inotify, &event) == 0;
}

struct tail *tail_spool(const char *directory, const struct tail_options *options, int *error)
{
	struct tail *tail = tail_new(options, error);

	if (!tail)
		return NULL;
	snprintf(tail->path, sizeof(tail->path), "%s", directory);
	for (size_t end = strlen(tail->path); end > 1 && tail->path[end - 1] == '/';)
		tail->path[--end] = '\0';
	tail->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tail->directory >= 0 && watch(tail, directory))
		return tail;
	*error = -errno;
	tail_close(tail);
	return NULL;
}
