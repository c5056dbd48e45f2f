/* SPDX-License-Identifier: MIT
 *
 * share.c - see share.h.
 */
#include "share.h"

#include "message.h"
#include "text.h"
#include "verdict.h"

#define NS         UINT64_C(1000000000)
#define DAY_S      86400.0
#define MONTH_DAYS 30
#define LARGEST    9223372036854775807.0 /* of an integer in JSON */

static uint64_t primaries_sum(const struct report *report, bool mptcp_only)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < report->n_wans; i++)
		if (report->primaries >> i & 1)
			sum += mptcp_only ? report->wans[i].shared.mptcp.ip_bytes
			                  : report->wans[i].shared.billed;
	return sum;
}

uint64_t share_primary(const struct report *report)
{
	return primaries_sum(report, false);
}

uint64_t share_primary_mptcp(const struct report *report)
{
	return primaries_sum(report, true);
}

struct share share_of(const struct report *report, size_t wan)
{
	const struct account *account = &report->wans[wan].shared;
	const struct tally *outage = &account->phases[PHASE_OUTAGE];
	const struct tally *after = &account->phases[PHASE_AFTER];
	struct share share = {.outage = outage->ip_bytes, .primary = share_primary(report)};
	uint64_t carried = 0, apart = outage->frames;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		carried += account->phases[i].frames;
	if (verdict_failback_seen(report)) {
		share.after = after->ip_bytes;
		apart += after->frames;
	}
	if (carried > 0)
		share.outage_acks =
			(uint64_t)((double)account->acks * ((double)apart / (double)carried));
	if (share.outage_acks > account->acks)
		share.outage_acks = account->acks;
	share.payload = account->carrying - outage->ip_bytes - share.after;
	share.degraded = account->phases[PHASE_DEGRADED].ip_bytes;
	share.standby = account->standby - share.outage_acks;
	share.total = share.payload + share.standby;
	return share;
}

/* A ledger of before the counter, or subflows whose opening and closing nobody saw, tell nothing.
 */
const char *share_each(const struct ledger_wan *wan, char *out, size_t size)
{
	const struct ledger_counters *c = &wan->counters;

	if (!c->standby_connections || !c->standby_opening_ip_bytes)
		return SAY(out, size, each_unknown);
	return text_bytes(out, c->standby_opening_ip_bytes / c->standby_connections);
}

static uint64_t at_rate(const struct report *report, uint64_t bytes, double for_seconds)
{
	/* whole ones, as the JSON tells them beside the sum */
	uint64_t seconds = (report->end_ns - report->start_ns) / NS;
	double sum = (double)bytes * for_seconds / (double)(seconds ? seconds : 1);

	return sum < LARGEST ? (uint64_t)(sum + 0.5) : (uint64_t)INT64_MAX;
}

uint64_t share_a_day(const struct report *report, uint64_t bytes)
{
	return at_rate(report, bytes, DAY_S);
}

uint64_t share_a_month(const struct report *report, uint64_t bytes)
{
	return at_rate(report, bytes, DAY_S * MONTH_DAYS);
}
