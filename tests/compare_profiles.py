#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_profiles.py - what each capture with truth, shared or our own, must come to under each profile, argued line by line.

A row is: what economy may say, what reliability may say, findings that must stand in both, and why. Where the story decides, one
verdict is allowed; where it leaves room (a threshold of seconds in a capture of a minute), several are, and `why` says what
rules out the others. A row is argued from scenario, roles and truth, never from what the program says.
"""
import json
import os
import sys

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
NOT_FAIL = ("pass", "warn", "not_assessed")
CALM = ("pass",)
# Two masters and no copies: right for economy, not what reliability wants.
NO_COPIES = ("warn",)

TABLE = {
    "6.1/01-backup-idle": (CALM, CALM, (("A1", "wan2", "pass"), ("A6", "wan2", "pass")),
                           "one master carries all; one primary, so copies cannot be wanted of it"),
    "6.1/02b-failover-blackhole": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"), ("A1", "wan2", "pass"), ("A12", "wan2", "pass")),
                                   "20 s of outage is what a backup is for; data went back 9.5 s after wan1 answered, "
                                   "sooner than 30 s, and what they used till then is told by A12, not by the share"),
    "6.1/20-vlan": (CALM, CALM, (("A1", "wan2", "pass"),), "01 with a tag"),
    "6.1/21-pppoe": (NOT_FAIL, NOT_FAIL, (), "the backup idles; the inner device is captured too, so not all is comparable"),
    "6.18/01-backup-idle": (CALM, CALM, (("A1", "wan2", "pass"), ("A1", "wan3", "pass"), ("A7", "wan2", "pass"),
                                                 ("A8", "wan2", "pass"), ("A9", "wan2", "pass")), "the healthy case"),
    "6.18/02a-failover-linkdown": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"),),
                                   "carrier loss, seen in the packets; traffic returned within the capture"),
    "6.18/02c-failover-omr": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"),), "the same, endpoints as OpenMPTCProuter sets them"),
    "6.18/03b-both-master-light": (CALM, NO_COPIES, (("A1", "wan3", "pass"),), "two masters share, the backup idles, no copies"),
    "6.18/06b-misconfigured-light": (("fail",), ("fail",), (("A6", "wan2", "fail"), ("A1", "wan2", "pass")),
                                     "wan2 is no backup for the kernel: its joins lack the flag; no byte shows it yet"),
    "6.18/07-tcp-fallback": (("fail",), ("fail",), (("A23", "wan1", "fail"),), "no MPTCP, so no backup at all"),
    "6.18/07b-strip-on-backup": (("fail",), ("fail",), (("A23", "wan2", "fail"), ("A9", "wan2", "fail"), ("A9", "wan3", "pass")), "the backup cannot be joined"),
    "6.18/08-ipv6": (CALM, CALM, (("A1", "wan2", "pass"),), "01 on IPv6"),
    "6.18/09-mp-prio": (("fail",), ("fail",), (("A6", "wan2", "warn"), ("A3", "wan2", "fail")),
                        "for 8 s the role was taken away: told by MP_PRIO; its bytes went beside a healthy master"),
    "6.18/10-background": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"), ("A3", "wan3", "pass")),
                           "pings, DNS and a small page are not the user's MPTCP traffic: not a broken role"),
    "6.18/11-offload": (CALM, CALM, (("A1", "wan2", "pass"),), "super-frames, and the backup idles"),
    "6.18/12-long-idle-5min": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"),),
                               "keepalives exceed a share of almost nothing: a ratio must not fail there"),
    "6.18/13-dss-checksum": (CALM, NO_COPIES, (("A1", "wan3", "pass"),), "as 03b"),
    "6.18/14c-loss-heavy-backup": (("warn",), ("warn",), (("A3", "wan2", "warn"), ("A3", "wan3", "warn")),
                                   "the primary is bad, the backups helped: not their fault, and not fine either"),
    "6.18/15-mid-capture": (NOT_FAIL, NOT_FAIL, (("A1", "wan2", "pass"),), "the backup idles; its handshakes were not seen"),
    "6.18/16-add-addr-fullmesh": (CALM, CALM, (("A1", "wan2", "pass"),), "more subflows, all flagged, all idle"),
    "6.18/17b-initial-on-backup-noprio": (("fail",), ("fail",), (("A3", "wan2", "fail"), ("A8", "wan2", "fail")),
                                          "connections begin on the backup and stay: the kernel was told nothing of it"),
    "6.18/18-no-keepalive": (NOT_FAIL, NOT_FAIL, (("A1", "wan2", "pass"),), "idle; 10 s of silence prove nothing"),
    "6.18/22-any-capture": (CALM, CALM, (("A1", "wan2", "pass"),), "01, captured twice"),
    "v0-5.4/01-backup-idle": (CALM, CALM, (("A1", "wan2", "pass"),), "01 on version 0"),
    "v0-5.4/02a-failover-linkdown": (NOT_FAIL, NOT_FAIL, (("A3", "wan2", "pass"),), "as on 6.18"),
    "v0-5.4/03c-both-master-checksum": (CALM, NO_COPIES, (("A1", "wan3", "pass"),), "as 03b"),
    "v0-5.4/04-redundant": (("warn",), CALM, (("A5", "wan3", "pass"), ("A1", "wan3", "pass")),
                            "copies on both masters: half the bytes for nothing, or just what was wanted; v0 keeps the backup out of it"),
    "v0-5.4/05-roundrobin": (("fail",), ("fail",), (("A3", "wan3", "fail"), ("A6", "wan3", "pass")),
                             "its scheduler ignores the flag that its joins carry"),
}


# Our own recordings of outages and of backups that are not ready: fixtures/<name>, with a story.md each.
OURS = {
    "failover": (NOT_FAIL, NOT_FAIL, (("A10", "wan2", "pass"), ("A12", "wan2", "pass"), ("A3", "wan2", "pass")),
                 "carrier loss; over within a third of a second, and back at once: what a backup is for"),
    "failback-late": (("warn",), ("warn",), (("A12", "wan2", "warn"), ("A3", "wan2", "pass")),
                      "46 s on the backup after wan1 answered again: more than 30 s, less than the outage of 60 s that it follows"),
    "failback-never": (("fail",), ("fail",), (("A12", "wan2", "fail"), ("A3", "wan2", "pass"), ("A10", "wan2", "pass")),
                       "a failback that never comes must fail, though each byte beside it had its excuse"),
    "failover-slow": (("fail",), ("fail",), (("A10", "wan2", "fail"), ("A11", "wan2", "fail")),
                      "22 s until the backup took over, 33 s for new connections: neither profile can want that"),
    "dead-standby": (("fail",), ("fail",), (("A14", "wan2", "fail"), ("A14", "wan3", "pass"), ("A10", "wan3", "pass")),
                     "one of two backups was dead when it was needed; the other one was not"),
    "never-joined": (("fail",), ("fail",), (("A9", "wan2", "fail"),), "no connection can fail over to it, however little it costs"),
    "opened-on-backup": (("fail",), ("fail",), (("A8", "wan2", "fail"), ("A3", "wan2", "fail")),
                         "a connection lives on the backup beside a healthy master"),
    "reconnects": (("fail",), ("fail",), (("A20", "wan2", "fail"), ("A3", "wan2", "pass")),
                   "40 connections to the API are no traffic of a user, and no router should make them"),
    "pings-lost": (("not_assessed",), ("not_assessed",), (("A25", "wan1", "pass"), ("A12", "wan2", "not_applicable")),
                   "one outage in which nothing was under way: no fault, and too little traffic to judge a share"),
    "flapping": (("warn",), ("warn",), (("A25", "wan1", "warn"),), "five outages of the master in a minute, known by pings alone"),
}


def findings(got):
    return {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}


def compare(suite, root, folder, table):
    name = os.path.relpath(folder, root)
    with open(os.path.join(folder, "truth.json"), encoding="utf-8") as file:
        truth = json.load(file)
    roles = {wan: oracle.role_word(role) for wan, role in truth["roles"].items()}
    files = oracle.capture_files(folder, roles)
    with suite.check(f"{name} profiles") as check:
        check.true(f"{name} has no row", name in table)
        economy, reliability, rows, why = table[name]
        for profile, allowed in (("economy", economy), ("reliability", reliability)):
            got, _ = oracle.report(files, roles, "--profile", profile)
            bad = [(f["rule"], f["wan"], f["status"]) for f in got["findings"] if f["status"] in ("fail", "warn")]
            check.true(f"{profile} says {got['verdict']} ({bad}), not one of {allowed}: {why}", got["verdict"] in allowed)
            for rule, wan, status in rows:
                check.same(f"{profile} {rule} {wan}", findings(got).get((rule, wan)), status)


def main(names):
    suite = oracle.Suite("profiles")
    oracle.need_program(suite)
    for name in OURS:
        if not names or any(word in name for word in names):
            compare(suite, FIXTURES, os.path.join(FIXTURES, name), OURS)
    root = os.path.join(os.environ.get("MPTCP_AUDIT_SHARED", os.path.join(oracle.HERE, "..", "..", "shared")), "captures", "truth")
    if not os.path.isdir(root):
        suite.absent("captures", "the shared captures are not here (MPTCP_AUDIT_SHARED names their folder)")
        return suite.end()
    for folder in oracle.folders_with_truth(root):
        if not names or any(name in folder for name in names):
            compare(suite, root, folder, TABLE)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
