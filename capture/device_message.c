/* SPDX-License-Identifier: MIT
 *
 * device_message.c - see device_message.h.
 */
#include "device_message.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define LOWER_UP (1u << 16) /* IFF_LOWER_UP, which net/if.h has not */

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
 * A bridge tells of its ports under its own family (leaving it
 * looks like a device that is deleted), and wireless events bring nothing but themselves.
 */
bool device_message_link(const struct nlmsghdr *head, struct device *device)
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

/* 0 what others can reach, 1 such that goes away soon, 2 the others; -1 none at all. */
static int rank_of(const struct ifaddrmsg *info, uint32_t flags)
{
	if (flags & IFA_F_DADFAILED)
		return -1;
	if (info->ifa_scope >= RT_SCOPE_LINK)
		return 2;
	return flags & IFA_F_DEPRECATED ? 1 : 0;
}

bool device_message_address(const struct nlmsghdr *head, struct device_address *found)
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

void device_message_counters(const struct nlmsghdr *head, struct device_counters *counters)
{
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
