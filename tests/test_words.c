/* SPDX-License-Identifier: MIT
 *
 * test_words.c - texts cut between words, and names as words of a shell.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "../report/text.h"

void suite_words(void);

static void test_brief(void)
{
	char out[200], small[12];

	CU_ASSERT_STRING_EQUAL(text_brief(out, sizeof(out), "a short one.", 12), "a short one.");
	CU_ASSERT_STRING_EQUAL(
		text_brief(out, sizeof(out), "seven words are told in this sentence", 20),
		"seven words are ...");
	CU_ASSERT_STRING_EQUAL(text_brief(out, sizeof(out), "备用线路只在待命", 12),
	                       "备用线路 ...");
	CU_ASSERT_STRING_EQUAL(text_brief(out, sizeof(out), "onewordwithoutanyblank", 10),
	                       "oneword...");
	CU_ASSERT_STRING_EQUAL(text_brief(out, sizeof(out), "", 10), "");
	for (unsigned columns = 0; columns < 40; columns++) {
		text_brief(out, sizeof(out), "seven words are told in this 句子 again", columns);
		CU_ASSERT(text_width(out) <= columns);
		text_brief(small, sizeof(small), "seven words are told in this", columns);
		CU_ASSERT(strlen(small) < sizeof(small));
	}
}

/* What `printf %s WORD` of bash prints again; tests/check_manners.py asks bash itself. */
static void test_shell(void)
{
	static const char *const rows[][2] = {
		{"wan2=backup", "wan2=backup"},
		{"dir/b.pcap", "dir/b.pcap"},
		{"it's", "'it'\\''s'"},
		{"$(x);`y`", "'$(x);`y`'"},
		{"-x", "'-x'"},
		{"", "''"},
		{"\xe7\x94\xb5", "'\xe7\x94\xb5'"},
		{"my wan", "$'my\\x20wan'"},
		{"it's my\\wan", "$'it\\'s\\x20my\\\\wan'"},
		{"w\xff", "$'w\\xff'"},
		{"w\xe2\x80\xae"
	         "2",
	         "$'w\\xe2\\x80\\xae2'"},
	};
	char out[200], small[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_TRUE(text_shell(out, sizeof(out), rows[i][0]));
		CU_ASSERT_STRING_EQUAL(out, rows[i][1]);
	}
	CU_ASSERT_FALSE(text_shell(small, sizeof(small), "a longer name"));
	CU_ASSERT_STRING_EQUAL(small, "");
	CU_ASSERT_FALSE(text_shell(small, sizeof(small), "plainlong"));
	CU_ASSERT_STRING_EQUAL(small, "");
	for (size_t size = 1; size < 30; size++) { /* never more than there is room for */
		char room[32];

		memset(room, '#', sizeof(room));
		text_shell(room, size, "a 'b' \xff\xff");
		CU_ASSERT_EQUAL(room[size], '#');
		CU_ASSERT_PTR_NOT_NULL(memchr(room, '\0', size));
	}
}

void suite_words(void)
{
	CU_pSuite suite = CU_add_suite("words", NULL, NULL);

	CU_ADD_TEST(suite, test_brief);
	CU_ADD_TEST(suite, test_shell);
}
