/* SPDX-License-Identifier: MIT
 *
 * settings.c - see settings.h.
 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "filter.h"
#include "names.h"
#include "sandbox.h"

#define FILE_MAX   65536 /* bytes of a configuration file */
#define KEEP_LEAST 64    /* less shows no TCP header */
#define KEEP_MOST  262144
#define RING_LEAST 65536
#define RING_MOST  (1u << 30)
#define RING_STEP  131072
#define MiB        (1ull << 20)
#define SECOND     1000000000ull
#define MS         1000000ull
#define DAY        (86400 * SECOND)

const char *const settings_roles[SETTINGS_ROLES] = {"master", "on", "backup", "off"};

/* ---- the table ---- */

enum unit {
	UNIT_NUMBER, /* the first three are those of amount.h */
	UNIT_BYTES,
	UNIT_TIME,
	UNIT_KEEP, /* "headers" or bytes */
	UNIT_WORD, /* one of `words`, stored as its index */
	UNIT_TEXT,
	UNIT_FILTER,
	UNIT_USER,
	UNIT_REQUEST,
	UNIT_SWITCH,
	UNIT_INTERFACE, /* no one member: read before all others */
	UNIT_CONFIG,
};

struct option_row {
	const char *name; /* the flag; in a file with _ for - */
	char letter;      /* 0: none */
	bool flag_only;   /* means nothing in a file */
	enum unit unit;
	uint8_t width;     /* bytes of its member, for numbers */
	size_t offset;     /* of its member in struct settings */
	uint64_t min, max; /* of the value; of a text its room */
	const char *fallback;
	const char *words; /* "a|b|c", for UNIT_WORD; else what --help shows for the value */
	const char *meaning;
};

#define AT(member)                                                                                 \
	.offset = offsetof(struct settings, member), .width = sizeof(((struct settings *)0)->member)
#define TEXT(member)                                                                               \
	.offset = offsetof(struct settings, member), .max = sizeof(((struct settings *)0)->member)
#define ROLE(index)                                                                                \
	.unit = UNIT_KEEP,                                                                         \
	.offset = offsetof(struct settings, keep_role) + (index) * sizeof(uint32_t),               \
	.width = sizeof(uint32_t), .words = "N|headers"

/* clang-format off */
static const struct option_row rows[] = {
	{"interface", 'i', .flag_only = true, .unit = UNIT_INTERFACE, .words = "PATTERN[=ROLE][,KEY=VALUE...]",
	 .meaning = "record the devices of this name or glob, present or not; ROLE: master, on, backup, off; "
		    "KEY: wan (its name in files), snaplen, filter (last: takes the rest); may be repeated"},
	{"config", 'c', .flag_only = true, .unit = UNIT_CONFIG, .words = "FILE",
	 .meaning = "read this file (" SETTINGS_FILE " when no -i is given)"},
	{"directory", 'd', .unit = UNIT_TEXT, .min = 1, TEXT(directory), .words = "SPOOL",
	 .meaning = "write a series of files per WAN into this directory"},
	{"write", 'w', .unit = UNIT_TEXT, .min = 1, TEXT(output), .words = "FILE|-",
	 .meaning = "write one stream of all devices into this file or to standard output instead"},
	{"filter", 'f', .unit = UNIT_FILTER, TEXT(filter), .words = "EXPR",
	 .meaning = "record only what matches this libpcap filter"},
	{"snaplen", 's', .unit = UNIT_KEEP, AT(keep), .fallback = "headers", .words = "N|headers",
	 .meaning = "bytes kept of each frame; headers: no TCP payload; 0: all"},
	{"snaplen-master", ROLE(0), .meaning = "the same for devices of this role"},
	{"snaplen-on", ROLE(1), .meaning = "the same for devices of this role"},
	{"snaplen-backup", ROLE(2), .meaning = "the same for devices of this role"},
	{"snaplen-off", ROLE(3), .meaning = "the same for devices of this role"},
	{"rotate-size", .unit = UNIT_BYTES, AT(rotate_bytes), .min = 65536, .max = 1ull << 40, .fallback = "16M",
	 .words = "SIZE", .meaning = "begin a new file at this size (at most a quarter of --max-bytes unless told)"},
	{"rotate-time", .unit = UNIT_TIME, AT(rotate_ns), .min = SECOND, .max = 366 * DAY, .fallback = "5m",
	 .words = "TIME", .meaning = "begin a new file after this time, traffic or not"},
	{"max-bytes", .unit = UNIT_BYTES, AT(max_bytes), .max = 1ull << 50, .words = "SIZE",
	 .meaning = "delete the oldest files above this sum; 0: never (default: 64M or a tenth of memory)"},
	{"max-files", .unit = UNIT_NUMBER, AT(max_files), .max = 100000000, .fallback = "0", .words = "N",
	 .meaning = "delete the oldest files above this number; 0: never"},
	{"max-age", .unit = UNIT_TIME, AT(max_age_ns), .max = 36600 * DAY, .fallback = "0", .words = "TIME",
	 .meaning = "delete files older than this; 0: never"},
	{"keep-free", .unit = UNIT_BYTES, AT(keep_free), .max = 1ull << 50, .fallback = "0", .words = "SIZE",
	 .meaning = "leave this much of the file system free"},
	{"flush", .unit = UNIT_TIME, AT(flush_ns), .min = 10 * MS, .max = 3600 * SECOND, .fallback = "1s",
	 .words = "TIME", .meaning = "hand frames over to the system at least so often: what a kill can cost"},
	{"statistics", .unit = UNIT_TIME, AT(statistics_ns), .min = SECOND, .max = DAY, .fallback = "1m",
	 .words = "TIME", .meaning = "write drops and interface counters into the files so often"},
	{"buffer", .unit = UNIT_BYTES, AT(ring_bytes), .min = RING_LEAST, .max = RING_MOST, .words = "SIZE",
	 .meaning = "ring of each device in the kernel (default: --peak-pps x --stall x frame)"},
	{"peak-pps", .unit = UNIT_NUMBER, AT(peak_pps), .min = 1, .max = 100000000, .fallback = "20000", .words = "N",
	 .meaning = "frames per second that a device may bring"},
	{"stall", .unit = UNIT_TIME, AT(stall_ns), .min = MS, .max = 3600 * SECOND, .fallback = "500ms", .words = "TIME",
	 .meaning = "for how long the ring must hold them while nobody reads"},
	{"zstd", .unit = UNIT_NUMBER, AT(zstd_level), .max = 19, .fallback = "0", .words = "LEVEL",
	 .meaning = "compress the files, 1 (fast) to 19; 0: not"},
	{"user", .unit = UNIT_USER, .min = 1, TEXT(user), .words = "NAME",
	 .meaning = "become this user (default, for root: mptcp-captured if there is one, else nobody)"},
	{"control", .unit = UNIT_TEXT, TEXT(control), .words = "PATH",
	 .meaning = "unix socket to ask the recorder at (default: SPOOL/control; empty: none)"},
	{"backend", .unit = UNIT_WORD, AT(backend), .fallback = "auto", .words = "ring|pcap|auto",
	 .meaning = "read through a mapped ring, through libpcap, or the better of what works"},
	{"count", .unit = UNIT_NUMBER, AT(count), .max = UINT64_MAX, .fallback = "0", .words = "N",
	 .meaning = "stop after so many frames; 0: never"},
	{"duration", .unit = UNIT_TIME, AT(duration_ns), .max = 36600 * DAY, .fallback = "0", .words = "TIME",
	 .meaning = "stop after this time; 0: never"},
	{"check", .flag_only = true, .unit = UNIT_SWITCH, AT(check),
	 .meaning = "print what is in force, and end"},
	{"request", .flag_only = true, .unit = UNIT_REQUEST, .min = 1, TEXT(request), .words = "status|rotate|flush|stop|metrics",
	 .meaning = "ask the recorder that runs (-d or --control says where), print its answer, and end"},
	{"quiet", 'q', .unit = UNIT_SWITCH, AT(quiet), .meaning = "say only what went wrong"},
	{"verbose", 'v', .unit = UNIT_SWITCH, AT(verbose), .meaning = "say more"},
	{"help", 'h', .flag_only = true, .unit = UNIT_SWITCH, AT(help), .meaning = "print this, and end"},
	{"version", 'V', .flag_only = true, .unit = UNIT_SWITCH, AT(version), .meaning = "print the version, and end"},
};
/* clang-format on */
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* A member is looked up by where it lies: each has one row. */
static const struct option_row *row_at(size_t offset)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].offset == offset && rows[i].unit < UNIT_INTERFACE)
			return &rows[i];
	return NULL;
}
#define ROW(member) row_at(offsetof(struct settings, member))

/* ---- reading: where we are, and what was said ---- */

struct reading {
	struct settings *settings;
	const char *flags[N_ROWS]; /* the value of each flag that was given */
	const char *config;
	bool said[N_ROWS];   /* by the file, then by flags, too */
	bool own_interfaces; /* -i was given: sections of the file do not count */

	/* where a value comes from, for messages */
	const char *file; /* NULL: a flag */
	const char *key;
	unsigned line;

	/* the file */
	const char *at, *end;
	struct settings_interface *interface; /* of the section; NULL in [captured] */
	struct settings_interface spare;      /* takes what does not count */
	bool in_section;
	bool continued;       /* this line goes on with the filter above */
	unsigned keys;        /* bits: keys of this section that were said */
	char *filter;         /* that may go on in the next line, not yet checked; or NULL */
	unsigned filter_line; /* where it began */

	char *message;
	size_t size;
};

/* The first problem is the one told. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *r, const char *format, ...)
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
		n += snprintf(r->message + n, r->size - (size_t)n, "%s%s: ", r->file ? "" : "--",
		              r->key);
	if (n < 0 || (size_t)n >= r->size)
		return false;
	va_start(args, format);
	vsnprintf(r->message + n, r->size - (size_t)n, format, args);
	va_end(args);
	names_clean(r->message);
	return false;
}

/* As much of a value as a message should hold. */
struct shown {
	char text[48];
};
static struct shown show(const char *value)
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

/* Remembers the nearest word so far. Words that share less than half are not near. */
struct nearest {
	const char *word;
	unsigned distance;
};
static void consider(struct nearest *nearest, const char *said, const char *word)
{
	unsigned distance = edits(said, word);

	if (distance * 2 <= strlen(word) && (!nearest->word || distance < nearest->distance))
		*nearest = (struct nearest){word, distance};
}

static const char *nearest_role(const char *said)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < SETTINGS_ROLES; i++)
		consider(&nearest, said, settings_roles[i]);
	return nearest.word;
}

static const char *nearest_option(const char *said, bool in_file)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < N_ROWS; i++)
		if (!in_file || !rows[i].flag_only)
			consider(&nearest, said, rows[i].name);
	return nearest.word;
}

/* ---- one value ---- */

static void store(const struct option_row *row, struct settings *settings, uint64_t value)
{
	char *member = (char *)settings + row->offset;

	if (row->width == sizeof(uint64_t))
		memcpy(member, &value, sizeof(value));
	else if (row->width == sizeof(uint32_t))
		memcpy(member, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
	else
		memcpy(member, &(uint8_t){(uint8_t)value}, sizeof(uint8_t));
}

static uint64_t load(const struct option_row *row, const struct settings *settings)
{
	const char *member = (const char *)settings + row->offset;
	uint64_t wide;
	uint32_t word;

	if (row->width == sizeof(wide)) {
		memcpy(&wide, member, sizeof(wide));
		return wide;
	}
	if (row->width == sizeof(word)) {
		memcpy(&word, member, sizeof(word));
		return word;
	}
	return *(const uint8_t *)member;
}

static bool set_amount(struct reading *r, const struct option_row *row, const char *text)
{
	enum amount_unit unit = (enum amount_unit)row->unit;
	char least[24], most[24];
	uint64_t value;

	if (!amount_parse(unit, text, &value))
		return refuse(r, "\"%s\" is not %s", show(text).text, amount_forms[unit]);
	if (value < row->min || value > row->max) {
		amount_format(unit, row->min, least, sizeof(least));
		amount_format(unit, row->max, most, sizeof(most));
		return refuse(r, "\"%s\" is out of range: %s to %s", show(text).text, least, most);
	}
	store(row, r->settings, value);
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
		return refuse(r,
		              "\"%s\" is no length to keep: write headers, 0 for all, or %d to %d "
		              "bytes",
		              show(text).text, KEEP_LEAST, KEEP_MOST);
	*keep = (uint32_t)value;
	return true;
}

static bool set_keep(struct reading *r, const struct option_row *row, const char *text)
{
	uint32_t keep;

	if (!parse_keep(r, text, &keep))
		return false;
	store(row, r->settings, keep);
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
		return refuse(r, "\"%s\" is none of %s", show(text).text, row->words);
	store(row, r->settings, (uint64_t)index);
	return true;
}

static bool copy_text(struct reading *r, char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		return refuse(r, "%zu bytes are too long: at most %zu", n, size - 1);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return refuse(r, "holds a control character (byte %zu)", i + 1);
	memcpy(to, text, n + 1);
	return true;
}

static bool set_text(struct reading *r, const struct option_row *row, const char *text)
{
	if (strlen(text) < row->min)
		return refuse(r, "is empty: write %s", row->words);
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
		return refuse(r, "out of memory");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (filter_prepare(filter, links[i], why, sizeof(why))) {
			filter_free(filter);
			return true;
		}
	filter_free(filter);
	return refuse(r, "\"%s\" is no filter: %s", show(text).text, why);
}

/* In a file it may go on: check_pending() looks at it when it has ended. */
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

static bool check_pending(struct reading *r)
{
	const char *filter = r->filter;

	if (!filter)
		return true;
	r->filter = NULL;
	r->key = "filter";
	r->line = r->filter_line;
	return check_filter(r, filter);
}

static bool set_filter(struct reading *r, const struct option_row *row, const char *text)
{
	return take_filter(r, (char *)r->settings + row->offset, text);
}

static bool set_request(struct reading *r, const struct option_row *row, const char *text)
{
	if (word_index(row->words, text) < 0)
		return refuse(r, "\"%s\" is none of %s", show(text).text, row->words);
	return set_text(r, row, text);
}

static bool set_user(struct reading *r, const struct option_row *row, const char *text)
{
	unsigned uid, gid;

	if (!set_text(r, row, text))
		return false;
	if (!sandbox_user(text, &uid, &gid))
		return refuse(r,
		              "there is no user \"%s\" here: write one of /etc/passwd, or leave "
		              "it out",
		              show(text).text);
	if (uid == 0)
		return refuse(r, "\"%s\" may do everything: name a user without privileges",
		              show(text).text);
	return true;
}

static bool set_switch(struct reading *r, const struct option_row *row, const char *text)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0) {
			store(row, r->settings, i % 2);
			return true;
		}
	return refuse(r, "\"%s\" is neither yes nor no", show(text).text);
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

static bool set(struct reading *r, const struct option_row *row, const char *text)
{
	r->key = row->name;
	if (!setters[row->unit](r, row, text))
		return false;
	r->said[row - rows] = true;
	return true;
}

/* ---- interfaces ---- */

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static bool check_pattern(struct reading *r, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n == 0)
		return refuse(r, "names no device: write -i eth1=master, or [interface eth1] in a "
		                 "file");
	if (strcmp(pattern, "any") == 0)
		return refuse(r, "\"any\" would record each packet on every device it passes: name "
		                 "each WAN, such as -i eth1 -i 'wwan*'");
	if (strcspn(pattern, "/ \t") < n || strcmp(pattern, ".") == 0 || strcmp(pattern, "..") == 0)
		return refuse(r, "\"%s\" can be no device: names have no space and no slash",
		              show(pattern).text);
	if (!is_glob(pattern) && n >= IFNAMSIZ)
		return refuse(r, "\"%s\" can be no device: names have at most %d bytes",
		              show(pattern).text, IFNAMSIZ - 1);
	if (strchr(pattern, '[') && !strchr(strchr(pattern, '['), ']'))
		return refuse(r, "\"%s\" has a [ without its ]", show(pattern).text);
	return true;
}

/* A new row, or where to put what does not count. */
static struct settings_interface *add_interface(struct reading *r, const char *pattern)
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
			refuse(r, "\"%s\" is there twice: leave one of them out",
			       show(pattern).text);
			return NULL;
		}
	if (counts && settings->n_interfaces == SETTINGS_INTERFACES) {
		refuse(r, "more than %d patterns: a glob such as eth* stands for many",
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
	return refuse(r, "\"%s\" is no role%s%s%s", show(role).text,
	              near ? ", did you mean \"" : ": it is master, on, backup or off",
	              near ? near : "", near ? "\"?" : "");
}

/* It becomes part of file names. */
static bool set_wan(struct reading *r, struct settings_interface *interface, const char *wan)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-";

	if (is_glob(interface->pattern))
		return refuse(r,
		              "one WAN's name for all that \"%s\" matches would mix them: leave "
		              "wan out, or write the device's full name",
		              interface->pattern);
	if (wan[0] == '\0' || wan[strspn(wan, plain)] || wan[0] == '.' || wan[0] == '-')
		return refuse(r,
		              "\"%s\" can name no files: write letters, digits and . _ - "
		              "(not . or - first)",
		              show(wan).text);
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

static bool set_interface_key(struct reading *r, struct settings_interface *interface,
                              const char *key, const char *value)
{
	struct nearest nearest = {0};

	for (size_t i = 0; i < N_INTERFACE_KEYS; i++) {
		if (strcmp(interface_keys[i].name, key) != 0) {
			consider(&nearest, key, interface_keys[i].name);
			continue;
		}
		if (r->keys & 1u << i)
			return refuse(r, "is said twice");
		r->keys |= 1u << i;
		return interface_keys[i].set(r, interface, value);
	}
	return refuse(r, "unknown key%s%s%s", nearest.word ? ", did you mean \"" : ": there are ",
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
	interface = add_interface(r, text);
	r->keys = equals ? 1 : 0;
	if (!interface || (equals && !set_role(r, interface, equals)))
		return false;
	while (next) {
		key = next;
		equals = strchr(key, '=');
		if (!equals || equals > key + strcspn(key, ","))
			return refuse(r,
			              "\"%s\" is no KEY=VALUE: there are wan, snaplen and filter",
			              show(key).text);
		*equals++ = '\0';
		next = strcmp(key, "filter") == 0 ? NULL : strchr(equals, ',');
		if (next)
			*next++ = '\0';
		if (!set_interface_key(r, interface, key, equals))
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
		return refuse(r, "out of memory");
	r->continued = false;
	good = read_interface(r, copy);
	free(copy);
	return good;
}

/* ---- the file ---- */

static void swap_byte(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

static bool begin_section(struct reading *r, char *section)
{
	static const char prefix[] = "interface";
	size_t n = sizeof(prefix) - 1;

	r->key = NULL;
	r->interface = NULL;
	r->keys = 0;
	r->in_section = true;
	if (strcmp(section, "captured") == 0)
		return true;
	if (strncmp(section, prefix, n) == 0 && (section[n] == ' ' || section[n] == '\0')) {
		section += n;
		section += strspn(section, " ");
		r->interface = add_interface(r, section);
		return r->interface != NULL;
	}
	return refuse(r, "unknown section [%s]: there are [captured] and [interface PATTERN]",
	              show(section).text);
}

/* inih tells of a section only with its first key, and cuts its name; [interface eth1] alone says
 * enough. */
static bool look_for_section(struct reading *r, const char *line)
{
	size_t n = strcspn(line, ";#\n"), end = n;
	char section[128];

	if (line[0] != '[')
		return true;
	while (end > 0 && strchr(" \t", line[end - 1]))
		end--;
	if (line[end - 1] != ']') /* the last one: a glob may hold some */
		return refuse(r, "is no [section]");
	if (end > sizeof(section))
		return refuse(r, "no section has so long a name");
	memcpy(section, line + 1, end - 2);
	section[end - 2] = '\0';
	return begin_section(r, section);
}

/* Does the line begin with a key of ours and "="? */
static bool is_assignment(const char *line)
{
	size_t n = strcspn(line, " \t=");
	char name[32];

	if (n >= sizeof(name) || line[n + strspn(line + n, " \t")] != '=')
		return false;
	memcpy(name, line, n);
	name[n] = '\0';
	for (size_t i = 0; i < N_INTERFACE_KEYS; i++)
		if (strcmp(interface_keys[i].name, name) == 0)
			return true;
	swap_byte(name, '_', '-');
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* Takes the line that begins at r->at; *length without its end (LF or CR LF). */
static const char *take_line(struct reading *r, size_t *length)
{
	const char *line = r->at;
	const char *newline = memchr(line, '\n', (size_t)(r->end - line));
	const char *stop = newline ? newline : r->end;

	r->at = newline ? newline + 1 : r->end;
	*length = (size_t)(stop - line);
	if (*length && line[*length - 1] == '\r')
		--*length;
	return line;
}

/*
 * The next line for inih. It would cut long lines in two, and take indented ones for more of the
 * value above: that is so for filters only, others may be indented as people like.
 */
static char *next_line(char *line, int room, void *stream)
{
	struct reading *r = stream;
	const char *text;
	size_t n, indent;

	if (r->at == r->end || r->message[0])
		return NULL;
	r->line++;
	r->key = NULL;
	text = take_line(r, &n);
	if (n + 2 > (size_t)room) {
		refuse(r, "the line is longer than %d bytes%s", room - 2,
		       ": a filter may go on in the next line, behind a space");
		return NULL;
	}
	memcpy(line, text, n);
	memcpy(line + n, "\n", 2);
	indent = strspn(line, " \t");
	if (strchr(";#\n", line[indent]))
		return line;
	r->continued = r->filter && indent && !is_assignment(line + indent);
	if (r->continued) { /* inih cuts comments off behind keys only */
		for (char *c = line + indent; *c; c++)
			if (*c == ';' && isspace((unsigned char)c[-1]))
				strcpy(c, "\n");
		return line;
	}
	memmove(line, line + indent, n + 2 - indent);
	unsigned here = r->line;
	if (!check_pending(r))
		return NULL;
	r->line = here;
	r->key = NULL;
	return look_for_section(r, line) ? line : NULL;
}

static bool continue_filter(struct reading *r, const char *more)
{
	size_t used = strlen(r->filter), n = strlen(more);

	if (used + 1 + n >= LIVE_FILTER)
		return refuse(r, "is too long: at most %d bytes", LIVE_FILTER - 1);
	r->filter[used] = ' ';
	return copy_text(r, r->filter + used + 1, LIVE_FILTER - used - 1, more);
}

static bool unknown_key(struct reading *r, const char *name)
{
	char near[32];
	const char *word = nearest_option(name, true);

	snprintf(near, sizeof(near), "%s", word ? word : "");
	swap_byte(near, '-', '_');
	return refuse(r, "unknown key%s%s%s",
	              word ? ", did you mean \"" : "; mptcp-captured --help lists all", near,
	              word ? "\"?" : "");
}

static bool load_option(struct reading *r, const char *key, const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", key);
	swap_byte(name, '_', '-');
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (rows[i].unit == UNIT_INTERFACE)
			return refuse(r, "write a section [interface %s] instead",
			              show(value).text);
		if (rows[i].flag_only)
			return refuse(r, "is a flag only: --%s", rows[i].name);
		if (r->said[i])
			return refuse(r, "is said twice");
		return set(r, &rows[i], value);
	}
	for (size_t i = 0; i < N_INTERFACE_KEYS; i++)
		if (strcmp(interface_keys[i].name, key) == 0)
			return refuse(r, "belongs into a section [interface PATTERN]");
	return unknown_key(r, name);
}

/* inih's callback: 1 good, 0 bad. */
static int load_key(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;

	(void)section;
	if (r->message[0])
		return 0;
	r->key = key;
	if (r->continued)
		return continue_filter(r, value);
	if (!r->in_section)
		return refuse(r, "stands before any section: write [captured] above it");
	if (r->interface)
		return set_interface_key(r, r->interface, key, value);
	return load_option(r, key, value);
}

static bool parse_file(struct reading *r, const char *text, size_t length)
{
	const char *nul = memchr(text, '\0', length);
	int bad;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	r->at = text;
	r->end = text + length;
	if (nul) {
		for (r->line = 1; text < nul; text++)
			r->line += *text == '\n';
		return refuse(r, "holds a NUL byte: this is no text");
	}
	bad = ini_parse_stream(next_line, r, load_key, r);
	r->key = NULL;
	if (bad < 0)
		return refuse(r, "out of memory");
	if (bad > 0 && !r->message[0]) {
		r->line = (unsigned)bad;
		return refuse(r, "is neither [section] nor key = value");
	}
	return !r->message[0] && check_pending(r);
}

static bool load_file(struct reading *r, const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_MAX + 1);
	size_t length = 0;
	bool good = false;

	r->file = path;
	r->line = 0;
	if (file && text)
		length = fread(text, 1, FILE_MAX + 1, file);
	if (!text)
		refuse(r, "out of memory");
	else if (!file || ferror(file))
		refuse(r, "cannot be read: %s", strerror(errno));
	else if (length > FILE_MAX)
		refuse(r, "is longer than %d bytes: this is no configuration", FILE_MAX);
	else
		good = parse_file(r, text, length);
	if (file)
		fclose(file);
	free(text);
	r->settings->bad_file = !good;
	r->file = NULL;
	r->key = NULL;
	return good;
}

/* ---- the flags ---- */

/* What getopt_long() wants, of the table. */
struct flags {
	struct option longs[N_ROWS + 1];
	char shorts[2 * N_ROWS + 2];
	const char *interfaces[SETTINGS_INTERFACES];
	size_t n_interfaces;
};

static void list_flags(struct flags *flags)
{
	char *letter = flags->shorts;

	memset(flags, 0, sizeof(*flags));
	*letter++ = ':';
	for (size_t i = 0; i < N_ROWS; i++) {
		bool value = rows[i].unit != UNIT_SWITCH;

		flags->longs[i].name = rows[i].name;
		flags->longs[i].has_arg = value ? required_argument : no_argument;
		flags->longs[i].val = (int)(256 + i);
		if (rows[i].letter)
			*letter++ = rows[i].letter;
		if (rows[i].letter && value)
			*letter++ = ':';
	}
}

static const struct option_row *row_of_flag(int found)
{
	if (found >= 256)
		return &rows[found - 256];
	for (size_t i = 0; i < N_ROWS; i++)
		if (found && rows[i].letter == found)
			return &rows[i];
	return NULL;
}

/* optopt: 0 no such long flag; a letter; or the flag whose value is missing, or too much. */
static bool refuse_flag(struct reading *r, const char *said, int found)
{
	const struct option_row *row = row_of_flag(optopt);
	char name[40];
	const char *near;

	if (found == ':' && row)
		return refuse(r, "--%s: needs a value: %s", row->name, row->words);
	if (row)
		return refuse(r, "--%s: takes no value", row->name);
	if (optopt)
		return refuse(r, "unknown flag -%c; --help lists all", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(said + 2, "="), said + 2);
	near = nearest_option(name, false);
	return refuse(r, "unknown flag --%s%s%s%s", show(name).text,
	              near ? ", did you mean --" : "", near ? near : "",
	              near ? "?" : "; --help lists all");
}

static bool note_flag(struct reading *r, struct flags *flags, const struct option_row *row)
{
	r->flags[row - rows] = optarg ? optarg : "yes";
	if (row->unit == UNIT_CONFIG)
		r->config = optarg;
	if (row->unit != UNIT_INTERFACE)
		return true;
	if (flags->n_interfaces == SETTINGS_INTERFACES)
		return refuse(r, "more than %d times -i: a glob such as 'eth*' stands for many",
		              SETTINGS_INTERFACES);
	flags->interfaces[flags->n_interfaces++] = optarg;
	return true;
}

static bool read_flags(struct reading *r, struct flags *flags, int argc, char **argv)
{
	int found;

	opterr = 0;
	optind = 0; /* begin anew: at HUP the flags are read again */
	while ((found = getopt_long(argc, argv, flags->shorts, flags->longs, NULL)) != -1) {
		if (found == '?' || found == ':')
			return refuse_flag(r, argv[optind - 1], found);
		if (!note_flag(r, flags, row_of_flag(found)))
			return false;
	}
	if (optind < argc)
		return refuse(r,
		              "\"%s\" belongs to no flag: write -i before each device, and quote a "
		              "glob: -i 'wwan*'",
		              show(argv[optind]).text);
	return true;
}

static bool set_interfaces(struct reading *r, const struct flags *flags)
{
	r->own_interfaces = flags->n_interfaces > 0;
	for (size_t i = 0; i < flags->n_interfaces; i++)
		if (!set(r, &rows[0], flags->interfaces[i]))
			return false;
	return true;
}

static bool set_flags(struct reading *r)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (r->flags[i] && rows[i].unit < UNIT_INTERFACE && !set(r, &rows[i], r->flags[i]))
			return false;
	r->key = NULL;
	return true;
}

/* ---- what was not said, and what does not go together ---- */

static bool flagged(const struct reading *r, const struct option_row *row)
{
	return r->flags[row - rows] != NULL;
}

static void set_defaults(struct reading *r)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].fallback)
			set(r, &rows[i], rows[i].fallback);
	memset(r->said, 0, sizeof(r->said));
	r->key = NULL;
}

/* Of a ring in tmpfs, which is memory. */
static uint64_t default_ring(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t tenth = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 10 : 64 * MiB;

	if (tenth < MiB)
		tenth = MiB;
	return tenth < 64 * MiB ? tenth & ~(MiB - 1) : 64 * MiB;
}

static bool settle_sizes(struct reading *r)
{
	struct settings *s = r->settings;
	uint64_t quarter, least = ROW(rotate_bytes)->min;

	if (!r->said[ROW(max_bytes) - rows])
		s->max_bytes = default_ring();
	if (s->max_bytes == 0)
		return true;
	quarter = s->max_bytes / 4;
	if (r->said[ROW(rotate_bytes) - rows] && s->rotate_bytes > s->max_bytes && !s->output[0])
		return refuse(r,
		              "--rotate-size: one file would be larger than the ring (--max-bytes "
		              "%" PRIu64 "): write at most a quarter of it",
		              s->max_bytes);
	if (!r->said[ROW(rotate_bytes) - rows] && s->rotate_bytes > quarter)
		s->rotate_bytes = quarter > least ? quarter : least;
	return true;
}

/* A flag wins over the file; two flags are two wishes. */
static bool settle_place(struct reading *r)
{
	struct settings *s = r->settings;
	bool two = s->directory[0] && s->output[0];

	if (two && flagged(r, ROW(directory)) == flagged(r, ROW(output)))
		return refuse(r, "both a directory and a file to write: give either -d or -w");
	if (two && flagged(r, ROW(output)))
		s->directory[0] = '\0';
	else if (two)
		s->output[0] = '\0';
	if (!s->directory[0] && !s->output[0] && !s->request[0])
		return refuse(
			r, "no place for the recording: write -d SPOOL for files that rotate, or "
			   "-w FILE (-w - for standard output)");
	if (s->output[0] && s->zstd_level && flagged(r, ROW(zstd_level)))
		return refuse(r, "--zstd: compresses files of a spool: with -w pipe through zstd");
	if (s->output[0])
		s->zstd_level = 0;
	return true;
}

static bool settle_control(struct reading *r)
{
	struct settings *s = r->settings;
	static const char name[] = "/control";

	if (!r->said[ROW(control) - rows] && s->directory[0]) {
		size_t n = strlen(s->directory);

		if (n + sizeof(name) > sizeof(s->control))
			return refuse(r, "--directory: %zu bytes are too long", n);
		memcpy(s->control, s->directory, n);
		memcpy(s->control + n, name, sizeof(name));
	}
	if (s->request[0] && !s->control[0])
		return refuse(r, "--request: which recorder? Write -d SPOOL or --control PATH");
	return true;
}

static int role_index(const char *role)
{
	for (int i = 0; i < SETTINGS_ROLES; i++)
		if (strcmp(role, settings_roles[i]) == 0)
			return i;
	return -1;
}

static void settle_keep(struct reading *r)
{
	struct settings *s = r->settings;

	for (size_t i = 0; i < SETTINGS_ROLES; i++) {
		const struct option_row *row =
			row_at(offsetof(struct settings, keep_role) + i * sizeof(uint32_t));

		if (!r->said[row - rows])
			s->keep_role[i] = s->keep;
	}
	for (size_t i = 0; i < s->n_interfaces; i++) {
		struct settings_interface *interface = &s->interfaces[i];
		int role = role_index(interface->role);

		if (!interface->own_keep)
			interface->keep = role < 0 ? s->keep : s->keep_role[role];
	}
}

static const char *wan_name(const struct settings_interface *interface)
{
	if (interface->wan[0])
		return interface->wan;
	return is_glob(interface->pattern) ? NULL : interface->pattern;
}

static bool settle_wans(struct reading *r)
{
	const struct settings *s = r->settings;

	for (size_t i = 0; i < s->n_interfaces; i++)
		for (size_t k = 0; k < i; k++) {
			const char *a = wan_name(&s->interfaces[i]),
				   *b = wan_name(&s->interfaces[k]);

			if (a && b && strcmp(a, b) == 0)
				return refuse(
					r,
					"two interfaces (%s, %s) would be the WAN \"%s\": give "
					"each its own wan",
					s->interfaces[k].pattern, s->interfaces[i].pattern, a);
		}
	return true;
}

static bool settle(struct reading *r)
{
	struct settings *s = r->settings;

	if (s->quiet && s->verbose)
		return refuse(r, "--quiet and --verbose: choose one");
	if (!settle_place(r) || !settle_control(r))
		return false;
	if (s->request[0])
		return true;
	if (s->n_interfaces == 0)
		return refuse(r, "nothing to record: write -i eth1=master (again for each WAN), or "
		                 "[interface eth1] in " SETTINGS_FILE);
	settle_keep(r);
	return settle_sizes(r) && settle_wans(r);
}

/* ---- all of it ---- */

/* The file that was named; else the one of the system, if it is needed and there. */
static bool load_config(struct reading *r)
{
	bool asks = r->flags[ROW(request) - rows] &&
	            (r->flags[ROW(directory) - rows] || r->flags[ROW(control) - rows]);

	if (r->config)
		return load_file(r, r->config);
	if (r->own_interfaces || asks || access(SETTINGS_FILE, F_OK) != 0)
		return true;
	return load_file(r, SETTINGS_FILE);
}

bool settings_read(struct settings *settings, int argc, char **argv, char *message, size_t size)
{
	struct reading r = {.settings = settings, .message = message, .size = size};
	struct flags flags;

	memset(settings, 0, sizeof(*settings));
	message[0] = '\0';
	list_flags(&flags);
	if (!read_flags(&r, &flags, argc, argv))
		return false;
	settings->help = flagged(&r, ROW(help));
	settings->version = flagged(&r, ROW(version));
	if (settings->help || settings->version)
		return true;
	set_defaults(&r);
	return set_interfaces(&r, &flags) && load_config(&r) && set_flags(&r) && settle(&r);
}

const struct settings_interface *settings_match(const struct settings *settings, const char *device)
{
	const struct settings_interface *end = settings->interfaces + settings->n_interfaces;

	for (const struct settings_interface *i = settings->interfaces; i < end; i++)
		if (strcmp(i->pattern, device) == 0)
			return i;
	for (const struct settings_interface *i = settings->interfaces; i < end; i++)
		if (is_glob(i->pattern) && fnmatch(i->pattern, device, 0) == 0)
			return i;
	return NULL;
}

/* Frames that come while nobody reads must find room: header of the ring and what is kept. */
static uint32_t ring_for(const struct settings *settings, uint32_t keep)
{
	uint64_t frame = keep == KEEP_HEADERS ? 200 : keep == 0 || keep > 1514 ? 1700 : keep + 130;
	/* 10^8 per second x 3600 s x 1700 bytes fit in 64 bits, by parts */
	uint64_t frames = settings->peak_pps * (settings->stall_ns / MS) / 1000;
	uint64_t bytes = (frames * frame + RING_STEP - 1) / RING_STEP * RING_STEP;

	if (bytes < 2 * RING_STEP)
		return 2 * RING_STEP;
	return bytes < RING_MOST ? (uint32_t)bytes : RING_MOST;
}

/* A frame in a block that is not full waits so long: a tenth of what a kill may cost. */
static uint32_t retire_for(uint64_t flush_ns)
{
	uint64_t ms = flush_ns / 10 / MS;

	return ms < 10 ? 10 : ms > 100 ? 100 : (uint32_t)ms;
}

void settings_request(const struct settings *settings, const struct settings_interface *interface,
                      const char *device, struct live_request *request)
{
	const char *filter = interface->filter[0] ? interface->filter : settings->filter;

	memset(request, 0, sizeof(*request));
	snprintf(request->device, sizeof(request->device), "%s", device);
	snprintf(request->filter, sizeof(request->filter), "%s", filter);
	request->keep = interface->keep;
	request->ring_bytes =
		settings->ring_bytes ? settings->ring_bytes : ring_for(settings, interface->keep);
	request->retire_ms = retire_for(settings->flush_ns);
	request->backend = settings->backend == LIVE_BACKENDS ? LIVE_RING : settings->backend;
}

/* ---- telling ---- */

/* A long text in lines of at most 78 columns, behind a margin. */
static void print_wrapped(FILE *out, const char *text, int margin)
{
	int column = margin;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column + n > 78 && column > margin) {
			fprintf(out, "\n%*s", margin, "");
			column = margin;
		}
		fprintf(out, "%s%.*s", column > margin ? " " : "", n, text);
		column += n + 1;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_row(FILE *out, const struct option_row *row)
{
	char head[100], meaning[300];
	const char *fallback = row->fallback;

	snprintf(head, sizeof(head), "  %c%c%c --%s%s%s", row->letter ? '-' : ' ',
	         row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name,
	         row->unit == UNIT_SWITCH ? "" : " ", row->unit == UNIT_SWITCH ? "" : row->words);
	snprintf(meaning, sizeof(meaning), "%s%s%s%s", row->meaning, fallback ? " (default: " : "",
	         fallback ? fallback : "", fallback ? ")" : "");
	fprintf(out, "%s\n%*s", head, 10, "");
	print_wrapped(out, meaning, 10);
}

void settings_help(FILE *out)
{
	fputs("usage: mptcp-captured -i PATTERN[=ROLE]... -d SPOOL\n"
	      "       mptcp-captured -i PATTERN[=ROLE]... -w FILE|-\n"
	      "       mptcp-captured -d SPOOL --request status|rotate|flush|stop|metrics\n\n"
	      "Records every WAN, says what it missed. Flags win over the configuration file,\n"
	      "whose section [captured] has the same names with _ for -; sections\n"
	      "[interface PATTERN] have role, wan, snaplen and filter.\n"
	      "SIZE counts by 1024: 512K 16M 1G. TIME: 500ms 30s 5m 12h 7d; alone: seconds.\n\n",
	      out);
	for (size_t i = 0; i < N_ROWS; i++)
		print_row(out, &rows[i]);
	fputs("\nSignals: TERM, INT finish; USR1 rotates; HUP reads the configuration again.\n"
	      "Exit: 0 all recorded, 3 the kernel dropped frames, 4 some could not be written,\n"
	      "5 a device never appeared, 64 usage, 70 internal, 73 cannot write,\n"
	      "77 permission, 78 configuration.\n",
	      out);
}

/* Lines that an INI file may hold: what is long goes on behind a space. */
static void print_filter(FILE *out, const char *filter)
{
	if (!filter[0])
		return;
	fputs("filter = ", out);
	print_wrapped(out, filter, 8);
}

static void print_keep(FILE *out, const char *name, uint32_t keep)
{
	if (keep == KEEP_HEADERS)
		fprintf(out, "%s = headers\n", name);
	else
		fprintf(out, "%s = %" PRIu32 "\n", name, keep);
}

static void print_setting(FILE *out, const struct settings *settings, const struct option_row *row)
{
	const char *text = (const char *)settings + row->offset, *word = row->words;
	char name[32], amount[32];

	snprintf(name, sizeof(name), "%s", row->name);
	swap_byte(name, '-', '_');
	switch (row->unit) {
	case UNIT_NUMBER:
	case UNIT_BYTES:
	case UNIT_TIME:
		amount_format((enum amount_unit)row->unit, load(row, settings), amount,
		              sizeof(amount));
		if (row->fallback || load(row, settings) || row == ROW(max_bytes))
			fprintf(out, "%s = %s\n", name, amount);
		break;
	case UNIT_KEEP:
		print_keep(out, name, (uint32_t)load(row, settings));
		break;
	case UNIT_WORD:
		for (uint64_t i = load(row, settings); i > 0; i--)
			word = strchr(word, '|') + 1;
		fprintf(out, "%s = %.*s\n", name, (int)strcspn(word, "|"), word);
		break;
	case UNIT_FILTER:
		print_filter(out, text);
		break;
	case UNIT_SWITCH:
		fprintf(out, "%s = %s\n", name, load(row, settings) ? "yes" : "no");
		break;
	default:
		if (text[0])
			fprintf(out, "%s = %s\n", name, text);
	}
}

void settings_print(const struct settings *settings, FILE *out)
{
	fputs("[captured]\n", out);
	for (size_t i = 0; i < N_ROWS; i++)
		if (!rows[i].flag_only)
			print_setting(out, settings, &rows[i]);
	for (size_t i = 0; i < settings->n_interfaces; i++) {
		const struct settings_interface *interface = &settings->interfaces[i];

		fprintf(out, "\n[interface %s]\n", interface->pattern);
		if (interface->role[0])
			fprintf(out, "role = %s\n", interface->role);
		if (interface->wan[0])
			fprintf(out, "wan = %s\n", interface->wan);
		print_keep(out, "snaplen", interface->keep);
		print_filter(out, interface->filter);
	}
}
