/* SPDX-License-Identifier: MIT
 *
 * track.h - which subflow and which connection a segment belongs to, and what was seen of them so
 * far.
 *
 * Subflows are found by 4-tuple, connections by key, token or position in data sequence space
 * (classification section 2). The tracker keeps state and identity; it decides no kinds
 * (classify.h) and counts nothing but what it had to give up. All tables are bounded and seeded.
 */
#ifndef DISSECT_TRACK_H
#define DISSECT_TRACK_H

#include "decode.h"
#include "ledger.h"
#include "option.h"
#include "seqset.h"

#define NO_INDEX UINT32_MAX

/* A run of subflow bytes and where they lie in data sequence space. */
struct mapping {
	uint64_t seq; /* position of its first byte; its SSN while the ISN is unknown */
	uint64_t dsn;
	uint32_t len;
	bool raw;      /* seq is an SSN still */
	bool infinite; /* DLL 0: up to the end of the subflow */
};
#define MAPPINGS_FIRST 8
#define MAPPINGS_MAX   64

/* A frame that cannot be settled yet. Its entry is complete but for the bytes [start, end). */
enum pending_reason { PENDING_MAP, PENDING_FIRST_ACK };
struct pending {
	struct pending *next;
	enum pending_reason reason;
	uint64_t start, end;
	bool forgotten; /* it passed before the window that is judged */
	struct ledger_entry entry;
	struct sighting *sighting; /* owned; NULL unless frames are told */
};
#define PENDING_MAX 64 /* per direction of a subflow */

/* The DSS checksum of the mapping that is passing by, RFC 8684 section 3.3.1. */
struct checksum_run {
	uint64_t end;  /* position behind the mapping; 0 = none running */
	uint64_t next; /* position of the byte that must come next */
	uint64_t sum;
	bool odd;
};

/* One direction of a subflow. Positions are 64-bit unwrapped sequence numbers. What nearly each
 * segment touches stands first. */
struct half {
	uint64_t nxt;        /* behind the highest byte; SYN and FIN count one each */
	uint64_t ack;        /* highest position of the peer acknowledged by this side */
	uint64_t data_ack;   /* last DATA_ACK sent on this subflow, unwrapped */
	struct mapping map;  /* the newest */
	struct seqset bytes; /* payload seen */

	/* health (health.h) */
	uint64_t last_ns;       /* last frame */
	uint64_t carried_ns;    /* last first-seen payload */
	uint64_t unanswered_ns; /* when the oldest unanswered thing was sent; 0 = none */
	uint64_t window_ns;     /* start of the current half of the loss window */
	uint64_t probe_ns;      /* last keepalive (peers.h); 0 = none */
	uint32_t segments[2],
		bad[2];    /* payload segments, and those retransmitted or missing: now, before */
	uint32_t doubtful; /* our own retransmissions since the far end was heard last */

	/* what was seen */
	bool seen;  /* nxt is valid */
	bool acked; /* ack is valid */
	bool isn_known;
	bool syn, fin_seen;
	bool zero_window;   /* last window was 0 */
	bool join_ack;      /* a JOIN-ACK waits for the fourth ACK */
	bool fin_open;      /* a bare FIN waits for its ACK */
	bool data_fin_open; /* a bare DATA_FIN waits for its DATA_ACK */
	bool fin_pair;      /* ... and both were one frame */
	bool dss_seen;      /* any DSS in this direction */
	bool spoke;         /* any frame but a SYN */
	bool prev_ssn_known;
	uint8_t probes;      /* keepalives the peer has not answered */
	uint8_t zero_probes; /* zero-window probes the peer has not answered */
	uint16_t window;
	uint32_t prev_ssn; /* last SSN, while the ISN is unknown */
	uint64_t prev_end;
	uint64_t isn;      /* of the SYN; SSN n lies at isn + n */
	uint64_t fin;      /* position of the FIN */
	uint64_t data_fin; /* DSN of the last DATA_FIN sent on this subflow */

	struct mapping *maps; /* owned, older mappings, a ring of cap_maps; NULL until needed */
	uint8_t n_maps, at_maps, cap_maps; /* cap_maps is 0 or a power of 2 up to MAPPINGS_MAX */
	uint8_t n_pending;
	struct pending *pending; /* owned, oldest first */
	struct checksum_run checksum;
};

/* What a subflow put on one WAN. Few have more than four kinds of frames. */
#define TALLY_SUMS 4
struct flow_tally {
	struct flow_tally *next;
	uint32_t wan;  /* ledger's index */
	uint16_t used; /* bit per kind that has a sum */
	uint8_t n_shares;
	uint8_t direction[2];  /* enum direction of dir 0 and 1 on this WAN */
	uint16_t circumstance; /* ledger's index, valid until: */
	uint64_t circumstance_until_ns;
	uint32_t peer, peers_version; /* peers.h: its row + 1, and while it is there */
	uint8_t peer_end;             /* which end is far; 2 = not asked yet */
	uint64_t first_ns, last_ns;
	struct ledger_subflow_share shares[LEDGER_SHARES];
	uint8_t place[KIND_COUNT]; /* of a used kind's sum: in sums[], and behind that in more[] */
	struct tally sums[TALLY_SUMS];
	struct tally *more; /* owned; NULL until needed */
};

struct flow_key {
	uint64_t addr[4]; /* low end: [0..1], high end: [2..3]; IPv4 in [0] and [2] */
	uint32_t ports;   /* low end's << 16 | high end's */
	uint32_t family;
};

enum subflow_state { SUBFLOW_SYN, SUBFLOW_SYNACK, SUBFLOW_ESTABLISHED, SUBFLOW_CLOSED };

struct subflow {
	struct flow_key key;
	uint64_t hash;
	uint32_t index; /* its own */
	uint32_t connection;
	bool in_use;
	uint8_t state;  /* enum subflow_state */
	uint8_t credit; /* rounds of the clock it survives; raised by each frame. So far: what the
	                   clock looks at */
	uint32_t next, prev; /* of the same connection */
	bool low_opens;      /* the key's low end opened it: dir 0 is low to high */
	bool opener_known;   /* a SYN was seen, or the SYN/ACK */
	bool join, initial;
	bool mptcp; /* an MPTCP option was seen */
	bool local; /* plain TCP that never leaves the access link */
	bool fallback;
	bool infinite;         /* fallback by an infinite mapping: DSNs go on */
	bool offered;          /* its SYN had MP_CAPABLE or MP_JOIN */
	bool flip;             /* its opener is the connection's accepter */
	bool bound;            /* connection is certain enough to stay */
	bool established;      /* handshake complete as MPTCP */
	bool reset;            /* ended by RST */
	bool refused;          /* its join was answered by RST */
	bool rides;            /* express.h */
	uint16_t seats[2];     /* express.h, of dir 0 and 1: index + 1 */
	bool evicted;          /* given up to bound memory */
	bool returned, silent; /* health.h */
	bool woken;            /* data after a long silence wait for their first answer */
	uint64_t heard_ns;     /* last frame from the far side of the WAN */
	bool carried;          /* first-seen payload */
	uint8_t slot;          /* in the connection's DSN maps */
	uint8_t confidence;    /* enum confidence */
	int8_t backup[2];      /* asked by dir 0, dir 1; -1 not seen */
	uint64_t backup_ns[2]; /* when that was said */
	uint8_t address_id[2];
	bool address_known[2];
	bool serviced; /* app is the service of its ports: an MPTCP subflow's */
	uint16_t app;  /* ledger's index */
	uint16_t mss;
	uint32_t nonce[2];
	bool nonce_known[2];
	uint32_t number; /* in its connection, in order of appearance */
	uint64_t first_ns, last_ns;
	uint64_t rtt_ns;            /* smoothed; 0 = not measured */
	uint32_t home;              /* ledger's index of the WAN it began on */
	struct flow_tally *tallies; /* the WAN used last is first */
	struct half half[2];
	struct flow_tally tally; /* of the WAN it began on; in use when tallies is not NULL, else
	                            not cleared */
};

/* One direction of a connection: dir 0 comes from its opener. */
struct data_stream {
	uint64_t dsn;          /* behind the highest DSN */
	uint64_t ack;          /* highest DATA_ACK for it */
	uint64_t ack_ahead_ns; /* when the ack first passed the data; 0 = it did not */
	bool has_dsn, has_ack;
	bool wide; /* dsn has its upper half */
	bool ack_wide;
	struct dsnmap map;
	uint64_t fresh, copies; /* for R11.4, halved together */
	uint64_t unique_bytes;
};

struct chain_link {
	uint32_t next, prev; /* prev of the first is NO_INDEX */
};

struct connection {
	uint32_t index;
	bool in_use;
	bool live; /* may gain subflows */
	bool opener_known;
	bool fallback;
	bool checksum;
	bool rides;         /* express.h */
	bool has_row;       /* connections.h */
	int8_t version;     /* -1 not known */
	uint8_t confidence; /* best of its subflows */
	bool has_key[2], has_token[2];
	uint8_t key[2][8];
	uint32_t token[2];
	struct chain_link by_token[2]; /* hash chains, numbers are index * 2 + side */
	struct chain_link
		near[4]; /* chains of the position index: [2 * dir + wide], numbers are indices */
	uint32_t near_bucket[4]; /* where they hang; NO_INDEX = not in the index */
	uint64_t near_mark[2];   /* position >> 24 when last indexed, +1; 0 = never */
	uint64_t id;
	uint64_t first_ns, last_ns;
	uint64_t missed;   /* WANs that were silent while it had no subflow there (health.h) */
	uint32_t slots;    /* bit per slot in use */
	uint32_t subflows; /* first of the list */
	uint32_t n_subflows, numbered;
	struct data_stream stream[2];
	struct course *course[2]; /* course.h; owned there, of stream 0 and 1; NULL until needed */
};

struct track;

/* What must leave the tracker goes through here before it is forgotten. */
struct track_sink {
	void (*settle)(void *context, struct subflow *subflow, struct pending *pending);
	void (*leave)(void *context, struct subflow *subflow, struct connection *connection);
	/* the last subflow of the connection is gone */
	void (*leave_connection)(void *context, struct connection *connection);
	void *context;
};

struct track *track_new(size_t max_subflows, uint64_t seed, const struct track_sink *sink);
void track_free(struct track *track);

/* Everything leaves. */
void track_drain(struct track *track);

/*
 * The subflow of a TCP segment, made when it is new. *dir is 0 when the segment comes from its
 * opener (or, with no SYN seen, from the end that most likely opened it). A SYN with a new ISN
 * begins a new subflow.
 */
struct subflow *track_subflow(struct track *track, const struct segment *segment,
                              const struct options *options, uint64_t ts_ns, unsigned *dir,
                              bool *fresh);

struct connection *track_connection(struct track *track, const struct subflow *subflow);
struct subflow *track_at(struct track *track, uint32_t subflow);

/* The 4-tuple of a TCP segment, its ends in canonical order; true when the source is the low end.
 * And a hash of it. */
bool track_flow_key(struct flow_key *key, const struct segment *segment);
uint64_t track_flow_hash(const struct flow_key *key, const uint64_t seed[2]);

/* Every subflow that is kept, open or closed a short while ago. */
void track_each(struct track *track, void (*look)(void *context, const struct subflow *subflow),
                void *context);

/* An effect that was captured before its cause: the clocks of two captures differ by this much. */
struct track_identity {
	bool united;      /* two connections turned out to be one */
	uint64_t skew_ns; /* 0 = none */
};

/* Let keys, tokens, versions and positions of one segment say which connection the subflow belongs
 * to. */
void track_identify(struct track *track, struct subflow *subflow, unsigned dir,
                    const struct segment *segment, const struct options *options, uint64_t ts_ns,
                    struct track_identity *identity);

/* Do these bytes take a stream over a border that the index of positions knows? */
static inline bool track_crosses(uint64_t dsn, uint32_t len)
{
	return (dsn ^ (dsn + len)) >> 24 != 0;
}

/* The connection's streams moved on: let rule 4 find it where it is now. */
void track_moved(struct track *track, struct connection *connection);

/* The 64-bit DSN or DATA_ACK that `number` stands for in this stream. */
uint64_t track_dsn(const struct data_stream *stream, uint64_t number, bool wide);

/* Fill in an address as text "192.0.2.1:443" or "[2001:db8::1]:443". end 0 = dir 0's source. */
void track_endpoint(const struct subflow *subflow, unsigned end, char text[54]);

struct dsn_budget *track_budget(struct track *track);

/* How many subflows are kept at once. */
size_t track_most(const struct track *track);

/*
 * All subflows and connections with what was seen of them, for state.h: what frames wait (pipeline)
 * and what was counted (connections.h) is saved by others, who visit all subflows in the order that
 * track_walk() has before and after. track_load() fills a tracker that has none; it takes over the
 * seeds. `seen_ns` is a time close to all others.
 */
struct state_in;
struct state_out;
void track_save(struct track *track, struct state_out *out, uint64_t seen_ns);
void track_load(struct track *track, struct state_in *in, uint64_t seen_ns);
void track_walk(struct track *track, void (*visit)(void *context, struct subflow *subflow),
                void *context);
void track_walk_connections(struct track *track,
                            void (*visit)(void *context, struct connection *connection),
                            void *context);

/* What memory could not hold leaves now. */
void track_leave_spare(struct track *track);

#endif
