/* SPDX-License-Identifier: MIT
 *
 * appid_ndpi.c - the one file that knows nDPI (4.2).
 *
 * A table of 1024 flows in sets of four; a new flow takes the place of the one of its set that was
 * silent longest. A flow is shown to nDPI for at most 8 packets; then its nDPI state is freed and
 * only the answer stays.
 */
#include "appid.h"

#include <ndpi_api.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SETS         256
#define WAYS         4
#define PACKETS_MAX  8
#define PACKET_BYTES 1600 /* of a packet that nDPI gets to see */
#define LABEL_BYTES  APPID_LABEL

/* Lower end first, so both directions have one key. */
struct flow_key {
	uint8_t low[16], high[16];
	uint16_t low_port, high_port;
	uint8_t family, proto;
};

struct flow {
	struct flow_key key;
	bool used;
	uint8_t packets;
	uint64_t last_seen;            /* count of looks, for eviction */
	struct ndpi_flow_struct *ndpi; /* NULL once decided */
	const char *label;             /* NULL = not known */
};

struct appid_engine {
	struct ndpi_detection_module_struct *module;
	uint64_t looks;
	struct flow flows[SETS][WAYS];
	char labels[NDPI_MAX_SUPPORTED_PROTOCOLS][LABEL_BYTES];
	uint8_t packet[PACKET_BYTES + 64]; /* zeros behind what was captured */
};

struct appid_engine *appid_engine_new(void)
{
	struct appid_engine *engine = calloc(1, sizeof(*engine));
	NDPI_PROTOCOL_BITMASK all;

	if (!engine)
		return NULL;
	engine->module = ndpi_init_detection_module(ndpi_no_prefs);
	if (!engine->module) {
		free(engine);
		return NULL;
	}
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(engine->module, &all);
	ndpi_finalize_initialization(engine->module);
	return engine;
}

static void forget_ndpi(struct flow *flow)
{
	if (flow->ndpi)
		ndpi_free_flow(flow->ndpi);
	flow->ndpi = NULL;
}

void appid_engine_free(struct appid_engine *engine)
{
	for (size_t set = 0; set < SETS; set++)
		for (size_t way = 0; way < WAYS; way++)
			forget_ndpi(&engine->flows[set][way]);
	ndpi_exit_detection_module(engine->module);
	free(engine);
}

/* ---- flows ---- */

static struct flow_key key_of(const struct segment *s)
{
	size_t size = s->family == 4 ? 4 : 16;
	int order = memcmp(s->src, s->dst, size);
	bool swap = order > 0 || (order == 0 && s->sport > s->dport);
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.low, swap ? s->dst : s->src, size);
	memcpy(key.high, swap ? s->src : s->dst, size);
	key.low_port = swap ? s->dport : s->sport;
	key.high_port = swap ? s->sport : s->dport;
	key.family = s->family;
	key.proto = s->proto;
	return key;
}

/* No secret in it: who makes flows collide only makes his own flows forgotten, four to a set. */
static size_t set_of(const struct flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return (hash ^ hash >> 16) % SETS;
}

/* The flow, or the one of its set that was silent longest. */
static struct flow *place_of(struct appid_engine *engine, const struct flow_key *key)
{
	struct flow *set = engine->flows[set_of(key)], *oldest = set;

	for (size_t way = 0; way < WAYS; way++) {
		if (set[way].used && !memcmp(&set[way].key, key, sizeof(*key)))
			return &set[way];
		if (set[way].last_seen < oldest->last_seen)
			oldest = &set[way];
	}
	return oldest;
}

static struct flow *flow_of(struct appid_engine *engine, const struct segment *seen)
{
	struct flow_key key = key_of(seen);
	struct flow *oldest = place_of(engine, &key);

	if (oldest->used && !memcmp(&oldest->key, &key, sizeof(key)))
		return oldest;
	forget_ndpi(oldest);
	*oldest = (struct flow){.used = true, .key = key};
	oldest->ndpi = ndpi_flow_malloc(SIZEOF_FLOW_STRUCT);
	if (oldest->ndpi)
		memset(oldest->ndpi, 0, SIZEOF_FLOW_STRUCT);
	return oldest;
}

/* ---- labels ---- */

static char label_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

static const char *label_of(struct appid_engine *engine, uint16_t protocol)
{
	const char *name = ndpi_get_proto_name(engine->module, protocol);
	char *label;
	size_t i;

	if (protocol == NDPI_PROTOCOL_UNKNOWN || protocol >= NDPI_MAX_SUPPORTED_PROTOCOLS || !name)
		return NULL;
	label = engine->labels[protocol];
	for (i = 0; i < LABEL_BYTES - 1 && name[i]; i++)
		label[i] = label_character(name[i]);
	label[i] = '\0';
	return i ? label : NULL;
}

/* ---- looking ---- */

/* nDPI believes length fields; it gets a packet whose fields say what is there. Returns its length,
 * 0 = not usable. */
static uint16_t copy_packet(struct appid_engine *engine, const struct segment *s)
{
	uint32_t length = s->link_cap < PACKET_BYTES ? s->link_cap : PACKET_BYTES;
	uint32_t header = s->family == 4 ? 20 : 40, told;
	uint8_t *ip = engine->packet;

	if (length < header || s->link[0] >> 4 != s->family)
		return 0;
	if (s->ip_bytes >= header && s->ip_bytes < length)
		length = s->ip_bytes; /* padding of the link follows */
	memset(ip, 0, sizeof(engine->packet));
	memcpy(ip, s->link, length);
	told = s->family == 4 ? length : length - header;
	ip[s->family == 4 ? 2 : 4] = (uint8_t)(told >> 8);
	ip[s->family == 4 ? 3 : 5] = (uint8_t)told;
	return (uint16_t)length;
}

/* The master protocol ("tls") stays what it is; the site below it may change with each packet. */
static void look(struct appid_engine *engine, struct flow *flow, uint64_t ts_ns,
                 const struct segment *s)
{
	uint16_t length = copy_packet(engine, s);
	ndpi_protocol found;

	if (length) {
		found = ndpi_detection_process_packet(engine->module, flow->ndpi, engine->packet,
		                                      length, ts_ns / 1000000);
		flow->label = label_of(engine, found.master_protocol ? found.master_protocol
		                                                     : found.app_protocol);
	}
	if (flow->label || ++flow->packets == PACKETS_MAX)
		forget_ndpi(flow);
}

static bool has_payload(const struct segment *s)
{
	return s->proto == IPPROTO_UDP ? s->transport_cap > 8 : s->payload_cap > 0;
}

const char *appid_engine_look(struct appid_engine *engine, uint64_t ts_ns,
                              const struct segment *segment)
{
	struct flow *flow = flow_of(engine, segment);

	flow->last_seen = ++engine->looks;
	if (flow->ndpi && has_payload(segment))
		look(engine, flow, ts_ns, segment);
	return flow->label;
}

/* ---- carried over ---- */

/* The oldest of a set that was seen after `after`; NULL when there is none. */
static const struct flow *next_of(const struct flow set[WAYS], uint64_t after)
{
	const struct flow *next = NULL;

	for (size_t way = 0; way < WAYS; way++)
		if (set[way].used && set[way].last_seen > after &&
		    (!next || set[way].last_seen < next->last_seen))
			next = &set[way];
	return next;
}

void appid_engine_each(const struct appid_engine *engine,
                       void (*visit)(void *context, const struct appid_flow *flow), void *context)
{
	for (size_t set = 0; set < SETS; set++) {
		const struct flow *f = next_of(engine->flows[set], 0);

		for (; f; f = next_of(engine->flows[set], f->last_seen)) {
			struct appid_flow flow = {.low_port = f->key.low_port,
			                          .high_port = f->key.high_port,
			                          .family = f->key.family,
			                          .proto = f->key.proto,
			                          .label = f->label};

			memcpy(flow.low, f->key.low, sizeof(flow.low));
			memcpy(flow.high, f->key.high, sizeof(flow.high));
			if (!f->ndpi)
				visit(context, &flow);
		}
	}
}

static const char *label_named(struct appid_engine *engine, const char *name)
{
	for (uint16_t i = 0; i < NDPI_MAX_SUPPORTED_PROTOCOLS; i++) {
		const char *label = label_of(engine, i);

		if (label && strcmp(label, name) == 0)
			return label;
	}
	return NULL;
}

void appid_engine_keep(struct appid_engine *engine, const struct appid_flow *flow)
{
	const char *label = flow->label ? label_named(engine, flow->label) : NULL;
	struct flow_key key;

	if (flow->label && !label)
		return;
	memset(&key, 0, sizeof(key));
	memcpy(key.low, flow->low, sizeof(key.low));
	memcpy(key.high, flow->high, sizeof(key.high));
	key.low_port = flow->low_port;
	key.high_port = flow->high_port;
	key.family = flow->family;
	key.proto = flow->proto;
	struct flow *place = place_of(engine, &key);
	forget_ndpi(place);
	*place = (struct flow){
		.used = true, .key = key, .label = label, .last_seen = ++engine->looks};
}
