#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_digest.py - --sha256: which files an audit was made from, in ledgers, reports, text and pages.

The oracle is sha256sum, of the file as it lies on disk: packed where it is packed.
"""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
NOW = ("--now", "2026-12-01T00:00:00Z")


def call(*arguments, **more):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def dissect(*arguments, **more):
    code, out, err = call("dissect", "--sha256", *arguments, **more)
    if code:
        raise oracle.Failure(f"dissect {arguments} ended with {code}: {err}")
    return out


def report(*arguments):
    code, out, err = call("report", *NOW, "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report {arguments} ended with {code}: {err}")
    return json.loads(out)


def sums(*paths):
    """{path: digest} by sha256sum."""
    out = subprocess.run(["sha256sum", *paths], capture_output=True, text=True, check=True).stdout
    return {line[66:]: line[:64] for line in out.splitlines()}


def told(files):
    return {file["name"]: file.get("sha256") for file in files}


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def prepare(folder):
    """The same capture plain, large enough to be mapped, packed twice over, and cut."""
    with gzip.open(os.path.join(FIXTURES, "failover", "wan1.pcap.gz")) as file:
        data = file.read()
    long = data + data[24:] * (1 + (2 << 20) // len(data))
    paths = [write(os.path.join(folder, "plain.pcap"), data), write(os.path.join(folder, "long.pcap"), long),
             write(os.path.join(folder, "packed.pcap.gz"), gzip.compress(data)), write(os.path.join(folder, "cut.pcap"), data[:-7]),
             write(os.path.join(folder, "cut.pcap.gz"), gzip.compress(data)[:-900])]
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", paths[0], "-o", paths[0] + ".zst"], check=True)
        paths.append(paths[0] + ".zst")
    return paths


def every_form(suite, folder, paths):
    want = sums(*paths)
    words = [f"w{i}={path}" for i, path in enumerate(paths)]
    ledger, page = os.path.join(folder, "ledger.json"), os.path.join(folder, "page.html")
    with suite.check("files however they are packed") as check:
        write(ledger, dissect(*words).encode())
        with open(ledger, encoding="utf-8") as file:
            check.same("in a ledger", told(json.load(file)["files"]), want)
        check.same("in a report", told(report("--sha256", *words)["coverage"]["files"]), want)
        stored = report(ledger)
        check.same("in a report of the ledger", told(stored["coverage"]["files"]), want)
        check.same("merged with itself", told(report(ledger, ledger)["coverage"]["files"]), want)
        for language in ("en", "zh-CN"):
            _, text, _ = call("report", *NOW, "--lang", language, "--html", page, ledger)
            flat = "".join(text.split())
            with open(page, encoding="utf-8") as file:
                html = file.read()
            for path in paths:
                check.true(f"{language}: {path} in the text", "SHA-256" + want[path] in flat)
                check.true(f"{language}: {path} in the page", want[path] in html)
        check.same("without names: not even these", set(told(report("--anonymize", ledger)["coverage"]["files"]).values()), {None})
        check.same("not asked for", set(told(report(*words)["coverage"]["files"]).values()), {None})
        check.true("... not told", "SHA" not in call("report", *NOW, *words)[1])


def merging(suite, folder, paths):
    """Law 2: no digest, one, or several, whichever comes first."""
    with suite.check("ledgers of files of one name") as check:
        where, ledgers = os.path.join(folder, "same.pcap"), []
        for source, more in ((paths[0], ()), (paths[1], ()), (paths[0], ("no",))):
            shutil.copy(source, where)
            out = call("dissect", where)[1] if more else dissect(where)
            ledgers.append(write(os.path.join(folder, f"part{len(ledgers)}.json"), out.encode()))
        first, second, without = ledgers
        digests = [sums(path)[path] for path in paths[:2]]
        for order, want in (((first, without), digests[0]), ((without, first), digests[0]), ((first, second), "several"),
                            ((second, first), "several"), ((without, second, first), "several"), ((second, first, first), "several")):
            check.same([os.path.basename(path) for path in order], told(report(*order)["coverage"]["files"]), {where: want})
        both = write(os.path.join(folder, "both.json"), call("merge", first, second)[1].encode())
        for order in ((both, first), (second, both)):
            check.same("several stay several", told(report(*order)["coverage"]["files"]), {where: "several"})
        check.true("said", "different files of this name" in " ".join(call("report", *NOW, both)[1].split()))
        schema = os.path.join(FIXTURES, "..", "report", "report.schema.json")
        with open(schema, encoding="utf-8") as file:
            check.true("the schema knows it", "several" in json.load(file)["$defs"]["file"]["properties"]["sha256"]["pattern"])


def spools(suite, folder):
    spool = shutil.copytree(os.path.join(FIXTURES, "recorded-clean", "spool"), os.path.join(folder, "spool"))
    paths = sorted(os.path.join(spool, name) for name in os.listdir(spool) if name.endswith(".pcapng"))
    with suite.check("a spool") as check:
        check.same("all of it", told(json.loads(dissect(spool))["files"]), sums(*paths))
        state, pieces = os.path.join(folder, "state"), []
        numbers = sorted({name.split("-")[-2] for name in paths})
        for number in numbers:
            pieces.append(write(os.path.join(folder, f"piece{number}.json"),
                                dissect("--state", state, *(path for path in paths if path.split("-")[-2] == number)).encode()))
        check.true("several pieces", len(pieces) > 1)
        check.same("in pieces", told(report(*pieces)["coverage"]["files"]), sums(*paths))
        window = told(report("--sha256", "--to", "2026-01-01T00:03:00Z", spool)["coverage"]["files"])
        check.same("a window: of the files that were read", window, {path: digest for path, digest in sums(*paths).items() if path in window})
        check.true("... not of all", 0 < len(window) < len(paths))
        growing = paths[-1] + ".part"
        os.rename(paths[-1], growing)
        files = told(json.loads(dissect(spool))["files"])
        check.same("what is still written has none", [digest for name, digest in files.items() if name not in paths[:-1]], [None])
        config = write(os.path.join(folder, "site.conf"), f"[site]\nname = x\n[run]\ninput = {spool}\nreports = {folder}/reports\n".encode())
        code, _, err = call("run", "--config", config, "--from", "2026-01-01T00:00:00Z", "--now", "2026-01-01T01:10:00Z")
        with open(os.path.join(folder, "reports", "latest.json"), encoding="utf-8") as file:
            files = told(json.load(file)["coverage"]["files"])
        check.same(f"run asks for it by itself ({code} {err.strip()})", {name: files[name] for name in paths[:-1]}, sums(*paths[:-1]))


def pipes(suite, folder, paths):
    with suite.check("what is no file on disk") as check, open(paths[0], "rb") as file:
        check.same("standard input", set(told(json.loads(dissect("-", stdin=file))["files"]).values()), {None})
        pipe = os.path.join(folder, "pipe")
        os.mkfifo(pipe)
        feeder = subprocess.Popen(["sh", "-c", f"cat '{paths[0]}' >'{pipe}'"])
        try:
            check.same("a pipe", told(json.loads(dissect(pipe))["files"]), {pipe: None})
        finally:
            feeder.kill()
            feeder.wait()


def main():
    suite = oracle.Suite("digest")
    oracle.need_program(suite)
    if not shutil.which("sha256sum"):
        suite.skip("digests", "sha256sum is not installed")
        return suite.end()
    with tempfile.TemporaryDirectory(prefix="mptcp-digest-check") as folder:
        paths = prepare(folder)
        every_form(suite, folder, paths)
        merging(suite, folder, paths)
        spools(suite, folder)
        pipes(suite, folder, paths)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
