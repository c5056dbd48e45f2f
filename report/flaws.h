/* SPDX-License-Identifier: MIT
 *
 * flaws.h - what is missing from the capture of a WAN, and how much of it matters: for the check of
 * wholeness (A27) and for the first sentence, which must not differ.
 *
 * Counts, and the limits of the report; no words. Pure functions of the report, while it is built.
 */
#ifndef REPORT_FLAWS_H
#define REPORT_FLAWS_H

#include "report.h"

/* In frames except where it says bytes. */
struct flaws {
	size_t wan;
	uint64_t frames, payload; /* seen */
	uint64_t drops, unread, cut, backwards, unmapped;
	uint64_t evicted, subflows;              /* lost mappings show as unmapped bytes */
	size_t files, damaged;                   /* files of the WAN, and those with a message */
	const struct ledger_file *first_damaged; /* NULL = none */

	/* what the recorder says: time without anybody watching, of the judged time; frames the
	 * kernel counted beside those seen or counted as dropped in the same time */
	uint64_t blind_ns, judged_ns;
	bool compared;
	uint64_t kernel, accounted, missing;
};

/* What keeps a capture from being whole. Backwards: nothing is lost, but no time is to be trusted.
 */
enum flaw {
	FLAW_DROPS,
	FLAW_FILE,
	FLAW_UNREAD,
	FLAW_UNMAPPED,
	FLAW_BACKWARDS,
	FLAW_EVICTED,
	FLAW_BLIND,
	FLAW_MISSING,
	FLAW_COUNT
};

struct flaws flaws_of(const struct report *report, size_t wan);

/* Is it more than the limit of the WAN's losses allows? */
bool flaws_matter(const struct report *report, const struct flaws *flaws, enum flaw flaw);

#endif
