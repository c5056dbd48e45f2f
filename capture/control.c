/* SPDX-License-Identifier: MIT
 *
 * control.c - see control.h.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS    8
#define LINE_MOST  4096
#define OUT_MOST   (256 * 1024) /* what a client has not read; more, and it is dropped */
#define READS_TURN 4            /* of one client in one turn: frames wait meanwhile */
#define PATIENCE   5000         /* ms that control_request() waits for an answer to go on */

struct client {
	int fd;        /* -1: free */
	bool closing;  /* when all is sent */
	bool skipping; /* the rest of a line that was too long */
	uint32_t waits_for;
	char line[LINE_MOST];
	size_t n_line;
	char *out; /* from malloc */
	size_t n_out, sent;
};

struct control {
	int listener, epoll;
	bool full; /* the listener waits until a client goes */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t device; /* of the socket file: another recorder's is not ours to remove */
	ino_t inode;
	struct client clients[CLIENTS];
};

/* ---- opening ---- */

static int address_of(const char *path, struct sockaddr_un *address)
{
	size_t n = strlen(path);

	if (n == 0)
		return -ENOENT;
	if (n >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, n + 1);
	return 0;
}

/* A socket whose owner is gone refuses; one that listens is another recorder's. Other files stay.
 */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat file;
	int fd, error;

	if (lstat(address->sun_path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (error != ECONNREFUSED)
		return error == EACCES || error == EPERM ? -error : -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* The mode is that of the moment of bind(): afterwards somebody may have come already. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0117);
	int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return error;
}

static int watch(struct control *control, int operation, int fd, uint32_t events, uint32_t index)
{
	struct epoll_event event = {.events = events, .data.u32 = index};

	return epoll_ctl(control->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static int start(struct control *control, const char *path)
{
	struct sockaddr_un address;
	struct stat file;
	int error = address_of(path, &address);

	if (!error)
		error = remove_stale(&address);
	if (error)
		return error;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->epoll < 0 || control->listener < 0)
		return -errno;
	error = bind_private(control->listener, &address);
	if (error)
		return error;
	memcpy(control->path, address.sun_path, sizeof(control->path));
	if (lstat(path, &file) == 0) {
		control->device = file.st_dev;
		control->inode = file.st_ino;
	}
	if (listen(control->listener, CLIENTS) < 0)
		return -errno;
	return watch(control, EPOLL_CTL_ADD, control->listener, EPOLLIN, CLIENTS);
}

struct control *control_open(const char *path, int *error)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		*error = -ENOMEM;
		return NULL;
	}
	json_object_seed(0); /* now, while /dev/urandom may be opened */
	control->listener = control->epoll = -1;
	for (unsigned i = 0; i < CLIENTS; i++)
		control->clients[i].fd = -1;
	*error = start(control, path);
	if (*error == 0)
		return control;
	control_close(control);
	return NULL;
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

/* ---- a client ---- */

static void drop(struct control *control, struct client *client)
{
	close(client->fd); /* leaves the epoll set, too */
	free(client->out);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
	if (control->full &&
	    watch(control, EPOLL_CTL_MOD, control->listener, EPOLLIN, CLIENTS) == 0)
		control->full = false;
}

void control_close(struct control *control)
{
	struct stat file;

	if (!control)
		return;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop(control, &control->clients[i]);
	if (control->path[0] && fstatat(AT_FDCWD, control->path, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	    file.st_dev == control->device && file.st_ino == control->inode)
		unlinkat(AT_FDCWD, control->path, 0);
	if (control->listener >= 0)
		close(control->listener);
	if (control->epoll >= 0)
		close(control->epoll);
	free(control);
}

/* All that comes to wait. Nobody can be told more than OUT_MOST without reading any of it. */
static bool queue(struct client *client, const char *text, size_t n)
{
	char *larger;

	if (client->sent) {
		memmove(client->out, client->out + client->sent, client->n_out - client->sent);
		client->n_out -= client->sent;
		client->sent = 0;
	}
	if (n > OUT_MOST - client->n_out)
		return false;
	larger = realloc(client->out, client->n_out + n + 1);
	if (!larger)
		return false;
	client->out = larger;
	memcpy(larger + client->n_out, text, n);
	client->n_out += n;
	return true;
}

/* Send what can be sent now. False: the client is gone, or done with. */
static bool flush(struct client *client)
{
	while (client->sent < client->n_out) {
		ssize_t n = send(client->fd, client->out + client->sent,
		                 client->n_out - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		client->sent += (size_t)n;
	}
	free(client->out);
	client->out = NULL;
	client->n_out = client->sent = 0;
	return !client->closing;
}

/* Takes the object over. */
static bool queue_json(struct client *client, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	bool good = text && queue(client, text, strlen(text)) && queue(client, "\n", 1);

	json_decref(object);
	free(text);
	return good;
}

static bool queue_error(struct client *client, const char *what)
{
	return queue_json(client, json_pack("{s:s}", "error", what));
}

static bool run_command(struct client *client, const char *command, control_answer *answer,
                        void *context)
{
	char *text = NULL;
	json_t *object = answer(context, command, &text);
	bool good;

	if (!object && !text)
		return queue_error(client, "unknown command: there are status, rotate, flush, stop "
		                           "and metrics");
	if (!text)
		return queue_json(client, object);
	good = queue(client, text, strlen(text));
	client->closing = true;
	json_decref(object);
	free(text);
	return good;
}

static bool run_line(struct client *client, const char *line, size_t n, control_answer *answer,
                     void *context)
{
	json_t *request, *command;
	bool good;

	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (n == 0)
		return true;
	request = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	command = json_object_get(request, "command");
	if (!json_is_string(command))
		good = queue_error(client, request ? "no command: write {\"command\": \"status\"}"
		                                   : "no JSON: write {\"command\": \"status\"}");
	else
		good = run_command(client, json_string_value(command), answer, context);
	json_decref(request);
	return good;
}

/* Runs whole lines; keeps what follows the last. */
static bool run_lines(struct client *client, control_answer *answer, void *context)
{
	char *at = client->line, *end = client->line + client->n_line, *newline;
	bool good = true;

	while (good && !client->closing && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		if (!client->skipping)
			good = run_line(client, at, (size_t)(newline - at), answer, context);
		client->skipping = false;
		at = newline + 1;
	}
	client->n_line = (size_t)(end - at);
	memmove(client->line, at, client->n_line);
	if (!good || client->n_line < LINE_MOST)
		return good;
	client->n_line = 0;
	if (client->skipping)
		return true;
	client->skipping = true;
	return queue_error(client, "the line is too long");
}

/* It will say no more; what it said without an end of line counts. */
static bool end_client(struct client *client, control_answer *answer, void *context)
{
	client->closing = true;
	if (client->skipping || !run_line(client, client->line, client->n_line, answer, context))
		return false;
	client->n_line = 0;
	return flush(client);
}

/* False: drop it. Whoever does not read its answers is not read either. */
static bool read_client(struct client *client, control_answer *answer, void *context)
{
	for (int i = 0; i < READS_TURN && client->n_out == 0 && !client->closing; i++) {
		ssize_t n = recv(client->fd, client->line + client->n_line,
		                 LINE_MOST - client->n_line, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return end_client(client, answer, context);
		client->n_line += (size_t)n;
		if (!run_lines(client, answer, context) || !flush(client))
			return false;
	}
	return true;
}

static void serve_client(struct control *control, struct client *client, uint32_t events,
                         control_answer *answer, void *context)
{
	uint32_t want;
	bool good = (events & EPOLLERR) == 0;

	if (good && client->n_out)
		good = flush(client);
	if (good)
		good = read_client(client, answer, context);
	want = client->n_out ? EPOLLOUT : EPOLLIN;
	if (good && want != client->waits_for)
		good = watch(control, EPOLL_CTL_MOD, client->fd, want,
		             (uint32_t)(client - control->clients)) == 0;
	client->waits_for = want;
	if (!good)
		drop(control, client);
}

/* ---- the listener ---- */

static struct client *free_client(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

static void accept_clients(struct control *control)
{
	struct client *client;

	while ((client = free_client(control))) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		client->fd = fd;
		client->waits_for = EPOLLIN;
		if (watch(control, EPOLL_CTL_ADD, fd, EPOLLIN,
		          (uint32_t)(client - control->clients)) < 0)
			drop(control, client);
	}
	/* further ones wait in the kernel's queue until one of these goes */
	control->full = watch(control, EPOLL_CTL_MOD, control->listener, 0, CLIENTS) == 0;
}

void control_serve(struct control *control, control_answer *answer, void *context)
{
	struct epoll_event events[CLIENTS + 1];
	int n = epoll_wait(control->epoll, events, CLIENTS + 1, 0);

	for (int i = 0; i < n; i++) {
		uint32_t index = events[i].data.u32;

		if (index == CLIENTS)
			accept_clients(control);
		else if (control->clients[index].fd >= 0)
			serve_client(control, &control->clients[index], events[i].events, answer,
			             context);
	}
}

/* ---- the other side ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* 0 when the descriptor is ready; -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t until_ms)
{
	for (;;) {
		struct pollfd poller = {.fd = fd, .events = events};
		int64_t left = until_ms - now_ms();
		int n = left > 0 ? poll(&poller, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int send_command(int fd, const char *command)
{
	json_t *object = json_pack("{s:s}", "command", command);
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int error = line ? 0 : -ENOMEM;

	if (line &&
	    (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0))
		error = -errno;
	json_decref(object);
	free(line);
	return error;
}

static int write_all(int out, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(out, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		n -= (size_t)written;
	}
	return 0;
}

/* JSON is one line; other text goes on until the recorder closes. */
static int copy_answer(int fd, int out)
{
	int64_t until = now_ms() + PATIENCE;
	char bytes[4096];
	bool json = false, first = true;
	int error;

	while ((error = wait_for(fd, POLLIN, until)) == 0) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return first ? -ECONNRESET : 0;
		if (first)
			json = bytes[0] == '{';
		first = false;
		error = write_all(out, bytes, (size_t)n);
		if (error || (json && bytes[n - 1] == '\n'))
			return error;
	}
	return error;
}

int control_request(const char *path, const char *command, int out)
{
	struct sockaddr_un address;
	int error = address_of(path, &address), fd;

	if (error)
		return error;
	/* connect() and send() of a stream socket end in time, too */
	struct timeval patience = {.tv_sec = PATIENCE / 1000};
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!error)
		error = send_command(fd, command);
	if (!error)
		error = copy_answer(fd, out);
	close(fd);
	return error;
}
