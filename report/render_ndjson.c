/* SPDX-License-Identifier: MIT
 *
 * render_ndjson.c - see formats.h: a stored report as lines of JSON for log shippers: a header, a
 * line for each finding, each WAN and each interruption, a summary.
 *
 * Each line is whole by itself: it names its type, the site and the end of the judged time.
 */
#include "formats.h"

#include <string.h>

#include "stored.h"

struct lines {
	const json_t *report;
	FILE *out;
	bool whole;
};

/* Takes `line` over. */
static void put_line(struct lines *l, const char *type, json_t *line)
{
	const json_t *window = json_object_get(l->report, "window");
	json_t *end = json_object_get(window, "end"), *site = json_object_get(l->report, "site");

	l->whole = l->whole && line && json_object_set_new(line, "type", json_string(type)) == 0 &&
	           json_object_set(line, "site", site ? site : json_null()) == 0 &&
	           json_object_set(line, "window_end", end ? end : json_null()) == 0;
	if (l->whole) {
		json_dumpf(line, l->out, JSON_COMPACT | JSON_SORT_KEYS);
		fputc('\n', l->out);
	}
	json_decref(line);
}

/* A copy with only the members of the list. */
static json_t *only(const json_t *from, const char *const *keys)
{
	json_t *to = json_object();

	for (; to && *keys; keys++)
		if (json_object_get(from, *keys))
			json_object_set(to, *keys, json_object_get(from, *keys));
	return to;
}

static void put_all(struct lines *l, const char *type, const char *member, const char *const *keys)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(l->report, member), i, row)
		put_line(l, type, only(row, keys));
}

bool render_ndjson(const json_t *report, enum language language, FILE *out)
{
	static const char *const header[] = {"schema", "tool", "generated", "window", NULL};
	static const char *const finding[] = {"rule",  "title",     "status", "wan",   "observed",
	                                      "limit", "limit_key", "text",   "brief", NULL};
	static const char *const wan[] = {"name",
	                                  "role",
	                                  "frames",
	                                  "ip_bytes",
	                                  "kinds",
	                                  "causes",
	                                  "phases",
	                                  "billed_ip_bytes",
	                                  "cost",
	                                  "projection",
	                                  "carrying_ip_bytes",
	                                  "standby_ip_bytes",
	                                  NULL};
	static const char *const interruption[] = {"kind",  "wan",     "to",    "from",
	                                           "until", "seconds", "words", NULL};
	static const char *const summary[] = {"verdict", "sentence", "assumption", "unseen", NULL};
	struct lines l = {report, out, true};

	(void)language; /* for machines */
	put_line(&l, "header", only(report, header));
	put_all(&l, "wan", "wans", wan);
	put_all(&l, "interruption", "interruptions", interruption);
	put_all(&l, "finding", "findings", finding);
	put_line(&l, "summary", only(report, summary));
	return l.whole;
}
