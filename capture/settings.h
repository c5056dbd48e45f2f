/* SPDX-License-Identifier: MIT
 *
 * settings.h - what the operator wants recorded, from flags and from a configuration file.
 *
 * One table knows every option: flag, key of the file, unit, range, default, meaning; --help, the
 * file's errors and the man page come from it. Flags win over the file.
 *
 *     [captured]              [interface wwan*]
 *     directory = /tmp/spool  role = backup
 *     rotate_size = 16M       snaplen = 0
 */
#ifndef CAPTURE_SETTINGS_H
#define CAPTURE_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live.h"

#define SETTINGS_INTERFACES 64 /* patterns, and devices recorded at once */
#define SETTINGS_PATH       512
#define SETTINGS_NAME       32

/* -i PATTERN[=ROLE][,key=value...] or [interface PATTERN]. Plain data. */
struct settings_interface {
	char pattern[SETTINGS_NAME]; /* a name, or a glob (fnmatch) such as wwan* */
	char wan[SETTINGS_NAME];     /* name of the WAN, "" = the device's */
	char role[12];               /* master on backup off, "" = not told */
	char filter[LIVE_FILTER];    /* "" = that of all */
	uint32_t keep;               /* KEEP_HEADERS, 0 = whole, else bytes */
	bool own_keep;               /* it was said for this one */
};

struct settings {
	struct settings_interface interfaces[SETTINGS_INTERFACES];
	size_t n_interfaces;

	char directory[SETTINGS_PATH]; /* the spool; "" when writing to `output` */
	char output[SETTINGS_PATH];    /* -w FILE or -: one stream of all; "" = spool */
	char control[SETTINGS_PATH];   /* unix socket; "" = DIRECTORY/control */
	char user[SETTINGS_NAME];      /* to become; "" = nobody when started as root */
	char filter[LIVE_FILTER];
	uint32_t keep; /* KEEP_HEADERS unless --snaplen */

	uint64_t rotate_bytes; /* of a file */
	uint64_t rotate_ns;    /* a file is closed after so long, traffic or not */
	uint64_t max_bytes;    /* of the ring; default min(64 MB, 10 % of memory) */
	uint64_t max_files;    /* 0 = any number */
	uint64_t max_age_ns;   /* 0 = any age */
	uint64_t keep_free;    /* bytes to leave free on the file system */
	uint64_t flush_ns;     /* the most that a kill can cost */
	uint64_t statistics_ns;
	uint32_t ring_bytes;  /* per device: --buffer, or peak_pps x stall x frame */
	uint32_t zstd_level;  /* 0 = not compressed */
	uint8_t backend;      /* enum live_backend, LIVE_BACKENDS = ring, else pcap */
	uint64_t count;       /* -c: stop after so many frames, 0 = never */
	uint64_t duration_ns; /* --duration: stop after so long, 0 = never */
	bool verbose, quiet;
	bool check;       /* --check: say what would be done, and end */
	char request[64]; /* --request WORD: ask a running recorder, and end */
	bool help, version;
};

/*
 * Flags, then the file they name (--config; /etc/mptcp-captured.conf when no -i is given), then
 * defaults. False and one line for people in `message`: flag, or file and line, what is wrong, what
 * to write instead.
 */
bool settings_read(struct settings *settings, int argc, char **argv, char *message, size_t size);

/* The first pattern that a device's name matches, or NULL. */
const struct settings_interface *settings_match(const struct settings *settings,
                                                const char *device);
/* What to open for a device under its pattern. */
void settings_request(const struct settings *settings, const struct settings_interface *interface,
                      const char *device, struct live_request *request);

/* Print every option with its default and meaning. */
struct _IO_FILE;
void settings_help(struct _IO_FILE *out);

#endif
