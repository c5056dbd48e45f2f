/* SPDX-License-Identifier: MIT
 *
 * diff_text.c - what became better and what worse, on a terminal. See diff.h.
 */
#include <string.h>

#include "diff.h"
#include "filed.h"
#include "history_text.h"
#include "text.h"

#define NAME_SIZE 400

static const enum message headings[CHANGE_COUNT] = {
	MESSAGE_diff_new,       MESSAGE_diff_worsened, MESSAGE_diff_unseen,
	MESSAGE_diff_unchanged, MESSAGE_diff_improved, MESSAGE_diff_resolved,
};

static const char *name_of(const json_t *o, const char *key, char out[NAME_SIZE])
{
	const char *name = filed_text(o, key);

	return text_safe(out, NAME_SIZE, name ? name : "-", 40);
}

static void print_message(const json_t *o, const char *key, const struct telling *how, FILE *out)
{
	char message[4600], words[6000], safe[8000];

	stored_message(message, sizeof(message), o, key);
	message_words(words, sizeof(words), message, how);
	fprintf(out, "%s\n", text_safe(safe, sizeof(safe), words, 2000));
}

static void print_report(enum message title, const json_t *side, const struct telling *how,
                         FILE *out)
{
	const json_t *window = json_object_get(side, "window");
	char span[MESSAGE_TIME], when[200];
	int64_t from = 0, to = 0;

	filed_time(window, "start", &from);
	filed_time(window, "end", &to);
	text_column(out, message_template(title, how->language), 5, false);
	fprintf(out, " %s  %s\n      ",
	        message_words(when, sizeof(when), message_span(span, (uint64_t)from, (uint64_t)to),
	                      how),
	        status_word(filed_status(filed_text(side, "verdict")), how->language));
	print_message(side, "sentence", how, out);
}

static void print_finding(const json_t *row, const struct telling *how, FILE *out)
{
	const json_t *old = json_object_get(row, "old"), *new = json_object_get(row, "new");
	const json_t *shown = json_is_object(new) ? new : old;
	char rule[NAME_SIZE], wan[NAME_SIZE];

	fputs("  ", out);
	text_column(out, name_of(row, "rule", rule), 4, false);
	text_column(out, name_of(row, "wan", wan), 10, false);
	fprintf(out, " %s -> %s\n      ",
	        json_is_object(old)
	                ? status_word(filed_status(filed_text(old, "status")), how->language)
	                : "-",
	        json_is_object(new)
	                ? status_word(filed_status(filed_text(new, "status")), how->language)
	                : "-");
	print_message(shown, "text", how, out);
}

static void print_changes(const json_t *diff, enum change change, const struct telling *how,
                          FILE *out)
{
	const json_t *row;
	size_t i;

	if (diff_count(diff, change) == 0)
		return;
	fprintf(out, "\n%s\n", message_template(headings[change], how->language));
	json_array_foreach(json_object_get(diff, "findings"), i,
	                   row) if (filed_text(row, "change") &&
	                            strcmp(filed_text(row, "change"), change_names[change]) == 0)
		print_finding(row, how, out);
}

/* ---- numbers ---- */

static void print_amount(const json_t *amount, FILE *out)
{
	double per_day = json_number_value(json_object_get(amount, "per_day"));
	char text[TEXT_SHORT];

	text_column(out,
	            json_is_number(json_object_get(amount, "per_day")) && per_day < 1e18
	                    ? text_bytes(text, (uint64_t)per_day)
	                    : "-",
	            12, true);
}

static void print_factor(const json_t *old, const json_t *new, FILE *out)
{
	double a = json_number_value(json_object_get(old, "per_day")),
	       b = json_number_value(json_object_get(new, "per_day"));

	char factor[24];

	snprintf(factor, sizeof(factor), a > 0 && b / a >= 100 ? "%.0f" : "%.3g",
	         a > 0 ? b / a : 1);
	if (a > 0 && b / a < 1e6 && strcmp(factor, "1") != 0)
		fprintf(out, "  x %s", factor);
	fputc('\n', out);
}

static void print_share(const json_t *share, FILE *out)
{
	char text[TEXT_SHORT];

	text_column(out,
	            text_percent(text, stored_number(share, "numerator"),
	                         stored_number(share, "denominator")),
	            12, true);
}

static void print_backup(const json_t *backup, enum language language, FILE *out)
{
	static const struct {
		const char *name;
		enum message words;
	} rows[] = {
		{"billed", MESSAGE_column_billed},   {"user_data", MESSAGE_column_carrying},
		{"healthy", MESSAGE_diff_healthy},   {"in_outages", MESSAGE_diff_outages},
		{"standby", MESSAGE_column_standby},
	};
	const json_t *share = json_object_get(backup, "payload_share");
	char name[NAME_SIZE];

	fprintf(out, "\n%s ", name_of(backup, "wan", name));
	fprintf(out, "%s\n", WORDS(diff_per_day, language));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const json_t *row =
			json_object_get(json_object_get(backup, "numbers"), rows[i].name);

		fputs("  ", out);
		text_column(out, message_template(rows[i].words, language), 32, false);
		print_amount(json_object_get(row, "old"), out);
		print_amount(json_object_get(row, "new"), out);
		print_factor(json_object_get(row, "old"), json_object_get(row, "new"), out);
	}
	fputs("  ", out);
	text_column(out, WORDS(diff_share, language), 32, false);
	print_share(json_object_get(share, "old"), out);
	print_share(json_object_get(share, "new"), out);
	fputc('\n', out);
}

void diff_print(const json_t *diff, enum language language, FILE *out)
{
	const struct telling how = {.language = language};
	const json_t *backup;
	size_t i;

	print_report(MESSAGE_diff_old, json_object_get(diff, "old"), &how, out);
	print_report(MESSAGE_diff_now, json_object_get(diff, "new"), &how, out);
	for (enum change change = 0; change < CHANGE_COUNT; change++)
		print_changes(diff, change, &how, out);
	if (json_array_size(json_object_get(diff, "findings")) == 0)
		fprintf(out, "\n%s\n", WORDS(diff_nothing, language));
	json_array_foreach(json_object_get(diff, "backups"), i, backup)
		print_backup(backup, language, out);
}
