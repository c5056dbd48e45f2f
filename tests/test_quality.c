/* SPDX-License-Identifier: MIT
 *
 * test_quality.c - notes of the quality record: written and read again, any bytes, every prefix.
 */
#include "../capture/quality.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

void suite_quality(void);

/* A note as it stands in a file: readable, each value a word. */
static void test_what_is_written(void)
{
	struct quality_line line;

	quality_begin(&line, QUALITY_GAP);
	quality_word(&line, "state", quality_states[STATE_ABSENT]);
	quality_number(&line, "from_ns", 18446744073709551615u);
	quality_signed(&line, "by_ns", INT64_MIN + 1);
	quality_word(&line, "about", "a b%\n\xc3\xa9");
	CU_ASSERT_STRING_EQUAL(line.text,
	                       "mptcp-captured/1 gap state=absent from_ns=18446744073709551615 "
	                       "by_ns=-9223372036854775807 about=a%20b%25%0A%C3%A9");
	CU_ASSERT_EQUAL(line.length, strlen(line.text));
}

static void test_round_trip(void)
{
	static const char *const words[] = {"wan1", "",        "100 %",    "%41",
	                                    "=",    "a=b c=d", "\x01\xff", "дом"};
	char value[64];

	for (unsigned name = 0; name < QUALITY_UNKNOWN; name++) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			struct quality_line line;
			enum quality_name found;
			uint64_t number;
			int64_t sign;

			quality_begin(&line, (enum quality_name)name);
			quality_word(&line, "wan", words[i]);
			quality_number(&line, "seq", UINT64_MAX - i);
			quality_signed(&line, "by_ns", -(int64_t)i);
			CU_ASSERT_TRUE(quality_parse(line.text, line.length, &found));
			CU_ASSERT_EQUAL(found, name);
			CU_ASSERT_TRUE(
				quality_get(line.text, line.length, "wan", value, sizeof(value)));
			CU_ASSERT_STRING_EQUAL(value, words[i]);
			CU_ASSERT_TRUE(quality_get_number(line.text, line.length, "seq", &number));
			CU_ASSERT_EQUAL(number, UINT64_MAX - i);
			CU_ASSERT_TRUE(quality_get_signed(line.text, line.length, "by_ns", &sign));
			CU_ASSERT_EQUAL(sign, -(int64_t)i);
		}
	}
}

/* Whole keys are lost at the end, never half of one; what is there can be read. */
static void test_too_long(void)
{
	struct quality_line line;
	char key[16], value[32], kept[32];
	unsigned n = 0;

	quality_begin(&line, QUALITY_INTERFACE);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "key%03u", i);
		snprintf(value, sizeof(value), "%% %u", i);
		quality_word(&line, key, value);
	}
	CU_ASSERT(line.length < QUALITY_LINE && line.text[line.length] == '\0');
	while (n < 200) {
		snprintf(key, sizeof(key), "key%03u", n);
		snprintf(value, sizeof(value), "%% %u", n);
		if (!quality_get(line.text, line.length, key, kept, sizeof(kept)))
			break;
		CU_ASSERT_STRING_EQUAL(kept, value);
		n++;
	}
	CU_ASSERT(n > 50 && n < 200);
	/* a shorter one may still find room: half of one never stands there */
	quality_begin(&line, QUALITY_END);
	memset(key, 'k', sizeof(key));
	key[15] = '\0';
	for (unsigned i = 0; i < 300; i++)
		quality_word(&line, key, "v");
	CU_ASSERT_STRING_EQUAL(line.text + line.length - 4, "kk=v");
}

static void test_strangers(void)
{
	static const char *const none[] = {"",
	                                   "hello",
	                                   "mptcp-captured/1",
	                                   "mptcp-captured/2 gap",
	                                   " mptcp-captured/1 gap",
	                                   "Mptcp-captured/1 gap"};
	enum quality_name name;
	char value[8];
	uint64_t number;
	int64_t sign;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CU_ASSERT_FALSE(quality_parse(none[i], strlen(none[i]), &name));
#define NOTE(text) "mptcp-captured/1 " text, strlen("mptcp-captured/1 " text)
	/* words of a later recorder are passed over */
	CU_ASSERT_TRUE(quality_parse(NOTE("gapless a=b"), &name));
	CU_ASSERT_EQUAL(name, QUALITY_UNKNOWN);
	CU_ASSERT_TRUE(quality_parse(NOTE(""), &name));
	CU_ASSERT_EQUAL(name, QUALITY_UNKNOWN);
	CU_ASSERT_TRUE(quality_parse(NOTE("end"), &name));
	CU_ASSERT_EQUAL(name, QUALITY_END);
	/* a key is a whole word */
	CU_ASSERT_FALSE(quality_get(NOTE("gap fromfrom=1"), "from", value, sizeof(value)));
	CU_ASSERT_FALSE(quality_get(NOTE("gap from"), "from", value, sizeof(value)));
	CU_ASSERT_TRUE(quality_get(NOTE("gap from="), "from", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "");
	CU_ASSERT_TRUE(quality_get(NOTE("gap a=%4 b=%GG c=%"), "a", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "%4");
	CU_ASSERT_TRUE(quality_get(NOTE("gap w=0123456789"), "w", value, sizeof(value)));
	CU_ASSERT_STRING_EQUAL(value, "0123456");
	/* numbers that are none, or too large */
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n=18446744073709551616"), "n", &number));
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n=99999999999999999999"), "n", &number));
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n=000000000000000000001"), "n", &number));
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n=-1"), "n", &number));
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n=1x"), "n", &number));
	CU_ASSERT_FALSE(quality_get_number(NOTE("gap n="), "n", &number));
	CU_ASSERT_FALSE(quality_get_signed(NOTE("gap n=-"), "n", &sign));
	CU_ASSERT_FALSE(quality_get_signed(NOTE("gap n=9223372036854775808"), "n", &sign));
	CU_ASSERT_FALSE(quality_get_signed(NOTE("gap n=--1"), "n", &sign));
#undef NOTE
}

/* Reads everything there is to read; returns a sum so that nothing is left out. */
static uint64_t read_all(const char *text, size_t length)
{
	static const char *const keys[] = {"wan", "state", "from_ns", "by_ns", "", "a"};
	enum quality_name name;
	char value[16];
	uint64_t sum = 0, number = 0;
	int64_t sign = 0;

	if (quality_parse(text, length, &name))
		sum += name;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		for (size_t size = 0; size <= sizeof(value); size += 5)
			if (quality_get(text, length, keys[i], value, size) && size) {
				CU_ASSERT(strlen(value) < size);
				sum += strlen(value);
			}
		sum += quality_get_number(text, length, keys[i], &number);
		sum += quality_get_signed(text, length, keys[i], &sign);
	}
	return sum + number + (uint64_t)sign;
}

/* Each prefix against a page that may not be touched, then bytes of all kinds. */
static void test_any_bytes(void)
{
	struct guard guard = guard_new();
	struct quality_line line;
	uint64_t random = 7, sum = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(guard.end);
	quality_begin(&line, QUALITY_GAP);
	quality_word(&line, "wan", "a b%c");
	quality_word(&line, "state", "down");
	quality_number(&line, "from_ns", 123456789);
	quality_signed(&line, "by_ns", -5);
	for (uint32_t n = 0; n <= line.length; n++)
		sum += read_all((const char *)guard_put(&guard, (const uint8_t *)line.text, n), n);
	CU_ASSERT(sum > 0);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[QUALITY_LINE];
		uint32_t n = (uint32_t)line.length;

		memcpy(bytes, line.text, n);
		for (unsigned i = 0; i < 4; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			bytes[random % n] = (uint8_t)(random >> 40);
		}
		read_all((const char *)guard_put(&guard, bytes, n), n);
	}
	guard_free(&guard);
}

static void test_tables(void)
{
	for (unsigned i = 0; i < STATE_COUNT; i++)
		CU_ASSERT(quality_states[i] && strlen(quality_states[i]) > 0);
	for (size_t i = 0; i < quality_n_warnings; i++) {
		CU_ASSERT(strspn(quality_warnings[i].code, "abcdefghijklmnopqrstuvwxyz_") ==
		          strlen(quality_warnings[i].code));
		CU_ASSERT(strlen(quality_warnings[i].meaning) > 20);
	}
}

void suite_quality(void)
{
	CU_pSuite suite = CU_add_suite("quality", NULL, NULL);

	CU_ADD_TEST(suite, test_what_is_written);
	CU_ADD_TEST(suite, test_round_trip);
	CU_ADD_TEST(suite, test_too_long);
	CU_ADD_TEST(suite, test_strangers);
	CU_ADD_TEST(suite, test_any_bytes);
	CU_ADD_TEST(suite, test_tables);
}
