#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_hands.py - captures and reports for other hands: `annotate` says of each frame what the ledger counts it as, and
`report --anonymize` tells all figures and no name. The oracle is a reader of pcapng of its own (check_thin.py), the ledger,
tshark's filter, and the report with its names.
"""
import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import check_thin
import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
TSHARK_CASES = ("background",)  # of many kinds, one of which begins as another is called


def captures(case):
    folder = os.path.join(FIXTURES, case)
    spool = os.path.join(folder, "spool")
    if os.path.isdir(spool):
        return [spool], sorted(glob.glob(os.path.join(spool, "*.pcap*")))
    paths = sorted(glob.glob(os.path.join(folder, "*.pcap*")))
    return paths, paths


def cases():
    return [case for case in sorted(os.listdir(FIXTURES)) if captures(case)[0]]


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, text=True,
                          errors="replace")
    return done.returncode, done.stdout, done.stderr


def ledger_of(arguments):
    code, out, err = call("dissect", *arguments)
    if code:
        raise oracle.Failure(f"dissect ended with {code}: {err}")
    return json.loads(out)


def frames_by_kind(ledger):
    kinds = collections.Counter()
    for wan in ledger["wans"]:
        for bucket in wan["buckets"]:
            for direction in ("up", "down", "unknown"):
                for kind, tally in bucket.get(direction, {}).items():
                    kinds[kind] += tally[0]
    return +kinds


# ---- annotate ----

def tshark_count(path, wanted):
    done = subprocess.run(["tshark", "-r", path, "-Y", f'frame.comment contains "{wanted}"', "-T", "fields", "-e", "frame.number"],
                          capture_output=True, timeout=oracle.HANG_LIMIT, check=True)
    return len(done.stdout.split())


def annotated(suite):
    for case in cases():
        arguments, paths = captures(case)
        with tempfile.TemporaryDirectory() as folder, suite.check(f"annotate {case}") as check:
            out = os.path.join(folder, "all.pcapng")
            code, _, err = call("annotate", "-o", out, *arguments)
            check.same(f"exit ({err})", code, 0)
            ledger = ledger_of(arguments)
            frames, others = check_thin.read(out)
            found = collections.Counter(words(f)["kind"] for f in frames)
            check.same("frames by kind", found, frames_by_kind(ledger))
            check.same("files left", os.listdir(folder), ["all.pcapng"])
            whole = collections.Counter()
            for path in paths:
                whole.update((f.data, f.wire) for f in check_thin.read(path)[0])
            changed = collections.Counter((f.data, f.wire) for f in frames) - whole
            check.same("frames that are not as they were", len(changed), 0)
            if case in TSHARK_CASES and shutil.which("tshark"):
                for kind, count in frames_by_kind(ledger).items():
                    check.same(f"tshark's {kind}", tshark_count(out, f"kind={kind} "), count)


def words(frame):
    text = next(c for c in frame.comments if c.startswith("kind="))
    return {word.partition("=")[0]: word.partition("=")[2] for word in text.split(" ")}


def places(suite):
    """The story of a failover, told by comments: WANs are interfaces, and user data on the backup passed while wan1 was out."""
    arguments, _ = captures("failover")
    with tempfile.TemporaryDirectory() as folder, suite.check("annotate: what the comments say") as check:
        out = os.path.join(folder, "all.pcapng")
        call("annotate", "-o", out, "--role", "wan1=master", "--role", "wan2=backup", *arguments)
        frames = check_thin.read(out)[0]
        with open(out, "rb") as file:
            names = [dict(check_thin.options(body[8:], order))[2].decode()
                     for order, kind, body, _ in check_thin.blocks(file.read()) if kind == 1]
        check.same("interfaces", sorted(set(names)), ["wan1", "wan2"])
        on = {name: [words(f) for f in frames if names[f.interface] == name] for name in set(names)}
        check.true("times go up", all(a.ts_ns <= b.ts_ns for a, b in zip(frames, frames[1:])))
        phases = collections.Counter(w for f in on["wan2"] for w in f if w.startswith("while-") and f["kind"] == "payload")
        check.true(f"wan2 carried while wan1 was out: {phases}", phases["while-primary-out"] > 100)
        check.true("nothing of the kind on wan1", not any(w.startswith("while-") for f in on["wan1"] for w in f))
        told = [json.loads(line) for line in call("packets", "--json", *arguments)[1].splitlines()]
        check.same("as packets tells it", collections.Counter((f["wan"], f["frame"], f["kind"], f["conn"] or "") for f in told),
                   collections.Counter((n, int(w["frame"]), w["kind"], w.get("conn", "")) for n, ws in on.items() for w in ws))
        again = ledger_of([out])
        check.same("its audit", frames_by_kind(again), frames_by_kind(ledger_of(arguments)))


def refusals(suite):
    arguments, _ = captures("failover")
    with tempfile.TemporaryDirectory() as folder, suite.check("annotate: refusals") as check:
        hostile = os.path.join(folder, 'kind=payload "x\n.pcap')
        shutil.copy(arguments[0], hostile)
        out = os.path.join(folder, "out.pcapng")
        call("annotate", "-o", out, hostile)
        check.same("a name is no word", {len([w for w in f.comments[-1].split() if "kind=" in w]) for f in check_thin.read(out)[0]},
                   {1})
        for bad, code in ((["-o", out], 64), (arguments, 64), (["-o", out, "-"], 64), (["-o", out, "no.pcap"], 66),
                          (["-o", os.path.join(folder, "no", "x"), *arguments], 73), (["-o", "/dev/full", *arguments], 74)):
            got, _, err = call("annotate", *bad)
            check.true(f"annotate {bad[:3]}: {got} {err}", got == code and err)


# ---- report --anonymize ----

# captures, options: IPv6, what a router's configuration tells, a recorder's words, several interfaces, an outage
REPORTS = (("failover", ["--role", "wan1=master", "--role", "wan2=backup"]), ("ipv6", []), ("recorded", []), ("one-pcapng", []),
           ("uci-router", ["--uci", os.path.join(FIXTURES, "uci-router", "wrong")]), ("leak", []))
ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|\b[0-9a-f]{1,4}:[0-9a-f:]*::[0-9a-f:]*")

REPAIR = re.compile(r"<p>[^<]*<pre.*?</pre>|Lines for the router[^<]*", re.S)  # the page's own lines for a router speak of wan1, wan2
OURS = {"backup"}  # a role as well as a name


def leaves(value, at=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, f"{at}[{i}]")
    else:
        yield at, value


def audited(folder, options, paths):
    """JSON, and all that is told of it in either language."""
    made, told = os.path.join(folder, "report.json"), ""
    for language in ("en", "zh-CN"):
        page = os.path.join(folder, "page.html")
        code, out, err = call("report", "--now", check_thin.NOW, "--json", made, "--html", page, "--lang", language, *options, *paths)
        if code not in oracle.VERDICT_EXITS:
            raise oracle.Failure(f"report ended with {code}: {err}")
        with open(page, encoding="utf-8") as file:
            told += out + REPAIR.sub("", file.read())
    with open(made, encoding="utf-8") as file:
        text = file.read()
    return json.loads(text), text + told


def names_in(report):
    """Names that the report with its names holds: WANs, files and their folders, devices, servers, the site."""
    names = {report["site"]}
    for wan in report["wans"]:
        names.add(wan["name"])
    for file in report["coverage"]["files"]:
        names |= {file["name"], os.path.basename(file["name"]), os.path.dirname(file["name"])}
    for wan in report.get("expected", {}).get("wans", []):
        names |= {wan["name"], *wan.get("devices", [])}
    return {name for name in names if name}


def anonymous(suite, name, folder, options, paths):
    with suite.check(f"anonymize {name}") as check:
        plain, _ = audited(folder, options, paths)
        veiled, told = audited(folder, [*options, "--anonymize"], paths)
        old, new = dict(leaves(plain)), dict(leaves(veiled))
        gone = [at for at in old if at not in new and "time_zone_name" not in at and ".notes[" not in at]
        check.same("members gone", gone, [])
        check.same("members added", [at for at in new if at not in old], [])
        same = [at for at in new if not isinstance(new[at], str)]
        check.true("figures", len(same) > 50)
        check.same("figures that differ", [at for at in same if new[at] != old.get(at)], [])
        for word in names_in(plain) - OURS:
            end = "" if len(word) > 20 else r"(?!\w)"  # a sentence cuts what is long
            found = re.search(rf"(?<![\w-]){re.escape(word[:20])}{end}", told)
            check.true(f"{word} is told: {told[max(0, found.start() - 60):found.end() + 20] if found else ''}", not found)
        check.same("addresses told", sorted(set(ADDRESS.findall(told))), [])
        calls = {}
        for at, value in old.items():
            if re.search(r"(\.wan|wans\[\d+\]\.name|\.file|files\[\d+\]\.name)$", at) and isinstance(value, str):
                calls.setdefault(value, set()).add(new[at])
        check.true("each has one name", all(len(names) == 1 for names in calls.values()))
        check.same("and no two the same", len({n for names in calls.values() for n in names}), len(calls))
        check.same("roles stay", [w["role"] for w in veiled["wans"]], [w["role"] for w in plain["wans"]])
        check.same("WANs", [w["name"] for w in veiled["wans"]], [f"wan-{chr(97 + i)}" for i in range(len(veiled["wans"]))])


def anonymizes(suite):
    for case, options in REPORTS:
        with tempfile.TemporaryDirectory() as folder:
            anonymous(suite, case, folder, options, captures(case)[0])
    # names that sentences must cut, that are words of ours, that hold one another or what a page escapes
    for i, names in enumerate((("A-street-in-a-town-7-third-floor-left-at-the-back", "backup"), ("lte", "lte-2"),
                               ("<b>fibre & co</b>", "x\u202ey"))):
        with tempfile.TemporaryDirectory() as folder:
            ini = os.path.join(folder, "site.ini")
            with open(ini, "w", encoding="utf-8") as file:
                file.write("[site]\nname = Main-Street-4\n")
            anonymous(suite, f"hostile names {i}", folder, ["--config", ini, "--role", f"{names[0]}=master", "--role",
                      f"{names[1]}=backup"], [f"{n}={p}" for n, p in zip(names, captures("failover")[0])])
    with tempfile.TemporaryDirectory() as folder, suite.check("anonymize: names that are words of the program") as check:
        paths = [f"{n}={p}" for n, p in zip(("mptcp", "capture"), captures("failover")[0])]
        plain, veiled = audited(folder, [], paths)[0], audited(folder, ["--anonymize"], paths)[0]
        check.same("tool", veiled["tool"], plain["tool"])
        check.same("titles", [f["title"] for f in veiled["findings"]], [f["title"] for f in plain["findings"]])
        check.same("WANs", [w["name"] for w in veiled["wans"]], ["wan-a", "wan-b"])
    with suite.check("anonymize: refusals") as check:
        check.same("several sites", call("report", "--anonymize", "--sites", "x", *captures("failover")[0])[0] >= 64, True)


def main():
    suite = oracle.Suite("hands")
    oracle.need_program(suite)
    annotated(suite)
    places(suite)
    refusals(suite)
    anonymizes(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
