/* SPDX-License-Identifier: MIT
 *
 * captured.h - savefiles built byte by byte, a directory for them, and what the source reads of
 * them.
 */
#ifndef TESTS_CAPTURED_H
#define TESTS_CAPTURED_H

#include "../capture/names.h"
#include "../capture/savefile.h"
#include "../capture/source.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define T0 1700000000u
#define NS 1000000000ull

/* ---- building files ---- */

struct build {
	uint8_t *bytes;
	size_t n, cap;
	bool big;     /* write big-endian */
	size_t block; /* where the open block begins */
};

static inline void put(struct build *b, const void *bytes, size_t n)
{
	if (b->n + n > b->cap) {
		b->cap = (b->n + n) * 2;
		b->bytes = realloc(b->bytes, b->cap);
		if (!b->bytes)
			abort();
	}
	if (n)
		memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
}

static inline void put_number(struct build *b, uint64_t value, unsigned size)
{
	uint8_t out[8];

	for (unsigned i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> 8 * (b->big ? size - 1 - i : i));
	put(b, out, size);
}

static inline void put32(struct build *b, uint32_t value)
{
	put_number(b, value, 4);
}

static inline void put16(struct build *b, uint16_t value)
{
	put_number(b, value, 2);
}

static inline void pad(struct build *b)
{
	put(b, "\0\0\0", (4 - b->n % 4) % 4);
}

static inline void pcap_header(struct build *b, uint32_t magic, uint32_t snaplen, uint32_t link)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put32(b, 0);
	put32(b, 0);
	put32(b, snaplen);
	put32(b, link);
}

/* Frame `k` is k % 50 + 60 bytes of the value k, on the wire 1000 longer. */
static inline uint32_t frame_length(unsigned k)
{
	return k % 50 + 60;
}

static inline void put_data(struct build *b, unsigned k)
{
	uint8_t data[128];

	memset(data, (int)k, sizeof(data));
	put(b, data, frame_length(k));
}

static inline void pcap_frame(struct build *b, uint32_t s, uint32_t ticks, unsigned k)
{
	put32(b, s);
	put32(b, ticks);
	put32(b, frame_length(k));
	put32(b, frame_length(k) + 1000);
	put_data(b, k);
}

/* A pcap with frames at T0 + the given milliseconds, ended by -1. */
static inline struct build pcap_at(const int *ms)
{
	struct build b = {0};

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	for (unsigned k = 0; ms[k] >= 0; k++)
		pcap_frame(&b, T0 + (uint32_t)ms[k] / 1000, (uint32_t)ms[k] % 1000 * 1000, k);
	return b;
}

static inline void begin_block(struct build *b, uint32_t type)
{
	b->block = b->n;
	put32(b, type);
	put32(b, 0);
}

static inline void end_block(struct build *b)
{
	size_t end;

	pad(b);
	put32(b, (uint32_t)(b->n + 4 - b->block));
	end = b->n;
	b->n = b->block + 4;
	put32(b, (uint32_t)(end - b->block));
	b->n = end;
}

static inline void option(struct build *b, uint16_t code, const void *value, uint16_t length)
{
	put16(b, code);
	put16(b, length);
	put(b, value, length);
	pad(b);
}

static inline void option64(struct build *b, uint16_t code, uint64_t value)
{
	put16(b, code);
	put16(b, 8);
	put_number(b, value, 8);
}

static inline void section(struct build *b)
{
	begin_block(b, 0x0a0d0d0a);
	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put_number(b, UINT64_MAX, 8);
	option(b, 1, "a comment", 9);
	end_block(b);
}

static inline void begin_interface(struct build *b, uint16_t link, const char *name)
{
	begin_block(b, 1);
	put16(b, link);
	put16(b, 0);
	put32(b, 128);
	if (name)
		option(b, 2, name, (uint16_t)strlen(name));
}

static inline void interface(struct build *b, uint16_t link, const char *name)
{
	begin_interface(b, link, name);
	end_block(b);
}

static inline void begin_packet(struct build *b, uint32_t of, uint64_t ticks, unsigned k)
{
	begin_block(b, 6);
	put32(b, of);
	put32(b, (uint32_t)(ticks >> 32));
	put32(b, (uint32_t)ticks);
	put32(b, frame_length(k));
	put32(b, frame_length(k) + 1000);
	put_data(b, k);
	pad(b);
}

static inline void packet(struct build *b, uint32_t of, uint64_t ticks, unsigned k)
{
	begin_packet(b, of, ticks, k);
	end_block(b);
}

static inline void statistics(struct build *b, uint32_t of, uint64_t start, uint64_t dropped)
{
	begin_block(b, 5);
	put32(b, of);
	put32(b, 0);
	put32(b, 0);
	put16(b, 2);
	put16(b, 8);
	put32(b, (uint32_t)(start >> 32));
	put32(b, (uint32_t)start);
	option64(b, 5, dropped);
	end_block(b);
}

/* Interface 0: "eth1", µs, addresses. 1: "wwan0", ns, one second ahead. 2: unnamed, 2^-20 s. */
static inline struct build full_pcapng(bool big)
{
	struct build b = {.big = big};
	const uint8_t ns = 9, binary = 0x80 | 20;

	section(&b);
	begin_interface(&b, LINK_ETHERNET, "eth1");
	option(&b, 4, "\300\0\2\1\377\377\377\0", 8);
	option(&b, 5, "\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\100", 17);
	option(&b, 0, "", 0);
	end_block(&b);
	begin_interface(&b, LINK_RAW, "wwan0");
	option(&b, 9, &ns, 1);
	option64(&b, 14, 1);
	end_block(&b);
	begin_interface(&b, LINK_ETHERNET, NULL);
	option(&b, 9, &binary, 1);
	end_block(&b);
	begin_block(&b, 4); /* name resolution: passed over */
	put32(&b, 0);
	end_block(&b);
	begin_packet(&b, 0, T0 * 1000000ull, 0);
	put16(&b, 2); /* outbound */
	put16(&b, 4);
	put32(&b, 2);
	option64(&b, 4, 5); /* five were lost before it */
	end_block(&b);
	begin_packet(&b, 1, T0 * NS + 7, 1);
	put16(&b, 2);
	put16(&b, 4);
	put32(&b, 1);
	end_block(&b);
	packet(&b, 2, (uint64_t)(T0 + 2) << 20 | 1u << 19, 2);
	begin_block(&b, 3); /* simple: no time, interface 0 */
	put32(&b, frame_length(3));
	put_data(&b, 3);
	end_block(&b);
	begin_block(&b, 2); /* obsolete */
	put16(&b, 0);
	put16(&b, 0xffff);
	put32(&b, (uint32_t)((T0 + 3) * 1000000ull >> 32));
	put32(&b, (uint32_t)((T0 + 3) * 1000000ull));
	put32(&b, frame_length(4));
	put32(&b, frame_length(4));
	put_data(&b, 4);
	end_block(&b);
	begin_block(&b, 0x0bad); /* unknown: passed over */
	put32(&b, 1);
	end_block(&b);
	statistics(&b, 1, 77, 9);
	return b;
}

/* ---- a room of their own for the files of a test ---- */

struct room {
	char path[64];
	char *names[16];
	unsigned n;
};

static inline void enter(struct room *room)
{
	*room = (struct room){.path = "/tmp/captured.XXXXXX"};
	if (!mkdtemp(room->path))
		abort();
}

static const char *place(struct room *room, const char *name)
{
	char **path = &room->names[room->n++];

	if (asprintf(path, "%s/%s", room->path, name) < 0)
		abort();
	return *path;
}

static const char *write_file(struct room *room, const char *name, const void *bytes, size_t n)
{
	const char *path = place(room, name);
	FILE *file = fopen(path, "wb");

	if (!file || (n && fwrite(bytes, n, 1, file) != 1) || fclose(file))
		abort();
	return path;
}

static const char *store(struct room *room, const char *name, struct build b)
{
	const char *path = write_file(room, name, b.bytes, b.n);

	free(b.bytes);
	return path;
}

static inline void leave(struct room *room)
{
	while (room->n > 0) {
		room->n--;
		if (unlink(room->names[room->n]) < 0)
			rmdir(room->names[room->n]);
		free(room->names[room->n]);
	}
	CU_ASSERT_EQUAL(rmdir(room->path), 0);
}

/* ---- reading ---- */

/* Read all of a savefile in memory; the item that ended it. */
static inline enum savefile_item parse(const uint8_t *bytes, size_t n, uint64_t *frames)
{
	struct savefile savefile;
	struct savefile_record record;
	struct savefile_interface *table = calloc(8, sizeof(*table));
	int header = savefile_begin(&savefile, bytes, n, table, 8);
	size_t at = header < 0 ? n : (size_t)header;
	enum savefile_item item = SAVEFILE_MORE;

	*frames = 0;
	while (header >= 0) {
		item = savefile_next(&savefile, bytes + at, n - at, &record);
		if (item > SAVEFILE_SKIP)
			break;
		*frames += item == SAVEFILE_FRAME;
		at += (size_t)record.size;
	}
	if (item == SAVEFILE_MORE && header >= 0)
		CU_ASSERT(record.size > n - at);
	free(table);
	return item;
}

/* Every prefix, flush against a page that may not be touched: no byte beyond may be read, and more
 * bytes never mean fewer frames. */
static inline void feed_prefixes(const struct build *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (b->n / page + 1) * page;
	uint8_t *map =
		mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t frames, before = 0;

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(map, MAP_FAILED);
	mprotect(map + size, page, PROT_NONE);
	for (size_t n = 0; n <= b->n; n++) {
		memcpy(map + size - n, b->bytes, n);
		CU_ASSERT_EQUAL(parse(map + size - n, n, &frames), SAVEFILE_MORE);
		CU_ASSERT(frames >= before);
		before = frames;
	}
	munmap(map, size + page);
}

struct reading {
	struct source *source;
	struct source_error error;
	struct frame frames[256]; /* data is not kept */
	uint8_t first_byte[256];
	size_t n;
};

static inline void read_specs(struct reading *r, const struct source_spec *specs, size_t n,
                              const struct source_options *options)
{
	struct frame frame;

	r->n = 0;
	r->source = source_open(specs, n, options, &r->error);
	while (r->source && source_next(r->source, &frame)) {
		if (r->n < 256) {
			r->first_byte[r->n] = frame.caplen ? frame.data[0] : 0;
			r->frames[r->n] = frame;
		}
		r->n++;
	}
}

static inline void read_paths(struct reading *r, const char *const *paths, size_t n)
{
	struct source_spec specs[16];

	for (size_t i = 0; i < n; i++)
		specs[i] = (struct source_spec){.path = paths[i]};
	read_specs(r, specs, n, NULL);
}

static const struct frame_wan *wan(const struct reading *r, size_t i)
{
	size_t n;
	const struct frame_wan *wans = source_wans(r->source, &n);
	static const struct frame_wan none = {.name = "(none)"};

	return i < n ? &wans[i] : &none;
}

static inline size_t count_wans(const struct reading *r)
{
	size_t n;

	source_wans(r->source, &n);
	return n;
}

static const struct frame_file *file(const struct reading *r, size_t i)
{
	size_t n;
	const struct frame_file *files = source_files(r->source, &n);
	static const struct frame_file none = {.name = "(none)"};

	return i < n ? &files[i] : &none;
}

static const char *wan_of_frame(const struct reading *r, size_t i)
{
	return wan(r, r->frames[i].wan)->name;
}

/* The order of frames as a text: first letter of the last part of the WAN's name + number. */
static inline void order_text(const struct reading *r, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < r->n && used + 16 < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s%u", i ? " " : "",
		                         wan_of_frame(r, i), (unsigned)r->frames[i].number);
}

#endif
