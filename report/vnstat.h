/* SPDX-License-Identifier: MIT
 *
 * vnstat.h - what `vnstat --json` prints, into bytes per interface and day.
 *
 * Knows vnstat 2 (jsonversion "2", bytes) and vnstat 1 (jsonversion "1", KiB). A pure reader: what
 * is no day of an interface is left out and counted.
 */
#ifndef REPORT_VNSTAT_H
#define REPORT_VNSTAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct vnstat_day {
	const char *interface, *alias; /* borrowed from the JSON; alias may be "" */
	int year, month, day;          /* by the clocks of the machine that counted */
	uint64_t rx, tx;               /* bytes */
};

/* Whether JSON comes from vnstat, of a version that is known. */
bool vnstat_is(const json_t *json);

/* Each day of each interface, in the file's order, to `take`, until it answers false. Returns how
 * many rows were no days. */
size_t vnstat_days(const json_t *json, bool (*take)(void *context, const struct vnstat_day *day),
                   void *context);

#endif
