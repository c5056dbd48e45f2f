/* SPDX-License-Identifier: MIT
 *
 * causes.h - what the bytes of a WAN were used for, under names that people know.
 *
 * Each billed frame has exactly one cause, so the causes of an account add up to what is billed, to
 * the byte. For the whole capture they are told apart by host and by rhythm as well; the judged
 * time keeps to what its cells say. The report's accounts must be summed before.
 */
#ifndef REPORT_CAUSES_H
#define REPORT_CAUSES_H

#include "report.h"

/* Which addresses are the VPS: report->vps. Those the site names, else the commonest servers of
 * MPTCP. */
void causes_find_vps(struct report *report);

/* Is the address of a peer one of them? False as well when none is known. */
bool causes_is_vps(const struct report *report, const struct ledger_peer_key *key);

/* Neither the VPS nor the gateway nor the tracker's: who is that? False when no VPS is known. */
bool causes_is_stranger(const struct report *report, const struct report_wan *wan,
                        const struct ledger_peer_key *key);

/* "203.0.113.9", "203.0.113.0/24" when the table was cut, "no address". Returns out. */
#define PEER_TEXT 56
const char *causes_peer_text(char out[PEER_TEXT], const struct ledger_peers *peers,
                             const struct ledger_peer_key *key);

/* The label of a peer's app, never NULL. */
const char *causes_app(const struct report *report, uint16_t app);

/* The tunnels: openvpn, wireguard, mlvpn, ... */
bool causes_is_vpn(const char *app);

/* All frames of a peer, whatever their direction. */
struct tally causes_peer_sum(const struct ledger_peer *peer);

/* Add the cause of one billed cell to an account, whose table has room for it. */
void causes_count(struct account *account, const struct report *report,
                  const struct ledger_cell *cell, bool backup);

/* How many more rows than cells an account's table needs. */
size_t causes_more(const struct ledger_wan *wan);

/* Tell apart by host and rhythm, say details, put in order. `whole`: the account is that of the
 * whole capture. */
void causes_finish(const struct report *report, struct report_wan *wan, struct account *account,
                   bool whole);

/* Is the cause something that is no user data: standby? */
bool causes_is_standby(const char *id);

/* The class most intervals fall in: its seconds (0 = longer than the last class), and how many of
 * how many. False: no interval was seen. */
bool causes_rhythm(const struct ledger_wan *wan, enum cadence cadence, unsigned from,
                   uint32_t *seconds, uint64_t *of_it, uint64_t *all);

/* Keepalives of the busier direction of a WAN, and how many subflows those are at a time. 0: not
 * known. */
uint64_t causes_idle_subflows(const struct report_wan *wan, uint32_t seconds);

#endif
