/* SPDX-License-Identifier: MIT
 *
 * flaws.c - see flaws.h.
 */
#include "flaws.h"

/* A frame or two out of order by microseconds are in most captures of several queues; a ledger
 * counts such steps without their size, so only many of them say that the clock is not to be
 * trusted. */
#define BACKWARDS_FEW   10
#define BACKWARDS_SHARE 0.01

static void count_files(const struct report *report, struct flaws *flaws)
{
	for (size_t i = 0; i < report->ledger->n_files; i++) {
		const struct ledger_file *file = &report->ledger->files[i];

		if (file->wan != flaws->wan)
			continue;
		flaws->files++;
		if (file->message && !flaws->damaged++)
			flaws->first_damaged = file;
	}
}

static void compare_with_kernel(const struct ledger_wan *wan, struct flaws *flaws)
{
	const struct ledger_counters *c = &wan->counters;

	flaws->kernel = c->kernel_frames;
	flaws->accounted = c->kernel_seen_frames + c->kernel_seen_dropped;
	/* A super-frame is one frame here and several there; of filtered ones nobody knows. */
	flaws->compared =
		c->kernel_spans > 0 && !wan->filtered && wan->events[EVENT_SUPER_FRAME].count == 0;
	/* a frame that is just passing is counted on one side of a note and stamped on the other */
	if (flaws->compared && flaws->kernel > flaws->accounted + 2 * c->kernel_spans)
		flaws->missing = flaws->kernel - flaws->accounted;
}

struct flaws flaws_of(const struct report *report, size_t index)
{
	const struct report_wan *wan = &report->wans[index];
	const struct ledger_counters *c = &wan->ledger->counters;
	const struct ledger_event *e = wan->ledger->events;
	struct flaws flaws = {
		.wan = index,
		.frames = wan->whole.total.frames,
		.payload = wan->whole.total.payload_bytes,
		.drops = c->dropped_frames,
		/* a cut header cuts its options too: both events of one frame are one frame */
		.cut = e[EVENT_HEADER_CUT].count > e[EVENT_OPTION_CUT].count
	                       ? e[EVENT_HEADER_CUT].count
	                       : e[EVENT_OPTION_CUT].count,
		.backwards = e[EVENT_BACKWARDS].count,
		.evicted = c->subflows_evicted,
		.subflows = c->subflows_evicted + c->initial_subflows + c->joined_subflows,
		.unmapped = c->unmapped_bytes + c->pending_evicted_bytes,
		.judged_ns = report->end_ns - report->start_ns,
	};

	compare_with_kernel(wan->ledger, &flaws);
	for (unsigned s = 0; s < SPAN_COUNT; s++)
		flaws.blind_ns += coverage_is_blind(s) ? wan->coverage.judged_ns[s] : 0;
	for (size_t d = 0; d < DIR_COUNT; d++)
		flaws.unread += wan->whole.kinds[d][KIND_UNREAD].frames;
	count_files(report, &flaws);
	return flaws;
}

bool flaws_matter(const struct report *report, const struct flaws *flaws, enum flaw flaw)
{
	double limit = report->wans[flaws->wan].limits[LIMIT_LOSS_SHARE];

	switch (flaw) {
	case FLAW_DROPS:
		return (double)flaws->drops > limit * (double)(flaws->frames + flaws->drops);
	case FLAW_FILE:
		return flaws->damaged > 0;
	case FLAW_UNREAD:
		return (double)flaws->unread > limit * (double)flaws->frames;
	case FLAW_UNMAPPED:
		return (double)flaws->unmapped > limit * (double)flaws->payload;
	case FLAW_BACKWARDS:
		return flaws->backwards > BACKWARDS_FEW &&
		       (double)flaws->backwards > BACKWARDS_SHARE * (double)flaws->frames;
	case FLAW_EVICTED:
		return (double)flaws->evicted > limit * (double)flaws->subflows;
	case FLAW_BLIND:
		return (double)flaws->blind_ns > limit * (double)flaws->judged_ns;
	case FLAW_MISSING:
		return (double)flaws->missing > limit * (double)flaws->kernel;
	case FLAW_COUNT:
		break;
	}
	return false;
}
