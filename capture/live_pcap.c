/* SPDX-License-Identifier: MIT
 *
 * live_pcap.c - frames from libpcap, read by a process of its own.
 *
 * A pcap_t cannot be handed to another process. So a worker, a child of init without privileges,
 * reads it and writes records into a socket pair. It ends when the other end of the pair is closed
 * by all who hold it. When the reader is slow the worker waits, libpcap's ring fills, and the
 * kernel counts what it drops. The reader asks the kernel itself for the counts, and quiets the
 * capture, through a copy of libpcap's socket.
 */
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "live_inside.h"
#include "sandbox.h"
#include "snap.h"

enum { FD_DATA, FD_SOCKET, FDS }; /* of live_prepared.fds */

enum {
	SMALL_SNAPLEN = 2048, /* the filter cuts exactly */
	BATCH = 64 * 1024,
	WORKER_OUT = 3, /* the worker's end of the pair */
	DISPATCH = 256,
	BUFFER = 2 * (SNAP_MAX + 64),
};

/* Before each frame; a record without a frame tells of trouble. Records are multiples of 8. */
struct record {
	uint64_t ts_ns;
	uint32_t caplen, wire_len;
	int32_t trouble; /* -errno */
	uint32_t mark;
};

static size_t record_size(uint32_t caplen)
{
	return sizeof(struct record) + ((caplen + 7u) & ~7u);
}

/* ---- the worker ---- */

struct worker {
	pcap_t *pcap;
	int socket, out;
	struct bpf_program cut; /* what to keep, once more: libpcap may filter without cutting */
	uint16_t linktype;
	bool has_mac;
	uint8_t mac[ETH_ALEN];

	uint8_t *pending;
	size_t from, to;
	bool reader_gone;
};

/* Wait until the reader takes more, or is gone. */
static void flush_pending(struct worker *worker)
{
	while (worker->from < worker->to && !worker->reader_gone) {
		ssize_t n = send(worker->out, worker->pending + worker->from,
		                 worker->to - worker->from, MSG_NOSIGNAL);
		if (n > 0)
			worker->from += (size_t)n;
		else if (n < 0 && errno != EINTR)
			worker->reader_gone = true;
	}
	worker->from = worker->to = 0;
}

static void put_record(struct worker *worker, const struct record *record, const uint8_t *data)
{
	size_t size = record_size(record->caplen);

	if (worker->to + size > BATCH)
		flush_pending(worker);
	memcpy(worker->pending + worker->to, record, sizeof(*record));
	if (record->caplen)
		memcpy(worker->pending + worker->to + sizeof(*record), data, record->caplen);
	worker->to += size;
}

/* libpcap does not tell the direction of Ethernet frames: those that we sent carry our address. */
static uint8_t mark_of(const struct worker *worker, const uint8_t *data, uint32_t caplen)
{
	enum { SLL_OUTGOING = 4 };

	if (worker->linktype == LINK_SLL && caplen >= 2)
		return data[0] == 0 && data[1] == SLL_OUTGOING ? MARK_OUT : MARK_IN;
	if (!worker->has_mac || caplen < 2 * ETH_ALEN)
		return MARK_NONE;
	return memcmp(data + ETH_ALEN, worker->mac, ETH_ALEN) == 0 ? MARK_OUT : MARK_IN;
}

static void on_frame(uint8_t *context, const struct pcap_pkthdr *header, const uint8_t *data)
{
	struct worker *worker = (struct worker *)context;
	uint32_t keep = bpf_filter(worker->cut.bf_insns, data, header->caplen, header->caplen);
	struct record record = {
		/* tv_usec holds ns: the precision that was asked for */
		.ts_ns = (uint64_t)header->ts.tv_sec * 1000000000ull + (uint64_t)header->ts.tv_usec,
		.caplen = header->caplen < keep ? header->caplen : keep,
		.wire_len = header->len,
		.mark = mark_of(worker, data, header->caplen),
	};

	if (record.caplen > SNAP_MAX)
		record.caplen = SNAP_MAX;
	put_record(worker, &record, data);
}

static void tell_trouble(struct worker *worker, int trouble)
{
	put_record(worker, &(struct record){.trouble = trouble}, NULL);
	flush_pending(worker);
}

/* What is there, until there is nothing. False when the device is gone, and libpcap says so. */
static bool drain(struct worker *worker)
{
	int n;

	do {
		n = pcap_dispatch(worker->pcap, DISPATCH, on_frame, (uint8_t *)worker);
	} while (n > 0 && !worker->reader_gone);
	flush_pending(worker);
	return n >= 0;
}

/* The socket's error is taken before libpcap sees it: libpcap would look again each millisecond. */
static void tell_error(struct worker *worker)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(worker->socket, SOL_SOCKET, SO_ERROR, &error, &length);
	if (live_gone(worker->socket))
		error = ENODEV;
	if (error)
		tell_trouble(worker, -error);
}

static void work(struct worker *worker)
{
	struct pollfd fds[] = {{.fd = worker->socket, .events = POLLIN},
	                       {.fd = worker->out, .events = POLLRDHUP}};

	while (!worker->reader_gone) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			return;
		if (fds[0].revents & POLLERR)
			tell_error(worker);
		if (fds[0].revents && !drain(worker)) {
			tell_trouble(worker, live_gone(worker->socket) ? -ENODEV : -EIO);
			fds[0].fd = -1; /* wait for the reader to close */
		}
	}
}

/* ---- how the worker begins ---- */

/* What the worker says first; with it goes a copy of its packet socket. */
struct greeting {
	int32_t error;
	uint16_t linktype;
	char message[256];
};

static int greet(int out, const struct greeting *greeting, int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec bytes = {(void *)(uintptr_t)greeting, sizeof(*greeting)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (socket >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &socket, sizeof(socket));
	}
	return sendmsg(out, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*greeting) ? 0 : -EPIPE;
}

static int hear(int in, struct greeting *greeting, int *socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec bytes = {greeting, sizeof(*greeting)};
	struct msghdr message = {.msg_iov = &bytes,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control.room)};
	ssize_t n;

	*socket = -1;
	do
		n = recvmsg(in, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (CMSG_FIRSTHDR(&message))
		memcpy(socket, CMSG_DATA(&control.header), sizeof(*socket));
	return n == (ssize_t)sizeof(*greeting) ? 0 : -EPIPE;
}

static int pcap_error(int status)
{
	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return -EPERM;
	default:
		return -EIO;
	}
}

static int snaplen_of(uint32_t keep)
{
	if (keep == KEEP_HEADERS)
		return SMALL_SNAPLEN;
	return keep == 0 || keep > SNAP_MAX ? SNAP_MAX : (int)keep;
}

/* A warning of pcap_activate() is above 0: that the device is down is not our trouble. */
static int activate(pcap_t *pcap, const struct live_request *request, struct greeting *greeting)
{
	int status;

	pcap_set_snaplen(pcap, snaplen_of(request->keep));
	pcap_set_promisc(pcap, 0);
	pcap_set_timeout(pcap, request->retire_ms ? (int)request->retire_ms : 1);
	pcap_set_buffer_size(pcap, (int)request->ring_bytes);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(pcap);
	if (status >= 0)
		return 0;
	return live_refuse(greeting->message, sizeof(greeting->message), pcap_error(status),
	                   "%s: %s%s%s", request->device, pcap_statustostr(status),
	                   *pcap_geterr(pcap) ? ": " : "", pcap_geterr(pcap));
}

static int linktype_of(pcap_t *pcap)
{
	int dlt = pcap_datalink(pcap);

	return dlt == DLT_RAW ? LINK_RAW : dlt;
}

/* Through libpcap: it moves the offsets of a program about where it makes up a link header that the
 * kernel does not see, which ours would not survive. So it gets the user's alone. */
static int filter_cooked(struct worker *worker, const struct live_request *request,
                         struct greeting *greeting)
{
	const int on = 1;
	struct bpf_program program;
	int failed;

	if (!snap_compile(&program, request->filter, worker->linktype, 0, greeting->message,
	                  sizeof(greeting->message)))
		return -EINVAL;
	failed = pcap_setfilter(worker->pcap, &program);
	snap_release(&program);
	if (failed)
		return live_refuse(greeting->message, sizeof(greeting->message), -EINVAL, "%s: %s",
		                   request->device, pcap_geterr(worker->pcap));
	setsockopt(worker->socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
	return 0;
}

/* Else past libpcap, which would run the program once more, on frames that it has cut. */
static int set_filter(struct worker *worker, const struct live_request *request,
                      struct greeting *greeting)
{
	if (!snap_compile(&worker->cut, "", worker->linktype, request->keep, greeting->message,
	                  sizeof(greeting->message)))
		return -EINVAL;
	if (worker->linktype != LINK_ETHERNET && worker->linktype != LINK_RAW)
		return filter_cooked(worker, request, greeting);
	return live_filter(worker->socket, request, worker->linktype, greeting->message,
	                   sizeof(greeting->message));
}

static void pass_over(uint8_t *context, const struct pcap_pkthdr *header, const uint8_t *data)
{
	(void)header;
	(void)data;
	++*(uint64_t *)(void *)context;
}

/* libpcap begins to capture before it has a filter. Stop, forget all that came, and with the filter
 * in its place begin again: so that what the kernel counts is what we see. */
static int begin_anew(struct worker *worker, const struct live_request *request, uint32_t ifindex,
                      struct greeting *greeting)
{
	struct live_counts counts = {0};
	uint64_t passed = 0;
	int error;

	live_unbind(worker->socket, ifindex);
	live_statistics(worker->socket, &counts);
	while (passed < counts.received - counts.dropped) {
		struct pollfd fd = {.fd = worker->socket, .events = POLLIN};
		int retire = request->retire_ms < 1000 ? 2000 : 2 * (int)request->retire_ms;

		if (poll(&fd, 1, retire) <= 0 ||
		    pcap_dispatch(worker->pcap, -1, pass_over, (uint8_t *)&passed) < 0)
			break;
	}
	error = set_filter(worker, request, greeting);
	if (error == 0 && worker->linktype == LINK_ETHERNET && !worker->has_mac)
		live_once(worker->socket);
	return error ? error : live_bind(worker->socket, ifindex);
}

static void learn_mac(struct worker *worker, const char *device)
{
	struct ifreq hardware = {0};

	memcpy(hardware.ifr_name, device, IFNAMSIZ);
	worker->has_mac = ioctl(worker->socket, SIOCGIFHWADDR, &hardware) == 0 &&
	                  hardware.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	memcpy(worker->mac, hardware.ifr_hwaddr.sa_data, ETH_ALEN);
}

static int open_pcap(struct worker *worker, const struct live_request *request, uint32_t ifindex,
                     struct greeting *greeting)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	int error;

	worker->pcap = pcap_create(request->device, text);
	if (!worker->pcap)
		return live_refuse(greeting->message, sizeof(greeting->message), -EIO, "%s: %s",
		                   request->device, text);
	error = activate(worker->pcap, request, greeting);
	if (error)
		return error;
	if (pcap_setnonblock(worker->pcap, 1, text))
		return live_refuse(greeting->message, sizeof(greeting->message), -EIO, "%s: %s",
		                   request->device, text);
	worker->socket = pcap_fileno(worker->pcap);
	worker->linktype = greeting->linktype = (uint16_t)linktype_of(worker->pcap);
	learn_mac(worker, request->device);
	return begin_anew(worker, request, ifindex, greeting);
}

/* Only standard error and our end of the pair, as descriptor 3, stay open: what others hold open
 * by mistake nobody sees closing. */
static bool close_others(int out)
{
	enum { OLD_KERNEL = 4096 };

	if (out != WORKER_OUT && dup2(out, WORKER_OUT) != WORKER_OUT)
		return false;
	if (syscall(SYS_close_range, WORKER_OUT + 1u, ~0u, 0u) != 0)
		for (int fd = WORKER_OUT + 1; fd < OLD_KERNEL; fd++)
			close(fd);
	return true;
}

/* Whoever tells the group of processes to stop means those who read: the worker ends after them. */
static void ignore_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static int shed_privileges(struct greeting *greeting)
{
	char lacking[64];

	return sandbox_recorder(NULL, -1, lacking, sizeof(lacking), greeting->message,
	                        sizeof(greeting->message));
}

static void run_worker(int out, const struct live_request *request, uint32_t ifindex)
{
	struct worker worker = {.out = WORKER_OUT};
	struct greeting greeting = {0};

	ignore_signals();
	if (!close_others(out))
		return;
	worker.pending = malloc(BATCH + record_size(SNAP_MAX));
	greeting.error = worker.pending ? open_pcap(&worker, request, ifindex, &greeting) : -ENOMEM;
	if (greeting.error == 0)
		greeting.error = shed_privileges(&greeting);
	if (greet(worker.out, &greeting, greeting.error ? -1 : worker.socket) == 0 &&
	    greeting.error == 0)
		work(&worker);
}

/* A grandchild: init, and not our caller, has to reap it. */
static int start_worker(const int *pair, const struct live_request *request, uint32_t ifindex)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0) {
		close(pair[0]);
		pid_t worker = fork();
		if (worker == 0)
			run_worker(pair[1], request, ifindex);
		_exit(worker < 0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int pcap_prepare(const struct live_request *request, struct live_prepared *prepared,
                        char *message, size_t size)
{
	struct greeting greeting = {0};
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return live_refuse(message, size, -errno, "%s: %s", request->device,
		                   strerror(errno));
	error = start_worker(pair, request, prepared->ifindex);
	close(pair[1]);
	if (error == 0)
		error = hear(pair[0], &greeting, &prepared->fds[FD_SOCKET]);
	if (error == 0)
		error = greeting.error;
	if (error) {
		close(pair[0]);
		greeting.message[sizeof(greeting.message) - 1] = '\0';
		return live_refuse(message, size, error, "%s",
		                   greeting.message[0] ? greeting.message : strerror(-error));
	}
	prepared->linktype = greeting.linktype;
	prepared->ring_bytes = request->ring_bytes;
	prepared->fds[FD_DATA] = pair[0];
	prepared->n_fds = FDS;
	return 0;
}

/* ---- the reader ---- */

struct reader {
	struct live live; /* first */
	int fds[FDS];
	struct live_counts counts;
	int trouble;

	bool has_frame;
	struct live_frame frame;
	size_t frame_bytes; /* of its record */

	size_t from, to;
	uint8_t buffer[BUFFER] __attribute__((aligned(8)));
};

static struct live *pcap_attach(const struct live_prepared *prepared)
{
	struct reader *reader = malloc(sizeof(*reader)); /* its buffer need not be touched */

	if (!reader)
		return NULL;
	memset(reader, 0, offsetof(struct reader, buffer));
	reader->live.methods = &live_pcap;
	memcpy(reader->fds, prepared->fds, sizeof(reader->fds));
	return &reader->live;
}

static void pcap_close_reader(struct live *live)
{
	struct reader *reader = (struct reader *)live;

	for (size_t i = 0; i < FDS; i++)
		close(reader->fds[i]);
	free(reader);
}

/* False when there is nothing to read now. */
static bool fill(struct reader *reader)
{
	ssize_t n;

	if (reader->from == reader->to)
		reader->from = reader->to = 0;
	if (BUFFER - reader->to < record_size(SNAP_MAX)) {
		memmove(reader->buffer, reader->buffer + reader->from, reader->to - reader->from);
		reader->to -= reader->from;
		reader->from = 0;
	}
	n = recv(reader->fds[FD_DATA], reader->buffer + reader->to, BUFFER - reader->to,
	         MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		reader->trouble = -EPIPE;
	if (n > 0)
		reader->to += (size_t)n;
	return n > 0;
}

/* The record at hand when it is there as a whole. What no worker writes ends the reading. */
static const struct record *whole_record(struct reader *reader)
{
	const struct record *record = (const void *)(reader->buffer + reader->from);
	size_t there = reader->to - reader->from;

	if (there < sizeof(*record))
		return NULL;
	if (record->caplen > SNAP_MAX) {
		reader->trouble = -EPIPE;
		return NULL;
	}
	return there >= record_size(record->caplen) ? record : NULL;
}

static const struct record *next_record(struct reader *reader)
{
	const struct record *record;

	while ((record = whole_record(reader)) == NULL)
		if (reader->trouble == -EPIPE || !fill(reader))
			return NULL;
	return record;
}

static const struct live_frame *pcap_head(struct live *live)
{
	struct reader *reader = (struct reader *)live;
	const struct record *record;

	if (reader->has_frame)
		return &reader->frame;
	while ((record = next_record(reader)) != NULL && record->trouble) {
		reader->trouble = record->trouble;
		reader->from += record_size(0);
	}
	if (!record)
		return NULL;
	reader->frame = (struct live_frame){
		.data = (const uint8_t *)(record + 1),
		.ts_ns = record->ts_ns,
		.caplen = record->caplen,
		.wire_len = record->wire_len,
		.mark = (uint8_t)record->mark,
	};
	reader->frame_bytes = record_size(record->caplen);
	reader->has_frame = true;
	return &reader->frame;
}

static void pcap_take(struct live *live)
{
	struct reader *reader = (struct reader *)live;

	if (reader->has_frame)
		reader->from += reader->frame_bytes;
	reader->has_frame = false;
}

static int pcap_fd(const struct live *live)
{
	return ((const struct reader *)live)->fds[FD_DATA];
}

static int pcap_trouble(struct live *live)
{
	struct reader *reader = (struct reader *)live;
	int trouble = reader->trouble;

	if (trouble == -ENETDOWN)
		reader->trouble = 0; /* said once */
	return live_gone(reader->fds[FD_SOCKET]) ? -ENODEV : trouble;
}

static void pcap_count(struct live *live, struct live_counts *counts)
{
	struct reader *reader = (struct reader *)live;

	live_statistics(reader->fds[FD_SOCKET], &reader->counts);
	*counts = reader->counts;
}

const struct live_methods live_pcap = {
	.prepare = pcap_prepare,
	.attach = pcap_attach,
	.close = pcap_close_reader,
	.head = pcap_head,
	.take = pcap_take,
	.fd = pcap_fd,
	.trouble = pcap_trouble,
	.count = pcap_count,
};
