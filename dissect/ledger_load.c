/* SPDX-License-Identifier: MIT
 *
 * ledger_load.c - a ledger from the values of its JSON (ledger_read.c reads that). The file may come
 * from anybody: each value is checked before it is believed.
 */
#include "ledger_rows.h"
#include "ledger_values.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SUBFLOWS_MAX   4096

/* ---- tables ---- */

static bool load_wan_names(struct loading *loading, const json_t *wans)
{
	for (size_t i = 0; i < json_array_size(wans); i++) {
		const char *name;

		loading_at(loading, "wans[%zu]", i);
		if (!loading_name(loading, json_array_get(wans, i), "name", &name))
			return false;
		if (ledger_wan(loading->ledger, name) != i)
			return loading_refuse(loading, "a WAN of this name came before");
	}
	return true;
}

/* Times of both signs, and so that two differ by an int64_t. */
static bool get_shift(struct loading *loading, const json_t *value, const char *key, int64_t *ns)
{
	if (!json_is_integer(value) || json_integer_value(value) < -INT64_MAX)
		return loading_refuse(loading, "\"%s\" must be a whole number", key);
	*ns = json_integer_value(value);
	return true;
}

static bool load_file_recording(struct loading *loading, const json_t *row,
                                struct ledger_file *file)
{
	const json_t *recording = json_object_get(row, "recording");

	file->recorded = recording != NULL;
	if (!recording)
		return true;
	return loading_number(loading, recording, "from_ns", &file->from_ns) &&
	       loading_number(loading, recording, "to_ns", &file->to_ns) &&
	       get_shift(loading, json_object_get(recording, "shift_ns"), "shift_ns",
	                 &file->shift_ns) &&
	       loading_flag(loading, recording, "growing", &file->growing) &&
	       loading_flag(loading, recording, "repaired", &file->repaired);
}

/* Which flaw it is; of an older ledger the message alone is known. */
static bool load_file_flaw(struct loading *loading, const json_t *row, struct ledger_file *file)
{
	const json_t *flaw = json_object_get(row, "flaw");
	const char *what = json_string_value(json_object_get(flaw, "what"));

	if (!flaw)
		return true;
	if (!what || strlen(what) >= sizeof(file->flaw) ||
	    strspn(what, "abcdefghijklmnopqrstuvwxyz_") != strlen(what))
		return loading_refuse(loading, "\"flaw\" must name itself");
	memcpy(file->flaw, what, strlen(what) + 1);
	return loading_number(loading, flaw, "at", &file->flaw_at) &&
	       loading_flag(loading, flaw, "unpacked", &file->flaw_unpacked);
}

static bool load_file(struct loading *loading, const json_t *row, size_t index)
{
	struct ledger_file *file;
	const json_t *message;
	const char *name;
	uint32_t wan;

	loading_at(loading, "files[%zu]", index);
	if (!loading_name(loading, row, "name", &name) || !loading_wan(loading, row, &wan))
		return false;
	if (ledger_file(loading->ledger, name, wan) != index)
		return loading_refuse(loading, "a file of this name came before");
	file = &loading->ledger->files[index];
	message = json_object_get(row, "message");
	if (!json_is_null(message) && !json_is_string(message))
		return loading_refuse(loading, "\"message\" must be null or a text");
	if (json_is_string(message) && !(file->message = ledger_text(json_string_value(message))))
		return loading_refuse(loading, "out of memory");
	if (!ledger_digest_load(file, json_object_get(row, "sha256")))
		return loading_refuse(loading, "\"sha256\" must be 64 hexadecimal digits");
	return loading_count(loading, row, "frames", &file->frames) &&
	       loading_count(loading, row, "wire_bytes", &file->wire_bytes) &&
	       loading_number(loading, row, "first_ns", &file->first_ns) &&
	       loading_number(loading, row, "last_ns", &file->last_ns) &&
	       loading_u32(loading, row, "snaplen", &file->snaplen) &&
	       load_file_flaw(loading, row, file) && load_file_recording(loading, row, file);
}

static bool read_mask(struct loading *loading, const json_t *row, const char *key, uint64_t *mask)
{
	const struct ledger *ledger = loading->ledger;
	const json_t *names;

	*mask = 0;
	if (!loading_table(loading, row, key, LEDGER_WANS_MAX, &names))
		return false;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		size_t wan = 0;

		while (name && wan < ledger->n_wans && strcmp(ledger->wans[wan].name, name))
			wan++;
		if (!name || wan == ledger->n_wans)
			return loading_refuse(loading, "\"%s\" must name WANs of this file", key);
		*mask |= 1ull << wan;
	}
	return true;
}

static bool load_circumstance(struct loading *loading, const json_t *row, size_t index)
{
	struct ledger_circumstance masks;

	loading_at(loading, "circumstances[%zu]", index);
	if (!read_mask(loading, row, "healthy", &masks.healthy) ||
	    !read_mask(loading, row, "degraded", &masks.degraded) ||
	    !read_mask(loading, row, "silent", &masks.silent) ||
	    !read_mask(loading, row, "returned", &masks.returned))
		return false;
	return ledger_circumstance(loading->ledger, &masks) == index ||
	       loading_refuse(loading, index ? "came before" : "the first one must be empty");
}

/* ---- WANs ---- */

static bool load_cell(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	struct ledger_cell key = {0};
	struct ledger_cell *cell;
	size_t before = wan->n_cells;

	if (!loading_flag(loading, row, "shared", &key.shared) ||
	    !loading_word(loading, row, "direction", direction_names, DIR_COUNT, &key.direction) ||
	    !loading_word(loading, row, "kind", kind_names, KIND_COUNT, &key.kind) ||
	    !loading_word(loading, row, "traffic", traffic_names, TRAFFIC_COUNT, &key.traffic) ||
	    !loading_app(loading, row, &key.app) ||
	    !loading_circumstance(loading, row, &key.circumstance))
		return false;
	if (key.circumstance && key.kind >= KIND_CARRYING)
		return loading_refuse(loading, "only carrying kinds have a circumstance");
	cell = ledger_cell_at(wan, &key);
	if (!cell)
		return loading_refuse(loading, "out of memory");
	if (wan->n_cells == before)
		return loading_refuse(loading, "the same cell came before");
	return loading_tally(loading, row, "sum", &cell->sum) &&
	       loading_evidence(loading, row, &cell->first) &&
	       (!json_object_get(row, "last_ns") ||
	        loading_number(loading, row, "last_ns", &cell->last_ns));
}

static bool load_peers(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	const json_t *peers = json_object_get(row, "peers");
	char why[160];

	return !peers || ledger_peers_load(loading->ledger, wan, peers, why, sizeof(why)) ||
	       loading_refuse(loading, "%s", why);
}

static bool load_cells(struct loading *loading, const json_t *row, struct ledger_wan *wan, size_t w)
{
	const json_t *cells;

	/* ledger_cell_at() may add one cell of app 0 for each other key when the table is full. */
	if (!loading_table(loading, row, "cells", 2 * LEDGER_CELLS_MAX, &cells))
		return false;
	for (size_t i = 0; i < json_array_size(cells); i++) {
		loading_at(loading, "wans[%zu].cells[%zu]", w, i);
		if (!load_cell(loading, json_array_get(cells, i), wan))
			return false;
	}
	return true;
}

static bool load_bucket(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	uint64_t width_s = ledger_widths_s[loading->ledger->width];
	uint64_t start_s = 0, first_ns = 0, last_ns = 0;
	struct ledger_bucket *bucket;
	size_t before = wan->n_buckets;
	const char *why;

	if (!loading_number(loading, row, "start_s", &start_s) ||
	    !loading_number(loading, row, "first_ns", &first_ns) ||
	    !loading_number(loading, row, "last_ns", &last_ns))
		return false;
	if (start_s % width_s)
		return loading_refuse(loading, "\"start_s\" is no multiple of the width");
	if (first_ns > last_ns || first_ns / NS_PER_S / width_s * width_s != start_s ||
	    last_ns / NS_PER_S / width_s * width_s != start_s)
		return loading_refuse(loading,
		                      "\"first_ns\" and \"last_ns\" do not lie in the bucket");
	if (before && wan->buckets[before - 1].start_s >= start_s)
		return loading_refuse(loading, "the buckets are not in the order of time");
	bucket = ledger_bucket_at(loading->ledger, wan, first_ns);
	if (!bucket)
		return loading_refuse(loading, "out of memory");
	bucket->last_ns = last_ns;
	for (int d = 0; d < DIR_COUNT; d++) {
		const json_t *kinds = json_object_get(row, direction_names[d]);

		if (kinds && !loading_kinds(loading, kinds, bucket->kinds[d]))
			return false;
	}
	why = ledger_bucket_shares_load(loading->ledger, bucket,
	                                json_object_get(row, "circumstances"));
	return !why || loading_refuse(loading, "%s", why);
}

static bool load_buckets(struct loading *loading, const json_t *row, struct ledger_wan *wan,
                         size_t w)
{
	const json_t *buckets;

	if (!loading_table(loading, row, "buckets", LEDGER_BUCKETS_MAX, &buckets))
		return false;
	for (size_t i = 0; i < json_array_size(buckets); i++) {
		loading_at(loading, "wans[%zu].buckets[%zu]", w, i);
		if (!load_bucket(loading, json_array_get(buckets, i), wan))
			return false;
	}
	if (wan->n_buckets) {
		wan->first_ns = wan->buckets[0].first_ns;
		wan->last_ns = wan->buckets[wan->n_buckets - 1].last_ns;
	}
	return true;
}

static bool load_events(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	json_t *events = json_object_get(row, "events"), *value;
	const char *name;
	uint8_t event = 0;

	if (!json_is_object(events))
		return loading_refuse(loading, "\"events\" must be an object");
	json_object_foreach(events, name, value)
	{
		if (!loading_find_word(loading, "events", name, event_names, EVENT_COUNT, &event) ||
		    !loading_count(loading, value, "count", &wan->events[event].count) ||
		    !loading_evidence(loading, value, &wan->events[event].first))
			return false;
	}
	return true;
}

static bool load_counters(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	const json_t *counters = json_object_get(row, "counters");

	if (!json_is_object(counters))
		return loading_refuse(loading, "\"counters\" must be an object");
#define X(name)                                                                                    \
	if (json_object_get(counters, #name) &&                                                    \
	    !loading_count(loading, counters, #name, &wan->counters.name))                         \
		return false;
	LEDGER_COUNTERS(X)
#undef X
	return true;
}

/* ---- what the recorder says ---- */

static bool load_span(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	struct ledger_span span = {0};
	const char *state = json_string_value(json_array_get(row, 0));

	if (!state ||
	    !loading_find_word(loading, "spans", state, span_names, SPAN_COUNT, &span.state) ||
	    !loading_get_number(loading, json_array_get(row, 1), "spans", &span.from_ns) ||
	    !loading_get_number(loading, json_array_get(row, 2), "spans", &span.to_ns) ||
	    !loading_get_count(loading, json_array_get(row, 3), "spans", &span.lost_frames) ||
	    span.from_ns > span.to_ns)
		return loading_refuse(loading,
		                      "a span must be [state, from_ns, to_ns, lost_frames]");
	ledger_add_span(wan, &span);
	return true;
}

static bool load_step(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	struct ledger_step step;

	if (!loading_get_number(loading, json_array_get(row, 0), "steps", &step.at_ns) ||
	    !get_shift(loading, json_array_get(row, 1), "steps", &step.by_ns))
		return loading_refuse(loading, "a step must be [at_ns, by_ns]");
	ledger_add_step(wan, &step);
	return true;
}

static bool load_warning(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	struct ledger_warning warning = {{0}, {0}, 0};
	const char *code = json_string_value(json_array_get(row, 0));
	const char *about = json_string_value(json_array_get(row, 1));

	if (!code || !about || strlen(code) >= LEDGER_WORD || strlen(about) >= LEDGER_WORD ||
	    !loading_get_count(loading, json_array_get(row, 2), "warnings", &warning.count))
		return loading_refuse(loading, "a warning must be [code, about, count]");
	memcpy(warning.code, code, strlen(code));
	memcpy(warning.about, about, strlen(about));
	ledger_add_warning(wan, &warning);
	return true;
}

static bool load_role(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	const char *role = json_string_value(row);

	if (!role)
		return loading_refuse(loading, "\"roles\" must hold words");
	ledger_add_role(wan, role);
	return true;
}

static bool load_record(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	static const struct {
		const char *name;
		size_t limit;
		bool (*row)(struct loading *loading, const json_t *row, struct ledger_wan *wan);
	} lists[] = {
		{"spans", LEDGER_SPANS_MAX, load_span},
		{"steps", LEDGER_STEPS_MAX, load_step},
		{"warnings", LEDGER_WARNINGS_MAX, load_warning},
		{"roles", LEDGER_ROLES_MAX, load_role},
	};
	const json_t *record = json_object_get(row, "record"), *rows;

	for (size_t l = 0; record && l < sizeof(lists) / sizeof(lists[0]); l++) {
		if (!loading_table(loading, record, lists[l].name, lists[l].limit, &rows))
			return false;
		for (size_t i = 0; i < json_array_size(rows); i++)
			if (!lists[l].row(loading, json_array_get(rows, i), wan))
				return false;
	}
	return true;
}

static bool load_own(struct loading *loading, const json_t *row, struct ledger_wan *wan)
{
	const json_t *own;

	if (!loading_table(loading, row, "own", LEDGER_ADDRS, &own))
		return false;
	for (size_t i = 0; i < json_array_size(own); i++) {
		const char *text = json_string_value(json_array_get(own, i));

		if (!text || !loading_get_address(loading, "own", text, wan->own[i].text,
		                                  sizeof(wan->own[i].text)))
			return loading_refuse(loading, "\"own\" must hold addresses");
		if (i && strcmp(wan->own[i - 1].text, wan->own[i].text) >= 0)
			return loading_refuse(loading, "\"own\" is not sorted");
		wan->n_own++;
	}
	return true;
}

static bool load_wan(struct loading *loading, const json_t *row, size_t index)
{
	struct ledger_wan *wan = &loading->ledger->wans[index];
	uint64_t first_ns, last_ns;

	loading_at(loading, "wans[%zu]", index);
	if (!loading_flag(loading, row, "filtered", &wan->filtered) ||
	    !loading_flag(loading, row, "drops_known", &wan->drops_known) ||
	    !loading_number(loading, row, "first_ns", &first_ns) ||
	    !loading_number(loading, row, "last_ns", &last_ns) ||
	    !loading_number(loading, row, "skew_ns", &wan->skew_ns) ||
	    !load_own(loading, row, wan) || !load_counters(loading, row, wan) ||
	    !load_events(loading, row, wan) || !load_record(loading, row, wan) ||
	    !load_cells(loading, row, wan, index) || !load_buckets(loading, row, wan, index))
		return false;
	loading_at(loading, "wans[%zu]", index);
	if (!ledger_names_load(row, wan))
		return loading_refuse(loading,
		                      "\"devices\" and \"macs\" must be lists of a few words");
	if (!load_peers(loading, row, wan))
		return false;
	return (first_ns == wan->first_ns && last_ns == wan->last_ns) ||
	       loading_refuse(loading, "\"first_ns\" or \"last_ns\" is not that of the buckets");
}

/* ---- connections, as ledgers of 1.x have them ---- */

static bool load_shares(struct loading *loading, const json_t *row, struct ledger_subflow *subflow)
{
	const json_t *shares;

	if (!loading_table(loading, row, "shares", LEDGER_SHARES, &shares))
		return false;
	for (size_t i = 0; i < json_array_size(shares); i++) {
		const json_t *share = json_array_get(shares, i);
		struct tally sum;
		uint16_t circumstance = 0;

		if (!loading_circumstance(loading, share, &circumstance) ||
		    !loading_tally(loading, share, "sum", &sum))
			return false;
		ledger_share(loading->ledger, subflow, circumstance, &sum);
		if (subflow->n_shares != i + 1)
			return loading_refuse(loading, "\"shares\" has a circumstance twice");
	}
	return true;
}

static bool load_subflow(struct loading *loading, const json_t *row, struct ledger_subflow *subflow)
{
	return loading_wan(loading, row, &subflow->wan) &&
	       loading_address(loading, row, "client", subflow->client, sizeof(subflow->client)) &&
	       loading_address(loading, row, "server", subflow->server, sizeof(subflow->server)) &&
	       loading_u32(loading, row, "reuse", &subflow->reuse) &&
	       loading_flag(loading, row, "initial", &subflow->initial) &&
	       loading_sign(loading, row, "backup_client", &subflow->backup_client) &&
	       loading_sign(loading, row, "backup_server", &subflow->backup_server) &&
	       loading_number(loading, row, "backup_client_ns", &subflow->backup_client_ns) &&
	       loading_number(loading, row, "backup_server_ns", &subflow->backup_server_ns) &&
	       loading_word(loading, row, "confidence", confidence_names, CONF_COUNT,
	                    &subflow->confidence) &&
	       loading_flag(loading, row, "established", &subflow->established) &&
	       loading_number(loading, row, "first_ns", &subflow->first_ns) &&
	       loading_number(loading, row, "last_ns", &subflow->last_ns) &&
	       loading_kinds(loading, json_object_get(row, "kinds"), subflow->kinds) &&
	       load_shares(loading, row, subflow);
}

static bool read_id(struct loading *loading, const json_t *row, char id[17])
{
	const char *text;

	if (!loading_name(loading, row, "id", &text))
		return false;
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return loading_refuse(loading, "\"id\" must be 16 hexadecimal digits");
	memcpy(id, text, 17);
	return true;
}

static bool load_connection_head(struct loading *loading, const json_t *row,
                                 struct ledger_connection *connection)
{
	const json_t *unique = json_object_get(row, "unique_bytes");

	return read_id(loading, row, connection->id) &&
	       loading_sign(loading, row, "version", &connection->version) &&
	       loading_flag(loading, row, "fallback", &connection->fallback) &&
	       loading_word(loading, row, "confidence", confidence_names, CONF_COUNT,
	                    &connection->confidence) &&
	       loading_app(loading, row, &connection->app) &&
	       loading_address(loading, row, "client", connection->client,
	                       sizeof(connection->client)) &&
	       loading_address(loading, row, "server", connection->server,
	                       sizeof(connection->server)) &&
	       loading_number(loading, row, "first_ns", &connection->first_ns) &&
	       loading_number(loading, row, "last_ns", &connection->last_ns) &&
	       loading_get_count(loading, json_array_get(unique, 0), "unique_bytes",
	                         &connection->unique_bytes[0]) &&
	       loading_get_count(loading, json_array_get(unique, 1), "unique_bytes",
	                         &connection->unique_bytes[1]);
}

static bool load_subflows(struct loading *loading, const json_t *row,
                          struct ledger_connection *connection, size_t index)
{
	const json_t *subflows;

	if (!loading_table(loading, row, "subflows", SUBFLOWS_MAX, &subflows))
		return false;
	connection->subflows = calloc(json_array_size(subflows) + 1, sizeof(*connection->subflows));
	if (!connection->subflows)
		return loading_refuse(loading, "out of memory");
	connection->cap_subflows = json_array_size(subflows) + 1;
	for (size_t i = 0; i < json_array_size(subflows); i++) {
		loading_at(loading, "connections[%zu].subflows[%zu]", index, i);
		if (!load_subflow(loading, json_array_get(subflows, i), &connection->subflows[i]))
			return false;
		connection->n_subflows++;
	}
	return true;
}

bool ledger_load_connection(struct loading *loading, const json_t *row, size_t index)
{
	struct ledger_connection connection = {0};

	loading_at(loading, "connections[%zu]", index);
	if (!(json_is_array(row) ? ledger_row_load(loading, row, &connection)
	                         : load_connection_head(loading, row, &connection) &&
	                                   load_subflows(loading, row, &connection, index))) {
		free(connection.subflows);
		return false;
	}
	return ledger_push_connection(loading->ledger, &connection) ||
	       loading_refuse(loading, "out of memory");
}

static size_t rows_of_connections(const struct ledger *ledger)
{
	size_t rows = ledger->n_connections;

	for (size_t i = 0; i < ledger->n_connections; i++)
		rows += ledger->connections[i].n_subflows;
	return rows;
}

/* Joining finds what is there twice. */
static bool no_connection_twice(struct loading *loading)
{
	size_t before = rows_of_connections(loading->ledger);

	ledger_fold_connections(loading->ledger);
	loading_at(loading, "connections");
	return rows_of_connections(loading->ledger) == before ||
	       loading_refuse(loading, "a connection or a subflow of one is there twice");
}

/* ---- the whole ---- */

static bool load_rest(struct loading *loading, const json_t *root)
{
	const json_t *row = json_object_get(root, "rest");
	struct ledger *ledger = loading->ledger;
	json_t *wans = json_object_get(row, "wans"), *value;
	const char *name;

	loading_at(loading, "rest");
	if (!loading_count(loading, row, "connections", &ledger->rest.connections) ||
	    !loading_count(loading, row, "subflows", &ledger->rest.subflows))
		return false;
	if (!json_is_object(wans))
		return loading_refuse(loading, "\"wans\" must be an object");
	json_object_foreach(wans, name, value)
	{
		size_t i = 0;

		while (i < ledger->n_wans && strcmp(ledger->wans[i].name, name))
			i++;
		if (i == ledger->n_wans)
			return loading_refuse(loading, "\"wans\" must name WANs of this file");
		if (!loading_get_tally(loading, value, name, &ledger->rest.wans[i]))
			return false;
	}
	return true;
}

/* A later minor number adds members that this program passes over. */
static bool known_schema(const char *schema)
{
	static const char before[] = "mptcp-audit.ledger/";
	const size_t n = sizeof(before) + 1; /* and the major number, and a point */

	return schema && !strncmp(schema, before, sizeof(before) - 1) &&
	       (schema[n - 2] == '1' || schema[n - 2] == '2') && schema[n - 1] == '.' &&
	       schema[n] && !schema[n + strspn(schema + n, "0123456789")];
}

static bool load_head(struct loading *loading, const json_t *root)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const json_t *shared = json_object_get(root, "shared");
	struct ledger *ledger = loading->ledger;
	uint64_t width_s;

	loading_at(loading, "ledger");
	if (!known_schema(schema))
		return loading_refuse(loading,
		                      "the schema is not \"mptcp-audit.ledger/1\" or /2 and a number");
	if (!loading_number(loading, root, "width_s", &width_s) ||
	    !loading_count(loading, root, "frames_over_wans", &ledger->frames_over_wans))
		return false;
	while (ledger_widths_s[ledger->width] != width_s)
		if (++ledger->width == LEDGER_WIDTHS) {
			ledger->width = 0;
			return loading_refuse(loading, "\"width_s\" is none of the widths");
		}
	if (json_is_null(shared))
		return true;
	ledger->shared_known = true;
	if (json_array_size(shared) != 2 ||
	    !loading_get_number(loading, json_array_get(shared, 0), "shared",
	                        &ledger->shared_start_ns) ||
	    !loading_get_number(loading, json_array_get(shared, 1), "shared",
	                        &ledger->shared_end_ns) ||
	    ledger->shared_start_ns > ledger->shared_end_ns)
		return loading_refuse(loading, "\"shared\" must be null or [start_ns, end_ns]");
	return true;
}

static bool load_interruption(struct loading *loading, const json_t *row, size_t index)
{
	const char *wrong = ledger_load_interruption(loading->ledger, row);

	loading_at(loading, "interruptions[%zu]", index);
	return !wrong || loading_refuse(loading, "%s", wrong);
}

static bool load_tables(struct loading *loading, const json_t *root)
{
	static const struct {
		const char *name;
		size_t limit;
		bool (*row)(struct loading *loading, const json_t *row, size_t index);
	} tables[] = {
		{"files", LEDGER_FILES_MAX, load_file},
		{"circumstances", LEDGER_CIRCUMSTANCES_MAX, load_circumstance},
		{"wans", LEDGER_WANS_MAX, load_wan},
		{"interruptions", LEDGER_INTERRUPTIONS_MAX, load_interruption},
		{"connections", LEDGER_CONNECTIONS_MAX, ledger_load_connection},
	};
	const json_t *rows;

	if (!loading_table(loading, root, "wans", LEDGER_WANS_MAX, &rows) ||
	    !load_wan_names(loading, rows))
		return false;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		loading_at(loading, "ledger");
		if (tables[t].row == load_interruption && !json_object_get(root, tables[t].name))
			continue; /* ledgers of 1.1 and before have none */
		if (!loading_table(loading, root, tables[t].name, tables[t].limit, &rows))
			return false;
		for (size_t i = 0; i < json_array_size(rows); i++)
			if (!tables[t].row(loading, json_array_get(rows, i), i))
				return false;
	}
	return load_rest(loading, root);
}

bool ledger_load_tables(struct loading *loading, const json_t *root)
{
	return load_head(loading, root) &&
	       ledger_row_columns_load(loading, json_object_get(root, "columns")) &&
	       load_tables(loading, root);
}

bool ledger_load_end(struct loading *loading)
{
	char text[300];

	if (!no_connection_twice(loading))
		return false;
	loading_at(loading, "ledger");
	if (ledger_check(loading->ledger, text, sizeof(text)))
		return loading_refuse(loading, "the sums do not agree: %s", text);
	return ledger_sort(loading->ledger) || loading_refuse(loading, "out of memory");
}
