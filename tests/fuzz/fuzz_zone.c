/* SPDX-License-Identifier: MIT
 *
 * fuzz_zone.c - any text as a time zone, a time and an amount. What a zone says of its days and
 * billing periods must hold together: they hold the moment they are asked of, and touch.
 *
 * Input: the zone, a newline, the time; the first byte is the billing day.
 */
#include "../../report/quantity.h"
#include "../../report/zone.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

/* Two changes in one day are no zone of this world: there only bounds are asked for. */
static bool usual(const struct zone *zone)
{
	return !zone->summer ||
	       (zone->from.form == ZONE_MONTH_WEEK_DAY && zone->to.form == ZONE_MONTH_WEEK_DAY &&
	        abs(zone->from.month - zone->to.month) > 1 &&
	        abs(zone->from.month - zone->to.month) < 11 &&
	        abs(zone->offset - zone->summer_offset) <= 7200);
}

static void ask(const struct zone *zone, int64_t at, int billing_day)
{
	int64_t day = zone_day(zone, at, 0), period = zone_period(zone, at, billing_day, 0);
	char text[60];

	zone_text(zone, at, text, sizeof(text));
	if (!usual(zone))
		return;
	MUST(day <= at && at < zone_day(zone, at, 1));
	MUST(zone_day(zone, day, 0) == day);
	MUST(period <= at && at < zone_period(zone, at, billing_day, 1));
	MUST(zone_period(zone, zone_period(zone, at, billing_day, 1), billing_day, -1) == period);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size ? malloc(size + 1) : NULL, *time;
	struct zone zone;
	uint64_t ns = 0;
	double seconds;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	time = strchr(text, '\n');
	if (time)
		*time++ = '\0';
	if (!zone_parse(&zone, text))
		zone_utc(&zone);
	quantity_bytes(time ? time : text, &ns, NULL);
	quantity_seconds(time ? time : text, &seconds);
	if (!zone_parse_time(&zone, time ? time : text, &ns))
		ns = UINT64_C(1774746000000000000);
	ask(&zone, (int64_t)(ns / 1000000000u), 1 + data[0] % 31);
	free(text);
	return 0;
}
