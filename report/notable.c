/* SPDX-License-Identifier: MIT
 *
 * notable.c - see notable.h.
 */
#include "notable.h"

#include <stdlib.h>
#include <string.h>

const char *const connection_class_names[CONNECTION_CLASS_COUNT] = {"mptcp", "fallback", "plain",
                                                                    "orphan"};

/* ---- the largest of a scope ---- */

struct rank {
	uint64_t bytes, more; /* the first decides, then the second, then who stands first */
	const char *id;       /* "" where the place in the ledger decides */
	size_t place;
};

/* The `most` highest of all that were offered: a heap with the lowest of them on top. */
struct scope {
	struct rank *rows; /* owned */
	size_t n, most;
};

static bool higher(const struct rank *a, const struct rank *b)
{
	int order;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes;
	if (a->more != b->more)
		return a->more > b->more;
	order = strcmp(a->id, b->id);
	return order ? order < 0 : a->place < b->place;
}

static void rise(struct scope *s)
{
	size_t at = s->n - 1;

	while (at > 0 && higher(&s->rows[(at - 1) / 2], &s->rows[at])) {
		struct rank row = s->rows[at];

		s->rows[at] = s->rows[(at - 1) / 2];
		at = (at - 1) / 2;
		s->rows[at] = row;
	}
}

static void sink(struct scope *s)
{
	size_t at = 0, next;

	while ((next = 2 * at + 1) < s->n) {
		struct rank row = s->rows[at];

		if (next + 1 < s->n && higher(&s->rows[next], &s->rows[next + 1]))
			next++;
		if (!higher(&row, &s->rows[next]))
			return;
		s->rows[at] = s->rows[next];
		s->rows[next] = row;
		at = next;
	}
}

static void offer(struct scope *s, const struct rank *row)
{
	if (s->n < s->most) {
		s->rows[s->n++] = *row;
		rise(s);
	} else if (s->most > 0 && higher(row, &s->rows[0])) {
		s->rows[0] = *row;
		sink(s);
	}
}

/* ---- the scopes: each backup (without one, each WAN), all of those together, all WANs ---- */

enum { SCOPE_THOSE, SCOPE_ALL, SCOPE_WANS };

struct choice {
	const struct report *report;
	bool any_backup;
	struct scope scopes[SCOPE_WANS + LEDGER_WANS_MAX];
	size_t n;
};

/* Of one connection. */
struct sums {
	bool seen[LEDGER_WANS_MAX];
	uint64_t carrying[LEDGER_WANS_MAX], ip[LEDGER_WANS_MAX];
	uint64_t all;
};

static bool counts(const struct choice *choice, size_t wan)
{
	return !choice->any_backup || choice->report->wans[wan].role.role == ROLE_BACKUP;
}

static void sum_connection(const struct ledger_connection *c, size_t n_wans, struct sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	for (size_t i = 0; i < c->n_subflows; i++) {
		const struct ledger_subflow *s = &c->subflows[i];

		for (size_t k = 0; k < KIND_COUNT; k++) {
			sums->all += s->kinds[k].ip_bytes;
			if (s->wan >= n_wans)
				continue;
			sums->ip[s->wan] += s->kinds[k].ip_bytes;
			if (k < KIND_CARRYING)
				sums->carrying[s->wan] += s->kinds[k].ip_bytes;
		}
		if (s->wan < n_wans)
			sums->seen[s->wan] = true;
	}
}

static void rank_connection(struct choice *choice, size_t place)
{
	const struct report *report = choice->report;
	const struct ledger_connection *c = &report->ledger->connections[place];
	struct rank row = {.id = "", .place = place};
	struct sums sums;

	sum_connection(c, report->n_wans, &sums);
	row.bytes = sums.all;
	offer(&choice->scopes[SCOPE_ALL], &row);
	row.bytes = 0;
	for (size_t i = 0; i < report->n_wans; i++)
		row.bytes += counts(choice, i) ? sums.ip[i] : 0;
	if (row.bytes > 0)
		offer(&choice->scopes[SCOPE_THOSE], &row);
	for (size_t i = 0; i < report->n_wans; i++)
		if (sums.seen[i] && counts(choice, i))
			offer(&choice->scopes[SCOPE_WANS + i],
			      &(struct rank){sums.carrying[i], sums.ip[i], c->id, place});
}

static bool choose_largest(const struct report *report, size_t most, bool *told)
{
	struct choice *choice = calloc(1, sizeof(*choice));
	bool whole = choice != NULL;

	if (!whole)
		return false;
	choice->report = report;
	choice->n = SCOPE_WANS + report->n_wans;
	for (size_t i = 0; i < report->n_wans; i++)
		choice->any_backup |= report->wans[i].role.role == ROLE_BACKUP;
	for (size_t i = 0; whole && i < choice->n; i++) {
		if (i >= SCOPE_WANS && !counts(choice, i - SCOPE_WANS))
			continue;
		choice->scopes[i].most = most;
		choice->scopes[i].rows = calloc(most, sizeof(struct rank));
		whole = choice->scopes[i].rows != NULL;
	}
	for (size_t i = 0; whole && i < report->ledger->n_connections; i++)
		rank_connection(choice, i);
	for (size_t i = 0; i < choice->n; i++) {
		for (size_t k = 0; whole && k < choice->scopes[i].n; k++)
			told[choice->scopes[i].rows[k].place] = true;
		free(choice->scopes[i].rows);
	}
	free(choice);
	return whole;
}

/* ---- those that are named ---- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void choose_named(const struct report *report, bool *told)
{
	const struct ledger *ledger = report->ledger;
	uint64_t ids[LEDGER_INTERRUPTIONS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ledger->n_interruptions && n < LEDGER_INTERRUPTIONS_MAX; i++)
		if (ledger->interruptions[i].id)
			ids[n++] = ledger->interruptions[i].id;
	qsort(ids, n, sizeof(*ids), by_number);
	for (size_t i = 0; n > 0 && i < ledger->n_connections; i++) {
		uint64_t id = strtoull(ledger->connections[i].id, NULL, 16);

		told[i] |= bsearch(&id, ids, n, sizeof(*ids), by_number) != NULL;
	}
	for (size_t i = 0; i < report->n_findings; i++)
		if (report->findings[i].connection)
			told[report->findings[i].connection - ledger->connections] = true;
}

bool notable_choose(const struct report *report, bool *told)
{
	size_t n = report->ledger->n_connections, most = report->options.connections;

	if (most == 0)
		most = NOTABLE_CONNECTIONS;
	if (n <= most) {
		memset(told, true, n);
		return true;
	}
	choose_named(report, told);
	return choose_largest(report, most, told);
}

/* ---- the others ---- */

static enum connection_class class_of(const struct ledger_connection *c)
{
	return c->fallback                    ? CONNECTION_FALLBACK
	       : c->confidence == CONF_PLAIN  ? CONNECTION_PLAIN
	       : c->confidence == CONF_ORPHAN ? CONNECTION_ORPHAN
	                                      : CONNECTION_MPTCP;
}

static void add_tally(struct tally *into, const struct tally *from)
{
	into->frames += from->frames;
	into->l2_bytes += from->l2_bytes;
	into->ip_bytes += from->ip_bytes;
	into->payload_bytes += from->payload_bytes;
}

static void add_subflow(const struct report *report, const struct ledger_subflow *s,
                        struct remainder_wan *wan)
{
	wan->subflows++;
	for (size_t k = 0; k < KIND_COUNT; k++)
		add_tally(&wan->kinds[k], &s->kinds[k]);
	for (size_t i = 0; i < s->n_shares && i < LEDGER_SHARES; i++)
		wan->phases[report_phase(report->ledger, report->primaries,
		                         s->shares[i].circumstance)] += s->shares[i].sum.ip_bytes;
}

static void add_connection(const struct report *report, const struct ledger_connection *c,
                           struct remainder *sum)
{
	bool seen[LEDGER_WANS_MAX + 1] = {false};

	if (sum->connections == 0 || c->first_ns < sum->first_ns)
		sum->first_ns = c->first_ns;
	if (c->last_ns > sum->last_ns)
		sum->last_ns = c->last_ns;
	sum->connections++;
	sum->subflows += c->n_subflows;
	for (size_t i = 0; i < 2; i++)
		sum->unique_bytes[i] += c->unique_bytes[i];
	for (size_t i = 0; i < c->n_subflows; i++) {
		size_t wan =
			c->subflows[i].wan < report->n_wans ? c->subflows[i].wan : report->n_wans;

		add_subflow(report, &c->subflows[i], &sum->wans[wan]);
		sum->wans[wan].connections += !seen[wan];
		seen[wan] = true;
	}
}

bool remainder_fill(struct remainder classes[CONNECTION_CLASS_COUNT], const struct report *report,
                    const bool *told)
{
	const struct ledger *ledger = report->ledger;
	bool whole = true;

	memset(classes, 0, sizeof(*classes) * CONNECTION_CLASS_COUNT);
	for (size_t i = 0; i < CONNECTION_CLASS_COUNT; i++) {
		classes[i].wans = calloc(report->n_wans + 1, sizeof(*classes[i].wans));
		whole = whole && classes[i].wans;
	}
	if (!whole) {
		remainder_release(classes);
		return false;
	}
	for (size_t i = 0; i < ledger->n_connections; i++)
		if (!told[i])
			add_connection(report, &ledger->connections[i],
			               &classes[class_of(&ledger->connections[i])]);
	return true;
}

void remainder_release(struct remainder classes[CONNECTION_CLASS_COUNT])
{
	for (size_t i = 0; i < CONNECTION_CLASS_COUNT; i++)
		free(classes[i].wans);
	memset(classes, 0, sizeof(*classes) * CONNECTION_CLASS_COUNT);
}
