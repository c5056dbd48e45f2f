/* SPDX-License-Identifier: MIT
 *
 * sentence.h - the first thing a reader is told: one or two sentences about the backup, by case.
 *
 * A backup that behaved, one that only its readiness made large, one beside an idle primary, a day
 * with outages: each has a sentence of its own with what it carried and what that was. For all else
 * the finding that decided the verdict speaks.
 */
#ifndef REPORT_SENTENCE_H
#define REPORT_SENTENCE_H

#include "report.h"

/* Fill report->sentence; findings and verdict are there. */
void sentence_tell(struct report *report);

#endif
