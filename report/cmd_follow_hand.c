/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_hand.c - what becomes of the spool's files once their sums are stored (cmd_follow.h).
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd_follow.h"

/* A file that is counted, stored, and not the newest of its WAN. */
static bool may_go(const struct follow *f, const char *text)
{
	const struct follow_cursor *cursor = &f->current->cursor;
	struct spool_name name;

	if (!spool_name_parse(&name, text) || name.part)
		return false;
	for (size_t i = 0; i < cursor->n; i++)
		if (strcmp(cursor->series[i].key, name.wan) == 0)
			return (int64_t)name.sequence < cursor->series[i].sequence;
	return false;
}

void follow_hand_over(struct follow *f)
{
	int fd = f->remove ? openat(f->reader.directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                   : -1;
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *row;

	while (directory && (row = readdir(directory)))
		if (may_go(f, row->d_name))
			unlinkat(f->reader.directory, row->d_name, 0);
	if (directory)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
}
