/* SPDX-License-Identifier: MIT */
#include "rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "records.h"
#include "rewrite_block.h"
#include "whole.h"

#define PCAP_HEADER    24
#define PCAPNG_SECTION 0x0a0d0d0au
#define IMPOSSIBLE     UINT32_MAX /* a length that no reader takes for one */

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
};

struct rewriting {
	const struct rewrite_hand *hand;
	struct rewrite_result *result;
	struct whole *file;
	struct records records;
	struct recording recording; /* for streams in which the clock was set */
	uint64_t last_ns;
	bool sectioned; /* the new file has a section header, without which it is none */
	uint8_t *data;  /* SAVEFILE_FRAME_MAX: a frame that may be changed */
	struct rewrite_block block;
};

static void put(struct rewriting *r, const void *bytes, size_t length)
{
	whole_put(r->file, bytes, length);
}

static void put_block(struct rewriting *r)
{
	const uint8_t *bytes;
	size_t length = rewrite_block_end(&r->block, &bytes);

	put(r, bytes, length);
}

/* ---- frames ---- */

/* Its time as an audit tells it. */
static uint64_t told_ns(const struct rewriting *r, const struct savefile_record *record)
{
	const struct savefile_interface *interface =
		&r->records.savefile.interfaces[record->interface];

	return recording_shifted(record->ts_ns, recording_moved(&r->recording, interface));
}

/* The frame as it is to be in r->data; how much of it. */
static uint32_t change_frame(struct rewriting *r, const struct savefile_record *record)
{
	const struct frame frame = {
		.ts_ns = told_ns(r, record),
		.number = ++r->result->frames,
		.data = r->data,
		.caplen = record->caplen,
		.wire_len = record->wire_len,
		.linktype = r->records.savefile.interfaces[record->interface].linktype,
		.mark = record->mark,
	};

	memcpy(r->data, record->data, record->caplen);
	uint32_t kept = r->hand->frame(r->hand->context, &frame, r->data);
	return kept < record->caplen ? kept : record->caplen;
}

/* A pcap's record, in the file's own byte order and form; the captured length is the first of the
 * two, or, in crossed forms, the smaller. */
static void put_record(struct rewriting *r, const uint8_t *bytes,
                       const struct savefile_record *record)
{
	const struct savefile *savefile = &r->records.savefile;
	uint32_t kept = change_frame(r, record), words[2] = {kept, record->wire_len};
	uint8_t head[PCAP_HEADER];

	if (savefile->crossed_lengths && savefile_u32(savefile, bytes + 8) != record->caplen) {
		words[0] = record->wire_len;
		words[1] = kept;
	}
	memcpy(head, bytes, savefile->record_header);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t word = savefile->swapped ? __builtin_bswap32(words[i]) : words[i];

		memcpy(head + 8 + 4 * i, &word, sizeof(word));
	}
	head[PCAP_HEADER - 1] = 0; /* of a longer one: padding, which its kernel left as it was */
	put(r, head, savefile->record_header);
	put(r, r->data, kept);
}

static void put_packet(struct rewriting *r, const uint8_t *bytes,
                       const struct savefile_record *record)
{
	const struct savefile *savefile = &r->records.savefile;
	struct rewrite_block *block = &r->block;
	uint32_t type = savefile_u32(savefile, bytes);
	bool simple = type == BLOCK_SIMPLE;
	uint32_t kept = change_frame(r, record);
	size_t body = 28 + ((record->caplen + 3u) & ~3u);

	if (simple) { /* its length was the packet's; nothing could be cut from it */
		rewrite_block_begin(block, BLOCK_ENHANCED);
		rewrite_block_word(block, 0);
		rewrite_block_ticks(block, &savefile->interfaces[0], record->ts_ns);
	} else {
		rewrite_block_begin(block, BLOCK_ENHANCED);
		rewrite_block_word(block, record->interface);
		rewrite_block_word(block, savefile_u32(savefile, bytes + 12));
		rewrite_block_word(block, savefile_u32(savefile, bytes + 16));
	}
	rewrite_block_word(block, kept);
	rewrite_block_word(block, record->wire_len);
	rewrite_block_bytes(block, r->data, kept);
	if (type == BLOCK_PACKET && record->drops) /* it says so elsewhere */
		rewrite_block_drops(block, record->drops);
	if (!simple)
		rewrite_block_options(block, REWRITE_PACKET, savefile, bytes + body,
		                      bytes + record->size - 4, r->hand);
	put_block(r);
}

/* ---- the other blocks ---- */

static void put_section(struct rewriting *r)
{
	static const uint32_t rest[] = {0x1a2b3c4du, 1 /* version 1.0 */, UINT32_MAX, UINT32_MAX};
	uint32_t words[4];

	memcpy(words, rest, sizeof(words));
	/* two numbers of 16 bits: 1, then 0 */
	const uint16_t version[2] = {1, 0};
	memcpy(&words[1], version, sizeof(version));
	r->sectioned = true;
	rewrite_block_begin(&r->block, PCAPNG_SECTION);
	for (unsigned i = 0; i < 4; i++)
		rewrite_block_word(&r->block, words[i]);
	put_block(r);
}

static void put_interface(struct rewriting *r, const uint8_t *bytes,
                          const struct savefile_record *record)
{
	const struct savefile *savefile = &r->records.savefile;
	uint16_t link[2] = {savefile->interfaces[record->interface].linktype, 0};
	uint32_t word;

	memcpy(&word, link, sizeof(word));
	rewrite_block_begin(&r->block, BLOCK_INTERFACE);
	rewrite_block_word(&r->block, word);
	rewrite_block_word(&r->block, savefile_u32(savefile, bytes + 12));
	rewrite_block_options(&r->block, REWRITE_INTERFACE, savefile, bytes + 16,
	                      bytes + record->size - 4, r->hand);
	put_block(r);
}

static void put_statistics(struct rewriting *r, const uint8_t *bytes,
                           const struct savefile_record *record)
{
	const struct savefile *savefile = &r->records.savefile;

	rewrite_block_begin(&r->block, BLOCK_STATISTICS);
	for (unsigned i = 0; i < 3; i++)
		rewrite_block_word(&r->block, savefile_u32(savefile, bytes + 8 + 4 * i));
	rewrite_block_options(&r->block, REWRITE_STATISTICS, savefile, bytes + 20,
	                      bytes + record->size - 4, r->hand);
	put_block(r);
}

/* ---- the file ---- */

/* False: no memory. */
static bool take_record(struct rewriting *r, enum savefile_item item, const uint8_t *bytes,
                        struct savefile_record *record)
{
	struct savefile_record notes = *record;

	switch (item) {
	case SAVEFILE_FRAME:
		if (record->ts_ns > r->last_ns)
			r->last_ns = record->ts_ns;
		if (r->records.savefile.ng)
			put_packet(r, bytes, record);
		else
			put_record(r, bytes, record);
		break;
	case SAVEFILE_INTERFACE:
		put_interface(r, bytes, record);
		return !r->block.failed &&
		       recording_describe(&r->recording, &r->records.savefile, &notes);
	case SAVEFILE_STATISTICS:
		put_statistics(r, bytes, record);
		break;
	default:
		if (savefile_u32(&r->records.savefile, bytes) == PCAPNG_SECTION)
			put_section(r);
	}
	return !r->block.failed;
}

/* So that a reader finds the same flaw: a record that goes on behind the end, one that cannot be,
 * the beginning of another file. */
static void put_flaw(struct rewriting *r, const char *flaw)
{
	uint32_t cut[6] = {0, 0, 1, 1}, damaged[6] = {0, 0, IMPOSSIBLE, IMPOSSIBLE};
	uint32_t glued[6] = {0xa1b2c3d4u};
	uint32_t cut_block[3] = {BLOCK_ENHANCED, 36, 0}, no_block[3] = {BLOCK_ENHANCED, 0, 0};
	bool ng = r->records.savefile.ng;

	for (unsigned i = 0; r->records.savefile.swapped && i < 4; i++)
		cut[i] = __builtin_bswap32(cut[i]);
	switch (flaw[0]) {
	case 'c':
		put(r, ng ? cut_block : cut,
		    ng ? sizeof(cut_block) : r->records.savefile.record_header);
		break;
	case 'd':
		put(r, ng ? no_block : damaged, ng ? sizeof(no_block) : sizeof(damaged));
		break;
	default:
		put(r, glued, sizeof(glued));
	}
}

/* Of a pcap: without the offset of the time zone of who wrote it, which nobody reads. */
static void put_header(struct rewriting *r)
{
	static const uint8_t zone_and_accuracy[8];
	const uint8_t *bytes;
	size_t length = records_header(&r->records, &bytes);

	if (length < PCAP_HEADER)
		return;
	put(r, bytes, 8);
	put(r, zone_and_accuracy, sizeof(zone_and_accuracy));
	put(r, bytes + 16, length - 16);
}

static int rewrite_all(struct rewriting *r)
{
	struct savefile_record record = {0};
	enum savefile_item item;
	const uint8_t *bytes;
	int found = 0;

	put_header(r);
	while (!whole_error(r->file) &&
	       (found = records_next(&r->records, &item, &bytes, &record)) > 0)
		if (!take_record(r, item, bytes, &record))
			return -ENOMEM;
	if (found < 0)
		return found;
	r->result->flaw = r->records.flaw;
	if (r->records.flaw && r->records.savefile.ng && !r->sectioned)
		put_section(r);
	if (r->records.flaw)
		put_flaw(r, r->records.flaw);
	return whole_error(r->file);
}

static int rewrite(struct rewriting *r, const struct rewrite_output *output)
{
	int error;

	r->data = malloc(SAVEFILE_FRAME_MAX);
	if (!r->data)
		return -ENOMEM;
	r->file = whole_open(output->dir, output->part, 0, output->zstd_level, &error);
	r->result->unwritten = !r->file;
	if (!r->file)
		return error;
	error = rewrite_all(r);
	r->result->unwritten = whole_error(r->file) != 0;
	if (error) {
		whole_abandon(r->file);
		return error;
	}
	error = whole_complete(r->file, output->name, r->last_ns, &r->result->bytes);
	r->result->unwritten = error != 0;
	return error;
}

int rewrite_file(int fd, const struct rewrite_hand *hand, const struct rewrite_output *output,
                 struct rewrite_result *result)
{
	struct rewriting r = {.hand = hand, .result = result};
	int error;

	*result = (struct rewrite_result){0};
	error = records_open(&r.records, fd);
	if (!error)
		error = rewrite(&r, output);
	records_close(&r.records);
	recording_release(&r.recording);
	rewrite_block_release(&r.block);
	free(r.data);
	return error;
}
