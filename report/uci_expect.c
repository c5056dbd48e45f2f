/* SPDX-License-Identifier: MIT
 *
 * uci_expect.c - what OpenMPTCProuter makes of its UCI files: WANs and their devices, roles and
 * their fallbacks, servers, quotas, time zone.
 *
 * The order of precedence is that of its scripts: init.d/mptcp (roles), init.d/mptcpovervpn
 * (tunnels), bin/omr-quota (quotas); device names are those of netifd's protocol handlers.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"
#include "uci.h"

struct router {
	const struct uci *uci;
	struct expect *expect;
	/* interfaces whose device only the router knows while it runs, by what they may be called
	 */
	unsigned modems;
};

static const char *net(const struct router *t, const char *section, const char *option)
{
	return uci_get(t->uci, "network", section, option);
}

static const char *omr(const struct router *t, const char *section, const char *option)
{
	return uci_get(t->uci, "openmptcprouter", section, option);
}

/* A note with one name or two in it, which come from the files: made safe to print. */
static void note(const struct router *t, enum message what, const char *one, const char *two)
{
	char message[EXPECT_NOTE], first[200], second[100];

	text_safe(first, sizeof(first), one, 80);
	text_safe(second, sizeof(second), two ? two : "", 40);
	message_say(message, sizeof(message), what,
	            (const char *const[]){first, two ? second : NULL, NULL});
	expect_note(t->expect, message);
}

static bool is_true(const char *value)
{
	static const char *const words[] = {"1", "on", "true", "yes", "enabled"};

	for (size_t i = 0; value && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

static bool is_among(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

#define IS_AMONG(word, words) is_among(word, words, sizeof(words) / sizeof(*(words)))

__attribute__((format(printf, 1, 2))) static struct told told_by(const char *format, ...)
{
	struct told told = {.source = FROM_UCI};
	char text[sizeof(told.from) * 2];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(told.from, sizeof(told.from), "%.*s", (int)sizeof(told.from) - 1, text);
	return told;
}

static bool may_tell(const struct told *told)
{
	return !told->from[0] || told->source <= FROM_UCI;
}

static void say(struct expect_word *word, const char *value, const char *from)
{
	struct told told = told_by("%s", from);

	if (value)
		expect_say(word, value, &told);
}

/* ---- addresses ---- */

static bool mask_length(const char *mask, uint8_t *length)
{
	struct network network;
	unsigned bits = 0;

	if (!network_parse(&network, mask) || network.family != 4)
		return false;
	while (bits < 32 && network.bytes[bits / 8] & 0x80 >> bits % 8)
		bits++;
	*length = (uint8_t)bits;
	for (; bits < 32; bits++)
		if (network.bytes[bits / 8] & 0x80 >> bits % 8)
			return false;
	return true;
}

/* The addresses of an interface, with the length of their network: "option ipaddr" beside "option
 * netmask", or a list of ADDRESS/LEN. */
static unsigned addresses_of(const struct router *t, const char *name,
                             struct network out[EXPECT_NETWORKS])
{
	static const char *const options[] = {"ipaddr", "ip6addr"};
	const char *values[EXPECT_NETWORKS], *mask = net(t, name, "netmask");
	unsigned n = 0;

	for (size_t o = 0; o < 2; o++) {
		unsigned some =
			uci_list(t->uci, "network", name, options[o], values, EXPECT_NETWORKS);

		for (unsigned i = 0; i < some && i < EXPECT_NETWORKS && n < EXPECT_NETWORKS; i++) {
			if (!network_parse(&out[n], values[i])) {
				note(t, MESSAGE_note_not_address, name, options[o]);
				continue;
			}
			if (mask && out[n].family == 4 && !strchr(values[i], '/'))
				mask_length(mask, &out[n].length);
			n++;
		}
	}
	return n;
}

/* ---- devices ---- */

static void add_device(struct expect_wan *wan, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_device(struct expect_wan *wan, const char *format, ...)
{
	char text[EXPECT_WORD * 2];
	va_list args;

	if (wan->devices_from > FROM_UCI)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (unsigned i = 0; i < wan->n_devices; i++)
		if (strcmp(wan->devices[i], text) == 0)
			return;
	if (text[0] && strlen(text) < EXPECT_WORD && wan->n_devices < EXPECT_NAMES)
		snprintf(wan->devices[wan->n_devices++], EXPECT_WORD, "%.*s", EXPECT_WORD - 1,
		         text);
}

/* How a protocol handler calls the device it makes. OWN: the one it is given. */
enum naming { NAMED_OWN, NAMED_PREFIX, NAMED_SELF, NAMED_MODEM };

static const struct {
	const char *protocol, *prefix;
	enum naming naming;
} protocols[] = {
	{"static", "", NAMED_OWN},         {"dhcp", "", NAMED_OWN},
	{"dhcpv6", "", NAMED_OWN},         {"none", "", NAMED_OWN},
	{"pppoe", "pppoe-", NAMED_PREFIX}, {"pppoa", "pppoa-", NAMED_PREFIX},
	{"pptp", "pptp-", NAMED_PREFIX},   {"l2tp", "l2tp-", NAMED_PREFIX},
	{"ppp", "ppp-", NAMED_PREFIX},     {"3g", "3g-", NAMED_PREFIX},
	{"6in4", "6in4-", NAMED_PREFIX},   {"464xlat", "464-", NAMED_PREFIX},
	{"gre", "gre4-", NAMED_PREFIX},    {"wireguard", "", NAMED_SELF},
	{"modemmanager", "", NAMED_MODEM}, {"qmi", "", NAMED_MODEM},
	{"mbim", "", NAMED_MODEM},         {"ncm", "", NAMED_MODEM},
	{"directip", "", NAMED_MODEM},     {"wwan", "", NAMED_MODEM},
	{"fibocom", "", NAMED_MODEM},      {"quectel", "", NAMED_MODEM},
};

static enum naming naming_of(const char *protocol, const char **prefix)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcmp(protocols[i].protocol, protocol) == 0) {
			*prefix = protocols[i].prefix;
			return protocols[i].naming;
		}
	}
	return NAMED_OWN;
}

static const char *protocol_of(const struct router *t, const char *name)
{
	const char *protocol = net(t, name, "proto");

	return protocol ? protocol : "none";
}

static const char *own_device(const struct router *t, const char *name)
{
	const char *device = net(t, name, "device");

	return device ? device : net(t, name, "ifname"); /* its name before OpenWrt 21.02 */
}

/* cdc-wdmN and wwanN are numbered alike: one USB driver makes both. */
static bool modem_number(const char *device, unsigned *number)
{
	static const char path[] = "/dev/cdc-wdm";

	if (!device || strncmp(device, path, sizeof(path) - 1) != 0 ||
	    !isdigit((unsigned char)device[sizeof(path) - 1]))
		return false;
	*number = (unsigned)strtoul(device + sizeof(path) - 1, NULL, 10) % 1000;
	return true;
}

static void modem_devices(struct router *t, struct expect_wan *wan, const char *device)
{
	unsigned number;

	if (device && device[0] != '/' && device[0] != '@' && device[0] != '\0') {
		add_device(wan, "%s", device);
	} else if (modem_number(device, &number)) {
		add_device(wan, "wwan%u", number);
		add_device(wan, "qmimux%u", number);
	} else {
		/* ModemManager names a bus path: which wwanN that is, UCI does not say. The only
		 * such modem has them all. */
		if (t->modems == 1) {
			add_device(wan, "wwan*");
			add_device(wan, "qmimux*");
		} else {
			note(t, MESSAGE_note_modem, wan->name, wan->protocol);
		}
	}
}

static bool is_nameless_modem(const struct router *t, const char *name)
{
	const char *device = own_device(t, name), *prefix;
	unsigned number;

	return naming_of(protocol_of(t, name), &prefix) == NAMED_MODEM &&
	       (!device || device[0] == '/') && !modem_number(device, &number);
}

/* "@wan" is the device of interface wan; how deep that goes is bounded. */
static void devices_of(struct router *t, struct expect_wan *wan, const char *name, unsigned depth)
{
	const char *device = own_device(t, name), *protocol = protocol_of(t, name), *prefix = "";
	const char *type = net(t, name, "type");

	switch (naming_of(protocol, &prefix)) {
	case NAMED_PREFIX:
		add_device(wan, "%s%s", prefix, name);
		return;
	case NAMED_SELF:
		add_device(wan, "%s", name);
		return;
	case NAMED_MODEM:
		modem_devices(t, wan, device);
		return;
	default:
		break;
	}
	if (type && strcmp(type, "bridge") == 0)
		add_device(wan, "br-%s", name);
	else if (device && device[0] == '@' && depth < 4)
		devices_of(t, wan, device + 1, depth + 1);
	else if (device && device[0] && device[0] != '@' && !strchr(device, ' '))
		add_device(wan, "%s", device);
}

/* Its own macaddr goes before that of "config device" of the same device. */
static void mac_of(const struct router *t, struct expect_wan *wan, const char *name)
{
	const char *device = own_device(t, name), *mac = net(t, name, "macaddr");
	struct uci_section s;

	for (unsigned i = 0; !mac && device && uci_section(t->uci, i, &s); i++) {
		const char *called;

		if (strcmp(s.package, "network") != 0 || strcmp(s.type, "device") != 0 ||
		    !s.name[0])
			continue;
		called = net(t, s.name, "name");
		if (called && strcmp(called, device) == 0)
			mac = net(t, s.name, "macaddr");
	}
	if (mac && !wan->mac[0])
		network_mac(wan->mac, mac);
}

/* ---- roles ---- */

static const struct {
	const char *word;
	enum role role;
} role_words[] = {
	{"master", ROLE_MASTER}, {"on", ROLE_ON},       {"backup", ROLE_BACKUP},
	{"off", ROLE_OFF},       {"handover", ROLE_ON}, /* of 5.4; on since 6.x (domain, roles) */
};

static void set_role(struct expect_wan *wan, enum role role, const char *word,
                     const struct told *told)
{
	if (!may_tell(&wan->role_told))
		return;
	wan->role = role;
	wan->role_told = *told;
	snprintf(wan->role_word, sizeof(wan->role_word), "%.*s", EXPECT_WORD - 1, word);
}

/* Where the role of an interface stands: its own option, or that of openmptcprouter. */
static const char *role_option(const struct router *t, const char *name, struct told *told)
{
	const char *word = net(t, name, "multipath");

	*told = told_by("network.%.60s.multipath", name);
	if (!word) {
		word = omr(t, name, "multipath");
		if (word)
			*told = told_by("openmptcprouter.%.60s.multipath", name);
	}
	return word;
}

static void role_of(const struct router *t, struct expect_wan *wan, const char *fallback)
{
	struct told told;
	const char *word = role_option(t, wan->name, &told), *disabled = NULL;

	if (is_true(net(t, wan->name, "disabled")))
		disabled = "disabled";
	if (disabled) {
		told = told_by("network.%.60s.disabled", wan->name);
		set_role(wan, ROLE_OFF, "disabled", &told);
		return;
	}
	if (!word) {
		word = fallback;
		told = told_by("network.%.60s.multipath (not set)", wan->name);
	}
	for (size_t i = 0; i < sizeof(role_words) / sizeof(*role_words); i++) {
		if (strcmp(role_words[i].word, word) == 0) {
			set_role(wan, role_words[i].role, word, &told);
			return;
		}
	}
	note(t, MESSAGE_note_unknown_role, told.from, NULL);
}

/* MPTCP over VPN: the interface is off, its tunnel has the role (init.d/mptcpovervpn). */
static void tunnel_of(struct router *t, struct expect_wan *wan)
{
	const char *kind = omr(t, "settings", "mptcpovervpn"), *metric;
	struct told told = told_by("openmptcprouter.%.60s.multipathvpn", wan->name);
	bool wireguard = kind && strcmp(kind, "wireguard") == 0;
	char name[EXPECT_WORD];
	struct expect_wan *tunnel;

	if (!is_true(omr(t, wan->name, "multipathvpn")) || strlen(wan->name) > EXPECT_WORD - 5)
		return;
	set_role(wan, ROLE_OFF, "multipathvpn", &told);
	snprintf(name, sizeof(name), "%s%.50s", wireguard ? "wg" : "ovpn", wan->name);
	snprintf(wan->tunnels[0], EXPECT_WORD, "%s", name);
	wan->n_tunnels = 1;
	tunnel = expect_wan(t->expect, name);
	if (!tunnel)
		return;
	tunnel->name_told = told;
	if (tunnel->n_devices == 0)
		devices_of(t, tunnel, name, 0);
	metric = net(t, wan->name, "metric");
	if (wireguard)
		add_device(tunnel, "%s", name);
	else if (tunnel->n_devices == 0 && metric)
		add_device(tunnel, "tun%.8s", metric);
	role_of(t, tunnel, "on");
}

/* One master only: further ones count as on, and without one the first that is on becomes it. */
static void one_master(struct router *t)
{
	struct expect_wan *master = NULL, *first = NULL;
	struct told told;

	for (unsigned i = 0; i < t->expect->n_wans; i++) {
		struct expect_wan *wan = &t->expect->wans[i];

		if (wan->role_told.source != FROM_UCI)
			continue;
		if (wan->role == ROLE_MASTER && master) {
			wan->role = ROLE_ON;
			note(t, MESSAGE_note_second_master, wan->name, master->name);
		} else if (wan->role == ROLE_MASTER) {
			master = wan;
		}
		if (wan->role == ROLE_ON && !first)
			first = wan;
	}
	if (master || !first)
		return;
	told = told_by("network.%.40s.multipath (first; no master)", first->name);
	set_role(first, ROLE_MASTER, "on", &told);
	note(t, MESSAGE_note_no_master, first->name, NULL);
}

/* ---- interfaces ---- */

/* What OpenMPTCProuter itself sets up and never counts as a WAN. */
static bool is_inside(const char *name)
{
	static const char *const names[] = {"loopback", "lan", "LAN", "guest", "omrvpn", "omr6in4"};

	return IS_AMONG(name, names);
}

/* A WAN has a role, or a way out: an address that is given to it, or a gateway. */
static bool is_wan(const struct router *t, const char *name)
{
	static const char *const inner[] = {"static", "none"};
	struct told told;
	const char *word = role_option(t, name, &told);

	if (is_inside(name))
		return false;
	if (is_true(omr(t, name, "multipathvpn")) || (word && strcmp(word, "off") != 0))
		return true;
	return net(t, name, "gateway") || !IS_AMONG(protocol_of(t, name), inner);
}

static void take_wan(struct router *t, const char *name)
{
	struct expect_wan *wan = expect_wan(t->expect, name);
	const char *gateway = net(t, name, "gateway");
	char most[12];

	if (!wan) {
		snprintf(most, sizeof(most), "%d", EXPECT_WANS);
		note(t, MESSAGE_note_many_interfaces, most, NULL);
		return;
	}
	if (may_tell(&wan->name_told))
		wan->name_told = told_by("network.%.60s", name);
	snprintf(wan->protocol, sizeof(wan->protocol), "%.15s", protocol_of(t, name));
	devices_of(t, wan, name, 0);
	mac_of(t, wan, name);
	if (wan->n_own == 0) {
		wan->n_own = addresses_of(t, name, wan->own);
		for (unsigned i = 0; i < wan->n_own; i++)
			wan->own[i].length = wan->own[i].family == 6 ? 128 : 32;
	}
	if (gateway)
		network_parse(&wan->gateway, gateway);
	role_of(t, wan, "off");
	tunnel_of(t, wan);
}

static void take_lan(struct router *t, const char *name)
{
	struct network some[EXPECT_NETWORKS];
	unsigned n;

	if (strcmp(name, "loopback") == 0 || !may_tell(&t->expect->lans_told))
		return;
	n = addresses_of(t, name, some);
	for (unsigned i = 0; i < n && t->expect->n_lans < EXPECT_NETWORKS; i++) {
		t->expect->lans[t->expect->n_lans++] = some[i];
		t->expect->lans_told = told_by("network.%.60s", name);
	}
}

/* A section may stand in several pieces: only its first one is taken. */
static bool is_first_of(const struct uci *uci, unsigned index, const struct uci_section *section)
{
	struct uci_section s;

	for (unsigned i = 0; i < index && uci_section(uci, i, &s); i++)
		if (strcmp(s.name, section->name) == 0 && strcmp(s.package, section->package) == 0)
			return false;
	return true;
}

static void each_section(struct router *t, const char *package, const char *type,
                         void (*take)(struct router *t, const char *name))
{
	struct uci_section s;

	for (unsigned i = 0; uci_section(t->uci, i, &s); i++)
		if (s.name[0] && strcmp(s.package, package) == 0 && strcmp(s.type, type) == 0 &&
		    is_first_of(t->uci, i, &s))
			take(t, s.name);
}

static void count_modem(struct router *t, const char *name)
{
	t->modems += is_wan(t, name) && is_nameless_modem(t, name);
}

static void take_interface(struct router *t, const char *name)
{
	if (is_wan(t, name))
		take_wan(t, name);
	else if (!net(t, name, "gateway"))
		take_lan(t, name);
}

/* ---- servers ---- */

static void take_server(struct router *t, const char *name)
{
	struct expect_server *server = expect_server(t->expect, name);
	const char *values[EXPECT_NETWORKS], *word;
	unsigned n;
	unsigned long port;

	if (!server || !may_tell(&server->told))
		return;
	server->told = told_by("openmptcprouter.%.60s", name);
	server->off = is_true(omr(t, name, "disabled"));
	n = uci_list(t->uci, "openmptcprouter", name, "ip", values, EXPECT_NETWORKS);
	server->n_addresses = 0;
	for (unsigned i = 0; i < n && i < EXPECT_NETWORKS; i++) {
		/* a host name: which address it had when the capture was made, nobody knows */
		if (network_parse(&server->addresses[server->n_addresses], values[i]))
			server->n_addresses++;
		else
			note(t, MESSAGE_note_server_address, name, NULL);
	}
	word = omr(t, name, "port");
	port = word ? strtoul(word, NULL, 10) : 0;
	if (port > 0 && port <= 65535)
		server->api_port = (uint16_t)port;
	word = omr(t, name, "kernel");
	snprintf(server->kernel, sizeof(server->kernel), "%.*s", EXPECT_WORD - 1, word ? word : "");
	word = omr(t, name, "omr_version");
	snprintf(server->version, sizeof(server->version), "%.*s", EXPECT_WORD - 1,
	         word ? word : "");
}

/* ---- quotas ---- */

/* omr-quota compares with vnstat's bytes of this calendar month divided by 1024, whatever unit its
 * page shows (domain, existing monitors). */
static uint64_t quota_bytes(const struct router *t, const char *name, const char *option)
{
	const char *value = uci_get(t->uci, "omr-quota", name, option);
	char *end;
	unsigned long long number;

	if (!value || !isdigit((unsigned char)*value))
		return 0;
	number = strtoull(value, &end, 10);
	return *end || number > UINT64_MAX / 2048 ? 0 : (uint64_t)number * 1024;
}

static void take_quota(struct router *t, const char *name)
{
	const char *of = uci_get(t->uci, "omr-quota", name, "interface");
	struct expect_wan *wan;

	if (!is_true(uci_get(t->uci, "omr-quota", name, "enabled")))
		return;
	wan = expect_wan(t->expect, of ? of : name);
	if (!wan || !may_tell(&wan->plan.told))
		return;
	if (!wan->name_told.from[0])
		wan->name_told = told_by("omr-quota.%.60s", name);
	wan->plan.told = told_by("omr-quota.%.60s", name);
	wan->plan.quota_bytes = quota_bytes(t, name, "ttquota");
	wan->plan.up_bytes = quota_bytes(t, name, "txquota");
	wan->plan.down_bytes = quota_bytes(t, name, "rxquota");
	wan->plan.binary = true;
	wan->plan.billing_day = 1;
}

/* ---- the site ---- */

/* "config system" has no name. */
static void take_system(struct router *t)
{
	struct uci_section s;

	for (unsigned i = 0; uci_section(t->uci, i, &s); i++) {
		if (strcmp(s.package, "system") != 0 || strcmp(s.type, "system") != 0)
			continue;
		say(&t->expect->zone, uci_get(t->uci, "system", s.name, "timezone"),
		    "system.system.timezone");
		say(&t->expect->zone_name, uci_get(t->uci, "system", s.name, "zonename"),
		    "system.system.zonename");
	}
}

static void take_settings(struct router *t)
{
	struct expect *e = t->expect;

	say(&e->scheduler, net(t, "globals", "mptcp_scheduler"), "network.globals.mptcp_scheduler");
	say(&e->mptcp, net(t, "globals", "multipath"), "network.globals.multipath");
	say(&e->proxy, omr(t, "settings", "proxy"), "openmptcprouter.settings.proxy");
	say(&e->vpn, omr(t, "settings", "vpn"), "openmptcprouter.settings.vpn");
	say(&e->mode, omr(t, "settings", "master"), "openmptcprouter.settings.master");
}

void uci_expect(const struct uci *uci, struct expect *expect)
{
	struct router t = {.uci = uci, .expect = expect};

	each_section(&t, "network", "interface", count_modem);
	each_section(&t, "network", "interface", take_interface);
	one_master(&t);
	each_section(&t, "openmptcprouter", "server", take_server);
	each_section(&t, "omr-quota", "interface", take_quota);
	take_system(&t);
	take_settings(&t);
}
