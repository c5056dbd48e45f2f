/* SPDX-License-Identifier: MIT
 *
 * spool_inside.h - what the two files of the spool share and nobody else sees: the ring while it
 * runs (spool.c), and what it finds when it is opened (spool_start.c).
 */
#ifndef CAPTURE_SPOOL_INSIDE_H
#define CAPTURE_SPOOL_INSIDE_H

#include <pthread.h>
#include <zstd.h>

#include "spool.h"
#include "spool_name.h"

struct kept {
	struct kept *next;
	int64_t stamp_ns; /* monotonic time of its last change; before the start it may be < 0 */
	uint64_t bytes;
	bool held; /* must not be deleted now, or could not be */
	struct spool_name name;
};

/* Who had which sequence numbers. */
struct series {
	struct series *next;
	uint64_t highest; /* that a file has */
	uint64_t given;   /* that spool_sequence() gave out */
	char wan[SPOOL_WAN];
};

struct spool_file {
	struct kept *kept;
	int fd;
	uint64_t bytes; /* whole appends; what lies behind must be cut off */
	bool torn;      /* and could not be, last time */
	uint32_t zstd_level;
	struct spool_file *next;
};

struct spool {
	int dir;
	char boot[9];
	struct spool_limits limits;
	const struct clock *clock;

	struct kept *oldest, **end;
	struct spool_file *open;
	struct spool_usage usage;
	uint64_t credit_bytes, credit_until_ns;

	pthread_mutex_t lock; /* of `series` alone */
	struct series *series;

	ZSTD_CCtx *zstd;
	uint8_t *packed;
};

/* ---- of the ring: 0 or -errno where they return an int ---- */

/* NULL: out of memory. */
struct series *spool_add_series(struct spool *spool, const char *wan, uint64_t highest);
void spool_enqueue(struct spool *spool, struct kept *kept);
void spool_resize(struct spool *spool, struct kept *kept, uint64_t bytes);
int spool_make_room(struct spool *spool, uint64_t files, uint64_t bytes);
int spool_cut(int fd, uint64_t bytes);
int spool_write_at(struct spool *spool, int fd, const uint8_t *bytes, size_t length,
                   uint64_t offset);

/* It is complete: its name says so from now on. */
int spool_settle(struct spool *spool, struct kept *kept, int fd);

/* Off the disk and out of the sums; `kept` is freed. */
int spool_remove_file(struct spool *spool, struct kept *kept);

/* ---- of the start ---- */

int spool_rebuild(struct spool *spool);
void spool_repair_all(struct spool *spool, struct spool_found *found);

#endif
