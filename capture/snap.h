/* SPDX-License-Identifier: MIT
 *
 * snap.h - the kernel filter: which frames pass, and how many bytes of each are kept.
 *
 * A classic BPF program returns the length to keep. So what should never reach the disk - what
 * people send and receive - is never even copied to us. Source: linux/Documentation/networking/
 * filter.rst; header layouts RFC 791, 8200, 9293, 2516, 4443.
 */
#ifndef CAPTURE_SNAP_H
#define CAPTURE_SNAP_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes kept of a frame that is not TCP: enough for ICMP, DNS questions, DHCP's fixed part. */
#define SNAP_OTHER 160
#define SNAP_MAX   262144

/*
 * Compile `filter` ("" = all) for `linktype` (enum frame_link) and let it return what to keep:
 * `keep` as in struct live_request. With headers, of TCP: link, IP (with options or extension
 * headers), TCP with options, never a byte behind; of later fragments of TCP, of tunnels and of
 * ICMP errors (they quote packets): headers only. program->bf_insns is from malloc: snap_release().
 * False and one sentence in `message` when the filter does not compile.
 */
bool snap_compile(struct bpf_program *program, const char *filter, uint16_t linktype, uint32_t keep,
                  char *message, size_t size);
void snap_release(struct bpf_program *program);

#endif
