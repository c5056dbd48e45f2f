/* SPDX-License-Identifier: MIT
 *
 * control.h - a unix socket that answers: one JSON object per line in, one out.
 *
 *     {"command": "status"}   {"command": "rotate"}   {"command": "flush"}   {"command": "stop"}
 *     {"command": "metrics"}  answers with Prometheus text, then closes
 *
 * Clients are strangers: at most 8 at once, lines of at most 4 KiB, never waited for.
 */
#ifndef CAPTURE_CONTROL_H
#define CAPTURE_CONTROL_H

#include <jansson.h>

struct control;

/* Listen at `path` (mode 0660), removing a socket that nobody listens on. NULL and -errno:
 * -EADDRINUSE somebody listens there, -EEXIST it is another kind of file, -ENAMETOOLONG (a socket's
 * path has at most 107 bytes). While no second thread runs: sets the umask for a moment. */
struct control *control_open(const char *path, int *error);
/* Removes the socket, if it is still this one. */
void control_close(struct control *control);

/* To poll (an epoll descriptor of the listener and its clients). */
int control_fd(const struct control *control);

/* What the recorder does with a command. Answers an object that control takes over (steals), or
 * sets *text to a string from malloc that is sent as it is. NULL and no text: unknown command. */
typedef json_t *control_answer(void *context, const char *command, char **text);
void control_serve(struct control *control, control_answer *answer, void *context);

/* The other side: send {"command": WORD} to a recorder at `path`, copy its answer to the descriptor
 * `out`. 0 or -errno: -ENOENT, -ECONNREFUSED no recorder there, -ETIMEDOUT no answer in 5 s. */
int control_request(const char *path, const char *command, int out);

#endif
