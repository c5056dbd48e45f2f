#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_connections.py - connections told one by one, and the sums of the others (report --connections).

Each audit is made twice: with few and with all. Nothing but the connections may differ; those told and the sums of the
others must come to what all of them come to, by class, WAN and kind; those told must be the largest, found again here
among all, and those that an interruption or a finding names; every list that people read must be the same.
"""
import collections
import json
import os
import re
import sys

import check_formats
import oracle

# as few as that; 8 is what the page shows
CASES = {"short-connections": 8, "dear-tracker": 8, "many-connections": 8, "reconnects": 8, "day-late": 8, "opened-on-backup": 1,
         "fallback": 1, "background": 1, "failover-slow": 1, "flapping": 1, "leak": 1}
LEFT_OUT = ("connections", "connections_in_sums")
CARRYING = ("payload", "reinjection", "redundant", "retransmission")
PHASES = ("healthy", "degraded", "after", "outage", "unknown")


def captures(case):
    """The first file is the master's, all others are of backups."""
    folder = os.path.join(check_formats.FIXTURES, case)
    names = sorted(name for name in os.listdir(folder) if re.search(r"\.pcap(ng)?(\.gz)?$", name))
    return [word for i, name in enumerate(names)
            for word in ("--backup" if i else "--master", f"{name.split('.')[0]}={os.path.join(folder, name)}")]


def audit(case, most, *arguments):
    code, out, err = check_formats.call("report", *check_formats.NOW, *captures(case), "--connections", str(most), *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report of {case} ended with {code}: {err}")
    return out


def class_of(connection):
    if connection["fallback"]:
        return "fallback"
    return connection["confidence"] if connection["confidence"] in ("plain", "orphan") else "mptcp"


def add_listed(sums, connections):
    for one in connections:
        name = class_of(one)
        sums[name, "connections"] += 1
        sums[name, "subflows"] += len(one["subflows"])
        for side in ("from", "to"):
            sums[name, side] += one[f"unique_bytes_{side}_client"]
        for wan in {subflow["wan"] for subflow in one["subflows"]}:
            sums[name, wan, "connections"] += 1
        for subflow in one["subflows"]:
            add_wan(sums, name, subflow, 1)


def add_wan(sums, name, row, subflows):
    sums[name, row["wan"], "subflows"] += subflows
    for kind, tally in row["kinds"].items():
        for field in oracle.FIELDS:
            sums[name, row["wan"], kind, field] += tally[field]
    for phase, count in row.get("phases", {}).items():
        sums[name, row["wan"], phase] += count


def add_classes(sums, rest):
    for one in rest["classes"]:
        name = one["class"]
        for key in ("connections", "subflows"):
            sums[name, key] += one[key]
        for side in ("from", "to"):
            sums[name, side] += one[f"unique_bytes_{side}_client"]
        for wan in one["wans"]:
            sums[name, wan["wan"], "connections"] += wan["connections"]
            add_wan(sums, name, wan, wan["subflows"])


def whole_of(report):
    sums = collections.Counter()
    add_listed(sums, report["connections"])
    add_classes(sums, report["connections_in_sums"])
    return {key: value for key, value in sums.items() if value}


def on_wans(connection, wans, kinds=None):
    return sum(tally["ip_bytes"] for subflow in connection["subflows"] if subflow["wan"] in wans
               for kind, tally in subflow["kinds"].items() if not kinds or kind in kinds)


def largest(report, most):
    """Ids of those that have to be told, of all connections."""
    all_wans = {wan["name"] for wan in report["wans"]}
    those = {wan["name"] for wan in report["wans"] if wan["role"] == "backup"} or all_wans
    rows, ids = report["connections"], set()
    for wan in those:
        here = [c for c in rows if any(subflow["wan"] == wan for subflow in c["subflows"])]
        here.sort(key=lambda c, wan=wan: (-on_wans(c, {wan}, CARRYING), -on_wans(c, {wan}), c["id"]))
        ids |= {c["id"] for c in here[:most]}
    for wans in (those, all_wans):
        here = sorted((c for c in rows if on_wans(c, wans) or wans is all_wans), key=lambda c, wans=wans: -on_wans(c, wans))
        ids |= {c["id"] for c in here[:most]}
    ids |= {row["connection"] for row in report["interruptions"] if row["connection"]}
    ids |= {finding["connection"] for finding in report["findings"] if "connection" in finding}
    return ids & {c["id"] for c in rows}


def check_adds_up(suite, case, most):
    few, every = (json.loads(audit(case, n, "--json", "-")) for n in (most, "all"))
    with suite.check(f"{case}, {most} of {len(every['connections'])}") as check:
        check.same("in sums of all", every["connections_in_sums"], {"connections": 0, "subflows": 0, "classes": []})
        for key in set(few) | set(every):
            if key not in LEFT_OUT:
                check.true(f"{key} differs", few.get(key) == every.get(key))
        check.same("told", {c["id"] for c in few["connections"]}, largest(every, most))
        check.same("one by one", few["connections"], [c for c in every["connections"] if c["id"] in largest(every, most)])
        check.same("connections", few["connections_in_sums"]["connections"] + len(few["connections"]), len(every["connections"]))
        got, want = whole_of(few), whole_of(every)
        for key in set(got) | set(want):
            check.same(" ".join(map(str, key)), got.get(key), want.get(key))
    return few, every


def without_counts(text):
    """The lines that say how many more there are differ on purpose."""
    return [line for line in text.splitlines() if not re.search(r"more in the JSON|more as sums|lists each", line)]


def more(text):
    return sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) more (?:in the JSON|as sums)", text))


SUMS = r'(?s)<div class=wide[^>]*aria-label="(?:All other connections, in sums|其余连接，只有合计)".*?</table></div>'
WORDS = {"mptcp": ("MPTCP", "MPTCP"), "plain": ("plain TCP", "普通 TCP")}


def without_sums(page):
    return re.sub(SUMS, "", re.sub(r"(?s)<section id=connections>.*?<ul class=legend>", "", page))


def rows_of_sums(page):
    """Class, WAN, connections and subflows as the page tells them."""
    table = re.search(SUMS, page)
    rows = re.findall(r"<tr><th scope=row>(.*?)<td><span class=wan>(.*?)</span><td class=n>([\d,]+)<td class=n>([\d,]+)",
                      table[0] if table else "")
    return [(name, wan, int(n.replace(",", "")), int(subflows.replace(",", ""))) for name, wan, n, subflows in rows]


def sums_of(report, language):
    return [(WORDS[one["class"]][language != "en"], wan["wan"], wan["connections"], wan["subflows"])
            for one in report["connections_in_sums"]["classes"] for wan in one["wans"]]


def check_told_alike(suite, case, few, every):
    with suite.check(f"{case} text and page") as check:
        texts = [check_formats.render(report, "text") for report in (few, every)]
        check.same("text", without_counts(texts[0]), without_counts(texts[1]))
        check.same("how many more", more(texts[0]), more(texts[1]))
        check.same("text printed", audit(case, CASES[case]).splitlines(), texts[0].splitlines())
        for language in ("en", "zh-CN"):
            pages = [check_formats.render(report, "html", "--lang", language) for report in (few, every)]
            check.same(f"rows in {language}", rows_of_sums(pages[0]), sums_of(few, language))
            check.same(f"rows of nothing in {language}", rows_of_sums(pages[1]), [])
            check.true(f"the page differs in {language}", without_sums(pages[0]) == without_sums(pages[1]))
        lead = re.search(r"of ([\d,]+) connections are shown; (.*?)<ul", check_formats.render(few, "html"))
        check.same("connections in the page", int(lead[1].replace(",", "")), len(every["connections"]))
        check.same("who is in the JSON", "all others in sums" in lead[2], few["connections_in_sums"]["connections"] > 0)


def check_form(suite, reports):
    try:
        import jsonschema
    except ImportError:
        suite.skip("schema", "python3-jsonschema is not installed")
        return
    with open(os.path.join(oracle.HERE, "..", "report", "report.schema.json"), encoding="utf-8") as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    with suite.check("schema") as check:
        for case, report in reports.items():
            check.same(case, [error.message for error in validator.iter_errors(report)][:3], [])


def check_option(suite):
    with suite.check("--connections") as check:
        for word in ("0", "-1", "many", "", "3x"):
            code, _, err = check_formats.call("report", *captures("leak"), f"--connections={word}")
            check.same(f"exit with {word!r}: {err}", code, 64)


def main():
    suite = oracle.Suite("connections")
    oracle.need_program(suite)
    reports = {}
    for case, most in CASES.items():
        few, every = check_adds_up(suite, case, most)
        reports[case] = few
        if most >= 8 and len(every["connections"]) > most:
            check_told_alike(suite, case, few, every)
    with suite.check("what the cases hold") as check:
        names = {one["class"] for report in reports.values() for one in report["connections_in_sums"]["classes"]}
        check.true(f"classes: {names}", {"mptcp", "plain"} <= names)
        check.true("a finding that names one", any("connection" in f for f in reports["opened-on-backup"]["findings"]))
    check_form(suite, reports)
    check_option(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
