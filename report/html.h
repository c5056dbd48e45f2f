/* SPDX-License-Identifier: MIT
 *
 * html.h - a writer of HTML that cannot forget to escape.
 *
 * Markup is a literal of the program (H takes nothing else); all that comes from anywhere else goes
 * through a function that escapes it: characters with a meaning become entities, bytes that are not
 * UTF-8 become U+FFFD, characters that hide, move or reverse others are shown as their numbers.
 * Words are those of the page's language. Nothing is formatted by the C library's locale.
 *
 * Bounded: what a page lists asks h_room() and stops, saying how much is left out.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message.h"

/* No list goes on behind this; what follows the lists is a few kB. */
#define HTML_LIMIT 900000

struct html {
	FILE *out;
	uint64_t bytes; /* written so far */
	struct telling how;
	unsigned ids; /* for ids that must differ */
};

/* Markup. Literals only: "" before it makes anything else an error. */
#define H(h, literal) h_markup(h, "" literal)
void h_markup(struct html *h, const char *markup);

void h_text(struct html *h, const char *text);
/* The same, its tail replaced by "..." behind `columns` characters. */
void h_short(struct html *h, const char *text, unsigned columns);

/* ` name="value"`; the name is a literal. */
void h_attr(struct html *h, const char *name, const char *value);

void h_num(struct html *h, uint64_t number);                   /* "1,234,567" */
void h_digits(struct html *h, uint64_t number);                /* "1234567": attributes, filters */
void h_tenths(struct html *h, uint64_t tenths);                /* "123.4": coordinates */
void h_bytes(struct html *h, uint64_t bytes);                  /* "1.23 MB" */
void h_exact(struct html *h, uint64_t bytes);                  /* "1.23 MB (1,234,567 B)" */
void h_share(struct html *h, uint64_t part, uint64_t of);      /* "12.3 %" */
void h_real(struct html *h, double value);                     /* five figures */
void h_moment(struct html *h, uint64_t ns);                    /* by the site's clocks */
void h_span(struct html *h, uint64_t from_ns, uint64_t to_ns); /* the same, of a time */
void h_duration(struct html *h, uint64_t ns);

/* "5 min", "24 h": a duration without the parts that are 0. Returns out. */
#define H_DURATION 40
const char *h_duration_text(char out[H_DURATION], uint64_t ns);

/* A message in words; one with parts (each part a message, or safe text: message.h). */
void h_message(struct html *h, const char *message);
#define H_SAY(h, id, ...) h_say(h, MESSAGE_##id, (const char *const[]){"", ##__VA_ARGS__, NULL} + 1)
void h_say(struct html *h, enum message message, const char *const *parts);

/* Is there room for one more of a list? */
static inline bool h_room(const struct html *h)
{
	return h->bytes < HTML_LIMIT;
}

#endif
