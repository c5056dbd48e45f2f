/* SPDX-License-Identifier: MIT
 *
 * classify.h - one decision per TCP segment: its kind, and how its payload bytes split.
 *
 * The table of classification section 3, first match wins. Reads and moves the state of the subflow
 * and of its connection's streams; counts nothing and knows no WAN.
 */
#ifndef DISSECT_CLASSIFY_H
#define DISSECT_CLASSIFY_H

#include "track.h"

enum ack_reason {
	ACK_NONE,
	ACK_ADVANCED,
	ACK_DATA_ONLY,
	ACK_WINDOW,
	ACK_DUPLICATE,
	ACK_PROBE_ANSWER
};

#define CLASSIFY_HALVE (UINT64_C(64) << 20) /* bytes */

struct classification {
	enum kind kind;
	enum ack_reason ack; /* of KIND_ACK */
	uint32_t payload[KIND_CARRYING];
	uint32_t unmapped;         /* of payload[KIND_PAYLOAD]: mapping never seen */
	uint32_t same_subflow_dsn; /* of payload[KIND_RETRANSMISSION] */
	uint32_t collapsed;        /* judged against ranges joined to bound memory */
	bool has_dsn;
	uint64_t dsn;      /* of the first payload byte */
	bool answered;     /* a keepalive of the peer */
	bool advanced;     /* its TCP ack moved on */
	bool out_of_order; /* it leaves or fills a hole */
	bool fell_back;    /* this frame shows that the subflow is plain TCP from here on */
	bool infinite;     /* ... by an infinite mapping */
	bool new_syn;      /* first sight of this SYN or SYN/ACK */
	bool established;  /* the handshake became complete with this frame */
	bool checksum_good, checksum_bad;
	uint64_t ack_before_data_ns; /* > 0: its data were acknowledged that long before they passed
	                              */
	bool wait;                   /* cannot be settled yet: */
	enum pending_reason reason;
	uint64_t start, end; /* bytes without a mapping, in positions */
};

/* What settling frees along the way: frames of this subflow that waited for this one. */
struct classifier {
	struct dsn_budget *budget;
	/* `kind` is final but for the bytes of PENDING_MAP, which are in `late` */
	void (*settle)(void *context, struct subflow *subflow, struct pending *pending,
	               const struct classification *late);
	void *context;
	uint64_t epoch_ns; /* time of the first frame: DSN ages count from here */
};

void classify(struct classifier *classifier, struct subflow *subflow, struct connection *connection,
              unsigned dir, const struct segment *segment, const struct options *options,
              uint64_t ts_ns, struct classification *result);

/* Tenths of a second since the first frame: the age of DSNs. */
static inline uint32_t classify_now_ds(const struct classifier *k, uint64_t ts_ns)
{
	return ts_ns > k->epoch_ns ? (uint32_t)((ts_ns - k->epoch_ns) / 100000000u) : 0;
}

/* When that number will be another one. */
static inline uint64_t classify_ds_end(const struct classifier *k, uint64_t ts_ns)
{
	return ts_ns > k->epoch_ns
	               ? k->epoch_ns + (classify_now_ds(k, ts_ns) + UINT64_C(1)) * 100000000u
	               : k->epoch_ns;
}

/* R11.4: habits change, so both sides of the ratio fade. */
static inline void classify_halve(struct data_stream *s)
{
	if (s->fresh <= CLASSIFY_HALVE)
		return;
	s->fresh /= 2;
	s->copies /= 2;
}

/* Bytes that never got a mapping: settle them as they are. */
void classify_give_up(const struct pending *pending, struct classification *late);

#endif
