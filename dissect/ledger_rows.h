/* SPDX-License-Identifier: MIT
 *
 * ledger_rows.h - connections of a ledger as rows of its JSON, an array each: ten thousand of them
 * are nearly all of a day's ledger, and names written ten thousand times most of their size.
 *
 * What the places mean stands once in the file, under "columns": names of columns, the list of
 * kinds, and what holds for columns that a row leaves out at its end because they are as usual. A
 * later minor version may add places behind these. Times are relative where they lie near another
 * one: a subflow's to its connection's first frame, all others to the first frame of their own row.
 */
#ifndef DISSECT_LEDGER_ROWS_H
#define DISSECT_LEDGER_ROWS_H

#include <jansson.h>

#include "ledger_values.h"

/* NULL when out of memory. */
json_t *ledger_row_columns(void);
json_t *ledger_row_json(const struct ledger *ledger, size_t index);

/* The columns of a file, NULL = it has none; then an array that came from anybody: false, and it
 * was refused; connection->subflows is to be freed either way. The connection is all zero before.
 */
bool ledger_row_columns_load(struct loading *loading, const json_t *columns);
bool ledger_row_load(struct loading *loading, const json_t *row,
                     struct ledger_connection *connection);

#endif
