/* SPDX-License-Identifier: MIT
 *
 * scrub.h - one frame in, the same frame without what it says of people out.
 *
 * What an audit rests on stays true: lengths on the wire, times, ports, flags, sequence numbers,
 * ICMP and MPTCP messages. What goes, or becomes something else (disguise.h):
 *
 *   payload              TCP, UDP and all else behind the headers is cut off; of ICMP the echo's
 *                        number stays, of ARP the disguised addresses
 *   addresses            Ethernet, IPv4, IPv6, in ADD_ADDR and ARP
 *   MPTCP keys           others; tokens, first DSNs, HMACs follow from them as the RFC wants, so
 *                        what belonged together still does, and a wrong HMAC stays wrong. DSNs,
 *                        DATA_ACKs and MP_FAIL move by the difference of the first DSNs
 *   checksums            of headers: right where they were right, wrong where they were wrong, not by
 *                        how much. Over payload: as if it were zeros, for a sum over two bytes tells
 *                        both. Of DSS over payload: 0
 *   options              contents of IP options, IPv6 extension headers and TCP options that no
 *                        audit reads: no-operation, padding, zeros
 *
 * Not hidden: ports, times, sizes, TCP time stamps, initial sequence numbers, IP ids, TTLs, window
 * sizes, nonces of joins, DSNs of connections whose keys nobody saw, flow labels, numbers of VLANs,
 * PPPoE sessions and interfaces: with a capture of the same traffic at hand they tell which is which.
 *
 * Any bytes in, never more out; reads and writes only what was captured.
 */
#ifndef DISSECT_SCRUB_H
#define DISSECT_SCRUB_H

#include "../capture/frame.h"
#include "disguise.h"
#include "kin.h"

struct scrub;

/* `kin` is sealed, and borrowed; its shifts are set here. NULL when out of memory. */
struct scrub *scrub_new(const uint8_t secret[DISGUISE_SECRET], struct kin *kin);
void scrub_free(struct scrub *scrub);

/* Changes the frame's bytes in place (frame->data == data) and returns how many of them stay. */
uint32_t scrub_frame(struct scrub *scrub, const struct frame *frame, uint8_t *data);

/* For what is said of the frames beside them. */
struct disguise *scrub_disguise(struct scrub *scrub);

#endif
