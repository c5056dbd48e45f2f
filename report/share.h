/* SPDX-License-Identifier: MIT
 *
 * share.h - what a backup carried in the judged time, told apart: user data, what an outage of the
 * primaries explains, and standby. The one definition of these words (payload, standby, share):
 * the check A1 shows it with its parts, and sentence, page, table and metrics take it from there.
 *
 *     payload + outage + after + outage_acks + standby = billed
 *
 * ACKs say nothing about an outage themselves: the part of the backup's ACK bytes that matches the
 * part of its carrying frames in outages is theirs. It is an estimate, and no standby.
 */
#ifndef REPORT_SHARE_H
#define REPORT_SHARE_H

#include "report.h"

/* IP bytes. */
struct share {
	uint64_t payload, standby, total; /* judged */
	uint64_t outage, outage_acks;     /* set apart */
	uint64_t after;    /* set apart where A12 tells how long it took, else payload */
	uint64_t degraded; /* part of payload: the primary was bad */
	uint64_t primary;  /* the denominator: billed bytes of all primaries */
};

struct share share_of(const struct report *report, size_t wan);

/* Billed bytes of all primaries in the judged time; of their subflows alone. */
uint64_t share_primary(const struct report *report);
uint64_t share_primary_mptcp(const struct report *report);

/* What opening and closing cost each connection that a WAN held in reserve, over the whole capture:
 * a message. `size` of 40 is enough. Returns out. */
const char *share_each(const struct ledger_wan *wan, char *out, size_t size);

/* What comes to a day or a month of 30 days at the rate of the judged time; of whole seconds.
 */
uint64_t share_a_day(const struct report *report, uint64_t bytes);
uint64_t share_a_month(const struct report *report, uint64_t bytes);

#endif
