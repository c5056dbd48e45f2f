/* SPDX-License-Identifier: MIT
 *
 * writer.c - see writer.h.
 *
 * One queue of jobs from the filling side to the thread, one stack of free blocks back, both under
 * one mutex that is held for a few instructions and never during input or output. A job is a block
 * of a stream, the begin of a file (on its first block), its end, or both. States are copied under
 * the same mutex: 64-bit atomics would need a library on 32-bit routers, and would not be one
 * picture of the moment.
 */
#include "writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    1000000000ull
#define RETRY_NS    NS_PER_S
#define STACK_BYTES (256 * 1024)
#define PIPE_ATOM   4096 /* what a pipe that polls as writable takes without blocking */
#define POLL_MS     200
#define NEVER       UINT64_MAX

struct block {
	struct block *next; /* free ones */
	uint8_t *bytes;     /* WRITER_BLOCK of them */
	uint32_t used, frames;

	/* the file that begins with it */
	bool begins;
	char wan[WRITER_WAN];
	uint64_t sequence, real_ns;
};

struct job {
	struct block *block; /* NULL: only an end */
	uint32_t stream;
	bool ends;
};

/* A stream as the filling side sees it. */
struct filling {
	struct block *block; /* partly filled */
	bool begun;
};

/* A stream as the thread sees it. */
struct writing {
	struct spool_file *file;
	uint64_t retry_ns; /* when to ask for a begin, NEVER = not */
};

/* What both touch, under the mutex. */
struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct block *free;
	struct job *jobs; /* a ring */
	size_t n_jobs, first_job, room_jobs;
	bool busy;    /* the thread holds a block */
	bool starved; /* somebody was told that the pool is empty */
	bool stopping;
	bool tend, new_limits;
	struct spool_limits limits;
	struct spool_usage usage;
	struct writer_state states[WRITER_STREAMS];
	uint32_t begins[WRITER_STREAMS]; /* that the thread has not seen yet */
};

struct writer {
	struct spool *spool;
	int fd, event;
	bool regular; /* fd is a file */
	pthread_t thread;
	bool joined;
	struct shared *shared;
	struct filling filling[WRITER_STREAMS];
	struct writing writing[WRITER_STREAMS];
	struct block *blocks;
	uint8_t *memory;
	size_t n_blocks;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void kick(const struct writer *writer)
{
	const uint64_t one = 1;

	/* It fails only when the count is full, and then it is readable already. */
	if (write(writer->event, &one, sizeof(one)) < 0)
		return;
}

/* ---- the filling side ---- */

/*
 * The queue holds every block at once and every end of a file: of ends that wait, all but the first
 * of a stream have a block before them that began their file and waits, too.
 */
static void post(struct writer *writer, struct job job)
{
	struct shared *shared = writer->shared;

	pthread_mutex_lock(&shared->mutex);
	assert(shared->n_jobs < shared->room_jobs);
	shared->jobs[(shared->first_job + shared->n_jobs++) % shared->room_jobs] = job;
	pthread_cond_signal(&shared->wake);
	pthread_mutex_unlock(&shared->mutex);
}

static void hand_over(struct writer *writer, unsigned stream, bool ends)
{
	struct filling *filling = &writer->filling[stream];
	struct job job = {.block = filling->block, .stream = stream, .ends = ends};

	filling->block = NULL;
	post(writer, job);
}

/* Nothing comes back by itself when all blocks wait, partly filled, in other streams. */
static void release_fullest(struct writer *writer)
{
	struct filling *fullest = NULL;

	for (unsigned i = 0; i < WRITER_STREAMS; i++) {
		struct filling *filling = &writer->filling[i];
		if (filling->block && (!fullest || filling->block->used > fullest->block->used))
			fullest = filling;
	}
	if (fullest)
		hand_over(writer, (unsigned)(fullest - writer->filling), false);
}

/* NULL when there is none. What was wanted is on its way from now on. */
static struct block *take_block(struct writer *writer, unsigned stream, bool begins)
{
	struct shared *shared = writer->shared;

	pthread_mutex_lock(&shared->mutex);
	struct block *block = shared->free;
	if (block)
		shared->free = block->next;
	else
		shared->starved = true;
	if (block && begins) {
		shared->begins[stream]++;
		shared->states[stream].wants_begin = false;
	}
	bool stuck = !block && shared->n_jobs == 0 && !shared->busy;
	pthread_mutex_unlock(&shared->mutex);
	if (stuck)
		release_fullest(writer);
	if (block) {
		block->used = block->frames = 0;
		block->begins = begins;
	}
	return block;
}

bool writer_begin(struct writer *writer, unsigned stream, const char *wan, uint64_t sequence,
                  uint64_t real_ns)
{
	struct filling *filling = &writer->filling[stream];

	writer_end(writer, stream);
	filling->block = take_block(writer, stream, true);
	if (!filling->block)
		return false;
	filling->begun = true;
	strncpy(filling->block->wan, wan, WRITER_WAN - 1);
	filling->block->wan[WRITER_WAN - 1] = '\0';
	filling->block->sequence = sequence;
	filling->block->real_ns = real_ns;
	return true;
}

uint8_t *writer_room(struct writer *writer, unsigned stream, size_t need)
{
	struct filling *filling = &writer->filling[stream];

	assert(need <= WRITER_BLOCK);
	if (filling->block) {
		if (need <= WRITER_BLOCK - filling->block->used)
			return filling->block->bytes + filling->block->used;
		hand_over(writer, stream, false);
	}
	filling->block = take_block(writer, stream, false);
	return filling->block ? filling->block->bytes : NULL;
}

void writer_put(struct writer *writer, unsigned stream, size_t bytes, unsigned frames)
{
	struct block *block = writer->filling[stream].block;

	assert(block && bytes <= WRITER_BLOCK - block->used);
	block->used += (uint32_t)bytes;
	block->frames += frames;
}

void writer_flush(struct writer *writer, unsigned stream)
{
	const struct block *block = writer->filling[stream].block;

	if (block && block->used)
		hand_over(writer, stream, false);
}

void writer_end(struct writer *writer, unsigned stream)
{
	struct filling *filling = &writer->filling[stream];

	if (!filling->begun)
		return;
	filling->begun = false;
	hand_over(writer, stream, true);
}

void writer_tend(struct writer *writer, const struct spool_limits *limits)
{
	struct shared *shared = writer->shared;

	pthread_mutex_lock(&shared->mutex);
	shared->tend = true;
	if (limits) {
		shared->limits = *limits;
		shared->new_limits = true;
	}
	pthread_cond_signal(&shared->wake);
	pthread_mutex_unlock(&shared->mutex);
}

/* ---- what anyone may look at ---- */

int writer_fd(const struct writer *writer)
{
	return writer->event;
}

void writer_acknowledge(struct writer *writer)
{
	uint64_t count;

	if (read(writer->event, &count, sizeof(count)) < 0)
		return; /* nothing to acknowledge */
}

void writer_look(const struct writer *writer, unsigned stream, struct writer_state *state)
{
	pthread_mutex_lock(&writer->shared->mutex);
	*state = writer->shared->states[stream];
	pthread_mutex_unlock(&writer->shared->mutex);
}

void writer_usage(const struct writer *writer, struct spool_usage *usage)
{
	pthread_mutex_lock(&writer->shared->mutex);
	*usage = writer->shared->usage;
	pthread_mutex_unlock(&writer->shared->mutex);
}

uint64_t writer_sequence(struct writer *writer, const char *wan)
{
	return writer->spool ? spool_sequence(writer->spool, wan) : 0;
}

/* ---- the thread: into a descriptor ---- */

static bool is_stopping(const struct writer *writer)
{
	pthread_mutex_lock(&writer->shared->mutex);
	bool stopping = writer->shared->stopping;
	pthread_mutex_unlock(&writer->shared->mutex);
	return stopping;
}

/* Wait until the descriptor takes something; once told to stop, not for ever. */
static int wait_writable(const struct writer *writer)
{
	struct pollfd pollfd = {.fd = writer->fd, .events = POLLOUT};
	uint64_t give_up = NEVER;

	for (;;) {
		int n = poll(&pollfd, 1, POLL_MS);
		if (n > 0)
			return 0; /* an error shows in write() */
		if (n < 0 && errno != EINTR)
			return -errno;
		if (give_up == NEVER && is_stopping(writer))
			give_up = now_ns() + WRITER_PATIENCE_S * NS_PER_S;
		if (now_ns() > give_up)
			return -ETIMEDOUT;
	}
}

/* A file takes all at once. Of anything else only as much at a time as does not block: the flags of
 * a descriptor that others share, the shell's standard output, are not ours to change. */
static int write_all(const struct writer *writer, const uint8_t *bytes, size_t length)
{
	size_t done = 0;
	int error = 0;

	while (!error && done < length) {
		size_t left = length - done;
		if (!writer->regular)
			error = wait_writable(writer);
		if (!writer->regular && left > PIPE_ATOM)
			left = PIPE_ATOM;
		ssize_t n = error ? 0 : write(writer->fd, bytes + done, left);
		if (n > 0)
			done += (size_t)n;
		else if (!error && n == 0)
			error = -EIO;
		else if (!error && errno != EINTR && errno != EAGAIN)
			error = -errno;
	}
	return error;
}

/* Into a file: all of it or none. */
static int write_descriptor(struct writer *writer, const struct block *block)
{
	off_t before = writer->regular ? lseek(writer->fd, 0, SEEK_CUR) : -1;
	int error = write_all(writer, block->bytes, block->used);

	if (error && before >= 0 && ftruncate(writer->fd, before) == 0)
		lseek(writer->fd, before, SEEK_SET);
	return error;
}

/* ---- the thread: into the spool ---- */

/* What a job did, to be told under the mutex. */
struct outcome {
	struct writer_state add; /* counters to add; suspended and error as they are now */
	bool begun;              /* of a begin: whether it worked shows in add.suspended */
	uint64_t file_bytes;
};

static void complete(struct writer *writer, struct writing *writing, struct outcome *outcome)
{
	if (!writing->file)
		return;
	bool empty = spool_file_bytes(writing->file) == 0;
	int error = spool_complete(writer->spool, writing->file);
	writing->file = NULL;
	outcome->add.files += !error && !empty;
	outcome->add.unfinished += error && !empty;
	if (error && !outcome->add.error)
		outcome->add.error = error;
}

static void suspend(struct writer *writer, struct writing *writing, struct outcome *outcome,
                    int error)
{
	outcome->add.error = error;
	outcome->add.suspended = true;
	complete(writer, writing, outcome);
	writing->retry_ns = now_ns() + RETRY_NS;
}

/* Begin the file that a block begins. */
static void begin(struct writer *writer, struct writing *writing, const struct block *block,
                  struct outcome *outcome)
{
	int error;

	complete(writer, writing, outcome);
	outcome->begun = true;
	outcome->add.suspended = false;
	writing->retry_ns = NEVER;
	writing->file =
		spool_create(writer->spool, block->wan, block->sequence, block->real_ns, &error);
	if (!writing->file)
		suspend(writer, writing, outcome, error);
}

static void store(struct writer *writer, struct writing *writing, const struct block *block,
                  struct outcome *outcome)
{
	int error = 0;

	if (writing->file && block->used)
		error = spool_append(writer->spool, writing->file, block->bytes, block->used);
	if (error)
		suspend(writer, writing, outcome, error);
	if (writing->file)
		outcome->add.stored += block->frames;
	else
		outcome->add.lost += block->frames;
}

static void work_spool(struct writer *writer, const struct job *job, struct outcome *outcome)
{
	struct writing *writing = &writer->writing[job->stream];

	if (job->block && job->block->begins)
		begin(writer, writing, job->block, outcome);
	if (job->block)
		store(writer, writing, job->block, outcome);
	if (job->ends)
		complete(writer, writing, outcome);
	if (writing->file)
		outcome->file_bytes = spool_file_bytes(writing->file);
}

static void work_descriptor(struct writer *writer, const struct job *job, struct outcome *outcome)
{
	if (!job->block)
		return;
	if (!outcome->add.suspended) {
		int error = write_descriptor(writer, job->block);
		outcome->add.suspended = error != 0;
		outcome->add.error = error;
	}
	if (outcome->add.suspended)
		outcome->add.lost += job->block->frames;
	else
		outcome->add.stored += job->block->frames;
	outcome->file_bytes += outcome->add.suspended ? 0 : job->block->used;
}

/* ---- the thread itself ---- */

static void tell(struct writer *writer, const struct job *job, const struct outcome *outcome)
{
	struct shared *shared = writer->shared;
	struct writer_state *state = &shared->states[job->stream];
	bool changed = state->suspended != outcome->add.suspended;

	state->suspended = outcome->add.suspended;
	if (outcome->add.error)
		state->error = outcome->add.error;
	state->stored += outcome->add.stored;
	state->lost += outcome->add.lost;
	state->files += outcome->add.files;
	state->unfinished += outcome->add.unfinished;
	state->file_bytes = outcome->file_bytes;
	if (outcome->begun)
		shared->begins[job->stream]--;
	if (changed || outcome->add.error)
		kick(writer);
}

/* With the mutex held; gives it up while it works. */
static void work(struct writer *writer)
{
	struct shared *shared = writer->shared;
	struct job job = shared->jobs[shared->first_job];
	const struct writer_state *state = &shared->states[job.stream];
	struct outcome outcome = {.add.suspended = state->suspended,
	                          .file_bytes = writer->spool ? 0 : state->file_bytes};

	shared->first_job = (shared->first_job + 1) % shared->room_jobs;
	shared->n_jobs--;
	shared->busy = true;
	pthread_mutex_unlock(&shared->mutex);
	if (writer->spool)
		work_spool(writer, &job, &outcome);
	else
		work_descriptor(writer, &job, &outcome);
	pthread_mutex_lock(&shared->mutex);
	shared->busy = false;
	tell(writer, &job, &outcome);
	if (writer->spool)
		spool_usage(writer->spool, &shared->usage);
	if (!job.block)
		return;
	job.block->next = shared->free;
	shared->free = job.block;
	if (shared->starved)
		kick(writer);
	shared->starved = false;
}

static void tend(struct writer *writer)
{
	struct shared *shared = writer->shared;
	struct spool_limits limits = shared->limits;
	bool changed = shared->new_limits;

	shared->tend = shared->new_limits = false;
	if (!writer->spool)
		return;
	pthread_mutex_unlock(&shared->mutex);
	if (changed)
		spool_set_limits(writer->spool, &limits);
	else
		spool_expire(writer->spool);
	pthread_mutex_lock(&shared->mutex);
	spool_usage(writer->spool, &shared->usage);
}

/* Ask for a begin where it is time. Returns when it is time again. */
static uint64_t ask_begins(struct writer *writer)
{
	struct shared *shared = writer->shared;
	uint64_t soonest = NEVER, now = now_ns();

	for (unsigned i = 0; i < WRITER_STREAMS; i++) {
		struct writing *writing = &writer->writing[i];
		if (writing->retry_ns == NEVER || shared->begins[i])
			continue;
		if (writing->retry_ns <= now) {
			writing->retry_ns = NEVER;
			shared->states[i].wants_begin = true;
			kick(writer);
		} else if (writing->retry_ns < soonest) {
			soonest = writing->retry_ns;
		}
	}
	return soonest;
}

static void wait(struct writer *writer, uint64_t until_ns)
{
	struct shared *shared = writer->shared;
	const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
	                               .tv_nsec = (long)(until_ns % NS_PER_S)};

	if (until_ns == NEVER)
		pthread_cond_wait(&shared->wake, &shared->mutex);
	else
		pthread_cond_timedwait(&shared->wake, &shared->mutex, &until);
}

static void finish_descriptor(struct writer *writer)
{
	struct writer_state *state = &writer->shared->states[0];

	if (writer->regular && fdatasync(writer->fd) != 0 && !state->error) {
		state->error = -errno;
		state->unfinished++;
	} else if (!state->error) {
		state->files++;
	}
}

static void *run(void *context)
{
	struct writer *writer = context;
	struct shared *shared = writer->shared;

	pthread_mutex_lock(&shared->mutex);
	for (;;) {
		uint64_t until_ns = ask_begins(writer);
		if (shared->n_jobs)
			work(writer);
		else if (shared->tend)
			tend(writer);
		else if (shared->stopping)
			break;
		else
			wait(writer, until_ns);
	}
	if (!writer->spool)
		finish_descriptor(writer);
	pthread_mutex_unlock(&shared->mutex);
	return NULL;
}

/* ---- begin and end ---- */

static int make_pool(struct writer *writer, size_t bytes)
{
	struct shared *shared = writer->shared;
	size_t n = bytes / WRITER_BLOCK;

	n = n < WRITER_BLOCKS_MIN   ? WRITER_BLOCKS_MIN
	    : n > WRITER_BLOCKS_MAX ? WRITER_BLOCKS_MAX
	                            : n;
	writer->n_blocks = n;
	shared->room_jobs = 2 * n + WRITER_STREAMS;
	writer->blocks = calloc(n, sizeof(*writer->blocks));
	shared->jobs = calloc(shared->room_jobs, sizeof(*shared->jobs));
	writer->memory = mmap(NULL, n * WRITER_BLOCK, PROT_READ | PROT_WRITE,
	                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (writer->memory == MAP_FAILED)
		writer->memory = NULL;
	if (!writer->blocks || !shared->jobs || !writer->memory)
		return -ENOMEM;
	/* The free ones are a stack: what was used last is used next, and the rest of the pool
	 * takes no memory before it is needed. */
	for (size_t i = n; i-- > 0;) {
		writer->blocks[i].bytes = writer->memory + i * WRITER_BLOCK;
		writer->blocks[i].next = shared->free;
		shared->free = &writer->blocks[i];
	}
	return 0;
}

static int make_shared(struct writer *writer)
{
	pthread_condattr_t attributes;
	struct shared *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return -ENOMEM;
	pthread_mutex_init(&shared->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&shared->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	writer->shared = shared;
	return 0;
}

static int start(struct writer *writer)
{
	sigset_t all, before;
	pthread_attr_t attributes;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&writer->thread, &attributes, run, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	writer->joined = error != 0;
	return -error;
}

static int prepare(struct writer *writer, size_t pool_bytes)
{
	struct stat st;

	writer->regular = !writer->spool && fstat(writer->fd, &st) == 0 && S_ISREG(st.st_mode);
	for (unsigned i = 0; i < WRITER_STREAMS; i++)
		writer->writing[i].retry_ns = NEVER;
	writer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (writer->event < 0)
		return -errno;
	int error = make_shared(writer);
	if (!error)
		error = make_pool(writer, pool_bytes);
	if (error)
		return error;
	if (writer->spool)
		spool_usage(writer->spool, &writer->shared->usage);
	return start(writer);
}

struct writer *writer_new(struct spool *spool, int fd, size_t pool_bytes, int *error)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	*error = -ENOMEM;
	if (!writer)
		return NULL;
	*writer =
		(struct writer){.spool = spool, .fd = spool ? -1 : fd, .event = -1, .joined = true};
	*error = prepare(writer, pool_bytes);
	if (!*error)
		return writer;
	writer->spool = NULL;
	writer->fd = -1;
	writer_free(writer);
	return NULL;
}

void writer_finish(struct writer *writer)
{
	if (writer->joined)
		return;
	for (unsigned i = 0; i < WRITER_STREAMS; i++) {
		writer_end(writer, i);
		writer_flush(writer, i);
	}
	pthread_mutex_lock(&writer->shared->mutex);
	writer->shared->stopping = true;
	pthread_cond_signal(&writer->shared->wake);
	pthread_mutex_unlock(&writer->shared->mutex);
	pthread_join(writer->thread, NULL);
	writer->joined = true;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	writer_finish(writer);
	spool_close(writer->spool);
	if (writer->fd >= 0)
		close(writer->fd);
	if (writer->event >= 0)
		close(writer->event);
	if (writer->shared) {
		free(writer->shared->jobs);
		pthread_mutex_destroy(&writer->shared->mutex);
		pthread_cond_destroy(&writer->shared->wake);
	}
	free(writer->shared);
	if (writer->memory)
		munmap(writer->memory, writer->n_blocks * WRITER_BLOCK);
	free(writer->blocks);
	free(writer);
}
