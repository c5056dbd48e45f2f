/* SPDX-License-Identifier: MIT
 *
 * rewrite_block.h - a pcapng block in the making, in this machine's byte order, and what of the
 * options of another one may stand in it.
 */
#ifndef CAPTURE_REWRITE_BLOCK_H
#define CAPTURE_REWRITE_BLOCK_H

#include "rewrite.h"
#include "savefile.h"

/* All zero to begin with; grows to the largest block, and stays. */
struct rewrite_block {
	uint8_t *bytes; /* owned */
	size_t length, cap;
	bool failed; /* out of memory: what it holds is of no use */
};
void rewrite_block_release(struct rewrite_block *block);

void rewrite_block_begin(struct rewrite_block *block, uint32_t type);
void rewrite_block_word(struct rewrite_block *block, uint32_t word);
/* Padded to a whole word. */
void rewrite_block_bytes(struct rewrite_block *block, const void *bytes, size_t length);
/* A time as this interface counts them: two words. */
void rewrite_block_ticks(struct rewrite_block *block, const struct savefile_interface *interface,
                         uint64_t ns);
/* Of a frame: so many were lost before it. */
void rewrite_block_drops(struct rewrite_block *block, uint64_t frames);
/* Sets the lengths; the bytes are the block's until the next one begins. */
size_t rewrite_block_end(struct rewrite_block *block, const uint8_t **bytes);

enum rewrite_kind { REWRITE_INTERFACE, REWRITE_STATISTICS, REWRITE_PACKET };

/* The options of [at, end) of a block of `savefile` that may be told, with names, addresses and
 * notes changed. */
void rewrite_block_options(struct rewrite_block *block, enum rewrite_kind kind,
                           const struct savefile *savefile, const uint8_t *at, const uint8_t *end,
                           const struct rewrite_hand *hand);

#endif
