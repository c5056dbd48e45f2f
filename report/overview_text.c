/* SPDX-License-Identifier: MIT
 *
 * overview_text.c - the overview on a terminal and as a page. See overview.h.
 */
#include <string.h>

#include "filed.h"
#include "history_text.h"
#include "html_page.h"
#include "overview.h"
#include "page.h"
#include "stored.h"
#include "text.h"

#define NAME_SIZE 400

static enum status verdict_of(const json_t *row)
{
	return filed_status(filed_text(row, "verdict"));
}

/* How many of each verdict, and of what could not be read: "2 FAIL, 1 warn, ..." */
static void say_counts(const json_t *overview, enum language language, char *out, size_t size)
{
	static const enum status order[] = {STATUS_FAIL, STATUS_WARN, STATUS_NOT_ASSESSED,
	                                    STATUS_PASS};
	size_t counts[STATUS_COUNT] = {0}, i, used = 0;
	const json_t *row;

	json_array_foreach(json_object_get(overview, "reports"), i, row) counts[verdict_of(row)]++;
	out[0] = '\0';
	for (i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (counts[order[i]] && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%zu %s",
			                         used ? WORDS(comma, language) : "",
			                         counts[order[i]], status_word(order[i], language));
}

static const char *head_message(const json_t *overview, enum language language, char *out,
                                size_t size)
{
	char counts[300], n[TEXT_SHORT];

	say_counts(overview, language, counts, sizeof(counts));
	snprintf(n, sizeof(n), "%zu", json_array_size(json_object_get(overview, "reports")));
	return SAY(out, size, index_head, n, counts);
}

static const char *span_of(const json_t *row, char out[MESSAGE_TIME])
{
	const json_t *window = json_object_get(row, "window");
	int64_t from, to;

	out[0] = '\0';
	if (filed_time(window, "start", &from) && filed_time(window, "end", &to))
		message_span(out, (uint64_t)from, (uint64_t)to);
	return out;
}

static const char *name_of(const json_t *row, const char *key, unsigned columns,
                           char out[NAME_SIZE])
{
	const char *name = filed_text(row, key);

	return text_safe(out, NAME_SIZE, name ? name : "-", columns);
}

/* The site, or the file of a report that names none. */
static const char *title_of(const json_t *row, unsigned columns, char out[NAME_SIZE])
{
	return name_of(row, filed_text(row, "site") ? "site" : "file", columns, out);
}

/*
 * The first of the report's sentences, which is the reason of its verdict, as a message: share and
 * window have columns of their own, the others stand in the report. All of them when the report
 * does not tell them apart.
 */
static void reason_of(const json_t *row, char *out, size_t size)
{
	const json_t *all = json_object_get(json_object_get(row, "messages"), "sentence"), *part;
	json_t *first = json_array();
	size_t i;

	json_array_foreach(all, i, part)
	{
		const char *text = json_string_value(part), *say = filed_text(part, "say");

		if ((text && strcmp(text, " ") == 0) || (say && strcmp(say, "judged_since") == 0))
			break;
		json_array_append_new(first, json_deep_copy(part));
	}
	if (json_array_size(first) == 0 || !message_from_json(out, size, first))
		stored_message(out, size, row, "sentence");
	json_decref(first);
}

/* ---- on a terminal ---- */

/* Each site's times are by its own clocks, as in its report. */
static void print_row(const json_t *row, enum language language, FILE *out)
{
	struct zone zone;
	const struct telling own = {language, &zone}, *how = &own;
	const json_t *share = json_object_get(row, "payload_share");
	char text[TEXT_SHORT], name[NAME_SIZE], span[MESSAGE_TIME], when[200], message[4600],
		words[6000], safe[8000];

	stored_zone(row, &zone);
	text_column(out, status_word(verdict_of(row), language), 13, false);
	text_column(out, title_of(row, 24, name), 25, false);
	text_column(out,
	            text_percent(text, stored_number(share, "numerator"),
	                         stored_number(share, "denominator")),
	            9, true);
	text_column(out, text_bytes(text, stored_number(row, "billed_bytes")), 10, true);
	fprintf(out, "\n   %s\n", message_words(when, sizeof(when), span_of(row, span), how));
	reason_of(row, message, sizeof(message));
	message_words(words, sizeof(words), message, how);
	page_wrap(out, text_brief(safe, sizeof(safe), words, 400), 3, false);
}

static void print_broken(const json_t *overview, const struct telling *how, FILE *out)
{
	const json_t *broken = json_object_get(overview, "broken"), *row;
	char name[NAME_SIZE], message[600], words[900], safe[1200];
	size_t i;

	if (json_array_size(broken))
		fprintf(out, "\n%s\n", WORDS(index_broken, how->language));
	json_array_foreach(broken, i, row)
	{
		stored_message(message, sizeof(message), row, "why");
		message_words(words, sizeof(words), message, how);
		fprintf(out, "  %s: %s\n", name_of(row, "file", 60, name),
		        text_safe(safe, sizeof(safe), words, 200));
	}
}

bool overview_text(const json_t *overview, enum language language, FILE *out)
{
	const struct telling how = {.language = language};
	char message[600], words[900], n[TEXT_SHORT];
	const json_t *row;
	size_t i;

	fprintf(out, "%s\n\n",
	        message_words(words, sizeof(words),
	                      head_message(overview, language, message, sizeof(message)), &how));
	json_array_foreach(json_object_get(overview, "reports"), i, row)
	{
		print_row(row, language, out);
	}

	print_broken(overview, &how, out);
	if (stored_number(overview, "older"))
		fprintf(out, "\n%s\n",
		        message_words(words, sizeof(words),
		                      SAY_IN(message, index_older,
		                             text_count(n, stored_number(overview, "older"))),
		                      &how));
	return true;
}

/* ---- as a page ---- */

/* A file beside the page as a reference: never with a scheme, a query or a folder of its own. */
static void h_reference(struct html *h, const char *file)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
	char out[1200] = "./";
	size_t used = 2;

	for (; *file && used + 4 < sizeof(out); file++) {
		if (strchr(plain, *file))
			out[used++] = *file;
		else
			used += (size_t)snprintf(out + used, 4, "%%%02X", (unsigned char)*file);
	}
	out[used] = '\0';
	h_attr(h, "href", out);
}

static void row_html(struct html *h, const json_t *row)
{
	const json_t *share = json_object_get(row, "payload_share");
	const char *page = filed_text(row, "page");
	char name[NAME_SIZE], message[4600], span[MESSAGE_TIME];
	struct zone zone;

	stored_zone(row, &zone);
	h->how.zone = &zone;
	H(h, "<tr><td>");
	html_status(h, verdict_of(row));
	H(h, "<th scope=row>");
	if (page) {
		H(h, "<a");
		h_reference(h, page);
		H(h, ">");
	}
	h_text(h, title_of(row, 60, name));
	if (page)
		H(h, "</a>");
	H(h, "<td class=says>");
	reason_of(row, message, sizeof(message));
	h_message(h, message);
	H(h, "<td class=n>");
	if (json_is_object(share))
		h_share(h, stored_number(share, "numerator"), stored_number(share, "denominator"));
	else
		h_text(h, "-");
	html_cell_bytes(h, stored_number(row, "billed_bytes"));
	H(h, "<td class=when>");
	h_message(h, span_of(row, span));
	H(h, "\n");
	h->how.zone = NULL;
}

static void table_html(struct html *h, const json_t *overview)
{
	const json_t *reports = json_object_get(overview, "reports"), *row;
	char caption[60];
	size_t i;

	html_table(h, SAY_IN(caption, index_caption));
	html_head(h, MESSAGE_index_verdict);
	html_head(h, MESSAGE_index_site);
	html_head(h, MESSAGE_index_sentence);
	html_head_num(h, MESSAGE_index_share);
	html_head_num(h, MESSAGE_index_billed);
	html_head(h, MESSAGE_index_window);
	H(h, "<tbody>");
	json_array_foreach(reports, i, row)
	{
		if (!h_room(h))
			break;
		row_html(h, row);
	}
	html_table_end(h);
	html_more(h, json_array_size(reports) - i);
}

static void broken_html(struct html *h, const json_t *overview)
{
	const json_t *broken = json_object_get(overview, "broken"), *row;
	char name[NAME_SIZE], message[600];
	size_t i;

	if (json_array_size(broken) == 0)
		return;
	H(h, "<section><h2>");
	H_SAY(h, index_broken);
	H(h, "</h2><ul>");
	json_array_foreach(broken, i, row)
	{
		if (!h_room(h))
			break;
		H(h, "<li><code>");
		h_text(h, name_of(row, "file", 60, name));
		H(h, "</code> ");
		stored_message(message, sizeof(message), row, "why");
		h_message(h, message);
		H(h, "\n");
	}
	H(h, "</ul>");
	html_more(h, json_array_size(broken) - i);
	H(h, "</section>\n");
}

static void head_html(struct html *h)
{
	H(h, "<!doctype html>\n<html");
	h_attr(h, "lang", language_names[h->how.language]);
	H(h, "><head><meta charset=utf-8>"
	     "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
	     "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
	     "style-src 'unsafe-inline'\">"
	     "<meta name=color-scheme content=\"light dark\">"
	     "<meta name=referrer content=no-referrer><title>");
	H_SAY(h, index_title);
	H(h, "</title><style>");
	h_markup(h, html_style);
	H(h, "</style></head>\n<body><header><b>mptcp-audit</b></header>\n<main><h1>");
	H_SAY(h, index_title);
	H(h, "</h1><p class=lead>");
}

bool overview_html(const json_t *overview, enum language language, FILE *out)
{
	struct html h = {.out = out, .how = {.language = language}};
	char message[600], n[TEXT_SHORT];

	head_html(&h);
	h_message(&h, head_message(overview, language, message, sizeof(message)));
	H(&h, "</p>\n");
	table_html(&h, overview);
	broken_html(&h, overview);
	if (stored_number(overview, "older")) {
		H(&h, "<p class=more>");
		H_SAY(&h, index_older, text_count(n, stored_number(overview, "older")));
		H(&h, "</p>");
	}
	H(&h, "</main></body></html>\n");
	return true;
}
