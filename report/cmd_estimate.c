/* SPDX-License-Identifier: MIT
 *
 * cmd_estimate.c - mptcp-audit estimate: what keeping backups ready costs, without a capture.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_intake.h"
#include "cmd_render.h"
#include "cmd_write.h"
#include "command.h"
#include "estimate.h"
#include "history_text.h"
#include "output.h"
#include "page.h"
#include "quantity.h"
#include "text.h"

#define RANGE_TEXT (2 * TEXT_SHORT + 8)

enum {
	ESTIMATE_BACKUPS = OPTION_OWN,
	ESTIMATE_HOURS,
	ESTIMATE_CONNS,
	ESTIMATE_SUBFLOWS,
	ESTIMATE_TRACKER,
	ESTIMATE_KEEPALIVE,
	ESTIMATE_ENDS,
	ESTIMATE_PROXY_CHECK,
	ESTIMATE_STATUS,
	ESTIMATE_TRACEBOX,
	ESTIMATE_WITH,
	ESTIMATE_KERNEL,
	ESTIMATE_PRIMARY,
};

static const struct option options[] = {
	{"backups", required_argument, NULL, ESTIMATE_BACKUPS},
	{"hours", required_argument, NULL, ESTIMATE_HOURS},
	{"conns-per-hour", required_argument, NULL, ESTIMATE_CONNS},
	{"subflows", required_argument, NULL, ESTIMATE_SUBFLOWS},
	{"tracker", required_argument, NULL, ESTIMATE_TRACKER},
	{"keepalive", required_argument, NULL, ESTIMATE_KEEPALIVE},
	{"keepalive-ends", required_argument, NULL, ESTIMATE_ENDS},
	{"proxy-check", required_argument, NULL, ESTIMATE_PROXY_CHECK},
	{"status-check", required_argument, NULL, ESTIMATE_STATUS},
	{"path-check", required_argument, NULL, ESTIMATE_TRACEBOX},
	{"with", required_argument, NULL, ESTIMATE_WITH},
	{"kernel", required_argument, NULL, ESTIMATE_KERNEL},
	{"primary", required_argument, NULL, ESTIMATE_PRIMARY},
	{"json", required_argument, NULL, OPTION_JSON},
	{"lang", required_argument, NULL, OPTION_LANG},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int help(void)
{
	fputs("Usage: mptcp-audit estimate [OPTION]...\n"
	      "What a healthy backup costs while it only stands by, by measured constants.\n"
	      "TIME is 0.1s or more, such as 15s, 5min, 1h.\n\n"
	      "  --backups N         backup WANs, 1 to 64 (1)\n"
	      "  --hours H           hours a day in which they are on, up to 24 (24)\n"
	      "  --conns-per-hour N  MPTCP connections of the users, up to 10000000 (0); each\n"
	      "                      opens and closes a subflow on every backup\n"
	      "  --subflows N        subflows that stand idle on a backup at any time, up to\n"
	      "                      65536 (1)\n"
	      "  --tracker TIME|none    interval of omr-tracker (2s)\n"
	      "  --keepalive TIME|none  interval of TCP keepalives (15s; Xray: 45s)\n"
	      "  --keepalive-ends 1|2   which ends send them (not known: 1 to 2)\n"
	      "  --proxy-check TIME|none   interval of connections that test the proxy (10s)\n"
	      "  --status-check TIME|none  interval of questions for the public address (1h)\n"
	      "  --path-check TIME|none    interval of tests whether MPTCP passes (600s)\n"
	      "  --with WORD[,WORD]  what else runs over each backup:\n",
	      stdout);
	for (size_t i = 0; i < cost_n_extras; i++)
		printf("                      %-13s %s\n", cost_extras[i].word,
		       message_template(cost_extras[i].words, LANGUAGE_EN));
	fputs("  --kernel 6.18|6.1|5.4  whose costs of a subflow to take (6.18)\n"
	      "  --primary BYTES     what the primary carries in such a day, such as 20GB: the\n"
	      "                      share is told\n"
	      "  --json FILE|-       the same as JSON (- instead of the text)\n"
	      "  --lang LANGUAGE     en (default) or zh-CN\n",
	      stdout);
	return EXIT_PASS;
}

/* ---- options ---- */

static bool read_count(const char *text, double most, double *value)
{
	char *end;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && isfinite(*value) && *value <= most && !strpbrk(text, "xXpP");
}

static bool read_interval(const char *text, double *seconds)
{
	if (strcmp(text, "none") != 0)
		return quantity_seconds(text, seconds) && *seconds >= 0.1;
	*seconds = 0;
	return true;
}

static bool read_with(const char *text, uint64_t *extras)
{
	while (*text) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < cost_n_extras && (strlen(cost_extras[i].word) != length ||
		                             strncmp(cost_extras[i].word, text, length) != 0))
			i++;
		if (i == cost_n_extras)
			return false;
		*extras |= UINT64_C(1) << i;
		text += length;
		text += *text == ',';
	}
	return true;
}

static bool read_kernel(const char *text, struct estimate_ask *ask)
{
	ask->kernel = cost_kernel(text);
	return ask->kernel != NULL;
}

static bool take(struct estimate_ask *ask, int option, const char *text)
{
	double value = 0;
	uint64_t bytes = 0;
	bool taken;

	switch (option) {
	case ESTIMATE_BACKUPS:
		taken = read_count(text, 64, &value) && value >= 1 && value == floor(value);
		ask->backups = (unsigned)value;
		return taken;
	case ESTIMATE_HOURS:
		return read_count(text, 24, &ask->hours) && ask->hours > 0;
	case ESTIMATE_CONNS:
		return read_count(text, 1e7, &ask->conns_per_hour);
	case ESTIMATE_SUBFLOWS:
		return read_count(text, 65536, &ask->subflows);
	case ESTIMATE_TRACKER:
		return read_interval(text, &ask->tracker_s);
	case ESTIMATE_KEEPALIVE:
		return read_interval(text, &ask->keepalive_s);
	case ESTIMATE_ENDS:
		taken = read_count(text, 2, &value) && (value == 1 || value == 2);
		ask->keepalive_ends = (unsigned)value;
		return taken;
	case ESTIMATE_PROXY_CHECK:
		return read_interval(text, &ask->proxy_check_s);
	case ESTIMATE_STATUS:
		return read_interval(text, &ask->status_s);
	case ESTIMATE_TRACEBOX:
		return read_interval(text, &ask->tracebox_s);
	case ESTIMATE_WITH:
		return read_with(text, &ask->extras);
	case ESTIMATE_KERNEL:
		return read_kernel(text, ask);
	default:
		taken = quantity_bytes(text, &bytes, NULL) && bytes > 0;
		ask->primary_per_day = (double)bytes;
		return taken;
	}
}

/* What the option takes stands in --help; here only that this is not it. */
static int refuse(int option, const char *text)
{
	const char *name = "";

	for (size_t i = 0; options[i].name; i++)
		if (options[i].val == option)
			name = options[i].name;
	if (option == ESTIMATE_KERNEL)
		return command_complain(
			EXIT_USAGE,
			"--kernel: costs were measured on 6.18, 6.1 and 5.4, not on \"%s\"; take "
			"the nearest (6.6 and later: 6.18)",
			text);
	return command_complain(EXIT_USAGE,
	                        "--%s: \"%s\" is not understood; estimate --help lists "
	                        "what it takes",
	                        name, text);
}

/* ---- text ---- */

static uint64_t whole(double bytes)
{
	return bytes < 1e18 ? (uint64_t)(bytes + 0.5) : UINT64_C(1000000000000000000);
}

/* "4.84 to 6.45 MB", "836 B" */
static const char *range_text(char out[RANGE_TEXT], const struct range *range, double times,
                              enum language language)
{
	const struct telling how = {.language = language};
	char low[TEXT_SHORT], high[TEXT_SHORT], message[RANGE_TEXT + 40];
	char *unit;

	text_bytes(low, whole(range->low * times));
	text_bytes(high, whole(range->high * times));
	unit = strchr(low, ' ');
	if (strcmp(low, high) == 0) {
		snprintf(out, RANGE_TEXT, "%s", high);
		return out;
	}
	if (unit && strchr(high, ' ') && strcmp(unit, strchr(high, ' ')) == 0)
		*unit = '\0';
	return message_words(out, RANGE_TEXT, SAY_IN(message, estimate_range, low, high), &how);
}

static void print_columns(const char *words, const char *hour, const char *day, const char *month)
{
	fputs("  ", stdout);
	text_column(stdout, words, 41, false);
	putchar(' ');
	text_column(stdout, hour, 17, true);
	putchar(' ');
	text_column(stdout, day, 17, true);
	putchar(' ');
	text_column(stdout, month, 17, true);
	putchar('\n');
}

static void print_row(const char *words, const struct range *bytes, const struct estimate_ask *ask,
                      double times, enum language language)
{
	char a[RANGE_TEXT], b[RANGE_TEXT], c[RANGE_TEXT];

	print_columns(words, range_text(a, bytes, times, language),
	              range_text(b, bytes, times * ask->hours, language),
	              range_text(c, bytes, times * ask->hours * ESTIMATE_MONTH_DAYS, language));
}

static void tell(const char *message, enum language language)
{
	const struct telling how = {.language = language};
	char words[800];

	page_wrap(stdout, message_words(words, sizeof(words), message, &how), 0, false);
}

static void print_share(const struct estimate *estimate, const struct estimate_ask *ask,
                        enum language language)
{
	char primary[TEXT_SHORT], low[TEXT_SHORT], high[TEXT_SHORT], message[400];
	uint64_t of = whole(ask->primary_per_day);

	if (of == 0)
		return;
	putchar('\n');
	tell(SAY_IN(message, estimate_share, text_bytes(primary, of),
	            text_percent(low, whole(estimate->per_hour.low * ask->hours), of),
	            text_percent(high, whole(estimate->per_hour.high * ask->hours), of)),
	     language);
}

/* Where the row's figure comes from, below it. */
static void print_source(const struct estimate_row *row, enum language language)
{
	const struct telling how = {.language = language};
	char source[60], message[200], words[400];

	message_say(source, sizeof(source), row->source, (const char *const[]){NULL});
	if (row->measured)
		snprintf(message, sizeof(message), "%s", source);
	else
		SAY_IN(message, estimate_estimated, source);
	printf("      %s\n", message_words(words, sizeof(words), message, &how));
}

static int print_text(const struct estimate *estimate, const struct estimate_ask *ask,
                      enum language language)
{
	const struct telling how = {.language = language};
	char hours[24], number[24], message[700], words[200];

	snprintf(hours, sizeof(hours), "%g", ask->hours);
	tell(SAY_IN(message, estimate_head, ask->kernel->name, hours), language);
	putchar('\n');
	print_columns(WORDS(estimate_bytes, language), WORDS(estimate_hour, language),
	              WORDS(estimate_day, language), WORDS(estimate_month, language));
	for (size_t i = 0; i < estimate->n_rows; i++) {
		print_row(message_template(estimate->rows[i].words, language),
		          &estimate->rows[i].bytes, ask, 1, language);
		print_source(&estimate->rows[i], language);
	}
	print_row(WORDS(estimate_each, language), &estimate->per_hour, ask, 1, language);
	if (ask->backups > 1) {
		snprintf(number, sizeof(number), "%u", ask->backups);
		message_words(words, sizeof(words), SAY_IN(message, estimate_all, number), &how);
		print_row(words, &estimate->per_hour, ask, ask->backups, language);
	}
	print_share(estimate, ask, language);
	putchar('\n');
	tell(SAY_IN(message, estimate_end), language);
	return fflush(stdout) == 0 ? 0 : EXIT_CANNOT_WRITE;
}

/* ---- JSON ---- */

static json_t *range_json(const struct range *range, double times)
{
	return json_pack("{s:I,s:I}", "low", (json_int_t)whole(range->low * times), "high",
	                 (json_int_t)whole(range->high * times));
}

static json_t *sums_json(const struct range *range, const struct estimate_ask *ask, double times)
{
	return json_pack("{s:o,s:o,s:o}", "bytes_per_hour", range_json(range, times),
	                 "bytes_per_day", range_json(range, times * ask->hours), "bytes_per_month",
	                 range_json(range, times * ask->hours * ESTIMATE_MONTH_DAYS));
}

static json_t *rows_json(const struct estimate *estimate, const struct estimate_ask *ask)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < estimate->n_rows; i++) {
		const struct estimate_row *row = &estimate->rows[i];
		json_t *o = sums_json(&row->bytes, ask, 1);

		json_object_set_new(o, "id", json_string(row->id));
		json_object_set_new(o, "words",
		                    json_string(message_template(row->words, LANGUAGE_EN)));
		json_object_set_new(o, "source",
		                    json_string(message_template(row->source, LANGUAGE_EN)));
		json_object_set_new(o, "measured", json_boolean(row->measured));
		if (row->each_high > 0) {
			json_object_set_new(o, "each_bytes",
			                    json_pack("{s:f,s:f}", "low", row->each_low, "high",
			                              row->each_high));
			json_object_set_new(o, "per_hour",
			                    json_pack("{s:f,s:f}", "low", row->per_hour.low, "high",
			                              row->per_hour.high));
		}
		json_array_append_new(rows, o);
	}
	return rows;
}

static json_t *estimate_json(const struct estimate *estimate, const struct estimate_ask *ask)
{
	json_t *share = json_null();

	if (ask->primary_per_day > 0)
		share = json_pack("{s:I,s:f,s:f}", "primary_bytes_per_day",
		                  (json_int_t)whole(ask->primary_per_day), "low",
		                  estimate->per_hour.low * ask->hours / ask->primary_per_day,
		                  "high",
		                  estimate->per_hour.high * ask->hours / ask->primary_per_day);
	return json_pack(
		"{s:s,s:s,s:s,s:f,s:i,s:i,s:o,s:o,s:o,s:o}", "schema", "mptcp-audit.estimate/1.0",
		"tool", MPTCP_AUDIT_VERSION, "kernel", ask->kernel->name, "hours_per_day",
		ask->hours, "backups", (int)ask->backups, "days_per_month", ESTIMATE_MONTH_DAYS,
		"sources", rows_json(estimate, ask), "each_backup",
		sums_json(&estimate->per_hour, ask, 1), "all_backups",
		sums_json(&estimate->per_hour, ask, ask->backups), "share_of_primary", share);
}

static int write_estimate(const struct estimate *estimate, const struct estimate_ask *ask,
                          const char *path)
{
	json_t *json = estimate_json(estimate, ask);
	int code = json ? write_json(json, path) : command_complain(EXIT_INTERNAL, "out of memory");

	json_decref(json);
	return code;
}

int cmd_estimate(int argc, char **argv)
{
	struct estimate_ask ask;
	struct estimate estimate;
	enum language language = LANGUAGE_EN;
	const char *json = NULL;
	int option, code = 0;

	estimate_defaults(&ask);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option == '?' || option == ':')
			return intake_bad_option(argv, options, option);
		if (option == OPTION_LANG) {
			if (!render_language(optarg, &language))
				return EXIT_USAGE;
			continue;
		}
		if (option == OPTION_JSON)
			json = optarg;
		else if (!take(&ask, option, optarg))
			return refuse(option, optarg);
	}
	if (optind < argc)
		return command_complain(EXIT_USAGE,
		                        "estimate reads no captures (\"%s\"): report does",
		                        argv[optind]);
	estimate_make(&estimate, &ask);
	if (json)
		code = write_estimate(&estimate, &ask, json);
	if (code == 0 && !(json && strcmp(json, "-") == 0))
		code = print_text(&estimate, &ask, language);
	return code;
}
