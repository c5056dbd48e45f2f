/* SPDX-License-Identifier: MIT
 *
 * anonymize.c - see anonymize.h.
 *
 * First all members that hold names are collected, then each string is gone through once: where a
 * word begins, the longest name that stands there is replaced; so are addresses, known or not. A
 * sentence may have cut a long name ("..."): what stands before the dots is taken for a name when
 * one begins so.
 */
#include "anonymize.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define LENGTHS  512 /* a longer name is replaced where it stands alone, or was cut */
#define DEPTH    64
#define CUT      "..."
#define CUT_MOST 300

enum sort { SORT_WAN, SORT_SITE, SORT_FILE, SORT_DEVICE, SORT_SERVER, SORT_ID, SORT_COUNT };

struct anonymizing {
	json_t *names; /* owned; name -> what it is called now */
	uint64_t count[SORT_COUNT], hosts, macs;
	bool length[LENGTHS]; /* some name has this many bytes */
	bool failed;
};

/* ---- names ---- */

static void new_name(struct anonymizing *a, enum sort sort, char out[32])
{
	static const char *const words[SORT_COUNT] = {
		[SORT_SITE] = "site", [SORT_FILE] = "file-",     [SORT_DEVICE] = "dev-",
		[SORT_WAN] = "wan-",  [SORT_SERVER] = "server-", [SORT_ID] = "",
	};
	unsigned long long n = ++a->count[sort];

	if (sort == SORT_SITE)
		snprintf(out, 32, n == 1 ? "site" : "site-%llu", n);
	else if (sort == SORT_ID)
		snprintf(out, 32, "%016llx", n);
	else if (sort == SORT_WAN && n <= 26)
		snprintf(out, 32, "wan-%c", (char)('a' + n - 1));
	else
		snprintf(out, 32, "%s%llu", words[sort], n);
}

static void put_name(struct anonymizing *a, const char *from, const char *to)
{
	size_t n = strlen(from);

	if (n == 0 || json_object_get(a->names, from))
		return;
	a->failed |= json_object_set_new(a->names, from, json_string(to)) != 0;
	if (n < LENGTHS)
		a->length[n] = true;
}

/* Also as a sentence shows it, and a file without its folders. */
static void learn(struct anonymizing *a, const json_t *value, enum sort sort)
{
	const char *name = json_string_value(value), *slash, *known;
	char to[32], shown[1200];

	if (!name || !*name)
		return;
	known = json_string_value(json_object_get(a->names, name));
	if (known)
		snprintf(to, sizeof(to), "%s", known);
	else
		new_name(a, sort, to);
	put_name(a, name, to);
	put_name(a, text_safe(shown, sizeof(shown), name, 1000), to);
	slash = sort == SORT_FILE ? strrchr(name, '/') : NULL;
	if (slash)
		put_name(a, slash + 1, to);
}

/* The members that hold names; `under` is the member that the list of objects stands in. */
static const struct {
	const char *under, *key;
	enum sort sort;
} places[] = {
	{"wans", "name", SORT_WAN},
	{"wans", "wan", SORT_WAN},
	{"wans", "captured_as", SORT_WAN},
	{"wans", "expected", SORT_WAN},
	{NULL, "wan", SORT_WAN},
	{"wans", "devices", SORT_DEVICE},
	{NULL, "site", SORT_SITE},
	{"files", "name", SORT_FILE},
	{NULL, "file", SORT_FILE},
	{"servers", "name", SORT_SERVER},
	{"servers", "addresses", SORT_SERVER},
	{"warnings", "about", SORT_DEVICE},
	{"connections", "id", SORT_ID},
	{"interruptions", "connection", SORT_ID},
	{"findings", "connection", SORT_ID},
};

static bool is_address(const char *text)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static void learn_member(struct anonymizing *a, const char *under, const char *key,
                         const json_t *value)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (strcmp(places[i].key, key) != 0 ||
		    (places[i].under && strcmp(places[i].under, under) != 0))
			continue;
		if (json_is_string(value))
			learn(a, value, places[i].sort);
		for (size_t k = 0; json_is_array(value) && k < json_array_size(value); k++) {
			const json_t *item = json_array_get(value, k);

			if (json_is_string(item) && !is_address(json_string_value(item)))
				learn(a, item, places[i].sort);
		}
		return;
	}
}

static void collect(struct anonymizing *a, const char *under, const json_t *value, unsigned depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (depth == DEPTH)
		return;
	if (json_is_array(value)) {
		json_array_foreach(value, i, item) collect(a, under, item, depth + 1);
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, item)
		{
			learn_member(a, under, key, item);
			collect(a, key, item, depth + 1);
		}
	}
}

/* ---- strings ---- */

static bool is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

/* A name that begins at `p`: its length, or 0. */
static size_t known_name(const struct anonymizing *a, const char *p, const char **to)
{
	size_t left = strnlen(p, LENGTHS - 1);
	char word[LENGTHS];

	for (size_t n = left; n > 0; n--) {
		if (!a->length[n] ||
		    (is_word((unsigned char)p[n - 1]) && is_word((unsigned char)p[n])))
			continue;
		memcpy(word, p, n);
		word[n] = '\0';
		*to = json_string_value(json_object_get(a->names, word));
		if (*to)
			return n;
	}
	return 0;
}

/* The beginning of a name that was too long for its sentence. */
static size_t cut_name(const struct anonymizing *a, const char *p, const char **to)
{
	const char *dots = strstr(p, CUT), *name;
	json_t *value;

	if (!dots || dots == p || dots - p > CUT_MOST)
		return 0;
	json_object_foreach(a->names, name, value)
	{
		if (strncmp(name, p, (size_t)(dots - p)) == 0) {
			*to = json_string_value(value);
			return (size_t)(dots - p) + strlen(CUT);
		}
	}
	return 0;
}

static bool is_mac(const char *p, size_t n)
{
	for (size_t i = 0; i < 17; i++)
		if (n < 17 ||
		    (i % 3 == 2 ? p[i] != ':' && p[i] != '-' : !isxdigit((unsigned char)p[i])))
			return false;
	return n == 17;
}

static const char *numbered(struct anonymizing *a, const char *word, bool mac)
{
	const char *known = json_string_value(json_object_get(a->names, word));
	char to[32];

	if (known)
		return known;
	snprintf(to, sizeof(to), mac ? "mac-%llu" : "host-%llu",
	         (unsigned long long)(mac ? ++a->macs : ++a->hosts));
	a->failed |= json_object_set_new(a->names, word, json_string(to)) != 0;
	return json_string_value(json_object_get(a->names, word));
}

/* An address that begins at `p`, without the port or the full stop behind it: its length, or 0. */
static size_t address(struct anonymizing *a, const char *p, const char **to)
{
	char word[64];
	size_t n = strspn(p, "0123456789abcdefABCDEF:.-");

	if (n < 2 || n >= sizeof(word))
		n = n < 2 ? 0 : sizeof(word) - 1;
	if (n >= 17 && is_mac(p, 17) && !is_word((unsigned char)p[17])) {
		memcpy(word, p, 17);
		word[17] = '\0';
		*to = numbered(a, word, true);
		return *to ? 17 : 0;
	}
	for (; n > 2; n--) {
		if (is_word((unsigned char)p[n]))
			continue;
		memcpy(word, p, n);
		word[n] = '\0';
		if (!is_address(word))
			continue;
		*to = numbered(a, word, false);
		return *to ? n : 0;
	}
	return 0;
}

/* A path of the machine that was not named by any member. */
static size_t path(const char *p, bool begins, const char **to)
{
	if (!begins || *p != '/' || !is_word((unsigned char)p[1]))
		return 0;
	*to = "path";
	return strcspn(p, " ,;\"'()");
}

static char *rewrite(struct anonymizing *a, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *stream = open_memstream(&out, &size);
	const char *whole = json_string_value(json_object_get(a->names, text));
	bool begins = true; /* no word goes on here */

	if (!stream)
		return NULL;
	for (const char *p = whole ? "" : text; *p;) {
		const char *to = NULL;
		size_t n = 0;

		if (begins || !is_word((unsigned char)*p)) {
			n = known_name(a, p, &to);
			n = n ? n : address(a, p, &to);
			n = n ? n : cut_name(a, p, &to);
			n = n ? n : path(p, p == text || strchr(" \"'(=", p[-1]), &to);
		}
		if (n)
			fputs(to, stream);
		else
			putc(*p, stream);
		begins = n || !is_word((unsigned char)*p);
		p += n ? n : 1;
	}
	if (whole)
		fputs(whole, stream);
	if (fclose(stream) == 0)
		return out;
	free(out);
	return NULL;
}

/* ---- the report ---- */

/* Members whose words are ours: a WAN may be called "backup". */
static bool is_ours(const char *key)
{
	static const char *const keys[] = {
		"say",        "schema",    "rule",        "status",     "unit", "source",
		"role",       "role_word", "role_source", "state",      "code", "direction",
		"confidence", "limit_key", "verdict",     "matched_by", "kind", "generated",
		"protocol",   "version",   "title",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static json_t *changed(struct anonymizing *a, const json_t *value)
{
	char *text = rewrite(a, json_string_value(value));
	json_t *string = text ? json_string(text) : NULL;

	free(text);
	a->failed |= !string;
	return string;
}

static void change(struct anonymizing *a, json_t *value, unsigned depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (depth == DEPTH)
		return;
	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			if (json_is_string(item) && !a->failed)
				a->failed |= json_array_set_new(value, i, changed(a, item)) != 0;
			else
				change(a, item, depth + 1);
		}
	} else if (json_is_object(value)) {
		json_object_foreach(value, key, item)
		{
			if (!json_is_string(item) && strcmp(key, "tool") != 0)
				change(a, item, depth + 1);
			else if (json_is_string(item) && !is_ours(key) && !a->failed)
				a->failed |= json_object_set_new(value, key, changed(a, item)) != 0;
		}
	}
}

/* What quotes a configuration, names the place, or knows a capture again. */
static void leave_out(json_t *report)
{
	json_t *expected = json_object_get(report, "expected"),
	       *files = json_object_get(json_object_get(report, "coverage"), "files");

	json_object_del(expected, "time_zone_name");
	if (json_array_size(json_object_get(expected, "notes")) > 0)
		json_array_clear(json_object_get(expected, "notes"));
	for (size_t i = 0; i < json_array_size(files); i++)
		if (json_object_get(json_array_get(files, i), "sha256"))
			json_object_set_new(json_array_get(files, i), "sha256", json_null());
}

bool anonymize_report(json_t *report)
{
	struct anonymizing a = {.names = json_object()};

	if (!a.names)
		return false;
	leave_out(report);
	/* the WANs that are judged have the first letters */
	collect(&a, "wans", json_object_get(report, "wans"), 0);
	collect(&a, "", report, 0);
	change(&a, report, 0);
	json_decref(a.names);
	return !a.failed;
}
