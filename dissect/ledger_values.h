/* SPDX-License-Identifier: MIT
 *
 * ledger_values.h - values of a ledger's JSON, checked one by one: numbers, names, words, sums,
 * places in its tables.
 *
 * The file may come from anybody. Each function returns false when a value is missing, of another
 * type or beyond its bound; the message then says where and what, and the first one is kept by
 * who stops there. Used by ledger_load.c and
 * ledger_read.c only.
 */
#ifndef DISSECT_LEDGER_VALUES_H
#define DISSECT_LEDGER_VALUES_H

#include <jansson.h>

#include "ledger_inside.h"

struct loading {
	struct ledger *ledger;
	char *message;
	size_t size;
	uint64_t total;            /* of all counters so far */
	char where[96];            /* "wans[2].cells[17]" */
	uint8_t kinds[KIND_COUNT]; /* of the numbers that rows of connections have */
	size_t n_kinds;
};

/* The first thing that does not hold: where, and what. Returns false, so that a reader ends with
 * it. */
__attribute__((format(printf, 2, 3))) bool loading_refuse(struct loading *loading,
                                                          const char *format, ...);
/* What is read now: "wans[2].cells[17]". */
__attribute__((format(printf, 2, 3))) void loading_at(struct loading *loading, const char *format,
                                                      ...);
bool loading_get_number(struct loading *loading, const json_t *value, const char *key,
                        uint64_t *number);

/* A member of `row`: a whole number from 0; the same up to UINT32_MAX; a count, which adds to what
 * all counters of the file may come to; true or false; 1, 0 or -1; a text, borrowed; one of
 * `words`, as its place; an address, copied. */
bool loading_number(struct loading *loading, const json_t *row, const char *key, uint64_t *number);
bool loading_u32(struct loading *loading, const json_t *row, const char *key, uint32_t *number);
bool loading_get_count(struct loading *loading, const json_t *value, const char *key,
                       uint64_t *number);
bool loading_count(struct loading *loading, const json_t *row, const char *key, uint64_t *number);
bool loading_flag(struct loading *loading, const json_t *row, const char *key, bool *flag);
bool loading_sign(struct loading *loading, const json_t *row, const char *key, int8_t *sign);
bool loading_get_sign(struct loading *loading, const json_t *value, const char *key, int8_t *sign);
bool loading_name(struct loading *loading, const json_t *row, const char *key, const char **name);
bool loading_find_word(struct loading *loading, const char *key, const char *word,
                       const char *const *words, unsigned count, uint8_t *place);
bool loading_word(struct loading *loading, const json_t *row, const char *key,
                  const char *const *words, unsigned count, uint8_t *place);
bool loading_get_address(struct loading *loading, const char *key, const char *from, char *text,
                         size_t size);
bool loading_address(struct loading *loading, const json_t *row, const char *key, char *text,
                     size_t size);
bool loading_get_tally(struct loading *loading, const json_t *value, const char *key,
                       struct tally *tally);

/* Sums, and first frames of a known file in the order of their times. */
bool loading_tally(struct loading *loading, const json_t *row, const char *key,
                   struct tally *tally);
bool loading_kinds(struct loading *loading, const json_t *kinds, struct tally *tallies);
bool loading_evidence(struct loading *loading, const json_t *row, struct evidence *first);

/* An array or object of at most `limit` members, borrowed; the place of a WAN, an application, a
 * circumstance in the ledger's own tables. */
bool loading_table(struct loading *loading, const json_t *row, const char *key, size_t limit,
                   const json_t **table);
bool loading_wan(struct loading *loading, const json_t *row, uint32_t *wan);
bool loading_get_app(struct loading *loading, const char *label, uint16_t *app);
bool loading_app(struct loading *loading, const json_t *row, uint16_t *app);
bool loading_circumstance(struct loading *loading, const json_t *row, uint16_t *circumstance);

/*
 * ledger_load.c: the whole but the last checks; one more row of "connections", by its place; the
 * last checks, of all together. For ledger_read.c, which takes rows out of "connections" before.
 */
bool ledger_load_tables(struct loading *loading, const json_t *root);
bool ledger_load_connection(struct loading *loading, const json_t *row, size_t index);
bool ledger_load_end(struct loading *loading);

#endif
