/* SPDX-License-Identifier: MIT
 *
 * settings_value.c - one value, or one interface: what it means, or why not. See settings_inside.h.
 */
#include "settings_inside.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "amount.h"
#include "filter.h"
#include "names.h"
#include "sandbox.h"

#define KEEP_LEAST 64 /* less shows no TCP header */
#define KEEP_MOST  262144

const char *const settings_roles[SETTINGS_ROLES] = {"master", "on", "backup", "off"};

/* The first problem is the one told. */
/* The key as it stands there: --rotate-time, and rotate_time in a file. */
static int put_key(const struct reading *r, char *out, size_t size)
{
	int n = snprintf(out, size, "%s%s: ", r->file ? "" : "--", r->key);

	for (char *c = out; r->file && *c && *c != ':'; c++)
		if (*c == '-')
			*c = '_';
	return n;
}

bool reading_refuse(struct reading *r, const char *format, ...)
{
	va_list args;
	int n = 0;

	if (r->message[0])
		return false;
	if (r->file && r->line)
		n = snprintf(r->message, r->size, "%s:%u: ", r->file, r->line);
	else if (r->file)
		n = snprintf(r->message, r->size, "%s: ", r->file);
	if (r->key && n >= 0 && (size_t)n < r->size)
		n += put_key(r, r->message + n, r->size - (size_t)n);
	if (n < 0 || (size_t)n >= r->size)
		return false;
	va_start(args, format);
	vsnprintf(r->message + n, r->size - (size_t)n, format, args);
	va_end(args);
	names_clean(r->message);
	return false;
}

struct shown reading_show(const char *value)
{
	struct shown shown;

	snprintf(shown.text, sizeof(shown.text), "%.40s%s", value, strlen(value) > 40 ? "..." : "");
	return shown;
}

/* ---- did you mean ---- */

/* Letters to insert, delete, replace or swap with the next, to make `b` of `a`; both short. */
static unsigned edits(const char *a, const char *b)
{
	enum { MOST = 32 };
	unsigned d[MOST + 1][MOST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > MOST || m > MOST)
		return MOST;
	for (size_t i = 0; i <= n; i++)
		for (size_t k = 0; k <= m; k++) {
			unsigned same, best;

			if (i == 0 || k == 0) {
				d[i][k] = (unsigned)(i + k);
				continue;
			}
			same = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			best = 1 + (d[i - 1][k] < d[i][k - 1] ? d[i - 1][k] : d[i][k - 1]);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    d[i - 2][k - 2] + 1 < best)
				best = d[i - 2][k - 2] + 1;
			d[i][k] = same < best ? same : best;
		}
	return d[n][m];
}

void nearest_consider(struct nearest *nearest, const char *said, const char *word)
{
	unsigned distance = edits(said, word);

	if (distance * 2 <= strlen(word) && (!nearest->word || distance < nearest->distance))
		*nearest = (struct nearest){word, distance};
}

static const char *nearest_role(const char *said)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < SETTINGS_ROLES; i++)
		nearest_consider(&nearest, said, settings_roles[i]);
	return nearest.word;
}

const char *nearest_option(const char *said, bool in_file)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (!in_file || !settings_rows[i].flag_only)
			nearest_consider(&nearest, said, settings_rows[i].name);
	return nearest.word;
}

/* ---- one value ---- */

static bool set_amount(struct reading *r, const struct option_row *row, const char *text)
{
	enum amount_unit unit = (enum amount_unit)row->unit;
	char least[24], most[24];
	uint64_t value;

	if (!amount_parse(unit, text, &value))
		return reading_refuse(r, "\"%s\" is not %s", reading_show(text).text,
		                      amount_forms[unit]);
	if (value < row->min || value > row->max) {
		amount_format(unit, row->min, least, sizeof(least));
		amount_format(unit, row->max, most, sizeof(most));
		return reading_refuse(r, "\"%s\" is out of range: %s to %s",
		                      reading_show(text).text, least, most);
	}
	settings_store(row, r->settings, value);
	return true;
}

static bool parse_keep(struct reading *r, const char *text, uint32_t *keep)
{
	uint64_t value = 0;

	if (strcmp(text, "headers") == 0) {
		*keep = KEEP_HEADERS;
		return true;
	}
	if (!amount_parse(AMOUNT_NUMBER, text, &value) || value > KEEP_MOST ||
	    (value > 0 && value < KEEP_LEAST))
		return reading_refuse(
			r,
			"\"%s\" is no length to keep: write headers, 0 for all, or %d to %d "
			"bytes",
			reading_show(text).text, KEEP_LEAST, KEEP_MOST);
	*keep = (uint32_t)value;
	return true;
}

static bool set_keep(struct reading *r, const struct option_row *row, const char *text)
{
	uint32_t keep;

	if (!parse_keep(r, text, &keep))
		return false;
	settings_store(row, r->settings, keep);
	return true;
}

/* Which of "a|b|c" it is; -1 none. */
static int word_index(const char *words, const char *text)
{
	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (strlen(text) == n && strncmp(words, text, n) == 0)
			return i;
		if (words[n] == '\0')
			return -1;
		words += n + 1;
	}
}

static bool set_word(struct reading *r, const struct option_row *row, const char *text)
{
	int index = word_index(row->words, text);

	if (index < 0)
		return reading_refuse(r, "\"%s\" is none of %s", reading_show(text).text,
		                      row->words);
	settings_store(row, r->settings, (uint64_t)index);
	return true;
}

static bool copy_text(struct reading *r, char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		return reading_refuse(r, "%zu bytes are too long: at most %zu", n, size - 1);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return reading_refuse(r, "holds a control character (byte %zu)", i + 1);
	memcpy(to, text, n + 1);
	return true;
}

static bool set_text(struct reading *r, const struct option_row *row, const char *text)
{
	if (strlen(text) < row->min)
		return reading_refuse(r, "is empty: write %s", row->words);
	return copy_text(r, (char *)r->settings + row->offset, row->max, text);
}

/* Devices differ in their link type, and each may refuse what the others know; what none knows is
 * wrong. Said now, not when the device appears next week. */
static bool check_filter(struct reading *r, const char *text)
{
	static const uint16_t links[] = {LINK_RAW, LINK_SLL, LINK_PPP, LINK_ETHERNET};
	char why[200] = "";
	struct filter *filter;

	if (text[0] == '\0')
		return true;
	filter = filter_new(text);
	if (!filter)
		return reading_refuse(r, "out of memory");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (filter_prepare(filter, links[i], why, sizeof(why))) {
			filter_free(filter);
			return true;
		}
	filter_free(filter);
	return reading_refuse(r, "\"%s\" is no filter: %s", reading_show(text).text, why);
}

/* In a file it may go on: reading_end_filter() looks at it when it has ended. */
static bool take_filter(struct reading *r, char *filter, const char *text)
{
	if (!copy_text(r, filter, LIVE_FILTER, text))
		return false;
	if (!r->file)
		return check_filter(r, filter);
	r->filter = filter;
	r->filter_line = r->line;
	return true;
}

bool reading_end_filter(struct reading *r)
{
	const char *filter = r->filter;

	if (!filter)
		return true;
	r->filter = NULL;
	r->key = "filter";
	r->line = r->filter_line;
	return check_filter(r, filter);
}

bool reading_more_filter(struct reading *r, const char *more)
{
	size_t used = strlen(r->filter), n = strlen(more);

	if (used + 1 + n >= LIVE_FILTER)
		return reading_refuse(r, "is too long: at most %d bytes", LIVE_FILTER - 1);
	r->filter[used] = ' ';
	return copy_text(r, r->filter + used + 1, LIVE_FILTER - used - 1, more);
}

static bool set_filter(struct reading *r, const struct option_row *row, const char *text)
{
	return take_filter(r, (char *)r->settings + row->offset, text);
}

static bool set_request(struct reading *r, const struct option_row *row, const char *text)
{
	if (word_index(row->words, text) < 0)
		return reading_refuse(r, "\"%s\" is none of %s", reading_show(text).text,
		                      row->words);
	return set_text(r, row, text);
}

static bool set_user(struct reading *r, const struct option_row *row, const char *text)
{
	unsigned uid, gid;

	if (!set_text(r, row, text))
		return false;
	if (!sandbox_user(text, &uid, &gid))
		return reading_refuse(
			r,
			"there is no user \"%s\" here: write one of /etc/passwd, or leave "
			"it out",
			reading_show(text).text);
	if (uid == 0)
		return reading_refuse(r, "\"%s\" may do everything: name a user without privileges",
		                      reading_show(text).text);
	return true;
}

static bool set_switch(struct reading *r, const struct option_row *row, const char *text)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) {
			settings_store(row, r->settings, i % 2);
			return true;
		}
	return reading_refuse(r, "\"%s\" is neither yes nor no", reading_show(text).text);
}

static bool set_interface(struct reading *r, const struct option_row *row, const char *text);

static bool set_nothing(struct reading *r, const struct option_row *row, const char *text)
{
	(void)r;
	(void)row;
	(void)text;
	return true;
}

static bool (*const setters[])(struct reading *, const struct option_row *, const char *) = {
	[UNIT_NUMBER] = set_amount,   [UNIT_BYTES] = set_amount,        [UNIT_TIME] = set_amount,
	[UNIT_KEEP] = set_keep,       [UNIT_WORD] = set_word,           [UNIT_TEXT] = set_text,
	[UNIT_FILTER] = set_filter,   [UNIT_USER] = set_user,           [UNIT_SWITCH] = set_switch,
	[UNIT_REQUEST] = set_request, [UNIT_INTERFACE] = set_interface, [UNIT_CONFIG] = set_nothing,
};

bool reading_set(struct reading *r, const struct option_row *row, const char *text)
{
	r->key = row->name;
	if (!setters[row->unit](r, row, text))
		return false;
	r->said[row - settings_rows] = true;
	return true;
}

/* ---- interfaces ---- */

bool settings_is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static bool check_pattern(struct reading *r, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n == 0)
		return reading_refuse(
			r, "names no device: write -i eth1=master, or [interface eth1] in a "
			   "file");
	if (strcmp(pattern, "any") == 0)
		return reading_refuse(
			r, "\"any\" would record each packet on every device it passes: name "
			   "each WAN, such as -i eth1 -i 'wwan*'");
	if (strcspn(pattern, "/ \t") < n || strcmp(pattern, ".") == 0 || strcmp(pattern, "..") == 0)
		return reading_refuse(r,
		                      "\"%s\" can be no device: names have no space and no slash",
		                      reading_show(pattern).text);
	if (!settings_is_glob(pattern) && n >= IFNAMSIZ)
		return reading_refuse(r, "\"%s\" can be no device: names have at most %d bytes",
		                      reading_show(pattern).text, IFNAMSIZ - 1);
	if (strchr(pattern, '[') && !strchr(strchr(pattern, '['), ']'))
		return reading_refuse(r, "\"%s\" has a [ without its ]",
		                      reading_show(pattern).text);
	return true;
}

/* A new row, or where to put what does not count. */
struct settings_interface *reading_add_interface(struct reading *r, const char *pattern)
{
	struct settings *settings = r->settings;
	struct settings_interface *interface = &r->spare;
	bool counts = !(r->file && r->own_interfaces);

	memset(&r->spare, 0, sizeof(r->spare));
	if (!check_pattern(r, pattern) ||
	    !copy_text(r, r->spare.pattern, sizeof(r->spare.pattern), pattern))
		return NULL;
	for (size_t i = 0; counts && i < settings->n_interfaces; i++)
		if (strcmp(settings->interfaces[i].pattern, pattern) == 0) {
			reading_refuse(r, "\"%s\" is there twice: leave one of them out",
			               reading_show(pattern).text);
			return NULL;
		}
	if (counts && settings->n_interfaces == SETTINGS_INTERFACES) {
		reading_refuse(r, "more than %d patterns: a glob such as eth* stands for many",
		               SETTINGS_INTERFACES);
		return NULL;
	}
	if (counts) {
		interface = &settings->interfaces[settings->n_interfaces++];
		*interface = r->spare;
	}
	return interface;
}

static bool set_role(struct reading *r, struct settings_interface *interface, const char *role)
{
	const char *near = nearest_role(role);

	for (size_t i = 0; i < SETTINGS_ROLES; i++)
		if (strcmp(role, settings_roles[i]) == 0)
			return copy_text(r, interface->role, sizeof(interface->role), role);
	return reading_refuse(r, "\"%s\" is no role%s%s%s", reading_show(role).text,
	                      near ? ", did you mean \"" : ": it is master, on, backup or off",
	                      near ? near : "", near ? "\"?" : "");
}

/* It becomes part of file names. */
static bool set_wan(struct reading *r, struct settings_interface *interface, const char *wan)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-";

	if (settings_is_glob(interface->pattern))
		return reading_refuse(
			r,
			"one WAN's name for all that \"%s\" matches would mix them: leave "
			"wan out, or write the device's full name",
			interface->pattern);
	if (wan[0] == '\0' || wan[strspn(wan, plain)] || wan[0] == '.' || wan[0] == '-')
		return reading_refuse(r,
		                      "\"%s\" can name no files: write letters, digits and . _ - "
		                      "(not . or - first)",
		                      reading_show(wan).text);
	return copy_text(r, interface->wan, sizeof(interface->wan), wan);
}

static bool set_own_keep(struct reading *r, struct settings_interface *interface, const char *text)
{
	interface->own_keep = true;
	return parse_keep(r, text, &interface->keep);
}

static bool set_own_filter(struct reading *r, struct settings_interface *interface,
                           const char *text)
{
	return take_filter(r, interface->filter, text);
}

/* The keys of a section [interface PATTERN], and of -i after a comma. */
static const struct {
	const char *name;
	bool (*set)(struct reading *, struct settings_interface *, const char *);
} interface_keys[] = {
	{"role", set_role},
	{"wan", set_wan},
	{"snaplen", set_own_keep},
	{"filter", set_own_filter},
};
#define N_INTERFACE_KEYS (sizeof(interface_keys) / sizeof(interface_keys[0]))

bool settings_is_interface_key(const char *key)
{
	for (size_t i = 0; i < N_INTERFACE_KEYS; i++)
		if (strcmp(interface_keys[i].name, key) == 0)
			return true;
	return false;
}

bool reading_set_key(struct reading *r, struct settings_interface *interface, const char *key,
                     const char *value)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < N_INTERFACE_KEYS; i++) {
		if (strcmp(interface_keys[i].name, key) != 0) {
			nearest_consider(&nearest, key, interface_keys[i].name);
			continue;
		}
		if (r->keys & 1u << i)
			return reading_refuse(r, "is said twice");
		r->keys |= 1u << i;
		return interface_keys[i].set(r, interface, value);
	}
	return reading_refuse(r, "unknown key%s%s%s",
	                      nearest.word ? ", did you mean \"" : ": there are ",
	                      nearest.word ? nearest.word : "role, wan, snaplen and filter",
	                      nearest.word ? "\"?" : "");
}

/* PATTERN[=ROLE][,KEY=VALUE...]; the value of filter goes on to the end. Cuts `text`. */
static bool read_interface(struct reading *r, char *text)
{
	char *next = strchr(text, ','), *equals, *key;
	struct settings_interface *interface;

	if (next)
		*next++ = '\0';
	equals = strchr(text, '=');
	if (equals)
		*equals++ = '\0';
	interface = reading_add_interface(r, text);
	r->keys = equals ? 1 : 0;
	if (!interface || (equals && !set_role(r, interface, equals)))
		return false;
	while (next) {
		key = next;
		equals = strchr(key, '=');
		if (!equals || equals > key + strcspn(key, ","))
			return reading_refuse(
				r, "\"%s\" is no KEY=VALUE: there are wan, snaplen and filter",
				reading_show(key).text);
		*equals++ = '\0';
		next = strcmp(key, "filter") == 0 ? NULL : strchr(equals, ',');
		if (next)
			*next++ = '\0';
		if (!reading_set_key(r, interface, key, equals))
			return false;
	}
	return true;
}

static bool set_interface(struct reading *r, const struct option_row *row, const char *text)
{
	char *copy = strdup(text);
	bool good;

	(void)row;
	if (!copy)
		return reading_refuse(r, "out of memory");
	r->continued = false;
	good = read_interface(r, copy);
	free(copy);
	return good;
}
