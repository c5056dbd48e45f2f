/* SPDX-License-Identifier: MIT
 *
 * disguise.h - what identifies people and machines in, something else that behaves alike out.
 *
 * One secret decides all of it, so the same input gives the same output in each file, and nothing
 * without the secret leads back. Addresses keep their prefixes: two that share n bits share n bits
 * afterwards (the construction of Crypto-PAn: Xu, Fan, Ammar, Moon, ICNP 2002), so networks stay
 * networks. What an address means to everybody stays, too: private, link-local, carrier-grade NAT,
 * loopback, multicast groups, broadcast; for their sake the first bits of other addresses are kept
 * (most of the first octet of IPv4). Whoever knows some pairs learns the prefixes they share.
 *
 * Knows no packets; opens nothing; memory is fixed.
 */
#ifndef DISSECT_DISGUISE_H
#define DISSECT_DISGUISE_H

#include <stddef.h>
#include <stdint.h>

#define DISGUISE_SECRET 32 /* bytes */

struct disguise;

/* A secret from whatever somebody keeps secret. */
void disguise_secret(const void *bytes, size_t length, uint8_t secret[DISGUISE_SECRET]);

/* NULL when out of memory. */
struct disguise *disguise_new(const uint8_t secret[DISGUISE_SECRET]);
void disguise_free(struct disguise *disguise);

/* In place: 4 or 16 bytes. IPv4 inside IPv6 (mapped, NAT64, 6to4) is that of IPv4. */
void disguise_address(struct disguise *disguise, uint8_t family, uint8_t *address);

/* In place. Group and local bits stay; so do broadcast, all zeros, and groups; of a group that
 * holds part of an IPv6 address (33:33:...) the part is that of the other address. */
void disguise_mac(struct disguise *disguise, uint8_t mac[6]);

/* MPTCP keys and tokens whose keys nobody saw; numbers that are only compared (a boot's id, a
 * cookie): `length` bytes in, as many out; at most 32. `what` keeps kinds apart. Not in place. */
void disguise_bytes(const struct disguise *disguise, const char *what, const uint8_t *in,
                    size_t length, uint8_t *out);

#endif
