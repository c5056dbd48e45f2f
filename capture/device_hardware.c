/* SPDX-License-Identifier: MIT
 *
 * device_hardware.c - see device_hardware.h.
 */
#include "device_hardware.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* `data` begins with the command. */
static int ethtool(const struct device_asking *ask, const char *name, void *data)
{
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	request.ifr_data = data;
	return ioctl(ask->fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* Asked twice: the kernel first says how long its masks are. */
static void find_speed(const struct device_asking *ask, const char *name,
                       struct device_hardware *hardware)
{
	struct ethtool_link_settings *settings = ask->room;
	int8_t words;

	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GLINKSETTINGS;
	if (ethtool(ask, name, settings) || settings->link_mode_masks_nwords >= 0)
		return;
	words = (int8_t)-settings->link_mode_masks_nwords;
	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GLINKSETTINGS;
	settings->link_mode_masks_nwords = words;
	if (ethtool(ask, name, settings) || settings->speed == (uint32_t)SPEED_UNKNOWN)
		return;
	hardware->speed_bits = settings->speed * UINT64_C(1000000);
}

/* Features have names; their numbers change with the kernel. */
static const struct {
	const char *name;
	size_t offset;
} features[] = {
	{"rx-gro", offsetof(struct device_hardware, gro)},
	{"rx-gro-hw", offsetof(struct device_hardware, lro)},
	{"rx-lro", offsetof(struct device_hardware, lro)},
	{"tx-generic-segmentation", offsetof(struct device_hardware, gso)},
	{"tx-tcp-segmentation", offsetof(struct device_hardware, tso)},
	{"tx-tcp6-segmentation", offsetof(struct device_hardware, tso)},
	{"hw-tc-offload", offsetof(struct device_hardware, hw_tc)},
};

/* How many names there are; 0 unknown. */
static uint32_t count_features(const struct device_asking *ask, const char *name)
{
	struct ethtool_sset_info *info = ask->room;

	memset(info, 0, sizeof(*info) + sizeof(uint32_t));
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_FEATURES;
	if (ethtool(ask, name, info) || info->sset_mask == 0)
		return 0;
	return info->data[0];
}

static void note_feature(const char *name, struct device_hardware *hardware)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (strncmp(features[i].name, name, ETH_GSTRING_LEN) == 0)
			*((bool *)hardware + features[i].offset) = true;
}

/* Bits of those that are active: `words` of 32. */
static bool active_features(const struct device_asking *ask, const char *name, uint32_t *active,
                            uint32_t words)
{
	struct ethtool_gfeatures *values = ask->room;

	memset(values, 0, sizeof(*values) + words * sizeof(values->features[0]));
	values->cmd = ETHTOOL_GFEATURES;
	values->size = words;
	if (ethtool(ask, name, values))
		return false;
	for (uint32_t i = 0; i < words; i++)
		active[i] = values->features[i].active;
	return true;
}

static void find_features(const struct device_asking *ask, const char *name,
                          struct device_hardware *hardware)
{
	enum { WORDS = 32, MOST = WORDS * 32 };
	struct ethtool_gstrings *strings = ask->room;
	uint32_t n = count_features(ask, name), active[WORDS];

	if (n == 0 || n > MOST || !active_features(ask, name, active, WORDS))
		return;
	memset(strings, 0, sizeof(*strings) + n * (size_t)ETH_GSTRING_LEN);
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = n;
	if (ethtool(ask, name, strings) || strings->len > n)
		return;
	for (uint32_t i = 0; i < strings->len; i++)
		if (active[i / 32] >> i % 32 & 1)
			note_feature((const char *)strings->data + i * (size_t)ETH_GSTRING_LEN,
			             hardware);
}

bool device_hardware(const struct device_asking *ask, const char *name,
                     struct device_hardware *hardware)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	int error = ethtool(ask, name, &driver);

	memset(hardware, 0, sizeof(*hardware));
	if (error == -ENODEV)
		return false;
	if (!error) {
		memcpy(hardware->driver, driver.driver, sizeof(hardware->driver) - 1);
		memcpy(hardware->bus, driver.bus_info, sizeof(hardware->bus) - 1);
	}
	find_speed(ask, name, hardware);
	find_features(ask, name, hardware);
	return true;
}
