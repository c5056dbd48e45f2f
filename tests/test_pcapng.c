/* SPDX-License-Identifier: MIT
 *
 * test_pcapng.c - blocks that the recorder composes, against the draft field by field, against the
 * project's own reader, and against capinfos and tshark where they are installed.
 */
#include "../capture/pcapng.h"
#include "../capture/savefile.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void suite_pcapng(void);

#define TS 0x1122334455667788ull

/* ---- an oracle that is plain: a field at a time ---- */

struct build {
	uint8_t bytes[1024];
	size_t n;
};

static void put(struct build *b, const void *bytes, size_t n)
{
	memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
	while (b->n % 4)
		b->bytes[b->n++] = 0;
}

static void put32(struct build *b, uint32_t value)
{
	put(b, &value, 4);
}

static void put_option(struct build *b, uint16_t code, const void *value, uint16_t length)
{
	memcpy(b->bytes + b->n, &code, 2);
	memcpy(b->bytes + b->n + 2, &length, 2);
	b->n += 4;
	put(b, value, length);
}

static struct build expected_packet(const uint8_t *data, uint32_t caplen, uint8_t mark,
                                    uint16_t segment_size)
{
	struct build b = {.n = 0};
	uint32_t flags = mark;
	char text[32];

	put32(&b, 6);
	put32(&b, 0);
	put32(&b, 3);
	put32(&b, 0x11223344);
	put32(&b, 0x55667788);
	put32(&b, caplen);
	put32(&b, 9000);
	put(&b, data, caplen);
	if (mark == MARK_IN || mark == MARK_OUT)
		put_option(&b, 2, &flags, 4);
	if (segment_size)
		put_option(&b, 1, text,
		           (uint16_t)snprintf(text, sizeof(text), "segment_size=%u", segment_size));
	if (mark == MARK_IN || mark == MARK_OUT || segment_size)
		put32(&b, 0);
	put32(&b, (uint32_t)b.n + 4);
	uint32_t size = (uint32_t)b.n;
	memcpy(b.bytes + 4, &size, 4);
	return b;
}

/* A frame of every length 0..130, every mark, without and with a segment size: byte for byte, and
 * never a byte behind what pcapng_packet_size() says. */
static void test_packet(void)
{
	static const uint16_t sizes[] = {0, 1, 99, 1448, 65535};
	uint8_t data[130], at[1024];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i + 1);
	for (unsigned n = 0; n < 131 * 4 * 5; n++) {
		uint32_t caplen = n % 131;
		uint8_t mark = (uint8_t)(n / 131 % 4);
		uint16_t size = sizes[n / 131 / 4];
		struct build want = expected_packet(data, caplen, mark, size);
		memset(at, 0xee, sizeof(at));
		size_t got = pcapng_packet(at, 3, TS, data, caplen, 9000, mark, size);
		if (got != want.n || memcmp(at, want.bytes, got) != 0)
			CU_FAIL("a block differs");
		size_t most = pcapng_packet_size(caplen);
		if (got > most)
			CU_FAIL("a block longer than its most");
		while (most < sizeof(at) && at[most] == 0xee)
			most++;
		CU_ASSERT_EQUAL(most, sizeof(at));
	}
}

/* ---- what our reader sees ---- */

static const struct ipaddr own[2] = {{4, {192, 0, 2, 7}}, {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
static const uint8_t prefix[2] = {20, 64}, mac[6] = {2, 0, 0, 1, 2, 3};

static const struct pcapng_interface wan = {
	.name = "wwan0",
	.description = "LTE",
	.filter = "not port 22",
	.hardware = "qmi_wwan",
	.os = "Linux 6.1",
	.own = own,
	.prefix = prefix,
	.n_own = 2,
	.mac = mac,
	.speed_bits = 1000000000,
	.snaplen = 160,
	.linktype = LINK_ETHERNET,
	.notes = {"mptcp-captured/1 interface wan=wwan0", "second"},
	.n_notes = 2,
};

static const struct pcapng_statistics counts = {
	.interface = 0,
	.at_ns = TS,
	.start_ns = TS - 5,
	.end_ns = TS - 1,
	.received = 1ull << 40,
	.dropped_kernel = 17,
	.dropped_own = 1ull << 33,
	.delivered = 12,
	.notes = {"mptcp-captured/1 end reason=stop"},
	.n_notes = 1,
};

/* The value of an option of a block, or NULL. */
static const uint8_t *find_option(const uint8_t *block, size_t fixed, uint16_t code,
                                  uint16_t *length)
{
	uint32_t size;
	uint16_t head[2];

	memcpy(&size, block + 4, 4);
	for (size_t at = fixed; at + 8 <= size; at += 4 + ((head[1] + 3u) & ~3u)) {
		memcpy(head, block + at, 4);
		if (head[0] == code) {
			*length = head[1];
			return block + at + 4;
		}
	}
	return NULL;
}

static void check_option(const uint8_t *block, size_t fixed, uint16_t code, const void *value,
                         size_t n)
{
	uint16_t length = 0;
	const uint8_t *got = find_option(block, fixed, code, &length);

	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT_EQUAL(length, n);
	CU_ASSERT(length == n && memcmp(got, value, n) == 0);
}

static size_t make_file(uint8_t *at)
{
	uint8_t data[60] = {1};
	size_t n = pcapng_section(at, "box", "Linux", "mptcp-captured 1");

	n += pcapng_interface(at + n, &wan);
	n += pcapng_packet(at + n, 0, TS, data, sizeof(data), 1514, MARK_OUT, 1448);
	n += pcapng_packet(at + n, 0, TS + 1, data, 59, 59, MARK_IN, 0);
	n += pcapng_packet(at + n, 0, TS + 2, data, 1, 60, MARK_NONE, 0);
	return n + pcapng_statistics(at + n, &counts);
}

static void test_reader(void)
{
	static const uint8_t marks[3] = {MARK_OUT, MARK_IN, MARK_NONE};
	static const uint32_t lengths[3] = {60, 59, 1};
	uint8_t *file = malloc(5 * PCAPNG_BLOCK_MAX);
	struct savefile_interface interface;
	struct savefile savefile;
	struct savefile_record record;
	unsigned frames = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	size_t n = make_file(file), at = 0;
	CU_ASSERT_EQUAL_FATAL(savefile_begin(&savefile, file, n, &interface, 1), 0);
	CU_ASSERT_FALSE(savefile.swapped);
	while (at < n) {
		switch (savefile_next(&savefile, file + at, n - at, &record)) {
		case SAVEFILE_FRAME:
			CU_ASSERT_EQUAL(record.ts_ns, TS + frames);
			CU_ASSERT_EQUAL(record.caplen, lengths[frames]);
			CU_ASSERT_EQUAL(record.mark, marks[frames]);
			frames++;
			break;
		case SAVEFILE_INTERFACE:
		case SAVEFILE_STATISTICS:
		case SAVEFILE_SKIP:
			break;
		default:
			CU_FAIL_FATAL("the reader does not like it");
		}
		at += record.size;
	}
	CU_ASSERT_EQUAL(frames, 3);
	CU_ASSERT_STRING_EQUAL(interface.name, "wwan0");
	CU_ASSERT(interface.filtered && interface.snaplen == 160 && interface.linktype == 1);
	CU_ASSERT_EQUAL_FATAL(interface.n_own, 2);
	CU_ASSERT(memcmp(interface.own, own, sizeof(own)) == 0);
	free(file);
}

static void test_descriptions(void)
{
	static const uint8_t netmask[8] = {192, 0, 2, 7, 255, 255, 240, 0}, nine = 9;
	uint8_t block[PCAPNG_BLOCK_MAX], six[17];
	const uint32_t start[2] = {0x11223344, 0x55667783}, end[2] = {0x11223344, 0x55667787};
	const uint64_t speed = 1000000000, kernel = 17, ours = 1ull << 33, all = 1ull << 40,
		       to = 12;

	memcpy(six, own[1].bytes, 16);
	six[16] = 64;
	pcapng_interface(block, &wan);
	check_option(block, 16, 4, netmask, 8);
	check_option(block, 16, 5, six, 17);
	check_option(block, 16, 6, mac, 6);
	check_option(block, 16, 8, &speed, 8);
	check_option(block, 16, 9, &nine, 1);
	check_option(block, 16, 11, "\0not port 22", 12);
	check_option(block, 16, 3, "LTE", 3);
	check_option(block, 16, 12, "Linux 6.1", 9);
	check_option(block, 16, 15, "qmi_wwan", 8);
	check_option(block, 16, 1, wan.notes[0], strlen(wan.notes[0]));
	pcapng_statistics(block, &counts);
	check_option(block, 20, 2, start, 8);
	check_option(block, 20, 3, end, 8);
	check_option(block, 20, 4, &all, 8);
	check_option(block, 20, 5, &ours, 8);
	check_option(block, 20, 7, &kernel, 8);
	check_option(block, 20, 8, &to, 8);
	check_option(block, 20, 1, counts.notes[0], strlen(counts.notes[0]));
}

/* More than fits: whole options are missing, the most important ones are there. */
static void test_too_much(void)
{
	static char note[1024], filter[9000];
	uint8_t block[PCAPNG_BLOCK_MAX + 16];
	struct pcapng_interface much = wan;
	uint32_t size;
	uint16_t length;

	memset(note, 'n', sizeof(note) - 1);
	memset(filter, 'f', sizeof(filter) - 1);
	much.filter = filter;
	much.n_notes = PCAPNG_NOTES;
	for (unsigned i = 0; i < PCAPNG_NOTES; i++)
		much.notes[i] = note;
	memset(block, 0xee, sizeof(block));
	size_t n = pcapng_interface(block, &much);
	memcpy(&size, block + n - 4, 4);
	CU_ASSERT(n <= PCAPNG_BLOCK_MAX && n % 4 == 0);
	CU_ASSERT_EQUAL(size, n);
	CU_ASSERT_EQUAL(block[n], 0xee);
	CU_ASSERT_PTR_NOT_NULL(find_option(block, 16, 2, &length));
	CU_ASSERT_PTR_NOT_NULL(find_option(block, 16, 11, &length));
	CU_ASSERT_EQUAL(length, 4001);
	CU_ASSERT_PTR_NOT_NULL(find_option(block, 16, 1, &length));
}

/* ---- what others see ---- */

static bool installed(const char *tool)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", tool);
	return system(command) == 0;
}

/* Does the command, run on the file, print the line? */
static bool prints(const char *command, const char *path, const char *want)
{
	char line[512];
	bool found = false;

	snprintf(line, sizeof(line), "%s %s 2>&1", command, path);
	FILE *out = popen(line, "r");
	while (out && fgets(line, sizeof(line), out))
		found |= strstr(line, want) != NULL;
	return out && pclose(out) == 0 && found;
}

static void test_others(void)
{
	char path[] = "/tmp/test-pcapng-XXXXXX";
	uint8_t *file = malloc(5 * PCAPNG_BLOCK_MAX);
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0 && file);
	size_t n = make_file(file);
	CU_ASSERT_EQUAL(write(fd, file, n), (ssize_t)n);
	close(fd);
	free(file);
	if (!installed("capinfos") || !installed("tshark")) {
		printf("skip pcapng/others: capinfos or tshark is not installed\n");
		unlink(path);
		return;
	}
	static const struct {
		const char *command, *want;
	} checks[] = {
		{"capinfos -M", "Number of packets:   3"},
		{"capinfos -M", "Capture application: mptcp-captured 1"},
		{"capinfos -M", "Name = wwan0"},
		{"capinfos -M", "Description = LTE"},
		{"capinfos -M", "Hardware = qmi_wwan"},
		{"capinfos -M", "Speed = 1000000000"},
		{"capinfos -M", "Filter string = not port 22"},
		{"capinfos -M", "Time precision = nanoseconds (9)"},
		{"capinfos -M", "Number of stat entries = 1"},
		{"tshark -T fields -e frame.comment -e frame.cap_len -r", "segment_size=1448\t60"},
		{"tshark -T fields -e frame.packet_flags_direction -r", "0x00000002"},
		{"tshark -T fields -e frame.time_epoch -r", "1234605616.436508552"},
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!prints(checks[i].command, path, checks[i].want))
			CU_FAIL(checks[i].want);
	unlink(path);
}

void suite_pcapng(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"packets byte for byte", test_packet},
		{"our reader", test_reader},
		{"descriptions and statistics", test_descriptions},
		{"more than fits", test_too_much},
		{"capinfos and tshark", test_others},
	};
	CU_pSuite suite = CU_add_suite("pcapng", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
