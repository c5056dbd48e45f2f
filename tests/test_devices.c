/* SPDX-License-Identifier: MIT
 *
 * test_devices.c - devices that come, go, change their name and address, in a network namespace of
 * the test's own; the oracle is what `ip` was told to do.
 *
 * Needs root, for the namespace; skipped visibly without.
 */
#include "../capture/devices.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void suite_devices(void);

/* ---- a namespace ---- */

static int home = -1; /* the one we came from */

static bool enter(const char *test)
{
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home >= 0 && unshare(CLONE_NEWNET) == 0)
		return true;
	printf("skip devices/%s: no network namespace: %s\n", test, strerror(errno));
	if (home >= 0)
		close(home);
	return false;
}

static void leave(void)
{
	CU_ASSERT(setns(home, CLONE_NEWNET) == 0);
	close(home);
}

/* Commands of ip(8), a line each. */
static void ip(const char *commands)
{
	FILE *pipe = popen("ip -batch -", "w");

	CU_ASSERT_FATAL(pipe != NULL);
	fputs(commands, pipe);
	CU_ASSERT(pclose(pipe) == 0);
}

/* ---- what was told ---- */

struct told {
	struct devices *devices;
	char lines[16384]; /* "NAME STATE ADDRESSES\n" */
	bool ask;          /* ask for counters within the call */
	unsigned answers;
	unsigned gone; /* how many went */
};

static void changed(void *context, const struct device *device)
{
	static const char *const states[] = {"absent", "down", "up"};
	struct told *told = context;
	size_t n = strlen(told->lines);
	struct device_counters counters;
	struct device_hardware hardware;

	told->gone += device->state == DEVICE_ABSENT;
	snprintf(told->lines + n, sizeof(told->lines) - n, "%s %s %u\n", device->name,
	         states[device->state], device->n_own);
	if (told->ask)
		told->answers += devices_counters(told->devices, device->ifindex, &counters) +
		                 devices_hardware(told->devices, device->name, &hardware);
}

/* Read on until the line was told; false after 5 s without. */
static bool is_told(struct told *told, const char *line)
{
	struct pollfd poller = {.fd = devices_fd(told->devices), .events = POLLIN};

	for (;;) {
		const char *found = strstr(told->lines, line);

		if (found) {
			size_t n = strlen(found + strlen(line));
			memmove(told->lines, found + strlen(line), n + 1);
			return true;
		}
		if (poll(&poller, 1, 5000) <= 0)
			break;
		CU_ASSERT(devices_read(told->devices, changed, told) == 0);
	}
	printf("not told: %sbut: %s", line, told->lines);
	return false;
}

static struct told *told_new(void)
{
	struct told *told = calloc(1, sizeof(*told));

	CU_ASSERT_FATAL(told != NULL);
	told->devices = devices_new();
	CU_ASSERT_FATAL(told->devices != NULL);
	return told;
}

static void told_free(struct told *told)
{
	devices_free(told->devices);
	free(told);
}

/* ---- tests ---- */

static void what_is_there(void)
{
	const struct device *lo, *a, *b;
	struct told *told;
	size_t n;

	if (!enter("what_is_there"))
		return;
	ip("link add wan1 type veth peer name far1\n"
	   "link set wan1 address 02:00:00:00:00:01 mtu 1400 up\n"
	   "link set far1 up\n"
	   "addr add 192.0.2.7/25 dev wan1\n"
	   "addr add 2001:db8::7/56 dev wan1 nodad\n");
	told = told_new();
	devices_all(told->devices, &n);
	CU_ASSERT(n == 3);
	lo = devices_by_name(told->devices, "lo");
	a = devices_by_name(told->devices, "wan1");
	b = devices_by_name(told->devices, "far1");
	CU_ASSERT_FATAL(lo && a && b);
	CU_ASSERT(devices_by_name(told->devices, "wan") == NULL);
	CU_ASSERT(devices_by_index(told->devices, a->ifindex) == a);
	CU_ASSERT(devices_by_index(told->devices, 4000) == NULL);
	CU_ASSERT(lo->state == DEVICE_DOWN && lo->hardware == ARPHRD_LOOPBACK);
	CU_ASSERT(a->state == DEVICE_UP && a->hardware == ARPHRD_ETHER && a->mtu == 1400);
	CU_ASSERT(a->mac_length == 6 && memcmp(a->mac, "\x02\0\0\0\0\x01", 6) == 0);
	CU_ASSERT_STRING_EQUAL(a->kind, "veth");
	CU_ASSERT(a->parent == 0 && a->master == 0); /* the other end is not below */
	CU_ASSERT_FATAL(a->n_own >= 2);
	CU_ASSERT(a->own[0].family == 4 && memcmp(a->own[0].bytes, "\xc0\0\x02\x07", 4) == 0);
	CU_ASSERT(a->prefix[0] == 25 && a->prefix[1] == 56);
	CU_ASSERT(a->own[1].family == 6 && a->own[1].bytes[0] == 0x20);
	told_free(told);
	leave();
}

/* An address that others can reach counts before fe80::, though it came later. */
static void addresses_in_their_order(void)
{
	struct told *told;
	const struct device *a;

	if (!enter("addresses_in_their_order"))
		return;
	ip("link add wan1 type veth peer name far1\nlink set far1 up\nlink set wan1 up\n");
	told = told_new();
	CU_ASSERT(devices_by_name(told->devices, "wan1") != NULL);
	ip("addr add 169.254.1.1/16 dev wan1 scope link\naddr add 192.0.2.1/24 dev wan1\n"
	   "addr add 2001:db8::1/64 dev wan1 nodad\n");
	CU_ASSERT(is_told(told, "wan1 up 4\n"));
	a = devices_by_name(told->devices, "wan1");
	CU_ASSERT_FATAL(a && a->n_own == 4);
	CU_ASSERT(a->own[0].bytes[0] == 192 && a->own[1].bytes[0] == 0x20);
	CU_ASSERT(a->own[2].bytes[0] == 169 && a->own[3].bytes[0] == 0xfe);
	ip("addr add 192.0.2.2/24 dev wan1\naddr add 192.0.2.3/24 dev wan1\n"
	   "addr add 192.0.2.4/24 dev wan1\n");
	CU_ASSERT(is_told(told, "wan1 up 4\n"));
	/* when one of many goes, another takes its place */
	told->lines[0] = '\0';
	ip("addr del 192.0.2.2/24 dev wan1\n");
	CU_ASSERT(is_told(told, "wan1 up 4\n"));
	ip("addr flush dev wan1\n");
	CU_ASSERT(is_told(told, "wan1 up 0\n"));
	told_free(told);
	leave();
}

static void they_come_and_go(void)
{
	struct told *told;

	if (!enter("they_come_and_go"))
		return;
	told = told_new();
	told->ask = true;
	for (int i = 0; i < 20; i++) {
		ip("link add wan1 type veth peer name far1\n");
		CU_ASSERT(is_told(told, "wan1 down 0\n"));
		ip("link set wan1 up\nlink set far1 up\n");
		CU_ASSERT(is_told(told, "wan1 up 0\n"));
		ip("link set far1 down\n"); /* no carrier */
		CU_ASSERT(is_told(told, "wan1 down"));
		ip("link set far1 up\n");
		CU_ASSERT(is_told(told, "wan1 up"));
		ip("link set wan1 down\nlink set wan1 name wan2\n");
		CU_ASSERT(is_told(told, "wan1 absent"));
		CU_ASSERT(is_told(told, "wan2 down"));
		CU_ASSERT(told->gone == 3 * (unsigned)i + 1);
		CU_ASSERT(devices_by_name(told->devices, "wan1") == NULL);
		ip("link del wan2\n");
		CU_ASSERT(is_told(told, "wan2 absent"));
		CU_ASSERT(devices_by_name(told->devices, "wan2") == NULL);
	}
	CU_ASSERT(told->answers > 100); /* asking within the call disturbs no news */
	told_free(told);
	leave();
}

/* Gone and back within one look: both are told, and the index is the new one. */
static void replaced_at_once(void)
{
	struct told *told;
	uint32_t before;

	if (!enter("replaced_at_once"))
		return;
	ip("link add wan1 type veth peer name far1\n");
	told = told_new();
	before = devices_by_name(told->devices, "wan1")->ifindex;
	ip("link del wan1\nlink add wan1 type veth peer name far1\n");
	CU_ASSERT(is_told(told, "wan1 absent 0\n"));
	CU_ASSERT(is_told(told, "wan1 down 0\n"));
	CU_ASSERT(devices_by_name(told->devices, "wan1")->ifindex != before);
	told_free(told);
	leave();
}

/* Leaving a bridge is told by the bridge in words that sound like the port's end. */
static void ports_of_a_bridge(void)
{
	struct told *told;
	const struct device *a;

	if (!enter("ports_of_a_bridge"))
		return;
	if (system("ip link add br0 type bridge 2>/dev/null") != 0) {
		printf("skip devices/ports_of_a_bridge: the kernel has no bridges\n");
		leave();
		return;
	}
	ip("link set br0 up\nlink add wan1 type veth peer name far1\nlink set far1 up\n"
	   "link set wan1 up\n");
	told = told_new();
	ip("link set wan1 master br0\n");
	for (int i = 0; i < 100 && devices_by_name(told->devices, "wan1")->master == 0; i++) {
		struct pollfd poller = {.fd = devices_fd(told->devices), .events = POLLIN};
		if (poll(&poller, 1, 1000) > 0)
			devices_read(told->devices, changed, told);
	}
	a = devices_by_name(told->devices, "wan1");
	CU_ASSERT_FATAL(a != NULL);
	CU_ASSERT(a->master == devices_by_name(told->devices, "br0")->ifindex);
	told->lines[0] = '\0';
	ip("link set wan1 nomaster\nlink set wan1 mtu 1300\nlink add last type veth\n");
	CU_ASSERT(is_told(told, "last down 0\n"));
	a = devices_by_name(told->devices, "wan1");
	CU_ASSERT_FATAL(a != NULL);
	CU_ASSERT(told->gone == 0);
	CU_ASSERT(a->master == 0 && a->mtu == 1300 && a->state == DEVICE_UP);
	told_free(told);
	leave();
}

/* More news than the socket holds: read anew, and nothing is missing in the end. */
static void lost_news(void)
{
	struct told *told;
	char *commands;
	size_t n;
	FILE *text;

	if (!enter("lost_news"))
		return;
	ip("link add wan1 type veth peer name far1\nlink add old type veth peer name old2\n");
	told = told_new();
	text = open_memstream(&commands, &n);
	CU_ASSERT_FATAL(text != NULL);
	fputs("link del old\nlink add new type veth peer name new2\naddr add 192.0.2.9/24 dev "
	      "new\n",
	      text);
	for (int i = 0; i < 1000; i++)
		fprintf(text, "link set wan1 mtu %d\n", 1000 + i);
	fputs("link set wan1 name wan9\n", text);
	fclose(text);
	ip(commands);
	free(commands);
	CU_ASSERT(is_told(told, "wan9 down 0\n"));
	CU_ASSERT(devices_by_name(told->devices, "old") == NULL);
	CU_ASSERT(devices_by_name(told->devices, "old2") == NULL);
	CU_ASSERT(devices_by_name(told->devices, "wan1") == NULL);
	CU_ASSERT(devices_by_name(told->devices, "wan9")->mtu == 1999);
	CU_ASSERT_FATAL(devices_by_name(told->devices, "new") != NULL);
	CU_ASSERT(devices_by_name(told->devices, "new")->n_own == 1);
	devices_all(told->devices, &n);
	CU_ASSERT(n == 5);
	told_free(told);
	leave();
}

/* Of the kernel's two ends of a wire one counts what the other sent. */
static void counters_and_hardware(void)
{
	struct told *told;
	struct device_counters near, far;
	struct device_hardware hardware;
	const struct device *a, *b;

	if (!enter("counters_and_hardware"))
		return;
	ip("link add wan1 type veth peer name far1\nlink set far1 up\nlink set wan1 up\n"
	   "addr add 192.0.2.1/24 dev wan1\nneigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev "
	   "wan1\n");
	told = told_new();
	a = devices_by_name(told->devices, "wan1");
	b = devices_by_name(told->devices, "far1");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	inet_pton(AF_INET, "192.0.2.2", &to.sin_addr);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
	close(fd);
	CU_ASSERT(devices_counters(told->devices, a->ifindex, &near) && near.known);
	CU_ASSERT(devices_counters(told->devices, b->ifindex, &far) && far.known);
	/* and what the hosts say of themselves (router solicitations) */
	CU_ASSERT(near.tx_frames >= 100 && near.tx_bytes >= 100 * 43);
	CU_ASSERT(far.rx_frames >= 100 && far.rx_bytes >= 100 * 43);
	CU_ASSERT(!devices_counters(told->devices, 4000, &near) && !near.known);
	CU_ASSERT(!devices_counters(told->devices, 0, &near));
	CU_ASSERT(devices_hardware(told->devices, "wan1", &hardware));
	CU_ASSERT_STRING_EQUAL(hardware.driver, "veth");
	CU_ASSERT(hardware.speed_bits == UINT64_C(10000000000));
	CU_ASSERT(hardware.tso && !hardware.hw_tc);
	CU_ASSERT(!devices_hardware(told->devices, "nowhere", &hardware));
	CU_ASSERT(!devices_hardware(told->devices, "a-name-that-is-far-too-long", &hardware));
	if (system("ethtool -K wan1 tso off gso off gro on >/dev/null 2>&1") == 0) {
		CU_ASSERT(devices_hardware(told->devices, "wan1", &hardware));
		CU_ASSERT(!hardware.tso && !hardware.gso && hardware.gro);
	} else {
		printf("skip devices/counters_and_hardware: no ethtool to compare with\n");
	}
	told_free(told);
	leave();
}

void suite_devices(void)
{
	CU_pSuite suite = CU_add_suite("devices", NULL, NULL);

	CU_ADD_TEST(suite, what_is_there);
	CU_ADD_TEST(suite, addresses_in_their_order);
	CU_ADD_TEST(suite, they_come_and_go);
	CU_ADD_TEST(suite, replaced_at_once);
	CU_ADD_TEST(suite, ports_of_a_bridge);
	CU_ADD_TEST(suite, lost_news);
	CU_ADD_TEST(suite, counters_and_hardware);
}
