/* SPDX-License-Identifier: MIT
 *
 * record.h - the recorder itself: devices come and go, frames go to files, what was missed is said.
 */
#ifndef CAPTURE_RECORD_H
#define CAPTURE_RECORD_H

#include "settings.h"

/* How a recording ended: the exit code of mptcp-captured. Others are those of sysexits.h. */
enum record_exit {
	RECORD_CLEAN = 0,
	RECORD_DROPS = 3,      /* the kernel dropped frames: counted in the files */
	RECORD_LOST = 4,       /* frames could not be written: counted in the files, or here */
	RECORD_NEVER_SEEN = 5, /* an interface that was named never existed */
	RECORD_USAGE = 64,
	RECORD_INTERNAL = 70,
	RECORD_CANNOT_WRITE = 73,
	RECORD_DENIED = 77,
	RECORD_CONFIG = 78,
};

/*
 * Record until told to stop (TERM, INT), or until --count or --duration is reached. Forks: the
 * caller becomes the keeper, the child records. Messages go to standard error, frames into the
 * spool or to settings->output ("-" = descriptor 1). `argc`, `argv` are read again at HUP.
 * Returns an enum record_exit.
 */
int record_run(struct settings *settings, int argc, char **argv);

#endif
