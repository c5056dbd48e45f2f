#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_truth.py - audits the shared captures and compares with kernel counters, nstat, ss, application byte counts and
a reference count of the same rules. Every difference that remains stands in a table below with its reason.

The captures are not part of the project: $MPTCP_AUDIT_SHARED (default ../shared) names their place; without them the
checks are skipped, visibly.
"""
import ipaddress
import json
import os
import sys

import oracle
from oracle import FIELDS

# capture minus kernel, in bytes: {scenario: {wan: (bytes, why)}}
KERNEL = {
    "6.18/08-ipv6": {wan: (n, "neighbour discovery before the counters were read")
                     for wan, n in (("wan1", 520), ("wan2", 300), ("wan3", 370))},
    "6.18/15-mid-capture": {wan: (n, "counters cover the connection, the capture a part of it")
                            for wan, n in (("wan1", -8048765), ("wan2", -5252), ("wan3", -5252))},
    "6.1/02b-failover-blackhole": {"wan1": (84, "ARP before the counters were read")},
    "6.1/20-vlan": {"wan1": (43704, "4 bytes of VLAN tag on each of 10926 frames, which the device counts without")},
    "6.1/21-pppoe": {"wan1": (120, "four PPP control frames before the counters were read")},
    "v0-5.4/02a-failover-linkdown": {wan: (84, "ARP before the counters were read")
                                     for wan in ("wan1", "wan2", "wan3")},
}

# WANs that carry nothing but an ARP question and its answer: neither says which side is ours
NO_SIDES = {"6.18/07-tcp-fallback": ("wan2", "wan3")}

# program minus nstat, in keepalives: {scenario: {direction: (count, why)}}
KEEPALIVES = {}

# {scenario: why its payload cannot be compared with what the programs counted}
NO_APP_BYTES = {
    "6.18/15-mid-capture": "the capture holds a part of the connections",
}

# Differences to the reference count, each looked at frame by frame: {(scenario, wan, direction, kind): why}
REFERENCE = {}


def scenario_files(folder, truth):
    return oracle.capture_files(folder, truth["roles"])


def check_reference(check, name, got, reference):
    """Each kind of each WAN and direction, four numbers each."""
    wans = oracle.wans_of(got)
    for wan, want in reference["wans"].items():
        if wan not in wans:
            check.true(f"{wan} is missing", False)
            continue
        for direction in oracle.DIRECTIONS:
            kinds = set(want.get(direction, {})) | set(wans[wan].get(direction, {}))
            for kind in sorted(kinds):
                one, two = oracle.cell(wans[wan], direction, kind), oracle.cell(want, direction, kind)
                if one == two:
                    check.compared += len(FIELDS)
                elif (name, wan, direction, kind) in REFERENCE:
                    check.explain(REFERENCE[name, wan, direction, kind])
                else:
                    diff = ", ".join(f"{f} {one[f]} not {two[f]}" for f in FIELDS if one[f] != two[f])
                    check.true(f"{wan} {direction} {kind}: {diff}", False)


def check_recorded_totals(check, got, truth, files):
    """Frames and bytes as they were counted when the captures were made."""
    for wan, path in files.items():
        row = truth["check_capture_totals"].get(os.path.basename(path)) or \
            truth["check_capture_totals"].get(os.path.basename(path).removesuffix(".gz"))
        if row:
            check.same(f"{wan} frames", oracle.wans_of(got)[wan]["frames"], row["packets"])
            check.same(f"{wan} l2_bytes", oracle.wans_of(got)[wan]["l2_bytes"], row["orig_bytes"])


def socket_text(address, port):
    address = str(ipaddress.ip_address(address))
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def check_subflows(check, got, reference):
    """Which subflows make one connection, and with which confidence; names of connections differ."""
    check.same("MPTCP connections", sum(not c["fallback"] and c["confidence"] not in ("plain", "orphan")
                                         for c in got["connections"]), len(reference["connections"]))
    check.same("fallbacks", sum(c["fallback"] for c in got["connections"]),
               sum(row["offered"] for row in reference["tcp_only"]))
    if not reference["connections"]:
        return
    index = {}
    for connection in got["connections"]:
        for sub in connection["subflows"]:
            index.setdefault((sub["client"], sub["server"]), []).append((connection["id"], sub["confidence"]))
    wanted = {}
    for number, connection in enumerate(reference["connections"]):
        ids = set()
        for sub in connection["subflows"]:
            one, two = (socket_text(*end.split()) for end in (sub["opener"], sub["peer"]))
            found = index.get((one, two)) or index.get((two, one)) or []
            check.same(f"{one} > {two} is in one connection", len({i for i, _ in found}), 1)
            check.same(f"{one} > {two} confidence", {c for _, c in found}, {sub["confidence"]})
            ids |= {i for i, _ in found}
        check.same(f"connection {number} of the reference", len(ids), 1)
        wanted[number] = ids
    check.same("connections", len(set.union(*wanted.values())), len(wanted))


def check_any(check, folder, files, got):
    """One capture of all interfaces (SLL2): each WAN's IP bytes and kinds as its own capture has them."""
    whole, _ = oracle.report({"": os.path.join(folder, "any.pcap.gz")}, {})
    interfaces = {(wan["frames"], wan["ip_bytes"]): wan for wan in whole["wans"]}
    for name in files:
        wan = oracle.wans_of(got)[name]
        found = interfaces.get((wan["frames"], wan["ip_bytes"]))
        check.true(f"no interface of the any capture has {name}'s frames and bytes", found)
        for kind, row in wan["kinds"].items():
            if found:
                check.same(f"{name} {kind}", found["kinds"].get(kind, {}).get("ip_bytes"), row["ip_bytes"])


def check_ppp(check, folder, files, roles, got):
    """The PPP device above a PPPoE link: the same TCP, without the frames that only PPPoE has."""
    inner, _ = oracle.report({**files, "wan1": oracle.capture_files(folder, ["wan1_ppp"])["wan1_ppp"]}, roles)
    one, two = oracle.wans_of(inner)["wan1"], oracle.wans_of(got)["wan1"]
    for kind in sorted(set(one["kinds"]) | set(two["kinds"])):
        if kind != "other":
            for field in ("frames", "ip_bytes", "payload_bytes"):
                check.same(f"{kind} {field}", one["kinds"].get(kind, {}).get(field), two["kinds"].get(kind, {}).get(field))


def compare(suite, root, folder):
    name = os.path.relpath(folder, root)
    with open(os.path.join(folder, "truth.json"), encoding="utf-8") as file:
        truth = json.load(file)
    with open(os.path.join(folder, "reference.json"), encoding="utf-8") as file:
        reference = json.load(file)
    files = scenario_files(folder, truth)
    roles = {wan: oracle.role_word(role) for wan, role in truth["roles"].items()}
    got = None
    with suite.check(f"{name} totals") as check:
        got, _ = oracle.report(files, roles)
        oracle.check_totals(check, got, files)
        check_recorded_totals(check, got, truth, files)
    if got is None:
        return
    with suite.check(f"{name} conservation") as check:
        oracle.check_conservation(check, got)
    with suite.check(f"{name} kernel counters") as check:
        oracle.check_kernel(check, got, truth, KERNEL.get(name, {}), NO_SIDES.get(name, ()))
    with suite.check(f"{name} keepalives by nstat") as check:
        if name == "6.18/15-mid-capture":
            check.explain("the capture holds a part of the connections")
        else:
            oracle.check_keepalives(check, got, truth, KEEPALIVES.get(name, {}))
    with suite.check(f"{name} application bytes") as check:
        if name in NO_APP_BYTES:
            check.explain(NO_APP_BYTES[name])
        else:
            oracle.check_connections(check, got, truth)
            oracle.check_subflow_payload(check, got, truth)
    with suite.check(f"{name} connections by token") as check:
        oracle.check_assignment(check, got, truth, handshakes=name != "6.18/15-mid-capture")
    if not name.startswith("v0") and name != "6.18/15-mid-capture":
        with suite.check(f"{name} handshakes by nstat") as check:
            oracle.check_joins(check, got, truth)
    with suite.check(f"{name} subflows by the reference") as check:
        check_subflows(check, got, reference)
    if os.path.exists(os.path.join(folder, "any.pcap.gz")):
        with suite.check(f"{name} one capture of all interfaces") as check:
            check_any(check, folder, files, got)
    if os.path.exists(os.path.join(folder, "wan1_ppp.pcap.gz")):
        with suite.check(f"{name} inner device") as check:
            check_ppp(check, folder, files, roles, got)
    with suite.check(f"{name} kinds by the reference") as check:
        check_reference(check, name, got, reference)
    with suite.check(f"{name} order of files") as check:
        oracle.check_order(check, files, roles, got)


def main(names):
    suite = oracle.Suite("truth")
    root = os.path.join(os.environ.get("MPTCP_AUDIT_SHARED", os.path.join(oracle.HERE, "..", "..", "shared")),
                        "captures", "truth")
    if not os.path.isdir(root):
        suite.absent("captures", "the shared captures are not here (MPTCP_AUDIT_SHARED names their folder)")
        return 0
    oracle.need_program(suite)
    for folder in oracle.folders_with_truth(root):
        if not names or any(name in folder for name in names):
            compare(suite, root, folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
