/* SPDX-License-Identifier: MIT
 *
 * policy_file.c - the INI file of a site (see policy.h). A row per word; adding one is a row.
 */
#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "run_settings.h"
#include "text.h"
#include "zone.h"

struct loading {
	struct policy *policy;
	const char *file; /* its name without its folder */
	struct told told; /* "site.ini [wan wan2]" */
	char *message;
	size_t size;
};

/* The first problem is the one told. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct loading *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->message, l->size, format, args);
	va_end(args);
	return false;
}

/* ---- values ---- */

static bool take_text(struct loading *l, const char *key, const char *value, char *out, size_t size)
{
	if (strlen(value) >= size)
		return refuse(l, "%s: longer than %zu characters", key, size - 1);
	snprintf(out, size, "%s", value);
	return true;
}

/* A number and what stands behind it; false: none, or negative. strtod also reads "inf" and
 * hexadecimals. */
static bool take_number(const char *text, double *number, const char **behind)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	*number = strtod(text, &end);
	*behind = end + strspn(end, " \t");
	return end > text;
}

/* "20GB", "20GiB": the carrier's own word says which of them it means. */
static bool take_size(struct loading *l, const char *key, const char *value, uint64_t *bytes,
                      bool *binary)
{
	static const struct {
		const char *suffix;
		double factor;
		bool binary;
	} units[] = {
		{"", 1, false},
		{"B", 1, false},
		{"k", 1e3, false},
		{"kB", 1e3, false},
		{"KiB", 1024, true},
		{"M", 1e6, false},
		{"MB", 1e6, false},
		{"MiB", 1048576, true},
		{"G", 1e9, false},
		{"GB", 1e9, false},
		{"GiB", 1073741824, true},
		{"T", 1e12, false},
		{"TB", 1e12, false},
		{"TiB", 1099511627776.0, true},
	};
	const char *suffix = "";
	double number = -1;

	for (size_t i = 0;
	     take_number(value, &number, &suffix) && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(units[i].suffix, suffix) != 0 || number * units[i].factor > 1e18)
			continue;
		*bytes = (uint64_t)(number * units[i].factor);
		*binary = *binary || units[i].binary;
		return true;
	}
	return refuse(l, "%s: a size such as 20GB or 20GiB", key);
}

/* "20", "20 EUR" */
static bool take_price(struct loading *l, const char *key, const char *value, double *price,
                       struct expect_plan *plan)
{
	const char *currency;

	if (!take_number(value, price, &currency) || *price > 1e9)
		return refuse(l, "%s: a price such as 20 or \"20 EUR\"", key);
	return !*currency || take_text(l, key, currency, plan->currency, sizeof(plan->currency));
}

static bool take_count(struct loading *l, const char *key, const char *value, unsigned least,
                       unsigned most, unsigned *out)
{
	char *end;
	unsigned long number = isdigit((unsigned char)*value) ? strtoul(value, &end, 10) : 0;

	if (!isdigit((unsigned char)*value) || *end || number < least || number > most)
		return refuse(l, "%s: a number from %u to %u", key, least, most);
	*out = (unsigned)number;
	return true;
}

/* Call `take` for each word of "a, b c". */
static bool each_word(struct loading *l, const char *key, const char *value, void *to,
                      bool (*take)(struct loading *l, const char *key, const char *word, void *to))
{
	static const char between[] = ", \t";
	char word[256];

	for (value += strspn(value, between); *value; value += strspn(value, between)) {
		size_t n = strcspn(value, between);

		if (n >= sizeof(word))
			return refuse(l, "%s: a word is too long", key);
		memcpy(word, value, n);
		word[n] = '\0';
		if (!take(l, key, word, to))
			return false;
		value += n;
	}
	return true;
}

struct networks {
	struct network *rows;
	unsigned *n;
};

static bool add_network(struct loading *l, const char *key, const char *word, void *to)
{
	struct networks *networks = to;

	if (*networks->n == EXPECT_NETWORKS)
		return refuse(l, "%s: more than %d", key, EXPECT_NETWORKS);
	if (!network_parse(&networks->rows[*networks->n], word))
		return refuse(l, "%s: an address or ADDRESS/LEN", key);
	(*networks->n)++;
	return true;
}

static bool take_networks(struct loading *l, const char *key, const char *value,
                          struct network *rows, unsigned *n)
{
	struct networks networks = {rows, n};

	*n = 0;
	return each_word(l, key, value, &networks, add_network);
}

/* ---- [plan], and the plan in [wan NAME] ---- */

static bool plan_quota(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_size(l, k, v, &p->quota_bytes, &p->binary);
}

static bool plan_up(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_size(l, k, v, &p->up_bytes, &p->binary);
}

static bool plan_down(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_size(l, k, v, &p->down_bytes, &p->binary);
}

static bool plan_granularity(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	bool binary = false;

	return take_size(l, k, v, &p->granularity_bytes, &binary);
}

static bool plan_day(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_count(l, k, v, 1, 31, &p->billing_day);
}

static bool plan_price(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_price(l, k, v, &p->price, p);
}

static bool plan_per_gb(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	return take_price(l, k, v, &p->price_per_gb, p);
}

static bool plan_per_gib(struct loading *l, const char *k, const char *v, struct expect_plan *p)
{
	p->binary = true;
	return take_price(l, k, v, &p->price_per_gb, p);
}

static const struct {
	const char *key;
	bool (*take)(struct loading *l, const char *key, const char *value,
	             struct expect_plan *plan);
} plan_words[] = {
	{"quota", plan_quota},         {"quota_up", plan_up},
	{"quota_down", plan_down},     {"granularity", plan_granularity},
	{"billing_day", plan_day},     {"price", plan_price},
	{"price_per_gb", plan_per_gb}, {"price_per_gib", plan_per_gib},
};
#define PLAN_WORDS (sizeof(plan_words) / sizeof(*plan_words))

/* 1: taken; 0: no word of a plan; -1: refused. */
static int take_plan(struct loading *l, const char *key, const char *value,
                     struct expect_plan *plan)
{
	for (size_t i = 0; i < PLAN_WORDS; i++) {
		if (strcmp(plan_words[i].key, key) != 0)
			continue;
		plan->told = l->told;
		return plan_words[i].take(l, key, value, plan) ? 1 : -1;
	}
	return 0;
}

/* Which of these was meant? */
static bool unknown(struct loading *l, const char *section, const char *key,
                    const char *const *words, size_t n)
{
	const char *near = text_nearest(key, words, n);
	char safe[80], all[300] = "";

	for (size_t i = 0, used = 0; !near && i < n && used + 30 < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
		                         words[i]);
	return refuse(l, "[%s] does not know \"%s\"%s%s%s", section,
	              text_safe(safe, sizeof(safe), key, 40), near ? ", did you mean \"" : ": ",
	              near ? near : all, near ? "\"?" : "");
}

static bool load_plan(struct loading *l, const char *name, const char *key, const char *value)
{
	const char *words[PLAN_WORDS];
	int taken = take_plan(l, key, value, &l->policy->expect.plan);

	(void)name;
	for (size_t i = 0; i < PLAN_WORDS; i++)
		words[i] = plan_words[i].key;
	return taken > 0 || (taken == 0 && unknown(l, "plan", key, words, PLAN_WORDS));
}

/* ---- [wan NAME] ---- */

static bool wan_role(struct loading *l, const char *key, const char *value, struct expect_wan *wan)
{
	for (enum role i = ROLE_MASTER; i < ROLE_COUNT; i++) {
		if (strcmp(role_names[i], value) != 0)
			continue;
		wan->role = i;
		wan->role_told = l->told;
		snprintf(wan->role_word, sizeof(wan->role_word), "%s", value);
		return true;
	}
	return refuse(l, "%s: it is master, on, backup or off", key);
}

static bool add_device(struct loading *l, const char *key, const char *word, void *to)
{
	struct expect_wan *wan = to;

	if (wan->n_devices == EXPECT_NAMES)
		return refuse(l, "%s: more than %d", key, EXPECT_NAMES);
	return take_text(l, key, word, wan->devices[wan->n_devices++], EXPECT_WORD);
}

static bool wan_device(struct loading *l, const char *key, const char *value,
                       struct expect_wan *wan)
{
	wan->n_devices = 0;
	wan->devices_from = FROM_CONFIG;
	return each_word(l, key, value, wan, add_device);
}

static bool wan_mac(struct loading *l, const char *key, const char *value, struct expect_wan *wan)
{
	return network_mac(wan->mac, value) || refuse(l, "%s: such as 02:00:00:00:00:01", key);
}

static bool wan_address(struct loading *l, const char *key, const char *value,
                        struct expect_wan *wan)
{
	return take_networks(l, key, value, wan->own, &wan->n_own);
}

static bool wan_gateway(struct loading *l, const char *key, const char *value,
                        struct expect_wan *wan)
{
	return network_parse(&wan->gateway, value) || refuse(l, "%s: an address", key);
}

static const struct {
	const char *key;
	bool (*take)(struct loading *l, const char *key, const char *value, struct expect_wan *wan);
} wan_words[] = {
	{"role", wan_role},       {"device", wan_device},   {"mac", wan_mac},
	{"address", wan_address}, {"gateway", wan_gateway},
};
#define WAN_WORDS (sizeof(wan_words) / sizeof(*wan_words))

static bool wan_unknown(struct loading *l, const char *key)
{
	const char *words[WAN_WORDS + PLAN_WORDS + LIMIT_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < WAN_WORDS; i++)
		words[n++] = wan_words[i].key;
	for (size_t i = 0; i < PLAN_WORDS; i++)
		words[n++] = plan_words[i].key;
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		words[n++] = limit_rows[i].key;
	return unknown(l, "wan", key, words, n);
}

/* What the WAN is, its plan, or a limit of its own. */
static bool load_wan(struct loading *l, const char *name, const char *key, const char *value)
{
	struct expect_wan *wan = expect_wan(&l->policy->expect, name);
	int taken;

	if (!wan)
		return refuse(l, "more than %d WANs, or a name too long", EXPECT_WANS);
	wan->name_told = l->told;
	for (size_t i = 0; i < WAN_WORDS; i++)
		if (strcmp(wan_words[i].key, key) == 0)
			return wan_words[i].take(l, key, value, wan);
	taken = take_plan(l, key, value, &wan->plan);
	if (taken != 0)
		return taken > 0;
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(limit_rows[i].key, key) == 0)
			return policy_set_limit_of(l->policy, name, key, value, FROM_CONFIG,
			                           l->message, l->size);
	return wan_unknown(l, key);
}

/* ---- [vps NAME] ---- */

static bool add_port(struct loading *l, const char *key, const char *word, void *to)
{
	struct expect_server *server = to;
	unsigned port;

	if (server->n_ports == EXPECT_PORTS)
		return refuse(l, "%s: more than %d", key, EXPECT_PORTS);
	if (!take_count(l, key, word, 1, 65535, &port))
		return false;
	server->ports[server->n_ports++] = (uint16_t)port;
	return true;
}

static bool load_vps(struct loading *l, const char *name, const char *key, const char *value)
{
	static const char *const words[] = {"address", "port", "ports", "kernel"};
	struct expect_server *server = expect_server(&l->policy->expect, name);
	unsigned port;

	if (!server)
		return refuse(l, "more than %d servers, or a name too long", EXPECT_SERVERS);
	server->told = l->told;
	if (strcmp(key, "address") == 0)
		return take_networks(l, key, value, server->addresses, &server->n_addresses);
	if (strcmp(key, "kernel") == 0)
		return take_text(l, key, value, server->kernel, sizeof(server->kernel));
	if (strcmp(key, "ports") == 0)
		return each_word(l, key, value, server, add_port);
	if (strcmp(key, "port") != 0)
		return unknown(l, "vps", key, words, sizeof(words) / sizeof(*words));
	if (!take_count(l, key, value, 1, 65535, &port))
		return false;
	server->api_port = (uint16_t)port;
	return true;
}

/* ---- [lan], [site], [roles], [limits] ---- */

static bool load_lan(struct loading *l, const char *name, const char *key, const char *value)
{
	static const char *const words[] = {"network"};
	struct expect *expect = &l->policy->expect;

	(void)name;
	if (strcmp(key, words[0]) != 0)
		return unknown(l, "lan", key, words, 1);
	expect->lans_told = l->told;
	return take_networks(l, key, value, expect->lans, &expect->n_lans);
}

static bool load_profile(struct loading *l, const char *value)
{
	struct expect *expect = &l->policy->expect;

	for (int i = 0; i < PROFILE_COUNT; i++) {
		if (strcmp(profile_names[i], value) != 0)
			continue;
		if (expect->profile_told.source <= FROM_CONFIG) {
			expect->profile = (enum profile)i;
			expect->profile_told = l->told;
		}
		return true;
	}
	return refuse(l, "profile: it is economy or reliability");
}

static bool load_name(struct loading *l, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return refuse(l, "out of memory");
	free(l->policy->site);
	l->policy->site = copy;
	return true;
}

static bool load_site(struct loading *l, const char *name, const char *key, const char *value)
{
	static const char *const words[] = {"name",      "profile",   "zone",
	                                    "zone_name", "scheduler", "kernel"};
	struct expect *e = &l->policy->expect;
	struct expect_word *const to[] = {NULL,          NULL,          &e->zone,
	                                  &e->zone_name, &e->scheduler, &e->kernel};
	struct zone zone;

	(void)name;
	if (strcmp(key, "name") == 0)
		return load_name(l, value);
	if (strcmp(key, "profile") == 0)
		return load_profile(l, value);
	if (strcmp(key, "zone") == 0 && !zone_parse(&zone, value))
		return refuse(l, "zone: a TZ string such as CET-1CEST,M3.5.0,M10.5.0/3");
	for (size_t i = 2; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i], key) != 0)
			continue;
		if (strlen(value) >= EXPECT_WORD)
			return refuse(l, "%s: too long", key);
		expect_say(to[i], value, &l->told);
		return true;
	}
	return unknown(l, "site", key, words, sizeof(words) / sizeof(*words));
}

/* inih ends a key at the first of '=' and ':'; an IPv6 or hardware address as key comes here in two
 * pieces. */
static bool load_role(struct loading *l, const char *name, const char *key, const char *value)
{
	const char *equals = strrchr(value, '=');
	char who[512];
	int n;

	(void)name;
	if (!equals)
		return policy_add_role(l->policy, key, SUBJECT_ANY, value, FROM_CONFIG, l->message,
		                       l->size);
	n = snprintf(who, sizeof(who), "%s:%.*s", key, (int)(equals - value), value);
	if (n < 0 || (size_t)n >= sizeof(who))
		return refuse(l, "the name is too long");
	while (n > 0 && isspace((unsigned char)who[n - 1]))
		who[--n] = '\0';
	equals++;
	equals += strspn(equals, " \t");
	return policy_add_role(l->policy, who, SUBJECT_ANY, equals, FROM_CONFIG, l->message,
	                       l->size);
}

static bool load_limit(struct loading *l, const char *name, const char *key, const char *value)
{
	(void)name;
	return policy_set_limit_of(l->policy, NULL, key, value, FROM_CONFIG, l->message, l->size);
}

/* What `run` does is its own business (run_settings.h); that it is written rightly is ours. */
static bool load_run(struct loading *l, const char *name, const char *key, const char *value)
{
	struct run_settings settings;
	bool taken;

	(void)name;
	run_settings_init(&settings);
	taken = run_settings_take(&settings, key, value, l->message, l->size);
	run_settings_release(&settings);
	return taken;
}

/* ---- sections ---- */

static const struct {
	const char *name;
	bool named; /* [wan NAME] */
	bool (*load)(struct loading *l, const char *name, const char *key, const char *value);
} sections[] = {
	{"site", false, load_site}, {"roles", false, load_role}, {"limits", false, load_limit},
	{"wan", true, load_wan},    {"vps", true, load_vps},     {"lan", false, load_lan},
	{"plan", false, load_plan}, {"run", false, load_run},
};
#define SECTIONS (sizeof(sections) / sizeof(*sections))

static bool unknown_section(struct loading *l, const char *section)
{
	const char *words[SECTIONS], *near;
	char safe[80], kind[16];

	for (size_t i = 0; i < SECTIONS; i++)
		words[i] = sections[i].name;
	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(section, " \t"), section);
	near = text_nearest(kind, words, SECTIONS);
	text_safe(safe, sizeof(safe), section, 40);
	return refuse(l, "unknown section [%s]%s%s%s", safe, near ? ", did you mean [" : "",
	              near ? near
	                   : ": there are [site], [roles], [limits], [wan NAME], [vps NAME], "
	                     "[lan], [plan] and [run]",
	              near ? "]?" : "");
}

static int load_line(void *context, const char *section, const char *key, const char *value)
{
	struct loading *l = context;
	size_t kind = strcspn(section, " \t");
	const char *name = section + kind + strspn(section + kind, " \t");

	if (l->message[0])
		return 0;
	for (size_t i = 0; i < SECTIONS; i++) {
		if (strlen(sections[i].name) != kind ||
		    strncmp(sections[i].name, section, kind) != 0 || sections[i].named != !!*name)
			continue;
		snprintf(l->told.from, sizeof(l->told.from), "%.60s [%.55s]", l->file, section);
		return sections[i].load(l, name, key, value);
	}
	return unknown_section(l, section);
}

bool policy_load(struct policy *policy, FILE *file, const char *name, char *message, size_t size)
{
	const char *slash = strrchr(name, '/');
	char problem[300] = "", safe[200];
	struct loading loading = {.policy = policy,
	                          .file = slash ? slash + 1 : name,
	                          .told = {.source = FROM_CONFIG},
	                          .message = problem,
	                          .size = sizeof(problem)};
	int line = ini_parse_file(file, load_line, &loading);

	text_safe(safe, sizeof(safe), name, 100);
	if (ferror(file))
		snprintf(message, size, "%s: cannot be read", safe);
	else if (line < 0)
		snprintf(message, size, "%s: out of memory", safe);
	else if (line > 0)
		snprintf(message, size, "%s:%d: %s", safe, line,
		         problem[0] ? problem : "not a [section] and not a key=value");
	return line == 0 && !ferror(file);
}
