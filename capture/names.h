/* SPDX-License-Identifier: MIT
 *
 * names.h - from the name of a capture file to the name of the WAN it was taken on.
 *
 * Knows how our recorder, tcpdump (-C, -G, -W), dumpcap and logrotate number the pieces of one
 * recording. Looks at names only.
 */
#ifndef CAPTURE_NAMES_H
#define CAPTURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The name without packing (.gz, .zst), type (.pcap, .pcapng, .cap, .dmp) and ring or rotation
 * suffix: wan1-0123abcd-00000007-20260101T000000Z.pcapng.zst.part (of our recorder), wan1.pcap.gz,
 * wan1.pcap3, wan1-20260101T000000.pcapng, wan1_00001_20260101120000.pcapng
 * ->  wan1 `path` may have directories. A file that is named by a time only takes the name of its
 * directory. Both results are allocated: *stem the name, *directory what precedes it ("." when
 * nothing does). False when out of memory.
 */
bool names_split(const char *path, char **stem, char **directory);

/* Length of the path without the ending that our recorder gives to a file that it writes (.part).
 */
size_t names_complete(const char *path);

/* Its last `parts` parts: names_tail("a/b/c", 2) is "b/c". Points into `directory`. */
const char *names_tail(const char *directory, unsigned parts);

/* Length of the well-formed UTF-8 character that is no control character at `text`; 0 when there is
 * none. length >= 1. */
size_t names_character(const uint8_t *text, size_t length);

/* Names come from strangers: what is no such character becomes '?', byte by byte, in place. */
void names_clean(char *text);

#endif
