/* SPDX-License-Identifier: MIT
 *
 * formats.c - see formats.h.
 */
#include "formats.h"

#include <string.h>

#include "text.h"

#define SCHEMA       "mptcp-audit.report/"
#define SCHEMA_MAJOR "1."

const struct format formats[] = {
	{"html", ".html", "a page for a browser: one file, no script", render_html},
	{"md", ".md", "Markdown, to paste into an issue", render_markdown},
	{"metrics", ".prom", "a textfile for Prometheus' node_exporter", render_metrics},
	{"ndjson", ".ndjson", "lines of JSON for a log: header, WANs, findings, summary",
         render_ndjson},
	{"text", ".txt", "80 columns, as report prints it", render_text},
};
const size_t n_formats = sizeof(formats) / sizeof(*formats);

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < n_formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const struct format *format_of_file(const char *path)
{
	for (size_t i = 0; i < n_formats; i++) {
		size_t suffix = strlen(formats[i].suffix), length = strlen(path);

		if (suffix && length > suffix &&
		    strcmp(path + length - suffix, formats[i].suffix) == 0)
			return &formats[i];
	}
	return NULL;
}

bool format_accepts(const json_t *report, char *message, size_t size)
{
	const char *schema = json_string_value(json_object_get(report, "schema"));
	char safe[120];

	if (!schema || strncmp(schema, SCHEMA, strlen(SCHEMA)) != 0) {
		snprintf(message, size,
		         "this is no report of mptcp-audit%s%s%s; make one with: "
		         "mptcp-audit report ... --json FILE",
		         schema ? ", its schema is \"" : "",
		         schema ? text_safe(safe, sizeof(safe), schema, 40) : "",
		         schema ? "\"" : "");
		return false;
	}
	if (strncmp(schema + strlen(SCHEMA), SCHEMA_MAJOR, strlen(SCHEMA_MAJOR)) == 0)
		return true;
	snprintf(message, size,
	         "this report is of schema %s; this version of mptcp-audit knows 1.x only: "
	         "use the version that wrote it, or a newer one",
	         text_safe(safe, sizeof(safe), schema, 40));
	return false;
}
