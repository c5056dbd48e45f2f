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
#define SNAP_OTHER  160
#define SNAP_UNREAD 40
#define SNAP_MAX    262144

/*
 * Compile `filter` ("" = all) for `linktype` (enum frame_link) and let it return what to keep:
 * `keep` as in struct live_request. program->bf_insns is from malloc: snap_release(). False and one
 * sentence in `message` when the filter does not compile.
 *
 * With KEEP_HEADERS no byte of a TCP payload is kept, in whatever it is wrapped:
 *
 *   TCP                    link, IP with options or extension headers, TCP with options
 *   later fragments        of whatever protocol: link and IP
 *   ICMP errors            of the packet they quote: its IP header and 20 bytes
 *   tunnels                (IP in IP, GRE, ESP, VXLAN, MPLS ...) outer headers, and as much as the
 *                          inner IP header takes at least
 *   PPP logins             their kind; not the password
 *   all else               SNAP_OTHER bytes
 *   link types not known   SNAP_UNREAD bytes
 *
 * A frame that is cut or unsound is kept like its nearest sound kin; none is turned away for it.
 * The kernel takes the outermost VLAN tag off before the filter sees a frame: the word `vlan` finds
 * only tags within.
 */
bool snap_compile(struct bpf_program *program, const char *filter, uint16_t linktype, uint32_t keep,
                  char *message, size_t size);
void snap_release(struct bpf_program *program);

#endif
