/* SPDX-License-Identifier: MIT
 *
 * cmd_write.h - a JSON document to where --json says: whole or not at all. Used by the subcommands
 * only.
 */
#ifndef REPORT_CMD_WRITE_H
#define REPORT_CMD_WRITE_H

#include <jansson.h>

/* `path` "-" is standard output. 0 or an exit code, already explained; a reader that has left is no
 * complaint. */
int write_json(const json_t *json, const char *path);

/* What became of it: `error` is a -errno. Returns EXIT_CANNOT_WRITE. */
int write_failed(const char *path, int error);

#endif
