#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_public.py - reads captures that others published and compares with what other tools say of them: capinfos (totals),
tcpdump's own expected output (every MPTCP option field), tshark (which frames are one TCP or MPTCP connection), tcptrace
(unique, retransmitted and probe bytes), a web server's log (application bytes).

Where another tool is known to be wrong, a table says for which frames and why. $MPTCP_AUDIT_SHARED (default ../shared)
names where the captures are; without them the checks are skipped, visibly.
"""
import os
import re
import sys

import oracle

TCPDUMP = "the-tcpdump-group_tcpdump/tests"
TCPTRACE = "blitz_tcptrace"

# Link types this project does not read: all frames must then be counted as unread.
UNREAD = {"blitz_tcptrace/single_byte_rexmit.dmp.gz": "FDDI"}

# Captures whose connections tshark numbers differently, and why tshark is not right there.
TSHARK_TCP = {}
TSHARK_MPTCP = {}

# {(capture, hosts): {what: why our number differs from tcptrace's}}
TCPTRACE_DIFFERENCES = {
    ("blitz_tcptrace/zwnd.dmp.gz", "132.235.3.151:5001 132.235.3.154:58213"):
        {"rexmt": (6, "one byte of each of 6 zero-window probes, which tcptrace counts apart")},
}

# Captures whose packets are longer by their IP header than by their record: the file was cut after it was captured, and
# tshark believes the record.
CUT_RECORDS = {"blitz_tcptrace/fast_reuse.dmp.gz", "bbaugnies_DPI-MPTCP/Captures/mod_tok.pcap",
               "bbaugnies_DPI-MPTCP/Captures/unused/mp_rejected.pcap",
               "bbaugnies_DPI-MPTCP/Captures/unused/mp_rejected2.pcap"}

# Captures that hold packets twice: tcptrace takes the copies for retransmissions, of a byte each for the SYN/ACK and the FIN.
DOUBLED = {"blitz_tcptrace/hardware_dups.dmp.gz": 2}


def captures(root):
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            if re.search(r"\.(pcap|pcapng|dmp)(\.gz)?$", name):
                yield os.path.relpath(os.path.join(folder, name), root)


# ---- totals ----

def compare_totals(suite, root):
    for name in sorted(captures(root)):
        path = os.path.join(root, name)
        with suite.check(f"{name} totals") as check:
            counted = oracle.capinfos(path)
            got, _ = oracle.report({"": path}, {})
            check.same("frames", sum(wan["frames"] for wan in got["wans"]), counted[0])
            check.same("l2_bytes", sum(wan["l2_bytes"] for wan in got["wans"]), counted[1])
            oracle.check_conservation(check, got)
            if name in UNREAD:
                check.same(f"unread frames ({UNREAD[name]})",
                           sum(oracle.wans_of(got)[w]["kinds"]["unread"]["frames"] for w in oracle.wans_of(got)), counted[0])


# ---- option fields by tcpdump ----

def tcpdump_options(line):
    """The MPTCP options of a line of tcpdump, each as (word, numbers)."""
    found = re.search(r"options \[(.*)\], length \d+", line)
    if not found:
        return []
    parts, depth, start = [], 0, 0
    text = found[1]
    for at, char in enumerate(text):
        depth += char in "{[" or 0
        depth -= char in "}]" or 0
        if char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [numbers_of(part) for part in parts if part.startswith("mptcp ")]


ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+(?=\b|:)")


def numbers_of(text):
    """('dss', {'ack', 'seq'...}, {numbers}): the words and numbers of one option, whatever stands between them."""
    words = text.split()
    subtype = re.match(r"[a-z-]+", words[2])[0]
    rest = " ".join(words[3:])
    addresses = set(ADDRESS.findall(rest))
    rest = re.sub(r"\b(v\d)(-(ip\d|echo))?\b", " ", ADDRESS.sub(" ", rest))
    numbers = {int(n, 0) for n in re.findall(r"\b0x[0-9a-f]+\b|\b\d+\b", rest)}
    return subtype, frozenset(numbers), frozenset(addresses)


def numbers_in(text):
    """All numbers and addresses of the program's words for one frame's options."""
    addresses = set(ADDRESS.findall(text))
    numbers = set()
    for word in re.findall(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{8,40}\b|\b\d+\b", ADDRESS.sub(" ", text)):
        if word.isdigit():
            numbers.add(int(word))
        numbers.add(int(word, 16))
    return numbers, addresses


def option_texts(path):
    """{frame number: what the program says of its MPTCP options}; lines and objects come in the same order."""
    lines = oracle.run("packets", path)[0].splitlines()
    numbers = [row["frame"] for row in oracle.packets(path)]
    if len(lines) != len(numbers):
        raise oracle.Failure(f"{len(lines)} lines, {len(numbers)} objects")
    return {number: " ".join(re.findall(r"<(.*?)>", line)) for number, line in zip(numbers, lines)}


def compare_options(suite, root):
    folder = os.path.join(root, TCPDUMP)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".pcap"):
            continue
        with open(os.path.join(folder, name.replace(".pcap", ".out")), encoding="utf-8") as file:
            lines = [line for line in file if re.match(r"\s*\d+\s", line)]
        with suite.check(f"{name} options by tcpdump") as check:
            rows = option_texts(os.path.join(folder, name))
            for line in lines:
                number = int(line.split()[0])
                text = rows[number]
                if "[bad opt]" in line:
                    check.true(f"frame {number}: tcpdump calls the option bad, '{text}' does not", "malformed" in text)
                    continue
                numbers, addresses = numbers_in(text)
                for subtype, want, where in tcpdump_options(line):
                    check.true(f"frame {number}: no {subtype} in '{text}'", subtype in text)
                    check.true(f"frame {number}: {sorted(want - numbers)} not in '{text}'", want <= numbers)
                    check.true(f"frame {number}: {sorted(where - addresses)} not in '{text}'", where <= addresses)
            check.same("frames", len(rows), len(lines))


# ---- connections by tshark ----

def check_partition(check, pairs, what):
    """Two numberings of the same frames must be the same up to names."""
    forth, back = {}, {}
    for frame, one, two in pairs:
        check.same(f"frame {frame}: {what}", (forth.setdefault(one, two), back.setdefault(two, one)), (two, one))


def compare_streams(suite, root):
    for name in sorted(captures(root)):
        if name in UNREAD:
            continue
        path = os.path.join(root, name)
        with suite.check(f"{name} connections by tshark") as check:
            rows = {row["frame"]: row for row in oracle.packets(path)}
            streams = oracle.tshark(path, ("frame.number", "tcp.stream", "mptcp.stream", "tcp.len"),
                                    "-o", "mptcp.analyze_mappings:TRUE",
                                    "-o", "mptcp.intersubflows_retransmission:TRUE")
            tcp, mptcp = [], []
            for number, stream, connection, length in streams:
                row = rows[int(number)]
                if not stream or "," in stream or not row.get("conn"):
                    continue
                tcp.append((number, (row["conn"], row["subflow"]), stream))
                if connection and "," not in connection:
                    mptcp.append((number, row["conn"], connection))
                if row["kind"] != "duplicate" and name not in CUT_RECORDS:
                    check.same(f"frame {number}: payload_len", row["payload_len"], int(length))
            check.same("frames", len(rows), len(streams))
            if name in TSHARK_TCP:
                check.explain(TSHARK_TCP[name])
            else:
                check_partition(check, tcp, "(conn, subflow) against tcp.stream")
            if name in TSHARK_MPTCP:
                check.explain(TSHARK_MPTCP[name])
            else:
                check_partition(check, mptcp, "conn against mptcp.stream")


# ---- bytes by tcptrace ----

def read_long(path):
    """tcptrace's long output: per connection its two hosts and, each way, unique bytes, rexmt bytes, probe packets."""
    with open(path, encoding="latin-1") as file:
        text = file.read()
    out = []
    for part in re.split(r"TCP connection \d+:\n", text)[1:]:
        hosts = re.findall(r"host \w+:\s+(\S+)", part)
        row = {"hosts": hosts}
        for key, label in (("unique", "unique bytes sent"), ("rexmt", "rexmt data bytes"), ("probes", "zwnd probe pkts"),
                           ("packets", "total packets")):
            found = re.findall(rf"^\s+{label}:\s+(\d+)\s+{label}:\s+(\d+)", part, re.MULTILINE)
            row[key] = sum(map(int, found[0]))
        out.append(row)
    return out


def compare_tcptrace(suite, root):
    folder = os.path.join(root, TCPTRACE)
    for name in sorted(os.listdir(folder)):
        key = f"{TCPTRACE}/{name}"
        long = os.path.join(folder, name + ".long")
        if not os.path.exists(long) or key in UNREAD:
            continue
        wanted = read_long(long)
        if not wanted:
            continue
        with suite.check(f"{key} bytes by tcptrace") as check:
            got, _ = oracle.report({"": os.path.join(folder, name)}, {})
            mine = {}
            for connection in got["connections"]:
                for sub in connection["subflows"]:
                    mine.setdefault(frozenset((sub["client"], sub["server"])), []).append(sub["kinds"])
            theirs = {}
            for row in wanted:
                theirs.setdefault(frozenset(row["hosts"]), []).append(row)
            for hosts, rows in theirs.items():
                kinds = mine.get(hosts, [])
                label = " ".join(sorted(hosts))
                why = TCPTRACE_DIFFERENCES.get((key, label), {})
                for what, count in (("unique", sum(k.get("payload", {}).get("payload_bytes", 0) for k in kinds)),
                                    ("rexmt", sum(k.get("retransmission", {}).get("payload_bytes", 0) for k in kinds)),
                                    ("probes", sum(k.get("zero_window_probe", {}).get("frames", 0) for k in kinds))):
                    if what == "rexmt" and key in DOUBLED:
                        count += DOUBLED[key] + sum(
                            row["payload_len"] for row in
                            oracle.packets("--kind", "duplicate", os.path.join(folder, name)))
                    if what in why:
                        check.same(f"{label} {what} ({why[what][1]})", count, why[what][0])
                    else:
                        check.same(f"{label} {what}", count, sum(row[what] for row in rows))


# ---- bytes by a web server's log ----

def compare_lab(suite, root):
    folder = os.path.join(root, "MPTCP-Lab", "scenario2")
    with suite.check("MPTCP-Lab bytes by the server's log") as check:
        with open(os.path.join(folder, "httpd.log"), encoding="utf-8") as file:
            requests = len(file.readlines())
        got, _ = oracle.report({"": os.path.join(folder, "r2_eth1.pcapng")}, {})
        check.same("connections", len(got["connections"]), requests)
        # Each logged request is 74 bytes, each 404 answer of this server 468.
        check.same("payload", sum(wan["kinds"]["payload"]["payload_bytes"] for wan in got["wans"]), requests * (74 + 468))


# What is known of a capture, by whom, and where it stands in the report: {capture: (oracle, {event or kind: number})}
KNOWN = {
    "TheInverseKey_Multipath/demo.pcap":
        ("independent recomputation: 40 checksums", {"checksum_good": 40, "checksum_bad": 0}),
    "teto_pymptcpanalyzer/iperf-mptcp-0-0.pcap":
        ("independent recomputation: 1,659 checksums, 2 of them of DATA_FINs without payload; 2,359,320 first bytes",
         {"checksum_good": 1659, "checksum_bad": 0, "payload": 2359320}),
    "the-tcpdump-group_tcpdump/tests/mptcp-v0.pcap":
        ("tcpdump lists 151 mappings with a checksum and payload, and 2 DATA_FINs", {"checksum_good": 153, "checksum_bad": 0}),
    "the-tcpdump-group_tcpdump/tests/mptcp-aa-v1.pcap":
        ("a kernel of 2020 took the left bits of the ADD_ADDR HMAC", {"hmac_bad": 1}),
    "MPTCP-Lab/scenario2/r2_eth1.pcapng":
        ("independent recomputation: 400 ADD_ADDR HMACs; every join is refused",
         {"hmac_good": 400, "hmac_bad": 0, "capable_answered": 100, "join_syn": 100, "join_refused": 100}),
    "DomenicoVerde_MPTCProxy/pcaps/mptcp.pcap":
        ("independent recomputation: the HMACs of one join", {"hmac_good": 2, "hmac_bad": 0, "join_established": 1}),
    "bbaugnies_DPI-MPTCP/Captures/flood.pcap":
        ("tshark: 10,000 join SYNs of 9,295 different addresses", {"join_syn": 9295, "join_answered": 0}),
}


def compare_known(suite, root):
    for name, (oracle_name, wanted) in KNOWN.items():
        with suite.check(f"{name} ({oracle_name})") as check:
            got, _ = oracle.report({"": os.path.join(root, name)}, {})
            for what, number in wanted.items():
                if what == "payload":
                    counted = sum(w["kinds"].get(what, {}).get("payload_bytes", 0) for w in got["wans"])
                else:
                    counted = sum(w["events"].get(what, 0) for w in got["wans"])
                check.same(what, counted, number)


def main(names):
    suite = oracle.Suite("public")
    root = os.path.join(os.environ.get("MPTCP_AUDIT_SHARED", os.path.join(oracle.HERE, "..", "..", "shared")),
                        "captures", "public")
    if not os.path.isdir(root):
        suite.absent("captures", "the shared captures are not here (MPTCP_AUDIT_SHARED names their folder)")
        return 0
    oracle.need_program(suite)
    parts = {"totals": compare_totals, "options": compare_options, "streams": compare_streams,
             "tcptrace": compare_tcptrace, "lab": compare_lab, "known": compare_known}
    tools = {"totals": "capinfos", "streams": "tshark"}
    for name, part in parts.items():
        if names and name not in names:
            continue
        missing = oracle.tool_missing(tools[name]) if name in tools else None
        if missing:
            suite.skip(name, f"{missing} is not installed")
        else:
            part(suite, root)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
