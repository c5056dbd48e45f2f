#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_stories.py - each check has a fixture that passes it and one that it blames; each page of `explain` says what it can come to.

    check_stories.py            check
    check_stories.py --table    for each check, all fixtures by what they come to

STORIES is the table to look up an example in. A check that has no `fail` by its page is shown by a warning, one that has
neither stands in NEVER with the reason. What the stories come to is held against the page of each check: nothing it does not
name, and nothing it names without an example, but for those in NOT_SHOWN.
"""
import json
import os
import re
import sys

import oracle

ROOT = os.path.join(oracle.HERE, "..", "fixtures")

# check: (a story that passes it, a story it blames, as what)
STORIES = {
    "A1": ("backup-idle", "leak", "fail"),
    "A2": ("quiet-hour", "data-plan", "fail"),
    "A3": ("backup-idle", "leak", "fail"),
    "A4": ("backup-idle", "repairs", "warn"),
    "A5": ("backup-idle", "copies", "fail"),
    "A6": ("backup-idle", "leak", "fail"),
    "A7": ("backup-idle", "uplink-leak", "fail"),
    "A8": ("backup-idle", "opened-on-backup", "fail"),
    "A9": ("backup-idle", "never-joined", "fail"),
    "A10": ("failover", "failover-slow", "fail"),
    "A11": ("failback-late", "failover-slow", "fail"),
    "A12": ("failover", "failback-never", "fail"),
    "A13": ("failover", "stalled", "fail"),
    "A14": ("dead-standby", "dead-standby", "fail"),     # on its one backup, and on the other
    "A15": ("quiet-hour", "idle-pile", "warn"),
    "A16": ("backup-idle", "short-connections", "warn"),
    "A17": ("quiet-hour", "dear-tracker", "fail"),
    "A18": ("standing-by", None, None),
    "A19": ("quiet-hour", "spent-hour", "warn"),
    "A20": ("quiet-hour", "reconnects", "fail"),
    "A21": ("quiet-hour", "spent-hour", "warn"),
    "A22": ("quiet-hour", "spent-hour", "fail"),
    "A23": ("backup-idle", "stripped", "fail"),
    "A24": ("background", None, None),
    "A25": ("failover", "flapping", "warn"),
    "A26": ("data-plan", "data-plan", "fail"),           # with the one plan, and with the other
    "A27": ("backup-idle", "recorded-stacked", "warn"),
    "A28": ("behind-the-router", "behind-the-router", "warn"),
    "A29": ("backup-idle", "silent-minutes", "fail"),
    "A30": ("v0-redundant", None, None),
    "E1": ("backup-idle", "unexplained", "warn"),
    "E2": ("data-plan", "data-plan", "warn"),
}

NEVER = {
    "A18": "it tells what the proxy's health check costs; A16 counts it, and judges",
    "A24": "it tells what no carrier bills",
    "A30": "it tells which end makes copies; A5 judges them",
}

# What a page names and no story shows.
NOT_SHOWN = {
    ("A3", "warn"): "captures/truth/6.18/14c, a bad primary: see compare_profiles.py",
    ("A7", "warn"): "kernels as the site tells them: check_expect.py",
    ("A8", "warn"): "captures/truth/6.18/17-initial-on-backup: see test_standby.c",
    ("A9", "warn"): "between the limits: test_standby.c",
    ("A10", "warn"): "between the limits: test_failover.c",
    ("A11", "warn"): "between the limits: test_failover.c",
    ("A13", "warn"): "between the limits: test_failover.c",
    ("A14", "warn"): "dead while nobody needed it: test_standby.c",
    ("A17", "warn"): "between the limits: test_causes.c",
    ("A21", "fail"): "between the limits: test_causes.c",
    ("A22", "warn"): "keepalives alone: test_causes.c",
    ("A23", "warn"): "kernels as UCI tells them: check_expect.py",
    ("A26", "warn"): "between the limits: test_plan.c",
    ("A29", "warn"): "nothing made traffic certain: test_report.c",
}


def reports():
    """(fixture, report) of each run of each fixture."""
    for folder in oracle.folders_with_truth(ROOT):
        name = os.path.basename(folder)
        with open(os.path.join(folder, "truth.json"), encoding="utf-8") as file:
            truth = json.load(file)
        if "runs" not in truth:
            roles = {wan: oracle.role_word(role) for wan, role in truth["roles"].items()}
            yield name, oracle.report(oracle.capture_files(folder, roles), roles)[0]
            continue
        for run in truth["runs"]:
            files = {wan: os.path.join(folder, path) for wan, path in run["files"].items()}
            inside = {word: os.path.join(folder, word) for word in run.get("arguments", ())}
            more = [path if os.path.exists(path) else word for word, path in inside.items()]
            yield name, oracle.report(files, run["roles"], *more)[0]


def collect():
    """{check: {status: {fixture}}}"""
    found = {}
    for name, got in reports():
        for finding in got["findings"]:
            found.setdefault(finding["rule"], {}).setdefault(finding["status"], set()).add(name)
    return found


def page_of(check):
    """The words of its page for what it can come to."""
    first = oracle.run("explain", check, allowed=(0,))[0].splitlines()
    line = next(line for line in first if line.startswith("Judged; "))
    return [word.replace(" ", "_") for word in re.split(r", ", line.split(" come to: ")[1])]


def check_pages(suite, found):
    for rule in STORIES:
        with suite.check(f"{rule} page") as check:
            page, seen = page_of(rule), set(found.get(rule, ()))
            check.same("not on its page", sorted(seen - set(page)), [])
            apart = {status for check_, status in NOT_SHOWN if check_ == rule}
            check.same("without a story", sorted((set(page) - seen - apart) & {"pass", "warn", "fail"}), [])
            check.same("shown, and yet in NOT_SHOWN", sorted(apart & seen), [])


def main(arguments):
    suite = oracle.Suite("stories")
    oracle.need_program(suite)
    found = collect()
    if arguments == ["--table"]:
        for rule in sorted(found, key=lambda rule: (rule[0], int(rule[1:]))):
            for status, names in sorted(found[rule].items()):
                print(f"{rule:4} {status:15} {' '.join(sorted(names))}")
        return 0
    with suite.check("all checks") as check:
        listed = re.findall(r"^  ([AE]\d+) ", oracle.run("explain", allowed=(0,))[0], re.MULTILINE)
        check.same("checks", listed, list(STORIES))
        check.same("that never blame", {rule for rule, row in STORIES.items() if not row[1]}, set(NEVER))
    for rule, (calm, blamed, status) in STORIES.items():
        with suite.check(f"{rule} stories") as check:
            check.true(f"{calm} does not pass it", calm in found[rule].get("pass", ()))
            if blamed:
                check.true(f"{blamed} is not {status} by it", blamed in found[rule].get(status, ()))
            else:
                check.true("it blames somebody", not {"fail", "warn"} & set(found[rule]))
            check.same("a failure would show it, not a warning", status == "warn" and "fail" in page_of(rule) and
                       "fail" in found[rule], False)
    check_pages(suite, found)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
