/* SPDX-License-Identifier: MIT
 *
 * cmd_window.c - see cmd_window.h.
 */
#include "cmd_window.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "quantity.h"

#define NS        1000000000u
#define COUNT_MAX 100000
#define HOUR_S    3600

const char window_help[] =
	"  --from TIME, --to TIME   judge this time only; what was captured before it tells of\n"
	"                      connections, and is not counted. RFC 3339, or by the site's\n"
	"                      clocks: 2026-03-29, \"2026-03-29 14:00\". Of a spool, files\n"
	"                      behind the window are not read; those before it are, unless a\n"
	"                      --state knows them\n"
	"  --window Nh|Nd|period   the last N whole hours or days before now (or from --from), or\n"
	"                      the billing period that runs now\n"
	"  --zone TZ           the site's clocks, as POSIX writes them: "
	"CET-1CEST,M3.5.0,M10.5.0/3\n"
	"  --billing-day N     the day of the month (1 to 31) on which a billing period begins\n";

int window_option(struct window_ask *ask, int option, const char *argument)
{
	char *end;

	switch (option) {
	case OPTION_FROM:
		ask->from = argument;
		return 0;
	case OPTION_TO:
		ask->to = argument;
		return 0;
	case OPTION_WINDOW:
		ask->window = argument;
		return 0;
	case OPTION_ZONE:
		ask->zone = argument;
		return 0;
	case OPTION_BILLING_DAY:
		ask->billing_day = (int)strtoul(argument, &end, 10);
		if (*end || end == argument || ask->billing_day < 1 || ask->billing_day > 31)
			return command_complain(EXIT_USAGE,
			                        "--billing-day takes a day of the month, 1 to 31");
		return 0;
	case OPTION_BILLED:
		ask->billed = argument;
		return 0;
	default:
		return -1;
	}
}

/* "wan2=20GB", "20GB" */
static int settle_bill(struct intake *intake)
{
	const char *text = intake->ask.billed, *equals;

	if (!text)
		return 0;
	equals = strrchr(text, '=');
	if (!quantity_bytes(equals ? equals + 1 : text, &intake->billed_bytes,
	                    &intake->billed_binary) ||
	    intake->billed_bytes == 0 || equals == text)
		return command_complain(
			EXIT_USAGE,
			"--billed takes [WAN=]BYTES as the carrier writes them, such "
			"as 20GB or wan2=18.6GiB, not \"%s\"",
			text);
	if (!equals)
		return 0;
	intake->billed_wan = strndup(text, (size_t)(equals - text));
	return intake->billed_wan ? 0 : command_complain(EXIT_INTERNAL, "out of memory");
}

/* The flag, else what the configuration says of the site, else UTC. */
static int settle_zone(struct intake *intake)
{
	const char *flag = intake->ask.zone;
	const struct expect_word *told = &intake->policy.expect.zone;

	zone_utc(&intake->zone);
	if (flag && !zone_parse(&intake->zone, flag))
		return command_complain(
			EXIT_USAGE,
			"--zone %s: not a POSIX time zone such as CET-1CEST,M3.5.0,M10.5.0/3 or "
			"CST-8 (the name of a zone does not say when its clocks change; OpenWrt "
			"shows the string with: uci get system.@system[0].timezone)",
			flag);
	if (!flag && told->text[0] && !zone_parse(&intake->zone, told->text))
		return command_complain(EXIT_CONFIG, "%s: \"%s\" is not a POSIX time zone",
		                        told->told.from, told->text);
	return 0;
}

static int take_time(const struct intake *intake, const char *option, const char *text,
                     uint64_t *ns)
{
	if (!text || zone_parse_time(&intake->zone, text, ns))
		return 0;
	return command_complain(EXIT_USAGE,
	                        "%s takes a time such as 2026-03-29, \"2026-03-29 14:00\" or "
	                        "2026-03-29T12:00:00Z, not \"%s\"",
	                        option, text);
}

static int64_t at(uint64_t ns)
{
	return (int64_t)(ns / NS);
}

static void set(struct intake *intake, int64_t from_s, int64_t to_s)
{
	intake->from_ns = from_s > 0 ? (uint64_t)from_s * NS : 1;
	intake->to_ns = to_s > 0 ? (uint64_t)to_s * NS : 1;
}

static int billing_day(const struct intake *intake)
{
	if (intake->ask.billing_day)
		return intake->ask.billing_day;
	return intake->policy.expect.plan.billing_day ? (int)intake->policy.expect.plan.billing_day
	                                              : 1;
}

static int settle_window(struct intake *intake)
{
	const char *word = intake->ask.window;
	const struct zone *zone = &intake->zone;
	int64_t now = at(intake->now_ns), from = at(intake->from_ns);
	bool given = intake->from_ns != 0;
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	if (intake->to_ns)
		return command_complain(EXIT_USAGE, "--window and --to both say where to end");
	if (strcmp(word, "period") == 0) {
		int64_t in = given ? from : now;

		set(intake, zone_period(zone, in, billing_day(intake), 0),
		    given ? zone_period(zone, in, billing_day(intake), 1) : now);
		return 0;
	}
	if (word[0] < '0' || word[0] > '9' || n == 0 || n > COUNT_MAX ||
	    (strcmp(end, "h") != 0 && strcmp(end, "d") != 0))
		return command_complain(EXIT_USAGE,
		                        "--window takes whole hours or days, such as 1h or 1d, or "
		                        "period, not \"%s\"",
		                        word);
	if (*end == 'h' && given)
		set(intake, from, from + (int64_t)n * HOUR_S);
	else if (*end == 'h')
		set(intake, zone_hour(zone, now, -(int)n), zone_hour(zone, now, 0));
	else if (given)
		set(intake, from, zone_day(zone, from, (int)n));
	else
		set(intake, zone_day(zone, now, -(int)n), zone_day(zone, now, 0));
	return 0;
}

int window_settle(struct intake *intake)
{
	const struct window_ask *ask = &intake->ask;
	int code = settle_zone(intake);

	if (code == 0)
		code = settle_bill(intake);

	if (!intake->now_ns)
		intake->now_ns = (uint64_t)time(NULL) * NS;
	if (code == 0)
		code = take_time(intake, "--from", ask->from, &intake->from_ns);
	if (code == 0)
		code = take_time(intake, "--to", ask->to, &intake->to_ns);
	if (code == 0 && ask->window)
		code = settle_window(intake);
	if (code != 0 || !(intake->from_ns || intake->to_ns))
		return code;
	if (intake->to_ns && intake->to_ns <= intake->from_ns)
		return command_complain(EXIT_USAGE, "the time to judge ends before it begins");
	for (size_t i = 0; i < intake->n_inputs; i++)
		if (intake->inputs[i].ledger && !intake->inputs[i].store)
			return command_complain(EXIT_USAGE,
			                        "%s: a ledger holds sums and cannot be cut; give "
			                        "captures, or leave the window out",
			                        intake->inputs[i].path);
	return 0;
}
