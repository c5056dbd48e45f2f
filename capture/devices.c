/* SPDX-License-Identifier: MIT
 *
 * devices.c - see devices.h.
 *
 * Two sockets: one hears what changes and is never asked anything, so that no answer mixes with
 * the news; the other asks and waits for the answer, a few microseconds of the kernel's own work.
 */
#include "devices.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DEVICES_MOST 1024         /* further ones are not seen */
#define MESSAGE_MOST (64 * 1024)  /* a datagram of a dump has at most 32 KiB */
#define READ_MOST    256          /* datagrams in one devices_read(): the rest waits for the next */
#define NEWS_BUFFER  (512 * 1024) /* a hundred interfaces that come and go at once */
#define LOWER_UP     (1u << 16)   /* IFF_LOWER_UP, which net/if.h has not */
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

/* ---- what the kernel writes ---- */

/* One attribute after the other; lengths are checked, values are copied out. */
struct attributes {
	const uint8_t *at;
	size_t left;
	uint16_t type;
	const uint8_t *value;
	size_t length;
};

static bool next_attribute(struct attributes *a)
{
	struct rtattr head;
	size_t step;

	if (a->left < sizeof(head))
		return false;
	memcpy(&head, a->at, sizeof(head));
	if (head.rta_len < sizeof(head) || head.rta_len > a->left)
		return false;
	a->type = head.rta_type & 0x3fff; /* without nested and byte order */
	a->value = a->at + sizeof(head);
	a->length = head.rta_len - sizeof(head);
	step = RTA_ALIGN((size_t)head.rta_len);
	a->at += step < a->left ? step : a->left;
	a->left -= step < a->left ? step : a->left;
	return true;
}

static struct attributes attributes_after(const struct nlmsghdr *head, size_t fixed)
{
	size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(fixed);
	struct attributes a = {0};

	if (head->nlmsg_len > skip) {
		a.at = (const uint8_t *)head + skip;
		a.left = head->nlmsg_len - skip;
	}
	return a;
}

static uint32_t number_of(const struct attributes *a)
{
	uint32_t value = 0;

	if (a->length >= sizeof(value))
		memcpy(&value, a->value, sizeof(value));
	return value;
}

static void text_of(const struct attributes *a, char *text, size_t size)
{
	size_t n = strnlen((const char *)a->value, a->length);

	n = n < size ? n : size - 1;
	memcpy(text, a->value, n);
	text[n] = '\0';
}

static void kind_of(const struct attributes *info, struct device *device)
{
	struct attributes inner = {.at = info->value, .left = info->length};

	while (next_attribute(&inner))
		if (inner.type == IFLA_INFO_KIND)
			text_of(&inner, device->kind, sizeof(device->kind));
}

/* RUNNING: the driver says that it works, or never says anything. LOWER_UP: there is a carrier,
 * though someone above, such as 802.1X, has not agreed yet: frames pass all the same. */
static enum device_state state_of(unsigned flags)
{
	if ((flags & IFF_UP) == 0)
		return DEVICE_DOWN;
	return flags & (IFF_RUNNING | LOWER_UP) ? DEVICE_UP : DEVICE_DOWN;
}

static void take_link_attribute(const struct attributes *a, struct device *device, bool *elsewhere)
{
	switch (a->type) {
	case IFLA_IFNAME:
		text_of(a, device->name, sizeof(device->name));
		break;
	case IFLA_MTU:
		device->mtu = number_of(a);
		break;
	case IFLA_ADDRESS:
		if (a->length > sizeof(device->mac))
			break;
		memcpy(device->mac, a->value, a->length);
		device->mac_length = (uint8_t)a->length;
		break;
	case IFLA_LINK:
		device->parent = number_of(a);
		break;
	case IFLA_LINK_NETNSID: /* the index counts in another namespace */
		*elsewhere = true;
		break;
	case IFLA_MASTER:
		device->master = number_of(a);
		break;
	case IFLA_LINKINFO:
		kind_of(a, device);
		break;
	}
}

/* Of these IFLA_LINK is the other end, not what lies below. */
static bool is_pair(const char *kind)
{
	return strcmp(kind, "veth") == 0 || strcmp(kind, "netkit") == 0;
}

/*
 * False: it says nothing of a device. A bridge tells of its ports under its own family (leaving it
 * looks like a device that is deleted), and wireless events bring nothing but themselves.
 */
static bool parse_link(const struct nlmsghdr *head, struct device *device)
{
	struct ifinfomsg info;
	struct attributes a = attributes_after(head, sizeof(info));
	bool elsewhere = false;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return false;
	memcpy(&info, NLMSG_DATA(head), sizeof(info));
	if (info.ifi_family != AF_UNSPEC || info.ifi_index <= 0)
		return false;
	memset(device, 0, sizeof(*device));
	device->ifindex = (uint32_t)info.ifi_index;
	device->hardware = info.ifi_type;
	device->state = state_of(info.ifi_flags);
	while (next_attribute(&a)) {
		if (a.type == IFLA_WIRELESS)
			return false;
		take_link_attribute(&a, device, &elsewhere);
	}
	if (elsewhere || device->parent == device->ifindex || is_pair(device->kind))
		device->parent = 0;
	return device->name[0] != '\0';
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
	    parse_link(head, &devices->found[devices->n_found]))
		devices->n_found++;
}

/* 0 what others can reach, 1 such that goes away soon, 2 the others; -1 none at all. */
static int rank_of(const struct ifaddrmsg *info, uint32_t flags)
{
	if (flags & IFA_F_DADFAILED)
		return -1;
	if (info->ifa_scope >= RT_SCOPE_LINK)
		return 2;
	return flags & IFA_F_DEPRECATED ? 1 : 0;
}

struct found_address {
	struct ipaddr address;
	uint8_t prefix;
	int rank;
	uint32_t ifindex;
};

static bool parse_address(const struct nlmsghdr *head, struct found_address *found)
{
	struct ifaddrmsg info;
	struct attributes a = attributes_after(head, sizeof(info));
	size_t length;
	uint32_t flags;
	bool local = false;

	if (head->nlmsg_type != RTM_NEWADDR || head->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return false;
	memcpy(&info, NLMSG_DATA(head), sizeof(info));
	if (info.ifa_family != AF_INET && info.ifa_family != AF_INET6)
		return false;
	memset(found, 0, sizeof(*found));
	length = info.ifa_family == AF_INET ? 4 : 16;
	flags = info.ifa_flags;
	while (next_attribute(&a)) {
		if (a.type == IFA_FLAGS)
			flags = number_of(&a);
		/* of a point-to-point device IFA_ADDRESS is the other end */
		if (a.length != length || (a.type != IFA_LOCAL && (a.type != IFA_ADDRESS || local)))
			continue;
		local = a.type == IFA_LOCAL;
		memcpy(found->address.bytes, a.value, length);
		found->address.family = length == 4 ? 4 : 6;
	}
	found->prefix = info.ifa_prefixlen;
	found->rank = rank_of(&info, flags);
	found->ifindex = info.ifa_index;
	return found->address.family != 0 && found->rank >= 0;
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
	struct found_address found;
	struct device *row;

	if (!parse_address(head, &found) || found.rank != collecting->rank)
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
		if (parse_link(head, &device))
			put_row(devices, &device, false);
		break;
	case RTM_DELLINK:
		row = parse_link(head, &device) ? row_of(devices->rows, devices->n, device.ifindex)
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
	struct device_counters *counters = context;
	struct attributes a = attributes_after(head, sizeof(struct ifinfomsg));
	struct rtnl_link_stats64 stats;

	while (head->nlmsg_type == RTM_NEWLINK && next_attribute(&a)) {
		if (a.type != IFLA_STATS64 ||
		    a.length < offsetof(struct rtnl_link_stats64, multicast))
			continue;
		memset(&stats, 0, sizeof(stats));
		memcpy(&stats, a.value, a.length < sizeof(stats) ? a.length : sizeof(stats));
		*counters = (struct device_counters){
			.known = true,
			.rx_frames = stats.rx_packets,
			.rx_bytes = stats.rx_bytes,
			.rx_dropped = stats.rx_dropped,
			.tx_frames = stats.tx_packets,
			.tx_bytes = stats.tx_bytes,
			.tx_dropped = stats.tx_dropped,
		};
	}
}

bool devices_counters(struct devices *devices, uint32_t ifindex, struct device_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	return ifindex > 0 && ask(devices, RTM_GETLINK, 0, ifindex) == 0 &&
	       answer(devices, false, take_counters, counters) == 0 && counters->known;
}

/* ---- ethtool ---- */

/* `data` begins with the command. */
static int ethtool(const struct devices *devices, const char *name, void *data)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	request.ifr_data = data;
	return ioctl(devices->ethtool, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* Asked twice: the kernel first says how long its masks are. */
static void find_speed(struct devices *devices, const char *name, struct device_hardware *hardware)
{
	struct ethtool_link_settings *settings = (void *)devices->answer;
	int8_t words;

	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(devices, name, settings) || settings->link_mode_masks_nwords >= 0)
		return;
	words = (int8_t)-settings->link_mode_masks_nwords;
	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GLINKSETTINGS;
	settings->link_mode_masks_nwords = words;
	if (ethtool(devices, name, settings) || settings->speed == (uint32_t)SPEED_UNKNOWN)
		return;
	hardware->speed_bits = settings->speed * UINT64_C(1000000);
}

/* Features have names; their numbers change with the kernel. */
static const struct {
	const char *name;
	size_t offset;
} features[] = {
	{"rx-gro", offsetof(struct device_hardware, gro)},
	{"rx-gro-hw", offsetof(struct device_hardware, lro)},
	{"rx-lro", offsetof(struct device_hardware, lro)},
	{"tx-generic-segmentation", offsetof(struct device_hardware, gso)},
	{"tx-tcp-segmentation", offsetof(struct device_hardware, tso)},
	{"tx-tcp6-segmentation", offsetof(struct device_hardware, tso)},
	{"hw-tc-offload", offsetof(struct device_hardware, hw_tc)},
};

/* How many names there are; 0 unknown. */
static uint32_t count_features(struct devices *devices, const char *name)
{
	struct ethtool_sset_info *info = (void *)devices->answer;

	memset(info, 0, sizeof(*info) + sizeof(uint32_t));
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	if (ethtool(devices, name, info) || info->sset_mask == 0)
		return 0;
	return info->data[0];
}

static void note_feature(const char *name, struct device_hardware *hardware)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (strncmp(features[i].name, name, ETH_GSTRING_LEN) == 0)
			*((bool *)hardware + features[i].offset) = true;
}

/* Bits of those that are active: `words` of 32. */
static bool active_features(struct devices *devices, const char *name, uint32_t *active,
                            uint32_t words)
{
	struct ethtool_gfeatures *values = (void *)devices->answer;

	memset(values, 0, sizeof(*values) + words * sizeof(values->features[0]));
	values->cmd = ETHTOOL_GFEATURES;
	values->size = words;
	if (ethtool(devices, name, values))
		return false;
	for (uint32_t i = 0; i < words; i++)
		active[i] = values->features[i].active;
	return true;
}

static void find_features(struct devices *devices, const char *name,
                          struct device_hardware *hardware)
{
	enum { WORDS = 32, MOST = WORDS * 32 };
	struct ethtool_gstrings *strings = (void *)devices->answer;
	uint32_t n = count_features(devices, name), active[WORDS];

	if (n == 0 || n > MOST || !active_features(devices, name, active, WORDS))
		return;
	memset(strings, 0, sizeof(*strings) + n * (size_t)ETH_GSTRING_LEN);
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = n;
	if (ethtool(devices, name, strings) || strings->len > n)
		return;
	for (uint32_t i = 0; i < strings->len; i++)
		if (active[i / 32] >> i % 32 & 1)
			note_feature((const char *)strings->data + i * (size_t)ETH_GSTRING_LEN,
			             hardware);
}

bool devices_hardware(struct devices *devices, const char *name, struct device_hardware *hardware)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	int error = ethtool(devices, name, &driver);

	memset(hardware, 0, sizeof(*hardware));
	if (error == -ENODEV)
		return false;
	if (!error) {
		memcpy(hardware->driver, driver.driver, sizeof(hardware->driver) - 1);
		memcpy(hardware->bus, driver.bus_info, sizeof(hardware->bus) - 1);
	}
	find_speed(devices, name, hardware);
	find_features(devices, name, hardware);
	return true;
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
