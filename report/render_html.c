/* SPDX-License-Identifier: MIT
 *
 * render_html.c - a report as one page: no script, no request, nothing but itself.
 *
 * The verdict and the answers to four questions first, then what the rules found, what happened
 * when, what used each WAN, and last what all this rests on. The policy in its head forbids the
 * browser whatever the page does not need.
 */
#include "formats.h"

#include <string.h>

#include "html_page.h"
#include "text.h"

static void head(struct telling_page *page)
{
	struct html *h = &page->h;
	char site[STORED_NAME];

	H(h, "<!doctype html>\n<html");
	h_attr(h, "lang", language_names[h->how.language]);
	H(h, "><head><meta charset=utf-8>"
	     "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
	     "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
	     "style-src 'unsafe-inline'; img-src data:\">"
	     "<meta name=color-scheme content=\"light dark\">"
	     "<meta name=referrer content=no-referrer><title>");
	H_SAY(h, page_title, stored_name(site, page->report, "site", 60));
	H(h, "</title><style>");
	h_markup(h, html_style);
	H(h, "</style></head>\n");
}

static void banner(struct telling_page *page)
{
	struct html *h = &page->h;
	uint64_t made = stored_time(page->report, "generated");
	char time[MESSAGE_TIME];

	H(h, "<body><a class=skip href=\"#findings\">");
	H_SAY(h, page_skip);
	H(h, "</a><header><b>mptcp-audit</b>");
	if (stored_has(page->report, "site")) {
		H(h, "<span class=site>");
		h_short(h, stored_text(page->report, "site"), 60);
		H(h, "</span>");
	}
	if (made) {
		H(h, "<span class=made>");
		H_SAY(h, page_made_at, message_time(time, made));
		H(h, "</span>");
	}
	H(h, "</header>\n<main>");
}

static void footer(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *tool = json_object_get(page->report, "tool");
	char name[STORED_NAME], version[STORED_NAME], schema[STORED_NAME];

	if (!h_room(h)) {
		H(h, "<p class=note>");
		H_SAY(h, page_cut);
	}
	H(h, "</main>\n<footer><p>");
	H_SAY(h, page_made_by, stored_name(name, tool, "name", 40),
	      stored_name(version, tool, "version", 40),
	      stored_name(schema, page->report, "schema", 60));
	H(h, "</footer></body></html>\n");
}

bool render_html(const json_t *report, enum language language, FILE *out)
{
	static void (*const sections[])(struct telling_page *) = {
		html_answers,     html_findings, html_over_time, html_trend,  html_carried,
		html_connections, html_coverage, html_expected,  html_method,
	};
	struct telling_page page = {.h = {.out = out, .how = {.language = language}},
	                            .report = report};
	struct zone zone;

	stored_zone(report, &zone);
	page.h.how.zone = &zone;
	head(&page);
	banner(&page);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		sections[i](&page);
	footer(&page);
	return true;
}
