/* SPDX-License-Identifier: MIT
 *
 * live_inside.h - what the backends of live.h share with live.c, and nobody else sees.
 */
#ifndef CAPTURE_LIVE_INSIDE_H
#define CAPTURE_LIVE_INSIDE_H

#include "live.h"

/* A backend: one row of functions, each as live.h promises it. */
struct live_methods {
	int (*prepare)(const struct live_request *request, struct live_prepared *prepared,
	               char *message, size_t size);
	struct live *(*attach)(const struct live_prepared *prepared);
	void (*close)(struct live *live);
	const struct live_frame *(*head)(struct live *live);
	void (*take)(struct live *live);
	int (*fd)(const struct live *live);
	int (*trouble)(struct live *live);
	void (*count)(struct live *live, struct live_counts *counts);
};

extern const struct live_methods live_ring, live_pcap;

/* The first member of each backend's own struct. */
struct live {
	const struct live_methods *methods;
};

/* Write the sentence, return the error. */
int live_refuse(char *message, size_t size, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- what both do with their packet socket; in live_prepared.fds it is the last ---- */

int live_socket(const struct live_prepared *prepared);

/* Attach the program and lock it: nobody who gets the descriptor can take it off. */
int live_filter(int socket, const struct live_request *request, uint16_t linktype, char *message,
                size_t size);

/* Frames of this device and no other come from here on; live_unbind(): none, when it returns. */
int live_bind(int socket, uint32_t ifindex);
void live_unbind(int socket, uint32_t ifindex);

/* The device is gone: the kernel has forgotten its number. */
bool live_gone(int socket);

/* Add what the kernel counted since it was last asked. */
void live_statistics(int socket, struct live_counts *counts);

/* Of loopback only what is received, or each frame would come twice. */
void live_once(int socket);

#endif
