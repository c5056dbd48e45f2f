/* SPDX-License-Identifier: MIT
 *
 * whole.c - see whole.h.
 */
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define NS_PER_S 1000000000ull
#define BUFFER   (64 * 1024)

struct whole {
	int dir, fd;
	const char *part;
	uint64_t most, bytes; /* bytes: on their way to the disk */
	int error;
	ZSTD_CCtx *zstd; /* NULL = plain */
	uint8_t *packed; /* of BUFFER */
	size_t used;
	uint8_t buffer[BUFFER];
};

static int create(int dir, const char *part)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, part, flags, 0640);

	if (fd < 0 && errno == EEXIST && unlinkat(dir, part, 0) == 0)
		fd = openat(dir, part, flags, 0640);
	return fd;
}

struct whole *whole_open(int dir, const char *part, uint64_t most, int zstd_level, int *error)
{
	struct whole *file = malloc(sizeof(*file));

	*error = -ENOMEM;
	if (!file)
		return NULL;
	memset(file, 0, offsetof(struct whole, buffer));
	file->dir = dir;
	file->part = part;
	file->most = most ? most : UINT64_MAX;
	if (zstd_level) {
		file->zstd = ZSTD_createCCtx();
		file->packed = malloc(BUFFER);
		if (!file->zstd || !file->packed)
			goto out;
		ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_compressionLevel, zstd_level);
		/* a piece that was cut off or damaged must show */
		ZSTD_CCtx_setParameter(file->zstd, ZSTD_c_checksumFlag, 1);
	}
	file->fd = create(dir, part);
	if (file->fd >= 0)
		return file;
	*error = -errno;
out:
	ZSTD_freeCCtx(file->zstd);
	free(file->packed);
	free(file);
	return NULL;
}

static void write_all(struct whole *file, const uint8_t *bytes, size_t length)
{
	if (length > file->most - file->bytes && !file->error)
		file->error = -EFBIG;
	while (length > 0 && !file->error) {
		ssize_t n = write(file->fd, bytes, length);

		if (n < 0 && errno != EINTR)
			file->error = -errno;
		if (n <= 0)
			continue;
		file->bytes += (uint64_t)n;
		bytes += n;
		length -= (size_t)n;
	}
}

/* Pack what is buffered; `end`: and what the packer still holds. */
static void pack(struct whole *file, bool end)
{
	ZSTD_inBuffer in = {file->buffer, file->used, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {file->packed, BUFFER, 0};

		left = ZSTD_compressStream2(file->zstd, &out, &in,
		                            end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left)) {
			file->error = file->error ? file->error : -EIO;
			return;
		}
		write_all(file, file->packed, out.pos);
	} while (!file->error && (end ? left > 0 : in.pos < in.size));
}

static void flush(struct whole *file, bool end)
{
	if (!file->error && file->zstd)
		pack(file, end);
	else if (!file->error)
		write_all(file, file->buffer, file->used);
	file->used = 0;
}

void whole_put(struct whole *file, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	while (length > 0 && !file->error) {
		size_t room = BUFFER - file->used, n = length < room ? length : room;

		memcpy(file->buffer + file->used, at, n);
		file->used += n;
		at += n;
		length -= n;
		if (file->used == BUFFER)
			flush(file, false);
	}
}

int whole_error(const struct whole *file)
{
	return file->error;
}

static void release(struct whole *file)
{
	ZSTD_freeCCtx(file->zstd);
	free(file->packed);
	free(file);
}

static int settle(struct whole *file, const char *name, uint64_t last_ns)
{
	const struct timespec last = {(time_t)(last_ns / NS_PER_S), (long)(last_ns % NS_PER_S)};
	const struct timespec times[2] = {last, last};

	if (futimens(file->fd, times) != 0 || fsync(file->fd) != 0)
		return -errno;
	if (renameat(file->dir, file->part, file->dir, name) != 0 || fsync(file->dir) != 0)
		return -errno;
	return 0;
}

int whole_complete(struct whole *file, const char *name, uint64_t last_ns, uint64_t *bytes)
{
	int error;

	flush(file, true);
	error = file->error ? file->error : settle(file, name, last_ns);
	*bytes = file->bytes;
	if (close(file->fd) != 0 && !error)
		error = -errno;
	if (error)
		unlinkat(file->dir, file->part, 0);
	release(file);
	return error;
}

void whole_abandon(struct whole *file)
{
	close(file->fd);
	unlinkat(file->dir, file->part, 0);
	release(file);
}
