/* SPDX-License-Identifier: MIT
 *
 * render_expect.c - see render_expect.h.
 */
#include "label.h"
#include "render_expect.h"
#include "render_sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "members.h"
#include "text.h"

/* ---- JSON ---- */

static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
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
	return put(o, "source", value_text(role_source_names[told->source])) &&
	       put(o, "from", value_text_or_null(told->from));
}

static json_t *word_json(const struct expect_word *word)
{
	json_t *o;

	if (!word->text[0])
		return json_null();
	o = json_object();
	return finish(o, o && put(o, "value", value_text(word->text)) && put_told(o, &word->told));
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
		good = !json_array_append_new(array, value_text(words[i]));
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
			   put(o, "currency", value_text_or_null(plan->currency)));
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
	bool good = o && put(o, "name", value_text(wan->name)) && put_told(o, &wan->name_told);

	good = good &&
	       put(o, "role", wan->role ? value_text(role_names[wan->role]) : json_null()) &&
	       put(o, "role_word", value_text_or_null(wan->role_word)) &&
	       put(o, "role_from", value_text_or_null(wan->role_told.from)) &&
	       put(o, "role_source",
	           wan->role ? value_text(role_source_names[wan->role_told.source]) : json_null());
	good = good && put(o, "protocol", value_text_or_null(wan->protocol)) &&
	       put(o, "devices", words_json(wan->devices, wan->n_devices)) &&
	       put(o, "mac", value_text_or_null(wan->mac)) &&
	       put(o, "addresses", networks_json(wan->own, wan->n_own)) &&
	       put(o, "gateway", networks_json(&wan->gateway, wan->gateway.family != 0)) &&
	       put(o, "tunnels", words_json(wan->tunnels, wan->n_tunnels));
	good = good && put(o, "plan", render_plan(&wan->plan)) &&
	       put(o, "captured_as", seen ? value_text(seen->name) : json_null()) &&
	       put(o, "matched_by", seen ? value_text(seen->matched) : json_null());
	return finish(o, good);
}

static json_t *server_json(const struct expect_server *server)
{
	json_t *o = json_object(), *ports = json_array();
	bool good = o && ports && put(o, "name", value_text(server->name)) &&
	            put_told(o, &server->told);

	for (unsigned i = 0; good && i < server->n_ports; i++)
		good = !json_array_append_new(ports, json_integer(server->ports[i]));
	good = good && put(o, "addresses", networks_json(server->addresses, server->n_addresses)) &&
	       put(o, "api_port", json_integer(server->api_port)) &&
	       put(o, "kernel", value_text_or_null(server->kernel)) &&
	       put(o, "version", value_text_or_null(server->version)) &&
	       put(o, "disabled", json_boolean(server->off));
	if (!good) {
		json_decref(ports);
		return finish(o, false);
	}
	return finish(o, put(o, "ports", ports));
}

/* Notes in English, and their cases under `messages`, in the same order. */
static bool put_notes(json_t *o, const struct expect *expect)
{
	const struct telling english = {.language = LANGUAGE_EN};
	json_t *words = json_array(), *cases = json_array(), *messages = json_object();
	bool good = put(o, "notes", words) && put(o, "messages", messages) &&
	            put(messages, "notes", cases);
	char text[EXPECT_NOTE * 2];

	for (unsigned i = 0; good && i < expect->n_notes; i++) {
		message_words(text, sizeof(text), expect->notes[i], &english);
		good = !json_array_append_new(words, value_text(text)) &&
		       !json_array_append_new(cases, message_json(expect->notes[i]));
	}
	return good;
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
	            put(profile, "value", value_text(profile_names[e->profile])) &&
	            put_told(profile, &e->profile_told);

	good = good && put(o, "time_zone", word_json(&e->zone)) &&
	       put(o, "time_zone_name", word_json(&e->zone_name)) &&
	       put(o, "scheduler", word_json(&e->scheduler)) &&
	       put(o, "kernel", word_json(&e->kernel)) && put(o, "mptcp", word_json(&e->mptcp)) &&
	       put(o, "proxy", word_json(&e->proxy)) && put(o, "vpn", word_json(&e->vpn)) &&
	       put(o, "mode", word_json(&e->mode));
	good = good && put(o, "lans", networks_json(e->lans, e->n_lans)) &&
	       put(o, "plan", render_plan(&e->plan)) && put_notes(o, e) &&
	       put(o, "more_notes", json_integer(e->more_notes)) && put_lists(o, report);
	return finish(o, good);
}

/* ---- text ---- */

/* "; eth1, eth2" */
static void more_devices(char *line, size_t size, const json_t *devices)
{
	char name[STORED_NAME];

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const char *device = json_string_value(json_array_get(devices, i));

		message_more(line, size, i ? MESSAGE_comma : MESSAGE_semicolon,
		             (const char *const[]){NULL});
		strncat(line, text_safe(name, sizeof(name), device ? device : "", 20),
		        size - strlen(line) - 1);
	}
}

static const json_t *wan_called(const struct page *page, const char *name)
{
	const json_t *wan;
	size_t i;

	json_array_foreach(json_object_get(page->report, "wans"), i,
	                   wan) if (strcmp(stored_text(wan, "name"), name) == 0) return wan;
	return NULL;
}

/* By which sign it was found, as a message. */
static const char *sign_say(char out[60], const char *sign)
{
	static const struct {
		const char *sign;
		enum message message;
	} signs[] = {{"address", MESSAGE_by_address},
	             {"mac", MESSAGE_by_mac},
	             {"device", MESSAGE_by_device},
	             {"name", MESSAGE_by_name}};

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strcmp(signs[i].sign, sign) == 0)
			message_say(out, 60, signs[i].message, (const char *const[]){NULL});
	return out;
}

static void expected_wan(const struct page *page, const json_t *wan)
{
	const json_t *seen = wan_called(page, stored_text(wan, "captured_as"));
	const char *role = stored_text(wan, "role");
	char line[2400], name[STORED_NAME], from[STORED_NAME], none[40], sign[60],
		label[LABEL_SIZE];

	stored_name(from, wan, role[0] ? "role_from" : "from", 70);
	SAY_IN(none, text_no_role);
	SAY_IN(line, text_expected_wan, stored_name(name, wan, "name", 20),
	       role[0] ? label_role(label, role) : none, from);
	more_devices(line, sizeof(line), json_object_get(wan, "devices"));
	if (!seen && role[0] && strcmp(role, role_names[ROLE_OFF]) != 0)
		MORE_IN(line, text_no_capture);
	if (seen && strcmp(stored_text(seen, "name"), stored_text(wan, "name")) != 0)
		MORE_IN(line, text_captured_as, stored_name(name, seen, "name", 20),
		        sign_say(sign, stored_text(wan, "matched_by")));
	if (seen && role[0] && strcmp(stored_text(seen, "role"), role) != 0)
		MORE_IN(line, text_role_by, label_role(label, stored_text(seen, "role")),
		        stored_name(from, seen, "role_from", 40));
	page_tell(page, line, 2);
}

static void expected_server(const struct page *page, const json_t *server)
{
	char line[2400], word[STORED_NAME];
	const json_t *address;
	size_t i;

	SAY_IN(line, text_server, stored_name(word, server, "name", 20));
	json_array_foreach(json_object_get(server, "addresses"), i, address)
	{
		const char *text = json_string_value(address);

		strncat(line, i ? ", " : " ", sizeof(line) - strlen(line) - 1);
		strncat(line, text_safe(word, sizeof(word), text ? text : "", 60),
		        sizeof(line) - strlen(line) - 1);
	}
	if (stored_has(server, "kernel"))
		MORE_IN(line, text_and_kernel, stored_name(word, server, "kernel", 24));
	if (stored_true(server, "disabled"))
		MORE_IN(line, text_and_disabled);
	page_tell(page, line, 2);
}

static void more_word(char *line, size_t size, enum message message, const char *word)
{
	char safe[STORED_NAME];

	if (!word[0])
		return;
	if (line[0])
		message_more(line, size, MESSAGE_comma, (const char *const[]){NULL});
	message_more(line, size, message,
	             (const char *const[]){text_safe(safe, sizeof(safe), word, 40), NULL});
}

static void expected_site(const struct page *page, const json_t *expected)
{
	const json_t *profile = json_object_get(expected, "profile");
	const char *zone = stored_text(json_object_get(expected, "time_zone_name"), "value");
	char line[1200] = "";

	if (stored_has(profile, "from"))
		more_word(line, sizeof(line), MESSAGE_text_profile, stored_text(profile, "value"));
	more_word(line, sizeof(line), MESSAGE_text_scheduler,
	          stored_text(json_object_get(expected, "scheduler"), "value"));
	more_word(line, sizeof(line), MESSAGE_text_kernel,
	          stored_text(json_object_get(expected, "kernel"), "value"));
	more_word(line, sizeof(line), MESSAGE_text_time_zone,
	          zone[0] ? zone : stored_text(json_object_get(expected, "time_zone"), "value"));
	if (line[0])
		page_tell(page, line, 2);
}

void render_expected_text(const struct page *page)
{
	const json_t *expected = json_object_get(page->report, "expected"), *row;
	const json_t *profile = json_object_get(expected, "profile");
	const json_t *wans = json_object_get(expected, "wans"),
		     *servers = json_object_get(expected, "servers"),
		     *notes = json_object_get(expected, "notes");
	char line[1600], note[1000], count[TEXT_SHORT];
	size_t i;

	if (json_array_size(wans) + json_array_size(servers) + json_array_size(notes) == 0 &&
	    !stored_has(profile, "from") && !stored_has(expected, "scheduler") &&
	    !stored_has(expected, "kernel") && !stored_has(expected, "time_zone") &&
	    !stored_has(expected, "time_zone_name"))
		return;
	page_heading(page, SAY_IN(line, text_expected));
	json_array_foreach(wans, i, row) expected_wan(page, row);
	json_array_foreach(servers, i, row) expected_server(page, row);
	expected_site(page, expected);
	json_array_foreach(notes, i, row)
		page_tell(page,
	                  SAY_IN(line, text_note,
	                         stored_message_at(note, sizeof(note), expected, "notes", i)),
	                  2);
	if (stored_number(expected, "more_notes"))
		page_tell(page,
		          SAY_IN(line, text_note_more, page_count(count, expected, "more_notes")),
		          2);
}
