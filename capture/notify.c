/* SPDX-License-Identifier: MIT
 *
 * notify.c - see notify.h.
 */
#include "notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Digits only, that fit; 0 else. */
static uint64_t number_of(const char *text)
{
	char *end;
	unsigned long long value;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return *end || errno ? 0 : value;
}

/* A path, or a name in the abstract name space, written with an @ for the NUL. */
static bool address_of(const char *name, struct sockaddr_un *address, socklen_t *length)
{
	size_t n = strlen(name);

	if (n < 2 || n >= sizeof(address->sun_path) || (name[0] != '/' && name[0] != '@'))
		return false;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, name, n);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
	return true;
}

static int connect_to(const char *name)
{
	struct sockaddr_un address;
	socklen_t length;
	int fd;

	if (!name || !address_of(name, &address, &length))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, length) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* WATCHDOG_PID names who shall tell: us, or the keeper, whose child we are. Nobody: everybody. */
static bool is_meant(const char *pid)
{
	uint64_t meant = number_of(pid);

	return !pid || meant == (uint64_t)getpid() || meant == (uint64_t)getppid();
}

void notify_open(struct notify *notify)
{
	uint64_t us = number_of(getenv("WATCHDOG_USEC"));

	*notify = (struct notify){.fd = connect_to(getenv("NOTIFY_SOCKET"))};
	if (notify->fd >= 0 && is_meant(getenv("WATCHDOG_PID")) && us <= UINT64_MAX / 1000)
		notify->watchdog_ns = us * 1000;
}

void notify_say(const struct notify *notify, const char *text)
{
	/* a manager that does not listen must not stop a recording: lost is lost */
	if (notify->fd >= 0)
		(void)!send(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	*notify = (struct notify){.fd = -1};
}
