/* SPDX-License-Identifier: MIT
 *
 * render_metrics.c - see formats.h: a stored report as a textfile of Prometheus' node_exporter.
 *
 * Base units, ratios 0..1, one HELP and TYPE each, no timestamps. Names are fixed: dashboards and
 * alerts of others rest on them. What is of the judged window is a gauge; mptcp_audit_bytes_total
 * is a counter and stands there only when the report has `totals`, the sums of all scheduled audits
 * (cmd_run.c): a single report would make it go backwards.
 */
#include "formats.h"

#include <string.h>

#include "report.h"
#include "stored.h"
#include "text.h"

struct metrics {
	const json_t *report;
	FILE *out;
	const char *site;
};

static void head(const struct metrics *m, const char *name, const char *type, const char *help)
{
	fprintf(m->out, "# HELP mptcp_audit_%s %s\n# TYPE mptcp_audit_%s %s\n", name, help, name,
	        type);
}

/* The text format's escapes. */
static void label(const struct metrics *m, const char *key, const char *value)
{
	fprintf(m->out, ",%s=\"", key);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", m->out);
		else if (*value == '"' || *value == '\\')
			fprintf(m->out, "\\%c", *value);
		else
			fputc(*value, m->out);
	}
	fputc('"', m->out);
}

/* name{site="...", ...}: `labels` are pairs of key and value, NULL ends them. */
static void start(const struct metrics *m, const char *name, const char *const *labels)
{
	fprintf(m->out, "mptcp_audit_%s{", name);
	fputs("site=\"", m->out);
	for (const char *at = m->site; *at; at++)
		fprintf(m->out,
		        *at == '\n'                 ? "\\n"
		        : *at == '"' || *at == '\\' ? "\\%c"
		                                    : "%c",
		        *at);
	fputc('"', m->out);
	for (; *labels; labels += 2)
		label(m, labels[0], labels[1]);
	fputs("} ", m->out);
}

static void sample(const struct metrics *m, const char *name, double value,
                   const char *const *labels)
{
	start(m, name, labels);
	fprintf(m->out, "%.17g\n", value);
}

static void count(const struct metrics *m, const char *name, uint64_t value,
                  const char *const *labels)
{
	start(m, name, labels);
	fprintf(m->out, "%llu\n", (unsigned long long)value);
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE        ((const char *const[]){NULL})

static double seconds_of(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* ---- the report ---- */

static void put_report(const struct metrics *m)
{
	const json_t *window = json_object_get(m->report, "window");
	char version[STORED_NAME];

	head(m, "info", "gauge", "The program that wrote the report.");
	sample(m, "info", 1,
	       LABELS("version",
	              stored_name(version, json_object_get(m->report, "tool"), "version", 40)));
	head(m, "verdict", "gauge", "1 for the overall verdict, 0 for the others.");
	for (size_t i = STATUS_PASS; i <= STATUS_NOT_ASSESSED; i++)
		count(m, "verdict", strcmp(stored_text(m->report, "verdict"), status_names[i]) == 0,
		      LABELS("verdict", status_names[i]));
	if (stored_has(m->report, "generated")) {
		head(m, "last_success_timestamp_seconds", "gauge",
		     "When the last audit was completed.");
		sample(m, "last_success_timestamp_seconds",
		       seconds_of(stored_time(m->report, "generated")), NONE);
	}
	if (!stored_has(window, "end"))
		return;
	head(m, "window_end_timestamp_seconds", "gauge", "End of the judged time.");
	sample(m, "window_end_timestamp_seconds", seconds_of(stored_time(window, "end")), NONE);
	head(m, "window_seconds", "gauge", "Length of the judged time.");
	sample(m, "window_seconds", stored_real(window, "seconds"), NONE);
}

/* ---- WANs ---- */

/* Bytes at IP level by kind and direction of a WAN's object. */
static void put_kinds(const struct metrics *m, const char *name, const json_t *wan,
                      const json_t *sums)
{
	char safe[STORED_NAME], role[STORED_NAME];

	stored_name(safe, wan, "name", 100);
	stored_name(role, wan, "role", 20);
	for (size_t d = 0; d < DIR_COUNT; d++)
		for (size_t k = 0; k < KIND_COUNT; k++) {
			const json_t *tally = stored_in(sums, direction_names[d], kind_names[k]);

			if (tally)
				count(m, name, stored_number(tally, "ip_bytes"),
				      LABELS("wan", safe, "role", role, "kind", kind_names[k],
				             "direction", direction_names[d]));
		}
}

static void put_bytes(const struct metrics *m)
{
	const json_t *wans = json_object_get(m->report, "wans"), *wan;
	const json_t *totals = stored_in(m->report, "totals", "wans");
	size_t i;

	head(m, "window_bytes", "gauge", "IP bytes of all that was counted for this report.");
	json_array_foreach(wans, i, wan) put_kinds(m, "window_bytes", wan, wan);
	if (json_array_size(totals) == 0)
		return;
	head(m, "bytes_total", "counter", "IP bytes of all scheduled audits together.");
	json_array_foreach(totals, i, wan) put_kinds(m, "bytes_total", wan, wan);
}

/* A number of each WAN that has it: the member `key` of its member `in` (NULL: of itself). */
static void put_each(const struct metrics *m, const char *name, const char *help, const char *in,
                     const char *key)
{
	const json_t *wan;
	bool headed = false;
	size_t i;

	json_array_foreach(json_object_get(m->report, "wans"), i, wan)
	{
		const json_t *o = in ? json_object_get(wan, in) : wan;
		char safe[STORED_NAME], role[STORED_NAME];

		if (!stored_has(o, key))
			continue;
		if (!headed)
			head(m, name, "gauge", help);
		headed = true;
		stored_name(role, wan, "role", 20);
		count(m, name, stored_number(o, key),
		      LABELS("wan", stored_name(safe, wan, "name", 100), "role", role));
	}
}

/* ---- findings ---- */

static const json_t *finding_of(const struct metrics *m, size_t *at, const char *rule)
{
	const json_t *findings = json_object_get(m->report, "findings"), *finding;

	while ((finding = json_array_get(findings, (*at)++)))
		if (strcmp(stored_text(finding, "rule"), rule) == 0 && stored_has(finding, "wan"))
			return finding;
	return NULL;
}

/* A share that A1 counted, of each backup. */
static void put_share(const struct metrics *m, const char *name, const char *help, const char *part)
{
	const json_t *finding;
	bool headed = false;
	char safe[STORED_NAME];

	for (size_t at = 0; (finding = finding_of(m, &at, "A1"));) {
		const json_t *share =
			json_object_get(stored_in(finding, "observed", "parts"), part);

		if (!stored_has(share, "value"))
			continue;
		if (!headed)
			head(m, name, "gauge", help);
		headed = true;
		sample(m, name, stored_real(share, "value"),
		       LABELS("wan", stored_name(safe, finding, "wan", 100)));
	}
}

static void put_outages(const struct metrics *m)
{
	const json_t *finding;
	bool headed = false;
	char safe[STORED_NAME];

	for (size_t at = 0; (finding = finding_of(m, &at, "A25"));) {
		const json_t *observed = json_object_get(finding, "observed");

		if (!headed)
			head(m, "outage_seconds", "gauge",
			     "Time in which a primary was out, of the judged time.");
		headed = true;
		sample(m, "outage_seconds",
		       seconds_of(stored_number(json_object_get(observed, "parts"), "outage_ns")),
		       LABELS("wan", stored_name(safe, finding, "wan", 100)));
	}
}

/* 0 pass, 1 warn, 2 fail, 3 not assessed: as the exit codes; what does not apply is left out. */
static int code_of(const json_t *finding)
{
	size_t status = stored_choice(finding, "status", status_names, STATUS_COUNT);

	switch (status) {
	case STATUS_PASS:
	case STATUS_WAIVED:
		return 0;
	case STATUS_WARN:
		return 1;
	case STATUS_FAIL:
		return 2;
	case STATUS_NOT_APPLICABLE:
		return -1;
	default:
		return 3;
	}
}

static bool same_place(const json_t *a, const json_t *b)
{
	return strcmp(stored_text(a, "rule"), stored_text(b, "rule")) == 0 &&
	       strcmp(stored_text(a, "wan"), stored_text(b, "wan")) == 0;
}

/* Several findings of one rule and WAN are one sample, that of the worst. */
static int worst_code(const json_t *findings, size_t index)
{
	static const int badness[] = {0, 2, 3, 1}; /* by code: fail > warn > not assessed > pass */
	const json_t *finding = json_array_get(findings, index), *other;
	int worst = -1;
	size_t i;

	json_array_foreach(findings, i, other)
	{
		int code = code_of(other);

		if (!same_place(finding, other))
			continue;
		if (i < index)
			return -1; /* told with the first of them */
		if (code >= 0 && (worst < 0 || badness[code] > badness[worst]))
			worst = code;
	}
	return worst;
}

static void put_rules(const struct metrics *m)
{
	const json_t *findings = json_object_get(m->report, "findings"), *finding;
	char rule[STORED_NAME], wan[STORED_NAME];
	size_t i;

	head(m, "rule_status", "gauge",
	     "Status of a rule: 0 pass, 1 warn, 2 fail, 3 not assessed.");
	json_array_foreach(findings, i, finding)
	{
		int code = worst_code(findings, i);

		if (code >= 0)
			count(m, "rule_status", (uint64_t)code,
			      LABELS("rule", stored_name(rule, finding, "rule", 20), "wan",
			             stored_name(wan, finding, "wan", 100)));
	}
}

/* ---- coverage ---- */

static double covered_ratio(const json_t *judged)
{
	const json_t *value;
	const char *key;
	double all = 0;

	json_object_foreach((json_t *)judged, key, value) all += json_number_value(value);
	return all > 0 ? stored_real(judged, "covered") / all : 0;
}

static void put_coverage(const struct metrics *m)
{
	const json_t *wans = stored_in(m->report, "coverage", "wans"), *wan;
	char safe[STORED_NAME];
	size_t i;

	head(m, "coverage_ratio", "gauge",
	     "Share of the judged time that was recorded; only of mptcp-captured's recordings.");
	json_array_foreach(wans, i, wan)
	{
		const json_t *judged = stored_in(wan, "recording", "judged_seconds");

		if (judged)
			sample(m, "coverage_ratio", covered_ratio(judged),
			       LABELS("wan", stored_name(safe, wan, "wan", 100)));
	}
	head(m, "dropped_frames", "gauge",
	     "Frames that were lost while capturing, where it is known.");
	json_array_foreach(wans, i, wan) if (stored_has(wan, "dropped_frames"))
		count(m, "dropped_frames", stored_number(wan, "dropped_frames"),
	              LABELS("wan", stored_name(safe, wan, "wan", 100)));
}

bool render_metrics(const json_t *report, enum language language, FILE *out)
{
	char site[STORED_NAME];
	struct metrics m = {report, out, stored_name(site, report, "site", 100)};

	(void)language; /* for machines */
	put_report(&m);
	put_bytes(&m);
	put_each(&m, "billed_bytes", "IP bytes that a carrier bills, of all that was counted.",
	         NULL, "billed_ip_bytes");
	put_each(&m, "expected_bytes", "What the counted traffic should cost on a backup at most.",
	         "cost", "expected_bytes");
	put_each(&m, "unexplained_bytes", "What a backup carried beyond that.", "cost",
	         "unexplained_bytes");
	put_share(&m, "payload_ratio",
	          "User payload of a backup by the bytes of the primaries, outages apart.",
	          "payload");
	put_share(&m, "standby_ratio",
	          "What keeping a backup ready cost by the bytes of the primaries.", "standby");
	put_outages(&m);
	put_rules(&m);
	put_coverage(&m);
	return true;
}
