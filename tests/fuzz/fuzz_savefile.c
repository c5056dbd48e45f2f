/* SPDX-License-Identifier: MIT
 *
 * fuzz_savefile.c - any bytes into the savefile parser, twice: with the whole file in the window,
 * and with windows that hold no byte more than the parser asked for. Both must tell the same story,
 * each record must lie in its window, and records must not take more bytes than there are.
 */
#include "../../capture/quality.h"
#include "../../capture/savefile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

struct story {
	uint64_t frames, sum;
	size_t end;
	enum savefile_item last;
};

static void make_room(struct savefile *savefile)
{
	uint32_t cap = savefile->cap_interfaces * 2;

	savefile->interfaces = realloc(savefile->interfaces, cap * sizeof(*savefile->interfaces));
	savefile->cap_interfaces = cap;
	MUST(savefile->interfaces);
}

static void add(struct story *story, uint64_t value)
{
	story->sum = (story->sum ^ value) * 1099511628211u;
}

static void check_plain(const struct savefile *savefile, const uint8_t *bytes, size_t length,
                        const struct savefile_record *record)
{
	uint64_t ts;
	uint32_t caplen, wire;

	if (!savefile_is_plain(savefile) ||
	    !savefile_plain(savefile, bytes, length, &ts, &caplen, &wire))
		return;
	MUST(ts == record->ts_ns && caplen == record->caplen && wire == record->wire_len);
	MUST(record->size == 16ull + caplen && record->data == bytes + 16);
}

static void take_frame(struct story *story, const struct savefile *savefile, const uint8_t *bytes,
                       size_t length, const struct savefile_record *record)
{
	MUST(record->interface < savefile->n_interfaces);
	MUST(record->caplen <= SAVEFILE_FRAME_MAX && record->ts_ns <= SAVEFILE_TIME_MAX);
	MUST(record->data >= bytes && record->data + record->caplen <= bytes + record->size);
	check_plain(savefile, bytes, length, record);
	story->frames++;
	add(story, record->ts_ns);
	add(story, record->caplen);
	add(story, record->wire_len);
	add(story, record->interface);
	add(story, record->mark);
	for (uint32_t i = 0; i < record->caplen; i += 61)
		add(story, record->data[i]);
}

/* The comments, as notes of our recorder; also those that are none. */
static void take_notes(struct story *story, const struct savefile *savefile, const uint8_t *bytes,
                       struct savefile_record *record)
{
	static const char *const keys[] = {"wan", "state", "from_ns", "by_ns", "code"};
	enum quality_name name = QUALITY_UNKNOWN;
	const char *text;
	size_t length;

	MUST(record->interface < savefile->n_interfaces);
	if (story->last == SAVEFILE_STATISTICS) {
		add(story, record->start_ns);
		add(story, record->end_ns);
	}
	while (savefile_comment(savefile, record, &text, &length)) {
		MUST((const uint8_t *)text >= bytes &&
		     (const uint8_t *)text + length <= bytes + record->size);
		add(story, quality_parse(text, length, &name) ? name : 99);
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			char value[24];
			uint64_t number = 0;
			int64_t sign = 0;
			if (quality_get(text, length, keys[i], value, sizeof(value)))
				add(story, strlen(value));
			add(story, quality_get_number(text, length, keys[i], &number) + number);
			quality_get_signed(text, length, keys[i], &sign);
			add(story, (uint64_t)sign);
		}
	}
}

/* A copy of exactly `length` bytes, so that the sanitizer sees a step too far. */
static uint8_t *exactly(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);

	MUST(copy);
	memcpy(copy, bytes, length);
	return copy;
}

static struct story read_all(struct savefile *savefile, const uint8_t *data, size_t size, size_t at,
                             bool in_pieces)
{
	struct story story = {.end = at};
	size_t length = in_pieces ? 0 : size - at;

	for (;;) {
		struct savefile_record record;
		uint8_t *piece = in_pieces ? exactly(data + story.end, length) : NULL;
		const uint8_t *bytes = piece ? piece : data + story.end;
		story.last = savefile_next(savefile, bytes, length, &record);
		if (story.last == SAVEFILE_FRAME)
			take_frame(&story, savefile, bytes, length, &record);
		if (story.last == SAVEFILE_INTERFACE || story.last == SAVEFILE_STATISTICS)
			take_notes(&story, savefile, bytes, &record);
		free(piece);
		if (story.last == SAVEFILE_MORE) {
			MUST(record.size > length);
			if (record.size > size - story.end)
				return story;
			length = (size_t)record.size;
		} else if (story.last == SAVEFILE_ROOM) {
			make_room(savefile);
		} else if (story.last == SAVEFILE_DAMAGED || story.last == SAVEFILE_GLUED) {
			return story;
		} else {
			MUST(record.size > 0 && record.size <= length);
			story.end += (size_t)record.size;
			length = in_pieces ? 0 : size - story.end;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story stories[2];

	for (int pieces = 0; pieces < 2; pieces++) {
		struct savefile savefile;
		struct savefile_interface *interfaces = calloc(1, sizeof(*interfaces));
		int header = savefile_begin(&savefile, data, size, interfaces, 1);
		if (header < 0) {
			free(interfaces);
			return 0;
		}
		MUST((size_t)header <= size);
		stories[pieces] = read_all(&savefile, data, size, (size_t)header, pieces);
		free(savefile.interfaces);
	}
	/* A second file is only seen where 16 bytes of it are: the larger window may know better.
	 */
	if (stories[0].last == stories[1].last)
		MUST(stories[0].end == stories[1].end);
	MUST(stories[0].frames == stories[1].frames && stories[0].sum == stories[1].sum);
	return 0;
}
