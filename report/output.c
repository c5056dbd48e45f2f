/* SPDX-License-Identifier: MIT
 *
 * output.c - see output.h.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkstemp makes a file nobody else may read; a report is as open as any file the user makes. */
static void open_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(fd, 0666 & ~mask) != 0)
		return; /* stricter than asked is no reason to fail */
}

static int open_beside(struct output *output, const char *path)
{
	int fd, saved;

	if (asprintf(&output->temporary, "%s.XXXXXX", path) < 0) {
		output->temporary = NULL;
		return -ENOMEM;
	}
	fd = mkstemp(output->temporary);
	if (fd >= 0) {
		open_mode(fd);
		output->file = fdopen(fd, "w");
		if (output->file)
			return 0;
		saved = errno;
		close(fd);
		unlink(output->temporary);
		errno = saved;
	}
	saved = errno;
	free(output->temporary);
	output->temporary = NULL;
	return -saved;
}

int output_open(struct output *output, const char *path)
{
	struct stat st;

	memset(output, 0, sizeof(*output));
	if (!path || strcmp(path, "-") == 0) {
		output->file = stdout;
		return 0;
	}
	output->path = path;
	if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		return open_beside(output, path);
	output->file = fopen(path, "we");
	return output->file ? 0 : -errno;
}

/* Not every file system can: what it cannot do is no failure to write. */
static int sync_fd(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS || errno == EROFS ? 0 : -errno;
}

/* The name stands when its directory is on the disk. */
static int sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd, error;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = fd < 0 && errno != EACCES ? -errno : 0; /* one may write where one may not read */
	if (fd >= 0) {
		error = sync_fd(fd);
		close(fd);
	}
	free(copy);
	return error;
}

static int put_in_place(const struct output *output)
{
	if (rename(output->temporary, output->path) == 0)
		return sync_directory(output->path);
	int error = -errno;
	unlink(output->temporary);
	return error;
}

int output_close(struct output *output, bool keep)
{
	int error = 0;

	if (ferror(output->file))
		error = -EIO;
	if (fflush(output->file) != 0 && (error == 0 || error == -EIO))
		error = -errno;
	/* after a loss of power a name that came before its bytes would stand for an empty file */
	if (output->temporary && keep && error == 0)
		error = sync_fd(fileno(output->file));
	if (output->path && fclose(output->file) != 0 && error == 0)
		error = -errno;
	if (output->temporary) {
		if (error != 0 || !keep)
			unlink(output->temporary);
		else
			error = put_in_place(output);
		free(output->temporary);
	}
	memset(output, 0, sizeof(*output));
	return error;
}
