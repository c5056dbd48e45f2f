/* SPDX-License-Identifier: MIT
 *
 * growing.c - see growing.h.
 */
#include "growing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define WINDOW_MIN ((size_t)128 * 1024)
#define RAW_ROOM   ((size_t)64 * 1024)
/* A window of packed data that this much does not hold is not of our recorder. */
#define UNPACK_LOG_MAX 27

static const uint8_t zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

void growing_open(struct growing *growing, int fd, bool pipe)
{
	*growing = (struct growing){.fd = fd, .pipe = pipe};
}

void growing_close(struct growing *growing)
{
	if (growing->fd >= 0)
		close(growing->fd);
	ZSTD_freeDCtx(growing->unpacker);
	free(growing->bytes);
	free(growing->raw);
	*growing = (struct growing){.fd = -1};
}

uint64_t growing_size(const struct growing *growing)
{
	struct stat st;

	if (growing->pipe || growing->fd < 0 || fstat(growing->fd, &st) != 0 || st.st_size < 0)
		return 0;
	return (uint64_t)st.st_size;
}

bool growing_again(struct growing *growing)
{
	if (growing->pipe || growing->packed)
		return false;
	growing->offset -= growing_length(growing);
	growing->start = growing->end = 0;
	return true;
}

/* Bytes from the file or the pipe: how many, 0 = none now, -1 = closed, -2 = error. */
static ssize_t take(struct growing *growing, uint8_t *to, size_t room)
{
	ssize_t got;

	do
		got = growing->pipe ? read(growing->fd, to, room)
		                    : pread(growing->fd, to, room, (off_t)growing->offset);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		growing->offset += (uint64_t)got;
	if (got > 0)
		return got;
	if (got == 0)
		return growing->pipe ? -1 : 0;
	return errno == EAGAIN ? 0 : -2;
}

static enum growing_state state_of(ssize_t got)
{
	return got == 0 ? GROWING_NOTHING : got == -1 ? GROWING_CLOSED : GROWING_ERROR;
}

/* Move what is left to the front, and make the window large enough. */
static bool make_room(struct growing *growing, size_t need)
{
	size_t length = growing_length(growing);
	size_t room = growing->room ? growing->room : WINDOW_MIN;

	if (length)
		memmove(growing->bytes, growing->bytes + growing->start, length);
	growing->start = 0;
	growing->end = length;
	while (room < need)
		room *= 2;
	if (room == growing->room)
		return true;
	uint8_t *grown = realloc(growing->bytes, room);
	if (!grown)
		return false;
	growing->bytes = grown;
	growing->room = room;
	return true;
}

static enum growing_state fill_plain(struct growing *growing, size_t need)
{
	while (growing_length(growing) < need) {
		ssize_t got =
			take(growing, growing->bytes + growing->end, growing->room - growing->end);
		if (got <= 0)
			return state_of(got);
		growing->end += (size_t)got;
	}
	return GROWING_READY;
}

static enum growing_state unpack(struct growing *growing)
{
	ZSTD_inBuffer in = {growing->raw, growing->raw_end, growing->raw_start};
	ZSTD_outBuffer out = {growing->bytes, growing->room, growing->end};
	size_t said = ZSTD_decompressStream(growing->unpacker, &out, &in);

	growing->raw_start = in.pos;
	growing->end = out.pos;
	return ZSTD_isError(said) ? GROWING_CORRUPT : GROWING_READY;
}

static enum growing_state fill_packed(struct growing *growing, size_t need)
{
	while (growing_length(growing) < need) {
		size_t before = growing->end;
		enum growing_state state = unpack(growing);
		if (state != GROWING_READY)
			return state;
		if (growing->end > before || growing->raw_start < growing->raw_end)
			continue;
		ssize_t got = take(growing, growing->raw, RAW_ROOM);
		if (got <= 0)
			return state_of(got);
		growing->raw_start = 0;
		growing->raw_end = (size_t)got;
	}
	return GROWING_READY;
}

/* The first four bytes tell; they are plain ones until then. */
static enum growing_state tell(struct growing *growing)
{
	enum growing_state state = fill_plain(growing, sizeof(zstd_magic));

	if (state != GROWING_READY)
		return state;
	growing->told = true;
	growing->packed = memcmp(growing->bytes, zstd_magic, sizeof(zstd_magic)) == 0;
	if (!growing->packed)
		return GROWING_READY;
	growing->raw = malloc(growing->room > RAW_ROOM ? growing->room : RAW_ROOM);
	growing->unpacker = ZSTD_createDCtx();
	if (!growing->raw || !growing->unpacker)
		return GROWING_MEMORY;
	ZSTD_DCtx_setParameter(growing->unpacker, ZSTD_d_windowLogMax, UNPACK_LOG_MAX);
	memcpy(growing->raw, growing->bytes, growing->end);
	growing->raw_end = growing->end;
	growing->end = 0;
	return GROWING_READY;
}

enum growing_state growing_fill(struct growing *growing, size_t need)
{
	if (growing_length(growing) >= need && growing->told)
		return GROWING_READY;
	if (growing->fd < 0)
		return GROWING_CLOSED;
	if (!make_room(growing, need))
		return GROWING_MEMORY;
	if (!growing->told) {
		enum growing_state state = tell(growing);
		if (state != GROWING_READY)
			return state;
	}
	return growing->packed ? fill_packed(growing, need) : fill_plain(growing, need);
}
