#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_follow.py - follow: a week of a recorder's files, hour by hour, killed at any moment, is the week audited at once.

The week is built byte by byte: three WANs whose files end at different instants, connections that live for days and ones
that live for seconds, keepalives, outages with a failover and back, a modem that was away over a full hour, a recorder
that did not run for a while, frames dropped. The oracle of sums per hour is the story; that of the report is the audit of
all files at once.
"""
import bisect
import calendar
import json
import os
import re
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import fixture_bytes as bytes_of
import lab
import oracle
import recorder
from fixture_bytes import SECOND, START_NS

HOUR = 3600
WEEK = 168
KILLS = 100
NOW = "2026-12-01T00:00:00Z"
# Summer begins in the third night and ends in the fifth: days of 23 and 25 hours within the week.
ZONE = "AAA-1BBB,J3/2,J5/3"
WANS = (("wan1", "master", 4, 3300), ("wan2", "backup", 5, 4217), ("wan3", "backup", 6, 3617))
OFF = (80 * HOUR + 1200, 80 * HOUR + 3000)      # nothing recorded
AWAY = (29 * HOUR + 2400, 30 * HOUR + 1100)     # wan3's modem
OUTAGES = (5 * HOUR + 600, 52 * HOUR + 3590, 130 * HOUR + 100)


def audit(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def report(*arguments):
    code, out, err = audit("report", "--now", NOW, "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report {' '.join(arguments)} ended with {code}: {err}")
    return json.loads(out)


def differ(a, b, where=""):
    """The first place where two values are not the same, or None."""
    if isinstance(a, dict) and isinstance(b, dict):
        found = (differ(a.get(key), b.get(key), f"{where}.{key}") for key in sorted(set(a) | set(b)))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        found = (differ(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b)))
    else:
        found = iter(() if a == b else (f"{where}: {str(a)[:200]} at once, {str(b)[:200]} followed",))
    return next((text for text in found if text), None)


# ---- the week ----

class Week:
    """The story of some hours, and the files that a recorder made of it."""

    def __init__(self, folder, hours):
        self.hours, self.folder = hours, folder
        self.story = self.tell()
        self.times = {wan: [] for wan, *_ in WANS}
        self.packets = {wan: [] for wan, *_ in WANS}
        for packet in sorted(self.story.packets, key=lambda p: p["ns"]):
            self.packets[packet["wan"]].append(packet)
            self.times[packet["wan"]].append(packet["ns"])
        self.files = [file for row in WANS for file in self.record(*row)]

    def path(self, name):
        return os.path.join(self.folder, name)

    def at(self, story, second):
        story.now_ns = max(story.now_ns, START_NS + int(second * SECOND))

    def connection(self, story, number):
        bytes_of.CLIENT.setdefault("wan3", "198.51.100.3")
        keys = bytes([number % 251 + 1]) * 4 + number.to_bytes(4, "big"), b"server" + number.to_bytes(2, "big")
        connection = bytes_of.Connection(story, 1, keys=keys)
        flows = [bytes_of.Subflow(story, wan, 20000 + number, 0x10000000 + number, 0x20000000 + i)
                 for i, (wan, *_) in enumerate(WANS)]
        connection.open(flows[0])
        connection.data(flows[0], "up", 90)
        connection.ack(flows[0], "down")
        for i, flow in enumerate(flows[1:], 2):
            connection.join(flow, backup=True, address_id=i)
        return connection, flows

    def download(self, connection, flow, segments):
        for number in range(segments):
            connection.data(flow, "down", 240)
            if number % 4 == 3:
                connection.ack(flow, "up")
        connection.ack(flow, "up")

    def tell(self):
        story = bytes_of.Story()
        number = 0
        self.at(story, 11)
        long = [self.connection(story, number := number + 1) for _ in range(3)]
        for hour in range(self.hours):
            start = hour * HOUR
            for minute in range(2, 60, 6):
                self.at(story, start + minute * 60 + hour % 7)
                if any(begin <= start + minute * 60 < begin + 90 for begin in OUTAGES):
                    continue
                connection, flows = long[minute % 3]
                self.download(connection, flows[0], 6 + hour % 5)
                for flow in flows[1:]:
                    connection.keepalive(flow, "up")
            for begin in OUTAGES:
                if start <= begin < start + HOUR:
                    self.outage(story, long[0], begin)
            self.at(story, start + 3560)
            connection, flows = self.connection(story, number := number + 1)
            self.download(connection, flows[0], 3)
            self.at(story, start + 3599.9 + hour % 3 / 10)     # some over the full hour
            connection.finish(flows)
            if hour == self.hours // 2:
                connection, flows = long.pop(1)
                connection.finish(flows)
                long.append(self.connection(story, number := number + 1))
        return story

    def outage(self, story, pair, begin):
        """wan1 sends and hears nothing; the download goes on over wan2, then comes back."""
        connection, flows = pair
        self.at(story, begin)
        self.download(connection, flows[0], 8)
        lost = connection.data(flows[0], "up", 300)
        for wait in (0.3, 0.6, 1.2):
            story.wait(wait)
            connection.data(flows[0], "up", 300, offset=connection.sent["up"] - 300, kind="retransmission",
                            seq=flows[0].nxt["up"] - 300)
        connection.data(flows[1], "up", 300, offset=connection.sent["up"] - 300, kind="reinjection")
        connection.ack(flows[1], "down")
        for _ in range(20):
            story.wait(1)
            self.download(connection, flows[1], 2)
        connection.ack(flows[0], "down")
        story.wait(2)
        self.download(connection, flows[0], 12)
        return lost

    # -- files --

    def record(self, wan, role, index, rotate):
        """[(closed at, begun at, name)], in seconds of the week."""
        recording = bytes_of.Recording(self, "all")
        kernel = bytes_of.kernel_counters()
        end, files, at, seq = self.hours * HOUR + 30 + index, [], 1 + index / 8, 1
        while at < end:
            until = min(at + rotate, end)
            stop = until == end
            if at < OFF[0] <= until:
                until, stop = OFF[0] + index, True
            files.append((until, at, self.file(recording, wan, role, index, seq, at, until, stop, kernel)))
            at = OFF[1] + index if until == OFF[0] + index else until
            seq += 1
        return files

    def file(self, recording, wan, role, index, seq, start, end, stop, kernel):
        file = recording.file(wan, seq, start, end, role)
        file.start, file.end = int(file.start), int(file.end)
        file.describe(f"eth{index}", index, address=bytes_of.CLIENT[wan])
        file.statistics(file.start, file.counters(file.start, kernel))
        at = start
        while at < end:
            until = min(at + 600, end)
            low, high = (bisect.bisect_left(self.times[wan], START_NS + int(t * SECOND)) for t in (at, until))
            packets = self.packets[wan][low:high]
            if wan == "wan3" and at < AWAY[1] and until > AWAY[0]:
                packets = [p for p in packets if not AWAY[0] <= (p["ns"] - START_NS) / SECOND < AWAY[1]]
            file.frames(packets, kernel)
            if wan == "wan1" and seq % 50 == 7 and at == start:
                file.drop(2, kernel)
            if until < end:
                now = START_NS + int(until * SECOND)
                file.statistics(now, file.counters(now, kernel), *self.away(file, wan, until))
            at = until
        file.statistics(file.end, file.counters(file.end, kernel), *self.away(file, wan, end),
                        file.note("end", reason="stop" if stop else "rotate"))
        file.save()
        return f"{wan}-{bytes_of.BOOT}-{seq:08}-" + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(file.start // SECOND)) + ".pcapng"

    def away(self, file, wan, now):
        if wan != "wan3" or now <= AWAY[0] or now > AWAY[1] + 600:
            return []
        bounds = [START_NS + t * SECOND for t in AWAY]
        return [file.gap("absent", *(bounds if now > AWAY[1] else bounds[:1]))]

    # -- the spool at one moment --

    def lay(self, spool, now):
        """What a recorder's spool holds `now` seconds after the begin: closed files, and those being written."""
        for closed, begun, name in self.files:
            part = os.path.join(spool, name + ".part")
            if closed <= now and not os.path.exists(os.path.join(spool, name)):
                if os.path.exists(part):
                    os.remove(part)
                os.link(self.path(os.path.join("all", name)), os.path.join(spool, name))
            elif begun <= now < closed and not os.path.exists(part):
                with open(part, "wb"):
                    pass

    def stored_packets(self):
        """Those that were recorded: not while nothing was, nor while a modem was away."""
        for wan, _, index, _ in WANS:
            for packet in self.packets[wan]:
                second = (packet["ns"] - START_NS) / SECOND
                if OFF[0] + index <= second < OFF[1] + index or second < 1 + index / 8:
                    continue
                if wan == "wan3" and AWAY[0] <= second < AWAY[1]:
                    continue
                yield packet


def follow(spool, store, *more):
    return ["follow", spool, "--store", store, "--zone", ZONE, *more]


def run_killed(chance, arguments, patience):
    """One run; killed after a random part of `patience`. True when it was."""
    process = subprocess.Popen([oracle.PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, err = process.communicate(timeout=chance.random() * patience)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    if process.returncode:
        raise oracle.Failure(f"follow ended with {process.returncode}: {err.decode()}")
    return False


def store_is(store):
    return os.path.exists(os.path.join(store, "current"))


def followed_and_killed(suite, week, folder):
    spool, store = os.path.join(folder, "spool"), os.path.join(folder, "store")
    os.mkdir(spool)
    chance, kills, patience = random.Random(4), 0, 0.02
    with suite.check(f"a week hour by hour, at least {KILLS} kills") as check:
        for hour in range(1, WEEK + 1):
            now = hour * HOUR if hour < WEEK else WEEK * HOUR + 100
            week.lay(spool, now)
            arguments = follow(spool, store, "--once", "--keep-hours", "30")
            seen = []
            while len(seen) < 3 and run_killed(chance, arguments, patience):
                kills += 1
                seen.append(sum(frames_of(store).values()) if hour <= 20 and store_is(store) else 0)
            code, _, err = audit(*arguments)
            if code or "late" in err:
                raise oracle.Failure(f"hour {hour}: follow ended with {code}: {err}")
            if hour <= 20 and any(seen):
                check.true(f"after each kill no frame twice: {seen}", all(n <= sum(frames_of(store).values()) for n in seen))
        check.true(f"{kills} kills", kills >= KILLS)
        whole, kept = report(spool), report(store)
        for told in (whole, kept):      # a day keeps the names of those files only that something speaks of
            check.true("files", told["coverage"].pop("files"))
        found = differ(whole, kept)
        check.true(f"the report of the store is that of all files ({found})", not found)
        check.true("... of more than nothing", whole["interruptions"] and len(whole["connections"]) > WEEK)
        names = os.listdir(store)
        check.true("hours became days", any(n.startswith("day-") for n in names) and any(n.startswith("hour-") for n in names))
        check.true("nothing half-written is left", not any(n.endswith(".part") for n in names))
    return spool, store


def sums_of_hours(suite, week, store):
    """Frames of each hour that is still one, and of all days: by the story."""
    with suite.check("sums per ledger of the store, by the story") as check:
        stored = list(week.stored_packets())
        for name in sorted(os.listdir(store)):
            if name == "current":
                continue
            begin, end = (calendar.timegm(time.strptime(t, "%Y%m%dT%H%M%SZ")) for t in name.split(".")[0].split("-")[1:3])
            code, out, err = audit("dissect", "--from", str(begin), "--to", str(end), store)
            if code:
                raise oracle.Failure(f"dissect of {name} ended with {code}: {err}")
            got = {wan["name"]: sum(cell["sum"][0] for cell in wan["cells"]) for wan in json.loads(out)["wans"]}
            want = dict.fromkeys(got, 0)
            for packet in stored:
                if begin * SECOND <= packet["ns"] < end * SECOND:
                    want[packet["wan"]] = want.get(packet["wan"], 0) + 1
            check.same(name, got, want)


def windows(suite, store):
    with suite.check("windows") as check:
        code, _, err = audit("report", "--zone", ZONE, "--from", "2026-01-07 10:00", "--to", "2026-01-07 12:00", store)
        check.true(f"whole hours ({err.strip()})", code in oracle.VERDICT_EXITS and not err)
        code, _, err = audit("report", "--zone", ZONE, "--from", "2026-01-07 10:20", "--to", "2026-01-07 12:00", store)
        check.true(f"not a part of one: {err.strip()}", code == 64 and "10:00:00" in err and "11:00:00" in err)
        code, _, err = audit("report", "--zone", ZONE, "--from", "2026-01-02 10:00", "--to", "2026-01-03", store)
        check.true(f"not a part of a day: {err.strip()}", code == 64 and "2026-01-02 00:00:00" in err)
        code, _, err = audit("report", "--zone", ZONE, "--from", "2026-01-07", "--to", "2026-02-01", store)
        check.true(f"what lies beyond is told: {err.strip()}", code in oracle.VERDICT_EXITS and "knows of the time" in err)


def told_again(suite, week, folder):
    """A window's report is the same when it is asked for as soon as the store has come to its end, and later."""
    with suite.check("a window told at its end and told later") as check:
        spool, store = os.path.join(folder, "spool"), os.path.join(folder, "store")
        os.mkdir(spool)
        compared = 0
        for hour in range(1, 9):
            lay_closed(week, spool, hour)
            followed(spool, store)
            ask = ("report", "--zone", ZONE, "--now", NOW, "--json", "-", "--from", str(START_NS // SECOND),
                   "--to", str(START_NS // SECOND + hour * 3600), store)
            early = audit(*ask)
            lay_closed(week, spool, hour + 2)
            followed(spool, store)
            late = audit(*ask)
            if early[0] in oracle.VERDICT_EXITS and not early[2]:
                compared += 1
                check.same(f"until hour {hour}", oracle.difference(json.loads(early[1]), json.loads(late[1])), None)
        check.true("some windows were whole", compared > 2)


# ---- what goes wrong ----

def lay_day(week, folder, hours):
    """A spool of the first hours, all of its files closed."""
    spool, store = os.path.join(folder, "spool"), os.path.join(folder, "store")
    os.mkdir(spool)
    lay_closed(week, spool, hours)
    return spool, store


def lay_closed(week, spool, hours):
    week.lay(spool, hours * HOUR)
    for name in os.listdir(spool):
        if name.endswith(".part"):
            os.remove(os.path.join(spool, name))


def followed(spool, store, *more):
    code, out, err = audit(*follow(spool, store, "--once", *more))
    if code:
        raise oracle.Failure(f"follow ended with {code}: {err}")
    return out, err


def frames_of(store):
    code, out, err = audit("dissect", store)
    if code:
        raise oracle.Failure(f"dissect ended with {code}: {err}")
    return {wan["name"]: sum(cell["sum"][0] for cell in wan["cells"]) for wan in json.loads(out)["wans"]}


def disk_full(suite, week, folder):
    """The store has no room left in the middle of a day, and room again later."""
    with suite.check("a full disk") as check:
        spool, _ = lay_day(week, folder, 20)
        disk = os.path.join(folder, "disk")
        os.mkdir(disk)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, check=False)
        if done.returncode:
            suite.skip("a full disk", "no mount: needs root")
            return
        try:
            store, filler = os.path.join(disk, "store"), os.path.join(disk, "filler")
            with open(filler, "wb") as file:
                file.write(bytes(216 * 1024))
            code, _, err = audit(*follow(spool, store, "--once"))
            check.true(f"said, and no success: {code} {err.strip()}", code == 74 and "No space left" in err)
            check.true("what was stored before is whole", sum(frames_of(store).values()) > 0)
            check.true("nothing half-written is left", not any(n.endswith(".part") for n in os.listdir(store)))
            os.remove(filler)
            followed(spool, store)
            found = differ(report(spool), report(store))
            check.true(f"with room again nothing is missing ({found})", not found)
        finally:
            subprocess.run(["umount", disk], check=False)


def watches(pid):
    """It has its store, and waits for news of the spool."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if "inotify" in os.readlink(f"/proc/{pid}/fd/{name}"):
                return True
        except OSError:
            pass
    return False


def refusals(suite, week, folder):
    with suite.check("refusals") as check:
        spool, store = lay_day(week, folder, 5)
        followed(spool, store)
        current = os.path.join(store, "current")
        with open(current, "rb") as file:
            good = file.read()
        cases = [("a text", b"hello\n"), ("nothing", b""), ("half of it", good[:len(good) // 2]), ("JSON", b"{}\n")]
        cases += [(f"byte {at} changed", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]) for at in (0, 9, len(good) // 2, len(good) - 1)]
        for what, data in cases:
            with open(current, "wb") as file:
                file.write(data)
            code, _, err = audit(*follow(spool, store, "--once"))
            check.true(f"{what}: {code} {err.strip()}", code == 65 and "the store is left as it is" in err)
            with open(current, "rb") as file:
                check.true("... and it is", file.read() == data)
            code, _, err = audit("report", store)
            check.true(f"report of {what}: {code} {err.strip()}", code == 65 and "damaged" in err and "copy" in err)
        with open(current, "wb") as file:
            file.write(good)
        hour = next(os.path.join(store, name) for name in sorted(os.listdir(store)) if name.startswith("hour"))
        with open(hour, "rb") as file:
            whole = file.read()
        with open(hour, "wb") as file:
            file.write(whole[:-9])
        code, _, err = audit("report", store)
        check.true(f"a damaged ledger is named, and what to do: {code} {err.strip()}", code == 65 and
                   re.search(re.escape(hour) + ": is damaged; .* move it out of the store: what passed from 20.* to 20.*", err))
        with open(hour, "wb") as file:
            file.write(whole)
        code, _, err = audit(*follow(spool, store, "--once", "-f", "tcp"))
        check.true(f"another filter: {err.strip()}", code == 64 and "another filter" in err)
        code, _, err = audit(*follow(spool, spool, "--once"))
        check.true(f"a directory of other things: {err.strip()}", code == 73 and "no store" in err)
        code, _, err = audit(*follow(os.path.join(folder, "none"), store, "--once"))
        check.true(f"no spool: {err.strip()}", code == 66)
        code, _, err = audit(*follow(spool, store, "--once", "--wan", "a=192.0.2.1"))
        check.true(f"a server's capture: {err.strip()}", code == 64 and "server" in err)
        code, _, err = audit("follow", spool)
        check.true(f"no store: {err.strip()}", code == 64 and "--store" in err)
        first = subprocess.Popen([oracle.PROGRAM, *follow(spool, store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            lab.wait_until("the first follower to watch its spool", lambda: watches(first.pid))
            code, _, err = audit(*follow(spool, store, "--once"))
            check.true(f"two followers: {err.strip()}", code == 73 and "another" in err)
        finally:
            first.terminate()
            check.same("asked to end, it does", first.wait(20), 0)


def taken_away(suite, week, folder):
    """The ring was faster; and --remove."""
    with suite.check("files that are gone") as check:
        spool, store, whole = (os.path.join(folder, name) for name in ("spool", "store", "whole"))
        os.mkdir(spool)
        os.mkdir(whole)
        week.lay(spool, 3 * HOUR)
        followed(spool, store)
        gone = sorted(n for n in os.listdir(week.path("all")) if n.startswith("wan2-"))[5]
        week.lay(spool, 12 * HOUR)
        os.remove(os.path.join(spool, gone))
        _, err = followed(spool, store, "--remove")
        check.same("said", err, "")
        count = len(os.listdir(spool))
        check.true(f"what is counted is gone: {count} are left", 6 <= count <= 9)
        lay_closed(week, spool, 13)     # files that were counted come back, and go again
        lay_closed(week, whole, 13)
        for folder in (spool, whole):
            os.remove(os.path.join(folder, gone))
        followed(spool, store, "--remove")
        left = sorted(n.split("-")[0] for n in os.listdir(spool) if n.endswith(".pcapng"))
        check.same("the newest of each WAN is left", left, ["wan1", "wan2", "wan3"])
        pair = [report(whole), report(store)]
        for told in pair:
            told["coverage"].pop("files")
            strip_files(told)
        found = differ(*pair)
        check.true(f"a file that was never read is the same hole as for an audit ({found})", not found)
        recording = next(w for w in pair[1]["coverage"]["wans"] if w["wan"] == "wan2")["recording"]
        check.same("missing files", recording["missing_files"], 1)
        check.true("not recorded", any(gap["state"] == "stopped" for gap in recording["gaps"]))


def clock_set_back(suite, week, folder):
    """A clock that ran ahead is put right: the same hours come once more, beside those that are counted."""
    with suite.check("a clock set back") as check:
        spool, store = lay_day(week, folder, 6)
        followed(spool, store)
        once = frames_of(store)
        for name in os.listdir(spool):
            wan, boot, number, rest = name.split("-")
            shutil.copy(os.path.join(spool, name), os.path.join(spool, f"{wan}-{boot}-{int(number) + 1000:08}-{rest}"))
        _, err = followed(spool, store)
        check.true(f"told: {err.strip()}", "set back" in err and "turned up" not in err)
        check.same("all are counted", frames_of(store), {wan: 2 * count for wan, count in once.items()})
        check.true("hours beside hours", any(name.endswith("-1.ledger") for name in os.listdir(store)))
        followed(spool, store)
        check.same("nothing twice", frames_of(store), {wan: 2 * count for wan, count in once.items()})


def keeps_packets(suite, week, folder):
    """With and without --keep-packets the store is the same; what is kept stays within its budget, and names its files."""
    with suite.check("packets that are kept") as check:
        spool, store = lay_day(week, folder, 8)
        followed(spool, store)
        before, budget = report(store), 60_000
        shutil.rmtree(store)
        followed(spool, store, "--keep-packets", "60kB", "--remove")
        found = differ(before, report(store))
        check.true(f"it changes no sum ({found})", not found)
        packets = os.path.join(store, "packets")
        sizes = {name: os.path.getsize(os.path.join(packets, name)) for name in os.listdir(packets)}
        check.true(f"{len(sizes)} files, {sum(sizes.values())} bytes", sizes and sum(sizes.values()) <= budget)
        check.true("of the spool", all(os.path.exists(week.path(os.path.join("all", name.removesuffix(".zst")))) for name in sizes))
        check.true("the spool is emptied", len(os.listdir(spool)) == 3)
        named = {place["file"] for row in before["findings"] for place in row["evidence"]}
        kept = set(sizes)
        check.true(f"files behind findings: {len(named)}", all(os.path.basename(name) in kept for name in named))


def strip_files(told):
    """Reports of two directories name their files by two names."""
    if isinstance(told, dict):
        told.pop("file", None)
        told.pop("wireshark", None)
    for value in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        strip_files(value)


def turns_up_late(suite, week, folder):
    """A WAN without an open file holds nothing back; when it comes after all, it is told and counted."""
    with suite.check("late files") as check:
        spool, store = lay_day(week, folder, 6)
        late = {n: os.path.join(folder, n) for n in os.listdir(spool) if n.startswith("wan3-")}
        for name, path in late.items():
            os.rename(os.path.join(spool, name), path)
        followed(spool, store)
        for name, path in late.items():
            os.rename(path, os.path.join(spool, name))
        _, err = followed(spool, store)
        check.true(f"told: {err.strip()}", "turned up" in err)
        check.same("counted", frames_of(store), frames_of(spool))
        check.true("more than nothing", frames_of(store)["wan3"] > 100)


def not_the_recorder_s(suite, week, folder):
    """What another program put there has no name that tells its WAN: it is not followed, and that is said, once."""
    with suite.check("files of another program") as check:
        spool, store = lay_day(week, folder, 3)
        before = frames_of(spool)
        for name in ("eth1_2026.pcap", "eth2_2026.pcapng"):
            shutil.copy(sorted(os.path.join(spool, n) for n in os.listdir(spool))[-1], os.path.join(spool, name))
        with open(os.path.join(spool, "notes.txt"), "wb") as file:
            file.write(b"mine\n")
        _, err = followed(spool, store)
        check.true(f"said once: {err.strip()}", err.count("not followed") == 1 and "_2026.pcap" in err)
        check.same("the recorder's are counted", frames_of(store), before)


# ---- with the recorder itself ----

def with_the_recorder(suite, folder):
    """Both run at once; what the far end sent is in the store, or in a count."""
    with suite.check("recorder and follower together, by the kernel's counters") as check:
        spool, store = os.path.join(folder, "live"), os.path.join(folder, "live-store")
        os.chmod(folder, 0o755)
        with recorder.Router(2) as router:
            daemon = recorder.Daemon(router, "-i", "wan1=master", "-i", "wan2=backup", "--rotate-size", "64K", "--rotate-time", "1s",
                                     spool=spool).ready()
            before = {wan: router.counted(wan) for wan in router.wans}
            follower = subprocess.Popen([oracle.PROGRAM, *follow(spool, store)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            with router.traffic("wan1", 3000) as one, router.traffic("wan2", 50) as other:
                lab.wait_until("frames and files of both", lambda: one.sent > 6000 and other.sent > 100 and all(
                    len(recorder.files(spool, wan)) > 1 for wan in router.wans))
                lab.wait_until("a first commit with frames", lambda: os.path.exists(os.path.join(store, "current")) and
                               sum(frames_of(store).values()) > 0)
            offered = {wan: router.counted(wan) - before[wan] for wan in router.wans}
            check.true("the recorder ended well", daemon.stop() in (0, 3))
            rows = {wan: recorder.read(spool, wan) for wan in router.wans}
            kept = {wan: sum(len(file.frames) for file in rows[wan]) for wan in rows}
            lab.wait_until("all to be counted", lambda: frames_of(store) == kept, 30)
            follower.terminate()
            _, err = follower.communicate(timeout=30)
            check.same(f"the follower ended well: {err.decode()}", follower.returncode, 0)
            check.true(f"said nothing: {err.decode()}", not err)
        told = report(store)
        for wan in told["coverage"]["wans"]:
            name = wan["wan"]
            check.same(f"{name}: stored and dropped", recorder.stored(rows[name]) + wan["dropped_frames"], offered[name])
            check.same(f"{name}: frames", frames_of(store)[name], kept[name])
        pair = [report(spool), told]
        found = differ(*pair)
        check.true(f"the report is that of the spool ({found})", not found)


def main():
    suite = oracle.Suite("follow")
    oracle.need_program(suite)
    # the store waits for its disk at each commit: in memory that takes no time
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        week = Week(folder, WEEK)
        spool, store = followed_and_killed(suite, week, folder)
        sums_of_hours(suite, week, store)
        windows(suite, store)
        for check in (told_again, disk_full, refusals, taken_away, clock_set_back, keeps_packets, turns_up_late, not_the_recorder_s):
            own = os.path.join(folder, check.__name__)
            os.mkdir(own)
            check(suite, week, own)
        if os.geteuid() == 0:
            with_the_recorder(suite, folder)
        else:
            suite.skip("with the recorder", "needs root")
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
