/* SPDX-License-Identifier: MIT
 *
 * spool_repair.c - see spool_repair.h.
 */
#include "spool_repair.h"

#include "pcapng.h"
#include "quality.h"
#include "savefile.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#define INTERFACES 64
#define SECTION    0x0a0d0d0au
#define WINDOW     ((size_t)SPOOL_APPEND + SPOOL_APPEND / 64) /* above ZSTD_compressBound() of it */

/* What the file itself says of an interface, so far. */
struct told {
	uint64_t start_ns, end_ns; /* 0 = not told */
	uint64_t stored;
	uint64_t dropped_kernel, dropped_own;
	bool ended; /* an `end` note, and nothing behind it */
};

/* A piece of the file in memory. */
struct window {
	int fd;
	uint64_t offset; /* of the byte behind it */
	uint64_t size;   /* of the file */
	uint8_t *bytes;
	size_t start, end;
};

struct examination {
	struct savefile savefile;
	struct savefile_interface interfaces[INTERFACES];
	struct told told[INTERFACES];
	struct window window;
	uint64_t keep;
	bool begun; /* a whole section header was seen */
	uint8_t *unpacked;
};

/* Move what is left to the front and read on. False when there is no more. */
static bool window_fill(struct window *window, int *error)
{
	size_t had = window->end - window->start;

	memmove(window->bytes, window->bytes + window->start, had);
	window->start = 0;
	window->end = had;
	while (window->end < WINDOW && window->offset < window->size) {
		uint64_t left = window->size - window->offset;
		size_t room = WINDOW - window->end;
		ssize_t n = pread(window->fd, window->bytes + window->end,
		                  left < room ? (size_t)left : room, (off_t)window->offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*error = -errno;
		if (n <= 0)
			break;
		window->end += (size_t)n;
		window->offset += (uint64_t)n;
	}
	return window->end > had;
}

/* ---- what blocks tell ---- */

static uint64_t take_time(const uint8_t *bytes)
{
	uint32_t words[2];

	memcpy(words, bytes, sizeof(words));
	return (uint64_t)words[0] << 32 | words[1];
}

static bool is_end(const uint8_t *text, size_t length)
{
	enum quality_name name;

	return quality_parse((const char *)text, length, &name) && name == QUALITY_END;
}

static void tell_option(struct told *told, unsigned code, const uint8_t *value, size_t length)
{
	uint64_t number = 0;

	if (length == 8)
		memcpy(&number, value, 8);
	if (code == 1)
		told->ended |= is_end(value, length);
	else if (code == 2 && length == 8)
		told->start_ns = take_time(value);
	else if (code == 3 && length == 8 && take_time(value) > told->end_ns)
		told->end_ns = take_time(value);
	else if (code == 5)
		told->dropped_own = number;
	else if (code == 7)
		told->dropped_kernel = number;
}

static void tell_statistics(struct told *told, const uint8_t *block, size_t size)
{
	uint16_t head[2];

	told->ended = false;
	for (size_t at = 20; at + 4 + 4 <= size;) {
		memcpy(head, block + at, sizeof(head));
		at += 4;
		if (head[0] == 0 || head[1] > size - 4 - at)
			return;
		tell_option(told, head[0], block + at, head[1]);
		at += (head[1] + 3u) & ~(size_t)3;
	}
}

static void tell_frame(struct told *told, uint64_t ts_ns)
{
	if (told->start_ns == 0)
		told->start_ns = ts_ns;
	if (told->end_ns < ts_ns)
		told->end_ns = ts_ns;
	told->stored++;
	told->ended = false;
}

/* ---- blocks ---- */

static bool is_section(const uint8_t *bytes)
{
	uint32_t type;

	memcpy(&type, bytes, sizeof(type));
	return type == SECTION;
}

/* A recorder writes one section, first. */
static bool in_place(struct examination *examination, const uint8_t *bytes, size_t length)
{
	if (length < 4)
		return true;
	if (examination->begun)
		return !is_section(bytes);
	return is_section(bytes);
}

/* The block at `bytes`, whole: false when it is none that we would have written. */
static bool take_block(struct examination *examination, const uint8_t *bytes,
                       enum savefile_item item, const struct savefile_record *record)
{
	switch (item) {
	case SAVEFILE_FRAME:
		tell_frame(&examination->told[record->interface], record->ts_ns);
		break;
	case SAVEFILE_STATISTICS:
		if (record->interface >= examination->savefile.n_interfaces)
			return false;
		tell_statistics(&examination->told[record->interface], bytes, record->size);
		break;
	case SAVEFILE_INTERFACE:
	case SAVEFILE_SKIP:
		break;
	default:
		return false;
	}
	examination->begun = true;
	return !examination->savefile.swapped;
}

/* Pass over whole blocks. Returns the bytes used; *damaged when something else follows them. */
static size_t walk(struct examination *examination, const uint8_t *bytes, size_t length,
                   bool *damaged)
{
	struct savefile_record record;
	size_t used = 0;

	while (in_place(examination, bytes + used, length - used)) {
		enum savefile_item item =
			savefile_next(&examination->savefile, bytes + used, length - used, &record);
		if (item == SAVEFILE_MORE && record.size <= SPOOL_APPEND)
			return used;
		if (!take_block(examination, bytes + used, item, &record))
			break;
		used += record.size;
	}
	*damaged = true;
	return used;
}

static void examine_plain(struct examination *examination, int *error)
{
	struct window *window = &examination->window;
	bool damaged = false;

	while (!damaged && window_fill(window, error)) {
		size_t used = walk(examination, window->bytes, window->end, &damaged);
		window->start = used;
		examination->keep += used;
	}
}

/* Bytes of the frame of zstd at the start of the window; 0 when there is no whole one. */
static size_t packed_frame(struct window *window, int *error)
{
	size_t size = ZSTD_findFrameCompressedSize(window->bytes + window->start,
	                                           window->end - window->start);

	if (ZSTD_isError(size) && window_fill(window, error))
		size = ZSTD_findFrameCompressedSize(window->bytes, window->end);
	return ZSTD_isError(size) ? 0 : size;
}

/* All that a frame of zstd holds, or nothing of it. */
static bool take_packed(struct examination *examination, const uint8_t *bytes, size_t size)
{
	struct savefile before = examination->savefile;
	struct told told[INTERFACES];
	bool damaged = false;

	memcpy(told, examination->told, sizeof(told));
	size_t n = ZSTD_decompress(examination->unpacked, SPOOL_APPEND, bytes, size);
	if (ZSTD_isError(n))
		return false;
	if (walk(examination, examination->unpacked, n, &damaged) == n)
		return true;
	if (!examination->savefile.swapped)
		examination->savefile = before;
	memcpy(examination->told, told, sizeof(told));
	return false;
}

static void examine_packed(struct examination *examination, int *error)
{
	struct window *window = &examination->window;
	size_t size;

	while ((size = packed_frame(window, error)) > 0 &&
	       take_packed(examination, window->bytes + window->start, size)) {
		window->start += size;
		examination->keep += size;
	}
}

/* ---- what to say ---- */

static size_t put_statistics(const struct examination *examination, uint32_t interface,
                             uint64_t began_ns, uint64_t cut, uint8_t *at)
{
	const struct told *told = &examination->told[interface];
	uint64_t start = told->start_ns ? told->start_ns : began_ns;
	uint64_t end = told->end_ns > start ? told->end_ns : start;
	struct quality_line line;

	quality_begin(&line, QUALITY_REPAIRED);
	quality_number(&line, "cut_bytes", cut);
	const struct pcapng_statistics statistics = {
		.interface = interface,
		.at_ns = end,
		.start_ns = start,
		.end_ns = end,
		.received = told->stored + told->dropped_kernel + told->dropped_own,
		.dropped_kernel = told->dropped_kernel,
		.dropped_own = told->dropped_own,
		.delivered = told->stored,
		.notes = {line.text},
		.n_notes = 1,
	};
	return pcapng_statistics(at, &statistics);
}

static bool was_complete(const struct examination *examination)
{
	for (uint32_t i = 0; i < examination->savefile.n_interfaces; i++)
		if (!examination->told[i].ended)
			return false;
	return examination->keep == examination->window.size;
}

static int pack_tail(struct repair *repair)
{
	size_t room = ZSTD_compressBound(repair->n_tail);
	uint8_t *packed = malloc(room);

	if (!packed)
		return -ENOMEM;
	size_t n = ZSTD_compress(packed, room, repair->tail, repair->n_tail, 1);
	free(repair->tail);
	repair->tail = packed;
	repair->n_tail = ZSTD_isError(n) ? 0 : n;
	return ZSTD_isError(n) ? -ENOMEM : 0;
}

static int compose_tail(const struct examination *examination, bool packed, uint64_t began_ns,
                        struct repair *repair)
{
	uint32_t n = examination->savefile.n_interfaces;

	repair->tail = malloc((size_t)n * PCAPNG_BLOCK_MAX);
	if (!repair->tail)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		repair->n_tail += put_statistics(examination, i, began_ns,
		                                 examination->window.size - repair->keep,
		                                 repair->tail + repair->n_tail);
	return packed ? pack_tail(repair) : 0;
}

/* ---- all of it ---- */

static int examine(struct examination *examination, bool packed, uint64_t began_ns,
                   struct repair *repair)
{
	static const uint32_t section[4] = {SECTION, 28, 0x1a2b3c4d};
	int error = 0;

	/* Whatever the file begins with, it can only be saved when it is pcapng. */
	savefile_begin(&examination->savefile, (const uint8_t *)section, sizeof(section),
	               examination->interfaces, INTERFACES);
	if (packed)
		examine_packed(examination, &error);
	else
		examine_plain(examination, &error);
	if (error)
		return error;
	if (examination->begun && examination->savefile.swapped)
		return -EINVAL;
	if (examination->savefile.n_interfaces == 0)
		return 0;
	repair->keep = examination->keep;
	return was_complete(examination) ? 0 : compose_tail(examination, packed, began_ns, repair);
}

int repair_examine(int fd, uint64_t size, bool packed, uint64_t began_ns, struct repair *repair)
{
	struct examination *examination = calloc(1, sizeof(*examination));
	int error = -ENOMEM;

	*repair = (struct repair){0};
	if (!examination)
		return -ENOMEM;
	examination->window = (struct window){.fd = fd, .size = size, .bytes = malloc(WINDOW)};
	examination->unpacked = packed ? malloc(SPOOL_APPEND) : NULL;
	if (examination->window.bytes && (!packed || examination->unpacked))
		error = examine(examination, packed, began_ns, repair);
	free(examination->unpacked);
	free(examination->window.bytes);
	free(examination);
	if (error)
		repair_release(repair);
	return error;
}

void repair_release(struct repair *repair)
{
	free(repair->tail);
	*repair = (struct repair){0};
}
