#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fixture_bytes.py - builds fixtures byte by byte, for what a kernel will not do on demand.

    fixture_bytes.py [--into DIR] [CASE...]   captures and truth.json (default: all, into fixtures)
    fixture_bytes.py list

Each story says, frame by frame, what it writes and of which kind that is by the accounting rules; so the story, not the
program, is the oracle. Headers follow RFC 791, 8200, 9293; options RFC 6824 (v0) and RFC 8684 (v1); tokens, IDSNs and
HMACs come from Python's hashlib. The output is the same on every run.

truth.json: runs[]: files {WAN: file}, roles, exit (allowed exit codes; absent: any verdict), says (patterns that must
stand on stderr or in the report), wans {WAN: {frames, l2_bytes, ip_bytes, up|down {KIND: {frames, l2_bytes, ip_bytes,
payload_bytes}}}}, frames {WAN: [[dir, kind, ip_len, payload_len], ...]}, connections, apps, version. Of recordings also
verdict, rules [[rule, WAN, status]], role_source, window [from, to] and coverage {WAN: {files, gaps [[state, from, to]],
clock_set [[at, by]], kernel [counted by it, captured, dropped]}}, in seconds since START_NS.
"""
import functools
import hashlib
import hmac
import ipaddress
import json
import os
import re
import struct
import sys
import time

START_NS = 1_767_225_600_000_000_000   # 2026-01-01 00:00:00 UTC
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CARRYING = ("payload", "retransmission", "reinjection", "redundant")
CLIENT = {"wan1": "192.0.2.2", "wan2": "198.51.100.2", "fibre": "192.0.2.2", "lte": "198.51.100.2"}
CLIENT6 = {"wan1": "2001:db8:1::2", "wan2": "2001:db8:2::2"}
SERVER, SERVER6 = "203.0.113.10", "2001:db8:cafe::10"
KEY_A, KEY_B = bytes.fromhex("0102030405060708"), bytes.fromhex("a1a2a3a4a5a6a7a8")


# ---- addresses, checksums ----

def pack_address(text):
    return ipaddress.ip_address(text).packed


def ones_sum(data):
    """RFC 1071, as a remainder: 2**16 is 1 modulo 0xffff; only a sum of nothing but zeros is 0."""
    total = int.from_bytes(data + b"\0" * (len(data) % 2), "big")
    return total and (total % 0xffff or 0xffff)


def checksum(data):
    return ~ones_sum(data) & 0xffff


@functools.lru_cache
def filler(count):
    """Payload bytes: their values never matter, but a checksum over them does."""
    return bytes((i * 7 + 3) & 0xff for i in range(count))


# ---- IP ----

def ipv4(source, target, proto, body, ident=0, ttl=64, tos=0, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(body), ident, fragment, ttl, proto, 0,
                       pack_address(source), pack_address(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ipv6(source, target, proto, body, ttl=64, extensions=b""):
    return struct.pack("!IHBB16s16s", 0x60000000, len(extensions) + len(body), proto, ttl, pack_address(source),
                       pack_address(target)) + extensions + body


def transport_checksum(source, target, proto, body):
    pseudo = pack_address(source) + pack_address(target) + struct.pack("!II", len(body), proto)
    return checksum(pseudo + body)


def tcp(source, target, sport, dport, seq, ack, flags, window, options, payload):
    options += b"\1" * (-len(options) % 4)
    assert len(options) <= 40, f"{len(options)} bytes of options"
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (20 + len(options)) // 4 << 4,
                       flags, window, 0, 0) + options
    total = transport_checksum(source, target, 6, head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def udp(source, target, sport, dport, payload):
    body = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return body[:6] + struct.pack("!H", transport_checksum(source, target, 17, body) or 0xffff) + body[8:]


# ---- MPTCP options ----

def mptcp(subtype, low, body):
    return struct.pack("!BBB", 30, 3 + len(body), subtype << 4 | low) + body


def capable(version, flags, *keys, data_len=None, csum=None):
    body = bytes([flags]) + b"".join(keys)
    if data_len is not None:
        body += struct.pack("!H", data_len)
    if csum is not None:
        body += struct.pack("!H", csum)
    return mptcp(0, version, body)


def dss(ack=None, dsn=None, ssn=0, length=0, fin=False, csum=None, wide_ack=True, wide_dsn=True):
    flags, body = 0x10 if fin else 0, b""
    if ack is not None:
        flags |= 3 if wide_ack else 1
        body += struct.pack("!Q", ack & (1 << 64) - 1) if wide_ack else struct.pack("!I", ack & 0xffffffff)
    if dsn is not None:
        flags |= 0x0c if wide_dsn else 4
        body += struct.pack("!Q", dsn & (1 << 64) - 1) if wide_dsn else struct.pack("!I", dsn & 0xffffffff)
        body += struct.pack("!IH", ssn, length)
        if csum is not None:
            body += struct.pack("!H", csum)
    return mptcp(2, 0, bytes([flags]) + body)


def dss_checksum(dsn, ssn, length, data):
    return checksum(struct.pack("!QIHH", dsn & (1 << 64) - 1, ssn, length, 0) + data)


def timestamps(value, echo):
    return b"\1\1\x08\x0a" + struct.pack("!II", value & 0xffffffff, echo & 0xffffffff)


SYN_OPTIONS = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + bytes(8) + b"\1\x03\x03\x07"


# ---- stories ----

class Story:
    """Packets in the order of their time, each with what it is."""

    def __init__(self, v6=False):
        self.packets, self.now_ns, self.v6 = [], START_NS, v6
        self.idents = {}

    def wait(self, seconds):
        self.now_ns += int(seconds * 1e9)

    def ident(self, source):
        self.idents[source] = self.idents.get(source, 0x1000) + 1
        return self.idents[source]

    def emit(self, wan, direction, packet, kind, payload_len=0, split=None):
        """One IP packet. `split` says how its payload bytes divide over the carrying kinds."""
        assert sum((split or {}).values()) == payload_len or kind == "keepalive"
        self.now_ns += 1_000_000
        self.packets.append({"ns": self.now_ns, "wan": wan, "dir": direction, "ip": packet, "kind": kind,
                             "ip_len": len(packet), "payload_len": payload_len, "split": split or {}})
        return self.packets[-1]

    def wrap(self, source, target, proto, body, **more):
        if self.v6:
            return ipv6(source, target, proto, body, more.get("ttl", 64), more.get("extensions", b""))
        ident = more.pop("ident", None)
        return ipv4(source, target, proto, body, self.ident(source) if ident is None else ident, **more)


class Subflow:
    """One TCP connection over one WAN. `up` is from the client."""

    def __init__(self, story, wan, port, isn_up=0x10000000, isn_down=0x20000000, server_port=5000):
        self.story, self.wan, self.ports = story, wan, {"up": port, "down": server_port}
        clients = CLIENT6 if story.v6 else CLIENT
        self.address = {"up": clients[wan], "down": SERVER6 if story.v6 else SERVER}
        self.isn = {"up": isn_up, "down": isn_down}
        self.nxt = dict(self.isn)

    def send(self, direction, flags, kind, options=b"", payload=b"", seq=None, ack=None, window=500, split=None,
             raw_options=False, **ip):
        other = "down" if direction == "up" else "up"
        seq = self.nxt[direction] if seq is None else seq
        ack = (self.nxt[other] if flags & ACK else 0) if ack is None else ack
        if not raw_options and not flags & SYN:
            tick = self.story.now_ns // 1_000_000
            options = timestamps(tick, tick - 1) + options
        source, target = self.address[direction], self.address[other]
        body = tcp(source, target, self.ports[direction], self.ports[other], seq, ack, flags, window, options, payload)
        end = seq + len(payload) + bool(flags & SYN) + bool(flags & FIN)
        self.nxt[direction] = max(self.nxt[direction], end)
        if split is None and payload:
            split = {kind: len(payload)}
        return self.story.emit(self.wan, direction, self.story.wrap(source, target, 6, body, **ip), kind, len(payload),
                               split)

    def plain_open(self):
        self.send("up", SYN, "handshake", SYN_OPTIONS)
        self.send("down", SYN | ACK, "handshake", SYN_OPTIONS)
        self.send("up", ACK, "ack")

    def close(self, last=b""):
        """FIN both ways, each answered."""
        self.send("up", FIN | ACK, "teardown", last)
        self.send("down", FIN | ACK, "teardown", last)
        self.send("up", ACK, "teardown", last)


class Connection:
    """An MPTCP connection: keys, tokens, data sequence numbers. Offsets count payload bytes from 0."""

    def __init__(self, story, version, checksums=False, keys=(KEY_A, KEY_B), wide=None):
        self.story, self.version, self.checksums = story, version, checksums
        self.key = {"up": keys[0], "down": keys[1]}
        digest = hashlib.sha1 if version == 0 else hashlib.sha256
        self.digest = digest
        self.token = {d: digest(k).digest()[:4] for d, k in self.key.items()}
        self.idsn = {d: int.from_bytes(digest(k).digest()[-8:], "big") for d, k in self.key.items()}
        self.sent = {"up": 0, "down": 0}
        self.wide = version == 1 if wide is None else wide

    def dsn(self, direction, offset):
        return self.idsn[direction] + 1 + offset

    def data_ack(self, direction):
        """The DATA_ACK that a frame in `direction` carries."""
        other = "down" if direction == "up" else "up"
        return self.dsn(other, self.sent[other])

    def dack(self, direction):
        return dss(self.data_ack(direction), wide_ack=self.wide)

    def open(self, subflow):
        flags = (0x80 if self.checksums else 0) | 1
        a, b = self.key["up"], self.key["down"]
        subflow.send("up", SYN, "handshake", SYN_OPTIONS + capable(self.version, flags, *([a] if self.version == 0 else [])))
        subflow.send("down", SYN | ACK, "handshake", SYN_OPTIONS + capable(self.version, flags, b))
        subflow.send("up", ACK, "handshake", capable(self.version, flags, a, b))

    def mac(self, own, own_nonce, peer_nonce):
        other = "down" if own == "up" else "up"
        return hmac.new(self.key[own] + self.key[other], own_nonce + peer_nonce, self.digest).digest()

    def join(self, subflow, backup, address_id=2):
        nonce_a, nonce_b = b"\x11\x22\x33\x44", b"\x55\x66\x77\x88"
        low = 1 if backup else 0
        subflow.send("up", SYN, "handshake",
                     SYN_OPTIONS + mptcp(1, low, bytes([address_id]) + self.token["down"] + nonce_a))
        subflow.send("down", SYN | ACK, "handshake",
                     SYN_OPTIONS + mptcp(1, 0, b"\0" + self.mac("down", nonce_b, nonce_a)[:8] + nonce_b))
        subflow.send("up", ACK, "handshake", mptcp(1, 0, b"\0" + self.mac("up", nonce_a, nonce_b)[:20]))
        subflow.send("down", ACK, "handshake", self.dack("down"))

    def data(self, subflow, direction, length, offset=None, kind="payload", mapped=True, window=500, **more):
        """One segment with its mapping. Without an offset: the next bytes of the connection."""
        offset = self.sent[direction] if offset is None else offset
        payload = filler(length)
        seq = more.get("seq", subflow.nxt[direction])
        dsn, ssn = self.dsn(direction, offset), (seq - subflow.isn[direction]) & 0xffffffff
        csum = dss_checksum(dsn, ssn, length, payload) if self.checksums else None
        option = dss(self.data_ack(direction), dsn, ssn, length, csum=csum, wide_ack=False, wide_dsn=self.wide)
        packet = subflow.send(direction, PSH | ACK, kind, option if mapped else b"", payload, window=window, **more)
        self.sent[direction] = max(self.sent[direction], offset + length)
        return packet

    def ack(self, subflow, direction, kind="ack", **more):
        return subflow.send(direction, ACK, kind, self.dack(direction), **more)

    def keepalive(self, subflow, direction):
        other = "down" if direction == "up" else "up"
        subflow.send(direction, ACK, "keepalive", self.dack(direction), seq=subflow.nxt[direction] - 1)
        subflow.send(other, ACK, "keepalive_ack", self.dack(other))

    def finish(self, subflows):
        """DATA_FIN both ways on the first subflow, each answered; then FINs on all."""
        first = subflows[0]
        for direction, other in (("up", "down"), ("down", "up")):
            dsn = self.dsn(direction, self.sent[direction])
            csum = dss_checksum(dsn, 0, 1, b"") if self.checksums else None
            first.send(direction, ACK, "teardown",
                       dss(self.data_ack(direction), dsn, 0, 1, fin=True, csum=csum, wide_ack=False, wide_dsn=self.wide))
            self.sent[direction] += 1
            first.send(other, ACK, "teardown", self.dack(other))
        for subflow in subflows:
            subflow.close()


# ---- link layers: IP packet and direction -> frame ----

MAC = {"up": bytes.fromhex("020000000101 020000000102"), "down": bytes.fromhex("020000000102 020000000101")}


def ether_type(packet):
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"


def ppp_type(packet):
    return b"\x00\x57" if packet[0] >> 4 == 6 else b"\x00\x21"


def pppoe(packet):
    return struct.pack("!BBHH", 0x11, 0, 0x1234, len(packet) + 2) + ppp_type(packet) + packet


def bsd_family(packet, order):
    return struct.pack(order + "I", 30 if packet[0] >> 4 == 6 else 2)


def sll_type(direction):
    return 4 if direction == "up" else 0


# name: (LINKTYPE, encoder)
LINKS = {
    "ethernet": (1, lambda p, d: MAC[d] + ether_type(p) + p),
    "vlan": (1, lambda p, d: MAC[d] + b"\x81\x00\x03\x43" + ether_type(p) + p),
    "qinq": (1, lambda p, d: MAC[d] + b"\x88\xa8\x00\x07\x81\x00\x03\x43" + ether_type(p) + p),
    "pppoe": (1, lambda p, d: MAC[d] + b"\x88\x64" + pppoe(p)),
    "pppoe-vlan": (1, lambda p, d: MAC[d] + b"\x81\x00\x00\x07\x88\x64" + pppoe(p)),
    "sll": (113, lambda p, d: struct.pack("!HHH", sll_type(d), 1, 6) + MAC[d][6:] + b"\0\0" + ether_type(p) + p),
    "sll2": (276, lambda p, d: ether_type(p) + struct.pack("!HIHBB", 0, 3, 1, sll_type(d), 6) + MAC[d][6:] + b"\0\0" + p),
    "raw": (101, lambda p, d: p),
    "ipv4": (228, lambda p, d: p),
    "ipv6": (229, lambda p, d: p),
    "null": (0, lambda p, d: bsd_family(p, "<") + p),
    "loop": (108, lambda p, d: bsd_family(p, ">") + p),
    "ppp": (9, lambda p, d: b"\xff\x03" + ppp_type(p) + p),
}


# ---- files ----

def write_pcap(path, packets, link="ethernet", snaplen=262144, nanoseconds=False, order="<"):
    """Packets as a savefile; remembers each frame's length on the link in packet['l2_len']."""
    number, encode = LINKS[link]
    out = struct.pack(order + "IHHiIII", 0xa1b23c4d if nanoseconds else 0xa1b2c3d4, 2, 4, 0, 0, snaplen, number)
    for packet in packets:
        frame = encode(packet["ip"], packet["dir"])
        wire = len(frame) + packet["ip_len"] - len(packet["ip"])
        packet["l2_len"] = wire
        seconds, rest = divmod(packet["ns"], 1_000_000_000)
        kept = frame[:snaplen]
        out += struct.pack(order + "IIII", seconds, rest if nanoseconds else rest // 1000, len(kept), wire) + kept
    with open(path, "wb") as file:
        file.write(out)
    return out


def block(kind, body):
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def write_pcapng(path, packets, interfaces, snaplen=262144, filters=()):
    """All WANs in one file. interfaces: {wan: (name, link, if_tsresol)}; filters: those of names that have one."""
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    for name, link, resolution in interfaces.values():
        out += block(1, struct.pack("<HHI", LINKS[link][0], 0, snaplen) + option(2, name.encode()) +
                     option(9, bytes([resolution])) +
                     (option(11, b"\0" + filters[name].encode()) if name in filters else b"") + option(0, b""))
    index = {wan: i for i, wan in enumerate(interfaces)}
    for packet in packets:
        _, link, resolution = interfaces[packet["wan"]]
        frame = LINKS[link][1](packet["ip"], packet["dir"])
        wire = len(frame) + packet["ip_len"] - len(packet["ip"])
        packet["l2_len"] = wire
        ticks, kept = packet["ns"] // 10 ** (9 - resolution), frame[:snaplen]
        body = struct.pack("<IIIII", index[packet["wan"]], ticks >> 32, ticks & 0xffffffff, len(kept), wire)
        body += kept + bytes(-len(kept) % 4)
        mark = 2 if packet["dir"] == "up" else 1
        out += block(6, body + option(2, struct.pack("<I", mark)) + option(0, b""))
    for wan, i in index.items():
        count = sum(p["wan"] == wan for p in packets)
        out += block(5, struct.pack("<III", i, 0, 0) + option(4, struct.pack("<Q", count)) +
                     option(5, struct.pack("<Q", 0)) + option(0, b""))
    with open(path, "wb") as file:
        file.write(out)


# ---- files of mptcp-captured: capture/quality.h says what their comments mean ----

SECOND = 1_000_000_000
BOOT, BOOTED_NS = "0123abcd", START_NS - 500 * SECOND


def split_time(ns):
    return struct.pack("<II", ns >> 32, ns & 0xffffffff)


class Recording:
    """A spool. Times are true ones; a file is stamped by a clock that is `behind` by so many ns."""

    def __init__(self, fixture, folder="spool"):
        self.fixture, self.folder = fixture, folder
        os.makedirs(fixture.path(folder), exist_ok=True)
        for name in ("lock", ".state"):     # what lies beside captures
            with open(fixture.path(os.path.join(folder, name)), "wb"):
                pass

    def file(self, wan, seq, start, end, role, behind=0, ending=""):
        return RecordedFile(self, wan, seq, START_NS + start * SECOND, START_NS + end * SECOND, role, behind * SECOND,
                            ending)


class RecordedFile:
    def __init__(self, recording, wan, seq, start, end, role, behind, ending):
        self.recording, self.wan, self.seq, self.start, self.end = recording, wan, seq, start, end
        self.role, self.behind, self.ending, self.ifindex = role, behind, ending, 0
        self.blocks, self.interfaces, self.stored, self.dropped = [], 0, 0, 0
        self.blocks.append(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1) +
                                 option(4, b"mptcp-captured") + option(0, b"")))

    def note(self, name, **values):
        words = [f"{key}={value}" for key, value in values.items()]
        return option(1, " ".join(["mptcp-captured/1", name] + words).encode())

    def describe(self, device, ifindex, *more, address=None):
        """An interface description, at the head of the file or when the device came back."""
        self.ifindex = ifindex
        notes = self.note("interface", wan=self.wan, role=self.role, device=device, boot=BOOT, seq=self.seq,
                          offset_ns=BOOTED_NS - self.behind, keep="headers", backend="ring", ifindex=ifindex, mtu=1500)
        body = struct.pack("<HHI", 1, 0, 160) + option(9, b"\x09") + option(2, device.encode())
        if address:
            body += option(4, pack_address(address) + b"\xff\xff\xff\xfc")
        self.blocks.append(block(1, body + notes + b"".join(more) + option(0, b"")))
        self.interfaces += 1
        return self

    def stamp(self, at):
        return at - self.behind

    def counters(self, at, kernel):
        return self.note("counters", at_ns=self.stamp(at), ifindex=self.ifindex, rx_frames=kernel["down"][0],
                         rx_bytes=kernel["down"][1], rx_dropped=0, tx_frames=kernel["up"][0], tx_bytes=kernel["up"][1],
                         tx_dropped=0)

    def gap(self, state, start, end=None):
        """Without an end it lasts."""
        more = {} if end is None else {"to_ns": self.stamp(end)}
        return self.note("gap", state=state, from_ns=self.stamp(start), **more)

    def statistics(self, at, *notes):
        received = self.stored + self.dropped
        body = struct.pack("<I", self.interfaces - 1) + split_time(self.stamp(at)) + \
            option(2, split_time(self.stamp(self.start))) + option(3, split_time(self.stamp(at))) + \
            option(4, struct.pack("<Q", received)) + option(5, struct.pack("<Q", 0)) + \
            option(7, struct.pack("<Q", self.dropped)) + option(8, struct.pack("<Q", self.stored))
        self.blocks.append(block(5, body + b"".join(notes) + option(0, b"")))
        return self

    def frames(self, packets, kernel):
        """Frames as they passed; the kernel counts them too."""
        for packet in packets:
            frame = LINKS["ethernet"][1](packet["ip"], packet["dir"])
            packet["l2_len"] = len(frame)
            kernel[packet["dir"]][0] += 1
            kernel[packet["dir"]][1] += len(frame)
            kept = frame[:len(frame) - packet["payload_len"]]
            body = struct.pack("<I", self.interfaces - 1) + split_time(self.stamp(packet["ns"])) + \
                struct.pack("<II", len(kept), len(frame)) + kept + bytes(-len(kept) % 4)
            mark = 2 if packet["dir"] == "up" else 1
            self.blocks.append(block(6, body + option(2, struct.pack("<I", mark)) + option(0, b"")))
            self.stored += 1
        return self

    def minutes(self, story, start, end, kernel):
        """Frames, and the statistics of each minute between them."""
        for at in range(start, end, 60):
            self.frames(part_of(story, self.wan, at, min(at + 60, end)), kernel)
            if at + 60 < end:
                now = START_NS + (at + 60) * SECOND
                self.statistics(now, self.counters(now, kernel))

    def drop(self, count, kernel):
        """Frames that the kernel counted and the ring had no room for."""
        self.dropped += count
        kernel["down"][0] += count
        kernel["down"][1] += 1514 * count
        return self

    def save(self):
        seconds = self.stamp(self.start) // SECOND
        utc = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
        name = f"{self.wan}-{BOOT}-{self.seq:08}-{utc}.pcapng{self.ending}"
        with open(self.recording.fixture.path(os.path.join(self.recording.folder, name)), "wb") as file:
            file.write(b"".join(self.blocks))


def kernel_counters():
    """Frames and bytes of a device since it exists: some, from before the story."""
    return {"up": [1000, 100_000], "down": [2000, 2_000_000]}


# ---- truth ----

def tally_up(packets):
    """What the story wrote, summed as a report sums: per WAN, direction and kind."""
    wans = {}
    for packet in packets:
        wan = wans.setdefault(packet["wan"], {"frames": 0, "l2_bytes": 0, "ip_bytes": 0, "up": {}, "down": {}})
        cell = wan[packet["dir"]].setdefault(packet["kind"], dict.fromkeys(
            ("frames", "l2_bytes", "ip_bytes", "payload_bytes"), 0))
        for row in (wan, cell):
            row["frames"] += 1
            row["l2_bytes"] += packet["l2_len"]
            row["ip_bytes"] += packet["ip_len"]
        for kind, count in packet["split"].items():
            wan[packet["dir"]].setdefault(kind, dict.fromkeys(
                ("frames", "l2_bytes", "ip_bytes", "payload_bytes"), 0))["payload_bytes"] += count
    return wans


def frame_rows(packets):
    rows = {}
    for packet in packets:
        rows.setdefault(packet["wan"], []).append(
            [packet["dir"], packet["kind"], packet["ip_len"], packet["payload_len"]])
    return rows


class Fixture:
    """A folder being written: runs are added, then truth.json."""

    def __init__(self, folder, name, what):
        self.folder, self.truth = folder, {"case": name, "what": what, "oracle": "the builder of the bytes", "runs": []}
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, packets, files, roles=None, frames=True, **more):
        run = {"files": files, "roles": roles or {}, "wans": tally_up(packets), **more}
        if frames:
            run["frames"] = frame_rows(packets)
        self.truth["runs"].append(run)

    def per_wan(self, story, roles=None, suffix=".pcap", frames=True, more=None, **how):
        """The usual form: one savefile per WAN."""
        files = {}
        for wan in dict.fromkeys(p["wan"] for p in story.packets):
            files[wan] = wan + suffix
            write_pcap(self.path(files[wan]), [p for p in story.packets if p["wan"] == wan], **how)
        self.add(story.packets, files, roles, frames, **(more or {}))

    def save(self):
        text = json.dumps(self.truth, indent=1)
        # one line per frame keeps the file readable
        text = re.sub(r"\[\s+\"(up|down)\",\s+\"(\w+)\",\s+(\d+),\s+(\d+)\s+\]", r'["\1", "\2", \3, \4]', text)
        with open(self.path("truth.json"), "w", encoding="utf-8") as file:
            file.write(text + "\n")


ROLES = {"wan1": "master", "wan2": "backup"}
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def usual_story(version, checksums=False, v6=False, segments=6, length=700):
    """One connection: opened over wan1, backup joined over wan2, a download on wan1, keepalives on wan2, the end."""
    story = Story(v6)
    connection = Connection(story, version, checksums)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup=True)
    for _ in range(segments):
        connection.data(first, "down", length)
        connection.ack(first, "up")
    for _ in range(2):
        story.wait(1)
        connection.keepalive(second, "up")
        connection.keepalive(second, "down")
    connection.finish([first, second])
    return story


def one_connection(version, **more):
    return {"connections": [{"version": version, "subflows": 2, **more}]}


@case
def v0_backup(fixture):
    """MPTCP v0 with DSS checksums: 4-byte data sequence numbers, tokens and HMACs by SHA-1, both keys in the third ACK"""
    fixture.per_wan(usual_story(0, checksums=True), ROLES,
                    more=one_connection(0, confidence="key", checksums_good=9, hmac_good=2))


@case
def v0_redundant(fixture):
    """MPTCP v0, redundant scheduler over two masters: every byte on both links, wan1 first"""
    story = Story()
    connection = Connection(story, 0)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup=False)
    for index in range(100):
        # Copies count as redundant from the moment 64 KB were first seen, at the 47th segment; the step of two
        # segments there keeps the story away from what "64 KB" is exactly.
        burst = 2 if index == 45 else 1
        if index == 46:
            continue
        offset = connection.sent["down"]
        for part in range(burst):
            connection.data(first, "down", 1400, offset + part * 1400)
        for part in range(burst):
            kind = "redundant" if index >= 45 else "reinjection"
            connection.data(second, "down", 1400, offset + part * 1400, kind=kind)
        connection.ack(first, "up")
        connection.ack(second, "up")
    connection.finish([first, second])
    fixture.per_wan(story, {"wan1": "master", "wan2": "master"}, frames=False, snaplen=160, more=one_connection(0))


@case
def version_mismatch(fixture):
    """a v1 client meets a v0 server: the SYN offers version 1, the SYN/ACK names version 0; plain TCP follows"""
    story = Story()
    subflow = Subflow(story, "wan1", 40001)
    subflow.send("up", SYN, "handshake", SYN_OPTIONS + capable(1, 1))
    subflow.send("down", SYN | ACK, "handshake", SYN_OPTIONS + capable(0, 1, KEY_B))
    subflow.send("up", ACK, "ack")
    for _ in range(4):
        subflow.send("down", PSH | ACK, "payload", payload=filler(900))
        subflow.send("up", ACK, "ack")
    subflow.close()
    fixture.per_wan(story, {"wan1": "master"}, more={"connections": [{"fallback": True, "subflows": 1}]})


@case
def link_types(fixture):
    """the same packets on every link layer: the numbers at IP level are the same"""
    for index, link in enumerate(LINKS):
        story = usual_story(1, v6=link == "ipv6")
        how = {"nanoseconds": index % 2 == 1, "order": ">" if index % 3 == 2 else "<"}
        fixture.per_wan(story, ROLES, f"-{link}.pcap", frames=link == "ethernet", link=link, more=one_connection(1), **how)
    # SLL2 names an interface in each frame, and each interface is a WAN of its own.
    for run in fixture.truth["runs"]:
        if "wan1-sll2.pcap" in run["files"].values():
            run["wans"] = {f"{wan}#3": row for wan, row in run["wans"].items()}


@case
def one_pcapng(fixture):
    """both WANs in one pcapng: Ethernet with microseconds and raw IP with nanoseconds, directions marked"""
    story = usual_story(1)
    write_pcapng(fixture.path("wans.pcapng"), story.packets,
                 {"wan1": ("wan1", "ethernet", 6), "wan2": ("wan2", "raw", 9)})
    fixture.add(story.packets, {"": "wans.pcapng"}, ROLES, frames=True, **one_connection(1))


@case
def ipv6_extensions(fixture):
    """IPv6 with hop-by-hop and destination options before TCP, and UDP cut in fragments, IPv4 fragments beside them"""
    story = Story(v6=True)
    hop = bytes([60, 0, 1, 4, 0, 0, 0, 0])     # hop-by-hop, next: destination options
    target = bytes([6, 0, 1, 4, 0, 0, 0, 0])   # destination options, next: TCP
    connection = Connection(story, 1)
    subflow = Subflow(story, "wan1", 40001)
    plain = story.wrap
    story.wrap = lambda s, t, proto, body, **more: ipv6(s, t, 0, body, 64, hop + target)
    connection.open(subflow)
    connection.data(subflow, "up", 90)
    connection.ack(subflow, "down")
    for _ in range(3):
        connection.data(subflow, "down", 600)
        connection.ack(subflow, "up")
    connection.finish([subflow])
    story.wrap = plain
    source, far = CLIENT6["wan1"], SERVER6
    whole = udp(source, far, 40100, 9999, filler(1800))
    for offset, more in ((0, 1), (1200, 0)):
        part = whole[offset:offset + 1200] if more else whole[offset:]
        head = struct.pack("!BBHI", 17, 0, offset | more, 0x01020304)
        story.emit("wan1", "up", ipv6(source, far, 44, head + part), "other")
    whole = udp(CLIENT["wan1"], SERVER, 40100, 9999, filler(1800))
    for offset, more in ((0, 0x2000), (1200, 0)):
        part = whole[offset:offset + 1200] if more else whole[offset:]
        story.emit("wan1", "up", ipv4(CLIENT["wan1"], SERVER, 17, part, 7, fragment=offset // 8 | more), "other")
    fixture.per_wan(story, {"wan1": "master"}, more={"connections": [{"version": 1, "subflows": 1}]})


@case
def fast_open(fixture):
    """TCP Fast Open: payload in the SYN, before the handshake is done, on a connection that never offers MPTCP"""
    story = Story()
    subflow = Subflow(story, "wan1", 40001)
    cookie = b"\x22\x0a" + filler(8)
    subflow.send("up", SYN, "handshake", SYN_OPTIONS + cookie, filler(120), split={"payload": 120})
    subflow.send("down", SYN | ACK, "handshake", SYN_OPTIONS)
    subflow.send("up", ACK, "ack")
    subflow.send("down", PSH | ACK, "payload", payload=filler(500))
    subflow.send("up", ACK, "ack")
    subflow.close()
    fixture.per_wan(story, {"wan1": "master"}, more={"connections": [{"version": None, "subflows": 1}]})


@case
def probes(fixture):
    """zero-window probes and keepalives are the same bits: only the peer's last window tells them apart"""
    story = Story()
    connection = Connection(story, 1)
    subflow = Subflow(story, "wan1", 40001)
    connection.open(subflow)
    connection.data(subflow, "up", 90)
    connection.ack(subflow, "down")
    connection.data(subflow, "down", 1000)
    connection.ack(subflow, "up", window=0)
    for _ in range(3):
        story.wait(0.4)
        connection.ack(subflow, "down", "zero_window_probe", seq=subflow.nxt["down"] - 1)
        connection.ack(subflow, "up", window=0)
    connection.ack(subflow, "up", window=500)
    connection.data(subflow, "down", 1000)
    connection.ack(subflow, "up")
    for _ in range(3):
        story.wait(2)
        connection.keepalive(subflow, "down")
    story.wait(2)
    # Some stacks repeat the last byte instead of sending none: that byte carries nothing, it is no retransmission.
    subflow.send("down", ACK, "keepalive", payload=b"\0", seq=subflow.nxt["down"] - 1, split={})
    connection.ack(subflow, "up", "keepalive_ack")
    connection.finish([subflow])
    fixture.per_wan(story, {"wan1": "master"}, more={"connections": [{"version": 1, "subflows": 1}]})


@case
def duplicates(fixture):
    """the capture holds packets twice: as a bridge and its port do (at once), and after a router hop (TTL lower)"""
    story = usual_story(1)
    doubled = []
    for index, packet in enumerate(p for p in story.packets):
        doubled.append(packet)
        if packet["wan"] != "wan1" or index % 3:
            continue
        copy = dict(packet, kind="duplicate", ns=packet["ns"] + 20_000)
        copy["split"] = {}
        if index % 2:
            ip = bytearray(packet["ip"])
            ip[8] -= 1
            ip[10:12] = b"\0\0"
            ip[10:12] = struct.pack("!H", checksum(bytes(ip[:20])))
            copy["ip"] = bytes(ip)
        doubled.append(copy)
    story.packets = doubled
    fixture.per_wan(story, ROLES, more=one_connection(1))


@case
def port_reuse(fixture):
    """the same addresses and ports again with a new initial sequence number and new keys: two connections"""
    story = Story()
    for index in range(2):
        connection = Connection(story, 1, keys=(bytes([index + 1]) * 8, bytes([index + 0x81]) * 8))
        subflow = Subflow(story, "wan1", 40001, 0x11110000 + index * 0x22220000, 0x33330000 + index * 0x22220000)
        connection.open(subflow)
        connection.data(subflow, "up", 90)
        connection.ack(subflow, "down")
        for _ in range(3):
            connection.data(subflow, "down", 800)
            connection.ack(subflow, "up")
        if index == 0:
            subflow.send("up", RST | ACK, "reset", ident=0)
        else:
            connection.finish([subflow])
        story.wait(3)
    fixture.per_wan(story, {"wan1": "master"},
                    more={"connections": [{"version": 1, "subflows": 1}, {"version": 1, "subflows": 1}]})


@case
def super_frames(fixture):
    """offloads on: one captured frame stands for many packets; cut at 160 bytes; once with IP total length 0"""
    story = Story()
    connection = Connection(story, 1)
    subflow = Subflow(story, "wan1", 40001)
    connection.open(subflow)
    connection.data(subflow, "up", 90)
    connection.ack(subflow, "down")
    for index in range(4):
        packet = connection.data(subflow, "down", 14000)
        if index == 3:
            ip = bytearray(packet["ip"])
            ip[2:4] = ip[10:12] = b"\0\0"
            ip[10:12] = struct.pack("!H", checksum(bytes(ip[:20])))
            packet["ip"] = bytes(ip)
        connection.ack(subflow, "up")
    connection.finish([subflow])
    fixture.per_wan(story, {"wan1": "master"}, snaplen=160, more={"connections": [{"version": 1, "subflows": 1}],
                                                                  "events": {"wan1": {"super_frame": 4}}})


@case
def time_backwards(fixture):
    """the last frame of wan1 bears a time half a second too early, as after a step of the clock: nothing is lost"""
    story = usual_story(1)
    last = [p for p in story.packets if p["wan"] == "wan1"][-1]
    last["ns"] -= 500_000_000
    fixture.per_wan(story, ROLES, more={**one_connection(1), "events": {"wan1": {"backwards": 1}}})


@case
def cut_file(fixture):
    """the capture of wan1 ends inside a record: what came before counts, and the report says where it stopped"""
    story = usual_story(1)
    wan1 = [p for p in story.packets if p["wan"] == "wan1"]
    out = write_pcap(fixture.path("wan1.pcap"), wan1)
    with open(fixture.path("wan1.pcap"), "wb") as file:
        file.write(out[:-20])
    write_pcap(fixture.path("wan2.pcap"), [p for p in story.packets if p["wan"] == "wan2"])
    kept = [p for p in story.packets if p is not wan1[-1]]
    start = len(out) - 16 - wan1[-1]["l2_len"]
    fixture.add(kept, {"wan1": "wan1.pcap", "wan2": "wan2.pcap"}, ROLES, **one_connection(1),
                says=[rf"inside a record at byte {start}\b"])


@case
def glued_files(fixture):
    """two captures of wan1 joined with cat: the first is read, the seam is named with its offset"""
    story = usual_story(1)
    wan1 = [p for p in story.packets if p["wan"] == "wan1"]
    half = len(wan1) // 2
    one = write_pcap(fixture.path("wan1.pcap"), wan1[:half])
    two = write_pcap(fixture.path("wan1.pcap"), wan1[half:])
    with open(fixture.path("wan1.pcap"), "wb") as file:
        file.write(one + two)
    write_pcap(fixture.path("wan2.pcap"), [p for p in story.packets if p["wan"] == "wan2"])
    fixture.truth["runs"].append({
        "files": {"wan1": "wan1.pcap", "wan2": "wan2.pcap"}, "roles": ROLES, "says": [rf"second capture begins at byte {len(one)}\b"],
        "wans": tally_up([p for p in story.packets if p["wan"] == "wan2" or p in wan1[:half]])})


def part_of(story, wan, start, end):
    return [p for p in story.packets if p["wan"] == wan and START_NS + start * SECOND <= p["ns"] < START_NS + end * SECOND]


def recorded_story(segments, keepalives):
    """A download on wan1 from 10 s on, keepalives on wan2 at these seconds, a close at the end."""
    story = Story()
    connection = Connection(story, 1)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    story.wait(10)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup=True)
    for index, at in enumerate(keepalives):
        for number in range(segments):
            connection.data(first, "down", 1400)
            if number % 4 == 3:
                connection.ack(first, "up")
        story.now_ns = START_NS + at * SECOND
        connection.keepalive(second, "up" if index % 2 else "down")
    connection.finish([first, second])
    return story


@case
def recorded_clean(fixture):
    """a spool of mptcp-captured, three files for each of two WANs: roles, counters and covered time are said by the files"""
    story = recorded_story(40, range(50, 870, 45))
    recording = Recording(fixture)
    for wan, role, index in (("wan1", "master", 4), ("wan2", "backup", 5)):
        kernel = kernel_counters()
        for seq, start in enumerate((0, 300, 600), 1):
            file = recording.file(wan, seq, start, start + 300, role)
            first, last = file.start, file.end
            file.describe(f"eth{index}", index, file.note("warning", code="super_frames", about=f"eth{index}"),
                          address=CLIENT[wan])
            file.statistics(first, file.counters(first, kernel))
            file.minutes(story, start, start + 300, kernel)
            file.statistics(last, file.counters(last, kernel), file.note("end", reason="rotate" if seq < 3 else "stop"))
            file.save()
    counted = {wan: sum(p["wan"] == wan for p in story.packets) for wan in ("wan1", "wan2")}
    fixture.add(story.packets, {"": "spool"}, frames=False, **one_connection(1), verdict="pass",
                rules=[[rule, wan, "pass"] for rule in ("A27", "A29", "A1", "A3") for wan in ("wan1", "wan2")
                       if wan == "wan2" or rule == "A27"],
                window=[0, 900], role_source="capture",
                coverage={wan: {"gaps": [], "clock_set": [], "kernel": [counted[wan], counted[wan], 0], "files": 3}
                          for wan in counted})


@case
def recorded(fixture):
    """a spool with a story: the clock set by an hour, a modem that went and came back, frames dropped, a recorder killed"""
    story = recorded_story(3, [at for at in range(50, 960, 45) if not 400 <= at < 440 and not 690 <= at < 730])
    recording = Recording(fixture)
    # wan1: the clock is set between the first file and the second, the third was cut off, the fourth is being written
    kernel = kernel_counters()
    for seq, start, end, behind in ((1, 0, 300, 3600), (2, 300, 600, 0), (3, 600, 690, 0), (4, 730, 1000, 0)):
        file = recording.file("wan1", seq, start, end, "master", behind, ".part" if seq == 4 else "")
        file.describe("eth1", 4, address=CLIENT["wan1"])
        step = [file.note("step", at_ns=file.start, by_ns=3600 * SECOND)] if seq == 2 else []
        file.statistics(file.start, file.counters(file.start, kernel), *step)
        if seq == 2:
            file.drop(3, kernel)
        file.minutes(story, start, end, kernel)
        ends = {1: [file.note("end", reason="rotate")], 2: [file.note("end", reason="rotate")],
                3: [file.note("repaired", cut_bytes=52)], 4: []}[seq]
        file.statistics(file.end, file.counters(file.end, kernel), *ends)
        if seq == 4:
            file.blocks.append(block(6, bytes(200))[:60])   # what was being written when it was copied
        file.save()
    # wan2: in the second file the modem goes and comes back as another device, whose counters begin at 0
    kernel = kernel_counters()
    for seq, start, end, behind in ((1, 0, 300, 3600), (2, 300, 600, 0), (3, 600, 690, 0), (4, 730, 1000, 0)):
        file = recording.file("wan2", seq, start, end, "backup", behind)
        file.describe("wwan0", 9 if seq > 2 else 5, address=CLIENT["wan2"])
        step = [file.note("step", at_ns=file.start, by_ns=3600 * SECOND)] if seq == 2 else []
        file.statistics(file.start, file.counters(file.start, kernel), *step)
        middle = end
        if seq == 2:
            gone, back, middle = START_NS + 400 * SECOND, START_NS + 440 * SECOND, 400
            file.minutes(story, start, middle, kernel)
            file.statistics(gone, file.counters(gone, kernel), file.gap("absent", gone))
            file.statistics(gone + 20 * SECOND, file.gap("absent", gone))
            kernel = {"up": [0, 0], "down": [0, 0]}
            file.describe("wwan0", 9, file.note("warning", code="stacked", about="wwan0"), address=CLIENT["wan2"])
            file.statistics(back, file.counters(back, kernel), file.gap("absent", gone, back))
        file.minutes(story, 440 if seq == 2 else start, end, kernel)
        ends = [file.note("repaired", cut_bytes=0) if seq == 3 else
                file.note("end", reason="stop" if seq == 4 else "rotate")]
        file.statistics(file.end, file.counters(file.end, kernel), *ends)
        file.save()
    # what a file without its last block may lack is not compared: such a stretch ends a note before
    counted = {"wan1": len(part_of(story, "wan1", 0, 660) + part_of(story, "wan1", 730, 970)),
               "wan2": len(part_of(story, "wan2", 0, 660) + part_of(story, "wan2", 730, 1000))}
    steps = [[300, 3600]]
    fixture.add(story.packets, {"": "spool"}, frames=False, **one_connection(1), verdict="not_assessed",
                rules=[["A27", "wan1", "not_assessed"], ["A27", "wan2", "not_assessed"], ["A29", "wan2", "pass"]],
                window=[0, 1000], role_source="capture",
                says=[r"lost 3 of \d+ frames", r"nothing was recorded for 40 s of the judged 16 min 40 s",
                      r"stacked \(wwan0\)", r"Not counted: absent 40 s, 2026-01-01 00:06:40 to 00:07:20"],
                coverage={"wan1": {"gaps": [["stopped", 690, 730]], "clock_set": steps, "files": 4,
                                   "kernel": [counted["wan1"] + 3, counted["wan1"], 3]},
                          "wan2": {"gaps": [["absent", 400, 440], ["stopped", 690, 730]], "clock_set": steps, "files": 4,
                                   "kernel": [counted["wan2"], counted["wan2"], 0]}})


SITE = """[site]
name = attic
zone = CET-1CEST,M3.5.0,M10.5.0/3

[plan]
quota = {quota}
billing_day = 5
granularity = 1kB
price = 9.90 EUR
price_per_gb = 2.50 EUR
"""


def save_text(fixture, name, text):
    with open(fixture.path(name), "w", encoding="utf-8") as file:
        file.write(text)


@case
def data_plan(fixture):
    """25 hours of a backup that is only kept alive: under two data plans, and beside two bills of the carrier"""
    story = Story()
    connection = Connection(story, 1)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup=True)
    while story.now_ns < START_NS + 25 * 3600 * SECOND:
        story.wait(280)
        for subflow in (first, second):
            connection.keepalive(subflow, "up")
    connection.finish([first, second])
    files = {}
    for wan in ROLES:
        files[wan] = wan + ".pcap"
        write_pcap(fixture.path(files[wan]), [p for p in story.packets if p["wan"] == wan], snaplen=160)
    mine = [p for p in story.packets if p["wan"] == "wan2"]
    seen = sum(p["ip_len"] for p in mine)
    # from 2025-12-05 to 2026-01-05 by Central European clocks: 31 days; 25 hours of it were seen, and a few seconds
    span = [max(p["ns"] for p in story.packets if p["wan"] == wan) for wan in ROLES]
    start = [min(p["ns"] for p in story.packets if p["wan"] == wan) for wan in ROLES]
    judged = sum(p["ip_len"] for p in mine if max(start) <= p["ns"] <= min(span))
    month = -(-round(judged * 31 * 86400 * SECOND / (min(span) - max(start))) // 1000) * 1000
    told = r"2025-12-05 to 2026-01-05 comes to %.2f MB" % (month / 1e6)
    assert 1_000_000 < month < 1_600_000 and seen < 60_000
    for name, quota in (("site.ini", "2MB"), ("small.ini", "1MB")):
        save_text(fixture, name, SITE.format(quota=quota))
    for arguments, rules, says in (
            (["--config", "site.ini"], [["A26", "wan2", "pass"], ["A2", "wan2", "pass"], ["E1", "wan2", "pass"]],
             [told, r"61\.\d+ %\), for 9\.90 EUR"]),
            (["--config", "small.ini"], [["A26", "wan2", "fail"]],
             [told, r"%d kB more than the plan" % (month // 1000 - 1000)]),
            (["--billed", str(seen)], [["E2", "wan2", "pass"]], [r"unexplained 0 B \(0\.00 %\)"]),
            (["--billed", "wan2=1MB"], [["E2", "wan2", "warn"]], [r"the carrier bills 1\.00 MB"])):
        fixture.add(story.packets, files, ROLES, frames=False, arguments=arguments, rules=rules, says=says,
                    **one_connection(1))


# As OpenMPTCProuter writes them: wan1 a macvlan on eth0, wan2 a modem in HiLink mode, a third WAN, LAN and tunnel.
UCI = {
    "network": """
config interface 'loopback'
\toption device 'lo'
\toption proto 'static'
\toption ipaddr '127.0.0.1'
\toption netmask '255.0.0.0'

config globals 'globals'
\toption multipath 'enable'
\toption mptcp_scheduler '{scheduler}'
\toption mptcp_path_manager 'fullmesh'
\toption congestion 'bbr'

config interface 'lan'
\toption device 'eth0'
\toption proto 'static'
\toption ipaddr '192.168.100.1'
\toption netmask '255.255.255.0'
\toption multipath 'off'
\toption ip4table 'lan'

config interface 'wan1'
\toption device 'wan1'
\toption type 'macvlan'
\toption masterintf 'eth0'
\toption proto 'static'
\toption ipaddr '{wan1}'
\toption netmask '255.255.255.0'
\toption gateway '{gateway}'
\toption ip4table 'wan'
\toption multipath '{role1}'

config device 'wan1_dev'
\toption name 'wan1'
\toption type 'macvlan'
\toption ifname 'eth0'
\toption mode 'vepa'

config interface 'wan2'
\toption device 'eth1'
\toption proto 'dhcp'
\toption ip4table 'wan'
\toption label 'LTE'

config interface 'wan3'
\toption device '/sys/devices/platform/soc/usb1/1-1'
\toption proto 'modemmanager'
\toption multipath '{role3}'

config interface 'omrvpn'
\toption device 'tun0'
\toption proto 'none'
\toption multipath 'off'
""",
    "openmptcprouter": """
config settings 'settings'
\toption master 'balancing'
\toption proxy 'shadowsocks-rust'
\toption vpn 'openvpn'

config server 'vps'
\tlist ip '{server}'
\toption port '65500'
\toption master '1'
\toption current '1'
\toption kernel '6.18'

config interface 'wan2'
\toption multipath '{role2}'
\toption state 'up'
""",
    "omr-quota": """
config interface 'wan2'
\toption enabled '1'
\toption txquota '0'
\toption rxquota '0'
\toption ttquota '20000000'
\toption interval '10'
\toption interface 'wan2'
""",
    "system": """
config system
\toption hostname 'OpenMPTCProuter'
\toption timezone 'CET-1CEST,M3.5.0,M10.5.0/3'
\toption zonename 'Europe/Berlin'
""",
}


@case
def uci_router(fixture):
    """a router's own UCI files beside its captures: as the wire is, and as it is not"""
    story = usual_story(1)
    files = {}
    for wan in ROLES:
        files[wan] = wan + ".pcap"
        write_pcap(fixture.path(files[wan]), [p for p in story.packets if p["wan"] == wan], snaplen=160)
    network = CLIENT["wan1"].rsplit(".", 1)[0]
    common = {"wan1": CLIENT["wan1"], "gateway": network + ".1", "server": SERVER}
    for folder, words, rules, says in (
            ("right", {"role1": "master", "role2": "backup", "role3": "off", "scheduler": "default"},
             [["A6", "wan2", "pass"], ["A6", "wan1", "not_applicable"]],
             [r"openmptcprouter\.wan2\.multipath", r"Europe/Berlin", r"192\.168\.100\.1/24"]),
            ("wrong", {"role1": "master", "role2": "on", "role3": "backup", "scheduler": "mptcp_bpf_red.o"},
             [["A6", "wan2", "fail"], ["A27", None, "not_assessed"]],
             [r"wan2 is configured as on \(openmptcprouter\.wan2\.multipath\), but its joins \(1\) carry the backup flag",
              r"wan3 has the role backup \(network\.wan3\.multipath\), but there is no capture of it"])):
        os.makedirs(fixture.path(folder), exist_ok=True)
        for name, text in UCI.items():
            save_text(fixture, os.path.join(folder, name), text.format(**words, **common).lstrip())
        fixture.add(story.packets, files, frames=False, arguments=["--uci", folder], rules=rules, says=says)


@case
def unexplained(fixture):
    """a backup whose own traffic is small and explained, and beside it 30 kB of name service that nothing explains"""
    story = usual_story(1)
    for index in range(60):
        for direction in ("up", "down"):
            ends = [CLIENT["wan2"], "198.51.100.53"] if direction == "up" else ["198.51.100.53", CLIENT["wan2"]]
            ports = [50000 + index, 53] if direction == "up" else [53, 50000 + index]
            body = udp(*ends, *ports, filler(222))
            story.emit("wan2", direction, story.wrap(*ends, 17, body), "other")
    files = {}
    for wan in ROLES:
        files[wan] = wan + ".pcap"
        write_pcap(fixture.path(files[wan]), [p for p in story.packets if p["wan"] == wan], snaplen=160)
    for arguments, status in ((["--limit", "unexplained_bytes=10kB"], "warn"), ([], "pass")):
        fixture.add(story.packets, files, ROLES, frames=False, arguments=arguments, rules=[["E1", "wan2", status]],
                    says=[r"unexplained 30\.0 kB, most of it traffic that is neither MPTCP nor the router's own checks"])


# ---- hours: what a backup's bytes were ----

def ping(story, wan, far, answer, tos=0xb8):
    """One echo of omr-tracker, 84 bytes each way; its answer has the same TOS."""
    near = CLIENT[wan]
    for direction, kind in (("up", 8), ("down", 0))[:2 if answer else 1]:
        source, target = (near, far) if direction == "up" else (far, near)
        body = struct.pack("!BBHHH", kind, 0, 0, 7, 1) + filler(56)
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        story.emit(wan, direction, story.wrap(source, target, 1, body, tos=tos), "other")


def datagram(story, wan, direction, far, port, length):
    near = CLIENT[wan]
    source, target = (near, far) if direction == "up" else (far, near)
    ports = (40000, port) if direction == "up" else (port, 40000)
    story.emit(wan, direction, story.wrap(source, target, 17, udp(source, target, *ports, filler(length))), "other")


class Causes:
    """Which packets were for what: the sums that a report must tell."""

    def __init__(self, story):
        self.story, self.start, self.sums = story, 0, {}

    def because(self, cause):
        """All packets of wan2 since the last word had this cause."""
        fresh = [p for p in self.story.packets[self.start:] if p["wan"] == "wan2"]
        self.start = len(self.story.packets)
        self.sums[cause] = self.sums.get(cause, 0) + sum(p["ip_len"] for p in fresh)


def hour_story(extra):
    """An MPTCP connection with a standby subflow for 62 minutes: keepalives and two tracker pings each minute."""
    story = Story()
    causes = Causes(story)
    connection = Connection(story, 1)
    first, second = Subflow(story, "wan1", 40001), Subflow(story, "wan2", 40002, 0x30000000, 0x40000000)
    connection.open(first)
    connection.data(first, "up", 90)
    connection.ack(first, "down")
    connection.join(second, backup=True)
    causes.because("standby")
    for minute in range(62):
        connection.data(first, "down", 1000)
        connection.ack(first, "up")
        causes.because("nothing")
        for _ in range(2):
            ping(story, "wan2", SERVER, True)
            story.wait(1)
        causes.because("tracker_ping")
        connection.keepalive(second, "up")
        causes.because("keepalive")
        extra(story, causes, minute)
        story.wait(START_NS / 1e9 + 60 * (minute + 1) - story.now_ns / 1e9)
    connection.finish([first, second])
    causes.because("standby")
    del causes.sums["nothing"]
    return story, {"causes": {"wan2": causes.sums}}


def told(*rows):
    return [[rule, "wan2", status] for rule, status in rows]


@case
def quiet_hour(fixture):
    """62 minutes of a backup that is only kept alive: pings and keepalives each minute"""
    story, more = hour_story(lambda *_: None)
    more["findings"] = told(("A4", "pass"), ("A15", "pass"), ("A17", "pass"), ("A19", "pass"), ("A20", "pass"),
                            ("A21", "pass"), ("A22", "pass"))
    more["says"] = ['"detail": "every 60 s"']
    fixture.per_wan(story, ROLES, frames=False, more=more, snaplen=160)


def past_mptcp(story, far, port, client_port, lengths, direction="down"):
    """A plain TCP connection over wan2 that is cut off."""
    flow = Subflow(story, "wan2", client_port, 0x50000000, 0x60000000, server_port=port)
    flow.address["down"] = far
    flow.plain_open()
    for length in lengths:
        flow.send(direction, ACK, "payload", payload=filler(length))
        flow.send("up" if direction == "down" else "down", ACK, "ack")


@case
def spent_hour(fixture):
    """the same hour, and what should not be on a backup: a leak, DNS, a speed test, a VPN with data, a login from outside, a router that cannot log in"""
    def extra(story, causes, minute):
        if minute == 10:
            past_mptcp(story, "198.51.100.77", 443, 41000, [1400] * 90)
            causes.because("leak:198.51.100.77 https")
        if minute == 20:
            past_mptcp(story, SERVER, 5201, 41001, [1400] + [60000] * 20)
            # its acks and its opening are part of it
            causes.because("speed_test")
        if minute in (5, 6, 7):
            datagram(story, "wan2", "up", "192.0.2.53", 53, 40)
            datagram(story, "wan2", "down", "192.0.2.53", 53, 120)
            causes.because("dns")
        if minute in (30, 31):
            for _ in range(50):
                datagram(story, "wan2", "up", SERVER, 65201, 1350)
            causes.because("vpn:mlvpn")
        if minute == 40:    # somebody comes from outside: the far end is who opened it
            flow = Subflow(story, "wan2", 22, 0x58000000, 0x68000000, server_port=50123)
            flow.address["down"] = "198.51.100.200"
            flow.send("down", SYN, "handshake", SYN_OPTIONS)
            flow.send("up", SYN | ACK, "handshake", SYN_OPTIONS)
            flow.send("down", ACK, "ack")
            flow.send("up", ACK, "payload", payload=filler(900))
            flow.send("down", ACK, "ack")
            causes.because("ssh")
        if minute >= 2:
            flow = Subflow(story, "wan2", 42000 + minute, 0x70000000, 0, server_port=65500)
            flow.send("up", SYN, "handshake", SYN_OPTIONS)
            flow.send("down", RST | ACK, "reset")
            causes.because("server_api")
    story, more = hour_story(extra)
    more["findings"] = told(("A4", "pass"), ("A15", "pass"), ("A17", "pass"), ("A19", "warn"), ("A20", "fail"),
                            ("A21", "warn"), ("A22", "fail"))
    more["says"] = [r"198\.51\.100\.77 \(https\)", r"198\.51\.100\.200 \(ssh\) 1", "60 connections to the server's port 65500"]
    fixture.per_wan(story, ROLES, frames=False, more=more, snaplen=160)


def main(arguments):
    import fixture_day          # these take what they need from here
    import fixture_faults
    CASES.update({**fixture_faults.CASES, **fixture_day.CASES})
    if arguments[:1] == ["list"]:
        for name, function in CASES.items():
            print(f"{name:18} {function.__doc__}")
        return 0
    into = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
    if arguments[:1] == ["--into"] and len(arguments) > 1:
        into, arguments = arguments[1], arguments[2:]
    for name in arguments or CASES:
        if name not in CASES:
            print(f"fixture_bytes.py: no case {name}; 'list' names them", file=sys.stderr)
            return 64
        fixture = Fixture(os.path.join(into, name), name, CASES[name].__doc__)
        CASES[name](fixture)
        fixture.save()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
