/* SPDX-License-Identifier: MIT
 *
 * filed.c - see filed.h.
 */
#include "filed.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "message.h"
#include "text.h"

#define SCHEMA "mptcp-audit.report/"
#define NS     1000000000

/* ---- reading ---- */

static enum filed_failure unreadable(const char *reason, char *why, size_t size)
{
	SAY(why, size, filed_unreadable, reason);
	return FILED_UNREADABLE;
}

/* All bytes of a file, unpacked when it is a gzip. */
static char *slurp(const char *path, size_t *length, enum filed_failure *failure, char *why,
                   size_t size)
{
	gzFile file =
		strcmp(path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
	size_t room = 1u << 16, used = 0;
	char *text = file ? malloc(room) : NULL;
	int got = 0;

	if (!text) {
		*failure = unreadable(strerror(errno), why, size);
		if (file)
			gzclose(file);
		return NULL;
	}
	while ((got = gzread(file, text + used, (unsigned)(room - used))) > 0) {
		used += (size_t)got;
		if (used == room && room < FILED_MAX_BYTES) {
			char *more = realloc(text, room *= 2);

			if (!more)
				break;
			text = more;
		} else if (used == room) {
			break;
		}
	}
	if (got < 0)
		*failure = unreadable(errno ? strerror(errno) : gzerror(file, &got), why, size);
	else if (got > 0) {
		SAY(why, size, filed_too_large);
		*failure = FILED_TOO_LARGE;
	}
	gzclose(file);
	*length = used;
	if (*failure == FILED_FINE)
		return text;
	free(text);
	return NULL;
}

json_t *filed_json(const char *path, enum filed_failure *failure, char *why, size_t size)
{
	size_t length = 0;
	char *text, safe[160], line[TEXT_SHORT];
	json_error_t error;
	json_t *json;

	*failure = FILED_FINE;
	errno = 0;
	text = slurp(path, &length, failure, why, size);
	if (!text)
		return NULL;
	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!json) {
		snprintf(line, sizeof(line), "%d", error.line);
		SAY(why, size, filed_no_json, line, text_safe(safe, sizeof(safe), error.text, 100));
		*failure = FILED_NO_JSON;
	}
	return json;
}

json_t *filed_load(const char *path, enum filed_failure *failure, char *why, size_t size)
{
	json_t *json = filed_json(path, failure, why, size);

	if (!json)
		return NULL;
	*failure = filed_check(json, why, size);
	if (*failure == FILED_FINE)
		return json;
	json_decref(json);
	return NULL;
}

static enum filed_failure not_whole(const char *key, char *why, size_t size)
{
	SAY(why, size, filed_not_whole, key);
	return FILED_NOT_WHOLE;
}

enum filed_failure filed_check(const json_t *json, char *why, size_t size)
{
	static const struct {
		const char *key;
		json_type type;
	} members[] = {
		{"sentence", JSON_STRING}, {"verdict", JSON_STRING}, {"window", JSON_OBJECT},
		{"wans", JSON_ARRAY},      {"findings", JSON_ARRAY},
	};
	const char *schema = filed_text(json, "schema");
	char safe[160];

	if (!schema || strncmp(schema, SCHEMA, strlen(SCHEMA)) != 0) {
		SAY(why, size, filed_no_report,
		    text_safe(safe, sizeof(safe), schema ? schema : "-", 60));
		return FILED_NO_REPORT;
	}
	if (strncmp(schema + strlen(SCHEMA), "1.", 2) != 0) {
		SAY(why, size, filed_newer, text_safe(safe, sizeof(safe), schema, 60));
		return FILED_NEWER;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const json_t *member = json_object_get(json, members[i].key);

		if (!member || json_typeof(member) != members[i].type)
			return not_whole(members[i].key, why, size);
	}
	if (strcmp(status_names[filed_status(filed_text(json, "verdict"))],
	           filed_text(json, "verdict")) != 0)
		return not_whole("verdict", why, size);
	return FILED_FINE;
}

/* ---- members ---- */

const char *filed_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

bool filed_time(const json_t *object, const char *key, int64_t *ns)
{
	const char *text = filed_text(object, key);
	uint64_t moment;

	if (!text || !text_parse_time(text, &moment) || moment > INT64_MAX / 2)
		return false;
	*ns = (int64_t)moment;
	return true;
}

enum status filed_status(const char *name)
{
	for (size_t i = 0; name && i < STATUS_COUNT; i++)
		if (strcmp(name, status_names[i]) == 0)
			return (enum status)i;
	return STATUS_NOT_ASSESSED;
}

static const enum status by_rank[STATUS_COUNT] = {
	STATUS_NOT_APPLICABLE, STATUS_WAIVED, STATUS_PASS, STATUS_NOT_ASSESSED,
	STATUS_WARN,           STATUS_ERROR,  STATUS_FAIL,
};

unsigned filed_rank(enum status status)
{
	unsigned rank = 0;

	while (rank < STATUS_COUNT - 1 && by_rank[rank] != status)
		rank++;
	return rank;
}

enum status filed_ranked(unsigned rank)
{
	return rank < STATUS_COUNT ? by_rank[rank] : STATUS_NOT_ASSESSED;
}

bool filed_extent(const json_t *report, int64_t *from_ns, int64_t *to_ns)
{
	const json_t *window = json_object_get(report, "window"), *wan;
	bool has_from = filed_time(window, "asked_from", from_ns),
	     has_to = filed_time(window, "asked_to", to_ns);
	int64_t first = INT64_MAX, last = -1, ns;
	size_t i;

	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		if (filed_time(wan, "first", &ns) && ns < first)
			first = ns;
		if (filed_time(wan, "last", &ns) && ns > last)
			last = ns;
	}
	if (!has_from)
		*from_ns = first;
	if (!has_to)
		*to_ns = last + 1; /* behind the last frame */
	return *from_ns < *to_ns;
}

int64_t filed_judged(const json_t *report)
{
	double seconds =
		json_number_value(json_object_get(json_object_get(report, "window"), "seconds"));

	return isfinite(seconds) && seconds > 0 && seconds < 4e9 ? (int64_t)(seconds * NS) : 0;
}
