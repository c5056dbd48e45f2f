#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_figures.py - one word has one figure: every number of the first sentence and of the four answers of the page is the
one that the findings and the tables of the same report have, over all fixtures.

Which member a part of a sentence must be stands here, by the case's id; a figure that no row names fails, so does one that
differs from its member in the last digit shown.
"""
import html
import os
import re
import sys

import oracle
from check_first_screen import FIXTURES, audit, fixture_words, render

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def shows(text, value):
    """Does "16.7 kB" or "1,043" show this value?"""
    figure, _, unit = text.partition(" ")
    number, digits = float(figure.replace(",", "")), len(figure.partition(".")[2])
    scale = UNITS.get(unit, 0.01 if unit == "%" else 1)
    return abs(number * scale - value) <= (0.5 * 10**-digits + 1e-6) * scale


class Wan:
    """A backup's numbers, from the findings and tables of a report's JSON."""

    def __init__(self, report, wan):
        self.report, self.wan, self.shared = report, wan, wan["shared"]
        self.parts = next((row["observed"]["parts"] for row in report["findings"]
                           if row["rule"] == "A1" and row["wan"] == wan["name"] and row["observed"]["parts"]), None)
        self.budget = next((row for row in report["findings"] if row["rule"] == "A2" and row["wan"] == wan["name"]), None)
        self.primary = sum(row["shared"]["billed_ip_bytes"] for row in report["wans"] if row["role"] in ("master", "on"))
        self.billed = self.shared["billed_ip_bytes"]

    def part(self, name):
        value = self.parts[name]
        return value["numerator"] if isinstance(value, dict) else value

    def outages(self):
        window = self.report["window"]
        primaries = [row["name"] for row in self.report["wans"] if row["role"] in ("master", "on")]
        return sum(row["kind"] == "outage" and row["wan"] in primaries and row["from"] >= window["start"] and
                   row["until"] <= window["end"] for row in self.report["interruptions"])

    def cause(self, message):
        return next(row["ip_bytes"] for row in self.shared["causes"] if row["messages"]["words"] == message)


# id: {part: what it must be}; parts count from 1 as in message.def
SENTENCE = {
    "plain_healthy": {2: lambda w: w.billed, 4: lambda w: w.billed / w.primary},
    "of_wan": {2: lambda w: w.primary},
    "of_primaries": {1: lambda w: w.primary},
    "about_a_month": {1: lambda w: w.wan["projection"]["bytes_per_month"]},
    "none_user_data": {1: None},
    "some_user_data": {1: lambda w: w.part("payload"), 2: None},
    "outage_day": {2: lambda w: w.billed, 3: lambda w: w.part("outage_payload"), 4: Wan.outages},
    "outage_some_time": {2: lambda w: w.billed, 3: lambda w: w.part("outage_payload")},
    "came_after": {1: lambda w: w.part("after_payload")},
    "came_late": {1: lambda w: w.part("after_payload")},
    "acks_of_these": {1: lambda w: w.part("outage_acks_estimated")},
    "rest_standby": {1: lambda w: w.part("standby")},
    "rest_data": {1: lambda w: w.part("standby") + w.part("payload"), 2: lambda w: w.part("payload")},
    "not_leaking": {1: lambda w: w.billed / w.primary},
    "kept_ready": {1: lambda w: w.wan["counters"]["standby_connections"],
                   2: lambda w: w.wan["counters"]["standby_opening_ip_bytes"] // w.wan["counters"]["standby_connections"],
                   3: lambda w: w.cause({"say": "cause_standby", "with": []})},
    "by_budget": {2: lambda w: w.primary, 3: lambda w: w.budget["observed"]["value"], 4: lambda w: w.budget["limit"]},
}
# told of the time, or of the whole capture by words of their own: judged_since stands in the window, the rest below
BESIDE = ("judged_since", "time", "span", "not_all_seen", "one_wan_no_backup", "no_backup_named", "same_goes_for")
FIGURE = re.compile(r"^\d[\d,.]* ?(B|[kMGT]B|%)?$")


def check_case(check, wan, message):
    """A case of the sentence and those in its parts."""
    if not isinstance(message, dict) or message["say"] in BESIDE:
        return
    if message["say"] == "cause_bytes":
        cause, some = message["with"]
        check.true(f"{some} of {cause}", shows(some, wan.cause(cause)))
        return
    row = SENTENCE.get(message["say"], {})
    for i, part in enumerate(message["with"], 1):
        for inner in part if isinstance(part, list) else [part]:
            check_case(check, wan, inner)
        if i in row and row[i]:
            check.true(f"{message['say']} {i} shows {part}, its member is {row[i](wan)}", shows(part, row[i](wan)))
        elif i not in row and isinstance(part, str) and FIGURE.match(part):
            check.true(f"{message['say']} {i}: {part} is in no table of this test", False)


def check_sentence(check, report, wan):
    texts = [row["messages"]["text"] for row in report["findings"] if "text" in row.get("messages", {})]
    flat = [part for text in texts for part in (text if isinstance(text, list) else [text])]
    sentence = report["messages"]["sentence"]
    for message in sentence if isinstance(sentence, list) else [sentence]:
        inner = [part for part in message.get("with", []) if isinstance(part, dict)] if isinstance(message, dict) else []
        if message in flat or (inner and all(part in flat for part in inner)):
            check.true("it is a finding's", True)
        else:
            check_case(check, wan, message)


def plain(text):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def facts(page):
    """{dt: dd} of each backup in the card about behaviour."""
    return [{plain(dt): plain(dd) for dt, dd in re.findall(r"<dt>(.*?)<dd[^>]*>(.*?)</div>", block, re.S)}
            for block in re.findall(r"<dl>(.*?)</dl>", page, re.S)]


PHASES = {"while the primary was fine": "healthy", "while the primary was bad": "degraded", "after the primary was back": "after",
          "while the primary was down": "outage", "with no primary in sight": "unknown"}


def check_behaves(check, report, wan, told):
    rest = wan.billed
    for words, shown in told.items():
        if words in PHASES:
            value = wan.shared["phases"][PHASES[words]]["ip_bytes"]
        elif words.startswith("ACKs of data in outages"):
            value = wan.part("outage_acks_estimated")
        elif words.startswith("Everything else"):
            value = wan.part("standby") if wan.parts else wan.shared["standby_ip_bytes"]
        else:
            value = wan.shared["carrying_ip_bytes"] - sum(row["ip_bytes"] for row in wan.shared["phases"].values())
        check.true(f"{words}: {shown} shows no {value}", shows(shown, value))
        rest -= value
    check.same(f"{wan.wan['name']}: billed without what is told", rest, 0)
    if wan.parts and report["window"]["seconds"] > 0:
        check.same("the parts of A1", sum(wan.part(name) for name in ("payload", "outage_payload", "after_payload",
                                                                      "outage_acks_estimated", "standby")), wan.billed)


def check_cards(check, page, wan):
    """What used it, and what it costs."""
    card = page[page.index("What used it?"):page.index("What will it cost?")]
    causes = sorted(row["ip_bytes"] for row in wan.wan["causes"])
    shown = [plain(part) for part in re.findall(r"<span class=num>(.*?)</span>", card, re.S)]
    for i, text in enumerate(shown[:min(4, len(causes))]):
        check.true(f"use {i}: {text} shows no {causes[-1 - i]}", shows(text, causes[-1 - i]))
    check.true("the sum of uses", shows(re.search(r"\d[\d.]* [kMGT]?B", plain(card))[0], wan.wan["billed_ip_bytes"]))
    cost = plain(page[page.index("What will it cost?"):page.index("What to change?")])
    projection = wan.wan["projection"]
    if projection:
        figures = re.findall(r"\d[\d.]* [kMGT]?B", cost)
        for name, figure in (("bytes_per_month", figures[0]), ("bytes_per_day", figures[-2]),
                             ("standby_bytes_per_month", figures[-1])):
            check.true(f"{name}: {figure} shows no {projection[name]}", shows(figure, projection[name]))


def check_metrics(check, report, wan):
    """The ratios of the metrics are those of A1."""
    text = render(report, "metrics", "en")
    for name in ("payload", "standby"):
        found = re.search(rf'^mptcp_audit_{name}_ratio\{{.*wan="{wan.wan["name"]}".*\}} (\S+)$', text, re.M)
        if wan.parts and wan.primary:
            check.true(f"{name}_ratio {found and found[1]}", found and abs(float(found[1]) - wan.part(name) / wan.primary) < 1e-6)


def check_tables(check, report, wan):
    """The table of WANs in the text and in Markdown."""
    if not wan.parts or not wan.primary:
        return
    want = [wan.part("payload"), wan.part("outage_payload") + wan.part("after_payload"), wan.part("standby")]
    text = next(line for line in render(report, "text", "en").splitlines() if re.match(rf"  {wan.wan['name']} +backup", line))
    row = next(line for line in render(report, "md", "en").splitlines() if line.startswith(f"| {wan.wan['name']} | backup"))
    for form, line in (("text", text), ("Markdown", row)):
        for shown, value in zip(re.findall(r"[\d.]+ (?:%|x)", line)[-3:], want):
            if shown.endswith("%"):
                check.true(f"{form}: {shown} shows no {value}", shows(shown, value / wan.primary))


def main():
    suite = oracle.Suite("figures")
    for case in sorted(os.listdir(FIXTURES)):
        words = fixture_words(case)
        report = audit(*words) if words else {"wans": []}
        backups = [Wan(report, wan) for wan in report["wans"] if wan["role"] == "backup"]
        if not backups:
            continue
        with suite.check(case) as check:
            page = render(report, "html", "en")
            check_sentence(check, report, backups[0])
            for wan, told in zip(backups, facts(page)):
                check_behaves(check, report, wan, told)
            check_cards(check, page, max(backups, key=lambda wan: wan.wan["billed_ip_bytes"]))
            for wan in backups:
                check_metrics(check, report, wan)
                check_tables(check, report, wan)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
