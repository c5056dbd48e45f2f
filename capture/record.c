/* SPDX-License-Identifier: MIT
 *
 * record.c - the loop of the recorder: what woke us, what became due, how it begins and ends.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record_inside.h"
#include "sandbox.h"

/* Frames of one WAN before the others have their turn. */
#define TURN_FRAMES 4096
/* What waits for the disk, all WANs together: 3 s of 10,000 frames a second, headers only. */
#define POOL_BYTES ((size_t)4 * 1024 * 1024)
#define TEND_NS    (30 * SECOND_NS)
/* How soon to look again whether a file that was cut can end. */
#define CUT_LOOK_NS (250 * MILLI_NS)
/* How soon to try again what was due and found no memory: the disk is slow. */
#define SHORT_MS 10
/* The longest that the end waits for the keeper's answers and the rings' last blocks. */
#define STOP_NS (2 * SECOND_NS)

enum waker {
	WAKE_SIGNAL,
	WAKE_KEEPER,
	WAKE_DEVICES,
	WAKE_CONTROL,
	WAKE_WRITER,
	WAKE_CLOCK,
	WAKERS
};

/* ---- time ---- */

/* Small changes of the offset are the clock being slewed: it still stamps what it stamped. */
static void look_at_clock(struct recorder *r)
{
	int64_t offset, change;

	r->mono = clock_mono(r->clock);
	offset = clock_offset(r->clock);
	change = offset - r->offset_ns;
	r->real = (uint64_t)((int64_t)r->mono + offset);
	r->offset_ns = offset;
	if (llabs(change) > CLOCK_STEP_NS) {
		r->step_mono = r->mono;
		r->steps++;
		status_log("the clock was set by %+.3f s", (double)change / (double)SECOND_NS);
		return;
	}
	for (size_t i = 0; change && i < SETTINGS_INTERFACES; i++)
		r->wans[i].offset_ns += change;
}

/* A timer in the far future, that is cancelled when somebody sets the clock. */
static void arm_clock_change(int fd)
{
	struct itimerspec never = {.it_value.tv_sec = INT32_MAX};

	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void earlier(uint64_t *at, uint64_t candidate)
{
	if (candidate < *at)
		*at = candidate;
}

static uint64_t next_deadline(const struct recorder *r)
{
	uint64_t at = r->merge_mono;

	if (r->unflushed)
		earlier(&at, r->flush_mono);
	earlier(&at, r->statistics_mono);
	if (r->settings.max_age_ns)
		earlier(&at, r->tend_mono);
	if (r->notify.watchdog_ns)
		earlier(&at, r->watchdog_mono);
	if (r->end_mono)
		earlier(&at, r->end_mono);
	else if (r->settings.duration_ns)
		earlier(&at, r->started_mono + r->settings.duration_ns);
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++) {
		const struct series *series = &r->series[i];

		if (r->wans[i].used)
			earlier(&at, wan_deadline(r, &r->wans[i]));
		if (series->used && series->open && !r->streaming && !r->stopping)
			earlier(&at, series->cut_mono ? series->cut_mono + CUT_LOOK_NS
			                              : series->began_mono + r->settings.rotate_ns);
	}
	return at;
}

static int timeout_ms(const struct recorder *r)
{
	uint64_t at = next_deadline(r), wait;

	if (at <= r->mono)
		return SHORT_MS;
	wait = (at - r->mono + MILLI_NS - 1) / MILLI_NS;
	return wait > 3600000 ? 3600000 : (int)wait;
}

/* ---- what woke us ---- */

static void stop(struct recorder *r)
{
	if (r->stopping)
		return;
	r->stopping = true;
	r->end_mono = r->mono + STOP_NS;
	notify_say(&r->notify, "STOPPING=1");
	for (size_t i = 0; i < SETTINGS_INTERFACES && !r->streaming; i++)
		if (r->series[i].used)
			series_cut(r, &r->series[i]);
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used)
			wan_stop(r, wan);
}

static void rotate_all(struct recorder *r)
{
	for (size_t i = 0; i < SETTINGS_INTERFACES && !r->streaming; i++)
		if (r->series[i].used)
			series_cut(r, &r->series[i]);
}

static void flush_all(struct recorder *r)
{
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		if (r->series[i].used)
			writer_flush(r->writer, r->series[i].stream);
	r->unflushed = false;
	r->flush_mono = r->mono + r->settings.flush_ns;
}

static void statistics_all(struct recorder *r)
{
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		wan->due |= wan->used;
	r->statistics_mono = r->mono + r->settings.statistics_ns;
}

static void take_signal(struct recorder *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			rotate_all(r);
		else
			stop(r);
	}
}

/* What cannot change while running stays as it is, and is said. */
static void take_settings(struct recorder *r, struct settings *settings)
{
	struct spool_limits limits = {settings->max_bytes, settings->max_files,
	                              settings->max_age_ns, settings->keep_free,
	                              settings->zstd_level};

	if (strcmp(settings->directory, r->settings.directory) != 0 ||
	    strcmp(settings->output, r->settings.output) != 0 ||
	    strcmp(settings->control, r->settings.control) != 0 ||
	    strcmp(settings->user, r->settings.user) != 0)
		status_log("directory, output, control socket and user stay as they are until a "
		           "restart");
	memcpy(settings->directory, r->settings.directory, sizeof(settings->directory));
	memcpy(settings->output, r->settings.output, sizeof(settings->output));
	memcpy(settings->control, r->settings.control, sizeof(settings->control));
	memcpy(settings->user, r->settings.user, sizeof(settings->user));
	r->settings = *settings;
	free(settings);
	writer_tend(r->writer, &limits);
	wan_resettle(r);
	wan_expect(r);
	size_t n;
	const struct device *all = devices_all(r->devices, &n);
	for (size_t i = 0; i < n; i++)
		wan_device(r, &all[i]);
	status_news(r, "settings read again");
}

static void take_answers(struct recorder *r)
{
	struct keeper_answer answer;

	for (;;) {
		if (keeper_read(r->keeper, &answer) != 0) {
			stop(r);
			epoll_ctl(r->epoll, EPOLL_CTL_DEL, keeper_fd(r->keeper), NULL);
			return;
		}
		if (answer.word == KEEPER_NOTHING)
			return;
		if (answer.word == KEEPER_SETTINGS)
			take_settings(r, answer.settings);
		else
			wan_answer(r, &answer);
	}
}

static void device_changed(void *context, const struct device *device)
{
	wan_device(context, device);
}

static json_t *answer_control(void *context, const char *command, char **text)
{
	struct recorder *r = context;

	if (strcmp(command, "status") == 0)
		return status_json(r);
	if (strcmp(command, "metrics") == 0) {
		*text = status_metrics(r);
		return NULL;
	}
	if (strcmp(command, "rotate") == 0)
		rotate_all(r);
	else if (strcmp(command, "flush") == 0)
		flush_all(r);
	else if (strcmp(command, "stop") == 0)
		stop(r);
	else
		return NULL;
	return json_pack("{s:b}", "done", 1);
}

static void take_clock_change(struct recorder *r)
{
	uint64_t times;

	if (read(r->clock_change, &times, sizeof(times)) < 0)
		arm_clock_change(r->clock_change);
}

/* No file can ever begin in a directory that was removed. Whoever started us may start us again:
 * that makes a new one. */
static void look_at_directory(struct recorder *r)
{
	struct stat st;

	if (r->streaming || r->stopping || fstat(r->directory, &st) != 0 || st.st_nlink > 0)
		return;
	status_log("%s was removed, and what was written since its last file ended with it",
	           r->settings.directory);
	r->failure = RECORD_CANNOT_WRITE;
}

static void woken(struct recorder *r, enum waker waker)
{
	switch (waker) {
	case WAKE_SIGNAL:
		take_signal(r);
		break;
	case WAKE_KEEPER:
		take_answers(r);
		break;
	case WAKE_DEVICES:
		devices_read(r->devices, device_changed, r);
		break;
	case WAKE_CONTROL:
		control_serve(r->control, answer_control, r);
		break;
	case WAKE_WRITER:
		writer_acknowledge(r->writer);
		look_at_directory(r); /* it may have failed there */
		break;
	case WAKE_CLOCK:
		take_clock_change(r);
		break;
	case WAKERS:
		break;
	}
}

/* ---- what is due ---- */

static bool read_frames(struct recorder *r)
{
	bool more = false;

	r->merge_mono = UINT64_MAX;
	if (r->streaming) {
		r->merge_mono = wan_merge(r, TURN_FRAMES);
		return r->merge_mono <= r->mono;
	}
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && wan->live)
			more |= wan_read(r, wan, TURN_FRAMES);
	return more;
}

static bool all_settled(const struct recorder *r)
{
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		if (r->wans[i].used && r->wans[i].capture == WAN_ASKED)
			return false;
	return true;
}

static void say_ready(struct recorder *r)
{
	if (r->ready || !all_settled(r))
		return;
	r->ready = true;
	notify_say(&r->notify, "READY=1");
	status_news(r, "ready");
}

static void tend(struct recorder *r)
{
	if (r->mono >= r->statistics_mono) {
		statistics_all(r);
		look_at_directory(r);
	}
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		if (r->wans[i].used)
			wan_tend(r, &r->wans[i]);
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		if (r->series[i].used)
			series_tend(r, &r->series[i]);
	if (r->unflushed && r->mono >= r->flush_mono)
		flush_all(r);
	if (r->settings.max_age_ns && r->mono >= r->tend_mono) {
		writer_tend(r->writer, NULL);
		r->tend_mono = r->mono + TEND_NS;
	}
	say_ready(r);
	if (r->ready && r->notify.watchdog_ns && r->mono >= r->watchdog_mono) {
		notify_say(&r->notify, "WATCHDOG=1");
		r->watchdog_mono = r->mono + r->notify.watchdog_ns / 2;
	}
}

/* A stream that nobody reads any more has no purpose. */
static bool reader_left(struct recorder *r)
{
	struct writer_state state;

	if (!r->streaming)
		return false;
	writer_look(r->writer, 0, &state);
	return state.suspended && state.error == -EPIPE;
}

static bool ended(struct recorder *r)
{
	if (r->settings.count && r->put >= r->settings.count)
		stop(r);
	if (r->settings.duration_ns && !r->stopping &&
	    r->mono >= r->started_mono + r->settings.duration_ns)
		stop(r);
	if (r->failure || reader_left(r))
		return true;
	if (!r->stopping)
		return false;
	if (r->mono >= r->end_mono)
		return true;
	for (size_t i = 0; i < SETTINGS_INTERFACES; i++)
		if (r->wans[i].used && r->wans[i].capture == WAN_DRAINING &&
		    !(r->settings.count && r->put >= r->settings.count))
			return false;
	return true;
}

static void loop(struct recorder *r)
{
	struct epoll_event events[16];
	bool more = false;

	while (!ended(r)) {
		int n = epoll_wait(r->epoll, events, 16, more ? 0 : timeout_ms(r));

		look_at_clock(r);
		for (int i = 0; i < n; i++) {
			uint64_t what = events[i].data.u64;

			if (what < WAKERS)
				woken(r, (enum waker)what);
			else if (events[i].events & (EPOLLERR | EPOLLHUP))
				wan_trouble(r, events[i].data.ptr);
		}
		more = read_frames(r);
		tend(r);
	}
}

/* ---- the beginning ---- */

static int fail(enum record_exit code, const char *what, int error)
{
	status_log("%s: %s", what, strerror(error < 0 ? -error : error));
	return (int)code;
}

static void read_boot(char boot[9])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	snprintf(boot, 9, "%.8s", n >= 8 ? text : "00000000");
}

static void read_system(struct recorder *r)
{
	struct utsname name;

	read_boot(r->boot);
	if (uname(&name) != 0)
		return;
	snprintf(r->os, sizeof(r->os), "%.20s %.60s", name.sysname, name.release);
	snprintf(r->machine, sizeof(r->machine), "%s", name.machine);
	r->pppoe = open("/proc/net/pppoe", O_RDONLY | O_CLOEXEC);
}

/* Each write wears flash out, and a capture writes all day. Magic numbers: linux/magic.h and the
 * sources of ubifs and jffs2. */
static void warn_of_flash(const struct settings *settings, int directory)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} flash[] = {
		{0x72b6, "jffs2"},
		{0x24051905, "ubifs"},
		{F2FS_SUPER_MAGIC, "f2fs"},
		{OVERLAYFS_SUPER_MAGIC, "overlayfs"},
	};
	struct statfs fs;

	if (fstatfs(directory, &fs) != 0)
		return;
	for (size_t i = 0; i < sizeof(flash) / sizeof(*flash); i++)
		if ((uint32_t)fs.f_type == flash[i].magic)
			status_log("%s lies on %s: on a router that is flash, which writing wears "
			           "out; a tmpfs such as /tmp does not",
			           settings->directory, flash[i].name);
}

/* Who will record must be able to write here. A directory that we make, or find empty, is made
 * theirs. */
static int open_directory(const struct settings *settings)
{
	unsigned uid, gid;
	bool made = mkdir(settings->directory, 0750) == 0;
	int fd = open(settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (made && geteuid() == 0 && sandbox_user(settings->user, &uid, &gid) &&
	    fchown(fd, uid, gid) != 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	warn_of_flash(settings, fd);
	return fd;
}

static int open_output(const struct settings *settings)
{
	int fd;

	if (strcmp(settings->output, "-") == 0) {
		if (isatty(STDOUT_FILENO)) {
			errno = ENOTSUP;
			return -ENOTSUP;
		}
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	fd = open(settings->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	return fd < 0 ? -errno : fd;
}

static int open_control(struct recorder *r)
{
	int error;

	if (!r->settings.control[0])
		return 0;
	r->control = control_open(r->settings.control, &error);
	if (!r->control && error == -EADDRINUSE)
		return fail(RECORD_CANNOT_WRITE, "another recorder answers at the control socket",
		            error);
	return r->control ? 0 : fail(RECORD_CANNOT_WRITE, r->settings.control, error);
}

static bool add_waker(struct recorder *r, int fd, enum waker waker)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = waker};

	return fd >= 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGHUP); /* the keeper's matter */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Everything that privileges are needed for, or a path. */
static int open_all(struct recorder *r, int *target)
{
	int code;

	read_system(r);
	notify_open(&r->notify);
	*target = r->streaming ? open_output(&r->settings) : open_directory(&r->settings);
	if (*target == -ENOTSUP && r->streaming)
		return fail(RECORD_USAGE, "-w -: a capture does not go to a terminal; pipe it",
		            ENOTSUP);
	if (*target < 0)
		return fail(*target == -EACCES ? RECORD_DENIED : RECORD_CANNOT_WRITE,
		            r->streaming ? r->settings.output : r->settings.directory, *target);
	code = open_control(r);
	if (code != 0)
		return code;
	r->devices = devices_new();
	if (!r->devices)
		return fail(RECORD_INTERNAL, "rtnetlink", errno);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->signals = open_signals();
	r->clock_change = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->epoll < 0 || r->signals < 0 || r->clock_change < 0)
		return fail(RECORD_INTERNAL, "cannot start", errno);
	arm_clock_change(r->clock_change);
	return 0;
}

static int give_up_privileges(struct recorder *r, int target)
{
	char lacking[64] = "", message[256] = "";
	int error = sandbox_recorder(r->settings.user, r->streaming ? -1 : target, lacking,
	                             sizeof(lacking), message, sizeof(message));

	if (error != 0) {
		status_log("%s", message);
		return RECORD_DENIED;
	}
	if (!r->streaming && faccessat(target, ".", W_OK | X_OK, AT_EACCESS) != 0) {
		status_log("%s: %s for the user that records; make it theirs (chown), or choose "
		           "another with --user",
		           r->settings.directory, strerror(errno));
		return RECORD_DENIED;
	}
	if (lacking[0])
		status_news(r, "recording without what this system lacks: %s", lacking);
	return 0;
}

static void tell_found(const struct recorder *r, const struct spool_found *found)
{
	if (!found->repaired && !found->removed)
		return;
	status_news(r,
	            "%s: made whole what an earlier run left: %llu files repaired, %llu bytes cut "
	            "off their ends, %llu empty ones removed",
	            r->settings.directory, (unsigned long long)found->repaired,
	            (unsigned long long)found->cut_bytes, (unsigned long long)found->removed);
}

static int start_writer(struct recorder *r, int target)
{
	const struct settings *s = &r->settings;
	struct spool_limits limits = {s->max_bytes, s->max_files, s->max_age_ns, s->keep_free,
	                              s->zstd_level};
	struct spool_found found = {0};
	struct spool *spool = NULL;
	int error = 0;

	if (!r->streaming) {
		spool = spool_open(target, &limits, r->boot, r->clock, &found, &error);
		if (!spool && error == -EWOULDBLOCK)
			return fail(RECORD_CANNOT_WRITE, "another recorder writes there", EBUSY);
		if (!spool)
			return fail(error == -EACCES ? RECORD_DENIED : RECORD_CANNOT_WRITE,
			            s->directory, error);
		tell_found(r, &found);
	}
	r->writer = writer_new(spool, spool ? -1 : target, POOL_BYTES, &error);
	return r->writer ? 0 : fail(RECORD_INTERNAL, "writer", error);
}

static bool add_wakers(struct recorder *r)
{
	return add_waker(r, r->signals, WAKE_SIGNAL) &&
	       add_waker(r, keeper_fd(r->keeper), WAKE_KEEPER) &&
	       add_waker(r, devices_fd(r->devices), WAKE_DEVICES) &&
	       (!r->control || add_waker(r, control_fd(r->control), WAKE_CONTROL)) &&
	       add_waker(r, writer_fd(r->writer), WAKE_WRITER) &&
	       add_waker(r, r->clock_change, WAKE_CLOCK);
}

static void first_look(struct recorder *r)
{
	size_t n;
	const struct device *all = devices_all(r->devices, &n);

	r->flush_mono = r->mono + r->settings.flush_ns;
	r->statistics_mono = r->mono + r->settings.statistics_ns;
	r->tend_mono = r->mono + TEND_NS;
	wan_expect(r);
	for (size_t i = 0; i < n; i++)
		wan_device(r, &all[i]);
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && wan->state == DEVICE_ABSENT) {
			wan->due = true; /* a file that says so */
			status_news_wan(r, wan, "does not exist yet; waiting for it");
		}
}

/* ---- the end ---- */

static int answer_of(struct recorder *r, uint64_t lost)
{
	uint64_t dropped = r->forgotten_dropped;
	bool never = false;

	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++) {
		if (!wan->used)
			continue;
		dropped += wan_dropped(wan);
		never |= !wan->seen;
		if (!r->settings.quiet)
			status_log("%s: %llu frames received, %llu dropped by the kernel",
			           wan->device, (unsigned long long)(wan->put + wan_dropped(wan)),
			           (unsigned long long)wan_dropped(wan));
	}
	if (lost)
		status_log("%llu frames could not be written", (unsigned long long)lost);
	if (r->failure)
		return r->failure;
	if (lost)
		return RECORD_LOST;
	return dropped ? RECORD_DROPS : never ? RECORD_NEVER_SEEN : RECORD_CLEAN;
}

static int finish(struct recorder *r)
{
	uint64_t lost = 0, unfinished = 0;

	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used && !reader_left(r))
			wan_close(r, wan);
	for (unsigned i = 0; i < SETTINGS_INTERFACES; i++) {
		struct series *series = &r->series[i];

		/* The writer frees memory while we wait for it: a slow disk is given its time. */
		for (unsigned tries = 0; series->used && !series_finish(r, series); tries++) {
			struct epoll_event event;

			if (reader_left(r) || tries > 3000)
				break;
			epoll_wait(r->epoll, &event, 1, 10);
			writer_acknowledge(r->writer);
		}
	}
	writer_finish(r->writer);
	for (unsigned i = 0; i < SETTINGS_INTERFACES; i++) {
		struct writer_state state;

		writer_look(r->writer, i, &state);
		lost += state.lost;
		unfinished += state.unfinished;
	}
	int code = answer_of(r, reader_left(r) ? 0 : lost);
	if (unfinished) {
		status_log("%llu files could not be completed: the next start repairs them",
		           (unsigned long long)unfinished);
		code = code == RECORD_CLEAN ? RECORD_LOST : code;
	}
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->live)
			live_close(wan->live);
	writer_free(r->writer);
	return code;
}

static int record(struct recorder *r)
{
	int target = -1, code = open_all(r, &target);

	r->directory = r->streaming ? -1 : target;
	if (code == 0)
		code = give_up_privileges(r, target);
	look_at_clock(r);
	r->started_mono = r->mono;
	r->steps = 0;
	if (code == 0)
		code = start_writer(r, target);
	if (code != 0)
		return code;
	if (!add_wakers(r))
		return fail(RECORD_INTERNAL, "epoll", errno);
	first_look(r);
	loop(r);
	return finish(r);
}

int record_run(struct settings *settings, int argc, char **argv)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int status, code;

	if (!r)
		return fail(RECORD_INTERNAL, "memory", ENOMEM);
	r->keeper = keeper_fork(settings, argc, argv, &status);
	if (!r->keeper) {
		free(r);
		return WIFEXITED(status) ? WEXITSTATUS(status) : RECORD_INTERNAL;
	}
	r->settings = *settings;
	r->clock = &clock_system;
	r->streaming = settings->output[0] != '\0';
	r->offset_ns = clock_offset(r->clock);
	code = record(r);
	if (r->control)
		control_close(r->control);
	if (r->devices)
		devices_free(r->devices);
	notify_close(&r->notify);
	keeper_free(r->keeper);
	free(r);
	exit(code);
}
