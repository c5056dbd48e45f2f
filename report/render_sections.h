/* SPDX-License-Identifier: MIT
 *
 * render_sections.h - the long sections of the text report, each under its heading.
 */
#ifndef REPORT_RENDER_SECTIONS_H
#define REPORT_RENDER_SECTIONS_H

#include "page.h"

/* "whole capture", or "window": of which time sums are. Returns out. */
#define RENDER_EXTENT 40
const char *render_extent(const struct page *page, char out[RENDER_EXTENT]);

/* What the operator expects, and where that was said. */
void render_expected_text(const struct page *page);

/* What used each backup, by cause and by connection; without any backup, what used each WAN. */
void render_uses(const struct page *page);

/* What the rules say: failures first, and all there is to know about them. */
void render_findings(const struct page *page);

/* What was read, what was lost, and the time that is judged. */
void render_coverage(const struct page *page);

#endif
