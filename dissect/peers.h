/* SPDX-License-Identifier: MIT
 *
 * peers.h - whom a frame was exchanged with, counted into the peers of its WAN.
 *
 * The far end of a WAN is the address that is not its own; where nothing tells, the end that
 * accepted the connection. Keeps no state but the place of the row in the flow's tally.
 */
#ifndef DISSECT_PEERS_H
#define DISSECT_PEERS_H

#include "decode.h"
#include "track.h"

/* A TCP segment is about to be counted for the first time on this WAN: which end is far? */
void peers_turn(struct flow_tally *tally, unsigned dir, enum direction direction);

/* A settled frame, or a run of them, of a subflow. `opens`: its first SYN. */
void peers_count(struct ledger *ledger, const struct subflow *subflow, struct flow_tally *tally,
                 const struct ledger_entry *entry);
void peers_count_run(struct ledger *ledger, const struct subflow *subflow, struct flow_tally *tally,
                     const struct ledger_run *run);
void peers_opened(struct ledger *ledger, const struct subflow *subflow, struct flow_tally *tally,
                  const struct ledger_entry *entry);

/* A frame that is not TCP. */
void peers_count_other(struct ledger *ledger, const struct segment *segment,
                       const struct ledger_entry *entry);

/* A keepalive of one direction of a subflow: how long after the one before? */
void peers_keepalive(struct ledger *ledger, uint32_t wan, struct half *half, uint64_t ts_ns);

#endif
