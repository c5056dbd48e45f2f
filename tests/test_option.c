/* SPDX-License-Identifier: MIT
 *
 * test_option.c - every MPTCP option of both versions: bytes, what tcpdump says of them, and what
 * must be read.
 *
 * Oracles: the RFC section above the rows, and tcpdump run on the same bytes. tcpdump 4.99 knows no
 * MP_TCPRST and not the longest MP_CAPABLE: there the RFC stands alone. Every prefix of every row
 * lies flush against a guard page.
 */
#include "../dissect/describe.h"
#include "craft.h"
#include "guard.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void suite_option(void);

enum { SYN = 2, RST = 4, ACK = 16, HEADER = 40 };

struct row {
	uint8_t flags;
	uint8_t len;
	const char *bytes;
	const char *tcpdump; /* part of its line; "" = it has no words for it */
	const char *ours;
};

static const struct row rows[] = {
	/* RFC 6824 section 3.1 */
	{SYN, 12, "\x1e\x0c\x00\x81\x01\x02\x03\x04\x05\x06\x07\x08",
         "capable v0 csum {0x102030405060708}", "capable v0 flags 0x81 key 0x0102030405060708"},
	{SYN | ACK, 12, "\x1e\x0c\x00\x01\x01\x02\x03\x04\x05\x06\x07\x08",
         "capable v0 {0x102030405060708}", "capable v0 flags 0x01 key 0x0102030405060708"},
	{ACK, 20,
         "\x1e\x14\x00\x01\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
         "capable v0 {0x102030405060708,0x1112131415161718}",
         "capable v0 flags 0x01 key 0x0102030405060708 key 0x1112131415161718"},
	/* RFC 8684 section 3.1 */
	{SYN, 4, "\x1e\x04\x01\x21", "capable v1", "capable v1 flags 0x21"},
	{SYN | ACK, 12, "\x1e\x0c\x01\x81\x01\x02\x03\x04\x05\x06\x07\x08",
         "capable v1 csum {0x102030405060708}", "capable v1 flags 0x81 key 0x0102030405060708"},
	{ACK, 20,
         "\x1e\x14\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
         "capable v1 {0x102030405060708,0x1112131415161718}",
         "capable v1 flags 0x01 key 0x0102030405060708 key 0x1112131415161718"},
	{ACK, 22,
         "\x1e\x16\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x00\x64",
         "capable v1 {0x102030405060708,0x1112131415161718}",
         "capable v1 flags 0x01 key 0x0102030405060708 key 0x1112131415161718 data_len 100"},
	{ACK, 24,
         "\x1e\x18\x01\x81\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x00\x64"
         "\xbe\xef",
         "",
         "capable v1 flags 0x81 key 0x0102030405060708 key 0x1112131415161718 data_len 100 csum "
         "0xbeef"},
	/* RFC 8684 section 3.2 */
	{SYN, 12, "\x1e\x0c\x11\x02\x0a\x0b\x0c\x0d\x00\x00\x12\x34",
         "join backup id 2 token 0xa0b0c0d nonce 0x1234",
         "join backup id 2 token 0xa0b0c0d nonce 0x1234"},
	{SYN, 12, "\x1e\x0c\x10\x02\x0a\x0b\x0c\x0d\x00\x00\x12\x34",
         "join id 2 token 0xa0b0c0d nonce 0x1234", "join id 2 token 0xa0b0c0d nonce 0x1234"},
	{SYN | ACK, 16, "\x1e\x10\x10\x03\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x12\x34",
         "join id 3 hmac 0x102030405060708 nonce 0x1234",
         "join id 3 hmac 0x0102030405060708 nonce 0x1234"},
	{ACK, 24,
         "\x1e\x18\x10\x00\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1"
         "\xb2\xb3",
         "join hmac 0xa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3",
         "join hmac 0xa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"},
	/* RFC 8684 section 3.3 */
	{ACK, 4, "\x1e\x04\x20\x00", "dss", "dss"},
	{ACK, 8, "\x1e\x08\x20\x01\x00\x00\x00\x05", "dss ack 5", "dss ack 5"},
	{ACK, 12, "\x1e\x0c\x20\x03\x01\x02\x03\x04\x05\x06\x07\x08", "dss ack 72623859790382856",
         "dss ack 72623859790382856"},
	{ACK, 14, "\x1e\x0e\x20\x04\x00\x00\x00\x07\x00\x00\x00\x03\x00\xc8",
         "dss seq 7 subseq 3 len 200", "dss seq 7 subseq 3 len 200"},
	{ACK, 18, "\x1e\x12\x20\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x03\x00\xc8",
         "dss seq 72623859790382856 subseq 3 len 200",
         "dss seq 72623859790382856 subseq 3 len 200"},
	{ACK, 20,
         "\x1e\x14\x20\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x03\x00\xc8\x12\x34",
         "dss seq 72623859790382856 subseq 3 len 200 csum 0x1234",
         "dss seq 72623859790382856 subseq 3 len 200 csum 0x1234"},
	{ACK, 18, "\x1e\x12\x20\x05\x00\x00\x00\x05\x00\x00\x00\x07\x00\x00\x00\x03\x00\xc8",
         "dss ack 5 seq 7 subseq 3 len 200", "dss ack 5 seq 7 subseq 3 len 200"},
	{ACK, 22,
         "\x1e\x16\x20\x0d\x00\x00\x00\x05\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x03\x00\xc8",
         "dss ack 5 seq 72623859790382856 subseq 3 len 200",
         "dss ack 5 seq 72623859790382856 subseq 3 len 200"},
	{ACK, 22,
         "\x1e\x16\x20\x07\x11\x12\x13\x14\x15\x16\x17\x18\x00\x00\x00\x07\x00\x00\x00\x03\x00\xc8",
         "dss ack 1230066625199609624 seq 7 subseq 3 len 200",
         "dss ack 1230066625199609624 seq 7 subseq 3 len 200"},
	{ACK, 28,
         "\x1e\x1c\x20\x0f\x11\x12\x13\x14\x15\x16\x17\x18\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00"
         "\x00\x03\x00\xc8\x12\x34",
         "dss ack 1230066625199609624 seq 72623859790382856 subseq 3 len 200 csum 0x1234",
         "dss ack 1230066625199609624 seq 72623859790382856 subseq 3 len 200 csum 0x1234"},
	{ACK, 18, "\x1e\x12\x20\x1c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x01",
         "dss fin seq 72623859790382856 subseq 0 len 1",
         "dss fin seq 72623859790382856 subseq 0 len 1"},
	/* RFC 6824 section 3.4.1: the low nibble is the IP version */
	{ACK, 8, "\x1e\x08\x34\x05\xc0\x00\x02\x07", "add-addr v0-ip4 id 5 192.0.2.7",
         "add-addr id 5 192.0.2.7"},
	{ACK, 10, "\x1e\x0a\x34\x05\xc0\x00\x02\x07\x01\xbb", "add-addr v0-ip4 id 5 192.0.2.7:443",
         "add-addr id 5 192.0.2.7:443"},
	{ACK, 20,
         "\x1e\x14\x36\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07",
         "add-addr v0-ip6 id 5 2001:db8::7", "add-addr id 5 2001:db8::7"},
	{ACK, 22,
         "\x1e\x16\x36\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x01\xbb",
         "add-addr v0-ip6 id 5 2001:db8::7:443", "add-addr id 5 [2001:db8::7]:443"},
	/* RFC 8684 section 3.4.1: with an HMAC, or as an echo without */
	{ACK, 16, "\x1e\x10\x30\x05\xc0\x00\x02\x07\x01\x02\x03\x04\x05\x06\x07\x08",
         "add-addr v1 id 5 192.0.2.7 hmac 0x102030405060708",
         "add-addr id 5 192.0.2.7 hmac 0x0102030405060708"},
	{ACK, 18, "\x1e\x12\x30\x05\xc0\x00\x02\x07\x01\xbb\x01\x02\x03\x04\x05\x06\x07\x08",
         "add-addr v1 id 5 192.0.2.7:443 hmac 0x102030405060708",
         "add-addr id 5 192.0.2.7:443 hmac 0x0102030405060708"},
	{ACK, 28,
         "\x1e\x1c\x30\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x01\x02"
         "\x03\x04\x05\x06\x07\x08",
         "add-addr v1 id 5 2001:db8::7 hmac 0x102030405060708",
         "add-addr id 5 2001:db8::7 hmac 0x0102030405060708"},
	{ACK, 30,
         "\x1e\x1e\x30\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x01\xbb"
         "\x01\x02\x03\x04\x05\x06\x07\x08",
         "add-addr v1 id 5 2001:db8::7:443 hmac 0x102030405060708",
         "add-addr id 5 [2001:db8::7]:443 hmac 0x0102030405060708"},
	{ACK, 8, "\x1e\x08\x31\x05\xc0\x00\x02\x07", "add-addr v1-echo id 5 192.0.2.7",
         "add-addr echo id 5 192.0.2.7"},
	{ACK, 10, "\x1e\x0a\x31\x05\xc0\x00\x02\x07\x01\xbb", "add-addr v1-echo id 5 192.0.2.7:443",
         "add-addr echo id 5 192.0.2.7:443"},
	{ACK, 20,
         "\x1e\x14\x31\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07",
         "add-addr v1-echo id 5 2001:db8::7", "add-addr echo id 5 2001:db8::7"},
	{ACK, 22,
         "\x1e\x16\x31\x05\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x01\xbb",
         "add-addr v1-echo id 5 2001:db8::7:443", "add-addr echo id 5 [2001:db8::7]:443"},
	/* RFC 8684 sections 3.4.2, 3.3.8, 3.7, 3.5, 3.6; MP_PRIO with an id: RFC 6824 section 3.3.8
         */
	{ACK, 4, "\x1e\x04\x40\x05", "rem-addr id 5", "rem-addr id 5"},
	{ACK, 6, "\x1e\x06\x40\x05\x06\x07", "rem-addr id 5 6 7", "rem-addr id 5 6 7"},
	{ACK, 3, "\x1e\x03\x51", "prio backup", "prio backup"},
	{ACK, 3, "\x1e\x03\x50", "prio non-backup", "prio normal"},
	{ACK, 4, "\x1e\x04\x51\x05", "prio backup id 5", "prio backup id 5"},
	{ACK, 12, "\x1e\x0c\x60\x00\x01\x02\x03\x04\x05\x06\x07\x08", "fail seq 72623859790382856",
         "fail seq 72623859790382856"},
	{ACK, 12, "\x1e\x0c\x70\x00\x01\x02\x03\x04\x05\x06\x07\x08",
         "fast-close key 0x102030405060708", "fast-close key 0x0102030405060708"},
	{RST, 4, "\x1e\x04\x81\x03", "unknown", "tcprst flags 0x1 reason 0x03"},
	/* several in one segment */
	{ACK, 20,
         "\x1e\x08\x31\x05\xc0\x00\x02\x07\x1e\x08\x20\x01\x00\x00\x00\x05\x1e\x04\x50\x05",
         "add-addr v1-echo id 5 192.0.2.7,mptcp 8 dss ack 5,mptcp 4 prio non-backup id 5",
         "dss ack 5, add-addr echo id 5 192.0.2.7, prio normal id 5"},
	{ACK, 14, "\x1e\x08\x20\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00", "dss ack 5",
         "dss ack 5"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void packet(struct craft *c, uint8_t flags, const char *bytes, uint8_t len)
{
	struct craft_tcp t = {.family = 4,
	                      .src = 1,
	                      .dst = 2,
	                      .sport = 40000,
	                      .dport = 443,
	                      .seq = 1,
	                      .ack = 1,
	                      .flags = flags,
	                      .window = 500};

	craft_option(&t.options, bytes, len);
	c->len = 0;
	craft_segment(c, &t);
}

static void read_raw(const uint8_t *data, uint32_t caplen, uint32_t wire_len, struct segment *s,
                     struct options *o)
{
	struct frame f = {
		.data = data, .caplen = caplen, .wire_len = wire_len, .linktype = LINK_RAW};

	decode_frame(&f, s);
	if (s->result == DECODE_TCP)
		options_read(o, s);
}

static void test_every_option(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct craft c;
		struct segment s;
		struct options o;
		char text[160];
		packet(&c, rows[i].flags, rows[i].bytes, rows[i].len);
		read_raw(c.bytes, c.len, c.len, &s, &o);
		CU_ASSERT_EQUAL_FATAL(s.result, DECODE_TCP);
		CU_ASSERT(o.any_mptcp && !o.malformed && !o.cut && !o.cut_inside && !o.unknown);
		describe_options(&s, text, sizeof(text));
		if (strcmp(text, rows[i].ours))
			printf("%s\n\tis %s\n", rows[i].ours, text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].ours);
	}
}

/* ---- the same bytes through tcpdump ---- */

static bool write_savefile(const char *path)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, LINK_RAW};
	FILE *file = fopen(path, "wb");

	if (!file)
		return false;
	fwrite(header, sizeof(header), 1, file);
	for (size_t i = 0; i < ROWS; i++) {
		struct craft c;
		packet(&c, rows[i].flags, rows[i].bytes, rows[i].len);
		uint32_t record[4] = {1700000000, 0, c.len, c.len};
		fwrite(record, sizeof(record), 1, file);
		fwrite(c.bytes, c.len, 1, file);
	}
	return fclose(file) == 0;
}

static void test_tcpdump_agrees(void)
{
	char path[] = "/tmp/mptcp-audit-options-XXXXXX", command[128], line[1024];
	int fd = mkstemp(path);
	size_t n = 0;

	CU_ASSERT_FATAL(fd >= 0 && write_savefile(path));
	snprintf(command, sizeof(command), "tcpdump -n -r %s 2>/dev/null", path);
	FILE *tcpdump = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(tcpdump);
	for (; n < ROWS && fgets(line, sizeof(line), tcpdump); n++) {
		bool agrees = strstr(line, rows[n].tcpdump);
		if (!agrees)
			printf("%s\n\ttcpdump: %s", rows[n].tcpdump, line);
		CU_ASSERT(agrees);
	}
	CU_ASSERT_EQUAL(n, ROWS);
	pclose(tcpdump);
	close(fd);
	unlink(path);
}

/* ---- cut, malformed and unknown are three answers ---- */

static void test_every_prefix_is_cut(void)
{
	struct guard guard = guard_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(guard.end);
	for (size_t i = 0; i < ROWS; i++) {
		struct craft c;
		packet(&c, rows[i].flags, rows[i].bytes, rows[i].len);
		for (uint32_t n = 0; n <= c.len; n++) {
			struct segment s;
			struct options o;
			const uint8_t *data = guard_put(&guard, c.bytes, n);
			read_raw(data, n, c.len, &s, &o);
			CU_ASSERT_EQUAL_FATAL(s.result, n < HEADER ? DECODE_CUT : DECODE_TCP);
			if (s.result != DECODE_TCP)
				continue;
			CU_ASSERT_EQUAL(o.cut, n < c.len);
			CU_ASSERT(!o.malformed && !o.unknown);
			if (n > HEADER + 1u && n < HEADER + (uint32_t)(uint8_t)rows[i].bytes[1])
				CU_ASSERT(o.cut_inside);
		}
	}
	guard_free(&guard);
}

/* A cut DSS is read as far as it goes: field by field, RFC 8684 figure 9. */
static void test_dss_as_far_as_it_goes(void)
{
	static const char dss[] =
		"\x1e\x1c\x20\x0f\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\7\0\0\0\3\0\xc8\x12\x34";
	static const struct {
		uint8_t len, has;
	} ends[] = {{4, 0},
	            {11, 0},
	            {12, DSS_HAS_ACK},
	            {19, DSS_HAS_ACK},
	            {20, DSS_HAS_ACK | DSS_HAS_DSN},
	            {24, DSS_HAS_ACK | DSS_HAS_DSN | DSS_HAS_SSN},
	            {26, DSS_HAS_ACK | DSS_HAS_MAPPING},
	            {28, DSS_HAS_ACK | DSS_HAS_MAPPING | DSS_HAS_CSUM}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct craft c;
		struct segment s;
		struct options o;
		packet(&c, ACK, dss, 28);
		read_raw(c.bytes, HEADER + ends[i].len, c.len, &s, &o);
		CU_ASSERT(options_have(&o, MP_DSS));
		CU_ASSERT_EQUAL(o.dss.has, ends[i].has);
		CU_ASSERT(!(o.dss.has & DSS_HAS_ACK) || o.dss.ack == 5);
		CU_ASSERT(!(o.dss.has & DSS_HAS_DSN) || o.dss.dsn == 7);
	}
}

static void test_malformed_and_unknown(void)
{
	static const struct {
		const char *bytes;
		uint8_t len;
		bool malformed, any;
		uint8_t unknown;
	} lies[] = {
		{"\x1e\x05\x01\x01\x00", 5, true, true, 0},            /* MP_CAPABLE of 5 */
		{"\x1e\x0b\x10\x02\0\0\0\0\0\0\0", 11, true, true, 0}, /* MP_JOIN of 11 */
		{"\x1e\x09\x20\x01\0\0\0\5\0", 9, true, true, 0}, /* DSS longer than its flags */
		{"\x1e\x06\x20\x01\0\0", 6, true, true, 0},       /* ... and shorter */
		{"\x1e\x0a\x20\x01\0\0\0\5\0\0", 10, true, true,
	         0}, /* a checksum without a mapping */
		{"\x1e\x09\x34\x05\xc0\0\2\7\0", 9, true, true, 0}, /* ADD_ADDR of 9 */
		{"\x1e\x08\x36\x05\xc0\0\2\7", 8, true, true, 0},   /* IPv6 in four bytes */
		{"\x1e\x08\x30\x05\xc0\0\2\7", 8, true, true, 0},   /* v1, neither echo nor HMAC */
		{"\x1e\x03\x40", 3, true, true, 0},                 /* REMOVE_ADDR of nobody */
		{"\x1e\x05\x51\0\0", 5, true, true, 0},
		{"\x1e\x0b\x60\0\0\0\0\0\0\0\0", 11, true, true, 0},
		{"\x1e\x05\x70\0\0", 5, true, true, 0},
		{"\x1e\x03\x81", 3, true, true, 0},
		{"\x1e\x02", 2, true, false, 0},       /* no subtype */
		{"\x1e\x01\x20\0", 4, true, false, 0}, /* length below 2 stops */
		{"\x1e\x00\x20\0", 4, true, false, 0},
		{"\x1e\x28\x20\x01\0\0\0\5", 8, true, false, 0}, /* beyond the header */
		{"\1\1\1\x1e", 4, true, false, 0},               /* no length at all */
		{"\x1e\x04\x90\0", 4, false, true, 1},
		{"\x1e\x04\xf0\0\x1e\x04\xa0\0", 8, false, true,
	         2},                                  /* experimental too, not fatal */
		{"\0\x1e\x01\1", 4, false, false, 0}, /* EOL ends */
		{"\x08\x0a\0\0\0\1\0\0\0\2", 10, false, false, 0},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct craft c;
		struct segment s;
		struct options o;
		packet(&c, ACK, lies[i].bytes, lies[i].len);
		read_raw(c.bytes, c.len, c.len, &s, &o);
		bool good = o.malformed == lies[i].malformed && o.any_mptcp == lies[i].any &&
		            o.unknown == lies[i].unknown && o.subtypes == 0 && !o.cut &&
		            !o.cut_inside;
		if (!good)
			printf("row %zu: malformed %d any %d unknown %u subtypes 0x%x\n", i,
			       o.malformed, o.any_mptcp, o.unknown, o.subtypes);
		CU_ASSERT(good);
	}
}

/* What other TCP options say, RFC 7323 and RFC 9293. */
static void test_other_options(void)
{
	static const char syn[] = "\2\4\5\xb4\3\3\x0f\1\x08\x0a\0\0\0\1\0\0\0\2";
	struct craft c;
	struct segment s;
	struct options o;

	packet(&c, SYN, syn, sizeof(syn) - 1);
	read_raw(c.bytes, c.len, c.len, &s, &o);
	CU_ASSERT(o.mss == 1460 && o.has_window_scale && o.window_scale == 14); /* 15 means 14 */
	CU_ASSERT(o.has_timestamps && o.tsval == 1 && o.tsecr == 2);
	CU_ASSERT(!o.any_mptcp && !o.malformed);
}

void suite_option(void)
{
	CU_pSuite suite = CU_add_suite("option", NULL, NULL);

	CU_ADD_TEST(suite, test_every_option);
	CU_ADD_TEST(suite, test_tcpdump_agrees);
	CU_ADD_TEST(suite, test_every_prefix_is_cut);
	CU_ADD_TEST(suite, test_dss_as_far_as_it_goes);
	CU_ADD_TEST(suite, test_malformed_and_unknown);
	CU_ADD_TEST(suite, test_other_options);
}
