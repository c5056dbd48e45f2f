/* SPDX-License-Identifier: MIT
 *
 * filter.h - libpcap's filter language over saved frames, compiled once per link type.
 */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include "frame.h"

struct filter;

/* `text` is copied. NULL when out of memory. */
struct filter *filter_new(const char *text);
void filter_free(struct filter *filter);

/* Compile for a link type. False, and libpcap's words in `message`, when it does not compile. */
bool filter_prepare(struct filter *filter, uint16_t linktype, char *message, size_t size);

/* Does the frame match? A frame of a link type for which the filter does not compile does: it
 * cannot be judged. */
bool filter_passes(struct filter *filter, const struct frame *frame);

#endif
