/* SPDX-License-Identifier: MIT
 *
 * make_many.c - captures that no bulk transfer gives: very many connections at once, and floods.
 *
 * make_many many CONNECTIONS FILE...
 *
 * MPTCP v1 connections, all open at once, a subflow on each FILE (a WAN): whole handshakes with
 * real keys, tokens and HMACs, then rounds of data.
 *
 * make_many day CONNECTIONS FILE...
 *
 * The same connections one after the other, evenly over a day.
 *
 * make_many [again] KIND COUNT FILE
 *
 * COUNT frames, each of another 4-tuple; `again`: and once more, in the same order. KIND is join
 * (SYNs that join with a token each), token (SYNs that all join one connection), crowd (the same, a
 * segment of data behind each), syn (SYNs of plain TCP) or dss (segments with a mapping out of the
 * middle of nowhere).
 *
 * The same arguments give the same bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dissect/digest.h"

enum { WANS_MAX = 8, ROUNDS = 8, DATA = 1400, SNAPLEN = 160 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* ---- bytes ---- */

struct text {
	uint8_t bytes[160];
	unsigned n;
};

static void put(struct text *t, uint64_t value, unsigned width)
{
	while (width--)
		t->bytes[t->n++] = (uint8_t)(value >> 8 * width);
}

static void put_bytes(struct text *t, const uint8_t *bytes, unsigned n)
{
	memcpy(t->bytes + t->n, bytes, n);
	t->n += n;
}

/* splitmix64: any number to a number that looks random */
static uint64_t scatter(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* ---- packets ---- */

struct capture {
	FILE *files[WANS_MAX];
	unsigned n;
	uint64_t now_us;
};

struct packet {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	struct text options; /* a multiple of 4 */
	unsigned payload;
};

static void write_header(FILE *file)
{
	const uint32_t words[] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, SNAPLEN, 1};

	fwrite(words, sizeof(words), 1, file);
}

static void write_packet(struct capture *c, unsigned wan, const struct packet *p)
{
	struct text t = {.n = 0};
	unsigned tcp = 20 + p->options.n, ip = 20 + tcp + p->payload;

	put(&t, 0x020000000001, 6);
	put(&t, 0x020000000002, 6);
	put(&t, 0x0800, 2);
	put(&t, 0x45000000 | ip, 4);
	put(&t, scatter(c->now_us) << 16 >> 48 << 16 | 0x4000, 4);
	put(&t, 64u << 24 | 6u << 16, 4);
	put(&t, p->src, 4);
	put(&t, p->dst, 4);
	put(&t, p->sport, 2);
	put(&t, p->dport, 2);
	put(&t, p->seq, 4);
	put(&t, p->ack, 4);
	put(&t, tcp / 4 << 12 | p->flags, 2);
	put(&t, 64000, 2);
	put(&t, 0, 4);
	put_bytes(&t, p->options.bytes, p->options.n);
	uint32_t wire = 14 + ip, cap = wire < SNAPLEN ? wire : SNAPLEN;
	const uint32_t record[] = {(uint32_t)(1767225600 + c->now_us / 1000000),
	                           (uint32_t)(c->now_us % 1000000), cap, wire};
	fwrite(record, sizeof(record), 1, c->files[wan]);
	fwrite(t.bytes, cap, 1, c->files[wan]);
	c->now_us += 5;
}

/* ---- options, RFC 8684 section 3 ---- */

static void capable(struct packet *p, const uint8_t *first, const uint8_t *second)
{
	unsigned len = 4u + (first ? 8 : 0) + (second ? 8 : 0);

	put(&p->options, 30u << 24 | len << 16 | 0x0101, 4);
	if (first)
		put_bytes(&p->options, first, 8);
	if (second)
		put_bytes(&p->options, second, 8);
}

static void join_syn(struct packet *p, unsigned id, uint32_t token, uint32_t nonce)
{
	put(&p->options, 30u << 24 | 12u << 16 | 0x1100 | id, 4);
	put(&p->options, token, 4);
	put(&p->options, nonce, 4);
}

static void join_answer(struct packet *p, const uint8_t hmac[8], uint32_t nonce)
{
	put(&p->options, 30u << 24 | 16u << 16 | 0x1100, 4);
	put_bytes(&p->options, hmac, 8);
	put(&p->options, nonce, 4);
}

static void join_ack(struct packet *p, const uint8_t hmac[20])
{
	put(&p->options, 30u << 24 | 24u << 16 | 0x1000, 4);
	put_bytes(&p->options, hmac, 20);
}

static void data_ack(struct packet *p, uint64_t ack)
{
	put(&p->options, 30u << 24 | 12u << 16 | 0x2003, 4);
	put(&p->options, ack, 8);
}

static void mapping(struct packet *p, uint64_t ack, uint64_t dsn, uint32_t ssn)
{
	put(&p->options, 30u << 24 | 26u << 16 | 0x200f, 4);
	put(&p->options, ack, 8);
	put(&p->options, dsn, 8);
	put(&p->options, ssn, 4);
	put(&p->options, DATA, 2);
	put(&p->options, 0x0101, 2);
	p->payload = DATA;
}

/* ---- many connections at once ---- */

struct ends {
	uint8_t key[2][8]; /* of client and server */
	uint64_t first[2]; /* DSN of their first byte */
	uint32_t token;    /* of the server */
};

static struct ends ends_of(uint64_t i)
{
	struct ends e;

	for (unsigned side = 0; side < 2; side++) {
		uint64_t key = scatter(i * 2 + side);
		memcpy(e.key[side], &key, 8);
		e.first[side] = digest_idsn(1, e.key[side]) + 1;
	}
	e.token = digest_token(1, e.key[1]);
	return e;
}

/* A packet of connection i on this WAN, from the client or from the server. */
static struct packet packet_of(uint64_t i, unsigned wan, bool answer, uint8_t flags)
{
	uint32_t client = 0x0a000000 + (wan << 20) + (uint32_t)(i / 32768), server = 0xcb00710a;
	uint16_t port = (uint16_t)(20000 + i % 32768);
	uint32_t isn[2] = {(uint32_t)scatter(i * 64 + wan), (uint32_t)scatter(i * 64 + wan + 32)};

	return (struct packet){
		.src = answer ? server : client,
		.dst = answer ? client : server,
		.sport = answer ? 443 : port,
		.dport = answer ? port : 443,
		.seq = isn[answer] + !(flags & SYN),
		.ack = flags & ACK ? isn[!answer] + 1 : 0,
		.flags = flags,
	};
}

static void open_first(struct capture *c, uint64_t i)
{
	struct ends e = ends_of(i);
	struct packet syn = packet_of(i, 0, false, SYN), answer = packet_of(i, 0, true, SYN | ACK),
		      third = packet_of(i, 0, false, ACK);

	capable(&syn, NULL, NULL);
	capable(&answer, e.key[1], NULL);
	capable(&third, e.key[0], e.key[1]);
	write_packet(c, 0, &syn);
	write_packet(c, 0, &answer);
	write_packet(c, 0, &third);
}

static void open_join(struct capture *c, uint64_t i, unsigned wan)
{
	struct ends e = ends_of(i);
	struct packet syn = packet_of(i, wan, false, SYN),
		      answer = packet_of(i, wan, true, SYN | ACK),
		      third = packet_of(i, wan, false, ACK), fourth = packet_of(i, wan, true, ACK);
	uint32_t nonce[2] = {(uint32_t)scatter(i + 7), (uint32_t)scatter(i + 8)};
	uint8_t hmac[2][20];

	digest_join(1, e.key[0], e.key[1], nonce[0], nonce[1], hmac[0]);
	digest_join(1, e.key[1], e.key[0], nonce[1], nonce[0], hmac[1]);
	join_syn(&syn, wan, e.token, nonce[0]);
	join_answer(&answer, hmac[1], nonce[1]);
	join_ack(&third, hmac[0]);
	data_ack(&fourth, e.first[0]);
	write_packet(c, wan, &syn);
	write_packet(c, wan, &answer);
	write_packet(c, wan, &third);
	write_packet(c, wan, &fourth);
}

/* A segment from the server and its acknowledgement. */
static void carry(struct capture *c, uint64_t i, unsigned wan, unsigned round)
{
	struct ends e = ends_of(i);
	struct packet data = packet_of(i, wan, true, ACK | PSH),
		      ack = packet_of(i, wan, false, ACK);
	uint64_t dsn = e.first[1] + ((uint64_t)round * c->n + wan) * DATA;

	mapping(&data, e.first[0], dsn, 1 + round * DATA);
	data.seq += round * DATA;
	data_ack(&ack, dsn + DATA);
	ack.ack += (round + 1) * DATA;
	write_packet(c, wan, &data);
	write_packet(c, wan, &ack);
}

static void make_connections(struct capture *c, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		open_first(c, i);
	for (unsigned wan = 1; wan < c->n; wan++)
		for (uint64_t i = 0; i < count; i++)
			open_join(c, i, wan);
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned wan = 0; wan < c->n; wan++)
			for (uint64_t i = 0; i < count; i++)
				carry(c, i, wan, round);
}

#define DAY_US UINT64_C(86400000000)

static void make_day(struct capture *c, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		c->now_us = DAY_US / count * i;
		open_first(c, i);
		for (unsigned wan = 1; wan < c->n; wan++)
			open_join(c, i, wan);
		for (unsigned round = 0; round < ROUNDS; round++) {
			c->now_us += DAY_US / count / (2 * ROUNDS);
			for (unsigned wan = 0; wan < c->n; wan++)
				carry(c, i, wan, round);
		}
	}
}

/* ---- floods ---- */

static struct packet stranger(uint64_t i, uint8_t flags)
{
	uint64_t noise = scatter(i);

	return (struct packet){
		.src = 0x0a000000 | (uint32_t)(i & 0xffffff),
		.dst = 0xcb00710a,
		.sport = (uint16_t)(1024 + noise % 60000),
		.dport = 443,
		.seq = (uint32_t)(noise >> 32),
		.ack = flags & ACK ? (uint32_t)noise : 0,
		.flags = flags,
	};
}

static struct packet flood_join(uint64_t i)
{
	struct packet p = stranger(i, SYN);

	join_syn(&p, 1, (uint32_t)scatter(i + 1), (uint32_t)scatter(i + 2));
	return p;
}

static struct packet flood_token(uint64_t i)
{
	struct packet p = stranger(i, SYN);

	join_syn(&p, 1, ends_of(0).token, (uint32_t)scatter(i + 2));
	return p;
}

/* Two frames of each: it joins, then carries what follows of the one connection's data. */
static struct packet flood_crowd(uint64_t i)
{
	if (i % 2 == 0)
		return flood_token(i);
	struct packet join = flood_token(i - 1), data = stranger(i - 1, ACK | PSH);

	mapping(&data, 1, ends_of(0).first[0] + i / 2 * DATA, 1);
	data.seq = join.seq + 1;
	return data;
}

static struct packet flood_syn(uint64_t i)
{
	return stranger(i, SYN);
}

static struct packet flood_dss(uint64_t i)
{
	struct packet p = stranger(i, ACK | PSH);

	mapping(&p, scatter(i + 3), scatter(i + 4), (uint32_t)scatter(i + 5));
	return p;
}

static const struct {
	const char *name;
	struct packet (*make)(uint64_t i);
} floods[] = {{"join", flood_join},
              {"token", flood_token},
              {"crowd", flood_crowd},
              {"syn", flood_syn},
              {"dss", flood_dss}};

static bool make_flood(struct capture *c, const char *name, uint64_t count, unsigned times)
{
	for (size_t f = 0; f < sizeof(floods) / sizeof(floods[0]); f++) {
		if (strcmp(floods[f].name, name) != 0)
			continue;
		open_first(c, 0);
		for (unsigned time = 0; time < times; time++)
			for (uint64_t i = 0; i < count; i++) {
				struct packet p = floods[f].make(i);
				write_packet(c, 0, &p);
			}
		return true;
	}
	return false;
}

/* ---- in and out ---- */

static bool open_files(struct capture *c, char **paths, int n)
{
	for (int i = 0; i < n && i < WANS_MAX; i++) {
		c->files[i] = fopen(paths[i], "wbe");
		if (!c->files[i]) {
			perror(paths[i]);
			return false;
		}
		write_header(c->files[i]);
		c->n++;
	}
	return c->n > 0;
}

static bool close_files(struct capture *c)
{
	bool fine = true;

	for (unsigned i = 0; i < c->n; i++)
		fine &= fclose(c->files[i]) == 0;
	return fine;
}

int main(int argc, char **argv)
{
	struct capture c = {.n = 0};
	unsigned times = argc > 1 && strcmp(argv[1], "again") == 0 ? 2 : 1;
	char **words = argv + times;
	bool made = true;

	if (argc - (int)times < 3 || !open_files(&c, words + 2, argc - (int)times - 2)) {
		fprintf(stderr,
		        "usage: make_many many|day|[again] join|token|crowd|syn|dss COUNT FILE...\n");
		return 64;
	}
	uint64_t count = strtoull(words[1], NULL, 10);
	if (strcmp(words[0], "many") == 0)
		make_connections(&c, count);
	else if (strcmp(words[0], "day") == 0)
		make_day(&c, count);
	else
		made = make_flood(&c, words[0], count, times);
	if (!close_files(&c) || !made) {
		fprintf(stderr, "make_many: could not write all, or no such flood: %s\n", words[0]);
		return 74;
	}
	return 0;
}
