#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_state.py - --state: captures in pieces, one program run after the other, are the whole.

The pieces are files of their own here. So two things differ from a dissection of the whole and are left out of the
comparison: evidence (the number of a frame in its file), and which frames lie in the time that all captures share,
which each piece has for itself; the sums below that mark must be the same.
"""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
CASES = ("failover", "backup-idle", "short-connections", "background")
PIECES = 4
# What the recorder's series says of numbers and of the kernel's counters between two files needs both files at hand.
OF_SERIES = ("missing_files", "kernel_", "clock_steps")


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def dissect(*arguments):
    code, out, err = call("dissect", *arguments)
    if code != 0:
        raise oracle.Failure(f"dissect {' '.join(arguments)} ended with {code}: {err}")
    return out


def split(path, times):
    """The bytes of the pieces of a pcap, cut before each of these times."""
    with gzip.open(path) as file:
        data = file.read()
    unit = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack("<I", data[:4])[0]]
    pieces, at = [data[:24] for _ in range(len(times) + 1)], 24
    while at + 16 <= len(data):
        seconds, fraction, caplen, _ = struct.unpack("<IIII", data[at:at + 16])
        piece = sum(seconds * 10**9 + fraction * unit >= time for time in times)
        pieces[piece] += data[at:at + 16 + caplen]
        at += 16 + caplen
    return pieces


def joined(spans):
    """Each file covers its own time; of one reading those that touch are one."""
    out = []
    for state, first, last, lost in spans:
        if out and out[-1][0] == state and out[-1][2] == first:
            out[-1] = [state, out[-1][1], last, out[-1][3] + lost]
        else:
            out.append([state, first, last, lost])
    return out


def plain(text):
    """A ledger without evidence, files and marks of shared time."""
    ledger = json.loads(text)
    for key in ("files", "shared"):
        ledger.pop(key, None)
    for wan in ledger["wans"]:
        for event in wan["events"].values():
            event.pop("first", None)
        wan["counters"] = {k: v for k, v in wan["counters"].items() if not k.startswith(OF_SERIES)}
        cells = {}
        for cell in wan["cells"]:
            key = tuple(cell[k] for k in ("direction", "kind", "traffic", "app", "circumstance"))
            cells[key] = [a + b for a, b in zip(cells.get(key, [0] * 4), cell["sum"])]
        wan["cells"] = sorted([*key, value] for key, value in cells.items())
        for row in wan.get("peers", {}).get("rows", []):
            row.pop("first", None)
        if "record" in wan:
            wan["record"]["spans"] = joined(wan["record"]["spans"])
    for row in ledger.get("interruptions", []):
        row.pop("frame", None)
    return ledger


def in_pieces(check, folder, pieces):
    """Dissect lists of inputs one after the other; the ledger of all."""
    state = os.path.join(folder, "state")
    ledgers = []
    for i, inputs in enumerate(pieces):
        ledgers.append(os.path.join(folder, f"ledger{i}.json"))
        dissect("--state", state, "-o", ledgers[-1], *inputs)
    before = open(state, "rb").read()
    out = dissect("--state", state, *ledgers)
    check.true("the state is only read when there is no capture", open(state, "rb").read() == before)
    return out, state, ledgers


def cut_captures(suite):
    for case in CASES:
        paths = {f"wan{i}": os.path.join(FIXTURES, case, f"wan{i}.pcap.gz") for i in (1, 2)}
        with tempfile.TemporaryDirectory() as folder, suite.check(case) as check:
            whole = dissect(*(f"{wan}={path}" for wan, path in paths.items()))
            wans = json.loads(whole)["wans"]
            first, last = min(w["first_ns"] for w in wans), max(w["last_ns"] for w in wans)
            # not before the survey of sides has seen its frames of each WAN: at even parts of the time
            times = [first + (last - first) * i // PIECES for i in range(1, PIECES)]
            inputs = [[] for _ in range(PIECES)]
            for wan, path in paths.items():
                for i, data in enumerate(split(path, times)):
                    name = os.path.join(folder, f"{wan}-{i}.pcap")
                    with open(name, "wb") as file:
                        file.write(data)
                    inputs[i].append(f"{wan}={name}")
            out, _, _ = in_pieces(check, folder, inputs)
            found = oracle.difference(plain(whole), plain(out))
            check.true(f"{case}: {PIECES} pieces are the whole" + (f" ({found})" if found else ""), not found)


def files_of_a_recorder(suite):
    spool = os.path.join(FIXTURES, "recorded-clean", "spool")
    names = sorted(n for n in os.listdir(spool) if n.endswith(".pcapng"))
    numbers = sorted({n.split("-")[2] for n in names})
    for what, chosen in (("all", numbers), ("a hole in the middle", numbers[:1] + numbers[2:])):
        pieces = [[os.path.join(spool, n) for n in names if n.split("-")[2] == number] for number in chosen]
        with tempfile.TemporaryDirectory() as folder, suite.check(f"spool, file by file, {what}") as check:
            whole = dissect(*(path for piece in pieces for path in piece))
            out, _, _ = in_pieces(check, folder, pieces)
            found = oracle.difference(plain(whole), plain(out))
            check.true(f"the files are the whole ({found})", not found)
            check.same("holes", len(plain(out)["wans"][0]["record"]["spans"]), 2 * len(numbers) - 2 * len(chosen) + 1)


def what_is_open(suite):
    """A piece's ledger has no connection that is still open; a report has."""
    wans = [f"wan{i}={os.path.join(FIXTURES, 'backup-idle', f'wan{i}.pcap.gz')}" for i in (1, 2)]
    with tempfile.TemporaryDirectory() as folder, suite.check("what is open") as check:
        state = os.path.join(folder, "state")
        ledger = os.path.join(folder, "ledger.json")
        dissect("--state", state, "-o", ledger, *wans)
        alone = json.load(open(ledger))
        whole = json.loads(dissect(*wans))
        check.true("what is open is in the state", len(alone["connections"]) < len(whole["connections"]))
        reports = []
        for arguments in (["--master", wans[0], "--backup", wans[1]],
                          ["--state", os.path.join(folder, "other"), "--master", wans[0], "--backup", wans[1]]):
            code, out, err = call("report", "--now", "2026-12-01T00:00:00Z", *arguments)
            if code not in oracle.VERDICT_EXITS:
                raise oracle.Failure(f"report ended with {code}: {err}")
            reports.append(out)
        check.true("a report with a state says what one without says", reports[0] == reports[1])
        check.true("... and leaves a state", os.path.exists(os.path.join(folder, "other")))
        code, _, _ = call("report", "--state", state, ledger)
        check.true("ledgers and a state make a report", code in oracle.VERDICT_EXITS)


def refusals(suite):
    path = os.path.join(FIXTURES, "failover", "wan1.pcap.gz")
    with tempfile.TemporaryDirectory() as folder, suite.check("refusals") as check:
        state, spoilt = os.path.join(folder, "state"), os.path.join(folder, "spoilt")
        dissect("--state", state, f"wan1={path}", "-o", os.path.join(folder, "ledger"))
        good = open(state, "rb").read()
        middle = len(good) // 2
        cases = (
            ("a text", b"hello\n", "not a state"),
            ("nothing", b"", "ends inside its header"),
            ("half of it", good[:middle], "its end is missing"),
            ("more than it", good + b"x", "follows its end"),
            ("one bit of it", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:], "checksum"),
            ("another format", good[:8] + struct.pack(">I", 77) + good[12:], "format 77"),
        )
        for what, data, word in cases:
            with open(spoilt, "wb") as file:
                file.write(data)
            code, out, err = call("dissect", "--state", spoilt, f"wan1={path}")
            check.true(f"refused: {what} ({err.strip()})", code == 65 and word in err and not out)
            check.true("... and left as it is", open(spoilt, "rb").read() == data)
        code, _, err = call("dissect", "--state", state, "-f", "tcp", f"wan1={path}")
        check.true("refused: another filter", code == 65 and "another filter" in err)
        code, _, err = call("dissect", "--state", state, "--from", "2026-01-01", f"wan1={path}")
        check.true("refused: a window", code == 64 and "window" in err)
        code, _, err = call("dissect", "--state", os.path.join(folder, "none"), os.path.join(folder, "ledger"))
        check.true("no state and no capture", code == 66)
        code, _, _ = call("dissect", "--state", state, f"wan1={path}", "-o", os.path.join(folder, "no", "where"))
        check.true("no ledger, no new state", code == 73 and open(state, "rb").read() == good)
        check.same("what is left", sorted(os.listdir(folder)), ["ledger", "spoilt", "state"])


def main():
    suite = oracle.Suite("state")
    oracle.need_program(suite)
    cut_captures(suite)
    files_of_a_recorder(suite)
    what_is_open(suite)
    refusals(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
