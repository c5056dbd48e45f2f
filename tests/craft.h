/* SPDX-License-Identifier: MIT
 *
 * craft.h - frames made byte by byte, for tests and fuzz targets.
 *
 * Writes what it is told, lies included, and never more than a craft has room for. Layouts: RFC
 * 791, RFC 8200, RFC 9293, RFC 6824 and RFC 8684. Nothing here is shared with the code under test.
 */
#ifndef TESTS_CRAFT_H
#define TESTS_CRAFT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { CRAFT_ROOM = 2048, CRAFT_OPTIONS = 40 };

struct craft {
	uint8_t bytes[CRAFT_ROOM];
	uint32_t len;
};

static inline void craft_bytes(struct craft *c, const void *bytes, uint32_t n)
{
	if (n > CRAFT_ROOM - c->len)
		n = CRAFT_ROOM - c->len;
	if (n > 0)
		memcpy(c->bytes + c->len, bytes, n);
	c->len += n;
}

/* The low `n` bytes of a number, big-endian. */
static inline void craft_be(struct craft *c, uint64_t number, unsigned n)
{
	uint8_t b[8];

	for (unsigned i = 0; i < n; i++)
		b[i] = (uint8_t)(number >> 8 * (n - 1 - i));
	craft_bytes(c, b, n);
}

static inline void craft_fill(struct craft *c, uint8_t byte, uint32_t n)
{
	while (n--)
		craft_bytes(c, &byte, 1);
}

/* The option area of a TCP header. What does not fit into 40 bytes is left out whole. */
struct craft_options {
	uint8_t bytes[CRAFT_OPTIONS];
	uint8_t len;
};

static inline void craft_option(struct craft_options *o, const void *bytes, unsigned n)
{
	if (n + o->len > CRAFT_OPTIONS)
		return;
	memcpy(o->bytes + o->len, bytes, n);
	o->len = (uint8_t)(o->len + n);
}

/* An MPTCP option: kind, length, subtype with its low nibble, then the body. */
static inline void craft_mptcp(struct craft_options *o, unsigned subtype, unsigned nibble,
                               const struct craft *body)
{
	uint8_t b[CRAFT_OPTIONS + 3] = {30, (uint8_t)(3 + body->len),
	                                (uint8_t)(subtype << 4 | nibble)};

	if (body->len > CRAFT_OPTIONS - 3)
		return;
	memcpy(b + 3, body->bytes, body->len);
	craft_option(o, b, 3 + body->len);
}

/* RFC 8684 section 3.3: flags F 0x10, m 0x08, M 0x04, a 0x02, A 0x01. */
struct craft_dss {
	uint8_t flags;
	uint64_t ack, dsn;
	uint32_t ssn;
	uint16_t len;
	bool has_csum;
	uint16_t csum;
};

static inline void craft_dss(struct craft_options *o, const struct craft_dss *d)
{
	struct craft b = {.len = 0};

	craft_be(&b, d->flags, 1);
	if (d->flags & 0x01)
		craft_be(&b, d->ack, d->flags & 0x02 ? 8 : 4);
	if (d->flags & 0x04) {
		craft_be(&b, d->dsn, d->flags & 0x08 ? 8 : 4);
		craft_be(&b, d->ssn, 4);
		craft_be(&b, d->len, 2);
		if (d->has_csum)
			craft_be(&b, d->csum, 2);
	}
	craft_mptcp(o, 2, 0, &b);
}

static inline void craft_timestamps(struct craft_options *o, uint32_t value, uint32_t echo)
{
	struct craft b = {.len = 0};

	craft_be(&b, 0x0101080a, 4);
	craft_be(&b, value, 4);
	craft_be(&b, echo, 4);
	craft_option(o, b.bytes, b.len);
}

struct craft_tcp {
	uint8_t family;   /* 4 or 6 */
	uint8_t src, dst; /* last byte of 192.0.2.x or 2001:db8::x */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint16_t ip_id;
	uint8_t ttl;   /* 0 = 64 */
	uint8_t proto; /* 0 = TCP */
	struct craft_options options;
	const uint8_t *payload; /* NULL = zeros */
	uint32_t payload_len;
};

static inline void craft_ip(struct craft *c, const struct craft_tcp *t, uint32_t len)
{
	uint8_t ttl = t->ttl ? t->ttl : 64, proto = t->proto ? t->proto : 6;

	if (t->family == 6) {
		craft_be(c, 0x60000000, 4);
		craft_be(c, len, 2);
		craft_be(c, (uint64_t)proto << 8 | ttl, 2);
		for (int i = 0; i < 2; i++) {
			craft_be(c, UINT64_C(0x20010db800000000), 8);
			craft_be(c, i ? t->dst : t->src, 8);
		}
		return;
	}
	craft_be(c, 0x4500, 2);
	craft_be(c, 20 + len, 2);
	craft_be(c, (uint64_t)t->ip_id << 16, 4);
	craft_be(c, (uint64_t)ttl << 24 | (uint64_t)proto << 16, 4);
	craft_be(c, 0xc0000200u | t->src, 4);
	craft_be(c, 0xc0000200u | t->dst, 4);
}

/* An IP packet with a TCP segment. Checksums are left zero: nobody here reads them. */
static inline void craft_segment(struct craft *c, const struct craft_tcp *t)
{
	struct craft_options o = t->options;

	while (o.len % 4)
		craft_option(&o, "\1", 1);
	craft_ip(c, t, 20u + o.len + t->payload_len);
	craft_be(c, (uint32_t)t->sport << 16 | t->dport, 4);
	craft_be(c, t->seq, 4);
	craft_be(c, t->ack, 4);
	craft_be(c, (uint64_t)(20u + o.len) / 4 << 28 | (uint64_t)t->flags << 16 | t->window, 4);
	craft_be(c, 0, 4);
	craft_bytes(c, o.bytes, o.len);
	if (t->payload)
		craft_bytes(c, t->payload, t->payload_len);
	else
		craft_fill(c, 0, t->payload_len);
}

static inline void craft_ethernet(struct craft *c, uint16_t ethertype)
{
	craft_be(c, UINT64_C(0x020000000002), 6);
	craft_be(c, UINT64_C(0x020000000001), 6);
	craft_be(c, ethertype, 2);
}

#endif
