#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_window.py - windows over a spool: what they count, which files they need, and what a state spares.

The spool is written byte by byte, so each window's sums are known. Files that must not be read are spoilt behind their
first frame: who reads them says so.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import fixture_bytes
import oracle
from fixture_bytes import CLIENT, SECOND, START_NS

FILES, SECONDS = 12, 120        # of each WAN
STEP = 40                       # seconds between bursts
AFTER = "2026-01-02T00:00:00Z"
# What is said of the files read, not of the window: more of them are read without a state.
OF_FILES_RULES = ("A27",)
OF_FILES_COUNTERS = ("kernel_", "recorded_", "missing_", "unfinished_", "repaired_")


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def at(seconds):
    """A time of the story as the command line takes it."""
    return f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


class Spool:
    """Two WANs, a connection that lives through all of it, and short ones on the same ports, each over the end of a file."""

    def __init__(self, folder, slow_files=0):
        self.folder, self.slow_files = folder, slow_files       # so many files by a clock that is an hour behind

    def path(self, name):
        return os.path.join(self.folder, name)

    def short(self, number):
        """A connection on both WANs, with the ports of the one before it."""
        keys = [bytes([side, number]) * 4 for side in (1, 2)]
        connection = fixture_bytes.Connection(self.story, 1, keys=keys)
        subflows = [fixture_bytes.Subflow(self.story, wan, port, 0x1000000 * (number + 1), 0x1000000 * (number + 101))
                    for wan, port in (("wan1", 41001), ("wan2", 41002))]
        connection.open(subflows[0])
        connection.data(subflows[0], "up", 300)
        connection.ack(subflows[0], "down")
        connection.join(subflows[1], backup=True)
        return [connection, *subflows]

    def write(self):
        self.story = story = fixture_bytes.Story()
        long = fixture_bytes.Connection(story, 1)
        first = fixture_bytes.Subflow(story, "wan1", 40001)
        second = fixture_bytes.Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
        story.wait(5)
        long.open(first)
        long.data(first, "up", 90)
        long.ack(first, "down")
        long.join(second, backup=True)
        short = None
        for burst, at_s in enumerate(range(10, FILES * SECONDS, STEP)):
            story.now_ns = START_NS + at_s * SECOND
            if short:
                short[0].data(short[1], "down", 700)
                short[0].finish(short[1:])
            short = self.short(burst) if burst % (SECONDS // STEP) == SECONDS // STEP - 1 else None
            for _ in range(3):
                long.data(first, "down", 1400)
            long.ack(first, "up")
            story.now_ns = START_NS + (at_s + 2) * SECOND
            long.data(second, "down", 500)      # its circumstances: were there retransmissions just before?
            story.now_ns = START_NS + (at_s + 20) * SECOND
            long.keepalive(second, "up")
        recording = fixture_bytes.Recording(self)
        for wan, role, index in (("wan1", "master", 4), ("wan2", "backup", 5)):
            kernel = fixture_bytes.kernel_counters()
            for number in range(FILES):
                start, end = number * SECONDS, (number + 1) * SECONDS
                file = recording.file(wan, number + 1, start, end, role, 3600 if number < self.slow_files else 0)
                file.describe(f"eth{index}", index, address=CLIENT[wan])
                file.statistics(file.start, file.counters(file.start, kernel))
                file.minutes(story, start, end, kernel)
                file.statistics(file.end, file.counters(file.end, kernel), file.note("end", reason="rotate"))
                file.save()
        return self.path("spool")

    def truth(self, start, end):
        inside = [p for p in self.story.packets if START_NS + start * SECOND <= p["ns"] < START_NS + end * SECOND]
        return fixture_bytes.tally_up(inside)


def files_of(spool, wan):
    return [os.path.join(spool, n) for n in sorted(os.listdir(spool)) if n.startswith(wan)]


def spoil(path):
    """Behind the first frame: blocks of an impossible length."""
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        file.seek(size * 3 // 4)
        file.write(b"\xff" * (size // 4))


def window_sums(ledger, wan):
    row = next(w for w in ledger["wans"] if w["name"] == wan)
    return [sum(c["sum"][i] for c in row["cells"]) for i in (0, 2)]


def counted(spool_case, spool, suite):
    for start, end in ((0, 120), (130, 250), (600, 720), (601, 1333), (1320, 1440)):
        with suite.check(f"window {start} to {end} s") as check:
            code, out, err = call("dissect", "--from", at(start), "--to", at(end), spool)
            check.same("exit", code, 0)
            check.same("nothing to say", err, "")
            ledger, truth = json.loads(out), spool_case.truth(start, end)
            for wan in ("wan1", "wan2"):
                told = truth.get(wan, {"frames": 0, "ip_bytes": 0})
                check.same(f"{wan}: frames and IP bytes", window_sums(ledger, wan), [told["frames"], told["ip_bytes"]])
            names = [os.path.basename(f["name"]).split("-")[2] for f in ledger["files"]]
            most = min(FILES, -(-end // SECONDS) + 1)
            check.same("files up to one behind the window", sorted(set(names)), [f"{n:08}" for n in range(1, most + 1)])


def not_read(spool, suite):
    with tempfile.TemporaryDirectory() as folder, suite.check("files behind the window are not read") as check:
        copy = shutil.copytree(spool, os.path.join(folder, "spool"))
        _, whole, _ = call("dissect", "--from", at(240), "--to", at(480), copy)
        for wan in ("wan1", "wan2"):
            for path in files_of(copy, wan)[6:]:
                spoil(path)
        _, out, err = call("dissect", "--from", at(240), "--to", at(480), copy)
        check.true(f"the same ({err.strip()})", out == whole and not err)
        _, _, err = call("dissect", "--from", at(240), "--to", at(1200), copy)
        check.true("a window that needs them says that they are damaged", "cannot be read" in err)


def base_names(row):
    """Two copies of a spool are one."""
    for key in ("file", "name"):
        if isinstance(row.get(key), str):
            row[key] = os.path.basename(row[key])
    return row


def judged(text):
    """A report without what it says of the files that were read."""
    told = json.loads(text, object_hook=base_names)
    told.pop("coverage")
    told["findings"] = [f for f in told["findings"] if f["rule"] not in OF_FILES_RULES]
    for wan in told["wans"]:
        wan.pop("coverage", None)
        wan["counters"] = {k: v for k, v in wan["counters"].items() if not k.startswith(OF_FILES_COUNTERS)}
    return told


def report(*arguments):
    code, out, err = call("report", "--now", AFTER, "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS or err:
        raise oracle.Failure(f"report {' '.join(arguments)} ended with {code}: {err}")
    return out


def same_report(check, what, with_state, without):
    found = oracle.difference(judged(without), judged(with_state))
    check.true(what + (f" ({found})" if found else ""), not found)


def chain(spool, suite):
    """Window after window with a state: each as without one, and no file is read that the state knows."""
    with tempfile.TemporaryDirectory() as folder, suite.check("windows that go on from a state") as check:
        copy, state = shutil.copytree(spool, os.path.join(folder, "spool")), os.path.join(folder, "state")
        for start, end in ((0, 240), (240, 360), (360, 811), (811, 1000), (1010, 1440)):
            window = ("--from", at(start), "--to", at(end))
            without = report(*window, spool)
            same_report(check, f"{start} to {end} s", report("--state", state, *window, copy), without)
            for wan in ("wan1", "wan2"):        # of files that end before the state does, one more is read
                for path in files_of(copy, wan)[:end // SECONDS - 1]:
                    spoil(path)
        size = os.path.getsize(state)
        check.true(f"a state of {size} bytes for two subflows", size < 2000)


def lagging(spool, suite):
    """One WAN's last files come later. What was read beyond them is read again, and nothing lacks."""
    with tempfile.TemporaryDirectory() as folder, suite.check("a WAN that lags behind") as check:
        copy, state = os.path.join(folder, "spool"), os.path.join(folder, "state")
        for late in ("wan1", "wan2"):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(spool, copy)
            for path in files_of(copy, late)[3:]:
                os.remove(path)
            if os.path.exists(state):
                os.remove(state)
            report("--state", state, "--from", at(240), "--to", at(480), copy)
            for start, end in ((480, 720), (720, 900)):
                window = ("--from", at(start), "--to", at(end))
                same_report(check, f"{late} was late: {start} to {end} s", report("--state", state, *window, spool),
                            report(*window, spool))


def growing(spool, suite):
    with tempfile.TemporaryDirectory() as folder, suite.check("files that are still being written") as check:
        copy, state = shutil.copytree(spool, os.path.join(folder, "spool")), os.path.join(folder, "state")
        for wan in ("wan1", "wan2"):
            paths = files_of(copy, wan)
            for path in paths[5:]:
                os.remove(path)
            with open(paths[4], "rb") as file:
                data = file.read()
            os.remove(paths[4])
            with open(paths[4] + ".part", "wb") as file:
                file.write(data[:len(data) * 2 // 3])
        report("--state", state, "--from", at(240), "--to", at(600), copy)
        window = ("--from", at(600), "--to", at(840))
        same_report(check, "when they are complete", report("--state", state, *window, spool), report(*window, spool))


def on_wan(told, wan):
    """IP bytes of all connections on a WAN."""
    return sum(kind["ip_bytes"] for c in told["connections"] for s in c["subflows"] if s["wan"] == wan
               for kind in s["kinds"].values())


def identity(spool_case, spool, suite):
    """A report counts what it reads; the state says whose it is."""
    with tempfile.TemporaryDirectory() as folder, suite.check("sums of what is read") as check:
        pieces = [[files_of(spool, wan)[i] for wan in ("wan1", "wan2")] for i in range(3)]
        state, ledger = os.path.join(folder, "state"), os.path.join(folder, "ledger")
        call("dissect", "--state", state, "-o", ledger, *pieces[0])
        before = open(state, "rb").read()
        later = json.loads(report("--state", state, *pieces[1]))
        check.true("a report leaves a dissection's state alone", open(state, "rb").read() == before)
        truth = spool_case.truth(SECONDS, 2 * SECONDS)
        for wan in ("wan1", "wan2"):
            check.same(f"{wan}: the connection carried what the WAN carried, since the piece began",
                       on_wan(later, wan), truth[wan]["ip_bytes"])
        check.same("the connections are known", {c["confidence"] for c in later["connections"]}, {"key"})
        own = os.path.join(folder, "own")
        for piece in pieces:
            last = report("--state", own, *piece)
        lone, last = json.loads(report(*pieces[2])), json.loads(last)
        check.true("alone, the third piece does not know them all", {c["confidence"] for c in lone["connections"]} != {"key"})
        check.same("with the state it does", {c["confidence"] for c in last["connections"]}, {"key"})
        check.same("... and counts the third alone", on_wan(last, "wan1"), spool_case.truth(2 * SECONDS, 3 * SECONDS)["wan1"]["ip_bytes"])


def refusals(spool, suite):
    with tempfile.TemporaryDirectory() as folder, suite.check("refusals") as check:
        state, sums = os.path.join(folder, "state"), os.path.join(folder, "sums")
        report("--state", state, "--from", at(240), "--to", at(480), spool)
        good = open(state, "rb").read()
        first, second = ([files_of(spool, wan)[i] for wan in ("wan1", "wan2")] for i in (0, 1))
        call("dissect", "--state", sums, "-o", os.path.join(folder, "ledger"), *first)
        for what, wanted, word, arguments in (
                ("a window before its end", 64, "reaches to 2026-01-01 00:08:00",
                 ("report", "--state", state, "--from", at(479), "--to", at(600), spool)),
                ("a window that ends before it", 64, "lies before", ("report", "--state", state, "--to", at(400), spool)),
                ("a dissection goes on from no report", 65, "was left by a report", ("dissect", "--state", state, *second)),
                ("nor do ledgers", 65, "was left by a report", ("report", "--state", state, os.path.join(folder, "ledger"))),
                ("captures that the state has seen", 65, "begins before the end",
                 ("report", "--state", sums, "--from", at(240), "--to", at(480), spool)),
                ("a dissection of a window", 64, "ledgers add up", ("dissect", "--state", sums, "--from", at(240), *second))):
            code, out, err = call(*arguments)
            check.true(f"{what}: {code} {err.strip()}", code == wanted and word in err and not out)
            check.true("... and the state is as it was", open(state, "rb").read() == good)
        window = ("--from", at(120), "--to", at(240))
        same_report(check, "captures behind a dissection's state make a window", report("--state", sums, *window, *second),
                    report(*window, *first, *second))


def clock_set(suite):
    """Times before the clock was set are moved: no longer those that a state has."""
    with tempfile.TemporaryDirectory() as folder, suite.check("the clock was set") as check:
        spool, state = Spool(folder, slow_files=6).write(), os.path.join(folder, "state")
        first = [path for wan in ("wan1", "wan2") for path in files_of(spool, wan)[:4]]
        report("--state", state, "--to", "2025-12-31T23:04:00Z", *first)
        code, _, err = call("report", "--state", state, "--from", at(240), "--to", at(1200), spool)
        check.true(f"a state from before is refused ({err.strip()})", code == 65 and "clock was set" in err)
        os.remove(state)
        report("--state", state, "--from", at(600), "--to", at(960), spool)
        window = ("--from", at(960), "--to", at(1200))
        same_report(check, "one from after it is not", report("--state", state, *window, spool), report(*window, spool))


def main():
    suite = oracle.Suite("window")
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory() as folder:
        spool_case = Spool(folder)
        spool = spool_case.write()
        counted(spool_case, spool, suite)
        not_read(spool, suite)
        chain(spool, suite)
        lagging(spool, suite)
        growing(spool, suite)
        identity(spool_case, spool, suite)
        refusals(spool, suite)
        clock_set(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
