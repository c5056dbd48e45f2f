#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recorder.py - what the tests of mptcp-captured share: a router with WANs to send into, the daemon under test, and a
reader of its files that is not the project's own.

The router is a network namespace "near" with wan1, wan2, ... whose other ends m1, m2, ... lie in "far"; frames sent from
far are offered to near, and m's own counters say how many were. Both names carry the process id and go with the test.
"""
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import lab
from lab import wait_until

BUILD = os.environ.get("BUILD", "build")
PROGRAM = os.path.abspath(os.path.join(BUILD, "mptcp-captured"))
MARKER = b"ABCDEFGH-this-is-what-people-send-"


class Router:
    """Two namespaces and the veth pairs between them."""

    def __init__(self, n_wans):
        self.near, self.far = (f"mac{os.getpid()}{part}" for part in ("n", "f"))
        self.wans = [f"wan{i + 1}" for i in range(n_wans)]
        self.running = []

    def __enter__(self):
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "add", name], check=True)
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        for wan in self.wans:
            self.plug(wan)
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def run(self, name, *command):
        done = subprocess.run(["ip", "netns", "exec", name, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def plug(self, wan):
        """Make the device, as a modem that was plugged in."""
        number = wan[3:]
        far = "m" + number
        subprocess.run(["ip", "link", "add", wan, "netns", self.near, "type", "veth", "peer", "name", far, "netns", self.far],
                       check=True)
        self.run(self.near, "ip", "address", "add", f"192.0.2.{int(number) * 4 + 1}/30", "dev", wan)
        self.run(self.near, "ip", "link", "set", wan, "arp", "off", "up")
        self.run(self.far, "ip", "link", "set", far, "arp", "off", "up")

    def unplug(self, wan):
        self.run(self.near, "ip", "link", "del", wan)

    def counted(self, wan):
        """Frames that the far end sent: what was offered to the WAN."""
        rows = json.loads(self.run(self.far, "ip", "-s", "-j", "link", "show", "m" + wan[3:]))
        return rows[0]["stats64"]["tx"]["packets"]

    def near_counters(self, wan):
        rows = json.loads(self.run(self.near, "ip", "-s", "-j", "link", "show", wan))
        return rows[0]["stats64"]

    def socket(self, wan):
        """A packet socket at the far end."""
        def make():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind(("m" + wan[3:], 0))
            return sock
        return in_namespace(self.far, make)

    @contextlib.contextmanager
    def traffic(self, wan, rate):
        """Numbered frames at `rate` a second (0 = as fast as it goes) while the block runs; gives the sender."""
        sender = Sender(self.socket(wan), rate)
        sender.start()
        try:
            yield sender
        finally:
            sender.stop()


def in_namespace(name, make):
    """Call make() in a thread that lives in the namespace: a socket keeps the one it was made in."""
    result = []

    def inside():
        with open(f"/var/run/netns/{name}", "rb") as handle:
            if lab.ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), 0x40000000):
                result.append(OSError(lab.ctypes.get_errno(), "setns"))
                return
        try:
            result.append(make())
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_frame(number, size=120):
    """An Ethernet frame with a UDP packet whose payload begins with its number."""
    body = struct.pack("!QQ", 0x6d70746370617564, number) + bytes(max(0, size - 16))
    udp = struct.pack("!HHHH", 1000, 2000, 8 + len(body), 0) + body
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((198, 51, 100, 1)),
                     bytes((192, 0, 2, 5)))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + udp


def tcp_frame(payload, options=b"\x01" * 12):
    offset = 5 + len(options) // 4
    tcp = struct.pack("!HHIIBBHHH", 1000, 443, 1, 1, offset << 4, 0x18, 1000, 0, 0) + options + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes((198, 51, 100, 1)), bytes((192, 0, 2, 5)))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + tcp


class Sender(threading.Thread):
    """Numbered frames, one after the other, until stop()."""

    def __init__(self, sock, rate):
        super().__init__(daemon=True)
        self.sock, self.rate, self.sent, self.ending = sock, rate, 0, False

    def run(self):
        start = lab.time.monotonic()
        while not self.ending:
            if self.rate and self.sent > (lab.time.monotonic() - start) * self.rate:
                lab.time.sleep(0.0005)
                continue
            try:
                self.sock.send(udp_frame(self.sent))
                self.sent += 1
            except OSError:     # the device is away, or its queue is full: nothing was sent
                lab.time.sleep(0.0005)

    def stop(self):
        self.ending = True
        if self.is_alive():
            self.join()
        self.sock.close()


def send(sock, first, count, size=120):
    for number in range(first, first + count):
        sock.send(udp_frame(number, size))


# ---- the daemon ----

def alive(pid):
    """Not a zombie either, with all its threads gone: who was orphaned may wait long for somebody to collect it."""
    try:
        if len(os.listdir(f"/proc/{pid}/task")) > 1:
            return True
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Daemon:
    """A running mptcp-captured in a namespace."""

    def __init__(self, router, *arguments, spool=None, wrap=(), environment=None, stdout=subprocess.DEVNULL):
        self.spool = spool
        self.log = tempfile.TemporaryFile(mode="w+")
        target = ["-d", spool] if spool else []
        self.process = subprocess.Popen(["ip", "netns", "exec", router.near, *wrap, PROGRAM, *target, *arguments],
                                        stderr=self.log, stdout=stdout, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        router.running.append(self.process)

    def said(self):
        self.log.flush()
        position = os.lseek(self.log.fileno(), 0, os.SEEK_CUR)
        text = os.pread(self.log.fileno(), max(position, 1 << 20), 0).decode(errors="replace")
        return text

    def ready(self):
        wait_until("the recorder to be ready: " + self.said()[-300:],
                   lambda: "mptcp-captured: ready" in self.said() or self.process.poll() is not None, 20, 0.005)
        if self.process.poll() is not None:
            raise RuntimeError(f"mptcp-captured ended with {self.process.returncode}: {self.said()[-600:]}")
        return self

    def children(self):
        """The recorder: the child that has no keeper's duties."""
        pid = self.pid()
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def pid(self):
        """Of the keeper: `ip netns exec` becomes it, wrappers stand before it."""
        return self.process.pid

    def recorder(self):
        return self.children()[0]

    def ask(self, command="status"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(20)
        sock.connect(os.path.join(self.spool, "control"))
        sock.sendall(json.dumps({"command": command}).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n") or command == "metrics":
            part = sock.recv(65536)
            if not part:
                break
            data += part
        sock.close()
        return data.decode() if command == "metrics" else json.loads(data)

    def wan(self, name):
        return next((row for row in self.ask()["wans"] if row["wan"] == name), None)

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self):
        """As a power cut: keeper and recorder at once."""
        victims = self.children() + [self.pid()]
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self.process.wait(60)
        wait_until("the recorder to die", lambda: not any(alive(victim) for victim in victims), 20, 0.002)


# ---- its files, read by rules of the pcapng draft, not by our reader ----

def blocks(data):
    """(type, body) of each whole block; what is left at the end is returned by the last, as (None, rest)."""
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("=II", data, at)
        if size < 12 or size % 4 or at + size > len(data) or struct.unpack_from("=I", data, at + size - 4)[0] != size:
            break
        yield kind, data[at + 8:at + size - 4]
        at += size
    if at < len(data):
        yield None, data[at:]


def options(body, at):
    while at + 4 <= len(body):
        code, length = struct.unpack_from("=HH", body, at)
        if code == 0:
            return
        yield code, body[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def note(text):
    """{"": name, key: value} of a note of the quality record."""
    words = text.split(" ")
    row = {"": words[1]}
    for word in words[2:]:
        key, _, value = word.partition("=")
        row[key] = re.sub("%(..)", lambda m: chr(int(m[1], 16)), value)
    return row


class File:
    """One capture file: frames as (interface, time, bytes, wire length), notes, the last statistics per interface."""

    def __init__(self, path):
        self.path, self.frames, self.notes, self.interfaces, self.statistics, self.rest = path, [], [], [], {}, b""
        self.lengths = []
        with open(path, "rb") as file:
            data = file.read()
        if path.endswith((".zst", ".zst.part")):
            data = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False).stdout
        self.size = len(data)
        for kind, body in blocks(data):
            self.take(kind, body)

    def take(self, kind, body):
        if kind is None:
            self.rest = body
        elif kind == 1:
            row = {"link": struct.unpack_from("=H", body)[0]}
            for code, value in options(body, 8):
                if code == 2:
                    row["name"] = value.decode()
                self.take_note(code, value)
            self.interfaces.append(row)
        elif kind == 6:
            number, high, low, caplen, wire = struct.unpack_from("=IIIII", body)
            self.frames.append((number, high << 32 | low, body[20:20 + caplen], wire))
        elif kind == 5:
            row = {}
            for code, value in options(body, 12):
                if code in (4, 5, 7, 8):
                    row[{4: "received", 5: "own", 7: "kernel", 8: "delivered"}[code]] = struct.unpack("=Q", value)[0]
                elif code in (2, 3):
                    high, low = struct.unpack("=II", value)
                    row[{2: "start", 3: "end"}[code]] = high << 32 | low
                self.take_note(code, value)
            self.statistics[struct.unpack_from("=I", body)[0]] = row

    def take_note(self, code, value):
        if code == 1 and value.startswith(b"mptcp-captured/1 "):
            self.notes.append(note(value.decode()))

    def numbers(self):
        """The numbers of our frames in it."""
        out = []
        for _, _, data, _ in self.frames:
            if data[42:50] == struct.pack("!Q", 0x6d70746370617564):
                out.append(struct.unpack_from("!Q", data, 50)[0])
        return out

    def has(self, name):
        return any(row[""] == name for row in self.notes)


NAME = re.compile(r"^(.+)-([0-9a-f]{8})-(\d{8})-(\d{8}T\d{6}Z)\.pcapng(\.zst)?(\.part)?$")


def files(spool, wan=None, part=False):
    """The capture files of a spool (of one WAN), in the order of their sequence numbers."""
    rows = []
    for entry in os.listdir(spool):
        found = NAME.match(entry)
        if found and (wan is None or found[1] == wan) and bool(found[6]) <= part:
            rows.append((found[1], int(found[3]), entry))
    return [os.path.join(spool, row[2]) for row in sorted(rows)]


def read(spool, wan, part=False):
    return [File(path) for path in files(spool, wan, part)]


def stored(rows):
    return sum(len(row.numbers()) for row in rows)


def counted_drops(rows):
    """By the last statistics of each interface of each file: kernel, own."""
    kernel = own = 0
    for row in rows:
        last = list(row.statistics.values())[-1:]
        kernel += sum(s["kernel"] for s in last)
        own += sum(s["own"] for s in last)
    return kernel, own
