/* SPDX-License-Identifier: MIT
 *
 * spool_name.h - names of capture files: built, and recognised again.
 *
 *     <wan>-<boot id, 8 hex digits>-<sequence, 8 digits>-<YYYYMMDDTHHMMSSZ>.pcapng[.zst][.part]
 *
 * What follows the WAN's name has a fixed width, so that a name is split from its right end and a
 * WAN may be called what it likes: its bytes other than letters, digits and _ + : @ . - are written
 * as %XX, as are a leading dot and a leading dash. Looks at names only; never allocates.
 */
#ifndef CAPTURE_SPOOL_NAME_H
#define CAPTURE_SPOOL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_WAN          128
#define SPOOL_NAME         192
#define SPOOL_SEQUENCE_MAX 99999999u

struct spool_name {
	char wan[SPOOL_WAN]; /* as in file names */
	char boot[9];
	uint32_t sequence;
	uint64_t real_s; /* since 1970 UTC */
	bool packed;     /* .zst */
	bool part;
};

/* A WAN's name as in file names. False when it is empty or too long. */
bool spool_name_wan(char wan[SPOOL_WAN], const char *name);
/* False when the boot id is not of 8 hex digits, the sequence above its maximum, the year above
 * 9999. */
bool spool_name_build(char out[SPOOL_NAME], const struct spool_name *name);
/* False for every name that spool_name_build() would not have given. */
bool spool_name_parse(struct spool_name *name, const char *text);

#endif
