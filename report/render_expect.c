/* SPDX-License-Identifier: MIT
 *
 * render_expect.c - see render_expect.h.
 */
#include "render_expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* ---- JSON ---- */

static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *string(const char *text)
{
	char *valid = text_utf8(text);
	json_t *value = valid ? json_string(valid) : NULL;

	free(valid);
	return value;
}

static json_t *string_or_null(const char *text)
{
	return text[0] ? string(text) : json_null();
}

static json_t *number_or_null(uint64_t n)
{
	return n ? json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n) : json_null();
}

static json_t *finish(json_t *value, bool good)
{
	if (good)
		return value;
	json_decref(value);
	return NULL;
}

static bool put_told(json_t *o, const struct told *told)
{
	return put(o, "source", string(role_source_names[told->source])) &&
	       put(o, "from", string_or_null(told->from));
}

static json_t *word_json(const struct expect_word *word)
{
	json_t *o;

	if (!word->text[0])
		return json_null();
	o = json_object();
	return finish(o, o && put(o, "value", string(word->text)) && put_told(o, &word->told));
}

static json_t *networks_json(const struct network *networks, unsigned n)
{
	json_t *array = json_array();
	char text[NETWORK_TEXT];
	bool good = array != NULL;

	for (unsigned i = 0; good && i < n; i++)
		good = !json_array_append_new(array, json_string(network_text(text, &networks[i])));
	return finish(array, good);
}

static json_t *words_json(const char (*words)[EXPECT_WORD], unsigned n)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (unsigned i = 0; good && i < n; i++)
		good = !json_array_append_new(array, string(words[i]));
	return finish(array, good);
}

json_t *render_plan(const struct expect_plan *plan)
{
	json_t *o;

	if (!plan || !plan->told.from[0])
		return json_null();
	o = json_object();
	return finish(
		o, o && put_told(o, &plan->told) &&
			   put(o, "quota_bytes", number_or_null(plan->quota_bytes)) &&
			   put(o, "up_bytes", number_or_null(plan->up_bytes)) &&
			   put(o, "down_bytes", number_or_null(plan->down_bytes)) &&
			   put(o, "granularity_bytes", number_or_null(plan->granularity_bytes)) &&
			   put(o, "billing_day", number_or_null(plan->billing_day)) &&
			   put(o, "binary", json_boolean(plan->binary)) &&
			   put(o, "price", json_real(plan->price)) &&
			   put(o, "price_per_gb", json_real(plan->price_per_gb)) &&
			   put(o, "currency", string_or_null(plan->currency)));
}

static const struct report_wan *captured_as(const struct report *report,
                                            const struct expect_wan *wan)
{
	for (size_t i = 0; i < report->n_wans; i++)
		if (report->wans[i].expected == wan)
			return &report->wans[i];
	return NULL;
}

static json_t *wan_json(const struct report *report, const struct expect_wan *wan)
{
	const struct report_wan *seen = captured_as(report, wan);
	json_t *o = json_object();
	bool good = o && put(o, "name", string(wan->name)) && put_told(o, &wan->name_told);

	good = good && put(o, "role", wan->role ? string(role_names[wan->role]) : json_null()) &&
	       put(o, "role_word", string_or_null(wan->role_word)) &&
	       put(o, "role_from", string_or_null(wan->role_told.from)) &&
	       put(o, "role_source",
	           wan->role ? string(role_source_names[wan->role_told.source]) : json_null());
	good = good && put(o, "protocol", string_or_null(wan->protocol)) &&
	       put(o, "devices", words_json(wan->devices, wan->n_devices)) &&
	       put(o, "mac", string_or_null(wan->mac)) &&
	       put(o, "addresses", networks_json(wan->own, wan->n_own)) &&
	       put(o, "gateway", networks_json(&wan->gateway, wan->gateway.family != 0)) &&
	       put(o, "tunnels", words_json(wan->tunnels, wan->n_tunnels));
	good = good && put(o, "plan", render_plan(&wan->plan)) &&
	       put(o, "captured_as", seen ? string(seen->name) : json_null()) &&
	       put(o, "matched_by", seen ? string(seen->matched) : json_null());
	return finish(o, good);
}

static json_t *server_json(const struct expect_server *server)
{
	json_t *o = json_object(), *ports = json_array();
	bool good =
		o && ports && put(o, "name", string(server->name)) && put_told(o, &server->told);

	for (unsigned i = 0; good && i < server->n_ports; i++)
		good = !json_array_append_new(ports, json_integer(server->ports[i]));
	good = good && put(o, "addresses", networks_json(server->addresses, server->n_addresses)) &&
	       put(o, "api_port", json_integer(server->api_port)) &&
	       put(o, "kernel", string_or_null(server->kernel)) &&
	       put(o, "version", string_or_null(server->version)) &&
	       put(o, "disabled", json_boolean(server->off));
	if (!good) {
		json_decref(ports);
		return finish(o, false);
	}
	return finish(o, put(o, "ports", ports));
}

static json_t *notes_json(const struct expect *expect)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (unsigned i = 0; good && i < expect->n_notes; i++)
		good = !json_array_append_new(array, string(expect->notes[i]));
	return finish(array, good);
}

static bool put_lists(json_t *o, const struct report *report)
{
	const struct expect *expect = &report->policy->expect;
	json_t *wans = json_array(), *servers = json_array();
	bool good = put(o, "wans", wans) && put(o, "servers", servers);

	for (unsigned i = 0; good && i < expect->n_wans; i++)
		good = !json_array_append_new(wans, wan_json(report, &expect->wans[i]));
	for (unsigned i = 0; good && i < expect->n_servers; i++)
		good = !json_array_append_new(servers, server_json(&expect->servers[i]));
	return good;
}

json_t *render_expected(const struct report *report)
{
	const struct expect *e = &report->policy->expect;
	json_t *o = json_object(), *profile = json_object();
	bool good = o && put(o, "profile", profile) &&
	            put(profile, "value", string(profile_names[e->profile])) &&
	            put_told(profile, &e->profile_told);

	good = good && put(o, "time_zone", word_json(&e->zone)) &&
	       put(o, "time_zone_name", word_json(&e->zone_name)) &&
	       put(o, "scheduler", word_json(&e->scheduler)) &&
	       put(o, "kernel", word_json(&e->kernel)) && put(o, "mptcp", word_json(&e->mptcp)) &&
	       put(o, "proxy", word_json(&e->proxy)) && put(o, "vpn", word_json(&e->vpn)) &&
	       put(o, "mode", word_json(&e->mode));
	good = good && put(o, "lans", networks_json(e->lans, e->n_lans)) &&
	       put(o, "plan", render_plan(&e->plan)) && put(o, "notes", notes_json(e)) &&
	       put(o, "more_notes", json_integer(e->more_notes)) && put_lists(o, report);
	return finish(o, good);
}

/* ---- text ---- */

__attribute__((format(printf, 3, 4))) static void add(char *line, size_t size, const char *format,
                                                      ...)
{
	size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, size - used, format, args);
	va_end(args);
}

static void wan_line(const struct report *report, const struct expect_wan *wan, char *line,
                     size_t size)
{
	const struct report_wan *seen = captured_as(report, wan);
	char name[100], from[200], device[100];

	add(line, size, "%s: %s (%s)", text_safe(name, sizeof(name), wan->name, 20),
	    wan->role ? role_names[wan->role] : "no role",
	    text_safe(from, sizeof(from), wan->role ? wan->role_told.from : wan->name_told.from,
	              70));
	for (unsigned i = 0; i < wan->n_devices; i++)
		add(line, size, "%s%s", i ? ", " : "; ",
		    text_safe(device, sizeof(device), wan->devices[i], 20));
	if (!seen)
		add(line, size, "%s",
		    wan->role == ROLE_OFF || !wan->role ? "" : "; no capture of it");
	else if (strcmp(seen->name, wan->name) != 0)
		add(line, size, "; captured as %s (by its %s)",
		    text_safe(name, sizeof(name), seen->name, 20), seen->matched);
	if (seen && seen->role.role != wan->role && wan->role)
		add(line, size, "; %s by %s", role_names[seen->role.role],
		    text_safe(from, sizeof(from), seen->role.from, 40));
}

static void server_line(const struct expect_server *server, char *line, size_t size)
{
	char name[100], word[NETWORK_TEXT], kernel[100];

	add(line, size, "server %s", text_safe(name, sizeof(name), server->name, 20));
	for (unsigned i = 0; i < server->n_addresses; i++)
		add(line, size, "%s%s", i ? ", " : " ", network_text(word, &server->addresses[i]));
	if (server->kernel[0])
		add(line, size, ", kernel %s",
		    text_safe(kernel, sizeof(kernel), server->kernel, 24));
	if (server->off)
		add(line, size, ", disabled");
}

static void site_line(const struct expect *e, char *line, size_t size)
{
	const struct {
		const char *name, *text;
	} words[] = {
		{"profile", e->profile_told.from[0] ? profile_names[e->profile] : ""},
		{"scheduler", e->scheduler.text},
		{"kernel", e->kernel.text},
		{"time zone", e->zone_name.text[0] ? e->zone_name.text : e->zone.text},
	};
	char safe[100];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].text[0])
			add(line, size, "%s%s %s", line[0] ? ", " : "", words[i].name,
			    text_safe(safe, sizeof(safe), words[i].text, 40));
}

bool render_expected_line(const struct report *report, unsigned *step, char *line, size_t size)
{
	const struct expect *e = &report->policy->expect;
	unsigned at = (*step)++;

	line[0] = '\0';
	if (at < e->n_wans) {
		wan_line(report, &e->wans[at], line, size);
		return true;
	}
	at -= e->n_wans;
	if (at < e->n_servers) {
		server_line(&e->servers[at], line, size);
		return true;
	}
	at -= e->n_servers;
	if (at == 0) {
		site_line(e, line, size);
		if (line[0])
			return true;
		at = (*step)++ - e->n_wans - e->n_servers;
	}
	if (at <= e->n_notes) {
		char safe[400];

		snprintf(line, size, "note: %s",
		         text_safe(safe, sizeof(safe), e->notes[at - 1], 200));
		return true;
	}
	if (at == e->n_notes + 1 && e->more_notes)
		snprintf(line, size, "note: and %u more", e->more_notes);
	return line[0] != '\0';
}
