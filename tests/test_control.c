/* SPDX-License-Identifier: MIT
 *
 * test_control.c - strangers on the control socket, polite and not; and what the service manager
 * hears.
 *
 * Both ends live in one process, so that each step is looked at: a client's bytes go in, the
 * recorder serves, what came out is read without waiting.
 */
#include "../capture/control.h"
#include "../capture/notify.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void suite_control(void);

static char directory[64], path[80];

/* ---- a recorder that counts what it is asked ---- */

struct recorder {
	struct control *control;
	unsigned asked;
};

static json_t *answer(void *context, const char *command, char **text)
{
	struct recorder *recorder = context;
	char *large;

	recorder->asked++;
	if (strcmp(command, "metrics") == 0)
		*text = strdup("frames_total 7\nbytes_total 9\n");
	if (strcmp(command, "large") == 0 && (large = malloc(125001))) {
		memset(large, 'y', 125000);
		large[125000] = '\0';
		json_t *object = json_pack("{s:s}", "large", large);
		free(large);
		return object;
	}
	return strcmp(command, "status") == 0 ? json_pack("{s:s}", "state", "recording") : NULL;
}

static void start(struct recorder *recorder)
{
	int error = 1;

	memset(recorder, 0, sizeof(*recorder));
	recorder->control = control_open(path, &error);
	CU_ASSERT_FATAL(recorder->control != NULL && error == 0);
}

/* Serve for as long as there is something to do. */
static void serve(struct recorder *recorder)
{
	struct pollfd poller = {.fd = control_fd(recorder->control), .events = POLLIN};

	for (int i = 0; i < 1000 && poll(&poller, 1, 0) > 0; i++)
		control_serve(recorder->control, answer, recorder);
	CU_ASSERT(poll(&poller, 1, 0) == 0); /* it does not spin */
}

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	CU_ASSERT_FATAL(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void say(int fd, const char *text)
{
	CU_ASSERT(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* What is there to read; NULL: nothing yet, "" closed. */
static const char *hear(int fd)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return n >= 0 || errno == ECONNRESET ? text : NULL;
}

#define STATE "{\"state\":\"recording\"}\n"
#define HEARS(fd, wanted)                                                                          \
	do {                                                                                       \
		const char *heard = hear(fd);                                                      \
		CU_ASSERT(heard &&strcmp(heard, wanted) == 0);                                     \
		if (heard && strcmp(heard, wanted) != 0)                                           \
			printf("heard: %s", heard);                                                \
	} while (0)

/* ---- tests ---- */

static void lines_in_lines_out(void)
{
	struct recorder recorder;
	struct stat file;

	start(&recorder);
	CU_ASSERT(stat(path, &file) == 0 && S_ISSOCK(file.st_mode));
	CU_ASSERT((file.st_mode & 0777) == 0660);
	int fd = dial();
	say(fd, "{\"command\": \"status\"}\n");
	serve(&recorder);
	HEARS(fd, STATE);
	/* in pieces, and two at once, with CR LF */
	say(fd, "{\"comm");
	serve(&recorder);
	CU_ASSERT(hear(fd) == NULL);
	say(fd, "and\":\"status\"}\r\n\n{\"command\":\"status\"}\n");
	serve(&recorder);
	HEARS(fd, STATE STATE);
	/* text is sent as it is, and ends */
	say(fd, "{\"command\":\"metrics\"}\n{\"command\":\"status\"}\n");
	serve(&recorder);
	HEARS(fd, "frames_total 7\nbytes_total 9\n");
	HEARS(fd, "");
	close(fd);
	/* whoever says no more is answered all the same */
	fd = dial();
	say(fd, "{\"command\":\"status\"}");
	shutdown(fd, SHUT_WR);
	serve(&recorder);
	HEARS(fd, STATE);
	HEARS(fd, "");
	close(fd);
	CU_ASSERT(recorder.asked == 5);
	control_close(recorder.control);
	CU_ASSERT(access(path, F_OK) < 0 && errno == ENOENT);
}

static void nonsense(void)
{
	static const char *const lines[] = {
		"hello\n",
		"{\n",
		"[]\n",
		"{}\n",
		"null\n",
		"{\"command\":7}\n",
		"{\"command\":\"status\"} x\n",
		"{\"command\":\"a\",\"command\":\"status\"}\n",
		"{\"command\":\"dance\"}\n",
		"\xff\xfe\x01\n",
		"{\"command\":\"\\u0000\"}\n",
	};
	struct recorder recorder;
	char *deep = malloc(5001);

	CU_ASSERT_FATAL(deep != NULL);
	start(&recorder);
	int fd = dial();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		say(fd, lines[i]);
		serve(&recorder);
		const char *heard = hear(fd);
		CU_ASSERT(heard && strncmp(heard, "{\"error\":\"", 10) == 0);
		CU_ASSERT(heard && strchr(heard, '\n') == heard + strlen(heard) - 1);
	}
	CU_ASSERT(recorder.asked == 1); /* for dance */
	memset(deep, '[', 4000);
	strcpy(deep + 4000, "\n");
	say(fd, deep);
	serve(&recorder);
	CU_ASSERT(strstr(hear(fd), "no JSON") != NULL);
	/* one error for a line that is too long, however long; then all is well */
	memset(deep, 'x', 5000);
	deep[5000] = '\0';
	for (int i = 0; i < 5; i++) {
		say(fd, deep);
		serve(&recorder);
	}
	HEARS(fd, "{\"error\":\"the line is too long\"}\n");
	say(fd, "\n{\"command\":\"status\"}\n");
	serve(&recorder);
	HEARS(fd, STATE);
	close(fd);
	serve(&recorder);
	free(deep);
	control_close(recorder.control);
}

static void a_ninth_client_waits(void)
{
	struct recorder recorder;
	int fds[9];

	start(&recorder);
	for (int i = 0; i < 9; i++) {
		fds[i] = dial();
		say(fds[i], "{\"command\":\"status\"}\n");
	}
	serve(&recorder);
	for (int i = 0; i < 8; i++)
		HEARS(fds[i], STATE);
	CU_ASSERT(hear(fds[8]) == NULL);
	close(fds[3]);
	serve(&recorder);
	HEARS(fds[8], STATE);
	for (int i = 0; i < 9; i++)
		if (i != 3)
			close(fds[i]);
	serve(&recorder);
	for (int i = 0; i < 200; i++) { /* none of them stays */
		int fd = dial();
		say(fd, i % 2 ? "{\"command\":\"metrics\"}\n" : "{\"comm");
		close(fd);
		serve(&recorder);
	}
	control_close(recorder.control);
}

/* Asks and asks and never reads: dropped, before it takes more than its share of memory. */
static void a_client_that_does_not_read(void)
{
	static const char ask[] = "{\"command\":\"large\"}\n";
	struct recorder recorder;
	int fd, polite;
	bool gone = false;

	start(&recorder);
	fd = dial();
	polite = dial();
	say(fd, "{\"command\":\"large\"}\n{\"command\":\"large\"}\n{\"command\":\"large\"}\n"
	        "{\"command\":\"large\"}\n{\"command\":\"large\"}\n{\"command\":\"large\"}\n");
	serve(&recorder);
	for (int i = 0; i < 100 && !gone; i++) {
		gone = send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
		serve(&recorder);
	}
	CU_ASSERT(gone && recorder.asked < 10);
	say(polite, "{\"command\":\"status\"}\n");
	serve(&recorder);
	HEARS(polite, STATE);
	close(fd);
	close(polite);
	control_close(recorder.control);
}

/* One that reads slowly gets all of it. */
static void a_client_that_reads_slowly(void)
{
	struct recorder recorder;
	size_t total = 0;
	char bytes[1000];

	start(&recorder);
	int fd = dial();
	int small = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "{\"command\":\"large\"}\n{\"command\":\"large\"}\n");
	for (int i = 0; i < 1000 && total < 250026; i++) {
		serve(&recorder);
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		total += n > 0 ? (size_t)n : 0;
	}
	CU_ASSERT(total == 2 * (125000 + strlen("{\"large\":\"\"}\n")));
	say(fd, "{\"command\":\"status\"}\n");
	serve(&recorder);
	HEARS(fd, STATE);
	close(fd);
	control_close(recorder.control);
}

static void whose_socket_it_is(void)
{
	struct recorder first;
	struct control *second;
	int error, fd;
	char copy[90], longer[200];

	start(&first);
	second = control_open(path, &error);
	CU_ASSERT(second == NULL && error == -EADDRINUSE);
	fd = dial(); /* the first one still answers */
	say(fd, "{\"command\":\"status\"}\n");
	serve(&first);
	HEARS(fd, STATE);
	close(fd);
	/* left behind by one that was killed: nobody listens */
	snprintf(copy, sizeof(copy), "%s.1", path);
	CU_ASSERT(rename(path, copy) == 0);
	control_close(first.control);
	CU_ASSERT(rename(copy, path) == 0);
	start(&first);
	/* what somebody else put there since stays when we end */
	CU_ASSERT(unlink(path) == 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	control_close(first.control);
	CU_ASSERT(access(path, F_OK) == 0);
	second = control_open(path, &error);
	CU_ASSERT(second == NULL && error == -EEXIST);
	CU_ASSERT(unlink(path) == 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT(control_open(longer, &error) == NULL && error == -ENAMETOOLONG);
	CU_ASSERT(control_open("", &error) == NULL && error == -ENOENT);
	CU_ASSERT(control_open("/no/such/place", &error) == NULL && error == -ENOENT);
}

/* ---- the other side ---- */

/* The answer to a command, from a recorder in a process of its own. */
static int request(const char *command, char *text, size_t size)
{
	int out[2], error;
	ssize_t n;

	CU_ASSERT_FATAL(pipe(out) == 0);
	error = control_request(path, command, out[1]);
	close(out[1]);
	n = read(out[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(out[0]);
	return error;
}

static void asking(void)
{
	struct recorder recorder;
	char text[4096];

	CU_ASSERT(request("status", text, sizeof(text)) == -ENOENT);
	start(&recorder);
	fflush(stdout);
	pid_t child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		struct pollfd poller = {.fd = control_fd(recorder.control), .events = POLLIN};
		while (poll(&poller, 1, 10000) > 0)
			control_serve(recorder.control, answer, &recorder);
		_exit(0);
	}
	CU_ASSERT(request("status", text, sizeof(text)) == 0);
	CU_ASSERT_STRING_EQUAL(text, STATE);
	CU_ASSERT(request("metrics", text, sizeof(text)) == 0);
	CU_ASSERT_STRING_EQUAL(text, "frames_total 7\nbytes_total 9\n");
	CU_ASSERT(request("dance\"\n", text, sizeof(text)) == 0);
	CU_ASSERT(strstr(text, "{\"error\":\"unknown command") == text);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	control_close(recorder.control);
}

/* ---- the service manager ---- */

static int manager(struct sockaddr_un *address, socklen_t length)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0);
	return fd;
}

static void telling(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct notify notify;
	char name[80], pid[24];
	int fd;

	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "2000000", 1);
	unsetenv("WATCHDOG_PID");
	notify_open(&notify);
	CU_ASSERT(notify.fd == -1 && notify.watchdog_ns == 0);
	notify_say(&notify, "READY=1");
	notify_close(&notify);

	strcpy(address.sun_path, path);
	fd = manager(&address, sizeof(address));
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open(&notify);
	CU_ASSERT(notify.fd >= 0 && notify.watchdog_ns == 2000000000);
	notify_say(&notify, "READY=1\nSTATUS=recording");
	HEARS(fd, "READY=1\nSTATUS=recording");
	for (int i = 0; i < 10000; i++) /* a manager that sleeps is not waited for */
		notify_say(&notify, "WATCHDOG=1");
	close(fd);
	notify_say(&notify, "WATCHDOG=1"); /* nor one that is gone */
	notify_close(&notify);
	CU_ASSERT(notify.fd == -1 && unlink(path) == 0);

	snprintf(name, sizeof(name), "@mptcp-captured-test-%d", (int)getpid());
	memset(&address.sun_path, 0, sizeof(address.sun_path));
	strcpy(address.sun_path + 1, name + 1);
	fd = manager(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name)));
	setenv("NOTIFY_SOCKET", name, 1);
	/* for us, for our keeper, for somebody else; or nonsense */
	const struct {
		const char *usec;
		pid_t pid;
		uint64_t ns;
	} rows[] = {{"1000", getpid(), 1000000}, {"1000", getppid(), 1000000},
	            {"1000", 1 << 30, 0},        {"0", getpid(), 0},
	            {"-5", getpid(), 0},         {"18446744073709551615", getpid(), 0},
	            {"12x", getpid(), 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(pid, sizeof(pid), "%d", (int)rows[i].pid);
		setenv("WATCHDOG_PID", pid, 1);
		setenv("WATCHDOG_USEC", rows[i].usec, 1);
		notify_open(&notify);
		CU_ASSERT(notify.fd >= 0 && notify.watchdog_ns == rows[i].ns);
		notify_say(&notify, "STOPPING=1");
		HEARS(fd, "STOPPING=1");
		notify_close(&notify);
	}
	close(fd);
	static const char *const bad[] = {"", "@", "/", "relative", "/nowhere/at/all", "vsock:2:3"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_open(&notify);
		CU_ASSERT(notify.fd == -1 && notify.watchdog_ns == 0);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static int make_place(void)
{
	const char *place = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%.40s/control.XXXXXX", place ? place : "/tmp");
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int remove_place(void)
{
	unlink(path);
	return rmdir(directory);
}

void suite_control(void)
{
	CU_pSuite suite = CU_add_suite("control", make_place, remove_place);

	CU_ADD_TEST(suite, lines_in_lines_out);
	CU_ADD_TEST(suite, nonsense);
	CU_ADD_TEST(suite, a_ninth_client_waits);
	CU_ADD_TEST(suite, a_client_that_does_not_read);
	CU_ADD_TEST(suite, a_client_that_reads_slowly);
	CU_ADD_TEST(suite, whose_socket_it_is);
	CU_ADD_TEST(suite, asking);
	CU_ADD_TEST(suite, telling);
}
