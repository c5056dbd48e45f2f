/* SPDX-License-Identifier: MIT
 *
 * policy.c - see policy.h.
 */
#include "policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const char *const unit_names[UNIT_COUNT] = {"ratio", "bytes", "seconds", "word", "number"};

/* The first problem is the one told. */
__attribute__((format(printf, 3, 4))) static bool refuse(char *message, size_t size,
                                                         const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, size, format, args);
	va_end(args);
	return false;
}

void policy_init(struct policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	expect_init(&policy->expect);
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		policy->limits[i] = limit_rows[i].fallback;
}

void policy_release(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_roles; i++)
		free(policy->roles[i].who);
	for (size_t i = 0; i < policy->n_only; i++)
		free(policy->only[i]);
	free(policy->only);
	free(policy->roles);
	free(policy->wan_limits);
	free(policy->site);
	memset(policy, 0, sizeof(*policy));
}

/* ---- limits ---- */

static bool parse_word(const struct limit_row *row, const char *text, double *value)
{
	const char *bar = strchr(row->words, '|');
	size_t first = (size_t)(bar - row->words);

	*value = strcmp(text, bar + 1) == 0;
	return *value > 0 || (strlen(text) == first && strncmp(text, row->words, first) == 0);
}

/* The factor a suffix stands for, or 0. */
static double suffix_factor(enum unit unit, const char *suffix)
{
	static const struct {
		enum unit unit;
		const char *suffix;
		double factor;
	} table[] = {
		{UNIT_RATIO, "", 1},        {UNIT_RATIO, "%", 0.01},   {UNIT_BYTES, "", 1},
		{UNIT_BYTES, "B", 1},       {UNIT_BYTES, "k", 1e3},    {UNIT_BYTES, "kB", 1e3},
		{UNIT_BYTES, "K", 1e3},     {UNIT_BYTES, "M", 1e6},    {UNIT_BYTES, "MB", 1e6},
		{UNIT_BYTES, "G", 1e9},     {UNIT_BYTES, "GB", 1e9},   {UNIT_BYTES, "T", 1e12},
		{UNIT_BYTES, "TB", 1e12},   {UNIT_NUMBER, "", 1},      {UNIT_SECONDS, "", 1},
		{UNIT_SECONDS, "s", 1},     {UNIT_SECONDS, "min", 60}, {UNIT_SECONDS, "h", 3600},
		{UNIT_SECONDS, "d", 86400}, {UNIT_NUMBER, "", 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].unit == unit && strcmp(table[i].suffix, suffix) == 0)
			return table[i].factor;
	return 0;
}

static bool parse_value(const struct limit_row *row, const char *text, double *value)
{
	double factor;
	char *end;

	if (row->unit == UNIT_WORD)
		return parse_word(row, text, value);
	/* strtod also reads "inf", "nan" and hexadecimals: a limit begins with a digit or a point
	 */
	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	*value = strtod(text, &end);
	if (end == text)
		return false;
	while (*end == ' ')
		end++;
	factor = suffix_factor(row->unit, end);
	*value *= factor;
	return factor > 0 && *value >= row->min && *value <= row->max;
}

static int limit_find(const char *key)
{
	for (int i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(limit_rows[i].key, key) == 0)
			return i;
	return -1;
}

static bool limit_unknown(const char *key, char *message, size_t size)
{
	const char *keys[LIMIT_COUNT], *near;
	char safe[80];

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		keys[i] = limit_rows[i].key;
	near = text_nearest(key, keys, LIMIT_COUNT);
	text_safe(safe, sizeof(safe), key, 40);
	return refuse(message, size, "unknown limit \"%s\"%s%s%s", safe,
	              near ? ", did you mean \"" : "",
	              near ? near : "; mptcp-audit report --help lists them", near ? "\"?" : "");
}

static bool limit_bad(const struct limit_row *row, const char *value, char *message, size_t size)
{
	char safe[80];

	text_safe(safe, sizeof(safe), value, 40);
	if (row->unit == UNIT_WORD)
		return refuse(message, size, "limit %s: \"%s\" is none of %s", row->key, safe,
		              row->words);
	return refuse(message, size, "limit %s: \"%s\" is not a number of %s from %g to %g",
	              row->key, safe,
	              row->unit == UNIT_RATIO ? "ratio (0.01 or 1%)" : unit_names[row->unit],
	              row->min, row->max);
}

/* The limit and its value; -1: message says why not. */
static int read_limit(const char *key, const char *value, double *number, char *message,
                      size_t size)
{
	int limit = limit_find(key);

	if (limit < 0) {
		limit_unknown(key, message, size);
	} else if (!parse_value(&limit_rows[limit], value, number)) {
		limit_bad(&limit_rows[limit], value, message, size);
		limit = -1;
	}
	return limit;
}

static bool add_wan_limit(struct policy *policy, const struct policy_wan_limit *row, char *message,
                          size_t size)
{
	struct policy_wan_limit *rows;

	if (policy->n_wan_limits == POLICY_WAN_LIMITS)
		return refuse(message, size, "more than %d limits of single WANs",
		              POLICY_WAN_LIMITS);
	rows = realloc(policy->wan_limits, (policy->n_wan_limits + 1) * sizeof(*rows));
	if (!rows)
		return refuse(message, size, "out of memory");
	policy->wan_limits = rows;
	rows[policy->n_wan_limits++] = *row;
	return true;
}

bool policy_set_limit_of(struct policy *policy, const char *wan, const char *key, const char *value,
                         enum role_source source, char *message, size_t size)
{
	struct policy_wan_limit row = {.source = source};
	int limit = read_limit(key, value, &row.value, message, size);

	if (limit < 0)
		return false;
	row.limit = (enum limit)limit;
	if (wan) {
		if (strlen(wan) >= sizeof(row.wan))
			return refuse(message, size, "the name of the WAN is too long");
		snprintf(row.wan, sizeof(row.wan), "%s", wan);
		return add_wan_limit(policy, &row, message, size);
	}
	if (source >= policy->limit_sources[limit]) {
		policy->limits[limit] = row.value;
		policy->limit_sources[limit] = source;
	}
	return true;
}

bool policy_set_limit(struct policy *policy, const char *text, enum role_source source,
                      char *message, size_t size)
{
	const char *equals = strrchr(text, '='), *colon = strrchr(text, ':');
	char key[64], wan[EXPECT_WORD];
	size_t n, skip = colon && colon < equals ? (size_t)(colon - text) : 0;

	n = equals ? (size_t)(equals - text) - (skip ? skip + 1 : 0) : 0;
	if (!equals || n >= sizeof(key) || skip >= sizeof(wan))
		return refuse(message, size,
		              "a limit is KEY=VALUE or WAN:KEY=VALUE, for example "
		              "payload_share=1%%");
	memcpy(wan, text, skip);
	wan[skip] = '\0';
	memcpy(key, equals - n, n);
	key[n] = '\0';
	return policy_set_limit_of(policy, skip ? wan : NULL, key, equals + 1, source, message,
	                           size);
}

/* ---- roles ---- */

static enum role role_find(const char *word)
{
	for (enum role i = ROLE_MASTER; i < ROLE_COUNT; i++)
		if (strcmp(role_names[i], word) == 0)
			return i;
	return ROLE_NONE;
}

bool policy_add_role(struct policy *policy, const char *who, enum role_subject subject,
                     const char *word, enum role_source source, char *message, size_t size)
{
	enum role role = role_find(word);
	struct policy_role *rows;
	char *copy;

	if (role == ROLE_NONE) {
		const char *near = text_nearest(word, role_names + 1, ROLE_COUNT - 1);
		char safe[80];

		text_safe(safe, sizeof(safe), word, 40);
		return refuse(message, size, "unknown role \"%s\"%s%s%s", safe,
		              near ? ", did you mean \"" : ": it is master, on, backup or off",
		              near ? near : "", near ? "\"?" : "");
	}
	rows = realloc(policy->roles, (policy->n_roles + 1) * sizeof(*rows));
	if (rows)
		policy->roles = rows;
	copy = strdup(who);
	if (!rows || !copy) {
		free(copy);
		return refuse(message, size, "out of memory");
	}
	rows[policy->n_roles++] = (struct policy_role){
		.who = copy, .subject = subject, .role = role, .source = source};
	return true;
}

/* ---- who is meant ---- */

/* Does a file called `name` in the ledger come from the input `who`: the same path, or a file of
 * that directory? */
static bool file_matches(const char *name, const char *who)
{
	size_t n = strlen(who), length = strlen(name);

	while (n > 1 && who[n - 1] == '/')
		n--;
	if (strncmp(name, who, n) == 0 && (name[n] == '\0' || name[n] == '/'))
		return true;
	/* its last parts are enough */
	if (length > n && name[length - n - 1] == '/' && strncmp(name + length - n, who, n) == 0)
		return true;
	/* a directory's captures are called directory/name, without what led to the directory */
	for (size_t i = n; i > 0; i--)
		if (who[i - 1] == '/')
			return i < n && strncmp(name, who + i, n - i) == 0 && name[n - i] == '/';
	return false;
}

/* A file of several interfaces names only its first WAN; the frames a WAN shows as evidence name
 * the others. */
static bool wan_in_file(const struct ledger *ledger, uint32_t index, const char *who)
{
	const struct ledger_wan *wan = &ledger->wans[index];

	for (size_t i = 0; i < ledger->n_files; i++)
		if (ledger->files[i].wan == index && file_matches(ledger->files[i].name, who))
			return true;
	for (size_t i = 0; i < wan->n_cells; i++) {
		const struct evidence *first = &wan->cells[i].first;

		for (uint32_t k = 0; k < first->count; k++)
			if (first->frames[k].file < ledger->n_files &&
			    file_matches(ledger->files[first->frames[k].file].name, who))
				return true;
	}
	return false;
}

/* FILE#INTERFACE: an interface with a name names its WAN; one with only a number ends the WAN's
 * name (any#3). */
static bool wan_is_interface(const struct ledger *ledger, uint32_t index, const char *who)
{
	const char *hash = strrchr(who, '#'), *name = ledger->wans[index].name;
	const char *number = strrchr(name, '#');
	char file[4096];

	if (!hash || (size_t)(hash - who) >= sizeof(file) ||
	    (strcmp(name, hash + 1) != 0 && (!number || strcmp(number, hash) != 0)))
		return false;
	memcpy(file, who, (size_t)(hash - who));
	file[hash - who] = '\0';
	return wan_in_file(ledger, index, file);
}

struct prefix {
	int family;
	unsigned length;
	unsigned char bytes[16];
};

static bool prefix_parse(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN], *end;
	unsigned long length, most;

	if (!slash || (size_t)(slash - text) >= sizeof(address) ||
	    !isdigit((unsigned char)slash[1]))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	prefix->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	most = prefix->family == AF_INET6 ? 128 : 32;
	length = strtoul(slash + 1, &end, 10);
	prefix->length = (unsigned)length;
	return *end == '\0' && length <= most &&
	       inet_pton(prefix->family, address, prefix->bytes) == 1;
}

static bool prefix_holds(const struct prefix *prefix, const char *address)
{
	unsigned char bytes[16];
	unsigned whole = prefix->length / 8, rest = prefix->length % 8;

	if (inet_pton(prefix->family, address, bytes) != 1 ||
	    memcmp(bytes, prefix->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest)) == 0;
}

static bool wan_has_address(const struct ledger_wan *wan, const char *who)
{
	struct prefix prefix;

	if (!prefix_parse(who, &prefix))
		return false;
	for (unsigned i = 0; i < wan->n_own && i < LEDGER_ADDRS; i++)
		if (prefix_holds(&prefix, wan->own[i].text))
			return true;
	return false;
}

/* A name as it is shown to people. Bytes that are no UTF-8 are '?' in the name of a WAN, and U+FFFD
 * in what was typed or pasted. */
static const char *as_shown(char *out, size_t size, const char *name)
{
	char *at;

	text_safe(out, size, name, (unsigned)size);
	while ((at = strstr(out, "\xef\xbf\xbd"))) {
		*at = '?';
		memmove(at + 1, at + 3, strlen(at + 3) + 1);
	}
	return out;
}

/* One input may hold several WANs: `wan1=any.pcap` makes wan1#2 and wan1#3 of its interfaces. */
static bool wan_is_called(const struct ledger_wan *wan, const char *who)
{
	char name[600], told[600];
	size_t n;

	as_shown(name, sizeof(name), wan->name);
	n = strlen(as_shown(told, sizeof(told), who));
	return strncmp(name, told, n) == 0 && (name[n] == '\0' || name[n] == '#');
}

/* A device its recorder named, or an own hardware address. */
static bool wan_is_known_as(const struct ledger_wan *wan, const char *who)
{
	char mac[18];

	for (unsigned i = 0; i < wan->devices.n; i++)
		if (fnmatch(who, wan->devices.rows[i], 0) == 0)
			return true;
	for (unsigned i = 0; network_mac(mac, who) && i < wan->macs.n; i++)
		if (strcmp(wan->macs.rows[i], mac) == 0)
			return true;
	return false;
}

static bool role_matches(const struct policy_role *row, const struct ledger *ledger, uint32_t wan)
{
	if (row->subject == SUBJECT_FILE)
		return wan_in_file(ledger, wan, row->who);
	if (wan_is_called(&ledger->wans[wan], row->who) || row->subject == SUBJECT_WAN)
		return wan_is_called(&ledger->wans[wan], row->who);
	if (fnmatch(row->who, ledger->wans[wan].name, 0) == 0 ||
	    wan_is_known_as(&ledger->wans[wan], row->who))
		return true;
	return wan_in_file(ledger, wan, row->who) || wan_is_interface(ledger, wan, row->who) ||
	       wan_has_address(&ledger->wans[wan], row->who);
}

static enum policy_answer unknown_subject(const struct policy_role *row,
                                          const struct ledger *ledger, char *message, size_t size)
{
	const char *names[LEDGER_WANS_MAX] = {NULL}, *near;
	char safe[120], safe_near[120], all[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < ledger->n_wans; i++) {
		char name[60];

		names[i] = ledger->wans[i].name;
		text_safe(name, sizeof(name), names[i], 20);
		if (used + strlen(name) + 3 < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
			                         used ? ", " : "", name);
	}
	near = text_nearest(row->who, names, ledger->n_wans);
	text_safe(safe, sizeof(safe), row->who, 60);
	text_safe(safe_near, sizeof(safe_near), near ? near : "", 60);
	refuse(message, size, "role %s=%s: no such WAN%s%s%s; the WANs are %s", safe,
	       role_names[row->role], near ? ", did you mean \"" : "", safe_near, near ? "\"?" : "",
	       used ? all : "none");
	return row->source == FROM_FLAG ? POLICY_UNKNOWN_FLAG : POLICY_UNKNOWN_CONFIG;
}

/* ---- what the WANs' own frames say ---- */

static void assume(struct wan_role *role, enum role what, uint64_t says, uint64_t of,
                   enum message sign)
{
	*role = (struct wan_role){.role = what, .says = says, .of = of, .sign = sign};
}

/* Did the two ends make this WAN a backup? The WAN's own side speaks first, the far side when it is
 * unheard. */
static bool propose_backup(const struct ledger_wan *wan, struct wan_role *role)
{
	const struct ledger_event *e = wan->events;
	uint64_t says = e[EVENT_JOIN_UP_BACKUP].count;
	uint64_t of = says + e[EVENT_JOIN_UP_NORMAL].count;
	uint64_t prio = e[EVENT_PRIO_UP_BACKUP].count;

	if (of == 0) {
		says = e[EVENT_JOIN_DOWN_BACKUP].count;
		of = says + e[EVENT_JOIN_DOWN_NORMAL].count;
	}
	if (says > of - says) {
		assume(role, ROLE_BACKUP, says, of, MESSAGE_sign_joins);
		return true;
	}
	if (of == 0 && prio > e[EVENT_PRIO_UP_NORMAL].count) {
		assume(role, ROLE_BACKUP, prio, prio + e[EVENT_PRIO_UP_NORMAL].count,
		       MESSAGE_sign_prio);
		return true;
	}
	return false;
}

static void propose_primary(const struct ledger_wan *wan, bool most_opened, struct wan_role *role)
{
	const struct ledger_event *e = wan->events;
	uint64_t opened = e[EVENT_CAPABLE_SYN].count;
	uint64_t joins = e[EVENT_JOIN_UP_BACKUP].count + e[EVENT_JOIN_UP_NORMAL].count;

	if (opened > 0)
		assume(role, most_opened ? ROLE_MASTER : ROLE_ON, opened, opened,
		       MESSAGE_sign_connections);
	else if (joins > 0)
		assume(role, ROLE_ON, e[EVENT_JOIN_UP_NORMAL].count, joins, MESSAGE_sign_joins);
	else
		assume(role, ROLE_NONE, 0, 0, MESSAGE_sign_joins);
}

/* Only one WAN may be master: the one that opened most, and none when the operator named one. */
static size_t find_opener(const struct ledger *ledger, const struct wan_role *roles,
                          const bool *named)
{
	size_t best = ledger->n_wans;

	for (size_t i = 0; i < ledger->n_wans; i++) {
		uint64_t opened = ledger->wans[i].events[EVENT_CAPABLE_SYN].count;

		if (named[i] && roles[i].role == ROLE_MASTER)
			return ledger->n_wans;
		if (named[i] || roles[i].role == ROLE_BACKUP || opened == 0)
			continue;
		if (best == ledger->n_wans ||
		    opened > ledger->wans[best].events[EVENT_CAPABLE_SYN].count)
			best = i;
	}
	return best;
}

static void propose(const struct ledger *ledger, struct wan_role *roles, const bool *named)
{
	bool backup = false;
	size_t opener;

	for (size_t i = 0; i < ledger->n_wans; i++) {
		if (!named[i])
			propose_backup(&ledger->wans[i], &roles[i]);
		backup = backup || roles[i].role == ROLE_BACKUP;
	}
	opener = find_opener(ledger, roles, named);
	for (size_t i = 0; i < ledger->n_wans; i++) {
		if (named[i] || roles[i].role == ROLE_BACKUP)
			continue;
		propose_primary(&ledger->wans[i], i == opener, &roles[i]);
		/* beside a backup, what is not one is a primary */
		if (roles[i].role == ROLE_NONE && backup)
			assume(&roles[i], ROLE_ON, 0, 0, MESSAGE_sign_joins);
	}
}

bool policy_add_only(struct policy *policy, const char *name)
{
	char **grown = realloc(policy->only, (policy->n_only + 1) * sizeof(*grown));

	if (!grown)
		return false;
	policy->only = grown;
	grown[policy->n_only] = strdup(name);
	return grown[policy->n_only] && ++policy->n_only;
}

static bool is_other(const struct policy *policy, const struct ledger_wan *wan,
                     struct wan_role *role)
{
	for (size_t i = 0; i < policy->n_only; i++)
		if (strcmp(policy->only[i], wan->name) == 0)
			return false;
	if (policy->n_only)
		*role = (struct wan_role){.role = ROLE_OFF, .source = FROM_FLAG};
	return policy->n_only > 0;
}

/* Recordings of two minds say nothing. */
static bool said_by_recorder(const struct ledger_wan *wan, struct wan_role *role)
{
	enum role said = wan->record && wan->record->n_roles == 1 ? role_find(wan->record->roles[0])
	                                                          : ROLE_NONE;

	if (said != ROLE_NONE)
		*role = (struct wan_role){
			.role = said, .source = FROM_CAPTURE, .from = "recording"};
	return said != ROLE_NONE;
}

static void named_by(struct wan_role *role, const struct policy_role *row)
{
	*role = (struct wan_role){.role = row->role, .source = row->source};
	snprintf(role->from, sizeof(role->from), "%s %.100s",
	         row->source != FROM_FLAG      ? "[roles]"
	         : row->subject == SUBJECT_ANY ? "--role"
	                                       : "option of",
	         row->who);
}

/* What UCI or a section of the configuration says of the WAN; a role that was given to it goes
 * before one of the same source. */
static bool said_by_expected(const struct policy *policy, const struct ledger_wan *wan, bool named,
                             struct wan_role *role)
{
	const char *sign;
	const struct expect_wan *expected = policy_expected(policy, wan, &sign);

	if (!expected || expected->role == ROLE_NONE ||
	    (named && expected->role_told.source <= role->source))
		return named;
	*role = (struct wan_role){.role = expected->role, .source = expected->role_told.source};
	memcpy(role->from, expected->role_told.from, sizeof(role->from));
	return true;
}

enum policy_answer policy_resolve(const struct policy *policy, const struct ledger *ledger,
                                  struct wan_role roles[LEDGER_WANS_MAX], char *message,
                                  size_t size)
{
	bool named[LEDGER_WANS_MAX] = {false};

	memset(roles, 0, sizeof(*roles) * LEDGER_WANS_MAX);
	for (size_t i = 0; i < policy->n_roles; i++) {
		const struct policy_role *row = &policy->roles[i];
		bool found = false;

		for (uint32_t wan = 0; wan < ledger->n_wans; wan++) {
			if (!role_matches(row, ledger, wan))
				continue;
			found = true;
			if (named[wan] && row->source < roles[wan].source)
				continue;
			named_by(&roles[wan], row);
			named[wan] = true;
		}
		if (!found)
			return unknown_subject(row, ledger, message, size);
	}
	for (size_t i = 0; i < ledger->n_wans; i++)
		named[i] = said_by_expected(policy, &ledger->wans[i], named[i], &roles[i]);
	for (size_t i = 0; i < ledger->n_wans; i++)
		named[i] = named[i] || is_other(policy, &ledger->wans[i], &roles[i]) ||
		           said_by_recorder(&ledger->wans[i], &roles[i]);
	propose(ledger, roles, named);
	return POLICY_FINE;
}
