/* SPDX-License-Identifier: MIT
 *
 * expected.c - see expected.h.
 */
#include "expected.h"

#include <stdio.h>
#include <string.h>

#include "costs.h"
#include "message.h"
#include "text.h"

#define NS     1000000000u
#define HOUR_S 3600.0

const char *const expected_names[EXPECTED_PARTS] = {
	"subflows", "keepalives", "acks", "tracker", "checks", "tunnels", "outage", "data", "other",
};

static const enum message not_explained[EXPECTED_PARTS] = {
	[EXPECTED_SUBFLOWS] = MESSAGE_beyond_subflows,
	[EXPECTED_KEEPALIVES] = MESSAGE_beyond_keepalives,
	[EXPECTED_ACKS] = MESSAGE_beyond_acks,
	[EXPECTED_TRACKER] = MESSAGE_beyond_tracker,
	[EXPECTED_CHECKS] = MESSAGE_beyond_checks,
	[EXPECTED_TUNNELS] = MESSAGE_beyond_tunnels,
	[EXPECTED_OUTAGE] = MESSAGE_outage_data,
	[EXPECTED_DATA] = MESSAGE_beyond_data,
	[EXPECTED_OTHER] = MESSAGE_beyond_other,
};

const char *expected_say_beyond(enum expected_part part, char *out, size_t size)
{
	return message_say(out, size, not_explained[part], (const char *const[]){NULL});
}

/* ---- whose bytes ---- */

static enum expected_part part_of_subflow(const struct report *report,
                                          const struct ledger_cell *cell)
{
	switch (cell->kind) {
	case KIND_HANDSHAKE:
	case KIND_SIGNAL:
	case KIND_TEARDOWN:
	case KIND_RESET:
		return EXPECTED_SUBFLOWS;
	case KIND_KEEPALIVE:
	case KIND_KEEPALIVE_ACK:
	case KIND_ZERO_WINDOW_PROBE:
		return EXPECTED_KEEPALIVES;
	case KIND_ACK:
		return EXPECTED_ACKS;
	default:
		break;
	}
	if (cell->kind >= KIND_CARRYING)
		return EXPECTED_OTHER;
	/* What came after the primary had returned is the failback's, which A12 judges. */
	switch (report_phase(report->ledger, report->primaries, cell->circumstance)) {
	case PHASE_OUTAGE:
	case PHASE_AFTER:
		return EXPECTED_OUTAGE;
	default:
		return EXPECTED_DATA;
	}
}

static enum expected_part part_of(const struct report *report, const struct ledger_cell *cell)
{
	const char *app = cell->app < report->ledger->n_apps ? report->ledger->apps[cell->app] : "";

	if (cell->traffic == TRAFFIC_MPTCP)
		return part_of_subflow(report, cell);
	if (strcmp(app, "icmp-tracker") == 0)
		return EXPECTED_TRACKER;
	if (strcmp(app, "omr-api") == 0)
		return EXPECTED_CHECKS;
	return cost_extra_of(app) ? EXPECTED_TUNNELS : EXPECTED_OTHER;
}

/* ---- counts ---- */

/* Subflows of MPTCP connections on the WAN, and how long they lasted, of those kept whole. */
static uint64_t count_rows(const struct report *report, size_t wan, uint64_t *lasted_ns)
{
	uint64_t rows = 0;

	*lasted_ns = 0;
	for (size_t i = 0; i < report->ledger->n_connections; i++) {
		const struct ledger_connection *c = &report->ledger->connections[i];

		/* one that began before the capture has no version, and is MPTCP all the same */
		if (c->version < 0 && c->confidence > CONF_DSN)
			continue;
		for (size_t s = 0; s < c->n_subflows; s++) {
			if (c->subflows[s].wan != wan)
				continue;
			rows++;
			*lasted_ns += c->subflows[s].last_ns - c->subflows[s].first_ns;
		}
	}
	return rows;
}

/* The dearest of the kernels of the protocol's version that was seen, over IPv6 with its longer
 * headers. */
static double subflow_cost(const struct report *report, size_t wan)
{
	const struct ledger_wan *w = report->wans[wan].ledger;
	bool v1 = false, v0 = false;
	double most = 0;

	for (size_t i = 0; i < report->ledger->n_connections; i++) {
		v1 = v1 || report->ledger->connections[i].version == 1;
		v0 = v0 || report->ledger->connections[i].version == 0;
	}
	for (size_t i = 0; i < cost_n_kernels; i++) {
		const struct cost_kernel *kernel = &cost_kernels[i];

		/* where neither is known, the one of today */
		if ((kernel->version == 0 ? v0 && !v1 : v1 || !v0) && kernel->join.high > most)
			most = kernel->join.high;
	}
	for (unsigned i = 0; i < w->n_own; i++)
		if (strchr(w->own[i].text, ':'))
			return most + COST_JOIN_PACKETS * COST_IPV6_MORE;
	return most;
}

/* What recurs is counted over the time the WAN was seen, begun intervals counted whole. */
static double hours_of(const struct report_wan *wan)
{
	uint64_t first, last;

	return report_extent(wan, &first, &last) ? (double)(last - first) / NS / HOUR_S : 0;
}

static uint64_t at_most(double bytes)
{
	return bytes < 1e18 ? (uint64_t)bytes : UINT64_C(1000000000000000000);
}

/* ---- what the counts can cost ---- */

/* One packet of what recurs, over IPv6 at most. */
static double packet_most(enum cost cost)
{
	return costs[cost].bytes.high / costs[cost].packets + COST_IPV6_MORE;
}

/* Twice as often as it is by default is its limit, and one more for a cycle that was begun. */
static uint64_t tracker_most(const struct expected_row *row, double hours)
{
	const struct cost_row *tracker = &costs[COST_TRACKER];
	double cycle_s = tracker->every_s + tracker->over_s.low;
	double packets = (2 * hours * HOUR_S / cycle_s + 1) * tracker->packets;

	if ((double)row->count < packets)
		packets = (double)row->count;
	return at_most(packets * packet_most(COST_TRACKER));
}

/* Once more for the interval that was begun. */
static double check_most(enum cost cost, double hours)
{
	return (hours * HOUR_S / costs[cost].every_s + 1) * costs[cost].bytes.high;
}

/* A probe of each end in so many seconds of each subflow, and two for those that were begun; a
 * pause of the connection is probed by both. Each with its answer, over IPv6 at most. Of subflows
 * that were not kept whole nobody knows how long they lasted: there each probe explains itself. */
static uint64_t keepalives_most(const struct report *report, size_t wan,
                                const struct expected_cost *cost, uint64_t subflows)
{
	double every = report->wans[wan].limits[LIMIT_KEEPALIVE_FLOOR];
	double each = costs[COST_KEEPALIVE].packets * packet_most(COST_KEEPALIVE);
	double probes = 2 * (double)cost->subflow_ns / NS / every + 2 * (double)subflows;

	if (report->ledger->rest.subflows > 0)
		return UINT64_MAX;
	return at_most(probes * each);
}

/* Two ACKs for each subflow, and those that belong to an outage's data: as many parts of all as the
 * outage's frames are of the frames that carry. */
static uint64_t acks_most(const struct report_wan *wan, const struct expected_row *row,
                          uint64_t subflows)
{
	const struct tally *phases = wan->whole.phases;
	uint64_t carried = 0;
	double outage = 0;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		carried += phases[i].frames;
	if (carried > 0)
		outage =
			(double)row->seen * ((double)phases[PHASE_OUTAGE].frames / (double)carried);
	return at_most(outage + (double)subflows * 2 * 100);
}

static void weigh(struct expected_cost *cost, const struct report *report, size_t wan)
{
	const struct report_wan *w = &report->wans[wan];
	const struct ledger_event *e = w->ledger->events;
	struct expected_row *rows = cost->rows;
	uint64_t opened = e[EVENT_JOIN_SYN].count + e[EVENT_CAPABLE_SYN].count;
	uint64_t subflows = count_rows(report, wan, &cost->subflow_ns);
	double hours = hours_of(w);

	if (opened > subflows)
		subflows = opened;
	rows[EXPECTED_SUBFLOWS].count = subflows;
	rows[EXPECTED_SUBFLOWS].most = at_most((double)subflows * subflow_cost(report, wan));
	rows[EXPECTED_KEEPALIVES].most = keepalives_most(report, wan, cost, subflows);
	rows[EXPECTED_ACKS].most = acks_most(w, &rows[EXPECTED_ACKS], subflows);
	rows[EXPECTED_TRACKER].most = tracker_most(&rows[EXPECTED_TRACKER], hours);
	rows[EXPECTED_CHECKS].most =
		at_most(check_most(COST_STATUS, hours) + check_most(COST_TRACEBOX, hours));
	rows[EXPECTED_OUTAGE].most = rows[EXPECTED_OUTAGE].seen;
}

static void count_cell(struct expected_cost *cost, const struct report *report,
                       const struct ledger_cell *cell)
{
	enum expected_part part = part_of(report, cell);
	struct expected_row *row = &cost->rows[part];

	if (cell->traffic == TRAFFIC_LOCAL || cell->kind == KIND_DUPLICATE)
		return;
	row->seen += cell->sum.ip_bytes;
	cost->seen += cell->sum.ip_bytes;
	if (part == EXPECTED_TRACKER ||
	    (part == EXPECTED_KEEPALIVES && cell->kind == KIND_KEEPALIVE))
		row->count += cell->sum.frames;
}

static uint64_t seen_of(const struct report *report, const struct ledger_wan *wan, const char *app)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < wan->n_cells; i++)
		if (wan->cells[i].app < report->ledger->n_apps &&
		    wan->cells[i].traffic != TRAFFIC_MPTCP &&
		    strcmp(report->ledger->apps[wan->cells[i].app], app) == 0)
			seen += wan->cells[i].sum.ip_bytes;
	return seen;
}

/* Each tunnel once, whatever number of cells it has. */
static void weigh_tunnels(struct expected_cost *cost, const struct report *report, size_t wan,
                          double hours)
{
	const struct ledger_wan *w = report->wans[wan].ledger;
	struct expected_row *row = &cost->rows[EXPECTED_TUNNELS];
	double most = 0;

	for (size_t t = 0; t < cost_n_extras; t++)
		for (size_t a = 0; a < COST_APPS && cost_extras[t].apps[a]; a++) {
			double seen = (double)seen_of(report, w, cost_extras[t].apps[a]);
			double may = cost_extras[t].per_hour.high * (hours + 0.1);

			most += seen < may ? seen : may;
		}
	row->most = at_most(most);
}

void expected_make(struct expected_cost *cost, const struct report *report, size_t wan)
{
	const struct ledger_wan *w = report->wans[wan].ledger;
	uint64_t least = 0;

	memset(cost, 0, sizeof(*cost));
	cost->worst = EXPECTED_PARTS;
	for (size_t i = 0; i < w->n_cells; i++)
		count_cell(cost, report, &w->cells[i]);
	weigh(cost, report, wan);
	weigh_tunnels(cost, report, wan, hours_of(&report->wans[wan]));
	for (size_t i = 0; i < EXPECTED_PARTS; i++) {
		const struct expected_row *row = &cost->rows[i];
		uint64_t beyond = row->seen > row->most ? row->seen - row->most : 0;

		cost->unexplained += beyond;
		if (beyond > least) {
			least = beyond;
			cost->worst = (enum expected_part)i;
		}
	}
	cost->expected = cost->seen - cost->unexplained;
}

/* ---- words ---- */

/* Behind a comma, unless it is the first. */
static void more(char *out, size_t size, enum message message, const char *const *parts)
{
	if (out[0])
		message_more(out, size, MESSAGE_comma, (const char *const[]){NULL});
	message_more(out, size, message, parts);
}

static void say_keepalives(char *out, size_t size, const struct expected_cost *cost)
{
	const struct expected_row *row = &cost->rows[EXPECTED_KEEPALIVES];
	char count[TEXT_SHORT], every[TEXT_SHORT];
	bool told = row->count > 0 && cost->subflow_ns / row->count >= NS;

	if (row->count == 0)
		return;
	text_count(count, row->count);
	if (told)
		text_duration(every, cost->subflow_ns / row->count);
	more(out, size, told ? MESSAGE_n_keepalives_each : MESSAGE_n_keepalives,
	     (const char *const[]){count, told ? every : NULL, NULL});
}

static void say_count(char *out, size_t size, const struct expected_row *row, enum message message)
{
	char count[TEXT_SHORT];

	if (row->count > 0)
		more(out, size, message,
		     (const char *const[]){text_count(count, row->count), NULL});
}

static void say_seen(char *out, size_t size, const struct expected_row *row, enum message message)
{
	if (row->seen > 0)
		more(out, size, message, (const char *const[]){NULL});
}

const char *expected_say(const struct expected_cost *cost, char *out, size_t size)
{
	const struct expected_row *rows = cost->rows;

	out[0] = '\0';
	say_count(out, size, &rows[EXPECTED_SUBFLOWS], MESSAGE_n_subflows);
	say_keepalives(out, size, cost);
	say_count(out, size, &rows[EXPECTED_TRACKER], MESSAGE_n_pings);
	say_seen(out, size, &rows[EXPECTED_CHECKS], MESSAGE_api_checks);
	say_seen(out, size, &rows[EXPECTED_TUNNELS], MESSAGE_vpn_keepalives);
	say_seen(out, size, &rows[EXPECTED_OUTAGE], MESSAGE_outage_data);
	if (!out[0])
		SAY(out, size, nothing_costs);
	return out;
}
