/* SPDX-License-Identifier: MIT
 *
 * costs.c - see costs.h.
 */
#include "costs.h"

#include <string.h>

const struct cost_row costs[COST_COUNT] = {
	[COST_KEEPALIVE] = {.bytes = {128, 128},
                            .packets = 2,
                            .every_s = 15,
                            .measured = true,
                            .words = "keepalives and their answers",
                            .source =
                                    "measured: 128 B for a probe and its answer; one end or both"},
	/* two pings a second apart to the server; the gateway's are not billed */
	[COST_TRACKER] = {.bytes = {4 * 84, 4 * 84},
                          .packets = 4,
                          .every_s = 2,
                          .over_s = {2.5, 4},
                          .words = "tracker pings to the server",
                          .source = "omr-tracker: 2 pings of 84 B and their answers, then the "
                                    "interval: 2.5 to 4 s more"},
	[COST_STATUS] = {.bytes = {5e3, 5e3},
                         .every_s = 3600,
                         .words = "public address asked of the server",
                         .source = "a TLS request to port 65500"},
	[COST_TRACEBOX] = {.bytes = {5.5e3, 6e3},
                           .every_s = 600,
                           .words = "check whether the path lets MPTCP through",
                           .source = "OpenMPTCProuter's script: a TLS request"},
};

/* Of the lab's captures, each kernel at both ends, timestamps on, IPv4. IPv6 on 6.18 came to 1,088.
 * 6.1 asks for keepalives of the connection's first subflow only; those of the others come every
 * two hours (multipath-tcp/mptcp_net-next#383). MPTCP.org's 5.4 probes only when the whole
 * connection is idle. */
const struct cost_kernel cost_kernels[] = {
	{"6.18", 1, {832, 848}, true, true, "measured on Linux 6.18: 832 to 848 B"},
	{"6.1", 1, {1136, 1152}, true, false, "measured on Linux 6.1: 1,136 to 1,152 B"},
	{"5.4", 0, {464, 536}, false, true, "measured on MPTCP.org's 5.4 (v0): 464 to 536 B"},
};
const size_t cost_n_kernels = sizeof(cost_kernels) / sizeof(*cost_kernels);

const struct cost_extra cost_extras[] = {
	{"wireguard",
         "MPTCP over WireGuard: keepalives every 28 s, new keys",
         {8e3, 11e3},
         "sizes of its messages",
         {"wireguard"}},
	{"openvpn",
         "MPTCP over OpenVPN (UDP): pings every 10 s",
         {48e3, 58e3},
         "sizes of its messages",
         {"openvpn", "mqvpn"}},
	{"mlvpn",
         "MLVPN: a message each way every second, without data",
         {500e3, 650e3},
         "sizes of its messages",
         {"mlvpn", "ubond"}},
	{"glorytun-udp",
         "glorytun over UDP, idle",
         {35e3, 45e3},
         "its beat of 25 s, and its messages",
         {"glorytun", "dsvpn"}},
	{"sqm-autorate",
         "sqm-autorate: four pingers every 0.5 s",
         {2.2e6, 2.4e6},
         "its script",
         {NULL}},
};
const size_t cost_n_extras = sizeof(cost_extras) / sizeof(*cost_extras);

const struct cost_kernel *cost_kernel(const char *name)
{
	for (size_t i = 0; i < cost_n_kernels; i++)
		if (strcmp(cost_kernels[i].name, name) == 0)
			return &cost_kernels[i];
	return NULL;
}

const struct cost_extra *cost_extra_of(const char *app)
{
	for (size_t i = 0; i < cost_n_extras; i++)
		for (size_t k = 0; k < COST_APPS && cost_extras[i].apps[k]; k++)
			if (strcmp(cost_extras[i].apps[k], app) == 0)
				return &cost_extras[i];
	return NULL;
}
