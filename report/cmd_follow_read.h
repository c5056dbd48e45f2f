/* SPDX-License-Identifier: MIT
 *
 * cmd_follow_read.h - the closed files of a spool in, frames of all its WANs in time order out, up
 * to where all WANs are known.
 *
 * The counterpart of capture/source.h for a spool that a recorder goes on filling, and of
 * capture/tail.h for one that is read whole files at a time: a frame comes out when no WAN can
 * bring an earlier one any more. A WAN whose recorder is writing a file (.part) is known up to the
 * end of its last closed one; one without such a file holds nothing back. So the order is that of
 * source.h over all files at once, wherever the reading stopped and began again.
 *
 * What the files say of themselves comes out once, whatever was read again (cmd_follow_told.h).
 * Memory: one window per WAN, names of the files that wait. Speaks on standard error.
 */
#ifndef REPORT_CMD_FOLLOW_READ_H
#define REPORT_CMD_FOLLOW_READ_H

#include "../capture/input.h"
#include "cmd_follow_cursor.h"
#include "cmd_follow_told.h"
#include "cmd_intake.h"

#define FOLLOW_NONE UINT32_MAX

/* A file whose turn has come, and its own account of what it holds. */
struct follow_reading {
	struct input input;
	struct frame_file row;
	struct roster roster;
	char name[SPOOL_NAME];
	int64_t sequence;
	uint32_t file;  /* index into reader.files; FOLLOW_NONE = none in this piece */
	uint32_t *wans; /* owned; from rows of its roster to those of the reader */
	size_t n_wans;
	uint64_t last_ns; /* when it is over: of its last frame, or what it covers */
	bool stopped;     /* it says that the recorder stopped */
};

struct follow_wait {
	char name[SPOOL_NAME];
	int64_t sequence;
};

/* One WAN's files in this run. */
struct follow_run {
	struct follow_series *series; /* of the cursor */
	struct follow_reading *now;   /* owned; has a frame ahead; NULL = none */
	struct follow_reading
		*ending;             /* owned; its frames are out, its end has not come; or NULL */
	struct follow_wait *waiting; /* owned; closed files, by sequence */
	size_t n_waiting, at_waiting, cap_waiting;
	uint32_t wan;            /* row of the reader; FOLLOW_NONE = no file was opened yet */
	bool part;               /* its recorder is writing */
	uint64_t part_ns;        /* when that file was begun */
	uint64_t missed_mono;    /* since when there is none; 0 = there is */
	struct follow_told told; /* what is told in this piece */
};

struct follow_reader {
	char *path;    /* owned; as the user named the spool */
	int directory; /* owned */
	struct follow_cursor *cursor;
	bool once;     /* what lies there is all there is */
	bool stranger; /* a capture that is not the recorder's was told of */
	bool crowded;  /* said that WANs are left out */

	struct filter *filter;           /* owned; NULL = all frames */
	struct source_shift *shift_rows; /* owned; texts are the intake's */
	size_t n_shifts;

	struct follow_run runs[FOLLOW_SERIES_MAX]; /* in the order of the cursor's series */
	size_t n_runs;

	struct frame_wan *wans; /* owned; WANs met in this run; an index never changes */
	size_t n_wans, cap_wans;
	struct frame_file *files; /* owned; files met in this piece */
	size_t n_files, cap_files;

	/* merging */
	struct follow_run *lender; /* whose frame the caller has */
	struct follow_run *leader; /* who has the earliest, up to before leads_ns */
	uint64_t leads_ns;
	uint64_t bound_ns;      /* a file's end comes then, or no more is known */
	uint64_t most_ns;       /* up to here all WANs are known */
	uint64_t shared_end_ns; /* a WAN whose recorder is gone ended here; UINT64_MAX = none */
	uint64_t late_frames;   /* in this pass */
	bool out_of_memory;
};

/* 0 or an exit code, already explained. `intake` and `cursor` must outlive the reader. */
int reader_open(struct follow_reader *reader, const char *path, const struct intake *intake,
                struct follow_cursor *cursor);
void reader_close(struct follow_reader *reader);

/* See what lies in the spool now. False: it cannot be read, explained. */
bool reader_look(struct follow_reader *reader);

/* Learn from first frames: called once for each of them, for WANs that no piece has had. */
void reader_survey(struct follow_reader *reader,
                   void (*show)(void *context, const struct frame_wan *wan,
                                const struct frame *frame),
                   void *context);

enum reader_item {
	READER_FRAME,
	READER_CUT, /* nothing before the cut will come any more */
	READER_DRY, /* nothing is known behind reader_known() */
};

/* The next frame before `cut_ns`, borrowed until the next call. */
enum reader_item reader_next(struct follow_reader *reader, uint64_t cut_ns, struct frame *frame);

/* Up to where all WANs are known: 0 = nothing is. Only after READER_DRY. */
uint64_t reader_known(const struct follow_reader *reader);

/* The time of what comes next; UINT64_MAX = nothing. */
uint64_t reader_ahead(const struct follow_reader *reader);

/* The clock was set back by more than that: a WAN goes on so far before its own last file, and no
 * other is ahead of it. */
bool reader_set_back(const struct follow_reader *reader, uint64_t by_ns);

/* A piece ends at `cut_ns`: what is told of each WAN until then stands in its row, until
 * reader_begin(). */
void reader_tell(struct follow_reader *reader, uint64_t cut_ns);
/* What pipeline and ledger have to mend because a gap went on over a cut. */
void reader_mend(const struct follow_reader *reader, struct ledger *ledger);
/* The next piece begins. */
void reader_begin(struct follow_reader *reader);

#endif
