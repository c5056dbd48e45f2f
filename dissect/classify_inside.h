/* SPDX-License-Identifier: MIT
 *
 * classify_inside.h - what the two files of the decision table share and nobody else sees: frames
 * and their kinds (classify.c), payload byte by byte (classify_payload.c).
 */
#ifndef DISSECT_CLASSIFY_INSIDE_H
#define DISSECT_CLASSIFY_INSIDE_H

#include "classify.h"
#include "mapping.h"

/* All that one segment is looked at with. `h` is its side, `p` the peer's. */
struct look {
	struct classifier *classifier;
	struct subflow *sf;
	struct connection *c;
	struct data_stream *own, *peers;
	unsigned dir;
	struct half *h, *p;
	const struct segment *s;
	const struct options *o;
	uint64_t ts_ns;
	uint64_t pos;      /* of the first payload byte, or of SYN */
	uint64_t ack;      /* position acknowledged; valid with TCP_ACK */
	uint64_t data_ack; /* valid with has_data_ack */
	bool has_data_ack;
	bool dss;     /* a DSS is there */
	bool mapping; /* with a whole, non-empty mapping */
	struct classification *out;
};

/* Rule R11: how the payload splits, as far as its mappings are known; the rest of it waits. */
void classify_payload(struct look *look);

/* A mapping has come: settle the frames that waited for it. */
void classify_mapped(struct look *look);

/* The kind of a carrying frame is that of most of its bytes, `pending` ones counting as payload; a
 * tie goes to the first in the list. */
enum kind classify_most_of(const uint32_t payload[KIND_CARRYING], uint32_t pending);

#endif
