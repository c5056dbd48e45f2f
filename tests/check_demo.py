#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_demo.py - the first minute: the demo of an installed program, and that its days are what its stories say.

    check_demo.py [CHECK...]        all checks, or those named

The program is installed below a folder of its own and called from another one, so that nothing of the clone can help it.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

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


def main(names):
    suite = oracle.Suite("demo")
    oracle.need_program(suite)
    for name, function in CHECKS.items():
        if not names or name in names:
            function(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
