/* SPDX-License-Identifier: MIT
 *
 * health.h - how the other WANs of a connection were while one of them carried its data.
 *
 * Judged from packets alone, and role-blind: which WAN is a backup is the report's business.
 */
#ifndef DISSECT_HEALTH_H
#define DISSECT_HEALTH_H

#include "classify.h"

#define HEALTH_HEARD_NS (5 * UINT64_C(1000000000)) /* heard from within this counts as alive */
#define HEALTH_QUIET_NS                                                                            \
	(2 * UINT64_C(1000000000)) /* a WAN that data left, quiet for longer: it is out */
#define HEALTH_VAIN           3
#define HEALTH_ASKED_NS       (60 * UINT64_C(1000000000)) /* a tracker asks a dead WAN more often */
#define HEALTH_FLOOR_NS       (200 * UINT64_C(1000000))   /* least time to wait for an answer */
#define HEALTH_LOSS_WINDOW_NS (5 * UINT64_C(1000000000))
#define HEALTH_LOSS_PERCENT   5
#define HEALTH_LOSS_SEGMENTS  20 /* fewer say nothing about loss */

/* A segment of `dir` passed and was classified. `inbound`: it came from the far side of the WAN. */
void health_update(struct subflow *subflow, unsigned dir, const struct segment *segment,
                   const struct classification *result, uint64_t ts_ns, bool inbound);

/* Bring the loss window of a direction to this time; it holds until health_window_end(). */
void health_window_move(struct half *half, uint64_t ts_ns);

static inline uint64_t health_window_end(const struct half *half)
{
	return half->window_ns + HEALTH_LOSS_WINDOW_NS;
}

/* The same for a segment whose payload, if any, was all new and in order; the loss window was
 * moved. */
void health_pass(struct subflow *subflow, struct half *half, struct half *peers, bool carries,
                 bool advanced, uint64_t ts_ns, bool inbound);

/*
 * Questions that nobody answered on a WAN of which nothing else was heard meanwhile. HEALTH_VAIN of
 * them, the first of them HEALTH_HEARD_NS ago when one more is asked, show that it is out, if
 * another WAN was heard meanwhile or a second host is as silent: else it may be the host that is
 * gone. One or two may be lost.
 *
 * When each WAN was last heard, whatever it was: for connections that were opened elsewhere because
 * of an outage and so have no subflow on the WAN that is out. Silent is who keeps quiet three times
 * longer than its habit, and longer than HEALTH_HEARD_NS; a habit is the longest gap, halved each
 * minute.
 */
struct vain {
	uint64_t first_ns, last_ns; /* questions since the WAN was heard last; 0 = none */
	uint32_t n;
	uint8_t host;                /* who was asked first; two of them cannot both be gone */
	bool proved;                 /* it is not only the host that is gone */
	struct evidence_frame frame; /* the first of them */
};

struct hearing {
	struct ledger *ledger;             /* where outages are told */
	uint64_t last_ns[LEDGER_WANS_MAX]; /* 0 = never */
	uint64_t out_ns[LEDGER_WANS_MAX];  /* when something was last found to wait there in vain */
	uint64_t left_ns[LEDGER_WANS_MAX]; /* when data had last left it, as it was silent
	                                      (course.h) */
	uint64_t back_ns[LEDGER_WANS_MAX]; /* when it was heard again after an outage; 0 = never */
	uint64_t gap_ns[LEDGER_WANS_MAX];
	uint64_t gap_at_ns[LEDGER_WANS_MAX]; /* when that gap ended */
	struct vain vain[LEDGER_WANS_MAX];
};

void health_hear_after_gap(struct hearing *hearing, uint32_t wan, uint64_t ts_ns);

/* A host that answers on this WAN as a rule is asked something: a ping, a query, a connection
 * (inquiry.h). `host` tells hosts of a WAN apart. */
void health_ask(struct hearing *hearing, const struct ledger_entry *entry, uint32_t host);

/* Questions alone show that the WAN is out; so long after the last of them nobody knows. */
static inline bool health_asked_in_vain(const struct hearing *hearing, uint32_t wan,
                                        uint64_t now_ns)
{
	const struct vain *vain = &hearing->vain[wan];

	return vain->proved && vain->first_ns > hearing->last_ns[wan] &&
	       now_ns <= vain->last_ns + HEALTH_ASKED_NS;
}

/* Data of TCP waited in vain since the WAN was heard last; or they left it, and it stays quiet for
 * longer than a scheduler would leave it. */
static inline bool health_data_in_vain(const struct hearing *hearing, uint32_t wan, uint64_t now_ns)
{
	uint64_t last_ns = hearing->last_ns[wan];

	return last_ns && (hearing->out_ns[wan] > last_ns ||
	                   (hearing->left_ns[wan] > last_ns && now_ns > last_ns + HEALTH_QUIET_NS));
}

/* It was out when it was heard last, or is to be told so now that nothing follows: its outage goes
 * to the ledger, until `until_ns`. `open`: it lasts. False: it was not out. */
bool health_tell_outage(struct hearing *hearing, uint32_t wan, uint64_t until_ns, bool open);

/* For state.h. `number` turns files into what is saved and back. */
struct state_in;
struct state_out;
void health_save(const struct hearing *hearing, size_t n_wans, struct state_out *out,
                 uint64_t seen_ns, uint32_t (*number)(void *context, uint32_t file), void *context);
void health_load(struct hearing *hearing, size_t n_wans, struct state_in *in, uint64_t seen_ns,
                 uint32_t (*number)(void *context, uint32_t file), void *context);

/* A frame came in from the far side of the WAN. */
static inline void health_hear(struct hearing *hearing, uint32_t wan, uint64_t ts_ns)
{
	if (ts_ns - hearing->last_ns[wan] > UINT64_C(1000000000))
		health_hear_after_gap(hearing, wan, ts_ns);
	else
		hearing->last_ns[wan] = ts_ns;
}

/* The masks for `connection` while its subflow `carrier` carries it on ledger WAN `wan`, one of
 * `n_wans`. */
void health_circumstance(struct track *track, struct hearing *hearing,
                         struct connection *connection, const struct subflow *carrier, uint32_t wan,
                         uint32_t n_wans, uint64_t ts_ns, struct ledger_circumstance *masks);

#endif
