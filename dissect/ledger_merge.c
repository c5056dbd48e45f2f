/* SPDX-License-Identifier: MIT
 *
 * ledger_merge.c - two ledgers become one, and one ledger gets its canonical order.
 *
 * Sorting is merging into an empty ledger whose tables were filled in order beforehand.
 */
#include "ledger_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where the indices of `from` lie in `into`. */
struct maps {
	uint32_t wans[LEDGER_WANS_MAX];
	uint16_t apps[LEDGER_APPS_MAX];
	uint16_t circumstances[LEDGER_CIRCUMSTANCES_MAX];
	uint32_t *files; /* owned; LEDGER_FILES_MAX = not there */
};

static uint32_t map_wan(const struct maps *maps, uint32_t wan)
{
	return wan < LEDGER_WANS_MAX ? maps->wans[wan] : LEDGER_WANS_MAX;
}

/* ---- tables ---- */

static uint64_t map_mask(const struct maps *maps, uint64_t mask)
{
	uint64_t mapped = 0;

	for (uint32_t i = 0; i < LEDGER_WANS_MAX; i++)
		if (mask >> i & 1 && maps->wans[i] < LEDGER_WANS_MAX)
			mapped |= 1ull << maps->wans[i];
	return mapped;
}

static struct ledger_circumstance map_circumstance(const struct maps *maps,
                                                   const struct ledger_circumstance *from)
{
	return (struct ledger_circumstance){
		.healthy = map_mask(maps, from->healthy),
		.degraded = map_mask(maps, from->degraded),
		.silent = map_mask(maps, from->silent),
		.returned = map_mask(maps, from->returned),
	};
}

static bool wans_fit(const struct ledger *into, const struct ledger *from)
{
	size_t missing = 0;

	for (size_t f = 0; f < from->n_wans; f++) {
		size_t i = 0;

		while (i < into->n_wans && strcmp(into->wans[i].name, from->wans[f].name))
			i++;
		missing += i == into->n_wans;
	}
	return into->n_wans + missing <= LEDGER_WANS_MAX;
}

/* A WAN new to `into` starts with what only the first ledger that knows it can say. */
static bool merge_wan_names(struct ledger *into, const struct ledger *from, struct maps *maps)
{
	for (uint32_t i = 0; i < LEDGER_WANS_MAX; i++)
		maps->wans[i] = LEDGER_WANS_MAX;
	for (size_t i = 0; i < from->n_wans; i++) {
		size_t before = into->n_wans;
		uint32_t wan = ledger_wan(into, from->wans[i].name);

		if (wan == LEDGER_WANS_MAX)
			return false;
		if (into->n_wans > before)
			into->wans[wan].drops_known = from->wans[i].drops_known;
		maps->wans[i] = wan;
	}
	return true;
}

/* An order of shifts whose least is none. */
static bool farther(int64_t a, int64_t b)
{
	uint64_t size_a = a < 0 ? -(uint64_t)a : (uint64_t)a;
	uint64_t size_b = b < 0 ? -(uint64_t)b : (uint64_t)b;

	return size_a != size_b ? size_a > size_b : a > b;
}

static void file_join(const struct ledger *ledger, struct ledger_file *into,
                      const struct ledger_file *from, uint32_t wan)
{
	if (wan < ledger->n_wans && wan != into->wan &&
	    (into->wan >= ledger->n_wans ||
	     strcmp(ledger->wans[wan].name, ledger->wans[into->wan].name) < 0))
		into->wan = wan;
	if (from->message && (!into->message || strcmp(from->message, into->message) < 0)) {
		char *message = ledger_text(from->message);

		if (message) {
			free(into->message);
			into->message = message;
			memcpy(into->flaw, from->flaw, sizeof(into->flaw));
			into->flaw_at = from->flaw_at;
			into->flaw_unpacked = from->flaw_unpacked;
		}
	}
	if (from->frames && (!into->frames || from->first_ns < into->first_ns))
		into->first_ns = from->first_ns;
	if (from->last_ns > into->last_ns)
		into->last_ns = from->last_ns;
	into->frames = sum_add(into->frames, from->frames);
	into->wire_bytes = sum_add(into->wire_bytes, from->wire_bytes);
	if (from->snaplen > into->snaplen)
		into->snaplen = from->snaplen;
	into->recorded |= from->recorded;
	into->growing |= from->growing;
	into->repaired |= from->repaired;
	if (from->from_ns && (!into->from_ns || from->from_ns < into->from_ns))
		into->from_ns = from->from_ns;
	if (from->to_ns > into->to_ns)
		into->to_ns = from->to_ns;
	if (farther(from->shift_ns, into->shift_ns))
		into->shift_ns = from->shift_ns;
	ledger_digest_merge(into, from);
}

static bool merge_files(struct ledger *into, const struct ledger *from, struct maps *maps)
{
	maps->files = malloc((from->n_files + 1) * sizeof(*maps->files));
	if (!maps->files)
		return false;
	for (size_t i = 0; i < from->n_files; i++) {
		const struct ledger_file *file = &from->files[i];
		uint32_t wan = map_wan(maps, file->wan);

		maps->files[i] = ledger_file(into, file->name, wan);
		if (maps->files[i] < LEDGER_FILES_MAX)
			file_join(into, &into->files[maps->files[i]], file, wan);
	}
	return true;
}

static bool merge_tables(struct ledger *into, const struct ledger *from, struct maps *maps)
{
	if (!merge_wan_names(into, from, maps))
		return false;
	maps->apps[0] = maps->circumstances[0] = 0;
	for (size_t i = 1; i < from->n_apps; i++)
		maps->apps[i] = ledger_app(into, from->apps[i]);
	for (size_t i = 1; i < from->n_circumstances; i++) {
		struct ledger_circumstance masks = map_circumstance(maps, &from->circumstances[i]);

		maps->circumstances[i] = ledger_circumstance(into, &masks);
	}
	return merge_files(into, from, maps);
}

/* ---- sums of a WAN ---- */

static void merge_evidence(const struct ledger *into, struct evidence *first,
                           const struct evidence *from, const struct maps *maps)
{
	for (uint32_t i = 0; i < from->count; i++) {
		struct evidence_frame frame = from->frames[i];

		frame.file = maps->files[frame.file];
		ledger_show(into, first, &frame);
	}
}

static bool merge_buckets(struct ledger *into, struct ledger_wan *wan,
                          const struct ledger_wan *from, const uint16_t *circumstances)
{
	for (size_t i = 0; i < from->n_buckets; i++) {
		const struct ledger_bucket *source = &from->buckets[i];
		struct ledger_bucket *bucket = ledger_bucket_at(into, wan, source->first_ns);

		if (!bucket)
			return false;
		if (source->first_ns < bucket->first_ns)
			bucket->first_ns = source->first_ns;
		if (source->last_ns > bucket->last_ns)
			bucket->last_ns = source->last_ns;
		for (int d = 0; d < DIR_COUNT; d++)
			for (int k = 0; k < KIND_COUNT; k++)
				tally_add(&bucket->kinds[d][k], &source->kinds[d][k]);
		ledger_bucket_shares(into, bucket, source, circumstances);
	}
	return true;
}

static bool merge_cells(const struct ledger *into, struct ledger_wan *wan,
                        const struct ledger_wan *from, const struct maps *maps)
{
	for (size_t i = 0; i < from->n_cells; i++) {
		struct ledger_cell key = from->cells[i];
		struct ledger_cell *cell;

		key.app = maps->apps[key.app];
		key.circumstance = maps->circumstances[key.circumstance];
		cell = ledger_cell_at(wan, &key);
		if (!cell)
			return false;
		tally_add(&cell->sum, &from->cells[i].sum);
		merge_evidence(into, &cell->first, &from->cells[i].first, maps);
		if (from->cells[i].last_ns > cell->last_ns)
			cell->last_ns = from->cells[i].last_ns;
	}
	return true;
}

/* The first addresses in the order of text. */
static void merge_own(struct ledger_wan *wan, const struct ledger_addr *from)
{
	unsigned place = 0;

	while (place < wan->n_own && strcmp(wan->own[place].text, from->text) < 0)
		place++;
	if (place == LEDGER_ADDRS ||
	    (place < wan->n_own && !strcmp(wan->own[place].text, from->text)))
		return;
	if (wan->n_own < LEDGER_ADDRS)
		wan->n_own++;
	memmove(&wan->own[place + 1], &wan->own[place],
	        (wan->n_own - place - 1) * sizeof(wan->own[0]));
	wan->own[place] = *from;
}

static void merge_counters(struct ledger_counters *into, const struct ledger_counters *from)
{
#define X(name) into->name = sum_add(into->name, from->name);
	LEDGER_COUNTERS(X)
#undef X
}

static bool merge_wan(struct ledger *into, struct ledger_wan *wan, const struct ledger_wan *from,
                      const struct maps *maps)
{
	bool had_frames = wan->n_buckets > 0;

	wan->filtered |= from->filtered;
	wan->drops_known &= from->drops_known; /* half known is not known */
	if (from->skew_ns > wan->skew_ns)
		wan->skew_ns = from->skew_ns;
	for (unsigned i = 0; i < from->n_own; i++)
		merge_own(wan, &from->own[i]);
	for (int e = 0; e < EVENT_COUNT; e++) {
		wan->events[e].count = sum_add(wan->events[e].count, from->events[e].count);
		merge_evidence(into, &wan->events[e].first, &from->events[e].first, maps);
	}
	merge_counters(&wan->counters, &from->counters);
	ledger_names_merge(wan, from);
	if (from->record)
		ledger_record_merge(wan, from->record);
	if (!merge_buckets(into, wan, from, maps->circumstances) || !merge_cells(into, wan, from, maps) ||
	    !ledger_peers_merge(into, wan, from, maps->apps, maps->files))
		return false;
	ledger_forget_places(wan);
	if (from->n_buckets) {
		if (!had_frames || from->first_ns < wan->first_ns)
			wan->first_ns = from->first_ns;
		if (!had_frames || from->last_ns > wan->last_ns)
			wan->last_ns = from->last_ns;
	}
	return true;
}

static void merge_interruptions(struct ledger *into, const struct ledger *from,
                                const struct maps *maps)
{
	for (size_t i = 0; i < from->n_interruptions; i++) {
		struct ledger_interruption row = from->interruptions[i];

		row.wan = map_wan(maps, row.wan);
		row.to = map_wan(maps, row.to);
		if (row.frame.file < from->n_files)
			row.frame.file = maps->files[row.frame.file];
		ledger_keep_interruption(into, &row);
	}
}

/* Everything but the connections. */
static bool merge_sums(struct ledger *into, const struct ledger *from, struct maps *maps)
{
	if (!merge_tables(into, from, maps))
		return false;
	ledger_coarsen(into, from->width);
	for (size_t i = 0; i < from->n_wans; i++)
		if (!merge_wan(into, &into->wans[maps->wans[i]], &from->wans[i], maps))
			return false;
	into->rest.connections = sum_add(into->rest.connections, from->rest.connections);
	into->rest.subflows = sum_add(into->rest.subflows, from->rest.subflows);
	for (size_t i = 0; i < from->n_wans; i++)
		tally_add(&into->rest.wans[maps->wans[i]], &from->rest.wans[i]);
	into->frames_over_wans = sum_add(into->frames_over_wans, from->frames_over_wans);
	merge_interruptions(into, from, maps);
	if (from->shared_known) {
		if (!into->shared_known || from->shared_start_ns < into->shared_start_ns)
			into->shared_start_ns = from->shared_start_ns;
		if (!into->shared_known || from->shared_end_ns > into->shared_end_ns)
			into->shared_end_ns = from->shared_end_ns;
		into->shared_known = true;
	}
	return true;
}

/* ---- connections ---- */

/* Two circumstances may become one when the table of `into` is full, so the shares are put anew. */
static void map_connection(const struct ledger *into, struct ledger_connection *connection,
                           const struct maps *maps)
{
	connection->app = maps->apps[connection->app];
	for (size_t i = 0; i < connection->n_subflows; i++) {
		struct ledger_subflow *subflow = &connection->subflows[i];
		struct ledger_subflow old = *subflow;

		subflow->wan = map_wan(maps, old.wan);
		subflow->n_shares = 0;
		memset(subflow->shares, 0, sizeof(subflow->shares));
		for (unsigned s = 0; s < old.n_shares; s++)
			ledger_share(into, subflow, maps->circumstances[old.shares[s].circumstance],
			             &old.shares[s].sum);
	}
}

static bool copy_connection(struct ledger *into, const struct ledger_connection *from,
                            const struct maps *maps)
{
	struct ledger_connection copy = *from;

	copy.cap_subflows = copy.n_subflows;
	copy.subflows = malloc(copy.n_subflows * sizeof(*copy.subflows) + 1);
	if (!copy.subflows)
		return false;
	if (copy.n_subflows)
		memcpy(copy.subflows, from->subflows, copy.n_subflows * sizeof(*copy.subflows));
	map_connection(into, &copy, maps);
	return ledger_push_connection(into, &copy);
}

bool ledger_merge(struct ledger *into, const struct ledger *from)
{
	struct maps maps = {0};
	bool merged;

	assert(into != from);
	if (!wans_fit(into, from))
		return false;
	merged = merge_sums(into, from, &maps);
	for (size_t i = 0; merged && i < from->n_connections; i++)
		merged = copy_connection(into, &from->connections[i], &maps);
	ledger_fold_connections(into);
	free(maps.files);
	return merged;
}

static bool holds_nothing(const struct ledger *ledger)
{
	return ledger->n_wans == 0 && ledger->n_files == 0 && ledger->n_connections == 0 &&
	       ledger->n_apps <= 1 && ledger->rest.connections == 0 && ledger->width == 0 &&
	       ledger->frames_over_wans == 0 && !ledger->shared_known;
}

bool ledger_take(struct ledger *into, struct ledger *from)
{
	bool taken = holds_nothing(into);

	if (taken) {
		ledger_release(into);
		*into = *from;
		ledger_init(from);
		return true;
	}
	taken = ledger_merge(into, from);
	ledger_release(from);
	return taken;
}

/* ---- sorting ---- */

static int text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int masks_order(const void *a, const void *b)
{
	const struct ledger_circumstance *left = a, *right = b;
	const uint64_t l[] = {left->healthy, left->degraded, left->silent, left->returned};
	const uint64_t r[] = {right->healthy, right->degraded, right->silent, right->returned};

	for (int i = 0; i < 4; i++)
		if (l[i] != r[i])
			return l[i] < r[i] ? -1 : 1;
	return 0;
}

static int cell_order(const void *a, const void *b)
{
	uint64_t left = ledger_cell_key(a), right = ledger_cell_key(b);

	return left < right ? -1 : left > right;
}

static int subflow_order(const void *a, const void *b)
{
	const struct ledger_subflow *left = a, *right = b;
	int order;

	if (left->first_ns != right->first_ns)
		return left->first_ns < right->first_ns ? -1 : 1;
	order = strcmp(left->client, right->client);
	if (!order)
		order = strcmp(left->server, right->server);
	if (order)
		return order;
	if (left->wan != right->wan)
		return left->wan < right->wan ? -1 : 1;
	return left->reuse < right->reuse ? -1 : left->reuse > right->reuse;
}

static int share_order(const void *a, const void *b)
{
	const struct ledger_subflow_share *left = a, *right = b;

	return (left->circumstance > right->circumstance) -
	       (left->circumstance < right->circumstance);
}

static int connection_order(const void *a, const void *b)
{
	const struct ledger_connection *left = a, *right = b;

	if (left->first_ns != right->first_ns)
		return left->first_ns < right->first_ns ? -1 : 1;
	return strcmp(left->id, right->id);
}

/* qsort() wants a pointer even for nothing. */
static void sort(void *rows, size_t count, size_t size, int (*order)(const void *, const void *))
{
	if (count > 1)
		qsort(rows, count, size, order);
}

/* What of the apps and circumstances is in use. */
struct used {
	bool apps[LEDGER_APPS_MAX];
	bool circumstances[LEDGER_CIRCUMSTANCES_MAX];
};

static void find_used(const struct ledger *ledger, struct used *used)
{
	memset(used, 0, sizeof(*used));
	for (size_t w = 0; w < ledger->n_wans; w++) {
		ledger_peers_use(&ledger->wans[w], used->apps);
		ledger_bucket_shares_use(&ledger->wans[w], used->circumstances);
		for (size_t i = 0; i < ledger->wans[w].n_cells; i++) {
			used->apps[ledger->wans[w].cells[i].app] = true;
			used->circumstances[ledger->wans[w].cells[i].circumstance] = true;
		}
	}
	for (size_t c = 0; c < ledger->n_connections; c++) {
		const struct ledger_connection *connection = &ledger->connections[c];

		used->apps[connection->app] = true;
		for (size_t i = 0; i < connection->n_subflows; i++)
			for (unsigned s = 0; s < connection->subflows[i].n_shares; s++)
				used->circumstances
					[connection->subflows[i].shares[s].circumstance] = true;
	}
}

static bool seed_wans(struct ledger *sorted, const struct ledger *ledger, struct maps *maps)
{
	const char *names[LEDGER_WANS_MAX];

	for (size_t i = 0; i < ledger->n_wans; i++)
		names[i] = ledger->wans[i].name;
	sort(names, ledger->n_wans, sizeof(names[0]), text_order);
	for (size_t i = 0; i < ledger->n_wans; i++) {
		uint32_t wan = ledger_wan(sorted, names[i]);

		if (wan == LEDGER_WANS_MAX)
			return false;
		sorted->wans[wan].drops_known = true; /* zero of the "and" in merge_wan() */
	}
	for (uint32_t i = 0; i < LEDGER_WANS_MAX; i++)
		maps->wans[i] = LEDGER_WANS_MAX;
	for (size_t i = 0; i < ledger->n_wans; i++)
		maps->wans[i] = ledger_wan(sorted, ledger->wans[i].name);
	return true;
}

static void seed_apps(struct ledger *sorted, const struct ledger *ledger, const struct used *used)
{
	const char *names[LEDGER_APPS_MAX];
	size_t n = 0;

	for (size_t i = 1; i < ledger->n_apps; i++)
		if (used->apps[i])
			names[n++] = ledger->apps[i];
	sort(names, n, sizeof(names[0]), text_order);
	for (size_t i = 0; i < n; i++)
		ledger_app(sorted, names[i]);
}

static void seed_circumstances(struct ledger *sorted, const struct ledger *ledger,
                               const struct used *used, const struct maps *maps)
{
	struct ledger_circumstance rows[LEDGER_CIRCUMSTANCES_MAX];
	size_t n = 0;

	for (size_t i = 1; i < ledger->n_circumstances; i++)
		if (used->circumstances[i])
			rows[n++] = map_circumstance(maps, &ledger->circumstances[i]);
	sort(rows, n, sizeof(rows[0]), masks_order);
	for (size_t i = 0; i < n; i++)
		ledger_circumstance(sorted, &rows[i]);
}

/* Only what is used goes over; merge_tables() must then find, not add. */
static void forget_unused(struct ledger *ledger, const struct used *used)
{
	for (size_t i = 1; i < ledger->n_apps; i++)
		if (!used->apps[i])
			ledger->apps[i][0] = '\0';
	for (size_t i = 1; i < ledger->n_circumstances; i++)
		if (!used->circumstances[i])
			memset(&ledger->circumstances[i], 0, sizeof(ledger->circumstances[i]));
}

static bool seed_files(struct ledger *sorted, const struct ledger *ledger, const struct maps *maps)
{
	for (size_t i = 0; i < ledger->n_files; i++) {
		const struct ledger_file *file = &ledger->files[ledger->files_by_name[i]];

		if (ledger_file(sorted, file->name, map_wan(maps, file->wan)) == LEDGER_FILES_MAX)
			return false;
	}
	return true;
}

static void sort_rows(struct ledger *ledger)
{
	for (size_t w = 0; w < ledger->n_wans; w++) {
		struct ledger_wan *wan = &ledger->wans[w];

		sort(wan->cells, wan->n_cells, sizeof(wan->cells[0]), cell_order);
		for (size_t i = 0; i < wan->n_cells; i++)
			wan->places[i].cell = (uint32_t)i;
		ledger_forget_places(wan);
		ledger_peers_sort(wan);
		ledger_bucket_shares_sort(wan);
	}
	ledger_sort_interruptions(ledger);
	sort(ledger->connections, ledger->n_connections, sizeof(ledger->connections[0]),
	     connection_order);
	for (size_t c = 0; c < ledger->n_connections; c++) {
		struct ledger_connection *connection = &ledger->connections[c];

		sort(connection->subflows, connection->n_subflows, sizeof(connection->subflows[0]),
		     subflow_order);
		for (size_t i = 0; i < connection->n_subflows; i++)
			sort(connection->subflows[i].shares, connection->subflows[i].n_shares,
			     sizeof(connection->subflows[i].shares[0]), share_order);
	}
}

/* Connections are moved, not copied: they are the largest part. */
static void move_connections(struct ledger *into, struct ledger *from, const struct maps *maps)
{
	for (size_t i = 0; i < from->n_connections; i++)
		map_connection(into, &from->connections[i], maps);
	into->connections = from->connections;
	into->n_connections = from->n_connections;
	into->cap_connections = from->cap_connections;
	into->floor = from->floor;
	into->floor_known = from->floor_known;
	from->connections = NULL;
	from->n_connections = from->cap_connections = 0;
}

bool ledger_sort(struct ledger *ledger)
{
	struct ledger *sorted = malloc(sizeof(*sorted));
	struct used *used = malloc(sizeof(*used));
	struct maps maps = {0};
	bool done = false;

	if (!sorted || !used)
		goto out;
	ledger_init(sorted);
	ledger_fold_connections(ledger);
	find_used(ledger, used);
	forget_unused(ledger, used);
	done = seed_wans(sorted, ledger, &maps);
	if (done) {
		seed_apps(sorted, ledger, used);
		seed_circumstances(sorted, ledger, used, &maps);
		done = seed_files(sorted, ledger, &maps) && merge_sums(sorted, ledger, &maps);
	}
	if (done) {
		move_connections(sorted, ledger, &maps);
		sort_rows(sorted);
		ledger_release(ledger);
		*ledger = *sorted;
	} else {
		ledger_release(sorted);
	}
out:
	free(maps.files);
	free(used);
	free(sorted);
	return done;
}
