/* SPDX-License-Identifier: MIT
 *
 * record_inside.h - what the rooms of the recorder share, each using only those before it:
 * status.c (what is told), wan.c (a WAN's books), series.c (its files), wanstate.c (its device),
 * record.c (the loop). Nobody else includes this.
 */
#ifndef CAPTURE_RECORD_INSIDE_H
#define CAPTURE_RECORD_INSIDE_H

#include "clock.h"
#include "control.h"
#include "devices.h"
#include "keeper.h"
#include "notify.h"
#include "quality.h"
#include "settings.h"
#include "writer.h"

#define NO_BLOCK  UINT32_MAX /* no interface description in this file yet */
#define WAN_NOTES 4
#define SECOND_NS 1000000000ull
#define MILLI_NS  1000000ull
/* Frames of an interrupted ring block come when its time is over: wait a little longer than that.
 */
#define DRAIN_NS(wan) ((2ull * (wan)->request.retire_ms + 20) * MILLI_NS)
#define LOG_EVERY     (60 * SECOND_NS)
#define RETRY_NS      (5 * SECOND_NS)
#define FILE_BLOCKS   256 /* interface descriptions in one file; then it is rotated */

/* A series of files: those of one WAN, or the one stream that holds them all. */
struct series {
	unsigned stream; /* the writer's */
	bool used;
	char name[SETTINGS_NAME];

	uint64_t next; /* sequence number of the next file, 0 = not taken yet */

	/* the file that is open */
	bool open;
	uint64_t sequence;
	uint64_t bytes;
	uint64_t began_mono;
	uint32_t n_blocks; /* interface descriptions in it */

	/* A file ends at an instant, not at a frame: what was stamped before it and is still in a
	 * ring belongs to the file, and the kernel's counters are those of that instant. 0 = none.
	 */
	uint64_t cut_mono;

	/* the disk */
	bool suspended;
	uint64_t suspended_mono;
	uint64_t noted_lost; /* frames lost that stand in notes of gaps */
};

enum wan_capture {
	WAN_CLOSED,
	WAN_ASKED,   /* the keeper opens it */
	WAN_OPEN,    /* frames come */
	WAN_DRAINING /* the device is gone or the end is near: what came before is still read */
};

struct wan {
	/* identity */
	bool used;
	char name[SETTINGS_NAME];
	char device[IFNAMSIZ];
	struct settings_interface pattern; /* a copy: settings may change */
	struct live_request request;       /* what was asked for */
	struct series *series;

	/* the device */
	enum device_state state;
	uint32_t ifindex;
	uint64_t opened; /* how often */
	uint32_t warned; /* bits: which warnings were told */
	bool seen;       /* it existed once */

	/* the capture */
	enum wan_capture capture;
	uint32_t ticket;
	struct live *live;         /* NULL unless OPEN or DRAINING */
	struct live_prepared next; /* opened while the one before is drained */
	bool has_next;
	uint32_t next_ticket;
	uint16_t linktype;
	uint8_t backend;
	uint64_t drain_mono; /* DRAINING: until then */
	uint64_t retry_mono; /* CLOSED after a refusal: not before */
	char trouble[160];   /* why it is closed, "" = nothing wrong */
	bool refused;        /* ... and that was said */
	bool blocked;        /* frames wait for memory */

	/* counts since the recorder began */
	uint64_t put;              /* frames handed to the writer */
	uint64_t open_put;         /* ... before the capture that is open */
	uint64_t earlier_dropped;  /* by captures that are closed */
	struct live_counts counts; /* of the one that is open */

	/* of the writer's stream, before it was this WAN's */
	uint64_t before_stored, before_lost;

	/* in the file that is open */
	uint32_t block;    /* number of its interface description, NO_BLOCK */
	uint64_t file_put; /* frames put before it began */
	/* Losses that statistics blocks told before: on the disk, and in the last block, that may
	 * still be on its way there when `put` frames are stored. */
	struct wan_told {
		uint64_t put, dropped, lost;
	} told, telling;
	uint64_t file_dropped, file_lost; /* told when it began */

	/* the time */
	int64_t offset_ns; /* of the clock that stamped the frames of this file */

	/* the gap that is open: STATE_COUNT = none */
	enum quality_state gap;
	uint64_t gap_mono;

	struct quality_line cut; /* the kernel's counters at series->cut_mono; length 0 = none */

	/* notes that wait for the next statistics block */
	struct quality_line notes[WAN_NOTES];
	unsigned n_notes;
	bool due; /* a statistics block is wanted now */

	/* the log */
	uint64_t told_mono;
	unsigned untold;
};

struct recorder {
	struct settings settings;
	const struct clock *clock;
	struct keeper *keeper;
	struct devices *devices;
	struct writer *writer;
	struct control *control; /* NULL = none */
	struct notify notify;
	int epoll, signals, clock_change, pppoe;
	int directory;  /* of the files, borrowed; -1 = streaming */
	bool streaming; /* one series for all, merged by time */

	char boot[9], os[96], machine[72];

	/* now, as of the last wake */
	uint64_t mono, real;
	int64_t offset_ns;  /* real - mono */
	uint64_t step_mono; /* when the last clock step was seen */
	uint64_t steps;
	uint64_t started_mono;

	/* when what is due */
	uint64_t flush_mono, statistics_mono, tend_mono, watchdog_mono, end_mono, merge_mono;
	bool unflushed;

	struct wan wans[SETTINGS_INTERFACES];
	struct series series[SETTINGS_INTERFACES];
	unsigned open_series;
	uint64_t file_most; /* bytes at which a file is cut */
	uint32_t tickets;
	uint64_t put;
	uint64_t forgotten_dropped; /* of WANs that are recorded no more */
	uint64_t told_many_mono;    /* when it was said that there are too many WANs */
	bool ready; /* everything that was there at the start has been opened or refused */
	bool stopping;
	bool stopped;
	int failure; /* an enum record_exit that ends it */
};

/* ---- wan.c ---- */

/* Frames that the kernel had no room for, since the recorder began. */
uint64_t wan_dropped(struct wan *wan);
/* A note for the next statistics block, which is wanted now. */
void wan_note(struct wan *wan, const struct quality_line *line);

/* ---- series.c ---- */

/* Begin a file when none is open. False: no memory now, try again. */
bool series_open(struct recorder *r, struct series *series);
/* End it with a statistics block per WAN. False: no memory now, nothing was done. */
bool series_end(struct recorder *r, struct series *series, const char *reason);
/* End the last one; with one more, if there is something to say that no file says. False: no memory
 * now. */
bool series_finish(struct recorder *r, struct series *series);
/* Describe a WAN in the open file, when it is not yet. False: no memory now. */
bool series_describe(struct recorder *r, struct wan *wan);
/* A statistics block with the WAN's waiting notes. False: no memory now. */
bool series_statistics(struct recorder *r, struct wan *wan, const char *end_reason);
/* The file shall end now: its WANs' counters are read, and what comes later goes into the next. */
void series_cut(struct recorder *r, struct series *series);
/* A frame of after the cut is there, or none of before it can come any more. False: no memory now.
 */
bool series_cross(struct recorder *r, struct series *series);
/* One frame. False: no memory now. */
bool series_frame(struct recorder *r, struct wan *wan, const struct live_frame *frame);
/* Rotate when it is time; look how the disk is. */
void series_tend(struct recorder *r, struct series *series);
/* Frames of the WAN that reached no disk. */
uint64_t series_lost(const struct recorder *r, const struct wan *wan);

/* ---- wanstate.c ---- */

/* Find or make the WAN of a device that matches a pattern. NULL: none matches, or too many. */
struct wan *wan_for_device(struct recorder *r, const char *device);
/* All exact names of the settings are WANs from the start, there or not. */
void wan_expect(struct recorder *r);
/* A device came, went or changed. */
void wan_device(struct recorder *r, const struct device *device);
void wan_answer(struct recorder *r, struct keeper_answer *answer);
/* Read up to `most` frames. True when there may be more. */
bool wan_read(struct recorder *r, struct wan *wan, unsigned most);
/* The same for all WANs of a stream, in the order of time: a frame leaves when none that is earlier
 * can come any more. When it wants to be called again, by the monotonic clock; UINT64_MAX = when
 * something happens. */
uint64_t wan_merge(struct recorder *r, unsigned most);
/* The descriptor reported an error. */
void wan_trouble(struct recorder *r, struct wan *wan);
/* What has become due: opening, draining, notes. */
void wan_tend(struct recorder *r, struct wan *wan);
/* Close its capture; frames that lie there unread count as dropped. */
void wan_close(struct recorder *r, struct wan *wan);
/* Stop arrivals and read what came before. */
void wan_stop(struct recorder *r, struct wan *wan);
/* The settings changed: what is unchanged goes on. */
void wan_resettle(struct recorder *r);
/* When the WAN next wants wan_tend(); UINT64_MAX = never. */
uint64_t wan_deadline(const struct recorder *r, const struct wan *wan);

/* ---- status.c ---- */

json_t *status_json(struct recorder *r);
char *status_metrics(struct recorder *r);
/* "mptcp-captured: ..." on standard error: what went wrong. */
__attribute__((format(printf, 1, 2))) void status_log(const char *format, ...);
/* What goes well: not said with --quiet. */
__attribute__((format(printf, 2, 3))) void status_news(const struct recorder *r, const char *format,
                                                       ...);
/* The same about a WAN, at most once a minute each. */
__attribute__((format(printf, 3, 4))) void status_news_wan(struct recorder *r, struct wan *wan,
                                                           const char *format, ...);

#endif
