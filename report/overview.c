/* SPDX-License-Identifier: MIT
 *
 * overview.c - see overview.h.
 */
#include "overview.h"

#include <stdlib.h>
#include <string.h>

#include "filed.h"
#include "text.h"

/* ---- one line each ---- */

static double share_of(const json_t *row)
{
	const json_t *share = json_object_get(row, "payload_share");
	uint64_t of = stored_number(share, "denominator");

	return of ? (double)stored_number(share, "numerator") / (double)of : -1;
}

/* What A1 saw of a WAN; null when it saw nothing. */
static json_t *find_share(const json_t *report, const char *wan)
{
	const json_t *finding, *observed;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		const char *rule = filed_text(finding, "rule"), *of = filed_text(finding, "wan");

		observed = json_object_get(finding, "observed");
		if (rule && of && strcmp(rule, "A1") == 0 && strcmp(of, wan) == 0 &&
		    stored_number(observed, "denominator"))
			return json_pack("{s:I, s:I}", "numerator",
			                 (json_int_t)stored_number(observed, "numerator"),
			                 "denominator",
			                 (json_int_t)stored_number(observed, "denominator"));
	}
	return json_null();
}

static void add_backups(json_t *row, const json_t *report)
{
	const json_t *wan;
	uint64_t billed = 0;
	size_t i;

	json_object_set_new(row, "wan", json_null());
	json_object_set_new(row, "payload_share", json_null());
	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		const char *role = filed_text(wan, "role"), *name = filed_text(wan, "name");
		json_t *share;
		double before = share_of(row);

		if (!role || !name || strcmp(role, "backup") != 0)
			continue;
		if (billed < UINT64_C(1) << 60)
			billed += stored_number(wan, "billed_ip_bytes");
		share = json_pack("{s:o}", "payload_share", find_share(report, name));
		if (share_of(share) > before || json_is_null(json_object_get(row, "wan"))) {
			json_object_set_new(row, "wan", json_string(name));
			json_object_update(row, share);
		}
		json_decref(share);
	}
	json_object_set_new(row, "billed_bytes",
	                    json_integer((json_int_t)(billed >> 62 ? INT64_MAX : billed)));
}

json_t *overview_new(void)
{
	return json_pack("{s:s, s:i, s:[], s:i, s:[]}", "schema", "mptcp-audit.index/1.0", "files",
	                 0, "reports", "older", 0, "broken");
}

static void count(json_t *overview, const char *key)
{
	json_t *n = json_object_get(overview, key);

	json_integer_set(n, json_integer_value(n) + 1);
}

static json_t *file_json(const char *name)
{
	char *valid = text_utf8(name);
	json_t *o = valid ? json_string(valid) : json_null();

	free(valid);
	return o;
}

void overview_add(json_t *overview, const json_t *report, const char *file, const char *page)
{
	json_t *message = json_object_get(json_object_get(report, "messages"), "sentence"),
	       *row = json_pack("{s:o, s:o, s:s?, s:s, s:s}", "file", file_json(file), "page",
	                        page ? file_json(page) : json_null(), "site",
	                        filed_text(report, "site"), "verdict",
	                        filed_text(report, "verdict"), "sentence",
	                        filed_text(report, "sentence"));
	int64_t from = 0, to = 0;

	if (!row)
		return;
	if (message)
		json_object_set_new(row, "messages", json_pack("{s:O}", "sentence", message));
	json_object_set(row, "window", json_object_get(report, "window"));
	json_object_set(row, "generated", json_object_get(report, "generated"));
	json_object_set_new(row, "end_ns", json_integer(filed_extent(report, &from, &to) ? to : 0));
	add_backups(row, report);
	count(overview, "files");
	json_array_append_new(json_object_get(overview, "reports"), row);
}

void overview_add_broken(json_t *overview, const char *file, const char *why)
{
	const struct telling english = {.language = LANGUAGE_EN};
	char words[600];

	count(overview, "files");
	json_array_append_new(json_object_get(overview, "broken"),
	                      json_pack("{s:o, s:s, s:{s:o}}", "file", file_json(file), "why",
	                                message_words(words, sizeof(words), why, &english),
	                                "messages", "why", message_json(why)));
}

/* ---- the order ---- */

static const char *site_of(const json_t *row)
{
	const char *site = filed_text(row, "site");

	return site ? site : "";
}

/* By site, of each the newest first. */
static int by_site(const void *a, const void *b)
{
	const json_t *p = *(json_t *const *)a, *q = *(json_t *const *)b;
	uint64_t p_end = stored_number(p, "end_ns"), q_end = stored_number(q, "end_ns");
	const char *p_made = filed_text(p, "generated"), *q_made = filed_text(q, "generated");
	int order = strcmp(site_of(p), site_of(q));

	if (order == 0)
		order = (p_end < q_end) - (p_end > q_end);
	if (order == 0)
		order = strcmp(q_made ? q_made : "", p_made ? p_made : "");
	return order ? order : strcmp(filed_text(p, "file"), filed_text(q, "file"));
}

/* Worst first: the verdict, the share of user data, the bytes. */
static int by_badness(const void *a, const void *b)
{
	const json_t *p = *(json_t *const *)a, *q = *(json_t *const *)b;
	unsigned p_rank = filed_rank(filed_status(filed_text(p, "verdict"))),
		 q_rank = filed_rank(filed_status(filed_text(q, "verdict")));
	uint64_t p_bytes = stored_number(p, "billed_bytes"),
		 q_bytes = stored_number(q, "billed_bytes");
	double p_share = share_of(p), q_share = share_of(q);

	if (p_rank != q_rank)
		return p_rank < q_rank ? 1 : -1;
	if (p_share < q_share || p_share > q_share)
		return p_share < q_share ? 1 : -1;
	if (p_bytes != q_bytes)
		return p_bytes < q_bytes ? 1 : -1;
	return by_site(a, b);
}

void overview_finish(json_t *overview, bool all)
{
	json_t *reports = json_object_get(overview, "reports"), *row;
	size_t n = json_array_size(reports), kept = 0, i;
	json_t **rows = n ? calloc(n, sizeof(*rows)) : NULL;

	if (!rows)
		return;
	json_array_foreach(reports, i, row) rows[i] = json_incref(row);
	json_array_clear(reports);
	qsort(rows, n, sizeof(*rows), by_site);
	for (i = 0; i < n; i++) {
		if (!all && kept > 0 && *site_of(rows[i]) &&
		    strcmp(site_of(rows[kept - 1]), site_of(rows[i])) == 0) {
			json_decref(rows[i]);
			count(overview, "older");
		} else {
			rows[kept++] = rows[i];
		}
	}
	qsort(rows, kept, sizeof(*rows), by_badness);
	for (i = 0; i < kept; i++) {
		json_object_del(rows[i], "end_ns");
		json_array_append_new(reports, rows[i]);
	}
	free(rows);
}
