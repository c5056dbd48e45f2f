/* SPDX-License-Identifier: MIT
 *
 * notify.h - telling the service manager: one datagram, as sd_notify(3) documents it.
 */
#ifndef CAPTURE_NOTIFY_H
#define CAPTURE_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;               /* -1: nobody asked to be told */
	uint64_t watchdog_ns; /* tell WATCHDOG=1 at least so often, 0 = never */
};

/* From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (this process or its parent, the keeper) of
 * the environment; connected, so that it works in the sandbox. */
void notify_open(struct notify *notify);
/* "READY=1", "WATCHDOG=1", "STATUS=...", "STOPPING=1", "RELOADING=1": lines joined by \n.
 * Never waits: what the manager has no room for is lost. */
void notify_say(const struct notify *notify, const char *text);
void notify_close(struct notify *notify);

#endif
