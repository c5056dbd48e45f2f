#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_history.py - what earlier audits said: reports of fixtures go in, sums come out, nothing half written stays; two
reports compared; a folder of reports.

Reports are those of the program, moved in time here; sums are added up again here. SQLite's own checker and Python's
driver say whether a file is whole after its writer was killed.
"""
import datetime
import gzip
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
NOW = ["--now", "2026-12-01T00:00:00Z"]
EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def columns(line):
    """Of a terminal: Chinese takes two."""
    return sum(2 if 0x2e80 <= ord(c) <= 0xffe6 else 1 for c in line)


def call(*arguments, stdin=None, **environment):
    done = subprocess.run([oracle.PROGRAM, *arguments], input=stdin, capture_output=True, timeout=oracle.HANG_LIMIT,
                          env={**os.environ, **environment}, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def report_of(case):
    folder = os.path.join(FIXTURES, case)
    code, out, err = call("report", *NOW, "--master", f"wan1={folder}/wan1.pcap.gz", "--backup",
                          f"wan2={folder}/wan2.pcap.gz", "--json", "-")
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report of {case}: {err}")
    return json.loads(out)


def stamp(hours):
    return (EPOCH + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def moved(report, site, hour, hours=1):
    """The same report, as if it were of that window."""
    report = {**report, "site": site, "generated": stamp(hour + hours)}
    report["window"] = {**report["window"], "asked_from": stamp(hour), "asked_to": stamp(hour + hours),
                        "start": stamp(hour), "end": stamp(hour + hours), "seconds": 3600.0 * hours}
    return report


def store(folder, name, report):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file)
    return path


def billed(report, wan):
    return next(row["billed_ip_bytes"] for row in report["wans"] if row["name"] == wan)


def trend(database, *arguments):
    code, out, err = call("history", "trend", "--db", database, "--last", "0", *arguments, "--json", "-")
    if code:
        raise oracle.Failure(err)
    return {wan["wan"]: wan["points"] for wan in json.loads(out)["wans"]}


# ---- sums ----

def check_sums(suite, folder, reports):
    database = os.path.join(folder, "sums.db")
    names, want = [], {}
    for hour in range(72):
        report = reports[hour % len(reports)]
        names.append(store(folder, f"h{hour}.json", moved(report, "home", hour)))
        want.setdefault(stamp(hour - hour % 24), []).append(report)
    random.Random(1).shuffle(names)
    with suite.check("days are the sums of their hours") as check:
        code, out, err = call("history", "add", "--db", database, *names)
        check.same(f"exit ({err})", code, 0)
        check.true(out, "72 reports added" in out)
        check.true("the same once more", "72 known already" in call("history", "add", "--db", database, *names)[1])
        for wan, points in trend(database).items():
            check.same(f"days of {wan}", [point["start"] for point in points], sorted(want))
            for point in points:
                day = want[point["start"]]
                check.same(f"{wan} billed", point["sums"]["billed"], sum(billed(report, wan) for report in day))
                check.same("audits", point["audits"], 24)
                kinds = sum(sum(kind["ip_bytes"] for kind in row["kinds"].values())
                            for report in day for row in report["wans"] if row["name"] == wan)
                check.same("classes", sum(point["sums"].get(key, 0) for key in CLASSES), kinds)
        verdicts = {report["verdict"] for report in reports}
        worst = next(word for word in ("fail", "warn", "not_assessed", "pass") if word in verdicts)
        check.same("the worst verdict", trend(database)["wan2"][0]["verdict"], worst)
    with suite.check("text, in both languages") as check:
        code, out, _ = call("history", "trend", "--db", database, "--kind", "keepalive")
        check.true(out, code == 0 and "home, wan2 (backup) by days" in out and "2026-01-02" in out and "keepalive" in out)
        code, out, _ = call("history", "trend", "--db", database, "--lang", "zh-CN", "--wan", "wan2")
        check.true(out, code == 0 and "按天" in out and "wan1" not in out)
        code, out, _ = call("history", "list", "--db", database, "--last", "3", "--lang", "zh-CN")
        check.true(out, code == 0 and out.count("home") == 3 and "另有 69 条" in out)
    with suite.check("csv") as check:
        code, out, _ = call("history", "export", "--db", database, "--csv", "-", "--by", "hour")
        lines = out.split("\r\n")
        check.same("rows", len(lines), 72 * 2 + 2)
        check.true("cells", all(line.count(",") == lines[0].count(",") for line in lines[:-1]))
    return database


CLASSES = ("payload", "repeated", "keepalive", "ack", "signalling", "other", "unread")


def schema_errors(report):
    try:
        import jsonschema
    except ImportError:  # tests/check_formats.py tells that it is missing
        return []
    with open(os.path.join(oracle.HERE, "..", "report", "report.schema.json"), encoding="utf-8") as file:
        return [error.message for error in jsonschema.Draft202012Validator(json.load(file)).iter_errors(report)][:3]


def check_report(suite, folder, database):
    """A report carries the trend of its site."""
    with suite.check("report --history") as check:
        config = os.path.join(folder, "site.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("[site]\nname = home\n")
        case = os.path.join(FIXTURES, "backup-idle")
        arguments = ["report", *NOW, "--config", config, "--master", f"wan1={case}/wan1.pcap.gz", "--backup",
                     f"wan2={case}/wan2.pcap.gz", "--json", "-", "--history"]
        code, out, err = call(*arguments, database)
        check.true(err, code in oracle.VERDICT_EXITS)
        got = json.loads(out)["trend"]
        check.same("wans", [wan["wan"] for wan in got["wans"]], ["wan1", "wan2"])
        check.same("points", [len(wan["points"]) for wan in got["wans"]], [3, 4])
        check.same("schema", schema_errors(json.loads(out)), [])
        check.same("a history that is missing", call(*arguments, os.path.join(folder, "none.db"))[0], 66)


# ---- copies ----

def check_copies(suite, folder, database):
    with suite.check("copies") as check:
        copy, whole = os.path.join(folder, "copy.json.gz"), os.path.join(folder, "whole.json")
        again, other = os.path.join(folder, "again.db"), os.path.join(folder, "other.db")
        check.same("compact", call("history", "export", "--db", database, "--compact", copy)[0], 0)
        check.true("64 kB", os.path.getsize(copy) <= 65536)
        with gzip.open(copy) as file:
            check.same("schema", json.load(file)["schema"], "mptcp-audit.history/1.0")
        check.same("import", call("history", "import", "--db", again, copy)[0], 0)
        check.same("the same days", trend(again), trend(database))
        check.same("whole", call("history", "export", "--db", database, "--json", whole)[0], 0)
        check.same("import", call("history", "import", "--db", other, whole)[0], 0)
        check.same("the same hours", trend(other, "--by", "hour"), trend(database, "--by", "hour"))
        check.same("a copy that cannot be written", call("history", "export", "--db", database, "--compact",
                                                         "/nonexistent/copy")[0], 73)
        check.same("nothing beside it", [name for name in os.listdir(folder) if name.startswith("copy.json.gz.")], [])


# ---- vnstat ----

def vnstat_day(year, month, day, rx, tx):
    return {"id": 1, "date": {"year": year, "month": month, "day": day}, "rx": rx, "tx": tx}


def check_vnstat(suite, folder, database):
    counted = {"vnstatversion": "2.10", "jsonversion": "2", "interfaces": [
        {"name": "wan2", "alias": "", "traffic": {"day": [vnstat_day(2025, 12, 30, 900_000_000, 100_000_000),
                                                          vnstat_day(2026, 1, 2, 3_000_000, 100_000)]}},
        {"name": "br-lan", "alias": "", "traffic": {"day": [vnstat_day(2026, 1, 2, 10**9, 0)]}}]}
    with suite.check("vnstat") as check:
        text = json.dumps(counted).encode()
        code, out, err = call("history", "import", "--db", database, "-", stdin=text)
        check.same(f"exit {err}", code, 0)
        check.true(out, "2 days of wan2" in out and "br-lan is no WAN" in out and "--wan br-lan=WAN" in out)
        check.true(out, "2025-12-30" in out and "1.00 GB" in out and "2026-01-02" not in out)
        days = {point["start"][:10]: point for point in trend(database)["wan2"]}
        check.same("marked", [day for day in sorted(days) if days[day].get("marked")], ["2025-12-30"])
        check.same("no verdict", days["2025-12-30"]["verdict"], None)
        check.same("counted", days["2026-01-02"]["counted_bytes"], 3_100_000)
        check.true("named", "2 days of br-lan" not in out and "1 day of br-lan taken in as wan1" in
                   call("history", "import", "--db", database, "--wan", "br-lan=wan1", "-", stdin=text)[1])
        code, out, err = call("history", "import", "--db", database, "-", stdin=b'{"a": 1}')
        check.true(err, code == 65 and "vnstat --json" in err)
    with suite.check("vnstat, spoilt") as check:
        dice = random.Random(7)
        for _ in range(25):
            broken = bytearray(text)
            for _ in range(dice.randint(1, 6)):
                at = dice.randrange(len(broken))
                broken[at:at + dice.randint(0, 4)] = dice.choice([b"", b"-", b"9" * 30, b"[", b'"', b"null", b"\xff"])
            code = call("history", "import", "--db", database, "-", stdin=bytes(broken))[0]
            check.true(f"exit {code} of {bytes(broken)}", code in (0, 65))


# ---- files ----

def check_files(suite, folder, report):
    with suite.check("files that are none of ours") as check:
        foreign, text = os.path.join(folder, "foreign.db"), os.path.join(folder, "text.db")
        with sqlite3.connect(foreign) as other:
            other.execute("CREATE TABLE song(name)")
        with open(text, "w", encoding="utf-8") as file:
            file.write("no database\n" * 100)
        one = store(folder, "one.json", moved(report, "home", 0))
        for path in (foreign, text):
            with open(path, "rb") as file:
                before = file.read()
            code, _, err = call("history", "add", "--db", path, one)
            check.true(f"{code} {err}", code == 65 and "left as it is" in err)
            with open(path, "rb") as file:
                check.true("unchanged", file.read() == before)
        code, _, err = call("history", "list", "--db", os.path.join(folder, "none.db"))
        check.true(f"{code} {err}", code == 66 and "history add" in err)
        check.same("no folder", call("history", "add", "--db", "/nonexistent/h.db", one)[0], 77)
    with suite.check("the default place") as check:
        state = os.path.join(folder, "state")
        check.same("add", call("history", "add", one, XDG_STATE_HOME=state)[0], 0)
        check.true("there", os.path.exists(os.path.join(state, "mptcp-audit", "history.db")))
        check.true("told", state in call("history", "--help", XDG_STATE_HOME=state)[1])
    with suite.check("a broken report keeps no other out") as check:
        bad = os.path.join(folder, "bad.json")
        with open(bad, "w", encoding="utf-8") as file:
            file.write('{"schema": "mptcp-audit.report/1.2"')
        code, out, err = call("history", "add", "--db", os.path.join(folder, "some.db"), bad, one)
        check.true(f"{code} {out} {err}", code == 65 and "1 report added" in out and "bad.json" in err)


def check_spoilt_reports(suite, folder, report):
    with suite.check("reports, spoilt") as check:
        dice, text = random.Random(3), json.dumps(moved(report, "home", 0))
        names = []
        for number in range(40):
            broken = list(text)
            for _ in range(dice.randint(1, 3)):
                at = dice.randrange(len(broken))
                broken[at] = dice.choice(["", "-", "9" * 25, "null", '"', "{}", "\u202e", "\\u001b[2J", "e9"])
            path = os.path.join(folder, f"spoilt{number}.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(broken))
            names.append(path)
        database = os.path.join(folder, "spoilt.db")
        code = call("history", "add", "--db", database, *names)[0]
        check.true(f"exit {code}", code in (0, 65))
        for arguments in (("list",), ("trend",), ("trend", "--by", "month"), ("export", "--json", "-")):
            code, out, err = call("history", arguments[0], "--db", database, *arguments[1:])
            check.true(f"{arguments}: {code} {err}", code == 0 and "\x1b" not in out)


# ---- two reports, and many ----

def finding(rule, status, value=1.0, unit="ratio", limit=0.5, wan="wan2"):
    return {"rule": rule, "wan": wan, "status": status, "title": rule, "text": f"{rule} is {status}.", "limit": limit,
            "observed": {"value": value, "numerator": 1, "denominator": 1, "unit": unit}}


# old, new, what became of it; amounts are compared by rate: the new window is twice as long
CHANGES = (
    (finding("A1", "pass"), finding("A1", "fail"), "new"),
    (None, finding("A2", "warn"), "new"),
    (finding("A3", "not_assessed"), finding("A3", "warn"), "new"),
    (finding("A4", "warn"), finding("A4", "fail"), "worsened"),
    (finding("A5", "fail", 1.0), finding("A5", "fail", 1.6), "worsened"),
    (finding("A6", "fail", 1.0), finding("A6", "fail", 1.4), "unchanged"),
    (finding("A7", "fail", 1.0, "bytes"), finding("A7", "fail", 2.0, "bytes"), "unchanged"),
    (finding("A8", "fail", 1.0, "bytes"), finding("A8", "fail", 1.2, "bytes"), "improved"),
    (finding("A9", "warn", 0.4, limit=0.95), finding("A9", "warn", 0.2, limit=0.95), "worsened"),
    (finding("A10", "fail"), finding("A10", "warn"), "improved"),
    (finding("A11", "fail"), finding("A11", "pass"), "resolved"),
    (finding("A12", "warn"), finding("A12", "not_applicable"), "resolved"),
    (finding("A13", "fail"), finding("A13", "not_assessed"), "unseen"),
    (finding("A14", "fail"), None, "unseen"),
    (finding("A15", "pass"), finding("A15", "not_assessed"), None),
)


def check_diff(suite, folder, report):
    old, new = moved(report, "home", 0), moved(report, "home", 24, 2)
    with suite.check("diff") as check:
        old["findings"] = [before for before, _, _ in CHANGES if before]
        new["findings"] = [after for _, after, _ in CHANGES if after]
        paths = [store(folder, "old.json", old), store(folder, "new.json", new)]
        code, out, err = call("diff", *paths, "--json", "-")
        check.same(f"exit ({err})", code, 1)
        got = {row["rule"]: row["change"] for row in json.loads(out)["findings"]}
        for before, after, change in CHANGES:
            check.same((before or after)["rule"], got.get((before or after)["rule"]), change)
        numbers = json.loads(out)["backups"][0]["numbers"]["billed"]
        check.true("by rate", abs(numbers["old"]["per_day"] / numbers["new"]["per_day"] - 2) < 1e-9)
        check.true("text", "A14" in call("diff", *paths)[1])
        check.true("Chinese", "已解决" in call("diff", *paths, "--lang", "zh-CN")[1])
    with suite.check("diff: exit codes") as check:
        for number, (before, after, change) in enumerate(CHANGES):
            old["findings"], new["findings"] = [before] if before else [], [after] if after else []
            paths = [store(folder, "old.json", old), store(folder, "new.json", new)]
            want = 1 if change in ("new", "worsened") else 3 if change == "unseen" else 0
            check.same(f"row {number}", call("diff", *paths)[0], want)
        renamed = json.loads(json.dumps(new).replace('"wan2"', '"lte"'))
        for one, name in ((old, "wan2"), (renamed, "lte")):
            for wan in one["wans"]:
                wan["expected"] = "backup line" if wan["name"] == name else None
        old["findings"], renamed["findings"] = [finding("A1", "fail")], [finding("A1", "fail", wan="lte")]
        code, out, _ = call("diff", store(folder, "old.json", old), store(folder, "new.json", renamed), "--json", "-")
        check.same("the same WAN under another name", json.loads(out)["counts"]["unchanged"], 1)
        other = store(folder, "other.json", moved(report, "away", 0))
        check.same("another site", call("diff", paths[0], other)[0], 65)
        check.same("no report", call("diff", paths[0], os.path.join(folder, "bad.json"))[0], 65)
        check.same("one word", call("diff", paths[0])[0], 64)


HOSTILE = '<script>alert(1)</script>"\u202e'


def check_index(suite, folder, reports):
    place = os.path.join(folder, "reports")
    os.mkdir(place)
    for number in range(300):
        report = moved(reports[number % len(reports)], f"site {number:03}", number)
        store(place, f"s{number:03}.json", {**report, "connections": []})
    store(place, "s000-old.json", moved(reports[0], "site 000", -5))
    store(place, "java:script&.json", moved(reports[0], HOSTILE, 1))
    open(os.path.join(place, "java:script&.html"), "w", encoding="utf-8").close()
    open(os.path.join(place, "s002.html"), "w", encoding="utf-8").close()
    store(place, "ledger.json", {"schema": "mptcp-audit.ledger/1"})
    with open(os.path.join(place, "half.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(reports[0])[:999])
    os.mkdir(os.path.join(place, "folder.json"))
    with suite.check("index") as check:
        code, out, err = call("index", place, "--json", "-")
        check.same(f"exit ({err})", code, 0)
        got = json.loads(out)
        check.same("reports", len(got["reports"]), 301)
        check.same("older", got["older"], 1)
        check.same("broken", [row["file"] for row in got["broken"]], ["half.json", "ledger.json"])
        order = ("fail", "warn", "not_assessed", "pass")
        ranks = [order.index(row["verdict"]) for row in got["reports"]]
        check.same("worst first", ranks, sorted(ranks))
        shares = [row["payload_share"]["numerator"] / row["payload_share"]["denominator"] for row in got["reports"]
                  if row["verdict"] == "fail"]
        check.same("then the larger share", shares, sorted(shares, reverse=True))
        check.same("all", len(json.loads(call("index", place, "--all", "--json", "-")[1])["reports"]), 302)
        text = call("index", place)[1]
        check.true("a row each", sum("site " in line for line in text.splitlines()) == 300)
        for language in ("en", "zh-CN"):
            wide = [line for line in call("index", place, "--lang", language)[1].splitlines() if columns(line) > 81]
            check.same(f"wider than a terminal ({language})", wide[:2], [])
        check.true("the reason only: the window has its column", "Judged" not in text and "limit 1 %" in text)
        check.same("no folder", call("index", os.path.join(folder, "none"))[0], 66)
    with suite.check("index as a page") as check:
        for language in ("en", "zh-CN"):
            page = os.path.join(place, "index.html")
            check.same("exit", call("index", place, "-o", page, "--lang", language)[0], 0)
            with open(page, encoding="utf-8") as file:
                html = file.read()
            check.true("bounded", len(html) < 1_000_000)
            check.same("rows", html.count("<th scope=row>"), 301)
            check.true("escaped", "<script" not in html and "\u202e" not in html)
            check.same("links", sorted(part.split('"')[0] for part in html.split(' href="')[1:]),
                       ["./java%3Ascript%26.html", "./s002.html"])
        elsewhere = os.path.join(folder, "elsewhere.html")
        call("index", place, "-o", elsewhere)
        with open(elsewhere, encoding="utf-8") as file:
            check.true("no links from elsewhere", " href=" not in file.read())


# ---- killed ----

def whole(database):
    """(audits, what SQLite's checker says)"""
    connection = sqlite3.connect(database)
    try:
        audits = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
        return audits, connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def check_killed(suite, folder, reports):
    """A writer that is killed has written all or nothing."""
    with suite.check("a killed writer") as check:
        database = os.path.join(folder, "killed.db")
        check.same("begin", call("history", "add", "--db", database, store(folder, "k.json", moved(reports[0], "k", 0)))[0], 0)
        before, killed, dice = 1, 0, random.Random(5)
        for attempt in range(8):
            names = [store(folder, f"k{i}.json", moved(reports[0], "k", 1 + attempt * 60 + i)) for i in range(60)]
            writer = subprocess.Popen([oracle.PROGRAM, "history", "add", "--db", database, *names],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while writer.poll() is None and not os.path.exists(database + "-journal"):
                time.sleep(0.0005)
            time.sleep(dice.random() * 0.05)
            writer.kill()
            writer.wait()
            killed += writer.returncode == -9
            code, _, err = call("history", "list", "--db", database)
            audits, said = whole(database)
            check.same(f"list ({err})", code, 0)
            check.same("whole", said, "ok")
            check.true(f"{audits} audits after {before}", audits in (before, before + 60))
            before = audits
        check.true("killed while it wrote", killed > 0)
        check.same("and goes on", call("history", "add", "--db", database, *names)[0], 0)


def main():
    suite = oracle.Suite("history")
    with tempfile.TemporaryDirectory() as folder:
        reports = [report_of(case) for case in ("backup-idle", "failover", "leak")]
        database = check_sums(suite, folder, reports)
        check_copies(suite, folder, database)
        check_vnstat(suite, folder, database)
        check_report(suite, folder, database)
        check_files(suite, folder, reports[0])
        check_spoilt_reports(suite, folder, reports[2])
        check_diff(suite, folder, reports[1])
        check_index(suite, folder, reports)
        check_killed(suite, folder, reports)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
