#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lab.py - records fixtures from the real kernel: a router with several WANs, in network namespaces.

    lab.py list                            the cases, a line each
    lab.py record [--into DIR] [CASE...]   captures and truth.json of each case (default: all), into DIR/CASE
                                       (default: fixtures)
    lab.py able                            exit 0 when this machine can run the lab, else 1 and why

Needs root, tcpdump, iproute2, ethtool, nftables and a kernel with MPTCP. It makes three namespaces whose names
carry its process id, and removes them however it ends:

    client (wan1 wan2 ...) ===veth=== middle (a gateway per WAN) ===veth=== server (one address)

The captures are taken on the client's WAN devices, headers only. The truth beside them never comes from the
captures: kernel interface counters, byte counts of the programs, nstat, ss, MPTCP_INFO, times of events.
The lab waits for conditions; every wait has a generous limit after which it fails and says for what it waited.
"""
import contextlib
import ctypes
import gzip
import json
import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

IPPROTO_MPTCP = 262
SOL_MPTCP = 284
MPTCP_INFO = 1
SNAPLEN = 160
PORT, PLAIN_PORT, DNS_PORT = 5000, 5001, 53
HANG_LIMIT = 60

# Documentation ranges (RFC 5737, RFC 3849): client address, gateway, prefix of each WAN; the server.
WANS4 = [("192.0.2.2", "192.0.2.1", 24), ("198.51.100.2", "198.51.100.1", 25),
         ("198.51.100.130", "198.51.100.129", 25)]
SERVER4, SERVER4_GW = "203.0.113.10", "203.0.113.1"
WANS6 = [(f"2001:db8:{n}::2", f"2001:db8:{n}::1", 64) for n in (1, 2, 3)]
SERVER6, SERVER6_GW = "2001:db8:cafe::10", "2001:db8:cafe::1"


def wait_until(what, condition, limit=HANG_LIMIT, step=0.02):
    """The first true value of condition(); an exception naming `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"waited {limit} s in vain: {what}")
        time.sleep(step)


# ---- the programs inside the namespaces ----

def set_keepalive(sock, seconds):
    if seconds:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)


def mptcp_info(sock):
    """What the kernel says about a connection; {} when it is plain TCP."""
    try:
        raw = sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 96)
    except OSError:
        return {}
    flags, token = struct.unpack_from("=II", raw, 8)
    return {"subflows": raw[0], "fallback": bool(flags & 1), "token": f"{token:08x}"}


def send_paced(sock, total, rate):
    """Send `total` zero bytes at `rate` bytes per second (0: as fast as it goes). Returns bytes sent."""
    sent, start, piece = 0, time.monotonic(), bytes(min(14480, max(1448, rate // 10)) if rate else 14480)
    while sent < total:
        if rate:
            ahead = sent / rate - (time.monotonic() - start)
            if ahead > 0:
                time.sleep(ahead)
        part = piece[:min(len(piece), total - sent)]
        sock.sendall(part)
        sent += len(part)
    return sent


class Reader(threading.Thread):
    """Counts what comes in on a socket while somebody else sends on it."""

    def __init__(self, sock, received=0):
        super().__init__(daemon=True)
        self.sock, self.received = sock, received
        self.start()

    def run(self):
        while True:
            part = self.sock.recv(65536)
            if not part:
                break
            self.received += len(part)

    def end(self):
        self.join(HANG_LIMIT)
        return self.received


def serve_one(sock):
    """Answer one client: read a line that says what it wants, send it, then read until it closes."""
    line = b""
    while not line.endswith(b"\n"):
        part = sock.recv(1)
        if not part:
            return
        line += part
    want = json.loads(line)
    set_keepalive(sock, want["keepalive"])
    reader = Reader(sock, len(line)) if want["duplex"] else None
    sent = send_paced(sock, want["down"], want["rate"])
    received = reader.end() if reader else len(line)
    while True:
        part = sock.recv(65536)
        if not part:
            break
        received += len(part)
    print(json.dumps({"client_port": sock.getpeername()[1], "sent": sent, "received": received,
                      **mptcp_info(sock)}), flush=True)
    sock.close()


def program_serve(family, proto, port):
    sock = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET, socket.SOCK_STREAM,
                         IPPROTO_MPTCP if proto == "mptcp" else 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::" if family == "6" else "0.0.0.0", int(port)))
    sock.listen(256)
    print("ready", flush=True)
    while True:
        peer, _ = sock.accept()
        threading.Thread(target=serve_one, args=(peer,), daemon=True).start()


class Upload(threading.Thread):
    """Sends on a socket while somebody else reads from it."""

    def __init__(self, sock, total, rate):
        super().__init__(daemon=True)
        self.sock, self.total, self.rate, self.sent = sock, total, rate, 0
        self.start()

    def run(self):
        self.sent = send_paced(self.sock, self.total, self.rate)

    def end(self):
        self.join(HANG_LIMIT)
        return self.sent


def program_fetch(text):
    """One or more connections, at once or one after the other; each is held until a line on stdin says close."""
    want = json.loads(text)
    held, results = [], []
    for _ in range(want["count"]):
        sock = socket.socket(socket.AF_INET6 if ":" in want["server"] else socket.AF_INET, socket.SOCK_STREAM,
                             IPPROTO_MPTCP if want["proto"] == "mptcp" else 0)
        set_keepalive(sock, want["keepalive"])
        if want["source"]:
            sock.bind((want["source"], 0))
        row = {"t_connect": time.time()}
        sock.connect((want["server"], want["port"]))
        line = (json.dumps({k: want[k] for k in ("down", "rate", "keepalive", "duplex")}) + "\n").encode()
        sock.sendall(line)
        row.update(client_port=sock.getsockname()[1], sent=len(line), received=0)
        upload = Upload(sock, want["up"], want["duplex"]) if want["duplex"] else None
        while row["received"] < want["down"]:
            part = sock.recv(65536)
            if not part:
                break
            row["received"] += len(part)
        if want["joined"]:
            # A join is complete some milliseconds after the connection is; a short transfer is faster.
            wait_until("joins", lambda s=sock: mptcp_info(s).get("subflows", 0) >= want["joined"], 5)
        time.sleep(want["pause"])
        row["sent"] += upload.end() if upload else send_paced(sock, want["up"], want["rate"])
        results.append(row)
        row.update(mptcp_info(sock))
        if want["together"]:
            held.append((sock, row))
        else:
            close_one(sock, row)
    if want["together"]:
        print(json.dumps({"transferred": len(results)}), flush=True)
        sys.stdin.readline()
        for sock, row in held:
            close_one(sock, row)
    print(json.dumps({"connections": results}), flush=True)


def close_one(sock, row):
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(65536):
        pass
    sock.close()
    row["t_close"] = time.time()


def program_knock(server, port):
    """New connections, each given up after 3 s, until one is answered; then a few bytes over it."""
    tried = 0
    while True:
        tried += 1
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
        sock.settimeout(3)
        start = time.time()
        try:
            sock.connect((server, int(port)))
            break
        except TimeoutError:
            sock.close()
    sock.settimeout(None)
    line = (json.dumps({"down": 2000, "rate": 0, "keepalive": 0, "duplex": 0}) + "\n").encode()
    sock.sendall(line)
    row = {"source": sock.getsockname()[0], "client_port": sock.getsockname()[1], "t_connect": start, "sent": len(line),
           "received": 0, "tried": tried}
    while row["received"] < 2000:
        row["received"] += len(sock.recv(65536))
    row.update(mptcp_info(sock))
    close_one(sock, row)
    print(json.dumps(row), flush=True)


def program_ping(source, target, count, interval, tos, patience="2"):
    """Echo requests as OpenMPTCProuter's tracker sends them: 56 bytes, TOS 0xB8. Prints how many were answered; one that is not
    within `patience` seconds is given up. "stop" on stdin ends it early."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(tos, 0))
    sock.bind((source, 0))
    sock.settimeout(float(patience))
    answered = sent = 0
    for sequence in range(int(count)):
        if select.select([sys.stdin], [], [], 0)[0]:
            break
        sent += 1
        body = struct.pack("!BBHHH", 8, 0, 0, 0x4d50, sequence) + bytes(56)
        total = sum(struct.unpack(f"!{len(body) // 2}H", body))
        total = (total >> 16) + (total & 0xffff)
        body = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + body[4:]
        sock.sendto(body, (target, 0))
        while True:
            try:
                reply = sock.recv(256)
            except TimeoutError:
                break
            if reply[20] == 0 and reply[24:28] == body[4:8] and reply[12:16] == socket.inet_aton(target):
                answered += 1
                break
        time.sleep(float(interval))
    print(json.dumps({"sent": sent, "answered": answered}), flush=True)


DNS_QUERY = bytes.fromhex("1234 0100 0001 0000 0000 0000") + b"\x07example\x03org\x00" + bytes.fromhex("0001 0001")
DNS_ANSWER = (bytes.fromhex("1234 8180 0001 0001 0000 0000") + DNS_QUERY[12:] +
              bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000205"))


def program_dns_server():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", DNS_PORT))
    print("ready", flush=True)
    while True:
        _, peer = sock.recvfrom(512)
        sock.sendto(DNS_ANSWER, peer)


def program_dns(source, target, count):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.settimeout(2)
    for _ in range(int(count)):
        sock.sendto(DNS_QUERY, (target, DNS_PORT))
        sock.recv(512)
    print(json.dumps({"queries": int(count), "udp_payload": [len(DNS_QUERY), len(DNS_ANSWER)]}), flush=True)


PROGRAMS = {"_serve": program_serve, "_fetch": program_fetch, "_ping": program_ping, "_knock": program_knock,
            "_dns_server": program_dns_server, "_dns": program_dns}


# ---- the lab ----

class Fetch:
    """A running client program."""

    def __init__(self, lab, want):
        self.want, self.done = want, None
        self.process = lab.start("client", "_fetch", json.dumps(want))

    def read(self, key):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("client program ended early: " + self.process.stderr.read().decode()[-500:])
        return json.loads(line)[key]

    def transferred(self):
        """Wait for the last byte."""
        self.done = self.done or self.read("transferred")
        return self.done

    def close(self):
        """Let the program close what it holds; its rows."""
        self.process.stdin.close()
        rows = self.read("connections")
        self.process.wait(HANG_LIMIT)
        return rows


class Lab:
    def __init__(self, n_wans, family=4, sysctl=None):
        self.n_wans, self.family, self.sysctl = n_wans, family, dict(sysctl or {})
        self.names = {part: f"mac{os.getpid()}{part[0]}" for part in ("client", "middle", "server")}
        self.processes, self.events, self.commands = [], [], []
        self.subflows, self.connections, self.background = {}, [], {}
        self.wans = [f"wan{i + 1}" for i in range(n_wans)]
        self.addresses = dict(zip(self.wans, [w[0] for w in (WANS6 if family == 6 else WANS4)]))
        self.server = SERVER6 if family == 6 else SERVER4

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        try:
            self.build()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(self, *_):
        self.clean()

    def clean(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def run(self, part, *command):
        """Run a command in a namespace; its output. Failure is an exception with the command and what it said."""
        done = subprocess.run(["ip", "netns", "exec", self.names[part], *command], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def told(self, part, *command):
        """As run(), for what belongs to the story: it is written down."""
        self.commands.append({"t": round(time.time(), 3), "where": part, "command": " ".join(command)})
        return self.run(part, *command)

    def start(self, part, *arguments):
        process = subprocess.Popen(["ip", "netns", "exec", self.names[part], sys.executable, __file__, *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=die_with_parent)
        self.processes.append(process)
        return process

    def event(self, what):
        self.events.append({"t": time.time(), "what": what})

    def write_sysctl(self, part, values):
        script = "\n".join(f"echo '{v}' > /proc/sys/{k.replace('.', '/')}" for k, v in values.items())
        self.run(part, "sh", "-ec", script)

    def build(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "add", name], check=True)
        quiet = {"net.ipv6.conf.all.disable_ipv6": int(self.family == 4),
                 "net.ipv6.conf.default.disable_ipv6": int(self.family == 4),
                 "net.ipv6.conf.default.router_solicitations": 0, "net.ipv6.conf.default.accept_ra": 0,
                 "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.default.rp_filter": 0,
                 "net.mptcp.enabled": 1, **self.sysctl}
        for part in self.names:
            self.write_sysctl(part, quiet)
            self.run(part, "ip", "link", "set", "lo", "up")
        self.write_sysctl("middle", {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
        for index in range(self.n_wans):
            self.build_wan(index)
        gateway = SERVER6_GW if self.family == 6 else SERVER4_GW
        prefix = 64 if self.family == 6 else 24
        self.build_pair("srv", "server", f"{self.server}/{prefix}", "mid", "middle", f"{gateway}/{prefix}", 9)
        self.run("server", "ip", f"-{self.family}", "route", "add", "default", "via", gateway)
        for part in ("client", "server"):
            self.run(part, "ip", "mptcp", "limits", "set", "subflow", "8", "add_addr_accepted", "8")

    def build_pair(self, a, part_a, address_a, b, part_b, address_b, number):
        subprocess.run(["ip", "link", "add", a, "netns", self.names[part_a], "type", "veth",
                        "peer", "name", b, "netns", self.names[part_b]], check=True)
        for device, part, address, side in ((a, part_a, address_a, 2), (b, part_b, address_b, 1)):
            self.run(part, "ip", "link", "set", device, "address", f"02:00:00:00:{number:02x}:{side:02x}")
            nodad = ["nodad"] if self.family == 6 else []
            self.run(part, "ip", "address", "add", address, "dev", device, *nodad)
            self.run(part, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", "tx", "off")
            self.run(part, "ip", "link", "set", device, "up")

    def build_wan(self, index):
        address, gateway, prefix = (WANS6 if self.family == 6 else WANS4)[index]
        wan, table = self.wans[index], str(101 + index)
        self.build_pair(wan, "client", f"{address}/{prefix}", f"m{index + 1}", "middle", f"{gateway}/{prefix}",
                        index + 1)
        ip = ["ip", f"-{self.family}"]
        self.run("client", *ip, "rule", "add", "from", address, "lookup", table)
        self.run("client", *ip, "route", "add", "default", "via", gateway, "dev", wan, "table", table)
        self.run("client", *ip, "route", "add", "default", "via", gateway, "dev", wan, "metric", str(10 + index))

    # -- measuring --

    def counters(self):
        """Kernel counters of the client's WAN devices."""
        out = {}
        for link in json.loads(self.run("client", "ip", "-s", "-j", "link")):
            if link["ifname"] in self.wans:
                stats = link["stats64"]
                out[link["ifname"]] = {f"{d}_{what}": stats[d][what] for d in ("tx", "rx")
                                       for what in ("bytes", "packets", "dropped")}
        return out

    def quiet(self, seconds=0.5):
        """Wait until no WAN moved a packet for `seconds`; the counters then."""
        last, since = self.counters(), time.monotonic()

        def still():
            nonlocal last, since
            now = self.counters()
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since >= seconds

        wait_until("the WANs to fall quiet", still, step=0.1)
        return last

    def nstat(self, part):
        return json.loads(self.run(part, "nstat", "-asj"))["kernel"]

    def sample(self):
        """Remember the last thing ss says of each subflow, seen from the client."""
        for line in self.run("client", "ss", "-tniHO").splitlines():
            words = line.split()
            if len(words) < 5 or words[0] not in ("ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"):
                continue
            local = words[3].rsplit(":", 1)
            address = local[0].strip("[]").split("%")[0].replace("::ffff:", "")
            wan = next((w for w, a in self.addresses.items() if a == address), None)
            if not wan:
                continue
            number = {k: int(v) for k, v in re.findall(r"\b(bytes_\w+):(\d+)", line)}
            mptcp = re.search(r"tcp-ulp-mptcp flags:(\S+) token:(\S+)", line)
            key = (wan, int(local[1]))
            self.subflows[key] = {
                "wan": wan, "local_port": key[1], "remote": words[4], "mptcp": bool(mptcp),
                "flags": mptcp[1] if mptcp else "",
                "initial_subflow": bool(mptcp) and "J" not in mptcp[1] and "j" not in mptcp[1],
                # bytes_acked counts the SYN of the side that opened
                "tcp_payload_sent": max(0, number.get("bytes_acked", 0) - 1),
                "tcp_payload_received": number.get("bytes_received", 0),
                "bytes_retrans_sent": number.get("bytes_retrans", 0)}

    # -- acting --

    def endpoint(self, number, *flags):
        """An MPTCP endpoint on wanN with its id = N."""
        wan = f"wan{number}"
        self.told("client", "ip", "mptcp", "endpoint", "add", self.addresses[wan], "id", str(number), "dev", wan, *flags)

    def serve(self, proto="mptcp", port=PORT):
        process = self.start("server", "_serve", str(self.family), proto, str(port))
        if process.stdout.readline().strip() != b"ready":
            raise RuntimeError("server program: " + process.stderr.read().decode()[-500:])
        self.servers = getattr(self, "servers", []) + [process]

    def fetch(self, down, rate=0, keepalive=0, count=1, together=True, joined=0, source=None, proto="mptcp",
              port=PORT, up=0, duplex=0, pause=0):
        """`duplex`: the upload runs beside the download, at this rate; `pause`: seconds between them."""
        return Fetch(self, {"server": self.server, "port": port, "proto": proto, "down": down, "up": up, "rate": rate,
                            "keepalive": keepalive, "count": count, "together": together, "joined": joined,
                            "source": source, "duplex": duplex, "pause": pause})

    def finish(self, fetch):
        """Wait for its bytes, sample, close, write down what the program counted."""
        if fetch.want["together"]:
            fetch.transferred()
            self.sample()
        self.event("close")
        for row in fetch.close():
            self.note_connection(row, fetch.want["source"], fetch.want["port"], fetch.want["proto"])

    def note_connection(self, row, source, port=PORT, proto="mptcp"):
        """What a client program counted of a connection."""
        opened = next((w for w, a in self.addresses.items() if a == source), "wan1")
        self.connections.append({
            "client_port": row["client_port"], "opened_over": opened, "t_connect": row["t_connect"],
            "t_close": row["t_close"], "client_sent_app_bytes": row["sent"],
            "client_received_app_bytes": row["received"], "client_token": row.get("token"),
            "server_port": port, "proto": proto, "fallback_to_tcp": row.get("fallback")})

    @contextlib.contextmanager
    def tracker(self, wan, count, interval=0.1):
        """Pings as OpenMPTCProuter sends them on a WAN, beside what the block does; both end before it does."""
        process = self.start("client", "_ping", self.addresses[wan], self.server, str(count), str(interval), "0xb8")
        yield
        self.background["ping"] = json.loads(process.communicate(timeout=HANG_LIMIT)[0])

    def server_counts(self):
        """What the server programs counted, joined to the client's rows by the client's port."""
        rows = {row["client_port"]: row for row in self.connections}
        missing = set(rows)
        for process in getattr(self, "servers", []):
            os.set_blocking(process.stdout.fileno(), False)

        def all_in():
            for process in getattr(self, "servers", []):
                for line in process.stdout.readlines():
                    got = json.loads(line)
                    row = rows.get(got["client_port"])
                    if row is not None:
                        row["server_sent_app_bytes"] = got["sent"]
                        row["server_received_app_bytes"] = got["received"]
                        row["server_token"] = got.get("token")
                        missing.discard(got["client_port"])
            return not missing

        wait_until("the server's byte counts", all_in, 10)

    def strip_options(self, number):
        """Replace MPTCP options by padding on wanN, as some carriers do."""
        device = f"m{number}"
        self.told("middle", "nft", "add table inet lab; add chain inet lab forward { type filter hook forward priority 0; }; "
                  f"add rule inet lab forward iifname {device} reset tcp option mptcp; "
                  f"add rule inet lab forward oifname {device} reset tcp option mptcp")

    def rate(self, number, rate):
        """Limit wanN both ways, with a queue long enough to lose nothing."""
        for part, device in (("client", f"wan{number}"), ("middle", f"m{number}")):
            self.told(part, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "16kb",
                      "latency", "500ms")

    def wan_bytes(self, wan):
        row = self.counters()[wan]
        return row["rx_bytes"] + row["tx_bytes"]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Recorder:
    """tcpdump on each WAN of a lab, and the kernel's counters around it."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.dumps = lab, folder, {}

    def path(self, wan):
        return os.path.join(self.folder, f"{wan}.pcap")

    def begin(self):
        self.lab.quiet()
        for wan in self.lab.wans:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.lab.names["client"], "tcpdump", "-i", wan, "-n", "-s", str(SNAPLEN),
                 "-U", "-Z", "root", "-B", "8192", "-w", self.path(wan)],
                stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
            self.lab.processes.append(process)
            self.dumps[wan] = process
            line = ""
            while "listening on" not in line:
                line = process.stderr.readline()
                if not line:
                    raise RuntimeError(f"tcpdump on {wan} ended at once")
        self.before = self.lab.quiet()
        self.lab.event("capture started")

    def frames(self, wan):
        """Whole records in the file so far."""
        with open(self.path(wan), "rb") as file:
            data = file.read()
        at, count = 24, 0
        while at + 16 <= len(data):
            size = struct.unpack_from("=I", data, at + 8)[0]
            if at + 16 + size > len(data):
                break
            at, count = at + 16 + size, count + 1
        return count

    def end(self):
        after = self.lab.quiet()
        delta = {wan: {k: after[wan][k] - self.before[wan][k] for k in after[wan]} for wan in self.lab.wans}
        for wan in self.lab.wans:
            want = delta[wan]["tx_packets"] + delta[wan]["rx_packets"]
            try:
                wait_until(f"tcpdump to write all of {wan}", lambda: self.frames(wan) >= want, 5)
            except RuntimeError:
                pass        # truth.json will show the difference
        self.lab.event("capture stop")
        said = {}
        for wan, process in self.dumps.items():
            process.send_signal(signal.SIGINT)
            said[wan] = " / ".join(line.strip() for line in process.stderr.read().splitlines() if "packets" in line)
            process.wait(HANG_LIMIT)
        return delta, said

    def pack(self):
        for wan in self.lab.wans:
            with open(self.path(wan), "rb") as file:
                data = file.read()
            with open(self.path(wan) + ".gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as out:
                out.write(data)
            os.unlink(self.path(wan))


# ---- the cases: each a story ----

CASES = {}      # those of lab_outages.py join when the lab is run


def register_into(cases):
    """The decorator of a story: which WANs it has, and what they are for."""
    def case(roles, family=4, sysctl=None):
        def register(function):
            cases[function.__name__.replace("_", "-")] = (function, roles, family, sysctl)
            return function
        return register
    return case


case = register_into(CASES)


@case({"wan1": "master", "wan2": "backup"})
def backup_idle(lab):
    """one paced download on the master, the backup only kept alive, then silence"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(2_400_000, rate=800_000, keepalive=1, joined=1)
    before = lab.nstat("client").get("TcpExtTCPKeepAlive", 0)
    wait_until("keepalives in the silence after the download",
               lambda: lab.nstat("client").get("TcpExtTCPKeepAlive", 0) >= before + 6)
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup"})
def failover(lab):
    """wan1 loses its carrier for some seconds during a download and comes back"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(3_000_000, rate=200_000, joined=1)
    wait_until("400 kB on wan1", lambda: lab.wan_bytes("wan1") > 400_000)
    lab.event("wan1 link down")
    lab.told("middle", "ip", "link", "set", "m1", "down")
    wait_until("600 kB on wan2", lambda: lab.wan_bytes("wan2") > 600_000)
    lab.told("middle", "ip", "link", "set", "m1", "up")
    lab.event("wan1 link up")
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup"})
def leak(lab):
    """wan2 should be a backup, but its endpoint lacks the flag: payload flows on it"""
    lab.endpoint(2, "subflow")
    for number in (1, 2):
        lab.rate(number, "6mbit")
    lab.serve()
    lab.finish(lab.fetch(2_400_000, rate=1_100_000, joined=1))


@case({"wan1": "master", "wan2": "backup"})
def short_connections(lab):
    """sixty short connections: the backup costs more than 1 % without one byte of payload"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    lab.finish(lab.fetch(20_000, count=60, together=False, joined=1))


@case({"wan1": "master", "wan2": "backup"})
def fallback(lab):
    """the server speaks plain TCP only"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve("tcp")
    with lab.tracker("wan2", 15):
        lab.finish(lab.fetch(1_200_000, rate=1_200_000))


@case({"wan1": "master", "wan2": "backup"})
def stripped(lab):
    """a box on wan2 removes MPTCP options: no join ever succeeds there"""
    lab.endpoint(2, "subflow", "backup")
    lab.strip_options(2)
    lab.serve()
    with lab.tracker("wan2", 15):
        lab.finish(lab.fetch(1_200_000, rate=1_200_000))


@case({"wan1": "master", "wan2": "backup"})
def background(lab):
    """tracker pings, DNS and plain TCP on the backup beside a healthy MPTCP connection"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    lab.serve("tcp", PLAIN_PORT)
    dns = lab.start("server", "_dns_server")
    dns.stdout.readline()
    fetch = lab.fetch(1_600_000, rate=800_000, joined=1)
    source = lab.addresses["wan2"]
    with lab.tracker("wan2", 10):
        process = lab.start("client", "_dns", source, SERVER4, "5")
        lab.background["dns"] = json.loads(process.communicate(timeout=HANG_LIMIT)[0])
        lab.finish(lab.fetch(20_000, source=source, proto="tcp", port=PLAIN_PORT))
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup"})
def standing_by(lab):
    """two minutes of all that keeps a backup ready: a tracker's pings, a proxy check each 10 s, keepalives each 15 s"""
    lab.endpoint(2, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(20_000, keepalive=15, joined=1)
    time.sleep(1)   # the first one is open when the others begin
    start = time.monotonic()
    with lab.tracker("wan2", 48, 2.5):
        for check in range(12):
            time.sleep(max(0, start + 10 * check - time.monotonic()))
            lab.finish(lab.fetch(200, together=False, joined=1))
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup", "wan3": "backup"}, family=6)
def ipv6(lab):
    """as backup-idle, over IPv6 and with two backups"""
    lab.endpoint(2, "subflow", "backup")
    lab.endpoint(3, "subflow", "backup")
    lab.serve()
    fetch = lab.fetch(1_600_000, rate=800_000, keepalive=1, joined=2)
    wait_until("keepalives", lambda: lab.nstat("client").get("TcpExtTCPKeepAlive", 0) >= 6)
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup"})
def mp_prio(lab):
    """the backup becomes a normal subflow in the middle, and a backup again (MP_PRIO twice)"""
    lab.endpoint(2, "subflow", "backup")
    for number in (1, 2):
        lab.rate(number, "5mbit")
    lab.serve()
    fetch = lab.fetch(3_200_000, rate=900_000, joined=1)
    wait_until("500 kB on wan1", lambda: lab.wan_bytes("wan1") > 500_000)
    lab.event("wan2 no longer backup")
    lab.told("client", "ip", "mptcp", "endpoint", "change", "id", "2", "nobackup")
    wait_until("300 kB on wan2", lambda: lab.wan_bytes("wan2") > 300_000)
    lab.event("wan2 backup again")
    lab.told("client", "ip", "mptcp", "endpoint", "change", "id", "2", "backup")
    lab.finish(fetch)


@case({"wan1": "master", "wan2": "backup", "wan3": "backup"})
def many_connections(lab):
    """a hundred connections open at once, each with a standby subflow on both backups"""
    lab.endpoint(2, "subflow", "backup")
    lab.endpoint(3, "subflow", "backup")
    lab.serve()
    lab.finish(lab.fetch(12_000, count=100, joined=2))


# ---- recording ----

def record(name, into):
    function, roles, family, sysctl = CASES[name]
    folder = os.path.join(into, name)
    os.makedirs(folder, exist_ok=True)
    with Lab(len(roles), family, sysctl) as lab:
        recorder = Recorder(lab, folder)
        before = {part: lab.nstat(part) for part in ("client", "server")}
        recorder.begin()
        function(lab)
        delta, said = recorder.end()
        lab.server_counts()
        after = {part: lab.nstat(part) for part in ("client", "server")}
        truth = {
            "case": name, "what": function.__doc__, "kernel": platform.release().split("-")[0], "snaplen": SNAPLEN,
            "roles": roles, "client_addrs": lab.addresses, "server_addr": lab.server,
            "wan_truth": {wan: {"role": roles[wan], "tx_bytes": d["tx_bytes"], "rx_bytes": d["rx_bytes"],
                                "total_bytes": d["tx_bytes"] + d["rx_bytes"],
                                "packets": d["tx_packets"] + d["rx_packets"]} for wan, d in delta.items()},
            "nstat_delta": {part: {k: v - before[part].get(k, 0) for k, v in sorted(after[part].items())
                                   if v != before[part].get(k, 0) and k.startswith(("MPTcp", "TcpExt", "Tcp"))}
                            for part in after},
            "truth_connections": lab.connections, "truth_subflows": list(lab.subflows.values()),
            "background": lab.background, "capture": said, "events": lab.events, "commands": lab.commands}
        recorder.pack()
        with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as file:
            json.dump(truth, file, indent=1)
            file.write("\n")
    return truth


def why_unable():
    """None, or the reason why this machine cannot run the lab."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in ("ip", "tcpdump", "ethtool", "nft", "ss", "nstat", "tc"):
        if not any(os.access(os.path.join(d, tool), os.X_OK) for d in
                   os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]):
            return f"{tool} is not installed"
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP).close()
    except OSError as error:
        return f"this kernel has no MPTCP ({error.strerror})"
    name = f"mac{os.getpid()}t"
    why = None
    for command in (["ip", "netns", "add", name], ["ip", "netns", "exec", name, "true"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = f"{' '.join(command[:3])}: {done.stderr.strip()}"
            break
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return why


def main(arguments):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if arguments and arguments[0] in PROGRAMS:
        return PROGRAMS[arguments[0]](*arguments[1:])
    import lab_outages      # which takes what it needs from here
    CASES.update(lab_outages.CASES)
    if arguments[:1] == ["list"]:
        for name, (function, roles, _, _) in CASES.items():
            print(f"{name:18} {len(roles)} WANs  {function.__doc__}")
        return 0
    if arguments[:1] == ["able"]:
        why = why_unable()
        print(why or "able")
        return 1 if why else 0
    if arguments[:1] != ["record"]:
        print(__doc__, file=sys.stderr)
        return 64
    into = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
    names = arguments[1:]
    if names[:1] == ["--into"] and len(names) > 1:
        into, names = names[1], names[2:]
    for name in names or CASES:
        if name not in CASES:
            print(f"lab.py: no case {name}; 'lab.py list' names them", file=sys.stderr)
            return 64
        start = time.monotonic()
        truth = record(name, into)
        print(f"{name:18} {time.monotonic() - start:5.1f} s  " + "  ".join(
            f"{wan} {row['packets']} packets {row['total_bytes']} B" for wan, row in truth["wan_truth"].items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
