/* SPDX-License-Identifier: MIT
 *
 * frame.h - the hand-over from capture to dissect: one frame, or one note, at a time.
 *
 * capture fills these, dissect reads them, nobody else includes them. Nothing here knows TCP.
 */
#ifndef CAPTURE_FRAME_H
#define CAPTURE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quality.h"

/* What the capture itself said about a frame's direction, seen from the host that captured. */
enum frame_mark { MARK_NONE, MARK_IN, MARK_OUT };

/* Link types as DLT numbers in savefiles (the LINKTYPE_ registry), not as libpcap's host DLT_. */
enum frame_link {
	LINK_NULL = 0, /* BSD loopback, family in host order of the writer */
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_PPP_ETHER = 51, /* PPPoE session header and on */
	LINK_RAW = 101,
	LINK_LOOP = 108, /* OpenBSD loopback, family big-endian */
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

/* An IPv4 or IPv6 address in network order; family is 4, 6, or 0 for none. IPv4 uses bytes[0..3].
 */
struct ipaddr {
	uint8_t family;
	uint8_t bytes[16];
};

/*
 * One captured frame. `data` is borrowed until the next source_next() on the same source.
 * caplen <= wire_len is not promised: a hostile file may say otherwise; caplen bytes are readable.
 */
struct frame {
	uint64_t ts_ns;  /* since 1970-01-01 UTC, after if_tsoffset and --shift */
	uint64_t number; /* 1-based within its file, as Wireshark counts */
	const uint8_t *data;
	uint32_t caplen;
	uint32_t wan; /* index into source_wans() */
	uint32_t wire_len;
	uint32_t file;         /* index into source_files() */
	uint16_t linktype;     /* enum frame_link, or any other number from the file */
	uint16_t segment_size; /* size of the wire segments inside a super-frame, 0 = not told */
	uint8_t mark;          /* enum frame_mark */
	bool shared;           /* inside the time that all captures share */
	bool backwards;        /* its time lies before that of the frame before it in its file */
};

/* ---- what a recording of mptcp-captured says of a WAN, beside its frames (quality.h) ---- */

/* A stretch of time: recorded (in `covers`), or not (in `gaps`, with its state). */
struct frame_span {
	uint64_t from_ns, to_ns;
	uint64_t lost; /* frames, where the recorder counted them */
	uint8_t state; /* of a gap: enum quality_state */
};

/* The clock of the recording machine was set: times before `at_ns` were moved by `by_ns`. */
struct frame_step {
	uint64_t at_ns; /* by the clock after it */
	int64_t by_ns;
};

#define FRAME_WORD 40
struct frame_warning {
	char code[FRAME_WORD], about[FRAME_WORD];
	uint64_t count; /* files and statistics blocks that say so */
};

#define FRAME_ROLES    4
#define FRAME_STEPS    64
#define FRAME_WARNINGS 16
/* More gaps than this: the rest is in the sums only. */
#define FRAME_SPANS_MAX 1024

struct frame_recording {
	uint64_t files;
	uint64_t repaired;   /* files that a later start cut to their last whole block */
	uint64_t unfinished; /* files without their last block: being written, or cut off */
	uint64_t missing;    /* files that the sequence numbers lack */
	uint64_t step_notes; /* jumps of the wall clock that the recorder saw */
	uint64_t
		lost_on_disk; /* frames lost on the way to the disk, as statistics blocks say ... */
	uint64_t lost_in_gaps; /* ... and as the notes of gaps say; the larger is believed */

	/* the kernel's counters from the first to the last note of each file, and what the file
	 * holds of the same time; of files without a filter */
	uint64_t kernel_frames, kernel_bytes;
	uint64_t counted_frames, counted_bytes, counted_dropped;
	uint64_t counted_spans;

	char roles[FRAME_ROLES][FRAME_WORD]; /* what files say this WAN is for: sorted */
	unsigned n_roles;
	char devices[FRAME_ROLES][FRAME_WORD]; /* what files say it was recorded from: sorted */
	unsigned n_devices;
	struct frame_span *covers, *gaps; /* sorted; those of one state touch nowhere */
	size_t n_covers, cap_covers, n_gaps, cap_gaps;
	uint64_t more_gaps[STATE_COUNT],
		more_gaps_ns[STATE_COUNT]; /* by state: those that are not listed */
	struct frame_step steps[FRAME_STEPS];
	unsigned n_steps;
	struct frame_warning warnings[FRAME_WARNINGS];
	unsigned n_warnings;
};

/* A WAN as the captures name it. Strings are owned by the source and live as long as it does. */
#define FRAME_WAN_ADDRS 4
struct frame_wan {
	const char *name;
	struct ipaddr own[FRAME_WAN_ADDRS]; /* addresses in the capture's interface block */
	unsigned n_own;
	bool bounds;      /* its captures bound the shared time (a WAN of role off does not) */
	uint64_t dropped; /* frames the capture itself says it lost (pcapng statistics, notes) */
	bool drops_known; /* at least one statistics block said how many */
	bool filtered;    /* a capture or audit filter hides frames of this WAN */
	/* of captures of it that were thinned (thin.h): how many, and what was left out of them */
	uint64_t thinned_files, thinned_frames, thinned_bytes;
	const struct frame_recording *recording; /* NULL: none of its files is the recorder's */
};

/*
 * What is wrong with a file, more precisely than its state: the id is what a ledger keeps, report/
 * has the words for people (report/file_flaws.h); those here are for logs, what stands before the
 * place in the file, and what it means or what to do.
 */
#define FILE_FLAWS(X)                                                                              \
	X(SHRANK, "shrank", "became shorter while it was read,", "copy it first if it is still being written") \
	X(PACKING_CUT, "packing_cut", "the compressed data end too early,", "what could be unpacked was kept; copy the file again") \
	X(PACKING_DAMAGED, "packing_damaged", "the compressed data are damaged", "what came before was kept; copy the file again") \
	X(READ_ERROR, "read_error", "the system could not read on", "what came before was kept; check the disk") \
	X(NO_MEMORY, "no_memory", "out of memory", "what came before was kept") \
	X(WANS_UNTOLD, "wans_untold", "out of memory", "its WANs are not told apart") \
	X(CUT_RECORD, "cut_record", "ends inside a record", "the frames before it were kept; the capture was cut short") \
	X(FEWER_FRAMES, "fewer_frames", "holds fewer frames than its grab.txt says, and ends", "copy it again") \
	X(NO_FRAME, "no_frame", "holds no frame, ends", "nothing was captured, or the capture was not flushed (tcpdump -U)") \
	X(SECOND_FILE, "second_file", "a second capture begins", "only the first was read; join captures with mergecap, not with cat") \
	X(GONE, "gone", "could be opened at first, but not when its frames were due", "was it deleted, as by the ring of a recorder? Run again") \
	X(FRAME_LENGTH, "frame_length", "a frame of impossible length", "what came before was kept; the rest cannot be read") \
	X(INTERFACE_SHORT, "interface_short", "an interface block too short to be one", "what came before was kept; the rest cannot be read") \
	X(INTERFACES_MANY, "interfaces_many", "more than 4096 interfaces in one section", "what came before was kept; the rest cannot be read") \
	X(PACKET_SHORT, "packet_short", "a packet block too short to be one", "what came before was kept; the rest cannot be read") \
	X(INTERFACE_UNKNOWN, "interface_unknown", "a frame of an interface that was never described", "what came before was kept; the rest cannot be read") \
	X(STATISTICS_SHORT, "statistics_short", "a statistics block too short to be one", "what came before was kept; the rest cannot be read") \
	X(SECTION_SHORT, "section_short", "a section header too short to be one", "what came before was kept; the rest cannot be read") \
	X(SECTION_VERSION, "section_version", "a section of an unknown version", "what came before was kept; the rest cannot be read") \
	X(SECTION_ORDER, "section_order", "a section header of unknown byte order", "what came before was kept; the rest cannot be read") \
	X(BLOCK_LENGTH, "block_length", "a block of impossible length", "what came before was kept; the rest cannot be read") \
	X(BLOCK_LENGTHS, "block_lengths", "a block whose two lengths differ", "what came before was kept; the rest cannot be read")

enum file_flaw {
	FILE_FLAWLESS, /* or of a kind that has no id */
#define X(id, name, what, advice) FILE_FLAW_##id,
	FILE_FLAWS(X)
#undef X
	FILE_FLAW_COUNT
};
extern const char *const file_flaw_names[FILE_FLAW_COUNT];

/* How the reading of one file ended. */
enum frame_file_state {
	FILE_OK,
	FILE_EMPTY,        /* a capture without one frame */
	FILE_CUT,          /* ends inside a record: what came before was kept */
	FILE_DAMAGED,      /* impossible length or block at `offset`: reading stopped there */
	FILE_CONCATENATED, /* a second file header at `offset` inside a pcap */
	FILE_UNREADABLE,   /* read error from the system */
};

struct frame_file {
	const char *name; /* as given by the user, or directory/name; never a resolved host path */
	uint32_t wan;     /* first WAN of the file */
	enum frame_file_state state;
	uint64_t offset; /* where state was found, bytes from the (decompressed) start */
	uint64_t frames; /* in the file: those that a filter hides, too */
	uint64_t wire_bytes;
	uint64_t first_ns, last_ns; /* earliest and latest; 0 when no frame */
	uint64_t backwards;         /* frames whose time lies before the frame before */
	uint64_t unknown_link;      /* frames of a link type this project does not read */
	uint32_t snaplen;           /* largest of its interfaces, 0 = not told */

	/* of a recording: the time it covers, frames or not, 0 = not told; and how its times were
	 * moved because the clock was set later */
	uint64_t from_ns, to_ns;
	int64_t shift_ns;
	bool recorded; /* by mptcp-captured */
	bool growing;  /* a file that is still being written: a block cut at its end is no flaw */
	bool repaired;
	bool outside; /* of the time that was asked for: not read, first_ns is all that is known */
	enum file_flaw flaw; /* which one, when state is not FILE_OK and it has an id */
	bool unpacked;       /* `offset` counts unpacked bytes */
	char message[200];   /* one sentence for logs when state is not FILE_OK, else "" */
};

#endif
