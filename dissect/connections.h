/* SPDX-License-Identifier: MIT
 *
 * connections.h - what each subflow put on each WAN, and the rows that the ledger gets of it.
 *
 * Tallies are made with the first frame of a subflow on a WAN and folded into ledger rows when the
 * tracker lets the subflow go; a connection's row is handed to the ledger with its last subflow.
 */
#ifndef DISSECT_CONNECTIONS_H
#define DISSECT_CONNECTIONS_H

#include "track.h"

struct connections;

struct connections *connections_new(void);
void connections_free(struct connections *connections);

struct flow_tally *connections_tally_slow(struct connections *connections, struct subflow *subflow,
                                          uint32_t wan);

/* The subflow's tally on this WAN, made when it is new. NULL when memory ran out. */
static inline struct flow_tally *connections_tally(struct connections *connections,
                                                   struct subflow *subflow, uint32_t wan)
{
	if (subflow->tallies && subflow->tallies->wan == wan)
		return subflow->tallies;
	return connections_tally_slow(connections, subflow, wan);
}

/* A settled frame of the tally's subflow. */
void connections_count(struct flow_tally *tally, const struct ledger_entry *entry);

/* A run of them. */
void connections_count_run(struct flow_tally *tally, const struct ledger_run *run);

/* The subflow goes: its tallies become rows of its connection. */
void connections_leave(struct connections *connections, struct ledger *ledger,
                       struct subflow *subflow, struct connection *connection);

/* Forget what was counted so far: of a subflow that is still there, and of those that left
 * connections which go on. */
void connections_forget_subflow(struct subflow *subflow);
void connections_forget_rows(struct connections *connections);

/* The connection goes: its row is the ledger's. */
void connections_close(struct connections *connections, struct ledger *ledger,
                       const struct connection *connection);

/* The subflow is forgotten without a row. */
void connections_drop(struct connections *connections, struct subflow *subflow);

/* What all subflows of the tracker put where, and the rows of those that left connections which go
 * on, for state.h. Loading comes after track_load(); `bounds` are those of the ledger. */
struct state_in;
struct state_out;
void connections_save(struct connections *connections, struct track *track, struct state_out *out);
struct connections_bounds {
	size_t wans, apps, circumstances;
};
void connections_load(struct connections *connections, struct track *track,
                      const struct connections_bounds *bounds, struct state_in *in);

#endif
