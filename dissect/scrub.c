/* SPDX-License-Identifier: MIT */
#include "scrub.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "digest.h"
#include "scrub_inside.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_LEAST = 0x0600, /* below: the length of an IEEE 802.3 frame */

	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMP6 = 58,

	MAC = 6,
	ARP_LENGTH = 28,
	ARP_HEAD = 8,
	LLC = 3,
	PPPOE_HEAD = 6,
	PPP_ESCAPE = 0xff, /* as a protocol in one byte it is only read when another follows */
	IP_LENGTH =
		4, /* of an IP header that says too little: to its length, if it is one at all */
	EXTENSIONS = 16, /* as decode.c reads */
	OPTION_NOP = 1,
	OPTION_PADN = 1,
};

/* ---- sums ---- */

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t scrub_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
	size_t i = 0;

	for (; i + 1 < length; i += 2)
		sum = fold(sum) + be16(bytes + i);
	return i < length ? fold(sum) + ((uint32_t)bytes[i] << 8) : sum;
}

uint16_t scrub_checksum(uint16_t checksum, uint32_t was, uint32_t is)
{
	uint16_t right = (uint16_t)~fold(is);

	return fold(fold(was) + checksum) == 0xffff ? right : (uint16_t)(right ^ 1);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* ---- link headers ---- */

static void change_mac(struct scrub *scrub, uint8_t *mac, bool is_mac, size_t field)
{
	if (is_mac)
		disguise_mac(scrub->disguise, mac);
	size_t kept = is_mac ? MAC : 0;
	memset(mac + kept, 0, field - kept);
}

/* Returns how many bytes of it stay where the header is cut: those before an address. */
static uint32_t change_link(struct scrub *scrub, uint16_t linktype, uint8_t *data, uint32_t caplen)
{
	switch (linktype) {
	case LINK_ETHERNET:
		if (caplen < 14)
			return 0;
		change_mac(scrub, data, true, MAC);
		change_mac(scrub, data + MAC, true, MAC);
		return 14;
	case LINK_SLL:
		if (caplen < 16)
			return caplen < 6 ? caplen : 6;
		change_mac(scrub, data + 6, be16(data + 4) == MAC, 8);
		return 16;
	case LINK_SLL2:
		if (caplen < 20)
			return caplen < 12 ? caplen : 12;
		memset(data + 2, 0, 2); /* reserved */
		change_mac(scrub, data + 12, data[11] == MAC, 8);
		return 20;
	default:
		return 0;
	}
}

static uint32_t change_arp(struct scrub *scrub, uint8_t *arp, uint32_t captured)
{
	static const uint8_t ethernet_ipv4[6] = {0, 1, 0x08, 0, MAC, 4};

	if (captured < ARP_LENGTH || memcmp(arp, ethernet_ipv4, sizeof(ethernet_ipv4)) != 0)
		return captured < ARP_HEAD ? captured : ARP_HEAD;
	for (uint8_t *end = arp + ARP_HEAD; end < arp + ARP_LENGTH; end += MAC + 4) {
		disguise_mac(scrub->disguise, end);
		disguise_address(scrub->disguise, 4, end + MAC);
	}
	return ARP_LENGTH;
}

/* What follows the link header: how much of it is needed to be read as the same, and how much of
 * that must be what it was. */
struct least {
	uint32_t bytes, same;
};

static struct least least_of_ip(const struct segment *s, unsigned version, uint32_t header)
{
	bool is_one = s->link_cap > 0 && s->link[0] >> 4 == version;
	struct least least = {.bytes = IP_LENGTH, .same = is_one ? IP_LENGTH : 1};

	if (s->result == DECODE_MALFORMED)
		least.bytes = header;
	return least;
}

static struct least least_of(const struct segment *s)
{
	uint32_t n = s->result == DECODE_MALFORMED;

	if (s->ppp_proto)
		return (struct least){s->ppp_proto == PPP_ESCAPE, 0};
	switch (s->ethertype) {
	case ETHERTYPE_IPV4:
		return least_of_ip(s, 4, 20);
	case ETHERTYPE_IPV6:
		return least_of_ip(s, 6, 40);
	case ETHERTYPE_PPPOE:
		return (struct least){PPPOE_HEAD, PPPOE_HEAD};
	default:
		if (s->ethertype > 0 && s->ethertype < ETHERTYPE_LEAST)
			n = LLC;
		return (struct least){n, n};
	}
}

/* What is no IP, or too little of it to be read as such: `kept` bytes of link headers are in order.
 */
static uint32_t change_other(struct scrub *scrub, const struct segment *s, uint8_t *data,
                             uint32_t kept)
{
	uint32_t at = (uint32_t)(s->link - data);
	struct least least = least_of(s);

	if (at == 0 && s->ethertype == 0) /* the link header itself is cut, or there is none */
		return s->result == DECODE_MALFORMED ? 1 : kept;
	if (s->ethertype == ETHERTYPE_ARP)
		return at + change_arp(scrub, data + at, s->link_cap);
	if (least.bytes > s->link_cap)
		least.bytes = s->link_cap;
	if (least.bytes > least.same)
		memset(data + at + least.same, 0, least.bytes - least.same);
	return at + least.bytes;
}

/* ---- transport ---- */

/* What a checksum of TCP, UDP or ICMPv6 covers beside the packet itself. */
static uint32_t pseudo_sum(const struct segment *s)
{
	size_t n = s->family == 4 ? 4 : 16;
	uint32_t sum = scrub_sum(0, s->src, n);

	sum = scrub_sum(sum, s->dst, n);
	return fold(sum) + s->proto + (s->transport_len >> 16) + (s->transport_len & 0xffff);
}

struct covered {
	bool pseudo;
	uint32_t header; /* bytes of it that stay */
	uint32_t at;     /* of the checksum */
};

static bool how_covered(const struct segment *s, struct covered *c)
{
	switch (s->proto) {
	case PROTO_TCP: /* where its length lies, the fixed header stays */
		*c = (struct covered){true, 20u + (s->result == DECODE_TCP ? s->options_len : 0),
		                      16};
		break;
	case PROTO_UDP:
		*c = (struct covered){true, 8, 6};
		break;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		*c = (struct covered){s->proto == PROTO_ICMP6, 8, 2};
		break;
	default:
		return false;
	}
	return s->transport_cap >= c->header;
}

/* What is behind the header, or in later fragments, counts as zeros; where nothing is, what was
 * wrong stays so. `was`: the sum of header and pseudo header before they changed. */
static void change_checksum(const struct segment *s, const struct covered *c, uint32_t was,
                            uint8_t *header)
{
	uint16_t checksum = (uint16_t)be16(header + c->at), now;
	uint32_t sum = c->pseudo ? pseudo_sum(s) : 0;

	if (s->proto == PROTO_UDP && checksum == 0)
		return; /* none was sent */
	put16(header + c->at, 0);
	sum = scrub_sum(sum, header, c->header);
	now = s->transport_len > c->header || s->fragment ? (uint16_t)~fold(sum)
	                                                  : scrub_checksum(checksum, was, sum);
	put16(header + c->at, now == 0 && s->proto == PROTO_UDP ? 0xffff : now);
}

static uint32_t sum_before(const struct segment *s, const struct covered *c)
{
	uint32_t sum = c->pseudo ? pseudo_sum(s) : 0;

	sum = scrub_sum(sum, s->transport, c->at);
	return scrub_sum(sum, s->transport + c->at + 2, c->header - c->at - 2);
}

/* An echo has its id and number behind type and checksum; other messages may have an address. */
static bool is_echo(const struct segment *s)
{
	uint8_t type = s->transport[0];

	return s->proto == PROTO_ICMP ? type == 0 || type == 8 : type == 128 || type == 129;
}

/* Of a header that is cut: ports, or type and code, not what is a sum over what goes. */
static uint32_t least_of_transport(const struct segment *s)
{
	uint32_t least = s->proto == PROTO_UDP                               ? 4
	                 : s->proto == PROTO_ICMP || s->proto == PROTO_ICMP6 ? 2
	                                                                     : 0;

	return s->transport_cap < least ? s->transport_cap : least;
}

/* Returns how many bytes behind the IP headers stay. */
static uint32_t change_header(struct scrub *scrub, const struct segment *s, uint64_t ts_ns,
                              uint8_t *header)
{
	struct covered c;

	if (s->result == DECODE_TCP)
		scrub_options(scrub, s, ts_ns, header + 20);
	if (!how_covered(s, &c))
		return least_of_transport(s);
	if ((s->proto == PROTO_ICMP || s->proto == PROTO_ICMP6) && !is_echo(s))
		memset(header + 4, 0, 4);
	return c.header;
}

/* ---- IP ---- */

/* Hop-by-hop and destination options become padding, a routing header and what an authentication
 * header signs zeros. */
static void change_extension(uint8_t *header, uint8_t proto, uint32_t size, uint32_t there)
{
	bool options = proto != PROTO_FRAGMENT && proto != PROTO_AH && proto != PROTO_ROUTING;

	if (proto != PROTO_FRAGMENT)
		memset(header + 2, 0, there - 2);
	if (options && size <= 256) { /* zeros in a larger one are Pad1 */
		header[2] = OPTION_PADN;
		header[3] = (uint8_t)(size - 4);
	}
}

/* Returns where the transport header begins; or the end of what stays, where an extension header is
 * cut or says nonsense: eight bytes of that one, so that it still does. */
static uint32_t change_extensions(const struct segment *s, uint8_t *packet, uint32_t captured)
{
	uint32_t at = 40, end = s->transport ? (uint32_t)(s->transport - packet) : captured;
	uint8_t proto = packet[6];

	for (unsigned i = 0; i < EXTENSIONS && at + 8 <= end; i++) {
		uint32_t size = proto == PROTO_FRAGMENT ? 8
		                : proto == PROTO_AH     ? ((uint32_t)packet[at + 1] + 2) * 4
		                                        : ((uint32_t)packet[at + 1] + 1) * 8;
		bool readable = size <= end - at && size <= s->ip_bytes - at;
		uint8_t next = packet[at];

		change_extension(packet + at, proto, size, readable ? size : 8);
		if (!readable)
			return at + 8;
		at += size;
		proto = next;
	}
	return at;
}

static void change_addresses(struct scrub *scrub, const struct segment *s, uint8_t *packet)
{
	size_t n = s->family == 4 ? 4 : 16;
	uint8_t *src = packet + (s->family == 4 ? 12 : 8);

	disguise_address(scrub->disguise, s->family, src);
	disguise_address(scrub->disguise, s->family, src + n);
}

static uint32_t change_ipv6(struct scrub *scrub, const struct segment *s, uint8_t *packet,
                            uint32_t captured)
{
	change_addresses(scrub, s, packet);
	return change_extensions(s, packet, captured);
}

/* Addresses and options; returns where the transport header begins, or the end of what stays. */
static uint32_t change_ipv4(struct scrub *scrub, const struct segment *s, uint8_t *packet)
{
	uint32_t header = s->transport ? (uint32_t)(s->transport - packet) : 20;
	uint32_t was = scrub_sum(scrub_sum(0, packet, 10), packet + 12, header - 12);

	change_addresses(scrub, s, packet);
	memset(packet + 20, OPTION_NOP, header - 20);
	put16(packet + 10,
	      scrub_checksum((uint16_t)be16(packet + 10), was,
	                     scrub_sum(scrub_sum(0, packet, 10), packet + 12, header - 12)));
	return header;
}

static uint32_t change_ip(struct scrub *scrub, const struct segment *s, uint64_t ts_ns,
                          uint8_t *data, uint32_t caplen)
{
	uint32_t at = (uint32_t)(s->src - data) - (s->family == 4 ? 12 : 8), was = 0, kept = 0;
	uint8_t *packet = data + at, *header = NULL;
	struct covered c;
	bool covered = s->transport && !s->later_fragment && how_covered(s, &c);

	if (s->transport && !s->later_fragment) { /* while the addresses tell whose it is */
		header = data + (s->transport - data);
		was = covered ? sum_before(s, &c) : 0;
		kept = change_header(scrub, s, ts_ns, header);
	}
	uint32_t end = s->family == 4 ? change_ipv4(scrub, s, packet)
	                              : change_ipv6(scrub, s, packet, caplen - at);
	if (covered)
		change_checksum(s, &c, was, header);
	return at + end + kept;
}

/* ---- a frame ---- */

uint32_t scrub_frame(struct scrub *scrub, const struct frame *frame, uint8_t *data)
{
	struct segment s;
	uint32_t kept;

	decode_frame(frame, &s);
	if (s.result == DECODE_UNKNOWN_LINK)
		return 0;
	kept = s.family ? change_ip(scrub, &s, frame->ts_ns, data, frame->caplen) : 0;
	uint32_t link = change_link(scrub, frame->linktype, data, frame->caplen);
	return s.family ? kept : change_other(scrub, &s, data, link);
}

/* ---- life ---- */

/* By how much the numbers of a side move when its key becomes another. */
static void set_shift(void *context, struct kin_subflow *sf)
{
	const struct scrub *scrub = context;
	uint8_t key[8];

	for (unsigned side = 0; side < 2; side++) {
		if (!sf->has_key[side] || sf->version < 0)
			continue;
		scrub_key(scrub, sf->key[side], key);
		sf->shift[side] =
			digest_idsn(sf->version, key) - digest_idsn(sf->version, sf->key[side]);
	}
}

struct scrub *scrub_new(const uint8_t secret[DISGUISE_SECRET], struct kin *kin)
{
	struct scrub *scrub = calloc(1, sizeof(*scrub));

	if (!scrub)
		return NULL;
	scrub->kin = kin;
	scrub->disguise = disguise_new(secret);
	if (!scrub->disguise) {
		free(scrub);
		return NULL;
	}
	kin_each(kin, set_shift, scrub);
	return scrub;
}

void scrub_free(struct scrub *scrub)
{
	if (!scrub)
		return;
	disguise_free(scrub->disguise);
	free(scrub);
}

struct disguise *scrub_disguise(struct scrub *scrub)
{
	return scrub->disguise;
}
