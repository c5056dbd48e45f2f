/* SPDX-License-Identifier: MIT
 *
 * figure.h - a number of a report in its unit, as people write it.
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stddef.h>

#define FIGURE_SAY 80

/* A message: "0.21 %", "27 min 46 s", "12.3 MB a day", "1,204". `unit` is one of the JSON's (ratio,
 * seconds, count, bytes, per_day, bytes_per_day); any other is a count. Returns out. */
const char *figure_say(char out[FIGURE_SAY], double value, const char *unit);

#endif
