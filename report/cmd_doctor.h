/* SPDX-License-Identifier: MIT
 *
 * cmd_doctor.h - what would spoil an audit, a line each: how bad, what, what to do.
 *
 * For the subcommand doctor only. Speaks on standard output; changes nothing on the host.
 */
#ifndef REPORT_CMD_DOCTOR_H
#define REPORT_CMD_DOCTOR_H

#include "../dissect/ledger.h"
#include "message.h"

enum ailment { AILMENT_NONE, AILMENT_WARN, AILMENT_PROBLEM };

struct doctor {
	enum language language;
	enum ailment worst; /* of all that was said */
};

/* One line. `what` and `cure` are cases with the same parts; `cure` MESSAGE_COUNT = nothing to do.
 */
void doctor_say(struct doctor *doctor, enum ailment how_bad, enum message what, enum message cure,
                const char *const *parts);
#define DOCTOR_SAY(doctor, how_bad, what, cure, ...)                                               \
	doctor_say(doctor, how_bad, MESSAGE_##what, MESSAGE_##cure,                                \
	           (const char *const[]){"", ##__VA_ARGS__, NULL} + 1)
#define DOCTOR_FINE(doctor, what, ...)                                                             \
	doctor_say(doctor, AILMENT_NONE, MESSAGE_##what, MESSAGE_COUNT,                            \
	           (const char *const[]){"", ##__VA_ARGS__, NULL} + 1)

/* Captures, as they were dissected. */
void doctor_captures(struct doctor *doctor, const struct ledger *ledger);

/* This host, and the devices that are to be captured on it; without any, those that are up. */
void doctor_host(struct doctor *doctor, const char *const *names, size_t count);

#endif
