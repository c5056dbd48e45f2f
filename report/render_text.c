/* SPDX-License-Identifier: MIT
 *
 * render_text.c - see formats.h: a stored report on 80 columns. Names of others pass text_safe()
 * first.
 */
#include "formats.h"

#include <string.h>

#include "label.h"
#include "render_sections.h"
#include "stored_share.h"

/* ---- the sentence ---- */

static void print_head(const struct page *page)
{
	const json_t *report = page->report;
	enum status verdict = page_status(report, "verdict");
	char text[6000], site[STORED_NAME];

	fprintf(page->out, "%s%s", page_paint(page, "\033[1m"),
	        page_paint(page, page_looks[verdict].colour));
	page_put(page, message_say(text, sizeof(text), page_looks[verdict].word,
	                           (const char *const[]){NULL}));
	fprintf(page->out, "%s  mptcp-audit %s", page_paint(page, "\033[0m"),
	        stored_name(site, json_object_get(report, "tool"), "version", 30));
	if (stored_has(report, "site"))
		fprintf(page->out, "  %s", stored_name(site, report, "site", 24));
	if (stored_has(report, "generated")) {
		fputs("  ", page->out);
		page_put(page, message_time(text, stored_time(report, "generated")));
	}
	fputs("\n\n", page->out);
	page_tell(page, stored_message(text, sizeof(text), report, "sentence"), 0);
	if (stored_message(text, sizeof(text), report, "assumption")[0]) {
		fputc('\n', page->out);
		page_tell(page, text, 0);
	}
}

/* ---- the WANs ---- */

static bool is_role(const json_t *wan, const char *role)
{
	return strcmp(stored_text(wan, "role"), role) == 0;
}

/* In the order of their precedence, as the table of kinds has them. */
static void print_kinds(const struct page *page, const json_t *wan)
{
	const json_t *kinds = json_object_get(wan, "kinds");
	char line[2400] = "", some[TEXT_SHORT], kind[60], one[160];

	for (size_t k = 0; k < KIND_COUNT; k++) {
		uint64_t bytes = stored_number(json_object_get(kinds, kind_names[k]), "ip_bytes");

		if (bytes == 0)
			continue;
		if (line[0])
			MORE_IN(line, comma);
		message_say(kind, sizeof(kind), label_kind((enum kind)k),
		            (const char *const[]){NULL});
		SAY_IN(one, cause_bytes, kind, text_bytes(some, bytes));
		strncat(line, one, sizeof(line) - strlen(line) - 1);
	}
	if (line[0])
		page_tell(page, line, 4);
}

static bool is_assumed(const json_t *wan)
{
	return strcmp(stored_text(wan, "role_source"), "assumed") == 0 && stored_has(wan, "role");
}

static void print_wan(const struct page *page, const json_t *wan, uint64_t primary)
{
	struct stored_share share = stored_share_of(page->report, wan);
	bool backup = is_role(wan, "backup");
	char name[STORED_NAME], role[LABEL_SIZE + 2], total[TEXT_SHORT], billed[TEXT_SHORT],
		a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT];

	label_role(role, stored_text(wan, "role"));
	if (!role[0])
		strcpy(role, role_names[ROLE_NONE]);
	if (is_assumed(wan))
		strcat(role, "?");
	fputs("  ", page->out);
	page_pad(page, stored_name(name, wan, "name", 16), 16);
	fputc(' ', page->out);
	page_pad(page, role, 8);
	fprintf(page->out, " %9s %9s %9s %9s %9s\n", page_bytes(total, wan, "ip_bytes"),
	        page_bytes(billed, wan, "billed_ip_bytes"),
	        backup ? text_percent(a, share.payload, primary) : "-",
	        backup ? text_percent(b, share.outage + share.after, primary) : "-",
	        backup ? text_percent(c, share.standby, primary) : "-");
	print_kinds(page, wan);
}

/* Whose role nobody had to name again. */
static void print_roles_from(const struct page *page, const char *source, enum message message)
{
	const json_t *wan;
	char list[1200] = "", line[1400], name[STORED_NAME];
	size_t i;

	json_array_foreach(json_object_get(page->report, "wans"), i, wan)
	{
		if (strcmp(stored_text(wan, "role_source"), source) != 0)
			continue;
		if (list[0])
			MORE_IN(list, comma);
		strncat(list, stored_name(name, wan, "name", 20), sizeof(list) - strlen(list) - 1);
	}
	if (list[0])
		page_tell(
			page,
			message_say(line, sizeof(line), message, (const char *const[]){list, NULL}),
			2);
}

const char *render_extent(const struct page *page, char out[RENDER_EXTENT])
{
	const json_t *window = json_object_get(page->report, "window");

	return stored_has(window, "asked_from") || stored_has(window, "asked_to")
	               ? SAY(out, RENDER_EXTENT, window)
	               : SAY(out, RENDER_EXTENT, whole_capture);
}

static void print_wan_heads(const struct page *page)
{
	static const enum message heads[] = {MESSAGE_text_bytes, MESSAGE_text_billed,
	                                     MESSAGE_text_payload, MESSAGE_text_in_outage,
	                                     MESSAGE_text_standby};
	char text[60];

	fputs("  ", page->out);
	page_pad(page, SAY_IN(text, text_wan), 16);
	fputc(' ', page->out);
	page_pad(page, SAY_IN(text, text_role), 8);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		fputc(' ', page->out);
		page_pad_left(
			page,
			message_say(text, sizeof(text), heads[i], (const char *const[]){NULL}), 9);
	}
	fputc('\n', page->out);
}

static void print_wans(const struct page *page)
{
	char line[200], extent[RENDER_EXTENT];
	uint64_t primary = stored_share_primary(page->report);
	bool assumed = false, later = false;
	const json_t *wan;
	size_t i;

	page_heading(page, SAY_IN(line, text_wans, render_extent(page, extent)));
	print_wan_heads(page);
	json_array_foreach(json_object_get(page->report, "wans"), i, wan)
	{
		print_wan(page, wan, primary);
		assumed = assumed || is_assumed(wan);
		later = later || stored_share_of(page->report, wan).after > 0;
	}
	print_roles_from(page, "uci", MESSAGE_text_roles_uci);
	print_roles_from(page, "capture", MESSAGE_text_roles_recording);
	if (later)
		page_tell(page, SAY_IN(line, text_in_outage_later), 2);
	if (assumed)
		page_tell(page, SAY_IN(line, text_assumed), 2);
}

/* ---- outages and failovers of primaries ---- */

#define TOP_INTERRUPTIONS 8

static void print_interruptions(const struct page *page)
{
	char text[1200], count[TEXT_SHORT];
	const json_t *row;
	size_t told = 0, i;

	json_array_foreach(json_object_get(page->report, "interruptions"), i, row)
	{
		char sentence[1200];

		if (!stored_message(sentence, sizeof(sentence), row, "words")[0])
			continue;
		if (told == 0)
			page_heading(page, SAY_IN(text, text_outages));
		if (told++ < TOP_INTERRUPTIONS)
			page_tell(page, sentence, 2);
	}
	if (told > TOP_INTERRUPTIONS)
		page_tell(page,
		          SAY_IN(text, text_more_in_json,
		                 text_count(count, told - TOP_INTERRUPTIONS)),
		          2);
}

static bool render(const json_t *report, enum language language, FILE *out, bool colour)
{
	struct zone zone;
	struct page page = {report, out, colour, {language, &zone}};

	stored_zone(report, &zone);
	print_head(&page);
	print_wans(&page);
	render_expected_text(&page);
	render_uses(&page);
	print_interruptions(&page);
	render_findings(&page);
	render_coverage(&page);
	return true;
}

bool render_text(const json_t *report, enum language language, FILE *out)
{
	return render(report, language, out, false);
}

bool render_terminal(const json_t *report, enum language language, FILE *out)
{
	return render(report, language, out, true);
}
