/* SPDX-License-Identifier: MIT
 *
 * cmd_live.h - what subcommands that look at the present share: interfaces or a spool in, a tail
 * and signals out.
 *
 * Speaks on standard error; standard output is the subcommand's.
 */
#ifndef REPORT_CMD_LIVE_H
#define REPORT_CMD_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../capture/tail.h"

#define LIVE_WORDS 160

struct settings;

struct live {
	const char *words[LIVE_WORDS]; /* the recorder's arguments; borrowed */
	int n_words;
	size_t interfaces;
	struct settings *settings; /* owned */
	struct tail *tail;         /* owned */
	int signals;               /* signalfd; -1 = none */
	bool devices;              /* -i, not a spool */
	uint64_t started_ns;       /* of the wall clock */
};

void live_init(struct live *live);
void live_release(struct live *live);

/* -i WORD. 0 or an exit code, already explained. */
int live_interface(struct live *live, const char *word);

/* Begin: all of -i, seen through `filter` (NULL = all); or a spool. From here on the signals INT,
 * TERM, HUP, WINCH and TSTP come through live->signals, and with -i this process has no privileges
 * any more. 0 or an exit code, already explained. */
int live_open_devices(struct live *live, const char *filter);
int live_open_spool(struct live *live, const char *directory);

/* The next signal, 0 = none. */
int live_signal(const struct live *live);

/* Wait for frames, a signal, or a key (`keys` >= 0), at most `wait_ms`. */
void live_wait(const struct live *live, int keys, int wait_ms);

/* The tail has ended: how did the recorder? 0 or an exit code, explained. */
int live_ended(const struct live *live);

/* The time of the wall clock, and one that never jumps, in ns. */
uint64_t live_now(void);
uint64_t live_mono(void);

#endif
