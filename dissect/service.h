/* SPDX-License-Identifier: MIT
 *
 * service.h - labels that follow from numbers alone: ports, IP protocols, EtherTypes, PPP
 * protocols, ICMP types.
 *
 * Pure tables; no state. Labels are static, lower-case, [a-z0-9-].
 */
#ifndef DISSECT_SERVICE_H
#define DISSECT_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A service by its ports. Earlier rows win over later ones. */
struct service {
	uint8_t proto;        /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t first, last; /* ports of the server's side */
	const char *label;
	bool local; /* its traffic never leaves the access link */
};
extern const struct service services[];
extern const size_t n_services;

/* A label for a number, NULL when the table does not know it. */
const char *service_ip_proto(uint8_t proto);
const char *service_ethertype(uint16_t ethertype);
const char *service_ppp(uint16_t ppp_proto);

/* ICMP and ICMPv6: "icmp-tracker" (an echo with omr-tracker's TOS), "icmp-echo", "nd", else "icmp"
 * or "icmp6". */
const char *service_icmp(uint8_t family, uint8_t type, uint8_t tos);

/* True for neighbour discovery: RFC 4861 accepts it with hop limit 255 only, so it never was
 * routed. */
bool service_icmp_local(uint8_t family, uint8_t type);

/*
 * True when the addresses (4 or 16 bytes) say that a packet stays on the access link: link-local,
 * multicast, broadcast or unspecified, or both in one /24 of 192.168.0.0/16 or 172.16.0.0/12, or
 * one /64 of fc00::/7. Addresses of 10.0.0.0/8 and 100.64.0.0/10 do not: carriers number their own
 * gateways so, and bill for them.
 */
bool service_local(uint8_t family, const uint8_t *src, const uint8_t *dst);

#endif
