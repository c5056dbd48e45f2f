/* SPDX-License-Identifier: MIT
 *
 * fuzz_uci.c - any bytes as a UCI file, and what is expected from it: bounded, terminated, and the
 * same when it is told twice.
 */
#include "../../report/uci.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expect *expect = calloc(1, sizeof(*expect));
	struct uci *uci = uci_new();
	FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	unsigned wans;

	MUST(expect && uci);
	expect_init(expect);
	if (file) {
		MUST(uci_read(uci, file, "network", "network", expect) != UCI_NO_MEMORY);
		rewind(file);
		MUST(uci_read(uci, file, "openmptcprouter", "openmptcprouter", expect) !=
		     UCI_NO_MEMORY);
		fclose(file);
	}
	uci_expect(uci, expect);
	wans = expect->n_wans;
	MUST(wans <= EXPECT_WANS && expect->n_notes <= EXPECT_NOTES);
	uci_expect(uci, expect);
	MUST(expect->n_wans == wans);
	for (unsigned i = 0; i < wans; i++) {
		MUST(memchr(expect->wans[i].name, 0, EXPECT_WORD));
		MUST(expect->wans[i].n_devices <= EXPECT_NAMES);
		MUST(expect->wans[i].n_own <= EXPECT_NETWORKS);
	}
	uci_free(uci);
	free(expect);
	return 0;
}
