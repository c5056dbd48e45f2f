/* SPDX-License-Identifier: MIT
 *
 * text.h - numbers, times and other people's strings, put into words a terminal or a JSON file can
 * take.
 *
 * Pure functions of their arguments. Nothing that came out of a capture, a file name or an option
 * reaches a terminal but through text_safe(), and nothing reaches jansson but through text_utf8().
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Long enough for every number, size and time below. */
#define TEXT_SHORT 40

/* RFC 3339 in UTC with `digits` (0..9) of the second: "2026-01-02T03:04:05.123Z". Returns out. */
const char *text_time(char out[TEXT_SHORT], uint64_t ns, unsigned digits);

/* The same for people: "2026-01-02 03:04:05 UTC". */
const char *text_moment(char out[TEXT_SHORT], uint64_t ns);

/* RFC 3339 with a Z or a numeric offset, or plain seconds since 1970, into nanoseconds. */
bool text_parse_time(const char *text, uint64_t *ns);

/* SI bytes with three figures: "836 B", "12.3 MB". Returns out. */
const char *text_bytes(char out[TEXT_SHORT], uint64_t bytes);

/* "1 234 567" is hard to copy; this is "1,234,567". Returns out. */
const char *text_count(char out[TEXT_SHORT], uint64_t count);

/* Two places, four below 0.1 %, "-" when the denominator is 0: "0.0123 %". Returns out. */
const char *text_percent(char out[TEXT_SHORT], uint64_t numerator, uint64_t denominator);

/* A limit that is a share, as it was given: "1 %", "0.1 %". Returns out. */
const char *text_limit(char out[TEXT_SHORT], double ratio);

/* A figure as short as it goes: "3", "0.5". Returns out. */
const char *text_figure(char out[TEXT_SHORT], double figure);

/* "45 s", "12 min 5 s", "3 h 20 min", "2 d 4 h". Returns out. */
const char *text_duration(char out[TEXT_SHORT], uint64_t ns);

/*
 * Copy at most `columns` characters of `in` to out, cut with "..." when longer. Control characters
 * and those that reverse or hide text become <U+XXXX>, bytes that are not UTF-8 become U+FFFD.
 * Always terminated. Returns out.
 */
const char *text_safe(char *out, size_t size, const char *in, unsigned columns);

/*
 * The same cut between words, with " ..." behind the last one that is whole; Chinese is cut between
 * any two characters. Returns out.
 */
const char *text_brief(char *out, size_t size, const char *in, unsigned columns);

/*
 * `in` as a word without blanks that a shell reads back as the same bytes: as it is, in '...', or,
 * with blanks and characters that cannot be typed or seen, as $'...' with \xHH (bash, zsh, busybox).
 * False: it does not fit, and out is empty.
 */
bool text_shell(char *out, size_t size, const char *in);

/* The character at `text`: its length in bytes and its code point; 0 when none begins there. And
 * those that move, reverse or hide what stands beside them, as control characters do. */
size_t text_next(const char *text, uint32_t *code);
bool text_hides(uint32_t code);

/* Columns of a terminal that a character takes, 1 or 2 (UAX 11), and a text_safe() string. */
unsigned text_columns(uint32_t code);
unsigned text_width(const char *text);

/* A new string that is valid UTF-8: every wrong byte is U+FFFD. NULL when out of memory. Free it.
 */
char *text_utf8(const char *in);

/* The word a typo was meant to be, or NULL when none is near. Borrowed from `words`. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

#endif
