#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_host.py - what lies around the programs: scripts, man pages, completions, units, configuration files, and that
`make install` brings them. What --help lists is the measure: a new option that a page or a completion does not know is told.
"""
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import lab
import oracle

ROOT = os.path.abspath(os.path.join(oracle.HERE, ".."))
BUILD = os.path.dirname(oracle.PROGRAM)
PROGRAMS = {"mptcp-audit": oracle.PROGRAM, "mptcp-captured": os.path.join(BUILD, "mptcp-captured"),
            "mptcp-grab": os.path.join(ROOT, "capture", "mptcp-grab")}
PAGES = {"mptcp-audit": "report/mptcp-audit.1", "mptcp-captured": "capture/mptcp-captured.8",
         "mptcp-grab": "capture/mptcp-grab.1", "conf": "capture/mptcp-captured.conf.5"}
COMPLETIONS = {"mptcp-audit": "report/mptcp-audit.bash", "mptcp-captured": "capture/mptcp-captured.bash",
               "mptcp-grab": "capture/mptcp-grab.bash"}
EXPOSURE = 2.0  # of 10, by systemd-analyze security
INSTALLED = """bin/mptcp-audit bin/mptcp-grab sbin/mptcp-captured lib/systemd/system/mptcp-captured.service
lib/systemd/system/mptcp-audit-follow.service lib/systemd/system/mptcp-audit.service lib/systemd/system/mptcp-audit.timer
share/mptcp-audit/alerts.yml share/mptcp-audit/grafana.json share/mptcp-audit/mptcp-audit.cron
share/man/man1/mptcp-audit.1 share/man/man1/mptcp-grab.1 share/man/man5/mptcp-captured.conf.5 share/man/man8/mptcp-captured.8
share/bash-completion/completions/mptcp-audit share/bash-completion/completions/mptcp-grab
share/bash-completion/completions/mptcp-captured
share/mptcp-audit/day-late/fibre.pcap.gz share/mptcp-audit/day-late/lte.pcap.gz share/mptcp-audit/day-late/site.ini
share/mptcp-audit/day-fine/fibre.pcap.gz share/mptcp-audit/day-fine/lte.pcap.gz share/mptcp-audit/day-fine/site.ini""".split()
OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][\w-]*)")


def path_of(name):
    return os.path.join(ROOT, name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def call(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                          timeout=oracle.HANG_LIMIT, **more)
    return done.returncode, done.stdout, done.stderr


def check_tool(suite, name, command, files):
    """Each file alone, as its own check, by a tool that is silent when all is well."""
    if not shutil.which(command[0]):
        suite.skip(name, f"{command[0]} is not installed")
        return
    with suite.check(name) as check:
        for file in files:
            status, out, err = call(*command, path_of(file))
            check.true(f"{file}: {(out + err).strip()[:600]}", status == 0 and not out + err)


# ---- what --help lists ----

def subcommands():
    return re.findall(r"^  (\w+)  +\w", call(oracle.PROGRAM, "--help")[1], re.M)


def listed(program, *words):
    """Options in the left column of --help and in its usage lines."""
    status, out, err = call(PROGRAMS[program], *words, "--help")
    if status:
        raise oracle.Failure(f"{program} {words} --help: {err}")
    left = [re.split("  +", line.strip())[0] for line in out.splitlines() if re.match("  {0,8}-", line)]
    usage = [line for line in out.splitlines() if re.match("([Uu]sage:|      ) mptcp-", line)]
    return {option for line in left + usage for option in OPTION.findall(line)} | {"--help"}


def everything():
    """(program, words before the option, options)"""
    rows = [("mptcp-captured", (), listed("mptcp-captured")), ("mptcp-grab", (), listed("mptcp-grab"))]
    return rows + [("mptcp-audit", (name,), listed("mptcp-audit", name)) for name in subcommands()]


def page_text(page):
    """As a reader sees it."""
    out = call("mandoc", "-T", "utf8", path_of(page))[1]
    return re.sub(".\b", "", out).replace("\u2010", "-").replace("\u2212", "-")


def check_pages(suite):
    if not shutil.which("mandoc"):
        suite.skip("pages name every option", "mandoc is not installed")
        return
    with suite.check("pages name every option") as check:
        for program, words, options in everything():
            named = set(OPTION.findall(page_text(PAGES[program])))
            check.true(f"options of {program} {words} found: {options}", len(options) > 3 or words in (("merge",), ("explain",)))
            check.same(f"{PAGES[program]} lacks, of {program} {' '.join(words)}", sorted(options - named), [])
        for name in subcommands():
            check.true(f"subcommand {name}", re.search(rf"^ +{name}\b", page_text(PAGES["mptcp-audit"]), re.M))
        keys = {re.match(r"\w+", line)[0] for line in defaults().splitlines() if re.match(r"\w+ =", line)}
        words = set(re.findall(r"\w+", page_text(PAGES["conf"])))
        check.true("keys", len(keys) > 15)
        check.same("mptcp-captured.conf.5 lacks", sorted(keys - words), [])


def completions(script, words):
    """What bash offers for the last of the words."""
    text = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            'set -- $(complete -p "${1##*/}"); while [ "$1" != -F ]; do shift; done; "$2"; printf "%s\\n" "${COMPREPLY[@]}"')
    _, out, err = call("bash", "-c", text, "bash", path_of(script), *words)
    if err:
        raise oracle.Failure(f"{script}: {err}")
    return set(out.split())


def check_completions(suite):
    if not shutil.which("bash"):
        suite.skip("completion", "bash is not installed")
        return
    with suite.check("completion offers every option") as check:
        for program, words, options in everything():
            offered = completions(COMPLETIONS[program], [program, *words, "-"])
            check.same(f"{program} {' '.join(words)} lacks", sorted(options - offered), [])
            made_up = offered - options - {"-h", "--help", "--version", "-r", "-n"}
            check.same(f"{program} {' '.join(words)} has too much", sorted(made_up), [])
    with suite.check("completion of values") as check:
        audit, captured = COMPLETIONS["mptcp-audit"], COMPLETIONS["mptcp-captured"]
        check.same("subcommands", set(subcommands()) - completions(audit, ["mptcp-audit", ""]), set())
        check.same("one", completions(audit, ["mptcp-audit", "diss"]), {"dissect"})
        limits = set(re.findall(r"^  ([a-z_]+=)", call(oracle.PROGRAM, "report", "--help")[1], re.M))
        check.same("limits", completions(audit, [oracle.PROGRAM, "report", "--limit", ""]), limits)
        check.same("requests", completions(captured, ["mptcp-captured", "--request", "s"]), {"status", "stop"})
        check.same("devices", "lo" in completions(captured, ["mptcp-captured", "-i", "l"]), True)
        check.same("roles", completions(captured, ["mptcp-captured", "-i", "eth1", "=", "ba"]), {"backup"})


# ---- configuration ----

def captured(*words, **more):
    return call(PROGRAMS["mptcp-captured"], *words, **more)


def defaults():
    return captured("-i", "eth1", "-d", "/x", "--check")[1]


def check_example(suite, folder):
    """The example is taken as it is, and its comments say the truth: uncommented they change nothing."""
    with suite.check("the example configuration") as check:
        example = path_of("capture/mptcp-captured.conf")
        status, out, err = captured("--config", example, "--check")
        check.same(f"exit ({err})", status, 0)
        bare = re.sub(r"(?m)^#([a-z_]+ =)", r"\1", read(example))
        check.true("keys were uncommented", bare.count("=") > read(example).count("\n#") // 3)
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 10
        if memory < 64 << 20:
            bare = bare.replace("max_bytes = 64M", "")
        status, again, err = captured("--config", write(os.path.join(folder, "bare.conf"), bare), "--check")
        check.same(f"exit uncommented ({err})", status, 0)
        check.same("uncommented", again, out)
        keys = re.findall(r"(?m)^(\w+) =", out.split("[interface")[0])
        check.same("keys it does not name", [key for key in keys if not re.search(rf"(?m)^#? ?{key} =", read(example))], [])
        uci = read(path_of("capture/mptcp-captured.uci"))
        named = re.findall(r"option (\w+) ", uci.split("# Beside auto")[0])
        check.same("keys of UCI that are none", sorted(set(named) - set(keys) - {"enabled", "auto", "filter"}), [])


# Enough of OpenWrt's rc.common, functions.sh and procd.sh for one script. UCI is a directory: PACKAGE/SECTION/OPTION.
RC_COMMON = r'''
config_load() { package=$1; }
config_get() { # VARIABLE SECTION OPTION [DEFAULT]
	local content=
	content=$(cat "$UCI/$package/$2/$3" 2>/dev/null) || content=${4:-}
	eval "$1=\$content"
}
config_get_bool() {
	config_get "$@"
	eval "case \$$1 in 1|on|true|yes|enabled) $1=1 ;; *) $1=0 ;; esac"
}
config_foreach() {
	local section
	for section in "$UCI/$package"/*; do
		[ "$(cat "$section/.type")" = "$2" ] && "$1" "${section##*/}"
	done
}
uci() { cat "$UCI/$(echo "$3" | tr . /)" 2>/dev/null; }
uci_load_validate() {
	local _package=$1 _type=$2 _name=$3 _function=$4 _spec _option _result=0
	shift 4
	for _spec; do eval "local ${_spec%%:*}"; done
	for _spec; do
		_option=${_spec%%:*}
		eval "$_option=\$(cat \"\$UCI/\$_package/\$_name/\$_option\" 2>/dev/null)"
		case $_spec in
		*:*:*) eval "[ -n \"\$$_option\" ] || $_option=\${_spec##*:}" ;;
		esac
		case $_spec in
		*:or*) eval "case \$$_option in '' | master | on | backup | off) ;; *) _result=1 ;; esac" ;;
		*:bool*) eval "case \$$_option in 0 | 1) ;; *) _result=1 ;; esac" ;;
		esac
	done
	[ -n "$_function" ] || return $_result
	eval "$_function \"\$_name\" \"\$_result\""
}
network_get_device() { # VARIABLE NETWORK
	[ -e "$UCI/l3_device/$2" ] || return 1
	eval "$1=\$(cat \"\$UCI/l3_device/$2\")"
}
for name in open_instance set_param close_instance add_reload_trigger add_raw_trigger add_validation send_signal; do
	eval "procd_$name() { echo procd_$name \"\$@\"; }"
done
procd_running() { [ -n "$RUNNING" ]; }
logger() { sed 's/^/log: /'; }
start() { start_service; }
script=$1
shift
. "$script"
"$@"
'''

NETWORK = {  # name: what network and openmptcprouter say, the l3 device
    "lan": ({"multipath": "off"}, {}, "br-lan"),
    "loopback": ({"multipath": "on"}, {}, "lo"),
    "wan1": ({"multipath": "master"}, {"multipath": "backup"}, "eth1"),
    "wan2": ({}, {"multipath": "backup"}, "wwan0"),
    "wan3": ({"multipath": "on", "disabled": "1"}, {}, "eth3"),
    "wan4": ({"multipath": "handover", "device": "eth4"}, {}, None),
    "wan5": ({"multipath": "on"}, {}, "eth1"),
    "wan6": ({"multipath": "$(touch PWNED)"}, {}, "eth6"),
}


class Procd:
    """UCI as a directory, and the script run by every shell that may be a router's."""

    def __init__(self, folder, script, replaced):
        self.uci, self.folder = os.path.join(folder, "uci"), folder
        text = read(path_of(script))
        for old, new in replaced:
            if old not in text:
                raise oracle.Failure(f"the script does not hold {old}")
            text = text.replace(old, new)
        self.script = write(os.path.join(folder, "init"), text)
        self.rc = write(os.path.join(folder, "rc.common"), RC_COMMON)

    def furnish(self, captured_options, interfaces=()):
        shutil.rmtree(self.uci, ignore_errors=True)
        self.section("mptcp-captured", "captured", "captured", captured_options)
        for number, options in enumerate(interfaces):
            self.section("mptcp-captured", f"interface{number}", "interface", options)
        for name, (network, omr, device) in NETWORK.items():
            self.section("network", name, "interface", network)
            self.section("openmptcprouter", name, "interface", omr)
            if device:
                write(os.path.join(self.uci, "l3_device", name), device)

    def section(self, package, name, kind, options):
        for option, value in {".type": kind, **options}.items():
            write(os.path.join(self.uci, package, name, option), value)

    def run(self, shell, *words, running=""):
        status, out, err = call(*shell, self.rc, self.script, *words, cwd=self.folder,
                                env={**os.environ, "UCI": self.uci, "RUNNING": running})
        return status, out + err


def captured_script(folder):
    config = os.path.join(folder, "var", "mptcp-captured.conf")
    procd = Procd(folder, "capture/mptcp-captured.init",
                  (("/usr/sbin/mptcp-captured", PROGRAMS["mptcp-captured"]), ("/var/etc/mptcp-captured.conf", config),
                   ("/lib/functions/network.sh", "/dev/null")))
    procd.config = config
    return procd


def check_procd(suite, folder):
    procd = captured_script(os.path.join(folder, "procd"))
    wanted = {"eth1": ("master", "wan1"), "wwan0": ("backup", "wan2"), "eth4": ("on", "wan4"), "usb*": ("backup", None)}
    for shell in (["dash"], ["busybox", "sh"]):
        if not shutil.which(shell[0]):
            suite.skip(f"procd script in {shell[0]}", f"{shell[0]} is not installed")
            continue
        with suite.check(f"procd script in {shell[0]}") as check:
            procd.furnish({"enabled": "1", "snaplen_backup": "0", "max_bytes": "32M", "filter": "tcp or\nudp"},
                          [{"device": "usb*", "role": "backup", "snaplen": "200"}, {"device": "x]\nrole = off", "role": "boss"}])
            status, said = procd.run(shell, "start")
            check.same(f"exit ({said})", status, 0)
            check.true(said, f"procd_set_param command {PROGRAMS['mptcp-captured']} --config {procd.config}" in said)
            status, out, err = captured("--config", procd.config, "--check")
            check.same(f"--check ({err})", status, 0)
            sections = {name: dict(re.findall(r"(?m)^(\w+) = (.*)$", body))
                        for name, body in re.findall(r"\[interface (.*)\]\n((?:.+\n)*)", out)}
            check.same("devices", {name: (keys.get("role"), keys.get("wan")) for name, keys in sections.items()}, wanted)
            check.same("snaplen", (sections["usb*"]["snaplen"], sections["wwan0"]["snaplen"]), ("200", "0"))
            check.true("the ring", "max_bytes = 32M" in out and "directory = /tmp/mptcp-captured\n" in out)
            check.true("a line does not become another key", "filter = tcp or udp\n" in out)
            check.same("executed", os.path.exists(os.path.join(procd.folder, "PWNED")), False)
            check.same("a reload without news", "send_signal" in procd.run(shell, "reload_service", running="1")[1], False)
            procd.section("mptcp-captured", "captured", "captured", {"max_files": "7"})
            said = procd.run(shell, "reload_service", running="1")[1]
            check.true("a reload with news", "procd_send_signal mptcp-captured * HUP" in said)
            procd.section("mptcp-captured", "captured", "captured", {"max_files": "8"})
            check.same("one that was not running", "send_signal" in procd.run(shell, "reload_service")[1], False)
            procd.section("mptcp-captured", "captured", "captured", {"max_files": "many"})
            status, said = procd.run(shell, "start")
            check.true(f"a mistake: {said}", status and "log: mptcp-captured: " in said and "files" in said and
                       "open_instance" not in said)
            for options in ({"enabled": "0"}, {}, {"enabled": "1", "auto": "0"}):
                procd.furnish(options)
                status, said = procd.run(shell, "start")
                check.true(f"{options}: {said}", status == 0 and "open_instance" not in said)
            check.true("triggers", "interface.*" in procd.run(shell, "service_triggers")[1])


class Schedule:
    """A router with mptcp-audit-run.init: its crontab, a history in memory, the copy on flash."""

    def __init__(self, folder, shell):
        self.shell, self.folder = shell, folder
        os.makedirs(os.path.join(folder, "memory"))
        self.crontab, cron = self.path("crontab"), write(self.path("cron"), "#!/bin/sh\necho cron \"$@\"\n")
        os.chmod(cron, 0o755)
        self.db, self.copy, self.reports = self.path("memory/history.db"), self.path("flash/history.json.gz"), self.path("memory/reports")
        self.procd = Procd(self.path("procd"), "report/mptcp-audit-run.init",
                           (("/usr/bin/mptcp-audit", PROGRAMS["mptcp-audit"]), ("/etc/crontabs/root", self.crontab),
                            ("CRON=/etc/init.d/cron", f"CRON={cron}")))
        self.configure(path_of("fixtures/recorded-clean/spool"), f"history = {self.db}")
        self.enable("1")

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self, source, more):
        self.config = write(self.path("site.conf"), f"[site]\nname = home\n[run]\ninput = {source}\nreports = {self.reports}\n{more}\n")

    def enable(self, value):
        self.procd.section("mptcp-audit", "run", "run", {"enabled": value, "config": self.config, "copy": self.copy})

    def run(self, *words):
        return self.procd.run(self.shell, *words)

    def lines(self):
        return read(self.crontab).splitlines() if os.path.exists(self.crontab) else []

    def audits(self):
        return call(oracle.PROGRAM, "history", "list", "--db", self.db, "--json", "-")[1]


def check_schedule(suite, folder):
    ours = ["10 * * * * /etc/init.d/mptcp-audit-run pass", "25 3 * * * /etc/init.d/mptcp-audit-run keep"]
    theirs = ["# 1 * * * * /etc/init.d/mptcp-audit-run pass, later", "", "5 5 * * * reboot"]
    report = os.path.join(folder, "report.json")
    day = path_of("fixtures/backup-idle")
    call(oracle.PROGRAM, "report", "--json", report, "--master", f"wan1={day}/wan1.pcap.gz", "--backup", f"wan2={day}/wan2.pcap.gz")
    for shell in (["dash"], ["busybox", "sh"]):
        if not shutil.which(shell[0]):
            suite.skip(f"schedule of a router in {shell[0]}", f"{shell[0]} is not installed")
            continue
        router = Schedule(os.path.join(folder, f"schedule-{shell[0]}"), shell)
        with suite.check(f"schedule of a router in {shell[0]}") as check:
            check.same("the first start", (router.run("start"), router.lines()), ((0, "cron restart\n"), ours))
            write(router.crontab, "\n".join(theirs) + "\n")
            check.same("beside lines of others", (router.run("start")[1], router.lines()), ("cron restart\n", theirs + ours))
            before = os.stat(router.crontab)
            check.same("again: nothing is written", (router.run("start"), os.stat(router.crontab) == before), ((0, ""), True))
            check.same("mode", oct(before.st_mode & 0o777), oct(0o600))
            check.same("no history, no copy", (router.run("keep"), os.path.exists(router.copy)), ((0, ""), False))
            check.true("a pass, of an hour in which the spool has nothing", "log: mptcp-audit: no frame passed" in router.run("pass")[1])
            check.true("its report", os.path.exists(os.path.join(router.reports, "latest.html")))
            call(oracle.PROGRAM, "history", "add", "--db", router.db, "--site", "home", report)
            known = router.audits()
            check.true(f"its history: {known}", "2026" in known)
            check.same("the day's copy", router.run("keep"), (0, ""))
            check.true("is small", 100 < os.path.getsize(router.copy) <= 65536)
            kept = open(router.copy, "rb").read()
            os.remove(router.db)
            check.same("without a history the copy stays", (router.run("keep"), open(router.copy, "rb").read() == kept), ((0, ""), True))
            check.same("after a start", router.run("start"), (0, ""))
            told, was = (json.loads(text)["audits"] for text in (router.audits(), known))
            check.same("the history is back", [row["start"] for row in told], [row["start"] for row in was])
            os.remove(router.copy)
            check.same("a shutdown keeps it", (router.run("shutdown"), os.path.exists(router.copy)), ((0, ""), True))
            check.same("... and the lines", router.lines(), theirs + ours)
            router.configure("/nonexistent", "")
            check.true("what went wrong is logged", "log: mptcp-audit: /nonexistent: No such file" in router.run("pass")[1])
            os.remove(router.copy)
            check.same("a site without a history", (router.run("keep"), router.run("start"), os.path.exists(router.copy)),
                       ((0, ""), (0, ""), False))
            router.enable("0")
            check.same("disabled", (router.run("pass"), router.run("start")[1], router.lines()), ((0, ""), "cron restart\n", theirs))
            router.enable("1")
            router.run("start")
            check.same("stopped", (router.run("stop_service")[1], router.lines()), ("cron restart\n", theirs))
            check.true("triggers", "procd_add_reload_trigger mptcp-audit" in router.run("service_triggers")[1])


# ---- systemd ----

def check_unit(suite, folder, unit):
    if not shutil.which("systemd-analyze"):
        suite.skip("unit", "systemd-analyze is not installed")
        return
    text = read(unit).replace("/usr/local/sbin/mptcp-captured", PROGRAMS["mptcp-captured"])
    copy = write(os.path.join(folder, "unit", "mptcp-captured.service"), text)
    with suite.check("unit") as check:
        check.true("ExecStart is installed", PROGRAMS["mptcp-captured"] in text)
        status, out, err = call("systemd-analyze", "verify", "--man=no", copy)
        about = [line for line in (out + err).splitlines() if "mptcp-captured" in line]
        check.same(f"verify ({out}{err})", (status, about), (0, []))
        _, out, err = call("systemd-analyze", "security", "--offline=true", copy)
        level = re.search(r"exposure level for .*: ([\d.]+)", out)
        check.true(f"exposure: {err or (level and level[1])}", level and float(level[1]) <= EXPOSURE)
    check_filtered(suite, folder, text)
    check_audit_unit(suite, folder, os.path.dirname(unit), "mptcp-audit-follow")
    check_audit_unit(suite, folder, os.path.dirname(unit), "mptcp-audit", "mptcp-audit.timer")


def check_audit_unit(suite, folder, where, name, *timers):
    """As hard as the recorder's, and without any capability."""
    with suite.check(f"unit {name}") as check:
        text = read(os.path.join(where, name + ".service")).replace("/usr/local/bin/mptcp-audit", PROGRAMS["mptcp-audit"])
        copy = write(os.path.join(folder, "unit", name + ".service"), text)
        check.true("ExecStart is installed", PROGRAMS["mptcp-audit"] in text)
        copies = [copy, *(shutil.copy(os.path.join(where, timer), os.path.join(folder, "unit")) for timer in timers)]
        status, out, err = call("systemd-analyze", "verify", "--man=no", *copies)
        about = [line for line in (out + err).splitlines() if "mptcp-audit" in line]
        check.same(f"verify ({out}{err})", (status, about), (0, []))
        _, out, err = call("systemd-analyze", "security", "--offline=true", copy)
        level = re.search(r"exposure level for .*: ([\d.]+)", out)
        check.true(f"exposure: {err or (level and level[1])}", level and float(level[1]) <= EXPOSURE)


def syscalls(name):
    """Of a set of systemd's, by its own word."""
    found = set()
    for line in call("systemd-analyze", "syscall-filter", name)[1].splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= syscalls(word) if word.startswith("@") else {word}
    return found


def unit_syscalls(text):
    allowed = set()
    for words in re.findall(r"(?m)^SystemCallFilter=(.*)$", text):
        names = set()
        for word in words.lstrip("~").split():
            names |= syscalls(word) if word.startswith("@") else {word}
        allowed = allowed - names if words.startswith("~") else allowed | names
    return allowed


CAP_NET_RAW = 13
NOBODY = 65534


class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class Sets(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint32 * 6)]


def confine(allowed, families):
    """In the child: nobody with one ambient capability, and the unit's filters, as systemd makes them."""
    libc, lib = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    libc.prctl(1, signal.SIGTERM)
    libc.prctl(8, 1, 0, 0, 0)  # keep capabilities
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    bit = 1 << CAP_NET_RAW
    libc.capset(ctypes.byref(Header(0x20080522, 0)), ctypes.byref(Sets((ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))))
    libc.prctl(47, 2, CAP_NET_RAW, 0, 0)  # raise in the ambient set
    os.umask(0o027)
    lib.seccomp_init.restype = ctypes.c_void_p
    for refused in (False, True):  # system calls, then address families: two filters, the stricter counts
        context = ctypes.c_void_p(lib.seccomp_init(0x7fff0000 if refused else 0x00050000 | 1))
        if refused:
            class Compare(ctypes.Structure):
                _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
            number = lib.seccomp_syscall_resolve_name(b"socket")
            for family in set(range(46)) - families:
                row = (Compare * 1)(Compare(0, 4, family, 0))
                lib.seccomp_rule_add_array(context, 0x00050000 | 97, number, 1, row)
        else:
            for name in allowed:
                lib.seccomp_rule_add_array(context, 0x7fff0000, lib.seccomp_syscall_resolve_name(name.encode()), 0, None)
        if lib.seccomp_load(context):
            os._exit(99)


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket, self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), []
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.settimeout(0.05)

    def hears(self, word):
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except TimeoutError:
            return any(word in text for text in self.heard)


def check_filtered(suite, folder, text):
    """The recorder does all it must under the unit's user, capability, system calls and address families."""
    why = lab.why_unable()
    if why:
        suite.skip("recorder as the unit starts it", why)
        return
    allowed = unit_syscalls(text)
    families = {getattr(socket, name) for name in re.search(r"RestrictAddressFamilies=(.*)", text)[1].split()}
    name, spool = f"host{os.getpid()}", os.path.join(folder, "spool")
    program = shutil.copy(PROGRAMS["mptcp-captured"], os.path.join(folder, "mptcp-captured"))
    os.chmod(folder, 0o755)
    os.mkdir(spool, 0o750)
    os.chown(spool, NOBODY, NOBODY)
    manager = Manager(os.path.join(folder, "notify"))
    config = write(os.path.join(folder, "unit.conf"), f"[captured]\ndirectory = {spool}\nrotate_time = 1s\n"
                   "[interface va]\nrole = master\n[interface later*]\nrole = backup\n")
    with suite.check("recorder as the unit starts it") as check:
        subprocess.run(["ip", "netns", "add", name], check=True)
        process = None
        try:
            def ip(*words):
                subprocess.run(["ip", "-n", name, *words], check=True)
            ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
            ip("link", "set", "va", "up")
            ip("link", "set", "vb", "up")

            def enter():
                with open(f"/run/netns/{name}", encoding="utf-8") as file:
                    if ctypes.CDLL(None).setns(file.fileno(), 0):
                        os._exit(98)
                confine(allowed, families)
            process = subprocess.Popen([program, "--config", config], stderr=subprocess.PIPE, text=True, preexec_fn=enter,
                                       env={"NOTIFY_SOCKET": os.path.join(folder, "notify"), "WATCHDOG_USEC": "1000000",
                                            "ASAN_OPTIONS": "detect_leaks=0"})  # that would trace, which the unit forbids
            lab.wait_until("READY=1", lambda: manager.hears("READY=1") or process.poll() is not None)
            lab.wait_until("WATCHDOG=1", lambda: manager.hears("WATCHDOG=1") or process.poll() is not None)
            check.same("running", process.poll(), None)
            ip("link", "add", "later0", "type", "veth", "peer", "name", "vc")
            ip("link", "set", "later0", "up")
            ip("link", "set", "vc", "up")
            lab.wait_until("both are recorded and rotated", lambda: process.poll() is not None or
                           all(len(glob.glob(f"{spool}/{wan}-*.pcapng")) >= 2 for wan in ("va", "later0")))
            process.send_signal(signal.SIGHUP)
            status, answer, _ = call(program, "-d", spool, "--request", "status")
            check.true(f"status: {answer}", status == 0 and '"ready":true' in answer.replace(" ", ""))
            process.send_signal(signal.SIGTERM)
            err = process.communicate(timeout=lab.HANG_LIMIT)[1]
            check.same(f"exit ({err})", process.returncode, 0)
            check.true("STOPPING=1", manager.hears("STOPPING=1"))
            modes = {os.stat(path).st_mode & 0o777 for path in glob.glob(f"{spool}/*.pcapng")}
            check.same("modes of the files", modes, {0o640})
        finally:
            if process and process.poll() is None:
                process.kill()
                process.communicate()
            subprocess.run(["ip", "netns", "del", name], check=False)


# ---- installing ----

def check_install(suite, folder):
    """Everything is there, a configuration that somebody wrote stays, and the programs run from there."""
    unit = path_of("capture/mptcp-captured.service")
    with suite.check("make install") as check:
        into = os.path.join(folder, "root")
        own = write(os.path.join(into, "etc", "mptcp-captured.conf"), "# mine\n")
        # What was built is what is installed: nothing is made anew by a make that knows other flags than the outer one.
        make = ["make", "-s", "-o", "all", f"O={BUILD}", f"DESTDIR={into}", "PREFIX=/usr/local", "SYSCONFDIR=/etc", "install"]
        environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        status, out, err = call(*make, cwd=ROOT, env=environment)
        check.same(f"exit ({out}{err})", status, 0)
        found = sorted(os.path.relpath(os.path.join(where, name), into) for where, _, names in os.walk(into) for name in names)
        check.same("files", found, sorted(["etc/mptcp-audit.conf", "etc/mptcp-captured.conf", *(f"usr/local/{name}" for name in INSTALLED)]))
        check.same("a configuration that was there", read(own), "# mine\n")
        os.remove(own)
        check.same("again", call(*make, cwd=ROOT, env=environment)[0], 0)
        check.same("the configuration", read(own), read(path_of("capture/mptcp-captured.conf")))
        versions = {call(os.path.join(into, "usr/local", name), "--version")[1].split()[-1]
                    for name in ("bin/mptcp-audit", "bin/mptcp-grab", "sbin/mptcp-captured")}
        check.true(f"one version: {versions}", len(versions) == 1)
        check.same("version of the package", re.search(r"PKG_VERSION:=(\S+)", read(path_of("capture/openwrt.mk")))[1], *versions)
        for name in found:
            mode = os.stat(os.path.join(into, name)).st_mode & 0o777
            check.same(f"mode of {name}", oct(mode), oct(0o755 if "bin/" in name else 0o644))
        unit = os.path.join(into, "usr/local/lib/systemd/system/mptcp-captured.service")
    return unit


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    suite = oracle.Suite("host")
    for program in PROGRAMS.values():
        if not os.path.exists(program):
            with suite.check("programs") as check:
                check.true(f"{program} is not built", False)
            return suite.end()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    check_tool(suite, "shellcheck", ["shellcheck"],
               ["capture/mptcp-grab", "capture/mptcp-captured.init", "report/mptcp-audit-follow.init",
                "report/mptcp-audit-run.init", *COMPLETIONS.values()])
    check_tool(suite, "mandoc", ["mandoc", "-T", "lint", "-W", "warning"], PAGES.values())
    check_pages(suite)
    check_completions(suite)
    with tempfile.TemporaryDirectory(prefix="mptcp-host-check") as folder:
        check_example(suite, folder)
        check_procd(suite, folder)
        check_schedule(suite, folder)
        check_unit(suite, folder, check_install(suite, folder))
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
