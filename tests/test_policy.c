/* SPDX-License-Identifier: MIT
 *
 * test_policy.c - limits, the configuration file, and whose a role is.
 */
#include "reported.h"

void suite_policy(void);

static void test_limits(void)
{
	struct policy policy;
	char message[300];

	policy_init(&policy);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=2%", FROM_CONFIG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PAYLOAD_SHARE], 0.02, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=0.03", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_TRUE(policy_set_limit(&policy, "payload_share=0.04", FROM_CONFIG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PAYLOAD_SHARE], 0.03, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "plan_bytes_per_day=1.5GB", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_PLAN], 1.5e9, 1);
	CU_ASSERT_TRUE(policy_set_limit(&policy, "silence_seconds=10min", FROM_FLAG, message,
	                                sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_SILENCE], 600, 1e-9);
	CU_ASSERT_TRUE(
		policy_set_limit(&policy, "share_of=all", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_DOUBLE_EQUAL(policy.limits[LIMIT_SHARE_OF], 1, 0);
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "share_of=pay", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(policy_set_limit(&policy, "payload_share=nan", FROM_FLAG, message,
	                                 sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "payload_share=2", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(policy_set_limit(&policy, "payload_share=1kg", FROM_FLAG, message,
	                                 sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "payload_share", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_FALSE(
		policy_set_limit(&policy, "paylod_share=1%", FROM_FLAG, message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "did you mean \"payload_share\""));
	policy_release(&policy);
}

static bool load_ini(struct policy *policy, const char *text, char *message, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool loaded = policy_load(policy, file, "site.ini", message, size);

	fclose(file);
	return loaded;
}

static void test_config(void)
{
	struct story *story = story_new();
	char message[600];

	CU_ASSERT_TRUE(load_ini(
		&story->policy,
		"; ours\n[site]\nname = hut\n[roles]\nwan1 = master\n2001:db8::/32 = backup\n"
		"[limits]\npayload_share = 5%\n",
		message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(story->policy.site, "hut");
	CU_ASSERT_EQUAL(story->policy.n_roles, 2);
	CU_ASSERT_STRING_EQUAL(story->policy.roles[1].who, "2001:db8::/32");
	strcpy(story->ledger.wans[1].own[0].text, "2001:db8::7");
	story->ledger.wans[1].n_own = 1;
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[1].role.source, FROM_CONFIG);
	/* a flag wins */
	story_role(story, "wan2", "on");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_ON);
	CU_ASSERT_FALSE(
		load_ini(&story->policy, "[limits]\n\nbogus = 1\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "site.ini:3:"));
	CU_ASSERT_FALSE(load_ini(&story->policy, "[role]\nwan1 = on\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "[roles]"));
	CU_ASSERT_FALSE(
		load_ini(&story->policy, "[roles]\nwan1 = backpu\n", message, sizeof(message)));
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "\"backup\""));
	story_free(story);
}

static void test_unknown_wan(void)
{
	struct story *story = story_new();

	story_role(story, "wan3x", "backup");
	CU_ASSERT_EQUAL(story_build(story), REPORT_UNKNOWN_FLAG);
	story_free(story);
	story = story_new();
	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wna2", SUBJECT_ANY, "backup", FROM_CONFIG,
	                               story->message, sizeof(story->message)));
	CU_ASSERT_EQUAL(story_build(story), REPORT_UNKNOWN_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(story->message, "did you mean \"wan2\""));
	story_free(story);
}

static void test_role_by_file(void)
{
	struct story *story = story_new();

	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wan2.pcap", SUBJECT_FILE, "backup",
	                               FROM_FLAG, story->message, sizeof(story->message)));
	story_role(story, "wan1.pcap#wan1", "master");
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[0].role.role, ROLE_MASTER);
	CU_ASSERT_EQUAL(story->report.wans[1].role.role, ROLE_BACKUP);
	story_free(story);
}

static void test_role_of_interfaces(void)
{
	struct story *story = story_new();

	/* wan3=any.pcap with two interfaces */
	ledger_wan(&story->ledger, "wan3#2");
	ledger_wan(&story->ledger, "wan3#3");
	ledger_wan(&story->ledger, "wan33");
	CU_ASSERT_TRUE(policy_add_role(&story->policy, "wan3", SUBJECT_WAN, "backup", FROM_FLAG,
	                               story->message, sizeof(story->message)));
	CU_ASSERT_EQUAL(story_build(story), REPORT_FINE);
	CU_ASSERT_EQUAL(story->report.wans[2].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[3].role.role, ROLE_BACKUP);
	CU_ASSERT_EQUAL(story->report.wans[4].role.role, ROLE_ON);
	story_free(story);
}

void suite_policy(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"limits", test_limits},
		{"config", test_config},
		{"unknown WAN", test_unknown_wan},
		{"role by file", test_role_by_file},
		{"role of an input with several WANs", test_role_of_interfaces},
	};
	CU_pSuite suite = CU_add_suite("policy", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
