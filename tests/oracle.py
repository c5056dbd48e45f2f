# SPDX-License-Identifier: MIT
"""oracle.py - runs the built program and compares what it says with what others know. Used by the compare scripts.

Prints a line per check: "ok NAME (N compared)", "not ok NAME: why", "skip NAME: why". A check that compared nothing
fails. Nothing in here computes an expected value from the program's own output.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(os.path.join(os.environ.get("BUILD", os.path.join(HERE, "..", "build")), "mptcp-audit"))
FIELDS = ("frames", "l2_bytes", "ip_bytes", "payload_bytes")
DIRECTIONS = ("up", "down", "unknown")
VERDICT_EXITS = (0, 1, 2, 3)
HANG_LIMIT = 300


class Suite:
    """Counts what was compared and what differed."""

    def __init__(self, name):
        self.name, self.compared, self.failed, self.skipped = name, 0, 0, 0

    def check(self, name):
        return Check(self, name)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {self.name} {name}: {why}", flush=True)

    def absent(self, name, why):
        """Input that is no part of the project is not here."""
        print(f"absent {self.name} {name}: {why}", flush=True)

    def end(self):
        print(f"# {self.name}: {self.compared} items compared", flush=True)
        return 1 if self.failed else 0


class Check:
    """with suite.check("totals") as check: check.same("wan1 frames", got, want)"""

    def __init__(self, suite, name):
        self.suite, self.name, self.compared, self.wrong, self.explained = suite, name, 0, [], 0

    def __enter__(self):
        return self

    def same(self, what, got, want):
        self.compared += 1
        if got != want:
            self.wrong.append(f"{what} is {got}, should be {want}")

    def true(self, what, holds):
        self.compared += 1
        if not holds:
            self.wrong.append(what)

    def explain(self, _why):
        """A difference that stands in a table of the test with its reason."""
        self.compared += 1
        self.explained += 1

    def __exit__(self, kind, error, _trace):
        if kind and not issubclass(kind, (Failure, KeyError, IndexError, TypeError, ValueError)):
            return False
        if kind:
            self.wrong.append(f"{kind.__name__}: {error}")
        self.suite.compared += self.compared
        name = f"{self.suite.name} {self.name}"
        if self.wrong or not self.compared:
            self.suite.failed += 1
            rest = f" (and {len(self.wrong) - 4} more)" if len(self.wrong) > 4 else ""
            print(f"not ok {name}: {'; '.join(self.wrong[:4]) or 'nothing was compared'}{rest}", flush=True)
        else:
            note = f", {self.explained} explained differences" if self.explained else ""
            print(f"ok {name} ({self.compared} compared{note})", flush=True)
        return True


class Failure(Exception):
    pass


# ---- running ----

def run(*arguments, allowed=VERDICT_EXITS, binary=False):
    """The program's stdout and stderr. An exit code that is not allowed is a Failure with what it said."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=HANG_LIMIT, check=False)
    if done.returncode not in allowed:
        raise Failure(f"exit {done.returncode} of: mptcp-audit {' '.join(arguments)}: "
                      f"{done.stderr.decode(errors='replace').strip()[-400:]}")
    return done.stdout if binary else done.stdout.decode(), done.stderr.decode(errors="replace")


def report(files, roles, *more):
    """Audit {wan: path} under {wan: role}; the report as a dict, and stderr. A wan '' is a file of several WANs."""
    arguments = ["report", "--json", "-", *more]
    for wan, path in files.items():
        if wan:
            arguments += [f"--{roles[wan]}", f"{wan}={path}"] if wan in roles else [f"{wan}={path}"]
        else:
            for name, role in roles.items():
                arguments += ["--role", f"{name}={role}"]
            arguments.append(path)
    out, err = run(*arguments)
    return json.loads(out), err


def packets(*arguments):
    """The frames of `packets --json`, in order."""
    out, _ = run("packets", "--json", *arguments)
    return [json.loads(line) for line in out.splitlines()]


def capinfos(path):
    """(frames, bytes on the wire) by Wireshark's capinfos; None when it is not installed."""
    if not shutil.which("capinfos"):
        return None
    done = subprocess.run(["capinfos", "-T", "-M", "-r", "-c", "-d", path], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        raise Failure(f"capinfos {path}: {done.stderr.strip()}")
    words = done.stdout.strip().split("\t")
    return int(words[1]), int(words[2])


def tshark(path, fields, *more):
    """Rows of the named fields, one per frame."""
    command = ["tshark", "-n", "-r", path, "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"tshark {path}: {done.stderr.strip()[-300:]}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def difference(one, other, where=""):
    """The first place where two JSON values are not the same, or None."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(set(one) | set(other)):
            found = difference(one.get(key), other.get(key), f"{where}.{key}")
            if found:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other)):
            found = difference(a, b, f"{where}[{i}]")
            if found:
                return found
        return None
    return None if one == other else f"{where}: {one} against {other}"


def tool_missing(*names):
    return next((n for n in names if not shutil.which(n)), None)


def role_word(text):
    """'backup(misconfigured ...)' and 'backup->master' are what was configured first."""
    return re.match(r"\w+", text)[0]


def capture_files(folder, wans):
    """{wan: path} of wan1.pcap or wan1.pcap.gz ..."""
    out = {}
    for wan in wans:
        found = [p for p in (os.path.join(folder, wan + end) for end in (".pcap", ".pcap.gz")) if os.path.exists(p)]
        if not found:
            raise Failure(f"no capture of {wan} in {folder}")
        out[wan] = found[0]
    return out


def wans_of(got):
    return {wan["name"]: wan for wan in got["wans"]}


def cell(wan, direction, kind):
    return {**dict.fromkeys(FIELDS, 0), **wan.get(direction, {}).get(kind, {})}


def total(wan, direction, field, kinds=None):
    return sum(row.get(field, 0) for kind, row in wan.get(direction, {}).items() if kinds is None or kind in kinds)


# ---- checks that hold for every audit ----

def check_conservation(check, got):
    """Law 1: each frame is in one kind, and directions add up to the whole."""
    for name, wan in wans_of(got).items():
        for field in ("frames", "l2_bytes", "ip_bytes"):
            check.same(f"{name} {field} over kinds", sum(k[field] for k in wan["kinds"].values()), wan[field])
        for kind, row in wan["kinds"].items():
            for field in FIELDS:
                both = sum(cell(wan, d, kind)[field] for d in DIRECTIONS)
                check.same(f"{name} {kind} {field} over directions", both, row[field])
        for part, words in ((wan, name), (wan["shared"], f"{name} judged")):
            check.same(f"{words} causes add up to 100 %", sum(c["ip_bytes"] for c in part["causes"]), part["billed_ip_bytes"])
            check.same(f"{words} billed, local and copies", part["billed_ip_bytes"] + part["local_ip_bytes"] +
                       part["duplicate_ip_bytes"], part["ip_bytes"])
            # a capture whose times are all 0 (1970) has none to tell
            check.true(f"{words}: a cause without its time", not wan["first"] or all(c["first"] and c["last"] for c in part["causes"]))


def check_totals(check, got, files):
    for name, path in files.items():
        counted = capinfos(path)
        if counted:
            wan = wans_of(got)[name]
            check.same(f"{name} frames", wan["frames"], counted[0])
            check.same(f"{name} l2_bytes", wan["l2_bytes"], counted[1])


def check_kernel(check, got, truth, explained, no_sides=()):
    """Bytes and packets per WAN and direction against the kernel's interface counters. WANs in no_sides carry nothing
    that tells the own side from the far side."""
    for name, want in truth["wan_truth"].items():
        wan = wans_of(got)[name]
        if name in explained:
            delta, why = explained[name]
            check.same(f"{name} l2_bytes less the kernel's ({why})", wan["l2_bytes"] - want["total_bytes"], delta)
            continue
        check.same(f"{name} l2_bytes", wan["l2_bytes"], want["total_bytes"])
        check.same(f"{name} frames", wan["frames"], want["packets"])
        if name in no_sides:
            check.same(f"{name} unknown l2_bytes", total(wan, "unknown", "l2_bytes"), want["total_bytes"])
            continue
        check.same(f"{name} up l2_bytes", total(wan, "up", "l2_bytes"), want["tx_bytes"])
        check.same(f"{name} down l2_bytes", total(wan, "down", "l2_bytes"), want["rx_bytes"])


def check_keepalives(check, got, truth, explained):
    """Keepalives sent by each end over all WANs against nstat TcpExtTCPKeepAlive."""
    for part, direction in (("client", "up"), ("server", "down")):
        counted = sum(cell(wan, direction, "keepalive")["frames"] for wan in got["wans"])
        want = truth["nstat_delta"][part].get("TcpExtTCPKeepAlive", 0)
        if direction in explained:
            delta, why = explained[direction]
            check.same(f"{direction} keepalives less nstat ({why})", counted - want, delta)
        else:
            check.same(f"{direction} keepalives", counted, want)


def port_of(text):
    return int(text.rsplit(":", 1)[1])


def subflow_index(got):
    """{(client port): connection} over all subflows; a port is used once in each of the lab's captures."""
    return {port_of(sub["client"]): connection for connection in got["connections"] for sub in connection["subflows"]}


def check_connections(check, got, truth):
    """Application bytes of each connection, both ways together, against what the programs counted."""
    index = subflow_index(got)
    for row in truth["truth_connections"]:
        connection = index.get(row["client_port"])
        if connection is None:
            check.true(f"no connection from port {row['client_port']}", False)
            continue
        counted = {}
        for sub in connection["subflows"]:
            for kind, tally in sub["kinds"].items():
                counted[kind] = counted.get(kind, 0) + tally["payload_bytes"]
        payload = counted.get("payload", 0)
        if "iperf_sum_sent" in row:
            # iperf3 stops by the clock: what it sent and did not get through is between the two; 37 bytes are its cookie
            check.true(f"port {row['client_port']} payload {payload} is not what iperf3 moved",
                       row["iperf_sum_received"] <= payload <= row["iperf_sum_sent"] + 37)
            continue
        check.same(f"port {row['client_port']} payload", payload,
                   row["client_sent_app_bytes"] + row["client_received_app_bytes"])
        if row.get("fallback_to_tcp") is not None:
            check.same(f"port {row['client_port']} fallback", bool(connection["fallback"]), row["fallback_to_tcp"])


def check_assignment(check, got, truth, handshakes=True):
    """Subflows with one token belong to one connection, those with different tokens to different ones. Without the
    handshakes in the capture nobody can say which subflow was the first."""
    index = subflow_index(got)
    initial = {}
    for row in truth["truth_connections"]:
        if row.get("client_token"):
            initial[row["client_token"].lstrip("0")] = row["client_port"]
    groups = {}
    for row in truth["truth_subflows"]:
        token = row.get("client_token")
        if token and row["local_port"] in index:
            groups.setdefault(token.lstrip("0"), set()).add(index[row["local_port"]]["id"])
            if handshakes and row.get("initial_subflow") is not None:
                for sub in index[row["local_port"]]["subflows"]:
                    if port_of(sub["client"]) == row["local_port"]:
                        check.same(f"port {row['local_port']} initial", bool(sub["initial"]), row["initial_subflow"])
    for token, ids in groups.items():
        check.same(f"connections of token {token}", len(ids), 1)
        if token in initial:
            check.same(f"token {token} holds its connection", index[initial[token]]["id"] in ids, True)
    check.same("tokens share a connection", len(set.union(set(), *groups.values())), len(groups))


def check_subflow_payload(check, got, truth):
    """TCP payload per WAN against the kernel's last word on each subflow (ss): a lower bound, as ss is sampled."""
    for name in truth["wan_truth"]:
        want = sum(row["tcp_payload_sent"] + row["tcp_payload_received"] for row in truth["truth_subflows"]
                   if row["wan"] == name)
        # bytes that are new to TCP but not to MPTCP, as a scheduler repeats them on the same subflow
        counted = wans_of(got)[name]["counters"].get("same_subflow_dsn_bytes", 0)
        for connection in got["connections"]:
            for sub in connection["subflows"]:
                address = truth["client_addrs"][name]
                if sub["client"].rsplit(":", 1)[0].strip("[]") == address:
                    counted += sum(sub["kinds"].get(kind, {}).get("payload_bytes", 0)
                                   for kind in ("payload", "reinjection", "redundant"))
        check.true(f"{name} carried {counted} bytes of TCP payload, ss says at least {want}", counted >= want)


def strip_run(got):
    """The report without what may differ between two runs over the same input: when and how it was made."""
    got = dict(got)
    for key in ("generated", "tool", "command"):
        got.pop(key, None)
    return got


def check_order(check, files, roles, got):
    """Law 4: files in reverse order give the same report."""
    again, _ = report(dict(reversed(list(files.items()))), roles)
    one, two = strip_run(got), strip_run(again)
    for key in sorted(set(one) | set(two)):
        check.same(f"'{key}' with the files reversed", json.dumps(two.get(key), sort_keys=True)[:3000],
                   json.dumps(one.get(key), sort_keys=True)[:3000])


def need_program(suite):
    if not os.access(PROGRAM, os.X_OK):
        print(f"not ok {suite.name}: {PROGRAM} is not built", flush=True)
        sys.exit(1)


def folders_with_truth(root):
    return sorted(os.path.dirname(path) for path in glob.glob(os.path.join(root, "**", "truth.json"), recursive=True))


# ---- a capture of tests/lab.py with its truth ----

def check_recorded(suite, name, files, truth):
    """All that the truth of one recording can tell; the report, or None when there was none."""
    roles = {wan: role_word(role) for wan, role in truth["roles"].items()}
    got = None
    with suite.check(f"{name} totals") as check:
        got, _ = report(files, roles)
        check_totals(check, got, files)
        for wan, row in truth["wan_truth"].items():
            check.same(f"{wan} frames", wans_of(got)[wan]["frames"], row["packets"])
    if got is None:
        return None
    with suite.check(f"{name} conservation") as check:
        check_conservation(check, got)
    with suite.check(f"{name} kernel counters") as check:
        check_kernel(check, got, truth, {})
    with suite.check(f"{name} keepalives by nstat") as check:
        check_keepalives(check, got, truth, {})
    with suite.check(f"{name} application bytes") as check:
        check_connections(check, got, truth)
        check_subflow_payload(check, got, truth)
    with suite.check(f"{name} connections by token") as check:
        check_assignment(check, got, truth)
        check_joins(check, got, truth)
    with suite.check(f"{name} order of files") as check:
        check_order(check, files, roles, got)
    return got


def check_joins(check, got, truth):
    """Connections opened and joins begun on the wire against the kernel's own count of them."""
    nstat = dict(truth["nstat_delta"]["client"])
    if tuple(map(int, re.findall(r"\d+", truth["kernel"])[:2])) < (6, 12):
        # such kernels do not count the joins they send, only those they receive
        nstat["MPTcpExtMPJoinSynTx"] = truth["nstat_delta"]["server"].get("MPTcpExtMPJoinSynRx", 0)
    for event, counters in (("capable_syn", ("MPTcpExtMPCapableSYNTX",)),
                            ("capable_answered", ("MPTcpExtMPCapableSYNACKRX",)),
                            ("join_syn", ("MPTcpExtMPJoinSynTx",)), ("join_answered", ("MPTcpExtMPJoinSynAckRx",))):
        check.same(event, sum(wan["events"].get(event, 0) for wan in got["wans"]),
                   sum(nstat.get(counter, 0) for counter in counters))
    both = list(truth["nstat_delta"].values())
    for event, counters in (("checksum_bad", ("MPTcpExtDataCsumErr",)),
                            ("hmac_bad", ("MPTcpExtMPJoinSynAckHMacFailure", "MPTcpExtMPJoinAckHMacFailure"))):
        check.same(event, sum(wan["events"].get(event, 0) for wan in got["wans"]),
                   sum(part.get(counter, 0) for part in both for counter in counters))
