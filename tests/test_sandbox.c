/* SPDX-License-Identifier: MIT
 *
 * test_sandbox.c - a process that gave up what it does not need tries what it must not be able to
 * do, and what it must.
 *
 * Each test is a child that goes into the sandbox; what it found lies in shared memory. Needs root
 * for all that is about root; skipped visibly without, and in sanitizer builds for what these may.
 */
#include "../capture/sandbox.h"

#include "../capture/devices.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

void suite_sandbox(void);

/* ---- a spool, a child, and what it found ---- */

#define FINDINGS 64

struct world {
	char directory[64];
	int spool;
	char outside[80]; /* a file that anybody may read and write, beside the spool */
	struct devices *devices;
	struct found {
		int error; /* of the sandbox itself */
		char message[200], lacking[64], status[4096];
		unsigned uid;
		int orphaned;
		size_t n;
		struct finding {
			const char *what;
			int is, wanted; /* errno, 0 = it worked */
		} findings[FINDINGS];
	} * found;
};

static bool world_init(struct world *world)
{
	const char *place = getenv("TMPDIR");
	char spool[80];
	FILE *file;

	memset(world, 0, sizeof(*world));
	snprintf(world->directory, sizeof(world->directory), "%.40s/sandbox.XXXXXX",
	         place ? place : "/tmp");
	if (!mkdtemp(world->directory) || chmod(world->directory, 0755))
		return false;
	snprintf(spool, sizeof(spool), "%s/spool", world->directory);
	snprintf(world->outside, sizeof(world->outside), "%s/outside", world->directory);
	file = fopen(world->outside, "w");
	if (!file || fclose(file) || chmod(world->outside, 0666) || mkdir(spool, 0777) ||
	    chmod(spool, 0777))
		return false;
	world->spool = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world->devices = devices_new();
	world->found = mmap(NULL, sizeof(*world->found), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return world->spool >= 0 && world->devices && world->found != MAP_FAILED;
}

static void world_release(struct world *world)
{
	char path[100];

	munmap(world->found, sizeof(*world->found));
	devices_free(world->devices);
	close(world->spool);
	unlink(world->outside);
	snprintf(path, sizeof(path), "%s/spool/a", world->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/spool", world->directory);
	CU_ASSERT(rmdir(path) == 0);
	CU_ASSERT(rmdir(world->directory) == 0);
}

/* In the child: what a call came to, and what it should come to. `result` < 0 is errno. */
static void note(struct found *found, const char *what, long result, int wanted)
{
	int error = result < 0 ? errno : 0;
	struct finding *finding = &found->findings[found->n++];

	finding->what = what;
	finding->is = error;
	finding->wanted = wanted;
}
#define NOTE(call, wanted) note(w->found, #call, (long)(call), wanted)

/* Run `work` in a child; its wait status. What the child found is asserted here. */
static int run(struct world *world, void (*work)(struct world *))
{
	int status;
	pid_t child;

	memset(world->found, 0, sizeof(*world->found));
	fflush(stdout);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		work(world);
		_exit(0);
	}
	CU_ASSERT_FATAL(waitpid(child, &status, 0) == child);
	for (size_t i = 0; i < world->found->n; i++) {
		const struct finding *finding = &world->found->findings[i];

		CU_ASSERT(finding->is == finding->wanted);
		if (finding->is != finding->wanted)
			printf("%s: %s, not %s\n", finding->what, strerror(finding->is),
			       strerror(finding->wanted));
	}
	return status;
}

/* The file is opened before: afterwards nobody may. */
static void enter(struct world *w, int spool)
{
	int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (geteuid() == 0)
		setgroups(2, (gid_t[]){1, 2});
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	w->found->error =
		sandbox_recorder(NULL, spool, w->found->lacking, sizeof(w->found->lacking),
	                         w->found->message, sizeof(w->found->message));
	ssize_t n = read(status, w->found->status, sizeof(w->found->status) - 1);
	w->found->status[n > 0 ? n : 0] = '\0';
	w->found->uid = geteuid();
	close(status);
}

static bool lacks(const struct world *world, const char *what)
{
	return strstr(world->found->lacking, what) != NULL;
}

/* Whether the sandbox came to be; prints why not. */
static bool entered(const struct world *world, const char *test)
{
	CU_ASSERT(world->found->error == 0);
	if (world->found->error)
		printf("%s\n", world->found->message);
	if (lacks(world, "seccomp"))
		printf("skip sandbox/%s: lacking here: %s\n", test, world->found->lacking);
	return world->found->error == 0 && !lacks(world, "seccomp");
}

static bool is_root(const char *test)
{
	if (geteuid() == 0)
		return true;
	printf("skip sandbox/%s: needs root\n", test);
	return false;
}

/* "Name:\tVALUE" in /proc/self/status. */
static bool status_says(const struct world *world, const char *line)
{
	return strstr(world->found->status, line) != NULL;
}

/* ---- what it must not ---- */

static void try_files(struct world *w)
{
	enter(w, w->spool);
	if (lacks(w, "landlock"))
		return;
	NOTE(open(w->outside, O_RDONLY), EACCES);
	NOTE(open(w->outside, O_WRONLY), EACCES);
	NOTE(open("/etc/passwd", O_RDONLY), EACCES);
	NOTE(open("/proc/self/mem", O_RDWR), EACCES);
	NOTE(open("/tmp", O_RDONLY | O_DIRECTORY), EACCES);
	NOTE(openat(w->spool, "../outside", O_RDONLY), EACCES);
	NOTE(openat(w->spool, "../new", O_WRONLY | O_CREAT, 0600), EACCES);
	NOTE(unlinkat(w->spool, "../outside", 0), EACCES);
}

static void no_file_outside(void)
{
	struct world world;

	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_files) == 0);
	CU_ASSERT(world.found->error == 0);
	if (lacks(&world, "landlock"))
		printf("skip sandbox/no_file_outside: lacking here: %s\n", world.found->lacking);
	world_release(&world);
}

static void try_calls(struct world *w)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/x"};
	int pair[2], one = 1;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	enter(w, w->spool);
	if (lacks(w, "seccomp"))
		return;
	NOTE(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	NOTE(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	NOTE(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
	NOTE(connect(pair[0], (void *)&address, sizeof(address)), EPERM);
	NOTE(bind(pair[0], (void *)&address, sizeof(address)), EPERM);
	NOTE(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), EPERM);
	NOTE(kill(getppid(), 0), EPERM);
	NOTE(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
	NOTE(setuid(0), EPERM);
	NOTE(chdir("/"), EPERM);
	NOTE(chmod(w->outside, 0777), EPERM);
	NOTE(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	                     MAP_FAILED
	             ? -1
	             : 0,
	     EPERM);
	NOTE(mprotect(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096,
	              PROT_READ | PROT_EXEC),
	     EPERM);
	NOTE(fork(), EPERM);
}

static void no_socket_no_process(void)
{
	struct world world;

	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_calls) == 0);
	entered(&world, "no_socket_no_process");
	world_release(&world);
}

static void try_exec(struct world *w)
{
	char *argv[] = {"true", NULL};

	enter(w, w->spool);
	if (!lacks(w, "seccomp"))
		execv("/bin/true", argv);
}

static void try_trace(struct world *w)
{
	enter(w, w->spool);
	if (!lacks(w, "seccomp"))
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* Not refused: ended. No way of ours leads there. */
static void no_program(void)
{
	struct world world;

	CU_ASSERT_FATAL(world_init(&world));
	int status = run(&world, try_exec);
	if (entered(&world, "no_program")) {
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		status = run(&world, try_trace);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
	world_release(&world);
}

static void try_nothing(struct world *w)
{
	enter(w, w->spool);
}

static void what_the_kernel_says_of_it(void)
{
	struct world world;
	unsigned uid, gid;

	if (!is_root("what_the_kernel_says_of_it"))
		return;
	CU_ASSERT_FATAL(world_init(&world));
	run(&world, try_nothing);
	CU_ASSERT(world.found->error == 0);
	CU_ASSERT(sandbox_user(NULL, &uid, &gid) && uid != 0 && world.found->uid == uid);
	CU_ASSERT(status_says(&world, "CapEff:\t0000000000000000"));
	CU_ASSERT(status_says(&world, "CapPrm:\t0000000000000000"));
	CU_ASSERT(status_says(&world, "CapInh:\t0000000000000000"));
	CU_ASSERT(status_says(&world, "CapBnd:\t0000000000000000"));
	CU_ASSERT(status_says(&world, "CapAmb:\t0000000000000000"));
	CU_ASSERT(status_says(&world, "NoNewPrivs:\t1"));
	CU_ASSERT(status_says(&world, "Groups:\t \n"));
	if (!lacks(&world, "seccomp"))
		CU_ASSERT(status_says(&world, "Seccomp:\t2"));
	world_release(&world);
}

/* ---- what it must ---- */

static void *in_a_thread(void *context)
{
	struct world *w = context;
	char *memory = malloc(200000); /* an arena of its own */
	int fd = openat(w->spool, "t", O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0640);

	if (!memory || fd < 0)
		return NULL;
	memset(memory, 7, 200000);
	if (write(fd, memory, 200000) != 200000 || fdatasync(fd) || close(fd) ||
	    renameat(w->spool, "t", w->spool, "a"))
		return NULL;
	free(memory);
	return w;
}

static void try_to_record(struct world *w)
{
	struct device_counters counters;
	struct device_hardware hardware;
	pthread_t thread;
	void *end = NULL;
	struct stat stat;
	int fd;

	enter(w, w->spool);
	NOTE(fd = openat(w->spool, "b.part", O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0640), 0);
	NOTE(write(fd, "abcdef", 6), 0);
	NOTE(ftruncate(fd, 3), 0);
	NOTE(fdatasync(fd), 0);
	NOTE(fstat(fd, &stat), 0);
	NOTE(renameat(w->spool, "b.part", w->spool, "b"), 0);
	NOTE(unlinkat(w->spool, "b", 0), 0);
	NOTE(openat(w->spool, ".", O_RDONLY | O_DIRECTORY), 0);
	errno = pthread_create(&thread, NULL, in_a_thread, w);
	NOTE(errno ? -1 : 0, 0);
	errno = pthread_join(thread, &end);
	NOTE(end ? 0 : -1, 0);
	NOTE(eventfd(0, EFD_CLOEXEC), 0);
	errno = ENODEV;
	NOTE(devices_counters(w->devices, 1, &counters) ? 0 : -1, 0);
	NOTE(devices_hardware(w->devices, "lo", &hardware) ? 0 : -1, 0);
	NOTE(devices_read(w->devices, NULL, NULL), 0);
	NOTE(raise(0), 0);
}

static void it_can_record(void)
{
	struct world world;

	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_to_record) == 0);
	CU_ASSERT(world.found->error == 0 && world.found->n == 15);
	world_release(&world);
}

static void try_without_spool(struct world *w)
{
	int pipe_ends[2];

	if (pipe(pipe_ends))
		return;
	enter(w, -1);
	if (lacks(w, "seccomp"))
		return;
	NOTE(openat(w->spool, "x", O_CREAT | O_WRONLY, 0600), EPERM);
	NOTE(unlinkat(w->spool, "x", 0), EPERM);
	NOTE(write(pipe_ends[1], "x", 1), 0);
}

static void a_stream_needs_no_file(void)
{
	struct world world;

	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_without_spool) == 0);
	entered(&world, "a_stream_needs_no_file");
	world_release(&world);
}

/* The kernel forgets it when the user changes; whoever asked for it relies on it. */
static void try_orphan(struct world *w)
{
	enter(w, w->spool);
	pause();
}

static void it_ends_with_its_parent(void)
{
	struct world world;
	int status, pipe_ends[2];
	char byte;

	CU_ASSERT_FATAL(world_init(&world) && pipe(pipe_ends) == 0);
	fflush(stdout);
	pid_t parent = fork();
	CU_ASSERT_FATAL(parent >= 0);
	if (parent == 0) {
		if (fork() == 0) {
			enter(&world, world.spool);
			world.found->orphaned = 1;
			try_orphan(&world);
			_exit(0);
		}
		while (!*(volatile int *)&world.found->orphaned)
			usleep(1000);
		_exit(0);
	}
	close(pipe_ends[1]);
	CU_ASSERT(waitpid(parent, &status, 0) == parent);
	/* the last writer of the pipe is gone: the orphan ended */
	CU_ASSERT(read(pipe_ends[0], &byte, 1) == 0);
	close(pipe_ends[0]);
	world_release(&world);
}

/* ---- the keeper ---- */

static void try_keeping(struct world *w)
{
	int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC), fd;

	w->found->error = sandbox_keeper("", w->found->message, sizeof(w->found->message));
	if (read(status, w->found->status, sizeof(w->found->status) - 1) < 0)
		w->found->error = -errno;
	w->found->uid = geteuid();
	NOTE(fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), 0);
	NOTE(setuid(0), EPERM);
	NOTE(open("/etc/shadow", O_RDONLY), EACCES);
	/* as its child the recorder gives up the rest */
	w->found->error =
		sandbox_recorder("", w->spool, w->found->lacking, sizeof(w->found->lacking),
	                         w->found->message, sizeof(w->found->message));
	if (!lacks(w, "seccomp"))
		NOTE(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
}

static void the_keeper_keeps_one(void)
{
	struct world world;

	if (!is_root("the_keeper_keeps_one"))
		return;
	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_keeping) == 0 && world.found->n >= 3);
	CU_ASSERT(world.found->error == 0 && world.found->uid != 0);
	CU_ASSERT(status_says(&world, "CapEff:\t0000000000002000"));
	CU_ASSERT(status_says(&world, "CapPrm:\t0000000000002000"));
	CU_ASSERT(status_says(&world, "CapBnd:\t0000000000002000"));
	CU_ASSERT(status_says(&world, "NoNewPrivs:\t1"));
	world_release(&world);
}

/* As systemd starts it with User= and AmbientCapabilities=CAP_NET_RAW; and without the latter. */
static void try_as_user(struct world *w)
{
	w->found->error = setgid(65534) || setuid(65534);
	w->found->error = sandbox_keeper(NULL, w->found->message, sizeof(w->found->message));
}

static void try_to_become(struct world *w)
{
	if (setgid(65534) || setuid(65534))
		return;
	w->found->error =
		sandbox_recorder("daemon", w->spool, w->found->lacking, sizeof(w->found->lacking),
	                         w->found->message, sizeof(w->found->message));
}

static void who_may_not(void)
{
	struct world world;

	if (!is_root("who_may_not"))
		return;
	CU_ASSERT_FATAL(world_init(&world));
	CU_ASSERT(run(&world, try_as_user) == 0);
	CU_ASSERT(world.found->error == -EPERM);
	CU_ASSERT(strstr(world.found->message, "needs CAP_NET_RAW: start it as root") != NULL);
	CU_ASSERT(run(&world, try_to_become) == 0);
	CU_ASSERT(world.found->error == -EPERM);
	CU_ASSERT(strstr(world.found->message, "only root may become \"daemon\"") != NULL);
	world_release(&world);
}

static void users(void)
{
	unsigned uid = 1, gid = 1;

	CU_ASSERT(sandbox_user("root", &uid, &gid) && uid == 0 && gid == 0);
	CU_ASSERT(!sandbox_user("no-such-user-here", &uid, &gid));
	CU_ASSERT(sandbox_user(NULL, &uid, &gid) && uid != 0);
}

void suite_sandbox(void)
{
	CU_pSuite suite = CU_add_suite("sandbox", NULL, NULL);

	CU_ADD_TEST(suite, users);
	CU_ADD_TEST(suite, no_file_outside);
	CU_ADD_TEST(suite, no_socket_no_process);
	CU_ADD_TEST(suite, no_program);
	CU_ADD_TEST(suite, what_the_kernel_says_of_it);
	CU_ADD_TEST(suite, it_can_record);
	CU_ADD_TEST(suite, a_stream_needs_no_file);
	CU_ADD_TEST(suite, it_ends_with_its_parent);
	CU_ADD_TEST(suite, the_keeper_keeps_one);
	CU_ADD_TEST(suite, who_may_not);
}
