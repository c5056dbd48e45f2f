# SPDX-License-Identifier: MIT
"""fixture_day.py - the day that `mptcp-audit demo` audits, and its twin: a household with fibre and a 20 GB LTE plan.

Cases of fixture_bytes.py ("fixture_bytes.py list" shows them). Payload travels in super-frames of 64 kB, as a router's
offloads hand them up, so that a day with 400 MB fits in 200 kB.
"""
import gzip
import os

from fixture_bytes import SERVER, START_NS, Connection, Story, Subflow, ping, save_text, write_pcap

CASES = {}
ROLES = {"fibre": "master", "lte": "backup"}
HOUR, MINUTE = 3600, 60
# The day of the site's clocks: Central European, an hour ahead of UTC.
MIDNIGHT_NS = START_NS - HOUR * 1_000_000_000
# MB that one connection brings from its first minute on; evenings are busy, nights are not.
LOAD = (1, 1, 0, 0, 0, 1, 2, 4, 3, 3, 3, 4, 5, 4, 0, 4, 5, 7, 10, 14, 16, 15, 9, 4)
OUT, HEARD, BACK = 14 * HOUR + 2 * MINUTE, 14 * HOUR + 41 * MINUTE, 15 * HOUR + 9 * MINUTE
CHUNK = 64000

SITE = """[site]
name = home
zone = CET-1CEST,M3.5.0,M10.5.0/3

[limits]
# 20 GB a month are 660 MB a day
budget_bytes_per_day = 200MB
budget_high_bytes_per_day = 660MB

[wan fibre]
role = master

[wan lte]
role = backup
quota = 20GB
billing_day = 1
"""


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


class Quiet(Story):
    """No IP identification (RFC 6864 allows it of datagrams that are not cut): the files compress better."""

    def ident(self, source):
        return 0


class Day:
    """Steps, each at its second of the day; run in that order whatever order they were planned in."""

    def __init__(self):
        self.story, self.steps, self.number = Quiet(), [], 0
        self.story.now_ns = MIDNIGHT_NS

    def at(self, second, step):
        self.steps.append((second, len(self.steps), step))

    def play(self):
        for second, _, step in sorted(self.steps, key=lambda s: s[:2]):
            self.story.now_ns = max(self.story.now_ns, MIDNIGHT_NS + int(second * 1e9))
            step()

    def connection(self):
        """A connection and its subflows, not opened yet."""
        self.number += 1
        seed = bytes([self.number >> 8, self.number & 255]) * 4
        connection = Connection(self.story, 1, keys=(b"up" + seed[2:], b"down" + seed[4:]))
        flows = [Subflow(self.story, wan, port + self.number, isn, isn + 0x10000000)
                 for wan, port, isn in (("fibre", 40000, 0x10000000), ("lte", 50000, 0x30000000))]
        return connection, flows

    def open(self, connection, flows):
        connection.open(flows[0])
        connection.data(flows[0], "up", 200)
        connection.ack(flows[0], "down")
        connection.join(flows[1], backup=True)

    def chunk(self, connection, flow, count=1):
        for _ in range(count):
            connection.data(flow, "down", CHUNK)
        connection.ack(flow, "up")


def visit(day, start, megabytes):
    """Something is loaded: a connection of two minutes over fibre; its subflow on the backup carries nothing."""
    connection, flows = day.connection()
    bursts = max(1, round(megabytes * 1e6 / CHUNK / 8))
    day.at(start, lambda: day.open(connection, flows))
    for burst in range(bursts):
        day.at(start + 1 + burst * 110 / bursts, lambda: day.chunk(connection, flows[0], 8))
    day.at(start + 115, lambda: connection.finish(flows))


def stream(day, start, end, back):
    """One connection that lasts: over fibre, from OUT on over the backup, over fibre again from `back` on."""
    connection, (fibre, lte) = day.connection()
    day.at(start, lambda: day.open(connection, (fibre, lte)))

    def carry(begin, finish, flow, pace):
        for step in range(int((finish - begin) / pace)):
            day.at(begin + step * pace, lambda: day.chunk(connection, flow, 3))

    def lost():
        """What fibre took with it: a request, and its copy over the backup."""
        connection.data(fibre, "up", 200)
        day.story.wait(0.4)
        connection.data(lte, "up", 200, connection.sent["up"] - 200, kind="reinjection")
        connection.ack(lte, "down")

    carry(start + 1, OUT, fibre, 9.0)
    day.at(OUT + 0.2, lost)
    carry(OUT + 1, back, lte, 9.0)
    carry(back, end - 5, fibre, 9.0)
    day.at(end, lambda: connection.finish((fibre, lte)))


def household(back):
    day = Day()
    for second in range(0, 24 * HOUR, 240):
        for wan in ROLES:
            day.at(second, lambda wan=wan, ok=wan == "lte" or not OUT <= second < HEARD: ping(day.story, wan, SERVER, ok))
    day.at(HEARD, lambda: ping(day.story, "fibre", SERVER, True))
    for hour, megabytes in enumerate(LOAD):
        for part in (5, 25, 48):
            start = hour * HOUR + part * MINUTE
            if megabytes and not OUT - 5 * MINUTE < start < HEARD:
                visit(day, start, megabytes / 3)
    idle, flows = day.connection()
    day.at(1, lambda: day.open(idle, flows))
    for second in range(240, 24 * HOUR - 60, 240):
        day.at(second, lambda: idle.keepalive(flows[1], "up"))
    day.at(24 * HOUR - 20, lambda: idle.finish(flows))
    stream(day, 13 * HOUR + 50 * MINUTE, 15 * HOUR + 20 * MINUTE, back)
    day.play()
    return day.story


def save_day(fixture, story, **more):
    files = {}
    for wan in ROLES:
        files[wan] = wan + ".pcap.gz"
        plain = fixture.path(wan + ".pcap")
        data = write_pcap(plain, [p for p in story.packets if p["wan"] == wan], snaplen=128)
        os.unlink(plain)
        with open(fixture.path(files[wan]), "wb") as file:
            file.write(gzip.compress(data, 9, mtime=0))
    save_text(fixture, "site.ini", SITE)
    fixture.add(story.packets, files, frames=False, arguments=["--config", "site.ini"], **more)


def told(*rows):
    return {"rules": [[rule, "lte", status] for rule, status in rows]}


@case
def day_late(fixture):
    """a day: fibre is out from 14:02 to 14:41, and a stream stays on the backup until 15:09"""
    save_day(fixture, household(BACK), **told(("A12", "warn"), ("A3", "pass"), ("A10", "pass"), ("A26", "pass")))


@case
def day_fine(fixture):
    """the same day, and the stream is back on fibre 5 s after it answered"""
    save_day(fixture, household(HEARD + 5), **told(("A12", "pass"), ("A3", "pass"), ("A10", "pass"), ("A26", "pass")))
