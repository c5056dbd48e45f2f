/* SPDX-License-Identifier: MIT
 *
 * ledger_buckets.c - of the user data of a bucket, how much passed under which circumstance.
 */
#include "ledger_inside.h"

#include <stdlib.h>

/* The row that comes last in the order of circumstances. */
static struct ledger_bucket_share *last_share(const struct ledger *ledger,
                                              struct ledger_bucket *bucket)
{
	struct ledger_bucket_share *last = &bucket->shares[0];

	for (unsigned i = 1; i < bucket->n_shares; i++)
		if (ledger_circumstance_order(ledger, bucket->shares[i].circumstance,
		                              last->circumstance) > 0)
			last = &bucket->shares[i];
	return last;
}

/* A row that was left out once has as many before it in every sum that holds this bucket, so it is
 * left out there, too: what stays does not depend on the order of adding. */
void ledger_bucket_share(const struct ledger *ledger, struct ledger_bucket *bucket,
                         uint16_t circumstance, uint64_t ip_bytes)
{
	uint64_t *known = ledger_bucket_share_of(bucket, circumstance);
	struct ledger_bucket_share *row;

	if (known)
		*known = sum_add(*known, ip_bytes);
	if (known || circumstance == 0 || ip_bytes == 0)
		return;
	if (bucket->n_shares < LEDGER_BUCKET_SHARES) {
		row = &bucket->shares[bucket->n_shares++];
	} else {
		row = last_share(ledger, bucket);
		if (ledger_circumstance_order(ledger, circumstance, row->circumstance) > 0)
			return;
	}
	*row = (struct ledger_bucket_share){ip_bytes, circumstance};
}

void ledger_bucket_shares(const struct ledger *ledger, struct ledger_bucket *into,
                          const struct ledger_bucket *from, const uint16_t *circumstances)
{
	for (unsigned i = 0; i < from->n_shares; i++) {
		uint16_t circumstance = from->shares[i].circumstance;

		ledger_bucket_share(ledger, into,
		                    circumstances ? circumstances[circumstance] : circumstance,
		                    from->shares[i].ip_bytes);
	}
}

static int share_order(const void *a, const void *b)
{
	const struct ledger_bucket_share *left = a, *right = b;

	return (left->circumstance > right->circumstance) -
	       (left->circumstance < right->circumstance);
}

void ledger_bucket_shares_sort(struct ledger_wan *wan)
{
	for (size_t i = 0; i < wan->n_buckets; i++)
		if (wan->buckets[i].n_shares > 1)
			qsort(wan->buckets[i].shares, wan->buckets[i].n_shares,
			      sizeof(wan->buckets[i].shares[0]), share_order);
}

void ledger_bucket_shares_use(const struct ledger_wan *wan, bool *circumstances)
{
	for (size_t i = 0; i < wan->n_buckets; i++)
		for (unsigned s = 0; s < wan->buckets[i].n_shares; s++)
			circumstances[wan->buckets[i].shares[s].circumstance] = true;
}

/* ---- as JSON: [[circumstance, IP bytes], ...] ---- */

json_t *ledger_bucket_shares_save(const struct ledger_bucket *bucket)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (unsigned i = 0; good && i < bucket->n_shares; i++)
		good = !json_array_append_new(array,
		                              json_pack("[i, I]", bucket->shares[i].circumstance,
		                                        (json_int_t)bucket->shares[i].ip_bytes));
	if (good)
		return array;
	json_decref(array);
	return NULL;
}

static uint64_t carried(const struct ledger_bucket *bucket)
{
	uint64_t sum = 0;

	for (int d = 0; d < DIR_COUNT; d++)
		for (int k = 0; k < KIND_CARRYING; k++)
			sum = sum_add(sum, bucket->kinds[d][k].ip_bytes);
	return sum;
}

const char *ledger_bucket_shares_load(const struct ledger *ledger, struct ledger_bucket *bucket,
                                      const json_t *rows)
{
	uint64_t sum = 0;

	if (rows && (!json_is_array(rows) || json_array_size(rows) > LEDGER_BUCKET_SHARES))
		return "\"circumstances\" is not a list, or too long";
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		json_int_t circumstance = json_integer_value(json_array_get(row, 0)),
			   bytes = json_integer_value(json_array_get(row, 1));

		if (circumstance <= 0 || (size_t)circumstance >= ledger->n_circumstances ||
		    bytes <= 0 || ledger_bucket_share_of(bucket, (uint16_t)circumstance))
			return "\"circumstances\" must hold [circumstance, bytes], each once";
		sum = sum_add(sum, (uint64_t)bytes);
		ledger_bucket_share(ledger, bucket, (uint16_t)circumstance, (uint64_t)bytes);
	}
	return sum <= carried(bucket) ? NULL
	                              : "\"circumstances\" has more bytes than carried user data";
}
