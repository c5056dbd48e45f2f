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
#include <stdio.h>

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
	uint32_t keep; /* KEEP_HEADERS, 0 = whole, else bytes: its own, or its role's */
	bool own_keep; /* it was said for this one */
};

/* Roles as the audit names them, in the order of settings.keep_role. */
#define SETTINGS_ROLES 4
extern const char *const settings_roles[SETTINGS_ROLES]; /* master on backup off */

#define SETTINGS_FILE "/etc/mptcp-captured.conf"

struct settings {
	struct settings_interface interfaces[SETTINGS_INTERFACES];
	size_t n_interfaces;

	char directory[SETTINGS_PATH]; /* the spool; "" when writing to `output` */
	char output[SETTINGS_PATH];    /* -w FILE or -: one stream of all; "" = spool */
	char control[SETTINGS_PATH];   /* unix socket; DIRECTORY/control unless told; "" = none */
	char user[SETTINGS_NAME];      /* to become; "" = as sandbox.h says */
	char filter[LIVE_FILTER];
	uint32_t keep;                      /* KEEP_HEADERS unless --snaplen */
	uint32_t keep_role[SETTINGS_ROLES]; /* `keep` unless --snaplen-ROLE */

	uint64_t rotate_bytes; /* of a file; at most a quarter of max_bytes unless told */
	uint64_t rotate_ns;    /* a file is closed after so long, traffic or not */
	uint64_t max_bytes;    /* of the ring; default min(64 MB, 10 % of memory) */
	uint64_t max_files;    /* 0 = any number */
	uint64_t max_age_ns;   /* 0 = any age */
	uint64_t keep_free;    /* bytes to leave free on the file system */
	uint64_t flush_ns;     /* the most that a kill can cost */
	uint64_t statistics_ns;
	uint32_t ring_bytes;  /* per device: --buffer; 0 = peak_pps x stall x frame */
	uint32_t peak_pps;    /* frames per second that a device may bring ... */
	uint64_t stall_ns;    /* ... while nobody reads for so long */
	uint32_t zstd_level;  /* 0 = not compressed */
	uint8_t backend;      /* enum live_backend, LIVE_BACKENDS = ring, else pcap */
	uint64_t count;       /* stop after so many frames, 0 = never */
	uint64_t duration_ns; /* --duration: stop after so long, 0 = never */
	bool verbose, quiet;
	bool check;       /* --check: say what would be done, and end */
	char request[64]; /* --request WORD: ask a running recorder, and end */
	bool help, version;
	bool bad_file; /* what settings_read() refused stands in the file, not in the flags */
};

/*
 * Flags, then the file they name (--config; SETTINGS_FILE when no -i is given), then defaults.
 * Whoever gives -i means these: the file's [interface] sections are then only checked. False and
 * one line for people in `message`: flag, or file and line, what is wrong, what to write instead.
 * With --help or --version nothing else counts. argv is permuted, as getopt(3) does it.
 */
bool settings_read(struct settings *settings, int argc, char **argv, char *message, size_t size);

/* The pattern for a device: the one that is its name, else the first glob that matches; or NULL. */
const struct settings_interface *settings_match(const struct settings *settings,
                                                const char *device);
/* What to open for a device under its pattern, all filled in. */
void settings_request(const struct settings *settings, const struct settings_interface *interface,
                      const char *device, struct live_request *request);

/* Print every option with its default and meaning. */
void settings_help(FILE *out);

/* Print what is in force, as a configuration file that says the same. */
void settings_print(const struct settings *settings, FILE *out);

#endif
