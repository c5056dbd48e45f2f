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

/* Descriptors as they stand in live_prepared.fds; in both backends the first is polled, and
 * LIVE_SOCKET of `n_fds` is a packet socket. */
int live_socket(const struct live_prepared *prepared);

/* The device of a packet socket is gone: the kernel has forgotten its number. */
bool live_gone(int socket);

#endif
