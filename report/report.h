/* SPDX-License-Identifier: MIT
 *
 * report.h - a ledger and a policy in, everything a reader is told out: plain data.
 *
 * Holds exact sums; ratios and words are made by whoever prints. Renderers (render.h) are pure
 * functions of struct report. The ledger and the policy are borrowed and must outlive the report;
 * they are not changed.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dissect/ledger.h"
#include "coverage.h"
#include "message.h"
#include "policy.h"
#include "zone.h"

/* ---- how the connection's primaries (master and on) were while a backup carried a frame ----
 *
 * From the circumstance of the cell; the first that holds: a primary was healthy; one was degraded;
 * one had returned but carried nothing new yet; one was silent; none had a subflow of this
 * connection, or nothing is known.
 */
enum phase { PHASE_HEALTHY, PHASE_DEGRADED, PHASE_AFTER, PHASE_OUTAGE, PHASE_UNKNOWN, PHASE_COUNT };
extern const char *const phase_names[PHASE_COUNT];

/* ---- what bytes were used for: each frame that is billed has exactly one cause ---- */

#define CAUSE_ID 80
struct cause {
	char id[CAUSE_ID]; /* "payload_healthy", "keepalive", "other:dns", ... */
	uint64_t frames;
	uint64_t ip_bytes;
	uint64_t first_ns, last_ns; /* of its frames; 0 = not known */
	struct evidence first;      /* its first frames */
	char detail[100];           /* a message: "every 15 s x 40 subflows", or "" */
};

/* A cause id as a message, with what follows the colon of "leak:HOST LABEL" or "plain_tcp:LABEL".
 * Returns out. */
const char *cause_say(const char *id, char *out, size_t size);

/* ---- the sums of a WAN, once for the whole capture and once for the time all captures share ----
 */

struct account {
	struct tally kinds[DIR_COUNT][KIND_COUNT];
	struct tally total;
	struct tally mptcp; /* frames of subflows, without duplicates */

	/* IP bytes; billed + local + duplicate = total.ip_bytes */
	uint64_t billed;
	uint64_t local;     /* never leaves the access link */
	uint64_t duplicate; /* packets the capture holds twice */

	/* IP bytes; carrying + standby = billed */
	uint64_t carrying; /* frames that carry user payload */
	uint64_t standby;
	uint64_t signalling; /* part of standby: handshake, signal, teardown, reset of subflows */
	uint64_t acks;       /* part of standby: ACKs of subflows */

	struct tally
		phases[PHASE_COUNT]; /* carrying frames of subflows; only filled for a backup */
	uint64_t first_seen[PHASE_COUNT]; /* payload bytes of kind payload among them */
	uint64_t unique;                  /* payload bytes of kind payload on subflows, any role */
	uint64_t fallback;                /* IP bytes of carrying frames of fallback TCP */
	uint64_t plain;                   /* ... of TCP that never offered MPTCP */

	struct cause *causes; /* owned; largest first, ties by id; they add up to billed */
	size_t n_causes;
};

/* The proxy's health check: short connections of one size, evenly spaced; what they put here beside
 * payload. */
struct proxy_check {
	uint64_t period_ns; /* 0 = none was found */
	uint64_t connections;
	uint64_t frames, ip_bytes;
	char server[54];
};

struct report_wan {
	const char *name; /* borrowed from the ledger */
	const struct ledger_wan *ledger;
	struct wan_role role;
	/* of the policy, borrowed: what is told of it (NULL = nothing), by which sign it was found
	 * ("name", "device", ...; "" = not), and its plan (NULL = none known) */
	const struct expect_wan *expected;
	const char *matched;
	const struct expect_plan *plan;
	double limits[LIMIT_COUNT]; /* the WAN's own, or those of all */
	struct account whole, shared;
	struct proxy_check check; /* of a backup */
	struct coverage coverage; /* owned */
	uint64_t from_ns, to_ns;  /* as in the options: to_ns UINT64_MAX = not bounded */
};

/* ---- findings ---- */

enum status {
	STATUS_PASS,
	STATUS_WARN,
	STATUS_FAIL,
	STATUS_NOT_ASSESSED,
	STATUS_NOT_APPLICABLE,
	STATUS_ERROR,
	STATUS_WAIVED,
	STATUS_COUNT
};
extern const char *const status_names[STATUS_COUNT];

/* A number beside the observed one: a share or an amount with its denominator (0 = an amount). */
struct part {
	const char *name; /* static text */
	uint64_t numerator, denominator;
};
#define FINDING_PARTS 12

struct finding_frame {
	uint64_t ts_ns;
	uint64_t number;
	uint32_t file;    /* index into ledger.files */
	enum message note; /* what it shows */
};
#define FINDING_FRAMES 4

struct finding {
	const char *rule; /* "A1"; static text */
	enum message title, why;
	enum status status;
	int wan; /* index into report.wans, or -1 */

	bool observed; /* false: nothing was measured */
	double value;
	uint64_t numerator, denominator;
	const char *unit; /* "ratio", "bytes_per_day", "bytes", "seconds", "per_day", "count"; static text */
	bool limited;
	double limit;          /* in the same unit */
	const char *limit_key; /* the setting it comes from, or NULL */
	struct part parts[FINDING_PARTS];
	size_t n_parts;

	/* messages (message.h); names in them are safe to print */
	char text[1400]; /* one or two sentences */
	char brief[240]; /* the same in a few words without the WAN's name, for a list; or "" */
	bool blinded;    /* not assessed because frames or time were not seen */
	struct finding_frame frames[FINDING_FRAMES];
	size_t n_frames;
	const struct ledger_connection *connection; /* that it names; NULL = none */
};

/* ---- the whole ---- */

struct report_options {
	uint64_t generated_ns;   /* 0 = not told */
	const char *version;     /* of the tool; borrowed */
	const char *filter;      /* NULL = every frame was looked at; borrowed */
	const char *billed_wan;  /* whose bill it is; NULL = the only backup's; borrowed */
	uint64_t billed_bytes;   /* as the carrier bills it; 0 = not told */
	bool billed_binary;      /* it was told in GiB */
	int billing_day;         /* as a flag said it; 0 = the plan's, else 1 */
	uint64_t from_ns, to_ns; /* only frames in [from, to) were counted; 0 = not bounded */
	const struct zone *zone; /* the site's clocks; NULL = UTC; borrowed */
	const char *zone_text;   /* the same as a TZ string; NULL or "" = not told; borrowed */
	size_t connections;      /* told one by one (notable.h); 0 = NOTABLE_CONNECTIONS */
};

struct report {
	const struct ledger *ledger;
	const struct policy *policy;
	struct report_options options;

	bool window; /* the captures share a time */
	uint64_t start_ns, end_ns;
	uint64_t primaries; /* bit per WAN of role master or on */
	bool assumed;       /* a backup is one only by our proposal: never better than warn */

	/* addresses of the VPS: as the site tells, else the commonest servers of MPTCP */
#define REPORT_VPS_MAX 16
	struct ledger_peer_key vps[REPORT_VPS_MAX]; /* family and addr */
	unsigned n_vps;
	bool vps_told;

	struct report_wan *wans; /* owned; in the ledger's order */
	size_t n_wans;
	struct finding *findings; /* owned; in the order of the rules, then of the WANs */
	size_t n_findings, cap_findings;
	enum status verdict;
	char unseen[1800];    /* a message: "Not all was seen: ...", or "" when all was */
	char sentence[8000];  /* a message; begins with what was not seen */
	char assumption[900]; /* a message: "assuming b is the backup: ...", or "" */
};

enum report_failure { REPORT_FINE, REPORT_NO_MEMORY, REPORT_UNKNOWN_FLAG, REPORT_UNKNOWN_CONFIG };

/* Fill *report from scratch. On failure the message says why and nothing needs releasing. */
enum report_failure report_build(struct report *report, const struct ledger *ledger,
                                 const struct policy *policy, const struct report_options *options,
                                 char *message, size_t size);
void report_release(struct report *report);

/* How the primaries were for cells of this circumstance. */
enum phase report_phase(const struct ledger *ledger, uint64_t primaries, uint16_t circumstance);

bool report_is_primary(enum role role);

/* "whole capture", or "window" when only a part of it was counted. Returns out. */
const char *report_say_extent(const struct report *report, char *out, size_t size);

/* The first and last moment of a WAN: of its frames, and of what its recorder told, within the
 * window. False: there is none. */
bool report_extent(const struct report_wan *wan, uint64_t *first_ns, uint64_t *last_ns);

#endif
