/* SPDX-License-Identifier: MIT
 *
 * test_capture.c - savefiles byte by byte, then whole sources: grouping, merging, the shared time,
 * bad input.
 *
 * Files are built here, field by field, from the pcap and pcapng drafts: the oracle of what must
 * come out is what was put in. The oracle of the totals over real captures is capinfos.
 */
#include "../capture/names.h"
#include "../capture/savefile.h"
#include "../capture/source.h"
#include "../capture/split.h"

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

void suite_capture(void);

#define T0 1700000000u
#define NS 1000000000ull

/* ---- building files ---- */

struct build {
	uint8_t *bytes;
	size_t n, cap;
	bool big;     /* write big-endian */
	size_t block; /* where the open block begins */
};

static void put(struct build *b, const void *bytes, size_t n)
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

static void put_number(struct build *b, uint64_t value, unsigned size)
{
	uint8_t out[8];

	for (unsigned i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> 8 * (b->big ? size - 1 - i : i));
	put(b, out, size);
}

static void put32(struct build *b, uint32_t value)
{
	put_number(b, value, 4);
}

static void put16(struct build *b, uint16_t value)
{
	put_number(b, value, 2);
}

static void pad(struct build *b)
{
	put(b, "\0\0\0", (4 - b->n % 4) % 4);
}

static void pcap_header(struct build *b, uint32_t magic, uint32_t snaplen, uint32_t link)
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
static uint32_t frame_length(unsigned k)
{
	return k % 50 + 60;
}

static void put_data(struct build *b, unsigned k)
{
	uint8_t data[128];

	memset(data, (int)k, sizeof(data));
	put(b, data, frame_length(k));
}

static void pcap_frame(struct build *b, uint32_t s, uint32_t ticks, unsigned k)
{
	put32(b, s);
	put32(b, ticks);
	put32(b, frame_length(k));
	put32(b, frame_length(k) + 1000);
	put_data(b, k);
}

/* A pcap with frames at T0 + the given milliseconds, ended by -1. */
static struct build pcap_at(const int *ms)
{
	struct build b = {0};

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	for (unsigned k = 0; ms[k] >= 0; k++)
		pcap_frame(&b, T0 + (uint32_t)ms[k] / 1000, (uint32_t)ms[k] % 1000 * 1000, k);
	return b;
}

static void begin_block(struct build *b, uint32_t type)
{
	b->block = b->n;
	put32(b, type);
	put32(b, 0);
}

static void end_block(struct build *b)
{
	size_t end;

	pad(b);
	put32(b, (uint32_t)(b->n + 4 - b->block));
	end = b->n;
	b->n = b->block + 4;
	put32(b, (uint32_t)(end - b->block));
	b->n = end;
}

static void option(struct build *b, uint16_t code, const void *value, uint16_t length)
{
	put16(b, code);
	put16(b, length);
	put(b, value, length);
	pad(b);
}

static void option64(struct build *b, uint16_t code, uint64_t value)
{
	put16(b, code);
	put16(b, 8);
	put_number(b, value, 8);
}

static void section(struct build *b)
{
	begin_block(b, 0x0a0d0d0a);
	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put_number(b, UINT64_MAX, 8);
	option(b, 1, "a comment", 9);
	end_block(b);
}

static void begin_interface(struct build *b, uint16_t link, const char *name)
{
	begin_block(b, 1);
	put16(b, link);
	put16(b, 0);
	put32(b, 128);
	if (name)
		option(b, 2, name, (uint16_t)strlen(name));
}

static void interface(struct build *b, uint16_t link, const char *name)
{
	begin_interface(b, link, name);
	end_block(b);
}

static void begin_packet(struct build *b, uint32_t of, uint64_t ticks, unsigned k)
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

static void packet(struct build *b, uint32_t of, uint64_t ticks, unsigned k)
{
	begin_packet(b, of, ticks, k);
	end_block(b);
}

static void statistics(struct build *b, uint32_t of, uint64_t start, uint64_t dropped)
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

/* ---- a room of their own for the files of a test ---- */

struct room {
	char path[64];
	char *names[16];
	unsigned n;
};

static void enter(struct room *room)
{
	*room = (struct room){.path = "/tmp/test_capture.XXXXXX"};
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

static void leave(struct room *room)
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
static enum savefile_item parse(const uint8_t *bytes, size_t n, uint64_t *frames)
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
static void feed_prefixes(const struct build *b)
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

static void read_specs(struct reading *r, const struct source_spec *specs, size_t n,
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

static void read_paths(struct reading *r, const char *const *paths, size_t n)
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

static size_t count_wans(const struct reading *r)
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
static void order_text(const struct reading *r, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < r->n && used + 16 < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s%u", i ? " " : "",
		                         wan_of_frame(r, i), (unsigned)r->frames[i].number);
}

/* ---- the forms of a pcap ---- */

static void check_form(uint32_t magic, bool big, uint64_t tick_ns, bool kuznetzov)
{
	struct build b = {.big = big};
	struct room room;
	struct reading r;

	pcap_header(&b, magic, 128, LINK_ETHERNET);
	if (magic == 0x1c0001ab || magic == 0x1c0001ac)
		put32(&b, 0);
	for (unsigned k = 0; k < 3; k++) {
		put32(&b, T0 + k);
		put32(&b, 7 * k);
		put32(&b, frame_length(k));
		put32(&b, frame_length(k) + 1000);
		if (kuznetzov)
			put(&b, "\0\0\0\3\0\0\4", 8);
		put_data(&b, k);
	}
	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 3);
	CU_ASSERT_EQUAL(r.frames[2].ts_ns, (T0 + 2) * NS + 14 * tick_ns);
	CU_ASSERT_EQUAL(r.frames[2].caplen, 62);
	CU_ASSERT_EQUAL(r.frames[2].wire_len, 1062);
	CU_ASSERT_EQUAL(r.frames[2].number, 3);
	CU_ASSERT_EQUAL(r.first_byte[2], 2);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_OK);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "a");
	source_close(r.source);
	leave(&room);
}

static void test_pcap_forms(void)
{
	for (int big = 0; big < 2; big++) {
		check_form(0xa1b2c3d4, big, 1000, false);
		check_form(0xa1b23c4d, big, 1, false);
		check_form(0xa1b2cd34, big, 1000, true);
		check_form(0x1c0001ab, big, 1000, false);
		check_form(0x1c0001ac, big, 1, false);
	}
}

/* ---- pcapng ---- */

/* Interface 0: "eth1", µs, addresses. 1: "wwan0", ns, one second ahead. 2: unnamed, 2^-20 s. */
static struct build full_pcapng(bool big)
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

static void check_pcapng(bool big)
{
	struct build b = full_pcapng(big);
	struct room room;
	struct reading r;

	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 5);
	CU_ASSERT_EQUAL(count_wans(&r), 3);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "eth1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "wwan0");
	CU_ASSERT_STRING_EQUAL(wan(&r, 2)->name, "x#2");
	CU_ASSERT_EQUAL(wan(&r, 0)->n_own, 2);
	CU_ASSERT_EQUAL(wan(&r, 0)->own[0].family, 4);
	CU_ASSERT_EQUAL(wan(&r, 0)->own[1].bytes[15], 1);
	CU_ASSERT_EQUAL(wan(&r, 0)->dropped, 5);
	CU_ASSERT_EQUAL(wan(&r, 1)->dropped, 9);
	CU_ASSERT_FALSE(wan(&r, 2)->drops_known);
	CU_ASSERT_EQUAL(r.frames[0].mark, MARK_OUT);
	CU_ASSERT_EQUAL(r.frames[1].mark, MARK_IN);
	CU_ASSERT_EQUAL(r.frames[1].ts_ns, (T0 + 1) * NS + 7);
	CU_ASSERT_EQUAL(r.frames[1].linktype, LINK_RAW);
	CU_ASSERT_EQUAL(r.frames[2].ts_ns, (T0 + 2) * NS + NS / 2);
	CU_ASSERT_EQUAL(r.frames[2].number + r.frames[3].number, 7); /* one instant, by WAN */
	CU_ASSERT_EQUAL(r.frames[4].ts_ns, (T0 + 3) * NS);
	CU_ASSERT_EQUAL(r.frames[4].number, 5);
	CU_ASSERT_TRUE(r.frames[4].shared);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_OK);
	CU_ASSERT_EQUAL(file(&r, 0)->snaplen, 128);
	source_close(r.source);
	leave(&room);
}

static void test_pcapng(void)
{
	check_pcapng(false);
	check_pcapng(true);
}

/* A big-endian section after a little-endian one, as cat leaves them, with its own interfaces. */
static void test_sections(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	section(&b);
	interface(&b, LINK_ETHERNET, "eth1");
	packet(&b, 0, T0 * 1000000ull, 0);
	b.big = true;
	section(&b);
	interface(&b, LINK_PPP, "ppp0");
	packet(&b, 0, (T0 + 1) * 1000000ull, 1);
	feed_prefixes(&b);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 2);
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 1), "ppp0");
	CU_ASSERT_EQUAL(r.frames[1].linktype, LINK_PPP);
	source_close(r.source);
	leave(&room);
}

/* Names are a stranger's: control characters and broken UTF-8 become '?', good UTF-8 stays. */
static void test_hostile_name(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	section(&b);
	interface(&b, LINK_ETHERNET, "e\033[\377\303\244\355\240\200x");
	packet(&b, 0, T0 * 1000000ull, 0);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", b)}, 1);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "e?[?\303\244???x");
	source_close(r.source);
	leave(&room);
}

/* The losses of a ring's files are told since the recording began: equal starts do not add up. */
static void test_losses(void)
{
	struct room room;
	struct reading r;
	const char *paths[3];

	enter(&room);
	for (unsigned i = 0; i < 3; i++) {
		static const uint64_t starts[] = {7, 7, 8}, losses[] = {10, 15, 4};
		char name[64];
		struct build b = {0};
		section(&b);
		interface(&b, LINK_ETHERNET, "eth1");
		packet(&b, 0, (T0 + i) * 1000000ull, 0);
		statistics(&b, 0, starts[i], losses[i]);
		snprintf(name, sizeof(name), "x_%05u_2026010112000%u.pcapng", i, i);
		paths[i] = store(&room, name, b);
	}
	read_paths(&r, paths, 3);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL(wan(&r, 0)->dropped, 19);
	source_close(r.source);
	leave(&room);
}

/* ---- bad input ---- */

static void check_flaw(struct build b, enum frame_file_state state, uint64_t offset, size_t frames)
{
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.source);
	CU_ASSERT_EQUAL(r.n, frames);
	CU_ASSERT_EQUAL(file(&r, 0)->state, state);
	CU_ASSERT_EQUAL(file(&r, 0)->offset, offset);
	CU_ASSERT_NOT_EQUAL(file(&r, 0)->message[0], '\0');
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "a");
	source_close(r.source);
	leave(&room);
}

static void test_flaws(void)
{
	const int two[] = {0, 1, -1}, none[] = {-1};
	struct build b = pcap_at(two), other = pcap_at(two);
	size_t whole = b.n;

	b.n -= 1;
	check_flaw(b, FILE_CUT, 24 + 76, 1);
	check_flaw(pcap_at(none), FILE_EMPTY, 24, 0);
	b = pcap_at(two);
	put(&b, other.bytes, other.n);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two); /* and the second in the other byte order */
	b.big = true;
	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two);
	section(&b);
	check_flaw(b, FILE_CONCATENATED, whole, 2);
	b = pcap_at(two);
	put32(&b, T0);
	put32(&b, 0);
	put32(&b, 262145);
	put32(&b, 262145);
	check_flaw(b, FILE_DAMAGED, whole, 2);
	free(other.bytes);
}

static void test_pcapng_flaws(void)
{
	struct build b = {0};
	size_t at;

	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	packet(&b, 0, T0, 1);
	b.bytes[b.n - 4] ^= 4;
	check_flaw(b, FILE_DAMAGED, at, 1);

	b = (struct build){0};
	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	packet(&b, 1, T0, 1); /* of an interface that is not there */
	check_flaw(b, FILE_DAMAGED, at, 1);

	b = (struct build){0};
	section(&b);
	interface(&b, LINK_ETHERNET, NULL);
	packet(&b, 0, T0, 0);
	at = b.n;
	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	check_flaw(b, FILE_CONCATENATED, at, 1);
}

static void check_refused(const char *name, const void *bytes, size_t n, const char *word)
{
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){write_file(&room, name, bytes, n)}, 1);
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NOT_CAPTURE);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, word));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, name));
	leave(&room);
}

static void test_strangers(void)
{
	struct reading r;
	struct room room;

	check_refused("a.zip", "PK\003\004rest of it", 14, "zip");
	check_refused("a.txt", "12:00:01 IP 192.0.2.1 > 192.0.2.2\n", 34, "text");
	check_refused("a.pcap", "", 0, "empty");
	check_refused("b.pcap", "\324\303\262\241\2\0\4\0", 8, "header");
	check_refused("c.pcap", "\1\2\3\4\5\6\7\10", 8, "unknown");
	check_refused("d.pcap.gz", "\037\213\010\0\0\0\0\0\0\3\1\0", 12, "gzip");
	read_paths(&r, (const char *[]){"/nowhere/at/all.pcap"}, 1);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NO_INPUT);
	enter(&room);
	write_file(&room, "notes.txt", "hello\n", 6);
	read_paths(&r, (const char *[]){room.path}, 1);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_NO_INPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "without captures"));
	leave(&room);
}

static void test_same_file_twice(void)
{
	const int two[] = {0, 1, -1};
	struct room room;
	struct reading r;
	const char *path;

	enter(&room);
	path = store(&room, "a.pcap", pcap_at(two));
	read_paths(&r, (const char *[]){path, path}, 2);
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "same file"));
	leave(&room);
}

static void test_unknown_link(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	pcap_header(&b, 0xa1b2c3d4, 128, 147);
	pcap_frame(&b, T0, 0, 0);
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap", b)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_EQUAL(r.frames[0].linktype, 147);
	CU_ASSERT_EQUAL(file(&r, 0)->unknown_link, 1);
	source_close(r.source);
	leave(&room);
}

/* ---- packing ---- */

static struct build gzip(const struct build *plain, size_t from, size_t to)
{
	struct build out = {0};
	z_stream z = {.next_in = plain->bytes + from, .avail_in = (uInt)(to - from)};

	out.cap = plain->n + 1024;
	out.bytes = malloc(out.cap);
	if (!out.bytes || deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_out = out.bytes;
	z.avail_out = (uInt)out.cap;
	CU_ASSERT_EQUAL(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.n = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct build zstd(const struct build *plain)
{
	struct build out = {.cap = ZSTD_compressBound(plain->n)};

	out.bytes = malloc(out.cap);
	if (!out.bytes)
		abort();
	out.n = ZSTD_compress(out.bytes, out.cap, plain->bytes, plain->n, 1);
	return out;
}

/* 3 MB: mapped when plain, several buffers when packed. */
static struct build long_pcap(unsigned frames)
{
	struct build b = {0};

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_ETHERNET);
	for (unsigned k = 0; k < frames; k++)
		pcap_frame(&b, T0 + k / 1000, k % 1000 * 1000, k);
	return b;
}

#define LONG_FRAMES 30000u

/* All frames of long_pcap, in order, each with its data. */
static void check_long(const char *path, const char *wan_name)
{
	struct source_error error;
	struct source_spec spec = {.path = path};
	struct source *source = source_open(&spec, 1, NULL, &error);
	struct frame frame;
	unsigned k = 0, wrong = 0;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (; source_next(source, &frame); k++)
		wrong += frame.caplen != frame_length(k) || frame.number != k + 1 ||
		         frame.data[0] != (uint8_t)k ||
		         frame.data[frame.caplen - 1] != (uint8_t)k ||
		         frame.ts_ns != T0 * NS + k * 1000000ull || !frame.shared;
	CU_ASSERT_EQUAL(k, LONG_FRAMES);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].state, FILE_OK);
	CU_ASSERT_STRING_EQUAL(source_wans(source, &n)[0].name, wan_name);
	source_close(source);
}

static void test_packing(void)
{
	struct build b = long_pcap(LONG_FRAMES), one = gzip(&b, 0, 1000000);
	struct build two = gzip(&b, 1000000, b.n);
	struct room room;

	enter(&room);
	check_long(store(&room, "a.pcap.zst", zstd(&b)), "a");
	check_long(store(&room, "named_otherwise", gzip(&b, 0, b.n)), "named_otherwise");
	put(&one, two.bytes, two.n); /* two members, as cat leaves them */
	check_long(store(&room, "b.pcap.gz", one), "b");
	check_long(store(&room, "c.pcap", b), "c");
	free(two.bytes);
	leave(&room);
}

static void test_packing_cut(void)
{
	struct build b = long_pcap(LONG_FRAMES), packed = gzip(&b, 0, b.n);
	struct room room;
	struct reading r;

	packed.n /= 2;
	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "a.pcap.gz", packed)}, 1);
	CU_ASSERT(r.n > 1000 && r.n < LONG_FRAMES);
	CU_ASSERT_EQUAL(file(&r, 0)->state, FILE_CUT);
	source_close(r.source);
	packed = gzip(&b, 0, b.n);
	memset(packed.bytes + packed.n / 2, 0x55, 64);
	read_paths(&r, (const char *[]){store(&room, "b.pcap.gz", packed)}, 1);
	CU_ASSERT(r.n > 1000 && r.n < LONG_FRAMES);
	CU_ASSERT(file(&r, 0)->state == FILE_DAMAGED || file(&r, 0)->state == FILE_CUT);
	source_close(r.source);
	free(b.bytes);
	leave(&room);
}

/* Each frame's bytes, while frames of the same instant are put in order and other files read on. */
static void check_held(const char *const *paths, size_t n_paths, unsigned expected)
{
	struct source_error error;
	struct source_spec specs[2] = {{.path = paths[0]}, {.path = paths[n_paths - 1]}};
	struct source *source = source_open(specs, n_paths, NULL, &error);
	struct frame frame, before = {0};
	unsigned frames = 0, wrong = 0, untidy = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	for (; source_next(source, &frame); frames++) {
		unsigned k = (unsigned)frame.number - 1;
		wrong += frame.caplen != frame_length(k);
		for (uint32_t i = 0; i < frame.caplen; i++)
			wrong += frame.data[i] != (uint8_t)k;
		untidy += frame.ts_ns < before.ts_ns;
		untidy += frame.ts_ns == before.ts_ns && frame.file == before.file &&
		          frame.wan > before.wan; /* wan 0 is "b", wan 1 "a" */
		before = frame;
	}
	CU_ASSERT_EQUAL(frames, expected);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(untidy, 0);
	source_close(source);
}

static void test_held_bytes(void)
{
	struct build b = {0}, packed;
	struct room room;
	const char *paths[2];

	section(&b);
	interface(&b, LINK_ETHERNET, "b");
	interface(&b, LINK_ETHERNET, "a");
	for (unsigned k = 0; k < LONG_FRAMES; k++)
		packet(&b, k % 3 == 1, T0 * 1000000ull + k / 5, k);
	packed = gzip(&b, 0, b.n);
	enter(&room);
	paths[0] = store(&room, "packed.pcapng", packed);
	paths[1] = store(&room, "z.pcap.zst", zstd(&b));
	check_held(paths, 2, 2 * LONG_FRAMES);
	check_held(paths, 1, LONG_FRAMES);
	paths[0] = store(&room, "plain.pcapng", b);
	check_held(paths, 1, LONG_FRAMES);
	check_held(paths, 2, 2 * LONG_FRAMES);
	leave(&room);
}

/* tcpdump -W cuts its oldest file to nothing while it is being audited: the reading ends, not the
 * program. */
static void test_shrinking(void)
{
	struct source_error error;
	struct room room;
	struct source_spec spec;
	struct source *source;
	struct frame frame;
	unsigned frames = 0;
	size_t n;

	enter(&room);
	spec = (struct source_spec){.path = store(&room, "a.pcap", long_pcap(LONG_FRAMES))};
	source = source_open(&spec, 1, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	while (frames < 100 && source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(truncate(spec.path, 2 << 20), 0);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT(frames > 100 && frames < LONG_FRAMES);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].state, FILE_CUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(source_files(source, &n)[0].message, "shorter"));
	source_close(source);
	leave(&room);
}

/* ---- names ---- */

static void test_names(void)
{
	static const struct {
		const char *path, *stem, *directory;
	} rows[] = {
		{"wan1.pcap", "wan1", "."},
		{"a/b/wan1.pcapng", "wan1", "a/b"},
		{"wan1.pcap.gz", "wan1", "."},
		{"wan1.dmp.zst", "wan1", "."},
		{"wan1.pcap0", "wan1", "."},
		{"wan1.pcap07", "wan1", "."},
		{"wan1.pcap12.gz", "wan1", "."},
		{"wan1.pcap.3", "wan1", "."},
		{"wan1-20260101T000000.pcapng", "wan1", "."},
		{"wan1-20260101T000000Z.pcapng", "wan1", "."},
		{"wan1_2026-01-01_00:00:00.pcap", "wan1", "."},
		{"wan1_00001_20260101120000.pcapng", "wan1", "."},
		{"wan1_20260101120000_00001.pcapng", "wan1", "."},
		{"wan1-1767225600.pcap", "wan1", "."},
		{"wan1.pcap-20260101.gz", "wan1", "."},
		{"spool/wan1/20260101T000000.pcapng", "wan1", "spool"},
		{"wan1", "wan1", "."},
		{"wan12", "wan12", "."},
		{"wan_1.pcap", "wan_1", "."},
		{"192.168.1.1.pcap", "192.168.1.1", "."},
		{"lte-19216801.pcap", "lte-19216801", "."},
		{"wan1-20260101.pcap", "wan1", "."},
		{"wan1-2026-01-01.dmp", "wan1", "."},
		{"iperf-mptcp-0-0.pcap", "iperf-mptcp-0-0", "."},
		{"eth0.835.pcap", "eth0.835", "."},
		{".pcap", ".pcap", "."},
		{"/wan1.pcap", "wan1", "."},
		/* our recorder's */
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng", "wan1", "."},
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng.zst", "wan1", "."},
		{"wan1-0123abcd-00000007-20260101T000000Z.pcapng.part", "wan1", "."},
		{"s/wan1-0123abcd-00000007-20260101T000000Z.pcapng.zst.part", "wan1", "s"},
		{"pppoe-wan-0123abcd-00000007-19700101T000000Z.pcapng", "pppoe-wan", "."},
		{"a-20260101-12345678-00000007-20260101T000000Z.pcapng", "a-20260101", "."},
		{"wan1-0123abcx-00000007-20260101T000000Z.pcapng", "wan1-0123abcx-00000007", "."},
		{"wan1.pcap.part", "wan1", "."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *stem, *directory;
		CU_ASSERT_TRUE_FATAL(names_split(rows[i].path, &stem, &directory));
		CU_ASSERT_STRING_EQUAL(stem, rows[i].stem);
		CU_ASSERT_STRING_EQUAL(directory, rows[i].directory);
		if (strcmp(stem, rows[i].stem) != 0)
			printf("names: %s gave %s\n", rows[i].path, stem);
		free(stem);
		free(directory);
	}
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 1), "c");
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 2), "b/c");
	CU_ASSERT_STRING_EQUAL(names_tail("a/b/c", 9), "a/b/c");
}

/* One name in two directories: two WANs, told apart. */
static void test_same_name(void)
{
	const int two[] = {0, 1, -1};
	struct room room;
	struct reading r;
	const char *paths[2], *tail;

	enter(&room);
	CU_ASSERT_EQUAL(mkdir(place(&room, "north"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(place(&room, "south"), 0700), 0);
	paths[0] = store(&room, "north/wan1.pcap", pcap_at(two));
	paths[1] = store(&room, "south/wan1.pcap", pcap_at(two));
	read_paths(&r, paths, 2);
	CU_ASSERT_EQUAL(count_wans(&r), 2);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "north/wan1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "south/wan1");
	tail = strrchr(file(&r, 1)->name, '/');
	CU_ASSERT_STRING_EQUAL(tail, "/wan1.pcap");
	source_close(r.source);
	leave(&room);
}

/* ---- merging ---- */

/* A ring out of order, its border 20 ms wrong, given as a directory with a text beside. */
static void test_ring(void)
{
	const int late[] = {100, 110, 120, -1}, early[] = {0, 90, 115, -1}, last[] = {118, 200, -1};
	const unsigned files[] = {0, 0, 1, 1, 0, 2, 1, 2};
	struct room room;
	struct reading r;

	enter(&room);
	store(&room, "w.pcap0", pcap_at(late));
	store(&room, "w.pcap1", pcap_at(last));
	store(&room, "w.pcap2", pcap_at(early));
	write_file(&room, "notes.txt", "hello\n", 6);
	read_paths(&r, (const char *[]){room.path}, 1);
	CU_ASSERT_EQUAL(count_wans(&r), 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0; i < 8; i++) {
		const char *name = file(&r, r.frames[i].file)->name;
		static const char *const ends[] = {"2", "0", "1"};
		CU_ASSERT_STRING_EQUAL(name + strlen(name) - 1, ends[files[i]]);
		CU_ASSERT(i == 0 || r.frames[i].ts_ns >= r.frames[i - 1].ts_ns);
		CU_ASSERT_TRUE(r.frames[i].shared);
	}
	source_close(r.source);
	leave(&room);
}

/* The clock steps back within a file: its frames keep their order, the step is marked and counted.
 */
static void test_backwards(void)
{
	const int ms[] = {0, 500, 200, 600, -1};
	struct room room;
	struct reading r;

	enter(&room);
	read_paths(&r, (const char *[]){store(&room, "w.pcap", pcap_at(ms))}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	CU_ASSERT_FALSE(r.frames[1].backwards);
	CU_ASSERT_TRUE(r.frames[2].backwards);
	CU_ASSERT_EQUAL(r.frames[2].number, 3);
	CU_ASSERT_FALSE(r.frames[3].backwards);
	CU_ASSERT_EQUAL(file(&r, 0)->backwards, 1);
	CU_ASSERT_EQUAL(file(&r, 0)->first_ns, T0 * NS);
	CU_ASSERT_EQUAL(file(&r, 0)->last_ns, T0 * NS + 600000000);
	source_close(r.source);
	leave(&room);
}

/* Shared is what all bounding captures cover: the latest first to the earliest last frame. */
static void test_shared(void)
{
	const int a[] = {0, 100, 200, 300, -1}, b[] = {100, 250, -1}, aside[] = {150, 160, -1};
	struct room room;
	struct reading r;
	struct source_spec specs[3];
	const bool shared[] = {false, true, true, true, true, true, true, false};
	uint64_t start, end;

	enter(&room);
	specs[0] = (struct source_spec){.path = store(&room, "a.pcap", pcap_at(a))};
	specs[1] = (struct source_spec){.path = store(&room, "b.pcap", pcap_at(b))};
	specs[2] =
		(struct source_spec){.path = store(&room, "c.pcap", pcap_at(aside)), .aside = true};
	read_specs(&r, specs, 3, NULL);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(r.frames[i].shared, shared[i]);
	CU_ASSERT_TRUE(source_window(r.source, &start, &end));
	CU_ASSERT_EQUAL(start, T0 * NS + 100000000);
	CU_ASSERT_EQUAL(end, T0 * NS + 250000000);
	CU_ASSERT_TRUE(wan(&r, 0)->bounds);
	CU_ASSERT_FALSE(wan(&r, 2)->bounds);
	source_close(r.source);
	leave(&room);
}

static void test_no_overlap(void)
{
	const int a[] = {0, 100, -1}, b[] = {200, 250, -1};
	struct room room;
	struct reading r;
	uint64_t start, end;
	const char *paths[2];

	enter(&room);
	paths[0] = store(&room, "a.pcap", pcap_at(a));
	paths[1] = store(&room, "b.pcap", pcap_at(b));
	read_paths(&r, paths, 2);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_FALSE(r.frames[i].shared);
	CU_ASSERT_FALSE(source_window(r.source, &start, &end));
	source_close(r.source);
	leave(&room);
}

/* The same frames as a file per WAN, in both orders, and as one pcapng: one order of frames. Many
 * ties. */
static void test_one_order(void)
{
	const int a[] = {0, 5, 5, 9, -1}, b[] = {0, 5, 7, 9, -1};
	const char *expected = "A1 B1 A2 A3 B2 B3 A4 B4";
	struct build both = {0};
	struct room room;
	struct reading r;
	const char *paths[2], *swapped[2];
	char text[256];

	enter(&room);
	paths[0] = swapped[1] = store(&room, "A.pcap", pcap_at(a));
	paths[1] = swapped[0] = store(&room, "B.pcap", pcap_at(b));
	read_paths(&r, paths, 2);
	order_text(&r, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, expected);
	source_close(r.source);
	read_paths(&r, swapped, 2);
	order_text(&r, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, expected);
	source_close(r.source);

	section(&both);
	interface(&both, LINK_ETHERNET, "B");
	interface(&both, LINK_ETHERNET, "A");
	for (unsigned k = 0, i = 0, j = 0; k < 8; k++) {
		bool first = j == 4 || (i < 4 && a[i] < b[j]); /* ties: the wrong one first */
		int ms = first ? a[i] : b[j];
		packet(&both, first, T0 * 1000000ull + (uint64_t)ms * 1000, first ? i++ : j++);
	}
	read_paths(&r, (const char *[]){store(&room, "x.pcapng", both)}, 1);
	CU_ASSERT_EQUAL_FATAL(r.n, 8);
	for (size_t i = 0, at = 0; i < 8; i++, at += 3) {
		CU_ASSERT_EQUAL(wan_of_frame(&r, i)[0], expected[at]);
		CU_ASSERT_EQUAL(r.first_byte[i] + '1', expected[at + 1]);
	}
	source_close(r.source);
	leave(&room);
}

/* tcpdump -i any: a WAN per interface index; packet type 4 went out, 0 came in. */
static void test_any(void)
{
	struct build b = {0};
	struct room room;
	struct reading r;

	pcap_header(&b, 0xa1b2c3d4, 128, LINK_SLL2);
	for (unsigned k = 0; k < 4; k++) {
		uint8_t data[20] = {
			8, 0, 0, 0, 0, 0, 0, (uint8_t)(2 + k % 2), 0, 1, (uint8_t)(k < 2 ? 4 : 0)};
		put32(&b, T0);
		put32(&b, k);
		put32(&b, 20);
		put32(&b, 20);
		put(&b, data, 20);
	}
	enter(&room);
	read_specs(&r, &(struct source_spec){.path = store(&room, "x.pcap", b), .wan = "lab"}, 1,
	           NULL);
	CU_ASSERT_EQUAL_FATAL(r.n, 4);
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 0), "lab#2");
	CU_ASSERT_STRING_EQUAL(wan_of_frame(&r, 3), "lab#3");
	CU_ASSERT_EQUAL(r.frames[0].mark, MARK_OUT);
	CU_ASSERT_EQUAL(r.frames[2].mark, MARK_IN);
	source_close(r.source);
	leave(&room);
}

/* NAME= before the file's own names, for one interface and for several. */
static void test_given_names(void)
{
	struct room room;
	struct reading r;
	struct build one = {0};
	struct source_spec specs[2];

	section(&one);
	interface(&one, LINK_ETHERNET, "eth1");
	packet(&one, 0, T0 * 1000000ull, 0);
	enter(&room);
	specs[0] = (struct source_spec){store(&room, "x.pcapng", full_pcapng(false)), "lab", false};
	specs[1] = (struct source_spec){store(&room, "y.pcapng", one), "uplink", false};
	read_specs(&r, specs, 2, NULL);
	CU_ASSERT_EQUAL(count_wans(&r), 4);
	CU_ASSERT_STRING_EQUAL(wan(&r, 0)->name, "lab#eth1");
	CU_ASSERT_STRING_EQUAL(wan(&r, 1)->name, "lab#wwan0");
	CU_ASSERT_STRING_EQUAL(wan(&r, 2)->name, "lab#2");
	CU_ASSERT_STRING_EQUAL(wan(&r, 3)->name, "uplink");
	source_close(r.source);
	leave(&room);
}

static void test_shift(void)
{
	const int ms[] = {0, 1, -1};
	const struct source_shift shift = {"w", -2500000000};
	const struct source_options options = {.shifts = &shift, .n_shifts = 1};
	struct room room;
	struct reading r;

	enter(&room);
	read_specs(&r, &(struct source_spec){.path = store(&room, "w.pcap", pcap_at(ms))}, 1,
	           &options);
	CU_ASSERT_EQUAL_FATAL(r.n, 2);
	CU_ASSERT_EQUAL(r.frames[0].ts_ns, T0 * NS - 2500000000);
	CU_ASSERT_EQUAL(file(&r, 0)->last_ns, T0 * NS - 2499000000);
	source_close(r.source);
	leave(&room);
}

/* Frame k has k in each byte: "ether[0] = 2" is the third. Numbers stay those of the file. */
static void test_filter(void)
{
	const int ms[] = {0, 1, 2, 3, -1};
	struct room room;
	struct reading r;
	struct source_spec spec;
	uint64_t start, end;

	enter(&room);
	spec = (struct source_spec){.path = store(&room, "w.pcap", pcap_at(ms))};
	read_specs(&r, &spec, 1, &(struct source_options){.filter = "ether[0] = 2"});
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_EQUAL(r.frames[0].number, 3);
	CU_ASSERT_TRUE(wan(&r, 0)->filtered);
	CU_ASSERT_EQUAL(file(&r, 0)->frames, 4);
	CU_ASSERT_TRUE(source_window(r.source, &start, &end));
	CU_ASSERT_EQUAL(end - start, 3000000);
	source_close(r.source);
	read_specs(&r, &spec, 1, &(struct source_options){.filter = "tcp prot 3"});
	CU_ASSERT_PTR_NULL(r.source);
	CU_ASSERT_EQUAL(r.error.failure, SOURCE_BAD_FILTER);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.message, "syntax"));
	leave(&room);
}

/* An Ethernet frame with an IPv4 packet 192.0.2.a > 192.0.2.b, or IPv6 2001:db8::a > 2001:db8::b.
 */
static void ip_frame(uint8_t out[54], bool six, uint8_t a, uint8_t b)
{
	memset(out, 0, 54);
	out[12] = six ? 0x86 : 0x08;
	out[13] = six ? 0xdd : 0x00;
	out[14] = six ? 0x60 : 0x45;
	if (six) {
		const uint8_t net[4] = {0x20, 0x01, 0x0d, 0xb8};

		memcpy(out + 22, net, 4);
		memcpy(out + 38, net, 4);
		out[37] = a;
		out[53] = b;
		return;
	}
	memcpy(out + 26, (const uint8_t[]){192, 0, 2, a}, 4);
	memcpy(out + 30, (const uint8_t[]){192, 0, 2, b}, 4);
}

/* The first network that a frame comes from or goes to; nothing else is anybody's. */
static void test_split(void)
{
	static const struct {
		bool six;
		uint8_t a, b;
		int row;
	} cases[] = {
		{false, 1, 9, 0},   {false, 9, 1, 0}, {false, 9, 2, -1}, {false, 130, 9, 1},
		{false, 130, 1, 0}, {true, 7, 9, 2},  {true, 9, 7, 2},   {true, 8, 9, -1},
	};
	static const struct source_split rows[] = {
		{"w1", "192.0.2.1"}, {"w2", "192.0.2.200/25"}, {"w1", "2001:db8::7/128"}};
	static const char *const wrong[] = {"",           "192.0.2.1/33", "192.0.2.1/",
	                                    "192.0.2",    "a.b.c.d",      "::1/129",
	                                    "1.2.3.4/+8", "1.2.3.4/8x",   "host evil"};
	char message[200];
	struct split *split = split_new(rows, 3, message, sizeof(message));
	uint8_t bytes[54];

	CU_ASSERT_PTR_NOT_NULL_FATAL(split);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame frame = {
			.data = bytes, .caplen = 54, .wire_len = 54, .linktype = LINK_ETHERNET};

		ip_frame(bytes, cases[i].six, cases[i].a, cases[i].b);
		CU_ASSERT_EQUAL(split_find(split, &frame), cases[i].row);
		frame.linktype = 147; /* one that nobody reads */
		CU_ASSERT_EQUAL(split_find(split, &frame), -1);
	}
	split_free(split);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const struct source_split row = {"w", wrong[i]};

		CU_ASSERT_PTR_NULL(split_new(&row, 1, message, sizeof(message)));
		CU_ASSERT_PTR_NOT_NULL(strstr(message, "no network"));
	}
}

static void count_shown(void *context, const struct frame *frame)
{
	size_t *shown = context;

	CU_ASSERT_EQUAL(frame->data[0], frame->number - 1);
	CU_ASSERT_FALSE(frame->shared);
	shown[frame->wan]++;
}

/* A survey shows the first frames of each WAN and moves nothing. */
static void test_survey(void)
{
	const int a[] = {0, 1, 2, 3, -1}, b[] = {0, 1, -1};
	struct room room;
	struct source_error error;
	struct source_spec specs[2];
	struct source *source;
	struct frame frame;
	size_t shown[2] = {0}, frames = 0, n;

	enter(&room);
	specs[0] = (struct source_spec){.path = store(&room, "a.pcap", pcap_at(a))};
	specs[1] = (struct source_spec){.path = store(&room, "b.pcap", pcap_at(b))};
	source = source_open(specs, 2, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	source_survey(source, 3, count_shown, shown);
	CU_ASSERT_EQUAL(shown[0], 3);
	CU_ASSERT_EQUAL(shown[1], 2);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(frames, 6);
	CU_ASSERT_EQUAL(source_files(source, &n)[0].frames, 4);
	source_close(source);
	leave(&room);
}

/* A pipe: what is surveyed is read again, all frames come. */
static void test_pipe(void)
{
	const int ms[] = {0, 1, 2, -1};
	struct build b = pcap_at(ms);
	struct source_error error;
	struct source_spec spec = {.path = "-"};
	struct source *source;
	struct frame frame;
	int ends[2], input = dup(STDIN_FILENO);
	size_t shown[2] = {0}, frames = 0, n;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], b.bytes, b.n), (ssize_t)b.n);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	source = source_open(&spec, 1, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(source);
	source_survey(source, 9, count_shown, shown);
	CU_ASSERT_EQUAL(shown[0], 3);
	while (source_next(source, &frame))
		frames++;
	CU_ASSERT_EQUAL(frames, 3);
	CU_ASSERT_STRING_EQUAL(source_wans(source, &n)[0].name, "stdin");
	source_close(source);
	dup2(input, STDIN_FILENO);
	close(input);
	free(b.bytes);
}

/* ---- real captures ---- */

static bool capinfos_totals(const char *path, unsigned long *frames, unsigned long *bytes)
{
	char command[1024], line[1024], *at;
	FILE *pipe;
	bool good;

	snprintf(command, sizeof(command), "capinfos -T -r -m -Q -M -c -d '%s' 2>/dev/null", path);
	pipe = popen(command, "r");
	good = pipe && fgets(line, sizeof(line), pipe) && (at = strstr(line, "\",\"")) != NULL &&
	       sscanf(at, "\",\"%lu\",\"%lu\"", frames, bytes) == 2;
	if (pipe)
		pclose(pipe);
	return good;
}

/* Frames and bytes on the wire equal capinfos's, file by file. */
static void compare_totals(const char *path, unsigned *compared)
{
	unsigned long frames, bytes;
	uint64_t ours[2] = {0};
	struct source_error error;
	struct frame frame;
	struct source *source = source_open(&(struct source_spec){.path = path}, 1, NULL, &error);

	CU_ASSERT_PTR_NOT_NULL(source);
	while (source && source_next(source, &frame)) {
		ours[0]++;
		ours[1] += frame.wire_len;
	}
	source_close(source);
	if (!source || !capinfos_totals(path, &frames, &bytes))
		return;
	CU_ASSERT_EQUAL(ours[0], frames);
	CU_ASSERT_EQUAL(ours[1], bytes);
	++*compared;
}

static void test_real_totals(void)
{
	const char *shared = getenv("MPTCP_AUDIT_SHARED");
	char command[600], line[600];
	unsigned compared = 0;
	FILE *list;

	snprintf(command, sizeof(command),
	         "command -v capinfos >/dev/null && find '%s/captures' -type f \\( -name '*.pcap' "
	         "-o "
	         "-name '*.pcapng' -o -name '*.pcap.gz' -o -name '*.dmp.gz' \\) 2>/dev/null | sort",
	         shared ? shared : "../shared");
	list = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		compare_totals(line, &compared);
	}
	pclose(list);
	if (compared)
		printf("capture: totals of %u captures compared with capinfos\n", compared);
	else
		printf("capture: SKIPPED totals of real captures: no capinfos, or none in %s\n",
		       shared ? shared : "../shared");
}

void suite_capture(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"pcap: each magic, both byte orders", test_pcap_forms},
		{"pcapng: blocks and options", test_pcapng},
		{"pcapng: sections of two byte orders", test_sections},
		{"pcapng: hostile interface name", test_hostile_name},
		{"pcapng: losses of a ring", test_losses},
		{"pcap: cut, empty, glued, damaged", test_flaws},
		{"pcapng: damaged and glued", test_pcapng_flaws},
		{"no captures", test_strangers},
		{"the same file twice", test_same_file_twice},
		{"unknown link type", test_unknown_link},
		{"gzip, zstd and maps alike", test_packing},
		{"gzip cut and damaged", test_packing_cut},
		{"bytes of frames that are held", test_held_bytes},
		{"a mapped file that shrinks", test_shrinking},
		{"names", test_names},
		{"one name in two directories", test_same_name},
		{"ring", test_ring},
		{"time going backwards", test_backwards},
		{"shared time", test_shared},
		{"no overlap", test_no_overlap},
		{"law 4: one order of frames", test_one_order},
		{"SLL2", test_any},
		{"given names", test_given_names},
		{"shift", test_shift},
		{"split", test_split},
		{"filter", test_filter},
		{"survey", test_survey},
		{"pipe", test_pipe},
		{"real captures against capinfos", test_real_totals},
	};
	CU_pSuite suite = CU_add_suite("capture", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
