/* SPDX-License-Identifier: MIT
 *
 * sandbox.h - giving up what is not needed any more.
 *
 * Sources: capabilities(7), prctl(2), landlock(7), seccomp(2).
 */
#ifndef CAPTURE_SANDBOX_H
#define CAPTURE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Become `user` (NULL or "" = the default when root, else stay) and keep CAP_NET_RAW alone. For the
 * keeper, before it opens anything. 0 or -errno, and what failed in `message`: -EPERM also when
 * there is no CAP_NET_RAW to keep. Not started as root it may be ambient (systemd's User= with
 * AmbientCapabilities=), and then nothing else changes.
 */
int sandbox_keeper(const char *user, char *message, size_t size);

/*
 * For the recorder, before its first frame and its first thread: user, no capability, no new
 * privileges, no core dump, files only beneath `spool` (-1 = none at all; landlock where the kernel
 * has it), and a seccomp filter: no new program, no new socket, no new process; threads may start.
 * A signal at the parent's death (PR_SET_PDEATHSIG) stays, though the kernel forgets it when the
 * user changes. What the kernel cannot do is named in `lacking` ("landlock", "seccomp", "user",
 * several with a space between, "" = nothing); the rest failing is an error.
 */
int sandbox_recorder(const char *user, int spool, char *lacking, size_t lacking_size, char *message,
                     size_t size);

/* Who `user` is; false when there is no such user. NULL or "" is the default of root:
 * mptcp-captured where there is such a user, else nobody. */
bool sandbox_user(const char *user, unsigned *uid, unsigned *gid);

#endif
