/* SPDX-License-Identifier: MIT
 *
 * estimate.c - see estimate.h.
 */
#include "estimate.h"

#include <string.h>

#define HOUR_S 3600.0

/* Of the lab's captures, each kernel at both ends, timestamps on, IPv4. IPv6 adds 20 bytes a
 * packet: 1,088 on 6.18. 6.1 asks for keepalives of the connection's first subflow only; those of
 * the others come every two hours (multipath-tcp/mptcp_net-next#383). MPTCP.org's 5.4 probes only
 * when the whole connection is idle. */
const struct estimate_kernel estimate_kernels[] = {
	{"6.18", {832, 848}, true, true, "measured on Linux 6.18: 832 to 848 B"},
	{"6.1", {1136, 1152}, true, false, "measured on Linux 6.1: 1,136 to 1,152 B"},
	{"5.4", {464, 536}, false, true, "measured on MPTCP.org's 5.4 (v0): 464 to 536 B"},
};
const size_t estimate_n_kernels = sizeof(estimate_kernels) / sizeof(*estimate_kernels);

const struct estimate_extra estimate_extras[] = {
	{"wireguard",
         "MPTCP over WireGuard: keepalives every 28 s, new keys",
         {8e3, 11e3},
         "sizes of its messages"},
	{"openvpn",
         "MPTCP over OpenVPN (UDP): pings every 10 s",
         {48e3, 58e3},
         "sizes of its messages"},
	{"mlvpn",
         "MLVPN: a message each way every second, without data",
         {500e3, 650e3},
         "sizes of its messages"},
	{"glorytun-udp",
         "glorytun over UDP, idle",
         {35e3, 45e3},
         "its beat of 25 s, and its messages"},
	{"sqm-autorate", "sqm-autorate: four pingers every 0.5 s", {2.2e6, 2.4e6}, "its script"},
};
const size_t estimate_n_extras = sizeof(estimate_extras) / sizeof(*estimate_extras);

const struct estimate_kernel *estimate_kernel(const char *name)
{
	for (size_t i = 0; i < estimate_n_kernels; i++)
		if (strcmp(estimate_kernels[i].name, name) == 0)
			return &estimate_kernels[i];
	return NULL;
}

/* As OpenMPTCProuter is delivered. */
void estimate_defaults(struct estimate_ask *ask)
{
	*ask = (struct estimate_ask){
		.kernel = &estimate_kernels[0],
		.backups = 1,
		.hours = 24,
		.subflows = 1,
		.tracker_s = 2,
		.proxy_check_s = 10,
		.keepalive_s = 15,
		.status_s = 3600,
		.tracebox_s = 600,
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

/* Two pings a second apart to the server, their answers, and the interval: 4.5 to 6 s a cycle where
 * the interval is 2 s. The gateway's pings are not billed. */
static void add_tracker(struct estimate *estimate, const struct estimate_ask *ask)
{
	if (ask->tracker_s > 0)
		add(estimate,
		    &(struct estimate_row){
			    .id = "tracker",
			    .words = "tracker pings to the server",
			    .source = "omr-tracker: 2 pings of 84 B and their answers, then the "
				      "interval: 2.5 to 4 s more",
			    .each_low = 4 * ESTIMATE_PING,
			    .each_high = 4 * ESTIMATE_PING,
			    .per_hour = {HOUR_S / (ask->tracker_s + 4),
		                         HOUR_S / (ask->tracker_s + 2.5)}});
}

static void add_joins(struct estimate *estimate, const struct estimate_ask *ask, const char *id,
                      const char *words, double per_hour)
{
	add(estimate, &(struct estimate_row){.id = id,
	                                     .words = words,
	                                     .source = ask->kernel->source,
	                                     .measured = true,
	                                     .each_low = ask->kernel->join.low,
	                                     .each_high = ask->kernel->join.high,
	                                     .per_hour = {per_hour, per_hour}});
}

static void add_keepalives(struct estimate *estimate, const struct estimate_ask *ask)
{
	double ends_low = ask->keepalive_ends == 2 ? 2 : 1;
	double ends_high = ask->keepalive_ends == 1 ? 1 : 2;
	double often, seldom;

	if (ask->keepalive_s <= 0)
		return;
	often = HOUR_S / ask->keepalive_s * ask->subflows;
	seldom = !ask->kernel->probes_idle     ? 0
	         : !ask->kernel->keeps_cadence ? 0.5 * ask->subflows
	                                       : often;
	add(estimate,
	    &(struct estimate_row){
		    .id = "keepalive",
		    .words = "keepalives and their answers",
		    .source =
			    ask->kernel->probes_idle && ask->kernel->keeps_cadence
				    ? "measured: 128 B for a probe and its answer; one end or both"
				    : "measured: 128 B for a probe and its answer; this kernel may "
				      "not probe idle subflows",
		    .measured = true,
		    .each_low = ESTIMATE_PROBE,
		    .each_high = ESTIMATE_PROBE,
		    .per_hour = {seldom * ends_low, often * ends_high}});
}

static void add_checks(struct estimate *estimate, const struct estimate_ask *ask)
{
	if (ask->status_s > 0)
		add(estimate, &(struct estimate_row){.id = "status",
		                                     .words = "public address asked of the server",
		                                     .source = "a TLS request to port 65500",
		                                     .each_low = 5e3,
		                                     .each_high = 5e3,
		                                     .per_hour = {HOUR_S / ask->status_s,
		                                                  HOUR_S / ask->status_s}});
	if (ask->tracebox_s > 0)
		add(estimate,
		    &(struct estimate_row){
			    .id = "tracebox",
			    .words = "check whether the path lets MPTCP through",
			    .source = "OpenMPTCProuter's script: a TLS request",
			    .each_low = 5.5e3,
			    .each_high = 6e3,
			    .per_hour = {HOUR_S / ask->tracebox_s, HOUR_S / ask->tracebox_s}});
}

void estimate_make(struct estimate *estimate, const struct estimate_ask *ask)
{
	memset(estimate, 0, sizeof(*estimate));
	add_joins(estimate, ask, "connections", "opening and closing, for each connection",
	          ask->conns_per_hour);
	add_tracker(estimate, ask);
	if (ask->proxy_check_s > 0)
		add_joins(estimate, ask, "proxy_check", "the same, for each check of the proxy",
		          HOUR_S / ask->proxy_check_s);
	add_keepalives(estimate, ask);
	add_checks(estimate, ask);
	for (size_t i = 0; i < estimate_n_extras; i++)
		if (ask->extras >> i & 1)
			add(estimate, &(struct estimate_row){.id = estimate_extras[i].word,
			                                     .words = estimate_extras[i].words,
			                                     .source = estimate_extras[i].source,
			                                     .bytes = estimate_extras[i].per_hour});
}
