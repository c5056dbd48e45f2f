#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_sites.py - the server's end: one capture of many routers, each site as if it were alone.

    check_sites.py [CHECK...]       all checks, or those named
    check_sites.py --record         record the story of fixtures/behind-server anew: needs what lab.py needs
    check_sites.py --write          write its expected.txt anew: only on purpose, after reading the difference

The composed capture is made of recorded stories of this project, each with addresses of its own: so the kernel's
counters, which their truth.json holds, are the oracle of each site. The lab has two routers behind one server, one of
them with a WAN behind a carrier's NAT.
"""
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import check_state
import lab
import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
STORIES = {"idle": "backup-idle", "leaky": "leak", "out": "failover"}
WANS = ("wan1", "wan2")
RECORDED = {"wan1": bytes([192, 0, 2, 2]), "wan2": bytes([198, 51, 100, 2])}
NOW = ("--now", "2026-01-02T03:04:05Z")
START = 1_790_000_000 * 10**9
CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


# ---- a server's capture, composed ----

def records(path):
    """(ns, captured bytes, length on the wire) of each frame of a pcap."""
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        data = file.read()
    unit = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack("<I", data[:4])[0]]
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, caplen, length = struct.unpack("<IIII", data[at:at + 16])
        if at + 16 + caplen > len(data):
            return
        yield seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + caplen], length
        at += 16 + caplen


def address(site, wan):
    return bytes([100, 64 + list(STORIES).index(site), WANS.index(wan), 9])


def dotted(raw):
    return ".".join(map(str, raw))


def moved(frame, site):
    """The same frame with this site's addresses. Nobody verifies the checksums of headers."""
    out = bytearray(frame)
    for at in (26, 30) if frame[12:14] == b"\x08\x00" else (28, 38) if frame[12:14] == b"\x08\x06" else ():
        for wan, raw in RECORDED.items():
            if out[at:at + 4] == raw:
                out[at:at + 4] = address(site, wan)
    return bytes(out)


def story(site):
    """All frames of a site, from START on."""
    rows = [row for wan in WANS for row in records(os.path.join(FIXTURES, STORIES[site], f"{wan}.pcap.gz"))]
    first = min(row[0] for row in rows)
    return [(START + 10**9 + ns - first, moved(frame, site), length) for ns, frame, length in rows]


def noise(ns):
    """A frame of nobody, so that captures begin and end alike: 192.0.2.200 > 203.0.113.10 UDP."""
    ip = bytes.fromhex("4500001c00000000401100 00".replace(" ", "")) + bytes([192, 0, 2, 200, 203, 0, 113, 10])
    return ns, bytes(12) + b"\x08\x00" + ip + bytes.fromhex("1000100000080000"), 42


def compose(path, sites, extra=()):
    rows = [noise(START), noise(START + 40 * 10**9), *extra]
    for site in sites:
        rows += story(site)
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for ns, frame, length in sorted(rows, key=lambda row: row[0]):
            file.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(frame), length) + frame)
    return path


def write_sites(path, sites, lte=None):
    """`lte`: how the backup is told, when not by its address."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("# site wan told role\n")
        for site in sites:
            file.write(f"{site}\twan1 {dotted(address(site, 'wan1'))} master\n")
            file.write(f"{site}\twan2 {lte or dotted(address(site, 'wan2'))}  backup  # the second\n")
    return path


def plain_report(line):
    """A report without what depends on the other frames of its file."""
    report = json.loads(line) if isinstance(line, str) else line
    report = json.loads(re.sub(r'"(frame|number|file|filter)": ?("[^"]*"|\d+)', '"x":0', json.dumps(report)))
    report.pop("coverage")
    return report


def ledgers(folder, sites, capture, *more):
    out = os.path.join(folder, "ledgers")
    shutil.rmtree(out, ignore_errors=True)
    code, _, err = call("dissect", "--sites", sites, "-o", out, *more, capture)
    if code != 0:
        raise oracle.Failure(f"dissect --sites ended with {code}: {err}")
    found = {}
    for name in sorted(os.listdir(out)):
        with open(os.path.join(out, name), encoding="utf-8") as file:
            found[name[:-5]] = file.read()
    return found


def frames_of(ledger):
    return sum(cell["sum"][0] for wan in json.loads(ledger)["wans"] for cell in wan["cells"])


@check
def each_as_if_alone(c, folder):
    """Ledger and report of each site are those of a capture that holds its frames only."""
    every = compose(os.path.join(folder, "all.pcap"), STORIES)
    listed = write_sites(os.path.join(folder, "all"), STORIES)
    together = ledgers(folder, listed, every)
    os.mkdir(os.path.join(folder, "alone"))
    total = 0
    lines = [json.loads(line) for line in call("report", *NOW, "--sites", listed, "--json", "-", every)[1].splitlines()]
    c.same("sites in their order", [line["site"] for line in lines], [*STORIES, "unknown"])
    for site in STORIES:
        alone = compose(os.path.join(folder, "one.pcap"), [site])
        own = write_sites(os.path.join(folder, "alone", "all"), [site])
        ledger = ledgers(folder, own, alone)[site]
        c.same(f"{site}: ledger", oracle.difference(check_state.plain(ledger), check_state.plain(together[site])), None)
        line = json.loads(call("report", *NOW, "--sites", own, "--json", "-", alone)[1].splitlines()[0])
        mine = next(row for row in lines if row["site"] == site)
        c.same(f"{site}: report", oracle.difference(plain_report(line), plain_report(mine)), None)
        split = [f"--wan={wan}={dotted(address(site, wan))}" for wan in WANS]
        code, out, err = call("dissect", *split, alone)
        c.same(f"{site}: --wan", (code, err), (0, ""))
        single, mine = ({wan["name"]: told(wan) for wan in json.loads(text)["wans"]} for text in (out, ledger))
        c.same(f"{site}: --wan", {wan: single[wan] for wan in WANS}, mine)
    for ledger in together.values():
        total += frames_of(ledger)
    c.same("frames in all ledgers", total, sum(1 for _ in records(every)))
    c.same("verdicts", {row["site"]: row["verdict"] for row in lines[:-1]},
           {"idle": "pass", "leaky": "fail", "out": next(row for row in lines if row["site"] == "out")["verdict"]})


@check
def kernel_counters(c, folder):
    """Each WAN of each site has the bytes and packets that the kernel counted on it."""
    every = compose(os.path.join(folder, "all.pcap"), STORIES)
    listed = write_sites(os.path.join(folder, "all"), STORIES)
    lines = [json.loads(line) for line in call("report", "--sites", listed, "--json", "-", every)[1].splitlines()]
    for line in lines[:-1]:
        with open(os.path.join(FIXTURES, STORIES[line["site"]], "truth.json"), encoding="utf-8") as file:
            truth = json.load(file)
        for wan in WANS:
            seen = oracle.wans_of(line)[wan]
            counted = truth["wan_truth"][wan]
            c.same(f"{line['site']} {wan} bytes", seen["l2_bytes"], counted["total_bytes"])
            c.same(f"{line['site']} {wan} packets", seen["frames"], counted["packets"])


def told(wan):
    """Frames of TCP of a WAN in a ledger, by direction and kind."""
    sums = {}
    for cell in wan["cells"]:
        if cell["kind"] != "other":
            key = (cell["direction"], cell["kind"])
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), cell["sum"])]
    return sums


@check
def told_by_id(c, folder):
    """The backup's address is nobody's: its address ID tells the same subflows."""
    every = compose(os.path.join(folder, "all.pcap"), STORIES)
    by_address = ledgers(folder, write_sites(os.path.join(folder, "a"), STORIES), every)
    by_id = ledgers(folder, write_sites(os.path.join(folder, "b"), STORIES, "id:2"), every)
    for site in STORIES:
        one, two = ({wan["name"]: wan for wan in json.loads(ledger[site])["wans"]} for ledger in (by_address, by_id))
        for wan in WANS:
            c.same(f"{site} {wan}", told(two[wan]), told(one[wan]))
    c.same("nobody's subflows", [cell for wan in json.loads(by_id["unknown"])["wans"] for cell in wan["cells"]
                                 if cell["kind"] != "other"], [])
    site = "idle"
    alone = compose(os.path.join(folder, "one.pcap"), [site])
    out = json.loads(call("dissect", "--wan=wan1=id:0", "--wan=wan1=id:1", "--wan=wan2=id:2", alone)[1])
    one = {wan["name"]: wan for wan in json.loads(by_address[site])["wans"]}
    two = {wan["name"]: wan for wan in out["wans"]}
    for wan in WANS:
        c.same(f"one router, {wan}", told(two[wan]), told(one[wan]))
    c.true("what nothing tells is counted", two["unknown"]["counters"]["untold_other_frames"] >= 2)


@check
def untold_is_no_pass(c, folder):
    """Subflows whose WAN nothing tells keep the audit from passing, and are named."""
    alone = compose(os.path.join(folder, "one.pcap"), ["idle"])
    roles = ["--role=wan1=master", "--role=wan2=backup"]
    ids = ["--wan=wan1=id:0", "--wan=wan1=id:1", "--wan=wan2=id:2"]
    code, out, _ = call("report", *NOW, *ids, *roles, alone)
    c.same("told: exit", code, 0)
    code, out, _ = call("report", *NOW, *ids[1:], *roles, alone)
    text = " ".join(out.split())
    c.same("untold: exit", code, 3)
    c.true(f"reason in {text[:400]}", "of subflows that opened connections and said no address ID" in text)
    c.true("advice", "ip mptcp endpoint add" in text)


@check
def windows(c, folder):
    """--from and --to cut each site as they cut it alone."""
    every = compose(os.path.join(folder, "all.pcap"), STORIES)
    listed = write_sites(os.path.join(folder, "all"), STORIES)
    when = [f"--from={(START + 2 * 10**9) // 10**9}", f"--to={(START + 4 * 10**9) // 10**9}"]
    together = ledgers(folder, listed, every, *when)
    c.true("something was cut", frames_of(together["leaky"]) < frames_of(ledgers(folder, listed, every)["leaky"]))
    for site in STORIES:
        alone = ledgers(folder, write_sites(os.path.join(folder, "one"), [site]),
                        compose(os.path.join(folder, "one.pcap"), [site]), *when)[site]
        c.same(site, oracle.difference(check_state.plain(alone), check_state.plain(together[site])), None)


@check
def overview(c, folder):
    """Worst first, then a page for each; the exit code is that of the worst; quotas reach their WAN."""
    every = compose(os.path.join(folder, "all.pcap"), STORIES)
    listed = os.path.join(folder, "all")
    write_sites(listed, STORIES)
    with open(listed, encoding="utf-8") as file:
        text = file.read().replace("backup  #", "backup quota=20GiB billing_day=17 #")
    with open(listed, "w", encoding="utf-8") as file:
        file.write(text + f"absent fibre 100.99.0.1 master\nabsent lte id:2 role=backup\n")
    code, out, _ = call("report", *NOW, "--sites", listed, every)
    c.same("exit", code, 2)
    head = out.split("=" * 79)[0]
    c.true(f"counts in {head.splitlines()[0]}", head.startswith("4 sites, worst first: 1 fail"))
    c.same("first", head.splitlines()[3].split()[:2], ["FAIL", "leaky"])
    c.true("nobody's frames are named", "unknown: " in head and "of no site that could be told" in " ".join(head.split()))
    c.same("pages", out.count("=" * 79), 4)
    chinese = call("report", *NOW, "--sites", listed, every, "--lang", "zh-CN")[1].split("=" * 79)[0]
    c.true(f"in Chinese: {chinese}", chinese.startswith("4 个站点，最差的在前：1 个未通过") and "分不清属于哪个站点" in chinese)
    names = re.sub(r"\b(leaky|idle|absent|MPTCP|TCP|[kM]?B)\b|A\d+", "", chinese)
    c.same("no English is left", re.findall(r"[a-z]{3,}", "".join(name for name in names.split() if name not in STORIES)), [])
    c.true("lines fit a terminal", max(map(len, out.splitlines())) <= 80)
    rows = [json.loads(line) for line in call("report", "--sites", listed, "--json", "-", every)[1].splitlines()]
    absent = next(row for row in rows if row["site"] == "absent")
    c.same("a site without frames", absent["verdict"], "not_assessed")
    c.true("the plan is known", any("20.0 GiB" in finding["text"] for finding in rows[0]["findings"] if finding["rule"] == "A26"))
    code, _, _ = call("report", *NOW, "--sites", write_sites(listed, ["idle"]), every)
    c.same("exit of one that passes", code, 0)


@check
def refusals(c, folder):
    capture = compose(os.path.join(folder, "one.pcap"), ["idle"])
    good = write_sites(os.path.join(folder, "good"), ["idle"])
    for words, exit_code, said in (
            (["dissect", "--sites", good, capture], 64, "-o names a directory"),
            (["report", "--sites", good, "--wan", "a=192.0.2.1", capture], 64, "both say"),
            (["report", "--sites", good, "--html", os.path.join(folder, "s"), capture], 64, "of one site"),
            (["report", "--sites", good, "--state", os.path.join(folder, "s"), capture], 64, "does not go with"),
            (["report", "--wan", "a=id:1", "--state", os.path.join(folder, "s"), capture], 64, "does not go with"),
            (["report", "--wan", "a=id:256", capture], 64, "no network"),
            (["report", "--wan", "a=id:1", "--wan", "b=id:1", capture], 64, "told of two WANs"),
            (["report", "--wan", "unknown=id:1", capture], 64, "nothing tells"),
            (["report", "--sites", os.path.join(folder, "none"), capture], 66, "No such file")):
        code, _, err = call(*words)
        c.same(" ".join(words[:4]), (code, said in err), (exit_code, True))
    for text, said in (("a b\n", ":1: a row is SITE"), ("# x\na b 1.2.3\n", ':2: no address, ADDRESS/LEN or id:N: "1.2.3"'),
                       ("a b id:1 backup quota=x\n", ":1: quota"), ("a b id:1 bakup\n", ":1: "),
                       ("a/b c id:1\n", "no name for a site"), ("a unknown id:1\n", "no name for a WAN"), ("\n#\n", "no row"),
                       ("a b id:1\na c id:1\n", "told of two WANs of a: b and c"),
                       ("a b 192.0.2.1\nc d 192.0.2.1/32\n", "the same network")):
        path = os.path.join(folder, "bad")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, _, err = call("report", "--sites", path, capture)
        c.same(f"{text!r}: {err.strip()[-80:]}", (code, said in err), (78, True))


# ---- two routers in namespaces ----

CARRIER = ("198.51.100.201", "198.51.100.202")
SECOND = (("100.64.1.2", "100.64.1.1"), ("100.64.2.2", "100.64.2.1"))


class Two(lab.Lab):
    """A second router with two WANs; the carrier of its second one hides it behind an address that changes."""

    def __init__(self):
        super().__init__(2)
        self.names["other"] = f"mac{os.getpid()}o"
        self.dumps, self.where = [], "client"

    def build(self):
        super().build()
        for index, (own, gateway) in enumerate(SECOND):
            wan, table = f"wan{index + 1}", str(101 + index)
            self.build_pair(wan, "other", f"{own}/24", f"o{index + 1}", "middle", f"{gateway}/24", 5 + index)
            self.run("other", "ip", "rule", "add", "from", own, "lookup", table)
            self.run("other", "ip", "route", "add", "default", "via", gateway, "dev", wan, "table", table)
            self.run("other", "ip", "route", "add", "default", "via", gateway, "dev", wan, "metric", str(10 + index))
        self.run("other", "ip", "mptcp", "limits", "set", "subflow", "8", "add_addr_accepted", "8")
        self.carrier(CARRIER[0])

    def carrier(self, public):
        """From now on new flows of the second router's wan2 have this address."""
        self.run("middle", "nft", "flush ruleset; add table ip lab; add chain ip lab post "
                 "{ type nat hook postrouting priority 100; }; "
                 f"add rule ip lab post ip saddr {SECOND[1][0]} oifname mid snat to {public}")

    def dump(self, part, device, path):
        process = subprocess.Popen(["ip", "netns", "exec", self.names[part], "tcpdump", "-i", device, "-n", "-s", "160", "-U", "--immediate-mode", "-Z",
                                    "root", "-B", "8192", "-w", path], stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lab.die_with_parent)
        self.processes.append(process)
        self.dumps.append((process, path, part, device, self.packets_of(part)[device]))
        while "listening on" not in process.stderr.readline():
            pass

    def counters(self):
        """Those of both routers: quiet() waits for all of them."""
        other = {f"other {wan}": count for wan, count in self.packets_of("other").items()}
        return {**super().counters(), **other}

    def packets_of(self, part):
        rows = json.loads(self.run(part, "ip", "-s", "-j", "link"))
        return {row["ifname"]: sum(row["stats64"][way]["packets"] for way in ("rx", "tx")) for row in rows}

    def end_dumps(self):
        """Once each has written as many frames as passed its device."""
        self.quiet()
        for process, path, part, device, before in self.dumps:
            lab.wait_until(f"tcpdump on {device} to have written all",
                           lambda: sum(1 for _ in records(path)) == self.packets_of(part)[device] - before)
            process.terminate()
            process.wait()

    def start(self, part, *arguments):
        return super().start(self.where if part == "client" else part, *arguments)

    def fetch_from(self, part, down, source=None):
        self.where = part
        return self.fetch(down, rate=2 * down, joined=1, source=source)


def record_two(folder, down=150_000):
    """Both routers near and far; what the kernel counted on each WAN."""
    with Two() as two:
        two.endpoint(1, "subflow")
        two.endpoint(2, "subflow", "backup")
        for number, (own, _) in enumerate(SECOND, 1):
            two.run("other", "ip", "mptcp", "endpoint", "add", own, "id", str(number), "dev", f"wan{number}", "subflow",
                    *(["backup"] if number == 2 else []))
        two.serve()
        two.quiet()
        for part in ("client", "other"):
            for wan in WANS:
                two.dump(part, wan, os.path.join(folder, f"{part}-{wan}.pcap"))
        two.dump("server", "srv", os.path.join(folder, "server.pcap"))
        before = {part: two.packets_of(part) for part in ("client", "other")}
        fetches = [two.fetch_from("client", down), two.fetch_from("other", down)]
        for fetch in fetches:
            fetch.transferred()
        two.carrier(CARRIER[1])
        for source in (None, SECOND[1][0]):     # a join tells the new address, then a connection is opened from it
            fetches.append(two.fetch_from("other", down // 4, source=source))
            fetches[-1].transferred()
        for fetch in fetches:
            fetch.close()
        two.end_dumps()
        after = {part: two.packets_of(part) for part in ("client", "other")}
        return {part: {wan: after[part][wan] - before[part][wan] for wan in WANS} for part in after}


def two_sites(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("client wan1 192.0.2.0/24 master\nclient wan2 198.51.100.2 backup\n"
                   "other wan1 100.64.1.2 master\nother wan2 id:2 backup\n")
    return path


@check
def two_routers(c, folder):
    """The server's capture gives, for each router, what its own WANs recorded: kind by kind."""
    counted = record_two(folder)
    far = ledgers(folder, two_sites(os.path.join(folder, "sites")), os.path.join(folder, "server.pcap"))
    for part in ("client", "other"):
        near = json.loads(call("dissect", *(f"{wan}={folder}/{part}-{wan}.pcap" for wan in WANS))[1])
        near, mine = ({wan["name"]: wan for wan in ledger["wans"]} for ledger in (near, json.loads(far[part])))
        for wan in WANS:
            c.same(f"{part} {wan}", told(mine[wan]), told(near[wan]))
            others = sum(cell["sum"][0] for cell in near[wan]["cells"] if cell["kind"] == "other")
            c.same(f"{part} {wan}: packets of the kernel", sum(row[0] for row in told(mine[wan]).values()) + others,
                   counted[part][wan])
        c.true(f"{part}: the backup was used by something", told(mine["wan2"]))
    nobody = json.loads(far.get("unknown", '{"wans": []}'))
    c.same("subflows of nobody", [cell for wan in nobody["wans"] for cell in wan["cells"] if cell["kind"] != "other"], [])


STORY = os.path.join(FIXTURES, "behind-server")


def record_story():
    """server.pcap.gz, sites, and what the kernel counted on each WAN of each router, ARP left out."""
    with tempfile.TemporaryDirectory() as folder:
        counted = record_two(folder, 1_200_000)
        for part, wans in counted.items():
            for wan in wans:
                wans[wan] -= sum(frame[12:14] == b"\x08\x06" for _, frame, _ in records(f"{folder}/{part}-{wan}.pcap"))
        os.makedirs(STORY, exist_ok=True)
        with open(os.path.join(folder, "server.pcap"), "rb") as raw, open(os.path.join(STORY, "server.pcap.gz"), "wb") as out:
            with gzip.GzipFile("", "wb", 9, out, 0) as packed:
                packed.write(raw.read())
    two_sites(os.path.join(STORY, "sites"))
    with open(os.path.join(STORY, "counted.json"), "w", encoding="utf-8") as file:
        json.dump(counted, file, indent=1)
        file.write("\n")


def story_text():
    here = os.getcwd()
    os.chdir(STORY)
    try:
        return call("report", *NOW, "--sites", "sites", "server.pcap.gz")[1]
    finally:
        os.chdir(here)


@check
def behind_server(c, _):
    """The story of fixtures/behind-server: the text a person reads, and the kernel's packets of each WAN."""
    with open(os.path.join(STORY, "expected.txt"), encoding="utf-8") as file:
        c.same("text", story_text() == file.read(), True)
    with open(os.path.join(STORY, "counted.json"), encoding="utf-8") as file:
        counted = json.load(file)
    capture = os.path.join(STORY, "server.pcap.gz")
    for line in call("report", "--sites", os.path.join(STORY, "sites"), "--json", "-", capture)[1].splitlines():
        report = json.loads(line)
        for wan, packets in counted.get(report["site"], {}).items():
            c.same(f"{report['site']} {wan}", oracle.wans_of(report)[wan]["frames"], packets)


NEED_LAB = ("two_routers",)


def main(words):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if words in (["--record"], ["--write"]):
        if words == ["--record"]:
            record_story()
        with open(os.path.join(STORY, "expected.txt"), "w", encoding="utf-8") as file:
            file.write(story_text())
        return 0
    suite = oracle.Suite("sites")
    oracle.need_program(suite)
    why = lab.why_unable()
    for name, function in CHECKS.items():
        if words and name not in words:
            continue
        if why and name in NEED_LAB:
            suite.skip(name, why)
            continue
        with tempfile.TemporaryDirectory(prefix="mptcp-audit-sites") as folder, suite.check(name) as c:
            try:
                function(c, folder)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                raise oracle.Failure(str(error)[:600]) from error
    return suite.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
