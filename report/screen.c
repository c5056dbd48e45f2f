/* SPDX-License-Identifier: MIT
 *
 * screen.c - see screen.h. Sources: console_codes(4), termios(3), ioctl_tty(2).
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char enter[] = "\033[?1049h\033[?25l\033[H\033[2J";
static const char leave[] = "\033[0m\033[?25h\033[?1049l";

bool screen_write(const struct screen *screen, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(screen->out, bytes, length);
		if (written < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = screen->out, .events = POLLOUT};
			poll(&wait, 1, 1000);
			continue;
		}
		if (written < 0 && errno != EINTR)
			return false;
		if (written < 0)
			continue;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

bool screen_open(struct screen *screen, int in, int out)
{
	const char *kind = getenv("TERM");
	struct termios raw;

	*screen = (struct screen){.in = in, .out = out};
	if (!isatty(out) || !kind || !*kind || strcmp(kind, "dumb") == 0)
		return false;
	/* in the background (timeout(1) puts its command there) touching the terminal would stop us
	 */
	screen->keys =
		isatty(in) && tcgetpgrp(in) == getpgrp() && tcgetattr(in, &screen->before) == 0;
	if (screen->keys) {
		raw = screen->before;
		raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* signals of keys stay */
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		tcsetattr(in, TCSADRAIN, &raw);
	}
	screen->open = true;
	screen_write(screen, enter, sizeof(enter) - 1);
	return true;
}

void screen_close(struct screen *screen)
{
	if (!screen->open)
		return;
	screen->open = false;
	screen_write(screen, leave, sizeof(leave) - 1);
	if (screen->keys)
		tcsetattr(screen->in, TCSADRAIN, &screen->before);
}

void screen_size(const struct screen *screen, unsigned *columns, unsigned *rows)
{
	struct winsize size = {0};

	ioctl(screen->out, TIOCGWINSZ, &size);
	*columns = size.ws_col ? size.ws_col : 80;
	*rows = size.ws_row ? size.ws_row : 24;
}

int screen_key(const struct screen *screen)
{
	unsigned char key;

	if (!screen->keys || read(screen->in, &key, 1) != 1)
		return 0;
	return key;
}

bool screen_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}
