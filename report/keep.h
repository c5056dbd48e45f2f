/* SPDX-License-Identifier: MIT
 *
 * keep.h - from a report to what is worth keeping of its packets, and what goes first.
 *
 * Looks at the report and its ledger only. What is kept:
 *
 *   whole     files of backups: they are small, and they are the question
 *   carrying  of those, when room is short, what carried something
 *   events    minutes around the moments at which something changed: outages, failovers,
 *             failbacks and stalls, gaps of the recording, MP_PRIO, findings about roles
 *   evidence  each frame that the ledger names: behind findings, causes, events, peers
 */
#ifndef REPORT_KEEP_H
#define REPORT_KEEP_H

#include "report.h"

/* In the order of their worth: what has least of it for its bytes comes last, and goes first. */
enum keep_tier { KEEP_EVIDENCE, KEEP_EVENTS, KEEP_CARRYING, KEEP_WHOLE, KEEP_TIERS };
extern const char *const keep_tiers[KEEP_TIERS];

struct keep_span {
	uint64_t from_ns, to_ns; /* both included */
};

/* Of one file of the ledger. */
struct keep_file {
	bool whole;        /* of a backup, or it holds one beside others */
	uint64_t *numbers; /* owned; frames that are evidence: ascending, each once */
	size_t n_numbers, cap_numbers;
};

struct keep_plan {
	struct keep_file *files; /* owned; as many, and in the order of ledger.files */
	size_t n_files;
	struct keep_span *spans; /* owned; of all files: ascending, none touches another */
	size_t n_spans, cap_spans;
};

#define KEEP_AROUND_NS (2 * 60 * UINT64_C(1000000000))
/* More moments than this are not kept minutes of; those of the ledger are fewer by far. */
#define KEEP_SPANS_MAX 65536

/* False when out of memory: nothing needs releasing then. */
bool keep_plan(struct keep_plan *plan, const struct report *report, uint64_t around_ns);
void keep_plan_release(struct keep_plan *plan);

/* ---- the budget ---- */

struct keep_entry {
	char *name; /* owned */
	uint64_t bytes;
	uint64_t age_ns; /* of its last frame; the smaller, the older */
	enum keep_tier tier;
};

/* What becomes of a file that has to make room; KEEP_TIERS: it goes. */
enum keep_tier keep_below(enum keep_tier tier);

/* The one that has to make room: of the last tier that there is the oldest, ties by name. The
 * index, or n when there is none. */
size_t keep_first(const struct keep_entry *entries, size_t n);

#endif
