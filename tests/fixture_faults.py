# SPDX-License-Identifier: MIT
"""fixture_faults.py - byte-built stories of what a rule must blame, and no kernel at hand does on demand.

Cases of fixture_bytes.py ("fixture_bytes.py list" shows them). Each keeps to one fault, so that the others stay calm.
"""
from fixture_bytes import (ACK, CLIENT, PSH, RST, SERVER, START_NS, SYN, SYN_OPTIONS, Connection, Recording, Story, Subflow, capable,
                           filler, hour_story, kernel_counters, ping, recorded_story, usual_story, write_pcap)

CASES = {}
ROLES = {"wan1": "master", "wan2": "backup"}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def rules(*rows):
    """For a fixture's run: statuses of findings about wan2."""
    return {"rules": [[rule, "wan2", status] for rule, status in rows]}


def two_wans(version=1, backup=True):
    """A connection opened over wan1, with a subflow on wan2."""
    story = Story()
    connection = Connection(story, version)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup)
    return story, connection, first, second


@case
def repairs(fixture):
    """a seventh of a download is repeated over the backup some frames later, beside a primary that answers: repairs, not copies"""
    story, connection, first, second = two_wans()
    for index in range(140):
        at = connection.sent["down"]
        connection.data(first, "down", 60000)
        connection.ack(first, "up")
        if index % 7 == 6:
            connection.data(second, "down", 60000, at, kind="reinjection")
            connection.ack(second, "up")
        story.wait(0.1)
    connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160, more=rules(("A4", "warn"), ("A5", "pass"), ("A3", "pass")))


@case
def uplink_leak(fixture):
    """joins ask for backup and are answered without the flag; a third of an upload goes over the backup, and nothing comes back on it"""
    story, connection, first, second = two_wans()
    for index in range(60):
        subflow = second if index % 3 == 2 else first
        connection.data(subflow, "up", 1400)
        connection.ack(subflow, "down")
        story.wait(0.05)
    for _ in range(20):
        connection.data(first, "down", 1400)
        connection.ack(first, "up")
        story.wait(0.05)
    connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160, more=rules(("A7", "fail"), ("A3", "fail"), ("A6", "pass")))


@case
def copies(fixture):
    """a redundant scheduler that ignores the backup flag: for 15 s every byte of a download goes over both WANs, wan1 first"""
    story, connection, first, second = two_wans()
    for index in range(170):
        # the limit of 64 KB is met far from its border, as in v0-redundant
        burst = 2 if index == 45 else 1
        if index == 46:
            continue
        at = connection.sent["down"]
        for part in range(burst):
            connection.data(first, "down", 1400, at + part * 1400)
        for part in range(burst):
            connection.data(second, "down", 1400, at + part * 1400, kind="redundant" if index >= 45 else "reinjection")
        connection.ack(first, "up")
        connection.ack(second, "up")
        story.wait(0.12)
    connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160, more=rules(("A5", "fail"), ("A3", "pass"), ("A6", "pass")))


@case
def stalled(fixture):
    """wan1 is silent for 8 s; after it has answered a ping, the download stops on both WANs for 12 s, then goes on over wan1"""
    story, connection, first, second = two_wans()

    def download(subflow, count, pace):
        for _ in range(count):
            connection.data(subflow, "down", 1400)
            connection.ack(subflow, "up")
            story.wait(pace)

    download(first, 80, 0.05)
    connection.data(first, "up", 200)       # a request that nobody answers there
    story.wait(0.3)
    connection.data(second, "up", 200, connection.sent["up"] - 200, kind="reinjection")
    download(second, 150, 0.05)
    ping(story, "wan1", SERVER, True)
    download(second, 20, 0.05)
    story.wait(12)
    download(first, 60, 0.05)
    connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160,
                    more=rules(("A10", "pass"), ("A12", "pass"), ("A13", "fail"), ("A3", "pass")))


@case
def idle_pile(fixture):
    """each ten minutes another connection is opened and never closed: six subflows idle on the backup after an hour"""
    story, idle = Story(), []
    for minute in range(62):
        if minute % 10 == 0 and minute < 60:
            number = minute // 10
            connection = Connection(story, 1, keys=(bytes([1 + number] * 8), bytes([0x81 + number] * 8)))
            first = Subflow(story, "wan1", 41000 + number)
            second = Subflow(story, "wan2", 42000 + number, 0x30000000, 0x40000000)
            connection.open(first)
            connection.data(first, "up", 90)
            connection.ack(first, "down")
            connection.join(second, backup=True)
            idle.append((connection, first, second))
        for connection, _, second in idle:
            connection.keepalive(second, "up")
        story.wait(START_NS / 1e9 + 60 * (minute + 1) - story.now_ns / 1e9)
    for connection, first, second in idle:
        connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160, more=rules(("A15", "warn"), ("A21", "pass")))


@case
def dear_tracker(fixture):
    """the quiet hour with a tracker that asks the server's API over TLS each minute, 120 kB a time"""
    def extra(story, causes, minute):
        for part in range(2 if minute % 4 else 1):
            flow = Subflow(story, "wan2", 43000 + 2 * minute + part, 0x70000000, 0x78000000, server_port=65500)
            flow.plain_open()
            flow.send("down", PSH | ACK, "payload", payload=filler(60000))
            flow.send("up", RST | ACK, "reset")
    story, _ = hour_story(extra)
    fixture.per_wan(story, ROLES, frames=False, snaplen=160,
                    more={**rules(("A17", "fail"), ("A20", "fail"), ("A15", "pass")), "says": ["TLS connections to port 65500"]})


@case
def silent_minutes(fixture):
    """pings each minute on both WANs; from the 20th to the 30th minute nothing is heard on the backup, not even a question"""
    story, connection, first, second = two_wans()
    for minute in range(40):
        ping(story, "wan1", SERVER, True)
        connection.data(first, "down", 1000)
        connection.ack(first, "up")
        if not 20 <= minute < 30:
            ping(story, "wan2", SERVER, True)
        story.wait(START_NS / 1e9 + 60 * (minute + 1) - story.now_ns / 1e9)
    connection.finish([first, second])
    fixture.per_wan(story, ROLES, frames=False, snaplen=160, more=rules(("A29", "fail"), ("A3", "pass"), ("A9", "pass")))


def lan_story(mptcp):
    """usual_story, and a host behind the router that speaks with somebody."""
    story = usual_story(1)
    flow = Subflow(story, "wan1", 50123, 0x50000000, 0x60000000, server_port=443)
    flow.wan, flow.address = "br-lan", {"up": "192.168.100.20", "down": "198.51.100.77"}
    story.now_ns = START_NS + 500_000_000
    if mptcp:
        flow.send("up", SYN, "handshake", SYN_OPTIONS + capable(1, 1))
        flow.send("down", SYN | ACK, "handshake", SYN_OPTIONS)
        flow.send("up", ACK, "ack")
    else:
        flow.plain_open()
    flow.send("up", PSH | ACK, "payload", payload=filler(200))
    flow.send("down", ACK, "ack")
    flow.close()
    return story


@case
def behind_the_router(fixture):
    """a capture of the LAN beside those of both WANs: its hosts speak plain TCP; in a second one, one of them asks for MPTCP"""
    for mptcp, name in ((False, "br-lan.pcap"), (True, "br-lan-mptcp.pcap")):
        story = lan_story(mptcp)
        files = {"wan1": "wan1.pcap", "wan2": "wan2.pcap", "br-lan": name}
        for wan, path in files.items():
            write_pcap(fixture.path(path), [p for p in story.packets if p["wan"] == wan])
        fixture.add(story.packets, files, ROLES, frames=False, rules=[["A28", "br-lan", "warn" if mptcp else "pass"]])


@case
def recorded_stacked(fixture):
    """a recording whose recorder warns that the backup's device lies under another one that is captured, too"""
    story = recorded_story(4, range(50, 280, 45))
    recording = Recording(fixture)
    for wan, role, index in (("wan1", "master", 4), ("wan2", "backup", 5)):
        kernel = kernel_counters()
        file = recording.file(wan, 1, 0, 300, role)
        notes = [file.note("warning", code="stacked", about="eth5")] if wan == "wan2" else []
        file.describe(f"eth{index}", index, *notes, address=CLIENT[wan])
        file.statistics(file.start, file.counters(file.start, kernel))
        file.minutes(story, 0, 300, kernel)
        file.statistics(file.end, file.counters(file.end, kernel), file.note("end", reason="stop"))
        file.save()
    counted = {wan: sum(p["wan"] == wan for p in story.packets) for wan in ("wan1", "wan2")}
    fixture.add(story.packets, {"": "spool"}, frames=False, verdict="warn", window=[0, 300], role_source="capture",
                rules=[["A27", "wan1", "pass"], ["A27", "wan2", "warn"], ["A29", "wan2", "pass"]], says=[r"stacked \(eth5\)"],
                coverage={wan: {"gaps": [], "clock_set": [], "kernel": [counted[wan], counted[wan], 0], "files": 1}
                          for wan in counted})
