/* SPDX-License-Identifier: MIT
 *
 * cmd_keep_frames.c - see cmd_keep_frames.h.
 */
#include "cmd_keep_frames.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../dissect/decode.h"

#define NS 1000000000ull
/* A SYN that is repeated comes after 1, 3 and 7 s; what is slower is no handshake to look at. */
#define HANDSHAKE_NS (8 * NS)
/* The third ACK has the keys or the HMAC, the fourth says that it came. */
#define BEHIND 2

enum { PROTO_ICMP = 1, PROTO_ICMP6 = 58 };

void keep_frames_release(struct keep_frames *frames)
{
	free(frames->ends);
	free(frames->handshakes);
	*frames = (struct keep_frames){0};
}

/* ---- ends ---- */

static void ends_set(struct keep_ends *ends, uint8_t family, const uint8_t *a, uint16_t a_port,
                     const uint8_t *b, uint16_t b_port)
{
	size_t n = family == 4 ? 4 : 16;
	int order = memcmp(a, b, n);
	bool turned = order > 0 || (order == 0 && a_port > b_port);

	memset(ends, 0, sizeof(*ends)); /* compared as bytes */
	ends->family = family;
	memcpy(ends->addr[turned], a, n);
	memcpy(ends->addr[!turned], b, n);
	ends->port[turned] = a_port;
	ends->port[!turned] = b_port;
}

static int ends_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct keep_ends));
}

/* "192.0.2.1:443", "[2001:db8::1]:443" */
static bool parse_end(const char *text, uint8_t *family, uint8_t addr[16], uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	char host[54];
	bool six = text[0] == '[';
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (!colon || n >= sizeof(host) || n < 3)
		return false;
	n -= six ? 2 : 0;
	memcpy(host, text + six, n);
	host[n] = '\0';
	*family = six ? 6 : 4;
	*port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return inet_pton(six ? AF_INET6 : AF_INET, host, addr) == 1;
}

static bool ends_of(const struct ledger_subflow *subflow, struct keep_ends *ends)
{
	uint8_t family, other, a[16], b[16];
	uint16_t a_port, b_port;

	if (!parse_end(subflow->client, &family, a, &a_port) ||
	    !parse_end(subflow->server, &other, b, &b_port) || family != other)
		return false;
	ends_set(ends, family, a, a_port, b, b_port);
	return true;
}

/* ---- whose the evidence is ---- */

static void remember(struct keep_frames *frames, const struct segment *segment)
{
	if (frames->n_ends == KEEP_ENDS_MAX)
		return;
	if (frames->n_ends == frames->cap_ends) {
		size_t cap = frames->cap_ends ? frames->cap_ends * 2 : 64;
		struct keep_ends *rows = realloc(frames->ends, cap * sizeof(*rows));

		frames->out_of_memory |= !rows;
		if (!rows)
			return;
		frames->ends = rows;
		frames->cap_ends = cap;
	}
	ends_set(&frames->ends[frames->n_ends++], segment->family, segment->src, segment->sport,
	         segment->dst, segment->dport);
}

unsigned keep_frames_collect(void *context, const struct frame *frame, unsigned reasons)
{
	struct segment segment;

	if (!(reasons >> THIN_EVIDENCE & 1))
		return 0;
	decode_frame(frame, &segment);
	if (segment.result == DECODE_TCP)
		remember(context, &segment);
	return 0;
}

/* ---- their handshakes ---- */

static bool is_evidence(const struct keep_frames *frames, const struct ledger_connection *c)
{
	struct keep_ends ends;

	for (size_t i = 0; i < c->n_subflows; i++)
		if (ends_of(&c->subflows[i], &ends) &&
		    bsearch(&ends, frames->ends, frames->n_ends, sizeof(ends), ends_order))
			return true;
	return false;
}

static bool is_interrupted(const struct ledger *ledger, const struct ledger_connection *c)
{
	uint64_t id = strtoull(c->id, NULL, 16);

	for (size_t i = 0; i < ledger->n_interruptions; i++)
		if (ledger->interruptions[i].id && ledger->interruptions[i].id == id)
			return true;
	return false;
}

static void add_handshakes(struct keep_frames *frames, const struct ledger_connection *c)
{
	for (size_t i = 0; i < c->n_subflows; i++) {
		struct keep_handshake *row = &frames->handshakes[frames->n_handshakes];

		if (frames->n_handshakes == KEEP_HANDSHAKES_MAX)
			return;
		*row = (struct keep_handshake){.from_ns = c->subflows[i].first_ns};
		frames->n_handshakes += ends_of(&c->subflows[i], &row->ends);
	}
}

static int handshake_order(const void *a, const void *b)
{
	const struct keep_handshake *x = a, *y = b;

	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return ends_order(&x->ends, &y->ends);
}

bool keep_frames_settle(struct keep_frames *frames, const struct ledger *ledger)
{
	frames->handshakes = calloc(KEEP_HANDSHAKES_MAX, sizeof(*frames->handshakes));
	if (!frames->handshakes || frames->out_of_memory)
		return false;
	if (frames->n_ends)
		qsort(frames->ends, frames->n_ends, sizeof(*frames->ends), ends_order);
	for (size_t i = 0; i < ledger->n_connections; i++)
		if (is_interrupted(ledger, &ledger->connections[i]) ||
		    is_evidence(frames, &ledger->connections[i]))
			add_handshakes(frames, &ledger->connections[i]);
	qsort(frames->handshakes, frames->n_handshakes, sizeof(*frames->handshakes),
	      handshake_order);
	return true;
}

/* ---- a frame of a file ---- */

void keep_frames_begin(struct keep_frames *frames, bool carrying)
{
	frames->carrying = carrying;
	frames->quiet_from_ns = UINT64_MAX;
	frames->quiet_to_ns = 0;
	for (size_t i = 0; i < frames->n_handshakes; i++)
		frames->handshakes[i].behind = 0;
}

/* The first handshake that is not over at that time. */
static size_t first_at(const struct keep_frames *frames, uint64_t ns)
{
	size_t low = 0, high = frames->n_handshakes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frames->handshakes[middle].from_ns + HANDSHAKE_NS < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Nothing to look for around this time: the next frames need no look either. */
static bool is_quiet(struct keep_frames *frames, uint64_t ns, size_t *first)
{
	if (ns >= frames->quiet_from_ns && ns < frames->quiet_to_ns)
		return true;
	*first = first_at(frames, ns);
	bool some = *first < frames->n_handshakes;
	if (some && frames->handshakes[*first].from_ns <= ns)
		return false;
	frames->quiet_from_ns =
		*first ? frames->handshakes[*first - 1].from_ns + HANDSHAKE_NS + 1 : 0;
	frames->quiet_to_ns = some ? frames->handshakes[*first].from_ns : UINT64_MAX;
	return true;
}

static bool is_handshake(struct keep_frames *frames, uint64_t ns, const struct segment *segment,
                         size_t first)
{
	struct keep_ends ends;

	ends_set(&ends, segment->family, segment->src, segment->sport, segment->dst,
	         segment->dport);
	for (size_t i = first; i < frames->n_handshakes; i++) {
		struct keep_handshake *row = &frames->handshakes[i];

		if (row->from_ns > ns)
			break;
		if (memcmp(&row->ends, &ends, sizeof(ends)) != 0)
			continue;
		if (segment->flags & TCP_SYN || row->behind++ < BEHIND)
			return true;
	}
	return false;
}

/* Payload, the ends of connections, and what VPNs carry; not what only keeps a link ready. */
static bool carries(const struct segment *s)
{
	if (s->result == DECODE_TCP)
		return s->payload_len > 1 || s->flags & (TCP_SYN | TCP_FIN | TCP_RST);
	return s->family && s->proto != PROTO_ICMP && s->proto != PROTO_ICMP6 &&
	       s->ip_bytes > LEDGER_PEER_LARGE;
}

unsigned keep_frames_look(void *context, const struct frame *frame, unsigned reasons)
{
	struct keep_frames *frames = context;
	struct segment segment;
	size_t first = 0;
	unsigned more = 0;
	bool quiet = is_quiet(frames, frame->ts_ns, &first);

	(void)reasons;
	if (quiet && !frames->carrying)
		return 0;
	decode_frame(frame, &segment);
	if (!quiet && segment.result == DECODE_TCP &&
	    is_handshake(frames, frame->ts_ns, &segment, first))
		more |= 1u << THIN_EVIDENCE;
	if (frames->carrying && carries(&segment))
		more |= 1u << THIN_CARRYING;
	return more;
}
