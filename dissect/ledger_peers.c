/* SPDX-License-Identifier: MIT
 *
 * ledger_peers.c - with whom a WAN spoke: exact sums per address and service, in bounded memory.
 *
 * When a table would need more than LEDGER_PEERS_MAX rows, all its addresses are cut to shorter
 * prefixes. The width is the least at which the rows fit, so it depends on what was seen and not on
 * the order in which it was: sums stay exact and merging stays associative and commutative.
 */
#include "ledger_inside.h"

#include <stdlib.h>
#include <string.h>

/* Prefix lengths by width. The last one leaves a row per service: fewer than any table can hold. */
static const uint8_t bits_kept[LEDGER_PEER_WIDTHS][2] = {{32, 128}, {24, 48}, {8, 32}, {0, 0}};

const char *const cadence_names[CADENCE_COUNT] = {"keepalive", "tracker"};

/* Seconds that people set (omr-tracker 2 s and up, shadowsocks-rust 15, glorytun 20, shadowsocks-
 * libev 40, xray 45), and what lies nearest to each. */
const uint32_t cadence_seconds[CADENCE_CLASSES] = {1,  2,  5,  10,  15,  20,  25, 30,
                                                   40, 45, 60, 120, 300, 600, 0};

unsigned ledger_cadence_class(uint64_t interval_ns)
{
	unsigned class = 0;

	/* the border between two classes is half way */
	while (class < CADENCE_CLASSES - 2 &&
	       interval_ns * 2 >=
	               (cadence_seconds[class] + (uint64_t)cadence_seconds[class + 1]) * NS_PER_S)
		class ++;
	if (class == CADENCE_CLASSES - 2 &&
	    interval_ns >= 2 * NS_PER_S * cadence_seconds[CADENCE_CLASSES - 2])
		class ++;
	return class;
}

void ledger_peers_free(struct ledger_peers *peers)
{
	if (!peers)
		return;
	free(peers->rows);
	free(peers->places);
	free(peers);
}

struct ledger_peers *ledger_peers_of(struct ledger_wan *wan)
{
	if (!wan->peers)
		wan->peers = calloc(1, sizeof(*wan->peers));
	return wan->peers;
}

/* ---- keys ---- */

unsigned ledger_peer_bits(unsigned width, uint8_t family)
{
	return bits_kept[width][family == 6];
}

static void cut_address(struct ledger_peer_key *key, unsigned width)
{
	unsigned bits = ledger_peer_bits(width, key->family);
	unsigned bytes = key->family == 4 ? 4 : key->family == 6 ? 16 : 0;

	for (unsigned i = 0; i < sizeof(key->addr); i++)
		if (i >= bytes || i * 8 >= bits)
			key->addr[i] = 0;
}

static int key_order(const struct ledger_peer_key *a, const struct ledger_peer_key *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	if (!order)
		order = (a->family > b->family) - (a->family < b->family);
	if (!order)
		order = (a->traffic > b->traffic) - (a->traffic < b->traffic);
	return order ? order : (a->app > b->app) - (a->app < b->app);
}

static size_t place_of(const struct ledger_peers *peers, const struct ledger_peer_key *key)
{
	size_t low = 0, high = peers->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_order(&peers->rows[peers->places[middle]].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool room_for_row(struct ledger_peers *peers)
{
	size_t capacity = peers->cap_rows;

	return peers->n_rows < peers->cap_rows ||
	       (ledger_grow((void **)&peers->places, &capacity, peers->n_rows,
	                    sizeof(*peers->places)) &&
	        ledger_grow((void **)&peers->rows, &peers->cap_rows, peers->n_rows,
	                    sizeof(*peers->rows)));
}

static void row_add(const struct ledger *ledger, struct ledger_peer *into,
                    const struct ledger_peer *from)
{
	if (from->asked_ns > into->asked_ns)
		into->asked_ns = from->asked_ns;
	for (int d = 0; d < DIR_COUNT; d++)
		tally_add(&into->sum[d], &from->sum[d]);
	into->large_frames = sum_add(into->large_frames, from->large_frames);
	into->large_bytes = sum_add(into->large_bytes, from->large_bytes);
	into->opened = sum_add(into->opened, from->opened);
	if (from->first_ns && (!into->first_ns || from->first_ns < into->first_ns))
		into->first_ns = from->first_ns;
	if (from->last_ns > into->last_ns)
		into->last_ns = from->last_ns;
	for (uint32_t i = 0; i < from->first.count; i++)
		ledger_show(ledger, &into->first, &from->first.frames[i]);
}

/* The row of a key that is cut to the table's width already. */
static uint32_t row_at(struct ledger_peers *peers, const struct ledger_peer_key *key)
{
	size_t place = place_of(peers, key);

	if (place < peers->n_rows && key_order(&peers->rows[peers->places[place]].key, key) == 0)
		return peers->places[place];
	if (!room_for_row(peers))
		return LEDGER_NO_PEER;
	memmove(&peers->places[place + 1], &peers->places[place],
	        (peers->n_rows - place) * sizeof(*peers->places));
	peers->places[place] = (uint32_t)peers->n_rows;
	peers->rows[peers->n_rows] = (struct ledger_peer){.key = *key};
	return (uint32_t)peers->n_rows++;
}

static void widen(const struct ledger *ledger, struct ledger_peers *peers, unsigned width)
{
	struct ledger_peer *old = peers->rows;
	size_t n = peers->n_rows;

	if (width <= peers->width)
		return;
	peers->width = (uint8_t)width;
	peers->version++;
	peers->n_rows = 0;
	for (size_t i = 0; i < n; i++) { /* rows only move towards the front */
		struct ledger_peer row = old[i];
		uint32_t at;

		cut_address(&row.key, width);
		at = row_at(peers, &row.key);
		if (at != LEDGER_NO_PEER)
			row_add(ledger, &peers->rows[at], &row);
	}
}

uint32_t ledger_peer(const struct ledger *ledger, struct ledger_wan *wan,
                     const struct ledger_peer_key *key)
{
	struct ledger_peers *peers = ledger_peers_of(wan);
	struct ledger_peer_key cut = *key;
	uint32_t row;

	if (!peers)
		return LEDGER_NO_PEER;
	cut_address(&cut, peers->width);
	row = row_at(peers, &cut);
	while (peers->n_rows > LEDGER_PEERS_MAX && peers->width < LEDGER_PEER_WIDTHS - 1) {
		widen(ledger, peers, peers->width + 1u);
		cut_address(&cut, peers->width);
		row = row_at(peers, &cut);
	}
	return row;
}

/* ---- counting ---- */

static void stretch(struct ledger_peer *row, uint64_t first_ns, uint64_t last_ns)
{
	if (first_ns && (!row->first_ns || first_ns < row->first_ns))
		row->first_ns = first_ns;
	if (last_ns > row->last_ns)
		row->last_ns = last_ns;
}

void ledger_peer_count(const struct ledger *ledger, struct ledger_peer *row,
                       const struct ledger_entry *e)
{
	uint64_t ts_ns = e->ts_ns < LEDGER_SUM_MAX ? e->ts_ns : LEDGER_SUM_MAX;
	struct tally *sum = &row->sum[e->direction];

	sum->frames++;
	sum->l2_bytes += e->l2_bytes;
	sum->ip_bytes += e->ip_bytes;
	sum->payload_bytes +=
		(uint64_t)e->payload[0] + e->payload[1] + e->payload[2] + e->payload[3];
	stretch(row, ts_ns, ts_ns);
	if (e->traffic == TRAFFIC_MPTCP)
		return; /* their frames may come as runs, which tell neither */
	if (e->ip_bytes > LEDGER_PEER_LARGE) {
		row->large_frames++;
		row->large_bytes += e->ip_bytes;
	}
	if (row->first.count < EVIDENCE_FRAMES ||
	    ts_ns <= row->first.frames[EVIDENCE_FRAMES - 1].ts_ns)
		ledger_show(ledger, &row->first,
		            &(struct evidence_frame){ts_ns, e->number, e->file});
}

void ledger_peer_run(struct ledger_peer *row, const struct ledger_run *run)
{
	tally_add(&row->sum[run->key.direction], &run->sum);
	stretch(row, run->first_ns, run->last_ns);
}

/* ---- merging and order ---- */

bool ledger_peers_merge(struct ledger *into, struct ledger_wan *wan, const struct ledger_wan *from,
                        const uint16_t *apps, const uint32_t *files)
{
	const struct ledger_peers *other = from->peers;
	struct ledger_peers *peers = other ? ledger_peers_of(wan) : NULL;

	if (!other)
		return true;
	if (!peers)
		return false;
	widen(into, peers, other->width);
	for (int c = 0; c < CADENCE_COUNT; c++)
		for (int i = 0; i < CADENCE_CLASSES; i++)
			peers->cadence[c][i] = sum_add(peers->cadence[c][i], other->cadence[c][i]);
	for (size_t i = 0; i < other->n_rows; i++) {
		struct ledger_peer row = other->rows[i];
		uint32_t at;

		if (!row.last_ns && !row.opened) /* nothing since its sums were forgotten */
			continue;

		row.key.app = apps[row.key.app];
		for (uint32_t f = 0; f < row.first.count; f++)
			row.first.frames[f].file = files[row.first.frames[f].file];
		at = ledger_peer(into, wan, &row.key);
		if (at == LEDGER_NO_PEER)
			return false;
		row_add(into, &peers->rows[at], &row);
	}
	return true;
}

void ledger_peers_forget(struct ledger_wan *fresh, struct ledger_wan *old)
{
	struct ledger_peers *peers = old->peers;

	fresh->peers = peers;
	old->peers = NULL;
	if (!peers)
		return;
	memset(peers->cadence, 0, sizeof(peers->cadence));
	for (size_t i = 0; i < peers->n_rows; i++)
		peers->rows[i] = (struct ledger_peer){.key = peers->rows[i].key,
		                                      .asked_ns = peers->rows[i].asked_ns};
}

static int row_order(const void *a, const void *b)
{
	const struct ledger_peer *left = a, *right = b;

	return key_order(&left->key, &right->key);
}

void ledger_peers_sort(struct ledger_wan *wan)
{
	struct ledger_peers *peers = wan->peers;

	if (!peers || !peers->n_rows)
		return;
	qsort(peers->rows, peers->n_rows, sizeof(*peers->rows), row_order);
	for (uint32_t i = 0; i < peers->n_rows; i++)
		peers->places[i] = i;
	peers->version++;
}

void ledger_peers_use(const struct ledger_wan *wan, bool *apps)
{
	for (size_t i = 0; wan->peers && i < wan->peers->n_rows; i++)
		apps[wan->peers->rows[i].key.app] = true;
}

struct tally ledger_peers_sum(const struct ledger_wan *wan)
{
	struct tally sum = {0, 0, 0, 0};

	for (size_t i = 0; wan->peers && i < wan->peers->n_rows; i++)
		for (int d = 0; d < DIR_COUNT; d++)
			tally_add(&sum, &wan->peers->rows[i].sum[d]);
	return sum;
}
