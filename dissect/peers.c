/* SPDX-License-Identifier: MIT
 *
 * peers.c - see peers.h.
 */
#include "peers.h"

#include <netinet/in.h>
#include <string.h>

#define TRACKER_TOS 0xb8 /* omr-tracker: ping -Q 184 */
#define END_UNKNOWN 2

void peers_turn(struct flow_tally *t, unsigned dir, enum direction direction)
{
	if (t->peer_end != END_UNKNOWN)
		return;
	/* dir d runs from end d to end 1 - d */
	t->peer_end = (uint8_t)(direction == DIR_UP ? 1 - dir : direction == DIR_DOWN ? dir : 1);
}

static void put_be(uint8_t *to, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void address_of(const struct subflow *sf, unsigned end, uint8_t addr[16])
{
	const uint64_t *from = &sf->key.addr[(end == 0) == sf->low_opens ? 0 : 2];

	memset(addr, 0, 16);
	if (sf->key.family == 4) {
		put_be(addr, from[0], 4);
		return;
	}
	put_be(addr, from[0], 8);
	put_be(addr + 8, from[1], 8);
}

static struct ledger_peer *row_of(struct ledger *ledger, const struct subflow *sf,
                                  struct flow_tally *t, uint8_t traffic, uint16_t app)
{
	struct ledger_wan *wan;
	struct ledger_peers *peers;

	if (t->wan >= ledger->n_wans)
		return NULL;
	wan = &ledger->wans[t->wan];
	peers = wan->peers;
	if (peers && t->peer && t->peer <= peers->n_rows && t->peers_version == peers->version) {
		struct ledger_peer *row = &peers->rows[t->peer - 1];

		if (row->key.traffic == traffic && row->key.app == app)
			return row;
	}
	struct ledger_peer_key key = {
		.family = (uint8_t)sf->key.family, .traffic = traffic, .app = app};
	address_of(sf, t->peer_end == 0 ? 0 : 1, key.addr);
	uint32_t at = ledger_peer(ledger, wan, &key);
	if (at == LEDGER_NO_PEER)
		return NULL;
	t->peer = at + 1;
	t->peers_version = wan->peers->version;
	return &wan->peers->rows[at];
}

void peers_count(struct ledger *ledger, const struct subflow *sf, struct flow_tally *t,
                 const struct ledger_entry *e)
{
	struct ledger_peer *row = e->kind == KIND_DUPLICATE || e->kind == KIND_UNREAD
	                                  ? NULL
	                                  : row_of(ledger, sf, t, e->traffic, e->app);

	if (row)
		ledger_peer_count(ledger, row, e);
}

void peers_count_run(struct ledger *ledger, const struct subflow *sf, struct flow_tally *t,
                     const struct ledger_run *run)
{
	struct ledger_peer *row =
		run->sum.frames ? row_of(ledger, sf, t, run->key.traffic, run->key.app) : NULL;

	if (row)
		ledger_peer_run(row, run);
}

void peers_opened(struct ledger *ledger, const struct subflow *sf, struct flow_tally *t,
                  const struct ledger_entry *e)
{
	struct ledger_peer *row = row_of(ledger, sf, t, e->traffic, e->app);

	if (row)
		row->opened++;
}

/* ---- not TCP ---- */

static bool tracker_request(const struct segment *s)
{
	return s->transport_cap > 0 && s->tos == TRACKER_TOS && !s->fragment &&
	       ((s->family == 4 && s->proto == IPPROTO_ICMP && s->transport[0] == 8) ||
	        (s->family == 6 && s->proto == IPPROTO_ICMPV6 && s->transport[0] == 128));
}

static void note_request(struct ledger_peers *peers, struct ledger_peer *row, uint64_t ts_ns)
{
	if (row->asked_ns && ts_ns > row->asked_ns)
		peers->cadence[CADENCE_TRACKER][ledger_cadence_class(ts_ns - row->asked_ns)]++;
	row->asked_ns = ts_ns;
}

void peers_count_other(struct ledger *ledger, const struct segment *s, const struct ledger_entry *e)
{
	struct ledger_peer_key key = {.traffic = e->traffic, .app = e->app};
	const uint8_t *far = e->direction == DIR_DOWN ? s->src : s->dst;
	uint32_t at;

	if (e->wan >= ledger->n_wans || e->kind == KIND_UNREAD)
		return;
	if (s->family && far) {
		key.family = s->family;
		memcpy(key.addr, far, s->family == 4 ? 4 : 16);
	}
	at = ledger_peer(ledger, &ledger->wans[e->wan], &key);
	if (at == LEDGER_NO_PEER)
		return;
	struct ledger_peers *peers = ledger->wans[e->wan].peers;
	ledger_peer_count(ledger, &peers->rows[at], e);
	if (tracker_request(s) && e->traffic == TRAFFIC_OTHER)
		note_request(peers, &peers->rows[at], e->ts_ns);
}

void peers_keepalive(struct ledger *ledger, uint32_t wan, struct half *half, uint64_t ts_ns)
{
	struct ledger_peers *peers = wan < ledger->n_wans ? ledger->wans[wan].peers : NULL;

	if (peers && half->probe_ns && ts_ns > half->probe_ns)
		peers->cadence[CADENCE_KEEPALIVE][ledger_cadence_class(ts_ns - half->probe_ns)]++;
	half->probe_ns = ts_ns;
}
