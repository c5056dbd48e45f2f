/* SPDX-License-Identifier: MIT
 *
 * appid.c - from what decode knows to a label: a table for each layer, nDPI last.
 */
#include "appid.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "state.h"

#define ICMP_TYPE_CUT  255 /* no ICMP type of that number is in use */
#define ETHERTYPES_MAX 64  /* unknown EtherTypes that get a label of their own */

struct appid {
	bool engine_wanted;
	struct appid_engine *engine; /* opened when first needed */
	uint8_t ports[2][65536];     /* TCP, UDP: row of services + 1, 0 = none */
	char protos[256][16];        /* "ip-proto-200" */
	uint16_t ethertypes[ETHERTYPES_MAX];
	char ethertype_labels[ETHERTYPES_MAX][20]; /* "ethertype-88b5" */
	size_t n_ethertypes;
};

static void fill_ports(struct appid *appid)
{
	for (size_t row = n_services; row-- > 0;) {
		const struct service *service = &services[row];

		for (unsigned port = service->first; port <= service->last; port++)
			appid->ports[service->proto == IPPROTO_UDP][port] = (uint8_t)(row + 1);
	}
}

struct appid *appid_new(bool tables_only)
{
	struct appid *appid = calloc(1, sizeof(*appid));

	if (!appid)
		return NULL;
	appid->engine_wanted = !tables_only;
	fill_ports(appid);
	for (unsigned i = 0; i < 256; i++)
		snprintf(appid->protos[i], sizeof(appid->protos[i]), "ip-proto-%u", i);
	return appid;
}

void appid_free(struct appid *appid)
{
	if (!appid)
		return;
	if (appid->engine)
		appid_engine_free(appid->engine);
	free(appid);
}

/* ---- ports ---- */

/* Of two ports that both are services', the row that comes first: the same in both directions. */
static const struct service *find_service(const struct appid *appid, uint8_t proto, uint16_t sport,
                                          uint16_t dport)
{
	const uint8_t *rows = appid->ports[proto == IPPROTO_UDP];
	unsigned a, b;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return NULL;
	a = rows[sport];
	b = rows[dport];
	if (!a || (b && b < a))
		a = b;
	return a ? &services[a - 1] : NULL;
}

const char *appid_service(const struct appid *appid, uint8_t proto, uint16_t sport, uint16_t dport)
{
	const struct service *service = find_service(appid, proto, sport, dport);

	return service ? service->label : NULL;
}

/* ---- below IP ---- */

/* An 802.3 frame: behind the length come DSAP, SSAP and control; 0x42 is spanning tree. */
static const char *label_llc(const struct segment *s)
{
	return s->link && s->link_cap >= 2 && s->link[0] == 0x42 && s->link[1] == 0x42 ? "stp"
	                                                                               : "llc";
}

static const char *label_unknown_ethertype(struct appid *appid, uint16_t ethertype)
{
	size_t i = 0;

	while (i < appid->n_ethertypes && appid->ethertypes[i] != ethertype)
		i++;
	if (i == ETHERTYPES_MAX)
		return "ethertype-other";
	if (i == appid->n_ethertypes) {
		appid->ethertypes[i] = ethertype;
		snprintf(appid->ethertype_labels[i], sizeof(appid->ethertype_labels[i]),
		         "ethertype-%04x", ethertype);
		appid->n_ethertypes++;
	}
	return appid->ethertype_labels[i];
}

static const char *label_link(struct appid *appid, const struct segment *s)
{
	const char *label = s->ppp_proto ? service_ppp(s->ppp_proto) : NULL;

	if (!label)
		label = service_ethertype(s->ethertype);
	if (label)
		return label;
	if (s->ethertype == 0 && s->ppp_proto)
		return "ppp";
	if (s->ethertype == 0)
		return "unknown";
	if (s->ethertype < 0x600)
		return label_llc(s);
	return label_unknown_ethertype(appid, s->ethertype);
}

/* ---- IP and above ---- */

static bool engine_ready(struct appid *appid)
{
	if (appid->engine_wanted && !appid->engine) {
		appid->engine = appid_engine_new();
		appid->engine_wanted = appid->engine != NULL;
	}
	return appid->engine;
}

static const char *label_by_looking(struct appid *appid, uint64_t ts_ns, const struct segment *s)
{
	const char *label = NULL;

	if (engine_ready(appid) && !s->fragment)
		label = appid_engine_look(appid->engine, ts_ns, s);
	return label ? label : service_ip_proto(s->proto);
}

/* UDP and TCP. A port of 0 may be one that was not captured; no service has it. */
static const char *label_ports(struct appid *appid, uint64_t ts_ns, const struct segment *s,
                               bool *local)
{
	const struct service *service = find_service(appid, s->proto, s->sport, s->dport);

	if (!service)
		return label_by_looking(appid, ts_ns, s);
	*local |= service->local;
	return service->label;
}

static const char *label_ip(struct appid *appid, uint64_t ts_ns, const struct segment *s,
                            bool *local)
{
	const char *label;

	*local = service_local(s->family, s->src, s->dst);
	if (s->later_fragment)
		return "fragment";
	if (s->proto == IPPROTO_TCP || s->proto == IPPROTO_UDP)
		return label_ports(appid, ts_ns, s, local);
	if (s->proto == (s->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		uint8_t type = s->transport_cap ? s->transport[0] : ICMP_TYPE_CUT;

		label = service_icmp(s->family, type, s->tos);
		*local |= service_icmp_local(s->family, type);
		return label;
	}
	label = service_ip_proto(s->proto);
	return label ? label : appid->protos[s->proto];
}

void appid_label(struct appid *appid, const struct frame *frame, const struct segment *segment,
                 struct appid_answer *answer)
{
	if (segment->family) {
		answer->label = label_ip(appid, frame->ts_ns, segment, &answer->local);
		return;
	}
	answer->label = label_link(appid, segment);
	answer->local = true;
}

/* ---- state ---- */

enum { MARK_APPID = 'A' };

static void save_flow(void *context, const struct appid_flow *f)
{
	struct state_out *out = context;
	size_t size = f->family == 4 ? 4 : 16;

	state_put(out, f->family);
	state_put(out, f->proto);
	state_put_bytes(out, f->low, size);
	state_put_bytes(out, f->high, size);
	state_put(out, f->low_port);
	state_put(out, f->high_port);
	state_put_text(out, f->label ? f->label : "");
}

/* Flows until one of no family. */
void appid_save(const struct appid *appid, struct state_out *out)
{
	state_put_mark(out, MARK_APPID);
	state_put(out, appid->n_ethertypes);
	for (size_t i = 0; i < appid->n_ethertypes; i++)
		state_put(out, appid->ethertypes[i]);
	if (appid->engine)
		appid_engine_each(appid->engine, save_flow, out);
	state_put(out, 0);
}

static void load_flow(struct appid *appid, uint8_t family, struct state_in *in)
{
	struct appid_flow f = {.family = family, .proto = (uint8_t)state_take(in, UINT8_MAX)};
	size_t size = family == 4 ? 4 : 16;
	char label[APPID_LABEL];

	if (family != 4 && family != 6)
		state_refuse(in);
	state_take_bytes(in, f.low, size);
	state_take_bytes(in, f.high, size);
	f.low_port = (uint16_t)state_take(in, UINT16_MAX);
	f.high_port = (uint16_t)state_take(in, UINT16_MAX);
	state_take_text(in, label, sizeof(label));
	f.label = label[0] ? label : NULL;
	if (!in->damaged && engine_ready(appid))
		appid_engine_keep(appid->engine, &f);
}

void appid_load(struct appid *appid, struct state_in *in)
{
	uint8_t family;

	state_take_mark(in, MARK_APPID);
	for (size_t n = state_take_count(in, ETHERTYPES_MAX); n > 0; n--)
		label_unknown_ethertype(appid, (uint16_t)state_take(in, UINT16_MAX));
	for (size_t n = 0; n <= APPID_FLOWS; n++) {
		family = (uint8_t)state_take(in, 6);
		if (!family)
			return;
		load_flow(appid, family, in);
	}
	state_refuse(in);
}
