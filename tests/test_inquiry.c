/* SPDX-License-Identifier: MIT
 *
 * test_inquiry.c - outages that only unanswered questions show, and those that nobody may invent.
 *
 * Each story notes the moments itself: an outage lasts from the first question in vain until the
 * WAN is heard again. WAN 0 is asked; WAN 1 is the other one.
 */
#include "../dissect/inquiry.h"

#include "../dissect/state.h"

#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

void suite_inquiry(void);

#define T0 UINT64_C(1700000000000000000)
#define S  UINT64_C(1000000000)

enum what { PING, PING6, DNS, TCP };

struct tale {
	struct ledger ledger;
	struct hearing hearing;
	struct inquiries inquiries;
	uint64_t now_ns, number;
};

static struct tale *begin(void)
{
	struct tale *t = calloc(1, sizeof(*t));

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	ledger_init(&t->ledger);
	ledger_wan(&t->ledger, "wan1");
	ledger_wan(&t->ledger, "wan2");
	ledger_file(&t->ledger, "wan1.pcap", 0);
	t->hearing.ledger = &t->ledger;
	t->inquiries.hearing = &t->hearing;
	t->now_ns = T0;
	return t;
}

static void end(struct tale *t)
{
	ledger_release(&t->ledger);
	free(t);
}

/* A question to a host, or its answer, now. */
static uint64_t pass(struct tale *t, uint32_t wan, enum what what, uint8_t host, bool up)
{
	uint8_t own[16] = {192, 0, 2, 2}, far[16] = {203, 0, 113, host}, bytes[8] = {0};
	struct segment s = {
		.family = what == PING6 ? 6 : 4,
		.src = up ? own : far,
		.dst = up ? far : own,
		.transport = bytes,
		.transport_cap = sizeof(bytes),
	};
	struct ledger_entry e = {
		.wan = wan,
		.ts_ns = t->now_ns,
		.number = ++t->number,
		.direction = up ? DIR_UP : DIR_DOWN,
		.traffic = TRAFFIC_OTHER,
	};

	s.proto = what == PING ? 1 : what == PING6 ? 58 : what == DNS ? 17 : 6;
	bytes[0] = what == PING6 ? (up ? 128 : 129) : up ? 8 : 0;
	if (what == DNS || what == TCP) {
		s.sport = up ? 40000 : what == DNS ? 53 : 65500;
		s.dport = up ? (what == DNS ? 53 : 65500) : 40000;
		s.flags = what == TCP ? (up ? TCP_SYN : TCP_SYN | TCP_ACK) : 0;
	}
	inquiry_pass(&t->inquiries, &s, &e);
	if (!up)
		health_hear(&t->hearing, wan, t->now_ns);
	return t->now_ns;
}

static void later(struct tale *t, uint64_t seconds)
{
	t->now_ns += seconds * S;
}

/* One after the other, `pace` s apart: n questions, answered 20 ms later or not. First and last. */
static uint64_t ask(struct tale *t, uint32_t wan, enum what what, uint8_t host, unsigned n,
                    uint64_t pace, bool answered)
{
	uint64_t first = t->now_ns;

	for (unsigned i = 0; i < n; i++) {
		pass(t, wan, what, host, true);
		if (answered) {
			t->now_ns += S / 50;
			pass(t, wan, what, host, false);
			t->now_ns -= S / 50;
		}
		later(t, pace);
	}
	return first;
}

static const struct ledger_interruption *row_of(const struct tale *t, size_t n)
{
	CU_ASSERT_EQUAL_FATAL(t->ledger.n_interruptions, n);
	return n ? &t->ledger.interruptions[n - 1] : NULL;
}

/* Ten seconds in vain, of each kind of question. */
static void test_each_question(void)
{
	for (enum what what = PING; what <= TCP; what++) {
		struct tale *t = begin();

		ask(t, 0, what, 10, 3, 2, true);
		uint64_t from = t->now_ns;
		for (unsigned i = 0; i < 5; i++) {
			pass(t, 0, what, 10, true);
			pass(t, 1, PING, 10, true);
			pass(t, 1, PING, 10, false);
			later(t, 2);
		}
		uint64_t number = t->number, to = pass(t, 0, what, 10, true) + S / 50;
		t->now_ns = to;
		pass(t, 0, what, 10, false);
		const struct ledger_interruption *row = row_of(t, 1);
		CU_ASSERT_EQUAL(row->kind, INTERRUPTION_OUTAGE);
		CU_ASSERT_EQUAL(row->wan, 0);
		CU_ASSERT_EQUAL(row->from_ns, from);
		CU_ASSERT_EQUAL(row->to_ns, to);
		CU_ASSERT_FALSE(row->open);
		CU_ASSERT_EQUAL(row->frame.ts_ns, from);
		CU_ASSERT_EQUAL(row->frame.number, number - 14);
		CU_ASSERT_EQUAL(t->hearing.back_ns[0], to);
		end(t);
	}
}

/* The other WAN is heard all the time; `n` questions in vain on WAN 0, then an answer. */
static size_t outages_after(unsigned n, uint64_t pace)
{
	struct tale *t = begin();

	ask(t, 0, PING, 10, 2, pace, true);
	for (unsigned i = 0; i < n; i++) {
		ask(t, 1, PING, 10, 1, 0, true);
		ask(t, 0, PING, 10, 1, pace, false);
	}
	ask(t, 0, PING, 10, 1, pace, true);
	size_t rows = t->ledger.n_interruptions;
	end(t);
	return rows;
}

static void test_how_many(void)
{
	CU_ASSERT_EQUAL(outages_after(0, 2), 0);
	CU_ASSERT_EQUAL(outages_after(2, 3), 0);
	CU_ASSERT_EQUAL(outages_after(3, 2), 1); /* nothing was heard for 6 s */
	CU_ASSERT_EQUAL(outages_after(4, 2), 1);
	CU_ASSERT_EQUAL(outages_after(4, 1), 0); /* less than 5 s */
	CU_ASSERT_EQUAL(outages_after(7, 1), 1);
	CU_ASSERT_EQUAL(outages_after(9, 70), 0); /* once in a while is no tracker */
}

/* A host that never answered, nobody asked, one that is heard of otherwise. */
static void test_not_invented(void)
{
	struct tale *t = begin();

	ask(t, 1, PING, 10, 3, 1, true);
	ask(t, 0, PING, 99, 20, 2, false); /* nobody there */
	ask(t, 1, PING, 10, 1, 1, true);
	CU_ASSERT_EQUAL(t->ledger.n_interruptions, 0);
	ask(t, 0, PING, 10, 3, 2, true);
	later(t, 600); /* the tracker rests */
	ask(t, 0, PING, 10, 3, 2, true);
	CU_ASSERT_EQUAL(t->ledger.n_interruptions, 0);
	for (unsigned i = 0; i < 20; i++) { /* one host is gone, another answers */
		ask(t, 0, PING, 10, 1, 1, false);
		ask(t, 0, DNS, 53, 1, 1, true);
	}
	ask(t, 1, PING, 10, 1, 1, true);
	CU_ASSERT_EQUAL(t->ledger.n_interruptions, 0);
	end(t);
}

/* The only host is gone, and nothing else is heard anywhere: it or the WAN, who knows? */
static void test_host_or_wan(void)
{
	struct tale *t = begin();

	ask(t, 0, PING, 10, 3, 2, true);
	ask(t, 0, PING, 10, 10, 2, false);
	ask(t, 0, PING, 10, 1, 2, true);
	CU_ASSERT_EQUAL(t->ledger.n_interruptions, 0);
	ask(t, 0, DNS, 53, 1, 2, true);
	uint64_t from = ask(t, 0, PING, 10, 5, 2, false);
	ask(t, 0, DNS, 53, 1, 2, false); /* a second one is as silent */
	uint64_t to = pass(t, 0, PING, 10, false);
	const struct ledger_interruption *row = row_of(t, 1);
	CU_ASSERT_EQUAL(row->from_ns, from);
	CU_ASSERT_EQUAL(row->to_ns, to);
	end(t);
}

/* Questions cease in the outage: from then on nobody knows. */
static void test_ceased(void)
{
	struct tale *t = begin();

	ask(t, 0, PING, 10, 3, 2, true);
	uint64_t from = t->now_ns, last = 0;
	for (unsigned i = 0; i < 6; i++) {
		ask(t, 1, PING, 10, 1, 0, true);
		last = pass(t, 0, PING, 10, true);
		later(t, 2);
	}
	CU_ASSERT_TRUE(health_asked_in_vain(&t->hearing, 0, t->now_ns));
	later(t, 100);
	CU_ASSERT_FALSE(health_asked_in_vain(&t->hearing, 0, t->now_ns));
	CU_ASSERT_TRUE(health_tell_outage(&t->hearing, 0, t->now_ns, true));
	const struct ledger_interruption *row = row_of(t, 1);
	CU_ASSERT_EQUAL(row->from_ns, from);
	CU_ASSERT_EQUAL(row->to_ns, last);
	CU_ASSERT_FALSE(row->open);
	end(t);
}

/* It lasts until the end. */
static void test_open(void)
{
	struct tale *t = begin();

	ask(t, 0, PING, 10, 3, 2, true);
	for (unsigned i = 0; i < 6; i++) {
		ask(t, 1, PING, 10, 1, 0, true);
		ask(t, 0, PING, 10, 1, 2, false);
	}
	CU_ASSERT_FALSE(health_tell_outage(&t->hearing, 1, t->now_ns, true));
	CU_ASSERT_TRUE(health_tell_outage(&t->hearing, 0, t->now_ns, true));
	CU_ASSERT_TRUE(row_of(t, 1)->open);
	CU_ASSERT_EQUAL(row_of(t, 1)->to_ns, t->now_ns);
	end(t);
}

/* More hosts than there is room for: who was asked longest ago is forgotten, and asks nothing. */
static void test_room(void)
{
	struct tale *t = begin();

	for (uint8_t host = 1; host <= 2 * INQUIRY_HOSTS; host++)
		ask(t, 0, PING, host, 1, 1, true);
	for (unsigned i = 0; i < 10; i++) {
		ask(t, 1, PING, 10, 1, 0, true);
		ask(t, 0, PING, 1, 1, 2, false);
	}
	CU_ASSERT_FALSE(health_tell_outage(&t->hearing, 0, t->now_ns, true));
	end(t);
}

static uint32_t same(void *context, uint32_t file)
{
	(void)context;
	return file;
}

/* Cut in the middle of an outage: it goes on from what was saved. */
static void test_saved(void)
{
	struct tale *t = begin(), *u = begin();
	struct state_out out = {0};

	ask(t, 0, PING, 10, 3, 2, true);
	uint64_t from = t->now_ns;
	for (unsigned i = 0; i < 3; i++) {
		ask(t, 1, PING, 10, 1, 0, true);
		ask(t, 0, PING, 10, 1, 2, false);
	}
	health_save(&t->hearing, 2, &out, t->now_ns, same, NULL);
	inquiries_save(&t->inquiries, 2, &out, t->now_ns);
	struct state_in in = {.bytes = bytes_of(out.data, out.n)};
	health_load(&u->hearing, 2, &in, t->now_ns, same, NULL);
	inquiries_load(&u->inquiries, 2, &in, t->now_ns);
	CU_ASSERT_FALSE(in.damaged);
	CU_ASSERT_EQUAL(bytes_left(&in.bytes), 0);
	CU_ASSERT_EQUAL(memcmp(u->inquiries.hosts, t->inquiries.hosts, sizeof(u->inquiries.hosts)),
	                0);
	u->now_ns = t->now_ns;
	for (unsigned i = 0; i < 3; i++) {
		ask(u, 1, PING, 10, 1, 0, true);
		ask(u, 0, PING, 10, 1, 2, false);
	}
	uint64_t to = pass(u, 0, PING, 10, false);
	CU_ASSERT_EQUAL(row_of(u, 1)->from_ns, from);
	CU_ASSERT_EQUAL(row_of(u, 1)->to_ns, to);
	CU_ASSERT_EQUAL(row_of(u, 1)->frame.ts_ns, from);
	for (size_t n = 0; n < out.n; n++) { /* every prefix is refused */
		struct state_in cut = {.bytes = bytes_of(out.data, n)};
		health_load(&u->hearing, 2, &cut, t->now_ns, same, NULL);
		inquiries_load(&u->inquiries, 2, &cut, t->now_ns);
		CU_ASSERT_TRUE(cut.damaged);
	}
	state_out_release(&out);
	end(t);
	end(u);
}

void suite_inquiry(void)
{
	CU_pSuite suite = CU_add_suite("inquiry", NULL, NULL);

	CU_add_test(suite, "each_question", test_each_question);
	CU_add_test(suite, "how_many", test_how_many);
	CU_add_test(suite, "not_invented", test_not_invented);
	CU_add_test(suite, "host_or_wan", test_host_or_wan);
	CU_add_test(suite, "ceased", test_ceased);
	CU_add_test(suite, "open", test_open);
	CU_add_test(suite, "room", test_room);
	CU_add_test(suite, "saved", test_saved);
}
