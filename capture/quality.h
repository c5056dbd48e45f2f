/* SPDX-License-Identifier: MIT
 *
 * quality.h - the quality record: what a recording says of itself, beside the frames.
 *
 * The recorder writes it into the pcapng comments of interface descriptions (IDB) and interface
 * statistics (ISB); readers find it there. One comment is one note, a line of text that people can
 * read too:
 *
 *     mptcp-captured/1 NAME key=value key=value ...
 *
 * Values hold no space: bytes outside 0x21..0x7e, and '%', are written as %XX. Unknown names and
 * keys are passed over, so that a later recorder may say more. All times are of the clock that
 * stamps the frames, in ns since 1970 UTC.
 *
 *   interface  (IDB)  wan= role= device= boot= seq= offset_ns= keep= backend= ifindex= mtu=
 *                     kind= parent= bridge= offload= link=
 *   counters   (ISB)  at_ns= ifindex= rx_frames= rx_bytes= rx_dropped= tx_frames= tx_bytes=
 *                     tx_dropped= of the kernel (rtnl_link_stats64), since the device exists
 *   gap        (ISB)  state=absent|down|suspended|stopped from_ns= to_ns= lost=
 *   step       (ISB)  at_ns= by_ns= the wall clock jumped by so much; at_ns is after the jump
 *   warning    (IDB, ISB)  code= about=   see quality_warnings
 *   repaired   (ISB)  cut_bytes= a later start found the file unfinished and cut it to its last
 *                     whole block: what was lost behind it is not known
 *   end        (ISB)  reason=rotate|stop|reload|suspended the last block of a finished file
 *
 * What thinning (thin.h) adds, in a capture of any program:
 *
 *   kept       (IDB)  file= as=evidence|events|carrying|whole the capture it was, and what was kept
 *   frame      (EPB)  number= file= for= where the frame stood there, and why it was kept
 *   thinned    (ISB)  frames= bytes= flaw= what was left out of the interface; several add up
 *
 * The standard options of the same ISB count since the file began, for one interface:
 * isb_starttime and isb_endtime what the file covers, frames or not; isb_ifrecv = stored +
 * isb_osdrop (kernel, ring full) + isb_ifdrop (lost by us: disk full). A later ISB of the interface
 * replaces an earlier one. So the file without an `end` note lacks what came after its last ISB.
 *
 * Neither allocates nor prints.
 */
#ifndef CAPTURE_QUALITY_H
#define CAPTURE_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUALITY_TAG  "mptcp-captured/1 "
#define QUALITY_LINE 1024 /* the longest note, with its final NUL */

enum quality_name {
	QUALITY_INTERFACE,
	QUALITY_COUNTERS,
	QUALITY_GAP,
	QUALITY_STEP,
	QUALITY_WARNING,
	QUALITY_REPAIRED,
	QUALITY_END,
	QUALITY_KEPT,
	QUALITY_FRAME,
	QUALITY_THINNED,
	QUALITY_UNKNOWN /* a later recorder's */
};

/* ---- writing ---- */

/* A note in the making. Too long a note loses whole keys at its end, never half of one. */
struct quality_line {
	char text[QUALITY_LINE];
	size_t length;
};

void quality_begin(struct quality_line *line, enum quality_name name);
void quality_word(struct quality_line *line, const char *key, const char *value);
void quality_number(struct quality_line *line, const char *key, uint64_t value);
void quality_signed(struct quality_line *line, const char *key, int64_t value);

/* ---- reading ---- */

/* What note the comment is; false when it is none of ours. `text` need not end in NUL. */
bool quality_parse(const char *text, size_t length, enum quality_name *name);

/* The value of a key, decoded into `value` (always NUL-terminated; cut to `size`). False when the
 * note has no such key. */
bool quality_get(const char *text, size_t length, const char *key, char *value, size_t size);
/* The same for numbers; false when absent or no number in range. */
bool quality_get_number(const char *text, size_t length, const char *key, uint64_t *value);
bool quality_get_signed(const char *text, size_t length, const char *key, int64_t *value);

/* ---- words that both sides use ---- */

/* A device that was not there is not a silent one: a gap says which. */
enum quality_state {
	STATE_ABSENT,    /* the device did not exist */
	STATE_DOWN,      /* it existed without carrier, or was set down */
	STATE_SUSPENDED, /* frames were lost on the way to the disk; lost= says how many */
	STATE_STOPPED,   /* the recorder did not run, as its next start found */
	STATE_COUNT
};
extern const char *const quality_states[STATE_COUNT];

/* What would make the numbers wrong, and why. */
struct quality_warning {
	const char *code;    /* "gro", "hw_offload", "stacked", "bridge_port", ... */
	const char *meaning; /* one sentence for people */
};
extern const struct quality_warning quality_warnings[];
extern const size_t quality_n_warnings;

#endif
