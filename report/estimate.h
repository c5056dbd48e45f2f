/* SPDX-License-Identifier: MIT
 *
 * estimate.h - what a healthy idle backup costs, before anything was captured: constants times
 * counts.
 *
 * Each constant is a range with its source; MEASURED ones were counted in captures of known truth,
 * ESTIMATED ones come from header sizes and intervals of scripts. Bytes are IP bytes, both
 * directions. Pure: same question, same answer.
 */
#ifndef REPORT_ESTIMATE_H
#define REPORT_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	double low, high;
};

/* What opening and closing a standby subflow costs differs by kernel and by nothing else so much.
 */
struct estimate_kernel {
	const char *name;
	struct range join;  /* bytes: handshake and teardown of one subflow, IPv4 */
	bool probes_idle;   /* keepalives go out on a subflow that is idle in a busy connection */
	bool keeps_cadence; /* ... as often as the application asked */
	const char *source;
};
extern const struct estimate_kernel estimate_kernels[];
extern const size_t estimate_n_kernels;

/* NULL: none of that name was measured. */
const struct estimate_kernel *estimate_kernel(const char *name);

/* Bytes of one probe with its answer, and of one echo request or answer of omr-tracker (56 bytes
 * of data). */
#define ESTIMATE_PROBE 128
#define ESTIMATE_PING  84

/* What may run on a backup beside: --with WORD. */
struct estimate_extra {
	const char *word, *words;
	struct range per_hour;
	const char *source;
};
extern const struct estimate_extra estimate_extras[];
extern const size_t estimate_n_extras;

struct estimate_ask {
	const struct estimate_kernel *kernel;
	unsigned backups;
	double hours;                /* a day, in which all of it runs */
	double conns_per_hour;       /* MPTCP connections of the users */
	double subflows;             /* idle subflows on a backup at any time */
	double tracker_s;            /* interval of omr-tracker; 0 = none */
	double proxy_check_s;        /* a connection through the proxy each; 0 = none */
	double keepalive_s;          /* 0 = none */
	unsigned keepalive_ends;     /* 1, 2; 0 = not known: one at least, both at most */
	double status_s, tracebox_s; /* 0 = none */
	uint64_t extras;             /* bit per row of estimate_extras */
	double primary_per_day;      /* bytes; 0 = not told */
};
void estimate_defaults(struct estimate_ask *ask);

#define ESTIMATE_ROWS 16
struct estimate_row {
	const char *id, *words, *source; /* static text */
	bool measured;
	double each_low, each_high; /* bytes of one, 0 = counted by the hour */
	struct range per_hour;      /* how many, when each is not 0 */
	struct range bytes;         /* per hour and backup */
};
struct estimate {
	struct estimate_row rows[ESTIMATE_ROWS];
	size_t n_rows;
	struct range per_hour; /* all rows, per backup */
};

#define ESTIMATE_MONTH_DAYS 30

void estimate_make(struct estimate *estimate, const struct estimate_ask *ask);

#endif
