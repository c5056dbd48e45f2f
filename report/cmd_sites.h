/* SPDX-License-Identifier: MIT
 *
 * cmd_sites.h - --sites FILE: the routers behind one server, a row per WAN; and what is made of
 * each of them.
 *
 *   # site     WAN     told by                         role     more, as in [wan NAME] of --config
 *   home-01    fibre   192.0.2.17                      master
 *   home-01    lte     id:2                            backup   quota=20GiB billing_day=17
 *   home-02    fibre   198.51.100.0/28,2001:db8:2::/56 master
 *
 * Columns are separated by blanks, what tells a WAN by commas; # begins a comment. A WAN may have
 * several rows. Speaks on standard error.
 */
#ifndef REPORT_CMD_SITES_H
#define REPORT_CMD_SITES_H

#include "../dissect/sites.h"
#include "cmd_intake.h"

struct site_list {
	const char *path; /* borrowed */

	/* one sign each, as sites_new() wants them; strings are owned by `lines` */
	struct site_sign {
		const char *site, *wan;
		struct sites_sign sign;
	} * rows; /* owned */
	size_t n_rows;

	struct site_line {
		char *site, *wan; /* owned */
		char *ini;        /* owned; what the line says of its WAN, for policy_load() */
	} * lines;                /* owned */
	size_t n_lines;
	const char **names; /* owned; of the sites, in their order */
	size_t n_names;

	struct ledger **ledgers; /* owned; of each site, and a last one of nobody */
	size_t n_ledgers;
};

extern const char sites_help[];

/* Read the file. 0 or an exit code, already explained. */
int site_list_read(struct site_list **list, const char *path);
void site_list_free(struct site_list *list);

/* `n` empty ledgers, so far without any memory behind them. False: out of memory. */
bool site_list_open(struct site_list *list, size_t n);

/* What the file says of a site becomes part of what is expected there. 0 or an exit code, already
 * explained. */
int site_list_expect(const struct site_list *list, const char *site, struct policy *policy);

/* The names of the sites, in the order of the file; the last ledger is of nobody and has none.
 * `at` < n_ledgers - 1. */
const char *site_list_name(const struct site_list *list, size_t at);

/* A ledger for each site that was met, DIR/SITE.json, and DIR/unknown.json for what is of none. 0
 * or an exit code, already explained. */
int site_list_save(const struct site_list *list, const char *directory);

#endif
