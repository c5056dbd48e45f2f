#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_demo.py - the first minute: the demo of an installed program, and that its days are what its stories say; what doctor says
of captures and of this host.

    check_demo.py [CHECK...]        all checks, or those named

The program is installed below a folder of its own and called from another one, so that nothing of the clone can help it.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import fixture_bytes
import oracle

ROOT = os.path.join(oracle.HERE, "..")
DAYS = {"day-late": "WARN", "day-fine": "PASS"}
NOW = ("--now", "2026-01-02T03:04:05Z")
SIZE_LIMIT = 200_000
CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def call(program, *arguments, **more):
    done = subprocess.run([program, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def install(folder):
    """What `make install` would put on a system; the program's path there."""
    build = os.path.abspath(os.path.dirname(oracle.PROGRAM))
    done = subprocess.run(["make", "-C", ROOT, "-o", "all", "install", f"BUILD={build}", f"O={build}", f"DESTDIR={folder}",
                           "PREFIX=/usr"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return os.path.join(folder, "usr", "bin", "mptcp-audit")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@check
def installed(suite):
    """Two days, two languages, from an installed program in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-demo") as folder, suite.check("demo of an installed program") as one:
        program, work = install(os.path.join(folder, "root")), os.path.join(folder, "work")
        os.mkdir(work)
        code, out, err = call(program, "demo", *NOW, cwd=work)
        one.same("exit", code, 0)
        one.same("stderr", err, "")
        pages = [f"mptcp-audit-demo/{day}{language}.html" for day in DAYS for language in ("", ".zh-CN")]
        one.same("pages", sorted(os.listdir(os.path.join(work, "mptcp-audit-demo"))), sorted(map(os.path.basename, pages)))
        for page in pages:
            one.true(f"{page} is not told", page in out)
            text = read(os.path.join(work, page))
            one.true(f"{page}: language", f'<html lang="{"zh-CN" if "zh" in page else "en"}"' in text)
            one.true(f"{page}: size {len(text)}", 20_000 < len(text.encode()) < 100_000)
        for word in DAYS.values():
            one.true(f"{word} is not told", f"\n{word}: " in out)
        one.true("a line is wider than 80 columns", all(len(line) <= 80 for line in out.split("Next:")[0].split("\n")))
        # what it says to do next is done as it stands there
        again = re.search(r"\n +(\S+ report (?:.*\\\n)*.*)\n", out)[1]
        done = subprocess.run(["sh", "-c", again], cwd=work, capture_output=True, text=True, check=False)
        one.same("exit of the line it shows", done.returncode, 1)
        one.true("the report of the line it shows", done.stdout.startswith("WARN"))
        code, out, _ = call(program, "demo", *NOW, "--lang", "zh-CN", "-o", "other", cwd=work)
        one.same("exit in Chinese", code, 0)
        one.true("Chinese", "接下来" in out and "主线路" in out and "other/day-late.zh-CN.html" in out)


@check
def missing(suite):
    with suite.check("demo without its days") as one, tempfile.TemporaryDirectory(prefix="mptcp-audit-demo") as folder:
        code, out, err = call(oracle.PROGRAM, "demo", "--story", folder, "-o", os.path.join(folder, "pages"))
        one.same("exit", (code, out), (66, ""))
        one.true(f"what to do is not said: {err}", "make install" in err and "--story" in err)
        one.true("a folder was made for nothing", not os.path.exists(os.path.join(folder, "pages")))
        for words, code in ((["-o", "/proc/none"], 73), (["file"], 64), (["--lang", "tlh"], 64), (["--storry", "x"], 64)):
            one.same(" ".join(words), call(oracle.PROGRAM, "demo", "--story", os.path.join(ROOT, "fixtures"), *words)[0], code)


@check
def days(suite):
    """The day is small, and each sentence of its story holds."""
    for day, verdict in DAYS.items():
        folder = os.path.join(ROOT, "fixtures", day)
        with suite.check(f"{day} is what it is shown for") as one:
            files = [os.path.join(folder, name) for name in ("fibre.pcap.gz", "lte.pcap.gz")]
            one.true("too large", sum(map(os.path.getsize, files)) < SIZE_LIMIT)
            _, out, err = call(oracle.PROGRAM, "report", *NOW, "--json", "-", "--config", os.path.join(folder, "site.ini"),
                               f"fibre={files[0]}", f"lte={files[1]}")
            got = json.loads(out)
            one.same("stderr", err, "")
            one.same("verdict", got["verdict"].upper(), verdict)
            bad = {f["rule"] for f in got["findings"] if f["status"] not in ("pass", "not_applicable")}
            one.same("what is found", bad, {"A12"} if verdict == "WARN" else set())


# ---- doctor ----

WHOLE = fixture_bytes.usual_story(1)
SECOND = 1_000_000_000


def captures(folder, packets=WHOLE.packets, **how):
    """Both WANs of the usual story, written anew."""
    paths = []
    for wan in ("wan1", "wan2"):
        paths.append(f"{wan}={os.path.join(folder, wan + '.pcap')}")
        fixture_bytes.write_pcap(paths[-1].split("=", 1)[1], [dict(p) for p in packets if p["wan"] == wan], **how)
    return paths


def longer(hours):
    """The usual story again and again, so long; its last time."""
    rounds = [[{**p, "ns": p["ns"] + turn * 600 * SECOND} for p in WHOLE.packets] for turn in range(6 * hours + 1)]
    return [p for packets in rounds for p in packets]


def fixture(case, *names):
    return [os.path.join(ROOT, "fixtures", case, name) for name in names]


def doctor(one, label, words, code, *says):
    """The exit code, each line in its form, and that each of `says` begins a line; in Chinese as many lines, as bad."""
    got, out, err = call(oracle.PROGRAM, "doctor", *words)
    one.same(f"{label}: exit", got, code)
    lines = out.splitlines()
    one.true(f"{label}: {out}{err}", lines and all(re.match(r"(ok      |warn    |problem ) \S", line) for line in lines))
    one.true(f"{label}: what to do is not said: {out}", all(" -> " in line for line in lines if not line.startswith("ok")))
    for pattern in says:
        one.true(f"{label}: no line is {pattern}: {out}", re.search(f"^{pattern}", out, re.M))
    again, chinese, _ = call(oracle.PROGRAM, "doctor", "--lang", "zh-CN", *words)
    one.same(f"{label}: in Chinese", (again, len(chinese.splitlines())), (code, len(lines)))
    one.true(f"{label}: English left in Chinese: {chinese}", all(re.match("正常|警告|问题", line) for line in chinese.splitlines()))


@check
def captures_spoiled(suite):
    """Each fault alone: its line, and the exit code it is worth; and without one, none."""
    with suite.check("doctor of captures") as one, tempfile.TemporaryDirectory(prefix="mptcp-audit-doctor") as folder:
        hour = longer(1)
        doctor(one, "an hour without a fault", captures(folder, hour), 0, "ok +2 WANs captured together")
        doctor(one, "headers cut", captures(folder, hour, snaplen=64), 2, r"warn .*wan1\.pcap keeps 64 bytes", "problem  wan1: the headers")
        doctor(one, "one direction", captures(folder, [p for p in hour if p["dir"] == "up"]), 2, "problem  wan1: only one direction")
        both = captures(folder, hour)
        doctor(one, "one WAN", both[:1], 2, "problem  one WAN only")
        doctor(one, "apart", ["--shift", "wan2=90000", *both], 2, "problem  the captures share no time")
        doctor(one, "clocks", ["--shift", "wan2=-3", *both], 1, "warn +wan1: its clock differs .* by 3.0 s")
        doctor(one, "filter", ["-f", "tcp", *both], 1, "warn +wan1: a filter")
        doctor(one, "tunnel", ["tun0=" + both[0][5:], both[1]], 2, "problem  tun0 is a tunnel")
        below = "eth5=" + shutil.copy(both[0][5:], os.path.join(folder, "eth5.pcap"))
        doctor(one, "stacked", [both[0], below], 2, "problem  eth5 and wan1 hold the same packets")
        doctor(one, "twice", fixture("duplicates", "wan1.pcap", "wan2.pcap"), 1, "warn +wan1: 8 frames are there twice")
        doctor(one, "cut short", fixture("cut-file", "wan1.pcap"), 2, r"problem .*cut-file/wan1\.pcap: ends inside a record")
        doctor(one, "no MPTCP", fixture("behind-the-router", "br-lan.pcap"), 2, "problem  no frame speaks MPTCP")
        doctor(one, "super-frames", fixture("day-late", "fibre.pcap.gz", "lte.pcap.gz"), 1, "warn +fibre: 2,325 super-frames")
        doctor(one, "too short", fixture("backup-idle", "wan1.pcap.gz", "wan2.pcap.gz"), 1, "warn +the captures share 5")
        doctor(one, "losses", fixture("recorded", "spool"), 2, "problem .*the capture lost")


@check
def host(suite):
    with suite.check("doctor of a host") as one:
        doctor(one, "loopback", ["-i", "lo"], 2, "problem  lo is (the loopback|down)")
        doctor(one, "no such device", ["-i", "nosuch0", "-i", "nosuch1"], 2, "problem  nosuch1 does not exist")
        code, out, _ = call(oracle.PROGRAM, "doctor")
        one.true(f"a host alone: {code} {out}", code in (0, 1, 2) and "kernel" in out and "/var" in out)
        one.same("files and devices", call(oracle.PROGRAM, "doctor", "-i", "lo", *fixture("leak", "wan1.pcap.gz"))[0], 64)
        one.same("no such file", call(oracle.PROGRAM, "doctor", "./nosuch.pcap")[0], 66)
        if os.geteuid() == 0:
            with tempfile.TemporaryDirectory(prefix="mptcp-audit-demo-") as folder:
                os.chmod(folder, 0o755)  # where the program was built, that user may not look
                program = shutil.copy(oracle.PROGRAM, folder)
                code, out, err = call("/bin/sh", "-c", 'exec "$0" doctor -i lo', program, user=65534, cwd=folder)
            one.true(f"without rights: {out}{err}", code == 2 and "problem  no captures may be made here" in out)


def main(names):
    suite = oracle.Suite("demo")
    oracle.need_program(suite)
    for name, function in CHECKS.items():
        if not names or name in names:
            function(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
