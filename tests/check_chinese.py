#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_chinese.py - whoever asks for Chinese gets Chinese: no English word is left but names.

Text, Markdown and page of every fixture's report, damaged files and unusable settings among them; a comparison, the list
of a folder, the history, what doctor says. Each word of Latin letters must be a name that is the same in both languages: of a
protocol, a program, an option, a file, a unit. The list of them stands here, so that a new English word is seen.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import check_page
import oracle

ROOT = os.path.join(oracle.HERE, "..")
FIXTURES = os.path.join(ROOT, "fixtures")
NOW = ["--now", "2026-12-01T00:00:00Z"]

# Names: units; protocols; programs and their words; what LuCI, UCI and the kernel call things; WANs and sites of the stories.
NAMES = set("""
kB MB GB EUR TB MiB GiB ms min UTC CET CEST CST FILE WAN
IP TCP UDP MPTCP SYN ACK RST FIN ping pings ICMP DNS NTP ARP DHCP TLS VPN VPS API NAT TOS SQM LAN WAN
SIM APN QUIC HTTP https http dns tcp udp icmp ssh fragment
mptcp audit captured tcpdump mergecap cat ethtool logread sysctl ss omr tracker shadowsocks iperf uci network OMR stacked libev rust glorytun xray Xray mlvpn MLVPN
UBOND openvpn OpenVPN WireGuard Wireshark OpenMPTCProuter LuCI UCI JSON CSV BPF bpf Linux libpcap snaplen pcap offload
master backup enabled disabled default on off on? report explain estimate lang zh economy reliability redundant proto any gro gso tso lro ip
Settings Settings  Wizard Interfaces Multipath scheduler Wi Fi Master AP
primär maître CAP_NET_RAW root NTP IPv frame number in endpoint subflow fullmesh route get direct output over
fibre lte home attic wan ifstatus
""".split())
# What is a name by its form: paths, files, options, settings, versions, identities of checks, addresses, filters.
FORMS = re.compile(r"""--?[A-Za-z][\w-]*(=\S+)?            # an option
                       |[\w.*~%@+-]*/[\w./*~%@+-]+          # a path
                       |\w+\.(pcapng|pcap|gz|ini|json|html|txt)\b
                       |[a-z]+[\w-]*(\.[\w#?-]+)+           # network.wan1.multipath, tcp.port
                       |[a-z]\w*_\w+(=\S*)?                 # plan_bytes_per_day=...
                       |\b(wan|eth|wwan|br-lan|tun|vps|qmimux|ppp|tap)[\w.#?*-]*
                       |\b(MP|DATA|CAP)_[A-Z_]+\b
                       |\b[AE]\d+\b|\bv?\d[\w.:]*|\#\d+|[0-9a-f]*:[0-9a-f:]+
                       |\bmptcp-audit\b""", re.VERBOSE)


def call(*words, **more):
    done = subprocess.run([oracle.PROGRAM, *words], capture_output=True, timeout=oracle.HANG_LIMIT, check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def english_in(text):
    """Words that are no names, with the line they stand in."""
    left = []
    for line in text.splitlines():
        plain = FORMS.sub(" ", line)
        left += [f"{word}: {line.strip()[:90]}" for word in re.findall(r"[A-Za-zÀ-ÿ]{2,}", plain) if word not in NAMES]
    return sorted(set(left))


def no_english(check, what, text):
    check.true(f"{what}: no Chinese", re.search("[\u4e00-\u9fff]", text))
    check.same(what, english_in(text)[:4], [])


def words_of(case):
    """The arguments of a fixture's first run."""
    where = os.path.join(FIXTURES, case)
    with open(os.path.join(where, "truth.json"), encoding="utf-8") as file:
        truth = json.load(file)
    run = truth["runs"][0] if "runs" in truth else {}
    roles = run.get("roles") or {wan: oracle.role_word(role) for wan, role in truth.get("roles", {}).items()}
    files = run.get("files") or oracle.capture_files(where, roles)
    words = [word if not os.path.exists(os.path.join(where, word)) else os.path.join(where, word)
             for word in run.get("arguments", [])]
    for wan, path in files.items():
        path = os.path.join(where, os.path.basename(path))
        words += [f"--{roles[wan]}", f"{wan}={path}"] if wan in roles else [f"{wan}={path}" if wan else path]
    return words


def report_of(case):
    code, out, err = call("report", *NOW, "--json", "-", *words_of(case))
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report of {case}: {err}")
    return out


def check_reports(suite):
    for case in sorted(name for name in os.listdir(FIXTURES) if os.path.exists(os.path.join(FIXTURES, name, "truth.json"))):
        with suite.check(case) as check:
            stored = report_of(case).encode()
            for form in ("text", "md", "html"):
                code, out, err = call("render", "-", "--format", form, "--lang", "zh-CN", input=stored)
                check.same(f"{form}: exit ({err})", code, 0)
                if form == "html":
                    out = "\n".join(check_page.words_of(out).prose)
                elif form == "md":
                    out = re.sub(r"`[^`]*`|</?(sub|details|summary)>", "", out).replace("\\", "")
                no_english(check, form, out)


def check_settings(suite, folder):
    """A router's settings of which nothing can be used."""
    with suite.check("unusable settings") as check:
        config = os.path.join(folder, "etc", "config")
        os.makedirs(config)
        with open(os.path.join(config, "network"), "w", encoding="utf-8") as file:
            file.write("option early '1'\nconfig interface 'wan1'\n\toption proto 'dhcp'\n\toption multipath 'master'\n"
                       "config interface 'wan2'\n\toption proto 'dhcp'\n\toption multipath 'master'\n"
                       "config interface 'wan3'\n\toption multipath 'bakcup'\nnonsense\n"
                       "config interface 'lan'\n\toption ipaddr 'here'\n\toption proto 'static'\nconfig interface 'wan4\n")
        with open(os.path.join(config, "openmptcprouter"), "w", encoding="utf-8") as file:
            file.write("config server 'vps'\n\toption ip 'my.server'\n")
        leak = os.path.join(FIXTURES, "leak")
        words = ["report", *NOW, "--uci", config, f"wan1={leak}/wan1.pcap.gz", f"wan2={leak}/wan2.pcap.gz"]
        code, out, err = call(*words, "--lang", "zh-CN")
        check.true(f"exit {code} {err}", code in oracle.VERDICT_EXITS)
        notes = [line for line in out.splitlines() if line.startswith("  说明：")]
        check.true(f"notes {notes}", len(notes) >= 5)
        no_english(check, "notes", re.sub(r"bakcup|my\.server|here", "", "\n".join(notes)))
        page = call("render", "-", "--format", "html", "--lang", "zh-CN", input=call(*words, "--json", "-")[1].encode())[1]
        shown = "".join(check_page.words_of(page).text)
        check.true("the page has them", all(re.sub(r"^  说明：", "", note) in shown for note in notes if len(note) < 40))
        report = json.loads(call(*words, "--json", "-")[1])
        check.true("cases", len(report["expected"]["messages"]["notes"]) == len(report["expected"]["notes"]) >= 5)
        english = call(*words)[1]
        check.true("in English", all(note in re.sub(r"\s+", " ", english) for note in report["expected"]["notes"]))


def check_lists(suite, folder):
    """What stands beside a report: a comparison, a folder, the history."""
    place, base = os.path.join(folder, "reports"), os.path.join(folder, "history.db")
    os.mkdir(place)
    for number, case in enumerate(("backup-idle", "leak", "short-connections")):
        with open(os.path.join(place, f"r{number}.json"), "w", encoding="utf-8") as file:
            file.write(report_of(case))
    with open(os.path.join(place, "broken.json"), "w", encoding="utf-8") as file:
        file.write("{")
    unread = re.compile(r"（第 1 行：.*?）")  # the words of the library that read it
    reports = [os.path.join(place, f"r{number}.json") for number in range(3)]
    with suite.check("diff") as check:
        for old, new in ((0, 1), (1, 0), (1, 1), (0, 2)):
            no_english(check, f"{old} {new}", call("diff", reports[old], reports[new], "--lang", "zh-CN")[1])
    with suite.check("index") as check:
        no_english(check, "text", unread.sub("", call("index", place, "--all", "--lang", "zh-CN")[1]))
        page = os.path.join(folder, "index.html")
        call("index", place, "--all", "-o", page, "--lang", "zh-CN")
        with open(page, encoding="utf-8") as file:
            no_english(check, "page", unread.sub("", "\n".join(check_page.words_of(file.read()).prose)))
    with suite.check("history") as check:
        call("history", "add", "--db", base, *reports)
        for action in (["list"], ["trend"], ["trend", "--by", "month"], ["trend", "--kind", "keepalive"]):
            code, out, err = call("history", *action, "--db", base, "--lang", "zh-CN")
            check.same(f"{action}: exit ({err})", code, 0)
            no_english(check, " ".join(action), out)


def check_demo(suite, folder):
    """What to type next is in the reader's language, too."""
    with suite.check("estimate") as check:
        code, out, err = call("estimate", "--lang", "zh-CN", "--backups", "2", "--conns-per-hour", "100", "--primary", "20GB",
                              "--with", "wireguard,openvpn,mlvpn,glorytun-udp,sqm-autorate", "--kernel", "6.1")
        check.same(f"exit ({err})", code, 0)
        no_english(check, "text", re.sub(r"sqm-autorate|glorytun|MPTCP\.org", "", out))
        english = call("estimate")[1]
        check.true("in English", english.startswith("A healthy backup that only stands by, kernel 6.18, 24 hours a day\n"))
        check.same("the JSON is no one's language", call("estimate", "--json", "-")[1],
                   call("estimate", "--json", "-", "--lang", "zh-CN")[1])
    with suite.check("demo") as check:
        into = os.path.join(folder, "demo")
        out = call("demo", *NOW, "--lang", "zh-CN", "--story", FIXTURES, "-o", into)[1]
        prose = [line for line in out.splitlines() if not re.match(r"  (  |\S*/)", line)]
        no_english(check, "prose", "\n".join(prose))
        commands = [line for line in out.splitlines() if re.search(r"mptcp-audit (report|explain)", line)]
        check.true(f"commands {commands}", len(commands) == 3 and all("--lang zh-CN" in line for line in commands))


def check_doctor(suite):
    with suite.check("doctor") as check:
        for case in ("leak", "cut-file", "glued-files", "super-frames"):
            code, out, _ = call("doctor", "--lang", "zh-CN", *words_of(case))
            check.true(f"{case}: exit {code}", code < 64)
            no_english(check, case, out)
        no_english(check, "this host", re.sub(r"\b(lo|any|docker\w*|dummy\w*|sit0|RAM)\b", "", call("doctor", "--lang", "zh-CN")[1]))


def main():
    suite = oracle.Suite("chinese")
    oracle.need_program(suite)
    folder = tempfile.mkdtemp(prefix="mptcp-audit-chinese")
    try:
        check_reports(suite)
        check_settings(suite, folder)
        check_lists(suite, folder)
        check_demo(suite, folder)
        check_doctor(suite)
    finally:
        shutil.rmtree(folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
