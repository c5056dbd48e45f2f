#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_thin.py - mptcp-audit thin: what is kept of captures is what was there, can be found again, and does not pass for
the whole. The oracle is a reader of pcap and pcapng of its own, Wireshark's tools, and the ledger of the whole.
"""
import filecmp
import glob
import gzip
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
NOW = "2026-12-01T00:00:00Z"
ROLES = {"wan1": "master", "wan2": "backup", "wan3": "backup"}
# what each is there for: recorded ones with events, each link type, other byte order, several interfaces, flaws
CASES = ("failover", "leak", "mp-prio", "recorded", "recorded-clean", "one-pcapng", "link-types", "cut-file", "glued-files",
         "super-frames", "time-backwards", "many-connections", "v0-redundant")
AROUND = "0.005"  # minutes: the stories are seconds long


# ---- a reader of our own ----

class Frame:
    def __init__(self, interface, ts_ns, data, wire, comments=()):
        self.interface, self.ts_ns, self.data, self.wire, self.comments = interface, ts_ns, data, wire, list(comments)

    def told(self):
        return self.ts_ns, self.data, self.wire

    def note(self, key):
        for comment in self.comments:
            found = re.search(rf"^mptcp-captured/1 frame .*?\b{key}=(\S+)", comment)
            if found:
                return found[1]
        return None


def options(data, order):
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, at)
        if code == 0:
            return
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def read_pcap(data):
    order, unit = next((o, u) for magic, u in ((0xa1b2c3d4, 1000), (0xa1b23c4d, 1)) for o in "<>"
                       if struct.unpack(o + "I", data[:4])[0] == magic)
    at, frames = 24, []
    while at + 16 <= len(data):
        seconds, fraction, caplen, wire = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + caplen > len(data) or data[at:at + 4] == data[:4]:  # cut, or a second file
            break
        frames.append(Frame(0, seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + caplen], wire))
        at += 16 + caplen
    return frames, []


def blocks(data):
    """(order, type, body, start) of each whole block."""
    at, order = 0, "<"
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or size % 4 or at + size > len(data):
            return
        yield order, kind, data[at + 8:at + size - 4], at
        at += size


def read_pcapng(data):
    """Frames, and what is not frames: (type, comments)."""
    frames, others, units = [], [], []
    for order, kind, body, _ in blocks(data):
        if kind == 0x0a0d0d0a:
            units = []
        if kind == 1:
            units.append(dict(options(body[8:], order)).get(9, b"\x06")[0])
            others.append((kind, [v.decode() for c, v in options(body[8:], order) if c == 1]))
        elif kind == 5:
            others.append((kind, [v.decode() for c, v in options(body[12:], order) if c == 1]))
        if kind != 6:
            continue
        interface, high, low, caplen, wire = struct.unpack_from(order + "IIIII", body)
        rest = body[20 + (caplen + 3) // 4 * 4:]
        frames.append(Frame(interface, (high << 32 | low) * 10**(9 - units[interface]), body[20:20 + caplen], wire,
                            [v.decode(errors="replace") for c, v in options(rest, order) if c == 1]))
    return frames, others


def bytes_of(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout
    return data


def read(path):
    data = bytes_of(path)
    return (read_pcapng if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap)(data)


# ---- running ----

def inputs_of(case):
    """Arguments, and {name of what is kept: the capture}."""
    folder = os.path.join(FIXTURES, case)
    paths = sorted(p for p in glob.glob(os.path.join(folder, "*.pcap*")) + glob.glob(os.path.join(folder, "spool", "*.pcapng*")))
    wans = {os.path.basename(p).split(".")[0] for p in paths}
    arguments = []
    if os.path.isdir(os.path.join(folder, "spool")):
        arguments = [os.path.join(folder, "spool")]
    elif wans <= set(ROLES):
        for path in paths:
            arguments += [f"--{ROLES[os.path.basename(path).split('.')[0]]}", path]
    else:
        arguments = paths
    return arguments, {kept_name(p): p for p in paths}


def kept_name(path):
    return re.sub(r"\.(pcapng|pcap)(\.gz)?$", "", os.path.basename(path.removesuffix(".part"))) + ".pcapng"


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, text=True,
                          errors="replace")
    return done.returncode, done.stdout, done.stderr


def thin(folder, *arguments):
    code, out, err = call("thin", "-o", folder, *arguments)
    if code:
        raise oracle.Failure(f"thin {' '.join(arguments)} ended with {code}: {err}")
    return out


def report(*arguments):
    code, out, err = call("report", "--now", NOW, "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report ended with {code}: {err}")
    return json.loads(out)


# ---- what is kept ----

def numbered(frames):
    """{number in the original: frame}: by its note, else by its place in a file that was kept whole."""
    return {int(f.note("number") or i): f for i, f in enumerate(frames, 1)}


def check_file(check, name, kept, original):
    frames, others = read(kept)
    whole, told = read(original)
    by_number = numbered(frames)
    check.same(f"{name}: frames found by number", len(by_number), len(frames))
    for number, frame in by_number.items():
        check.true(f"{name}: frame {number} is another", 1 <= number <= len(whole) and
                   frame.told() == whole[number - 1].told())
    check.same(f"{name}: in the order of the original", list(by_number), sorted(by_number))
    kind = re.search(r" kept as=(\w+)", "".join(o[1][0] for o in others if o[0] == 1))[1]
    notes = [[int(n) for n in re.search(r"thinned frames=(\d+) bytes=(\d+)", c).groups()]
             for t, comments in others for c in comments if t == 5 and " thinned " in c]
    left = [f for i, f in enumerate(whole, 1) if i not in by_number]
    check.same(f"{name}: frames and bytes left out", [sum(n[i] for n in notes) for i in (0, 1)],
               [len(left), sum(f.wire for f in left)])
    check.true(f"{name}: whole is whole", kind != "whole" or not left)
    # interfaces and statistics of a pcapng, but for what we say, are there unchanged
    ours = re.compile(r"mptcp-captured/1 (kept|thinned) ")
    if told:
        rest = [(t, [c for c in comments if not ours.match(c)]) for t, comments in others
                if not (t == 5 and comments and all(ours.match(c) for c in comments))]
        check.same(f"{name}: interfaces and statistics", rest, told)
    counted = oracle.capinfos(kept)
    if counted:
        check.same(f"{name}: capinfos", counted[0], len(frames))
    return by_number, bool(left)


def keeps(suite):
    for case in CASES:
        arguments, originals = inputs_of(case)
        with tempfile.TemporaryDirectory() as folder, suite.check(case) as check:
            out = os.path.join(folder, "out")
            thin(out, "--around", AROUND, *arguments)
            kept, thinned = {}, False
            for name in sorted(os.listdir(out)):
                kept[name], some = check_file(check, name, os.path.join(out, name), originals[name])
                thinned |= some
            ledger = os.path.join(folder, "ledger.json")
            call("dissect", "-o", ledger, *[a for a in arguments if not a.startswith("--")])
            with open(ledger, encoding="utf-8") as file:
                got = json.load(file)
            files = [f["name"] for f in got["files"]]
            named = set(evidence_of(got, files)) | set(evidence_of_report(report(*arguments)))
            check.true("the ledger names frames", len(named) > 3)
            for path, number in named:
                check.true(f"{path} frame {number} is evidence and gone", number in kept.get(kept_name(path), {}))
            check.true("each evidence says so", all("evidence" in (kept[kept_name(p)][n].note("for") or "") for p, n in named))
            check_audit(check, out, arguments, thinned)


def evidence_of(ledger, files):
    """Frames that the ledger's JSON names, wherever: "first" [[time, file, number], ...], "frame" [time, number, file]."""
    found = []

    def look(value):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if key == "first" and isinstance(inner, list):
                found.extend((files[file], number) for _, file, number in inner)
            elif key == "frame" and inner:
                found.append((files[inner[2]], inner[1]))
            elif isinstance(inner, (dict, list)):
                look(inner)
    look(ledger)
    return found


def evidence_of_report(got):
    for finding in got["findings"]:
        for frame in finding["evidence"]:
            yield frame["file"], frame["frame"]


def check_audit(check, out, arguments, thinned):
    """An audit of what was kept says what it is; of what was kept whole it says what it said."""
    roles = [a for a in arguments if a.startswith("--")]
    paths = sorted(glob.glob(os.path.join(out, "*")))
    if roles:
        paths = [w for p in paths for w in (f"--{ROLES[os.path.basename(p).split('.')[0]]}", p)]
    got = report(*paths)
    told = [wan for wan in got["coverage"]["wans"] if wan.get("thinned_files")]
    check.same("thinned captures are told", bool(told), thinned)
    if not thinned:
        return
    check.true(f"verdict {got['verdict']} of thinned captures", got["verdict"] in ("not_assessed", "fail"))
    check.same("no check passes", [f["rule"] for f in got["findings"] if f["status"] == "pass" and f["rule"] != "A27"], [])
    for wan in told:
        check.same(f"A27 {wan['wan']}", [f["status"] for f in got["findings"] if f["rule"] == "A27" and f["wan"] == wan["wan"]],
                   ["not_assessed"])


# ---- the budget ----

def sizes(folder):
    return {n: os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder) if not n.startswith(".")}


def kinds(folder):
    return {n: re.search(rb" kept as=(\w+)", bytes_of(os.path.join(folder, n)))[1].decode()
            for n in os.listdir(folder) if not n.startswith(".")}


def budgets(suite):
    order = ("evidence", "events", "carrying", "whole")
    for case in ("failover", "recorded", "many-connections"):
        arguments, originals = inputs_of(case)
        with tempfile.TemporaryDirectory() as folder, suite.check(f"budget {case}") as check:
            free = os.path.join(folder, "free")
            thin(free, "--around", AROUND, *arguments)
            most, best = sum(sizes(free).values()), {name: order.index(kind) for name, kind in kinds(free).items()}
            proof = sum("evidence" in (f.note("for") or "") for name in best for f in read(os.path.join(free, name))[0])
            for part in (100, 90, 70, 50, 30, 20, 10, 5, 2, 1):
                out, budget = os.path.join(folder, str(part)), most * part // 100
                thin(out, "--around", AROUND, "--budget", str(budget), *arguments)
                check.true(f"{part} %: {sum(sizes(out).values())} of {budget} bytes", sum(sizes(out).values()) <= budget)
                now = {name: order.index(kind) for name, kind in kinds(out).items()}
                for name in now:
                    check_file(check, f"{part} % {name}", os.path.join(out, name), originals[name])
                if part == 100:
                    check.same("all of it fits", sizes(out), sizes(free))
                check.true(f"{part} %: no more of anything ({now})", all(kind <= best[n] for n, kind in now.items()))
                # the first to go is what is only there because it is a backup's: while there is such a frame, no evidence goes
                frames = [f for name in now for f in read(os.path.join(out, name))[0]]
                if part > 20 and any(not f.note("for") for f in frames):
                    check.same(f"{part} %: evidence", sum("evidence" in (f.note("for") or "") for f in frames), proof)
            # what lies there was made smaller where it lies: the notes of both times add up
            thin(free, "--around", AROUND, "--budget", str(most // 3), *arguments)
            for name in sizes(free):
                check_file(check, f"again {name}", os.path.join(free, name), originals[name])


def what_is_not_ours(suite):
    arguments, originals = inputs_of("failover")
    with tempfile.TemporaryDirectory() as folder, suite.check("what lies there") as check:
        for name in ("notes.txt", ".hidden"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("mine")
        shutil.copy(originals["wan1.pcapng"], os.path.join(folder, "mine.pcapng"))
        os.symlink("mine.pcapng", os.path.join(folder, "link.pcapng"))
        thin(folder, "--budget", "2k", *arguments)
        left = sorted(os.listdir(folder))
        check.true(f"nobody else's file is touched: {left}", {"notes.txt", ".hidden", "mine.pcapng", "link.pcapng"} <= set(left))
        with open(os.path.join(folder, "wan1.pcapng"), "wb") as file:
            file.write(bytes_of(originals["wan1.pcapng"]))
        code, _, err = call("thin", "-o", folder, *arguments)
        check.true(f"nor written over: {code} {err}", code == 74 and "wan1.pcap" in err and
                   bytes_of(os.path.join(folder, "wan1.pcapng")) == bytes_of(originals["wan1.pcapng"]))
        os.unlink(os.path.join(folder, "wan1.pcapng"))
        thin(folder, "--budget", "2k", *arguments)
        check.true("nor counted", sum(s for n, s in sizes(folder).items() if n.startswith("wan")) <= 2000)


# ---- other ways in ----

def same_folder(check, what, a, b):
    check.same(f"{what}: names", sorted(sizes(a)), sorted(sizes(b)))
    for name in set(sizes(a)) & set(sizes(b)):
        check.true(f"{what}: {name} differs", filecmp.cmp(os.path.join(a, name), os.path.join(b, name), shallow=False))


def ways(suite):
    arguments, originals = inputs_of("failover")
    with tempfile.TemporaryDirectory() as folder, suite.check("ledger, packed files, names") as check:
        direct, other = os.path.join(folder, "a"), os.path.join(folder, "b")
        thin(direct, "--around", AROUND, *arguments)
        ledger = os.path.join(folder, "ledger.json")
        call("dissect", "-o", ledger, *[p for p in originals.values()])
        thin(other, "--around", AROUND, "--role", "wan1=master", "--role", "wan2=backup", ledger, *originals.values())
        same_folder(check, "a ledger of them", direct, other)
        # packed: what is inside is the same, and it stays packed
        spool = os.path.join(FIXTURES, "recorded", "spool")
        plain, packed = os.path.join(folder, "plain"), os.path.join(folder, "packed")
        os.mkdir(packed)
        for name in os.listdir(spool):
            if name.endswith(".pcapng"):
                subprocess.run(["zstd", "-q", os.path.join(spool, name), "-o", os.path.join(packed, name + ".zst")], check=True)
        thin(plain, "--around", AROUND, *glob.glob(os.path.join(spool, "*.pcapng")))
        thin(os.path.join(folder, "out"), "--around", AROUND, packed)
        check.same("packed names", sorted(sizes(os.path.join(folder, "out"))), sorted(n + ".zst" for n in sizes(plain)))
        for name in sizes(plain):
            check.true(f"{name} unpacked differs", bytes_of(os.path.join(folder, "out", name + ".zst")).replace(b".pcapng.zst", b"") ==
                       bytes_of(os.path.join(plain, name)).replace(b".pcapng", b"") or
                       [f.told() for f in read(os.path.join(folder, "out", name + ".zst"))[0]] ==
                       [f.told() for f in read(os.path.join(plain, name))[0]])
        # two captures of one name
        for day in ("day1", "day2"):
            os.mkdir(os.path.join(folder, day))
            shutil.copy(originals["wan1.pcapng"], os.path.join(folder, day, "wan1.pcap.gz"))
        out = os.path.join(folder, "days")
        thin(out, os.path.join(folder, "day1", "wan1.pcap.gz"), os.path.join(folder, "day2", "wan1.pcap.gz"))
        check.same("two of one name", len(sizes(out)), 2)
        for bad, code in ((["-o", out, "-"], 64), ([*arguments], 64), (["-o", out, "--around", "0", *arguments], 64),
                          (["-o", out, "--budget", "x", *arguments], 64), (["-o", out, ledger], 64),
                          (["-o", os.path.join(folder, "no", "where"), *arguments], 73), (["-o", ledger, *arguments], 73)):
            check.same(f"thin {' '.join(bad[:3])}", call("thin", *bad)[0], code)


# ---- killed at any moment ----

def kills(suite):
    arguments, originals = inputs_of("recorded")
    with tempfile.TemporaryDirectory() as folder, suite.check("killed at any moment") as check:
        for budget in ([], ["--budget", "12k"]):
            right = os.path.join(folder, "right" + "".join(budget[1:]))
            thin(right, "--around", AROUND, *budget, *arguments)
            for wanted in range(1, len(sizes(right)) + 1):
                out = os.path.join(folder, f"killed{wanted}" + "".join(budget[1:]))
                os.mkdir(out)
                process = subprocess.Popen([oracle.PROGRAM, "thin", "--around", AROUND, *budget, "-o", out, *arguments],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                deadline = time.monotonic() + 20
                while process.poll() is None and len(os.listdir(out)) < wanted and time.monotonic() < deadline:
                    pass
                process.send_signal(signal.SIGKILL)
                process.wait()
                for name in sizes(out):
                    check_file(check, f"after a kill, {name}", os.path.join(out, name), originals[name])
                thin(out, "--around", AROUND, *budget, *arguments)
                same_folder(check, f"done again after {wanted} of {len(sizes(right))}", right, out)
                check.same("what is left behind", [n for n in os.listdir(out) if n.startswith(".")], [])


def prefixes(suite):
    """Whatever is left of a thinned file: no crash, and no pass."""
    arguments, _ = inputs_of("failover")
    with tempfile.TemporaryDirectory() as folder, suite.check("every prefix") as check:
        out = os.path.join(folder, "out")
        thin(out, "--around", "0.0001", "--budget", "12k", *arguments)
        for name in sizes(out):
            data = bytes_of(os.path.join(out, name))
            starts = [start for _, _, _, start in blocks(data)]
            path = os.path.join(folder, name)
            for end in sorted(set(starts[1:8] + starts[-3:] + [s + 13 for s in starts[2:4]] + [len(data)])):
                with open(path, "wb") as file:
                    file.write(data[:end])
                code, text, _ = call("report", "--now", NOW, "--json", "-", "--backup", path)
                check.true(f"{name} up to {end}: exit {code}", code in (2, 3, 65))
                check.true(f"{name} up to {end}: thinned", code == 65 or end < starts[2] or '"thinned_files"' in text)


def main():
    suite = oracle.Suite("thin")
    oracle.need_program(suite)
    keeps(suite)
    budgets(suite)
    what_is_not_ours(suite)
    ways(suite)
    kills(suite)
    prefixes(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
