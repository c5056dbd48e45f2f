/* SPDX-License-Identifier: MIT
 *
 * keeper.h - the one process that may open devices, and how the recorder asks it to.
 *
 * The keeper holds CAP_NET_RAW and nothing else; it opens captures of devices that match what the
 * operator configured, with the filter and length that were configured, and passes them over a
 * socket. It never reads a frame. The recorder, that reads every frame, cannot open anything.
 * It passes signals on: TERM, INT, USR1; at HUP it reads the configuration again and sends it (when
 * that is wrong it says so on standard error, and all stays as it was).
 */
#ifndef CAPTURE_KEEPER_H
#define CAPTURE_KEEPER_H

#include "live.h"
#include "settings.h"

struct keeper; /* the recorder's end of the socket */

/*
 * Fork. In the child: returns the recorder's end; it is sent TERM when the keeper is killed. In the
 * parent: gives up all but CAP_NET_RAW (sandbox.h), serves until the child ends, then returns NULL
 * with *status, the child's wait status; when the keeper could not take its place it says why, ends
 * the child, and *status is that of RECORD_DENIED or RECORD_INTERNAL. `argc`, `argv` are to read
 * again at HUP. *settings is the keeper's, and changes then.
 */
struct keeper *keeper_fork(struct settings *settings, int argc, char **argv, int *status);
void keeper_free(struct keeper *keeper);

/* To poll; keeper_read() when readable. */
int keeper_fd(const struct keeper *keeper);

/* Ask; the answer comes later, with the same `ticket`. 0 or -errno: -EPIPE the keeper is gone,
 * -EAGAIN too much was asked at once, read answers first. Only request->device counts: it must
 * match what is configured, and all else comes from there. A ticket is in use until it is closed.
 */
int keeper_ask_open(struct keeper *keeper, uint32_t ticket, const struct live_request *request);
/* Stop arrivals on what was opened under the ticket (live_quiet), then answer. */
int keeper_ask_quiet(struct keeper *keeper, uint32_t ticket);
/* Forget it. No answer. */
int keeper_ask_close(struct keeper *keeper, uint32_t ticket);

enum keeper_word { KEEPER_NOTHING, KEEPER_OPENED, KEEPER_REFUSED, KEEPER_QUIET, KEEPER_SETTINGS };
struct keeper_answer {
	enum keeper_word word;
	uint32_t ticket;
	struct live_prepared prepared; /* OPENED: descriptors are the caller's */
	int error;                     /* REFUSED: -errno */
	char message[256];             /* REFUSED: why */
	struct settings *settings;     /* SETTINGS: the new ones, the caller's */
};
/* One answer, KEEPER_NOTHING when there is none yet. 0 or -errno (-EPIPE). */
int keeper_read(struct keeper *keeper, struct keeper_answer *answer);

#endif
