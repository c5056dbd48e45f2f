/* SPDX-License-Identifier: MIT
 *
 * stored_share.c - see stored_share.h.
 */
#include "stored_share.h"

#include <string.h>

#include "stored.h"

/* The parts that A1 counted for a WAN, or NULL. */
static const json_t *parts_of(const json_t *report, const json_t *wan)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(report, "findings"), i, finding)
	{
		if (strcmp(stored_text(finding, "rule"), "A1") == 0 &&
		    strcmp(stored_text(finding, "wan"), stored_text(wan, "name")) == 0 &&
		    stored_has(stored_in(finding, "observed", "parts"), "payload"))
			return stored_in(finding, "observed", "parts");
	}
	return NULL;
}

/* A share is an object, an amount a number. */
static uint64_t part(const json_t *parts, const char *name)
{
	const json_t *one = json_object_get(parts, name);

	return json_is_object(one) ? stored_number(one, "numerator") : stored_number(parts, name);
}

struct stored_share stored_share_of(const json_t *report, const json_t *wan)
{
	const json_t *parts = parts_of(report, wan), *shared = json_object_get(wan, "shared");
	uint64_t carrying = stored_number(shared, "carrying_ip_bytes");
	struct stored_share share;

	if (parts)
		return (struct stored_share){part(parts, "payload"), part(parts, "outage_payload"),
		                             part(parts, "after_payload"),
		                             part(parts, "outage_acks_estimated"),
		                             part(parts, "standby")};
	share = (struct stored_share){
		.outage = stored_number(stored_in(shared, "phases", "outage"), "ip_bytes"),
		.standby = stored_number(shared, "standby_ip_bytes")};
	share.payload = carrying > share.outage ? carrying - share.outage : 0;
	return share;
}

uint64_t stored_share_primary(const json_t *report)
{
	const json_t *wan;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "wans"), i, wan)
	{
		const char *role = stored_text(wan, "role");

		if (strcmp(role, "master") == 0 || strcmp(role, "on") == 0)
			sum += stored_number(json_object_get(wan, "shared"), "billed_ip_bytes");
	}
	return sum;
}
