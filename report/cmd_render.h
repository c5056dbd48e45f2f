/* SPDX-License-Identifier: MIT
 *
 * cmd_render.h - a report's JSON written to a file in one of the formats: for the subcommands.
 */
#ifndef REPORT_CMD_RENDER_H
#define REPORT_CMD_RENDER_H

#include "formats.h"

/* Whole or not at all; `path` NULL or "-" is standard output. `option` names what asked for it.
 * Returns 0 or, after a complaint, an enum exit_code. */
int render_to(const json_t *report, const struct format *format, enum language language,
              const char *option, const char *path);

/* The language a --lang names; after a complaint false. */
bool render_language(const char *name, enum language *language);

#endif
