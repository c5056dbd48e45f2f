/* SPDX-License-Identifier: MIT
 *
 * estimate.h - what a healthy idle backup costs, before anything was captured: constants times
 * counts.
 *
 * The constants and their sources are those of costs.h. Bytes are IP bytes, both directions. Pure:
 * same question, same answer.
 */
#ifndef REPORT_ESTIMATE_H
#define REPORT_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "costs.h"

struct estimate_ask {
	const struct cost_kernel *kernel;
	unsigned backups;
	double hours;                /* a day, in which all of it runs */
	double conns_per_hour;       /* MPTCP connections of the users */
	double subflows;             /* idle subflows on a backup at any time */
	double tracker_s;            /* interval of omr-tracker; 0 = none */
	double proxy_check_s;        /* a connection through the proxy each; 0 = none */
	double keepalive_s;          /* 0 = none */
	unsigned keepalive_ends;     /* 1, 2; 0 = not known: one at least, both at most */
	double status_s, tracebox_s; /* 0 = none */
	uint64_t extras;             /* bit per row of cost_extras */
	double primary_per_day;      /* bytes; 0 = not told */
};
void estimate_defaults(struct estimate_ask *ask);

#define ESTIMATE_ROWS 16
struct estimate_row {
	const char *id; /* static text */
	enum message words, source;
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
