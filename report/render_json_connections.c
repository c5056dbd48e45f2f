/* SPDX-License-Identifier: MIT
 *
 * render_json_connections.c - see render_json_parts.h: connections one by one, and sums of those
 * that are not told so.
 */
#include "notable.h"
#include "render_json_parts.h"

#include <stdlib.h>

/* ---- one by one ---- */

static json_t *flag(int8_t value)
{
	return value < 0 ? json_null() : json_boolean(value);
}

static json_t *render_subflow_phases(struct members *w, const struct report *report,
                                     const struct ledger_subflow *subflow)
{
	uint64_t bytes[PHASE_COUNT] = {0};
	json_t *o = json_object();

	for (unsigned i = 0; i < subflow->n_shares && i < LEDGER_SHARES; i++)
		bytes[report_phase(report->ledger, report->primaries,
		                   subflow->shares[i].circumstance)] +=
			subflow->shares[i].sum.ip_bytes;
	for (size_t i = 0; i < PHASE_COUNT; i++)
		if (bytes[i] > 0)
			members_put(w, o, phase_names[i], value_count(bytes[i]));
	return o;
}

static json_t *render_subflow(struct members *w, const struct report *report,
                              const struct ledger_subflow *subflow)
{
	json_t *o = json_object();
	bool known = subflow->wan < report->n_wans;

	members_put(w, o, "wan", known ? value_text(report->wans[subflow->wan].name) : json_null());
	members_put(w, o, "client", value_text_or_null(subflow->client));
	members_put(w, o, "server", value_text_or_null(subflow->server));
	members_put(w, o, "initial", json_boolean(subflow->initial));
	members_put(w, o, "established", json_boolean(subflow->established));
	members_put(w, o, "backup_flag_client", flag(subflow->backup_client));
	members_put(w, o, "backup_flag_server", flag(subflow->backup_server));
	members_put(w, o, "backup_flag_client_at", value_moment(subflow->backup_client_ns));
	members_put(w, o, "backup_flag_server_at", value_moment(subflow->backup_server_ns));
	members_put(w, o, "confidence",
	            subflow->confidence < CONF_COUNT
	                    ? value_text(confidence_names[subflow->confidence])
	                    : json_null());
	members_put(w, o, "start", value_moment(subflow->first_ns));
	members_put(w, o, "end", value_moment(subflow->last_ns));
	members_put(w, o, "kinds", render_json_kinds(w, subflow->kinds));
	if (known && report->wans[subflow->wan].role.role == ROLE_BACKUP)
		members_put(w, o, "phases", render_subflow_phases(w, report, subflow));
	return o;
}

static json_t *render_connection(struct members *w, const struct report *report,
                                 const struct ledger_connection *connection)
{
	json_t *o = json_object(), *subflows = json_array();
	bool labelled = connection->app > 0 && connection->app < report->ledger->n_apps;

	members_put(w, o, "id", value_text(connection->id));
	members_put(w, o, "version",
	            connection->version < 0 ? json_null() : json_integer(connection->version));
	members_put(w, o, "client", value_text_or_null(connection->client));
	members_put(w, o, "server", value_text_or_null(connection->server));
	members_put(w, o, "start", value_moment(connection->first_ns));
	members_put(w, o, "end", value_moment(connection->last_ns));
	members_put(w, o, "fallback", json_boolean(connection->fallback));
	members_put(w, o, "confidence",
	            connection->confidence < CONF_COUNT
	                    ? value_text(confidence_names[connection->confidence])
	                    : json_null());
	members_put(w, o, "app",
	            labelled ? value_text(report->ledger->apps[connection->app]) : json_null());
	members_put(w, o, "unique_bytes_from_client", value_count(connection->unique_bytes[0]));
	members_put(w, o, "unique_bytes_to_client", value_count(connection->unique_bytes[1]));
	for (size_t i = 0; i < connection->n_subflows; i++)
		members_push(w, subflows, render_subflow(w, report, &connection->subflows[i]));
	members_put(w, o, "subflows", subflows);
	return o;
}

/* ---- in sums ---- */

static json_t *render_remainder_wan(struct members *w, const struct report *report, size_t i,
                                    const struct remainder_wan *wan)
{
	json_t *o = json_object(), *phases = json_object();

	members_put(w, o, "wan",
	            i < report->n_wans ? value_text(report->wans[i].name) : json_null());
	members_put(w, o, "connections", value_count(wan->connections));
	members_put(w, o, "subflows", value_count(wan->subflows));
	members_put(w, o, "kinds", render_json_kinds(w, wan->kinds));
	for (size_t k = 0; k < PHASE_COUNT; k++)
		if (wan->phases[k] > 0)
			members_put(w, phases, phase_names[k], value_count(wan->phases[k]));
	if (i < report->n_wans && report->wans[i].role.role == ROLE_BACKUP)
		members_put(w, o, "phases", phases);
	else
		json_decref(phases);
	return o;
}

static json_t *render_class(struct members *w, const struct report *report, const char *name,
                            const struct remainder *sum)
{
	json_t *o = json_object(), *wans = json_array();

	members_put(w, o, "class", value_text(name));
	members_put(w, o, "connections", value_count(sum->connections));
	members_put(w, o, "subflows", value_count(sum->subflows));
	members_put(w, o, "unique_bytes_from_client", value_count(sum->unique_bytes[0]));
	members_put(w, o, "unique_bytes_to_client", value_count(sum->unique_bytes[1]));
	members_put(w, o, "start", value_moment(sum->first_ns));
	members_put(w, o, "end", value_moment(sum->last_ns));
	for (size_t i = 0; i <= report->n_wans; i++)
		if (sum->wans[i].subflows > 0)
			members_push(w, wans, render_remainder_wan(w, report, i, &sum->wans[i]));
	members_put(w, o, "wans", wans);
	return o;
}

static json_t *render_rest(struct members *w, const struct report *report, const bool *told)
{
	struct remainder classes[CONNECTION_CLASS_COUNT];
	json_t *o = json_object(), *array = json_array();
	uint64_t connections = 0, subflows = 0;
	bool filled = remainder_fill(classes, report, told);

	for (size_t i = 0; filled && i < CONNECTION_CLASS_COUNT; i++) {
		connections += classes[i].connections;
		subflows += classes[i].subflows;
		if (classes[i].connections > 0)
			members_push(
				w, array,
				render_class(w, report, connection_class_names[i], &classes[i]));
	}
	if (filled)
		remainder_release(classes);
	w->whole = w->whole && filled;
	members_put(w, o, "connections", value_count(connections));
	members_put(w, o, "subflows", value_count(subflows));
	members_put(w, o, "classes", array);
	return o;
}

void render_json_connections(struct members *w, json_t *o, const struct report *report)
{
	const struct ledger *ledger = report->ledger;
	bool *told = calloc(ledger->n_connections + 1, sizeof(*told));
	json_t *array = json_array();

	w->whole = w->whole && told && notable_choose(report, told);
	for (size_t i = 0; w->whole && i < ledger->n_connections; i++)
		if (told[i])
			members_push(w, array,
			             render_connection(w, report, &ledger->connections[i]));
	members_put(w, o, "connections", array);
	if (w->whole)
		members_put(w, o, "connections_in_sums", render_rest(w, report, told));
	free(told);
}
