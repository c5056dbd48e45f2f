/* SPDX-License-Identifier: MIT
 *
 * ledger_inside.h - what the files of the ledger share with each other and with nobody else.
 */
#ifndef DISSECT_LEDGER_INSIDE_H
#define DISSECT_LEDGER_INSIDE_H

#include <jansson.h>

#include "ledger.h"

/* Sums saturate here: the largest integer that JSON libraries hold. Saturating sums still add up in
 * any order. */
#define LEDGER_SUM_MAX ((uint64_t)INT64_MAX)
#define NS_PER_S       1000000000ull

static inline uint64_t sum_add(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum < a || sum > LEDGER_SUM_MAX ? LEDGER_SUM_MAX : sum;
}

static inline void tally_add(struct tally *into, const struct tally *from)
{
	into->frames = sum_add(into->frames, from->frames);
	into->l2_bytes = sum_add(into->l2_bytes, from->l2_bytes);
	into->ip_bytes = sum_add(into->ip_bytes, from->ip_bytes);
	into->payload_bytes = sum_add(into->payload_bytes, from->payload_bytes);
}

static inline bool tally_zero(const struct tally *tally)
{
	return !(tally->frames | tally->l2_bytes | tally->ip_bytes | tally->payload_bytes);
}

/* A copy in valid UTF-8, from malloc; NULL when out of memory. */
char *ledger_text(const char *bytes);

/* Double an array so that one more element fits. False when out of memory; the array is then as
 * before. */
bool ledger_grow(void **array, size_t *capacity, size_t count, size_t element_size);

/* Keep `frame` if it is among the earliest: by time, then file name, then number. Each frame once.
 */
void ledger_show(const struct ledger *ledger, struct evidence *first,
                 const struct evidence_frame *frame);

/* The bucket of a time, made if need be; NULL when out of memory. May coarsen the whole ledger. */
struct ledger_bucket *ledger_bucket_at(struct ledger *ledger, struct ledger_wan *wan,
                                       uint64_t ts_ns);

/* The bytes of a bucket under a circumstance; NULL when there are none. */
static inline uint64_t *ledger_bucket_share_of(struct ledger_bucket *bucket, uint16_t circumstance)
{
	for (unsigned i = 0; i < bucket->n_shares; i++)
		if (bucket->shares[i].circumstance == circumstance)
			return &bucket->shares[i].ip_bytes;
	return NULL;
}

/* Add bytes under a circumstance, if it has a row or is worth one. And all of another bucket, whose
 * circumstances have these numbers here; NULL: the same. */
void ledger_bucket_share(const struct ledger *ledger, struct ledger_bucket *bucket,
                         uint16_t circumstance, uint64_t ip_bytes);
void ledger_bucket_shares(const struct ledger *ledger, struct ledger_bucket *into,
                          const struct ledger_bucket *from, const uint16_t *circumstances);
void ledger_bucket_shares_sort(struct ledger_wan *wan);
void ledger_bucket_shares_use(const struct ledger_wan *wan, bool *circumstances);
json_t *ledger_bucket_shares_save(const struct ledger_bucket *bucket);
/* NULL, or what is wrong with `rows`, which may be missing: an older ledger. */
const char *ledger_bucket_shares_load(const struct ledger *ledger, struct ledger_bucket *bucket,
                                      const json_t *rows);

/* Go to a wider width (an index into ledger_widths_s); nothing when it is that wide already. */
void ledger_coarsen(struct ledger *ledger, uint32_t width);

/* The cell with the key members of `like`, made if need be; NULL when out of memory. */
struct ledger_cell *ledger_cell_at(struct ledger_wan *wan, const struct ledger_cell *like);
uint64_t ledger_cell_key(const struct ledger_cell *cell);

/* Forget last places after tables were moved. */
void ledger_forget_places(struct ledger_wan *wan);

/* Put connections into the ledger without joining; the connection is emptied. */
bool ledger_push_connection(struct ledger *ledger, struct ledger_connection *connection);

/* Join connections of one id and keep the highest-ranking LEDGER_CONNECTIONS_MAX. */
void ledger_fold_connections(struct ledger *ledger);

/* Join them and keep the highest-ranking `most`, if that is fewer. */
void ledger_bound_connections(struct ledger *ledger, size_t most);

/* save and load: "devices" and "macs" of a WAN's row; false: out of memory, or not such lists. */
void ledger_names_merge(struct ledger_wan *into, const struct ledger_wan *from);
bool ledger_names_save(json_t *row, const struct ledger_wan *wan);
bool ledger_names_load(const json_t *row, struct ledger_wan *wan);

void ledger_digest_merge(struct ledger_file *into, const struct ledger_file *from);
/* `value` may be missing. False: it is none. */
bool ledger_digest_load(struct ledger_file *file, const json_t *value);

void ledger_record_merge(struct ledger_wan *into, const struct ledger_record *from);
void ledger_record_free(struct ledger_record *record);

/* List an interruption without counting it; its indices are this ledger's. */
void ledger_keep_interruption(struct ledger *ledger, const struct ledger_interruption *row);
void ledger_sort_interruptions(struct ledger *ledger);
json_t *ledger_interruption_json(const struct ledger *ledger, size_t index);
/* NULL, or what is wrong with the row. */
const char *ledger_load_interruption(struct ledger *ledger, const json_t *row);

/* ledger_peers.c, ledger_peers_json.c. `peers` of the row may be missing: an older ledger. */
struct ledger_peers *ledger_peers_of(struct ledger_wan *wan);
void ledger_peers_free(struct ledger_peers *peers);
bool ledger_peers_merge(struct ledger *into, struct ledger_wan *wan, const struct ledger_wan *from,
                        const uint16_t *apps, const uint32_t *files);
/* `fresh` takes over the rows of `old`, whose sums are gone: when each was asked last stays. */
void ledger_peers_forget(struct ledger_wan *fresh, struct ledger_wan *old);
void ledger_peers_sort(struct ledger_wan *wan);
struct tally ledger_peers_sum(const struct ledger_wan *wan);
void ledger_peers_use(const struct ledger_wan *wan, bool *apps);
json_t *ledger_peers_save(const struct ledger *ledger, const struct ledger_peers *peers);
bool ledger_peers_load(struct ledger *ledger, struct ledger_wan *wan, const json_t *row,
                       char *message, size_t size);

/* Circumstances in an order that does not depend on the places of WANs in the table. */
int ledger_circumstance_order(const struct ledger *ledger, uint16_t a, uint16_t b);

#endif
