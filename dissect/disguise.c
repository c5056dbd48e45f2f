/* SPDX-License-Identifier: MIT */
#include "disguise.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/aes.h>
#include <nettle/hmac.h>

#define CACHE 4096 /* addresses; a power of two */
#define BLOCK 16

/* Addresses whose meaning everybody knows. What lies in a range stays in it; of a fixed one all
 * bits stay. In a multicast range the second byte (flags and scope) is of no account. */
struct range {
	uint8_t prefix[16];
	uint8_t bits;
	bool fixed;
};

static const struct range ranges4[] = {
	{{0}, 32, true},         /* unspecified */
	{{10}, 8, false},        /* RFC 1918 */
	{{100, 64}, 10, false},  /* carrier-grade NAT, RFC 6598 */
	{{127}, 8, true},        /* loopback */
	{{169, 254}, 16, false}, /* link-local */
	{{172, 16}, 12, false},  /* RFC 1918 */
	{{192, 168}, 16, false}, /* RFC 1918 */
	{{224}, 4, true},        /* multicast */
	{{255, 255, 255, 255}, 32, true},
};

static const struct range ranges6[] = {
	{{0}, 128, true},                     /* unspecified */
	{{[15] = 1}, 128, true},              /* loopback */
	{{[10] = 0xff, 0xff}, 96, true},      /* IPv4-mapped: the rest is IPv4's */
	{{0x00, 0x64, 0xff, 0x9b}, 96, true}, /* NAT64, RFC 6052: likewise */
	{{0x20, 0x02}, 16, false},            /* 6to4 */
	{{0x20}, 3, false},                   /* global */
	{{0xfc}, 7, false},                   /* RFC 4193 */
	{{0xfe, 0x80}, 64, false},            /* link-local */
	{{0xff}, 16, false},                  /* multicast: flags and scope */
	{{0xff}, 112, true},                  /* well-known groups */
	{{0xff, [11] = 1, 0xff}, 104, false}, /* solicited-node, RFC 4291 */
};

struct pair {
	uint8_t family, in[16], out[16];
};

struct disguise {
	struct aes128_ctx cipher[2]; /* of IPv4, IPv6 */
	uint8_t pad[2][BLOCK];
	struct hmac_sha256_ctx hmac;
	struct pair cache[CACHE];
};

void disguise_secret(const void *bytes, size_t length, uint8_t secret[DISGUISE_SECRET])
{
	struct sha256_ctx sha256;

	sha256_init(&sha256);
	sha256_update(&sha256, length, bytes);
	sha256_digest(&sha256, DISGUISE_SECRET, secret);
}

/* ---- keyed numbers ---- */

static void digest(const struct disguise *d, const char *what, const uint8_t *in, size_t length,
                   uint8_t *out, size_t wanted)
{
	struct hmac_sha256_ctx ctx = d->hmac;

	hmac_sha256_update(&ctx, strlen(what) + 1, (const uint8_t *)what);
	hmac_sha256_update(&ctx, length, in);
	hmac_sha256_digest(&ctx, wanted, out);
}

void disguise_bytes(const struct disguise *d, const char *what, const uint8_t *in, size_t length,
                    uint8_t *out)
{
	assert(length <= SHA256_DIGEST_SIZE);
	digest(d, what, in, length, out, length);
}

/* ---- addresses ---- */

static bool bit_of(const uint8_t *bytes, unsigned at)
{
	return bytes[at / 8] >> (7 - at % 8) & 1;
}

/* Bits that both begin with, at most `most`. */
static unsigned common_bits(const uint8_t *address, const struct range *range, unsigned most)
{
	bool group = most == 128 && range->prefix[0] == 0xff && address[0] == 0xff;
	unsigned n = 0;

	while (n < most &&
	       ((group && n / 8 == 1) || bit_of(address, n) == bit_of(range->prefix, n)))
		n++;
	return n;
}

/* Where flipping would take something out of a range, or into one: as far as the prefix so far is
 * that of a range, and in a fixed range to its end. A function of the bits before `at` alone, so
 * that no two addresses become one. */
struct bounds {
	uint8_t common[sizeof(ranges6) / sizeof(*ranges6)];
	const struct range *ranges;
	size_t n;
};

static bool stays(const struct bounds *bounds, unsigned at)
{
	for (size_t i = 0; i < bounds->n; i++) {
		const struct range *range = &bounds->ranges[i];
		unsigned within = at < range->bits ? at : range->bits;

		if ((at < range->bits || range->fixed) && bounds->common[i] >= within)
			return true;
	}
	return false;
}

/* The bit that the prefix of `at` bits decides. */
static bool flips(const struct disguise *d, unsigned which, const uint8_t *address, unsigned at)
{
	uint8_t block[BLOCK], out[BLOCK];
	unsigned whole = at / 8;

	memcpy(block, d->pad[which], sizeof(block));
	memcpy(block, address, whole);
	if (at % 8) {
		uint8_t mask = (uint8_t)(0xff << (8 - at % 8));

		block[whole] = (uint8_t)((address[whole] & mask) | (block[whole] & ~mask));
	}
	aes128_encrypt(&d->cipher[which], BLOCK, out, block);
	return out[0] & 1;
}

static void turn(const struct disguise *d, unsigned which, const uint8_t *in, uint8_t *out,
                 unsigned from)
{
	unsigned bits = which ? 128 : 32;
	struct bounds bounds = {
		.ranges = which ? ranges6 : ranges4,
		.n = which ? sizeof(ranges6) / sizeof(*ranges6)
	                   : sizeof(ranges4) / sizeof(*ranges4),
	};

	for (size_t i = 0; i < bounds.n; i++)
		bounds.common[i] = (uint8_t)common_bits(in, &bounds.ranges[i], bits);
	for (unsigned at = from; at < bits; at++)
		if (!stays(&bounds, at) && flips(d, which, in, at))
			out[at / 8] ^= (uint8_t)(0x80 >> at % 8);
}

static void turn6(const struct disguise *d, const uint8_t *in, uint8_t *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

	if (memcmp(in, mapped, sizeof(mapped)) == 0 || memcmp(in, nat64, sizeof(nat64)) == 0) {
		turn(d, 0, in + 12, out + 12, 0);
		return;
	}
	if (in[0] == 0x20 && in[1] == 0x02) {
		turn(d, 0, in + 2, out + 2, 0);
		turn(d, 1, in, out, 48);
		return;
	}
	turn(d, 1, in, out, 0);
}

static struct pair *place_of(struct disguise *d, uint8_t family, const uint8_t *address)
{
	uint64_t h = family;
	size_t n = family == 4 ? 4 : 16;

	for (size_t i = 0; i < n; i++)
		h = (h ^ address[i]) * UINT64_C(0x100000001b3);
	return &d->cache[(h ^ h >> 32) % CACHE];
}

void disguise_address(struct disguise *d, uint8_t family, uint8_t *address)
{
	struct pair *pair = place_of(d, family, address);
	size_t n = family == 4 ? 4 : 16;

	if (pair->family != family || memcmp(pair->in, address, n) != 0) {
		pair->family = family;
		memcpy(pair->in, address, n);
		memcpy(pair->out, address, n);
		if (family == 4)
			turn(d, 0, pair->in, pair->out, 0);
		else
			turn6(d, pair->in, pair->out);
	}
	memcpy(address, pair->out, n);
}

/* ---- hardware addresses ---- */

/* RFC 2464 section 7: the last four bytes of the group. The groups of which that is less than half
 * are those of neighbour discovery. */
static void turn_group(struct disguise *d, uint8_t mac[6])
{
	uint8_t group[16] = {0xff, 0x02};

	if (mac[2] == 0xff)
		group[11] = 1;
	memcpy(group + 12, mac + 2, 4);
	disguise_address(d, 6, group);
	memcpy(mac + 2, group + 12, 4);
}

void disguise_mac(struct disguise *d, uint8_t mac[6])
{
	static const uint8_t zero[6];
	uint8_t out[6];

	if (mac[0] == 0x33 && mac[1] == 0x33) {
		turn_group(d, mac);
		return;
	}
	if (mac[0] & 1 || memcmp(mac, zero, sizeof(zero)) == 0)
		return;
	disguise_bytes(d, "hardware address", mac, sizeof(out), out);
	out[0] = (uint8_t)((out[0] & ~3) | (mac[0] & 3));
	memcpy(mac, out, sizeof(out));
}

/* ---- life ---- */

struct disguise *disguise_new(const uint8_t secret[DISGUISE_SECRET])
{
	static const char *const names[2] = {"IPv4", "IPv6"};
	struct disguise *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	hmac_sha256_set_key(&d->hmac, DISGUISE_SECRET, secret);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t derived[2 * BLOCK];

		digest(d, names[i], NULL, 0, derived, sizeof(derived));
		aes128_set_encrypt_key(&d->cipher[i], derived);
		aes128_encrypt(&d->cipher[i], BLOCK, d->pad[i], derived + BLOCK);
	}
	return d;
}

void disguise_free(struct disguise *d)
{
	free(d);
}
