/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include <string.h>

#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "bytes.h"

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Hash of the key; returns its length. */
static size_t hash_key(int version, const uint8_t key[8], uint8_t out[SHA256_DIGEST_SIZE])
{
	if (version == 0) {
		struct sha1_ctx sha1;
		sha1_init(&sha1);
		sha1_update(&sha1, 8, key);
		sha1_digest(&sha1, SHA1_DIGEST_SIZE, out);
		return SHA1_DIGEST_SIZE;
	}
	struct sha256_ctx sha256;
	sha256_init(&sha256);
	sha256_update(&sha256, 8, key);
	sha256_digest(&sha256, SHA256_DIGEST_SIZE, out);
	return SHA256_DIGEST_SIZE;
}

uint32_t digest_token(int version, const uint8_t key[8])
{
	uint8_t hash[SHA256_DIGEST_SIZE];

	hash_key(version, key, hash);
	return be32(hash);
}

uint64_t digest_idsn(int version, const uint8_t key[8])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	size_t len = hash_key(version, key, hash);

	return be64(hash + len - 8);
}

static void hmac_sha256(const uint8_t key[16], const uint8_t *message, size_t len,
                        uint8_t out[SHA256_DIGEST_SIZE])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, 16, key);
	hmac_sha256_update(&ctx, len, message);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
}

void digest_join(int version, const uint8_t own[8], const uint8_t peer[8], uint32_t own_nonce,
                 uint32_t peer_nonce, uint8_t hmac[DIGEST_JOIN_MAX])
{
	uint8_t key[16], message[8], out[SHA256_DIGEST_SIZE];

	memcpy(key, own, 8);
	memcpy(key + 8, peer, 8);
	put32(message, own_nonce);
	put32(message + 4, peer_nonce);
	if (version == 0) {
		struct hmac_sha1_ctx ctx;
		hmac_sha1_set_key(&ctx, 16, key);
		hmac_sha1_update(&ctx, 8, message);
		hmac_sha1_digest(&ctx, DIGEST_JOIN_MAX, hmac);
		return;
	}
	hmac_sha256(key, message, 8, out);
	memcpy(hmac, out, DIGEST_JOIN_MAX);
}

void digest_add_addr(const uint8_t own[8], const uint8_t peer[8], uint8_t id, const uint8_t *addr,
                     size_t addr_len, uint16_t port, uint8_t hmac[8])
{
	uint8_t key[16], message[1 + 16 + 2], out[SHA256_DIGEST_SIZE];

	memcpy(key, own, 8);
	memcpy(key + 8, peer, 8);
	message[0] = id;
	memcpy(message + 1, addr, addr_len);
	message[1 + addr_len] = (uint8_t)(port >> 8);
	message[2 + addr_len] = (uint8_t)port;
	hmac_sha256(key, message, 1 + addr_len + 2, out);
	memcpy(hmac, out + SHA256_DIGEST_SIZE - 8, 8);
}
