/* SPDX-License-Identifier: MIT
 *
 * thinned.h - what an audit of thinned captures may say: what was left out of them is not healthy,
 * it is not there.
 */
#ifndef REPORT_THINNED_H
#define REPORT_THINNED_H

#include "report.h"

/* "1,234 frames were left out of 3 thinned captures (1.2 MB)", a message; NULL: nothing was. */
const char *thinned_words(const struct ledger_wan *wan, char *out, size_t size);

/*
 * When captures of a WAN that is judged were thinned: every finding that rests on what was counted
 * becomes not assessed, whatever it said, for shares of a part may be anything. What stays: more
 * bytes than a limit allows (FAIL), since the whole has no fewer; and the wholeness of WANs that
 * are whole.
 */
void thinned_temper(struct report *report);

#endif
