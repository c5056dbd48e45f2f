/* SPDX-License-Identifier: MIT
 *
 * test_uci.c - UCI files as OpenMPTCProuter writes them, half-written and hostile ones.
 */
#include "../report/policy.h"
#include "../report/message.h"
#include "../report/uci.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_uci(void);

/* ---- one router ---- */

struct router {
	struct uci *uci;
	struct expect *expect;
};

static struct router router_new(void)
{
	struct router r = {uci_new(), calloc(1, sizeof(struct expect))};

	if (!r.uci || !r.expect)
		abort();
	expect_init(r.expect);
	return r;
}

static void router_free(struct router *r)
{
	uci_free(r->uci);
	free(r->expect);
}

static enum uci_answer read_bytes(struct router *r, const char *package, const char *bytes,
                                  size_t length)
{
	FILE *file =
		length ? fmemopen((void *)(uintptr_t)bytes, length, "r") : fopen("/dev/null", "r");
	enum uci_answer answer;

	if (!file)
		abort();
	answer = uci_read(r->uci, file, package, package ? package : "-", r->expect);
	fclose(file);
	return answer;
}

static void read_text(struct router *r, const char *package, const char *text)
{
	CU_ASSERT_EQUAL(read_bytes(r, package, text, strlen(text)), UCI_FINE);
}

static const char *get(const struct router *r, const char *section, const char *option)
{
	const char *value = uci_get(r->uci, "network", section, option);

	return value ? value : "(none)";
}

static const struct expect_wan *wan_of(const struct router *r, const char *name)
{
	static const struct expect_wan none;

	for (unsigned i = 0; i < r->expect->n_wans; i++)
		if (strcmp(r->expect->wans[i].name, name) == 0)
			return &r->expect->wans[i];
	return &none;
}

static bool noted(const struct router *r, const char *words)
{
	const struct telling english = {.language = LANGUAGE_EN};
	char text[2 * EXPECT_NOTE];

	for (unsigned i = 0; i < r->expect->n_notes; i++)
		if (strstr(message_words(text, sizeof(text), r->expect->notes[i], &english), words))
			return true;
	return false;
}

/* ---- the text form ---- */

static void test_quotes_and_commands(void)
{
	struct router r = router_new();

	read_text(&r, "network",
	          "# a comment\n"
	          "config interface 'wan1' # and one behind\n"
	          "\toption a 'it is'\"'\"'so'   \n"
	          "\toption b \"say \\\"hi\\\" # no comment\"\n"
	          "\toption c plain\\ word\r\n"
	          "\toption d 'two\nlines'\n"
	          "\toption e one; option f two\n"
	          "\to g short\n"
	          "  option h 'x'#tail\n"
	          "\n"
	          "config 'interface' \"wan2\"\n"
	          "\toption a 'old'\n"
	          "\toption a 'new'\n"
	          "\toption a ''\n"
	          "\tlist b 'one'\n"
	          "\tlist b 'two'\n"
	          "config interface wan1\n"
	          "\toption z later\n");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "a"), "it is'so");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "b"), "say \"hi\" # no comment");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "c"), "plain word");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "d"), "two\nlines");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "e"), "one");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "f"), "two");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "g"), "short");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "h"), "x");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan2", "a"), "new");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "z"), "later");
	const char *values[4];
	CU_ASSERT_EQUAL(uci_list(r.uci, "network", "wan2", "b", values, 4), 2);
	CU_ASSERT_STRING_EQUAL(values[1], "two");
	CU_ASSERT_EQUAL(r.expect->n_notes, 0);
	router_free(&r);
}

/* What `uci export` prints: all packages in one. */
static void test_packages(void)
{
	struct router r = router_new();

	read_text(&r, NULL,
	          "package firewall\nconfig rule 'x'\n\toption a 'no'\n"
	          "package network\nconfig interface 'wan1'\n\toption proto 'dhcp'\n");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "proto"), "dhcp");
	CU_ASSERT_PTR_NULL(uci_get(r.uci, "network", "x", "a"));
	CU_ASSERT_STRING_EQUAL(uci_package("/etc/config/network"), "network");
	CU_ASSERT_STRING_EQUAL(uci_package("router1-omr-quota.bak"), "omr-quota");
	CU_ASSERT_PTR_NULL(uci_package("networks"));
	CU_ASSERT_PTR_NULL(uci_package("firewall"));
	router_free(&r);
}

/* ---- all kinds of interfaces ---- */

static const char network[] =
	"config interface 'loopback'\n\toption device 'lo'\n\toption proto 'static'\n"
	"\toption ipaddr '127.0.0.1'\n\toption netmask '255.0.0.0'\n"
	"config globals 'globals'\n\toption multipath 'enable'\n"
	"\toption mptcp_scheduler 'mptcp_bpf_red.o'\n"
	"config interface 'lan'\n\toption device 'eth0'\n\toption proto 'static'\n"
	"\toption ipaddr '192.168.100.1'\n\toption netmask '255.255.255.0'\n"
	"\toption multipath 'off'\n"
	"config interface 'guest_net'\n\toption device 'br-guest'\n\toption proto 'static'\n"
	"\tlist ipaddr '10.9.0.1/16'\n"
	"config interface 'wan1'\n\toption device 'wan1'\n\toption type 'macvlan'\n"
	"\toption masterintf 'eth0'\n\toption proto 'static'\n\toption ipaddr '192.168.1.2'\n"
	"\toption netmask '255.255.255.0'\n\toption gateway '192.168.1.1'\n"
	"\toption multipath 'master'\n"
	"config device 'wan1_dev'\n\toption name 'wan1'\n\toption type 'macvlan'\n"
	"\toption macaddr '02-AA-00-00-00-01'\n"
	"config interface 'dsl'\n\toption device 'eth1.7'\n\toption proto 'pppoe'\n"
	"\toption multipath 'on'\n"
	"config interface 'hilink'\n\toption device 'eth3'\n\toption proto 'dhcp'\n"
	"\toption multipath 'backup'\n"
	"config interface 'raw'\n\toption device '/dev/cdc-wdm1'\n\toption proto 'qmi'\n"
	"\toption multipath 'backup'\n"
	"config interface 'modem1'\n\toption device '/sys/devices/platform/usb1/1-1'\n"
	"\toption proto 'modemmanager'\n"
	"config interface 'stick'\n\toption device '/dev/ttyUSB0'\n\toption proto '3g'\n"
	"\toption multipath 'handover'\n"
	"config interface 'old'\n\toption ifname 'eth5'\n\toption proto 'dhcp'\n"
	"\toption multipath 'backup'\n\toption disabled '1'\n"
	"config interface 'old6'\n\toption device '@old'\n\toption proto 'dhcpv6'\n"
	"config interface 'bridged'\n\toption type 'bridge'\n\toption ifname 'eth6 eth7'\n"
	"\toption proto 'dhcp'\n\toption multipath 'on'\n"
	"config interface 'wan9'\n\toption device 'eth9'\n\toption proto 'dhcp'\n"
	"\toption metric '9'\n\toption multipath 'off'\n"
	"config interface 'ovpnwan9'\n\toption ifname 'tun9'\n\toption proto 'none'\n"
	"\toption multipath 'backup'\n"
	"config interface 'omrvpn'\n\toption device 'tun0'\n\toption proto 'none'\n"
	"\toption multipath 'off'\n"
	"config interface 'omr6in4'\n\toption proto '6in4'\n\toption multipath 'off'\n";

static const char omr[] =
	"config settings 'settings'\n\toption master 'balancing'\n\toption proxy "
	"'shadowsocks-rust'\n"
	"\toption vpn 'openvpn'\n"
	"config server 'vps'\n\tlist ip '203.0.113.10'\n\tlist ip '2001:db8::10'\n"
	"\toption port '65501'\n\toption kernel '6.18'\n\toption omr_version '0.1028'\n"
	"\toption master '1'\n"
	"config server 'second'\n\toption ip 'vps.example.org'\n\toption disabled '1'\n"
	"config interface 'modem1'\n\toption multipath 'backup'\n"
	"config interface 'wan9'\n\toption multipathvpn '1'\n\toption multipath 'off'\n";

static void check_wan(const struct router *r, const char *name, enum role role, const char *from,
                      const char *device)
{
	const struct expect_wan *wan = wan_of(r, name);

	CU_ASSERT_EQUAL(wan->role, role);
	CU_ASSERT_EQUAL(wan->role_told.source, FROM_UCI);
	CU_ASSERT_STRING_EQUAL(wan->role_told.from, from);
	CU_ASSERT_STRING_EQUAL(wan->n_devices ? wan->devices[0] : "(none)", device);
	if (wan->role != role || strcmp(wan->role_told.from, from) != 0 ||
	    strcmp(wan->n_devices ? wan->devices[0] : "(none)", device) != 0)
		printf("%s: %s from %s, device %s\n", name, role_names[wan->role],
		       wan->role_told.from, wan->n_devices ? wan->devices[0] : "(none)");
}

static void test_interfaces(void)
{
	struct router r = router_new();

	read_text(&r, "network", network);
	read_text(&r, "openmptcprouter", omr);
	uci_expect(r.uci, r.expect);
	check_wan(&r, "wan1", ROLE_MASTER, "network.wan1.multipath", "wan1");
	check_wan(&r, "dsl", ROLE_ON, "network.dsl.multipath", "pppoe-dsl");
	check_wan(&r, "hilink", ROLE_BACKUP, "network.hilink.multipath", "eth3");
	check_wan(&r, "raw", ROLE_BACKUP, "network.raw.multipath", "wwan1");
	check_wan(&r, "modem1", ROLE_BACKUP, "openmptcprouter.modem1.multipath", "wwan*");
	check_wan(&r, "stick", ROLE_ON, "network.stick.multipath", "3g-stick");
	check_wan(&r, "old", ROLE_OFF, "network.old.disabled", "eth5");
	check_wan(&r, "old6", ROLE_OFF, "network.old6.multipath (not set)", "eth5");
	check_wan(&r, "bridged", ROLE_ON, "network.bridged.multipath", "br-bridged");
	check_wan(&r, "wan9", ROLE_OFF, "openmptcprouter.wan9.multipathvpn", "eth9");
	check_wan(&r, "ovpnwan9", ROLE_BACKUP, "network.ovpnwan9.multipath", "tun9");
	CU_ASSERT_EQUAL(r.expect->n_wans, 11);
	CU_ASSERT_STRING_EQUAL(wan_of(&r, "stick")->role_word, "handover");
	CU_ASSERT_STRING_EQUAL(wan_of(&r, "wan1")->mac, "02:aa:00:00:00:01");
	CU_ASSERT_TRUE(network_holds(&wan_of(&r, "wan1")->own[0], "192.168.1.2:40000"));
	CU_ASSERT_FALSE(network_holds(&wan_of(&r, "wan1")->own[0], "192.168.1.3"));
	CU_ASSERT_TRUE(network_holds(&wan_of(&r, "wan1")->gateway, "192.168.1.1"));
	CU_ASSERT_STRING_EQUAL(wan_of(&r, "wan9")->tunnels[0], "ovpnwan9");
	CU_ASSERT_TRUE(expect_is_lan(r.expect, "192.168.100.77"));
	CU_ASSERT_TRUE(expect_is_lan(r.expect, "10.9.200.1"));
	CU_ASSERT_FALSE(expect_is_lan(r.expect, "192.168.1.2"));
	CU_ASSERT_FALSE(expect_is_lan(r.expect, "127.0.0.1"));
	router_free(&r);
}

static void test_site(void)
{
	struct router r = router_new();
	const struct expect_server *vps;

	read_text(&r, "network", network);
	read_text(&r, "openmptcprouter", omr);
	read_text(&r, "system",
	          "config system\n\toption hostname 'OpenMPTCProuter'\n"
	          "\toption timezone 'CET-1CEST,M3.5.0,M10.5.0/3'\n"
	          "\toption zonename 'Europe/Berlin'\n");
	read_text(&r, "omr-quota",
	          "config interface 'hilink'\n\toption enabled '1'\n\toption txquota '100000'\n"
	          "\toption rxquota '400000'\n\toption ttquota '500000'\n\toption interface "
	          "'hilink'\n"
	          "config interface 'dsl'\n\toption enabled '0'\n\toption ttquota '500000'\n");
	uci_expect(r.uci, r.expect);
	vps = expect_server_at(r.expect, "203.0.113.10:65101");
	CU_ASSERT_PTR_NOT_NULL_FATAL(vps);
	CU_ASSERT_STRING_EQUAL(vps->name, "vps");
	CU_ASSERT_PTR_EQUAL(expect_server_at(r.expect, "[2001:db8::10]:65101"), vps);
	CU_ASSERT_PTR_NULL(expect_server_at(r.expect, "203.0.113.11"));
	CU_ASSERT_EQUAL(vps->api_port, 65501);
	CU_ASSERT_STRING_EQUAL(vps->kernel, "6.18");
	CU_ASSERT_STRING_EQUAL(vps->version, "0.1028");
	CU_ASSERT_TRUE(noted(&r, "openmptcprouter.second.ip: not an address"));
	CU_ASSERT_TRUE(r.expect->servers[1].off);
	CU_ASSERT_STRING_EQUAL(r.expect->zone.text, "CET-1CEST,M3.5.0,M10.5.0/3");
	CU_ASSERT_STRING_EQUAL(r.expect->zone_name.text, "Europe/Berlin");
	CU_ASSERT_STRING_EQUAL(r.expect->scheduler.text, "mptcp_bpf_red.o");
	CU_ASSERT_STRING_EQUAL(r.expect->proxy.text, "shadowsocks-rust");
	CU_ASSERT_EQUAL(wan_of(&r, "hilink")->plan.quota_bytes, 500000 * UINT64_C(1024));
	CU_ASSERT_EQUAL(wan_of(&r, "hilink")->plan.up_bytes, 100000 * UINT64_C(1024));
	CU_ASSERT_EQUAL(wan_of(&r, "hilink")->plan.billing_day, 1);
	CU_ASSERT_STRING_EQUAL(wan_of(&r, "dsl")->plan.told.from, "");
	router_free(&r);
}

/* ---- masters ---- */

static void test_masters(void)
{
	struct router r = router_new();

	read_text(&r, "network",
	          "config interface 'a'\n\toption proto 'dhcp'\n\toption multipath 'master'\n"
	          "config interface 'b'\n\toption proto 'dhcp'\n\toption multipath 'master'\n");
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(wan_of(&r, "a")->role, ROLE_MASTER);
	CU_ASSERT_EQUAL(wan_of(&r, "b")->role, ROLE_ON);
	CU_ASSERT_TRUE(noted(&r, "a second master"));
	router_free(&r);
	r = router_new();
	read_text(&r, "network",
	          "config interface 'a'\n\toption proto 'dhcp'\n\toption multipath 'backup'\n"
	          "config interface 'b'\n\toption proto 'dhcp'\n\toption multipath 'on'\n"
	          "config interface 'c'\n\toption proto 'dhcp'\n\toption multipath 'mastre'\n");
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(wan_of(&r, "b")->role, ROLE_MASTER);
	CU_ASSERT_TRUE(noted(&r, "no interface is master"));
	CU_ASSERT_EQUAL(wan_of(&r, "c")->role, ROLE_NONE);
	CU_ASSERT_TRUE(noted(&r, "network.c.multipath: unknown role"));
	router_free(&r);
}

/* MPTCP over WireGuard, whose tunnel the network file does not have yet. */
static void test_tunnel(void)
{
	struct router r = router_new();

	read_text(&r, "network",
	          "config interface 'wan1'\n\toption proto 'dhcp'\n\toption device 'eth1'\n");
	read_text(&r, "openmptcprouter",
	          "config settings 'settings'\n\toption mptcpovervpn 'wireguard'\n"
	          "config interface 'wan1'\n\toption multipathvpn '1'\n"
	          "config interface 'wgwan1'\n\toption multipath 'backup'\n");
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(wan_of(&r, "wan1")->role, ROLE_OFF);
	check_wan(&r, "wgwan1", ROLE_BACKUP, "openmptcprouter.wgwan1.multipath", "wgwan1");
	router_free(&r);
}

/* Two modems without a device's name: their globs would take each other's captures. */
static void test_modems(void)
{
	struct router r = router_new();

	read_text(&r, "network",
	          "config interface 'm1'\n\toption proto 'modemmanager'\n"
	          "\toption device '/sys/a'\n\toption multipath 'backup'\n"
	          "config interface 'm2'\n\toption proto 'modemmanager'\n"
	          "\toption device '/sys/b'\n\toption multipath 'backup'\n");
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(wan_of(&r, "m1")->n_devices, 0);
	CU_ASSERT_EQUAL(wan_of(&r, "m2")->n_devices, 0);
	CU_ASSERT_TRUE(noted(&r, "m2: UCI names no device"));
	router_free(&r);
}

/* ---- broken files ---- */

static void test_half_written(void)
{
	struct router r = router_new();

	read_text(&r, "network",
	          "config interface 'wan1'\n\toption proto 'dhcp'\n\toption multipath 'mas");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "proto"), "dhcp");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "multipath"), "(none)");
	CU_ASSERT_TRUE(noted(&r, "network:3: the file ends inside quotes"));
	router_free(&r);
	r = router_new();
	read_text(&r, "network",
	          "\toption stray 'x'\nconfig\nconfig interface 'wan1'\n\toption\n"
	          "\toption proto 'dhcp' 'more'\n<<<<<<< HEAD\n\toption device 'eth1'\n");
	CU_ASSERT_TRUE(noted(&r, "network:1: an option before the first section"));
	CU_ASSERT_TRUE(noted(&r, "network:2: not understood"));
	CU_ASSERT_TRUE(noted(&r, "network:6: not understood"));
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "device"), "eth1");
	CU_ASSERT_STRING_EQUAL(get(&r, "wan1", "proto"), "(none)");
	router_free(&r);
}

/* Every beginning of the files: never a crash, never more WANs than the whole has. */
static void test_prefixes(void)
{
	for (size_t n = 0; n <= strlen(network); n++) {
		struct router r = router_new();

		CU_ASSERT_EQUAL(read_bytes(&r, "network", network, n), UCI_FINE);
		read_text(&r, "openmptcprouter", omr);
		uci_expect(r.uci, r.expect);
		CU_ASSERT_TRUE(r.expect->n_wans <= 11);
		router_free(&r);
	}
}

static void test_bounds(void)
{
	struct router r = router_new();
	char *many = malloc(UCI_FILE_MAX + 2);
	size_t used = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(many);
	for (unsigned i = 0; i < 2000; i++)
		used += (size_t)sprintf(many + used,
		                        "config interface 'wan%u'\n\toption proto 'dhcp'\n"
		                        "\toption device '@wan%u'\n\tlist ipaddr '%u'\n"
		                        "\tlist ipaddr 'x'\n\toption multipath 'on'\n",
		                        i, i, i);
	CU_ASSERT_EQUAL(read_bytes(&r, "network", many, used), UCI_FINE);
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(r.expect->n_wans, EXPECT_WANS);
	CU_ASSERT_EQUAL(r.expect->n_notes, EXPECT_NOTES);
	CU_ASSERT_TRUE(r.expect->more_notes > 0);
	CU_ASSERT_TRUE(noted(&r, "more sections or options than are read"));
	memset(many, 'x', UCI_FILE_MAX + 2);
	CU_ASSERT_EQUAL(read_bytes(&r, "network", many, UCI_FILE_MAX + 1), UCI_TOO_LARGE);
	memset(many, 0, 1000);
	CU_ASSERT_EQUAL(read_bytes(&r, "network", many, 1000), UCI_FINE);
	free(many);
	router_free(&r);
}

/* ---- stronger sources stay ---- */

static void test_stronger(void)
{
	struct router r = router_new();
	struct expect_wan *wan = expect_wan(r.expect, "hilink");

	wan->role = ROLE_ON;
	wan->role_told = (struct told){FROM_CONFIG, "site.ini"};
	read_text(&r, "network", network);
	uci_expect(r.uci, r.expect);
	CU_ASSERT_EQUAL(wan_of(&r, "hilink")->role, ROLE_ON);
	CU_ASSERT_EQUAL(wan_of(&r, "hilink")->role_told.source, FROM_CONFIG);
	CU_ASSERT_STRING_EQUAL(wan_of(&r, "hilink")->devices[0], "eth3");
	router_free(&r);
}

/* A WAN of a capture is found by its name, by its device, by an address of its own. */
static void test_matching(void)
{
	static struct policy policy;
	struct ledger_wan named = {.name = (char *)(uintptr_t) "hilink#2"};
	struct ledger_wan device = {.name = (char *)(uintptr_t) "pppoe-dsl"};
	struct ledger_wan glob = {.name = (char *)(uintptr_t) "wwan0"};
	struct ledger_wan address = {
		.name = (char *)(uintptr_t) "x", .n_own = 1, .own = {{"192.168.1.2"}}};
	struct ledger_wan recorded = {.name = (char *)(uintptr_t) "lte"};
	struct ledger_wan hardware = {.name = (char *)(uintptr_t) "y"};
	struct ledger_wan stranger = {.name = (char *)(uintptr_t) "wan1x"};
	struct router r = router_new();
	const char *sign;

	read_text(&r, "network", network);
	read_text(&r, "openmptcprouter", omr);
	policy_init(&policy);
	uci_expect(r.uci, &policy.expect);
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &named, &sign)->name, "hilink");
	CU_ASSERT_STRING_EQUAL(sign, "name");
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &device, &sign)->name, "dsl");
	CU_ASSERT_STRING_EQUAL(sign, "device");
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &glob, &sign)->name, "modem1");
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &address, &sign)->name, "wan1");
	CU_ASSERT_STRING_EQUAL(sign, "address");
	ledger_add_device(&recorded, "eth3");
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &recorded, &sign)->name, "hilink");
	CU_ASSERT_STRING_EQUAL(sign, "device");
	ledger_add_mac(&hardware, "02:aa:00:00:00:01");
	CU_ASSERT_STRING_EQUAL(policy_expected(&policy, &hardware, &sign)->name, "wan1");
	CU_ASSERT_STRING_EQUAL(sign, "mac");
	CU_ASSERT_PTR_NULL(policy_expected(&policy, &stranger, &sign));
	policy_release(&policy);
	router_free(&r);
}

void suite_uci(void)
{
	CU_pSuite suite = CU_add_suite("uci", NULL, NULL);

	CU_add_test(suite, "quotes and commands", test_quotes_and_commands);
	CU_add_test(suite, "packages", test_packages);
	CU_add_test(suite, "interfaces", test_interfaces);
	CU_add_test(suite, "site", test_site);
	CU_add_test(suite, "masters", test_masters);
	CU_add_test(suite, "tunnel", test_tunnel);
	CU_add_test(suite, "modems", test_modems);
	CU_add_test(suite, "half written", test_half_written);
	CU_add_test(suite, "prefixes", test_prefixes);
	CU_add_test(suite, "bounds", test_bounds);
	CU_add_test(suite, "stronger sources", test_stronger);
	CU_add_test(suite, "matching", test_matching);
}
