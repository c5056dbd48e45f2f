#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_formats.py - forms of a stored report: text, Markdown, metrics, lines of JSON.

Each is a function of the report's JSON: text that `render` makes is what `report` printed; every metric is taken from
the JSON again here and promtool reads the file; hostile names stay names; both languages are whole; schema by
python3-jsonschema (2020-12).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
CASES = ("failover", "mp-prio", "leak", "short-connections", "v0-redundant", "quiet-hour")
NOW = ("--now", "2026-12-01T00:00:00Z")
HOSTILE = '<script>alert(1)</script>"|`*_\\'


def call(*arguments, stdin=None):
    done = subprocess.run([oracle.PROGRAM, *arguments], input=stdin, capture_output=True, timeout=oracle.HANG_LIMIT,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode(errors="replace")


def captures(case):
    folder = os.path.join(FIXTURES, case)
    words = []
    for name in sorted(os.listdir(folder)):
        if re.search(r"\.pcap(ng)?(\.gz|\.zst)?$", name):
            role = "--master" if name.startswith("wan1") else "--backup"
            words += [role, f"{name.split('.')[0]}={os.path.join(folder, name)}"]
    return words


def audit(case, *arguments):
    code, out, err = call("report", *NOW, *captures(case), "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report ended with {code}: {err}")
    return json.loads(out)


def render(report, form, *arguments):
    code, out, err = call("render", "-", "--format", form, *arguments, stdin=json.dumps(report).encode())
    if code != 0:
        raise oracle.Failure(f"render --format {form} ended with {code}: {err}")
    return out


def check_text(suite):
    for case in CASES:
        for language in ("en", "zh-CN"):
            with suite.check(f"{case} text {language}") as check:
                code, printed, _ = call("report", *NOW, *captures(case), "--lang", language)
                check.true(f"exit {code}", code in oracle.VERDICT_EXITS)
                check.same("lines", render(audit(case), "text", "--lang", language).splitlines(), printed.splitlines())
                wide = [line for line in printed.splitlines() if columns(line) > 80]
                check.same("too wide", wide, [])


def columns(line):
    return sum(2 if 0x2e80 <= ord(c) <= 0xffe6 else 1 for c in line)


def check_chinese(suite):
    """No English sentence is left: three words in a row, but for names of options and files."""
    allowed = re.compile(r"(mptcp-audit explain --lang zh \w+|frame\.number \S+|--\S+|\S*/\S+)")
    for case in CASES:
        with suite.check(f"{case} no English in the Chinese text") as check:
            text = allowed.sub("", render(audit(case), "text", "--lang", "zh-CN"))
            check.same("left", re.findall(r"[a-z]+ [a-z]+ [a-z]+", text), [])


SAMPLE = re.compile(r'^(mptcp_audit_\w+)\{(.*)\} (\S+)$')


def samples(text):
    out = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))))
        if key in out:
            raise oracle.Failure(f"twice: {key}")
        out[key] = float(value)
    return out


def key(name, **labels):
    return ("mptcp_audit_" + name, tuple(sorted({"site": "", **labels}.items())))


def check_unseen_handshake(suite):
    """A connection known by its joins alone is MPTCP; one without any of it is plain TCP."""
    report = audit("leak")
    for confidence, plain in (("token", False), ("orphan", False), ("plain", True), (None, True)):
        for one in report["connections"]:
            one.update(version=None, confidence=confidence)
        with suite.check(f"no version, known by {confidence}") as check:
            check.same("plain TCP", "over plain TCP" in render(report, "text"), plain)


def check_metrics(suite):
    for case in CASES:
        with suite.check(f"{case} metrics") as check:
            report = audit(case)
            text = render(report, "metrics")
            got = samples(text)
            check.true("no newline at the end", text.endswith("\n"))
            names = [wan for wan in report["wans"]]
            for wan in names:
                labels = {"wan": wan["name"], "role": wan["role"] or ""}
                for direction in ("up", "down", "unknown"):
                    for kind, tally in wan[direction].items():
                        check.same(f"{wan['name']} {direction} {kind}",
                                   got.get(key("window_bytes", kind=kind, direction=direction, **labels)),
                                   tally["ip_bytes"])
                check.same(f"{wan['name']} billed", got.get(key("billed_bytes", **labels)), wan["billed_ip_bytes"])
            total = sum(value for (name, _), value in got.items() if name == "mptcp_audit_window_bytes")
            check.same("all bytes", total, sum(wan["ip_bytes"] for wan in names))
            for finding in report["findings"]:
                if finding["rule"] == "A1" and finding["observed"]["value"] is not None:
                    for part, metric in (("payload", "payload_ratio"), ("standby", "standby_ratio")):
                        check.same(f"{part} of {finding['wan']}", got.get(key(metric, wan=finding["wan"])),
                                   finding["observed"]["parts"][part]["value"])
            worst = {}
            order = {"fail": 3, "error": 1, "warn": 2, "not_assessed": 1, "pass": 0, "waived": 0}
            code = {3: 2, 2: 1, 1: 3, 0: 0}
            for finding in report["findings"]:
                if finding["status"] in order:
                    place = (finding["rule"], finding["wan"] or "")
                    worst[place] = max(worst.get(place, 0), order[finding["status"]])
            rules = {k: v for k, v in got.items() if k[0] == "mptcp_audit_rule_status"}
            check.same("rules", rules, {key("rule_status", rule=r, wan=w): float(code[b])
                                        for (r, w), b in worst.items()})
            check.true("a counter without totals", "bytes_total" not in text)


def check_totals(suite):
    with suite.check("the counter is that of the totals") as check:
        report = audit("failover")
        report["totals"] = {"since": "2026-01-01T00:00:00Z", "wans": [
            {"name": "wan2", "role": "backup", "down": {"payload": {"ip_bytes": 7, "frames": 1}}}]}
        got = samples(render(report, "metrics"))
        check.same("bytes_total", {k: v for k, v in got.items() if k[0].endswith("bytes_total")},
                   {key("bytes_total", wan="wan2", role="backup", kind="payload", direction="down"): 7.0})


def check_promtool(suite):
    tool = shutil.which("promtool")
    for case in CASES:
        if not tool:
            suite.skip(f"{case} promtool", "promtool is not installed")
            continue
        with suite.check(f"{case} promtool") as check:
            report = audit(case)
            report["site"] = 'a "site"\\\nof two lines'
            done = subprocess.run([tool, "check", "metrics"], input=render(report, "metrics").encode(),
                                  capture_output=True, timeout=60, check=False)
            check.same("promtool", (done.returncode, done.stderr.decode() + done.stdout.decode()), (0, ""))


def check_lines(suite):
    for case in CASES:
        with suite.check(f"{case} ndjson") as check:
            report = audit(case)
            lines = [json.loads(line) for line in render(report, "ndjson").splitlines()]
            check.same("types", [line["type"] for line in lines],
                       ["header"] + ["wan"] * len(report["wans"]) + ["interruption"] * len(report["interruptions"]) +
                       ["finding"] * len(report["findings"]) + ["summary"])
            check.same("ends", {line["window_end"] for line in lines}, {report["window"]["end"]})
            check.same("findings", [(x["rule"], x["status"], x["text"]) for x in lines if x["type"] == "finding"],
                       [(x["rule"], x["status"], x["text"]) for x in report["findings"]])


def check_markdown(suite):
    for case in CASES:
        with suite.check(f"{case} markdown") as check:
            report = audit(case)
            plain = re.sub(r"\\(.)", r"\1", render(report, "md"))
            check.true("the sentence", report["sentence"] in plain)
            for finding in report["findings"]:
                if finding["status"] != "not_applicable":
                    check.true(f"{finding['rule']}: {finding['text']}", finding["text"] in plain)
    with suite.check("hostile names are no markup") as check:
        report = audit("failover")
        report["site"] = HOSTILE
        report["wans"][1]["name"] = HOSTILE
        text = render(report, "md")
        check.same("markup", re.findall(r"(?<!\\)<script", text), [])
        check.true("table", all(line.count("|") - line.count("\\|") == 8 for line in text.splitlines()
                                if line.startswith("| ") and "---" not in line))


def check_schema(suite):
    try:
        import jsonschema
    except ImportError:
        suite.skip("schema", "python3-jsonschema is not installed")
        return
    with open(os.path.join(oracle.HERE, "..", "report", "report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.Draft202012Validator(schema)
    for case in CASES:
        with suite.check(f"{case} schema") as check:
            check.same("errors", [error.message for error in validator.iter_errors(audit(case))][:3], [])


def check_broken(suite):
    """Reports of strangers: members missing or of another type."""
    with suite.check("members missing, or of another type") as check:
        report = audit("failover")
        for member in list(report):
            for value in (None, 7, "x", [], {}, [7, None, "x", {}]):
                if member == "schema":
                    continue
                broken = dict(report)
                broken[member] = value
                for form in ("text", "md", "metrics", "ndjson", "html"):
                    code, _, err = call("render", "-", "--format", form, stdin=json.dumps(broken).encode())
                    check.same(f"{member} = {value!r}, {form}: {err}", code, 0)


OLDER = os.path.join(FIXTURES, "older-reports")


def check_older(suite):
    """What an older version wrote is told still: its sentence, verdict and WANs; by its schema's minor version."""
    for name in sorted(name for name in os.listdir(OLDER) if name.endswith(".json")):
        with suite.check(f"older {name}") as check:
            with open(os.path.join(OLDER, name), encoding="utf-8") as file:
                report = json.load(file)
            check.same("schema", report["schema"], f"mptcp-audit.report/{name[7:-5]}")
            for form in ("text", "md", "html"):
                for language in ("en", "zh-CN"):
                    got = render(report, form, "--lang", language)
                    for wan in report["wans"]:
                        check.true(f"{form} {language}: {wan['name']}", wan["name"] in got)
            said = re.sub(r"\s+", " ", render(report, "text"))
            check.true("its sentence", report["sentence"] in said)
            for finding in report["findings"]:
                if finding["status"] in ("fail", "warn"):
                    check.true(f"{finding['rule']}: {finding['text']}", finding["text"] in said)
            got = samples(render(report, "metrics"))
            for wan in report["wans"]:
                check.same(wan["name"], got.get(key("billed_bytes", wan=wan["name"], role=wan["role"] or "")),
                           wan["billed_ip_bytes"])
            check.true("lines", len(render(report, "ndjson").splitlines()) > len(report["findings"]))


def main():
    suite = oracle.Suite("formats")
    oracle.need_program(suite)
    check_text(suite)
    check_unseen_handshake(suite)
    check_chinese(suite)
    check_metrics(suite)
    check_totals(suite)
    check_promtool(suite)
    check_lines(suite)
    check_markdown(suite)
    check_schema(suite)
    check_older(suite)
    check_broken(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
