/* SPDX-License-Identifier: MIT
 *
 * run_settings.h - the section [run] of the INI file: what a scheduled pass reads and where it
 * tells.
 *
 * A row per word (run_settings.c). Opens no file but the one it is given.
 */
#ifndef REPORT_RUN_SETTINGS_H
#define REPORT_RUN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "message.h"

struct run_settings {
	/* owned; NULL = not told */
	char *input;   /* a store of follow, a spool, a directory of captures */
	char *uci;     /* the router's own configuration */
	char *reports; /* directory */
	char *metrics; /* textfile for Prometheus */
	char *history; /* database */
	char *notify;  /* for sh -c */

	bool days;        /* windows are days, else hours */
	uint32_t formats; /* bit i: formats[i] is written beside the JSON */
	enum language language;

	/* seconds; 0 = never, or none */
	uint64_t keep_s;      /* report files */
	uint64_t heartbeat_s; /* a notice at least so often */
	uint64_t limit_s;     /* of the hook */
	uint64_t settle_s;    /* captures: a window is closed when its end is that long past */
	uint64_t patience_s;  /* ... and told as overdue when it is that long past */
};

void run_settings_init(struct run_settings *settings);
void run_settings_release(struct run_settings *settings);

/* One word. False: message says why. */
bool run_settings_take(struct run_settings *settings, const char *key, const char *value,
                       char *message, size_t size);

/* All words of [run]; other sections are policy_load()'s and are passed over. `name` is for
 * messages. False: message says why. */
bool run_settings_load(struct run_settings *settings, FILE *file, const char *name, char *message,
                       size_t size);

#endif
