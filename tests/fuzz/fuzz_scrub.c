/* SPDX-License-Identifier: MIT
 *
 * fuzz_scrub.c - any bytes as one frame of each link type, scrubbed: what stays is read as the
 * whole frame was, is not longer, and has no byte of payload; and the same frame twice is the same.
 */
#include "../../dissect/option.h"
#include "../../dissect/scrub.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static const uint16_t links[] = {LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_PPP_ETHER,
                                 LINK_RAW,  LINK_LOOP,     LINK_SLL, LINK_IPV4,
                                 LINK_IPV6, LINK_SLL2,     147};

/* What a header says, but for names. */
static void must_agree(const struct frame *was, const struct frame *is)
{
	struct segment a, b;
	struct options o, p;

	decode_frame(was, &a);
	decode_frame(is, &b);
	MUST(a.result == b.result && a.family == b.family && a.proto == b.proto);
	MUST(a.ethertype == b.ethertype && a.ppp_proto == b.ppp_proto);
	MUST(a.ip_bytes == b.ip_bytes && a.tos == b.tos && a.ttl == b.ttl && a.ip_id == b.ip_id);
	MUST(a.fragment == b.fragment && a.later_fragment == b.later_fragment);
	MUST(a.transport_len == b.transport_len && a.sport == b.sport && a.dport == b.dport);
	if (a.result != DECODE_TCP)
		return;
	MUST(a.flags == b.flags && a.seq == b.seq && a.ack == b.ack && a.window == b.window);
	MUST(a.payload_len == b.payload_len && b.payload_cap == 0);
	MUST(a.options_len == b.options_len && a.options_cut == b.options_cut);
	options_read(&o, &a);
	options_read(&p, &b);
	MUST(o.subtypes == p.subtypes && o.malformed == p.malformed && o.cut == p.cut);
	MUST(o.cut_inside == p.cut_inside && o.unknown == p.unknown && o.n_add == p.n_add);
	MUST(o.mss == p.mss && o.has_timestamps == p.has_timestamps);
	if (options_have(&o, MP_DSS))
		MUST(o.dss.flags == p.dss.flags && o.dss.has == p.dss.has &&
		     (!(o.dss.has & DSS_HAS_LEN) || o.dss.len == p.dss.len));
	if (options_have(&o, MP_CAPABLE))
		MUST(o.capable.keys == p.capable.keys && o.capable.version == p.capable.version &&
		     o.capable.flags == p.capable.flags);
	if (options_have(&o, MP_JOIN))
		MUST(o.join.len == p.join.len && o.join.id == p.join.id &&
		     o.join.backup == p.join.backup);
}

static uint32_t scrub_bytes(struct scrub *scrub, const struct frame *frame, uint8_t *out)
{
	struct frame copy = *frame;

	/* of its own, and no larger: reading or writing behind it is seen */
	uint8_t *bytes = malloc(frame->caplen ? frame->caplen : 1);
	MUST(bytes);
	memcpy(bytes, frame->data, frame->caplen);
	copy.data = bytes;
	uint32_t kept = scrub_frame(scrub, &copy, bytes);
	MUST(kept <= frame->caplen);
	memcpy(out, bytes, kept);
	free(bytes);
	return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[DISGUISE_SECRET] = {1, 2, 3};
	static struct kin *kin;
	static struct scrub *scrub;
	uint8_t once[4096], twice[4096];

	if (!scrub) {
		kin = kin_new();
		MUST(kin && kin_seal(kin) == KIN_FINE);
		scrub = scrub_new(secret, kin);
		MUST(scrub);
	}
	if (size < 1 || size > sizeof(once))
		return 0;
	const struct frame frame = {.data = data + 1,
	                            .caplen = (uint32_t)size - 1,
	                            .wire_len = (uint32_t)size - 1,
	                            .linktype = links[data[0] % (sizeof(links) / sizeof(*links))]};
	uint32_t kept = scrub_bytes(scrub, &frame, once);
	struct frame is = frame;
	is.data = once;
	is.caplen = kept;
	must_agree(&frame, &is);
	MUST(scrub_bytes(scrub, &frame, twice) == kept && memcmp(once, twice, kept) == 0);
	return 0;
}
