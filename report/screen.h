/* SPDX-License-Identifier: MIT
 *
 * screen.h - the terminal while a view has it: alternate screen, no cursor, keys one by one; and
 * the terminal as it was before, however that ends.
 */
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct screen {
	int in, out;
	bool open, keys; /* keys: `in` is a terminal, too */
	struct termios before;
};

/* Both are terminals, or at least `out` is. False when it is not, or a dumb one (TERM): nothing was
 * done. */
bool screen_open(struct screen *screen, int in, int out);
/* Put everything back. May be called again. */
void screen_close(struct screen *screen);

/* 80x24 where the terminal does not say. */
void screen_size(const struct screen *screen, unsigned *columns, unsigned *rows);
/* All of it, at once. False when the terminal is gone. */
bool screen_write(const struct screen *screen, const char *bytes, size_t length);
/* The next key, 0 = none. */
int screen_key(const struct screen *screen);

/* Does the environment say that the terminal takes UTF-8? */
bool screen_utf8(void);

#endif
