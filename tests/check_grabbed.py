#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_grabbed.py - what an audit takes from the grab.txt that mptcp-grab leaves beside its captures, and from hostile ones;
and from a pcapng that says with which filter it was recorded.
"""
import json
import os
import sys
import tempfile

import fixture_bytes
import oracle

RECORD = """# what mptcp-grab recorded; the captures lie beside it
format=mptcp-grab/1
ssh_device={ssh_device}
snaplen=160
"""
WAN = """{name}.device={device}
{name}.role={role}
{name}.multipath={role}
{name}.file={name}.pcap
{name}.filter={filter}
{name}.complete={complete}
{name}.captured={captured}
{name}.dropped_by_kernel={dropped}
{name}.dropped_by_interface=0
{name}.first.rx_frames=1000
{name}.first.tx_frames=2000
{name}.last.rx_frames={last}
{name}.last.tx_frames=2000
"""
DEFAULTS = {"filter": "not tcp port 22", "complete": "yes", "captured": 10, "dropped": 0, "last": 1010}


def lines(name, device, role, **more):
    return WAN.format(name=name, device=device, role=role, **{**DEFAULTS, **more})


def usual(ssh_device="lan0", one=None, two=None):
    return RECORD.format(ssh_device=ssh_device) + lines("wan1", "eth1", "master", **(one or {})) + \
        lines("wan2", "wwan0", "backup", **(two or {}))


def captures(folder):
    story = fixture_bytes.usual_story(1)
    for wan in ("wan1", "wan2"):
        fixture_bytes.write_pcap(os.path.join(folder, f"{wan}.pcap"), [p for p in story.packets if p["wan"] == wan])


def read(folder, text, *inputs):
    """The report's WANs by name, with this record beside the captures."""
    path = os.path.join(folder, "grab.txt")
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    out, _ = oracle.run("report", "--json", "-", *(inputs or [folder]))
    told = json.loads(out)
    wans = {wan["name"]: {**wan, **quality} for wan, quality in zip(told["wans"], told["coverage"]["wans"])}
    return wans, {f["rule"] + f["wan"]: f for f in told["findings"] if f["wan"]}


def told_of(wan):
    return wan["role"], wan["role_source"], wan["drops_known"], wan["dropped_frames"], wan["filtered"]


def what_is_taken(suite, folder):
    master, backup = ("master", "capture", True, 0, False), ("backup", "capture", True, 0, False)
    with suite.check("roles, losses and filters") as check:
        for what, text, want in (
                ("all is well", usual(), (master, backup)),
                ("tcpdump was too slow", usual(two={"complete": "loss", "dropped": 7}),
                 (master, ("backup", "capture", True, 7, False))),
                ("frames passed by tcpdump", usual(two={"complete": "loss", "last": 1041}),
                 (master, ("backup", "capture", True, 31, False))),
                ("joined frames are no loss", usual(two={"complete": "joined", "last": 1041}), (master, backup)),
                ("a cut recording does not know", usual(two={"complete": "cut"}),
                 (master, ("backup", "capture", False, None, False))),
                ("its own connection was left out", usual(ssh_device="eth1", one={"complete": "ssh"}),
                 (("master", "capture", True, 0, True), backup)),
                ("from where it was asked is not known", usual(ssh_device=""),
                 (("master", "capture", True, 0, True), ("backup", "capture", True, 0, True)))):
            wans, _ = read(folder, text)
            check.same(what, (told_of(wans["wan1"]), told_of(wans["wan2"])), want)
        wans, _ = read(folder, usual(), os.path.join(folder, "wan2.pcap"), "lte=" + os.path.join(folder, "wan1.pcap"))
        check.same("files one by one, by other names", [wans[n]["role"] for n in ("lte", "wan2")], ["master", "backup"])
        wans, _ = read(folder, usual(), "--role", "wan1=on", folder)
        check.same("an option counts more", (wans["wan1"]["role"], wans["wan1"]["role_source"]), ("on", "flag"))
        out, err = oracle.run("report", "--json", "-", folder)
        check.true("nothing to say", not err)
        with open(os.path.join(folder, "grab.txt"), "w", encoding="utf-8") as file:
            file.write(usual(one={"captured": 25}))
        out, err = oracle.run("report", "--json", "-", folder)
        check.true(f"frames that lack in a file ({err.strip()})", "wan1.pcap: holds fewer frames" in err and
                   "wan2.pcap" not in err and json.loads(out)["coverage"]["files"][0]["message"])
        wans, findings = read(folder, usual(two={"complete": "loss", "dropped": 70}))
        check.true("frames lost block a pass", findings["A27wan2"]["status"] != "pass")


def hostile(suite, folder):
    nothing = (None, None, False, None, False)
    with suite.check("hostile records") as check:
        read(folder, "nothing")
        assumed = {n: w["role"] for n, w in read(folder, "nothing")[0].items()}
        for what, text in (
                ("nothing", b""), ("no format", usual().replace("format=", "form=")),
                ("another format", usual().replace("grab/1", "grab/2")), ("too long", usual() + "#" * 65536),
                ("one line", b"format=mptcp-grab/1" + b"x" * 40000), ("zeroes", bytes(70)),
                ("a file of nobody", usual().replace(".file=", ".file=x")), ("a path", usual().replace(".file=", ".file=../"))):
            wans, _ = read(folder, text)
            check.same(what, [(w["role"], *told_of(w)[2:]) for w in wans.values()],
                       [(assumed[n], *nothing[2:]) for n in wans])
        wans, _ = read(folder, usual().replace("role=backup", "role=\x1b[31m\u00ff;rm -rf"))
        check.true("a role that is none", wans["wan2"]["role_source"] != "capture")
        for value in ("-1", "1e9", "9" * 30, "", "7 ", "0x10", "\u0667"):
            wans, _ = read(folder, usual(two={"complete": "loss", "dropped": value}))
            check.same(f"{value!r} frames", told_of(wans["wan2"])[2:4], (False, None))
        wans, _ = read(folder, usual(two={"dropped": "9" * 18, "complete": "loss"}))
        check.true("very many frames", wans["wan2"]["dropped_frames"] > 10**9)
        text = usual()
        for cut in range(0, len(text), 7):
            read(folder, text[:cut])
        os.remove(os.path.join(folder, "grab.txt"))
        os.mkfifo(os.path.join(folder, "grab.txt"))
        out, _ = oracle.run("report", "--json", "-", os.path.join(folder, "wan1.pcap"), os.path.join(folder, "wan2.pcap"))
        check.true("a pipe is not waited for", json.loads(out)["wans"])


def device_filter(suite):
    """What a filter hid is not taken for silence."""
    story = fixture_bytes.usual_story(1)
    with tempfile.TemporaryDirectory() as folder, suite.check("a pcapng recorded with a filter") as check:
        path = os.path.join(folder, "both.pcapng")
        interfaces = {"wan1": ("eth1", "ethernet", 9), "wan2": ("wwan0", "ethernet", 9)}
        roles = ("--role", "eth1=master", "--role", "wwan0=backup")
        for what, filters, status in (("none", {}, "pass"), ("one", {"wwan0": "not port 22"}, "not_assessed")):
            fixture_bytes.write_pcapng(path, story.packets, interfaces, filters=filters)
            told = json.loads(oracle.run("report", "--json", "-", *roles, path)[0])
            check.same(f"{what}: filtered", [w["filtered"] for w in told["coverage"]["wans"]], [False, bool(filters)])
            got = {f["rule"]: f["status"] for f in told["findings"] if f["wan"] == "wwan0"}
            check.same(f"{what}: A22, A29", (got["A22"], got["A29"]), (status, status))
            check.true(f"{what}: A1, A2", status == "pass" or "pass" not in (got["A1"], got["A2"]))
        for broken in (b"", b"\0"):     # no language byte, no filter
            with open(path, "rb") as file:
                data = file.read()
            old = fixture_bytes.option(11, b"\0not port 22")
            new = fixture_bytes.option(11, broken)
            with open(path, "wb") as file:
                file.write(data.replace(old, new + fixture_bytes.option(2988, bytes(len(old) - len(new) - 4))))
            told = json.loads(oracle.run("report", "--json", "-", *roles, path)[0])
            check.same("an empty filter hides nothing", [w["filtered"] for w in told["coverage"]["wans"]], [False, False])
            with open(path, "wb") as file:
                file.write(data)


def main():
    suite = oracle.Suite("grabbed")
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory() as folder:
        captures(folder)
        what_is_taken(suite, folder)
        hostile(suite, folder)
    device_filter(suite)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
