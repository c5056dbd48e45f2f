/* SPDX-License-Identifier: MIT
 *
 * verdict.h - the rules: what each looks at, and what all of them together say.
 *
 * A rule reads a report whose accounts are filled and adds findings: one per backup WAN (or per
 * WAN) it speaks of. Only cells inside the time all captures share are judged; events and counters
 * have no time of their own and count over the whole capture, which their sentences say. Every
 * number stands in the finding with its limit.
 *
 * What the rules decide, where domain knowledge left room:
 *  A1  payload share = billed IP bytes of carrying frames / billed IP bytes of all primaries;
 * standby = the rest. Outside: local traffic, capture duplicates and, on the backup, subflow frames
 * in an outage of all primaries (shown apart). What only exceeds the limit with the frames carried
 * while the primary was bad warns of the primary. ACKs say nothing about an outage themselves: the
 * part of the backup's ACK bytes that matches the part of its carrying frames in an outage is taken
 * out of standby, and called an estimate. A2  the day's projection needs a window of an hour; a
 * budget already exceeded in less time is proven anyway. A3  first-seen payload bytes of subflows
 * on a backup, by phase, against first-seen payload of all WANs. healthy: judged. A few KB cross
 * over at each switch, so once an outage or a return was seen on this backup, `switch_bytes` are
 * allowed beside the share (never beside the absolute limit). degraded: warn, the primary is bad.
 * after: reported with A3's numbers, judged by no limit of A3. outage: what a backup is for.
 * unknown (the connection had no primary subflow in sight): nobody can say, so above the same
 * limits the rule is not assessed. Plain and fallback TCP have no circumstance: A1 counts them, A3
 * does not. A6  compares the configured role with what the WAN's own side asked for (B of its
 * JOINs, MP_PRIO). The far side's B bit is no sign: today's Linux server answers B=0 to a client's
 * B=1. A27 is never fail: a capture is whole, or what rests on it is not assessed; it warns of what
 * its recorder warned of. Time in which a recorder did not run, or could not write, is as lost as
 * frames are; time in which a device was absent or down is not: that much is known. Where nothing
 * is filtered and no frame stands for several, the kernel's own counters say whether all passed by
 * the capture. A29 judges the time in which the WAN was there and recorded. It fails only when
 * traffic was certain: the other WANs lived through the silence and the tracker had pinged on this
 * WAN, or a subflow with keepalives lasted from before it until after it. A primary's capture that
 * goes on for longer than the limit without the backup's is a silence or a recording that stopped:
 * not assessed. A backup that was absent or down all the time warns: there was none.
 *
 * A7 is about one direction: data both ways beside a healthy primary are a scheduler's doing, and
 * A3's. A8 leaves out connections opened in an outage of a primary and in the minute after it, when
 * the route may still be away. A9 counts connections whose opening was seen and that lasted two
 * seconds. A10 to A13 judge what happened while all captures ran: the end of a capture looks like a
 * silence. A12 judges by the lag. Data that never went back have none: it fails when they stayed
 * until their connection ended, for longer than the primary had been out. What a backup carried
 * after the return is then A12's and left out of A1, as outages are: its length has limits of its
 * own. A25 joins what packets show with the recorder's marks of an absent or downed device.
 *
 * What the configuration makes certain adds findings only where there is something to say, under
 * the ids of the checks it belongs to: an expected WAN that nobody captured is not assessed (A27);
 * a scheduler that ignores the backup flag, or MPTCP switched off, warns, and so does a role that a
 * recording tells otherwise (A6), as do a router's kernel from before the backup fix with a
 * server's from after it (A7) and kernels of both ends that speak different versions (A23). Copies
 * on the primaries warn or pass by the profile (A5). A26 takes the rate of the judged time for the
 * whole billing period that holds its end; it fails only from a day's window on, or when the plan
 * is used up already: an hour may hold a speed test. E1 sets what a backup carried against what the
 * counted traffic should cost (expected.h); it warns when much is unexplained, and never fails: A1,
 * A3 and others say whose fault it is. E2 only speaks when the carrier's bill was given; time that
 * was not recorded is estimated at the rate of the rest, and said to be.
 *
 * Overall: fail > warn > not_assessed > pass. Pass needs, for each backup, A1 or A2, and A3, A27
 * and A29, assessed and passed or not applicable. Roles that were only proposed make warn of pass.
 */
#ifndef REPORT_VERDICT_H
#define REPORT_VERDICT_H

#include "message.h"
#include "report.h"

struct rule {
	const char *id;
	enum message title, why;
	/* Adds its findings; false when out of memory. */
	bool (*judge)(struct report *report, const struct rule *rule);
};

extern const struct rule verdict_rules[];
extern const size_t verdict_n_rules;

/* Run all rules, then fill report->verdict and report->sentence. False when out of memory. */
bool verdict_judge(struct report *report);

/* The overall verdict of the findings as they stand. */
enum status verdict_overall(const struct report *report);

/* ---- for the rules ---- */

/* A new finding of a rule about a WAN (-1: none), NOT_ASSESSED until someone knows better. NULL:
 * out of memory. */
struct finding *verdict_add(struct report *report, const struct rule *rule, int wan);

/* What was observed against which limit. A denominator of 0 with unit "ratio" observes nothing. */
void verdict_observe(struct finding *finding, const char *unit, uint64_t numerator,
                     uint64_t denominator);
void verdict_limit(const struct report *report, struct finding *finding, enum limit limit);
void verdict_part(struct finding *finding, const char *name, uint64_t numerator,
                  uint64_t denominator);

/* Name the frames that show it: the earliest of the cells that `match` wants, or of an event. */
void verdict_show_cells(const struct report *report, struct finding *finding,
                        bool (*match)(const struct report *report, const struct ledger_cell *cell),
                        enum message note);
void verdict_show_event(struct finding *finding, const struct ledger_event *event,
                        enum message note);
void verdict_show_place(struct finding *finding, const struct evidence_frame *frame,
                        enum message note);

/* "wan2 used 1.87 kB in the whole capture, 54.70 % of it keepalives and their answers.", or "". */
void verdict_say_use(const struct report *report, int wan, char *out, size_t size);

/* The rules that look at what a backup carried, and those that look at links and captures. */
bool rule_share(struct report *report, const struct rule *rule);
bool rule_budget(struct report *report, const struct rule *rule);
bool rule_healthy(struct report *report, const struct rule *rule);
bool rule_redundant(struct report *report, const struct rule *rule);
bool rule_signalling(struct report *report, const struct rule *rule);
bool rule_role(struct report *report, const struct rule *rule);
bool rule_expected(struct report *report, const struct rule *rule);
bool rule_projection(struct report *report, const struct rule *rule);
bool rule_bill(struct report *report, const struct rule *rule);
bool rule_stripped(struct report *report, const struct rule *rule);
bool rule_whole(struct report *report, const struct rule *rule);
bool rule_silence(struct report *report, const struct rule *rule);
bool rule_untold(struct report *report, const struct rule *rule);

/* What the configuration makes certain: they add findings only where there is something to say. */
bool rule_captured(struct report *report, const struct rule *rule);
bool rule_role_over_time(struct report *report, const struct rule *rule);
bool rule_configured(struct report *report, const struct rule *rule);
bool rule_kernels(struct report *report, const struct rule *rule);
bool rule_backup_fix(struct report *report, const struct rule *rule);
bool rule_copies(struct report *report, const struct rule *rule);

/* The rules that look at what happened when a primary went out. */
bool rule_failover(struct report *report, const struct rule *rule);
bool rule_opening(struct report *report, const struct rule *rule);
bool rule_failback(struct report *report, const struct rule *rule);
bool rule_stall(struct report *report, const struct rule *rule);
bool rule_outages(struct report *report, const struct rule *rule);

/* The rules that look at whether a backup is held ready and left alone. */
bool rule_uplink(struct report *report, const struct rule *rule);
bool rule_initial(struct report *report, const struct rule *rule);
bool rule_ready(struct report *report, const struct rule *rule);
bool rule_dead(struct report *report, const struct rule *rule);
bool rule_one_sided(struct report *report, const struct rule *rule);

/* One finding per backup, filled by `judge`, which gets the WAN's name safe to print; without a
 * time that all captures share it says so instead. */
bool verdict_each_backup(struct report *report, const struct rule *rule,
                         void (*judge)(const struct report *report, struct finding *finding,
                                       const char *name));

/* One of the ledger's interruptions in a sentence. False: it is not of a primary, or not of the
 * time that is judged. */
bool verdict_say_interruption(const struct report *report, size_t index, char *out, size_t size);

/* A capture of the inner side (A28): by the names and devices OpenMPTCProuter gives, or by the LAN
 * the site tells. It is no WAN to be judged as one. */
bool verdict_is_inner(const struct report *report, const struct report_wan *wan);

/* A12 measured how long data stayed on a backup after their primary had come back: what they used
 * then is its business, not that of a share. */
bool verdict_failback_seen(const struct report *report);

/* Those that look at what the bytes of a backup were, and whose. */
bool rule_reinjection(struct report *report, const struct rule *rule);
bool rule_keepalive(struct report *report, const struct rule *rule);
bool rule_tracker(struct report *report, const struct rule *rule);
bool rule_proxy_check(struct report *report, const struct rule *rule);
bool rule_bulk(struct report *report, const struct rule *rule);
bool rule_reconnect(struct report *report, const struct rule *rule);
bool rule_strangers(struct report *report, const struct rule *rule);
bool rule_vpn(struct report *report, const struct rule *rule);
bool rule_local(struct report *report, const struct rule *rule);
bool rule_inner(struct report *report, const struct rule *rule);

#endif
