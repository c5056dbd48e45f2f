/* SPDX-License-Identifier: MIT
 *
 * fuzz_rewrite.c - any bytes as a capture to rewrite: what comes out is read to the same end, with
 * the same frames at the same times.
 */
#include "../../capture/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../capture/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

#define FRAMES 256

static int input(const uint8_t *bytes, size_t n)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* ---- the hand: cuts each frame by half, and is seen in its bytes ---- */

/* A pcap's record without bytes, at the second that is the magic number, begins another file. */
static uint32_t half_of(uint32_t caplen)
{
	return (caplen + 1) / 2;
}

static uint32_t half(void *context, const struct frame *frame, uint8_t *data)
{
	(void)context;
	MUST(frame->data == data && frame->caplen <= SAVEFILE_FRAME_MAX);
	memset(data, 0x5a, frame->caplen);
	return half_of(frame->caplen);
}

static void no_address(void *context, struct ipaddr *address)
{
	(void)context;
	memset(address->bytes, 0, sizeof(address->bytes));
}

static void no_mac(void *context, uint8_t mac[6])
{
	(void)context;
	memset(mac, 0, 6);
}

static const char *call(void *context, enum rewrite_name what, const char *name)
{
	(void)context;
	(void)what;
	return name[0] == 'x' ? NULL : "called";
}

/* ---- what is read ---- */

struct told {
	uint64_t ts_ns[FRAMES];
	uint32_t caplen[FRAMES], wire[FRAMES], drops[FRAMES];
	bool timeless[FRAMES]; /* a simple packet block: its time is of the frame before it */
	uint64_t frames;
	const char *flaw;
	bool good;
};

static void look(int fd, struct told *told)
{
	struct records records;
	struct savefile_record record;
	enum savefile_item item;
	const uint8_t *bytes;
	int found = -1;

	*told = (struct told){0};
	if (records_open(&records, fd) == 0)
		while ((found = records_next(&records, &item, &bytes, &record)) > 0) {
			if (item != SAVEFILE_FRAME)
				continue;
			if (told->frames < FRAMES) {
				told->ts_ns[told->frames] = record.ts_ns;
				told->caplen[told->frames] = record.caplen;
				told->wire[told->frames] = record.wire_len;
				told->drops[told->frames] = record.drops;
				told->timeless[told->frames] =
					records.savefile.ng &&
					savefile_u32(&records.savefile, bytes) == 3;
			}
			told->frames++;
		}
	told->good = found == 0;
	told->flaw = records.flaw;
	records_close(&records);
}

static void must_agree(const struct told *was, const struct told *is)
{
	uint64_t n = was->frames < FRAMES ? was->frames : FRAMES;

	MUST(is->good && was->frames == is->frames);
	MUST((was->flaw != NULL) == (is->flaw != NULL));
	MUST(!was->flaw || strcmp(was->flaw, is->flaw) == 0);
	for (uint64_t i = 0; i < n; i++) {
		MUST(was->timeless[i] || was->ts_ns[i] == is->ts_ns[i]);
		MUST(was->wire[i] == is->wire[i]);
		MUST(half_of(was->caplen[i]) == is->caplen[i] && was->drops[i] == is->drops[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rewrite_hand hand = {half, no_address, no_mac, call, NULL};
	char path[] = "/dev/shm/fuzz_rewrite.XXXXXX", other[] = "/tmp/fuzz_rewrite.XXXXXX", *made;
	static struct told was, is;
	struct rewrite_result result;

	made = mkdtemp(path);
	made = made ? made : mkdtemp(other);
	MUST(made);
	int dir = open(made, O_RDONLY | O_DIRECTORY);
	const struct rewrite_output output = {.dir = dir, .part = "part", .name = "out"};
	look(input(data, size), &was);
	int error = rewrite_file(input(data, size), &hand, &output, &result);
	MUST(error == (was.good ? 0 : -EBADMSG));
	int fd = openat(dir, "out", O_RDONLY);
	MUST((fd >= 0) == (error == 0));
	if (fd >= 0) {
		look(fd, &is);
		MUST(result.frames == was.frames);
		must_agree(&was, &is);
	}
	unlinkat(dir, "out", 0);
	MUST(unlinkat(dir, "part", 0) != 0);
	close(dir);
	MUST(rmdir(made) == 0);
	return 0;
}
