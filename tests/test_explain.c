/* SPDX-License-Identifier: MIT
 *
 * test_explain.c - every check has a page in every language; what it says of itself agrees with the
 * table of rules.
 */
#include "../report/explain.h"
#include "../report/policy.h"
#include "../report/text.h"
#include "../report/verdict.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void suite_explain(void);

static char *page_of(const struct explain_row *row, enum language language)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (row)
		explain_page(row, language, out);
	else
		explain_list(language, out);
	fclose(out);
	return text;
}

static void test_a1_to_a30(void)
{
	CU_ASSERT_EQUAL(explain_n_rows, 32); /* and E1, E2: expectation and bill */
	for (size_t i = 0; i < explain_n_rows; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%c%zu", i < 30 ? 'A' : 'E', i < 30 ? i + 1 : i - 29);
		CU_ASSERT_STRING_EQUAL(explain_rows[i].id, id);
		CU_ASSERT_PTR_EQUAL(explain_find(id), &explain_rows[i]);
	}
	CU_ASSERT_PTR_NULL(explain_find("A31"));
	CU_ASSERT_PTR_NULL(explain_find("A"));
}

/* Each text is there, is UTF-8, and Chinese is Chinese. */
static void test_texts(void)
{
	for (size_t i = 0; i < explain_n_rows; i++) {
		const struct explain_row *row = &explain_rows[i];

		CU_ASSERT(row->severity[0] != '\0');
		for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
			const struct explain_words *w = &row->words[l];
			const char *const texts[] = {explain_title(row, (enum language)l), w->why,
			                             w->fix, w->verify};

			CU_ASSERT(w->source[0] != '\0');

			for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
				char *valid;

				CU_ASSERT_PTR_NOT_NULL_FATAL(texts[t]);
				valid = text_utf8(texts[t]);
				CU_ASSERT_STRING_EQUAL(valid, texts[t]);
				CU_ASSERT_EQUAL(strpbrk(texts[t], "\xe4\xe5\xe6\xe7\xe8\xe9") !=
				                        NULL,
				                l == LANGUAGE_ZH);
				free(valid);
			}
		}
	}
}

/* A check without a repair in a line says so on its page. */
static void test_no_setting(void)
{
	for (size_t i = 0; i < explain_n_rows; i++)
		if (!explain_rows[i].brief && strcmp(explain_rows[i].id, "A24") != 0) {
			const char *en = explain_rows[i].words[LANGUAGE_EN].fix;

			CU_ASSERT(strstr(en, "No setting fixes this") ||
			          strstr(en, "no setting fixes this"));
		}
}

/* No line is too long for a terminal; Chinese counts twice. */
static void test_pages_fit(void)
{
	for (size_t i = 0; i < explain_n_rows; i++)
		for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
			char *page = page_of(&explain_rows[i], (enum language)l), *save, *line;

			for (line = strtok_r(page, "\n", &save); line;
			     line = strtok_r(NULL, "\n", &save)) {
				unsigned columns = 0;

				for (const char *c = line; *c; c++)
					columns += ((unsigned char)*c & 0xc0) != 0x80
					                   ? 1u + ((unsigned char)*c >= 0xe0)
					                   : 0u;
				if (columns > 81 && strncmp(line, "    uci", 7) != 0)
					printf("%s: %s\n", explain_rows[i].id, line);
				/* a closing mark may stand behind the last column */
				CU_ASSERT(columns <= 81 || strncmp(line, "    uci", 7) == 0);
			}
			free(page);
		}
}

/* What is judged stands in the table of rules, and nowhere else: a page is called what its findings
 * are called, those of further rules under the same id too. */
static void test_judged(void)
{
	for (size_t i = 0; i < verdict_n_rules; i++) {
		const struct explain_row *row = explain_find(verdict_rules[i].id);

		CU_ASSERT_PTR_NOT_NULL_FATAL(row);
		for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
			char *page = page_of(row, (enum language)l);
			const char *title = message_template(verdict_rules[i].title, l);

			CU_ASSERT_PTR_NOT_NULL(strstr(page, title));
			free(page);
		}
	}
	for (size_t i = 0; i < explain_n_rows; i++)
		CU_ASSERT_STRING_NOT_EQUAL(explain_title(&explain_rows[i], LANGUAGE_EN),
		                           explain_rows[i].id);
}

/* ---- both languages say the same ---- */

/* Is `at` the end of a sentence? Dots of versions and of "=..." are none. */
static bool is_end(const char *at)
{
	return strncmp(at, "\xe3\x80\x82", 3) == 0 ||
	       (*at == '.' && (at[1] == '\0' || at[1] == ' '));
}

static unsigned sentences(const char *text)
{
	unsigned n = 0;

	for (const char *at = text; *at; at++)
		n += is_end(at) && (at == text || at[-1] != '.');
	return n;
}

/* The next number, or check ("A12"), or NULL; *length is its own. */
static const char *next_figure(const char *text, size_t *length)
{
	text += strcspn(text, "0123456789");
	*length = strspn(text, "0123456789.");
	while (*length && text[*length - 1] == '.')
		--*length;
	return *text ? text : NULL;
}

static bool has_figure(const char *text, const char *figure, size_t length)
{
	size_t other;

	for (; (text = next_figure(text, &other)); text += other)
		if (other == length && memcmp(text, figure, length) == 0)
			return true;
	return false;
}

static bool figures_in(const char *row, const char *text, const char *other)
{
	size_t length;

	for (const char *at = text; (at = next_figure(at, &length)); at += length)
		if (!has_figure(other, at, length)) {
			printf("\n\t%s: %.*s is missing: %s\n", row, (int)length, at, other);
			return false;
		}
	return true;
}

/* Sentence by sentence, with the same figures and the same checks named. */
static void test_clauses(void)
{
	for (size_t i = 0; i < explain_n_rows; i++) {
		const struct explain_row *row = &explain_rows[i];
		const struct explain_words *en = &row->words[LANGUAGE_EN];
		const struct explain_words *zh = &row->words[LANGUAGE_ZH];
		const char *const pairs[][2] = {{en->why, zh->why},
		                                {en->fix, zh->fix},
		                                {en->verify, zh->verify},
		                                {en->source, zh->source}};

		for (size_t p = 0; p < sizeof(pairs) / sizeof(*pairs); p++) {
			if (sentences(pairs[p][0]) != sentences(pairs[p][1]))
				printf("\n\t%s: %s\n", row->id, pairs[p][1]);
			CU_ASSERT_EQUAL(sentences(pairs[p][0]), sentences(pairs[p][1]));
			CU_ASSERT(figures_in(row->id, pairs[p][0], pairs[p][1]));
			CU_ASSERT(figures_in(row->id, pairs[p][1], pairs[p][0]));
		}
	}
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = &limit_rows[i];

		CU_ASSERT(
			figures_in(row->key, row->meaning[LANGUAGE_EN], row->meaning[LANGUAGE_ZH]));
		CU_ASSERT(
			figures_in(row->key, row->meaning[LANGUAGE_ZH], row->meaning[LANGUAGE_EN]));
	}
}

/* "  payload_share=1%": not a text that says how to set it, "plan_bytes_per_day=...". */
static bool is_limit(const char *line)
{
	const char *at = line + 2;

	if (strncmp(line, "  ", 2) != 0 || *at == ' ')
		return false;
	at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
	return at[0] == '=' && at[1] != '.';
}

/* Both pages have the same sections, limits and lines for the router. */
static void test_same_page(void)
{
	for (size_t i = 0; i < explain_n_rows; i++) {
		unsigned empty[LANGUAGE_COUNT] = {0}, limits[LANGUAGE_COUNT] = {0},
			 copied[LANGUAGE_COUNT] = {0};

		for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
			char *page = page_of(&explain_rows[i], (enum language)l);

			for (const char *at = page; at; at = strchr(at, '\n') + 1) {
				empty[l] += *at == '\n';
				copied[l] += strncmp(at, "    ", 4) == 0 && at[4] != ' ';
				limits[l] += is_limit(at);
				if (!strchr(at, '\n') || !strchr(at, '\n')[1])
					break;
			}
			free(page);
		}
		CU_ASSERT_EQUAL(empty[LANGUAGE_EN], empty[LANGUAGE_ZH]);
		CU_ASSERT_EQUAL(copied[LANGUAGE_EN], copied[LANGUAGE_ZH]);
		CU_ASSERT_EQUAL(limits[LANGUAGE_EN], limits[LANGUAGE_ZH]);
	}
}

/* No English sentence is left: none of the words that hold one together. */
static void test_no_english(void)
{
	static const char *const words[] = {"the",  "of",    "is",    "are",   "and",  "above",
	                                    "with", "warns", "fails", "not",   "by",   "when",
	                                    "a",    "an",    "for",   "their", "fail", "warn",
	                                    "pass", "none",  "What",  "limits"};

	for (size_t i = 0; i < explain_n_rows; i++) {
		char *page = page_of(&explain_rows[i], LANGUAGE_ZH), *save, *line, *word, *rest;

		for (line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			if (strncmp(line, "    ", 4) == 0 && line[4] != ' ')
				continue; /* for the router */
			for (word = strtok_r(line, " ,;:()", &rest); word;
			     word = strtok_r(NULL, " ,;:()", &rest))
				for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++)
					CU_ASSERT_STRING_NOT_EQUAL(word, words[w]);
		}
		free(page);
	}
}

/* The limits are the program's own, with the values it would judge by. */
static void test_limits(void)
{
	char *page = page_of(explain_find("A1"), LANGUAGE_EN);

	CU_ASSERT_PTR_NOT_NULL(strstr(page, "  payload_share=1%\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "  share_of=payload\n"));
	CU_ASSERT_PTR_NULL(strstr(page, "silence_seconds"));
	free(page);
	page = page_of(explain_find("A29"), LANGUAGE_ZH);
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "  silence_seconds=300\n"));
	free(page);
}

static void test_list(void)
{
	char *list = page_of(NULL, LANGUAGE_ZH);
	size_t lines = 0;

	for (const char *c = list; *c; c++)
		lines += *c == '\n';
	CU_ASSERT_EQUAL(lines, explain_n_rows);
	free(list);
}

void suite_explain(void)
{
	CU_pSuite suite = CU_add_suite("explain", NULL, NULL);

	CU_ADD_TEST(suite, test_a1_to_a30);
	CU_ADD_TEST(suite, test_texts);
	CU_ADD_TEST(suite, test_no_setting);
	CU_ADD_TEST(suite, test_pages_fit);
	CU_ADD_TEST(suite, test_judged);
	CU_ADD_TEST(suite, test_clauses);
	CU_ADD_TEST(suite, test_same_page);
	CU_ADD_TEST(suite, test_no_english);
	CU_ADD_TEST(suite, test_limits);
	CU_ADD_TEST(suite, test_list);
}
