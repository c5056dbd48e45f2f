/* SPDX-License-Identifier: MIT */
#include "decode.h"

#include "bytes.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,

	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,

	VLAN_DEPTH = 8,
	EXTENSION_DEPTH = 16,

	PROTO_HOPOPTS = 0,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_DSTOPTS = 60,
	PROTO_MOBILITY = 135,
};

static void decode_tcp(struct segment *s, struct bytes b)
{
	if (s->transport_len < 20 || !bytes_has(&b, 20)) {
		s->result = s->transport_len < 20 ? DECODE_MALFORMED : DECODE_CUT;
		return;
	}
	const uint8_t *h = b.at;
	uint32_t header = (uint32_t)(h[12] >> 4) * 4;
	if (header < 20 || header > s->transport_len) {
		s->result = DECODE_MALFORMED;
		return;
	}
	s->sport = be16(h);
	s->dport = be16(h + 2);
	s->seq = be32(h + 4);
	s->ack = be32(h + 8);
	s->flags = h[13] & 0x1f;
	s->window = be16(h + 14);
	s->payload_len = s->transport_len - header;
	s->options = h + 20;
	uint32_t cap = (uint32_t)bytes_left(&b);
	s->options_cut = cap < header;
	s->options_len = (uint8_t)((s->options_cut ? cap : header) - 20);
	s->payload = h + 20 + s->options_len;
	uint32_t behind = s->options_cut ? 0 : cap - header;
	s->payload_cap = behind < s->payload_len ? behind : s->payload_len;
	s->result = DECODE_TCP;
}

static void decode_transport(struct segment *s, struct bytes b, uint32_t len)
{
	s->transport = b.at;
	s->transport_cap = (uint32_t)bytes_left(&b);
	if (s->transport_cap > len)
		s->transport_cap = len;
	b.end = b.at + s->transport_cap;
	s->transport_len = len;
	s->result = DECODE_OTHER;
	if (s->later_fragment)
		return;
	if (s->proto == PROTO_TCP) {
		decode_tcp(s, b);
	} else if (s->proto == PROTO_UDP && bytes_has(&b, 4)) {
		s->sport = be16(b.at);
		s->dport = be16(b.at + 2);
	}
}

/* `wire` is the number of bytes on the wire from the IP header on: what counts when the header says
 * 0, as it does for super-frames above 64 KiB. */
static void decode_ipv4(struct segment *s, struct bytes b, uint32_t wire)
{
	s->result = DECODE_CUT;
	if (!bytes_has(&b, 20))
		return;
	const uint8_t *h = b.at;
	uint32_t header = (uint32_t)(h[0] & 0x0f) * 4;
	uint32_t total = be16(h + 2);
	if (total == 0)
		total = wire;
	if (h[0] >> 4 != 4 || header < 20 || total < header) {
		s->result = DECODE_MALFORMED;
		return;
	}
	s->family = 4;
	s->tos = h[1];
	s->ip_id = be16(h + 4);
	uint16_t offset = be16(h + 6);
	s->fragment = (offset & 0x3fff) != 0;
	s->later_fragment = (offset & 0x1fff) != 0;
	s->ttl = h[8];
	s->proto = h[9];
	s->src = h + 12;
	s->dst = h + 16;
	s->ip_bytes = total;
	if (!bytes_has(&b, header))
		return;
	bytes_take(&b, header);
	decode_transport(s, b, total - header);
}

/* Step over one extension header. Returns false when it is cut or malformed (s->result says which).
 */
static bool skip_extension(struct segment *s, struct bytes *b, uint32_t *len)
{
	s->result = DECODE_CUT;
	if (!bytes_has(b, 8))
		return false;
	uint8_t this = s->proto;
	uint32_t size = this == PROTO_FRAGMENT ? 8
	                : this == PROTO_AH     ? ((uint32_t)b->at[1] + 2) * 4
	                                       : ((uint32_t)b->at[1] + 1) * 8;
	if (size > *len) {
		s->result = DECODE_MALFORMED;
		return false;
	}
	if (!bytes_has(b, size))
		return false;
	if (this == PROTO_FRAGMENT) {
		uint16_t offset = be16(b->at + 2);
		s->fragment = true;
		s->later_fragment = (offset & 0xfff8) != 0;
	}
	s->proto = b->at[0];
	bytes_take(b, size);
	*len -= size;
	return true;
}

static bool is_extension(uint8_t proto)
{
	return proto == PROTO_HOPOPTS || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_AH || proto == PROTO_DSTOPTS || proto == PROTO_MOBILITY;
}

static void decode_ipv6(struct segment *s, struct bytes b, uint32_t wire)
{
	s->result = DECODE_CUT;
	if (!bytes_has(&b, 40))
		return;
	const uint8_t *h = bytes_take(&b, 40);
	if (h[0] >> 4 != 6) {
		s->result = DECODE_MALFORMED;
		return;
	}
	uint32_t len = be16(h + 4);
	if (len == 0 && wire > 40)
		len = wire - 40; /* jumbogram or super-frame */
	s->family = 6;
	s->tos = (uint8_t)(be16(h) >> 4 & 0xff);
	s->ttl = h[7];
	s->proto = h[6];
	s->src = h + 8;
	s->dst = h + 24;
	s->ip_bytes = 40 + len;
	for (int depth = 0; is_extension(s->proto) && !s->later_fragment; depth++) {
		if (depth == EXTENSION_DEPTH) {
			s->result = DECODE_MALFORMED;
			return;
		}
		if (!skip_extension(s, &b, &len))
			return;
	}
	decode_transport(s, b, len);
}

static void decode_ip(struct segment *s, struct bytes b, uint32_t wire)
{
	if (!bytes_has(&b, 1)) {
		s->result = DECODE_CUT;
		return;
	}
	s->link = b.at;
	s->link_cap = (uint32_t)bytes_left(&b);
	switch (b.at[0] >> 4) {
	case 4:
		s->ethertype = ETHERTYPE_IPV4;
		decode_ipv4(s, b, wire);
		break;
	case 6:
		s->ethertype = ETHERTYPE_IPV6;
		decode_ipv6(s, b, wire);
		break;
	default:
		s->result = DECODE_MALFORMED;
	}
}

static void decode_ppp(struct segment *s, struct bytes b, uint32_t wire)
{
	s->result = DECODE_CUT;
	if (bytes_has(&b, 2) && b.at[0] == 0xff &&
	    b.at[1] == 0x03) { /* address, control (RFC 1662) */
		bytes_take(&b, 2);
		wire -= wire >= 2 ? 2 : wire;
	}
	if (!bytes_has(&b, 1) || (b.at[0] == 0xff && !bytes_has(&b, 2)))
		return;
	uint16_t proto = bytes_u8(&b);
	wire -= wire >= 1 ? 1 : wire;
	if ((proto & 1) == 0) { /* not compressed to one byte */
		if (!bytes_has(&b, 1))
			return;
		proto = (uint16_t)(proto << 8 | bytes_u8(&b));
		wire -= wire >= 1 ? 1 : wire;
	}
	s->link = b.at;
	s->link_cap = (uint32_t)bytes_left(&b);
	if (proto == PPP_IPV4) {
		s->ethertype = ETHERTYPE_IPV4;
		decode_ipv4(s, b, wire);
	} else if (proto == PPP_IPV6) {
		s->ethertype = ETHERTYPE_IPV6;
		decode_ipv6(s, b, wire);
	} else {
		s->ppp_proto = proto;
		s->result = DECODE_OTHER;
	}
}

static void decode_pppoe(struct segment *s, struct bytes b, uint32_t wire)
{
	if (!bytes_has(&b, 6)) {
		s->result = DECODE_CUT;
		return;
	}
	bytes_take(&b, 6);
	s->ethertype = ETHERTYPE_PPPOE_SESSION;
	decode_ppp(s, b, wire >= 6 ? wire - 6 : 0);
}

static void decode_ethertype(struct segment *s, struct bytes b, uint32_t wire, uint16_t type)
{
	for (int depth = 0;
	     type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
	     depth++) {
		if (!bytes_has(&b, 4) || depth == VLAN_DEPTH) {
			s->result = DECODE_CUT;
			return;
		}
		bytes_take(&b, 2);
		type = bytes_u16(&b);
		wire -= wire >= 4 ? 4 : wire;
	}
	s->ethertype = type;
	s->link = b.at;
	s->link_cap = (uint32_t)bytes_left(&b);
	if (type == ETHERTYPE_IPV4)
		decode_ipv4(s, b, wire);
	else if (type == ETHERTYPE_IPV6)
		decode_ipv6(s, b, wire);
	else if (type == ETHERTYPE_PPPOE_SESSION)
		decode_pppoe(s, b, wire);
	else
		s->result = DECODE_OTHER;
}

/* Skip a link header of `size` bytes whose EtherType stands at `type_at`. */
static void decode_cooked(struct segment *s, struct bytes b, uint32_t wire, uint32_t size,
                          uint32_t type_at)
{
	if (!bytes_has(&b, size)) {
		s->result = DECODE_CUT;
		return;
	}
	const uint8_t *h = bytes_take(&b, size);
	decode_ethertype(s, b, wire >= size ? wire - size : 0, be16(h + type_at));
}

static void decode_family(struct segment *s, struct bytes b, uint32_t wire)
{
	if (!bytes_has(&b, 4)) {
		s->result = DECODE_CUT;
		return;
	}
	bytes_take(&b, 4); /* AF_ numbers differ between systems: the IP version tells */
	decode_ip(s, b, wire >= 4 ? wire - 4 : 0);
}

void decode_frame(const struct frame *frame, struct segment *s)
{
	struct bytes b = bytes_of(frame->data, frame->caplen);
	uint32_t wire = frame->wire_len;

	*s = (struct segment){.link = frame->data, .link_cap = frame->caplen};
	switch (frame->linktype) {
	case LINK_ETHERNET:
		decode_cooked(s, b, wire, 14, 12);
		break;
	case LINK_SLL:
		decode_cooked(s, b, wire, 16, 14);
		break;
	case LINK_SLL2:
		decode_cooked(s, b, wire, 20, 0);
		break;
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
	case 12: /* DLT_RAW as some systems wrote it */
	case 14:
		decode_ip(s, b, wire);
		break;
	case LINK_PPP:
		decode_ppp(s, b, wire);
		break;
	case LINK_PPP_ETHER:
		decode_pppoe(s, b, wire);
		break;
	case LINK_NULL:
	case LINK_LOOP:
		decode_family(s, b, wire);
		break;
	default:
		s->result = DECODE_UNKNOWN_LINK;
	}
}
