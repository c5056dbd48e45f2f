/* SPDX-License-Identifier: MIT
 *
 * test_flaws.c - what is wrong with a file is told in both languages, and what an older or newer
 * program calls wrong in its own words.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "../capture/file_flaw.h"
#include "../report/file_flaws.h"
#include "../report/message.h"

void suite_flaws(void);

static const struct telling english = {.language = LANGUAGE_EN};
static const struct telling chinese = {.language = LANGUAGE_ZH};

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* Each flaw that a source can find has its words; the English ones are those of the log. */
static void test_each_flaw(void)
{
	for (int flaw = FILE_FLAWLESS + 1; flaw < FILE_FLAW_COUNT; flaw++)
		for (int unpacked = 0; unpacked < 2; unpacked++) {
			struct frame_file row = {0};
			struct ledger_file file = {.flaw_at = 6576, .flaw_unpacked = unpacked};
			char message[FILE_FLAW_TEXT], words[600];

			file_flaw_note(&row, FILE_DAMAGED, (enum file_flaw)flaw, 6576, unpacked);
			snprintf(file.flaw, sizeof(file.flaw), "%s", file_flaw_names[row.flaw]);
			file.message = row.message;
			file_flaw_say(message, &file);
			CU_ASSERT_STRING_EQUAL(
				message_words(words, sizeof(words), message, &english),
				row.message);
			message_words(words, sizeof(words), message, &chinese);
			CU_ASSERT_FALSE(is_ascii(words));
			CU_ASSERT_PTR_NULL(strstr(words, "the"));
			CU_ASSERT(flaw == FILE_FLAW_GONE || strstr(words, "6576"));
		}
}

/* In words: the place is a part, the sentence a case. */
static void test_words(void)
{
	struct ledger_file file = {.message = "x", .flaw = "cut_record", .flaw_at = 24};
	char message[FILE_FLAW_TEXT], words[600];

	message_words(words, sizeof(words), file_flaw_say(message, &file), &chinese);
	CU_ASSERT_STRING_EQUAL(words, "在一条记录中间结束（字节 24）：之前的帧已保留；抓包被截断");
	file.flaw_unpacked = true;
	message_words(words, sizeof(words), file_flaw_say(message, &file), &chinese);
	CU_ASSERT_PTR_NOT_NULL(strstr(words, "（字节 24，解压后）"));
}

static void test_others(void)
{
	char hostile[] = "is\tdamaged\x01";
	struct ledger_file file = {.message = hostile};
	char message[FILE_FLAW_TEXT], words[600];

	message_words(words, sizeof(words), file_flaw_say(message, &file), &english);
	CU_ASSERT_PTR_NOT_NULL(strstr(words, "damaged"));
	CU_ASSERT_PTR_NULL(strpbrk(words, "\t\x01"));
	strcpy(file.flaw, "of_a_newer_one");
	message_words(words, sizeof(words), file_flaw_say(message, &file), &chinese);
	CU_ASSERT_PTR_NOT_NULL(strstr(words, "damaged"));
}

void suite_flaws(void)
{
	CU_pSuite suite = CU_add_suite("flaws", NULL, NULL);

	CU_ADD_TEST(suite, test_each_flaw);
	CU_ADD_TEST(suite, test_words);
	CU_ADD_TEST(suite, test_others);
}
