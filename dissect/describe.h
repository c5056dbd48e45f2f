/* SPDX-License-Identifier: MIT
 *
 * describe.h - what dissect knows about a frame, in the words of a sighting.
 */
#ifndef DISSECT_DESCRIBE_H
#define DISSECT_DESCRIBE_H

#include "classify.h"
#include "sighting.h"

/* All that the frame itself says. `texts`: addresses too. */
void describe_frame(struct sighting *sighting, const struct frame *frame,
                    const struct segment *segment, const struct ledger_entry *entry, uint64_t order,
                    bool texts);

/* Its place in connections and data sequence space. */
void describe_subflow(struct sighting *sighting, const struct subflow *subflow,
                      const struct connection *connection, const struct classification *result);

/* The frame was settled later than it passed. */
void describe_settled(struct sighting *sighting, const struct ledger_entry *entry,
                      const struct classification *late);

/* The MPTCP options of a TCP segment, in tcpdump's words: "dss ack 1 seq 2 subseq 3 len 4", ... */
void describe_options(const struct segment *segment, char *text, size_t size);

#endif
