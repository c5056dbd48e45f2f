# SPDX-License-Identifier: MIT
"""lab_outages.py - the lab's stories of WANs that go out, of new connections meanwhile, and of backups that are not ready.

Cases of lab.py ("lab.py list" shows them). Here outages last as long as the kernel's timers need, so a recording takes up to six
minutes; rates are low, so that a fixture stays small.
"""
import json
import time

from lab import HANG_LIMIT, PORT, register_into, wait_until

CASES = {}
case = register_into(CASES)
API_PORT = 65500


class Pings:
    """A tracker on a WAN, without an end of its own. A host that does not exist never answers."""

    def __init__(self, lab, wan, target=None, interval=1.0):
        self.lab, self.wan = lab, wan
        self.process = lab.start("client", "_ping", lab.addresses[wan], target or lab.server, "100000", str(interval), "0xb8", "1")

    def stop(self):
        out = self.process.communicate(b"stop\n", timeout=HANG_LIMIT)[0]
        rows = self.lab.background.setdefault("trackers", [])
        rows.append({"wan": self.wan, **json.loads(out)})


def lose(lab, number):
    """All packets of wanN vanish on their way, both ways: a blackhole that no device sees."""
    device = f"m{number}"
    lab.event(f"wan{number} blackhole on")
    lab.told("middle", "nft", f"add table inet hole{number}; add chain inet hole{number} way {{ type filter hook forward priority 0; }}; "
             f"add rule inet hole{number} way iifname {device} drop; add rule inet hole{number} way oifname {device} drop")


def find(lab, number):
    lab.told("middle", "nft", f"delete table inet hole{number}")
    lab.event(f"wan{number} blackhole off")


def stay(lab, seconds, since):
    """Part of the story: this much time passes after a moment."""
    time.sleep(max(0, since + seconds - time.monotonic()))


def knock(lab):
    """New connections one after the other until one is answered: see program_knock()."""
    return lab.start("client", "_knock", lab.server, str(PORT))


def let_in(lab, knocking):
    row = json.loads(knocking.communicate(timeout=HANG_LIMIT)[0])
    lab.event(f"a new connection was answered, the {row['tried']}th")
    lab.note_connection(row, row["source"])


def move_route(lab):
    """What a tracker does when it has given wan1 up: the default route moves."""
    lab.told("client", "ip", "route", "del", "default", "dev", "wan1", "metric", "10")
    lab.event("default route moved to wan2")


@case({"wan1": "master", "wan2": "backup"})
def failback_late(lab):
    """a minute of outage: new connections find wan2 after 5 s, the running one returns to wan1 long after it came back"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    trackers = [Pings(lab, "wan1", interval=2.0), Pings(lab, "wan2", interval=2.0)]
    fetch = lab.fetch(900_000, rate=7_000, up=190_000, duplex=1_500, joined=1)
    wait_until("40 kB on wan1", lambda: lab.wan_bytes("wan1") > 40_000)
    start = time.monotonic()
    lose(lab, 1)
    knocking = knock(lab)
    stay(lab, 5, start)
    move_route(lab)
    let_in(lab, knocking)
    stay(lab, 60, start)
    find(lab, 1)
    lab.finish(fetch)
    for tracker in trackers:
        tracker.stop()


@case({"wan1": "master", "wan2": "backup"})
def stall(lab):
    """after 12 s of outage the connection goes back to wan1, and is silent on both for a while"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    trackers = [Pings(lab, "wan1"), Pings(lab, "wan2")]
    fetch = lab.fetch(2_000_000, rate=60_000, up=120_000, duplex=4_000, joined=1)
    wait_until("300 kB on wan1", lambda: lab.wan_bytes("wan1") > 300_000)
    start = time.monotonic()
    lose(lab, 1)
    stay(lab, 12, start)
    find(lab, 1)
    lab.finish(fetch)
    for tracker in trackers:
        tracker.stop()


@case({"wan1": "master", "wan2": "backup"})
def failback_never(lab):
    """wan1 comes back after 6 s, but nothing gives the connection a subflow on it again"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    trackers = [Pings(lab, "wan1"), Pings(lab, "wan2")]
    fetch = lab.fetch(1_000_000, rate=30_000, joined=1)
    wait_until("150 kB on wan1", lambda: lab.wan_bytes("wan1") > 150_000)
    start = time.monotonic()
    lose(lab, 1)
    stay(lab, 2, start)
    lab.event("the subflow on wan1 is removed")
    lab.told("client", "ip", "mptcp", "endpoint", "delete", "id", "0", lab.addresses["wan1"])
    stay(lab, 6, start)
    find(lab, 1)
    lab.finish(fetch)
    for tracker in trackers:
        tracker.stop()


@case({"wan1": "master", "wan2": "backup"})
def failover_slow(lab):
    """the backup joins 22 s into the outage of wan1, and the route for new connections moves after 33 s"""
    lab.serve()
    trackers = [Pings(lab, "wan1"), Pings(lab, "wan2")]
    fetch = lab.fetch(500_000, rate=20_000)
    wait_until("100 kB on wan1", lambda: lab.wan_bytes("wan1") > 100_000)
    start = time.monotonic()
    lose(lab, 1)
    knocking = knock(lab)
    stay(lab, 22, start)
    lab.event("wan2 becomes a backup")
    lab.endpoint(2, "subflow", "backup")
    stay(lab, 33, start)
    move_route(lab)
    let_in(lab, knocking)
    stay(lab, 38, start)
    find(lab, 1)
    lab.finish(fetch)
    for tracker in trackers:
        tracker.stop()


@case({"wan1": "master", "wan2": "backup"})
def pings_lost(lab):
    """wan1 is out for 12 s while nothing but the tracker's pings would pass; beside them a host is pinged that never answers"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(20_000, joined=1)
    fetch.transferred()
    trackers = [Pings(lab, "wan1"), Pings(lab, "wan1", "203.0.113.99"), Pings(lab, "wan2")]
    start = time.monotonic()
    stay(lab, 8, start)
    lose(lab, 1)
    stay(lab, 20, start)
    find(lab, 1)
    stay(lab, 26, start)
    for tracker in trackers[::2]:
        tracker.stop()
    lab.event("the trackers' pings end, those to nobody go on")
    stay(lab, 40, start)
    trackers[1].stop()
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup"})
def flapping(lab):
    """wan1 goes out five times for 8 s; only the tracker's pings show it"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(20_000, joined=1)
    fetch.transferred()
    trackers = [Pings(lab, "wan1"), Pings(lab, "wan2")]
    start = time.monotonic()
    for number in range(5):
        stay(lab, 4 + 13 * number, start)
        lose(lab, 1)
        stay(lab, 12 + 13 * number, start)
        find(lab, 1)
    stay(lab, 70, start)
    for tracker in trackers:
        tracker.stop()
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup", "wan3": "backup"})
def dead_standby(lab):
    """after five minutes without a frame a NAT has forgotten the subflow on wan2, not that on wan3, when wan1 goes out"""
    lab.endpoint(2, "subflow", "backup")
    lab.endpoint(3, "subflow", "backup")
    lab.serve()
    trackers = [Pings(lab, wan, interval=20.0) for wan in lab.wans]
    fetch = lab.fetch(40_000, up=300_000, rate=20_000, joined=2, pause=306)
    wait_until("the pause", lambda: lab.wan_bytes("wan1") > 40_000)
    start = time.monotonic()
    stay(lab, 300, start)
    lab.event("the NAT of wan2 has forgotten its connections")
    lab.told("middle", "nft", "add table inet nat2; add chain inet nat2 way { type filter hook forward priority 0; }; "
             "add rule inet nat2 way iifname m2 meta l4proto tcp reject with tcp reset; "
             "add rule inet nat2 way oifname m2 meta l4proto tcp reject with tcp reset")
    before = lab.wan_bytes("wan1")
    wait_until("data after the pause", lambda: lab.wan_bytes("wan1") > before + 20_000)
    lose(lab, 1)
    before = lab.wan_bytes("wan3")
    wait_until("100 kB on wan3", lambda: lab.wan_bytes("wan3") > before + 100_000)
    find(lab, 1)
    lab.finish(fetch)
    for tracker in trackers:
        tracker.stop()


@case({"wan1": "master", "wan2": "backup"})
def never_joined(lab):
    """an endpoint of wan2 without the word subflow, as OpenMPTCProuter up to 0.61 made it: no connection ever joins there"""
    lab.endpoint(2, "backup", "fullmesh")
    lab.serve()
    with lab.tracker("wan2", 15):
        lab.finish(lab.fetch(1_200_000, rate=400_000))


@case({"wan1": "master", "wan2": "backup"})
def opened_on_backup(lab):
    """two connections are opened over the backup beside one on the master: one becomes a backup by MP_PRIO, one never does"""
    lab.endpoint(2, "subflow", "backup")
    lab.endpoint(1, "subflow")
    lab.serve()
    running = lab.fetch(1_200_000, rate=200_000, joined=1)
    wait_until("100 kB on wan1", lambda: lab.wan_bytes("wan1") > 100_000)
    lab.finish(lab.fetch(60_000, rate=60_000, joined=1, source=lab.addresses["wan2"]))
    lab.event("wan2 is no backup any more")
    lab.told("client", "ip", "mptcp", "endpoint", "change", "id", "2", "nobackup")
    lab.finish(lab.fetch(60_000, rate=60_000, source=lab.addresses["wan2"]))
    lab.finish(running)


@case({"wan1": "master", "wan2": "backup"})
def reconnects(lab):
    """forty connections to the server's API over the backup within some seconds, each sent away"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    lab.serve("tcp", API_PORT)
    fetch = lab.fetch(600_000, rate=200_000, joined=1)
    lab.finish(lab.fetch(400, count=40, together=False, source=lab.addresses["wan2"], proto="tcp", port=API_PORT))
    lab.finish(fetch)
