/* SPDX-License-Identifier: MIT
 *
 * ledger_rows.c - see ledger_rows.h.
 */
#include "ledger_rows.h"

#include <stdlib.h>
#include <string.h>

#define SUBFLOWS_MAX 4096
#define TALLY        4 /* frames, l2_bytes, ip_bytes, payload_bytes */

/* clang-format off */
enum connection_column {
	CONNECTION_ID, CONNECTION_APP, CONNECTION_CLIENT, CONNECTION_SERVER, CONNECTION_FIRST,
	CONNECTION_LASTS, CONNECTION_SENT, CONNECTION_RECEIVED, CONNECTION_SUBFLOWS,
	CONNECTION_VERSION, CONNECTION_FALLBACK, CONNECTION_CONFIDENCE, CONNECTION_COLUMNS
};
static const char *const connection_columns[CONNECTION_COLUMNS] = {
	"id", "app", "client", "server", "first_ns", "lasts_ns", "unique_bytes_from_opener",
	"unique_bytes_to_opener", "subflows", "version", "fallback", "confidence",
};

/* wan: a place in "wans", or null; client, server, confidence: null = the connection's;
 * backup_..._after_ns: null = not seen; kinds: a place in the list of kinds and the kind's sums, and
 * the next; shares: the circumstance that all carrying bytes have, else a circumstance and its sums,
 * and the next */
enum subflow_column {
	SUBFLOW_WAN, SUBFLOW_CLIENT, SUBFLOW_STARTS, SUBFLOW_LASTS, SUBFLOW_KINDS, SUBFLOW_SHARES,
	SUBFLOW_INITIAL, SUBFLOW_BACKUP_CLIENT, SUBFLOW_BACKUP_CLIENT_AFTER, SUBFLOW_BACKUP_SERVER,
	SUBFLOW_BACKUP_SERVER_AFTER, SUBFLOW_SERVER, SUBFLOW_ESTABLISHED, SUBFLOW_REUSE,
	SUBFLOW_CONFIDENCE, SUBFLOW_COLUMNS
};
static const char *const subflow_columns[SUBFLOW_COLUMNS] = {
	"wan", "client", "starts_after_ns", "lasts_ns", "kinds", "shares", "initial",
	"backup_client", "backup_client_after_ns", "backup_server", "backup_server_after_ns",
	"server", "established", "reuse", "confidence",
};
/* clang-format on */

/* What the last columns of a row hold where they are left out. */
enum { USUAL_VERSION = 1, USUAL_BACKUP = -1, USUAL_ESTABLISHED = true };

/* ---- writing ---- */

static bool put(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

static json_t *finish(json_t *value, bool good)
{
	if (good)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)(value < LEDGER_SUM_MAX ? value : LEDGER_SUM_MAX));
}

/* Both lie below 2^63, so the difference fits. */
static json_t *since(uint64_t ns, uint64_t from_ns)
{
	return json_integer((json_int_t)(ns < LEDGER_SUM_MAX ? ns : LEDGER_SUM_MAX) -
	                    (json_int_t)(from_ns < LEDGER_SUM_MAX ? from_ns : LEDGER_SUM_MAX));
}

static bool put_tally(json_t *array, const struct tally *t)
{
	return put(array, number(t->frames)) && put(array, number(t->l2_bytes)) &&
	       put(array, number(t->ip_bytes)) && put(array, number(t->payload_bytes));
}

static json_t *names(const char *const *words, size_t n)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < n; i++)
		good = put(array, json_string(words[i]));
	return finish(array, good);
}

static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value) == 0;
}

/* What stands for a column that a row leaves out at its end. */
static json_t *usual_json(void)
{
	json_t *usual = json_object();

	return finish(usual, usual && set(usual, "version", json_integer(USUAL_VERSION)) &&
	                             set(usual, "fallback", json_false()) &&
	                             set(usual, "initial", json_false()) &&
	                             set(usual, "backup_client", json_integer(USUAL_BACKUP)) &&
	                             set(usual, "backup_server", json_integer(USUAL_BACKUP)) &&
	                             set(usual, "established", json_boolean(USUAL_ESTABLISHED)) &&
	                             set(usual, "reuse", json_integer(0)));
}

json_t *ledger_row_columns(void)
{
	json_t *o = json_object();

	return finish(o,
	              o && set(o, "connections", names(connection_columns, CONNECTION_COLUMNS)) &&
	                      set(o, "subflows", names(subflow_columns, SUBFLOW_COLUMNS)) &&
	                      set(o, "kinds", names(kind_names, KIND_COUNT)) &&
	                      set(o, "usual", usual_json()));
}

static json_t *kinds_json(const struct tally kinds[KIND_COUNT])
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t k = 0; good && k < KIND_COUNT; k++)
		if (!tally_zero(&kinds[k]))
			good = put(array, json_integer((json_int_t)k)) &&
			       put_tally(array, &kinds[k]);
	return finish(array, good);
}

/* Of the kinds that shares are of. */
static struct tally carrying_sum(const struct tally kinds[KIND_COUNT])
{
	struct tally sum = {0};

	for (size_t k = 0; k < KIND_CARRYING; k++)
		tally_add(&sum, &kinds[k]);
	return sum;
}

static bool same_tally(const struct tally *a, const struct tally *b)
{
	return a->frames == b->frames && a->l2_bytes == b->l2_bytes && a->ip_bytes == b->ip_bytes &&
	       a->payload_bytes == b->payload_bytes;
}

static json_t *shares_json(const struct ledger_subflow *s)
{
	struct tally carrying = carrying_sum(s->kinds);
	json_t *array;
	bool good;

	if (s->n_shares == 0)
		return json_null();
	if (s->n_shares == 1 && same_tally(&s->shares[0].sum, &carrying))
		return json_integer(s->shares[0].circumstance);
	array = json_array();
	good = array != NULL;
	for (unsigned i = 0; good && i < s->n_shares; i++)
		good = put(array, json_integer(s->shares[i].circumstance)) &&
		       put_tally(array, &s->shares[i].sum);
	return finish(array, good);
}

static json_t *after(uint64_t ns, uint64_t from_ns)
{
	return ns ? since(ns, from_ns) : json_null();
}

/* Leave out what is as usual at the end. */
static void shorten(json_t *row, const bool *usual)
{
	size_t n = json_array_size(row);

	while (n > 0 && usual[n - 1])
		json_array_remove(row, --n);
}

static json_t *unless(bool same, const char *text)
{
	return same ? json_null() : json_string(text);
}

static json_t *subflow_json(const struct ledger *ledger, const struct ledger_connection *c,
                            const struct ledger_subflow *s)
{
	const bool usual[SUBFLOW_COLUMNS] = {
		[SUBFLOW_INITIAL] = !s->initial,
		[SUBFLOW_BACKUP_CLIENT] = s->backup_client == USUAL_BACKUP,
		[SUBFLOW_BACKUP_CLIENT_AFTER] = s->backup_client_ns == 0,
		[SUBFLOW_BACKUP_SERVER] = s->backup_server == USUAL_BACKUP,
		[SUBFLOW_BACKUP_SERVER_AFTER] = s->backup_server_ns == 0,
		[SUBFLOW_SERVER] = strcmp(s->server, c->server) == 0,
		[SUBFLOW_ESTABLISHED] = s->established == USUAL_ESTABLISHED,
		[SUBFLOW_REUSE] = s->reuse == 0,
		[SUBFLOW_CONFIDENCE] = s->confidence == c->confidence,
	};
	json_t *row = json_array();
	bool good = row && put(row, s->wan < ledger->n_wans ? number(s->wan) : json_null()) &&
	            put(row, unless(strcmp(s->client, c->client) == 0, s->client)) &&
	            put(row, since(s->first_ns, c->first_ns)) &&
	            put(row, since(s->last_ns, s->first_ns)) && put(row, kinds_json(s->kinds)) &&
	            put(row, shares_json(s)) && put(row, json_boolean(s->initial)) &&
	            put(row, json_integer(s->backup_client)) &&
	            put(row, after(s->backup_client_ns, s->first_ns)) &&
	            put(row, json_integer(s->backup_server)) &&
	            put(row, after(s->backup_server_ns, s->first_ns)) &&
	            put(row, unless(usual[SUBFLOW_SERVER], s->server)) &&
	            put(row, json_boolean(s->established)) && put(row, number(s->reuse)) &&
	            put(row, unless(usual[SUBFLOW_CONFIDENCE], confidence_names[s->confidence]));

	if (good)
		shorten(row, usual);
	return finish(row, good);
}

static json_t *subflows_json(const struct ledger *ledger, const struct ledger_connection *c)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < c->n_subflows; i++)
		good = put(array, subflow_json(ledger, c, &c->subflows[i]));
	return finish(array, good);
}

json_t *ledger_row_json(const struct ledger *ledger, size_t index)
{
	const struct ledger_connection *c = &ledger->connections[index];
	const bool usual[CONNECTION_COLUMNS] = {
		[CONNECTION_VERSION] = c->version == USUAL_VERSION,
		[CONNECTION_FALLBACK] = !c->fallback,
		[CONNECTION_CONFIDENCE] = c->confidence == CONF_KEY,
	};
	json_t *row = json_array();
	bool good = row && put(row, json_string(c->id)) &&
	            put(row, json_string(c->app ? ledger->apps[c->app] : "")) &&
	            put(row, json_string(c->client)) && put(row, json_string(c->server)) &&
	            put(row, number(c->first_ns)) && put(row, since(c->last_ns, c->first_ns)) &&
	            put(row, number(c->unique_bytes[0])) && put(row, number(c->unique_bytes[1])) &&
	            put(row, subflows_json(ledger, c)) && put(row, json_integer(c->version)) &&
	            put(row, json_boolean(c->fallback)) &&
	            put(row, unless(c->confidence == CONF_KEY, confidence_names[c->confidence]));

	if (good)
		shorten(row, usual);
	return finish(row, good);
}

/* ---- reading ---- */

/* A row being read; what is not there is NULL. */
struct reading {
	struct loading *loading;
	const json_t *row;
	const char *const *columns;
};

static const json_t *at(const struct reading *r, size_t column)
{
	return json_array_get(r->row, column);
}

static bool get_number(const struct reading *r, size_t column, uint64_t *value)
{
	return loading_get_number(r->loading, at(r, column), r->columns[column], value);
}

static bool get_count(const struct reading *r, size_t column, uint64_t *value)
{
	return loading_get_count(r->loading, at(r, column), r->columns[column], value);
}

/* Those that may be left out keep what they had. */
static bool get_flag(const struct reading *r, size_t column, bool *flag)
{
	const json_t *value = at(r, column);

	if (!value)
		return true;
	*flag = json_is_true(value);
	return json_is_boolean(value) ||
	       loading_refuse(r->loading, "\"%s\" must be true or false", r->columns[column]);
}

static bool get_sign(const struct reading *r, size_t column, int8_t *sign)
{
	return !at(r, column) ||
	       loading_get_sign(r->loading, at(r, column), r->columns[column], sign);
}

static bool get_address(const struct reading *r, size_t column, char *text, size_t size)
{
	const char *from = json_string_value(at(r, column));

	if (!from)
		return loading_refuse(r->loading, "\"%s\" must be a text", r->columns[column]);
	return loading_get_address(r->loading, r->columns[column], from, text, size);
}

/* The connection's own where there is none. */
static bool get_address_or(const struct reading *r, size_t column, const char own[54],
                           char text[54])
{
	const json_t *value = at(r, column);

	if (value && !json_is_null(value))
		return get_address(r, column, text, 54);
	memcpy(text, own, 54);
	return true;
}

static bool get_confidence(const struct reading *r, size_t column, uint8_t *confidence)
{
	const json_t *value = at(r, column);

	if (!value || json_is_null(value))
		return true;
	if (!json_is_string(value))
		return loading_refuse(r->loading, "\"%s\" must be a text", r->columns[column]);
	return loading_find_word(r->loading, r->columns[column], json_string_value(value),
	                         confidence_names, CONF_COUNT, confidence);
}

/* A time given as its distance to another one. */
static bool get_since(const struct reading *r, size_t column, uint64_t from_ns, uint64_t *ns)
{
	const json_t *value = at(r, column);
	json_int_t by = json_integer_value(value), sum;

	if (!json_is_integer(value) || __builtin_add_overflow((json_int_t)from_ns, by, &sum) ||
	    sum < 0)
		return loading_refuse(r->loading, "\"%s\" must lead to a time", r->columns[column]);
	*ns = (uint64_t)sum;
	return true;
}

static bool get_after(const struct reading *r, size_t column, uint64_t from_ns, uint64_t *ns)
{
	*ns = 0;
	return !at(r, column) || json_is_null(at(r, column)) || get_since(r, column, from_ns, ns);
}

static bool get_tally(const struct reading *r, const json_t *array, size_t place, size_t column,
                      struct tally *tally)
{
	uint64_t *const members[TALLY] = {&tally->frames, &tally->l2_bytes, &tally->ip_bytes,
	                                  &tally->payload_bytes};

	for (size_t i = 0; i < TALLY; i++)
		if (!loading_get_count(r->loading, json_array_get(array, place + i),
		                       r->columns[column], members[i]))
			return false;
	return true;
}

static bool read_kinds(const struct reading *r, struct tally kinds[KIND_COUNT])
{
	const struct loading *loading = r->loading;
	const json_t *array = at(r, SUBFLOW_KINDS);
	bool seen[KIND_COUNT] = {false};

	if (!json_is_array(array) || json_array_size(array) % (1 + TALLY))
		return loading_refuse(r->loading,
		                      "\"kinds\" must hold kinds with four numbers each");
	for (size_t i = 0; i < json_array_size(array); i += 1 + TALLY) {
		uint64_t place = 0;
		uint8_t kind;

		if (!loading_get_number(r->loading, json_array_get(array, i), "kinds", &place))
			return false;
		if (place >= loading->n_kinds)
			return loading_refuse(r->loading, "\"kinds\" names none of the columns'");
		kind = loading->kinds[place];
		if (seen[kind])
			return loading_refuse(r->loading, "\"kinds\" has one twice");
		seen[kind] = true;
		if (!get_tally(r, array, i + 1, SUBFLOW_KINDS, &kinds[kind]))
			return false;
	}
	return true;
}

static bool read_share(const struct reading *r, const json_t *value, const struct tally *sum,
                       struct ledger_subflow *s)
{
	uint64_t circumstance = 0;
	unsigned before = s->n_shares;

	if (!loading_get_number(r->loading, value, "shares", &circumstance))
		return false;
	if (circumstance && circumstance >= r->loading->ledger->n_circumstances)
		return loading_refuse(r->loading, "\"circumstance\" is not in the table");
	ledger_share(r->loading->ledger, s, (uint16_t)circumstance, sum);
	return s->n_shares == before + 1 ||
	       loading_refuse(r->loading, "\"shares\" has a circumstance twice");
}

static bool read_shares(const struct reading *r, struct ledger_subflow *s)
{
	const json_t *value = at(r, SUBFLOW_SHARES);
	size_t n = json_array_size(value);
	struct tally carrying = carrying_sum(s->kinds);

	if (json_is_null(value))
		return true;
	if (json_is_integer(value))
		return read_share(r, value, &carrying, s);
	if (!json_is_array(value) || n % (1 + TALLY) || n / (1 + TALLY) > LEDGER_SHARES)
		return loading_refuse(r->loading,
		                      "\"shares\" must hold at most %d circumstances with "
		                      "four numbers each",
		                      LEDGER_SHARES);
	for (size_t i = 0; i < n; i += 1 + TALLY) {
		struct tally sum;

		if (!get_tally(r, value, i + 1, SUBFLOW_SHARES, &sum) ||
		    !read_share(r, json_array_get(value, i), &sum, s))
			return false;
	}
	return true;
}

static bool read_wan(const struct reading *r, uint32_t *wan)
{
	const json_t *value = at(r, SUBFLOW_WAN);
	uint64_t place = 0;

	*wan = LEDGER_WANS_MAX;
	if (value && json_is_null(value))
		return true;
	if (!get_number(r, SUBFLOW_WAN, &place))
		return false;
	*wan = (uint32_t)place;
	return place < r->loading->ledger->n_wans ||
	       loading_refuse(r->loading, "\"wan\" must be a place in \"wans\"");
}

static bool read_reuse(const struct reading *r, uint32_t *reuse)
{
	uint64_t n = 0;

	if (at(r, SUBFLOW_REUSE) && !get_number(r, SUBFLOW_REUSE, &n))
		return false;
	*reuse = (uint32_t)n;
	return n <= UINT32_MAX || loading_refuse(r->loading, "\"reuse\" is too large");
}

static bool read_backup(const struct reading *r, struct ledger_subflow *s)
{
	s->backup_client = s->backup_server = USUAL_BACKUP;
	return get_sign(r, SUBFLOW_BACKUP_CLIENT, &s->backup_client) &&
	       get_after(r, SUBFLOW_BACKUP_CLIENT_AFTER, s->first_ns, &s->backup_client_ns) &&
	       get_sign(r, SUBFLOW_BACKUP_SERVER, &s->backup_server) &&
	       get_after(r, SUBFLOW_BACKUP_SERVER_AFTER, s->first_ns, &s->backup_server_ns);
}

static bool read_subflow(struct loading *loading, const json_t *row,
                         const struct ledger_connection *c, struct ledger_subflow *s)
{
	const struct reading r = {loading, row, subflow_columns};

	if (!json_is_array(row))
		return loading_refuse(loading, "\"subflows\" must hold rows");
	s->established = USUAL_ESTABLISHED;
	s->confidence = c->confidence;
	return read_wan(&r, &s->wan) && get_address_or(&r, SUBFLOW_CLIENT, c->client, s->client) &&
	       get_address_or(&r, SUBFLOW_SERVER, c->server, s->server) &&
	       get_since(&r, SUBFLOW_STARTS, c->first_ns, &s->first_ns) &&
	       get_since(&r, SUBFLOW_LASTS, s->first_ns, &s->last_ns) && read_kinds(&r, s->kinds) &&
	       read_shares(&r, s) && get_flag(&r, SUBFLOW_INITIAL, &s->initial) &&
	       read_backup(&r, s) && get_flag(&r, SUBFLOW_ESTABLISHED, &s->established) &&
	       read_reuse(&r, &s->reuse) && get_confidence(&r, SUBFLOW_CONFIDENCE, &s->confidence);
}

static bool read_subflows(const struct reading *r, struct ledger_connection *c)
{
	const json_t *rows = at(r, CONNECTION_SUBFLOWS);
	size_t n = json_array_size(rows);

	if (!json_is_array(rows))
		return loading_refuse(r->loading, "\"subflows\" must be an array");
	if (n > SUBFLOWS_MAX)
		return loading_refuse(r->loading,
		                      "\"subflows\" has %zu rows, at most %d are possible", n,
		                      SUBFLOWS_MAX);
	c->subflows = calloc(n + 1, sizeof(*c->subflows));
	if (!c->subflows)
		return loading_refuse(r->loading, "out of memory");
	c->n_subflows = n;
	c->cap_subflows = n + 1;
	for (size_t i = 0; i < n; i++)
		if (!read_subflow(r->loading, json_array_get(rows, i), c, &c->subflows[i]))
			return false;
	return true;
}

static bool read_id(const struct reading *r, char id[17])
{
	const char *text = json_string_value(at(r, CONNECTION_ID));

	if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return loading_refuse(r->loading, "\"id\" must be 16 hexadecimal digits");
	memcpy(id, text, 17);
	return true;
}

static bool read_app(const struct reading *r, uint16_t *app)
{
	const char *label = json_string_value(at(r, CONNECTION_APP));

	if (!label)
		return loading_refuse(r->loading, "\"app\" must be a text");
	return loading_get_app(r->loading, label, app);
}

bool ledger_row_load(struct loading *loading, const json_t *row,
                     struct ledger_connection *connection)
{
	const struct reading r = {loading, row, connection_columns};
	struct ledger_connection *c = connection;

	c->version = USUAL_VERSION;
	c->confidence = CONF_KEY;
	return read_id(&r, c->id) && read_app(&r, &c->app) &&
	       get_address(&r, CONNECTION_CLIENT, c->client, sizeof(c->client)) &&
	       get_address(&r, CONNECTION_SERVER, c->server, sizeof(c->server)) &&
	       get_number(&r, CONNECTION_FIRST, &c->first_ns) &&
	       get_since(&r, CONNECTION_LASTS, c->first_ns, &c->last_ns) &&
	       get_count(&r, CONNECTION_SENT, &c->unique_bytes[0]) &&
	       get_count(&r, CONNECTION_RECEIVED, &c->unique_bytes[1]) &&
	       get_sign(&r, CONNECTION_VERSION, &c->version) &&
	       get_flag(&r, CONNECTION_FALLBACK, &c->fallback) &&
	       get_confidence(&r, CONNECTION_CONFIDENCE, &c->confidence) && read_subflows(&r, c);
}

/* Numbers of kinds in rows are places in this list. */
bool ledger_row_columns_load(struct loading *loading, const json_t *columns)
{
	const json_t *kinds = json_object_get(columns, "kinds");

	loading->n_kinds = 0;
	if (!columns)
		return true; /* rows of 1.x have names */
	loading_at(loading, "columns");
	if (!json_is_array(kinds) || json_array_size(kinds) > KIND_COUNT)
		return loading_refuse(loading, "\"kinds\" must hold at most %d kinds", KIND_COUNT);
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		const char *word = json_string_value(json_array_get(kinds, i));

		if (!word)
			return loading_refuse(loading, "\"kinds\" must hold kinds");
		if (!loading_find_word(loading, "kinds", word, kind_names, KIND_COUNT,
		                       &loading->kinds[i]))
			return false;
		loading->n_kinds++;
	}
	return true;
}
