#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_watch.py - watch and packets -i, beside real MPTCP traffic in network namespaces.

What watch counts over a spool that is being written equals a report of the same files; what packets -i prints equals
what tcpdump records at the same time; the terminal is as it was before, however watch ends. Needs root.
"""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios

import lab
import oracle
from lab import wait_until

CAPTURED = os.path.join(os.path.dirname(oracle.PROGRAM), "mptcp-captured")
ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"
ESCAPE = re.compile(rb"\033\[[0-9;?]*[A-Za-z]")


class Plain:
    """A running subcommand whose output is no terminal: lines of stdout and stderr as they come."""

    def __init__(self, running, name, *arguments, wrap=()):
        inside = ["ip", "netns", "exec", name] if name else []
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.process = subprocess.Popen([*inside, *wrap, oracle.PROGRAM, *arguments], stdin=subprocess.DEVNULL,
                                        stdout=self.files[0], stderr=self.files[1], preexec_fn=lab.die_with_parent)
        running.append(self.process)

    def text(self, which=0):
        size = os.fstat(self.files[which].fileno()).st_size
        return os.pread(self.files[which].fileno(), size, 0).decode(errors="replace")

    def until(self, pattern, which=0):
        def there():
            if self.process.poll() is not None and not re.search(pattern, self.text(which)):
                raise RuntimeError(f"ended with {self.process.returncode} before \"{pattern}\": {self.text(1)[-300:]}")
            return re.search(pattern, self.text(which))
        return wait_until(f"\"{pattern}\"", there, 30)

    def end(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


class Screen:
    """A running subcommand on a terminal of its own."""

    def __init__(self, running, name, *arguments, size=(24, 80), environment=None):
        self.near, far = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(far)
        self.far = far
        self.seen = b""
        inside = ["ip", "netns", "exec", name] if name else []

        def own_terminal():
            lab.die_with_parent()
            os.setsid()
            fcntl.ioctl(far, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([*inside, oracle.PROGRAM, *arguments], stdin=far, stdout=far, stderr=far,
                                        preexec_fn=own_terminal,
                                        env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(environment or {})})
        running.append(self.process)

    def resize(self, rows, columns):
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        while select.select([self.near], [], [], seconds)[0]:
            try:
                data = os.read(self.near, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data
            seconds = 0

    def until(self, pattern):
        def there():
            self.read()
            return re.search(pattern, self.seen)
        return wait_until(f"{pattern} on the screen, which shows {self.seen[-500:]}", there, 20)

    def key(self, key):
        os.write(self.near, key)

    def wait(self):
        def over():
            self.read()
            return self.process.poll() is not None
        wait_until("the screen to end", over, 20)
        self.read()
        return self.process.returncode

    def restored(self):
        """Left the alternate screen last, the cursor is there, the terminal's settings are those of before."""
        return (self.seen.rfind(LEAVE) > self.seen.rfind(ENTER) >= 0 and
                self.seen.rfind(b"\033[?25h") > self.seen.rfind(b"\033[?25l") and
                termios.tcgetattr(self.far) == self.before)

    def frames(self):
        """The texts of all whole screens: lists of lines without escapes."""
        for part in self.seen.split(LEAVE)[0].split(b"\033[H")[2:]:
            yield [ESCAPE.sub(b"", line).decode().rstrip("\r") for line in part.split(b"\r\n")]

    def close(self):
        os.close(self.near)
        os.close(self.far)


@contextlib.contextmanager
def spool(net, running, *arguments):
    """A recorder of both WANs that writes into a new directory."""
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-watch") as folder:
        os.chmod(folder, 0o777)
        process = subprocess.Popen(["ip", "netns", "exec", net.names["client"], CAPTURED, "-i", "wan1=master", "-i",
                                    "wan2=backup", "-d", folder, *arguments], stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lab.die_with_parent)
        running.append(process)
        line = ""
        while "ready" not in line:
            line = process.stderr.readline()
            if not line:
                raise RuntimeError("mptcp-captured ended at once")
        yield folder, process
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def failover(net):
    """A download that must go over wan2 for a while."""
    fetch = net.fetch(1_500_000, rate=500_000, keepalive=1, joined=1)
    start = net.wan_bytes("wan1")
    wait_until("200 kB on wan1", lambda: net.wan_bytes("wan1") > start + 200_000)
    start = net.wan_bytes("wan2")
    net.run("middle", "ip", "link", "set", "m1", "down")
    wait_until("200 kB on wan2", lambda: net.wan_bytes("wan2") > start + 200_000)
    net.run("middle", "ip", "link", "set", "m1", "up")
    net.finish(fetch)


# ---- figures ----

def totals(text):
    """{wan: {"frames": n, ..., kind: (frames, ip_bytes, payload_bytes)}} of the last lines."""
    out = {}
    for line in text.splitlines():
        if not line.startswith("total "):
            continue
        words = line.split()
        out[words[1]] = {}
        for key, value in (word.split("=", 1) for word in words[2:]):
            out[words[1]][key] = tuple(map(int, value.split(","))) if "," in value else value
    return out


def check_figures(suite, net, running):
    with suite.check("figures of a spool equal a report's") as check, \
         spool(net, running, "--rotate-time", "1s", "--flush", "200ms") as (folder, recorder):
        watch = Plain(running, None, "watch", folder, "--interval", "0.5")
        watch.until(r"\bwan wan1 ")
        failover(net)
        recorder.terminate()
        check.same("exit of the recorder", recorder.wait(30), 0)
        watch.until(r"event wan2 the recorder stopped")
        check.same("exit of watch", watch.end(), 0)
        files = [name for name in os.listdir(folder) if name.endswith(".pcapng")]
        check.true(f"too few files to prove rotation: {files}", len(files) >= 6)
        got = totals(watch.text())
        want = oracle.wans_of(json.loads(oracle.run("report", "--json", "-", folder)[0]))
        check.same("WANs", sorted(got), sorted(want))
        for name, wan in want.items():
            check.same(f"{name} frames", int(got[name]["frames"]), wan["frames"])
            check.same(f"{name} l2_bytes", int(got[name]["l2_bytes"]), wan["l2_bytes"])
            for kind, row in wan["kinds"].items():
                check.same(f"{name} {kind}", got[name].get(kind, (0, 0, 0)),
                           (row["frames"], row["ip_bytes"], row["payload_bytes"]))
        check.true("no user data on wan2: nothing was proven", want["wan2"]["kinds"]["payload"]["payload_bytes"] > 200_000)
        check_lines(check, watch.text())


def check_lines(check, text):
    """Every line is a look, an event or a sum; what happened was told."""
    line = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (wan \S+( \w+=\S+)+|event \S+ .+)|total \S+( \w+=\S+)+)$")
    for row in text.splitlines():
        check.true(f"odd line: {row}", line.match(row))
    check.true("roles", "wan wan1 role=master" in text and "wan wan2 role=backup" in text)
    check.true("user data on the backup was not told", re.search("event wan2 user data begins", text))
    check.true("the join was not told", re.search("event wan2 subflow joined", text))


# ---- the terminal ----

ENDS = (("q", lambda s: s.key(b"q"), 0), ("Ctrl-C", lambda s: s.key(b"\x03"), 0),
        ("TERM", lambda s: s.process.terminate(), 0), ("HUP", lambda s: s.process.send_signal(signal.SIGHUP), 0))


def check_screen(suite, net, running):
    with spool(net, running, "--flush", "200ms") as (folder, _):
        for name, act, code in ENDS:
            with suite.check(f"the terminal after {name}") as check:
                screen = Screen(running, None, "watch", folder, "--interval", "0.2")
                screen.until(rb"wan2")
                act(screen)
                check.same("exit", screen.wait(), code)
                check.true("not restored", screen.restored())
                check.true("no sums at the end", re.search(rb"wan2, backup: \d+ frames", screen.seen.split(LEAVE)[-1]))
                screen.close()
        check_sizes(suite, folder, running)


def check_sizes(suite, folder, running):
    with suite.check("a screen is never longer or wider than the terminal") as check:
        for rows, columns in ((24, 80), (40, 120), (16, 60), (8, 30), (2, 10), (1, 1)):
            screen = Screen(running, None, "watch", folder, "--interval", "0.1", "--count", "3", size=(rows, columns))
            check.same("exit", screen.wait(), 0)
            shown = list(screen.frames())
            check.true("no screen", shown)
            for lines in shown:
                check.same("rows", len(lines), rows)
                check.true(f"{max(map(len, lines))} columns of {columns}", max(map(len, lines)) <= columns)
            screen.close()
    with suite.check("a new size of the terminal") as check:
        screen = Screen(running, None, "watch", folder, "--interval", "30")
        screen.until(rb"q quits")
        screen.seen = b"\033[H" + screen.seen
        screen.resize(10, 40)
        screen.process.send_signal(signal.SIGWINCH)
        wait_until("a screen of ten rows", lambda: screen.read() or len(list(screen.frames())[-1]) == 10, 5)
        check.true("ten rows", True)
        screen.key(b"q")
        screen.wait()
        screen.close()
    with suite.check("NO_COLOR") as check:
        screen = Screen(running, None, "watch", folder, "--count", "2", "--interval", "0.1", environment={"NO_COLOR": "1"})
        screen.wait()
        check.true("colours", not re.search(rb"\033\[[0-9;]*3[0-9]", screen.seen))
        screen.close()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def check_crash(suite, net, running):
    with suite.check("the terminal after a crash of the recorder") as check:
        screen = Screen(running, net.names["client"], "watch", "-i", "wan1=master", "-i", "wan2=backup")
        screen.until(rb"wan2")
        keeper = children(screen.process.pid)[0]
        for pid in (*children(keeper), keeper):
            os.kill(pid, signal.SIGKILL)
        check.same("exit", screen.wait(), 70)
        check.true("not restored", screen.restored())
        check.true("not said", b"signal 9" in screen.seen.split(LEAVE)[-1])
        screen.close()


# ---- live ----

def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(line.split()[1] for line in file if line.startswith(key + ":"))


def check_packets(suite, net, running):
    name = net.names["client"]
    with suite.check("packets -i prints what tcpdump records") as check, \
         tempfile.TemporaryDirectory(prefix="mptcp-audit-watch") as folder:
        recorder = lab.Recorder(net, folder)
        net.quiet()
        live = Plain(running, name, "packets", "-i", "wan1=master", "-i", "wan2=backup", "--json")
        live.until(r": ready", 1)
        for key, want in (("Uid", "65534"), ("CapEff", "0" * 16), ("CapPrm", "0" * 16), ("NoNewPrivs", "1")):
            check.same(f"{key} of the reader", status(live.process.pid, key), want)
        recorder.begin()
        failover(net)
        delta, _ = recorder.end()
        want = sum(row["tx_packets"] + row["rx_packets"] for row in delta.values())
        wait_until(f"{want} lines", lambda: live.text().count("\n") >= want, 10)
        check.same("exit", live.end(), 0)
        got = [json.loads(line) for line in live.text().splitlines()]
        files = [f"{wan}={recorder.path(wan)}" for wan in net.wans]
        other = oracle.packets(*files)
        check.same("frames", len(got), len(other))
        for wan in net.wans:
            mine, theirs = ([(row["kind"], row["l2_len"], row["src"], row["dst"], row["payload_len"]) for row in rows
                             if row["wan"] == wan] for rows in (got, other))
            counted = oracle.capinfos(recorder.path(wan))
            check.same(f"{wan} frames of capinfos", len(mine), counted[0])
            check.same(f"{wan} bytes of capinfos", sum(row[1] for row in mine), counted[1])
            check.same(f"{wan} frames, each", sorted(map(str, mine)), sorted(map(str, theirs)))
            said = re.search(rf"{wan}, \w+: ([\d,]+) frames, .*; 0 dropped", live.text(1))
            check.true(f"no summary of {wan}: {live.text(1)[-400:]}", said and int(said[1].replace(",", "")) == len(mine))
        check.true("out of order", [row["ts"] for row in got] == sorted(row["ts"] for row in got))


def check_count(suite, net, running):
    with suite.check("packets -i -c ends by itself") as check:
        live = Plain(running, net.names["client"], "packets", "-i", "wan1", "-c", "5", "-f", "tcp")
        live.until(r": ready", 1)
        net.finish(net.fetch(20_000, joined=0))
        check.same("exit", live.process.wait(30), 0)
        check.same("lines", live.text().count("\n"), 5)


def check_refusals(suite, running):
    nobody = ("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all")
    cases = (("no privileges", ("packets", "-i", "lo"), nobody, 77, "CAP_NET_RAW"),
             ("no privileges to watch", ("watch", "-i", "lo=backup"), nobody, 77, "CAP_NET_RAW"),
             ("a filter that is none", ("packets", "-i", "lo", "-f", "tcp port banana"), (), 64, "banana"),
             ("a role that is none", ("watch", "-i", "lo=bakcup"), (), 64, "bakcup"),
             ("files and devices", ("packets", "-i", "lo", "/dev/null"), (), 64, "live"),
             ("no such directory", ("watch", "/nonexistent"), (), 66, "/nonexistent"),
             ("a file as a spool", ("watch", "/etc/passwd"), (), 66, "not a directory"),
             ("nothing to watch", ("watch",), (), 64, "-i wan1=master"))
    for name, arguments, wrap, code, words in cases:
        with suite.check(name) as check:
            run = Plain(running, None, *arguments, wrap=wrap)
            check.same("exit", run.process.wait(20), code)
            check.true(f"says {run.text(1)!r}", words in run.text(1))


def block(kind, body):
    size = 12 + len(body)
    return struct.pack("=II", kind, size) + body + struct.pack("=I", size)


def option(code, value):
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)


def check_hostile(suite, running):
    """A WAN whose name would clear the screen."""
    note = b"mptcp-captured/1 interface wan=%1B[2J%0Aevil role=backup device=../../etc boot=zzzzzzzz"
    with suite.check("hostile names") as check, tempfile.TemporaryDirectory(prefix="mptcp-audit-watch") as folder:
        with open(os.path.join(folder, "x-0123abcd-00000001-20260101T000000Z.pcapng.part"), "wb") as file:
            file.write(block(0x0a0d0d0a, struct.pack("=IHHq", 0x1a2b3c4d, 1, 0, -1)))
            file.write(block(1, struct.pack("=HHI", 1, 0, 0) + option(1, note) + option(2, b"\x1b]0;x\x07") + bytes(4)))
        screen = Screen(running, None, "watch", folder, "--count", "2", "--interval", "0.2")
        check.same("exit", screen.wait(), 0)
        check.true("its name is not shown", b"evil" in screen.seen)
        check.same("screens cleared", screen.seen.count(b"\033[2J"), 1)
        check.true("a title was set", b"\033]" not in screen.seen)
        screen.close()


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    suite = oracle.Suite("watch")
    why = lab.why_unable()
    if why:
        suite.skip("all", why)
        return 0
    oracle.need_program(suite)
    if not os.path.exists(CAPTURED):
        suite.skip("all", f"{CAPTURED} is not built")
        return 0
    running = []
    try:
        check_refusals(suite, running)
        check_hostile(suite, running)
        with lab.Lab(2) as net:
            net.endpoint(2, "subflow", "backup")
            net.serve()
            for check in (check_figures, check_screen, check_crash, check_packets, check_count):
                check(suite, net, running)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
