/* SPDX-License-Identifier: MIT
 *
 * tail_live.c - a recorder of our own behind a pipe: who may open devices is not who reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "settings.h"
#include "tail_inside.h"

/* What a recorder gets to write what it has still, when it was asked to end. */
#define STOP_NS 5000000000ull

/* ---- the child ---- */

static bool wire(int from, int to)
{
	return from == to || dup2(from, to) == to;
}

static _Noreturn void be_recorder(struct settings *settings, int argc, char **argv,
                                  int (*record)(struct settings *, int, char **), int out,
                                  int errors)
{
	sigset_t none;
	int nothing = open("/dev/null", O_RDONLY);

	if (nothing < 0 || !wire(nothing, STDIN_FILENO) || !wire(out, STDOUT_FILENO) ||
	    !wire(errors, STDERR_FILENO))
		_exit(127);
	for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
		close(fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	int answer = record(settings, argc, argv);
	fflush(stdout);
	_exit(answer);
}

/* ---- the parent gives up what it has ---- */

static bool become_nobody(void)
{
	unsigned uid = 65534, gid = 65534;

	if (geteuid() != 0)
		return true;
	sandbox_user("nobody", &uid, &gid);
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	       setresuid(uid, uid, uid) == 0;
}

static bool shed(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	return become_nobody() && syscall(SYS_capset, &header, none) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* ---- what it says ---- */

static void say_line(struct tail *tail)
{
	struct tail_note *note;
	static const char prefix[] = "mptcp-captured: ";
	const char *text = tail->line;

	tail->line[tail->line_length] = '\0';
	tail->line_length = 0;
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	if (!*text)
		return;
	note = tail_note(tail, NOTE_MESSAGE, TAIL_NO_WAN);
	snprintf(note->text, sizeof(note->text), "%.299s", text);
}

/* At the end: what it said last. */
static void hear_errors(struct tail *tail)
{
	char text[512];
	ssize_t got = 0;

	while (tail->errors >= 0 && (got = read(tail->errors, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (text[i] == '\n' || tail->line_length == TAIL_LINE - 1)
				say_line(tail);
			if (text[i] != '\n')
				tail->line[tail->line_length++] = text[i];
		}
	}
	if (tail->errors < 0 || got != 0)
		return;
	if (tail->line_length)
		say_line(tail);
	close(tail->errors);
	tail->errors = -1;
}

static void reap(struct tail *tail)
{
	int status;

	if (tail->reaped || waitpid(tail->child, &status, WNOHANG) != tail->child)
		return;
	tail->reaped = true;
	tail->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A recorder that does not end is left: closing its pipe ends it at its next word. */
static void lose_patience(struct tail *tail)
{
	if (!tail->stopping || clock_mono(tail->clock) < tail->stop_ns + STOP_NS)
		return;
	kill(tail->child, SIGKILL);
	if (tail->feeds[0]->open)
		feed_close(tail->feeds[0]);
	tail->reaped = true;
}

void tail_live_look(struct tail *tail)
{
	hear_errors(tail);
	reap(tail);
	if (!tail->reaped)
		lose_patience(tail);
}

void tail_live_stop(struct tail *tail)
{
	/* It has become somebody else who we may not signal: it hears that nobody reads. */
	if (!tail->reaped && kill(tail->child, SIGTERM) != 0 && errno == EPERM)
		feed_close(tail->feeds[0]);
}

void tail_live_end(struct tail *tail)
{
	if (tail->errors >= 0)
		close(tail->errors);
	tail->errors = -1;
	if (!tail->live || tail->child <= 0 || tail->reaped)
		return;
	kill(tail->child, SIGTERM);
	waitpid(tail->child, NULL, WNOHANG);
}

/* ---- life ---- */

static bool listen_to(struct tail *tail, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	       epoll_ctl(tail->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool begin(struct tail *tail, int out, int errors)
{
	struct feed *feed = tail_add_feed(tail);

	tail->errors = errors;
	if (!feed) {
		close(out);
		return false;
	}
	feed->row = tail_add_file(tail, feed, "live");
	feed_open(tail, feed, out, true);
	return listen_to(tail, out) && listen_to(tail, errors);
}

static bool start(struct tail *tail, struct settings *settings, int argc, char **argv,
                  int (*record)(struct settings *, int, char **))
{
	int out[2], errors[2];

	if (pipe2(out, O_CLOEXEC) != 0)
		return false;
	if (pipe2(errors, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return false;
	}
	fflush(NULL);
	tail->child = fork();
	if (tail->child == 0)
		be_recorder(settings, argc, argv, record, out[1], errors[1]);
	close(out[1]);
	close(errors[1]);
	return begin(tail, out[0], errors[0]) && tail->child > 0 && shed();
}

struct tail *tail_live(struct settings *settings, int argc, char **argv,
                       int (*record)(struct settings *settings, int argc, char **argv),
                       const struct tail_options *options, int *error)
{
	struct tail *tail = tail_new(options, error);

	if (!tail)
		return NULL;
	tail->live = true;
	if (start(tail, settings, argc, argv, record))
		return tail;
	*error = -errno;
	tail_close(tail);
	return NULL;
}
