/* SPDX-License-Identifier: MIT
 *
 * mapping.h - which bytes of one direction of a subflow lie where in data sequence space.
 *
 * The newest mapping stands in the half itself, older ones in a ring that grows up to MAPPINGS_MAX;
 * then the oldest goes. One is overwritten without need of growth when all its bytes have passed
 * and no frame waits.
 */
#ifndef DISSECT_MAPPING_H
#define DISSECT_MAPPING_H

#include "track.h"

/* Make `mapping` the newest one. */
void mapping_keep(struct half *half, const struct mapping *mapping);

/* The mapping of the byte at `at`, newest first; NULL = none. */
const struct mapping *mapping_at(const struct half *half, uint64_t at);

/* The ISN is known at last: mappings that only had an SSN get their place. */
void mappings_place(struct half *half);

/* All of them, for state.h. `dsn`: where the stream is. */
struct state_in;
struct state_out;
void mappings_save(const struct half *half, uint64_t dsn, struct state_out *out);
void mappings_load(struct half *half, uint64_t dsn, struct state_in *in);

#endif
