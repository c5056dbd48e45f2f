/* SPDX-License-Identifier: MIT
 *
 * thin.c - see thin.h.
 */
#include "thin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pcapng.h"
#include "recording.h"
#include "records.h"
#include "whole.h"

#define LEFT_FIRST  4
#define PACKET_HEAD 28 /* of enhanced and obsolete packet blocks: before the data */
#define LOOK_BLOCKS 64 /* a file of ours describes its first interface before */

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};
#define OPTION_COMMENT 1
#define FILE_NAME      300

const char *const thin_reasons[THIN_REASONS] = {
	[THIN_EVIDENCE] = "evidence",
	[THIN_EVENTS] = "events",
	[THIN_CARRYING] = "carrying",
	[THIN_WHOLE] = "whole",
};

/* What was left out of an interface of this section. */
struct left {
	uint64_t frames, bytes;
	uint32_t ticks[2]; /* the last time that its blocks told, high word first */
};

struct thinning {
	const struct thin_list *list;
	const struct thin_output *output;
	struct thin_result *result;
	struct whole *file;   /* NULL = nothing is written */
	char name[FILE_NAME]; /* what notes call the capture */

	/* reading */
	struct records records;
	struct recording recording; /* for streams in which the clock was set */
	uint64_t number;
	size_t next_number;                /* into list->numbers */
	uint64_t near_from_ns, near_to_ns; /* the last place among the spans */
	bool near_inside;
	bool thinned_before; /* frames may have notes */

	/* writing */
	bool swapped; /* the section is in the other byte order */
	struct left *left;
	size_t n_left, cap_left;
	uint8_t *scratch; /* a block of a frame that had none */
};

/* ---- blocks ---- */

static void put(struct thinning *t, const void *bytes, size_t length)
{
	if (t->file)
		whole_put(t->file, bytes, length);
}

static void put_u32(struct thinning *t, uint32_t value)
{
	value = t->swapped ? __builtin_bswap32(value) : value;
	put(t, &value, sizeof(value));
}

static size_t padded(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

static void put_option(struct thinning *t, uint16_t code, const void *value, size_t length)
{
	static const uint8_t zeros[4];
	uint16_t head[2] = {code, (uint16_t)length};

	for (int i = 0; i < 2; i++)
		head[i] = t->swapped ? __builtin_bswap16(head[i]) : head[i];
	put(t, head, sizeof(head));
	put(t, value, length);
	put(t, zeros, padded(length) - length);
}

/* A block whose options begin at `body`, with a comment before them. */
static void put_noted(struct thinning *t, const uint8_t *block, uint32_t size, size_t body,
                      const struct quality_line *note)
{
	size_t rest = size - 4 - body;
	uint32_t grown = size + 4 + (uint32_t)padded(note->length) + (rest ? 0 : 4);

	if (grown > SAVEFILE_BLOCK_MAX) { /* nobody would read it */
		put(t, block, size);
		return;
	}
	put(t, block, 4);
	put_u32(t, grown);
	put(t, block + 8, body - 8);
	put_option(t, OPTION_COMMENT, note->text, note->length);
	put(t, block + body, rest);
	if (!rest)
		put_u32(t, 0);
	put_u32(t, grown);
}

/* ---- notes ---- */

static void kept_note(const struct thinning *t, struct quality_line *note)
{
	quality_begin(note, QUALITY_KEPT);
	quality_word(note, "as", thin_reasons[t->list->as]);
	quality_word(note, "file", t->name);
}

static void frame_note(const struct thinning *t, struct quality_line *note, uint64_t number,
                       unsigned reasons)
{
	char words[64] = "";

	for (unsigned i = 0; i < THIN_WHOLE; i++) {
		if (!(reasons >> i & 1))
			continue;
		if (words[0])
			strcat(words, ",");
		strcat(words, thin_reasons[i]);
	}
	quality_begin(note, QUALITY_FRAME);
	quality_number(note, "number", number);
	if (reasons >> THIN_EVIDENCE & 1)
		quality_word(note, "file", t->name);
	quality_word(note, "for", words);
}

static unsigned reasons_of(const char *words)
{
	unsigned reasons = 0;

	for (unsigned i = 0; i < THIN_WHOLE; i++) {
		const char *at = strstr(words, thin_reasons[i]);
		size_t n = strlen(thin_reasons[i]);

		if (at && (at == words || at[-1] == ',') && (at[n] == ',' || !at[n]))
			reasons |= 1u << i;
	}
	return reasons;
}

/* What an earlier thinning noted of a frame. False: nothing. */
static bool read_note(const struct thinning *t, const uint8_t *block, size_t body, uint32_t size,
                      uint64_t *number, unsigned *reasons)
{
	struct savefile_record options = {.options = block + body, .options_end = block + size - 4};
	enum quality_name name;
	const char *text;
	char words[64];
	size_t length;

	while (savefile_comment(&t->records.savefile, &options, &text, &length)) {
		if (!quality_parse(text, length, &name) || name != QUALITY_FRAME ||
		    !quality_get_number(text, length, "number", number) ||
		    !quality_get(text, length, "for", words, sizeof(words)))
			continue;
		*reasons = reasons_of(words);
		return true;
	}
	return false;
}

/* As what a file was kept, as an interface of it says. */
static bool kept_as(const struct savefile *savefile, const struct savefile_record *record,
                    enum thin_reason *as, char *file, size_t size)
{
	struct savefile_record options = *record;
	enum quality_name name;
	const char *text;
	char word[16];
	size_t length;

	while (savefile_comment(savefile, &options, &text, &length)) {
		if (!quality_parse(text, length, &name) || name != QUALITY_KEPT ||
		    !quality_get(text, length, "as", word, sizeof(word)))
			continue;
		for (unsigned i = 0; i < THIN_REASONS; i++) {
			if (strcmp(word, thin_reasons[i]) == 0) {
				*as = (enum thin_reason)i;
				return quality_get(text, length, "file", file, size);
			}
		}
	}
	return false;
}

/* ---- what was left out ---- */

static struct left *left_of(struct thinning *t, uint32_t interface)
{
	if (interface >= t->cap_left) {
		size_t cap = t->cap_left ? t->cap_left : LEFT_FIRST;

		while (cap <= interface)
			cap *= 2;
		struct left *rows = realloc(t->left, cap * sizeof(*rows));
		if (!rows)
			return NULL;
		t->left = rows;
		t->cap_left = cap;
	}
	while (t->n_left <= interface)
		t->left[t->n_left++] = (struct left){0};
	return &t->left[interface];
}

static void put_left(struct thinning *t, uint32_t interface, const char *flaw)
{
	const struct left *left = &t->left[interface];
	struct quality_line note;
	uint32_t size;

	quality_begin(&note, QUALITY_THINNED);
	quality_number(&note, "frames", left->frames);
	quality_number(&note, "bytes", left->bytes);
	if (flaw)
		quality_word(&note, "flaw", flaw);
	size = (uint32_t)(20 + 4 + padded(note.length) + 4 + 4);
	put_u32(t, BLOCK_STATISTICS);
	put_u32(t, size);
	put_u32(t, interface);
	put_u32(t, left->ticks[0]);
	put_u32(t, left->ticks[1]);
	put_option(t, OPTION_COMMENT, note.text, note.length);
	put_u32(t, 0);
	put_u32(t, size);
}

/* The end of a section. */
static void put_lefts(struct thinning *t, const char *flaw)
{
	for (uint32_t i = 0; i < t->n_left; i++)
		if (t->left[i].frames || flaw)
			put_left(t, i, flaw);
	t->n_left = 0;
}

/* ---- which frames ---- */

static bool inside_spans(struct thinning *t, uint64_t ns)
{
	const struct thin_list *list = t->list;
	size_t low = 0, high = list->n_spans;

	if (ns >= t->near_from_ns && ns <= t->near_to_ns)
		return t->near_inside;
	while (low < high) { /* the first that does not end before it */
		size_t middle = low + (high - low) / 2;

		if (list->spans[middle].to_ns < ns)
			low = middle + 1;
		else
			high = middle;
	}
	bool some = low < list->n_spans;
	t->near_inside = some && list->spans[low].from_ns <= ns;
	if (t->near_inside) {
		t->near_from_ns = list->spans[low].from_ns;
		t->near_to_ns = list->spans[low].to_ns;
	} else {
		t->near_from_ns = low ? list->spans[low - 1].to_ns + 1 : 0;
		t->near_to_ns = some ? list->spans[low].from_ns - 1 : UINT64_MAX;
	}
	return t->near_inside;
}

static bool is_numbered(struct thinning *t, uint64_t number)
{
	const struct thin_list *list = t->list;

	while (t->next_number < list->n_numbers && list->numbers[t->next_number] < number)
		t->next_number++;
	return t->next_number < list->n_numbers && list->numbers[t->next_number] == number;
}

static unsigned reasons_for(struct thinning *t, const struct frame *frame, unsigned noted)
{
	unsigned reasons = noted;

	if (is_numbered(t, frame->number))
		reasons |= 1u << THIN_EVIDENCE;
	if (inside_spans(t, frame->ts_ns))
		reasons |= 1u << THIN_EVENTS;
	if (t->list->look)
		reasons |= t->list->look(t->list->context, frame, reasons);
	return reasons & ((1u << THIN_WHOLE) - 1);
}

/* ---- a frame ---- */

/* A frame of the format without options, times of its own and interfaces: one of the first
 * interface, at the time that the reader gives it. */
static void put_simple(struct thinning *t, const struct savefile_record *record,
                       const struct quality_line *note)
{
	static const uint8_t zeros[4];
	uint64_t ticks = savefile_ticks(&t->records.savefile.interfaces[0], record->ts_ns);
	uint32_t size =
		(uint32_t)(PACKET_HEAD + padded(record->caplen) + 4 + padded(note->length) + 4 + 4);

	const uint32_t head[] = {
		BLOCK_ENHANCED,  size, 0, (uint32_t)(ticks >> 32), (uint32_t)ticks, record->caplen,
		record->wire_len};
	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		put_u32(t, head[i]);
	put(t, record->data, record->caplen);
	put(t, zeros, padded(record->caplen) - record->caplen);
	put_option(t, OPTION_COMMENT, note->text, note->length);
	put_u32(t, 0);
	put_u32(t, size);
}

/* `noted`: it has its note already. */
static void put_frame(struct thinning *t, const uint8_t *block,
                      const struct savefile_record *record, uint64_t number, unsigned reasons,
                      bool noted)
{
	size_t body = PACKET_HEAD + padded(record->caplen);
	uint32_t size = (uint32_t)record->size;
	bool simple =
		t->records.savefile.ng && savefile_u32(&t->records.savefile, block) == BLOCK_SIMPLE;
	struct quality_line note;

	if (!t->records.savefile.ng) {
		size = (uint32_t)pcapng_packet(t->scratch, 0, record->ts_ns, record->data,
		                               record->caplen, record->wire_len, record->mark, 0);
		block = t->scratch;
	}
	if (t->list->as == THIN_WHOLE)
		reasons &= ~(1u << THIN_CARRYING);
	if (noted || (t->list->as == THIN_WHOLE && !reasons)) {
		put(t, block, size);
		return;
	}
	frame_note(t, &note, number, reasons);
	if (simple)
		put_simple(t, record, &note);
	else
		put_noted(t, block, size, body, &note);
}

static void note_time(const struct thinning *t, struct left *left, const uint8_t *block,
                      const struct savefile_record *record)
{
	if (!t->records.savefile.ng) {
		left->ticks[0] = (uint32_t)(record->ts_ns >> 32);
		left->ticks[1] = (uint32_t)record->ts_ns;
	} else if (savefile_u32(&t->records.savefile, block) != BLOCK_SIMPLE) {
		left->ticks[0] = savefile_u32(&t->records.savefile, block + 12);
		left->ticks[1] = savefile_u32(&t->records.savefile, block + 16);
	}
}

static void count_frame(struct thin_result *result, const struct savefile_record *record,
                        unsigned reasons)
{
	result->frames++;
	if (record->ts_ns > result->last_ns)
		result->last_ns = record->ts_ns;
	for (unsigned i = 0; i < THIN_WHOLE; i++)
		result->reasons[i] |= reasons >> i & 1;
}

static bool is_wanted(const struct thin_list *list, unsigned reasons)
{
	return list->as == THIN_WHOLE || (reasons & ((2u << list->as) - 1));
}

/* The time of a frame as the ledger tells it. */
static uint64_t told_ns(const struct thinning *t, const struct savefile_record *record)
{
	const struct savefile_interface *interface =
		&t->records.savefile.interfaces[record->interface];
	int64_t moved = recording_moved(&t->recording, interface);

	return recording_shifted(recording_shifted(record->ts_ns, moved), t->list->shift_ns);
}

static bool take_frame(struct thinning *t, const uint8_t *block,
                       const struct savefile_record *record)
{
	size_t body = PACKET_HEAD + padded(record->caplen);
	struct frame frame = {
		.ts_ns = told_ns(t, record),
		.number = ++t->number,
		.data = record->data,
		.caplen = record->caplen,
		.wire_len = record->wire_len,
		.linktype = t->records.savefile.interfaces[record->interface].linktype,
		.mark = record->mark,
	};
	unsigned reasons = 0;
	struct left *left = left_of(t, record->interface);
	bool noted = t->thinned_before &&
	             savefile_u32(&t->records.savefile, block) != BLOCK_SIMPLE &&
	             read_note(t, block, body, (uint32_t)record->size, &frame.number, &reasons);

	if (!left)
		return false;
	reasons = reasons_for(t, &frame, reasons);
	note_time(t, left, block, record);
	count_frame(t->result, record, reasons);
	if (is_wanted(t->list, reasons)) {
		t->result->kept++;
		if (t->file)
			put_frame(t, block, record, frame.number, reasons, noted);
		return true;
	}
	left->frames++;
	left->bytes += record->wire_len;
	t->result->left_out_bytes += record->wire_len;
	return true;
}

/* ---- the other blocks ---- */

static bool is_kept_note(const struct savefile_option *option)
{
	enum quality_name name;

	return option->code == OPTION_COMMENT &&
	       quality_parse((const char *)option->value, option->length, &name) &&
	       name == QUALITY_KEPT;
}

/* The options of a description but for what an earlier thinning said; with `write` false only their
 * bytes are counted. */
static size_t copy_options(struct thinning *t, const uint8_t *at, const uint8_t *end, bool write)
{
	struct savefile_option option;
	size_t bytes = 0;

	while (savefile_option(&t->records.savefile, &at, end, &option)) {
		if (is_kept_note(&option))
			continue;
		bytes += 4 + padded(option.length);
		if (write)
			put_option(t, option.code, option.value, option.length);
	}
	return bytes;
}

static void put_interface(struct thinning *t, const uint8_t *block, uint32_t size)
{
	const uint8_t *options = block + 16, *end = block + size - 4;
	struct quality_line note;
	uint32_t grown;

	kept_note(t, &note);
	grown = (uint32_t)(16 + 4 + padded(note.length) + copy_options(t, options, end, false) + 4 +
	                   4);
	put(t, block, 4);
	put_u32(t, grown);
	put(t, block + 8, 8);
	put_option(t, OPTION_COMMENT, note.text, note.length);
	copy_options(t, options, end, true);
	put_u32(t, 0);
	put_u32(t, grown);
}

/* Its length is not known before its end. */
static void put_section(struct thinning *t, const uint8_t *block, uint32_t size)
{
	static const uint32_t unknown[2] = {UINT32_MAX, UINT32_MAX};

	put_lefts(t, NULL);
	t->swapped = t->records.savefile.swapped;
	put(t, block, 16);
	put(t, unknown, sizeof(unknown));
	put(t, block + 24, size - 24);
}

static bool take_interface(struct thinning *t, const uint8_t *block, struct savefile_record *record)
{
	enum thin_reason as;

	t->thinned_before |= kept_as(&t->records.savefile, record, &as, t->name, sizeof(t->name));
	put_interface(t, block, (uint32_t)record->size);
	return left_of(t, record->interface) &&
	       recording_describe(&t->recording, &t->records.savefile, record);
}

static bool take_statistics(struct thinning *t, const uint8_t *block,
                            const struct savefile_record *record)
{
	struct left *left = left_of(t, record->interface);

	if (!left)
		return false;
	left->ticks[0] = savefile_u32(&t->records.savefile, block + 12);
	left->ticks[1] = savefile_u32(&t->records.savefile, block + 16);
	put(t, block, record->size);
	return true;
}

/* ---- the file ---- */

/* False: no memory. */
static bool take_record(struct thinning *t, enum savefile_item item, const uint8_t *bytes,
                        struct savefile_record *record)
{
	bool good = true;

	switch (item) {
	case SAVEFILE_FRAME:
		good = take_frame(t, bytes, record);
		break;
	case SAVEFILE_INTERFACE:
		good = take_interface(t, bytes, record);
		break;
	case SAVEFILE_STATISTICS:
		good = take_statistics(t, bytes, record);
		break;
	case SAVEFILE_SKIP:
		if (savefile_u32(&t->records.savefile, bytes) == BLOCK_SECTION)
			put_section(t, bytes, (uint32_t)record->size);
		else
			put(t, bytes, record->size);
		break;
	default:
		break;
	}
	return good;
}

/* 0 or -errno. */
static int read_all(struct thinning *t)
{
	struct savefile_record record = {0};
	enum savefile_item item;
	const uint8_t *bytes;
	int found = 0;

	while ((!t->file || !whole_error(t->file)) &&
	       (found = records_next(&t->records, &item, &bytes, &record)) > 0) {
		if (!take_record(t, item, bytes, &record))
			return -ENOMEM;
		if (t->list->until && t->number >= t->list->until)
			return 0;
	}
	t->result->flaw = t->records.flaw;
	return found < 0 ? found : t->file ? whole_error(t->file) : 0;
}

/* What a pcapng of ours begins with, for a pcap. */
static int begin_pcap(struct thinning *t)
{
	uint8_t block[PCAPNG_BLOCK_MAX];
	struct quality_line note;
	const struct savefile_interface *from = &t->records.savefile.interfaces[0];

	kept_note(t, &note);
	const struct pcapng_interface interface = {
		/* a capture of all devices holds a WAN for each: its name is none of them */
		.name = from->linktype == LINK_SLL2 ? NULL : t->output->wan,
		.snaplen = from->snaplen,
		.linktype = from->linktype,
		.notes = {note.text},
		.n_notes = 1,
	};
	t->scratch = malloc(pcapng_packet_size(SAVEFILE_FRAME_MAX));
	if (!t->scratch || !left_of(t, 0))
		return -ENOMEM;
	put(t, block, pcapng_section(block, NULL, NULL, "mptcp-audit"));
	put(t, block, pcapng_interface(block, &interface));
	return 0;
}

static int thin_open(struct thinning *t)
{
	int error;

	t->near_from_ns = UINT64_MAX;
	if (!t->output)
		return read_all(t);
	snprintf(t->name, sizeof(t->name), "%s", t->output->file);
	t->file = whole_open(t->output->dir, t->output->part, t->output->most,
	                     t->output->zstd_level, &error);
	if (!t->file)
		return error;
	error = t->records.savefile.ng ? 0 : begin_pcap(t);
	return error ? error : read_all(t);
}

static int complete(struct thinning *t)
{
	struct thin_result *result = t->result;
	bool empty = t->list->as == THIN_WHOLE ? t->n_left == 0 : result->kept == 0;
	int error;

	if (!t->file)
		return 0;
	put_lefts(t, result->flaw);
	if (empty) {
		whole_abandon(t->file);
		return 0;
	}
	error = whole_complete(t->file, t->output->name, result->last_ns, &result->bytes);
	result->bytes = error ? 0 : result->bytes;
	return error;
}

int thin_file(int fd, const struct thin_list *list, const struct thin_output *output,
              struct thin_result *result)
{
	struct thinning t = {.list = list, .output = output, .result = result};
	int error = records_open(&t.records, fd);

	*result = (struct thin_result){0};
	if (!error)
		error = thin_open(&t);
	if (!error)
		error = complete(&t);
	else if (t.file)
		whole_abandon(t.file);
	records_close(&t.records);
	recording_release(&t.recording);
	free(t.left);
	free(t.scratch);
	return error;
}

/* ---- the head of a file ---- */

bool thin_look(int fd, enum thin_reason *as)
{
	struct records records;
	struct savefile_record record = {0};
	enum savefile_item item = SAVEFILE_SKIP;
	const uint8_t *bytes;
	char file[FILE_NAME];
	bool found = false;

	if (records_open(&records, fd) == 0 && records.savefile.ng)
		for (unsigned i = 0; i < LOOK_BLOCKS && item == SAVEFILE_SKIP && !found; i++) {
			if (records_next(&records, &item, &bytes, &record) <= 0)
				break;
			found = item == SAVEFILE_INTERFACE &&
			        kept_as(&records.savefile, &record, as, file, sizeof(file));
		}
	records_close(&records);
	return found;
}
