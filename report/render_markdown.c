/* SPDX-License-Identifier: MIT
 *
 * render_markdown.c - see formats.h: a stored report to paste into an issue or a forum (GitHub's
 * flavour): the verdict, the WANs, what used each backup, what failed and warned, the rest folded.
 */
#include "formats.h"

#include <string.h>

#include "explain.h"
#include "label.h"
#include "page.h"
#include "render_sections.h"
#include "stored_share.h"

/* Words, with what Markdown or HTML would take for markup made plain. */
static void put_words(const struct page *page, const char *message)
{
	char words[8000];

	for (const char *at = message_words(words, sizeof(words), message, &page->telling); *at;
	     at++) {
		if (strchr("\\`*_{}[]<>#|~", *at))
			fputc('\\', page->out);
		fputc(*at, page->out);
	}
}

#define PUT(page, id, ...) put_words(page, SAY((char[1200]){0}, 1200, id, ##__VA_ARGS__))

static void put_member(const struct page *page, const json_t *o, const char *key)
{
	char text[6000];

	put_words(page, stored_message(text, sizeof(text), o, key));
}

static void put_name(const struct page *page, const json_t *o, const char *key)
{
	char name[STORED_NAME];

	put_words(page, stored_name(name, o, key, 60));
}

static void put_status(const struct page *page, const json_t *o, const char *key)
{
	static const char *const marks[STATUS_COUNT] = {
		[STATUS_PASS] = "✅",         [STATUS_WARN] = "⚠️",      [STATUS_FAIL] = "❌",
		[STATUS_NOT_ASSESSED] = "❔", [STATUS_NOT_APPLICABLE] = "➖", [STATUS_ERROR] = "❌",
		[STATUS_WAIVED] = "➖"};
	enum status status = page_status(o, key);
	char text[60];

	fprintf(page->out, "%s ", marks[status]);
	put_words(page, message_say(text, sizeof(text), page_looks[status].word,
	                            (const char *const[]){NULL}));
}

static void put_cell_bytes(const struct page *page, uint64_t bytes)
{
	char some[TEXT_SHORT];

	fprintf(page->out, " %s |", text_bytes(some, bytes));
}

static void put_head(const struct page *page)
{
	char version[STORED_NAME], text[6000];

	fputs("## ", page->out);
	put_status(page, page->report, "verdict");
	if (stored_has(page->report, "site")) {
		fputs(" · ", page->out);
		put_name(page, page->report, "site");
	}
	fputs("\n\n", page->out);
	put_member(page, page->report, "sentence");
	fputs("\n\n", page->out);
	if (stored_message(text, sizeof(text), page->report, "assumption")[0]) {
		put_words(page, text);
		fputs("\n\n", page->out);
	}
	fprintf(page->out, "<sub>mptcp-audit %s</sub>\n\n",
	        stored_name(version, json_object_get(page->report, "tool"), "version", 30));
}

/* Of a backup: what share of the primaries' bytes its user data, those of outages and standby are.
 */
static void put_shares(const struct page *page, const json_t *wan)
{
	const struct stored_share share = stored_share_of(page->report, wan);
	const uint64_t parts[] = {share.payload, share.outage + share.after, share.standby};
	char percent[TEXT_SHORT];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		bool backup = strcmp(stored_text(wan, "role"), "backup") == 0;

		fprintf(page->out, " %s |",
		        backup ? text_percent(percent, parts[i], stored_share_primary(page->report))
		               : "-");
	}
}

static void put_wans(const struct page *page)
{
	static const enum message heads[] = {MESSAGE_text_wan,     MESSAGE_text_role,
	                                     MESSAGE_text_bytes,   MESSAGE_text_billed,
	                                     MESSAGE_text_payload, MESSAGE_text_in_outage,
	                                     MESSAGE_text_standby};
	const json_t *wan;
	char text[200], role[LABEL_SIZE], extent[RENDER_EXTENT];
	size_t i;

	fputc('|', page->out);
	for (i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		fputc(' ', page->out);
		put_words(page,
		          message_say(text, sizeof(text), heads[i], (const char *const[]){NULL}));
		fputs(" |", page->out);
	}
	fputs("\n|---|---|---:|---:|---:|---:|---:|\n", page->out);
	json_array_foreach(json_object_get(page->report, "wans"), i, wan)
	{
		fputs("| ", page->out);
		put_name(page, wan, "name");
		fputs(" | ", page->out);
		put_words(page, label_role(role, stored_text(wan, "role")));
		fputs(" |", page->out);
		put_cell_bytes(page, stored_number(wan, "ip_bytes"));
		put_cell_bytes(page, stored_number(wan, "billed_ip_bytes"));
		put_shares(page, wan);
		fputc('\n', page->out);
	}
	fputs("\n<sub>", page->out);
	put_words(page, SAY_IN(text, text_wans, render_extent(page, extent)));
	fputs("</sub>\n", page->out);
}

static void put_uses(const struct page *page)
{
	const json_t *wan, *cause;
	size_t i, k;

	json_array_foreach(json_object_get(page->report, "wans"), i, wan)
	{
		char name[STORED_NAME], some[TEXT_SHORT], percent[TEXT_SHORT], text[400];
		uint64_t billed = stored_number(wan, "billed_ip_bytes");

		if (strcmp(stored_text(wan, "role"), "backup") != 0)
			continue;
		fputs("\n### ", page->out);
		PUT(page, md_used, stored_name(name, wan, "name", 60), text_bytes(some, billed));
		fputs("\n\n", page->out);
		json_array_foreach(json_object_get(wan, "causes"), k, cause)
		{
			uint64_t bytes = stored_number(cause, "ip_bytes");

			fprintf(page->out, "- **%s** (%s) ", text_bytes(some, bytes),
			        text_percent(percent, bytes, billed));
			put_member(page, cause, "words");
			if (stored_message(text, sizeof(text), cause, "detail")[0]) {
				PUT(page, comma);
				put_words(page, text);
			}
			fputc('\n', page->out);
		}
	}
}

static void put_evidence(const struct page *page, const json_t *finding)
{
	const json_t *frame;
	size_t i;

	json_array_foreach(json_object_get(finding, "evidence"), i, frame)
	{
		fputs("  - ", page->out);
		put_member(page, frame, "note");
		fputs(": ", page->out);
		put_name(page, frame, "file");
		fprintf(page->out, " `frame.number == %llu`\n",
		        (unsigned long long)stored_number(frame, "frame"));
	}
}

static void put_fix(const struct page *page, const json_t *finding)
{
	const struct explain_row *row = explain_find(stored_text(finding, "rule"));

	if (!row)
		return;
	fputs("  - ", page->out);
	put_words(page, row->words[page->telling.language].fix);
	fputc('\n', page->out);
}

/* Findings of a status: those to act on with all there is to know, others in a line. */
static void put_findings(const struct page *page, enum status status, bool whole)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(page->report, "findings"), i, finding)
	{
		if (page_status(finding, "status") != status)
			continue;
		fputs("- ", page->out);
		put_status(page, finding, "status");
		fputs(" **", page->out);
		put_name(page, finding, "rule");
		fputc(' ', page->out);
		put_member(page, finding, "title");
		fputs("** ", page->out);
		put_member(page, finding, "text");
		fputc('\n', page->out);
		if (!whole)
			continue;
		put_fix(page, finding);
		put_evidence(page, finding);
	}
}

static bool has_status(const json_t *report, enum status status)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i,
	                   finding) if (page_status(finding, "status") == status) return true;
	return false;
}

bool render_markdown(const json_t *report, enum language language, FILE *out)
{
	struct zone zone;
	struct page page = {report, out, false, {language, &zone}};

	stored_zone(report, &zone);
	put_head(&page);
	put_wans(&page);
	put_uses(&page);
	if (has_status(report, STATUS_FAIL) || has_status(report, STATUS_WARN)) {
		fputs("\n### ", out);
		PUT(&page, md_findings);
		fputs("\n\n", out);
	}
	put_findings(&page, STATUS_FAIL, true);
	put_findings(&page, STATUS_WARN, true);
	fputs("\n<details><summary>", out);
	PUT(&page, md_rest);
	fputs("</summary>\n\n", out);
	put_findings(&page, STATUS_NOT_ASSESSED, false);
	put_findings(&page, STATUS_PASS, false);
	fputs("\n</details>\n", out);
	return true;
}
