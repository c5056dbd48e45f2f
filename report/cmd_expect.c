/* SPDX-License-Identifier: MIT
 *
 * cmd_expect.c - see cmd_expect.h.
 */
#include "cmd_expect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "text.h"

static int cannot_open(const char *path, int error)
{
	return command_complain(error == EACCES ? EXIT_DENIED : EXIT_NO_INPUT, "--uci %s: %s", path,
	                        error == EINVAL
	                                ? "is neither a plain file nor a directory of them; save "
	                                  "what a pipe or device brings to a file"
	                                : strerror(error));
}

/* Only plain files: a fifo in a directory that was copied would wait for ever. */
static FILE *open_plain(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	FILE *file;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		file = fdopen(fd, "r");
		if (file)
			return file;
	} else {
		errno = EINVAL;
	}
	close(fd);
	return NULL;
}

static int take_file(struct uci *uci, struct expect *expect, const char *path, const char *package)
{
	static const char *const words[] = {
		[UCI_TOO_LARGE] = "larger than 1 MiB: no file of UCI",
		[UCI_UNREADABLE] = "cannot be read",
		[UCI_NO_MEMORY] = "out of memory",
	};
	const char *slash = strrchr(path, '/');
	FILE *file = open_plain(path);
	enum uci_answer answer;

	if (!file)
		return cannot_open(path, errno);
	answer = uci_read(uci, file, package, slash ? slash + 1 : path, expect);
	fclose(file);
	if (answer == UCI_FINE)
		return 0;
	return command_complain(answer == UCI_NO_MEMORY ? EXIT_INTERNAL : EXIT_CONFIG,
	                        "--uci %s: %s", path, words[answer]);
}

/* How many files were taken, or a negative exit code. */
static int take_directory(struct uci *uci, struct expect *expect, const char *path)
{
	int taken = 0;

	for (size_t i = 0; i < UCI_PACKAGES; i++) {
		char file[PATH_MAX];
		int code;

		if (snprintf(file, sizeof(file), "%s/%s", path, uci_packages[i]) >=
		            (int)sizeof(file) ||
		    access(file, F_OK) != 0)
			continue;
		code = take_file(uci, expect, file, uci_packages[i]);
		if (code != 0)
			return -code;
		taken++;
	}
	return taken;
}

static int take_tree(struct uci *uci, struct expect *expect, const char *path)
{
	char inner[PATH_MAX];
	int taken = take_directory(uci, expect, path);

	if (taken == 0 &&
	    snprintf(inner, sizeof(inner), "%s/etc/config", path) < (int)sizeof(inner))
		taken = take_directory(uci, expect, inner);
	if (taken == 0)
		return command_complain(EXIT_NO_INPUT,
		                        "--uci %s: no network, openmptcprouter, omr-quota or "
		                        "system in it",
		                        path);
	return taken < 0 ? -taken : 0;
}

int expect_take_uci(struct uci **uci, struct expect *expect, const char *path)
{
	struct stat st;

	if (!*uci)
		*uci = uci_new();
	if (!*uci)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (stat(path, &st) != 0)
		return cannot_open(path, errno);
	if (S_ISDIR(st.st_mode))
		return take_tree(*uci, expect, path);
	return take_file(*uci, expect, path, uci_package(path));
}

int expect_take_profile(struct expect *expect, const char *word)
{
	for (int i = 0; i < PROFILE_COUNT; i++) {
		if (strcmp(profile_names[i], word) != 0)
			continue;
		expect->profile = (enum profile)i;
		expect->profile_told = (struct told){FROM_FLAG, "--profile"};
		return 0;
	}
	const char *near = text_nearest(word, profile_names, PROFILE_COUNT);
	return command_complain(EXIT_USAGE, "--profile: unknown profile \"%.40s\"%s%s%s", word,
	                        near ? ", did you mean \"" : ": it is economy or reliability",
	                        near ? near : "", near ? "\"?" : "");
}
