/* SPDX-License-Identifier: MIT
 *
 * history_text.c - see history_text.h.
 */
#include "history_text.h"

#include <stdlib.h>
#include <string.h>

#include "filed.h"
#include "history.h"
#include "label.h"
#include "page.h"
#include "text.h"

const char *status_word(enum status status, enum language language)
{
	static const enum message words[STATUS_COUNT] = {
		[STATUS_PASS] = MESSAGE_page_status_pass,
		[STATUS_WARN] = MESSAGE_page_status_warn,
		[STATUS_FAIL] = MESSAGE_page_status_fail,
		[STATUS_NOT_ASSESSED] = MESSAGE_page_status_not_assessed,
		[STATUS_NOT_APPLICABLE] = MESSAGE_page_status_not_applicable,
		[STATUS_ERROR] = MESSAGE_page_status_error,
		[STATUS_WAIVED] = MESSAGE_page_status_waived,
	};

	return message_template(words[status], language);
}

/* Characters of three bytes and more are as wide as two letters here: all of ours are Chinese. */
static unsigned width_of(const char *text)
{
	unsigned width = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width += (unsigned char)*text >= 0xe0 ? 2 : 1;
	return width;
}

void text_column(FILE *out, const char *text, unsigned columns, bool right)
{
	unsigned width = width_of(text), pad = width < columns ? columns - width : 0;

	if (right)
		fprintf(out, "%*s", (int)pad, "");
	fputs(text, out);
	if (!right)
		fprintf(out, "%*s", (int)pad, "");
}

/* ---- names ---- */

#define NAME_SIZE 400

static const char *site_text(const json_t *o, enum language language, char out[NAME_SIZE])
{
	const char *name = filed_text(o, "site");

	return name ? text_safe(out, NAME_SIZE, name, 40) : WORDS(no_site_name, language);
}

static void zone_of(const json_t *o, struct zone *zone)
{
	const char *text = filed_text(o, "time_zone");

	if (!text || !zone_parse(zone, text))
		zone_utc(zone);
}

/* ---- the list ---- */

static void print_audit(const json_t *audit, const struct telling *how, FILE *out)
{
	char name[NAME_SIZE], message[4600], words[6000], safe[8000], span[MESSAGE_TIME], when[200];
	int64_t from = 0, to = 0;

	filed_time(audit, "start", &from);
	filed_time(audit, "end", &to);
	message_words(when, sizeof(when), message_span(span, (uint64_t)from, (uint64_t)to), how);
	stored_message(message, sizeof(message), audit, "sentence");
	message_words(words, sizeof(words), message, how);
	fprintf(out, "%s  %s  %s\n", when, site_text(audit, how->language, name),
	        status_word(filed_status(filed_text(audit, "verdict")), how->language));
	page_wrap(out, text_brief(safe, sizeof(safe), words, 300), 4, false);
}

void history_print_list(const json_t *list, enum language language, FILE *out)
{
	const struct telling how = {.language = language};
	const json_t *audits = json_object_get(list, "audits"), *audit;
	uint64_t more = stored_number(list, "more");
	char n[TEXT_SHORT], all[TEXT_SHORT], message[200], words[200];
	size_t i;

	json_array_foreach(audits, i, audit) print_audit(audit, &how, out);
	if (json_array_size(audits) == 0)
		fprintf(out, "%s\n", WORDS(history_nothing, language));
	if (more) {
		snprintf(all, sizeof(all), "%zu", json_array_size(audits) + (size_t)more);
		fprintf(out, "%s\n",
		        message_words(words, sizeof(words),
		                      SAY_IN(message, history_more, text_count(n, more), all),
		                      &how));
	}
}

/* ---- trends ---- */

static enum history_tier tier_of(const json_t *trend)
{
	const char *by = filed_text(trend, "by");

	for (enum history_tier tier = 0; by && tier < TIER_COUNT; tier++)
		if (strcmp(by, history_tier_names[tier]) == 0)
			return tier;
	return TIER_DAY;
}

/* The beginning of a step, as short as the step allows. */
static const char *step_text(const json_t *point, const struct zone *zone, enum history_tier tier,
                             char out[64])
{
	static const size_t lengths[TIER_COUNT] = {16, 16, 10, 7}; /* of "2026-01-02 15:05" */
	int64_t from = 0;

	filed_time(point, "start", &from);
	zone_text(zone, from / 1000000000, out, 64);
	out[lengths[tier]] = '\0';
	return out;
}

static uint64_t sum_of(const json_t *point, const char *what)
{
	return stored_number(json_object_get(point, "sums"), what);
}

static const char *share_text(const json_t *point, char out[TEXT_SHORT])
{
	const json_t *share = json_object_get(json_object_get(point, "shares"), "payload");

	return text_percent(out, stored_number(share, "numerator"),
	                    stored_number(share, "denominator"));
}

#define BAR 16

static void print_bar(uint64_t value, uint64_t most, FILE *out)
{
	unsigned n = most ? (unsigned)((double)value / (double)most * BAR + 0.5) : 0;

	if (value > 0 && n == 0)
		n = 1;
	fputs(n ? "  " : "", out);
	while (n-- > 0)
		fputc('#', out);
}

struct trend_page {
	FILE *out;
	enum language language;
	enum history_tier by;
	const char *kind; /* NULL = none */
	struct zone zone;
	uint64_t most; /* of what the bar shows */
};

/* What stands in the column of --kind, or without it: its word in the order of
 * history_what_names. */
static const char *value_title(const struct trend_page *page)
{
	static const enum message words[WHAT_COUNT] = {
		MESSAGE_what_frames,        MESSAGE_what_wire,          MESSAGE_what_up,
		MESSAGE_what_down,          MESSAGE_what_billed,        MESSAGE_what_local,
		MESSAGE_what_carrying,      MESSAGE_what_standby,       MESSAGE_what_healthy,
		MESSAGE_what_degraded,      MESSAGE_what_after,         MESSAGE_what_outage,
		MESSAGE_what_unknown,       MESSAGE_what_share_payload, MESSAGE_what_share_standby,
		MESSAGE_what_share_primary, MESSAGE_what_payload,       MESSAGE_what_repeated,
		MESSAGE_what_keepalive,     MESSAGE_what_ack,           MESSAGE_what_signalling,
		MESSAGE_what_other,         MESSAGE_what_unread,
	};

	if (!page->kind)
		return WORDS(column_carrying, page->language);
	for (size_t i = 0; i < WHAT_COUNT; i++)
		if (strcmp(history_what_names[i], page->kind) == 0)
			return message_template(words[i], page->language);
	return page->kind;
}

static void print_heading(const struct trend_page *page)
{
	enum language l = page->language;

	fputs("  ", page->out);
	text_column(page->out, WORDS(column_time, l), 17, false);
	text_column(page->out, WORDS(column_verdict, l), 13, false);
	text_column(page->out, WORDS(column_audits, l), 7, true);
	text_column(page->out, WORDS(column_billed, l), 10, true);
	text_column(page->out, value_title(page), 14, true);
	text_column(page->out, WORDS(column_share, l), 10, true);
	fputs("\n", page->out);
}

static const char *value_name(const struct trend_page *page)
{
	return page->kind ? page->kind : "carrying";
}

static void print_point(const struct trend_page *page, const json_t *point)
{
	const char *verdict = filed_text(point, "verdict");
	char text[64], count[TEXT_SHORT], bytes[TEXT_SHORT];

	fputs("  ", page->out);
	text_column(page->out, step_text(point, &page->zone, page->by, text), 17, false);
	if (!verdict) {
		fprintf(page->out, "%s\n", WORDS(not_audited, page->language));
		return;
	}
	text_column(page->out, status_word(filed_status(verdict), page->language), 13, false);
	text_column(page->out, text_count(count, stored_number(point, "audits")), 7, true);
	text_column(page->out, text_bytes(bytes, sum_of(point, "billed")), 10, true);
	text_column(page->out, text_bytes(bytes, sum_of(point, value_name(page))), 14, true);
	text_column(page->out, share_text(point, bytes), 10, true);
	print_bar(sum_of(point, page->kind ? page->kind : "billed"), page->most, page->out);
	fputs("\n", page->out);
}

static void print_mark(const struct trend_page *page, const json_t *point)
{
	const struct telling how = {.language = page->language};
	uint64_t counted = stored_number(point, "counted_bytes"),
		 unexplained = stored_number(point, "unexplained_bytes");
	char day[64], a[TEXT_SHORT], b[TEXT_SHORT], c[TEXT_SHORT], message[400], words[600];

	if (!json_is_true(json_object_get(point, "marked")))
		return;
	SAY_IN(message, history_marked, step_text(point, &page->zone, TIER_DAY, day),
	       text_bytes(a, counted), text_bytes(b, counted - unexplained),
	       text_bytes(c, unexplained));
	fprintf(page->out, "  %s\n", message_words(words, sizeof(words), message, &how));
}

static void print_wan(struct trend_page *page, const json_t *wan)
{
	static const enum message titles[TIER_COUNT] = {
		MESSAGE_history_by_5min, MESSAGE_history_by_hour, MESSAGE_history_by_day,
		MESSAGE_history_by_month};
	const struct telling how = {.language = page->language};
	const json_t *points = json_object_get(wan, "points"), *point;
	const char *role = filed_text(wan, "role"), *name = filed_text(wan, "wan");
	char safe[NAME_SIZE], site[NAME_SIZE], message[1000], words[1000], n[TEXT_SHORT],
		said[LABEL_SIZE], both[NAME_SIZE + LABEL_SIZE + 40];
	size_t i;

	zone_of(wan, &page->zone);
	page->most = 0;
	json_array_foreach(points, i, point)
	{
		uint64_t value = sum_of(point, page->kind ? page->kind : "billed");

		page->most = value > page->most ? value : page->most;
	}
	text_safe(safe, sizeof(safe), name ? name : "", 40);
	if (role)
		SAY_IN(both, in_brackets, safe, label_role(said, role));
	message_say(message, sizeof(message), titles[page->by],
	            (const char *const[]){site_text(wan, page->language, site), role ? both : safe,
	                                  NULL});
	fprintf(page->out, "%s\n", message_words(words, sizeof(words), message, &how));
	print_heading(page);
	json_array_foreach(points, i, point) print_point(page, point);
	json_array_foreach(points, i, point) print_mark(page, point);
	if (stored_number(wan, "longer")) {
		SAY_IN(message, history_longer, text_count(n, stored_number(wan, "longer")));
		fprintf(page->out, "  %s\n", message_words(words, sizeof(words), message, &how));
	}
}

/* ---- many sites: a line each ---- */

#define TREND_WHOLE 8  /* WANs whose steps are all told */
#define TREND_ROWS  40 /* lines of a list of more */

struct trend_row {
	const json_t *wan;
	uint64_t value;
	const char *verdict; /* of the last step that was audited */
	size_t at;
};

static int by_value(const void *one, const void *two)
{
	const struct trend_row *a = one, *b = two;

	if (a->value != b->value)
		return a->value < b->value ? 1 : -1;
	return a->at < b->at ? -1 : 1;
}

static struct trend_row row_of(const json_t *wan, const char *what, size_t at)
{
	struct trend_row row = {.wan = wan, .at = at};
	const json_t *point;
	size_t i;

	json_array_foreach(json_object_get(wan, "points"), i, point)
	{
		const char *verdict = filed_text(point, "verdict");

		row.value += sum_of(point, what);
		row.verdict = verdict ? verdict : row.verdict;
	}
	return row;
}

static void print_trend_row(const struct trend_page *page, const struct trend_row *row,
                            uint64_t most)
{
	const char *wan = filed_text(row->wan, "wan");
	char site[NAME_SIZE], name[NAME_SIZE], safe[NAME_SIZE], bytes[TEXT_SHORT];

	fputs("  ", page->out);
	text_column(page->out,
	            row->verdict ? status_word(filed_status(row->verdict), page->language) : "-",
	            13, false);
	text_safe(safe, sizeof(safe), site_text(row->wan, page->language, site), 22);
	text_column(page->out, safe, 23, false);
	text_column(page->out, text_safe(name, sizeof(name), wan ? wan : "", 11), 12, false);
	text_column(page->out, text_bytes(bytes, row->value), 10, true);
	print_bar(row->value, most, page->out);
	fputs("\n", page->out);
}

static bool is_primary(const json_t *wan)
{
	const char *role = filed_text(wan, "role");

	return role && (strcmp(role, "master") == 0 || strcmp(role, "on") == 0);
}

/* Of more WANs than anybody reads the steps of: what each came to, the largest first. */
static void print_sites(const struct trend_page *page, const json_t *wans)
{
	const struct telling how = {.language = page->language};
	size_t n = 0, i;
	struct trend_row *rows = calloc(json_array_size(wans), sizeof(*rows));
	char all[TEXT_SHORT], shown[TEXT_SHORT], message[400], words[600];
	const json_t *wan;

	if (!rows)
		return;
	json_array_foreach(wans, i, wan) if (!is_primary(wan)) rows[n++] =
		row_of(wan, page->kind ? page->kind : "billed", i);
	qsort(rows, n, sizeof(*rows), by_value);
	for (i = 0; i < n && i < TREND_ROWS; i++)
		print_trend_row(page, &rows[i], rows[0].value);
	SAY_IN(message, history_many, text_count(shown, n < TREND_ROWS ? n : TREND_ROWS),
	       text_count(all, n));
	fputs("\n", page->out);
	page_wrap(page->out, message_words(words, sizeof(words), message, &how), 0, false);
	free(rows);
}

void history_print_trend(const json_t *trend, const char *kind, enum language language, FILE *out)
{
	struct trend_page page = {
		.out = out, .language = language, .by = tier_of(trend), .kind = kind};
	const json_t *wans = json_object_get(trend, "wans"), *wan;
	size_t i;

	if (json_array_size(wans) > TREND_WHOLE) {
		print_sites(&page, wans);
		return;
	}
	json_array_foreach(wans, i, wan)
	{
		fputs(i ? "\n" : "", out);
		print_wan(&page, wan);
	}
	if (json_array_size(wans) == 0)
		fprintf(out, "%s\n", WORDS(history_nothing, language));
}

void history_print_marks(const json_t *trend, enum language language, FILE *out)
{
	struct trend_page page = {.out = out, .language = language, .by = TIER_DAY};
	const json_t *wan, *point;
	size_t i, j;

	json_array_foreach(json_object_get(trend, "wans"), i, wan)
	{
		zone_of(wan, &page.zone);
		json_array_foreach(json_object_get(wan, "points"), j, point)
			print_mark(&page, point);
	}
}

/* ---- CSV ---- */

/* RFC 4180. What a spreadsheet would take for a formula gets a blank before it. */
static void print_cell(const char *text, FILE *out)
{
	char safe[NAME_SIZE];

	text_safe(safe, sizeof(safe), text, 80);
	fputs(strchr("=+-@", safe[0]) && safe[0] ? "\" " : "\"", out);
	for (const char *at = safe; *at; at++) {
		if (*at == '"')
			fputc('"', out);
		fputc(*at, out);
	}
	fputc('"', out);
}

static void print_row(const json_t *wan, const json_t *point, FILE *out)
{
	const char *cells[] = {filed_text(wan, "site"), filed_text(wan, "wan"),
	                       filed_text(wan, "role")};
	const char *plain[] = {filed_text(point, "start"), filed_text(point, "end"),
	                       filed_text(point, "verdict")};

	for (size_t i = 0; i < 3; i++) {
		print_cell(cells[i] ? cells[i] : "", out);
		fputc(',', out);
	}
	for (size_t i = 0; i < 3; i++)
		fprintf(out, "%s,", plain[i] ? plain[i] : "");
	fprintf(out, "%llu,%.0f", (unsigned long long)stored_number(point, "audits"),
	        json_number_value(json_object_get(point, "seconds")));
	for (size_t i = 0; i < WHAT_COUNT; i++)
		fprintf(out, ",%llu", (unsigned long long)sum_of(point, history_what_names[i]));
	if (json_object_get(point, "counted_bytes"))
		fprintf(out, ",%llu", (unsigned long long)stored_number(point, "counted_bytes"));
	else
		fputc(',', out);
	fputs("\r\n", out);
}

void history_print_csv(const json_t *trend, FILE *out)
{
	const json_t *wan, *point;
	size_t i, j;

	fputs("site,wan,role,start,end,verdict,audits,seconds", out);
	for (i = 0; i < WHAT_COUNT; i++)
		fprintf(out, ",%s", history_what_names[i]);
	fputs(",counted_bytes\r\n", out);
	json_array_foreach(json_object_get(trend, "wans"), i, wan)
		json_array_foreach(json_object_get(wan, "points"), j, point)
			print_row(wan, point, out);
}
