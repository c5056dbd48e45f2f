/* SPDX-License-Identifier: MIT
 *
 * cmd_scrub_names.h - what WANs, devices and files are called in scrubbed captures.
 *
 * WANs become wan-a, wan-b ... in the order of their names, so that whatever goes by that order
 * stays as it is; devices dev-1, files file-1, in the order in which they come. A device that is
 * named as a WAN is called as that.
 */
#ifndef REPORT_CMD_SCRUB_NAMES_H
#define REPORT_CMD_SCRUB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dissect/ledger.h"

#define SCRUB_NAME 600 /* bytes of a name, its NUL included */

struct scrub_list {
	char **names;    /* owned, each too; as they came */
	uint32_t *order; /* owned; of their indices, by name */
	size_t n, cap;
};

struct scrub_names {
	bool keep; /* all stay what they are */
	struct scrub_list wans, devices, files;
	struct scrub_list stems;
	unsigned *counts;      /* owned; how often each of stems was counted */
	char text[SCRUB_NAME]; /* the last answer */
};

/* The WANs of a ledger; of names like any#2 and base#eth0 the parts. False: out of memory. */
bool scrub_names_init(struct scrub_names *names, const struct ledger *ledger, bool keep);
void scrub_names_release(struct scrub_names *names);

/* NULL: no WAN, and no part of one, is called so. Valid until the next call of any of these. */
const char *scrub_names_wan(struct scrub_names *names, const char *name);

/* Never NULL. */
const char *scrub_names_device(struct scrub_names *names, const char *name);
const char *scrub_names_file(struct scrub_names *names, const char *name);

/* Of a ledger's file, without what kind of file it is: "wan-a". */
const char *scrub_names_stem(struct scrub_names *names, const struct ledger *ledger,
                             const struct ledger_file *file);

/* How often it was asked for this stem before. */
unsigned scrub_names_count(struct scrub_names *names, const char *stem);

#endif
