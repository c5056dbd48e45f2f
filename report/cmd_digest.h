/* SPDX-License-Identifier: MIT
 *
 * cmd_digest.h - --sha256: of each capture that was read the SHA-256 of the file as it lies on
 * disk, packed or not, into the ledger. Used by the subcommands only.
 *
 * Files are read a second time for it, after the audit. Without a digest are: what is no plain file
 * (a pipe), what a recorder still writes, what was not read because it lies outside the window, and
 * what cannot be opened any more.
 */
#ifndef REPORT_CMD_DIGEST_H
#define REPORT_CMD_DIGEST_H

#include "../capture/source.h"
#include "cmd_intake.h"

/* A line of --help, and a row for a getopt_long() table; intake_option() takes it. */
extern const char digest_help[];
#define DIGEST_LONG_OPTION                                                                         \
	{                                                                                          \
		"sha256", no_argument, NULL, OPTION_SHA256                                         \
	}

/* Into the ledger, or into those of the sites that have the file. */
void digest_files(const struct intake *intake, const struct source *source, struct ledger *ledger);

#endif
