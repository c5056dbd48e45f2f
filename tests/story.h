/* SPDX-License-Identifier: MIT
 *
 * story.h - small stories of frames, a line each, built and dissected.
 *
 * A line is a frame in tcpdump's words, and the kind that it must be. Numbers are relative: seq 0
 * is the SYN, DSN 1 the first data byte. `a>` comes from the client of flow a, `a<` from its
 * server; flows a to d are of connection 0, e and f of 1, g and h of 2; a, c, e, g are on the WAN
 * "main", the others on "spare". A line comes 20 ms after the one before, or `+N` s, `+Nms`. Every
 * story is told frame by frame, the short way, and both in pieces of a frame each: all must save
 * the same ledger, and say the same of each frame.
 */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include "../dissect/digest.h"
#include "../dissect/pipeline.h"
#include "craft.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FLOWS = 8,
	CONNECTIONS = 3,
	FRAMES = 400,
	WANS = 2,
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16
};

struct line {
	const char *text;
	enum kind kind;
	uint32_t split[KIND_CARRYING]; /* all zero: not compared */
};

struct shot {
	struct craft craft;
	struct frame frame;
	const struct line *line;
	bool settled;
	enum kind kind;
	uint32_t split[KIND_CARRYING];
	char connection[17];
	struct ledger_circumstance others; /* how the other WANs were; of carrying kinds */
	char told[600];                    /* all that was said of it */
	bool told_again;
};

struct story {
	int version;
	uint32_t isn[FLOWS][2];
	uint64_t idsn_shift; /* moves all DSNs, for wraps; 0 = as the keys say */
	uint64_t now_ns;
	uint16_t ip_id;
	uint16_t ports; /* added to client ports */
	uint32_t nonce[FLOWS][2];
	size_t n;
	struct shot *shots;
	struct ledger ledger;
};

static const struct frame_wan wans[WANS] = {{.name = "main"}, {.name = "spare"}};
static const struct frame_file files[WANS] = {{.name = "main.pcap"},
                                              {.name = "spare.pcap", .wan = 1}};

static inline void story_begin(struct story *s, int version)
{
	*s = (struct story){.version = version, .now_ns = UINT64_C(1700000000000000000)};
	s->shots = calloc(FRAMES, sizeof(*s->shots));
	for (unsigned f = 0; f < FLOWS; f++)
		for (unsigned d = 0; d < 2; d++) {
			s->isn[f][d] = 1000000u * (f + 1) + 500000u * d;
			s->nonce[f][d] = 0x1000 + 2 * f + d;
		}
	ledger_init(&s->ledger);
}

static inline unsigned connection_of(unsigned flow)
{
	return flow < 4 ? 0 : flow < 6 ? 1 : 2;
}

static inline void key_of(unsigned connection, unsigned side, uint8_t key[8])
{
	memset(key, (int)(0x41 + 2 * connection + side), 8);
}

static inline uint64_t dsn_of(const struct story *s, unsigned connection, unsigned side,
                              uint64_t relative)
{
	uint8_t key[8];

	key_of(connection, side, key);
	return digest_idsn(s->version, key) + s->idsn_shift + relative;
}

/* ---- a line as a frame ---- */

struct words {
	char text[256];
	char *save;
};

static inline char *word(struct words *w, bool first)
{
	return strtok_r(first ? w->text : NULL, " ", &w->save);
}

static inline uint64_t number(struct words *w)
{
	char *text = word(w, false);

	return text ? strtoull(text, NULL, 0) : 0;
}

/* Everything one line may say. */
struct told {
	unsigned flow, dir, connection;
	unsigned wan;
	uint64_t seq_end, cut;
	bool has_wan;
	struct craft_tcp tcp;
	char option; /* c capable, j join, d dss, a add-addr, p prio, ... or 0 */
	int version;
	bool backup, bad, has_addr;
	uint8_t addr;
	uint16_t mapped;
	uint32_t token;
	struct craft_dss dss;
	bool csum_good;
	uint8_t payload[CRAFT_ROOM];
};

static inline uint8_t flags_of(const char *text)
{
	uint8_t flags = 0;

	for (; *text; text++)
		flags |= (uint8_t)(*text == 'S'   ? SYN
		                   : *text == 'F' ? FIN
		                   : *text == 'R' ? RST
		                   : *text == 'P' ? PSH
		                   : *text == '.' ? ACK
		                                  : 0);
	return flags;
}

static inline void read_dss_word(const struct story *s, struct told *t, struct words *w,
                                 const char *name)
{
	bool narrow = strstr(name, "32");

	if (!strcmp(name, "fin"))
		t->dss.flags |= 0x10;
	else if (!strncmp(name, "ack", 3)) {
		t->dss.flags |= narrow ? 0x01 : 0x03;
		t->dss.ack = dsn_of(s, t->connection, !t->dir, number(w));
	} else if (!strncmp(name, "seq", 3)) {
		t->dss.flags |= narrow ? 0x04 : 0x0c;
		t->dss.dsn = dsn_of(s, t->connection, t->dir, number(w));
	} else if (!strcmp(name, "subseq"))
		t->dss.ssn = (uint32_t)number(w);
	else if (!strcmp(name, "len"))
		t->dss.len = (uint16_t)number(w);
	else if (!strcmp(name, "csum")) {
		t->dss.has_csum = true;
		t->csum_good = !strcmp(word(w, false), "good");
	}
}

static inline bool read_option_word(struct told *t, struct words *w, const char *name)
{
	static const struct {
		const char *name;
		char option;
	} names[] = {{"capable", 'c'},  {"join", 'j'},   {"dss", 'd'},  {"add-addr", 'a'},
	             {"rem-addr", 'r'}, {"prio", 'p'},   {"fail", 'f'}, {"fast-close", 'x'},
	             {"tcprst", 't'},   {"unknown", 'u'}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name)) {
			t->option = names[i].option;
			return true;
		}
	if (!strcmp(name, "backup"))
		t->backup = true;
	else if (!strcmp(name, "bad"))
		t->bad = true;
	else if (!strcmp(name, "version"))
		t->version = (int)number(w);
	else if (!strcmp(name, "mapped"))
		t->mapped = (uint16_t)number(w);
	else if (!strcmp(name, "token"))
		t->token = (uint32_t)number(w);
	else if (!strcmp(name, "addr")) {
		t->addr = (uint8_t)number(w);
		t->has_addr = true;
	} else
		return false;
	return true;
}

static inline void read_word(struct story *s, struct told *t, struct words *w, const char *name)
{
	if (t->option == 'd')
		read_dss_word(s, t, w, name);
	else if (!strcmp(name, "seq")) {
		char *at = word(w, false), *to = strchr(at, ':');
		t->tcp.seq = (uint32_t)strtoull(at, NULL, 0);
		t->tcp.payload_len = to ? (uint32_t)strtoull(to + 1, NULL, 0) - t->tcp.seq : 0;
	} else if (!strcmp(name, "ack"))
		t->tcp.ack = (uint32_t)number(w);
	else if (!strcmp(name, "win"))
		t->tcp.window = (uint16_t)number(w);
	else if (!strcmp(name, "id"))
		t->tcp.ip_id = (uint16_t)number(w);
	else if (!strcmp(name, "ttl"))
		t->tcp.ttl = (uint8_t)number(w);
	else if (!strcmp(name, "cut"))
		t->cut = number(w);
	else if (!strcmp(name, "on")) {
		t->wan = !strcmp(word(w, false), "spare");
		t->has_wan = true;
	} else if (!read_option_word(t, w, name)) {
		printf("no such word: %s\n", name);
		CU_FAIL_FATAL("a line that cannot be read");
	}
}

static inline void read_line(struct story *s, const char *text, struct told *t)
{
	struct words w;
	uint64_t ms = 20;

	snprintf(w.text, sizeof(w.text), "%s", text);
	char *at = word(&w, true);
	if (*at == '+') {
		char *unit;
		ms = strtoull(at + 1, &unit, 10) * (*unit == 'm' ? 1 : 1000);
		at = word(&w, false);
	}
	s->now_ns += ms * 1000000;
	t->flow = (unsigned)(at[0] - 'a');
	t->dir = at[1] == '<';
	t->connection = connection_of(t->flow);
	t->version = s->version;
	t->tcp.window = 500;
	t->tcp.flags = flags_of(word(&w, false));
	while ((at = word(&w, false)))
		read_word(s, t, &w, at);
	if (!t->has_wan)
		t->wan = t->flow & 1;
}

static inline void put_key(struct craft *c, unsigned connection, unsigned side)
{
	uint8_t key[8];

	key_of(connection, side, key);
	craft_bytes(c, key, 8);
}

/* RFC 6824 section 3.1 gives the SYN a key, RFC 8684 section 3.1 does not. */
static inline void put_capable(struct told *t)
{
	struct craft b = {.len = 0};

	craft_be(&b, 0x01, 1);
	if (t->version == 0 || t->tcp.flags & ACK)
		put_key(&b, t->connection, t->dir);
	if (!(t->tcp.flags & SYN))
		put_key(&b, t->connection, !t->dir);
	if (t->mapped)
		craft_be(&b, t->mapped, 2);
	craft_mptcp(&t->tcp.options, 0, (unsigned)t->version, &b);
}

static inline void put_join(const struct story *s, struct told *t)
{
	struct craft b = {.len = 0};
	uint8_t own[8], peer[8], hmac[DIGEST_JOIN_MAX];
	bool answer = (t->tcp.flags & (SYN | ACK)) == (SYN | ACK);

	key_of(t->connection, t->dir, own);
	key_of(t->connection, !t->dir, peer);
	digest_join(s->version, own, peer, s->nonce[t->flow][t->dir], s->nonce[t->flow][!t->dir],
	            hmac);
	hmac[0] ^= t->bad;
	craft_be(&b, t->tcp.flags & SYN ? t->addr : 0, 1);
	if (t->tcp.flags == SYN)
		craft_be(&b, t->token ? t->token : digest_token(s->version, peer), 4);
	else
		craft_bytes(&b, hmac, answer ? 8 : 20);
	if (t->tcp.flags & SYN)
		craft_be(&b, s->nonce[t->flow][t->dir], 4);
	craft_mptcp(&t->tcp.options, 1, t->backup, &b);
}

static inline void put_add_addr(const struct story *s, struct told *t)
{
	static const uint8_t addr[4] = {192, 0, 2, 77};
	struct craft b = {.len = 0};
	uint8_t own[8], peer[8], hmac[8];

	key_of(t->connection, t->dir, own);
	key_of(t->connection, !t->dir, peer);
	digest_add_addr(own, peer, t->addr, addr, 4, 0, hmac);
	hmac[7] ^= t->bad;
	craft_be(&b, t->addr, 1);
	craft_bytes(&b, addr, 4);
	if (s->version == 1)
		craft_bytes(&b, hmac, 8);
	craft_mptcp(&t->tcp.options, 3, s->version == 1 ? 0 : 4, &b);
}

/* RFC 8684 section 3.3.1: over the pseudo header with the 64-bit DSN, then the data. */
static inline uint16_t csum_of(const struct told *t)
{
	struct craft b = {.len = 0};
	uint64_t sum = 0;

	craft_be(&b, t->dss.dsn, 8);
	craft_be(&b, t->dss.ssn, 4);
	craft_be(&b, (uint64_t)t->dss.len << 16, 4);
	for (uint32_t i = 0; i < t->dss.len;
	     i++) /* a byte is its own relative number, see shoot() */
		craft_be(&b, t->dss.ssn + i, 1);
	for (uint32_t i = 0; i < b.len; i++)
		sum += (uint64_t)b.bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void put_option(const struct story *s, struct told *t)
{
	struct craft b = {.len = 0};

	switch (t->option) {
	case 'c':
		put_capable(t);
		break;
	case 'j':
		put_join(s, t);
		break;
	case 'd':
		t->dss.csum = (uint16_t)(csum_of(t) ^ !t->csum_good);
		craft_dss(&t->tcp.options, &t->dss);
		break;
	case 'a':
		put_add_addr(s, t);
		break;
	case 'r':
		craft_be(&b, t->addr, 1);
		craft_mptcp(&t->tcp.options, 4, 0, &b);
		break;
	case 'p':
		if (t->has_addr)
			craft_be(&b, t->addr, 1);
		craft_mptcp(&t->tcp.options, 5, t->backup, &b);
		break;
	case 'f':
		craft_be(&b, 0, 1);
		craft_be(&b, dsn_of(s, t->connection, t->dir, 1), 8);
		craft_mptcp(&t->tcp.options, 6, 0, &b);
		break;
	case 'x':
		craft_be(&b, 0, 1);
		put_key(&b, t->connection, !t->dir);
		craft_mptcp(&t->tcp.options, 7, 0, &b);
		break;
	case 't':
		craft_be(&b, 1, 1);
		craft_mptcp(&t->tcp.options, 8, 0, &b);
		break;
	case 'u':
		craft_mptcp(&t->tcp.options, 15, 0, &b);
		break;
	default:
		break;
	}
}

static inline void shoot(struct story *s, const struct line *line)
{
	struct told t = {0};
	struct shot *shot = &s->shots[s->n];

	CU_ASSERT_FATAL(s->n < FRAMES);
	read_line(s, line->text, &t);
	for (uint32_t i = 0; i < t.tcp.payload_len && i < sizeof(t.payload); i++)
		t.payload[i] = (uint8_t)(t.tcp.seq + i);
	t.tcp.payload = t.payload;
	t.tcp.family = 4;
	t.tcp.src = (uint8_t)(t.dir ? 100 + t.connection : 1 + t.wan);
	t.tcp.dst = (uint8_t)(t.dir ? 1 + (t.flow & 1) : 100 + t.connection);
	if (!t.dir)
		t.tcp.src = (uint8_t)(1 + (t.flow & 1));
	uint16_t port = (uint16_t)(40000 + t.flow + s->ports);
	t.tcp.sport = t.dir ? 443 : port;
	t.tcp.dport = t.dir ? port : 443;
	t.tcp.seq += s->isn[t.flow][t.dir];
	t.tcp.ack += s->isn[t.flow][!t.dir];
	if (!t.tcp.ip_id)
		t.tcp.ip_id = ++s->ip_id;
	put_option(s, &t);
	shot->craft.len = 0;
	craft_ethernet(&shot->craft, 0x0800);
	craft_segment(&shot->craft, &t.tcp);
	shot->line = line;
	shot->frame = (struct frame){.ts_ns = s->now_ns,
	                             .number = s->n + 1,
	                             .data = shot->craft.bytes,
	                             .caplen = t.cut ? (uint32_t)t.cut : shot->craft.len,
	                             .wire_len = shot->craft.len,
	                             .wan = t.wan,
	                             .file = t.wan,
	                             .linktype = LINK_ETHERNET,
	                             .shared = true};
	s->n++;
}

static inline void shoot_all(struct story *s, const struct line *lines)
{
	for (; lines->text; lines++)
		shoot(s, lines);
}

/* ---- what comes out ---- */

static inline void words_of(const struct sighting *t, char *text, size_t size)
{
	snprintf(text, size, "%u %u %u %u %u %llu %u %x %u %u %u %s > %s %s.%u %d %llu %s %s",
	         t->entry.kind, t->entry.payload[0], t->entry.payload[1], t->entry.payload[2],
	         t->entry.payload[3], (unsigned long long)t->order, t->payload_len, t->tcp_flags,
	         t->seq, t->ack, t->window, t->src, t->dst, t->connection, t->subflow, t->has_dsn,
	         t->has_dsn ? (unsigned long long)t->dsn : 0, t->app, t->options);
}

static inline void settled_again(void *context, const struct sighting *t)
{
	struct story *s = context;
	struct shot *shot = &s->shots[t->order];
	char text[sizeof(shot->told)];

	words_of(t, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, shot->told);
	CU_ASSERT(!shot->told_again);
	shot->told_again = true;
}

static inline void settled(void *context, const struct sighting *t)
{
	struct story *s = context;
	struct shot *shot = &s->shots[t->order];

	CU_ASSERT(!shot->settled);
	shot->settled = true;
	words_of(t, shot->told, sizeof(shot->told));
	shot->kind = (enum kind)t->entry.kind;
	memcpy(shot->split, t->entry.payload, sizeof(shot->split));
	memcpy(shot->connection, t->connection, sizeof(shot->connection));
	if (t->entry.circumstance)
		shot->others = s->ledger.circumstances[t->entry.circumstance];
}

static inline char *play(struct story *s, struct ledger *ledger,
                         const struct pipeline_options *options)
{
	struct pipeline *p = pipeline_new(ledger, options);
	char sentence[256], *text = NULL;
	size_t size;

	for (size_t i = 0; i < s->n; i++)
		pipeline_feed(p, &wans[s->shots[i].frame.wan], &files[s->shots[i].frame.file],
		              &s->shots[i].frame);
	pipeline_finish(p, wans, WANS, files, WANS);
	CU_ASSERT_PTR_NULL(ledger_check(ledger, sentence, sizeof(sentence)));
	FILE *out = open_memstream(&text, &size);
	CU_ASSERT_EQUAL(ledger_save(ledger, out), 0);
	fclose(out);
	pipeline_free(p);
	return text;
}

/* The pipeline ends behind a frame, and another goes on from its state. */
static inline struct pipeline *cut_behind(struct pipeline *p,
                                          const struct pipeline_options *options,
                                          struct ledger *piece, struct ledger *sum)
{
	char *state = NULL, message[200] = "";
	size_t size;
	FILE *file = open_memstream(&state, &size);

	CU_ASSERT_EQUAL(pipeline_suspend(p, NULL, 0, NULL, 0, file), 0);
	fclose(file);
	pipeline_free(p);
	CU_ASSERT(ledger_merge(sum, piece));
	ledger_release(piece);
	file = fmemopen(state, size, "r");
	p = pipeline_resume(piece, options, file, message, sizeof(message));
	fclose(file);
	free(state);
	if (!p)
		printf("a state of ours %s\n", message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* Law 3: the ledger of the pieces is that of the whole. */
static inline char *play_in_pieces(struct story *s, const struct pipeline_options *options)
{
	struct ledger piece, sum;
	char *text = NULL;
	size_t size;

	ledger_init(&piece);
	ledger_init(&sum);
	struct pipeline *p = pipeline_new(&piece, options);
	for (size_t i = 0; i < s->n; i++) {
		const struct frame *frame = &s->shots[i].frame;

		pipeline_feed(p, &wans[frame->wan], &files[frame->file], frame);
		p = cut_behind(p, options, &piece, &sum);
	}
	pipeline_finish(p, wans, WANS, files, WANS);
	pipeline_free(p);
	CU_ASSERT(ledger_merge(&sum, &piece));
	FILE *out = open_memstream(&text, &size);
	CU_ASSERT_EQUAL(ledger_save(&sum, out), 0);
	fclose(out);
	ledger_release(&piece);
	ledger_release(&sum);
	return text;
}

static inline bool split_differs(const struct shot *shot)
{
	static const uint32_t none[KIND_CARRYING];

	return memcmp(shot->line->split, none, sizeof(none)) != 0 &&
	       memcmp(shot->line->split, shot->split, sizeof(none)) != 0;
}

static inline void compare(const struct shot *shot)
{
	bool good = shot->settled && shot->kind == shot->line->kind && !split_differs(shot);

	if (!good)
		printf("%s\n\tis %s, want %s; split %u %u %u %u\n", shot->line->text,
		       shot->settled ? kind_names[shot->kind] : "not settled",
		       kind_names[shot->line->kind], shot->split[0], shot->split[1], shot->split[2],
		       shot->split[3]);
	CU_ASSERT(good);
}

/* Play what was shot; s->ledger holds the sums until story_end(). */
static inline void story_play(struct story *s)
{
	struct pipeline_options slow = {
		.seed = 5, .no_ndpi = true, .settled = settled, .context = s, .describe = true};
	struct pipeline_options fast = {.seed = 5, .no_ndpi = true}, again = slow;
	struct ledger other;

	ledger_init(&other);
	char *one = play(s, &s->ledger, &slow), *two = play(s, &other, &fast);
	again.settled = settled_again;
	char *three = play_in_pieces(s, &fast), *four = play_in_pieces(s, &again);
	CU_ASSERT_STRING_EQUAL(one, two);
	CU_ASSERT_STRING_EQUAL(one, three);
	CU_ASSERT_STRING_EQUAL(one, four);
	free(one);
	free(two);
	free(three);
	free(four);
	ledger_release(&other);
	for (size_t i = 0; i < s->n; i++) {
		compare(&s->shots[i]);
		CU_ASSERT(s->shots[i].told_again);
	}
}

static inline void story_end(struct story *s)
{
	ledger_release(&s->ledger);
	free(s->shots);
}

static inline void whole_story(int version, const struct line *lines)
{
	struct story s;

	story_begin(&s, version);
	shoot_all(&s, lines);
	story_play(&s);
	story_end(&s);
}

static inline uint64_t event_count(const struct story *s, enum event event)
{
	uint64_t sum = 0;

	for (size_t w = 0; w < s->ledger.n_wans; w++)
		sum += s->ledger.wans[w].events[event].count;
	return sum;
}

static inline uint64_t wan_event(const struct story *s, const char *wan, enum event event)
{
	for (size_t w = 0; w < s->ledger.n_wans; w++)
		if (!strcmp(s->ledger.wans[w].name, wan))
			return s->ledger.wans[w].events[event].count;
	return 0;
}

#define COUNTER(s, name) ((s)->ledger.wans[0].counters.name + (s)->ledger.wans[1].counters.name)

#define END                                                                                        \
	{                                                                                          \
		NULL, KIND_COUNT,                                                                  \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

/* Open flow a as version 1, both sides established. */
#define OPEN_A                                                                                     \
	{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},                                               \
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},                                \
	{                                                                                          \
		"a> . seq 1 ack 1 capable", KIND_HANDSHAKE,                                        \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define JOIN_B                                                                                     \
	{"b> S seq 0 addr 2 backup join", KIND_HANDSHAKE, {0}},                                    \
		{"b< S. seq 0 ack 1 join", KIND_HANDSHAKE, {0}},                                   \
		{"b> . seq 1 ack 1 join", KIND_HANDSHAKE, {0}},                                    \
	{                                                                                          \
		"b< . seq 1 ack 1 dss ack 1", KIND_HANDSHAKE,                                      \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define DATA_A                                                                                     \
	{"a> P. seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},           \
	{                                                                                          \
		"a< . seq 1 ack 101 dss ack 101", KIND_ACK,                                        \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

#endif
