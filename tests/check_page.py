#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_page.py - the page of a report: what it says, what it asks for, what hostile names can do to it.

Figures are looked up in the JSON the page was made from, by this script; the judges of form are others: Chromium, cut off
from any network, says what was requested, written to the console and laid out; axe-core (from npm, into a folder of its own)
says what a reader with a screen reader would stumble over. Stories larger than a fixture are reports that this script
stretches: the page is a function of the report alone.
"""
import copy
import datetime
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import browser
import oracle

ROOT = os.path.join(oracle.HERE, "..")
FIXTURES = os.path.join(ROOT, "fixtures")
NOW = ["--now", "2026-01-02T03:04:05Z"]
LANGUAGES = ("en", "zh-CN")
PARTS = ("healthy", "degraded", "after", "outage")     # of user data on a backup, as they stand one upon the other
CASES = ("leak", "failover", "failback-late", "short-connections", "data-plan", "quiet-hour")
DAY_LIMIT, PAGE_LIMIT = 100_000, 1_000_000
AXE = "axe-core@4.10.2"
AXE_READS = "leak"  # findings of all statuses, all tables and drawings: both languages, both themes
VOID = {"meta", "path", "rect", "br", "img", "link"}


# ---- reports ----

def report_of(case, folder):
    """The JSON of a fixture's first run, as a stored file."""
    where = os.path.join(FIXTURES, case)
    with open(os.path.join(where, "truth.json"), encoding="utf-8") as file:
        truth = json.load(file)
    if "runs" in truth:
        run = truth["runs"][0]
        files, roles, more = run["files"], run["roles"], run.get("arguments", [])
    else:
        roles = {wan: oracle.role_word(role) for wan, role in truth["roles"].items()}
        files, more = oracle.capture_files(where, roles), []
    words = [word if not os.path.exists(os.path.join(where, word)) else os.path.join(where, word) for word in more]
    for wan, path in files.items():
        path = os.path.join(where, os.path.basename(path))
        words += [f"--{roles[wan]}", f"{wan}={path}"] if wan in roles else [f"{wan}={path}"]
    path = os.path.join(folder, case + ".json")
    oracle.run("report", *NOW, "--json", path, *words)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def page_of(report, folder, name, language="en"):
    """Write a report and its page; the path and the text of the page."""
    stored, path = os.path.join(folder, name + ".json"), os.path.join(folder, f"{name}.{language}.html")
    with open(stored, "w", encoding="utf-8") as file:
        file.write(json.dumps(report))  # quicker than dump()
    oracle.run("render", stored, "-o", path, "--lang", language)
    with open(path, encoding="utf-8") as file:
        return path, file.read()


def moment(start, seconds):
    return (start + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stretch_to_day(report, wans=2, points=288):
    """The report of a day: a curve, two outages of the primary, a gap of recording on the backup, many connections."""
    day = copy.deepcopy(report)
    start, step = datetime.datetime(2026, 3, 29), 86400 // points
    outages = ((14 * 3600 + 120, 39 * 60), (14 * 3600 + 3480, 300))
    day["window"].update(start=moment(start, 0), end=moment(start, 86400), seconds=86400.0)
    backup = next(wan for wan in day["wans"] if wan["role"] == "backup")
    for number in range(2, wans):
        extra = copy.deepcopy(backup)
        extra["name"] = f"wan{number + 1}"
        day["wans"].append(extra)
    columns = []
    for wan in day["wans"]:
        wan.update(first=moment(start, 0), last=moment(start, 86400 - 1))
        primary = wan["role"] == "master"
        carrying, standby, parts = [], [], {phase: [] for phase in PARTS}
        for i in range(points):
            out = any(a <= i * step < a + length for a, length in outages)
            busy = 20_000_000 + (i * 7919 % 97) * 900_000 if 7 * 3600 < i * step < 23 * 3600 else 900_000 + i % 13 * 40_000
            late = not out and any(a <= i * step < a + length + 900 for a, length in outages)
            for phase, value in zip(PARTS, (300_000 * (i % 29 == 0), 50_000 * (i % 41 == 0), busy // 3 * late, busy * out)):
                parts[phase].append(value)
            carrying.append(busy * (not out) if primary else sum(parts[phase][i] for phase in PARTS))
            standby.append(busy // 40 if primary else 38_000 + i * 31 % 17 * 500)
        columns.append({"wan": wan["name"], "carrying_ip_bytes": carrying, "standby_ip_bytes": standby, **({} if primary else {"phases": parts})})
        wan["projection"] = {"seconds": 86400, "bytes_per_day": 12_300_000, "bytes_per_month": 369_000_000,
                             "standby_bytes_per_month": 369_000_000}
    day["series"] = {"start": moment(start, 0), "step_seconds": step, "bucket_seconds": step, "points": points, "wans": columns}
    day["interruptions"] = [
        {"kind": "outage", "wan": "wan1", "to": None, "connection": None, "direction": "down", "from": moment(start, a),
         "until": moment(start, a + length), "seconds": float(length), "heard": None, "back": None, "failback_seconds": None,
         "stall_seconds": None, "lasts": False} for a, length in outages]
    for row in day["coverage"]["wans"]:
        row["recording"] = {"from": moment(start, 0), "to": moment(start, 86400), "gaps": [
            {"state": "stopped", "from": moment(start, 4 * 3600), "to": moment(start, 5 * 3600), "seconds": 3600.0,
             "lost_frames": 0}]} if row["wan"] != "wan1" else None
    day["trend"] = {"schema": "mptcp-audit.trend/1.0", "by": "day", "wans": [
        {"site": None, "time_zone": "UTC0", "wan": "wan2", "role": "backup", "longer": 0, "points": [
            {"start": moment(start, (i - 40) * 86400), "end": moment(start, (i - 39) * 86400), "seconds": 86400.0, "audits": 1,
             "verdict": "fail" if i == 20 else "pass", "shares": {},
             "sums": {"carrying": 900_000_000 if i == 20 else 0, "standby": 12_000_000 + i % 5 * 700_000}}
            for i in range(40) if i not in (7, 8, 30)]}]}
    one = day["connections"][0]
    day["connections"] = []
    for number in range(600):
        connection = copy.deepcopy(one)
        connection["id"] = f"{number:016x}"
        connection["client"] = f"192.0.2.2:{40000 + number}"
        for subflow in connection["subflows"]:
            subflow["start"], subflow["end"] = moment(start, number * 140), moment(start, number * 140 + 900 + number % 7 * 4000)
            for tally in subflow["kinds"].values():
                tally["ip_bytes"] = max(0, tally["ip_bytes"] - number)
        connection["start"], connection["end"] = subflow["start"], subflow["end"]
        day["connections"].append(connection)
    return day


# ---- what a page says ----

class Words(html.parser.HTMLParser):
    """All text of a page but its style, and text that stands in <code>, <pre> or <time> apart."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.prose, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text.append(data)
        if not {"code", "pre", "time"} & set(self.open):
            self.prose.append(data)


def words_of(text):
    words = Words()
    words.feed(text)
    return words


def numbers_of(value):
    """Every figure of a part of a report."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return set()
    if isinstance(value, int):
        return {value}
    if isinstance(value, dict):
        return set().union(*(numbers_of(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(numbers_of(v) for v in value))
    return set()


def check_figures(suite, case, report, text):
    """Sums of WANs and numbers of findings are in the text, each to the last digit."""
    with suite.check(f"{case}: every figure of the report is on the page") as check:
        shown = {int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", " ".join(words_of(text).text))}
        for wan in report["wans"]:
            for key in ("frames", "l2_bytes", "ip_bytes", "payload_bytes", "kinds", "apps", "events", "counters"):
                lost = numbers_of(wan[key]) - shown
                check.true(f"{wan['name']} {key}: {sorted(lost)[:5]} not on the page", not lost)
        for finding in report["findings"]:
            lost = numbers_of([finding["observed"]["numerator"], finding["observed"]["denominator"],
                               finding["observed"]["parts"], [one["frame"] for one in finding["evidence"]]
                               if finding["status"] in ("fail", "warn") else []])
            lost = {n for v in finding["observed"]["parts"].values() if isinstance(v, dict)
                    for n in (v["numerator"], v["denominator"])} - shown | (lost - shown)
            check.true(f"{finding['rule']} {finding['wan']}: {sorted(lost)[:5]} not on the page", not lost)


def check_series(suite, case, report):
    """Columns add up to the sums of the WAN; rates are the sums over the time."""
    with suite.check(f"{case}: series and rates add up") as check:
        for wan in report["wans"]:
            columns = next(row for row in report["series"]["wans"] if row["wan"] == wan["name"])
            twice = wan["kinds"].get("duplicate", {}).get("ip_bytes", 0)
            check.same(f"{wan['name']} bytes", sum(columns["carrying_ip_bytes"]) + sum(columns["standby_ip_bytes"]),
                       wan["ip_bytes"] - twice)
            check.same(f"{wan['name']} points", {len(v) for v in columns.values() if isinstance(v, list)},
                       {report["series"]["points"]})
            parts = columns.get("phases", {})
            check.same(f"{wan['name']} by phase", {phase: sum(values) for phase, values in parts.items()},
                       {phase: row["ip_bytes"] for phase, row in wan.get("phases", {}).items() if phase in PARTS and row["ip_bytes"]})
            check.true(f"{wan['name']} parts are parts", all(sum(step[1:]) <= step[0] for step in zip(columns["carrying_ip_bytes"],
                                                                                                      *parts.values())))
            projection = wan["projection"]
            check.same(f"{wan['name']} has a rate", bool(projection), report["window"]["seconds"] >= 3600)
            if projection:
                check.same(f"{wan['name']} a day", projection["bytes_per_day"],
                           int(wan["shared"]["billed_ip_bytes"] * 86400 / projection["seconds"] + 0.5))
            if wan["cost"]:
                check.same(f"{wan['name']} cost", wan["cost"]["expected_bytes"] + wan["cost"]["unexplained_bytes"],
                           wan["cost"]["seen_bytes"])


def check_schema(suite, case, report):
    try:
        import jsonschema
    except ImportError:
        suite.absent("schema", "this python knows no jsonschema")
        return
    with open(os.path.join(ROOT, "report", "report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    with suite.check(f"{case}: the report keeps to its schema") as check:
        wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:100]}"
                 for e in jsonschema.Draft202012Validator(schema).iter_errors(report)]
        check.same("errors", wrong[:3], [])


def check_sentences(suite, case, report, text):
    with suite.check(f"{case}: the sentences of the report are on the page") as check:
        said = re.sub(r"\s+", " ", "".join(words_of(text).text))
        # without when it was judged: the page tells it by the site's clocks
        sentence = re.sub(r"\s+", " ", report["sentence"]).split(" Judged: ")[0]
        check.true(f"'{sentence}'", sentence in said)
        for finding in report["findings"]:
            if finding["status"] in ("fail", "warn", "not_assessed"):
                check.true(f"{finding['rule']} {finding['wan']}", re.sub(r"\s+", " ", finding["text"]) in said)


# Words that are the same in both languages: names of protocols, programs, formats and settings.
SAME = re.compile(r"mptcp-audit\S*|MP_\w+|DATA_ACK|DATA_FIN|omr-tracker\w*|OpenMPTCProuter|Wireshark|LuCI|JSON|UCI|TCP|UDP|API|VPS?N?|"
                  r"wan\d\S*|[\w.-]+\.pcap\S*|[AE]\d+|--?[\w-]+=?\S*|[\w.]+@?[\w.-]*[._/][\w./-]+|\b(WAN|ms|min|kB|MB|GB|TB|UTC|DNS|NTP|ICMP|TLS|SYN|ACKs?|RST|FIN|NAT|IP|GiB|MPTCP|DSN|DSS|TOS|QUIC|HTTP|HTTPS|ssh|iperf3|"
                  r"ping|arp|default|backup|master|enabled|disabled|on|off|reliability|economy|Settings|Network|System|Wizard|Interfaces|Multipath|bpf\w*|"
                  r"primär|maître|Wi-Fi|Master|AP|SIM|keepalive|keepalives|Xray|shadowsocks|glorytun|OpenVPN|WireGuard|BPF|GRE|Linux)\b")


def check_chinese(suite, case, report, text):
    """No English sentence is left: at most three words in a row that are not names."""
    with suite.check(f"{case}: Chinese throughout") as check:
        check.true("lang", '<html lang="zh-CN">' in text)
        english_yet = [re.sub(r"\s+", " ", words) for words in untranslated(report)]
        for piece in words_of(text).prose:
            piece = re.sub(r"\s+", " ", piece)
            for words in english_yet:
                piece = piece.replace(words.strip(), "·")
            left = re.search(r"(?:[A-Za-z']{2,}[ ,]+){3,}[A-Za-z']{2,}", SAME.sub("·", piece))
            check.true(f"'{left and left[0]}' in '{piece[:80]}'", not left)


def english_in(message):
    """The texts in a tree of messages that are sentences."""
    if isinstance(message, str) and message.count(" ") > 2:
        yield message
    for inner in message.values() if isinstance(message, dict) else message if isinstance(message, list) else ():
        yield from english_in(inner)


def untranslated(value):
    """Sentences of rules that are no messages yet: the report itself has them in English only."""
    if isinstance(value, dict):
        yield from english_in(value.get("messages", {}))
        for inner in value.values():
            yield from untranslated(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from untranslated(inner)


def check_form(suite, name, text):
    """What can be said of a page without a browser."""
    with suite.check(f"{name}: form") as check:
        words = words_of(text)
        tags = [tag for tag, _ in words.tags]
        check.same("script, link, img, iframe, form", [t for t in tags if t in ("script", "link", "img", "iframe", "form", "object")], [])
        check.same("one h1, main, title", [tags.count(t) for t in ("h1", "main", "title")][:2], [1, 1])
        attributes = [(tag, key, value) for tag, pairs in words.tags for key, value in pairs.items()]
        check.same("handlers", [a for a in attributes if a[1].startswith("on")], [])
        check.same("addresses", [a for a in attributes if a[1] in ("href", "src") and not a[2].startswith("#")], [])
        ids = [value for _, key, value in attributes if key == "id"]
        check.same("ids that come twice", len(ids) - len(set(ids)), 0)
        check.same("links to nothing", [a[2] for a in attributes if a[1] == "href" and a[2][1:] not in ids], [])
        check.same("drawings without a role", [p for t, p in words.tags if t == "svg" and p.get("role") != "img"], [])
        check.same("tables without a caption", tags.count("table") - tags.count("caption"), 0)
        check.same("headers without a scope", [p for t, p in words.tags if t == "th" and "scope" not in p], [])
        levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
        check.same("levels of headings that are left out", [b for a, b in zip(levels, levels[1:]) if b > a + 1], [])
        policy = [p["content"] for t, p in words.tags if t == "meta" and p.get("http-equiv") == "Content-Security-Policy"]
        check.same("policy", policy, ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"])


# ---- the stories ----

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202eevil\u0007&amp;"


def poison(value, key=""):
    """Each text that may come from outside, replaced."""
    if isinstance(value, dict):
        return {k: (poison(v, k) if k not in ("messages", "schema", "role", "status", "rule", "unit", "verdict", "kind", "id")
                    else v) for k, v in value.items()}
    if isinstance(value, list):
        return [poison(v, key) for v in value]
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\dT", value):
        return EVIL
    return value


def check_hostile(suite, folder, report):
    for language in LANGUAGES:
        path, text = page_of(poison(report), folder, "hostile", language)
        check_form(suite, f"hostile {language}", text)
        with suite.check(f"hostile names {language}") as check:
            check.true("they are shown", "&lt;script&gt;alert(1)" in text)
            check.true("hidden characters are shown as numbers", "<code>U+202E</code>" in text)
            check.true("no character that turns text around", "\u202e" not in text)
            check.true("no control character", not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text))
    captures = {wan: os.path.join(folder, f"bad\udcff<b>{wan}.pcap.gz") for wan in ("wan1", "wan2")}
    for wan, path in captures.items():
        shutil.copy(os.path.join(FIXTURES, "leak", f"{wan}.pcap.gz"), os.fsencode(path))
    with suite.check("names on the command line") as check:
        page = os.path.join(folder, "names.html")
        oracle.run("report", *NOW, "--html", page, "--master", f"<i>wan1={captures['wan1']}", "--backup",
                   f"\u202ewan2={captures['wan2']}")
        with open(page, encoding="utf-8") as file:  # fails when it is not UTF-8
            text = file.read()
        check.true("escaped", "&lt;i&gt;" in text and "<i>wan1" not in text and "\u202e" not in text)
        check.true("invalid UTF-8 is U+FFFD", "\ufffd" in text)
    return path


def check_sizes(suite, folder, report):
    day = stretch_to_day(report)
    for language in LANGUAGES:
        with suite.check(f"a day of two WANs {language}") as check:
            _, text = page_of(day, folder, "day", language)
            charts = text[text.index("<section id=time>"):].split("</svg>")
            check.same("patterns of the primary and of the backup, in the order of painting",
                       [re.findall(r"url\(#p(\d)g", chart) for chart in charts[:2]], [[], ["3", "2", "1", "0"]])
            check.same("in the legend", re.findall(r"<i class=p(\d)>", charts[0]), ["0", "1", "2", "3"])
            check.true(f"{len(text.encode())} bytes, at most {DAY_LIMIT}", len(text.encode()) <= DAY_LIMIT)
    large = stretch_to_day(report, wans=60, points=1440)
    one = large["connections"][0]
    one["subflows"] = [{**one["subflows"][i % 2], "server": f"203.0.113.{i}:443"} for i in range(170)]
    large["connections"] = [{**one, "id": f"{i:016x}"} for i in range(600)]
    large["findings"] = [{**finding, "wan": wan["name"], "status": "fail"} for wan in large["wans"] for finding in report["findings"]]
    large["coverage"]["files"] = [{**large["coverage"]["files"][0], "name": f"{i}" * 300} for i in range(5000)]
    with suite.check("earlier audits") as check:
        check.true("their section", '<section id=trend>' in text and "900 MB" in text)
        check.same("days without one are hatched", text[text.index("<section id=trend>"):].split("</svg>")[0].count("class=gap"), 3)
    with suite.check("100,000 subflows") as check:
        check.true("as many", sum(len(c["subflows"]) for c in large["connections"]) >= 100_000)
        _, text = page_of(large, folder, "large")
        check.true(f"{len(text.encode())} bytes, at most {PAGE_LIMIT}", len(text.encode()) <= PAGE_LIMIT)
        check.true("it ends as a page", text.endswith("</html>\n"))
        check.true("what is left out is said", "more in the JSON" in text)
    check_form(suite, "large", text)


def without_newer(report):
    """As schema 1.0 had it: no messages, series, projections, zones."""
    old = copy.deepcopy(report)
    old["schema"] = "mptcp-audit.report/1.0"
    for key in ("series", "messages", "expected", "assumption", "limits", "interruptions"):
        old.pop(key, None)
    for wan in old["wans"]:
        for key in ("projection", "cost", "plan", "own_limits", "expected", "role_from"):
            wan.pop(key, None)
    for finding in old["findings"]:
        finding.pop("messages", None)
        finding.pop("brief", None)
    return old


def check_stored(suite, folder, report):
    with suite.check("an older report") as check:
        for language in LANGUAGES:
            _, text = page_of(without_newer(report), folder, "old", language)
            check.true("its sentence", report["sentence"][:60] in "".join(words_of(text).text))
            check.true("its findings", all(f["text"][:40] in "".join(words_of(text).text) for f in report["findings"]
                                           if f["status"] == "fail"))
    with suite.check("a newer report") as check:
        newer = copy.deepcopy(report)
        newer["schema"], newer["more"] = "mptcp-audit.report/1.99", {"x": 1}
        newer["messages"]["sentence"] = {"say": "not_known_here", "with": []}
        _, text = page_of(newer, folder, "newer")
        check.true("the English words", report["sentence"][:60] in "".join(words_of(text).text))
    refusals = (("an unknown major version", '{"schema": "mptcp-audit.report/2.0"}', "2.0"),
                ("a ledger", '{"schema": "mptcp-audit.ledger/1.1"}', "no report"), ("no JSON", "hello", "not JSON"),
                ("an array", "[]", "no report"))
    for name, content, word in refusals:
        with suite.check(name) as check:
            path = os.path.join(folder, "refused.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
            done = subprocess.run([oracle.PROGRAM, "render", path], capture_output=True, text=True, check=False)
            check.same("exit", done.returncode, 65)
            check.true(f"'{done.stderr.strip()}' does not say {word}", word in done.stderr)
            check.same("nothing written", done.stdout, "")


def check_same(suite, folder, report):
    with suite.check("the same report is the same page") as check:
        path, one = page_of(report, folder, "same")
        _, two = page_of(report, folder, "same")
        check.true("twice", one == two)
        with open(os.path.join(folder, "same.json"), "rb") as file:
            done = subprocess.run([oracle.PROGRAM, "render", "-"], input=file.read(), capture_output=True, check=True,
                                  env={**os.environ, "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"})
        check.true("from standard input, under another locale and zone", done.stdout.decode() == one)
        check.true("no path of this machine", folder not in one and os.path.basename(path) not in one)


# ---- in a browser ----

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
# Text whose colour stands out by less than 4.5 to 1 (3 where it is large) on the background it lies on.
CONTRAST = """(() => {
    const light = c => { const v = c.slice(0, 3).map(x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
                         return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
    const colour = s => s.match(/[0-9.]+/g).map(Number);
    const behind = e => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor);
                                                            if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
    const weak = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement, style = getComputedStyle(e);
        if (!walk.currentNode.data.trim() || e.closest('svg')) continue;
        const a = light(colour(style.color)), b = light(behind(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) weak.add(e.className + ' ' + ratio.toFixed(2));
    }
    return [...weak]; })()"""
AXE_RUN = """axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(
    v => v.id + ': ' + v.nodes.slice(0, 2).map(n => n.target.join(' ') + ' ' + (n.any[0] || {}).message).join('; ')))"""


def axe_source(folder):
    """axe-core's text, fetched once into the build folder; None when npm or its registry is not to be had."""
    cache = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "axe")
    path = os.path.join(cache, "node_modules", "axe-core", "axe.min.js")
    if not os.path.exists(path) and shutil.which("npm"):
        os.makedirs(cache, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", cache, "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts",
                        AXE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False,
                       env={**os.environ, "HOME": folder})
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_in_browser(suite, folder, paths):
    if browser.missing():
        suite.skip("in a browser", browser.missing())
        return
    axe = axe_source(folder)
    if not axe:
        suite.absent("axe-core", "npm is not installed, or its registry cannot be reached; contrast and form are checked by this script")
    with browser.Browser() as chromium:
        for name, path in paths.items():
            by_axe = axe and name.startswith(AXE_READS)
            for dark in (False, True) if by_axe else (False,):
                with suite.check(f"{name} {'dark' if dark else 'light'} in a browser") as check:
                    page = chromium.open(path, dark=dark)
                    check.same("requests", page.requests, ["file://" + os.path.abspath(path)])
                    check.same("sideways at 1280", page.run(OVERFLOW), 0)
                    page.run(OPEN_ALL)
                    check.same("text that hardly stands out", page.run(CONTRAST), [])
                    if by_axe:
                        page.run(axe)
                        check.same("axe", page.run(AXE_RUN), [])
                    check.same("console", page.said, [])
                    page.close()
            with suite.check(f"{name} on a phone") as check:
                page = chromium.open(path, width=360, height=800)
                check.same("sideways at 360", page.run(OVERFLOW), 0)
                page.run(OPEN_ALL)
                check.same("sideways with all opened", page.run(OVERFLOW), 0)
                check.same("console", page.said, [])
                page.close()


def headline_of(text):
    return re.search(r"<h1[^>]*>(.*?)</h1>", text, re.S)[1]


def check_first_screen(suite, folder, leak):
    """The headline names who carries, not who stands beside; without a known backup, naming it is what to do; what is too
    short to tell is no cost."""
    with suite.check("first screen") as check:
        other = next(dict(wan, name="innocent") for wan in leak["wans"] if wan["role"] == "backup")
        text = page_of(dict(leak, wans=[*leak["wans"], other]), folder, "two-backups")[1]
        check.true(headline_of(text), "wan2" in headline_of(text) and "innocent" not in headline_of(text))
        check.true("seconds have no cost", "Not known yet" in text and " so far." in text)
        nobody = dict(leak, verdict="not_assessed", findings=[], wans=[dict(wan, role="unknown") for wan in leak["wans"]])
        text = page_of(nobody, folder, "no-backup")[1]
        check.same("what to do is said where it is asked", text.count("Name it with --backup FILE"), 2)
        check.true("there is something to do", "No check asks for a change" not in text)


def main():
    suite = oracle.Suite("page")
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-page") as folder:
        reports = {case: report_of(case, folder) for case in CASES}
        paths = {}
        for case, report in reports.items():
            check_schema(suite, case, report)
            check_series(suite, case, report)
            for language in LANGUAGES:
                path, text = page_of(report, folder, case, language)
                check_form(suite, f"{case} {language}", text)
                check_figures(suite, f"{case} {language}", report, text)
                if language == "en":
                    check_sentences(suite, case, report, text)
                else:
                    check_chinese(suite, case, report, text)
                if case == "leak":
                    paths[f"{case} {language}"] = path
        check_first_screen(suite, folder, reports["leak"])
        check_hostile(suite, folder, reports["leak"])
        check_sizes(suite, folder, reports["failover"])
        check_stored(suite, folder, reports["leak"])
        check_same(suite, folder, reports["failover"])
        for name in ("hostile.en", "day.zh-CN"):
            paths[name] = os.path.join(folder, name + ".html")
        check_in_browser(suite, folder, paths)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
