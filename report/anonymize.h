/* SPDX-License-Identifier: MIT
 *
 * anonymize.h - a report's JSON in, the same without what tells whose it is.
 *
 * WANs become wan-a, wan-b ... in the report's order (roles stay), addresses host-1, hardware
 * addresses mac-1, files file-1, devices dev-1, servers server-1, connections numbers, the site
 * "site": each name the same wherever it stands, in members, in sentences and in their messages.
 * What quotes a configuration is left out. Numbers, times, ports, kinds and labels stay as they
 * are. Pure function of the JSON: whatever renders it tells no more.
 */
#ifndef REPORT_ANONYMIZE_H
#define REPORT_ANONYMIZE_H

#include <jansson.h>
#include <stdbool.h>

/* In place. False: out of memory, and the report is of no use. */
bool anonymize_report(json_t *report);

#endif
