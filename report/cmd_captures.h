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

struct source;

/* The inputs that are no ledgers, at least one, as a source: the frames that captures_read() reads,
 * in their order. NULL: *code is set, and why was explained. */
struct source *captures_open(const struct intake *intake, uint64_t since_ns, int *code);

/* Reads the inputs that are no ledgers, at least one, into *ledger. `settled` may be NULL:
 * intake_read() says what it gets. 0 or an exit code, already explained. */
int captures_read(struct intake *intake, struct ledger *ledger,
                  void (*settled)(void *context, const struct sighting *sighting), void *context);

#endif
