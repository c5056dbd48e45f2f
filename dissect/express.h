/* SPDX-License-Identifier: MIT
 *
 * express.h - the short way for the segments that are nearly all there is: in order, established,
 * nothing waiting.
 *
 * A segment of a known subflow that carries the next bytes under the mapping at hand, or
 * acknowledges more and says nothing else, is accounted here in a fraction of the time. Everything
 * else is refused before anything was changed, and takes the long way through pipeline.c. Both ways
 * give the same ledger: a test runs each capture with and without.
 */
#ifndef DISSECT_EXPRESS_H
#define DISSECT_EXPRESS_H

#include "classify.h"
#include "copies.h"
#include "health.h"

struct express;

struct express *express_new(struct ledger *ledger, struct track *track, struct copies *copies,
                            struct classifier *classifier, struct hearing *hearing, uint64_t seed);
void express_free(struct express *express);

/* Account the frame, or refuse it. `wan` and `file` are the ledger's indices. */
bool express_feed(struct express *express, const struct frame *frame, uint32_t wan, uint32_t file);

/* The long way just took a segment of this subflow; its next ones may ride. */
void express_learn(struct express *express, const struct frame *frame,
                   const struct segment *segment, uint32_t wan, struct subflow *subflow,
                   struct flow_tally *tally, unsigned dir);

/* The subflow's state is about to be read or to go: bring its sums home. */
void express_flush(struct express *express, const struct subflow *subflow);

#endif
