/* SPDX-License-Identifier: MIT
 *
 * fuzz_option.c - any bytes as one frame of each link type: headers, options, and their words.
 *
 * Checked: pointers and lengths stay inside what was captured, a result is one of its enum, a cut
 * is only said of a header that is longer than the capture, and reading twice gives the same.
 */
#include "../../dissect/describe.h"

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
                                 LINK_IPV6, LINK_SLL2,     12,       147};

static void must_hold(const struct frame *f, const uint8_t *at, size_t n)
{
	MUST(n == 0 || (at >= f->data && at + n <= f->data + f->caplen));
}

static void check_options(const struct frame *f, const struct options *o)
{
	for (unsigned i = 0; options_have(o, MP_CAPABLE) && i < o->capable.keys; i++)
		must_hold(f, o->capable.key[i], 8);
	if (options_have(o, MP_JOIN) && o->join.hmac)
		must_hold(f, o->join.hmac, o->join.len == 16 ? 8 : 20);
	for (unsigned i = 0; i < o->n_add; i++) {
		must_hold(f, o->add[i].addr, o->add[i].family == 4 ? 4 : 16);
		if (o->add[i].hmac)
			must_hold(f, o->add[i].hmac, 8);
	}
	if (options_have(o, MP_REMOVE_ADDR))
		must_hold(f, o->removed, o->n_removed);
	if (options_have(o, MP_FASTCLOSE))
		must_hold(f, o->fastclose_key, 8);
	MUST(o->any_mptcp || !(o->subtypes || o->unknown));
	MUST(o->cut || !o->cut_inside);
}

static void check_segment(const struct frame *f, const struct segment *s)
{
	struct options o;
	char text[160];

	must_hold(f, s->link, s->link_cap);
	must_hold(f, s->transport, s->transport_cap);
	if (s->family)
		must_hold(f, s->src, s->family == 4 ? 4 : 16);
	if (s->result != DECODE_TCP)
		return;
	must_hold(f, s->options, s->options_len);
	must_hold(f, s->payload, s->payload_cap);
	MUST(s->payload_cap <= s->payload_len && s->payload_len <= s->ip_bytes);
	MUST(s->options_len <= 40 && s->family && !s->later_fragment);
	options_read(&o, s);
	check_options(f, &o);
	describe_options(s, text, sizeof(text));
	MUST(memchr(text, '\0', sizeof(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy of its own size, so that one byte beyond is found out */
	uint8_t *copy = malloc(size ? size : 1);

	MUST(copy);
	if (size)
		memcpy(copy, data, size);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		/* what was captured of it, and of something longer */
		for (unsigned more = 0; more <= 1400; more += 700) {
			struct frame f = {.data = copy,
			                  .caplen = (uint32_t)size,
			                  .wire_len = (uint32_t)size + more,
			                  .linktype = links[i]};
			struct segment one, two;
			memset(&one, 0, sizeof(one));
			memset(&two, 0xff, sizeof(two));
			decode_frame(&f, &one);
			decode_frame(&f, &two);
			MUST(one.result == two.result && one.ip_bytes == two.ip_bytes &&
			     one.seq == two.seq);
			MUST(one.result <= DECODE_UNKNOWN_LINK);
			check_segment(&f, &one);
		}
	}
	free(copy);
	return 0;
}
