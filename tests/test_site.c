/* SPDX-License-Identifier: MIT
 *
 * test_site.c - the INI file of a site: what its words become, and what it says of those it does
 * not know.
 */
#include "../report/policy.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_site(void);

/* Too large for a stack that tests share. */
static struct policy *policy_new(void)
{
	struct policy *policy = malloc(sizeof(*policy));

	if (!policy)
		abort();
	policy_init(policy);
	return policy;
}

static void policy_free(struct policy *policy)
{
	policy_release(policy);
	free(policy);
}

static bool load(struct policy *policy, const char *text, char *message, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool loaded;

	if (!file)
		abort();
	message[0] = '\0';
	loaded = policy_load(policy, file, "dir/site.ini", message, size);
	fclose(file);
	return loaded;
}

static const char whole[] =
	"[site]\nname = home\nprofile = reliability\nzone = CET-1CEST,M3.5.0,M10.5.0/3\n"
	"zone_name = Europe/Berlin\nscheduler = default\nkernel = 6.12\n"
	"[wan fibre]\nrole = master\ndevice = eth1, eth1.7\n"
	"[wan lte]\nrole = backup\ndevice = wwan*\nmac = 02-AA-00-00-00-02\n"
	"address = 10.64.0.7 2001:db8::7\ngateway = 10.64.0.1\n"
	"quota = 20GiB\nbilling_day = 17\ngranularity = 10kB\nprice = 19.90 EUR\n"
	"price_per_gib = 2.5 EUR\npayload_share = 3%\n"
	"[vps one]\naddress = 203.0.113.10, 2001:db8::10\nport = 65501\nports = 443 8443\n"
	"kernel = 6.18\n"
	"[lan]\nnetwork = 192.168.0.0/16, fd00::/8\n"
	"[plan]\nquota = 5GB\nbilling_day = 1\n"
	"[limits]\nstandby_share = 2%\n"
	"[roles]\n02:aa:00:00:00:03 = on\nusb* = backup\n";

static void test_whole(void)
{
	struct policy *policy = policy_new();
	const struct expect *e = &policy->expect;
	const struct expect_wan *lte = &e->wans[1];
	char message[300];

	CU_ASSERT_TRUE(load(policy, whole, message, sizeof(message)));
	CU_ASSERT_STRING_EQUAL(message, "");
	CU_ASSERT_STRING_EQUAL(policy->site, "home");
	CU_ASSERT_EQUAL(e->profile, PROFILE_RELIABILITY);
	CU_ASSERT_STRING_EQUAL(e->zone.text, "CET-1CEST,M3.5.0,M10.5.0/3");
	CU_ASSERT_STRING_EQUAL(e->zone.told.from, "site.ini [site]");
	CU_ASSERT_STRING_EQUAL(e->kernel.text, "6.12");
	CU_ASSERT_EQUAL(e->n_wans, 2);
	CU_ASSERT_EQUAL(e->wans[0].role, ROLE_MASTER);
	CU_ASSERT_STRING_EQUAL(e->wans[0].devices[1], "eth1.7");
	CU_ASSERT_STRING_EQUAL(lte->name, "lte");
	CU_ASSERT_STRING_EQUAL(lte->role_told.from, "site.ini [wan lte]");
	CU_ASSERT_STRING_EQUAL(lte->mac, "02:aa:00:00:00:02");
	CU_ASSERT_TRUE(network_holds(&lte->own[1], "[2001:db8::7]:1"));
	CU_ASSERT_EQUAL(lte->plan.quota_bytes, UINT64_C(20) << 30);
	CU_ASSERT_TRUE(lte->plan.binary);
	CU_ASSERT_EQUAL(lte->plan.billing_day, 17);
	CU_ASSERT_EQUAL(lte->plan.granularity_bytes, 10000);
	CU_ASSERT_DOUBLE_EQUAL(lte->plan.price, 19.9, 1e-9);
	CU_ASSERT_STRING_EQUAL(lte->plan.currency, "EUR");
	CU_ASSERT_EQUAL(expect_server_at(e, "203.0.113.10:443")->ports[1], 8443);
	CU_ASSERT_EQUAL(e->servers[0].api_port, 65501);
	CU_ASSERT_TRUE(expect_is_lan(e, "[fd12::1]:5"));
	CU_ASSERT_EQUAL(e->plan.quota_bytes, UINT64_C(5000000000));
	CU_ASSERT_PTR_EQUAL(expect_plan_of(e, lte, ROLE_BACKUP), &lte->plan);
	CU_ASSERT_PTR_EQUAL(expect_plan_of(e, &e->wans[0], ROLE_BACKUP), &e->plan);
	CU_ASSERT_PTR_NULL(expect_plan_of(e, &e->wans[0], ROLE_MASTER));
	CU_ASSERT_DOUBLE_EQUAL(policy->limits[LIMIT_STANDBY_SHARE], 0.02, 1e-12);
	CU_ASSERT_EQUAL(policy->n_roles, 2);
	CU_ASSERT_STRING_EQUAL(policy->roles[0].who, "02:aa:00:00:00:03");
	policy_free(policy);
}

/* A limit of one WAN; a flag for all goes before it, a flag for the WAN before that. */
static void test_limits_of_a_wan(void)
{
	struct policy *policy = policy_new();
	double limits[LIMIT_COUNT];
	char m[300];

	CU_ASSERT_TRUE(load(policy, "[wan lte*]\npayload_share=3%\n[limits]\npayload_share=2%\n", m,
	                    sizeof(m)));
	policy_limits_of(policy, "lte1", NULL, limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.03, 1e-12);
	policy_limits_of(policy, "wwan0", &policy->expect.wans[0], limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.03, 1e-12);
	policy_limits_of(policy, "fibre", NULL, limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.02, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(policy, "payload_share=5%", FROM_FLAG, m, sizeof(m)));
	policy_limits_of(policy, "lte1", NULL, limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.05, 1e-12);
	CU_ASSERT_TRUE(policy_set_limit(policy, "lte1:payload_share=6%", FROM_FLAG, m, sizeof(m)));
	policy_limits_of(policy, "lte1", NULL, limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.06, 1e-12);
	policy_limits_of(policy, "lte2", NULL, limits);
	CU_ASSERT_DOUBLE_EQUAL(limits[LIMIT_PAYLOAD_SHARE], 0.05, 1e-12);
	CU_ASSERT_FALSE(policy_set_limit(policy, "lte1:payload_shar=6%", FROM_FLAG, m, sizeof(m)));
	CU_ASSERT_PTR_NOT_NULL(strstr(m, "did you mean \"payload_share\""));
	policy_free(policy);
}

static void test_refusals(void)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"[wann x]\nrole=on\n",
	         "site.ini:2: unknown section [wann x], did you mean [wan]?"},
		{"[wan]\nrole=on\n", "unknown section [wan]"},
		{"[site two]\nname=x\n", "unknown section [site two]"},
		{"[wan x]\nrole=bakcup\n", "it is master, on, backup or off"},
		{"[wan x]\nbiling_day=3\n", "did you mean \"billing_day\""},
		{"[wan x]\npayload_shar=3%\n", "did you mean \"payload_share\""},
		{"[wan x]\nbilling_day=32\n", "a number from 1 to 31"},
		{"[wan x]\nquota=20XB\n", "a size such as 20GB or 20GiB"},
		{"[wan x]\nquota=-1GB\n", "a size"},
		{"[wan x]\nquota=inf\n", "a size"},
		{"[wan x]\nquota=9e99GB\n", "a size"},
		{"[wan x]\nprice=cheap\n", "a price"},
		{"[wan x]\nprice=1 EUROPEANS\n", "longer than 7 characters"},
		{"[wan x]\nmac=02:00\n", "such as 02:00:00:00:00:01"},
		{"[wan x]\naddress=10.0.0\n", "an address or ADDRESS/LEN"},
		{"[wan x]\naddress=1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 "
	         "1.1.1.9\n",
	         "more than 8"},
		{"[vps v]\nport=0\n", "a number from 1 to 65535"},
		{"[vps v]\nadress=1.2.3.4\n", "did you mean \"address\""},
		{"[lan]\nnetwork=192.168.0.0/33\n", "an address or ADDRESS/LEN"},
		{"[site]\nprofile=fast\n", "it is economy or reliability"},
		{"[site]\nzone=Mars\n", "a TZ string"},
		{"[plan]\nquotas=1GB\n", "did you mean \"quota\""},
		{"quota=1GB\n", "unknown section []"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct policy *policy = policy_new();
		char message[400];

		CU_ASSERT_FALSE(load(policy, rows[i].text, message, sizeof(message)));
		CU_ASSERT_PTR_NOT_NULL(strstr(message, rows[i].words));
		if (!strstr(message, rows[i].words))
			printf("%s -> %s\n", rows[i].text, message);
		policy_free(policy);
	}
}

/* Every beginning of the file: never a crash. */
static void test_prefixes(void)
{
	char text[sizeof(whole)], message[400];

	for (size_t n = 1; n < sizeof(whole); n++) {
		struct policy *policy = policy_new();

		memcpy(text, whole, n);
		text[n] = '\0';
		load(policy, text, message, sizeof(message));
		CU_ASSERT_TRUE(policy->expect.n_wans <= 2);
		policy_free(policy);
	}
}

void suite_site(void)
{
	CU_pSuite suite = CU_add_suite("site", NULL, NULL);

	CU_add_test(suite, "whole", test_whole);
	CU_add_test(suite, "limits of a WAN", test_limits_of_a_wan);
	CU_add_test(suite, "refusals", test_refusals);
	CU_add_test(suite, "prefixes", test_prefixes);
}
