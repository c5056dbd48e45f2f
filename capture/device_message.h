/* SPDX-License-Identifier: MIT
 *
 * device_message.h - what the kernel writes of links and addresses (rtnetlink), taken apart.
 *
 * Pure: lengths are checked, values are copied out, nothing is asked.
 */
#ifndef CAPTURE_DEVICE_MESSAGE_H
#define CAPTURE_DEVICE_MESSAGE_H

#include <linux/rtnetlink.h>

#include "devices.h"

/* False: it says nothing of a device. */
bool device_message_link(const struct nlmsghdr *head, struct device *device);

struct device_address {
	struct ipaddr address;
	uint8_t prefix;
	int rank;
	uint32_t ifindex;
};

/* An address of a device that anybody may use. False: it says nothing of one. */
bool device_message_address(const struct nlmsghdr *head, struct device_address *found);

/* The kernel's counters of a link; untouched when it tells none. */
void device_message_counters(const struct nlmsghdr *head, struct device_counters *counters);

#endif
