/* SPDX-License-Identifier: MIT
 *
 * unseen.h - what an audit did not see, in the few words that stand before its sentence: per WAN
 * how many frames, how much time, which files, and which checks could not be made for it.
 *
 * One who reads only the first sentence must not take a part for the whole.
 */
#ifndef REPORT_UNSEEN_H
#define REPORT_UNSEEN_H

#include "report.h"

/* Fill report->unseen, a message; "" when all was seen. After the findings, before the sentence. */
void unseen_tell(struct report *report);

/* Was something of this WAN not seen, as unseen_tell() says? */
bool unseen_of(const struct report *report, size_t wan);

#endif
