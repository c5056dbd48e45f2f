/* SPDX-License-Identifier: MIT
 *
 * live_lab.h - live captures in a network namespace: a veth pair, frames sent at one end and read
 * at the other, and checks that a child counts in its exit status.
 */
#ifndef TESTS_LIVE_LAB_H
#define TESTS_LIVE_LAB_H

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

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static inline bool run(const char *command)
{
	char quiet[512];

	snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
	return system(quiet) == 0;
}

/* No address of IPv6: nobody else speaks on the devices. */
static inline bool make_veth(void)
{
	return run("ip link set lo up; sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 "
	           "net.ipv6.conf.all.disable_ipv6=1; ip link add va type veth peer name vb && "
	           "ip link set va up && ip link set vb up");
}

static inline void in_namespace(const char *name, uint8_t backend, void (*body)(struct lab *))
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

static inline void both(const char *name, void (*body)(struct lab *))
{
	for (uint8_t backend = 0; backend < LIVE_BACKENDS; backend++)
		in_namespace(name, backend, body);
}

/* ---- sending and reading ---- */

static inline int sender(const char *device)
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
static inline uint32_t make_frame(uint8_t *bytes, uint32_t n, uint16_t port, uint32_t number)
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

static inline unsigned send_frames(int fd, unsigned count, uint32_t size, uint16_t port,
                                   uint32_t first)
{
	uint8_t bytes[CRAFT_ROOM];
	unsigned sent = 0;

	for (unsigned i = 0; i < count; i++)
		sent += send(fd, bytes, make_frame(bytes, size, port, first + i), 0) > 0;
	return sent;
}

static inline struct live_request request_for(const struct lab *lab, const char *device)
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

static inline bool open_live(struct lab *lab, const struct live_request *request,
                             struct opened *opened)
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
static inline unsigned read_frames(struct live *live, unsigned count)
{
	unsigned n = 0;

	while (n < count && wait_head(live)) {
		live_take(live);
		n++;
	}
	return n;
}

/* Everything up to received == read + dropped; `before` were read before. How many now. */
static inline unsigned read_all(struct live *live, struct live_counts *counts, unsigned before)
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

static inline bool wait_trouble(struct live *live, int trouble)
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

static inline uint32_t frames_of_device(const char *device, bool received)
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
static inline void become_nobody(struct lab *lab)
{
	int signal = 0;

	prctl(PR_GET_PDEATHSIG, &signal);
	CHECK(lab, setgid(65534) == 0 && setuid(65534) == 0);
	prctl(PR_SET_PDEATHSIG, signal);
}

#endif
