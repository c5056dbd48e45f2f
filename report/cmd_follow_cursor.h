/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_cursor.h - how far a spool was followed: what the next pass has to know of it.
 *
 * Plain values only, so that it is written as one line of JSON and read again the same. Used by the
 * subcommands only.
 */
#ifndef REPORT_CMD_FOLLOW_CURSOR_H
#define REPORT_CMD_FOLLOW_CURSOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../capture/counted.h"
#include "../capture/spool_name.h"

#define FOLLOW_SERIES_MAX 64 /* WANs of a spool; further ones are not read, and told */

/* The files of one WAN. */
struct follow_series {
	char key[SPOOL_WAN]; /* the WAN as file names have it */
	int64_t sequence;    /* of the last file that was consumed to its end; -1 = none */
	int64_t handed;      /* ... of the last one that nobody needs any more; -1 = none */
	uint64_t consumed;   /* frames of the next one that are counted: up to this number */
	uint64_t begin_ns;   /* its first file's; 0 = not known yet */
	uint64_t end_ns;     /* its last file's; 0 = none */
	uint64_t told_ns;    /* up to here the ledgers say that it was recorded */
	bool founding;       /* there since the store began */
	bool bounds;         /* what it does not cover is no time that all share */
	bool drops_known;
	bool ended; /* the last file says that the recorder stopped */

	/* frames lost so far; of the last two the larger is believed */
	uint64_t lost_kernel, lost_disk, lost_gaps;

	/* per state the gap that was told last, in part or as a whole; 0 = none */
	uint64_t gap_from_ns[STATE_COUNT], gap_to_ns[STATE_COUNT];

	/* the stretch of the kernel's counters that may go on in the next file */
	bool counting;
	struct counted counted;
};

struct follow_cursor {
	uint64_t until_ns;    /* all before is counted; 0 = nothing yet */
	uint64_t hour_ns;     /* since when the running sums count; 0 = nothing yet */
	uint64_t shared_ns;   /* since when all WANs are recorded */
	uint64_t late_frames; /* that turned up when their time was over: counted when they came */
	uint64_t lost_files;  /* gone before they were read */
	uint64_t turn;        /* how often the time went back so far that hours repeat */
	char *origin;         /* owned; filter and shifts */
	char *spool;          /* owned; for people */
	size_t n;
	struct follow_series series[FOLLOW_SERIES_MAX];
};

void cursor_init(struct follow_cursor *cursor);
void cursor_release(struct follow_cursor *cursor);

/* The series of a name; NULL when there is no room for one more. */
struct follow_series *cursor_series(struct follow_cursor *cursor, const char *key);

/* NULL: out of memory. */
json_t *cursor_json(const struct follow_cursor *cursor);
/* False: it is no cursor. */
bool cursor_load(struct follow_cursor *cursor, const json_t *json);

#endif
