/* SPDX-License-Identifier: MIT
 *
 * policy.h - what the operator expects: the role of each WAN and the limits of each rule.
 *
 * Filled from flags and from one INI file; a flag wins over the file, the file over what is
 * assumed. A word this page does not know is an error with a suggestion, never ignored: a mistyped
 * limit would judge by another one. Reads no captures, prints nothing, opens nothing.
 */
#ifndef REPORT_POLICY_H
#define REPORT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../dissect/ledger.h"
#include "expect.h"
#include "message.h"

/* ---- limits ---- */

enum limit {
	LIMIT_PAYLOAD_SHARE,
	LIMIT_STANDBY_SHARE,
	LIMIT_SHARE_OF,
	LIMIT_PRIMARY_MIN,
	LIMIT_BUDGET_WARN,
	LIMIT_BUDGET_HIGH,
	LIMIT_PLAN,
	LIMIT_BUDGET_WINDOW,
	LIMIT_HEALTHY_SHARE,
	LIMIT_HEALTHY_BYTES,
	LIMIT_SWITCH_BYTES,
	LIMIT_REDUNDANT_SHARE,
	LIMIT_REDUNDANT_SECONDS,
	LIMIT_SIGNALLING_SHARE,
	LIMIT_STRIPPED_SHARE,
	LIMIT_LOSS_SHARE,
	LIMIT_SKEW,
	LIMIT_SILENCE,
	LIMIT_UNEXPLAINED_SHARE,
	LIMIT_UNEXPLAINED_BYTES,
	LIMIT_KEEPALIVE_FLOOR,
	LIMIT_PLAN_WARN,
	LIMIT_PLAN_FAIL,
	LIMIT_BILL_SHARE,
	LIMIT_FAILOVER_WARN,
	LIMIT_FAILOVER_FAIL,
	LIMIT_OPENING_WARN,
	LIMIT_OPENING_FAIL,
	LIMIT_FAILBACK_WARN,
	LIMIT_FAILBACK_FAIL,
	LIMIT_FAILBACK_NEVER,
	LIMIT_STALL_WARN,
	LIMIT_STALL_FAIL,
	LIMIT_OUTAGES,
	LIMIT_REINJECTION_SHARE,
	LIMIT_KEEPALIVE_BYTES,
	LIMIT_TRACKER_FACTOR,
	LIMIT_TRACKER_BYTES,
	LIMIT_BULK_BYTES,
	LIMIT_RECONNECTS,
	LIMIT_STRANGERS_BYTES,
	LIMIT_STRANGERS_HIGH,
	LIMIT_VPN_BYTES,
	LIMIT_READY_WARN,
	LIMIT_READY_FAIL,
	LIMIT_COUNT
};

enum unit { UNIT_RATIO, UNIT_BYTES, UNIT_SECONDS, UNIT_WORD, UNIT_NUMBER, UNIT_COUNT };
extern const char *const unit_names[UNIT_COUNT];

/* One row per limit. Ratios are 0..1; bytes are IP bytes unless the meaning says otherwise. */
struct limit_row {
	const char *key;
	enum unit unit;
	double fallback, min, max;
	const char *words; /* for UNIT_WORD: "first|second", value 0 and 1 */
	const char *meaning[LANGUAGE_COUNT]; /* the English one begins with the check */
};
extern const struct limit_row limit_rows[LIMIT_COUNT];

/* ---- roles ---- */

/* What `who` names: a WAN (wan1 also means wan1#2, wan1#3: interfaces of one input), a file or
 * directory given as input, one interface of a file, a WAN's own address. */
enum role_subject { SUBJECT_ANY, SUBJECT_WAN, SUBJECT_FILE };

struct policy_role {
	char *who; /* owned */
	enum role_subject subject;
	enum role role;
	enum role_source source;
};

/* A limit of one WAN. */
#define POLICY_WAN_LIMITS 256
struct policy_wan_limit {
	char wan[EXPECT_WORD]; /* its name, or a glob */
	enum limit limit;
	double value;
	enum role_source source;
};

struct policy {
	char *site;                /* owned; NULL = not told */
	struct policy_role *roles; /* owned, in the order given */
	size_t n_roles;
	char **only; /* owned; the WANs there are: what is none of them is off; none = all are */
	size_t n_only;
	double limits[LIMIT_COUNT];
	enum role_source limit_sources[LIMIT_COUNT];
	struct policy_wan_limit *wan_limits; /* owned, in the order given */
	size_t n_wan_limits;
	struct expect expect;
};

void policy_init(struct policy *policy);
void policy_release(struct policy *policy);

/* "KEY=VALUE", or "WAN:KEY=VALUE" for one WAN. A value may carry %, k M G T (decimal) with or
 * without B, or s min h d. False: message says why. */
bool policy_set_limit(struct policy *policy, const char *text, enum role_source source,
                      char *message, size_t size);
/* The same in pieces; `wan` NULL is all of them. */
bool policy_set_limit_of(struct policy *policy, const char *wan, const char *key, const char *value,
                         enum role_source source, char *message, size_t size);

/* The limits of a WAN of the captures: its own where they are at least as strong as those of all.
 * `expected` may be NULL. */
void policy_limits_of(const struct policy *policy, const char *name,
                      const struct expect_wan *expected, double limits[LIMIT_COUNT]);

/* `who` is copied. False: message says why (unknown role, out of memory). */
bool policy_add_role(struct policy *policy, const char *who, enum role_subject subject,
                     const char *role, enum role_source source, char *message, size_t size);

/* On a server only some traffic is of WANs: these. `name` is copied. False: out of memory. */
bool policy_add_only(struct policy *policy, const char *name);

/*
 * The INI file (policy_file.c; its words are listed there): [site], [roles] WHO=ROLE, [limits]
 * KEY=VALUE, [wan NAME], [vps NAME], [lan], [plan]; [run] is only checked (run_settings.h). `name`
 * is for messages, which say file and line. False at the first line that is not understood.
 */
bool policy_load(struct policy *policy, FILE *file, const char *name, char *message, size_t size);

/* ---- which WAN has which role ---- */

struct wan_role {
	enum role role;
	enum role_source source;
	char from[EXPECT_WORD * 2]; /* where it was said: "network.wan2.multipath", "--role wan2" */
	uint64_t says, of;          /* what an assumption rests on: `says` of `of` signs */
	enum message sign;          /* what those are: MESSAGE_sign_*; of use when `of` is not 0 */
};

enum policy_answer {
	POLICY_FINE,
	POLICY_UNKNOWN_FLAG,   /* a flag names a WAN or file that is not there -> exit 64 */
	POLICY_UNKNOWN_CONFIG, /* ... the config file does -> exit 78 */
};

/*
 * The WAN of the configuration that a WAN of the captures is: by its name, else by a device, a
 * hardware address or an address of its own; *sign says by which ("name", "device", "mac",
 * "address", or "" for NULL). Static text.
 */
const struct expect_wan *policy_expected(const struct policy *policy, const struct ledger_wan *seen,
                                         const char **sign);

/* The same by name or device alone, for who has no more; NULL: none. */
const struct expect_wan *policy_expected_name(const struct policy *policy, const char *name);

/*
 * Fill roles[0..ledger->n_wans-1]: flags go before [roles], those before the expected WANs. A WAN
 * nobody named is off where others are the only ones, or has the role that all its recordings say,
 * if they do. Else one is proposed from what its own frames say: mostly joins with the B bit, or
 * MP_PRIO making it a backup -> backup; else the WAN that opened most connections -> master, other
 * WANs with subflows -> on. A WAN without such signs is on beside a named or proposed backup, else
 * it has no role.
 */
enum policy_answer policy_resolve(const struct policy *policy, const struct ledger *ledger,
                                  struct wan_role roles[LEDGER_WANS_MAX], char *message,
                                  size_t size);

#endif
