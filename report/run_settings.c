/* SPDX-License-Identifier: MIT
 *
 * run_settings.c - see run_settings.h.
 */
#include "run_settings.h"

#include <ctype.h>
#include <ini.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "text.h"

#define DAY_S 86400u

void run_settings_init(struct run_settings *settings)
{
	*settings = (struct run_settings){
		.formats = 1, /* formats[0] is the page */
		.keep_s = 400u * DAY_S,
		.limit_s = 60,
		.settle_s = 300,
		.patience_s = 3 * 3600,
	};
}

void run_settings_release(struct run_settings *settings)
{
	free(settings->input);
	free(settings->uci);
	free(settings->reports);
	free(settings->metrics);
	free(settings->history);
	free(settings->notify);
	memset(settings, 0, sizeof(*settings));
}

/* ---- values: each gets the place of its member ---- */

struct taking {
	const char *key, *value;
	char *message;
	size_t size;
};

static bool refuse(const struct taking *t, const char *wanted)
{
	char safe[80];

	snprintf(t->message, t->size, "%s: %s, not \"%s\"", t->key, wanted,
	         text_safe(safe, sizeof(safe), t->value, 40));
	return false;
}

static bool take_text(const struct taking *t, void *member)
{
	char **text = member;

	if (!*t->value)
		return refuse(t, "something");
	free(*text);
	*text = strdup(t->value);
	return *text || refuse(t, "more memory");
}

static bool take_window(const struct taking *t, void *member)
{
	bool day = strcmp(t->value, "1d") == 0;

	*(bool *)member = day;
	return day || strcmp(t->value, "1h") == 0 || refuse(t, "1h or 1d");
}

/* "never", "90s", "5min", "2h", "7d" */
static bool take_time(const struct taking *t, void *member)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", DAY_S}};
	char *unit;
	unsigned long number;

	if (strcmp(t->value, "never") == 0) {
		*(uint64_t *)member = 0;
		return true;
	}
	number = isdigit((unsigned char)*t->value) ? strtoul(t->value, &unit, 10) : 0;
	for (size_t i = 0; number > 0 && number <= 1000000 && i < sizeof(units) / sizeof(*units);
	     i++) {
		if (strcmp(unit, units[i].name) != 0)
			continue;
		*(uint64_t *)member = number * units[i].seconds;
		return true;
	}
	return refuse(t, "a time such as 90s, 5min, 2h or 7d, or never");
}

static bool take_language(const struct taking *t, void *member)
{
	return language_find(t->value, member) || refuse(t, "en or zh-CN");
}

/* "html md" */
static bool take_formats(const struct taking *t, void *member)
{
	static const char between[] = ", \t";
	const char *at = t->value + strspn(t->value, between);
	uint32_t *mask = member;

	for (*mask = 0; *at; at += strspn(at, between)) {
		size_t n = strcspn(at, between), i = 0;

		while (i < n_formats &&
		       (strlen(formats[i].name) != n || strncmp(formats[i].name, at, n) != 0))
			i++;
		if (i == n_formats || i >= 32)
			return refuse(t, "names of formats, as render --help lists them");
		*mask |= UINT32_C(1) << i;
		at += n;
	}
	return true;
}

static const struct {
	const char *key;
	size_t member;
	bool (*take)(const struct taking *t, void *member);
} words[] = {
	{"input", offsetof(struct run_settings, input), take_text},
	{"uci", offsetof(struct run_settings, uci), take_text},
	{"window", offsetof(struct run_settings, days), take_window},
	{"reports", offsetof(struct run_settings, reports), take_text},
	{"formats", offsetof(struct run_settings, formats), take_formats},
	{"lang", offsetof(struct run_settings, language), take_language},
	{"keep", offsetof(struct run_settings, keep_s), take_time},
	{"metrics", offsetof(struct run_settings, metrics), take_text},
	{"history", offsetof(struct run_settings, history), take_text},
	{"notify", offsetof(struct run_settings, notify), take_text},
	{"notify_limit", offsetof(struct run_settings, limit_s), take_time},
	{"heartbeat", offsetof(struct run_settings, heartbeat_s), take_time},
	{"settle", offsetof(struct run_settings, settle_s), take_time},
	{"patience", offsetof(struct run_settings, patience_s), take_time},
};
#define N_WORDS (sizeof(words) / sizeof(*words))

static bool unknown(const char *key, char *message, size_t size)
{
	const char *names[N_WORDS], *near;
	char safe[80], all[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < N_WORDS; i++)
		names[i] = words[i].key;
	near = text_nearest(key, names, N_WORDS);
	for (size_t i = 0; !near && i < N_WORDS && used + 30 < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
		                         names[i]);
	snprintf(message, size, "[run] does not know \"%s\"%s%s%s",
	         text_safe(safe, sizeof(safe), key, 40), near ? ", did you mean \"" : ": ",
	         near ? near : all, near ? "\"?" : "");
	return false;
}

bool run_settings_take(struct run_settings *settings, const char *key, const char *value,
                       char *message, size_t size)
{
	struct taking taking = {key, value, message, size};

	for (size_t i = 0; i < N_WORDS; i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].take(&taking, (char *)settings + words[i].member);
	return unknown(key, message, size);
}

struct loading {
	struct run_settings *settings;
	char message[500];
};

static int load_line(void *context, const char *section, const char *key, const char *value)
{
	struct loading *l = context;

	if (strcmp(section, "run") != 0 || l->message[0])
		return 1;
	return run_settings_take(l->settings, key, value, l->message, sizeof(l->message));
}

bool run_settings_load(struct run_settings *settings, FILE *file, const char *name, char *message,
                       size_t size)
{
	struct loading loading = {.settings = settings};
	int line = ini_parse_file(file, load_line, &loading);
	char safe[200];

	if (line == 0 && !ferror(file))
		return true;
	snprintf(message, size, "%s:%d: %s", text_safe(safe, sizeof(safe), name, 100),
	         line > 0 ? line : 0,
	         loading.message[0] ? loading.message : "not a [section] and not a key=value");
	return false;
}
