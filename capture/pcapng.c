/* SPDX-License-Identifier: MIT
 *
 * pcapng.c - see pcapng.h.
 */
#include "pcapng.h"

#include <stdbool.h>

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum option_code {
	OPTION_COMMENT = 1,
	SHB_HARDWARE = 2,
	SHB_OS = 3,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_IPV4ADDR = 4,
	IF_IPV6ADDR = 5,
	IF_MACADDR = 6,
	IF_SPEED = 8,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	IF_OS = 12,
	IF_HARDWARE = 15,
	EPB_FLAGS = 2,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
	ISB_OSDROP = 7,
	ISB_USRDELIV = 8,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_TAIL       8 /* the end of the options, the length once more */
#define FILTER_STRING    0 /* if_filter begins with its language: libpcap's */
#define FILTER_MAX       4000

/* ---- descriptions: rare, bounded ---- */

/* A block in the making: always has room left for its tail. */
struct block {
	uint8_t *at;
	size_t used;
};

static void put_words(struct block *block, const uint32_t *words, size_t n)
{
	memcpy(block->at + block->used, words, n * sizeof(*words));
	block->used += n * sizeof(*words);
}

static void block_begin(struct block *block, uint8_t *at, enum block_type type)
{
	const uint32_t head[2] = {type, 0};

	*block = (struct block){.at = at};
	put_words(block, head, 2);
}

/* An option that does not fit is left out whole: a description may say less, never nonsense. */
static void put_option(struct block *block, enum option_code code, const void *value, size_t length)
{
	size_t padded = (length + 3) & ~(size_t)3;
	uint16_t head[2] = {(uint16_t)code, (uint16_t)length};

	if (length > UINT16_MAX || padded + 4 > PCAPNG_BLOCK_MAX - BLOCK_TAIL - block->used)
		return;
	memcpy(block->at + block->used, head, sizeof(head));
	memset(block->at + block->used + 4, 0, padded);
	memcpy(block->at + block->used + 4, value, length);
	block->used += 4 + padded;
}

static void put_text(struct block *block, enum option_code code, const char *text)
{
	if (text && *text)
		put_option(block, code, text, strlen(text));
}

static void put_notes(struct block *block, const char *const *notes, unsigned n)
{
	for (unsigned i = 0; i < n && i < PCAPNG_NOTES; i++)
		put_text(block, OPTION_COMMENT, notes[i]);
}

static void put_u64(struct block *block, enum option_code code, uint64_t value)
{
	put_option(block, code, &value, sizeof(value));
}

/* Times are two words, the high one first, each in this machine's byte order. */
static void put_time(struct block *block, enum option_code code, uint64_t ns)
{
	const uint32_t words[2] = {(uint32_t)(ns >> 32), (uint32_t)ns};

	put_option(block, code, words, sizeof(words));
}

static size_t block_end(struct block *block)
{
	uint32_t size = (uint32_t)block->used + BLOCK_TAIL;
	const uint32_t tail[2] = {0, size};

	put_words(block, tail, 2);
	memcpy(block->at + 4, &size, sizeof(size));
	return size;
}

size_t pcapng_section(uint8_t *at, const char *hardware, const char *os, const char *application)
{
	struct block block;
	/* version 1.0: two 16-bit numbers; a section of unknown length: -1 */
	const uint16_t version[2] = {1, 0};
	uint32_t fixed[4] = {BYTE_ORDER_MAGIC, 0, UINT32_MAX, UINT32_MAX};

	memcpy(&fixed[1], version, sizeof(version));
	block_begin(&block, at, BLOCK_SECTION);
	put_words(&block, fixed, 4);
	put_text(&block, SHB_HARDWARE, hardware);
	put_text(&block, SHB_OS, os);
	put_text(&block, SHB_USERAPPL, application);
	return block_end(&block);
}

static void put_address(struct block *block, const struct ipaddr *own, uint8_t prefix)
{
	uint8_t value[17] = {0};

	if (own->family == 4) {
		memcpy(value, own->bytes, 4);
		for (unsigned bit = 0; bit < prefix && bit < 32; bit++)
			value[4 + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		put_option(block, IF_IPV4ADDR, value, 8);
	} else if (own->family == 6) {
		memcpy(value, own->bytes, 16);
		value[16] = prefix;
		put_option(block, IF_IPV6ADDR, value, 17);
	}
}

static void put_filter(struct block *block, const char *filter)
{
	char value[1 + FILTER_MAX] = {FILTER_STRING};

	if (!filter || !*filter)
		return;
	size_t length = strlen(filter);
	if (length > FILTER_MAX)
		length = FILTER_MAX;
	memcpy(value + 1, filter, length);
	put_option(block, IF_FILTER, value, 1 + length);
}

size_t pcapng_interface(uint8_t *at, const struct pcapng_interface *interface)
{
	static const uint8_t nanoseconds = 9;
	struct block block;
	const uint16_t link[2] = {interface->linktype, 0};
	uint32_t fixed[2] = {0, interface->snaplen};

	memcpy(&fixed[0], link, sizeof(link));
	block_begin(&block, at, BLOCK_INTERFACE);
	put_words(&block, fixed, 2);
	/* in the order of what must not be missing when all does not fit */
	put_option(&block, IF_TSRESOL, &nanoseconds, 1);
	put_text(&block, IF_NAME, interface->name);
	for (unsigned i = 0; i < interface->n_own; i++)
		put_address(&block, &interface->own[i], interface->prefix[i]);
	if (interface->mac)
		put_option(&block, IF_MACADDR, interface->mac, 6);
	if (interface->speed_bits)
		put_u64(&block, IF_SPEED, interface->speed_bits);
	put_filter(&block, interface->filter);
	put_notes(&block, interface->notes, interface->n_notes);
	put_text(&block, IF_DESCRIPTION, interface->description);
	put_text(&block, IF_HARDWARE, interface->hardware);
	put_text(&block, IF_OS, interface->os);
	return block_end(&block);
}

size_t pcapng_statistics(uint8_t *at, const struct pcapng_statistics *statistics)
{
	struct block block;
	const uint32_t fixed[3] = {statistics->interface, (uint32_t)(statistics->at_ns >> 32),
	                           (uint32_t)statistics->at_ns};

	block_begin(&block, at, BLOCK_STATISTICS);
	put_words(&block, fixed, 3);
	put_time(&block, ISB_STARTTIME, statistics->start_ns);
	put_time(&block, ISB_ENDTIME, statistics->end_ns);
	put_u64(&block, ISB_IFRECV, statistics->received);
	put_u64(&block, ISB_IFDROP, statistics->dropped_own);
	put_u64(&block, ISB_OSDROP, statistics->dropped_kernel);
	put_u64(&block, ISB_USRDELIV, statistics->delivered);
	put_notes(&block, statistics->notes, statistics->n_notes);
	return block_end(&block);
}

/* ---- packets: one for each frame of the line ---- */

#define PACKET_HEAD 28

/* The code and length of an option as the two 16-bit numbers that they are, in one word. */
static inline uint32_t option_head(uint16_t code, uint16_t length)
{
	const uint16_t pair[2] = {code, length};
	uint32_t word;

	memcpy(&word, pair, sizeof(word));
	return word;
}

/* The comment for a super-frame; returns its bytes. */
static __attribute__((noinline)) size_t put_segment_size(uint8_t *at, uint16_t segment_size)
{
	static const char key[] = "segment_size=";
	char text[20] = {0};
	char digits[5];
	size_t n = 0, length = sizeof(key) - 1;

	memcpy(text, key, length);
	for (unsigned rest = segment_size; rest; rest /= 10)
		digits[n++] = (char)('0' + rest % 10);
	while (n)
		text[length++] = digits[--n];
	uint32_t head = option_head(OPTION_COMMENT, (uint16_t)length);
	memcpy(at, &head, sizeof(head));
	memcpy(at + 4, text, sizeof(text));
	return 4 + ((length + 3) & ~(size_t)3);
}

size_t pcapng_packet(uint8_t *at, uint32_t interface, uint64_t ts_ns, const uint8_t *data,
                     uint32_t caplen, uint32_t wire_len, uint8_t mark, uint16_t segment_size)
{
	static const uint32_t zero;
	const size_t padded = (caplen + 3u) & ~(size_t)3;
	uint8_t *end = at + PACKET_HEAD + padded;
	uint32_t head[7] = {BLOCK_ENHANCED,  0,      interface, (uint32_t)(ts_ns >> 32),
	                    (uint32_t)ts_ns, caplen, wire_len};

	/* The padding first: a whole word, then written over; so that no case needs a branch. */
	memcpy(end - 4, &zero, sizeof(zero));
	memcpy(at + PACKET_HEAD, data, caplen);
	if (mark == MARK_IN || mark == MARK_OUT) { /* 1 and 2 in epb_flags, too */
		const uint32_t flags[2] = {option_head(EPB_FLAGS, 4), mark};
		memcpy(end, flags, sizeof(flags));
		end += sizeof(flags);
	}
	if (__builtin_expect(segment_size != 0, 0))
		end += put_segment_size(end, segment_size);
	memcpy(end, &zero, sizeof(zero));
	/* Without options there is no end of options. */
	end += end == at + PACKET_HEAD + padded ? 0 : 4;
	head[1] = (uint32_t)(end + 4 - at);
	memcpy(end, &head[1], sizeof(head[1]));
	memcpy(at, head, sizeof(head));
	return head[1];
}
