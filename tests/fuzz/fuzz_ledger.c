/* SPDX-License-Identifier: MIT
 *
 * fuzz_ledger.c - any bytes into ledger_load(). What loads must keep law 1, save and load to the
 * same bytes, and have the empty ledger as its zero.
 */
#include "../../dissect/ledger.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static struct ledger *load(const void *data, size_t size)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	char message[200] = "";

	MUST(ledger && file);
	if (!ledger_load(ledger, file, message, sizeof(message))) {
		MUST(message[0]);
		free(ledger);
		ledger = NULL;
	}
	fclose(file);
	return ledger;
}

static char *save(const struct ledger *ledger, size_t *size)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, size);

	MUST(file && ledger_save(ledger, file) == 0);
	fclose(file);
	return text;
}

static void drop(struct ledger *ledger)
{
	ledger_release(ledger);
	free(ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger *ledger = size ? load(data, size) : NULL, *back, *sum;
	size_t length, again;
	char *text, *other, reason[200];

	if (!ledger)
		return 0;
	MUST(!ledger_check(ledger, reason, sizeof(reason)));
	text = save(ledger, &length);
	back = load(text, length);
	MUST(back);
	other = save(back, &again);
	MUST(length == again && !memcmp(text, other, length));
	free(other);
	sum = calloc(1, sizeof(*sum));
	MUST(sum);
	MUST(ledger_merge(sum, ledger));
	other = save(sum, &again);
	MUST(length == again && !memcmp(text, other, length));
	MUST(ledger_merge(sum, back));
	MUST(!ledger_check(sum, reason, sizeof(reason)));
	free(text);
	free(other);
	drop(ledger);
	drop(back);
	drop(sum);
	return 0;
}
