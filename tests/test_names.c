/* SPDX-License-Identifier: MIT
 *
 * test_names.c - devices and hardware addresses of a WAN in the ledger: bounded, mergeable in any
 * order, saved and loaded.
 */
#include "../dissect/ledger.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_names(void);

static struct ledger *ledger_new(void)
{
	struct ledger *ledger = malloc(sizeof(*ledger));

	if (!ledger)
		abort();
	ledger_init(ledger);
	return ledger;
}

static void ledger_drop(struct ledger *ledger)
{
	ledger_release(ledger);
	free(ledger);
}

/* A ledger of one WAN with these devices, one letter each. */
static struct ledger *ledger_of(const char *letters)
{
	struct ledger *ledger = ledger_new();
	uint32_t wan = ledger_wan(ledger, "wan1");

	for (; *letters; letters++)
		ledger_add_device(&ledger->wans[wan], (char[]){*letters, '\0'});
	return ledger;
}

static void same_words(const struct ledger *ledger, const char *letters)
{
	const struct ledger_words *words = &ledger->wans[0].devices;
	char got[LEDGER_NAMES_MAX + 1] = "";

	for (unsigned i = 0; i < words->n; i++)
		got[i] = words->rows[i][0];
	CU_ASSERT_STRING_EQUAL(got, letters);
}

/* Sorted, each once, and of too many the first: whatever the order. */
static void test_bounded(void)
{
	static const char *const orders[] = {"fedcba", "abcdef", "cafebdcafe"};

	for (size_t i = 0; i < 3; i++) {
		struct ledger *ledger = ledger_of(orders[i]);

		same_words(ledger, "abcd");
		ledger_drop(ledger);
	}
}

static void test_merge(void)
{
	static const char *const parts[] = {"zy", "", "bdz", "ca"};

	for (unsigned start = 0; start < 4; start++) {
		struct ledger *sum = ledger_new();

		for (unsigned i = 0; i < 4; i++) {
			struct ledger *one = ledger_of(parts[(start + i) % 4]);

			CU_ASSERT_TRUE(ledger_merge(sum, one));
			ledger_drop(one);
		}
		same_words(sum, "abcd");
		ledger_drop(sum);
	}
}

static struct ledger *load(char *text, size_t size, bool fine)
{
	struct ledger *ledger = ledger_new();
	FILE *file = fmemopen(text, size, "r");
	char message[300] = "";

	if (!file)
		abort();
	CU_ASSERT_EQUAL(ledger_load(ledger, file, message, sizeof(message)), fine);
	CU_ASSERT_EQUAL(message[0] == '\0', fine);
	fclose(file);
	return ledger;
}

static char *save(const struct ledger *ledger, size_t *size)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, size);

	if (!file || ledger_save(ledger, file) != 0)
		abort();
	fclose(file);
	return text;
}

static void test_saved(void)
{
	struct ledger *ledger = ledger_of("ab"), *back;
	size_t size;
	char *text, *copy;

	ledger_add_mac(&ledger->wans[0], "02:00:00:00:00:01");
	ledger_add_mac(&ledger->wans[0], "a b\x01");
	text = save(ledger, &size);
	back = load(text, size, true);
	same_words(back, "ab");
	CU_ASSERT_EQUAL(back->wans[0].macs.n, 2);
	CU_ASSERT_STRING_EQUAL(back->wans[0].macs.rows[0], "02:00:00:00:00:01");
	CU_ASSERT_STRING_EQUAL(back->wans[0].macs.rows[1], "a?b?");
	ledger_drop(back);
	/* a list with a number in it is none of ours */
	copy = strdup(text);
	free(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(copy, "\"02:00:00:00:00:01\""));
	memcpy(strstr(copy, "\"02:00:00:00:00:01\""), "1                  ", 19);
	back = load(copy, size, false);
	ledger_drop(back);
	free(copy);
	ledger_drop(ledger);
}

/* Ledgers from before these words load, and have none. */
static void test_old(void)
{
	struct ledger *ledger = ledger_of(""), *back;
	size_t size;
	char *text = save(ledger, &size);

	CU_ASSERT_PTR_NULL(strstr(text, "devices"));
	back = load(text, size, true);
	same_words(back, "");
	ledger_drop(back);
	free(text);
	ledger_drop(ledger);
}

void suite_names(void)
{
	CU_pSuite suite = CU_add_suite("names", NULL, NULL);

	CU_add_test(suite, "bounded", test_bounded);
	CU_add_test(suite, "merge", test_merge);
	CU_add_test(suite, "saved", test_saved);
	CU_add_test(suite, "old ledgers", test_old);
}
