#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_grab.py - mptcp-grab records a router that has nothing of ours. A namespace plays the router: real devices, real
traffic, the real tcpdump, and beside it only busybox (or dash) and stand-ins for ubus, uci, jsonfilter and ifstatus, which
write down what they were asked. Another namespace is the net behind the WANs. Needs root; skipped with the reason where
that is not given.
"""
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading

import lab
import oracle

GRAB = os.path.join(oracle.HERE, "..", "capture", "mptcp-grab")
SECRET = "hunter2-PSK"
ALLOWED = re.compile(r"-q get (network\.[\w-]+\.(multipath|disabled)|openmptcprouter\.[\w-]+\.(multipath|multipathvpn)"
                     r"|system\.@system\[0\]\.(timezone|zonename))$")
WANS = {"eth1": "192.0.2", "wwan0": "198.51.100", "eth3": "203.0.113"}  # device: network, the router is .2
LAN = ("10.9.8.2", "10.9.8.1")
INTERPRETERS = {"dash": ["dash"], "busybox": ["busybox", "sh"]}

# name: l3_device, multipath in network, in openmptcprouter, more keys
HOUSE = {
    "lan": ("lan0", "off", None, {}),
    "wan1": ("eth1", "master", None, {"openmptcprouter.wan1.multipath": "backup"}),
    "wan2": ("wwan0", None, "backup", {}),
    "wan3": ("eth3", "on", None, {"network.wan3.disabled": "1"}),
    "wan4": (None, "backup", None, {}),
    "wan1_6": ("eth1", "on", None, {}),
    "guest": ("lan0", None, None, {}),
    "loopback": ("lo", "on", None, {}),
}
PLAIN_KEYS = {"system.@system[0].timezone": "CET-1CEST,M3.5.0,M10.5.0/3", "system.@system[0].zonename": "Europe/Zurich"}
SECRETS = {"network.wan1.password": SECRET, "wireless.default_radio0.key": SECRET, "openmptcprouter.vps.key": SECRET,
           "shadowsocks-libev.sss0.key": SECRET}

RELAY = '''
import os, subprocess, sys, threading
router, command = sys.argv[1:]
with open(os.environ["RELAY_PIDS"], "a") as file:
    file.write(f"{os.getpid()}\\n")
shell = subprocess.Popen(os.environ["RELAY"].split("\\n") + ["sh", "-c", command], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
def copy(source, target, close):
    while True:
        piece = os.read(source, 65536)
        if not piece:
            break
        try:
            os.write(target, piece)
        except OSError:
            break
    if close:
        shell.stdin.close()
ways = [threading.Thread(target=copy, args=args, daemon=True) for args in (
    (0, shell.stdin.fileno(), True), (shell.stdout.fileno(), 1, False), (shell.stderr.fileno(), 2, False))]
for way in ways:
    way.start()
for way in ways[1:]:
    way.join()
sys.exit(shell.wait())
'''

JSONFILTER = '''
import json, re, sys
data = json.load(sys.stdin)
path = sys.argv[sys.argv.index("-e") + 1]
at = re.fullmatch(r"@\\.interface\\[\\*\\]\\.interface|@\\.interface\\[@\\.interface='([^']*)'\\]\\.(\\w+)|@\\.(\\w+)", path)
rows = [data.get(at[3])] if at[3] else [r.get(at[2] or "interface") for r in data["interface"] if at[1] in (None, r["interface"])]
rows = [row for row in rows if row is not None]
print("\\n".join(rows))
sys.exit(not rows)
'''

SENDER = '''
import socket, sys
source, target, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((source, 0))
for _ in range(count):
    sock.sendto(bytes(size), (target, 9))
'''


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text, executable=False):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755 if executable else 0o644)
    return path


class Router:
    """Two namespaces, and a directory of programs that is all the router has."""

    def __init__(self, folder):
        self.folder = folder
        self.name, self.net = f"grab{os.getpid()}r", f"grab{os.getpid()}n"
        self.programs = os.path.join(folder, "bin")
        self.keys = os.path.join(folder, "uci")
        self.asked = os.path.join(folder, "asked")
        self.pids = os.path.join(folder, "pids")
        self.relay = [sys.executable, write(os.path.join(folder, "relay.py"), RELAY)]
        self.interfaces = HOUSE

    def __enter__(self):
        try:
            for name in (self.name, self.net):
                run("ip", "netns", "add", name)
                run("ip", "netns", "exec", name, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6;"
                    "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link set lo up")
            for number, (device, network) in enumerate(WANS.items()):
                self.pair(device, f"{network}.2/24", f"n{number}", f"{network}.1/24")
            self.pair("lan0", LAN[0] + "/24", "home", LAN[1] + "/24")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (self.name, self.net):
            for pid in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def pair(self, device, address, peer, peer_address):
        run("ip", "link", "add", device, "netns", self.name, "type", "veth", "peer", "name", peer, "netns", self.net)
        for where, what, how in ((self.name, device, address), (self.net, peer, peer_address)):
            run("ip", "-n", where, "address", "add", how, "dev", what)
            run("ip", "netns", "exec", where, "ethtool", "-K", what, "tso", "off", "gso", "off", "gro", "off", "tx", "off")
            run("ip", "-n", where, "link", "set", what, "up")
        # An entry that never ages: else ARP asks again, at a time that nobody chose.
        for where, what, whom, whose in ((self.name, device, peer_address, peer), (self.net, peer, address, device)):
            mac = json.loads(run("ip", "-n", self.net if where == self.name else self.name, "-j", "link", "show", whose))
            run("ip", "-n", where, "neighbour", "replace", whom.split("/")[0], "lladdr", mac[0]["address"], "dev", what,
                "nud", "permanent")

    def furnish(self, shell="busybox", jq=False, tcpdump=True, interfaces=None, more=None):
        """Make the router's programs and its configuration anew."""
        self.interfaces = HOUSE if interfaces is None else interfaces
        for path in (self.programs, self.keys):
            shutil.rmtree(path, ignore_errors=True)
            os.mkdir(path)
        for path in (self.asked, self.pids):
            write(path, "")
        busybox = shutil.which("busybox")
        for applet in run(busybox, "--list").split():
            os.symlink(busybox, os.path.join(self.programs, applet))
        if shell != "busybox":
            os.remove(os.path.join(self.programs, "sh"))
            os.symlink(shutil.which(shell), os.path.join(self.programs, "sh"))
        for tool in ("ethtool", *(["tcpdump"] if tcpdump else []), *(["jq"] if jq else [])):
            os.symlink(shutil.which(tool), os.path.join(self.programs, tool))
        rows = [{"interface": name, "up": bool(row[0]), **({"l3_device": row[0]} if row[0] else {})}
                for name, row in self.interfaces.items()]
        dump = write(os.path.join(self.folder, "dump.json"), json.dumps({"interface": rows}))
        self.program("ubus", f'[ "$*" = "call network.interface dump" ] && cat {dump}')
        self.program("ifstatus", "echo '{}'")
        self.program("uci", f'echo "$*" >>{self.asked}\n[ "$1" = -q ] && shift\n'
                            f'if [ "$1" = show ]; then cat {self.keys}/*; else cat "{self.keys}/$2" 2>/dev/null; fi')
        if not jq:
            write(os.path.join(self.programs, "jsonfilter"), f"#!{sys.executable}\n{JSONFILTER}", True)
        keys = {**PLAIN_KEYS, **SECRETS, **(more or {})}
        for name, (_, network, omr, others) in self.interfaces.items():
            keys.update({f"network.{name}.multipath": network, f"openmptcprouter.{name}.multipath": omr, **others})
        for key, word in keys.items():
            if word is not None and "/" not in key:
                write(os.path.join(self.keys, key), word + "\n")

    def program(self, name, text):
        path = os.path.join(self.programs, name)
        if os.path.lexists(path):
            os.remove(path)
        write(path, f"#!{self.programs}/sh\n{text}\n", True)

    def environment(self, connection=None):
        """Of mptcp-grab, so that its transport comes here."""
        inside = ["ip", "netns", "exec", self.name, "env", "-i", f"PATH={self.programs}"]
        inside += [f"SSH_CONNECTION={connection}"] if connection else []
        return {**os.environ, "TMPDIR": self.folder, "RELAY": "\n".join(inside), "RELAY_PIDS": self.pids,
                "MPTCP_GRAB_SSH": " ".join(self.relay)}

    def counters(self, device):
        link = json.loads(run("ip", "-n", self.name, "-s", "-j", "link", "show", device))[0]["stats64"]
        return link["rx"]["packets"] + link["tx"]["packets"]

    def send(self, device, count=50, size=900, port_from=None):
        network = WANS[device]
        run("ip", "netns", "exec", self.name, sys.executable, "-c", SENDER, port_from or f"{network}.2", f"{network}.1",
            str(count), str(size))

    def tcpdumps(self):
        pids = run("ip", "netns", "pids", self.name).split()
        names = []
        for pid in pids:
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    names.append(file.read().strip())
            except OSError:
                pass
        return names


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Grab:
    """A running mptcp-grab; `into` is its directory."""

    def __init__(self, router, into, *more, shell=("dash",), connection=None, environment=None, prefix=(), host="root@router"):
        self.into, self.router = into, router
        self.log = open(into + ".log", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([*prefix, *shell, GRAB, host, "-o", into, *more], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, errors="replace",
                                        env=environment or router.environment(connection), preexec_fn=die_with_parent)

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def recording(self):
        lab.wait_until("recording, or an end: " + self.said(),
                       lambda: "recording into" in self.said() or self.process.poll() is not None)

    def ask_end(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def end(self):
        """Exit code, stdout, stderr."""
        out, _ = self.process.communicate(timeout=lab.HANG_LIMIT)
        err = self.said()
        self.log.close()
        return self.process.returncode, out, err


def grab(router, into, *more, **how):
    return Grab(router, into, "--minutes", "0.02", *more, **how).end()


def frames_of(path):
    """By Wireshark's capinfos, or from the file's own record headers."""
    counted = oracle.capinfos(path)
    if counted:
        return counted[0]
    with open(path, "rb") as file:
        data = file.read()
    at = n = 0
    at = 24
    while at + 16 <= len(data):
        at += 16 + int.from_bytes(data[at + 8:at + 12], sys.byteorder)
        n += 1
    return n


def record_of(into):
    with open(os.path.join(into, "grab.txt"), encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


def holds_secret(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                if SECRET.encode() in file.read():
                    return name
    return None


def check_recording(suite, router, folder):
    """Every shell on either side; what is found, what is asked, what is counted, what the report says."""
    for name, (here, there, jq) in {"dash, to busybox": ("dash", "busybox", False),
                                    "busybox, to dash": ("busybox", "dash", True)}.items():
        with suite.check(name) as check:
            router.furnish(shell=there, jq=jq)
            into = os.path.join(folder, name.replace(", ", "-").replace(" ", "-"))
            before = {device: router.counters(device) for device in WANS}
            running = Grab(router, into, "--minutes", "0", shell=INTERPRETERS[here])
            running.recording()
            router.send("eth1", 300)
            router.send("wwan0", 40)
            running.ask_end()
            status, out, err = running.end()
            counted = {device: router.counters(device) - before[device] for device in WANS}
            check.same(f"exit ({err})", status, 5)  # wan4 has a role and no device
            check.same("files", sorted(os.listdir(into)), ["audit.ini", "grab.txt", "wan1.pcap", "wan2.pcap"])
            record = record_of(into)
            for wan, device in (("wan1", "eth1"), ("wan2", "wwan0")):
                frames = frames_of(os.path.join(into, wan + ".pcap"))
                check.same(f"frames of {wan}", frames, counted[device])
                check.true(f"'{out}' says {frames} frames of {wan}", f"{wan} ({device}, " in out and
                           f": {frames} frames of {frames} the kernel counted\n" in out)
                check.same(f"{wan} complete", (record[f"{wan}.complete"], record[f"{wan}.captured"],
                                               record[f"{wan}.kernel_counted"]), ("yes", str(frames), str(frames)))
                check.true(f"offload of {wan}", "generic-receive-offload:off" in record[f"{wan}.before.offload"])
                check.true("counters after", int(record[f"{wan}.after.tx_frames"]) >= 40)
            check.true("enough frames", counted["eth1"] >= 300 and counted["wwan0"] >= 40)
            check.same("roles", (record["wan1.role"], record["wan2.role"]), ("master", "backup"))
            check.true("told of wan4: " + err, re.search(r"wan4 \(backup\) is not recorded: it has no device", err))
            check.true("told of wan1_6: " + err, "wan1_6 (shares eth1 with another)" in err)
            check.true("told of wan3", "wan3 (disabled)" in err)
            check.same("zone", record["zonename"], "Europe/Zurich")
            check.same("clock", abs(int(record["before.offset"])) <= int(record["before.offset_uncertainty"]), True)
            with open(router.asked, encoding="utf-8") as file:
                asked = file.read().splitlines()
            check.true("UCI was asked", len(asked) > 10)
            check.same("asked beyond what is allowed", [line for line in asked if not ALLOWED.match(line)], [])
            check.same("a secret in the output", holds_secret(into) or (SECRET in out + err), False)
            check.same("left behind on the router", router.tcpdumps(), [])
            check_report(check, into, out, {"wan1": "master", "wan2": "backup"})


def check_report(check, into, out, roles):
    """The printed command audits the directory, whatever else lies in it."""
    command = out.strip().splitlines()[-1].split()
    check.same("command", command, ["mptcp-audit", "report", "--config", f"{into}/audit.ini", f"{into}/"])
    if not os.path.exists(oracle.PROGRAM):
        return
    done = subprocess.run([oracle.PROGRAM, *command[1:], "--json", "-"], capture_output=True, text=True, check=False)
    check.true(f"exit {done.returncode}: {done.stderr}", done.returncode in oracle.VERDICT_EXITS)
    wans = json.loads(done.stdout)["wans"]
    check.same("roles in the report", {w["name"]: w["role"] for w in wans}, roles)
    check.same("frames in the report", {w["name"]: w["frames"] for w in wans},
               {wan: frames_of(os.path.join(into, wan + ".pcap")) for wan in roles})


HOSTILE = {
    "wan1": ("eth1", "master", None, {}),
    "$(touch PWNED)": ("wwan0", "backup", None, {}),
    "x'; touch PWNED; '": ("wwan0", "backup", None, {}),
    "`touch PWNED`": ("wwan0", "backup", None, {}),
    "a b": ("eth3", "on", None, {}),
    "-w": ("eth3", "on", None, {}),
    "../../wan": ("eth3", "on", None, {}),
    "wan\n5": ("eth3", "on", None, {}),
    "wan6": ("eth3; touch PWNED", "on", None, {}),
    "wan7": ("$(touch PWNED)", "on", None, {}),
    "wan8": ("-wPWNED", "on", None, {}),
    "wan9": ("eth3", "on; touch PWNED", None, {}),
    "wan10": ("eth3", "$(touch PWNED)", None, {}),
    "wan11": ("eth3", "off\nwan=evil eth3 master master", None, {}),
}


def check_hostile(suite, router, folder):
    """Words of a router never run, neither there nor here."""
    for jq in (False, True):
        with suite.check(f"hostile words, {'jq' if jq else 'jsonfilter'}") as check:
            router.furnish(jq=jq, interfaces=HOSTILE, more={
                "system.@system[0].timezone": "$(touch PWNED)`touch PWNED`\nwan=evil eth3 master master\n@end",
                "system.@system[0].zonename": "\x1b[31m'; touch PWNED; '\"%s%n"})
            into = os.path.join(folder, f"hostile {jq} $(touch PWNED)'")
            status, out, err = grab(router, into)
            check.same(f"exit ({err})", status, 5)
            check.same("recorded", sorted(n for n in os.listdir(into) if n.endswith(".pcap")), ["wan1.pcap"])
            check.true("no control characters", not re.search(r"[\x00-\x09\x0b-\x1f]", err + out))
            check.same("no WAN made up", "evil" in "".join(k for k in record_of(into) if "." in k), False)
            places = [os.getcwd(), folder, into, "/", os.path.dirname(os.path.abspath(GRAB))]
            check.same("executed in", [place for place in places if os.path.exists(os.path.join(place, "PWNED"))], [])
            words = run("sh", "-c", f"printf '%s\\n' {out.strip().splitlines()[-1]}").splitlines()
            check.same("the command to copy", words[-2:], [into + "/audit.ini", into + "/"])


def check_own_ssh(suite, router, folder):
    """Exactly our connection is left out: not others of the same computer, not others to the same port."""
    mine, other = ("192.0.2.1", 40001), ("192.0.2.1", 40002)
    with suite.check("own ssh") as check:
        router.furnish(interfaces={"wan1": ("eth1", "master", None, {})})
        into = os.path.join(folder, "ssh")
        running = Grab(router, into, "--minutes", "0", connection=f"{mine[0]} {mine[1]} 192.0.2.2 22")
        running.recording()
        server = subprocess.Popen(["ip", "netns", "exec", router.name, sys.executable, "-c", TALKER, "serve", "192.0.2.2", "22"],
                                  stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        server.stdout.readline()
        for address, port in (mine, other):
            run("ip", "netns", "exec", router.net, sys.executable, "-c", TALKER, "talk", "192.0.2.2", "22", address, str(port))
        server.kill()
        server.wait()
        running.ask_end()
        status, out, err = running.end()
        check.same(f"exit ({err})", status, 0)
        rows = oracle.tshark(os.path.join(into, "wan1.pcap"), ["tcp.srcport", "tcp.dstport"], "-Y", "tcp")
        ports = {port for row in rows for port in row}
        check.same("ports", ports, {"22", "40002"})
        check.true(f"'{err}' tells", "runs over wan1: exactly it is left out" in err)
        check.true(f"'{out}' tells", "the difference is this ssh connection" in out)
        check.same("complete", record_of(into)["wan1.complete"], "ssh")
    running = [(name, want, Grab(router, os.path.join(folder, "ssh-" + name.replace(" ", "-")), "--minutes", "0.02",
                                 connection=connection)) for name, connection, want in (
            ("an IPv4 address in an IPv6 one", "::ffff:192.0.2.9 5 ::ffff:192.0.2.2 22", "src host 192.0.2.9 and src port 5"),
            ("a link-local address", "fe80::1%eth1 5 fe80::2%eth1 22", "src host fe80::1 and src port 5"),
            ("no connection told", None, "not tcp port 22"),
            ("a strange connection", "1.2.3.4;touch PWNED 5 6 7", "not tcp port 22"))]
    for name, want, one in running:
        with suite.check(name) as check:
            status, _, err = one.end()
            check.same(f"exit ({err})", status, 0)
            check.true("filter " + record_of(one.into)["wan1.filter"], want in record_of(one.into)["wan1.filter"])


TALKER = '''
import socket, sys
if sys.argv[1] == "serve":
    sock = socket.create_server((sys.argv[2], int(sys.argv[3])))
    print("ready", flush=True)
    while True:
        peer, _ = sock.accept()
        while peer.recv(65536):
            pass
        peer.close()
sock = socket.create_connection((sys.argv[2], int(sys.argv[3])), source_address=(sys.argv[4], int(sys.argv[5])))
sock.sendall(bytes(20000))
sock.shutdown(socket.SHUT_WR)
while sock.recv(65536):
    pass
'''

ONE = {"wan1": ("eth1", "master", None, {}), "wan2": ("wwan0", "backup", None, {})}


def check_trouble(suite, router, folder):
    with suite.check("no tcpdump") as check:
        router.furnish(tcpdump=False)
        status, _, err = grab(router, os.path.join(folder, "none"))
        check.same("exit", status, 69)
        check.true(err, "has no tcpdump" in err and "opkg install" in err)
    with suite.check("no WAN") as check:
        router.furnish(interfaces={"lan": ("lan0", "off", None, {})})
        status, _, err = grab(router, os.path.join(folder, "none"))
        check.same("exit", status, 5)
        check.true(err, "no WAN to record" in err and "-i eth1=master" in err)
    with suite.check("no ubus") as check:
        router.furnish()
        os.remove(os.path.join(router.programs, "ubus"))
        status, _, err = grab(router, os.path.join(folder, "none"))
        check.same("exit", status, 69)
        check.true(err, "has no ubus" in err and "-i eth1=master" in err)
        into = os.path.join(folder, "told")
        status, _, err = grab(router, into, "-i", "eth1=master", "-i", "wwan0=backup", "--snaplen=200")
        check.same(f"exit ({err})", status, 0)
        check.same("files", sorted(os.listdir(into)), ["audit.ini", "eth1.pcap", "grab.txt", "wwan0.pcap"])
        check.same("snaplen", oracle_snaplen(os.path.join(into, "eth1.pcap")), 200)
        check.same("a second time into the same directory", grab(router, into, "-i", "eth1=master")[0], 73)
    with suite.check("a router that is not there") as check:
        status, _, err = grab(router, os.path.join(folder, "away"), "--transport", "false")
        check.same("exit", status, 69)
        check.true(err, "could not be reached" in err)
    with suite.check("the connection is cut") as check:
        router.furnish(interfaces=ONE)
        into = os.path.join(folder, "cut")
        running = Grab(router, into, "--minutes", "5")
        running.recording()
        router.send("eth1", 100)
        lab.wait_until("frames on this side", lambda: frames_of(os.path.join(into, "wan1.pcap")) >= 100)
        with open(router.pids, encoding="utf-8") as file:
            pids = [int(line) for line in file]
        for pid in pids[1:]:
            os.kill(pid, signal.SIGKILL)
        status, out, err = running.end()
        check.same("exit", status, 4)
        check.true(err, "the connection to root@router was lost" in err)
        check.true("frames kept", frames_of(os.path.join(into, "wan1.pcap")) >= 100)
        check.true(out, "it was cut" in out and "mptcp-audit report" in out)
        lab.wait_until("nothing left on the router", lambda: not router.tcpdumps())
        check_report(check, into, out, {"wan1": "master", "wan2": "backup"})
    with suite.check("a device goes away") as check:
        router.furnish(interfaces=ONE)
        into = os.path.join(folder, "gone")
        running = Grab(router, into, "--minutes", "0")
        running.recording()
        router.send("eth1", 10)
        run("ip", "-n", router.name, "link", "del", "wwan0")
        lab.wait_until("its end is told", lambda: "wan2: the recording ended" in running.said())
        router.send("eth1", 10)
        running.ask_end(signal.SIGTERM)
        status, out, err = running.end()
        check.same(f"exit ({err})", status, 4)
        check.true(out, re.search(r"^wan1 .*: (\d+) frames of \1 the kernel counted$", out, re.M))
        check.true(out, re.search(r"^wan2 .*: 0 frames until it ended early$", out, re.M))
        check.true(err, "The interface disappeared" in err)
        router.pair("wwan0", WANS["wwan0"] + ".2/24", "n1", WANS["wwan0"] + ".1/24")
    with suite.check("the clock is set, a role is changed") as check:
        shift = write(os.path.join(folder, "shift"), "0")
        date = shutil.which("busybox") + " date"
        router.program("date", f'case $1 in +%s) echo $(($({date} +%s) + $(cat {shift}))) ;; *) {date} "$@" ;; esac')
        into = os.path.join(folder, "clock")
        running = Grab(router, into, "--minutes", "0")
        running.recording()
        write(shift, "-3600")
        write(os.path.join(router.keys, "network.wan2.multipath"), "on\n")
        running.ask_end()
        status, out, err = running.end()
        check.same(f"exit ({err})", status, 0)
        check.true(err, re.search(r"clock was set by about -3(599|600|601) s", err))
        check.true(err, "the role of wan2 changed from backup to on" in err)
        check.true("the role that was", "wan2 = backup" in read(os.path.join(into, "audit.ini")))
    with suite.check("the disk here is full") as check:
        router.furnish(interfaces=ONE)
        small = os.path.join(folder, "small")
        os.mkdir(small)
        run("mount", "-t", "tmpfs", "-o", "size=3m", "none", small)
        try:
            running = Grab(router, os.path.join(small, "full"), "--minutes", "0")
            running.recording()
            for _ in range(40):
                router.send("eth1", 500)
                if "disk is full" in running.said():
                    break
            status, out, err = running.end()
            check.same(f"exit ({err})", status, 4)
            check.true(err, "the disk is full" in err)
            # what tcpdump had not read by then is told, never called complete
            check.true(out, re.search(r"wan1 .*: ([\d,]+) frames of (\1 the kernel counted|.* were still unread when)", out))
        finally:
            run("umount", "-l", small)
    with suite.check("killed") as check:
        into = os.path.join(folder, "killed")
        running = Grab(router, into, "--minutes", "0")
        running.recording()
        running.process.kill()
        running.end()
        lab.wait_until("nothing left on the router", lambda: not router.tcpdumps())
        check.true("roles were saved", os.path.getsize(os.path.join(into, "audit.ini")) > 0)


def check_real_ssh(suite, router, folder):
    """OpenSSH here, dropbear there, as on OpenWrt, over a recorded WAN; a terminal, and Ctrl-C in it."""
    missing = [tool for tool in ("ssh", "ssh-keygen", "dropbear", "dropbearkey") if not shutil.which(tool)]
    if missing:
        suite.skip("over ssh", f"{missing[0]} is not installed")
        return
    for path, command in (("key", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"]),
                          ("host", ["dropbearkey", "-t", "ed25519", "-f"])):
        run(*command, os.path.join(folder, path))
    # ip netns exec gives the server a mount namespace of its own: root's home is an empty one there.
    server = subprocess.Popen(
        ["ip", "netns", "exec", router.name, "sh", "-ec",
         'mount -t tmpfs -o mode=700 none "$HOME"; mkdir -m 700 "$HOME/.ssh"; cp "$1" "$HOME/.ssh/authorized_keys";'
         'exec dropbear -F -E -s -p 192.0.2.2:22 -r "$2" -P "$3"', "sh",
         *(os.path.join(folder, name) for name in ("key.pub", "host", "pid"))],
        stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    lab.wait_until("dropbear to listen", lambda: ":22 " in run("ip", "netns", "exec", router.name, "ss", "-tln"))
    transport = f"ssh -F none -i {folder}/key -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR"
    transport += " -o ServerAliveInterval=1"
    with suite.check("over ssh, Ctrl-C in a terminal") as check:
        into = os.path.join(folder, "over-ssh")
        master, slave = os.openpty()
        process = subprocess.Popen(
            ["ip", "netns", "exec", router.net, "dash", GRAB, "root@192.0.2.2", "-o", into, "--minutes", "0", "--transport",
             transport, "-i", "eth1=master", "-i", "wwan0=backup"], stdin=slave, stdout=subprocess.PIPE, stderr=slave,
            text=True, env={**os.environ, "TMPDIR": folder}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0))
        os.close(slave)
        screen = Screen(master)
        lab.wait_until("a progress line", lambda: screen.holds("Ctrl-C ends\x1b[K") or process.poll() is not None)
        router.send("eth1", 100)
        router.send("wwan0", 70)
        os.write(master, b"\x03")
        out, _ = process.communicate(timeout=lab.HANG_LIMIT)
        check.same(f"exit ({screen.text()})", process.returncode, 0)
        if process.returncode:
            raise oracle.Failure(screen.text())
        record = record_of(into)
        check.true("the device of the connection", record["ssh_device"] == "eth1")
        rows = oracle.tshark(os.path.join(into, "eth1.pcap"), ["udp.dstport", "tcp.port"], "-Y", "not icmp")
        check.same("datagrams", sum(row[0] == "9" for row in rows), 100)
        check.same("of ssh", [row for row in rows if "22" in row[1].split(",")], [])
        check.true("exactly this connection: " + record["eth1.filter"],
                   "src port 22 and dst host 192.0.2.1 and dst port" in record["eth1.filter"])
        frames = frames_of(os.path.join(into, "wwan0.pcap"))
        check.true(out, f"wwan0 (wwan0, backup): {frames} frames of {frames} the kernel counted" in out and frames >= 70)
        check.true("one connection only", len({record[w + ".filter"] for w in ("eth1", "wwan0")}) == 1)
        lab.wait_until("the connection to end", lambda: not run("ip", "netns", "exec", router.net, "ss", "-tnH", "dport", "22"))
        check.same("left behind on the router", router.tcpdumps().count("tcpdump"), 0)
    with suite.check("the WAN under ssh is cut") as check:
        into = os.path.join(folder, "ssh-cut")
        running = Grab(router, into, "--minutes", "0", "--transport", transport, "-i", "wwan0=backup", host="root@192.0.2.2",
                       prefix=("ip", "netns", "exec", router.net), environment={**os.environ, "TMPDIR": folder})
        running.recording()
        router.send("wwan0", 30)
        lab.wait_until("frames on this side", lambda: frames_of(os.path.join(into, "wwan0.pcap")) >= 30)
        run("ip", "-n", router.name, "link", "set", "eth1", "down")
        status, out, err = running.end()
        run("ip", "-n", router.name, "link", "set", "eth1", "up")
        check.same(f"exit ({err})", status, 4)
        check.true(err, "the connection to root@192.0.2.2 was lost" in err)
        check.true(out, "it was cut" in out)
    server.kill()
    _, log = server.communicate()
    if suite.failed:
        print("   dropbear: " + log.replace("\n", "\n   "))


class Screen:
    """What a program writes to its terminal."""

    def __init__(self, master):
        self.got = []
        threading.Thread(target=self.read, args=(master,), daemon=True).start()

    def read(self, master):
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                return
            if not piece:
                return
            self.got.append(piece)

    def text(self):
        return b"".join(self.got).decode(errors="replace")

    def holds(self, what):
        return what in self.text()


def oracle_snaplen(path):
    with open(path, "rb") as file:
        return int.from_bytes(file.read(24)[16:20], sys.byteorder)


def why_unable():
    why = lab.why_unable()
    if why:
        return why
    for tool in ("busybox", "dash", "jq", "ethtool"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None


def run_half(suite, half):
    """1 when something failed; an exception is a failure that is told."""
    code = 1
    die_with_parent()
    try:
        with tempfile.TemporaryDirectory(prefix="mptcp-grab-check") as folder, Router(folder) as router:
            os.chmod(folder, 0o755)
            for part in half:
                part(suite, router, folder)
        code = suite.end()
    except Exception as error:  # pylint: disable=broad-except
        print(f"not ok grab {half[0].__name__}: {error!r}")
    except SystemExit:
        pass
    sys.stdout.flush()
    return code


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    suite = oracle.Suite("grab")
    why = why_unable()
    if why:
        suite.skip("recording", why)
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    # Mostly waiting for routers: each half has one of its own, and a process.
    children = []
    for half in (check_recording, check_hostile, check_own_ssh), (check_trouble, check_real_ssh):
        child = os.fork()
        if not child:
            os._exit(run_half(suite, half))
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
