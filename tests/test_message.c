/* SPDX-License-Identifier: MIT
 *
 * test_message.c - sentences as cases: put in words of both languages, cut, nested, stored,
 * hostile.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../dissect/ledger.h"
#include "../report/label.h"
#include "../report/message.h"
#include "../report/text.h"

void suite_message(void);

static const struct telling english = {.language = LANGUAGE_EN};
static const struct telling chinese = {.language = LANGUAGE_ZH};

static bool tells(const char *message, const struct telling *how, const char *want)
{
	char words[1000];
	bool same = strcmp(message_words(words, sizeof(words), message, how), want) == 0;

	if (!same)
		printf("\n\tgot  %s\n\twant %s\n", words, want);
	return same;
}

static void test_cases(void)
{
	char inner[100], message[300];

	CU_ASSERT(tells(SAY_IN(message, n_subflows, "1"), &english, "1 subflow"));
	CU_ASSERT(tells(SAY_IN(message, n_subflows, "21"), &english, "21 subflows"));
	CU_ASSERT(tells(message, &chinese, "21 条子流"));
	SAY_IN(inner, cause_dns);
	SAY_IN(message, used_most, "wan2", "1 kB", "window", "50 %", inner);
	CU_ASSERT(tells(message, &english, "wan2 used 1 kB in the window, 50 % of it DNS."));
	CU_ASSERT(tells(message, &chinese, "wan2 在window中用了 1 kB，其中 50 % 是DNS。"));
	MORE_IN(message, same_goes_for, "wan3");
	CU_ASSERT(tells(message, &english,
	                "wan2 used 1 kB in the window, 50 % of it DNS. The same goes for wan3."));
	/* a blank of a template stands beside figures and names, not beside Chinese words */
	SAY_IN(inner, a_day, "5 MB");
	CU_ASSERT(tells(SAY_IN(message, page_limit_is, inner), &chinese, "限值每天 5 MB"));
	CU_ASSERT(tells(SAY_IN(message, page_limit_is, "5 MB"), &chinese, "限值 5 MB"));
	CU_ASSERT(tells(SAY_IN(message, keepalives_none, "电信 光"), &chinese, "电信 光上没有看到保活。"));
	CU_ASSERT(tells("plain {1} text", &english, "plain {1} text"));
	CU_ASSERT(tells("", &english, ""));
	CU_ASSERT(
		tells(SAY_IN(message, n_subflows), &english, " subflows")); /* a part is missing */
}

/* Each language is whole, has the same parts, and its places can be read. */
static void test_languages(void)
{
	for (enum message m = 0; m < MESSAGE_COUNT; m++) {
		unsigned parts[LANGUAGE_COUNT] = {0};

		for (enum language l = 0; l < LANGUAGE_COUNT; l++) {
			const char *at = message_template(m, l);

			CU_ASSERT_PTR_NOT_NULL_FATAL(at);
			CU_ASSERT(*at != '\0');
			for (; (at = strchr(at, '{')); at++) {
				bool place =
					at[1] >= '1' && at[1] <= '9' && strchr(at, '}') &&
					(at[2] == '}' || (at[2] == '|' && strchr(at + 3, '|') &&
				                          strchr(at + 3, '|') < strchr(at, '}')));

				if (!place)
					printf("\n\t%s: %s\n", message_id(m), at);
				CU_ASSERT_FATAL(place);
				if (at[2] == '}')
					parts[l] |= 1u << (at[1] - '1');
			}
			CU_ASSERT(l == 0 ||
			          strcmp(message_template(m, 0), message_template(m, l)) ||
			          !strpbrk(message_template(m, 0), "abcdefghijklmnopqrstuvwxyz"));
		}
		if (parts[LANGUAGE_EN] != parts[LANGUAGE_ZH])
			printf("\n\tparts of %s differ\n", message_id(m));
		CU_ASSERT_EQUAL(parts[LANGUAGE_EN], parts[LANGUAGE_ZH]);
		for (enum message other = 0; other < m; other++)
			CU_ASSERT(strcmp(message_id(m), message_id(other)) != 0);
	}
}

/* Roles and kinds are, in English, the words of the JSON; a stranger's word stays what it is. */
static void test_labels(void)
{
	char label[LABEL_SIZE];

	for (enum kind k = 0; k < KIND_COUNT; k++)
		CU_ASSERT_STRING_EQUAL(message_template(label_kind(k), LANGUAGE_EN), kind_names[k]);
	CU_ASSERT(tells(label_role(label, "backup"), &english, "backup"));
	CU_ASSERT(tells(label, &chinese, "备用"));
	CU_ASSERT_PTR_NULL(strchr(label_role(label, "some\x01thing"), '\x01'));
	CU_ASSERT(tells(label_role(label, ""), &chinese, ""));
}

static void test_times(void)
{
	const uint64_t ns = UINT64_C(1767225600500000000); /* 2026-01-01 00:00:00.5 UTC */
	struct telling there = {.language = LANGUAGE_EN};
	char message[MESSAGE_TIME];
	struct zone zone;

	CU_ASSERT_TRUE_FATAL(zone_parse(&zone, "CST-8"));
	there.zone = &zone;
	CU_ASSERT(tells(message_time(message, ns), &english, "2026-01-01 00:00:00 UTC"));
	CU_ASSERT(tells(message, &there, "2026-01-01 08:00:00 CST"));
	message_span(message, ns, ns + UINT64_C(60000000000));
	CU_ASSERT(tells(message, &english, "2026-01-01 00:00:00 to 00:01:00 UTC"));
	CU_ASSERT(tells(message, &chinese, "2026-01-01 00:00:00 至 00:01:00 UTC"));
	message_span(message, ns - UINT64_C(60000000000), ns);
	CU_ASSERT(tells(message, &english, "2025-12-31 23:59:00 to 2026-01-01 00:00:00 UTC"));
	CU_ASSERT(tells(message, &there, "2026-01-01 07:59:00 to 08:00:00 CST"));
}

/* What does not fit is cut, at any byte, and never says more than it should. */
static void test_cut(void)
{
	char whole[400], cut[400], words[400], inner[100], want[400];

	SAY_IN(inner, most_of_it, "保活");
	SAY_IN(whole, expected_is, "wan2", "1 kB", "2 subflows", "2 kB", "1 kB", inner, "");
	message_words(want, sizeof(want), whole, &english);
	for (size_t n = 0; n <= strlen(whole); n++) {
		memcpy(cut, whole, n);
		cut[n] = '\0';
		message_words(words, sizeof(words), cut, &english);
		CU_ASSERT(strlen(words) <= strlen(want));
		for (size_t i = 0; words[i]; i++)
			CU_ASSERT((unsigned char)words[i] >= ' ');
	}
	for (size_t size = 1; size < sizeof(words); size++) {
		char *valid;

		message_words(words, size, whole, &english);
		CU_ASSERT(strlen(words) < size);
		valid = text_utf8(words);
		CU_ASSERT_PTR_NOT_NULL_FATAL(valid);
		CU_ASSERT_STRING_EQUAL(valid, words); /* no half character */
		free(valid);
	}
}

static void test_stored(void)
{
	char inner[100], message[300], back[300];
	json_t *json;

	SAY_IN(inner, most_of_it, "x");
	SAY_IN(message, expected_is, "wan2", "1", "2", "3", "4", inner, "");
	MORE_IN(message, judged_since, "5 s", message_time((char[MESSAGE_TIME]){0}, 1000000000));
	json = message_json(message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	CU_ASSERT(message_from_json(back, sizeof(back), json));
	CU_ASSERT_STRING_EQUAL(back, message);
	json_decref(json);
	json = message_json("only words");
	CU_ASSERT(json_is_string(json));
	json_decref(json);
}

/* A stored report may come from anybody. */
static void test_hostile(void)
{
	static const char *const refused[] = {
		"{\"say\": \"no_such_case\", \"with\": []}",
		"{\"say\": \"comma\"}",
		"{\"say\": 1, \"with\": []}",
		"{\"say\": \"comma\", \"with\": "
	        "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\"]}",
		"{\"say\": \"comma\", \"with\": [7]}",
		"7",
		"null",
	};
	char back[300], words[300], deep[400] = "";
	json_t *json;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		json = json_loads(refused[i], JSON_DECODE_ANY, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(json);
		CU_ASSERT_FALSE(message_from_json(back, sizeof(back), json));
		json_decref(json);
	}
	for (int i = 0; i < 40; i++)
		strcat(deep, "[");
	strcat(deep, "\"x\"");
	for (int i = 0; i < 40; i++)
		strcat(deep, "]");
	json = json_loads(deep, 0, NULL);
	CU_ASSERT_FALSE(message_from_json(back, sizeof(back), json));
	json_decref(json);
	/* marks in a string are not marks */
	json = json_loads("\"a\\u0001comma\\u0003b\"", JSON_DECODE_ANY, NULL);
	CU_ASSERT(message_from_json(back, sizeof(back), json));
	CU_ASSERT_STRING_EQUAL(back, "acommab");
	json_decref(json);
	/* a time that is none says nothing */
	json = json_loads("{\"say\": \"time\", \"with\": [\"soon\"]}", 0, NULL);
	CU_ASSERT(message_from_json(back, sizeof(back), json));
	CU_ASSERT_STRING_EQUAL(message_words(words, sizeof(words), back, &english), "");
	json_decref(json);
	for (int seed = 0; seed < 2000; seed++) {
		unsigned state = (unsigned)seed * 2654435761u;

		for (size_t i = 0; i < sizeof(back) - 1; i++) {
			state = state * 1664525u + 1013904223u;
			back[i] =
				(char)(state >> 24 & 3 ? 1 + (state >> 20) % 3 : 'a' + state % 26);
		}
		back[sizeof(back) - 1] = '\0';
		message_words(words, sizeof(words), back, &chinese);
		json = message_json(back);
		CU_ASSERT_PTR_NOT_NULL(json);
		json_decref(json);
	}
}

static void test_names(void)
{
	enum language language = LANGUAGE_EN;

	CU_ASSERT(language_find("zh_CN.UTF-8", &language) && language == LANGUAGE_ZH);
	CU_ASSERT(language_find("en", &language) && language == LANGUAGE_EN);
	CU_ASSERT(language_find("zh-Hans", &language) && language == LANGUAGE_ZH);
	CU_ASSERT(language_find("C", &language) && language == LANGUAGE_EN);
	CU_ASSERT_FALSE(language_find("de", &language));
	CU_ASSERT_FALSE(language_find("zhx", &language));
	CU_ASSERT_FALSE(language_find("", &language));
}

void suite_message(void)
{
	CU_pSuite s = CU_add_suite("message", NULL, NULL);

	CU_add_test(s, "cases in words", test_cases);
	CU_add_test(s, "all languages are whole", test_languages);
	CU_add_test(s, "roles and kinds", test_labels);
	CU_add_test(s, "times by the site's clocks", test_times);
	CU_add_test(s, "cut anywhere", test_cut);
	CU_add_test(s, "stored and read back", test_stored);
	CU_add_test(s, "hostile", test_hostile);
	CU_add_test(s, "names of languages", test_names);
}
