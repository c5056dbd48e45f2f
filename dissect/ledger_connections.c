/* SPDX-License-Identifier: MIT
 *
 * ledger_connections.c - which connections a ledger keeps whole, and how two pieces of one become
 * one.
 */
#include "ledger_inside.h"

#include <stdlib.h>
#include <string.h>

/* Room beyond the limit, so that sorting and cutting back happen now and then, not each time. */
#define ROOM (LEDGER_CONNECTIONS_MAX + LEDGER_CONNECTIONS_MAX / 4)

/* ---- shares ---- */

static unsigned wan_state(const struct ledger_circumstance *masks, size_t wan)
{
	return (unsigned)((masks->healthy >> wan & 1) << 3 | (masks->degraded >> wan & 1) << 2 |
	                  (masks->silent >> wan & 1) << 1 | (masks->returned >> wan & 1));
}

/*
 * By the state of the first WAN, in the order of names, on which the two differ. More WANs in the
 * table do not change the answer, so ledgers of different WANs agree on it.
 */
int ledger_circumstance_order(const struct ledger *ledger, uint16_t a, uint16_t b)
{
	const struct ledger_circumstance *left = &ledger->circumstances[a];
	const struct ledger_circumstance *right = &ledger->circumstances[b];
	const char *name = NULL;
	int order = 0;

	for (size_t i = 0; i < ledger->n_wans; i++) {
		unsigned l = wan_state(left, i), r = wan_state(right, i);

		if (l == r || (name && strcmp(ledger->wans[i].name, name) > 0))
			continue;
		name = ledger->wans[i].name;
		order = l > r ? -1 : 1;
	}
	return order;
}

static struct tally *share_row(struct ledger_subflow *subflow, uint16_t circumstance)
{
	for (unsigned i = 0; i < subflow->n_shares; i++)
		if (subflow->shares[i].circumstance == circumstance)
			return &subflow->shares[i].sum;
	if (subflow->n_shares == LEDGER_SHARES)
		return NULL;
	subflow->shares[subflow->n_shares] =
		(struct ledger_subflow_share){.circumstance = circumstance};
	return &subflow->shares[subflow->n_shares++].sum;
}

/* The row that comes last among those that know something. */
static unsigned share_last(const struct ledger *ledger, const struct ledger_subflow *subflow)
{
	unsigned last = LEDGER_SHARES;

	for (unsigned i = 0; i < subflow->n_shares; i++) {
		uint16_t circumstance = subflow->shares[i].circumstance;

		if (circumstance &&
		    (last == LEDGER_SHARES ||
		     ledger_circumstance_order(ledger, circumstance,
		                               subflow->shares[last].circumstance) > 0))
			last = i;
	}
	return last;
}

/* The rows that come first in the order of circumstances stay, the others become "nothing known".
 */
void ledger_share(const struct ledger *ledger, struct ledger_subflow *subflow,
                  uint16_t circumstance, const struct tally *sum)
{
	struct tally *row = share_row(subflow, circumstance);
	struct ledger_subflow_share last;
	unsigned place;

	if (row) {
		tally_add(row, sum);
		return;
	}
	place = share_last(ledger, subflow);
	last = subflow->shares[place];
	if (circumstance &&
	    ledger_circumstance_order(ledger, circumstance, last.circumstance) > 0) {
		ledger_share(ledger, subflow, 0, sum);
		return;
	}
	subflow->shares[place] =
		(struct ledger_subflow_share){.circumstance = circumstance, .sum = *sum};
	ledger_share(ledger, subflow, 0, &last.sum);
}

/* ---- rank ---- */

/* Here and in let_go() sums may wrap, but only beyond what load lets in: 2^60 for all of a file. */
static uint64_t subflow_bytes(const struct ledger_subflow *subflow)
{
	uint64_t bytes = 0;

	for (int k = 0; k < KIND_COUNT; k++)
		bytes += subflow->kinds[k].l2_bytes;
	return bytes;
}

static uint64_t busiest_bytes(const struct ledger_connection *connection)
{
	uint64_t wans[LEDGER_WANS_MAX + 1] = {0}, busiest = 0;

	for (size_t i = 0; i < connection->n_subflows; i++) {
		const struct ledger_subflow *subflow = &connection->subflows[i];
		uint64_t *wan =
			&wans[subflow->wan < LEDGER_WANS_MAX ? subflow->wan : LEDGER_WANS_MAX];

		*wan += subflow_bytes(subflow);
		if (*wan > busiest)
			busiest = *wan;
	}
	return busiest;
}

static struct ledger_rank rank_of(const struct ledger_connection *connection)
{
	struct ledger_rank rank = {0};

	memcpy(rank.id, connection->id, sizeof(rank.id));
	for (size_t i = 0; i < connection->n_subflows; i++)
		rank.total_bytes += subflow_bytes(&connection->subflows[i]);
	if (connection->n_subflows > 1) /* a flood has one each: no table for those */
		rank.aside_bytes = rank.total_bytes - busiest_bytes(connection);
	return rank;
}

/* The higher rank comes first. */
static int rank_order(const struct ledger_rank *a, const struct ledger_rank *b)
{
	if (a->aside_bytes != b->aside_bytes)
		return a->aside_bytes > b->aside_bytes ? -1 : 1;
	if (a->total_bytes != b->total_bytes)
		return a->total_bytes > b->total_bytes ? -1 : 1;
	return strcmp(a->id, b->id);
}

struct ranked {
	struct ledger_rank rank;
	size_t connection;
};

static int ranked_order(const void *a, const void *b)
{
	return rank_order(&((const struct ranked *)a)->rank, &((const struct ranked *)b)->rank);
}

/* ---- the rest: sums of those let go ---- */

static struct tally subflow_sum(const struct ledger_subflow *subflow)
{
	struct tally sum = {0};

	for (int k = 0; k < KIND_COUNT; k++) {
		sum.frames += subflow->kinds[k].frames;
		sum.l2_bytes += subflow->kinds[k].l2_bytes;
		sum.ip_bytes += subflow->kinds[k].ip_bytes;
		sum.payload_bytes += subflow->kinds[k].payload_bytes;
	}
	return sum;
}

static void let_go(struct ledger *ledger, struct ledger_connection *connection)
{
	struct ledger_rest *rest = &ledger->rest;

	rest->connections++;
	rest->subflows += connection->n_subflows;
	for (size_t i = 0; i < connection->n_subflows; i++) {
		struct tally sum = subflow_sum(&connection->subflows[i]);

		if (connection->subflows[i].wan < LEDGER_WANS_MAX)
			tally_add(&rest->wans[connection->subflows[i].wan], &sum);
	}
	free(connection->subflows);
	memset(connection, 0, sizeof(*connection));
}

/* ---- joining pieces ---- */

static void earliest(uint64_t *into, uint64_t from)
{
	if (from < *into)
		*into = from;
}

static void latest(uint64_t *into, uint64_t from)
{
	if (from > *into)
		*into = from;
}

/* The later word wins; of two at the same time, the one that says backup. */
static void last_word(int8_t *into, uint64_t *into_ns, int8_t from, uint64_t from_ns)
{
	if (from_ns > *into_ns || (from_ns == *into_ns && from > *into)) {
		*into = from;
		*into_ns = from_ns;
	}
}

static void subflow_join(const struct ledger *ledger, struct ledger_subflow *into,
                         const struct ledger_subflow *from)
{
	into->initial |= from->initial;
	into->established |= from->established;
	last_word(&into->backup_client, &into->backup_client_ns, from->backup_client,
	          from->backup_client_ns);
	last_word(&into->backup_server, &into->backup_server_ns, from->backup_server,
	          from->backup_server_ns);
	if (from->confidence < into->confidence)
		into->confidence = from->confidence;
	earliest(&into->first_ns, from->first_ns);
	latest(&into->last_ns, from->last_ns);
	for (int k = 0; k < KIND_COUNT; k++)
		tally_add(&into->kinds[k], &from->kinds[k]);
	for (unsigned i = 0; i < from->n_shares; i++)
		ledger_share(ledger, into, from->shares[i].circumstance, &from->shares[i].sum);
}

static int subflow_key_order(const void *a, const void *b)
{
	const struct ledger_subflow *left = a, *right = b;
	int order;

	if (left->wan != right->wan)
		return left->wan < right->wan ? -1 : 1;
	order = strcmp(left->client, right->client);
	if (!order)
		order = strcmp(left->server, right->server);
	if (order)
		return order;
	return left->reuse < right->reuse ? -1 : left->reuse > right->reuse;
}

/* One row per WAN, client, server and reuse. */
static void subflows_unite(const struct ledger *ledger, struct ledger_connection *connection)
{
	struct ledger_subflow *rows = connection->subflows;
	size_t out = 0;

	if (connection->n_subflows < 2)
		return;
	qsort(rows, connection->n_subflows, sizeof(*rows), subflow_key_order);
	for (size_t i = 1; i < connection->n_subflows; i++) {
		if (!subflow_key_order(&rows[out], &rows[i]))
			subflow_join(ledger, &rows[out], &rows[i]);
		else if (++out != i)
			rows[out] = rows[i];
	}
	connection->n_subflows = out + 1;
}

/* The known text; of two, the one that sorts first. */
static void text_join(char *into, const char *from, size_t size)
{
	if (*from && (!*into || strcmp(from, into) < 0))
		memcpy(into, from, size);
}

static uint16_t app_join(const struct ledger *ledger, uint16_t a, uint16_t b)
{
	if (!a || !b || a == b)
		return a ? a : b;
	return strcmp(ledger->apps[a], ledger->apps[b]) < 0 ? a : b;
}

/* Append the rows of `from`, which loses them. On lack of memory they go to the rest. */
static void connection_join(struct ledger *ledger, struct ledger_connection *into,
                            struct ledger_connection *from)
{
	size_t n = into->n_subflows + from->n_subflows;
	struct ledger_subflow *rows = realloc(into->subflows, n * sizeof(*rows) + 1);

	if (!rows) {
		let_go(ledger, from);
		return;
	}
	if (from->n_subflows)
		memcpy(rows + into->n_subflows, from->subflows, from->n_subflows * sizeof(*rows));
	into->subflows = rows;
	into->n_subflows = into->cap_subflows = n;
	if (from->version > into->version)
		into->version = from->version;
	into->fallback |= from->fallback;
	if (from->confidence < into->confidence)
		into->confidence = from->confidence;
	into->app = app_join(ledger, into->app, from->app);
	text_join(into->client, from->client, sizeof(into->client));
	text_join(into->server, from->server, sizeof(into->server));
	earliest(&into->first_ns, from->first_ns);
	latest(&into->last_ns, from->last_ns);
	for (int i = 0; i < 2; i++)
		into->unique_bytes[i] = sum_add(into->unique_bytes[i], from->unique_bytes[i]);
	free(from->subflows);
	memset(from, 0, sizeof(*from));
}

static int id_order(const void *a, const void *b)
{
	return strcmp(((const struct ledger_connection *)a)->id,
	              ((const struct ledger_connection *)b)->id);
}

static void connections_unite(struct ledger *ledger)
{
	struct ledger_connection *rows = ledger->connections;
	size_t out = 0;

	if (ledger->n_connections < 2)
		return;
	qsort(rows, ledger->n_connections, sizeof(*rows), id_order);
	for (size_t i = 1; i < ledger->n_connections; i++) {
		if (!id_order(&rows[out], &rows[i])) {
			connection_join(ledger, &rows[out], &rows[i]);
			continue;
		}
		if (++out != i) {
			rows[out] = rows[i];
			memset(&rows[i], 0, sizeof(rows[i]));
		}
	}
	ledger->n_connections = out + 1;
	for (size_t i = 0; i < ledger->n_connections; i++)
		subflows_unite(ledger, &rows[i]);
}

/* ---- keeping the highest ---- */

static void connections_cut(struct ledger *ledger, size_t most)
{
	size_t n = ledger->n_connections, out = 0;
	struct ranked *ranked;

	if (n <= most)
		return;
	ranked = calloc(n, sizeof(*ranked));
	if (!ranked)
		return; /* too many rather than the wrong ones */
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){rank_of(&ledger->connections[i]), i};
	qsort(ranked, n, sizeof(*ranked), ranked_order);
	for (size_t i = most; i < n; i++)
		let_go(ledger, &ledger->connections[ranked[i].connection]);
	if (most == LEDGER_CONNECTIONS_MAX) { /* a ledger that is condensed is complete */
		ledger->floor = ranked[most - 1].rank;
		ledger->floor_known = true;
	}
	free(ranked);
	for (size_t i = 0; i < n; i++)
		if (ledger->connections[i].id[0] || ledger->connections[i].subflows)
			ledger->connections[out++] = ledger->connections[i];
	ledger->n_connections = out;
}

void ledger_fold_connections(struct ledger *ledger)
{
	connections_unite(ledger);
	connections_cut(ledger, LEDGER_CONNECTIONS_MAX);
}

void ledger_bound_connections(struct ledger *ledger, size_t most)
{
	if (most < LEDGER_CONNECTIONS_MAX) {
		connections_unite(ledger);
		connections_cut(ledger, most);
	}
}

bool ledger_push_connection(struct ledger *ledger, struct ledger_connection *connection)
{
	if (!ledger_grow((void **)&ledger->connections, &ledger->cap_connections,
	                 ledger->n_connections, sizeof(*ledger->connections))) {
		let_go(ledger, connection);
		return false;
	}
	if (connection->n_subflows && connection->cap_subflows > connection->n_subflows) {
		struct ledger_subflow *fitting =
			realloc(connection->subflows, connection->n_subflows * sizeof(*fitting));

		if (fitting) { /* rows are large and stay to the end */
			connection->subflows = fitting;
			connection->cap_subflows = connection->n_subflows;
		}
	}
	ledger->connections[ledger->n_connections++] = *connection;
	memset(connection, 0, sizeof(*connection));
	return true;
}

static void id_text(char text[17], uint64_t id)
{
	for (int i = 15; i >= 0; i--, id >>= 4)
		text[i] = "0123456789abcdef"[id & 15];
	text[16] = '\0';
}

bool ledger_pass_connection(struct ledger *ledger, uint64_t id, uint32_t wan,
                            const struct tally *sum)
{
	struct ledger_rank rank = {.total_bytes = sum->l2_bytes};

	if (!ledger->floor_known)
		return false;
	id_text(rank.id, id);
	if (rank_order(&ledger->floor, &rank) >= 0)
		return false;
	ledger->rest.connections++;
	ledger->rest.subflows++;
	if (wan < LEDGER_WANS_MAX)
		tally_add(&ledger->rest.wans[wan], sum);
	return true;
}

void ledger_take_connection(struct ledger *ledger, struct ledger_connection *connection)
{
	struct ledger_rank rank;

	subflows_unite(ledger, connection);
	if (ledger->floor_known) {
		rank = rank_of(connection);
		if (rank_order(&ledger->floor, &rank) < 0) {
			let_go(ledger, connection);
			return;
		}
	}
	ledger_push_connection(ledger, connection);
	if (ledger->n_connections >= ROOM)
		connections_cut(ledger, LEDGER_CONNECTIONS_MAX);
}
