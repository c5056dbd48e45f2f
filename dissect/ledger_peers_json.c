/* SPDX-License-Identifier: MIT
 *
 * ledger_peers_json.c - the peers of a WAN as JSON, and back. The file may come from anybody.
 *
 * {"width": 0, "cadence": {"keepalive": [15 counts], ...}, "rows": [{"traffic", "app", "address"
 * (null: no IP packet), "up"/"down"/"unknown": tally, "large": [frames, bytes], "opened",
 * "first_ns", "last_ns", "first": frames}]}
 */
#include "ledger_inside.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <string.h>

/* More than any capture holds, and so few that no sum over a table overflows. */
#define NUMBER_MAX (INT64_C(1) << 50)
#define ROWS_MAX   16384

/* ---- saving ---- */

static json_t *numbers(const uint64_t *values, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, json_integer((json_int_t)values[i]))) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *evidence_json(const struct evidence *first)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < first->count; i++) {
		const struct evidence_frame *frame = &first->frames[i];
		const uint64_t values[] = {frame->ts_ns, frame->file, frame->number};

		if (json_array_append_new(array, numbers(values, 3))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *address_json(const struct ledger_peer_key *key)
{
	char text[INET6_ADDRSTRLEN];

	if (!key->family)
		return json_null();
	return json_string(
		inet_ntop(key->family == 4 ? AF_INET : AF_INET6, key->addr, text, sizeof(text)));
}

static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value) == 0;
}

static json_t *row_json(const struct ledger *ledger, const struct ledger_peer *row)
{
	const uint64_t large[] = {row->large_frames, row->large_bytes};
	const char *app = row->key.app ? ledger->apps[row->key.app] : "";
	json_t *o = json_object();
	bool good = o && set(o, "traffic", json_string(traffic_names[row->key.traffic])) &&
	            set(o, "app", json_string(app)) && set(o, "address", address_json(&row->key));

	for (int d = 0; good && d < DIR_COUNT; d++) {
		const struct tally *t = &row->sum[d];
		const uint64_t values[] = {t->frames, t->l2_bytes, t->ip_bytes, t->payload_bytes};

		good = tally_zero(t) || set(o, direction_names[d], numbers(values, 4));
	}
	good = good && (!row->large_frames || set(o, "large", numbers(large, 2))) &&
	       (!row->opened || set(o, "opened", json_integer((json_int_t)row->opened))) &&
	       set(o, "first_ns", json_integer((json_int_t)row->first_ns)) &&
	       set(o, "last_ns", json_integer((json_int_t)row->last_ns)) &&
	       set(o, "first", evidence_json(&row->first));
	if (good)
		return o;
	json_decref(o);
	return NULL;
}

json_t *ledger_peers_save(const struct ledger *ledger, const struct ledger_peers *peers)
{
	json_t *o = json_object(), *rows = json_array(), *cadence = json_object();
	bool good = o && rows && cadence;

	for (int c = 0; good && c < CADENCE_COUNT; c++)
		good = set(cadence, cadence_names[c], numbers(peers->cadence[c], CADENCE_CLASSES));
	for (size_t i = 0; good && i < peers->n_rows; i++)
		good = !json_array_append_new(rows, row_json(ledger, &peers->rows[i]));
	good = good && set(o, "width", json_integer(peers->width));
	/* these two give their reference away whatever happens */
	good = json_object_set_new_nocheck(o, "cadence", cadence) == 0 && good;
	good = json_object_set_new_nocheck(o, "rows", rows) == 0 && good;
	if (good)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- loading ---- */

static bool get_number(const json_t *value, uint64_t most, uint64_t *number)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most)
		return false;
	*number = (uint64_t)json_integer_value(value);
	return true;
}

/* An array of `count` numbers; one that is missing leaves zeros. */
static bool get_numbers(const json_t *array, uint64_t *values, size_t count)
{
	if (!array)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!get_number(json_array_get(array, i), NUMBER_MAX, &values[i]))
			return false;
	return json_array_size(array) == count;
}

static bool get_address(const json_t *value, struct ledger_peer_key *key)
{
	const char *text = json_string_value(value);

	if (!text)
		return json_is_null(value);
	key->family = strchr(text, ':') ? 6 : 4;
	return inet_pton(key->family == 4 ? AF_INET : AF_INET6, text, key->addr) == 1;
}

static bool get_key(struct ledger *ledger, const json_t *o, struct ledger_peer_key *key)
{
	const char *traffic = json_string_value(json_object_get(o, "traffic"));
	const char *app = json_string_value(json_object_get(o, "app"));

	while (traffic && key->traffic < TRAFFIC_COUNT &&
	       strcmp(traffic_names[key->traffic], traffic))
		key->traffic++;
	if (!traffic || !app || key->traffic == TRAFFIC_COUNT)
		return false;
	key->app = ledger_app(ledger, app);
	return (key->app || !*app) && get_address(json_object_get(o, "address"), key);
}

static bool get_evidence(const struct ledger *ledger, const json_t *array, struct evidence *first)
{
	if (json_array_size(array) > EVIDENCE_FRAMES)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *frame = json_array_get(array, i);
		uint64_t ts_ns = 0, file = 0, number = 0;

		if (!get_number(json_array_get(frame, 0), LEDGER_SUM_MAX, &ts_ns) ||
		    !get_number(json_array_get(frame, 1), UINT32_MAX, &file) ||
		    !get_number(json_array_get(frame, 2), LEDGER_SUM_MAX, &number) ||
		    file >= ledger->n_files)
			return false;
		ledger_show(ledger, first, &(struct evidence_frame){ts_ns, number, (uint32_t)file});
	}
	return true;
}

static bool get_row(const struct ledger *ledger, const json_t *o, struct ledger_peer *row)
{
	const json_t *opened = json_object_get(o, "opened");
	uint64_t large[2] = {0, 0};

	for (int d = 0; d < DIR_COUNT; d++) {
		uint64_t values[4] = {0, 0, 0, 0};

		if (!get_numbers(json_object_get(o, direction_names[d]), values, 4))
			return false;
		row->sum[d] = (struct tally){values[0], values[1], values[2], values[3]};
	}
	if (!get_numbers(json_object_get(o, "large"), large, 2) ||
	    (opened && !get_number(opened, NUMBER_MAX, &row->opened)))
		return false;
	row->large_frames = large[0];
	row->large_bytes = large[1];
	return get_number(json_object_get(o, "first_ns"), LEDGER_SUM_MAX, &row->first_ns) &&
	       get_number(json_object_get(o, "last_ns"), LEDGER_SUM_MAX, &row->last_ns) &&
	       row->first_ns <= row->last_ns &&
	       get_evidence(ledger, json_object_get(o, "first"), &row->first);
}

static bool add_row(struct ledger *ledger, struct ledger_wan *wan, const json_t *o)
{
	struct ledger_peer row = {.opened = 0};
	size_t before = wan->peers->n_rows;
	uint32_t at;

	if (!get_key(ledger, o, &row.key) || !get_row(ledger, o, &row))
		return false;
	at = ledger_peer(ledger, wan, &row.key);
	/* a row that came before, or that was cut to a shorter prefix, is no row of ours */
	if (at == LEDGER_NO_PEER || wan->peers->n_rows != before + 1 ||
	    memcmp(&wan->peers->rows[at].key, &row.key, sizeof(row.key)))
		return false;
	wan->peers->rows[at] = row;
	return true;
}

bool ledger_peers_load(struct ledger *ledger, struct ledger_wan *wan, const json_t *o,
                       char *message, size_t size)
{
	const json_t *rows = json_object_get(o, "rows"), *cadence = json_object_get(o, "cadence");
	struct ledger_peers *peers = ledger_peers_of(wan);
	uint64_t width = 0;

	if (!peers)
		return snprintf(message, size, "out of memory"), false;
	if (!get_number(json_object_get(o, "width"), LEDGER_PEER_WIDTHS - 1, &width) ||
	    !json_is_array(rows) || json_array_size(rows) > ROWS_MAX)
		return snprintf(message, size, "\"peers\" has no \"width\" or no \"rows\""), false;
	peers->width = (uint8_t)width;
	for (int c = 0; c < CADENCE_COUNT; c++)
		if (!get_numbers(json_object_get(cadence, cadence_names[c]), peers->cadence[c],
		                 CADENCE_CLASSES))
			return snprintf(message, size, "\"cadence\" must hold %d counts each",
			                CADENCE_CLASSES),
			       false;
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (!add_row(ledger, wan, json_array_get(rows, i)))
			return snprintf(message, size, "peers.rows[%zu] cannot be read", i), false;
	return true;
}
