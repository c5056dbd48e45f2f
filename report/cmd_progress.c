/* SPDX-License-Identifier: MIT
 *
 * cmd_progress.c - see cmd_progress.h.
 */
#include "cmd_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../capture/source.h"
#include "text.h"

#define NS        UINT64_C(1000000000)
#define BEGIN_NS  NS       /* what is done sooner needs no line */
#define REDRAW_NS (NS / 5) /* a reader's eyes are no faster */
#define ERASE     "\r\033[K"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

void progress_begin(struct progress *progress, enum language language)
{
	const char *term = getenv("TERM");

	*progress = (struct progress){
		.terminal = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0),
		.language = language,
		.start_ns = now_ns(),
	};
}

const char *progress_words(char *out, size_t out_size, enum language language, uint64_t read,
                           uint64_t size, uint64_t frames, uint64_t ns)
{
	const struct telling how = {.language = language};
	char done[TEXT_SHORT], all[TEXT_SHORT], count[TEXT_SHORT], rate[TEXT_SHORT],
		percent[TEXT_SHORT], message[300];
	double seconds = (double)(ns ? ns : 1) / (double)NS;

	text_bytes(done, read);
	text_count(count, frames);
	text_bytes(rate, (uint64_t)((double)read / seconds));
	if (size) {
		snprintf(percent, sizeof(percent), "%.0f %%", 100.0 * (double)read / (double)size);
		SAY_IN(message, progress_of, done, text_bytes(all, size), percent, count, rate);
	} else {
		SAY_IN(message, progress_so_far, done, count, rate);
	}
	return message_words(out, out_size, message, &how);
}

/* A line that is broken could not be erased. */
static bool fits(const char *words)
{
	struct winsize window;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 ||
	       text_width(words) < window.ws_col;
}

void progress_step(struct progress *progress, const struct source *source)
{
	char words[400];
	uint64_t now, read, size;

	progress->frames += PROGRESS_FRAMES;
	if (!progress->terminal)
		return;
	now = now_ns();
	if (now - progress->start_ns < BEGIN_NS || now - progress->drawn_ns < REDRAW_NS)
		return;
	progress->drawn_ns = now;
	source_progress(source, &read, &size);
	progress_words(words, sizeof(words), progress->language, read, size, progress->frames,
	               now - progress->start_ns);
	if (!fits(words))
		return;
	progress->shown = true;
	fprintf(stderr, ERASE "%s", words);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (!progress->shown)
		return;
	progress->shown = false;
	fputs(ERASE, stderr);
	fflush(stderr);
}
