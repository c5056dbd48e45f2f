/* SPDX-License-Identifier: MIT
 *
 * text.c - see text.h.
 */
#include "text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS 1000000000u

const char *text_time(char out[TEXT_SHORT], uint64_t ns, unsigned digits)
{
	time_t seconds = (time_t)(ns / NS);
	struct tm tm;
	char fraction[16];
	size_t n;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	n = strftime(out, TEXT_SHORT, "%Y-%m-%dT%H:%M:%S", &tm);
	if (n == 0)
		n = (size_t)snprintf(out, TEXT_SHORT, "1970-01-01T00:00:00");
	snprintf(fraction, sizeof(fraction), "%09u", (unsigned)(ns % NS));
	if (digits > 9)
		digits = 9;
	if (digits > 0)
		snprintf(out + n, TEXT_SHORT - n, ".%.*sZ", (int)digits, fraction);
	else
		snprintf(out + n, TEXT_SHORT - n, "Z");
	return out;
}

const char *text_moment(char out[TEXT_SHORT], uint64_t ns)
{
	time_t seconds = (time_t)(ns / NS);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(out, TEXT_SHORT, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, TEXT_SHORT, "%llu s", (unsigned long long)(ns / NS));
	return out;
}

/* The part after the seconds: a fraction, then Z or +hh:mm. */
static bool parse_tail(const char *p, uint64_t *ns, long *offset_s)
{
	unsigned hours, minutes;
	uint64_t unit = NS / 10;
	char sign;
	int used = 0;

	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
			*ns += (uint64_t)(*p - '0') * unit;
	}
	*offset_s = 0;
	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return true;
	if (sscanf(p, "%c%2u:%2u%n", &sign, &hours, &minutes, &used) != 3 || p[used] != '\0')
		return false;
	*offset_s = (long)(hours * 3600 + minutes * 60) * (sign == '-' ? 1 : -1);
	return (sign == '+' || sign == '-') && hours < 24 && minutes < 60;
}

bool text_parse_time(const char *text, uint64_t *ns)
{
	struct tm tm = {0};
	const char *rest;
	char *end;
	uint64_t fraction = 0;
	long offset;
	time_t seconds;

	if (*text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 10) {
		*ns = (uint64_t)strtoull(text, &end, 10) * NS;
		return true;
	}
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest || !parse_tail(rest, &fraction, &offset))
		return false;
	seconds = timegm(&tm) + offset;
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NS - 1)
		return false;
	*ns = (uint64_t)seconds * NS + fraction;
	return true;
}

const char *text_bytes(char out[TEXT_SHORT], uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(out, TEXT_SHORT, "%u B", (unsigned)bytes);
		return out;
	}
	for (value /= 1000; value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units);
	     value /= 1000)
		unit++;
	snprintf(out, TEXT_SHORT, "%.*f %s",
	         value < 9.995   ? 2
	         : value < 99.95 ? 1
	                         : 0,
	         value, units[unit]);
	return out;
}

const char *text_count(char out[TEXT_SHORT], uint64_t count)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	size_t to = 0;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[to++] = ',';
		out[to++] = digits[i];
	}
	out[to] = '\0';
	return out;
}

const char *text_percent(char out[TEXT_SHORT], uint64_t numerator, uint64_t denominator)
{
	double percent;

	if (denominator == 0) {
		snprintf(out, TEXT_SHORT, "-");
		return out;
	}
	percent = 100.0 * (double)numerator / (double)denominator;
	if (percent >= 1000) { /* nobody reads 68006.74 % */
		snprintf(out, TEXT_SHORT, "%.0f x", percent / 100);
		return out;
	}
	snprintf(out, TEXT_SHORT, "%.*f %%", numerator > 0 && percent < 0.1 ? 4 : 2, percent);
	return out;
}

const char *text_limit(char out[TEXT_SHORT], double ratio)
{
	snprintf(out, TEXT_SHORT, "%g %%", 100 * ratio);
	return out;
}

const char *text_figure(char out[TEXT_SHORT], double figure)
{
	snprintf(out, TEXT_SHORT, "%g", figure);
	return out;
}

const char *text_duration(char out[TEXT_SHORT], uint64_t ns)
{
	unsigned long long s = ns / NS;

	if (s < 10)
		snprintf(out, TEXT_SHORT, "%.1f s", (double)ns / NS);
	else if (s < 120)
		snprintf(out, TEXT_SHORT, "%llu s", s);
	else if (s < 7200)
		snprintf(out, TEXT_SHORT, "%llu min %llu s", s / 60, s % 60);
	else if (s < 172800)
		snprintf(out, TEXT_SHORT, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(out, TEXT_SHORT, "%llu d %llu h", s / 86400, s / 3600 % 24);
	return out;
}

/* ---- UTF-8 ---- */

static size_t utf8_next(const unsigned char *p, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	*code = p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return length;
}

size_t text_next(const char *text, uint32_t *code)
{
	return utf8_next((const unsigned char *)text, code);
}

bool text_hides(uint32_t code)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (code >= ranges[i].from && code <= ranges[i].to)
			return true;
	return false;
}

const char *text_safe(char *out, size_t size, const char *in, unsigned columns)
{
	const unsigned char *p = (const unsigned char *)in;
	size_t to = 0, mark = 0; /* mark: where "..." still fits */
	unsigned column = 0;

	if (size == 0)
		return out;
	while (*p) {
		char piece[16];
		uint32_t code;
		size_t length = utf8_next(p, &code);
		unsigned wide = 1;

		if (length == 0) {
			strcpy(piece, "\xef\xbf\xbd");
			length = 1;
		} else if (text_hides(code)) {
			wide = (unsigned)snprintf(piece, sizeof(piece), "<U+%04X>", (unsigned)code);
		} else {
			memcpy(piece, p, length);
			piece[length] = '\0';
		}
		if (column + wide > columns || to + strlen(piece) + 4 > size) {
			snprintf(out + mark, size - mark, "%s", columns >= 3 ? "..." : "");
			return out;
		}
		memcpy(out + to, piece, strlen(piece));
		to += strlen(piece);
		column += wide;
		if (column + 3 <= columns)
			mark = to;
		p += length;
	}
	out[to] = '\0';
	return out;
}

const char *text_brief(char *out, size_t size, const char *in, unsigned columns)
{
	size_t at = 0, cut = 0, length;
	unsigned column = 0;
	uint32_t code;

	text_safe(out, size, in, UINT_MAX);
	for (; out[at]; at += length) {
		length = text_next(out + at, &code);
		column += text_columns(code);
		if (column > columns)
			break;
		/* " ..." must fit behind it */
		if ((out[at] == ' ' || length >= 3) && column + 4 <= columns && at + 5 < size)
			cut = out[at] == ' ' ? at : at + length;
	}
	if (out[at] && cut > 0)
		snprintf(out + cut, size - cut, "%s", " ...");
	else if (out[at])
		text_safe(out, size, in, columns); /* one long word */
	return out;
}

/* What a shell takes as itself. '-' at the beginning would be an option, '~' a home. */
static bool is_plain_word(const char *in)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,=-";

	return in[0] && in[0] != '-' && in[strspn(in, plain)] == '\0';
}

/* Can all of it be seen and typed? A blank can, but a text may be broken there. */
static bool is_seen(const char *in)
{
	uint32_t code;

	for (size_t length; *in; in += length) {
		length = text_next(in, &code);
		if (length == 0 || text_hides(code) || code == ' ')
			return false;
	}
	return true;
}

/* One character of '...' or of $'...'; returns its bytes in `in`. */
static size_t shell_piece(const char *in, bool seen, char piece[40])
{
	uint32_t code;
	size_t length = text_next(in, &code), bytes = length ? length : 1, used = 0;

	if (seen && *in == '\'') {
		strcpy(piece, "'\\''");
	} else if (!seen && (*in == '\'' || *in == '\\')) {
		snprintf(piece, 40, "\\%c", *in);
	} else if (length && !text_hides(code) && code != ' ') {
		memcpy(piece, in, length);
		piece[length] = '\0';
	} else {
		for (size_t i = 0; i < bytes; i++)
			used += (size_t)snprintf(piece + used, 40 - used, "\\x%02x",
			                         (unsigned)(unsigned char)in[i]);
	}
	return bytes;
}

bool text_shell(char *out, size_t size, const char *in)
{
	bool seen = is_seen(in);
	size_t used;
	char piece[40];

	if (is_plain_word(in))
		return (size_t)snprintf(out, size, "%s", in) < size || (out[0] = '\0');
	used = (size_t)snprintf(out, size, "%s", seen ? "'" : "$'");
	while (*in && used < size) {
		in += shell_piece(in, seen, piece);
		used += (size_t)snprintf(out + used, size - used, "%s", piece);
	}
	if (used + 1 >= size) {
		out[0] = '\0';
		return false;
	}
	memcpy(out + used, "'", 2);
	return true;
}

unsigned text_columns(uint32_t code)
{
	/* Unicode's East Asian Width: wide and fullwidth (UAX 11), in blocks */
	static const struct {
		uint32_t from, to;
	} wide[] = {
		{0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},
		{0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
		{0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (code >= wide[i].from && code <= wide[i].to)
			return 2;
	return 1;
}

unsigned text_width(const char *text)
{
	unsigned width = 0;
	uint32_t code;

	while (*text) {
		size_t length = utf8_next((const unsigned char *)text, &code);

		width += length ? text_columns(code) : 1;
		text += length ? length : 1;
	}
	return width;
}

char *text_utf8(const char *in)
{
	const unsigned char *p = (const unsigned char *)in;
	char *out = malloc(strlen(in) * 3 + 1), *to = out;

	if (!out)
		return NULL;
	while (*p) {
		uint32_t code;
		size_t length = utf8_next(p, &code);

		if (length == 0) {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			p++;
			continue;
		}
		memcpy(to, p, length);
		to += length;
		p += length;
	}
	*to = '\0';
	return out;
}

/* ---- typos ---- */

#define WORD_MAX 40

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; both shorter than
 * WORD_MAX. */
static unsigned edits(const char *a, const char *b)
{
	unsigned rows[WORD_MAX + 1][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t i = 0; i <= na; i++) {
		for (size_t k = 0; k <= nb; k++) {
			unsigned best, change;

			if (i == 0 || k == 0) {
				rows[i][k] = (unsigned)(i + k);
				continue;
			}
			change = rows[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			best = rows[i - 1][k] < rows[i][k - 1] ? rows[i - 1][k] + 1
			                                       : rows[i][k - 1] + 1;
			best = change < best ? change : best;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    rows[i - 2][k - 2] + 1 < best)
				best = rows[i - 2][k - 2] + 1;
			rows[i][k] = best;
		}
	}
	return rows[na][nb];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;
	unsigned fewest = 0;

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned distance;

		if (strlen(words[i]) > WORD_MAX)
			continue;
		distance = edits(word, words[i]);
		if (!best || distance < fewest) {
			best = words[i];
			fewest = distance;
		}
	}
	return best && fewest <= 1 + strlen(word) / 4 ? best : NULL;
}
