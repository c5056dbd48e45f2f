/* SPDX-License-Identifier: MIT
 *
 * cmd_write.c - see cmd_write.h.
 */
#include "cmd_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

int write_failed(const char *path, int error)
{
	if (error == -EPIPE)
		return EXIT_CANNOT_WRITE; /* the reader has left: quiet */
	return command_complain(EXIT_CANNOT_WRITE, "%s: %s", path, strerror(-error));
}

int write_json(const json_t *json, const char *path)
{
	struct output output;
	bool dumped;
	int error = output_open(&output, path), why;

	if (error != 0)
		return command_complain(EXIT_CANNOT_CREATE, "--json %s: %s", path,
		                        strerror(-error));
	errno = 0;
	dumped = json_dumpf(json, output.file, JSON_SORT_KEYS | JSON_INDENT(1)) == 0 &&
	         fputc('\n', output.file) != EOF;
	why = errno ? -errno : -EIO;
	error = output_close(&output, dumped);
	if (!dumped)
		error = why; /* the first error is the one told */
	return error == 0 ? 0 : write_failed(path, error);
}
