/* SPDX-License-Identifier: MIT
 *
 * scrub_inside.h - what the files of scrubbing share and nobody else sees: the way of a frame
 * (scrub.c), the options of its TCP header (scrub_options.c).
 */
#ifndef DISSECT_SCRUB_INSIDE_H
#define DISSECT_SCRUB_INSIDE_H

#include "decode.h"
#include "scrub.h"

struct scrub {
	struct disguise *disguise; /* owned */
	struct kin *kin;
};

/* The key that stands for this one. */
void scrub_key(const struct scrub *scrub, const uint8_t key[8], uint8_t out[8]);

/* The options of a TCP segment, in place: `options` are those of `segment`, which was decoded from
 * the frame as it was. */
void scrub_options(struct scrub *scrub, const struct segment *segment, uint64_t ts_ns,
                   uint8_t *options);

/* Sums of big-endian 16-bit words, RFC 1071; a last odd byte counts as the upper one. */
uint32_t scrub_sum(uint32_t sum, const uint8_t *bytes, size_t length);

/* The checksum, now that all it covers, itself aside, has become another sum: right stays right,
 * wrong wrong, but not by as much: what a network card was to fill in is the sum of the addresses.
 */
uint16_t scrub_checksum(uint16_t checksum, uint32_t was, uint32_t is);

#endif
