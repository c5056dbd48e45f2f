#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_run.py - scheduled passes: each closed window once in reports, totals and notices, whatever happens in between;
and `check`, the line for Nagios.

The input is a spool that is written byte by byte (check_follow.Week) and the store that follow makes of it. Time is given
by --now. The oracle of a window's report is `report --from --to`; that of totals the audit of the whole time at once;
that of a killed pass one that was left alone.
"""
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import check_expect
import check_follow
import check_window
import lab
import oracle

HOURS = 9
KNOWN = HOURS - 1         # the last files end within the ninth hour
BEGIN = "2026-01-01T00:00:00Z"
KILLS = 60
SPOOL_KILLS = 20
STATUS_EXIT = {"pass": 0, "warn": 1, "fail": 2, "not_assessed": 3}
WANS = "[wan wan1]\nrole = master\n[wan wan2]\nrole = backup\n[wan wan3]\nrole = backup\n"


def at(hour, minute=0):
    return f"2026-01-01T{hour:02}:{minute:02}:00Z"


def stamp(hour):
    return f"20260101T{hour:02}0000Z"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def load(*path):
    return json.loads(read(os.path.join(*path)))


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Site:
    """A folder with a configuration, a hook that keeps what it is told, and reports."""

    def __init__(self, folder, name, source, more="", words=WANS):
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        self.reports, self.told_to = self.path("reports"), self.path("told")
        self.hook = f"cat >>{self.told_to}"
        self.source, self.more, self.words = source, more, words
        self.configure()

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, hook=None, more=None):
        self.config = write(self.path("site.conf"), f"[site]\nname = home\n{self.words}[run]\ninput = {self.source}\n"
                            f"reports = {self.reports}\nmetrics = {self.path('home.prom')}\nnotify = {hook or self.hook}\n"
                            f"{self.more if more is None else more}\n")

    def command(self, now, *more):
        return ["run", "--config", self.config, "--from", BEGIN, "--now", now, *more]

    def run(self, now, *more):
        return check_follow.audit(*self.command(now, *more))

    def names(self):
        return sorted(name for name in os.listdir(self.reports) if re.fullmatch(r"home-\d+T\d+Z\.json", name))

    def told(self):
        return [json.loads(line) for line in read(self.told_to).splitlines()] if os.path.exists(self.told_to) else []

    def state(self):
        return load(self.reports, "run.state")

    def everything(self):
        """All files but the lock, and where links lead."""
        found = {}
        for path in glob.glob(os.path.join(self.reports, "*")) + glob.glob(self.path("home.prom*")):
            name = os.path.basename(path)
            if name.startswith("tracker-"):
                found[name] = "is there"      # the order of what is in it is that of a table; the next window tells what is
            elif not path.endswith(".lock"):
                found[name] = os.readlink(path) if os.path.islink(path) else read(path)
        return found


def make_input(folder):
    os.mkdir(os.path.join(folder, "week"))
    week = check_follow.Week(os.path.join(folder, "week"), HOURS)
    spool, store = os.path.join(folder, "spool"), os.path.join(folder, "store")
    os.mkdir(spool)
    check_follow.lay_closed(week, spool, HOURS)
    follow(spool, store)
    return spool, store


def follow(spool, store, *more):
    code, _, err = check_follow.audit("follow", spool, "--store", store, "--once", *more)
    if code:
        raise oracle.Failure(f"follow: {err}")


def sums(wans):
    """{(wan, direction, kind): bytes}"""
    return {(wan["name"], way, kind): tally["ip_bytes"] for wan in wans
            for way in oracle.DIRECTIONS for kind, tally in wan.get(way, {}).items() if tally["ip_bytes"]}


# ---- windows ----

def each_window_once(suite, folder, store):
    site = Site(folder, "once", store, "formats = html")
    with suite.check("each closed window once") as check:
        code, out, err = site.run(at(HOURS, 30), "--dry-run")
        check.true(f"a dry run tells: {out} {err}", code == 0 and out.count("would audit") == KNOWN)
        check.true("... and does nothing", not os.path.exists(site.reports))
        code, out, err = site.run(at(3, 10))
        check.same(f"three hours ({err})", site.names(), [f"home-{stamp(h)}.json" for h in range(3)])
        verdicts = [load(site.reports, name)["verdict"] for name in site.names()]
        check.same("exit", code, STATUS_EXIT[max(verdicts, key=lambda v: (0, 2, 3, 1)[STATUS_EXIT[v]])])
        check.true(f"a line each: {out}", [line.split(":")[0] for line in out.splitlines()] == [n[:-5] for n in site.names()])
        before = site.everything()
        check.same("nothing new, nothing done", (site.run(at(3, 40)), site.everything()), ((0, "", ""), before))
        site.run(at(HOURS, 30))
        check.same("the hours since, as far as the store knows", site.names(), [f"home-{stamp(h)}.json" for h in range(KNOWN)])
        check.same("latest", {os.readlink(os.path.join(site.reports, f"latest.{form}")) for form in ("json", "html")},
                   {f"home-{stamp(KNOWN - 1)}.{form}" for form in ("json", "html")})
        for hour, name in enumerate(site.names()):
            report = load(site.reports, name)
            report.pop("totals")
            want = check_follow.report("--config", site.config, "--from", at(hour), "--to", at(hour + 1), store)
            for told in (report, want):
                del told["generated"]
            check.true(f"{name}: {check_follow.differ(want, report)}", want == report)
    with suite.check("totals are those of the whole time") as check:
        last = load(site.reports, "latest.json")
        whole = check_follow.report("--config", site.config, "--from", BEGIN, "--to", at(KNOWN), store)
        check.same("sums", sums(last["totals"]["wans"]), sums(whole["wans"]))
        check.true("of something", sum(sums(whole["wans"]).values()) > 50000)
        check.same("since", last["totals"]["since"][:19] + "Z", BEGIN)
        counts = [sums(load(site.reports, name)["totals"]["wans"]) for name in site.names()]
        check.true("they only grow", all(new.get(key, 0) >= n for old, new in zip(counts, counts[1:]) for key, n in old.items()))
        with open(os.path.join(oracle.HERE, "..", "report", "report.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        check.same("schema", list(check_expect.misfits(last, schema, schema)), [])
        check.true("... which knows totals", "totals" in schema["properties"])


def metrics_and_history(suite, folder, store):
    db = os.path.join(folder, "history.db")
    # 00:00 to 04:00 UTC is another day there: a trend of two days
    site = Site(folder, "metrics", store, f"history = {db}\nformats = html md", WANS.replace("[wan wan1]", "zone = WST4\n[wan wan1]"))
    with suite.check("metrics and history") as check:
        for hour in (1, 4):
            site.run(at(hour, 10))
            rows = re.findall(r'(?m)^mptcp_audit_bytes_total{site="home",wan="(\w+)",role="\w+",kind="(\w+)",direction="(\w+)"} (\d+)$',
                              read(site.path("home.prom")))
            check.same(f"counter at {hour}", {(w, d, k): int(n) for w, k, d, n in rows if int(n)},
                       sums(load(site.reports, "latest.json")["totals"]["wans"]))
            code, out, err = check_follow.audit("history", "list", "--db", os.path.join(folder, "history.db"), "--json", "-")
            check.same(f"audits at {hour} ({err})", (code, len(json.loads(out)["audits"])), (0, hour))
        check.true("Markdown", read(os.path.join(site.reports, "latest.md")))
    with suite.check("the trend in reports and pages") as check:
        check.true("a day has none to draw", "trend" not in page_parts(site))
        site.run(at(7, 10))
        last = load(site.reports, "latest.json")
        days = [[point["audits"] for point in wan["points"]] for wan in last["trend"]["wans"]]
        check.same("both days, with the report's own window", days, [[4, 3]] * 3)
        want = check_follow.report("--config", site.config, "--history", db, "--from", at(6), "--to", at(7), store)
        check.same("as report --history tells it", last["trend"], want["trend"])
        check.true("drawn", "trend" in page_parts(site))
        write(db, "no database")
        code, _, err = site.run(at(8, 10))
        check.true(f"a broken history: {code} {err}", code > 64 and "history.db" in err)
        check.same("... its window is to be done again", site.state()["until"][:19] + "Z", at(7))
        check.true("... but can be read", load(site.reports, f"home-{stamp(7)}.json")["schema"])
        os.remove(db)
        site.run(at(8, 10))
        check.same("... and is, without the days that are lost", [len(wan["points"]) for wan in load(site.reports, "latest.json")["trend"]["wans"]],
                   [1] * 3)


def page_parts(site):
    return re.findall(r'<section id=(\w+)', read(os.path.join(site.reports, "latest.html")))


def kill_passes(check, site, calm, hours, least, chance):
    """At each hour a calm pass of one site, and passes of the other that are killed at any moment until one is let end."""
    kills, tries = 0, 0
    for hour in hours:
        begun = time.monotonic()
        code, _, err = calm.run(at(hour, 10))
        patience, want = time.monotonic() - begun, kills + least // len(hours) + 1
        check.true(f"hour {hour}: {err}", code in oracle.VERDICT_EXITS)
        while kills < want and tries < 20 * least:
            process = subprocess.Popen([oracle.PROGRAM, *site.command(at(hour, 10))], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * patience)     # the moment of the kill is what is tried, nothing is waited for
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
            tries += 1
        done = [n for n in site.names() if n.startswith("home-")] if os.path.exists(site.reports) else []
        check.true("no half report", all(load(site.reports, name)["schema"] for name in done))
        lab.wait_until("the hook of a killed pass to end and the lock to be free",
                       lambda: site.run(at(hour, 10))[0] in oracle.VERDICT_EXITS)
    check.true(f"{kills} kills", kills >= least)
    for left in (calm, site):
        left.run(at(hours[-1] + 1, 10))
    got, want = site.everything(), calm.everything()
    check.same("files", sorted(got), sorted(want))
    check.true(f"the same in them: {[name for name in want if got.get(name) != want[name]]}", got == want)

    def known(told):
        return {json.dumps(notice, sort_keys=True) for notice in told}
    check.same("every notice at least once, and no other", known(site.told()), known(calm.told()))


def killed(suite, folder, store):
    """Killed at any moment, again and again: at the end all is as if it never happened."""
    dbs = [os.path.join(folder, f"{name}.db") for name in ("calm", "killed")]
    calm, site = (Site(folder, name, store, f"history = {db}") for name, db in zip(("calm", "killed"), dbs))
    with suite.check(f"at least {KILLS} kills") as check:
        kill_passes(check, site, calm, range(1, KNOWN), KILLS, random.Random(5))
        histories = [check_follow.audit("history", "export", "--db", db, "--json", "-")[1] for db in dbs]
        check.true("the same history", histories[0] == histories[1] and len(histories[0]) > 1000)


# ---- notices ----

def shape(notice):
    return [(row["change"], row["rule"], row["wan"]) for row in notice["changes"]]


def notices(suite, folder, store):
    site = Site(folder, "notices", store, "heartbeat = 1d")
    with suite.check("notices of what changed") as check:
        site.run(at(1, 10))
        told = site.told()
        check.same("one", len(told), 1)
        bad = [(row["rule"], row["wan"]) for row in load(site.reports, "latest.json")["findings"] if row["status"] in ("warn", "fail")]
        check.same("what is not well is new", sorted(set(shape(told[0]))), sorted({("new", *row) for row in bad}))
        check.same("who, and why", (told[0]["schema"], told[0]["site"], told[0]["reason"], told[0]["report"]),
                   ("mptcp-audit.notice/1.0", "home", "change", f"home-{stamp(0)}.json"))
        check.true("words", told[0]["sentence"] == load(site.reports, "latest.json")["sentence"] and told[0]["changes"][0]["text"])
        site.run(at(2, 10))
        check.same("nothing changed", len(site.told()), 1)
        site.configure(more="heartbeat = 1h")
        site.run(at(2, 20))
        check.same("heartbeat", [notice["reason"] for notice in site.told()], ["change", "heartbeat"])
        check.same("... tells what stands", sorted({(r["rule"], r["wan"]) for r in site.told()[-1]["standing"]}), sorted(set(bad)))
        check.same("... no sooner than it should", (site.run(at(2, 50)), len(site.told())), ((0, "", ""), 2))


def relaxed(site, seconds):
    """The same site with another limit of A29, so that the next window passes or does not."""
    site.words = WANS + f"[limits]\nsilence_seconds = {seconds}\n"
    site.configure()


def changes(suite, folder, store):
    site = Site(folder, "changes", store)
    with suite.check("resolved, new again, and what only passed by") as check:
        site.run(at(1, 10))
        relaxed(site, 2000)
        site.run(at(2, 10))
        check.true(f"resolved: {shape(site.told()[-1])}", ("resolved", "A29", "wan2") in shape(site.told()[-1]))
        count = len(site.told())
        relaxed(site, 300)
        site.configure(hook="exit 1")
        code, _, err = site.run(at(3, 10))
        check.true(f"a hook that fails: {code} {err}", code == 74 and "ended with 1" in err and len(site.told()) == count)
        check.true("... but the report is there", f"home-{stamp(2)}.json" in site.names())
        relaxed(site, 2000)
        site.configure(hook="sleep 60", more="notify_limit = 1s")
        code, _, err = site.run(at(4, 10))
        check.true(f"a hook that hangs: {code} {err}", code == 74 and "still ran" in err)
        site.configure(hook="kill -9 $$")
        code, _, err = site.run(at(4, 20))
        check.true(f"a hook that dies: {code} {err}", code == 74 and "signal 9" in err)
        site.configure()
        site.run(at(4, 30))
        check.true(f"what passed by meanwhile is told: {shape(site.told()[-1])}", ("passing", "A29", "wan2") in shape(site.told()[-1]))
        row = [row for row in site.told()[-1]["changes"] if row["rule"] == "A29"][0]
        check.same("... with where it was", (row["worst"], row["worst_report"]), ("warn", f"home-{stamp(2)}.json"))
        check.same("told once", (len(site.told()), site.run(at(4, 40))[0], len(site.told())), (count + 1, 0, count + 1))


def silence(suite, folder, store):
    site = Site(folder, "silence", store)
    with suite.check("an input that ended is told") as check:
        site.run(at(8, 30))
        count = len(site.told())
        site.run(at(10))
        check.same("not at once", len(site.told()), count)
        code, _, _ = site.run(at(14))
        check.same("exit", code, 3)
        row = site.told()[-1]["changes"][-1]
        check.true(f"told: {row}", row["change"] == "new" and row["rule"] is None and "no further than" in row["text"])
        check.same("once", (site.run(at(15))[0], len(site.told())), (3, count + 1))
        site.source = os.path.join(folder, "nowhere")
        site.configure()
        code, _, err = site.run(at(15))
        check.true(f"no input: {code} {err}", code == 66)
        site.source = store
        site.configure(more="patience = never")
        check.same("nothing to wait for", (site.run(at(15))[0], len(site.told())), (0, count + 2))
        check.same("resolved", shape(site.told()[-1])[-1][0], "resolved")


# ---- what goes wrong ----

def disk_full(suite, folder, store):
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "none", disk], capture_output=True, check=False)
    if done.returncode:
        suite.skip("a full disk", "no mount: needs root")
        return
    with suite.check("a full disk") as check:
        try:
            site, calm = Site(disk, "site", store, "formats = "), Site(folder, "full-calm", store, "formats = ")
            filler = write(os.path.join(disk, "filler"), "x" * 150000)
            code, _, err = site.run(at(5, 10))
            check.true(f"said: {code} {err}", code == 74 and "No space left" in err)
            check.true("nothing half", all(load(site.reports, name) for name in site.names()) and
                       not [n for n in os.listdir(site.reports) if re.search(r"\.\w{6}$", n)])
            os.remove(filler)
            subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
            site.run(at(5, 10))
            calm.run(at(5, 10))
            check.same("with room nothing is missing", site.everything(), calm.everything())
        finally:
            subprocess.run(["umount", disk], check=False)


def refusals(suite, folder, store):
    site = Site(folder, "refusals", store)
    with suite.check("lock, damage, mistakes") as check:
        gate = site.path("gate")
        os.mkfifo(gate)
        site.configure(hook=f"cat {gate}")
        first = subprocess.Popen([oracle.PROGRAM, *site.command(at(2, 10))], stdout=subprocess.DEVNULL)
        try:
            lab.wait_until("the first pass to call its hook", lambda: os.path.exists(os.path.join(site.reports, "run.state")))
            code, _, err = site.run(at(2, 10))
            check.true(f"two at once: {code} {err}", code == 73 and "another run" in err)
        finally:
            write(gate, "")
            first.wait(20)
        site.configure()
        state = os.path.join(site.reports, "run.state")
        for what in ("", "{}", "[1", "null", read(state)[:300]):
            write(state, what)
            code, _, err = site.run(at(3, 10))
            check.true(f"state {what[:20]!r}: {code} {err}", code == 65 and "left as it is" in err and read(state) == what)
        for wrong, word in (("windows = 1h", "did you mean \"window\""), ("window = 2h", "1h or 1d"), ("keep = 5", "a time such as"),
                            ("formats = html pdf", "names of formats"), ("lang = tlh", "zh-CN")):
            site.configure(more=wrong)
            code, _, err = site.run(at(3, 10))
            check.true(f"{wrong}: {code} {err}", code == 78 and word in err and ":" in err)
            code, _, err = check_follow.audit("report", "--config", site.config, store)
            check.true(f"report says it too: {code} {err}", code == 78 and word in err)
        code, _, err = check_follow.audit("run", "--config", write(site.path("empty"), "[run]\ninput = x\n"))
        check.true(f"no reports: {err}", code == 78 and "reports = " in err)
        code, _, err = check_follow.audit("run")
        check.true(f"no config: {err}", code == 64 and "--config" in err)


def kept(suite, folder, store):
    site = Site(folder, "kept", store, "keep = 3h\nformats = html")
    with suite.check("old reports go, and only these") as check:
        site.run(at(2, 10))
        others = ["home-notes.json", "homes-20250101T000000Z.json", "home-20250101T000000Z.pdf", "home-2-20250101T000000Z.json",
                  "home-20250101T000000Z.json.mine", "home-20260101T020000Z.json.a1B2c3", "home-20250101T000000Z.html"]
        for name in others:
            write(os.path.join(site.reports, name), "{}")
        site.run(at(5, 10))
        check.same("reports", site.names(), [f"home-{stamp(h)}.json" for h in (3, 4)])
        left = [name for name in others if os.path.exists(os.path.join(site.reports, name))]
        check.same("others stay", left, others[:5])
        check.true("pages too", not os.path.exists(os.path.join(site.reports, f"home-{stamp(0)}.html")))


def days(suite, folder, spool):
    """A store whose hours became a day: what can be told is, what cannot is named, and nothing counts twice."""
    store = os.path.join(folder, "old-store")
    follow(spool, store, "--every", "3h")
    site = Site(folder, "long", store)
    with suite.check("a store with longer ledgers") as check:
        code, _, err = site.run(at(8, 10))
        check.true(f"{code} {err}", code in oracle.VERDICT_EXITS)
        check.same("windows of three hours", site.names(), [f"home-{stamp(h)}.json" for h in (0, 3)])
        whole = check_follow.report("--config", site.config, "--from", BEGIN, "--to", at(6), store)
        check.same("sums", sums(load(site.reports, "latest.json")["totals"]["wans"]), sums(whole["wans"]))
    with suite.check("a begin that the store cannot tell") as check:
        site = Site(folder, "cut", store)
        code, _, err = check_follow.audit("run", "--config", site.config, "--from", at(1), "--now", at(8, 10))
        check.true(f"said: {code} {err}", code in oracle.VERDICT_EXITS and "in no report and no total" in err)
        check.same("the rest is there", site.names(), [f"home-{stamp(3)}.json"])


def of_spool(suite, folder, spool):
    site = Site(folder, "of-spool", spool)
    with suite.check("windows of a spool") as check:
        code, _, err = check_follow.audit("run", "--config", site.config, "--from", at(2), "--now", at(4, 3))
        check.true(f"{code} {err}", code in oracle.VERDICT_EXITS)
        check.same("closed ones that had time to settle", site.names(), [f"home-{stamp(2)}.json"])
        want = check_follow.report("--config", site.config, "--from", at(2), "--to", at(3), spool)
        check.same("sums", sums(load(site.reports, "latest.json")["wans"]), sums(want["wans"]))
        site.run(at(4, 6))
        check.same("a little later the next", site.names(), [f"home-{stamp(h)}.json" for h in (2, 3)])


def still_written(suite, folder, spool):
    """What a recorder began before the end of a window and still writes holds that window's frames, too."""
    growing = os.path.join(folder, "growing")
    os.mkdir(growing)
    for name in sorted(os.listdir(spool)):
        shutil.copy(os.path.join(spool, name), growing)
    with suite.check("a file that is still written when its window is told") as check:
        end, parts = 3 * 3600, 0
        for wan in ("wan1", "wan2", "wan3"):
            names = sorted(name for name in os.listdir(growing) if name.startswith(wan + "-"))
            across = [name for name in names if begun(name) < end][-1]
            for name in names[names.index(across) + 1:]:
                os.remove(os.path.join(growing, name))
            with open(os.path.join(growing, across), "rb") as file:
                data = file.read()
            os.remove(os.path.join(growing, across))
            parts += begun(across) > 2 * 3600
            with open(os.path.join(growing, across + ".part"), "wb") as file:
                file.write(data[:-6])   # in the middle of its last block
        check.same("files that begin in the window and end behind it", parts, 3)
        for more in ("", "formats = "):
            site = Site(folder, f"growing-{len(more)}", growing, more)
            code, _, err = check_follow.audit("run", "--config", site.config, "--from", at(2), "--now", at(3, 6))
            check.true(f"{code} {err}", code in oracle.VERDICT_EXITS)
            want = check_follow.report("--config", site.config, "--from", at(2), "--to", at(3), spool)
            check.same("sums", sums(load(site.reports, "latest.json")["wans"]), sums(want["wans"]))


def states_of(site):
    return sorted(name for name in os.listdir(site.reports) if name.startswith("tracker-"))


def same_window(check, site, hour, spool):
    """But for what is said of files: with a state fewer are read."""
    told = [load(site.reports, "latest.json"), check_follow.report("--config", site.config, "--from", at(hour), "--to", at(hour + 1), spool)]
    for report in told:
        report.pop("generated")
        report.pop("totals", None)
    found = oracle.difference(*(check_window.judged(json.dumps(report)) for report in reversed(told)))
    check.true(f"hour {hour}" + (f" ({found})" if found else ""), not found)


def begun(name):
    """The second of the day at which a file of the recorder begins."""
    clock = re.search(r"T(\d\d)(\d\d)(\d\d)Z", name)
    return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])


def from_states(suite, folder, spool):
    """A spool's window goes on from the tracker's state at its beginning: the same told, and no file read from before."""
    copy = shutil.copytree(spool, os.path.join(folder, "spoilt"))
    site, other = Site(folder, "states", copy, "formats = "), shutil.copytree(spool, os.path.join(folder, "other-spool"))
    files = sorted(os.listdir(copy))
    with suite.check("windows of a spool go on from a state") as check:
        for hour in range(KNOWN):
            code, _, err = site.run(at(hour + 1, 6))
            check.true(f"hour {hour}: {code} {err}", code in oracle.VERDICT_EXITS and not err)
            same_window(check, site, hour, spool)
            check.same("one state", states_of(site), [f"tracker-{stamp(hour + 1)}.state"])
            for name in files:      # of those that end before the state does, one more is read
                if [n for n in files if n > name and n[:4] == name[:4] and begun(n) <= hour * 3600]:
                    check_window.spoil(os.path.join(copy, name))
        check.true("files were spoilt that an audit without a state reads",
                   "cannot be read" in check_follow.audit("report", "--from", at(7), "--to", at(8), copy)[2])
    site = Site(folder, "misfits", spool, "formats = ")
    with suite.check("a state that does not fit") as check:
        state = os.path.join(site.reports, f"tracker-{stamp(1)}.state")
        for what in (b"", b"no state", "half", "of another spool"):
            site.run(at(1, 6))
            with open(state, "rb") as file:
                good = file.read()
            if what == "of another spool":
                site.source = other
                site.configure()
            else:
                with open(state, "wb") as file:
                    file.write(good[:len(good) // 2] if what == "half" else what)
            code, _, err = site.run(at(2, 6))
            check.true(f"{what}: said: {code} {err}", code in oracle.VERDICT_EXITS and "thrown away" in err and "left as it is" not in err)
            same_window(check, site, 1, spool)
            check.same("... and a new one is there", states_of(site), [f"tracker-{stamp(2)}.state"])
            shutil.rmtree(site.reports)
        site.run(at(1, 6))
        for name in ("tracker-20260101T000000Z.state", "tracker-20260101T050000Z.state", "tracker-20260101T050000Z.state.a1B2c3",
                     "tracker-mine.state", "tracker-20260101T000000Z.state.old.txt"):
            write(os.path.join(site.reports, name), "{}")
        site.run(at(2, 6))
        check.same("what killed passes left goes, other files do not", states_of(site),
                   ["tracker-20260101T000000Z.state.old.txt", f"tracker-{stamp(2)}.state", "tracker-mine.state"])
    calm, killed_site = (Site(folder, name, spool, f"history = {os.path.join(folder, name)}.db") for name in ("calm-spool", "killed-spool"))
    with suite.check(f"at least {SPOOL_KILLS} kills over a spool") as check:
        kill_passes(check, killed_site, calm, range(1, 6), SPOOL_KILLS, random.Random(6))


# ---- check ----

def nagios(suite, folder, store, spool):
    site = Site(folder, "nagios", store)
    line = re.compile(r"MPTCP (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| .+)?\n")
    figure = re.compile(r" (?:'[^'=]+'|\w+)=[\d.e+-]+(?:s|B|%)?(?:;[\d.]*){0,4}")

    def asked(*words):
        code, out, err = check_follow.audit("check", *words)
        check.true(f"{words}: one line: {out!r} {err!r}", line.fullmatch(out) and not err)
        state = out.split()[1]
        check.same(f"{words}: exit of {state}", code, ("OK", "WARNING", "CRITICAL", "UNKNOWN").index(state))
        if "|" in out:
            check.same(f"figures of {out}", figure.sub("", out.rstrip().split(" |")[1]), "")
        return state, out

    with suite.check("check") as check:
        site.run(at(2, 10))
        site.configure()
        latest = os.path.join(site.reports, "latest.json")
        word = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}[STATUS_EXIT[load(latest)["verdict"]]]
        state, out = asked(site.reports)
        check.true(out, state == word and load(latest)["sentence"][:60] in out and "'wan2 payload'=" in out)
        check.same("a file", asked(latest)[0], word)
        check.same("by the configuration", asked("--config", site.config)[0], word)
        state, out = asked("--config", site.config, "--from", at(0), "--to", at(2), spool)
        want = check_follow.report("--config", site.config, "--from", at(0), "--to", at(2), spool)
        check.true(f"of captures: {out}", STATUS_EXIT[want["verdict"]] == ("OK", "WARNING", "CRITICAL", "UNKNOWN").index(state))
        check.same("young enough", asked("--max-age", "2h", "--now", at(3, 59), site.reports)[0], word)
        state, out = asked("--max-age", "2h", "--now", at(4, 1), site.reports)
        check.true(f"too old: {out}", state == "UNKNOWN" and "2 h 1 min old" in out)
        check.true("in Chinese", "时段" in asked("--lang", "zh-CN", site.reports)[1])
        empty = os.path.join(folder, "no-reports")
        os.mkdir(empty)
        for words in ((), ("nope",), (empty,), ("--max-age", "2", site.reports), ("--max-age",), ("--frobnicate",), ("--lang", "tlh"),
                      (write(site.path("text"), "hello"),), ("--config", "nope.conf"), (write(site.path("half.json"), '{"schema": "mpt'),)):
            check.same(f"error {words}", asked(*words)[0], "UNKNOWN")
    with suite.check("check by verdict and idle nights") as check:
        made = load(latest)
        made["findings"] = [f for f in made["findings"] if f["rule"] != "A27"]
        whole = {"rule": "A27", "status": "pass", "wan": "wan2", "title": "", "text": "", "why": "", "evidence": []}
        for verdict, state in (("pass", "OK"), ("warn", "WARNING"), ("fail", "CRITICAL"), ("not_assessed", "UNKNOWN"), ("?", "UNKNOWN")):
            path = write(site.path("made.json"), json.dumps({**made, "verdict": verdict, "messages": {}, "sentence": "a | b\nc"}))
            check.same(verdict, asked(path)[0], state)
        for status, state in (("pass", "OK"), ("warn", "UNKNOWN"), ("not_assessed", "UNKNOWN")):
            path = write(site.path("made.json"), json.dumps({**made, "verdict": "not_assessed",
                                                             "findings": made["findings"] + [{**whole, "status": status}]}))
            check.same(f"idle with A27 {status}", asked("--idle-ok", path)[0], state)
            check.same("... is not asked for", asked(path)[0], "UNKNOWN")
        odd = {**made, "wans": [{**made["wans"][0], "name": "it's=a|wan"}]}
        check.true("hostile names", "'it''s_a_wan billed'" in check_follow.audit("check", write(site.path("made.json"), json.dumps(odd)))[1])


# ---- what is shipped beside it ----

def shipped(suite, folder, store):
    site = Site(folder, "shipped", store)
    site.run(at(6, 10))
    emitted = set(re.findall(r"(?m)^# TYPE (\w+) ", read(site.path("home.prom"))))
    root = os.path.join(oracle.HERE, "..", "report")
    with suite.check("dashboard and alerts know the metrics") as check:
        board = load(root, "grafana.json")
        asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        asked += [row["query"] for row in board["templating"]["list"]] + re.findall(r"expr: (.*)", read(os.path.join(root, "alerts.yml")))
        named = set(re.findall(r"mptcp_audit_\w+", " ".join(asked)))
        check.true(f"queries: {len(asked)}, metrics: {len(named)}", len(asked) > 15 and len(named) > 8)
        check.same("not emitted", sorted(named - emitted), [])
        check.same("panels", len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        for word in set(re.findall(r'rule=~?"([^"]+)"', " ".join(asked))):
            check.true(f"rules {word}", all(check_follow.audit("explain", rule)[0] == 0 for rule in word.split("|")))
    if not shutil.which("promtool"):
        suite.skip("promtool", "promtool is not installed")
    else:
        with suite.check("promtool") as check:
            for words in (("check", "rules", os.path.join(root, "alerts.yml")), ("test", "rules", os.path.join(oracle.HERE, "alerts.yml"))):
                done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
                check.true(f"{words}: {done.stdout}{done.stderr}", done.returncode == 0 and "SUCCESS" in done.stdout)
            done = subprocess.run(["promtool", "check", "metrics"], input=read(site.path("home.prom")), capture_output=True, text=True,
                                  check=False)
            check.same(f"metrics: {done.stdout}{done.stderr}", done.returncode, 0)
    with suite.check("the example configuration") as check:
        example = read(os.path.join(root, "mptcp-audit.conf"))
        for text in (example, re.sub(r"(?m)^#([a-z_]+ =|\[)", r"\1", example)):
            text = text.replace("/var/lib/", folder + "/not-there/")
            text = text.replace("/etc/config", os.path.join(oracle.HERE, "..", "fixtures", "uci-router", "right"))
            code, _, err = check_follow.audit("run", "--config", write(site.path("example.conf"), text), "--dry-run")
            check.true(f"taken: {code} {err}", code == 66 and "not-there" in err)
        listed = set(re.findall(r"(?m)^#?([a-z_]+) =", example.split("[run]")[1]))
        _, _, err = check_follow.audit("run", "--config", write(site.path("no.conf"), "[run]\nqqqqqqqq = 1\n"))
        check.same("keys it does not name", sorted(set(re.findall(r"[a-z_]+", err.split('": ')[1])) - listed), [])


def main():
    suite = oracle.Suite("run")
    # thousands of files reach the disk one by one: in memory that takes no time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mptcp-run-check", dir=memory) as folder:
        try:
            spool, store = make_input(folder)
        except oracle.Failure as error:
            with suite.check("input") as check:
                check.true(str(error), False)
            return suite.end()
        each_window_once(suite, folder, store)
        metrics_and_history(suite, folder, store)
        killed(suite, folder, store)
        notices(suite, folder, store)
        changes(suite, folder, store)
        silence(suite, folder, store)
        disk_full(suite, folder, store)
        refusals(suite, folder, store)
        kept(suite, folder, store)
        days(suite, folder, spool)
        of_spool(suite, folder, spool)
        still_written(suite, folder, spool)
        from_states(suite, folder, spool)
        nagios(suite, folder, store, spool)
        shipped(suite, folder, store)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
