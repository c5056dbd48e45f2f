/* SPDX-License-Identifier: MIT
 *
 * growing.h - bytes of a capture that still grows: a file that another process appends to, or a
 * pipe, plain or zstd (told by the first bytes).
 *
 * The end of the file is not the end of the capture: asked again later, it may give more. Never
 * waits, whatever it reads from. Holds one window of bytes that its reader has not used yet.
 */
#ifndef CAPTURE_GROWING_H
#define CAPTURE_GROWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct growing {
	int fd; /* owned; -1 = closed */
	bool pipe;
	bool told; /* plain or packed is known */
	bool packed;

	/* the window: bytes[start..end) were not used yet */
	uint8_t *bytes; /* owned */
	size_t start, end, room;
	uint64_t offset; /* of the file: what was read from it so far, packed as it lies there */

	struct ZSTD_DCtx_s *unpacker; /* owned; NULL = plain */
	uint8_t *raw;                 /* owned; packed bytes on their way */
	size_t raw_start, raw_end;
};

enum growing_state {
	GROWING_READY,   /* the window holds what was asked for */
	GROWING_NOTHING, /* not yet */
	GROWING_CLOSED,  /* and never: the writer of the pipe has closed it */
	GROWING_CORRUPT, /* packed bytes that make no sense */
	GROWING_ERROR,   /* read error: errno */
	GROWING_MEMORY,
};

/* Takes over fd: of a regular file, or the end of a pipe set O_NONBLOCK. */
void growing_open(struct growing *growing, int fd, bool pipe);
void growing_close(struct growing *growing);

/* Read until the window holds `need` bytes. Pointers into the window become invalid. */
enum growing_state growing_fill(struct growing *growing, size_t need);

static inline const uint8_t *growing_bytes(const struct growing *growing)
{
	return growing->bytes + growing->start;
}

static inline size_t growing_length(const struct growing *growing)
{
	return growing->end - growing->start;
}

static inline void growing_use(struct growing *growing, size_t length)
{
	growing->start += length;
}

/* Bytes the file has now, packed as it lies there; 0 for a pipe. */
uint64_t growing_size(const struct growing *growing);

/* Read again what was read and not used: who repairs a file cuts it and writes other bytes there.
 * False where that is not possible (pipe, packed). */
bool growing_again(struct growing *growing);

#endif
