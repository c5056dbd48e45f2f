/* SPDX-License-Identifier: MIT
 *
 * state.h - what a dissection knows at its end, as bytes that the next one goes on from.
 *
 * The file: 8 bytes of magic, format version and checksum of the payload (32 bits each), length of
 * the payload (64 bits), the payload. All of it is big-endian or in numbers of 7 bits a byte, so
 * the same state has the same bytes on any machine. Each room puts and takes its own part; what is
 * put is what a room cannot know again, never a pointer, a chain or a place in a table.
 *
 * Bytes taken are hostile: each number is checked against its bound, each count against the bytes
 * that are left. The first thing that does not hold makes the state damaged; from then on every
 * number taken is 0 and every text empty.
 */
#ifndef DISSECT_STATE_H
#define DISSECT_STATE_H

#include <stdio.h>

#include "bytes.h"

#define STATE_FORMAT 3

/* ---- putting ---- */

struct state_out {
	uint8_t *data; /* owned */
	size_t n, cap;
	bool failed; /* out of memory */
};

void state_out_release(struct state_out *out);
void state_put(struct state_out *out, uint64_t number);
void state_put_bytes(struct state_out *out, const void *bytes, size_t n);
void state_put_text(struct state_out *out, const char *text);

/* A number that is 0 or else probably close to `reference`. */
void state_put_near(struct state_out *out, uint64_t number, uint64_t reference);

/* Begins a part, so that bytes out of step are noticed. */
void state_put_mark(struct state_out *out, uint8_t mark);

/* 0 or -errno. */
int state_write(const struct state_out *out, FILE *file);

/* ---- taking ---- */

struct state_in {
	struct bytes bytes;
	bool damaged;
	bool no_memory; /* damaged for lack of it */
};

/* Takes the file in and checks all but what the payload says. The payload is the caller's to free.
 * False: why, in a sentence that goes on after the file's name. */
bool state_read(FILE *file, uint8_t **payload, size_t *n, char *message, size_t size);

/* Says no to what holds against a bound of the room's own. */
void state_refuse(struct state_in *in);

/* At most `most`. */
uint64_t state_take(struct state_in *in, uint64_t most);

/* Of things that take a byte or more each. */
size_t state_take_count(struct state_in *in, size_t most);
uint64_t state_take_near(struct state_in *in, uint64_t reference);
void state_take_bytes(struct state_in *in, void *bytes, size_t n);

/* Printable and terminated, in `size` bytes. */
void state_take_text(struct state_in *in, char *text, size_t size);
void state_take_mark(struct state_in *in, uint8_t mark);

/* ---- members of a struct, by table ---- */

/* An unsigned member; `reference` is an index into the caller's references, 0 = none. */
struct state_field {
	uint16_t at;
	uint8_t size, reference;
	uint64_t most;
};
#define STATE_FIELD(type, member, ref, limit)                                                      \
	{                                                                                          \
		.at = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member),   \
		.reference = (ref), .most = (limit)                                                \
	}

void state_put_fields(struct state_out *out, const void *object, const struct state_field *fields,
                      size_t n, const uint64_t *references);
void state_take_fields(struct state_in *in, void *object, const struct state_field *fields,
                       size_t n, const uint64_t *references);

/* Members of type bool, at most 64. */
void state_put_flags(struct state_out *out, const void *object, const uint16_t *places, size_t n);
void state_take_flags(struct state_in *in, void *object, const uint16_t *places, size_t n);

#define STATE_ROWS(array) (sizeof(array) / sizeof((array)[0]))

#endif
