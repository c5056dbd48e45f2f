/* SPDX-License-Identifier: MIT
 *
 * bytes.h - a checked big-endian cursor: the only pointer arithmetic on packet bytes.
 *
 * Check with bytes_has(), then take. A take without a check is a bug of ours and asserts.
 */
#ifndef DISSECT_BYTES_H
#define DISSECT_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	const uint8_t *end;
};

static inline struct bytes bytes_of(const uint8_t *data, size_t len)
{
	return (struct bytes){.at = data, .end = data + len};
}

static inline size_t bytes_left(const struct bytes *b)
{
	return (size_t)(b->end - b->at);
}

static inline bool bytes_has(const struct bytes *b, size_t n)
{
	return bytes_left(b) >= n;
}

/* The next n bytes, borrowed from the packet. */
static inline const uint8_t *bytes_take(struct bytes *b, size_t n)
{
	assert(bytes_has(b, n));
	const uint8_t *at = b->at;
	b->at += n;
	return at;
}

static inline uint16_t be16(const uint8_t p[2])
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t p[4])
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline uint64_t be64(const uint8_t p[8])
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint8_t bytes_u8(struct bytes *b)
{
	return *bytes_take(b, 1);
}

static inline uint16_t bytes_u16(struct bytes *b)
{
	return be16(bytes_take(b, 2));
}

static inline uint32_t bytes_u32(struct bytes *b)
{
	return be32(bytes_take(b, 4));
}

static inline uint64_t bytes_u64(struct bytes *b)
{
	return be64(bytes_take(b, 8));
}

#endif
