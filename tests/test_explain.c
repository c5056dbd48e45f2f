/* SPDX-License-Identifier: MIT
 *
 * test_explain.c - every check has a page in every language; what it says of itself agrees with the
 * table of rules.
 */
#include "../report/explain.h"
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

		CU_ASSERT(row->severity[0] && row->source[0]);
		for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
			const struct explain_words *w = &row->words[l];
			const char *const texts[] = {w->title, w->why, w->fix, w->verify};

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

/* What is judged stands in the table of rules, and nowhere else. */
static void test_judged(void)
{
	for (size_t i = 0; i < verdict_n_rules; i++)
		CU_ASSERT_PTR_NOT_NULL(explain_find(verdict_rules[i].id));
	for (size_t i = 0; i < explain_n_rows; i++) {
		char *en = page_of(&explain_rows[i], LANGUAGE_EN);
		char *zh = page_of(&explain_rows[i], LANGUAGE_ZH);
		bool judged = explain_is_judged(explain_rows[i].id);

		CU_ASSERT_EQUAL(strstr(en, "In this version: not assessed") == NULL, judged);
		CU_ASSERT_EQUAL(strstr(zh, "本版本：未评估") == NULL, judged);
		free(en);
		free(zh);
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
	CU_ADD_TEST(suite, test_limits);
	CU_ADD_TEST(suite, test_list);
}
