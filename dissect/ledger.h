/* SPDX-License-Identifier: MIT
 *
 * ledger.h - the hand-over from dissect to report: plain sums, nothing else.
 *
 * A ledger holds, per WAN, exact sums per direction, kind and time bucket, exact sums per app label
 * and circumstance, counted events with the first frames that show them, and the connections that
 * matter. Two ledgers of the same WANs add up (ledger_merge); adding is associative and commutative
 * and the empty ledger is its zero. Nothing in here is an average, a ratio or a last value.
 */
#ifndef DISSECT_LEDGER_H
#define DISSECT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- kinds: what a frame, or a payload byte, is. Order is the order of precedence in a tie. ----
 */

enum kind {
	KIND_PAYLOAD,
	KIND_RETRANSMISSION,
	KIND_REINJECTION,
	KIND_REDUNDANT,
	KIND_KEEPALIVE,
	KIND_KEEPALIVE_ACK,
	KIND_ZERO_WINDOW_PROBE,
	KIND_ACK,
	KIND_HANDSHAKE,
	KIND_SIGNAL,
	KIND_TEARDOWN,
	KIND_RESET,
	KIND_OTHER,     /* not TCP */
	KIND_DUPLICATE, /* the capture holds the packet twice */
	KIND_UNREAD,    /* the frame could not be read as far as its kind */
	KIND_COUNT
};
#define KIND_CARRYING 4 /* kinds below this one carry user payload */

extern const char *const kind_names[KIND_COUNT]; /* "payload", "keepalive_ack", ... */

/* up: from the WAN's own side to the Internet. */
enum direction { DIR_UP, DIR_DOWN, DIR_UNKNOWN, DIR_COUNT };
extern const char *const direction_names[DIR_COUNT]; /* "up", "down", "unknown" */

/* How sure we are of the connection a subflow belongs to. */
enum confidence { CONF_KEY, CONF_TOKEN, CONF_DSN, CONF_PLAIN, CONF_ORPHAN, CONF_COUNT };
extern const char *const confidence_names[CONF_COUNT];

/*
 * frames, l2_bytes and ip_bytes go with the kind of the whole frame; payload_bytes are split
 * byte by byte, so a kind may own payload bytes of a frame that counts elsewhere.
 * ip_bytes is 0 for a frame that carries no IP packet.
 */
struct tally {
	uint64_t frames;
	uint64_t l2_bytes;
	uint64_t ip_bytes;
	uint64_t payload_bytes;
};

/* ---- evidence: the first frames that show something, earliest first ---- */

#define EVIDENCE_FRAMES 3
struct evidence_frame {
	uint64_t ts_ns;
	uint64_t number; /* 1-based, as Wireshark counts */
	uint32_t file;   /* index into ledger.files */
};
struct evidence {
	uint32_t count; /* of frames[] in use, 0..EVIDENCE_FRAMES */
	struct evidence_frame frames[EVIDENCE_FRAMES];
};

/* ---- time buckets ---- */

/* Widths a ledger's buckets may have, in seconds; each divides the next. A ledger starts with the
 * first and goes to the next when a WAN would need more than LEDGER_BUCKETS_MAX. */
#define LEDGER_WIDTHS 7 /* 1, 10, 60, 300, 3600, 86400, 31536000: the last one always fits */
extern const uint32_t ledger_widths_s[LEDGER_WIDTHS];
#define LEDGER_BUCKETS_MAX 1024

/* IP bytes of frames of subflows that carry user data, under one circumstance. */
struct ledger_bucket_share {
	uint64_t ip_bytes;
	uint16_t circumstance; /* index into ledger.circumstances; not 0 */
};
#define LEDGER_BUCKET_SHARES 6

struct ledger_bucket {
	uint64_t start_s;           /* multiple of the ledger's width, UNIX time */
	uint64_t first_ns, last_ns; /* earliest and latest frame in it */
	struct tally kinds[DIR_COUNT][KIND_COUNT];
	/* Of more than fit the first stay, in an order that begins with healthy WANs; the others,
	 * and what nothing is known of, stand in `kinds` alone. */
	struct ledger_bucket_share shares[LEDGER_BUCKET_SHARES];
	unsigned n_shares;
};

/* ---- circumstances: how a connection's other WANs were while a carrying frame passed ---- */

/*
 * Bit i stands for ledger.wans[i]. Of the WANs on which this connection has, or had, a subflow,
 * other than the one that carried the frame: healthy   heard from within 5 s, nothing unanswered
 * for longer than its round trip (floor 200 ms), less than 5 % of its segments retransmitted or
 * missing over the last 5 s degraded  alive, but 5 % or more retransmitted or missing silent
 * something is unanswered too long, or it was this direction's carrier and fell silent returned was
 * silent, is heard again, but has not carried new data of this connection since A WAN in none of
 * the masks has no subflow of the connection, or nothing was heard to judge by. All masks zero: the
 * connection has no other WAN.
 */
struct ledger_circumstance {
	uint64_t healthy, degraded, silent, returned;
};
#define LEDGER_CIRCUMSTANCES_MAX 512
#define LEDGER_WANS_MAX          64
#define LEDGER_APPS_MAX          256
#define LEDGER_FILES_MAX         65536
#define LEDGER_CELLS_MAX         16384 /* per WAN; what does not fit goes to app 0 and circumstance 0 */

/* ---- cells: the finest exact sums of a WAN. All its frames are in exactly one cell each. ---- */

struct ledger_cell {
	bool shared;           /* inside the time that all captures share */
	uint8_t direction;     /* enum direction */
	uint8_t kind;          /* enum kind */
	uint8_t traffic;       /* enum traffic */
	uint16_t app;          /* index into ledger.apps; 0 = none */
	uint16_t circumstance; /* index into ledger.circumstances; 0 = none; only for carrying kinds
	                        */
	struct tally sum;
	struct evidence first;
	uint64_t last_ns; /* latest frame; 0 = an older ledger did not say */
};

/* What a frame belongs to. Local traffic never leaves the access link, so no carrier bills it. */
enum traffic {
	TRAFFIC_MPTCP,    /* a subflow */
	TRAFFIC_FALLBACK, /* offered MPTCP, runs as plain TCP */
	TRAFFIC_PLAIN, /* TCP that never offered MPTCP, or whose start was not seen and that has no
	                  option */
	TRAFFIC_OTHER, /* not TCP, through the gateway */
	TRAFFIC_LOCAL, /* ARP, ND, DHCP, link-local, multicast, gateway subnet */
	TRAFFIC_COUNT
};
extern const char *const traffic_names[TRAFFIC_COUNT];

/* ---- events: counted, with the first frames that show each ---- */

enum event {
	EVENT_CAPABLE_SYN, /* SYN with MP_CAPABLE opens a connection on this WAN (each ISN once) */
	EVENT_CAPABLE_ANSWERED, /* ... answered by a SYN/ACK with MP_CAPABLE of the same version */
	EVENT_CAPABLE_PLAIN,    /* ... answered by a SYN/ACK without MP_CAPABLE: stripped or not
	                           supported */
	EVENT_CAPABLE_VERSION,  /* ... answered with another version */
	EVENT_CAPABLE_STRIPPED_LATER, /* both SYNs had it, the third ACK or the first data did not
	                               */
	EVENT_PLAIN_SYN,              /* SYN without MP_CAPABLE or MP_JOIN */
	EVENT_JOIN_SYN,               /* SYN with MP_JOIN (each ISN once) */
	EVENT_JOIN_ANSWERED,          /* ... answered by a SYN/ACK with MP_JOIN */
	EVENT_JOIN_ESTABLISHED,       /* ... and completed by the third ACK */
	EVENT_JOIN_PLAIN,             /* ... answered by a SYN/ACK without MP_JOIN */
	EVENT_JOIN_REFUSED,           /* ... answered by RST */
	EVENT_JOIN_UP_BACKUP,   /* the WAN's side asked for backup in its JOIN (SYN, or SYN/ACK when
	                           it is the server) */
	EVENT_JOIN_UP_NORMAL,   /* ... did not ask */
	EVENT_JOIN_DOWN_BACKUP, /* the far side asked for backup in its JOIN */
	EVENT_JOIN_DOWN_NORMAL,
	EVENT_PRIO_UP_BACKUP, /* MP_PRIO from the WAN's side: this subflow becomes backup */
	EVENT_PRIO_UP_NORMAL,
	EVENT_PRIO_DOWN_BACKUP,
	EVENT_PRIO_DOWN_NORMAL,
	EVENT_MP_FAIL,
	EVENT_FASTCLOSE,
	EVENT_TCPRST,           /* RST with MP_TCPRST */
	EVENT_INFINITE_MAPPING, /* DLL 0: fallback with accounting going on */
	EVENT_HMAC_GOOD,        /* JOIN or ADD_ADDR HMAC verified */
	EVENT_HMAC_BAD,
	EVENT_CHECKSUM_GOOD, /* DSS checksum verified over a whole mapping */
	EVENT_CHECKSUM_BAD,
	EVENT_OPTION_CUT, /* captured length ends inside an option */
	EVENT_OPTION_MALFORMED,
	EVENT_OPTION_UNKNOWN, /* MPTCP subtype not known */
	EVENT_HEADER_CUT,     /* captured length ends inside the TCP header */
	EVENT_SUPER_FRAME,    /* offload: one captured frame, several wire packets */
	EVENT_BACKWARDS,      /* time went backwards within a file */
	EVENT_IDLE_USED,     /* data on a joined subflow without a frame for LEDGER_IDLE_S before */
	EVENT_IDLE_ANSWERED, /* ... the far end sent them, or answered them */
	EVENT_IDLE_RESET,    /* ... the first answer was a RST */
	EVENT_SKEW,          /* an effect seen before its cause on another WAN: clocks differ */
	EVENT_COUNT
};
extern const char *const event_names[EVENT_COUNT];

#define LEDGER_IDLE_S 300

struct ledger_event {
	uint64_t count;
	struct evidence first;
};

/* ---- counters of a WAN that have no frames to show. X(name): JSON key = member name ---- */
#define LEDGER_COUNTERS(X)                                                                         \
	X(tcp_fallback_bytes)     /* payload of subflows that fell back */                         \
	X(plain_tcp_bytes)        /* payload of TCP that never offered MPTCP */                    \
	X(unmapped_bytes)         /* payload whose mapping was never seen */                       \
	X(late_map_bytes)         /* payload seen before its mapping */                            \
	X(same_subflow_dsn_bytes) /* retransmission at MPTCP level only */                         \
	X(ack_advanced_frames)    /* sub-counts of KIND_ACK */                                     \
	X(ack_data_only_frames)                                                                    \
	X(ack_window_frames)                                                                       \
	X(ack_duplicate_frames)                                                                    \
	X(ack_probe_answer_frames)                                                                 \
	X(confidence_key_l2_bytes)                                                                 \
	X(confidence_token_l2_bytes)                                                               \
	X(confidence_dsn_l2_bytes)                                                                 \
	X(confidence_plain_l2_bytes)                                                               \
	X(confidence_orphan_l2_bytes)                                                              \
	X(header_bytes)            /* link, IP and TCP headers of carrying frames: ip - payload */ \
	X(offload_estimated_bytes) /* headers that super-frames hide, estimated */                 \
	X(initial_subflows)        /* connections opened over this WAN */                          \
	X(joined_subflows)                                                                         \
	X(standby_connections) /* connections with a joined subflow on this WAN and no first-seen  \
	                          payload on it */                                                 \
	X(standby_ip_bytes)    /* their IP bytes here */                                           \
	X(standby_opening_ip_bytes) /* part of these: opening and closing (handshake, signal,      \
	                               teardown, reset) */                                         \
	X(keepalives_answered)                                                                     \
	X(dsn_collapsed_bytes) /* judged against ranges merged to bound memory */                  \
	X(subflows_evicted)    /* given up to bound memory */                                      \
	X(pending_evicted_bytes)                                                                   \
	X(copies_frames) /* duplicates whose first copy was on another WAN (stacked devices) */    \
	X(copies_l2_bytes)                                                                         \
	X(dropped_frames) /* the capture says it lost these */                                     \
	/* captures that were thinned after they were made, and what was left out of them */       \
	X(thinned_files)                                                                           \
	X(thinned_frames)                                                                          \
	X(thinned_bytes)                                                                           \
	/* what the quality record of our recorder says: its files */                              \
	X(recorded_files)                                                                          \
	X(repaired_files)   /* cut to their last whole block by a later start */                   \
	X(unfinished_files) /* without their last block: being written, or cut off */              \
	X(missing_files)    /* numbers that the series lacks */                                    \
	X(clock_steps)      /* jumps of the wall clock that it saw */                              \
	/* the kernel's own counters, and what the capture counted in the same time */             \
	X(kernel_frames)                                                                           \
	X(kernel_bytes)                                                                            \
	X(kernel_seen_frames)                                                                      \
	X(kernel_seen_bytes)                                                                       \
	X(kernel_seen_dropped)                                                                     \
	X(kernel_spans) /* stretches of time that were compared */                                 \
	/* all gaps, listed or not; a gap that two ledgers tell in part counts in both */          \
	X(gaps_absent)                                                                             \
	X(gaps_absent_us)                                                                          \
	X(gaps_down)                                                                               \
	X(gaps_down_us)                                                                            \
	X(gaps_suspended)                                                                          \
	X(gaps_suspended_us)                                                                       \
	X(gaps_stopped)                                                                            \
	X(gaps_stopped_us)                                                                         \
	/* all interruptions of this WAN, listed or not, and how long they took together */        \
	X(outages)                                                                                 \
	X(outages_us)                                                                              \
	X(failovers)                                                                               \
	X(failovers_us)                                                                            \
	X(failbacks) /* failovers after which the WAN answered again */                            \
	X(failbacks_us)                                                                            \
	X(failbacks_missing) /* ... and carried nothing new any more */                            \
	X(stalls)                                                                                  \
	X(stalls_us) /* of each failover the longest */                                            \
	X(openings)                                                                                \
	X(openings_us)                                                                             \
	/* frames that a server saw, and of which WAN nothing told (sites.h) */                    \
	X(untold_opening_frames)                                                                   \
	X(untold_joined_frames)                                                                    \
	X(untold_midway_frames)                                                                    \
	X(untold_plain_frames)                                                                     \
	X(untold_other_frames)                                                                     \
	X(untold_elsewhere_frames) /* subflows of no site that was told: maybe of this one */      \
	X(contradicted_joins)      /* their address ID names another WAN than their address */

struct ledger_counters {
#define X(name) uint64_t name;
	LEDGER_COUNTERS(X)
#undef X
};

/* ---- what the recorder says of a WAN, beside its frames ---- */

/* A stretch of time: recorded, or why not. A WAN that was absent or down is not a silent one; while
 * recording was suspended (disk full) or stopped nobody knows. */
enum span_state { SPAN_COVERED, SPAN_ABSENT, SPAN_DOWN, SPAN_SUSPENDED, SPAN_STOPPED, SPAN_COUNT };
extern const char *const span_names[SPAN_COUNT];

struct ledger_span {
	uint64_t from_ns, to_ns;
	uint64_t lost_frames; /* in a gap, where they were counted */
	uint8_t state;        /* enum span_state */
};

/* The clock was set: times of this WAN before `at_ns` were moved by `by_ns`. */
struct ledger_step {
	uint64_t at_ns;
	int64_t by_ns;
};

/* Something that would make the numbers wrong, as the recorder warned. */
#define LEDGER_WORD 40
struct ledger_warning {
	char code[LEDGER_WORD], about[LEDGER_WORD]; /* printable ASCII without spaces */
	uint64_t count;
};

#define LEDGER_SPANS_MAX    2048
#define LEDGER_STEPS_MAX    64
#define LEDGER_WARNINGS_MAX 16
#define LEDGER_ROLES_MAX    4

/* Of more rows than fit the first in order are kept, so lists that are not full are complete, and
 * full ones up to where their last row begins. */
struct ledger_record {
	struct ledger_span *spans; /* owned; by from_ns, state, to_ns, lost_frames; may repeat */
	size_t n_spans, cap_spans;
	struct ledger_step steps[LEDGER_STEPS_MAX]; /* by at_ns, by_ns */
	unsigned n_steps;
	struct ledger_warning warnings[LEDGER_WARNINGS_MAX]; /* by code, about; each once */
	unsigned n_warnings;
	char roles[LEDGER_ROLES_MAX][LEDGER_WORD]; /* what it was recorded as; sorted, each once */
	unsigned n_roles;
};

/* ---- interruptions: a WAN went out, and where its traffic went ---- */

/*
 * outage    nothing was heard on the WAN from from_ns to to_ns while an answer, or more of a stream
 *           that had been flowing, was due (health.h). Shorter ones than a second are not listed.
 *           Where only questions were open (pings and the like, inquiry.h), from_ns is the first of
 *           them that nobody answered, and `frame` shows it; else there is none.
 * failover  one direction of a connection left the WAN, which was silent: from_ns its last progress
 *           there, or when data began to wait; to_ns its first new DSN elsewhere, on `to`. The WAN
 *           was heard again at heard_ns, carried new DSNs of it again at back_ns; last_ns is the
 *           last new DSN on WANs that had carried none in the ten seconds before.
 *           stall_from_ns to stall_to_ns: the longest time without new DSNs in either direction,
 *           of those that began until a minute after the WAN was heard and back, with data due.
 * opening   new connections: the first SYN with MP_CAPABLE that nothing answered on the WAN, which
 *           was silent, and the first that was answered elsewhere; or on the WAN itself (`to` is
 *           `wan`) when none was until then, or none up to the end (open).
 */
enum interruption {
	INTERRUPTION_OUTAGE,
	INTERRUPTION_FAILOVER,
	INTERRUPTION_OPENING,
	INTERRUPTION_COUNT
};
extern const char *const interruption_names[INTERRUPTION_COUNT];

struct ledger_interruption {
	uint8_t kind;      /* enum interruption */
	uint8_t direction; /* enum direction of the data; of a failover */
	bool open;         /* still so when the capture, or the connection, came to its end */
	bool ended;        /* the stream was closed (DATA_FIN) */
	uint32_t wan, to;  /* indices into ledger.wans; LEDGER_WANS_MAX = none */
	uint64_t id;       /* of the connection; 0 = none */
	uint64_t from_ns, to_ns;
	uint64_t heard_ns, back_ns, last_ns; /* 0 = not */
	uint64_t stall_from_ns, stall_to_ns; /* 0 = none */
	struct evidence_frame
		frame; /* at to_ns, of an outage at from_ns; LEDGER_FILES_MAX = none */
};

/* Of each kind those with the longest gap, the longest lag and the longest stall are kept. */
#define LEDGER_INTERRUPTIONS_EACH 64
#define LEDGER_INTERRUPTIONS_MAX  (INTERRUPTION_COUNT * 3 * LEDGER_INTERRUPTIONS_EACH)

static inline uint64_t interruption_gap_ns(const struct ledger_interruption *i)
{
	return i->to_ns - i->from_ns;
}

/* From its answer on until the last new DSN elsewhere. */
static inline uint64_t interruption_lag_ns(const struct ledger_interruption *i)
{
	return i->heard_ns && i->last_ns > i->heard_ns ? i->last_ns - i->heard_ns : 0;
}

static inline uint64_t interruption_stall_ns(const struct ledger_interruption *i)
{
	return i->stall_to_ns - i->stall_from_ns;
}
/* ---- peers: with whom a WAN spoke ----
 *
 * Each frame of a WAN but capture duplicates and unread ones is in exactly one row: by the address
 * at the far end of the WAN, what the frame belongs to and its app. A table that would grow beyond
 * LEDGER_PEERS_MAX cuts all its addresses to shorter prefixes (ledger_peer_bits), so that nothing
 * is left out of the sums.
 */
struct ledger_peer_key {
	uint8_t addr[16]; /* IPv4 in the first four; what is cut off is 0 */
	uint8_t family;   /* 4, 6, or 0: no IP packet */
	uint8_t traffic;  /* enum traffic */
	uint16_t app;     /* index into ledger.apps */
};

struct ledger_peer {
	struct ledger_peer_key key;
	struct tally sum[DIR_COUNT]; /* payload: of carrying kinds, all together */
	/* not of MPTCP: frames above LEDGER_PEER_LARGE, and their IP bytes */
	uint64_t large_frames, large_bytes;
	uint64_t opened; /* TCP connections and subflows whose SYN was seen */
	uint64_t first_ns, last_ns;
	struct evidence first; /* not of MPTCP: the cells have it */
	uint64_t asked_ns;     /* not part of the sums: its last tracker ping */
};
#define LEDGER_PEERS_MAX   1024
#define LEDGER_PEER_WIDTHS 4
#define LEDGER_PEER_LARGE                                                                          \
	256 /* IP bytes: above all keepalives of VPNs, below what carries data                     \
	     */
#define LEDGER_NO_PEER UINT32_MAX

/* How often something recurs: intervals counted by the class they are nearest to. */
enum cadence {
	CADENCE_KEEPALIVE, /* of one direction of one subflow */
	CADENCE_TRACKER,   /* echo requests of omr-tracker to one address */
	CADENCE_COUNT
};
#define CADENCE_CLASSES 15
extern const char *const cadence_names[CADENCE_COUNT];
extern const uint32_t cadence_seconds[CADENCE_CLASSES]; /* the last one, 0, is "longer" */
unsigned ledger_cadence_class(uint64_t interval_ns);

struct ledger_peers {
	struct ledger_peer *rows; /* owned; sorted only when saved */
	size_t n_rows, cap_rows;
	uint8_t width; /* into the prefix lengths; 0 = whole addresses */
	uint64_t cadence[CADENCE_COUNT][CADENCE_CLASSES];

	/* not part of the sums: ways to find rows again */
	uint32_t *places; /* owned; all rows, sorted by key */
	uint32_t version; /* changes when rows moved */
};

/* ---- a WAN ---- */

/* Words that name something; sorted, each once; of more than fit the first are kept. */
#define LEDGER_NAMES_MAX 4
struct ledger_words {
	char rows[LEDGER_NAMES_MAX][LEDGER_WORD]; /* printable ASCII without spaces */
	unsigned n;
};

#define LEDGER_ADDRS 8
struct ledger_addr {
	char text[46]; /* own address, as inet_ntop writes it */
};

struct ledger_wan {
	char *name;                 /* owned */
	bool filtered;              /* frames of it were left out by a filter */
	bool drops_known;           /* its capture told how many frames it lost */
	uint64_t first_ns, last_ns; /* earliest and latest frame; 0 = no frame */
	uint64_t skew_ns; /* largest clock difference to another WAN that causality proves */
	struct ledger_addr own[LEDGER_ADDRS]; /* sorted */
	unsigned n_own;
	struct ledger_words devices; /* what its recorder recorded it from: "eth1" */
	struct ledger_words macs;    /* its own hardware addresses: "02:00:00:00:00:01" */

	struct ledger_bucket *buckets; /* owned, sorted by start_s */
	size_t n_buckets, cap_buckets;
	struct ledger_cell *cells; /* owned; sorted only when saved */
	size_t n_cells, cap_cells;
	struct ledger_event events[EVENT_COUNT];
	struct ledger_counters counters;
	struct ledger_record *record; /* owned; NULL = nothing is recorded of it by our recorder */
	struct ledger_peers *peers;   /* owned; NULL = none, or an older ledger did not say */

	/* not part of the sums: last places, to find them again fast */
	size_t last_bucket;
	uint64_t bucket_start_ns, bucket_span_ns;      /* of last_bucket; span 0 = none */
	uint32_t cell_cache[2][DIR_COUNT][KIND_COUNT]; /* index + 1 */
	struct ledger_place *places;                   /* owned; all cells, sorted by key */
};

struct ledger_place {
	uint64_t key;
	uint32_t cell;
};

/* ---- connections ---- */

/* Carrying bytes of one subflow under one circumstance. */
struct ledger_subflow_share {
	uint16_t circumstance;
	struct tally sum; /* first-seen payload, reinjection, redundant, retransmission together */
};
#define LEDGER_SHARES                                                                              \
	4 /* what does not fit goes to circumstance 0: nothing known (ledger_share)                \
	   */

struct ledger_subflow {
	uint32_t wan; /* index into ledger.wans; a subflow seen on two WANs has two rows */
	char client[54], server[54]; /* "192.0.2.1:443", "[2001:db8::1]:443" */
	uint32_t reuse; /* 0, or n: the n-th re-use of its addresses and ports in its connection */
	bool initial;
	int8_t backup_client,
		backup_server; /* 1, 0, or -1 not seen; last word of JOIN or MP_PRIO */
	uint64_t backup_client_ns, backup_server_ns; /* when that word was said; 0 = not seen */
	uint8_t confidence;                          /* enum confidence */
	bool established;
	uint64_t first_ns, last_ns;
	struct tally kinds[KIND_COUNT];
	struct ledger_subflow_share shares[LEDGER_SHARES]; /* filled by ledger_share() */
	unsigned n_shares;
};

struct ledger_connection {
	char id[17]; /* 16 hex digits; the same for the same connection whatever the order of files
	              */
	int8_t version; /* 0, 1, or -1 for not MPTCP */
	bool fallback;
	uint8_t confidence; /* best of its subflows */
	uint16_t app;       /* index into ledger.apps */
	char client[54], server[54];
	uint64_t first_ns, last_ns;
	uint64_t
		unique_bytes[2]; /* DSNs first seen: from opener, to opener; payload of plain TCP */
	struct ledger_subflow *subflows; /* owned; one row per wan, client, server, reuse */
	size_t n_subflows, cap_subflows;
};
#define LEDGER_CONNECTIONS_MAX 10000 /* kept whole: largest on any WAN but its busiest first */

/* The exact sums of connections that were not kept. */
struct ledger_rest {
	uint64_t connections, subflows;
	struct tally wans[LEDGER_WANS_MAX]; /* all kinds together */
};

/* SEVERAL: files that bore this name are not the same. */
enum ledger_digest { DIGEST_NONE, DIGEST_KNOWN, DIGEST_SEVERAL };
#define LEDGER_SHA256 32

struct ledger_file {
	char *name; /* owned */
	uint32_t wan;
	char *message; /* owned; NULL = read to its end without a flaw */
	char flaw[LEDGER_WORD]; /* which one: of file_flaw_names, or a newer program's; "" = not told */
	uint64_t flaw_at;       /* byte of the file, */
	bool flaw_unpacked;     /* of its unpacked bytes */
	uint64_t frames, wire_bytes;
	uint64_t first_ns, last_ns;
	uint32_t snaplen;

	/* of our recorder: the time it covers, frames or not (0 = not told), and by how much its
	 * times were moved because the clock was set later */
	bool recorded, growing, repaired;
	uint64_t from_ns, to_ns;
	int64_t shift_ns;

	uint8_t digest; /* enum ledger_digest */
	uint8_t sha256[LEDGER_SHA256];
};

struct ledger {
	uint32_t width;    /* index into ledger_widths_s */
	bool shared_known; /* false: captures do not overlap */
	uint64_t shared_start_ns, shared_end_ns;

	struct ledger_wan wans[LEDGER_WANS_MAX];
	size_t n_wans;
	struct ledger_circumstance *circumstances; /* owned; [0] is all zero */
	size_t n_circumstances;
	char **apps; /* owned; [0] is "" */
	size_t n_apps;
	struct ledger_file *files; /* owned */
	size_t n_files, cap_files;
	struct ledger_connection *connections; /* owned */
	size_t n_connections, cap_connections;
	struct ledger_rest rest;
	struct ledger_interruption *interruptions; /* owned; by from_ns */
	size_t n_interruptions, cap_interruptions;
	uint64_t frames_over_wans; /* frames of WANs beyond LEDGER_WANS_MAX, or past memory's end */

	/* not part of the sums: ways to find things again */
	uint32_t *files_by_name; /* owned */
	struct ledger_rank {
		uint64_t aside_bytes, total_bytes;
		char id[17];
	} floor; /* the lowest connection kept when some were let go */
	bool floor_known;
};

/* A ledger whose bytes are all zero is initialised, too. */
void ledger_init(struct ledger *ledger);
void ledger_release(struct ledger *ledger);

/* Forget all sums; WANs, apps, circumstances and files keep their names and indices. False when
 * memory ran out: the ledger is then as it was. */
bool ledger_forget(struct ledger *ledger);

/*
 * Find or add; names are copied, bytes that are not UTF-8 become U+FFFD. When the table is full (or
 * memory ran out): LEDGER_WANS_MAX for a WAN, whose frames then only count in frames_over_wans;
 * entry 0 for an app or a circumstance ("not known"); LEDGER_FILES_MAX for a file, whose frames
 * then leave no evidence. ledger_circumstance() is a linear search: callers keep the answer while
 * the masks do not change.
 */
uint32_t ledger_wan(struct ledger *ledger, const char *name);
uint16_t ledger_app(struct ledger *ledger, const char *label);
uint16_t ledger_circumstance(struct ledger *ledger, const struct ledger_circumstance *masks);
uint32_t ledger_file(struct ledger *ledger, const char *name, uint32_t wan);
uint32_t ledger_find_file(const struct ledger *ledger, const char *name); /* LEDGER_FILES_MAX: none */

/* The file was seen to have this SHA-256. And how it is written: 64 hexadecimal digits, "several",
 * or NULL; `out` is room for it. */
void ledger_file_digest(struct ledger_file *file, const uint8_t sha256[LEDGER_SHA256]);
const char *ledger_digest_text(const struct ledger_file *file, char out[2 * LEDGER_SHA256 + 1]);

/* One frame. `payload` holds the split of its payload bytes over the carrying kinds. */
struct ledger_entry {
	uint32_t wan;
	uint64_t ts_ns;
	uint64_t number;
	uint32_t file;
	uint32_t l2_bytes, ip_bytes;
	uint32_t payload[KIND_CARRYING];
	uint8_t direction, kind, traffic;
	bool shared;
	uint16_t app, circumstance;
};
void ledger_count(struct ledger *ledger, const struct ledger_entry *entry);

/*
 * A run: many frames of one cell and one second, added at once. ledger_run_open() says whether
 * frames like `entry` may run: their cell has all its evidence, so nothing but sums can change. The
 * caller adds to `sum` and keeps last_ns for frames with ts_ns in [first_ns, until_ns) that are not
 * before last_ns, then closes it.
 */
struct ledger_run {
	struct ledger_entry key;
	struct tally sum;
	uint64_t first_ns, last_ns;
	uint64_t until_ns; /* 0 = no run is open */
};
bool ledger_run_open(struct ledger *ledger, const struct ledger_entry *entry,
                     struct ledger_run *run);
void ledger_run_close(struct ledger *ledger, struct ledger_run *run);

/* An event of a WAN, shown by a frame. */
void ledger_note(struct ledger *ledger, uint32_t wan, enum event event, uint64_t ts_ns,
                 uint32_t file, uint64_t number);

/* The row of a key in wan->peers, made if need be, until `version` changes; LEDGER_NO_PEER when out
 * of memory. Then add a frame, or a run of them, to it. */
uint32_t ledger_peer(const struct ledger *ledger, struct ledger_wan *wan,
                     const struct ledger_peer_key *key);
void ledger_peer_count(const struct ledger *ledger, struct ledger_peer *row,
                       const struct ledger_entry *entry);
void ledger_peer_run(struct ledger_peer *row, const struct ledger_run *run);

/* Bits of an address that a table of this width keeps. */
unsigned ledger_peer_bits(unsigned width, uint8_t family);

/* What the recorder said of a WAN. `wan` < n_wans; words are cut to LEDGER_WORD and other bytes
 * than printable ASCII become '?'. Lack of memory loses the row. */
void ledger_add_span(struct ledger_wan *wan, const struct ledger_span *span);
void ledger_add_step(struct ledger_wan *wan, const struct ledger_step *step);
void ledger_add_warning(struct ledger_wan *wan, const struct ledger_warning *warning);
void ledger_add_role(struct ledger_wan *wan, const char *role);

/* By what else a WAN may be known. */
void ledger_add_device(struct ledger_wan *wan, const char *device);
void ledger_add_mac(struct ledger_wan *wan, const char *mac);

/* Count an interruption and list it if it is among the worst. Lack of memory loses the row. */
void ledger_interrupted(struct ledger *ledger, const struct ledger_interruption *row);

/* Add carrying bytes to a subflow's shares. Which circumstances keep a row of their own does not
 * depend on the order of calls. */
void ledger_share(const struct ledger *ledger, struct ledger_subflow *subflow,
                  uint16_t circumstance, const struct tally *sum);

/* Take over a finished connection; its subflows (from malloc) become the ledger's and *connection
 * is emptied. Keeps at most LEDGER_CONNECTIONS_MAX whole (a quarter more until the next
 * ledger_sort()), the rest as sums. Rows of the same WAN, client, server and reuse are added up. */
void ledger_take_connection(struct ledger *ledger, struct ledger_connection *connection);

/*
 * The short way for a finished connection of one subflow whose frames add up to `sum`: when it
 * ranks below all that are kept, count it among the rest and return true. Its row need not be made
 * then. `id` is the number whose 16 hex digits are the row's id.
 */
bool ledger_pass_connection(struct ledger *ledger, uint64_t id, uint32_t wan,
                            const struct tally *sum);

/* into += from. WANs meet by name, files by name, connections by id. `from` is unchanged.
 * Returns false when the result would need more than LEDGER_WANS_MAX WANs or memory ran out; `into`
 * is then still valid. */
bool ledger_merge(struct ledger *into, const struct ledger *from);

/* The same, and `from` is empty afterwards, whatever comes out: into a ledger that holds nothing it
 * is moved, in the order it has. */
bool ledger_take(struct ledger *into, struct ledger *from);

/*
 * Put all tables in order, whatever order they were filled in: WANs, apps and files by name, cells
 * by key, connections by first_ns and id, subflows by first_ns; apps and circumstances nobody uses
 * are left out, and connections are cut to LEDGER_CONNECTIONS_MAX. All indices into the ledger
 * change. Returns false, with the ledger as it was or partly sorted but valid, when memory ran out.
 */
bool ledger_sort(struct ledger *ledger);

/*
 * Make it smaller for a long time in a store; every sum stays what it was. Buckets become at least
 * as wide as `width_s`, stretches of the recorder that touch become one, at most `connections` are
 * kept whole and the others go to the rest, and with `forget_files` the files that no evidence
 * speaks of and that had no flaw are left out. False when memory ran out; it is valid then.
 */
struct ledger_bounds {
	uint32_t width_s;
	size_t connections;
	bool forget_files;
};
bool ledger_condense(struct ledger *ledger, const struct ledger_bounds *bounds);

/* Law 1: cells and buckets of each WAN add up to the same, and its peers to no more (a part of a
 * merged ledger may be older than peers are). NULL, or a sentence saying where it
 * breaks. */
const char *ledger_check(const struct ledger *ledger, char *text, size_t size);

/* Sum of a WAN's cells that match; -1 = any. */
struct tally ledger_sum(const struct ledger_wan *wan, int shared, int direction, int kind,
                        int traffic);

/*
 * JSON form, schema "mptcp-audit.ledger/2.0"; any 1.x and 2.x is read. save: 0 or -errno, in the
 * order of ledger_sort(). load: fills a ledger that holds nothing yet, checks every value and the
 * conservation law, and sorts; on failure false, a sentence in message and an empty ledger. File
 * names and WAN names may hold any UTF-8: escape them.
 */
int ledger_save(const struct ledger *ledger, FILE *file);
bool ledger_load(struct ledger *ledger, FILE *file, char *message, size_t size);
bool ledger_load_bytes(struct ledger *ledger, const char *bytes, size_t length, char *message,
                       size_t size);

#endif
