#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_recorder.py - mptcp-captured against the kernel: does every frame that was offered lie in a file, or in a count?

What was offered is what the sending interface counted. The files are read by recorder.py's own reader. Needs root.

    check_recorder.py [NAME...]     only these checks
    KILLS=n, REPLUGS=n              how often to kill, to pull the modem (default 200, 100)
"""
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import lab
import oracle
import recorder
from lab import wait_until
from recorder import Daemon, Router

KILLS = int(os.environ.get("KILLS", "200"))
REPLUGS = int(os.environ.get("REPLUGS", "100"))
CHECKS = {}


def check(function):
    CHECKS[function.__name__.replace("_", "-")] = function
    return function


@contextlib.contextmanager
def spool_directory():
    with tempfile.TemporaryDirectory(prefix="mptcp-captured-test") as path:
        spool = os.path.join(path, "spool")
        os.chmod(path, 0o755)
        yield spool


def same_sum(c, what, rows, offered):
    """offered == stored + counted drops, to the frame."""
    kernel, own = recorder.counted_drops(rows)
    c.same(f"{what}: stored {recorder.stored(rows)} + dropped {kernel} + lost {own}", recorder.stored(rows) + kernel + own,
           offered)
    return kernel, own


def all_readable(c, paths):
    """capinfos and our own program read every file to its end without a flaw."""
    for path in paths:
        done = subprocess.run(["capinfos", "-c", "-M", path], capture_output=True, text=True, check=False)
        c.same(f"capinfos {os.path.basename(path)}: {done.stderr.strip()[:200]}", done.returncode, 0)
    if paths:
        out, err = oracle.run("dissect", *paths)
        c.true(f"our own reader: {err.strip()[:200]}", not err.strip() and json.loads(out))


# ---- nothing is lost without a count ----

@check
def load(c, backend="ring"):
    """Three WANs at once, as fast as three senders can, files of 256 KiB."""
    with Router(3) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan*", "--rotate-size", "256K", "--backend", backend, spool=spool).ready()
        before = {wan: router.counted(wan) for wan in router.wans}
        with contextlib.ExitStack() as stack:
            senders = [stack.enter_context(router.traffic(wan, 20000)) for wan in router.wans]
            wait_until("20,000 frames on each WAN", lambda: all(s.sent >= 20000 for s in senders))
        offered = {wan: router.counted(wan) - before[wan] for wan in router.wans}
        code = daemon.stop()
        lost = 0
        for wan in router.wans:
            rows = recorder.read(spool, wan)
            lost += sum(same_sum(c, wan, rows, offered[wan]))
            numbers = [n for row in rows for n in row.numbers()]
            c.true(f"{wan} in order", numbers == sorted(numbers))
            c.true(f"{wan} rotated", len(rows) > 3)
            c.true(f"{wan} files end with their word", all(row.has("end") for row in rows))
        c.same("exit code", code, 3 if lost else 0)
        all_readable(c, recorder.files(spool)[:6])


@check
def load_pcap(c):
    load(c, "pcap")


@check
def stalls(c, backend="ring"):
    """The recorder is stopped for 0.3, 1 and 3 s while frames come: the kernel drops, and its count is ours."""
    with Router(2) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "-i", "wan2", "--buffer", "256K", "--backend", backend, spool=spool).ready()
        before = router.counted("wan1")
        with router.traffic("wan1", 10000) as sender:
            for pause in (0.3, 1, 3):
                os.kill(daemon.recorder(), signal.SIGSTOP)
                time.sleep(pause)
                os.kill(daemon.recorder(), signal.SIGCONT)
                goal = sender.sent + 2000
                wait_until("2,000 frames more", lambda goal=goal: sender.sent >= goal)
        offered = router.counted("wan1") - before
        code = daemon.stop()
        kernel, _ = same_sum(c, "wan1", recorder.read(spool, "wan1"), offered)
        c.true("the stall was long enough to drop", kernel > 0)
        c.same("exit code says so", code, 3)


@check
def stalls_pcap(c):
    stalls(c, "pcap")


@check
def slow_disk(c):
    """3 s without a write at 10,000 frames a second, an 8 MiB ring: nothing is dropped. The disk is a pipe nobody reads."""
    with Router(1) as router:
        daemon = Daemon(router, "-i", "wan1", "-w", "-", "--buffer", "8M", stdout=subprocess.PIPE).ready()
        before = router.counted("wan1")
        with router.traffic("wan1", 10000) as sender:
            start = time.monotonic()
            wait_until("3 s of traffic", lambda: time.monotonic() - start > 3)
            c.true(f"{sender.sent} frames", sender.sent > 20000)
        offered = router.counted("wan1") - before
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as out:
            daemon.process.send_signal(signal.SIGTERM)
            shutil.copyfileobj(daemon.process.stdout, out)
            out.flush()
            code = daemon.process.wait(60)
            row = recorder.File(out.name)
            c.same("stored", len(row.numbers()), offered)
            c.same("exit code", code, 0)
            times = [frame[1] for frame in row.frames]
            c.true("in order of time", times == sorted(times))
            all_readable(c, [out.name])


@check
def slow_spool(c):
    """A writer that is slower than the traffic, small files: the kernel drops and counts; nothing is lost between two files,
    none is forgotten at the end, and nobody waits by spinning. Compression at its hardest stands for the disk."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--zstd", "19", "--rotate-size", "64K", "--buffer", "8M", spool=spool).ready()
        before = router.counted("wan1")
        with router.traffic("wan1", 0) as sender:
            wait_until("the ring to overflow", lambda: daemon.wan("wan1")["dropped"] > 1000, 30)
            goal = sender.sent + 20000
            wait_until("more frames", lambda: sender.sent > goal)
        with contextlib.closing(router.socket("wan1")):
            many = switches(daemon, 1)
        offered = router.counted("wan1") - before
        code = daemon.stop()
        kernel, own = same_sum(c, "wan1", recorder.read(spool, "wan1"), offered)
        c.true("the kernel dropped", kernel > 1000)
        c.same("lost by us", own, 0)
        c.same("exit code", code, 3)
        c.true(f"waits instead of trying all the time ({many} switches)", many < 1500)
        all_readable(c, recorder.files(spool)[:6])


@check
def stream_of_two(c):
    """-w - of two WANs is one stream in the order of time."""
    with Router(2) as router:
        daemon = Daemon(router, "-i", "wan1=master", "-i", "wan2=backup", "-w", "-", stdout=subprocess.PIPE).ready()
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as out, router.traffic("wan1", 3000) as one, \
                router.traffic("wan2", 3000) as two:
            wait_until("frames", lambda: one.sent > 3000 and two.sent > 3000)
            one.stop(), two.stop()
            daemon.process.send_signal(signal.SIGINT)
            shutil.copyfileobj(daemon.process.stdout, out)
            out.flush()
            c.same("exit code", daemon.process.wait(60), 0)
            row = recorder.File(out.name)
            c.same("stored", len(row.numbers()), one.sent + two.sent)
            times = [frame[1] for frame in row.frames]
            c.true("in order of time", times == sorted(times))
            all_readable(c, [out.name])


@check
def closed_output(c):
    """Standard output was closed before the start: the capture goes nowhere else, and that is said."""
    with Router(1) as router:
        command = f"exec {recorder.PROGRAM} -i wan1 -w - --count 5 --duration 20s <&- >&-"
        with subprocess.Popen(["ip", "netns", "exec", router.near, "sh", "-c", command], stderr=subprocess.PIPE, text=True) as process:
            line = next(line for line in process.stderr if "ready" in line)
            with contextlib.closing(router.socket("wan1")) as sock:
                recorder.send(sock, 0, 5)
            said = line + process.stderr.read()
        c.same("exit code", process.returncode, 4)
        c.true(f"said so: {said}", "could not be written" in said)


@check
def disk_full(c):
    """A full disk: nothing to delete, so it suspends, counts, and goes on by itself when there is room."""
    with Router(1) as router, tempfile.TemporaryDirectory(prefix="mptcp-captured-test") as disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0777", "tmpfs", disk], check=True)
        try:
            suspend_and_resume(c, router, disk)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def suspend_and_resume(c, router, disk):
    filler = os.path.join(disk, "somebody-elses")
    with open(filler, "wb") as file:
        file.write(bytes(1536 * 1024))
    spool = os.path.join(disk, "spool")
    daemon = Daemon(router, "-i", "wan1", "--max-bytes", "64M", "--rotate-size", "16M", "--flush", "0.1s", spool=spool).ready()
    before = router.counted("wan1")
    with router.traffic("wan1", 5000):
        wait_until("the recorder to suspend", lambda: daemon.wan("wan1")["state"] == "suspended")
        lost = daemon.wan("wan1")["lost"]
        wait_until("losses to be counted", lambda: daemon.wan("wan1")["lost"] > lost)
        os.unlink(filler)
        wait_until("the recorder to go on", lambda: daemon.wan("wan1")["state"] == "recording")
    offered = router.counted("wan1") - before
    code = daemon.stop()
    rows = recorder.read(disk + "/spool", "wan1")
    kernel, own = recorder.counted_drops(rows)
    gaps = [row for file in rows for row in file.notes if row[""] == "gap" and row["state"] == "suspended"]
    told = sum(int(row["lost"]) for row in gaps)
    same_sum(c, "wan1", rows, offered)
    c.true(f"the gaps tell {told} of {own} lost frames, dropped {kernel}", 0 < told <= own)
    c.same("exit code", code, 4)
    c.true("said so", "cannot write" in daemon.said() and "writes again" in daemon.said())
    all_readable(c, recorder.files(spool))


@check
def directory_removed(c):
    """rm -rf of the spool: no file can begin there ever again. It says so and ends, so that whoever watches it starts it anew."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--statistics", "1s", spool=spool).ready()
        shutil.rmtree(spool)
        c.same("exit code", daemon.process.wait(20), 73)
        c.true("said so: " + daemon.said(), "was removed" in daemon.said())


@check
def ring(c):
    """The limits hold at every moment; the oldest go first."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--max-bytes", "1M", "--rotate-size", "128K", "--max-files", "6", spool=spool).ready()
        most = count = 0
        with router.traffic("wan1", 0) as sender:
            while sender.sent < 60000:
                with frozen(daemon.recorder()):
                    sizes = [os.stat(path).st_size for path in glob.glob(spool + "/*.pcapng*")]
                most, count = max(most, sum(sizes)), max(count, len(sizes))
                time.sleep(0.01)
        daemon.stop()
        c.true(f"at most 1 MiB ({most})", most <= 1 << 20)
        c.true(f"at most 6 files ({count})", count <= 6)
        numbers = [int(os.path.basename(path).split("-")[2]) for path in recorder.files(spool)]
        c.true(f"the newest are left: {numbers}", numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] > 3)


@contextlib.contextmanager
def frozen(pid):
    """The process does nothing during the block: all its threads are stopped."""
    os.kill(pid, signal.SIGSTOP)
    wait_until("it to stop", lambda: all(state(path) in "TZ" for path in glob.glob(f"/proc/{pid}/task/*/stat")), 10, 0.001)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def state(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


# ---- rotation and time ----

@check
def rotation_idle(c):
    """Files are closed on time without any traffic, and say that they cover the silence."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--rotate-time", "1s", spool=spool).ready()
        wait_until("three files", lambda: len(recorder.files(spool)) >= 3)
        daemon.stop()
        rows = recorder.read(spool, "wan1")
        ends = [list(row.statistics.values())[-1] for row in rows]
        for one, two in zip(ends, ends[1:]):
            c.true("each begins where the one before ended", abs(two["start"] - one["end"]) < 100_000_000)
        for row in ends[:3]:
            c.true("about a second", 900_000_000 < row["end"] - row["start"] < 2_000_000_000)
        c.true("kernel counters in each", all(row.has("counters") for row in rows))
        all_readable(c, recorder.files(spool))


@check
def clock(c):
    """The wall clock is set +20 years, -1 h, +1 s, -1 s, many times: order, rotation and frames stay."""
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + glob.glob("/usr/lib/faketime/libfaketime.so.1")
    if not library:
        raise RuntimeError("libfaketime is not installed")
    with Router(1) as router, spool_directory() as spool:
        os.mkdir(spool, 0o777)
        os.chmod(spool, 0o777)
        word = os.path.join(spool, "fake")
        set_clock(word, "+0")
        daemon = Daemon(router, "-i", "wan1", "--rotate-time", "2s", "-v", spool=spool,
                        environment={"LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": word, "FAKETIME_NO_CACHE": "1",
                                     "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                     "ASAN_OPTIONS": "verify_asan_link_order=0"}).ready()
        before, steps = router.counted("wan1"), 0
        with router.traffic("wan1", 1000):
            for offset in ("+7305d", "+0", "-1h", "+0", "+1", "+0", "-1", "+0") * 2:
                files = len(recorder.files(spool))
                set_clock(word, offset)
                steps += 1
                # a step is seen at the next wake: frames come a thousand times a second
                wait_until(f"step {steps} to be seen", lambda: daemon.ask()["clock_steps"] >= steps)
                # libfaketime does not reach the kernel's stamps: the recorder waits a moment for frames of the new clock
                wait_until(f"a file of the clock after step {steps}", lambda files=files: len(recorder.files(spool)) > files)
        offered = router.counted("wan1") - before
        c.same("exit code", daemon.stop(), 0)
        rows = recorder.read(spool, "wan1")
        same_sum(c, "wan1", rows, offered)
        numbers = [n for row in rows for n in row.numbers()]
        c.true("in order, by sequence number", numbers == sorted(numbers))
        sequence = [int(os.path.basename(row.path).split("-")[2]) for row in rows]
        c.same("no number twice, none missing", sequence, list(range(sequence[0], sequence[0] + len(rows))))
        jumps = [int(row["by_ns"]) for file in rows for row in file.notes if row[""] == "step"]
        c.same("steps recorded", len(jumps), steps)
        c.true("their size", abs(jumps[0] - 7305 * 86400 * 10**9) < 10**9)
        all_readable(c, recorder.files(spool)[:4])


def set_clock(path, offset):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(offset + "\n")
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


# ---- devices come and go ----

@check
def replug(c, backend="ring", times=None):
    """A modem is pulled and plugged again and again; the other WAN loses nothing, the modem nothing it said to record."""
    times = times or REPLUGS
    with Router(2) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1=master", "-i", "wan2=backup", "--backend", backend, spool=spool).ready()
        before, number = router.counted("wan1"), 0
        with router.traffic("wan1", 2000):
            for turn in range(times):
                wait_until(f"wan2 to be recorded, turn {turn}", lambda turn=turn: daemon.wan("wan2")["opened"] > turn and
                           daemon.wan("wan2")["state"] == "recording", step=0.002)
                with contextlib.closing(router.socket("wan2")) as sock:
                    recorder.send(sock, number, 20)
                number += 20
                router.unplug("wan2")
                if turn + 1 < times:
                    router.plug("wan2")
            wait_until("wan2 to be absent", lambda: daemon.wan("wan2")["state"] == "absent")
        offered = router.counted("wan1") - before
        daemon.stop()
        same_sum(c, "wan1", recorder.read(spool, "wan1"), offered)
        rows = recorder.read(spool, "wan2")
        got = sorted(n for row in rows for n in row.numbers())
        c.same("every frame after it said so", got, list(range(number)))
        gaps = [row for file in rows for row in file.notes if row[""] == "gap" and row["state"] == "absent"]
        c.true(f"{len(gaps)} gaps told", len(gaps) >= times)
        all_readable(c, recorder.files(spool))


@check
def replug_pcap(c):
    replug(c, "pcap", 10)


@check
def late_refusal(c):
    """A device that comes later and that the filter does not fit is refused; the others are recorded on."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "-i", "tun*", "-f", "ether src 02:00:00:00:00:02", spool=spool).ready()
        router.run(router.near, "ip", "tuntap", "add", "tun0", "mode", "tun")
        wait_until("the refusal", lambda: "tun0: cannot open" in daemon.said() or daemon.process.poll() is not None)
        with contextlib.closing(router.socket("wan1")) as sock:
            recorder.send(sock, 0, 20)
        wait_until("frames of wan1", lambda: daemon.wan("wan1")["received"] >= 20)
        c.same("state of tun0", daemon.wan("tun0")["state"], "refused")
        c.same("exit code", daemon.stop(), 0)
        c.same("frames", sorted(n for row in recorder.read(spool, "wan1") for n in row.numbers()), list(range(20)))


@check
def many_names(c):
    """A glob whose devices have another name each time: those that went make room, and no name breaks the answers."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "-i", "v*", spool=spool).ready()
        batch = "".join(f"link add v{n} type veth peer name w{n}\nlink del v{n}\n" for n in range(80))
        subprocess.run(["ip", "-n", router.near, "-batch", "-"], input=batch, text=True, check=True)
        for name in (b"v\xff\"\\\x1b", b"vlast"):
            subprocess.run([b"ip", b"-n", router.near.encode(), b"link", b"add", b"name", name, b"type", b"veth"], check=True)
            subprocess.run([b"ip", b"-n", router.near.encode(), b"link", b"set", b"dev", name, b"up"], check=True)
        wait_until("the last to be seen", lambda: daemon.wan("vlast"))
        wait_until("the odd one to be seen", lambda: daemon.wan('v?"\\?'))
        metrics = daemon.ask("metrics")
        done = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
        c.same(f"promtool: {done.stdout[-300:]} {done.stderr[-300:]}", done.returncode, 0)
        c.true("told at most once that there are too many", daemon.said().count("as many as one recorder takes") <= 1)
        daemon.stop()


@check
def absent_and_down(c):
    """Absent at the start, down later: no work is done while there is none, and the files tell one from the other."""
    with Router(1) as router, spool_directory() as spool:
        router.unplug("wan1")
        daemon = Daemon(router, "-i", "wan1=backup", spool=spool).ready()
        c.same("state", daemon.wan("wan1")["state"], "absent")
        c.true(f"sleeps while absent ({switches(daemon)})", switches(daemon) < 15)
        router.plug("wan1")
        wait_until("it to be recorded", lambda: daemon.wan("wan1")["state"] == "recording")
        router.run(router.near, "ip", "link", "set", "wan1", "down")
        wait_until("it to be down", lambda: daemon.wan("wan1")["state"] == "down")
        c.true(f"sleeps while down ({switches(daemon)})", switches(daemon) < 15)
        router.run(router.near, "ip", "link", "set", "wan1", "up")
        wait_until("it to be up", lambda: daemon.wan("wan1")["state"] == "recording")
        with contextlib.closing(router.socket("wan1")) as sock:
            recorder.send(sock, 0, 50)
        c.same("exit code", daemon.stop(), 0)
        rows = recorder.read(spool, "wan1")
        c.same("frames after it came up", sorted(n for row in rows for n in row.numbers()), list(range(50)))
        states = {row["state"] for file in rows for row in file.notes if row[""] == "gap"}
        c.same("gaps", states, {"absent", "down"})


def switches(daemon, seconds=2):
    """Context switches of all its threads in two seconds."""
    def count():
        total = 0
        for pid in [daemon.pid()] + daemon.children():
            for path in glob.glob(f"/proc/{pid}/task/*/status"):
                with open(path, encoding="ascii") as file:
                    total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        return total

    before = count()
    time.sleep(seconds)
    return count() - before


@check
def never_seen(c):
    """An interface that never existed: said by the exit code, and by a file that covers the time."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "-i", "wwan7=backup", spool=spool).ready()
        c.same("exit code", daemon.stop(), 5)
        rows = recorder.read(spool, "wwan7")
        c.true("its file says absent", any(row[""] == "gap" and row["state"] == "absent" for f in rows for row in f.notes))


# ---- the end comes without warning ----

@check
def kill(c):
    """kill -9 at random moments: what was flushed is there, and the next start makes the rest whole."""
    seed = int(os.environ.get("SEED", str(time.time_ns() % 1000000)))
    chance = random.Random(seed)
    with Router(2) as router, spool_directory() as spool, router.traffic("wan1", 4000), router.traffic("wan2", 500):
        leftovers = 0
        for turn in range(KILLS):
            daemon = Daemon(router, "-i", "wan1", "-i", "wan2", "--flush", "0.05s", "--rotate-size", "128K", "--max-bytes", "2M",
                            spool=spool).ready()
            moment = time.monotonic() + chance.random() * 0.15
            while time.monotonic() < moment:
                time.sleep(0.001)
            daemon.kill()
            leftovers += len(glob.glob(spool + "/*.part"))
            used = sum(os.stat(path).st_size for path in glob.glob(spool + "/*.pcapng*"))
            c.true(f"the ring's limit after kill {turn}: {used}", used <= 2 << 20)
            if turn % 10 == 9:
                out, _ = oracle.run("dissect", spool)   # torn as it lies
                c.true(f"frames after kill {turn} (seed {seed})", json.loads(out)["wans"])
        c.true(f"{leftovers} unfinished files in {KILLS} kills", leftovers >= KILLS // 2)
        daemon = Daemon(router, "-i", "wan1", "-i", "wan2", spool=spool).ready()
        daemon.stop()
        c.same("leftovers", glob.glob(spool + "/*.part"), [])
        rows = recorder.read(spool, "wan1")
        c.same("bytes behind the last block", [row.path for row in rows if row.rest], [])
        c.true("repairs are told in the files", any(row.has("repaired") for row in rows))
        all_readable(c, recorder.files(spool))


@check
def flushed(c):
    """Everything that was flushed before a kill -9 is in the repaired files."""
    with Router(1) as router, spool_directory() as spool:
        for turn in range(5):
            daemon = Daemon(router, "-i", "wan1", "--flush", "60s", spool=spool).ready()
            with contextlib.closing(router.socket("wan1")) as sock:
                recorder.send(sock, turn * 100, 100)
            wait_until("100 frames to be taken", lambda: daemon.wan("wan1")["received"] >= 100)
            daemon.ask("flush")
            wait_until("them to be on their way", lambda turn=turn: recorder.stored(recorder.read(spool, "wan1", True)) >= turn * 100 + 100)
            daemon.kill()
        daemon = Daemon(router, "-i", "wan1", spool=spool).ready()
        daemon.stop()
        c.same("frames", sorted(n for row in recorder.read(spool, "wan1") for n in row.numbers()), list(range(500)))


# ---- what it may, and what it keeps ----

def sanitized():
    """Sanitizers make system calls of their own: what they are built into filters none (sandbox.c)."""
    with open(recorder.PROGRAM, "rb") as file:
        return b"__asan_init" in file.read()


@check
def privileges(c):
    """The recording process has none, and still rotates and opens devices that return."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", spool=spool).ready()
        with open(f"/proc/{daemon.recorder()}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        for row in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            c.same(row, int(status[row], 16) if row != "CapBnd" else 0, 0)
        c.same("NoNewPrivs", status["NoNewPrivs"].strip(), "1")
        c.same("Seccomp", status["Seccomp"].strip(), "0" if sanitized() else "2")
        c.true("not root", "0" not in status["Uid"].split())
        with open(f"/proc/{daemon.pid()}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        c.same("the keeper holds CAP_NET_RAW alone", int(status["CapEff"], 16), 1 << 13)
        router.unplug("wan1")
        router.plug("wan1")
        wait_until("it to be opened again", lambda: daemon.wan("wan1")["opened"] == 2)
        daemon.ask("rotate")
        wait_until("it to rotate", lambda: len(recorder.files(spool)) >= 1)
        c.same("exit code", daemon.stop(), 0)
        for path in recorder.files(spool):
            c.same("mode", os.stat(path).st_mode & 0o777, 0o640)


@check
def not_writable(c):
    """A spool that the unprivileged user cannot write into is refused at once, in words."""
    with Router(1) as router, spool_directory() as spool:
        os.mkdir(spool, 0o755)
        daemon = Daemon(router, "-i", "wan1", spool=spool)
        c.same("exit code", daemon.process.wait(20), 77)
        c.true(f"what to do: {daemon.said()}", "chown" in daemon.said())


@check
def privacy(c):
    """No byte of TCP payload in a default recording; whole frames only where asked."""
    with Router(2) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1=master", "-i", "wan2=backup", "--snaplen-backup", "0", spool=spool).ready()
        for wan in router.wans:
            with contextlib.closing(router.socket(wan)) as sock:
                for size in (1, 7, 100, 1400):
                    for options in (b"", b"\x01" * 12, b"\x01" * 40):
                        sock.send(recorder.tcp_frame((recorder.MARKER * 50)[:size], options)[:1514])
        wait_until("the frames", lambda: all(daemon.wan(wan)["received"] >= 12 for wan in router.wans))
        daemon.stop()
        for wan, private in (("wan1", True), ("wan2", False)):
            rows = recorder.read(spool, wan)
            frames = [frame for row in rows for frame in row.frames]
            c.same(f"{wan} frames", len(frames), 12)
            held = [len(frame[2]) - 54 - (frame[2][46] // 16 - 5) * 4 for frame in frames if len(frame[2]) > 46]
            c.true(f"{wan} payload bytes kept: {held}", not any(held) if private else all(held))
            c.true(f"{wan} wire lengths", all(frame[3] >= len(frame[2]) for frame in frames))


@check
def reload(c):
    """HUP: new settings for one WAN, not a packet lost on the other; a bad file changes nothing."""
    with Router(2) as router, spool_directory() as spool, tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        os.chmod(conf.name, 0o644)

        def configure(more):
            conf.seek(0)
            conf.truncate()
            conf.write(f"[captured]\ndirectory = {spool}\n[interface wan1]\nrole = master\n[interface wan2]\nrole = backup\n{more}")
            conf.flush()

        configure("")
        daemon = Daemon(router, "--config", conf.name)
        daemon.spool = spool
        daemon.ready()
        before = router.counted("wan1")
        with router.traffic("wan1", 5000) as sender:
            configure("snaplen = 100\n")
            daemon.process.send_signal(signal.SIGHUP)
            wait_until("the settings to be read", lambda: "settings read again" in daemon.said())
            wait_until("wan2 to be recorded anew", lambda: daemon.wan("wan2")["state"] == "recording")
            configure("snaplen = rubbish\n")
            daemon.process.send_signal(signal.SIGHUP)
            wait_until("the complaint", lambda: os.path.basename(conf.name) + ":7" in daemon.said())
            goal = sender.sent + 1000
            wait_until("more frames", lambda: sender.sent > goal)
        with contextlib.closing(router.socket("wan2")) as sock:
            recorder.send(sock, 0, 10, 400)
        wait_until("frames of wan2", lambda: daemon.wan("wan2")["received"] >= 10)
        offered = router.counted("wan1") - before
        daemon.stop()
        rows = recorder.read(spool, "wan1")
        c.same("stored", recorder.stored(rows), offered)
        c.same("wan1 was opened once", len({row["seq"] for f in rows for row in f.notes if row[""] == "interface"}), len(rows))
        lengths = {len(frame[2]) for row in recorder.read(spool, "wan2") for frame in row.frames}
        c.same("wan2 keeps 100 bytes now", lengths, {100})


@check
def reload_role(c):
    """HUP with another role: the WAN is opened anew, once, and its file says since when nothing was recorded."""
    with Router(1) as router, spool_directory() as spool, tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        os.chmod(conf.name, 0o644)

        def configure(role):
            conf.seek(0)
            conf.write(f"[captured]\ndirectory = {spool}\n[interface wan1]\nrole = {role}\n")
            conf.flush()

        configure("master")
        daemon = Daemon(router, "--config", conf.name)
        daemon.spool = spool
        daemon.ready()
        with router.traffic("wan1", 5000):
            wait_until("frames", lambda: daemon.wan("wan1")["received"] > 100)
            configure("backup")
            daemon.process.send_signal(signal.SIGHUP)
            wait_until("the settings to be read", lambda: "settings read again" in daemon.said())
            wait_until("it to be recorded anew", lambda: daemon.wan("wan1")["received"] > 1000)
        wans = [(row["wan"], row["role"]) for row in daemon.ask()["wans"]]
        c.same("WANs", wans, [("wan1", "backup")])
        daemon.stop()
        rows = recorder.read(spool, "wan1")
        gaps = [row for row in rows[1].notes if row[""] == "gap" and "to_ns" in row]
        c.same("gaps", [row["state"] for row in gaps], ["stopped"])
        first, last = rows[0].frames[-1][1], rows[1].frames[0][1]
        c.true("it covers the time between", first <= int(gaps[0]["from_ns"]) and int(gaps[0]["to_ns"]) <= last + 10**6)


@check
def control(c):
    """The control socket answers what it knows; strangers do no harm; the metrics are metrics."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1=backup", spool=spool).ready()
        status = daemon.ask()
        c.same("wans", [(row["wan"], row["role"], row["state"]) for row in status["wans"]], [("wan1", "backup", "recording")])
        c.true("unknown commands are refused", "error" in daemon.ask("dance"))
        for hostile in (b"\0" * 5000, b"{" * 100 + b"\n", b"[]\n", b"\xff\n", b'{"command": 5}\n'):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.connect(os.path.join(spool, "control"))
                sock.sendall(hostile)
        held = [socket.socket(socket.AF_UNIX) for _ in range(20)]
        for sock in held:
            sock.settimeout(5)
            with contextlib.suppress(OSError):
                sock.connect(os.path.join(spool, "control"))
        for sock in held:
            sock.close()
        wait_until("it to answer again", lambda: answers(daemon))
        metrics = daemon.ask("metrics")
        done = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False)
        c.same(f"promtool: {done.stdout} {done.stderr}", done.returncode, 0)
        told = subprocess.run([recorder.PROGRAM, "-d", spool, "--request", "status"], capture_output=True, text=True, check=False)
        c.same("--request status", json.loads(told.stdout)["wans"][0]["wan"], "wan1")
        daemon.ask("rotate")
        wait_until("a complete file", lambda: recorder.files(spool))
        second = subprocess.run(["ip", "netns", "exec", router.near, recorder.PROGRAM, "-i", "wan1", "-d", spool],
                                capture_output=True, text=True, check=False, timeout=20)
        c.true(f"a second recorder is refused: {second.stderr}", second.returncode == 73 and "another recorder" in second.stderr)
        daemon.ask("stop")
        c.same("exit code", daemon.process.wait(30), 0)


def answers(daemon):
    with contextlib.suppress(OSError, ValueError):
        return "wans" in daemon.ask()
    return False


@check
def usr1_and_count(c):
    """USR1 rotates; --count and --duration end it by themselves."""
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--count", "100", spool=spool).ready()
        daemon.process.send_signal(signal.SIGUSR1)
        wait_until("a complete file", lambda: recorder.files(spool))
        with contextlib.closing(router.socket("wan1")) as sock:
            recorder.send(sock, 0, 150)
        c.same("exit code", daemon.process.wait(30), 0)
        c.same("frames", sorted(n for row in recorder.read(spool, "wan1") for n in row.numbers()), list(range(100)))
    with Router(1) as router, spool_directory() as spool:
        daemon = Daemon(router, "-i", "wan1", "--duration", "1s", "--zstd", "1", spool=spool).ready()
        with contextlib.closing(router.socket("wan1")) as sock:
            recorder.send(sock, 0, 10)
        c.same("exit code", daemon.process.wait(30), 0)
        c.same("frames, compressed", sorted(n for row in recorder.read(spool, "wan1") for n in row.numbers()), list(range(10)))
        all_readable(c, recorder.files(spool))
    with Router(1) as router, spool_directory() as spool:
        start = time.monotonic()
        daemon = Daemon(router, "-i", "wan1", "--duration", "1s", spool=spool).ready()
        c.same("exit code of an idle one", daemon.process.wait(30), 0)
        c.true("in time, without any traffic", time.monotonic() - start < 10)


@check
def service(c):
    """systemd's protocol: READY=1 when it records, WATCHDOG=1 in time, STOPPING=1."""
    with Router(1) as router, spool_directory() as spool, contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
        path = spool + ".notify"
        sock.bind(path)
        os.chmod(path, 0o777)
        sock.settimeout(20)
        daemon = Daemon(router, "-i", "wan1", spool=spool, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
        words = []
        while words.count("WATCHDOG=1") < 3:
            words += sock.recv(4096).decode().splitlines()
        c.same("first word", words[0], "READY=1")
        daemon.stop()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                words += sock.recv(4096).decode().splitlines()
        c.true(f"STOPPING=1 among {words}", "STOPPING=1" in words)


# ---- from the wire to the verdict ----

@check
def end_to_end(c):
    """Real MPTCP, a backup, a failover; the daemon records, the audit reads its spool: the kernel's counters, to the byte."""
    with lab.Lab(2) as mptcp, spool_directory() as spool:
        mptcp.endpoint(1, "subflow")
        mptcp.endpoint(2, "subflow", "backup")
        mptcp.serve()
        mptcp.quiet()
        router = Part(mptcp, "client")
        daemon = Daemon(router, "-i", "wan1=master", "-i", "wan2=backup", "--rotate-time", "3s", spool=spool).ready()
        before = mptcp.quiet()
        fetch = mptcp.fetch(4_000_000, rate=600_000, keepalive=1)
        wait_until("1 MB on wan1", lambda: mptcp.wan_bytes("wan1") - total(before["wan1"]) > 1_000_000)
        mptcp.run("middle", "nft", "add table inet t; add chain inet t f { type filter hook forward priority 0; }; "
                  "add rule inet t f iifname m1 drop; add rule inet t f oifname m1 drop")
        wait_until("0.3 MB on wan2", lambda: mptcp.wan_bytes("wan2") - total(before["wan2"]) > 300_000)
        mptcp.run("middle", "nft", "delete table inet t")
        mptcp.finish(fetch)
        after = mptcp.quiet()
        c.same("exit code", daemon.stop(), 0)
        out, _ = oracle.run("report", "--json", "-", spool)
        got = json.loads(out)
        wans = oracle.wans_of(got)
        for wan in ("wan1", "wan2"):
            rows = recorder.read(spool, wan)
            frames = [frame for row in rows for frame in row.frames]
            want = {key: after[wan][key] - before[wan][key] for key in after[wan]}
            c.same(f"{wan} frames", len(frames), want["rx_packets"] + want["tx_packets"])
            c.same(f"{wan} bytes", sum(frame[3] for frame in frames), want["rx_bytes"] + want["tx_bytes"])
            c.same(f"{wan} frames of the audit", wans[wan]["frames"], len(frames))
            c.same(f"{wan} bytes of the audit", wans[wan]["l2_bytes"], want["rx_bytes"] + want["tx_bytes"])
        c.same("roles came from the spool", (wans["wan1"]["role"], wans["wan2"]["role"]), ("master", "backup"))
        c.true("the backup's payload was found", sum(k["payload_bytes"] for k in wans["wan2"]["kinds"].values()) > 200_000)


@check
def server_side(c):
    """The same traffic recorded at the far end: one interface, split by address, gives what the router's WANs give."""
    with lab.Lab(2) as mptcp, spool_directory() as near, spool_directory() as far:
        mptcp.endpoint(1, "subflow")
        mptcp.endpoint(2, "subflow", "backup")
        mptcp.serve()
        mptcp.quiet()
        daemons = [Daemon(Part(mptcp, "client"), "-i", "wan1=master", "-i", "wan2=backup", spool=near).ready(),
                   Daemon(Part(mptcp, "server"), "-i", "srv", spool=far).ready()]
        mptcp.finish(mptcp.fetch(1_000_000, rate=600_000, keepalive=1))
        mptcp.quiet()
        c.same("exit codes", [daemon.stop() for daemon in daemons], [0, 0])
        split = [f"--wan={wan}={address}" for wan, address in mptcp.addresses.items()]
        roles = ["--role", "wan1=master", "--role", "wan2=backup"]
        router = json.loads(oracle.run("report", "--json", "-", near)[0])
        server = json.loads(oracle.run("report", "--json", "-", *split, *roles, far)[0])
        c.same("verdict", server["verdict"], router["verdict"])
        c.same("the rest is no WAN", oracle.wans_of(server)["srv"]["role"], "off")
        for wan in mptcp.wans:
            one, two = oracle.wans_of(router)[wan], oracle.wans_of(server)[wan]
            for key in ("up", "down"):
                kinds = {kind: {field: row[field] for field in ("frames", "ip_bytes", "payload_bytes")}
                         for kind, row in one[key].items() if kind != "other"}     # ARP stays on its wire
                c.same(f"{wan} {key}", {kind: {field: two[key].get(kind, {}).get(field) for field in row}
                                        for kind, row in kinds.items()}, kinds)


def total(row):
    return row["rx_bytes"] + row["tx_bytes"]


class Part:
    """A namespace of a lab, as Daemon wants it."""

    def __init__(self, mptcp, name):
        self.near, self.running = mptcp.names[name], mptcp.processes


def main(names):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    suite = oracle.Suite("recorder")
    why = lab.why_unable()
    if why:
        suite.skip("recorder", why)
        return 0
    oracle.need_program(suite)
    for name, function in CHECKS.items():
        if names and name not in names:
            continue
        with suite.check(name) as c:
            try:
                function(c)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                raise oracle.Failure(str(error)[:600]) from error
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
