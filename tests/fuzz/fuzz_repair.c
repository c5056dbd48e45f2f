/* SPDX-License-Identifier: MIT
 *
 * fuzz_repair.c - any bytes as a file that an earlier run left unfinished, plain and packed. What
 * is kept of it, with what is said behind it, must be read to its end without complaint, and must
 * not be cut any more when it is examined again.
 */
#include "../../capture/savefile.h"
#include "../../capture/spool_repair.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static struct repair examine(const uint8_t *bytes, size_t size, bool packed)
{
	struct repair repair;
	int fd = memfd_create("left", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	if (repair_examine(fd, size, packed, 1, &repair) != 0)
		MUST(repair.keep == 0 && !repair.tail);
	close(fd);
	MUST(repair.keep <= size);
	return repair;
}

static uint8_t *join(const uint8_t *bytes, const struct repair *repair, size_t *n)
{
	uint8_t *all = malloc(repair->keep + repair->n_tail + 1);

	MUST(all);
	memcpy(all, bytes, repair->keep);
	if (repair->n_tail)
		memcpy(all + repair->keep, repair->tail, repair->n_tail);
	*n = repair->keep + repair->n_tail;
	return all;
}

static void must_read(const uint8_t *bytes, size_t n)
{
	struct savefile_interface interfaces[64];
	struct savefile savefile;
	struct savefile_record record;

	MUST(savefile_begin(&savefile, bytes, n, interfaces, 64) == 0);
	for (size_t at = 0; at < n; at += record.size) {
		enum savefile_item item = savefile_next(&savefile, bytes + at, n - at, &record);
		MUST(item == SAVEFILE_FRAME || item == SAVEFILE_INTERFACE ||
		     item == SAVEFILE_STATISTICS || item == SAVEFILE_SKIP);
	}
}

static void repair_twice(const uint8_t *data, size_t size, bool packed)
{
	struct repair first = examine(data, size, packed), second;
	size_t n;

	if (first.keep) {
		uint8_t *all = join(data, &first, &n);
		if (!packed)
			must_read(all, n);
		second = examine(all, n, packed);
		MUST(second.keep == n);
		repair_release(&second);
		free(all);
	}
	repair_release(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packed[1 << 20];

	repair_twice(data, size, false);
	repair_twice(data, size, true);
	/* the same bytes, as they would lie in frames of zstd */
	if (size > SPOOL_APPEND / 2)
		return 0;
	size_t half = size / 8 * 4;
	size_t n = ZSTD_compress(packed, sizeof(packed), data, half, 1);
	size_t m = ZSTD_isError(n) ? n
	                           : ZSTD_compress(packed + n, sizeof(packed) - n, data + half,
	                                           size - half, 1);
	if (!ZSTD_isError(m))
		repair_twice(packed, n + m, true);
	return 0;
}
