/* SPDX-License-Identifier: MIT
 *
 * sandbox.c - see sandbox.h.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sanitizers look at /proc, and at the end stop and trace their own process: none of it is for
 * a release, so they go without the filter, may read, and `lacking` says so. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define NOBODY 65534 /* where not even nobody has a name */

/* The first error is the one kept. */
__attribute__((format(printf, 4, 5))) static int fail(int error, char *message, size_t size,
                                                      const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(message, size, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < size)
		snprintf(message + n, size - (size_t)n, ": %s", strerror(error));
	return -error;
}

/* ---- user and capabilities ---- */

static bool look_up(const char *user, unsigned *uid, unsigned *gid)
{
	const struct passwd *row = getpwnam(user);

	if (!row)
		return false;
	*uid = row->pw_uid;
	*gid = row->pw_gid;
	return true;
}

bool sandbox_user(const char *user, unsigned *uid, unsigned *gid)
{
	if (user && user[0])
		return look_up(user, uid, gid);
	if (!look_up("mptcp-captured", uid, gid) && !look_up("nobody", uid, gid))
		*uid = *gid = NOBODY;
	return true;
}

static int get_capabilities(uint64_t *permitted)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* Exactly these, and none for programs that we start: we start none. */
static int set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.permitted = (uint32_t)set, .effective = (uint32_t)set},
		{.permitted = (uint32_t)(set >> 32), .effective = (uint32_t)(set >> 32)},
	};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static bool may(uint64_t capabilities, unsigned capability)
{
	return capabilities >> capability & 1;
}

/* Whoever has no CAP_SETPCAP cannot, and goes on: no new privileges says the same. */
static void empty_bounding_set(uint64_t keep)
{
	for (unsigned c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!may(keep, c))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

/* What this process is to become. */
struct identity {
	unsigned uid, gid;
	bool change; /* it is another one */
	bool cannot; /* root of a container that lets nobody change: stay */
};

static int choose_identity(const char *user, uint64_t capabilities, struct identity *identity,
                           char *message, size_t size)
{
	bool able = may(capabilities, CAP_SETUID) && may(capabilities, CAP_SETGID);
	bool root = geteuid() == 0, named = user && user[0];

	*identity = (struct identity){.uid = geteuid(), .gid = getegid()};
	if (!root && !named)
		return 0;
	if (!sandbox_user(user, &identity->uid, &identity->gid))
		return fail(EINVAL, message, size, "there is no user \"%s\"", user);
	identity->change = able && (root || identity->uid != geteuid());
	if (!identity->change && !root && identity->uid != geteuid())
		return fail(EPERM, message, size, "only root may become \"%s\"", user);
	identity->cannot = root && !able;
	return 0;
}

static int become(const struct identity *identity, char *message, size_t size)
{
	if (!identity->change)
		return 0;
	if (setgroups(0, NULL) < 0)
		return fail(errno, message, size, "cannot leave the groups of root");
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return fail(errno, message, size, "cannot take the group %u", identity->gid);
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return fail(errno, message, size, "cannot become the user %u", identity->uid);
	return 0;
}

/* Another user, and of all capabilities only `keep`. Others of that user (nobody has many) may not
 * look into our memory, and what it holds shall lie in no core file. */
static int shed(const char *user, uint64_t keep, bool *stayed, char *message, size_t size)
{
	struct identity identity;
	uint64_t capabilities = 0;
	int error = get_capabilities(&capabilities);

	if (error)
		return fail(-error, message, size, "cannot read the capabilities");
	if ((capabilities & keep) != keep) {
		snprintf(message, size,
		         "capturing needs CAP_NET_RAW: start it as root, or by systemd with "
		         "AmbientCapabilities=CAP_NET_RAW");
		return -EPERM;
	}
	error = choose_identity(user, capabilities, &identity, message, size);
	if (error)
		return error;
	*stayed = identity.cannot;
	empty_bounding_set(keep);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return fail(errno, message, size, "cannot keep capabilities");
	error = become(&identity, message, size);
	if (error)
		return error;
	error = set_capabilities(keep);
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (error)
		return fail(-error, message, size, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(errno, message, size, "cannot refuse new privileges");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

int sandbox_keeper(const char *user, char *message, size_t size)
{
	bool stayed;

	return shed(user, UINT64_C(1) << CAP_NET_RAW, &stayed, message, size);
}

/* ---- files: landlock ---- */

/* Of linux/landlock.h, newer than the headers of many toolchains; the version of the interface that
 * brought each. */
struct landlock_rules {
	uint64_t files, net, scoped;
};
struct landlock_beneath {
	uint64_t allowed;
	int32_t directory;
} __attribute__((packed));

enum {
	FS_WRITE = 1 << 1,
	FS_READ = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE = 1 << 5,
	FS_MAKE = 1 << 8,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
};
#define FS_SPOOL (FS_WRITE | FS_READ | FS_READ_DIR | FS_REMOVE | FS_MAKE | FS_REFER | FS_TRUNCATE)

static const struct landlock_version {
	struct landlock_rules handled;
} landlock_versions[] = {
	{{.files = 0x1fff}},                        /* 1: execute .. make_sym */
	{{.files = 0x3fff}},                        /* 2: refer */
	{{.files = 0x7fff}},                        /* 3: truncate */
	{{.files = 0x7fff, .net = 3}},              /* 4: TCP bind and connect */
	{{.files = 0xffff, .net = 3}},              /* 5: ioctl of devices */
	{{.files = 0xffff, .net = 3, .scoped = 3}}, /* 6: abstract sockets, signals */
};
#define LANDLOCK_KNOWN ((long)(sizeof(landlock_versions) / sizeof(landlock_versions[0])))

#ifndef SYS_landlock_create_ruleset /* the same on all architectures */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif
#define LANDLOCK_VERSION      1 /* flag: tell the version */
#define LANDLOCK_PATH_BENEATH 1

static int allow_beneath(int ruleset, int directory, uint64_t what)
{
	struct landlock_beneath rule = {.allowed = what, .directory = directory};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

static int allow_sanitizers(int ruleset)
{
	int root = SANITIZED ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int error = root < 0 ? 0 : allow_beneath(ruleset, root, FS_READ | FS_READ_DIR);

	if (root >= 0)
		close(root);
	return error;
}

/* 0, -ENOSYS (not in this kernel, or switched off), or another -errno. */
static int confine_files(int spool)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	struct landlock_rules handled;
	int ruleset, error = 0;

	if (version < 1)
		return version < 0 && errno != ENOSYS && errno != EOPNOTSUPP ? -errno : -ENOSYS;
	version = version < LANDLOCK_KNOWN ? version : LANDLOCK_KNOWN;
	handled = landlock_versions[version - 1].handled;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (ruleset < 0)
		return -errno;
	if (spool >= 0)
		error = allow_beneath(ruleset, spool, FS_SPOOL & handled.files);
	if (!error)
		error = allow_sanitizers(ruleset);
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	close(ruleset);
	return error;
}

/* ---- system calls: seccomp ---- */

/* clang-format off */
/*
 * What two threads need to record. Names that an architecture does not have are passed over; so all
 * that 32-bit ones and musl use instead stand here too. Nothing here makes a descriptor that leads
 * out of the process but accept() on the control socket, and files, which landlock confines.
 */
static const char *const allowed[] = {
	/* descriptors */
	"read", "readv", "pread64", "write", "writev", "pwrite64", "close", "dup", "dup2",
	"dup3", "fcntl", "fcntl64", "lseek", "_llseek", "poll", "ppoll", "ppoll_time64",
	"select", "_newselect", "pselect6", "pselect6_time64", "epoll_create1", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create",
	"timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64",
	"signalfd4", "pipe2", "splice",
	/* what a file is */
	"fstat", "fstat64", "fstatfs", "fstatfs64",
	/* sockets that were there, and those that came from the keeper */
	"recv", "recvfrom", "recvmsg", "send", "sendto", "sendmsg", "getsockopt", "getsockname",
	"accept4", "accept", "shutdown",
	/* memory */
	"brk", "munmap", "mremap", "madvise", "mlock", "munlock",
	/* threads */
	"futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq", "set_tid_address",
	"membarrier", "sched_yield", "sched_getaffinity", "set_tls", "gettid", "getpid",
	"getppid", "exit", "exit_group", "restart_syscall",
	/* signals to ourselves */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack",
	"rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_sigsuspend", "rt_sigpending", "pause",
	/* time */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
	"clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time",
	/* about ourselves and the machine */
	"getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
	"getegid32", "getrusage", "sysinfo", "uname", "getrandom", "getcpu", "times",
};

/* Only with a spool: without one there is no file to open. */
static const char *const allowed_files[] = {
	"openat", "newfstatat", "fstatat64", "statx", "ftruncate", "ftruncate64", "fallocate",
	"fdatasync", "fsync", "sync_file_range", "sync_file_range2", "fadvise64", "fadvise64_64",
	"renameat", "renameat2", "linkat", "unlink", "unlinkat", "getdents64", "flock",
	"utimensat", "utimensat_time64", "fchmod", "faccessat", "faccessat2",
};

/*
 * No way of ours or of a libc leads here, so whoever asks is not the recorder any more: ended at
 * once, and the keeper says so. All else is refused with EPERM: a libc that tries something new and
 * harmless must not cost a recording.
 */
static const char *const deadly[] = {
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
	"mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "keyctl", "add_key",
	"userfaultfd", "perf_event_open", "io_uring_setup", "reboot", "swapon",
	"open_by_handle_at", "pidfd_getfd",
};
/* clang-format on */

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		int error =
			number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, action, number, 0);

		if (error)
			return error;
	}
	return 0;
}
#define ADD(filter, action, names)                                                                 \
	add_names(filter, action, names, sizeof(names) / sizeof(names[0]))

/* Calls that are good or bad by their arguments. */
static int add_checked(scmp_filter_ctx filter)
{
	const scmp_datum_t thread = CLONE_THREAD | CLONE_VM;
	const struct {
		const char *name;
		struct scmp_arg_cmp check;
	} rows[] = {
		{"mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{"mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{"mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{"clone", SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread)},
		{"tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
		{"prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0)}, /* look, not set */
		{"ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, SIOCETHTOOL)},
		{"ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONREAD)},
		{"ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TCGETS)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int number = seccomp_syscall_resolve_name(rows[i].name);
		int error = number == __NR_SCMP_ERROR
		                    ? 0
		                    : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1,
		                                             &rows[i].check);

		if (error)
			return error;
	}
	/* its flags lie in memory, where no filter looks: who hears ENOSYS takes clone() */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int fill_filter(scmp_filter_ctx filter, bool files)
{
	uint32_t kill = seccomp_api_get() >= 3 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL_THREAD;
	int error = ADD(filter, SCMP_ACT_ALLOW, allowed);

	if (!error && files)
		error = ADD(filter, SCMP_ACT_ALLOW, allowed_files);
	if (!error)
		error = add_checked(filter);
	if (!error)
		error = ADD(filter, kill, deadly);
	/* a tree: a packet's system calls pass ten comparisons instead of a hundred */
	if (!error)
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return error;
}

/* 0, -ENOSYS (not in this kernel), or another -errno. */
static int filter_calls(bool files)
{
	scmp_filter_ctx filter;
	int error;

	/* where there are filters, none at all is a bad address */
	if (SANITIZED || (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno != EFAULT))
		return -ENOSYS;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	error = fill_filter(filter, files);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* ---- the recorder ---- */

static void lack(const char *what, char *lacking, size_t size)
{
	size_t n = strlen(lacking);

	if (n < size)
		snprintf(lacking + n, size - n, "%s%s", n ? " " : "", what);
}

int sandbox_recorder(const char *user, int spool, char *lacking, size_t lacking_size, char *message,
                     size_t size)
{
	bool stayed;
	int error, orphaned = 0;

	if (lacking_size)
		lacking[0] = '\0';
	prctl(PR_GET_PDEATHSIG, &orphaned, 0, 0, 0);
	error = shed(user, 0, &stayed, message, size);
	if (error)
		return error;
	prctl(PR_SET_PDEATHSIG, orphaned, 0, 0, 0);
	if (stayed)
		lack("user", lacking, lacking_size);
	error = confine_files(spool);
	if (error && error != -ENOSYS)
		return fail(-error, message, size, "landlock");
	if (error || SANITIZED)
		lack("landlock", lacking, lacking_size);
	error = filter_calls(spool >= 0);
	if (error && error != -ENOSYS)
		return fail(-error, message, size, "seccomp");
	if (error)
		lack("seccomp", lacking, lacking_size);
	return 0;
}
