/* SPDX-License-Identifier: MIT
 *
 * fuzz_pipeline.c - any bytes as a story of MPTCP: openings, joins, data, copies, losses, ends, and
 * lies.
 *
 * The first byte chooses bounds, then each 8 bytes are one act on one of 8 flows in 4 connections
 * on 4 WANs. Zeros give data in order, so that the short way is taken; the other values bend
 * numbers, options, lengths and times. Checked: kinds add up (law 1), frames counted are frames
 * fed, each frame is settled once, its payload is split without loss, the short way gives the
 * ledger that the long way gives, and so do pieces between which the state goes from one pipeline
 * to the next (law 3). Short stories are cut at every border between two frames, long ones where
 * the bytes of a frame say so; frames that wait over a cut are told once, too.
 */
#include "../../dissect/pipeline.h"
#include "../craft.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

enum {
	FLOWS = 8,
	CONNECTIONS = 4,
	WANS = 4,
	ACT = 8,
	ACTS_MAX = 512,
	SHORT = 12,    /* acts of a story that is cut at every border */
	CUTS_MAX = 24, /* a cut takes a thousand times a frame */
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16
};

/* The two ends of a flow as an honest sender would number them. */
struct flow {
	uint32_t seq[2], start[2];
};

struct talk {
	uint64_t dsn[2], start[2];
	uint64_t dsn_of[FLOWS][2]; /* where a flow's last mapping began */
};

struct stage {
	struct flow flows[FLOWS];
	struct talk talks[CONNECTIONS];
	uint64_t now_ns;
	uint16_t ip_id;
};

static const struct frame_wan wans[WANS] = {
	{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
static const struct frame_file files[2] = {{.name = "one"}, {.name = "two", .wan = 1}};

static void stage_set(struct stage *s)
{
	*s = (struct stage){.now_ns = UINT64_C(1700000000000000000)};
	for (unsigned i = 0; i < FLOWS; i++)
		for (unsigned d = 0; d < 2; d++)
			s->flows[i].seq[d] = s->flows[i].start[d] = 0xfffff000u + 4096u * i;
	for (unsigned i = 0; i < CONNECTIONS; i++)
		for (unsigned d = 0; d < 2; d++)
			s->talks[i].dsn[d] = s->talks[i].start[d] =
				(i == 3 ? UINT64_MAX - 3000
			                : UINT64_C(0xfffff000) + ((uint64_t)i << 34)) +
				d;
}

/* Small numbers are small steps around the right one, large ones are far away. */
static uint64_t bend(uint64_t right, uint8_t by)
{
	static const int64_t steps[16] = {0,
	                                  -1,
	                                  1,
	                                  -100,
	                                  100,
	                                  -1000,
	                                  1000,
	                                  -1400,
	                                  1400,
	                                  -65536,
	                                  65536,
	                                  INT64_C(1) << 31,
	                                  INT64_C(1) << 32,
	                                  -(INT64_C(1) << 24),
	                                  7,
	                                  INT64_MIN};

	return right + (uint64_t)steps[by & 15];
}

static void put_key(struct craft *c, unsigned talk, unsigned dir)
{
	craft_be(c, UINT64_C(0x1234567800000000) + talk * 2 + dir, 8);
}

/* MP_CAPABLE of the right length for its flags; `form` chooses version, checksum and the wrong one.
 */
static void put_capable(struct craft_options *o, unsigned talk, unsigned dir, uint8_t flags,
                        uint8_t form)
{
	struct craft b = {.len = 0};
	unsigned version = form & 3;

	craft_be(&b, (form & 4 ? 0x80 : 0) | 1, 1);
	if (version == 0 || flags & ACK)
		put_key(&b, talk, dir);
	if (!(flags & SYN))
		put_key(&b, talk, !dir);
	if (form & 8)
		craft_be(&b, 100, 2);
	craft_mptcp(o, 0, version, &b);
}

static void put_join(struct craft_options *o, unsigned talk, uint8_t flags, uint8_t form)
{
	struct craft b = {.len = 0};

	craft_be(&b, form >> 4, 1);
	if (!(flags & ACK)) {
		craft_be(&b, 0xabcd0000u + talk + (form & 4), 4);
		craft_be(&b, form, 4);
	} else if (flags & SYN) {
		craft_fill(&b, form, 8);
		craft_be(&b, form, 4);
	} else {
		craft_fill(&b, form, 20);
	}
	craft_mptcp(o, 1, form & 1, &b);
}

static void put_dss(struct craft_options *o, const struct stage *s, unsigned talk, unsigned flow,
                    unsigned dir, uint64_t dsn, uint32_t ssn, uint16_t len, uint8_t form)
{
	struct craft_dss d = {.flags = form & 0x1f,
	                      .ack = s->talks[talk].dsn[!dir],
	                      .dsn = dsn,
	                      .ssn = ssn,
	                      .len = len,
	                      .has_csum = form & 0x20};

	(void)flow;
	craft_dss(o, &d);
}

/* The options that only signal, whole or with a wrong length. */
static void put_signal(struct craft_options *o, unsigned talk, unsigned dir, uint8_t form)
{
	static const uint8_t sizes[16] = {6, 8, 18, 20, 13, 15, 1, 2, 0, 1, 9, 9, 1, 0, 3, 7};
	static const uint8_t subtypes[16] = {3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 15, 7};
	struct craft b = {.len = 0};
	unsigned which = form & 15;

	if (subtypes[which] == 7) {
		craft_be(&b, 0, 1);
		put_key(&b, talk, dir);
	} else {
		craft_fill(&b, form >> 6, sizes[which]);
	}
	craft_mptcp(o, subtypes[which], form >> 4, &b);
}

static const uint8_t flags_of[16] = {ACK, ACK | PSH, ACK,       SYN, SYN | ACK, ACK,
                                     SYN, SYN | ACK, FIN | ACK, RST, ACK,       ACK,
                                     ACK, ACK,       SYN | FIN, 0};

/*
 * act[0]: flow 0-2, direction 3, what happens 4-7     act[1]: form of options     act[2]: time
 * act[3]: payload in units of 40 bytes, or one byte   act[4]: bend of seq (low), of ack (high)
 * act[5]: bend of DSN (low), length lies (high)       act[6]: WAN, link, family, mark, cut
 * act[7]: one byte of the frame is changed
 */
static void act_tcp(struct stage *s, const uint8_t *act, struct craft *c)
{
	unsigned flow = act[0] & 7, dir = act[0] >> 3 & 1, what = act[0] >> 4,
		 talk = flow % CONNECTIONS;
	struct flow *f = &s->flows[flow];
	struct talk *t = &s->talks[talk];
	bool quiet = what == 2 || (what >= 3 && what <= 10);
	uint32_t len = quiet && !(act[3] & 0x80) ? 0
	               : act[3] == 0             ? 100
	               : act[3] == 1             ? 1
	                                         : (act[3] & 0x7f) * 11u;
	uint8_t flags = flags_of[what];
	uint32_t seq = (uint32_t)bend(f->seq[dir], act[4]);
	uint64_t dsn = bend(t->dsn[dir], act[5]);
	struct craft_tcp tcp = {.family = act[6] & 0x10 ? 6 : 4,
	                        .src = (uint8_t)(dir ? 100 : 1 + flow),
	                        .dst = (uint8_t)(dir ? 1 + flow : 100),
	                        .sport = (uint16_t)(dir ? 443 : 40000 + flow),
	                        .dport = (uint16_t)(dir ? 40000 + flow : 443),
	                        .seq = seq,
	                        .ack = (uint32_t)bend(f->seq[!dir], act[4] >> 4),
	                        .flags = flags,
	                        .window = (uint16_t)(what == 12 ? 0 : 500 + (act[1] & 1)),
	                        .ip_id = act[6] & 0x20 ? 7 : ++s->ip_id,
	                        .payload_len = len};

	if (act[1] & 0x80)
		craft_timestamps(&tcp.options, (uint32_t)(s->now_ns / 1000000), act[1]);
	uint16_t mapped = (uint16_t)(act[5] & 0x10   ? len * 3
	                             : act[5] & 0x20 ? 0
	                             : act[5] & 0x40 ? len + 1
	                                             : len);
	if (what == 0 || what == 1)
		put_dss(&tcp.options, s, talk, flow, dir, dsn, seq - f->start[dir] + 1, mapped,
		        act[1] & 0x3f ? act[1] & 0x3f : 0x0d);
	else if (what == 2)
		put_dss(&tcp.options, s, talk, flow, dir, dsn, 0, 1,
		        act[1] & 0x3f ? act[1] & 0x3f : 0x01);
	else if (what >= 3 && what <= 5)
		put_capable(&tcp.options, talk, dir, flags, act[1]);
	else if (what == 6 || what == 7)
		put_join(&tcp.options, talk, flags, act[1]);
	else if (what == 8 || what == 11)
		put_dss(&tcp.options, s, talk, flow, dir, dsn, 0, (uint16_t)(len + 1),
		        act[1] & 0x3f);
	else if (what == 9 || what == 10)
		put_signal(&tcp.options, talk, dir, act[1]);
	else if (what == 13)
		put_join(&tcp.options, talk, ACK, act[1]);
	craft_segment(c, &tcp);
	if ((act[4] & 15) == 0)
		f->seq[dir] += len + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
	if (flags & SYN)
		f->start[dir] = f->seq[dir];
	if ((act[5] & 15) == 0 && what <= 1)
		t->dsn[dir] += len;
}

static void add_time(struct stage *s, uint8_t by)
{
	static const uint64_t steps[16] = {1000,         0,
	                                   1000000,      20000000,
	                                   50000000,     100000000,
	                                   500000000,    1000000000,
	                                   5000000000,   10000000000,
	                                   11000000000u, 60000000000,
	                                   76000000000,  3600000000000,
	                                   999999,       1};

	if (by & 0x10 && by & 0x80 && s->now_ns > 200000000)
		s->now_ns -= 200000000;
	else
		s->now_ns += steps[by & 15];
}

/* One act as a frame. Act 15 is a frame of raw bytes. */
static void perform(struct stage *s, const uint8_t *act, struct craft *c, struct frame *f)
{
	static const uint16_t links[4] = {LINK_ETHERNET, LINK_ETHERNET, LINK_RAW, LINK_SLL};
	uint16_t link = links[act[6] >> 2 & 3];

	c->len = 0;
	add_time(s, act[2]);
	if (link == LINK_ETHERNET)
		craft_ethernet(c, act[6] & 0x10 ? 0x86dd : 0x0800);
	else if (link == LINK_SLL)
		craft_bytes(c, "\0\4\0\1\0\6\2\0\0\0\0\1\0\0", 14),
			craft_be(c, act[6] & 0x10 ? 0x86dd : 0x0800, 2);
	if (act[0] >> 4 == 15)
		craft_bytes(c, act, ACT);
	else
		act_tcp(s, act, c);
	if (act[7])
		c->bytes[(act[7] * 7u + act[1]) % c->len] ^= act[7];
	*f = (struct frame){.ts_ns = s->now_ns,
	                    .number = 1,
	                    .data = c->bytes,
	                    .caplen = act[6] & 0x40 && c->len > 70 ? 70 : c->len,
	                    .wire_len = c->len,
	                    .wan = act[6] & 3 ? act[6] & 3 : (act[0] & 7) / CONNECTIONS,
	                    .linktype = link,
	                    .mark = act[5] & 0x80 ? act[0] & 8 ? MARK_IN : MARK_OUT : MARK_NONE,
	                    .shared = s->now_ns < UINT64_C(1700000040000000000)};
	f->file = f->wan & 1;
}

/* ---- what must come out ---- */

struct told {
	uint64_t frames, payload[KIND_CARRYING];
	uint8_t seen[ACTS_MAX];
};

static bool carries_all(const struct sighting *s)
{
	return s->tcp && !(s->tcp_flags & RST) && s->entry.kind != KIND_DUPLICATE &&
	       s->entry.kind != KIND_KEEPALIVE;
}

static void settled(void *context, const struct sighting *s)
{
	struct told *told = context;
	uint64_t split = 0;

	told->frames++;
	MUST(s->order < ACTS_MAX && !told->seen[s->order]++);
	MUST(s->entry.kind < KIND_COUNT);
	for (unsigned k = 0; k < KIND_CARRYING; k++) {
		told->payload[k] += s->entry.payload[k];
		split += s->entry.payload[k];
	}
	MUST(split == (carries_all(s) ? s->payload_len : 0));
}

static void check_sums(const struct ledger *ledger, const struct told *told, uint64_t fed)
{
	uint64_t frames = ledger->frames_over_wans, payload[KIND_CARRYING] = {0};
	char sentence[256];

	MUST(ledger_check(ledger, sentence, sizeof(sentence)) == NULL);
	for (size_t w = 0; w < ledger->n_wans; w++) {
		frames += ledger_sum(&ledger->wans[w], -1, -1, -1, -1).frames;
		for (int k = 0; k < KIND_CARRYING; k++)
			payload[k] += ledger_sum(&ledger->wans[w], -1, -1, k, -1).payload_bytes;
	}
	MUST(frames == fed);
	if (!told)
		return;
	MUST(told->frames == fed);
	MUST(memcmp(payload, told->payload, sizeof(payload)) == 0);
}

static char *play(const uint8_t *data, size_t size, bool short_way, size_t *len)
{
	struct told told = {0};
	struct pipeline_options options = {.max_subflows = size && data[0] & 1 ? 16 : 0,
	                                   .seed = 7,
	                                   .no_ndpi = true,
	                                   .long_way = !short_way,
	                                   .settled = short_way ? NULL : settled,
	                                   .context = &told};
	struct stage stage;
	struct ledger ledger;
	struct craft craft;
	struct frame frame;
	uint64_t fed = 0;
	char *text = NULL;

	stage_set(&stage);
	ledger_init(&ledger);
	struct pipeline *pipeline = pipeline_new(&ledger, &options);
	MUST(pipeline);
	for (size_t at = 1; at + ACT <= size && fed < ACTS_MAX; at += ACT) {
		perform(&stage, data + at, &craft, &frame);
		frame.number = ++fed;
		pipeline_feed(pipeline, &wans[frame.wan], &files[frame.file], &frame);
	}
	pipeline_finish(pipeline, wans, WANS, files, 2);
	check_sums(&ledger, short_way ? NULL : &told, fed);
	FILE *out = open_memstream(&text, len);
	MUST(out && ledger_save(&ledger, out) == 0 && fclose(out) == 0);
	pipeline_free(pipeline);
	ledger_release(&ledger);
	return text;
}

/* The piece ends: its ledger is added up, and another pipeline goes on from the state. */
static struct pipeline *cut(struct pipeline *pipeline, const struct pipeline_options *options,
                            struct ledger *ledger, struct ledger *sum)
{
	char *state = NULL, message[200];
	size_t size;
	FILE *file = open_memstream(&state, &size);

	/* no survey tells of WANs before their first frame, so no piece may know of more than the
	 * whole */
	MUST(file && pipeline_suspend(pipeline, NULL, 0, NULL, 0, file) == 0);
	MUST(fclose(file) == 0);
	pipeline_free(pipeline);
	MUST(ledger_merge(sum, ledger));
	ledger_release(ledger);
	file = fmemopen(state, size, "r");
	MUST(file);
	pipeline = pipeline_resume(ledger, options, file, message, sizeof(message));
	if (!pipeline)
		fprintf(stderr, "its own state is refused: %s\n", message);
	MUST(pipeline);
	fclose(file);
	free(state);
	return pipeline;
}

/* Where a long story is cut depends on what happens there, so that it stays when acts go and come
 * before it. */
static bool cut_behind(const uint8_t *data, size_t size, const uint8_t *act, unsigned cuts)
{
	uint32_t mix = data[0];

	if (size <= 1 + SHORT * ACT)
		return true;
	for (unsigned i = 0; i < ACT; i++)
		mix = (mix ^ act[i]) * 0x01000193u;
	return cuts < CUTS_MAX && (mix >> 16) % 8 == 0;
}

static char *play_in_pieces(const uint8_t *data, size_t size, size_t *len)
{
	struct told told = {0};
	bool tells = size && data[0] & 2; /* the long way, and frames that wait are told later */
	struct pipeline_options options = {.max_subflows = size && data[0] & 1 ? 16 : 0,
	                                   .seed = 7,
	                                   .no_ndpi = true,
	                                   .settled = tells ? settled : NULL,
	                                   .context = &told,
	                                   .describe = tells};
	unsigned cuts = 0;
	struct stage stage;
	struct ledger ledger, sum;
	struct craft craft;
	struct frame frame;
	uint64_t fed = 0;
	char *text = NULL;

	stage_set(&stage);
	ledger_init(&ledger);
	ledger_init(&sum);
	struct pipeline *pipeline = pipeline_new(&ledger, &options);
	MUST(pipeline);
	for (size_t at = 1; at + ACT <= size && fed < ACTS_MAX; at += ACT) {
		perform(&stage, data + at, &craft, &frame);
		frame.number = ++fed;
		pipeline_feed(pipeline, &wans[frame.wan], &files[frame.file], &frame);
		if (!cut_behind(data, size, data + at, cuts))
			continue;
		pipeline = cut(pipeline, &options, &ledger, &sum);
		cuts++;
	}
	pipeline_finish(pipeline, wans, WANS, files, 2);
	pipeline_free(pipeline);
	MUST(ledger_merge(&sum, &ledger));
	check_sums(&sum, tells ? &told : NULL, fed);
	FILE *out = open_memstream(&text, len);
	MUST(out && ledger_save(&sum, out) == 0 && fclose(out) == 0);
	ledger_release(&ledger);
	ledger_release(&sum);
	return text;
}

static void must_be_same(const char *what, const char *one, const char *other)
{
	if (strcmp(one, other) == 0)
		return;
	fprintf(stderr, "long way:\n%s\n%s:\n%s\n", one, what, other);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t one_len, two_len, three_len;
	char *one = play(data, size, false, &one_len), *two = play(data, size, true, &two_len);

	char *three = play_in_pieces(data, size, &three_len);

	must_be_same("short way", one, two);
	must_be_same("in pieces", one, three);
	free(one);
	free(two);
	free(three);
	return 0;
}
