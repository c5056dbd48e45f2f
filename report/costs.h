/* SPDX-License-Identifier: MIT
 *
 * costs.h - what things cost that run on a healthy idle backup: the one table of constants, read by
 * the estimate before a capture (estimate.h) and by what is expected beside one (expected.h).
 *
 * Each constant is a range with its source; measured ones were counted in captures of known truth,
 * others come from header sizes and intervals of scripts. Bytes are IP bytes of IPv4, both
 * directions.
 */
#ifndef REPORT_COSTS_H
#define REPORT_COSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "message.h"

struct range {
	double low, high;
};

/* IPv6 has so many bytes more in each packet. */
#define COST_IPV6_MORE 20

/* ---- what recurs ---- */

enum cost { COST_KEEPALIVE, COST_TRACKER, COST_STATUS, COST_TRACEBOX, COST_COUNT };

struct cost_row {
	struct range bytes;  /* of one */
	double packets;      /* in it; 0 = not counted */
	double every_s;      /* as OpenMPTCProuter is delivered */
	struct range over_s; /* so much longer than `every_s` each takes */
	bool measured;
	enum message words, source;
};
extern const struct cost_row costs[COST_COUNT];

/* The proxy is asked through a connection of its own, each time: as OpenMPTCProuter is delivered.
 */
#define COST_PROXY_CHECK_S 10

/* ---- a subflow's life ---- */

/* What opening and closing a standby subflow costs differs by kernel and by nothing else so much.
 */
struct cost_kernel {
	const char *name;
	int version;        /* of MPTCP */
	struct range join;  /* handshake and teardown of one subflow */
	bool probes_idle;   /* keepalives go out on a subflow that is idle in a busy connection */
	bool keeps_cadence; /* ... as often as the application asked */
	enum message source;
};
extern const struct cost_kernel cost_kernels[];
extern const size_t cost_n_kernels;
#define COST_JOIN_PACKETS 16 /* at most, of any kernel */

/* NULL: none of that name was measured. */
const struct cost_kernel *cost_kernel(const char *name);

/* ---- what may run beside ---- */

/* An hour of it while nothing passes through. `apps` are the ledger's labels of it and of what is
 * like it, up to a NULL. */
#define COST_APPS 4
struct cost_extra {
	const char *word;
	enum message words;
	struct range per_hour;
	enum message source;
	const char *apps[COST_APPS];
};
extern const struct cost_extra cost_extras[];
extern const size_t cost_n_extras;

/* The row that has this label, or NULL. */
const struct cost_extra *cost_extra_of(const char *app);

#endif
