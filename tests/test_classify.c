/* SPDX-License-Identifier: MIT
 *
 * test_classify.c - the accounting rules, row by row, as small stories of frames built here.
 *
 * A line is a frame in tcpdump's words, and the kind that the rule named above it asks for. Numbers
 * are relative: seq 0 is the SYN, DSN 1 the first data byte. `a>` comes from the client of flow a,
 * `a<` from its server; flows a to d are of connection 0, e and f of 1, g and h of 2; a, c, e, g
 * are on the WAN "main", the others on "spare". The oracle of each line is the rule, not this
 * program. Every story is told twice: frame by frame, and the short way.
 */
#include "../dissect/digest.h"
#include "../dissect/pipeline.h"
#include "craft.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

void suite_classify(void);

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

static void story_begin(struct story *s, int version)
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

static unsigned connection_of(unsigned flow)
{
	return flow < 4 ? 0 : flow < 6 ? 1 : 2;
}

static void key_of(unsigned connection, unsigned side, uint8_t key[8])
{
	memset(key, (int)(0x41 + 2 * connection + side), 8);
}

static uint64_t dsn_of(const struct story *s, unsigned connection, unsigned side, uint64_t relative)
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

static char *word(struct words *w, bool first)
{
	return strtok_r(first ? w->text : NULL, " ", &w->save);
}

static uint64_t number(struct words *w)
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

static uint8_t flags_of(const char *text)
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

static void read_dss_word(const struct story *s, struct told *t, struct words *w, const char *name)
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

static bool read_option_word(struct told *t, struct words *w, const char *name)
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

static void read_word(struct story *s, struct told *t, struct words *w, const char *name)
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

static void read_line(struct story *s, const char *text, struct told *t)
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

static void put_key(struct craft *c, unsigned connection, unsigned side)
{
	uint8_t key[8];

	key_of(connection, side, key);
	craft_bytes(c, key, 8);
}

/* RFC 6824 section 3.1 gives the SYN a key, RFC 8684 section 3.1 does not. */
static void put_capable(struct told *t)
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

static void put_join(const struct story *s, struct told *t)
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

static void put_add_addr(const struct story *s, struct told *t)
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
static uint16_t csum_of(const struct told *t)
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

static void put_option(const struct story *s, struct told *t)
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

static void shoot(struct story *s, const struct line *line)
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

static void shoot_all(struct story *s, const struct line *lines)
{
	for (; lines->text; lines++)
		shoot(s, lines);
}

/* ---- what comes out ---- */

static void settled(void *context, const struct sighting *t)
{
	struct story *s = context;
	struct shot *shot = &s->shots[t->order];

	CU_ASSERT(!shot->settled);
	shot->settled = true;
	shot->kind = (enum kind)t->entry.kind;
	memcpy(shot->split, t->entry.payload, sizeof(shot->split));
	memcpy(shot->connection, t->connection, sizeof(shot->connection));
}

static char *play(struct story *s, struct ledger *ledger, const struct pipeline_options *options)
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

static bool split_differs(const struct shot *shot)
{
	static const uint32_t none[KIND_CARRYING];

	return memcmp(shot->line->split, none, sizeof(none)) != 0 &&
	       memcmp(shot->line->split, shot->split, sizeof(none)) != 0;
}

static void compare(const struct shot *shot)
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
static void story_play(struct story *s)
{
	struct pipeline_options slow = {
		.seed = 5, .no_ndpi = true, .settled = settled, .context = s};
	struct pipeline_options fast = {.seed = 5, .no_ndpi = true};
	struct ledger other;

	ledger_init(&other);
	char *one = play(s, &s->ledger, &slow), *two = play(s, &other, &fast);
	CU_ASSERT_STRING_EQUAL(one, two);
	free(one);
	free(two);
	ledger_release(&other);
	for (size_t i = 0; i < s->n; i++)
		compare(&s->shots[i]);
}

static void story_end(struct story *s)
{
	ledger_release(&s->ledger);
	free(s->shots);
}

static void whole_story(int version, const struct line *lines)
{
	struct story s;

	story_begin(&s, version);
	shoot_all(&s, lines);
	story_play(&s);
	story_end(&s);
}

static uint64_t event_count(const struct story *s, enum event event)
{
	uint64_t sum = 0;

	for (size_t w = 0; w < s->ledger.n_wans; w++)
		sum += s->ledger.wans[w].events[event].count;
	return sum;
}

static uint64_t wan_event(const struct story *s, const char *wan, enum event event)
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

/* ---- R1 to R4 ---- */

static void test_r1_duplicate(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"+0ms a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_DUPLICATE,
	         {0}},
		/* routed once: within 100 ms and another TTL */
		{"+40ms a> P. seq 1:101 ack 1 id 900 ttl 63 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_DUPLICATE,
	         {0}},
		/* the same TTL 40 ms later, or another id, is a retransmission */
		{"+40ms a> P. seq 1:101 ack 1 id 900 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		{"+0ms a> P. seq 1:101 ack 1 id 901 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		END,
	};

	whole_story(1, lines);
}

static void test_r2_reset(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a< R. seq 1 ack 101 tcprst", KIND_RESET, {0}},
		{"a> R seq 101", KIND_RESET, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_TCPRST), 1);
	story_end(&s);
}

static void test_r3_syn(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"+1000ms a> S seq 0 capable",
	         KIND_HANDSHAKE,
	         {0}}, /* again, the same ISN: one opening */
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"+200ms a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1 capable", KIND_HANDSHAKE, {0}},
		END,
	};
	/* Fast Open: payload in the SYN stands before SSN 1 */
	static const struct line fast_open[] = {
		{"c> S seq 0:50 capable", KIND_HANDSHAKE, {50}},
		{"c< S. seq 0 ack 51 capable", KIND_HANDSHAKE, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	shoot_all(&s, fast_open);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_SYN), 2);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_ANSWERED), 2);
	story_end(&s);
}

static void test_r4_joins(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		/* the fourth ACK was one: what follows is none */
		{"b< . seq 1 ack 1 win 600 dss ack 1", KIND_ACK, {0}},
		END,
	};

	for (int version = 0; version < 2; version++) {
		struct story s;
		story_begin(&s, version);
		shoot_all(&s, lines);
		story_play(&s);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_SYN), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_ANSWERED), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_ESTABLISHED), 1);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_GOOD), 2);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_BAD), 0);
		CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_JOIN_UP_BACKUP), 1);
		CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_JOIN_DOWN_NORMAL), 1);
		CU_ASSERT_EQUAL(s.ledger.n_connections, 1);
		story_end(&s);
	}
}

static void test_r4_bad_hmac(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"b> S seq 0 addr 2 join", KIND_HANDSHAKE, {0}},
		{"b< S. seq 0 ack 1 join bad", KIND_HANDSHAKE, {0}},
		{"b> R seq 1", KIND_RESET, {0}},
		{"a< . seq 1 ack 1 addr 9 add-addr", KIND_SIGNAL, {0}},
		{"a< . seq 1 ack 1 addr 9 bad add-addr", KIND_SIGNAL, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_BAD), 2);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HMAC_GOOD), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_JOIN_REFUSED), 1);
	story_end(&s);
}

/* ---- R5, R6, R9: the same bits, told apart by the peer's window ---- */

static void test_r5_zero_window(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a< . seq 1 ack 101 win 0 dss ack 101", KIND_ACK, {0}},
		{"+200ms a> . seq 100 ack 1 dss ack 1", KIND_ZERO_WINDOW_PROBE, {0}},
		{"a< . seq 1 ack 101 win 0 dss ack 101", KIND_ACK, {0}},
		/* other stacks put a byte in: a new one that is accepted, then one already seen */
		{"+400ms a> . seq 101:102 ack 1 dss ack 1 seq 101 subseq 101 len 1",
	         KIND_ZERO_WINDOW_PROBE,
	         {1}},
		{"a< . seq 1 ack 102 win 0 dss ack 102", KIND_ACK, {0}},
		{"+400ms a> . seq 101:102 ack 1", KIND_ZERO_WINDOW_PROBE, {0, 1}},
		{"a< . seq 1 ack 102 win 0 dss ack 102", KIND_ACK, {0}},
		{"a< . seq 1 ack 102 win 500 dss ack 102", KIND_ACK, {0}},
		/* the window is open again: the same bits are a keepalive now */
		{"+60s a> . seq 101 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_KEEPALIVE_ACK, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_probe_answer_frames), 2);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_window_frames), 2); /* to 0, and to 500 again */
	CU_ASSERT_EQUAL(COUNTER(&s, keepalives_answered), 1);
	story_end(&s);
}

static void test_r6_r9_keepalive(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		/* seq may be the ISN on a subflow that never carried */
		{"+10s b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 1 ack 1 dss ack 101",
	         KIND_KEEPALIVE_ACK,
	         {0}},                                           /* the DATA_ACK may have moved */
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}}, /* one answer per probe */
		{"+10s b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"+1000ms b> . seq 0 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}},
		/* a byte that was seen, without PSH and mapping; with PSH it is a retransmission */
		{"+10s a> . seq 100:101 ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_KEEPALIVE_ACK, {0}},
		{"+10s a> P. seq 100:101 ack 1", KIND_RETRANSMISSION, {0, 1}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},
		/* something is outstanding: no keepalive */
		{"a> P. seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 200 ack 1 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

static void test_r6_mid_capture(void)
{
	static const struct line lines[] = {
		/* the first word of a side, acknowledged with seq+1: it was a keepalive */
		{"b> . seq 700 ack 300 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 300 ack 701 dss ack 1", KIND_KEEPALIVE_ACK, {0}},
		{"+10s b> . seq 700 ack 300 dss ack 1", KIND_KEEPALIVE, {0}},
		{"b< . seq 300 ack 701 dss ack 1", KIND_KEEPALIVE_ACK, {0}},
		/* acknowledged with its own seq: it was an ACK */
		{"e> . seq 900 ack 400 dss ack 1", KIND_ACK, {0}},
		{"e< . seq 400 ack 900 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

static void test_before_established(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"b> S seq 0 join", KIND_HANDSHAKE, {0}},
		{"b> . seq 0 ack 0 dss ack 1", KIND_ACK, {0}},
		END,
	};

	whole_story(1, lines);
}

/* ---- R7, R8 ---- */

static void test_r7_signals(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		{"a< . seq 1 ack 101 addr 3 add-addr", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 addr 3 rem-addr", KIND_SIGNAL, {0}},
		{"b> . seq 1 ack 1 prio", KIND_SIGNAL, {0}},
		/* with an address id it speaks for a subflow on the other WAN */
		{"a> . seq 101 ack 1 addr 2 backup prio", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 fail", KIND_SIGNAL, {0}},
		{"a> . seq 101 ack 1 unknown", KIND_ACK, {0}},
		{"a> . seq 101 ack 1 fast-close", KIND_SIGNAL, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_PRIO_UP_NORMAL), 1);
	CU_ASSERT_EQUAL(wan_event(&s, "spare", EVENT_PRIO_UP_BACKUP), 1);
	CU_ASSERT_EQUAL(wan_event(&s, "main", EVENT_PRIO_UP_BACKUP), 0);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_MP_FAIL), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_FASTCLOSE), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_OPTION_UNKNOWN), 1);
	for (size_t i = 0; i < s.ledger.connections[0].n_subflows; i++)
		if (!s.ledger.connections[0].subflows[i].initial)
			CU_ASSERT_EQUAL(s.ledger.connections[0].subflows[i].backup_client, 1);
	story_end(&s);
}

static void test_r8_teardown(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		DATA_A,
		/* DATA_FIN alone: SSN 0, DLL 1, one DSN, no payload; repeated on the backup until
	           acked */
		{"a> . seq 101 ack 1 dss fin ack 1 seq 101 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"b> . seq 1 ack 1 dss fin ack 1 seq 101 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_ACK, {0}},
		{"a> F. seq 101 ack 1 dss ack 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 102 dss ack 102", KIND_ACK, {0}}, /* one answer each */
		{"a< F. seq 1 ack 102 dss ack 102", KIND_TEARDOWN, {0}},
		{"a> . seq 102 ack 2", KIND_TEARDOWN, {0}},
		END,
	};
	/* With payload DLL is payload + 1: all bytes are payload, and none is left without a
	 * mapping */
	static const struct line with_payload[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 dss fin ack 1 seq 1 subseq 1 len 101", KIND_PAYLOAD, {100}},
		{"a< . seq 1 ack 101 dss ack 102", KIND_TEARDOWN, {0}},
		/* the DATA_FIN mapped no byte */
		{"a> . seq 101:102 ack 1 dss ack 1", KIND_PAYLOAD, {1}},
		END,
	};
	/* an answer to a keepalive that carries DATA_FIN: the probe is answered by it */
	static const struct line as_answer[] = {
		OPEN_A,
		DATA_A,
		{"+60s a> . seq 100 ack 1 dss ack 1", KIND_KEEPALIVE, {0}},
		{"a< . seq 1 ack 101 dss fin ack 101 seq 1 subseq 0 len 1", KIND_TEARDOWN, {0}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},
		END,
	};
	struct story s;

	whole_story(1, lines);
	story_begin(&s, 1);
	shoot_all(&s, with_payload);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 1);
	story_end(&s);
	whole_story(1, as_answer);
}

/* ---- R10 ---- */

static void test_r10_acks(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		{"a> P. seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a< . seq 1 ack 101 dss ack 101", KIND_ACK, {0}},         /* advanced */
		{"b< . seq 1 ack 1 dss ack 101", KIND_ACK, {0}},           /* only the DATA_ACK */
		{"a< . seq 1 ack 101 win 700 dss ack 101", KIND_ACK, {0}}, /* window */
		{"a< . seq 1 ack 101 win 700 dss ack 101", KIND_ACK, {0}}, /* duplicate */
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_advanced_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_data_only_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_window_frames), 1);
	CU_ASSERT_EQUAL(COUNTER(&s, ack_duplicate_frames), 1);
	story_end(&s);
}

/* ---- R11: mappings ---- */

static void test_mapping_longer_than_segment(void)
{
	static const struct line lines[] = {
		OPEN_A,
		/* TSO: each segment repeats it */
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 300", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 1 subseq 1 len 300", KIND_PAYLOAD, {100}},
		/* only the first has it */
		{"a> P. seq 201:301 ack 1", KIND_PAYLOAD, {100}},
		/* a segment over the seam of two mappings */
		{"a> . seq 301:351 ack 1 dss ack 1 seq 301 subseq 301 len 100", KIND_PAYLOAD, {50}},
		{"a> . seq 401:451 ack 1 dss ack 1 seq 401 subseq 401 len 50", KIND_PAYLOAD, {50}},
		{"a> . seq 351:451 ack 1", KIND_PAYLOAD, {50, 50}},
		END,
	};
	/* v1: MP_CAPABLE with data, its mapping covers what follows */
	static const struct line capable[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1 capable mapped 300", KIND_PAYLOAD, {100}},
		{"a> P. seq 101:301 ack 1", KIND_PAYLOAD, {200}},
		{"a< . seq 1 ack 301 dss ack 301", KIND_ACK, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 450);
	story_end(&s);
	story_begin(&s, 1);
	shoot_all(&s, capable);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 300);
	story_end(&s);
}

static void test_bytes_before_their_mapping(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> . seq 201:301 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 200",
	         KIND_PAYLOAD,
	         {100}},
		/* never mapped */
		{"a> . seq 301:401 ack 1 dss ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, late_map_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), 0);
	story_end(&s);
}

/* A cut option is read as far as it goes; bytes whose mapping was cut are unmapped, never fallback.
 */
static void test_cut_mapping(void)
{
	static const struct line lines[] = {
		OPEN_A,
		{"a> . seq 1:101 ack 1 cut 70 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 101:201 ack 1 cut 84 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 100);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), 0);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_HEADER_CUT), 1);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_OPTION_CUT), 1);
	story_end(&s);
}

/* ---- R11: who carried it first ---- */

static void test_r11_copies(void)
{
	static const struct line lines[] = {
		OPEN_A,
		JOIN_B,
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* other bytes of the subflow, the same DSNs */
		{"a> . seq 101:201 ack 1 dss ack 1 seq 1 subseq 101 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* on the backup: below 64 KiB it is no habit yet */
		{"b> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_REINJECTION,
	         {0, 0, 100}},
		{"b> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100",
	         KIND_RETRANSMISSION,
	         {0, 100}},
		/* first seen on the backup is payload, whatever its flag says; a tie is the first
	           in the list */
		{"b> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 201:301 ack 1 dss ack 1 seq 151 subseq 201 len 100",
	         KIND_PAYLOAD,
	         {50, 0, 50}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, same_subflow_dsn_bytes), 100);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 250);
	story_end(&s);
}

/* R11.4: `first` bytes are seen on a, then `copies` of their last bytes on b, then 100 more that
 * are judged. */
static void copies_story(uint32_t first, uint32_t copies, const char *wait, enum kind kind)
{
	static const struct line opening[] = {
		OPEN_A, JOIN_B, {"a< . seq 1 ack 1 dss ack 1", KIND_ACK, {0}}, END};
	static char texts[FRAMES][160];
	static struct line lines[FRAMES];
	struct story s;
	size_t n = 0;

	for (uint32_t at = 0, len; at < first; at += len, n++) {
		len = first - at < 1000 ? first - at : 1000;
		snprintf(texts[n], sizeof(texts[n]),
		         "+1ms a> . seq %u:%u ack 1 dss ack 1 seq %u subseq %u len %u", at + 1,
		         at + len + 1, at + 1, at + 1, len);
		lines[n] = (struct line){texts[n], KIND_PAYLOAD, {len}};
	}
	for (uint32_t at = 0, len; at < copies; at += len, n++) {
		len = copies - at < 1000 ? copies - at : 1000;
		bool last = at + len == copies;
		snprintf(texts[n], sizeof(texts[n]),
		         "%s b> . seq %u:%u ack 1 dss ack 1 seq %u subseq %u len %u",
		         at ? "+1ms" : wait, at + 1, at + len + 1, at + 1, at + 1, len);
		lines[n] = (struct line){texts[n], last ? kind : KIND_REINJECTION, {0}};
	}
	lines[n] = (struct line)END;
	story_begin(&s, 0);
	shoot_all(&s, opening);
	shoot_all(&s, lines);
	story_play(&s);
	story_end(&s);
}

static void test_r11_redundant_borders(void)
{
	copies_story(65536, 16384, "+1ms", KIND_REDUNDANT);       /* 64 KiB, 25 % */
	copies_story(65536, 16383, "+1ms", KIND_REINJECTION);     /* 25 % but for a byte */
	copies_story(65535, 16384, "+1ms", KIND_REINJECTION);     /* 64 KiB but for a byte */
	copies_story(65536, 16384, "+9000ms", KIND_REDUNDANT);    /* younger than 10 s */
	copies_story(65536, 16384, "+10300ms", KIND_REINJECTION); /* older */
}

/* ---- fallback ---- */

/* Tell the story and compare what fell back, what was never MPTCP, and what was never mapped. */
static void fallback_story(const struct line *lines, uint64_t fallback, uint64_t plain,
                           enum event event, uint64_t times)
{
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(COUNTER(&s, tcp_fallback_bytes), fallback);
	CU_ASSERT_EQUAL(COUNTER(&s, plain_tcp_bytes), plain);
	CU_ASSERT_EQUAL(COUNTER(&s, unmapped_bytes), 0);
	CU_ASSERT_EQUAL(event_count(&s, event), times);
	CU_ASSERT_EQUAL(s.ledger.connections[0].fallback, fallback > 0);
	story_end(&s);
}

static void test_fallback_forms(void)
{
	static const struct line answer[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		{"a> P. seq 1:101 ack 1", KIND_RETRANSMISSION, {0, 100}},
		END,
	};
	static const struct line third_ack[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line first_data[] = {
		OPEN_A,
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line infinite[] = {
		OPEN_A,
		DATA_A,
		{"a> P. seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 0", KIND_PAYLOAD, {100}},
		{"a> P. seq 201:301 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line version[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 version 0 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};
	static const struct line never_offered[] = {
		{"a> S seq 0", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1", KIND_ACK, {0}},
		{"a> P. seq 1:101 ack 1", KIND_PAYLOAD, {100}},
		END,
	};

	fallback_story(answer, 100, 0, EVENT_CAPABLE_PLAIN, 1);
	fallback_story(third_ack, 100, 0, EVENT_CAPABLE_STRIPPED_LATER, 1);
	fallback_story(first_data, 100, 0, EVENT_CAPABLE_STRIPPED_LATER, 1);
	fallback_story(infinite, 200, 0, EVENT_INFINITE_MAPPING, 1);
	fallback_story(version, 100, 0, EVENT_CAPABLE_VERSION, 1);
	fallback_story(never_offered, 0, 100, EVENT_PLAIN_SYN, 1);
}

/* ---- wraps ---- */

/* TCP numbers cross 2^32 in the middle of the data, at other places on each subflow. */
static void wrap_story(const char *form)
{
	static const struct line opening[] = {OPEN_A, JOIN_B, END};
	static char texts[16][160];
	static struct line lines[18];
	struct story s;
	uint32_t at = 1;

	for (int i = 0; i < 8; i++, at += 1000) {
		snprintf(texts[i], sizeof(texts[i]),
		         "a> . seq %u:%u ack 1 dss ack 1 %s %u subseq %u len 1000", at, at + 1000,
		         form, at, at);
		lines[i] = (struct line){texts[i], KIND_PAYLOAD, {1000}};
	}
	for (int i = 8; i < 16; i++) { /* all of it once more, on the backup */
		at = (uint32_t)(i - 8) * 1000 + 1;
		snprintf(texts[i], sizeof(texts[i]),
		         "b> . seq %u:%u ack 1 dss ack 1 %s %u subseq %u len 1000", at, at + 1000,
		         form, at, at);
		lines[i] = (struct line){texts[i], KIND_REINJECTION, {0, 0, 1000}};
	}
	lines[16] = (struct line)END;
	story_begin(&s, 0);
	s.isn[0][0] = 0xffffffffu - 3500;
	s.isn[1][0] = 0xffffffffu - 1500;
	shoot_all(&s, opening);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 8000);
	story_end(&s);
}

static void test_wraps(void)
{
	wrap_story("seq");
	wrap_story("seq32");
}

/* A handshake nobody saw: numbers are where the story puts them, here across 2^32 and across 2^64.
 */
static void mid_wrap_story(const char *form, uint64_t first)
{
	static char texts[8][160];
	static struct line lines[9];
	struct story s;

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(texts[i], sizeof(texts[i]),
		         "+200ms a> . seq %u:%u ack 1 dss ack32 1 %s %u subseq %u len 1000",
		         i * 1000 + 1, i * 1000 + 1001, form, i * 1000 + 1, i * 1000 + 1);
		lines[i] = (struct line){texts[i], KIND_PAYLOAD, {1000}};
	}
	lines[8] = (struct line)END;
	story_begin(&s, 0);
	s.idsn_shift = first - dsn_of(&s, 0, 0, 0);
	shoot_all(&s, lines);
	shoot_all(&s,
	          (struct line[]){
			  {"a> . seq 4001:5001 ack 1 dss ack32 1", KIND_RETRANSMISSION, {0, 1000}},
			  END});
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.connections[0].unique_bytes[0], 8000);
	story_end(&s);
}

static void test_wraps_mid_capture(void)
{
	mid_wrap_story("seq32", 0xffffffffu - 3500);
	mid_wrap_story("seq", UINT64_C(0x1ffffffff) - 3500);
	mid_wrap_story("seq", UINT64_MAX - 3500);
}

/* ---- identity ---- */

static void test_port_reuse(void)
{
	static const struct line lines[] = {
		OPEN_A,
		DATA_A,
		{"a> F. seq 101 ack 1", KIND_TEARDOWN, {0}},
		{"a< F. seq 1 ack 102", KIND_TEARDOWN, {0}},
		{"a> . seq 102 ack 2", KIND_TEARDOWN, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	s.isn[0][0] += 77777;
	s.isn[0][1] += 77777;
	s.now_ns += UINT64_C(1000000000);
	shoot_all(&s, lines); /* the same ports, another ISN, and the token once more */
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[s.n - 1].connection);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_CAPABLE_SYN), 2);
	story_end(&s);
}

/* The newest live connection with a token is meant. */
static void test_token_reuse(void)
{
	static const struct line first[] = {OPEN_A, DATA_A, END};
	static const struct line join[] = {JOIN_B, END};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, first);
	s.ports = 10;
	s.now_ns += UINT64_C(100000000000);
	shoot_all(&s, first); /* other ports, the same key */
	size_t second = s.n - 1;
	shoot_all(&s, join);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	CU_ASSERT_STRING_EQUAL(s.shots[s.n - 1].connection, s.shots[second].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[s.n - 1].connection, s.shots[0].connection);
	story_end(&s);
}

/* Joins were captured by a clock that is ahead: the connection is one when its keys come. */
static void test_partial_united_by_keys(void)
{
	static const struct line lines[] = {
		JOIN_B,
		{"b> . seq 1:101 ack 1 dss ack 1 seq 101 subseq 1 len 100", KIND_PAYLOAD, {100}},
		OPEN_A,
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {100}},
		{"a> . seq 101:201 ack 1 dss ack 1 seq 101 subseq 101 len 100",
	         KIND_REINJECTION,
	         {0, 0, 100}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, lines);
	story_play(&s);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 1);
	CU_ASSERT_EQUAL(s.ledger.connections[0].n_subflows, 2);
	CU_ASSERT_EQUAL(s.ledger.connections[0].confidence, CONF_KEY);
	CU_ASSERT_EQUAL(event_count(&s, EVENT_SKEW), 1);
	/* from the JOIN's SYN to the SYN/ACK with the key: 6 frames of 20 ms */
	CU_ASSERT(s.ledger.wans[0].skew_ns == 120000000 || s.ledger.wans[1].skew_ns == 120000000);
	story_end(&s);
}

/* Rule 4: no handshake was seen, the streams' positions tell. */
static void test_dsn_adjacency(void)
{
	static const struct line one[] = {
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"e> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"b> . seq 1:101 ack 1 dss ack 1 seq 101 subseq 1 len 100", KIND_PAYLOAD, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 1);
	shoot_all(&s, one);
	story_play(&s);
	CU_ASSERT_STRING_EQUAL(s.shots[0].connection, s.shots[2].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[1].connection);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 2);
	story_end(&s);
}

/* Two candidates are none: nobody is accused on a guess. v0 sends 32 bits only, so two connections
 * may lie within 2^24 of each other, told apart by the other direction until a third one says
 * nothing about it. */
static void test_dsn_adjacency_of_two(void)
{
	static const struct line two[] = {
		{"a> . seq 1:101 ack 1 dss ack32 1 seq32 1 subseq 1 len 100", KIND_PAYLOAD, {0}},
		{"a< . seq 1:101 ack 101 dss ack32 101 seq32 1 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"b< . seq 1:101 ack 1 dss ack32 900 seq32 20000001 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"b> . seq 1:101 ack 101 dss ack32 20000101 seq32 901 subseq 1 len 100",
	         KIND_PAYLOAD,
	         {0}},
		{"c> . seq 1:101 ack 1 dss seq32 501 subseq 1 len 100", KIND_PAYLOAD, {0}},
		END,
	};
	struct story s;

	story_begin(&s, 0);
	shoot_all(&s, two);
	story_play(&s);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[0].connection, s.shots[2].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[4].connection, s.shots[0].connection);
	CU_ASSERT_STRING_NOT_EQUAL(s.shots[4].connection, s.shots[2].connection);
	CU_ASSERT_EQUAL(s.ledger.n_connections, 3);
	story_end(&s);
}

/* ---- DSS checksums ---- */

static void test_checksums(void)
{
	static const struct line lines[] = {
		{"a> S seq 0 capable", KIND_HANDSHAKE, {0}},
		{"a< S. seq 0 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1 ack 1 capable", KIND_HANDSHAKE, {0}},
		{"a> . seq 1:101 ack 1 dss ack 1 seq 1 subseq 1 len 100 csum good",
	         KIND_PAYLOAD,
	         {100}},
		{"a> . seq 101:202 ack 1 dss ack 1 seq 101 subseq 101 len 101 csum good",
	         KIND_PAYLOAD,
	         {101}},
		{"a> . seq 202:302 ack 1 dss ack 1 seq 202 subseq 202 len 100 csum bad",
	         KIND_PAYLOAD,
	         {100}},
		/* a mapping in three segments, cut at odd places */
		{"a> . seq 302:335 ack 1 dss ack 1 seq 302 subseq 302 len 100 csum good",
	         KIND_PAYLOAD,
	         {33}},
		{"a> . seq 335:340 ack 1", KIND_PAYLOAD, {5}},
		{"a> . seq 340:402 ack 1", KIND_PAYLOAD, {62}},
		END,
	};
	struct story s;

	for (int version = 0; version < 2; version++) {
		story_begin(&s, version);
		for (const struct line *line = lines; line->text; line++) {
			shoot(&s, line);
			/* the checksum bit of MP_CAPABLE: first byte behind version, at 14 + 20 +
			 * 20 + 3 */
			if (strstr(line->text, "capable"))
				s.shots[s.n - 1].craft.bytes[57] |= 0x80;
		}
		story_play(&s);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_CHECKSUM_GOOD), 3);
		CU_ASSERT_EQUAL(event_count(&s, EVENT_CHECKSUM_BAD), 1);
		story_end(&s);
	}
}

void suite_classify(void)
{
	CU_pSuite suite = CU_add_suite("classify", NULL, NULL);

	CU_ADD_TEST(suite, test_r1_duplicate);
	CU_ADD_TEST(suite, test_r2_reset);
	CU_ADD_TEST(suite, test_r3_syn);
	CU_ADD_TEST(suite, test_r4_joins);
	CU_ADD_TEST(suite, test_r4_bad_hmac);
	CU_ADD_TEST(suite, test_r5_zero_window);
	CU_ADD_TEST(suite, test_r6_r9_keepalive);
	CU_ADD_TEST(suite, test_r6_mid_capture);
	CU_ADD_TEST(suite, test_before_established);
	CU_ADD_TEST(suite, test_r7_signals);
	CU_ADD_TEST(suite, test_r8_teardown);
	CU_ADD_TEST(suite, test_r10_acks);
	CU_ADD_TEST(suite, test_mapping_longer_than_segment);
	CU_ADD_TEST(suite, test_bytes_before_their_mapping);
	CU_ADD_TEST(suite, test_cut_mapping);
	CU_ADD_TEST(suite, test_r11_copies);
	CU_ADD_TEST(suite, test_r11_redundant_borders);
	CU_ADD_TEST(suite, test_fallback_forms);
	CU_ADD_TEST(suite, test_wraps);
	CU_ADD_TEST(suite, test_wraps_mid_capture);
	CU_ADD_TEST(suite, test_port_reuse);
	CU_ADD_TEST(suite, test_token_reuse);
	CU_ADD_TEST(suite, test_partial_united_by_keys);
	CU_ADD_TEST(suite, test_dsn_adjacency);
	CU_ADD_TEST(suite, test_dsn_adjacency_of_two);
	CU_ADD_TEST(suite, test_checksums);
}
