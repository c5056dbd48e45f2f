/* SPDX-License-Identifier: MIT
 *
 * ledger_forget.c - all sums gone, all names kept: a ledger as it is when a window begins.
 *
 * Whoever holds indices of WANs, apps, circumstances and files keeps them; pointers to rows are
 * void. Made anew and not emptied in place, so that whatever a ledger comes to hold is forgotten.
 */
#include "ledger_inside.h"

static bool keep_wans(struct ledger *fresh, const struct ledger *old)
{
	for (uint32_t i = 0; i < old->n_wans; i++)
		if (ledger_wan(fresh, old->wans[i].name) != i)
			return false;
	return true;
}

static bool keep_apps(struct ledger *fresh, const struct ledger *old)
{
	for (uint16_t i = 1; i < old->n_apps; i++)
		if (ledger_app(fresh, old->apps[i]) != i)
			return false;
	return true;
}

static bool keep_circumstances(struct ledger *fresh, const struct ledger *old)
{
	for (uint16_t i = 1; i < old->n_circumstances; i++)
		if (ledger_circumstance(fresh, &old->circumstances[i]) != i)
			return false;
	return true;
}

static bool keep_files(struct ledger *fresh, const struct ledger *old)
{
	for (uint32_t i = 0; i < old->n_files; i++)
		if (ledger_file(fresh, old->files[i].name, old->files[i].wan) != i)
			return false;
	return true;
}

bool ledger_forget(struct ledger *ledger)
{
	struct ledger fresh;

	ledger_init(&fresh);
	if (!keep_wans(&fresh, ledger) || !keep_apps(&fresh, ledger) ||
	    !keep_circumstances(&fresh, ledger) || !keep_files(&fresh, ledger)) {
		ledger_release(&fresh);
		return false;
	}
	for (size_t i = 0; i < fresh.n_wans; i++)
		ledger_peers_forget(&fresh.wans[i], &ledger->wans[i]);
	ledger_release(ledger);
	*ledger = fresh;
	return true;
}
