/* SPDX-License-Identifier: MIT
 *
 * stored_share.h - what share.h tells apart, of a stored report: text, Markdown and page take their
 * figures from here, so that they are those of A1 and of the sentence.
 */
#ifndef REPORT_STORED_SHARE_H
#define REPORT_STORED_SHARE_H

#include <jansson.h>
#include <stdint.h>

/* IP bytes of the judged time; payload + outage + after + outage_acks + standby = what was billed
 * then. `after` is 0 where nothing told it from payload. */
struct stored_share {
	uint64_t payload, outage, after, outage_acks, standby;
};

/* Where A1 counted nothing (no time in common, no primary), what the WAN's own sums tell. */
struct stored_share stored_share_of(const json_t *report, const json_t *wan);

/* The denominator: billed bytes of all primaries. */
uint64_t stored_share_primary(const json_t *report);

#endif
