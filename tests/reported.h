/* SPDX-License-Identifier: MIT
 *
 * reported.h - a ledger made by hand, its policy and its report.
 */
#ifndef TESTS_REPORTED_H
#define TESTS_REPORTED_H

#include "../report/render.h"
#include "../report/report.h"
#include "../report/text.h"
#include "../report/verdict.h"
#include "english.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#define T0 UINT64_C(1700000000000000000)
#define S  UINT64_C(1000000000)
#define MB 1000000u

/* ---- a ledger and its report ---- */

struct story {
	struct ledger ledger;
	struct policy policy;
	struct report report;
	const char *filter;
	bool built;
	char message[700];
};

/* wan1 and wan2, 600 s shared. */
static inline struct story *story_new(void)
{
	struct story *story = calloc(1, sizeof(*story));

	if (!story)
		abort();
	ledger_init(&story->ledger);
	policy_init(&story->policy);
	ledger_wan(&story->ledger, "wan1");
	ledger_wan(&story->ledger, "wan2");
	ledger_file(&story->ledger, "wan1.pcap", 0);
	ledger_file(&story->ledger, "wan2.pcap", 1);
	story->ledger.shared_known = true;
	story->ledger.shared_start_ns = T0;
	story->ledger.shared_end_ns = T0 + 600 * S;
	return story;
}

static inline void story_role(struct story *story, const char *who, const char *role)
{
	CU_ASSERT_TRUE(policy_add_role(&story->policy, who, SUBJECT_ANY, role, FROM_FLAG,
	                               story->message, sizeof(story->message)));
}

/* The usual cast: wan1 master, wan2 backup. */
static inline struct story *story_cast(void)
{
	struct story *story = story_new();

	story_role(story, "wan1", "master");
	story_role(story, "wan2", "backup");
	return story;
}

static inline enum report_failure story_build(struct story *story)
{
	struct report_options options = {
		.generated_ns = T0, .version = "test", .filter = story->filter};
	enum report_failure failure;

	if (story->built)
		report_release(&story->report);
	failure = report_build(&story->report, &story->ledger, &story->policy, &options,
	                       story->message, sizeof(story->message));
	story->built = failure == REPORT_FINE;
	return failure;
}

static inline void story_free(struct story *story)
{
	if (story->built)
		report_release(&story->report);
	policy_release(&story->policy);
	ledger_release(&story->ledger);
	free(story);
}

/* Bytes of one kind as frames of at most 50 kB, all at one second; ip_bytes in sum is `bytes`
 * exactly. */
static inline void put(struct story *story, uint32_t wan, uint64_t second, int kind, int traffic,
                       uint16_t circumstance, uint64_t bytes)
{
	while (bytes > 0) {
		uint32_t piece = bytes > 50000 ? 50000 : (uint32_t)bytes;
		struct ledger_entry entry = {
			.wan = wan,
			.ts_ns = T0 + second * S,
			.number = 1 + second,
			.file = wan,
			.l2_bytes = piece + 14,
			.ip_bytes = piece,
			.direction = DIR_DOWN,
			.kind = (uint8_t)kind,
			.traffic = (uint8_t)traffic,
			.shared = true,
			.circumstance = circumstance,
		};

		if (kind < KIND_CARRYING)
			entry.payload[kind] = piece;
		ledger_count(&story->ledger, &entry);
		bytes -= piece;
	}
}

/* A keepalive each minute keeps A29 quiet. */
static inline void put_pulse(struct story *story, uint32_t wan)
{
	for (uint64_t second = 0; second <= 600; second += 60)
		put(story, wan, second, KIND_KEEPALIVE, TRAFFIC_MPTCP, 0, 64);
}

/* 10 MB on the primary, a living backup: passes. */
static inline struct story *story_good(void)
{
	struct story *story = story_cast();

	put(story, 0, 1, KIND_PAYLOAD, TRAFFIC_MPTCP, 0, 10 * MB);
	put_pulse(story, 0);
	put_pulse(story, 1);
	return story;
}

static inline uint16_t circumstance(struct story *story, uint64_t healthy, uint64_t degraded,
                                    uint64_t silent, uint64_t returned)
{
	struct ledger_circumstance masks = {healthy, degraded, silent, returned};

	return ledger_circumstance(&story->ledger, &masks);
}

static const struct finding *finding(const struct story *story, const char *rule, int wan)
{
	for (size_t i = 0; i < story->report.n_findings; i++)
		if (strcmp(story->report.findings[i].rule, rule) == 0 &&
		    (wan < 0 || story->report.findings[i].wan == wan))
			return &story->report.findings[i];
	return NULL;
}

static inline enum status status(const struct story *story, const char *rule, int wan)
{
	const struct finding *found = finding(story, rule, wan);

	return found ? found->status : STATUS_COUNT;
}

#define CHECK(story, rule, wan, expected)                                                          \
	CU_ASSERT_STRING_EQUAL(status(story, rule, wan) < STATUS_COUNT                             \
	                               ? status_names[status(story, rule, wan)]                    \
	                               : "no finding",                                             \
	                       status_names[expected])

/* Build, look at one rule of wan2 and at the whole, free. */
static inline void expect(struct story *story, const char *rule, enum status of_rule,
                          enum status overall)
{
	CU_ASSERT_EQUAL_FATAL(story_build(story), REPORT_FINE);
	CHECK(story, rule, 1, of_rule);
	CU_ASSERT_STRING_EQUAL(status_names[story->report.verdict], status_names[overall]);
	story_free(story);
}

#endif
