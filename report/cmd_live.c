/* SPDX-License-Identifier: MIT
 *
 * cmd_live.c - see cmd_live.h.
 */
#include "cmd_live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../capture/record.h"
#include "../capture/sandbox.h"
#include "../capture/settings.h"
#include "command.h"

/* The recorder hands over so often what it has; what a spool's recorder does within a second. */
#define FLUSH             "100ms"
#define SPOOL_LATENESS_NS 1200000000ull

void live_init(struct live *live)
{
	memset(live, 0, sizeof(*live));
	live->signals = -1;
	live->words[live->n_words++] = "mptcp-captured";
}

void live_release(struct live *live)
{
	tail_close(live->tail);
	free(live->settings);
	if (live->signals >= 0)
		close(live->signals);
	live->tail = NULL;
	live->settings = NULL;
	live->signals = -1;
}

uint64_t live_now(void)
{
	return clock_real(&clock_system);
}

uint64_t live_mono(void)
{
	return clock_mono(&clock_system);
}

static void add_word(struct live *live, const char *word)
{
	live->words[live->n_words++] = word;
}

int live_interface(struct live *live, const char *word)
{
	if (live->interfaces == SETTINGS_INTERFACES)
		return command_complain(EXIT_USAGE, "-i %s: %d interfaces at most", word,
		                        SETTINGS_INTERFACES);
	add_word(live, "-i");
	add_word(live, word);
	live->interfaces++;
	return 0;
}

static int take_signals(struct live *live)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&set, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		live->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (live->signals < 0)
		return command_complain(EXIT_INTERNAL, "signals: %s", strerror(errno));
	return 0;
}

int live_signal(const struct live *live)
{
	struct signalfd_siginfo signal;

	if (read(live->signals, &signal, sizeof(signal)) != sizeof(signal))
		return 0;
	return (int)signal.ssi_signo;
}

void live_wait(const struct live *live, int keys, int wait_ms)
{
	int patience = tail_patience_ms(live->tail);
	struct pollfd fds[] = {
		{.fd = tail_fd(live->tail), .events = POLLIN},
		{.fd = live->signals, .events = POLLIN},
		{.fd = keys, .events = POLLIN},
	};

	poll(fds, 3, patience < wait_ms ? patience : wait_ms);
}

/* Asked before anything else: what a recorder would say is said in its own words. */
static int may_capture(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EPERM && errno != EACCES)
		return command_complain(EXIT_INTERNAL, "packet socket: %s", strerror(errno));
	return command_complain(
		EXIT_DENIED,
		"live capture needs CAP_NET_RAW: run as root, or once: setcap cap_net_raw+ep "
		"$(command -v mptcp-audit); \"watch SPOOL\" needs no privileges");
}

static int read_settings(struct live *live, const char *filter)
{
	char message[600];
	unsigned uid, gid;

	add_word(live, "--write");
	add_word(live, "-");
	add_word(live, "--flush");
	add_word(live, FLUSH);
	add_word(live, "--statistics");
	add_word(live, "5s");
	/* as who we will run, so that we may tell it to end */
	if (geteuid() == 0 && sandbox_user("nobody", &uid, &gid)) {
		add_word(live, "--user");
		add_word(live, "nobody");
	}
	if (filter) {
		add_word(live, "--filter");
		add_word(live, filter);
	}
	live->settings = calloc(1, sizeof(*live->settings));
	if (!live->settings)
		return command_complain(EXIT_INTERNAL, "out of memory");
	optind = 0; /* the recorder's words are another list */
	if (!settings_read(live->settings, live->n_words, (char **)live->words, message,
	                   sizeof(message)))
		return command_complain(EXIT_USAGE, "%s", message);
	return 0;
}

int live_open_devices(struct live *live, const char *filter)
{
	int code = read_settings(live, filter), error;

	live->devices = true;
	if (code == 0)
		code = may_capture();
	if (code == 0)
		code = take_signals(live);
	if (code != 0)
		return code;
	live->started_ns = live_now();
	live->tail = tail_live(live->settings, live->n_words, (char **)live->words, record_run,
	                       NULL, &error);
	if (!live->tail)
		return command_complain(EXIT_INTERNAL, "live capture: %s", strerror(-error));
	return 0;
}

int live_open_spool(struct live *live, const char *directory)
{
	struct tail_options options = {.lateness_ns = SPOOL_LATENESS_NS};
	int code = take_signals(live), error;

	if (code != 0)
		return code;
	live->started_ns = live_now();
	live->tail = tail_spool(directory, &options, &error);
	if (live->tail)
		return 0;
	if (error == -EACCES)
		return command_complain(EXIT_DENIED, "%s: %s", directory, strerror(EACCES));
	if (error == -ENOTDIR)
		return command_complain(EXIT_NO_INPUT,
		                        "%s: not a directory; name the recorder's spool, or read "
		                        "files with report or packets",
		                        directory);
	return command_complain(EXIT_NO_INPUT, "%s: %s", directory, strerror(-error));
}

int live_ended(const struct live *live)
{
	int status = tail_status(live->tail);

	/* one device of several that never came is shown, and no failure */
	size_t n;
	if (status == RECORD_NEVER_SEEN && tail_files(live->tail, &n)[0].frames > 0)
		return 0;
	switch (live->devices ? status : RECORD_CLEAN) {
	case RECORD_CLEAN:
	case RECORD_DROPS: /* counted, and told with the sums */
	case RECORD_LOST:
	case -1: /* it was left: its pipe was closed */
		return 0;
	case RECORD_NEVER_SEEN:
		return command_complain(EXIT_NO_INPUT, "an interface that was named never existed");
	case RECORD_DENIED:
		return command_complain(EXIT_DENIED, "the recorder may not capture");
	case RECORD_USAGE:
	case RECORD_CONFIG:
		return status;
	case RECORD_CANNOT_WRITE:
		return 0; /* we have closed its pipe */
	default:
		if (status > 128)
			return command_complain(EXIT_INTERNAL,
			                        "the recorder ended by signal %d: %s", status - 128,
			                        strsignal(status - 128));
		return command_complain(EXIT_INTERNAL, "the recorder ended with %d", status);
	}
}
