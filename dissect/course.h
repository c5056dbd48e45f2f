/* SPDX-License-Identifier: MIT
 *
 * course.h - which WAN the data of a connection take, and what happens when that WAN goes out.
 *
 * Each direction of a connection is followed from new DSN to new DSN: it leaves a WAN that fell
 * silent (failover), the WAN answers again, new data return to it (failback), and all WANs may
 * stall meanwhile. Beside connections, WANs are watched for outages, and for new connections that
 * open elsewhere. What was seen goes to the ledger as interruptions; what each word means stands
 * there. Role-blind, like health.h, whose judgement of silence it uses. Costs nothing while data
 * flow where they flowed: it is asked when a subflow carries after a pause, and with each look at
 * the circumstances.
 */
#ifndef DISSECT_COURSE_H
#define DISSECT_COURSE_H

#include "health.h"

#define COURSE_PAUSE_NS    (1 * UINT64_C(1000000000))  /* carrying again after this is news */
#define COURSE_SETTLED_NS  (5 * UINT64_C(1000000000))  /* alone on its WAN: it has returned */
#define COURSE_BEFORE_NS   (10 * UINT64_C(1000000000)) /* WANs in use before a failover */
#define COURSE_STALL_NS    (2 * UINT64_C(1000000000))  /* shorter ones are not told */
#define COURSE_FAILBACK_NS (60 * UINT64_C(1000000000)) /* stalls are told until so long after */
#define COURSE_BUSY        20                          /* segments in 5 to 10 s: data were due */

/* Watched over all connections. */
struct courses {
	struct ledger *ledger;
	struct track *track;
	struct hearing *hearing;
	uint64_t opening_ns[LEDGER_WANS_MAX]; /* first SYN that waits for its answer; 0 = none */
	uint64_t end_ns;                      /* of the pieces before, the latest frame */
};

/* New bytes of a connection passed on a subflow of this half, whose state is that before them. */
static inline bool course_matters(const struct half *half, const struct classification *result,
                                  uint64_t ts_ns)
{
	return result->payload[KIND_PAYLOAD] > 0 && result->has_dsn &&
	       ts_ns - half->carried_ns > COURSE_PAUSE_NS;
}
void course_carry(struct courses *courses, struct connection *connection, struct subflow *subflow,
                  unsigned dir, const struct ledger_entry *entry,
                  const struct classification *result, bool inbound);

/* The circumstances of a connection were looked at. */
void course_look(struct courses *courses, struct connection *connection,
                 const struct ledger_circumstance *masks, uint64_t ts_ns);

/* A SYN, or the answer to one, of a connection that is opened with MP_CAPABLE from this WAN. */
void course_opening(struct courses *courses, const struct ledger_entry *entry, bool answer);

/* A subflow, then a connection, is about to go. */
void course_leave(struct connection *connection, const struct subflow *subflow);
void course_end(struct courses *courses, struct connection *connection);

/* The connection is forgotten; nothing is told. */
void course_drop(struct connection *connection);

/* What is under way, for state.h; loading comes after track_load(). `number` turns files into what
 * is saved and back. */
struct state_in;
struct state_out;
void courses_save(const struct courses *courses, struct state_out *out, uint64_t seen_ns,
                  uint32_t (*number)(void *context, uint32_t file), void *context);
void courses_load(struct courses *courses, struct state_in *in, uint64_t seen_ns,
                  uint32_t (*number)(void *context, uint32_t file), void *context);

/* No frame follows: outages that last are told. */
void course_finish(struct courses *courses);

#endif
