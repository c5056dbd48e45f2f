/* SPDX-License-Identifier: MIT
 *
 * window.c - maps, pipes, gzip and zstd behind one window. See window.h.
 */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define STEP      (1u << 20) /* of a map: measured best of 128 KiB to 8 MiB */
#define DROP      (8u << 20)
#define MAP_LEAST (1u << 20) /* smaller files are read: safe against shrinking, and as fast */
#define BUFFER    (256u << 10)
#define PACKED    (64u << 10)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ                                                                         \
	22 /* Linux 5.14; older kernels refuse it and fault the pages in one by one */
#endif

struct window_stream {
	uint8_t *buffer;
	size_t size; /* of buffer */

	/* what a packed file holds before unpacking */
	uint8_t packed[PACKED];
	size_t packed_at, packed_end;
	bool packed_over; /* the file has no more */
	bool inside;      /* within a gzip member or zstd frame */
	z_stream gzip;
	ZSTD_DStream *zstd;
	size_t (*unpack)(struct window *window, uint8_t *out, size_t room);
};

/* One read, whatever interrupts it. Notes the end and errors; returns the bytes got. */
static size_t read_some(struct window *window, uint8_t *out, size_t room)
{
	ssize_t got;

	do
		got = read(window->fd, out, room);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	window->end = got == 0 ? WINDOW_WHOLE : WINDOW_ERROR;
	window->error = got == 0 ? 0 : errno;
	return 0;
}

/* Packed bytes to work on? At the end of the file `end` says whether it came at a good place. */
static bool refill_packed(struct window *window)
{
	struct window_stream *stream = window->stream;

	if (stream->packed_at < stream->packed_end)
		return true;
	stream->packed_at = 0;
	stream->packed_end = read_some(window, stream->packed, PACKED);
	if (stream->packed_end == 0 && window->end == WINDOW_WHOLE && stream->inside)
		window->end = WINDOW_CUT;
	return stream->packed_end > 0;
}

static size_t unpack_gzip(struct window *window, uint8_t *out, size_t room)
{
	struct window_stream *stream = window->stream;
	z_stream *gzip = &stream->gzip;

	gzip->next_out = out;
	gzip->avail_out = (uInt)room;
	while (gzip->avail_out == room && refill_packed(window)) {
		/* Members follow one another; what follows the last and is no member is padding. */
		if (!stream->inside && stream->packed[stream->packed_at] != 0x1f) {
			window->end = WINDOW_WHOLE;
			break;
		}
		stream->inside = true;
		gzip->next_in = stream->packed + stream->packed_at;
		gzip->avail_in = (uInt)(stream->packed_end - stream->packed_at);
		int result = inflate(gzip, Z_NO_FLUSH);
		stream->packed_at = stream->packed_end - gzip->avail_in;
		if (result == Z_STREAM_END) {
			stream->inside = false;
			inflateReset(gzip);
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			window->end = result == Z_MEM_ERROR ? WINDOW_NO_MEMORY : WINDOW_CORRUPT;
			break;
		}
	}
	return room - gzip->avail_out;
}

static size_t unpack_zstd(struct window *window, uint8_t *out, size_t room)
{
	struct window_stream *stream = window->stream;
	ZSTD_outBuffer to = {out, room, 0};

	while (to.pos == 0 && refill_packed(window)) {
		ZSTD_inBuffer from = {stream->packed, stream->packed_end, stream->packed_at};
		size_t result = ZSTD_decompressStream(stream->zstd, &to, &from);
		stream->packed_at = from.pos;
		if (ZSTD_isError(result)) {
			window->end = WINDOW_CORRUPT;
			break;
		}
		stream->inside = result != 0;
	}
	return to.pos;
}

/* Look at the first bytes: a packed file moves them to the unpacker. */
static bool begin_unpacking(struct window *window)
{
	static const uint8_t gzip_magic[3] = {0x1f, 0x8b, 8};
	static const uint8_t zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	struct window_stream *stream = window->stream;
	size_t length = window->length;

	if (length >= 3 && memcmp(window->bytes, gzip_magic, 3) == 0) {
		if (inflateInit2(&stream->gzip, 15 + 16) != Z_OK)
			return false;
		window->packing = "gzip";
		stream->unpack = unpack_gzip;
	} else if (length >= 4 && memcmp(window->bytes, zstd_magic, 4) == 0) {
		stream->zstd = ZSTD_createDStream();
		if (!stream->zstd)
			return false;
		window->packing = "zstd";
		stream->unpack = unpack_zstd;
	} else {
		return true;
	}
	memcpy(stream->packed, window->bytes, length);
	stream->packed_end = length;
	window->length = 0;
	window->end = WINDOW_OPEN;
	return true;
}

static int open_stream(struct window *window)
{
	struct window_stream *stream = calloc(1, sizeof(*stream));

	window->stream = stream;
	if (stream)
		stream->buffer = malloc(BUFFER);
	if (!stream || !stream->buffer)
		return -ENOMEM;
	stream->size = BUFFER;
	stream->unpack = read_some;
	window->bytes = stream->buffer;
	/* A pipe may hand out single bytes; four are enough to know the packing. */
	while (window->length < 4 && window->end == WINDOW_OPEN)
		window->length += read_some(window, stream->buffer + window->length, PACKED - 4);
	if (window->length == 0 && window->end == WINDOW_ERROR)
		return -window->error;
	return begin_unpacking(window) ? 0 : -ENOMEM;
}

/* Let the next step of a map be seen. False at its end. */
static bool more_map(struct window *window)
{
	struct stat status;
	size_t size = window->map_size;

	if (window->end != WINDOW_OPEN)
		return false;
	if (fstat(window->fd, &status) < 0 || (uint64_t)status.st_size < size) {
		window->end = WINDOW_SHRANK;
		return false;
	}
	size_t step = size - window->length < STEP ? size - window->length : STEP;
	if (step == 0) {
		window->end = WINDOW_WHOLE;
		return false;
	}
	/* Refused by an old kernel: the pages fault in. Refused by the disk or a shrunk file: the
	 * end. */
	if (madvise(window->map + window->length, step, MADV_POPULATE_READ) < 0 &&
	    (errno == EFAULT || errno == EHWPOISON)) {
		window->end = WINDOW_ERROR;
		window->error = EIO;
		return false;
	}
	window->length += step;
	return true;
}

static bool open_map(struct window *window, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, window->fd, 0);

	if (map == MAP_FAILED)
		return false;

	madvise(map, size, MADV_SEQUENTIAL);
	window->map = map;
	window->map_size = size;
	window->bytes = map;
	more_map(window);
	return true;
}

static bool is_packed(int fd)
{
	uint8_t magic[4];

	return pread(fd, magic, 4, 0) == 4 &&
	       ((magic[0] == 0x1f && magic[1] == 0x8b) || (magic[0] == 0x28 && magic[1] == 0xb5));
}

int window_open(struct window *window, int fd)
{
	struct stat status;

	*window = (struct window){.fd = fd, .packing = ""};
	if (fstat(fd, &status) < 0) {
		int result = -errno;
		window_close(window);
		return result;
	}
	if (S_ISREG(status.st_mode) && status.st_size >= MAP_LEAST && !is_packed(fd) &&
	    lseek(fd, 0, SEEK_CUR) == 0 && open_map(window, (size_t)status.st_size))
		return 0;
	int result = open_stream(window);
	if (result < 0)
		window_close(window);
	return result;
}

static bool grow(struct window *window, size_t size)
{
	uint8_t *larger = realloc(window->stream->buffer, size);

	if (!larger) {
		window->end = WINDOW_NO_MEMORY;
		return false;
	}
	window->stream->buffer = larger;
	window->stream->size = size;
	window->bytes = larger;
	return true;
}

/* Throw away what lies before `from`, which may itself lie beyond what was read. */
static void give_up(struct window *window, uint64_t from)
{
	uint64_t gone = from - window->start;

	if (gone > window->length)
		gone = window->length;
	window->length -= (size_t)gone;
	window->start += gone;
	memmove(window->stream->buffer, window->stream->buffer + gone, window->length);
}

static bool more_stream(struct window *window, uint64_t from, size_t need)
{
	struct window_stream *stream = window->stream;

	for (;;) {
		give_up(window, from);
		if (window->start == from && window->length >= need)
			return true;
		if (window->end != WINDOW_OPEN)
			return false;
		size_t wanted = window->start == from ? need : 1;
		if (wanted > stream->size && !grow(window, wanted + BUFFER))
			return false;
		window->length += stream->unpack(window, stream->buffer + window->length,
		                                 stream->size - window->length);
	}
}

/* Let go of what was read, so that the resident size does not grow with the file; the page cache
 * keeps it. */
static void drop_map(struct window *window, uint64_t from)
{
	size_t behind = (size_t)from & ~(size_t)(STEP - 1);

	if (!window->map || behind > window->length || behind < window->dropped + DROP)
		return;
	madvise(window->map + window->dropped, behind - window->dropped, MADV_DONTNEED);
	window->dropped = behind;
}

bool window_more(struct window *window, uint64_t from, size_t need)
{
	if (window->stream)
		return more_stream(window, from, need);
	drop_map(window, from);
	while (from > window->length || window->length - from < need)
		if (!more_map(window))
			return false;
	return true;
}

void window_close(struct window *window)
{
	struct window_stream *stream = window->stream;

	if (stream) {
		if (stream->unpack == unpack_gzip)
			inflateEnd(&stream->gzip);
		ZSTD_freeDStream(stream->zstd);
		free(stream->buffer);
		free(stream);
	}
	if (window->map)
		munmap(window->map, window->map_size);
	if (window->fd > STDERR_FILENO)
		close(window->fd);
	*window = (struct window){.fd = -1, .packing = ""};
}
