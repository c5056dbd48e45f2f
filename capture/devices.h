/* SPDX-License-Identifier: MIT
 *
 * devices.h - the devices of this host: which exist, which are up, what they are, what they
 * counted.
 *
 * One rtnetlink socket, opened before privileges go, tells every change at once. Sources:
 * rtnetlink(7), linux/if_link.h, linux/ethtool.h.
 */
#ifndef CAPTURE_DEVICES_H
#define CAPTURE_DEVICES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum device_state { DEVICE_ABSENT, DEVICE_DOWN, DEVICE_UP };

/* The kernel's own 64-bit counts of a device, since it exists. */
struct device_counters {
	bool known;
	uint64_t rx_frames, rx_bytes, rx_dropped;
	uint64_t tx_frames, tx_bytes, tx_dropped;
};

struct device {
	char name[IFNAMSIZ];
	uint32_t ifindex;
	enum device_state state; /* UP: set up and, where the driver knows, with carrier */
	uint16_t hardware;       /* ARPHRD_ */
	uint32_t mtu;
	uint8_t mac[8];
	uint8_t mac_length;
	char kind[16];                      /* IFLA_INFO_KIND: "vlan", "veth", "" for hardware */
	uint32_t parent;                    /* ifindex of the device below, 0 = none */
	uint32_t master;                    /* ifindex of its bridge or bond, 0 = none */
	struct ipaddr own[FRAME_WAN_ADDRS]; /* global addresses first */
	uint8_t prefix[FRAME_WAN_ADDRS];    /* their prefix lengths */
	unsigned n_own;
};

/* What ethtool says; all zero where the driver does not. */
struct device_hardware {
	uint64_t speed_bits; /* per second, 0 = not told */
	char driver[32];
	char bus[32];
	bool gro, gso, tso, lro, hw_tc;
};

struct devices;

/* Opens its sockets and reads all devices. NULL and errno. */
struct devices *devices_new(void);
void devices_free(struct devices *devices);

/* To poll. */
int devices_fd(const struct devices *devices);
/* Take in what changed; calls `changed` for each device that came, went, or changed state, address
 * or anything else in its row, with its new row (state DEVICE_ABSENT when it went; one that is
 * renamed goes and comes; borrowed during the call, which may ask for counters and hardware). When
 * messages were lost (ENOBUFS) all are read anew. 0 or -errno. */
int devices_read(struct devices *devices,
                 void (*changed)(void *context, const struct device *device), void *context);

/* All rows; valid until devices_read(). */
const struct device *devices_all(const struct devices *devices, size_t *count);
const struct device *devices_by_name(const struct devices *devices, const char *name);
const struct device *devices_by_index(const struct devices *devices, uint32_t ifindex);

/* Ask the kernel now. False when the device is gone. */
bool devices_counters(struct devices *devices, uint32_t ifindex, struct device_counters *counters);
bool devices_hardware(struct devices *devices, const char *name, struct device_hardware *hardware);

#endif
