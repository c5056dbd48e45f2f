/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bytes.h"
#include "digest.h"
#include "option.h"
#include "scrub_inside.h"

enum {
	KIND_EOL = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WINDOW_SCALE = 3,
	KIND_SACK = 5,
	KIND_TIMESTAMPS = 8,
	KIND_MPTCP = 30,
};

/* An option's content, from its subtype on, and who speaks. */
struct speech {
	struct scrub *scrub;
	const struct segment *segment;
	const struct kin_subflow *sf; /* NULL = not known */
	unsigned dir, side;           /* of the speaker; 0 when not known */
	uint8_t length;               /* that the option claims */
	uint8_t *at;
	size_t left; /* captured */
};

/* The next `n` bytes, to be changed; NULL, and what is left wiped, when not all of them are there.
 */
static uint8_t *take(struct speech *s, size_t n)
{
	uint8_t *at = s->at;

	if (s->left < n) {
		memset(s->at, 0, s->left);
		s->left = 0;
		return NULL;
	}
	s->at += n;
	s->left -= n;
	return at;
}

static void put_be(uint8_t *at, uint64_t value, size_t n)
{
	while (n > 0) {
		at[--n] = (uint8_t)value;
		value >>= 8;
	}
}

static bool keys_known(const struct speech *s)
{
	return s->sf && s->sf->version >= 0 && s->sf->has_key[0] && s->sf->has_key[1];
}

void scrub_key(const struct scrub *scrub, const uint8_t key[8], uint8_t out[8])
{
	disguise_bytes(scrub->disguise, "key", key, 8, out);
}

static void change_key(const struct speech *s, uint8_t *key)
{
	uint8_t out[8];

	if (!key)
		return;
	scrub_key(s->scrub, key, out);
	memcpy(key, out, sizeof(out));
}

/* Right where it was right; else something that is wrong, too. */
static void change_hmac(const struct speech *s, uint8_t *seen, size_t n, const uint8_t *right,
                        const uint8_t *now)
{
	uint8_t other[DIGEST_JOIN_MAX];

	if (right && memcmp(seen, right, n) == 0) {
		memcpy(seen, now, n);
		return;
	}
	disguise_bytes(s->scrub->disguise, "hmac", seen, n, other);
	memcpy(seen, other, n);
}

/* ---- the subtypes; two bytes, subtype and flags or id, are passed already ---- */

static void change_capable(struct speech *s)
{
	if (s->length >= 12)
		change_key(s, take(s, 8));
	if (s->length >= 20)
		change_key(s, take(s, 8));
	if (s->length >= 22)
		take(s, 2);
}

static void change_token(const struct speech *s, uint8_t *token)
{
	const struct kin_key *known = kin_token(s->scrub->kin, be32(token));
	uint8_t out[8];

	if (!known) {
		disguise_bytes(s->scrub->disguise, "token", token, 4, out);
		memcpy(token, out, 4);
		return;
	}
	scrub_key(s->scrub, known->key, out);
	put_be(token, digest_token(known->version, out), 4);
}

static void change_join_hmac(const struct speech *s, uint8_t *seen, size_t n)
{
	uint8_t right[DIGEST_JOIN_MAX], now[DIGEST_JOIN_MAX], keys[2][8];
	const struct kin_subflow *sf = s->sf;
	bool known = keys_known(s) && sf->has_nonce[0] && sf->has_nonce[1];

	for (unsigned i = 0; known && i < 2; i++)
		scrub_key(s->scrub, sf->key[i ? !s->side : s->side], keys[i]);
	if (known) {
		digest_join(sf->version, sf->key[s->side], sf->key[!s->side], sf->nonce[s->dir],
		            sf->nonce[!s->dir], right);
		digest_join(sf->version, keys[0], keys[1], sf->nonce[s->dir], sf->nonce[!s->dir],
		            now);
	}
	change_hmac(s, seen, n, known ? right : NULL, now);
}

static void change_join(struct speech *s)
{
	size_t n = s->length == 12 ? 4 : s->length == 16 ? 8 : 20;
	uint8_t *at = take(s, n);

	if (!at)
		return;
	if (n == 4)
		change_token(s, at);
	else
		change_join_hmac(s, at, n);
	if (n != 20)
		take(s, 4); /* the nonce is a random number that belongs to nothing else */
}

/* A DSN or DATA_ACK in the stream of one side. */
static void move(const struct speech *s, unsigned side, uint8_t *number, size_t n)
{
	uint64_t shift = s->sf ? s->sf->shift[side] : 0;

	put_be(number, (n == 8 ? be64(number) : be32(number)) + shift, n);
}

/* All 64 bits of a DSN of this side: the one nearest to where the stream ended. */
static uint64_t whole_dsn(const struct speech *s, uint64_t dsn, bool wide)
{
	if (wide || !s->sf)
		return dsn;
	uint64_t near = s->sf->dsn[s->side];
	return near + (uint64_t)(int64_t)(int32_t)((uint32_t)dsn - (uint32_t)near);
}

/* Of a DSN, and of subflow sequence number and length behind it. */
static uint32_t sum_mapping(uint64_t dsn, const uint8_t rest[6])
{
	uint8_t bytes[8];

	put_be(bytes, dsn, sizeof(bytes));
	return scrub_sum(scrub_sum(0, bytes, sizeof(bytes)), rest, 6);
}

/* A bare DATA_FIN's checksum is over the mapping alone, and verified by readers. */
static void change_checksum(const struct speech *s, uint8_t *checksum, uint64_t dsn)
{
	const uint8_t *rest = checksum - 6;
	uint16_t now = 0;

	if (s->segment->payload_len == 0 && s->sf)
		now = scrub_checksum((uint16_t)be16(checksum), sum_mapping(dsn, rest),
		                     sum_mapping(dsn + s->sf->shift[s->side], rest));
	put_be(checksum, now, 2);
}

static void change_dss(struct speech *s)
{
	uint8_t flags = s->at[-1], *at;
	bool wide = flags & DSS_MAP64;
	size_t n = flags & DSS_ACK64 ? 8 : 4, size = 4 + (flags & DSS_ACK ? n : 0);
	uint64_t dsn;

	if (flags & DSS_ACK && (at = take(s, n)))
		move(s, !s->side, at, n);
	n = wide ? 8 : 4;
	if (!(flags & DSS_MAP) || !(at = take(s, n)))
		return;
	dsn = whole_dsn(s, wide ? be64(at) : be32(at), wide);
	move(s, s->side, at, n);
	size += n + 6;
	if (take(s, 6) && s->length == size + 2 && (at = take(s, 2)))
		change_checksum(s, at, dsn);
}

static void change_add_addr(struct speech *s)
{
	uint8_t nibble = s->at[-2] & 0x0f, id = s->at[-1];
	size_t hmac = nibble == 4 || nibble == 6 || nibble & 1 ? 0 : 8;
	size_t rest = s->length < 4 + hmac ? 0 : s->length - 4 - hmac;
	size_t n = rest == 4 || rest == 6 ? 4 : 16;
	uint8_t was[16], right[8], now[8], keys[2][8], *addr, *port = NULL, *seen;

	if ((rest != n && rest != n + 2) || !(addr = take(s, n)))
		return;
	memcpy(was, addr, n);
	disguise_address(s->scrub->disguise, n == 4 ? 4 : 6, addr);
	if (rest == n + 2 && !(port = take(s, 2)))
		return;
	if (!hmac || !(seen = take(s, 8)))
		return;
	if (keys_known(s)) {
		uint16_t number = port ? (uint16_t)be16(port) : 0;

		scrub_key(s->scrub, s->sf->key[s->side], keys[0]);
		scrub_key(s->scrub, s->sf->key[!s->side], keys[1]);
		digest_add_addr(s->sf->key[s->side], s->sf->key[!s->side], id, was, n, number,
		                right);
		digest_add_addr(keys[0], keys[1], id, addr, n, number, now);
	}
	change_hmac(s, seen, 8, keys_known(s) ? right : NULL, now);
}

static void keep_ids(struct speech *s)
{
	take(s, s->left);
}

/* It speaks of the stream that came from the other side (RFC 8684 section 3.7). */
static void change_fail(struct speech *s)
{
	uint8_t *at = s->length == 12 ? take(s, 8) : NULL;

	if (at)
		move(s, !s->side, at, 8);
}

static void change_fastclose(struct speech *s)
{
	if (s->length == 12)
		change_key(s, take(s, 8));
}

static void (*const subtypes[MP_SUBTYPES])(struct speech *speech) = {
	[MP_CAPABLE] = change_capable,     [MP_JOIN] = change_join,     [MP_DSS] = change_dss,
	[MP_ADD_ADDR] = change_add_addr,   [MP_REMOVE_ADDR] = keep_ids, [MP_FAIL] = change_fail,
	[MP_FASTCLOSE] = change_fastclose,
};

/* What no subtype took is wiped. MP_PRIO and MP_TCPRST end with the head; MP_PRIO without an
 * address id is its subtype alone. */
static void change_mptcp(struct speech *s)
{
	uint8_t *head = take(s, s->left < 2 ? s->left : 2);
	bool known = s->length >= 3 && head && head + 2 == s->at && head[0] >> 4 < MP_SUBTYPES;

	if (known && subtypes[head[0] >> 4])
		subtypes[head[0] >> 4](s);
	memset(s->at, 0, s->left);
}

/* ---- the list ---- */

/* Options whose content an audit, or whoever looks at a trace, needs: numbers of the connection. Of
 * another length they are something else. */
static bool is_kept(uint8_t kind, uint8_t length)
{
	switch (kind) {
	case KIND_MSS:
		return length == 4;
	case KIND_WINDOW_SCALE:
		return length == 3;
	case KIND_SACK:
		return length % 8 == 2;
	case KIND_TIMESTAMPS:
		return length == 10;
	default:
		return false;
	}
}

/* One behind kind and length: `body` bytes of it were captured. */
static void change_option(const struct speech *who, uint8_t kind, uint8_t length, uint8_t *body,
                          size_t captured)
{
	struct speech s = *who;

	s.length = length;
	s.at = body;
	s.left = captured;
	if (kind == KIND_MPTCP)
		change_mptcp(&s);
	else if (!is_kept(kind, length))
		memset(body, 0, captured);
}

void scrub_options(struct scrub *scrub, const struct segment *segment, uint64_t ts_ns,
                   uint8_t *options)
{
	struct speech who = {.scrub = scrub, .segment = segment};
	size_t at = 0, end = segment->options_len;

	who.sf = kin_find(scrub->kin, segment, ts_ns, &who.dir);
	who.side = who.sf ? who.dir ^ who.sf->flip : 0;
	while (at < end && options[at] != KIND_EOL) {
		if (options[at] == KIND_NOP) {
			at++;
			continue;
		}
		if (end - at < 2 || options[at + 1] < 2) {
			at += end - at < 2 ? 1 : 2; /* malformed: readers end here */
			break;
		}
		size_t length = options[at + 1], captured = length <= end - at ? length : end - at;
		if (length > captured && !segment->options_cut) {
			at += 2; /* likewise */
			break;
		}
		change_option(&who, options[at], (uint8_t)length, options + at + 2, captured - 2);
		at += captured;
	}
	memset(options + at, 0, end - at);
}
