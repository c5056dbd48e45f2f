/* SPDX-License-Identifier: MIT
 *
 * quantity.h - amounts as people write them: "20GB", "1.5 GiB", "15s", "2h", into numbers.
 *
 * A letter more or less is an amount that is not understood, never half of one.
 */
#ifndef REPORT_QUANTITY_H
#define REPORT_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* B, k M G T with or without B (decimal), KiB MiB GiB TiB; *binary (may be NULL): it was one of
 * those. At most 1e18. */
bool quantity_bytes(const char *text, uint64_t *bytes, bool *binary);

/* ms, s, min, h, d; without a unit seconds. More than 0, at most a year. */
bool quantity_seconds(const char *text, double *seconds);

#endif
