/* SPDX-License-Identifier: MIT
 *
 * kin.h - which connection each MPTCP subflow of a capture belonged to, as it was known at the end.
 *
 * Who rewrites frames needs at the first of them what only a later one, maybe of another WAN, told:
 * the keys from which tokens, first DSNs and HMACs follow. So the captures are dissected once, and
 * each subflow that leaves the tracker is noted here. Memory: 96 bytes per MPTCP subflow, 16 per key
 * that was seen, at most KIN_MOST of either.
 */
#ifndef DISSECT_KIN_H
#define DISSECT_KIN_H

#include "track.h"

#define KIN_MOST (UINT32_C(1) << 22)

/* A subflow. dir 0 is its opener's; side 0 is the opener's of its connection. */
struct kin_subflow {
	uint64_t hash; /* of its 4-tuple; see kin_find() */
	uint64_t first_ns, last_ns;
	uint64_t dsn[2];   /* of each side, where its stream ended */
	uint64_t shift[2]; /* the caller's, see kin_each(): added to DSNs of each side */
	uint8_t key[2][8]; /* of each side */
	uint32_t nonce[2]; /* of each dir */
	int8_t version;    /* -1 = not known */
	bool has_key[2], has_nonce[2], wide[2]; /* wide: dsn has its upper half */
	bool low_opens, flip;                   /* as in struct subflow */
};

/* A key that was seen, and the token that MPTCP makes of it. */
struct kin_key {
	uint8_t key[8];
	uint32_t token;
	int8_t version;
};

struct kin;

/* NULL when out of memory. */
struct kin *kin_new(void);
void kin_free(struct kin *kin);

/* A subflow leaves the tracker. */
void kin_note(struct kin *kin, const struct subflow *subflow, const struct connection *connection);

/* A key was seen. version -1: not known. */
void kin_note_key(struct kin *kin, int version, const uint8_t key[8]);

enum kin_answer { KIN_FINE, KIN_NO_MEMORY, KIN_TOO_MANY };

/* All have left: from now on kin_find(), kin_token(), kin_each(), and no kin_note(). */
enum kin_answer kin_seal(struct kin *kin);

void kin_each(struct kin *kin, void (*visit)(void *context, struct kin_subflow *subflow),
              void *context);

/* The subflow of a TCP segment at this time: of several that had its 4-tuple one after the other,
 * the last that had begun. *dir: of the segment. NULL: no MPTCP was seen on it. */
const struct kin_subflow *kin_find(const struct kin *kin, const struct segment *segment,
                                   uint64_t ts_ns, unsigned *dir);

/* Whose token this is; NULL when no key that was seen gives it. */
const struct kin_key *kin_token(const struct kin *kin, uint32_t token);

#endif
