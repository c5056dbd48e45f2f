/* SPDX-License-Identifier: MIT
 *
 * test_standby.c - A7, A8, A9, A14 and A30: whether a backup is held ready and left alone.
 *
 * Ledgers are built by hand; each story says what happened, and the rule must find that.
 */
#include "reported.h"

#include <stdio.h>

void suite_standby(void);

/* wan1 master, wan2 backup; the master passes traffic in each second of ten minutes. */
static struct story *begin(void)
{
	struct story *t = story_cast();

	for (unsigned s = 0; s < 600; s++)
		ledger_count(&t->ledger, &(struct ledger_entry){.wan = 0,
		                                                .ts_ns = T0 + s * S,
		                                                .file = LEDGER_FILES_MAX,
		                                                .l2_bytes = MB,
		                                                .ip_bytes = MB,
		                                                .payload = {MB},
		                                                .direction = DIR_DOWN,
		                                                .shared = true});
	return t;
}

static void carry(struct story *t, uint32_t wan, enum direction direction, enum kind kind,
                  uint16_t circumstance, uint32_t bytes)
{
	struct ledger_entry entry = {.wan = wan,
	                             .ts_ns = T0,
	                             .file = LEDGER_FILES_MAX,
	                             .l2_bytes = bytes,
	                             .ip_bytes = bytes,
	                             .direction = (uint8_t)direction,
	                             .kind = (uint8_t)kind,
	                             .circumstance = circumstance,
	                             .shared = true};

	if (kind < KIND_CARRYING)
		entry.payload[kind] = bytes;
	ledger_count(&t->ledger, &entry);
}

/* A connection of this length that opened over one WAN and perhaps joined over the other. */
static void connect(struct story *t, uint64_t second, uint64_t length, uint32_t wan, bool joined,
                    bool prio)
{
	struct ledger_connection c = {.version = 1, .confidence = CONF_KEY};

	snprintf(c.id, sizeof(c.id), "%016llx", (unsigned long long)t->ledger.n_connections + 1);
	c.first_ns = T0 + second * S;
	c.last_ns = c.first_ns + length * S;
	c.subflows = calloc(2, sizeof(*c.subflows));
	c.cap_subflows = 2;
	c.n_subflows = 1 + joined;
	for (unsigned i = 0; i < c.n_subflows; i++) {
		struct ledger_subflow *s = &c.subflows[i];
		s->wan = i ? !wan : wan;
		s->initial = s->established = i == 0;
		s->established = true;
		s->backup_client = i || prio ? 1 : -1;
		s->backup_server = -1;
		s->first_ns = c.first_ns;
		s->last_ns = c.last_ns;
		snprintf(s->client, sizeof(s->client), "192.0.2.%u:%u", i + 1,
		         (unsigned)t->ledger.n_connections + 1);
		snprintf(s->server, sizeof(s->server), "203.0.113.1:443");
	}
	ledger_take_connection(&t->ledger, &c);
}

static const struct finding *judged(struct story *t, const char *rule, enum status status)
{
	CU_ASSERT_EQUAL_FATAL(story_build(t), REPORT_FINE);
	const struct finding *found = finding(t, rule, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	if (found->status != status)
		printf("%s is %s: %s\n", rule, status_names[found->status], found->text);
	CU_ASSERT_EQUAL(found->status, status);
	return found;
}

/* ---- A7 ---- */

/* Joins ask for backup and are answered so; these bytes went over it beside a healthy master. */
static void expect_uplink(bool flag_answered, uint32_t up, uint32_t down, enum status status)
{
	struct story *t = begin();
	uint16_t fine =
		ledger_circumstance(&t->ledger, &(struct ledger_circumstance){.healthy = 1});

	ledger_note(&t->ledger, 1, EVENT_JOIN_UP_BACKUP, T0, LEDGER_FILES_MAX, 1);
	ledger_note(&t->ledger, 1, flag_answered ? EVENT_JOIN_DOWN_BACKUP : EVENT_JOIN_DOWN_NORMAL,
	            T0, LEDGER_FILES_MAX, 2);
	if (up)
		carry(t, 1, DIR_UP, KIND_PAYLOAD, fine, up);
	if (down)
		carry(t, 1, DIR_DOWN, KIND_PAYLOAD, fine, down);
	judged(t, "A7", status);
	story_free(t);
}

static void test_uplink(void)
{
	expect_uplink(false, 0, 0, STATUS_PASS); /* 6.18 to 6.18 */
	expect_uplink(false, 2 * MB, 0, STATUS_FAIL);
	expect_uplink(false, 2 * MB, 2 * MB, STATUS_PASS); /* both ways: A3 tells of it */
	expect_uplink(false, 0, 2 * MB, STATUS_PASS);
	expect_uplink(true, 2 * MB, 0, STATUS_NOT_APPLICABLE);
}

/* ---- A8 ---- */

static void expect_initial(unsigned fine, unsigned prio, unsigned plain, bool outage,
                           enum status status, double value)
{
	struct story *t = begin();

	for (unsigned i = 0; i < fine; i++)
		connect(t, 100 + i, 20, 0, true, false);
	for (unsigned i = 0; i < prio; i++)
		connect(t, 200 + i, 20, 1, true, true);
	for (unsigned i = 0; i < plain; i++)
		connect(t, 300 + i, 20, 1, true, false);
	if (outage)
		ledger_interrupted(&t->ledger, &(struct ledger_interruption){
						       .kind = INTERRUPTION_OUTAGE,
						       .to = LEDGER_WANS_MAX,
						       .from_ns = T0 + 190 * S,
						       .to_ns = T0 + 290 * S,
						       .frame = {.file = LEDGER_FILES_MAX}});
	const struct finding *f = judged(t, "A8", status);
	if (f->observed)
		CU_ASSERT_DOUBLE_EQUAL(f->value, value, 1e-9);
	story_free(t);
}

static void test_initial(void)
{
	expect_initial(0, 0, 0, false, STATUS_NOT_APPLICABLE, 0);
	expect_initial(4, 0, 0, false, STATUS_PASS, 0);
	expect_initial(3, 1, 0, false, STATUS_WARN, 0.25);
	expect_initial(3, 0, 1, false, STATUS_FAIL, 0.25);
	expect_initial(2, 1, 1, false, STATUS_FAIL, 0.5);
	expect_initial(2, 1, 1, true, STATUS_PASS, 0); /* in the outage, and soon after it */
}

/* ---- A9 ---- */

static void expect_ready(unsigned ready, unsigned bare, enum status status)
{
	struct story *t = begin();

	carry(t, 1, DIR_DOWN, KIND_ACK, 0, 60); /* the backup was captured from the start */
	for (unsigned i = 0; i < ready + bare; i++)
		connect(t, 10 + i, 20, 0, i < ready, false);
	connect(t, 300, 1, 0, false, false); /* too short to count */
	connect(t, 310, 20, 1, false, true); /* opened over the backup itself */
	const struct finding *f = judged(t, "A9", status);
	if (ready + bare) {
		CU_ASSERT_EQUAL(f->numerator, ready);
		CU_ASSERT_EQUAL(f->denominator, ready + bare);
	}
	story_free(t);
}

static void test_ready(void)
{
	expect_ready(0, 0, STATUS_NOT_APPLICABLE);
	expect_ready(20, 0, STATUS_PASS);
	expect_ready(19, 1, STATUS_PASS);
	expect_ready(18, 2, STATUS_WARN);
	expect_ready(10, 10, STATUS_WARN);
	expect_ready(9, 11, STATUS_FAIL);
	expect_ready(0, 20, STATUS_FAIL); /* as on 6.x up to v0.61: no join at all */
}

/* Of connections that were not kept nobody can say. */
static void test_ready_not_kept(void)
{
	struct story *t = begin();

	carry(t, 1, DIR_DOWN, KIND_ACK, 0, 60);
	connect(t, 10, 20, 0, true, false);
	t->ledger.rest.connections = 1;
	judged(t, "A9", STATUS_NOT_ASSESSED);
	story_free(t);
}

/* ---- A14 ---- */

static void expect_dead(unsigned used, unsigned answered, unsigned reset, bool outage,
                        enum status status)
{
	struct story *t = begin();

	ledger_file(&t->ledger, "wan2.pcap", 1);
	for (unsigned i = 0; i < used; i++)
		ledger_note(&t->ledger, 1, EVENT_IDLE_USED, T0 + 400 * S, 0, 1);
	for (unsigned i = 0; i < answered; i++)
		ledger_note(&t->ledger, 1, EVENT_IDLE_ANSWERED, T0 + 400 * S, 0, 2);
	for (unsigned i = 0; i < reset; i++)
		ledger_note(&t->ledger, 1, EVENT_IDLE_RESET, T0 + 400 * S, 0, 3);
	if (outage)
		ledger_interrupted(&t->ledger, &(struct ledger_interruption){
						       .kind = INTERRUPTION_OUTAGE,
						       .to = LEDGER_WANS_MAX,
						       .from_ns = T0 + 390 * S,
						       .to_ns = T0 + 420 * S,
						       .frame = {.file = LEDGER_FILES_MAX}});
	const struct finding *f = judged(t, "A14", status);
	if (used)
		CU_ASSERT_EQUAL(f->numerator, used - answered);
	story_free(t);
}

static void test_dead(void)
{
	expect_dead(0, 0, 0, true, STATUS_NOT_APPLICABLE);
	expect_dead(3, 3, 0, true, STATUS_PASS);
	expect_dead(3, 2, 1, false, STATUS_WARN);
	expect_dead(3, 2, 0, false, STATUS_WARN);
	expect_dead(3, 2, 1, true, STATUS_FAIL); /* it was needed then */
}

/* ---- A30 ---- */

static void expect_one_sided(uint32_t up, uint32_t down, enum status status, const char *words)
{
	struct story *t = begin();

	carry(t, 0, DIR_UP, KIND_PAYLOAD, 0, 5 * MB);
	if (up)
		carry(t, 0, DIR_UP, KIND_REDUNDANT, 0, up);
	if (down)
		carry(t, 0, DIR_DOWN, KIND_REDUNDANT, 0, down);
	const struct finding *f = judged(t, "A30", status);
	CU_ASSERT_PTR_NOT_NULL(in_english(f->text, words));
	story_free(t);
}

static void test_one_sided(void)
{
	expect_one_sided(0, 0, STATUS_NOT_APPLICABLE, "No redundant");
	expect_one_sided(4 * MB, 0, STATUS_PASS, "only the router");
	expect_one_sided(0, 4 * MB, STATUS_PASS, "only the far end");
	expect_one_sided(4 * MB, 4 * MB, STATUS_PASS, "4.00 MB sent, 4.00 MB received.");
}

void suite_standby(void)
{
	CU_pSuite suite = CU_add_suite("standby", NULL, NULL);

	CU_add_test(suite, "uplink", test_uplink);
	CU_add_test(suite, "initial", test_initial);
	CU_add_test(suite, "ready", test_ready);
	CU_add_test(suite, "ready_not_kept", test_ready_not_kept);
	CU_add_test(suite, "dead", test_dead);
	CU_add_test(suite, "one_sided", test_one_sided);
}
