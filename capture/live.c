/* SPDX-License-Identifier: MIT
 *
 * live.c - which backend; and what they have in common, a packet socket. See live.h.
 */
#include "live.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live_inside.h"
#include "snap.h"

const char *const live_backend_names[LIVE_BACKENDS] = {"ring", "pcap"};

static const struct live_methods *const backends[LIVE_BACKENDS] = {&live_ring, &live_pcap};

int live_refuse(char *message, size_t size, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, size, format, arguments);
	va_end(arguments);
	return error;
}

static int prepare(const struct live_request *request, uint8_t backend,
                   struct live_prepared *prepared, char *message, size_t size)
{
	*message = '\0';
	memset(prepared, 0, sizeof(*prepared));
	memcpy(prepared->device, request->device, sizeof(prepared->device));
	prepared->backend = backend;
	prepared->ifindex = if_nametoindex(request->device);
	if (!prepared->ifindex)
		return live_refuse(message, size, -ENODEV, "%s: no such device", request->device);
	return backends[backend]->prepare(request, prepared, message, size);
}

/* Another backend does not help against what the operator, or the device, has to change. */
static bool is_final(int error)
{
	return error == 0 || error == -ENODEV || error == -EPERM || error == -EINVAL;
}

int live_prepare(const struct live_request *request, struct live_prepared *prepared, char *message,
                 size_t size)
{
	int error;

	if (request->backend > LIVE_BACKENDS || !memchr(request->device, 0, IFNAMSIZ) ||
	    !memchr(request->filter, 0, LIVE_FILTER))
		return live_refuse(message, size, -EINVAL, "not a request");
	if (request->backend < LIVE_BACKENDS)
		return prepare(request, request->backend, prepared, message, size);
	error = prepare(request, LIVE_RING, prepared, message, size);
	return is_final(error) ? error : prepare(request, LIVE_PCAP, prepared, message, size);
}

int live_socket(const struct live_prepared *prepared)
{
	return prepared->n_fds ? prepared->fds[prepared->n_fds - 1] : -1;
}

/* The word, not a part of a host's name. */
static bool speaks_of_vlan(const char *filter)
{
	static const char name[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	const char *at = filter;

	while ((at = strstr(at, "vlan")) != NULL) {
		bool begins = at == filter || !strchr(name, at[-1]);
		at += strlen("vlan");
		if (begins && (*at == '\0' || !strchr(name, *at)))
			return true;
	}
	return false;
}

int live_filter(int socket, const struct live_request *request, uint16_t linktype, char *message,
                size_t size)
{
	/* Both are the classic instruction: code, jt, jf, k. */
	_Static_assert(sizeof(struct sock_filter) == sizeof(struct bpf_insn), "one layout");
	const int on = 1;
	struct bpf_program program;
	struct sock_fprog kernel;
	int error = 0;

	if (speaks_of_vlan(request->filter))
		return live_refuse(
			message, size, -EINVAL,
			"%s: \"vlan\" in a filter would find nothing, the kernel has taken "
			"the tag off before: record the VLAN's own device",
			request->device);
	if (!snap_compile(&program, request->filter, linktype, request->keep, message, size))
		return -EINVAL;
	kernel.len = (unsigned short)program.bf_len;
	kernel.filter = (struct sock_filter *)(void *)program.bf_insns;
	if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &kernel, sizeof(kernel)) ||
	    setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)))
		error = live_refuse(message, size, -errno, "%s: the kernel refuses the filter: %s",
		                    request->device, strerror(errno));
	snap_release(&program);
	return error;
}

static int bind_protocol(int socket, uint32_t ifindex, uint16_t protocol)
{
	const struct sockaddr_ll address = {.sll_family = AF_PACKET,
	                                    .sll_protocol = htons(protocol),
	                                    .sll_ifindex = (int)ifindex};

	return bind(socket, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

int live_bind(int socket, uint32_t ifindex)
{
	return bind_protocol(socket, ifindex, ETH_P_ALL);
}

/* Protocol 0 would mean "as before". This number is no Ethernet type, so that no frame can bear
 * it, and nothing in Linux uses it any more. The kernel unhooks the socket from all else, and waits
 * until whoever is just putting a frame into the ring is done. */
void live_unbind(int socket, uint32_t ifindex)
{
	bind_protocol(socket, ifindex, ETH_P_ECONET);
}

bool live_gone(int socket)
{
	struct sockaddr_ll address = {0};
	socklen_t length = sizeof(address);

	return getsockname(socket, (struct sockaddr *)&address, &length) == 0 &&
	       address.sll_ifindex == -1;
}

/* Its number of packets holds the drops, too. */
void live_statistics(int socket, struct live_counts *counts)
{
	struct tpacket_stats_v3 since = {0};
	socklen_t length = sizeof(since);

	if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &since, &length))
		return;
	counts->received += since.tp_packets;
	counts->dropped += since.tp_drops;
}

void live_once(int socket)
{
	const int on = 1;

	setsockopt(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
}

void live_quiet(const struct live_prepared *prepared)
{
	if (prepared->n_fds)
		live_unbind(live_socket(prepared), prepared->ifindex);
}

void live_dispose(struct live_prepared *prepared)
{
	for (unsigned i = 0; i < prepared->n_fds; i++)
		close(prepared->fds[i]);
	prepared->n_fds = 0;
}

struct live *live_attach(const struct live_prepared *prepared)
{
	return backends[prepared->backend]->attach(prepared);
}

void live_close(struct live *live)
{
	if (live)
		live->methods->close(live);
}

const struct live_frame *live_head(struct live *live)
{
	return live->methods->head(live);
}

void live_take(struct live *live)
{
	live->methods->take(live);
}

int live_fd(const struct live *live)
{
	return live->methods->fd(live);
}

int live_trouble(struct live *live)
{
	return live->methods->trouble(live);
}

void live_count(struct live *live, struct live_counts *counts)
{
	live->methods->count(live, counts);
}
