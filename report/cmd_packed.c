/* SPDX-License-Identifier: MIT
 *
 * cmd_packed.c - see cmd_packed.h.
 */
#include "cmd_packed.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "../capture/window.h"

#define STEP  (1u << 20)
#define LEVEL 3 /* above it a ledger gets a tenth smaller in three times the time */

static int end_error(const struct window *window)
{
	switch (window->end) {
	case WINDOW_WHOLE:
		return 0;
	case WINDOW_ERROR:
		return window->error ? -window->error : -EIO;
	case WINDOW_NO_MEMORY:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

int packed_read(int fd, char **bytes, size_t *length)
{
	struct window window;
	int error = window_open(&window, fd);

	*bytes = NULL;
	*length = 0;
	if (error != 0)
		return error;
	while (window.length < PACKED_MOST && window_more(&window, 0, window.length + STEP))
		;
	error = window.length >= PACKED_MOST ? -EFBIG : end_error(&window);
	if (error == 0) {
		*bytes = malloc(window.length + 1);
		error = *bytes ? 0 : -ENOMEM;
	}
	if (error == 0) {
		memcpy(*bytes, window.bytes, window.length);
		(*bytes)[window.length] = '\0';
		*length = window.length;
	}
	window_close(&window);
	return error;
}

int packed_first(int fd)
{
	struct window window;
	size_t at = 0;
	int first = -1;

	if (window_open(&window, fd) != 0)
		return -1;
	while (at < window.length || window_more(&window, 0, at + 1)) {
		if (!isspace(window.bytes[at])) {
			first = window.bytes[at];
			break;
		}
		if (++at == STEP)
			break;
	}
	window_close(&window);
	return first;
}

/* ---- writing ---- */

static int put_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		length -= (size_t)put;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int pack(const void *bytes, size_t length, uint8_t **packed, size_t *n)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(length);

	*packed = malloc(room);
	if (!context || !*packed) {
		ZSTD_freeCCtx(context);
		return -ENOMEM;
	}
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	*n = ZSTD_compress2(context, *packed, room, bytes, length);
	ZSTD_freeCCtx(context);
	return ZSTD_isError(*n) ? -ENOMEM : 0;
}

static int write_part(int dir, const char *part, const uint8_t *packed, size_t n)
{
	int fd = openat(dir, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	int error, closed;

	if (fd < 0)
		return -errno;
	error = put_all(fd, packed, n);
	closed = close(fd) == 0 ? 0 : -errno;
	return error ? error : closed;
}

int packed_write(int dir, const char *name, const void *bytes, size_t length)
{
	uint8_t *packed = NULL;
	size_t n = 0;
	char part[256];
	int error = pack(bytes, length, &packed, &n);

	if (snprintf(part, sizeof(part), "%s.part", name) >= (int)sizeof(part))
		error = -ENAMETOOLONG;
	if (error == 0) {
		error = write_part(dir, part, packed, n);
		if (error == 0 && renameat(dir, part, dir, name) != 0)
			error = -errno;
		if (error != 0)
			unlinkat(dir, part, 0);
	}
	free(packed);
	if (error == 0 && fsync(dir) != 0)
		error = -errno;
	return error;
}
