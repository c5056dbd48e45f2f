/* SPDX-License-Identifier: MIT
 *
 * quality.c - see quality.h.
 */
#include "quality.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[QUALITY_INTERFACE] = "interface",
	[QUALITY_COUNTERS] = "counters",
	[QUALITY_GAP] = "gap",
	[QUALITY_STEP] = "step",
	[QUALITY_WARNING] = "warning",
	[QUALITY_REPAIRED] = "repaired",
	[QUALITY_END] = "end",
	[QUALITY_KEPT] = "kept",
	[QUALITY_FRAME] = "frame",
	[QUALITY_THINNED] = "thinned",
};

const char *const quality_states[STATE_COUNT] = {
	[STATE_ABSENT] = "absent",
	[STATE_DOWN] = "down",
	[STATE_SUSPENDED] = "suspended",
	[STATE_STOPPED] = "stopped",
};

const struct quality_warning quality_warnings[] = {
	{"super_frames",
         "receive or send offload joins wire packets into larger frames: frame counts "
         "are of frames, not of packets"},
	{"hw_offload", "the device may forward flows without the kernel seeing them: compare the "
                       "interface counters"},
	{"stacked", "the device lies on another one that is recorded too: its packets are recorded "
                    "twice"},
	{"bridge_port", "the device is a port of a bridge: record either the bridge or its port"},
	{"no_link_headers", "the device delivers IP packets without a link header"},
};
const size_t quality_n_warnings = sizeof(quality_warnings) / sizeof(*quality_warnings);

/* ---- writing ---- */

void quality_begin(struct quality_line *line, enum quality_name name)
{
	int n = snprintf(line->text, sizeof(line->text), QUALITY_TAG "%s", names[name]);

	line->length = (size_t)n;
}

void quality_word(struct quality_line *line, const char *key, const char *value)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = line->length, room = sizeof(line->text) - 1, n = strlen(key);

	if (at + n + 2 > room)
		return;
	line->text[at++] = ' ';
	memcpy(line->text + at, key, n);
	at += n;
	line->text[at++] = '=';
	for (; *value; value++) {
		uint8_t byte = (uint8_t)*value;
		bool plain = byte > 0x20 && byte < 0x7f && byte != '%';

		if (at + (plain ? 1 : 3) > room) {
			line->text[line->length] = '\0';
			return;
		}
		if (plain) {
			line->text[at++] = (char)byte;
			continue;
		}
		line->text[at++] = '%';
		line->text[at++] = digits[byte >> 4];
		line->text[at++] = digits[byte & 15];
	}
	line->text[at] = '\0';
	line->length = at;
}

void quality_number(struct quality_line *line, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	quality_word(line, key, text);
}

void quality_signed(struct quality_line *line, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	quality_word(line, key, text);
}

/* ---- reading ---- */

bool quality_parse(const char *text, size_t length, enum quality_name *name)
{
	size_t tag = sizeof(QUALITY_TAG) - 1;

	if (length < tag || memcmp(text, QUALITY_TAG, tag) != 0)
		return false;
	text += tag;
	length -= tag;
	*name = QUALITY_UNKNOWN;
	for (unsigned i = 0; i < QUALITY_UNKNOWN; i++) {
		size_t n = strlen(names[i]);

		if (length >= n && memcmp(text, names[i], n) == 0 &&
		    (length == n || text[n] == ' '))
			*name = (enum quality_name)i;
	}
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void decode(const char *text, size_t length, char *value, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length && used + 1 < size; i++) {
		bool coded = text[i] == '%' && length - i > 2 && hex(text[i + 1]) >= 0 &&
		             hex(text[i + 2]) >= 0;

		value[used] = text[i];
		if (coded) {
			value[used] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		}
		used++;
	}
	if (size)
		value[used] = '\0';
}

/* The first "key=" after a space, up to the next space. */
static const char *find(const char *text, size_t length, const char *key, size_t *found)
{
	size_t n = strlen(key);

	for (size_t i = 0; i + n + 2 <= length; i++) {
		if (text[i] != ' ' || memcmp(text + i + 1, key, n) != 0 || text[i + 1 + n] != '=')
			continue;
		const char *value = text + i + n + 2;
		size_t left = length - (i + n + 2);
		const char *end = memchr(value, ' ', left);

		*found = end ? (size_t)(end - value) : left;
		return value;
	}
	return NULL;
}

bool quality_get(const char *text, size_t length, const char *key, char *value, size_t size)
{
	size_t n;
	const char *at = find(text, length, key, &n);

	if (!at)
		return false;
	decode(at, n, value, size);
	return true;
}

/* Up to 20 digits that fit in 64 bits. */
static bool digits_of(const char *text, size_t length, uint64_t *value)
{
	uint64_t sum = 0;

	if (length == 0 || length > 20)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*value = sum;
	return true;
}

bool quality_get_number(const char *text, size_t length, const char *key, uint64_t *value)
{
	size_t n;
	const char *at = find(text, length, key, &n);

	return at && digits_of(at, n, value);
}

bool quality_get_signed(const char *text, size_t length, const char *key, int64_t *value)
{
	size_t n;
	const char *at = find(text, length, key, &n);
	uint64_t size;
	bool minus = at && n > 0 && *at == '-';

	if (!at || !digits_of(at + minus, n - minus, &size) || size > INT64_MAX)
		return false;
	*value = minus ? -(int64_t)size : (int64_t)size;
	return true;
}
