/* SPDX-License-Identifier: MIT
 *
 * cmd_captures.h - from the captures of an intake to its ledger: the one loop that reads frames.
 *
 * Knows the window that is judged (frames before it are read for what they tell of connections,
 * those behind it are left out) and the state that joins pieces (cmd_state.h). Speaks on standard
 * error.
 */
#ifndef REPORT_CMD_CAPTURES_H
#define REPORT_CMD_CAPTURES_H

#include "cmd_intake.h"

/* Reads the `n_captures` inputs that are no ledgers, at least one, into *ledger. `settled` may be
 * NULL: intake_read() says what it gets. 0 or an exit code, already explained. */
int captures_read(struct intake *intake, size_t n_captures, struct ledger *ledger,
                  void (*settled)(void *context, const struct sighting *sighting), void *context);

#endif
