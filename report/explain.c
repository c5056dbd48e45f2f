/* SPDX-License-Identifier: MIT
 *
 * explain.c - see explain.h.
 */
#include "explain.h"

#include <string.h>

#include "page.h"
#include "policy.h"
#include "verdict.h"

static const struct {
	const char *judged, *further, *why, *fix, *verify, *limits, *source, *no_limits;
} labels[LANGUAGE_COUNT] = {
	{"Judged; it can come to: ", "Also under this id: ", "Why it matters", "How to repair it",
         "How to see that it is repaired", "Limits and their defaults", "Source", "none"},
	{"已评判；结果可能为：", "同一编号下还有：", "为什么重要", "如何修复", "如何确认已修复",
         "限值与默认值", "来源", "无"},
};

const struct explain_row *explain_find(const char *id)
{
	for (size_t i = 0; i < explain_n_rows; i++)
		if (strcmp(explain_rows[i].id, id) == 0)
			return &explain_rows[i];
	return NULL;
}

/* The first rule of a check is what it is called by; it may have more, beside it. */
static const struct rule *rule_of(const char *id, const struct rule *after)
{
	const struct rule *rule = after ? after + 1 : verdict_rules;

	for (; rule < verdict_rules + verdict_n_rules; rule++)
		if (strcmp(rule->id, id) == 0)
			return rule;
	return NULL;
}

const char *explain_title(const struct explain_row *row, enum language language)
{
	const struct rule *rule = rule_of(row->id, NULL);

	return rule ? message_template(rule->title, language) : row->id;
}

/* ---- lines ---- */

static void section(FILE *out, const char *label, const char *text)
{
	fprintf(out, "\n%s\n", label);
	page_wrap(out, text, 2, false);
}

/* Lines to be copied are never broken. */
static void lines(FILE *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		fprintf(out, "    %.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

/* ---- a page ---- */

/* A limit is told by its meaning: "A13 fails above it: ...". */
static bool is_limit_of(const struct limit_row *row, const char *id)
{
	size_t length = strlen(id);

	return strncmp(row->meaning[LANGUAGE_EN], id, length) == 0 &&
	       row->meaning[LANGUAGE_EN][length] == ' ';
}

static void print_limits(FILE *out, const struct explain_row *row, enum language language)
{
	bool any = false;

	fprintf(out, "\n%s\n", labels[language].limits);
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *limit = &limit_rows[i];

		if (!is_limit_of(limit, row->id))
			continue;
		any = true;
		if (limit->unit == UNIT_WORD)
			fprintf(out, "  %s=%.*s\n", limit->key, (int)strcspn(limit->words, "|"),
			        limit->words);
		else if (limit->unit == UNIT_RATIO)
			fprintf(out, "  %s=%g%%\n", limit->key, limit->fallback * 100);
		else
			fprintf(out, "  %s=%.10g\n", limit->key, limit->fallback);
		page_wrap(out, limit->meaning[language], 6, false);
	}
	if (!any)
		fprintf(out, "  %s\n", labels[language].no_limits);
}

/* "fail, warn, pass" in words. */
static void print_severity(FILE *out, const struct explain_row *row, enum language language)
{
	static const struct {
		const char *name;
		enum message words;
	} statuses[] = {
		{"fail", MESSAGE_text_fail},
		{"warn", MESSAGE_text_warn},
		{"pass", MESSAGE_text_pass},
		{"not assessed", MESSAGE_text_not_assessed},
		{"not applicable", MESSAGE_text_not_applicable},
	};

	if (language == LANGUAGE_EN) {
		fprintf(out, "%s\n", row->severity);
		return;
	}
	for (const char *at = row->severity; *at; at += strspn(at, ", ")) {
		size_t length = strcspn(at, ",");

		for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
			if (strlen(statuses[i].name) == length &&
			    strncmp(at, statuses[i].name, length) == 0)
				fputs(message_template(statuses[i].words, language), out);
		at += length;
		if (*at)
			fputs(WORDS(comma, language), out);
	}
	fputc('\n', out);
}

static void print_head(FILE *out, const struct explain_row *row, enum language language)
{
	const struct rule *rule = rule_of(row->id, NULL);

	fprintf(out, "%s  %s\n\n", row->id, explain_title(row, language));
	fputs(labels[language].judged, out);
	print_severity(out, row, language);
	while (rule && (rule = rule_of(row->id, rule)))
		fprintf(out, "%s%s\n", labels[language].further,
		        message_template(rule->title, language));
}

void explain_page(const struct explain_row *row, enum language language, FILE *out)
{
	const struct explain_words *words = &row->words[language];

	print_head(out, row, language);
	section(out, labels[language].why, words->why);
	section(out, labels[language].fix, words->fix);
	if (row->uci) {
		fputc('\n', out);
		lines(out, row->uci);
	}
	if (row->role) {
		fputc('\n', out);
		page_wrap(out, explain_roles[language], 2, false);
	}
	section(out, labels[language].verify, words->verify);
	print_limits(out, row, language);
	section(out, labels[language].source, words->source);
}

void explain_list(enum language language, FILE *out)
{
	for (size_t i = 0; i < explain_n_rows; i++)
		fprintf(out, "  %-4s %s\n", explain_rows[i].id,
		        explain_title(&explain_rows[i], language));
}
