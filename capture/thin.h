/* SPDX-License-Identifier: MIT
 *
 * thin.h - one capture in, a pcapng with fewer of its frames out.
 *
 * Reads what the audit reads (pcap, pcapng, packed or not). What is kept of a pcapng is kept byte
 * for byte: sections, interfaces, statistics and the blocks of frames; a pcap becomes a pcapng with
 * the same frames and times. What is added are notes (quality.h):
 *
 *   interface   kept file=NAME as=REASON   what file it was, and the reason that reaches furthest
 *   frame       frame number=N [file=NAME] for=REASON,...   where it stood, and why it was kept; of
 *               evidence with the file's name, which is that of its interface, once more
 *   statistics  thinned frames=N bytes=N [flaw=WORD]   how many are left out, behind the last frame
 *
 * so that a frame is found again by the number that a ledger names, and an audit of what is left
 * knows that it did not see all. A file of which all is kept says so, and its frames have a note
 * only when they were kept for something more. What was thinned may be thinned again: notes add up.
 *
 * Hostile input gives -EBADMSG or ends early (`flaw`), in bounded memory; knows no TCP, prints
 * nothing. The same input and list give the same bytes.
 */
#ifndef CAPTURE_THIN_H
#define CAPTURE_THIN_H

#include "frame.h"

/* Why a frame is kept, what reaches furthest last. A file kept `as` one of these has the frames of
 * that reason and of those before it. */
enum thin_reason { THIN_EVIDENCE, THIN_EVENTS, THIN_CARRYING, THIN_WHOLE, THIN_REASONS };
extern const char *const thin_reasons[THIN_REASONS]; /* "evidence", "events", ... */

/* Both ends included, as the ledger tells times. */
struct thin_span {
	uint64_t from_ns, to_ns;
};

/* All borrowed. */
struct thin_list {
	enum thin_reason as;     /* THIN_WHOLE: every frame */
	const uint64_t *numbers; /* evidence: ascending, 1-based as Wireshark counts */
	size_t n_numbers;
	const struct thin_span *spans; /* events: ascending, apart from each other */
	size_t n_spans;
	int64_t shift_ns; /* from the file's times to those of the spans */

	/* More reasons (a bit 1 << reason each) to keep a frame; NULL = none. `reasons` are those
	 * it has already. frame: ts_ns, number, data, caplen, wire_len, linktype are set. */
	unsigned (*look)(void *context, const struct frame *frame, unsigned reasons);
	void *context;
	uint64_t until; /* the number of the last frame to read; 0 = all */
};

struct thin_output {
	int dir;          /* where to write */
	const char *part; /* the name while it is written; one that lies there is replaced */
	const char *name; /* the name when it is complete, likewise */
	const char *file; /* what the notes call the file, if it was not thinned before */
	const char *wan;  /* of a pcap: the name of its interface, or NULL */
	uint64_t most;    /* bytes the file may have; 0 = any */
	int zstd_level;   /* 0 = not packed */
};

struct thin_result {
	uint64_t frames, kept;    /* of this file */
	uint64_t left_out_bytes;  /* on the wire, of the frames that were not kept */
	uint64_t last_ns;         /* the latest time of its frames, without shift */
	uint64_t bytes;           /* of the new file */
	bool reasons[THIN_WHOLE]; /* some frame was kept for this */
	const char *flaw;         /* "cut", "damaged", "glued": where the reading ended; or NULL */
};

/*
 * Read the capture behind `fd` (taken over) and write what the list wants: synced, with the time of
 * its last frame, then renamed, then the directory synced. 0 or -errno, and nothing is left of it:
 * -EBADMSG it is no capture, -EFBIG it would exceed `most`. A result without a kept frame, but for
 * THIN_WHOLE, is no file. With `output` NULL nothing is written: only list->look() is called.
 */
int thin_file(int fd, const struct thin_list *list, const struct thin_output *output,
              struct thin_result *result);

/* As what a file was kept: reads its head. `fd` is taken over. False: it is none of thin_file(). */
bool thin_look(int fd, enum thin_reason *as);

#endif
