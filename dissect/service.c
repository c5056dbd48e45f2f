/* SPDX-License-Identifier: MIT
 *
 * service.c - what OpenMPTCProuter and its neighbours run where.
 *
 * Ports above 65000 are those of OpenMPTCProuter's server (its firewall opens 65000-65535); Linux
 * does not use them as client ports, so either side of a packet may be the server's.
 */
#include "service.h"

#include <netinet/in.h>
#include <string.h>

#define TCP IPPROTO_TCP
#define UDP IPPROTO_UDP

const struct service services[] = {
	/* OpenMPTCProuter */
	{TCP, 65222, 65222, "ssh", false},
	{TCP, 65500, 65500, "omr-api", false},
	{TCP, 65400, 65400, "iperf3", false},
	{UDP, 65400, 65400, "iperf3", false},
	{TCP, 65101, 65101, "shadowsocks", false},
	{UDP, 65101, 65101, "shadowsocks", false},
	{TCP, 65279, 65280, "shadowsocks", false},
	{UDP, 65279, 65280, "shadowsocks", false},
	{TCP, 65001, 65001, "glorytun", false},
	{UDP, 65001, 65001, "glorytun", false},
	{TCP, 65401, 65401, "dsvpn", false},
	{TCP, 65011, 65011, "dsvpn", false},
	{TCP, 65301, 65301, "openvpn", false},
	{UDP, 65301, 65301, "openvpn", false},
	{UDP, 65351, 65358, "openvpn", false},
	{UDP, 65201, 65208, "mlvpn", false},
	{UDP, 65251, 65258, "ubond", false},
	{UDP, 65311, 65312, "wireguard", false},
	{TCP, 65228, 65231, "v2ray", false},
	{UDP, 65228, 65231, "v2ray", false},
	{TCP, 65248, 65252, "xray", false},
	{UDP, 65248, 65250, "xray", false},
	{UDP, 65443, 65443, "mqvpn", false},
	{TCP, 65390, 65390, "softether", false},

	/* the access link's own */
	{UDP, 67, 68, "dhcp", true},
	{UDP, 546, 547, "dhcp6", true},
	{UDP, 5353, 5353, "mdns", true},
	{UDP, 1900, 1900, "ssdp", true},

	/* well known */
	{UDP, 53, 53, "dns", false},
	{TCP, 53, 53, "dns", false},
	{TCP, 853, 853, "dns-over-tls", false},
	{UDP, 123, 123, "ntp", false},
	{TCP, 22, 22, "ssh", false},
	{TCP, 80, 80, "http", false},
	{TCP, 443, 443, "https", false},
	{UDP, 443, 443, "quic", false},
	{UDP, 500, 500, "ipsec-ike", false},
	{UDP, 4500, 4500, "ipsec-nat-t", false},
	{UDP, 1194, 1194, "openvpn", false},
	{TCP, 1194, 1194, "openvpn", false},
	{UDP, 51820, 51820, "wireguard", false},
	{TCP, 5201, 5201, "iperf3", false},
	{UDP, 5201, 5201, "iperf3", false},
	{TCP, 8080, 8080, "http", false},
};
const size_t n_services = sizeof(services) / sizeof(services[0]);

struct number_label {
	uint16_t number;
	const char *label;
};

static const char *label_of(const struct number_label *rows, size_t count, uint16_t number)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].number == number)
			return rows[i].label;
	return NULL;
}

#define LABEL_OF(rows, number) label_of(rows, sizeof(rows) / sizeof(rows[0]), number)

const char *service_ip_proto(uint8_t proto)
{
	static const struct number_label rows[] = {
		{1, "icmp"},      {2, "igmp"},       {4, "ip-in-ip"}, {6, "tcp"},
		{17, "udp"},      {41, "ip6-in-ip"}, {47, "gre"},     {50, "ipsec-esp"},
		{51, "ipsec-ah"}, {58, "icmp6"},     {115, "l2tp"},   {132, "sctp"},
	};

	return LABEL_OF(rows, proto);
}

const char *service_ethertype(uint16_t ethertype)
{
	static const struct number_label rows[] = {
		{0x0806, "arp"},  {0x8863, "pppoe-discovery"},
		{0x88cc, "lldp"}, {0x888e, "eapol"},
		{0x8809, "lacp"}, {0x8847, "mpls"},
	};

	return LABEL_OF(rows, ethertype);
}

const char *service_ppp(uint16_t ppp_proto)
{
	static const struct number_label rows[] = {
		{0xc021, "lcp"}, {0x8021, "ipcp"}, {0x8057, "ipv6cp"},
		{0xc023, "pap"}, {0xc223, "chap"}, {0x80fd, "ccp"},
	};

	return LABEL_OF(rows, ppp_proto);
}

/* omr-tracker runs `ping -Q 184`: expedited forwarding, which a ping by hand does not set. */
#define TRACKER_TOS 0xb8

bool service_icmp_local(uint8_t family, uint8_t type)
{
	return family == 6 && type >= 133 && type <= 137;
}

const char *service_icmp(uint8_t family, uint8_t type, uint8_t tos)
{
	bool echo = family == 4 ? type == 0 || type == 8 : type == 128 || type == 129;

	if (echo)
		return tos == TRACKER_TOS ? "icmp-tracker" : "icmp-echo";
	if (service_icmp_local(family, type))
		return "nd";
	return family == 4 ? "icmp" : "icmp6";
}

static bool local_ipv4(const uint8_t *a)
{
	static const uint8_t zero[4], ones[4] = {255, 255, 255, 255};

	return (a[0] == 169 && a[1] == 254) || (a[0] & 0xf0) == 224 || !memcmp(a, zero, 4) ||
	       !memcmp(a, ones, 4);
}

static bool home_ipv4(const uint8_t *a)
{
	return (a[0] == 192 && a[1] == 168) || (a[0] == 172 && (a[1] & 0xf0) == 16);
}

static bool local_ipv6(const uint8_t *a)
{
	static const uint8_t zero[16];

	return (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || a[0] == 0xff || !memcmp(a, zero, 16);
}

bool service_local(uint8_t family, const uint8_t *src, const uint8_t *dst)
{
	if (family == 4)
		return local_ipv4(src) || local_ipv4(dst) ||
		       (home_ipv4(src) && !memcmp(src, dst, 3));
	if (family == 6)
		return local_ipv6(src) || local_ipv6(dst) ||
		       ((src[0] & 0xfe) == 0xfc && !memcmp(src, dst, 8));
	return true;
}
