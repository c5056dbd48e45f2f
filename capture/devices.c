/* SPDX-License-Identifier: MIT
 *
 * devices.c - see devices.h.
 *
 * Two sockets: one hears what changes and is never asked anything, so that no answer mixes with
 * the news; the other asks and waits for the answer, a few microseconds of the kernel's own work.
 */
#include "devices.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "device_hardware.h"
#include "device_message.h"

#define DEVICES_MOST 1024         /* further ones are not seen */
#define MESSAGE_MOST (64 * 1024)  /* a datagram of a dump has at most 32 KiB */
#define READ_MOST    256          /* datagrams in one devices_read(): the rest waits for the next */
#define NEWS_BUFFER  (512 * 1024) /* a hundred interfaces that come and go at once */
#define TRIES        5            /* for a dump during which something changed */

struct devices {
	int news, ask, ethtool;
	uint32_t sequence;
	struct device rows[DEVICES_MOST];
	size_t n;
	bool addresses_stale; /* some address changed: ask for all */
	void (*changed)(void *context, const struct device *device);
	void *context;
	/* whoever is told of a change may ask: the news must stay meanwhile */
	_Alignas(8) uint8_t heard[MESSAGE_MOST];
	_Alignas(8) uint8_t answer[MESSAGE_MOST];
	/* where a dump puts what it finds, before the rows change */
	struct device found[DEVICES_MOST];
	size_t n_found;
};

/* ---- rows ---- */

const struct device *devices_all(const struct devices *devices, size_t *count)
{
	*count = devices->n;
	return devices->rows;
}

const struct device *devices_by_name(const struct devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->n; i++)
		if (strcmp(devices->rows[i].name, name) == 0)
			return &devices->rows[i];
	return NULL;
}

static struct device *row_of(struct device *rows, size_t n, uint32_t ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].ifindex == ifindex)
			return &rows[i];
	return NULL;
}

const struct device *devices_by_index(const struct devices *devices, uint32_t ifindex)
{
	for (size_t i = 0; i < devices->n; i++)
		if (devices->rows[i].ifindex == ifindex)
			return &devices->rows[i];
	return NULL;
}

static void tell(struct devices *devices, const struct device *device)
{
	if (devices->changed)
		devices->changed(devices->context, device);
}

/* It is gone, under this name. */
static void tell_gone(struct devices *devices, const struct device *device)
{
	struct device gone = *device;

	gone.state = DEVICE_ABSENT;
	tell(devices, &gone);
}

static void drop_row(struct devices *devices, struct device *row)
{
	struct device gone = *row;

	*row = devices->rows[--devices->n];
	tell_gone(devices, &gone);
}

/* Rows are zeroed before they are filled, so that equal ones are equal byte by byte. */
static bool same_device(const struct device *a, const struct device *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Take over what the kernel says of a device. News of links bring no addresses: they stay. */
static void put_row(struct devices *devices, const struct device *news, bool addresses)
{
	struct device *row = row_of(devices->rows, devices->n, news->ifindex);
	const struct device *namesake = devices_by_name(devices, news->name);
	struct device next = *news;

	/* a name has one device: news that we missed took it from the other */
	if (namesake && namesake != row) {
		drop_row(devices, row_of(devices->rows, devices->n, namesake->ifindex));
		row = row_of(devices->rows, devices->n, news->ifindex);
	}
	if (row && !addresses) {
		memcpy(next.own, row->own, sizeof(next.own));
		memcpy(next.prefix, row->prefix, sizeof(next.prefix));
		next.n_own = row->n_own;
	}
	if (row) {
		if (same_device(row, &next))
			return;
		if (strcmp(row->name, next.name) != 0)
			tell_gone(devices, row);
	} else if (devices->n == DEVICES_MOST) {
		return;
	} else {
		row = &devices->rows[devices->n++];
	}
	*row = next;
	tell(devices, row);
}

/* ---- asking ---- */

struct question {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	struct rtattr mask_head;
	uint32_t mask;
};

static int ask(struct devices *devices, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct question question = {
		.head = {.nlmsg_type = type,
	                 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	                 .nlmsg_seq = ++devices->sequence},
	};
	size_t length = offsetof(struct question, mask_head);

	if (type == RTM_GETLINK) {
		question.link.ifi_index = (int)ifindex;
		if (flags & NLM_F_DUMP) { /* the counters of all: nobody wants them */
			question.mask_head.rta_len = RTA_LENGTH(sizeof(question.mask));
			question.mask_head.rta_type = IFLA_EXT_MASK;
			question.mask = RTEXT_FILTER_SKIP_STATS;
			length = sizeof(question);
		}
	} else {
		length = offsetof(struct question, address) + sizeof(question.address);
	}
	question.head.nlmsg_len = (uint32_t)length;
	return send(devices->ask, &question, length, 0) < 0 ? -errno : 0;
}

/* A datagram of the kernel's; 0 from anyone else. */
static ssize_t receive(int fd, uint8_t message[static MESSAGE_MOST])
{
	struct sockaddr_nl from;
	socklen_t size = sizeof(from);
	ssize_t n;

	do
		n = recvfrom(fd, message, MESSAGE_MOST, 0, (struct sockaddr *)&from, &size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return size == sizeof(from) && from.nl_pid == 0 ? n : 0;
}

/* The messages in a datagram. */
struct messages {
	const uint8_t *at;
	size_t left;
};

static const struct nlmsghdr *next_message(struct messages *m)
{
	const struct nlmsghdr *head = (const void *)m->at; /* aligned: datagram and steps are */
	size_t step;

	if (m->left < sizeof(*head) || head->nlmsg_len < sizeof(*head) || head->nlmsg_len > m->left)
		return NULL;
	step = NLMSG_ALIGN((size_t)head->nlmsg_len);
	m->at += step < m->left ? step : m->left;
	m->left -= step < m->left ? step : m->left;
	return head;
}

typedef void take_message(void *context, const struct nlmsghdr *head);

static int error_of(const struct nlmsghdr *head)
{
	int error = -EIO;

	if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(head), sizeof(error));
	return error;
}

/*
 * Give each message of the answer to `take`, up to the last: DONE of a dump, else the only one.
 * -EINTR: something changed meanwhile, ask again.
 */
static int answer(struct devices *devices, bool dump, take_message *take, void *context)
{
	bool changed = false;

	for (;;) {
		ssize_t n = receive(devices->ask, devices->answer);
		struct messages messages = {devices->answer, n > 0 ? (size_t)n : 0};
		const struct nlmsghdr *head;

		if (n < 0)
			return (int)n;
		while ((head = next_message(&messages))) {
			if (head->nlmsg_seq != devices->sequence)
				continue; /* late answer to an earlier question */
			changed |= (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (head->nlmsg_type == NLMSG_ERROR)
				return error_of(head);
			if (head->nlmsg_type == NLMSG_DONE)
				return changed ? -EINTR : 0;
			take(context, head);
			if (!dump)
				return 0;
		}
	}
}

/* ---- dumps ---- */

static void take_link(void *context, const struct nlmsghdr *head)
{
	struct devices *devices = context;

	if (head->nlmsg_type == RTM_NEWLINK && devices->n_found < DEVICES_MOST &&
	    device_message_link(head, &devices->found[devices->n_found]))
		devices->n_found++;
}

/* Addresses of one rank in one pass over the dump's copy: so the best come first. */
struct collecting {
	struct devices *devices;
	int rank;
};

static void take_address(void *context, const struct nlmsghdr *head)
{
	struct collecting *collecting = context;
	struct devices *devices = collecting->devices;
	struct device_address found;
	struct device *row;

	if (!device_message_address(head, &found) || found.rank != collecting->rank)
		return;
	row = row_of(devices->found, devices->n_found, found.ifindex);
	if (!row || row->n_own == FRAME_WAN_ADDRS)
		return;
	row->own[row->n_own] = found.address;
	row->prefix[row->n_own++] = found.prefix;
}

static int dump(struct devices *devices, uint16_t type, take_message *take, void *context)
{
	int error = ask(devices, type, NLM_F_DUMP, 0);

	return error ? error : answer(devices, true, take, context);
}

static int find_links(struct devices *devices)
{
	int error = -EINTR;

	for (int i = 0; i < TRIES && error == -EINTR; i++) {
		devices->n_found = 0;
		error = dump(devices, RTM_GETLINK, take_link, devices);
	}
	/* what still changes after so many looks will be news soon */
	return error == -EINTR ? 0 : error;
}

/* Into the rows in `found`, that must be there. */
static int find_addresses(struct devices *devices)
{
	int error = 0;

	for (size_t i = 0; i < devices->n_found; i++) {
		struct device *row = &devices->found[i];

		memset(row->own, 0, sizeof(row->own));
		memset(row->prefix, 0, sizeof(row->prefix));
		row->n_own = 0;
	}
	for (int rank = 0; rank <= 2 && (error == 0 || error == -EINTR); rank++)
		error = dump(devices, RTM_GETADDR, take_address,
		             &(struct collecting){devices, rank});
	return error == -EINTR ? 0 : error;
}

/* All devices anew, after news were lost: what is missing went. */
static int reread_all(struct devices *devices)
{
	int error = find_links(devices);

	if (!error)
		error = find_addresses(devices);
	if (error)
		return error;
	devices->addresses_stale = false;
	for (size_t i = devices->n; i-- > 0;)
		if (!row_of(devices->found, devices->n_found, devices->rows[i].ifindex))
			drop_row(devices, &devices->rows[i]);
	for (size_t i = 0; i < devices->n_found; i++)
		put_row(devices, &devices->found[i], true);
	return 0;
}

static int reread_addresses(struct devices *devices)
{
	int error;

	memcpy(devices->found, devices->rows, devices->n * sizeof(devices->rows[0]));
	devices->n_found = devices->n;
	error = find_addresses(devices);
	if (error)
		return error;
	devices->addresses_stale = false;
	for (size_t i = 0; i < devices->n; i++) {
		if (same_device(&devices->rows[i], &devices->found[i]))
			continue;
		devices->rows[i] = devices->found[i];
		tell(devices, &devices->rows[i]);
	}
	return 0;
}

/* ---- news ---- */

static void take_news(struct devices *devices, const struct nlmsghdr *head)
{
	struct device device;
	struct device *row;

	switch (head->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		devices->addresses_stale = true;
		break;
	case RTM_NEWLINK:
		if (device_message_link(head, &device))
			put_row(devices, &device, false);
		break;
	case RTM_DELLINK:
		row = device_message_link(head, &device)
		              ? row_of(devices->rows, devices->n, device.ifindex)
		              : NULL;
		if (row)
			drop_row(devices, row);
		break;
	}
}

/* 0; -ENOBUFS: some were lost. */
static int read_news(struct devices *devices)
{
	bool lost = false;

	for (int i = 0; i < READ_MOST; i++) {
		ssize_t n = receive(devices->news, devices->heard);
		struct messages messages = {devices->heard, n > 0 ? (size_t)n : 0};
		const struct nlmsghdr *head;

		if (n == -EAGAIN)
			break;
		if (n < 0 && n != -ENOBUFS)
			return (int)n;
		lost |= n == -ENOBUFS;
		/* the rows will be read anew: what is old by then must not change them after */
		while ((head = next_message(&messages)))
			take_news(devices, head);
	}
	return lost ? -ENOBUFS : 0;
}

int devices_read(struct devices *devices,
                 void (*changed)(void *context, const struct device *device), void *context)
{
	int error;

	devices->changed = changed;
	devices->context = context;
	error = read_news(devices);
	if (error == -ENOBUFS)
		error = reread_all(devices);
	else if (!error && devices->addresses_stale)
		error = reread_addresses(devices);
	devices->changed = NULL;
	return error;
}

/* ---- counters ---- */

static void take_counters(void *context, const struct nlmsghdr *head)
{
	device_message_counters(head, context);
}

bool devices_counters(struct devices *devices, uint32_t ifindex, struct device_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	return ifindex > 0 && ask(devices, RTM_GETLINK, 0, ifindex) == 0 &&
	       answer(devices, false, take_counters, counters) == 0 && counters->known;
}

bool devices_hardware(struct devices *devices, const char *name, struct device_hardware *hardware)
{
	const struct device_asking ask = {devices->ethtool, devices->answer};

	_Static_assert(sizeof(devices->answer) >= DEVICE_ROOM, "room for an answer");
	return device_hardware(&ask, name, hardware);
}

/* ---- life ---- */

static int open_news(void)
{
	struct sockaddr_nl here = {.nl_family = AF_NETLINK,
	                           .nl_groups =
	                                   RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	/* as much as the system allows; less only means more dumps */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){NEWS_BUFFER}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_ask(void)
{
	struct sockaddr_nl here = {.nl_family = AF_NETLINK};
	struct timeval patience = {.tv_sec = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0)
		return fd;
	close(fd);
	return -1;
}

struct devices *devices_new(void)
{
	struct devices *devices = calloc(1, sizeof(*devices));
	int error;

	if (!devices)
		return NULL;
	devices->news = open_news();
	devices->ask = devices->news < 0 ? -1 : open_ask();
	devices->ethtool = devices->ask < 0 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	error = devices->ethtool < 0 ? -errno : reread_all(devices);
	if (error == 0)
		return devices;
	devices_free(devices);
	errno = -error;
	return NULL;
}

void devices_free(struct devices *devices)
{
	if (!devices)
		return;
	if (devices->news >= 0)
		close(devices->news);
	if (devices->ask >= 0)
		close(devices->ask);
	if (devices->ethtool >= 0)
		close(devices->ethtool);
	free(devices);
}

int devices_fd(const struct devices *devices)
{
	return devices->news;
}
