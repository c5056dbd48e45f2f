/* SPDX-License-Identifier: MIT
 *
 * keep.c - see keep.h.
 */
#include "keep.h"

#include <stdlib.h>
#include <string.h>

const char *const keep_tiers[KEEP_TIERS] = {
	[KEEP_EVIDENCE] = "evidence",
	[KEEP_EVENTS] = "events",
	[KEEP_CARRYING] = "carrying",
	[KEEP_WHOLE] = "whole",
};

static void *grown(void *rows, size_t *cap, size_t n, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;

	if (n < *cap)
		return rows;
	rows = realloc(rows, more * size);
	if (rows)
		*cap = more;
	return rows;
}

/* ---- evidence: every frame that the ledger names ---- */

static bool add_frame(struct keep_plan *plan, const struct evidence_frame *frame)
{
	if (frame->file >= plan->n_files || frame->number == 0)
		return true;
	struct keep_file *file = &plan->files[frame->file];
	uint64_t *numbers =
		grown(file->numbers, &file->cap_numbers, file->n_numbers, sizeof(*file->numbers));
	if (!numbers)
		return false;
	file->numbers = numbers;
	numbers[file->n_numbers++] = frame->number;
	return true;
}

static bool add_evidence(struct keep_plan *plan, const struct evidence *evidence)
{
	bool good = true;

	for (uint32_t i = 0; i < evidence->count && i < EVIDENCE_FRAMES; i++)
		good = good && add_frame(plan, &evidence->frames[i]);
	return good;
}

static bool add_wan(struct keep_plan *plan, const struct ledger_wan *wan)
{
	bool good = true;

	for (size_t i = 0; good && i < wan->n_cells; i++)
		good = add_evidence(plan, &wan->cells[i].first);
	for (size_t i = 0; good && i < EVENT_COUNT; i++)
		good = add_evidence(plan, &wan->events[i].first);
	for (size_t i = 0; good && wan->peers && i < wan->peers->n_rows; i++)
		good = add_evidence(plan, &wan->peers->rows[i].first);
	return good;
}

static bool add_findings(struct keep_plan *plan, const struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < report->n_findings; i++) {
		const struct finding *finding = &report->findings[i];

		for (size_t k = 0; good && k < finding->n_frames; k++) {
			const struct finding_frame *from = &finding->frames[k];

			good = add_frame(plan, &(struct evidence_frame){from->ts_ns, from->number,
			                                                from->file});
		}
	}
	return good;
}

static int number_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void settle_numbers(struct keep_file *file)
{
	size_t kept = 0;

	if (file->n_numbers == 0)
		return;
	qsort(file->numbers, file->n_numbers, sizeof(*file->numbers), number_order);
	for (size_t i = 0; i < file->n_numbers; i++)
		if (kept == 0 || file->numbers[kept - 1] != file->numbers[i])
			file->numbers[kept++] = file->numbers[i];
	file->n_numbers = kept;
}

static bool plan_evidence(struct keep_plan *plan, const struct report *report)
{
	const struct ledger *ledger = report->ledger;
	bool good = add_findings(plan, report);

	for (size_t i = 0; good && i < ledger->n_wans; i++)
		good = add_wan(plan, &ledger->wans[i]);
	for (size_t i = 0; good && i < ledger->n_interruptions; i++)
		good = add_frame(plan, &ledger->interruptions[i].frame);
	for (size_t i = 0; i < plan->n_files; i++)
		settle_numbers(&plan->files[i]);
	return good;
}

/* ---- events: minutes around moments ---- */

struct moments {
	struct keep_plan *plan;
	uint64_t around_ns;
	bool good;
};

static void add_moment(struct moments *m, uint64_t ns)
{
	struct keep_plan *plan = m->plan;

	if (!m->good || ns == 0 || plan->n_spans == KEEP_SPANS_MAX)
		return;
	struct keep_span *spans =
		grown(plan->spans, &plan->cap_spans, plan->n_spans, sizeof(*plan->spans));
	m->good = spans != NULL;
	if (!spans)
		return;
	plan->spans = spans;
	spans[plan->n_spans++] =
		(struct keep_span){ns > m->around_ns ? ns - m->around_ns : 0,
	                           ns < UINT64_MAX - m->around_ns ? ns + m->around_ns : UINT64_MAX};
}

static void add_interruptions(struct moments *m, const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_interruptions; i++) {
		const struct ledger_interruption *row = &ledger->interruptions[i];
		const uint64_t moments[] = {row->from_ns,    row->to_ns,   row->heard_ns,
		                            row->back_ns,    row->last_ns, row->stall_from_ns,
		                            row->stall_to_ns};

		for (size_t k = 0; k < sizeof(moments) / sizeof(*moments); k++)
			add_moment(m, moments[k]);
	}
}

/* Somebody changed his mind about what is a backup. */
static void add_changes(struct moments *m, const struct ledger *ledger)
{
	static const enum event changes[] = {EVENT_PRIO_UP_BACKUP, EVENT_PRIO_UP_NORMAL,
	                                     EVENT_PRIO_DOWN_BACKUP, EVENT_PRIO_DOWN_NORMAL};

	for (size_t i = 0; i < ledger->n_wans; i++)
		for (size_t k = 0; k < sizeof(changes) / sizeof(*changes); k++) {
			const struct evidence *first = &ledger->wans[i].events[changes[k]].first;

			for (uint32_t n = 0; n < first->count && n < EVIDENCE_FRAMES; n++)
				add_moment(m, first->frames[n].ts_ns);
		}
}

static void add_gaps(struct moments *m, const struct report *report)
{
	for (size_t i = 0; i < report->n_wans; i++) {
		const struct coverage *coverage = &report->wans[i].coverage;

		for (size_t k = 0; k < coverage->n_gaps; k++) {
			add_moment(m, coverage->gaps[k].from_ns);
			add_moment(m, coverage->gaps[k].to_ns);
		}
	}
}

/* Findings about who uses a backup that should not: when it began. */
static void add_roles(struct moments *m, const struct report *report)
{
	static const char *const rules[] = {"A6", "A7", "A8", "A30"};

	for (size_t i = 0; i < report->n_findings; i++) {
		const struct finding *finding = &report->findings[i];
		bool wanted = false;

		if (finding->status != STATUS_WARN && finding->status != STATUS_FAIL)
			continue;
		for (size_t k = 0; k < sizeof(rules) / sizeof(*rules); k++)
			wanted = wanted || strcmp(finding->rule, rules[k]) == 0;
		for (size_t k = 0; wanted && k < finding->n_frames; k++)
			add_moment(m, finding->frames[k].ts_ns);
	}
}

static int span_order(const void *a, const void *b)
{
	const struct keep_span *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static void settle_spans(struct keep_plan *plan)
{
	size_t kept = 0;

	if (plan->n_spans == 0)
		return;
	qsort(plan->spans, plan->n_spans, sizeof(*plan->spans), span_order);
	for (size_t i = 0; i < plan->n_spans; i++) {
		struct keep_span *last = kept ? &plan->spans[kept - 1] : NULL;

		if (!last || plan->spans[i].from_ns > last->to_ns)
			plan->spans[kept++] = plan->spans[i];
		else if (plan->spans[i].to_ns > last->to_ns)
			last->to_ns = plan->spans[i].to_ns;
	}
	plan->n_spans = kept;
}

static bool plan_events(struct keep_plan *plan, const struct report *report, uint64_t around_ns)
{
	struct moments m = {plan, around_ns, true};

	add_interruptions(&m, report->ledger);
	add_changes(&m, report->ledger);
	add_gaps(&m, report);
	add_roles(&m, report);
	settle_spans(plan);
	return m.good;
}

/* ---- files of backups ---- */

/* Does any frame that the ledger names show that the file holds this WAN? */
static bool names_file(const struct ledger_wan *wan, uint32_t file)
{
	for (size_t i = 0; i < wan->n_cells; i++)
		for (uint32_t k = 0; k < wan->cells[i].first.count && k < EVIDENCE_FRAMES; k++)
			if (wan->cells[i].first.frames[k].file == file)
				return true;
	return false;
}

static bool has_file(const struct ledger *ledger, uint32_t wan)
{
	for (size_t i = 0; i < ledger->n_files; i++)
		if (ledger->files[i].wan == wan)
			return true;
	return false;
}

/* A capture of several WANs is told as its first one's: a backup without a file of its own is in
 * files that the evidence names, and in those of the same capture. */
static void plan_shared(struct keep_plan *plan, const struct ledger *ledger, uint32_t backup)
{
	for (uint32_t i = 0; i < plan->n_files; i++) {
		if (!names_file(&ledger->wans[backup], i))
			continue;
		for (uint32_t k = 0; k < plan->n_files; k++)
			plan->files[k].whole |= ledger->files[k].wan == ledger->files[i].wan;
	}
}

static void plan_backups(struct keep_plan *plan, const struct report *report)
{
	const struct ledger *ledger = report->ledger;

	for (uint32_t wan = 0; wan < report->n_wans; wan++) {
		if (report->wans[wan].role.role != ROLE_BACKUP)
			continue;
		for (size_t i = 0; i < plan->n_files; i++)
			plan->files[i].whole |= ledger->files[i].wan == wan;
		if (!has_file(ledger, wan))
			plan_shared(plan, ledger, wan);
	}
}

bool keep_plan(struct keep_plan *plan, const struct report *report, uint64_t around_ns)
{
	const struct ledger *ledger = report->ledger;

	*plan = (struct keep_plan){.n_files = ledger->n_files};
	plan->files = calloc(ledger->n_files + 1, sizeof(*plan->files));
	if (plan->files) {
		plan_backups(plan, report);
		if (plan_evidence(plan, report) && plan_events(plan, report, around_ns))
			return true;
	}
	keep_plan_release(plan);
	return false;
}

void keep_plan_release(struct keep_plan *plan)
{
	for (size_t i = 0; plan->files && i < plan->n_files; i++)
		free(plan->files[i].numbers);
	free(plan->files);
	free(plan->spans);
	*plan = (struct keep_plan){0};
}

/* ---- the budget ---- */

/* What goes first, and into what: the whole table. */
static const enum keep_tier below[KEEP_TIERS] = {
	[KEEP_WHOLE] = KEEP_CARRYING,
	[KEEP_CARRYING] = KEEP_EVENTS,
	[KEEP_EVENTS] = KEEP_EVIDENCE,
	[KEEP_EVIDENCE] = KEEP_TIERS, /* it goes */
};

enum keep_tier keep_below(enum keep_tier tier)
{
	return below[tier];
}

static bool goes_before(const struct keep_entry *a, const struct keep_entry *b)
{
	if (a->tier != b->tier)
		return a->tier > b->tier;
	if (a->age_ns != b->age_ns)
		return a->age_ns < b->age_ns;
	return strcmp(a->name, b->name) < 0;
}

size_t keep_first(const struct keep_entry *entries, size_t n)
{
	size_t first = 0;

	for (size_t i = 1; i < n; i++)
		if (goes_before(&entries[i], &entries[first]))
			first = i;
	return first < n ? first : n;
}
