/* SPDX-License-Identifier: MIT
 *
 * cmd_expect.h - the options of all subcommands that judge about what is expected: --uci and
 * --profile.
 *
 * Speaks on standard error.
 */
#ifndef REPORT_CMD_EXPECT_H
#define REPORT_CMD_EXPECT_H

#include "expect.h"
#include "uci.h"

/* Read a UCI file, or those of a directory (or of etc/config below it) that we know, into *uci,
 * which is made when it is NULL. 0 or an exit code, already explained. */
int expect_take_uci(struct uci **uci, struct expect *expect, const char *path);

int expect_take_profile(struct expect *expect, const char *word);

#endif
