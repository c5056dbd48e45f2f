/* SPDX-License-Identifier: MIT
 *
 * names.c - see names.h.
 */
#include "names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

size_t names_character(const uint8_t *text, size_t length)
{
	static const struct {
		uint8_t mask, lead, low, high; /* first byte; bounds of the second */
		uint8_t size;
	} forms[] = {
		{0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3},
		{0xf0, 0xe0, 0x80, 0xbf, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
		{0xff, 0xf4, 0x80, 0x8f, 4}, {0xfc, 0xf0, 0x80, 0xbf, 4},
		{0xe0, 0xc0, 0x80, 0xbf, 2},
	};

	if (text[0] < 0x80)
		return text[0] >= 0x20 && text[0] != 0x7f;
	if (text[0] == 0xc0 || text[0] == 0xc1)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (length < forms[i].size || text[1] < forms[i].low || text[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((text[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

void names_clean(char *text)
{
	size_t length = strlen(text);

	for (size_t at = 0; at < length;) {
		size_t size = names_character((const uint8_t *)text + at, length - at);
		if (size == 0)
			text[at] = '?';
		at += size ? size : 1;
	}
}

static const char *const packings[] = {".gz", ".zst", ".zstd", NULL};
static const char *const types[] = {".pcapng", ".pcap", ".cap", ".dmp", ".ntar", NULL};

/* Length of `name` without one of the endings; unchanged when it has none or is nothing else. */
static size_t without(const char *name, size_t length, const char *const *endings)
{
	for (; *endings; endings++) {
		size_t size = strlen(*endings);
		if (length > size && strncasecmp(name + length - size, *endings, size) == 0)
			return length - size;
	}
	return length;
}

/* tcpdump counts after the type, wan1.pcap07; logrotate with a dot between, wan1.pcap.2. */
static size_t without_ring(const char *name, size_t length)
{
	size_t end = length;

	while (end > 0 && isdigit((unsigned char)name[end - 1]))
		end--;
	if (end == length)
		return length;
	size_t dotless = end > 0 && name[end - 1] == '.' ? end - 1 : end;
	return without(name, dotless, types) < dotless ? dotless : length;
}

static size_t count_digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && isdigit((unsigned char)text[n]))
		n++;
	return n;
}

/* Eight digits that can be a year, a month and a day. */
static bool is_date(const char *digits)
{
	int century = (digits[0] - '0') * 10 + digits[1] - '0';
	int month = (digits[4] - '0') * 10 + digits[5] - '0';
	int day = (digits[6] - '0') * 10 + digits[7] - '0';

	return (century == 19 || century == 20) && month >= 1 && month <= 12 && day >= 1 &&
	       day <= 31;
}

/* A date first and nothing but a time after it; or ten digits, seconds since 1970. */
static bool is_time(const char *text, size_t length)
{
	char digits[8];
	size_t n = 0;

	if (length == 10 && text[0] == '1' && count_digits(text, length) == 10)
		return true;
	if (count_digits(text, length) < 4)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (isdigit((unsigned char)text[i]) && n < sizeof(digits))
			digits[n++] = text[i];
		else if (!isdigit((unsigned char)text[i]) && !strchr("T:Z._-", text[i]))
			return false;
	}
	return n == sizeof(digits) && is_date(digits);
}

/* A time; or a counter of five digits and more and a time, as dumpcap writes them. */
static bool is_rotation(const char *text, size_t length)
{
	size_t counter = count_digits(text, length);

	if (is_time(text, length))
		return true;
	return counter >= 5 && counter < 8 && counter < length && strchr("_-.", text[counter]) &&
	       is_time(text + counter + 1, length - counter - 1);
}

/* 0 when the name is nothing but a rotation. */
static size_t without_rotation(const char *name, size_t length)
{
	if (is_rotation(name, length))
		return 0;
	for (size_t i = 1; i + 1 < length; i++)
		if (strchr("_-.", name[i]) && is_rotation(name + i + 1, length - i - 1))
			return i;
	return length;
}

/* Our recorder's boot id, sequence number and time: -0123abcd-00000007-20260101T000000Z. Its WAN
 * may be called what it likes, so they are counted from the right. */
static size_t without_sequence(const char *name, size_t length)
{
	static const char form[] = "-hhhhhhhh-dddddddd-ddddddddTddddddZ";
	const size_t size = sizeof(form) - 1;

	for (size_t i = 0; i < size && length > size; i++) {
		unsigned char c = (unsigned char)name[length - size + i];
		bool fits = form[i] == 'h'   ? isxdigit(c) != 0
		            : form[i] == 'd' ? isdigit(c) != 0
		                             : c == (unsigned char)form[i];
		if (!fits)
			return length;
	}
	return length > size ? length - size : length;
}

size_t names_complete(const char *path)
{
	static const char *const unfinished[] = {".part", NULL};

	return without(path, strlen(path), unfinished);
}

static size_t stem_length(const char *name)
{
	size_t length = without(name, names_complete(name), packings), series;

	length = without(name, without_ring(name, length), types);
	series = without_sequence(name, length);
	if (series < length)
		return series;
	length = without_rotation(name, length);
	return length ? without(name, length, types) : 0;
}

static size_t directory_length(const char *path, size_t length)
{
	while (length > 0 && path[length - 1] != '/')
		length--;
	while (length > 0 && path[length - 1] == '/')
		length--;
	return length;
}

bool names_split(const char *path, char **stem, char **directory)
{
	size_t length = strlen(path), before = directory_length(path, length);
	const char *name = path + before;

	name += strspn(name, "/");
	size_t size = stem_length(name);
	if (size == 0 && before > 0) { /* spool/wan1/20260101T000000.pcapng */
		size_t parent = directory_length(path, before);
		name = path + parent;
		name += strspn(name, "/");
		size = (size_t)(path + before - name);
		before = parent;
	}
	if (size == 0)
		size = strlen(name);
	*stem = strndup(name, size);
	*directory = before ? strndup(path, before) : strdup(".");
	if (*stem && *directory)
		return true;
	free(*stem);
	free(*directory);
	*stem = *directory = NULL;
	return false;
}

const char *names_tail(const char *directory, unsigned parts)
{
	const char *tail = directory + strlen(directory);

	while (tail > directory) {
		if (tail[-1] == '/' && --parts == 0)
			break;
		tail--;
	}
	return tail;
}
