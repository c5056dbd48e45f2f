/* SPDX-License-Identifier: MIT
 *
 * cmd_run_notice.c - telling what changed by a command (cmd_run.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd_run.h"
#include "command.h"
#include "run.h"
#include "stored.h"

#define NS      UINT64_C(1000000000)
#define LOOK_NS 5000000

/* A file without a name, so that a command that reads nothing blocks nobody. -errno when there is
 * none. */
static int as_file(const json_t *notice)
{
	int fd = memfd_create("notice", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (json_dumpfd(notice, fd, JSON_SORT_KEYS | JSON_COMPACT) == 0 &&
	    write(fd, "\n", 1) == 1 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -EIO;
}

/* In the child: a group of its own, so that all of it can be ended. */
static void become(const char *command, int fd)
{
	setpgid(0, 0);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Wait for it to end; false: it took too long, and was ended. */
static bool wait_for(pid_t child, uint64_t limit_s, int *status)
{
	const struct timespec pause = {0, LOOK_NS};
	struct timespec begun, now;
	pid_t got;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while ((got = waitpid(child, status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (limit_s && (uint64_t)(now.tv_sec - begun.tv_sec) > limit_s) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			waitpid(child, status, 0);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static int failed(const struct run *run, const char *how, int value)
{
	return command_complain(EXIT_CANNOT_WRITE,
	                        "notify = %s: %s %d; the notice is kept, and told by the next pass",
	                        run->set.notify, how, value);
}

/* Run the hook; 0 when it took the notice. */
static int call_hook(const struct run *run, const json_t *notice)
{
	int fd = as_file(notice), status = 0;
	pid_t child;

	if (fd < 0)
		return command_complain(EXIT_INTERNAL, "a notice: %s", strerror(-fd));
	fflush(NULL);
	child = fork();
	if (child == 0)
		become(run->set.notify, fd);
	close(fd);
	if (child < 0)
		return command_complain(EXIT_INTERNAL, "fork: %s", strerror(errno));
	if (!wait_for(child, run->set.limit_s, &status))
		return failed(run, "still ran after seconds", (int)run->set.limit_s);
	if (WIFSIGNALED(status))
		return failed(run, "was ended by signal", WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : failed(run, "ended with", WEXITSTATUS(status));
}

static bool heartbeat_is_due(const struct run *run)
{
	uint64_t told = run_time(run->memory, "told_at");

	return run->set.heartbeat_s && told + run->set.heartbeat_s * NS <= run->now_ns;
}

static int tell(struct run *run, const json_t *notice)
{
	int code = 0;

	if (run->dry) {
		printf("would tell a %s by: %s\n", stored_text(notice, "reason"),
		       run->set.notify ? run->set.notify : "nothing, notify = is not set");
		return 0;
	}
	if (run->set.notify)
		code = call_hook(run, notice);
	if (code == 0 && !run_told(run->memory, run->now_ns))
		code = command_complain(EXIT_INTERNAL, "out of memory");
	/* from here on it is told; a pass that is killed before tells it once more */
	return code ? code : run_save(run);
}

int run_deliver(struct run *run)
{
	json_t *notice =
		run_notice(run->memory, run->set.language, run->now_ns, heartbeat_is_due(run));
	int code = 0;

	if (!notice)
		return command_complain(EXIT_INTERNAL, "out of memory");
	if (!json_is_null(notice))
		code = tell(run, notice);
	json_decref(notice);
	return code;
}
