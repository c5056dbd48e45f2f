/* SPDX-License-Identifier: MIT
 *
 * html_answers.c - the first screen: a sentence for who never heard of MPTCP, and the answers to
 * four questions.
 */
#include "html_page.h"

#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "stored_share.h"
#include "text.h"

#define SHOWN_BACKUPS 2
#define SHOWN_CAUSES  4
#define SHOWN_CHANGES 3
#define FIRST_MOST    2 /* paragraphs before the sentence: what was not seen, the bill */
#define NS            1e9

static json_t *wans_of(const struct telling_page *page)
{
	return json_object_get(page->report, "wans");
}

static size_t count_backups(const struct telling_page *page)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(wans_of(page)); i++)
		n += html_is_backup(json_array_get(wans_of(page), i));
	return n;
}

/* The n-th backup. */
static json_t *backup_at(const struct telling_page *page, size_t n)
{
	for (size_t i = 0; i < json_array_size(wans_of(page)); i++) {
		json_t *wan = json_array_get(wans_of(page), i);

		if (html_is_backup(wan) && n-- == 0)
			return wan;
	}
	return NULL;
}

/* User data beside a healthy primary: A1 or A3 failed, of this WAN, or (NULL) of any. */
static bool carries(const struct telling_page *page, const json_t *wan)
{
	const json_t *findings = json_object_get(page->report, "findings");

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);
		const char *rule = stored_text(finding, "rule");

		if (html_status_of(finding) == STATUS_FAIL &&
		    (strcmp(rule, "A1") == 0 || strcmp(rule, "A3") == 0) &&
		    (!wan || strcmp(stored_text(finding, "wan"), stored_text(wan, "name")) == 0))
			return true;
	}
	return false;
}

/* "wan2", "wan2 and wan3", "wan2 and 3 more": a message. Of all backups, or of those that carry
 * what they should not, if a finding names any. */
static void say_backups(const struct telling_page *page, bool carrying, char *out, size_t size)
{
	const json_t *first = NULL, *second = NULL;
	char one[STORED_NAME], two[STORED_NAME], more[TEXT_SHORT];
	size_t n = 0;

	for (size_t i = 0; i < count_backups(page); i++) {
		const json_t *wan = backup_at(page, i);

		if (carrying && !carries(page, wan))
			continue;
		second = n == 1 ? wan : second;
		first = n == 0 ? wan : first;
		n++;
	}
	if (carrying && n == 0) {
		say_backups(page, false, out, size);
		return;
	}
	stored_name(one, first, "name", 32);
	if (n <= 1)
		snprintf(out, size, "%s", one);
	else if (n == 2)
		SAY(out, size, page_two_names, one, stored_name(two, second, "name", 32));
	else
		SAY(out, size, page_more_names, one, text_count(more, n - 1));
}

/* Was a part not seen? The sentence says which. */
static bool is_partial(const struct telling_page *page)
{
	return stored_has(page->report, "unseen");
}

/* ---- the headline ---- */

static const json_t *first_of(const struct telling_page *page, enum status status, size_t *count)
{
	const json_t *findings = json_object_get(page->report, "findings"), *first = NULL;

	*count = 0;
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);

		if (html_status_of(finding) != status)
			continue;
		first = first ? first : finding;
		++*count;
	}
	return first;
}

static bool helped_out(const struct telling_page *page)
{
	for (size_t i = 0; i < count_backups(page); i++)
		if (stored_number(stored_in(json_object_get(backup_at(page, i), "shared"), "phases",
		                            "outage"),
		                  "ip_bytes"))
			return true;
	return false;
}

/* What a finding comes to in plain words, where there is more to say than its title. */
static bool say_plainly(const json_t *finding, char *out, size_t size)
{
	static const struct {
		const char *rule;
		enum message words;
	} rows[] = {
		{"A2", MESSAGE_page_head_budget},     {"A9", MESSAGE_page_head_not_ready},
		{"A10", MESSAGE_page_head_slow},      {"A11", MESSAGE_page_head_slow},
		{"A12", MESSAGE_page_head_late},      {"A14", MESSAGE_page_head_not_ready},
		{"A23", MESSAGE_page_head_stripped},  {"A26", MESSAGE_page_head_plan},
		{"A29", MESSAGE_page_head_not_ready},
	};
	char name[STORED_NAME];

	stored_name(name, finding, "wan", 32);
	for (size_t i = 0; name[0] && i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].rule, stored_text(finding, "rule")) == 0) {
			message_say(out, size, rows[i].words, (const char *const[]){name, NULL});
			return true;
		}
	return false;
}

/* The bill was what one asked about: among warnings it speaks first. False: none was given, or it
 * is explained. */
static bool warns_of_bill(const struct telling_page *page)
{
	const json_t *findings = json_object_get(page->report, "findings");

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);

		if (strcmp(stored_text(finding, "rule"), "E2") == 0 &&
		    html_status_of(finding) == STATUS_WARN)
			return true;
	}
	return false;
}

static void say_trouble(const struct telling_page *page, enum status status, const char *names,
                        char *out, size_t size)
{
	size_t count;
	const json_t *first = first_of(page, status, &count);
	char title[400], many[TEXT_SHORT];

	stored_message(title, sizeof(title), first, "title");
	if (!first)
		SAY(out, size, page_head_if, names);
	else if (status == STATUS_WARN && warns_of_bill(page))
		html_say_bill(page->report, out, size);
	else if ((count == 1 || status == STATUS_FAIL) && say_plainly(first, out, size))
		return;
	else if (status == STATUS_FAIL)
		SAY(out, size, page_head_fail, title);
	else if (count == 1)
		SAY(out, size, page_head_warn, title);
	else
		SAY(out, size, page_head_warns, text_count(many, count));
}

static void say_headline(const struct telling_page *page, enum status verdict, char *out,
                         size_t size)
{
	char names[900];

	say_backups(page, false, names, sizeof(names));
	if (verdict == STATUS_FAIL && carries(page, NULL) && count_backups(page)) {
		say_backups(page, true, names, sizeof(names));
		SAY(out, size, page_head_carries, names);
		return;
	}
	if (verdict == STATUS_FAIL || verdict == STATUS_ERROR)
		say_trouble(page, STATUS_FAIL, names, out, size);
	else if (count_backups(page) == 0)
		SAY(out, size, page_head_no_backup);
	else if (verdict == STATUS_WARN)
		say_trouble(page, STATUS_WARN, names, out, size);
	else if (verdict != STATUS_PASS && is_partial(page))
		SAY(out, size, page_head_partial, names);
	else if (verdict != STATUS_PASS)
		SAY(out, size, page_head_not_assessed, names);
	else if (helped_out(page))
		SAY(out, size, page_head_outage, names);
	else
		SAY(out, size, page_head_pass, names);
}

static void open_verdict(struct html *h, enum status verdict)
{
	static const char *const opens[STATUS_COUNT] = {
		[STATUS_PASS] = "<section class=\"verdict pass\">",
		[STATUS_WARN] = "<section class=\"verdict warn\">",
		[STATUS_FAIL] = "<section class=\"verdict fail\">",
		[STATUS_ERROR] = "<section class=\"verdict fail\">",
	};

	if (verdict < STATUS_COUNT && opens[verdict])
		h_markup(h, opens[verdict]);
	else
		H(h, "<section class=verdict>");
}

/* Is a part of the sentence one that stands before what is judged? */
static bool comes_first(const json_t *part)
{
	const char *say = stored_text(part, "say");

	return strcmp(say, "not_all_seen") == 0 || strcmp(say, "bill_first") == 0;
}

/* The sentence; what was not seen and the bill are paragraphs of their own, in a stronger colour.
 */
static void lead(struct telling_page *page)
{
	const json_t *all = json_object_get(json_object_get(page->report, "messages"), "sentence");
	struct html *h = &page->h;
	json_t *rest = json_array();
	char text[6000];
	size_t i = 0;

	while (i < FIRST_MOST && comes_first(json_array_get(all, i)) &&
	       message_from_json(text, sizeof(text), json_array_get(all, i))) {
		H(h, "<p class=\"lead first\">");
		h_message(h, text);
		i++;
	}
	for (size_t k = i; i > 0 && k < json_array_size(all); k++)
		json_array_append(rest, json_array_get(all, k));
	H(h, "<p class=lead>");
	if (i == 0 || !message_from_json(text, sizeof(text), rest))
		stored_message(text, sizeof(text), page->report, "sentence");
	h_message(h, text);
	json_decref(rest);
}

static void verdict_section(struct telling_page *page)
{
	struct html *h = &page->h;
	size_t choice = stored_choice(page->report, "verdict", status_names, STATUS_COUNT);
	enum status verdict = (enum status)choice;
	char text[6000];

	open_verdict(h, verdict);
	H(h, "<p class=status>");
	html_status(h, verdict);
	H(h, "<h1>");
	say_headline(page, verdict, text, sizeof(text));
	h_message(h, text);
	H(h, "</h1>");
	lead(page);
	stored_message(text, sizeof(text), page->report, "assumption");
	if (text[0]) {
		H(h, "<p class=note>");
		h_message(h, text);
	}
	H(h, "</section>");
}

/* ---- does it behave? ---- */

void html_fact(struct html *h, enum message words, uint64_t bytes, bool good)
{
	H(h, "<div><dt>");
	h_message(h, message_say((char[80]){0}, 80, words, (const char *const[]){NULL}));
	if (good)
		H(h, "<dd class=good>");
	else
		H(h, "<dd>");
	h_bytes(h, bytes);
	H(h, "</div>");
}

static void behaviour(struct telling_page *page, const json_t *wan)
{
	static const enum message words[PHASE_COUNT] = {
		MESSAGE_page_while_healthy, MESSAGE_page_while_degraded, MESSAGE_page_while_after,
		MESSAGE_page_while_outage, MESSAGE_page_while_unknown};
	const json_t *shared = json_object_get(wan, "shared");
	struct stored_share share = stored_share_of(page->report, wan);
	uint64_t carrying = stored_number(shared, "carrying_ip_bytes"), told = 0;
	/* data beside outages are acknowledged, too */
	bool acks = carrying > stored_number(stored_in(shared, "phases", phase_names[PHASE_OUTAGE]),
	                                     "ip_bytes");
	struct html *h = &page->h;
	char name[STORED_NAME];

	H(h, "<p class=sub>");
	H_SAY(h, page_user_data_on, stored_name(name, wan, "name", 32));
	H(h, "<dl>");
	for (size_t i = 0; i < PHASE_COUNT; i++) {
		uint64_t bytes =
			stored_number(stored_in(shared, "phases", phase_names[i]), "ip_bytes");

		told += bytes;
		if (bytes || i == PHASE_HEALTHY)
			html_fact(h, words[i], bytes, i == PHASE_OUTAGE || bytes == 0);
	}
	if (carrying > told)
		html_fact(h, MESSAGE_page_while_past, carrying - told, false);
	if (share.outage_acks)
		html_fact(h, MESSAGE_page_while_acks, share.outage_acks, true);
	html_fact(h, acks ? MESSAGE_page_kept_and_acks : MESSAGE_page_kept_ready, share.standby,
	          true);
	H(h, "</dl>");
}

static void open_card(struct html *h, enum message question)
{
	H(h, "<div class=card><h2>");
	h_say(h, question, (const char *const[]){NULL});
	H(h, "</h2>");
}

/* In a word. Something else than the backup may have failed: then it behaves, so far. */
static enum message short_answer(const struct telling_page *page)
{
	enum status verdict =
		(enum status)stored_choice(page->report, "verdict", status_names, STATUS_COUNT);

	if (carries(page, NULL))
		return MESSAGE_page_no;
	return verdict == STATUS_PASS   ? MESSAGE_page_yes
	       : verdict == STATUS_WARN ? MESSAGE_page_yes_but
	       : verdict == STATUS_FAIL ? MESSAGE_page_not_quite
	                                : MESSAGE_page_not_known_yet;
}

static void behaves_card(struct telling_page *page)
{
	struct html *h = &page->h;
	size_t n = count_backups(page);
	char more[TEXT_SHORT];

	open_card(h, MESSAGE_page_ask_behaves);
	if (n) {
		H(h, "<p class=\"big answer\">");
		h_say(h, short_answer(page), (const char *const[]){NULL});
	}
	if (n && is_partial(page)) {
		H(h, "<p class=partial>");
		H_SAY(h, page_of_what_was_seen);
	}
	for (size_t i = 0; i < n && i < SHOWN_BACKUPS; i++)
		behaviour(page, backup_at(page, i));
	if (n > SHOWN_BACKUPS) {
		H(h, "<p>");
		H_SAY(h, page_more_backups, text_count(more, n - SHOWN_BACKUPS));
	}
	if (n == 0) {
		H(h, "<p>");
		H_SAY(h, page_no_backup);
	}
	H(h, "</div>");
}

/* ---- what used it? ---- */

/* The backup that used most; without one, the WAN that did. */
static json_t *thirstiest(const struct telling_page *page)
{
	bool any = count_backups(page) == 0;
	json_t *most = NULL;

	for (size_t i = 0; i < json_array_size(wans_of(page)); i++) {
		json_t *wan = json_array_get(wans_of(page), i);

		if ((any || html_is_backup(wan)) &&
		    (!most || stored_number(wan, "billed_ip_bytes") >
		                      stored_number(most, "billed_ip_bytes")))
			most = wan;
	}
	return most;
}

static void meter_row(struct html *h, const char *words, uint64_t bytes, uint64_t of)
{
	H(h, "<li><span class=what>");
	h_message(h, words);
	H(h, "</span><span class=num>");
	h_bytes(h, bytes);
	H(h, "</span><span class=meter><i style=\"width:");
	h_tenths(h, of ? (uint64_t)((double)bytes / (double)of * 1000) : 0);
	H(h, "%\"></i></span>");
}

static uint64_t seen_ns(const json_t *wan)
{
	uint64_t first = stored_time(wan, "first"), last = stored_time(wan, "last");

	return last > first ? last - first : 0;
}

static void used_card(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wan = thirstiest(page), *causes = json_object_get(wan, "causes");
	uint64_t all = stored_number(wan, "billed_ip_bytes"), told = 0;
	const json_t *window = json_object_get(page->report, "window");
	bool asked = stored_has(window, "asked_from") || stored_has(window, "asked_to");
	char name[STORED_NAME], some[TEXT_SHORT], time[TEXT_SHORT], words[600], extent[40];

	open_card(h, MESSAGE_page_ask_used);
	if (wan) {
		H(h, "<p class=sub>");
		H_SAY(h, page_used_in, stored_name(name, wan, "name", 32), text_bytes(some, all),
		      h_duration_text(time, seen_ns(wan)),
		      asked ? SAY_IN(extent, window) : SAY_IN(extent, whole_capture));
	}
	H(h, "<ul class=uses>");
	for (size_t i = 0; i < json_array_size(causes) && i < SHOWN_CAUSES; i++) {
		const json_t *cause = json_array_get(causes, i);

		told += stored_number(cause, "ip_bytes");
		meter_row(h, stored_message(words, sizeof(words), cause, "words"),
		          stored_number(cause, "ip_bytes"), all);
	}
	if (all > told)
		meter_row(h, SAY_IN(words, page_others), all - told, all);
	H(h, "</ul></div>");
}

/* ---- what will it cost? ---- */

static uint64_t quota_of(const struct telling_page *page, const json_t *wan)
{
	uint64_t quota = stored_number(json_object_get(wan, "plan"), "quota_bytes");

	return quota ? quota
	             : stored_number(stored_in(page->report, "expected", "plan"), "quota_bytes");
}

static void projected(struct telling_page *page, const json_t *wan, const json_t *projection)
{
	struct html *h = &page->h;
	uint64_t month = stored_number(projection, "bytes_per_month"), quota = quota_of(page, wan);
	char time[TEXT_SHORT], day[TEXT_SHORT], ready[TEXT_SHORT], share[TEXT_SHORT],
		plan[TEXT_SHORT];

	H(h, "<p class=big>");
	h_bytes(h, month);
	H(h, " <small>");
	H_SAY(h, page_a_month);
	H(h, "</small>");
	if (quota) {
		H(h, "<p>");
		H_SAY(h, page_of_plan, text_percent(share, month, quota), text_bytes(plan, quota));
	}
	H(h, "<p>");
	H_SAY(h, page_at_rate,
	      h_duration_text(time, stored_number(projection, "seconds") * 1000000000u),
	      text_bytes(day, stored_number(projection, "bytes_per_day")),
	      text_bytes(ready, stored_number(projection, "standby_bytes_per_month")));
}

static void cost_card(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *wan = thirstiest(page), *projection = json_object_get(wan, "projection");
	double seconds = stored_real(json_object_get(page->report, "window"), "seconds");
	char name[STORED_NAME], time[TEXT_SHORT];

	open_card(h, MESSAGE_page_ask_cost);
	html_bill(h, page->report);
	if (wan && count_backups(page) != 1) {
		H(h, "<p class=sub>");
		h_text(h, stored_name(name, wan, "name", 32));
	}
	if (json_is_object(projection)) {
		projected(page, wan, projection);
	} else {
		H(h, "<p class=big>");
		H_SAY(h, page_not_known_yet);
		H(h, "<p>");
		H_SAY(h, page_so_far, text_bytes(time, stored_number(wan, "billed_ip_bytes")));
		H(h, "<p>");
		if (seconds > 0)
			H_SAY(h, page_too_short,
			      h_duration_text(time, seconds < 1e9 ? (uint64_t)(seconds * NS) : 0));
		else
			H_SAY(h, page_not_together);
	}
	H(h, "</div>");
}

/* ---- what to change? ---- */

/* The first sentence of how to repair it; the repair in a line where there is one in this language.
 */
static void first_sentence(struct html *h, const char *text)
{
	const char *stop = strstr(text, ". "), *wide = strstr(text, "。");
	size_t length = strlen(text);
	char copy[600];

	if (stop && (size_t)(stop - text) + 1 < length)
		length = (size_t)(stop - text) + 1;
	if (wide && (size_t)(wide - text) + strlen("。") < length)
		length = (size_t)(wide - text) + strlen("。");
	snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
	h_text(h, copy);
}

static void change(struct html *h, const json_t *finding, size_t index)
{
	const struct explain_row *row = explain_find(stored_text(finding, "rule"));
	char words[400], name[STORED_NAME];

	H(h, "<li><a href=\"#f");
	h_digits(h, index);
	H(h, "\">");
	h_message(h, stored_message(words, sizeof(words), finding, "title"));
	H(h, "</a>");
	if (stored_has(finding, "wan")) {
		H(h, " <span class=wan>");
		h_text(h, stored_name(name, finding, "wan", 24));
		H(h, "</span>");
	}
	H(h, "<br>");
	if (row)
		first_sentence(h, row->words[h->how.language].fix);
	else
		H_SAY(h, page_no_setting);
}

/* Findings about the same check ask for the same change. */
static bool asked_before(const json_t *findings, size_t index)
{
	const json_t *finding = json_array_get(findings, index);

	for (size_t i = 0; i < index; i++) {
		const json_t *other = json_array_get(findings, i);

		if (html_status_of(other) == html_status_of(finding) &&
		    strcmp(stored_text(other, "rule"), stored_text(finding, "rule")) == 0)
			return true;
	}
	return false;
}

static size_t changes(struct html *h, const json_t *findings, enum status status, size_t told)
{
	for (size_t i = 0; i < json_array_size(findings) && i < 1000; i++) {
		if (html_status_of(json_array_get(findings, i)) != status ||
		    asked_before(findings, i))
			continue;
		if (told++ < SHOWN_CHANGES)
			change(h, json_array_get(findings, i), i);
	}
	return told;
}

static void change_card(struct telling_page *page)
{
	struct html *h = &page->h;
	const json_t *findings = json_object_get(page->report, "findings");
	size_t told, unknown, broken;
	char many[TEXT_SHORT];

	first_of(page, STATUS_NOT_ASSESSED, &unknown);
	first_of(page, STATUS_FAIL, &broken);
	first_of(page, STATUS_WARN, &told);
	open_card(h, MESSAGE_page_ask_change);
	if (broken + told == 0) {
		H(h, "<p>");
		if (count_backups(page) == 0)
			H_SAY(h, page_no_backup);
		else if (unknown)
			H_SAY(h, page_change_unknown, text_count(many, unknown));
		else
			H_SAY(h, page_change_nothing);
		H(h, "</div>");
		return;
	}
	H(h, "<ol class=changes>");
	told = changes(h, findings, STATUS_FAIL, 0);
	told = changes(h, findings, STATUS_WARN, told);
	H(h, "</ol>");
	if (told > SHOWN_CHANGES) {
		H(h, "<p><a href=\"#findings\">");
		H_SAY(h, page_also, text_count(many, told - SHOWN_CHANGES));
		H(h, "</a>");
	}
	H(h, "</div>");
}

void html_answers(struct telling_page *page)
{
	struct html *h = &page->h;
	char label[200], words[200];

	verdict_section(page);
	H(h, "<section class=cards");
	h_attr(h, "aria-label",
	       message_words(words, sizeof(words), SAY_IN(label, page_answers), &h->how));
	H(h, ">");
	behaves_card(page);
	used_card(page);
	cost_card(page);
	change_card(page);
	H(h, "</section>");
}
