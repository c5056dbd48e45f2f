/* SPDX-License-Identifier: MIT
 *
 * inquiry.h - questions that show whether a WAN lives: pings, DNS queries, new TCP connections.
 *
 * Trackers ask on each WAN for ever, also where nothing else passes (omr-tracker: ping of TOS 0xB8,
 * or dig, or httping). Questions that nobody answers, on a WAN of which nothing else is heard
 * either, are put before health.h as asked in vain. A host that never answered on a WAN asks
 * nothing of it; neither does local traffic. Knows no judgement: what many questions in vain mean
 * stands in health.h.
 */
#ifndef DISSECT_INQUIRY_H
#define DISSECT_INQUIRY_H

#include "decode.h"
#include "health.h"

#define INQUIRY_HOSTS 8 /* of a WAN; who was asked longest ago makes room */

struct inquiry_host {
	uint8_t addr[16];  /* IPv4 in the first four */
	uint8_t family;    /* 0 = nobody */
	uint8_t question;  /* enum question, see inquiry.c */
	uint16_t port;     /* of TCP */
	bool answered;     /* at least once */
	uint64_t asked_ns; /* last */
};

struct inquiries {
	struct hearing *hearing;
	struct inquiry_host hosts[LEDGER_WANS_MAX][INQUIRY_HOSTS];
};

/* A packet of another protocol than TCP passed, or a SYN or its answer; before health_hear(). */
void inquiry_pass(struct inquiries *inquiries, const struct segment *segment,
                  const struct ledger_entry *entry);

/* For state.h. */
void inquiries_save(const struct inquiries *inquiries, size_t n_wans, struct state_out *out,
                    uint64_t seen_ns);
void inquiries_load(struct inquiries *inquiries, size_t n_wans, struct state_in *in,
                    uint64_t seen_ns);

#endif
