/* SPDX-License-Identifier: MIT
 *
 * cmd_doctor_host.c - see cmd_doctor.h: the kernel, the rights, the disk, the clock and the devices
 * of this host. Asks, and changes nothing.
 */
#include <errno.h>
#include <linux/magic.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "../capture/devices.h"
#include "cmd_doctor.h"
#include "text.h"

#define SPOOL    "/var"
#define ROOM_LOW (100ULL * 1000 * 1000) /* a ring of the recorder is 64 MB */

/* ---- kernel, rights ---- */

/* 1, 0, or -1: there is no such setting. */
static int setting(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value < 0 ? -1 : value != 0;
}

/* Version 1 of Linux 5.6 and later; version 0 of the kernels from multipath-tcp.org. */
static void look_at_kernel(struct doctor *doctor)
{
	int v1 = setting("/proc/sys/net/mptcp/enabled");
	int v0 = setting("/proc/sys/net/mptcp/mptcp_enabled");

	if (v1 == 1 || v0 == 1)
		DOCTOR_FINE(doctor, doctor_kernel_fine, v1 == 1 ? "1" : "0");
	else if (v1 == 0 || v0 == 0)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_kernel_off, doctor_kernel_off_cure);
	else
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_kernel_none, doctor_kernel_none_cure);
}

/* Opened for no protocol, so that no frame comes. */
static void look_at_rights(struct doctor *doctor)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_denied, doctor_denied_cure,
		           strerror(errno));
		return;
	}
	close(fd);
	DOCTOR_FINE(doctor, doctor_allowed);
}

/* ---- disk, clock ---- */

static void look_at_disk(struct doctor *doctor)
{
	struct statfs disk;
	uint64_t room;
	char text[TEXT_SHORT];

	if (statfs(SPOOL, &disk) != 0)
		return;
	room = (uint64_t)disk.f_bavail * (uint64_t)disk.f_bsize;
	text_bytes(text, room);
	if (disk.f_type == TMPFS_MAGIC || disk.f_type == RAMFS_MAGIC)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_ram, doctor_ram_cure, SPOOL, text);
	else if (room < ROOM_LOW)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_full, doctor_full_cure, SPOOL, text);
	else
		DOCTOR_FINE(doctor, doctor_disk_fine, SPOOL, text);
}

static void look_at_clock(struct doctor *doctor)
{
	struct timex clock = {0};

	if (adjtimex(&clock) < 0)
		return;
	if (clock.status & STA_UNSYNC)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_clock, doctor_clock_cure);
	else
		DOCTOR_FINE(doctor, doctor_clock_fine);
}

/* ---- devices ---- */

struct choice {
	struct devices *all;
	const char *const *names; /* what -i named */
	size_t count;
};

static bool chosen(const struct choice *choice, uint32_t ifindex)
{
	const struct device *device = ifindex ? devices_by_index(choice->all, ifindex) : NULL;

	for (size_t i = 0; device && i < choice->count; i++)
		if (strcmp(choice->names[i], device->name) == 0)
			return true;
	return false;
}

static bool is_tunnel(const struct device *device)
{
	static const char *const kinds[] = {"tun", "wireguard", "gre", "gretap", "ipip",
	                                    "sit", "ip6tnl",    "vti", "vti6",   "xfrm"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(device->kind, kinds[i]) == 0)
			return true;
	return false;
}

static bool look_at_hardware(struct doctor *doctor, struct devices *all,
                             const struct device *device, const char *name)
{
	struct device_hardware hardware;

	if (!devices_hardware(all, device->name, &hardware))
		return true;
	if (hardware.hw_tc)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_hw_offload, doctor_hw_offload_cure, name);
	if (hardware.gro || hardware.gso || hardware.tso || hardware.lro)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_offload, doctor_super_cure, name);
	return !hardware.hw_tc && !hardware.gro && !hardware.gso && !hardware.tso && !hardware.lro;
}

static void look_at_device(struct doctor *doctor, const struct choice *choice,
                           const struct device *device)
{
	char name[200], below[200];

	text_safe(name, sizeof(name), device->name, 20);
	if (device->state != DEVICE_UP)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_down, doctor_down_cure, name);
	else if (device->hardware == ARPHRD_LOOPBACK)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_loopback, doctor_device_cure, name);
	else if (is_tunnel(device))
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_tunnel, doctor_device_cure, name);
	else if (chosen(choice, device->master) || chosen(choice, device->parent))
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_stacked, doctor_stacked_cure, name,
		           text_safe(below, sizeof(below),
		                     devices_by_index(choice->all, chosen(choice, device->master)
		                                                           ? device->master
		                                                           : device->parent)
		                             ->name,
		                     20));
	else if (look_at_hardware(doctor, choice->all, device, name))
		DOCTOR_FINE(doctor, doctor_device_fine, name);
}

static void look_at_named(struct doctor *doctor, const struct choice *choice)
{
	for (size_t i = 0; i < choice->count; i++) {
		const struct device *device = devices_by_name(choice->all, choice->names[i]);
		char name[200];

		if (device)
			look_at_device(doctor, choice, device);
		else
			DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_absent, doctor_absent_cure,
			           text_safe(name, sizeof(name), choice->names[i], 20));
	}
	if (choice->count == 1)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_one_wan, doctor_one_device_cure);
}

/* Which of them are WANs only their owner knows; of those in sight it is said how they are. */
static void look_at_up(struct doctor *doctor, const struct choice *choice)
{
	size_t count, seen = 0;
	const struct device *rows = devices_all(choice->all, &count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].state == DEVICE_UP && rows[i].hardware != ARPHRD_LOOPBACK &&
		    !is_tunnel(&rows[i])) {
			look_at_device(doctor, choice, &rows[i]);
			seen++;
		}
	if (seen < 2)
		DOCTOR_SAY(doctor, AILMENT_WARN, doctor_one_wan, doctor_one_device_cure);
}

static void look_at_devices(struct doctor *doctor, const char *const *names, size_t count)
{
	struct choice choice = {devices_new(), names, count};

	if (!choice.all)
		DOCTOR_SAY(doctor, AILMENT_PROBLEM, doctor_no_devices, doctor_denied_cure,
		           strerror(errno));
	else if (count)
		look_at_named(doctor, &choice);
	else
		look_at_up(doctor, &choice);
	devices_free(choice.all);
}

void doctor_host(struct doctor *doctor, const char *const *names, size_t count)
{
	look_at_kernel(doctor);
	look_at_rights(doctor);
	look_at_disk(doctor);
	look_at_clock(doctor);
	look_at_devices(doctor, names, count);
}
