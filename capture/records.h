/* SPDX-License-Identifier: MIT
 *
 * records.h - a capture file as its records, one after the other, for who writes another one of it.
 *
 * Packed or not, pcap or pcapng; in bounded memory. Who audits reads a source (source.h).
 */
#ifndef CAPTURE_RECORDS_H
#define CAPTURE_RECORDS_H

#include "savefile.h"
#include "window.h"

struct records {
	struct savefile savefile;
	const char *flaw; /* static: "cut", "damaged", "glued": where the reading ended; or NULL */

	struct window window;
	uint64_t position; /* of the record that is looked at */
	uint64_t size;     /* of it */
};

/* Takes over fd. 0 or -errno, -EBADMSG when it is no capture; close anyway. */
int records_open(struct records *records, int fd);
void records_close(struct records *records);

/* The bytes before the first record: of a pcap its header, of a pcapng none. */
size_t records_header(const struct records *records, const uint8_t **bytes);

/* The next record: frame, interface, statistics, or one to skip; `bytes` are all of it, borrowed
 * until the next call. 1, 0 at the end (see `flaw`), or -errno. */
int records_next(struct records *records, enum savefile_item *item, const uint8_t **bytes,
                 struct savefile_record *record);

#endif
