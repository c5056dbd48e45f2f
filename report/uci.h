/* SPDX-License-Identifier: MIT
 *
 * uci.h - OpenWrt's configuration files in, what the router was told out.
 *
 * Reads the text form of libuci (config, option, list, package; both quotes, backslash, comments,
 * quoted text over several lines) in one pass, and forgives what libuci would refuse: a line that
 * is none of these, or a file that ends in the middle, is noted and the rest is used. What it takes
 * is bounded; nothing is opened and nothing is printed.
 */
#ifndef REPORT_UCI_H
#define REPORT_UCI_H

#include <stdio.h>

#include "expect.h"

/* The packages that say something about WANs, their servers, quotas and time. */
#define UCI_PACKAGES 4
extern const char *const uci_packages[UCI_PACKAGES]; /* network, openmptcprouter, ... */

/* Most of one file that is read, and most of all files together. */
#define UCI_FILE_MAX     (1u << 20)
#define UCI_SECTIONS_MAX 1024
#define UCI_OPTIONS_MAX  8192

struct uci;

struct uci *uci_new(void); /* NULL: out of memory */
void uci_free(struct uci *uci);

/* The package a file of that name holds: its own name, or the one within it ("network.bak",
 * "router1-network"). NULL: none of ours. Static text. */
const char *uci_package(const char *name);

enum uci_answer { UCI_FINE, UCI_TOO_LARGE, UCI_UNREADABLE, UCI_NO_MEMORY };

/* Read one file as `package` (NULL: only what stands behind its own "package" lines). Problems
 * are noted in `expect`, by `name` and line. Later options replace earlier ones of their name. */
enum uci_answer uci_read(struct uci *uci, FILE *file, const char *package, const char *name,
                         struct expect *expect);

/* The last value of an option (of a list its first), or NULL. Borrowed from `uci`. */
const char *uci_get(const struct uci *uci, const char *package, const char *section,
                    const char *option);
/* The values of an option, all of a list; returns how many there are. */
unsigned uci_list(const struct uci *uci, const char *package, const char *section,
                  const char *option, const char **values, unsigned most);

/* A section: "config TYPE 'NAME'"; name "" when it has none. False: there are no more. */
struct uci_section {
	const char *package, *type, *name;
};
bool uci_section(const struct uci *uci, unsigned index, struct uci_section *section);

/* All that was read, told to `expect` (uci_expect.c). Stronger sources stay. */
void uci_expect(const struct uci *uci, struct expect *expect);

#endif
