#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_scrub.py - mptcp-audit scrub: captures that may be given away have the same audit, and nothing of whose they are.

Oracles: the audit of the captures as they were, frame by frame and as a report without names; tshark, which knows MPTCP by
itself (which subflows belong together, which checksums hold); and the bytes of the new files, in which none of the old
addresses, keys, tokens, names and payload may stand. Where the secret is given, all of it is deterministic: no byte string
turns up by chance today and not tomorrow.
"""
import collections
import glob
import gzip
import ipaddress
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import check_grabbed
import check_hands
import check_thin
import oracle

FIXTURES = check_hands.FIXTURES
NOW = "2026-01-02T03:04:05Z"
SECRET = b"correct horse battery staple"
LARGEST = 60_000_000    # bytes of captures
# What may differ between the audits, and why:
NAMES = {"conn", "src", "dst", "options", "app", "dsn", "file"}     # of frames: names, and what a name is told by
# of reports: addresses and what has them; labels that come from payload; hints that quote names; sums over payload
APART = {"client", "server", "id", "from", "to", "assumption", "app", "apps", "host", "hosts", "checksum_good", "checksum_bad"}


def call(*arguments):
    return check_hands.call(*arguments)


def scrub(folder, *arguments):
    """The new files, in the order in which they were told."""
    out = os.path.join(folder, "out")
    key = os.path.join(folder, "key")
    with open(key, "wb") as file:
        file.write(SECRET)
    code, told, err = call("scrub", "--key", key, "-o", out, *arguments)
    if code:
        raise oracle.Failure(f"scrub {' '.join(arguments)} ended with {code}: {err}")
    return [os.path.join(out, re.search(r" -> (.*): [\d,]+ frames", line)[1]) for line in told.splitlines()]


def frames_of(paths):
    code, out, err = call("packets", "--json", *paths)
    if code:
        raise oracle.Failure(f"packets ended with {code}: {err}")
    return [json.loads(line) for line in out.splitlines()]


def without_names(value):
    """A report's JSON as it is without names; rows that are sorted by them in another order."""
    if isinstance(value, dict):
        if value.get("say") == "file_flaw_at":
            return [value["say"], *map(without_names, value["with"][:1] + value["with"][2:])]
        flaw = "byte" in str(value.get("message", ""))  # of a file: at which byte it ended
        return {key: without_names(v) for key, v in value.items() if key not in APART and not (flaw and key == "message")}
    if isinstance(value, list):
        rows = [without_names(v) for v in value]
        if rows and isinstance(rows[0], dict) and "subflows" in rows[0]:
            rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        return rows
    if isinstance(value, str):  # sentences that quote an address, or the byte at which a file ended
        return re.sub(r"\[?host-\d+\]?(:\d+)?( [a-z0-9.-]+)?|at byte \d+", "", value)
    return value


def report_of(paths):
    _, out, err = call("report", "--anonymize", "--now", NOW, "--json", "-", *paths)
    if not out:
        raise oracle.Failure(f"report said nothing: {err}")
    return without_names(json.loads(out))


def same_frames(check, was, now):
    check.same("frames", len(now), len(was))
    there, back, differ = {}, {}, collections.Counter()
    for a, b in zip(was, now):
        for key in (set(a) | set(b)) - NAMES:
            if a.get(key) != b.get(key):
                differ[key] += 1
        if there.setdefault(a.get("conn"), b.get("conn")) != b.get("conn") or \
                back.setdefault(b.get("conn"), a.get("conn")) != a.get("conn"):
            differ["conn"] += 1
    check.same("frames that differ", dict(differ), {})


def same_audit(suite, name, arguments):
    with tempfile.TemporaryDirectory() as folder, suite.check(f"audit of {name}") as check:
        now = scrub(folder, "--names", *arguments)
        same_frames(check, frames_of(arguments), frames_of(now))
        check.same("report", oracle.difference(report_of(arguments), report_of(now)), None)


def audits(suite):
    for case in check_hands.cases():
        same_audit(suite, case, check_hands.captures(case)[0])


def shared(suite):
    """The captures of real kernels and other programs, where they are at hand."""
    root = os.environ.get("MPTCP_AUDIT_SHARED", os.path.join(oracle.HERE, "..", "..", "shared"))
    folders = sorted(glob.glob(os.path.join(root, "captures", "truth", "*", "*")))
    if not folders:
        suite.absent("truth captures", f"{root} is not there")
        return
    for folder in folders[::6]:     # they are alike in sixes, and each takes its second
        paths = sorted(glob.glob(os.path.join(folder, "*.pcap*")))
        if paths and sum(map(os.path.getsize, paths)) < LARGEST:
            same_audit(suite, os.path.basename(folder), paths)


# ---- tshark ----

# What it tells of both alike; the relative DSN rests on a first DSN that it computes from the key.
ALIKE = ("frame.number", "frame.time_epoch", "frame.len", "tcp.stream", "mptcp.stream", "tcp.len", "tcp.seq_raw", "tcp.flags",
         "tcp.option_len", "tcp.options.mptcp.subtype", "tcp.options.mptcp.addrid", "tcp.options.mptcp.datalvllen", "mptcp.dss.dsn",
         "ip.checksum.status", "_ws.malformed")
ADDRESSES = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "eth.src", "eth.dst")
KEYS = ("tcp.options.mptcp.sendkey", "tcp.options.mptcp.recvkey", "tcp.options.mptcp.recvtok")
PAYLOAD = ("tcp.payload", "udp.payload", "data")
SUM = "tcp.checksum.status"     # who has no payload can verify only sums of frames without
FIELDS = (*ALIKE, *ADDRESSES, *KEYS, *PAYLOAD, SUM)


def rows_of(path):
    rows = oracle.tshark(path, FIELDS, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-E", "occurrence=a",
                         "-E", "aggregator=,")
    return [dict(zip(FIELDS, row + [""] * (len(FIELDS) - len(row)))) for row in rows]


def strings_of(rows):
    """What must not stand in the new file: addresses that are somebody's, keys, tokens, as the bytes of the wire."""
    told = {(field, value) for row in rows for field in (*ADDRESSES, *KEYS) for value in row[field].split(",") if value}
    return {as_bytes(field, value) for field, value in told} - {None}


def as_bytes(field, value):
    if field in KEYS:
        return int(value, 0).to_bytes(4 if field == KEYS[2] else 8, "big")
    if field.startswith("eth"):
        mac = bytes.fromhex(value.replace(":", ""))
        return None if mac[0] & 1 or not any(mac) else mac
    address = ipaddress.ip_address(value)
    return None if address.is_multicast or address.is_unspecified or address.is_loopback or \
        str(address) == "255.255.255.255" or address.is_link_local else address.packed


def unpacked(path):
    with open(path, "rb") as file:
        data = file.read()
    return gzip.decompress(data) if path.endswith(".gz") else data


def by_tshark(suite):
    """Streams, MPTCP streams, lengths, mappings are the same; sums of headers hold where they held; nothing else is left."""
    if not shutil.which("tshark"):
        suite.skip("tshark", "is not installed")
        return
    for case in ("failover", "ipv6", "v0-backup", "background"):
        for path in check_hands.captures(case)[1]:
            with tempfile.TemporaryDirectory() as folder, suite.check(f"tshark {case} {os.path.basename(path)}") as check:
                (new,) = scrub(folder, path)
                was, now = rows_of(path), rows_of(new)
                check.same("rows", [[row[f] for f in ALIKE] for row in now], [[row[f] for f in ALIKE] for row in was])
                check.same("sums", [row[SUM] for row in now if row["tcp.len"] == "0"], [row[SUM] for row in was if row["tcp.len"] == "0"])
                check.same("payload", [row["frame.number"] for row in now if any(row[f] for f in PAYLOAD)], [])
                with open(new, "rb") as file:
                    after = file.read()
                before, strings = unpacked(path), strings_of(was)
                check.true("the old file has them", strings and all(s in before for s in strings))
                check.same("left", sorted(s.hex() for s in strings if s in after), [])


def block(kind, body):
    size = 12 + len(body) + -len(body) % 4
    return struct.pack("<II", kind, size) + body + bytes(-len(body) % 4) + struct.pack("<I", size)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def section():
    return block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))


def private_pcapng():
    """All that a pcapng may hold beside frames, and says who somebody is."""
    frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + bytes.fromhex(
        "4500003c000000004011000008080808c6336407") + struct.pack(">HHHH", 40000, 53, 40, 0) + b"SECRET-query.example"
    yield block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1) + option(1, b"SECRET of a section") + option(2, b"SECRET-cpu") +
                option(3, b"SECRET-os") + option(4, b"SECRET-program") + option(0, b""))
    yield block(1, struct.pack("<HHI", 1, 0, 0) + option(2, b"SECRET0") + option(3, b"SECRET description") + option(6, b"PRIVAT") +
                option(4, b"\x08\x08\x08\x08\xff\xff\xff\x00") + option(11, b"\0host SECRET") + option(12, b"SECRET-os") +
                option(15, b"SECRET-card") + option(1, b"SECRET of an interface") +
                option(1, b"mptcp-captured/1 interface wan=SECRET0 role=backup device=SECRETdev boot=SECRETbt kind=SECRET% seq=1") + option(0, b""))
    yield block(6, struct.pack("<IIIII", 0, 0, 1000000, len(frame), len(frame)) + frame + bytes(-len(frame) % 4) +
                option(1, b"SECRET of a frame") + option(2, struct.pack("<I", 1)) + option(3, b"\x02SECRETSECRETSECR") + option(0, b""))
    yield block(4, struct.pack("<HH", 1, 16) + b"\x08\x08\x08\x08SECRET.name\0" + struct.pack("<HH", 0, 0))
    yield block(10, struct.pack("<II", 0x544c534b, 10) + b"SECRET-tls")
    yield block(0xbad, struct.pack("<I", 1) + b"SECRET-custom")
    yield block(5, struct.pack("<III", 0, 0, 2000000) + option(1, b"SECRET of statistics") + option(4, struct.pack("<Q", 1)) +
                option(1, b"mptcp-captured/1 end reason=stop about=SECRETdev") + option(0, b""))


def blocks_of(suite):
    with tempfile.TemporaryDirectory() as folder, suite.check("blocks, options and notes that tell") as check:
        path = os.path.join(folder, "SECRET-home.pcapng")
        with open(path, "wb") as file:
            file.write(b"".join(private_pcapng()))
        (new,) = scrub(folder, path)
        with open(new, "rb") as file:
            after = file.read()
        check.same("names", os.path.basename(new), "wan-a.pcapng")
        check.same("SECRET", after.count(b"SECRET"), 0)
        check.same("hardware address", after.count(b"PRIVAT"), 0)
        check.same("8.8.8.8", after.count(b"\x08" * 4), 0)
        check.true("the filter is told, not which", b"not told" in after)
        check.true("the role", b"role=backup" in after and b"wan=wan-a" in after and b"reason=stop" in after)
        frames, _ = check_thin.read(new)
        check.same("frames", [(f.ts_ns, f.wire, len(f.data)) for f in frames], [(10**9, 62, 14 + 20 + 8)])
        code, out, err = call("dissect", new)
        check.same(f"dissect ({err})", code, 0)
        wan = json.loads(out)["wans"][0]
        check.same("WAN", wan["name"], "wan-a")


def pcap_header(suite):
    """The zone of who wrote a pcap, and what its kernel left behind in the longer records of some, which nobody reads."""
    frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + bytes.fromhex("4500001c000000004000000008080808c6336407") + b"SECRETSS"
    with tempfile.TemporaryDirectory() as folder, suite.check("a pcap's header") as check:
        path = os.path.join(folder, "wan1.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2cd34, 2, 4, 7200, 0x45524353, 65535, 1))
            file.write(struct.pack("<IIIIIHBB", 1, 2, len(frame), len(frame), 3, 8, 4, 0x53) + frame)
        (new,) = scrub(folder, path)
        with open(new, "rb") as file:
            after = file.read()
        check.same("file", after[:24], struct.pack("<IHHiIII", 0xa1b2cd34, 2, 4, 0, 0, 65535, 1))
        check.same("record", after[24:48], struct.pack("<IIIIIHBB", 1, 2, 34, len(frame), 3, 8, 4, 0))
        check.same("length", len(after), 48 + 34)


# ---- names and secrets ----

def called(suite):
    with tempfile.TemporaryDirectory() as folder, suite.check("what files and WANs are called") as check:
        for name in ("smith-fibre.pcap", "smith-lte.pcap", "smith-lte.pcap2"):
            shutil.copy(os.path.join(FIXTURES, "copies", "wan1.pcap"), os.path.join(folder, name))
        paths = sorted(glob.glob(os.path.join(folder, "smith*")))
        check.same("files", [os.path.basename(p) for p in scrub(folder, *paths)], ["wan-a.pcap", "wan-b.pcap", "wan-b.pcap.2"])
        shutil.rmtree(os.path.join(folder, "out"))
        names = [os.path.basename(p) for p in scrub(folder, "--names", *paths)]
        check.same("--names", names, ["smith-fibre.pcap", "smith-lte.pcap", "smith-lte.pcap.2"])
        shutil.rmtree(os.path.join(folder, "out"))
        named = scrub(folder, "--names", f"fixed={paths[0]}", f"mobile={paths[1]}")
        check.same("NAME=FILE", [os.path.basename(p) for p in named], ["fixed.pcap", "mobile.pcap"])


def many_devices(suite):
    """Each device has a name of its own, in the order in which they come, and is found again among many."""
    told = [f"dev{i * 7919 % 60000}" for i in range(60000)] + ["dev7919", "dev0"]
    with tempfile.TemporaryDirectory() as folder, suite.check("many devices") as check:
        path = os.path.join(folder, "wan1.pcapng")
        with open(path, "wb") as file:
            file.write(section() + block(1, struct.pack("<HHI", 1, 0, 0)))
            for name in told:
                file.write(block(5, struct.pack("<III", 0, 0, 0) + option(1, b"mptcp-captured/1 end about=" + name.encode())))
        (new,) = scrub(folder, path)
        with open(new, "rb") as file:
            after = [int(number) for number in re.findall(rb" about=dev-(\d+)", file.read())]
        check.true("names", after == [*range(1, 60001), 2, 1])


def grabbed(suite):
    """What grab.txt says beside captures is said beside the new ones, but for names: roles, and what was lost or left out."""
    rows = (("usual", {}), ("lost", {"two": {"complete": "loss", "dropped": 3}}), ("cut", {"one": {"complete": "cut"}}),
            ("filter", {"ssh_device": "wwan0"}), ("short", {"two": {"captured": 10**9}}))
    for name, more in rows:
        with tempfile.TemporaryDirectory() as folder, suite.check(f"grab.txt {name}") as check:
            theirs = os.path.join(folder, "SECRET")
            os.mkdir(theirs)
            check_grabbed.captures(theirs)
            with open(os.path.join(theirs, "grab.txt"), "w", encoding="ascii") as file:
                file.write(check_grabbed.usual(**more) + "host=SECRET\nwan1.mac=SECRET\n")
            with open(os.path.join(os.path.dirname(scrub(folder, theirs)[0]), "grab.txt"), encoding="ascii") as file:
                text = file.read()
            check.true(text, not re.search("SECRET|wwan|eth|port|wan[12]", text))
            shutil.rmtree(os.path.join(folder, "out"))
            scrub(folder, "--names", theirs)
            check.same("report", oracle.difference(report_of([theirs]), report_of([os.path.join(folder, "out")])), None)


def read_all(folder):
    out = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            out[name] = file.read()
    return out


def secrets(suite):
    paths = check_hands.captures("uci-router")[1]
    with tempfile.TemporaryDirectory() as folder, suite.check("secrets") as check:
        key = os.path.join(folder, "key")
        runs = []
        for name, more in (("a", ("--key", key)), ("b", ("--key", key)), ("c", ()), ("d", ())):
            out = os.path.join(folder, name)
            code, _, err = call("scrub", *more, "-o", out, *paths)
            check.same(f"exit ({err})", code, 0)
            runs.append(read_all(out))
        check.true("the same secret gives the same", runs[0] == runs[1])
        check.true("another gives others", len({json.dumps({k: v.hex() for k, v in run.items()}) for run in runs}) == 3)
        check.same("a new key is for nobody else", oct(os.stat(key).st_mode & 0o777), "0o600")
        # one WAN now, the other later, with the same key: hosts are the same
        hosts = []
        for i, path in enumerate(paths):
            out = os.path.join(folder, f"part{i}")
            call("scrub", "--key", key, "--names", "-o", out, path)
            hosts.append({frame["dst" if frame["dir"] == "up" else "src"].rsplit(":", 1)[0]
                          for frame in frames_of(glob.glob(os.path.join(out, "*")))})
        check.true(f"the server is the same: {hosts}", len(hosts[0]) == 1 and hosts[0] == hosts[1])


def refusals(suite):
    path = check_hands.captures("uci-router")[1][0]
    with tempfile.TemporaryDirectory() as folder, suite.check("refusals") as check:
        full, short, ledger = (os.path.join(folder, name) for name in ("full", "short", "ledger.json"))
        os.mkdir(full)
        for name in (os.path.join(full, "x"), short):
            with open(name, "w", encoding="ascii") as file:
                file.write("short")
        call("dissect", "-o", ledger, path)
        out = os.path.join(folder, "out")
        rows = (
            ((path,), 64, "scrub needs -o DIR"),
            (("-o", full, path), 73, "is not empty"),
            (("-o", out, "-"), 64, "save it first"),
            (("-o", out, ledger), 65, "--anonymize"),
            (("-o", out, "--key", short, path), 64, "16 to 4096 bytes"),
            (("-o", out, "--kye", short, path), 64, "--key"),
            (("-o", out, short), 65, "not a capture"),
            (("-o", os.path.join(folder, "no", "where"), path), 73, "No such file"),
            (("-o", out, "--key", os.path.join(out, "key"), path), 64, "keep it elsewhere"),
        )
        for arguments, code, words in rows:
            got, _, err = call("scrub", *arguments)
            check.same(f"{arguments}: {err}", (got, words in err), (code, True))
        if os.geteuid() == 0:
            check.same("nothing was written over", read_all(full), {"x": b"short"})
        # it cannot be written: that is said of the directory, not of the capture
        os.makedirs(os.path.join(out, ".scrub.part"), exist_ok=True)
        got, _, err = call("scrub", "-o", out, path)
        check.same(err, (got, f"-o {out}: wan-a.pcap: Is a directory" in err), (74, True))
        latin = os.fsencode(os.path.join(folder, "b")) + b"\xfcro.pcap"
        shutil.copy(os.fsencode(path), latin)
        got, _, err = call("scrub", "-o", os.path.join(folder, "other"), os.fsdecode(latin))
        check.same(err, (got, "not UTF-8: rename it" in err), (66, True))


def flaws(suite):
    """A file that was cut, damaged or glued is known as that afterwards, and has the same frames."""
    whole = b"".join(private_pcapng())
    with tempfile.TemporaryDirectory() as folder, suite.check("cut anywhere") as check:
        path = os.path.join(folder, "wan1.pcapng")
        for length in range(100, len(whole), 12):
            with open(path, "wb") as file:
                file.write(whole[:length])
            states = []
            code, out, _ = call("dissect", path)
            states.append((code, [bool(f.get("message")) for f in json.loads(out)["files"]] if out else None))
            (new,) = scrub(folder, path)
            code, out, _ = call("dissect", new)
            states.append((code, [bool(f.get("message")) for f in json.loads(out)["files"]] if out else None))
            check.same(f"at {length}", states[1], states[0])
            shutil.rmtree(os.path.join(folder, "out"))


def main():
    suite = oracle.Suite("scrub")
    oracle.need_program(suite)
    for step in (audits, shared, by_tshark, blocks_of, pcap_header, called, many_devices, grabbed, secrets, refusals, flaws):
        try:
            step(suite)
        except (subprocess.SubprocessError, OSError) as error:
            print(f"not ok scrub {step.__name__}: {error}", flush=True)
            return 1
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
