/* SPDX-License-Identifier: MIT
 *
 * render_watch.h - what is watched, as a screen or as plain lines. Pure functions of struct watch:
 * no clock, no terminal, no environment.
 */
#ifndef REPORT_RENDER_WATCH_H
#define REPORT_RENDER_WATCH_H

#include <stdio.h>

#include "watch.h"

struct render_screen {
	unsigned columns, rows;
	bool colour, utf8;
};

/* A whole screen: from its upper left corner, every line cleared behind its text, no line feed
 * behind the last. Never writes more than `rows` lines of `columns` characters. */
void render_watch_screen(const struct watch *watch, const struct render_screen *screen, FILE *out);

/* A line per WAN: "2026-01-02T03:04:05Z wan wan1 key=value ...". Names hold no space. */
void render_watch_lines(const struct watch *watch, FILE *out);
/* The sums of each WAN, kind by kind: "total wan1 role=... frames=... payload=FRAMES,IP,PAYLOAD".
 */
void render_watch_totals(const struct watch *watch, FILE *out);
/* One event: "TIME event wan1 text". */
void render_watch_event(const struct watch *watch, const struct watch_event *event, FILE *out);
/* The sums for people, when the screen is gone. */
void render_watch_summary(const struct watch *watch, FILE *out);

#endif
