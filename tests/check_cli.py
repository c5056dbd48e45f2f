#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_cli.py - what the command line promises: exit codes, clear messages, inputs of every form, outputs."""
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
IDLE = {wan: os.path.join(FIXTURES, "backup-idle", f"{wan}.pcap.gz") for wan in ("wan1", "wan2")}
ROLES = {"wan1": "master", "wan2": "backup"}
NOW = ["--now", "2026-01-02T03:04:05Z"]


def call(*arguments, stdin=None, cwd=None):
    done = subprocess.run([oracle.PROGRAM, *arguments], input=stdin, capture_output=True, timeout=oracle.HANG_LIMIT,
                          cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


# name, arguments, exit, pattern on stderr (or stdout when exit is 0)
REFUSALS = (
    ("no arguments", [], 64, "report"),
    ("--help", ["--help"], 0, "report"),
    ("--version", ["--version"], 0, r"\d+\.\d+"),
    ("report --help", ["report", "--help"], 0, "--backup"),
    ("dissect --help", ["dissect", "--help"], 0, "ledger"),
    ("merge --help", ["merge", "--help"], 0, "[Ll]edger"),
    ("packets --help", ["packets", "--help"], 0, "--json"),
    ("a mistyped subcommand", ["reprot"], 64, 'did you mean "report"'),
    ("a mistyped option", ["report", "--bakup", "x"], 64, "--backup"),
    ("report without a file", ["report"], 64, "file|capture"),
    ("a missing file as first word", ["@/none.pcap"], 66, r"none\.pcap: no such file"),
    ("a full disk", ["report", "--json", "/dev/full", IDLE["wan1"]], 74, "No space left"),
    ("a mistyped kind", ["packets", "--kind", "keepaliv", IDLE["wan2"]], 64, 'did you mean "keepalive"'),
    ("a WAN that is not there", ["packets", "--wan", "wan9", IDLE["wan2"]], 64, "wan9"),
    ("a missing file", ["report", "@/none.pcap"], 66, r"none\.pcap"),
    ("a text", ["report", "@/text.pcap"], 65, r"text\.pcap"),
    ("a zip", ["report", "@/zip.pcap"], 65, r"zip\.pcap"),
    ("an empty file", ["report", "@/empty.pcap"], 65, r"empty\.pcap"),
    ("a bad role", ["report", "--role", "wan2=bakcup", "@/text.pcap"], 64, "backup"),
    ("a bad limit", ["report", "--limit", "nonsense=1", "@/text.pcap"], 64, "nonsense"),
    ("a limit of no WAN", ["report", "--limit", "lte:payload_share=2%", IDLE["wan1"]], 64, "lte: no such WAN; the WANs are wan1"),
    ("a shift of no WAN", ["report", "--shift", "lte=1", IDLE["wan1"]], 64, "lte: no such WAN; the WANs are wan1"),
    ("a bill of no WAN", ["report", "--billed", "lte=1GB", IDLE["wan1"]], 64, "lte: no such WAN; the WANs are wan1"),
    ("an endless configuration", ["report", "--config", "/dev/zero", IDLE["wan1"]], 78, "/dev/zero: is a device"),
    ("an endless list of sites", ["report", "--sites", "/dev/zero", IDLE["wan1"]], 78, "/dev/zero: is a device"),
    ("a directory as configuration", ["report", "--config", "@", IDLE["wan1"]], 78, "is a directory"),
    ("a device as UCI", ["report", "--uci", "/dev/null", IDLE["wan1"]], 66, "is neither a plain file"),
    ("a bad time", ["report", "--now", "yesterday", "@/text.pcap"], 64, "--now"),
    ("a bad filter", ["report", "-f", "tcp and and", IDLE["wan1"]], 64, "tcp and and|filter|syntax"),
    ("an output that cannot be", ["report", "--json", "/nonexistent/dir/x.json", IDLE["wan1"]], 73, "nonexistent"),
)


def check_refusals(suite, folder):
    with open(os.path.join(folder, "text.pcap"), "w", encoding="utf-8") as file:
        file.write("this is not a capture, it is a text\n" * 20)
    with open(os.path.join(folder, "zip.pcap"), "wb") as file:
        file.write(b"PK\x03\x04" + bytes(100))
    open(os.path.join(folder, "empty.pcap"), "wb").close()
    for name, arguments, want, pattern in REFUSALS:
        with suite.check(name) as check:
            status, out, err = call(*[a.replace("@", folder) for a in arguments])
            check.same("exit", status, want)
            said = out + err
            check.true(f"'{said.strip()[:200]}' does not hold /{pattern}/", re.search(pattern, said))


def audit(*arguments, stdin=None):
    status, out, err = call("report", *NOW, "--json", "-", *arguments, stdin=stdin)
    if status not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"exit {status}: {err.strip()[-300:]}")
    return json.loads(out)


def sums(got):
    """What must not depend on the form of the input; the files that show a cause do."""
    for wan in got["wans"]:
        for cause in wan["causes"]:
            cause.pop("frames_that_show", None)
    return {wan["name"]: {k: wan[k] for k in ("role", "frames", "l2_bytes", "ip_bytes", "kinds", "up", "down", "causes")}
            for wan in got["wans"]}, got["verdict"], [(f["rule"], f["wan"], f["status"]) for f in got["findings"]]


def check_forms(suite, folder):
    """One story as .gz, plain, .zst, over stdin, as a directory, as a ledger: the same sums and the same verdict."""
    with suite.check("forms of input") as check:
        want = sums(audit("--master", f"wan1={IDLE['wan1']}", "--backup", f"wan2={IDLE['wan2']}"))
        plain = {}
        for wan, path in IDLE.items():
            plain[wan] = os.path.join(folder, wan + ".pcap")
            with gzip.open(path) as one, open(plain[wan], "wb") as two:
                shutil.copyfileobj(one, two)
        forms = {"plain files": ["--master", plain["wan1"], "--backup", plain["wan2"]],
                 "roles by name": ["--role", "wan1=master", "--role", "wan2=backup", plain["wan1"], plain["wan2"]],
                 "roles by address": ["--role", "192.0.2.2/32=master", "--role", "198.51.100.0/25=backup",
                                      plain["wan1"], plain["wan2"]]}
        if shutil.which("zstd"):
            for path in plain.values():
                subprocess.run(["zstd", "-q", "-f", path], check=True)
            forms["zstd"] = ["--master", f"wan1={plain['wan1']}.zst", "--backup", f"wan2={plain['wan2']}.zst"]
        directories = os.path.join(folder, "spool")
        for wan, path in plain.items():
            os.makedirs(os.path.join(directories, wan))
            shutil.copy(path, os.path.join(directories, wan, "one.pcap"))
        forms["directories"] = ["--master", f"wan1={directories}/wan1", "--backup", f"wan2={directories}/wan2"]
        ledger = os.path.join(folder, "ledger.json")
        check.same("dissect", call("dissect", "-o", ledger, plain["wan1"], plain["wan2"])[0], 0)
        forms["ledger"] = ["--role", "wan1=master", "--role", "wan2=backup", ledger]
        forms["ledger with a role"] = ["--role", "wan2=backup", "--master", ledger]
        for name, arguments in forms.items():
            check.same(name, sums(audit(*arguments)), want)
        with open(plain["wan1"], "rb") as file:
            got = audit("--backup", f"wan2={plain['wan2']}", "--master", "wan1=-", stdin=file.read())
        check.same("standard input", sums(got), want)


def check_names(suite, folder):
    """Files whose names no terminal should see; a file that ends early; interfaces that only have a number."""
    with suite.check("names") as check:
        names = {"master": b"ev\x1b[31mil\n.pcap", "backup": b"bad\xff\xfe<script>.pcap"}
        paths = {}
        for (role, name), wan in zip(names.items(), ("wan1", "wan2")):
            paths[role] = os.path.join(os.fsencode(folder), name)
            shutil.copy(os.path.join(folder, wan + ".pcap"), paths[role])
        words = [word for role, path in paths.items() for word in ("--" + role, path)]
        status, out, err = call("report", *NOW, *words)
        check.same("exit", (status, err), (0, ""))
        check.true("no control characters", not re.search(r"[\x00-\x09\x0b-\x1f]", out))
    with suite.check("a cut file") as check:
        path = os.path.join(folder, "cut.pcap")
        with open(os.path.join(folder, "wan2.pcap"), "rb") as one, open(path, "wb") as two:
            two.write(one.read()[:1000])
        status, _, err = call("report", *NOW, path)
        check.same("exit", status, 3)
        check.true(f"'{err}' does not begin with the file", err.startswith(f"mptcp-audit: {path}: "))
    with suite.check("a numbered interface") as check:
        capture = os.path.join(FIXTURES, "link-types", "wan2-sll2.pcap")
        wan = audit(capture)["wans"][0]["name"]
        number = wan.rpartition("#")[2]
        for who in (wan, f"wan2-sll2.pcap#{number}", f"{capture}#{number}"):
            rows = {w["name"]: w for w in audit("--role", f"{who}=backup", capture)["wans"]}
            check.same(who, (rows[wan]["role"], rows[wan]["role_source"]), ("backup", "flag"))


def check_rotation(suite, folder):
    """A capture cut into rotated files (editcap, Wireshark's own) gives what the whole gives."""
    if oracle.tool_missing("editcap"):
        suite.skip("rotated files", "editcap is not installed")
        return
    with suite.check("rotated files") as check:
        whole = os.path.join(folder, "wan1.pcap")
        subprocess.run(["editcap", "-F", "pcap", "-c", "700", whole, os.path.join(folder, "ring.pcap")], check=True)
        pieces = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.startswith("ring_"))
        check.true("more than one piece", len(pieces) > 1)
        wan2 = os.path.join(folder, "wan2.pcap")
        want = sums(audit("--master", f"wan1={whole}", "--backup", f"wan2={wan2}"))
        same = [word for piece in pieces for word in ("--master", f"wan1={piece}")]
        check.same("pieces", sums(audit(*same, "--backup", f"wan2={wan2}")), want)


def check_merge(suite, folder):
    """Ledgers of two connections apart in time add up, whichever comes first; merging with itself twice is refused or
    adds, never loses."""
    with suite.check("merge") as check:
        names = []
        for case in ("port-reuse", "probes"):
            path = os.path.join(folder, case + ".json")
            check.same(case, call("dissect", "-o", path, f"wan1={os.path.join(FIXTURES, case, 'wan1.pcap')}")[0], 0)
            names.append(path)
        outs = []
        for order in (names, names[::-1]):
            path = os.path.join(folder, f"sum{len(outs)}.json")
            check.same("exit", call("merge", *order, "-o", path)[0], 0)
            with open(path, encoding="utf-8") as file:
                outs.append(json.load(file))
        check.true("the order of ledgers matters", outs[0] == outs[1])
        apart = []
        for wan, shift in (("wan1", "0"), ("wan2", "100")):
            apart.append(os.path.join(folder, wan + "-apart.json"))
            call("dissect", "-o", apart[-1], "--shift", f"{wan}={shift}", f"{wan}={IDLE[wan]}")
        got = audit("--master", apart[0], "--backup", apart[1])
        check.same("ledgers of different times", (got["verdict"], findings(got)["A1", "wan2"]), ("not_assessed",) * 2)
        parts = [audit("--master", f"wan1={os.path.join(FIXTURES, c, 'wan1.pcap')}")["wans"][0] for c in ("port-reuse", "probes")]
        whole = audit("--role", "wan1=master", os.path.join(folder, "sum0.json"))["wans"][0]
        for field in ("frames", "l2_bytes", "ip_bytes"):
            check.same(field, whole[field], sum(part[field] for part in parts))


def check_outputs(suite, folder):
    with suite.check("outputs") as check:
        path = os.path.join(folder, "report.json")
        arguments = [*NOW, "--master", f"wan1={IDLE['wan1']}", "--backup", f"wan2={IDLE['wan2']}"]
        status, out, _ = call("report", "--json", path, *arguments)
        with open(path, encoding="utf-8") as file:
            got = json.load(file)
        check.same("schema", got["schema"], "mptcp-audit.report/1.10")
        check.same("exit tells the verdict", status, ("pass", "warn", "fail", "not_assessed").index(got["verdict"]))
        check.true("the text holds the sentence", re.sub(r"\s+", " ", got["sentence"])[:40] in re.sub(r"\s+", " ", out))
        check.same("widest line fits a terminal", max(map(len, out.splitlines())) <= 80, True)
        check.true("no escape codes into a pipe", "\033" not in out)
        again = call("report", "--json", "-", *arguments)[1]
        with open(path, encoding="utf-8") as file:
            check.true("two runs differ", file.read() == again)
        implied = call(*arguments[2:], *NOW)[1]
        check.true("options first imply report", implied == out)


def check_packets(suite):
    """The filters of `packets` choose among the same frames."""
    with suite.check("packets") as check:
        files = [f"{wan}={path}" for wan, path in IDLE.items()]
        rows = oracle.packets(*files)
        want = {wan: oracle.capinfos(path)[0] for wan, path in IDLE.items()}
        for wan, count in want.items():
            check.same(f"{wan} frames", sum(row["wan"] == wan for row in rows), count)
        check.same("in order of time", [r["ts"] for r in rows], sorted(r["ts"] for r in rows))
        some = oracle.packets("--kind", "keepalive", *files)
        check.same("--kind", [r for r in rows if r["kind"] == "keepalive"], some)
        check.same("--wan", [r for r in rows if r["wan"] == "wan2"], oracle.packets("--wan", "wan2", *files))
        check.same("-c", oracle.packets("-c", "10", *files), rows[:10])
        check.same("lines", len(oracle.run("packets", *files)[0].splitlines()), len(rows))
        for row in rows:
            check.same("split", sum(row["bytes"].values()), row["payload_len"])


def findings(got):
    return {(finding["rule"], finding["wan"]): finding["status"] for finding in got["findings"]}


def check_judging(suite):
    """Roles that nobody named, a filter, a single file, a limit: each changes what may be said."""
    files = [f"{wan}={path}" for wan, path in IDLE.items()]
    roles = ["--master", files[0], "--backup", files[1]]
    with suite.check("roles are proposed") as check:
        got = audit(*files)
        check.same("verdict", got["verdict"], "warn")
        check.true(f"'{got['sentence']}' does not begin with what it takes for granted", got["sentence"].startswith("Taking wan2 for your backup"))
        check.same("role", [(w["name"], w["role"], w["role_source"]) for w in got["wans"]],
                   [("wan1", "master", "assumed"), ("wan2", "backup", "assumed")])
    with suite.check("a filter forbids a pass") as check:
        got = audit("-f", "tcp", *roles)
        check.true("verdict is a pass", got["verdict"] != "pass")
        for rule in ("A1", "A2", "A29"):
            check.true(f"{rule} passes", findings(got).get((rule, "wan2")) != "pass")
        check.same("frames", sum(w["frames"] for w in got["wans"]),
                   sum(w["frames"] - w["kinds"].get("other", {}).get("frames", 0) for w in audit(*roles)["wans"]))
    with suite.check("one file alone") as check:
        got = audit(files[1])
        check.same("causes", sum(cause["ip_bytes"] for cause in got["wans"][0]["causes"]), got["wans"][0]["billed_ip_bytes"])
        check.true("verdict is a pass", got["verdict"] != "pass")
    with suite.check("causes add up") as check:
        for wan in audit(*roles)["wans"]:
            check.same(wan["name"], sum(cause["ip_bytes"] for cause in wan["causes"]), wan["billed_ip_bytes"])
    with suite.check("limits") as check:
        check.same("A1", findings(audit("--limit", "standby_share=0.0001", *roles))["A1", "wan2"], "warn")
        got = audit("--limit", "share_of=all", "--limit", "payload_share=0.0001", *roles)
        check.same("A1 of all", findings(got)["A1", "wan2"], "fail")
        check.same("primary too small", findings(audit("--limit", "primary_min_bytes=1e9", *roles))["A1", "wan2"],
                   "not_assessed")
    with suite.check("no overlap") as check:
        got = audit("--shift", "wan2=1000", *roles)
        check.same("A1", findings(got)["A1", "wan2"], "not_assessed")
        check.same("verdict", got["verdict"], "not_assessed")
    with suite.check("evidence proves") as check:
        leak = {wan: os.path.join(FIXTURES, "leak", f"{wan}.pcap.gz") for wan in ROLES}
        got = audit("--master", f"wan1={leak['wan1']}", "--backup", f"wan2={leak['wan2']}")
        rows = {row["frame"]: row for row in oracle.packets(f"wan2={leak['wan2']}")}
        for finding in got["findings"]:
            if finding["status"] == "fail" and finding["rule"] in ("A1", "A3"):
                check.true(f"{finding['rule']} has no evidence", finding["evidence"])
                for one in finding["evidence"]:
                    check.same(f"{finding['rule']} frame {one['frame']}", rows[one["frame"]]["kind"], "payload")
                    check.same("filter", one["filter"], f"frame.number == {one['frame']}")


def check_pipe(suite):
    """A reader that leaves is no error worth a message."""
    with suite.check("closed pipe") as check:
        process = subprocess.Popen([oracle.PROGRAM, "packets", IDLE["wan1"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        process.wait(oracle.HANG_LIMIT)
        process.stderr.close()
        check.same("stderr", said, "")


def main():
    suite = oracle.Suite("cli")
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-cli") as folder:
        check_refusals(suite, folder)
        check_forms(suite, folder)
        check_names(suite, folder)
        check_rotation(suite, folder)
        check_merge(suite, folder)
        check_outputs(suite, folder)
        check_judging(suite)
        check_packets(suite)
        check_pipe(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
