/* SPDX-License-Identifier: MIT
 *
 * keeper.c - see keeper.h.
 *
 * The recorder may have been taken over by a frame it read. So of what it asks only the name of the
 * device and the ticket count; the name must be one that the operator listed, and filter, length,
 * ring come from our own settings. Both sides never wait for each other: a message that does not
 * fit now is refused, or sent when there is room.
 */
#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record.h"
#include "sandbox.h"

enum { TICKETS = 2 * SETTINGS_INTERFACES };

struct keeper {
	int fd;
};

/* ---- messages ---- */

enum ask { ASK_OPEN, ASK_QUIET, ASK_CLOSE };

struct question {
	uint32_t ask;
	uint32_t ticket;
	char device[IFNAMSIZ];
};

/* The numbers of descriptors mean nothing to the other side: those beside it count. */
struct reply {
	uint32_t word; /* enum keeper_word */
	uint32_t ticket;
	int32_t error;
	struct live_prepared prepared;
	char message[256];
};

union fd_room {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * LIVE_FDS)];
};

static int send_reply(int socket, const struct reply *reply, const int *fds, unsigned n_fds)
{
	union fd_room control = {0};
	struct iovec bytes = {(void *)(uintptr_t)reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
	}
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* 1 a message, 0 none now, or -errno. */
static int receive_reply(int socket, struct reply *reply, int *fds, unsigned *n_fds)
{
	union fd_room control = {0};
	struct iovec bytes = {reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &bytes,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control.room)};
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*n_fds = 0;
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (CMSG_FIRSTHDR(&message) && control.header.cmsg_type == SCM_RIGHTS) {
		*n_fds = (unsigned)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(&control.header), sizeof(int) * *n_fds);
	}
	return n == (ssize_t)sizeof(*reply) ? 1 : -EPIPE;
}

/* ---- the keeper ---- */

struct keeping {
	struct settings *settings;
	int argc;
	char **argv;

	pid_t recorder;
	int socket, signals;
	int status; /* of the recorder, once `ended` */
	bool ended;
	bool reload;     /* asked for, not yet done */
	sigset_t unsent; /* for the recorder, not yet delivered */

	struct row {
		bool used;
		uint32_t ticket;
		struct live_prepared prepared;
	} rows[TICKETS];
};

static struct row *find_row(struct keeping *keeping, uint32_t ticket)
{
	for (size_t i = 0; i < TICKETS; i++)
		if (keeping->rows[i].used && keeping->rows[i].ticket == ticket)
			return &keeping->rows[i];
	return NULL;
}

static struct row *free_row(struct keeping *keeping)
{
	for (size_t i = 0; i < TICKETS; i++)
		if (!keeping->rows[i].used)
			return &keeping->rows[i];
	return NULL;
}

static void drop_row(struct row *row)
{
	live_dispose(&row->prepared);
	*row = (struct row){0};
}

static int open_device(const struct keeping *keeping, const char *device,
                       struct live_prepared *prepared, struct reply *reply)
{
	const struct settings_interface *interface = settings_match(keeping->settings, device);
	struct live_request request;

	if (!interface) {
		snprintf(reply->message, sizeof(reply->message), "%s: not in the configuration",
		         device);
		return -EACCES;
	}
	settings_request(keeping->settings, interface, device, &request);
	return live_prepare(&request, prepared, reply->message, sizeof(reply->message));
}

static void answer_open(struct keeping *keeping, const struct question *question)
{
	struct reply reply = {.word = KEEPER_OPENED, .ticket = question->ticket};
	struct row *row = free_row(keeping);

	if (!row || find_row(keeping, question->ticket)) {
		snprintf(reply.message, sizeof(reply.message), "%s",
		         row ? "this ticket is in use" : "too many devices are open");
		reply.error = row ? -EEXIST : -EMFILE;
	} else {
		reply.error = open_device(keeping, question->device, &row->prepared, &reply);
	}
	if (reply.error) {
		reply.word = KEEPER_REFUSED;
		send_reply(keeping->socket, &reply, NULL, 0);
		return;
	}
	row->used = true;
	row->ticket = question->ticket;
	reply.prepared = row->prepared;
	if (send_reply(keeping->socket, &reply, row->prepared.fds, row->prepared.n_fds))
		drop_row(row);
}

static void answer_quiet(struct keeping *keeping, const struct question *question)
{
	struct reply reply = {.word = KEEPER_QUIET, .ticket = question->ticket};
	const struct row *row = find_row(keeping, question->ticket);

	if (row) {
		live_quiet(&row->prepared);
	} else {
		reply.word = KEEPER_REFUSED;
		reply.error = -ENOENT;
		snprintf(reply.message, sizeof(reply.message), "no such ticket");
	}
	send_reply(keeping->socket, &reply, NULL, 0);
}

static void do_close(struct keeping *keeping, const struct question *question)
{
	struct row *row = find_row(keeping, question->ticket);

	if (row)
		drop_row(row);
}

/* One question. The recorder's end closing is its end: nothing more will come. */
static void serve_question(struct keeping *keeping)
{
	struct question question;
	ssize_t n = recv(keeping->socket, &question, sizeof(question), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(keeping->socket);
		keeping->socket = -1;
		return;
	}
	if (n != (ssize_t)sizeof(question) || !memchr(question.device, 0, IFNAMSIZ))
		return;
	switch (question.ask) {
	case ASK_OPEN:
		answer_open(keeping, &question);
		break;
	case ASK_QUIET:
		answer_quiet(keeping, &question);
		break;
	case ASK_CLOSE:
		do_close(keeping, &question);
		break;
	}
}

/* ---- reading the configuration again ---- */

/* More than a message takes: they travel as a file in memory. */
static int send_settings(const struct keeping *keeping)
{
	const struct reply reply = {.word = KEEPER_SETTINGS};
	int fd = memfd_create("settings", MFD_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (pwrite(fd, keeping->settings, sizeof(*keeping->settings), 0) !=
	    (ssize_t)sizeof(*keeping->settings))
		error = -EIO;
	if (error == 0)
		error = send_reply(keeping->socket, &reply, &fd, 1);
	close(fd);
	return error;
}

static void reload(struct keeping *keeping)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	char message[1024] = "out of memory";
	int error;

	keeping->reload = false;
	if (!settings ||
	    !settings_read(settings, keeping->argc, keeping->argv, message, sizeof(message))) {
		fprintf(stderr, "mptcp-captured: reload: %s; the old configuration stays\n",
		        message);
		free(settings);
		return;
	}
	*keeping->settings = *settings;
	free(settings);
	error = send_settings(keeping);
	if (error)
		fprintf(stderr,
		        "mptcp-captured: reload: handing over to the recorder: %s; send HUP "
		        "again\n",
		        strerror(-error));
}

/* ---- signals ---- */

static const int forwarded[] = {SIGTERM, SIGINT, SIGUSR1};
enum { FORWARDED = sizeof(forwarded) / sizeof(forwarded[0]) };

/* At the start the recorder may still be root when we are not any more; then later. True when
 * nothing is left to send. */
static bool forward(struct keeping *keeping)
{
	bool all = true;

	for (size_t i = 0; i < FORWARDED && !keeping->ended; i++) {
		if (!sigismember(&keeping->unsent, forwarded[i]))
			continue;
		if (kill(keeping->recorder, forwarded[i]) == 0)
			sigdelset(&keeping->unsent, forwarded[i]);
		else
			all = false;
	}
	return all;
}

/* The recorder, and whatever else was left to us. */
static void reap(struct keeping *keeping)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != keeping->recorder)
			continue;
		keeping->status = status;
		keeping->ended = true;
	}
}

static void serve_signal(struct keeping *keeping)
{
	struct signalfd_siginfo info;

	if (read(keeping->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(keeping);
	else if (info.ssi_signo == SIGHUP)
		keeping->reload = true;
	else
		sigaddset(&keeping->unsent, (int)info.ssi_signo);
}

static void ours(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < FORWARDED; i++)
		sigaddset(set, forwarded[i]);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

/* ---- serving ---- */

/* Answers are only made when there is room for them: so nobody can make us wait. */
static void serve(struct keeping *keeping)
{
	enum { AGAIN_MS = 20 };
	bool wants_room = false;

	while (!keeping->ended) {
		struct pollfd fds[] = {
			{.fd = keeping->signals, .events = POLLIN},
			{.fd = keeping->socket, .events = wants_room ? POLLOUT : POLLIN}};
		struct pollfd room = {.fd = keeping->socket, .events = POLLOUT};

		if (poll(fds, 2, forward(keeping) ? -1 : AGAIN_MS) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			serve_signal(keeping);
		if (keeping->socket < 0 || (!fds[1].revents && !keeping->reload))
			continue;
		wants_room = poll(&room, 1, 0) == 1 && !room.revents;
		if (wants_room)
			continue;
		if (keeping->reload)
			reload(keeping);
		else
			serve_question(keeping);
	}
}

static void wait_for_recorder(struct keeping *keeping)
{
	while (!keeping->ended) {
		pid_t pid = waitpid(keeping->recorder, &keeping->status, 0);
		keeping->ended = pid == keeping->recorder || (pid < 0 && errno != EINTR);
	}
}

static void keep(struct keeping *keeping)
{
	char message[256] = "";
	int error = sandbox_keeper(keeping->settings->user, message, sizeof(message));

	if (error == 0) {
		serve(keeping);
	} else {
		fprintf(stderr,
		        "mptcp-captured: %s (%s); recording needs CAP_NET_RAW: start it as root, "
		        "or "
		        "give it this capability\n",
		        message, strerror(-error));
		kill(keeping->recorder, SIGTERM);
	}
	if (keeping->socket >= 0)
		close(keeping->socket);
	wait_for_recorder(keeping);
	if (error) /* as if the recorder had said so */
		keeping->status = (error == -EPERM ? RECORD_DENIED : RECORD_INTERNAL) << 8;
	for (size_t i = 0; i < TICKETS; i++)
		if (keeping->rows[i].used)
			drop_row(&keeping->rows[i]);
}

static void become_keeper(struct settings *settings, int argc, char **argv, pid_t recorder,
                          int socket, int signals, int *status)
{
	struct keeping *keeping = calloc(1, sizeof(*keeping));

	*status = RECORD_INTERNAL << 8;
	if (!keeping) {
		kill(recorder, SIGTERM);
		close(socket);
		return;
	}
	keeping->settings = settings;
	keeping->argc = argc;
	keeping->argv = argv;
	keeping->recorder = recorder;
	keeping->socket = socket;
	keeping->signals = signals;
	sigemptyset(&keeping->unsent);
	keep(keeping);
	*status = keeping->status;
	free(keeping);
}

/* ---- parting ---- */

/* When the keeper is killed, the recorder ends as if it had been told to: by the signal, and,
 * should that get lost, by the socket's end. */
static struct keeper *become_recorder(int socket, pid_t parent)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM);
	if (!keeper)
		_exit(RECORD_INTERNAL);
	keeper->fd = socket;
	return keeper;
}

struct keeper *keeper_fork(struct settings *settings, int argc, char **argv, int *status)
{
	sigset_t set, old;
	int pair[2], signals;
	pid_t parent = getpid(), child;

	*status = RECORD_INTERNAL << 8;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return NULL;
	ours(&set);
	sigprocmask(SIG_BLOCK, &set, &old); /* before the fork: none gets lost in between */
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	child = signals < 0 ? -1 : fork();
	if (child == 0) {
		close(signals);
		close(pair[0]);
		sigprocmask(SIG_SETMASK, &old, NULL);
		return become_recorder(pair[1], parent);
	}
	close(pair[1]);
	if (child < 0)
		close(pair[0]);
	else
		become_keeper(settings, argc, argv, child, pair[0], signals, status);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return NULL;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	close(keeper->fd);
	free(keeper);
}

/* ---- the recorder's side ---- */

int keeper_fd(const struct keeper *keeper)
{
	return keeper->fd;
}

static int ask(struct keeper *keeper, const struct question *question)
{
	ssize_t n;

	do
		n = send(keeper->fd, question, sizeof(*question), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int keeper_ask_open(struct keeper *keeper, uint32_t ticket, const struct live_request *request)
{
	struct question question = {.ask = ASK_OPEN, .ticket = ticket};

	memcpy(question.device, request->device, sizeof(question.device));
	return ask(keeper, &question);
}

int keeper_ask_quiet(struct keeper *keeper, uint32_t ticket)
{
	return ask(keeper, &(struct question){.ask = ASK_QUIET, .ticket = ticket});
}

int keeper_ask_close(struct keeper *keeper, uint32_t ticket)
{
	return ask(keeper, &(struct question){.ask = ASK_CLOSE, .ticket = ticket});
}

static struct settings *read_settings(int fd)
{
	struct settings *settings = malloc(sizeof(*settings));
	ssize_t n = settings ? read(fd, settings, sizeof(*settings)) : -1;

	if (n == (ssize_t)sizeof(*settings))
		return settings;
	free(settings);
	return NULL;
}

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

/* The descriptors go to whom they are meant for. 0 or -errno. */
static int take_fds(struct keeper_answer *answer, const int *fds, unsigned n_fds)
{
	if (answer->word == KEEPER_OPENED && n_fds == answer->prepared.n_fds) {
		memcpy(answer->prepared.fds, fds, n_fds * sizeof(*fds));
		return 0;
	}
	if (answer->word == KEEPER_SETTINGS && n_fds == 1)
		answer->settings = read_settings(fds[0]);
	close_all(fds, n_fds);
	answer->prepared.n_fds = 0;
	if (answer->word == KEEPER_OPENED || (answer->word == KEEPER_SETTINGS && !answer->settings))
		return -EMFILE; /* descriptors got lost: we have too many, or no memory */
	return 0;
}

int keeper_read(struct keeper *keeper, struct keeper_answer *answer)
{
	struct reply reply;
	int fds[LIVE_FDS];
	unsigned n_fds;
	int n = receive_reply(keeper->fd, &reply, fds, &n_fds);

	*answer = (struct keeper_answer){.word = KEEPER_NOTHING};
	if (n <= 0)
		return n == -ECONNRESET ? -EPIPE : n;
	answer->word = reply.word;
	answer->ticket = reply.ticket;
	answer->error = reply.error;
	answer->prepared = reply.prepared;
	memcpy(answer->message, reply.message, sizeof(answer->message));
	return take_fds(answer, fds, n_fds);
}
