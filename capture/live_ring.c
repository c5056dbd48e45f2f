/* SPDX-License-Identifier: MIT
 *
 * live_ring.c - frames from a packet socket whose ring is mapped into the reading process.
 *
 * Sources: linux/Documentation/networking/packet_mmap.rst, linux/if_packet.h, packet(7),
 * linux/virtio_net.h. The kernel fills a block after the other; a block is ours once its status
 * says so, until we give it back.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "live_inside.h"

enum {
	RING_LEAST = 64 * 1024,
	BLOCK_LEAST = 16 * 1024,
	BLOCK_MOST = 128 * 1024,
	BLOCK_WHOLE = 128 * 1024, /* holds a super-frame of 64 KiB, whole */
	/* Fewer and larger blocks mean fewer wake-ups; but a block is closed after retire_ms
	 * however little it holds, and while nobody reads that many times retire_ms is all the ring
	 * lasts. */
	BLOCKS_WISHED = 64,
	KEEP_SMALL = 2048,
	VLAN_TAG = 4,
	MAC_PAIR = 12,
};
static const uint32_t ring_most = 1u << 30;

/* ---- opening ---- */

/* Devices whose frames begin with an Ethernet header; of all others we take what lies behind the
 * header of the link, an IP packet. */
static bool is_ethernet(uint16_t hardware)
{
	return hardware == ARPHRD_ETHER || hardware == ARPHRD_LOOPBACK;
}

static int hardware_of(int socket, const char *device, uint16_t *hardware)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, device, IFNAMSIZ);
	if (ioctl(socket, SIOCGIFHWADDR, &request))
		return -errno;
	*hardware = request.ifr_hwaddr.sa_family;
	return 0;
}

static int open_socket(const char *device, uint16_t *hardware, char *message, size_t size)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return live_refuse(message, size, -errno,
		                   "%s: opening a packet socket: %s; it needs CAP_NET_RAW", device,
		                   strerror(errno));
	error = hardware_of(fd, device, hardware);
	if (error == 0 && is_ethernet(*hardware))
		return fd;
	close(fd);
	if (error)
		return live_refuse(message, size, error, "%s: %s", device, strerror(-error));
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 ? fd : live_refuse(message, size, -errno, "%s: %s", device, strerror(errno));
}

static uint32_t block_size(const struct live_request *request, uint32_t ring_bytes)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE), block = BLOCK_LEAST;

	if (request->keep != KEEP_HEADERS && (request->keep == 0 || request->keep > KEEP_SMALL))
		return BLOCK_WHOLE;
	while (block < BLOCK_MOST && block * BLOCKS_WISHED < ring_bytes)
		block *= 2;
	return block > page ? block : page;
}

static int make_ring(int fd, const struct live_request *request, struct live_prepared *prepared,
                     char *message, size_t size)
{
	uint32_t bytes = request->ring_bytes < RING_LEAST ? RING_LEAST : request->ring_bytes;
	uint32_t block = block_size(request, bytes > ring_most ? ring_most : bytes);
	uint32_t blocks = (bytes > ring_most ? ring_most : bytes) / block;
	const struct tpacket_req3 ring = {
		.tp_block_size = block,
		.tp_block_nr = blocks < 2 ? 2 : blocks,
		.tp_frame_size = block, /* of no meaning in version 3, but checked */
		.tp_frame_nr = blocks < 2 ? 2 : blocks,
		.tp_retire_blk_tov = request->retire_ms ? request->retire_ms : 1,
	};

	prepared->block_bytes = block;
	prepared->ring_bytes = block * ring.tp_block_nr;
	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)))
		return live_refuse(message, size, -errno, "%s: a ring of %u bytes: %s",
		                   request->device, prepared->ring_bytes, strerror(errno));
	return 0;
}

static int set_up(int fd, const struct live_request *request, struct live_prepared *prepared,
                  uint16_t hardware, char *message, size_t size)
{
	const int version = TPACKET_V3, on = 1, reserve = VLAN_TAG;
	int error = live_filter(fd, request, prepared->linktype, message, size);

	if (error)
		return error;
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)))
		return live_refuse(message, size, -EOPNOTSUPP,
		                   "%s: the kernel has no TPACKET_V3 rings", request->device);
	/* What the kernel does not know (segment sizes: 4.6, one copy on loopback: 4.20) we live
	 * without. */
	if (is_ethernet(hardware)) {
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on));
		setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve));
	}
	if (hardware == ARPHRD_LOOPBACK)
		live_once(fd);
	return make_ring(fd, request, prepared, message, size);
}

static int ring_prepare(const struct live_request *request, struct live_prepared *prepared,
                        char *message, size_t size)
{
	uint16_t hardware = 0;
	int fd = open_socket(request->device, &hardware, message, size);
	int error;

	if (fd < 0)
		return fd;
	prepared->linktype = is_ethernet(hardware) ? LINK_ETHERNET : LINK_RAW;
	error = set_up(fd, request, prepared, hardware, message, size);
	if (error == 0) /* last of all: no frame comes before the filter */
		error = live_bind(fd, prepared->ifindex);
	if (error && !*message)
		live_refuse(message, size, error, "%s: %s", request->device, strerror(-error));
	if (error) {
		close(fd);
		return error;
	}
	prepared->fds[0] = fd;
	prepared->n_fds = 1;
	return 0;
}

/* ---- reading ---- */

struct ring {
	struct live live; /* first */
	int fd;
	bool has_vnet, loopback;

	uint8_t *map;
	size_t map_bytes;
	uint32_t block_bytes, blocks;

	uint32_t block;            /* that we read, or wait for */
	uint32_t left;             /* frames left in it; 0 = it is the kernel's */
	struct tpacket3_hdr *next; /* the first of them */
	bool has_frame;
	struct live_frame frame;

	struct live_counts counts;
};

static void look_at_socket(struct ring *ring)
{
	struct sockaddr_ll address = {0};
	socklen_t length = sizeof(address);
	int vnet = 0;

	if (getsockname(ring->fd, (struct sockaddr *)&address, &length) == 0)
		ring->loopback = address.sll_hatype == ARPHRD_LOOPBACK;
	length = sizeof(vnet);
	ring->has_vnet =
		getsockopt(ring->fd, SOL_PACKET, PACKET_VNET_HDR, &vnet, &length) == 0 && vnet;
}

static struct live *ring_attach(const struct live_prepared *prepared)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->live.methods = &live_ring;
	ring->fd = prepared->fds[0];
	ring->map_bytes = prepared->ring_bytes;
	ring->block_bytes = prepared->block_bytes;
	ring->blocks = prepared->ring_bytes / prepared->block_bytes;
	look_at_socket(ring);
	ring->map = mmap(NULL, ring->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->map != MAP_FAILED)
		return &ring->live;
	free(ring);
	return NULL;
}

static void ring_close(struct live *live)
{
	struct ring *ring = (struct ring *)live;

	munmap(ring->map, ring->map_bytes);
	close(ring->fd);
	free(ring);
}

static struct tpacket_hdr_v1 *block_at(const struct ring *ring, uint32_t block)
{
	uint8_t *at = ring->map + (size_t)block * ring->block_bytes;

	return &((struct tpacket_block_desc *)(void *)at)->hdr.bh1;
}

static void give_back(struct ring *ring)
{
	__atomic_store_n(&block_at(ring, ring->block)->block_status, TP_STATUS_KERNEL,
	                 __ATOMIC_RELEASE);
	ring->block = ring->block + 1 == ring->blocks ? 0 : ring->block + 1;
}

/* The next block that is ours and holds frames. */
static bool enter_block(struct ring *ring)
{
	for (;;) {
		struct tpacket_hdr_v1 *block = block_at(ring, ring->block);

		if (!(__atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return false;
		ring->left = block->num_pkts;
		if (ring->left) {
			uint8_t *at = ring->map + (size_t)ring->block * ring->block_bytes;
			ring->next = (void *)(at + block->offset_to_first_pkt);
			return true;
		}
		give_back(ring); /* old kernels retire empty blocks */
	}
}

/* The kernel took the outermost tag out of the frame: put it back, into the bytes reserved before
 * the frame (or over its virtio header, which was read). */
static uint8_t *restore_vlan(const struct tpacket3_hdr *header, uint8_t *data)
{
	uint16_t tpid = header->tp_status & TP_STATUS_VLAN_TPID_VALID ? header->hv1.tp_vlan_tpid
	                                                              : ETH_P_8021Q;
	uint16_t tci = (uint16_t)header->hv1.tp_vlan_tci;

	memmove(data - VLAN_TAG, data, MAC_PAIR);
	data[MAC_PAIR - VLAN_TAG] = (uint8_t)(tpid >> 8);
	data[MAC_PAIR - VLAN_TAG + 1] = (uint8_t)tpid;
	data[MAC_PAIR - VLAN_TAG + 2] = (uint8_t)(tci >> 8);
	data[MAC_PAIR - VLAN_TAG + 3] = (uint8_t)tci;
	return data - VLAN_TAG;
}

static uint16_t segment_size(const uint8_t *data)
{
	struct virtio_net_hdr vnet;

	memcpy(&vnet, data - sizeof(vnet), sizeof(vnet));
	return vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE ? 0 : vnet.gso_size;
}

static void read_frame(struct ring *ring)
{
	struct tpacket3_hdr *header = ring->next;
	const struct sockaddr_ll *from =
		(const void *)((uint8_t *)header + TPACKET_ALIGN((int)sizeof(*header)));
	struct live_frame *frame = &ring->frame;
	uint8_t *data = (uint8_t *)header + header->tp_mac;

	frame->ts_ns = header->tp_sec * 1000000000ull + header->tp_nsec;
	frame->caplen = header->tp_snaplen;
	frame->wire_len = header->tp_len;
	frame->segment_size = ring->has_vnet ? segment_size(data) : 0;
	frame->mark = ring->loopback                         ? MARK_NONE
	              : from->sll_pkttype == PACKET_OUTGOING ? MARK_OUT
	                                                     : MARK_IN;
	if ((header->tp_status & TP_STATUS_VLAN_VALID) && frame->caplen >= MAC_PAIR) {
		data = restore_vlan(header, data);
		frame->caplen += VLAN_TAG;
		frame->wire_len += VLAN_TAG;
	}
	frame->data = data;
}

static const struct live_frame *ring_head(struct live *live)
{
	struct ring *ring = (struct ring *)live;

	if (ring->has_frame)
		return &ring->frame;
	if (ring->left == 0 && !enter_block(ring))
		return NULL;
	read_frame(ring);
	ring->has_frame = true;
	return &ring->frame;
}

static void ring_take(struct live *live)
{
	struct ring *ring = (struct ring *)live;

	if (!ring->has_frame)
		return;
	ring->has_frame = false;
	ring->next = (void *)((uint8_t *)ring->next + ring->next->tp_next_offset);
	if (--ring->left == 0)
		give_back(ring);
}

static int ring_fd(const struct live *live)
{
	return ((const struct ring *)live)->fd;
}

static int ring_trouble(struct live *live)
{
	const struct ring *ring = (const struct ring *)live;
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &error, &length))
		return -errno;
	return live_gone(ring->fd) ? -ENODEV : -error;
}

static void ring_count(struct live *live, struct live_counts *counts)
{
	struct ring *ring = (struct ring *)live;

	live_statistics(ring->fd, &ring->counts);
	*counts = ring->counts;
}

const struct live_methods live_ring = {
	.prepare = ring_prepare,
	.attach = ring_attach,
	.close = ring_close,
	.head = ring_head,
	.take = ring_take,
	.fd = ring_fd,
	.trouble = ring_trouble,
	.count = ring_count,
};
