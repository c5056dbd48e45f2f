#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_manners.py - what the command line says can be read to its end, typed, and pasted.

A hint that confirms a role is given to a real shell, whatever the WAN is called; sentences are cut between words; a trend of
many sites is a list; the demo finds its days before anything is installed.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import oracle

ROOT = os.path.join(oracle.HERE, "..")
FIXTURES = os.path.join(ROOT, "fixtures")
NOW = ["--now", "2026-12-01T00:00:00Z"]
IDLE = os.path.join(FIXTURES, "backup-idle")
NAMES = {
    "plain": b"wan2", "a space": b"my wan", "quotes": b"it's \"mine\"", "for a shell": b"$(touch x);`touch x`&|", "an option": b"-x",
    "Chinese": "电信 二".encode(), "text turned around": "w\u202e2".encode(), "not UTF-8": b"w\xff 2", "a backslash": b"a\\n\tb",
    "a star": b"w*[2]?",
}


def call(*words, **more):
    done = subprocess.run([oracle.PROGRAM, *words], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def hint_in(text):
    """What stands behind "confirm with", put together again."""
    found = re.search(r"confirm\s+with\s+(--(?:backup|role)\s.*?)\n\n", text, re.DOTALL)
    return re.sub(r"\s*\n", " ", found[1]) if found else None


def check_hints(suite, folder):
    bash = shutil.which("bash")
    for what, name in NAMES.items():
        for form in ("file", "name"):
            if not bash:
                suite.skip(f"hint for {what}", "bash is not installed")
                continue
            with suite.check(f"hint for {what}, a {form}") as check:
                place = tempfile.mkdtemp(dir=folder)
                shutil.copy(os.path.join(IDLE, "wan1.pcap.gz"), os.path.join(place, "first.pcap.gz"))
                own = b"second" if form == "name" else name
                shutil.copy(os.path.join(IDLE, "wan2.pcap.gz"), os.path.join(place.encode(), own + b".pcap.gz"))
                given = [b"./" + own + b".pcap.gz"] if form == "file" else [name + b"=second.pcap.gz"]
                code, out, err = call("report", "--", "first.pcap.gz", *given, cwd=place)
                check.true(f"exit {code} {err}", code in oracle.VERDICT_EXITS)
                hint = hint_in(out)
                check.true(f"no hint in {out[:300]}", hint)
                if not hint:
                    continue
                more = given if hint.startswith("--role") else []  # a file that is named with its role is not named twice
                script = b'"$P" report ' + hint.encode() + b' -- first.pcap.gz "$@"'
                done = subprocess.run([bash, "-c", script, "sh", *more], capture_output=True, check=False, cwd=place,
                                      env={**os.environ, "P": oracle.PROGRAM}, timeout=oracle.HANG_LIMIT)
                check.true(f"{hint}: exit {done.returncode} {done.stderr}", done.returncode in oracle.VERDICT_EXITS)
                check.true(f"{hint} does not confirm it", b"assuming" not in done.stdout)
                check.true("a command ran", not os.path.exists(os.path.join(place, "x")))
    with suite.check("a name as it is shown") as check:
        for typed in (b"w\xff 2", b"w? 2", "w\ufffd 2".encode()):
            code, out, err = call("report", f"wan1={IDLE}/wan1.pcap.gz", b"w\xff 2=" + f"{IDLE}/wan2.pcap.gz".encode(),
                                  "--role", typed + b"=backup")
            check.true(f"{typed}: exit {code} {err}", code in oracle.VERDICT_EXITS and "assuming" not in out)


def report_of(case, site, hour):
    folder = os.path.join(FIXTURES, case)
    out = call("report", *NOW, "--master", f"wan1={folder}/wan1.pcap.gz", "--backup", f"wan2={folder}/wan2.pcap.gz", "--json", "-")[1]
    report = json.loads(out)
    report["site"] = site
    report["window"].update(asked_from=f"2026-01-{hour:02}T00:00:00Z", asked_to=f"2026-01-{hour + 1:02}T00:00:00Z",
                            start=f"2026-01-{hour:02}T00:00:00Z", end=f"2026-01-{hour + 1:02}T00:00:00Z", seconds=86400.0)
    return report


def check_history(suite, folder):
    base, place = os.path.join(folder, "h.db"), os.path.join(folder, "history")
    os.mkdir(place)
    paths = []
    leak, idle = report_of("leak", "x", 1), report_of("backup-idle", "x", 1)
    # a sentence longer than a list shows, of words that tell where it is cut
    words = " ".join(f"word{n}word" for n in range(200)) + "."
    for number in range(60):
        report = dict(leak if number % 7 == 0 else idle, site=f"site {number:02}")
        if number == 59:
            report = {**report, "sentence": words, "messages": {**report["messages"], "sentence": [words]}}
        paths.append(os.path.join(place, f"{number}.json"))
        with open(paths[-1], "w", encoding="utf-8") as file:
            json.dump(report, file)
    call("history", "add", "--db", base, *paths)
    with suite.check("history list cuts between words") as check:
        code, out, err = call("history", "list", "--db", base, "--site", "site 59")
        check.same(f"exit ({err})", code, 0)
        said = " ".join(out.split())
        check.true(said[-60:], re.search(r"word\d+word \.\.\.$", said))
        wide = [line for line in out.splitlines() if len(line) > 80]
        check.same("too wide", wide, [])
    with suite.check("a trend of many sites is a list") as check:
        code, out, err = call("history", "trend", "--db", base)
        check.same(f"exit ({err})", code, 0)
        rows = [line for line in out.splitlines() if "site " in line and " wan" in line]
        check.same("rows", len(rows), 40)
        check.true(f"largest first: {rows[0]}", "FAIL" in rows[0].upper())
        check.true("how to see one", "--site NAME" in out and "40 largest of 60" in out)
        check.same("all in the JSON", len(json.loads(call("history", "trend", "--db", base, "--json", "-")[1])["wans"]), 120)
        one = call("history", "trend", "--db", base, "--site", "site 01")[1]
        check.true(f"one site has its days: {one}", "2026-01-01" in one)
        check.true("few sites have them too", "2026-01-01" in call("history", "trend", "--db", base, "--site", "site 02")[1])
    with suite.check("diff of what did not change has no factor") as check:
        out = call("diff", paths[0], paths[0])[1]
        check.same("factors", re.findall(r" x [\d.]+", out), [])
        with open(paths[1], "w", encoding="utf-8") as file:
            json.dump({**idle, "site": "site 00"}, file)
        check.true("others have one", re.search(r" x [\d.]+", call("diff", paths[0], paths[1])[1]))


def check_demo(suite, folder):
    """Built, not installed: from within the clone, from beside it, from elsewhere with what to type."""
    program = os.path.join(folder, "out", "mptcp-audit")
    os.mkdir(os.path.dirname(program))
    shutil.copy(oracle.PROGRAM, program)
    with suite.check("demo before it is installed") as check:
        for where in (ROOT, os.path.join(ROOT, "tests")):
            into = tempfile.mkdtemp(dir=folder)
            done = subprocess.run([program, "demo", *NOW, "-o", into], cwd=where, capture_output=True, text=True, check=False,
                                  timeout=oracle.HANG_LIMIT)
            check.same(f"exit in {os.path.basename(where)} ({done.stderr})", done.returncode, 0)
            check.same("pages", sum(name.endswith(".html") for name in os.listdir(into)), 4)
        clone = os.path.join(folder, "clone", "build")
        os.makedirs(clone)
        shutil.copy(oracle.PROGRAM, clone)
        os.symlink(os.path.abspath(FIXTURES), os.path.join(folder, "clone", "fixtures"))
        done = subprocess.run([os.path.join(clone, "mptcp-audit"), "demo", *NOW, "-o", tempfile.mkdtemp(dir=folder)], cwd=folder,
                              capture_output=True, text=True, check=False, timeout=oracle.HANG_LIMIT)
        check.same(f"beside the clone ({done.stderr})", done.returncode, 0)
        if not os.path.isdir("/usr/local/share/mptcp-audit/day-late"):
            done = subprocess.run([program, "demo", "-o", os.path.join(folder, "none")], cwd=folder, capture_output=True,
                                  text=True, check=False, timeout=oracle.HANG_LIMIT)
            check.same("elsewhere", done.returncode, 66)
            check.true(done.stderr, '"make demo"' in done.stderr and "demo --story CLONE/fixtures" in done.stderr)


def main():
    suite = oracle.Suite("manners")
    oracle.need_program(suite)
    folder = tempfile.mkdtemp(prefix="mptcp-audit-manners")
    try:
        check_hints(suite, folder)
        check_history(suite, folder)
        check_demo(suite, folder)
    finally:
        shutil.rmtree(folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
