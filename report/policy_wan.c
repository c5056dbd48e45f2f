/* SPDX-License-Identifier: MIT
 *
 * policy_wan.c - which WAN of a capture is which of those that are expected (see policy.h).
 */
#include <fnmatch.h>
#include <string.h>

#include "policy.h"

/* Strongest last: a name that somebody gave goes before what a frame holds. */
enum sign { SIGN_NONE, SIGN_ADDRESS, SIGN_MAC, SIGN_DEVICE, SIGN_GLOB_NAME, SIGN_NAME };
static const char *const sign_words[] = {"", "address", "mac", "device", "name", "name"};

/* One input may hold several WANs: `wan1=any.pcap` makes wan1#2 and wan1#3 of its interfaces. */
static bool is_called(const char *name, const char *who)
{
	size_t n = strlen(who);

	return strncmp(name, who, n) == 0 && (name[n] == '\0' || name[n] == '#');
}

static bool is_like(const char *name, const char *glob)
{
	return fnmatch(glob, name, 0) == 0;
}

static bool has_device(const struct expect_wan *wan, const char *name)
{
	for (unsigned i = 0; i < wan->n_devices; i++)
		if (is_called(name, wan->devices[i]) || is_like(name, wan->devices[i]))
			return true;
	return false;
}

/* What its recorder recorded it from. */
static bool is_recorded_from(const struct expect_wan *wan, const struct ledger_wan *seen)
{
	for (unsigned i = 0; i < seen->devices.n; i++)
		if (has_device(wan, seen->devices.rows[i]))
			return true;
	return false;
}

static bool has_mac(const struct expect_wan *wan, const struct ledger_wan *seen)
{
	for (unsigned i = 0; wan->mac[0] && i < seen->macs.n; i++)
		if (strcmp(wan->mac, seen->macs.rows[i]) == 0)
			return true;
	return false;
}

static bool has_address(const struct expect_wan *wan, const struct ledger_wan *seen)
{
	for (unsigned i = 0; i < wan->n_own; i++)
		for (unsigned k = 0; k < seen->n_own && k < LEDGER_ADDRS; k++)
			if (network_holds(&wan->own[i], seen->own[k].text))
				return true;
	return false;
}

static enum sign sign_of_name(const struct expect_wan *wan, const char *name)
{
	if (is_called(name, wan->name))
		return SIGN_NAME;
	if (is_like(name, wan->name))
		return SIGN_GLOB_NAME;
	return has_device(wan, name) ? SIGN_DEVICE : SIGN_NONE;
}

static enum sign sign_of(const struct expect_wan *wan, const struct ledger_wan *seen)
{
	enum sign sign = sign_of_name(wan, seen->name);

	if (sign != SIGN_NONE)
		return sign;
	if (is_recorded_from(wan, seen))
		return SIGN_DEVICE;
	if (has_mac(wan, seen))
		return SIGN_MAC;
	return has_address(wan, seen) ? SIGN_ADDRESS : SIGN_NONE;
}

const struct expect_wan *policy_expected(const struct policy *policy, const struct ledger_wan *seen,
                                         const char **sign)
{
	const struct expect_wan *best = NULL;
	enum sign strongest = SIGN_NONE;

	for (unsigned i = 0; i < policy->expect.n_wans; i++) {
		enum sign found = sign_of(&policy->expect.wans[i], seen);

		if (found > strongest) {
			best = &policy->expect.wans[i];
			strongest = found;
		}
	}
	*sign = sign_words[strongest];
	return best;
}

const struct expect_wan *policy_expected_name(const struct policy *policy, const char *name)
{
	const struct expect_wan *best = NULL;
	enum sign strongest = SIGN_NONE;

	for (unsigned i = 0; i < policy->expect.n_wans; i++) {
		enum sign found = sign_of_name(&policy->expect.wans[i], name);

		if (found > strongest) {
			best = &policy->expect.wans[i];
			strongest = found;
		}
	}
	return best;
}

void policy_limits_of(const struct policy *policy, const char *name,
                      const struct expect_wan *expected, double limits[LIMIT_COUNT])
{
	enum role_source sources[LIMIT_COUNT];

	memcpy(limits, policy->limits, sizeof(*limits) * LIMIT_COUNT);
	memcpy(sources, policy->limit_sources, sizeof(sources));
	for (size_t i = 0; i < policy->n_wan_limits; i++) {
		const struct policy_wan_limit *row = &policy->wan_limits[i];
		bool meant = is_called(name, row->wan) || is_like(name, row->wan) ||
		             (expected && strcmp(expected->name, row->wan) == 0);

		if (!meant || row->source < sources[row->limit])
			continue;
		limits[row->limit] = row->value;
		sources[row->limit] = row->source;
	}
}
