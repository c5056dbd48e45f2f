/* SPDX-License-Identifier: MIT
 *
 * device_hardware.h - what ethtool knows of a device: driver, bus, speed, offloads.
 */
#ifndef CAPTURE_DEVICE_HARDWARE_H
#define CAPTURE_DEVICE_HARDWARE_H

#include "devices.h"

/* Answers are at most some KiB. */
#define DEVICE_ROOM (64 * 1024)
struct device_asking {
	int fd;     /* any socket */
	void *room; /* DEVICE_ROOM bytes, aligned to 8; what stood there is lost */
};

/* False: there is no such device. */
bool device_hardware(const struct device_asking *ask, const char *name,
                     struct device_hardware *hardware);

#endif
