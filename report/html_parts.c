/* SPDX-License-Identifier: MIT
 *
 * html_parts.c - what several sections of the page say: see html_page.h.
 */
#include "html_page.h"

#include <string.h>

#include "figure.h"
#include "text.h"

static const struct {
	enum message word;
	const char *open; /* with its symbol */
} looks[STATUS_COUNT + 1] = {
	[STATUS_PASS] = {MESSAGE_page_status_pass,
                         "<span class=\"st pass\"><i aria-hidden=true>✓</i> "},
	[STATUS_WARN] = {MESSAGE_page_status_warn,
                         "<span class=\"st warn\"><i aria-hidden=true>!</i> "},
	[STATUS_FAIL] = {MESSAGE_page_status_fail,
                         "<span class=\"st fail\"><i aria-hidden=true>✕</i> "},
	[STATUS_NOT_ASSESSED] = {MESSAGE_page_status_not_assessed,
                                 "<span class=st><i aria-hidden=true>?</i> "},
	[STATUS_NOT_APPLICABLE] = {MESSAGE_page_status_not_applicable,
                                   "<span class=st><i aria-hidden=true>–</i> "},
	[STATUS_ERROR] = {MESSAGE_page_status_error,
                          "<span class=\"st fail\"><i aria-hidden=true>✕</i> "},
	[STATUS_WAIVED] = {MESSAGE_page_status_waived, "<span class=st><i aria-hidden=true>~</i> "},
	[STATUS_COUNT] = {MESSAGE_page_status_unknown, "<span class=st><i aria-hidden=true>?</i> "},
};

void html_status(struct html *h, enum status status)
{
	size_t i = status < STATUS_COUNT ? status : STATUS_COUNT;

	h_markup(h, looks[i].open);
	h_say(h, looks[i].word, (const char *const[]){NULL});
	H(h, "</span>");
}

enum status html_status_of(const json_t *finding)
{
	return (enum status)stored_choice(finding, "status", status_names, STATUS_COUNT);
}

void html_value(struct html *h, double value, const char *unit)
{
	char text[FIGURE_SAY];

	h_message(h, figure_say(text, value, unit));
}

bool html_is_backup(const json_t *wan)
{
	return strcmp(stored_text(wan, "role"), "backup") == 0;
}

bool html_is_primary(const json_t *wan)
{
	const char *role = stored_text(wan, "role");

	return strcmp(role, "master") == 0 || strcmp(role, "on") == 0;
}

const char *html_role(const json_t *wan, char *out, size_t size)
{
	static const struct {
		const char *role;
		enum message words;
	} roles[] = {{"backup", MESSAGE_page_role_backup},
	             {"master", MESSAGE_page_role_master},
	             {"on", MESSAGE_page_role_on},
	             {"off", MESSAGE_page_role_off}};
	enum message words = MESSAGE_page_role_none;
	char inner[80];

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(stored_text(wan, "role"), roles[i].role) == 0)
			words = roles[i].words;
	message_say(inner, sizeof(inner), words, (const char *const[]){NULL});
	if (words != MESSAGE_page_role_none &&
	    strcmp(stored_text(wan, "role_source"), "assumed") == 0)
		return SAY(out, size, page_role_assumed, inner);
	snprintf(out, size, "%s", inner);
	return out;
}

/* ---- tables ---- */

void html_table(struct html *h, const char *caption)
{
	char words[400];

	H(h, "<div class=wide role=group tabindex=0");
	h_attr(h, "aria-label", message_words(words, sizeof(words), caption, &h->how));
	H(h, "><table><caption>");
	h_message(h, caption);
	H(h, "</caption><thead><tr>");
}

void html_table_end(struct html *h)
{
	H(h, "</table></div>");
}

void html_head(struct html *h, enum message words)
{
	H(h, "<th scope=col>");
	h_say(h, words, (const char *const[]){NULL});
}

void html_head_num(struct html *h, enum message words)
{
	H(h, "<th scope=col class=n>");
	h_say(h, words, (const char *const[]){NULL});
}

void html_more(struct html *h, size_t left_out)
{
	char count[TEXT_SHORT];

	if (left_out == 0)
		return;
	H(h, "<p class=more>");
	H_SAY(h, page_more_rows, text_count(count, left_out));
}

void html_cell_num(struct html *h, uint64_t number)
{
	H(h, "<td class=n>");
	h_num(h, number);
}

void html_cell_bytes(struct html *h, uint64_t bytes)
{
	H(h, "<td class=n>");
	h_bytes(h, bytes);
}
