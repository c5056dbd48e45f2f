/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

enum { MAGIC = 8, HEADER = MAGIC + 4 + 4 + 8, CHUNK = 1 << 16 };

/* A byte above 127, both kinds of line end and an end-of-file mark: what is sent as text breaks it.
 */
static const uint8_t magic[MAGIC] = {0x93, 'M', 'P', 'S', '\r', '\n', 0x1a, '\n'};

/* ---- putting ---- */

void state_out_release(struct state_out *out)
{
	free(out->data);
	*out = (struct state_out){0};
}

static bool room_for(struct state_out *out, size_t n)
{
	if (out->failed || n > SIZE_MAX / 4 - out->n)
		return false;
	if (out->n + n <= out->cap)
		return true;
	size_t cap = out->cap ? out->cap : 4096;
	while (cap < out->n + n)
		cap *= 2;
	uint8_t *data = realloc(out->data, cap);
	if (!data) {
		out->failed = true;
		return false;
	}
	out->data = data;
	out->cap = cap;
	return true;
}

void state_put_bytes(struct state_out *out, const void *bytes, size_t n)
{
	if (n == 0 || !room_for(out, n))
		return;
	memcpy(out->data + out->n, bytes, n);
	out->n += n;
}

static void put_wide(struct state_out *out, __uint128_t number)
{
	uint8_t bytes[19];
	size_t n = 0;

	do {
		bytes[n] = (uint8_t)(number & 0x7f);
		number >>= 7;
		bytes[n++] |= number ? 0x80 : 0;
	} while (number);
	state_put_bytes(out, bytes, n);
}

void state_put(struct state_out *out, uint64_t number)
{
	put_wide(out, number);
}

/* 0 is 0; else the distance, the lowest bit its sign, and one more. */
void state_put_near(struct state_out *out, uint64_t number, uint64_t reference)
{
	uint64_t up = number - reference, down = reference - number;
	__uint128_t distance =
		up < down || up == 0 ? (__uint128_t)up << 1 : ((__uint128_t)(down - 1) << 1 | 1);

	put_wide(out, number ? distance + 1 : 0);
}

void state_put_text(struct state_out *out, const char *text)
{
	size_t n = strlen(text);

	state_put(out, n);
	state_put_bytes(out, text, n);
}

void state_put_mark(struct state_out *out, uint8_t mark)
{
	state_put_bytes(out, &mark, 1);
}

static void put_fixed(uint8_t *to, uint64_t number, unsigned bytes)
{
	while (bytes-- > 0)
		*to++ = (uint8_t)(number >> 8 * bytes);
}

int state_write(const struct state_out *out, FILE *file)
{
	uint8_t header[HEADER];

	if (out->failed)
		return -ENOMEM;
	memcpy(header, magic, MAGIC);
	put_fixed(header + MAGIC, STATE_FORMAT, 4);
	put_fixed(header + MAGIC + 4, crc32_z(0, out->data, out->n), 4);
	put_fixed(header + MAGIC + 8, out->n, 8);
	errno = 0;
	if (fwrite(header, 1, HEADER, file) != HEADER ||
	    (out->n > 0 && fwrite(out->data, 1, out->n, file) != out->n) || fflush(file) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

/* ---- the file ---- */

static bool say(char *message, size_t size, const char *text)
{
	snprintf(message, size, "%s", text);
	return false;
}

/* Grows with what is there and not with what the header says is there. */
static bool read_payload(FILE *file, uint64_t length, uint8_t **payload, size_t *n)
{
	size_t cap = 0, got;

	*payload = NULL;
	*n = 0;
	do {
		if (*n == cap) {
			cap = cap ? cap * 2 : CHUNK;
			uint8_t *grown = realloc(*payload, cap);
			if (!grown)
				return false;
			*payload = grown;
		}
		uint64_t wanted = length - *n < cap - *n ? length - *n : cap - *n;
		got = fread(*payload + *n, 1, (size_t)wanted, file);
		*n += got;
	} while (got > 0 && *n < length);
	return true;
}

static bool read_failed(FILE *file, char *message, size_t size)
{
	if (!ferror(file))
		return false;
	snprintf(message, size, "cannot be read: %s", strerror(errno));
	return true;
}

bool state_read(FILE *file, uint8_t **payload, size_t *n, char *message, size_t size)
{
	uint8_t header[HEADER];
	size_t got = fread(header, 1, HEADER, file);

	*payload = NULL;
	*n = 0;
	if (read_failed(file, message, size))
		return false;
	if (memcmp(header, magic, got < MAGIC ? got : MAGIC) != 0)
		return say(message, size, "is not a state of mptcp-audit");
	if (got < HEADER)
		return say(message, size, "is damaged: it ends inside its header");
	uint32_t format = be32(header + MAGIC);
	if (format != STATE_FORMAT) {
		snprintf(message, size, "is a state of format %u; this program knows format %u",
		         format, STATE_FORMAT);
		return false;
	}
	uint64_t length = be64(header + MAGIC + 8);
	bool whole = false;
	if (!read_payload(file, length, payload, n))
		say(message, size, "does not fit into memory");
	else if (read_failed(file, message, size))
		;
	else if (*n < length)
		say(message, size, "is damaged: its end is missing");
	else if (getc(file) != EOF)
		say(message, size, "is damaged: something follows its end");
	else if (crc32_z(0, *payload, *n) != be32(header + MAGIC + 4))
		say(message, size, "is damaged: its checksum does not hold");
	else
		whole = true;
	if (!whole) {
		free(*payload);
		*payload = NULL;
	}
	return whole;
}

/* ---- taking ---- */

void state_refuse(struct state_in *in)
{
	in->damaged = true;
	in->bytes.at = in->bytes.end;
}

static __uint128_t take_wide(struct state_in *in)
{
	__uint128_t number = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (!bytes_has(&in->bytes, 1))
			break;
		uint8_t byte = bytes_u8(&in->bytes);
		number |= (__uint128_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return number;
	}
	state_refuse(in);
	return 0;
}

uint64_t state_take(struct state_in *in, uint64_t most)
{
	__uint128_t number = take_wide(in);

	if (number <= most)
		return (uint64_t)number;
	state_refuse(in);
	return 0;
}

size_t state_take_count(struct state_in *in, size_t most)
{
	size_t n = (size_t)state_take(in, most);

	if (bytes_has(&in->bytes, n))
		return n;
	state_refuse(in);
	return 0;
}

uint64_t state_take_near(struct state_in *in, uint64_t reference)
{
	__uint128_t number = take_wide(in);

	if (number == 0)
		return 0;
	number--;
	if (number >> 64) {
		state_refuse(in);
		return 0;
	}
	uint64_t half = (uint64_t)(number >> 1);
	return number & 1 ? reference - half - 1 : reference + half;
}

void state_take_bytes(struct state_in *in, void *bytes, size_t n)
{
	if (bytes_has(&in->bytes, n)) {
		memcpy(bytes, bytes_take(&in->bytes, n), n);
		return;
	}
	state_refuse(in);
	memset(bytes, 0, n);
}

void state_take_text(struct state_in *in, char *text, size_t size)
{
	size_t n = state_take_count(in, size - 1);

	state_take_bytes(in, text, n);
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			state_refuse(in);
	if (in->damaged)
		text[0] = '\0';
}

void state_take_mark(struct state_in *in, uint8_t mark)
{
	uint8_t byte;

	state_take_bytes(in, &byte, 1);
	if (byte != mark)
		state_refuse(in);
}

/* ---- members ---- */

static uint64_t member(const void *object, const struct state_field *f)
{
	const uint8_t *at = (const uint8_t *)object + f->at;
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	switch (f->size) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

static void set_member(void *object, const struct state_field *f, uint64_t number)
{
	uint8_t *at = (uint8_t *)object + f->at;
	uint32_t u32 = (uint32_t)number;
	uint16_t u16 = (uint16_t)number;

	switch (f->size) {
	case 1:
		*at = (uint8_t)number;
		break;
	case 2:
		memcpy(at, &u16, sizeof(u16));
		break;
	case 4:
		memcpy(at, &u32, sizeof(u32));
		break;
	default:
		memcpy(at, &number, sizeof(number));
	}
}

void state_put_fields(struct state_out *out, const void *object, const struct state_field *fields,
                      size_t n, const uint64_t *references)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t number = member(object, &fields[i]);

		if (fields[i].reference)
			state_put_near(out, number, references[fields[i].reference]);
		else
			state_put(out, number);
	}
}

void state_take_fields(struct state_in *in, void *object, const struct state_field *fields,
                       size_t n, const uint64_t *references)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t number = fields[i].reference
		                          ? state_take_near(in, references[fields[i].reference])
		                          : state_take(in, fields[i].most);

		if (number > fields[i].most) {
			state_refuse(in);
			number = 0;
		}
		set_member(object, &fields[i], number);
	}
}

void state_put_flags(struct state_out *out, const void *object, const uint16_t *places, size_t n)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < n; i++)
		flags |= (uint64_t)(((const uint8_t *)object)[places[i]] != 0) << i;
	state_put(out, flags);
}

void state_take_flags(struct state_in *in, void *object, const uint16_t *places, size_t n)
{
	uint64_t flags = state_take(in, n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX);

	for (size_t i = 0; i < n; i++)
		((bool *)object)[places[i]] = flags >> i & 1;
}
