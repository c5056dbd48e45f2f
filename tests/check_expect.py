#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_expect.py - what a site says of itself reaches the report: UCI files, the configuration, profiles, and which of them
goes before which. The captures are fixtures; what must come out follows from their stories."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import oracle

FIXTURES = os.path.join(oracle.HERE, "..", "fixtures")
IDLE = [f"{wan}={os.path.join(FIXTURES, 'backup-idle', wan)}.pcap.gz" for wan in ("wan1", "wan2")]
NOW = ["--now", "2026-01-02T03:04:05Z"]

NETWORK = """
config interface 'loopback'
\toption device 'lo'
\toption proto 'static'
\toption ipaddr '127.0.0.1'
\toption netmask '255.0.0.0'

config globals 'globals'
\toption multipath 'enable'
\toption mptcp_scheduler 'default'

config interface 'lan'
\toption device 'eth0'
\toption proto 'static'
\toption ipaddr '192.168.100.1'
\toption netmask '255.255.255.0'
\toption multipath 'off'

config interface 'wan1'
\toption device 'eth1'
\toption proto 'dhcp'
\toption multipath 'master'

config interface 'wan2'
\toption device 'eth2'
\toption proto 'dhcp'
"""
OMR = """
config settings 'settings'
\toption proxy 'shadowsocks-rust'

config server 'vps'
\tlist ip '203.0.113.10'
\toption kernel '6.12'

config interface 'wan2'
\toption multipath 'backup'
"""
SYSTEM = """
config system
\toption hostname 'OpenMPTCProuter'
\toption timezone 'CET-1CEST,M3.5.0,M10.5.0/3'
\toption zonename 'Europe/Berlin'
"""
QUOTA = """
config interface 'wan2'
\toption enabled '1'
\toption ttquota '500000'
\toption interface 'wan2'
"""


def call(*arguments):
    done = subprocess.run([oracle.PROGRAM, *arguments], capture_output=True, timeout=oracle.HANG_LIMIT, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def audit(*arguments):
    status, out, err = call("report", *NOW, "--json", "-", *arguments)
    if status not in oracle.VERDICT_EXITS:
        raise oracle.Failure(f"exit {status}: {err.strip()[-300:]}")
    return json.loads(out)


def write(folder, **files):
    os.makedirs(folder, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(folder, name.replace("_", "-")), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


def roles(got):
    return {wan["name"]: (wan["role"], wan["role_source"], wan["role_from"]) for wan in got["wans"]}


def statuses(got, rule, wan=None):
    return [finding["status"] for finding in got["findings"] if finding["rule"] == rule and finding["wan"] == wan]


def check_uci(suite, folder):
    router = write(os.path.join(folder, "router"), network=NETWORK, openmptcprouter=OMR, system=SYSTEM, omr_quota=QUOTA)
    with suite.check("uci") as check:
        got = audit("--uci", router, *IDLE)
        check.same("roles", roles(got), {"wan1": ("master", "uci", "network.wan1.multipath"),
                                         "wan2": ("backup", "uci", "openmptcprouter.wan2.multipath")})
        check.same("verdict", got["verdict"], "pass")
        check.same("A6", statuses(got, "A6", "wan2"), ["pass"])
        expected = got["expected"]
        check.same("server", [(s["name"], s["addresses"], s["kernel"]) for s in expected["servers"]],
                   [("vps", ["203.0.113.10"], "6.12")])
        check.same("zone", expected["time_zone"],
                   {"value": "CET-1CEST,M3.5.0,M10.5.0/3", "source": "uci", "from": "system.system.timezone"})
        check.same("lans", expected["lans"], ["192.168.100.1/24"])
        plan = oracle.wans_of(got)["wan2"]["plan"]
        check.same("plan", (plan["quota_bytes"], plan["billing_day"], plan["from"]), (500000 * 1024, 1, "omr-quota.wan2"))
        check.same("plan of wan1", oracle.wans_of(got)["wan1"]["plan"], None)
        check.same("matched", [(w["name"], w["captured_as"], w["matched_by"]) for w in expected["wans"]],
                   [("wan1", "wan1", "name"), ("wan2", "wan2", "name")])
    with suite.check("uci, one file each") as check:
        files = [word for name in os.listdir(router) for word in ("--uci", os.path.join(router, name))]
        again = audit(*files, *IDLE)
        check.same("expected", again["expected"], got["expected"])
    with suite.check("uci, a copy of the whole router") as check:
        tree = os.path.join(folder, "tree", "etc")
        os.makedirs(tree)
        shutil.copytree(router, os.path.join(tree, "config"))
        check.same("expected", audit("--uci", os.path.dirname(tree), *IDLE)["expected"], got["expected"])
    with suite.check("uci in the text") as check:
        out = " ".join(call("report", *NOW, "--uci", router, *IDLE)[1].split())
        for words in ("wan2: backup (openmptcprouter.wan2.multipath); eth2", "server vps 203.0.113.10, kernel 6.12",
                      "scheduler default, time zone Europe/Berlin", "wan1, wan2: role as UCI says"):
            check.true(f"'{words}' is not said", words in out)
    return router


def check_devices(suite, router):
    """The same captures under the names of their devices."""
    with suite.check("matched by device") as check:
        got = audit("--uci", router, *[word.replace("wan1=", "eth1=").replace("wan2=", "eth2=") for word in IDLE])
        check.same("roles", roles(got), {"eth1": ("master", "uci", "network.wan1.multipath"),
                                         "eth2": ("backup", "uci", "openmptcprouter.wan2.multipath")})
        check.same("matched", [(w["name"], w["captured_as"], w["matched_by"]) for w in got["expected"]["wans"]],
                   [("wan1", "eth1", "device"), ("wan2", "eth2", "device")])


def check_signs(suite, folder):
    """The captures under names that say nothing: hardware addresses, own addresses and a recorder's devices tell them."""
    files = [word.replace("wan1=", "x=").replace("wan2=", "y=") for word in IDLE]
    one, two = "02:00:00:00:01:02", "198.51.100.2"  # of the lab that recorded backup-idle: see its captures
    with suite.check("matched by hardware address and address") as check:
        router = write(os.path.join(folder, "signs"), network=f"""
config interface 'fibre'
\toption device 'eth1'
\toption macaddr '{one.upper()}'
\toption proto 'dhcp'
\toption multipath 'master'
config interface 'lte'
\toption device 'eth2'
\toption proto 'static'
\toption ipaddr '{two}'
\toption netmask '255.255.255.0'
\toption gateway '198.51.100.1'
\toption multipath 'backup'
""")
        got = audit("--uci", router, *files)
        check.same("matched", [(w["name"], w["captured_as"], w["matched_by"]) for w in got["expected"]["wans"]],
                   [("fibre", "x", "mac"), ("lte", "y", "address")])
        check.same("roles", [row[0] for row in roles(got).values()], ["master", "backup"])
        check.same("verdict", got["verdict"], "pass")
        got = audit("--role", f"{one}=master", "--role", f"{two}/32=backup", *files)
        check.same("roles by flags", [row[0] for row in roles(got).values()], ["master", "backup"])
    with suite.check("matched by the device that a recording names") as check:
        spool = os.path.join(FIXTURES, "recorded", "spool")
        recorded = audit(spool)
        devices = {"wan1": "eth1", "wan2": "wwan0"}
        sections = "".join(f"config interface 'u{wan}'\n\toption device '{device}'\n\toption proto 'dhcp'\n"
                           f"\toption multipath 'on'\n" for wan, device in devices.items())
        got = audit("--uci", write(os.path.join(folder, "devices"), network=sections), spool)
        check.same("A6 of a role that the recording tells otherwise", sorted(
            f["wan"] for f in got["findings"] if f["rule"] == "A6" and "was recorded as" in f["text"]), ["wan2"])
        check.same("the first that is on is master when none is", roles(got)["wan1"][0], "master")
        check.same("roles of the recording", {w["role_source"] for w in recorded["wans"]}, {"capture"})
        check.same("UCI before the recording", {w["role_source"] for w in got["wans"]}, {"uci"})
        check.same("matched", [(w["name"], w["captured_as"], w["matched_by"]) for w in got["expected"]["wans"]],
                   [("uwan1", "wan1", "device"), ("uwan2", "wan2", "device")])


def check_precedence(suite, folder, router):
    config = os.path.join(folder, "site.ini")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[site]\nname=home\n[roles]\nwan2=on\n")
    with suite.check("precedence") as check:
        got = audit("--config", config, "--uci", router, *IDLE)
        check.same("config before UCI", roles(got)["wan2"], ("on", "config", "[roles] wan2"))
        check.same("UCI where the config is silent", roles(got)["wan1"][1], "uci")
        got = audit("--uci", router, "--config", config, "--role", "wan2=backup", *IDLE)
        check.same("flag before config", roles(got)["wan2"], ("backup", "flag", "--role wan2"))
        with open(config, "a", encoding="utf-8") as file:
            file.write("[wan wan2]\nrole=off\n")
        check.same("[roles] before a section", roles(audit("--config", config, *IDLE))["wan2"], ("on", "config", "[roles] wan2"))
        said = [f["text"] for f in audit("--config", config, "--uci", router, *IDLE)["findings"] if (f["rule"], f["wan"]) == ("A6", "wan2")]
        check.true(f"{said} does not say who told the role", "wan2 is configured as on ([roles] wan2), but" in said[0])
        check.same("A6 of a role that the wire denies",
                   statuses(audit("--config", config, "--uci", router, *IDLE), "A6", "wan2"), ["fail"])


SITE = """
[site]
name = home
zone = CET-1CEST,M3.5.0,M10.5.0/3
kernel = 5.4
[wan fibre]
role = master
device = wan1
[wan lte]
role = backup
device = wan2
quota = 20GiB
billing_day = 17
price = 19.90 EUR
standby_share = 0.01%
[vps one]
address = 203.0.113.10
kernel = 6.18
[lan]
network = 192.168.100.0/24
"""


def check_site(suite, folder):
    """A site that is no OpenMPTCProuter says the same in one INI file."""
    path = os.path.join(folder, "whole.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SITE)
    with suite.check("site") as check:
        got = audit("--config", path, *IDLE)
        check.same("site", got["site"], "home")
        check.same("roles", roles(got), {"wan1": ("master", "config", "whole.ini [wan fibre]"),
                                         "wan2": ("backup", "config", "whole.ini [wan lte]")})
        check.same("matched", [(w["name"], w["captured_as"], w["matched_by"]) for w in got["expected"]["wans"]],
                   [("fibre", "wan1", "device"), ("lte", "wan2", "device")])
        plan = oracle.wans_of(got)["wan2"]["plan"]
        check.same("plan", (plan["quota_bytes"], plan["billing_day"], plan["binary"], plan["price"], plan["currency"]),
                   (20 << 30, 17, True, 19.9, "EUR"))
        check.same("A1 by the WAN's own limit", statuses(got, "A1", "wan2"), ["warn"])
        check.same("own limits", [wan["own_limits"] for wan in got["wans"]], [{}, {"standby_share": 0.0001}])
        check.true("A1 does not tell that limit", "limit 0.01 %" in [f["text"] for f in got["findings"] if f["rule"] == "A1"][0])
        check.same("A23 of kernels that do not speak to each other", statuses(got, "A23"), ["warn"])
        check.same("a flag for all goes before",
                   statuses(audit("--config", path, "--limit", "standby_share=1%", *IDLE), "A1", "wan2"), ["pass"])
        check.same("a flag for the WAN", statuses(audit("--limit", "wan2:standby_share=0.01%", "--master", IDLE[0], "--backup",
                                                        IDLE[1]), "A1", "wan2"), ["warn"])
    # Linux b6a66e521a20 is in 6.11, 6.10.4 and 6.6.45; what "6.6", "6.10" or "6.1.100" hold nobody can say
    with suite.check("kernels on both sides of the backup fix") as check:
        for own, server, warned in (("6.6.44", "6.18", True), ("6.6.45", "6.18", False), ("6.6", "6.18", False), ("6.10.3", "6.12", True),
                                    ("6.10.4", "6.12", False), ("6.8.12", "6.11", True), ("6.1.100", "6.18", False),
                                    ("6.12", "6.18", False), ("6.18", "6.6.44", False), ("6.6.44", "6.6.44", False),
                                    ("5.4", "6.18", False), ("7.0", "6.18", False)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"[site]\nkernel = {own}\n[roles]\n*1 = master\n*2 = backup\n[vps one]\nkernel = {server}\n")
            said = [f["status"] for f in audit("--config", path, *IDLE)["findings"] if f["rule"] == "A7" and f["wan"] is None]
            check.same(f"{own} with {server}", said, ["warn"] if warned else [])
    with suite.check("the example in README.md") as check:
        with open(os.path.join(FIXTURES, "..", "README.md"), encoding="utf-8") as file:
            sample = file.read().split("```ini\n")[1].split("```")[0]
        with open(path, "w", encoding="utf-8") as file:
            file.write(sample)
        wans = {wan["name"]: wan for wan in audit("--config", path, *IDLE)["expected"]["wans"]}
        check.same("roles", {name: wan["role"] for name, wan in wans.items()}, {"fibre": "master", "lte": "backup"})
        check.same("quota", wans["lte"]["plan"]["quota_bytes"], 20 << 30)
    with suite.check("roles by glob") as check:
        with open(path, "w", encoding="utf-8") as file:
            file.write("[roles]\n*1 = master\n*2 = backup\n")
        check.same("roles", [row[0] for row in roles(audit("--config", path, *IDLE)).values()], ["master", "backup"])


def check_missing(suite, folder):
    """A backup that nobody captured is not a healthy one."""
    router = write(os.path.join(folder, "three"), openmptcprouter=OMR, network=NETWORK +
                   "config interface 'wan3'\n\toption device 'eth3'\n\toption proto 'dhcp'\n\toption multipath 'backup'\n"
                   "config interface 'wan4'\n\toption device 'eth4'\n\toption proto 'dhcp'\n\toption multipath 'off'\n")
    with suite.check("a WAN without a capture") as check:
        got = audit("--uci", router, *IDLE)
        check.same("verdict", got["verdict"], "not_assessed")
        check.same("A27", statuses(got, "A27"), ["not_assessed"])
        check.true(f"'{got['sentence']}' does not name wan3", "wan3 has the role backup" in got["sentence"])


def check_settings(suite, folder):
    with suite.check("a scheduler that ignores the backup flag") as check:
        for word, want in (("mptcp_bpf_red.o", ["warn"]), ("mptcp_bpf_rr", ["warn"]), ("bpf_redundancy", []),
                           ("redundant", []), ("mptcp_bpf_burst.o", []), ("default", [])):
            router = write(os.path.join(folder, "scheduler"), openmptcprouter=OMR,
                           network=NETWORK.replace("'default'", f"'{word}'"))
            check.same(word, statuses(audit("--uci", router, *IDLE), "A6"), want)
    with suite.check("MPTCP switched off") as check:
        router = write(os.path.join(folder, "off"), openmptcprouter=OMR, network=NETWORK.replace("'enable'", "'disable'"))
        check.same("A6", statuses(audit("--uci", router, *IDLE), "A6"), ["warn"])


def check_profiles(suite):
    """v0-redundant is built with copies on both of its WANs; backup-idle has one primary and none."""
    files = [os.path.join(FIXTURES, "v0-redundant", name) for name in sorted(os.listdir(os.path.join(FIXTURES, "v0-redundant")))
             if "pcap" in name]
    both = [word for path in files for word in ("--on", path)]
    with suite.check("profiles") as check:
        check.same("economy", statuses(audit(*both), "A5"), ["warn"])
        check.same("reliability", statuses(audit("--profile", "reliability", *both), "A5"), ["pass"])
        roled = ["--master", IDLE[0], "--backup", IDLE[1]]
        check.same("economy, no copies", statuses(audit(*roled), "A5"), [])
        check.same("reliability, one primary", statuses(audit("--profile", "reliability", *roled), "A5"), ["not_assessed"])
        got = audit("--profile", "reliability", *roled)
        check.same("told", got["expected"]["profile"], {"value": "reliability", "source": "flag", "from": "--profile"})


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def misfits(value, schema, root, where=""):
    """Where a value is not what the schema says: the words of JSON Schema that ours uses, no others."""
    if "$ref" in schema:
        target = root
        for word in schema["$ref"].split("/")[1:]:
            target = target[word]
        yield from misfits(value, target, root, where)
    for part in schema.get("allOf", ()):
        yield from misfits(value, part, root, where)
    names = schema.get("type", [])
    if names and not any(is_type(value, name) for name in ([names] if isinstance(names, str) else names)):
        yield f"{where}: {value!r} is no {names}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where}: {value!r} is out of range"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from misfits(item, schema["items"], root, f"{where}[{index}]")
    if isinstance(value, dict):
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{where}: {key} is missing"
        for key, item in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            yield from misfits(item, inner if isinstance(inner, dict) else {}, root, f"{where}.{key}")


def once(pairs):
    """An object whose members all have names of their own."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise oracle.Failure(f"a member twice among {names}")
    return dict(pairs)


def check_schema(suite):
    """Each report is what report/report.schema.json says."""
    with open(os.path.join(FIXTURES, "..", "report", "report.schema.json"), encoding="utf-8") as file:
        schema = json.load(file, object_pairs_hook=once)
    case = os.path.join(FIXTURES, "uci-router")
    files = [f"{wan}={os.path.join(case, wan)}.pcap" for wan in ("wan1", "wan2")]
    plan = os.path.join(FIXTURES, "data-plan", "site.ini")
    for name, arguments in (("schema, UCI", ["--uci", os.path.join(case, "wrong"), *files]),
                            ("schema, configuration", ["--config", plan, "--profile", "reliability", *IDLE]),
                            ("schema, a recording", [os.path.join(FIXTURES, "recorded", "spool")]),
                            ("schema, nothing told", IDLE)):
        with suite.check(name) as check:
            got = audit(*arguments)
            check.same("misfits", list(misfits(got, schema, schema))[:4], [])
            unknown = set(got) - set(schema["properties"])
            check.same("members that the schema does not know", unknown, set())


def check_refusals(suite, folder):
    empty = os.path.join(folder, "empty")
    os.makedirs(empty)
    large = os.path.join(folder, "network")
    with open(large, "wb") as file:
        file.write(b"#" * (1 << 20) + b"\n\n")
    os.mkfifo(os.path.join(empty, "system"))
    for name, arguments, want, words in (
            ("no such directory", ["--uci", os.path.join(folder, "none")], 66, "none"),
            ("no UCI file in it", ["--uci", FIXTURES], 66, "no network, openmptcprouter"),
            ("a fifo", ["--uci", empty], 66, "system"),
            ("too large", ["--uci", large], 78, "1 MiB"),
            ("a mistyped profile", ["--profile", "economi"], 64, 'did you mean "economy"')):
        with suite.check(name) as check:
            status, out, err = call("report", *arguments, *IDLE)
            check.same("exit", status, want)
            check.true(f"'{err.strip()}' does not hold '{words}'", words in err)


def main():
    suite = oracle.Suite("expect")
    oracle.need_program(suite)
    with tempfile.TemporaryDirectory(prefix="mptcp-audit-expect") as folder:
        router = check_uci(suite, folder)
        check_devices(suite, router)
        check_signs(suite, folder)
        check_precedence(suite, folder, router)
        check_site(suite, folder)
        check_missing(suite, folder)
        check_settings(suite, folder)
        check_profiles(suite)
        check_schema(suite)
        check_refusals(suite, folder)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
