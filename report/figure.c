/* SPDX-License-Identifier: MIT */
#include "figure.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "text.h"

/* Three digits of what is small, all of what is not. */
static const char *count_of(char out[TEXT_SHORT], double value)
{
	if (value >= 999.5 && value < 1e18)
		return text_count(out, (uint64_t)(value + 0.5));
	snprintf(out, TEXT_SHORT, "%.3g", value);
	return out;
}

static const char *bytes_of(char out[TEXT_SHORT], double value)
{
	return text_bytes(out, value > 0 && value < 1e18 ? (uint64_t)value : 0);
}

static const char *seconds_of(char out[TEXT_SHORT], double value)
{
	if (value >= 999.5 && value < 1e9)
		return text_duration(out, (uint64_t)(value * 1e9));
	snprintf(out, TEXT_SHORT, "%.3g s", value);
	return out;
}

const char *figure_say(char out[FIGURE_SAY], double value, const char *unit)
{
	char text[TEXT_SHORT];

	if (strcmp(unit, "ratio") == 0)
		snprintf(out, FIGURE_SAY, "%.4g %%", value * 100);
	else if (strcmp(unit, "seconds") == 0)
		snprintf(out, FIGURE_SAY, "%s", seconds_of(text, value));
	else if (strcmp(unit, "bytes") == 0)
		snprintf(out, FIGURE_SAY, "%s", bytes_of(text, value));
	else if (strcmp(unit, "bytes_per_day") == 0)
		SAY(out, FIGURE_SAY, a_day, bytes_of(text, value));
	else if (strcmp(unit, "per_day") == 0)
		SAY(out, FIGURE_SAY, a_day, count_of(text, value));
	else
		snprintf(out, FIGURE_SAY, "%s", count_of(text, value));
	return out;
}
