#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_fixtures.py - audits the project's own fixtures and compares with their truth.json; so a clone proves itself.

    compare_fixtures.py [CASE...]             check
    compare_fixtures.py --write [CASE...]     write expected.txt and the sample in README.md anew: only on purpose, after reading the difference

Recorded cases are compared with the kernel (see lab.py), byte-built ones with their builder frame by frame (see
fixture_bytes.py). What a verdict must be stands here, in VERDICTS, for each recorded case, from the story and the rules.
expected.txt holds the text a person reads. It is no oracle for numbers: it shows when a sentence changes.
"""
import calendar
import difflib
import gzip
import json
import os
import re
import sys
import tempfile
import time

import fixture_bytes
import oracle

ROOT = os.path.join(oracle.HERE, "..", "fixtures")
# One of each sentence about the backup (report/sentence.c), told in Chinese too.
CHINESE = ("backup-idle", "short-connections", "quiet-hour", "failback-late", "leak", "cut-file", "recorded")
NOW = "2026-01-02T03:04:05Z"

# What each story must come to: the overall verdict, and {(rule, WAN): status}. A WAN of None is the whole audit.
VERDICTS = {
    "backup-idle": ("pass", {("A1", "wan2"): "pass", ("A3", "wan2"): "pass", ("A6", "wan2"): "pass"}),
    "failover": (None, {("A1", "wan2"): "pass", ("A3", "wan2"): "pass", ("A10", "wan2"): "pass", ("A12", "wan2"): "pass",
                        ("A13", "wan2"): "pass", ("A25", "wan1"): "pass"}),
    "leak": ("fail", {("A1", "wan2"): "fail", ("A3", "wan2"): "fail", ("A6", "wan2"): "fail"}),
    "short-connections": ("warn", {("A1", "wan2"): "warn", ("A3", "wan2"): "pass"}),
    "fallback": ("fail", {("A23", "wan1"): "fail"}),
    "stripped": ("fail", {("A23", "wan2"): "fail"}),
    "background": (None, {("A3", "wan2"): "pass"}),
    "standing-by": (None, {("A1", "wan2"): "not_assessed", ("A3", "wan2"): "pass", ("E1", "wan2"): "pass"}),
    "ipv6": ("pass", {("A1", "wan2"): "pass", ("A1", "wan3"): "pass"}),
    "mp-prio": (None, {("A6", "wan2"): "warn"}),
    "failback-late": ("warn", {("A10", "wan2"): "pass", ("A11", "wan2"): "pass", ("A12", "wan2"): "warn", ("A13", "wan2"): "pass"}),
    "failback-never": ("fail", {("A3", "wan2"): "pass", ("A10", "wan2"): "pass", ("A12", "wan2"): "fail"}),
    "failover-slow": ("fail", {("A9", "wan2"): "pass", ("A10", "wan2"): "fail", ("A11", "wan2"): "fail",
                               ("A12", "wan2"): "not_assessed"}),
    "pings-lost": (None, {("A25", "wan1"): "pass", ("A10", "wan2"): "not_applicable"}),
    "flapping": ("warn", {("A25", "wan1"): "warn", ("A10", "wan2"): "not_applicable"}),
    "dead-standby": ("fail", {("A14", "wan2"): "fail", ("A14", "wan3"): "pass", ("A10", "wan3"): "pass"}),
    "never-joined": ("fail", {("A9", "wan2"): "fail", ("A3", "wan2"): "pass"}),
    "opened-on-backup": ("fail", {("A8", "wan2"): "fail", ("A6", "wan2"): "warn", ("A3", "wan2"): "fail"}),
    "reconnects": ("fail", {("A20", "wan2"): "fail", ("A3", "wan2"): "pass"}),
    "many-connections": ("warn", {("A1", "wan2"): "warn", ("A1", "wan3"): "warn"}),
}


def truth_of(name):
    with open(os.path.join(ROOT, name, "truth.json"), encoding="utf-8") as file:
        return json.load(file)


# ---- recorded cases ----

def check_verdict(suite, name, got):
    verdict, rules = VERDICTS[name]
    with suite.check(f"{name} verdict") as check:
        if verdict:
            check.same("verdict", got["verdict"], verdict)
        found = {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}
        for key, status in rules.items():
            check.same(f"{key[0]} {key[1]}", found.get(key), status)


def check_circumstances(suite, name, got, truth):
    """Was the master healthy while wan2 carried new data? The lab knows: it lost nothing, or it took wan1 down."""
    if any(row["opened_over"] == "wan2" and row["proto"] == "mptcp" for row in truth["truth_connections"]):
        return      # of what is opened there in an outage, or before it joins wan1, no circumstance is known
    phases = oracle.wans_of(got)["wan2"].get("phases", {})
    seen = {phase: row["first_seen_bytes"] for phase, row in phases.items() if row["first_seen_bytes"]}
    carried = sum(row["tcp_payload_sent"] + row["tcp_payload_received"] for row in truth["truth_subflows"]
                  if row["wan"] == "wan2" and row["mptcp"])
    lossless = not truth["nstat_delta"]["server"].get("TcpRetransSegs") and \
        not truth["nstat_delta"]["client"].get("TcpRetransSegs")
    down = [event["t"] for event in truth["events"] if event["what"] in ("wan1 link down", "wan1 blackhole on")]
    with suite.check(f"{name} circumstances") as check:
        if lossless and carried:
            check.same("first-seen bytes by phase", seen, {"healthy": carried})
        elif down and carried:
            check.true(f"{seen} holds bytes beside a healthy master", not seen.get("healthy"))
            check.true(f"{seen} does not tell of the outage", seen.get("outage", 0) + seen.get("after", 0) > carried / 2)
        else:
            check.same("first-seen bytes by phase", seen, {})


def check_trackers(check, got, trackers):
    """Pings of each WAN, answered or not, as the program that sent them counted."""
    for wan in {row["wan"] for row in trackers}:
        apps = oracle.wans_of(got)[wan]["apps"]
        echoes = sum(row["sent"] + row["answered"] for row in trackers if row["wan"] == wan)
        check.same(f"{wan} echo frames", apps["icmp-tracker"]["frames"], echoes)
        check.same(f"{wan} echo bytes", apps["icmp-tracker"]["ip_bytes"], echoes * 84)


def check_background(suite, name, got, truth):
    """What the lab's small programs sent must be found again under its label."""
    said = truth["background"]
    if not said:
        return
    apps = oracle.wans_of(got)["wan2"]["apps"]
    with suite.check(f"{name} apps") as check:
        check_trackers(check, got, said.get("trackers", ()))
        if "ping" in said:
            echoes = said["ping"]["sent"] + said["ping"]["answered"]
            labelled = [row for label, row in apps.items() if "icmp" in label or "tracker" in label]
            check.same("echo frames", sum(row["frames"] for row in labelled), echoes)
            check.same("echo bytes", sum(row["ip_bytes"] for row in labelled), echoes * 84)
        if "dns" in said:
            payload = sum(said["dns"]["udp_payload"]) + 2 * 28
            check.same("dns frames", apps.get("dns", {}).get("frames"), 2 * said["dns"]["queries"])
            check.same("dns bytes", apps.get("dns", {}).get("ip_bytes"), payload * said["dns"]["queries"])


def compare_recorded(suite, name, truth):
    files = oracle.capture_files(os.path.join(ROOT, name), truth["roles"])
    got = oracle.check_recorded(suite, name, files, truth)
    if got is None:
        return
    check_verdict(suite, name, got)
    check_circumstances(suite, name, got, truth)
    check_background(suite, name, got, truth)


# ---- byte-built cases ----

def check_run(check, run, got, said):
    wans = oracle.wans_of(got)
    for wan, want in run["wans"].items():
        for field in ("frames", "l2_bytes", "ip_bytes"):
            check.same(f"{wan} {field}", wans[wan][field], want[field])
        for direction in ("up", "down", "unknown"):
            for kind in sorted(set(want.get(direction, {})) | set(wans[wan].get(direction, {}))):
                one, two = oracle.cell(wans[wan], direction, kind), oracle.cell(want, direction, kind)
                for field in oracle.FIELDS:
                    check.same(f"{wan} {direction} {kind} {field}", one[field], two[field])
    for wan, events in run.get("events", {}).items():
        for event, count in events.items():
            check.same(f"{wan} {event}", wans[wan]["events"].get(event, 0), count)
    for pattern in run.get("says", ()):
        check.true(f"nothing says /{pattern}/", re.search(pattern, said, re.DOTALL))
    for wan, causes in run.get("causes", {}).items():
        check.same(f"{wan} causes", {c["id"]: c["ip_bytes"] for c in wans[wan]["causes"]}, causes)
        check.same(f"{wan} causes add up", sum(c["ip_bytes"] for c in wans[wan]["causes"]),
                   wans[wan]["billed_ip_bytes"])
        check.true(f"{wan}: a cause without a time or a frame",
                   all(c["first"] and c["last"] and c["frames_that_show"] for c in wans[wan]["causes"]))
    found = {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}
    for rule, wan, status in run.get("findings", ()):
        check.same(f"{rule} {wan}", found.get((rule, wan)), status)
    if "connections" in run:
        check_connections(check, run["connections"], got)
    if "coverage" in run:
        check_recording(check, run, got)
    elif "rules" in run:
        found = {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}
        for rule, wan, status in run["rules"]:
            check.same(f"{rule} {wan}", found.get((rule, wan)), status)


def seconds(moment):
    """Since the start of all byte-built stories."""
    whole = calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    return round(whole + float("0" + moment[19:-1]) - fixture_bytes.START_NS / 1e9, 3)


def check_recording(check, run, got):
    """What the notes of the recording say, found again; and what it comes to."""
    check.same("verdict", got["verdict"], run["verdict"])
    found = {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}
    for rule, wan, status in run["rules"]:
        check.same(f"{rule} {wan}", found.get((rule, wan)), status)
    check.same("judged time", [seconds(got["window"]["start"]), seconds(got["window"]["end"])], run["window"])
    for wan in got["wans"]:
        check.same(f"{wan['name']} role from", wan["role_source"], run["role_source"])
    for row in got["coverage"]["wans"]:
        want, said = run["coverage"][row["wan"]], row["recording"]
        kernel = said["kernel"]
        check.same(f"{row['wan']} gaps", [[g["state"], seconds(g["from"]), seconds(g["to"])] for g in said["gaps"]],
                   want["gaps"])
        check.same(f"{row['wan']} clock", [[seconds(s["at"]), s["by_seconds"]] for s in said["clock_set"]],
                   want["clock_set"])
        check.same(f"{row['wan']} kernel", [kernel["frames"], kernel["captured_frames"], kernel["dropped_frames"]],
                   want["kernel"])
        check.same(f"{row['wan']} kernel bytes less those dropped", kernel["bytes"] - 1514 * kernel["dropped_frames"],
                   kernel["captured_bytes"])
        check.same(f"{row['wan']} files", said["files"], want["files"])
        counters = oracle.wans_of(got)[row["wan"]]["counters"]
        for state in ("absent", "down", "suspended", "stopped"):
            check.same(f"{row['wan']} {state} in all", counters.get(f"gaps_{state}_us", 0),
                       sum((to - start) * 1_000_000 for name, start, to in want["gaps"] if name == state))
        check.same(f"{row['wan']} judged time adds up", round(sum(said["judged_seconds"].values()), 6),
                   got["window"]["seconds"])


def check_connections(check, wanted, got):
    check.same("connections", len(got["connections"]), len(wanted))
    events = {}
    for wan in got["wans"]:
        for event, count in wan["events"].items():
            events[event] = events.get(event, 0) + count
    for one, want in zip(sorted(got["connections"], key=lambda c: c["start"]), wanted):
        if "version" in want:
            check.same("version", one["version"], want["version"])
        check.same("fallback", bool(one["fallback"]), want.get("fallback", False))
        check.same("subflows", len(one["subflows"]), want["subflows"])
        if "confidence" in want:
            check.same("confidence", {s["confidence"] for s in one["subflows"]}, {want["confidence"]})
        for event in ("checksum", "hmac"):
            if f"{event}s_good" in want or f"{event}_good" in want:
                check.same(f"{event}_good", events.get(f"{event}_good", 0),
                           want.get(f"{event}s_good", want.get(f"{event}_good")))
                check.same(f"{event}_bad", events.get(f"{event}_bad", 0), 0)


def check_frames(check, folder, run):
    """Each frame's direction, kind and lengths, in the order of its file."""
    files = run["files"]
    arguments = [f"{wan}={os.path.join(folder, path)}" if wan else os.path.join(folder, path)
                 for wan, path in files.items()]
    rows = {}
    for packet in oracle.packets(*arguments):
        rows.setdefault(packet["wan"], []).append(packet)
    for wan, wanted in run["frames"].items():
        mine = sorted(rows.get(wan, []), key=lambda p: p["frame"])
        check.same(f"{wan} frames", len(mine), len(wanted))
        for packet, want in zip(mine, wanted):
            have = [packet["dir"], packet["kind"], packet["ip_len"], packet["payload_len"]]
            check.same(f"{wan} frame {packet['frame']}", have, want)


def arguments_of(folder, run):
    """Further words of the run's command line; a file or folder of the case is found in its folder."""
    inside = {word: os.path.join(folder, word) for word in run.get("arguments", ())}
    return [path if os.path.exists(path) else word for word, path in inside.items()]


def compare_built(suite, name, truth):
    folder = os.path.join(ROOT, name)
    for run in truth["runs"]:
        label = f"{name} {'+'.join(run['files'].values())}" if len(truth["runs"]) > 1 else name
        label = " ".join([label, *run.get("arguments", ())])
        files = {wan: os.path.join(folder, path) for wan, path in run["files"].items()}
        with suite.check(f"{label} sums") as check:
            got, err = oracle.report(files, run["roles"], *arguments_of(folder, run))
            oracle.check_conservation(check, got)
            check_run(check, run, got, err + json.dumps(got))
        if len(files) > 1:
            with suite.check(f"{label} order of files") as check:
                got, _ = oracle.report(files, run["roles"])
                oracle.check_order(check, files, run["roles"], got)
        if "frames" in run:
            with suite.check(f"{label} frames") as check:
                check_frames(check, folder, run)


def content(path):
    """Compressed files by what they hold: another zlib may write it another way."""
    with open(path, "rb") as file:
        data = file.read()
    return gzip.decompress(data) if path.endswith(".gz") else data


def check_rebuilt(suite):
    """The builder still writes, byte for byte, what lies in the fixtures."""
    with suite.check("built fixtures are what the builder writes") as check, \
            tempfile.TemporaryDirectory(prefix="mptcp-audit-built") as into:
        fixture_bytes.main(["--into", into])
        for folder, _, names in os.walk(into):
            for name in names:
                path = os.path.join(os.path.relpath(folder, into), name)
                check.true(f"{path} differs", content(os.path.join(into, path)) == content(os.path.join(ROOT, path)))


# ---- expected texts ----

def text_of(name, truth, *language):
    """What a person reads: the text report of a case's first run, with paths that do not depend on the place."""
    folder = os.path.join(ROOT, name)
    if "runs" in truth:
        run = truth["runs"][0]
        files, roles, more = run["files"], run["roles"], run.get("arguments", [])
    else:
        roles = {wan: oracle.role_word(role) for wan, role in truth["roles"].items()}
        files = {wan: os.path.basename(path) for wan, path in oracle.capture_files(folder, roles).items()}
        more = []
    arguments = ["report", "--now", NOW, *language, *more]
    for wan, path in files.items():
        if not wan:
            arguments += [word for pair in roles.items() for word in ("--role", "=".join(pair))] + [path]
        else:
            arguments += [f"--{roles[wan]}", f"{wan}={path}"] if wan in roles else [f"{wan}={path}"]
    here = os.getcwd()
    os.chdir(folder)
    try:
        return oracle.run(*arguments)[0]
    finally:
        os.chdir(here)


def check_text(suite, name, truth, write, ending="txt", language=()):
    path = os.path.join(ROOT, name, f"expected.{ending}")
    if write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text_of(name, truth, *language))
        return
    with suite.check(f"{name} text{' '.join(('', *language))}") as check:
        with open(path, encoding="utf-8") as file:
            want = file.read()
        got = text_of(name, truth, *language)
        if got != want:
            lines = difflib.unified_diff(want.splitlines(), got.splitlines(), "expected", "now", lineterm="", n=0)
            print("\n".join(list(lines)[2:14]))
        check.same("text", got == want, True)


README = os.path.join(ROOT, "..", "README.md")
SAMPLE = re.compile(r"(This is what it says of `fixtures/backup-idle`:\n\n```\n)(.*?)(\n```)", re.DOTALL)


def check_readme(suite, write):
    """The sample in README.md is what the program prints."""
    here = os.getcwd()
    os.chdir(os.path.join(ROOT, ".."))
    try:
        case = "fixtures/backup-idle"
        got = oracle.run("report", "--now", NOW, "--master", f"wan1={case}/wan1.pcap.gz",
                         "--backup", f"wan2={case}/wan2.pcap.gz")[0].rstrip()
    finally:
        os.chdir(here)
    with open(README, encoding="utf-8") as file:
        text = file.read()
    if write:
        with open(README, "w", encoding="utf-8") as file:
            file.write(SAMPLE.sub(lambda m: m[1] + got + m[3], text))
        return
    with suite.check("the sample in README.md") as check:
        check.same("sample", SAMPLE.search(text)[2] == got, True)


def main(names):
    suite = oracle.Suite("fixtures")
    oracle.need_program(suite)
    write = names[:1] == ["--write"]
    names = names[1:] if write else names
    if not names:
        check_readme(suite, write)
    if not names and not write:
        check_rebuilt(suite)
    for folder in oracle.folders_with_truth(ROOT):
        name = os.path.basename(folder)
        if names and name not in names:
            continue
        truth = truth_of(name)
        if not write:
            (compare_built if "runs" in truth else compare_recorded)(suite, name, truth)
            with suite.check(f"{name} story") as check:
                check.true("story.md is missing", os.path.exists(os.path.join(folder, "story.md")))
        check_text(suite, name, truth, write)
        if name in CHINESE:
            check_text(suite, name, truth, write, "zh.txt", ("--lang", "zh-CN"))
    return 0 if write else suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
