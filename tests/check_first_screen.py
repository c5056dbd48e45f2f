#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_first_screen.py - the first sentence and the first screen tell the truth, in both languages.

A capture that is spoiled here in a known way (cut off, cut too short, damaged, a gap, frames lost) must say so before
anything else, for the WAN it happened to and with the amount that the spoiler knows; a whole one must not.
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
import time

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
NOW = ("--now", "2026-12-01T00:00:00Z")
LEADS = {"en": "Not all was seen: ", "zh-CN": "并非全部都看到："}
# those whose stories say that something of them is missing
SPOILED = ("cut-file", "glued-files", "recorded")


def call(*arguments, stdin=None):
    done = subprocess.run([oracle.PROGRAM, *arguments], input=stdin, capture_output=True, timeout=oracle.HANG_LIMIT,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode(errors="replace")


def audit(*arguments):
    code, out, err = call("report", *NOW, "--json", "-", *arguments)
    if code not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"report ended with {code}: {err}")
    return json.loads(out)


def render(report, form, language):
    code, out, err = call("render", "-", "--format", form, "--lang", language, stdin=json.dumps(report).encode())
    if code != 0:
        raise oracle.Failure(f"render --format {form} ended with {code}: {err}")
    return out


def squeezed(text):
    """Lines as one; where Chinese is wrapped no blank was, so none counts beside it."""
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", " ".join(text.split()))


def sentence_of(report, language):
    """The first paragraph of the text."""
    return squeezed(render(report, "text", language).split("\n\n")[1])


# ---- spoilers: a pcap as bytes in, spoiled bytes out ----

def packed(case, wan):
    path = os.path.join(FIXTURES, case, f"{wan}.pcap")
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as file:
        return file.read()


def records(data):
    """(offset, seconds, nanoseconds, captured, wire) of each record."""
    magic, = struct.unpack_from("<I", data)
    unit = 1 if magic == 0xa1b23c4d else 1000
    at, out = 24, []
    while at + 16 <= len(data):
        s, sub, caplen, wire = struct.unpack_from("<IIII", data, at)
        out.append((at, s, sub * unit, caplen, wire))
        at += 16 + caplen
    return out


def cut_in_mid_frame(data, part):
    rows = records(data)
    at, _, _, caplen, _ = rows[int(len(rows) * part)]
    return data[:at + 16 + caplen // 2]


def cut_short(data, snaplen):
    out = bytearray(data[:24])
    struct.pack_into("<I", out, 16, snaplen)
    for at, _, _, caplen, _ in records(data):
        keep = min(caplen, snaplen)
        out += data[at:at + 8] + struct.pack("<I", keep) + data[at + 12:at + 16 + keep]
    return bytes(out)


def moment(row):
    seconds, nanoseconds = row[1:3]
    return seconds * 10**9 + nanoseconds


class Workshop:
    def __init__(self, folder):
        self.folder = folder

    def case(self, name, spoil):
        """--master FILE --backup FILE of a fixture, each WAN as spoil(wan, data) makes it."""
        words = []
        for wan, role in (("wan1", "--master"), ("wan2", "--backup")):
            path = os.path.join(self.folder, f"{wan}.pcap")
            with open(path, "wb") as file:
                file.write(spoil(wan, packed(name, wan)))
            words += [role, path]
        return words


def check_lead(check, report, parts):
    """Both languages begin with it, and so do the page, Markdown and the line for Nagios; `parts` by language."""
    for language, lead in LEADS.items():
        sentence = sentence_of(report, language)
        check.true(f"{language}: {sentence[:200]} does not begin with it", sentence.startswith(lead))
        told = sentence[:sentence.find(". " if language == "en" else "。")]
        for part in parts[language]:
            check.true(f"{language}: {part} is not in {told}", squeezed(part) in told)
        page = re.sub(r"<[^>]+>", "", re.search(r"</h1>(.*?)</section>", render(report, "html", language), re.S)[1])
        check.true(f"{language}: the page's lead is {page[:80]}", page.startswith(lead.rstrip()))
        check.true(f"{language}: Markdown lacks it", lead.rstrip() in render(report, "md", language))
    check.true("JSON says it apart", report["unseen"].startswith(LEADS["en"]) and report["messages"]["unseen"])
    check.true("it is no pass", report["verdict"] != "pass")


def check_cut_file(suite, shop):
    for wan in ("wan1", "wan2"):
        with suite.check(f"{wan} cut in mid-frame") as check:
            words = shop.case("failback-late", lambda name, data, cut=wan: cut_in_mid_frame(data, 0.5) if name == cut else data)
            rows = records(packed("failback-late", wan))
            other = records(packed("failback-late", "wan2" if wan == "wan1" else "wan1"))
            last = moment(rows[int(len(rows) * 0.5) - 1])
            seconds = (max(moment(row) for row in other) - last) / 1e9
            length = f"{seconds:.0f} s" if seconds < 120 else f"{int(seconds + 0.5) // 60} min"
            check_lead(check, audit(*words), {"en": [f"{wan}: its file could be read up to 2026-", f"go on for {length}", "(A27)"],
                                              "zh-CN": [f"{wan}：它的文件只能读到", length, "（A27）"]})


def check_short_frames(suite, shop):
    with suite.check("frames cut before their mappings") as check:
        words = shop.case("leak", lambda wan, data: cut_short(data, 70) if wan == "wan2" else data)
        got = audit(*words)
        cut = next(row["cut_frames"] for row in got["coverage"]["wans"] if row["wan"] == "wan2")
        check.true("no frame was cut", cut > 0)
        check_lead(check, got, {"en": ["wan2: ", "of user data without their mapping", f"({cut:,} frames cut too short)"],
                                "zh-CN": ["wan2：", "没有映射", f"{cut:,} 帧抓得太短"]})


def check_damaged(suite, shop):
    with suite.check("a damaged record") as check:
        def spoil(wan, data):
            rows, out = records(data), bytearray(data)
            struct.pack_into("<I", out, rows[len(rows) // 3][0] + 8, 0x7fffffff)
            return bytes(out) if wan == "wan2" else data
        got = audit(*shop.case("failback-late", spoil))
        check_lead(check, got, {"en": ["wan2: its file could be read up to"], "zh-CN": ["wan2：它的文件只能读到"]})


def check_filter(suite, shop):
    with suite.check("a filter") as check:
        got = audit(*shop.case("backup-idle", lambda wan, data: data), "-f", "tcp")
        check_lead(check, got, {"en": ["wan1: a filter left frames out; wan2: a filter left frames out", "could not be made (A1, "],
                                "zh-CN": ["wan1：过滤器漏掉了一些帧", "无法进行（A1，"]})


def check_recorded(suite):
    """The story of the fixture: 3 frames lost, 40 s without a recorder, a file unfinished."""
    with suite.check("drops, a gap and an unfinished file") as check:
        got = audit(os.path.join(FIXTURES, "recorded", "spool"))
        check_lead(check, got, {"en": ["wan1: 3 of 72 frames lost, 40 s of 16 min 40 s not recorded", "its last file is unfinished",
                                       "wan2: 40 s of 16 min 40 s not recorded"],
                                "zh-CN": ["wan1：72 帧中丢失 3 帧", "16 min 40 s 中有 40 s 没有记录", "最后一个文件未完成"]})
    with suite.check("a fail stays one, and says it too") as check:
        with tempfile.TemporaryDirectory() as folder:
            words = Workshop(folder).case("leak", lambda wan, data: cut_in_mid_frame(data, 0.9) if wan == "wan1" else data)
            got = audit(*words)
            check.same("verdict", got["verdict"], "fail")
            check_lead(check, got, {"en": ["wan1: its file"], "zh-CN": ["wan1：它的文件"]})


def fixture_words(case):
    folder = os.path.join(FIXTURES, case)
    if os.path.isdir(os.path.join(folder, "spool")):
        return [os.path.join(folder, "spool")]
    words = []
    for name in sorted(os.listdir(folder)):
        found = re.match(r"(\w+)\.pcap(ng)?(\.gz|\.zst)?$", name)
        if found:
            role = {"wan1": "master", "fibre": "master"}.get(found[1], "backup")
            words += [f"--{role}", f"{found[1]}={os.path.join(folder, name)}"]
    return words


def check_hostile(suite):
    """A report that says it a hundred thousand times, or with cases that nobody knows, is a page of bounded size."""
    got = audit(os.path.join(FIXTURES, "recorded", "spool"))
    lead = got["messages"]["sentence"][0]
    unknown = {"say": "not_all_seen", "with": [{"say": "of_tomorrow", "with": []}]}
    for name, tree in (("often", [lead] * 100000), ("unknown", unknown), ("none", [{"say": "bill_first"}, 7])):
        with suite.check(f"a hostile sentence: {name}") as check:
            got["messages"]["sentence"] = tree
            page = render(got, "html", "en")
            check.true(f"{len(page)} bytes", len(page) < 10**6)
            check.true("nothing is told", "Not all was seen: wan1: 3 of 72 frames lost" in page)


def check_whole(suite):
    with suite.check("whole captures do not say it") as check:
        for case in sorted(os.listdir(FIXTURES)):
            words = fixture_words(case)
            if not words or case in SPOILED:
                continue
            got = audit(*words)
            check.same(case, got["unseen"], None)
            check.true(f"{case}: {got['sentence'][:60]}", not got["sentence"].startswith("Not all"))
            check.true(f"{case} page", "class=partial" not in render(got, "html", "en"))


def bill_of(data):
    """What a carrier would bill of a capture of Ethernet frames: the IP lengths, ARP not among them."""
    return sum(int.from_bytes(data[at + 32:at + 34], "big") for at, *_ in records(data) if data[at + 28:at + 30] == b"\x08\x00")


BILL_ROWS = {"en": ("billed", "seen here", "not recorded, about", "lost while capturing, about", "rounding of the plan", "unexplained"),
             "zh-CN": ("计费", "这里看到", "未记录，约", "抓包丢失，约", "套餐进位", "无法解释")}


def check_bill(suite, shop):
    """Whose carrier bills 20 GB reads first how much of it was seen: the capture's own bytes."""
    seen = bill_of(packed("day-late", "lte"))
    words = [f"--{role}={os.path.join(FIXTURES, 'day-late', name)}" for role, name in
             (("master", "fibre.pcap.gz"), ("backup", "lte.pcap.gz"))]
    got = audit(*words, "--billed", "20GB")
    mega, giga = f"{seen / 1e6:.1f} MB", f"{(20e9 - seen) / 1e9:.1f} GB"
    starts = {"en": f"lte: the carrier bills 20.0 GB; seen {mega}, ", "zh-CN": f"lte：运营商计费 20.0 GB；实际看到 {mega}，"}
    for language, start in starts.items():
        with suite.check(f"the bill comes first, {language}") as check:
            sentence = sentence_of(got, language)
            check.true(f"{sentence[:100]}", sentence.startswith(squeezed(start)))
            check.true(f"{giga} is not in it", squeezed(giga) in sentence)
            page = render(got, "html", language)
            rows = re.findall(r"<dt>(.*?)<dd[^>]*>(.*?)</div>", page[page.index("<dl class=bill>"):].partition("</dl>")[0], re.S)
            told = {name: " ".join(re.sub(r"<[^>]+>", "", value).split()) for name, value in rows}
            check.same("rows", tuple(told), BILL_ROWS[language])
            check.same("amounts", [told[name] for name in BILL_ROWS[language]], ["20.0 GB", mega, "0 B", "0 B", "0 B", giga])
    with suite.check("the headline") as check:
        check.true("it is about the bill", f"bills for lte, {giga} are unexplained" in re.search(r"<h1>(.*?)</h1>", render(got, "html", "en"))[1])
        fine = audit(*words, "--billed", str(seen))
        check.true("an explained bill is no headline", "carrier bills" not in re.search(r"<h1>(.*?)</h1>", render(fine, "html", "en"))[1])
        check.true("but it comes first", fine["sentence"].startswith("lte: the carrier bills"))
        check.true("none given, none told", "carrier" not in audit(*words)["sentence"])
    with suite.check("a bill, and a part not seen") as check:
        words = shop.case("failback-late", lambda wan, data: cut_in_mid_frame(data, 0.5) if wan == "wan2" else data)
        both = audit(*words, "--billed", "1GB")["sentence"]
        check.true(both[:200], both.startswith("Not all was seen: wan2: ") and both.index("wan2: the carrier bills 1.00 GB") < 400)


def check_clocks(suite):
    """All times a reader sees are by the site's clocks, their offset is told once; JSON keeps UTC."""
    folder = os.path.join(FIXTURES, "day-late")
    got = audit("--config", os.path.join(folder, "site.ini"), *(os.path.join(folder, name) for name in ("fibre.pcap.gz", "lte.pcap.gz")))
    frame = next(row for finding in got["findings"] for row in finding["evidence"] if row["file"].endswith("lte.pcap.gz"))
    ns = moment(records(packed("day-late", "lte"))[frame["frame"] - 1])
    local = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ns // 10**9 + 3600)) + f".{ns // 1000 % 10**6:06d} CET"
    for language in LEADS:
        text = render(got, "text", language)
        page = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", render(got, "html", language), flags=re.S))
        for form, told in (("text", text), ("page", page)):
            with suite.check(f"the site's clocks, {form} {language}") as check:
                check.same("UTC", re.findall(r"UTC\S{0,6}", told), ["UTC+01:00"])
                check.same("times of RFC 3339", re.findall(r"\d\dT\d\d:\d\d\S*", told), [])
                check.true("no time of the site", told.count(" CET") > 5)
        with suite.check(f"the time of a frame, {language}") as check:
            check.true(f"frame {frame['frame']} at {local}", f"frame.number == {frame['frame']}  {local}" in text)
    with suite.check("the list of sites, by the clocks of each") as check, tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "a.json"), "w", encoding="utf-8") as file:
            json.dump(got, file)
        listed = call("index", folder)[1]
        call("index", folder, "-o", os.path.join(folder, "index.html"))
        with open(os.path.join(folder, "index.html"), encoding="utf-8") as file:
            for form, told in (("text", listed), ("page", file.read())):
                check.true(f"{form}: no outage of 14:02", "14:01:43 to 14:41:00 CET" in " ".join(told.split()))
                check.true(f"{form}: UTC", " UTC" not in told)
    with suite.check("a site that changes its clocks") as check:
        got["window"].update(start="2026-03-28T23:00:00Z", end="2026-03-29T21:00:00Z")
        check.true("both offsets", "UTC+01:00, then UTC+02:00" in " ".join(render(got, "text", "en").split()))


def check_index(suite, shop):
    """An operator's list names it before the reason."""
    with suite.check("the list of sites") as check:
        folder = os.path.join(shop.folder, "sites")
        os.makedirs(folder)
        got = audit(os.path.join(FIXTURES, "recorded", "spool"))
        with open(os.path.join(folder, "a.json"), "w", encoding="utf-8") as file:
            json.dump(got, file)
        for language, lead in LEADS.items():
            code, out, err = call("index", folder, "--lang", language)
            check.true(f"exit {code} {err}", code in oracle.VERDICT_EXITS)
            out = re.sub(r"\n +", " " if language == "en" else "", out)  # sentences are wrapped
            check.true(f"{language}: {out}", lead in out and ("Not assessed: " if language == "en" else "无法评判：") in out)


def main():
    suite = oracle.Suite("first screen")
    folder = tempfile.mkdtemp()
    try:
        shop = Workshop(folder)
        check_cut_file(suite, shop)
        check_short_frames(suite, shop)
        check_damaged(suite, shop)
        check_filter(suite, shop)
        check_recorded(suite)
        check_hostile(suite)
        check_whole(suite)
        check_bill(suite, shop)
        check_clocks(suite)
        check_index(suite, shop)
    finally:
        shutil.rmtree(folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
