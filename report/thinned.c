/* SPDX-License-Identifier: MIT
 *
 * thinned.c - see thinned.h.
 */
#include "thinned.h"

#include <string.h>

#include "message.h"
#include "text.h"

static bool is_thinned(const struct ledger_wan *wan)
{
	return wan->counters.thinned_files > 0;
}

const char *thinned_words(const struct ledger_wan *wan, char *out, size_t size)
{
	const struct ledger_counters *c = &wan->counters;
	char frames[TEXT_SHORT], bytes[TEXT_SHORT], files[TEXT_SHORT];

	if (!is_thinned(wan))
		return NULL;
	text_count(files, c->thinned_files);
	/* all of it was worth keeping; or it was cut off before it could say how many */
	if (c->thinned_frames == 0)
		return SAY(out, size, thinned_some, files);
	return SAY(out, size, thinned_frames, text_count(frames, c->thinned_frames),
	           text_bytes(bytes, c->thinned_bytes), files);
}

/* An amount beyond its limit, which more frames would only make larger. */
static bool is_proven(const struct finding *finding)
{
	static const char *const amounts[] = {"bytes", "bytes_per_day"};

	if (finding->status != STATUS_FAIL || !finding->limited || !finding->observed ||
	    finding->value <= finding->limit || strcmp(finding->rule, "E2") == 0)
		return false;
	for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++)
		if (strcmp(finding->unit, amounts[i]) == 0)
			return true;
	return false;
}

static void temper(const struct report *report, struct finding *finding)
{
	if (finding->status != STATUS_PASS && finding->status != STATUS_WARN &&
	    finding->status != STATUS_FAIL)
		return;
	if (is_proven(finding))
		return;
	if (strcmp(finding->rule, "A27") == 0 && finding->wan >= 0 &&
	    !is_thinned(report->wans[finding->wan].ledger))
		return;
	finding->status = STATUS_NOT_ASSESSED;
	finding->blinded = true;
	MORE_IN(finding->text, thinned_not_judged);
}

void thinned_temper(struct report *report)
{
	bool thinned = false;

	for (size_t i = 0; i < report->n_wans; i++)
		thinned = thinned || (report->wans[i].role.role != ROLE_OFF &&
		                      is_thinned(report->wans[i].ledger));
	for (size_t i = 0; thinned && i < report->n_findings; i++)
		temper(report, &report->findings[i]);
}
