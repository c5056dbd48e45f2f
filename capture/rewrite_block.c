/* SPDX-License-Identifier: MIT */
#include "rewrite_block.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 4096
#define EPB_DROPCOUNT 4
#define VALUE_MAX  64 /* a word or number of a note */

/* ---- writing ---- */

void rewrite_block_release(struct rewrite_block *b)
{
	free(b->bytes);
	*b = (struct rewrite_block){0};
}

static uint8_t *more(struct rewrite_block *b, size_t length)
{
	if (b->cap - b->length < length) {
		size_t cap = b->cap ? b->cap : ROOM_FIRST;

		while (cap - b->length < length)
			cap *= 2;
		uint8_t *larger = realloc(b->bytes, cap);
		if (!larger) {
			b->failed = true;
			return NULL;
		}
		b->bytes = larger;
		b->cap = cap;
	}
	b->length += length;
	return b->bytes + b->length - length;
}

void rewrite_block_word(struct rewrite_block *b, uint32_t word)
{
	uint8_t *at = more(b, sizeof(word));

	if (at)
		memcpy(at, &word, sizeof(word));
}

void rewrite_block_bytes(struct rewrite_block *b, const void *bytes, size_t length)
{
	size_t padded = (length + 3) & ~(size_t)3;
	uint8_t *at = more(b, padded);

	if (!at)
		return;
	memcpy(at, bytes, length);
	memset(at + length, 0, padded - length);
}

void rewrite_block_begin(struct rewrite_block *b, uint32_t type)
{
	b->length = 0;
	rewrite_block_word(b, type);
	rewrite_block_word(b, 0);
}

void rewrite_block_ticks(struct rewrite_block *b, const struct savefile_interface *interface,
                         uint64_t ns)
{
	uint64_t ticks = savefile_ticks(interface, ns);

	rewrite_block_word(b, (uint32_t)(ticks >> 32));
	rewrite_block_word(b, (uint32_t)ticks);
}

size_t rewrite_block_end(struct rewrite_block *b, const uint8_t **bytes)
{
	uint32_t size = (uint32_t)b->length + 4;

	rewrite_block_word(b, size);
	if (b->failed)
		return 0;
	memcpy(b->bytes + 4, &size, sizeof(size));
	*bytes = b->bytes;
	return b->length;
}

static void put_option(struct rewrite_block *b, uint16_t code, const void *value, size_t length)
{
	const uint16_t head[2] = {code, (uint16_t)length};

	rewrite_block_bytes(b, head, sizeof(head));
	rewrite_block_bytes(b, value, length);
}

void rewrite_block_drops(struct rewrite_block *b, uint64_t frames)
{
	put_option(b, EPB_DROPCOUNT, &frames, sizeof(frames));
}

/* ---- notes ---- */

enum form { WORD, NUMBER, WAN, DEVICE, FILE_NAME, BOOT };

/* What notes may say (quality.h), each key once. */
static const struct {
	const char *key;
	enum form form;
} keys[] = {
	{"wan", WAN},          {"role", WORD},        {"device", DEVICE},
	{"boot", BOOT},        {"seq", NUMBER},       {"offset_ns", NUMBER},
	{"keep", WORD},        {"backend", WORD},     {"ifindex", NUMBER},
	{"mtu", NUMBER},       {"kind", WORD},        {"parent", DEVICE},
	{"bridge", DEVICE},    {"offload", WORD},     {"at_ns", NUMBER},
	{"rx_frames", NUMBER}, {"rx_bytes", NUMBER},  {"rx_dropped", NUMBER},
	{"tx_frames", NUMBER}, {"tx_bytes", NUMBER},  {"tx_dropped", NUMBER},
	{"state", WORD},       {"from_ns", NUMBER},   {"to_ns", NUMBER},
	{"lost", NUMBER},      {"by_ns", NUMBER},     {"code", WORD},
	{"about", DEVICE},     {"cut_bytes", NUMBER}, {"reason", WORD},
	{"file", FILE_NAME},   {"as", WORD},          {"number", NUMBER},
	{"for", WORD},         {"frames", NUMBER},    {"bytes", NUMBER},
	{"flaw", WORD},
};

/* Words of ours are lower-case; numbers are numbers: nothing else passes under their keys. */
static bool is_harmless(enum form form, const char *value)
{
	static const char number[] = "-0123456789";
	static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789_,-";

	return value[strspn(value, form == NUMBER ? number : word)] == '\0';
}

static const char *told(const struct rewrite_hand *hand, enum form form, const char *value)
{
	static const enum rewrite_name names[] = {[WAN] = REWRITE_WAN,
	                                          [DEVICE] = REWRITE_DEVICE,
	                                          [FILE_NAME] = REWRITE_FILE,
	                                          [BOOT] = REWRITE_BOOT};

	if (form == WORD || form == NUMBER)
		return is_harmless(form, value) ? value : NULL;
	return hand->name(hand->context, names[form], value);
}

static void put_note(struct rewrite_block *b, const struct savefile_option *option,
                     const struct rewrite_hand *hand)
{
	const char *text = (const char *)option->value, *instead;
	struct quality_line note;
	enum quality_name name;
	char value[QUALITY_LINE];

	if (!quality_parse(text, option->length, &name) || name == QUALITY_UNKNOWN)
		return;
	quality_begin(&note, name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		size_t room = keys[i].form <= NUMBER ? VALUE_MAX : sizeof(value);

		if (quality_get(text, option->length, keys[i].key, value, room) &&
		    (instead = told(hand, keys[i].form, value)))
			quality_word(&note, keys[i].key, instead);
	}
	put_option(b, option->code, note.text, note.length);
}

/* "segment_size=N" of a frame, or a note. */
static void put_comment(struct rewrite_block *b, const struct savefile_option *option,
                        const struct rewrite_hand *hand)
{
	static const char key[] = "segment_size=";
	const size_t n = sizeof(key) - 1;
	char number[8] = "";

	if (option->length <= n || option->length > n + 5 || memcmp(option->value, key, n) != 0) {
		put_note(b, option, hand);
		return;
	}
	memcpy(number, option->value + n, option->length - n);
	if (is_harmless(NUMBER, number))
		put_option(b, option->code, option->value, option->length);
}

/* ---- options ---- */

static void put_number(struct rewrite_block *b, const struct savefile *savefile, size_t word,
                       const struct savefile_option *option)
{
	uint8_t value[8];

	for (size_t i = 0; i < option->length; i++)
		value[i] = option->value[savefile->swapped ? i / word * word + word - 1 - i % word
		                                           : i];
	put_option(b, option->code, value, option->length);
}

static void put_address(struct rewrite_block *b, const struct savefile_option *option,
                        const struct rewrite_hand *hand)
{
	struct ipaddr address = {.family = option->length == 8 ? 4 : 6};
	size_t n = address.family == 4 ? 4 : 16;
	uint8_t value[17];

	memcpy(address.bytes, option->value, n);
	hand->address(hand->context, &address);
	memcpy(value, address.bytes, n);
	memcpy(value + n, option->value + n,
	       option->length - n); /* mask, or length of the prefix */
	put_option(b, option->code, value, option->length);
}

static void put_name(struct rewrite_block *b, const struct savefile_option *option,
                     const struct rewrite_hand *hand)
{
	char name[QUALITY_LINE] = "";
	size_t n = option->length < sizeof(name) ? option->length : sizeof(name) - 1;

	memcpy(name, option->value, n);
	const char *instead = name[0] ? hand->name(hand->context, REWRITE_WAN, name) : NULL;
	if (instead)
		put_option(b, option->code, instead, strlen(instead));
}

static void put_mac(struct rewrite_block *b, const struct savefile_option *option,
                    const struct rewrite_hand *hand)
{
	uint8_t mac[6];

	memcpy(mac, option->value, sizeof(mac));
	hand->mac(hand->context, mac);
	put_option(b, option->code, mac, sizeof(mac));
}

enum content { BYTE, WORDS, LONG, ADDRESS, MAC, NAME, FILTER, COMMENT };

/* draft-ietf-opsawg-pcapng sections 4.2, 4.3, 4.6; length 0: any */
static const struct {
	uint8_t kind, code, length, content;
} rows[] = {
	{REWRITE_INTERFACE, 1, 0, COMMENT},  {REWRITE_INTERFACE, 2, 0, NAME},
	{REWRITE_INTERFACE, 4, 8, ADDRESS},  {REWRITE_INTERFACE, 5, 17, ADDRESS},
	{REWRITE_INTERFACE, 6, 6, MAC},      {REWRITE_INTERFACE, 8, 8, LONG},
	{REWRITE_INTERFACE, 9, 1, BYTE},     {REWRITE_INTERFACE, 11, 0, FILTER},
	{REWRITE_INTERFACE, 13, 1, BYTE},    {REWRITE_INTERFACE, 14, 8, LONG},
	{REWRITE_STATISTICS, 1, 0, COMMENT}, {REWRITE_STATISTICS, 2, 8, WORDS},
	{REWRITE_STATISTICS, 3, 8, WORDS},   {REWRITE_STATISTICS, 4, 8, LONG},
	{REWRITE_STATISTICS, 5, 8, LONG},    {REWRITE_STATISTICS, 6, 8, LONG},
	{REWRITE_STATISTICS, 7, 8, LONG},    {REWRITE_STATISTICS, 8, 8, LONG},
	{REWRITE_PACKET, 1, 0, COMMENT},     {REWRITE_PACKET, 2, 4, WORDS},
	{REWRITE_PACKET, 4, 8, LONG},
};

static void put_content(struct rewrite_block *b, enum content content,
                        const struct savefile *savefile, const struct savefile_option *option,
                        const struct rewrite_hand *hand)
{
	static const char filter[] = "\0not told"; /* its language, libpcap's, before it */

	switch (content) {
	case BYTE:
		put_option(b, option->code, option->value, option->length);
		break;
	case WORDS:
		put_number(b, savefile, 4, option);
		break;
	case LONG:
		put_number(b, savefile, 8, option);
		break;
	case ADDRESS:
		put_address(b, option, hand);
		break;
	case MAC:
		put_mac(b, option, hand);
		break;
	case NAME:
		put_name(b, option, hand);
		break;
	case FILTER:
		if (option->length > 1)
			put_option(b, option->code, filter, sizeof(filter) - 1);
		break;
	case COMMENT:
		put_comment(b, option, hand);
		break;
	}
}

void rewrite_block_options(struct rewrite_block *b, enum rewrite_kind kind,
                           const struct savefile *savefile, const uint8_t *at, const uint8_t *end,
                           const struct rewrite_hand *hand)
{
	struct savefile_option option;

	while (savefile_option(savefile, &at, end, &option))
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			if (rows[i].kind == kind && rows[i].code == option.code &&
			    (rows[i].length == 0 || rows[i].length == option.length))
				put_content(b, (enum content)rows[i].content, savefile, &option,
				            hand);
	rewrite_block_word(b, 0);
}
