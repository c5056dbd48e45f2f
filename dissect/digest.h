/* SPDX-License-Identifier: MIT
 *
 * digest.h - the numbers that MPTCP derives from keys: tokens, first DSNs, HMACs of joins and
 * addresses.
 *
 * Version 0 (RFC 6824) uses SHA-1, version 1 (RFC 8684) SHA-256. Keys are the 8 bytes of the wire.
 */
#ifndef DISSECT_DIGEST_H
#define DISSECT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_JOIN_MAX 20 /* bytes of HMAC in the third ACK of a join */

/* RFC 8684 section 3.2: the first 32 bits of the hash of the key. */
uint32_t digest_token(int version, const uint8_t key[8]);

/* RFC 8684 section 3.2: the last 64 bits of the hash of the key; the first data byte is one behind.
 */
uint64_t digest_idsn(int version, const uint8_t key[8]);

/* RFC 8684 section 3.2: the sender's key first, the sender's nonce first. 20 bytes, left-most; the
 * SYN/ACK carries the first 8 of them. */
void digest_join(int version, const uint8_t own[8], const uint8_t peer[8], uint32_t own_nonce,
                 uint32_t peer_nonce, uint8_t hmac[DIGEST_JOIN_MAX]);

/* RFC 8684 section 3.4.1: the sender's key first; `addr` of 4 or 16 bytes, port 0 when none is
 * told. The right-most 64 bits. */
void digest_add_addr(const uint8_t own[8], const uint8_t peer[8], uint8_t id, const uint8_t *addr,
                     size_t addr_len, uint16_t port, uint8_t hmac[8]);

#endif
