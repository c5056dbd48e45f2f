/* SPDX-License-Identifier: MIT
 *
 * test_digest.c - tokens, first DSNs and HMACs against numbers that real kernels put on the wire,
 * in captures which others published. Tokens and IDSNs are as tshark 4.0 expects them; HMACs and
 * join tokens as captured.
 */
#include "../dissect/digest.h"

#include <CUnit/CUnit.h>
#include <string.h>

void suite_digest(void);

struct key {
	uint8_t bytes[8];
};

static struct key key_of(uint64_t number)
{
	struct key key;

	for (int i = 0; i < 8; i++)
		key.bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	return key;
}

static uint64_t be(const uint8_t *bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

static void test_token_and_idsn(void)
{
	static const struct {
		int version;
		uint64_t key;
		uint32_t token;
		uint64_t idsn;
	} rows[] = {
		/* NIST CAVP, SHA1ShortMsg and SHA256ShortMsg with Len = 64 (FIPS 180) */
		{0, 0x7e3d7b3eada98866u, 0x24a2c34bu, 0x42d5092031572520u},
		{1, 0x5738c929c4f4ccb6u, 0x963bb88fu, 0x36e1917120fb48bfu},
		/* tcpdump's mptcp-v0.pcap, frames 1 and 2; the second token is in the JOIN of frame
	           8 too */
		{0, 11285646634205721522u, 2945910507u, 10975753215851282121u},
		{0, 10843866842831127890u, 3833528642u, 16464867208451421327u},
		/* tcpdump's mptcp-v1.pcap, frames 2 and 3 */
		{1, 3001306557161771836u, 2740809090u, 11713449205243392241u},
		{1, 2295531734017261039u, 597671344u, 14413541604287230029u},
		/* MPTCProxy's mptcp.pcap, frames 14 and 15; the first token is in the JOIN of frame
	           20 too */
		{1, 1151712343762428053u, 1704807344u, 15101198106486609860u},
		{1, 5724018413140162355u, 454220088u, 8723998789961001387u},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key key = key_of(rows[i].key);

		CU_ASSERT_EQUAL(digest_token(rows[i].version, key.bytes), rows[i].token);
		CU_ASSERT_EQUAL(digest_idsn(rows[i].version, key.bytes), rows[i].idsn);
	}
}

/* A joins: SYN with nonce A, SYN/ACK with nonce B and 64 bits of B's HMAC, ACK with 160 bits of
 * A's. */
static void test_join(void)
{
	static const struct {
		int version;
		uint64_t a, b;
		uint32_t nonce_a, nonce_b;
		uint64_t hmac_b;
		uint8_t hmac_a[20];
	} rows[] = {
		/* tcpdump's mptcp-v0.pcap, frames 8 to 10 */
		{0,
	         11285646634205721522u,
	         10843866842831127890u,
	         459692568u,
	         866904533u,
	         6536553503648313405u,
	         {0xcb, 0x7b, 0x87, 0xf5, 0xe5, 0xf0, 0x50, 0x2f, 0x43, 0xb5,
	          0x35, 0xfb, 0x70, 0xef, 0x66, 0x07, 0xdf, 0x2e, 0x6c, 0x7a}},
		/* MPTCProxy's mptcp.pcap, frames 20 to 22 */
		{1,
	         5724018413140162355u,
	         1151712343762428053u,
	         4137449512u,
	         3960383013u,
	         5953596786353803493u,
	         {0x62, 0xae, 0x1b, 0x34, 0xfc, 0xfc, 0x3d, 0x4a, 0x78, 0x49,
	          0x17, 0x42, 0x1b, 0x8b, 0xc4, 0x8a, 0xf2, 0xd9, 0x1c, 0xa7}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key a = key_of(rows[i].a), b = key_of(rows[i].b);
		uint8_t hmac[DIGEST_JOIN_MAX];

		digest_join(rows[i].version, b.bytes, a.bytes, rows[i].nonce_b, rows[i].nonce_a,
		            hmac);
		CU_ASSERT_EQUAL(be(hmac), rows[i].hmac_b);
		digest_join(rows[i].version, a.bytes, b.bytes, rows[i].nonce_a, rows[i].nonce_b,
		            hmac);
		CU_ASSERT_EQUAL(memcmp(hmac, rows[i].hmac_a, sizeof(hmac)), 0);
		hmac[0] ^= 1;
		CU_ASSERT_NOT_EQUAL(memcmp(hmac, rows[i].hmac_a, sizeof(hmac)), 0);
	}
}

/* MPTCP-Lab's scenario2/r2_eth1.pcapng, frames 8, 9 (keys), 12 and 14 (ADD_ADDR id 1 of each side,
 * no port) */
static void test_add_addr(void)
{
	struct key a = key_of(2571013451837222078u), b = key_of(14767255807905495803u);
	const uint8_t addr_a[4] = {10, 0, 0, 20}, addr_b[4] = {10, 0, 2, 20};
	uint8_t hmac[8];

	digest_add_addr(a.bytes, b.bytes, 1, addr_a, 4, 0, hmac);
	CU_ASSERT_EQUAL(be(hmac), 9023782674565502782u);
	digest_add_addr(b.bytes, a.bytes, 1, addr_b, 4, 0, hmac);
	CU_ASSERT_EQUAL(be(hmac), 12991163823245950261u);
	digest_add_addr(b.bytes, a.bytes, 2, addr_b, 4, 0, hmac);
	CU_ASSERT_NOT_EQUAL(be(hmac), 12991163823245950261u);
}

void suite_digest(void)
{
	CU_pSuite suite = CU_add_suite("digest", NULL, NULL);

	CU_ADD_TEST(suite, test_token_and_idsn);
	CU_ADD_TEST(suite, test_join);
	CU_ADD_TEST(suite, test_add_addr);
}
