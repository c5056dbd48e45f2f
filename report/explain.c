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
	const char *judged, *not_judged, *why, *fix, *verify, *limits, *source, *no_limits, *note;
} labels[LANGUAGE_COUNT] = {
	{"Judged; it can come to", "In this version: not assessed",
         "Why it matters", "How to repair it", "How to see that it is repaired",
         "Limits and their defaults", "Source", "none", "not in this version"},
	{"本版本：已评估；结果可能为", "本版本：未评估（not assessed）", "为什么重要", "如何修复",
         "如何验证", "限值与默认值", "来源", "无", "本版本未评估"},
};

const struct explain_row *explain_find(const char *id)
{
	for (size_t i = 0; i < explain_n_rows; i++)
		if (strcmp(explain_rows[i].id, id) == 0)
			return &explain_rows[i];
	return NULL;
}

bool explain_is_judged(const char *id)
{
	for (size_t i = 0; i < verdict_n_rules; i++)
		if (strcmp(verdict_rules[i].id, id) == 0)
			return true;
	return false;
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

	return strncmp(row->meaning, id, length) == 0 && row->meaning[length] == ' ';
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
		page_wrap(out, limit->meaning, 6, false);
	}
	if (!any)
		fprintf(out, "  %s\n", labels[language].no_limits);
}

void explain_page(const struct explain_row *row, enum language language, FILE *out)
{
	const struct explain_words *words = &row->words[language];

	fprintf(out, "%s  %s\n\n", row->id, words->title);
	if (explain_is_judged(row->id))
		fprintf(out, "%s: %s\n", labels[language].judged, row->severity);
	else
		fprintf(out, "%s\n", labels[language].not_judged);
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
	section(out, labels[language].source, row->source);
}

void explain_list(enum language language, FILE *out)
{
	for (size_t i = 0; i < explain_n_rows; i++) {
		const struct explain_row *row = &explain_rows[i];
		bool judged = explain_is_judged(row->id);

		fprintf(out, "  %-4s %s%s%s%s\n", row->id, row->words[language].title,
		        judged ? "" : " (", judged ? "" : labels[language].note, judged ? "" : ")");
	}
}
