/* SPDX-License-Identifier: MIT
 *
 * side.h - which side of a WAN is ours: up is from it, down is to it.
 *
 * Learned from the first frames of all WANs before any is accounted, then from each connection that
 * opens: the capture's own mark; the opener of a connection; the address in the capture's interface
 * block; the address that is not the peer of a known opener; the one address common to nearly all
 * frames of this WAN and of no other. Else unknown, and said.
 */
#ifndef DISSECT_SIDE_H
#define DISSECT_SIDE_H

#include "decode.h"
#include "ledger.h"

struct sides;

struct sides *sides_new(void);
void sides_free(struct sides *sides);

/* A first frame of ledger WAN `wan`; `join` and `capable`: it is a SYN that opens MPTCP. */
void sides_survey(struct sides *sides, uint32_t wan, const struct frame_wan *source,
                  const struct frame *frame, const struct segment *segment, bool mptcp_syn);

/* The survey is over: decide for each WAN that is not decided yet. */
void sides_decide(struct sides *sides);

/* An MPTCP connection or join was opened from this address (4 or 16 bytes) over the WAN. */
void sides_opener(struct sides *sides, uint32_t wan, const struct frame *frame,
                  const struct segment *segment);

/* By mark, hardware address and IP address; DIR_UNKNOWN when nothing tells. */
enum direction sides_direction(const struct sides *sides, uint32_t wan, const struct frame *frame,
                               const struct segment *segment);

/* 1: the source is the WAN's own address and the destination is not; -1: the other way round; 0:
 * neither tells. */
int sides_source_is_own(const struct sides *sides, uint32_t wan, const struct segment *segment);

/* The WAN's own hardware address as text; false: none is known. */
bool sides_mac(const struct sides *sides, uint32_t wan, char out[18]);

/* The WAN's own addresses as text, for the ledger. */
unsigned sides_own(const struct sides *sides, uint32_t wan, struct ledger_addr own[LEDGER_ADDRS]);

/* What was decided of the first `n_wans`, for state.h; the others are decided when they come, and
 * so are these when nothing is decided yet. */
struct state_in;
struct state_out;
void sides_save(const struct sides *sides, size_t n_wans, struct state_out *out);
void sides_load(struct sides *sides, size_t n_wans, struct state_in *in);

#endif
