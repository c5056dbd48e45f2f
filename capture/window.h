/* SPDX-License-Identifier: MIT
 *
 * window.h - a file's bytes, decompressed, as a window that only moves forward.
 *
 * Large plain files are mapped; small ones, pipes, gzip and zstd (told by their first bytes, not by
 * name) are read into a buffer. Whoever reads sees only bytes[0..length), which begin at offset
 * `start` of the decompressed file.
 *
 * A mapped file that shrinks would kill its reader with SIGBUS. So the window of a map grows 1 MiB
 * at a time, each step made present by the kernel after a look at the file's size; a file that
 * shrank ends there. What remains is a file that loses bytes within the millisecond in which they
 * are read: a program may catch SIGBUS in its main.
 */
#ifndef CAPTURE_WINDOW_H
#define CAPTURE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why no more bytes come. */
enum window_end {
	WINDOW_OPEN,    /* more may come */
	WINDOW_WHOLE,   /* the end of the file */
	WINDOW_SHRANK,  /* the file became shorter while it was read */
	WINDOW_CUT,     /* compressed data end too early */
	WINDOW_CORRUPT, /* compressed data make no sense */
	WINDOW_ERROR,   /* read error, see error */
	WINDOW_NO_MEMORY,
};

struct window_stream;

struct window {
	const uint8_t *bytes;
	size_t length;
	uint64_t start;
	enum window_end end;
	int error;           /* errno of WINDOW_ERROR */
	const char *packing; /* "gzip", "zstd", "" */

	/* a map; or a stream */
	uint8_t *map;
	size_t map_size, dropped;
	int fd; /* -1 = closed */
	struct window_stream *stream;
};

/* Takes over fd, also on failure. Returns 0 or -errno. The window holds the first bytes. */
int window_open(struct window *window, int fd);
void window_close(struct window *window);

/*
 * Make at least `need` bytes from offset `from` on available; bytes before `from` are given up.
 * Pointers into the window of a stream become invalid. False when the end comes first: `end` says
 * why, what is left is there.
 */
bool window_more(struct window *window, uint64_t from, size_t need);

/* Bytes at an offset that is still held. */
static inline const uint8_t *window_at(const struct window *window, uint64_t offset)
{
	return window->bytes + (offset - window->start);
}

#endif
