/* SPDX-License-Identifier: MIT
 *
 * html_use.c - what each WAN carried: by kind as a bar, by cause as a table, backups first.
 */
#include "html_page.h"

#include <string.h>

#include "chart.h"
#include "text.h"

#define SHOWN_WANS   16
#define SHOWN_CAUSES 40
#define SHOWN_NAMES  60

/* Kinds by what they mean for a data plan: their colour in a bar. */
static const struct {
	enum message words;
	unsigned colour;
} kinds[KIND_COUNT] = {
	[KIND_PAYLOAD] = {MESSAGE_page_kind_payload, 0},
	[KIND_RETRANSMISSION] = {MESSAGE_page_kind_retransmission, 1},
	[KIND_REINJECTION] = {MESSAGE_page_kind_reinjection, 1},
	[KIND_REDUNDANT] = {MESSAGE_page_kind_redundant, 2},
	[KIND_KEEPALIVE] = {MESSAGE_page_kind_keepalive, 3},
	[KIND_KEEPALIVE_ACK] = {MESSAGE_page_kind_keepalive_ack, 3},
	[KIND_ZERO_WINDOW_PROBE] = {MESSAGE_page_kind_zero_window_probe, 3},
	[KIND_ACK] = {MESSAGE_page_kind_ack, 4},
	[KIND_HANDSHAKE] = {MESSAGE_page_kind_handshake, 5},
	[KIND_SIGNAL] = {MESSAGE_page_kind_signal, 5},
	[KIND_TEARDOWN] = {MESSAGE_page_kind_teardown, 5},
	[KIND_RESET] = {MESSAGE_page_kind_reset, 5},
	[KIND_OTHER] = {MESSAGE_page_kind_other, 6},
	[KIND_DUPLICATE] = {MESSAGE_page_kind_duplicate, 7},
	[KIND_UNREAD] = {MESSAGE_page_kind_unread, 7},
};

static void kind_words(struct html *h, size_t kind)
{
	h_say(h, kinds[kind].words, (const char *const[]){NULL});
}

/* ---- kinds ---- */

static void kinds_bar(struct html *h, const json_t *wan, const char *name)
{
	const json_t *rows = json_object_get(wan, "kinds");
	uint64_t values[KIND_COUNT];
	unsigned colours[KIND_COUNT];
	char title[STORED_NAME + 100], desc[STORED_NAME + 100];

	for (size_t k = 0; k < KIND_COUNT; k++) {
		values[k] = stored_number(json_object_get(rows, kind_names[k]), "ip_bytes");
		colours[k] = kinds[k].colour;
	}
	SAY_IN(title, page_kinds_title, name);
	SAY_IN(desc, page_table_of, name);
	chart_bar(h, values, colours, KIND_COUNT, title, desc);
	H(h, "<ul class=legend>");
	for (size_t k = 0; k < KIND_COUNT; k++) {
		if (values[k] == 0)
			continue;
		H(h, "<li><i class=k");
		h_digits(h, kinds[k].colour);
		H(h, "></i>");
		kind_words(h, k);
		H(h, " <b>");
		h_bytes(h, values[k]);
		H(h, "</b>");
	}
	H(h, "</ul>");
}

static void tally_cells(struct html *h, const json_t *tally, uint64_t all)
{
	html_cell_num(h, stored_number(tally, "frames"));
	html_cell_num(h, stored_number(tally, "ip_bytes"));
	html_cell_num(h, stored_number(tally, "l2_bytes"));
	html_cell_num(h, stored_number(tally, "payload_bytes"));
	H(h, "<td class=n>");
	h_share(h, stored_number(tally, "ip_bytes"), all);
}

static void kinds_table(struct html *h, const json_t *wan)
{
	const json_t *rows = json_object_get(wan, "kinds");
	uint64_t all = stored_number(wan, "ip_bytes");
	char caption[100];

	html_table(h, SAY_IN(caption, page_kinds_table));
	html_head(h, MESSAGE_page_kind);
	html_head_num(h, MESSAGE_page_frames);
	html_head_num(h, MESSAGE_page_ip_bytes);
	html_head_num(h, MESSAGE_page_wire_bytes);
	html_head_num(h, MESSAGE_page_payload);
	html_head_num(h, MESSAGE_page_share);
	H(h, "<tbody>");
	for (size_t k = 0; k < KIND_COUNT; k++) {
		const json_t *tally = json_object_get(rows, kind_names[k]);

		if (!json_is_object(tally))
			continue;
		H(h, "<tr><th scope=row>");
		kind_words(h, k);
		tally_cells(h, tally, all);
	}
	H(h, "<tr class=sum><th scope=row>");
	H_SAY(h, page_all);
	tally_cells(h, wan, all);
	html_table_end(h);
}

/* ---- names with a count: events, counters, labels ---- */

static void count_rows(struct html *h, const json_t *rows, const char *inner)
{
	const char *key;
	json_t *value;
	size_t told = 0;

	json_object_foreach((json_t *)rows, key, value)
	{
		if (told++ >= SHOWN_NAMES || !h_room(h))
			break;
		H(h, "<tr><th scope=row><code>");
		h_short(h, key, 60);
		H(h, "</code>");
		if (inner) {
			html_cell_num(h, stored_number(value, "frames"));
			html_cell_num(h, stored_number(value, inner));
		} else {
			H(h, "<td class=n>");
			h_real(h, json_number_value(value));
		}
	}
}

static void names_table(struct html *h, enum message caption, const json_t *one, const json_t *two,
                        const char *inner)
{
	char text[80];

	if (json_object_size(one) + json_object_size(two) == 0)
		return;
	html_table(h, message_say(text, sizeof(text), caption, (const char *const[]){NULL}));
	html_head(h, MESSAGE_page_name);
	if (inner) {
		html_head_num(h, MESSAGE_page_frames);
		html_head_num(h, MESSAGE_page_ip_bytes);
	} else {
		html_head_num(h, MESSAGE_page_count);
	}
	H(h, "<tbody>");
	count_rows(h, one, inner);
	count_rows(h, two, inner);
	html_table_end(h);
	html_more(h, json_object_size(one) > SHOWN_NAMES ? json_object_size(one) - SHOWN_NAMES : 0);
}

/* ---- causes ---- */

static void cause_frames(struct html *h, const json_t *cause)
{
	const json_t *frames = json_object_get(cause, "frames_that_show");
	size_t n = json_array_size(frames);

	H(h, "<td class=frames>");
	for (size_t i = 0; i < n && i < 3; i++) {
		if (i)
			H(h, ", ");
		h_num(h, stored_number(json_array_get(frames, i), "frame"));
	}
}

static void cause_row(struct html *h, const json_t *cause, uint64_t all)
{
	char text[2000];

	H(h, "<tr><th scope=row>");
	h_message(h, stored_message(text, sizeof(text), cause, "words"));
	stored_message(text, sizeof(text), cause, "detail");
	if (text[0]) {
		H(h, " <small>");
		h_message(h, text);
		H(h, "</small>");
	}
	html_cell_bytes(h, stored_number(cause, "ip_bytes"));
	H(h, "<td class=n>");
	h_share(h, stored_number(cause, "ip_bytes"), all);
	html_cell_num(h, stored_number(cause, "frames"));
	H(h, "<td class=when>");
	if (stored_time(cause, "first") && stored_time(cause, "last"))
		h_span(h, stored_time(cause, "first"), stored_time(cause, "last"));
	cause_frames(h, cause);
}

static void causes_table(struct html *h, const json_t *wan, const char *name)
{
	const json_t *causes = json_object_get(wan, "causes");
	size_t n = json_array_size(causes), i = 0;
	char caption[STORED_NAME + 100];

	if (n == 0)
		return;
	html_table(h, SAY_IN(caption, page_causes_table, name));
	html_head(h, MESSAGE_page_cause);
	html_head_num(h, MESSAGE_page_ip_bytes);
	html_head_num(h, MESSAGE_page_share);
	html_head_num(h, MESSAGE_page_frames);
	html_head(h, MESSAGE_page_when);
	html_head(h, MESSAGE_page_first_frames);
	H(h, "<tbody>");
	for (; i < n && i < SHOWN_CAUSES && h_room(h); i++)
		cause_row(h, json_array_get(causes, i), stored_number(wan, "billed_ip_bytes"));
	html_table_end(h);
	html_more(h, n - i);
}

/* ---- a WAN ---- */

static void wan_heading(struct html *h, const json_t *wan, const char *name)
{
	char role[200], bytes[TEXT_SHORT], frames[TEXT_SHORT], billed[TEXT_SHORT];

	H(h, "<h3>");
	h_message(h, name);
	H(h, " <span class=role>");
	h_message(h, html_role(wan, role, sizeof(role)));
	H(h, "</span></h3><p>");
	H_SAY(h, page_bytes_frames, text_bytes(bytes, stored_number(wan, "ip_bytes")),
	      text_count(frames, stored_number(wan, "frames")),
	      text_bytes(billed, stored_number(wan, "billed_ip_bytes")));
}

static void tell_wan(struct html *h, const json_t *wan)
{
	char name[STORED_NAME];

	stored_name(name, wan, "name", 40);
	H(h, "<div class=wanbox>");
	wan_heading(h, wan, name);
	kinds_bar(h, wan, name);
	if (html_is_backup(wan))
		causes_table(h, wan, name);
	H(h, "<details><summary>");
	H_SAY(h, page_table_of, name);
	H(h, "</summary>");
	if (!html_is_backup(wan))
		causes_table(h, wan, name);
	kinds_table(h, wan);
	names_table(h, MESSAGE_page_counters, json_object_get(wan, "events"),
	            json_object_get(wan, "counters"), NULL);
	names_table(h, MESSAGE_page_apps, json_object_get(wan, "apps"), NULL, "ip_bytes");
	H(h, "</details></div>");
}

void html_carried(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wans = json_object_get(page->report, "wans");
	size_t n = json_array_size(wans), told = 0;

	H(h, "<section id=carried><h2>");
	H_SAY(h, page_carried);
	H(h, "</h2><p class=lead>");
	H_SAY(h, page_carried_lead);
	for (unsigned backups = 2; backups-- > 0;)
		for (size_t i = 0; i < n; i++) {
			const json_t *wan = json_array_get(wans, i);

			if (html_is_backup(wan) != (backups == 1) || told >= SHOWN_WANS ||
			    !h_room(h))
				continue;
			tell_wan(h, wan);
			told++;
		}
	html_more(h, n - told);
	H(h, "</section>");
}
