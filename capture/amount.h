/* SPDX-License-Identifier: MIT
 *
 * amount.h - sizes, times and counts as people write them: 16M, 500ms, 5m, 20000.
 *
 * Sizes count by 1024 (K M G T, also KiB or KB: all the same), times end in ms s m h d (alone:
 * seconds), and both may have a fraction: 1.5G, 0.5s. Neither allocates nor prints.
 */
#ifndef CAPTURE_AMOUNT_H
#define CAPTURE_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum amount_unit {
	AMOUNT_NUMBER, /* digits only */
	AMOUNT_BYTES,
	AMOUNT_TIME, /* held in ns */
	AMOUNT_UNITS
};

/* False when `text` is no such amount, or one that 64 bits do not hold. */
bool amount_parse(enum amount_unit unit, const char *text, uint64_t *value);

/* The shortest text that amount_parse() reads back as the same value. 24 bytes are enough. */
void amount_format(enum amount_unit unit, uint64_t value, char *text, size_t size);

/* How it is written, in words, for messages. */
extern const char *const amount_forms[AMOUNT_UNITS];

#endif
