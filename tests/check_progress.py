#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_progress.py - the line on a terminal while much is read: there when it takes long, erased at the end; never in a
pipe, on a dumb terminal, or when it is done at once.

The capture comes out of a pipe for as long as this script wants: until the line is seen, or, where none may come, until a
reader of the same pipe length has shown one elsewhere. Nothing is timed here.
"""
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
# 192.0.2.1:9 > 198.51.100.1:9: UDP, 50 bytes
FRAME = bytes.fromhex("020000000002020000000001 0800 4500001c000000004011 0000 c0000201 c6336401 00090009 00080000".replace(" ", ""))
FRAME += bytes(60 - len(FRAME))
ERASE = b"\r\x1b[K"
LINE = re.compile(rb"\r\x1b\[K(read [\d.]+ k?M?G?B[^\r]*|[^\r]*\xe5\xb7\xb2\xe8\xaf\xbb[^\r]*)")


class Reader:
    """A report that reads a pipe which this script fills, its standard error on a terminal or not."""

    def __init__(self, folder, name, *arguments, terminal=True, **environment):
        self.fifo = os.path.join(folder, name)
        os.mkfifo(self.fifo)
        self.master, slave = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen([oracle.PROGRAM, "report", f"a={self.fifo}", *arguments], stdout=subprocess.PIPE,
                                        stderr=slave, env={**os.environ, "TERM": "xterm", **environment})
        os.close(slave)
        self.said, self.done = b"", threading.Event()
        self.listener, self.writer = threading.Thread(target=self.listen), threading.Thread(target=self.fill)
        self.listener.start()
        self.writer.start()

    def listen(self):
        while True:
            try:
                some = os.read(self.master, 65536)
            except OSError:  # the other end of a terminal was closed
                return
            if not some:
                return
            self.said += some

    def fill(self):
        batch, second = 4096, 1_700_000_000
        try:
            with open(self.fifo, "wb") as pipe:
                pipe.write(HEADER)
                while not self.done.is_set():
                    pipe.write(b"".join(struct.pack("<IIII", second, i * 200, len(FRAME), len(FRAME)) + FRAME
                                        for i in range(batch)))
                    second += 1
        except BrokenPipeError:
            pass

    def lines(self):
        return LINE.findall(self.said)

    def wait_for_line(self, deadline):
        """True when one came; the deadline is for a program that hangs."""
        for _ in range(deadline * 10):
            if self.lines() or self.process.poll() is not None:
                break
            select.select([], [], [], 0.1)
        return bool(self.lines())

    def end(self):
        self.done.set()
        self.writer.join()
        out, _ = self.process.communicate(timeout=oracle.HANG_LIMIT)
        self.listener.join()
        os.close(self.master)
        return self.process.returncode, out


def check_long(suite, folder):
    """One on a terminal, one in Chinese, one in a pipe, one on a dumb terminal: all read at the same time."""
    readers = {"terminal": Reader(folder, "one"), "Chinese": Reader(folder, "two", "--lang", "zh-CN"),
               "pipe": Reader(folder, "three", terminal=False), "dumb": Reader(folder, "four", TERM="dumb")}
    with suite.check("a line on a terminal") as check:
        for name in ("terminal", "Chinese"):
            check.true(f"{name}: {readers[name].said[-200:]}", readers[name].wait_for_line(oracle.HANG_LIMIT))
        ended = {name: reader.end() for name, reader in readers.items()}
        for name, (code, out) in ended.items():
            check.true(f"{name}: exit {code}", code in oracle.VERDICT_EXITS)
            check.true(f"{name}: its report", b"wan" in out.lower() or "线路".encode() in out)
        said = readers["terminal"].said
        words = readers["terminal"].lines()[-1].decode()
        check.true(words, re.fullmatch(r"read [\d.]+ [kMG]?B, [\d,]+ frames, [\d.]+ [kMG]?B/s", words))
        check.true("erased at the end", said.rindex(ERASE) > said.rindex(b"frames,"))
        check.true("no line feed within", b"\n" not in said[said.index(b"read "):said.rindex(b"frames,")])
        check.true("Chinese: " + readers["Chinese"].said.decode(errors="replace")[-200:],
                   "帧，每秒" in readers["Chinese"].said.decode(errors="replace"))
    with suite.check("nothing in a pipe, nor on a dumb terminal") as check:
        for name in ("pipe", "dumb"):
            check.same(name, readers[name].said, b"")


def check_short(suite):
    """What is done at once needs no line."""
    with suite.check("nothing for a small file") as check:
        master, slave = pty.openpty()
        done = subprocess.run([oracle.PROGRAM, "report", os.path.join(FIXTURES, "leak", "wan1.pcap.gz")], stdout=subprocess.PIPE,
                              stderr=slave, timeout=oracle.HANG_LIMIT, check=False)
        check.true(f"exit {done.returncode}", done.returncode in oracle.VERDICT_EXITS)
        os.close(slave)
        ready = select.select([master], [], [], 0)[0]
        said = b""
        try:
            said = os.read(master, 4096) if ready else b""
        except OSError:  # nothing was written before the end was closed
            pass
        check.same("said", said, b"")
        os.close(master)


def main():
    suite = oracle.Suite("progress")
    oracle.need_program(suite)
    folder = tempfile.mkdtemp(prefix="mptcp-audit-progress")
    try:
        check_long(suite, folder)
        check_short(suite)
    finally:
        shutil.rmtree(folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
