/* SPDX-License-Identifier: MIT
 *
 * fuzz_thin.c - any bytes as a capture to thin: what comes out must be read to its end without
 * complaint, hold the frames that it says, and thin again to what it says. The first three bytes
 * choose what is kept.
 */
#include "../../capture/savefile.h"
#include "../../capture/thin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

#define ROOM (1 << 20)

static int input(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* A directory of its own, which goes with the file in it. */
static size_t thin(const uint8_t *bytes, size_t n, const struct thin_list *list, uint8_t *out,
                   struct thin_result *result)
{
	char path[] = "/dev/shm/fuzz_thin.XXXXXX", other[] = "/tmp/fuzz_thin.XXXXXX", *made;
	ssize_t got = 0;

	made = mkdtemp(path);
	made = made ? made : mkdtemp(other);
	MUST(made);
	int dir = open(made, O_RDONLY | O_DIRECTORY);
	const struct thin_output output = {.dir = dir,
	                                   .part = "part",
	                                   .name = "out",
	                                   .file = "a capture",
	                                   .wan = "wan1",
	                                   .most = ROOM};
	int error = thin_file(input(bytes, n), list, &output, result);
	int fd = openat(dir, "out", O_RDONLY);
	MUST(error == 0 || error == -EBADMSG || error == -EFBIG);
	if (fd >= 0) {
		got = read(fd, out, ROOM);
		close(fd);
	}
	MUST(got >= 0 && (uint64_t)got == (error ? 0 : result->bytes));
	unlinkat(dir, "out", 0);
	MUST(unlinkat(dir, "part", 0) != 0);
	close(dir);
	MUST(rmdir(made) == 0);
	return (size_t)got;
}

static uint64_t must_read(const uint8_t *bytes, size_t n)
{
	static struct savefile_interface interfaces[SAVEFILE_INTERFACES_MAX];
	struct savefile savefile;
	struct savefile_record record;
	uint64_t frames = 0;

	MUST(savefile_begin(&savefile, bytes, n, interfaces, SAVEFILE_INTERFACES_MAX) == 0);
	for (size_t at = 0; at < n; at += record.size) {
		enum savefile_item item = savefile_next(&savefile, bytes + at, n - at, &record);
		MUST(item == SAVEFILE_FRAME || item == SAVEFILE_INTERFACE ||
		     item == SAVEFILE_STATISTICS || item == SAVEFILE_SKIP);
		frames += item == SAVEFILE_FRAME;
	}
	return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[ROOM], second[ROOM];
	const uint64_t numbers[] = {1, 3, 4, 20};
	struct thin_result result;

	if (size < 3)
		return 0;
	const struct thin_span spans[] = {{(uint64_t)data[1] << 52, (uint64_t)data[2] << 54}};
	struct thin_list list = {.as = (enum thin_reason)(data[0] % THIN_REASONS),
	                         .numbers = numbers,
	                         .n_numbers = data[1] % 5,
	                         .spans = spans,
	                         .n_spans = spans[0].from_ns <= spans[0].to_ns};
	size_t n = thin(data + 3, size - 3, &list, first, &result);
	if (!n)
		return 0;
	MUST(must_read(first, n) == result.kept);
	uint64_t kept = result.kept;
	list = (struct thin_list){.as = list.as == THIN_WHOLE ? THIN_EVENTS : list.as};
	n = thin(first, n, &list, second, &result);
	MUST(result.frames == kept && result.kept <= kept);
	if (n)
		MUST(must_read(second, n) == result.kept);
	return 0;
}
