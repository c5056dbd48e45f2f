/* SPDX-License-Identifier: MIT
 *
 * test_live.c - live captures and the keeper, on real devices.
 *
 * Each test runs in a child with a network namespace of its own (nothing to clean up, nothing of
 * the host to see); frames are made at one end of a veth pair and read at the other. Both backends
 * run the same tests. Without the right to make a namespace a test says "skip".
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../capture/frame.h"
#include "../capture/keeper.h"
#include "../capture/live.h"
#include "craft.h"

void suite_live(void);

enum { HANG_LIMIT = 60, SKIPPED = 77, PATIENCE_MS = 5000 };

/* ---- in the child: a check that fails is printed, and counted in the exit status ---- */

struct lab {
	uint8_t backend;
	unsigned failed;
	int in; /* sends, for those who have no right to open it */
};

#define CHECK(lab, holds)                                                                          \
	((holds) ? true                                                                            \
	         : (printf("%s:%d: (%s) %s\n", __FILE__, __LINE__,                                 \
	                   live_backend_names[(lab)->backend], #holds),                            \
	            fflush(stdout), (lab)->failed++, false))

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool run(const char *command)
{
	char quiet[512];

	snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
	return system(quiet) == 0;
}

/* No address of IPv6: nobody else speaks on the devices. */
static bool make_veth(void)
{
	return run("ip link set lo up; sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 "
	           "net.ipv6.conf.all.disable_ipv6=1; ip link add va type veth peer name vb && "
	           "ip link set va up && ip link set vb up");
}

static void in_namespace(const char *name, uint8_t backend, void (*body)(struct lab *))
{
	pid_t child;
	int status = 0;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct lab lab = {.backend = backend};
		alarm(HANG_LIMIT);
		if (unshare(CLONE_NEWNET) || !make_veth())
			_exit(SKIPPED);
		body(&lab);
		fflush(stdout);
		_exit(lab.failed ? 1 : 0);
	}
	CU_ASSERT_FATAL(child > 0);
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("skip live/%s: no right to make network namespaces, or no ip\n", name);
	else
		CU_ASSERT_EQUAL(status, 0);
}

static void both(const char *name, void (*body)(struct lab *))
{
	for (uint8_t backend = 0; backend < LIVE_BACKENDS; backend++)
		in_namespace(name, backend, body);
}

/* ---- sending and reading ---- */

static int sender(const char *device)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
	                                    .sll_ifindex = (int)if_nametoindex(device)};

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* 02:..:01 > ff:..:ff, IPv4, UDP port `port`, `n` bytes in all; the number stands at their end. */
static uint32_t make_frame(uint8_t *bytes, uint32_t n, uint16_t port, uint32_t number)
{
	struct craft c = {.len = 0};

	craft_fill(&c, 0xff, 6);
	craft_be(&c, 0x020000000001, 6);
	craft_be(&c, 0x0800, 2);
	craft_be(&c, 0x4500, 2);
	craft_be(&c, n - 14, 2);
	craft_be(&c, 0, 4);
	craft_be(&c, 64 << 8 | 17, 2);
	craft_be(&c, 0, 2);
	craft_be(&c, 0xc0000201c0000202, 8);
	craft_be(&c, (uint64_t)port << 48 | (uint64_t)port << 32 | (n - 34) << 16, 8);
	craft_fill(&c, 0xab, n - c.len - 4);
	craft_be(&c, number, 4);
	memcpy(bytes, c.bytes, c.len);
	return c.len;
}

static unsigned send_frames(int fd, unsigned count, uint32_t size, uint16_t port, uint32_t first)
{
	uint8_t bytes[CRAFT_ROOM];
	unsigned sent = 0;

	for (unsigned i = 0; i < count; i++)
		sent += send(fd, bytes, make_frame(bytes, size, port, first + i), 0) > 0;
	return sent;
}

static struct live_request request_for(const struct lab *lab, const char *device)
{
	struct live_request request = {.keep = KEEP_HEADERS,
	                               .ring_bytes = 1 << 20,
	                               .retire_ms = 20,
	                               .backend = lab->backend};

	snprintf(request.device, sizeof(request.device), "%s", device);
	return request;
}

struct opened {
	struct live_prepared prepared;
	struct live *live;
};

static bool open_live(struct lab *lab, const struct live_request *request, struct opened *opened)
{
	char message[256] = "";
	int error = live_prepare(request, &opened->prepared, message, sizeof(message));

	if (error)
		printf("live: %s\n", message);
	opened->live = error ? NULL : live_attach(&opened->prepared);
	return CHECK(lab, opened->live != NULL);
}

/* The next frame within patience. */
static const struct live_frame *wait_head(struct live *live)
{
	const uint64_t end = now_ms() + PATIENCE_MS;
	const struct live_frame *frame;

	while ((frame = live_head(live)) == NULL && now_ms() < end) {
		struct pollfd fd = {.fd = live_fd(live), .events = POLLIN};
		poll(&fd, 1, 100);
	}
	return frame;
}

/* Read until `count` frames were there, or nothing came for as long as patience. */
static unsigned read_frames(struct live *live, unsigned count)
{
	unsigned n = 0;

	while (n < count && wait_head(live)) {
		live_take(live);
		n++;
	}
	return n;
}

/* Everything up to received == read + dropped; `before` were read before. How many now. */
static unsigned read_all(struct live *live, struct live_counts *counts, unsigned before)
{
	const uint64_t end = now_ms() + PATIENCE_MS;
	unsigned n = 0;

	do {
		for (; live_head(live); n++)
			live_take(live);
		live_count(live, counts);
		if (before + n + counts->dropped == counts->received && !live_head(live))
			return n;
		nap();
	} while (now_ms() < end);
	return n;
}

static bool wait_trouble(struct live *live, int trouble)
{
	const uint64_t end = now_ms() + PATIENCE_MS;

	do {
		while (live_head(live))
			live_take(live);
		if (live_trouble(live) == trouble)
			return true;
		nap();
	} while (now_ms() < end);
	return false;
}

static uint32_t frames_of_device(const char *device, bool received)
{
	struct ifaddrs *all;
	uint32_t count = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		const struct rtnl_link_stats *stats = one->ifa_data;
		if (!strcmp(one->ifa_name, device) && one->ifa_addr &&
		    one->ifa_addr->sa_family == AF_PACKET && stats)
			count = received ? stats->rx_packets : stats->tx_packets;
	}
	freeifaddrs(all);
	return count;
}

/* As sandbox_recorder() does it: the kernel forgets the signal when the user changes. */
static void become_nobody(struct lab *lab)
{
	int signal = 0;

	prctl(PR_GET_PDEATHSIG, &signal);
	CHECK(lab, setgid(65534) == 0 && setuid(65534) == 0);
	prctl(PR_SET_PDEATHSIG, signal);
}

/* ---- the tests ---- */

static uint64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Each frame is there, in order, cut, with its length, direction and time. */
static void body_frames(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	struct live_counts counts;
	uint8_t bytes[CRAFT_ROOM];
	uint64_t before = real_ns(), last = 0;

	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, o.prepared.linktype == LINK_ETHERNET && o.prepared.backend == lab->backend);
	CHECK(lab, o.prepared.ifindex == if_nametoindex("va"));
	CHECK(lab, live_head(o.live) == NULL);
	int in = sender("vb"), out = sender("va");
	send_frames(in, 50, 700, 53, 0);
	for (unsigned i = 0; i < 100; i++) {
		const struct live_frame *frame = wait_head(o.live);
		if (!CHECK(lab, frame != NULL))
			break;
		if (i == 49)
			send_frames(out, 50, 60, 53, 50);
		make_frame(bytes, i < 50 ? 700 : 60, 53, i);
		CHECK(lab, frame == live_head(o.live));
		CHECK(lab, frame->caplen == (i < 50 ? 160 : 60));
		CHECK(lab, frame->wire_len == (i < 50 ? 700 : 60));
		CHECK(lab, memcmp(frame->data, bytes, frame->caplen) == 0);
		/* libpcap tells it by the address, and these are not our own */
		CHECK(lab,
		      lab->backend == LIVE_PCAP || frame->mark == (i < 50 ? MARK_IN : MARK_OUT));
		CHECK(lab, frame->segment_size == 0);
		CHECK(lab,
		      frame->ts_ns >= before && frame->ts_ns >= last && frame->ts_ns <= real_ns());
		last = frame->ts_ns;
		live_take(o.live);
	}
	CHECK(lab, live_head(o.live) == NULL);
	live_count(o.live, &counts);
	CHECK(lab, counts.received == 100 && counts.dropped == 0);
	CHECK(lab, live_trouble(o.live) == 0);
	live_close(o.live);
}

static void test_frames(void)
{
	both("frames", body_frames);
}

/* keep = 0: whole; keep = 96; a frame as large as the device carries. */
static void body_keep(struct lab *lab)
{
	static const uint32_t keeps[] = {0, 96, 2000};
	int in = sender("vb");

	for (size_t i = 0; i < 3; i++) {
		struct live_request request = request_for(lab, "va");
		struct opened o;

		request.keep = keeps[i];
		if (!open_live(lab, &request, &o))
			return;
		send_frames(in, 1, 1514, 53, 7);
		const struct live_frame *frame = wait_head(o.live);
		if (CHECK(lab, frame != NULL)) {
			CHECK(lab, frame->wire_len == 1514);
			CHECK(lab, frame->caplen == (keeps[i] == 96 ? 96 : 1514));
		}
		live_close(o.live);
	}
}

static void test_keep(void)
{
	both("keep", body_keep);
}

/* The kernel takes a tag off; it is there again, between the addresses and the type. */
static void body_vlan(struct lab *lab)
{
	static const struct {
		uint32_t tags[2];
		unsigned n;
	} rows[] = {{{0x81002007}, 1}, {{0x88a80064}, 1}, {{0x88a80064, 0x81000065}, 2}};
	struct live_request request = request_for(lab, "va");
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t plain[CRAFT_ROOM];
		struct craft c = {.len = 0};
		uint32_t n = make_frame(plain, 500, 53, 1);

		craft_bytes(&c, plain, 12);
		for (unsigned k = 0; k < rows[i].n; k++)
			craft_be(&c, rows[i].tags[k], 4);
		craft_bytes(&c, plain + 12, n - 12);
		CHECK(lab, send(in, c.bytes, c.len, 0) == (ssize_t)c.len);
		const struct live_frame *frame = wait_head(o.live);
		if (!CHECK(lab, frame != NULL))
			return;
		CHECK(lab, frame->wire_len == c.len);
		CHECK(lab, frame->caplen >= 160 && frame->caplen <= 164);
		CHECK(lab, memcmp(frame->data, c.bytes, frame->caplen) == 0);
		live_take(o.live);
	}
	live_close(o.live);
}

static void test_vlan(void)
{
	both("vlan", body_vlan);
}

/* More than a small ring holds, while nobody reads: what is not there was counted. */
static void body_drops(struct lab *lab)
{
	static const uint32_t keeps[] = {KEEP_HEADERS, 0};
	int in = sender("vb");

	for (size_t i = 0; i < 2; i++) {
		struct live_request request = request_for(lab, "va");
		struct live_counts counts;
		struct opened o;
		uint32_t offered = frames_of_device("va", true);
		unsigned n = 0;

		request.ring_bytes = 64 * 1024;
		request.keep = keeps[i];
		if (!open_live(lab, &request, &o))
			return;
		for (unsigned round = 0; round < 3; round++) {
			send_frames(in, 20000, 1000, 53, 0);
			n += read_all(o.live, &counts, n);
		}
		live_quiet(&o.prepared);
		n += read_all(o.live, &counts, n);
		offered = frames_of_device("va", true) - offered;
		CHECK(lab, counts.dropped > 0 && n > 0);
		CHECK(lab, counts.received == n + counts.dropped);
		CHECK(lab, offered == 60000 && offered == n + counts.dropped);
		live_close(o.live);
	}
}

static void test_drops(void)
{
	both("drops", body_drops);
}

/* A sender and a reader at full speed, a small ring. */
static void body_race(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	uint64_t n = 0, end = now_ms() + 1500;
	int status;

	request.ring_bytes = 64 * 1024;
	if (!open_live(lab, &request, &o))
		return;
	pid_t child = fork();
	if (child == 0) {
		int in = sender("vb");
		while (now_ms() < end - 200)
			send_frames(in, 100, 200, 53, 0);
		_exit(0);
	}
	while (now_ms() < end) {
		struct pollfd fd = {.fd = live_fd(o.live), .events = POLLIN};
		poll(&fd, 1, 50);
		for (; live_head(o.live); n++)
			live_take(o.live);
	}
	waitpid(child, &status, 0);
	live_quiet(&o.prepared);
	live_count(o.live, &counts);
	const uint64_t patience = now_ms() + PATIENCE_MS;
	while (n + counts.dropped != counts.received && now_ms() < patience) {
		for (; live_head(o.live); n++)
			live_take(o.live);
		live_count(o.live, &counts);
	}
	CHECK(lab, n > 10000);
	CHECK(lab, counts.received == n + counts.dropped);
	CHECK(lab, frames_of_device("va", true) == counts.received);
	printf("live: %s: %llu read, %llu dropped of %u offered\n",
	       live_backend_names[lab->backend], (unsigned long long)n,
	       (unsigned long long)counts.dropped, frames_of_device("va", true));
	live_close(o.live);
}

static void test_race(void)
{
	both("race", body_race);
}

/* What came before is there, nothing that comes after. */
static void body_quiet(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	send_frames(in, 300, 100, 53, 0);
	live_quiet(&o.prepared);
	send_frames(in, 200, 100, 53, 0);
	CHECK(lab, read_frames(o.live, 300) == 300);
	nap();
	CHECK(lab, read_all(o.live, &counts, 300) == 0);
	CHECK(lab, counts.received == 300 && counts.dropped == 0);
	CHECK(lab, live_trouble(o.live) == 0);
	live_close(o.live);
}

static void test_quiet(void)
{
	both("quiet", body_quiet);
}

static bool comes_through(int in, struct live *live)
{
	const uint64_t end = now_ms() + PATIENCE_MS;

	do {
		send_frames(in, 1, 100, 53, 0);
		for (unsigned i = 0; i < 20 && !live_head(live); i++)
			nap();
	} while (!live_head(live) && now_ms() < end);
	return live_head(live) != NULL;
}

/* Set down: said, and nothing is lost; set up: frames come again on the same capture. */
static void body_down(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	int in = sender("vb");

	if (!open_live(lab, &request, &o))
		return;
	send_frames(in, 10, 100, 53, 0);
	CHECK(lab, run("ip link set va down"));
	CHECK(lab, read_frames(o.live, 10) == 10);
	CHECK(lab, wait_trouble(o.live, -ENETDOWN));
	CHECK(lab, live_trouble(o.live) == 0); /* said once */
	struct pollfd fd = {.fd = live_fd(o.live), .events = POLLIN};
	CHECK(lab, poll(&fd, 1, 100) == 0);
	CHECK(lab, run("ip link set va up"));
	CHECK(lab, comes_through(in, o.live)); /* the first may be lost: the other end wakes up */
	CHECK(lab, live_trouble(o.live) == 0);

	CHECK(lab, run("ip link del va"));
	CHECK(lab, wait_trouble(o.live, -ENODEV));
	CHECK(lab, live_trouble(o.live) == -ENODEV);
	live_close(o.live);
}

static void test_down(void)
{
	both("down", body_down);
}

/* Gone after having been down: the descriptor does not wake, but who asks is told. Its successor
 * of the same name is another device. */
static void body_gone(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o, again;
	char message[256];

	CHECK(lab, run("ip link set va down"));
	if (lab->backend == LIVE_PCAP) { /* libpcap wants it up */
		CHECK(lab,
		      live_prepare(&request, &o.prepared, message, sizeof(message)) == -ENETDOWN);
		CHECK(lab, run("ip link set va up"));
	}
	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, run("ip link set va down"));
	CHECK(lab, wait_trouble(o.live, -ENETDOWN));
	CHECK(lab, run("ip link del va"));
	CHECK(lab, live_trouble(o.live) == -ENODEV);
	CHECK(lab, live_prepare(&request, &again.prepared, message, sizeof(message)) == -ENODEV);
	CHECK(lab, strstr(message, "va") != NULL);
	CHECK(lab, make_veth());
	if (open_live(lab, &request, &again)) {
		CHECK(lab, again.prepared.ifindex != o.prepared.ifindex);
		send_frames(sender("vb"), 5, 100, 53, 0);
		CHECK(lab, read_frames(again.live, 5) == 5);
		CHECK(lab, live_head(o.live) == NULL);
		live_close(again.live);
	}
	live_close(o.live);
}

static void test_gone(void)
{
	both("gone", body_gone);
}

/* A frame of another device, or without the filter, is never seen; the filter cannot be taken off,
 * and no new one put on. */
static void body_filter(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct opened o;
	struct live_counts counts;
	const int nothing = 0;
	int in = sender("vb"), out = sender("vb");

	snprintf(request.filter, sizeof(request.filter), "udp port 5353");
	pid_t child = fork();
	if (child == 0) { /* all the time, also while it is opened */
		int lo = sender("lo");
		for (uint64_t end = now_ms() + 700; now_ms() < end;) {
			send_frames(in, 20, 100, 53, 0);
			send_frames(lo, 20, 100, 5353, 0);
		}
		_exit(0);
	}
	nap();
	for (unsigned i = 0; i < 5; i++) {
		if (!open_live(lab, &request, &o))
			return;
		for (unsigned k = 0; k < 20; k++)
			nap();
		CHECK(lab, read_all(o.live, &counts, 0) == 0 && counts.received == 0);
		CHECK(lab, send_frames(out, 3, 100, 5353, 0) == 3);
		CHECK(lab, read_frames(o.live, 3) == 3);
		int packet = o.prepared.fds[o.prepared.n_fds - 1];
		CHECK(lab, setsockopt(packet, SOL_SOCKET, SO_DETACH_FILTER, &nothing,
		                      sizeof(nothing)) < 0 &&
		                   errno == EPERM);
		live_close(o.live);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_filter(void)
{
	both("filter", body_filter);
}

static void body_refusals(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_prepared prepared;
	char message[256] = "";

	snprintf(request.filter, sizeof(request.filter), "tcp prot 3");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "syntax") != NULL);
	CHECK(lab, prepared.n_fds == 0);
	snprintf(request.filter, sizeof(request.filter), "not (vlan 5)");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "VLAN") != NULL);
	snprintf(request.filter, sizeof(request.filter), "not ether host vlan.invalid");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	CHECK(lab, strstr(message, "VLAN") == NULL);
	memset(request.filter, 'a', sizeof(request.filter)); /* no end */
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	request = request_for(lab, "nothere");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -ENODEV);
	CHECK(lab, strstr(message, "nothere") != NULL);
	request = request_for(lab, "va");
	request.backend = 200;
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EINVAL);
	request.backend = LIVE_BACKENDS; /* the first that can */
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == 0);
	CHECK(lab, prepared.backend == LIVE_RING);
	live_dispose(&prepared);
	CHECK(lab, setuid(65534) == 0);
	request = request_for(lab, "va");
	CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == -EPERM);
	CHECK(lab, lab->backend == LIVE_PCAP || strstr(message, "CAP_NET_RAW") != NULL);
}

static void test_refusals(void)
{
	both("refusals", body_refusals);
}

/* Opened by root, read by nobody. */
static void body_unprivileged(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_prepared prepared;
	struct live_counts counts;
	char message[256];
	int in = sender("vb");

	if (!CHECK(lab, live_prepare(&request, &prepared, message, sizeof(message)) == 0))
		return;
	become_nobody(lab);
	struct live *live = live_attach(&prepared);
	if (!CHECK(lab, live != NULL))
		return;
	send_frames(in, 30, 100, 53, 0);
	CHECK(lab, read_frames(live, 30) == 30);
	live_count(live, &counts);
	CHECK(lab, counts.received == 30);
	live_quiet(&prepared);
	live_close(live);
}

static void test_unprivileged(void)
{
	both("unprivileged", body_unprivileged);
}

/* On loopback each frame comes once, and has no direction. */
static void body_loopback(struct lab *lab)
{
	struct live_request request = request_for(lab, "lo");
	struct live_counts counts;
	struct opened o;

	if (!open_live(lab, &request, &o))
		return;
	send_frames(sender("lo"), 20, 100, 53, 0);
	const struct live_frame *frame = wait_head(o.live);
	CHECK(lab, frame && frame->mark == MARK_NONE);
	CHECK(lab, read_frames(o.live, 20) == 20);
	CHECK(lab, read_all(o.live, &counts, 20) == 0 && counts.received == 20);
	live_close(o.live);
}

static void test_loopback(void)
{
	both("loopback", body_loopback);
}

/* A device without a link header: frames begin with IP. */
static void body_raw(struct lab *lab)
{
	struct live_request request = request_for(lab, "tun9");
	struct ifreq tun = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	uint8_t bytes[CRAFT_ROOM];
	struct opened o;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	uint32_t n = make_frame(bytes, 400, 53, 1) - 14;

	memcpy(tun.ifr_name, "tun9", 5);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &tun) || !run("ip link set tun9 up")) {
		printf("skip live/raw: no tun devices\n");
		return;
	}
	request.keep = 40;
	if (!open_live(lab, &request, &o))
		return;
	CHECK(lab, o.prepared.linktype == LINK_RAW);
	CHECK(lab, write(fd, bytes + 14, n) == (ssize_t)n);
	const struct live_frame *frame = wait_head(o.live);
	if (CHECK(lab, frame != NULL)) {
		CHECK(lab, frame->wire_len == n && frame->caplen == 40);
		CHECK(lab, memcmp(frame->data, bytes + 14, 40) == 0);
		CHECK(lab, lab->backend == LIVE_PCAP || frame->mark == MARK_IN);
	}
	live_close(o.live);
}

static void test_raw(void)
{
	both("raw", body_raw);
}

/* ---- super-frames: TCP through a veth pair whose other end is in another namespace ---- */

enum { TCP_BYTES = 4 << 20, TCP_PORT = 5001 };

static void sink(int ready, int go)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(TCP_PORT)};
	char byte, bytes[65536];
	int listener, peer;

	if (unshare(CLONE_NEWNET) || write(ready, "1", 1) != 1 || read(go, &byte, 1) != 1 ||
	    !run("ip addr add 192.0.2.2/24 dev vb && ip link set vb up"))
		_exit(1);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (const struct sockaddr *)&any, sizeof(any)) || listen(listener, 1) ||
	    write(ready, "2", 1) != 1)
		_exit(1);
	peer = accept(listener, NULL, NULL);
	while (read(peer, bytes, sizeof(bytes)) > 0)
		;
	_exit(0);
}

static bool send_stream(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	                               .sin_port = htons(TCP_PORT),
	                               .sin_addr.s_addr = htonl(0xc0000202)};
	static const char bytes[65536];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return false;
	for (size_t sent = 0; sent < TCP_BYTES;) {
		ssize_t n = write(fd, bytes, sizeof(bytes));
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	close(fd);
	return true;
}

/* Each frame longer than the MTU says of how many bytes its segments are; the payload that the
 * segments carry is the stream. The snap keeps no byte of it. */
static void body_super(struct lab *lab)
{
	struct live_request request = request_for(lab, "va");
	struct live_counts counts;
	struct opened o;
	char command[128], byte;
	int ready[2], go[2];
	uint64_t payload = 0, supers = 0;

	if (pipe(ready) || pipe(go))
		return;
	pid_t child = fork();
	if (child == 0)
		sink(ready[1], go[0]);
	snprintf(command, sizeof(command),
	         "ip link set vb netns %d && ip addr add 192.0.2.1/24 dev va", (int)child);
	request.ring_bytes = 16 << 20;
	bool good = read(ready[0], &byte, 1) == 1 && run(command) && write(go[1], "1", 1) == 1 &&
	            read(ready[0], &byte, 1) == 1 && open_live(lab, &request, &o);
	if (!CHECK(lab, good))
		return;
	CHECK(lab, send_stream());
	waitpid(child, NULL, 0);
	live_quiet(&o.prepared);
	const struct live_frame *frame;
	const uint64_t end = now_ms() + PATIENCE_MS;
	uint64_t n = 0;
	do {
		for (; (frame = live_head(o.live)) != NULL; n++, live_take(o.live)) {
			/* an ARP frame may hold a 6 there, in a hardware address */
			if (frame->data[12] != 8 || frame->data[13] != 0 || frame->data[23] != 6)
				continue;
			CHECK(lab, frame->caplen == 34u + frame->data[46] / 16 * 4);
			if (frame->mark == MARK_OUT && frame->wire_len > frame->caplen)
				payload += frame->wire_len - frame->caplen;
			supers += frame->segment_size > 0;
			CHECK(lab, frame->segment_size == 0 || (frame->segment_size > 1000 &&
			                                        frame->segment_size <= 1460));
			CHECK(lab, lab->backend == LIVE_PCAP || frame->wire_len <= 1514 ||
			                   frame->segment_size > 0);
		}
		live_count(o.live, &counts);
	} while (n + counts.dropped < counts.received && now_ms() < end);
	CHECK(lab, counts.dropped == 0);
	CHECK(lab, payload == TCP_BYTES);
	CHECK(lab, lab->backend == LIVE_PCAP || supers > 10);
	live_close(o.live);
}

static void test_super(void)
{
	both("super-frames", body_super);
}

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

void suite_live(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{"frames", test_frames},
		{"keep", test_keep},
		{"VLAN tags", test_vlan},
		{"drops are counted", test_drops},
		{"drops at full speed", test_race},
		{"quiet", test_quiet},
		{"down and up", test_down},
		{"gone and back", test_gone},
		{"filter", test_filter},
		{"refusals", test_refusals},
		{"read without privileges", test_unprivileged},
		{"loopback", test_loopback},
		{"no link header", test_raw},
		{"super-frames", test_super},
		{"keeper", test_keeper},
		{"keeper killed", test_orphan},
		{"keeper denied", test_denied},
	};
	CU_pSuite suite = CU_add_suite("live", NULL, NULL);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
}
