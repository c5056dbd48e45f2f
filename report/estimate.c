/* SPDX-License-Identifier: MIT
 *
 * estimate.c - see estimate.h.
 */
#include "estimate.h"

#include <string.h>

#define HOUR_S 3600.0

/* As OpenMPTCProuter is delivered. */
void estimate_defaults(struct estimate_ask *ask)
{
	*ask = (struct estimate_ask){
		.kernel = &cost_kernels[0],
		.backups = 1,
		.hours = 24,
		.subflows = 1,
		.tracker_s = costs[COST_TRACKER].every_s,
		.proxy_check_s = COST_PROXY_CHECK_S,
		.keepalive_s = costs[COST_KEEPALIVE].every_s,
		.status_s = costs[COST_STATUS].every_s,
		.tracebox_s = costs[COST_TRACEBOX].every_s,
	};
}

static void add(struct estimate *estimate, const struct estimate_row *row)
{
	struct estimate_row *to = &estimate->rows[estimate->n_rows];

	if (estimate->n_rows == ESTIMATE_ROWS)
		return;
	*to = *row;
	if (to->each_high > 0)
		to->bytes = (struct range){to->each_low * to->per_hour.low,
		                           to->each_high * to->per_hour.high};
	if (to->bytes.high <= 0)
		return;
	estimate->per_hour.low += to->bytes.low;
	estimate->per_hour.high += to->bytes.high;
	estimate->n_rows++;
}

/* What recurs by itself; the id is that of the row in JSON. */
static void add_recurring(struct estimate *estimate, const char *id, enum cost cost, double every_s)
{
	const struct cost_row *row = &costs[cost];

	if (every_s > 0)
		add(estimate,
		    &(struct estimate_row){.id = id,
		                           .words = row->words,
		                           .source = row->source,
		                           .measured = row->measured,
		                           .each_low = row->bytes.low,
		                           .each_high = row->bytes.high,
		                           .per_hour = {HOUR_S / (every_s + row->over_s.high),
		                                        HOUR_S / (every_s + row->over_s.low)}});
}

static void add_joins(struct estimate *estimate, const struct estimate_ask *ask, const char *id,
                      enum message words, double per_hour)
{
	add(estimate, &(struct estimate_row){.id = id,
	                                     .words = words,
	                                     .source = ask->kernel->source,
	                                     .measured = true,
	                                     .each_low = ask->kernel->join.low,
	                                     .each_high = ask->kernel->join.high,
	                                     .per_hour = {per_hour, per_hour}});
}

/* As often as the application asks, but where the kernel does otherwise. */
static void add_keepalives(struct estimate *estimate, const struct estimate_ask *ask)
{
	const struct cost_row *row = &costs[COST_KEEPALIVE];
	const struct cost_kernel *kernel = ask->kernel;
	double ends_low = ask->keepalive_ends == 2 ? 2 : 1;
	double ends_high = ask->keepalive_ends == 1 ? 1 : 2;
	bool sure = kernel->probes_idle && kernel->keeps_cadence;
	double often, seldom;

	if (ask->keepalive_s <= 0)
		return;
	often = HOUR_S / ask->keepalive_s * ask->subflows;
	seldom = sure ? often : kernel->probes_idle ? 0.5 * ask->subflows : 0;
	add(estimate,
	    &(struct estimate_row){.id = "keepalive",
	                           .words = row->words,
	                           .source = sure ? row->source : MESSAGE_cost_keepalive_unsure,
	                           .measured = row->measured,
	                           .each_low = row->bytes.low,
	                           .each_high = row->bytes.high,
	                           .per_hour = {seldom * ends_low, often * ends_high}});
}

void estimate_make(struct estimate *estimate, const struct estimate_ask *ask)
{
	memset(estimate, 0, sizeof(*estimate));
	add_joins(estimate, ask, "connections", MESSAGE_cost_connections, ask->conns_per_hour);
	add_recurring(estimate, "tracker", COST_TRACKER, ask->tracker_s);
	if (ask->proxy_check_s > 0)
		add_joins(estimate, ask, "proxy_check", MESSAGE_cost_proxy_check,
		          HOUR_S / ask->proxy_check_s);
	add_keepalives(estimate, ask);
	add_recurring(estimate, "status", COST_STATUS, ask->status_s);
	add_recurring(estimate, "tracebox", COST_TRACEBOX, ask->tracebox_s);
	for (size_t i = 0; i < cost_n_extras; i++)
		if (ask->extras >> i & 1)
			add(estimate, &(struct estimate_row){.id = cost_extras[i].word,
			                                     .words = cost_extras[i].words,
			                                     .source = cost_extras[i].source,
			                                     .bytes = cost_extras[i].per_hour});
}
