/* SPDX-License-Identifier: MIT
 *
 * test_keeper.c - the keeper, which opens what the recorder may not: asked, filled, signalled,
 * killed, and without privileges. See live_lab.h.
 */
#include "live_lab.h"

void suite_keeper(void);

/* ---- the keeper ---- */

static bool wait_answer(struct keeper *keeper, struct keeper_answer *answer)
{
	struct pollfd fd = {.fd = keeper_fd(keeper), .events = POLLIN};

	return poll(&fd, 1, PATIENCE_MS) == 1 && keeper_read(keeper, answer) == 0 &&
	       answer->word != KEEPER_NOTHING;
}

static void note_signal(int signal)
{
	(void)signal; /* only sigtimedwait() below looks */
}

static bool wait_signal(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 5}) == signal;
}

static const char *const keeper_file = "keeper.conf";

static void write_config(const char *text)
{
	unlink(keeper_file); /* it may be another user's */
	FILE *file = fopen(keeper_file, "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* The recorder that asks for what it may not have, in all ways that the messages know. */
static void recorder_asks(struct lab *lab, struct keeper *keeper)
{
	struct live_request request = request_for(lab, "va");
	struct keeper_answer answer;
	struct live_counts counts;

	request.keep = 0; /* the settings say headers */
	snprintf(request.filter, sizeof(request.filter), "tcp");
	CHECK(lab, keeper_ask_open(keeper, 7, &request) == 0);
	if (!CHECK(lab, wait_answer(keeper, &answer)))
		return;
	CHECK(lab, answer.word == KEEPER_OPENED && answer.ticket == 7);
	struct live *live = live_attach(&answer.prepared);
	if (!CHECK(lab, live != NULL))
		return;
	send_frames(lab->in, 10, 700, 53, 0);
	const struct live_frame *frame = wait_head(live);
	CHECK(lab, frame && frame->caplen == 160);
	CHECK(lab, keeper_ask_quiet(keeper, 7) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_QUIET && answer.ticket == 7);
	send_frames(lab->in, 10, 700, 53, 0);
	CHECK(lab, read_frames(live, 10) == 10);
	CHECK(lab, read_all(live, &counts, 10) == 0);
	live_close(live);

	CHECK(lab, keeper_ask_open(keeper, 7, &request) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_REFUSED && answer.error == -EEXIST);
	CHECK(lab, keeper_ask_close(keeper, 7) == 0);
	request = request_for(lab, "lo");
	CHECK(lab, keeper_ask_open(keeper, 8, &request) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_REFUSED && answer.error == -EACCES);
	CHECK(lab, strstr(answer.message, "lo") != NULL);
	request = request_for(lab, "vanotthere");
	CHECK(lab, keeper_ask_open(keeper, 9, &request) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_REFUSED && answer.error == -ENODEV);
	CHECK(lab, keeper_ask_quiet(keeper, 99) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_REFUSED);
	/* what is no message, or of a device without an end, is passed over */
	char junk[200];
	memset(junk, 'v', sizeof(junk));
	for (size_t n = 1; n <= sizeof(junk); n += 1)
		send(keeper_fd(keeper), junk, n, MSG_DONTWAIT);
	CHECK(lab, keeper_ask_quiet(keeper, 99) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_REFUSED);
	CHECK(lab, keeper_read(keeper, &answer) == 0 && answer.word == KEEPER_NOTHING);
}

/* As many captures as the table has rows, and no more; room again after closing. */
static void recorder_fills(struct lab *lab, struct keeper *keeper)
{
	struct live_request request = request_for(lab, "va");
	struct keeper_answer answer = {0};
	unsigned opened = 0;

	for (uint32_t ticket = 100; ticket < 100 + 3 * SETTINGS_INTERFACES; ticket++) {
		if (!CHECK(lab, keeper_ask_open(keeper, ticket, &request) == 0 &&
		                        wait_answer(keeper, &answer)))
			return;
		opened += answer.word == KEEPER_OPENED;
		live_dispose(&answer.prepared);
	}
	CHECK(lab, opened == 2 * SETTINGS_INTERFACES && answer.error == -EMFILE);
	for (uint32_t ticket = 100; ticket < 100 + 3 * SETTINGS_INTERFACES; ticket++)
		CHECK(lab, keeper_ask_close(keeper, ticket) == 0);
	CHECK(lab, keeper_ask_open(keeper, 1, &request) == 0 && wait_answer(keeper, &answer) &&
	                   answer.word == KEEPER_OPENED);
	live_dispose(&answer.prepared);
}

static void recorder_signals(struct lab *lab, struct keeper *keeper, pid_t parent)
{
	struct keeper_answer answer;

	kill(parent, SIGUSR1);
	CHECK(lab, wait_signal(SIGUSR1));
	write_config("[captured]\nnonsense here\n");
	kill(parent, SIGHUP);
	write_config("[captured]\nsnaplen = 77\ndirectory = .\n[interface va]\nrole = backup\n"
	             "[interface lo]\nrole = off\n");
	kill(parent, SIGUSR1); /* the keeper has seen the HUP before, or after: one answer or two */
	CHECK(lab, wait_signal(SIGUSR1));
	kill(parent, SIGHUP);
	do {
		if (!CHECK(lab, wait_answer(keeper, &answer)))
			return;
		CHECK(lab, answer.word == KEEPER_SETTINGS && answer.settings);
	} while (answer.settings->n_interfaces != 2);
	CHECK(lab, answer.settings->keep == 77);
	free(answer.settings);
	struct live_request request = request_for(lab, "lo");
	CHECK(lab, keeper_ask_open(keeper, 50, &request) == 0);
	do /* another copy of the settings may be on its way */
		CHECK(lab, wait_answer(keeper, &answer));
	while (answer.word == KEEPER_SETTINGS);
	CHECK(lab, answer.word == KEEPER_OPENED);
	live_dispose(&answer.prepared);
	kill(parent, SIGTERM);
	CHECK(lab, wait_signal(SIGTERM));
}

static void recorder(struct lab *lab, struct keeper *keeper)
{
	recorder_asks(lab, keeper);
	if (lab->backend == LIVE_RING) /* the table is the same */
		recorder_fills(lab, keeper);
	recorder_signals(lab, keeper, getppid());
}

static void with_keeper(struct lab *lab, void (*record)(struct lab *, struct keeper *), int *status)
{
	char *argv[] = {"mptcp-captured", "-c", "keeper.conf", "--user", "nobody", NULL};
	static struct settings settings;
	char directory[] = "/tmp/keeper-XXXXXX", message[512] = "";
	sigset_t set;

	if (!mkdtemp(directory) || chown(directory, 65534, 65534) || chdir(directory))
		return;
	write_config("[captured]\ndirectory = .\n[interface va*]\nrole = backup\n");
	if (!CHECK(lab, settings_read(&settings, 5, argv, message, sizeof(message)))) {
		printf("live: %s\n", message);
		return;
	}
	settings.backend = lab->backend;
	signal(SIGUSR1, note_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct keeper *keeper = keeper_fork(&settings, 5, argv, status);
	if (keeper) {
		lab->in = sender("vb");
		become_nobody(lab);
		record(lab, keeper);
		keeper_free(keeper);
		fflush(stdout);
		_exit(lab->failed ? 1 : 42);
	}
	CHECK(lab, unlink(keeper_file) == 0);
	CHECK(lab, chdir("/") == 0 && rmdir(directory) == 0);
}

static void body_keeper(struct lab *lab)
{
	int status = 0;

	with_keeper(lab, recorder, &status);
	CHECK(lab, WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void test_keeper(void)
{
	both("keeper", body_keeper);
}

/* The keeper is killed: the recorder hears it, in both ways, and keeps what it has. */
static void orphan(struct lab *lab, struct keeper *keeper)
{
	struct live_request request = request_for(lab, "va");
	struct keeper_answer answer;

	CHECK(lab, keeper_ask_open(keeper, 1, &request) == 0 && wait_answer(keeper, &answer));
	struct live *live = live_attach(&answer.prepared);
	if (!CHECK(lab, live != NULL))
		return;
	lab->in = sender("vb");
	become_nobody(lab);
	kill(getppid(), SIGKILL);
	CHECK(lab, wait_signal(SIGTERM));
	struct pollfd fd = {.fd = keeper_fd(keeper), .events = POLLIN};
	CHECK(lab, poll(&fd, 1, PATIENCE_MS) == 1);
	CHECK(lab, keeper_read(keeper, &answer) == -EPIPE);
	CHECK(lab, keeper_ask_quiet(keeper, 1) == -EPIPE);
	send_frames(lab->in, 5, 100, 53, 0);
	CHECK(lab, read_frames(live, 5) == 5);
	live_close(live);
}

static void body_orphan(struct lab *lab)
{
	int ends[2], status = 0;
	char verdict = 'x';

	if (pipe(ends))
		return;
	pid_t child = fork(); /* becomes the keeper that is killed */
	if (child == 0) {
		close(ends[0]);
		struct lab inner = *lab;
		char *argv[] = {"mptcp-captured", "-i", "va", "-d", ".", NULL};
		static struct settings settings;
		char message[512];
		sigset_t set;
		if (!settings_read(&settings, 5, argv, message, sizeof(message)))
			_exit(1);
		settings.backend = lab->backend;
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		struct keeper *keeper = keeper_fork(&settings, 5, argv, &status);
		if (keeper) {
			orphan(&inner, keeper);
			fflush(stdout);
			if (write(ends[1], inner.failed ? "n" : "y", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	waitpid(child, &status, 0);
	CHECK(lab, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(lab, read(ends[0], &verdict, 1) == 1 && verdict == 'y');
}

static void test_orphan(void)
{
	both("orphan", body_orphan);
}

/* No privilege at all: said, and the exit status says so, too. */
static void body_denied(struct lab *lab)
{
	char *argv[] = {"mptcp-captured", "-i", "va", "-d", ".", NULL};
	static struct settings settings;
	char message[512], said[600] = "";
	int ends[2], status = 0, old = dup(STDERR_FILENO);

	CHECK(lab, settings_read(&settings, 5, argv, message, sizeof(message)));
	CHECK(lab, pipe(ends) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	dup2(ends[1], STDERR_FILENO);
	struct keeper *keeper = keeper_fork(&settings, 5, argv, &status);
	if (keeper) {
		pause(); /* until it is told to end */
		_exit(0);
	}
	dup2(old, STDERR_FILENO);
	CHECK(lab, WIFEXITED(status) && WEXITSTATUS(status) == 77);
	CHECK(lab, read(ends[0], said, sizeof(said) - 1) > 0 && strstr(said, "CAP_NET_RAW"));
}

static void test_denied(void)
{
	in_namespace("denied", LIVE_RING, body_denied);
}

void suite_keeper(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"keeper", test_keeper},
		{"keeper killed", test_orphan},
		{"keeper denied", test_denied},
	};
	CU_pSuite suite = CU_add_suite("keeper", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
